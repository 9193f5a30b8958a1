/* What a gate decides by: bucket, width, breaker, fuse. Tables, with the clock as a number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/breaker.h"
#include "core/bucket.h"
#include "core/fuse.h"
#include "core/policy.h"
#include "core/width.h"

#define T0 1795206000000
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* ---- the bucket ---- */

static int take_all(struct bucket *b, const struct rate *r, int64_t now_ms)
{
	int n = 0;

	while (bucket_take(b, r, now_ms) == 0)
		assert_true(++n < 100000);
	return n;
}

static void bucket_bursts(void **state)
{
	static const struct {
		struct rate rate;
		int at_once;
	} cases[] = {
		{ { 200, 60000 }, 21 },
		{ { 180, 60000 }, 19 },
		{ { 2400, 60000 }, 101 }, /* of a large one no more than that */
		{ { 5, 1000 }, 1 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(cases); i++) {
		struct bucket b = { 0 };

		assert_int_equal(take_all(&b, &cases[i].rate, T0), cases[i].at_once);
	}
}

/* What can wait leaves what a burst of others takes. */
static void bucket_spares_a_burst(void **state)
{
	static const struct {
		struct rate rate;
		int spare, late; /* of what is there at once; ms each time */
	} cases[] = {
		{ { 200, 60000 }, 2, 5 }, { { 2400, 60000 }, 2, 5 }, { { 10, 1000 }, 2, 5 },
		{ { 5, 1000 }, 1, 0 }, /* a bucket of one has nothing to wait with */
	};
	size_t i;
	int n;

	(void)state;
	for (i = 0; i < LENGTH(cases); i++) {
		struct bucket b = { 0 };
		int64_t now_ms = T0, wait;

		for (n = 0; bucket_take_spare(&b, &cases[i].rate, T0) == 0; n++)
			;
		assert_int_equal(n, cases[i].spare);
		/* By itself it comes to the rate, and is late by a little each time without losing any. */
		for (n = 0; now_ms < T0 + 10 * cases[i].rate.period_msecs; n += wait == 0) {
			wait = bucket_take_spare(&b, &cases[i].rate, now_ms);
			now_ms += wait > 0 ? wait + cases[i].late : 0;
		}
		assert_in_range(n, 10 * cases[i].rate.count - 1, 10 * cases[i].rate.count + 1);
	}
}

/* What counts for more comes to less: 180 in a minute, and 150 of those that weigh a fifth more. */
static void bucket_charges(void **state)
{
	static const struct rate rate = { 180, 60000 };
	struct bucket b = { 0 };
	int64_t now_ms = T0, wait;
	int n = 0;

	(void)state;
	while (now_ms < T0 + 600000) {
		wait = bucket_take_spare(&b, &rate, now_ms);
		now_ms += wait;
		if (wait > 0)
			continue;
		bucket_charge(&b, &rate, 200, now_ms);
		n++;
	}
	assert_in_range(n, 1495, 1503);
}

/* Whatever the window, it holds no more than the rate and one burst; and no less than the rate. */
static void bucket_keeps_the_rate(void **state)
{
	static const struct rate rate = { 180, 60000 };
	struct bucket b = { 0 };
	int64_t now_ms = T0, wait;
	int n = 0;

	(void)state;
	while (now_ms < T0 + 60000) {
		wait = bucket_take(&b, &rate, now_ms);
		if (wait == 0)
			n++;
		now_ms += wait;
	}
	assert_in_range(n, 180, 199); /* Chatwoot refuses above 200 */
}

static void bucket_waits_exactly(void **state)
{
	static const struct rate rate = { 60, 60000 };
	struct bucket b = { 0 };
	int64_t wait;

	(void)state;
	take_all(&b, &rate, T0);
	wait = bucket_take(&b, &rate, T0);
	assert_in_range(wait, 1000, 1001);
	assert_int_not_equal(bucket_take(&b, &rate, T0 + wait - 2), 0);
	assert_int_equal(bucket_take(&b, &rate, T0 + wait), 0);
	bucket_take(&b, &rate, T0 + wait);
	/* Time in small pieces is not lost. */
	for (int64_t ms = T0 + wait; ms <= T0 + wait + 1001; ms += 3)
		if (bucket_take(&b, &rate, ms) == 0)
			return;
	fail_msg("it never filled");
}

static void bucket_without_a_rate(void **state)
{
	static const struct rate none;
	struct bucket b = { 0 };
	int i;

	(void)state;
	for (i = 0; i < 1000; i++)
		assert_int_equal(bucket_take(&b, &none, T0), 0);
	bucket_refused(&b, 7000, T0);
	assert_int_equal(bucket_take(&b, &none, T0 + 6000), 1000);
	assert_int_equal(bucket_take(&b, &none, T0 + 7000), 0);
}

static void bucket_is_shut(void **state)
{
	static const struct {
		int64_t asked, shut;
	} cases[] = {
		{ 30000, 30000 },
		{ -1, 1000 },
		{ 0, 1000 },
		{ (int64_t)400 * 24 * 3600 * 1000, RETRY_AFTER_MOST_MSECS },
		{ INT64_MAX, RETRY_AFTER_MOST_MSECS },
	};
	static const struct rate rate = { 200, 60000 };
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(cases); i++) {
		struct bucket b = { 0 };

		bucket_refused(&b, cases[i].asked, T0);
		assert_int_equal(bucket_shut_for(&b, T0), cases[i].shut);
		assert_int_equal(bucket_take(&b, &rate, T0), cases[i].shut);
		assert_int_equal(bucket_shut_for(&b, T0 + cases[i].shut), 0);
		/* Then one goes first, to see. */
		assert_int_equal(take_all(&b, &rate, T0 + cases[i].shut), 1);
		/* A clock that was set back does not shut it for as long as that. */
		assert_int_equal(bucket_shut_for(&b, T0 - 86400000), 0);
	}
}

