/* See router_inside.h. What is remembered of conversations, and the short way that it opens.
 *
 * The short way saves one write and one wait: conversations that were routed lately stay in memory with
 * their links, written by nobody else and dropped whenever anything about them may have changed, which
 * is always harmless. An event that finds its conversation there, with nothing held or being written
 * before it, is routed first and stored together with its deliveries. */
#include "flow/router_inside.h"

#include <sys/queue.h>

#include "base/arena.h"
#include "base/mem.h"
#include "flow/endpoint.h"
#include "flow/row.h"

#define REMEMBERED_MOST 16384

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

void conversation_remember(struct conversation *c, const struct view *view,
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
	if (r->flow->erasing > 0)
		return; /* it may be theirs, and go with what was said */
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

void router_trim(struct router *r)
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

/* Where a pair was made of two that were there, what was read is to be compared with what stood in them, which is not
 * remembered. */
static bool has_begun(const struct conversation *c)
{
	size_t i;

	for (i = 0; i < c->endpoint->nbridges; i++)
		if (c->links[i].how == LINK_BY_FILE || c->links[i].how == LINK_BY_PERSON)
			return true;
	return false;
}

static bool is_short(const struct conversation *c, const struct event *event)
{
	return c != NULL && c->is_known && conversation_is_quiet(c) && event->kind == EVENT_MESSAGE
	    && event->mark == NULL && (event->origin != ORIGIN_REPAIR || !has_begun(c));
}

bool router_try_short(struct router *r, struct endpoint *e, struct letter *letter,
    struct op_append *op, struct shortcut *s)
{
	struct conversation *c = conversation_find(r, e, letter->event->conversation);
	struct route routes[BRIDGES_PER_ENDPOINT];
	size_t i;

	/* Of several bridges each has to know whether the message came from it: that takes the store. */
	if (r->flow->erasing > 0 || e->is_held || e->nbridges > 1 || !is_short(c, letter->event))
		return false;
	recall(c, &op->view);
	op->thread = c->thread;
	op->person = c->person;
	for (i = 0; i < e->nbridges; i++) {
		conversation_decide(c, letter->event, &op->view, i, &routes[i]);
		if (routes[i].park != REASON_NONE
		    || (routes[i].drop == DROP_NONE && routes[i].choice != LINK_USE))
			return false;
	}
	op->rows = arena_zalloc(letter->arena, e->nbridges * sizeof(*op->rows));
	for (i = 0; i < e->nbridges; i++) {
		if (routes[i].drop != DROP_NONE) {
			router_count_drop(e, letter->event, &routes[i], e->bridges[i]);
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
