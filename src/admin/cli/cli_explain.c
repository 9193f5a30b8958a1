/* See cli_explain.h. Bodies are read in the order given, as if they came one after the other; each
 * becomes at least one line of JSON, and the last line says how many of each there were. */
#include "admin/cli/cli_explain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/cli/cli.h"
#include "admin/explain/explain.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/nearest.h"
#include "base/secret.h"

/* ---- the command line ---- */

/* As it was typed; read once the configuration is there. */
struct typed {
	const struct cli *cli;
	struct arena *arena;
	const char *endpoint, *as, *step, *conversation, *status, *now, *instance_key;
	struct explain_texts headers, links, known, bodies;
};

struct option_word {
	const char *name;
	const char **one;
	struct explain_texts *many;
};

static int unknown_option(const struct cli *cli, const char *arg, const struct option_word *words)
{
	struct nearest near;

	nearest_begin(&near, arg);
	for (; words->name != NULL; words++)
		nearest_try(&near, words->name);
	if (near.best != NULL)
		return cli_usage(cli, "unknown option %s; did you mean \"%s\"?", arg, near.best);
	return cli_usage(cli, "unknown option %s", arg);
}

/* EXIT_DONE, and *i moves over a value that stands apart. */
static int take_option(struct typed *t, int *i, const struct option_word *words)
{
	const struct option_word *w;
	const char *value;
	int got = 0;

	for (w = words; w->name != NULL; w++)
		if ((got = cli_option(t->cli, i, w->name, &value)) != 0)
			break;
	if (got < 0)
		return EXIT_USAGE_WRONG;
	if (got == 0)
		return unknown_option(t->cli, t->cli->argv[*i], words);
	if (w->many != NULL)
		explain_texts_add(t->arena, w->many, value);
	else
		*w->one = value;
	return EXIT_DONE;
}

static int read_line(struct typed *t)
{
	const struct option_word words[] = {
		{ "--endpoint", &t->endpoint, NULL },
		{ "--as", &t->as, NULL },
		{ "--headers", NULL, &t->headers },
		{ "--step", &t->step, NULL },
		{ "--conversation", &t->conversation, NULL },
		{ "--status", &t->status, NULL },
		{ "--link", NULL, &t->links },
		{ "--known", NULL, &t->known },
		{ "--now", &t->now, NULL },
		{ "--instance-key", &t->instance_key, NULL },
		{ NULL, NULL, NULL },
	};
	const struct cli *cli = t->cli;
	bool ended = false;
	int i, code = EXIT_DONE;

	for (i = 1; i < cli->argc && code == EXIT_DONE; i++) {
		if (ended || cli->argv[i][0] != '-' || cli->argv[i][1] == '\0')
			explain_texts_add(t->arena, &t->bodies, cli->argv[i]);
		else if (strcmp(cli->argv[i], "--") == 0)
			ended = true;
		else
			code = take_option(t, &i, words);
	}
	if (code == EXIT_DONE && t->bodies.count == 0)
		explain_texts_add(t->arena, &t->bodies, "-");
	return code;
}

/* ---- what was typed, as values ---- */

static int read_as(struct explain *x, const struct typed *t)
{
	static const char *const words[] = { "hook", "page", "answer" };
	size_t i;

	for (i = 0; t->as != NULL && i < 3; i++)
		if (strcmp(t->as, words[i]) == 0)
			break;
	if (i == 3)
		return cli_usage(t->cli, "--as: found \"%s\"; allowed: hook, page, answer", t->as);
	x->as = t->as != NULL ? (enum explain_as)i : EXPLAIN_HOOK;
	return EXIT_DONE;
}

static int read_step(struct explain *x, const struct typed *t)
{
	struct nearest near;
	int step;

	if (t->step == NULL)
		return EXIT_DONE;
	step = step_by_word(t->step);
	if (step > STEP_NONE) {
		x->step = (enum step)step;
		return EXIT_DONE;
	}
	nearest_begin(&near, t->step);
	for (step = STEP_NONE + 1; step < STEP_COUNT; step++)
		nearest_try(&near, step_word(step));
	if (near.best != NULL)
		return cli_usage(t->cli, "--step: there is no step \"%s\"; did you mean \"%s\"?",
		    t->step, near.best);
	return cli_usage(t->cli, "--step: there is no step \"%s\"", t->step);
}

static int read_page(struct explain *x, const struct typed *t)
{
	x->conversation = t->conversation;
	if (x->as != EXPLAIN_PAGE)
		return EXIT_DONE;
	if (x->step != STEP_NONE && x->step != STEP_LIST_MESSAGES
	    && x->step != STEP_LIST_CONVERSATIONS)
		return cli_usage(t->cli,
		    "--step %s: pages are those of list_messages and list_conversations", t->step);
	if (x->connector->parse_page == NULL)
		return cli_usage(t->cli, "--as page: the platform of %s has no pages",
		    x->endpoint->name);
	return EXIT_DONE;
}

