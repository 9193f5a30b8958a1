/* See facts.h. */
#include "store/facts.h"
#include "store/migration.h"

#include <string.h>

#include <sqlite3.h>

#include "base/arena.h"
#include "base/mem.h"
#include "store/sqlite_db.h"

/* A record, and whose it is. */
struct row {
	int64_t subject;
	int place;
	struct fact_record r;
	int64_t version;
	bool is_new;
};

static int row_get(struct store_db *db, int64_t subject, int place, struct arena *a,
    struct row *out)
{
	struct stmt *q = query(db, Q_FACT_GET);

	*out = (struct row){ .subject = subject, .place = place, .is_new = true };
	stmt_i64(q, subject);
	stmt_i64(q, place);
	switch (stmt_step(q)) {
	case STMT_ROW:
		facts_read(a, stmt_col_peek(q, 0), &out->r.seen);
		facts_read(a, stmt_col_peek(q, 1), &out->r.ours);
		facts_read(a, stmt_col_peek(q, 2), &out->r.was);
		out->version = stmt_col_i64(q, 3);
		out->is_new = false;
		stmt_end(q);
		return 0;
	case STMT_DONE: return 0;
	case STMT_ERROR: break;
	}
	return -1;
}

static int row_set(struct store_db *db, const struct row *row, struct arena *a)
{
	struct stmt *q = query(db, Q_FACT_SET);

	stmt_i64(q, row->subject);
	stmt_i64(q, row->place);
	stmt_text(q, facts_text(a, &row->r.seen));
	stmt_text(q, facts_text(a, &row->r.ours));
	stmt_text(q, facts_text(a, &row->r.was));
	stmt_i64(q, row->version);
	return stmt_run(q);
}

/* ---- what becomes due ---- */

static int owe(struct store_db *db, const struct mirror_key *key, int64_t now_ms)
{
	struct stmt *q = query(db, Q_MIRROR_OWE);

	stmt_i64(q, key->link);
	stmt_i64(q, key->side);
	stmt_i64(q, key->step);
	stmt_i64(q, key->endpoint);
	stmt_i64(q, now_ms);
	return stmt_run(q);
}

static int add_due(struct store_db *db, struct op_hear *op, const struct ask *ask, int64_t link,
    enum step step)
{
	const struct mirror_key key = { link,
		ask->side == SIDE_CUSTOMERS ? SIDE_AGENTS : SIDE_CUSTOMERS, step, ask->other };

	if (op->due == NULL)
		op->due = arena_alloc(op->arena, 2 * op->nasks * sizeof(*op->due));
	op->due[op->ndue++] = key;
	return owe(db, &key, op->now_ms);
}

int sqlite_mirror_opens(struct store_db *db, struct route_row *row, int64_t now_ms)
{
	const struct row_link *l = &row->out.link;
	const struct mirror_key key = { l->id, row->to, STEP_FIND_CONVERSATION, row->target };

	row->owes_mirror = row->mirrors && l->id != 0;
	return row->owes_mirror ? owe(db, &key, now_ms) : 0;
}

static int link_by(struct store_db *db, enum query by, int bridge, int64_t what, struct arena *a,
    struct row_link *out)
{
	struct stmt *q = query(db, by);

	stmt_i64(q, bridge);
	stmt_i64(q, what);
	return row_link(q, a, out) < 0 ? -1 : 0;
}

/* Takes in what is told of some facts; true where the other end may want to know. */
static bool take_in(struct row *row, const struct facts *told, int first, int last,
    bool *is_changed)
{
	struct facts before = row->r.was;
	bool is_news = false;
	int i;

	for (i = first; i <= last; i++) {
		if (told->v[i] == NULL)
			continue;
		switch (fact_hear(&row->r, (enum fact)i, told->v[i])) {
		case HEARD_NOTHING: break;
		case HEARD_NOTE:
		case HEARD_ECHO: *is_changed = true; break;
		case HEARD_CHANGE: *is_changed = is_news = true; break;
		}
		*is_changed |= before.v[i] != row->r.was.v[i];
	}
	return is_news;
}

