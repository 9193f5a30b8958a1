/* See cli_migrate.h. The run is the relay's; the command begins it, watches, and tells what came of it. */
#include "admin/cli/cli_migrate.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/cli/cli.h"
#include "admin/cli/cli_pairs.h"
#include "admin/cli/client.h"
#include "admin/cli/migration_text.h"
#include "admin/cli/table.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/http.h"
#include "base/json_in.h"
#include "base/json_out.h"

#define PATH "/api/v1/migrations"
#define PATIENCE_MSECS 30000
#define LOOK_USECS 200000
#define LINE_MSECS 10000
#define EXIT_INTERRUPTED 130

static volatile sig_atomic_t interrupted;

static void on_signal(int signo)
{
	(void)signo;
	interrupted = 1;
}

struct wish {
	const char *from, *to, *file, *since, *until, *state, *only, *limit, *resume, *undo_list,
	    *links;
	bool dry_run, verify, force, no_media;
};

/* The file names the ends of each. */
static bool is_links_alone(const struct wish *w)
{
	return w->from == NULL && w->to == NULL && w->file == NULL && w->since == NULL
	    && w->until == NULL && w->state == NULL && w->only == NULL && w->limit == NULL
	    && w->resume == NULL && w->undo_list == NULL && !w->verify && !w->force && !w->no_media;
}

static int read_options(struct cli *cli, struct wish *w)
{
	const struct {
		const char *name, **value;
	} options[] = { { "--from", &w->from }, { "--to", &w->to }, { "--file", &w->file },
		{ "--since", &w->since }, { "--until", &w->until }, { "--state", &w->state },
		{ "--only", &w->only }, { "--limit", &w->limit }, { "--resume", &w->resume },
		{ "--undo-list", &w->undo_list }, { "--links", &w->links } };
	size_t n;
	int i, got;

	for (i = 1; i < cli->argc; i++) {
		for (n = 0, got = 0; got == 0 && n < sizeof(options) / sizeof(options[0]); n++)
			got = cli_option(cli, &i, options[n].name, options[n].value);
		if (got < 0)
			return EXIT_USAGE_WRONG;
		if (got > 0)
			continue;
		if (strcmp(cli->argv[i], "--dry-run") == 0)
			w->dry_run = true;
		else if (strcmp(cli->argv[i], "--force") == 0)
			w->force = true;
		else if (strcmp(cli->argv[i], "--verify") == 0)
			w->verify = true;
		else if (strcmp(cli->argv[i], "--no-media") == 0)
			w->no_media = true;
		else
			return cli_unknown(cli, cli->argv[i]);
	}
	if (w->links != NULL)
		return is_links_alone(w) ? EXIT_DONE
					 : cli_usage(cli, "--links goes with --dry-run alone");
	if (w->resume == NULL && ((w->from == NULL && w->file == NULL) || w->to == NULL))
		return cli_usage(cli,
		    "--from and --to are needed: the two ends of a bridge (or --file and --to)");
	if (w->limit != NULL
	    && (*w->limit == '\0' || strspn(w->limit, "0123456789") != strlen(w->limit)))
		return cli_usage(cli, "--limit: found \"%s\"; allowed: a number of conversations",
		    w->limit);
	return EXIT_DONE;
}

static const char *body_of(struct arena *a, const struct wish *w)
{
	struct json_out *o = json_out_new(a);

	json_begin_object(o);
	json_member_text(o, "resume", w->resume);
	json_member_text(o, "from", w->from);
	json_member_text(o, "to", w->to);
	json_member_text(o, "file", w->file);
	json_member_text(o, "since", w->since);
	json_member_text(o, "until", w->until);
	json_member_text(o, "state", w->state);
	json_member_text(o, "only", w->only);
	json_member_id(o, "limit", w->limit);
	json_member_bool(o, "dry_run", w->dry_run);
	json_member_bool(o, "verify", w->verify);
	json_member_bool(o, "force", w->force);
	json_member_bool(o, "no_media", w->no_media);
	json_end_object(o);
	return json_done(o, NULL);
}

static int say(const struct cli *cli, int code, const char *what)
{
	fprintf(stderr, "tieline %s: %s\n", cli->argv[0], what);
	return code;
}

/* The relay reads it, which stands in another folder. */
static int find_file(const struct cli *cli, struct arena *a, struct wish *w)
{
	char path[PATH_MAX];

	if (w->file == NULL || w->resume != NULL)
		return EXIT_DONE;
	if (realpath(w->file, path) == NULL)
		return say(cli, EXIT_MISSING,
		    arena_printf(a, "--file: %s: %s", w->file, strerror(errno)));
	w->file = arena_strdup(a, path);
	return EXIT_DONE;
}

