/* See router.h.
 *
 *   router_take ─▶ held ─(its turn)─▶ route_event per bridge ─ROUTE─▶ on_routed ─▶ trip, or lane ready
 *
 * A conversation is in memory while something of it is held or being written. From a source that
 * announces in order an event is held for no time at all; from one that does not, until the window of
 * the oldest closes: then it, and what has a smaller id, is routed in the order of ids.
 *
 * The short way saves one write and one wait: conversations that were routed lately stay in memory with
 * their links, written by nobody else and dropped whenever anything about them may have changed, which
 * is always harmless. An event that finds its conversation there, with nothing held or being written
 * before it, is routed first and stored together with its deliveries. */
#include "flow/router.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"
#include "flow/courier.h"
#include "flow/endpoint.h"
#include "flow/migration.h"
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
#define ROUTE_MOST 64
#define REMEMBERED_MOST 16384

struct held {
	STAILQ_ENTRY(held) next;
	struct letter *letter;
	struct view view;
	bool is_stale;        /* the store is asked for the view once more, before it is routed */
	struct arena *viewed; /* where that lies; NULL: the first one, with the letter */
	int64_t arrived_ms;
};
STAILQ_HEAD(held_list, held);

struct conversation {
	struct map_node node;
	struct router *router;
	struct endpoint *endpoint;
	char *remote;
	struct held_list held; /* in the order they will be routed */
	/* Events that went on their way to disk to be held, and those of them that are back, in the
	 * order they went. */
	uint32_t expected, came;
	uint32_t awaited; /* is_closing: so many must be back before it goes on */
	bool is_closing;
	bool is_writing;
	bool is_blocked; /* its first waits for a conversation to be opened */
	bool is_looking; /* the store is asked what is known by now, last */
	int64_t looked_ms;
	struct reading *reading; /* its first waits for what was said before it, until */
	int64_t reading_until_ms;
	bool was_read; /* that is there, or cannot be had */
	struct loop_timer *timer;
	/* Its history is being moved over this bridge (0: it is not): what is told live waits for the end. */
	int moving;
	struct held_list later;
	/* What is remembered when nothing of it is under way any more. */
	bool is_known;
	int64_t thread, person;
	enum state state;
	struct row_link *links; /* one per bridge of the endpoint, without texts */
	TAILQ_ENTRY(conversation) lru;
};

struct router {
	struct flow *flow;
	struct map conversations;
	size_t held, blocked;
	TAILQ_HEAD(lru_list, conversation) lru; /* known ones, the oldest first */
	size_t known;
};

/* One write: some events of one conversation, and their deliveries. */
struct routing {
	struct op_route op;
	struct conversation *conversation;
	struct arena *arena;
	struct held *held[ROUTE_MOST];
	struct route_event events[ROUTE_MOST];
	struct lane **lanes[ROUTE_MOST]; /* of each row; NULL: parked */
};

/* ---- conversations ---- */

static uint64_t conversation_hash(const struct endpoint *e, const char *remote)
{
	return hash_text(remote, (uint64_t)e->conf.id);
}

static struct conversation *conversation_find(struct router *r, struct endpoint *e,
    const char *remote)
{
	struct map_node *n = map_find(&r->conversations, conversation_hash(e, remote));
	struct conversation *c;

	for (; n != NULL; n = map_find_next(n)) {
		c = (struct conversation *)n;
		if (c->endpoint == e && strcmp(c->remote, remote) == 0)
			return c;
	}
	return NULL;
}

static void conversation_on_timer(void *arg);

static struct conversation *conversation_get(struct router *r, struct endpoint *e,
    const char *remote)
{
	struct conversation *c = conversation_find(r, e, remote);

	if (c != NULL)
		return c;
	c = xcalloc(1, sizeof(*c));
	c->router = r;
	c->endpoint = e;
	c->remote = xstrdup(remote);
	STAILQ_INIT(&c->held);
	STAILQ_INIT(&c->later);
	map_add(&r->conversations, &c->node, conversation_hash(e, remote));
	return c;
}

