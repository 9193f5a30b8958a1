/* Which conversation at the agents' side one of the customers' side is taken for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/adopt.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define DAY ((int64_t)24 * 60 * 60 * 1000)
#define NOW (100 * DAY)

enum mark_of { NOBODYS, OURS, OTHER_INSTANCE, OTHER_ROOT, OTHER_BRIDGE, FIRST_MESSAGE };

/* One conversation there, the newest first. */
struct there {
	const char *id; /* NULL: the list ends */
	enum state state;
	enum mark_of mark;
	int generation; /* of the mark */
	bool is_derived, has_roots, is_taken;
	int days; /* since it changed */
};

struct line {
	const char *what;
	enum reopen reopen;
	enum adopt adopt;
	bool is_cut; /* the list is not whole */
	int open_at_customers;
	struct there there[4];
	const char *wanted; /* NULL: a new one */
	enum link_how how;
	int64_t generation;
};

static struct keys ours, others;
static struct root root, other_root;
static struct bridge_conf bridge;

static const char *mark_text(enum mark_of of, int generation, char out[MARK_TEXT_SIZE])
{
	char other_tag[BRIDGE_TAG_SIZE];

	ids_bridge_tag("sales", other_tag);
	switch (of) {
	case NOBODYS: break;
	case OURS: return mark_build(&ours, bridge.tag, 'c', 1, &root, generation, out);
	case OTHER_INSTANCE: return mark_build(&others, bridge.tag, 'c', 1, &root, generation, out);
	case OTHER_ROOT: return mark_build(&ours, bridge.tag, 'c', 1, &other_root, generation, out);
	case OTHER_BRIDGE:
		return mark_build(&ours, other_tag, 'c', 1, &other_root, generation, out);
	case FIRST_MESSAGE: return mark_build(&ours, bridge.tag, 'm', 1, &root, 0, out);
	}
	return NULL;
}

static void play(const struct line *l)
{
	struct adopt_candidate candidates[4];
	char marks[4][MARK_TEXT_SIZE];
	struct adopt_in in = { .keys = &ours,
		.bridge = &bridge,
		.conversation = root,
		.generation = 1,
		.now_ms = NOW,
		.candidates = candidates,
		.is_whole = !l->is_cut };
	struct adopt_out out;
	const struct there *t;

	bridge.reopen = l->reopen;
	bridge.adopt = l->adopt;
	bridge.new_after_msecs = 7 * DAY;
	for (t = l->there; t < l->there + 4 && t->id != NULL; t++) {
		candidates[in.count] = (struct adopt_candidate){
			.conversation = t->id,
			.state = t->state,
			.changed_ms = NOW - t->days * DAY,
			.mark = mark_text(t->mark, t->generation, marks[in.count]),
			.is_derived = t->is_derived,
			.has_roots = t->has_roots,
			.is_taken = t->is_taken,
		};
		in.count++;
	}
	if (!adopt_by_mark(&in, &out)) {
		adopt_by_person(&in, &out);
		adopt_count(l->open_at_customers, &out);
	}
	if (out.one == NULL ? l->wanted != NULL
			    : l->wanted == NULL || strcmp(out.one->conversation, l->wanted) != 0)
		fail_msg("%s: %s (%s)", l->what, out.one != NULL ? out.one->conversation : "new",
		    out.why != NULL ? out.why : "");
	assert_int_equal(l->how, out.how);
	if (l->generation != 0)
		assert_int_equal(l->generation, out.generation);
	assert_true((out.one == NULL) == (out.why != NULL));
}

