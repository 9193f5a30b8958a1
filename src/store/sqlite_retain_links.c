/* See retain.h: who is who, and which message is which. A link is used whenever a message goes over it, and that is
 * written down once a day; with the last link of a person goes what is known of the person. Ids are older than a
 * day where the newest event that had come by then says so. The newest row of each table stays, so that no id is
 * given again. */
#include <string.h>

#include <sqlite3.h>

#include "base/arena.h"
#include "store/sqlite_db.h"
#include "store/sqlite_retain_inside.h"

/* For each that is old all that is parked is looked through, and memory is told of each that has gone. */
#define LINKS_AT_ONCE 50

static int64_t day_of(int64_t ms)
{
	return ms / DAY_MS;
}

static int run1(struct store_db *db, enum query name, int64_t a)
{
	struct stmt *q = query(db, name);

	stmt_i64(q, a);
	return stmt_run(q);
}

/* 1: there is such a row, 0: none, -1. */
static int has1(struct store_db *db, enum query name, int64_t a)
{
	struct stmt *q = query(db, name);
	int64_t one;

	stmt_i64(q, a);
	return stmt_number(q, &one);
}

static int has2(struct store_db *db, enum query name, int64_t a, int64_t b)
{
	struct stmt *q = query(db, name);
	int64_t one;

	stmt_i64(q, a);
	stmt_i64(q, b);
	return stmt_number(q, &one);
}

/* ---- links ---- */

struct old_link {
	int64_t id, person, customers, agents, used;
	int bridge;
};

/* 1 found, 0 there is none, -1. */
static int next_link(struct store_db *db, int64_t after, struct old_link *l)
{
	struct stmt *q = query(db, Q_LINK_NEXT);
	enum stmt_result r;

	stmt_i64(q, after);
	r = stmt_step(q);
	if (r == STMT_ROW) {
		l->id = stmt_col_i64(q, 0);
		l->bridge = stmt_col_int(q, 1);
		l->person = stmt_col_i64(q, 2);
		l->customers = stmt_col_i64(q, 3);
		l->agents = stmt_col_i64(q, 4);
		l->used = stmt_col_i64(q, 5);
		stmt_end(q);
	}
	return r == STMT_ERROR ? -1 : r == STMT_ROW;
}

/* 1: something of it, or of the person who would go with it, is not over yet, 0: nothing is, -1. */
static int is_busy(struct store_db *db, const struct old_link *l)
{
	struct stmt *q;
	int64_t one;
	int ret = has1(db, Q_LINK_MOVING, l->bridge);

	if (ret == 0)
		ret = has1(db, Q_PERSON_IS_BUSY, l->person);
	if (ret == 0)
		ret = has2(db, Q_LINK_IS_PARKED, l->id, l->person);
	if (ret != 0)
		return ret;
	q = query(db, Q_THREADS_UNROUTED);
	stmt_i64(q, l->customers);
	stmt_i64(q, l->agents);
	stmt_i64(q, l->person);
	return stmt_number(q, &one);
}

/* A conversation that no link names any more. */
static int drop_thread(struct store_db *db, int64_t thread)
{
	static const enum query steps[] = { Q_QUESTION_OF_THREAD, Q_FACT_OF_THREAD,
		Q_THREAD_DELETE };
	size_t i;
	int ret;

	if (thread == 0)
		return 0;
	ret = has1(db, Q_THREAD_IS_LINKED, thread);
	for (i = 0; ret == 0 && i < sizeof(steps) / sizeof(steps[0]); i++)
		ret = run1(db, steps[i], thread);
	return ret < 0 ? -1 : 0;
}

/* Somebody whom no link names any more: with what is known of him, and his other conversations. */
static int drop_person(struct store_db *db, int64_t person)
{
	static const enum query steps[] = { Q_FACT_OF_PERSON, Q_ALIAS_OF_PERSON, Q_LANE_OF_PERSON,
		Q_THREADS_OF_PERSON, Q_PERSON_DELETE };
	size_t i;
	int ret = has1(db, Q_PERSON_IS_LINKED, person);

	for (i = 0; ret == 0 && i < sizeof(steps) / sizeof(steps[0]); i++)
		ret = run1(db, steps[i], person);
	return ret < 0 ? -1 : 0;
}

