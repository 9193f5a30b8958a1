/* How quick history is moved, in simulated time: all that the limits allow, and no more; and live messages do not
 * wait for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fake_loop.h"
#include "fake_wire.h"
#include "moving.h"

#define MINUTE_MSECS (60 * 1000)
#define TAKES_MSECS 80
#define HELD_OVER 2 /* requests that the bucket keeps for what is late */

/* Whole minutes, the last left out: from 95 % of what is allowed to all of it, and what the bucket holds over. */
static void look_at_minutes(const struct moving *m, const char *endpoint, int allowed, int minutes)
{
	const struct far *f = stage_far((struct stage *)&m->stage, endpoint);
	const int *sent = m->sent[f - m->stage.fars];
	int i;

	for (i = 0; i < minutes; i++)
		print_message("%s, minute %d: %d of %d\n", endpoint, i, sent[i], allowed);
	for (i = 0; i < minutes; i++)
		assert_in_range(sent[i], allowed * 95 / 100, allowed + HELD_OVER);
}

static void look_at_sums(struct moving *m, int messages)
{
	struct migration_report r = moving_report(m);

	assert_int_equal(r.state, MIGRATION_FINISHED);
	assert_int_equal(r.totals.written, messages);
	assert_int_equal(r.totals.failed, 0);
	assert_true(migration_adds_up(&r.totals));
}

static int minutes_of(const struct moving *m)
{
	return (int)((fake_now_ms - m->begun_ms) / MINUTE_MSECS);
}

