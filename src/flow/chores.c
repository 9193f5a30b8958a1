/* See chores.h. */
#include "flow/chores.h"

#include "base/arena.h"
#include "base/mem.h"
#include "core/policy.h"
#include "flow/endpoint.h"

/* Live messages of which each lets one chore go ahead, where there is never room for both. */
#define LIVE_TURNS 8

static int64_t chores_now(const struct chores *g)
{
	return loop_now_ms(g->endpoint->flow->loop);
}

/* ---- stages ---- */

static struct chore_list *list_of(struct chores *g, enum chore_stage stage)
{
	switch (stage) {
	case CHORE_READY: return &g->ready;
	case CHORE_WAITING: return &g->waiting;
	case CHORE_LOADED: return &g->loaded;
	case CHORE_READING:
	case CHORE_SENDING:
	case CHORE_WRITING: break;
	}
	return &g->busy;
}

static bool takes_turn(enum chore_stage stage)
{
	return stage == CHORE_READING || stage == CHORE_LOADED || stage == CHORE_SENDING;
}

static bool is_busy(enum chore_stage stage)
{
	return stage == CHORE_SENDING || stage == CHORE_WRITING;
}

static void move(struct chores *g, struct chore *c, enum chore_stage to)
{
	TAILQ_REMOVE(list_of(g, c->stage), c, next);
	TAILQ_INSERT_TAIL(list_of(g, to), c, next);
	g->turns += (size_t)takes_turn(to) - (size_t)takes_turn(c->stage);
	g->endpoint->flow->errands += (size_t)is_busy(to) - (size_t)is_busy(c->stage);
	c->stage = to;
}

static void end_turn(struct chore *c)
{
	if (c->turn == NULL)
		return;
	request_cancel(&c->turn->request);
	arena_free(c->turn->arena); /* and with it the turn */
	c->turn = NULL;
}

static void set_timer(struct chores *g)
{
	int64_t first_ms = INT64_MAX, now_ms = chores_now(g);
	int64_t shut_msecs = gate_shut_for(&g->endpoint->gate);
	const struct chore *c;

	TAILQ_FOREACH(c, &g->waiting, next)
		if (c->due_ms < first_ms)
			first_ms = c->due_ms;
	/* Nobody else may be waiting for the gate to open. */
	if (!TAILQ_EMPTY(&g->ready) && shut_msecs > 0 && now_ms + shut_msecs < first_ms)
		first_ms = now_ms + shut_msecs;
	if (first_ms != INT64_MAX)
		loop_timer_set(g->timer, first_ms > now_ms ? first_ms - now_ms : 0);
}

static void on_timer(void *arg)
{
	struct chores *g = arg;
	struct chore *c, *next;

	for (c = TAILQ_FIRST(&g->waiting); c != NULL; c = next) {
		next = TAILQ_NEXT(c, next);
		if (c->due_ms <= chores_now(g))
			move(g, c, CHORE_READY);
	}
	set_timer(g);
	gate_wake(g->endpoint);
}

/* ---- what its kind says of one ---- */

void chore_add(struct chores *g, struct chore *c, uint64_t hash)
{
	map_add(&g->map, &c->node, hash);
	TAILQ_INSERT_TAIL(&g->ready, c, next);
}

void chore_hurry(struct chores *g, struct chore *c)
{
	if (c->stage != CHORE_WAITING)
		return;
	c->attempt = 0;
	move(g, c, CHORE_READY);
}

void chore_wait(struct chores *g, struct chore *c, int64_t due_ms)
{
	end_turn(c);
	c->due_ms = due_ms;
	move(g, c, CHORE_WAITING);
	set_timer(g);
}

void chore_load(struct chore_turn *t)
{
	move(t->chores, t->chore, CHORE_LOADED);
	gate_wake(t->chores->endpoint);
}

void chore_ask(struct chore_turn *t)
{
	move(t->chores, t->chore, CHORE_READING);
}

