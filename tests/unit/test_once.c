/* What was said is said once, and what is kept for that has an end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/once.h"

static void said_once(void **state)
{
	struct once o;

	(void)state;
	once_init(&o);
	assert_true(once_first(&o, 1));
	assert_true(once_first(&o, 2));
	assert_false(once_first(&o, 1));
	assert_false(once_first(&o, 2));
	once_fini(&o);
}

static void is_bounded(void **state)
{
	struct once o;
	uint64_t i;

	(void)state;
	once_init(&o);
	for (i = 0; i < 10 * ONCE_MOST; i++) {
		assert_true(once_first(&o, i));
		assert_in_range(o.map.count, 1, ONCE_MOST);
	}
	once_fini(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(said_once),
		cmocka_unit_test(is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
