/* See backup.h. A connection of its own reads, in one transaction from the first step to the last: so it sees the
 * store as it was, and no write begins it anew. The copy is handed to the disk while it grows, without waiting, and
 * waited for piece by piece at the end, so that no step takes long.
 *
 * A copy says of itself that it has no WAL: see sqlite_is_copy. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/backup.h"
#include "store/sqlite_db.h"

#define PAGES_AT_ONCE 256
#define SYNC_AT_ONCE (8 << 20)
/* Of a database's header: how it is written, and read; 1 without a WAL, 2 with one. */
#define HEADER_WAY 18

struct sqlite_backup_state {
	char *file, *part;
	struct sqlite3 *from, *to;
	struct sqlite3_backup *copy;
	int fd;         /* of the part; -1: not ours yet */
	bool is_copied; /* only the disk is waited for */
	bool
	    is_done; /* known until the commit: where another of the batch fails, all are done once more */
	int64_t size, synced;
};

/* ---- the end ---- */

static void close_copy(struct sqlite_backup_state *b)
{
	sqlite3_backup_finish(b->copy);
	sqlite3_close(b->to);
	sqlite3_close(b->from);
	b->copy = NULL;
	b->to = b->from = NULL;
}

static void forget(struct store_db *db)
{
	struct sqlite_backup_state *b = db->backup;

	close_copy(b);
	if (b->fd >= 0)
		close(b->fd);
	xfree(b->file);
	xfree(b->part);
	xfree(b);
	db->backup = NULL;
}

void sqlite_backup_stop(struct store_db *db)
{
	if (db->backup == NULL)
		return;
	if (db->backup->fd >= 0 && !db->backup->is_done)
		unlink(db->backup->part);
	forget(db);
}

static int fail(struct store_db *db, struct op_backup *op, enum store_open how, const char *what)
{
	op->has_failed = true;
	op->how = how;
	err_set(&op->why, "%s", what);
	sqlite_backup_stop(db);
	return 0;
}

static int fail_errno(struct store_db *db, struct op_backup *op, const char *file)
{
	char what[512];
	int code = errno;

	op->is_there = code == EEXIST;
	snprintf(what, sizeof(what), "%s: %s", file, strerror(code));
	return fail(db, op,
	    code == EACCES || code == EPERM || code == EROFS ? STORE_OPEN_UNWRITABLE
		: code == ENOENT || code == ENOTDIR          ? STORE_OPEN_MISSING
							     : STORE_OPEN_DISK,
	    what);
}

static int fail_sqlite(struct store_db *db, struct op_backup *op, struct sqlite3 *handle)
{
	char what[512];

	snprintf(what, sizeof(what), "%s: %s", op->file, sqlite3_errmsg(handle));
	return fail(db, op, STORE_OPEN_DISK, what);
}

/* ---- the beginning ---- */

