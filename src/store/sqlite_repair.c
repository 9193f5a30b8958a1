/* See repair.h. Lists are read whole and filtered here: there are as many rows as people can be asked
 * to look at, and an index holds just those. */
#include "store/repair.h"

#include <string.h>

#include "base/arena.h"
#include "store/sqlite_db.h"

#include <sqlite3.h>

#define TARGET_BITS 4
#define TARGETS_MAX 15
#define ATTEMPTS_KEPT 50
#define DELIVERIES_MOST 15

/* ---- what happened ---- */

int sqlite_happened(struct store_db *db, const struct happening *h)
{
	struct stmt *q = query(db, Q_ATTEMPT_ADD);

	stmt_i64(q, h->delivery);
	stmt_i64(q, h->at_ms);
	stmt_i64(q, h->attempt);
	stmt_i64(q, h->step);
	stmt_i64(q, h->state);
	stmt_i64(q, h->reason);
	stmt_text(q, h->why);
	stmt_text(q, h->who);
	if (stmt_run(q) != 0)
		return -1;
	q = query(db, Q_ATTEMPT_TRIM);
	stmt_i64(q, h->delivery);
	stmt_i64(q, ATTEMPTS_KEPT);
	return stmt_run(q);
}

int sqlite_take_edit(struct store_db *db, int64_t delivery, struct arena *a, struct event *event)
{
	struct stmt *q = query(db, Q_EDIT_GET);

	stmt_i64(q, delivery);
	switch (stmt_step(q)) {
	case STMT_ROW:
		event->text = stmt_col_text(q, 0, a);
		event->choice = NULL;
		stmt_end(q);
		return 0;
	case STMT_DONE: return 0;
	case STMT_ERROR: break;
	}
	return -1;
}

/* ---- what is parked ---- */

static bool leads_there(const struct parked_filter *f, int bridge, enum side to)
{
	size_t i;

	if (f->endpoint == 0)
		return true;
	for (i = 0; i < f->nways; i++)
		if (f->ways[i].bridge == bridge && f->ways[i].to == to)
			return true;
	return false;
}

static bool is_of_then(const struct parked_filter *f, int64_t at_ms)
{
	return (f->since_ms == 0 || at_ms >= f->since_ms)
	    && (f->until_ms == 0 || (at_ms != 0 && at_ms <= f->until_ms));
}

/* A row that fits: counted, and taken where it stands behind the last page. */
static struct parked_row *take_row(struct op_parked *op, struct parked_id id)
{
	const struct parked_id *after = &op->after;
	bool is_seen = after->id != 0
	    && (after->is_raw ? !id.is_raw || id.id >= after->id
			      : !id.is_raw && id.id >= after->id);
	struct parked_row *row;

	op->total++;
	if (is_seen)
		return NULL;
	if (op->nrows == (size_t)op->limit) {
		op->is_more = true;
		return NULL;
	}
	row = &op->rows[op->nrows++];
	row->id = id;
	return row;
}

static int scan_parked(struct store_db *db, struct op_parked *op)
{
	struct stmt *q = query(db, Q_PARKED_SCAN);
	const struct parked_filter *f = &op->filter;
	struct parked_row *row;
	enum stmt_result r;
	enum reason reason;
	enum side to;
	int bridge;

	while ((r = stmt_step(q)) == STMT_ROW) {
		bridge = stmt_col_int(q, 1);
		to = (stmt_col_int(q, 2) & DELIVERY_TO_AGENTS) != 0 ? SIDE_AGENTS : SIDE_CUSTOMERS;
		reason = (enum reason)stmt_col_int(q, 3);
		if ((f->bridge != 0 && f->bridge != bridge) || !leads_there(f, bridge, to)
		    || (f->reason != REASON_NONE && f->reason != reason)
		    || !is_of_then(f, stmt_col_i64(q, 5)))
			continue;
		row = take_row(op, (struct parked_id){ false, stmt_col_i64(q, 0) });
		if (row == NULL)
			continue;
		row->bridge = bridge;
		row->to = to;
		row->reason = reason;
		row->why = stmt_col_text(q, 4, op->arena);
		row->since_ms = stmt_col_i64(q, 5);
	}
	return r == STMT_ERROR ? -1 : 0;
}

static int scan_raw(struct store_db *db, struct op_parked *op)
{
	struct stmt *q = query(db, Q_RAW_SCAN);
	const struct parked_filter *f = &op->filter;
	struct parked_row *row;
	enum stmt_result r;
	int endpoint;

	while ((r = stmt_step(q)) == STMT_ROW) {
		endpoint = stmt_col_int(q, 1);
		if ((f->endpoint != 0 && f->endpoint != endpoint)
		    || !is_of_then(f, stmt_col_i64(q, 2)))
			continue;
		row = take_row(op, (struct parked_id){ true, stmt_col_i64(q, 0) });
		if (row == NULL)
			continue;
		row->endpoint = endpoint;
		row->since_ms = stmt_col_i64(q, 2);
		row->reason = REASON_UNPARSABLE;
		row->unparsable = (enum unparsable)stmt_col_int(q, 3);
	}
	return r == STMT_ERROR ? -1 : 0;
}

