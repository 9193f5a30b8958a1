/* See trip_inside.h. A trip in doubt: it waits, looks for what may have arrived, and goes on from what it finds.
 *
 * In doubt (the request may have arrived and no answer says so) the delivery is UNSURE on disk, the trip
 * waits long enough for a late commit at the far side, looks for its mark, and only then sends again. The
 * echo of our own message ends the doubt at any time. While UNSURE is on disk, sending again needs no
 * further claim: a crash then finds UNSURE, and looks. */
#include "flow/trip_inside.h"

#include <string.h>

#include "base/arena.h"
#include "core/notice.h"
#include "core/policy.h"
#include "flow/endpoint.h"

/* ---- waiting, and looking again ---- */

static void trip_on_timer(void *arg);

void trip_wait(struct trip *t, int64_t msecs)
{
	if (t->timer == NULL)
		t->timer = loop_timer_new(t->courier->flow->loop, trip_on_timer, t);
	loop_timer_set(t->timer, msecs);
	trip_set_active(t, t->call != NULL);
	lane_rest(t->lane, t->call == NULL);
}

static void trip_look(struct trip *t)
{
	t->is_looking = true;
	t->cursor = NULL;
	trip_go(t);
}

static void trip_on_timer(void *arg)
{
	struct trip *t = arg;

	if (t->call != NULL) { /* the echo came and the answer did not */
		http_out_cancel(t->call);
		t->call = NULL;
		gate_leave(&t->target->gate);
		trip_deliver_by_echo(t);
		return;
	}
	if (t->courier->flow->draining)
		return;
	if (t->now.doubt_look != STEP_NONE)
		trip_look(t);
	else
		trip_go(t);
}

/* That it was not found proves that it is not there, where it would bear a mark of ours; or a person says so, who
 * put it back: once. */
static bool is_proof(struct trip *t)
{
	bool by_person = t->is_long_ago;

	t->is_long_ago = false;
	return t->target->conf.caps->searchable || t->bridge->resend_uncertain || by_person;
}

/* Nothing was found: it did not arrive, so it is sent again. */
static void trip_send_again(struct trip *t)
{
	const struct operator_words *words = &t->target->connector->words;
	const struct effect expired = { .kind = EFFECT_RETRY,
		.reason = t->effect.reason,
		.wait_msecs = -1 };
	const struct effect given_up = { .kind = EFFECT_REJECTED,
		.reason = t->give_up,
		.why = t->effect.why };
	const struct effect uncertain = { .kind = EFFECT_REJECTED,
		.reason = REASON_UNCERTAIN,
		.wait_msecs = -1,
		.why = notice_uncertain(t->arena, t->row.delivery.id, t->effect.reason,
		    t->row.person.phone,
		    words->name != NULL ? words->name : t->target->connector->name) };

	t->is_looking = false;
	t->misses = t->failures = 0;
	t->is_doubted = false;
	t->attempt++;
	if (t->doubts_max > 0 && t->doubts >= t->doubts_max) {
		trip_conclude(t, &given_up);
	} else if (!is_proof(t)) {
		trip_conclude(t, &uncertain);
	} else if (trip_is_expired(t)) {
		trip_conclude(t, &expired);
	} else {
		t->target->stats.resent++;
		trip_log(t, LOG_INFO, "resent", &t->effect);
		if (t->skipped > 0)
			trip_turn_to(t, t->next - 1 - t->skipped);
		trip_go(t);
	}
}

static void trip_on_not_found(struct trip *t)
{
	if (t->is_unsent) {
		t->is_looking = t->is_unsent = false;
		t->misses = t->failures = 0;
		trip_go(t);
	} else if (t->now.doubt_again_msecs > 0 && t->misses++ == 0) {
		trip_wait(t, t->now.doubt_again_msecs);
	} else {
		trip_send_again(t);
	}
}

/* ---- what a look has found ---- */

void trip_found(struct trip *t, const struct effect *effect)
{
	t->is_looking = t->is_unsent = false;
	if (!t->is_doubted)
		return;
	t->is_doubted = false;
	t->target->stats.found++;
	trip_log(t, LOG_INFO, "found", effect);
}

/* It cannot be told yet whether it arrived. Looking harms nobody: again, while the delivery lives. */
static void trip_look_later(struct trip *t, const struct effect *effect)
{
	const struct effect given_up = { .kind = EFFECT_REJECTED,
		.reason = REASON_UNCERTAIN,
		.why = effect->why };
	int64_t now_ms = trip_now(t);

	if (trip_is_expired(t))
		trip_conclude(t, &given_up);
	else if (!gate_is_open(&t->target->gate))
		trip_go(t); /* as soon as anything may go there */
	else
		trip_wait(t,
		    policy_retry_at(++t->failures, effect->wait_msecs, now_ms, random_dice())
			- now_ms + RETRY_FIRST_MSECS);
}

/* Which of those that look like the message are somebody's already the store knows: what people wrote
 * there, and what we did before. Exactly one that is nobody's is what is looked for. */
static void trip_on_claims(struct store_op *op)
{
	struct trip *t = (struct trip *)((char *)op - offsetof(struct trip, claims.op));
	const char *remote = NULL;
	size_t i, n = 0;

	if (flow_redo(t->courier->flow, op))
		return;
	for (i = 0; i < t->claims.nkeys; i++)
		if (!t->is_claimed[i]) {
			remote = t->claims.keys[i] + strlen("m:");
			n++;
		}
	if (n == 1) {
		const struct effect effect = { .kind = EFFECT_DELIVERED,
			.wait_msecs = -1,
			.remote_id = remote };

		t->effect = effect;
		trip_found(t, &effect);
		trip_part_done(t, &effect);
	} else {
		trip_on_not_found(t);
	}
}

static bool trip_asks_claims(struct trip *t, const struct outcome *o)
{
	size_t i, n = o->events.count < CLAIMS_MAX ? o->events.count : CLAIMS_MAX;
	const char **keys;

	if (n == 0 || t->target->conf.caps->searchable)
		return false;
	keys = arena_alloc(t->arena, n * sizeof(*keys));
	for (i = 0; i < n; i++)
		keys[i] = o->events.items[i].key;
	t->claims = (struct op_known){
		.op = { .kind = STORE_KNOWN, .done = trip_on_claims },
		.endpoint = t->target->conf.id,
		.keys = keys,
		.nkeys = n,
		.is_known = t->is_claimed,
	};
	flow_submit(t->courier->flow, &t->claims.op);
	return true;
}

void trip_take_look(struct trip *t, const struct outcome *o, bool news)
{
	switch (o->effect.kind) {
	case EFFECT_DELIVERED:
		trip_found(t, &o->effect);
		trip_part_done(t, &o->effect);
		return;
	case EFFECT_NEXT_STEP:
		if (o->cursor != NULL) {
			t->cursor = o->cursor;
			trip_go(t);
		} else if (trip_asks_claims(t, o)) {
			return;
		} else if (o->found) {
			trip_found(t, &o->effect);
			trip_next(t, o, news);
		} else {
			trip_on_not_found(t);
		}
		return;
	case EFFECT_PAUSE:
		endpoint_refused(t->target, o->effect.why);
		trip_look_later(t, &o->effect);
		return;
	default: trip_look_later(t, &o->effect);
	}
}
