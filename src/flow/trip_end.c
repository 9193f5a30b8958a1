/* See trip_inside.h. An attempt is over: policy judges, disk is told, and the lane goes on. */
#include "flow/trip_inside.h"

#include <string.h>

#include "base/arena.h"
#include "core/policy.h"
#include "flow/choices.h"
#include "flow/endpoint.h"
#include "flow/errand.h"
#include "flow/history/migration.h"
#include "flow/pace.h"
#include "flow/standings.h"

static void trip_on_settled(struct store_op *op);

static struct verdict trip_judge(const struct trip *t, const struct effect *effect)
{
	const struct attempt a = {
		.effect = *effect,
		.attempt = t->attempt,
		.now_ms = trip_now(t),
		.expires_ms = t->row.delivery.expires_ms,
		.doubt_wait_msecs = t->now.doubt_wait_msecs,
		.can_look = t->now.doubt_look != STEP_NONE,
		.resend_uncertain = t->bridge->resend_uncertain,
		.is_gate_closed = !gate_is_open(&t->target->gate),
		.dice = effect->kind == EFFECT_DELIVERED ? 0 : random_dice(),
	};
	struct attempt repeat = a;

	/* A step that may be done twice has no doubt. */
	if (effect->kind == EFFECT_UNSURE && t->now.doubt_look == STEP_NONE
	    && t->target->conf.caps->searchable) {
		repeat.effect.kind = EFFECT_RETRY;
		return policy_judge(&repeat);
	}
	return policy_judge(&a);
}

/* The trip itself is the courier's. */
static void trip_settle_lost(struct store_op *op)
{
	arena_free(((struct op_settle *)op)->arena);
}

static struct owe trip_owe(const struct trip *t, const struct verdict *v)
{
	if (t->row.delivery.is_deletion && v->state != DELIVERY_DELIVERED
	    && t->row.delivery.was_written)
		return errand_owe_deletion(t->bridge);
	if (t->row.delivery.is_deletion || t->row.delivery.is_status)
		return (struct owe){ 0 };
	if (t->row.delivery.is_edit)
		return errand_owe_edit(t->bridge, trip_side(t), v->state);
	return errand_owe(t->bridge, t->letter->event, trip_side(t), v->state, v->reason);
}

static bool trip_has_first(const struct trip *t)
{
	const struct row_link *l = &t->row.link;

	return (trip_side(t) == SIDE_AGENTS ? l->first_agents : l->first_customers) != NULL;
}

static void trip_settle(struct trip *t, const struct effect *effect, struct verdict v)
{
	bool over = v.state >= DELIVERY_DELIVERED;
	bool holds = v.state == DELIVERY_PARKED && t->bridge->stop_on_rejected;

	t->effect = *effect;
	t->effect.reason = v.reason;
	trip_set_active(t, true);
	if (t->timer != NULL)
		loop_timer_stop(t->timer);
	if (v.shut_gate)
		endpoint_refused(t->target, effect->why);
	lane_rest(t->lane, true);
	t->settle = (struct op_settle){
		.op = { .kind = STORE_SETTLE, .done = trip_on_settled, .lost = trip_settle_lost },
		.arena = over ? arena_new() : NULL,
		.delivery = t->row.delivery.id,
		.event = t->row.delivery.id >> 4,
		.learned = trip_learned(t, false),
		.state = v.state,
		.due_ms = v.due_ms,
		.step = t->now.step,
		.part = t->now.part,
		.reason = v.reason,
		.why = effect->why,
		.remote_id = v.state == DELIVERY_DELIVERED ? effect->remote_id : NULL,
		.root = t->target->nbridges > 1 ? t->words.root.b : NULL,
		.link_gone = t->is_gone,
		.was_asked = t->row.delivery.has_asked,
		.hold_lane = holds,
		.bridge = t->bridge->id,
		.is_message = trip_is_message(t),
		.has_first = trip_has_first(t),
		/* Where others wait to be claimed the lane rejoins them at the tail. */
		.claim_next = over && !holds && t->lane->count > 1 && gate_is_open(&t->target->gate)
		    && !t->courier->flow->draining && !gate_is_wanted(&t->target->gate)
		    && pace_wait(t->lane) == 0,
		.owe = trip_owe(t, &v),
		.owner = t->courier->flow->owner,
		.now_ms = trip_now(t),
	};
	if (v.state == DELIVERY_DELIVERED && trip_side(t) == SIDE_CUSTOMERS
	    && !t->words.message.is_note)
		choices_told(t->courier->flow->choices, t->target->conf.id, t->known.conversation,
		    &t->words.message, t->letter->event, trip_now(t));
	/* Where nothing stands behind it in its lane nobody waits for it. */
	if (v.state == DELIVERY_DELIVERED && t->lane->count <= 1)
		flow_submit_lazily(t->courier->flow, &t->settle.op);
	else
		flow_submit(t->courier->flow, &t->settle.op);
}

