/* See cli_setup.h. One endpoint after the other: what is kept is read, the platform asked, each line told as
 * it comes, and what was made there kept at once, so that a stop in the middle forgets nothing. */
#include "admin/cli/cli_setup.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "admin/check_line.h"
#include "admin/cli/cli.h"
#include "admin/cli/kept_at.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json_out.h"
#include "base/loop.h"
#include "base/secret.h"
#include "config/config.h"
#include "flow/kept.h"
#include "flow/setup.h"
#include "net/http_out.h"

#define SECRET_LEN 40
#define KEPT_MOST 16
#define CALLBACK_MSECS 20000
#define LOOK_USECS 200000

struct job_of_setup {
	struct cli *cli;
	struct arena *arena;
	struct config *config;
	struct kept_at at;
	struct loop *loop;
	struct http_out *wire;
	bool tests;
	bool changes, dry_run, prints, rotates; /* none: check --online */
	const char *const *endpoints;           /* none: all */
	size_t nendpoints;
	bool is_no; /* something is wrong, or was not done */
	const char *current;
};

static int say(const struct cli *cli, int code, const char *what)
{
	fprintf(stderr, "tieline %s: %s\n", cli->argv[0], what);
	return code;
}

static bool is_wanted(const struct job_of_setup *j, const char *name)
{
	size_t i;

	for (i = 0; i < j->nendpoints; i++)
		if (strcmp(j->endpoints[i], name) == 0)
			return true;
	return j->nendpoints == 0;
}

/* --- what is told, what is asked --------------------------------------------------------------- */

static void on_line(void *arg, const struct check_line *line)
{
	struct job_of_setup *j = arg;

	if (line->result == CHECK_FAIL)
		j->is_no = true;
	check_line_print(j->cli->json, j->current, line);
	fflush(stdout);
}

