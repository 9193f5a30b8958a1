/* Files: their rows, and on this thread what must happen to the disk in the same order. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/mem.h"
#include "store/media.h"
#include "store/sqlite_db.h"

#include <sqlite3.h>

#define LOADED_MAX 10000

static void read_row(struct stmt *q, struct arena *a, struct media_row *out)
{
	*out = (struct media_row){
		.id = stmt_col_i64(q, 0),
		.event = stmt_col_i64(q, 1),
		.n = stmt_col_int(q, 2),
		.state = (enum media_state)stmt_col_int(q, 3),
		.sha = stmt_col_text(q, 4, a),
		.size = stmt_col_i64(q, 5),
		.type = stmt_col_text(q, 6, a),
		.name = stmt_col_text(q, 7, a),
		.why = stmt_col_text(q, 8, a),
	};
}

/* 1 found, 0 not, -1. */
static int one_row(struct stmt *q, struct arena *a, struct media_row *out)
{
	switch (stmt_step(q)) {
	case STMT_ROW:
		read_row(q, a, out);
		stmt_end(q);
		return 1;
	case STMT_DONE: return 0;
	case STMT_ERROR: break;
	}
	return -1;
}

static int find_row(struct store_db *db, int64_t event, int n, struct arena *a,
    struct media_row *out)
{
	struct stmt *q = query(db, Q_MEDIA_OF);

	stmt_i64(q, event);
	stmt_i64(q, n);
	return one_row(q, a, out);
}

int sqlite_media_open(struct store_db *db, struct op_media_open *op)
{
	struct stmt *q;
	size_t i;
	int ret;

	op->rows = arena_zalloc(op->arena, (op->nwanted + 1) * sizeof(*op->rows));
	for (i = 0; i < op->nwanted; i++) {
		ret = find_row(db, op->event, op->wanted[i], op->arena, &op->rows[i]);
		if (ret < 0)
			return -1;
		if (ret > 0)
			continue;
		q = query(db, Q_MEDIA_ADD);
		stmt_i64(q, op->event);
		stmt_i64(q, op->wanted[i]);
		stmt_i64(q, op->now_ms);
		if (stmt_run(q) != 0)
			return -1;
		op->rows[i] = (struct media_row){ .id = sqlite3_last_insert_rowid(db->handle),
			.event = op->event,
			.n = op->wanted[i] };
	}
	return 0;
}

/* ---- the disk ---- */

static bool sync_path(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);
	bool good = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	return good;
}

static const char *path_in(char *out, size_t size, const char *folder, const char *sha)
{
	snprintf(out, size, "%s/%s", folder, sha);
	return out;
}

/* What was done by an attempt that was rolled back is not done again. */
static bool take_file(const struct op_media_set *op)
{
	char final[4096];

	path_in(final, sizeof(final), op->folder, op->row.sha);
	if (access(op->path, F_OK) != 0)
		return access(final, F_OK) == 0;
	if (sync_path(op->path, O_RDONLY) && rename(op->path, final) == 0
	    && sync_path(op->folder, O_RDONLY | O_DIRECTORY))
		return true;
	unlink(op->path);
	return false;
}

/* 1: some row has it, 0: none, -1. */
static int is_shared(struct store_db *db, const char *sha)
{
	struct stmt *q = query(db, Q_MEDIA_SHARED);
	int64_t one;

	stmt_text(q, sha);
	return stmt_number(q, &one);
}

/* It may be erased while its file was fetched. */
static bool is_row(struct store_db *db, int64_t id)
{
	struct stmt *q = query(db, Q_MEDIA_GET);
	int64_t one;

	stmt_i64(q, id);
	return stmt_number(q, &one) != 0;
}

int sqlite_media_set(struct store_db *db, struct op_media_set *op)
{
	const struct media_row *r = &op->row;
	struct stmt *q;
	int shared = 1;

	op->is_new = false;
	op->is_lost = !is_row(db, r->id);
	if (op->is_lost && r->state == MEDIA_STORED)
		unlink(op->path);
	if (!op->is_lost)
		op->is_lost = r->state == MEDIA_STORED && !take_file(op);
	if (op->is_lost)
		return 0;
	if (r->state == MEDIA_STORED)
		shared = is_shared(db, r->sha);
	if (shared < 0)
		return -1;
	op->is_new = shared == 0;
	q = query(db, Q_MEDIA_SET);
	stmt_i64(q, r->id);
	stmt_i64(q, r->state);
	stmt_text(q, r->sha);
	stmt_i64(q, r->size);
	stmt_text(q, r->type);
	stmt_text(q, r->name);
	stmt_text(q, r->why);
	return stmt_run(q);
}

