/* Runs that move history, and what became of each message. (The schema's own steps: sqlite_migrate.c.) */
#include "store/migration.h"

#include <string.h>

#include <sqlite3.h>

#include "base/arena.h"
#include "core/standing.h"
#include "store/sqlite_db.h"

#define TARGET_BITS 4
#define TARGETS_MAX 15

/* ---- runs ---- */

static void bind_totals(struct stmt *q, const struct migration_totals *t, struct arena *a)
{
	stmt_i64(q, t->read);
	stmt_i64(q, t->written);
	stmt_i64(q, t->failed);
	stmt_i64(q, t->files);
	stmt_text(q, migration_skipped_text(a, t));
}

static void read_totals(struct stmt *q, int col, struct migration_totals *t)
{
	t->read = stmt_col_i64(q, col);
	t->written = stmt_col_i64(q, col + 1);
	t->failed = stmt_col_i64(q, col + 2);
	t->files = stmt_col_i64(q, col + 3);
	migration_read_skipped(t, stmt_col_peek(q, col + 4));
}

static int save_run(struct store_db *db, const struct row_migration *m)
{
	struct arena *a = arena_new();
	struct stmt *q = query(db, Q_MIGRATION_SET);
	int ret;

	stmt_i64(q, m->id);
	stmt_i64(q, m->state);
	stmt_text(q, m->cursor);
	stmt_text(q, m->why);
	stmt_i64(q, m->ended_ms);
	stmt_i64(q, m->totals.conversations);
	bind_totals(q, &m->totals, a);
	ret = stmt_run(q);
	arena_free(a);
	return ret;
}

int sqlite_migration(struct store_db *db, struct op_migration *op)
{
	struct row_migration *m = &op->row;
	struct stmt *q;

	if (!op->is_new)
		return save_run(db, m);
	m->first = db->last_event;
	q = query(db, Q_MIGRATION_ADD);
	stmt_i64(q, m->bridge);
	stmt_i64(q, m->state);
	stmt_text(q, m->wish);
	stmt_i64(q, m->first);
	stmt_i64(q, m->begun_ms);
	if (stmt_run(q) != 0)
		return -1;
	m->id = sqlite3_last_insert_rowid(db->handle);
	return 0;
}

static void read_run(struct stmt *q, struct arena *a, struct row_migration *m)
{
	*m = (struct row_migration){
		.id = stmt_col_i64(q, 0),
		.bridge = stmt_col_int(q, 1),
		.state = (enum migration_state)stmt_col_int(q, 2),
		.wish = stmt_col_text(q, 3, a),
		.cursor = stmt_col_text(q, 4, a),
		.why = stmt_col_text(q, 5, a),
		.first = stmt_col_i64(q, 6),
		.begun_ms = stmt_col_i64(q, 7),
		.ended_ms = stmt_col_i64(q, 8),
		.totals = { .conversations = stmt_col_i64(q, 9) },
	};
	read_totals(q, 10, &m->totals);
}

int sqlite_migrations(struct store_db *db, struct op_migrations *op)
{
	struct stmt *q = query(db, Q_MIGRATION_COUNT);
	enum stmt_result r;
	int64_t count;

	op->nrows = 0;
	if (stmt_number(q, &count) != 1)
		return -1;
	op->rows = arena_zalloc(op->arena, ((size_t)count + 1) * sizeof(*op->rows));
	q = query(db, Q_MIGRATIONS);
	while ((r = stmt_step(q)) == STMT_ROW)
		read_run(q, op->arena, &op->rows[op->nrows++]);
	return r == STMT_DONE ? 0 : -1;
}

/* ---- conversations ---- */

int sqlite_migration_item(struct store_db *db, struct op_migration_item *op)
{
	const struct row_migration_item *row = &op->row;
	struct arena *a = arena_new();
	struct stmt *q = query(db, Q_MIGRATION_ITEM_SET);
	int ret;

	stmt_i64(q, op->migration);
	stmt_text(q, row->remote);
	stmt_i64(q, row->is_over);
	bind_totals(q, &row->totals, a);
	ret = stmt_run(q);
	arena_free(a);
	return ret != 0 || op->run == NULL ? ret : save_run(db, op->run);
}

