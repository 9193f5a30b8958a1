/* Whether silence is a wonder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/week.h"

#define HOUR INT64_C(3600000)
#define SILENCE (6 * HOUR)

static void test_wonders(void **state)
{
	static const struct {
		int64_t heard[3]; /* hours; 0: no more */
		int64_t last_ms, now_ms;
		int wonders;
	} rows[] = {
		{ { 0 }, 1000 * HOUR, 1100 * HOUR, 0 },                    /* it never was heard */
		{ { 840, 900 }, 1000 * HOUR, 1005 * HOUR, 0 },             /* not for so long */
		{ { 840 }, 1000 * HOUR, 1006 * HOUR, 0 },                  /* 1008 is not over */
		{ { 840 }, 1000 * HOUR, 1008 * HOUR + 59 * HOUR / 60, 0 }, /* nor yet */
		{ { 840 }, 1000 * HOUR, 1009 * HOUR, 1 },
		{ { 834 }, 1002 * HOUR + 1, 1010 * HOUR,
		    0 }, /* in that hour there was one this week */
		{ { 834 }, 1002 * HOUR, 1010 * HOUR, 1 },
		{ { 900 }, 1000 * HOUR, 1050 * HOUR, 0 },
		{ { 900 }, 1000 * HOUR, 1069 * HOUR, 1 },
	};
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct week w = { 0 };

		for (k = 0; k < 3 && rows[i].heard[k] != 0; k++)
			assert_true(week_note(&w, rows[i].heard[k]));
		assert_int_equal(rows[i].wonders,
		    week_wonders(&w, rows[i].last_ms, rows[i].now_ms, SILENCE));
	}
}

static void test_noting(void **state)
{
	struct week w = { 0 };

	(void)state;
	assert_true(week_note(&w, 500000));
	assert_false(week_note(&w, 500000));
	assert_true(week_note(&w, 500001));
	assert_true(week_note(&w, 499990)); /* the clock was set back */
	assert_true(week_had(&w, 499990));
	assert_false(week_had(&w, 499991));
	assert_true(week_note(&w, 500001 + WEEK_KEPT - 1));
	assert_true(week_had(&w, 500001));
	assert_false(week_had(&w, 500000));
	assert_false(week_note(&w, 500000)); /* too long ago */
	assert_true(week_note(&w, 600000));  /* and a long silence */
	assert_false(week_had(&w, 600000 - 1));
	assert_false(week_had(&w, 500001 + WEEK_KEPT - 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wonders),
		cmocka_unit_test(test_noting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
