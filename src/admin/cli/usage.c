/* See usage.h. Its words:
 *
 *   --name, -n               an option; "--a|--b" are two
 *   VALUE or one|two         behind an option, and not in brackets of its own: its value
 *   word, one|two            in small letters: a verb
 *   WORD                     else: an operand
 *
 * Brackets and dots around them say how often, which does not matter here. */
#include "admin/cli/usage.h"

#include <ctype.h>
#include <string.h>

#include "base/arena.h"

#define AROUND "[]().,"

static bool is_separator(char c)
{
	return c == ' ' || c == '\n' || c == '\0';
}

/* The next word, without what is around it; *opens, *closes: whether there were brackets. NULL: there is none. */
static const char *next_word(struct arena *a, const char **at, bool *opens, bool *closes)
{
	static const char dots[] = "…";
	const char *from, *to;
	char *word;
	size_t len;

	while (**at != '\0' && is_separator(**at))
		++*at;
	if (**at == '\0')
		return NULL;
	for (from = *at; !is_separator(**at);)
		++*at;
	to = *at;
	*opens = *from == '[';
	*closes = false;
	while (from < to && strchr(AROUND, *from) != NULL)
		from++;
	for (;;) {
		len = (size_t)(to - from);
		if (len >= sizeof(dots) - 1
		    && memcmp(to - (sizeof(dots) - 1), dots, sizeof(dots) - 1) == 0) {
			to -= sizeof(dots) - 1;
		} else if (len > 0 && strchr(AROUND, to[-1]) != NULL) {
			*closes |= *--to == ']';
		} else {
			break;
		}
	}
	word = arena_strndup(a, from, (size_t)(to - from));
	return word;
}

static bool has(const struct usage *u, const char *name)
{
	size_t i;

	for (i = 0; i < u->noptions; i++)
		if (strcmp(u->options[i].name, name) == 0)
			return true;
	for (i = 0; i < u->nverbs; i++)
		if (strcmp(u->verbs[i], name) == 0)
			return true;
	return false;
}

/* Each of "one|two". */
static void add(struct arena *a, struct usage *u, const char *word)
{
	const char *one;
	size_t len;

	for (; *word != '\0'; word += len + (word[len] == '|')) {
		len = strcspn(word, "|");
		one = arena_strndup(a, word, len);
		if (len == 0 || has(u, one))
			continue;
		if (*one == '-' && u->noptions < USAGE_OPTIONS)
			u->options[u->noptions++] = (struct usage_option){ one, NULL };
		else if (islower((unsigned char)*one) && u->nverbs < USAGE_VERBS)
			u->verbs[u->nverbs++] = one;
		else if (u->operand == NULL && isupper((unsigned char)*one))
			u->operand = one;
	}
}

void usage_read(struct arena *a, const char *command, const char *text, struct usage *out)
{
	struct usage_option *last = NULL; /* it may take a value */
	bool opens, closes;
	const char *word;

	memset(out, 0, sizeof(*out));
	while ((word = next_word(a, &text, &opens, &closes)) != NULL) {
		if (strcmp(word, "tieline") == 0 || strcmp(word, command) == 0)
			continue;
		if (last != NULL && !opens && *word != '-' && *word != '|' && *word != '\0') {
			if (last->value == NULL)
				last->value = word;
			last = NULL;
			continue;
		}
		add(a, out, word);
		last = NULL;
		if (*word == '-' && !closes && strchr(word, '|') == NULL) {
			size_t i;

			for (i = 0; i < out->noptions; i++)
				if (strcmp(out->options[i].name, word) == 0)
					last = &out->options[i];
		}
	}
}