void trip_conclude(struct trip *t, const struct effect *effect)
{
	flow_check_clock(t->courier->flow);
	trip_settle(t, effect, trip_judge(t, effect));
}

bool trip_is_message(const struct trip *t)
{
	return !t->row.delivery.is_status && !t->row.delivery.is_deletion;
}

/* What was written cannot be taken back: the agents are told, and nobody else. */
static bool trip_cannot_delete(const struct trip *t)
{
	return trip_side(t) == SIDE_AGENTS || !t->target->conf.caps->deletes_answers
	    || t->row.delivery.written == NULL;
}

/* The bridge carried notes, or lines, when it was routed, and does not any more. */
static bool trip_is_unwanted(struct trip *t)
{
	const struct event *e = t->letter->event;
	const struct effect unwanted = { .kind = EFFECT_DELIVERED,
		.wait_msecs = -1,
		.why = e->is_private ? "private_notes: drop" : "system_lines: drop" };

	if (!trip_is_message(t) || !event_is_note(e)
	    || (e->is_private ? t->bridge->private_notes : t->bridge->system_lines))
		return false;
	trip_settle(t, &unwanted, (struct verdict){ .state = DELIVERY_DISCARDED });
	return true;
}

/* There is nothing to be done: the conversation there is as it should be, or people have changed their minds
 * meanwhile; what was to be said was taken back, or is not there, or stays. */
bool trip_is_folded(struct trip *t)
{
	const struct row_delivery *d = &t->row.delivery;
	const struct effect nothing = { .kind = EFFECT_DELIVERED, .wait_msecs = -1 };
	bool folds = d->is_taken_back;

	if (trip_is_unwanted(t))
		return true;

	if (d->is_status)
		folds = d->set_state == STATE_NONE || !t->is_open
		    || (d->set_state == STATE_OPEN && !t->target->conf.caps->reopens);
	else if (d->is_edit)
		folds = !d->was_written;
	else if (d->is_deletion)
		folds = !d->was_written || trip_cannot_delete(t);
	if (folds)
		trip_settle(t, &nothing, (struct verdict){ .state = DELIVERY_FOLDED });
	return folds;
}

static void count_relayed(const struct trip *t)
{
	struct flow *f = t->courier->flow;
	struct bridge_stats *b =
	    &f->stats.bridges[flow_bridge(f, t->bridge->id) - f->config->bridges];
	const struct event *e = t->letter->event;
	enum side to = trip_side(t);

	b->relayed[to][e->origin]++;
	if (e->origin == ORIGIN_LIVE)
		histogram_add(&b->relay_seconds[to], (double)(trip_now(t) - e->here_ms) / 1000.0);
}

static void trip_report(struct trip *t)
{
	switch (t->settle.state) {
	case DELIVERY_DELIVERED:
		if (trip_is_message(t))
			count_relayed(t);
		trip_log(t, LOG_INFO, "settled", &t->effect);
		break;
	case DELIVERY_FOLDED: trip_log(t, LOG_DEBUG, "settled", &t->effect); break;
	case DELIVERY_PARKED:
		t->target->stats.parked[t->settle.reason]++;
		trip_log(t, LOG_WARN, "parked", &t->effect);
		break;
	case DELIVERY_UNSURE:
		t->target->stats.uncertain++;
		t->is_doubted = true;
		trip_log(t, LOG_WARN, "unsure", &t->effect);
		break;
	default:
		t->target->stats.retries[t->settle.reason]++;
		trip_log(t, LOG_INFO, "retry", &t->effect);
	}
}

static void trip_on_settled(struct store_op *op)
{
	struct trip *t = (struct trip *)((char *)op - offsetof(struct trip, settle.op));
	struct courier *c = t->courier;
	struct lane *lane = t->lane;
	struct op_settle settle = t->settle;

	if (flow_redo(c->flow, op))
		return;
	trip_tell_opened(t, &settle.learned);
	if (settle.link_gone || (settle.was_asked && settle.state == DELIVERY_PARKED))
		c->watch.changed(c->watch.arg, t->row.link.id);
	if (settle.is_awaited && t->known.conversation != NULL)
		standings_await(t->target->standings, t->known.conversation, settle.now_ms);
	errand_owed(c->flow, settle.event, &settle.owe);
	trip_report(t);
	if (settle.state < DELIVERY_DELIVERED && t->is_echoed) {
		trip_deliver_by_echo(t); /* it came back while we wrote that it had not arrived */
		return;
	}
	if (settle.state == DELIVERY_UNSURE) {
		trip_wait(t, settle.due_ms - trip_now(t));
		return;
	}
	if (settle.state >= DELIVERY_DELIVERED)
		migration_told(c->flow->migrations, t->letter->event);
	trip_free(t);
	c->ended(c, lane, &settle);
}
