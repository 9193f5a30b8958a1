/* See question.h. */
#include "base/arena.h"
#include "store/question.h"
#include "store/sqlite_db.h"

int sqlite_question(struct store_db *db, struct op_question *op)
{
	const struct question_row *r = &op->row;
	struct stmt *q = query(db, r->labels != NULL ? Q_QUESTION_SET : Q_QUESTION_DELETE);

	stmt_i64(q, r->endpoint);
	stmt_text(q, r->conversation);
	if (r->labels != NULL) {
		stmt_i64(q, r->told_ms);
		stmt_text(q, r->labels);
		stmt_text(q, r->answered);
	}
	return stmt_run(q);
}

int sqlite_questions(struct store_db *db, struct op_questions *op)
{
	struct stmt *q = query(db, Q_QUESTION_OLD);
	enum stmt_result r;
	int64_t count = 0;

	stmt_i64(q, op->before_ms);
	if (stmt_run(q) != 0 || stmt_number(query(db, Q_QUESTION_COUNT), &count) < 0)
		return -1;
	op->rows = arena_zalloc(op->arena, ((size_t)count + 1) * sizeof(*op->rows));
	op->nrows = 0;
	q = query(db, Q_QUESTIONS);
	while ((r = stmt_step(q)) == STMT_ROW)
		op->rows[op->nrows++] = (struct question_row){
			.endpoint = stmt_col_int(q, 0),
			.conversation = stmt_col_text(q, 1, op->arena),
			.told_ms = stmt_col_i64(q, 2),
			.labels = stmt_col_text(q, 3, op->arena),
			.answered = stmt_col_text(q, 4, op->arena),
		};
	return r == STMT_ERROR ? -1 : 0;
}
