/* What stands between an event and its number: hours of a day, callbacks without proof, histograms, and
 * which form of the metrics is asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "admin/web/metrics.h"
#include "flow/stats.h"

#define HOUR (60 * 60 * 1000LL)
#define NOON (1700000000000LL / HOUR * HOUR)

static void a_day(void **state)
{
	struct day d = { 0 };
	int i;

	(void)state;
	assert_int_equal(day_sum(&d, NOON), 0);
	for (i = 0; i < 3; i++)
		day_add(&d, NOON);
	day_add(&d, NOON + 5 * HOUR);
	assert_int_equal(day_sum(&d, NOON + 5 * HOUR), 4);
	assert_int_equal(day_sum(&d, NOON + 23 * HOUR), 4);
	assert_int_equal(day_sum(&d, NOON + 24 * HOUR), 1);
	assert_int_equal(day_sum(&d, NOON + 29 * HOUR), 0);
	day_add(&d, NOON + 1000 * HOUR);
	assert_int_equal(day_sum(&d, NOON + 1000 * HOUR), 1);
	day_add(&d, NOON + 999 * HOUR); /* the clock was set back: counted as now */
	assert_int_equal(day_sum(&d, NOON + 1000 * HOUR), 2);
}

static void misfits(void **state)
{
	struct misfits m = { 0 };

	(void)state;
	assert_false(misfits_last(&m, NOON));
	m = (struct misfits){ .count = 1, .since_ms = NOON, .last_ms = NOON };
	assert_true(misfits_last(&m, NOON + 100 * HOUR)); /* nothing better came since */
	m.is_over = true;
	assert_true(misfits_last(&m, NOON + HOUR / 10));
	assert_false(misfits_last(&m, NOON + HOUR / 5));
}

static void quantiles(void **state)
{
	struct histogram h = { 0 };
	int i;

	(void)state;
	assert_true(histogram_quantile(&h, 0.5) == 0);
	for (i = 0; i < 100; i++)
		histogram_add(&h, 0.02); /* between .01 and .025 */
	assert_true(histogram_quantile(&h, 0.5) > 0.01 && histogram_quantile(&h, 0.5) < 0.025);
	for (i = 0; i < 1000; i++)
		histogram_add(&h, 1000);
	assert_true(histogram_quantile(&h, 0.9) == 300);
	assert_int_equal(h.total, 1100);
	histogram_add(&h, 0.001); /* a bound belongs to its bucket */
	assert_int_equal(h.counts[0], 1);
}

static void forms(void **state)
{
	static const struct {
		const char *accept;
		enum metrics_form form;
	} rows[] = {
		{ NULL, METRICS_TEXT },
		{ "", METRICS_TEXT },
		{ "*/*", METRICS_TEXT },
		{ "text/plain", METRICS_TEXT },
		{ "application/openmetrics-text", METRICS_OPEN },
		{ "Application/OpenMetrics-Text; version=1.0.0", METRICS_OPEN },
		{ "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2",
		    METRICS_OPEN },
		{ "text/plain;q=0.9, application/openmetrics-text;q=0.1", METRICS_TEXT },
		{ "application/openmetrics-text;q=0", METRICS_TEXT },
		{ "application/openmetrics-textual", METRICS_TEXT },
		{ ",,;q=,", METRICS_TEXT },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (metrics_form(rows[i].accept) != rows[i].form)
			fail_msg("Accept: %s", rows[i].accept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_day),
		cmocka_unit_test(misfits),
		cmocka_unit_test(quantiles),
		cmocka_unit_test(forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
