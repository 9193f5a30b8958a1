/* Who is signed in at the status page and for how long, who tried too often; and the rings of its charts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "admin/web/series.h"
#include "admin/web/sessions.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define NOON INT64_C(500000000)
#define PASSWORD "a-long-password"

static enum sign_in try(struct sessions *s, const char *given, const char *from, int64_t now_ms)
{
	const struct session *out = NULL;
	int64_t wait_msecs = -1;
	enum sign_in r = sessions_sign_in(s, PASSWORD, given, from, now_ms, &out, &wait_msecs);

	assert_true((r == SIGN_IN_DONE) == (out != NULL));
	assert_true((r == SIGN_IN_TOO_OFTEN) == (wait_msecs > 0));
	return r;
}

/* Five in vain from one address within a minute: the sixth is not looked at, whatever it is. */
static void tries(void **state)
{
	static const struct {
		int64_t at_ms;
		const char *from, *given;
		enum sign_in result;
	} rows[] = {
		{ 0, "10.0.0.1", "wrong", SIGN_IN_WRONG },
		{ 1, "10.0.0.1", NULL, SIGN_IN_WRONG },
		{ 2, "10.0.0.1", "", SIGN_IN_WRONG },
		{ 3, "10.0.0.1", PASSWORD, SIGN_IN_DONE }, /* forgives nothing */
		{ 4, "10.0.0.1", "wrong", SIGN_IN_WRONG },
		{ 30 * SECOND, "10.0.0.1", PASSWORD "x", SIGN_IN_WRONG },
		{ 31 * SECOND, "10.0.0.1", "wrong", SIGN_IN_TOO_OFTEN },
		{ 31 * SECOND, "10.0.0.1", PASSWORD, SIGN_IN_TOO_OFTEN },
		{ 31 * SECOND, "::ffff:10.0.0.1", PASSWORD, SIGN_IN_TOO_OFTEN },
		{ 31 * SECOND, "10.0.0.2", PASSWORD, SIGN_IN_DONE },
		{ MINUTE - 1, "10.0.0.1", PASSWORD, SIGN_IN_TOO_OFTEN },
		{ MINUTE, "10.0.0.1", "wrong", SIGN_IN_WRONG },
		{ MINUTE, "10.0.0.1", "wrong", SIGN_IN_TOO_OFTEN },
		{ MINUTE + 1, "10.0.0.1", PASSWORD, SIGN_IN_DONE },
		/* Whoever has one address of such a network has them all. */
		{ 0, "2001:db8::1", "wrong", SIGN_IN_WRONG },
		{ 0, "2001:db8::2", "wrong", SIGN_IN_WRONG },
		{ 0, "2001:db8::3", "wrong", SIGN_IN_WRONG },
		{ 0, "2001:db8::4", "wrong", SIGN_IN_WRONG },
		{ 0, "2001:db8::5", "wrong", SIGN_IN_WRONG },
		{ 1, "2001:db8::6", PASSWORD, SIGN_IN_TOO_OFTEN },
		{ 1, "2001:db8:0:1::6", PASSWORD, SIGN_IN_DONE },
	};
	struct sessions *s = sessions_new();
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		if (try(s, rows[i].given, rows[i].from, NOON + rows[i].at_ms) != rows[i].result)
			fail_msg("row %zu", i);
	sessions_free(s);
}

/* However many addresses there are, the table does not grow, and an address is never locked out for good. */
static void many_addresses(void **state)
{
	struct sessions *s = sessions_new();
	char from[32];
	int i, k;

	(void)state;
	for (k = 0; k < 5; k++)
		for (i = 0; i < 5000; i++) {
			snprintf(from, sizeof(from), "10.1.%d.%d", i / 250, i % 250);
			assert_int_equal(try(s, "wrong", from, NOON + k), SIGN_IN_WRONG);
		}
	for (k = 0; k < 12; k++)
		assert_int_equal(try(s, "wrong", "10.2.0.1", NOON + k * 13 * SECOND),
		    SIGN_IN_WRONG);
	sessions_free(s);
}

