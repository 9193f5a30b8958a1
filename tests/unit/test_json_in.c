/* What json_read makes of good and bad bodies, and how the tree is looked into. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/json_in.h"
#include "base/json_out.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
/* A literal with its length, so that it may hold NULs. */
#define BODY(s) (s), sizeof(s) - 1

static struct json *read_text(struct arena *a, const char *text)
{
	struct json_error error;

	return json_read(a, text, strlen(text), &error);
}

static void test_bad_bodies(void **state)
{
	static const struct {
		const char *name, *body;
		size_t len;
		enum json_fault fault;
		size_t offset;
		const char *detail;
	} rows[] = {
		{ "no bytes", BODY(""), JSON_EMPTY, 0, NULL },
		{ "blanks", BODY(" \r\n\t "), JSON_EMPTY, 0, NULL },
		{ "only a byte order mark", BODY("\xef\xbb\xbf"), JSON_EMPTY, 0, NULL },
		{ "half a byte order mark", BODY("\xef\xbb"), JSON_TRUNCATED, 2,
		    "body ends inside a character" },

		{ "cut in a string", BODY("{\"a\":\"hel"), JSON_TRUNCATED, 9,
		    "body ends inside a string" },
		{ "cut in a key", BODY("{\"a"), JSON_TRUNCATED, 3, "body ends inside a string" },
		{ "cut after a key", BODY("{\"a\""), JSON_TRUNCATED, 4,
		    "body ends inside an object" },
		{ "cut after a colon", BODY("{\"a\": "), JSON_TRUNCATED, 6,
		    "body ends inside an object" },
		{ "cut after a comma", BODY("[1, "), JSON_TRUNCATED, 4,
		    "body ends inside an array" },
		{ "cut after a value", BODY("[{\"a\":[]}"), JSON_TRUNCATED, 9,
		    "body ends inside an array" },
		{ "cut in an escape", BODY("[\"\\u00"), JSON_TRUNCATED, 6,
		    "body ends inside a string" },
		{ "cut in a character", BODY("[\"\xf0\x9f\x98"), JSON_TRUNCATED, 5,
		    "body ends inside a character" },
		{ "cut in a word", BODY("[tru"), JSON_TRUNCATED, 4, "body ends inside a word" },
		{ "a word alone, cut", BODY("nul"), JSON_TRUNCATED, 3, "body ends inside a word" },
		{ "a number alone, cut", BODY("-"), JSON_TRUNCATED, 1,
		    "body ends inside a number" },
		{ "cut in a fraction", BODY("[1."), JSON_TRUNCATED, 3,
		    "body ends inside a number" },
		{ "cut behind a mark", BODY("\xef\xbb\xbf{"), JSON_TRUNCATED, 4,
		    "body ends inside an object" },

		{ "HTML", BODY("<html>"), JSON_NOT_JSON, 0, "unexpected character" },
		{ "a form", BODY("a=1&b=2"), JSON_NOT_JSON, 0, "unexpected character" },
		{ "single quotes", BODY("{'a':1}"), JSON_NOT_JSON, 1, NULL },
		{ "comma before the end", BODY("{\"a\":1,}"), JSON_NOT_JSON, 7, NULL },
		{ "comma before the end of an array", BODY("[1, ]"), JSON_NOT_JSON, 4, NULL },
		{ "two commas", BODY("[1,,2]"), JSON_NOT_JSON, 3, NULL },
		{ "comma first", BODY("[ ,1]"), JSON_NOT_JSON, 2, NULL },
		{ "no comma", BODY("{\"a\":\"x\"  \"b\":1}"), JSON_NOT_JSON, 10, NULL },
		{ "a word where a comma is due", BODY("[17tr0]"), JSON_NOT_JSON, 3,
		    "unexpected character" },
		{ "a text where a comma is due, cut", BODY("[1 \"a"), JSON_NOT_JSON, 3, NULL },
		{ "a word for a key", BODY("{tru}"), JSON_NOT_JSON, 1, "unexpected character" },
		{ "a word for a key, cut", BODY("{\"a\":1, tru"), JSON_NOT_JSON, 8, NULL },
		{ "no colon, cut", BODY("{\"a\" \"b"), JSON_NOT_JSON, 5, NULL },
		{ "no colon", BODY("{\"a\" \"b\"}"), JSON_NOT_JSON, 5, NULL },
		{ "two colons", BODY("{\"a\"::1}"), JSON_NOT_JSON, 5, NULL },
		{ "a number for a key", BODY("{12:1}"), JSON_NOT_JSON, 1, NULL },
		{ "wrong bracket", BODY("[1}"), JSON_NOT_JSON, 2, NULL },
		{ "bracket first", BODY(" ]"), JSON_NOT_JSON, 1, NULL },
		{ "comment", BODY("{} /* x */"), JSON_NOT_JSON, 3, "something follows the value" },
		{ "comment inside", BODY("{ // x\n}"), JSON_NOT_JSON, 2, NULL },
		{ "two values", BODY("{}{}"), JSON_NOT_JSON, 2, "something follows the value" },
		{ "half a word behind", BODY("{} tr"), JSON_NOT_JSON, 3,
		    "something follows the value" },
		{ "NUL behind", BODY("{}\0"), JSON_NOT_JSON, 2, "something follows the value" },
		{ "half a character behind", BODY("{}\xe2"), JSON_NOT_JSON, 2,
		    "something follows the value" },
		{ "NUL between", BODY("{\0}"), JSON_NOT_JSON, 1, "unexpected character" },
		{ "NUL in a string", BODY("[\"a\0b\"]"), JSON_NOT_JSON, 3,
		    "control character inside a string" },
		{ "line end in a string", BODY("[\"a\nb\"]"), JSON_NOT_JSON, 3,
		    "control character inside a string" },
		{ "escape that is none", BODY("[\"a\\x41\"]"), JSON_NOT_JSON, 4,
		    "bad escape inside a string" },
		{ "bad hex", BODY("[\"\\u12g4\"]"), JSON_NOT_JSON, 6,
		    "bad escape inside a string" },
		{ "misspelt word", BODY("[trie]"), JSON_NOT_JSON, 3, "unknown word" },
		{ "NaN", BODY("[NaN]"), JSON_NOT_JSON, 1, "unexpected character" },
		{ "plus", BODY("[+1]"), JSON_NOT_JSON, 1, "unexpected character" },
		{ "leading zero", BODY("[01]"), JSON_NOT_JSON, 2, "unexpected character" },
		{ "no digit behind the point", BODY("[1.]"), JSON_NOT_JSON, 3, "bad number" },
		{ "minus alone", BODY("[-]"), JSON_NOT_JSON, 2, "bad number" },
		{ "vertical tab", BODY("{\v}"), JSON_NOT_JSON, 1, "unexpected character" },
		{ "form feed behind", BODY("{}\f"), JSON_NOT_JSON, 2,
		    "something follows the value" },
		{ "form feed behind an error", BODY("{x\f}"), JSON_NOT_JSON, 1, NULL },
		{ "backslash outside", BODY("\\ud800"), JSON_NOT_JSON, 0, NULL },
		{ "UTF-16", BODY("\0{\0}"), JSON_NOT_JSON, 0, "unexpected character" },

		{ "Latin-1", BODY("{\"a\":\"\xe9t\xe9\"}"), JSON_NOT_UTF8, 6, "not UTF-8" },
		{ "UTF-16 with mark", BODY("\xff\xfe{\0"), JSON_NOT_UTF8, 0, NULL },
		{ "overlong", BODY("[\"\xc0\x80\"]"), JSON_NOT_UTF8, 2, NULL },
		{ "overlong, three", BODY("[\"\xe0\x80\x80\"]"), JSON_NOT_UTF8, 2, NULL },
		{ "surrogate as bytes", BODY("[\"a\xed\xa0\x80\"]"), JSON_NOT_UTF8, 3, NULL },
		{ "too large", BODY("[\"\xf4\x90\x80\x80\"]"), JSON_NOT_UTF8, 2, NULL },
		{ "continuation alone", BODY("[\"abcdefghijklmnop\x80\"]"), JSON_NOT_UTF8, 18,
		    NULL },
		{ "cut short", BODY("[\"\xe2\x82\"]"), JSON_NOT_UTF8, 2, NULL },
		{ "behind a backslash", BODY("[\"\\\xff\"]"), JSON_NOT_UTF8, 3, NULL },
		{ "behind another error", BODY("x\xff"), JSON_NOT_UTF8, 1, NULL },
		{ "last byte wrong", BODY("{}\xff"), JSON_NOT_UTF8, 2, NULL },
		{ "behind a mark", BODY("\xef\xbb\xbf[\xff"), JSON_NOT_UTF8, 4, NULL },
	};
	struct json_error error;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct arena *a = arena_new();

		if (json_read(a, rows[i].body, rows[i].len, &error) != NULL)
			fail_msg("%s: was read", rows[i].name);
		if (error.fault != rows[i].fault || error.offset != rows[i].offset
		    || (rows[i].detail != NULL && strcmp(error.detail, rows[i].detail) != 0))
			fail_msg("%s: fault %d offset %zu detail %s", rows[i].name, error.fault,
			    error.offset, error.detail);
		arena_free(a);
	}
}

