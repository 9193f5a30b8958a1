/* Whatever happens, in whatever order: each message crosses exactly once, and in order. By seed; SEED=N
 * plays one again and tells what happens, SEEDS=N plays so many, FROM=N from there on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model.h"

static void few_seeds(void **state)
{
	(void)state;
	model_run(1, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_teardown(few_seeds, model_tell) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
