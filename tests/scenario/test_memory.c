/* What is taken of memory does not grow with what was said before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "core/model.h"
#include "flow/history/spool.h"
#include "life.h"
#include "moving.h"

#define MINUTE_MSECS (60 * 1000)
#define BUNCH 50 /* less than what a lane takes */

/* Bytes that comparing a conversation of so many messages takes, all of which are known. */
static size_t most_of(int messages)
{
	struct far_conversation *c;
	struct stage s;
	size_t most;
	char text[32];
	int i;

	stage_start(&s, "swept_desk_alone", NULL);
	c = far_begin(stage_far(&s, "shop"), "ann");
	for (i = 0; i < messages; i++) {
		snprintf(text, sizeof(text), "message %d", i);
		far_say(stage_far(&s, "shop"), c, true, "ann", text);
		if (i % BUNCH == BUNCH - 1 || i == messages - 1)
			stage_settle(&s, 1000, true);
	}
	assert_int_equal(far_count(stage_far(&s, "desk"), text), 1);
	i = stage_far(&s, "desk")->requests;
	life_most();
	stage_settle(&s, 16 * MINUTE_MSECS, true);
	most = life_most();
	assert_true(stage_far(&s, "desk")->requests - i > messages / 20); /* it was read whole */
	stage_end(&s);
	return most;
}

static void read_of_a_long_conversation(void **state)
{
	size_t few = most_of(60), many = most_of(600);

	(void)state;
	assert_in_range(many, 1, 2 * few);
}

/* ---- history ---- */

#define PAGE 20

/* Bytes that putting so many messages in order takes: pages newest first, each with the last of the one before. */
static size_t most_of_spool(int messages)
{
	struct spool *s = spool_new("/tmp/test_memory", 0);
	struct arena *a = arena_new();
	struct event e[PAGE + 1], *out;
	const struct event *page[PAGE + 1];
	struct err err;
	int at, i, n;

	life_most();
	for (at = messages - PAGE; at >= 0; at -= PAGE) {
		arena_reset(a);
		n = at + PAGE < messages ? PAGE + 1 : PAGE;
		for (i = 0; i < n; i++) {
			page[i] = &e[i];
			e[i] = (struct event){ .kind = EVENT_MESSAGE,
				.remote = arena_printf(a, "%d", 1000000 + at + i),
				.conversation = "1",
				.text = arena_printf(a, "%0300d", at + i),
				.at_ms = 1795206000000 + (at + i) / 3 * 1000 };
		}
		assert_int_equal(spool_add(s, page, (size_t)n, &err), 0);
	}
	for (i = 0; i < messages; i++) {
		arena_reset(a);
		assert_int_equal(spool_next(s, a, &out, &err), 0);
		assert_non_null(out);
		assert_int_equal(atoi(out->remote), 1000000 + i);
		assert_int_equal(atoi(out->text), i);
	}
	assert_int_equal(spool_next(s, a, &out, &err), 0);
	assert_null(out);
	spool_free(s);
	arena_free(a);
	return life_most();
}

static void putting_in_order(void **state)
{
	static const int counts[] = { 1000, 10000, 100000 };
	size_t i, most = 0;

	(void)state;
	for (i = 0; i < 3; i++) {
		most = most_of_spool(counts[i]);
		print_message("%d messages in order: %zu KiB\n", counts[i], most / 1024);
	}
	assert_in_range(most, 1, 1024 * 1024);
}

/* A file that would take what is kept free for live messages is not written. */
static void no_room_to_put_in_order(void **state)
{
	struct spool *s = spool_new("/tmp/test_memory", INT64_MAX);
	const struct event e = { .kind = EVENT_MESSAGE, .remote = "1", .text = "one", .at_ms = 1 };
	const struct event *page = &e;
	struct err err;
	int i = 0;

	(void)state;
	while (i < 10000 && spool_add(s, &page, 1, &err) == 0)
		i++;
	assert_in_range(i, 1, 9999);
	assert_non_null(strstr(err.text, "limits.disk_reserve"));
	spool_free(s);
}

/* Bytes that moving them takes, in one conversation or in many; what the far sides hold is not counted. */
static size_t most_of_move(const char *config, const char *from, int conversations, int messages)
{
	struct moving m = { .takes_msecs = 5 };
	size_t most;

	stage_start(&m.stage, config, NULL);
	moving_past(&m, from, conversations, messages);
	life_most();
	moving_begin(&m);
	assert_true(moving_run(&m, 10LL * 60 * MINUTE_MSECS));
	assert_int_equal(moving_report(&m).totals.written, conversations * messages);
	most = life_most();
	print_message("%s, %d conversations of %d: %zu KiB\n", config, conversations, messages,
	    most / 1024);
	stage_end(&m.stage);
	return most;
}

static void moving_history(void **state)
{
	size_t few = most_of_move("quick_team", "site", 1, 200);

	(void)state;
	assert_in_range(most_of_move("quick_team", "site", 1, 4000), 1, few * 3 / 2);
	few = most_of_move("quick_team", "site", 30, 10);
	assert_in_range(most_of_move("quick_team", "site", 300, 10), 1, few * 3 / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(putting_in_order),
		cmocka_unit_test(no_room_to_put_in_order),
		cmocka_unit_test(moving_history),
		cmocka_unit_test(read_of_a_long_conversation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
