/* See retain.h: words, and callbacks. Ids grow with time, so what is old is at the left edge of each table: from
 * there on to the first that is young enough for all. What must stay is passed; where the step ended the next one
 * goes on. */
#include <string.h>

#include <sqlite3.h>

#include "store/migration.h"
#include "store/sqlite_db.h"
#include "store/sqlite_retain_inside.h"

#define SEEN_PER_DELETED 10

static const struct retain_ages *find(const struct retain_part *parts, size_t n, int id,
    const struct retain_ages *rest)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (parts[i].id == id)
			return &parts[i].ages;
	return rest;
}

const struct retain_ages *retain_of_bridge(const struct op_retain *op, int bridge)
{
	return find(op->bridges, op->nbridges, bridge, &op->rest);
}

const struct retain_ages *retain_of_endpoint(const struct op_retain *op, int endpoint)
{
	return find(op->endpoints, op->nendpoints, endpoint, &op->rest);
}

/* The latest time that any of them names: what is younger stays in any case. */
static int64_t youngest(const struct op_retain *op, size_t offset)
{
	int64_t latest = *(const int64_t *)((const char *)&op->rest + offset), one;
	size_t i;

	for (i = 0; i < op->nbridges + op->nendpoints; i++) {
		const struct retain_part *p =
		    i < op->nbridges ? &op->bridges[i] : &op->endpoints[i - op->nbridges];

		one = *(const int64_t *)((const char *)&p->ages + offset);
		if (one > latest)
			latest = one;
	}
	return latest;
}

/* ---- words ---- */

static bool is_old(int64_t at_ms, int64_t before_ms)
{
	return before_ms > 0 && at_ms < before_ms;
}

/* 1: none of its deliveries needs it, 0: one does, -1. *n: how many there are. */
static int are_over(struct store_db *db, const struct op_retain *op, int64_t id, int64_t at_ms,
    int *n)
{
	struct stmt *q = query(db, Q_DELIVERIES_OVER);
	enum stmt_result r;
	bool may = true;

	*n = 0;
	stmt_i64(q, id << 4);
	stmt_i64(q, id << 4 | 15);
	while ((r = stmt_step(q)) == STMT_ROW) {
		++*n;
		may = may && stmt_col_int(q, 1) != 0
		    && is_old(at_ms, retain_of_bridge(op, stmt_col_int(q, 0))->bodies_before_ms);
	}
	return r == STMT_ERROR ? -1 : may;
}

struct old_event {
	int64_t id, at_ms;
	int endpoint;
	bool is_routed, is_history;
};

/* 1: may go, 0: must stay, -1. The newest event stays, so that its id is not given again. */
static int may_delete(struct store_db *db, const struct retain_work *w, const struct old_event *e)
{
	struct stmt *q;
	int64_t one;
	int n, ret;

	if (!e->is_routed || e->id >= db->last_event || (e->is_history && e->id > w->moving))
		return 0;
	ret = are_over(db, w->op, e->id, e->at_ms, &n);
	if (ret <= 0)
		return ret;
	if (n == 0 && !is_old(e->at_ms, retain_of_endpoint(w->op, e->endpoint)->bodies_before_ms))
		return 0;
	q = query(db, Q_ERRAND_FIRM);
	stmt_i64(q, e->id);
	stmt_i64(q, STEP_NOTE);
	ret = stmt_number(q, &one);
	return ret < 0 ? -1 : ret == 0;
}

int sqlite_delete_event(struct store_db *db, int64_t id)
{
	static const enum query of_deliveries[] = { Q_ATTEMPT_DELETE, Q_EDIT_DELETE };
	struct stmt *q = query(db, Q_EVENT_DELETE);
	size_t i;

	stmt_i64(q, id);
	if (stmt_run(q) != 0)
		return -1;
	q = query(db, Q_ERRAND_DELETE);
	stmt_i64(q, id);
	if (stmt_run(q) != 0)
		return -1;
	for (i = 0; i < sizeof(of_deliveries) / sizeof(of_deliveries[0]); i++) {
		q = query(db, of_deliveries[i]);
		stmt_i64(q, id << 4);
		stmt_i64(q, id << 4 | 15);
		if (stmt_run(q) != 0)
			return -1;
	}
	return 0;
}

/* 1 found, 0 there is none, -1. */
static int next_event(struct store_db *db, int64_t after, struct old_event *e)
{
	struct stmt *q = query(db, Q_EVENT_NEXT);
	enum stmt_result r;

	stmt_i64(q, after);
	r = stmt_step(q);
	if (r == STMT_ROW) {
		e->id = stmt_col_i64(q, 0);
		e->at_ms = stmt_col_i64(q, 1);
		e->is_routed = stmt_col_int(q, 2) != 0;
		e->endpoint = stmt_col_int(q, 3);
		e->is_history = stmt_col_int(q, 4) == ORIGIN_HISTORY;
		stmt_end(q);
	}
	return r == STMT_ERROR ? -1 : r == STMT_ROW;
}

