/* What reconciliation asks of the store, and keeps in it. */
#include <string.h>

#include "base/arena.h"
#include "core/ids.h"
#include "store/sqlite_db.h"

/* The newest message that stood in it then; NULL: there is no such time. */
static int read_first(struct store_db *db, const struct op_known *op, struct arena *a,
    const char **first)
{
	struct stmt *q = query(db, Q_THREAD_BEGAN);

	*first = NULL;
	if (op->conversation == NULL)
		return 0;
	stmt_i64(q, op->endpoint);
	stmt_text(q, op->conversation);
	stmt_i64(q, LINK_BY_FILE << LINK_HOW_SHIFT); /* a bit that LINK_BY_PERSON has, too */
	switch (stmt_step(q)) {
	case STMT_ROW:
		*first = stmt_col_text(q, 0, a);
		stmt_end(q);
		return 0;
	case STMT_DONE: return 0;
	case STMT_ERROR: break;
	}
	return -1;
}

static int find_keys(struct store_db *db, struct op_known *op, const char *first)
{
	struct stmt *q;
	int64_t ref;
	size_t i;
	int ret;

	for (i = 0; i < op->nkeys; i++) {
		q = query(db, Q_IDMAP_GET);
		stmt_i64(q, op->endpoint);
		stmt_i64(q, op->keys[i][0]);
		stmt_remote(q, op->keys[i] + 2);
		ret = stmt_number(q, &ref);
		if (ret < 0)
			return -1;
		op->is_known[i] = ret == 1
		    || (first != NULL && strncmp(op->keys[i], "m:", 2) == 0
			&& !ids_above(op->keys[i] + 2, first));
	}
	return 0;
}

int sqlite_known(struct store_db *db, struct op_known *op)
{
	struct arena *a = arena_new();
	const char *first;
	int ret = read_first(db, op, a, &first);

	if (ret == 0)
		ret = find_keys(db, op, first);
	arena_free(a);
	return ret;
}

int sqlite_sweep_get(struct store_db *db, struct op_sweep_get *op)
{
	struct stmt *q = query(db, Q_SWEEP_GET);

	op->done_ms = op->reached_ms = 0;
	stmt_i64(q, op->endpoint);
	switch (stmt_step(q)) {
	case STMT_ROW:
		op->done_ms = stmt_col_i64(q, 0);
		op->reached_ms = stmt_col_i64(q, 1);
		stmt_end(q);
		return 0;
	case STMT_DONE: return 0;
	case STMT_ERROR: break;
	}
	return -1;
}

int sqlite_sweep_set(struct store_db *db, struct op_sweep_set *op)
{
	struct stmt *q = query(db, Q_SWEEP_SET);

	stmt_i64(q, op->endpoint);
	stmt_i64(q, op->done_ms);
	stmt_i64(q, op->reached_ms);
	return stmt_run(q);
}
