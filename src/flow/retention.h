/* What is kept for a while goes when that is over: a few rows at a time, so that nobody waits for it. */
#ifndef FLOW_RETENTION_H
#define FLOW_RETENTION_H

#include "flow/flow.h"

struct retention_work;

struct retention_work *retention_new(struct flow *f);
void retention_start(struct retention_work *w);
void retention_free(struct retention_work *w); /* takes NULL; the store is closed already */

/* The longest that callbacks of the endpoint are kept as they came; 0: they are not. */
int64_t retention_callbacks(const struct endpoint *e);

#endif