static int problem_code(int status)
{
	switch (status) {
	case 404: return EXIT_MISSING;
	case 409:
	case 503: return EXIT_AGAIN;
	case 422: return EXIT_NO;
	default: return EXIT_FAULT;
	}
}

int cli_migrate_ask(const struct cli *cli, const struct client *client, struct arena *a,
    const struct client_request *req, struct client_answer *answer, const struct json **document)
{
	struct json_error error;
	struct err err;

	switch (client_ask(client, a, req, answer, &err)) {
	case CLIENT_OK: break;
	case CLIENT_FORBIDDEN: return say(cli, EXIT_NOT_PERMITTED, err.text);
	case CLIENT_NOBODY:
	case CLIENT_SILENT: return say(cli, EXIT_UNREACHABLE, err.text);
	}
	*document = json_read(a, answer->body, answer->len, &error);
	if (answer->status < 300 && *document != NULL)
		return EXIT_DONE;
	return say(cli, problem_code(answer->status),
	    json_text(*document, "detail") != NULL ? json_text(*document, "detail")
						   : "the relay answers what is not understood");
}

/* ---- watching ---- */

struct watch {
	bool is_terminal;
	int64_t begun_ms, told_ms, before;
};

static void tell(struct watch *w, struct arena *a, const struct json *run, bool is_over)
{
	int64_t now_ms = clock_mono_ms();
	const char *line = migration_progress(a, run, now_ms - w->begun_ms, w->before);

	if (w->is_terminal)
		fprintf(stderr, "\r\033[K%s%s", line, is_over ? "\n" : "");
	else if (now_ms - w->told_ms >= LINE_MSECS)
		fprintf(stderr, "%s\n", line);
	if (w->is_terminal || now_ms - w->told_ms >= LINE_MSECS)
		w->told_ms = now_ms;
}

static int stop(const struct cli *cli, const struct client *client, struct arena *a, const char *id)
{
	const struct client_request req = { "POST", arena_printf(a, PATH "/%s/stop", id), "{}",
		NULL, PATIENCE_MSECS };
	struct client_answer answer;
	const struct json *document;

	(void)cli_migrate_ask(cli, client, a, &req, &answer, &document);
	fprintf(stderr,
	    "%sthe conversations under way are brought to their end; the same command goes on\n",
	    isatty(STDERR_FILENO) ? "\n" : "");
	return EXIT_INTERRUPTED;
}

/* 1: something failed, or the sums do not add up. */
static int verdict(const struct json *run)
{
	const char *state = json_text(run, "state");

	if (state == NULL || strcmp(state, "failed") == 0 || strcmp(state, "differs") == 0
	    || json_int(run, "failed", 0) > 0 || !json_true(run, "adds_up"))
		return EXIT_NO;
	return EXIT_DONE;
}

static void print(const struct cli *cli, struct arena *a, const struct client_answer *answer,
    const struct json *run)
{
	struct buf out;

	if (cli->json) {
		printf("%s\n", answer->body);
		return;
	}
	buf_init(&out);
	migration_text(a, run, &out);
	fputs(out.data, stdout);
	buf_fini(&out);
}

/* One line for each message that the run has made, with its conversation: what to delete, should one want to. */
static int write_undo(const struct cli *cli, const struct client *client, const char *id,
    const struct json *run, const char *path)
{
	struct arena *a = arena_new();
	FILE *f = fopen(path, "w");
	struct client_request req = { "GET", NULL, NULL, NULL, PATIENCE_MSECS };
	const char *next = "", *to = json_text(run, "to");
	const struct json *document = NULL, *j;
	struct client_answer answer;
	int code = EXIT_DONE;

	while (f != NULL && next != NULL && code == EXIT_DONE) {
		req.path = arena_printf(a, PATH "/%s/made%s%s", id, *next != '\0' ? "?after=" : "",
		    http_encode(a, next));
		code = cli_migrate_ask(cli, client, a, &req, &answer, &document);
		next = NULL;
		if (code != EXIT_DONE || json_array(document, "items") == NULL)
			break;
		for (j = json_array(document, "items")->child; j != NULL; j = j->next)
			fprintf(f, "%s:%s %s:%s\n", to, json_text(j, "conversation"), to,
			    json_text(j, "message"));
		next = json_text(document, "next");
	}
	if (f == NULL || fclose(f) != 0)
		code = say(cli, EXIT_CANNOT_CREATE, arena_printf(a, "%s cannot be written", path));
	arena_free(a);
	return code;
}

