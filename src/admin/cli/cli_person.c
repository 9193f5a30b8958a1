/* See cli_person.h. The running relay is asked; where none runs, its store. */
#include "admin/cli/cli_person.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "admin/cli/cli.h"
#include "admin/cli/client.h"
#include "admin/cli/stopped.h"
#include "admin/person_doc.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/http.h"
#include "base/json_in.h"
#include "config/config.h"
#include "flow/media/media.h"
#include "flow/person.h"

#define PATIENCE_MSECS (60 * 60 * 1000)

struct person_cli {
	struct cli *cli;
	struct arena *arena;
	struct client client;
	const char *who, *file;
	bool dry_run;
};

static int say(int code, const char *what)
{
	fprintf(stderr, "tieline person: %s\n", what);
	return code;
}

/* ---- the relay, or its store ---- */

static int refused(const struct person_cli *p, const struct client_answer *answer)
{
	struct json_error error;
	const struct json *j = json_read(p->arena, answer->body, answer->len, &error);
	const char *detail = json_text(j, "detail"), *next = json_text(j, "next");

	say(0,
	    arena_printf(p->arena, "%s%s%s", detail != NULL ? detail : "the relay refuses",
		next != NULL ? "; next: " : "", next != NULL ? next : ""));
	switch (answer->status) {
	case 404: return EXIT_MISSING;
	case 409:
	case 503: return EXIT_AGAIN;
	case 422: return EXIT_USAGE_WRONG;
	default: return EXIT_FAULT;
	}
}

static int on_store(struct person_cli *p, enum person_task task, bool is_dry, const char **document)
{
	struct person_job job = { .task = task, .is_dry = is_dry, .arena = p->arena };
	struct config *config = p->client.config;
	int64_t now_ms = clock_wall_ms();
	struct store *store;
	struct err err;
	int code = EXIT_FAULT;

	if (config == NULL)
		return say(EXIT_CONFIGURATION,
		    "no relay runs, and the configuration that names its store cannot be read: "
		    "see tieline check");
	store = stopped_open(p->arena, config, task == PERSON_EXPORT || is_dry, &code, &err);
	if (store == NULL)
		return say(code, err.text);
	job.folder = media_folder(p->arena, config->store);
	if (!person_who(p->arena, config, p->who, &job.who)) {
		store_close(store);
		return say(EXIT_USAGE_WRONG,
		    "who: an e-mail address, a +phone number or endpoint:id");
	}
	person_run(store, &job, now_ms);
	store_close(store);
	if (job.is_failed)
		return say(EXIT_DISK, job.err.text);
	if (job.found.npersons == 0)
		return say(EXIT_MISSING, "nobody is known by that");
	*document = task == PERSON_EXPORT
	    ? person_export_doc(p->arena, config, &job, p->who, now_ms, NULL)
	    : person_receipt_doc(p->arena, &job, now_ms, NULL);
	return EXIT_DONE;
}

static int ask(struct person_cli *p, enum person_task task, bool is_dry, const char **document)
{
	const struct client_request req = { task == PERSON_EXPORT ? "GET" : "DELETE",
		arena_printf(p->arena, "/api/v1/persons/%s%s", http_encode(p->arena, p->who),
		    is_dry ? "?dry_run=true" : ""),
		NULL, NULL, PATIENCE_MSECS };
	struct client_answer answer;
	struct err err;

	switch (client_ask(&p->client, p->arena, &req, &answer, &err)) {
	case CLIENT_OK:
		if (answer.status >= 300)
			return refused(p, &answer);
		*document = answer.body;
		return EXIT_DONE;
	case CLIENT_NOBODY: return on_store(p, task, is_dry, document);
	case CLIENT_FORBIDDEN: return say(EXIT_NOT_PERMITTED, err.text);
	case CLIENT_SILENT: break;
	}
	return say(EXIT_UNREACHABLE, err.text);
}

/* ---- export ---- */

