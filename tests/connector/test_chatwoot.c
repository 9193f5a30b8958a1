/* What Chatwoot's callbacks are worth, and what they say. The fixtures are one complete body of every
 * event, signed; the rows below change them in one place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "chatwoot_world.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

#define IDENTITY "chatwoot:~d0d2efb1e6c8eed3569b0ad8f9e78499"
#define PERSON "\nperson 1604 | smartify:lead:9c41 | Teodor Vance | - | +4915550100021"
#define MARISOL "\nauthor agent 12 Marisol Rooke"
#define TEODOR "\nauthor customer 1604 Teodor Vance"
#define NOBODY "\nperson - | - | - | - | -\nauthor customer - -"
#define PARCEL "\nmarkdown: Your parcel left **today**. \xf0\x9f\x93\xa6"
#define LABEL \
	"\nimage label.png image/png https://desk.quillfeather.example/rails/active_storage/blobs/" \
	"redirect/eyJfcmFpbHMi0001--5f0c/label.png 48211"
#define CREATED "key=m:40871 id=40871 in=57 at=2026-06-18T12:00:00.204Z"
#define MARK "tl1:630dcd29:a18603:m1:94494511ff7b18c5351b:0:03b7872a"

static int setup(void **state)
{
	static struct world world;

	world_init(&world);
	*state = &world;
	return 0;
}

static int teardown(void **state)
{
	world_fini(*state);
	return 0;
}

/* --- verify ------------------------------------------------------------------------------------ */

#define BODY \
	"{\"content\":\"\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82 \xf0\x9f\x91\x8b " \
	"\\u003cok\\u003e\",\"event\":\"message_created\",\"id\":9107}"
#define SIGNED "sha256=0792ab2eced012dc4322c2b96edbace71b8196babbaea1c92e8ff6a55df1c1bb"
#define UNTIMED "sha256=4b7e246f765dd705a5b50f627bf7c54298476e3d5d1136f054ed6c1f55f126f4"
#define SIGNED_EMPTY "sha256=327eda76b2f65515dbb95918da5ab142b7a8f3f28c4554e4e9e888dcf8e52a33"
#define UPPER "sha256=0792AB2ECED012DC4322C2B96EDBACE71B8196BABBAEA1C92E8FF6A55DF1C1BB"
#define AT INT64_C(1781700000)

static void test_verify(void **state)
{
	static const struct {
		const char *name, *body, *timestamp, *signature;
		int64_t received;
		enum verify expected;
	} rows[] = {
		{ "right", BODY, "1781700000", SIGNED, AT, VERIFY_OK },
		{ "right, another body", "{}", "1781700000", SIGNED_EMPTY, AT, VERIFY_OK },
		{ "five minutes late", BODY, "1781700000", SIGNED, AT + 300, VERIFY_OK },
		{ "five minutes early", BODY, "1781700000", SIGNED, AT - 300, VERIFY_OK },
		{ "later", BODY, "1781700000", SIGNED, AT + 301, VERIFY_OLD_TIMESTAMP },
		{ "earlier", BODY, "1781700000", SIGNED, AT - 301, VERIFY_OLD_TIMESTAMP },
		{ "the body alone signed", BODY, "1781700000", UNTIMED, AT, VERIFY_BAD_SIGNATURE },
		{ "another body", BODY " ", "1781700000", SIGNED, AT, VERIFY_BAD_SIGNATURE },
		{ "another time", BODY, "1781700001", SIGNED, AT, VERIFY_BAD_SIGNATURE },
		{ "old and wrong", BODY, "1781700001", SIGNED, AT + 999, VERIFY_BAD_SIGNATURE },
		{ "upper case", BODY, "1781700000", UPPER, AT, VERIFY_BAD_SIGNATURE },
		{ "without its prefix", BODY, "1781700000", SIGNED + 7, AT, VERIFY_BAD_SIGNATURE },
		{ "empty", BODY, "1781700000", "", AT, VERIFY_BAD_SIGNATURE },
		{ "time is no number", BODY, "yesterday", SIGNED, AT, VERIFY_BAD_SIGNATURE },
		{ "time is too long", BODY, "99999999999999999999999", SIGNED, AT,
		    VERIFY_BAD_SIGNATURE },
		{ "no signature", BODY, "1781700000", NULL, AT, VERIFY_NO_SIGNATURE },
		{ "no time", BODY, NULL, SIGNED, AT, VERIFY_NO_SIGNATURE },
	};
	struct world *w = *state;
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		struct http_header headers[2];
		struct http_in hook = { .headers = headers,
			.received_ms = rows[i].received * 1000 };

		hook.body = rows[i].body;
		hook.body_len = strlen(rows[i].body);
		if (rows[i].timestamp != NULL)
			headers[hook.nheaders++] = (struct http_header){ "x-chatwoot-timestamp",
				rows[i].timestamp, false };
		if (rows[i].signature != NULL)
			headers[hook.nheaders++] = (struct http_header){ "x-chatwoot-signature",
				rows[i].signature, false };
		if (chatwoot_connector.verify(&w->via, &hook) != rows[i].expected)
			fail_msg("%s", rows[i].name);
	}
}

