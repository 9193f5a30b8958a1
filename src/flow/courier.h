/* Carries the head of a lane across: one trip per lane at a time, its requests through the gate of the
 * target, every hand-over on disk before the next. */
#ifndef FLOW_COURIER_H
#define FLOW_COURIER_H

#include <stdbool.h>
#include <stddef.h>

#include "core/ids.h"
#include "flow/flow.h"
#include "flow/lanes.h"

/* Who wants to know what trips bring about (the router). */
struct courier_watch {
	void *arg;
	/* A conversation at an endpoint is known now, and linked. */
	void (*opened)(void *arg, struct endpoint *e, const char *conversation,
	    const struct row_link *link);
	void (*changed)(void *arg, int64_t link);     /* something about a link is not as it was */
	void (*ended)(void *arg, struct endpoint *e); /* a trip to that endpoint */
};

struct courier *courier_new(struct flow *f);
void courier_watch(struct courier *c,
    const struct courier_watch *watch); /* before the first trip */
void courier_free(struct courier *c);   /* trips under way are abandoned; takes NULL */

/* Starts the trip of a delivery that is claimed on disk. The lane is BUSY; row is copied, the letter
 * referenced. */
void courier_start(struct courier *c, struct lane *lane, const struct row_trip *row,
    struct letter *letter);
/* The same for one that a former life left in flight, or in doubt. */
void courier_resume(struct courier *c, struct lane *lane, const struct row_trip *row,
    struct letter *letter);
/* Our own message came back: if the trip that wrote it still waits for its answer or is in doubt, this
 * is the answer. False: no trip waits for it. */
bool courier_echo(struct courier *c, int bridge, const struct mark *mark,
    const struct event *event);
/* Whether a trip is just opening the conversation that event is about, or one with the same person
 * there: nobody knows it yet, and soon somebody will. */
bool courier_is_opening(const struct courier *c, const struct endpoint *e,
    const struct event *event);

/* Whether a trip is just writing into that conversation, or does not know yet if it has: what is found
 * there and is nobody's yet may be its message. */
bool courier_is_writing(const struct courier *c, const struct endpoint *e,
    const char *conversation);

/* The clock was set by so much. */
void courier_shift(struct courier *c, int64_t by_ms);

/* Trips that are on the wire or on their way to disk (not those that wait in doubt). */
size_t courier_active(const struct courier *c);

#endif
