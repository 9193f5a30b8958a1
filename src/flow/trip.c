/* The story of one trip (a message with files first waits until each is here, or known not to be had):
 *
 *   trip_begin ─▶ trip_go ─▶ (gate) ─▶ trip_send ─http─▶ trip_on_response
 *                    ▲                                    │ another step: what was learned goes to disk
 *                    └──────────── trip_on_stepped ◀──────┤ first
 *                                  trip_on_settled ◀──────┘ the end: delivered, waiting, parked
 *
 * In doubt (the request may have arrived and no answer says so) the delivery is UNSURE on disk, the trip
 * waits long enough for a late commit at the far side, looks for its mark, and only then sends again. The
 * echo of our own message ends the doubt at any time. While UNSURE is on disk, sending again needs no
 * further claim: a crash then finds UNSURE, and looks. */
#include "flow/trip_inside.h"

#include <inttypes.h>
#include <string.h>

#include "base/arena.h"
#include "core/notice.h"
#include "core/policy.h"
#include "flow/endpoint.h"
#include "flow/media.h"
#include "flow/pace.h"
#include "flow/plan.h"

/* ---- small helpers ---- */

void trip_set_active(struct trip *t, bool active)
{
	if (t->is_active == active)
		return;
	t->is_active = active;
	t->courier->active += active ? 1 : (size_t)-1;
}

uint64_t trip_hash(const struct root *root, int bridge)
{
	return hash_bytes(root->b, sizeof(root->b), (uint64_t)bridge);
}

int64_t trip_now(const struct trip *t)
{
	return loop_now_ms(t->courier->flow->loop);
}

bool trip_is_expired(struct trip *t)
{
	flow_check_clock(t->courier->flow);
	return t->row.delivery.expires_ms != 0 && trip_now(t) > t->row.delivery.expires_ms;
}

/* The transport's words, or ours. What a platform says of a message may quote from it, or name the
 * person, so that is for debugging only. */
static const char *words_for_log(const struct effect *effect)
{
	switch (effect->reason) {
	case REASON_CONNECT:
	case REASON_TLS:
	case REASON_TIMEOUT:
	case REASON_CUT:
	case REASON_CREDENTIALS:
	case REASON_NOT_ENABLED:
	case REASON_UNSUPPORTED: return effect->why;
	default: return log_wants(LOG_DEBUG) ? effect->why : NULL;
	}
}

void trip_log(const struct trip *t, enum log_level level, const char *at,
    const struct effect *effect)
{
	LOG(level, at, F_STR("endpoint", t->target->conf.name), F_STR("bridge", t->bridge->name),
	    F_ID("event", 'e', t->row.delivery.id >> 4), F_ID("delivery", 'd', t->row.delivery.id),
	    F_ID("lane", 'l', t->lane->id), F_INT("attempt", t->attempt),
	    F_STR("step", step_word((int)t->now.step)),
	    F_STR("effect", effect_word((int)effect->kind)),
	    F_STR("reason",
		effect->reason != REASON_NONE ? reason_word((int)effect->reason) : NULL),
	    F_STR("remote", effect->remote_id), F_STR("err", words_for_log(effect)));
}

/* The row's texts live in the memory of the operation that brought it. */
static void row_copy(struct arena *a, struct row_trip *r)
{
	r->delivery.carry = arena_strdup(a, r->delivery.carry);
	r->delivery.remote_id = arena_strdup(a, r->delivery.remote_id);
	r->delivery.written = arena_strdup(a, r->delivery.written);
	r->lane.contact = arena_strdup(a, r->lane.contact);
	r->lane.address = arena_strdup(a, r->lane.address);
	r->link.customers_remote = arena_strdup(a, r->link.customers_remote);
	r->link.customers_ref = arena_strdup(a, r->link.customers_ref);
	r->link.agents_remote = arena_strdup(a, r->link.agents_remote);
	r->link.agents_ref = arena_strdup(a, r->link.agents_ref);
	r->link.first_customers = arena_strdup(a, r->link.first_customers);
	r->link.first_agents = arena_strdup(a, r->link.first_agents);
	r->person.identity = arena_strdup(a, r->person.identity);
	r->person.id = arena_strdup(a, r->person.id);
	r->person.address = arena_strdup(a, r->person.address);
	r->person.name = arena_strdup(a, r->person.name);
	r->person.email = arena_strdup(a, r->person.email);
	r->person.phone = arena_strdup(a, r->person.phone);
	r->replied = r->replied != NULL ? event_copy(a, r->replied) : NULL;
	r->replied_remote = arena_strdup(a, r->replied_remote);
}

enum side trip_side(const struct trip *t)
{
	return t->bridge->agents->id == t->target->conf.id ? SIDE_AGENTS : SIDE_CUSTOMERS;
}

/* ---- making a trip ---- */

