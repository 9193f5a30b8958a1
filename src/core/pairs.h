/* A file of pairs, as people make one to say which conversations belong together (`tieline migrate --links`): a line
 * each, the customers' side first, as `trace` takes ids:
 *
 *     shop:CONVERSATION desk:CONVERSATION     # and what is said of it
 *
 * Empty lines, and what stands behind a # at the beginning of a word, are passed over. Pure. */
#ifndef CORE_PAIRS_H
#define CORE_PAIRS_H

#include <stddef.h>

struct arena;

struct pair {
	const char *customers, *agents; /* "shop:…", "desk:…" */
	int line;
};

struct pairs {
	struct pair *items;
	size_t count;
	const char *
	    *mistakes; /* one a line, "FILE:LINE: …"; where there are any, items are of no use */
	size_t nmistakes;
	size_t nmore; /* mistakes that are not told */
};

/* text has size bytes; file is what mistakes call it. Texts are in a. */
void pairs_read(struct arena *a, const char *file, const char *text, size_t size,
    struct pairs *out);
/* The endpoint of "shop:…"; *id is what stands behind it. NULL: it has none. */
const char *pair_endpoint(struct arena *a, const char *text, const char **id);

#endif
