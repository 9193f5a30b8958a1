/* A message comes in: its event is appended, with its conversation and person, and becomes deliveries; with
 * it, where the flow knew where it goes, else later. */
#include <string.h>

#include <sqlite3.h>

#include "base/arena.h"
#include "core/event_codec.h"
#include "store/sqlite_db.h"

#define POS_BLOCK 4096
#define DAY_MS INT64_C(86400000)
#define TARGET_BITS 4
#define TARGETS_MAX 15

/* ---- append ---- */

static int check_key(struct store_db *db, const char *key)
{
	return key[0] != '\0' && key[1] == ':' && key[2] != '\0'
	    ? 0
	    : sqlite_refuse(db, "the key \"%s\" is not a letter, a colon and an id", key);
}

static int find_key(struct store_db *db, int endpoint, const char *key, int64_t *known)
{
	struct stmt *q = query(db, Q_IDMAP_GET);

	stmt_i64(q, endpoint);
	stmt_i64(q, key[0]);
	stmt_remote(q, key + 2);
	return stmt_number(q, known);
}

int sqlite_add_key(struct store_db *db, int endpoint, const char *key, int64_t event,
    int64_t *known)
{
	struct stmt *q;

	*known = 0;
	if (key == NULL)
		return 1;
	if (check_key(db, key) != 0)
		return -1;
	q = query(db, Q_IDMAP_ADD);
	stmt_i64(q, endpoint);
	stmt_i64(q, key[0]);
	stmt_remote(q, key + 2);
	stmt_i64(q, event << TARGET_BITS);
	if (stmt_run(q) != 0)
		return -1;
	if (sqlite3_changes(db->handle) == 1)
		return 1;
	return find_key(db, endpoint, key, known) < 0 ? -1 : 0;
}

static int known_state(struct store_db *db, int64_t ref, enum delivery_state *state)
{
	bool is_copy = (ref & TARGETS_MAX) != 0;
	struct stmt *q = query(db, Q_DELIVERY_FIRST);
	int64_t n;
	int ret;

	stmt_i64(q, ref);
	stmt_i64(q, is_copy ? ref : ref | TARGETS_MAX);
	ret = stmt_number(q, &n);
	if (ret == 0) {
		q = query(db, Q_EVENT_IS_ROUTED);
		stmt_i64(q, ref >> TARGET_BITS);
		ret = stmt_number(q, &n);
		n = ret == 1 && n == 0 ? DELIVERY_QUEUED : DELIVERY_DISCARDED;
	}
	*state = (enum delivery_state)n;
	return ret < 0 ? -1 : 0;
}

int sqlite_add_event(struct store_db *db, const struct event *e, int64_t id, int64_t thread,
    bool is_routed)
{
	struct stmt *q = query(db, Q_EVENT_ADD);

	buf_clear(&db->bytes);
	event_encode(e, &db->bytes);
	stmt_i64(q, id);
	stmt_i64(q, e->endpoint);
	stmt_id(q, thread);
	stmt_i64(q, e->kind);
	stmt_i64(q, e->origin);
	stmt_i64(q, e->at_ms);
	stmt_i64(q, e->here_ms);
	stmt_i64(q, is_routed);
	stmt_blob(q, db->bytes.data, db->bytes.len);
	return stmt_run(q);
}

/* The customers' side says who a person is; what the agents' side carries is only looked up. */
static int add_person(struct store_db *db, struct op_append *op, struct person *out)
{
	size_t i;

	for (i = 0; i < op->nasks; i++)
		if (op->asks[i].side == SIDE_CUSTOMERS && op->event->person.identity != NULL) {
			op->view.person = op->person;
			return make_person(db, op->event, op->arena, &op->view.person, out);
		}
	return 0;
}

/* What all deliveries of one event have in common. */
struct routing {
	int64_t event;
	const char *remote; /* the message's id; NULL: to be read where it is needed */
	int owner;
	int64_t now_ms;
	struct arena *arena;
	int64_t person; /* whose row was just read; 0: nobody's */
	struct person who;
};

