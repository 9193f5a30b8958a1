/* Whether the relay is alive, and whether it can take callbacks. A far side that is down has no say in
 * either: that is what the queue is for. */
#ifndef ADMIN_HEALTH_H
#define ADMIN_HEALTH_H

struct web;

/* NULL: all is well; else one word: `store` (its thread made no progress for 10 s). That the loop turns
 * is shown by its answering. */
const char *health_alive(const struct web *w);
/* NULL: callbacks are accepted; else `draining`, `disk_full` or `store`. */
const char *health_ready(const struct web *w);
/* A word of these, as a sentence for people. */
const char *health_sentence(const char *word);

#endif
