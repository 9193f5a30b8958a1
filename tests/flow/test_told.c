/* What is remembered of a platform that is polled has an end, however many conversations it has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "flow/told.h"

static struct told *get(struct tolds *t, int n)
{
	char remote[32];

	snprintf(remote, sizeof(remote), "chat-%d", n);
	return tolds_get(t, remote);
}

static void is_bounded(void **state)
{
	struct tolds t;
	int i;

	(void)state;
	tolds_init(&t);
	for (i = 0; i < 3 * TOLD_MOST; i++) {
		get(&t, i)->round = 1;
		get(&t, 0); /* met again and again */
	}
	assert_int_equal(t.map.count, TOLD_MOST);
	assert_non_null(tolds_find(&t, "chat-0"));
	assert_null(tolds_find(&t, "chat-1"));
	assert_ptr_equal(get(&t, i - 1), tolds_find(&t, get(&t, i - 1)->remote));
	assert_int_equal(t.map.count, TOLD_MOST);
	tolds_fini(&t);
}

static void those_not_met_are_forgotten(void **state)
{
	struct tolds t;

	(void)state;
	tolds_init(&t);
	get(&t, 1)->round = 1;
	get(&t, 2)->round = 2;
	get(&t, 3)->round = 1;
	tolds_forget(&t, 2);
	assert_int_equal(t.map.count, 1);
	assert_non_null(tolds_find(&t, "chat-2"));
	tolds_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_bounded),
		cmocka_unit_test(those_not_met_are_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
