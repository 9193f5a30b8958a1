/* The ids we choose, against values that openssl computed from the same parts. Whatever changes here
 * is not known again on the platforms: a row may be added, never altered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "core/ids.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define PROJECT "5e2c35c8f0dbc10017bb3aac"

static struct keys keys;

/* The key of every vector: bytes 00 to 1f. */
static int set_keys(void **state)
{
	unsigned char key[INSTANCE_KEY_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(key); i++)
		key[i] = (unsigned char)i;
	keys_init(&keys, key);
	return 0;
}

static void test_instance_and_bridge(void **state)
{
	char tag[BRIDGE_TAG_SIZE];

	(void)state;
	assert_string_equal(keys.inst, "630dcd29");
	ids_bridge_tag("support", tag);
	assert_string_equal(tag, "a18603");
}

static void test_roots(void **state)
{
	const struct {
		struct root root;
		const char *text;
	} rows[] = {
		{ ids_root("smartify", "panel.smartifyai.in", PROJECT, "5e2c6b958c9612001716bede"),
		    "94494511ff7b18c5351b" },
		{ ids_root_of_conversation("chatwoot", "chat.example.com", "1", "57"),
		    "f1e74b5e597de4f396e3" },
		{ ids_root_of_edit("smartsender", "api.smartsender.com", "77", "9001",
		      "2026-03-05T09:23:10.178Z"),
		    "374f55aeffaa3bc68f63" },
		{ ids_root_of_edit("chatwoot", "chat.example.com", "1", "40890", NULL),
		    "0eb390e608b04699ae46" },
		{ ids_root_of_delete("chatwoot", "chat.example.com", "1", "40890", NULL),
		    "c8e326557c30acd571f9" },
	};
	char text[ROOT_TEXT_SIZE];
	struct root again;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		assert_string_equal(root_format(&rows[i].root, text), rows[i].text);
		assert_int_equal(root_parse(text, &again), 0);
		assert_true(root_equal(&again, &rows[i].root));
	}
	assert_false(root_equal(&rows[0].root, &rows[1].root));
	assert_int_equal(root_parse("94494511ff7b18c5351", &again), -1);
	assert_int_equal(root_parse("94494511ff7b18c5351b0", &again), -1);
	assert_int_equal(root_parse("94494511FF7B18C5351B", &again), -1);
	assert_int_equal(root_parse("", &again), -1);
}

static void test_marks_are_built(void **state)
{
	static const struct {
		char kind;
		int hop;
		const char *root;
		int part;
		const char *mark;
	} rows[] = {
		{ 'm', 1, "94494511ff7b18c5351b", 0,
		    "tl1:630dcd29:a18603:m1:94494511ff7b18c5351b:0:03b7872a" },
		{ 'm', 2, "94494511ff7b18c5351b", 3,
		    "tl1:630dcd29:a18603:m2:94494511ff7b18c5351b:3:4acf5823" },
		{ 'n', 1, "94494511ff7b18c5351b", 0,
		    "tl1:630dcd29:a18603:n1:94494511ff7b18c5351b:0:15c7d2fa" },
		{ 'c', 1, "f1e74b5e597de4f396e3", 1,
		    "tl1:630dcd29:a18603:c1:f1e74b5e597de4f396e3:1:6da8562f" },
		{ 'h', 4, "f1e74b5e597de4f396e3", 12,
		    "tl1:630dcd29:a18603:h4:f1e74b5e597de4f396e3:12:771b33e7" },
	};
	char out[MARK_TEXT_SIZE];
	struct root root;
	struct mark m;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		assert_int_equal(root_parse(rows[i].root, &root), 0);
		mark_build(&keys, "a18603", rows[i].kind, rows[i].hop, &root, rows[i].part, out);
		assert_string_equal(out, rows[i].mark);
		assert_true(mark_read(&keys, out, &m));
		assert_true(m.ours);
		assert_false(m.forged);
		assert_string_equal(m.inst, "630dcd29");
		assert_string_equal(m.bridge, "a18603");
		assert_int_equal(m.kind, rows[i].kind);
		assert_int_equal(m.hop, rows[i].hop);
		assert_true(root_equal(&m.root, &root));
		assert_int_equal(m.part, rows[i].part);
	}
	mark_build(&keys, "a18603", 'c', 4, &root, MARK_PART_MAX, out);
	assert_true(mark_read(&keys, out, &m));
	assert_int_equal(m.part, MARK_PART_MAX);
}

