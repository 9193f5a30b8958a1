/* See errand.h. A row of the table is what was said last, or is to be said: one per message and step. */
#include "store/errand.h"

#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "store/sqlite_db.h"

#define TARGET_BITS 4
#define TARGETS_MAX 15
#define HEALED_MAX 3 /* a desk that insists on its own word is left with it */

struct row {
	int64_t event;
	enum step step;
	int64_t delivery, made_ms;
	int endpoint;
	enum state state;
	enum reason reason;
	const char *why;
	bool is_due, is_firm;
	int healed;
};

/* 1 found, 0 there is none, -1. */
static int row_get(struct store_db *db, int64_t event, enum step step, struct arena *a,
    struct row *out)
{
	struct stmt *q = query(db, Q_ERRAND_GET);

	*out = (struct row){ .event = event, .step = step };
	stmt_i64(q, event);
	stmt_i64(q, step);
	switch (stmt_step(q)) {
	case STMT_ROW:
		out->delivery = stmt_col_i64(q, 0);
		out->endpoint = stmt_col_int(q, 1);
		out->state = (enum state)stmt_col_int(q, 2);
		out->reason = (enum reason)stmt_col_int(q, 3);
		out->why = a != NULL ? stmt_col_text(q, 4, a) : NULL;
		out->made_ms = stmt_col_i64(q, 5);
		out->is_due = stmt_col_int(q, 6) != 0;
		out->is_firm = stmt_col_int(q, 7) != 0;
		out->healed = stmt_col_int(q, 8);
		stmt_end(q);
		return 1;
	case STMT_DONE: return 0;
	case STMT_ERROR: break;
	}
	return -1;
}

static int row_set(struct store_db *db, const struct row *r)
{
	struct stmt *q = query(db, Q_ERRAND_SET);

	stmt_i64(q, r->event);
	stmt_i64(q, r->step);
	stmt_i64(q, r->delivery);
	stmt_i64(q, r->endpoint);
	stmt_i64(q, r->state);
	stmt_i64(q, r->reason);
	stmt_text(q, r->why);
	stmt_i64(q, r->made_ms);
	stmt_i64(q, r->is_due);
	stmt_i64(q, r->is_firm);
	stmt_i64(q, r->healed);
	return stmt_run(q);
}

static int row_do(struct store_db *db, enum query what, int64_t event, enum step step)
{
	struct stmt *q = query(db, what);

	stmt_i64(q, event);
	stmt_i64(q, step);
	return stmt_run(q);
}

/* ---- what an ending brings about ---- */

/* Said once per state: what the desk shows already is not said again. Where something was said before, or
 * the platform itself has shown a failure, the new state is said whatever the bridge asks for else. */
static int owe_report(struct store_db *db, const struct ending *end, struct owe *owe)
{
	enum state state = end->state == DELIVERY_DELIVERED ? STATE_DELIVERED : STATE_FAILED;
	struct row r;
	int was = row_get(db, end->delivery >> TARGET_BITS, STEP_REPORT, NULL, &r);

	if (was < 0)
		return -1;
	if (was == 0 && !owe->report)
		return 0;
	if (was == 1 && r.state == state && !r.is_due)
		return 0;
	if (was == 1 && r.state == STATE_READ && state == STATE_DELIVERED)
		return 0; /* that is more */
	r.delivery = end->delivery;
	r.endpoint = owe->desk;
	r.state = state;
	r.reason = end->reason;
	r.why = end->why;
	r.made_ms = end->now_ms;
	r.is_firm = was == 1 || state == STATE_FAILED || owe->is_firm;
	r.is_due = owe->has_report = true;
	return row_set(db, &r);
}

/* One note per message, however often it fails; none where it has arrived before that was said. */
static int owe_note(struct store_db *db, const struct ending *end, struct owe *owe)
{
	int64_t event = end->delivery >> TARGET_BITS;
	struct row r;
	int was;

	if (end->state == DELIVERY_DELIVERED)
		return row_do(db, Q_ERRAND_UNDUE, event, STEP_NOTE);
	if (!owe->note)
		return 0;
	was = row_get(db, event, STEP_NOTE, NULL, &r);
	if (was < 0)
		return -1;
	if (was == 1) {
		owe->has_note = r.is_due;
		return 0;
	}
	r.delivery = end->delivery;
	r.endpoint = owe->desk;
	r.reason = end->reason;
	r.why = end->why;
	r.made_ms = end->now_ms;
	r.is_due = r.is_firm = owe->has_note = true;
	return row_set(db, &r);
}

