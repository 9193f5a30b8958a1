/* Rows to structs, and the rows that are found or made. What is there already is compared before it
 * is written: most of what we hear of persons and conversations is not new. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "core/event_codec.h"
#include "core/standing.h"
#include "store/sqlite_db.h"

#include <sqlite3.h>

/* Our own fault, or a caller's: not the disk's. The first word of a failure stays. */
int sqlite_refuse(struct store_db *db, const char *format, ...)
{
	va_list args;

	if (db->failure.fault != STORE_FAULT_NONE)
		return -1;
	db->failure.fault = STORE_FAULT_OTHER;
	va_start(args, format);
	vsnprintf(db->failure.err.text, sizeof(db->failure.err.text), format, args);
	va_end(args);
	return -1;
}

static int found(struct stmt *q, enum stmt_result r)
{
	if (r == STMT_ROW)
		stmt_end(q);
	return r == STMT_ERROR ? -1 : r == STMT_ROW;
}

int row_link(struct stmt *q, struct arena *a, struct row_link *out)
{
	enum stmt_result r = stmt_step(q);
	int flags;

	memset(out, 0, sizeof(*out));
	if (r == STMT_ROW) {
		out->id = stmt_col_i64(q, 0);
		out->bridge = stmt_col_int(q, 1);
		out->person = stmt_col_i64(q, 2);
		out->generation = stmt_col_i64(q, 3);
		out->customers = stmt_col_i64(q, 4);
		out->agents = stmt_col_i64(q, 5);
		out->first_customers = stmt_col_text(q, 6, a);
		out->first_agents = stmt_col_text(q, 7, a);
		flags = stmt_col_int(q, 8);
		out->taken_over = (flags & LINK_TAKEN_OVER) != 0;
		out->gone = (flags & LINK_GONE) != 0;
		out->how = (enum link_how)(flags >> LINK_HOW_SHIFT & 3);
		out->customers_remote = stmt_col_text(q, 9, a);
		out->customers_ref = stmt_col_text(q, 10, a);
		out->customers_heard = (enum state)stmt_col_int(q, 11);
		out->customers_closed_ms = stmt_col_i64(q, 12);
		out->agents_remote = stmt_col_text(q, 13, a);
		out->agents_ref = stmt_col_text(q, 14, a);
		out->agents_heard = (enum state)stmt_col_int(q, 15);
		out->agents_closed_ms = stmt_col_i64(q, 16);
		out->customers_asked = (enum state)stmt_col_int(q, 17);
		out->agents_asked = (enum state)stmt_col_int(q, 18);
		out->wanted = (enum state)stmt_col_int(q, 19);
		out->customers_obeyed = stmt_col_i64(q, 20) != 0;
		out->agents_obeyed = stmt_col_i64(q, 21) != 0;
		out->used_day = stmt_col_i64(q, 22);
		out->customers_state = out->customers_asked != STATE_NONE ? out->customers_asked
									  : out->customers_heard;
		out->agents_state =
		    out->agents_asked != STATE_NONE ? out->agents_asked : out->agents_heard;
	}
	return found(q, r);
}

int row_link_by_id(struct store_db *db, int64_t id, struct arena *a, struct row_link *out)
{
	struct stmt *q = query(db, Q_LINK_BY_ID);

	stmt_i64(q, id);
	return row_link(q, a, out);
}

int row_lane(struct stmt *q, struct arena *a, struct row_lane *out)
{
	enum stmt_result r = stmt_step(q);

	memset(out, 0, sizeof(*out));
	if (r == STMT_ROW) {
		out->id = stmt_col_i64(q, 0);
		out->endpoint = stmt_col_int(q, 1);
		out->person = stmt_col_i64(q, 2);
		out->contact = stmt_col_text(q, 3, a);
		out->address = stmt_col_text(q, 4, a);
		out->signed_in = (stmt_col_int(q, 5) & LANE_SIGNED_IN) != 0;
	}
	return found(q, r);
}

int row_lane_by_id(struct store_db *db, int64_t id, struct arena *a, struct row_lane *out)
{
	struct stmt *q = query(db, Q_LANE_BY_ID);

	stmt_i64(q, id);
	return row_lane(q, a, out);
}

int row_lane_of(struct store_db *db, int endpoint, int64_t person, struct arena *a,
    struct row_lane *out)
{
	struct stmt *q = query(db, Q_LANE_BY_PERSON);

	stmt_i64(q, endpoint);
	stmt_i64(q, person);
	return row_lane(q, a, out);
}