static void test_marks(void **state)
{
	static const struct line lines[] = {
		{ .what = "ours",
		    .there = { { "5", STATE_OPEN, OURS, 1 } },
		    .wanted = "5",
		    .how = LINK_BY_MARK,
		    .generation = 1 },
		{ .what = "another instance's",
		    .there = { { "5", STATE_OPEN, OTHER_INSTANCE, 1 } },
		    .wanted = "5",
		    .how = LINK_BY_MARK },
		{ .what = "before a person's only one, and among several",
		    .there = { { "7", STATE_OPEN }, { "5", STATE_PENDING, OTHER_INSTANCE, 1 } },
		    .open_at_customers = 3,
		    .wanted = "5",
		    .how = LINK_BY_MARK },
		{ .what = "the last generation",
		    .there = { { "4", STATE_OPEN, OURS, 1 }, { "6", STATE_OPEN, OURS, 3 },
			{ "5", STATE_OPEN, OURS, 2 } },
		    .wanted = "6",
		    .how = LINK_BY_MARK,
		    .generation = 3 },
		{ .what = "open before closed",
		    .there = { { "6", STATE_RESOLVED, OURS, 1 }, { "5", STATE_OPEN, OURS, 1 } },
		    .wanted = "5",
		    .how = LINK_BY_MARK },
		{ .what = "the derived id",
		    .there = { { "r", STATE_OPEN, FIRST_MESSAGE, 0, true } },
		    .wanted = "r",
		    .how = LINK_BY_MARK,
		    .generation = 1 },
		{ .what = "copies in it",
		    .there = { { "q", STATE_OPEN },
			{ "r", STATE_OPEN, FIRST_MESSAGE, 0, false, true } },
		    .wanted = "r",
		    .how = LINK_BY_MARK },
		{ .what = "adopt: marks takes it, too",
		    .adopt = ADOPT_MARKS,
		    .there = { { "5", STATE_OPEN, OTHER_INSTANCE, 1 } },
		    .wanted = "5",
		    .how = LINK_BY_MARK },
		{ .what = "closed, and reopened",
		    .reopen = REOPEN_ALWAYS,
		    .there = { { "5", STATE_RESOLVED, OURS, 1, .days = 90 } },
		    .wanted = "5",
		    .how = LINK_BY_MARK },
		{ .what = "closed lately",
		    .reopen = REOPEN_NEW_AFTER,
		    .there = { { "5", STATE_RESOLVED, OURS, 1, .days = 6 } },
		    .wanted = "5",
		    .how = LINK_BY_MARK },
		{ .what = "closed long ago",
		    .reopen = REOPEN_NEW_AFTER,
		    .there = { { "5", STATE_RESOLVED, OURS, 2, .days = 8 } },
		    .generation = 3 },
		{ .what = "closed, and never again",
		    .reopen = REOPEN_NEVER,
		    .there = { { "5", STATE_RESOLVED, OTHER_INSTANCE, 1 } },
		    .generation = 2 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(lines); i++)
		play(&lines[i]);
}

static void test_persons(void **state)
{
	static const struct line lines[] = {
		{ .what = "nobody", .open_at_customers = 1 },
		{ .what = "one and one",
		    .open_at_customers = 1,
		    .there = { { "5", STATE_OPEN } },
		    .wanted = "5",
		    .how = LINK_BY_PERSON,
		    .generation = 1 },
		{ .what = "one that waits",
		    .open_at_customers = 1,
		    .there = { { "5", STATE_SNOOZED } },
		    .wanted = "5",
		    .how = LINK_BY_PERSON },
		{ .what = "closed ones do not count",
		    .open_at_customers = 1,
		    .there = { { "8", STATE_RESOLVED }, { "5", STATE_OPEN },
			{ "4", STATE_RESOLVED } },
		    .wanted = "5",
		    .how = LINK_BY_PERSON },
		{ .what = "only closed ones",
		    .open_at_customers = 1,
		    .there = { { "8", STATE_RESOLVED } } },
		{ .what = "two there",
		    .open_at_customers = 1,
		    .there = { { "8", STATE_OPEN }, { "5", STATE_PENDING } } },
		{ .what = "two at the customers' side",
		    .open_at_customers = 2,
		    .there = { { "5", STATE_OPEN } } },
		{ .what = "none at the customers' side",
		    .open_at_customers = 0,
		    .there = { { "5", STATE_OPEN } } },
		{ .what = "nobody can tell",
		    .open_at_customers = -1,
		    .there = { { "5", STATE_OPEN } } },
		{ .what = "there may be more",
		    .open_at_customers = 1,
		    .is_cut = true,
		    .there = { { "5", STATE_OPEN } } },
		{ .what = "in a pair",
		    .open_at_customers = 1,
		    .there = { { "5", STATE_OPEN, .is_taken = true } } },
		{ .what = "another bridge's",
		    .open_at_customers = 1,
		    .there = { { "5", STATE_OPEN, OTHER_BRIDGE, 1 } } },
		{ .what = "of one that is over at the customers' side",
		    .open_at_customers = 1,
		    .there = { { "5", STATE_OPEN, OTHER_ROOT, 1 } },
		    .wanted = "5",
		    .how = LINK_BY_PERSON },
		{ .what = "adopt: marks",
		    .adopt = ADOPT_MARKS,
		    .open_at_customers = 1,
		    .there = { { "5", STATE_OPEN } } },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(lines); i++)
		play(&lines[i]);
}

/* Whose code is wrong claims to be ours, and is none. */
static void test_forged(void **state)
{
	char text[MARK_TEXT_SIZE];
	struct adopt_candidate c = { .conversation = "5", .state = STATE_OPEN };
	const struct adopt_in in = { .keys = &ours,
		.bridge = &bridge,
		.conversation = root,
		.generation = 1,
		.candidates = &c,
		.count = 1,
		.is_whole = true };
	struct adopt_out out;

	(void)state;
	c.mark = mark_text(OURS, 1, text);
	text[strlen(text) - 1] = text[strlen(text) - 1] == '0' ? '1' : '0';
	assert_false(adopt_by_mark(&in, &out));
	assert_null(out.one);
}

static int setup(void **state)
{
	static const unsigned char key[INSTANCE_KEY_SIZE] = { 1 }, other[INSTANCE_KEY_SIZE] = { 2 };

	(void)state;
	keys_init(&ours, key);
	keys_init(&others, other);
	ids_bridge_tag("support", bridge.tag);
	root = ids_root_of_conversation("smartify", "panel.example.com", "p", "c1");
	other_root = ids_root_of_conversation("smartify", "panel.example.com", "p", "c2");
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_persons),
		cmocka_unit_test(test_forged),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