static int in_a_minute(struct bucket *b, const struct rate *r, int64_t from_ms)
{
	int64_t now_ms = from_ms, wait;
	int n = 0;

	while (now_ms < from_ms + 59000) { /* within it nothing grows */
		wait = bucket_take(b, r, now_ms);
		n += wait == 0;
		now_ms += wait;
	}
	return n;
}

/* Half, however often it is said, and all of it again some minutes later; what is refused besides counts. */
static void bucket_is_warned(void **state)
{
	static const struct rate rate = { 600, 60000 }, none;
	struct bucket b = { 0 };

	(void)state;
	assert_int_equal(bucket_spread(&b, &rate), 100);
	assert_int_equal(bucket_spread(&b, &none), 0);
	bucket_warned(&b, T0);
	bucket_warned(&b, T0 + 10);
	assert_int_equal(bucket_shut_for(&b, T0), 0);
	assert_int_equal(bucket_spread(&b, &rate), 200);
	assert_in_range(in_a_minute(&b, &rate, T0 + 10), 300, 360); /* a burst, too */
	assert_true(bucket_is_full(&b, &rate, T0 + 15 * 60000));
	bucket_refused(&b, 1000, T0 + 100);
	bucket_warned(&b, T0 + 2000);
	assert_in_range(b.cut, 700, 800);
}

static void bucket_learns(void **state)
{
	static const struct rate rate = { 600, 60000 };
	struct bucket b = { 0 };
	int64_t minutes;

	(void)state;
	bucket_refused(&b, 1000, T0);
	bucket_refused(&b, 1000, T0 + 10); /* was sent before: says nothing new */
	bucket_refused(&b, 3000, T0 + 20); /* but for how long */
	assert_int_equal(bucket_shut_for(&b, T0 + 20), 3000);
	assert_int_equal(b.cut, 500);
	assert_in_range(in_a_minute(&b, &rate, T0 + 3020), 290, 300);
	bucket_refused(&b, 1000, T0 + 70000);
	assert_in_range(b.cut, 720, 750);
	for (minutes = 1; !bucket_is_full(&b, &rate, T0 + 71000 + minutes * 60000); minutes++)
		assert_true(minutes < 20);
	assert_in_range(minutes, 10, 15);
	/* However often it is refused, something is left. */
	for (minutes = 0; minutes < 100; minutes++)
		bucket_refused(&b, 1000, T0 + 1000000 + minutes * 2000);
	assert_true(bucket_take(&b, &rate, T0 + 1300000) == 0);
	assert_true(bucket_take(&b, &rate, T0 + 1300000) < 20000);
}

/* ---- the width ---- */

/* A far side that does most_at_once in step with its latency, and no more than that. */
static int settle_at(struct width *w, int64_t latency_msecs, int knee, int64_t for_msecs,
    int64_t *now_ms)
{
	int64_t until_ms = *now_ms + for_msecs;
	int i;

	while (*now_ms < until_ms) {
		int at_once = w->now, useful = at_once < knee ? at_once : knee;

		/* at_once answers take as long as it takes to do them, knee at a time */
		*now_ms += latency_msecs * at_once / useful;
		for (i = 0; i < at_once; i++)
			width_worked(w, true, *now_ms);
	}
	return w->now;
}

