/* What mirror.c (what is due, and written) and mirror_want.c (what is wanted) share. Nobody else includes it. */
#ifndef FLOW_MIRROR_INSIDE_H
#define FLOW_MIRROR_INSIDE_H

#include "flow/chores.h"
#include "flow/endpoint.h"
#include "flow/mirror.h"

struct mirrored {
	struct chore chore;
	struct mirror_key key;
};

/* The one whose turn it is. */
struct mirror_turn {
	struct chore_turn turn;
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
};

static inline const struct mirror_key *mirror_key_of(const struct mirror_turn *t)
{
	return &((const struct mirrored *)t->turn.chore)->key;
}

static inline struct endpoint *mirror_endpoint(const struct mirror_turn *t)
{
	return t->turn.chores->endpoint;
}

/* ---- mirror_want.c ---- */

/* f: FACT_COUNT where it is about none. */
void mirror_tell_dropped(const struct mirror_turn *t, enum fact f, const char *reason,
    const char *why);
bool mirror_carries_fact(const struct bridge_conf *b, enum fact f, enum side to);
/* The facts that a turn is about. */
int mirror_first_fact(const struct mirror_turn *t);
int mirror_last_fact(const struct mirror_turn *t);
/* Fills wanted from what was read. False: it is all as it should be. */
bool mirror_want_all(struct mirror_turn *t);
/* Fills write and ask from what is wanted and what stands there. */
void mirror_decide(struct mirror_turn *t, enum fact f);

#endif