/* The first word of a contact that was there before us is no change of it. */
static void take_in_first(struct row *row, const struct facts *told, bool *is_changed)
{
	int i;

	for (i = 0; i <= FACT_OF_PERSON; i++)
		if (row->r.seen.v[i] != NULL || row->r.was.v[i] != NULL)
			return;
	for (i = 0; i <= FACT_OF_PERSON; i++) {
		if (told->v[i] == NULL)
			continue;
		row->r.seen.v[i] = told->v[i];
		if (row->r.ours.v[i] == NULL)
			row->r.ours.v[i] = told->v[i];
		*is_changed = true;
	}
}

/* ---- who it is ---- */

static int find_customer(struct store_db *db, struct op_hear *op, int64_t *id)
{
	const struct person *p = op->person;
	struct person known;
	struct stmt *q;

	*id = 0;
	if (p->identity != NULL) {
		q = query(db, Q_PERSON_BY_IDENTITY);
		stmt_text(q, p->identity);
	} else if (p->id != NULL) {
		q = query(db, Q_PERSON_BY_REMOTE);
		stmt_i64(q, op->endpoint);
		stmt_text(q, p->id);
	} else {
		return 0;
	}
	return row_person(q, op->arena, id, &known) < 0 ? -1 : 0;
}

static int set_alias(struct store_db *db, int endpoint, char kind, const char *was, const char *now)
{
	struct stmt *q = query(db, Q_ALIAS_SET);

	stmt_i64(q, endpoint);
	stmt_i64(q, kind);
	stmt_remote(q, was);
	stmt_remote(q, now);
	return stmt_run(q);
}

int sqlite_contact_is_now(struct store_db *db, int endpoint, const char *was, const char *now)
{
	return set_alias(db, endpoint, 'c', was, now);
}

/* Contacts are merged without a word: the address stays, and the contact behind it is another one. */
static int note_contact(struct store_db *db, struct op_hear *op, const struct row_lane *lane)
{
	const char *now = op->person->id;
	struct stmt *q;

	if (now == NULL || lane->contact == NULL || strcmp(now, lane->contact) == 0)
		return 0;
	if (set_alias(db, op->endpoint, 'c', lane->contact, now) != 0)
		return -1;
	q = query(db, Q_LANE_CONTACT);
	stmt_text(q, now);
	stmt_i64(q, lane->id);
	return stmt_run(q);
}

/* At the agents' side: by the address that we gave, the identity we wrote there, the contact that we made. */
static int find_ours(struct store_db *db, struct op_hear *op, int64_t *id)
{
	const struct person *p = op->person;
	struct row_lane lane = { 0 };
	struct person known;
	struct stmt *q;

	*id = 0;
	if (p->address != NULL) {
		q = query(db, Q_LANE_BY_ADDRESS);
		stmt_i64(q, op->endpoint);
		stmt_text(q, p->address);
		if (row_lane(q, op->arena, &lane) < 0 || note_contact(db, op, &lane) != 0)
			return -1;
	} else if (p->id != NULL) {
		q = query(db, Q_LANE_BY_CONTACT);
		stmt_i64(q, op->endpoint);
		stmt_text(q, p->id);
		if (row_lane(q, op->arena, &lane) < 0)
			return -1;
	}
	*id = lane.person;
	if (*id != 0 || p->hint == NULL)
		return 0;
	q = query(db, Q_PERSON_BY_IDENTITY);
	stmt_text(q, p->hint);
	return row_person(q, op->arena, id, &known) < 0 ? -1 : 0;
}

/* ---- persons ---- */

/* What a contact is made with, it then has. */
static int begin_others(struct store_db *db, struct op_hear *op, const struct row *told)
{
	struct row other;
	size_t i;

	for (i = 0; i < op->nasks; i++) {
		if (op->asks[i].side != SIDE_CUSTOMERS)
			continue;
		if (row_get(db, told->subject, op->asks[i].other, op->arena, &other) != 0)
			return -1;
		if (!other.is_new)
			continue;
		other.r.ours = told->r.seen;
		if (row_set(db, &other, op->arena) != 0)
			return -1;
	}
	return 0;
}

