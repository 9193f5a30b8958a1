/* Times as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define WRONG INT64_MIN

static void test_format(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} rows[] = {
		{ 0, "1970-01-01T00:00:00.000Z" },
		{ 1795206556267, "2026-11-20T20:29:16.267Z" },
		{ 951782400007, "2000-02-29T00:00:00.007Z" },
		{ -1, "1969-12-31T23:59:59.999Z" },
	};
	char out[TIME_TEXT_SIZE];
	int64_t ms;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		assert_string_equal(time_format(rows[i].ms, out), rows[i].text);
		assert_int_equal(time_parse(out, &ms), 0);
		assert_int_equal(ms, rows[i].ms);
	}
}

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} rows[] = {
		{ "2026-11-20T20:29:16Z", 1795206556000 },
		{ "2026-11-20T20:29:16.2Z", 1795206556200 },
		{ "2026-11-20T20:29:16.2679999Z", 1795206556267 },
		{ "2026-11-20t20:29:16.267z", 1795206556267 },
		{ "2026-11-20 20:29:16.267Z", 1795206556267 },
		{ "2026-11-20T22:29:16.267+02:00", 1795206556267 },
		{ "2026-11-20T14:59:16.267-05:30", 1795206556267 },
		{ "2026-11-20T20:29:16", WRONG },
		{ "2026-11-20T20:29:16+0200", WRONG },
		{ "2026-11-20T20:29:16Z ", WRONG },
		{ "2026-11-20T20:29Z", WRONG },
		{ "2026-13-20T20:29:16Z", WRONG },
		{ "2026-00-20T20:29:16Z", WRONG },
		{ "2026-11-00T20:29:16Z", WRONG },
		{ "2026-11-32T20:29:16Z", WRONG },
		{ "2026-11-20T24:29:16Z", WRONG },
		{ "2026-11-20T20:60:16Z", WRONG },
		{ "2026-11-20", WRONG },
		{ "20261120T202916Z", WRONG },
		{ "1795206556", WRONG },
		{ "", WRONG },
	};
	int64_t ms;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		int result = time_parse(rows[i].text, &ms);

		if (result != (rows[i].ms == WRONG ? -1 : 0)
		    || (rows[i].ms != WRONG && ms != rows[i].ms))
			fail_msg("%s", rows[i].text);
	}
}

static void test_parse_http(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} rows[] = {
		{ "Sun, 06 Nov 1994 08:49:37 GMT", 784111777000 },
		{ "Sunday, 06-Nov-94 08:49:37 GMT", WRONG },
		{ "Sun Nov  6 08:49:37 1994", WRONG },
		{ "Sun, 06 Nov 1994 08:49:37", WRONG },
		{ "Sun, 06 Nov 1994 08:49:37 CET", WRONG },
		{ "Sun, 06 Xyz 1994 08:49:37 GMT", WRONG },
		{ "Sun, 6 Nov 1994 08:49:37 GMT", WRONG },
		{ "Sun, 06 No", WRONG },
		{ ",", WRONG },
		{ "", WRONG },
	};
	int64_t ms;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		int result = time_parse_http(rows[i].text, &ms);

		if (result != (rows[i].ms == WRONG ? -1 : 0)
		    || (rows[i].ms != WRONG && ms != rows[i].ms))
			fail_msg("%s", rows[i].text);
	}
}

static void test_clocks_move_on(void **state)
{
	int64_t before = clock_mono_us();

	(void)state;
	assert_true(clock_mono_us() >= before);
	assert_true(clock_mono_ms() >= before / 1000);
	assert_true(clock_wall_ms() > 1600000000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_http),
		cmocka_unit_test(test_clocks_move_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
