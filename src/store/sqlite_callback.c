/* Callbacks as they came: see retain.h. */
#include <sqlite3.h>

#include "base/arena.h"
#include "store/retain.h"
#include "store/sqlite_db.h"

int sqlite_callback(struct store_db *db, struct op_callback *op)
{
	struct stmt *q = query(db, Q_CALLBACK_ADD);
	int64_t id;
	size_t i;

	stmt_i64(q, op->endpoint);
	stmt_i64(q, op->at_ms);
	stmt_text(q, op->headers);
	stmt_blob(q, op->body, op->body_len);
	if (stmt_run(q) != 0)
		return -1;
	id = sqlite3_last_insert_rowid(db->handle);
	for (i = 0; i < op->nnews; i++) {
		q = query(db, Q_CALLBACK_OF_ADD);
		stmt_i64(q, id);
		stmt_i64(q, (int64_t)i);
		stmt_i64(q, op->endpoint);
		stmt_text(q, op->news[i].remote);
		stmt_text(q, op->news[i].conversation);
		if (stmt_run(q) != 0)
			return -1;
	}
	return 0;
}

int sqlite_callback_of(struct store_db *db, struct op_callback_of *op)
{
	struct stmt *q = query(db, Q_CALLBACK_OF);
	enum stmt_result r;
	const void *body;

	op->is_known = false;
	stmt_i64(q, op->endpoint);
	stmt_text(q, op->remote);
	r = stmt_step(q);
	if (r == STMT_ROW) {
		op->is_known = true;
		op->headers = stmt_col_text(q, 0, op->arena);
		body = stmt_col_blob(q, 1, &op->body_len);
		op->body = arena_memdup(op->arena, body, op->body_len);
		stmt_end(q);
	}
	return r == STMT_ERROR ? -1 : 0;
}

int sqlite_delete_callback(struct store_db *db, int64_t id)
{
	static const enum query of_it[] = { Q_CALLBACK_OF_DELETE, Q_CALLBACK_DELETE };
	struct stmt *q;
	size_t i;

	for (i = 0; i < sizeof(of_it) / sizeof(of_it[0]); i++) {
		q = query(db, of_it[i]);
		stmt_i64(q, id);
		if (stmt_run(q) != 0)
			return -1;
	}
	return 0;
}
