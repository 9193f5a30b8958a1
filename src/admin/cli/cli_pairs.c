/* See cli_pairs.h. The file is read and checked here as far as it goes by itself, then all of it by the relay, which
 * knows the endpoints and the other pairs; only then is anything taken, a few at a time. What is taken is on disk when
 * its line is printed, and a pair that is one already is no mistake: so the same command goes on where it broke off. */
#include "admin/cli/cli_pairs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "admin/cli/cli.h"
#include "admin/cli/cli_migrate.h"
#include "admin/cli/client.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/json_in.h"
#include "base/json_out.h"
#include "core/pairs.h"

#define PATH "/api/v1/links"
#define FILE_MOST ((size_t)256 * 1024 * 1024)
#define CHECKED_AT_ONCE 500
#define ASKED_AT_ONCE 10
/* Reading is slow where messages go first, and longer still while a platform is away. */
#define PATIENCE_MSECS (60 * 60 * 1000)
#define MISTAKES_TOLD 20

struct linking {
	const struct cli *cli;
	const struct client *client;
	struct arena *arena; /* of all of it; a request has one of its own */
	const char *path;
	struct pairs pairs;
	bool is_dry;
	size_t linked, already, refused;
	struct json_out *items; /* --json */
};

/* ---- the file ---- */

static int cannot_read(const struct linking *l)
{
	fprintf(stderr, "tieline %s: %s: %s\n", l->cli->argv[0], l->path, strerror(errno));
	return EXIT_MISSING;
}

static int read_all(const struct linking *l, FILE *f, struct buf *out)
{
	char chunk[65536];
	size_t n;

	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0) {
		if (out->len + n > FILE_MOST) {
			errno = EFBIG;
			return cannot_read(l);
		}
		buf_add(out, chunk, n);
	}
	return ferror(f) ? cannot_read(l) : EXIT_DONE;
}

static int tell_mistakes(const struct pairs *p)
{
	size_t i;

	for (i = 0; i < p->nmistakes; i++)
		fprintf(stderr, "%s\n", p->mistakes[i]);
	if (p->nmore > 0)
		fprintf(stderr, "and %zu more\n", p->nmore);
	return p->nmistakes > 0 ? EXIT_INPUT : EXIT_DONE;
}

static int read_file(struct linking *l)
{
	FILE *f = fopen(l->path, "r");
	struct buf text;
	int code;

	if (f == NULL)
		return cannot_read(l);
	buf_init(&text);
	code = read_all(l, f, &text);
	fclose(f);
	if (code == EXIT_DONE) {
		pairs_read(l->arena, l->path, text.data, text.len, &l->pairs);
		code = tell_mistakes(&l->pairs);
	}
	buf_fini(&text);
	return code;
}

/* ---- the relay ---- */

static const char *body_of(struct arena *a, const char *mode, const struct pair *pairs, size_t n)
{
	struct json_out *o = json_out_new(a);
	size_t i;

	json_begin_object(o);
	json_member_text(o, "mode", mode);
	json_key(o, "pairs");
	json_begin_array(o);
	for (i = 0; i < n; i++) {
		json_begin_object(o);
		json_member_text(o, "customers", pairs[i].customers);
		json_member_text(o, "agents", pairs[i].agents);
		json_end_object(o);
	}
	json_end_array(o);
	json_end_object(o);
	return json_done(o, NULL);
}

/* Of n pairs, what the relay says of each. NULL: *code says why not. */
static const struct json *ask(struct linking *l, struct arena *a, const char *mode,
    const struct pair *pairs, size_t n, int *code)
{
	const struct client_request req = { "POST", PATH, body_of(a, mode, pairs, n), NULL,
		PATIENCE_MSECS };
	const struct json *document = NULL, *items;
	struct client_answer answer;

	*code = cli_migrate_ask(l->cli, l->client, a, &req, &answer, &document);
	items = *code == EXIT_DONE ? json_array(document, "items") : NULL;
	if (items != NULL && items->count == n)
		return items;
	if (*code == EXIT_DONE)
		*code = EXIT_FAULT;
	return NULL;
}

static bool is_refused(const struct json *item)
{
	const char *result = json_text(item, "result");

	return result == NULL || strcmp(result, "refused") == 0;
}

