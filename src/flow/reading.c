/* See reading.h.
 *
 *   (the conversation) ─▶ its messages, page by page ─▶ sorted ─▶ chunk: KNOWN ─▶ ingest_read ─▶ next
 *
 * What is known is asked of the store first: most of what is read is, and asking writes nothing. */
#include "flow/reading.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "core/route.h"
#include "flow/courier.h"
#include "flow/endpoint.h"
#include "flow/errand.h"
#include "flow/ingest.h"
#include "flow/pager.h"

#define CHUNK 32
#define STORE_RETRY_MSECS 5000

struct leaf { /* one page that was read */
	struct leaf *next;
	struct arena *arena;
};

struct reading {
	struct endpoint *endpoint;
	struct reading_order order;
	struct reading_result result;
	void (*done)(void *arg, const struct reading_result *result);
	void *arg;

	struct page page;
	struct leaf *leaves;
	const struct event **events; /* of all leaves, in the order they were written */
	size_t count, size, at;

	struct op_known known; /* of the chunk at `at` */
	const char *keys[CHUNK];
	bool is_known[CHUNK];
	bool is_asking, is_reading; /* the store has known, or ingest what it was given */
	bool is_dead;
	bool may_be_ours; /* … not a customer's: a trip was writing there when it was asked */
	bool is_again;    /* this chunk could not be stored once */
	struct loop_timer *timer; /* … and is tried again */
};

static void forget(struct reading *r)
{
	struct leaf *l, *next;

	for (l = r->leaves; l != NULL; l = next) {
		next = l->next;
		arena_free(l->arena);
		xfree(l);
	}
	loop_timer_free(r->timer);
	xfree(r->events);
	xfree(r);
}

void reading_free(struct reading *r)
{
	if (r == NULL)
		return;
	page_cancel(&r->page);
	r->is_dead = true;
	if (!r->is_asking && !r->is_reading)
		forget(r);
}

static void finish(struct reading *r)
{
	const struct reading_result result = r->result;
	void (*done)(void *arg, const struct reading_result *result) = r->done;
	void *arg = r->arg;

	forget(r);
	done(arg, &result);
}

/* ---- what is not known is taken in ---- */

static void next_chunk(struct reading *r);

static size_t chunk_size(const struct reading *r)
{
	return r->count - r->at < CHUNK ? r->count - r->at : CHUNK;
}

static void chunk_done(struct reading *r)
{
	r->at += chunk_size(r);
	r->is_again = false;
	next_chunk(r);
}

static void chunk_failed(struct reading *r)
{
	r->is_again = true;
	loop_timer_set(r->timer, STORE_RETRY_MSECS);
}

static void on_fed(void *arg, const struct fed *fed)
{
	struct reading *r = arg;

	r->is_reading = false;
	r->result.repaired += fed->stored;
	if (r->is_dead)
		forget(r);
	else if (fed->is_failed)
		chunk_failed(r);
	else
		chunk_done(r);
}

static void feed(struct reading *r, const struct event *const *events, size_t count)
{
	struct arena *a = arena_new();
	struct event_list list = { 0 };
	size_t i;

	for (i = 0; i < count; i++)
		*event_list_add(&list, a) = *event_copy(a, events[i]);
	r->is_reading = true;
	ingest_feed(r->endpoint->flow->ingest, r->endpoint, a, &list, on_fed, r);
}

/* A message that we know, and that the desk shows as failed: the callback which would have told us so was none that
 * we took either. It is told now as that one would have. */
static bool is_shown_as_failed(const struct reading *r, struct event *event)
{
	const struct misfits *m = &r->endpoint->stats.misfits;

	if (m->count > 0 && !m->is_over) /* the callback of the correction would be refused, too */
		return false;
	if (event->state != STATE_FAILED
	    || (event->kind != EVENT_MESSAGE && event->kind != EVENT_UPDATE)
	    || !errand_listens(r->endpoint))
		return false;
	event->kind = EVENT_UPDATE;
	return true;
}

static void on_known(struct store_op *op)
{
	struct reading *r = (struct reading *)((char *)op - offsetof(struct reading, known.op));
	const struct event *news[CHUNK];
	size_t i, n = 0;

	r->is_asking = false;
	if (r->is_dead) {
		forget(r);
		return;
	}
	if (op->result != 0) {
		chunk_failed(r);
		return;
	}
	for (i = 0; i < r->known.nkeys; i++) {
		if (r->is_known[i]) {
			if (is_shown_as_failed(r, r->events[r->at + i]))
				news[n++] = r->events[r->at + i];
			continue;
		}
		if (r->may_be_ours && r->events[r->at + i]->author.role != ROLE_CUSTOMER) {
			r->result.has_held = true;
			continue;
		}
		news[n++] = r->events[r->at + i];
		r->result.missing += !r->is_again && r->events[r->at + i]->kind != EVENT_RECEIPT
		    && !ingest_is_echo(r->endpoint, r->events[r->at + i]);
	}
	if (n == 0 || r->order.is_dry) {
		chunk_done(r);
		return;
	}
	feed(r, news, n);
}

