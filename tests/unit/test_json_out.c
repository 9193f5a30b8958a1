/* What is written, byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/json_in.h"
#include "base/json_out.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void test_members(void **state)
{
	struct arena *a = arena_new();
	struct json_out *o = json_out_new(a);
	const char *text;
	size_t len;

	(void)state;
	json_begin_object(o);
	json_member_text(o, "text", "x");
	json_member_text(o, "left out", NULL);
	json_member_text_or_null(o, "null", NULL);
	json_member_text_or_null(o, "not null", "y");
	json_member_int(o, "least", INT64_MIN);
	json_member_bool(o, "yes", true);
	json_member_id(o, "no id", NULL);
	json_key(o, "list");
	json_begin_array(o);
	json_put_int(o, 1);
	json_put_bool(o, false);
	json_put_null(o);
	json_put_number(o, "1.50");
	json_put_raw(o, "{\"raw\": [1]}", 12);
	json_begin_object(o);
	json_end_object(o);
	json_end_array(o);
	json_end_object(o);
	text = json_done(o, &len);
	assert_string_equal(text,
	    "{\"text\":\"x\",\"null\":null,\"not null\":\"y\","
	    "\"least\":-9223372036854775808,\"yes\":true,"
	    "\"list\":[1,false,null,1.50,{\"raw\": [1]},{}]}");
	assert_int_equal(len, strlen(text));
	arena_free(a);
}

static void test_texts(void **state)
{
	static const struct {
		const char *name, *text;
		size_t len;
		const char *json;
	} rows[] = {
		{ "raw UTF-8", "\xc3\xa9\xf0\x9f\x98\x80", 6, "\"\xc3\xa9\xf0\x9f\x98\x80\"" },
		{ "only what must be is escaped", "a/b\"c\\d\n\t\x01\x7f", 11,
		    "\"a/b\\\"c\\\\d\\n\\t\\u0001\x7f\"" },
		{ "invalid byte", "a\xffz", 3, "\"a\xef\xbf\xbdz\"" },
		{ "surrogate as bytes", "\xed\xa0\x80", 3,
		    "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "cut character", "a\xe2\x82", 3, "\"a\xef\xbf\xbd\"" },
		{ "NUL", "a\0b", 3, "\"a\\u0000b\"" },
		{ "empty", "", 0, "\"\"" },
	};
	struct arena *a = arena_new();
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct json_out *o = json_out_new(a);

		json_put_text_len(o, rows[i].text, rows[i].len);
		assert_string_equal(json_done(o, NULL), rows[i].json);
	}
	arena_free(a);
}

static void test_ids(void **state)
{
	static const struct {
		const char *id, *json;
	} rows[] = {
		{ "12", "{\"id\":12}" },
		{ "0", "{\"id\":0}" },
		{ "012", "{\"id\":\"012\"}" },
		{ "123456789012345678", "{\"id\":123456789012345678}" },
		{ "1234567890123456789", "{\"id\":\"1234567890123456789\"}" },
		{ "-1", "{\"id\":\"-1\"}" },
		{ "5e2c", "{\"id\":\"5e2c\"}" },
		{ "", "{\"id\":\"\"}" },
	};
	struct arena *a = arena_new();
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct json_out *o = json_out_new(a);

		json_begin_object(o);
		json_member_id(o, "id", rows[i].id);
		json_end_object(o);
		assert_string_equal(json_done(o, NULL), rows[i].json);
	}
	arena_free(a);
}

static void test_grows(void **state)
{
	struct arena *a = arena_new();
	struct json_out *o = json_out_new(a);
	struct json_error error;
	const char *text;
	struct json *j;
	size_t len;
	int i;

	(void)state;
	json_begin_array(o);
	for (i = 0; i < 100000; i++)
		json_put_int(o, i);
	json_end_array(o);
	text = json_done(o, &len);
	assert_int_equal(len, strlen(text));
	j = json_read(a, text, len, &error);
	assert_int_equal(j->count, 100000);
	assert_int_equal(json_int(j, "99999", -1), 99999);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
