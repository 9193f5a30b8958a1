/* See pager.h. */
#include "flow/pager.h"

#include "base/arena.h"
#include "base/mem.h"
#include "core/policy.h"
#include "flow/endpoint.h"
#include "flow/request.h"
#include "flow/router.h"
#include "flow/trip.h"

/* The part of the endpoint's rate that what is not live may use: half. Where reading is how messages come
 * it is two thirds. */
#define RATE_PART 2

struct pager {
	struct endpoint *endpoint;
	TAILQ_HEAD(, page) asked; /* live ones first, history last */
	struct page *current;     /* on the wire */
	struct request request;
	struct loop_timer *timer; /* one of them may go again */
};

static int64_t pager_now(const struct pager *g)
{
	return loop_mono_ms(g->endpoint->flow->loop);
}

/* A message waits for it. */
static bool is_live(const struct pager *g, const struct page *p)
{
	struct endpoint *e = g->endpoint;

	return p->is_live
	    || (p->is_history && p->known.conversation != NULL
		&& router_is_urgent(e->flow->router, e, p->known.conversation));
}

/* ---- answers ---- */

static void finish(struct pager *g, struct page *p, const struct outcome *o)
{
	struct arena *a = p->arena;

	TAILQ_REMOVE(&g->asked, p, next);
	p->pager = NULL;
	p->arena = NULL;
	p->done(p->arg, a, o);
}

static void try_again(struct pager *g, struct page *p, const struct effect *effect)
{
	p->attempt++;
	p->due_ms = policy_retry_at(p->attempt, effect->wait_msecs, pager_now(g), random_dice());
	arena_free(p->arena);
	p->arena = NULL;
}

static void on_answer(void *arg, const struct outcome *o)
{
	struct pager *g = arg;
	struct page *p = g->current;

	g->current = NULL;
	switch (o->effect.kind) {
	case EFFECT_NEXT_STEP:
	case EFFECT_DELIVERED:
	case EFFECT_REJECTED: finish(g, p, o); break;
	case EFFECT_PAUSE:
	case EFFECT_RETRY:
	case EFFECT_UNSURE:
	case EFFECT_COUNT: try_again(g, p, &o->effect);
	}
}

/* ---- questions ---- */

static void send_page(struct pager *g, struct page *p)
{
	struct endpoint *e = g->endpoint;
	struct supply *s = e->gate.supply;
	int64_t spread = bucket_spread(&s->bucket, &s->rate);

	if (!is_live(g, p))
		s->reads_ms = pager_now(g) + (e->conf.poll ? 3 * spread / 2 : RATE_PART * spread);
	p->arena = arena_new();
	p->job.attempt = p->attempt + 1;
	g->current = p;
	request_send(&g->request, e, p->arena, &p->job);
}

/* Live messages go first; of what is late, as much is read as may be read at all. */
static bool yields(const struct pager *g, const struct page *p)
{
	const struct trip *t = TAILQ_FIRST(&g->endpoint->gate.sending);

	return !is_live(g, p) && t != NULL && t->lane->turn == TURN_LIVE;
}

/* The one to go now; NULL: none, and *next_ms is when to look again (INT64_MAX: when something
 * happens). */
static struct page *choose(const struct pager *g, int64_t now_ms, int64_t *next_ms)
{
	struct page *p, *first = NULL;
	bool live, is_first_live = false;
	int64_t due_ms;

	*next_ms = INT64_MAX;
	TAILQ_FOREACH(p, &g->asked, next) {
		live = is_live(g, p);
		due_ms = p->due_ms;
		if (!live && g->endpoint->gate.supply->reads_ms > due_ms)
			due_ms = g->endpoint->gate.supply->reads_ms;
		if (due_ms > now_ms) {
			*next_ms = due_ms < *next_ms ? due_ms : *next_ms;
		} else if (first == NULL || (live && !is_first_live)) {
			first = p;
			is_first_live = live;
		}
	}
	return first != NULL && !yields(g, first) ? first : NULL;
}

/* Where reading is how messages come it is as urgent as they are. */
static enum turn turn_of(const struct pager *g, const struct page *p)
{
	return is_live(g, p) || (g->endpoint->conf.poll && !p->is_history) ? TURN_LIVE : TURN_LATE;
}

void pager_pump(struct pager *g)
{
	struct endpoint *e = g->endpoint;
	int64_t now_ms = pager_now(g), next_ms;
	struct page *p;

	if (g->current != NULL || TAILQ_EMPTY(&g->asked) || e->flow->draining || e->gate.is_paused)
		return;
	p = choose(g, now_ms, &next_ms);
	if (p != NULL && gate_enter(&e->gate, turn_of(g, p)))
		send_page(g, p);
	else if (p == NULL && next_ms != INT64_MAX)
		loop_timer_set(g->timer, next_ms - now_ms);
}

/* Of history what is begun is read to its end first: what is read whole can be written. */
static bool goes_before(const struct page *p, const struct page *other)
{
	if (p->is_live || other->is_live)
		return p->is_live && !other->is_live;
	if (!other->is_history)
		return false;
	return !p->is_history || (p->job.cursor != NULL && other->job.cursor == NULL);
}

/* Behind those of its kind. */
static void line_up(struct pager *g, struct page *p)
{
	struct page *first;

	TAILQ_FOREACH(first, &g->asked, next)
		if (goes_before(p, first))
			break;
	if (first != NULL)
		TAILQ_INSERT_BEFORE(first, p, next);
	else
		TAILQ_INSERT_TAIL(&g->asked, p, next);
}

void page_ask(struct endpoint *e, struct page *p)
{
	struct pager *g = e->pager;

	p->pager = g;
	p->job.kind = JOB_PAGE;
	p->job.known = &p->known;
	p->attempt = 0;
	p->due_ms = 0;
	line_up(g, p);
	gate_wake(e);
}

void page_cancel(struct page *p)
{
	struct pager *g = p->pager;

	if (g == NULL)
		return;
	if (g->current == p) {
		request_cancel(&g->request);
		g->current = NULL;
		loop_timer_set(g->timer, 0); /* its place is free for others; not from within */
	}
	TAILQ_REMOVE(&g->asked, p, next);
	arena_free(p->arena);
	p->arena = NULL;
	p->pager = NULL;
}

/* ---- life ---- */

static void on_timer(void *arg)
{
	struct pager *g = arg;

	gate_wake(g->endpoint);
}

struct pager *pager_new(struct endpoint *e)
{
	struct pager *g = xcalloc(1, sizeof(*g));

	g->endpoint = e;
	g->request.done = on_answer;
	g->request.arg = g;
	TAILQ_INIT(&g->asked);
	g->timer = loop_timer_new(e->flow->loop, on_timer, g);
	return g;
}

void pager_free(struct pager *g)
{
	struct page *p;

	if (g == NULL)
		return;
	while ((p = TAILQ_FIRST(&g->asked)) != NULL)
		page_cancel(p);
	loop_timer_free(g->timer);
	xfree(g);
}