static void read_item(struct stmt *q, struct arena *a, struct row_migration_item *row)
{
	row->remote = stmt_col_text(q, 0, a);
	row->is_over = stmt_col_int(q, 1) != 0;
	row->totals = (struct migration_totals){ .conversations = 1 };
	read_totals(q, 2, &row->totals);
}

static int items_by_name(struct store_db *db, struct op_migration_items *op)
{
	struct stmt *q;
	size_t i;

	op->rows = arena_zalloc(op->arena, (op->nremotes + 1) * sizeof(*op->rows));
	op->nrows = op->nremotes;
	for (i = 0; i < op->nremotes; i++) {
		q = query(db, Q_MIGRATION_ITEM_GET);
		stmt_i64(q, op->migration);
		stmt_text(q, op->remotes[i]);
		switch (stmt_step(q)) {
		case STMT_ROW:
			read_item(q, op->arena, &op->rows[i]);
			stmt_end(q);
			break;
		case STMT_DONE: break;
		case STMT_ERROR: return -1;
		}
	}
	return 0;
}

int sqlite_migration_items(struct store_db *db, struct op_migration_items *op)
{
	struct stmt *q = query(db, Q_MIGRATION_ITEM_COUNT);
	enum stmt_result r;
	int64_t count;

	op->nrows = 0;
	if (op->remotes != NULL)
		return items_by_name(db, op);
	stmt_i64(q, op->migration);
	stmt_i64(q, op->only_open ? 0 : 1);
	if (stmt_number(q, &count) != 1)
		return -1;
	op->rows = arena_zalloc(op->arena, ((size_t)count + 1) * sizeof(*op->rows));
	q = query(db, Q_MIGRATION_ITEMS);
	stmt_i64(q, op->migration);
	stmt_i64(q, op->only_open ? 0 : 1);
	while ((r = stmt_step(q)) == STMT_ROW)
		read_item(q, op->arena, &op->rows[op->nrows++]);
	return r == STMT_DONE ? 0 : -1;
}

/* ---- messages ---- */

static enum migration_found by_state(int64_t state)
{
	switch (state) {
	case DELIVERY_DELIVERED: return FOUND_WRITTEN;
	case DELIVERY_PARKED: return FOUND_FAILED;
	case DELIVERY_DISCARDED:
	case DELIVERY_FOLDED: return FOUND_DROPPED;
	default: return FOUND_UNDER_WAY;
	}
}

/* Of an event that this run has taken in. */
static int look_at_delivery(struct store_db *db, int64_t event, int bridge, bool is_routed,
    enum migration_found *found)
{
	struct stmt *q = query(db, Q_MIGRATION_DELIVERY);
	int64_t state;
	int ret;

	stmt_i64(q, event << TARGET_BITS);
	stmt_i64(q, event << TARGET_BITS | TARGETS_MAX);
	stmt_i64(q, bridge);
	ret = stmt_number(q, &state);
	if (ret == 1)
		*found = by_state(state);
	else
		*found = is_routed ? FOUND_DROPPED : FOUND_UNDER_WAY;
	return ret < 0 ? -1 : 0;
}

static int look_at(struct store_db *db, const struct op_migration_look *op, int64_t ref,
    enum migration_found *found)
{
	struct stmt *q = query(db, Q_MIGRATION_EVENT);
	int64_t event = ref >> TARGET_BITS;
	int origin, routed;

	*found = FOUND_COPY;
	if ((ref & TARGETS_MAX) != 0)
		return 0;
	*found = FOUND_PRESENT;
	stmt_i64(q, event);
	switch (stmt_step(q)) {
	case STMT_DONE: return 0;
	case STMT_ERROR: return -1;
	case STMT_ROW: break;
	}
	origin = stmt_col_int(q, 0);
	routed = stmt_col_int(q, 1);
	stmt_end(q);
	if (origin != ORIGIN_HISTORY) {
		*found = routed != 0 ? FOUND_PRESENT : FOUND_HELD;
		return 0;
	}
	if (event <= op->first)
		return 0;
	return look_at_delivery(db, event, op->bridge, routed != 0, found);
}

