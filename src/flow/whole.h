/* A message that was cut on its way to us (EVENT_IS_CUT): the rest is read where it is before it goes on, so
 * that agents see all of it. That may take no longer than the platform waits for our answer; where it does
 * not work out the message goes on as it is, which says itself that something is missing. */
#ifndef FLOW_WHOLE_H
#define FLOW_WHOLE_H

#include <sys/queue.h>

#include "flow/flow.h"

struct whole;
TAILQ_HEAD(wholes, whole);

/* done runs once, never from within; then the event is as whole as it can be, and not marked as cut. list
 * holds it until then. */
void whole_read(struct wholes *list, struct endpoint *e, struct letter *letter,
    void (*done)(void *arg, struct letter *letter), void *arg);
void wholes_drop(struct wholes *list); /* done will not run for what is left */

#endif
