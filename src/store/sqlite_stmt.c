/* Binds remember the first failure, so that a caller checks once: at the step. A step that fails
 * says why in the driver's failure, classified while SQLite still knows. */
#include "store/sqlite_stmt.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>

#include "base/arena.h"

static const struct {
	const char *name, *sql;
} queries[] = {
#define X(name, sql) { #name, sql },
	QUERIES(X)
#undef X
};

static int errno_of(sqlite3_file *file)
{
	int system = 0;

	if (file == NULL || file->pMethods == NULL
	    || file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &system) != SQLITE_OK)
		return 0;
	return system;
}

/* Why the system refused. Of a COMMIT SQLite itself does not say that; the write-ahead log knows. */
static int errno_behind(struct sqlite3 *db, int code)
{
	sqlite3_file *log = NULL;
	int system = sqlite3_system_errno(db);

	if (system == ENOSPC || system == EDQUOT || system == EROFS)
		return system;
	switch (code) {
	case SQLITE_IOERR_WRITE:
	case SQLITE_IOERR_FSYNC:
	case SQLITE_IOERR_TRUNCATE:
		if (sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log)
		    == SQLITE_OK)
			return errno_of(log);
	}
	return system;
}

/* What the disk says is told from what our SQL got wrong: the first may pass. */
static enum store_fault fault_of(struct sqlite3 *db, int code)
{
	int system = errno_behind(db, code);

	switch (code & 0xff) {
	case SQLITE_FULL: return STORE_FAULT_DISK_FULL;
	case SQLITE_READONLY: return STORE_FAULT_READ_ONLY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB: return STORE_FAULT_CORRUPT;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		if (system == ENOSPC || system == EDQUOT)
			return STORE_FAULT_DISK_FULL;
		if (system == EROFS)
			return STORE_FAULT_READ_ONLY;
		return STORE_FAULT_IO;
	case SQLITE_BUSY: /* another program sits on the lock: it may let go */
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL: return STORE_FAULT_IO;
	default: return STORE_FAULT_OTHER;
	}
}

int sqlite_failed(struct sqlite3 *db, struct store_failure *failure, const char *what)
{
	int code = sqlite3_extended_errcode(db);

	if (failure->fault != STORE_FAULT_NONE)
		return -1;
	failure->fault = fault_of(db, code);
	return err_set(&failure->err, "%s: %s (SQLite %d)", what, sqlite3_errmsg(db), code);
}

int stmt_prepare_all(struct stmt q[QUERY_COUNT], struct sqlite3 *db, struct store_failure *failure,
    struct err *err)
{
	int i;

	for (i = 0; i < QUERY_COUNT; i++) {
		q[i] = (struct stmt){ .name = queries[i].name, .failure = failure };
		if (sqlite3_prepare_v3(db, queries[i].sql, -1, SQLITE_PREPARE_PERSISTENT,
			&q[i].handle, NULL)
		    != SQLITE_OK)
			return err_set(err, "statement %s: %s", q[i].name, sqlite3_errmsg(db));
	}
	return 0;
}

void stmt_finalize_all(struct stmt q[QUERY_COUNT])
{
	int i;

	for (i = 0; i < QUERY_COUNT; i++) {
		sqlite3_finalize(q[i].handle);
		q[i].handle = NULL;
	}
}

void stmt_reset_all(struct stmt q[QUERY_COUNT])
{
	int i;

	for (i = 0; i < QUERY_COUNT; i++)
		sqlite3_reset(q[i].handle);
}

struct stmt *stmt_begin(struct stmt *q)
{
	sqlite3_reset(q->handle);
	q->at = 0;
	q->rc = SQLITE_OK;
	return q;
}

static void bound(struct stmt *q, int rc)
{
	if (q->rc == SQLITE_OK)
		q->rc = rc;
}

void stmt_null(struct stmt *q)
{
	bound(q, sqlite3_bind_null(q->handle, ++q->at));
}

