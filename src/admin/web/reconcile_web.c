/* See reconcile_web.h. */
#include "admin/web/reconcile_web.h"

#include <string.h>

#include "admin/json_time.h"
#include "admin/web/api.h"
#include "admin/web/web.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/json_in.h"
#include "base/json_out.h"
#include "flow/endpoint.h"
#include "flow/reconcile.h"

static void put_sweep(struct json_out *o, const struct endpoint *e)
{
	struct sweep_report s;

	sweep_report(e->sweep, &s);
	json_begin_object(o);
	json_member_text(o, "endpoint", e->conf.name);
	json_member_bool(o, "running", s.is_running);
	json_member_bool(o, "dry_run", s.is_dry);
	json_member_text(o, "reason", s.begun_ms > 0 ? sweep_why_word(s.why) : NULL);
	json_member_time(o, "since", s.since_ms);
	json_member_time(o, "begun", s.begun_ms);
	json_member_time(o, "ended", s.ended_ms);
	json_member_int(o, "conversations", (int64_t)s.conversations);
	json_member_int(o, "checked", (int64_t)s.checked);
	json_member_int(o, "missing", (int64_t)s.missing);
	json_member_int(o, "repaired", (int64_t)s.repaired);
	json_member_int(o, "unreadable", (int64_t)s.unreadable);
	json_member_text(o, "error", s.is_failed ? "its conversations cannot be listed" : NULL);
	json_end_object(o);
}

static void answer_list(struct api_call *c, int status)
{
	const struct flow *f = c->web->flow;
	struct json_out *o = json_out_new(c->arena);
	const char *body;
	size_t i, len;

	json_begin_object(o);
	json_key(o, "items");
	json_begin_array(o);
	for (i = 0; i < f->nendpoints; i++)
		if (f->endpoints[i].conf.caps->pages)
			put_sweep(o, &f->endpoints[i]);
	json_end_array(o);
	json_key(o, "next");
	json_put_null(o);
	json_end_object(o);
	body = json_done(o, &len);
	api_reply(c, status, body, len);
}

void reconcile_web_list(struct api_call *c)
{
	answer_list(c, 200);
}

static bool is_named(const struct json *names, const char *name)
{
	const struct json *j = names->child;

	while (j != NULL && (j->type != JSON_STRING || strcmp(j->text, name) != 0))
		j = j->next;
	return j != NULL;
}

/* Names that are no bridge's: told. */
static bool are_bridges(struct api_call *c, const struct json *names)
{
	const struct config *config = c->web->flow->config;
	const struct json *j;
	size_t i;

	for (j = names->child; j != NULL; j = j->next) {
		for (i = 0; j->type == JSON_STRING && i < config->nbridges; i++)
			if (strcmp(config->bridges[i].name, j->text) == 0)
				break;
		if (j->type == JSON_STRING && i < config->nbridges)
			continue;
		api_problem(c, API_INVALID,
		    arena_printf(c->arena, "bridges: there is none called \"%s\"",
			j->text != NULL ? j->text : ""),
		    NULL);
		return false;
	}
	return true;
}

static bool is_wanted(const struct endpoint *e, const struct json *names)
{
	size_t i;

	for (i = 0; i < e->nbridges; i++)
		if (names == NULL || is_named(names, e->bridges[i]->name))
			return true;
	return false;
}

void reconcile_web_start(struct api_call *c)
{
	struct flow *f = c->web->flow;
	const struct json *body = api_body(c), *names;
	const char *since;
	int64_t since_ms = 0;
	size_t i;

	if (body == NULL)
		return;
	names = json_array(body, "bridges");
	since = json_text(body, "since");
	if (since != NULL && time_parse(since, &since_ms) != 0) {
		api_problem(c, API_INVALID, "since: allowed: a time like 2026-11-20T20:29:16Z",
		    NULL);
		return;
	}
	if (names != NULL && !are_bridges(c, names))
		return;
	for (i = 0; i < f->nendpoints; i++)
		if (is_wanted(&f->endpoints[i], names))
			sweep_ask(f->endpoints[i].sweep, since_ms, json_true(body, "dry_run"));
	answer_list(c, 202);
}
