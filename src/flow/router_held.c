/* See router_inside.h. The conversations in memory and what is held in each: in which order, how much of it is
 * due, and what is put aside while history is moved.
 *
 * A conversation is in memory while something of it is held or being written. From a source that
 * announces in order an event is held for no time at all; from one that does not, until the window of
 * the oldest closes: then it, and what has a smaller id, is routed in the order of ids. */
#include "flow/router_inside.h"

#include <string.h>
#include <sys/queue.h>

#include "base/arena.h"
#include "base/mem.h"
#include "flow/endpoint.h"
#include "flow/reading.h"

/* So long somebody waits for the history of his conversation. */
#define HISTORY_PATIENCE_MSECS (10 * 60 * 1000)

/* ---- conversations ---- */

static uint64_t conversation_hash(const struct endpoint *e, const char *remote)
{
	return hash_text(remote, (uint64_t)e->conf.id);
}

struct conversation *conversation_find(struct router *r, struct endpoint *e, const char *remote)
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

struct conversation *conversation_get(struct router *r, struct endpoint *e, const char *remote)
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

void conversation_block(struct conversation *c, bool blocked)
{
	if (c->is_blocked != blocked)
		c->router->blocked += blocked ? 1 : (size_t)-1;
	c->is_blocked = blocked;
}

void conversation_forget(struct conversation *c)
{
	if (!c->is_known)
		return;
	TAILQ_REMOVE(&c->router->lru, c, lru);
	c->router->known--;
	c->is_known = false;
	xfree(c->links);
	c->links = NULL;
}

void conversation_free(struct conversation *c)
{
	conversation_forget(c);
	conversation_block(c, false);
	reading_free(c->reading);
	loop_timer_free(c->timer);
	map_remove(&c->router->conversations, &c->node);
	xfree(c->remote);
	xfree(c);
}

bool conversation_is_quiet(const struct conversation *c)
{
	return STAILQ_EMPTY(&c->held) && !c->is_writing && !c->is_looking && c->came == c->expected
	    && c->reading == NULL && c->moving == 0;
}

void conversation_drop(struct conversation *c)
{
	if (c == NULL)
		return;
	conversation_forget(c);
	if (conversation_is_quiet(c))
		conversation_free(c);
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

void held_free(struct router *r, struct held *h)
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

size_t conversation_count_due(struct conversation *c, int64_t *wait_msecs)
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

struct conversation *conversation_take(struct router *r, struct endpoint *e, struct letter *letter,
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

bool router_is_suspended(struct router *r, struct endpoint *e, const char *conversation, int bridge)
{
	const struct conversation *c = conversation_find(r, e, conversation);

	return c != NULL && c->moving == bridge;
}

bool router_is_urgent(struct router *r, struct endpoint *e, const char *conversation)
{
	const struct conversation *c = conversation_find(r, e, conversation);
	const struct held *h = c != NULL ? STAILQ_FIRST(&c->later) : NULL;

	return h != NULL && loop_now_ms(r->flow->loop) - h->arrived_ms > HISTORY_PATIENCE_MSECS;
}
