/* `tieline health`: for container checks, so it needs no configuration, and says no in time. */
#include <stdio.h>
#include <string.h>

#include "admin/cli/cli.h"
#include "admin/cli/cli_status.h"
#include "admin/cli/client.h"
#include "admin/health.h"
#include "base/arena.h"
#include "base/json_in.h"
#include "base/json_out.h"

#define PATIENCE_MSECS 1500

/* NULL: it is well. */
static const char *ask(const struct client *client, struct arena *a, bool ready)
{
	struct client_answer answer;
	struct json_error error;
	const struct json *body;
	const char *word;
	struct err err;

	if (client_get(client, a, ready ? "/readyz" : "/healthz", PATIENCE_MSECS, &answer, &err)
	    != CLIENT_OK)
		return arena_strdup(a, err.text);
	if (answer.status == 200)
		return NULL;
	body = json_read(a, answer.body, answer.len, &error);
	word = json_text(body, "reason");
	return word != NULL ? health_sentence(word)
			    : arena_printf(a, "it answers %d", answer.status);
}

static void say(const struct cli *cli, struct arena *a, bool ready, const char *why)
{
	struct json_out *o = json_out_new(a);

	if (!cli->json) {
		if (why != NULL)
			printf("%s: %s\n", ready ? "not ready" : "not healthy", why);
		else
			printf("ok\n");
		return;
	}
	json_begin_object(o);
	json_member_bool(o, "ok", why == NULL);
	json_member_text_or_null(o, "reason", why);
	json_end_object(o);
	printf("%s\n", json_done(o, NULL));
}

int cli_health(struct cli *cli)
{
	struct arena *a;
	struct client client;
	const char *why;
	bool ready = false;
	int i;

	for (i = 1; i < cli->argc; i++) {
		if (strcmp(cli->argv[i], "--ready") != 0)
			return cli_unknown(cli, cli->argv[i]);
		ready = true;
	}
	a = arena_new();
	client_init(&client, a, cli);
	why = ask(&client, a, ready);
	say(cli, a, ready, why);
	client_fini(&client);
	arena_free(a);
	return why == NULL ? EXIT_DONE : EXIT_NO;
}
