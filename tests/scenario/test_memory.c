/* What is taken of memory does not grow with what was said before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "life.h"
#include "stage.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(read_of_a_long_conversation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
