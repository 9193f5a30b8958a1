/* See cli.h. */
#include "admin/cli/cli.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/json_in.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/secret.h"
#include "base/yaml_in.h"
#include "net/http_out.h"
#include "store/schema.h"
#include "store/store.h"

int cli_usage(const struct cli *cli, const char *format, ...)
{
	const struct command *c;
	va_list args;

	fprintf(stderr, "tieline %s: ", cli->argc > 0 ? cli->argv[0] : "");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	for (c = commands; c->name != NULL; c++)
		if (cli->argc > 0 && strcmp(c->name, cli->argv[0]) == 0)
			fprintf(stderr, "usage: tieline [GLOBAL] %s\n", c->usage);
	return EXIT_USAGE_WRONG;
}

int cli_option(const struct cli *cli, int *i, const char *name, const char **value)
{
	const char *arg = cli->argv[*i];
	size_t len = strlen(name);

	if (strncmp(arg, name, len) != 0 || (arg[len] != '\0' && arg[len] != '='))
		return 0;
	if (arg[len] == '=') {
		*value = arg + len + 1;
		return 1;
	}
	if (*i + 1 >= cli->argc) {
		cli_usage(cli, "%s needs a value", name);
		return -1;
	}
	*value = cli->argv[++*i];
	return 1;
}

static const struct command *command_find(const char *name)
{
	const struct command *c;

	for (c = commands; c->name != NULL; c++)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

/* ---- options that there are not ---- */

#define WORD_MOST 32
#define WORDS_MOST 40

const char cli_global_usage[] =
    "[--config FILE] [-c FILE] [--socket PATH] [--json] [--quiet] [-q] [--verbose] [-v]"
    " [--color auto|always|never] [--yes] [--help] [-h] [--version]";

/* A usage names every option; these are the words in it that look like one. */
struct option_words {
	char words[WORDS_MOST][WORD_MOST];
	size_t count;
};

static void take_words(struct option_words *all, const char *usage)
{
	size_t len;

	while ((usage = strstr(usage, "--")) != NULL) {
		len = 2 + strspn(usage + 2, "abcdefghijklmnopqrstuvwxyz-");
		if (len > 2 && len < WORD_MOST && all->count < WORDS_MOST)
			snprintf(all->words[all->count++], WORD_MOST, "%.*s", (int)len, usage);
		usage += len;
	}
}

/* `usage` of a command, "" for none. */
static void print_unknown_option(const char *arg, const char *usage)
{
	struct option_words all = { .count = 0 };
	char name[WORD_MOST];
	struct nearest nearest;
	size_t i;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(arg, "="), arg);
	take_words(&all, usage);
	take_words(&all, cli_global_usage);
	nearest_begin(&nearest, name);
	for (i = 0; i < all.count; i++)
		nearest_try(&nearest, all.words[i]);
	fprintf(stderr, "unknown option %s", name);
	if (nearest.best != NULL)
		fprintf(stderr, "; did you mean %s?", nearest.best);
	fputc('\n', stderr);
}

int cli_unknown(const struct cli *cli, const char *arg)
{
	const struct command *c = command_find(cli->argv[0]);

	if (arg[0] != '-' || arg[1] == '\0' || strcmp(arg, "--") == 0)
		return cli_usage(cli, "there is no operand here, and \"%s\" would be one", arg);
	fprintf(stderr, "tieline %s: ", cli->argv[0]);
	print_unknown_option(arg, c != NULL ? c->usage : "");
	if (c != NULL)
		fprintf(stderr, "usage: tieline [GLOBAL] %s\n", c->usage);
	return EXIT_USAGE_WRONG;
}

/* ---- global options ---- */

static void print_help(FILE *out)
{
	const struct command *c;

	fputs("usage: tieline [GLOBAL] COMMAND [OPTIONS] [OPERANDS]\n\n"
	      "A relay between chat platforms and messaging desks.\n\ncommands:\n",
	    out);
	for (c = commands; c->name != NULL; c++)
		fprintf(out, "  %-10s %s\n", c->name, c->summary);
	fputs("\nglobal options:\n"
	      "  -c, --config FILE     the configuration (else $TIELINE_CONFIG, else\n"
	      "                        /etc/tieline/tieline.yaml)\n"
	      "  --socket PATH         the running relay's socket\n"
	      "  --json                output for programs\n"
	      "  -q, --quiet           less on stderr;  -v, --verbose  more\n"
	      "  --color WHEN          auto, always, never\n"
	      "  --yes                 answers the question that destructive commands ask\n"
	      "  -h, --help            this; with a command, about it;  --version\n\n"
	      "tieline help COMMAND says more about one; tieline(1) is the manual.\n",
	    out);
}

