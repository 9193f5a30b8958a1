/* See reading.h.
 *
 *   (the conversation) ─▶ page of messages ─▶ chunk: KNOWN ─▶ … ─▶ sorted ─▶ chunk: ingest_feed ─▶ …
 *                              ▲     next page    │
 *                              └──────────────────┘
 *
 * What is known is asked of the store first: most of what is read is, and asking writes nothing. Of a page
 * nothing is kept but what is not known, so that a conversation of years takes no more memory than one of
 * an hour. */
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

struct events {
	const struct event **items;
	size_t count, size;
};

struct reading {
	struct endpoint *endpoint;
	struct reading_order order;
	struct reading_result result;
	void (*done)(void *arg, const struct reading_result *result);
	void *arg;

	struct page page;
	struct arena *about;   /* in which the conversation was told; NULL: the asker has that */
	struct arena *arena;   /* of the page that is gone through; NULL: none is */
	struct events on_page; /* of it, those that are wanted */
	const char *cursor;    /* of the next one, there */
	struct arena *kept;    /* of those that are not known, */
	struct events unknown; /* … in the order they were written, once all pages are read */
	size_t at;             /* in on_page; behind the last page, in unknown */
	bool is_feeding;       /* all pages are read */

	struct op_known known; /* of the chunk at `at` */
	const char *keys[CHUNK];
	bool is_known[CHUNK];
	bool is_asking, is_reading; /* the store has known, or ingest what it was given */
	bool is_dead;
	bool may_be_ours; /* … not a customer's: a trip was writing there when it was asked */
	struct loop_timer *timer; /* what the store did not take is tried again */
};

static void events_add(struct events *list, const struct event *event)
{
	if (list->count == list->size) {
		list->size = list->size > 0 ? list->size * 2 : 64;
		list->items = xreallocarray(list->items, list->size, sizeof(*list->items));
	}
	list->items[list->count++] = event;
}

