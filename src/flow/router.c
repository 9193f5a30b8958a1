/* See router.h.
 *
 *   router_take ─▶ held ─(its turn)─▶ route_event per bridge ─ROUTE─▶ on_routed ─▶ trip, or lane ready
 *
 * What is held, and in which order, is router_held.c's; what is remembered once it was routed, and the
 * short way that this opens, is router_short.c's. */
#include "flow/router_inside.h"

#include <sys/queue.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"
#include "flow/courier.h"
#include "flow/endpoint.h"
#include "flow/history/migration.h"
#include "flow/plan.h"
#include "flow/reading.h"
#include "flow/reconcile.h"
#include "flow/row.h"
#include "flow/survey.h"

/* A conversation that is older than what we first hear of it has begun without us. */
#define BEGAN_BEFORE_MSECS 2000
/* So long its first message waits for what was said before it. */
#define EARLIER_PATIENCE_MSECS (60 * 1000)
/* How often a message that waits for a conversation to be opened looks again, and asks the store. */
#define OPENING_RETRY_MSECS 250
#define OPENING_LOOK_MSECS 1000

/* One write: some events of one conversation, and their deliveries. */
struct routing {
	struct op_route op;
	struct conversation *conversation;
	struct arena *arena;
	struct held *held[ROUTE_MOST];
	struct route_event events[ROUTE_MOST];
	struct lane **lanes[ROUTE_MOST]; /* of each row; NULL: parked */
};

static void conversation_on_timer(void *arg);

static void conversation_wait(struct conversation *c, int64_t msecs)
{
	if (c->timer == NULL)
		c->timer = loop_timer_new(c->router->flow->loop, conversation_on_timer, c);
	if (!loop_timer_pending(c->timer))
		loop_timer_set(c->timer, msecs);
}

/* ---- deciding ---- */

void conversation_decide(const struct conversation *c, const struct event *event,
    const struct view *view, size_t bridge, struct route *out)
{
	struct endpoint *e = c->endpoint;
	struct flow *f = c->router->flow;
	const struct offer offer = {
		.keys = &f->keys,
		.event = event,
		.bridge = e->bridges[bridge],
		.side = e->asks[bridge].side,
		.view = view,
		.at = bridge,
		.now_ms = loop_now_ms(f->loop),
		.hops = (int)f->config->limits.hops,
	};

	plan_decide(&offer, out);
	if (event->origin == ORIGIN_HISTORY && offer.bridge->id != c->moving)
		*out = (struct route){ .drop = DROP_FILTERED };
}

/* A message of a conversation nobody knows may belong to one that a trip is just opening, or has opened
 * without having been told: such a delivery may wait for hours, in no trip, for its next attempt. */
static bool must_wait(struct conversation *c, const struct held *h, size_t bridge,
    const struct route *r)
{
	struct flow *f = c->router->flow;

	return c->endpoint->asks[bridge].side == SIDE_AGENTS && h->view.bridges[bridge].link.id == 0
	    && (r->drop == DROP_NONE || r->drop == DROP_UNLINKED)
	    && (h->view.bridges[bridge].opening != 0
		|| courier_is_opening(f->courier, c->endpoint, h->letter->event));
}

/* It would open a conversation at the other side, for one of which nothing is known here. */
static bool is_unheard_of(const struct conversation *c, const struct held *h, size_t bridge,
    const struct route *r)
{
	const struct event *event = h->letter->event;

	return !c->was_read && c->endpoint->conf.caps->pages && r->drop == DROP_NONE
	    && event->origin != ORIGIN_HISTORY
	    && (event->kind == EVENT_MESSAGE || event->kind == EVENT_UPDATE)
	    && h->view.bridges[bridge].link.id == 0;
}

static void on_earlier(void *arg, const struct reading_result *result)
{
	struct conversation *c = arg;

	(void)result; /* what could not be had is not waited for */
	c->reading = NULL;
	c->was_read = true;
	conversation_try(c);
}

