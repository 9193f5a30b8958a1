/* Which trips there are: claimed and started here, found again by their echo, and when one ends its lane
 * goes on. What happens on the way is trip.c's. */
#include "flow/courier.h"

#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"
#include "flow/endpoint.h"
#include "flow/pace.h"
#include "flow/pager.h"
#include "flow/trip.h"

/* ---- what has no way any more ---- */

/* A delivery whose bridge was taken out of the configuration, or has other ends now. */
struct stray {
	struct op_settle op;
	struct courier *courier;
	struct lane *lane;
};

static bool has_way(struct flow *f, const struct lane *lane, const struct row_trip *row,
    const struct letter *letter)
{
	const struct bridge_conf *b = flow_bridge(f, row->delivery.bridge);
	const struct endpoint *from = endpoint_find(f, letter->event->endpoint);
	const struct endpoint_conf *to = lane->target->given;

	return b != NULL && from != NULL
	    && ((b->agents == to && b->customers == from->given)
		|| (b->customers == to && b->agents == from->given));
}

static void on_ended(struct courier *c, struct lane *lane, struct op_settle *settle);

static void stray_on_lost(struct store_op *op)
{
	struct stray *s = (struct stray *)op;

	arena_free(s->op.arena);
	xfree(s);
}

static void stray_on_parked(struct store_op *op)
{
	struct stray *s = (struct stray *)op;

	if (flow_redo(s->courier->flow, op))
		return;
	s->courier->active--;
	s->lane->target->stats.parked[s->op.reason]++;
	LOG(LOG_WARN, "parked", F_STR("endpoint", s->lane->target->conf.name),
	    F_ID("event", 'e', s->op.event), F_ID("delivery", 'd', s->op.delivery),
	    F_STR("reason", reason_word((int)s->op.reason)), F_STR("err", s->op.why));
	on_ended(s->courier, s->lane, &s->op);
	xfree(s);
}

/* It is left to a person, and the lane goes on. */
static void park_stray(struct courier *c, struct lane *lane, const struct row_trip *row,
    const char *why)
{
	struct stray *s = xcalloc(1, sizeof(*s));

	lane->id = row->lane.id;
	s->courier = c;
	s->lane = lane;
	s->op = (struct op_settle){
		.op = { .kind = STORE_SETTLE, .done = stray_on_parked, .lost = stray_on_lost },
		.arena = arena_new(),
		.delivery = row->delivery.id,
		.event = row->delivery.id >> 4,
		.state = DELIVERY_PARKED,
		.reason = REASON_ENDPOINT_REMOVED,
		.why = why,
		.claim_next = gate_is_open(&lane->target->gate) && !c->flow->draining,
		.owner = c->flow->owner,
		.now_ms = loop_now_ms(c->flow->loop),
	};
	c->active++;
	flow_submit(c->flow, &s->op.op);
}

/* ---- starting, and what comes after ---- */

void courier_start(struct courier *c, struct lane *lane, const struct row_trip *row,
    struct letter *letter)
{
	if (has_way(c->flow, lane, row, letter))
		trip_begin(trip_new(c, lane, row, letter));
	else
		park_stray(c, lane, row, "its bridge is not configured any more");
}

static void resume(struct courier *c, struct lane *lane, const struct row_trip *row,
    struct letter *letter, bool is_long_ago)
{
	if (has_way(c->flow, lane, row, letter))
		trip_resume(trip_new(c, lane, row, letter), is_long_ago);
	else
		park_stray(c, lane, row,
		    "its bridge is not configured any more; it may have arrived before");
}

void courier_resume(struct courier *c, struct lane *lane, const struct row_trip *row,
    struct letter *letter)
{
	resume(c, lane, row, letter, false);
}

/* A person put it back: what may have left did so long ago. */
static void courier_look(struct courier *c, struct lane *lane, const struct row_trip *row,
    struct letter *letter)
{
	resume(c, lane, row, letter, true);
}

/* The lane goes on: its next head is claimed already, is not due yet, or there is none. */
static void lane_go_on(struct courier *c, struct lane *l, struct op_claim *claim, bool asked)
{
	struct letter *letter;

	if (asked && !claim->is_empty && !claim->is_early) {
		if (claim->trip.delivery.has_asked) /* the conversation there is to be another */
			c->watch.changed(c->watch.arg, claim->trip.link.id);
		letter = letter_new(claim->arena, (struct event *)claim->trip.event);
		if (claim->is_doubted)
			courier_look(c, l, &claim->trip, letter);
		else
			courier_start(c, l, &claim->trip, letter);
		letter_unref(letter);
		return;
	}
	arena_free(claim->arena);
	if (asked && claim->is_early) {
		lane_move(l, LANE_WAITING, claim->head_due_ms);
		return;
	}
	/* Asked and found empty, though it counts more: they are just being written, and the router makes
	 * the lane ready when they are. */
	if (pace_wait(l) > 0)
		lane_move(l, LANE_WAITING, loop_now_ms(c->flow->loop) + pace_wait(l));
	else
		lane_move(l, !asked && l->count > 0 ? LANE_READY : LANE_IDLE, 0);
	lane_tidy(l);
}

static void on_ended(struct courier *c, struct lane *lane, struct op_settle *settle)
{
	struct endpoint *target = lane->target;

	if (settle->state == DELIVERY_WAITING && settle->due_ms <= settle->now_ms) {
		lane->is_due = true; /* it waits for the gate, and for nothing else */
		lane_move(lane, LANE_READY, 0);
	} else if (settle->state == DELIVERY_WAITING) {
		lane_move(lane, LANE_WAITING, settle->due_ms);
	} else if (settle->hold_lane) {
		lane->count--;
		arena_free(settle->arena);
		lane_move(lane, LANE_PARKED, 0);
	} else {
		lane->count--;
		settle->next.arena = settle->arena;
		lane_go_on(c, lane, &settle->next, settle->claim_next);
	}
	c->watch.ended(c->watch.arg, target);
	gate_wake(target);
}

