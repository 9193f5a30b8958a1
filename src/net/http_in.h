/* Requests we receive: evhttp listeners that hand every whole request to one handler, and carry its
 * answer back, at once or later. No path is known here.
 *
 * What is refused before the handler sees it: {"error":"too_large"} 413 (body), "header_too_large" 431,
 * "busy" 503 (max_bodies), "timeout" 408. Malformed HTTP, a body more than twice its limit, and headers
 * 64 KiB above theirs get the library's bare answer. The process ignores SIGPIPE. */
#ifndef NET_HTTP_IN_H
#define NET_HTTP_IN_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/http.h"

struct arena;
struct loop;
struct http_server;
struct http_in_call;

/* 0 takes what stands in brackets. */
struct http_server_options {
	size_t max_body; /* bytes of one request's body; above: 413 (8 MiB) */
	/* bytes of all requests being received, and of bodies whose calls wait for an answer; above:
	 * 503 (32 MiB) */
	size_t max_bodies;
	size_t max_header;          /* bytes of request line and headers; above: 431 (16 KiB) */
	unsigned max_connections;   /* above: nobody is accepted until one ends (512) */
	int64_t read_timeout_msecs; /* first byte of a request to its last (10 s) */
	int64_t idle_msecs;         /* how long an idle connection is kept (60 s) */
};

struct http_server *http_server_new(struct loop *l, const struct http_server_options *options);
/* Other limits, from the next request or connection on. */
void http_server_limit(struct http_server *s, const struct http_server_options *options);
/* Connections are closed; calls that are not answered yet stay valid, and their http_reply only frees
 * them. Not from inside on_request. Takes NULL. */
void http_server_free(struct http_server *s);

/* address is "host:port" or "[v6]:port", port 0 any free one; may be called several times. -1: err. */
int http_server_listen(struct http_server *s, const char *address, struct err *err);
/* A socket left behind by a dead process is replaced; one that somebody answers on is an error. The
 * file is removed when nobody is accepted any more. mode: 0660. */
int http_server_listen_unix(struct http_server *s, const char *path, unsigned mode,
    struct err *err);
/* Port of the first TCP listener, 0 where there is none. */
unsigned http_server_port(const struct http_server *s);

/* on_request runs on the loop for each request; the call is its own until http_reply. Until a handler
 * is set, 404 is the answer. */
void http_server_route(struct http_server *s,
    void (*on_request)(struct http_in_call *call, void *arg), void *arg);

/* Accepts nobody any more; idle connections are closed, requests under way are finished, and their
 * answers say that the connection ends. May be called twice. */
void http_server_drain(struct http_server *s);
/* Calls not answered yet; with drain, 0 means that nothing is left to wait for but the last bytes of
 * answers, see http_server_connections. */
size_t http_server_busy(const struct http_server *s);
size_t http_server_connections(const struct http_server *s);

/* The request, borrowed until http_reply, also when the peer has gone meanwhile. body is one piece
 * with a NUL behind it and may hold NULs. `method` of something unknown to HTTP is "OTHER"; `path` and
 * `query` are as they came, percent signs and all; `peer` of a Unix socket is "uid 1000". */
const struct http_in *http_in_call_request(const struct http_in_call *call);
/* Memory that lives as long as the call. */
struct arena *http_in_call_arena(struct http_in_call *call);

/* The peer has gone: whatever is answered, nobody hears it. */
bool http_in_call_is_gone(const struct http_in_call *call);

/* Answers, exactly once per call, now or later; the call is gone when this returns. Nothing is kept
 * of what the arguments point to. extra: headers beside Content-Type, Content-Length, Date and
 * Connection. content_type NULL: no Content-Type. HEAD: the body is counted, not sent. */
void http_reply(struct http_in_call *call, int status, const struct http_header *extra,
    size_t nextra, const char *content_type, const void *body, size_t body_len);
/* The same with len bytes of a file, from offset from on; they are sent without being read into memory. fd is
 * taken over. */
void http_reply_file(struct http_in_call *call, int status, const struct http_header *extra,
    size_t nextra, const char *content_type, int fd, int64_t from, int64_t len);
/* The same with {"error":"<word>"} as application/json. retry_after_secs 0, allow NULL: no such
 * header (405 has to have Allow, 429 and 503 Retry-After). */
void http_refuse(struct http_in_call *call, int status, const char *word, int retry_after_secs,
    const char *allow);

#endif
