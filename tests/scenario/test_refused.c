/* Where history cannot be moved, and with which words. (What else is refused: tests/connector/test_*_pages.c, and
 * tests/blackbox/test_migrate.py, test_refusals.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "flow/endpoint.h"
#include "moving.h"

static void on_begun(void *arg, int64_t id)
{
	(void)arg, (void)id;
	fail_msg("it has begun");
}

/* Nothing would pass there before somebody has put it right: the run would wait, and say nothing. */
static void ends_that_cannot_be_used(void **state)
{
	static const struct {
		const char *end, *words;
		bool is_of_file; /* a file takes the place of the other end only */
	} cases[] = {
		{ "shop", "shop cannot be used (credentials): Invalid Access Token", false },
		{ "desk", "desk cannot be used (credentials): Invalid Access Token", true },
	};
	struct migration_wish wish = { .bridge = "support" };
	struct migrations *m;
	struct stage s;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		stage_start(&s, "shop_desk", NULL);
		m = s.rig.flow->migrations;
		endpoint_refused(rig_endpoint(&s.rig, cases[i].end), "Invalid Access Token");
		assert_int_equal(migration_begin(m, &wish, on_begun, NULL, &err),
		    MIGRATION_REFUSED);
		assert_string_equal(err.text, cases[i].words);
		assert_int_equal(migration_plan(m, &wish, false, &err), 0);
		assert_string_equal(err.text, cases[i].words);
		wish.file = "/tmp/any.jsonl";
		assert_int_equal(migration_plan(m, &wish, true, &err) == 0, cases[i].is_of_file);
		wish.file = NULL;
		stage_end(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_that_cannot_be_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