static void test_verify_tries_every_secret(void **state)
{
	struct world *w = *state;
	struct http_in hook = world_hook(w, "message_created");

	w->endpoint.webhook_secret =
	    (struct secrets){ { "another", "and another", WORLD_SECRET }, 3 };
	assert_int_equal(VERIFY_OK, chatwoot_connector.verify(&w->via, &hook));
	w->endpoint.webhook_secret.n = 2;
	assert_int_equal(VERIFY_BAD_SIGNATURE, chatwoot_connector.verify(&w->via, &hook));
	w->endpoint.webhook_secret.n = 0;
	assert_int_equal(VERIFY_UNCHECKED, chatwoot_connector.verify(&w->via, &hook));
}

#define C57 "\"conversation\":{\"id\":57}"

/* --- parse ------------------------------------------------------------------------------------- */

/* One event, or NULL with *error. */
static const struct event *parse(struct world *w, const char *body, size_t len,
    struct parse_error *error)
{
	struct http_in hook = { .body = body, .body_len = len, .received_ms = WORLD_NOW_MS };
	struct event_list list = { 0 };

	*error = (struct parse_error){ .reason = UNPARSABLE_NONE };
	if (chatwoot_connector.parse(&w->via, w->a, &hook, &list, error) != 0) {
		assert_int_equal(0, list.count);
		assert_int_not_equal(UNPARSABLE_NONE, error->reason);
		return NULL;
	}
	assert_int_equal(1, list.count);
	assert_int_equal(7, list.items[0].endpoint);
	assert_int_equal(ORIGIN_LIVE, list.items[0].origin);
	assert_int_equal(WORLD_NOW_MS, list.items[0].here_ms);
	return &list.items[0];
}

/* Whether a message is shown as failed, by the server itself. */
static void test_status_of_updates(void **state)
{
	static const struct {
		const char *event, *attributes;
		enum state expected;
	} rows[] = {
		{ "message_updated", "{\"external_error\":\"500 Internal Server Error\"}",
		    STATE_FAILED },
		{ "message_updated", "{\"external_error\":null}", STATE_SENT },
		{ "message_updated", "{\"external_error\":\"\"}", STATE_SENT },
		{ "message_updated", "{}", STATE_SENT },
		{ "message_updated", "{\"external_error\":\"Not delivered: it is too long\"}",
		    STATE_NONE },
		{ "message_updated", "{\"deleted\":true}", STATE_NONE },
		{ "message_created", "{\"external_error\":\"500 Internal Server Error\"}",
		    STATE_FAILED },
		{ "message_created", "{}", STATE_NONE },
	};
	struct world *w = *state;
	struct parse_error error;
	const struct event *e;
	const char *body;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		body = arena_printf(w->a,
		    "{\"event\":\"%s\",\"id\":7,\"message_type\":\"outgoing\","
		    "\"content\":\"x\",\"content_attributes\":%s," C57 "}",
		    rows[i].event, rows[i].attributes);
		e = parse(w, body, strlen(body), &error);
		assert_non_null(e);
		assert_int_equal(e->state, rows[i].expected);
	}
}

