/* See quick_store.h. The linker leads the two functions here (--wrap). */
#include "quick_store.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "store/sqlite_stmt.h"
#include "store/store.h"

int __wrap_stmt_prepare_all(struct stmt q[QUERY_COUNT], struct sqlite3 *db,
    struct store_failure *failure, struct err *err);
struct stmt *__real_stmt_begin(struct stmt *q);
struct stmt *__wrap_stmt_begin(struct stmt *q);

/* ---- statements ---- */

static const struct {
	const char *name, *sql;
} queries[] = {
#define X(name, sql) { #name, sql },
	QUERIES(X)
#undef X
};

/* One store is open at a time. */
static struct sqlite3 *opened;
static const struct stmt *first;

int __wrap_stmt_prepare_all(struct stmt q[QUERY_COUNT], struct sqlite3 *db,
    struct store_failure *failure, struct err *err)
{
	int i;

	(void)err;
	for (i = 0; i < QUERY_COUNT; i++)
		q[i] = (struct stmt){ .name = queries[i].name, .failure = failure };
	opened = db;
	first = q;
	return 0;
}

struct stmt *__wrap_stmt_begin(struct stmt *q)
{
	if (q->handle == NULL
	    && sqlite3_prepare_v3(opened, queries[q - first].sql, -1, SQLITE_PREPARE_PERSISTENT,
		   &q->handle, NULL)
		!= SQLITE_OK)
		fail_msg("statement %s: %s", q->name, sqlite3_errmsg(opened));
	return __real_stmt_begin(q);
}

/* ---- the empty store ---- */

static void *empty;
static size_t empty_len;

/* Its last life ended well, so that all of it is in the one file. */
static void make_empty(const char *path)
{
	struct store_options options = { .create = true };
	struct err err = { { 0 } };
	enum store_open why;
	struct store *s;
	char url[96];
	FILE *f;

	snprintf(url, sizeof(url), "sqlite:%s", path);
	options.url = url;
	s = store_open(&options, &why, &err);
	if (s == NULL)
		fail_msg("%s", err.text);
	store_close(s);
	snprintf(url, sizeof(url), "%s.lock", path);
	remove(url);
	f = fopen(path, "r");
	assert_non_null(f);
	fseek(f, 0, SEEK_END);
	empty_len = (size_t)ftell(f);
	rewind(f);
	empty = malloc(empty_len);
	assert_int_equal(empty_len, fread(empty, 1, empty_len, f));
	fclose(f);
}

void quick_store_put(const char *path)
{
	FILE *f;

	if (empty == NULL) {
		make_empty(path);
		return;
	}
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(empty_len, fwrite(empty, 1, empty_len, f));
	fclose(f);
}
