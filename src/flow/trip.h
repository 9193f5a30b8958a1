/* One trip: the head of one lane on its way across. Only the courier, which has them all, looks inside.
 */
#ifndef FLOW_TRIP_H
#define FLOW_TRIP_H

#include <sys/queue.h>

#include "base/map.h"
#include "core/compose.h"
#include "flow/courier.h"
#include "flow/flow.h"
#include "flow/lanes.h"

#define CLAIMS_MAX 20

struct adoption;

struct courier {
	struct flow *flow;
	struct map trips; /* by root and bridge */
	size_t active;    /* trips on the wire or on their way to disk, and claims */
	struct courier_watch watch;
	/* A trip came to its end, or to a wait on disk, and is gone: its lane goes on. */
	void (*ended)(struct courier *c, struct lane *lane, struct op_settle *settle);
};

struct trip {
	struct map_node node;
	struct courier *courier;
	struct endpoint *target;
	struct lane *lane;
	struct letter *letter;
	struct arena *arena;
	struct config *config; /* a reference: what it began with, and all since */
	const struct bridge_conf *bridge;

	struct row_trip row;
	struct composed words;
	struct known known;
	bool is_open; /* known.conversation is there, and not only what we shall call it */
	struct plan plan;
	size_t next;          /* in the plan, behind now */
	struct step_plan now; /* a step of the plan, or a detour an answer asked for */
	bool is_detour;
	int attempt;               /* of this delivery, from 1 */
	bool is_doubted;           /* UNSURE on disk, and nothing was found or sent since */
	bool is_looking;           /* now is in doubt, and is being looked for */
	bool looks_first;          /* nobody may know any more that it was sent once */
	bool is_unsent;            /* … and it is being looked for */
	struct adoption *adoption; /* it waits for whether there is a conversation already; */
	bool was_adopted;          /* … that was asked */
	const struct file *had;    /* files that it has waited for */
	size_t nhad;
	struct media_wait *files;  /* it waits for its files, */
	bool resumes, is_long_ago; /* … to go on as trip_resume says */
	int looked;             /* … the part that was looked for before it is sent; -1: none */
	int misses, failures;   /* of looks at this doubt: found nothing; could not be told */
	int doubts, doubts_max; /* in a row; the answer said after how many to give up, */
	enum reason give_up;    /* and with which reason */
	bool found;             /* what the last look-up of the plan said */
	size_t skipped;         /* steps before now that a trip found again did not do yet */
	const char *cursor;

	struct http_req req;
	struct http_call *call;
	bool is_queued, is_active;
	int64_t queued_ms; /* since then it stands before the gate */
	TAILQ_ENTRY(trip) sending;
	struct loop_timer *timer; /* doubt, or patience after an echo */
	struct effect effect;     /* of the last answer */
	bool is_gone;
	int backs;           /* to an earlier step, in this attempt */
	bool is_signed_anew; /* the sign-in was forgotten once, and once is enough */
	bool is_echoed;
	const char *echo_remote;
	int64_t begun_ms;
	struct op_step step;
	struct op_settle settle;
	struct op_known claims; /* what a look has found: whose is it? */
	bool is_claimed[CLAIMS_MAX];
};

/* Of a delivery that is claimed on disk; row is copied, the letter referenced. It is in courier->trips. */
struct trip *trip_new(struct courier *c, struct lane *lane, const struct row_trip *row,
    struct letter *letter);
void trip_free(struct trip *t);
void trip_begin(struct trip *t); /* at its first step, or where a former life had come to */
/* The same after a life that may have sent it: waits, unless that is long ago, and looks. */
void trip_resume(struct trip *t, bool is_long_ago);
/* The gate has a place for its request: off the gate's list, and out. */
void trip_send(struct trip *t);
/* Its message came back: that is the answer. */
void trip_take_echo(struct trip *t, const struct event *event);

uint64_t trip_hash(const struct root *root, int bridge);
enum side trip_side(const struct trip *t);

#endif