static int watch(const struct cli *cli, const struct client *client, struct arena *a,
    const struct json *first, const char *undo_list)
{
	const char *id = json_text(first, "id");
	struct client_request look = { "GET", arena_printf(a, PATH "/%s", id), NULL, NULL,
		PATIENCE_MSECS };
	struct watch w = { isatty(STDERR_FILENO) && !cli->quiet, clock_mono_ms(), clock_mono_ms(),
		migration_done(first) };
	struct arena *turn = arena_new();
	struct client_answer answer;
	const struct json *run = NULL;
	int code, got;

	do {
		arena_reset(turn);
		code = cli_migrate_ask(cli, client, turn, &look, &answer, &run);
		if (code != EXIT_DONE || !json_true(run, "running"))
			break;
		if (!cli->quiet)
			tell(&w, turn, run, false);
		usleep(LOOK_USECS);
	} while (!interrupted);
	if (interrupted)
		code = stop(cli, client, turn, id);
	else if (code == EXIT_DONE) {
		if (w.is_terminal)
			tell(&w, turn, run, true);
		print(cli, turn, &answer, run);
		code = verdict(run);
		if (undo_list != NULL && *id == 'm'
		    && (got = write_undo(cli, client, id, run, undo_list)) != EXIT_DONE)
			code = got;
	}
	arena_free(turn);
	return code;
}

static int run(const struct cli *cli, const struct client *client, struct arena *a,
    const struct wish *w)
{
	const struct client_request start = { "POST", PATH, body_of(a, w), NULL, PATIENCE_MSECS };
	const struct sigaction quiet = { .sa_handler = on_signal };
	struct client_answer answer;
	const struct json *document;
	int code;

	sigaction(SIGINT, &quiet, NULL);
	sigaction(SIGTERM, &quiet, NULL);
	code = cli_migrate_ask(cli, client, a, &start, &answer, &document);
	return code == EXIT_DONE ? watch(cli, client, a, document, w->undo_list) : code;
}

int cli_migrate(struct cli *cli)
{
	struct arena *a = arena_new();
	struct client client;
	struct wish w = { 0 };
	int code = read_options(cli, &w);

	if (code == EXIT_DONE)
		code = find_file(cli, a, &w);
	if (code == EXIT_DONE) {
		client_init(&client, a, cli);
		code = w.links != NULL ? cli_pairs(cli, &client, a, w.links, w.dry_run)
				       : run(cli, &client, a, &w);
		client_fini(&client);
	}
	arena_free(a);
	return code;
}

/* ---- migrations ---- */

static void print_table(struct arena *a, const struct json *items)
{
	struct table t = { .arena = a, .ncolumns = 8, .right = { [3] = true, true, true, true } };
	const char *const head[] = { "ID", "BRIDGE", "STATE", "CONVERSATIONS", "READ", "WRITTEN",
		"FAILED", "BEGUN" };
	const char *const numbers[] = { "conversations", "read", "written", "failed" };
	const char **row = table_row(&t);
	const struct json *item;
	struct buf out;
	size_t i;

	memcpy(row, head, sizeof(head));
	for (item = items->child; item != NULL; item = item->next) {
		row = table_row(&t);
		row[0] = json_text(item, "id");
		row[1] = json_text(item, "bridge");
		row[2] = json_text(item, "state");
		for (i = 0; i < 4; i++)
			row[3 + i] = arena_printf(a, "%" PRId64, json_int(item, numbers[i], 0));
		row[7] = json_text(item, "begun");
	}
	table_measure(&t);
	buf_init(&out);
	table_print(&t, &out);
	fputs(out.data, stdout);
	buf_fini(&out);
}

static int list_or_stop(const struct cli *cli, const struct client *client, struct arena *a)
{
	struct client_request req = { "GET", PATH "?limit=500", NULL, NULL, PATIENCE_MSECS };
	struct client_answer answer;
	const struct json *document;
	int code;

	if (cli->argc == 3) {
		req.method = "POST";
		req.path = arena_printf(a, PATH "/%s/stop", cli->argv[2]);
		req.body = "{}";
	}
	code = cli_migrate_ask(cli, client, a, &req, &answer, &document);
	if (code != EXIT_DONE)
		return code;
	if (cli->json)
		printf("%s\n", answer.body);
	else if (cli->argc == 3)
		printf("%s: %s\n", cli->argv[2], json_text(document, "state"));
	else
		print_table(a, json_array(document, "items"));
	return EXIT_DONE;
}

int cli_migrations(struct cli *cli)
{
	struct arena *a;
	struct client client;
	int code;

	if (cli->argc != 1 && (cli->argc != 3 || strcmp(cli->argv[1], "stop") != 0))
		return cli->argc > 1 && strcmp(cli->argv[1], "stop") != 0
		    ? cli_unknown(cli, cli->argv[1])
		    : cli_usage(cli, "stop: which run? (m3)");
	a = arena_new();
	client_init(&client, a, cli);
	code = list_or_stop(cli, &client, a);
	client_fini(&client);
	arena_free(a);
	return code;
}