int sqlite_migration_look(struct store_db *db, struct op_migration_look *op)
{
	struct stmt *q;
	int64_t ref;
	size_t i;
	int ret;

	for (i = 0; i < op->nkeys; i++) {
		q = query(db, Q_IDMAP_GET);
		stmt_i64(q, op->endpoint);
		stmt_i64(q, op->keys[i][0]);
		stmt_remote(q, op->keys[i] + 2);
		ret = stmt_number(q, &ref);
		if (ret < 0)
			return -1;
		op->found[i] = FOUND_NOTHING;
		if (ret == 1 && look_at(db, op, ref, &op->found[i]) != 0)
			return -1;
	}
	return 0;
}

#define LINKS_MOST 64

int sqlite_migration_links(struct store_db *db, struct op_migration_links *op)
{
	struct stmt *q = query(db, Q_MIGRATION_LINKS);
	enum stmt_result r;

	op->nremotes = 0;
	op->remotes = arena_zalloc(op->arena, LINKS_MOST * sizeof(*op->remotes));
	stmt_i64(q, op->bridge);
	stmt_i64(q, op->endpoint);
	stmt_text(q, op->conversation);
	stmt_i64(q, LINKS_MOST);
	while ((r = stmt_step(q)) == STMT_ROW)
		op->remotes[op->nremotes++] = stmt_col_text(q, 0, op->arena);
	return r == STMT_DONE ? 0 : -1;
}

/* Copies stand in the map of ids, all parts of a message; what was written for an event of this run is newer. */
int sqlite_migration_made(struct store_db *db, struct op_migration_made *op)
{
	struct stmt *q = query(db, op->after == NULL ? Q_MIGRATION_MADE_FIRST : Q_MIGRATION_MADE);
	enum stmt_result r;

	op->nrows = 0;
	op->rows = arena_zalloc(op->arena, ((size_t)op->limit + 1) * sizeof(*op->rows));
	stmt_i64(q, op->endpoint);
	stmt_i64(q, 'm');
	stmt_i64(q, op->first);
	stmt_i64(q, op->last);
	stmt_i64(q, ORIGIN_HISTORY);
	stmt_i64(q, op->limit);
	if (op->after != NULL)
		stmt_remote(q, op->after);
	while ((r = stmt_step(q)) == STMT_ROW) {
		op->rows[op->nrows].message = stmt_col_text(q, 0, op->arena);
		op->rows[op->nrows++].conversation = stmt_col_text(q, 1, op->arena);
	}
	return r == STMT_DONE ? 0 : -1;
}

/* ---- the end of a conversation ---- */

/* Of its own side: known by now, if it was not before. */
static int note_state(struct store_db *db, const struct event *e, struct view *view)
{
	struct stmt *q;

	if (make_thread(db, e->endpoint, e->conversation, e->conversation_ref, 0, view) != 0)
		return -1;
	if (view->state != STATE_NONE || e->state == STATE_NONE)
		return 0;
	view->state = e->state;
	q = query(db, Q_THREAD_STATE);
	stmt_i64(q, e->state);
	stmt_i64(q, e->version);
	stmt_i64(q, state_is_closed(e->state) ? e->here_ms : 0);
	stmt_i64(q, STATE_NONE);
	stmt_i64(q, 0);
	stmt_i64(q, view->thread);
	return stmt_run(q);
}

static int want_state(struct store_db *db, const struct op_migration_end *op)
{
	enum state state = op->event->state;
	struct stmt *q;
	size_t i;

	for (i = 0; i < op->nasks && op->asks[i].bridge != op->bridge; i++)
		;
	if (i == op->nasks || op->view.bridges[i].link.id == 0
	    || (state != STATE_OPEN && state != STATE_RESOLVED))
		return 0;
	q = query(db, Q_LINK_WANTED);
	stmt_i64(q, op->view.bridges[i].link.id);
	stmt_i64(q, state);
	return stmt_run(q);
}

int sqlite_migration_end(struct store_db *db, struct op_migration_end *op)
{
	struct event *e = op->event;
	int64_t id = db->last_event + 1, known;
	int ret;

	e->id = 0;
	memset(&op->view, 0, sizeof(op->view));
	ret = sqlite_add_key(db, e->endpoint, e->key, id, &known);
	if (ret <= 0)
		return ret;
	if (note_state(db, e, &op->view) != 0
	    || sqlite_view(db, e, op->asks, op->nasks, NULL, op->arena, &op->view) != 0
	    || want_state(db, op) != 0 || sqlite_add_event(db, e, id, op->view.thread, false) != 0)
		return -1;
	db->last_event = e->id = id;
	return 0;
}