int sqlite_owe(struct store_db *db, const struct ending *end, struct owe *owe)
{
	bool is_deletion = end->state == DELIVERY_FOLDED && owe->note;

	owe->has_report = owe->has_note = false;
	if (owe->desk == 0
	    || (end->state != DELIVERY_DELIVERED && end->state != DELIVERY_PARKED && !is_deletion))
		return 0;
	if (owe->is_own && owe_report(db, end, owe) != 0)
		return -1;
	return owe_note(db, end, owe);
}

/* ---- its turn ---- */

/* The desk's conversation is where an agent wrote, or, of a customer's message, the other end of the link. */
static int find_place(struct store_db *db, struct op_errand *op)
{
	struct row_trip trip;
	struct stmt *q;
	int ret = row_trip(db, op->delivery, op->arena, &trip);

	if (ret <= 0)
		return ret;
	q = query(db, Q_DELIVERY_PLACE);
	stmt_i64(q, op->delivery);
	if (stmt_step(q) != STMT_ROW)
		return -1;
	op->to = (stmt_col_int(q, 3) & DELIVERY_TO_AGENTS) != 0 ? SIDE_AGENTS : SIDE_CUSTOMERS;
	stmt_end(q);
	op->bridge = trip.delivery.bridge;
	op->was_accepted = trip.delivery.state == DELIVERY_DELIVERED;
	op->phone = trip.person.phone;
	op->conversation =
	    op->to == SIDE_AGENTS ? trip.link.agents_remote : op->about->conversation;
	op->conversation_ref =
	    op->to == SIDE_AGENTS ? trip.link.agents_ref : op->about->conversation_ref;
	op->remote = op->to == SIDE_AGENTS ? trip.delivery.remote_id : op->about->remote;
	if (op->to == SIDE_AGENTS && op->about->kind == EVENT_DELETE
	    && sqlite_copy_of(db, op->about, op->bridge, op->arena, &op->remote) != 0)
		return -1;
	return 1;
}

int sqlite_errand(struct store_db *db, struct op_errand *op)
{
	struct event *about = NULL;
	struct row r;
	int ret;

	op->is_due = false;
	op->about = NULL;
	op->conversation = op->conversation_ref = op->remote = NULL;
	ret = row_get(db, op->event, op->step, op->arena, &r);
	if (ret < 0 || row_event(db, op->event, op->arena, &about) < 0)
		return -1;
	if (ret == 0 || !r.is_due || about == NULL)
		return 0;
	op->is_firm = r.is_firm;
	op->healed = r.healed;
	op->delivery = r.delivery;
	op->made_ms = r.made_ms;
	op->state = r.state;
	op->reason = r.reason;
	op->why = r.why;
	op->about = about;
	ret = find_place(db, op);
	op->is_due = ret == 1;
	return ret < 0 ? -1 : 0;
}

/* A state that was said without trouble leaves nothing behind, but for one that others may come after. */
int sqlite_errand_done(struct store_db *db, struct op_errand_done *op)
{
	struct row r;
	int was = row_get(db, op->event, op->step, NULL, &r);

	op->is_due = false;
	if (was < 0)
		return -1;
	if (was == 0 || !r.is_due)
		return 0;
	if (r.state != op->state || r.healed != op->healed) {
		op->is_due = true;
		return 0;
	}
	return row_do(db,
	    r.is_firm || op->stays || r.state == STATE_READ ? Q_ERRAND_SAID : Q_ERRAND_DROP,
	    op->event, op->step);
}