static void test_fixtures(void **state)
{
	static const struct {
		const char *name, *expected;
	} rows[] = {
		{ "message_created", "message " CREATED PERSON MARISOL PARCEL LABEL },
		{ "message_updated", "update " CREATED "\nstate failed 0" PERSON MARISOL PARCEL },
		{ "conversation_created",
		    "conversation key=s:58:open:1781784600.221341 id=- in=58 at=2026-06-18T12:10:00.221Z"
		    "\nstate open 1781784600221" PERSON "\nauthor customer - -" },
		{ "conversation_status_changed",
		    "conversation key=s:57:resolved:1781784900.221341 id=- in=57"
		    " at=2026-06-18T12:15:00.221Z"
		    "\nstate resolved 1781784900221" PERSON "\nauthor customer - -" },
		{ "conversation_updated",
		    "conversation key=s:57:open:1781784020.221341 id=- in=57 at=2026-06-18T12:00:20.221Z"
		    "\nstate open 1781784020221"
		    "\nchanges {\"assignee_id\":12,\"updated_at\":\"2026-06-18T12:00:20.204Z\"}" PERSON
		    "\nauthor customer - -" },
		{ "conversation_typing_on",
		    "typing key=- id=- in=57 at=-\nstate on 0" PERSON MARISOL },
		{ "conversation_typing_off",
		    "typing key=- id=- in=57 at=-\nstate off 0" PERSON TEODOR },
		{ "contact_created",
		    "contact key=c:1604:7e96cd0e9d324cbe id=- in=- at=-" PERSON
		    "\nauthor customer - -" },
		{ "contact_updated",
		    "contact key=c:1604:7e96cd0e9d324cbe id=- in=- at=-"
		    "\nchanges {\"updated_at\":\"2026-06-18T12:10:00.304Z\","
		    "\"last_activity_at\":\"2026-06-18T12:10:00.304Z\"}" PERSON
		    "\nauthor customer - -" },
		{ "webwidget_triggered",
		    "conversation key=- id=- in=- at=-\ndrop other_inbox: inbox 4" NOBODY },
		{ "inbox_created",
		    "conversation key=- id=- in=- at=-\ndrop unsupported: inbox_created" NOBODY },
		{ "inbox_updated",
		    "conversation key=- id=- in=- at=-\ndrop unsupported: inbox_updated" NOBODY },
	};
	struct world *w = *state;
	struct parse_error error;
	struct http_in hook;
	const struct event *e;
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		hook = world_hook(w, rows[i].name);
		assert_int_equal(VERIFY_OK, chatwoot_connector.verify(&w->via, &hook));
		e = parse(w, hook.body, hook.body_len, &error);
		assert_non_null(e);
		assert_string_equal(rows[i].expected, world_event_text(w, e));
	}
}

static void test_person(void **state)
{
	struct world *w = *state;
	struct parse_error error;
	struct http_in hook = world_hook(w, "message_created");
	const struct event *e = parse(w, hook.body, hook.body_len, &error);

	assert_string_equal(IDENTITY, e->person.identity);
	assert_string_equal("smartify:9c41:web", e->person.address);
	assert_string_equal("1604", e->extra);
	assert_string_equal("Channel::Api", e->channel);

	hook = world_hook(w, "contact_created");
	e = parse(w, hook.body, hook.body_len, &error);
	assert_null(e->person.identity); /* a contact alone is no person: which inbox? */
	assert_null(e->person.address);
}

/* The body with the first `find` replaced. */
static const char *changed(struct world *w, const char *body, const char *find, const char *put)
{
	const char *at = strstr(body, find);

	if (at == NULL)
		fail_msg("the fixture has no %s", find);
	return arena_printf(w->a, "%.*s%s%s", (int)(at - body), body, put, at + strlen(find));
}

/* From `find` on, everything is the message's own: its block of the conversation stands before. */
#define TYPE "\"message_type\": \"outgoing\""
#define TEXT "\"content\": \"Your parcel left **today**. \xf0\x9f\x93\xa6\",\n \"conversation\""
#define TEXT_IS(text) "\"content\": " text ",\n \"conversation\""
#define SENDER_IS(sender) \
	"\"sender\": " sender \
	",\n \"sender_of_fixture\": {\n  \"id\": 12,\n  \"name\": \"Marisol Rooke\",\n  \"email\""
#define SENDER "\"sender\": {\n  \"id\": 12,\n  \"name\": \"Marisol Rooke\",\n  \"email\""
#define ATTRIBUTES "\"content_attributes\": {},\n \"content_type\""
#define ATTRIBUTES_ARE(attributes) "\"content_attributes\": " attributes ",\n \"content_type\""
#define OWN_SOURCE "\"source_id\": null,\n \"attachments\""
#define NO_FILES "\"source_id\": null,\n \"no\""

