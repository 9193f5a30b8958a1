/* What a command takes, read from its usage line, which names every option and operand: the one list of them that
 * there is for people, for near misses, and for shells. */
#ifndef ADMIN_CLI_USAGE_H
#define ADMIN_CLI_USAGE_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

#define USAGE_OPTIONS 40
#define USAGE_VERBS 16

struct usage_option {
	const char *name;  /* "--endpoint", "-o" */
	const char *value; /* "NAME", "open|closed|all"; NULL: it takes none */
};
struct usage {
	struct usage_option options[USAGE_OPTIONS];
	size_t noptions;
	const char
	    *verbs[USAGE_VERBS]; /* words that may stand behind the command: "list", "bash" */
	size_t nverbs;
	const char *operand; /* "FILE", "PLATFORM" …, the first; NULL: none */
};

void usage_read(struct arena *a, const char *command, const char *text, struct usage *out);

#endif
