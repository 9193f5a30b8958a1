/* What a clock on the wall shows, somewhere, and when that is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/zone.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static int setup(void **state)
{
	*state = arena_new();
	return 0;
}

static int teardown(void **state)
{
	arena_free(*state);
	return 0;
}

static int64_t at(const char *text)
{
	int64_t ms;

	assert_int_equal(time_parse(text, &ms), 0);
	return ms;
}

static const struct zone *zone(struct arena *a, const char *name)
{
	struct err err = { .text = "" };
	const struct zone *z = zone_load(a, name, &err);

	assert_string_equal(err.text, "");
	assert_non_null(z);
	return z;
}

static void clocks_on_walls(void **state)
{
	static const struct {
		const char *name, *wall, *utc;
	} rows[] = {
		{ "UTC", "2024-03-05T17:44:58Z", "2024-03-05T17:44:58Z" },
		{ "+03:00", "2024-03-05T17:44:58Z", "2024-03-05T14:44:58Z" },
		{ "-09:30", "2024-03-05T17:44:58.007Z", "2024-03-06T03:14:58.007Z" },
		{ "Europe/Kyiv", "2024-03-05T17:44:58Z", "2024-03-05T15:44:58Z" },
		{ "Europe/Kyiv", "2024-07-05T17:44:58Z", "2024-07-05T14:44:58Z" },
		{ "Asia/Kolkata", "2024-07-05T05:30:00Z", "2024-07-05T00:00:00Z" },
		{ "Asia/Kathmandu", "2024-07-05T05:45:00Z", "2024-07-05T00:00:00Z" },
		{ "America/New_York", "2024-12-31T19:00:00Z", "2025-01-01T00:00:00Z" },
		{ "America/St_Johns", "2024-07-01T00:00:00Z", "2024-07-01T02:30:00Z" },
		/* The last quarter of an hour before and the first after a change. */
		{ "Europe/Kyiv", "2024-03-31T02:59:59.999Z", "2024-03-31T00:59:59.999Z" },
		{ "Europe/Kyiv", "2024-03-31T04:00:00Z", "2024-03-31T01:00:00Z" },
		{ "Europe/Kyiv", "2024-10-27T02:59:59Z", "2024-10-26T23:59:59Z" },
		{ "Europe/Kyiv", "2024-10-27T04:00:00Z", "2024-10-27T02:00:00Z" },
		/* An hour that there is not: as if the clock had not been put forward. */
		{ "Europe/Kyiv", "2024-03-31T03:00:00Z", "2024-03-31T01:00:00Z" },
		{ "Europe/Kyiv", "2024-03-31T03:30:00Z", "2024-03-31T01:30:00Z" },
		{ "Australia/Lord_Howe", "2024-10-06T02:15:00Z", "2024-10-05T15:45:00Z" },
		/* A day that there was not. */
		{ "Pacific/Apia", "2011-12-29T23:59:59Z", "2011-12-30T09:59:59Z" },
		{ "Pacific/Apia", "2011-12-31T00:00:00Z", "2011-12-30T10:00:00Z" },
		/* South of the equator; summer time that is winter time. */
		{ "America/Santiago", "2024-01-15T12:00:00Z", "2024-01-15T15:00:00Z" },
		{ "America/Santiago", "2024-06-15T12:00:00Z", "2024-06-15T16:00:00Z" },
		{ "Europe/Dublin", "2024-01-15T12:00:00Z", "2024-01-15T12:00:00Z" },
		{ "Europe/Dublin", "2024-06-15T12:00:00Z", "2024-06-15T11:00:00Z" },
		/* No more changes; changes decided long ago; none were decided: by the rule. */
		{ "Asia/Tokyo", "2024-06-15T12:00:00Z", "2024-06-15T03:00:00Z" },
		{ "Europe/Berlin", "1970-01-01T01:00:00Z", "1970-01-01T00:00:00Z" },
		{ "Europe/Berlin", "2100-01-15T12:00:00Z", "2100-01-15T11:00:00Z" },
		{ "Europe/Berlin", "2100-07-15T12:00:00Z", "2100-07-15T10:00:00Z" },
		{ "America/Santiago", "2090-01-15T12:00:00Z", "2090-01-15T15:00:00Z" },
		{ "Europe/Berlin", "1850-06-01T00:53:28Z", "1850-06-01T00:00:00Z" },
	};
	size_t i;

	for (i = 0; i < COUNT(rows); i++)
		assert_int_equal(zone_utc(zone(*state, rows[i].name), at(rows[i].wall), INT64_MAX),
		    at(rows[i].utc));
}

