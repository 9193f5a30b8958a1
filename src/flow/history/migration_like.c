/* See migration_inside.h. What goes with a conversation besides messages, compared: the one at the other end is read
 * as it is now, and is unlike where something that was to be carried is not there, or it is not open or closed as the
 * history left it.
 *
 *   which one is it, and what was agreed? ─▶ it is read ─▶ fact by fact, and its state
 *
 * People there may have changed their minds since, and that is no fault: what both ends had agreed on, and what the
 * platform has told of by itself, is theirs. */
#include "flow/history/migration_inside.h"

#include <stddef.h>

#include "base/arena.h"
#include "base/mem.h"
#include "flow/mirror.h"

struct migration_likeness {
	struct migration_item *item;
	struct arena *arena; /* its own, and this is in it */
	struct op_migration_facts facts;
	struct page page;
	void (*done)(void *arg);
	void *arg;
};

void migration_likeness_free(struct migration_likeness *l)
{
	if (l == NULL)
		return;
	page_cancel(&l->page);
	arena_free(l->arena);
}

static void finish(struct migration_likeness *l)
{
	void (*done)(void *arg) = l->done;
	void *arg = l->arg;

	migration_likeness_free(l);
	done(arg);
}

/* ---- comparing ---- */

/* It was asked for, and what stood there before still does. */
static bool is_undone(const struct fact_record *r, enum fact f, const char *current)
{
	return r->was.v[f] != NULL && fact_is_same(f, r->was.v[f], current);
}

static bool is_like(const struct fact_record *r, struct arena *a, enum fact f, const char *wanted,
    const char *current)
{
	if (is_undone(r, f, current))
		return false;
	if (r->ours.v[f] != NULL && fact_is_same(f, r->ours.v[f], wanted))
		return true; /* it was there; else people there have changed it */
	if (f == FACT_LABELS || f == FACT_ATTRIBUTES)
		return fact_to_write(a, f, wanted, NULL, current) == NULL;
	return fact_is_same(f, wanted, current);
}

static bool has_facts(const struct migration_likeness *l, const struct facts *there)
{
	const struct migration_run *r = l->item->run;
	const struct facts *told = migration_facts(r, l->arena, l->item->about);
	struct facts wanted = { 0 };
	int f;

	if (told == NULL || there == NULL)
		return true;
	mirror_expect(r->flow, migration_bridge(r), l->arena, told, &wanted);
	for (f = 0; f < FACT_COUNT; f++)
		if (wanted.v[f] != NULL
		    && !is_like(&l->facts.there, l->arena, (enum fact)f, wanted.v[f], there->v[f]))
			return false;
	return true;
}

static bool has_state(const struct migration_likeness *l, enum state there)
{
	enum state state = l->item->about->state;

	if (!l->facts.is_ended || there == STATE_NONE
	    || (state != STATE_OPEN && state != STATE_RESOLVED))
		return true;
	return there == state || (there != STATE_PENDING && there == l->facts.link.agents_heard);
}

/* ---- the other end ---- */

static void on_page(void *arg, struct arena *a, const struct outcome *o)
{
	struct migration_likeness *l = arg;
	struct migration_verdict *v = l->item->run->verdict;
	const struct event *there;

	if (o->effect.kind != EFFECT_REJECTED && o->events.count > 0) {
		there = &o->events.items[0];
		v->unlike += !has_facts(l, there->facts) || !has_state(l, there->state);
	} /* else its messages are missing, too */
	arena_free(a);
	finish(l);
}

static void on_facts(struct store_op *op)
{
	struct migration_likeness *l = (struct migration_likeness *)((char *)op
	    - offsetof(struct migration_likeness, facts.op));
	const struct migration_run *r = l->item->run;

	if (flow_redo(r->flow, op))
		return;
	if (!l->facts.is_linked || l->facts.link.gone || l->facts.link.agents_remote == NULL
	    || !migration_is_his(r, &l->facts.person, l->item->about)) {
		finish(l);
		return;
	}
	l->page.job = (struct job){ .step = STEP_LIST_CONVERSATIONS };
	l->page.known.conversation = l->facts.link.agents_remote;
	l->page.done = on_page;
	l->page.arg = l;
	page_ask(endpoint_find(r->flow, migration_bridge(r)->agents->id), &l->page);
}

struct migration_likeness *migration_liken(struct migration_item *item, void (*done)(void *arg),
    void *arg)
{
	struct arena *a = arena_new();
	struct migration_likeness *l = ARENA_NEW(a, struct migration_likeness);

	l->item = item;
	l->arena = a;
	l->done = done;
	l->arg = arg;
	l->facts = (struct op_migration_facts){
		.op = { .kind = STORE_MIGRATION_FACTS, .done = on_facts },
		.arena = a,
		.bridge = item->run->row.bridge,
		.endpoint = item->run->source->conf.id,
		.conversation = migration_item_remote(item),
	};
	flow_submit(item->run->flow, &l->facts.op);
	return l;
}