/* Read and written again: shows the whole tree. */
static void test_good_bodies(void **state)
{
	static const struct {
		const char *name, *body, *again;
	} rows[] = {
		{ "empty object", "{}", "{}" },
		{ "blanks around", " \r\n[ ] \t", "[]" },
		{ "mark", "\xef\xbb\xbf{\"a\":1}", "{\"a\":1}" },
		{ "all types", "{\"a\":[true,false,null,\"x\",-1.5e3,{}]}",
		    "{\"a\":[true,false,null,\"x\",-1.5e3,{}]}" },
		{ "number alone", "12", "12" },
		{ "number and blank", "12 ", "12" },
		{ "string alone", "\"x\"", "\"x\"" },
		{ "word alone", "true", "true" },
		{ "large number stays whole", "[12345678901234567890123]",
		    "[12345678901234567890123]" },
		{ "numbers before every end", "{\"a\":1,\"b\":[2,3],\"c\":4}",
		    "{\"a\":1,\"b\":[2,3],\"c\":4}" },
		{ "empty texts", "{\"\":\"\"}", "{\"\":\"\"}" },
		{ "short escapes", "[\"\\b\\f\\n\\r\\t\\\\\\/\\\"\"]",
		    "[\"\\b\\f\\n\\r\\t\\\\/\\\"\"]" },
		{ "raw text", "[\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"]",
		    "[\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"]" },
		{ "escaped text", "[\"\\u00e9\\u20ac\\ud83d\\ude00\"]",
		    "[\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"]" },
		{ "lone high", "[\"a\\ud83d\"]", "[\"a\xef\xbf\xbd\"]" },
		{ "lone high, upper case", "[\"a\\uD83Dz\"]", "[\"a\xef\xbf\xbdz\"]" },
		{ "lone low", "[\"\\ude00z\"]", "[\"\xef\xbf\xbdz\"]" },
		{ "high and no low", "[\"\\ud83d\\u005a\"]", "[\"\xef\xbf\xbdZ\"]" },
		{ "two highs and a low", "[\"\\ud83d\\ud83d\\ude00\"]",
		    "[\"\xef\xbf\xbd\xf0\x9f\x98\x80\"]" },
		{ "low and high", "[\"\\ude00\\ud83d\"]", "[\"\xef\xbf\xbd\xef\xbf\xbd\"]" },
		{ "not an escape", "[\"\\\\ud83d\"]", "[\"\\\\ud83d\"]" },
		{ "backslash, then lone", "[\"\\\\\\ud83d\"]", "[\"\\\\\xef\xbf\xbd\"]" },
		{ "lone before the quote", "[\"\\ud83d\",\"\\ude00\"]",
		    "[\"\xef\xbf\xbd\",\"\xef\xbf\xbd\"]" },
		{ "NUL escapes", "[\"a\\u0000b\\u0000\",\"\\u0000\"]", "[\"ab\",\"\"]" },
		{ "NUL in a key", "{\"a\\u0000b\":1}", "{\"ab\":1}" },
		{ "lone in a key", "{\"\\ud800\":1}", "{\"\xef\xbf\xbd\":1}" },
		{ "same key twice", "{\"a\":1,\"a\":2}", "{\"a\":1,\"a\":2}" },
		{ "last character of all", "[\"\xf4\x8f\xbf\xbf\"]", "[\"\xf4\x8f\xbf\xbf\"]" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct arena *a = arena_new();
		struct json_out *o = json_out_new(a);
		struct json *j = read_text(a, rows[i].body);

		if (j == NULL)
			fail_msg("%s: not read", rows[i].name);
		json_put(o, j);
		if (strcmp(json_done(o, NULL), rows[i].again) != 0)
			fail_msg("%s: %s", rows[i].name, json_done(o, NULL));
		arena_free(a);
	}
}

