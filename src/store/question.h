/* What was asked with numbers and may still be answered with one, over a restart. It decides nothing but how
 * an answer is read. */
#ifndef STORE_QUESTION_H
#define STORE_QUESTION_H

#include "store/store.h"

struct question_row {
	int endpoint;
	const char *conversation;
	int64_t told_ms;
	const char *labels;   /* one a line; NULL: nothing is asked there any more */
	const char *answered; /* NULL: not yet */
};

/* The newest of its conversation is this one now, or none is. */
struct op_question {
	struct store_op op;
	struct question_row row;
};

/* All of them, the oldest first; what was told before is removed. */
struct op_questions {
	struct store_op op;
	struct arena *arena;
	int64_t before_ms;
	/* out */
	struct question_row *rows;
	size_t nrows;
};

#endif