static int route_rows(struct store_db *db, const struct routing *r, struct route_row *rows,
    size_t nrows);

/* The conversation is known, as that of this person: so there is nothing to be written to it, unless it gets a
 * second id. */
static bool is_known_thread(const struct op_append *op)
{
	return op->thread != 0 && op->nrows > 0 && op->view.person == op->person;
}

static int append_thread(struct store_db *db, struct op_append *op)
{
	const struct event *e = op->event;

	if (e->conversation == NULL)
		return 0;
	if (is_known_thread(op)) {
		op->view.thread = op->thread;
		return 0;
	}
	return make_thread(db, e->endpoint, e->conversation, e->conversation_ref, op->view.person,
	    &op->view);
}

/* Its link, which was read, tells whether the conversation has a second id. */
static int append_ref(struct store_db *db, struct op_append *op)
{
	const struct row_link *l = &op->rows[0].out.link;
	const struct event *e = op->event;
	struct view view = { 0 };

	if (e->conversation_ref == NULL || !is_known_thread(op)
	    || (l->customers == op->thread && l->customers_ref != NULL)
	    || (l->agents == op->thread && l->agents_ref != NULL))
		return 0;
	return make_thread(db, e->endpoint, e->conversation, e->conversation_ref, op->view.person,
	    &view);
}

static int append_rows(struct store_db *db, struct op_append *op, struct routing *r)
{
	if (op->rows == NULL)
		return 0;
	r->remote = op->event->remote;
	r->owner = op->owner;
	r->now_ms = op->now_ms;
	r->arena = op->arena;
	if (r->who.identity != NULL)
		r->person = op->view.person;
	if (route_rows(db, r, op->rows, op->nrows) != 0)
		return -1;
	return op->nrows == 0 ? 0 : append_ref(db, op);
}

/* 1: it is, and what is known of it is told. */
static int is_key_known(struct store_db *db, struct op_append *op)
{
	const char *key = op->event->key;
	int ret = key != NULL ? check_key(db, key) : 0;

	if (ret == 0 && key != NULL)
		ret = find_key(db, op->event->endpoint, key, &op->known);
	op->is_duplicate = ret > 0;
	op->is_left = ret == 0;
	return ret > 0 ? known_state(db, op->known, &op->known_state) : ret;
}

int sqlite_append(struct store_db *db, struct op_append *op)
{
	struct event *e = op->event;
	struct routing r = { .event = db->last_event + 1 };
	int64_t id = r.event;
	int ret;

	e->id = 0;
	op->is_duplicate = op->is_left = false;
	op->known_state = DELIVERY_QUEUED;
	memset(&op->view, 0, sizeof(op->view));
	if (op->only_known)
		return is_key_known(db, op);
	ret = sqlite_add_key(db, e->endpoint, e->key, id, &op->known);
	if (ret < 0)
		return -1;
	if (ret == 0) {
		op->is_duplicate = true;
		return known_state(db, op->known, &op->known_state);
	}
	db->last_event = id;
	if (add_person(db, op, &r.who) != 0 || append_thread(db, op) != 0
	    || sqlite_add_event(db, e, id, op->view.thread, op->rows != NULL) != 0
	    || sqlite_root_add(db, e->endpoint, op->root, id << TARGET_BITS) != 0
	    || append_rows(db, op, &r) != 0)
		return -1;
	if (op->want_view
	    && sqlite_view(db, e, op->asks, op->nasks, op->root, op->arena, &op->view) != 0)
		return -1;
	e->id = id;
	return 0;
}

/* ---- route ---- */

/* A place that was never given before, in this life of the process or an earlier one: meta is ahead
 * of it by up to a block. */