static void width_follows_the_far_side(void **state)
{
	static const struct {
		int most, knee;
		int64_t latency_msecs;
		int low, high;
	} cases[] = {
		{ 4, 1000, 20, 4, 4 }, /* never above concurrency */
		{ 2, 1000, 20, 2, 2 },
		{ 64, 1000, 20, 64, 64 }, /* each more gets more done */
		{ 256, 1000, 20, 256, 256 },
		{ 256, 64, 20, 60, 100 }, /* and here no more than so many */
		{ 256, 8, 5, 6, 14 },
		{ 64, 1, 5, 1, 8 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(cases); i++) {
		int64_t now_ms = T0;
		struct width w;
		int got;

		width_init(&w, cases[i].most);
		assert_true(w.now <= WIDTH_FIRST);
		got = settle_at(&w, cases[i].latency_msecs, cases[i].knee, 300 * 1000, &now_ms);
		if (got < cases[i].low || got > cases[i].high)
			fail_msg("case %zu: %d", i, got);
	}
}

static void width_halves(void **state)
{
	int64_t now_ms = T0;
	struct width w;

	(void)state;
	width_init(&w, 64);
	settle_at(&w, 20, 1000, 60000, &now_ms);
	assert_int_equal(w.now, 64);
	width_too_much(&w, now_ms - 20, now_ms);
	assert_int_equal(w.now, 32);
	/* What was under way then says it once more, and that is no news. */
	width_too_much(&w, now_ms - 10, now_ms + 5);
	assert_int_equal(w.now, 32);
	width_too_much(&w, now_ms + 1, now_ms + 20);
	assert_int_equal(w.now, 16);
	/* From there on it feels its way. */
	now_ms += 20;
	settle_at(&w, 20, 1000, 400, &now_ms);
	assert_in_range(w.now, 17, 19);
	while (w.now > 1)
		width_too_much(&w, now_ms, now_ms), now_ms++;
	width_too_much(&w, now_ms, now_ms);
	assert_int_equal(w.now, 1);
}

static void width_stays_where_nobody_waits(void **state)
{
	int64_t now_ms = T0;
	struct width w;
	int i;

	(void)state;
	width_init(&w, 64);
	for (i = 0; i < 10000; i++)
		width_worked(&w, i % 4 != 0, now_ms += 10);
	assert_int_equal(w.now, WIDTH_FIRST);
}

static void width_of_a_new_configuration(void **state)
{
	int64_t now_ms = T0;
	struct width w;

	(void)state;
	width_init(&w, 64);
	settle_at(&w, 20, 1000, 60000, &now_ms);
	width_limit(&w, 10);
	assert_int_equal(w.now, 10);
	width_limit(&w, 64);
	assert_int_equal(w.now, 10);
	settle_at(&w, 20, 1000, 60000, &now_ms);
	assert_int_equal(w.now, 64);
}

/* ---- the breaker ---- */

static void breaker_closes_and_opens(void **state)
{
	static const int64_t most[] = { 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000 };
	static const uint32_t dice[] = { 0, 0x80000000, UINT32_MAX };
	size_t d, i;

	(void)state;
	for (d = 0; d < LENGTH(dice); d++) {
		struct breaker b = { 0 };
		int64_t now_ms = T0, wait;

		for (i = 1; i < BREAKER_FAILURES; i++)
			assert_false(breaker_failed(&b, now_ms, now_ms, dice[d]));
		assert_false(breaker_is_closed(&b));
		assert_false(breaker_worked(&b)); /* one success, and they are not in a row */
		for (i = 1; i < BREAKER_FAILURES; i++)
			assert_false(breaker_failed(&b, now_ms, now_ms, dice[d]));
		assert_int_equal(breaker_wait(&b, now_ms), 0);
		for (i = 0; i < LENGTH(most); i++) {
			assert_int_equal(breaker_failed(&b, now_ms, now_ms, dice[d]), i == 0);
			assert_true(breaker_is_closed(&b));
			wait = breaker_wait(&b, now_ms);
			assert_in_range(wait, most[i] / 2, most[i]);
			assert_int_equal(breaker_wait(&b, now_ms + wait), 0);
			assert_int_equal(breaker_wait(&b, now_ms - 86400000), 0);
			/* What was under way when it closed does not count. */
			assert_false(breaker_failed(&b, now_ms, now_ms, dice[d]));
			assert_int_equal(breaker_wait(&b, now_ms), wait);
			now_ms += wait;
		}
		assert_true(breaker_worked(&b));
		assert_false(breaker_is_closed(&b));
		assert_false(breaker_worked(&b));
	}
}

/* ---- the fuse ---- */

static const struct rate fuse_rate = { 30, 60000 };

/* How many of n messages pass, one each gap ms; same: all with one text. */
static int pass(struct fuse *f, int n, int64_t gap_msecs, bool same)
{
	uint64_t text;
	int i, passed = 0;

	for (i = 0; i < n; i++) {
		text = same ? 7 : (uint64_t)i + 100;
		if (fuse_holds(f, &fuse_rate, text, T0 + i * gap_msecs)) {
			assert_int_equal(fuse_blow(f), passed == i);
			continue;
		}
		fuse_count(f, &fuse_rate, text, T0 + i * gap_msecs);
		passed++;
	}
	return passed;
}

static void fuse_blows(void **state)
{
	static const struct {
		int n;
		int64_t gap_msecs;
		bool same;
		int passed;
	} cases[] = {
		{ 30, 0, false, 30 }, { 31, 0, false, 30 }, { 100, 100, false, 30 },
		{ 1000, 2000, false, 1000 }, /* thirty a minute for half an hour is not too many */
		{ 1000, 1900, false, 30 }, { 10, 1000, true, 10 },
		{ 1000, 3600 * 1000, true, 10 }, /* however slowly */
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(cases); i++) {
		struct fuse f = { 0 };

		assert_int_equal(pass(&f, cases[i].n, cases[i].gap_msecs, cases[i].same),
		    cases[i].passed);
	}
}

static void fuse_of_files(void **state)
{
	struct fuse f = { 0 };
	int i;

	(void)state;
	for (i = 0; i < 20; i++) { /* no text is not the same text */
		assert_false(fuse_holds(&f, &fuse_rate, 0, T0));
		fuse_count(&f, &fuse_rate, 0, T0);
	}
}

static void fuse_of_repeats(void **state)
{
	struct fuse f = { 0 };
	int i;

	(void)state;
	for (i = 0; i < 100; i++) { /* one message, and its callback again and again */
		assert_false(fuse_holds(&f, &fuse_rate, 7, T0 + i));
		fuse_count(&f, &fuse_rate, 7, T0 + i);
		if (i > 0)
			fuse_take_back(&f);
	}
	assert_int_equal(f.count, 1);
	assert_int_equal(f.same, 1);
}

static void fuse_that_is_none(void **state)
{
	static const struct rate none;
	struct fuse f = { .count = 1000, .same = 1000, .text = 7, .since_ms = T0 };

	(void)state;
	assert_false(fuse_holds(&f, &none, 7, T0));
}

static void fuse_is_forgotten(void **state)
{
	struct fuse f = { 0 };

	(void)state;
	assert_true(fuse_is_idle(&f, &fuse_rate, T0));
	fuse_count(&f, &fuse_rate, 7, T0);
	assert_false(fuse_is_idle(&f, &fuse_rate, T0 + 59999));
	assert_true(fuse_is_idle(&f, &fuse_rate, T0 + 60000));
	fuse_count(&f, &fuse_rate, 7, T0);
	assert_false(fuse_is_idle(&f, &fuse_rate, T0 + 60000));
	f.same = 1;
	fuse_blow(&f);
	assert_false(fuse_is_idle(&f, &fuse_rate, T0 + 60000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bucket_bursts),
		cmocka_unit_test(bucket_spares_a_burst),
		cmocka_unit_test(bucket_charges),
		cmocka_unit_test(bucket_keeps_the_rate),
		cmocka_unit_test(bucket_waits_exactly),
		cmocka_unit_test(bucket_without_a_rate),
		cmocka_unit_test(bucket_is_shut),
		cmocka_unit_test(bucket_is_warned),
		cmocka_unit_test(bucket_learns),
		cmocka_unit_test(width_follows_the_far_side),
		cmocka_unit_test(width_halves),
		cmocka_unit_test(width_stays_where_nobody_waits),
		cmocka_unit_test(width_of_a_new_configuration),
		cmocka_unit_test(breaker_closes_and_opens),
		cmocka_unit_test(fuse_blows),
		cmocka_unit_test(fuse_of_files),
		cmocka_unit_test(fuse_of_repeats),
		cmocka_unit_test(fuse_that_is_none),
		cmocka_unit_test(fuse_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
