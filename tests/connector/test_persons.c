/* Contacts, and who and what a conversation belongs to, at both platforms: what fixtures of the contract pages
 * tell of them, the requests that read and write them, and what the answers mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/json_in.h"
#include "chatwoot_world.h"
#include "connector/smartify/smartify.h"

#define PROJECT "5e2c35c8f0dbc10017bb3aac"
#define BASE "https://panel.smartifyai.in/api"
#define USER "5e2c35c8f0dbc10017bb3a01"
#define AGENT "65a1f0c2d3e4b5a697887766"

extern const struct connector smartify_connector;

static struct world w;
static struct smartify_conf shop_conf;
static struct endpoint_conf shop;
static struct memo shop_memo[MEMO_MAX];
static struct via shop_via;

static int set_up(void **state)
{
	(void)state;
	world_init(&w);
	w.endpoint.wants_facts = true;
	shop_conf = (struct smartify_conf){ .project_id = PROJECT, .channel = "tieline" };
	shop = (struct endpoint_conf){ .name = "shop",
		.connector = &smartify_connector,
		.conf = &shop_conf,
		.base_url = BASE,
		.host = "panel.smartifyai.in",
		.tenant = PROJECT,
		.wants_facts = true,
		.wants_team = true };
	shop_memo[0] = (struct memo){ MEMO_TOKEN, "JWT account-token", false };
	shop_memo[1] = (struct memo){ MEMO_USER, USER, true };
	shop_via = (struct via){ .endpoint = &shop,
		.conf = &shop_conf,
		.keys = &w.keys,
		.memo = shop_memo,
		.nmemo = 2,
		.now_ms = WORLD_NOW_MS };
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	world_fini(&w);
	return 0;
}

static void assert_text(const char *is, const char *wanted, const char *row)
{
	if (is == NULL || wanted == NULL ? is != wanted : strcmp(is, wanted) != 0)
		fail_msg("%s:\n     got %s\nexpected %s", row, is != NULL ? is : "(none)",
		    wanted != NULL ? wanted : "(none)");
}

/* ---- told ---- */

static const char *fixture(const char *path, size_t *len)
{
	char *text = arena_alloc(w.a, 1 << 20);
	FILE *f = fopen(arena_printf(w.a, "%s/%s.json", TEST_SOURCE_DIR, path), "r");

	assert_non_null(f);
	*len = fread(text, 1, 1 << 20, f);
	fclose(f);
	return text;
}

static const struct event *told(bool at_shop, const char *body, size_t len)
{
	struct event_list *list = ARENA_NEW(w.a, struct event_list);
	struct http_in hook = { .method = "POST",
		.body = body,
		.body_len = len,
		.received_ms = WORLD_NOW_MS };
	const struct via *via = at_shop ? &shop_via : &w.via;
	struct parse_error error = { 0 };

	assert_int_equal(0, via->endpoint->connector->parse(via, w.a, &hook, list, &error));
	assert_int_equal(1, list->count);
	return &list->items[0];
}

static void test_fixtures(void **state)
{
	static const struct {
		const char *file, *facts;
	} rows[] = {
		{ "chatwoot/contact_updated",
		    "{\"name\":\"Teodor Vance\",\"phone\":\"+4915550100021\"}" },
		{ "chatwoot/conversation_updated",
		    "{\"name\":\"Teodor Vance\",\"phone\":\"+4915550100021\",\"team\":\"\",\"agent\":\"12\","
		    "\"labels\":\"[]\",\"priority\":\"\",\"attributes\":\"{\\\"order\\\":\\\"A-771\\\"}\"}" },
		{ "chatwoot/message_created",
		    "{\"name\":\"Teodor Vance\",\"phone\":\"+4915550100021\",\"team\":\"\",\"agent\":\"12\","
		    "\"labels\":\"[]\",\"priority\":\"\",\"attributes\":\"{\\\"order\\\":\\\"A-771\\\"}\"}" },
	};
	const struct event *e;
	size_t i, len;
	const char *body;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		body = fixture(rows[i].file, &len);
		e = told(false, body, len);
		assert_text(facts_text(w.a, e->facts), rows[i].facts, rows[i].file);
	}
}

