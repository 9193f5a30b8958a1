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

static void note_begun(void *arg, int64_t id)
{
	*(int64_t *)arg = id;
}

/* An older run that was stopped does not go on beside a newer one over the same conversations. */
static void two_of_one_bridge(void **state)
{
	struct migration_wish all = { .bridge = "support" };
	struct migration_wish few = { .bridge = "support", .limit = 5 };
	int64_t older = 0, newer = 0;
	struct migrations *m;
	struct stage s;
	struct err err;

	(void)state;
	stage_start(&s, "shop_desk", NULL);
	m = s.rig.flow->migrations;
	assert_int_equal(migration_begin(m, &all, note_begun, &older, &err), MIGRATION_BEGUN);
	rig_run(&s.rig);
	assert_true(migration_stop(m, older));
	stage_settle(&s, 1000, true);
	assert_int_equal(migration_begin(m, &few, note_begun, &newer, &err), MIGRATION_BEGUN);
	rig_run(&s.rig);
	assert_int_equal(newer, 2);
	assert_false(migration_resume(m, older, false, &err));
	assert_string_equal(err.text, "m2 of support is under way: stop it first");
	stage_settle(&s, 1000, true);
	assert_true(migration_resume(m, older, false, &err));
	stage_settle(&s, 1000, true);
	stage_end(&s);
}

/* Nor do two bridges move the history of one endpoint at once: it goes over one of them. */
static void two_of_one_endpoint(void **state)
{
	struct migration_wish one = { .bridge = "support" }, two = { .bridge = "sales" };
	int64_t begun = 0;
	struct migrations *m;
	struct stage s;
	struct err err;

	(void)state;
	stage_start(&s, "two_backs", NULL);
	m = s.rig.flow->migrations;
	assert_int_equal(migration_begin(m, &one, note_begun, &begun, &err), MIGRATION_BEGUN);
	assert_int_equal(migration_begin(m, &two, on_begun, NULL, &err), MIGRATION_CONFLICT);
	assert_string_equal(err.text, "a run of support is just beginning");
	rig_run(&s.rig);
	assert_int_equal(begun, 1);
	assert_int_equal(migration_begin(m, &two, on_begun, NULL, &err), MIGRATION_CONFLICT);
	assert_string_equal(err.text, "m1 of support is under way: stop it first");
	stage_settle(&s, 1000, true);
	assert_int_equal(migration_begin(m, &two, note_begun, &begun, &err), MIGRATION_BEGUN);
	stage_settle(&s, 1000, true);
	stage_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_that_cannot_be_used),
		cmocka_unit_test(two_of_one_bridge),
		cmocka_unit_test(two_of_one_endpoint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
