/* See check_web.h. A check takes its requests one after the other, beside the gate; so that a page that is opened often
 * cannot make many of them, few run at once. All that it reads of the endpoint is copied, since a reload, or an answer
 * that teaches the endpoint something, may come meanwhile. */
#include "admin/web/check_web.h"

#include <string.h>
#include <sys/queue.h>

#include "admin/check_line.h"
#include "admin/web/api.h"
#include "admin/web/web.h"
#include "base/arena.h"
#include "base/json_out.h"
#include "base/mem.h"
#include "flow/endpoint.h"
#include "flow/kept.h"
#include "flow/setup.h"

#define CHECKS_MOST 4

struct check_run {
	LIST_ENTRY(check_run) link;
	struct checks *checks;
	struct api_call *api;
	struct config *config; /* a reference */
	struct endpoint_conf conf;
	struct setup setup;
	struct setup_task *task;
	struct json_out *out;
};

struct checks {
	LIST_HEAD(, check_run) runs;
	size_t count;
};

struct checks *checks_new(void)
{
	return xcalloc(1, sizeof(struct checks));
}

static void end(struct check_run *r)
{
	LIST_REMOVE(r, link);
	r->checks->count--;
	config_unref(r->config);
}

void checks_free(struct checks *c)
{
	struct check_run *r;

	if (c == NULL)
		return;
	while ((r = LIST_FIRST(&c->runs)) != NULL) {
		setup_cancel(r->task);
		end(r);
		api_problem(r->api, API_BUSY, "the relay is stopping", NULL);
	}
	xfree(c);
}

/* ---- one ---- */

static bool never(void *arg, const struct setup *s, const char *what)
{
	(void)arg;
	(void)s;
	(void)what;
	return false;
}

static void on_line(void *arg, const struct check_line *line)
{
	struct check_run *r = arg;

	check_line_put(r->out, r->conf.name, line);
}

static void on_done(void *arg)
{
	struct check_run *r = arg;
	const char *body;
	size_t len;

	end(r);
	json_end_array(r->out);
	json_key(r->out, "next");
	json_put_null(r->out);
	json_end_object(r->out);
	body = json_done(r->out, &len);
	api_reply(r->api, 200, body, len);
}

/* What setup has kept, as it is now. */
static void copy_memo(struct arena *a, const struct endpoint *e, struct setup *s)
{
	struct memo *memo = arena_zalloc(a, (e->nmemo + 1) * sizeof(*memo));
	size_t i;

	for (i = 0; i < e->nmemo; i++)
		if (kept_is(e->memo[i].key))
			memo[s->via.nmemo++] = (struct memo){ arena_strdup(a, e->memo[i].key),
				arena_strdup(a, e->memo[i].value), true };
	s->via.memo = memo;
}

static void find_sides(const struct config *c, const struct endpoint_conf *e, struct setup *s)
{
	const struct bridge_conf *b;

	for (b = c->bridges; b < c->bridges + c->nbridges; b++) {
		s->customers |= b->customers == e;
		s->agents |= b->agents == e;
		s->wants_one_per_person |= b->agents == e && b->reopen != REOPEN_ALWAYS;
	}
}

static void fill(struct check_run *r, const struct endpoint *e)
{
	struct arena *a = r->api->arena;
	struct setup *s = &r->setup;

	s->arena = a;
	copy_memo(a, e, s);
	r->conf = *e->given;
	kept_apply(&r->conf, e->given, s->via.memo, s->via.nmemo);
	s->via.endpoint = &r->conf;
	s->via.conf = e->given->conf;
	s->is_secret_in_file = e->given->webhook_secret.n > 0;
	if (r->config->public_url != NULL && e->conf.hook_key.n > 0)
		s->hook_url = arena_printf(a, "%s/hooks/%s/%s", r->config->public_url, r->conf.name,
		    e->conf.hook_key.v[0]);
	find_sides(r->config, e->given, s);
	if (s->hook_url == NULL && !e->given->poll)
		setup_line(s, "address", CHECK_FAIL,
		    "public_url is not set: the platform cannot call us", "set public_url");
}

void check_web_start(struct api_call *c)
{
	struct setup_order order = { .may = never, .line = on_line, .done = on_done };
	struct flow *f = c->web->flow;
	struct checks *checks = c->web->checks;
	const struct endpoint_conf *conf = config_endpoint(f->config, c->name);
	const struct endpoint *e = conf != NULL ? endpoint_find(f, conf->id) : NULL;
	struct check_run *r;

	if (e == NULL) {
		api_problem(c, API_NOT_FOUND, "there is no endpoint of that name", NULL);
		return;
	}
	if (checks->count >= CHECKS_MOST) {
		api_problem(c, API_BUSY, "several checks are under way", "wait for them");
		return;
	}
	r = ARENA_NEW(c->arena, struct check_run);
	r->checks = checks;
	r->api = c;
	r->config = config_ref(f->config);
	r->out = json_out_new(c->arena);
	LIST_INSERT_HEAD(&checks->runs, r, link);
	checks->count++;
	json_begin_object(r->out);
	json_key(r->out, "items");
	json_begin_array(r->out);
	fill(r, e);
	order.arg = r;
	/* Where there is nothing to ask, all of it is over when this returns, and gone. */
	setup_begin(&r->setup, f->loop, f->wire, &order, &r->task);
}
