/* See alarm.h. */
#include "store/alarm.h"

#include "base/arena.h"
#include "store/sqlite_db.h"

int sqlite_alarm(struct store_db *db, const struct op_alarm *op)
{
	const struct alarm *a = &op->row;
	struct stmt *q = query(db, Q_ALARM_SET);

	stmt_i64(q, a->id);
	stmt_i64(q, a->kind);
	stmt_text(q, a->endpoint);
	stmt_text(q, a->bridge);
	stmt_i64(q, a->since_ms);
	stmt_i64(q, a->raised_ms);
	stmt_i64(q, a->reminded_ms);
	stmt_i64(q, a->cleared_ms);
	stmt_i64(q, a->owed);
	stmt_text(q, a->text);
	stmt_text(q, a->next);
	if (stmt_run(q) != 0)
		return -1;
	q = query(db, Q_ALARM_TRIM);
	stmt_i64(q, a->id - ALARMS_KEPT);
	return stmt_run(q);
}

int sqlite_alarms(struct store_db *db, struct op_alarms *op)
{
	int64_t count = 0;
	enum stmt_result r;
	struct stmt *q;

	if (stmt_number(query(db, Q_ALARM_COUNT), &count) < 0)
		return -1;
	op->rows = arena_zalloc(op->arena, ((size_t)count + 1) * sizeof(*op->rows));
	op->nrows = 0;
	q = query(db, Q_ALARMS);
	while ((r = stmt_step(q)) == STMT_ROW)
		op->rows[op->nrows++] = (struct alarm){
			.id = stmt_col_i64(q, 0),
			.kind = (enum alarm_kind)stmt_col_int(q, 1),
			.endpoint = (char *)stmt_col_text(q, 2, op->arena),
			.bridge = (char *)stmt_col_text(q, 3, op->arena),
			.since_ms = stmt_col_i64(q, 4),
			.raised_ms = stmt_col_i64(q, 5),
			.reminded_ms = stmt_col_i64(q, 6),
			.cleared_ms = stmt_col_i64(q, 7),
			.owed = (unsigned)stmt_col_int(q, 8),
			.text = (char *)stmt_col_text(q, 9, op->arena),
			.next = (char *)stmt_col_text(q, 10, op->arena),
		};
	return r == STMT_ERROR ? -1 : 0;
}

int sqlite_hour(struct store_db *db, const struct op_hour *op)
{
	struct stmt *q = query(db, Q_HOUR_ADD);

	stmt_i64(q, op->endpoint);
	stmt_i64(q, op->hour);
	if (stmt_run(q) != 0)
		return -1;
	q = query(db, Q_HOUR_TRIM);
	stmt_i64(q, op->endpoint);
	stmt_i64(q, op->keep_from);
	return stmt_run(q);
}

int sqlite_hours(struct store_db *db, struct op_hours *op)
{
	int64_t count = 0;
	enum stmt_result r;
	struct stmt *q;

	if (stmt_number(query(db, Q_HOUR_COUNT), &count) < 0)
		return -1;
	op->rows = arena_zalloc(op->arena, ((size_t)count + 1) * sizeof(*op->rows));
	op->nrows = 0;
	q = query(db, Q_HOURS);
	while ((r = stmt_step(q)) == STMT_ROW)
		op->rows[op->nrows++] =
		    (struct heard_hour){ stmt_col_int(q, 0), stmt_col_i64(q, 1) };
	return r == STMT_ERROR ? -1 : 0;
}
