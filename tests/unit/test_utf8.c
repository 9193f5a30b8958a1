/* Strict UTF-8, and graphemes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/grapheme.h"
#include "base/utf8.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define FFFD UTF8_REPLACEMENT
#define GRIN "\xf0\x9f\x98\x80"
#define EACUTE "\xc3\xa9"
#define EURO "\xe2\x82\xac"

/* What one U+FFFD stands for is as Unicode's table 3-8 to 3-11 have it. */
static void test_repair(void **state)
{
	static const struct {
		const char *name, *text;
		size_t valid_len, points;
		const char *repaired;
	} rows[] = {
		{ "empty", "", 0, 0, "" },
		{ "all lengths", "a" EACUTE EURO GRIN, 10, 4, "a" EACUTE EURO GRIN },
		{ "edges",
		    "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",
		    19, 7,
		    "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf" },
		{ "around surrogates", "\xed\x9f\xbf\xee\x80\x80", 6, 2,
		    "\xed\x9f\xbf\xee\x80\x80" },
		{ "continuation alone", "a\x80z", 1, 3, "a" FFFD "z" },
		{ "overlong two", "\xc0\xaf\xc1\xbf", 0, 4, FFFD FFFD FFFD FFFD },
		{ "overlong three", "\xe0\x80\xaf", 0, 3, FFFD FFFD FFFD },
		{ "overlong four", "\xf0\x8f\xbf\xbf", 0, 4, FFFD FFFD FFFD FFFD },
		{ "surrogate", "\xed\xa0\x80", 0, 3, FFFD FFFD FFFD },
		{ "too large", "\xf4\x90\x80\x80", 0, 4, FFFD FFFD FFFD FFFD },
		{ "never a byte", "\xf5\xfe\xff", 0, 3, FFFD FFFD FFFD },
		{ "cut at the end", "12345678\xe2\x82", 8, 9, "12345678" FFFD },
		{ "cut in the middle", "\xf0\x9f\x98z", 0, 2, FFFD "z" },
		{ "cut twice", "\xe2\x82\xe2\x82\xac", 0, 2, FFFD EURO },
		{ "far behind", "1234567890123456789\xff", 19, 20, "1234567890123456789" FFFD },
	};
	struct arena *a = arena_new();
	size_t i, len, out_len;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		len = strlen(rows[i].text);
		if (utf8_valid_len(rows[i].text, len) != rows[i].valid_len
		    || utf8_valid(rows[i].text, len) != (rows[i].valid_len == len)
		    || utf8_points(rows[i].text, len) != rows[i].points)
			fail_msg("%s", rows[i].name);
		assert_string_equal(utf8_repair(a, rows[i].text, len, &out_len), rows[i].repaired);
		assert_int_equal(out_len, strlen(rows[i].repaired));
	}
	arena_free(a);
}

static void test_every_code_point(void **state)
{
	uint32_t code, again;
	char out[4];
	size_t len;

	(void)state;
	for (code = 0; code < 0x110000; code++) {
		len = utf8_encode(code, out);
		if (code >= 0xd800 && code < 0xe000)
			assert_memory_equal(out, FFFD, 3);
		else if (utf8_decode(out, len, &again) != (int)len || again != code)
			fail_msg("U+%04X", (unsigned)code);
	}
	assert_int_equal(utf8_encode(0x110000, out), 3);
}

static void test_incomplete(void **state)
{
	static const struct {
		const char *text;
		bool incomplete;
	} rows[] = {
		{ "\xc3", true },
		{ "\xe2\x82", true },
		{ "\xf0", true },
		{ "\xf0\x9f\x98", true },
		{ "", false },
		{ "a", false },
		{ EURO, false },
		{ "\x80", false },
		{ "\xff", false },
		{ "\xc0", false },
		{ "\xed\xa0", false },
		{ "\xf4\x90", false },
		{ "\xe2z", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		assert_int_equal(utf8_incomplete(rows[i].text, strlen(rows[i].text)),
		    rows[i].incomplete);
}

static void test_cuts(void **state)
{
	static const struct {
		const char *text;
		size_t max, bytes, points;
	} rows[] = {
		{ "abc", 2, 2, 2 },
		{ "abc", 3, 3, 3 },
		{ "abc", 9, 3, 3 },
		{ "abc", 0, 0, 0 },
		{ EACUTE EURO GRIN, 1, 0, 2 },
		{ EACUTE EURO GRIN, 2, 2, 5 },
		{ EACUTE EURO GRIN, 4, 2, 9 },
		{ EACUTE EURO GRIN, 5, 5, 9 },
		{ EACUTE EURO GRIN, 6, 5, 9 },
		{ EACUTE EURO GRIN, 7, 5, 9 },
		{ EACUTE EURO GRIN, 8, 5, 9 },
		{ EACUTE EURO GRIN, 9, 9, 9 },
		{ "\x80\x80\x80\x80\x80\x80", 4, 4, 4 },
		{ "\xf0\x9fzz", 2, 2, 3 },
	};
	size_t i, len;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		len = strlen(rows[i].text);
		assert_int_equal(utf8_cut_bytes(rows[i].text, len, rows[i].max), rows[i].bytes);
		assert_int_equal(utf8_cut_points(rows[i].text, len, rows[i].max), rows[i].points);
	}
}

/* Each row is one grapheme, and stays one before a letter. */
static void test_graphemes(void **state)
{
	static const struct {
		const char *name, *text;
	} rows[] = {
		{ "letter", "a" },
		{ "line end", "\n" },
		{ "line end of two", "\r\n" },
		{ "accent", "e\xcc\x81" },
		{ "two accents", "e\xcc\x81\xcc\x88" },
		{ "flag", "\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa" },
		{ "skin tone", "\xf0\x9f\x91\x8d\xf0\x9f\x8f\xbd" },
		{ "family",
		    "\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa6" },
		{ "heart", "\xe2\x9d\xa4\xef\xb8\x8f" },
		{ "keycap", "1\xef\xb8\x8f\xe2\x83\xa3" },
		{ "flag of tags",
		    "\xf0\x9f\x8f\xb4\xf3\xa0\x81\xa7\xf3\xa0\x81\xa2\xf3\xa0\x81\xbf" },
		{ "Devanagari", "\xe0\xa4\x95\xe0\xa4\xbf" },
		{ "Thai", "\xe0\xb8\x81\xe0\xb8\xb3" },
		{ "Hangul", "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab" },
		{ "one wrong byte", "\xff" },
	};
	size_t i, len;
	char text[64];

	(void)state;
	assert_int_equal(grapheme_len("", 0), 0);
	for (i = 0; i < COUNT(rows); i++) {
		len = strlen(rows[i].text);
		memcpy(text, rows[i].text, len);
		memcpy(text + len, "z", 2);
		if (grapheme_len(text, len) != len || grapheme_len(text, len + 1) != len)
			fail_msg("%s: %zu of %zu", rows[i].name, grapheme_len(text, len + 1), len);
	}
	/* Three indicators are a flag and one more; nothing joins a line end. */
	assert_int_equal(grapheme_len("\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa\xf0\x9f\x87\xa9", 12), 8);
	assert_int_equal(grapheme_len("\n\xcc\x81", 3), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_repair),
		cmocka_unit_test(test_every_code_point),
		cmocka_unit_test(test_incomplete),
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_graphemes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
