/* See cli_config.h. */
#include "admin/cli/cli_config.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "admin/check_line.h"
#include "admin/cli/cli.h"
#include "admin/cli/cli_setup.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/json_out.h"
#include "base/nearest.h"
#include "config/config.h"
#include "connector/connector.h"

/* --- check ------------------------------------------------------------------------------------ */

/* What one check found. */
struct check {
	const char *name, *endpoint; /* endpoint NULL: about none, or about several */
	enum check_result result;
	const char *found, *next; /* next NULL: nothing to do */
};

struct report {
	struct arena *arena;
	bool json;
	bool online;
	const char **endpoints; /* only these; none: all */
	size_t nendpoints;
};

static void write_check(const struct report *r, const struct check *c)
{
	check_line_print(r->json, c->endpoint,
	    &(struct check_line){ c->name, c->result, c->found, c->next });
}

static bool is_wanted(const struct report *r, const char *endpoint)
{
	size_t i;

	for (i = 0; i < r->nendpoints; i++)
		if (endpoint != NULL && strcmp(r->endpoints[i], endpoint) == 0)
			return true;
	return r->nendpoints == 0;
}

/* "endpoints.desk.rate" is about desk. */
static const char *endpoint_of(struct arena *a, const char *key)
{
	const char *name = key != NULL && strncmp(key, "endpoints.", 10) == 0 ? key + 10 : NULL;

	return name != NULL ? arena_strndup(a, name, strcspn(name, ".")) : NULL;
}

static const char *printed(struct arena *a, const struct mistakes *m, const struct mistake *one)
{
	struct buf b;
	const char *text;

	buf_init(&b);
	mistake_print(&b, m, one);
	text = arena_strdup(a, b.data);
	buf_fini(&b);
	return text;
}

static const char *what_to_do(struct arena *a, const struct mistake *one)
{
	const char *allowed =
	    one->allowed != NULL ? arena_printf(a, "allowed: %s", one->allowed) : NULL;

	if (one->nearest == NULL)
		return allowed;
	return arena_printf(a, "%s%sdid you mean \"%s\"?", allowed != NULL ? allowed : "",
	    allowed != NULL ? "; " : "", one->nearest);
}

/* Whether that is so, the platform tells. */
static bool is_asked_there(const char *key)
{
	const char *dot = key != NULL ? strrchr(key, '.') : NULL;

	return dot != NULL && strcmp(dot, ".webhook_secret") == 0;
}

static void report_mistakes(const struct report *r, const struct mistakes *m, bool warnings)
{
	struct mistake bare;
	size_t i;

	for (i = 0; i < m->all; i++) {
		const struct mistake *one = &m->items[i];
		struct check c = { "configuration", endpoint_of(r->arena, one->key),
			warnings ? CHECK_WARN : CHECK_FAIL };

		if (one->warning != warnings || (warnings && !is_wanted(r, c.endpoint))
		    || (r->online && is_asked_there(one->key)))
			continue;
		if (r->json) {
			bare = *one;
			bare.allowed = bare.nearest = NULL;
			c.found = printed(r->arena, m, &bare);
			c.next = what_to_do(r->arena, one);
		} else {
			c.found = printed(r->arena, m, one);
		}
		write_check(r, &c);
	}
}

/* The list itself is on stderr, as `serve` would print it. */
static void report_failure(const struct report *r, const struct mistakes *m)
{
	struct buf b;

	buf_init(&b);
	mistakes_print(&b, m);
	fputs(b.data, stderr);
	buf_fini(&b);
	if (r->json) {
		report_mistakes(r, m, false);
		return;
	}
	write_check(r,
	    &(struct check){ "configuration", NULL, CHECK_FAIL,
		arena_printf(r->arena, "%s: %zu %s", m->file, m->count,
		    m->count == 1 ? "mistake" : "mistakes"),
		"correct what is listed on stderr" });
}

