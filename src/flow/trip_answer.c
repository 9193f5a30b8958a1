/* See trip_inside.h. What an answer says: what was learned goes to disk, and the trip to its next step or its end. */
#include "flow/trip_inside.h"

#include <string.h>

#include "base/arena.h"
#include "flow/endpoint.h"
#include "flow/pace.h"

#define BACKS_MAX 3 /* of one attempt, to an earlier step */

/* ---- what was learned goes to disk before the next request ---- */

static bool differs(const char *now, const char *was)
{
	return now != NULL && (was == NULL || strcmp(now, was) != 0);
}

/* Takes over what an answer taught; true where a restart would have to know it. */
static bool trip_learn(struct trip *t, const struct outcome *o)
{
	struct known *k = &t->known;
	const struct known *l = &o->learned;
	bool news = o->forget_sign_in;

#define LEARN_TEXT(field) \
	if (differs(l->field, k->field)) { \
		k->field = l->field; \
		news = true; \
	}
#define LEARN_FLAG(field) \
	if (l->field && !k->field) { \
		k->field = true; \
		news = true; \
	}
	LEARN_TEXT(contact)
	LEARN_TEXT(address)
	LEARN_TEXT(conversation)
	LEARN_TEXT(conversation_ref)
	LEARN_FLAG(signed_in)
	LEARN_FLAG(taken_over)
	if (o->forget_sign_in)
		k->signed_in = false;
	if (l->message != NULL)
		k->message = l->message;
	if (l->upload != NULL) {
		k->upload = l->upload;
		k->upload_part = t->now.part;
		news = true;
	}
	t->is_open = t->is_open || l->conversation != NULL;
	return news;
}

/* Only what the rows did not say already: mostly nothing, and then the store reads and writes neither
 * lane nor link. An id of our own choice says nothing before it is used. */
static struct known trip_news(const struct trip *t)
{
	const struct row_lane *lane = &t->row.lane;
	const struct row_link *link = &t->row.link;
	bool up = trip_side(t) == SIDE_AGENTS;
	struct known k = t->known;

	if (!differs(k.contact, lane->contact))
		k.contact = NULL;
	if (!differs(k.address, lane->address))
		k.address = NULL;
	if (!t->is_open)
		k.conversation = k.conversation_ref = NULL;
	else if (!differs(k.conversation, up ? link->agents_remote : link->customers_remote)
	    && !differs(k.conversation_ref, up ? link->agents_ref : link->customers_ref))
		k.conversation = k.conversation_ref = NULL;
	k.signed_in = k.signed_in && !lane->signed_in;
	k.taken_over = k.taken_over && !link->taken_over;
	return k;
}

struct learned trip_learned(struct trip *t, bool forget_sign_in)
{
	if (forget_sign_in)
		t->row.lane.signed_in = false;
	return (struct learned){
		.known = trip_news(t),
		.forget_sign_in = forget_sign_in,
		.link = t->row.link.id,
		.lane = t->row.lane.id,
		.to = trip_side(t),
		.endpoint = t->target->conf.id,
	};
}

/* Held messages of the conversation that was just opened may travel now. What counts is what was
 * written: an echo may have told of the conversation since. */
void trip_tell_opened(struct trip *t, const struct learned *written)
{
	const struct courier_watch *w = &t->courier->watch;
	struct row_link *l = &t->row.link;
	const char **remote =
	    trip_side(t) == SIDE_AGENTS ? &l->agents_remote : &l->customers_remote;

	if (written->known.conversation == NULL || *remote != NULL)
		return;
	*remote = written->known.conversation;
	w->changed(w->arg, l->id);
	w->opened(w->arg, t->target, *remote, l);
}

static void trip_on_stepped(struct store_op *op)
{
	struct trip *t = (struct trip *)((char *)op - offsetof(struct trip, step.op));

	if (flow_redo(t->courier->flow, op))
		return;
	trip_tell_opened(t, &t->step.learned);
	trip_go(t);
}

static const char *trip_carries(struct trip *t)
{
	if (t->known.upload != NULL && t->known.upload_part == t->now.part)
		return arena_printf(t->arena, CARRIED_UPLOAD "%s", t->known.upload);
	return t->was_adopted && !t->is_open ? CARRIED_ADOPTION : NULL;
}

void trip_store_step(struct trip *t, bool forget_sign_in, const char *part_remote)
{
	t->step = (struct op_step){
		.op = { .kind = STORE_STEP, .done = trip_on_stepped },
		.delivery = t->row.delivery.id,
		.learned = trip_learned(t, forget_sign_in),
		.step = t->now.step,
		.part = t->now.part,
		.carry = trip_carries(t),
		.part_remote = part_remote,
	};
	flow_submit(t->courier->flow, &t->step.op);
}

/* ---- answers ---- */

