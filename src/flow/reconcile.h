/* Reconciliation: what an endpoint has is compared with what its callbacks have told us, over its
 * ordinary reading requests, slowly and all the time; what they did not tell is taken in late. Where there
 * are no callbacks the same is done often, and that is how its messages come. */
#ifndef FLOW_RECONCILE_H
#define FLOW_RECONCILE_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/flow.h"

struct sweep;

enum sweep_why {
	SWEEP_EVERY,   /* the interval is over */
	SWEEP_START,   /* the relay was not there for a while */
	SWEEP_REFUSED, /* a callback was answered 503 or 413 */
	SWEEP_SILENCE, /* none came for long, and now one has */
	SWEEP_YOUNGER, /* what was too young the last time */
	SWEEP_ASKED,   /* somebody wants it */
	SWEEP_POLL,    /* it is polled, and it is time */
	SWEEP_WOKEN    /* it is polled, and says that there is something */
};
const char *sweep_why_word(enum sweep_why why);

/* What is known of one that is over, or under way. */
struct sweep_report {
	enum sweep_why why;
	bool is_dry, is_running, is_failed;
	int64_t since_ms, begun_ms, ended_ms; /* begun 0: none ever */
	size_t conversations, checked, missing, repaired, unreadable;
};

/* When the first of its bridges began, but not so long ago that what is kept of copies is over. */
int64_t sweep_earliest(const struct endpoint *e);

struct sweep *sweep_new(struct endpoint *e);
void sweep_free(struct sweep *s);                 /* takes NULL */
int sweep_load(struct sweep *s, struct err *err); /* before store_start */
void sweep_start(struct sweep *s);
/* The configuration is another: its interval counts from the last one on. */
void sweep_reload(struct sweep *s);
/* A callback could not be taken: compared as soon as the store takes something again. */
void sweep_refused(struct sweep *s);
/* A callback has come; before last_hook_ms of the endpoint is set. */
void sweep_heard(struct sweep *s);
/* The platform that is polled says that now is a time to. */
void sweep_wake(struct sweep *s);
/* Now, by somebody's wish. since_ms 0: as usual. False: one is under way. */
bool sweep_ask(struct sweep *s, int64_t since_ms, bool is_dry);
void sweep_report(const struct sweep *s, struct sweep_report *out);

#endif
