/* What is news of a conversation's state, and what is only the echo of our own request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/standing.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* One thing heard, and what it is. */
struct line {
	enum state state;
	int64_t version;
	enum hearing heard;
};

static enum hearing play(struct standing *s, const struct line *lines, size_t count)
{
	enum hearing heard = HEARD_NOTHING;
	size_t i;

	for (i = 0; i < count; i++) {
		heard = standing_hear(s, lines[i].state, lines[i].version);
		assert_int_equal(heard, lines[i].heard);
	}
	return heard;
}

static void test_people(void **state)
{
	static const struct line lines[] = {
		{ STATE_OPEN, 100, HEARD_NOTE }, /* so it was taken for */
		{ STATE_OPEN, 110, HEARD_NOTHING }, { STATE_NONE, 115, HEARD_NOTHING },
		{ STATE_RESOLVED, 120, HEARD_CHANGE }, { STATE_RESOLVED, 120, HEARD_NOTHING },
		{ STATE_OPEN, 119, HEARD_NOTHING }, /* late */
		{ STATE_SNOOZED, 130, HEARD_CHANGE }, { STATE_PENDING, 140, HEARD_NOTE },
		{ STATE_OPEN, 150, HEARD_CHANGE },
		{ STATE_RESOLVED, 0, HEARD_CHANGE }, /* no version: now */
	};
	struct standing s = { 0 };

	(void)state;
	play(&s, lines, COUNT(lines));
	assert_int_equal(150, s.version);
}

static void test_echo(void **state)
{
	static const struct line lines[] = {
		{ STATE_OPEN, 101, HEARD_NOTE }, /* from before the request */
		{ STATE_RESOLVED, 102, HEARD_ECHO },
		{ STATE_OPEN, 101, HEARD_NOTHING },
		{ STATE_OPEN, 103, HEARD_CHANGE },
	};
	struct standing s = { .state = STATE_OPEN, .version = 50, .asked = STATE_RESOLVED };

	(void)state;
	assert_int_equal(STATE_RESOLVED, standing_now(&s));
	play(&s, lines, COUNT(lines));
	assert_int_equal(STATE_OPEN, standing_now(&s));
}

/* Somebody was there after us, and that is told first. */
static void test_echo_behind_a_deed(void **state)
{
	static const struct line lines[] = {
		{ STATE_OPEN, 105, HEARD_NOTE },
		{ STATE_RESOLVED, 102, HEARD_CHANGE },
	};
	struct standing s = { .state = STATE_OPEN, .version = 50, .asked = STATE_RESOLVED };

	(void)state;
	play(&s, lines, COUNT(lines));
	assert_int_equal(STATE_OPEN, s.state);
	assert_int_equal(STATE_NONE, s.asked);
}

/* The echo never comes, or nothing was changed: what is read behind the answer says who has the last word. */
static void test_read(void **state)
{
	static const struct {
		enum state heard, asked, read;
		int64_t version, read_version;
		enum hearing is;
		enum state then;
	} rows[] = {
		/* as we asked */
		{ STATE_OPEN, STATE_RESOLVED, STATE_RESOLVED, 50, 60, HEARD_ECHO, STATE_RESOLVED },
		{ STATE_OPEN, STATE_RESOLVED, STATE_RESOLVED, 50, 0, HEARD_ECHO, STATE_RESOLVED },
		{ STATE_RESOLVED, STATE_RESOLVED, STATE_RESOLVED, 50, 50, HEARD_ECHO,
		    STATE_RESOLVED },
		/* somebody after us, told already or not */
		{ STATE_OPEN, STATE_RESOLVED, STATE_OPEN, 60, 60, HEARD_CHANGE, STATE_OPEN },
		{ STATE_RESOLVED, STATE_RESOLVED, STATE_OPEN, 50, 60, HEARD_CHANGE, STATE_OPEN },
		/* told while it was read */
		{ STATE_OPEN, STATE_RESOLVED, STATE_RESOLVED, 70, 60, HEARD_CHANGE, STATE_OPEN },
		/* the echo came after all */
		{ STATE_RESOLVED, STATE_NONE, STATE_RESOLVED, 60, 60, HEARD_NOTHING,
		    STATE_RESOLVED },
		{ STATE_RESOLVED, STATE_NONE, STATE_OPEN, 60, 70, HEARD_CHANGE, STATE_OPEN },
		{ STATE_OPEN, STATE_RESOLVED, STATE_NONE, 50, 60, HEARD_NOTHING, STATE_OPEN },
	};
	struct standing s;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		s = (struct standing){ .state = rows[i].heard,
			.version = rows[i].version,
			.asked = rows[i].asked,
			.asked_ms = 7 };
		assert_int_equal(rows[i].is, standing_read(&s, rows[i].read, rows[i].read_version));
		assert_int_equal(rows[i].then, s.state);
		if (rows[i].read != STATE_NONE)
			assert_int_equal(STATE_NONE, s.asked);
	}
}