int row_person(struct stmt *q, struct arena *a, int64_t *id, struct person *out)
{
	enum stmt_result r = stmt_step(q);

	memset(out, 0, sizeof(*out));
	*id = 0;
	if (r == STMT_ROW) {
		*id = stmt_col_i64(q, 0);
		out->identity = stmt_col_text(q, 1, a);
		out->id = stmt_col_text(q, 2, a);
		out->address = stmt_col_text(q, 3, a);
		out->name = stmt_col_text(q, 4, a);
		out->email = stmt_col_text(q, 5, a);
		out->phone = stmt_col_text(q, 6, a);
	}
	return found(q, r);
}

int row_person_by_id(struct store_db *db, int64_t id, struct arena *a, struct person *out)
{
	struct stmt *q = query(db, Q_PERSON_BY_ID);
	int64_t same;

	stmt_i64(q, id);
	return row_person(q, a, &same, out);
}

static int read_event(struct store_db *db, struct stmt *q, int64_t id, int col, struct arena *a,
    struct event *out)
{
	struct err err;
	const void *bytes;
	size_t len;

	bytes = stmt_col_blob(q, col, &len);
	if (event_decode(bytes, len, a, out, &err) != 0)
		return sqlite_refuse(db, "event %lld: %s", (long long)id, err.text);
	out->id = id;
	return 0;
}

int row_event(struct store_db *db, int64_t id, struct arena *a, struct event **out)
{
	struct stmt *q = query(db, Q_EVENT_BODY);
	int ret = 1;

	*out = NULL;
	stmt_i64(q, id);
	switch (stmt_step(q)) {
	case STMT_ROW:
		*out = ARENA_NEW(a, struct event);
		if (read_event(db, q, id, 0, a, *out) != 0)
			ret = -1;
		stmt_end(q);
		return ret;
	case STMT_DONE: return 0;
	case STMT_ERROR: break;
	}
	return -1;
}

static int row_delivery(struct store_db *db, int64_t id, struct arena *a, struct row_delivery *out,
    int64_t *link)
{
	struct stmt *q = query(db, Q_DELIVERY_GET);
	enum stmt_result r;
	int flags;

	stmt_i64(q, id);
	r = stmt_step(q);
	if (r == STMT_ROW) {
		out->id = stmt_col_i64(q, 0);
		out->lane = stmt_col_i64(q, 1);
		*link = stmt_col_i64(q, 2);
		out->bridge = stmt_col_int(q, 3);
		out->pos = stmt_col_i64(q, 4);
		out->state = (enum delivery_state)stmt_col_int(q, 5);
		out->attempt = stmt_col_int(q, 6);
		out->claimed_ms = stmt_col_i64(q, 7);
		out->due_ms = stmt_col_i64(q, 8);
		out->expires_ms = stmt_col_i64(q, 9);
		out->step = (enum step)stmt_col_int(q, 10);
		out->part = stmt_col_int(q, 11);
		flags = stmt_col_int(q, 12);
		out->reopen = (flags & DELIVERY_REOPEN) != 0;
		out->take_over = (flags & DELIVERY_TAKE_OVER) != 0;
		out->edited = (flags & DELIVERY_EDITED) != 0;
		out->to = (flags & DELIVERY_TO_AGENTS) != 0 ? SIDE_AGENTS : SIDE_CUSTOMERS;
		out->opens = (flags & DELIVERY_OPENS) != 0;
		out->is_status = (flags & DELIVERY_STATUS) != 0;
		out->is_deletion = (flags & DELIVERY_DELETION) != 0;
		out->is_edit = (flags & DELIVERY_EDIT) != 0;
		out->is_taken_back = (flags & DELIVERY_TAKEN_BACK) != 0;
		out->carry = stmt_col_text(q, 13, a);
		out->reason = (enum reason)stmt_col_int(q, 14);
		out->remote_id = stmt_col_text(q, 15, a);
	}
	return found(q, r);
}

/* An earlier claim of it wrote that down, and it is not known yet how that went. */
static bool has_asked(const struct row_trip *t)
{
	const struct row_link *l = &t->link;
	bool up = t->delivery.to == SIDE_AGENTS;
	enum state state = t->delivery.is_status ? t->delivery.set_state
	    : t->delivery.opens                  ? STATE_OPEN
						 : STATE_NONE;

	return state != STATE_NONE && state == (up ? l->agents_asked : l->customers_asked)
	    && !(up ? l->agents_obeyed : l->customers_obeyed);
}

