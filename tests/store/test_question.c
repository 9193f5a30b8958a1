/* What was asked with numbers: each promise of store/question.h, for every driver. */
#include "fixture.h"
#include "store/question.h"

static void ask(struct fixture *f, const char *conversation, int64_t told_ms, const char *labels,
    const char *answered)
{
	struct op_question op = { .op = { .kind = STORE_QUESTION },
		.row = { f->customers, conversation, told_ms, labels, answered } };

	run(f, &op.op);
}

static struct op_questions read_all(struct fixture *f, int64_t before_ms)
{
	struct op_questions op = { .op = { .kind = STORE_QUESTIONS },
		.arena = f->arena,
		.before_ms = before_ms };

	run(f, &op.op);
	return op;
}

/* The newest per conversation, the oldest first, over a restart; what is too old goes. */
static void kept(void **state)
{
	struct fixture *f = *state;
	struct op_questions all;

	ask(f, "c2", 300, "Yes\nNo", NULL);
	ask(f, "c1", 100, "Old", NULL);
	ask(f, "c1", 200, "Red\nBlue", "m7");
	ask(f, "c3", 50, "Late", NULL);
	fixture_reopen(f);
	all = read_all(f, 100);
	assert_int_equal(all.nrows, 2);
	assert_int_equal(all.rows[0].endpoint, f->customers);
	assert_string_equal(all.rows[0].conversation, "c1");
	assert_int_equal(all.rows[0].told_ms, 200);
	assert_string_equal(all.rows[0].labels, "Red\nBlue");
	assert_string_equal(all.rows[0].answered, "m7");
	assert_string_equal(all.rows[1].conversation, "c2");
	assert_null(all.rows[1].answered);
	assert_int_equal(read_all(f, 0).nrows, 2);
}

static void over(void **state)
{
	struct fixture *f = *state;

	ask(f, "c1", 100, "Red\nBlue", NULL);
	ask(f, "c1", 0, NULL, NULL);
	ask(f, "c9", 0, NULL, NULL);
	assert_int_equal(read_all(f, 0).nrows, 0);
}

static const struct promise promises[] = {
	PROMISE(kept),
	PROMISE(over),
};

int main(void)
{
	return fixture_run(promises, sizeof(promises) / sizeof(promises[0]));
}