static void report_endpoint(const struct report *r, const struct config *c,
    const struct endpoint_conf *e)
{
	struct check line = { "endpoint", e->name, CHECK_OK };
	const char *how = e->poll
	    ? arena_printf(r->arena, "asked every %s", msecs_text(r->arena, e->poll_msecs))
	    : arena_printf(r->arena, "callbacks to %s/hooks/%s/…", c->public_url, e->name);

	line.found = arena_printf(r->arena, "%s: %s at %s, %s", e->name, e->connector->name,
	    e->base_url, how);
	/* One is drawn at the first start, but somebody has to enter the address at the platform. */
	if (e->hook_key.n == 0 && !e->poll && !r->online) {
		line.result = CHECK_WARN;
		line.found = arena_printf(r->arena, "%s; no hook_key is given", line.found);
		line.next =
		    "tieline setup draws one and tells the platform; or give hook_key 16 to 64 of A-Z a-z 0-9 _ -: it ends the address that the platform calls";
	}
	if (is_wanted(r, e->name))
		write_check(r, &line);
}

static void report_bridge(const struct report *r, const struct bridge_conf *b)
{
	struct check line = { "bridge", NULL, CHECK_OK };

	line.found = arena_printf(r->arena, "%s: customers at %s, agents at %s", b->name,
	    b->customers->name, b->agents->name);
	if (is_wanted(r, b->customers->name) || is_wanted(r, b->agents->name))
		write_check(r, &line);
}

static void report_config(const struct report *r, const struct config *c, const struct mistakes *m)
{
	size_t i;

	write_check(r,
	    &(struct check){ "configuration", NULL, CHECK_OK,
		arena_printf(r->arena, "%s: %zu endpoint%s, %zu bridge%s", m->file, c->nendpoints,
		    c->nendpoints == 1 ? "" : "s", c->nbridges, c->nbridges == 1 ? "" : "s") });
	report_mistakes(r, m, true);
	for (i = 0; i < c->nendpoints; i++)
		report_endpoint(r, c, &c->endpoints[i]);
	for (i = 0; i < c->nbridges; i++)
		report_bridge(r, &c->bridges[i]);
}

/* NULL: each of the names is an endpoint's. Else the one that is not. */
static const char *stranger(const struct config *c, const struct report *r, const char **meant)
{
	struct nearest near;
	size_t i, j;

	for (i = 0; i < r->nendpoints; i++) {
		if (config_endpoint(c, r->endpoints[i]) != NULL)
			continue;
		nearest_begin(&near, r->endpoints[i]);
		for (j = 0; j < c->nendpoints; j++)
			nearest_try(&near, c->endpoints[j].name);
		*meant = near.best;
		return r->endpoints[i];
	}
	return NULL;
}

static int no_such_endpoint(const struct mistakes *m, const char *name, const char *meant)
{
	fprintf(stderr, "tieline check: there is no endpoint \"%s\" in %s", name, m->file);
	if (meant != NULL)
		fprintf(stderr, "; did you mean \"%s\"?", meant);
	fputc('\n', stderr);
	return EXIT_MISSING;
}

static int check_file(struct cli *cli, const struct report *r)
{
	struct mistakes m;
	struct config *c;
	const char *name, *meant = NULL;
	int code = EXIT_DONE;

	mistakes_init(&m);
	c = config_load(&(struct config_source){ .path = cli->config }, &m);
	if (c == NULL) {
		report_failure(r, &m);
		code = m.exit;
	} else if ((name = stranger(c, r, &meant)) != NULL) {
		code = no_such_endpoint(&m, name, meant);
	} else {
		report_config(r, c, &m);
		fflush(stdout);
		if (r->online)
			code = cli_check_online(cli, c, r->endpoints, r->nendpoints);
	}
	config_unref(c);
	mistakes_fini(&m);
	return code;
}

int cli_check(struct cli *cli)
{
	struct report r = { .arena = arena_new(), .json = cli->json };
	bool ended = false;
	int i, code = EXIT_DONE;

	r.endpoints = arena_zalloc(r.arena, (size_t)cli->argc * sizeof(*r.endpoints));
	for (i = 1; i < cli->argc && code == EXIT_DONE; i++) {
		if (!ended && strcmp(cli->argv[i], "--") == 0)
			ended = true;
		else if (!ended && strcmp(cli->argv[i], "--online") == 0)
			r.online = true;
		else if (!ended && cli->argv[i][0] == '-')
			code = cli_usage(cli, "unknown option %s", cli->argv[i]);
		else
			r.endpoints[r.nendpoints++] = cli->argv[i];
	}
	if (code == EXIT_DONE)
		code = check_file(cli, &r);
	arena_free(r.arena);
	return code;
}

/* --- options ---------------------------------------------------------------------------------- */

enum manual_form { MANUAL_TEXT, MANUAL_JSON, MANUAL_MARKDOWN };

