/* One configured account at work: what it remembers, its gate, and the errands it has of its own (sign
 * in, look itself up) while which no message leaves. */
#ifndef FLOW_ENDPOINT_H
#define FLOW_ENDPOINT_H

#include "base/once.h"
#include "flow/chores.h"
#include "flow/flow.h"
#include "flow/lanes.h"

/* The last is ours: nothing was heard yet. People see it as down, with a note that says so. */
enum endpoint_state {
	ENDPOINT_OK,
	ENDPOINT_SLOW,
	ENDPOINT_LOCKED,
	ENDPOINT_DOWN,
	ENDPOINT_CREDENTIALS,
	ENDPOINT_WRONG,
	ENDPOINT_NOT_ENABLED,
	ENDPOINT_PAUSED,
	ENDPOINT_DRAINING,
	ENDPOINT_STARTING
};

struct endpoint {
	struct flow *flow;
	const struct endpoint_conf *given; /* as configured */
	struct endpoint_conf conf;         /* with what was learned since (tenant), and our id */
	const struct connector *connector;

	const struct bridge_conf *bridges[BRIDGES_PER_ENDPOINT];
	struct ask asks[BRIDGES_PER_ENDPOINT]; /* the same, for the store */
	size_t nbridges;

	struct memo memo[MEMO_MAX]; /* texts are ours */
	size_t nmemo;
	char *drawn_hook_key; /* NULL where one is configured */

	struct gate gate;
	enum endpoint_state state;
	int64_t state_since_ms;
	char note[160];       /* why it is not ok, for people */
	enum control control; /* a person's word over it; see control.h for these three */
	int64_t began_ms;
	bool is_leaving;       /* it wants nothing more */
	bool is_held;          /* its events are not routed: something they would go to drains */
	uint32_t paused;       /* bit i: bridges[i] is */
	struct errand *errand; /* under way or waiting to be tried again */
	struct chores errands; /* what is owed to the agents there, beside the lanes */
	struct chores mirrors; /* what the other sides tell of persons and conversations … */
	struct once unmapped;  /* … and of whom it was said that there is no counterpart */
	struct pager *pager;   /* what is read there, */
	struct sweep *sweep;   /* to compare it with what was told */
	struct standings *standings;
	struct endpoint_stats stats;
};

void endpoint_init(struct endpoint *e, struct flow *f, struct endpoint_conf *conf);
/* f->config is another one: takes over what it says about this endpoint and its bridges. */
void endpoint_reload(struct endpoint *e);
/* What failed may go now: it need not wait until it would be tried again. */
void endpoint_try_now(struct endpoint *e);
void endpoint_fini(struct endpoint *e);
struct endpoint *endpoint_find(struct flow *f, int id); /* by the store's id; NULL */
/* The context for calls of its connector; borrowed from e. */
struct via endpoint_via(const struct endpoint *e);
/* Takes over what an answer taught the endpoint. */
void endpoint_learn(struct endpoint *e, const struct memo *memo, size_t count);
/* Sees what the endpoint itself wants, and starts it; opens or shuts the gate. */
void endpoint_kick(struct endpoint *e);
/* The platform ended the session that it told us of: another one is opened. */
void endpoint_session_ended(struct endpoint *e);
/* The relay stops: what the endpoint wants done before is begun. flow_is_idle waits for it. */
void endpoint_leave(struct endpoint *e);
/* Its credentials are refused: nothing leaves until an errand succeeds again. */
void endpoint_refused(struct endpoint *e, const char *why);
/* A request succeeded, or did not: for the state people see. */
void endpoint_heard(struct endpoint *e, enum effect_kind effect, enum reason reason);
/* The platform locked us out until then, and says so again to whoever asks meanwhile: that is remembered over a
 * restart. Only where it does. */
void endpoint_locked(struct endpoint *e, int64_t until_ms);
/* Counts a request of ours, and its answer. */
void endpoint_count(struct endpoint *e, enum step step, enum effect_kind effect,
    int64_t took_msecs);
/* Counts messages that no callback announced; is_wonder: we have listened all the time. */
void endpoint_repaired(struct endpoint *e, size_t count, bool is_wonder);
/* A genuine callback came. */
void endpoint_called(struct endpoint *e, int64_t now_ms);
/* Fills in the hours in which callbacks came to earlier lives. */
int endpoints_load(struct flow *f, struct err *err);
/* The answer to a request that went through the gate beside the lanes: what it says about the endpoint is counted,
 * remembered and acted upon, and its place is free. */
void endpoint_answered(struct endpoint *e, enum step step, const struct outcome *o,
    const struct http_resp *resp);
/* Counts a callback that came with proof, or (reason not NONE) without. */
void endpoint_count_proof(struct endpoint *e, enum refusal reason);
const char *endpoint_state_word(enum endpoint_state state);
/* What people see: a person's word stands before what the endpoint does. */
enum endpoint_state endpoint_shown(const struct endpoint *e);

#endif
