/* See retention.h. Every ten minutes all is gone through, step by step: what is deleted and looked at in a step is
 * bounded, and between two steps the store has time for messages. Who is who and which message is which is gone
 * through once a day, since nothing of it is younger than that. How long things are kept is what the bridge says;
 * what came to an endpoint and went over no bridge stays as long as the longest of its bridges says. */
#include "flow/retention.h"

#include "base/arena.h"
#include "base/mem.h"
#include "flow/endpoint.h"
#include "flow/mirror.h"
#include "flow/router.h"
#include "store/retain.h"

#define ROUND_MSECS (10 * 60 * 1000)
#define LONG_ROUND_MSECS (60 * 60 * 1000)
#define STEP_MSECS 200
#define STEP_ROWS 500
/* A round that has looked at more in vain is not begun again soon. */
#define MUCH_SEEN 20000
#define DAY_MSECS (INT64_C(24) * 3600 * 1000)

struct retention_work {
	struct flow *flow;
	struct loop_timer *timer;
	struct arena *arena; /* of the round */
	struct op_retain op;
	int64_t seen, links_ms; /* when links were gone through last; 0: not yet */
};

/* ---- how long ---- */

static int64_t before(int64_t now_ms, int64_t keep_msecs)
{
	return keep_msecs == MSECS_NEVER ? 0 : now_ms - keep_msecs;
}

static struct retain_ages ages_of(const struct retention *r, int64_t now_ms)
{
	return (struct retain_ages){
		.bodies_before_ms = before(now_ms, r->bodies_msecs),
		.links_before_ms = before(now_ms, r->links_msecs),
		.raw_before_ms = before(now_ms, r->raw_msecs),
		.callbacks_before_ms = before(now_ms, r->callbacks_msecs),
	};
}

static void keep_longer(int64_t *msecs, int64_t other)
{
	if (other > *msecs)
		*msecs = other;
}

static struct retention longest(const struct endpoint *e)
{
	struct retention keep =
	    e->nbridges > 0 ? e->bridges[0]->retention : e->flow->config->retention;
	size_t i;

	for (i = 1; i < e->nbridges; i++) {
		keep_longer(&keep.bodies_msecs, e->bridges[i]->retention.bodies_msecs);
		keep_longer(&keep.links_msecs, e->bridges[i]->retention.links_msecs);
		keep_longer(&keep.raw_msecs, e->bridges[i]->retention.raw_msecs);
		keep_longer(&keep.callbacks_msecs, e->bridges[i]->retention.callbacks_msecs);
	}
	return keep;
}

int64_t retention_callbacks(const struct endpoint *e)
{
	return longest(e).callbacks_msecs;
}

static void begin_round(struct retention_work *w, int64_t now_ms)
{
	const struct config *c = w->flow->config;
	struct retain_part *bridges, *endpoints;
	struct retention keep;
	size_t i;

	arena_free(w->arena);
	w->arena = arena_new();
	w->seen = 0;
	bridges = arena_zalloc(w->arena, (c->nbridges + 1) * sizeof(*bridges));
	endpoints = arena_zalloc(w->arena, (w->flow->nendpoints + 1) * sizeof(*endpoints));
	for (i = 0; i < c->nbridges; i++)
		bridges[i] = (struct retain_part){ c->bridges[i].id,
			ages_of(&c->bridges[i].retention, now_ms) };
	for (i = 0; i < w->flow->nendpoints; i++) {
		keep = longest(&w->flow->endpoints[i]);
		endpoints[i] =
		    (struct retain_part){ w->flow->endpoints[i].conf.id, ages_of(&keep, now_ms) };
	}
	w->op = (struct op_retain){
		.rest = ages_of(&c->retention, now_ms),
		.bridges = bridges,
		.nbridges = c->nbridges,
		.endpoints = endpoints,
		.nendpoints = w->flow->nendpoints,
		.now_ms = now_ms,
		.limit = STEP_ROWS,
	};
	if (now_ms - w->links_ms >= DAY_MSECS || now_ms < w->links_ms) {
		w->links_ms = now_ms;
		w->op.arena = w->arena;
	}
}

/* ---- step by step ---- */

static void on_retained(struct store_op *op)
{
	struct retention_work *w =
	    (struct retention_work *)((char *)op - offsetof(struct retention_work, op.op));
	size_t i;

	if (op->result != 0) { /* from where it stood, when the disk works again */
		loop_timer_set(w->timer, ROUND_MSECS);
		return;
	}
	for (i = 0; i < w->op.nlinks; i++)
		router_forget(w->flow->router, w->op.links[i], 0);
	if (w->op.nlinks > 0)
		hearings_forget(w->flow->hearings);
	w->seen += w->op.seen;
	w->op.from = w->op.to;
	if (w->op.is_more)
		loop_timer_set(w->timer, STEP_MSECS);
	else
		loop_timer_set(w->timer, w->seen > MUCH_SEEN ? LONG_ROUND_MSECS : ROUND_MSECS);
}

static void on_time(void *arg)
{
	struct retention_work *w = arg;

	if (w->arena == NULL || w->op.from.stage == RETAIN_DONE)
		begin_round(w, loop_now_ms(w->flow->loop));
	w->op.op = (struct store_op){ .kind = STORE_RETAIN, .done = on_retained };
	if (flow_offer(w->flow, &w->op.op) != 0)
		loop_timer_set(w->timer, ROUND_MSECS);
}

struct retention_work *retention_new(struct flow *f)
{
	struct retention_work *w = xcalloc(1, sizeof(*w));

	w->flow = f;
	w->timer = loop_timer_new(f->loop, on_time, w);
	return w;
}

void retention_start(struct retention_work *w)
{
	loop_timer_set(w->timer, ROUND_MSECS);
}

void retention_free(struct retention_work *w)
{
	if (w == NULL)
		return;
	loop_timer_free(w->timer);
	arena_free(w->arena);
	xfree(w);
}
