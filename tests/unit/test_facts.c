/* What is news of a fact, what is to be written of it, in which forms they are compared, and by which map. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/json_in.h"
#include "base/options.h"
#include "core/facts.h"

static struct arena *a;

static int set_up(void **state)
{
	(void)state;
	a = arena_new();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(a);
	return 0;
}

static void assert_text(const char *is, const char *wanted, const char *row)
{
	if (is == NULL || wanted == NULL ? is != wanted : strcmp(is, wanted) != 0)
		fail_msg("%s: \"%s\", not \"%s\"", row, is != NULL ? is : "(none)",
		    wanted != NULL ? wanted : "(none)");
}

static void test_hear(void **state)
{
	static const struct {
		const char *row, *seen, *ours, *was, *told;
		enum hearing heard;
		const char *now_seen, *now_was;
	} rows[] = {
		{ "the first word", NULL, NULL, NULL, "Ann", HEARD_CHANGE, "Ann", NULL },
		{ "the same again", "Ann", NULL, NULL, "Ann", HEARD_NOTHING, "Ann", NULL },
		{ "another", "Ann", NULL, NULL, "Bea", HEARD_CHANGE, "Bea", NULL },
		{ "what we wrote", "Ann", "Bea", "Ann", "Bea", HEARD_ECHO, "Bea", NULL },
		{ "late, from before we wrote", "Ann", "Bea", "Ann", "Ann", HEARD_NOTHING, "Ann",
		    "Ann" },
		{ "people were quicker than our echo", "Ann", "Bea", "Ann", "Cid", HEARD_CHANGE,
		    "Cid", NULL },
		{ "our echo, told once more", "Bea", "Bea", NULL, "Bea", HEARD_NOTHING, "Bea",
		    NULL },
		{ "back to what both agreed on", "Cid", "Bea", NULL, "Bea", HEARD_ECHO, "Bea",
		    NULL },
		{ "taken away", "Ann", "Ann", NULL, "", HEARD_CHANGE, "", NULL },
	};
	struct fact_record r;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&r, 0, sizeof(r));
		r.seen.v[FACT_NAME] = rows[i].seen;
		r.ours.v[FACT_NAME] = rows[i].ours;
		r.was.v[FACT_NAME] = rows[i].was;
		if (fact_hear(&r, FACT_NAME, rows[i].told) != rows[i].heard)
			fail_msg("%s", rows[i].row);
		assert_text(r.seen.v[FACT_NAME], rows[i].now_seen, rows[i].row);
		assert_text(r.was.v[FACT_NAME], rows[i].now_was, rows[i].row);
	}
}

static void test_to_write(void **state)
{
	static const struct {
		const char *row;
		enum fact f;
		const char *wanted, *ours, *current, *write;
	} rows[] = {
		{ "nothing is said", FACT_NAME, NULL, "Ann", "Ann", NULL },
		{ "as we left it", FACT_NAME, "Bea", "Ann", "Ann", "Bea" },
		{ "it is so already", FACT_NAME, "Bea", "Ann", "Bea", NULL },
		{ "nothing new", FACT_NAME, "Ann", "Ann", "Cid", NULL },
		{ "an agent's own", FACT_NAME, "Bea", "Ann", "Cid", NULL },
		{ "it is empty there", FACT_EMAIL, "a@x.de", NULL, NULL, "a@x.de" },
		{ "not ours, and full", FACT_EMAIL, "a@x.de", NULL, "b@x.de", NULL },
		{ "nobody any more", FACT_AGENT, "", "7", "7", "" },
		{ "nobody, and never ours", FACT_AGENT, "", NULL, "7", NULL },
		{ "what every conversation has", FACT_PRIORITY, "high", NULL, "medium", "high" },
		{ "it had one before us", FACT_PRIORITY, "high", NULL, "low", NULL },
		{ "the last word", FACT_PRIORITY, "high", "medium", "low", "high" },
		{ "none is as good as the usual", FACT_PRIORITY, "medium", "high", "", NULL },
		{ "somebody else took it", FACT_AGENT, "8", "7", "9", "8" },
		{ "a label more", FACT_LABELS, "[\"a\",\"b\"]", "[\"a\"]", "[\"a\",\"x\"]",
		    "[\"a\",\"b\",\"x\"]" },
		{ "a label less", FACT_LABELS, "[]", "[\"a\"]", "[\"a\",\"x\"]", "[\"x\"]" },
		{ "taken away there, and wanted as before", FACT_LABELS, "[\"a\"]", "[\"a\"]", "[]",
		    NULL },
		{ "the first labels", FACT_LABELS, "[\"a\"]", NULL, NULL, "[\"a\"]" },
		{ "none, and some that are theirs", FACT_LABELS, "[]", NULL, "[\"x\"]", NULL },
		{ "an attribute more", FACT_ATTRIBUTES, "{\"n\":5}", NULL, "{\"x\":1}",
		    "{\"n\":5}" },
		{ "one that people have changed", FACT_ATTRIBUTES, "{\"n\":5}", "{\"n\":4}",
		    "{\"n\":9}", NULL },
		{ "one that goes", FACT_ATTRIBUTES, "{}", "{\"n\":4}", "{\"n\":4,\"x\":1}",
		    "{\"n\":null}" },
		{ "a text is no number", FACT_ATTRIBUTES, "{\"n\":\"4\"}", "{\"n\":4}", "{\"n\":4}",
		    "{\"n\":\"4\"}" },
		{ "as it is", FACT_ATTRIBUTES, "{\"n\":4}", NULL, "{\"n\":4}", NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_text(fact_to_write(a, rows[i].f, rows[i].wanted, rows[i].ours,
				rows[i].current),
		    rows[i].write, rows[i].row);
}

static void test_forms(void **state)
{
	static const struct {
		enum fact f;
		const char *text, *form;
		bool valid;
	} rows[] = {
		{ FACT_NAME, "  Ann\n Lee ", "Ann Lee", true },
		{ FACT_NAME, " \t", NULL, false },
		{ FACT_EMAIL, "Ann@Example.COM", "ann@example.com", true },
		{ FACT_EMAIL, "ann at example.com", "ann at example.com", false },
		{ FACT_EMAIL, "ann@localhost", "ann@localhost", false },
		{ FACT_PHONE, "+44 7700 900-123", "+447700900123", true },
		{ FACT_PHONE, "+0123", "+0123", false },
		{ FACT_PHONE, "07700 900123", "07700 900123", false },
		{ FACT_PHONE, "+1234567890123456", "+1234567890123456", false },
		{ FACT_AVATAR, "https://x.example/a.png", "https://x.example/a.png", true },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *form = fact_form(a, rows[i].f, rows[i].text);

		assert_text(form, rows[i].form, rows[i].text);
		assert_int_equal(form != NULL && fact_is_valid(a, rows[i].f, form), rows[i].valid);
	}
}

static void test_text(void **state)
{
	struct facts f = { .v = { [FACT_NAME] = "Ann \"A\" Lee",
			       [FACT_LABELS] = "[\"a\"]",
			       [FACT_AGENT] = "" } },
		     back;
	int i;

	(void)state;
	assert_text(facts_text(a, &f),
	    "{\"name\":\"Ann \\\"A\\\" Lee\",\"agent\":\"\",\"labels\":\"[\\\"a\\\"]\"}",
	    "written");
	facts_read(a, facts_text(a, &f), &back);
	for (i = 0; i < FACT_COUNT; i++)
		assert_text(back.v[i], f.v[i], fact_word((enum fact)i));
	facts_read(a, NULL, &back);
	assert_null(facts_text(a, &back));
}

static void test_maps(void **state)
{
	static const char *const keys[] = { "vip", "*", "Refund" };
	static const char *const values[] = { "important", "other", "money back" };
	const struct option_map m = { .keys = keys, .values = values, .count = 3 };
	const struct option_map same = { .same = true }, none = { 0 };

	(void)state;
	assert_text(map_to(&m, "VIP", true), "important", "by name");
	assert_text(map_to(&m, "x", true), "other", "all others");
	assert_text(map_to(&m, "Important", false), "vip", "and back");
	assert_text(map_to(&m, "other", false), NULL, "which of the others, nobody knows");
	assert_text(map_to(&same, "x", true), "x", "same");
	assert_text(map_to(&none, "x", true), NULL, "not mapped");
	assert_text(map_labels(a, &m, "[\"refund\",\"vip\",\"x\",\"y\"]", true),
	    "[\"important\",\"money back\",\"other\"]", "labels");
	assert_text(map_labels(a, &m, "[\"important\",\"theirs\"]", false), "[\"vip\"]", "back");
	assert_text(map_labels_here(a, &none, "[\"a\"]", true), "[]", "those that are carried");
	assert_text(map_attributes(a, &m, "{\"refund\":12.50,\"vip\":true,\"o\":{}}", true),
	    "{\"money back\":12.50,\"important\":true}", "attributes");
	assert_text(map_attributes_here(a, &m, "{\"important\":1,\"z\":2}", false),
	    "{\"important\":1}", "those that are carried");
}

static void test_lists(void **state)
{
	static const char *const labels[] = { "b", "a", "B", "c" };
	struct json_error error;
	const char *text = "{\"z\":1,\"tieline\":\"tl1\",\"a\":\"x\",\"o\":{\"b\":1},\"n\":null}";

	(void)state;
	assert_text(fact_labels(a, labels, 4), "[\"B\",\"a\",\"b\",\"c\"]", "sorted");
	assert_text(fact_attributes(a, json_read(a, text, strlen(text), &error), "tieline"),
	    "{\"a\":\"x\",\"z\":1}", "by key");
	assert_text(fact_before(a, FACT_ATTRIBUTES, "{\"n\":4,\"x\":1}", "{\"n\":5}"), "{\"n\":4}",
	    "only what is wanted");
	assert_text(fact_before(a, FACT_NAME, "Ann", "Bea"), "Ann", "as it was");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_hear, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_to_write, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_forms, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_text, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_maps, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_lists, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