static int read_status(struct explain *x, const struct typed *t)
{
	if (t->status == NULL)
		return EXIT_DONE;
	if (strlen(t->status) != 3 || strspn(t->status, "0123456789") != 3 || t->status[0] == '0')
		return cli_usage(t->cli, "--status: found \"%s\"; allowed: 100 to 999", t->status);
	x->status = (int)strtol(t->status, NULL, 10);
	return EXIT_DONE;
}

static int read_now(struct explain *x, const struct typed *t)
{
	x->now_ms = clock_wall_ms();
	if (t->now != NULL && time_parse(t->now, &x->now_ms) != 0)
		return cli_usage(t->cli,
		    "--now: found \"%s\"; allowed: a time like "
		    "2026-11-20T20:29:16Z",
		    t->now);
	return EXIT_DONE;
}

/* The same for everybody who says none, so that the same input gives the same bytes. */
static int read_key(struct explain *x, const struct typed *t)
{
	unsigned char key[INSTANCE_KEY_SIZE] = { 0 };

	if (t->instance_key != NULL
	    && (strlen(t->instance_key) != 2 * sizeof(key)
		|| hex_decode(t->instance_key, key, sizeof(key)) != 0))
		return cli_usage(t->cli, "--instance-key: allowed: 64 hex digits");
	keys_init(&x->keys, key);
	return EXIT_DONE;
}

/* "support:57=support-group-…" where there are several bridges; with one its name may be left out. */
static bool take_link(struct explain *x, const char *text, struct explain_link *out)
{
	const char *equals, *name;
	size_t i, len;

	*out = (struct explain_link){ .bridge = x->nbridges == 1 ? x->bridges[0] : NULL };
	for (i = 0; i < x->nbridges; i++) {
		name = x->bridges[i]->name;
		len = strlen(name);
		if (strncmp(text, name, len) == 0 && text[len] == ':') {
			out->bridge = x->bridges[i];
			text += len + 1;
			break;
		}
	}
	equals = strchr(text, '=');
	if (equals == NULL || equals == text || equals[1] == '\0')
		return false;
	out->ours = arena_strndup(x->arena, text, (size_t)(equals - text));
	out->theirs = equals + 1;
	return out->bridge != NULL;
}

static int read_links(struct explain *x, const struct typed *t)
{
	size_t i;

	x->known = t->known;
	x->links = arena_zalloc(x->arena, (t->links.count + 1) * sizeof(*x->links));
	for (i = 0; i < t->links.count; i++)
		if (!take_link(x, t->links.items[i], &x->links[x->nlinks++]))
			return cli_usage(t->cli, "--link: found \"%s\"; allowed: %sOURS=THEIRS%s",
			    t->links.items[i], x->nbridges > 1 ? "BRIDGE:" : "",
			    x->nbridges == 0 ? ", where a bridge has the endpoint" : "");
	return EXIT_DONE;
}

static int read_files(const struct explain *x, const struct typed *t,
    struct explain_headers *headers)
{
	struct err err;
	size_t i;
	FILE *f;

	for (i = 0; i < t->bodies.count; i++) {
		if (strcmp(t->bodies.items[i], "-") == 0)
			continue;
		f = fopen(t->bodies.items[i], "re");
		if (f == NULL) {
			fprintf(stderr, "tieline explain: %s cannot be read\n", t->bodies.items[i]);
			return EXIT_MISSING;
		}
		fclose(f);
	}
	if (t->headers.count > 1 && t->headers.count != t->bodies.count)
		return cli_usage(t->cli,
		    "--headers: %zu of them for %zu bodies; allowed: one for all, or "
		    "as many as there are bodies",
		    t->headers.count, t->bodies.count);
	for (i = 0; i < t->headers.count; i++)
		if (explain_read_headers(x->arena, t->headers.items[i], &headers[i], &err) != 0) {
			fprintf(stderr, "tieline explain: %s\n", err.text);
			return headers[i].items == NULL ? EXIT_MISSING : EXIT_INPUT;
		}
	return EXIT_DONE;
}

/* ---- the endpoint ---- */

static int no_such_endpoint(const struct config *c, const struct typed *t, const char *file)
{
	struct nearest near;
	size_t i;

	nearest_begin(&near, t->endpoint);
	for (i = 0; i < c->nendpoints; i++)
		nearest_try(&near, c->endpoints[i].name);
	fprintf(stderr, "tieline explain: there is no endpoint \"%s\" in %s", t->endpoint, file);
	if (near.best != NULL)
		fprintf(stderr, "; did you mean \"%s\"?", near.best);
	fputc('\n', stderr);
	return EXIT_MISSING;
}

