/* See migration_web.h. */
#include "admin/web/migration_web.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "admin/json_time.h"
#include "admin/web/api.h"
#include "admin/web/web.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/json_in.h"
#include "base/json_out.h"
#include "flow/history/migration.h"
#include "store/migration.h"

static const char *id_text(struct arena *a, int64_t id)
{
	return id < 0 ? arena_printf(a, "p%" PRId64, -id) : arena_printf(a, "m%" PRId64, id);
}

/* 0: it is none. */
static int64_t id_of(const char *text)
{
	char *end;
	int64_t n;

	if (text == NULL || (*text != 'm' && *text != 'p'))
		return 0;
	n = strtoll(text + 1, &end, 10);
	return *end != '\0' || n <= 0 ? 0 : *text == 'p' ? -n : n;
}

static void put_totals(struct json_out *o, const struct migration_totals *t)
{
	json_member_int(o, "conversations", t->conversations);
	json_member_int(o, "read", t->read);
	json_member_int(o, "written", t->written);
	json_member_int(o, "failed", t->failed);
	json_member_int(o, "files", t->files);
	json_key(o, "skipped");
	migration_put_skipped(o, t);
	json_member_bool(o, "adds_up", migration_adds_up(t));
}

static void put_verdict(struct json_out *o, const struct migration_verdict *v)
{
	json_key(o, "verify");
	json_begin_object(o);
	json_member_int(o, "compared", v->compared);
	json_member_int(o, "missing", v->missing);
	json_member_int(o, "twice", v->twice);
	json_member_int(o, "disordered", v->disordered);
	json_member_int(o, "different", v->different);
	json_member_int(o, "fileless", v->fileless);
	json_member_int(o, "unlike", v->unlike);
	json_end_object(o);
}

static void put_estimate(struct json_out *o, const struct migration_estimate *e)
{
	json_key(o, "plan");
	json_begin_object(o);
	json_member_int(o, "conversations", e->conversations);
	json_member_int(o, "longest", e->longest);
	json_member_int(o, "bytes", e->bytes);
	json_member_int(o, "requests", e->requests);
	json_member_int(o, "seconds", (e->msecs + 999) / 1000);
	json_end_object(o);
}

static void put_report(struct json_out *o, struct arena *a, const struct migration_report *r)
{
	json_begin_object(o);
	json_member_text(o, "id", id_text(a, r->id));
	json_member_text(o, "bridge", r->bridge);
	json_member_text(o, "from", r->from);
	json_member_text(o, "to", r->to);
	json_member_text(o, "file", r->file);
	json_member_bool(o, "dry_run", r->is_dry);
	json_member_text(o, "state", migration_state_word((int)r->state));
	json_member_bool(o, "running", migration_is_active(r->state));
	json_member_time(o, "begun", r->begun_ms);
	json_member_time(o, "ended", r->ended_ms);
	json_member_int(o, "under_way", (int64_t)r->under_way);
	put_totals(o, &r->totals);
	if (r->verdict != NULL)
		put_verdict(o, r->verdict);
	else if (r->is_dry)
		put_estimate(o, &r->estimate);
	json_member_text(o, "reason", r->why);
	json_end_object(o);
}

static void answer_one(struct api_call *c, int status, int64_t id)
{
	struct migration_report *list;
	size_t n = migration_reports(c->web->flow->migrations, c->arena, &list), i, len;
	struct json_out *o = json_out_new(c->arena);
	const char *body;

	for (i = 0; i < n && list[i].id != id; i++)
		;
	if (id == 0 || i == n) {
		api_problem(c, API_NOT_FOUND, "there is no such migration", NULL);
		return;
	}
	put_report(o, c->arena, &list[i]);
	body = json_done(o, &len);
	api_reply(c, status, body, len);
}

static bool is_asked(const struct migration_report *r, const struct api_page *page)
{
	return r->begun_ms >= page->since_ms
	    && (page->until_ms == 0 || r->begun_ms <= page->until_ms);
}

/* Behind the one that the cursor names; how many there are where it names none of them. */
static size_t begin_of(const struct migration_report *list, size_t n, const char *cursor)
{
	size_t i = 0;

	while (cursor != NULL && i < n && list[i++].id != id_of(cursor))
		;
	return i;
}

