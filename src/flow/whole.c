/* See whole.h. */
#include "flow/whole.h"

#include <sys/queue.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"
#include "flow/endpoint.h"
#include "flow/pager.h"

#define PATIENCE_MSECS 2000

struct whole {
	TAILQ_ENTRY(whole) next;
	struct wholes *list;
	struct endpoint *endpoint;
	struct letter *letter;
	struct page page;
	struct loop_timer *timer;
	void (*done)(void *arg, struct letter *letter);
	void *arg;
};

static void whole_free(struct whole *w)
{
	TAILQ_REMOVE(w->list, w, next);
	page_cancel(&w->page);
	loop_timer_free(w->timer);
	letter_unref(w->letter);
	xfree(w);
}

static void finish(struct whole *w)
{
	w->letter->event->flags &= ~(unsigned)EVENT_IS_CUT;
	w->done(w->arg, w->letter);
	whole_free(w);
}

/* What was told keeps its own id and time, and gets the words and files. */
static void take(struct event *cut, struct arena *a, const struct event *read)
{
	const struct event *copy;

	if (read->text == NULL && read->nattachments == 0)
		return;
	copy = event_copy(a, read);
	cut->text = copy->text;
	if (copy->nattachments > 0) {
		cut->attachments = copy->attachments;
		cut->nattachments = copy->nattachments;
	}
}

static void on_page(void *arg, struct arena *a, const struct outcome *o)
{
	struct whole *w = arg;
	struct event *cut = w->letter->event;
	size_t i;

	for (i = 0; i < o->events.count; i++)
		if (o->events.items[i].kind == EVENT_MESSAGE)
			take(cut, w->letter->arena, &o->events.items[i]);
	arena_free(a);
	finish(w);
}

static void on_timer(void *arg)
{
	struct whole *w = arg;

	LOG(LOG_WARN, "media_failed", F_STR("endpoint", w->endpoint->conf.name),
	    F_STR("remote", w->letter->event->remote), F_STR("reason", "timeout"),
	    F_STR("err", "the rest of a message that came cut could not be read in time"));
	finish(w);
}

void whole_read(struct wholes *list, struct endpoint *e, struct letter *letter,
    void (*done)(void *arg, struct letter *letter), void *arg)
{
	struct whole *w = xcalloc(1, sizeof(*w));

	w->list = list;
	w->endpoint = e;
	w->letter = letter_ref(letter);
	w->done = done;
	w->arg = arg;
	TAILQ_INSERT_TAIL(list, w, next);
	w->timer = loop_timer_new(e->flow->loop, on_timer, w);
	loop_timer_set(w->timer, PATIENCE_MSECS);
	w->page.job = (struct job){ .step = STEP_LIST_MESSAGES };
	w->page.known.conversation = letter->event->conversation;
	w->page.known.message = letter->event->remote;
	w->page.is_live = true;
	w->page.done = on_page;
	w->page.arg = w;
	page_ask(e, &w->page);
}

void wholes_drop(struct wholes *list)
{
	struct whole *w;

	while ((w = TAILQ_FIRST(list)) != NULL)
		whole_free(w);
}
