/* See links.h. Each statement gives one more row than is asked for, so that it is known whether there are more. */
#include "store/links.h"

#include <stdlib.h>

#include "base/arena.h"
#include "store/sqlite_db.h"

/* Takes the rows of a statement that gives links. */
static int take(struct store_db *db, struct stmt *q, struct op_links *op)
{
	struct stmt *by_id = query(db, Q_LINK_BY_ID);
	enum stmt_result r;
	int64_t id;
	size_t i;

	while ((r = stmt_step(q)) == STMT_ROW) {
		id = stmt_col_i64(q, 0);
		for (i = 0; i < op->nrows && op->rows[i].id != id; i++)
			;
		if (i < op->nrows)
			continue;
		by_id = stmt_begin(by_id);
		stmt_i64(by_id, id);
		if (row_link(by_id, op->arena, &op->rows[op->nrows]) < 0)
			return -1;
		op->nrows++;
	}
	return r == STMT_ERROR ? -1 : 0;
}

static int newest_first(const void *a, const void *b)
{
	const struct row_link *x = a, *y = b;

	return (x->id < y->id) - (x->id > y->id);
}

static void cut(struct op_links *op)
{
	qsort(op->rows, op->nrows, sizeof(*op->rows), newest_first);
	op->is_more = op->nrows > (size_t)op->limit;
	if (op->is_more)
		op->nrows = (size_t)op->limit;
}

static int by_remote(struct store_db *db, struct op_links *op, int64_t before)
{
	struct stmt *q;
	size_t i;

	for (i = 0; i < op->asked.nendpoints; i++) {
		q = query(db, Q_LINKS_BY_REMOTE);
		stmt_i64(q, op->asked.endpoints[i]);
		stmt_text(q, op->asked.remote);
		stmt_i64(q, before);
		stmt_i64(q, op->limit + 1);
		if (take(db, q, op) != 0)
			return -1;
	}
	return 0;
}

int sqlite_links(struct store_db *db, struct op_links *op)
{
	const struct links_asked *asked = &op->asked;
	int64_t before = op->before != 0 ? op->before : INT64_MAX;
	size_t most = (asked->nendpoints + 2) * ((size_t)op->limit + 1);
	struct stmt *q;
	int ret;

	op->rows = arena_zalloc(op->arena, most * sizeof(*op->rows));
	op->nrows = 0;
	op->is_more = false;
	if (asked->id != 0) {
		ret = row_link_by_id(db, asked->id, op->arena, op->rows);
		op->nrows = ret == 1;
		return ret < 0 ? -1 : 0;
	}
	ret = asked->remote != NULL ? by_remote(db, op, before) : 0;
	if (ret == 0 && (asked->who != NULL || asked->remote == NULL)) {
		q = query(db, asked->who != NULL ? Q_LINKS_BY_WHO : Q_LINKS);
		if (asked->who != NULL)
			stmt_text(q, asked->who);
		stmt_i64(q, before);
		stmt_i64(q, op->limit + 1);
		ret = take(db, q, op);
	}
	cut(op);
	return ret;
}