static void test_input_is_left_alone(void **state)
{
	static const char body[] = "{\"a\":\"b\",\"c\":\"\\ud800\",\"d\":1}";
	char before[sizeof(body)];
	struct arena *a = arena_new();
	struct json *j;

	(void)state;
	memcpy(before, body, sizeof(body));
	j = read_text(a, before);
	assert_memory_equal(before, body, sizeof(body));
	memset(before, 'x', sizeof(before));
	assert_string_equal(json_text(j, "a"), "b");
	assert_string_equal(json_id(j, "d"), "1");
	arena_free(a);
}

static void test_depth(void **state)
{
	struct arena *a = arena_new();
	struct json_error error;
	char body[1024];

	(void)state;
	memset(body, '[', 64);
	memset(body + 64, ']', 64);
	assert_non_null(json_read(a, body, 128, &error));
	assert_int_equal(error.fault, JSON_OK);
	memset(body, '[', 512);
	memset(body + 512, ']', 512);
	assert_null(json_read(a, body, 1024, &error));
	assert_int_equal(error.fault, JSON_TOO_DEEP);
	assert_int_equal(error.offset, 64);
	memcpy(body, "\xef\xbb\xbf", 3); /* the mark counts */
	assert_null(json_read(a, body, 1024, &error));
	assert_int_equal(error.fault, JSON_TOO_DEEP);
	assert_int_equal(error.offset, 67);
	arena_free(a);
}

