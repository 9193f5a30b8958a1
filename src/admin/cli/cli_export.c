/* See cli_export.h. The relay reads, page by page; the command writes one line for each conversation and each
 * message. */
#include "admin/cli/cli_export.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/cli/cli.h"
#include "admin/cli/client.h"
#include "base/arena.h"
#include "base/http.h"
#include "base/json_in.h"
#include "base/json_out.h"

#define PATIENCE_MSECS (10 * 60 * 1000)
#define EXIT_INTERRUPTED 130

static volatile sig_atomic_t interrupted;

static void on_signal(int signo)
{
	(void)signo;
	interrupted = 1;
}

struct export
{
	struct cli *cli;
	const struct client *client;
	const char *endpoint, *since, *only, *folder;
	FILE *out;
	size_t conversations, messages;
};

static int say(const struct export *x, int code, const char *what)
{
	fprintf(stderr, "tieline %s: %s\n", x->cli->argv[0], what);
	return code;
}

static int ask(const struct export *x, struct arena *a, const char *path,
    const struct json **document)
{
	struct client_answer answer;
	struct json_error error;
	enum client_result result = CLIENT_SILENT;
	struct err err;

	if (!interrupted)
		result = client_get(x->client, a, path, PATIENCE_MSECS, &answer, &err);
	if (interrupted)
		return EXIT_INTERRUPTED;
	switch (result) {
	case CLIENT_OK: break;
	case CLIENT_FORBIDDEN: return say(x, EXIT_NOT_PERMITTED, err.text);
	case CLIENT_NOBODY:
	case CLIENT_SILENT: return say(x, EXIT_UNREACHABLE, err.text);
	}
	*document = json_read(a, answer.body, answer.len, &error);
	if (answer.status < 300 && json_array(*document, "items") != NULL)
		return EXIT_DONE;
	return say(x,
	    answer.status == 404       ? EXIT_MISSING
		: answer.status == 503 ? EXIT_AGAIN
				       : EXIT_NO,
	    json_text(*document, "detail") != NULL ? json_text(*document, "detail")
						   : "the relay answers what is not understood");
}

static const char *path_of(const struct export *x, struct arena *a, const char *conversation,
    const char *cursor)
{
	return arena_printf(a, "/api/v1/history%s%s?endpoint=%s%s%s%s%s",
	    conversation != NULL ? "/" : "",
	    conversation != NULL ? http_encode(a, conversation) : "", http_encode(a, x->endpoint),
	    x->since != NULL ? "&since=" : "", x->since != NULL ? http_encode(a, x->since) : "",
	    cursor != NULL ? "&cursor=" : "", cursor != NULL ? http_encode(a, cursor) : "");
}

static void put_line(const struct export *x, struct arena *a, const struct json *item)
{
	struct json_out *o = json_out_new(a);

	json_put(o, item);
	fprintf(x->out, "%s\n", json_done(o, NULL));
}

static bool is_same(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static bool is_wanted(const struct export *x, const struct json *c)
{
	static const char *const places[] = { "id", "person.id", "person.email", "person.phone",
		"person.identity" };
	const char *who = x->only;
	size_t len = strlen(x->endpoint), i;

	if (who == NULL)
		return true;
	if (strncmp(who, x->endpoint, len) == 0 && who[len] == ':')
		who += len + 1;
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (is_same(json_text(c, places[i]), who))
			return true;
	return false;
}

/* One that was deleted since the list was read is only not there any more. */
static int export_messages(struct export *x, const struct json *c)
{
	struct arena *a = arena_new();
	const struct json *document, *m;
	int code = ask(x, a, path_of(x, a, json_text(c, "id"), NULL), &document);

	if (code == EXIT_DONE) {
		put_line(x, a, c);
		x->conversations++;
		for (m = json_array(document, "items")->child; m != NULL; m = m->next) {
			put_line(x, a, m);
			x->messages++;
		}
	}
	arena_free(a);
	return code == EXIT_MISSING ? EXIT_DONE : code;
}

static int export_all(struct export *x)
{
	struct arena *a = arena_new(), *last;
	const struct json *document = NULL, *c;
	const char *cursor = NULL;
	int code;

	do {
		last = a;
		a = arena_new();
		code = ask(x, a, path_of(x, a, NULL, cursor), &document);
		arena_free(last);
		if (code != EXIT_DONE)
			break;
		for (c = json_array(document, "items")->child; c != NULL && code == EXIT_DONE;
		     c = c->next)
			if (is_wanted(x, c))
				code = export_messages(x, c);
		cursor = json_text(document, "next");
	} while (code == EXIT_DONE && cursor != NULL);
	arena_free(a);
	return code;
}

static int open_output(struct export *x, struct arena *a)
{
	const char *path;

	x->out = stdout;
	if (x->folder == NULL)
		return EXIT_DONE;
	path = arena_printf(a, "%s/%s.jsonl", x->folder, x->endpoint);
	if (mkdir(x->folder, 0700) != 0 && errno != EEXIST)
		return say(x, EXIT_CANNOT_CREATE,
		    arena_printf(a, "%s: %s", x->folder, strerror(errno)));
	x->out = fopen(path, "w");
	if (x->out == NULL)
		return say(x, EXIT_CANNOT_CREATE, arena_printf(a, "%s: %s", path, strerror(errno)));
	return EXIT_DONE;
}

static int read_options(struct export *x)
{
	struct cli *cli = x->cli;
	const struct {
		const char *name, **value;
	} options[] = { { "--endpoint", &x->endpoint }, { "--since", &x->since },
		{ "--only", &x->only }, { "-o", &x->folder } };
	size_t n;
	int i, got;

	for (i = 1; i < cli->argc; i++) {
		for (n = 0, got = 0; got == 0 && n < sizeof(options) / sizeof(options[0]); n++)
			got = cli_option(cli, &i, options[n].name, options[n].value);
		if (got < 0)
			return EXIT_USAGE_WRONG;
		if (got == 0)
			return cli_unknown(cli, cli->argv[i]);
	}
	return x->endpoint != NULL ? EXIT_DONE : cli_usage(cli, "--endpoint is needed");
}

int cli_export(struct cli *cli)
{
	struct arena *a = arena_new();
	const struct sigaction quiet = { .sa_handler = on_signal };
	struct export x = { .cli = cli };
	struct client client;
	int code = read_options(&x);

	if (code == EXIT_DONE)
		code = open_output(&x, a);
	if (code == EXIT_DONE) {
		client_init(&client, a, cli);
		client.stopped = &interrupted;
		sigaction(SIGINT, &quiet, NULL);
		sigaction(SIGTERM, &quiet, NULL);
		x.client = &client;
		code = export_all(&x);
		client_fini(&client);
		if (fflush(x.out) != 0 || ferror(x.out))
			code = say(&x, EXIT_DISK, "it cannot be written");
		if (!cli->quiet && code == EXIT_DONE)
			fprintf(stderr, "%zu conversations, %zu messages\n", x.conversations,
			    x.messages);
		else if (code == EXIT_INTERRUPTED)
			fprintf(stderr,
			    "stopped after %zu conversations, %zu messages; each line is whole\n",
			    x.conversations, x.messages);
	}
	if (x.out != NULL && x.out != stdout)
		fclose(x.out);
	arena_free(a);
	return code;
}
