/* As test_orders.c, two things at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "orders.h"

static void up(void **state)
{
	(void)state;
	orders_run("shop_desk", 2, 1);
}

static void down(void **state)
{
	(void)state;
	orders_run("site_team", 2, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(up), cmocka_unit_test(down) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
