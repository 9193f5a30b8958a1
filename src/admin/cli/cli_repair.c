/* See cli_repair.h. */
#include "admin/cli/cli_repair.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "admin/cli/cli.h"
#include "admin/cli/repair_place.h"
#include "admin/repair_doc.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/json_in.h"
#include "base/json_out.h"

#define PAGE 500
#define EDIT_MOST 200000

struct parked_cli {
	struct cli *cli;
	struct arena *arena;
	struct repair_place place;
	struct repair_filter filter;
	bool all;
	const char *text_file;
	const char **ids;
	size_t nids;
};

static size_t terminal_columns(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40)
		return size.ws_col;
	return 80;
}

static const struct json *read_document(struct parked_cli *p, const char *text)
{
	struct json_error error;

	return json_read(p->arena, text, strlen(text), &error);
}

static void print_json(struct arena *a, const struct json *j)
{
	struct json_out *o = json_out_new(a);

	json_put(o, j);
	printf("%s\n", json_done(o, NULL));
}

static int broken(struct parked_cli *p)
{
	fprintf(stderr, "tieline %s: the relay answers what is no document\n", p->cli->argv[0]);
	return EXIT_FAULT;
}

/* ---- list and show ---- */

static int print_page(struct parked_cli *p, const struct json *document)
{
	const struct json *items = json_array(document, "items"), *item;
	struct buf out;

	if (items == NULL)
		return broken(p);
	if (p->cli->json) {
		for (item = items->child; item != NULL; item = item->next)
			print_json(p->arena, item);
		return EXIT_DONE;
	}
	if (items->child == NULL) {
		printf("nothing is parked\n");
		return EXIT_DONE;
	}
	buf_init(&out);
	parked_print_list(p->arena, &out, items, terminal_columns());
	fputs(out.data, stdout);
	buf_fini(&out);
	return EXIT_DONE;
}

static int parked_list(struct parked_cli *p)
{
	const struct json *document;
	const char *text, *cursor = NULL;
	int code;

	if (p->nids > 0)
		return cli_usage(p->cli, "list takes no ids; show does");
	do {
		code = repair_place_list(&p->place, &p->filter, PAGE, cursor, &text);
		document = code == EXIT_DONE ? read_document(p, text) : NULL;
		if (code == EXIT_DONE)
			code = print_page(p, document);
		cursor = json_text(document, "next");
	} while (code == EXIT_DONE && cursor != NULL);
	return code;
}

static int parked_show(struct parked_cli *p)
{
	const struct json *document;
	const char *text;
	struct buf out;
	int code;

	if (p->nids != 1)
		return cli_usage(p->cli, "show takes one id");
	code = repair_place_show(&p->place, p->ids[0], &text);
	if (code != EXIT_DONE)
		return code;
	document = read_document(p, text);
	if (document == NULL)
		return broken(p);
	if (p->cli->json) {
		printf("%s\n", text);
		return EXIT_DONE;
	}
	buf_init(&out);
	parked_print_one(p->arena, &out, document);
	fputs(out.data, stdout);
	buf_fini(&out);
	return EXIT_DONE;
}

/* ---- retry and drop ---- */