static void test_messages(void **state)
{
	static const struct {
		const char *name, *find, *put, *find2, *put2, *expected;
	} rows[] = {
		{ "by a bot", "\"type\": \"user\"\n },\n \"source_id\"",
		    "\"type\": \"agent_bot\"\n },\n \"source_id\"", NULL, NULL,
		    "message " CREATED PERSON "\nauthor bot 12 Marisol Rooke" PARCEL LABEL },
		{ "by an assistant", "\"type\": \"user\"\n },\n \"source_id\"",
		    "\"type\": \"captain_assistant\"\n },\n \"source_id\"", NULL, NULL,
		    "message " CREATED PERSON "\nauthor bot 12 Marisol Rooke" PARCEL LABEL },
		{ "by someone who is gone", SENDER, SENDER_IS("null"), NULL, NULL,
		    "message " CREATED PERSON "\nauthor agent - -" PARCEL LABEL },
		{ "by an automation", SENDER, SENDER_IS("null"), ATTRIBUTES,
		    ATTRIBUTES_ARE("{\"automation_rule_id\":4}"),
		    "message automatic " CREATED PERSON "\nauthor bot - -" PARCEL LABEL },
		{ "greeting", TYPE, "\"message_type\": \"template\"", SENDER, SENDER_IS("null"),
		    "message automatic " CREATED PERSON "\nauthor bot - -" PARCEL LABEL },
		{ "activity", TYPE, "\"message_type\": \"activity\"", SENDER, SENDER_IS("null"),
		    "message system " CREATED PERSON "\nauthor system - -" PARCEL LABEL },
		{ "of the customer", TYPE, "\"message_type\": \"incoming\"", SENDER,
		    SENDER_IS("{\"id\":1604,\"name\":\" Teodor Vance \"}"),
		    "message " CREATED PERSON TEODOR
		    "\nplain: Your parcel left **today**. \xf0\x9f\x93\xa6" LABEL },
		{ "of the customer, no sender", TYPE, "\"message_type\": \"incoming\"", SENDER,
		    SENDER_IS("null"),
		    "message " CREATED PERSON TEODOR
		    "\nplain: Your parcel left **today**. \xf0\x9f\x93\xa6" LABEL },
		{ "the type as a number", TYPE, "\"message_type\": 3", NULL, NULL,
		    "message automatic " CREATED PERSON "\nauthor bot - -" PARCEL LABEL },
		{ "a note", "\"private\": false,\n \"sender\"", "\"private\": true,\n \"sender\"",
		    NULL, NULL, "message private " CREATED PERSON MARISOL PARCEL LABEL },
		{ "deleted", ATTRIBUTES, ATTRIBUTES_ARE("{\"deleted\":true}"), TEXT,
		    TEXT_IS("\"This message was deleted\""),
		    "message deleted " CREATED PERSON MARISOL
		    "\nmarkdown: This message was deleted" LABEL },
		{ "a reply", ATTRIBUTES,
		    ATTRIBUTES_ARE("{\"in_reply_to\":40860,\"in_reply_to_external_id\":null}"),
		    NULL, NULL, "message " CREATED PERSON MARISOL PARCEL LABEL "\nreply to 40860" },
		{ "our mark", OWN_SOURCE, "\"source_id\": \"" MARK "\",\n \"attachments\"", NULL,
		    NULL, "message " CREATED PERSON MARISOL PARCEL LABEL "\nsource_id " MARK },
		{ "our mark at the customers' side", ATTRIBUTES,
		    ATTRIBUTES_ARE("{\"tieline\":\"" MARK "\"}"), NULL, NULL,
		    "message " CREATED PERSON MARISOL PARCEL LABEL
		    "\ncontent_attributes.tieline " MARK },
		{ "the channel's own id beside our mark", OWN_SOURCE,
		    "\"source_id\": \"wamid.HBgL\",\n \"attachments\"", ATTRIBUTES,
		    ATTRIBUTES_ARE("{\"tieline\":\"" MARK "\"}"),
		    "message " CREATED PERSON MARISOL PARCEL LABEL
		    "\ncontent_attributes.tieline " MARK },
		{ "a conversation of ours", "\"additional_attributes\": {},\n  \"can_reply\"",
		    "\"additional_attributes\": {\"tieline\":\"" MARK "\"},\n  \"can_reply\"", NULL,
		    NULL,
		    "message " CREATED PERSON MARISOL PARCEL LABEL "\nconversation mark " MARK },
		{ "text is null", TEXT, TEXT_IS("null"), NULL, NULL,
		    "message " CREATED PERSON MARISOL LABEL },
		{ "nothing in it", TEXT, TEXT_IS("null"), OWN_SOURCE, NO_FILES,
		    "message empty " CREATED PERSON MARISOL },
		{ "only blanks in it", TEXT, TEXT_IS("\" \\n\""), OWN_SOURCE, NO_FILES,
		    "message empty " CREATED PERSON MARISOL },
		{ "a hard break, as before 4.13", TEXT, TEXT_IS("\"one\\\\\\ntwo\\n\\n\""),
		    OWN_SOURCE, NO_FILES,
		    "message " CREATED PERSON MARISOL "\nmarkdown: one\ntwo" },
		{ "a backslash that breaks no line", TEXT, TEXT_IS("\"C:\\\\new\""), OWN_SOURCE,
		    NO_FILES, "message " CREATED PERSON MARISOL "\nmarkdown: C:\\new" },
		{ "labels and a team", "\"labels\": [],", "\"labels\": [\"vip\", 7, \"berlin\"],",
		    "\"team\": null", "\"team\": {\"id\":4,\"name\":\"returns\"}",
		    "message " CREATED PERSON MARISOL PARCEL LABEL
		    "\ntag vip\ntag berlin\ndepartment 4 returns" },
		{ "no account in the conversation, as before 4.14.2",
		    "\"updated_at\": 1781784000.221341,\n  \"account\"",
		    "\"updated_at\": 1781784000.221341,\n  \"was_account\"", NULL, NULL,
		    "message " CREATED PERSON MARISOL PARCEL LABEL },
		{ "another account", "\"account\": {\n  \"id\": 2", "\"account\": {\n  \"id\": 3",
		    NULL, NULL,
		    "message " CREATED
		    "\ndrop other_account: account 3" PERSON MARISOL PARCEL LABEL },
		{ "another inbox", "\"id\": 57,\n  \"inbox_id\": 21",
		    "\"id\": 57,\n  \"inbox_id\": 22", NULL, NULL,
		    "message " CREATED "\ndrop other_inbox: inbox 22" PERSON MARISOL PARCEL LABEL },
		{ "fields of other types", SENDER, SENDER_IS("[7]"), ATTRIBUTES,
		    ATTRIBUTES_ARE("\"none\""),
		    "message " CREATED PERSON "\nauthor agent - -" PARCEL LABEL },
		{ "a location",
		    "\"file_type\": \"image\",\n   \"account_id\": 2,\n   \"extension\"",
		    "\"file_type\": \"location\",\n   \"coordinates_lat\": 52.52,"
		    "\n   \"coordinates_long\": 13.405,\n   \"fallback_title\": \"Berlin\",\n   \"extension\"",
		    NULL, NULL,
		    "message " CREATED PERSON MARISOL PARCEL
		    "\nlocation - image/png https://desk.quillfeather.example/rails/active_storage/blobs/"
		    "redirect/eyJfcmFpbHMi0001--5f0c/label.png 48211 52.52,13.405 Berlin" },
	};
	struct world *w = *state;
	struct http_in hook = world_hook(w, "message_created");
	struct parse_error error;
	const struct event *e;
	const char *body, *mine;
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		/* The nested message comes first and is left alone: nothing may be read from it. */
		mine = strstr(rows[i].find, "file_type")
		    ? strstr(hook.body, "\"message_type\": \"outgoing\"")
		    : hook.body;
		body = arena_printf(w->a, "%.*s%s", (int)(mine - hook.body), hook.body,
		    changed(w, mine, rows[i].find, rows[i].put));
		if (rows[i].find2 != NULL)
			body = changed(w, body, rows[i].find2, rows[i].put2);
		e = parse(w, body, strlen(body), &error);
		if (e == NULL)
			fail_msg("%s: %s", rows[i].name, error.detail);
		if (strcmp(rows[i].expected, world_event_text(w, e)) != 0)
			fail_msg("%s:\n%s\nexpected:\n%s", rows[i].name, world_event_text(w, e),
			    rows[i].expected);
	}
}