static void conversation_block(struct conversation *c, bool blocked)
{
	if (c->is_blocked != blocked)
		c->router->blocked += blocked ? 1 : (size_t)-1;
	c->is_blocked = blocked;
}

static void conversation_forget(struct conversation *c)
{
	if (!c->is_known)
		return;
	TAILQ_REMOVE(&c->router->lru, c, lru);
	c->router->known--;
	c->is_known = false;
	xfree(c->links);
	c->links = NULL;
}

static void conversation_free(struct conversation *c)
{
	conversation_forget(c);
	conversation_block(c, false);
	reading_free(c->reading);
	loop_timer_free(c->timer);
	map_remove(&c->router->conversations, &c->node);
	xfree(c->remote);
	xfree(c);
}

static bool conversation_is_quiet(const struct conversation *c)
{
	return STAILQ_EMPTY(&c->held) && !c->is_writing && !c->is_looking && c->came == c->expected
	    && c->reading == NULL && c->moving == 0;
}

/* Nothing is remembered of it any more; NULL is taken. */
static void conversation_drop(struct conversation *c)
{
	if (c == NULL)
		return;
	conversation_forget(c);
	if (conversation_is_quiet(c))
		conversation_free(c);
}

static void conversation_wait(struct conversation *c, int64_t msecs)
{
	if (c->timer == NULL)
		c->timer = loop_timer_new(c->router->flow->loop, conversation_on_timer, c);
	if (!loop_timer_pending(c->timer))
		loop_timer_set(c->timer, msecs);
}

/* ---- holding, in order ---- */

/* Order of two events of one conversation: by id where ids are numbers, else as they came; but what was
 * not told and had to be read comes late, and goes to where it belongs. A state has no id: what was said
 * before it goes before it, and times of messages are whole seconds. */
static bool is_before(const struct event *a, const struct event *b, bool sorted)
{
	size_t la, lb;

	if (!sorted)
		return a->origin == ORIGIN_REPAIR && a->at_ms < b->at_ms;
	if (a->remote == NULL || b->remote == NULL)
		return a->remote != NULL && a->at_ms <= b->at_ms;
	la = strlen(a->remote);
	lb = strlen(b->remote);
	if (strspn(a->remote, "0123456789") != la || strspn(b->remote, "0123456789") != lb)
		return false;
	return la != lb ? la < lb : strcmp(a->remote, b->remote) < 0;
}

static void hold(struct conversation *c, struct held *h, bool sorted)
{
	struct held *at, *before = NULL;

	STAILQ_FOREACH(at, &c->held, next) {
		if (is_before(h->letter->event, at->letter->event, sorted))
			break;
		before = at;
	}
	if (before == NULL)
		STAILQ_INSERT_HEAD(&c->held, h, next);
	else
		STAILQ_INSERT_AFTER(&c->held, before, h, next);
	c->router->held++;
}

static void held_free(struct router *r, struct held *h)
{
	r->held--;
	letter_unref(h->letter);
	arena_free(h->viewed);
	xfree(h);
}

static int64_t settle_of(const struct endpoint *e)
{
	const struct via via = endpoint_via(e);

	return e->connector->settle != NULL ? e->connector->settle(&via) : 0;
}

/* How many from the front may be routed now; where none, *wait_msecs is when to look again (-1: when
 * something happens). */
static size_t count_due(struct conversation *c, int64_t *wait_msecs)
{
	int64_t settle = settle_of(c->endpoint), now_ms = loop_now_ms(c->router->flow->loop);
	int64_t oldest = INT64_MAX, left;
	struct held *h;
	bool is_state;
	size_t due = 0, i = 0;

	*wait_msecs = -1;
	STAILQ_FOREACH(h, &c->held, next) {
		i++;
		/* A clock that was set back holds nobody longer. */
		left = now_ms < h->arrived_ms ? 0 : h->arrived_ms + settle - now_ms;
		is_state = h->letter->event->remote == NULL;
		if (left > 0 && left < oldest)
			oldest = left;
		/* And all with smaller ids; a state takes none along, and waits for them. */
		if (left <= 0 && (!is_state || due == i - 1))
			due = i;
	}
	if (due == 0 && oldest != INT64_MAX)
		*wait_msecs = oldest;
	return due < ROUTE_MOST ? due : ROUTE_MOST;
}