/* A question on a terminal; --yes is the answer. EXIT_DONE: go on. */
static int confirm(struct parked_cli *p, int64_t count, const char *what)
{
	char answer[8];

	if (p->cli->yes)
		return EXIT_DONE;
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return cli_usage(p->cli,
		    "%" PRId64 " would be %s; without a terminal --yes says so", count, what);
	fprintf(stderr, "%" PRId64 " will be %s. Go on? [y/N] ", count, what);
	if (fgets(answer, sizeof(answer), stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y'))
		return EXIT_DONE;
	fprintf(stderr, "nothing was done\n");
	return EXIT_NO;
}

static int mend_all(struct parked_cli *p, enum mend mend, const char *what)
{
	const char *text;
	int64_t total;
	int code;

	if (p->nids > 0)
		return cli_usage(p->cli, "either ids or --all");
	code = repair_place_list(&p->place, &p->filter, 1, NULL, &text);
	if (code != EXIT_DONE)
		return code;
	total = json_int(read_document(p, text), "total", -1);
	if (total < 0)
		return broken(p);
	if (total == 0) {
		printf("nothing of that is parked\n");
		return EXIT_DONE;
	}
	code = confirm(p, total, what);
	if (code == EXIT_DONE)
		code = repair_place_mend_all(&p->place, &p->filter, mend, total);
	if (code == EXIT_DONE && !p->cli->quiet)
		printf("%" PRId64 " %s\n", total, what);
	return code;
}

static int mend_some(struct parked_cli *p, enum mend mend, const char *what)
{
	int code, worst = EXIT_DONE;
	size_t i;

	if (p->all)
		return mend_all(p, mend, what);
	if (p->nids == 0)
		return cli_usage(p->cli, "which? an id like d1440, or --all");
	if (p->filter.endpoint != NULL || p->filter.bridge != NULL || p->filter.reason != NULL)
		return cli_usage(p->cli, "filters go with --all");
	for (i = 0; i < p->nids; i++) {
		code = repair_place_mend(&p->place, p->ids[i], mend, NULL, NULL);
		if (code == EXIT_DONE)
			printf("%s: %s\n", p->ids[i], what);
		else
			worst = p->nids == 1 || code > EXIT_INPUT ? code : EXIT_NO;
	}
	return worst;
}

/* ---- edit ---- */

static char *read_file(struct parked_cli *p, const char *path)
{
	char *text = arena_alloc(p->arena, EDIT_MOST + 2);
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	size_t len;

	if (f == NULL) {
		fprintf(stderr, "tieline parked: %s: %s\n", path, strerror(errno));
		return NULL;
	}
	len = fread(text, 1, EDIT_MOST + 1, f);
	if (f != stdin)
		fclose(f);
	if (len > EDIT_MOST) {
		fprintf(stderr, "tieline parked: %s: larger than 200000 bytes\n", path);
		return NULL;
	}
	text[len] = '\0';
	if (len > 0 && text[len - 1] == '\n') /* editors end the last line */
		text[len - 1] = '\0';
	return text;
}

/* $EDITOR on the file; false: it did not end well. */
static bool run_editor(const char *path)
{
	const char *editor = getenv("EDITOR");
	/* By the shell, since EDITOR may hold options; the path comes as a word of its own. */
	const char *const argv[] = { "sh", "-c", "exec ${EDITOR} \"$1\"", "sh", path, NULL };
	pid_t pid;
	int status;

	if (editor == NULL || editor[0] == '\0') {
		fprintf(stderr, "tieline parked: EDITOR is not set; or give --text-file FILE\n");
		return false;
	}
	if (posix_spawn(&pid, "/bin/sh", NULL, NULL, (char *const *)argv, environ) != 0
	    || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fprintf(stderr, "tieline parked: %s did not end well; nothing was changed\n",
		    editor);
		return false;
	}
	return true;
}

/* In a file that only its owner may read. NULL: it was told why not. */
static char *edit_text(struct parked_cli *p, const char *text)
{
	const char *folder = getenv("TMPDIR");
	char *path = arena_printf(p->arena, "%s/tieline-edit.XXXXXX",
	    folder != NULL && folder[0] != '\0' ? folder : "/tmp");
	int fd = mkstemp(path);
	char *edited = NULL;

	if (fd < 0) {
		fprintf(stderr, "tieline parked: %s: %s\n", path, strerror(errno));
		return NULL;
	}
	if (write(fd, text, strlen(text)) == (ssize_t)strlen(text) && close(fd) == 0
	    && run_editor(path))
		edited = read_file(p, path);
	unlink(path);
	return edited;
}

static int parked_edit(struct parked_cli *p)
{
	const char *text, *now, *document, *id = p->nids == 1 ? p->ids[0] : NULL;
	const struct json *item;
	int code;

	if (id == NULL)
		return cli_usage(p->cli, "edit takes one id");
	code = repair_place_show(&p->place, id, &document);
	if (code != EXIT_DONE)
		return code;
	item = read_document(p, document);
	now = json_text(item, "edited.text");
	if (now == NULL)
		now = json_text(item, "text");
	if (now == NULL)
		now = "";
	text = p->text_file != NULL ? read_file(p, p->text_file) : edit_text(p, now);
	if (text == NULL)
		return p->text_file != NULL ? EXIT_MISSING : EXIT_NO;
	if (text[0] == '\0' || strcmp(text, now) == 0) {
		fprintf(stderr, "tieline parked: the text is %s; nothing was done\n",
		    text[0] == '\0' ? "empty" : "the same");
		return EXIT_NO;
	}
	code = repair_place_mend(&p->place, id, MEND_EDIT, text, json_text(item, "etag"));
	if (code == EXIT_DONE)
		code = repair_place_mend(&p->place, id, MEND_RETRY, NULL, NULL);
	if (code == EXIT_DONE)
		printf("%s: changed and put back\n", id);
	return code;
}

/* ---- parked ---- */

static int read_options(struct parked_cli *p, int from)
{
	struct cli *cli = p->cli;
	bool is_over = false;
	int i, got;

	p->ids = arena_zalloc(p->arena, (size_t)(cli->argc + 1) * sizeof(*p->ids));
	for (i = from; i < cli->argc; i++) {
		if (is_over || cli->argv[i][0] != '-') {
			p->ids[p->nids++] = cli->argv[i];
			continue;
		}
		if (strcmp(cli->argv[i], "--") == 0) {
			is_over = true;
			continue;
		}
		if (strcmp(cli->argv[i], "--all") == 0) {
			p->all = true;
			continue;
		}
		got = cli_option(cli, &i, "--endpoint", &p->filter.endpoint);
		if (got == 0)
			got = cli_option(cli, &i, "--bridge", &p->filter.bridge);
		if (got == 0)
			got = cli_option(cli, &i, "--reason", &p->filter.reason);
		if (got == 0)
			got = cli_option(cli, &i, "--text-file", &p->text_file);
		if (got < 0)
			return EXIT_USAGE_WRONG;
		if (got == 0)
			return cli_unknown(cli, cli->argv[i]);
	}
	return EXIT_DONE;
}

static int run_parked(struct parked_cli *p, const char *verb)
{
	if (strcmp(verb, "list") == 0)
		return parked_list(p);
	if (strcmp(verb, "show") == 0)
		return parked_show(p);
	if (strcmp(verb, "retry") == 0)
		return mend_some(p, MEND_RETRY, "put back");
	if (strcmp(verb, "drop") == 0)
		return mend_some(p, MEND_DROP, "dropped");
	if (strcmp(verb, "edit") == 0)
		return parked_edit(p);
	return cli_usage(p->cli, "found \"%s\"; allowed: list, show, retry, drop, edit", verb);
}

int cli_parked(struct cli *cli)
{
	struct parked_cli p = { .cli = cli, .arena = arena_new() };
	bool is_said = cli->argc > 1 && cli->argv[1][0] != '-';
	int code = read_options(&p, is_said ? 2 : 1);

	if (code == EXIT_DONE) {
		repair_place_open(&p.place, p.arena, cli);
		code = run_parked(&p, is_said ? cli->argv[1] : "list");
		repair_place_close(&p.place);
	}
	arena_free(p.arena);
	return code;
}

/* ---- trace ---- */

static int write_file(struct arena *a, const char *folder, const char *name, const void *bytes,
    size_t len)
{
	const char *path = arena_printf(a, "%s/%s", folder, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool done = fd >= 0 && write(fd, bytes, len) == (ssize_t)len;

	if (fd >= 0 && close(fd) != 0)
		done = false;
	if (!done)
		fprintf(stderr, "tieline trace: %s: %s\n", path, strerror(errno));
	return done ? EXIT_DONE : EXIT_CANNOT_CREATE;
}

/* As explain reads them. */
static int save(struct parked_cli *p, const char *folder, const char *headers, const char *body,
    size_t len)
{
	int code;

	if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
		fprintf(stderr, "tieline trace: %s: %s\n", folder, strerror(errno));
		return EXIT_CANNOT_CREATE;
	}
	code = write_file(p->arena, folder, "BODY", body, len);
	if (code == EXIT_DONE)
		code = write_file(p->arena, folder, "HEADERS", headers, strlen(headers));
	if (code == EXIT_DONE)
		printf("%s/BODY %s/HEADERS\n", folder, folder);
	return code;
}

static int save_raw(struct parked_cli *p, const char *folder)
{
	struct op_raw_read raw;
	int code = repair_place_raw(&p->place, p->ids[0], &raw);

	return code != EXIT_DONE ? code
				 : save(p, folder, raw.raw.headers, raw.raw.body, raw.raw.body_len);
}

/* The message is named as its platform names it, or its trace tells how that is. */
static int save_callback(struct parked_cli *p, const char *folder)
{
	const char *source = p->ids[0], *text;
	struct op_callback_of kept;
	int code = EXIT_DONE;

	if (strchr(source, ':') == NULL) {
		code = repair_place_trace(&p->place, source, &text);
		source = code == EXIT_DONE ? json_text(read_document(p, text), "source") : NULL;
	}
	if (code == EXIT_DONE)
		code = repair_place_callback(&p->place, source, &kept);
	return code != EXIT_DONE ? code : save(p, folder, kept.headers, kept.body, kept.body_len);
}

static int run_trace(struct parked_cli *p, const char *folder)
{
	const struct json *document;
	const char *text;
	struct buf out;
	int code;

	if (p->ids[0][0] == 'h')
		return folder != NULL ? save_raw(p, folder) : parked_show(p);
	if (folder != NULL)
		return save_callback(p, folder);
	code = repair_place_trace(&p->place, p->ids[0], &text);
	if (code != EXIT_DONE)
		return code;
	document = read_document(p, text);
	if (document == NULL)
		return broken(p);
	if (p->cli->json) {
		printf("%s\n", text);
		return EXIT_DONE;
	}
	buf_init(&out);
	trace_print(p->arena, &out, document);
	fputs(out.data, stdout);
	buf_fini(&out);
	return EXIT_DONE;
}

int cli_trace(struct cli *cli)
{
	struct parked_cli p = { .cli = cli, .arena = arena_new() };
	const char *folder = NULL;
	int code = EXIT_DONE, i, got;

	p.ids = arena_zalloc(p.arena, (size_t)(cli->argc + 1) * sizeof(*p.ids));
	for (i = 1; i < cli->argc && code == EXIT_DONE; i++) {
		got = cli_option(cli, &i, "--save", &folder);
		if (got < 0)
			code = EXIT_USAGE_WRONG;
		else if (got == 0 && cli->argv[i][0] == '-')
			code = cli_unknown(cli, cli->argv[i]);
		else if (got == 0)
			p.ids[p.nids++] = cli->argv[i];
	}
	if (code == EXIT_DONE && p.nids != 1)
		code =
		    cli_usage(cli, "which? one id: e812, d1440, desk:40871, or a platform's own");
	if (code == EXIT_DONE) {
		repair_place_open(&p.place, p.arena, cli);
		code = run_trace(&p, folder);
		repair_place_close(&p.place);
	}
	arena_free(p.arena);
	return code;
}