int sqlite_next_pos(struct store_db *db, int64_t *pos)
{
	struct stmt *q;

	if (db->last_pos >= db->kept_pos) {
		q = query(db, Q_META_SET);
		stmt_text(q, "pos");
		stmt_i64(q, db->last_pos + POS_BLOCK);
		if (stmt_run(q) != 0)
			return -1;
		db->kept_pos = db->last_pos + POS_BLOCK;
	}
	*pos = ++db->last_pos;
	return 0;
}

int sqlite_save_lane(struct store_db *db, const struct row_lane *lane)
{
	struct stmt *q = query(db, Q_LANE_SET);

	stmt_text(q, lane->contact);
	stmt_text(q, lane->address);
	stmt_i64(q, lane->signed_in ? LANE_SIGNED_IN : 0);
	stmt_i64(q, lane->id);
	return stmt_run(q);
}

static int find_lane(struct store_db *db, const struct route_row *row, struct arena *a,
    struct row_lane *lane)
{
	if (row->lane != 0 && row_lane_by_id(db, row->lane, a, lane) < 0)
		return -1;
	if (row->lane != 0 && lane->endpoint == row->target && lane->person == row->person)
		return 1;
	return row_lane_of(db, row->target, row->person, a, lane);
}

static int route_lane(struct store_db *db, const struct route_row *row, struct arena *a,
    struct row_lane *lane)
{
	struct stmt *q;
	int ret;

	if (row->person == 0 || row->target == 0)
		return row->state == DELIVERY_PARKED
		    ? 0
		    : sqlite_refuse(db, "a delivery without a person or target");
	ret = find_lane(db, row, a, lane);
	if (ret < 0)
		return -1;
	if (ret == 1) {
		if (row->address == NULL || lane->address != NULL)
			return 0;
		lane->address = row->address;
		return sqlite_save_lane(db, lane);
	}
	*lane = (struct row_lane){ .endpoint = row->target,
		.person = row->person,
		.address = row->address };
	q = query(db, Q_LANE_ADD);
	stmt_i64(q, lane->endpoint);
	stmt_i64(q, lane->person);
	stmt_text(q, lane->address);
	if (stmt_run(q) != 0)
		return -1;
	lane->id = sqlite3_last_insert_rowid(db->handle);
	return 0;
}

static int next_generation(struct store_db *db, int bridge, int64_t customers, int64_t *generation)
{
	struct stmt *q = query(db, Q_LINK_NEXT_GENERATION);

	stmt_i64(q, bridge);
	stmt_i64(q, customers);
	return stmt_number(q, generation) == 1 ? 0 : -1;
}

/* The link a row names: by its id, by its two conversations, or by the key. 1 found, 0 to be made
 * with *generation, -1. */
static int find_link(struct store_db *db, const struct route_row *row, int64_t *generation,
    struct arena *a, struct row_link *out)
{
	struct stmt *q;
	int ret;

	*generation = row->generation > 0 ? row->generation : 1;
	if (row->link != 0) {
		ret = row_link_by_id(db, row->link, a, out);
		return ret == 0 ? sqlite_refuse(db, "there is no link %lld", (long long)row->link)
				: ret;
	}
	if (row->agents != 0) {
		q = query(db, row->customers != 0 ? Q_LINK_BY_PAIR : Q_LINK_BY_AGENTS);
		stmt_i64(q, row->bridge);
		if (row->customers != 0)
			stmt_i64(q, row->customers);
		stmt_i64(q, row->agents);
		ret = row_link(q, a, out);
		if (ret != 0)
			return ret;
	}
	if (row->customers == 0)
		return 0;
	q = query(db, Q_LINK_BY_KEY);
	stmt_i64(q, row->bridge);
	stmt_i64(q, row->customers);
	stmt_i64(q, *generation);
	ret = row_link(q, a, out);
	if (ret != 1 || row->agents == 0 || out->agents == 0 || out->agents == row->agents)
		return ret;
	/* The generation is another conversation's: this one is the next. */
	return next_generation(db, row->bridge, row->customers, generation);
}

