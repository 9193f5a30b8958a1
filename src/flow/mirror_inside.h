/* What mirror.c (the run that writes) and mirror_want.c (what is wanted) share. Nobody else includes it. */
#ifndef FLOW_MIRROR_INSIDE_H
#define FLOW_MIRROR_INSIDE_H

#include <sys/queue.h>

#include "base/once.h"
#include "flow/endpoint.h"
#include "flow/mirror.h"

struct owed {
	TAILQ_ENTRY(owed) next;
	struct mirror_key key;
	int attempt;
	int64_t due_ms;
	bool is_waiting;
};
TAILQ_HEAD(owed_list, owed);

/* The one whose turn it is. */
struct mirror_run {
	struct owed *owed;
	struct mirrors *mirrors;
	struct arena *arena; /* its own, and this is in it */
	struct op_mirror read;
	struct op_mirror_ask ask;
	struct op_mirror_done done;
	const struct bridge_conf *bridge;
	bool is_history; /* it ends the history of the conversation */
	struct facts wanted, current, write;
	struct message message;
	struct known known;
	enum job_kind kind; /* FACTS, then DELIVER */
	enum fact fact;     /* DELIVER: which one */
	const char *cursor;
	int steps;
	bool is_loaded; /* before the gate */
	bool is_busy;   /* on the wire, or on its way to disk */
	struct http_req req;
	struct http_call *call;
	struct config *config; /* a reference, while it is on the wire */
};

struct mirrors {
	struct endpoint *endpoint;
	struct owed_list ready, waiting;
	struct mirror_run *run;
	struct loop_timer *timer;
	struct once told; /* what was told of those who are not mapped */
};

/* ---- mirror_want.c ---- */

/* f: FACT_COUNT where it is about none. */
void mirror_tell_dropped(const struct mirror_run *r, enum fact f, const char *reason,
    const char *why);
bool mirror_carries_fact(const struct bridge_conf *b, enum fact f, enum side to);
/* The facts that a run is about. */
int mirror_first_fact(const struct mirror_run *r);
int mirror_last_fact(const struct mirror_run *r);
/* Fills wanted from what was read. False: it is all as it should be. */
bool mirror_want_all(struct mirror_run *r);
/* Fills write and ask from what is wanted and what stands there. */
void mirror_decide(struct mirror_run *r, enum fact f);

#endif
