/* Documents that somebody has saved: which page each is, or what is wrong with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "connector/connector.h"
#include "connector/smartsender/smartsender.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* As the platforms' manuals show them, in short. */
#define REQUEST \
	"{\"_id\":\"6b00\",\"request_id\":\"support-group-1\",\"updatedAt\":\"2026-11-20T20:29:16.267Z\"," \
	"\"lead\":{\"lead_id\":\"69c6\"}}"
#define OLD_REQUEST \
	"{\"request_id\":\"support-group-2\",\"updatedAt\":\"2026-11-20T20:29:16.267Z\"," \
	"\"lead\":\"5e2c\",\"snapshot\":{\"lead\":{\"lead_id\":\"69c6\"}}}"
#define SMARTIFY_MESSAGE \
	"{\"_id\":\"6b01\",\"sender\":\"69c6\",\"recipient\":\"support-group-1\",\"text\":\"hello\"," \
	"\"createdAt\":\"2026-11-20T20:29:16.267Z\"}"
#define CONVERSATION \
	"{\"meta\":{\"sender\":{\"id\":1604},\"channel\":\"Channel::Api\"},\"id\":57,\"messages\":[]," \
	"\"inbox_id\":21,\"status\":\"open\",\"created_at\":1781782200}"
#define CHATWOOT_MESSAGE \
	"{\"id\":40871,\"content\":\"hello\",\"message_type\":0,\"created_at\":1781782200," \
	"\"conversation_id\":57}"
#define CHAT \
	"{\"id\":71234,\"name\":\"Mira\",\"contact\":{\"id\":88001,\"originalId\":55002},\"gates\":[]}"
#define SMARTSENDER_MESSAGE \
	"{\"id\":4455667,\"content\":{\"type\":\"text\"},\"sender\":{\"type\":\"contact\"}," \
	"\"createdAt\":\"2024-03-05 17:44:58\"}"
#define MO \
	"{\"id\":\"aB3d\",\"direction\":\"MO\",\"from_address\":\"+15555550123\"," \
	"\"created_date\":\"2024-05-24T23:24:37.464Z\"}"

struct row {
	const char *platform, *name, *text;
	bool conversations, messages, nameless;
	const char *one, *cursor;
};

static const struct row rows[] = {
	{ "smartify", "a", "{\"requests\":[" REQUEST "," OLD_REQUEST "]}", true, .one = NULL },
	{ "smartify", "a", "{\"perPage\":40,\"count\":0,\"requests\":[]}", .one = NULL },
	{ "smartify", "a", REQUEST, true, .one = "support-group-1" },
	{ "smartify", "a", "[" SMARTIFY_MESSAGE "," SMARTIFY_MESSAGE "]", .messages = true },
	{ "smartify", "a", "\xef\xbb\xbf[]", .one = NULL },
	{ "smartify", "a",
	    "[{\"_id\":\"6b01\",\"sender\":\"69c6\",\"createdAt\":\"2026-11-20T20:29:16Z\"}]",
	    .messages = true, .nameless = true },
	{ "chatwoot", "a", "{\"data\":{\"meta\":{},\"payload\":[" CONVERSATION "]}}", true },
	{ "chatwoot", "a", "{\"meta\":{},\"payload\":[" CONVERSATION "]}", true },
	{ "chatwoot", "a", CONVERSATION, true, .one = "57" },
	{ "chatwoot", "a", "{\"meta\":{\"labels\":[]},\"payload\":[" CHATWOOT_MESSAGE "]}",
	    .messages = true },
	{ "chatwoot", "a",
	    "{\"payload\":[{\"id\":\"40871\",\"message_type\":\"incoming\",\"created_at\":1781782200}]}",
	    .messages = true, .nameless = true },
	{ "chatwoot", "a", "{\"data\":{\"payload\":[]}}", .one = NULL },
	{ "chatwoot", "a", "{\"payload\":[]}", .one = NULL },
	{ "smartsender", "chats-open.1.json", "{\"collection\":[" CHAT "],\"cursor\":{}}", true },
	{ "smartsender", "chats-closed.1.json", "{\"collection\":[" CHAT "]}", true,
	    .cursor = "closed 1" },
	{ "smartsender", "a", "{\"collection\":{\"0\":" CHAT ",\"2\":" CHAT "}}", true },
	{ "smartsender", "a", CHAT, true, .one = "71234" },
	{ "smartsender", "a", "{\"collection\":[" SMARTSENDER_MESSAGE "]}", .messages = true,
	    .nameless = true },
	{ "smartsender", "a", "{\"collection\":[]}", .one = NULL },
	{ "syniverse", "a", "{\"list\":[" MO "],\"total\":1}", true, true },
	{ "syniverse", "a", "[" MO "]", true, true },
	{ "syniverse", "a", "{\"list\":[]}", .one = NULL },
};

