/* See choices.h. A question per conversation, the newest; they hang in a map, and in the order in which
 * they were asked, so that the oldest goes where there are too many. Each change goes to disk before the
 * message that makes it, in the same turn of the loop: a crash between them costs no more than that a
 * number stays a number. */
#include "flow/choices.h"

#include <string.h>
#include <sys/queue.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/loop.h"
#include "base/map.h"
#include "base/mem.h"
#include "core/widgets.h"
#include "store/question.h"

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
	struct flow *flow;
	struct map map;
	TAILQ_HEAD(, question) list; /* the oldest first */
};

struct choices *choices_new(struct flow *f)
{
	struct choices *c = xcalloc(1, sizeof(*c));

	c->flow = f;
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

/* ---- on disk ---- */

struct keeping {
	struct op_question op;
	struct flow *flow;
	struct arena *arena;
};

static void keeping_free(struct store_op *op)
{
	struct keeping *k = (struct keeping *)op;

	arena_free(k->arena);
	xfree(k);
}

static void on_kept(struct store_op *op)
{
	if (!flow_redo(((struct keeping *)op)->flow, op))
		keeping_free(op);
}

static const char *labels_text(struct arena *a, const struct question *q)
{
	const char *text;
	struct buf b;
	size_t i;

	buf_init(&b);
	for (i = 0; i < q->n; i++)
		buf_addf(&b, "%s%s", i > 0 ? "\n" : "", q->labels[i]);
	text = arena_strndup(a, b.data, b.len);
	buf_fini(&b);
	return text;
}

/* As it is now; is_over: there is none there any more. */
static void question_keep(struct choices *c, const struct question *q, bool is_over)
{
	struct keeping *k = xcalloc(1, sizeof(*k));

	k->flow = c->flow;
	k->arena = arena_new();
	k->op.op =
	    (struct store_op){ .kind = STORE_QUESTION, .done = on_kept, .lost = keeping_free };
	k->op.row = (struct question_row){ .endpoint = q->endpoint,
		.conversation = arena_strdup(k->arena, q->conversation),
		.told_ms = q->told_ms };
	if (!is_over) {
		k->op.row.labels = labels_text(k->arena, q);
		if (q->answered != NULL)
			k->op.row.answered = arena_strdup(k->arena, q->answered);
	}
	flow_submit(c->flow, &k->op.op);
}

/* ---- in memory ---- */

static void question_remove(struct choices *c, struct question *q)
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
		question_remove(c, TAILQ_FIRST(&c->list));
	map_fini(&c->map);
	xfree(c);
}

static void question_add(struct choices *c, struct question *q)
{
	map_add(&c->map, &q->node, hash_text(q->conversation, (uint64_t)q->endpoint));
	TAILQ_INSERT_TAIL(&c->list, q, list);
}

static void question_end(struct choices *c, struct question *q)
{
	if (q == NULL)
		return;
	question_keep(c, q, true);
	question_remove(c, q);
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
	question_add(c, q);
	question_keep(c, q, false);
}

static bool is_open(const struct question *q, const struct event *event, int64_t now_ms)
{
	return now_ms - q->told_ms <= OPEN_MSECS
	    && (q->answered == NULL
		|| (event->remote != NULL && strcmp(q->answered, event->remote) == 0));
}

void choices_heard(struct choices *c, int endpoint, bool unmarked, struct arena *a,
    struct event *event, int64_t now_ms)
{
	struct question *q;
	const char *label = NULL;

	if (event->kind != EVENT_MESSAGE || event->conversation == NULL || event->is_private
	    || event->author.role == ROLE_SYSTEM
	    || (unmarked && event->author.role != ROLE_CUSTOMER)) /* our own question, it may be */
		return;
	q = find(c, endpoint, event->conversation);
	/* What was said before it was asked is no answer, and comes once more. */
	if (q == NULL || (event->at_ms != 0 && event->at_ms < q->told_ms - SKEW_MSECS))
		return;
	if (event->author.role == ROLE_CUSTOMER && event->text != NULL && event->nattachments == 0
	    && is_open(q, event, now_ms))
		label = widgets_answer((const char *const *)q->labels, q->n, event->text);
	if (label == NULL) {
		question_end(c, q);
		return;
	}
	event->choice = arena_strdup(a, label);
	if (q->answered != NULL || event->remote == NULL)
		return;
	q->answered = xstrdup(event->remote);
	question_keep(c, q, false);
}

void choices_forget(struct choices *c, int endpoint, const char *conversation)
{
	question_remove(c, find(c, endpoint, conversation));
}

/* ---- over a restart ---- */

static void take_row(struct choices *c, const struct question_row *row)
{
	struct question *q = xcalloc(1, sizeof(*q));
	const char *at = row->labels;
	size_t len;

	q->endpoint = row->endpoint;
	q->conversation = xstrdup(row->conversation);
	q->told_ms = row->told_ms;
	q->answered = row->answered != NULL ? xstrdup(row->answered) : NULL;
	for (; q->n < LABELS_MOST && *at != '\0'; at += len + (at[len] != '\0')) {
		len = strcspn(at, "\n");
		q->labels[q->n] = xmalloc(len + 1);
		memcpy(q->labels[q->n], at, len);
		q->labels[q->n++][len] = '\0';
	}
	question_add(c, q);
}

int choices_load(struct choices *c, struct err *err)
{
	struct op_questions load = { .op = { .kind = STORE_QUESTIONS },
		.before_ms = loop_now_ms(c->flow->loop) - OPEN_MSECS };
	size_t i;

	load.arena = arena_new();
	store_run(c->flow->store, &load.op);
	for (i = 0; load.op.result == 0 && i < load.nrows && i < QUESTIONS_MOST; i++)
		take_row(c, &load.rows[i]);
	arena_free(load.arena);
	return load.op.result == 0
	    ? 0
	    : err_set(err, "reading back what was asked: %s", load.op.err.text);
}