#define HEAD "message key=m:5 id=5 in=57 at=-"

static void test_bare_bodies(void **state)
{
	static const struct {
		const char *name, *body, *expected;
	} rows[] = {
		{ "as little as can be",
		    "{\"event\":\"message_created\",\"id\":5,\"message_type\":\"outgoing\"," C57
		    "}",
		    "message empty key=m:5 id=5 in=57 at=-\nperson - | - | - | - | -\nauthor agent - -" },
		{ "ids as text, and beyond a double",
		    "{\"event\":\"message_created\",\"id\":\"9223372036854775807\",\"content\":\"x\","
		    "\"message_type\":\"outgoing\",\"conversation\":{\"id\":9007199254740993}}",
		    "message key=m:9223372036854775807 id=9223372036854775807 in=9007199254740993 at=-"
		    "\nperson - | - | - | - | -\nauthor agent - -\nmarkdown: x" },
		{ "time as a number",
		    "{\"event\":\"message_created\",\"id\":5,\"message_type\":1,\"content\":\"x\","
		    "\"created_at\":1781784000," C57 "}",
		    "message key=m:5 id=5 in=57 at=2026-06-18T12:00:00.000Z"
		    "\nperson - | - | - | - | -\nauthor agent - -\nmarkdown: x" },
		{ "choices and no words",
		    "{\"event\":\"message_created\",\"id\":5,\"message_type\":1,\"content\":null,"
		    "\"content_type\":\"input_select\",\"content_attributes\":{\"items\":[{\"title\":\"A\"}]}," C57
		    "}",
		    HEAD "\nperson - | - | - | - | -\nauthor agent - -"
			 "\nanswer A | - | - | -" },
		{ "a kind without words",
		    "{\"event\":\"message_created\",\"id\":5,\"message_type\":1,\"content\":null,"
		    "\"content_type\":\"voice_call\"," C57 "}",
		    HEAD "\nperson - | - | - | - | -\nauthor agent - -"
			 "\nmarkdown: [unsupported message: voice_call]" },
		{ "no words and no kind",
		    "{\"event\":\"message_created\",\"id\":5,\"message_type\":1,\"content\":null,"
		    "\"content_type\":\"text\"," C57 "}",
		    "message empty key=m:5 id=5 in=57 at=-\nperson - | - | - | - | -\nauthor agent - -" },
		{ "cards",
		    "{\"event\":\"message_created\",\"id\":5,\"message_type\":1,\"content\":\"See\","
		    "\"content_type\":\"cards\",\"content_attributes\":{\"items\":[{\"title\":\"T\","
		    "\"description\":\"D\",\"media_url\":\"https://x/1.png\",\"actions\":["
		    "{\"text\":\"Open\",\"type\":\"link\",\"uri\":\"https://x/\"},"
		    "{\"text\":\"Buy\",\"type\":\"postback\",\"payload\":\"b\"}]},7]}," C57 "}",
		    HEAD "\nperson - | - | - | - | -\nauthor agent - -\nmarkdown: See"
			 "\ncard T | D | - | https://x/1.png\naddress Open | - | https://x/ | -"
			 "\nanswer Buy | - | - | -" },
		{ "a form",
		    "{\"event\":\"message_created\",\"id\":5,\"message_type\":1,"
		    "\"content_type\":\"form\",\"content_attributes\":{\"items\":[{\"label\":\"Size\","
		    "\"options\":[{\"label\":\"S\"},{\"label\":\"M\"}]},{\"label\":\"Name\"}]}," C57
		    "}",
		    HEAD "\nperson - | - | - | - | -\nauthor agent - -\ncard Size | - | - | -"
			 "\nanswer S | - | - | -\nanswer M | - | - | -\ncard Name | - | - | -" },
		{ "an article",
		    "{\"event\":\"message_created\",\"id\":5,\"message_type\":1,"
		    "\"content_type\":\"article\",\"content_attributes\":{\"items\":[{\"title\":\"T\","
		    "\"description\":\"D\",\"link\":\"https://x/\"}]}," C57 "}",
		    HEAD
		    "\nperson - | - | - | - | -\nauthor agent - -\ncard T | D | https://x/ | -" },
		{ "items of nothing",
		    "{\"event\":\"message_created\",\"id\":5,\"message_type\":1,"
		    "\"content_type\":\"article\",\"content_attributes\":{\"items\":[{}]}," C57 "}",
		    HEAD "\nperson - | - | - | - | -\nauthor agent - -"
			 "\nmarkdown: [unsupported message: article]" },
		{ "a contact card",
		    "{\"event\":\"message_created\",\"id\":5,\"message_type\":0,\"attachments\":[null,"
		    "{\"file_type\":\"contact\",\"fallback_title\":\"+4915550100099\","
		    "\"meta\":{\"firstName\":\"Ada\",\"lastName\":\"Ray\"}}]," C57 "}",
		    HEAD "\nperson - | - | - | - | -\nauthor customer - -"
			 "\ncontact - - - -1 +4915550100099 Ada Ray" },
		{ "an identifier that is no identity",
		    "{\"event\":\"contact_updated\",\"id\":9,\"identifier\":\"Customer No 12\"}",
		    "contact key=c:9:a6649a421faf6f6f id=- in=- at=-\nperson 9 | - | - | - | -"
		    "\nauthor customer - -" },
		{ "conversation before 4.0.2",
		    "{\"event\":\"conversation_updated\",\"id\":57,\"status\":\"snoozed\","
		    "\"last_activity_at\":1781784000}",
		    "conversation key=s:57:snoozed:1781784000 id=- in=57 at=2026-06-18T12:00:00.000Z"
		    "\nstate snoozed 1781784000000\nperson - | - | - | - | -\nauthor customer - -" },
		{ "a status nobody knows",
		    "{\"event\":\"conversation_updated\",\"id\":57,\"status\":\"asleep\",\"updated_at\":\"x\"}",
		    "conversation key=s:57:asleep:x id=- in=57 at=-\nperson - | - | - | - | -"
		    "\nauthor customer - -" },
		{ "private typing",
		    "{\"event\":\"conversation_typing_on\",\"is_private\":true,\"user\":{\"id\":1,"
		    "\"type\":\"user\"}," C57 "}",
		    "typing private key=- id=- in=57 at=-\nstate on 0\nperson - | - | - | - | -"
		    "\nauthor agent 1 -" },
		{ "automation",
		    "{\"event\":\"automation_event.message_created\",\"id\":57,\"inbox_id\":21}",
		    "conversation key=- id=- in=- at=-"
		    "\ndrop unsupported: automation_event.message_created" NOBODY },
		{ "macro", "{\"event\":\"macro.executed\",\"id\":57}",
		    "conversation key=- id=- in=- at=-\ndrop unsupported: macro.executed" NOBODY },
		{ "an event of next year", "{\"event\":\"message_melted\",\"id\":5}",
		    "conversation key=- id=- in=- at=-\ndrop unknown: message_melted" NOBODY },
		{ "the same of another account",
		    "{\"event\":\"message_melted\",\"account\":{\"id\":9}}",
		    "conversation key=- id=- in=- at=-\ndrop other_account: account 9" NOBODY },
	};
	struct world *w = *state;
	struct parse_error error;
	const struct event *e;
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		e = parse(w, rows[i].body, strlen(rows[i].body), &error);
		if (e == NULL)
			fail_msg("%s: %s", rows[i].name, error.detail);
		if (strcmp(rows[i].expected, world_event_text(w, e)) != 0)
			fail_msg("%s:\n%s\nexpected:\n%s", rows[i].name, world_event_text(w, e),
			    rows[i].expected);
	}
}