static void trip_prepare(struct trip *t)
{
	struct flow *f = t->courier->flow;
	const struct cargo cargo = {
		.keys = &f->keys,
		.event = t->letter->event,
		.bridge = t->bridge,
		.to = trip_side(t),
		.target = endpoint_via(t->target),
		.desk = endpoint_via(endpoint_find(f, t->bridge->agents->id)),
		.from = &endpoint_find(f, t->letter->event->endpoint)->conf,
		.customers = &endpoint_find(f, t->bridge->customers->id)->conf,
		.link = &t->row.link,
		.lane = &t->row.lane,
		.person = &t->row.person,
		.reopen = t->row.delivery.reopen,
		.take_over = t->row.delivery.take_over,
		.set_state = t->row.delivery.set_state,
		.replied = t->row.replied,
		.replied_remote = t->row.replied_remote,
	};

	t->is_open =
	    (trip_side(t) == SIDE_AGENTS ? t->row.link.agents_remote : t->row.link.customers_remote)
	    != NULL;
	plan_words(t->arena, &cargo, &t->words, &t->known);
	if (t->row.delivery.is_deletion)
		t->known.message = t->row.delivery.written;
}

/* What history ends with is done whatever is known of the conversation there. */
static void trip_take_history(struct trip *t)
{
	if (t->row.delivery.is_status && t->letter->event->origin == ORIGIN_HISTORY)
		t->row.delivery.set_state = t->letter->event->state;
}

#define BACKS_MAX 3 /* of one attempt, to an earlier step */
#define CARRIED_UPLOAD "upload:"

/* A file that the far side has already, of the part a former life was at. */
static void trip_take_carried(struct trip *t)
{
	const struct row_delivery *d = &t->row.delivery;

	if (d->step == STEP_NONE || d->carry == NULL
	    || strncmp(d->carry, CARRIED_UPLOAD, strlen(CARRIED_UPLOAD)) != 0)
		return;
	t->known.upload = d->carry + strlen(CARRIED_UPLOAD);
	t->known.upload_part = d->part;
}

struct trip *trip_new(struct courier *c, struct lane *lane, const struct row_trip *row,
    struct letter *letter)
{
	struct arena *a = arena_new();
	struct trip *t = ARENA_NEW(a, struct trip);

	t->courier = c;
	t->target = lane->target;
	t->lane = lane;
	t->letter = letter_ref(letter);
	t->arena = a;
	t->config = config_ref(c->flow->config);
	t->bridge = flow_bridge(c->flow, row->delivery.bridge);
	t->row = *row;
	t->row.event = NULL;
	row_copy(t->arena, &t->row);
	t->attempt = row->delivery.attempt > 0 ? row->delivery.attempt : 1;
	t->begun_ms = trip_now(t);
	t->looks_first =
	    letter->event->origin == ORIGIN_REPAIR || row->delivery.id >> 4 <= c->flow->put_back;
	t->looked = -1;
	lane->id = row->lane.id;
	trip_take_history(t);
	trip_prepare(t);
	trip_take_carried(t);
	map_add(&c->trips, &t->node, trip_hash(&t->words.root, t->bridge->id));
	trip_set_active(t, true);
	return t;
}

void trip_unqueue(struct trip *t)
{
	TAILQ_REMOVE(&t->target->gate.sending, t, sending);
	t->target->gate.queued--;
	t->is_queued = false;
}

void trip_free(struct trip *t)
{
	trip_set_active(t, false);
	if (t->is_queued)
		trip_unqueue(t);
	if (t->call != NULL) {
		http_out_cancel(t->call);
		gate_leave(&t->target->gate);
	}
	media_forget(t->files);
	loop_timer_free(t->timer);
	map_remove(&t->courier->trips, &t->node);
	letter_unref(t->letter);
	config_unref(t->config);
	arena_free(t->arena); /* and with it the trip */
}

/* ---- where in the plan ---- */

bool step_is_look_up(enum step step)
{
	return step == STEP_FIND_CONTACT || step == STEP_FIND_CONVERSATION || step == STEP_LOOK_UP
	    || step == STEP_LIST_MESSAGES || step == STEP_LIST_CONVERSATIONS;
}

static bool step_applies(const struct trip *t, const struct step_plan *s)
{
	return s->when == WHEN_ALWAYS || (s->when == WHEN_FOUND) == t->found;
}

/* The first step from index on that applies; false: the plan is at its end. */
bool trip_turn_to(struct trip *t, size_t index)
{
	while (index < t->plan.count && !step_applies(t, &t->plan.steps[index]))
		index++;
	if (index >= t->plan.count)
		return false;
	t->next = index + 1;
	t->is_detour = false;
	t->now = t->plan.steps[index];
	t->skipped = 0;
	return true;
}

/* Where an answer, or a former life, says to go on: that step of the plan, or a detour outside it. A plan
 * is made of what is known, so a step that was begun may have dropped out of it; then all of the plan is
 * still to be done. */