static void test_marks_are_judged(void **state)
{
	static const struct {
		const char *name, *text;
		bool is_mark, ours, forged;
	} rows[] = {
		{ "ours", "tl1:630dcd29:a18603:m1:94494511ff7b18c5351b:0:03b7872a", true, true,
		    false },
		{ "another's", "tl1:630dcd28:a18603:m1:94494511ff7b18c5351b:0:03b7872a", true,
		    false, false },
		{ "wrong mac", "tl1:630dcd29:a18603:m1:94494511ff7b18c5351b:0:03b7872b", false,
		    false, true },
		{ "other root", "tl1:630dcd29:a18603:m1:94494511ff7b18c5351c:0:03b7872a", false,
		    false, true },
		{ "other hop", "tl1:630dcd29:a18603:m2:94494511ff7b18c5351b:0:03b7872a", false,
		    false, true },
		{ "other bridge", "tl1:630dcd29:a18604:m1:94494511ff7b18c5351b:0:03b7872a", false,
		    false, true },
		{ "other version", "tl2:630dcd29:a18603:m1:94494511ff7b18c5351b:0:03b7872a" },
		{ "none", NULL },
		{ "empty", "" },
		{ "only the beginning", "tl1:" },
		{ "a person", "tl1-fbe7941bd3b540fb0adcae67c46e6a06" },
		{ "cut", "tl1:630dcd29:a18603:m1:94494511ff7b18c5351b:0:03b7872" },
		{ "more behind", "tl1:630dcd29:a18603:m1:94494511ff7b18c5351b:0:03b7872a " },
		{ "upper case", "tl1:630DCD29:a18603:m1:94494511ff7b18c5351b:0:03b7872a" },
		{ "unknown kind", "tl1:630dcd29:a18603:x1:94494511ff7b18c5351b:0:03b7872a" },
		{ "no kind", "tl1:630dcd29:a18603:" },
		{ "no hop", "tl1:630dcd29:a18603:m:94494511ff7b18c5351b:0:03b7872a" },
		{ "hop nought", "tl1:630dcd29:a18603:m0:94494511ff7b18c5351b:0:03b7872a" },
		{ "hop of two digits", "tl1:630dcd29:a18603:m10:94494511ff7b18c5351b:0:03b7872a" },
		{ "no part", "tl1:630dcd29:a18603:m1:94494511ff7b18c5351b::03b7872a" },
		{ "part 00", "tl1:630dcd29:a18603:m1:94494511ff7b18c5351b:00:03b7872a" },
		{ "huge part", "tl1:630dcd29:a18603:m1:94494511ff7b18c5351b:1000000:03b7872a" },
		{ "negative part", "tl1:630dcd29:a18603:m1:94494511ff7b18c5351b:-1:03b7872a" },
		{ "longer root", "tl1:630dcd29:a18603:m1:94494511ff7b18c5351bb:0:03b7872a" },
		{ "blank in front", " tl1:630dcd29:a18603:m1:94494511ff7b18c5351b:0:03b7872a" },
	};
	struct mark m;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		if (mark_read(&keys, rows[i].text, &m) != rows[i].is_mark || m.ours != rows[i].ours
		    || m.forged != rows[i].forged)
			fail_msg("%s", rows[i].name);
}

static void test_derived(void **state)
{
	struct arena *a = arena_new();

	(void)state;
	assert_string_equal(ids_hmac32(a, &keys,
				IDS_PARTS("ci", "smartify:" PROJECT ":wab-447700900123",
				    "chat.example.com", "1", "12")),
	    "fbe7941bd3b540fb0adcae67c46e6a06");
	assert_string_equal(ids_sha32(a, IDS_PARTS("person", "tel:+15555550123", PROJECT)),
	    "fe88109033420b586ccea880f20cf5dc");
	assert_string_equal(ids_hmac32(a, &keys,
				IDS_PARTS("rq", "support", "f1e74b5e597de4f396e3", "1")),
	    "e3fdabca3999c2946c8173e7d035d714");
	/* What tells one version of a message, or of a contact, from the next. */
	assert_string_equal(ids_sha16(a, IDS_PARTS("hello", NULL, "")), "50adea61fa4e77ab");
	assert_string_equal(ids_sha16(a,
				IDS_PARTS("Pick one", "131026: not on WhatsApp",
				    "[{\"title\":\"Yes\",\"value\":\"y\"}]")),
	    "247ae856842653b2");
	assert_string_equal(ids_sha16(a,
				IDS_PARTS("John", "john@example.com", "+15555550123",
				    "tel:+15555550123", NULL)),
	    "cceb53d216be79c1");
	assert_string_equal(ids_sha16(a, IDS_PARTS("")), "e3b0c44298fc1c14");
	arena_free(a);
}

