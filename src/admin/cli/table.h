/* Tables for people: columns as wide as what is in them. */
#ifndef ADMIN_CLI_TABLE_H
#define ADMIN_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct buf;

#define COLUMNS_MOST 8

struct table { /* cleared, but for the first two, and right */
	struct arena *arena;
	size_t ncolumns;
	bool right[COLUMNS_MOST]; /* numbers */
	size_t width[COLUMNS_MOST];
	const char *(*rows)[COLUMNS_MOST];
	size_t nrows, size;
};

/* One more row, to be filled before the next; NULL is an empty cell. */
const char **table_row(struct table *t);
void table_measure(struct table *t);
void table_print(struct table *t, struct buf *out);

#endif