/* ---- deciding ---- */

static void decide(const struct conversation *c, const struct event *event, const struct view *view,
    size_t bridge, struct route *out)
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

/* It would open a conversation at the other side for one that has begun without us: what was said in it
 * before, since the bridge began, is read first. */
static bool must_read(const struct conversation *c, const struct held *h, size_t bridge,
    const struct route *r)
{
	const struct event *event = h->letter->event;

	return !c->was_read && c->endpoint->conf.caps->pages && r->drop == DROP_NONE
	    && event->origin != ORIGIN_HISTORY
	    && (event->kind == EVENT_MESSAGE || event->kind == EVENT_UPDATE)
	    && h->view.bridges[bridge].link.id == 0 && event->conversation_at_ms != 0
	    && event->at_ms - event->conversation_at_ms > BEGAN_BEFORE_MSECS;
}

static void conversation_try(struct conversation *c);

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

static void count_drop(struct endpoint *e, const struct event *event, const struct route *r,
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
		decide(c, h->letter->event, &h->view, i, &routes[i]);
		if (must_wait(c, h, i, &routes[i]))
			return false;
		if (must_read(c, h, i, &routes[i])) {
			if (!migration_takes(c->router->flow->migrations, e, c->remote,
				e->bridges[i]->id))
				read_earlier(c, h);
			return false;
		}
	}
	park_once(routes, e->nbridges);
	*out = (struct route_event){ .event = h->letter->event->id };
	out->rows = arena_zalloc(g->arena, BRIDGES_PER_ENDPOINT * sizeof(*out->rows));
	g->lanes[n] = arena_zalloc(g->arena, BRIDGES_PER_ENDPOINT * sizeof(*g->lanes[n]));
	g->held[n] = h;
	for (i = 0; i < e->nbridges; i++) {
		if (routes[i].drop != DROP_NONE)
			count_drop(e, h->letter->event, &routes[i], e->bridges[i]);
		if (routes[i].drop != DROP_NONE && routes[i].park == REASON_NONE)
			continue;
		g->lanes[n][out->nrows] =
		    row_make(c->endpoint, i, h->letter->event, &routes[i], &out->rows[out->nrows]);
		out->nrows++;
	}
	return true;
}

/* ---- the short way ---- */

static struct row_link *link_of(const struct endpoint *e, struct row_link *links, int bridge)
{
	size_t i;

	for (i = 0; i < e->nbridges; i++)
		if (e->bridges[i]->id == bridge)
			return &links[i];
	return NULL;
}

/* A remembered link has no texts: routing reads none, and the store hands out the whole row. */
static struct row_link without_texts(const struct row_link *l)
{
	struct row_link bare = *l;

	bare.customers_remote = bare.customers_ref = NULL;
	bare.agents_remote = bare.agents_ref = NULL;
	bare.first_customers = bare.first_agents = NULL;
	return bare;
}

/* After a write: the links it found or made are how the next message of the conversation travels. */
static void remember(struct conversation *c, const struct view *view,
    const struct route_event *done)
{
	struct endpoint *e = c->endpoint;
	struct router *r = c->router;
	const struct row_trip *out;
	struct row_link *l;
	size_t i;

	if (e->conf.caps->unordered)
		return; /* its messages are held anyway */
	/* The view is older than the write: where it made no delivery it tells nothing about now. */
	if (done->nrows == 0)
		return;
	conversation_forget(c);
	c->links = xcalloc(e->nbridges, sizeof(*c->links));
	for (i = 0; i < e->nbridges; i++)
		c->links[i] = without_texts(&view->bridges[i].link);
	for (i = 0; i < done->nrows; i++) {
		out = &done->rows[i].out;
		l = link_of(e, c->links, done->rows[i].bridge);
		if (out->link.id != 0 && l != NULL)
			*l = without_texts(&out->link);
	}
	c->thread = view->thread;
	c->person = view->person;
	c->state = view->state;
	c->is_known = true;
	TAILQ_INSERT_TAIL(&r->lru, c, lru);
	r->known++;
}

