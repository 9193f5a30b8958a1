/* What the parts of the flow share. The flow is the only folder that sees both sides of a bridge:
 *
 *   ingest ─ journal ─▶ router ─ deliveries ─▶ lanes ─ claim ─▶ courier ─ settle
 *
 * Everything here lives on the loop thread. Nothing in memory is the only copy of anything: what a
 * restart needs is read back from the store (flow_load). */
#ifndef FLOW_FLOW_H
#define FLOW_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/http.h"
#include "base/loop.h"
#include "base/map.h"
#include "config/config.h"
#include "connector/connector.h"
#include "flow/gate.h"
#include "flow/stats.h"
#include "net/http_out.h"
#include "store/store.h"

struct endpoint;
struct backup;
struct choices;
struct courier;
struct ingest;
struct hearings;
struct media;
struct migrations;
struct paces;
struct person_job;
struct retention_work;
struct router;
struct trip;
struct typings;

struct flow {
	struct loop *loop;
	struct store *store;
	struct http_out *wire;
	struct config *config; /* a reference */
	struct keys keys;
	int owner; /* of claims: our pid */

	struct endpoint *endpoints; /* in the order of the configuration */
	size_t nendpoints;
	struct map lanes; /* struct lane by (endpoint, person) */
	struct supply_list supplies;
	struct paces *paces;
	struct router *router;
	struct courier *courier;
	struct media *media;
	struct choices *choices;
	struct typings *typings;
	struct hearings *hearings;
	struct migrations *migrations;
	struct retention_work *retention;
	struct backup *backup;            /* under way; NULL: none is */
	struct person_job *persons;       /* under way */
	int erasing;                      /* somebody is: what memory knows may be gone */
	struct ingest *ingest;            /* sets itself; NULL: none yet */
	void (*pump)(struct endpoint *e); /* the courier's: see gate_wake */
	struct stats stats;
	struct store_op *stuck, **stuck_end; /* operations the store could not do, in order */
	struct loop_timer *retry;            /* hands them over again */
	struct store_op *lazy, **lazy_end; /* operations nobody waits for: see flow_submit_lazily */
	struct loop_timer *lazy_timer;
	struct loop_later *lazy_later;
	size_t errands;       /* on the wire, or on their way to disk */
	int64_t lazy_msecs;   /* 0: they are handed over at once */
	struct op_load *load; /* between flow_load and flow_start */
	struct arena *loaded; /* what was read back lives as long as the flow */
	int64_t put_back;     /* deliveries of events up to this one may have been sent by a life
				 * that the store does not remember; 0: none */
	int64_t
	    clock_gap_ms; /* between the wall clock and one that never steps, when last looked */
	bool draining;    /* nothing new leaves, what is under way ends */
};

/* Builds the flow over an open store (ids of endpoints and bridges are asked for here) and, with
 * flow_load, takes up what an earlier life left. -1: err. */
struct flow *flow_new(struct loop *loop, struct store *store, struct http_out *wire,
    struct config *config, struct err *err);
int flow_load(struct flow *f, struct err *err); /* before store_start */
void flow_start(struct flow *f);                /* after it: the first messages leave */
/* Nothing new is claimed any more; trips under way end. */
void flow_drain(struct flow *f);
bool flow_is_idle(const struct flow *f); /* nothing on the wire or on its way to disk */
void flow_free(struct flow *f);          /* takes NULL; trips under way are abandoned */

const struct bridge_conf *flow_bridge(struct flow *f, int id);

/* Hands an operation over whose loss would lose something: where the mailbox is full it waits here. */
void flow_submit(struct flow *f, struct store_op *op);
/* The same for one that nobody waits for: it shares the commit of the next operation, which a busy
 * relay has within a moment, or goes by itself after 5 ms. Among the operations of a turn it comes last,
 * so that it sees what the others have just written. */
void flow_submit_lazily(struct flow *f, struct store_op *op);
void flow_hurry(struct flow *f); /* all of those now */
/* For an operation that may be refused. -1: the mailbox is full, nothing was taken. */
int flow_offer(struct flow *f, struct store_op *op);
/* For the first line of a done: true where the operation failed. It is then handed over again,
 * unchanged, until the store can do it. */
bool flow_redo(struct flow *f, struct store_op *op);
void flow_retry(struct flow *f); /* what waits is handed over again */
/* Somebody has set the clock since the last call: what may be tried until some time may be so for as long as
 * before. For who is about to judge by such a time. */
void flow_check_clock(struct flow *f);
uint32_t random_dice(void);

/* One event and the memory it lives in, shared by the deliveries it becomes. */
struct letter {
	struct arena *arena;
	struct event *event;
	int refs;
};
struct letter *letter_new(struct arena *arena, struct event *event); /* takes the arena over */
struct letter *letter_ref(struct letter *l);
void letter_unref(struct letter *l);
/* All that the journal would keep of it, in another arena. */
struct event *event_copy(struct arena *a, const struct event *event);

#endif