/* A message that is known may be deleted since. */
static const char *key_of(const struct reading *r, const struct event *event)
{
	const char *key = route_deletion_key(r->leaves->arena, event);

	return key != NULL ? key : ingest_key(r->endpoint, r->leaves->arena, event);
}

static void next_chunk(struct reading *r)
{
	size_t i, n = chunk_size(r);

	if (n == 0) {
		finish(r);
		return;
	}
	/* Decided now: a trip that has ended is on disk, before what is asked next. */
	r->may_be_ours = !r->endpoint->conf.caps->marks_echo
	    && courier_is_writing(r->endpoint->flow->courier, r->endpoint, r->order.conversation);
	for (i = 0; i < n; i++)
		r->keys[i] = key_of(r, r->events[r->at + i]);
	r->known = (struct op_known){
		.op = { .kind = STORE_KNOWN, .done = on_known },
		.endpoint = r->endpoint->conf.id,
		.keys = r->keys,
		.nkeys = n,
		.is_known = r->is_known,
	};
	if (flow_offer(r->endpoint->flow, &r->known.op) == 0)
		r->is_asking = true;
	else
		chunk_failed(r);
}

static void on_timer(void *arg)
{
	next_chunk(arg);
}

/* ---- pages ---- */

/* Newer pages come first. */
static int compare(const void *a, const void *b)
{
	const struct event *const *x = a, *const *y = b;
	size_t lx = strlen((*x)->remote), ly = strlen((*y)->remote);

	if ((*x)->at_ms != (*y)->at_ms)
		return (*x)->at_ms < (*y)->at_ms ? -1 : 1;
	if (lx != ly)
		return lx < ly ? -1 : 1;
	return strcmp((*x)->remote, (*y)->remote);
}

/* Times may be whole seconds. What was changed or deleted is as young as that. */
static bool is_older(const struct reading *r, const struct event *event)
{
	int64_t at_ms = event->version > event->at_ms ? event->version : event->at_ms;

	at_ms = at_ms % 1000 == 0 ? at_ms + 999 : at_ms;

	return at_ms < r->order.since_ms;
}

static void add(struct reading *r, struct event *event)
{
	if (event->remote == NULL || event->key == NULL)
		return;
	if (event->at_ms > r->result.newest_ms)
		r->result.newest_ms = event->at_ms;
	if (is_older(r, event))
		return;
	if (event->at_ms > r->order.until_ms) {
		r->result.has_younger = true;
		return;
	}
	r->result.checked += event->kind != EVENT_RECEIPT;
	if (!ingest_wants(r->endpoint, event))
		return;
	event->origin = r->order.is_told ? ORIGIN_LIVE : ORIGIN_REPAIR;
	if (r->count == r->size) {
		r->size = r->size > 0 ? r->size * 2 : 64;
		r->events = xrealloc(r->events, r->size * sizeof(struct event *));
	}
	r->events[r->count++] = event;
}

static void keep(struct reading *r, struct arena *a)
{
	struct leaf *l = xcalloc(1, sizeof(*l));

	l->arena = a;
	l->next = r->leaves;
	r->leaves = l;
}

static void on_messages(void *arg, struct arena *a, const struct outcome *o);

static void ask_messages(struct reading *r, const char *cursor)
{
	r->page.job = (struct job){
		.step = STEP_LIST_MESSAGES,
		.cursor = cursor,
		.since_ms = r->order.since_ms,
		.about = r->order.about,
	};
	r->page.done = on_messages;
	page_ask(r->endpoint, &r->page);
}

static void on_messages(void *arg, struct arena *a, const struct outcome *o)
{
	struct reading *r = arg;
	size_t i;

	keep(r, a);
	if (o->effect.kind == EFFECT_REJECTED) {
		r->result.is_gone = true;
		finish(r);
		return;
	}
	for (i = 0; i < o->events.count; i++)
		add(r, &o->events.items[i]);
	if (o->cursor != NULL) {
		ask_messages(r, o->cursor);
		return;
	}
	if (r->count > 1)
		qsort(r->events, r->count, sizeof(struct event *), compare);
	next_chunk(r);
}

static void on_conversation(void *arg, struct arena *a, const struct outcome *o)
{
	struct reading *r = arg;

	keep(r, a);
	if (o->effect.kind == EFFECT_REJECTED || o->events.count == 0) {
		r->result.is_gone = true;
		finish(r);
		return;
	}
	r->order.about = &o->events.items[0];
	ask_messages(r, NULL);
}

struct reading *reading_start(struct endpoint *e, const struct reading_order *order,
    void (*done)(void *arg, const struct reading_result *result), void *arg)
{
	struct reading *r = xcalloc(1, sizeof(*r));

	r->endpoint = e;
	r->order = *order;
	r->done = done;
	r->arg = arg;
	r->timer = loop_timer_new(e->flow->loop, on_timer, r);
	r->page.arg = r;
	r->page.is_live = order->is_live;
	r->page.known.conversation = order->conversation;
	if (order->about != NULL) {
		ask_messages(r, NULL);
		return r;
	}
	r->page.job = (struct job){ .step = STEP_LIST_CONVERSATIONS };
	r->page.done = on_conversation;
	page_ask(e, &r->page);
	return r;
}