/* What a row cannot say by itself: the words, and for old ones since when. */
static int fill_row(struct store_db *db, struct arena *a, struct parked_row *row)
{
	struct event *event = NULL;
	struct stmt *q;

	if (row->id.is_raw)
		return 0;
	if (row_event(db, row->id.id >> TARGET_BITS, a, &event) < 0)
		return -1;
	row->event = event;
	if (row->since_ms != 0)
		return 0;
	q = query(db, Q_EVENT_AT);
	stmt_i64(q, row->id.id >> TARGET_BITS);
	return stmt_number(q, &row->since_ms) < 0 ? -1 : 0;
}

int sqlite_parked(struct store_db *db, struct op_parked *op)
{
	bool with_raw = op->filter.bridge == 0
	    && (op->filter.reason == REASON_NONE || op->filter.reason == REASON_UNPARSABLE);
	size_t i;

	op->rows = arena_zalloc(op->arena, (size_t)op->limit * sizeof(*op->rows));
	op->nrows = 0;
	op->is_more = false;
	op->total = 0;
	if ((op->filter.reason != REASON_UNPARSABLE && scan_parked(db, op) != 0)
	    || (with_raw && scan_raw(db, op) != 0))
		return -1;
	for (i = 0; i < op->nrows; i++)
		if (fill_row(db, op->arena, &op->rows[i]) != 0)
			return -1;
	return 0;
}

int sqlite_raw_read(struct store_db *db, struct op_raw_read *op)
{
	struct stmt *q = query(db, Q_RAW_GET);
	const void *body;

	op->is_known = false;
	stmt_i64(q, op->id);
	switch (stmt_step(q)) {
	case STMT_ROW:
		op->is_known = true;
		op->raw.id = op->id;
		op->raw.endpoint = stmt_col_int(q, 0);
		op->raw.at_ms = stmt_col_i64(q, 1);
		op->raw.reason = (enum unparsable)stmt_col_int(q, 2);
		op->raw.offset = stmt_col_i64(q, 3);
		op->raw.headers = stmt_col_text(q, 4, op->arena);
		body = stmt_col_blob(q, 5, &op->raw.body_len);
		op->raw.body = arena_memdup(op->arena, body, op->raw.body_len);
		stmt_end(q);
		return 0;
	case STMT_DONE: return 0;
	case STMT_ERROR: break;
	}
	return -1;
}

/* ---- mending ---- */

static bool is_refused_for_words(enum reason reason)
{
	return reason == REASON_INVALID || reason == REASON_TOO_LARGE
	    || reason == REASON_UNSUPPORTED;
}

static int note_mend(struct store_db *db, const struct op_mend *op, const struct row_delivery *d,
    enum delivery_state state)
{
	static const char *const words[] = { "put back", "dropped", "edited" };
	const struct happening h = {
		.delivery = d->id,
		.at_ms = op->now_ms,
		.attempt = -1,
		.step = (int)d->step,
		.state = (int)state,
		.why = words[op->mend],
		.who = op->who != NULL ? op->who : "?",
	};

	return sqlite_happened(db, &h);
}

/* The lane waited for a person to say what becomes of it: now it is said. */
static int free_lane(struct store_db *db, struct mended *m)
{
	struct stmt *q = query(db, Q_LANE_FREE);

	stmt_i64(q, m->lane);
	if (stmt_run(q) != 0)
		return -1;
	m->was_held = sqlite3_changes(db->handle) > 0;
	return 0;
}

/* It never came so far as to have a lane: the event is routed once more. Other deliveries of the event
 * would be made again, too. */
static int mend_reroute(struct store_db *db, struct op_mend *op, struct mended *m)
{
	int64_t event = m->id.id >> TARGET_BITS, n = 0;
	struct stmt *q = query(db, Q_DELIVERY_COUNT);

	stmt_i64(q, event << TARGET_BITS);
	stmt_i64(q, event << TARGET_BITS | TARGETS_MAX);
	if (stmt_number(q, &n) < 0 || row_event(db, event, op->arena, &m->event) < 0)
		return -1;
	if (n != 1 || m->event == NULL) {
		m->result = m->event == NULL ? MEND_NO_BODY : MEND_NOT_PARKED;
		return 0;
	}
	q = query(db, Q_MEND_DELETE);
	stmt_i64(q, m->id.id);
	if (stmt_run(q) != 0)
		return -1;
	q = query(db, Q_EVENT_UNROUTE);
	stmt_i64(q, event);
	m->result = MEND_REROUTE;
	m->endpoint = m->event->endpoint;
	return stmt_run(q);
}