void migration_web_list(struct api_call *c)
{
	struct migration_report *list;
	size_t n = migration_reports(c->web->flow->migrations, c->arena, &list), i, len;
	struct json_out *o = json_out_new(c->arena);
	struct api_page page;
	const char *body, *next = NULL, *wrong = api_page_read(c, &page);
	int64_t last = 0;
	int count = 0;

	if (wrong == NULL && page.cursor != NULL && id_of(page.cursor) == 0)
		wrong = "cursor: it is none that was given";
	if (wrong != NULL) {
		api_problem(c, API_INVALID, wrong, NULL);
		return;
	}
	json_begin_object(o);
	json_key(o, "items");
	json_begin_array(o);
	for (i = begin_of(list, n, page.cursor); i < n; i++) {
		if (!is_asked(&list[i], &page))
			continue;
		if (count == page.limit) {
			next = id_text(c->arena, last);
			break;
		}
		put_report(o, c->arena, &list[i]);
		last = list[i].id;
		count++;
	}
	json_end_array(o);
	json_member_text_or_null(o, "next", next);
	json_end_object(o);
	body = json_done(o, &len);
	api_reply(c, 200, body, len);
}

void migration_web_show(struct api_call *c)
{
	answer_one(c, 200, id_of(c->name));
}

void migration_web_stop(struct api_call *c)
{
	int64_t id = id_of(c->name);

	if (!migration_stop(c->web->flow->migrations, id)) {
		api_problem(c, API_CONFLICT, "it does not run", NULL);
		return;
	}
	answer_one(c, 202, id);
}

/* ---- what it has made ---- */

#define MADE_LIMIT 500

struct making_list {
	struct op_migration_made op;
	struct api_call *call;
};

static void on_made(struct store_op *op)
{
	struct making_list *l = (struct making_list *)op;
	struct api_call *c = l->call;
	struct json_out *o = json_out_new(c->arena);
	const char *body;
	size_t i, len;

	if (op->result != 0) {
		api_problem(c, API_STORE, op->err.text, NULL);
		return;
	}
	json_begin_object(o);
	json_key(o, "items");
	json_begin_array(o);
	for (i = 0; i < l->op.nrows; i++) {
		json_begin_object(o);
		json_member_text(o, "conversation", l->op.rows[i].conversation);
		json_member_text(o, "message", l->op.rows[i].message);
		json_end_object(o);
	}
	json_end_array(o);
	json_key(o, "next");
	json_put_text(o, l->op.nrows == MADE_LIMIT ? l->op.rows[MADE_LIMIT - 1].message : NULL);
	json_end_object(o);
	body = json_done(o, &len);
	api_reply(c, 200, body, len);
}

void migration_web_made(struct api_call *c)
{
	struct migration_report *list;
	size_t n = migration_reports(c->web->flow->migrations, c->arena, &list), i;
	struct making_list *l = ARENA_NEW(c->arena, struct making_list);
	int64_t id = id_of(c->name);

	for (i = 0; i < n && list[i].id != id; i++)
		;
	if (id <= 0 || i == n) {
		api_problem(c, API_NOT_FOUND, "there is no such migration", NULL);
		return;
	}
	l->call = c;
	l->op = (struct op_migration_made){
		.op = { .kind = STORE_MIGRATION_MADE, .done = on_made },
		.arena = c->arena,
		.endpoint = list[i].target,
		.first = list[i].first,
		.last = list[i].last,
		.after = api_query(c, "after"),
		.limit = MADE_LIMIT,
	};
	flow_submit(c->web->flow, &l->op.op);
}

/* ---- starting ---- */

static bool is_endpoint(const struct config *config, const char *name)
{
	size_t i;

	for (i = 0; i < config->nendpoints; i++)
		if (strcmp(config->endpoints[i].name, name) == 0)
			return true;
	return false;
}

/* Why these two are no ends of a bridge that history can go over. */
static const char *words_for_ends(struct api_call *c, const char *from, const char *to)
{
	const struct config *config = c->web->flow->config;
	const struct bridge_conf *b;

	if (from == NULL || to == NULL)
		return "from and to: the two ends of a bridge, both are needed";
	if (strcmp(from, to) == 0)
		return "from and to are the same endpoint: there is nothing to move";
	if (!is_endpoint(config, from))
		return arena_printf(c->arena, "from: there is no endpoint called \"%s\"", from);
	if (!is_endpoint(config, to))
		return arena_printf(c->arena, "to: there is no endpoint called \"%s\"", to);
	for (b = config->bridges; b < config->bridges + config->nbridges; b++)
		if (strcmp(b->customers->name, to) == 0 && strcmp(b->agents->name, from) == 0)
			return arena_printf(c->arena,
			    "%s is the customers' side of the bridge %s: history written there would "
			    "reach people. Move from %s to %s, or make a bridge with the ends changed over",
			    to, b->name, to, from);
	return arena_printf(c->arena, "no bridge has %s as customers and %s as agents", from, to);
}

static const char *bridge_of(struct api_call *c, const char *from, const char *to)
{
	const struct config *config = c->web->flow->config;
	const struct bridge_conf *b;

	for (b = config->bridges;
	     from != NULL && to != NULL && b < config->bridges + config->nbridges; b++)
		if (strcmp(b->customers->name, from) == 0 && strcmp(b->agents->name, to) == 0)
			return b->name;
	return NULL;
}

