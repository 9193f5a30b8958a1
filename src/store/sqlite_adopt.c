/* See adopt.h. */
#include "store/adopt.h"

#include <string.h>

#include <sqlite3.h>

#include "base/arena.h"
#include "core/standing.h"
#include "store/sqlite_db.h"

#define PARKED_MOST 1000

static int find(struct store_db *db, enum query by, int bridge, int64_t thread, struct arena *a,
    struct row_link *out)
{
	struct stmt *q = query(db, by);

	memset(out, 0, sizeof(*out));
	stmt_i64(q, bridge);
	stmt_i64(q, thread);
	return row_link(q, a, out) < 0 ? -1 : 0;
}

static int thread_of(struct store_db *db, const struct adopt_end *end, int64_t *id)
{
	struct stmt *q = query(db, Q_THREAD_GET);

	*id = 0;
	stmt_i64(q, end->endpoint);
	stmt_text(q, end->remote);
	return stmt_number(q, id) < 0 ? -1 : 0;
}

/* Whether it can be. A customers' one may have gone on with another after its first was deleted; an agents' one may
 * have had several, but not by a person's word. */
static int judge(struct store_db *db, struct op_adopt *op, int64_t customers, int64_t agents)
{
	struct row_link *l = &op->row, other;

	if (customers != 0
	    && find(db, Q_LINK_BY_CUSTOMERS, op->bridge, customers, op->arena, l) != 0)
		return -1;
	if (l->id != 0 && l->id != op->link && !l->gone) {
		op->other = l->agents_remote;
		op->result = l->agents == 0 ? ADOPT_BUSY
		    : l->agents == agents   ? ADOPT_WAS
					    : ADOPT_CUSTOMERS_TAKEN;
		return 0;
	}
	if (agents == 0 || op->how == LINK_BY_MARK)
		return 0;
	if (find(db, Q_LINK_BY_AGENTS, op->bridge, agents, op->arena, &other) != 0)
		return -1;
	if (other.id != 0 && !other.gone && other.id != op->link) {
		op->other = other.customers_remote;
		op->result = ADOPT_AGENTS_TAKEN;
	}
	return 0;
}

/* What the platform tells now, where nothing newer is known. */
static int note_state(struct store_db *db, const struct adopt_end *end, const struct view *known,
    int64_t now_ms)
{
	struct stmt *q;

	if (end->state == STATE_NONE
	    || (known->state != STATE_NONE && known->state_version >= end->version))
		return 0;
	q = query(db, Q_THREAD_STATE);
	stmt_i64(q, end->state);
	stmt_i64(q, end->version);
	stmt_i64(q, !state_is_closed(end->state) ? 0 : end->version > 0 ? end->version : now_ms);
	stmt_i64(q, STATE_NONE);
	stmt_i64(q, 0);
	stmt_i64(q, known->thread);
	return stmt_run(q);
}

static int make_end(struct store_db *db, const struct adopt_end *end, int64_t person,
    int64_t now_ms, int64_t *thread)
{
	struct view view = { 0 };

	*thread = 0;
	if (end->remote == NULL)
		return 0;
	if (make_thread(db, end->endpoint, end->remote, end->ref, person, &view) != 0)
		return -1;
	*thread = view.thread;
	return note_state(db, end, &view, now_ms);
}

static int next_generation(struct store_db *db, struct op_adopt *op, int64_t customers,
    int64_t *generation)
{
	struct stmt *q = query(db, Q_LINK_NEXT_GENERATION);

	stmt_i64(q, op->bridge);
	stmt_i64(q, customers);
	if (stmt_number(q, generation) != 1)
		return -1;
	if (op->generation > *generation)
		*generation = op->generation;
	return 0;
}

static int add_link(struct store_db *db, struct op_adopt *op, int64_t *link)
{
	const struct event *e = op->about;
	int64_t person = 0, customers, agents, generation;
	struct person who;
	struct stmt *q;

	if (e == NULL || e->person.identity == NULL)
		return sqlite_refuse(db, "a pair of nobody's");
	if (make_person(db, e, op->arena, &person, &who) != 0
	    || make_end(db, &op->customers, person, op->now_ms, &customers) != 0
	    || make_end(db, &op->agents, 0, op->now_ms, &agents) != 0
	    || next_generation(db, op, customers, &generation) != 0)
		return -1;
	q = query(db, Q_LINK_ADD);
	stmt_i64(q, op->bridge);
	stmt_i64(q, person);
	stmt_i64(q, customers);
	stmt_i64(q, generation);
	stmt_i64(q, agents);
	stmt_remote(q, op->customers.first);
	stmt_remote(q, op->agents.first);
	if (stmt_run(q) != 0)
		return -1;
	*link = sqlite3_last_insert_rowid(db->handle);
	return 0;
}

/* The row of a message that is on its way. What it begins with at its own side is that message. */
static int fill_link(struct store_db *db, struct op_adopt *op)
{
	int64_t agents;
	struct stmt *q;

	if (make_end(db, &op->agents, 0, op->now_ms, &agents) != 0)
		return -1;
	q = query(db, Q_LINK_ADOPT);
	stmt_i64(q, op->link);
	stmt_id(q, agents);
	stmt_i64(q, op->generation);
	stmt_remote(q, op->agents.first);
	return stmt_run(q);
}

/* An answer that waited for nobody knew whose it is. */
static int find_parked(struct store_db *db, struct op_adopt *op)
{
	struct stmt *q = query(db, Q_PARKED_IN_THREAD);
	enum stmt_result r;

	op->parked = arena_alloc(op->arena, PARKED_MOST * sizeof(*op->parked));
	stmt_i64(q, op->bridge);
	stmt_i64(q, op->row.agents);
	stmt_i64(q, REASON_UNREACHABLE);
	stmt_i64(q, PARKED_MOST);
	while ((r = stmt_step(q)) == STMT_ROW)
		op->parked[op->nparked++] = stmt_col_i64(q, 0);
	return r == STMT_DONE ? 0 : -1;
}

static int pair(struct store_db *db, struct op_adopt *op)
{
	int64_t link = op->link;
	struct stmt *q;

	if ((link != 0 ? fill_link(db, op) : add_link(db, op, &link)) != 0)
		return -1;
	q = query(db, Q_LINK_FLAGS);
	stmt_i64(q, link);
	stmt_i64(q, (int64_t)op->how << LINK_HOW_SHIFT);
	if (stmt_run(q) != 0 || row_link_by_id(db, link, op->arena, &op->row) < 0)
		return -1;
	return op->row.agents != 0 ? find_parked(db, op) : 0;
}

int sqlite_adopt(struct store_db *db, struct op_adopt *op)
{
	int64_t customers, agents = 0;

	op->result = ADOPT_DONE;
	op->other = NULL;
	op->nparked = 0;
	memset(&op->row, 0, sizeof(op->row));
	if (thread_of(db, &op->customers, &customers) != 0
	    || (op->agents.remote != NULL && thread_of(db, &op->agents, &agents) != 0)
	    || judge(db, op, customers, agents) != 0)
		return -1;
	if (op->result != ADOPT_DONE || op->is_dry)
		return 0;
	return pair(db, op);
}

int sqlite_paired(struct store_db *db, struct op_paired *op)
{
	struct stmt *q;
	int64_t found;
	size_t i;

	for (i = 0; i < op->count; i++) {
		q = query(db, Q_THREAD_IS_PAIRED);
		stmt_i64(q, op->endpoint);
		stmt_text(q, op->remotes[i]);
		if (stmt_number(q, &found) != 1)
			return -1;
		op->is_paired[i] = found != 0;
	}
	return 0;
}