static const struct {
	const char *platform, *text;
	size_t offset;
	const char *detail;
} wrong[] = {
	{ "smartify", "", 0, "; allowed: a JSON document" },
	{ "smartify", "[{\"_id\":", 8, "; allowed: a JSON document" },
	{ "chatwoot", "{\"payload\":[\"\xff\"]}", 13, "; allowed: a JSON document" },
	{ "smartify", "{\"success\":false}", 0, "found an object; allowed: what GET requests" },
	{ "smartify", "\"x\"", 0, "found \"x\"; allowed: what GET requests" },
	{ "smartify", "[7]", 0, "[0]: found 7; allowed: an object" },
	{ "smartify", "[" SMARTIFY_MESSAGE ",{\"_id\":\"\"}]", 0,
	    "[1]._id: found \"\"; allowed: the message's id" },
	{ "smartify", "[{\"_id\":\"1\",\"sender\":null}]", 0,
	    "[0].sender: found null; allowed: who wrote it" },
	{ "smartify", "[{\"_id\":\"1\",\"sender\":\"2\",\"createdAt\":\"yesterday\"}]", 0,
	    "[0].createdAt: found \"yesterday\"; allowed: a time like" },
	{ "smartify", "{\"requests\":[{\"request_id\":\"1\",\"updatedAt\":5}]}", 0,
	    "requests[0].updatedAt: found 5; allowed: a time like" },
	{ "smartify",
	    "{\"requests\":[{\"request_id\":\"1\",\"updatedAt\":\"2026-11-20T20:29:16Z\",\"lead\":\"5e2c\"}]}",
	    0, "requests[0].lead.lead_id: found nothing; allowed: the customer's id" },
	{ "chatwoot", "[]", 0, "found a list; allowed: what GET conversations" },
	{ "chatwoot", "{\"payload\":{}}", 0, "found an object; allowed: what GET conversations" },
	{ "chatwoot", "{\"payload\":[{\"id\":1,\"name\":\"a contact\"}]}", 0,
	    "payload[0].inbox_id: found nothing; allowed: the inbox's id" },
	{ "chatwoot", "{\"data\":{\"payload\":[{\"id\":1,\"inbox_id\":2}]}}", 0,
	    "data.payload[0].meta.sender.id: found nothing" },
	{ "chatwoot", "{\"payload\":[{\"message_type\":0,\"id\":1,\"created_at\":\"now\"}]}", 0,
	    "payload[0].created_at: found \"now\"; allowed: seconds since 1970" },
	{ "smartsender", "{\"error\":{\"code\":401},\"collection\":[]}", 0,
	    "found an object; allowed: what GET chats" },
	{ "smartsender", "{\"collection\":[{\"id\":71234,\"contact\":{\"id\":88001}}]}", 0,
	    "collection[0].contact.originalId: found nothing; allowed: the contact's id" },
	{ "smartsender", "{\"collection\":[{\"content\":{},\"id\":1,\"createdAt\":\"soon\"}]}", 0,
	    "collection[0].createdAt: found \"soon\"; allowed: a time like" },
	{ "syniverse", "{\"error_code\":\"SCG_ERROR_4001\"}", 0,
	    "found an object; allowed: what GET messaging/messages answers" },
	{ "syniverse", "{\"list\":[" MO ",{\"id\":\"b\",\"direction\":\"IN\",\"created_date\":1}]}",
	    0, "list[1].direction: found \"IN\"; allowed: MO, MT" },
	{ "syniverse", "[{\"id\":\"b\",\"direction\":\"MT\",\"created_date\":1700000000}]", 0,
	    "[0].to_address: found nothing; allowed: the customer's address" },
	{ "syniverse", "[{\"id\":\"b\",\"direction\":\"MT\",\"created_date\":\"then\"}]", 0,
	    "[0].created_date: found \"then\"; allowed: a time like" },
};

static int recognise(struct arena *a, const char *platform, const char *name, const char *text,
    struct saved_page *out, struct parse_error *error)
{
	static const struct smartsender_conf front = { .user_id_path = "userId",
		.timezone = "UTC" };
	const struct connector *c = connector_find(platform);
	const struct endpoint_conf endpoint = { .name = "there", .conf = &front, .connector = c };
	const struct via via = { .endpoint = &endpoint, .conf = &front, .now_ms = 1795207000123 };

	return c->recognise(&via, a, name, text, strlen(text), out, error);
}

static bool is_same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void test_pages(void **state)
{
	struct arena *a = arena_new();
	struct saved_page p;
	struct parse_error error;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		const struct row *r = &rows[i];

		if (recognise(a, r->platform, r->name, r->text, &p, &error) != 0)
			fail_msg("%s %s: %s", r->platform, r->text, error.detail);
		if (p.tells_conversations != r->conversations || p.tells_messages != r->messages
		    || p.is_nameless != r->nameless || !is_same(p.conversation, r->one)
		    || !is_same(p.cursor, r->cursor))
			fail_msg("%s %s: %d %d %d %s %s", r->platform, r->text,
			    p.tells_conversations, p.tells_messages, p.is_nameless,
			    p.conversation != NULL ? p.conversation : "-",
			    p.cursor != NULL ? p.cursor : "-");
	}
	arena_free(a);
}

static void test_what_is_wrong(void **state)
{
	struct arena *a = arena_new();
	struct saved_page p;
	struct parse_error error;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(wrong); i++) {
		if (recognise(a, wrong[i].platform, "a", wrong[i].text, &p, &error) == 0)
			fail_msg("%s %s: it is a page", wrong[i].platform, wrong[i].text);
		if (error.offset != wrong[i].offset
		    || strstr(error.detail, wrong[i].detail) == NULL)
			fail_msg("%s %s: byte %zu: %s", wrong[i].platform, wrong[i].text,
			    error.offset, error.detail);
	}
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
