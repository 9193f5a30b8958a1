/* What is done for many rows at once: memory filled at start, counts for people, old rows deleted. */
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "core/event_codec.h"
#include "store/sqlite_db.h"

#include <sqlite3.h>

#define RAW_KEPT 10000
#define LANES_NEAR 16 /* rows that are passed over sooner than looked up */
#define HOUR_MS 3600000
#define TALLY_HOURS 24

/* A list that grows, and ends up in the arena. */
struct list {
	void *items;
	size_t count, size, item;
};

static void *list_add(struct list *l)
{
	if (l->count == l->size) {
		l->size = l->size == 0 ? 64 : l->size * 2;
		l->items = xreallocarray(l->items, l->size, l->item);
	}
	return memset((char *)l->items + l->count++ * l->item, 0, l->item);
}

static void *list_done(struct list *l, struct arena *a)
{
	void *kept = l->count == 0 ? NULL : arena_memdup(a, l->items, l->count * l->item);

	xfree(l->items);
	return kept;
}

/* ---- load ---- */

static bool is_flying(enum delivery_state state)
{
	return state == DELIVERY_SENDING || state == DELIVERY_UNSURE;
}

/* One scan of the pending index, which holds all that is asked of it. What is under way comes first in
 * its lane wherever it stands: it was claimed before what has got a place ahead of it, when the disk
 * took one write and not the other. */
static int scan_pending(struct store_db *db, struct list *lanes, struct list *flying)
{
	struct stmt *q = query(db, Q_DELIVERY_PENDING);
	struct load_lane *l = NULL;
	enum delivery_state state;
	enum stmt_result r;
	int64_t lane;

	while ((r = stmt_step(q)) == STMT_ROW) {
		lane = stmt_col_i64(q, 0);
		state = (enum delivery_state)stmt_col_int(q, 1);
		if (l == NULL || l->lane != lane) {
			l = list_add(lanes);
			l->lane = lane;
		}
		if (l->count++ > 0 && (is_flying(l->head_state) || !is_flying(state)))
			continue;
		l->head_state = state;
		l->head_due_ms = stmt_col_i64(q, 2);
		if (is_flying(state))
			*(int64_t *)list_add(flying) = stmt_col_i64(q, 3);
	}
	return r == STMT_ERROR ? -1 : 0;
}

/* Lanes that wait for a person, and have nothing else waiting. The list is in the order of ids so far. */
static int scan_held(struct store_db *db, struct list *lanes)
{
	struct stmt *q = query(db, Q_LANES_HELD);
	size_t i = 0, pending = lanes->count;
	struct load_lane *l;
	enum stmt_result r;
	int64_t lane;

	while ((r = stmt_step(q)) == STMT_ROW) {
		lane = stmt_col_i64(q, 0);
		l = lanes->items;
		while (i < pending && l[i].lane < lane)
			i++;
		if (i == pending || l[i].lane != lane) {
			l = list_add(lanes);
			l->lane = lane;
		}
	}
	return r == STMT_ERROR ? -1 : 0;
}

/* They are in the order of ids, held ones behind the others, so that the next mostly stands few rows on. */
static int name_lanes(struct store_db *db, struct op_load *op)
{
	enum stmt_result r = STMT_DONE;
	struct stmt *q = NULL;
	struct load_lane *l;
	int64_t at = 0;

	for (l = op->lanes; l < op->lanes + op->nlanes; l++) {
		if (q == NULL || l->lane < at || l->lane - at > LANES_NEAR) {
			q = query(db, Q_LANES_FROM);
			stmt_i64(q, l->lane);
			r = stmt_step(q);
		}
		while (r == STMT_ROW && (at = stmt_col_i64(q, 0)) < l->lane)
			r = stmt_step(q);
		if (r == STMT_ERROR)
			return -1;
		if (r == STMT_DONE || at != l->lane) {
			if (r == STMT_ROW)
				stmt_end(q);
			return sqlite_refuse(db, "there is no lane %lld", (long long)l->lane);
		}
		l->endpoint = stmt_col_int(q, 1);
		l->person = stmt_col_i64(q, 2);
		l->is_held = (stmt_col_int(q, 3) & LANE_HELD) != 0;
	}
	if (q != NULL)
		stmt_end(q);
	return 0;
}