/* The conversation at the agents' side where it is known before it exists. */
static int agents_thread(struct store_db *db, const struct route_row *row, int64_t *id)
{
	struct view thread = { 0 };

	*id = row->agents;
	if (row->agents_remote == NULL)
		return 0;
	if (make_thread(db, row->target, row->agents_remote, NULL, 0, &thread) != 0)
		return -1;
	*id = thread.thread;
	return 0;
}

int sqlite_set_link_agents(struct store_db *db, int64_t link, int64_t agents)
{
	struct stmt *q = query(db, Q_LINK_AGENTS);

	stmt_i64(q, link);
	stmt_i64(q, agents);
	return stmt_run(q);
}

static int route_link(struct store_db *db, const struct routing *r, const struct route_row *row,
    struct row_link *link, bool *is_made)
{
	const char *remote = r->remote;
	int64_t generation, agents = 0;
	struct arena *a = r->arena;
	struct event *source;
	struct stmt *q;
	int ret;

	if (row->link == 0 && row->customers == 0 && row->agents == 0)
		return row->state == DELIVERY_PARKED
		    ? 0
		    : sqlite_refuse(db, "a delivery without a conversation");
	ret = find_link(db, row, &generation, a, link);
	if (ret < 0 || (row->to == SIDE_AGENTS && agents_thread(db, row, &agents) != 0))
		return -1;
	if (row->to == SIDE_CUSTOMERS)
		agents = row->agents;
	*is_made = ret == 0;
	if (ret == 1) {
		if (agents == 0 || link->agents != 0)
			return 0;
		if (sqlite_set_link_agents(db, link->id, agents) != 0)
			return -1;
		return row_link_by_id(db, link->id, a, link) < 0 ? -1 : 0;
	}
	if (remote == NULL) { /* what a new link begins with, at the side it comes from */
		if (row_event(db, r->event, a, &source) < 0)
			return -1;
		remote = source != NULL ? source->remote : NULL;
	}
	q = query(db, Q_LINK_ADD);
	stmt_i64(q, row->bridge);
	stmt_i64(q, row->person);
	stmt_id(q, row->customers);
	stmt_i64(q, generation);
	stmt_id(q, agents);
	stmt_remote(q, row->to == SIDE_AGENTS ? remote : NULL);
	stmt_remote(q, row->to == SIDE_AGENTS ? NULL : remote);
	if (stmt_run(q) != 0)
		return -1;
	return row_link_by_id(db, sqlite3_last_insert_rowid(db->handle), a, link) < 0 ? -1 : 0;
}

/* Once a day: that it is still in use. */
static int use_link(struct store_db *db, const struct routing *r, struct row_link *link)
{
	int64_t day = r->now_ms / DAY_MS;
	struct stmt *q;

	if (link->id == 0 || link->used_day >= day)
		return 0;
	q = query(db, Q_LINK_USED);
	stmt_i64(q, link->id);
	stmt_i64(q, day);
	link->used_day = day;
	return stmt_run(q);
}

static int add_delivery(struct store_db *db, const struct route_row *row, int owner)
{
	const struct row_delivery *d = &row->out.delivery;
	struct stmt *q = query(db, Q_DELIVERY_ADD);

	stmt_i64(q, d->id);
	stmt_id(q, d->lane);
	stmt_id(q, row->out.link.id);
	stmt_i64(q, d->bridge);
	stmt_i64(q, d->pos);
	stmt_i64(q, d->state);
	stmt_i64(q, d->attempt);
	stmt_i64(q, d->attempt > 0 ? owner : OWNER_NONE);
	stmt_i64(q, d->claimed_ms);
	stmt_i64(q, d->expires_ms);
	stmt_i64(q,
	    (d->reopen ? DELIVERY_REOPEN : 0) | (d->take_over ? DELIVERY_TAKE_OVER : 0)
		| (row->to == SIDE_AGENTS ? DELIVERY_TO_AGENTS : 0)
		| (d->opens ? DELIVERY_OPENS : 0) | (d->is_status ? DELIVERY_STATUS : 0)
		| (d->is_deletion ? DELIVERY_DELETION : 0) | (d->is_edit ? DELIVERY_EDIT : 0));
	stmt_text(q, d->carry);
	stmt_i64(q, d->reason);
	return stmt_run(q);
}

