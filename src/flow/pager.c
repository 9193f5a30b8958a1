/* See pager.h. */
#include "flow/pager.h"

#include "base/arena.h"
#include "base/mem.h"
#include "core/policy.h"
#include "flow/endpoint.h"

/* The part of the endpoint's rate that what is not live may use: half. Where reading is how messages come
 * it is two thirds. */
#define RATE_PART 2

struct pager {
	struct endpoint *endpoint;
	TAILQ_HEAD(, page) asked; /* live ones first */
	struct page *current;     /* on the wire */
	struct http_call *call;
	struct loop_timer *timer; /* one of them may go again */
	int64_t pace_ms;          /* what is not live waits until then */
};

static int64_t pager_now(const struct pager *g)
{
	return loop_mono_ms(g->endpoint->flow->loop);
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

static void on_response(void *arg, const struct http_resp *resp)
{
	struct pager *g = arg;
	struct page *p = g->current;
	struct endpoint *e = g->endpoint;
	const struct via via = endpoint_via(e);
	struct outcome o = { .effect = { .kind = EFFECT_RETRY, .wait_msecs = -1 } };

	g->call = NULL;
	g->current = NULL;
	e->connector->interpret(&via, p->arena, &p->job, resp, &o);
	endpoint_answered(e, p->job.step, &o, resp);
	config_unref(p->config);
	p->config = NULL;
	switch (o.effect.kind) {
	case EFFECT_NEXT_STEP:
	case EFFECT_DELIVERED:
	case EFFECT_REJECTED: finish(g, p, &o); break;
	case EFFECT_PAUSE:
	case EFFECT_RETRY:
	case EFFECT_UNSURE:
	case EFFECT_COUNT: try_again(g, p, &o.effect);
	}
	gate_wake(e);
}

/* ---- questions ---- */

static void send_page(struct pager *g, struct page *p)
{
	struct endpoint *e = g->endpoint;
	const struct via via = endpoint_via(e);
	int64_t spread = bucket_spread(&e->gate.supply->bucket, &e->conf.rate);

	if (!p->is_live)
		g->pace_ms = pager_now(g) + (e->conf.poll ? 3 * spread / 2 : RATE_PART * spread);
	p->arena = arena_new();
	p->job.attempt = p->attempt + 1;
	p->req = (struct http_req){ 0 };
	p->config = config_ref(e->flow->config);
	e->connector->build(&via, p->arena, &p->job, &p->req);
	g->current = p;
	g->call = http_out_start(e->flow->wire, &p->req, on_response, g);
}

/* Live messages go first: what has a request to send is before the gate. */
static bool yields(const struct pager *g, const struct page *p)
{
	return !p->is_live && !TAILQ_EMPTY(&g->endpoint->gate.sending);
}

/* The one to go now; NULL: none, and *next_ms is when to look again (INT64_MAX: when something
 * happens). */
static struct page *choose(const struct pager *g, int64_t now_ms, int64_t *next_ms)
{
	struct page *p;
	int64_t due_ms;

	*next_ms = INT64_MAX;
	TAILQ_FOREACH(p, &g->asked, next) {
		due_ms = p->due_ms;
		if (!p->is_live && g->pace_ms > due_ms)
			due_ms = g->pace_ms;
		if (due_ms <= now_ms)
			return yields(g, p) ? NULL : p;
		if (due_ms < *next_ms)
			*next_ms = due_ms;
	}
	return NULL;
}

void pager_pump(struct pager *g)
{
	struct endpoint *e = g->endpoint;
	int64_t now_ms = pager_now(g), next_ms;
	struct page *p;

	if (g->call != NULL || TAILQ_EMPTY(&g->asked) || e->flow->draining || e->gate.is_paused)
		return;
	p = choose(g, now_ms, &next_ms);
	if (p != NULL && gate_enter(&e->gate))
		send_page(g, p);
	else if (p == NULL && next_ms != INT64_MAX)
		loop_timer_set(g->timer, next_ms - now_ms);
}

void page_ask(struct endpoint *e, struct page *p)
{
	struct pager *g = e->pager;
	struct page *behind;

	p->pager = g;
	p->job.kind = JOB_PAGE;
	p->job.known = &p->known;
	p->attempt = 0;
	p->due_ms = 0;
	TAILQ_FOREACH(behind, &g->asked, next)
		if (p->is_live && !behind->is_live)
			break;
	if (behind != NULL)
		TAILQ_INSERT_BEFORE(behind, p, next);
	else
		TAILQ_INSERT_TAIL(&g->asked, p, next);
	gate_wake(e);
}

void page_cancel(struct page *p)
{
	struct pager *g = p->pager;

	if (g == NULL)
		return;
	if (g->current == p) {
		http_out_cancel(g->call);
		g->call = NULL;
		g->current = NULL;
		gate_leave(&g->endpoint->gate);
		config_unref(p->config);
		p->config = NULL;
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
