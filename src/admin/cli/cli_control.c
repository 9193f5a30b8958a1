/* See cli_control.h. */
#include "admin/cli/cli_control.h"

#include <stdio.h>
#include <string.h>

#include "admin/cli/cli.h"
#include "admin/cli/client.h"
#include "base/arena.h"
#include "base/http.h"
#include "base/json_in.h"

#define PATIENCE_MSECS (30 * 1000)

static int say(const struct cli *cli, int code, const char *what)
{
	fprintf(stderr, "tieline %s: %s\n", cli->argv[0], what);
	return code;
}

/* EXIT_DONE where there is an answer, of whatever status. */
static int post(struct cli *cli, struct arena *a, const char *path, struct client_answer *answer)
{
	const struct client_request req = { "POST", path, NULL, NULL, PATIENCE_MSECS };
	struct client client;
	struct err err = { { 0 } };
	int code = EXIT_DONE;

	client_init(&client, a, cli);
	switch (client_ask(&client, a, &req, answer, &err)) {
	case CLIENT_OK: break;
	case CLIENT_NOBODY:
		code = say(cli, EXIT_UNREACHABLE,
		    arena_printf(a, "%s; next: start it, or name its socket with --socket",
			err.text));
		break;
	case CLIENT_FORBIDDEN: code = say(cli, EXIT_NOT_PERMITTED, err.text); break;
	case CLIENT_SILENT: code = say(cli, EXIT_UNREACHABLE, err.text); break;
	}
	client_fini(&client);
	return code;
}

static const char *detail_of(struct arena *a, const struct client_answer *answer)
{
	struct json_error error;
	const char *detail = json_text(json_read(a, answer->body, answer->len, &error), "detail");

	return detail != NULL ? detail : "the relay refuses";
}

/* What is so from now on, and how it ends. */
static void confirm(const struct cli *cli, const char *name)
{
	if (cli->quiet)
		return;
	if (strcmp(cli->argv[0], "pause") == 0)
		printf(
		    "%s: nothing is sent; callbacks are taken and kept. Next: tieline resume %s\n",
		    name, name);
	else if (strcmp(cli->argv[0], "drain") == 0)
		printf("%s: what is queued is sent, new messages wait. Next: tieline resume %s\n",
		    name, name);
	else
		printf("%s: goes on\n", name);
}

int cli_control(struct cli *cli)
{
	struct arena *a = arena_new();
	struct client_answer answer;
	const char *name;
	int code;

	if (cli->argc != 2 || cli->argv[1][0] == '-') {
		arena_free(a);
		return cli->argc == 2 ? cli_unknown(cli, cli->argv[1])
				      : cli_usage(cli, "the name of one endpoint or bridge");
	}
	name = http_encode(a, cli->argv[1]);
	code =
	    post(cli, a, arena_printf(a, "/api/v1/endpoints/%s/%s", name, cli->argv[0]), &answer);
	if (code == EXIT_DONE && answer.status == 404)
		code = post(cli, a, arena_printf(a, "/api/v1/bridges/%s/%s", name, cli->argv[0]),
		    &answer);
	if (code == EXIT_DONE && answer.status == 404)
		code = say(cli, EXIT_MISSING,
		    arena_printf(a, "there is no endpoint or bridge %s", cli->argv[1]));
	else if (code == EXIT_DONE && answer.status >= 300)
		code =
		    say(cli, answer.status == 503 ? EXIT_AGAIN : EXIT_FAULT, detail_of(a, &answer));
	else if (code == EXIT_DONE && cli->json)
		printf("%s\n", answer.body);
	else if (code == EXIT_DONE)
		confirm(cli, cli->argv[1]);
	arena_free(a);
	return code;
}

int cli_reload(struct cli *cli)
{
	struct arena *a = arena_new();
	struct client_answer answer = { 0 };
	int code;

	code = cli->argc > 1 ? cli_unknown(cli, cli->argv[1])
			     : post(cli, a, "/api/v1/reload", &answer);
	if (code == EXIT_DONE && answer.status == 422) {
		fprintf(stderr, "%s\ntieline reload: nothing was changed\n", detail_of(a, &answer));
		code = EXIT_CONFIGURATION;
	} else if (code == EXIT_DONE && answer.status >= 300) {
		code = say(cli, EXIT_FAULT, detail_of(a, &answer));
	} else if (code == EXIT_DONE && !cli->quiet && !cli->json) {
		puts("the configuration is taken over");
	}
	arena_free(a);
	return code;
}
