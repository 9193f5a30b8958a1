/* A trip on its way: where it is in its plan, and the request that goes out next.
 *
 * The story of one trip (a message with files first waits until each is here, or known not to be had):
 *
 *   trip_begin ─▶ trip_go ─▶ (gate) ─▶ trip_send ─http─▶ trip_on_response
 *                    ▲                                    │ another step: what was learned goes to disk
 *                    └──────────── trip_on_stepped ◀──────┤ first
 *                                  trip_on_settled ◀──────┘ the end: delivered, waiting, parked
 *
 * Its answers are read in trip_answer.c, and trip_doubt.c looks where there was none. */
#include "flow/trip_inside.h"

#include <string.h>

#include "base/arena.h"
#include "flow/adoption.h"
#include "flow/endpoint.h"
#include "flow/media/media.h"
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

static void link_copy(struct arena *a, struct row_link *l)
{
	l->customers_remote = arena_strdup(a, l->customers_remote);
	l->customers_ref = arena_strdup(a, l->customers_ref);
	l->agents_remote = arena_strdup(a, l->agents_remote);
	l->agents_ref = arena_strdup(a, l->agents_ref);
	l->first_customers = arena_strdup(a, l->first_customers);
	l->first_agents = arena_strdup(a, l->first_agents);
}

/* The row's texts live in the memory of the operation that brought it. */
static void row_copy(struct arena *a, struct row_trip *r)
{
	r->delivery.carry = arena_strdup(a, r->delivery.carry);
	r->delivery.remote_id = arena_strdup(a, r->delivery.remote_id);
	r->delivery.written = arena_strdup(a, r->delivery.written);
	r->lane.contact = arena_strdup(a, r->lane.contact);
	r->lane.address = arena_strdup(a, r->lane.address);
	link_copy(a, &r->link);
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

void trip_relink(struct trip *t, const struct row_link *link)
{
	const struct known was = t->known;

	t->row.link = *link;
	link_copy(t->arena, &t->row.link);
	trip_prepare(t);
	if (t->known.contact == NULL)
		t->known.contact = was.contact;
	if (t->known.address == NULL)
		t->known.address = was.address;
	t->known.signed_in |= was.signed_in;
	if (t->nhad > 0)
		compose_files(t->arena, &t->words, t->had, t->nhad);
}

/* What history ends with is done whatever is known of the conversation there. */
static void trip_take_history(struct trip *t)
{
	if (t->row.delivery.is_status && t->letter->event->origin == ORIGIN_HISTORY)
		t->row.delivery.set_state = t->letter->event->state;
}

/* What a former life knew: a file that the far side has already, of the part it was at; that there is no
 * conversation to take. */
static void trip_take_carried(struct trip *t)
{
	const struct row_delivery *d = &t->row.delivery;

	t->was_adopted = d->carry != NULL && strcmp(d->carry, CARRIED_ADOPTION) == 0;
	if (d->step == STEP_NONE || d->carry == NULL
	    || strncmp(d->carry, CARRIED_UPLOAD, strlen(CARRIED_UPLOAD)) != 0)
		return;
	t->known.upload = d->carry + strlen(CARRIED_UPLOAD);
	t->known.upload_part = d->part;
}

/* What was said before the bridge began, by the clock there, may have been carried by a life whose store is
 * lost. */
static bool is_from_before(const struct bridge_conf *b, const struct event *e)
{
	return e->origin == ORIGIN_LIVE && e->kind == EVENT_MESSAGE && e->at_ms > 0
	    && b->since_ms > 0 && e->at_ms < b->since_ms;
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
	t->looks_first = letter->event->origin == ORIGIN_REPAIR
	    || row->delivery.id >> 4 <= c->flow->put_back
	    || is_from_before(t->bridge, letter->event);
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
	adoption_free(t->adoption);
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

void trip_serve(struct trip *t)
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

struct job trip_job(const struct trip *t)
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

/* Live messages stand before all that is late, however long that has waited. */
static void trip_queue(struct trip *t)
{
	struct gate *g = &t->target->gate;
	struct trip *late = NULL;

	if (t->lane->turn == TURN_LIVE && g->late > 0) /* else none of them is */
		TAILQ_FOREACH(late, &g->sending, sending)
			if (late->lane->turn == TURN_LATE)
				break;
	if (late != NULL)
		TAILQ_INSERT_BEFORE(late, t, sending);
	else
		TAILQ_INSERT_TAIL(&g->sending, t, sending);
	g->queued++;
	t->is_queued = true;
	t->queued_ms = trip_now(t);
}

/* The next request goes out as soon as the gate has a place. */
void trip_go(struct trip *t)
{
	trip_set_active(t, true);
	if (t->is_echoed) {
		trip_deliver_by_echo(t);
		return;
	}
	if (trip_adopts(t))
		return;
	if (t->looks_first)
		trip_look_first(t);
	lane_rest(t->lane, false);
	trip_queue(t);
	gate_wake(t->target);
}