static void trim(struct router *r)
{
	while (r->known > REMEMBERED_MOST)
		conversation_drop(TAILQ_FIRST(&r->lru));
}

/* What the store would have answered, from memory. */
static void recall(const struct conversation *c, struct view *view)
{
	size_t i;

	view->thread = c->thread;
	view->person = c->person;
	view->state = c->state;
	for (i = 0; i < c->endpoint->nbridges; i++)
		view->bridges[i] = (struct view_bridge){ .link = c->links[i] };
}

static bool is_short(const struct conversation *c, const struct event *event)
{
	return c != NULL && c->is_known && conversation_is_quiet(c) && event->kind == EVENT_MESSAGE
	    && event->mark == NULL;
}

bool router_try_short(struct router *r, struct endpoint *e, struct letter *letter,
    struct op_append *op, struct shortcut *s)
{
	struct conversation *c = conversation_find(r, e, letter->event->conversation);
	struct route routes[BRIDGES_PER_ENDPOINT];
	size_t i;

	/* Of several bridges each has to know whether the message came from it: that takes the store. */
	if (e->is_held || e->nbridges > 1 || !is_short(c, letter->event))
		return false;
	recall(c, &op->view);
	op->thread = c->thread;
	op->person = c->person;
	for (i = 0; i < e->nbridges; i++) {
		decide(c, letter->event, &op->view, i, &routes[i]);
		if (routes[i].park != REASON_NONE
		    || (routes[i].drop == DROP_NONE && routes[i].choice != LINK_USE))
			return false;
	}
	op->rows = arena_zalloc(letter->arena, e->nbridges * sizeof(*op->rows));
	for (i = 0; i < e->nbridges; i++) {
		if (routes[i].drop != DROP_NONE) {
			count_drop(e, letter->event, &routes[i], e->bridges[i]);
			continue;
		}
		s->lanes[op->nrows] =
		    row_make(c->endpoint, i, letter->event, &routes[i], &op->rows[op->nrows]);
		op->nrows++;
	}
	TAILQ_REMOVE(&r->lru, c, lru);
	TAILQ_INSERT_TAIL(&r->lru, c, lru);
	return true;
}

void router_short_done(struct router *r, struct endpoint *e, struct letter *letter,
    struct op_append *op, struct shortcut *s)
{
	bool stored = op->op.result == 0 && !op->is_duplicate;
	size_t i;

	if (op->op.result != 0)
		conversation_drop(conversation_find(r, e, letter->event->conversation));
	for (i = 0; i < op->nrows; i++) {
		if (stored)
			row_start(r->flow, letter, &op->rows[i], s->lanes[i]);
		else
			row_take_back(letter, &op->rows[i], s->lanes[i]);
	}
}

struct conversation *router_expect(struct router *r, struct endpoint *e, const struct event *event)
{
	struct conversation *c;

	if (e->nbridges > 1 && !e->conf.caps->unordered)
		return NULL; /* none of its events takes the short way, and they are held as they come */
	c = conversation_get(r, e, event->conversation);
	c->expected++;
	return c;
}

void router_came(struct conversation *c)
{
	if (c == NULL)
		return;
	c->came++;
	if (c->is_closing)
		conversation_try(c);
	else if (!c->is_known && conversation_is_quiet(c))
		conversation_free(c);
}