static void read_earlier(struct conversation *c, const struct held *h)
{
	const struct reading_order order = {
		.conversation = c->remote,
		.since_ms = sweep_earliest(c->endpoint),
		.until_ms = h->letter->event->at_ms,
		.is_live = true,
	};

	c->reading = reading_start(c->endpoint, &order, on_earlier, c);
	c->reading_until_ms = loop_now_ms(c->router->flow->loop) + EARLIER_PATIENCE_MSECS;
	conversation_wait(c, EARLIER_PATIENCE_MSECS);
}

/* It may have begun without us. True: what was said in it before goes first, all of it where history is being moved,
 * else what was said since the bridge began. */
static bool reads_first(struct conversation *c, const struct held *h, size_t bridge)
{
	const struct event *event = h->letter->event;
	int64_t begun_ms = event->conversation_at_ms; /* 0: the platform does not tell */

	if (begun_ms != 0 && event->at_ms - begun_ms <= BEGAN_BEFORE_MSECS)
		return false;
	if (migration_takes(c->router->flow->migrations, c->endpoint, c->remote,
		c->endpoint->bridges[bridge]->id))
		return true;
	if (begun_ms == 0)
		return false;
	read_earlier(c, h);
	return true;
}

void router_count_drop(struct endpoint *e, const struct event *event, const struct route *r,
    const struct bridge_conf *b)
{
	e->stats.drops[r->drop]++;
	LOG(LOG_DEBUG, "dropped", F_STR("endpoint", e->conf.name), F_STR("bridge", b->name),
	    F_ID("event", 'e', event->id), F_STR("reason", drop_word(r->drop)));
}

/* What no bridge can carry is parked once. */
static void park_once(struct route *routes, size_t count)
{
	bool is_parked = false;
	size_t i;

	for (i = 0; i < count; i++) {
		if (routes[i].park == REASON_UNREACHABLE && is_parked)
			routes[i].park = REASON_NONE;
		is_parked |= routes[i].park == REASON_UNREACHABLE;
	}
}

/* Decides over one event. False: it must wait, and so must what stands behind it. */
static bool route_one(struct routing *g, struct conversation *c, struct held *h, size_t n)
{
	struct endpoint *e = c->endpoint;
	struct route routes[BRIDGES_PER_ENDPOINT];
	struct route_event *out = &g->events[n];
	size_t i;

	for (i = 0; i < e->nbridges; i++) {
		conversation_decide(c, h->letter->event, &h->view, i, &routes[i]);
		if (must_wait(c, h, i, &routes[i]))
			return false;
		if (is_unheard_of(c, h, i, &routes[i]) && reads_first(c, h, i))
			return false;
	}
	park_once(routes, e->nbridges);
	*out = (struct route_event){ .event = h->letter->event->id };
	out->rows = arena_zalloc(g->arena, BRIDGES_PER_ENDPOINT * sizeof(*out->rows));
	g->lanes[n] = arena_zalloc(g->arena, BRIDGES_PER_ENDPOINT * sizeof(*g->lanes[n]));
	g->held[n] = h;
	for (i = 0; i < e->nbridges; i++) {
		if (routes[i].drop != DROP_NONE)
			router_count_drop(e, h->letter->event, &routes[i], e->bridges[i]);
		if (routes[i].drop != DROP_NONE && routes[i].park == REASON_NONE)
			continue;
		g->lanes[n][out->nrows] =
		    row_make(c->endpoint, i, h->letter->event, &routes[i], &out->rows[out->nrows]);
		out->nrows++;
	}
	return true;
}

/* ---- written ---- */

static void on_routed(struct store_op *op)
{
	struct routing *g = (struct routing *)op;
	struct conversation *c = g->conversation;
	size_t n, i;

	if (flow_redo(c->router->flow, op))
		return;
	for (n = 0; n < g->op.nevents; n++) {
		for (i = 0; i < g->events[n].nrows; i++)
			row_start(c->router->flow, g->held[n]->letter, &g->events[n].rows[i],
			    g->lanes[n][i]);
		if (g->events[n].nrows == 0)
			migration_told(c->router->flow->migrations, g->held[n]->letter->event);
		conversation_remember(c, &g->held[n]->view, &g->events[n]);
		held_free(c->router, g->held[n]);
	}
	arena_free(g->arena);
	xfree(g);
	c->is_writing = false;
	conversation_try(c);
}

