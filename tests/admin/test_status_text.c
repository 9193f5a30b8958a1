/* The document of a status as tables, and the words in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "admin/status.h"
#include "admin/words_of.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/json_in.h"
#include "core/model.h"

static void spans(void **state)
{
	static const struct {
		int64_t msecs;
		const char *words;
	} rows[] = {
		{ 0, "0 ms" },
		{ 99, "99 ms" },
		{ 100, "0.1 s" },
		{ 1149, "1.1 s" },
		{ 9999, "9.9 s" },
		{ 10000, "10 s" },
		{ 59999, "59 s" },
		{ 60000, "1 min" },
		{ 3599999, "59 min" },
		{ 3600000, "1h 0min" },
		{ 273600000, "3d 4h" },
	};
	struct arena *a = arena_new();
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(span_words(a, rows[i].msecs), rows[i].words);
	arena_free(a);
}

static void sizes(void **state)
{
	static const struct {
		int64_t bytes;
		const char *words;
	} rows[] = {
		{ -1, "unknown" },
		{ 0, "0 B" },
		{ 1023, "1023 B" },
		{ 1024, "1.0 KiB" },
		{ 432013312, "412 MiB" },
		{ 3LL << 30, "3.0 GiB" },
		{ 3LL << 50, "3072 TiB" },
	};
	struct arena *a = arena_new();
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(bytes_words(a, rows[i].bytes), rows[i].words);
	arena_free(a);
}

/* One of everything, as the relay writes it. */
static struct status example(struct arena *a)
{
	struct status s = {
		.now_ms = 1700273600000,
		.relay = { .is_running = true,
		    .pid = 7,
		    .since_ms = 1700000000000,
		    .config = "t.yaml",
		    .callbacks_per_sec = 1.2 },
		.store = { .state = "ok",
		    .path = "/var/lib/tieline/tieline.db",
		    .bytes = 432013312,
		    .disk_free = 1,
		    .disk_reserve = 1,
		    .schema = 1 },
		.nendpoints = 2,
		.nbridges = 1,
		.nproblems = 1,
	};

	s.endpoints = arena_zalloc(a, 2 * sizeof(*s.endpoints));
	s.endpoints[0] = (struct status_endpoint){ .name = "shop",
		.platform = "acme",
		.state = "ok",
		.sent_24h = 8120,
		.errors_24h = 3,
		.width = 4,
		.width_most = 4,
		.is_open = true };
	s.endpoints[1] = (struct status_endpoint){ .name = "desk",
		.platform = "bolt",
		.state = "slow",
		.note = "429 from chat.example.com",
		.sent_24h = 8011,
		.errors_24h = 41,
		.width = 2,
		.width_most = 4,
		.is_open = true };
	s.bridges = arena_zalloc(a, sizeof(*s.bridges));
	s.bridges[0] = (struct status_bridge_row){ .name = "support",
		.customers = "shop",
		.agents = "desk",
		.state = "ok",
		.ways = { [SIDE_AGENTS] = { 4102, 9, 1100, 3000 },
		    [SIDE_CUSTOMERS] = { 3909, 3, 400, 2000 } },
		.parked = 2 };
	s.parked[REASON_INVALID] = 1;
	s.parked[REASON_EXPIRED] = 1;
	s.problems = arena_zalloc(a, sizeof(*s.problems));
	s.problems[0] =
	    (struct status_problem){ ALARM_CLOCK, "desk", NULL, 0, "desk: it is so.", "do this." };
	return s;
}

static const struct json *document(struct arena *a, const struct status *s)
{
	struct json_error error;
	size_t len;
	const char *text = status_json(a, s, &len);
	const struct json *j = json_read(a, text, len, &error);

	assert_non_null(j);
	return j;
}

static void assert_printed(struct arena *a, const struct status *s, size_t columns,
    const char *expected)
{
	struct buf out;

	buf_init(&out);
	status_print(a, &out, document(a, s), columns);
	assert_string_equal(out.data, expected);
	buf_fini(&out);
}

static void running(void **state)
{
	struct arena *a = arena_new();
	struct status s = example(a);

	(void)state;
	assert_printed(a, &s, 80,
	    "relay     running 3d 4h, version " TIELINE_VERSION
	    ", store 412 MiB (ok), callbacks 1.2/s\n"
	    "ENDPOINT  PLATFORM  STATE  SENT/24H  ERRORS  NOTE\n"
	    "shop      acme      ok         8120       3\n"
	    "desk      bolt      slow       8011      41  429 from chat.example.com, width 2…\n"
	    "BRIDGE    STATE  TO AGENTS     TO CUSTOMERS  WAITING  OLDEST  PARKED  REPAIRED/24H\n"
	    "support   ok     4102 (1.1 s)  3909 (0.4 s)       12   3.0 s       2             0\n"
	    "parked: 1 invalid, 1 expired: tieline parked\n"
	    "desk: it is so. Next: do this.\n");
	arena_free(a);
}

static void stopped(void **state)
{
	struct arena *a = arena_new();
	struct status s = example(a);

	(void)state;
	s.relay.is_running = false;
	s.nproblems = 0;
	s.endpoints[0].state = s.endpoints[1].state = s.bridges[0].state = NULL;
	s.endpoints[0].note = s.endpoints[1].note = NULL;
	s.bridges[0].ways[0].median_ms = s.bridges[0].ways[1].median_ms = -1;
	s.parked[REASON_INVALID] = s.parked[REASON_EXPIRED] = 0;
	assert_printed(a, &s, 80,
	    "relay: not running\n"
	    "store     412 MiB (ok)\n"
	    "ENDPOINT  PLATFORM  STATE  SENT/24H  ERRORS  NOTE\n"
	    "shop      acme      -          8120       -\n"
	    "desk      bolt      -          8011       -\n"
	    "BRIDGE    STATE  TO AGENTS  TO CUSTOMERS  WAITING  OLDEST  PARKED  REPAIRED/24H\n"
	    "support   -      4102       3909               12   3.0 s       2             0\n");
	arena_free(a);
}

static void long_sentences_are_wrapped(void **state)
{
	struct arena *a = arena_new();
	struct status s = { .relay = { .is_running = true },
		.nproblems = 1,
		.store = { .state = "ok", .path = "x" } };
	struct status_problem p = { ALARM_CLOCK, NULL, NULL, 0, "one two three four five six.",
		"seven eight nine ten." };
	const char *expected =
	    "one two three four\n  five six. Next:\n  seven eight nine\n  ten.\n";
	struct buf out;

	(void)state;
	s.problems = &p;
	buf_init(&out);
	status_print(a, &out, document(a, &s), 18);
	assert_non_null(strstr(out.data, expected));
	buf_fini(&out);
	arena_free(a);
}

/* All is well only while it runs and nothing is listed. */
static void ok(void **state)
{
	struct arena *a = arena_new();
	struct status s = example(a);

	(void)state;
	assert_false(json_true(document(a, &s), "ok"));
	s.nproblems = 0;
	assert_true(json_true(document(a, &s), "ok"));
	s.relay.is_running = false;
	assert_false(json_true(document(a, &s), "ok"));
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spans),
		cmocka_unit_test(sizes),
		cmocka_unit_test(running),
		cmocka_unit_test(stopped),
		cmocka_unit_test(long_sentences_are_wrapped),
		cmocka_unit_test(ok),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