static void test_unparsable(void **state)
{
	static const struct {
		const char *name, *body;
		enum unparsable reason;
		const char *detail; /* NULL: any */
	} rows[] = {
		{ "nothing", "", UNPARSABLE_EMPTY, NULL },
		{ "no JSON", "event=message_created", UNPARSABLE_NOT_JSON, NULL },
		{ "cut", "{\"event\":\"mess", UNPARSABLE_TRUNCATED, NULL },
		{ "bytes that are no text", "{\"event\":\"\xff\"}", UNPARSABLE_NOT_UTF8, NULL },
		{ "a list", "[]", UNPARSABLE_NOT_OBJECT, NULL },
		{ "no event", "{\"id\":5}", UNPARSABLE_NO_EVENT, "event" },
		{ "event is a number", "{\"event\":5}", UNPARSABLE_NO_EVENT, "event" },
		{ "event is blank", "{\"event\":\"\"}", UNPARSABLE_NO_EVENT, "event" },
		{ "no message id", "{\"event\":\"message_created\"," C57 "}", UNPARSABLE_BAD_FIELD,
		    "id" },
		{ "message id is null", "{\"event\":\"message_updated\",\"id\":null," C57 "}",
		    UNPARSABLE_BAD_FIELD, "id" },
		{ "message id is a fraction", "{\"event\":\"message_created\",\"id\":5.5," C57 "}",
		    UNPARSABLE_BAD_FIELD, "id" },
		{ "message id is negative", "{\"event\":\"message_created\",\"id\":-5," C57 "}",
		    UNPARSABLE_BAD_FIELD, "id" },
		{ "message id is beyond 64 bits",
		    "{\"event\":\"message_created\",\"id\":9223372036854775808," C57 "}",
		    UNPARSABLE_BAD_FIELD, "id" },
		{ "no conversation", "{\"event\":\"message_created\",\"id\":5}",
		    UNPARSABLE_BAD_FIELD, "conversation.id" },
		{ "conversation is a text",
		    "{\"event\":\"message_created\",\"id\":5,\"conversation\":\"57\"}",
		    UNPARSABLE_BAD_FIELD, "conversation.id" },
		{ "nobody knows which way",
		    "{\"event\":\"message_created\",\"id\":5,\"message_type\":\"sideways\"," C57
		    "}",
		    UNPARSABLE_BAD_FIELD, "message_type" },
		{ "a conversation without id", "{\"event\":\"conversation_updated\"}",
		    UNPARSABLE_BAD_FIELD, "id" },
		{ "typing nowhere", "{\"event\":\"conversation_typing_on\"}", UNPARSABLE_BAD_FIELD,
		    "conversation.id" },
		{ "a contact without id", "{\"event\":\"contact_updated\"}", UNPARSABLE_BAD_FIELD,
		    "id" },
	};
	struct world *w = *state;
	struct parse_error error;
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		if (parse(w, rows[i].body, strlen(rows[i].body), &error) != NULL)
			fail_msg("%s: parsed", rows[i].name);
		if (error.reason != rows[i].reason)
			fail_msg("%s: %s", rows[i].name, unparsable_word((int)error.reason));
		if (rows[i].detail != NULL && strcmp(rows[i].detail, error.detail) != 0)
			fail_msg("%s: %s", rows[i].name, error.detail);
	}
}