static void routing_on_lost(struct store_op *op)
{
	struct routing *g = (struct routing *)op;
	size_t n;

	for (n = 0; n < g->op.nevents; n++)
		held_free(g->conversation->router, g->held[n]);
	arena_free(g->arena);
	xfree(g);
}

static void write_out(struct routing *g)
{
	struct flow *f = g->conversation->router->flow;

	g->op.op =
	    (struct store_op){ .kind = STORE_ROUTE, .done = on_routed, .lost = routing_on_lost };
	g->op.arena = g->arena;
	g->op.events = g->events;
	g->op.owner = f->owner;
	g->op.now_ms = loop_now_ms(f->loop);
	g->conversation->is_writing = true;
	flow_submit(f, &g->op.op);
}

/* The window closes, and what came within it may be still on its way to disk: a slow disk is no reason
 * for disorder. What comes from now on is late. */
static bool is_awaiting(struct conversation *c)
{
	if (!c->endpoint->conf.caps->unordered)
		return false;
	if (!c->is_closing) {
		c->is_closing = true;
		c->awaited = c->expected;
	}
	if ((int32_t)(c->awaited - c->came) > 0)
		return true;
	c->is_closing = false;
	return false;
}

/* ---- what is known by now ---- */

static bool is_opening(const struct conversation *c, const struct held *h)
{
	size_t i;

	for (i = 0; i < c->endpoint->nbridges; i++)
		if (h->view.bridges[i].opening != 0 && h->view.bridges[i].link.id == 0)
			return true;
	return false;
}

static void on_surveyed(void *arg, struct letter *letter, const struct view *view, struct arena *a)
{
	struct conversation *c = arg;
	struct held *h, *known = NULL;

	c->is_looking = false;
	c->looked_ms = loop_now_ms(c->router->flow->loop);
	STAILQ_FOREACH(h, &c->held, next)
		if (h->letter == letter)
			known = h;
	arena_free(known->viewed);
	known->viewed = a;
	known->view = *view;
	known->is_stale = false;
	if (c->is_blocked && !is_opening(c, known)) /* nor do those behind it wait for that */
		for (h = STAILQ_NEXT(known, next); h != NULL; h = STAILQ_NEXT(h, next))
			h->is_stale = true;
	conversation_try(c);
}

/* The first has to know more, and the store is asked. */
static bool conversation_look(struct conversation *c)
{
	int64_t since_ms = loop_now_ms(c->router->flow->loop) - c->looked_ms;
	struct held *h = STAILQ_FIRST(&c->held);
	bool is_due = since_ms < 0 || since_ms >= OPENING_LOOK_MSECS;

	if (!h->is_stale && !(c->is_blocked && is_due && is_opening(c, h)))
		return false;
	c->is_looking = true;
	survey_ask(c->endpoint, h->letter, on_surveyed, c);
	return true;
}

void conversation_try(struct conversation *c)
{
	struct routing *g;
	struct held *h;
	int64_t wait;
	size_t due;

	if (c->is_writing || c->is_looking || c->reading != NULL)
		return;
	if (STAILQ_EMPTY(&c->held)) {
		if (c->is_known)
			router_trim(c->router);
		else if (conversation_is_quiet(c))
			conversation_free(c);
		return;
	}
	if (c->endpoint->is_held)
		return; /* router_start, when that is over */
	due = conversation_count_due(c, &wait);
	if (due == 0) {
		conversation_wait(c, wait);
		return;
	}
	if (is_awaiting(c) || conversation_look(c))
		return;
	g = xcalloc(1, sizeof(*g));
	g->conversation = c;
	g->arena = arena_new();
	while (g->op.nevents < due && (h = STAILQ_FIRST(&c->held)) != NULL && !h->is_stale
	    && route_one(g, c, h, g->op.nevents)) {
		STAILQ_REMOVE_HEAD(&c->held, next);
		g->op.nevents++;
	}
	conversation_block(c, g->op.nevents < due);
	if (g->op.nevents > 0) {
		write_out(g);
		return;
	}
	arena_free(g->arena);
	xfree(g);
	if (c->reading == NULL)
		conversation_wait(c, OPENING_RETRY_MSECS);
}