void stmt_i64(struct stmt *q, int64_t n)
{
	bound(q, sqlite3_bind_int64(q->handle, ++q->at, n));
}

void stmt_id(struct stmt *q, int64_t id)
{
	if (id == 0)
		stmt_null(q);
	else
		stmt_i64(q, id);
}

void stmt_text(struct stmt *q, const char *s)
{
	if (s == NULL)
		stmt_null(q);
	else
		bound(q,
		    sqlite3_bind_text64(q->handle, ++q->at, s, strlen(s), SQLITE_STATIC,
			SQLITE_UTF8));
}

/* Ids that are decimal are stored as numbers: smaller, and new ones go to the right edge of the
 * index. Only where the number gives back the same text. */
void stmt_remote(struct stmt *q, const char *s)
{
	int64_t n = 0;
	int i;

	for (i = 0; i < 18 && s != NULL && s[i] >= '0' && s[i] <= '9'; i++)
		n = n * 10 + (s[i] - '0');
	if (i > 0 && s[i] == '\0' && (s[0] != '0' || i == 1))
		stmt_i64(q, n);
	else
		stmt_text(q, s);
}

void stmt_blob(struct stmt *q, const void *p, size_t len)
{
	bound(q, sqlite3_bind_blob64(q->handle, ++q->at, len > 0 ? p : "", len, SQLITE_STATIC));
}

void stmt_value(struct stmt *q, const struct sqlite3_value *v)
{
	bound(q, sqlite3_bind_value(q->handle, ++q->at, v));
}

enum stmt_result stmt_step(struct stmt *q)
{
	struct sqlite3 *db = sqlite3_db_handle(q->handle);
	int rc;

	if (q->rc != SQLITE_OK) {
		if (q->failure->fault == STORE_FAULT_NONE) {
			q->failure->fault = STORE_FAULT_OTHER;
			err_set(&q->failure->err, "%s, value %d: %s", q->name, q->at,
			    sqlite3_errstr(q->rc));
		}
		return STMT_ERROR;
	}
	rc = sqlite3_step(q->handle);
	if (rc == SQLITE_ROW)
		return STMT_ROW;
	if (rc != SQLITE_DONE)
		sqlite_failed(db, q->failure, q->name);
	sqlite3_reset(q->handle);
	return rc == SQLITE_DONE ? STMT_DONE : STMT_ERROR;
}

void stmt_end(struct stmt *q)
{
	sqlite3_reset(q->handle);
}

int stmt_run(struct stmt *q)
{
	enum stmt_result r = stmt_step(q);

	if (r == STMT_ROW)
		stmt_end(q);
	return r == STMT_ERROR ? -1 : 0;
}

int stmt_number(struct stmt *q, int64_t *n)
{
	switch (stmt_step(q)) {
	case STMT_ROW:
		*n = stmt_col_i64(q, 0);
		stmt_end(q);
		return 1;
	case STMT_DONE: return 0;
	case STMT_ERROR: break;
	}
	return -1;
}

int64_t stmt_col_i64(struct stmt *q, int col)
{
	return sqlite3_column_int64(q->handle, col);
}

int stmt_col_int(struct stmt *q, int col)
{
	return sqlite3_column_int(q->handle, col);
}

const char *stmt_col_peek(struct stmt *q, int col)
{
	return (const char *)sqlite3_column_text(q->handle, col);
}

const char *stmt_col_text(struct stmt *q, int col, struct arena *a)
{
	const char *text = stmt_col_peek(q, col);

	return text == NULL ? NULL
			    : arena_memdup(a, text, (size_t)sqlite3_column_bytes(q->handle, col));
}

const void *stmt_col_blob(struct stmt *q, int col, size_t *len)
{
	const void *p = sqlite3_column_blob(q->handle, col);

	*len = (size_t)sqlite3_column_bytes(q->handle, col);
	return p;
}

struct sqlite3_value *stmt_col_value(struct stmt *q, int col)
{
	return sqlite3_value_dup(sqlite3_column_value(q->handle, col));
}
