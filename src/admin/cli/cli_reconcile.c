/* See cli_reconcile.h. Starts the sweeps, waits until they are over, and tells what came of them. */
#include "admin/cli/cli_reconcile.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "admin/cli/cli.h"
#include "admin/cli/client.h"
#include "admin/cli/table.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json_in.h"
#include "base/json_out.h"

#define PATH "/api/v1/reconciliations"
#define PATIENCE_MSECS 30000
#define LOOK_USECS 200000

struct wish {
	const char *since;
	bool dry_run;
	const char **bridges;
	size_t nbridges;
};

static int read_options(struct cli *cli, struct arena *a, struct wish *w)
{
	int64_t ms;
	int i, got;

	w->bridges = arena_zalloc(a, (size_t)(cli->argc + 1) * sizeof(*w->bridges));
	for (i = 1; i < cli->argc; i++) {
		got = cli_option(cli, &i, "--since", &w->since);
		if (got < 0)
			return EXIT_USAGE_WRONG;
		if (got > 0)
			continue;
		if (strcmp(cli->argv[i], "--dry-run") == 0)
			w->dry_run = true;
		else if (cli->argv[i][0] == '-')
			return cli_unknown(cli, cli->argv[i]);
		else
			w->bridges[w->nbridges++] = cli->argv[i];
	}
	if (w->since != NULL && time_parse(w->since, &ms) != 0)
		return cli_usage(cli,
		    "--since: found \"%s\"; allowed: a time like 2026-11-20T20:29:16Z", w->since);
	return EXIT_DONE;
}

static const char *body_of(struct arena *a, const struct wish *w)
{
	struct json_out *o = json_out_new(a);
	size_t i;

	json_begin_object(o);
	if (w->nbridges > 0) {
		json_key(o, "bridges");
		json_begin_array(o);
		for (i = 0; i < w->nbridges; i++)
			json_put_text(o, w->bridges[i]);
		json_end_array(o);
	}
	json_member_text(o, "since", w->since);
	json_member_bool(o, "dry_run", w->dry_run);
	json_end_object(o);
	return json_done(o, NULL);
}

static int say(const struct cli *cli, int code, const char *what)
{
	fprintf(stderr, "tieline %s: %s\n", cli->argv[0], what);
	return code;
}

/* *items: what the relay answers, NULL where that is no list. */
static int ask(const struct cli *cli, const struct client *client, struct arena *a,
    const struct client_request *req, struct client_answer *answer, const struct json **items)
{
	struct json_error error;
	const struct json *document;
	struct err err;

	*items = NULL;
	switch (client_ask(client, a, req, answer, &err)) {
	case CLIENT_OK: break;
	case CLIENT_FORBIDDEN: return say(cli, EXIT_NOT_PERMITTED, err.text);
	case CLIENT_NOBODY:
	case CLIENT_SILENT: return say(cli, EXIT_UNREACHABLE, err.text);
	}
	document = json_read(a, answer->body, answer->len, &error);
	*items = json_array(document, "items");
	if (answer->status < 300 && *items != NULL)
		return EXIT_DONE;
	return say(cli, answer->status == 422 ? EXIT_MISSING : EXIT_FAULT,
	    json_text(document, "detail") != NULL ? json_text(document, "detail")
						  : "the relay answers what is no list");
}

static bool is_running(const struct json *items)
{
	const struct json *item = items->child;

	while (item != NULL && !json_true(item, "running"))
		item = item->next;
	return item != NULL;
}

static const char *number(struct arena *a, const struct json *item, const char *key)
{
	return arena_printf(a, "%" PRId64, json_int(item, key, 0));
}

static void print_table(struct arena *a, const struct json *items)
{
	struct table t = { .arena = a, .ncolumns = 6, .right = { false, true, true, true, true } };
	const char *const head[] = { "ENDPOINT", "CONVERSATIONS", "CHECKED", "MISSING", "REPAIRED",
		"NOTE" };
	const char **row = table_row(&t);
	const struct json *item;
	struct buf out;

	memcpy(row, head, sizeof(head));
	for (item = items->child; item != NULL; item = item->next) {
		row = table_row(&t);
		row[0] = json_text(item, "endpoint");
		row[1] = number(a, item, "conversations");
		row[2] = number(a, item, "checked");
		row[3] = number(a, item, "missing");
		row[4] = number(a, item, "repaired");
		row[5] = json_text(item, "error");
	}
	table_measure(&t);
	buf_init(&out);
	table_print(&t, &out);
	fputs(out.data, stdout);
	buf_fini(&out);
}

/* 1: one did not come to its end, or (dry run) something is missing. */
static int verdict(const struct json *items, bool dry_run)
{
	const struct json *item;

	for (item = items->child; item != NULL; item = item->next)
		if (json_text(item, "error") != NULL
		    || (dry_run && json_int(item, "missing", 0) > 0))
			return EXIT_NO;
	return EXIT_DONE;
}

static int run(const struct cli *cli, const struct client *client, struct arena *a,
    const struct wish *w)
{
	const struct client_request start = { "POST", PATH, body_of(a, w), NULL, PATIENCE_MSECS };
	const struct client_request look = { "GET", PATH, NULL, NULL, PATIENCE_MSECS };
	struct arena *turn = arena_new();
	struct client_answer answer;
	const struct json *items;
	int code = ask(cli, client, a, &start, &answer, &items);

	do {
		if (code != EXIT_DONE)
			break;
		usleep(LOOK_USECS);
		arena_reset(turn);
		code = ask(cli, client, turn, &look, &answer, &items);
	} while (code != EXIT_DONE || is_running(items));
	if (code == EXIT_DONE) {
		if (cli->json)
			printf("%s\n", answer.body);
		else
			print_table(turn, items);
		code = verdict(items, w->dry_run);
	}
	arena_free(turn);
	return code;
}

int cli_reconcile(struct cli *cli)
{
	struct arena *a = arena_new();
	struct client client;
	struct wish w = { 0 };
	int code = read_options(cli, a, &w);

	if (code == EXIT_DONE) {
		client_init(&client, a, cli);
		code = run(cli, &client, a, &w);
		client_fini(&client);
	}
	arena_free(a);
	return code;
}
