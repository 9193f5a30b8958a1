/* A rig with its far sides: what scripts, permutations and random play have in common. */
#ifndef TESTS_SCENARIO_STAGE_H
#define TESTS_SCENARIO_STAGE_H

#include <stdbool.h>

#include "far.h"
#include "rig.h"

#define FARS_MAX 4

struct stage {
	struct rig rig;
	struct far fars[FARS_MAX];
	int nfars;
};

/* How a request fares. */
enum fate {
	FATE_ANSWERED,     /* carried out, and answered */
	FATE_LOST,         /* carried out, and the answer is cut off */
	FATE_DROPPED,      /* not carried out, though it left */
	FATE_REFUSED,      /* no connection */
	FATE_BUSY,         /* 429, not carried out */
	FATE_FAILED,       /* 500, not carried out */
	FATE_FAILED_AFTER, /* 500, carried out */
	FATE_COUNT
};

/* config is a file of this folder, without ".yaml"; an option ("reopen=never") is added to each of its
 * bridges, NULL: none. What the endpoints ask for themselves (who am I) is
 * answered by itself, here and after each boot. */
void stage_start(struct stage *s, const char *config, const char *bridge_option);
/* The same while it runs; false: it was refused. */
bool stage_reload(struct stage *s, const char *config, const char *bridge_option);
void stage_end(struct stage *s);
void stage_kill(struct stage *s); /* and boots again */
void stage_restart(struct stage *s);
void stage_lose_store(struct stage *s); /* the same, with none */
void stage_put_back(struct stage *s);   /* the same, with the store that was copied */

struct far *stage_far(struct stage *s, const char *endpoint);
struct far *stage_far_of(struct stage *s, const struct sent *sent);
/* Is it one that an endpoint makes for itself? */
bool stage_is_errand(const struct sent *sent);
/* The oldest request that waits for its answer and is not forgotten; NULL. */
struct sent *stage_waiting(struct stage *s);
/* It is carried out, and the answer kept for FATE_ANSWERED. */
void stage_carry(struct stage *s, struct sent *sent);
void stage_meet(struct stage *s, struct sent *sent, enum fate fate);
void stage_answer(struct stage *s, struct sent *sent, int status, const char *body,
    int64_t retry_after_msecs);

/* Every request is answered as it should be and every callback posted, until nothing is left to do but
 * to let time pass; then time passes, up to so many ms. */
void stage_settle(struct stage *s, int64_t msecs, bool with_callbacks);
/* All that is posted at far sides, oldest first; answered ones are forgotten, refused ones stay. */
void stage_post_all(struct stage *s);

#endif