int row_trip(struct store_db *db, int64_t delivery, struct arena *a, struct row_trip *out)
{
	int64_t link = 0, person;
	int ret;

	memset(out, 0, sizeof(*out));
	ret = row_delivery(db, delivery, a, &out->delivery, &link);
	if (ret != 1)
		return ret;
	if (row_lane_by_id(db, out->delivery.lane, a, &out->lane) < 0
	    || row_link_by_id(db, link, a, &out->link) < 0)
		return -1;
	person = out->link.id != 0 ? out->link.person : out->lane.person;
	if (row_person_by_id(db, person, a, &out->person) < 0)
		return -1;
	if (out->delivery.is_status)
		out->delivery.set_state = standing_needs(&out->link, out->delivery.to);
	out->delivery.has_asked = has_asked(out);
	return 1;
}

/* ---- found or made ---- */

/* Fills thread, state and version of out; person too where out knows none. */
int make_thread(struct store_db *db, int endpoint, const char *remote, const char *ref,
    int64_t person, struct view *out)
{
	struct stmt *q = query(db, Q_THREAD_GET);
	bool has_ref = false;
	int64_t its_person = 0;
	enum stmt_result r;

	stmt_i64(q, endpoint);
	stmt_text(q, remote);
	r = stmt_step(q);
	if (r == STMT_ROW) {
		out->thread = stmt_col_i64(q, 0);
		has_ref = stmt_col_peek(q, 1) != NULL;
		its_person = stmt_col_i64(q, 2);
		out->state = (enum state)stmt_col_int(q, 3);
		out->state_version = stmt_col_i64(q, 4);
	}
	if (found(q, r) < 0)
		return -1;
	if (out->person == 0)
		out->person = its_person;
	if (r == STMT_DONE) {
		q = query(db, Q_THREAD_ADD);
		stmt_i64(q, endpoint);
		stmt_text(q, remote);
		stmt_text(q, ref);
		stmt_id(q, person);
		if (stmt_run(q) != 0)
			return -1;
		out->thread = sqlite3_last_insert_rowid(db->handle);
		return 0;
	}
	if (ref != NULL && !has_ref) {
		q = query(db, Q_THREAD_REF);
		stmt_text(q, ref);
		stmt_i64(q, out->thread);
		if (stmt_run(q) != 0)
			return -1;
	}
	if (person != 0 && person != its_person) {
		q = query(db, Q_THREAD_PERSON);
		stmt_i64(q, person);
		stmt_i64(q, out->thread);
		return stmt_run(q);
	}
	return 0;
}

static bool is_news(const char *said, const char *known)
{
	return said != NULL && (known == NULL || strcmp(said, known) != 0);
}

static const char *newer(const char *said, const char *known)
{
	return said != NULL ? said : known;
}

static int find_person(struct store_db *db, const struct event *e, struct arena *a, int64_t *id,
    struct person *known)
{
	int64_t hint = *id;
	struct stmt *q;

	if (hint != 0) {
		q = query(db, Q_PERSON_BY_ID);
		stmt_i64(q, hint);
		if (row_person(q, a, id, known) < 0)
			return -1;
		if (*id != 0 && strcmp(known->identity, e->person.identity) == 0)
			return 1;
	}
	q = query(db, Q_PERSON_BY_IDENTITY);
	stmt_text(q, e->person.identity);
	return row_person(q, a, id, known);
}

int make_person(struct store_db *db, const struct event *e, struct arena *a, int64_t *id,
    struct person *out)
{
	const struct person *p = &e->person;
	struct person known;
	struct stmt *q;
	int ret = find_person(db, e, a, id, &known);

	if (ret < 0)
		return -1;
	*out = (struct person){
		.identity = p->identity,
		.id = newer(p->id, known.id),
		.address = newer(p->address, known.address),
		.name = newer(p->name, known.name),
		.email = newer(p->email, known.email),
		.phone = newer(p->phone, known.phone),
	};
	if (ret == 0) {
		q = query(db, Q_PERSON_ADD);
		stmt_text(q, p->identity);
		stmt_i64(q, e->endpoint);
	} else if (known.id != NULL && is_news(p->id, known.id)
	    && sqlite_contact_is_now(db, e->endpoint, known.id, p->id) != 0) {
		return -1;
	} else if (is_news(p->id, known.id) || is_news(p->address, known.address)
	    || is_news(p->name, known.name) || is_news(p->email, known.email)
	    || is_news(p->phone, known.phone)) {
		q = query(db, Q_PERSON_SET);
		stmt_i64(q, *id);
	} else {
		return 0;
	}
	stmt_text(q, p->id);
	stmt_text(q, p->address);
	stmt_text(q, p->name);
	stmt_text(q, p->email);
	stmt_text(q, p->phone);
	if (stmt_run(q) != 0)
		return -1;
	if (ret == 0)
		*id = sqlite3_last_insert_rowid(db->handle);
	return 0;
}