static int load_flying(struct store_db *db, struct op_load *op, const int64_t *ids)
{
	struct event *event;
	size_t i;

	for (i = 0; i < op->nflying; i++) {
		if (row_trip(db, ids[i], op->arena, &op->flying[i]) != 1
		    || row_event(db, ids[i] >> 4, op->arena, &event) < 0)
			return sqlite_refuse(db, "delivery %lld cannot be read", (long long)ids[i]);
		if (event == NULL)
			return sqlite_refuse(db, "delivery %lld has no event", (long long)ids[i]);
		if (op->flying[i].delivery.is_deletion
		    && sqlite_find_written(db, &op->flying[i], event, 0, op->arena) != 0)
			return -1;
		if (op->flying[i].delivery.is_edit
		    && sqlite_find_edited(db, &op->flying[i], event, op->arena) != 0)
			return -1;
		if (sqlite_find_replied(db, &op->flying[i], event->endpoint,
			sqlite_replied_to(event), op->arena)
		    != 0)
			return -1;
		op->flying[i].event = event;
		if (op->flying[i].delivery.edited
		    && sqlite_take_edit(db, ids[i], op->arena, event) != 0)
			return -1;
	}
	return 0;
}

static int scan_unrouted(struct store_db *db, struct arena *a, struct list *events)
{
	struct stmt *q = query(db, Q_EVENT_UNROUTED);
	struct load_event *e;
	enum stmt_result r;
	const void *bytes;
	struct err err;
	size_t len;

	while ((r = stmt_step(q)) == STMT_ROW) {
		e = list_add(events);
		e->event = ARENA_NEW(a, struct event);
		bytes = stmt_col_blob(q, 1, &len);
		if (event_decode(bytes, len, a, e->event, &err) != 0) {
			sqlite_refuse(db, "event %lld: %s", (long long)stmt_col_i64(q, 0),
			    err.text);
			stmt_end(q);
			return -1;
		}
		e->event->id = stmt_col_i64(q, 0);
	}
	return r == STMT_ERROR ? -1 : 0;
}

static int view_unrouted(struct store_db *db, struct op_load *op)
{
	struct load_event *e;
	size_t endpoint;
	int ret;

	for (e = op->unrouted; e < op->unrouted + op->nunrouted; e++) {
		endpoint = (size_t)e->event->endpoint;
		if (endpoint >= op->nendpoints)
			continue;
		ret = sqlite_view(db, e->event, op->asks[endpoint], op->nasks[endpoint], NULL,
		    op->arena, &e->view);
		if (ret != 0)
			return -1;
	}
	return 0;
}

static int scan_asked(struct store_db *db, struct op_load *op)
{
	struct stmt *q = query(db, Q_THREADS_ASKED);
	struct list asked = { .item = sizeof(*op->asked) };
	struct load_asked *t;
	enum stmt_result r;

	while ((r = stmt_step(q)) == STMT_ROW) {
		t = list_add(&asked);
		t->endpoint = stmt_col_int(q, 0);
		t->conversation = stmt_col_text(q, 1, op->arena);
		t->answered_ms = stmt_col_i64(q, 2);
	}
	op->nasked = asked.count;
	op->asked = list_done(&asked, op->arena);
	return r == STMT_ERROR ? -1 : 0;
}