static int retain_bodies(struct store_db *db, struct retain_work *w)
{
	int64_t latest_ms = youngest(w->op, offsetof(struct retain_ages, bodies_before_ms));
	struct old_event e = { 0 };
	int ret;

	for (; retain_goes_on(w); w->to_see--) {
		ret = next_event(db, w->after, &e);
		if (ret < 0)
			return -1;
		if (ret == 0 || e.at_ms >= latest_ms)
			return 1;
		w->after = e.id;
		ret = may_delete(db, w, &e);
		if (ret < 0 || (ret > 0 && sqlite_delete_event(db, e.id) != 0))
			return -1;
		w->to_delete -= ret;
	}
	return 0;
}

/* ---- callbacks ---- */

static int delete_raw(struct store_db *db, int64_t id)
{
	struct stmt *q = query(db, Q_RAW_DROP);

	stmt_i64(q, id);
	return stmt_run(q);
}

/* Those that could not be read, and those that are kept as they came, are alike: an id, an endpoint, a time. */
struct kind {
	enum query next;
	size_t age; /* in retain_ages */
	int (*remove)(struct store_db *db, int64_t id);
};

static int retain_kept(struct store_db *db, struct retain_work *w, const struct kind *kind)
{
	int64_t latest_ms = youngest(w->op, kind->age), at_ms, before_ms;
	struct stmt *q;
	enum stmt_result r;

	for (; retain_goes_on(w); w->to_see--) {
		q = query(db, kind->next);
		stmt_i64(q, w->after);
		r = stmt_step(q);
		if (r == STMT_ERROR)
			return -1;
		if (r == STMT_DONE)
			return 1;
		at_ms = stmt_col_i64(q, 2);
		before_ms =
		    *(const int64_t *)((const char *)retain_of_endpoint(w->op, stmt_col_int(q, 1))
			+ kind->age);
		if (at_ms < latest_ms)
			w->after = stmt_col_i64(q, 0);
		stmt_end(q);
		if (at_ms >= latest_ms)
			return 1;
		if (!is_old(at_ms, before_ms))
			continue;
		if (kind->remove(db, w->after) != 0)
			return -1;
		w->to_delete--;
	}
	return 0;
}

static int retain_raw(struct store_db *db, struct retain_work *w)
{
	static const struct kind raw = { Q_RAW_NEXT, offsetof(struct retain_ages, raw_before_ms),
		delete_raw };

	return retain_kept(db, w, &raw);
}

static int retain_callbacks(struct store_db *db, struct retain_work *w)
{
	static const struct kind callbacks = { Q_CALLBACK_NEXT,
		offsetof(struct retain_ages, callbacks_before_ms), sqlite_delete_callback };

	return retain_kept(db, w, &callbacks);
}

/* ---- all ---- */

/* Ids are as old as the newest event of a day that is over. */
static int note_day(struct store_db *db, int64_t now_ms)
{
	int64_t day = now_ms / DAY_MS;
	struct stmt *q;

	if (now_ms <= 0 || day == db->noted_day)
		return 0;
	q = query(db, Q_DAY_ADD);
	stmt_i64(q, day);
	stmt_i64(q, db->last_event);
	if (stmt_run(q) != 0)
		return -1;
	db->noted_day = day;
	return 0;
}

static int find_moving(struct store_db *db, int64_t *moving)
{
	struct stmt *q = query(db, Q_MIGRATION_ACTIVE);
	int ret;

	stmt_i64(q, MIGRATION_PLANNED);
	stmt_i64(q, MIGRATION_RUNNING);
	stmt_i64(q, MIGRATION_STOPPING);
	stmt_i64(q, MIGRATION_STOPPED);
	ret = stmt_number(q, moving);
	return ret < 0 ? -1 : 0;
}

int sqlite_retain(struct store_db *db, struct op_retain *op)
{
	static int (*const stages[])(struct store_db * db, struct retain_work * w) = {
		[RETAIN_BODIES] = retain_bodies,
		[RETAIN_RAW] = retain_raw,
		[RETAIN_CALLBACKS] = retain_callbacks,
		[RETAIN_LINKS] = sqlite_retain_links,
		[RETAIN_IDS] = sqlite_retain_ids,
		[RETAIN_DELIVERIES] = sqlite_retain_deliveries,
	};
	struct retain_work w = { .op = op,
		.after = op->from.after,
		.to_see = op->limit * SEEN_PER_DELETED,
		.to_delete = op->limit,
		.moving = INT64_MAX };
	int ret = 1;

	op->links = NULL;
	op->nlinks = 0;
	op->to = op->from;
	if (note_day(db, op->now_ms) != 0 || find_moving(db, &w.moving) != 0)
		return -1;
	while (op->to.stage < RETAIN_DONE && ret == 1) {
		ret = stages[op->to.stage](db, &w);
		if (ret < 0)
			return -1;
		if (ret == 1) {
			op->to.stage++;
			w.after = 0;
		}
	}
	op->to.after = w.after;
	op->is_more = ret == 0;
	op->seen = (int64_t)op->limit * SEEN_PER_DELETED - w.to_see;
	return 0;
}
