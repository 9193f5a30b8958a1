/* What the relay measures of itself while it runs: how late its loop is, how many callbacks come, and
 * what waits and is parked on disk. Also tries, after a fault of the disk, whether that is over. */
#ifndef ADMIN_WEB_PULSE_H
#define ADMIN_WEB_PULSE_H

#include "base/histogram.h"
#include "flow/flow.h"

struct pulse;

struct pulse *pulse_new(struct flow *f);
void pulse_start(struct pulse *p); /* after store_start */
/* After store_close, which gives back what was lent. Who still waits is called. Takes NULL. */
void pulse_free(struct pulse *p);

/* What was on disk when it was last looked, 15 s ago at most while the store works; NULL: never yet.
 * Valid until the loop's next turn. */
const struct op_status *pulse_counts(const struct pulse *p);
/* Looks again, then calls fn, once, on the loop, never inside this call; at the latest after 2 s, with
 * what was there before. */
void pulse_look(struct pulse *p, void (*fn)(void *arg), void *arg);

const struct histogram *pulse_loop_late(const struct pulse *p);
double pulse_hooks_per_sec(const struct pulse *p); /* over the last minute */

#endif