int sqlite_load(struct store_db *db, struct op_load *op)
{
	struct list lanes = { .item = sizeof(*op->lanes) };
	struct list flying = { .item = sizeof(int64_t) };
	struct list events = { .item = sizeof(*op->unrouted) };
	const int64_t *ids;
	int ret;

	ret = scan_pending(db, &lanes, &flying);
	if (ret == 0)
		ret = scan_held(db, &lanes);
	if (ret == 0)
		ret = scan_unrouted(db, op->arena, &events);
	op->nlanes = lanes.count;
	op->lanes = list_done(&lanes, op->arena);
	op->nunrouted = events.count;
	op->unrouted = list_done(&events, op->arena);
	op->nflying = flying.count;
	ids = list_done(&flying, op->arena);
	op->flying =
	    op->nflying == 0 ? NULL : arena_zalloc(op->arena, op->nflying * sizeof(*op->flying));
	if (ret != 0 || name_lanes(db, op) != 0 || load_flying(db, op, ids) != 0
	    || view_unrouted(db, op) != 0)
		return -1;
	return scan_asked(db, op);
}

/* ---- counts ---- */

int sqlite_tally_write(struct store_db *db)
{
	struct tally *t;
	struct stmt *q;

	for (t = db->tally; t < db->tally + db->ntally; t++) {
		if (t->hour > db->tally_hour) {
			db->tally_hour = t->hour;
			q = query(db, Q_TALLY_DELETE);
			stmt_i64(q, t->hour - TALLY_HOURS - 1);
			if (stmt_run(q) != 0)
				return -1;
		}
		q = query(db, Q_TALLY_ADD);
		stmt_i64(q, t->bridge);
		stmt_i64(q, t->side);
		stmt_i64(q, t->hour);
		stmt_i64(q, t->count);
		if (stmt_run(q) != 0)
			return -1;
	}
	db->ntally = 0;
	return 0;
}

/* Counted in memory until the commit, so that a batch writes each count once. */
int sqlite_tally(struct store_db *db, int bridge, int side, int64_t now_ms)
{
	int64_t hour = now_ms / HOUR_MS;
	struct tally *t;

	for (t = db->tally; t < db->tally + db->ntally; t++)
		if (t->bridge == bridge && t->side == side && t->hour == hour) {
			t->count++;
			return 0;
		}
	if (db->ntally == TALLY_MAX && sqlite_tally_write(db) != 0)
		return -1;
	db->tally[db->ntally++] = (struct tally){ bridge, side, hour, 1 };
	return 0;
}

static struct status_bridge *status_of(struct op_status *op, int bridge)
{
	size_t i;

	for (i = 0; i < op->nbridges; i++)
		if (op->bridges[i].bridge == bridge)
			return &op->bridges[i];
	return NULL;
}

static int status_bridges(struct store_db *db, struct op_status *op)
{
	struct list bridges = { .item = sizeof(struct status_bridge) };
	struct stmt *q = query(db, Q_STATUS_BRIDGES);
	struct status_bridge *b;
	enum stmt_result r;

	while ((r = stmt_step(q)) == STMT_ROW) {
		b = list_add(&bridges);
		b->bridge = stmt_col_int(q, 0);
	}
	op->nbridges = bridges.count;
	op->bridges = list_done(&bridges, op->arena);
	return r == STMT_ERROR ? -1 : 0;
}

/* Grouping by SQLite would sort them all; there are few groups. oldest_ms holds an id first. */
static int scan_waiting(struct store_db *db, struct op_status *op)
{
	struct stmt *q = query(db, Q_STATUS_PENDING);
	struct status_bridge *b;
	enum stmt_result r;
	int64_t id;
	int side;

	while ((r = stmt_step(q)) == STMT_ROW) {
		b = status_of(op, stmt_col_int(q, 0));
		if (b == NULL)
			continue;
		side =
		    (stmt_col_int(q, 1) & DELIVERY_TO_AGENTS) != 0 ? SIDE_AGENTS : SIDE_CUSTOMERS;
		id = stmt_col_i64(q, 2);
		if (b->waiting[side]++ == 0 || id < b->oldest_ms[side])
			b->oldest_ms[side] = id;
	}
	return r == STMT_ERROR ? -1 : 0;
}