static int hear_person(struct store_db *db, struct op_hear *op, enum side side)
{
	bool is_changed = false, is_news;
	struct row_link link;
	struct row row;
	int64_t person;
	size_t i;

	if ((side == SIDE_CUSTOMERS ? find_customer(db, op, &person) : find_ours(db, op, &person))
	    != 0)
		return -1;
	if (person == 0 || !op->keeps)
		return 0;
	if (row_get(db, person, op->endpoint, op->arena, &row) != 0)
		return -1;
	if (op->person_version != 0 && op->person_version <= row.version)
		return 0;
	if (side == SIDE_AGENTS)
		take_in_first(&row, op->facts, &is_changed);
	is_news = take_in(&row, op->facts, 0, FACT_OF_PERSON, &is_changed);
	if (!is_changed)
		return 0;
	if (side == SIDE_CUSTOMERS && row.is_new)
		row.r.ours = row.r.seen;
	if (op->person_version != 0)
		row.version = op->person_version;
	if (row_set(db, &row, op->arena) != 0
	    || (side == SIDE_CUSTOMERS && row.is_new && begin_others(db, op, &row) != 0))
		return -1;
	for (i = 0; i < op->nasks; i++) {
		if (op->asks[i].side != side || (op->tells_person >> i & 1) == 0
		    || (!is_news && op->nasks == 1))
			continue;
		if (link_by(db, Q_LINK_BY_PERSON, op->asks[i].bridge, person, op->arena, &link) != 0
		    || (link.id != 0
			&& add_due(db, op, &op->asks[i], link.id, STEP_FIND_CONTACT) != 0))
			return -1;
	}
	return 0;
}

/* ---- conversations ---- */

static int find_thread(struct store_db *db, struct op_hear *op, int64_t *thread, int64_t *person)
{
	struct stmt *q = query(db, Q_THREAD_GET);
	enum stmt_result r;

	*thread = *person = 0;
	stmt_i64(q, op->endpoint);
	stmt_text(q, op->conversation);
	r = stmt_step(q);
	if (r == STMT_ROW) {
		*thread = stmt_col_i64(q, 0);
		*person = stmt_col_i64(q, 2);
		stmt_end(q);
	}
	return r == STMT_ERROR ? -1 : 0;
}

static int make_thread_of(struct store_db *db, struct op_hear *op, int64_t *thread)
{
	struct view made = { 0 };

	if (make_thread(db, op->endpoint, op->conversation, NULL, 0, &made) != 0)
		return -1;
	*thread = made.thread;
	return 0;
}

static int hear_thread(struct store_db *db, struct op_hear *op, int64_t thread)
{
	bool is_changed = false, is_news;
	struct row_link link;
	enum query by;
	struct row row;
	size_t i;

	if (thread == 0 && make_thread_of(db, op, &thread) != 0)
		return -1;
	if (row_get(db, thread, 0, op->arena, &row) != 0)
		return -1;
	if (op->version != 0 && op->version < row.version)
		return 0;
	is_news = take_in(&row, op->facts, FACT_OF_PERSON + 1, FACT_COUNT - 1, &is_changed);
	if (!is_changed)
		return 0;
	if (op->version != 0)
		row.version = op->version;
	if (row_set(db, &row, op->arena) != 0)
		return -1;
	for (i = 0; i < op->nasks; i++) {
		if ((op->tells >> i & 1) == 0 || (!is_news && op->nasks == 1))
			continue;
		by = op->asks[i].side == SIDE_CUSTOMERS ? Q_LINK_BY_CUSTOMERS : Q_LINK_BY_AGENTS;
		if (link_by(db, by, op->asks[i].bridge, thread, op->arena, &link) != 0
		    || (link.id != 0
			&& add_due(db, op, &op->asks[i], link.id, STEP_FIND_CONVERSATION) != 0))
			return -1;
	}
	return 0;
}

/* ---- another person ---- */

static int is_lane_busy(struct store_db *db, int endpoint, int64_t person, struct arena *a,
    struct row_lane *lane, bool *is_busy)
{
	struct stmt *q;
	int64_t n = 0;

	if (row_lane_of(db, endpoint, person, a, lane) < 0)
		return -1;
	if (lane->id == 0)
		return 0;
	q = query(db, Q_LANE_IS_BUSY);
	stmt_i64(q, lane->id);
	if (stmt_number(q, &n) < 0)
		return -1;
	*is_busy |= n != 0;
	return 0;
}

