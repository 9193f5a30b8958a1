/* What is remembered of a person at an endpoint besides his lane: how many messages went into his
 * conversation lately, where the platform limits that, and whether bots or agents talk to nobody (core/fuse.h).
 * Bounded: of so many persons at once nobody sees more than that, and forgetting one only lets more through. */
#ifndef FLOW_PACE_H
#define FLOW_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct effect;
struct endpoint;
struct event;
struct flow;
struct http_resp;
struct lane;
struct paces;

struct paces *paces_new(struct flow *f);
void paces_free(struct paces *p);          /* takes NULL */
size_t paces_blown(const struct paces *p); /* fuses */
size_t paces_blown_at(const struct paces *p, const struct endpoint *e);

/* ---- the conversation's bucket ---- */

/* A message went into the lane's conversation. One of history counts for more, so that those alone come to the
 * rate of history, and both together to the conversation's. */
void pace_took(struct lane *l, bool is_history);
/* The platform said that it were too many: about the conversation, unless the answer speaks of all. */
void pace_refused(struct lane *l, const struct effect *effect, const struct http_resp *resp);
/* Ms until the next may go; 0: now. */
int64_t pace_wait(const struct lane *l);

/* ---- the fuse; events of bots and agents ---- */

/* Whether one more would be too many. */
bool pace_holds(struct flow *f, struct endpoint *target, int64_t person, const struct event *event);
/* It goes; or does not after all, since it was seen before; or is held, and somebody should know. */
void pace_count(struct flow *f, struct endpoint *target, int64_t person, const struct event *event);
void pace_take_back(struct flow *f, struct endpoint *target, int64_t person,
    const struct event *event);
void pace_blew(struct flow *f, struct endpoint *target, int64_t person);
/* The person spoke. */
void pace_rearm(struct flow *f, struct endpoint *target, int64_t person);

#endif
