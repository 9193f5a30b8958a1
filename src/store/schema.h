/* The files of schema/, compiled in. Numbered from 1 without a gap, applied once, never edited after
 * a release. */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include <stddef.h>

struct schema_file {
	int version;
	const char *name;
	const char *sql;
};

extern const struct schema_file schema_sqlite[];
extern const size_t schema_sqlite_count;

#endif