static void endpoint_binds(void **state)
{
	static const struct {
		const char *config, *from, *to;
		int allowed, minutes;
	} cases[] = {
		{ "paced_desk", "shop", "desk", 600, 3 },
		{ "paced_team", "site", "team", 200, 10 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct moving m = { .takes_msecs = TAKES_MSECS };

		stage_start(&m.stage, cases[i].config, NULL);
		moving_past(&m, cases[i].from, 40, 50);
		moving_begin(&m);
		assert_true(moving_run(&m, 30 * MINUTE_MSECS));
		look_at_sums(&m, 40 * 50);
		assert_true(minutes_of(&m) >= cases[i].minutes);
		look_at_minutes(&m, cases[i].to, cases[i].allowed, cases[i].minutes);
		stage_end(&m.stage);
	}
}

/* What one conversation may take, though there is nothing else to do. */
static void conversation_binds(void **state)
{
	struct moving m = { .takes_msecs = TAKES_MSECS };

	(void)state;
	stage_start(&m.stage, "paced_desk", NULL);
	moving_past(&m, "shop", 1, 500);
	moving_begin(&m);
	assert_true(moving_run(&m, 5 * MINUTE_MSECS));
	look_at_sums(&m, 500);
	look_at_minutes(&m, "desk", 150, 3);
	stage_end(&m.stage);
}

/* ---- with live messages ---- */

#define TALKS 8
#define TALK_MSECS 1500 /* between two live messages */

struct talk {
	int64_t said_ms, next_ms;
	int count, arrived;
	char text[32];
	int64_t longest_msecs;
};

static void talk_on_sent(struct moving *m, const struct sent *sent)
{
	struct talk *t = m->arg;
	int64_t took = sent->at_ms - t->said_ms;

	if (t->said_ms == 0 || strstr(sent->body, t->text) == NULL)
		return;
	if (took > t->longest_msecs)
		t->longest_msecs = took;
	t->said_ms = 0;
	t->arrived++;
}

/* One after the other, by people whose past is moved already. */
static void talk_on_step(struct moving *m)
{
	struct far *f = stage_far(&m->stage, "site");
	struct far_conversation *c = far_nth(f, ((struct talk *)m->arg)->count % TALKS);
	struct talk *t = m->arg;

	if (t->said_ms != 0 || fake_now_ms < t->next_ms)
		return;
	t->next_ms = fake_now_ms + TALK_MSECS;
	t->said_ms = fake_now_ms;
	snprintf(t->text, sizeof(t->text), "live %d.", t->count++);
	far_say(f, c, true, c->person, t->text);
	far_post(&m->stage.rig, TAILQ_LAST(&f->callbacks, callback_list));
}

/* Each leaves once it is put in order (settle, 400 ms), and stands before all history that waits: behind one answer
 * and one request's share of the rate at most, where what conversations are besides words has taken what is kept for
 * a burst. And history takes what they leave. */
static void live_goes_first(void **state)
{
	struct talk t = { .next_ms = INT64_MAX };
	struct moving m = { .takes_msecs = TAKES_MSECS, .arg = &t };

	(void)state;
	stage_start(&m.stage, "paced_team", NULL);
	moving_past(&m, "site", TALKS, 1);
	moving_begin(&m);
	assert_true(moving_run(&m, MINUTE_MSECS));
	moving_past(&m, "site", 40, 50);
	moving_begin(&m);
	t.next_ms = fake_now_ms + MINUTE_MSECS; /* by then their own conversations are passed */
	m.on_sent = talk_on_sent;
	m.on_step = talk_on_step;
	moving_pass(&m, 5 * MINUTE_MSECS);
	print_message("%d live ones left within %d ms\n", t.arrived, (int)t.longest_msecs);
	assert_in_range(t.arrived, 150, 161);
	assert_in_range(t.longest_msecs, 0, 400 + 300 + TAKES_MSECS);
	look_at_minutes(&m, "team", 200, 5);
	stage_end(&m.stage);
}

/* Somebody speaks whose history is being moved, slowly, with that of others. After ten minutes the rest of it goes
 * like live messages: then it is a matter of how much is left. */
static void ten_minutes_are_enough(void **state)
{
	struct talk t = { .next_ms = INT64_MAX };
	struct moving m = { .takes_msecs = TAKES_MSECS, .arg = &t };
	int64_t said_ms;

	(void)state;
	stage_start(&m.stage, "slow_team", NULL);
	moving_past(&m, "site", 24, 40);
	moving_begin(&m);
	moving_pass(&m, MINUTE_MSECS);
	said_ms = t.next_ms = fake_now_ms;
	m.on_sent = talk_on_sent;
	m.on_step = talk_on_step;
	while (t.arrived == 0 && fake_now_ms < said_ms + 30 * MINUTE_MSECS)
		moving_pass(&m, 1000);
	print_message("left after %d s\n", (int)((fake_now_ms - said_ms) / 1000));
	assert_in_range(fake_now_ms - said_ms, 10 * MINUTE_MSECS, 13 * MINUTE_MSECS);
	assert_true(migration_is_active(moving_report(&m).state)); /* all the others are not over */
	stage_end(&m.stage);
}

/* ---- a slow one ---- */

#define MANY 110 /* on five pages */

static void all_but_one(struct moving *m)
{
	stage_start(&m->stage, "quick_team", NULL);
	moving_past(m, "site", MANY, 4);
	m->held = "0 of 0";
	moving_begin(m);
	assert_false(moving_run(m, MINUTE_MSECS));
	assert_int_equal(moving_report(m).under_way, 1);
	assert_int_equal(moving_report(m).totals.conversations, MANY - 1);
}

static void each_is_there_once(struct moving *m)
{
	const struct far *team = stage_far(&m->stage, "team");
	char text[32];
	int i, j;

	for (i = 0; i < MANY; i++)
		for (j = 0; j < 4; j++) {
			snprintf(text, sizeof(text), "%d of %d", j, i);
			assert_int_equal(far_count(team, text), 1);
		}
}

/* The first one on the first page gets no answer. */
static void pages_do_not_wait(void **state)
{
	struct moving m = { .takes_msecs = TAKES_MSECS };

	(void)state;
	all_but_one(&m);
	m.held = NULL;
	assert_true(moving_run(&m, 5 * MINUTE_MSECS));
	look_at_sums(&m, MANY * 4);
	assert_int_equal(moving_report(&m).totals.conversations, MANY);
	each_is_there_once(&m);
	stage_end(&m.stage);
}

/* The next life begins with its page, and passes what is over. */
static void killed_before_the_slow_one(void **state)
{
	struct moving m = { .takes_msecs = TAKES_MSECS };

	(void)state;
	all_but_one(&m);
	stage_kill(&m.stage);
	m.held = NULL;
	assert_true(moving_run(&m, 5 * MINUTE_MSECS));
	look_at_sums(&m, MANY * 4);
	assert_int_equal(moving_report(&m).totals.conversations, MANY);
	each_is_there_once(&m);
	stage_end(&m.stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(endpoint_binds),
		cmocka_unit_test(conversation_binds),
		cmocka_unit_test(live_goes_first),
		cmocka_unit_test(ten_minutes_are_enough),
		cmocka_unit_test(pages_do_not_wait),
		cmocka_unit_test(killed_before_the_slow_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
