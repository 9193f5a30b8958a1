/* Callbacks: judged, parsed, journaled, answered, in that order. A callback that announces something we
 * carry is answered 200 only after it is on disk. */
#ifndef FLOW_INGEST_H
#define FLOW_INGEST_H

#include "flow/flow.h"

struct http_in_call;
struct ingest;

/* Events that did not come by a callback of their own (a kept one that can be read now, a page of history)
 * go the way of a callback's. Takes the arena over, with all that events point to. fed is called once,
 * perhaps within this call, when all of them are on disk or need not be. */
struct fed {
	bool is_failed; /* not all of them: to be fed again */
	size_t stored;  /* that were news */
};
void ingest_feed(struct ingest *g, struct endpoint *e, struct arena *a, struct event_list *events,
    void (*fed)(void *arg, const struct fed *fed), void *arg);

/* The same for a conversation that was read after the request of ours that was answered then. */
void ingest_feed_read(struct ingest *g, struct endpoint *e, struct arena *a,
    struct event_list *events, int64_t answered_ms, void (*fed)(void *arg, const struct fed *fed),
    void *arg);

struct ingest *ingest_new(struct flow *f);
void ingest_free(struct ingest *g); /* takes NULL; after the listeners are gone */
/* Takes a call whose path begins with /hooks/ and answers it, now or later. */
void ingest_take(struct ingest *g, struct http_in_call *call);
/* Why new callbacks cannot be taken now: DRAINING, DISK_FULL, STORE; REFUSE_NONE: they can. */
enum refusal ingest_closed(const struct ingest *g);

/* Under which key it is known, or will be. */
const char *ingest_key(const struct endpoint *e, struct arena *a, const struct event *event);
/* Whether it goes further than parsing; and whether it is, for all of the endpoint's bridges, their own. */
bool ingest_wants(const struct endpoint *e, const struct event *event);
bool ingest_is_echo(const struct endpoint *e, const struct event *event);

size_t ingest_pending(const struct ingest *g); /* calls not answered yet */

#endif
