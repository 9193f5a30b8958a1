/* Somebody sets the clock. Times on disk are the clock's, but nothing may wait for it to come back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_loop.h"
#include "fake_wire.h"
#include "stage.h"

#define HOUR_MSECS (60 * 60 * 1000)
#define DAY_MSECS (24 * HOUR_MSECS)

static int end(void **state)
{
	(void)state;
	fake_step_ms = 0;
	return 0;
}

static struct far_conversation *begin(struct stage *s, const char *config, const char *far)
{
	struct far_conversation *c;

	stage_start(s, config, NULL);
	c = far_begin(stage_far(s, far), "ann");
	far_say(stage_far(s, far), c, true, "ann", "one");
	stage_settle(s, 60 * 1000, true);
	return c;
}

static void say(struct stage *s, const char *far, struct far_conversation *c, const char *text)
{
	struct far *f = stage_far(s, far);

	far_say(f, c, true, "ann", text);
	far_post(&s->rig, TAILQ_LAST(&f->callbacks, callback_list));
	rig_run(&s->rig);
}

/* What is held to be put in order is held for the window, and no longer. */
static void set_back_while_held(void **state)
{
	struct far_conversation *c;
	struct stage s;

	(void)state;
	c = begin(&s, "site_team", "site");
	say(&s, "site", c, "two");
	fake_step_ms = -HOUR_MSECS;
	stage_settle(&s, 60 * 1000, false);
	assert_int_equal(far_count(stage_far(&s, "team"), "two"), 1);
	stage_end(&s);
}

static void refuse_two(struct stage *s, struct far_conversation *c)
{
	say(s, "shop", c, "two");
	assert_non_null(stage_waiting(s));
	stage_answer(s, stage_waiting(s), 429, "", 30 * 1000);
	rig_run(&s->rig);
	assert_null(stage_waiting(s));
}

/* The retry was asked for in half a minute. */
static void set_back_while_waiting(void **state)
{
	struct far_conversation *c;
	struct stage s;

	(void)state;
	c = begin(&s, "shop_desk", "shop");
	refuse_two(&s, c);
	fake_step_ms = -DAY_MSECS;
	stage_settle(&s, 60 * 1000, false);
	assert_int_equal(far_count(stage_far(&s, "desk"), "two"), 1);
	stage_end(&s);
}

/* Another life does not know how long it was, but nothing waits for more than an hour or so. */
static void set_back_between_two_lives(void **state)
{
	struct far_conversation *c;
	struct stage s;

	(void)state;
	c = begin(&s, "shop_desk", "shop");
	refuse_two(&s, c);
	fake_step_ms = -DAY_MSECS;
	stage_restart(&s);
	stage_settle(&s, 2 * HOUR_MSECS, false);
	assert_int_equal(far_count(stage_far(&s, "desk"), "two"), 1);
	stage_end(&s);
}

static void set_forward(void **state)
{
	struct far_conversation *c;
	struct stage s;

	(void)state;
	c = begin(&s, "shop_desk", "shop");
	refuse_two(&s, c);
	fake_step_ms = HOUR_MSECS;
	stage_settle(&s, 60 * 1000, false);
	assert_int_equal(far_count(stage_far(&s, "desk"), "two"), 1);
	stage_end(&s);
}

/* What was tried for half a minute was not tried for a day, nor is what is said later; and the other way round. */
static void set_forward_a_day(void **state)
{
	struct far_conversation *c;
	struct stage s;

	(void)state;
	c = begin(&s, "shop_desk", "shop");
	refuse_two(&s, c);
	say(&s, "shop", c, "three"); /* behind it, in no trip */
	fake_step_ms = DAY_MSECS + HOUR_MSECS;
	stage_settle(&s, 60 * 1000, false);
	say(&s, "shop", c, "four");
	fake_step_ms = -HOUR_MSECS;
	stage_settle(&s, 60 * 1000, false);
	assert_int_equal(far_count(stage_far(&s, "desk"), "two"), 1);
	assert_int_equal(far_count(stage_far(&s, "desk"), "three"), 1);
	assert_int_equal(far_count(stage_far(&s, "desk"), "four"), 1);
	stage_end(&s);
}

/* A comparison that ended while the clock was ahead has not seen what is said when it is right again. */
static void ahead_while_compared(void **state)
{
	struct far_conversation *c;
	struct far *shop;
	struct stage s;

	(void)state;
	c = begin(&s, "swept_shop", "shop");
	shop = stage_far(&s, "shop");
	fake_step_ms = DAY_MSECS;
	stage_restart(&s);
	stage_settle(&s, 2 * HOUR_MSECS, true);
	fake_step_ms = 0;
	far_say(shop, c, true, "ann", "two");
	far_forget(TAILQ_LAST(&shop->callbacks, callback_list));
	stage_settle(&s, 2 * HOUR_MSECS, true);
	assert_int_equal(far_count(stage_far(&s, "desk"), "two"), 1);
	stage_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(set_back_while_held, end),
		cmocka_unit_test_teardown(set_back_while_waiting, end),
		cmocka_unit_test_teardown(set_back_between_two_lives, end),
		cmocka_unit_test_teardown(set_forward, end),
		cmocka_unit_test_teardown(set_forward_a_day, end),
		cmocka_unit_test_teardown(ahead_while_compared, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
