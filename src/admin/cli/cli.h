/* The command line: global options, then one command of a table. Results go to stdout, everything else
 * to stderr. */
#ifndef ADMIN_CLI_CLI_H
#define ADMIN_CLI_CLI_H

#include <stdbool.h>

#include "base/mistakes.h"

/* Exit codes (sysexits.h where it has them). */
enum cli_exit {
	EXIT_DONE = 0,
	EXIT_NO = 1, /* done, and the answer is "no" */
	EXIT_USAGE_WRONG = 64,
	EXIT_INPUT = 65,       /* not understood, or the store is corrupt */
	EXIT_MISSING = 66,     /* a file or id */
	EXIT_UNREACHABLE = 69, /* relay or platform */
	EXIT_FAULT = 70,       /* ours */
	EXIT_CANNOT_CREATE = 73,
	EXIT_DISK = 74,
	EXIT_AGAIN = 75, /* busy, or the store is locked by another process */
	EXIT_NEWER = 76, /* the store is of a newer version */
	EXIT_NOT_PERMITTED = 77,
	EXIT_CONFIGURATION = 78,
};

enum cli_color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

struct cli {
	const char *config; /* -c; NULL: the usual place */
	const char *socket; /* --socket; NULL: the usual places */
	bool json, quiet, verbose, yes;
	enum cli_color color;
	int argc; /* of the command: argv[0] is its name */
	char **argv;
};

struct command {
	const char *name;
	int (*run)(struct cli *cli); /* the exit code */
	const char *usage;           /* "serve [--listen A] …" */
	const char *summary;         /* one line */
	const char *details;         /* for its own --help */
};

/* All commands, ending with an empty one (main.c has the table). */
extern const struct command commands[];

/* What may stand before, behind and between: usage of all of them. */
extern const char cli_global_usage[];

/* Reads global options anywhere in argv and runs the command. */
int cli_main(int argc, char **argv);

/* "tieline COMMAND: …" on stderr with the usage line; returns EXIT_USAGE_WRONG. */
int cli_usage(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* arg is no option of the command, and it takes no such operand: the same, with the nearest name. */
int cli_unknown(const struct cli *cli, const char *arg);
/* An option of the command with its value: 1 and *value where argv[*i] is it (and *i moves over a value
 * that stands apart), 0 where it is not, -1 where its value is missing (usage was printed). */
int cli_option(const struct cli *cli, int *i, const char *name, const char **value);

#endif
