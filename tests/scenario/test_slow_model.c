/* As test_model.c, for longer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model.h"

static void many_seeds(void **state)
{
	(void)state;
	model_run(1000, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_teardown(many_seeds, model_tell) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
