/* What is wrong with a file that a person wrote: collected in one pass, sorted, told at once. */
#ifndef BASE_MISTAKES_H
#define BASE_MISTAKES_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct buf;

struct place {
	int line, column; /* from 1; 0: the file as a whole */
};

struct mistake {
	struct place at;
	bool warning;    /* told, but nothing is refused for it */
	const char *key; /* "endpoints.desk.rate"; NULL: the file as a whole */
	const char *wrong;
	const char *allowed; /* NULL: not said */
	const char *nearest; /* what was meant, perhaps; NULL: no idea */
};

struct mistakes {
	struct arena *arena; /* holds what the items point to */
	const char *file;    /* as the person named it; NULL until known */
	int exit;            /* how a program that gives up over these ends; 0: nothing wrong */
	struct mistake *items;
	size_t all, size;
	size_t count, warnings; /* of items: mistakes proper; warnings */
};

void mistakes_init(struct mistakes *m);
void mistakes_fini(struct mistakes *m);

/* Adds *like, whose texts are copied, control characters made visible; its `wrong` comes from the
 * format. A mistake sets exit to 78 (EX_CONFIG) where it is still 0. */
void mistake_add(struct mistakes *m, const struct mistake *like, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A value as a mistake quotes it: not too long. In a, or text itself. */
const char *mistake_quote(struct arena *a, const char *text);
/* By line, then column; in the order they were found where those are equal. */
void mistakes_sort(struct mistakes *m);

/* "FILE:LINE:COLUMN: KEY: what is wrong; allowed: …; did you mean "…"?", without a line feed. */
void mistake_print(struct buf *out, const struct mistakes *m, const struct mistake *one);
/* The same from KEY on. */
void mistake_words(struct buf *out, const struct mistake *one);
/* All mistakes, no warnings, a line each; then "N mistakes in FILE; nothing was started". */
void mistakes_print(struct buf *out, const struct mistakes *m);

#endif