/* ---- keeping and finding ---- */

int sqlite_media_keep(struct store_db *db, struct op_media_keep *op)
{
	struct stmt *q = query(db, Q_MEDIA_KEEP);

	stmt_i64(q, op->event);
	stmt_i64(q, op->until_ms);
	return stmt_run(q);
}

int sqlite_media_get(struct store_db *db, struct op_media_get *op)
{
	struct stmt *q = query(db, Q_MEDIA_GET);
	int ret;

	stmt_i64(q, op->id);
	ret = one_row(q, op->arena, &op->row);
	op->is_found = ret > 0;
	return ret < 0 ? -1 : 0;
}

/* An event that is gone has nothing to be fetched from. */
int sqlite_media_load(struct store_db *db, struct op_media_load *op)
{
	struct stmt *q = query(db, Q_MEDIA_WANTED);
	int64_t *ids = xmalloc(LOADED_MAX * sizeof(*ids));
	struct event *event;
	enum stmt_result r;
	size_t count = 0, i;
	int ret;

	stmt_i64(q, LOADED_MAX);
	while ((r = stmt_step(q)) == STMT_ROW)
		ids[count++] = stmt_col_i64(q, 0);
	ret = r == STMT_ERROR ? -1 : 0;
	op->events = arena_zalloc(op->arena, (count + 1) * sizeof(*op->events));
	op->nevents = 0;
	for (i = 0; i < count && ret >= 0; i++) {
		ret = row_event(db, ids[i], op->arena, &event);
		if (ret > 0)
			op->events[op->nevents++] = event;
	}
	xfree(ids);
	if (ret < 0)
		return -1;
	return stmt_number(query(db, Q_MEDIA_BYTES), &op->bytes) < 0 ? -1 : 0;
}

/* ---- the end ---- */

/* 1: nobody needs it, 0: it must stay, -1. */
static int may_go(struct store_db *db, int64_t event)
{
	struct stmt *q = query(db, Q_EVENT_IS_ROUTED);
	int64_t routed, one;
	int ret;

	stmt_i64(q, event);
	ret = stmt_number(q, &routed);
	if (ret < 0 || (ret > 0 && routed == 0))
		return ret < 0 ? -1 : 0;
	q = query(db, Q_DELIVERY_KEPT);
	stmt_i64(q, event << 4);
	stmt_i64(q, event << 4 | 15);
	ret = stmt_number(q, &one);
	return ret < 0 ? -1 : ret == 0;
}

static int remove_row(struct store_db *db, struct op_media_retain *op, int64_t id, const char *sha,
    int64_t size)
{
	struct stmt *q = query(db, Q_MEDIA_DELETE);
	char path[4096];
	int shared;

	stmt_i64(q, id);
	if (stmt_run(q) != 0)
		return -1;
	if (*sha == '\0')
		return 0;
	shared = is_shared(db, sha);
	if (shared != 0)
		return shared < 0 ? -1 : 0;
	unlink(path_in(path, sizeof(path), op->folder, sha));
	op->bytes += size;
	return 0;
}

int sqlite_media_retain(struct store_db *db, struct op_media_retain *op)
{
	char sha[80];
	int64_t event, size;
	enum stmt_result r;
	struct stmt *q;
	int i, ret;

	op->bytes = 0;
	op->last = op->after;
	for (i = 0; i < op->limit; i++) {
		q = query(db, Q_MEDIA_NEXT);
		stmt_i64(q, op->last);
		stmt_i64(q, op->now_ms);
		stmt_i64(q, op->before_ms);
		r = stmt_step(q);
		if (r == STMT_ERROR)
			return -1;
		if (r == STMT_DONE) {
			op->last = 0;
			return 0;
		}
		op->last = stmt_col_i64(q, 0);
		event = stmt_col_i64(q, 1);
		size = stmt_col_i64(q, 3);
		snprintf(sha, sizeof(sha), "%s",
		    stmt_col_peek(q, 2) != NULL ? stmt_col_peek(q, 2) : "");
		stmt_end(q);
		ret = may_go(db, event);
		if (ret < 0 || (ret > 0 && remove_row(db, op, op->last, sha, size) != 0))
			return -1;
	}
	return 0;
}
