/* See migration.h.
 *
 *   begin ─▶ page of conversations ─▶ which of them are over? ─▶ so many at once (migration_item.c) ─▶ next page
 *
 * Where it is in the list is on disk page by page, and each conversation that is over by itself, so after a
 * restart a page is gone through again, and what is over in it is passed. */
#include "flow/migration_inside.h"

#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"
#include "flow/router.h"

/* Of one run. Enough that what each conversation may take in a minute does not bind before the endpoint. */
#define TOGETHER 24
#define STORE_RETRY_MSECS 2000

struct migrations {
	struct flow *flow;
	TAILQ_HEAD(, migration_run)
	runs;          /* the newest first: all on disk, and the plans of this life */
	int64_t plans; /* of this life */
};

/* ---- wishes ---- */

static bool is_same(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* Who may be asked for as a person's or a conversation's name there, with or without the endpoint's. */
static bool is_whom(const struct migration_run *r, const struct event *c, const char *who)
{
	const char *name = r->source->conf.name;
	size_t len = strlen(name);

	if (strncmp(who, name, len) == 0 && who[len] == ':')
		who += len + 1;
	return is_same(c->conversation, who) || is_same(c->person.id, who)
	    || is_same(c->person.address, who) || is_same(c->person.email, who)
	    || is_same(c->person.phone, who) || is_same(c->person.identity, who);
}

static bool is_wanted(const struct migration_run *r, const struct event *c)
{
	bool is_closed = c->state == STATE_RESOLVED;

	return c->drop == DROP_NONE && c->conversation != NULL && (c->flags & EVENT_IS_DRAFT) == 0
	    && (r->wish.state == WANTED_ALL || (r->wish.state == WANTED_CLOSED) == is_closed)
	    && (r->wish.only == NULL || is_whom(r, c, r->wish.only));
}

/* ---- on disk ---- */

static void run_save(struct migration_run *r);

static void on_saved(struct store_op *op)
{
	struct migration_run *r =
	    (struct migration_run *)((char *)op - offsetof(struct migration_run, save.op));

	if (flow_redo(r->flow, op))
		return;
	r->is_saving = false;
	if (r->saves_again)
		run_save(r);
}

/* As it is now; a write that is under way is followed by another. */
static void run_save(struct migration_run *r)
{
	r->saves_again = r->is_saving;
	if (r->is_dry || r->is_saving)
		return;
	r->is_saving = true;
	r->save = (struct op_migration){ .op = { .kind = STORE_MIGRATION, .done = on_saved },
		.row = r->row };
	flow_submit(r->flow, &r->save.op);
}

static void run_log(const struct migration_run *r, const char *at)
{
	LOG(LOG_INFO, at, F_ID("migration", 'm', r->row.id), F_STR("bridge", r->wish.bridge),
	    F_STR("reason", migration_state_word((int)r->row.state)),
	    F_INT("count", r->row.totals.conversations), F_STR("err", r->row.why));
}

static void forget_list(struct migration_run *r)
{
	arena_free(r->list_arena);
	r->list_arena = NULL;
	xfree(r->list);
	r->list = NULL;
	r->count = r->at = 0;
}

/* What an earlier life has begun and this one did not meet in the list, since it is not there any more, holds
 * nothing back. */
struct leaving {
	struct op_migration_items op;
	struct migration_run *run;
};

static void leaving_free(struct store_op *op)
{
	arena_free(((struct op_migration_items *)op)->arena);
	xfree(op);
}

static void on_left(struct store_op *op)
{
	struct leaving *l = (struct leaving *)op;
	struct migration_run *r = l->run;
	size_t i;

	for (i = 0; op->result == 0 && i < l->op.nrows; i++)
		router_release(r->flow->router, r->source, l->op.rows[i].remote);
	leaving_free(op);
}

static void release_left(struct migration_run *r)
{
	struct leaving *l;

	if (r->is_dry || r->source == NULL)
		return;
	l = xcalloc(1, sizeof(*l));
	l->run = r;
	l->op = (struct op_migration_items){
		.op = { .kind = STORE_MIGRATION_ITEMS, .done = on_left, .lost = leaving_free },
		.arena = arena_new(),
		.migration = r->row.id,
		.only_open = true,
	};
	flow_submit(r->flow, &l->op.op);
}

static void run_end(struct migration_run *r, enum migration_state state, const char *why)
{
	release_left(r);
	forget_list(r);
	migration_file_close(r);
	r->broken = NULL;
	r->row.state = state;
	r->row.why = why;
	r->row.ended_ms = loop_now_ms(r->flow->loop);
	if (r->verdict != NULL && state == MIGRATION_FINISHED)
		r->row.state =
		    migration_is_verified(r->verdict) ? MIGRATION_VERIFIED : MIGRATION_DIFFERS;
	else if (r->is_dry && state == MIGRATION_FINISHED)
		r->row.state = MIGRATION_PLANNED;
	run_save(r);
	run_log(r, "migrate_end");
}

/* ---- conversation by conversation ---- */

static void ask_page(struct migration_run *r, const char *cursor);
static void run_on(struct migration_run *r);

static bool is_enough(const struct migration_run *r)
{
	return r->wish.limit > 0 && r->begun >= r->wish.limit;
}

void migration_item_over(struct migration_item *item)
{
	struct migration_run *r = item->run;

	migration_item_free(item);
	run_on(r);
}

void migration_item_broken(struct migration_item *item, const char *why)
{
	struct migration_run *r = item->run;

	r->broken = why;
	migration_item_over(item);
}

static bool has_more(const struct migration_run *r)
{
	return r->row.state == MIGRATION_RUNNING && !is_enough(r) && r->broken == NULL;
}

static struct migration_item *item_find(const struct migration_run *r, const char *conversation)
{
	struct migration_item *item;

	TAILQ_FOREACH(item, &r->items, next)
		if (strcmp(migration_item_remote(item), conversation) == 0)
			return item;
	return NULL;
}

struct met {
	struct map_node node;
	char *remote;
};

/* Of one that is compared or only counted nothing is on disk, and a page may tell once more what the one before
 * has told. */
static bool was_met(struct migration_run *r, const char *remote)
{
	uint64_t hash = hash_text(remote, 0);
	struct map_node *n;
	struct met *met;

	if (!r->is_dry)
		return false;
	for (n = map_find(&r->met, hash); n != NULL; n = map_find_next(n))
		if (strcmp(((struct met *)n)->remote, remote) == 0)
			return true;
	met = arena_zalloc(r->arena, sizeof(*met));
	met->remote = arena_strdup(r->arena, remote);
	map_add(&r->met, &met->node, hash);
	return false;
}

static void run_on(struct migration_run *r)
{
	size_t at;

	if (r->is_asking || !migration_is_active(r->row.state))
		return;
	while (r->nitems < TOGETHER && r->at < r->count && has_more(r)) {
		at = r->at++;
		if (was_met(r, r->list[at]->conversation))
			continue;
		r->begun++;
		if (!r->is_over[at] && item_find(r, r->list[at]->conversation) == NULL)
			migration_item_start(r, r->list[at]);
	}
	if (r->nitems > 0)
		return;
	if (r->broken != NULL)
		run_end(r, MIGRATION_FAILED, r->broken);
	else if (r->row.state == MIGRATION_STOPPING)
		run_end(r, MIGRATION_STOPPED, NULL);
	else if (r->cursor != NULL && !is_enough(r))
		ask_page(r, r->cursor);
	else
		run_end(r,
		    r->row.totals.failed > 0 ? MIGRATION_FINISHED_WITH_FAILURES
					     : MIGRATION_FINISHED,
		    NULL);
}

bool migration_takes(struct migrations *m, struct endpoint *e, const char *conversation, int bridge)
{
	struct migration_run *r;

	TAILQ_FOREACH(r, &m->runs, next)
		if (!r->is_dry && r->source == e && r->row.bridge == bridge && r->is_welcome
		    && r->row.state == MIGRATION_RUNNING && r->wish.only == NULL
		    && r->wish.state == WANTED_ALL && r->wish.limit == 0)
			break;
	if (r == NULL || item_find(r, conversation) != NULL
	    || migration_file_lacks(r, conversation))
		return false;
	migration_item_start_by_name(r, conversation);
	return true;
}

/* ---- pages ---- */

static void on_known(struct store_op *op)
{
	struct migration_run *r =
	    (struct migration_run *)((char *)op - offsetof(struct migration_run, known.op));
	size_t i;

	if (flow_redo(r->flow, op))
		return;
	for (i = 0; i < r->count; i++)
		r->is_over[i] = r->known.rows[i].remote != NULL && r->known.rows[i].is_over;
	r->is_asking = false;
	run_on(r);
}

static void ask_known(struct migration_run *r)
{
	const char **remotes = arena_zalloc(r->list_arena, (r->count + 1) * sizeof(*remotes));
	size_t i;

	for (i = 0; i < r->count; i++)
		remotes[i] = r->list[i]->conversation;
	r->is_over = arena_zalloc(r->list_arena, r->count + 1);
	r->known = (struct op_migration_items){
		.op = { .kind = STORE_MIGRATION_ITEMS, .done = on_known },
		.arena = r->list_arena,
		.migration = r->row.id,
		.remotes = remotes,
		.nremotes = r->count,
	};
	flow_submit(r->flow, &r->known.op);
}

static void on_page(void *arg, struct arena *a, const struct outcome *o)
{
	struct migration_run *r = arg;
	const char *this_cursor = arena_strdup(a, r->page.job.cursor);
	size_t i;

	forget_list(r);
	r->list_arena = a;
	if (o->effect.kind == EFFECT_REJECTED) {
		r->is_asking = false;
		run_end(r, MIGRATION_FAILED,
		    r->file != NULL ? migration_file_changed(r)
				    : "its conversations cannot be listed");
		return;
	}
	r->cursor = o->cursor;
	r->row.cursor = r->this_cursor = this_cursor;
	run_save(r);
	r->list = xcalloc(o->events.count + 1, sizeof(struct event *));
	for (i = 0; i < o->events.count; i++)
		if (is_wanted(r, &o->events.items[i]))
			r->list[r->count++] = &o->events.items[i];
	ask_known(r);
}

static void ask_page(struct migration_run *r, const char *cursor)
{
	r->is_asking = true;
	r->page.job = (struct job){
		.step = STEP_LIST_CONVERSATIONS,
		.cursor = cursor,
		.since_ms = r->wish.since_ms,
	};
	r->page.done = on_page;
	r->page.arg = r;
	migration_ask(r, &r->page);
}

/* Of a file from its beginning: what is over is passed, and it may not be the file that it was. */
static void ask_first(struct migration_run *r)
{
	ask_page(r, r->file != NULL ? NULL : r->row.cursor);
}

/* ---- runs ---- */

static struct migration_run *run_find(const struct migrations *m, int64_t id)
{
	struct migration_run *r;

	TAILQ_FOREACH(r, &m->runs, next)
		if (r->row.id == id)
			return r;
	return NULL;
}

static struct migration_run *run_new(struct migrations *m, const struct row_migration *row)
{
	struct migration_run *r = xcalloc(1, sizeof(*r));

	r->flow = m->flow;
	r->all = m;
	r->arena = arena_new();
	r->row = *row;
	r->row.wish = arena_strdup(r->arena, row->wish);
	r->row.cursor = arena_strdup(r->arena, row->cursor);
	r->row.why = arena_strdup(r->arena, row->why);
	TAILQ_INIT(&r->items);
	map_init(&r->met);
	if (migration_wish_read(r->arena, r->row.wish, &r->wish) != 0)
		r->wish.bridge = "?";
	return r;
}

/* What it is about is still there, and can be read and written. */
static bool run_attach(struct migration_run *r, struct err *err)
{
	struct flow *f = r->flow;
	const struct bridge_conf *b;
	struct endpoint *source;
	size_t i;

	for (i = 0; i < f->config->nbridges; i++)
		if (strcmp(f->config->bridges[i].name, r->wish.bridge) == 0)
			break;
	if (i == f->config->nbridges) {
		err_set(err, "there is no bridge called \"%s\"", r->wish.bridge);
		return false;
	}
	b = &f->config->bridges[i];
	source = endpoint_find(f, b->customers->id);
	if (r->wish.file == NULL && !source->conf.caps->pages) {
		err_set(err, "%s cannot be read: its platform does not tell what was said",
		    source->conf.name);
		return false;
	}
	for (r->at_bridge = 0; source->bridges[r->at_bridge] != b; r->at_bridge++)
		;
	r->row.bridge = b->id;
	r->source = source;
	return true;
}

const struct bridge_conf *migration_bridge(const struct migration_run *r)
{
	return flow_bridge(r->flow, r->row.bridge);
}

/* May it be written there, and would anything be set off by it? */
static void on_welcome(void *arg, struct arena *a, const struct outcome *o)
{
	struct migration_run *r = arg;
	const char *why = arena_strdup(r->arena, o->effect.why);
	bool is_refused = o->effect.kind == EFFECT_REJECTED;

	arena_free(a);
	r->is_asking = false;
	r->is_welcome = !is_refused && (why == NULL || r->wish.force);
	if (r->row.state == MIGRATION_STOPPING)
		run_end(r, MIGRATION_STOPPED, NULL);
	else if (is_refused)
		run_end(r, MIGRATION_FAILED, why != NULL ? why : "it cannot be written there");
	else if (why != NULL && !r->wish.force)
		run_end(r, MIGRATION_FAILED,
		    arena_printf(r->arena, "%s: turn it off while history is moved, or --force",
			why));
	else
		ask_first(r);
}

static bool ask_welcome(struct migration_run *r)
{
	struct endpoint *target = endpoint_find(r->flow, migration_bridge(r)->agents->id);

	if (r->is_welcome || !target->conf.caps->asks_history || r->verdict != NULL) {
		r->is_welcome = true;
		return false;
	}
	r->is_asking = true;
	r->page.job = (struct job){ .step = STEP_LOOK_UP };
	r->page.done = on_welcome;
	r->page.arg = r;
	page_ask(target, &r->page);
	return true;
}

static void on_checked(void *arg, const char *why)
{
	struct migration_run *r = arg;

	r->is_asking = false;
	if (r->row.state == MIGRATION_STOPPING)
		run_end(r, MIGRATION_STOPPED, NULL);
	else if (why != NULL)
		run_end(r, MIGRATION_FAILED, arena_strdup(r->arena, why));
	else if (!ask_welcome(r))
		ask_first(r);
}

static void run_go(struct migration_run *r)
{
	r->begun = 0;
	r->row.state = MIGRATION_RUNNING;
	r->row.why = NULL;
	r->row.ended_ms = 0;
	run_log(r, "migrate");
	if (r->wish.file != NULL)
		migration_file_check(r, on_checked);
	else if (!ask_welcome(r))
		ask_first(r);
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
	run_go(r);
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
		run_save(r);
		run_on(r);
		return true;
	}
	if (!run_attach(r, err))
		return false;
	run_go(r);
	return true;
}

