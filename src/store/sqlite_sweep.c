/* What reconciliation asks of the store, and keeps in it. */
#include "store/sqlite_db.h"

int sqlite_known(struct store_db *db, struct op_known *op)
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
		op->is_known[i] = ret == 1;
	}
	return 0;
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