/* Two requests in a row, whose echoes come in any order. */
static void test_two_requests(void **state)
{
	static const struct line in_order[] = {
		{ STATE_OPEN, 101, HEARD_NOTE },
		{ STATE_RESOLVED, 102, HEARD_NOTE },
		{ STATE_OPEN, 103, HEARD_ECHO },
	};
	static const struct line turned[] = {
		{ STATE_OPEN, 103, HEARD_NOTE },
		{ STATE_RESOLVED, 102, HEARD_NOTHING },
		{ STATE_RESOLVED, 110, HEARD_NOTE },
	};
	struct standing s = { .state = STATE_OPEN, .version = 50, .asked = STATE_OPEN };

	(void)state;
	play(&s, in_order, COUNT(in_order));
	s = (struct standing){ .state = STATE_OPEN, .version = 50, .asked = STATE_OPEN };
	play(&s, turned, COUNT(turned));
}

static void test_needs(void **state)
{
	static const struct {
		enum state wanted, heard, asked, needs;
		bool obeyed;
	} rows[] = {
		{ STATE_NONE, STATE_OPEN, STATE_NONE, STATE_NONE, false },
		{ STATE_OPEN, STATE_NONE, STATE_NONE, STATE_NONE, false },
		{ STATE_OPEN, STATE_SNOOZED, STATE_NONE, STATE_NONE, false },
		{ STATE_RESOLVED, STATE_RESOLVED, STATE_NONE, STATE_NONE, false },
		{ STATE_RESOLVED, STATE_NONE, STATE_NONE, STATE_RESOLVED, false },
		{ STATE_RESOLVED, STATE_PENDING, STATE_NONE, STATE_RESOLVED, false },
		{ STATE_OPEN, STATE_RESOLVED, STATE_NONE, STATE_OPEN, false },
		{ STATE_OPEN, STATE_OPEN, STATE_RESOLVED, STATE_OPEN, false },
		{ STATE_RESOLVED, STATE_OPEN, STATE_RESOLVED, STATE_RESOLVED,
		    false }, /* not known yet */
		{ STATE_RESOLVED, STATE_RESOLVED, STATE_OPEN, STATE_RESOLVED, true },
		{ STATE_OPEN, STATE_OPEN, STATE_OPEN, STATE_NONE, true },
		{ STATE_OPEN, STATE_OPEN, STATE_OPEN, STATE_OPEN,
		    false }, /* perhaps it never left */
	};
	struct row_link l;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		l = (struct row_link){ .wanted = rows[i].wanted,
			.agents = 1,
			.agents_heard = rows[i].heard,
			.agents_asked = rows[i].asked,
			.agents_obeyed = rows[i].obeyed };
		assert_int_equal(rows[i].needs, standing_needs(&l, SIDE_AGENTS));
		assert_int_equal(STATE_NONE,
		    standing_needs(&l, SIDE_CUSTOMERS)); /* it is not there */
		l.gone = true;
		assert_int_equal(STATE_NONE, standing_needs(&l, SIDE_AGENTS));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_people),
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_echo_behind_a_deed),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_two_requests),
		cmocka_unit_test(test_needs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
