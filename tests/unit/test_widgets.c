/* Buttons and cards as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "core/widgets.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define ANSWER(label) \
	{ \
		WIDGET_ANSWER, label, NULL, NULL, NULL \
	}

static struct arena *a;

static int open_arena(void **state)
{
	(void)state;
	a = arena_new();
	return 0;
}

static int close_arena(void **state)
{
	(void)state;
	arena_free(a);
	return 0;
}

static void test_text(void **state)
{
	static const struct {
		const char *text;
		struct widget list[4];
		size_t n;
		const char *must;
	} rows[] = {
		{ "Pick", { ANSWER("Yes"), ANSWER("No") }, 2, "Pick\n1. Yes\n2. No" },
		{ NULL, { ANSWER("Yes") }, 1, "1. Yes" },
		{ "", { ANSWER(" two\nlines ") }, 1, "1. two lines" },
		{ "Go", { { WIDGET_ADDRESS, "Site", NULL, "https://x", NULL } }, 1,
		    "Go\nSite: https://x" },
		{ "Go", { { WIDGET_ADDRESS, "https://x", NULL, "https://x", NULL } }, 1,
		    "Go\nhttps://x" },
		{ "Go", { { WIDGET_ADDRESS, "Run", NULL, "javascript:x", NULL } }, 1, "Go\nRun" },
		{ "See",
		    { { WIDGET_CARD, "A", "about\na\n\n", "https://a", "https://i" }, ANSWER("a"),
			{ WIDGET_CARD, "B", NULL, NULL, "https://i" }, ANSWER("b") },
		    4, "See\n\nA\nabout\na\nhttps://a\n1. a\n\nB\nhttps://i\n2. b" },
		{ "x", { ANSWER(NULL) }, 0, "x" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		assert_string_equal(widgets_text(a, rows[i].text, rows[i].list, rows[i].n),
		    rows[i].must);
}

static void test_limits(void **state)
{
	const struct widget answer = ANSWER("x"), card = { .kind = WIDGET_CARD, .label = "c" },
			    blank = { .kind = WIDGET_CARD, .label = " ", .text = "" };
	struct widget_list list = { 0 };
	size_t i;

	(void)state;
	assert_false(widget_list_add(&list, a, &blank));
	for (i = 0; i < 10; i++)
		assert_true(widget_list_add(&list, a, &answer));
	assert_true(widgets_fit(list.items, list.count, 10, 10));
	assert_true(widget_list_add(&list, a, &answer));
	assert_false(widgets_fit(list.items, list.count, 10, 10));
	list.count = 10;
	for (i = 0; i < 10; i++)
		assert_true(widget_list_add(&list, a, &card));
	assert_true(widgets_fit(list.items, list.count, 10, 10));
	assert_true(widget_list_add(&list, a, &card));
	assert_false(widgets_fit(list.items, list.count, 10, 10));
	while (list.count < WIDGETS_MAX)
		assert_true(widget_list_add(&list, a, &card));
	assert_false(widget_list_add(&list, a, &card));
}

static void test_answer(void **state)
{
	static const char *const labels[] = { "Yes", "No, thanks", "7" };
	static const struct {
		const char *said, *must;
	} rows[] = {
		{ "1", "Yes" },
		{ " 2 \n", "No, thanks" },
		{ "3.", "7" },
		{ "1)", "Yes" },
		{ "7", "7" },
		{ "yes", "Yes" },
		{ "no, THANKS", "No, thanks" },
		{ "0", NULL },
		{ "4", NULL },
		{ "1 please", NULL },
		{ "1.5", NULL },
		{ "-1", NULL },
		{ "0001", NULL },
		{ "", NULL },
		{ ".", NULL },
		{ "Yes.", NULL },
	};
	const char *is;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		is = widgets_answer(labels, COUNT(labels), rows[i].said);
		if ((is == NULL) != (rows[i].must == NULL)
		    || (is != NULL && strcmp(is, rows[i].must) != 0))
			fail_msg("%s: %s", rows[i].said, is != NULL ? is : "none");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_text, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(test_limits, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(test_answer, open_arena, close_arena),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