/* A file goes over the one bridge that ends there. NULL: it is answered why not. */
static const char *only_customers(struct api_call *c, const char *to)
{
	const struct config *config = c->web->flow->config;
	const struct bridge_conf *b;
	const char *found = NULL, *problem = NULL;

	if (to == NULL)
		problem = "to: the agents' side of a bridge, it is needed";
	else if (!is_endpoint(config, to))
		problem = arena_printf(c->arena, "to: there is no endpoint called \"%s\"", to);
	for (b = config->bridges; problem == NULL && b < config->bridges + config->nbridges; b++) {
		if (strcmp(b->agents->name, to) != 0)
			continue;
		if (found != NULL)
			problem = arena_printf(c->arena,
			    "several bridges end at %s: say with --from whose history it is", to);
		found = b->customers->name;
	}
	if (problem == NULL && found == NULL)
		problem = arena_printf(c->arena, "no bridge has %s as agents", to);
	if (problem != NULL)
		api_problem(c, API_INVALID, problem, NULL);
	return problem == NULL ? found : NULL;
}

static bool read_time(struct api_call *c, const struct json *body, const char *key, int64_t *ms)
{
	const char *text = json_text(body, key);

	*ms = 0;
	if (text == NULL || time_parse(text, ms) == 0)
		return true;
	api_problem(c, API_INVALID,
	    arena_printf(c->arena, "%s: allowed: a time like 2026-11-20T20:29:16Z", key), NULL);
	return false;
}

static bool read_state(struct api_call *c, const struct json *body, enum wanted_state *out)
{
	static const char *const words[] = { "all", "open", "closed" };
	const char *text = json_text(body, "state");
	size_t i;

	*out = WANTED_ALL;
	if (text == NULL)
		return true;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i], text) == 0) {
			*out = (enum wanted_state)i;
			return true;
		}
	api_problem(c, API_INVALID, "state: allowed: open, closed, all", NULL);
	return false;
}

static bool read_wish(struct api_call *c, const struct json *body, struct migration_wish *w)
{
	const char *from = json_text(body, "from"), *to = json_text(body, "to");

	w->file = json_text(body, "file");
	if (w->file != NULL && *w->file != '/') {
		api_problem(c, API_INVALID, "file: allowed: a path that begins with /", NULL);
		return false;
	}
	if (w->file != NULL && from == NULL && (from = only_customers(c, to)) == NULL)
		return false;
	w->bridge = bridge_of(c, from, to);
	if (w->bridge == NULL) {
		api_problem(c, API_INVALID, words_for_ends(c, from, to), NULL);
		return false;
	}
	w->only = json_text(body, "only");
	w->limit = json_int(body, "limit", 0);
	w->force = json_true(body, "force");
	w->no_media = json_true(body, "no_media");
	return read_time(c, body, "since", &w->since_ms)
	    && read_time(c, body, "until", &w->until_ms) && read_state(c, body, &w->state);
}

static void on_begun(void *arg, int64_t id)
{
	answer_one(arg, 202, id);
}

static void start(struct api_call *c, const struct migration_wish *w, bool is_dry, bool is_verify)
{
	struct migrations *m = c->web->flow->migrations;
	struct err err;
	int64_t id;

	if (is_dry || is_verify) {
		id = migration_plan(m, w, is_verify, &err);
		if (id == 0)
			api_problem(c, API_INVALID, arena_strdup(c->arena, err.text), NULL);
		else
			answer_one(c, 202, id);
		return;
	}
	switch (migration_begin(m, w, on_begun, c, &err)) {
	case MIGRATION_BEGUN: break;
	case MIGRATION_REFUSED:
		api_problem(c, API_INVALID, arena_strdup(c->arena, err.text), NULL);
		break;
	case MIGRATION_CONFLICT:
		api_problem(c, API_CONFLICT, arena_strdup(c->arena, err.text),
		    "tieline migrations stop");
		break;
	}
}

static void resume(struct api_call *c, const char *name, bool force)
{
	struct err err;
	int64_t id = id_of(name);

	if (id > 0 && migration_resume(c->web->flow->migrations, id, force, &err))
		answer_one(c, 202, id);
	else
		api_problem(c, API_NOT_FOUND,
		    arena_printf(c->arena, "there is no run %s that could go on", name), NULL);
}

void migration_web_start(struct api_call *c)
{
	const struct json *body = api_body(c);
	struct migration_wish w = { 0 };

	if (body == NULL)
		return;
	if (json_text(body, "resume") != NULL)
		resume(c, json_text(body, "resume"), json_true(body, "force"));
	else if (read_wish(c, body, &w))
		start(c, &w, json_true(body, "dry_run"), json_true(body, "verify"));
}