int sqlite_errands(struct store_db *db, struct op_errands *op)
{
	struct stmt *q = query(db, Q_ERRANDS_DUE);
	struct errand_due *due = NULL;
	size_t size = 0;
	enum stmt_result r;

	op->ndue = 0;
	while ((r = stmt_step(q)) == STMT_ROW) {
		if (op->ndue == size) {
			size = size == 0 ? 64 : size * 2;
			due = xreallocarray(due, size, sizeof(*due));
		}
		due[op->ndue++] = (struct errand_due){ stmt_col_i64(q, 0),
			(enum step)stmt_col_int(q, 1), stmt_col_int(q, 2) };
	}
	op->due = due == NULL ? NULL : arena_memdup(op->arena, due, op->ndue * sizeof(*due));
	xfree(due);
	return r == STMT_ERROR ? -1 : 0;
}

/* ---- what the desk says ---- */

/* The first delivery of an agent's message to a customer: 1, 0 there is none, -1. */
static int find_delivery(struct store_db *db, int64_t event, struct arena *a,
    struct row_delivery *out)
{
	struct row_trip trip;
	struct stmt *q;
	int64_t id;
	int n, ret;

	for (n = 1; n <= TARGETS_MAX; n++) {
		id = event << TARGET_BITS | n;
		ret = row_trip(db, id, a, &trip);
		if (ret <= 0)
			return ret;
		q = query(db, Q_DELIVERY_PLACE);
		stmt_i64(q, id);
		if (stmt_step(q) != STMT_ROW)
			return -1;
		ret = stmt_col_int(q, 3);
		stmt_end(q);
		if ((ret & DELIVERY_TO_AGENTS) != 0)
			continue;
		*out = trip.delivery;
		return 1;
	}
	return 0;
}

/* It says failed of what we delivered; or of what is under way, which is remembered until that is over. */
static int heard_failed(struct store_db *db, struct op_heard *op, const struct row_delivery *d,
    struct row *r, bool was)
{
	r->delivery = d->id;
	r->endpoint = op->desk;
	r->made_ms = op->mend.now_ms;
	r->is_firm = true;
	if (d->state == DELIVERY_DELIVERED && r->healed < HEALED_MAX) {
		if (r->state != STATE_READ)
			r->state = STATE_DELIVERED;
		r->reason = REASON_NONE;
		r->is_due = op->has_report = true;
		r->healed++;
		return row_set(db, r);
	}
	return d->state < DELIVERY_DELIVERED && !was ? row_set(db, r) : 0;
}

/* The failure that we told of was taken away. */
static int heard_sent(struct store_db *db, struct op_heard *op, const struct row_delivery *d,
    const struct row *r, bool was)
{
	if (!was || r->state != STATE_FAILED || r->is_due || d->state != DELIVERY_PARKED)
		return 0;
	op->item = (struct mended){ .id = { false, d->id } };
	op->mend.items = &op->item;
	op->mend.nitems = 1;
	op->is_mended = true;
	if (row_do(db, Q_ERRAND_DROP, op->event, STEP_REPORT) != 0)
		return -1;
	return sqlite_mend(db, &op->mend);
}

/* Our copy of a customer's message stands there, whatever the desk thinks of the callback that told us so. Of
 * one in parts only the last is known by its delivery. */
static int heard_of_copy(struct store_db *db, struct op_heard *op)
{
	struct stmt *q = query(db, Q_IDMAP_GET);
	struct row_trip trip = { 0 };
	struct row r;
	int64_t ref = 0;
	int ret;

	stmt_i64(q, op->desk);
	stmt_i64(q, 'm');
	stmt_remote(q, op->remote);
	ret = stmt_number(q, &ref);
	if (ret <= 0 || (ref & TARGETS_MAX) == 0)
		return ret < 0 ? -1 : 0;
	op->about = ref >> TARGET_BITS;
	if (row_trip(db, ref, op->mend.arena, &trip) < 0
	    || row_get(db, op->about, STEP_REPORT, NULL, &r) < 0)
		return -1;
	if (trip.delivery.state != DELIVERY_DELIVERED || trip.delivery.remote_id == NULL
	    || strcmp(trip.delivery.remote_id, op->remote) != 0 || r.healed >= HEALED_MAX)
		return 0;
	r.delivery = ref;
	r.endpoint = op->desk;
	r.state = STATE_SENT;
	r.made_ms = op->mend.now_ms;
	r.is_due = r.is_firm = op->has_report = true;
	r.healed++;
	return row_set(db, &r);
}