static void test_cut_everywhere(void **state)
{
	static const char body[] = "{\"a\":[1.5,\"x\\n\xc3\xa9\\u00e9\",true],\"b\":{\"c\":null}}";
	struct arena *a = arena_new();
	struct json_error error;
	size_t len;

	(void)state;
	for (len = 1; len < sizeof(body) - 1; len++) {
		assert_null(json_read(a, body, len, &error));
		assert_int_equal(error.fault, JSON_TRUNCATED);
		assert_int_equal(error.offset, len);
		arena_reset(a);
	}
	assert_non_null(json_read(a, body, len, &error));
	arena_free(a);
}

static const char *or_null(const char *s)
{
	return s != NULL ? s : "(null)";
}

static void test_paths(void **state)
{
	static const struct {
		const char *path, *text, *id;
		int64_t number;
	} rows[] = {
		{ "s", "x", "x", -7 },
		{ "n", "(null)", "12", 12 },
		{ "deep.list.1.id", "9", "9", 9 },
		{ "deep.list.0.id", "(null)", "8", 8 },
		{ "deep.list.2.id", "(null)", "(null)", -7 },
		{ "deep.list.x", "(null)", "(null)", -7 },
		{ "deep.list.-1", "(null)", "(null)", -7 },
		{ "deep", "(null)", "(null)", -7 },
		{ "s.x", "(null)", "(null)", -7 },
		{ "missing.x", "(null)", "(null)", -7 },
		{ "fraction", "(null)", "-2.9", -2 },
		{ "exponent", "(null)", "1e3", -7 },
		{ "large", "(null)", "9223372036854775807", INT64_MAX },
		{ "larger", "(null)", "9223372036854775808", -7 },
		{ "least", "(null)", "-9223372036854775808", INT64_MIN },
		{ "words", "12 apples", "12 apples", -7 },
		{ "blank", "", "", -7 },
		{ "null", "(null)", "(null)", -7 },
		{ "twice", "second", "second", -7 },
	};
	struct arena *a = arena_new();
	const struct json *j;
	size_t i;

	(void)state;
	j = read_text(a,
	    "{\"s\":\"x\",\"n\":12,\"deep\":{\"list\":[{\"id\":8},{\"id\":\"9\"}]},"
	    "\"fraction\":-2.9,\"exponent\":1e3,\"large\":9223372036854775807,"
	    "\"larger\":9223372036854775808,\"least\":-9223372036854775808,"
	    "\"words\":\"12 apples\",\"blank\":\"\",\"null\":null,\"yes\":true,"
	    "\"no\":false,\"twice\":\"first\",\"twice\":\"second\",\"a.b\":\"dot\"}");
	assert_non_null(j);
	for (i = 0; i < COUNT(rows); i++) {
		assert_string_equal(or_null(json_text(j, rows[i].path)), rows[i].text);
		assert_string_equal(or_null(json_id(j, rows[i].path)), rows[i].id);
		assert_int_equal(json_int(j, rows[i].path, -7), rows[i].number);
	}
	assert_true(json_true(j, "yes"));
	assert_false(json_true(j, "no"));
	assert_false(json_true(j, "s"));
	assert_int_equal(json_array(j, "deep.list")->count, 2);
	assert_null(json_object(j, "deep.list"));
	assert_non_null(json_object(j, "deep"));
	assert_string_equal(json_member(j, "a.b")->text, "dot");
	assert_null(json_member(j, "a"));
	assert_null(json_at(NULL, "a"));
	assert_null(json_text(json_at(j, "missing"), "x"));
	assert_ptr_equal(json_at(j, ""), j);
	assert_string_equal(json_text(json_at(j, "s"), ""), "x");
	arena_free(a);
}

/* Seven mebibytes of the worst kinds. What is not linear would not come back in time. */
static void test_large(void **state)
{
	static const char *const pieces[] = { "[],", "1,", "\"\\ud800\",", "\"a\",", "{\"a\":1},",
		"\\", "\"", "\xf0\x9f\x98\x80", "[" };
	const size_t size = 7u << 20;
	size_t i, at, len;

	(void)state;
	for (i = 0; i < COUNT(pieces); i++) {
		struct arena *a = arena_new();
		struct json_error error;
		char *body = arena_alloc(a, size);

		len = strlen(pieces[i]);
		body[0] = '[';
		for (at = 1; at + len < size; at += len)
			memcpy(body + at, pieces[i], len);
		body[at - 1] = ']';
		(void)json_read(a, body, at, &error);
		if (i < 5)
			assert_int_equal(error.fault, JSON_OK);
		else
			assert_int_not_equal(error.fault, JSON_OK);
		arena_free(a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_bodies),
		cmocka_unit_test(test_good_bodies),
		cmocka_unit_test(test_input_is_left_alone),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_cut_everywhere),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