/* Nothing is taken while one of them cannot be. */
static int check(struct linking *l)
{
	struct arena *a = arena_new();
	const struct json *j;
	size_t at, n, i, wrong = 0;
	int code = EXIT_DONE;

	for (at = 0; code == EXIT_DONE && at < l->pairs.count; at += n) {
		arena_reset(a);
		n = l->pairs.count - at < CHECKED_AT_ONCE ? l->pairs.count - at : CHECKED_AT_ONCE;
		j = ask(l, a, "check", l->pairs.items + at, n, &code);
		for (j = j != NULL ? j->child : NULL, i = at; j != NULL; j = j->next, i++) {
			if (!is_refused(j))
				continue;
			if (wrong++ < MISTAKES_TOLD)
				fprintf(stderr, "%s:%d: %s\n", l->path, l->pairs.items[i].line,
				    json_text(j, "reason"));
		}
	}
	if (wrong > MISTAKES_TOLD)
		fprintf(stderr, "and %zu more\n", wrong - MISTAKES_TOLD);
	if (code == EXIT_DONE && wrong > 0) {
		fprintf(stderr, "nothing was taken\n");
		code = EXIT_INPUT;
	}
	arena_free(a);
	return code;
}

static void put_item(struct linking *l, const struct pair *p, const struct json *j)
{
	json_begin_object(l->items);
	json_member_int(l->items, "line", p->line);
	json_member_text(l->items, "customers", p->customers);
	json_member_text(l->items, "agents", p->agents);
	json_member_text(l->items, "result", json_text(j, "result"));
	json_member_text(l->items, "reason", json_text(j, "reason"));
	json_end_object(l->items);
}

static void take_item(struct linking *l, const struct pair *p, const struct json *j)
{
	const char *result = json_text(j, "result"), *reason = json_text(j, "reason");

	if (is_refused(j))
		l->refused++;
	else if (strcmp(result, "already") == 0)
		l->already++;
	else
		l->linked++;
	if (l->cli->json)
		put_item(l, p, j);
	else if (is_refused(j) || !l->cli->quiet)
		printf("%-8s %s %s%s%s\n", result, p->customers, p->agents,
		    reason != NULL ? "  " : "", reason != NULL ? reason : "");
}

static int take(struct linking *l)
{
	struct arena *a = arena_new();
	const struct json *j;
	size_t at, n, i;
	int code = EXIT_DONE;

	for (at = 0; code == EXIT_DONE && at < l->pairs.count; at += n) {
		arena_reset(a);
		n = l->pairs.count - at < ASKED_AT_ONCE ? l->pairs.count - at : ASKED_AT_ONCE;
		j = ask(l, a, l->is_dry ? "plan" : "link", l->pairs.items + at, n, &code);
		for (j = j != NULL ? j->child : NULL, i = at; j != NULL; j = j->next, i++)
			take_item(l, &l->pairs.items[i], j);
		fflush(stdout);
	}
	arena_free(a);
	return code;
}

static void print_sum(struct linking *l, struct json_out *o)
{
	if (!l->cli->json) {
		printf("%zu pairs: %zu %s, %zu linked already, %zu refused\n",
		    l->linked + l->already + l->refused, l->linked,
		    l->is_dry ? "to be linked" : "linked", l->already, l->refused);
		return;
	}
	json_end_array(o);
	json_member_bool(o, "dry_run", l->is_dry);
	json_member_int(o, "linked", (int64_t)l->linked);
	json_member_int(o, "already", (int64_t)l->already);
	json_member_int(o, "refused", (int64_t)l->refused);
	json_end_object(o);
	printf("%s\n", json_done(o, NULL));
}

int cli_pairs(const struct cli *cli, const struct client *client, struct arena *a, const char *path,
    bool is_dry)
{
	struct linking l = { .cli = cli,
		.client = client,
		.arena = a,
		.path = path,
		.is_dry = is_dry };
	int code = read_file(&l);

	if (code == EXIT_DONE)
		code = check(&l);
	if (code != EXIT_DONE)
		return code;
	l.items = json_out_new(a);
	json_begin_object(l.items);
	json_key(l.items, "items");
	json_begin_array(l.items);
	code = take(&l);
	print_sum(&l, l.items);
	return code == EXIT_DONE && l.refused > 0 ? EXIT_NO : code;
}
