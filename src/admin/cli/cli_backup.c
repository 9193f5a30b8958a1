/* See cli_backup.h. The running relay makes the copy; where none runs it is made here. */
#include "admin/cli/cli_backup.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "admin/cli/cli.h"
#include "admin/cli/client.h"
#include "admin/cli/stopped.h"
#include "base/arena.h"
#include "base/json_in.h"
#include "base/json_out.h"
#include "config/config.h"
#include "store/backup.h"

/* A large store on a slow disk; whoever waits may give up sooner. */
#define PATIENCE_MSECS (6 * 60 * 60 * 1000)

static int say(int code, const char *what)
{
	fprintf(stderr, "tieline backup: %s\n", what);
	return code;
}

static int done(const struct cli *cli, struct arena *a, const char *file, int64_t bytes)
{
	struct json_out *o = json_out_new(a);

	if (cli->json) {
		json_begin_object(o);
		json_member_text(o, "file", file);
		json_member_int(o, "bytes", bytes);
		json_end_object(o);
		printf("%s\n", json_done(o, NULL));
	} else if (!cli->quiet) {
		printf("%s: %" PRId64 " bytes\n", file, bytes);
	}
	return EXIT_DONE;
}

/* ---- by the relay ---- */

static int told(const struct cli *cli, struct arena *a, const char *file,
    const struct client_answer *answer)
{
	struct json_error error;
	const struct json *j = json_read(a, answer->body, answer->len, &error);
	const char *detail = json_text(j, "detail"), *next = json_text(j, "next");

	if (answer->status == 200)
		return done(cli, a, file, json_int(j, "bytes", 0));
	say(0,
	    arena_printf(a, "%s%s%s", detail != NULL ? detail : "the relay refuses",
		next != NULL ? "; next: " : "", next != NULL ? next : ""));
	switch (answer->status) {
	case 409:
	case 422: return EXIT_CANNOT_CREATE;
	case 503:
		return strcmp(json_text(j, "type") != NULL ? json_text(j, "type") : "",
			   "urn:tieline:problem:busy")
			== 0
		    ? EXIT_AGAIN
		    : EXIT_DISK;
	default: return EXIT_FAULT;
	}
}

/* ---- without one ---- */

static int copy(const struct cli *cli, struct arena *a, struct client *client, const char *file)
{
	struct op_backup op = { .op = { .kind = STORE_BACKUP }, .file = file };
	struct store *store;
	struct err err;
	int code = EXIT_FAULT;

	if (client->config == NULL)
		return say(EXIT_CONFIGURATION,
		    "no relay runs, and the configuration that names its store cannot be read: "
		    "see tieline check");
	store = stopped_open(a, client->config, true, &code, &err);
	if (store == NULL)
		return say(code, err.text);
	do
		store_run(store, &op.op);
	while (op.op.result == 0 && !op.is_done && !op.has_failed);
	store_close(store);
	if (op.op.result != 0)
		return say(EXIT_DISK, op.op.err.text);
	if (op.has_failed)
		return say(op.is_there || op.how != STORE_OPEN_DISK ? EXIT_CANNOT_CREATE
								    : EXIT_DISK,
		    op.why.text);
	return done(cli, a, file, op.bytes);
}

/* ---- the command ---- */

static const char *absolute(struct arena *a, const char *file)
{
	char here[4096];

	if (file[0] == '/' || getcwd(here, sizeof(here)) == NULL)
		return file;
	return arena_printf(a, "%s/%s", here, file);
}

static int run(struct cli *cli, struct arena *a, struct client *client)
{
	const char *file = absolute(a, cli->argv[1]);
	struct json_out *o = json_out_new(a);
	struct client_request req = { "POST", "/api/v1/backup", NULL, NULL, PATIENCE_MSECS };
	struct client_answer answer;
	struct err err;

	json_begin_object(o);
	json_member_text(o, "file", file);
	json_end_object(o);
	req.body = json_done(o, NULL);
	switch (client_ask(client, a, &req, &answer, &err)) {
	case CLIENT_OK: return told(cli, a, file, &answer);
	case CLIENT_NOBODY: return copy(cli, a, client, file);
	case CLIENT_FORBIDDEN: return say(EXIT_NOT_PERMITTED, err.text);
	case CLIENT_SILENT: break;
	}
	return say(EXIT_UNREACHABLE, err.text);
}

int cli_backup(struct cli *cli)
{
	struct arena *a = arena_new();
	struct client client;
	int code;

	if (cli->argc != 2 || cli->argv[1][0] == '-') {
		arena_free(a);
		return cli->argc == 2 ? cli_unknown(cli, cli->argv[1])
				      : cli_usage(cli, "where to? one file that is not there yet");
	}
	client_init(&client, a, cli);
	code = run(cli, a, &client);
	client_fini(&client);
	arena_free(a);
	return code;
}