static void a_session(void **state)
{
	struct sessions *s = sessions_new();
	const struct session *out = NULL, *found;
	struct session first;
	int64_t wait_msecs;
	int i;

	(void)state;
	assert_int_equal(sessions_sign_in(s, PASSWORD, PASSWORD, "::1", NOON, &out, &wait_msecs),
	    SIGN_IN_DONE);
	first = *out;
	assert_int_equal(strlen(first.token), SESSION_TOKEN_LEN);
	assert_int_equal(strlen(first.csrf), SESSION_TOKEN_LEN);
	assert_string_not_equal(first.token, first.csrf);
	found = sessions_find(s, PASSWORD, first.token, NOON + SESSION_MSECS - 1);
	assert_non_null(found);
	assert_string_equal(found->csrf, first.csrf);
	assert_null(sessions_find(s, PASSWORD, first.token, NOON + SESSION_MSECS));
	assert_null(sessions_find(s, PASSWORD, first.csrf, NOON));
	assert_null(sessions_find(s, PASSWORD, "", NOON));
	assert_null(sessions_find(s, PASSWORD, NULL, NOON));
	sessions_sign_out(s, "another");
	assert_non_null(sessions_find(s, PASSWORD, first.token, NOON));
	sessions_sign_out(s, first.token);
	assert_null(sessions_find(s, PASSWORD, first.token, NOON));

	/* Another password ends all of them. */
	sessions_sign_in(s, PASSWORD, PASSWORD, "::1", NOON, &out, &wait_msecs);
	first = *out;
	assert_null(sessions_find(s, "another-password", first.token, NOON));
	assert_null(sessions_find(s, PASSWORD, first.token, NOON));

	/* The oldest makes place. */
	sessions_sign_in(s, PASSWORD, PASSWORD, "::1", NOON, &out, &wait_msecs);
	first = *out;
	for (i = 1; i <= 31; i++)
		sessions_sign_in(s, PASSWORD, PASSWORD, "::1", NOON + i, &out, &wait_msecs);
	assert_non_null(sessions_find(s, PASSWORD, first.token, NOON + 40));
	sessions_sign_in(s, PASSWORD, PASSWORD, "::1", NOON + 40, &out, &wait_msecs);
	assert_null(sessions_find(s, PASSWORD, first.token, NOON + 41));
	sessions_free(s);
}

/* ---- charts ---- */

static void take(struct series *s, int64_t at_ms, double hooks, double waiting)
{
	double v[SERIES_LINE_COUNT];
	int i;

	for (i = 0; i < SERIES_LINE_COUNT; i++)
		v[i] = -1;
	v[SERIES_HOOKS] = hooks;
	v[SERIES_WAITING_AGENTS] = waiting;
	series_take(s, at_ms, v);
}

static void assert_line(const struct series *s, enum series_line line, int64_t now_ms, int back,
    double wanted)
{
	double got = -1;

	assert_int_equal(series_at(s, line, now_ms, back, &got), wanted >= 0);
	if (wanted >= 0)
		assert_true(got == wanted);
}

static void rings(void **state)
{
	struct series *s = series_new();

	(void)state;
	assert_line(s, SERIES_HOOKS, 0, 0, -1);
	take(s, 0, 3, 7);
	take(s, 5 * SECOND, 5, 9);
	take(s, 55 * SECOND, 5, 2);
	take(s, MINUTE, 6, 2);
	/* Nobody looked for two minutes: what was counted meanwhile belongs to when it was seen. */
	take(s, 4 * MINUTE, 16, -1);
	assert_line(s, SERIES_HOOKS, 4 * MINUTE, 4, 5);
	assert_line(s, SERIES_HOOKS, 4 * MINUTE, 3, 1);
	assert_line(s, SERIES_HOOKS, 4 * MINUTE, 2, -1);
	assert_line(s, SERIES_HOOKS, 4 * MINUTE, 1, -1);
	assert_line(s, SERIES_HOOKS, 4 * MINUTE, 0, 10);
	assert_line(s, SERIES_WAITING_AGENTS, 4 * MINUTE, 4, 9);
	assert_line(s, SERIES_WAITING_AGENTS, 4 * MINUTE, 3, 2);
	assert_line(s, SERIES_WAITING_AGENTS, 4 * MINUTE, 0, -1);
	assert_line(s, SERIES_PARKED, 4 * MINUTE, 0, -1);
	/* An endpoint is taken out with its share, and counting goes on from there. */
	take(s, 5 * MINUTE, 4, 0);
	take(s, 5 * MINUTE + SECOND, 6, 0);
	assert_line(s, SERIES_HOOKS, 5 * MINUTE, 0, 2);
	/* A day later its places belong to others. */
	take(s, SERIES_MINUTES * MINUTE, 7, 1);
	assert_line(s, SERIES_HOOKS, SERIES_MINUTES * MINUTE, 0, 1);
	assert_line(s, SERIES_HOOKS, SERIES_MINUTES * MINUTE, SERIES_MINUTES - 1, 1);
	assert_line(s, SERIES_HOOKS, SERIES_MINUTES * MINUTE, SERIES_MINUTES, -1);
	assert_line(s, SERIES_HOOKS, (SERIES_MINUTES + 3) * MINUTE, SERIES_MINUTES - 1, 10);
	assert_line(s, SERIES_HOOKS, (SERIES_MINUTES + 3) * MINUTE, -1, -1);
	series_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tries),
		cmocka_unit_test(many_addresses),
		cmocka_unit_test(a_session),
		cmocka_unit_test(rings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
