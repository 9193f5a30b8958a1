/* Who is erased goes on writing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "flow/endpoint.h"
#include "flow/person.h"
#include "stage.h"

static int done;

static void on_done(struct person_job *j)
{
	assert_false(j->is_failed || j->is_busy);
	done++;
}

static void say(struct stage *s, struct far_conversation *c, bool by_customer, const char *text)
{
	far_say(stage_far(s, by_customer ? "shop" : "desk"), c, by_customer, "ann", text);
	stage_settle(s, 0, true);
}

/* A conversation that begins while an erasure is under way is erased with the others; what is said in it later finds
 * its way anew, and so does what is answered there. */
static void new_conversation_meanwhile(void **state)
{
	struct far_conversation *first, *second, *there = NULL;
	struct person_job job = { .task = PERSON_ERASE, .folder = "/nowhere", .done = on_done };
	struct stage s;
	int n;

	(void)state;
	stage_start(&s, "shop_desk", NULL);
	first = far_begin(stage_far(&s, "shop"), "ann");
	say(&s, first, true, "one");
	assert_int_equal(far_count(stage_far(&s, "desk"), "one"), 1);
	job.arena = arena_new();
	job.who = (struct who){ WHO_ID, first->person, rig_endpoint(&s.rig, "shop")->conf.id };
	person_start(s.rig.flow, &job);
	stage_settle(&s, 1, true);
	assert_int_equal(job.found.npersons, 1);
	assert_int_equal(done, 0);
	second = far_begin(stage_far(&s, "shop"), "ann");
	say(&s, second, true, "two");
	say(&s, second, true, "two, too");
	assert_int_equal(done, 0);
	stage_settle(&s, 60000, true);
	assert_int_equal(done, 1);

	say(&s, second, true, "three");
	stage_settle(&s, 60000, true);
	assert_int_equal(far_count(stage_far(&s, "desk"), "three"), 1);
	for (n = 0; far_nth(stage_far(&s, "desk"), n) != NULL; n++)
		there = far_nth(stage_far(&s, "desk"), n);
	say(&s, there, false, "four");
	stage_settle(&s, 60000, true);
	assert_int_equal(far_count(stage_far(&s, "shop"), "four"), 1);
	arena_free(job.arena);
	stage_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_conversation_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
