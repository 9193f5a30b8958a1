/* The SQLite driver: opening, locking, transactions, names.
 *
 * WAL with synchronous=FULL: a commit that returned is on disk. One process per store holds
 * PATH.lock for as long as it has the store open; the command line may read beside it. */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"
#include "store/driver.h"
#include "store/sqlite_db.h"

#define BUSY_MSECS 5000
#define WIPE_MSECS 100
#define LEFT "left at "
#define CHECKED_BYTES (4 << 20) /* larger files are not read through at every start */

/* ---- open ---- */

static int failed(enum store_open *why, enum store_open is)
{
	*why = is;
	return -1;
}

static enum store_open why_of_errno(int code)
{
	switch (code) {
	case ENOENT:
	case ENOTDIR: return STORE_OPEN_MISSING;
	case EACCES:
	case EPERM:
	case EROFS: return STORE_OPEN_UNWRITABLE;
	default: return STORE_OPEN_DISK;
	}
}

/* Who has it is in the file, for the words only: what counts is the flock, which ends with its
 * process. The file itself stays, since removing it would race with the next to lock it. While nobody has
 * it, it says how far the store was, so that an older copy put in its place is known as that. */
static int lock(struct store_db *db, enum store_open *why, struct err *err)
{
	char pid[32] = "";
	ssize_t len;

	db->was_new_lock = access(db->lock, F_OK) != 0;
	db->lock_fd = open(db->lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (db->lock_fd < 0) {
		*why = why_of_errno(errno);
		if (*why == STORE_OPEN_MISSING)
			return err_set(err, "%s: its folder does not exist", db->path);
		return err_set(err, "%s: %s", db->lock, strerror(errno));
	}
	if (flock(db->lock_fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK) {
			err_set(err, "%s: %s", db->lock, strerror(errno));
			return failed(why, STORE_OPEN_DISK);
		}
		len = pread(db->lock_fd, pid, sizeof(pid) - 1, 0);
		pid[len > 0 ? len : 0] = '\0';
		pid[strcspn(pid, "\n")] = '\0';
		err_set(err, "%s: in use by process %s", db->path,
		    pid[0] != '\0' ? pid : "unknown");
		/* Not ours: closing must not empty it. */
		close(db->lock_fd);
		db->lock_fd = -1;
		return failed(why, STORE_OPEN_LOCKED);
	}
	len = pread(db->lock_fd, db->left, sizeof(db->left) - 1, 0);
	db->left[len > 0 ? len : 0] = '\0';
	if (strncmp(db->left, LEFT, strlen(LEFT)) != 0)
		db->left[0] = '\0';
	len = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	if (ftruncate(db->lock_fd, 0) != 0 || pwrite(db->lock_fd, pid, (size_t)len, 0) != len) {
		err_set(err, "%s: %s", db->lock, strerror(errno));
		return failed(why, STORE_OPEN_DISK);
	}
	return 0;
}

static enum store_open why_of_sqlite(struct sqlite3 *handle)
{
	switch (sqlite3_errcode(handle)) {
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT: return STORE_OPEN_CORRUPT;
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH: return STORE_OPEN_UNWRITABLE;
	case SQLITE_BUSY:
	case SQLITE_LOCKED: return STORE_OPEN_LOCKED;
	default: return STORE_OPEN_DISK;
	}
}

static int open_failed(struct store_db *db, enum store_open *why, struct err *err)
{
	*why = why_of_sqlite(db->handle);
	if (sqlite3_errcode(db->handle) == SQLITE_NOTADB)
		return err_set(err, "%s: this is not a database", db->path);
	if (*why == STORE_OPEN_CORRUPT)
		return err_set(err, "%s: the database is damaged: %s", db->path,
		    sqlite3_errmsg(db->handle));
	return err_set(err, "%s: %s", db->path, sqlite3_errmsg(db->handle));
}

/* Before the first use in this process: nothing here reads what SQLite counts of its memory, and counting
 * takes a lock at each allocation. Where it was used already it stays as it is. */
static void set_up_library(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static int open_handle(struct store_db *db, const struct store_options *o, enum store_open *why,
    struct err *err)
{
	static const char *const settings[] = {
		"PRAGMA page_size = 4096",
		"PRAGMA journal_mode = WAL",
		"PRAGMA synchronous = FULL",
		"PRAGMA wal_autocheckpoint = 1000",
		"PRAGMA journal_size_limit = 67108864",
		"PRAGMA cache_size = -2048",
		"PRAGMA foreign_keys = OFF",
		"PRAGMA secure_delete = ON",
		"PRAGMA temp_store = MEMORY",
	};
	int flags = o->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
	size_t i, first = o->read_only ? 2 : 0;

	if (o->create && !o->read_only)
		flags |= SQLITE_OPEN_CREATE;
	set_up_library();
	if (sqlite3_open_v2(db->path, &db->handle, flags | SQLITE_OPEN_NOMUTEX, NULL)
	    != SQLITE_OK) {
		open_failed(db, why, err);
		if (sqlite3_errcode(db->handle) == SQLITE_CANTOPEN)
			*why = why_of_errno(sqlite3_system_errno(db->handle));
		return -1;
	}
	sqlite3_extended_result_codes(db->handle, 1);
	sqlite3_busy_timeout(db->handle, BUSY_MSECS);
	for (i = first; i < sizeof(settings) / sizeof(settings[0]); i++)
		if (sqlite3_exec(db->handle, settings[i], NULL, NULL, NULL) != SQLITE_OK)
			return open_failed(db, why, err);
	return 0;
}

static int first_problem(void *arg, int ncols, char **cols, char **names)
{
	struct err *problem = arg;

	(void)names;
	if (problem->text[0] == '\0' && ncols > 0 && strcmp(cols[0], "ok") != 0)
		err_set(problem, "%s", cols[0]);
	return 0;
}

/* A small file is cheap to read through; in a large one damage shows when it is met. */
static int check(struct store_db *db, enum store_open *why, struct err *err)
{
	struct err problem = { "" };
	struct stat st;

	if (stat(db->path, &st) != 0 || st.st_size > CHECKED_BYTES)
		return 0;
	if (sqlite3_exec(db->handle, "PRAGMA quick_check(1)", first_problem, &problem, NULL)
	    != SQLITE_OK)
		return open_failed(db, why, err);
	if (problem.text[0] == '\0')
		return 0;
	err_set(err, "%s: the database is damaged: %s", db->path, problem.text);
	return failed(why, STORE_OPEN_CORRUPT);
}

static int read_counters(struct store_db *db)
{
	struct stmt *q = query(db, Q_EVENT_LAST);

	if (stmt_number(q, &db->last_event) < 0)
		return -1;
	q = query(db, Q_META_GET);
	stmt_text(q, "pos");
	if (stmt_number(q, &db->last_pos) < 0)
		return -1;
	db->kept_pos = db->last_pos;
	return 0;
}

/* How far it is: the newest event, and how many deliveries are not over. -1: it cannot be read. */
static int how_far(struct store_db *db, char out[48])
{
	struct stmt *q = query(db, Q_DELIVERY_NOT_OVER);
	int64_t pending;

	if (stmt_number(q, &pending) < 0)
		return -1;
	snprintf(out, 48, LEFT "%lld %lld\n", (long long)db->last_event, (long long)pending);
	return 0;
}

/* A copy of the store that is older than what was here, or that came here from elsewhere. Where the last
 * life was killed nothing says so. */
static int see_put_back(struct store_db *db)
{
	char now[48];

	if (db->last_event == 0 || (db->left[0] == '\0' && !db->was_new_lock && !db->was_copy))
		return 0;
	if (how_far(db, now) != 0)
		return -1;
	if (db->was_copy || strcmp(now, db->left) != 0)
		db->put_back = db->last_event;
	return 0;
}

static void unlock(struct store_db *db, const char *left)
{
	size_t len = strlen(left);

	if (db->lock_fd < 0)
		return;
	if (ftruncate(db->lock_fd, 0) != 0 || pwrite(db->lock_fd, left, len, 0) != (ssize_t)len)
		(void)0; /* then nothing is known of it */
	close(db->lock_fd);
}

static void sqlite_close(struct store_db *db)
{
	char left[48] = "";

	if (db == NULL)
		return;
	if (db->lock_fd >= 0 && db->is_open && how_far(db, left) != 0)
		left[0] = '\0';
	sqlite_backup_stop(db);
	stmt_finalize_all(db->q);
	sqlite3_value_free(db->retain_id);
	sqlite3_close(db->handle);
	unlock(db, left);
	buf_fini(&db->bytes);
	xfree(db->wal);
	xfree(db->lock);
	xfree((char *)db->path);
	xfree(db);
}

static char *joined(const char *path, const char *end)
{
	size_t len = strlen(path), more = strlen(end);
	char *s = xmalloc(len + more + 1);

	memcpy(s, path, len);
	memcpy(s + len, end, more + 1);
	return s;
}

/* A backup was put in place of a store whose life was cut off: the WAL that this has left would be taken for its
 * own. */
static void take_over_copy(struct store_db *db)
{
	char *shm;

	db->was_copy = sqlite_is_copy(db->path);
	if (!db->was_copy)
		return;
	shm = joined(db->path, "-shm");
	unlink(db->wal);
	unlink(shm);
	xfree(shm);
}

static struct store_db *sqlite_open(const struct store_options *o, const char *path,
    enum store_open *why, struct err *err)
{
	struct store_db *db = xcalloc(1, sizeof(*db));
	struct stat st;

	db->path = xstrdup(path);
	db->wal = joined(path, "-wal");
	db->lock = joined(path, ".lock");
	db->lock_fd = -1;
	buf_init(&db->bytes);
	if (stat(path, &st) != 0 && errno != EACCES && (!o->create || o->read_only)) {
		*why = why_of_errno(errno);
		err_set(err, "%s: %s", path, strerror(errno));
		goto fail;
	}
	if (!o->read_only && lock(db, why, err) != 0)
		goto fail;
	if (!o->read_only)
		take_over_copy(db);
	if (open_handle(db, o, why, err) != 0)
		goto fail;
	if (sqlite_migrate(db->handle, path, o->read_only, &db->schema, why, err) != 0) {
		if (*why == STORE_OPEN_DISK)
			*why = why_of_sqlite(db->handle);
		goto fail;
	}
	if (check(db, why, err) != 0)
		goto fail;
	if (stmt_prepare_all(db->q, db->handle, &db->failure, err) != 0) {
		*why = STORE_OPEN_CORRUPT;
		err_wrap(err, "%s", path);
		goto fail;
	}
	if (read_counters(db) != 0 || (!o->read_only && see_put_back(db) != 0)) {
		open_failed(db, why, err);
		goto fail;
	}
	db->is_open = true;
	*why = STORE_OPEN_OK;
	return db;
fail:
	sqlite_close(db);
	return NULL;
}

/* ---- transactions ---- */

static int report(struct store_db *db, int ret, struct store_failure *failure)
{
	if (ret != 0)
		*failure = db->failure;
	return ret;
}

static int sqlite_begin(struct store_db *db, bool is_write, struct store_failure *failure)
{
	db->failure.fault = STORE_FAULT_NONE;
	return report(db, stmt_run(query(db, is_write ? Q_BEGIN_WRITE : Q_BEGIN)), failure);
}

static int sqlite_apply_one(struct store_db *db, struct store_op *op, struct store_failure *failure)
{
	db->failure.fault = STORE_FAULT_NONE;
	return report(db, sqlite_apply(db, op), failure);
}

/* What is deleted is overwritten (secure_delete), but the WAL holds pages as they were. Somebody who reads the store
 * just now may be in the way, a backup for minutes: messages do not wait for that. */
static void wipe(struct store_db *db)
{
	int rc;

	sqlite3_busy_timeout(db->handle, WIPE_MSECS);
	rc = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	sqlite3_busy_timeout(db->handle, BUSY_MSECS);
	db->wipe = rc == SQLITE_OK ? WIPE_DONE : WIPE_FAILED;
}

static int sqlite_commit(struct store_db *db, struct store_failure *failure)
{
	db->failure.fault = STORE_FAULT_NONE;
	if (sqlite_tally_write(db) != 0)
		return report(db, -1, failure);
	if (stmt_run(query(db, Q_COMMIT)) != 0)
		return report(db, -1, failure);
	if (db->wipe == WIPE_WANTED)
		wipe(db);
	return 0;
}

/* SQLite itself has rolled back after some faults. What memory took for stored is given up too. */
static void sqlite_rollback(struct store_db *db)
{
	stmt_reset_all(db->q);
	if (!sqlite3_get_autocommit(db->handle))
		stmt_run(query(db, Q_ROLLBACK));
	db->kept_pos = db->last_pos;
	db->noted_day = 0;
	db->ntally = 0;
}

/* ---- names and values ---- */

/* These run outside a transaction of ours: each statement is one. */
static int explain(struct store_db *db, struct err *err, const char *what)
{
	err_set(err, "%s: %s", what, db->failure.err.text);
	db->failure.fault = STORE_FAULT_NONE;
	return -1;
}

static int keep_ident(struct store_db *db, int id, const char *name, const char *platform,
    const char *ident, struct err *err)
{
	struct stmt *q = query(db, Q_ENDPOINT_IDENT);

	stmt_text(q, platform);
	stmt_text(q, ident);
	stmt_i64(q, id);
	return stmt_run(q) != 0 ? explain(db, err, name) : 0;
}

static int change_ident(struct store_db *db, int id, const char *name, const char *platform,
    const char *ident, bool was_known, struct err *err)
{
	struct stmt *q = query(db, Q_ENDPOINT_LINKED);
	int64_t linked = 0;

	stmt_i64(q, id);
	if (was_known && stmt_number(q, &linked) < 0)
		return explain(db, err, name);
	stmt_end(q);
	if (linked != 0)
		return err_set(err,
		    "endpoint %s has become another account (%s %s), but has"
		    " conversations of the old one: give the new one another name",
		    name, platform, ident);
	return keep_ident(db, id, name, platform, ident, err);
}

/* Word by word: whether one may be the other, and what is known of both. */
static bool idents_fit(const char *was, const char *will, struct buf *both)
{
	size_t m, n;
	bool fit = true;

	while (fit && (*was != '\0' || *will != '\0')) {
		m = strcspn(was, " ");
		n = strcspn(will, " ");
		if (n == 0 || (n == 1 && *will == '-' && m > 0))
			buf_add(both, was, m);
		else
			buf_add(both, will, n);
		fit = m == 0 || n == 0 || (m == 1 && *was == '-') || (n == 1 && *will == '-')
		    || (m == n && memcmp(was, will, n) == 0);
		was += m + (was[m] == ' ');
		will += n + (will[n] == ' ');
		if (*was != '\0' || *will != '\0')
			buf_add(both, " ", 1);
	}
	return fit;
}

static int sqlite_endpoint_id(struct store_db *db, const char *name, const char *platform,
    const char *ident, int *id, struct err *err)
{
	struct stmt *q = query(db, Q_ENDPOINT_GET);
	const char *its_platform, *its_ident;
	bool is_same = false, was_known = false;
	struct buf both;
	enum stmt_result r;
	int ret;

	db->failure.fault = STORE_FAULT_NONE;
	stmt_text(q, name);
	r = stmt_step(q);
	if (r == STMT_ERROR)
		return explain(db, err, name);
	if (r == STMT_ROW) {
		*id = stmt_col_int(q, 0);
		its_platform = stmt_col_peek(q, 1);
		its_ident = stmt_col_peek(q, 2);
		was_known = its_ident != NULL || strcmp(its_platform, platform) != 0;
		buf_init(&both);
		is_same = strcmp(its_platform, platform) == 0
		    && (ident == NULL
			|| (its_ident != NULL && idents_fit(its_ident, ident, &both)));
		stmt_end(q);
		if (!is_same)
			ret = change_ident(db, *id, name, platform, ident, was_known, err);
		else
			ret =
			    both.len > 0 ? keep_ident(db, *id, name, platform, both.data, err) : 0;
		buf_fini(&both);
		return ret;
	}
	q = query(db, Q_ENDPOINT_ADD);
	stmt_text(q, name);
	stmt_text(q, platform);
	stmt_text(q, ident);
	if (stmt_run(q) != 0)
		return explain(db, err, name);
	*id = (int)sqlite3_last_insert_rowid(db->handle);
	return 0;
}

static int sqlite_bridge_id(struct store_db *db, const char *name, int64_t now_ms, int *id,
    int64_t *since_ms, struct err *err)
{
	struct stmt *q = query(db, Q_BRIDGE_GET);

	db->failure.fault = STORE_FAULT_NONE;
	stmt_text(q, name);
	switch (stmt_step(q)) {
	case STMT_ROW:
		*id = stmt_col_int(q, 0);
		*since_ms = stmt_col_i64(q, 1);
		stmt_end(q);
		return 0;
	case STMT_DONE: break;
	case STMT_ERROR: return explain(db, err, name);
	}
	q = query(db, Q_BRIDGE_ADD);
	stmt_text(q, name);
	stmt_i64(q, now_ms);
	if (stmt_run(q) != 0)
		return explain(db, err, name);
	*id = (int)sqlite3_last_insert_rowid(db->handle);
	*since_ms = now_ms;
	return 0;
}

static const char *text_of(struct stmt *q, struct arena *a)
{
	const char *text;

	if (stmt_step(q) != STMT_ROW)
		return NULL;
	text = stmt_col_text(q, 0, a);
	stmt_end(q);
	return text;
}

static const char *sqlite_endpoint_memo(struct store_db *db, struct arena *a, int id)
{
	struct stmt *q = query(db, Q_ENDPOINT_MEMO);

	db->failure.fault = STORE_FAULT_NONE;
	stmt_i64(q, id);
	return text_of(q, a);
}

static const char *sqlite_keep(struct store_db *db, struct arena *a, const char *key,
    const char *made_up, struct err *err)
{
	struct stmt *q = query(db, Q_META_GET);
	const char *kept;

	db->failure.fault = STORE_FAULT_NONE;
	stmt_text(q, key);
	kept = text_of(q, a);
	if (kept != NULL)
		return kept;
	if (db->failure.fault == STORE_FAULT_NONE && made_up != NULL) {
		q = query(db, Q_META_SET);
		stmt_text(q, key);
		stmt_text(q, made_up);
		if (stmt_run(q) == 0)
			return arena_strdup(a, made_up);
	}
	if (db->failure.fault != STORE_FAULT_NONE)
		explain(db, err, key);
	return NULL;
}

static void sqlite_size(struct store_db *db, int64_t *bytes, int64_t *disk_free)
{
	struct statvfs fs;
	struct stat st;

	*bytes = stat(db->path, &st) == 0 ? st.st_size : 0;
	if (stat(db->wal, &st) == 0)
		*bytes += st.st_size;
	*disk_free = statvfs(db->path, &fs) == 0 ? (int64_t)(fs.f_bavail * fs.f_frsize) : -1;
}

static int sqlite_schema_version(struct store_db *db)
{
	return db->schema;
}

static int64_t sqlite_put_back(struct store_db *db)
{
	return db->put_back;
}

const struct store_driver store_sqlite = {
	.scheme = "sqlite",
	.open = sqlite_open,
	.close = sqlite_close,
	.begin = sqlite_begin,
	.apply = sqlite_apply_one,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
	.endpoint_id = sqlite_endpoint_id,
	.bridge_id = sqlite_bridge_id,
	.endpoint_memo = sqlite_endpoint_memo,
	.keep = sqlite_keep,
	.size = sqlite_size,
	.schema = sqlite_schema_version,
	.put_back = sqlite_put_back,
};

const char *store_library(void)
{
	return sqlite3_libversion();
}
