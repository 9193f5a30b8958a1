/* See migration.h. Which runs there are: begun, gone on with, stopped, and read back after a restart. */
#include "flow/history/migration_inside.h"

#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "flow/router.h"

/* ---- runs ---- */

static struct migration_run *run_find(const struct migrations *m, int64_t id)
{
	struct migration_run *r;

	TAILQ_FOREACH(r, &m->runs, next)
		if (r->row.id == id)
			return r;
	return NULL;
}

/* Nothing passes there before somebody has put it right. */
static bool is_able(const struct endpoint *e, struct err *err)
{
	if (e->state != ENDPOINT_CREDENTIALS && e->state != ENDPOINT_NOT_ENABLED
	    && (e->state != ENDPOINT_WRONG || !e->gate.is_shut))
		return true;
	err_set(err, "%s cannot be used (%s): %s", e->conf.name, endpoint_state_word(e->state),
	    e->note);
	return false;
}

/* The run is about what is there, and both ends can be used. */
static bool attach(struct migration_run *r, struct err *err)
{
	return migration_run_attach(r, err) && (r->wish.file != NULL || is_able(r->source, err))
	    && is_able(endpoint_find(r->flow, migration_bridge(r)->agents->id), err);
}

struct beginning {
	struct op_migration op;
	struct migration_run *run;
};

static void beginning_on_lost(struct store_op *op)
{
	xfree(op);
}

static void on_begun(struct store_op *op)
{
	struct beginning *b = (struct beginning *)op;
	struct migration_run *r = b->run;

	if (flow_redo(r->flow, op))
		return;
	r->row.id = b->op.row.id;
	r->row.first = b->op.row.first;
	xfree(b);
	migration_run_go(r);
	r->told(r->told_arg, r->row.id);
}

static void begin_new(struct migration_run *r)
{
	struct beginning *b = xcalloc(1, sizeof(*b));

	b->run = r;
	b->op = (struct op_migration){
		.op = { .kind = STORE_MIGRATION, .done = on_begun, .lost = beginning_on_lost },
		.is_new = true,
		.row = r->row,
	};
	flow_submit(r->flow, &b->op.op);
}

/* The one that is under way, else the newest. */
static struct migration_run *run_of_bridge(const struct migrations *m, const char *bridge)
{
	struct migration_run *r, *newest = NULL;

	TAILQ_FOREACH(r, &m->runs, next) {
		if (r->is_dry || strcmp(r->wish.bridge, bridge) != 0)
			continue;
		if (migration_is_active(r->row.state))
			return r;
		if (newest == NULL)
			newest = r;
	}
	return newest;
}

/* Of one endpoint's conversations one run at a time holds back what is said meanwhile. */
static bool is_free(const struct migration_run *r, struct err *err)
{
	const struct migration_run *other;

	TAILQ_FOREACH(other, &r->all->runs, next)
		if (other != r && !other->is_dry && other->source == r->source
		    && migration_is_active(other->row.state))
			break;
	if (other == NULL)
		return true;
	if (other->row.id == 0) /* on its way to disk: it has no name to give yet */
		err_set(err, "a run of %s is just beginning", other->wish.bridge);
	else
		err_set(err, "m%lld of %s is under way: stop it first", (long long)other->row.id,
		    other->wish.bridge);
	return false;
}

static bool resume(struct migration_run *r, bool force, struct err *err)
{
	if (r->row.state != MIGRATION_STOPPED && r->row.state != MIGRATION_FAILED
	    && !migration_is_active(r->row.state)) {
		err_set(err, "m%lld is over", (long long)r->row.id);
		return false;
	}
	r->wish.force |= force;
	if (r->row.state == MIGRATION_RUNNING)
		return true;
	if (r->row.state == MIGRATION_STOPPING) { /* it never was away */
		r->row.state = MIGRATION_RUNNING;
		migration_run_save(r);
		migration_run_on(r);
		return true;
	}
	if (!attach(r, err) || !is_free(r, err))
		return false;
	migration_run_go(r);
	return true;
}