static int status_pending(struct store_db *db, struct op_status *op)
{
	struct status_bridge *b;
	struct stmt *q;
	int side;

	if (scan_waiting(db, op) != 0)
		return -1;
	for (b = op->bridges; b < op->bridges + op->nbridges; b++)
		for (side = 0; side < 2; side++) {
			if (b->waiting[side] == 0)
				continue;
			q = query(db, Q_EVENT_AT);
			stmt_i64(q, b->oldest_ms[side] >> 4);
			if (stmt_number(q, &b->oldest_ms[side]) < 0)
				return -1;
		}
	return 0;
}

static int status_parked(struct store_db *db, struct op_status *op)
{
	struct list parked = { .item = sizeof(struct status_parked) };
	struct stmt *q = query(db, Q_STATUS_PARKED);
	struct status_parked *p;
	struct status_bridge *b;
	enum stmt_result r;

	while ((r = stmt_step(q)) == STMT_ROW) {
		p = list_add(&parked);
		p->bridge = stmt_col_int(q, 0);
		p->to = stmt_col_int(q, 1) != 0 ? SIDE_AGENTS : SIDE_CUSTOMERS;
		p->reason = (enum reason)stmt_col_int(q, 2);
		p->count = stmt_col_i64(q, 3);
		b = status_of(op, p->bridge);
		if (b != NULL)
			b->parked += p->count;
	}
	op->nparked = parked.count;
	op->parked = list_done(&parked, op->arena);
	return r == STMT_ERROR ? -1 : 0;
}

static int status_raw(struct store_db *db, struct op_status *op)
{
	struct list raws = { .item = sizeof(struct status_raw) };
	struct stmt *q = query(db, Q_RAW_COUNTS);
	struct status_raw *raw;
	enum stmt_result r;

	op->raw = 0;
	while ((r = stmt_step(q)) == STMT_ROW) {
		raw = list_add(&raws);
		raw->endpoint = stmt_col_int(q, 0);
		raw->count = stmt_col_i64(q, 1);
		op->raw += raw->count;
	}
	op->nraws = raws.count;
	op->raws = list_done(&raws, op->arena);
	return r == STMT_ERROR ? -1 : 0;
}

static int status_delivered(struct store_db *db, struct op_status *op)
{
	struct stmt *q = query(db, Q_TALLY_GET);
	struct status_bridge *b;
	enum stmt_result r;

	stmt_i64(q, op->now_ms / HOUR_MS - TALLY_HOURS);
	while ((r = stmt_step(q)) == STMT_ROW) {
		b = status_of(op, stmt_col_int(q, 0));
		if (b != NULL)
			b->delivered_24h[stmt_col_int(q, 1) == SIDE_AGENTS ? SIDE_AGENTS
									   : SIDE_CUSTOMERS] =
			    stmt_col_i64(q, 2);
	}
	return r == STMT_ERROR ? -1 : 0;
}

int sqlite_status(struct store_db *db, struct op_status *op)
{
	int64_t free_bytes;

	if (sqlite_tally_write(db) != 0 || status_bridges(db, op) != 0
	    || status_pending(db, op) != 0 || status_parked(db, op) != 0
	    || status_delivered(db, op) != 0 || status_raw(db, op) != 0)
		return -1;
	store_sqlite.size(db, &op->bytes, &free_bytes);
	return 0;
}

/* ---- what is kept for a while ---- */

int sqlite_raw(struct store_db *db, struct op_raw *op)
{
	struct stmt *q = query(db, Q_RAW_ADD);

	op->id = 0;
	stmt_i64(q, op->endpoint);
	stmt_i64(q, op->at_ms);
	stmt_i64(q, op->reason);
	stmt_i64(q, op->offset);
	stmt_text(q, op->headers);
	stmt_blob(q, op->body, op->body_len);
	if (stmt_run(q) != 0)
		return -1;
	op->id = sqlite3_last_insert_rowid(db->handle);
	q = query(db, Q_RAW_TRIM);
	stmt_i64(q, op->endpoint);
	stmt_i64(q, RAW_KEPT);
	return stmt_run(q);
}