void router_forget(struct router *r, int64_t link, int64_t thread)
{
	struct conversation *c, *next;
	const struct row_link *l;
	size_t i;

	for (c = TAILQ_FIRST(&r->lru); c != NULL; c = next) {
		next = TAILQ_NEXT(c, lru);
		for (i = 0; i < c->endpoint->nbridges; i++) {
			l = &c->links[i];
			if ((link != 0 && l->id == link)
			    || (thread != 0 && (l->customers == thread || l->agents == thread)))
				break;
		}
		if (i < c->endpoint->nbridges || (thread != 0 && c->thread == thread))
			conversation_drop(c);
	}
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
		remember(c, &g->held[n]->view, &g->events[n]);
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

static void conversation_try(struct conversation *c)
{
	struct routing *g;
	struct held *h;
	int64_t wait;
	size_t due;

	if (c->is_writing || c->is_looking || c->reading != NULL)
		return;
	if (STAILQ_EMPTY(&c->held)) {
		if (c->is_known)
			trim(c->router);
		else if (conversation_is_quiet(c))
			conversation_free(c);
		return;
	}
	if (c->endpoint->is_held)
		return; /* router_start, when that is over */
	due = count_due(c, &wait);
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

static struct conversation *take(struct router *r, struct endpoint *e, struct letter *letter,
    const struct view *view, bool is_stale)
{
	struct conversation *c = conversation_get(r, e, letter->event->conversation);
	struct held *h = xcalloc(1, sizeof(*h));

	h->letter = letter_ref(letter);
	h->view = *view;
	h->is_stale = is_stale;
	h->arrived_ms = loop_now_ms(r->flow->loop);
	if (letter->event->here_ms < h->arrived_ms)
		h->arrived_ms = letter->event->here_ms;
	if (c->moving != 0 && letter->event->origin != ORIGIN_HISTORY) {
		STAILQ_INSERT_TAIL(&c->later, h, next);
		r->held++;
	} else {
		hold(c, h, e->conf.caps->unordered);
	}
	return c;
}

void router_take(struct router *r, struct endpoint *e, struct letter *letter,
    const struct view *view)
{
	conversation_try(take(r, e, letter, view, false));
}

void router_take_back(struct router *r, struct endpoint *e, struct letter *letter,
    const struct view *view)
{
	/* Whether another bridge has brought it where it goes was not asked when it was read back. */
	take(r, e, letter, view, e->nbridges > 1);
}

void router_start(struct router *r)
{
	struct map_node *n, *next;

	for (n = map_walk(&r->conversations, NULL); n != NULL; n = next) {
		next = map_walk(&r->conversations, n);
		conversation_try((struct conversation *)n);
	}
}

/* ---- history that is moved ---- */

/* What is held already waits for the end of it, too. */
static void conversation_suspend(struct conversation *c, int bridge)
{
	struct held_list held = STAILQ_HEAD_INITIALIZER(held);
	struct held *h;

	conversation_forget(c);
	c->moving = bridge;
	STAILQ_CONCAT(&held, &c->held);
	while ((h = STAILQ_FIRST(&held)) != NULL) {
		STAILQ_REMOVE_HEAD(&held, next);
		if (h->letter->event->origin == ORIGIN_HISTORY)
			STAILQ_INSERT_TAIL(&c->held, h, next);
		else
			STAILQ_INSERT_TAIL(&c->later, h, next);
	}
}

void router_suspend(struct router *r, struct endpoint *e, const char *conversation, int bridge)
{
	conversation_suspend(conversation_get(r, e, conversation), bridge);
}

/* What is known has changed while they waited. */
void router_release(struct router *r, struct endpoint *e, const char *conversation)
{
	struct conversation *c = conversation_find(r, e, conversation);
	struct held *h;

	if (c == NULL || c->moving == 0)
		return;
	c->moving = 0;
	c->was_read = true;
	while ((h = STAILQ_FIRST(&c->later)) != NULL) {
		STAILQ_REMOVE_HEAD(&c->later, next);
		h->is_stale = true;
		r->held--; /* hold counts it again */
		hold(c, h, e->conf.caps->unordered);
	}
	conversation_try(c);
}

int64_t router_waits_since(struct router *r, struct endpoint *e, const char *conversation)
{
	const struct conversation *c = conversation_find(r, e, conversation);
	const struct held *h = c != NULL ? STAILQ_FIRST(&c->later) : NULL;

	return h != NULL ? h->arrived_ms : 0;
}

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
		*known = *link; /* of its texts routing reads none */
		if (e->asks[i].side == SIDE_AGENTS) {
			known->agents = h->view.thread;
		} else {
			known->customers = h->view.thread;
			h->view.person = link->person;
		}
	}
	conversation_try(c);
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