static int move_one(struct store_db *db, enum query what, int64_t to, int64_t from)
{
	struct stmt *q = query(db, what);

	stmt_i64(q, to);
	stmt_i64(q, from);
	return stmt_run(q);
}

/* The contact goes with the conversation, unless either of the two has one of his own to keep. */
static int move_lane(struct store_db *db, int endpoint, int bridge, const struct row_lane *lane,
    int64_t from, int64_t to, struct arena *a)
{
	struct row_link left;
	struct row_lane own;
	struct stmt *q;

	if (lane->id == 0)
		return 0;
	if (row_lane_of(db, endpoint, to, a, &own) < 0
	    || link_by(db, Q_LINK_BY_PERSON, bridge, from, a, &left) != 0)
		return -1;
	if (own.id != 0 || left.id != 0)
		return 0;
	if (move_one(db, Q_LANE_PERSON, to, lane->id) != 0)
		return -1;
	q = query(db, Q_FACT_MOVE);
	stmt_i64(q, from);
	stmt_i64(q, endpoint);
	stmt_i64(q, to);
	return stmt_run(q);
}

static const char *remote_of(struct store_db *db, int64_t person, struct arena *a)
{
	struct person p;

	return row_person_by_id(db, person, a, &p) == 1 ? p.id : NULL;
}

static int set_alias_of(struct store_db *db, struct op_hear *op, int64_t from, int64_t to)
{
	const char *was = remote_of(db, from, op->arena), *now = remote_of(db, to, op->arena);

	return was != NULL && now != NULL && strcmp(was, now) != 0
	    ? set_alias(db, op->endpoint, 'p', was, now)
	    : 0;
}

/* The customers' side says now that this conversation is another person's. Deliveries under way end where
 * they are, in their order; then all that hangs on it goes over at once. */
static int move_link(struct store_db *db, struct op_hear *op, const struct ask *ask, int64_t thread,
    const struct row_link *link, int64_t person)
{
	struct row_lane up = { 0 }, down = { 0 };
	bool is_busy = false;
	struct stmt *q;

	if (is_lane_busy(db, ask->other, link->person, op->arena, &up, &is_busy) != 0
	    || is_lane_busy(db, op->endpoint, link->person, op->arena, &down, &is_busy) != 0)
		return -1;
	if (is_busy) {
		op->is_waiting = true;
		return 0;
	}
	q = query(db, Q_LINK_PERSON);
	stmt_i64(q, ask->bridge);
	stmt_i64(q, thread);
	stmt_i64(q, person);
	if (stmt_run(q) != 0 || set_alias_of(db, op, link->person, person) != 0
	    || move_lane(db, ask->other, ask->bridge, &up, link->person, person, op->arena) != 0)
		return -1;
	op->moved = thread;
	return (op->tells_person >> (ask - op->asks) & 1) == 0
	    ? 0
	    : add_due(db, op, ask, link->id, STEP_FIND_CONTACT);
}

/* Who it is now; made where nobody knows him. */
static int person_now(struct store_db *db, struct op_hear *op, int64_t thread, int64_t *person)
{
	const struct event told = { .endpoint = op->endpoint, .person = *op->person };
	struct person now;
	int64_t known;
	struct stmt *q;

	if (find_customer(db, op, &known) != 0)
		return -1;
	if (known == 0 && make_person(db, &told, op->arena, &known, &now) != 0)
		return -1;
	if (known == *person)
		return 0;
	*person = known;
	q = query(db, Q_THREAD_PERSON);
	stmt_i64(q, known);
	stmt_i64(q, thread);
	return stmt_run(q);
}

static int move_links(struct store_db *db, struct op_hear *op, int64_t thread, int64_t person)
{
	struct row_link link;
	size_t i;

	if (thread == 0 || op->person->identity == NULL)
		return 0;
	for (i = 0; i < op->nasks; i++) {
		if (op->asks[i].side != SIDE_CUSTOMERS)
			continue;
		if (link_by(db, Q_LINK_BY_CUSTOMERS, op->asks[i].bridge, thread, op->arena, &link)
		    != 0)
			return -1;
		if (link.id == 0)
			continue;
		if (person_now(db, op, thread, &person) != 0
		    || (person != link.person
			&& move_link(db, op, &op->asks[i], thread, &link, person) != 0))
			return -1;
	}
	return 0;
}