void trip_turn_to_step(struct trip *t, enum step step, int part)
{
	size_t i;

	t->skipped = 0;
	for (i = 0; i < t->plan.count; i++)
		if (t->plan.steps[i].step == step && t->plan.steps[i].part == part) {
			t->next = i + 1;
			t->is_detour = false;
			t->now = t->plan.steps[i];
			return;
		}
	if (!t->is_detour && t->next > 0)
		t->next--; /* behind it goes on who asked for it */
	t->is_detour = true;
	t->now = (struct step_plan){ .step = step, .part = part };
}

/* Some of its files stand there as addresses of ours from now on. */
static void trip_serve(struct trip *t)
{
	media_serve_from_now(t->courier->flow->media, t->row.delivery.id >> 4);
}

bool trip_plan(struct trip *t)
{
	const struct via via = endpoint_via(t->target);
	struct effect refused;

	if (plan_steps(t->arena, &via, &t->words, &t->known, &t->plan, &refused)) {
		if (t->plan.serves)
			trip_serve(t);
		return true;
	}
	trip_conclude(t, &refused);
	return false;
}

/* ---- sending ---- */

static struct job trip_job(const struct trip *t)
{
	return (struct job){
		.kind = t->is_looking ? JOB_LOOK : JOB_DELIVER,
		.step = t->is_looking ? t->now.doubt_look : t->now.step,
		.in_doubt = t->is_looking ? t->now.step : STEP_NONE,
		.attempt = t->attempt,
		.before = t->row.delivery.reason,
		.is_late = t->looks_first,
		.message = &t->words.message,
		.known = &t->known,
		.cursor = t->cursor,
	};
}

static void trip_on_response(void *arg, const struct http_resp *resp);

void trip_send(struct trip *t)
{
	const struct via via = endpoint_via(t->target);
	const struct job job = trip_job(t);

	trip_unqueue(t);
	compose_part(&t->words, t->now.part);
	t->req = (struct http_req){ 0 };
	t->target->connector->build(&via, t->arena, &job, &t->req);
	t->call = http_out_start(t->courier->flow->wire, &t->req, trip_on_response, t);
}

static void trip_part_done(struct trip *t, const struct effect *effect);

/* What was in doubt is there after all. */
static void trip_found(struct trip *t, const struct effect *effect)
{
	t->is_looking = t->is_unsent = false;
	if (!t->is_doubted)
		return;
	t->is_doubted = false;
	t->target->stats.found++;
	trip_log(t, LOG_INFO, "found", effect);
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

/* What no callback told may have been told to an earlier life, which sent it, and whose store was lost or
 * put back since: it is looked for before it is sent. */
static void trip_look_first(struct trip *t)
{
	if (t->is_looking || t->looked == t->now.part || t->now.step != STEP_SEND
	    || t->now.doubt_look == STEP_NONE)
		return;
	t->looked = t->now.part;
	t->is_looking = t->is_unsent = true;
	t->cursor = NULL;
}

/* The next request goes out as soon as the gate has a place. */
void trip_go(struct trip *t)
{
	trip_set_active(t, true);
	if (t->is_echoed) {
		trip_deliver_by_echo(t);
		return;
	}
	if (t->looks_first)
		trip_look_first(t);
	lane_rest(t->lane, false);
	TAILQ_INSERT_TAIL(&t->target->gate.sending, t, sending);
	t->target->gate.queued++;
	t->is_queued = true;
	t->queued_ms = trip_now(t);
	gate_wake(t->target);
}

/* ---- doubt ---- */

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

static void trip_store_step(struct trip *t, bool forget_sign_in, const char *part_remote)
{
	t->step = (struct op_step){
		.op = { .kind = STORE_STEP, .done = trip_on_stepped },
		.delivery = t->row.delivery.id,
		.learned = trip_learned(t, forget_sign_in),
		.step = t->now.step,
		.part = t->now.part,
		.carry = t->known.upload != NULL && t->known.upload_part == t->now.part
		    ? arena_printf(t->arena, CARRIED_UPLOAD "%s", t->known.upload)
		    : NULL,
		.part_remote = part_remote,
	};
	flow_submit(t->courier->flow, &t->step.op);
}

/* ---- answers ---- */

static void trip_next(struct trip *t, const struct outcome *o, bool news)
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

/* A part is there, however that was found out; the message is when the last one is. */
static void trip_part_done(struct trip *t, const struct effect *effect)
{
	pace_took(t->lane);
	if (trip_turn_to_part(t, t->now.part + 1)) {
		t->is_echoed = false;
		trip_store_step(t, false, effect->remote_id);
	} else {
		trip_conclude(t, effect);
	}
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

static void trip_take_look(struct trip *t, const struct outcome *o, bool news)
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

static void trip_on_response(void *arg, const struct http_resp *resp)
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