static bool may_change(void *arg, const struct setup *s, const char *what)
{
	struct job_of_setup *j = arg;
	struct check_line line = { "change", CHECK_WARN, NULL, NULL };
	char answer[16];

	if (j->dry_run) {
		line.found = arena_printf(s->arena, "%s: would %s", j->current, what);
		on_line(j, &line);
		j->is_no = true;
		return false;
	}
	if (j->cli->yes)
		return true;
	fprintf(stderr, "%s: %s? [y/N] ", j->current, what);
	if (fgets(answer, sizeof(answer), stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y'))
		return true;
	j->is_no = true;
	return false;
}

static void print_entry(const struct job_of_setup *j, const struct endpoint_conf *e,
    const struct setup *s)
{
	const char *secret = e->webhook_secret.n > 0 ? e->webhook_secret.v[0] : NULL;
	const char *inbox = memo_get(&s->via, KEPT_INBOX);
	struct json_out *o;

	if (j->cli->json) {
		o = json_out_new(s->arena);
		json_begin_object(o);
		json_member_text(o, "endpoint", e->name);
		json_member_text_or_null(o, "address", s->hook_url);
		json_member_text_or_null(o, "secret", secret);
		json_member_text(o, "from", s->is_secret_in_file ? "file" : "store");
		json_member_text_or_null(o, "inbox", inbox);
		json_end_object(o);
		printf("%s\n", json_done(o, NULL));
		return;
	}
	printf("%s\n  address  %s\n  secret   %s\n", e->name,
	    s->hook_url != NULL ? s->hook_url : "none: public_url is not set",
	    secret == NULL ? "none"
			   : arena_printf(s->arena, "%s   (%s)", secret,
			       s->is_secret_in_file ? "from the file" : "kept in the store"));
	if (inbox != NULL)
		printf("  inbox    %s   (kept in the store)\n", inbox);
}

/* --- one endpoint ------------------------------------------------------------------------------ */

static void find_sides(const struct job_of_setup *j, const struct endpoint_conf *e, struct setup *s)
{
	const struct bridge_conf *b;
	size_t i;

	for (i = 0; i < j->config->nbridges; i++) {
		b = &j->config->bridges[i];
		s->customers |= b->customers == e;
		s->agents |= b->agents == e;
		s->wants_one_per_person |= b->agents == e && b->reopen != REOPEN_ALWAYS;
	}
}

static bool is_news(const struct setup *s, const struct memo *m)
{
	const char *before = memo_get(&s->via, m->key);

	return before == NULL || m->value == NULL || strcmp(before, m->value) != 0;
}

static int keep(struct job_of_setup *j, const struct endpoint_conf *e, struct setup *s)
{
	struct memo news[SETUP_KEEPS];
	struct err err = { { 0 } };
	size_t i, n = 0;

	for (i = 0; i < s->nkeeps; i++)
		if (is_news(s, &s->keeps[i]))
			news[n++] = s->keeps[i];
	if (!j->changes || j->dry_run)
		return EXIT_DONE;
	return kept_write(&j->at, e, news, n, &err) == 0 ? EXIT_DONE
							 : say(j->cli, EXIT_DISK, err.text);
}

/* The platform should call us because of the note; the running relay knows whether it did. */
static void wait_for_callback(struct job_of_setup *j, const struct endpoint_conf *e,
    struct setup *s, int64_t before_ms)
{
	int64_t began_ms = clock_mono_ms(), heard_ms = before_ms;

	while (heard_ms <= before_ms && clock_mono_ms() - began_ms < CALLBACK_MSECS) {
		usleep(LOOK_USECS);
		heard_ms = kept_heard_ms(&j->at, e);
	}
	if (heard_ms > before_ms)
		setup_line(s, "test", CHECK_OK,
		    arena_printf(s->arena, "a note came back as a callback after %.1f s",
			(double)(clock_mono_ms() - began_ms) / 1000),
		    NULL);
	else
		setup_line(s, "test", CHECK_FAIL,
		    "a note was written, and no callback came that could be proved genuine",
		    "see the relay's log for at=refused; if it says nothing, the platform cannot reach "
		    "public_url");
	on_line(j, &s->lines[0]);
	s->nlines = 0;
}

static void test_it(struct job_of_setup *j, const struct endpoint_conf *e, struct setup *s,
    const struct setup_order *order)
{
	int64_t before_ms = kept_heard_ms(&j->at, e);

	if (before_ms < 0) {
		setup_line(s, "test", CHECK_WARN, "no relay runs that a callback could reach",
		    "start it, and then tieline setup --test-message");
		on_line(j, &s->lines[--s->nlines]);
		return;
	}
	s->tests = true;
	s->test_text =
	    arena_printf(s->arena, "Tieline test %.8s: nobody needs to answer", s->drawn);
	setup_run(s, j->loop, j->wire, order);
	if (setup_fact(s, SETUP_TESTED) != NULL && strcmp(setup_fact(s, SETUP_TESTED), "no") != 0)
		wait_for_callback(j, e, s, before_ms);
	else if (e->poll || !e->connector->caps->agents_side)
		setup_line(s, "test", CHECK_WARN,
		    "not tested: all that could be written there reaches a person",
		    "write to it yourself, as a customer");
	if (s->nlines > 0)
		on_line(j, &s->lines[--s->nlines]);
}

static int one_endpoint(struct job_of_setup *j, const struct endpoint_conf *e)
{
	const struct setup_order order = { .may = may_change, .line = on_line, .arg = j };
	struct endpoint_conf conf = *e;
	struct memo kept[KEPT_MOST];
	char drawn[SECRET_LEN + 1];
	struct err err = { { 0 } };
	const char *hook_key;
	struct setup *s = arena_zalloc(j->arena, sizeof(*s));
	size_t n = kept_read(&j->at, e, kept, KEPT_MOST, &hook_key, &err);

	kept_apply(&conf, e, kept, n);
	random_text(drawn, SECRET_LEN);
	s->arena = j->arena;
	s->via = (struct via){ .endpoint = &conf, .conf = e->conf, .memo = kept, .nmemo = n };
	s->may_change = j->changes || j->dry_run;
	s->is_dry = j->dry_run;
	s->rotates = j->rotates;
	s->is_secret_in_file = e->webhook_secret.n > 0;
	s->drawn = arena_strdup(j->arena, drawn);
	if (hook_key == NULL && j->dry_run)
		hook_key = s->drawn; /* as one will be */
	if (hook_key != NULL && j->config->public_url != NULL)
		s->hook_url = arena_printf(j->arena, "%s/hooks/%s/%s", j->config->public_url,
		    e->name, hook_key);
	find_sides(j, e, s);
	j->current = e->name;
	if (j->prints) {
		print_entry(j, &conf, s);
		return EXIT_DONE;
	}
	if (s->hook_url == NULL && !e->poll)
		setup_line(s, "address", CHECK_FAIL,
		    j->config->public_url == NULL
			? "public_url is not set: the platform cannot call us"
			: "no hook_key is drawn yet",
		    j->config->public_url == NULL
			? "set public_url"
			: arena_printf(j->arena, "tieline setup %s", e->name));
	setup_run(s, j->loop, j->wire, &order);
	if (keep(j, e, s) != EXIT_DONE)
		return EXIT_DISK;
	if (j->tests && !j->dry_run)
		test_it(j, e, s, &order);
	return EXIT_DONE;
}

static int all_endpoints(struct job_of_setup *j)
{
	const struct http_out_options options = { .ca_file = j->config->ca_file };
	struct err err = { { 0 } };
	int code = kept_open(&j->at, j->arena, j->cli, j->config, j->changes, &err);
	size_t i;

	if (code != EXIT_DONE) {
		kept_close(&j->at);
		return say(j->cli, code, err.text);
	}
	j->loop = loop_new();
	j->wire = http_out_new(j->loop, &options, &err);
	if (j->wire == NULL)
		code = say(j->cli, EXIT_CONFIGURATION, err.text);
	for (i = 0; code == EXIT_DONE && i < j->config->nendpoints; i++)
		if (is_wanted(j, j->config->endpoints[i].name))
			code = one_endpoint(j, &j->config->endpoints[i]);
	if (j->wire != NULL)
		http_out_free(j->wire);
	loop_free(j->loop);
	kept_close(&j->at);
	return code == EXIT_DONE && j->is_no ? EXIT_NO : code;
}

int cli_check_online(struct cli *cli, struct config *config, const char *const *endpoints,
    size_t count)
{
	struct job_of_setup j = { .cli = cli,
		.arena = arena_new(),
		.config = config,
		.endpoints = endpoints,
		.nendpoints = count };
	int code = all_endpoints(&j);

	arena_free(j.arena);
	return code;
}

/* --- setup ------------------------------------------------------------------------------------- */

static int read_options(struct cli *cli, struct job_of_setup *j)
{
	const char **names = arena_zalloc(j->arena, (size_t)(cli->argc + 1) * sizeof(*names));
	int i;

	j->endpoints = names;
	for (i = 1; i < cli->argc; i++) {
		if (strcmp(cli->argv[i], "--dry-run") == 0)
			j->dry_run = true;
		else if (strcmp(cli->argv[i], "--print") == 0)
			j->prints = true;
		else if (strcmp(cli->argv[i], "--rotate") == 0)
			j->rotates = true;
		else if (strcmp(cli->argv[i], "--test-message") == 0)
			j->tests = true;
		else if (cli->argv[i][0] == '-')
			return cli_unknown(cli, cli->argv[i]);
		else
			names[j->nendpoints++] = cli->argv[i];
	}
	if (j->prints && !cli->yes && !isatty(STDOUT_FILENO))
		return cli_usage(cli, "--print shows secrets: only on a terminal, or with --yes");
	if (!j->prints && !j->dry_run && !cli->yes && !isatty(STDIN_FILENO))
		return cli_usage(cli,
		    "it asks before each change: on a terminal, or with --yes; --dry-run only shows them");
	return EXIT_DONE;
}

static int names_known(struct cli *cli, const struct job_of_setup *j)
{
	size_t i;

	for (i = 0; i < j->nendpoints; i++)
		if (config_endpoint(j->config, j->endpoints[i]) == NULL)
			return say(cli, EXIT_MISSING,
			    arena_printf(j->arena, "there is no endpoint \"%s\"", j->endpoints[i]));
	return EXIT_DONE;
}

static void print_mistakes(const struct mistakes *m)
{
	struct buf b;

	buf_init(&b);
	mistakes_print(&b, m);
	fputs(b.data, stderr);
	buf_fini(&b);
}

int cli_setup(struct cli *cli)
{
	struct job_of_setup j = { .cli = cli, .arena = arena_new() };
	struct mistakes m;
	int code = read_options(cli, &j);

	mistakes_init(&m);
	if (code == EXIT_DONE) {
		j.changes = !j.prints && !j.dry_run;
		j.config = config_load(&(struct config_source){ .path = cli->config }, &m);
		if (j.config == NULL) {
			print_mistakes(&m);
			code = m.exit;
		}
	}
	if (code == EXIT_DONE)
		code = names_known(cli, &j);
	if (code == EXIT_DONE)
		code = all_endpoints(&j);
	config_unref(j.config);
	mistakes_fini(&m);
	arena_free(j.arena);
	return code;
}