/* ---- echoes ---- */

static struct trip *trip_find(struct courier *c, const struct root *root, int bridge, int part)
{
	struct map_node *n;
	struct trip *t;

	for (n = map_find(&c->trips, trip_hash(root, bridge)); n != NULL; n = map_find_next(n)) {
		t = (struct trip *)n;
		if (root_equal(&t->words.root, root) && t->bridge->id == bridge
		    && t->now.part == part)
			return t;
	}
	return NULL;
}

bool courier_echo(struct courier *c, int bridge, const struct mark *mark, const struct event *event)
{
	struct trip *t = trip_find(c, &mark->root, bridge, mark->part);

	if (t != NULL)
		trip_take_echo(t, event);
	return t != NULL;
}

static bool is_same(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

bool courier_is_opening(const struct courier *c, const struct endpoint *e,
    const struct event *event)
{
	const struct map_node *n;
	const struct trip *t;
	const char *linked;

	for (n = map_walk(&c->trips, NULL); n != NULL; n = map_walk(&c->trips, n)) {
		t = (const struct trip *)n;
		linked = trip_side(t) == SIDE_AGENTS ? t->row.link.agents_remote
						     : t->row.link.customers_remote;
		if (t->target == e && linked == NULL
		    && (is_same(t->known.conversation, event->conversation)
			|| is_same(t->known.address, event->person.address)))
			return true;
	}
	return false;
}

bool courier_is_writing(const struct courier *c, const struct endpoint *e, const char *conversation)
{
	const struct map_node *n;
	const struct trip *t;

	for (n = map_walk(&c->trips, NULL); n != NULL; n = map_walk(&c->trips, n)) {
		t = (const struct trip *)n;
		if (t->target == e && is_same(t->known.conversation, conversation))
			return true;
	}
	return false;
}

void courier_shift(struct courier *c, int64_t by_ms)
{
	struct map_node *n;
	struct trip *t;

	for (n = map_walk(&c->trips, NULL); n != NULL; n = map_walk(&c->trips, n)) {
		t = (struct trip *)n;
		if (t->row.delivery.expires_ms != 0)
			t->row.delivery.expires_ms += by_ms;
	}
}

/* ---- the gate ---- */

struct claim {
	struct op_claim op;
	struct courier *courier;
	struct lane *lane;
};

static void claim_on_done(struct store_op *op)
{
	struct claim *claim = (struct claim *)op;
	struct endpoint *target = claim->lane->target;

	if (flow_redo(claim->courier->flow, op))
		return;
	claim->courier->active--;
	lane_go_on(claim->courier, claim->lane, &claim->op, true);
	xfree(claim);
	gate_wake(target);
}

static void claim_on_lost(struct store_op *op)
{
	struct claim *claim = (struct claim *)op;

	arena_free(claim->op.arena);
	xfree(claim);
}

static void claim_head(struct courier *c, struct lane *l)
{
	struct claim *claim = xcalloc(1, sizeof(*claim));

	lane_move(l, LANE_BUSY, 0);
	claim->courier = c;
	claim->lane = l;
	claim->op = (struct op_claim){
		.op = { .kind = STORE_CLAIM, .done = claim_on_done, .lost = claim_on_lost },
		.arena = arena_new(),
		.lane = l->id,
		.is_due = l->is_due,
		.owner = c->flow->owner,
		.now_ms = loop_now_ms(c->flow->loop),
	};
	l->is_due = false;
	c->active++;
	flow_submit(c->flow, &claim->op.op);
}

static void pump(struct endpoint *e)
{
	struct gate *g = &e->gate;
	struct courier *c = e->flow->courier;
	struct trip *t;
	struct lane *l;

	if (g->is_pumping)
		return;
	g->is_pumping = true;
	while ((t = TAILQ_FIRST(&g->sending)) != NULL) {
		if (chores_yield(&e->errands))
			chores_pump(&e->errands);
		if (chores_yield(&e->mirrors))
			chores_pump(&e->mirrors);
		if (t->lane->turn == TURN_LATE)
			pager_pump(e->pager);
		if (!gate_enter(g, t->lane->turn))
			break;
		trip_send(t);
	}
	g->stands_since_ms = t != NULL ? t->queued_ms : 0;
	while (!e->flow->draining && (l = gate_next(g)) != NULL)
		claim_head(c, l);
	chores_pump(&e->errands);
	chores_pump(&e->mirrors);
	pager_pump(e->pager);
	g->is_pumping = false;
}

/* ---- life ---- */

struct courier *courier_new(struct flow *f)
{
	struct courier *c = xcalloc(1, sizeof(*c));

	c->flow = f;
	c->ended = on_ended;
	map_init(&c->trips);
	f->pump = pump;
	return c;
}

void courier_free(struct courier *c)
{
	struct map_node *n, *next;

	if (c == NULL)
		return;
	for (n = map_walk(&c->trips, NULL); n != NULL; n = next) {
		next = map_walk(&c->trips, n);
		trip_free((struct trip *)n);
	}
	map_fini(&c->trips);
	xfree(c);
}

void courier_watch(struct courier *c, const struct courier_watch *watch)
{
	c->watch = *watch;
}

size_t courier_active(const struct courier *c)
{
	return c->active;
}
