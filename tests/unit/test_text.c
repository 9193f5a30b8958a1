/* What is done to people's words. ZW in the rows is the U+200B that nobody sees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/utf8.h"
#include "core/text.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define ZW UTF8_ZERO_WIDTH_SPACE
#define FFFD UTF8_REPLACEMENT
#define TEXT(s) (s), sizeof(s) - 1

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

static void test_clean(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *clean;
	} rows[] = {
		{ TEXT("hello"), "hello" },
		{ TEXT(""), "" },
		{ TEXT("a\r\nb\nc\rd"), "a\nb\nc\rd" },
		{ TEXT("a\0b"), "ab" },
		{ TEXT("a\r\0\nb"), "a\r\nb" },
		{ TEXT("a\n"), "a" },
		{ TEXT("a\r\n\r\n"), "a" },
		{ TEXT("a \n \t\n\n"), "a " },
		{ TEXT("a\n  "), "a" },
		{ TEXT("a  "), "a  " },
		{ TEXT(" \n \n"), "" },
		{ TEXT("   "), "" },
		{ TEXT("\n\na\n\nb"), "\n\na\n\nb" },
		{ TEXT("caf\xe9"), "caf" FFFD },
		{ TEXT("\xed\xa0\x80"), FFFD FFFD FFFD },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		assert_string_equal(text_clean(a, rows[i].text, rows[i].len), rows[i].clean);
	assert_null(text_clean(a, NULL, 0));
}

static void test_name(void **state)
{
	static const struct {
		const char *name, *shown;
	} rows[] = {
		{ "John", "John" },
		{ "  John Doe \t", "John Doe" },
		{ "John\nDoe\x07", "JohnDoe" },
		{ "\xc2\x85J\xe2\x80\xaeohn", "John" },
		{ "\xc2\xa0 \xe3\x80\x80"
		  "John\xe2\x80\x8b",
		    "John" },
		{ "J\xff", "J" FFFD },
		{ "", NULL },
		{ " \t\r\n", NULL },
		{ "\xe2\x80\x8b\xe2\x80\xae", NULL },
		{ NULL, NULL },
		{ "123456789 123456789 123456789 123456789 123456789 123456789 123",
		    "123456789 123456789 123456789 123456789 123456789 123456789" },
		/* 59 letters, then one with an accent: two code points that stay together. */
		{ "12345678901234567890123456789012345678901234567890123456789e\xcc\x81",
		    "12345678901234567890123456789012345678901234567890123456789" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		const char *shown = text_name(a, rows[i].name);

		if (rows[i].shown == NULL)
			assert_null(shown);
		else
			assert_string_equal(shown, rows[i].shown);
	}
}

