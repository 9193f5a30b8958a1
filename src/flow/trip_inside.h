/* What the files of a trip share: trip.c has its plan and its requests, trip_begin.c where it sets out and how its own
 * message comes back, trip_answer.c the answers, trip_doubt.c what is done where none came, trip_end.c what an attempt
 * comes to. */
#ifndef FLOW_TRIP_INSIDE_H
#define FLOW_TRIP_INSIDE_H

#include "base/log.h"
#include "flow/trip.h"

#define CARRIED_UPLOAD "upload:" /* on disk, before what the far side calls a file it has */

#define CARRIED_ADOPTION "asked:" /* that there is no conversation to take is known */

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
/* Some of its files stand there as addresses of ours from now on. */
void trip_serve(struct trip *t);
/* What the request that is due, or on the wire, is for. */
struct job trip_job(const struct trip *t);

/* Its link is another row than it was: what is to be written is made anew. */
void trip_relink(struct trip *t, const struct row_link *link);

/* ---- trip_adopt.c ---- */

/* It is about to open a conversation, and asks first whether there is one. True: it waits for that. */
bool trip_adopts(struct trip *t);

/* ---- trip_answer.c ---- */

void trip_on_response(void *arg, const struct http_resp *resp);
/* What the answers told and disk does not know yet. */
struct learned trip_learned(struct trip *t, bool forget_sign_in);
/* Where it is now goes to disk, with what was learned, and then it goes on. */
void trip_store_step(struct trip *t, bool forget_sign_in, const char *part_remote);
void trip_tell_opened(struct trip *t, const struct learned *written);
/* Its message is there, whatever became of the answer. */
void trip_deliver_by_echo(struct trip *t);
/* A part is there, however that was found out; the message is when the last one is. */
void trip_part_done(struct trip *t, const struct effect *effect);
/* news: something was learned that a restart would have to know. */
void trip_next(struct trip *t, const struct outcome *o, bool news);

/* ---- trip_doubt.c ---- */

/* In doubt, before it looks: not active. */
void trip_wait(struct trip *t, int64_t msecs);
/* What was in doubt is there after all. */
void trip_found(struct trip *t, const struct effect *effect);
/* The answer to a look. */
void trip_take_look(struct trip *t, const struct outcome *o, bool news);

/* ---- trip_end.c ---- */

/* The attempt is over: settled on disk by what policy makes of it. */
void trip_conclude(struct trip *t, const struct effect *effect);
/* Nothing is to be done any more; then it has ended. */
bool trip_is_folded(struct trip *t);
bool trip_is_message(const struct trip *t);

#endif