static int drop_link(struct store_db *db, struct retain_work *w, const struct old_link *l)
{
	if (run1(db, Q_LINK_DELETE, l->id) != 0 || run1(db, Q_MIRROR_OF_LINK, l->id) != 0
	    || drop_thread(db, l->customers) != 0 || drop_thread(db, l->agents) != 0
	    || drop_person(db, l->person) != 0)
		return -1;
	w->op->links[w->op->nlinks++] = l->id;
	w->to_delete--;
	return 0;
}

/* 1: it is old, 0: it is not, -1. */
static int look_at_link(struct store_db *db, struct retain_work *w, const struct old_link *l,
    int64_t newest)
{
	int64_t before_ms = retain_of_bridge(w->op, l->bridge)->links_before_ms;
	struct stmt *q;
	int ret;

	if (l->used == 0) { /* nobody has counted until now */
		q = query(db, Q_LINK_USED);
		stmt_i64(q, l->id);
		stmt_i64(q, day_of(w->op->now_ms));
		return stmt_run(q);
	}
	if (before_ms <= 0 || l->used >= day_of(before_ms) || l->id >= newest)
		return 0;
	ret = is_busy(db, l);
	if (ret == 0)
		ret = drop_link(db, w, l);
	return ret < 0 ? -1 : 1;
}

static bool has_links_age(const struct op_retain *op)
{
	bool has = op->rest.links_before_ms > 0;
	size_t i;

	for (i = 0; i < op->nbridges; i++)
		has = has || op->bridges[i].ages.links_before_ms > 0;
	return has && op->arena != NULL;
}

int sqlite_retain_links(struct store_db *db, struct retain_work *w)
{
	struct old_link l = { 0 };
	int64_t newest = 0;
	int ret, old = 0;

	if (!has_links_age(w->op))
		return 1;
	w->op->links = arena_alloc(w->op->arena, LINKS_AT_ONCE * sizeof(*w->op->links));
	if (stmt_number(query(db, Q_LINK_NEWEST), &newest) < 0)
		return -1;
	for (; retain_goes_on(w) && old < LINKS_AT_ONCE; w->to_see--) {
		ret = next_link(db, w->after, &l);
		if (ret <= 0)
			return ret < 0 ? -1 : 1;
		w->after = l.id;
		ret = look_at_link(db, w, &l, newest);
		if (ret < 0)
			return -1;
		old += ret;
	}
	return 0;
}

/* ---- ids, and the deliveries that say whose they are ---- */

/* The newest event that may be forgotten; 0: none. */
static int64_t oldest_kept(struct store_db *db, int64_t before_ms)
{
	struct stmt *q = query(db, Q_DAY_BEFORE);
	int64_t event = 0;

	if (before_ms <= 0)
		return 0;
	stmt_i64(q, day_of(before_ms));
	return stmt_number(q, &event) == 1 ? event : 0;
}

static int64_t forgotten_until(struct store_db *db, const struct op_retain *op, int bridge)
{
	return oldest_kept(db, retain_of_bridge(op, bridge)->links_before_ms);
}

/* 1: nobody needs to know that message again, 0: somebody does, or its words are still there, -1. endpoint: for one
 * that went nowhere. */
