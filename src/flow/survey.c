/* See survey.h. */
#include "flow/survey.h"

#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "core/ids.h"
#include "flow/endpoint.h"

struct survey {
	struct op_view op;
	struct endpoint *endpoint;
	struct letter *letter;
	void (*done)(void *arg, struct letter *letter, const struct view *view, struct arena *a);
	void *arg;
};

const unsigned char *survey_root(struct arena *a, const struct endpoint *e,
    const struct event *event)
{
	struct root *root;
	struct mark mark;

	if (e->nbridges < 2 || event->remote == NULL)
		return NULL;
	root = ARENA_NEW(a, struct root);
	if (mark_read(&e->flow->keys, event->mark, &mark) && mark.ours)
		*root = mark.root;
	else
		*root = ids_root(e->connector->name, e->conf.host, e->conf.tenant, event->remote);
	return root->b;
}

static void on_lost(struct store_op *op)
{
	struct survey *s = (struct survey *)op;

	arena_free(s->op.arena);
	letter_unref(s->letter);
	xfree(s);
}

static void on_viewed(struct store_op *op)
{
	struct survey *s = (struct survey *)op;

	if (flow_redo(s->endpoint->flow, op))
		return;
	s->done(s->arg, s->letter, &s->op.view, s->op.arena);
	letter_unref(s->letter);
	xfree(s);
}

void survey_ask(struct endpoint *e, struct letter *letter,
    void (*done)(void *arg, struct letter *letter, const struct view *view, struct arena *a),
    void *arg)
{
	struct survey *s = xcalloc(1, sizeof(*s));
	struct arena *a = arena_new();

	s->endpoint = e;
	s->letter = letter_ref(letter);
	s->done = done;
	s->arg = arg;
	s->op = (struct op_view){
		.op = { .kind = STORE_VIEW, .done = on_viewed, .lost = on_lost },
		.arena = a,
		.event = letter->event,
		.asks = e->asks,
		.nasks = e->nbridges,
		.root = survey_root(a, e, letter->event),
	};
	flow_submit(e->flow, &s->op.op);
}
