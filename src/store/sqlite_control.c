/* A person's word over endpoints and bridges. */
#include "store/sqlite_db.h"

int sqlite_control(struct store_db *db, struct op_control *op)
{
	struct stmt *q = query(db, Q_CONTROL_SET);

	stmt_i64(q, op->is_bridge);
	stmt_i64(q, op->id);
	stmt_i64(q, op->control);
	return stmt_run(q);
}

int sqlite_controlled(struct store_db *db, struct op_control *op)
{
	struct stmt *q = query(db, Q_CONTROL_GET);
	int64_t control = CONTROL_RUN;

	stmt_i64(q, op->is_bridge);
	stmt_i64(q, op->id);
	if (stmt_number(q, &control) < 0)
		return -1;
	op->control = (enum control)control;
	return 0;
}
