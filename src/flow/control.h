/* Pause, drain, resume: a person's word over an endpoint or a bridge. It holds over restarts.
 *
 *   paused    nothing is claimed for it; trips under way end, callbacks are stored and routed
 *   draining  what is queued for it is sent; events that would queue more stay unrouted. Those of an
 *             endpoint with several bridges wait for all of them: an event is routed once. */
#ifndef FLOW_CONTROL_H
#define FLOW_CONTROL_H

#include "flow/flow.h"

/* Takes effect at once; done (NULL: nobody asks) when it is on disk. */
void control_endpoint(struct flow *f, struct endpoint *e, enum control to, void (*done)(void *arg),
    void *arg);
void control_bridge(struct flow *f, struct bridge_conf *b, enum control to, void (*done)(void *arg),
    void *arg);
/* By name; -1: there is none. */
int control_named(struct flow *f, const char *name, enum control to, void (*done)(void *arg),
    void *arg);
/* What the store remembers, before store_start and before anything is loaded. */
int control_load(struct flow *f, struct err *err);
/* Works out what endpoints' and bridges' words mean for each endpoint. */
void control_spread(struct flow *f);
const char *control_word(enum control control);

#endif