static void test_neutralise(void **state)
{
	static const struct {
		unsigned rules;
		const char *text, *harmless;
	} rows[] = {
		{ TEXT_ALL_RULES, "hello", "hello" },
		{ TEXT_ALL_RULES, "", "" },
		{ TEXT_BRACES, "{{contact.name}}", "{" ZW "{contact.name}}" },
		{ TEXT_BRACES, "{% if %}", "{" ZW "% if %}" },
		{ TEXT_BRACES, "{{{x", "{" ZW "{" ZW "{x" },
		{ TEXT_BRACES, "`{{x}}` { {", "`{" ZW "{x}}` { {" },
		{ TEXT_BRACES, "${x} \\close", "${x} \\close" },
		{ TEXT_DOLLAR, "${x}$${y}$ {", "$" ZW "{x}$$" ZW "{y}$ {" },
		{ TEXT_DOLLAR, "{{x}}", "{{x}}" },
		{ TEXT_BACKSLASH_COMMAND, "\\close", "\\close" ZW },
		{ TEXT_BACKSLASH_COMMAND, "ok thanks \\close", "ok thanks \\close" ZW },
		{ TEXT_BACKSLASH_COMMAND, "\\agent", "\\agent" ZW },
		{ TEXT_BACKSLASH_COMMAND, "C:\\Temp", "C:\\Temp" ZW },
		{ TEXT_BACKSLASH_COMMAND, "\\close now", "\\close now" },
		{ TEXT_BACKSLASH_COMMAND, "C:\\Temp\\close", "C:\\Temp\\close" },
		{ TEXT_BACKSLASH_COMMAND, "\\\\close", "\\\\close" },
		{ TEXT_BACKSLASH_COMMAND, "end \\", "end \\" },
		{ TEXT_BACKSLASH_COMMAND, "\\close1", "\\close1" },
		{ TEXT_BACKSLASH_COMMAND, "\\clos\xc3\xa9", "\\clos\xc3\xa9" },
		{ TEXT_BACKSLASH_COMMAND, "\\_tdGoto x\n\\_td", "\\" ZW "_tdGoto x\n\\" ZW "_td" },
		{ TEXT_DIRECTIVES, "#set($a) #if(x) #1 #settle",
		    "#" ZW "set($a) #" ZW "if(x) #1 #settle" },
		{ TEXT_BRACES | TEXT_BACKSLASH_COMMAND, "{{x}} \\close", "{" ZW "{x}} \\close" ZW },
		{ 0, "{{x}} ${y} \\close", "{{x}} ${y} \\close" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		const char *harmless = text_neutralise(a, rows[i].text, rows[i].rules);

		assert_string_equal(harmless, rows[i].harmless);
		assert_string_equal(text_neutralise(a, harmless, rows[i].rules), harmless);
		assert_string_equal(text_unneutralise(a, harmless), rows[i].text);
	}
}

static void test_unneutralise_leaves_the_rest(void **state)
{
	static const char *const rows[] = { ZW, ZW "a" ZW "b" ZW, "a" ZW "{", "{" ZW "x",
		"\\close" ZW "x", "\\" ZW "x", "text" ZW, "#" ZW "tag", "\\x\\" ZW };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		assert_string_equal(text_unneutralise(a, rows[i]), rows[i]);
}

/* Any text of active characters is as it was after both, and never changes when done twice. */
static void test_neutralise_and_back(void **state)
{
	static const char *const pieces[] = { "{", "%", "$", "\\", "#", "_td", "set(", "if(",
		"close", " ", "\n", "1" };
	char text[128];
	int round, i, count;

	(void)state;
	srand(1);
	for (round = 0; round < 20000; round++) {
		unsigned rules = (unsigned)rand() & TEXT_ALL_RULES;
		const char *harmless;

		text[0] = '\0';
		count = rand() % 10;
		for (i = 0; i < count; i++)
			strcat(text, pieces[(size_t)rand() % COUNT(pieces)]);
		harmless = text_neutralise(a, text, rules);
		assert_string_equal(text_neutralise(a, harmless, rules), harmless);
		assert_string_equal(text_unneutralise(a, harmless), text);
		arena_reset(a);
	}
}

static void test_commands(void **state)
{
	static const struct {
		const char *text;
		bool is_command;
		const char *cut;
	} rows[] = {
		{ "\\close", true, "" },
		{ "\\agent", true, "" },
		{ "\\start", true, "\\start" },
		{ "\\_td", true, "\\_td" },
		{ "\\_tdGoto block", true, "\\_tdGoto block" },
		{ "ok thanks \\close", false, "ok thanks" },
		{ "ok\n\n\\agent", false, "ok" },
		{ "ok\\close", false, "ok" },
		{ "\\close now", false, "\\close now" },
		{ "C:\\Temp\\close", false, "C:\\Temp\\close" },
		{ "\\", false, "\\" },
		{ "\\1", false, "\\1" },
		{ "\\close" ZW, false, "\\close" ZW },
		{ "see \\_td", false, "see \\_td" },
		{ " \\close", false, "" },
		{ "hello", false, "hello" },
		{ "", false, "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		assert_int_equal(text_is_command(rows[i].text), rows[i].is_command);
		assert_string_equal(text_cut_command(a, rows[i].text), rows[i].cut);
	}
}

static void test_lengths(void **state)
{
	static const struct {
		const char *text;
		size_t points, bytes, wire;
	} rows[] = {
		{ "", 0, 0, 0 },
		{ "abc", 3, 3, 3 },
		{ "\xc3\xa9\xf0\x9f\x98\x80", 2, 6, 6 },
		{ "a\"b\\c\n\t\r\b\f", 10, 10, 17 },
		{ "\x01\x1f\x7f/", 4, 4, 14 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		assert_int_equal(text_len(rows[i].text, TEXT_POINTS), rows[i].points);
		assert_int_equal(text_len(rows[i].text, TEXT_BYTES), rows[i].bytes);
		assert_int_equal(text_len(rows[i].text, TEXT_WIRE_BYTES), rows[i].wire);
	}
}

/* Four letters with an accent: 8 code points, 12 bytes. A flag: 2 and 8. A face: 1 and 4. */
#define E1 "e\xcc\x81"
#define E4 E1 E1 E1 E1
#define DE "\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa"
#define GRIN "\xf0\x9f\x98\x80"

static void test_split(void **state)
{
	static const struct {
		const char *name, *text;
		unsigned rules;
		enum text_unit unit;
		size_t limit;
		const char *parts[6];
	} rows[] = {
		{ "empty", "", 0, TEXT_BYTES, 16, { "" } },
		{ "fits", "1234567890123456", 0, TEXT_BYTES, 16, { "1234567890123456" } },
		{ "no place", "12345678901234567890", 0, TEXT_BYTES, 16,
		    { "1234567890123456", "7890" } },
		{ "blank", "12345678901 34567890", 0, TEXT_BYTES, 16,
		    { "12345678901", "34567890" } },
		{ "blank just behind", "1234567890123456 890", 0, TEXT_BYTES, 16,
		    { "1234567890123456", "890" } },
		{ "last blank", "12345 789 12 4567890", 0, TEXT_BYTES, 16,
		    { "12345 789 12", "4567890" } },
		{ "early blank", "123 5678901234567890", 0, TEXT_BYTES, 16,
		    { "123", "5678901234567890" } },
		{ "line before blank", "123456789\n123 5678901", 0, TEXT_BYTES, 16,
		    { "123456789", "123 5678901" } },
		{ "paragraph before line", "12345678\n\n12\n4567890", 0, TEXT_BYTES, 16,
		    { "12345678", "12\n4567890" } },
		{ "blanks between lines", "12345678 \n \n12\n4567890", 0, TEXT_BYTES, 16,
		    { "12345678", "12\n4567890" } },
		{ "early paragraph is left", "12\n\n5678 012345678", 0, TEXT_BYTES, 16,
		    { "12\n\n5678", "012345678" } },
		{ "indent stays", "12345678901\n  34567890", 0, TEXT_BYTES, 16,
		    { "12345678901", "  34567890" } },
		{ "many blanks", "12345678901          2345678", 0, TEXT_BYTES, 16,
		    { "12345678901", "2345678" } },
		{ "blanks at the end", "1234567890123456    ", 0, TEXT_BYTES, 16,
		    { "1234567890123456" } },
		{ "order", "aaaaaaaaaa bbbbbbbbbb cccccccccc dddddddddd", 0, TEXT_BYTES, 16,
		    { "aaaaaaaaaa", "bbbbbbbbbb", "cccccccccc", "dddddddddd" } },
		{ "characters", GRIN GRIN GRIN GRIN "a" GRIN, 0, TEXT_BYTES, 18,
		    { GRIN GRIN GRIN GRIN "a", GRIN } },
		{ "accents", E4 E4 "z" E4, 0, TEXT_POINTS, 18, { E4 E4 "z", E4 } },
		{ "accents, odd limit", E4 E4 E4, 0, TEXT_POINTS, 17, { E4 E4, E4 } },
		{ "flags", "12345" DE DE DE, 0, TEXT_BYTES, 20, { "12345" DE, DE DE } },
		{ "wire", "\"\"\"\"\"\"\"\"\"\"", 0, TEXT_WIRE_BYTES, 16,
		    { "\"\"\"\"\"\"\"\"", "\"\"" } },
		{ "harmless throughout", "12345678 {{x}} 12345678", TEXT_BRACES, TEXT_POINTS, 17,
		    { "12345678 {" ZW "{x}}", "12345678" } },
		{ "command at a cut", "123456 \\close 4567890", TEXT_BACKSLASH_COMMAND, TEXT_POINTS,
		    16, { "123456 \\close" ZW, "4567890" } },
		{ "tiny limit", "12345678901234567890", 0, TEXT_BYTES, 1,
		    { "1234567890123456", "7890" } },
	};
	const char *const *parts;
	size_t i, n, count;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		count =
		    text_split(a, rows[i].text, rows[i].rules, rows[i].unit, rows[i].limit, &parts);
		for (n = 0; n < count; n++)
			if (rows[i].parts[n] == NULL || strcmp(parts[n], rows[i].parts[n]) != 0)
				fail_msg("%s: part %zu is '%s'", rows[i].name, n, parts[n]);
		if (rows[i].parts[count] != NULL)
			fail_msg("%s: only %zu parts", rows[i].name, count);
	}
}

/* A letter with a thousand accents, and much of anything: parts within the limit, in time, and
 * nothing but blanks is lost. */
static void test_split_of_anything(void **state)
{
	static const char *const pieces[] = { "e", "\xcc\x81", " ", "\n", "\n\n", DE, "word",
		"\xe2\x80\x8d", "\"", "{{", "\\close", "\xf0\x9f\x91\xa8" };
	static const size_t limits[] = { 16, 100, 1500, 20000 };
	const char *const *parts;
	size_t i, n, k, count, kept, whole, size = 1 << 15;
	char *text = arena_alloc(a, size + 16);
	char *to = text;

	(void)state;
	srand(2);
	for (i = 0; i < 1000; i++)
		to = stpcpy(to, i == 0 ? "e" : "\xcc\x81");
	while (to < text + size)
		to = stpcpy(to, pieces[(size_t)rand() % COUNT(pieces)]);
	for (whole = 0, to = text; *to != '\0'; to++)
		whole += strchr(" \n", *to) == NULL;
	for (i = 0; i < COUNT(limits); i++) {
		for (k = 0; k < 3; k++) {
			count = text_split(a, text, TEXT_ALL_RULES, (enum text_unit)k, limits[i],
			    &parts);
			for (n = kept = 0; n < count; n++) {
				const char *p = text_unneutralise(a, parts[n]);

				assert_true(text_len(parts[n], (enum text_unit)k) <= limits[i]);
				assert_true(utf8_valid(parts[n], strlen(parts[n])));
				assert_true(*parts[n] != '\0');
				for (; *p != '\0'; p++)
					kept += strchr(" \n", *p) == NULL;
			}
			/* A cut between { and its companion leaves one that cannot be taken out. */
			assert_true(kept >= whole && kept <= whole + 3 * count);
		}
	}
}

static void test_excerpt(void **state)
{
	static const struct {
		const char *text;
		size_t max;
		const char *excerpt;
	} rows[] = {
		{ "hello", 80, "hello" },
		{ "hello", 3, "hel" },
		{ "hello you", 6, "hello" },
		{ " a\n\n b\tc ", 80, "a b c" },
		{ E1 E1, 3, E1 },
		{ "", 80, "" },
		{ "\n", 80, "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		assert_string_equal(text_excerpt(a, rows[i].text, rows[i].max), rows[i].excerpt);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_name),
		cmocka_unit_test(test_neutralise),
		cmocka_unit_test(test_unneutralise_leaves_the_rest),
		cmocka_unit_test(test_neutralise_and_back),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_split_of_anything),
		cmocka_unit_test(test_excerpt),
	};

	return cmocka_run_group_tests(tests, open_arena, close_arena);
}
