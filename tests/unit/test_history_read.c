/* Lines of an export, read back: what they say, and what is said of those that are wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "core/facts.h"
#include "core/history_read.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void test_conversation(void **state)
{
	static const char text[] =
	    "{\"type\":\"conversation\",\"endpoint\":\"shop\",\"id\":\"c1\",\"state\":\"resolved\","
	    "\"begun\":\"2026-03-05T09:24:38.123Z\",\"changed\":null,\"channel\":\"web\","
	    "\"tags\":[\"a\",\"b\"],\"mood\":{\"x\":[1]},"
	    "\"person\":{\"identity\":\"p:1\",\"id\":\"1\",\"address\":\"z\",\"name\":\"Ann\"}}";
	struct arena *a = arena_new();
	struct history_line l;
	struct err err;

	(void)state;
	assert_int_equal(history_read(a, text, strlen(text), &l, &err), 0);
	assert_true(l.is_conversation);
	assert_string_equal(l.endpoint, "shop");
	assert_null(l.platform);
	assert_int_equal(l.event.kind, EVENT_CONVERSATION);
	assert_string_equal(l.event.conversation, "c1");
	assert_int_equal(l.event.state, STATE_RESOLVED);
	assert_int_equal(l.event.conversation_at_ms, 1772702678123);
	assert_int_equal(l.event.version, 0);
	assert_int_equal(l.event.ntags, 2);
	assert_string_equal(l.event.tags[1], "b");
	assert_string_equal(l.event.person.identity, "p:1");
	assert_string_equal(l.event.person.address, "z");
	assert_null(l.event.person.email);
	assert_string_equal(l.event.facts->v[FACT_NAME], "Ann");
	assert_string_equal(l.event.facts->v[FACT_LABELS], "[\"a\",\"b\"]");
	assert_null(l.event.facts->v[FACT_AGENT]);
	assert_null(l.event.facts->v[FACT_ATTRIBUTES]);
	arena_free(a);
}

/* What goes with it besides messages, as a callback would have told it. */
static void test_facts(void **state)
{
	static const char text[] =
	    "{\"type\":\"conversation\",\"id\":\"c1\",\"changed\":\"2026-03-05T09:24:38.123Z\","
	    "\"department\":\"4\",\"department_name\":\"Sales\",\"priority\":\"high\","
	    "\"attributes\":{\"order\":\"A-1\",\"deep\":{\"x\":1},\"n\":5},"
	    "\"assignee\":{\"id\":\"7\",\"name\":\"Bob\",\"email\":\"bob@example.com\"},"
	    "\"person\":{\"identity\":\"p:1\",\"email\":\"Ann@Example.com\",\"phone\":\"+49 30 1\"}}";
	struct arena *a = arena_new();
	const struct facts *f;
	struct history_line l;
	struct err err;

	(void)state;
	assert_int_equal(history_read(a, text, strlen(text), &l, &err), 0);
	f = l.event.facts;
	assert_string_equal(f->v[FACT_AGENT], "7");
	assert_string_equal(l.event.assignee.email, "bob@example.com");
	assert_string_equal(l.event.assignee.name, "Bob");
	assert_string_equal(f->v[FACT_TEAM], "4");
	assert_string_equal(l.event.department_name, "Sales");
	assert_string_equal(f->v[FACT_PRIORITY], "high");
	assert_string_equal(f->v[FACT_ATTRIBUTES], "{\"n\":5,\"order\":\"A-1\"}");
	assert_string_equal(f->v[FACT_EMAIL], "ann@example.com");
	assert_string_equal(f->v[FACT_PHONE], "+49301");
	assert_null(f->v[FACT_LABELS]);
	assert_int_equal(l.event.facts_version, 1772702678123);
	arena_free(a);
}