void chore_write(struct chore_turn *t)
{
	move(t->chores, t->chore, CHORE_WRITING);
}

void chore_later(struct chore_turn *t, int64_t asked_msecs)
{
	struct chores *g = t->chores;
	struct chore *c = t->chore;

	c->attempt++;
	chore_wait(g, c, policy_retry_at(c->attempt, asked_msecs, chores_now(g), random_dice()));
}

static void chore_free(struct chores *g, struct chore *c)
{
	end_turn(c);
	move(g, c, CHORE_READY);
	TAILQ_REMOVE(&g->ready, c, next);
	map_remove(&g->map, &c->node);
	xfree(c);
}

void chore_over(struct chore_turn *t, bool is_due)
{
	struct chores *g = t->chores;
	struct chore *c = t->chore;

	if (is_due) {
		end_turn(c);
		c->attempt = 0;
		move(g, c, CHORE_READY);
	} else {
		chore_free(g, c);
	}
	gate_wake(g->endpoint);
}

bool chore_is_stale(const struct chore_turn *t)
{
	return (int64_t)t->chore->attempt * (RETRY_MOST_MSECS / 2)
	    > t->chores->endpoint->flow->config->limits.try_for_msecs;
}

/* ---- turns ---- */

static void on_answer(void *arg, const struct outcome *o)
{
	struct chore_turn *t = arg;

	t->chores->kind->take(t, o);
}

static void send_it(struct chore_turn *t)
{
	struct chores *g = t->chores;
	const struct job job = g->kind->job(t);

	move(g, t->chore, CHORE_SENDING);
	g->passed = 0;
	t->request.done = on_answer;
	t->request.arg = t;
	if (!request_send(&t->request, g->endpoint, t->arena, &job))
		chore_later(t, -1);
}

static void read_it(struct chores *g, struct chore *c)
{
	struct arena *a = arena_new();
	struct chore_turn *t = arena_zalloc(a, g->kind->turn_size);

	t->chore = c;
	t->chores = g;
	t->arena = a;
	c->turn = t;
	move(g, c, CHORE_READING);
	g->kind->read(t);
}

static size_t most_turns(const struct chores *g)
{
	int most = g->endpoint->gate.width.now / 2;

	return g->kind->is_one_by_one || most < 1 ? 1 : (size_t)most;
}

void chores_pump(struct chores *g)
{
	struct gate *gate = &g->endpoint->gate;
	struct chore *c;

	if (g->endpoint->flow->draining || gate->is_paused || gate->is_shut)
		return;
	while ((c = TAILQ_FIRST(&g->loaded)) != NULL && gate_enter(gate, TURN_LIVE))
		send_it(c->turn);
	if (gate_shut_for(gate) > 0) {
		set_timer(g);
		return;
	}
	while (g->turns < most_turns(g) && (c = TAILQ_FIRST(&g->ready)) != NULL)
		read_it(g, c);
}

bool chores_yield(struct chores *g)
{
	if (TAILQ_EMPTY(&g->loaded))
		return false;
	return ++g->passed >= LIVE_TURNS;
}

/* ---- life ---- */

void chores_init(struct chores *g, struct endpoint *e, const struct chore_kind *kind)
{
	g->endpoint = e;
	g->kind = kind;
	map_init(&g->map);
	TAILQ_INIT(&g->ready);
	TAILQ_INIT(&g->waiting);
	TAILQ_INIT(&g->loaded);
	TAILQ_INIT(&g->busy);
	g->timer = loop_timer_new(e->flow->loop, on_timer, g);
}

void chores_fini(struct chores *g)
{
	struct map_node *n, *next;

	for (n = map_walk(&g->map, NULL); n != NULL; n = next) {
		next = map_walk(&g->map, n);
		chore_free(g, (struct chore *)n);
	}
	map_fini(&g->map);
	loop_timer_free(g->timer);
}
