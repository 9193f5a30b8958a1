/* As test_orders.c, two things at once: for customers whose platform announces in order. */
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

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(up) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