/* One table of it. */
struct chapter {
	const char *section; /* in JSON: process, endpoint, bridge, or the platform */
	const char *title;
	const struct option *table;
	option_default *default_of;
	void *arg;
};

struct manual {
	struct arena *arena;
	enum manual_form form;
	struct buf text;
	struct json_out *json;
};

struct at_platform {
	struct arena *arena;
	const struct connector *connector;
};

static const char *default_at_platform(void *arg, const char *name)
{
	struct at_platform *at = arg;

	return config_platform_default(at->arena, at->connector, name);
}

static void add_chapter(struct manual *m, const struct chapter *c)
{
	const char *before = m->text.len > 0 ? "\n" : "";

	switch (m->form) {
	case MANUAL_TEXT:
		buf_addf(&m->text, "%s%s\n\n", before, c->title);
		options_text(&m->text, c->table, c->default_of, c->arg);
		break;
	case MANUAL_MARKDOWN:
		buf_addf(&m->text, "%s## %s\n\n", before, c->title);
		options_markdown(&m->text, c->table, c->default_of, c->arg);
		break;
	case MANUAL_JSON: options_json(m->json, c->section, c->table, c->default_of, c->arg); break;
	}
}

static void add_platform(struct manual *m, const struct connector *c)
{
	add_chapter(m,
	    &(struct chapter){ c->name,
		arena_printf(m->arena, "Endpoints: of platform %s", c->name), c->options });
}

static void add_one_platform(struct manual *m, const struct connector *c)
{
	struct at_platform at = { m->arena, c };

	add_chapter(m,
	    &(struct chapter){ "endpoint", "Endpoints: of every platform",
		config_endpoint_options(), default_at_platform, &at });
	add_platform(m, c);
}

static void add_everything(struct manual *m)
{
	const struct connector *const *c;

	add_chapter(m, &(struct chapter){ "process", "The process", config_process_options() });
	add_chapter(m,
	    &(struct chapter){ "endpoint", "Endpoints: of every platform",
		config_endpoint_options() });
	for (c = connector_all(); *c != NULL; c++)
		add_platform(m, *c);
	add_chapter(m, &(struct chapter){ "bridge", "Bridges", config_bridge_options() });
}

static int no_such_platform(const char *name)
{
	const struct connector *const *c;
	struct nearest near;

	nearest_begin(&near, name);
	fprintf(stderr, "tieline options: there is no platform \"%s\"; allowed:", name);
	for (c = connector_all(); *c != NULL; c++) {
		fprintf(stderr, "%s %s", c == connector_all() ? "" : ",", (*c)->name);
		nearest_try(&near, (*c)->name);
	}
	if (near.best != NULL)
		fprintf(stderr, "; did you mean \"%s\"?", near.best);
	fputc('\n', stderr);
	return EXIT_USAGE_WRONG;
}

static void print_manual(const struct connector *c, enum manual_form form)
{
	struct manual m = { .arena = arena_new(), .form = form };

	m.json = json_out_new(m.arena);
	buf_init(&m.text);
	json_begin_object(m.json);
	json_key(m.json, "options");
	json_begin_array(m.json);
	if (c != NULL)
		add_one_platform(&m, c);
	else
		add_everything(&m);
	json_end_array(m.json);
	json_end_object(m.json);
	if (form == MANUAL_JSON)
		printf("%s\n", json_done(m.json, NULL));
	else
		fputs(m.text.data, stdout);
	buf_fini(&m.text);
	arena_free(m.arena);
}

int cli_options(struct cli *cli)
{
	enum manual_form form = cli->json ? MANUAL_JSON : MANUAL_TEXT;
	const char *platform = NULL;
	int i;

	for (i = 1; i < cli->argc; i++) {
		if (strcmp(cli->argv[i], "--markdown") == 0)
			form = MANUAL_MARKDOWN;
		else if (cli->argv[i][0] == '-' && strcmp(cli->argv[i], "--") != 0)
			return cli_usage(cli, "unknown option %s", cli->argv[i]);
		else if (cli->argv[i][0] != '-' && platform != NULL)
			return cli_usage(cli, "one platform at most");
		else if (cli->argv[i][0] != '-')
			platform = cli->argv[i];
	}
	if (platform != NULL && connector_find(platform) == NULL)
		return no_such_platform(platform);
	print_manual(connector_find(platform), form);
	return EXIT_DONE;
}
