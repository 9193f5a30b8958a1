/* Sums of what was moved, and the words that tell when something was said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "core/compose.h"
#include "core/migration.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define MOMENT 1772702678123 /* 2026-03-05T09:24:38.123Z */

static void test_sums(void **state)
{
	struct arena *a = arena_new();
	struct migration_totals sum = { 0 }, back;
	struct migration_totals one = { .conversations = 1, .read = 9, .written = 4, .failed = 1 };

	(void)state;
	one.skipped[SKIP_PRESENT] = 3;
	one.skipped[DROP_ECHO] = 1;
	assert_true(migration_adds_up(&one));
	migration_add(&sum, &one);
	migration_add(&sum, &one);
	assert_int_equal(sum.conversations, 2);
	assert_int_equal(sum.read, 18);
	assert_int_equal(migration_skipped(&sum), 8);
	assert_true(migration_adds_up(&sum));
	sum.written--;
	assert_false(migration_adds_up(&sum));
	assert_string_equal(migration_skipped_text(a, &one), "{\"echo\":1,\"present\":3}");
	migration_read_skipped(&back, "{\"echo\":1,\"present\":3}");
	assert_memory_equal(back.skipped, one.skipped, sizeof(one.skipped));
	/* A word of a later version is still counted. */
	migration_read_skipped(&back, "{\"brand_new\":7}");
	assert_int_equal(back.skipped[DROP_UNKNOWN], 7);
	migration_read_skipped(&back, NULL);
	assert_int_equal(migration_skipped(&back), 0);
	arena_free(a);
}

static void test_what_it_takes(void **state)
{
	const struct migration_limit none = { 0, 0 }, desk = { 600, 60000 }, each = { 60, 60000 };
	const struct migration_limit shop = { 120, 60000 };
	struct migration_estimate e = { .conversations = 10, .longest = 40 };

	(void)state;
	migration_estimate(&e, 550, 20, none, none, none);
	assert_int_equal(e.requests, 600);
	assert_int_equal(e.msecs, 0);
	migration_estimate(&e, 550, 20, desk, none, none);
	assert_int_equal(e.msecs, 60000);
	migration_estimate(&e, 550, 200, desk, each, shop); /* reading takes half of the rate */
	assert_int_equal(e.msecs, 200000);
	e.longest = 400;
	migration_estimate(&e, 550, 20, desk, each, shop);
	assert_int_equal(e.msecs, 400000);
	e.facts = 4500; /* as what goes with them */
	migration_estimate(&e, 550, 20, desk, each, shop);
	assert_int_equal(e.requests, 5100);
	assert_int_equal(e.msecs, 510000);
}

static void test_states(void **state)
{
	(void)state;
	assert_string_equal(migration_state_word(MIGRATION_FINISHED_WITH_FAILURES),
	    "finished_with_failures");
	assert_string_equal(migration_state_word(99), "?");
	assert_true(migration_is_active(MIGRATION_STOPPING));
	assert_false(migration_is_active(MIGRATION_STOPPED));
}

static void test_times_in_the_text(void **state)
{
	static const struct {
		enum timestamps timestamps;
		enum origin origin;
		unsigned flags;
		const char *text, *expected;
	} rows[] = {
		{ TIMESTAMPS_PREFIX, ORIGIN_LIVE, 0, "hi", "hi" },
		{ TIMESTAMPS_PREFIX, ORIGIN_HISTORY, 0, "hi", "[2026-03-05 09:24 UTC] hi" },
		{ TIMESTAMPS_PREFIX, ORIGIN_HISTORY, 0, "a\nb", "[2026-03-05 09:24 UTC]\na\nb" },
		{ TIMESTAMPS_PREFIX, ORIGIN_HISTORY, 0, "", "[2026-03-05 09:24 UTC]" },
		{ TIMESTAMPS_DAY_LINE, ORIGIN_HISTORY, 0, "hi", "hi" },
		{ TIMESTAMPS_DAY_LINE, ORIGIN_HISTORY, EVENT_BEGINS_DAY, "hi", "[2026-03-05]\nhi" },
		{ TIMESTAMPS_NONE, ORIGIN_HISTORY, EVENT_BEGINS_DAY, "hi", "hi" },
	};
	static const struct caps caps;
	static const struct endpoint_conf desk = { .caps = &caps };
	struct bridge_conf bridge = { .name = "support",
		.tag = "a18603",
		.agents = &desk,
		.customers = &desk };
	static struct keys keys;
	struct arena *a = arena_new();
	struct composed out;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		const struct event event = { .kind = EVENT_MESSAGE,
			.origin = rows[i].origin,
			.flags = rows[i].flags,
			.at_ms = MOMENT,
			.remote = "m1",
			.conversation = "c1",
			.text = rows[i].text };
		const struct compose_in in = { .keys = &keys,
			.event = &event,
			.bridge = &bridge,
			.to = SIDE_AGENTS,
			.from = { "x", "h", "t" },
			.customers = { "x", "h", "t" },
			.customers_conversation = "c1",
			.generation = 1 };

		bridge.timestamps = rows[i].timestamps;
		compose(a, &in, &out);
		assert_string_equal(out.message.text, rows[i].expected);
		assert_int_equal(out.message.is_history, rows[i].origin == ORIGIN_HISTORY);
		assert_non_null(
		    strstr(out.message.mark, rows[i].origin == ORIGIN_HISTORY ? ":h1:" : ":m1:"));
	}
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_what_it_takes),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_times_in_the_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