static int exec(struct sqlite3 *handle, const char *sql)
{
	return sqlite3_exec(handle, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : -1;
}

static int begin(struct store_db *db, struct op_backup *op)
{
	struct sqlite_backup_state *b = xcalloc(1, sizeof(*b));
	size_t len = strlen(op->file);

	db->backup = b;
	b->fd = -1;
	b->file = xstrdup(op->file);
	b->part = xmalloc(len + sizeof(".part"));
	memcpy(b->part, op->file, len);
	memcpy(b->part + len, ".part", sizeof(".part"));
	if (access(b->file, F_OK) == 0) {
		errno = EEXIST;
		return fail_errno(db, op, b->file);
	}
	b->fd = open(b->part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (b->fd < 0)
		return fail_errno(db, op, b->part);
	if (sqlite3_open_v2(db->path, &b->from, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL)
		!= SQLITE_OK
	    || exec(b->from, "PRAGMA cache_size = -1024") != 0 || exec(b->from, "BEGIN") != 0
	    || exec(b->from, "SELECT count(*) FROM sqlite_schema") != 0)
		return fail_sqlite(db, op, b->from);
	if (sqlite3_open_v2(b->part, &b->to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL)
		!= SQLITE_OK
	    || exec(b->to, "PRAGMA cache_size = -1024") != 0
	    || exec(b->to, "PRAGMA journal_mode = OFF") != 0
	    || exec(b->to, "PRAGMA synchronous = OFF") != 0)
		return fail_sqlite(db, op, b->to);
	b->copy = sqlite3_backup_init(b->to, "main", b->from, "main");
	return b->copy != NULL ? 0 : fail_sqlite(db, op, b->to);
}

/* ---- on the way ---- */

static int mark_as_copy(struct sqlite_backup_state *b)
{
	static const char no_wal[2] = { 1, 1 };
	struct stat st;

	close_copy(b);
	if (pwrite(b->fd, no_wal, sizeof(no_wal), HEADER_WAY) != (ssize_t)sizeof(no_wal)
	    || fstat(b->fd, &st) != 0)
		return -1;
	b->is_copied = true;
	b->size = st.st_size;
	return 0;
}

static int copy_some(struct store_db *db, struct op_backup *op)
{
	struct sqlite_backup_state *b = db->backup;
	int rc = sqlite3_backup_step(b->copy, PAGES_AT_ONCE);

	if (rc == SQLITE_DONE)
		return mark_as_copy(b) == 0 ? 0 : fail_errno(db, op, b->part);
	if (rc != SQLITE_OK && rc != SQLITE_BUSY && rc != SQLITE_LOCKED)
		return fail_sqlite(db, op, b->to);
	sync_file_range(b->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	return 0;
}

static int sync_folder(const char *file)
{
	char *copy = xstrdup(file);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int ret = fd >= 0 ? fsync(fd) : -1;

	if (fd >= 0)
		close(fd);
	xfree(copy);
	return ret;
}

/* Somebody may have put a file there meanwhile: it stays as it is. */
static int give_name(const struct sqlite_backup_state *b)
{
	if (renameat2(AT_FDCWD, b->part, AT_FDCWD, b->file, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	return link(b->part, b->file) == 0 ? unlink(b->part) : -1;
}

static int sync_some(struct store_db *db, struct op_backup *op)
{
	struct sqlite_backup_state *b = db->backup;

	if (b->synced < b->size) {
		sync_file_range(b->fd, b->synced, SYNC_AT_ONCE,
		    SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE
			| SYNC_FILE_RANGE_WAIT_AFTER);
		b->synced += SYNC_AT_ONCE;
		return 0;
	}
	if (fsync(b->fd) != 0)
		return fail_errno(db, op, b->part);
	if (give_name(b) != 0)
		return fail_errno(db, op, b->file);
	b->is_done = sync_folder(b->file) == 0;
	return b->is_done ? 0 : fail_errno(db, op, b->file);
}

void sqlite_backup_committed(struct store_db *db)
{
	if (db->backup != NULL && db->backup->is_done)
		forget(db);
}

int sqlite_backup(struct store_db *db, struct op_backup *op)
{
	op->is_done = op->has_failed = op->is_there = false;
	op->bytes = 0;
	op->how = STORE_OPEN_OK;
	if (op->step == BACKUP_STOP) {
		sqlite_backup_stop(db);
		return 0;
	}
	if (db->backup != NULL && strcmp(db->backup->file, op->file) != 0)
		sqlite_backup_stop(db); /* nobody goes on with it */
	if (db->backup == NULL && (begin(db, op) != 0 || op->has_failed))
		return 0;
	if (!db->backup->is_copied)
		return copy_some(db, op);
	if (!db->backup->is_done && (sync_some(db, op) != 0 || op->has_failed))
		return 0;
	op->is_done = db->backup->is_done;
	op->bytes = op->is_done ? db->backup->size : 0;
	return 0;
}

/* ---- put back ---- */

bool sqlite_is_copy(const char *path)
{
	unsigned char way[2] = { 0, 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool is = fd >= 0 && pread(fd, way, sizeof(way), HEADER_WAY) == (ssize_t)sizeof(way)
	    && way[0] == 1 && way[1] == 1;

	if (fd >= 0)
		close(fd);
	return is;
}