static struct migration_run *run_of_bridge(const struct migrations *m, const char *bridge)
{
	struct migration_run *r;

	TAILQ_FOREACH(r, &m->runs, next)
		if (!r->is_dry && strcmp(r->wish.bridge, bridge) == 0)
			return r;
	return NULL;
}

static void run_free(struct migration_run *r)
{
	struct migration_item *item;

	while ((item = TAILQ_FIRST(&r->items)) != NULL)
		migration_item_free(item);
	migration_cancel(r, &r->page);
	migration_file_close(r);
	forget_list(r);
	map_fini(&r->met);
	arena_free(r->arena);
	xfree(r);
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
		run_free(r);
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
	struct migration_run *r = run_new(m, &row);

	arena_free(a);
	if (!run_attach(r, err)) {
		run_free(r);
		return 0;
	}
	forget_plans(m);
	r->is_dry = true;
	if (is_verify)
		r->verdict = arena_zalloc(r->arena, sizeof(*r->verdict));
	r->wish.force = w->force;
	r->row.id = --m->plans;
	TAILQ_INSERT_HEAD(&m->runs, r, next);
	run_go(r);
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
	bool is_alike = r != NULL && is_same(r->row.wish, row.wish);
	enum migration_begin result = MIGRATION_BEGUN;

	if (r != NULL && migration_is_active(r->row.state) && !is_alike) {
		err_set(err, "m%lld of %s is under way: stop it first", (long long)r->row.id,
		    w->bridge);
		result = MIGRATION_CONFLICT;
	} else if (is_alike && r->row.id != 0 && resume(r, w->force, err)) {
		begun(arg, r->row.id);
	} else {
		r = run_new(m, &row);
		r->wish.force = w->force;
		if (run_attach(r, err)) {
			r->told = begun;
			r->told_arg = arg;
			TAILQ_INSERT_HEAD(&m->runs, r, next);
			begin_new(r);
		} else {
			run_free(r);
			result = MIGRATION_REFUSED;
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
	run_save(r);
	run_on(r);
	return true;
}

/* ---- telling ---- */

static void estimate(const struct migration_run *r, struct migration_estimate *e)
{
	const struct endpoint_conf *to = migration_bridge(r)->agents;
	const struct rate *from = &r->source->conf.rate, *each = &to->conversation_rate;

	*e = r->estimate;
	migration_estimate(e, r->row.totals.written, 2 * r->row.totals.conversations,
	    (struct migration_limit){ to->rate.count, to->rate.period_msecs },
	    (struct migration_limit){ each->count, each->period_msecs },
	    (struct migration_limit){ from->count, from->period_msecs });
}

static void report_of(const struct migration_run *r, struct arena *a, struct migration_report *out)
{
	const struct migration_item *item;
	const struct bridge_conf *b = r->source != NULL ? migration_bridge(r) : NULL;
	struct migration_totals now = { 0 };

	*out = (struct migration_report){
		.id = r->row.id,
		.bridge = arena_strdup(a, r->wish.bridge),
		.file = arena_strdup(a, r->wish.file),
		.from = b != NULL ? arena_strdup(a, b->customers->name) : NULL,
		.to = b != NULL ? arena_strdup(a, b->agents->name) : NULL,
		.state = r->row.state,
		.is_dry = r->is_dry,
		.verdict =
		    r->verdict != NULL ? arena_memdup(a, r->verdict, sizeof(*r->verdict)) : NULL,
		.wish = arena_strdup(a, r->row.wish),
		.why = arena_strdup(a, r->row.why),
		.begun_ms = r->row.begun_ms,
		.ended_ms = r->row.ended_ms,
		.under_way = r->nitems,
		.totals = r->row.totals,
	};
	if (r->is_dry && b != NULL)
		estimate(r, &out->estimate);
	out->first = r->row.first;
	out->target = b != NULL ? b->agents->id : 0;
	TAILQ_FOREACH(item, &r->items, next) {
		now = item->totals;
		now.conversations = 0;
		migration_add(&out->totals, &now);
	}
}

size_t migration_reports(struct migrations *m, struct arena *a, struct migration_report **out)
{
	struct migration_run *r;
	int64_t last =
	    INT64_MAX; /* a later run begins where an earlier one of its bridge has ended */
	size_t n = 0;

	TAILQ_FOREACH(r, &m->runs, next)
		n++;
	*out = arena_zalloc(a, (n + 1) * sizeof(**out));
	n = 0;
	TAILQ_FOREACH(r, &m->runs, next)
		if (r->row.id != 0) { /* else it is just being written down */
			report_of(r, a, &(*out)[n]);
			(*out)[n++].last = last;
			last = r->is_dry ? last : r->row.first;
		}
	return n;
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
		r = run_new(m, &op.rows[i]);
		TAILQ_INSERT_TAIL(&m->runs, r, next);
		if (!run_attach(r, &why)) {
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
			run_go(r);
}

struct migrations *migrations_new(struct flow *f)
{
	struct migrations *m = xcalloc(1, sizeof(*m));

	m->flow = f;
	TAILQ_INIT(&m->runs);
	return m;
}

void migrations_free(struct migrations *m)
{
	struct migration_run *r;

	if (m == NULL)
		return;
	while ((r = TAILQ_FIRST(&m->runs)) != NULL) {
		TAILQ_REMOVE(&m->runs, r, next);
		run_free(r);
	}
	xfree(m);
}