static int owe_parked(struct store_db *db, const struct routing *r, struct route_row *row)
{
	const struct ending end = { row->out.delivery.id, r->now_ms, row->state, row->reason,
		row->carry };

	return sqlite_owe(db, &end, &row->owe);
}

static int route_row(struct store_db *db, const struct routing *r, int n, struct route_row *row)
{
	struct row_trip *out = &row->out;
	bool is_claimed = row->claim && row->state == DELIVERY_QUEUED, is_made = false;
	int64_t pos;

	memset(out, 0, sizeof(*out));
	row->owes_mirror = false;
	if (route_lane(db, row, r->arena, &out->lane) != 0
	    || route_link(db, r, row, &out->link, &is_made) != 0 || use_link(db, r, &out->link) != 0
	    || (is_made && sqlite_mirror_opens(db, row, r->now_ms) != 0)
	    || sqlite_next_pos(db, &pos) != 0)
		return -1;
	if (r->person != 0 && r->person == row->person)
		out->person = r->who;
	else if (row_person_by_id(db, row->person, r->arena, &out->person) < 0)
		return -1;
	out->delivery = (struct row_delivery){
		.id = r->event << TARGET_BITS | n,
		.lane = out->lane.id,
		.pos = pos,
		.bridge = row->bridge,
		.state = is_claimed ? DELIVERY_SENDING : row->state,
		.attempt = is_claimed ? 1 : 0,
		.claimed_ms = is_claimed ? r->now_ms : 0,
		.expires_ms = row->expires_ms,
		.to = row->to,
		.opens = row->opens,
		.is_status = row->set_state != STATE_NONE,
		.is_deletion = row->is_deletion,
		.is_edit = row->is_edit,
		.reopen = row->reopen,
		.take_over = row->take_over,
		.carry = row->carry,
		.reason = row->reason,
	};
	if (add_delivery(db, row, r->owner) != 0 || sqlite_want_open(db, row, &out->link) != 0
	    || (is_claimed && sqlite_ask(db, out, r->now_ms) != 0))
		return -1;
	if ((row->is_deletion && sqlite_take_back(db, r->event, row, r->arena) != 0)
	    || (row->is_edit && sqlite_fold_edit(db, r->event, row, r->arena) != 0))
		return -1;
	if (is_claimed && sqlite_find_replied(db, out, row->from, row->reply_to, r->arena) != 0)
		return -1;
	return row->state == DELIVERY_PARKED ? owe_parked(db, r, row) : 0;
}

static int route_rows(struct store_db *db, const struct routing *r, struct route_row *rows,
    size_t nrows)
{
	size_t i;

	if (nrows > TARGETS_MAX)
		return sqlite_refuse(db, "an event goes to %zu targets", nrows);
	for (i = 0; i < nrows; i++)
		if (route_row(db, r, (int)i + 1, &rows[i]) != 0)
			return -1;
	return 0;
}

int sqlite_route(struct store_db *db, struct op_route *op)
{
	struct routing r = { .owner = op->owner, .now_ms = op->now_ms, .arena = op->arena };
	struct route_event *e;
	struct stmt *q;
	size_t i;

	for (e = op->events; e < op->events + op->nevents; e++) {
		for (i = 0; i < e->nrows; i++)
			memset(&e->rows[i].out, 0, sizeof(e->rows[i].out));
		q = query(db, Q_EVENT_ROUTED);
		stmt_i64(q, e->event);
		if (stmt_run(q) != 0)
			return -1;
		if (sqlite3_changes(db->handle) == 0)
			continue;
		r.event = e->event;
		if (route_rows(db, &r, e->rows, e->nrows) != 0)
			return -1;
	}
	return 0;
}
