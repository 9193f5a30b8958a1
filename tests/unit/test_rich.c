/* Formatted text: rich.jsonl has, line by line, what a text must become without marks, as Markdown and as
 * HTML. Then what nobody writes in good faith, and which way a text goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/json_in.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "core/rich.h"
#include "core/text.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define SHOWS_MARKDOWN (1u << FORMAT_MARKDOWN)
#define SHOWS_HTML (1u << FORMAT_HTML)

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

static struct rich *read_as(const char *from, const char *text)
{
	return strcmp(from, "html") == 0 ? rich_read_html(a, text) : rich_read_markdown(a, text);
}

/* --- the table --------------------------------------------------------------------------------- */

static int check(const char *what, const char *text, const char *must, const char *is)
{
	if (must == NULL || strcmp(must, is) == 0)
		return 0;
	print_error("%s of: %s\n  must be: %s\n  is:      %s\n", what, text, must, is);
	return 1;
}

static void test_table(void **state)
{
	FILE *f = fopen(TEST_SOURCE_DIR "/rich.jsonl", "r");
	struct json_error error;
	const struct json *row;
	const struct rich *r;
	const char *text;
	char *line = NULL;
	size_t size = 0, rows = 0;
	ssize_t len;
	int wrong = 0;

	(void)state;
	assert_non_null(f);
	while ((len = getline(&line, &size, f)) > 0) {
		row = json_read(a, line, (size_t)len, &error);
		assert_non_null(row);
		text = json_text(row, "text");
		r = read_as(json_text(row, "from"), text);
		assert_non_null(r);
		wrong += check("plain", text, json_text(row, "plain"), rich_plain(r));
		wrong += check("markdown", text, json_text(row, "markdown"), rich_markdown(r));
		wrong += check("html", text, json_text(row, "html"), rich_html(r));
		rows++;
	}
	xfree(line);
	fclose(f);
	assert_true(rows > 40);
	assert_int_equal(wrong, 0);
}

/* What one writer writes, a reader reads as what it was: without marks nothing has changed. */
static void test_round_trip(void **state)
{
	static const char *const texts[] = {
		"**a** _b_ `c` ~~d~~ [e](https://e.example) f*g*h",
		"- a\n- b\n  1. c\n  2. d\n\n> q\n> r\n\n```\ncode *x*\n```\n\nend",
		"\\# no \\*x\\* \\[y\\](z) \\`t\\` \\<b\\> \\&amp; 1\\. n",
		"> > deep\n>\n> - x\n>   y\n\nend",
	};
	const struct rich *r;
	const char *plain;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(texts); i++) {
		r = rich_read_markdown(a, texts[i]);
		plain = rich_plain(r);
		assert_string_equal(rich_plain(rich_read_markdown(a, rich_markdown(r))), plain);
		assert_string_equal(rich_markdown(rich_read_html(a, rich_html(r))),
		    rich_markdown(rich_read_markdown(a, rich_markdown(r))));
	}
}

/* --- hostile ----------------------------------------------------------------------------------- */

static const char *times(const char *text, size_t n, const char *behind, size_t m)
{
	size_t len = strlen(text), len2 = strlen(behind);
	char *out = arena_alloc(a, n * len + m * len2 + 1), *to = out;

	while (n-- > 0)
		to = mempcpy(to, text, len);
	while (m-- > 0)
		to = mempcpy(to, behind, len2);
	*to = '\0';
	return out;
}

static void is_sound(const char *text, const char *word)
{
	assert_true(utf8_valid(text, strlen(text)));
	assert_non_null(strstr(text, word));
}

/* Forty thousand of each: what took time with the square of the length would not end here. */
static void test_hostile(void **state)
{
	static const struct {
		const char *from, *open, *close, *end;
		bool beyond; /* the limits */
	} rows[] = {
		{ "html", "<b>", "</b>", "word" },
		{ "html", "<div>", "</div>", "word" },
		{ "html", "<div>", "<p>", "word" },
		{ "html", "<ul><li>", "</ul>", "word" },
		{ "html", "<table><tr><td>", "", "word" },
		{ "html", "<blockquote>", "</x>", "word" },
		{ "html", "<p><font a=b>", "", "word" },
		{ "html", "<a href=https://x.example/>y", "", "word" },
		{ "html", "<", "&", "word" },
		{ "html", "<a b=\"", "", "word" },
		{ "html", "&hellip;", "&#128512;", "word" },
		{ "markdown", "> ", "", "word", true },
		{ "markdown", "- ", "\n", "word", true },
		{ "markdown", "1. ", "", "word", true },
		{ "markdown", "*a **b ", "_c ", "word" },
		{ "markdown", "[", "](x", "word" },
		{ "markdown", "[a](b\n", "", "word" },
		{ "markdown", "![", "]()", "word" },
		{ "markdown", "http://a.b/(", "", "word" },
		{ "markdown", "`a``", "~~~\n", "word" },
		{ "markdown", "&hellip;", "\\*", "word" },
		{ "markdown", "\xf0\x9f\x98\x80", "*\xf0\x9f\x98\x80*", "word" },
	};
	const struct rich *r;
	const char *text;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		text = arena_printf(a, "word %s word",
		    times(rows[i].open, 40000, rows[i].close, 40000));
		text = rows[i].beyond ? text + strlen("word ") : text;
		r = read_as(rows[i].from, text);
		assert_int_equal(r == NULL, rows[i].beyond);
		if (r == NULL)
			continue;
		is_sound(rich_plain(r), rows[i].end);
		is_sound(rich_markdown(r), rows[i].end);
		is_sound(rich_html(r), rows[i].end);
		arena_reset(a);
	}
}