static int mend_retry(struct store_db *db, struct op_mend *op, struct mended *m,
    const struct row_delivery *d)
{
	enum delivery_state state = d->attempt > 0 ? DELIVERY_UNSURE : DELIVERY_QUEUED;
	struct event *event = NULL;
	int64_t pos = d->pos;
	struct stmt *q;

	if (d->lane == 0)
		return mend_reroute(db, op, m);
	if (row_event(db, d->id >> TARGET_BITS, op->arena, &event) < 0 || free_lane(db, m) != 0)
		return -1;
	if (event == NULL) {
		m->result = MEND_NO_BODY;
		return 0;
	}
	if (!m->was_held && sqlite_next_pos(db, &pos) != 0)
		return -1;
	q = query(db, Q_MEND_REQUEUE);
	stmt_i64(q, d->id);
	stmt_i64(q, state);
	stmt_i64(q, op->expires_ms);
	stmt_i64(q, pos);
	if (stmt_run(q) != 0)
		return -1;
	return note_mend(db, op, d, state);
}

static int mend_drop(struct store_db *db, struct op_mend *op, struct mended *m,
    const struct row_delivery *d)
{
	struct stmt *q = query(db, Q_MEND_DISCARD);

	stmt_i64(q, d->id);
	stmt_i64(q, op->now_ms);
	if (stmt_run(q) != 0 || (d->lane != 0 && free_lane(db, m) != 0))
		return -1;
	return note_mend(db, op, d, DELIVERY_DISCARDED);
}

static int mend_edit(struct store_db *db, struct op_mend *op, struct mended *m,
    const struct row_delivery *d)
{
	struct stmt *q;

	if (!is_refused_for_words(d->reason) || d->is_status || d->is_deletion) {
		m->result = MEND_NOT_REFUSED;
		return 0;
	}
	q = query(db, Q_EDIT_SET);
	stmt_i64(q, d->id);
	stmt_text(q, op->text);
	stmt_i64(q, op->now_ms);
	stmt_text(q, op->who);
	if (stmt_run(q) != 0)
		return -1;
	q = query(db, Q_MEND_FLAG);
	stmt_i64(q, d->id);
	if (stmt_run(q) != 0)
		return -1;
	return note_mend(db, op, d, DELIVERY_PARKED);
}

static int mend_delivery(struct store_db *db, struct op_mend *op, struct mended *m)
{
	struct row_trip trip;
	const struct row_delivery *d = &trip.delivery;
	int ret = row_trip(db, m->id.id, op->arena, &trip);

	if (ret < 0)
		return -1;
	if (ret == 0 || d->state != DELIVERY_PARKED) {
		m->result = ret == 0 ? MEND_UNKNOWN : MEND_NOT_PARKED;
		return 0;
	}
	m->lane = trip.lane.id;
	m->endpoint = trip.lane.endpoint;
	m->person = trip.lane.person;
	switch (op->mend) {
	case MEND_RETRY: return mend_retry(db, op, m, d);
	case MEND_DROP: return mend_drop(db, op, m, d);
	case MEND_EDIT: return mend_edit(db, op, m, d);
	}
	return -1;
}

static int mend_raw(struct store_db *db, struct op_mend *op, struct mended *m)
{
	struct stmt *q = query(db, Q_RAW_DROP);

	if (op->mend != MEND_DROP)
		return sqlite_refuse(db, "a kept callback can only be dropped here");
	stmt_i64(q, m->id.id);
	if (stmt_run(q) != 0)
		return -1;
	if (sqlite3_changes(db->handle) == 0)
		m->result = MEND_UNKNOWN;
	return 0;
}

int sqlite_mend(struct store_db *db, struct op_mend *op)
{
	struct mended *m;

	for (m = op->items; m < op->items + op->nitems; m++) {
		*m = (struct mended){ .id = m->id, .result = MEND_DONE };
		if ((m->id.is_raw ? mend_raw(db, op, m) : mend_delivery(db, op, m)) != 0)
			return -1;
	}
	return 0;
}

/* ---- traces ---- */

static int find_remote(struct store_db *db, struct op_trace *op)
{
	struct stmt *q;
	int64_t ref;
	size_t i;
	int ret;

	op->found = arena_zalloc(op->arena, (op->nendpoints + 1) * sizeof(*op->found));
	for (i = 0; i < op->nendpoints; i++) {
		q = query(db, Q_IDMAP_GET);
		stmt_i64(q, op->endpoints[i]);
		stmt_i64(q, 'm');
		stmt_remote(q, op->remote);
		ret = stmt_number(q, &ref);
		if (ret < 0)
			return -1;
		if (ret == 0)
			continue;
		op->found[op->nfound++] = op->endpoints[i];
		op->id = ref >> TARGET_BITS;
	}
	if (op->nfound > 1)
		op->id = 0;
	return 0;
}