static void forget(struct reading *r)
{
	arena_free(r->about);
	arena_free(r->arena);
	arena_free(r->kept);
	xfree(r->on_page.items);
	xfree(r->unknown.items);
	xfree((char *)r->page.job.cursor);
	loop_timer_free(r->timer);
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

static size_t chunk_size(const struct reading *r)
{
	size_t left = (r->is_feeding ? r->unknown.count : r->on_page.count) - r->at;

	return left < CHUNK ? left : CHUNK;
}

static void chunk_failed(struct reading *r)
{
	loop_timer_set(r->timer, STORE_RETRY_MSECS);
}

/* ---- what is not known is taken in ---- */

static void feed_chunk(struct reading *r);

static void on_fed(void *arg, const struct fed *fed)
{
	struct reading *r = arg;

	r->is_reading = false;
	r->result.repaired += fed->stored;
	if (r->is_dead) {
		forget(r);
	} else if (fed->is_failed) {
		chunk_failed(r);
	} else {
		r->at += chunk_size(r);
		feed_chunk(r);
	}
}

static void feed_chunk(struct reading *r)
{
	size_t i, n = chunk_size(r);
	struct event_list list = { 0 };
	struct arena *a;

	if (n == 0) {
		finish(r);
		return;
	}
	a = arena_new();
	for (i = 0; i < n; i++)
		*event_list_add(&list, a) = *event_copy(a, r->unknown.items[r->at + i]);
	r->is_reading = true;
	ingest_feed(r->endpoint->flow->ingest, r->endpoint, a, &list, on_fed, r);
}

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

static void feed(struct reading *r)
{
	r->is_feeding = true;
	r->at = 0;
	if (r->unknown.count > 1)
		qsort(r->unknown.items, r->unknown.count, sizeof(*r->unknown.items), compare);
	feed_chunk(r);
}

/* ---- what of a page is known ---- */

static void ask_chunk(struct reading *r);
static void ask_messages(struct reading *r, char *cursor);

static void page_done(struct reading *r)
{
	char *cursor = xstrdup(r->cursor);

	arena_free(r->arena);
	r->arena = NULL;
	r->on_page.count = 0;
	r->cursor = NULL;
	if (cursor != NULL)
		ask_messages(r, cursor);
	else
		feed(r);
}

static struct event *keep(struct reading *r, const struct event *event)
{
	struct event *kept;

	if (r->kept == NULL)
		r->kept = arena_new();
	kept = event_copy(r->kept, event);
	events_add(&r->unknown, kept);
	return kept;
}

static void take_unknown(struct reading *r, const struct event *event)
{
	if (r->may_be_ours && event->author.role != ROLE_CUSTOMER) {
		r->result.has_held = true;
		return;
	}
	r->result.missing += event->kind != EVENT_RECEIPT && !ingest_is_echo(r->endpoint, event);
	if (!r->order.is_dry)
		keep(r, event);
}

/* The desk shows as failed what we know: the callback which would have told us so was none that we took either. It is
 * told now as that one would have. */
static void take_failed(struct reading *r, const struct event *event)
{
	const struct misfits *m = &r->endpoint->stats.misfits;

	if (m->count > 0 && !m->is_over) /* the callback of the correction would be refused, too */
		return;
	if (event->state == STATE_FAILED
	    && (event->kind == EVENT_MESSAGE || event->kind == EVENT_UPDATE)
	    && errand_listens(r->endpoint) && !r->order.is_dry)
		keep(r, event)->kind = EVENT_UPDATE;
}

static void on_known(struct store_op *op)
{
	struct reading *r = (struct reading *)((char *)op - offsetof(struct reading, known.op));
	size_t i;

	r->is_asking = false;
	if (r->is_dead) {
		forget(r);
		return;
	}
	if (op->result != 0) {
		chunk_failed(r);
		return;
	}
	for (i = 0; i < r->known.nkeys; i++)
		if (r->is_known[i])
			take_failed(r, r->on_page.items[r->at + i]);
		else
			take_unknown(r, r->on_page.items[r->at + i]);
	r->at += r->known.nkeys;
	ask_chunk(r);
}

/* A message that is known may be deleted since. */
static const char *key_of(const struct reading *r, const struct event *event)
{
	const char *key = route_deletion_key(r->arena, event);

	return key != NULL ? key : ingest_key(r->endpoint, r->arena, event);
}

static void ask_chunk(struct reading *r)
{
	size_t i, n = chunk_size(r);

	if (n == 0) {
		page_done(r);
		return;
	}
	/* Decided now: a trip that has ended is on disk, before what is asked next. */
	r->may_be_ours = !r->endpoint->conf.caps->marks_echo
	    && courier_is_writing(r->endpoint->flow->courier, r->endpoint, r->order.conversation);
	for (i = 0; i < n; i++)
		r->keys[i] = key_of(r, r->on_page.items[r->at + i]);
	r->known = (struct op_known){
		.op = { .kind = STORE_KNOWN, .done = on_known },
		.endpoint = r->endpoint->conf.id,
		.conversation = r->order.conversation,
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
	struct reading *r = arg;

	if (r->is_feeding)
		feed_chunk(r);
	else
		ask_chunk(r);
}

/* ---- pages ---- */

/* Times may be whole seconds. What was changed or deleted is as young as that. */
static bool is_older(const struct reading *r, const struct event *event)
{
	int64_t at_ms = event->version > event->at_ms ? event->version : event->at_ms;

	at_ms = at_ms % 1000 == 0 ? at_ms + 999 : at_ms;

	return at_ms < r->order.since_ms;
}

static void note_past(struct past *past, const struct event *event)
{
	if (event->kind == EVENT_MESSAGE && past->count < PAST_MOST)
		past->seen[past->count++] = hash_text(event->remote, 0);
}

static bool is_past(const struct past *past, const struct event *event)
{
	uint64_t hash = hash_text(event->remote, 0);
	size_t i;

	if (past == NULL || event->kind != EVENT_MESSAGE)
		return false;
	for (i = 0; i < past->count; i++)
		if (past->seen[i] == hash)
			return true;
	return false;
}

static void add(struct reading *r, struct event *event)
{
	if (event->remote == NULL || event->key == NULL)
		return;
	if (event->at_ms > r->result.newest_ms)
		r->result.newest_ms = event->at_ms;
	if (is_older(r, event)) {
		if (event->at_ms < r->order.begun_ms)
			note_past(&r->result.past, event);
		return;
	}
	if (is_past(r->order.past, event))
		return;
	if (event->at_ms > r->order.until_ms) {
		r->result.has_younger = true;
		return;
	}
	r->result.checked += event->kind != EVENT_RECEIPT;
	if (!ingest_wants(r->endpoint, event))
		return;
	event->origin = r->order.is_told ? ORIGIN_LIVE : ORIGIN_REPAIR;
	events_add(&r->on_page, event);
}

static void on_messages(void *arg, struct arena *a, const struct outcome *o)
{
	struct reading *r = arg;
	size_t i;

	r->arena = a;
	if (o->effect.kind == EFFECT_REJECTED) {
		r->result.is_gone = true;
		finish(r);
		return;
	}
	for (i = 0; i < o->events.count; i++)
		add(r, &o->events.items[i]);
	r->cursor = o->cursor;
	r->at = 0;
	ask_chunk(r);
}

/* The cursor is ours from here on. */
static void ask_messages(struct reading *r, char *cursor)
{
	xfree((char *)r->page.job.cursor);
	r->page.job = (struct job){
		.step = STEP_LIST_MESSAGES,
		.cursor = cursor,
		.since_ms = r->order.since_ms,
		.about = r->order.about,
	};
	r->page.done = on_messages;
	page_ask(r->endpoint, &r->page);
}

static void on_conversation(void *arg, struct arena *a, const struct outcome *o)
{
	struct reading *r = arg;

	r->about = a;
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
