/* What one endpoint can take: so many requests at once, so many in a minute, and none while it cannot be
 * used. */
#ifndef FLOW_GATE_H
#define FLOW_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "core/breaker.h"
#include "core/bucket.h"
#include "core/width.h"

struct effect;
struct endpoint;
struct flow;
struct http_resp;
struct lane;
struct loop_timer;
struct trip;

/* Live messages go first; what is read later (repair, history) gets a smaller share. */
enum turn { TURN_LIVE, TURN_LATE, TURN_COUNT };

/* One bucket, and the gates that take from it: the endpoints of one host, where the platform counts by
 * address; else each has its own. Gates that found it empty take turns, those with live messages first; what is
 * late takes what they leave. */
struct supply {
	SLIST_ENTRY(supply) list;
	struct flow *flow;
	char *key;
	int users;
	struct rate rate; /* the least of its users' */
	struct bucket bucket;
	struct loop_timer *timer; /* pending while a gate waits, … */
	int64_t due_ms;           /* … and when it is due */
	TAILQ_HEAD(, gate) waiting[TURN_COUNT];
	int64_t reads_ms; /* what is read for its own sake waits until then */
};
SLIST_HEAD(supply_list, supply);

struct gate {
	struct endpoint *endpoint;
	struct width width;
	int wire;       /* requests under way */
	int claimed;    /* lanes busy: claimed, on the wire, settling */
	int late;       /* of them, with late ones */
	bool is_shut;   /* the endpoint cannot be used just now */
	bool is_paused; /* a person wants nothing sent there: trips under way end */
	bool is_pumping;
	bool is_waiting[TURN_COUNT]; /* in supply->waiting */
	unsigned live_turns;         /* in a row, while a late one waited */
	struct breaker breaker;
	struct loop_timer
	    *probe; /* pending while the breaker is closed and its time has not come */
	struct supply *supply;
	TAILQ_ENTRY(gate) waiting[TURN_COUNT];
	TAILQ_HEAD(lane_list, lane) ready[TURN_COUNT]; /* lanes that want their head claimed */
	TAILQ_HEAD(trip_list, trip) sending; /* trips with a request to send, live ones first */
	size_t queued;                       /* of them */
	int64_t stands_since_ms;             /* the first of them does; 0: there is none */
};

void gate_init(struct gate *g, struct endpoint *e);
void gate_fini(struct gate *g);
/* The endpoint's limits are others. */
void gate_reload(struct gate *g);
/* Whether anything may be claimed at all, but for a probe. */
bool gate_is_open(const struct gate *g);
/* Nothing leaves for the next ms: by whom it asked, or because it was asked in vain. */
int64_t gate_shut_for(const struct gate *g);
/* How many lanes may be busy: enough to keep the wire full while others wait for the disk. */
bool gate_may_claim(const struct gate *g, enum turn turn);
/* The lane whose turn it is; NULL: none waits, or none may. */
struct lane *gate_next(struct gate *g);
/* Whether a lane waits for its turn. */
bool gate_is_wanted(const struct gate *g);
/* Takes a place on the wire, and a token; false: none is free (a timer wakes the gate for a token). */
bool gate_enter(struct gate *g, enum turn turn);
void gate_leave(struct gate *g);
/* An answer that asks to slow down means all requests; any other means its conversation (pace.h). */
bool gate_is_for_all(const struct http_resp *resp);
/* What the answer to one of its requests says about the endpoint; before gate_leave. */
void gate_heard(struct gate *g, const struct effect *effect, const struct http_resp *resp);
/* Something changed: what it lets through now is claimed and sent. */
void gate_wake(struct endpoint *e);

#endif