static int read_attempts(struct store_db *db, struct arena *a, int64_t delivery,
    struct trace_delivery *d)
{
	struct stmt *q = query(db, Q_ATTEMPTS);
	struct trace_attempt *t;
	enum stmt_result r;

	d->attempts = arena_zalloc(a, (ATTEMPTS_KEPT + 1) * sizeof(*d->attempts));
	stmt_i64(q, delivery);
	while ((r = stmt_step(q)) == STMT_ROW) {
		if (d->nattempts > ATTEMPTS_KEPT)
			continue;
		t = &d->attempts[d->nattempts++];
		t->at_ms = stmt_col_i64(q, 0);
		t->attempt = stmt_col_int(q, 1);
		t->step = (enum step)stmt_col_int(q, 2);
		t->state = (enum delivery_state)stmt_col_int(q, 3);
		t->reason = (enum reason)stmt_col_int(q, 4);
		t->why = stmt_col_text(q, 5, a);
		t->who = stmt_col_text(q, 6, a);
	}
	return r == STMT_ERROR ? -1 : 0;
}

static int read_edit(struct store_db *db, struct arena *a, int64_t delivery,
    struct trace_delivery *d)
{
	struct stmt *q = query(db, Q_EDIT_GET);

	stmt_i64(q, delivery);
	switch (stmt_step(q)) {
	case STMT_ROW:
		d->edited = stmt_col_text(q, 0, a);
		d->edited_ms = stmt_col_i64(q, 1);
		d->edited_by = stmt_col_text(q, 2, a);
		stmt_end(q);
		return 0;
	case STMT_DONE: return 0;
	case STMT_ERROR: break;
	}
	return -1;
}

static int read_delivery(struct store_db *db, struct arena *a, int64_t id, struct trace_delivery *d)
{
	struct stmt *q = query(db, Q_DELIVERY_ENDED);

	stmt_i64(q, id);
	switch (stmt_step(q)) {
	case STMT_ROW:
		d->why = stmt_col_text(q, 0, a);
		d->ended_ms = stmt_col_i64(q, 1);
		d->to =
		    (stmt_col_int(q, 2) & DELIVERY_TO_AGENTS) != 0 ? SIDE_AGENTS : SIDE_CUSTOMERS;
		stmt_end(q);
		break;
	case STMT_DONE: return 0;
	case STMT_ERROR: return -1;
	}
	if (row_trip(db, id, a, &d->trip) < 0 || read_attempts(db, a, id, d) != 0)
		return -1;
	return read_edit(db, a, id, d);
}

static int list_deliveries(struct store_db *db, const struct op_trace *op, int64_t *ids, size_t *n)
{
	struct stmt *q = query(db, Q_DELIVERY_OF_EVENT);
	enum stmt_result r;

	*n = 0;
	stmt_i64(q, op->id << TARGET_BITS);
	stmt_i64(q, op->id << TARGET_BITS | TARGETS_MAX);
	while ((r = stmt_step(q)) == STMT_ROW)
		if (*n < DELIVERIES_MOST)
			ids[(*n)++] = stmt_col_i64(q, 0);
	return r == STMT_ERROR ? -1 : 0;
}

static int read_event(struct store_db *db, struct op_trace *op)
{
	struct stmt *q;
	int64_t routed = 0;

	if (row_event(db, op->id, op->arena, &op->event) < 0)
		return -1;
	q = query(db, Q_EVENT_IS_ROUTED);
	stmt_i64(q, op->id);
	if (stmt_number(q, &routed) < 0)
		return -1;
	op->is_routed = routed != 0 || op->event == NULL;
	return 0;
}

int sqlite_trace(struct store_db *db, struct op_trace *op)
{
	int64_t ids[DELIVERIES_MOST];
	size_t i;

	op->nfound = op->ndeliveries = 0;
	op->event = NULL;
	op->is_routed = false;
	op->id = op->delivery_id != 0 ? op->delivery_id >> TARGET_BITS : op->event_id;
	if (op->remote != NULL && find_remote(db, op) != 0)
		return -1;
	if (op->id == 0)
		return 0;
	if (read_event(db, op) != 0 || list_deliveries(db, op, ids, &op->ndeliveries) != 0)
		return -1;
	if (op->event == NULL && op->ndeliveries == 0) {
		op->id = 0;
		return 0;
	}
	op->deliveries = arena_zalloc(op->arena, (op->ndeliveries + 1) * sizeof(*op->deliveries));
	for (i = 0; i < op->ndeliveries; i++)
		if (read_delivery(db, op->arena, ids[i], &op->deliveries[i]) != 0)
			return -1;
	return 0;
}
