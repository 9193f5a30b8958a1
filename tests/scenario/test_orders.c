/* Each hand-over of a first message meets each of the things that may happen to it: the program dies there,
 * the answer is lost, the store fails, somebody else is quicker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "orders.h"

static void up(void **state)
{
	(void)state;
	orders_run("shop_desk", 1, 1);
}

static void down(void **state)
{
	(void)state;
	orders_run("site_team", 1, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(up), cmocka_unit_test(down) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