/* The later one that has been already. */
static void an_hour_that_comes_twice(void **state)
{
	static const struct {
		const char *name, *wall, *not_after, *utc;
	} rows[] = {
		{ "Europe/Kyiv", "2024-10-27T03:30:00Z", "2024-10-27T00:31:00Z",
		    "2024-10-27T00:30:00Z" },
		{ "Europe/Kyiv", "2024-10-27T03:30:00Z", "2024-10-27T01:29:59Z",
		    "2024-10-27T00:30:00Z" },
		{ "Europe/Kyiv", "2024-10-27T03:30:00Z", "2024-10-27T01:30:00Z",
		    "2024-10-27T01:30:00Z" },
		{ "Europe/Kyiv", "2024-10-27T03:30:00Z", "2025-01-01T00:00:00Z",
		    "2024-10-27T01:30:00Z" },
		/* Both are to come. */
		{ "Europe/Kyiv", "2024-10-27T03:30:00Z", "2024-01-01T00:00:00Z",
		    "2024-10-27T00:30:00Z" },
		{ "Europe/Kyiv", "2024-10-27T03:00:00Z", "2025-01-01T00:00:00Z",
		    "2024-10-27T01:00:00Z" },
		{ "Europe/Kyiv", "2024-10-27T03:59:59Z", "2024-10-27T01:00:00Z",
		    "2024-10-27T00:59:59Z" },
		{ "America/New_York", "2024-11-03T01:30:00Z", "2024-11-03T06:00:00Z",
		    "2024-11-03T05:30:00Z" },
		{ "Australia/Lord_Howe", "2024-04-07T01:45:00Z", "2024-04-07T00:00:00Z",
		    "2024-04-06T15:15:00Z" },
		/* What has a time of its own has it whatever may not be. */
		{ "Europe/Kyiv", "2024-07-27T03:30:00Z", "2024-01-01T00:00:00Z",
		    "2024-07-27T00:30:00Z" },
	};
	size_t i;

	for (i = 0; i < COUNT(rows); i++)
		assert_int_equal(zone_utc(zone(*state, rows[i].name), at(rows[i].wall),
				     at(rows[i].not_after)),
		    at(rows[i].utc));
}

/* The C library reads the same files; setting its zone harms nobody in a test of one thread. */
static void as_the_system_counts(void **state)
{
	static const char *const names[] = { "Europe/Kyiv", "America/New_York", "Asia/Kolkata",
		"Australia/Lord_Howe", "America/Santiago", "Africa/Casablanca", "Asia/Gaza",
		"Pacific/Apia", "Antarctica/Troll", "Europe/Dublin", "America/Caracas" };
	const struct zone *z;
	size_t i;
	time_t utc, wall;
	struct tm tm;
	char zulu[32];

	for (i = 0; i < COUNT(names); i++) {
		z = zone(*state, names[i]);
		setenv("TZ", names[i], 1);
		tzset();
		for (utc = 5000000; utc < 4000000000; utc += 613 * 3600 + 1234) {
			localtime_r(&utc, &tm);
			strftime(zulu, sizeof(zulu), "%Y-%m-%dT%H:%M:%SZ", &tm);
			wall = (time_t)(at(zulu) / 1000);
			assert_int_equal(zone_utc(z, (int64_t)wall * 1000, (int64_t)utc * 1000),
			    (int64_t)utc * 1000);
		}
	}
	unsetenv("TZ");
	tzset();
}

static void no_zones(void **state)
{
	static const char *const names[] = { "", "Europe/Nowhere", "Europe", "../etc/passwd",
		"/etc/localtime", "Europe/../Europe/Kyiv", "+15:00", "+3", "utc?", "zone.tab",
		"tzdata.zi" };
	struct err err;
	size_t i;

	for (i = 0; i < COUNT(names); i++)
		assert_null(zone_load(*state, names[i], &err));
}

/* Any bytes may stand there. */
static void damaged_files(void **state)
{
	unsigned char bytes[200] = "TZif2";
	size_t i, len;

	bytes[20 + 4 * 4 + 3] = 1; /* one type */
	for (len = 0; len < sizeof(bytes); len++)
		assert_null(zone_read(*state, bytes, len));
	for (i = 0; i < 24; i++) {
		bytes[20 + i] = 0xff;
		assert_null(zone_read(*state, bytes, sizeof(bytes)));
		bytes[20 + i] = i == 19;
	}
	bytes[4] = 0; /* the first form: numbers of four bytes, and no rule */
	assert_null(zone_read(*state, bytes, 49));
	assert_int_equal(zone_utc(zone_read(*state, bytes, 50), 1000, 0), 1000);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(clocks_on_walls),
		TEST(an_hour_that_comes_twice),
		TEST(as_the_system_counts),
		TEST(no_zones),
		TEST(damaged_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