void trip_next(struct trip *t, const struct outcome *o, bool news)
{
	const struct effect again = { .kind = EFFECT_RETRY,
		.reason = o->effect.reason,
		.wait_msecs = -1,
		.why = o->effect.why };
	bool there = true, was_once = t->now.doubt_look != STEP_NONE;
	size_t was = t->next;

	if (step_is_look_up(t->now.step))
		t->found = o->found;
	if (o->cursor != NULL) {
		t->cursor = o->cursor;
		trip_go(t);
		return;
	}
	t->cursor = NULL;
	if (o->go != STEP_NONE)
		trip_turn_to_step(t, o->go, t->now.part);
	else
		there = trip_turn_to(t, t->next);
	if (o->go != STEP_NONE && !t->is_detour && t->next < was && ++t->backs > BACKS_MAX) {
		trip_conclude(t, &again); /* what it was sent back for is as it was */
		return;
	}
	if (!there) {
		const struct effect fault = { .kind = EFFECT_REJECTED,
			.reason = REASON_BAD_ANSWER,
			.why = "the plan ended without a message" };

		LOG(LOG_ERROR, "internal", F_STR("file", __FILE__), F_INT("line", __LINE__));
		trip_conclude(t, &fault);
	} else if (news || (was_once && t->now.doubt_look != STEP_NONE)) {
		/* Of two steps that must not be done twice, disk says which of them may be under way. */
		trip_store_step(t, o->forget_sign_in, NULL);
	} else {
		trip_go(t);
	}
}

static bool trip_turn_to_part(struct trip *t, int part)
{
	size_t i;

	for (i = 0; i < t->plan.count; i++)
		if (t->plan.steps[i].part == part)
			return trip_turn_to(t, i);
	return false;
}

void trip_part_done(struct trip *t, const struct effect *effect)
{
	pace_took(t->lane, t->letter->event->origin == ORIGIN_HISTORY);
	if (trip_turn_to_part(t, t->now.part + 1)) {
		t->is_echoed = false;
		trip_store_step(t, false, effect->remote_id);
	} else {
		trip_conclude(t, effect);
	}
}

void trip_deliver_by_echo(struct trip *t)
{
	const struct effect effect = { .kind = EFFECT_DELIVERED,
		.wait_msecs = -1,
		.remote_id = t->echo_remote };

	if (t->timer != NULL)
		loop_timer_stop(t->timer);
	t->effect = effect;
	trip_found(t, &effect);
	trip_part_done(t, &effect);
}

/* The far side forgets who signed in as soon as he has: that is tried again like any refusal. */
static void trip_sign_in_later(struct trip *t, const struct effect *effect)
{
	const struct effect refused = { .kind = EFFECT_RETRY,
		.reason = effect->reason,
		.wait_msecs = -1,
		.why = effect->why };

	trip_conclude(t, &refused);
}

static void trip_take(struct trip *t, const struct outcome *o)
{
	bool news = trip_learn(t, o);

	t->is_gone |= o->gone;
	if (o->serves)
		trip_serve(t);
	if (t->is_looking) {
		trip_take_look(t, o, news);
		return;
	}
	/* What came back is there, whatever the answer says. */
	if (t->is_echoed && o->effect.kind != EFFECT_DELIVERED
	    && o->effect.kind != EFFECT_NEXT_STEP) {
		trip_deliver_by_echo(t);
		return;
	}
	if (o->effect.kind != EFFECT_UNSURE || o->give_up != t->give_up)
		t->doubts = 0;
	t->doubts += o->effect.kind == EFFECT_UNSURE;
	t->doubts_max = o->doubts_max;
	t->give_up = o->give_up;
	switch (o->effect.kind) {
	case EFFECT_NEXT_STEP:
		if (o->forget_sign_in && t->is_signed_anew)
			trip_sign_in_later(t, &o->effect);
		else
			trip_next(t, o, news);
		t->is_signed_anew |= o->forget_sign_in;
		break;
	case EFFECT_DELIVERED: trip_part_done(t, &o->effect); break;
	default: trip_conclude(t, &o->effect);
	}
}

void trip_on_response(void *arg, const struct http_resp *resp)
{
	struct trip *t = arg;
	const struct via via = endpoint_via(t->target);
	const struct job job = trip_job(t);
	struct outcome o = { .effect = { .kind = EFFECT_UNSURE, .wait_msecs = -1 } };

	t->call = NULL;
	if (t->timer != NULL)
		loop_timer_stop(t->timer);
	t->target->connector->interpret(&via, t->arena, &job, resp, &o);
	t->effect = o.effect;
	endpoint_count(t->target, job.step, o.effect.kind, resp->took_msecs);
	endpoint_heard(t->target, o.effect.kind, o.effect.reason);
	gate_heard(&t->target->gate, &o.effect, resp);
	gate_leave(&t->target->gate);
	if (o.effect.reason == REASON_BUSY)
		pace_refused(t->lane, &o.effect, resp);
	endpoint_learn(t->target, o.memo, o.nmemo);
	if (o.nmemo > 0)
		endpoint_kick(t->target);
	trip_take(t, &o);
	gate_wake(t->target);
}
