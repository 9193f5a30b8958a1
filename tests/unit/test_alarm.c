/* When the operator is told, and when not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/alarm.h"

#define WALL INT64_C(1000000000000)

static char told[200];

static void tell(void *arg, struct alarm *a, enum alarm_news news)
{
	size_t len = strlen(told);

	(void)arg;
	snprintf(told + len, sizeof(told) - len, "%s%d:%s", len > 0 ? " " : "", (int)a->id,
	    news == ALARM_RAISED         ? "raised"
		: news == ALARM_REMINDED ? "reminded"
					 : "cleared");
}

/* What is wrong at a second, by letters: d: the desk is down, D the same with other words, s: the shop is, p:
 * something is parked. */
static void step(struct alarms *s, const struct alarm_rules *r, int secs, const char *wrong)
{
	static const struct alarm_fact all[] = {
		['d'] = { ALARM_ENDPOINT_DOWN, "desk", NULL, 500, "desk is down", "look" },
		['D'] = { ALARM_ENDPOINT_DOWN, "desk", NULL, 500, "desk is down, 3 wait", "look" },
		['s'] = { ALARM_ENDPOINT_DOWN, "shop", NULL, 0, "shop is down", "look" },
		['p'] = { ALARM_PARKED, NULL, NULL, 0, "1 is parked", "tieline parked" },
	};
	struct alarm_fact facts[4];
	size_t n = 0;

	told[0] = '\0';
	for (; *wrong != '\0'; wrong++)
		facts[n++] = all[(unsigned char)*wrong];
	alarms_step(s, r, facts, n,
	    (struct alarm_now){ INT64_C(1000) * secs, WALL + INT64_C(1000) * secs }, tell, NULL);
}

struct line {
	int secs;
	const char *wrong, *told;
};

static void play(struct alarms *s, const struct alarm_rules *r, const struct line *lines)
{
	for (; lines->wrong != NULL; lines++) {
		step(s, r, lines->secs, lines->wrong);
		assert_string_equal(lines->told, told);
	}
}

static void test_hysteresis(void **state)
{
	static const struct alarm_rules rules = { 120000, INT64_MAX, true };
	static const struct line lines[] = {
		{ 0, "", "" },
		{ 10, "d", "" },
		{ 100, "d", "" },
		{ 110, "", "" }, /* over before it was raised: it never was */
		{ 120, "d", "" },
		{ 239, "d", "" },
		{ 240, "d", "1:raised" },
		{ 250, "d", "" },
		{ 300, "", "" },
		{ 400, "d", "" }, /* back in time: it is the same */
		{ 500, "", "" },
		{ 619, "", "" },
		{ 620, "", "1:cleared" },
		{ 700, "d", "" },
		{ 820, "d", "2:raised" }, /* another one */
		{ 0, NULL, NULL },
	};
	struct alarms s;

	(void)state;
	alarms_init(&s);
	play(&s, &rules, lines);
	assert_int_equal(2, s.count);
	assert_int_equal(WALL + 240000, s.items[0]->raised_ms);
	assert_int_equal(WALL + 620000, s.items[0]->cleared_ms);
	assert_int_equal(500, s.items[0]->since_ms);
	assert_int_equal(ALARM_RAISED | ALARM_CLEARED, s.items[0]->owed);
	assert_false(alarm_is_raised(s.items[0]));
	assert_true(alarm_is_raised(s.items[1]));
	alarms_fini(&s);
}

static void test_at_once_and_apart(void **state)
{
	static const struct alarm_rules rules = { 0, 60000, false };
	static const struct line lines[] = {
		{ 1, "ds", "1:raised 2:raised" },
		{ 30, "dsp", "3:raised" },
		{ 61, "dp", "1:reminded 2:cleared" },
		{ 90, "Dp", "3:reminded" },
		{ 121, "D", "1:reminded 3:cleared" },
		{ 122, "", "1:cleared" },
		{ 0, NULL, NULL },
	};
	struct alarms s;

	(void)state;
	alarms_init(&s);
	play(&s, &rules, lines);
	assert_string_equal("desk is down, 3 wait", s.items[0]->text);
	assert_int_equal(0, s.items[0]->owed); /* nobody is told */
	assert_int_equal(WALL + 1000, s.items[1]->since_ms);
	alarms_fini(&s);
}

/* One that was raised in an earlier life, and reminded of an hour ago. */
static void test_restored(void **state)
{
	static const struct alarm_rules rules = { 120000, 2 * 3600 * 1000, true };
	static const struct line lines[] = {
		{ 0, "d", "" },
		{ 3599, "d", "" },
		{ 3600, "d", "7:reminded" },
		{ 3601, "", "" },
		{ 3721, "", "7:cleared" },
		{ 4000, "s", "" },
		{ 4120, "s", "8:raised" },
		{ 0, NULL, NULL },
	};
	const struct alarm row = { .id = 7,
		.kind = ALARM_ENDPOINT_DOWN,
		.endpoint = (char *)"desk",
		.raised_ms = WALL - 9 * 3600 * 1000,
		.reminded_ms = WALL - 3600 * 1000,
		.text = (char *)"down",
		.next = (char *)"look" };
	struct alarms s;

	(void)state;
	alarms_init(&s);
	alarms_restore(&s, &row, (struct alarm_now){ 0, WALL });
	play(&s, &rules, lines);
	/* A reminder that was not taken before it was over is not owed. */
	assert_int_equal(ALARM_CLEARED, s.items[0]->owed);
	alarms_fini(&s);
}

static void test_bounded(void **state)
{
	static const struct alarm_rules rules = { 0, INT64_MAX, false };
	struct alarms s;
	int i;

	(void)state;
	alarms_init(&s);
	step(&s, &rules, 0, "s");
	for (i = 1; i < 2 * ALARMS_KEPT; i++) {
		step(&s, &rules, 2 * i, "sd");
		step(&s, &rules, 2 * i + 1, "s");
	}
	assert_int_equal(ALARMS_KEPT, s.count);
	assert_true(alarm_is_raised(s.items[0])); /* however old */
	alarms_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hysteresis),
		cmocka_unit_test(test_at_once_and_apart),
		cmocka_unit_test(test_restored),
		cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
