/* Open or closed: what is heard of a conversation, what people want of a link, what is asked of the far
 * side. See core/standing.h. */
#include "core/standing.h"

#include <string.h>

#include "store/sqlite_db.h"

/* What people make of the two conversations, by a word or by a deed, in the order we hear of it. */
static int want(struct store_db *db, struct row_link *l, enum state wanted)
{
	struct stmt *q;

	if (l->id == 0 || wanted == l->wanted)
		return 0;
	l->wanted = wanted;
	q = query(db, Q_LINK_WANTED);
	stmt_i64(q, l->id);
	stmt_i64(q, wanted);
	return stmt_run(q);
}

int sqlite_want_open(struct store_db *db, const struct route_row *row, struct row_link *l)
{
	return row->is_word && l->wanted == STATE_RESOLVED ? want(db, l, STATE_OPEN) : 0;
}

/* Before it leaves it is on disk what it will make of the conversation there, so that this is not taken for
 * somebody else's doing when it comes back. */
int sqlite_ask(struct store_db *db, struct row_trip *t, int64_t now_ms)
{
	const struct row_link *l = &t->link;
	bool up = t->delivery.to == SIDE_AGENTS;
	enum state state = t->delivery.is_status ? t->delivery.set_state : STATE_OPEN;
	struct stmt *q;

	if (t->delivery.is_status ? state == STATE_NONE : !t->delivery.opens)
		return 0;
	if (!t->delivery.is_status && !state_is_closed(up ? l->agents_state : l->customers_state))
		return 0;
	t->delivery.has_asked = true;
	q = query(db, Q_THREAD_ASK);
	stmt_i64(q, up ? l->agents : l->customers);
	stmt_i64(q, state);
	stmt_i64(q, STATE_RESOLVED);
	stmt_i64(q, now_ms);
	return stmt_run(q);
}

/* Does it matter to anybody that a request of ours has done what it should? Only where the other end was left
 * behind meanwhile. */
static bool is_apart(const struct op_state *op)
{
	const struct row_link *l;
	enum side other;
	size_t i;

	for (i = 0; i < op->nasks; i++) {
		l = &op->view.bridges[i].link;
		other = op->asks[i].side == SIDE_AGENTS ? SIDE_CUSTOMERS : SIDE_AGENTS;
		if (l->id != 0 && l->wanted == op->event->state
		    && standing_needs(l, other) != STATE_NONE)
			return true;
	}
	return false;
}

static bool has_link(const struct op_state *op)
{
	size_t i;

	for (i = 0; i < op->nasks; i++)
		if (op->view.bridges[i].link.id != 0 || op->view.bridges[i].opening != 0)
			return true;
	return op->make; /* it is being linked */
}

static int want_state(struct store_db *db, struct op_state *op, enum state state)
{
	struct view_bridge *b;
	struct row_link *l, opening;
	size_t i;

	for (i = 0; i < op->nasks; i++) {
		b = &op->view.bridges[i];
		l = &b->link;
		if (b->opening != 0) { /* it is heard before that it is there */
			l = &opening;
			if (row_link_by_id(db, b->opening, op->arena, l) < 0)
				return -1;
		}
		if ((op->tells >> i & 1) != 0 && !b->is_left && want(db, l, state) != 0)
			return -1;
	}
	return 0;
}

/* Told to the other end, where there is one. */
static int tell_state(struct store_db *db, struct op_state *op, enum hearing heard,
    const struct standing *s)
{
	struct event *e = op->event;

	if (e == NULL || (heard != HEARD_CHANGE && heard != HEARD_ECHO)
	    || (s->state != STATE_OPEN && s->state != STATE_RESOLVED))
		return 0;
	e->state = s->state;
	if (sqlite_view(db, e, op->asks, op->nasks, NULL, op->arena, &op->view) != 0)
		return -1;
	if (heard == HEARD_ECHO ? !is_apart(op) : !has_link(op))
		return 0;
	if (heard == HEARD_CHANGE && want_state(db, op, s->state) != 0)
		return -1;
	e->id = db->last_event + 1;
	if (sqlite_add_event(db, e, e->id, op->thread, false) != 0)
		return -1;
	db->last_event = e->id;
	op->is_stored = true;
	return 0;
}

/* 1: it is known, 0: it is not, -1. */
static int standing_of(struct store_db *db, struct op_state *op, struct standing *s,
    int64_t *closed_ms)
{
	struct stmt *q = query(db, Q_THREAD_GET);
	struct view made = { 0 };

	*s = (struct standing){ 0 };
	*closed_ms = 0;
	stmt_i64(q, op->endpoint);
	stmt_text(q, op->conversation);
	switch (stmt_step(q)) {
	case STMT_ROW:
		op->thread = stmt_col_i64(q, 0);
		*s = (struct standing){ (enum state)stmt_col_int(q, 3), stmt_col_i64(q, 4),
			(enum state)stmt_col_int(q, 5), stmt_col_i64(q, 6) };
		*closed_ms = stmt_col_i64(q, 7);
		stmt_end(q);
		return 1;
	case STMT_DONE:
		if (!op->make)
			return 0;
		if (make_thread(db, op->endpoint, op->conversation, NULL, 0, &made) != 0)
			return -1;
		op->thread = made.thread;
		return 1;
	case STMT_ERROR: break;
	}
	return -1;
}

int sqlite_state(struct store_db *db, struct op_state *op)
{
	struct standing s;
	enum hearing heard;
	int64_t closed_ms;
	struct stmt *q;
	int ret;

	op->is_known = op->is_changed = op->is_stored = op->is_awaited = false;
	op->thread = 0;
	memset(&op->view, 0, sizeof(op->view));
	if (op->event != NULL)
		op->event->id = 0;
	ret = standing_of(db, op, &s, &closed_ms);
	if (ret == 0 && op->event != NULL) {
		ret = sqlite_is_opening(db, op->event, op->asks, op->nasks, op->arena);
		op->make = ret == 1;
		if (op->make)
			ret = standing_of(db, op, &s, &closed_ms);
	}
	if (ret != 1)
		return ret;
	op->is_known = true;
	heard = op->answered_ms != 0 && op->answered_ms == s.asked_ms
	    ? standing_read(&s, op->state, op->version)
	    : standing_hear(&s, op->state, op->version);
	op->is_awaited = s.asked != STATE_NONE;
	if (heard == HEARD_NOTHING)
		return 0;
	op->is_changed = true;
	if (!state_is_closed(standing_now(&s)))
		closed_ms = 0;
	else if (closed_ms == 0)
		closed_ms = op->now_ms;
	q = query(db, Q_THREAD_STATE);
	stmt_i64(q, s.state);
	stmt_i64(q, s.version);
	stmt_i64(q, closed_ms);
	stmt_i64(q, s.asked);
	stmt_i64(q, s.asked_ms);
	stmt_i64(q, op->thread);
	if (stmt_run(q) != 0)
		return -1;
	return tell_state(db, op, heard, &s);
}