/* One that is over is kept until the next begins. */
static void forget_plans(struct migrations *m)
{
	struct migration_run *r, *next;

	for (r = TAILQ_FIRST(&m->runs); r != NULL; r = next) {
		next = TAILQ_NEXT(r, next);
		if (!r->is_dry || migration_is_active(r->row.state))
			continue;
		TAILQ_REMOVE(&m->runs, r, next);
		migration_run_free(r);
	}
}

int64_t migration_plan(struct migrations *m, const struct migration_wish *w, bool is_verify,
    struct err *err)
{
	struct arena *a = arena_new();
	const struct row_migration row = { .state = MIGRATION_RUNNING,
		.wish = migration_wish_text(a, w),
		.first = INT64_MAX,
		.begun_ms = loop_now_ms(m->flow->loop) };
	struct migration_run *r = migration_run_new(m, &row);

	arena_free(a);
	if (!attach(r, err)) {
		migration_run_free(r);
		return 0;
	}
	forget_plans(m);
	r->is_dry = true;
	if (is_verify)
		r->verdict = arena_zalloc(r->arena, sizeof(*r->verdict));
	r->wish.force = w->force;
	r->row.id = --m->plans;
	TAILQ_INSERT_HEAD(&m->runs, r, next);
	migration_run_go(r);
	return r->row.id;
}

enum migration_begin migration_begin(struct migrations *m, const struct migration_wish *w,
    void (*begun)(void *arg, int64_t id), void *arg, struct err *err)
{
	struct arena *a = arena_new();
	struct migration_run *r = run_of_bridge(m, w->bridge);
	const struct row_migration row = { .state = MIGRATION_RUNNING,
		.wish = migration_wish_text(a, w),
		.begun_ms = loop_now_ms(m->flow->loop) };
	bool is_alike = r != NULL && r->row.wish != NULL && strcmp(r->row.wish, row.wish) == 0;
	enum migration_begin result = MIGRATION_BEGUN;

	if (is_alike && r->row.id != 0 && resume(r, w->force, err)) {
		begun(arg, r->row.id);
	} else {
		r = migration_run_new(m, &row);
		r->wish.force = w->force;
		if (!attach(r, err))
			result = MIGRATION_REFUSED;
		else if (!is_free(r, err))
			result = MIGRATION_CONFLICT;
		if (result == MIGRATION_BEGUN) {
			r->told = begun;
			r->told_arg = arg;
			TAILQ_INSERT_HEAD(&m->runs, r, next);
			begin_new(r);
		} else {
			migration_run_free(r);
		}
	}
	arena_free(a);
	return result;
}

bool migration_resume(struct migrations *m, int64_t id, bool force, struct err *err)
{
	struct migration_run *r = run_find(m, id);

	if (r != NULL)
		return resume(r, force, err);
	err_set(err, "there is no run m%lld", (long long)id);
	return false;
}

bool migration_stop(struct migrations *m, int64_t id)
{
	struct migration_run *r = run_find(m, id);

	if (r == NULL || !migration_is_active(r->row.state))
		return false;
	r->row.state = MIGRATION_STOPPING;
	migration_run_save(r);
	migration_run_on(r);
	return true;
}

bool migration_takes(struct migrations *m, struct endpoint *e, const char *conversation, int bridge)
{
	struct migration_run *r;

	TAILQ_FOREACH(r, &m->runs, next)
		if (!r->is_dry && r->source == e && r->row.bridge == bridge && r->is_welcome
		    && r->row.state == MIGRATION_RUNNING && r->wish.only == NULL
		    && r->wish.state == WANTED_ALL && r->wish.limit == 0)
			break;
	if (r != NULL && migration_file_is_unread(r))
		return true; /* it looks again before long */
	if (r == NULL || migration_run_item(r, conversation) != NULL
	    || migration_file_lacks(r, conversation))
		return false;
	migration_item_start_by_name(r, conversation);
	return true;
}