static void test_message(void **state)
{
	static const char text[] =
	    "{\"type\":\"message\",\"conversation\":\"c1\",\"id\":\"m1\",\"role\":\"agent\","
	    "\"at\":\"2026-03-05T10:24:38.123+01:00\",\"private\":true,\"flags\":[\"system\",\"deleted\"],"
	    "\"format\":\"markdown\",\"text\":\"so\",\"files\":[{\"kind\":\"image\",\"size\":7},"
	    "{\"kind\":\"location\",\"latitude\":\"1.5\",\"extra\":0}],\"choice\":\"Yes\",\"mark\":\"tl1:x\","
	    "\"widgets\":[{\"kind\":\"card\",\"label\":\"Shoe\",\"image\":\"i\"},"
	    "{\"kind\":\"address\",\"label\":\"Buy\",\"url\":\"u\"}]}";
	struct arena *a = arena_new();
	struct history_line l;
	struct err err;

	(void)state;
	assert_int_equal(history_read(a, text, strlen(text), &l, &err), 0);
	assert_false(l.is_conversation);
	assert_string_equal(l.event.key, "m:m1");
	assert_int_equal(l.event.at_ms, 1772702678123);
	assert_int_equal(l.event.author.role, ROLE_AGENT);
	assert_true(l.event.is_private);
	assert_int_equal(l.event.flags, EVENT_IS_SYSTEM | EVENT_IS_DELETED);
	assert_int_equal(l.event.format, FORMAT_MARKDOWN);
	assert_int_equal(l.event.nattachments, 2);
	assert_int_equal(l.event.attachments[0].size, 7);
	assert_int_equal(l.event.attachments[1].size, -1);
	assert_string_equal(l.event.attachments[1].latitude, "1.5");
	assert_string_equal(l.event.choice, "Yes");
	assert_string_equal(l.event.mark, "tl1:x");
	assert_int_equal(l.event.nwidgets, 2);
	assert_int_equal(l.event.widgets[0].kind, WIDGET_CARD);
	assert_string_equal(l.event.widgets[0].image, "i");
	assert_int_equal(l.event.widgets[1].kind, WIDGET_ADDRESS);
	assert_string_equal(l.event.widgets[1].url, "u");
	assert_null(l.event.widgets[1].text);
	arena_free(a);
}

static void test_nothing_to_show(void **state)
{
	static const char text[] = "{\"type\":\"message\",\"conversation\":\"c\",\"id\":\"m\","
				   "\"role\":\"customer\",\"at\":\"2026-03-05T09:24:38Z\"}";
	struct arena *a = arena_new();
	struct history_line l;
	struct err err;

	(void)state;
	assert_int_equal(history_read(a, text, strlen(text), &l, &err), 0);
	assert_int_equal(l.event.flags, EVENT_IS_EMPTY);
	arena_free(a);
}

/* The first fault of a line is told, as member, what was found, and what is allowed. */
static void test_wrong(void **state)
{
	static const struct {
		const char *text, *words;
	} rows[] = {
		{ "", "byte 1: " },
		{ "{\"type\":\"message\"", "it is cut off; allowed: a JSON object" },
		{ "\"x\"", "found a text; allowed: a JSON object" },
		{ "{}", "type: found nothing; allowed: conversation, message" },
		{ "{\"type\":\"conversation\"}", "id: found nothing; allowed: what its platform" },
		{ "{\"type\":\"conversation\",\"id\":\"1\",\"begun\":\"noon\"}",
		    "begun: found \"noon\"; allowed: a time like" },
		{ "{\"type\":\"conversation\",\"id\":\"1\",\"person\":{}}",
		    "person.identity: found nothing" },
		{ "{\"type\":\"conversation\",\"id\":\"1\",\"tags\":3}",
		    "tags: found a number; allowed: a list" },
		{ "{\"type\":\"conversation\",\"id\":\"1\",\"person\":{\"identity\":\"p\"},\"assignee\":\"Bob\"}",
		    "assignee: found \"Bob\"; allowed: an object" },
		{ "{\"type\":\"conversation\",\"id\":\"1\",\"person\":{\"identity\":\"p\"},\"attributes\":[]}",
		    "attributes: found a list; allowed: an object" },
		{ "{\"type\":\"message\",\"conversation\":\"c\",\"id\":5}", "id: found a number" },
		{ "{\"type\":\"message\",\"conversation\":\"c\",\"id\":\"m\",\"at\":\"2026-03-05T09:24:38Z\"}",
		    "role: found nothing; allowed: customer, agent, bot, system" },
	};
	struct arena *a = arena_new();
	struct history_line l;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		assert_int_equal(history_read(a, rows[i].text, strlen(rows[i].text), &l, &err), -1);
		if (strstr(err.text, rows[i].words) == NULL)
			fail_msg("%s: %s", rows[i].text, err.text);
	}
	arena_free(a);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conversation),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_message),
		cmocka_unit_test(test_nothing_to_show),
		cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