static int may_forget(struct store_db *db, const struct retain_work *w, int endpoint, int64_t event)
{
	struct stmt *q = query(db, Q_DELIVERIES_OVER);
	int bridges[16], n = 0, i;
	enum stmt_result r;
	bool may = event < db->last_event && event <= w->moving;

	stmt_i64(q, event << 4);
	stmt_i64(q, event << 4 | 15);
	while ((r = stmt_step(q)) == STMT_ROW) {
		may = may && stmt_col_int(q, 1) != 0;
		if (n < 16)
			bridges[n++] = stmt_col_int(q, 0);
	}
	if (r == STMT_ERROR)
		return -1;
	for (i = 0; may && i < n; i++)
		may = event <= forgotten_until(db, w->op, bridges[i]);
	if (may && n == 0)
		may =
		    event <= oldest_kept(db, retain_of_endpoint(w->op, endpoint)->links_before_ms);
	if (!may)
		return 0;
	n = has1(db, Q_EVENT_AT, event);
	return n < 0 ? -1 : n == 0;
}

/* One more of the ids, behind the one that is remembered; 1 found, 0 there is none, -1. */
static int next_id(struct store_db *db, int *endpoint, int64_t *ref)
{
	struct stmt *q = query(db, db->retain_id == NULL ? Q_IDMAP_FIRST : Q_IDMAP_NEXT);
	enum stmt_result r;

	if (db->retain_id != NULL) {
		stmt_i64(q, db->retain_endpoint);
		stmt_i64(q, db->retain_kind);
		stmt_value(q, db->retain_id);
	}
	r = stmt_step(q);
	if (r == STMT_ROW) {
		*endpoint = db->retain_endpoint = stmt_col_int(q, 0);
		db->retain_kind = stmt_col_int(q, 1);
		sqlite3_value_free(db->retain_id);
		db->retain_id = stmt_col_value(q, 2);
		*ref = stmt_col_i64(q, 3);
		stmt_end(q);
	}
	return r == STMT_ERROR ? -1 : r == STMT_ROW;
}

static int delete_id(struct store_db *db)
{
	struct stmt *q = query(db, Q_IDMAP_DELETE);

	stmt_i64(q, db->retain_endpoint);
	stmt_i64(q, db->retain_kind);
	stmt_value(q, db->retain_id);
	return stmt_run(q);
}

int sqlite_retain_ids(struct store_db *db, struct retain_work *w)
{
	int64_t ref = 0;
	int ret, endpoint = 0;

	if (!has_links_age(w->op))
		return 1;
	if (w->after == 0) {
		sqlite3_value_free(db->retain_id);
		db->retain_id = NULL;
	}
	for (; retain_goes_on(w); w->to_see--) {
		ret = next_id(db, &endpoint, &ref);
		if (ret <= 0)
			return ret < 0 ? -1 : 1;
		w->after = 1;
		ret = may_forget(db, w, endpoint, ref >> 4);
		if (ret < 0 || (ret > 0 && delete_id(db) != 0))
			return -1;
		w->to_delete -= ret;
	}
	return 0;
}

static int delete_delivery(struct store_db *db, int64_t id)
{
	static const enum query of_it[] = { Q_ATTEMPT_DELETE, Q_EDIT_DELETE };
	struct stmt *q;
	size_t i;

	for (i = 0; i < sizeof(of_it) / sizeof(of_it[0]); i++) {
		q = query(db, of_it[i]);
		stmt_i64(q, id);
		stmt_i64(q, id);
		if (stmt_run(q) != 0)
			return -1;
	}
	return run1(db, Q_MEND_DELETE, id);
}

/* All of a message go together, since each says whose its ids are. */
int sqlite_retain_deliveries(struct store_db *db, struct retain_work *w)
{
	struct stmt *q;
	int64_t id = 0;
	int ret;

	if (!has_links_age(w->op))
		return 1;
	for (; retain_goes_on(w); w->to_see--) {
		q = query(db, Q_DELIVERY_NEXT);
		stmt_i64(q, w->after);
		ret = stmt_number(q, &id);
		if (ret <= 0)
			return ret < 0 ? -1 : 1;
		w->after = id;
		ret = may_forget(db, w, 0, id >> 4);
		if (ret < 0 || (ret > 0 && delete_delivery(db, id) != 0))
			return -1;
		w->to_delete -= ret;
	}
	return 0;
}
