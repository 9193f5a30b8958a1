/* See standings.h. */
#include "flow/standings.h"

#include <string.h>
#include <sys/queue.h>

#include "base/arena.h"
#include "base/mem.h"
#include "flow/endpoint.h"
#include "flow/ingest.h"
#include "flow/pager.h"

/* So long the platform has to tell by itself; it mostly takes a tenth of a second. */
#define PATIENCE_MSECS (5 * 1000)
#define FAILED_MSECS (5 * 1000) /* the store took nothing */

struct waiting {
	TAILQ_ENTRY(waiting) next;
	struct standings *standings;
	char *conversation;
	int64_t answered_ms;
	struct page page;
	struct loop_timer *timer;
	bool is_feeding, is_over;
};

struct standings {
	struct endpoint *endpoint;
	TAILQ_HEAD(, waiting) waiting;
};

static void waiting_free(struct waiting *w)
{
	if (w->standings != NULL)
		TAILQ_REMOVE(&w->standings->waiting, w, next);
	page_cancel(&w->page);
	loop_timer_free(w->timer);
	xfree(w->conversation);
	xfree(w);
}

/* Ingest may still have something of it to tell. */
static void waiting_end(struct waiting *w)
{
	w->is_over = true;
	if (!w->is_feeding)
		waiting_free(w);
}

static void on_fed(void *arg, const struct fed *fed)
{
	struct waiting *w = arg;

	w->is_feeding = false;
	if (w->is_over || !fed->is_failed)
		waiting_free(w);
	else
		loop_timer_set(w->timer, FAILED_MSECS);
}

/* What is there, as a callback would tell it. One that cannot be had is left: it is gone. */
static void on_read(void *arg, struct arena *a, const struct outcome *o)
{
	struct waiting *w = arg;
	struct endpoint *e = w->standings->endpoint;
	struct event_list list = { 0 };
	struct event *event;

	if (o->effect.kind == EFFECT_REJECTED || o->events.count == 0) {
		arena_free(a);
		waiting_free(w);
		return;
	}
	event = event_list_add(&list, a);
	*event = o->events.items[0];
	event->extra = NULL; /* which is for its messages */
	*event = *event_copy(a, event);
	w->is_feeding = true;
	ingest_feed_read(e->flow->ingest, e, a, &list, w->answered_ms, on_fed, w);
}

static void on_timer(void *arg)
{
	struct waiting *w = arg;

	w->page.job = (struct job){ .step = STEP_LIST_CONVERSATIONS };
	w->page.known.conversation = w->conversation;
	w->page.done = on_read;
	w->page.arg = w;
	page_ask(w->standings->endpoint, &w->page);
}

static struct waiting *find(struct standings *s, const char *conversation)
{
	struct waiting *w;

	TAILQ_FOREACH(w, &s->waiting, next)
		if (!w->is_over && strcmp(w->conversation, conversation) == 0)
			return w;
	return NULL;
}

void standings_told(struct standings *s, const char *conversation)
{
	struct waiting *w = find(s, conversation);

	if (w != NULL)
		waiting_end(w);
}

void standings_await(struct standings *s, const char *conversation, int64_t answered_ms)
{
	struct waiting *w;

	standings_told(s, conversation);
	if (!s->endpoint->conf.caps->pages)
		return;
	w = xcalloc(1, sizeof(*w));
	w->standings = s;
	w->conversation = xstrdup(conversation);
	w->answered_ms = answered_ms;
	w->timer = loop_timer_new(s->endpoint->flow->loop, on_timer, w);
	TAILQ_INSERT_TAIL(&s->waiting, w, next);
	loop_timer_set(w->timer, PATIENCE_MSECS);
}

struct standings *standings_new(struct endpoint *e)
{
	struct standings *s = xcalloc(1, sizeof(*s));

	s->endpoint = e;
	TAILQ_INIT(&s->waiting);
	return s;
}

void standings_free(struct standings *s)
{
	struct waiting *w, *next;

	if (s == NULL)
		return;
	for (w = TAILQ_FIRST(&s->waiting); w != NULL; w = next) {
		next = TAILQ_NEXT(w, next);
		TAILQ_REMOVE(&s->waiting, w, next);
		w->standings = NULL;
		waiting_end(w);
	}
	xfree(s);
}
