/* See migration_inside.h. One run, from its first page of conversations to its end.
 *
 *   begin ─▶ page of conversations ─▶ which of them are over? ─▶ so many at once (migration_item.c) ─▶ next page
 *
 * A page is asked for as soon as more could be under way than are, so that nobody waits for a slow conversation.
 * On disk is each conversation that is over, and the oldest page with one that is not: after a restart the list is
 * gone through from there, and what is over is passed. */
#include "flow/history/migration_inside.h"

#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"
#include "flow/router.h"

/* Of one run. Enough that what each conversation may take in a minute does not bind before the endpoint. */
#define TOGETHER 24

/* ---- making one ---- */

struct migration_run *migration_run_new(struct migrations *m, const struct row_migration *row)
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
	TAILQ_INIT(&r->pages);
	map_init(&r->met);
	r->met_arena = arena_new();
	if (migration_wish_read(r->arena, r->row.wish, &r->wish) != 0)
		r->wish.bridge = "?";
	return r;
}

bool migration_run_attach(struct migration_run *r, struct err *err)
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

static void forget_list(struct migration_run *r)
{
	arena_free(r->list_arena);
	r->list_arena = NULL;
	xfree(r->list);
	r->list = NULL;
	r->cursor = NULL;
	r->count = r->at = 0;
}

static void forget_page(struct migration_run *r, struct migration_page *p)
{
	TAILQ_REMOVE(&r->pages, p, next);
	xfree(p->cursor);
	xfree(p);
}

static void forget_pages(struct migration_run *r)
{
	while (!TAILQ_EMPTY(&r->pages))
		forget_page(r, TAILQ_FIRST(&r->pages));
	forget_list(r);
	map_fini(&r->met);
	arena_reset(r->met_arena);
}

void migration_run_free(struct migration_run *r)
{
	struct migration_item *item;

	while ((item = TAILQ_FIRST(&r->items)) != NULL)
		migration_item_free(item);
	migration_cancel(r, &r->page);
	migration_file_close(r);
	forget_pages(r);
	arena_free(r->met_arena);
	arena_free(r->arena);
	xfree(r);
}

/* ---- which conversations ---- */

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

static void on_saved(struct store_op *op)
{
	struct migration_run *r =
	    (struct migration_run *)((char *)op - offsetof(struct migration_run, save.op));

	if (flow_redo(r->flow, op))
		return;
	r->is_saving = false;
	if (r->saves_again)
		migration_run_save(r);
}

void migration_run_save(struct migration_run *r)
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

/* … but first it is looked for by its name: where the latest come first, it may only have gone to another place. */
static void on_begun_before(struct store_op *op)
{
	struct leaving *l = (struct leaving *)op;
	struct migration_run *r = l->run;
	size_t i;

	r->is_asking = false;
	r->has_looked_back = true;
	for (i = 0; op->result == 0 && i < l->op.nrows; i++)
		if (migration_run_item(r, l->op.rows[i].remote) == NULL)
			migration_item_start_by_name(r, l->op.rows[i].remote);
	leaving_free(op);
	migration_run_on(r);
}

static void look_back(struct migration_run *r)
{
	struct leaving *l = xcalloc(1, sizeof(*l));

	r->is_asking = true;
	l->run = r;
	l->op = (struct op_migration_items){
		.op = { .kind = STORE_MIGRATION_ITEMS,
		    .done = on_begun_before,
		    .lost = leaving_free },
		.arena = arena_new(),
		.migration = r->row.id,
		.only_open = true,
	};
	flow_submit(r->flow, &l->op.op);
}

static void run_end(struct migration_run *r, enum migration_state state, const char *why)
{
	release_left(r);
	forget_pages(r);
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
	migration_run_save(r);
	run_log(r, "migrate_end");
}

/* ---- conversation by conversation ---- */

static void ask_page(struct migration_run *r, const char *cursor);

static bool is_enough(const struct migration_run *r)
{
	return r->wish.limit > 0 && r->begun >= r->wish.limit;
}

/* A page that was asked for while it was under way may tell it once more. */
static void pass(struct migration_run *r, const char *conversation)
{
	size_t i;

	for (i = r->at; i < r->count; i++)
		r->is_over[i] |= strcmp(r->list[i]->conversation, conversation) == 0;
}

/* Of what all is over nothing is read again; the last page is the one that is gone through. */
static void close_pages(struct migration_run *r)
{
	struct migration_page *p, *next;

	for (p = TAILQ_FIRST(&r->pages); p != NULL; p = next) {
		next = TAILQ_NEXT(p, next);
		if (p->left == 0 && next != NULL)
			forget_page(r, p);
	}
	p = TAILQ_FIRST(&r->pages);
	if (p == NULL || (p->cursor == NULL && r->row.cursor == NULL)
	    || is_same(p->cursor, r->row.cursor))
		return;
	r->row.cursor =
	    arena_strdup(r->arena, p->cursor); /* which what is being written points to */
	migration_run_save(r);
}

