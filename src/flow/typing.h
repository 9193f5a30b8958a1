/* Somebody types: passed on at once or not at all. Nothing of it is on disk, nothing waits, nothing is tried
 * again. */
#ifndef FLOW_TYPING_H
#define FLOW_TYPING_H

#include "flow/flow.h"

struct typings;

struct typings *typings_new(struct flow *f);
void typings_free(struct typings *t); /* takes NULL */
/* An event of the kind TYPING came to the endpoint. */
void typings_take(struct typings *t, struct endpoint *e, struct letter *letter);

#endif