int sqlite_heard(struct store_db *db, struct op_heard *op)
{
	struct row_delivery d = { 0 };
	struct row r;
	int there, was;

	op->has_report = op->is_mended = false;
	op->about = op->event;
	if (op->remote != NULL)
		return op->state == STATE_FAILED ? heard_of_copy(db, op) : 0;
	there = find_delivery(db, op->event, op->mend.arena, &d);
	was = row_get(db, op->event, STEP_REPORT, op->mend.arena, &r);
	if (there < 0 || was < 0)
		return -1;
	if (there == 0)
		return 0;
	return op->state == STATE_FAILED ? heard_failed(db, op, &d, &r, was == 1)
					 : heard_sent(db, op, &d, &r, was == 1);
}

/* ---- what the customers' platform says ---- */

/* They come in any order: a later one is never taken back by an earlier one. */
static int rank_of(enum state state)
{
	return state == STATE_FAILED ? 3 : state == STATE_READ ? 2 : state == STATE_DELIVERED;
}

static int receipt_report(struct store_db *db, struct op_receipt *op, int64_t delivery,
    const struct receipt_want *want)
{
	struct row r;
	int was = row_get(db, op->about, STEP_REPORT, NULL, &r);

	if (was < 0)
		return -1;
	if (was == 1 && rank_of(r.state) >= rank_of(op->state))
		return 0;
	r.delivery = delivery;
	r.endpoint = want->desk;
	r.state = op->state;
	r.reason = op->reason;
	r.why = op->why;
	r.made_ms = op->now_ms;
	r.is_firm = op->state == STATE_FAILED;
	r.is_due = op->owe.has_report = true;
	return row_set(db, &r);
}

static int receipt_note(struct store_db *db, struct op_receipt *op, int64_t delivery,
    const struct receipt_want *want)
{
	struct row r;
	int was = row_get(db, op->about, STEP_NOTE, NULL, &r);

	if (was != 0)
		return was < 0 ? -1 : 0;
	r.delivery = delivery;
	r.endpoint = want->desk;
	r.reason = op->reason;
	r.why = op->why;
	r.made_ms = op->now_ms;
	r.is_due = r.is_firm = op->owe.has_note = true;
	return row_set(db, &r);
}

/* A message in parts has become something when all of it has left; a part that failed has already. */
int sqlite_receipt(struct store_db *db, struct op_receipt *op)
{
	bool is_failed = op->state == STATE_FAILED;
	const struct receipt_want *want = NULL;
	struct stmt *q = query(db, Q_IDMAP_GET);
	struct row_trip trip = { 0 };
	int64_t ref = 0;
	size_t i;
	int ret;

	op->is_known = false;
	op->owe = (struct owe){ 0 };
	stmt_i64(q, op->endpoint);
	stmt_i64(q, 'm');
	stmt_remote(q, op->remote);
	ret = stmt_number(q, &ref);
	op->is_known = ret == 1; /* somebody's own there: nobody here waits for it */
	if (ret <= 0 || (ref & TARGETS_MAX) == 0)
		return ret < 0 ? -1 : 0;
	ret = row_trip(db, ref, op->arena, &trip);
	if (ret <= 0)
		return ret;
	op->is_known = is_failed || trip.delivery.state >= DELIVERY_DELIVERED;
	for (i = 0; i < op->nwants; i++)
		if (op->wants[i].bridge == trip.delivery.bridge)
			want = &op->wants[i];
	if (!op->is_known || want == NULL || trip.delivery.to != SIDE_CUSTOMERS
	    || (!is_failed && trip.delivery.state != DELIVERY_DELIVERED))
		return 0;
	op->about = ref >> TARGET_BITS;
	op->owe.desk = want->desk;
	if ((is_failed ? want->failures : want->all) && receipt_report(db, op, ref, want) != 0)
		return -1;
	return is_failed && want->note ? receipt_note(db, op, ref, want) : 0;
}