enum migration_phase migration_phase(struct migrations *m, struct endpoint *e,
    const char *conversation, int bridge)
{
	const struct migration_item *item;
	const struct migration_run *r;

	if (!router_is_suspended(m->flow->router, e, conversation, bridge))
		return MIGRATION_PHASE_NONE;
	TAILQ_FOREACH(r, &m->runs, next)
		if (!r->is_dry && r->source == e && r->row.bridge == bridge
		    && (item = migration_run_item(r, conversation)) != NULL && item->is_ending)
			return MIGRATION_PHASE_END;
	return MIGRATION_PHASE_MESSAGES;
}

bool migration_hurries(struct migrations *m, const struct event *e)
{
	struct endpoint *from = endpoint_find(m->flow, e->endpoint);
	const struct migration_run *r;

	TAILQ_FOREACH(r, &m->runs, next)
		if (r->source == from && r->row.state == MIGRATION_STOPPING)
			return true;
	return from == NULL || router_is_urgent(m->flow->router, from, e->conversation);
}

void migration_told(struct migrations *m, const struct event *e)
{
	struct migration_item *item;
	struct migration_run *r;

	if (e->origin != ORIGIN_HISTORY)
		return;
	TAILQ_FOREACH(r, &m->runs, next)
		if (!r->is_dry && r->source != NULL && r->source->conf.id == e->endpoint
		    && (item = migration_run_item(r, e->conversation)) != NULL)
			migration_item_told(item);
}

/* ---- life ---- */

/* What its conversations hold back is held back in this life too. */
static int hold_again(struct migration_run *r, struct err *err)
{
	struct arena *a = arena_new();
	struct op_migration_items op = { .op = { .kind = STORE_MIGRATION_ITEMS },
		.arena = a,
		.migration = r->row.id,
		.only_open = true };
	size_t i;
	int ret = 0;

	store_run(r->flow->store, &op.op);
	if (op.op.result != 0)
		ret = err_set(err, "reading back what is being moved: %s", op.op.err.text);
	for (i = 0; ret == 0 && i < op.nrows; i++)
		router_suspend(r->flow->router, r->source, op.rows[i].remote, r->row.bridge);
	arena_free(a);
	return ret;
}

int migrations_load(struct migrations *m, struct err *err)
{
	struct arena *a = arena_new();
	struct op_migrations op = { .op = { .kind = STORE_MIGRATIONS }, .arena = a };
	struct migration_run *r;
	struct err why;
	size_t i;
	int ret = 0;

	store_run(m->flow->store, &op.op);
	if (op.op.result != 0)
		ret = err_set(err, "reading back what is being moved: %s", op.op.err.text);
	for (i = 0; ret == 0 && i < op.nrows; i++) {
		r = migration_run_new(m, &op.rows[i]);
		TAILQ_INSERT_TAIL(&m->runs, r, next);
		if (!migration_run_attach(r, &why)) {
			r->row.why = arena_strdup(r->arena, why.text);
			if (migration_is_active(r->row.state))
				r->row.state = MIGRATION_FAILED;
		} else if (migration_is_active(r->row.state)) {
			r->is_welcome = true; /* or it would not have got here */
			ret = hold_again(r, err);
		}
	}
	arena_free(a);
	return ret;
}

void migrations_start(struct migrations *m)
{
	struct migration_run *r;

	TAILQ_FOREACH(r, &m->runs, next)
		if (migration_is_active(r->row.state))
			migration_run_go(r);
}

struct migrations *migrations_new(struct flow *f)
{
	struct migrations *m = xcalloc(1, sizeof(*m));

	m->flow = f;
	TAILQ_INIT(&m->runs);
	TAILQ_INIT(&m->pairings);
	return m;
}

void migrations_free(struct migrations *m)
{
	struct migration_run *r;

	if (m == NULL)
		return;
	pairings_free(m);
	while ((r = TAILQ_FIRST(&m->runs)) != NULL) {
		TAILQ_REMOVE(&m->runs, r, next);
		migration_run_free(r);
	}
	xfree(m);
}
