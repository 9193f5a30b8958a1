/* See choices.h. A question per conversation, the newest; they hang in a map, and in the order in which
 * they were asked, so that the oldest goes where there are too many. */
#include "flow/choices.h"

#include <string.h>
#include <sys/queue.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/mem.h"
#include "core/widgets.h"

#define QUESTIONS_MOST 4096
#define LABELS_MOST 20
#define OPEN_MSECS (INT64_C(24) * 3600 * 1000)
/* The clocks of two machines may differ by so much. */
#define SKEW_MSECS (60 * 1000)

struct question {
	struct map_node node;
	TAILQ_ENTRY(question) list;
	int endpoint;
	char *conversation;
	int64_t told_ms;
	char *answered; /* the message that did: it may be announced again */
	char *labels[LABELS_MOST];
	size_t n;
};

struct choices {
	struct map map;
	TAILQ_HEAD(, question) list; /* the oldest first */
};

struct choices *choices_new(void)
{
	struct choices *c = xcalloc(1, sizeof(*c));

	map_init(&c->map);
	TAILQ_INIT(&c->list);
	return c;
}

static void question_free(struct question *q)
{
	while (q->n > 0)
		xfree(q->labels[--q->n]);
	xfree(q->answered);
	xfree(q->conversation);
	xfree(q);
}

static void question_end(struct choices *c, struct question *q)
{
	if (q == NULL)
		return;
	map_remove(&c->map, &q->node);
	TAILQ_REMOVE(&c->list, q, list);
	question_free(q);
}

void choices_free(struct choices *c)
{
	if (c == NULL)
		return;
	while (!TAILQ_EMPTY(&c->list))
		question_end(c, TAILQ_FIRST(&c->list));
	map_fini(&c->map);
	xfree(c);
}

static struct question *find(struct choices *c, int endpoint, const char *conversation)
{
	struct map_node *n = map_find(&c->map, hash_text(conversation, (uint64_t)endpoint));
	struct question *q;

	for (; n != NULL; n = map_find_next(n)) {
		q = (struct question *)n;
		if (q->endpoint == endpoint && strcmp(q->conversation, conversation) == 0)
			return q;
	}
	return NULL;
}

/* Too many to be told apart by a short number are no question. */
static bool take_labels(struct question *q, const struct event *event)
{
	struct arena *a = arena_new();
	const char *label;
	size_t i, n = 0;

	for (i = 0; i < event->nwidgets; i++) {
		if (event->widgets[i].kind != WIDGET_ANSWER)
			continue;
		label = widget_label(a, &event->widgets[i]);
		if (label == NULL) /* nor has it a number */
			continue;
		if (n++ < LABELS_MOST)
			q->labels[q->n++] = xstrdup(label);
	}
	arena_free(a);
	return n > 0 && n <= LABELS_MOST;
}

void choices_told(struct choices *c, int endpoint, const char *conversation,
    const struct message *message, const struct event *event, int64_t now_ms)
{
	struct question *q;

	if (conversation == NULL)
		return;
	question_end(c, find(c, endpoint, conversation));
	if (event->nwidgets == 0 || message->nwidgets > 0)
		return;
	q = xcalloc(1, sizeof(*q));
	q->endpoint = endpoint;
	q->conversation = xstrdup(conversation);
	q->told_ms = now_ms;
	if (!take_labels(q, event)) {
		question_free(q);
		return;
	}
	if (c->map.count == QUESTIONS_MOST)
		question_end(c, TAILQ_FIRST(&c->list));
	map_add(&c->map, &q->node, hash_text(q->conversation, (uint64_t)endpoint));
	TAILQ_INSERT_TAIL(&c->list, q, list);
}

static bool is_open(const struct question *q, const struct event *event, int64_t now_ms)
{
	return now_ms - q->told_ms <= OPEN_MSECS
	    && (event->at_ms == 0 || event->at_ms >= q->told_ms - SKEW_MSECS)
	    && (q->answered == NULL
		|| (event->remote != NULL && strcmp(q->answered, event->remote) == 0));
}

void choices_heard(struct choices *c, int endpoint, struct arena *a, struct event *event,
    int64_t now_ms)
{
	struct question *q;
	const char *label = NULL;

	if (event->kind != EVENT_MESSAGE || event->conversation == NULL || event->is_private
	    || event->author.role == ROLE_SYSTEM)
		return;
	q = find(c, endpoint, event->conversation);
	if (q == NULL)
		return;
	if (event->author.role == ROLE_CUSTOMER && event->text != NULL && event->nattachments == 0
	    && is_open(q, event, now_ms))
		label = widgets_answer((const char *const *)q->labels, q->n, event->text);
	if (label == NULL) {
		question_end(c, q);
		return;
	}
	event->choice = arena_strdup(a, label);
	if (q->answered == NULL && event->remote != NULL)
		q->answered = xstrdup(event->remote);
}