static bool has_side(const struct op_hear *op, enum side side)
{
	size_t i;

	for (i = 0; i < op->nasks; i++)
		if (op->asks[i].side == side)
			return true;
	return false;
}

int sqlite_hear(struct store_db *db, struct op_hear *op)
{
	int64_t thread = 0, person = 0;

	op->due = NULL;
	op->ndue = 0;
	op->moved = 0;
	op->is_waiting = false;
	if (op->conversation != NULL && find_thread(db, op, &thread, &person) != 0)
		return -1;
	if (move_links(db, op, thread, person) != 0)
		return -1;
	if (has_side(op, SIDE_CUSTOMERS) && hear_person(db, op, SIDE_CUSTOMERS) != 0)
		return -1;
	if (has_side(op, SIDE_AGENTS) && hear_person(db, op, SIDE_AGENTS) != 0)
		return -1;
	return op->conversation != NULL && op->tells != 0 ? hear_thread(db, op, thread) : 0;
}

/* ---- its turn ---- */

/* Whose records they are: of the side that is written, or of the other one. */
static int record_of(struct store_db *db, const struct mirror_key *key, const struct row_link *l,
    bool is_here, struct arena *a, struct row *out)
{
	bool agents = (key->side == SIDE_AGENTS) == is_here;
	int64_t subject, endpoint = key->endpoint;
	struct stmt *q;

	if (key->step == STEP_FIND_CONVERSATION) {
		subject = agents ? l->agents : l->customers;
		return row_get(db, subject, 0, a, out);
	}
	if (!is_here) {
		q = query(db, Q_THREAD_ENDPOINT);
		stmt_i64(q, agents ? l->agents : l->customers);
		if (stmt_number(q, &endpoint) < 0)
			return -1;
	}
	return row_get(db, l->person, (int)endpoint, a, out);
}

static int due_seq(struct store_db *db, const struct mirror_key *key, int64_t *seq,
    int64_t *made_ms)
{
	struct stmt *q = query(db, Q_MIRROR_GET);

	stmt_i64(q, key->link);
	stmt_i64(q, key->side);
	stmt_i64(q, key->step);
	switch (stmt_step(q)) {
	case STMT_ROW:
		*seq = stmt_col_i64(q, 0);
		*made_ms = stmt_col_i64(q, 1);
		stmt_end(q);
		return 1;
	case STMT_DONE: return 0;
	case STMT_ERROR: break;
	}
	return -1;
}

int sqlite_mirror(struct store_db *db, struct op_mirror *op)
{
	struct row here, there;
	int ret = due_seq(db, &op->key, &op->seq, &op->made_ms);

	op->is_due = false;
	if (ret <= 0)
		return ret;
	ret = row_link_by_id(db, op->key.link, op->arena, &op->link);
	if (ret <= 0)
		return ret;
	if (row_lane_of(db, op->key.endpoint, op->link.person, op->arena, &op->lane) < 0
	    || row_person_by_id(db, op->link.person, op->arena, &op->person) < 0
	    || record_of(db, &op->key, &op->link, true, op->arena, &here) != 0
	    || record_of(db, &op->key, &op->link, false, op->arena, &there) != 0)
		return -1;
	op->here = here.r;
	op->there = there.r;
	op->is_due = true;
	return 0;
}

static void set_facts(struct facts *out, const struct facts *given)
{
	int i;

	for (i = 0; i < FACT_COUNT; i++)
		if (given->v[i] != NULL)
			out->v[i] = given->v[i];
}

/* 1 found, 0 there is none, or its person was erased while this was on its way, -1. */
static int link_of(struct store_db *db, const struct mirror_key *key, struct arena *a,
    struct row_link *out)
{
	struct person person;
	int ret = row_link_by_id(db, key->link, a, out);

	if (ret == 1)
		ret = row_person_by_id(db, out->person, a, &person);
	return ret == 1 && sqlite_is_erased(&person) ? 0 : ret;
}