static int unknown_command(const char *name)
{
	const struct command *c;
	struct nearest nearest;

	if (name[0] == '-') {
		fputs("tieline: ", stderr);
		print_unknown_option(name, "");
		fputs("tieline --help lists them\n", stderr);
		return EXIT_USAGE_WRONG;
	}
	nearest_begin(&nearest, name);
	for (c = commands; c->name != NULL; c++)
		nearest_try(&nearest, c->name);
	fprintf(stderr, "tieline: unknown command \"%s\"", name);
	if (nearest.best != NULL)
		fprintf(stderr, "; did you mean \"%s\"?", nearest.best);
	fputs("\ntieline --help lists them\n", stderr);
	return EXIT_USAGE_WRONG;
}

static int command_help(const char *name)
{
	const struct command *c = command_find(name);

	if (c == NULL)
		return unknown_command(name);
	printf("usage: tieline [GLOBAL] %s\n\n%s.\n", c->usage, c->summary);
	if (c->details != NULL)
		printf("\n%s", c->details);
	return EXIT_DONE;
}

static int print_version(const struct cli *cli)
{
	int schema = schema_sqlite[schema_sqlite_count - 1].version;
	int yajl = json_library();

	if (!cli->json) {
		printf("tieline %s (schema %d)\n", TIELINE_VERSION, schema);
		return EXIT_DONE;
	}
	printf("{\"version\":\"%s\",\"schema\":%d,\"libraries\":{", TIELINE_VERSION, schema);
	printf("\"libevent\":\"%s\",\"libcurl\":\"%s\",", loop_library(), http_out_library());
	printf("\"sqlite\":\"%s\",\"libyaml\":\"%s\",", store_library(), yaml_library());
	printf("\"openssl\":\"%s\",", secret_library());
	printf("\"yajl\":\"%d.%d.%d\"}}\n", yajl / 10000, yajl / 100 % 100, yajl % 100);
	return EXIT_DONE;
}

static int read_color(struct cli *cli, const char *word)
{
	static const char *const words[] = { "auto", "always", "never" };
	size_t i;

	for (i = 0; i < 3; i++)
		if (strcmp(word, words[i]) == 0) {
			cli->color = (enum cli_color)i;
			return 0;
		}
	fprintf(stderr, "tieline: --color: found \"%s\"; allowed: auto, always, never\n", word);
	return -1;
}

/* One word of the line: 1 a global option (and *i moved over its value), 0 not one, -1 wrong. */
static int read_global(struct cli *cli, int argc, char **argv, int *i, bool *help, bool *version)
{
	struct cli line = { .argc = argc, .argv = argv };
	const char *arg = argv[*i], *value;
	int got;

	if (strcmp(arg, "-h") == 0 || strcmp(arg, "--help") == 0)
		*help = true;
	else if (strcmp(arg, "--version") == 0)
		*version = true;
	else if (strcmp(arg, "--json") == 0)
		cli->json = true;
	else if (strcmp(arg, "-q") == 0 || strcmp(arg, "--quiet") == 0)
		cli->quiet = true;
	else if (strcmp(arg, "-v") == 0 || strcmp(arg, "--verbose") == 0)
		cli->verbose = true;
	else if (strcmp(arg, "--yes") == 0)
		cli->yes = true;
	else if ((got = cli_option(&line, i, "--config", &cli->config)) != 0
	    || (got = cli_option(&line, i, "-c", &cli->config)) != 0
	    || (got = cli_option(&line, i, "--socket", &cli->socket)) != 0)
		return got;
	else if ((got = cli_option(&line, i, "--color", &value)) != 0)
		return got < 0 ? got : read_color(cli, value) != 0 ? -1 : 1;
	else
		return 0;
	return 1;
}

int cli_main(int argc, char **argv)
{
	struct cli cli = { 0 };
	const struct command *c;
	bool help = false, version = false, ended = false;
	int i, got;

	cli.argv = xcalloc((size_t)argc + 1, sizeof(*cli.argv));
	for (i = 1; i < argc; i++) {
		if (!ended && strcmp(argv[i], "--") == 0) {
			ended = true;
			cli.argv[cli.argc++] = argv[i];
			continue;
		}
		got = ended ? 0 : read_global(&cli, argc, argv, &i, &help, &version);
		if (got < 0) {
			xfree(cli.argv);
			return EXIT_USAGE_WRONG;
		}
		if (got == 0)
			cli.argv[cli.argc++] = argv[i];
	}
	if (version)
		got = print_version(&cli);
	else if (cli.argc > 0 && strcmp(cli.argv[0], "help") == 0 && cli.argc > 1)
		got = command_help(cli.argv[1]);
	else if (help && cli.argc > 0)
		got = command_help(cli.argv[0]);
	else if (help || (cli.argc > 0 && strcmp(cli.argv[0], "help") == 0))
		print_help(stdout), got = EXIT_DONE;
	else if (cli.argc == 0)
		print_help(stderr), got = EXIT_USAGE_WRONG;
	else if ((c = command_find(cli.argv[0])) != NULL)
		got = c->run(&cli);
	else
		got = unknown_command(cli.argv[0]);
	xfree(cli.argv);
	return got;
}