/* Without account and inbox in the configuration, what was learned judges, and before that nothing. */
static void test_places_that_are_learned(void **state)
{
	struct world *w = *state;
	struct http_in hook = world_hook(w, "message_created");
	struct parse_error error;

	world_place(w, "", "");
	assert_null(w->endpoint.tenant);
	assert_int_equal(DROP_NONE, parse(w, hook.body, hook.body_len, &error)->drop);
	world_remember(w, MEMO_TENANT, "2");
	world_remember(w, MEMO_INBOX, "22");
	assert_int_equal(DROP_OTHER_INBOX, parse(w, hook.body, hook.body_len, &error)->drop);
	world_remember(w, MEMO_TENANT, "1");
	assert_int_equal(DROP_OTHER_ACCOUNT, parse(w, hook.body, hook.body_len, &error)->drop);
	world_place(w, "2", "21");
	assert_string_equal("2", w->endpoint.tenant);
	assert_int_equal(DROP_NONE, parse(w, hook.body, hook.body_len, &error)->drop);
}

/* Whatever is missing or of another type, there is an event or a reason. */
static void test_every_field_missing(void **state)
{
	static const char *const values[] = { "null", "[]", "{}", "\"\"", "-1", "true" };
	struct world *w = *state;
	struct http_in hook = world_hook(w, "message_created");
	struct parse_error error;
	const char *at, *end, *body;
	size_t i, v;

	for (at = hook.body; (at = strstr(at, "\": ")) != NULL; at++) {
		i = (size_t)(at - hook.body) + 3;
		end = hook.body + i + strcspn(hook.body + i, ",\n");
		for (v = 0; v < COUNT(values) && *end != '\0' && strchr("{[", hook.body[i]) == NULL;
		     v++) {
			body = arena_printf(w->a, "%.*s%s%s", (int)i, hook.body, values[v], end);
			if (parse(w, body, strlen(body), &error) == NULL)
				assert_true(error.reason == UNPARSABLE_BAD_FIELD
				    || error.reason == UNPARSABLE_NO_EVENT);
		}
		arena_reset(w->a);
		hook = world_hook(w, "message_created");
		at = hook.body + i;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_verify, setup, teardown),
		cmocka_unit_test_setup_teardown(test_verify_tries_every_secret, setup, teardown),
		cmocka_unit_test_setup_teardown(test_status_of_updates, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fixtures, setup, teardown),
		cmocka_unit_test_setup_teardown(test_person, setup, teardown),
		cmocka_unit_test_setup_teardown(test_messages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bare_bodies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unparsable, setup, teardown),
		cmocka_unit_test_setup_teardown(test_places_that_are_learned, setup, teardown),
		cmocka_unit_test_setup_teardown(test_every_field_missing, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