static void test_identities(void **state)
{
	char long_key[201], longest[201 + 64];
	struct arena *a = arena_new();

	(void)state;
	memset(long_key, 'a', 200);
	long_key[200] = '\0';
	assert_string_equal(ids_identity(a, "smartify", PROJECT, "panel.smartifyai.in", PROJECT,
				"wab-447700900123"),
	    "smartify:" PROJECT ":wab-447700900123");
	assert_string_equal(ids_identity(a, "smartify", PROJECT, "panel.smartifyai.in", PROJECT,
				"WAB-447700900123"),
	    "smartify:~0c07173944b0d0c38eafb13d3f663084");
	assert_string_equal(ids_identity(a, "smartify", PROJECT, "panel.smartifyai.in", PROJECT,
				long_key),
	    "smartify:~f1366825472d74716408d2b7d8e7b0f7");
	snprintf(longest, sizeof(longest), "smartify:" PROJECT ":%.166s", long_key);
	assert_int_equal(strlen(longest), 200);
	assert_string_equal(ids_identity(a, "smartify", PROJECT, "panel.smartifyai.in", PROJECT,
				longest + 34),
	    longest);
	/* A key of two parts: inbox and contact inbox. */
	assert_string_equal(ids_identity(a, "chatwoot", NULL, "chat.example.com", "1",
				"12\n5c2ae5ae-3e0b-4c1d-9a20-1c4f1d2c7a77"),
	    "chatwoot:~f8ddba2fe7f77d43b09252fe2bdadeb0");
	assert_string_equal(ids_identity(a, "syniverse", NULL, "api.syniverse.com", "acme",
				"12345"),
	    "syniverse:~40faff36325c851fd2318c903fe39aa5");
	arena_free(a);
}

static void test_phones(void **state)
{
	static const struct {
		const char *phone, *identity;
	} rows[] = {
		{ "+15555550123", "tel:+15555550123" },
		{ "15555550123", "tel:+15555550123" },
		{ "+44 (7700) 900-123", "tel:+447700900123" },
		{ "+1234567", "tel:+1234567" },
		{ "+123456789012345", "tel:+123456789012345" },
		{ "+1234567890123456", NULL },
		{ "12345", NULL },
		{ "07700900123", NULL },
		{ "+0123456789", NULL },
		{ "ACME", NULL },
		{ "+1555555012x", NULL },
		{ "++15555550123", NULL },
		{ "", NULL },
		{ "+", NULL },
	};
	struct arena *a = arena_new();
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		const char *identity = ids_identity_of_phone(a, rows[i].phone);

		if (rows[i].identity == NULL)
			assert_null(identity);
		else
			assert_string_equal(identity, rows[i].identity);
	}
	arena_free(a);
}

/* One part of one message, whoever has written its copy. */
static void test_copies(void **state)
{
	static const unsigned char other_key[INSTANCE_KEY_SIZE] = { 9 };
	struct keys others;
	struct root root = ids_root("chatwoot", "chat.example.com", "1", "57");
	struct root second = ids_root("chatwoot", "chat.example.com", "1", "58");
	const struct {
		const struct keys *by;
		const char *tag;
		char kind;
		int hop;
		const struct root *root;
		int part;
		bool is_same;
	} rows[] = {
		{ &keys, "a18603", 'm', 1, &root, 0, true },
		{ &keys, "a18603", 'h', 1, &root, 0, true },
		{ &others, "a18603", 'm', 2, &root, 0, true },
		{ &others, "bbbbbb", 'h', 1, &root, 0, true }, /* it may have been called so */
		{ &keys, "bbbbbb", 'm', 1, &root, 0, false },
		{ &others, "a18603", 'm', 1, &root, 1, false },
		{ &others, "a18603", 'm', 1, &second, 0, false },
		{ &others, "a18603", 'n', 1, &root, 0, false },
		{ &others, "a18603", 'd', 1, &root, 0, false },
	};
	char ours[MARK_TEXT_SIZE], there[MARK_TEXT_SIZE];
	size_t i;

	(void)state;
	keys_init(&others, other_key);
	mark_build(&keys, "a18603", 'm', 1, &root, 0, ours);
	for (i = 0; i < COUNT(rows); i++) {
		mark_build(rows[i].by, rows[i].tag, rows[i].kind, rows[i].hop, rows[i].root,
		    rows[i].part, there);
		if (mark_is_of_same(&keys, there, ours) != rows[i].is_same)
			fail_msg("row %zu", i);
	}
	mark_build(&keys, "a18603", 'm', 1, &root, 0, there);
	there[strlen(there) - 1] = there[strlen(there) - 1] == '0' ? '1' : '0'; /* forged */
	assert_false(mark_is_of_same(&keys, there, ours));
	assert_false(mark_is_of_same(&keys, NULL, ours));
	assert_false(mark_is_of_same(&keys, "hello", ours));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_instance_and_bridge),
		cmocka_unit_test(test_roots),
		cmocka_unit_test(test_marks_are_built),
		cmocka_unit_test(test_marks_are_judged),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_derived),
		cmocka_unit_test(test_identities),
		cmocka_unit_test(test_phones),
	};

	return cmocka_run_group_tests(tests, set_keys, NULL);
}