#define REQUEST(more) \
	"{\"hook\":{\"event\":\"request.update\"},\"payload\":{\"request_id\":\"support-group-1\"," \
	"\"_id\":\"65f0a1b2c3d4e5f607182925\",\"id_project\":\"" PROJECT \
	"\",\"status\":200,\"updatedAt\":\"2026-03-05T09:23:10.126Z\"" more "}}"

static void test_requests_tell(void **state)
{
	static const struct {
		const char *row, *body, *facts;
	} rows[] = {
		{ "a contact as it is",
		    REQUEST(
			",\"lead\":{\"lead_id\":\"wab-1\",\"fullname\":\" Leila  Haddad \",\"email\":"
			"\"Leila@Example.com\",\"phone\":\"+44 7700 900123\"}"),
		    "{\"name\":\"Leila  Haddad\",\"email\":\"leila@example.com\",\"phone\":\"+447700900123\"}" },
		{ "what is no address is told as it is",
		    REQUEST(
			",\"lead\":{\"lead_id\":\"wab-1\",\"email\":\"none\",\"phone\":\"12\"}"),
		    "{\"email\":\"none\",\"phone\":\"12\"}" },
		{ "a snapshot is what was so at the beginning",
		    REQUEST(
			",\"lead\":\"65f0\",\"snapshot\":{\"lead\":{\"lead_id\":\"wab-1\",\"fullname\":"
			"\"Old\"}},\"tags\":[]"),
		    "{\"labels\":\"[]\"}" },
		{ "who has it: people, not the relay, not a bot",
		    REQUEST(",\"lead\":{\"lead_id\":\"wab-1\"},\"participants\":[\"bot_1\",\"" USER
			    "\",\"" AGENT "\"]"),
		    "{\"agent\":\"" AGENT "\"}" },
		{ "nobody has it",
		    REQUEST(",\"lead\":{\"lead_id\":\"wab-1\"},\"participants\":[\"bot_1\",\"" USER
			    "\"]"),
		    "{\"agent\":\"\"}" },
		{ "department, tags, priority, attributes",
		    REQUEST(
			",\"lead\":{\"lead_id\":\"wab-1\"},\"department\":{\"_id\":\"64f1\"},"
			"\"tags\":[{\"tag\":\"vip\",\"color\":\"#f00\"},\"a\"],\"priority\":\"high\","
			"\"attributes\":{\"order\":7,\"tieline\":\"tl1:\",\"last_message\":{\"text\":\"x\"}}"),
		    "{\"team\":\"64f1\",\"labels\":\"[\\\"a\\\",\\\"vip\\\"]\",\"priority\":\"high\","
		    "\"attributes\":\"{\\\"order\\\":7}\"}" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_text(facts_text(w.a, told(true, rows[i].body, strlen(rows[i].body))->facts),
		    rows[i].facts, rows[i].row);
}

static void test_who_vouches(void **state)
{
	const char *phone =
	    REQUEST(",\"lead\":{\"lead_id\":\"a\"},\"channel\":{\"name\":\"whatsapp\"}");
	const char *chat =
	    REQUEST(",\"lead\":{\"lead_id\":\"a\"},\"channel\":{\"name\":\"chat21\"}");

	(void)state;
	assert_true(told(true, phone, strlen(phone))->person.is_vouched);
	assert_false(told(true, chat, strlen(chat))->person.is_vouched);
}

/* ---- read and written ---- */

static const struct person person = { .identity = "smartify:p:1",
	.address = "lead-1",
	.name = "Ann" };

static const char *request(bool at_shop, enum job_kind kind, enum step step, enum fact fact,
    const char *value, const char *cursor, const char *carried)
{
	struct facts facts = { .v = { [FACT_NAME] = NULL } };
	struct message m = { .to = SIDE_AGENTS,
		.role = ROLE_SYSTEM,
		.person = &person,
		.facts = kind == JOB_DELIVER ? &facts : NULL };
	struct known known = { .contact = at_shop ? "65f0a1b2c3d4e5f607182910" : "1604",
		.address = "lead-1",
		.conversation = at_shop ? "support-group-1" : "57",
		.upload = carried };
	const struct job job = { .kind = kind,
		.step = step,
		.fact = fact,
		.message = &m,
		.known = &known,
		.cursor = cursor,
		.attempt = 1 };
	const struct via *via = at_shop ? &shop_via : &w.via;
	struct http_req req = { 0 };

	facts.v[fact] = value;
	via->endpoint->connector->build(via, w.a, &job, &req);
	return arena_printf(w.a, "%s %s %.*s", req.method,
	    strstr(req.url, at_shop ? PROJECT : "accounts"), (int)req.body_len,
	    req.body != NULL ? req.body : "");
}

static void test_requests(void **state)
{
	static const struct {
		const char *row;
		bool at_shop;
		enum job_kind kind;
		enum step step;
		enum fact fact;
		const char *value, *cursor, *carried, *request;
	} rows[] = {
		{ "a contact is read", false, JOB_FACTS, STEP_FIND_CONTACT, FACT_NAME, NULL, NULL,
		    NULL,
		    "POST accounts/2/contact_inboxes/filter {\"inbox_id\":21,\"source_id\":\"lead-1\"}" },
		{ "and written", false, JOB_DELIVER, STEP_UPDATE_CONTACT, FACT_EMAIL, "a@x.de",
		    NULL, NULL, "PATCH accounts/2/contacts/1604 {\"email\":\"a@x.de\"}" },
		{ "without what another one has", false, JOB_DELIVER, STEP_UPDATE_CONTACT,
		    FACT_EMAIL, "a@x.de", " email", NULL,
		    "PATCH accounts/2/contacts/1604 {\"custom_attributes\":{\"unverified_email\":\"a@x.de\"}}" },
		{ "a conversation is read", false, JOB_FACTS, STEP_FIND_CONVERSATION, FACT_NAME,
		    NULL, NULL, NULL, "GET accounts/2/conversations/57 " },
		{ "somebody has it", false, JOB_DELIVER, STEP_ASSIGN, FACT_AGENT, "12", NULL, NULL,
		    "POST accounts/2/conversations/57/assignments {\"assignee_id\":12}" },
		{ "nobody", false, JOB_DELIVER, STEP_ASSIGN, FACT_AGENT, "", NULL, NULL,
		    "POST accounts/2/conversations/57/assignments {\"assignee_id\":0}" },
		{ "a team", false, JOB_DELIVER, STEP_ASSIGN, FACT_TEAM, "4", NULL, NULL,
		    "POST accounts/2/conversations/57/assignments {\"team_id\":4}" },
		{ "labels", false, JOB_DELIVER, STEP_SET_LABELS, FACT_LABELS, "[\"a\"]", NULL, NULL,
		    "POST accounts/2/conversations/57/labels {\"labels\":[\"a\"]}" },
		{ "no priority", false, JOB_DELIVER, STEP_SET_PRIORITY, FACT_PRIORITY, "", NULL,
		    NULL, "PATCH accounts/2/conversations/57 {\"priority\":null}" },
		{ "attributes, with those that are there", false, JOB_DELIVER, STEP_SET_ATTRIBUTES,
		    FACT_ATTRIBUTES, "{\"n\":5,\"o\":null}", NULL,
		    "{\"n\":4,\"o\":1,\"deep\":{\"x\":[]}}",
		    "POST accounts/2/conversations/57/custom_attributes "
		    "{\"custom_attributes\":{\"deep\":{\"x\":[]},\"n\":5}}" },

		{ "a long number goes as text", false, JOB_DELIVER, STEP_SET_ATTRIBUTES,
		    FACT_ATTRIBUTES, "{\"n\":12345678901}", NULL, NULL,
		    "POST accounts/2/conversations/57/custom_attributes "
		    "{\"custom_attributes\":{\"n\":\"12345678901\"}}" },
		{ "a lead is read with its conversation", true, JOB_FACTS, STEP_FIND_CONTACT,
		    FACT_NAME, NULL, NULL, NULL, "GET " PROJECT "/requests/support-group-1 " },
		{ "and written", true, JOB_DELIVER, STEP_UPDATE_CONTACT, FACT_PHONE, "+1", NULL,
		    NULL, "PUT " PROJECT "/leads/65f0a1b2c3d4e5f607182910 {\"phone\":\"+1\"}" },
		{ "somebody takes it from another, and from a bot; the relay stays", true,
		    JOB_DELIVER, STEP_ASSIGN, FACT_AGENT, AGENT, NULL,
		    "{\"participants\":[\"bot_1\",\"" USER "\",\"65f7\"]}",
		    "PUT " PROJECT "/requests/support-group-1/participants [\"" USER "\",\"" AGENT
		    "\"]" },
		{ "nobody has it, and the bot stays", true, JOB_DELIVER, STEP_ASSIGN, FACT_AGENT,
		    "", NULL, "{\"participants\":[\"bot_1\",\"65f7\"]}",
		    "PUT " PROJECT "/requests/support-group-1/participants [\"bot_1\"]" },
		{ "a department", true, JOB_DELIVER, STEP_ASSIGN, FACT_TEAM, "64f1", NULL, NULL,
		    "PUT " PROJECT
		    "/requests/support-group-1/departments {\"departmentid\":\"64f1\",\"nobot\":true}" },
		{ "tags, those that are there with their color", true, JOB_DELIVER, STEP_SET_LABELS,
		    FACT_LABELS, "[\"new\",\"vip\"]", NULL,
		    "{\"tags\":[{\"_id\":\"1\",\"tag\":\"vip\",\"color\":\"#f00\"},{\"tag\":\"old\"}]}",
		    "PATCH " PROJECT
		    "/requests/support-group-1 {\"tags\":[{\"tag\":\"new\",\"color\":"
		    "\"#43b1f2\"},{\"_id\":\"1\",\"tag\":\"vip\",\"color\":\"#f00\"}]}" },
		{ "none is the usual priority", true, JOB_DELIVER, STEP_SET_PRIORITY, FACT_PRIORITY,
		    "", NULL, NULL,
		    "PATCH " PROJECT "/requests/support-group-1 {\"priority\":\"medium\"}" },
		{ "attributes are merged there", true, JOB_DELIVER, STEP_SET_ATTRIBUTES,
		    FACT_ATTRIBUTES, "{\"n\":5,\"o\":null}", NULL, NULL,
		    "PATCH " PROJECT "/requests/support-group-1/attributes {\"n\":5,\"o\":null}" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_text(request(rows[i].at_shop, rows[i].kind, rows[i].step, rows[i].fact,
				rows[i].value, rows[i].cursor, rows[i].carried),
		    rows[i].request, rows[i].row);
}

/* ---- answers ---- */

static const char *answer(bool at_shop, enum job_kind kind, enum step step, int attempt, int status,
    const char *body)
{
	struct facts facts = { .v = { [FACT_NAME] = "Ann" } };
	struct message m = { .to = SIDE_AGENTS,
		.role = ROLE_SYSTEM,
		.person = &person,
		.facts = kind == JOB_DELIVER ? &facts : NULL };
	struct known known = { .address = "lead-1", .conversation = "57" };
	const struct job job = { .kind = kind,
		.step = step,
		.message = &m,
		.known = &known,
		.attempt = attempt };
	const struct http_resp resp = { .transport = TRANSPORT_OK,
		.sent = true,
		.status = status,
		.body = body,
		.body_len = strlen(body),
		.retry_after_msecs = -1 };
	const struct via *via = at_shop ? &shop_via : &w.via;
	struct outcome o = { 0 };

	via->endpoint->connector->interpret(via, w.a, &job, &resp, &o);
	return arena_printf(w.a, "%s%s%s%s%s%s%s%s", effect_word((int)o.effect.kind),
	    o.effect.reason != REASON_NONE ? " " : "", reason_word((int)o.effect.reason),
	    o.found ? " found" : "", o.learned.contact != NULL ? " contact=" : "",
	    o.learned.contact != NULL ? o.learned.contact : "", o.cursor != NULL ? " cursor=" : "",
	    o.cursor != NULL ? o.cursor : "");
}

static void test_answers(void **state)
{
	static const struct {
		const char *row;
		bool at_shop;
		enum job_kind kind;
		enum step step;
		int attempt, status;
		const char *body, *outcome;
	} rows[] = {
		{ "the contact, whoever it is now", false, JOB_FACTS, STEP_FIND_CONTACT, 1, 200,
		    "{\"id\":1607,\"name\":\"x\"}", "next_step found contact=1607" },
		{ "there is none", false, JOB_FACTS, STEP_FIND_CONTACT, 1, 404, "", "next_step" },
		{ "no contact at all", false, JOB_FACTS, STEP_FIND_CONTACT, 1, 200, "{}",
		    "retry bad_answer" },
		{ "the conversation", false, JOB_FACTS, STEP_FIND_CONVERSATION, 1, 200,
		    "{\"id\":57,\"labels\":[]}", "next_step found" },
		{ "the conversation is gone", false, JOB_FACTS, STEP_FIND_CONVERSATION, 1, 404,
		    "{\"error\":\"Resource could not be found\"}", "rejected not_found" },
		{ "written", false, JOB_DELIVER, STEP_UPDATE_CONTACT, 1, 200, "{\"payload\":{}}",
		    "delivered" },
		{ "another one has it", false, JOB_DELIVER, STEP_UPDATE_CONTACT, 1, 422,
		    "{\"message\":\"Email has already been taken\",\"attributes\":[\"email\"]}",
		    "next_step cursor= email" },
		{ "it was merged since it was looked up", false, JOB_DELIVER, STEP_UPDATE_CONTACT,
		    1, 404, "{\"error\":\"Resource could not be found\"}", "retry not_found" },
		{ "it stays away", false, JOB_DELIVER, STEP_UPDATE_CONTACT, 3, 404,
		    "{\"error\":\"Resource could not be found\"}", "rejected not_found" },
		{ "may have arrived", false, JOB_DELIVER, STEP_SET_LABELS, 1, 502, "<html>",
		    "retry server_error" },
		{ "not allowed", false, JOB_DELIVER, STEP_ASSIGN, 1, 401,
		    "{\"error\":\"You are not authorized to do this action\"}",
		    "rejected invalid" },
		{ "slower", false, JOB_DELIVER, STEP_ASSIGN, 1, 429, "Retry later\n",
		    "retry busy" },

		{ "the lead", true, JOB_FACTS, STEP_FIND_CONTACT, 1, 200,
		    "{\"_id\":\"65f0\",\"lead\":{\"_id\":\"65f0a1b2c3d4e5f607182910\",\"lead_id\":\"lead-1\"}}",
		    "next_step found contact=65f0a1b2c3d4e5f607182910" },
		{ "it is another one's conversation now", true, JOB_FACTS, STEP_FIND_CONTACT, 1,
		    200,
		    "{\"_id\":\"65f0\",\"lead\":{\"_id\":\"65f0a1b2c3d4e5f607182911\",\"lead_id\":\"x\"}}",
		    "next_step" },
		{ "no conversation", true, JOB_FACTS, STEP_FIND_CONVERSATION, 1, 404,
		    "{\"success\":false,\"msg\":\"Object not found.\"}", "next_step" },
		{ "written", true, JOB_DELIVER, STEP_SET_PRIORITY, 1, 200, "{}", "delivered" },
		{ "may have arrived", true, JOB_DELIVER, STEP_SET_LABELS, 1, 500,
		    "{\"err\":\"error\"}", "retry server_error" },
		{ "too low a role", true, JOB_DELIVER, STEP_ASSIGN, 1, 403,
		    "{\"success\":false,\"msg\":\"you dont have the required role.\"}",
		    "rejected invalid" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_text(answer(rows[i].at_shop, rows[i].kind, rows[i].step, rows[i].attempt,
				rows[i].status, rows[i].body),
		    rows[i].outcome, rows[i].row);
}

/* ---- who may be taken for whom ---- */

static const char *step_after(const struct message *m, enum step step, enum reason before,
    int status, const char *body)
{
	const struct known known = { .address = "lead-1" };
	const struct job job = { .kind = JOB_DELIVER,
		.step = step,
		.message = m,
		.known = &known,
		.before = before,
		.attempt = 1 };
	const struct http_resp resp = { .transport = TRANSPORT_OK,
		.sent = true,
		.status = status,
		.body = body,
		.body_len = strlen(body),
		.retry_after_msecs = -1 };
	struct outcome o = { 0 };

	chatwoot_interpret(&w.via, w.a, &job, &resp, &o);
	return arena_printf(w.a, "%s go=%s contact=%s cursor=%s", effect_word((int)o.effect.kind),
	    step_word((int)o.go), o.learned.contact != NULL ? o.learned.contact : "",
	    o.cursor != NULL ? o.cursor : "");
}

static void test_match(void **state)
{
	static const struct person ann = { .identity = "smartify:p:1",
		.phone = "+44 7700 900123",
		.email = "Ann@x.de" };
	static const char phone_taken[] = "{\"message\":\"Phone number has already been taken\","
					  "\"attributes\":[\"phone_number\"]}";
	static const char phone_bad[] = "{\"message\":\"Phone number should be in e164 format\","
					"\"attributes\":[\"phone_number\"]}";
	static const char email_taken[] =
	    "{\"message\":\"Email has already been taken\",\"attributes\":[\"email\"]}";
	static const char list[] =
	    "{\"payload\":[{\"id\":1,\"email\":\"ann@x.de\"},{\"id\":2,\"phone_number\":\"+447700900123\"},"
	    "{\"id\":3,\"identifier\":\"x\"}]}";
	static const char both[] = "{\"payload\":[{\"id\":2,\"phone_number\":\"+447700900123\"},"
				   "{\"id\":9,\"identifier\":\"smartify:p:1\"}]}";
	static const struct {
		const char *row;
		bool by_phone, by_email;
		enum step step;
		enum reason before;
		int status;
		const char *body, *then;
	} rows[] = {
		{ "nobody vouches", false, false, STEP_CREATE_CONTACT, REASON_NONE, 422,
		    phone_taken, "next_step go= contact= cursor= phone_number" },
		{ "the phone is his", true, false, STEP_CREATE_CONTACT, REASON_NONE, 422,
		    phone_taken, "next_step go=list_contacts contact= cursor=" },
		{ "it is no number there", true, false, STEP_CREATE_CONTACT, REASON_NONE, 422,
		    phone_bad, "next_step go= contact= cursor= phone_number" },
		{ "an e-mail, and only phones count", true, false, STEP_CREATE_CONTACT, REASON_NONE,
		    422, email_taken, "next_step go= contact= cursor= email" },
		{ "any", true, true, STEP_CREATE_CONTACT, REASON_NONE, 422, email_taken,
		    "next_step go=list_contacts contact= cursor=" },
		{ "by phone", true, false, STEP_LIST_CONTACTS, REASON_NONE, 200, list,
		    "next_step go=update_contact contact=2 cursor=" },
		{ "by phone before e-mail", true, true, STEP_LIST_CONTACTS, REASON_NONE, 200, list,
		    "next_step go=update_contact contact=2 cursor=" },
		{ "by what we gave him before all", true, true, STEP_LIST_CONTACTS, REASON_NONE,
		    200, both, "next_step go=update_contact contact=9 cursor=" },
		{ "who has it is not found", true, false, STEP_LIST_CONTACTS, REASON_NONE, 200,
		    "{\"payload\":[]}", "retry go= contact= cursor=" },
		{ "nor the next time: without it", true, false, STEP_LIST_CONTACTS,
		    REASON_NOT_FOUND, 200, "{\"payload\":[]}",
		    "next_step go=create_contact contact= cursor=" },
		{ "then it is left out", true, false, STEP_CREATE_CONTACT, REASON_NOT_FOUND, 422,
		    phone_taken, "next_step go= contact= cursor= phone_number" },
		{ "merged between find and create", false, false, STEP_CREATE_CONVERSATION,
		    REASON_NONE, 404, "{\"error\":\"Resource could not be found\"}",
		    "next_step go=find_contact contact= cursor=" },
	};
	struct message m = { .to = SIDE_AGENTS, .role = ROLE_CUSTOMER, .person = &ann };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		m.match_phone = rows[i].by_phone;
		m.match_email = rows[i].by_email;
		assert_text(step_after(&m, rows[i].step, rows[i].before, rows[i].status,
				rows[i].body),
		    rows[i].then, rows[i].row);
	}
}

/* ---- who works there ---- */

static void test_lists(void **state)
{
	static const char users[] =
	    "[{\"_id\":\"1\",\"id_user\":{\"_id\":\"" AGENT
	    "\",\"email\":\"priya@northwind.example\",\"firstname\":\"Priya\",\"lastname\":"
	    "\"Nair\"}},{\"_id\":\"2\",\"uuid_user\":\"wab-1\"}]";
	static const char agents[] =
	    "[{\"id\":12,\"email\":\"m@x.de\",\"name\":\"Marisol Rooke\"}]";
	struct http_resp resp = { .transport = TRANSPORT_OK,
		.sent = true,
		.status = 200,
		.body = users,
		.body_len = sizeof(users) - 1 };
	struct job job;
	struct outcome o = { 0 };

	(void)state;
	shop_memo[2] = (struct memo){ "subscription", "65e0b1c2d3e4f5a6b7c8d9e0", true };
	shop_memo[3] = (struct memo){ "title", "Shop", true };
	shop_via.nmemo = 4;
	assert_int_equal(shop_via.now_ms, smartify_next(&shop_via, &job));
	assert_string_equal("team", job.cursor);
	smartify_connector.interpret(&shop_via, w.a, &job, &resp, &o);
	assert_string_equal(MEMO_TEAM, o.memo[0].key);
	assert_false(o.memo[0].lasting);
	assert_text(o.memo[0].value,
	    "[{\"id\":\"" AGENT
	    "\",\"email\":\"priya@northwind.example\",\"name\":\"Priya Nair\"}]",
	    "the team");
	shop_memo[4] = o.memo[0];
	shop_memo[5] = o.memo[1];
	shop_via.nmemo = 6;
	assert_text(smartify_team_user(&shop_via, w.a, "PRIYA@northwind.example"), AGENT,
	    "by e-mail");
	assert_text(smartify_team_user(&shop_via, w.a, "priya nair"), AGENT, "by name");
	assert_null(smartify_team_user(&shop_via, w.a, "nobody@x.de"));

	w.endpoint.wants_team = true;
	job = (struct job){ .kind = JOB_ENDPOINT };
	assert_int_equal(w.via.now_ms, chatwoot_next_list(&w.via, &job));
	resp.body = agents;
	resp.body_len = sizeof(agents) - 1;
	o = (struct outcome){ 0 };
	chatwoot_interpret(&w.via, w.a, &job, &resp, &o);
	assert_int_equal(EFFECT_NEXT_STEP, o.effect.kind);
	assert_text(o.memo[1].value,
	    "[{\"id\":\"12\",\"email\":\"m@x.de\",\"name\":\"Marisol Rooke\"}]", "the agents");
	w.memo[0] = o.memo[0];
	w.memo[1] = o.memo[1];
	w.via.nmemo = 2;
	assert_int_equal(w.via.now_ms, chatwoot_next_list(&w.via, &job)); /* the teams */
	assert_string_equal("teams", job.cursor);
	w.memo[2] = (struct memo){ "asked_teams", o.memo[0].value, false };
	w.memo[3] = (struct memo){ MEMO_TEAMS, "[]", false };
	w.via.nmemo = 4;
	assert_int_equal(w.via.now_ms + TEAM_LIFE_MSECS, chatwoot_next_list(&w.via, &job));
	w.endpoint.wants_team = false;
	assert_int_equal(INT64_MAX, chatwoot_next_list(&w.via, &job));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_fixtures, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_requests_tell, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_who_vouches, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_requests, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_answers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_match, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_lists, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
