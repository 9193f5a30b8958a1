/* What the three files of a trip share: trip.c has its requests and their answers, trip_begin.c where it sets out
 * and how its own message comes back, trip_end.c what an attempt comes to. */
#ifndef FLOW_TRIP_INSIDE_H
#define FLOW_TRIP_INSIDE_H

#include "base/log.h"
#include "flow/trip.h"

/* ---- trip.c ---- */

int64_t trip_now(const struct trip *t);
void trip_log(const struct trip *t, enum log_level level, const char *at,
    const struct effect *effect);
/* It may not be tried any longer. */
bool trip_is_expired(struct trip *t);
/* On the wire or on its way to disk: counted by the courier. */
void trip_set_active(struct trip *t, bool active);
/* Off the gate's list. */
void trip_unqueue(struct trip *t);
bool step_is_look_up(enum step step);
/* False: it cannot be carried, and has ended. */
bool trip_plan(struct trip *t);
/* False: there is no such step, so all is done. */
bool trip_turn_to(struct trip *t, size_t index);
void trip_turn_to_step(struct trip *t, enum step step, int part);
/* The next request, or the look before it, as soon as the gate has a place. */
void trip_go(struct trip *t);
/* In doubt, before it looks: not active. */
void trip_wait(struct trip *t, int64_t msecs);
/* What the answers told and disk does not know yet. */
struct learned trip_learned(struct trip *t, bool forget_sign_in);
void trip_tell_opened(struct trip *t, const struct learned *written);
/* Its message is there, whatever became of the answer. */
void trip_deliver_by_echo(struct trip *t);

/* ---- trip_end.c ---- */

/* The attempt is over: settled on disk by what policy makes of it. */
void trip_conclude(struct trip *t, const struct effect *effect);
/* Nothing is to be done any more; then it has ended. */
bool trip_is_folded(struct trip *t);
bool trip_is_message(const struct trip *t);

#endif
