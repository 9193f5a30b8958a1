/* A file of pairs: what is understood of it, and what is said of the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "core/pairs.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void test_lines(void **state)
{
	static const char text[] = "\xef\xbb\xbf# made by hand\n"
				   "\n"
				   "shop:a desk:1\n"
				   "  shop:b:c\t\tdesk:2   # Ann\r\n"
				   "#shop:x desk:9\n"
				   "shop:c#1 desk:3";
	static const struct pair wanted[] = { { "shop:a", "desk:1", 3 },
		{ "shop:b:c", "desk:2", 4 }, { "shop:c#1", "desk:3", 6 } };
	struct arena *a = arena_new();
	struct pairs p;
	const char *id;
	size_t i;

	(void)state;
	pairs_read(a, "f", text, strlen(text), &p);
	assert_int_equal(p.nmistakes, 0);
	assert_int_equal(p.count, COUNT(wanted));
	for (i = 0; i < COUNT(wanted); i++) {
		assert_string_equal(p.items[i].customers, wanted[i].customers);
		assert_string_equal(p.items[i].agents, wanted[i].agents);
		assert_int_equal(p.items[i].line, wanted[i].line);
	}
	assert_string_equal(pair_endpoint(a, p.items[1].customers, &id), "shop");
	assert_string_equal(id, "b:c");
	pairs_read(a, "f", "", 0, &p);
	assert_int_equal(p.count + p.nmistakes, 0);
	arena_free(a);
}

#define ALLOWED \
	"allowed: CUSTOMERS:CONVERSATION AGENTS:CONVERSATION, with the names of two endpoints"

static void test_mistakes(void **state)
{
	static const struct {
		const char *text, *mistake;
	} rows[] = {
		{ "shop:a\n", "f:1: found one conversation; " ALLOWED },
		{ "\nshop:a,desk:1\n", "f:2: found one conversation; " ALLOWED },
		{ "shop desk:1\n", "f:1: found \"shop\"; " ALLOWED },
		{ "shop:a desk:\n", "f:1: found \"desk:\"; " ALLOWED },
		{ "shop:a :1\n", "f:1: found \":1\"; " ALLOWED },
		{ "shop:a desk:1 desk:2\n", "f:1: found \"desk:2\"; " ALLOWED },
		{ "shop:\xff desk:1\n", "f:1: found bytes that are no UTF-8 text; " ALLOWED },
		{ "shop:a desk:1\nshop:a desk:1\n",
		    "f:2: found the pair of line 1 once more; allowed: once" },
		{ "shop:a desk:1\nshop:a desk:2\n",
		    "f:2: found shop:a, which goes with desk:1 in line 1; allowed: one pair for each" },
		{ "shop:a desk:1\nshop:b desk:1\n",
		    "f:2: found desk:1, which goes with shop:a in line 1; allowed: one pair for each" },
	};
	struct arena *a = arena_new();
	struct pairs p;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		pairs_read(a, "f", rows[i].text, strlen(rows[i].text), &p);
		assert_int_equal(p.nmistakes, 1);
		assert_string_equal(p.mistakes[0], rows[i].mistake);
	}
	arena_free(a);
}

/* All are counted, some are told. */
static void test_many(void **state)
{
	struct arena *a = arena_new();
	const char *text = "";
	struct pairs p;
	int i;

	(void)state;
	for (i = 0; i < 100; i++)
		text = arena_printf(a, "%sx\nshop:%d desk:%d\n", text, i, i);
	pairs_read(a, "f", text, strlen(text), &p);
	assert_int_equal(p.nmistakes, 20);
	assert_int_equal(p.nmore, 80);
	assert_string_equal(p.mistakes[19], "f:39: found \"x\"; " ALLOWED);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