static void conversation_on_timer(void *arg)
{
	struct conversation *c = arg;
	int64_t left = c->reading_until_ms - loop_now_ms(c->router->flow->loop);

	if (c->reading != NULL && left > 0 && left <= EARLIER_PATIENCE_MSECS) {
		conversation_wait(c, left);
		return;
	}
	if (c->reading != NULL) { /* for so long that it goes on without */
		reading_free(c->reading);
		c->reading = NULL;
		c->was_read = true;
	}
	conversation_try(c);
}

/* ---- what others call ---- */

void router_take(struct router *r, struct endpoint *e, struct letter *letter,
    const struct view *view)
{
	conversation_try(conversation_take(r, e, letter, view, false));
}

void router_take_back(struct router *r, struct endpoint *e, struct letter *letter,
    const struct view *view)
{
	/* Whether another bridge has brought it where it goes was not asked when it was read back. */
	conversation_take(r, e, letter, view, e->nbridges > 1);
}

void router_start(struct router *r)
{
	struct map_node *n, *next;

	for (n = map_walk(&r->conversations, NULL); n != NULL; n = next) {
		next = map_walk(&r->conversations, n);
		conversation_try((struct conversation *)n);
	}
}

/* ---- what the courier tells ---- */

static size_t bridge_index(const struct endpoint *e, int bridge)
{
	size_t i;

	for (i = 0; i < e->nbridges && e->bridges[i]->id != bridge; i++)
		;
	return i;
}

static void on_opened(void *arg, struct endpoint *e, const char *conversation,
    const struct row_link *link)
{
	struct conversation *c = conversation_find(arg, e, conversation);
	size_t i = bridge_index(e, link->bridge);
	struct row_link *known;
	struct held *h;

	if (c == NULL || i == e->nbridges)
		return;
	STAILQ_FOREACH(h, &c->held, next) {
		known = &h->view.bridges[i].link;
		if (known->id != 0)
			continue;
		*known = *link; /* of its texts routing reads only these */
		if (h->viewed == NULL)
			h->viewed = arena_new();
		known->first_customers = arena_strdup(h->viewed, link->first_customers);
		known->first_agents = arena_strdup(h->viewed, link->first_agents);
		if (e->asks[i].side == SIDE_AGENTS) {
			known->agents = h->view.thread;
		} else {
			known->customers = h->view.thread;
			h->view.person = link->person;
		}
	}
	conversation_try(c);
}

void router_linked(struct router *r, struct endpoint *e, const char *conversation,
    const struct row_link *link)
{
	on_opened(r, e, conversation, link);
}

static void on_ended(void *arg, struct endpoint *e)
{
	struct router *r = arg;
	struct map_node *n, *next;
	struct conversation *c;

	if (r->blocked == 0)
		return;
	for (n = map_walk(&r->conversations, NULL); n != NULL; n = next) {
		next = map_walk(&r->conversations, n);
		c = (struct conversation *)n;
		if (c->is_blocked && c->endpoint == e)
			conversation_try(c);
	}
}

static void on_changed(void *arg, int64_t link)
{
	router_forget(arg, link, 0);
}

/* ---- the router ---- */

size_t router_held(const struct router *r)
{
	return r->held;
}

struct router *router_new(struct flow *f)
{
	struct router *r = xcalloc(1, sizeof(*r));

	r->flow = f;
	map_init(&r->conversations);
	TAILQ_INIT(&r->lru);
	courier_watch(f->courier, &(struct courier_watch){ r, on_opened, on_changed, on_ended });
	return r;
}

void router_free(struct router *r)
{
	struct map_node *n, *next;
	struct conversation *c;
	struct held *h;

	if (r == NULL)
		return;
	for (n = map_walk(&r->conversations, NULL); n != NULL; n = next) {
		next = map_walk(&r->conversations, n);
		c = (struct conversation *)n;
		while ((h = STAILQ_FIRST(&c->held)) != NULL) {
			STAILQ_REMOVE_HEAD(&c->held, next);
			held_free(r, h);
		}
		while ((h = STAILQ_FIRST(&c->later)) != NULL) {
			STAILQ_REMOVE_HEAD(&c->later, next);
			held_free(r, h);
		}
		conversation_free(c);
	}
	map_fini(&r->conversations);
	xfree(r);
}