/* Only its owner may read it. */
static int write_file(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	size_t len = strlen(text);
	bool done = fd >= 0 && write(fd, text, len) == (ssize_t)len && write(fd, "\n", 1) == 1;

	if (fd >= 0 && close(fd) != 0)
		done = false;
	if (done)
		return EXIT_DONE;
	fprintf(stderr, "tieline person: %s: %s\n", file, strerror(errno));
	return fd < 0 ? EXIT_CANNOT_CREATE : EXIT_DISK;
}

static int run_export(struct person_cli *p)
{
	const char *document = NULL;
	int code = ask(p, PERSON_EXPORT, false, &document);

	if (code != EXIT_DONE)
		return code;
	if (p->file != NULL && strcmp(p->file, "-") != 0)
		return write_file(p->file, document);
	printf("%s\n", document);
	return EXIT_DONE;
}

/* ---- erase ---- */

static int print(struct person_cli *p, const char *document)
{
	struct json_error error;
	struct buf out;

	if (p->cli->json) {
		printf("%s\n", document);
		return EXIT_DONE;
	}
	buf_init(&out);
	person_print_receipt(&out, json_read(p->arena, document, strlen(document), &error));
	fputs(out.data, stdout);
	buf_fini(&out);
	return EXIT_DONE;
}

/* Shows what would go, and asks. */
static int confirm(struct person_cli *p)
{
	const char *document = NULL;
	char answer[8];
	int code;

	if (p->cli->yes)
		return EXIT_DONE;
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return cli_usage(p->cli, "without a terminal --yes says that all of it is to go");
	code = ask(p, PERSON_ERASE, true, &document);
	if (code != EXIT_DONE)
		return code;
	print(p, document);
	fprintf(stderr, "This cannot be undone. Go on? [y/N] ");
	if (fgets(answer, sizeof(answer), stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y'))
		return EXIT_DONE;
	fprintf(stderr, "nothing was done\n");
	return EXIT_NO;
}

static int run_erase(struct person_cli *p)
{
	const char *document = NULL;
	int code = p->dry_run ? EXIT_DONE : confirm(p);

	if (code == EXIT_DONE)
		code = ask(p, PERSON_ERASE, p->dry_run, &document);
	return code == EXIT_DONE ? print(p, document) : code;
}

/* ---- the command ---- */

static int read_options(struct person_cli *p)
{
	struct cli *cli = p->cli;
	int i, got;

	for (i = 2; i < cli->argc; i++) {
		got = cli_option(cli, &i, "-o", &p->file);
		if (got < 0)
			return EXIT_USAGE_WRONG;
		if (got > 0)
			continue;
		if (strcmp(cli->argv[i], "--dry-run") == 0)
			p->dry_run = true;
		else if (cli->argv[i][0] == '-')
			return cli_unknown(cli, cli->argv[i]);
		else if (p->who != NULL)
			return cli_usage(cli, "one person at a time");
		else
			p->who = cli->argv[i];
	}
	return EXIT_DONE;
}

int cli_person(struct cli *cli)
{
	struct person_cli p = { .cli = cli, .arena = arena_new() };
	const char *verb = cli->argc > 1 ? cli->argv[1] : "";
	bool is_export = strcmp(verb, "export") == 0, is_erase = strcmp(verb, "erase") == 0;
	int code = EXIT_DONE;

	if (!is_export && !is_erase)
		code = cli_usage(cli, "found \"%s\"; allowed: export, erase", verb);
	if (code == EXIT_DONE)
		code = read_options(&p);
	if (code == EXIT_DONE && p.who == NULL)
		code = cli_usage(cli, "who? an e-mail address, a +phone number or endpoint:id");
	if (code == EXIT_DONE && ((is_export && p.dry_run) || (is_erase && p.file != NULL)))
		code = cli_usage(cli, "-o goes with export, --dry-run with erase");
	if (code == EXIT_DONE) {
		client_init(&p.client, p.arena, cli);
		code = is_export ? run_export(&p) : run_erase(&p);
		client_fini(&p.client);
	}
	arena_free(p.arena);
	return code;
}
