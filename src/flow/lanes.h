/* Order. A lane is one person at one target endpoint; only its head may travel. */
#ifndef FLOW_LANES_H
#define FLOW_LANES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/map.h"
#include "flow/gate.h"

struct endpoint;
struct flow;
struct loop_timer;

enum lane_state {
	LANE_IDLE,    /* nothing to do, or its deliveries are just being written */
	LANE_READY,   /* its head may be claimed; it waits in the gate's list */
	LANE_BUSY,    /* its head travels, or is being claimed or settled */
	LANE_WAITING, /* its head is not due yet */
	LANE_PARKED,  /* waits for a person to say what becomes of a message (on_rejected: stop) */
	LANE_STATE_COUNT
};
const char *lane_state_word(enum lane_state state);

struct lane {
	struct map_node node;
	struct endpoint *target;
	int64_t id, person; /* id: 0 until the store has said it */
	int32_t count;      /* deliveries not over */
	enum lane_state state : 8;
	bool is_resting;    /* BUSY, but its trip only waits: it takes no claim of the gate */
	bool is_due;        /* it has waited, and its head is due whatever the clock says */
	enum turn turn : 8; /* LATE: all that waits in it is */
	union {             /* there may be a million of these: what excludes each other shares */
		TAILQ_ENTRY(lane) ready;  /* while READY */
		struct loop_timer *timer; /* while WAITING */
	};
};

/* The lane of a person at an endpoint, made where there is none. */
struct lane *lane_get(struct endpoint *target, int64_t person);
/* Moves it, and keeps the gate's list and counts in step. WAITING: until due_ms. */
void lane_move(struct lane *l, enum lane_state to, int64_t due_ms);
/* One more delivery waits in it, of that kind. A live one does not wait as a late one would, nor what stands
 * before it. */
void lane_arrival(struct lane *l, enum turn turn);
/* A PARKED lane goes on. */
void lane_release(struct lane *l);
/* A BUSY lane whose trip waits in doubt leaves its place to others, and takes it again to go on. */
void lane_rest(struct lane *l, bool resting);
/* Forgets an idle lane with nothing in it. */
void lane_tidy(struct lane *l);
/* Nothing waits in it any more: what did was given up. */
void lane_empty(struct lane *l);
void lanes_free(struct flow *f);

#endif
