/* Requests we make: curl's multi interface on the loop.
 *
 * The one promise that matters here: a request that is not `repeatable` reaches the far side at most
 * once, whatever connections do, and where nobody can say whether it did, the answer says `sent`. One
 * that is repeatable may be repeated where a kept connection turns out to be dead, but need not be.
 * The process ignores SIGPIPE. */
#ifndef NET_HTTP_OUT_H
#define NET_HTTP_OUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/http.h"

struct loop;
struct http_out;
struct http_call;

/* 0 and NULL take what stands in brackets. Texts are copied. */
struct http_out_options {
	const char *ca_file;    /* PEM, roots believed beside the system's (none) */
	const char *user_agent; /* ("tieline/VERSION") */
	size_t max_answer;      /* bytes of one body; above: TRANSPORT_TOO_LARGE (64 MiB) */
	/* A connection idle for as long is not used again (4 s: less than any far side's keep-alive).
	 * Whole seconds count, rounded down, at least 1. */
	int64_t max_idle_msecs;
	long max_connections; /* open at once, all hosts together; requests above it wait (512) */
};

/* NULL, and err says why: ca_file cannot be read, or holds no certificate. */
struct http_out *http_out_new(struct loop *l, const struct http_out_options *options,
    struct err *err);
/* Requests under way are cancelled: their done does not run. Takes NULL. */
void http_out_free(struct http_out *o);

/* Starts req. What it points to is borrowed until done runs (req itself is copied): once, on the
 * loop, never inside this call. resp and what it points to is valid inside done only. done may start
 * and cancel calls. A request that cannot even be started (no http or https url) is told by done like
 * any other: TRANSPORT_CONNECT, not sent. timeout_msecs counts from now and bounds everything, also
 * waiting for a connection (0: 30 s). Redirects are not followed (but with `into`): a 3xx is a status like
 * others. A file that is sent (parts) is read meanwhile. */
struct http_call *http_out_start(struct http_out *o, const struct http_req *req,
    void (*done)(void *arg, const struct http_resp *resp), void *arg);
/* done will not run; what was sent stays sent. Nothing is borrowed any more. Not for a call whose
 * done has begun. */
void http_out_cancel(struct http_call *call);

size_t http_out_busy(const struct http_out *o); /* calls whose done has not run yet */

/* The version of the library behind it. */
const char *http_out_library(void);

#endif
