/* See cli_status.h. */
#include "admin/cli/cli_status.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "admin/cli/cli.h"
#include "admin/cli/client.h"
#include "admin/cli/stopped.h"
#include "admin/status.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json_in.h"
#include "config/config.h"
#include "store/store.h"

#define STATUS_PATIENCE_MSECS 10000
#define WATCH_EVERY_SECS 2

struct status_options {
	bool watch, exit_code;
};

static int read_options(struct cli *cli, struct status_options *o)
{
	int i;

	for (i = 1; i < cli->argc; i++) {
		if (strcmp(cli->argv[i], "--watch") == 0)
			o->watch = true;
		else if (strcmp(cli->argv[i], "--exit-code") == 0)
			o->exit_code = true;
		else
			return cli_unknown(cli, cli->argv[i]);
	}
	if (o->watch && (cli->json || !isatty(STDOUT_FILENO)))
		return cli_usage(cli, "--watch needs a terminal, and no --json");
	return 0;
}

static size_t terminal_columns(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40)
		return size.ws_col;
	return 80;
}

/* The document as it came, or as tables. Returns whether all is well, -1 where it is no document. */
static int print_document(const struct cli *cli, struct arena *a, const char *text, size_t len)
{
	struct json_error error;
	const struct json *document = json_read(a, text, len, &error);
	struct buf out;

	if (document == NULL || document->type != JSON_OBJECT)
		return -1;
	if (cli->json) {
		printf("%s\n", text);
	} else {
		buf_init(&out);
		status_print(a, &out, document, terminal_columns());
		fputs(out.data, stdout);
		buf_fini(&out);
	}
	fflush(stdout);
	return json_true(document, "ok");
}

/* ---- when no relay runs ---- */

static int read_store(const struct cli *cli, struct arena *a, struct config *c, struct store *store)
{
	struct op_status counts = { .op = { .kind = STORE_STATUS },
		.arena = a,
		.now_ms = clock_wall_ms() };
	struct store_health health;
	struct status s;
	const char *text;
	size_t len;

	store_run(store, &counts.op);
	if (counts.op.result != 0) {
		fprintf(stderr, "tieline status: %s\n", counts.op.err.text);
		return EXIT_INPUT;
	}
	store_health(store, &health);
	status_gather_stopped(a, c, &counts, &health, &s);
	text = status_json(a, &s, &len);
	print_document(cli, a, text, len);
	return EXIT_DONE;
}

/* Nothing more than the one line can be said. */
static int say_not_running(const struct cli *cli, const char *why, int code)
{
	if (cli->json)
		printf("{\"ok\":false,\"relay\":{\"running\":false}}\n");
	else
		printf("relay: not running\n");
	fprintf(stderr, "tieline status: %s\n", why);
	return code;
}

static int status_stopped(const struct cli *cli, struct arena *a, const struct client *client)
{
	struct store *store;
	struct err err;
	int code = EXIT_FAULT;

	if (client->config == NULL)
		return say_not_running(cli,
		    "the configuration cannot be read, so its store is not looked at: see tieline check",
		    EXIT_CONFIGURATION);
	store = stopped_open(a, client->config, true, &code, &err);
	if (store == NULL)
		return say_not_running(cli, err.text, code);
	code = read_store(cli, a, client->config, store);
	store_close(store);
	return code;
}

/* ---- status ---- */

static int status_once(const struct cli *cli, const struct status_options *o,
    const struct client *client, struct arena *a)
{
	struct client_answer answer;
	struct err err;
	int ok, code;

	switch (client_get(client, a, "/api/v1/status", STATUS_PATIENCE_MSECS, &answer, &err)) {
	case CLIENT_OK:
		ok = answer.status == 200 ? print_document(cli, a, answer.body, answer.len) : -1;
		if (ok >= 0)
			return o->exit_code && !ok ? EXIT_NO : EXIT_DONE;
		fprintf(stderr, "tieline status: the relay answers %d\n", answer.status);
		return EXIT_FAULT;
	case CLIENT_NOBODY:
		code = status_stopped(cli, a, client);
		return code == EXIT_DONE && o->exit_code ? EXIT_NO : code;
	case CLIENT_FORBIDDEN:
		fprintf(stderr, "tieline status: %s\n", err.text);
		return EXIT_NOT_PERMITTED;
	case CLIENT_SILENT:
		fprintf(stderr, "tieline status: the relay does not answer: %s\n", err.text);
		return EXIT_UNREACHABLE;
	}
	return EXIT_FAULT;
}

int cli_status(struct cli *cli)
{
	struct status_options o = { 0 };
	struct arena *kept, *a;
	struct client client;
	int code = read_options(cli, &o);

	if (code != 0)
		return code;
	kept = arena_new();
	a = arena_new();
	client_init(&client, kept, cli);
	for (;;) {
		if (o.watch)
			fputs("\033[H\033[2J", stdout);
		code = status_once(cli, &o, &client, a);
		if (!o.watch)
			break;
		arena_reset(a);
		sleep(WATCH_EVERY_SECS); /* Ctrl-C ends it */
	}
	client_fini(&client);
	arena_free(a);
	arena_free(kept);
	return code;
}