/* One long address that many links share would fill the memory. */
static void test_expansion(void **state)
{
	const char *text = arena_printf(a, "[x]: https://e.example/%s\n\n%s",
	    times("u", 1900, "", 0), times("[x] ", 3000, "", 0));
	const struct rich *r = rich_read_markdown(a, text);

	(void)state;
	assert_true(r == NULL || strlen(rich_plain(r)) < 8 * 1024 * 1024);
	r = rich_read_html(a, times("<br>word ", 20000, "", 0));
	assert_non_null(r);
	assert_non_null(strstr(rich_plain(r), "word\nword"));
}

/* Of so many tags the words, the lines and the links remain. */
static void test_many_tags(void **state)
{
	const char *text = arena_printf(a,
	    "<p><b>one</b> &amp; <a href=\"https://e.example/?a=1&amp;b\">two</a></p><script>if (a<b) "
	    "x();</script><!-- <p>no --><p>three%s</p>",
	    times("<i></i>", 1000, "", 0));
	const struct rich *r = rich_read_html(a, text);

	(void)state;
	assert_string_equal(rich_plain(r), "one & two (https://e.example/?a=1&b)\n\nthree");
}

/* Pieces that a long text is read in do not show. */
static void test_long(void **state)
{
	const char *line = "Some *words* of a line that goes on for a while.\n";
	const char *text = times(line, 3000, "", 0),
		   *plain = rich_plain(rich_read_markdown(a, text));
	const char *must = times("Some words of a line that goes on for a while.\n", 3000, "", 0);

	(void)state;
	assert_int_equal(strlen(plain) + 1, strlen(must));
	assert_memory_equal(plain, must, strlen(plain));
	text = arena_printf(a, "```\n%s```\n", times("*x*\n\n", 10000, "", 0));
	plain = rich_plain(rich_read_markdown(a, text));
	assert_int_equal(strlen(plain), 5 * 10000 - 2);
	assert_null(strstr(plain, "\nx\n"));
}

/* --- which way --------------------------------------------------------------------------------- */

static void test_convert(void **state)
{
	static const struct {
		enum format format;
		struct rich_target target;
		const char *text, *must;
		enum format out;
	} rows[] = {
		{ FORMAT_PLAIN, { 0 }, "*a* <b>", "*a* <b>", FORMAT_PLAIN },
		{ FORMAT_PLAIN, { SHOWS_MARKDOWN, 0, true }, "*a* <b>", "*a* <b>", FORMAT_PLAIN },
		{ FORMAT_MARKDOWN, { SHOWS_MARKDOWN }, "*a*\n* b", "*a*\n* b", FORMAT_MARKDOWN },
		{ FORMAT_MARKDOWN, { 0, SHOWS_MARKDOWN | SHOWS_HTML }, "*a*", "a", FORMAT_PLAIN },
		{ FORMAT_MARKDOWN, { 0, SHOWS_MARKDOWN, true }, "*a*", "*a*", FORMAT_MARKDOWN },
		{ FORMAT_MARKDOWN, { 0, SHOWS_HTML, true }, "*a*", "a", FORMAT_PLAIN },
		{ FORMAT_HTML, { SHOWS_MARKDOWN }, "<b>a</b>", "**a**", FORMAT_MARKDOWN },
		{ FORMAT_HTML, { 0, SHOWS_HTML }, "<b>a</b>", "a", FORMAT_PLAIN },
		{ FORMAT_HTML, { 0, SHOWS_MARKDOWN | SHOWS_HTML, true },
		    "<b onclick=x()>a</b><script>x</script>", "<p><strong>a</strong></p>",
		    FORMAT_HTML },
		/* marks without words */
		{ FORMAT_MARKDOWN, { 0 }, "[]()", "[]()", FORMAT_PLAIN },
		{ FORMAT_HTML, { SHOWS_MARKDOWN }, "<img src=\"data:x\">", "<img src=\"data:x\">",
		    FORMAT_PLAIN },
	};
	enum format out;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		assert_string_equal(rich_convert(a, rows[i].text, rows[i].format, rows[i].target,
					&out),
		    rows[i].must);
		assert_int_equal(out, rows[i].out);
	}
}

/* What no rule saw in the source is seen in the outcome. */
static void test_reassembled(void **state)
{
	const struct rich_target plain = { 0 };
	enum format out;

	(void)state;
	assert_string_equal(text_neutralise(a,
				rich_convert(a, "$<b>{</b>name}", FORMAT_HTML, plain, &out),
				TEXT_DOLLAR),
	    "$" UTF8_ZERO_WIDTH_SPACE "{name}");
	assert_string_equal(text_neutralise(a,
				rich_convert(a, "bye \\\\clo&#115;e", FORMAT_MARKDOWN, plain, &out),
				TEXT_BACKSLASH_COMMAND),
	    "bye \\close" UTF8_ZERO_WIDTH_SPACE);
	assert_string_equal(text_neutralise(a,
				rich_convert(a, "{<!-- -->{ x }} {&#37; y", FORMAT_HTML,
				    (struct rich_target){ SHOWS_MARKDOWN }, &out),
				TEXT_BRACES),
	    "{" UTF8_ZERO_WIDTH_SPACE "{ x }} {" UTF8_ZERO_WIDTH_SPACE "% y");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_table, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(test_round_trip, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(test_hostile, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(test_expansion, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(test_many_tags, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(test_long, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(test_convert, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(test_reassembled, open_arena, close_arena),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