/* A store would give the numbers. */
static void number(struct config *c)
{
	size_t i;

	for (i = 0; i < c->nendpoints; i++)
		c->endpoints[i].id = (int)i + 1;
	for (i = 0; i < c->nbridges; i++)
		c->bridges[i].id = (int)i + 1;
}

static void find_bridges(struct explain *x)
{
	const struct config *c = x->config;
	const struct bridge_conf *b;
	size_t i;

	for (i = 0; i < c->nbridges && x->nbridges < BRIDGES_PER_ENDPOINT; i++) {
		b = &c->bridges[i];
		if (b->customers != x->endpoint && b->agents != x->endpoint)
			continue;
		x->sides[x->nbridges] = b->customers == x->endpoint ? SIDE_CUSTOMERS : SIDE_AGENTS;
		x->bridges[x->nbridges++] = b;
	}
}

/* ---- running ---- */

static int code_of(const struct explain *x)
{
	if (x->count.unparsable > 0)
		return EXIT_INPUT;
	return x->count.refusals > 0 ? EXIT_NO : EXIT_DONE;
}

static void write_end(struct explain *x)
{
	struct json_out *o = json_out_new(x->arena);

	json_begin_object(o);
	json_member_text(o, "type", "end");
	json_member_int(o, "inputs", x->n);
	json_member_int(o, "events", x->count.events);
	json_member_int(o, "drops", x->count.drops);
	json_member_int(o, "refusals", x->count.refusals);
	json_member_int(o, "unparsable", x->count.unparsable);
	json_member_int(o, "requests", x->count.requests);
	json_member_int(o, "exit", code_of(x));
	explain_line_end(o);
}

static void explain_one(struct explain *x, const struct explain_input *in)
{
	switch (x->as) {
	case EXPLAIN_HOOK: explain_hook(x, in); break;
	case EXPLAIN_PAGE: explain_page(x, in); break;
	case EXPLAIN_ANSWER: explain_answer(x, in); break;
	}
}

static int explain_all(struct explain *x, const struct typed *t,
    const struct explain_headers *headers)
{
	struct err err;
	size_t i;

	x->a = arena_new();
	for (i = 0; i < t->bodies.count; i++) {
		struct explain_input in = { 0 };

		if (t->headers.count > 0)
			in.headers = headers[t->headers.count == 1 ? 0 : i];
		if (explain_read(x->a, t->bodies.items[i], &in.body, &in.body_len, &err) != 0) {
			fprintf(stderr, "tieline explain: %s\n", err.text);
			arena_free(x->a);
			return EXIT_MISSING;
		}
		x->n++;
		explain_one(x, &in);
		arena_reset(x->a);
	}
	write_end(x);
	arena_free(x->a);
	return fflush(stdout) != 0 || ferror(stdout) ? EXIT_DISK : code_of(x);
}

static int explain_with(struct explain *x, const struct typed *t, const char *file)
{
	struct explain_headers *headers =
	    arena_zalloc(x->arena, (t->headers.count + 1) * sizeof(*headers));
	int code;

	x->endpoint = config_endpoint(x->config, t->endpoint);
	if (x->endpoint == NULL)
		return no_such_endpoint(x->config, t, file);
	x->connector = x->endpoint->connector;
	number(x->config);
	find_bridges(x);
	if ((code = read_page(x, t)) == EXIT_DONE && (code = read_links(x, t)) == EXIT_DONE
	    && (code = read_files(x, t, headers)) == EXIT_DONE)
		code = explain_all(x, t, headers);
	return code;
}

static int load_and_explain(struct explain *x, const struct typed *t)
{
	struct mistakes m;
	struct buf b;
	int code;

	mistakes_init(&m);
	x->config = config_load(&(struct config_source){ .path = t->cli->config }, &m);
	if (x->config == NULL) {
		buf_init(&b);
		mistakes_print(&b, &m);
		fputs(b.data, stderr);
		buf_fini(&b);
		code = m.exit;
	} else {
		code = explain_with(x, t, m.file);
	}
	config_unref(x->config);
	mistakes_fini(&m);
	return code;
}

int cli_explain(struct cli *cli)
{
	struct typed t = { .cli = cli, .arena = arena_new() };
	struct explain x = { .arena = t.arena };
	int code = read_line(&t);

	if (code == EXIT_DONE && t.endpoint == NULL)
		code = cli_usage(cli, "--endpoint NAME is missing");
	if (code == EXIT_DONE && (code = read_as(&x, &t)) == EXIT_DONE
	    && (code = read_step(&x, &t)) == EXIT_DONE && (code = read_status(&x, &t)) == EXIT_DONE
	    && (code = read_now(&x, &t)) == EXIT_DONE && (code = read_key(&x, &t)) == EXIT_DONE)
		code = load_and_explain(&x, &t);
	arena_free(t.arena);
	return code;
}
