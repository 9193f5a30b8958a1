/* Lanes.
 *
 *   IDLE ──▶ READY ──▶ BUSY ──▶ READY | WAITING | IDLE      WAITING ──▶ READY | IDLE
 *   IDLE ──▶ BUSY  (its first delivery is born claimed)
 *   BUSY ──▶ PARKED ──▶ READY | IDLE  (a message was given up, and its bridge wants a person to look)
 *
 * A lane that is done rejoins its gate's list at the tail, so a busy one cannot starve quiet ones. */
#include "flow/lanes.h"

#include <assert.h>

#include "base/mem.h"
#include "core/policy.h"
#include "flow/endpoint.h"

/* Nothing asks for more; where it seems so, the clock was set back. */
#define WAIT_MOST_MSECS (RETRY_AFTER_MOST_MSECS + RETRY_MOST_MSECS)

const char *lane_state_word(enum lane_state state)
{
	static const char *const words[] = { "idle", "ready", "busy", "waiting", "parked" };

	return words[state];
}

static uint64_t lane_hash(const struct endpoint *target, int64_t person)
{
	return hash_int((uint64_t)person, (uint64_t)target->conf.id);
}

struct lane *lane_get(struct endpoint *target, int64_t person)
{
	struct flow *f = target->flow;
	uint64_t hash = lane_hash(target, person);
	struct map_node *n;
	struct lane *l;

	for (n = map_find(&f->lanes, hash); n != NULL; n = map_find_next(n)) {
		l = (struct lane *)n;
		if (l->target == target && l->person == person)
			return l;
	}
	l = xcalloc(1, sizeof(*l));
	l->target = target;
	l->person = person;
	map_add(&f->lanes, &l->node, hash);
	return l;
}

void lane_tidy(struct lane *l)
{
	if (l->state != LANE_IDLE || l->count > 0)
		return;
	map_remove(&l->target->flow->lanes, &l->node);
	xfree(l);
}

static void on_due(void *arg)
{
	struct lane *l = arg;

	if (l->count == 0) { /* only what might have come meanwhile would have had to wait */
		lane_move(l, LANE_IDLE, 0);
		lane_tidy(l);
		return;
	}
	l->is_due = true;
	lane_move(l, LANE_READY, 0);
	gate_wake(l->target);
}

/* A BUSY lane that does not rest takes a claim of its gate. */
static void count_claim(const struct lane *l, int by)
{
	struct gate *g = &l->target->gate;

	g->claimed += by;
	if (l->turn == TURN_LATE)
		g->late += by;
}

void lane_rest(struct lane *l, bool resting)
{
	if (l->is_resting == resting)
		return;
	l->is_resting = resting;
	count_claim(l, resting ? -1 : 1);
}

void lane_arrival(struct lane *l, enum turn turn)
{
	struct gate *g = &l->target->gate;
	bool is_claim = l->state == LANE_BUSY && !l->is_resting;

	if (l->count > 1 && turn == TURN_LATE)
		turn = l->turn;
	if (l->turn == turn)
		return;
	if (l->state == LANE_READY)
		TAILQ_REMOVE(&g->ready[l->turn], l, ready);
	if (is_claim)
		count_claim(l, -1);
	l->turn = turn;
	if (is_claim)
		count_claim(l, 1);
	if (l->state == LANE_READY)
		TAILQ_INSERT_TAIL(&g->ready[l->turn], l, ready);
}

static const bool lane_allowed[LANE_STATE_COUNT][LANE_STATE_COUNT] = {
	/*                  IDLE   READY  BUSY   WAITING PARKED */
	[LANE_IDLE] = { false, true, true, true, true },
	[LANE_READY] = { false, false, true, false, false },
	[LANE_BUSY] = { true, true, false, true, true },
	[LANE_WAITING] = { true, true, false, false, false },
	[LANE_PARKED] = { true, true, false, false, false },
};

void lane_move(struct lane *l, enum lane_state to, int64_t due_ms)
{
	struct gate *g = &l->target->gate;
	int64_t wait;

	assert(lane_allowed[l->state][to]);
	if (l->state == LANE_READY)
		TAILQ_REMOVE(&g->ready[l->turn], l, ready);
	if (l->state == LANE_BUSY) {
		lane_rest(l, false);
		count_claim(l, -1);
	}
	if (l->state == LANE_WAITING)
		loop_timer_free(l->timer);
	l->state = to;
	if (to == LANE_READY)
		TAILQ_INSERT_TAIL(&g->ready[l->turn], l, ready);
	if (to == LANE_BUSY)
		count_claim(l, 1);
	if (to == LANE_WAITING) {
		wait = due_ms - loop_now_ms(l->target->flow->loop);
		l->timer = loop_timer_new(l->target->flow->loop, on_due, l);
		loop_timer_set(l->timer, wait < WAIT_MOST_MSECS ? wait : WAIT_MOST_MSECS);
	}
}

void lane_release(struct lane *l)
{
	if (l->state == LANE_PARKED)
		lane_move(l, l->count > 0 ? LANE_READY : LANE_IDLE, 0);
}

/* One that is READY finds out when it claims. */
void lane_empty(struct lane *l)
{
	l->count = 0;
	if (l->state == LANE_PARKED)
		lane_release(l);
	else if (l->state == LANE_WAITING)
		lane_move(l, LANE_IDLE, 0);
	lane_tidy(l);
}

void lanes_free(struct flow *f)
{
	struct map_node *n, *next;
	struct lane *l;

	for (n = map_walk(&f->lanes, NULL); n != NULL; n = next) {
		next = map_walk(&f->lanes, n);
		l = (struct lane *)n;
		if (l->state == LANE_WAITING)
			loop_timer_free(l->timer);
		xfree(l);
	}
	map_fini(&f->lanes);
}