void migration_item_over(struct migration_item *item)
{
	struct migration_run *r = item->run;

	pass(r, migration_item_remote(item));
	migration_item_free(item);
	close_pages(r);
	migration_run_on(r);
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

struct migration_item *migration_run_item(const struct migration_run *r, const char *conversation)
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
	met = arena_zalloc(r->met_arena, sizeof(*met));
	met->remote = arena_strdup(r->met_arena, remote);
	map_add(&r->met, &met->node, hash);
	return false;
}

/* Nothing is under way. */
static void end_of_list(struct migration_run *r)
{
	if (r->broken != NULL)
		run_end(r, MIGRATION_FAILED, r->broken);
	else if (r->row.state == MIGRATION_STOPPING)
		run_end(r, MIGRATION_STOPPED, NULL);
	else if (!r->is_dry && r->wish.file == NULL && !r->has_looked_back)
		look_back(r);
	else
		run_end(r,
		    r->row.totals.failed > 0 ? MIGRATION_FINISHED_WITH_FAILURES
					     : MIGRATION_FINISHED,
		    NULL);
}

void migration_run_on(struct migration_run *r)
{
	size_t at;

	if (r->is_asking || !migration_is_active(r->row.state))
		return;
	while (r->nitems < TOGETHER && r->at < r->count && has_more(r)) {
		at = r->at++;
		if (was_met(r, r->list[at]->conversation))
			continue;
		r->begun++;
		if (!r->is_over[at] && migration_run_item(r, r->list[at]->conversation) == NULL)
			migration_item_start(r, r->list[at],
			    TAILQ_LAST(&r->pages, migration_page_list));
	}
	close_pages(r);
	if (r->nitems < TOGETHER && r->at == r->count && r->cursor != NULL && has_more(r))
		ask_page(r, r->cursor);
	else if (r->nitems == 0)
		end_of_list(r);
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
		r->is_over[i] |= r->known.rows[i].remote != NULL && r->known.rows[i].is_over;
	r->is_asking = false;
	migration_run_on(r);
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
	struct migration_page *page;
	size_t i;

	if (o->effect.kind == EFFECT_REJECTED) {
		arena_free(a);
		forget_list(r);
		r->is_asking = false;
		r->broken = r->file != NULL ? migration_file_changed(r)
					    : "its conversations cannot be listed";
		migration_run_on(r);
		return;
	}
	page = xcalloc(1, sizeof(*page));
	page->cursor = xstrdup(r->page.job.cursor); /* which is in the list before */
	TAILQ_INSERT_TAIL(&r->pages, page, next);
	forget_list(r);
	r->list_arena = a;
	r->cursor = o->cursor;
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
		.is_whole = r->wish.since_ms == 0,
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

/* ---- setting out ---- */

/* May all of it be read? */
static void on_readable(void *arg, struct arena *a, const struct outcome *o)
{
	struct migration_run *r = arg;
	const char *why = arena_strdup(r->arena, o->effect.why);
	bool is_refused = o->effect.kind == EFFECT_REJECTED;

	arena_free(a);
	r->is_asking = false;
	r->is_welcome = !is_refused;
	if (r->row.state == MIGRATION_STOPPING)
		run_end(r, MIGRATION_STOPPED, NULL);
	else if (is_refused)
		run_end(r, MIGRATION_FAILED,
		    arena_printf(r->arena, "%s cannot be read: %s", r->source->conf.name,
			why != NULL ? why : "it says no"));
	else
		ask_first(r);
}

static void ask_readable(struct migration_run *r)
{
	if (r->file != NULL || !r->source->conf.caps->asks_history) {
		ask_first(r);
		return;
	}
	r->is_welcome = false;
	r->is_asking = true;
	r->page.job = (struct job){ .step = STEP_LOOK_UP, .is_whole = true };
	r->page.done = on_readable;
	r->page.arg = r;
	page_ask(r->source, &r->page);
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
		run_end(r, MIGRATION_FAILED,
		    arena_printf(r->arena, "%s cannot be written: %s",
			migration_bridge(r)->agents->name, why != NULL ? why : "it says no"));
	else if (why != NULL && !r->wish.force)
		run_end(r, MIGRATION_FAILED,
		    arena_printf(r->arena, "%s: turn it off while history is moved, or --force",
			why));
	else
		ask_readable(r);
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

void migration_run_go(struct migration_run *r)
{
	r->begun = 0;
	r->has_looked_back = false;
	r->row.state = MIGRATION_RUNNING;
	r->row.why = NULL;
	r->row.ended_ms = 0;
	run_log(r, "migrate");
	if (r->wish.file != NULL)
		migration_file_check(r, on_checked);
	else if (!ask_welcome(r))
		ask_first(r);
}