int sqlite_mirror_ask(struct store_db *db, struct op_mirror_ask *op)
{
	struct arena *a = arena_new();
	struct row here, there;
	struct row_link link;
	int ret = link_of(db, &op->key, a, &link);

	if (ret != 1)
		goto out;
	ret = -1;
	if (record_of(db, &op->key, &link, true, a, &here) != 0
	    || record_of(db, &op->key, &link, false, a, &there) != 0)
		goto out;
	set_facts(&here.r.ours, &op->ours);
	set_facts(&here.r.was, &op->was);
	set_facts(&there.r.ours, &op->agreed);
	ret = row_set(db, &here, a) != 0 || row_set(db, &there, a) != 0 ? -1 : 0;
out:
	arena_free(a);
	return ret < 0 ? -1 : 0;
}

static int land(struct store_db *db, const struct op_mirror_done *op, struct arena *a)
{
	struct row_link link;
	struct row here;
	bool any = false;
	int f;

	for (f = 0; f < FACT_COUNT; f++)
		any |= op->landed.v[f] != NULL;
	if (!any || link_of(db, &op->key, a, &link) != 1)
		return 0;
	if (record_of(db, &op->key, &link, true, a, &here) != 0)
		return -1;
	for (f = 0; f < FACT_COUNT; f++)
		if (op->landed.v[f] != NULL)
			here.r.was.v[f] = NULL;
	return row_set(db, &here, a);
}

int sqlite_mirror_done(struct store_db *db, struct op_mirror_done *op)
{
	int64_t seq = 0, made_ms;
	struct stmt *q;
	struct arena *a = arena_new();
	int ret = land(db, op, a);

	arena_free(a);
	if (ret == 0)
		ret = due_seq(db, &op->key, &seq, &made_ms);
	op->is_due = ret == 1 && seq != op->seq;
	if (ret <= 0 || op->is_due)
		return ret < 0 ? -1 : 0;
	q = query(db, Q_MIRROR_DROP);
	stmt_i64(q, op->key.link);
	stmt_i64(q, op->key.side);
	stmt_i64(q, op->key.step);
	return stmt_run(q);
}

int sqlite_mirrors(struct store_db *db, struct op_mirrors *op)
{
	struct stmt *q = query(db, Q_MIRRORS);
	struct mirror_key *due = NULL;
	size_t size = 0;
	enum stmt_result r;

	op->ndue = 0;
	while ((r = stmt_step(q)) == STMT_ROW) {
		if (op->ndue == size) {
			size = size == 0 ? 64 : size * 2;
			due = xreallocarray(due, size, sizeof(*due));
		}
		due[op->ndue++] =
		    (struct mirror_key){ stmt_col_i64(q, 0), (enum side)stmt_col_int(q, 1),
			    (enum step)stmt_col_int(q, 2), stmt_col_int(q, 3) };
	}
	op->due = due == NULL ? NULL : arena_memdup(op->arena, due, op->ndue * sizeof(*due));
	xfree(due);
	return r == STMT_ERROR ? -1 : 0;
}

/* ---- history ---- */

int sqlite_migration_facts(struct store_db *db, struct op_migration_facts *op)
{
	struct op_hear where = { .endpoint = op->endpoint, .conversation = op->conversation };
	struct mirror_key key = { .side = SIDE_AGENTS, .step = STEP_FIND_CONVERSATION };
	int64_t thread, person, seq, made_ms, ended;
	struct row there;
	struct stmt *q;
	int due;

	op->is_linked = op->is_due = op->is_ended = false;
	if (find_thread(db, &where, &thread, &person) != 0
	    || link_by(db, Q_LINK_BY_CUSTOMERS, op->bridge, thread, op->arena, &op->link) != 0)
		return -1;
	if (op->link.id == 0)
		return 0;
	key.link = op->link.id;
	due = due_seq(db, &key, &seq, &made_ms);
	if (due < 0 || row_person_by_id(db, op->link.person, op->arena, &op->person) < 0
	    || row_get(db, op->link.agents, 0, op->arena, &there) != 0)
		return -1;
	q = query(db, Q_MIGRATION_ENDED);
	stmt_i64(q, op->endpoint);
	stmt_i64(q, 'h');
	stmt_text(q, op->conversation);
	stmt_i64(q, op->bridge);
	if (stmt_number(q, &ended) < 0)
		return -1;
	op->is_linked = true;
	op->is_due = due > 0;
	op->is_ended = ended > 0;
	op->there = there.r;
	return 0;
}
