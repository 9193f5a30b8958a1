/* See pairs.h. */
#include "core/pairs.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/utf8.h"
#include "core/text.h"

#define MISTAKES_TOLD 20
#define SHOWN_MAX 60 /* of what was found */
#define ALLOWED \
	"allowed: CUSTOMERS:CONVERSATION AGENTS:CONVERSATION, with the names of two endpoints"

/* One conversation of the file, to find it once more. */
struct seen {
	struct map_node node;
	const char *text, *other;
	int line;
};

struct reading {
	struct arena *a;
	const char *file;
	struct pairs *out;
	size_t size;
	struct map seen;
};

static void wrong(struct reading *r, int line, const char *what)
{
	if (r->out->nmistakes == MISTAKES_TOLD) {
		r->out->nmore++;
		return;
	}
	r->out->mistakes[r->out->nmistakes++] =
	    arena_printf(r->a, "%s:%d: %s", r->file, line, what);
}

const char *pair_endpoint(struct arena *a, const char *text, const char **id)
{
	const char *colon = strchr(text, ':');

	if (colon == NULL || colon == text || colon[1] == '\0')
		return NULL;
	*id = colon + 1;
	return arena_strndup(a, text, (size_t)(colon - text));
}

/* True: it stands in an earlier line, with that other one or another. */
static bool was_seen(struct reading *r, const char *text, const char *other, int line)
{
	uint64_t hash = hash_text(text, 0);
	const struct map_node *n = map_find(&r->seen, hash);
	struct seen *s;

	for (; n != NULL; n = map_find_next(n)) {
		s = (struct seen *)n;
		if (strcmp(s->text, text) != 0)
			continue;
		wrong(r, line,
		    strcmp(s->other, other) == 0
			? arena_printf(r->a, "found the pair of line %d once more; allowed: once",
			    s->line)
			: arena_printf(r->a,
			    "found %s, which goes with %s in line %d; allowed: one pair for each",
			    text_excerpt(r->a, text, SHOWN_MAX),
			    text_excerpt(r->a, s->other, SHOWN_MAX), s->line));
		return true;
	}
	s = arena_zalloc(r->a, sizeof(*s));
	*s = (struct seen){ .text = text, .other = other, .line = line };
	map_add(&r->seen, &s->node, hash);
	return false;
}

static void add(struct reading *r, const char *customers, const char *agents, int line)
{
	struct pair *more;

	if (was_seen(r, customers, agents, line) || was_seen(r, agents, customers, line))
		return;
	if (r->out->count == r->size) {
		r->size = r->size > 0 ? 2 * r->size : 64;
		more = arena_zalloc(r->a, r->size * sizeof(*more));
		if (r->out->count > 0)
			memcpy(more, r->out->items, r->out->count * sizeof(*more));
		r->out->items = more;
	}
	r->out->items[r->out->count++] = (struct pair){ customers, agents, line };
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of a line; NULL: there is none. */
static const char *next_word(struct reading *r, const char **at, const char *end)
{
	const char *begin;

	while (*at < end && is_blank(**at))
		(*at)++;
	begin = *at;
	if (begin == end || *begin == '#')
		return NULL;
	while (*at < end && !is_blank(**at))
		(*at)++;
	return arena_strndup(r->a, begin, (size_t)(*at - begin));
}

static void read_line(struct reading *r, const char *begin, const char *end, int line)
{
	const char *at = begin, *first = next_word(r, &at, end), *second, *third, *id, *bad;

	if (first == NULL)
		return;
	second = next_word(r, &at, end);
	third = second != NULL ? next_word(r, &at, end) : NULL;
	bad = pair_endpoint(r->a, first, &id) == NULL                    ? first
	    : second != NULL && pair_endpoint(r->a, second, &id) == NULL ? second
									 : third;
	if (bad != NULL)
		wrong(r, line,
		    arena_printf(r->a, "found \"%s\"; " ALLOWED,
			text_excerpt(r->a, bad, SHOWN_MAX)));
	else if (second == NULL)
		wrong(r, line, "found one conversation; " ALLOWED);
	else
		add(r, first, second, line);
}

void pairs_read(struct arena *a, const char *file, const char *text, size_t size, struct pairs *out)
{
	static const char bom[] = "\xef\xbb\xbf";
	struct reading r = { .a = a, .file = file, .out = out };
	const char *at = text, *end = text + size, *eol;
	int line;

	*out = (struct pairs){ .mistakes = arena_zalloc(a, MISTAKES_TOLD * sizeof(char *)) };
	map_init(&r.seen);
	if (size >= 3 && memcmp(text, bom, 3) == 0)
		at += 3;
	for (line = 1; at < end; line++, at = eol + 1) {
		eol = memchr(at, '\n', (size_t)(end - at));
		if (eol == NULL)
			eol = end;
		if (utf8_valid(at, (size_t)(eol - at))
		    && memchr(at, '\0', (size_t)(eol - at)) == NULL)
			read_line(&r, at, eol, line);
		else
			wrong(&r, line, "found bytes that are no UTF-8 text; " ALLOWED);
	}
	map_fini(&r.seen);
}
