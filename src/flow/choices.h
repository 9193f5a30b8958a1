/* What was asked with numbers, and who may still answer with one. Where buttons were written out as
 * "1. Yes", a "1" that comes next is a "Yes" for whoever asked.
 *
 * In memory, where their number is bounded, and on disk, for the next life. */
#ifndef FLOW_CHOICES_H
#define FLOW_CHOICES_H

#include "flow/flow.h"

struct choices;

struct choices *choices_new(struct flow *f);
int choices_load(struct choices *c,
    struct err *err);                 /* what an earlier life has asked; before store_start */
void choices_free(struct choices *c); /* takes NULL */

/* message was written into that conversation of the endpoint, event as it came from the other side. */
void choices_told(struct choices *c, int endpoint, const char *conversation,
    const struct message *message, const struct event *event, int64_t now_ms);
/* A message from there that is not our own: sets event->choice where it answers. What else is said
 * there ends the question; unless echoes bear no mark there (unmarked), where only customers end it. */
void choices_heard(struct choices *c, int endpoint, bool unmarked, struct arena *a,
    struct event *event, int64_t now_ms);
/* The store knows of no question there any more. */
void choices_forget(struct choices *c, int endpoint, const char *conversation);

#endif
