/* What a message becomes at Chatwoot, and what its answers mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "chatwoot_world.h"
#include "core/text.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

#define WAB "smartify:5e2c35c8f0dbc10017bb3aac:wab-447700900123"
#define WAB_AT_12 "tl1-fbe7941bd3b540fb0adcae67c46e6a06"

static struct person ada = { .identity = WAB,
	.name = "Ada Ray",
	.email = "ada@example.com",
	.phone = "+44 7700 900-123" };
static struct person at_c = { .identity = "chatwoot:~d0d2efb1e6c8eed3569b0ad8f9e78499",
	.address = "0b1c/2 d" };

static char mark[MARK_TEXT_SIZE], other_mark[MARK_TEXT_SIZE], note_mark[MARK_TEXT_SIZE];
static char conversation_mark[MARK_TEXT_SIZE], other_conversation_mark[MARK_TEXT_SIZE];

static void make_marks(const struct keys *keys)
{
	char tag[BRIDGE_TAG_SIZE];
	struct root root, other;

	ids_bridge_tag("support", tag);
	assert_int_equal(0, root_parse("94494511ff7b18c5351b", &root));
	assert_int_equal(0, root_parse("00000000000000000001", &other));
	mark_build(keys, tag, 'm', 1, &root, 0, mark);
	mark_build(keys, tag, 'm', 1, &other, 0, other_mark);
	mark_build(keys, tag, 'n', 1, &other, 0, note_mark);
	mark_build(keys, tag, 'c', 1, &other, 2, conversation_mark);
	mark_build(keys, tag, 'c', 1, &other, 1, other_conversation_mark);
}

static int setup(void **state)
{
	static struct world world;

	world_init(&world);
	world_place(&world, "1", "12");
	make_marks(&world.keys);
	*state = &world;
	return 0;
}

static int teardown(void **state)
{
	world_fini(*state);
	return 0;
}

static struct message from_customer(void)
{
	return (struct message){ .to = SIDE_AGENTS,
		.role = ROLE_CUSTOMER,
		.text = "Hello {{name}}",
		.parts = 1,
		.mark = mark,
		.conversation_mark = conversation_mark,
		.person = &ada,
		.at_ms = WORLD_NOW_MS,
		.may_open = true };
}

static struct message from_agent(void)
{
	return (struct message){ .to = SIDE_CUSTOMERS,
		.role = ROLE_AGENT,
		.text = "Hello",
		.parts = 1,
		.mark = mark,
		.conversation_mark = conversation_mark,
		.person = &at_c,
		.name = "Mari",
		.at_ms = WORLD_NOW_MS };
}

/* --- address ----------------------------------------------------------------------------------- */

static void test_address(void **state)
{
	struct world *w = *state;

	assert_string_equal(WAB_AT_12, chatwoot_connector.address(&w->via, w->a, WAB));
	world_place(w, "", "");
	assert_null(chatwoot_connector.address(&w->via, w->a, WAB));
	w->via.explain = true;
	assert_string_equal("{address}", chatwoot_connector.address(&w->via, w->a, WAB));
	world_remember(w, MEMO_TENANT, "1");
	world_remember(w, MEMO_INBOX, "12");
	assert_string_equal(WAB_AT_12, chatwoot_connector.address(&w->via, w->a, WAB));
}

/* --- plan -------------------------------------------------------------------------------------- */

#define NEW_AT_A \
	"always find_contact 0, not_found create_contact 0, found find_conversation 0, " \
	"not_found create_conversation 0, found send 0"
#define NEW_AT_C \
	"always find_contact 0, found find_conversation 0, not_found create_conversation 0, " \
	"found send 0"

static const char *planned(struct world *w, struct message *m, const struct known *known)
{
	struct effect refused = { 0 };
	struct plan plan;

	if (chatwoot_connector.plan(&w->via, w->a, m, known, &plan, &refused) == 0)
		return world_plan_text(w, &plan);
	return arena_printf(w->a, "%s %s: %s", effect_word((int)refused.kind),
	    reason_word((int)refused.reason), refused.why);
}

static void test_plan(void **state)
{
	static const struct known nothing, linked = { .conversation = "57" };
	static const struct known told = { .contact = "1604", .address = "tl1-x" };
	struct world *w = *state;
	struct message m = from_customer();

	assert_string_equal(NEW_AT_A, planned(w, &m, &nothing));
	assert_string_equal(NEW_AT_A, planned(w, &m, &told));
	assert_string_equal("always send 0", planned(w, &m, &linked));
	m.person = NULL;
	assert_string_equal("rejected unreachable: no conversation with this person",
	    planned(w, &m, &nothing));

	m = from_agent();
	assert_string_equal("rejected unreachable: no conversation with this person",
	    planned(w, &m, &nothing));
	assert_string_equal("always send 0", planned(w, &m, &linked));
	m.may_open = true;
	assert_string_equal(NEW_AT_C, planned(w, &m, &nothing));
	m.role = ROLE_SYSTEM;
	assert_string_equal("rejected unsupported: a note is not for customers",
	    planned(w, &m, &linked));
}

static void test_doubt_is_planned(void **state)
{
	static const struct known nothing;
	static const struct {
		enum step step, look;
		int64_t wait;
	} rows[] = {
		{ STEP_FIND_CONTACT, STEP_NONE, 0 },
		{ STEP_CREATE_CONTACT, STEP_FIND_CONTACT, 16000 },
		{ STEP_FIND_CONVERSATION, STEP_NONE, 0 },
		{ STEP_CREATE_CONVERSATION, STEP_FIND_CONVERSATION, 16000 },
		{ STEP_SEND, STEP_LOOK_UP, 16000 },
	};
	struct world *w = *state;
	struct message m = from_customer();
	struct effect refused;
	struct plan plan;
	size_t i;

	assert_int_equal(0, chatwoot_connector.plan(&w->via, w->a, &m, &nothing, &plan, &refused));
	assert_int_equal(COUNT(rows), plan.count);
	for (i = 0; i < COUNT(rows); i++) {
		assert_int_equal(rows[i].step, plan.steps[i].step);
		assert_int_equal(rows[i].look, plan.steps[i].doubt_look);
		assert_int_equal(rows[i].wait, plan.steps[i].doubt_wait_msecs);
	}
}

static void test_texts(void **state)
{
	static const struct known linked = { .conversation = "57" };
	static const struct {
		const char *name;
		enum side to;
		enum role role;
		const char *author, *text, *expected;
	} rows[] = {
		{ "a customer's words are left alone", SIDE_AGENTS, ROLE_CUSTOMER, NULL, "{{a}} {%",
		    "{{a}} {%" },
		{ "a customer is the contact", SIDE_AGENTS, ROLE_CUSTOMER, "Ada", "hi", "hi" },
		{ "an agent of the other side", SIDE_AGENTS, ROLE_AGENT, "Mari", "hi", "Mari: hi" },
		{ "nobody's name", SIDE_AGENTS, ROLE_BOT, NULL, "hi", "hi" },
		{ "a name with a line in it", SIDE_CUSTOMERS, ROLE_AGENT, " Ma\nri ", "hi",
		    "Mari: hi" },
		{ "a note", SIDE_AGENTS, ROLE_SYSTEM, "Mari", "joined", "joined" },
		{ "Liquid", SIDE_CUSTOMERS, ROLE_AGENT, NULL, "{{a}} {% b %} `{{c}}`",
		    "{" UTF8_ZERO_WIDTH_SPACE "{a}} {" UTF8_ZERO_WIDTH_SPACE
		    "% b %} `{" UTF8_ZERO_WIDTH_SPACE "{c}}`" },
		{ "Liquid in a name", SIDE_CUSTOMERS, ROLE_AGENT, "{{x}}", "hi",
		    "{" UTF8_ZERO_WIDTH_SPACE "{x}}: hi" },
		{ "no words", SIDE_CUSTOMERS, ROLE_AGENT, NULL, NULL, "" },
	};
	struct world *w = *state;
	struct message m;
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		m = (struct message){ .to = rows[i].to,
			.role = rows[i].role,
			.name = rows[i].author,
			.text = rows[i].text };
		assert_string_equal("always send 0", planned(w, &m, &linked));
		if (strcmp(rows[i].expected, m.text) != 0)
			fail_msg("%s: %s", rows[i].name, m.text);
		assert_string_equal("always send 0", planned(w, &m, &linked)); /* twice is once */
		assert_string_equal(rows[i].expected, m.text);
	}
}

static void test_long_text_is_split(void **state)
{
	static const struct known linked = { .conversation = "57" }, nothing;
	struct world *w = *state;
	struct message m = from_customer();
	char *text = arena_alloc(w->a, 5 * 1000 * 1000 + 1);

	memset(text, 'x', 5 * 1000 * 1000);
	text[5 * 1000 * 1000] = '\0';
	m.text = text + 5 * 1000 * 1000 - 150000;
	assert_string_equal("always send 0", planned(w, &m, &linked));

	m = from_customer();
	m.text = text + 5 * 1000 * 1000 - 150001;
	assert_string_equal("always send 0, always send 1", planned(w, &m, &linked));
	assert_int_equal(2, m.parts);
	assert_int_equal(150000, text_len(m.texts[0], TEXT_POINTS));

	m = from_customer();
	m.text = text + 5 * 1000 * 1000 - 150001;
	assert_string_equal(NEW_AT_A ", always send 1", planned(w, &m, &nothing));

	m = from_customer();
	m.text = text;
	assert_string_equal("rejected too_large: too long a text", planned(w, &m, &linked));
}

/* --- build ------------------------------------------------------------------------------------- */

static const char *built(struct world *w, const struct job *job)
{
	struct http_req req;

	chatwoot_connector.build(&w->via, w->a, job, &req);
	return world_request_text(w, &req);
}

#define INBOX "\"inbox_id\":12,\"source_id\":\"" WAB_AT_12 "\""

static void test_requests_as_agents_side(void **state)
{
	static const struct known nothing, contact = { .contact = "1604" };
	static const struct known linked = { .contact = "1604",
		.conversation = "57",
		.message = "40871" };
	struct world *w = *state;
	struct message m = from_customer();
	const struct {
		enum job_kind kind;
		enum step step;
		const struct known *known;
		const char *cursor, *expected;
	} rows[] = {
		{ JOB_DELIVER, STEP_FIND_CONTACT, &nothing, NULL,
		    "POST /accounts/1/contact_inboxes/filter {" INBOX "}" },
		{ JOB_LOOK, STEP_FIND_CONTACT, &nothing, NULL,
		    "POST /accounts/1/contact_inboxes/filter {" INBOX "}" },
		{ JOB_DELIVER, STEP_CREATE_CONTACT, &nothing, NULL,
		    "POST /accounts/1/contacts {\"name\":\"Ada Ray\",\"identifier\":\"" WAB
		    "\"," INBOX
		    ",\"phone_number\":\"+447700900123\",\"email\":\"ada@example.com\"}" },
		{ JOB_DELIVER, STEP_CREATE_CONTACT, &nothing, " phone_number",
		    "POST /accounts/1/contacts {\"name\":\"Ada Ray\",\"identifier\":\"" WAB
		    "\"," INBOX ",\"email\":\"ada@example.com\","
		    "\"custom_attributes\":{\"unverified_phone\":\"+44 7700 900-123\"}}" },
		{ JOB_DELIVER, STEP_CREATE_CONTACT, &nothing, " email phone_number",
		    "POST /accounts/1/contacts {\"name\":\"Ada Ray\",\"identifier\":\"" WAB
		    "\"," INBOX ",\"custom_attributes\":{\"unverified_phone\":\"+44 7700 900-123\","
		    "\"unverified_email\":\"ada@example.com\"}}" },
		{ JOB_DELIVER, STEP_LIST_CONTACTS, &nothing, NULL,
		    "POST /accounts/1/contacts/filter {\"payload\":[{\"attribute_key\":\"identifier\","
		    "\"filter_operator\":\"equal_to\",\"values\":[\"" WAB
		    "\"],\"query_operator\":null}]}" },
		{ JOB_DELIVER, STEP_UPDATE_CONTACT, &contact, NULL,
		    "POST /accounts/1/contacts/1604/contact_inboxes {" INBOX "}" },
		{ JOB_DELIVER, STEP_FIND_CONVERSATION, &contact, NULL,
		    "GET /accounts/1/conversations?inbox_id=12&source_id=" WAB_AT_12
		    "&status=all&sort_by=created_at_desc" },
		{ JOB_LOOK, STEP_FIND_CONVERSATION, &contact, "57/messages",
		    "GET /accounts/1/conversations/57/messages" },
		{ JOB_DELIVER, STEP_CREATE_CONVERSATION, &contact, NULL,
		    arena_printf(w->a,
			"POST /accounts/1/conversations {" INBOX
			",\"additional_attributes\":{\"tieline\":\"%s\"}"
			",\"contact_id\":1604,\"message\":{\"content\":\"Hello {{name}}\","
			"\"message_type\":\"incoming\",\"source_id\":\"%s\"}}",
			conversation_mark, mark) },
		{ JOB_DELIVER, STEP_LIST_MESSAGES, &linked, NULL,
		    "GET /accounts/1/conversations/57/messages" },
		{ JOB_DELIVER, STEP_SEND, &linked, NULL,
		    arena_printf(w->a,
			"POST /accounts/1/conversations/57/messages {\"content\":"
			"\"Hello {{name}}\",\"message_type\":\"incoming\",\"source_id\":\"%s\"}",
			mark) },
		{ JOB_LOOK, STEP_LOOK_UP, &linked, NULL,
		    "GET /accounts/1/conversations/57/messages?after=40871" },
		{ JOB_LOOK, STEP_LOOK_UP, &linked, "57/messages?before=40001",
		    "GET /accounts/1/conversations/57/messages?before=40001" },
	};
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		const struct job job = { .kind = rows[i].kind,
			.step = rows[i].step,
			.attempt = 1,
			.message = &m,
			.known = rows[i].known,
			.cursor = rows[i].cursor };

		assert_string_equal(rows[i].expected, built(w, &job));
	}
}

static void test_words_of_others_at_the_agents_side(void **state)
{
	static const struct known linked = { .conversation = "57" };
	struct world *w = *state;
	struct message m = from_customer();
	const struct job job = { .step = STEP_SEND, .message = &m, .known = &linked };

	m.role = ROLE_AGENT;
	m.text = "Mari: hi";
	assert_string_equal(arena_printf(w->a,
				"POST /accounts/1/conversations/57/messages {\"content\":"
				"\"Mari: hi\",\"message_type\":\"outgoing\",\"source_id\":\"%s\","
				"\"content_attributes\":{\"external_echo\":true}}",
				mark),
	    built(w, &job));
	m.role = ROLE_SYSTEM;
	assert_string_equal(
	    arena_printf(w->a,
		"POST /accounts/1/conversations/57/messages {\"content\":"
		"\"Mari: hi\",\"message_type\":\"outgoing\",\"private\":true,\"source_id\":\"%s\"}",
		mark),
	    built(w, &job));
}

static void test_requests_as_customers_side(void **state)
{
	static const struct known contact = { .contact = "1604", .address = "not this" };
	static const struct known linked = { .conversation = "57" };
	struct world *w = *state;
	struct message m = from_agent();
	struct job job = { .step = STEP_SEND, .message = &m, .known = &linked };

	assert_string_equal(
	    arena_printf(w->a,
		"POST /accounts/1/conversations/57/messages {\"content\":"
		"\"Hello\",\"message_type\":\"outgoing\",\"content_attributes\":{\"tieline\":\"%s\"}}",
		mark),
	    built(w, &job));
	job.known = &contact;
	job.step = STEP_FIND_CONTACT;
	assert_string_equal("POST /accounts/1/contact_inboxes/filter"
			    " {\"inbox_id\":12,\"source_id\":\"0b1c/2 d\"}",
	    built(w, &job));
	job.step = STEP_FIND_CONVERSATION;
	assert_string_equal("GET /accounts/1/conversations?inbox_id=12&source_id=0b1c%2F2%20d"
			    "&status=all&sort_by=created_at_desc",
	    built(w, &job));
	job.step = STEP_CREATE_CONVERSATION;
	assert_string_equal(
	    arena_printf(w->a,
		"POST /accounts/1/conversations {\"inbox_id\":12,"
		"\"source_id\":\"0b1c/2 d\",\"additional_attributes\":{\"tieline\":\"%s\"},"
		"\"contact_id\":1604,\"message\":{\"content\":\"Hello\",\"message_type\":\"outgoing\","
		"\"content_attributes\":{\"tieline\":\"%s\"}}}",
		conversation_mark, mark),
	    built(w, &job));
}

static void test_reach(void **state)
{
	static const struct known nothing;
	static const struct {
		const char *phone, *email, *expected;
	} rows[] = {
		{ NULL, NULL, "" },
		{ "+4915550100021", NULL, ",\"phone_number\":\"+4915550100021\"" },
		{ "+49 (155) 501.00-021", NULL, ",\"phone_number\":\"+4915550100021\"" },
		{ "+123456789012345", NULL, ",\"phone_number\":\"+123456789012345\"" },
		{ "+1234567890123456", NULL,
		    ",\"custom_attributes\":{\"unverified_phone\":\"+1234567890123456\"}" },
		{ "015550100021", NULL,
		    ",\"custom_attributes\":{\"unverified_phone\":\"015550100021\"}" },
		{ "+0155501", NULL, ",\"custom_attributes\":{\"unverified_phone\":\"+0155501\"}" },
		{ "+", NULL, ",\"custom_attributes\":{\"unverified_phone\":\"+\"}" },
		{ "+49x", NULL, ",\"custom_attributes\":{\"unverified_phone\":\"+49x\"}" },
		{ NULL, "a@b.example", ",\"email\":\"a@b.example\"" },
		{ NULL, "a@b", ",\"custom_attributes\":{\"unverified_email\":\"a@b\"}" },
		{ NULL, "a b@c.example",
		    ",\"custom_attributes\":{\"unverified_email\":\"a b@c.example\"}" },
		{ NULL, "@c.example",
		    ",\"custom_attributes\":{\"unverified_email\":\"@c.example\"}" },
		{ NULL, "a@c.", ",\"custom_attributes\":{\"unverified_email\":\"a@c.\"}" },
	};
	struct world *w = *state;
	struct person p = { .identity = WAB, .name = "Ada" };
	struct message m = from_customer();
	const struct job job = { .step = STEP_CREATE_CONTACT, .message = &m, .known = &nothing };
	size_t i;

	m.person = &p;
	for (i = 0; i < COUNT(rows); i++) {
		p.phone = rows[i].phone;
		p.email = rows[i].email;
		assert_string_equal(arena_printf(w->a,
					"POST /accounts/1/contacts {\"name\":\"Ada\","
					"\"identifier\":\"" WAB "\"," INBOX "%s}",
					rows[i].expected),
		    built(w, &job));
	}
}

/* A name fits its column, and nobody is nameless who has a number. */
static void test_names(void **state)
{
	static const struct known nothing;
	struct world *w = *state;
	struct person p = { .identity = WAB, .phone = "+15555550123" };
	struct message m = from_customer();
	const struct job job = { .step = STEP_CREATE_CONTACT, .message = &m, .known = &nothing };
	char name[2 * 300 + 1];
	size_t i;

	m.person = &p;
	assert_non_null(strstr(built(w, &job), "{\"name\":\"+15555550123\","));
	for (i = 0; i < 300; i++)
		memcpy(name + 2 * i, "\xc3\xa9", 2);
	name[2 * 300] = '\0';
	p.name = name;
	name[2 * 255] = '\0';
	assert_non_null(strstr(built(w, &job), arena_printf(w->a, "{\"name\":\"%s\",", name)));
}

/* What only the store knows stands in braces, and ids of digits as numbers. */
static void test_explained(void **state)
{
	static const struct known placeholders = { .contact = "{contact}",
		.conversation = "{conversation}" };
	struct world *w = *state;
	struct message m = from_customer();
	struct job job = { .step = STEP_CREATE_CONVERSATION,
		.message = &m,
		.known = &placeholders };

	world_place(w, "", "");
	w->via.explain = true;
	assert_string_equal(
	    arena_printf(w->a,
		"POST /accounts/{account}/conversations {\"inbox_id\":"
		"\"{inbox}\",\"source_id\":\"{address}\",\"additional_attributes\":{\"tieline\":\"%s\"},"
		"\"contact_id\":\"{contact}\",\"message\":{\"content\":\"Hello {{name}}\","
		"\"message_type\":\"incoming\",\"source_id\":\"%s\"}}",
		conversation_mark, mark),
	    built(w, &job));
	job.step = STEP_SEND;
	assert_memory_equal("POST /accounts/{account}/conversations/{conversation}/messages {",
	    built(w, &job), 61);
}

static void test_only_creates_are_not_repeatable(void **state)
{
	struct world *w = *state;
	struct message m = from_customer();
	struct http_req req;
	int step;

	for (step = STEP_SIGN_IN; step < STEP_COUNT; step++) {
		const struct job job = { .step = (enum step)step, .message = &m };

		chatwoot_connector.build(&w->via, w->a, &job, &req);
		assert_int_equal(req.repeatable,
		    step != STEP_CREATE_CONTACT && step != STEP_CREATE_CONVERSATION
			&& step != STEP_SEND && step != STEP_NOTE);
	}
}

/* --- what agents are owed ---------------------------------------------------------------------- */

static const char *errand_text(struct world *w, const struct job *job)
{
	struct http_req req;

	chatwoot_connector.build(&w->via, w->a, job, &req);
	return arena_printf(w->a, "%s %s %.*s", req.method, strstr(req.url, "/conversations"),
	    (int)req.body_len, req.body);
}

static void test_reports_and_notes(void **state)
{
	struct world *w = *state;
	struct message m = { .to = SIDE_AGENTS,
		.role = ROLE_SYSTEM,
		.text = "Not delivered: {{no}}",
		.parts = 1,
		.mark = note_mark };
	struct known known = { .conversation = "57", .message = "40871" };
	struct job job = { .kind = JOB_DELIVER,
		.step = STEP_REPORT,
		.state = STATE_DELIVERED,
		.message = &m,
		.known = &known };

	assert_string_equal(errand_text(w, &job),
	    "PATCH /conversations/57/messages/40871 {\"status\":\"delivered\"}");
	job.state = STATE_FAILED;
	assert_string_equal(errand_text(w, &job),
	    "PATCH /conversations/57/messages/40871 {\"status\":\"failed\","
	    "\"external_error\":\"Not delivered: {{no}}\"}");
	job.step = STEP_NOTE;
	assert_string_equal(errand_text(w, &job),
	    arena_printf(w->a,
		"POST /conversations/57/messages {\"content\":\"Not delivered: {\u200b{no}}\","
		"\"message_type\":\"outgoing\",\"private\":true,\"source_id\":\"%s\","
		"\"content_attributes\":{\"in_reply_to\":40871}}",
		note_mark));
	known.message = NULL;
	assert_null(strstr(errand_text(w, &job), "in_reply_to"));
	/* It is looked for above the message it is about. */
	known.message = "40871";
	job.kind = JOB_LOOK;
	job.step = STEP_LOOK_UP;
	job.in_doubt = STEP_NOTE;
	assert_non_null(strstr(errand_text(w, &job), "GET /conversations/57/messages?after=40871"));
}

/* --- interpret --------------------------------------------------------------------------------- */

static const char *interpreted(struct world *w, const struct job *job, const struct http_resp *resp)
{
	struct http_resp whole = *resp;
	struct outcome o;

	if (whole.body == NULL)
		whole.body = "";
	whole.body_len = strlen(whole.body);
	if (whole.retry_after_msecs == 0)
		whole.retry_after_msecs = -1;
	chatwoot_connector.interpret(&w->via, w->a, job, &whole, &o);
	return world_outcome_text(w, &o);
}

static void test_states(void **state)
{
	static const struct {
		enum reason before;
		struct http_resp resp;
		const char *expected;
	} rows[] = {
		{ REASON_NONE,
		    { .status = 200,
			.body =
			    "{\"payload\":{\"success\":true,\"current_status\":\"resolved\"}}" },
		    "delivered" },
		{ REASON_NONE, { .status = 200, .body = "{}" },
		    "retry bad_answer (no id in the answer)" },
		{ REASON_NONE, { .status = 502, .body = "<html>" }, "retry server_error (502)" },
		{ REASON_NONE, { .transport = TRANSPORT_CUT, .sent = true, .detail = "cut" },
		    "retry cut (cut)" },
		{ REASON_NONE,
		    { .status = 404, .body = "{\"error\":\"Resource could not be found\"}" },
		    "retry not_found wait=5000 (Resource could not be found)" },
		{ REASON_NOT_FOUND,
		    { .status = 404, .body = "{\"error\":\"Resource could not be found\"}" },
		    "rejected not_found gone (Resource could not be found)" },
	};
	struct world *w = *state;
	struct message m = { .to = SIDE_AGENTS, .role = ROLE_SYSTEM, .set_state = STATE_RESOLVED };
	struct known known = { .conversation = "57" };
	struct job job = { .kind = JOB_DELIVER,
		.step = STEP_SET_STATUS,
		.attempt = 1,
		.message = &m,
		.known = &known };
	struct effect refused;
	struct plan plan;
	size_t i;

	assert_int_equal(0, chatwoot_connector.plan(&w->via, w->a, &m, &known, &plan, &refused));
	assert_int_equal(1, plan.count);
	assert_int_equal(STEP_SET_STATUS, plan.steps[0].step);
	assert_string_equal(errand_text(w, &job),
	    "POST /conversations/57/toggle_status {\"status\":\"resolved\"}");
	m.set_state = STATE_OPEN;
	m.to = SIDE_CUSTOMERS;
	assert_int_equal(0, chatwoot_connector.plan(&w->via, w->a, &m, &known, &plan, &refused));
	assert_string_equal(errand_text(w, &job),
	    "POST /conversations/57/toggle_status {\"status\":\"open\"}");
	for (i = 0; i < COUNT(rows); i++) {
		job.before = rows[i].before;
		assert_string_equal(interpreted(w, &job, &rows[i].resp), rows[i].expected);
	}
}

static void test_typing(void **state)
{
	struct world *w = *state;
	struct message m = { .to = SIDE_CUSTOMERS, .role = ROLE_SYSTEM };
	struct known known = { .conversation = "57", .address = WAB_AT_12 };
	struct job job = { .kind = JOB_DELIVER,
		.step = STEP_TYPING,
		.state = STATE_ON,
		.attempt = 1,
		.message = &m,
		.known = &known };
	struct http_resp resp = { .status = 200, .body = "" };
	struct http_req req = { 0 };

	assert_string_equal(errand_text(w, &job),
	    "POST /conversations/57/toggle_typing_status {\"typing_status\":\"on\",\"is_private\":false}");
	assert_string_equal(interpreted(w, &job, &resp), "delivered");
	/* As the customer: by the inbox's public address, which has to be known, and without a token. */
	m.to = SIDE_AGENTS;
	chatwoot_connector.build(&w->via, w->a, &job, &req);
	assert_null(req.url);
	world_remember(w, MEMO_IDENTIFIER, "p1");
	job.state = STATE_OFF;
	chatwoot_connector.build(&w->via, w->a, &job, &req);
	assert_string_equal(req.url + strlen(w->via.endpoint->base_url),
	    "/public/api/v1/inboxes/p1/contacts/" WAB_AT_12 "/conversations/57/toggle_typing");
	assert_string_equal(req.body, "{\"typing_status\":\"off\"}");
	assert_int_equal(0, req.nheaders);
	w->via.nmemo = 0;
}

static void test_deletion(void **state)
{
	struct world *w = *state;
	struct message m = { .to = SIDE_CUSTOMERS, .role = ROLE_SYSTEM, .is_deletion = true };
	struct known known = { .conversation = "57", .message = "40871" };
	struct job job = { .kind = JOB_DELIVER,
		.step = STEP_DELETE,
		.attempt = 1,
		.message = &m,
		.known = &known };
	struct http_resp resp = { .status = 200, .body = "{\"id\":40871}" };
	struct effect refused;
	struct plan plan;

	assert_int_equal(0, chatwoot_connector.plan(&w->via, w->a, &m, &known, &plan, &refused));
	assert_int_equal(1, plan.count);
	assert_int_equal(STEP_DELETE, plan.steps[0].step);
	assert_string_equal(errand_text(w, &job), "DELETE /conversations/57/messages/40871 ");
	assert_string_equal(interpreted(w, &job, &resp), "delivered");
	resp = (struct http_resp){ .status = 404,
		.body = "{\"error\":\"Resource could not be found\"}" };
	assert_string_equal(interpreted(w, &job, &resp), "delivered");
	resp = (struct http_resp){ .status = 502, .body = "<html>" };
	assert_string_equal(interpreted(w, &job, &resp), "retry server_error (502)");
}

static void test_answers_to_reports_and_notes(void **state)
{
	static const struct {
		enum step step;
		struct http_resp resp;
		const char *expected;
	} rows[] = {
		{ STEP_REPORT, { .status = 200, .body = "{\"id\":40871,\"status\":\"read\"}" },
		    "delivered remote=40871 message=40871" },
		{ STEP_REPORT,
		    { .status = 404, .body = "{\"error\":\"Resource could not be found\"}" },
		    "rejected not_found (Resource could not be found)" },
		{ STEP_REPORT, { .status = 403, .body = "{\"error\":\"API inboxes only\"}" },
		    "rejected invalid (API inboxes only)" },
		{ STEP_REPORT, { .status = 502, .body = "<html>" }, "retry server_error (502)" },
		{ STEP_REPORT, { .transport = TRANSPORT_CUT, .sent = true, .detail = "cut" },
		    "retry cut (cut)" },
		{ STEP_NOTE, { .status = 200, .body = "{\"id\":40880}" },
		    "delivered remote=40880 message=40880" },
		{ STEP_NOTE,
		    { .status = 404, .body = "{\"error\":\"Resource could not be found\"}" },
		    "rejected not_found (Resource could not be found)" },
		{ STEP_NOTE, { .status = 502, .body = "<html>" }, "unsure server_error (502)" },
		{ STEP_NOTE, { .transport = TRANSPORT_CONNECT, .detail = "no" },
		    "retry connect (no)" },
	};
	struct world *w = *state;
	struct message m = { .to = SIDE_AGENTS, .role = ROLE_SYSTEM, .mark = note_mark };
	struct known known = { .conversation = "57", .message = "40871" };
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		const struct job job = { .kind = JOB_DELIVER,
			.step = rows[i].step,
			.attempt = 1,
			.message = &m,
			.known = &known };

		assert_string_equal(interpreted(w, &job, &rows[i].resp), rows[i].expected);
	}
}

#define ERROR(text) "{\"error\":\"" text "\"}"
#define SIGN_IN "{\"errors\":[\"You need to sign in or sign up before continuing.\"]}"

static void test_answers_to_send(void **state)
{
	static const struct {
		const char *name;
		struct http_resp resp;
		int attempt;
		const char *expected;
	} rows[] = {
		{ "sent", { .status = 200, .body = "{\"id\":40880,\"source_id\":\"x\"}" }, 1,
		    "delivered remote=40880 message=40880" },
		{ "sent, says a server of next year",
		    { .status = 201, .body = "{\"id\":\"40880\"}" }, 1,
		    "delivered remote=40880 message=40880" },
		{ "sent, and cannot be read", { .status = 200, .body = "<html>" }, 1,
		    "unsure bad_answer (no id in the answer)" },
		{ "sent, and nothing said", { .status = 200 }, 1,
		    "unsure bad_answer (no id in the answer)" },
		{ "sent, of another type", { .status = 200, .body = "{\"id\":{}}" }, 1,
		    "unsure bad_answer (no id in the answer)" },
		{ "a list", { .status = 200, .body = "[1]" }, 1,
		    "unsure bad_answer (no id in the answer)" },

		{ "not JSON", { .status = 400, .body = "<html>" }, 1, "rejected invalid (400)" },
		{ "no token", { .status = 401, .body = SIGN_IN }, 1,
		    "pause credentials (You need to sign in or sign up before continuing.)" },
		{ "unknown token", { .status = 401, .body = ERROR("Invalid Access Token") }, 1,
		    "pause credentials (Invalid Access Token)" },
		{ "not in the account",
		    { .status = 401,
			.body = ERROR("You are not authorized to access this account") },
		    1, "pause credentials (You are not authorized to access this account)" },
		{ "suspended", { .status = 401, .body = ERROR("Account is suspended") }, 1,
		    "pause credentials (Account is suspended)" },
		{ "not your inbox",
		    { .status = 401, .body = ERROR("You are not authorized to do this action") }, 1,
		    "rejected invalid (You are not authorized to do this action)" },
		{ "not for bots",
		    { .status = 401,
			.body = ERROR("Access to this endpoint is not authorized for bots") },
		    1, "rejected invalid (Access to this endpoint is not authorized for bots)" },
		{ "a proxy's 401", { .status = 401, .body = "<html>" }, 1,
		    "retry bad_answer (401 without a reason)" },
		{ "plan", { .status = 402, .body = ERROR("Account limit exceeded") }, 1,
		    "rejected quota (Account limit exceeded)" },
		{ "forbidden", { .status = 403, .body = ERROR("No") }, 1, "rejected invalid (No)" },
		{ "not there", { .status = 404, .body = ERROR("Resource could not be found") }, 1,
		    "retry not_found wait=5000 (Resource could not be found)" },
		{ "still not there",
		    { .status = 404, .body = ERROR("Resource could not be found") }, 2,
		    "rejected not_found gone (Resource could not be found)" },
		{ "a proxy's 404", { .status = 404, .body = "<html>" }, 2,
		    "retry bad_answer (404 without a reason)" },
		{ "took long to ask", { .status = 408 }, 1, "unsure timeout (408)" },
		{ "too large for the proxy", { .status = 413, .body = "<html>" }, 1,
		    "rejected too_large (413)" },

		{ "too long",
		    { .status = 422,
			.body = ERROR(
			    "Validation failed: Content is too long (maximum is 150000 characters)") },
		    1,
		    "rejected too_large (Validation failed: Content is too long (maximum is 150000 "
		    "characters))" },
		{ "too many",
		    { .status = 422, .body = ERROR("Validation failed: Too many messages") }, 7,
		    "retry busy wait=60000 (Validation failed: Too many messages)" },
		{ "no API inbox",
		    { .status = 422,
			.body = ERROR("Incoming messages are only allowed in Api inboxes") },
		    1, "rejected invalid (Incoming messages are only allowed in Api inboxes)" },
		{ "no parameter",
		    { .status = 422,
			.body = ERROR("param is missing or the value is empty: message") },
		    1, "rejected invalid (param is missing or the value is empty: message)" },
		{ "the model says no",
		    { .status = 422,
			.body = "{\"message\":\"Content type no\",\"attributes\":[\"x\"]}" },
		    1, "rejected invalid (Content type no)" },
		{ "a hiccup", { .status = 422, .body = ERROR("PG::ConnectionBad: no") }, 1,
		    "unsure server_error at most 3, then invalid (PG::ConnectionBad: no)" },
		{ "422 without words", { .status = 422, .body = "<html>" }, 1,
		    "unsure server_error at most 3, then invalid" },

		{ "slow down", { .status = 429, .body = "Retry later\n" }, 1,
		    "retry busy wait=47655 (429)" },
		{ "slow down, for so long", { .status = 429, .retry_after_msecs = 7000 }, 1,
		    "retry busy wait=7000 (429)" },
		{ "broken",
		    { .status = 500,
			.body = "{\"status\":500,\"error\":\"Internal Server Error\"}" },
		    1, "unsure server_error (Internal Server Error)" },
		{ "broken, in HTML", { .status = 500, .body = "<html>" }, 1,
		    "unsure server_error (500)" },
		{ "nobody behind the proxy", { .status = 502, .body = "<html>" }, 1,
		    "unsure server_error (502)" },
		{ "no time", { .status = 503 }, 1, "unsure server_error (503)" },
		{ "no answer to the proxy", { .status = 504 }, 1, "unsure server_error (504)" },
		{ "moved", { .status = 301 }, 1,
		    "retry bad_answer (301, is base_url the final address?)" },

		{ "nobody there", { .transport = TRANSPORT_CONNECT, .detail = "refused" }, 1,
		    "retry connect (refused)" },
		{ "another certificate", { .transport = TRANSPORT_TLS }, 1, "retry tls" },
		{ "time is up before anything left", { .transport = TRANSPORT_TIMEOUT }, 1,
		    "retry timeout" },
		{ "time is up", { .transport = TRANSPORT_TIMEOUT, .sent = true }, 1,
		    "unsure timeout" },
		{ "cut before anything left", { .transport = TRANSPORT_CUT }, 1, "retry cut" },
		{ "cut", { .transport = TRANSPORT_CUT, .sent = true }, 1, "unsure cut" },
		{ "cut within the answer",
		    { .transport = TRANSPORT_CUT,
			.sent = true,
			.status = 200,
			.body = "{\"id\":4" },
		    1, "unsure cut" },
		{ "a flood", { .transport = TRANSPORT_TOO_LARGE, .sent = true, .status = 200 }, 1,
		    "unsure bad_answer" },
	};
	static const struct known linked = { .conversation = "57" };
	struct world *w = *state;
	struct message m = from_customer();
	const char *found;
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		const struct job job = { .step = STEP_SEND,
			.attempt = rows[i].attempt,
			.before = rows[i].attempt == 2 ? REASON_NOT_FOUND : REASON_BUSY,
			.message = &m,
			.known = &linked };

		found = interpreted(w, &job, &rows[i].resp);
		if (strcmp(rows[i].expected, found) != 0)
			fail_msg("%s: %s", rows[i].name, found);
	}
}

#define CONTACT_INBOX "\"contact_inbox\":{\"source_id\":\"" WAB_AT_12 "\"}"
#define TAKEN(message, attributes) "{\"message\":\"" message "\",\"attributes\":[" attributes "]}"

static void test_answers_about_contacts(void **state)
{
	static const struct {
		const char *name;
		enum step step;
		const char *cursor;
		struct http_resp resp;
		const char *expected;
	} rows[] = {
		{ "known", STEP_FIND_CONTACT, NULL, { .status = 200, .body = "{\"id\":1604}" },
		    "next_step contact=1604 found" },
		{ "unknown", STEP_FIND_CONTACT, NULL, { .status = 404 }, "next_step" },
		{ "no such inbox", STEP_FIND_CONTACT, NULL,
		    { .status = 404, .body = ERROR("Resource could not be found") },
		    "rejected not_found (Resource could not be found)" },
		{ "cannot be read", STEP_FIND_CONTACT, NULL, { .status = 200, .body = "{}" },
		    "retry bad_answer (no id in the answer)" },
		{ "looked for in vain", STEP_FIND_CONTACT, NULL, { .status = 502 },
		    "retry server_error (502)" },
		{ "no answer", STEP_FIND_CONTACT, NULL,
		    { .transport = TRANSPORT_TIMEOUT, .sent = true }, "retry timeout" },

		{ "made", STEP_CREATE_CONTACT, NULL,
		    { .status = 200,
			.body = "{\"payload\":{\"contact\":{\"id\":1605}," CONTACT_INBOX "}}" },
		    "next_step contact=1605 found" },
		{ "made, perhaps", STEP_CREATE_CONTACT, NULL, { .status = 200, .body = "{}" },
		    "unsure bad_answer (no id in the answer)" },
		{ "failed at once", STEP_CREATE_CONTACT, NULL, { .status = 500, .body = "<html>" },
		    "unsure server_error wait=2000 (500)" },
		{ "failed late", STEP_CREATE_CONTACT, NULL, { .status = 504 },
		    "unsure server_error (504)" },
		{ "identifier is taken", STEP_CREATE_CONTACT, NULL,
		    { .status = 422,
			.body = TAKEN("Identifier has already been taken",
			    "\"email\",\"identifier\"") },
		    "next_step go=list_contacts" },
		{ "phone is taken", STEP_CREATE_CONTACT, NULL,
		    { .status = 422,
			.body = TAKEN("Phone number has already been taken", "\"phone_number\"") },
		    "next_step cursor= phone_number" },
		{ "then e-mail is taken", STEP_CREATE_CONTACT, " phone_number",
		    { .status = 422, .body = TAKEN("Email has already been taken", "\"email\"") },
		    "next_step cursor= phone_number email" },
		{ "both are", STEP_CREATE_CONTACT, NULL,
		    { .status = 422,
			.body = TAKEN(
			    "Email has already been taken, Phone number should be in e164 format",
			    "\"email\",\"phone_number\"") },
		    "next_step cursor= phone_number email" },
		{ "what was left out is refused", STEP_CREATE_CONTACT, " email",
		    { .status = 422, .body = TAKEN("Email has already been taken", "\"email\"") },
		    "rejected invalid (Email has already been taken)" },
		{ "the name is refused", STEP_CREATE_CONTACT, NULL,
		    { .status = 422, .body = TAKEN("Name is too long", "\"name\"") },
		    "rejected invalid (Name is too long)" },

		{ "who has the identifier", STEP_LIST_CONTACTS, NULL,
		    { .status = 200,
			.body =
			    "{\"meta\":{\"count\":2},\"payload\":[{\"id\":1,\"identifier\":\"x\"},"
			    "{\"id\":1606,\"identifier\":\"" WAB "\"}]}" },
		    "next_step contact=1606 go=update_contact" },
		{ "nobody has it", STEP_LIST_CONTACTS, NULL,
		    { .status = 200, .body = "{\"payload\":[]}" },
		    "rejected invalid (identifier is taken by a contact that is not found)" },
		{ "no list", STEP_LIST_CONTACTS, NULL, { .status = 200, .body = "[]" },
		    "retry bad_answer (no id in the answer)" },
		{ "contact inbox added", STEP_UPDATE_CONTACT, NULL,
		    { .status = 200, .body = "{\"source_id\":\"" WAB_AT_12 "\",\"inbox\":{}}" },
		    "next_step go=find_conversation" },
		{ "contact inbox of another", STEP_UPDATE_CONTACT, NULL, { .status = 500 },
		    "retry server_error (500)" },
	};
	static const struct known nothing;
	struct world *w = *state;
	struct message m = from_customer();
	const char *found;
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		const struct job job = { .step = rows[i].step,
			.attempt = 1,
			.message = &m,
			.known = &nothing,
			.cursor = rows[i].cursor };

		found = interpreted(w, &job, &rows[i].resp);
		if (strcmp(rows[i].expected, found) != 0)
			fail_msg("%s: %s", rows[i].name, found);
	}
}

/* "$" stands for our mark, "&" for that of an older message, "%" for a note's, "#" for the
 * conversation's, "~" for another conversation's. */
static const char *with_marks(struct world *w, const char *text)
{
	const char *out = "";
	char one[2] = "";

	for (; *text != '\0'; text++) {
		one[0] = *text;
		out = arena_printf(w->a, "%s%s", out,
		    *text == '$'       ? mark
			: *text == '&' ? other_mark
			: *text == '%' ? note_mark
			: *text == '#' ? conversation_mark
			: *text == '~' ? other_conversation_mark
				       : one);
	}
	return out;
}

struct answer_row {
	const char *name;
	enum job_kind kind;
	enum step step;
	const char *cursor, *body, *expected;
};

static void check_rows(struct world *w, const struct message *m, const struct known *known,
    const struct answer_row *rows, size_t count)
{
	const char *found;
	size_t i;

	for (i = 0; i < count; i++) {
		const struct job job = { .kind = rows[i].kind,
			.step = rows[i].step,
			.in_doubt = STEP_CREATE_CONVERSATION,
			.attempt = 1,
			.message = m,
			.known = known,
			.cursor = rows[i].cursor };
		const struct http_resp resp = { .status = 200,
			.body = with_marks(w, rows[i].body) };

		found = interpreted(w, &job, &resp);
		if (strcmp(rows[i].expected, found) != 0)
			fail_msg("%s: %s", rows[i].name, found);
	}
}

#define LIST(conversations) "{\"data\":{\"meta\":{},\"payload\":[" conversations "]}}"
#define OF_OURS(id) "{\"id\":" id ",\"additional_attributes\":{\"tieline\":\"#\"}}"
#define OF_OTHERS(id, status) "{\"id\":" id ",\"status\":\"" status "\"}"
#define BEFORE(id) "{\"id\":" id ",\"additional_attributes\":{\"tieline\":\"~\"}}"

static void test_answers_about_conversations(void **state)
{
	static const struct answer_row rows[] = {
		{ "none", JOB_DELIVER, STEP_FIND_CONVERSATION, NULL, LIST(""), "next_step" },
		{ "only an agent's own", JOB_DELIVER, STEP_FIND_CONVERSATION, NULL,
		    LIST(OF_OTHERS("60", "open")), "next_step" },
		{ "an earlier generation", JOB_DELIVER, STEP_FIND_CONVERSATION, NULL,
		    LIST(BEFORE("57")), "next_step" },
		{ "ours", JOB_DELIVER, STEP_FIND_CONVERSATION, NULL,
		    LIST(OF_OTHERS("60", "open") "," OF_OURS("58") "," BEFORE("57")),
		    "next_step conversation=58 go=list_messages" },
		{ "cannot be read", JOB_DELIVER, STEP_FIND_CONVERSATION, NULL, "{\"payload\":[]}",
		    "retry bad_answer (no list of conversations)" },

		{ "in doubt, none", JOB_LOOK, STEP_FIND_CONVERSATION, NULL, LIST(""), "next_step" },
		{ "in doubt, ours", JOB_LOOK, STEP_FIND_CONVERSATION, NULL, LIST(OF_OURS("58")),
		    "next_step cursor=58/messages" },
		{ "in doubt, perhaps in another", JOB_LOOK, STEP_FIND_CONVERSATION, NULL,
		    LIST(OF_OTHERS("60", "open") "," OF_OTHERS("61", "open")),
		    "next_step cursor=60/messages" },
		{ "in doubt, there it is", JOB_LOOK, STEP_FIND_CONVERSATION, "60/messages",
		    "{\"payload\":[{\"id\":7},{\"id\":8,\"source_id\":\"$\"}]}",
		    "delivered remote=8 conversation=60 message=8 found" },
		{ "in doubt, there it is not", JOB_LOOK, STEP_FIND_CONVERSATION, "60/messages",
		    "{\"payload\":[{\"id\":7}]}", "next_step" },

		{ "made", JOB_DELIVER, STEP_CREATE_CONVERSATION, NULL,
		    "{\"id\":58,\"messages\":[{\"id\":40880,\"source_id\":\"$\"}]}",
		    "delivered remote=40880 conversation=58 message=40880" },
		{ "made, a greeting behind it", JOB_DELIVER, STEP_CREATE_CONVERSATION, NULL,
		    "{\"id\":58,\"messages\":[{\"id\":40881,\"source_id\":null}]}",
		    "next_step conversation=58 go=list_messages" },
		{ "made, and no message told", JOB_DELIVER, STEP_CREATE_CONVERSATION, NULL,
		    "{\"id\":58,\"messages\":[]}", "next_step conversation=58 go=list_messages" },
		{ "made, perhaps", JOB_DELIVER, STEP_CREATE_CONVERSATION, NULL, "{\"messages\":[]}",
		    "unsure bad_answer (no id in the answer)" },
	};
	static const struct answer_row locked[] = {
		{ "the newest takes all", JOB_DELIVER, STEP_FIND_CONVERSATION, NULL,
		    LIST(OF_OTHERS("60", "resolved") "," OF_OTHERS("59", "open")),
		    "next_step conversation=60 go=list_messages" },
	};
	static const struct answer_row unlocked[] = {
		{ "in doubt, and another's cannot hold it", JOB_LOOK, STEP_FIND_CONVERSATION, NULL,
		    LIST(OF_OTHERS("60", "open")), "next_step" },
	};
	/* History is opened without a word. */
	static const struct answer_row empty[] = {
		{ "in doubt, it is there, and empty", JOB_LOOK, STEP_FIND_CONVERSATION, NULL,
		    LIST(OF_OURS("58")), "next_step conversation=58 go=list_messages found" },
		{ "made without a word", JOB_DELIVER, STEP_CREATE_CONVERSATION, NULL,
		    "{\"id\":58,\"messages\":[]}", "next_step conversation=58 go=send" },
	};
	static const struct known contact = { .contact = "1604" };
	struct world *w = *state;
	struct message m = from_customer(), history = from_customer();

	history.is_history = true;
	check_rows(w, &history, &contact, empty, COUNT(empty));
	check_rows(w, &m, &contact, rows, COUNT(rows));
	world_remember(w, MEMO_LOCK, "true");
	check_rows(w, &m, &contact, locked, COUNT(locked));
	world_remember(w, MEMO_LOCK, "false");
	check_rows(w, &m, &contact, unlocked, COUNT(unlocked));
}

static void test_conversations_at_the_customers_side(void **state)
{
	static const struct answer_row rows[] = {
		{ "newest that is open", JOB_DELIVER, STEP_FIND_CONVERSATION, NULL,
		    LIST(OF_OTHERS("60", "resolved") "," OF_OTHERS("59",
			"snoozed") "," OF_OTHERS("58", "open")),
		    "next_step conversation=59 go=list_messages" },
		{ "none is open", JOB_DELIVER, STEP_FIND_CONVERSATION, NULL,
		    LIST(OF_OTHERS("60", "resolved")), "next_step" },
		{ "written", JOB_DELIVER, STEP_CREATE_CONVERSATION, NULL,
		    "{\"id\":61,\"messages\":[{\"id\":9,\"content_attributes\":{\"tieline\":\"$\"}}]}",
		    "delivered remote=9 conversation=61 message=9" },
		{ "found again", JOB_LOOK, STEP_LOOK_UP, NULL,
		    "{\"payload\":[{\"id\":9,\"source_id\":\"wamid\",\"content_attributes\":"
		    "{\"tieline\":\"$\"}}]}",
		    "delivered remote=9 conversation=59 message=9 found" },
	};
	static const struct known linked = { .conversation = "59" };
	struct world *w = *state;
	struct message m = from_agent();
	const struct job job = { .step = STEP_FIND_CONTACT, .message = &m, .known = &linked };
	const struct http_resp gone = { .status = 404 };

	check_rows(w, &m, &linked, rows, COUNT(rows));
	assert_string_equal("rejected unreachable (the contact is not there any more)",
	    interpreted(w, &job, &gone));
}

/* n messages with ids from first upwards, the first of them bearing a mark. */
static const char *page(struct world *w, int first, int n, const char *first_mark)
{
	const char *text =
	    arena_printf(w->a, "{\"payload\":[{\"id\":%d,\"source_id\":\"%s\"}", first, first_mark);
	int i;

	for (i = 1; i < n; i++)
		text = arena_printf(w->a,
		    "%s,{\"id\":%d,\"message_type\":2,\"created_at\":1781784011}", text, first + i);
	return arena_printf(w->a, "%s]}", text);
}

static void test_look_up(void **state)
{
	static const struct known linked = { .conversation = "57" };
	static const struct known after = { .conversation = "57", .message = "100" };
	struct world *w = *state;
	struct message m = from_customer();
	const struct answer_row newest[] = {
		{ "there", JOB_LOOK, STEP_LOOK_UP, NULL, page(w, 200, 20, "$"),
		    "delivered remote=200 conversation=57 message=200 found" },
		{ "the whole conversation", JOB_LOOK, STEP_LOOK_UP, NULL, page(w, 200, 19, "x"),
		    "next_step" },
		{ "empty", JOB_LOOK, STEP_LOOK_UP, NULL, "{\"payload\":[]}", "next_step" },
		{ "more before it", JOB_LOOK, STEP_LOOK_UP, NULL, page(w, 200, 20, "x"),
		    "next_step cursor=57/messages?before=200" },
		{ "and more", JOB_LOOK, STEP_LOOK_UP, "57/messages?before=200",
		    page(w, 180, 20, "x"), "next_step cursor=57/messages?before=180" },
		{ "an older one of ours: no further", JOB_LOOK, STEP_LOOK_UP, NULL,
		    page(w, 200, 20, "&"), "next_step" },
		{ "a note says nothing", JOB_LOOK, STEP_LOOK_UP, NULL, page(w, 200, 20, "%"),
		    "next_step cursor=57/messages?before=200" },
		{ "long before it was said", JOB_LOOK, STEP_LOOK_UP, NULL,
		    page(w, 200, 20, "x\",\"created_at\":1781783000,\"y\":\""), "next_step" },
		{ "no list", JOB_LOOK, STEP_LOOK_UP, NULL, "{}",
		    "retry bad_answer (no list of messages)" },
		{ "a detour that finds it", JOB_DELIVER, STEP_LIST_MESSAGES, NULL,
		    page(w, 200, 3, "$"), "delivered remote=200 conversation=57 message=200" },
		{ "a detour that does not", JOB_DELIVER, STEP_LIST_MESSAGES, NULL,
		    page(w, 200, 3, "x"), "next_step go=send" },
	};
	const struct answer_row upwards[] = {
		{ "there", JOB_LOOK, STEP_LOOK_UP, NULL, page(w, 101, 100, "$"),
		    "delivered remote=101 conversation=57 message=101 found" },
		{ "all seen", JOB_LOOK, STEP_LOOK_UP, NULL, page(w, 101, 99, "x"), "next_step" },
		{ "more behind it", JOB_LOOK, STEP_LOOK_UP, NULL, page(w, 101, 100, "&"),
		    "next_step cursor=57/messages?after=200" },
	};
	const struct job job = { .kind = JOB_LOOK,
		.step = STEP_LOOK_UP,
		.message = &m,
		.known = &linked };
	const struct http_resp gone = { .status = 404,
		.body = ERROR("Resource could not be found") };

	check_rows(w, &m, &linked, newest, COUNT(newest));
	check_rows(w, &m, &after, upwards, COUNT(upwards));
	assert_string_equal("next_step", interpreted(w, &job, &gone));
}

/* Every step survives every answer. */
static void test_any_answer_is_an_effect(void **state)
{
	static const char *const bodies[] = { "", "null", "[]", "{}", "<html>",
		"{\"id\":", "{\"payload\":[null,1,\"x\",{\"id\":-1}]}",
		"{\"data\":{\"payload\":[null,{}]}}", "{\"id\":[],\"messages\":[null]}",
		"{\"error\":{},\"errors\":[1],\"message\":[]}",
		"{\"message\":\"x\",\"attributes\":[null,\"email\",{}]}",
		"{\"id\":1,\"accounts\":[null,{\"id\":\"x\"}]}" };
	static const int statuses[] = { 0, 100, 200, 204, 302, 400, 401, 404, 422, 429, 500, 599,
		999 };
	static const struct known nothing;
	struct world *w = *state;
	struct message m = from_customer();
	size_t b, s;
	int step, kind;

	for (kind = JOB_DELIVER; kind <= JOB_ENDPOINT; kind++)
		for (step = STEP_NONE; step < STEP_COUNT; step++)
			for (b = 0; b < COUNT(bodies); b++)
				for (s = 0; s < COUNT(statuses); s++) {
					const struct job job = { .kind = (enum job_kind)kind,
						.step = (enum step)step,
						.attempt = 1,
						.message = kind == JOB_ENDPOINT ? NULL : &m,
						.known = s % 2 == 0 ? &nothing : NULL };
					const struct http_resp resp = { .status = statuses[s],
						.body = bodies[b],
						.sent = true };

					interpreted(w, &job, &resp);
				}
}

/* --- the endpoint's own ------------------------------------------------------------------------ */

static const char *due(struct world *w, int64_t *at_ms)
{
	struct job job;

	*at_ms = chatwoot_connector.next(&w->via, &job);
	if (*at_ms == INT64_MAX)
		return "nothing";
	assert_int_equal(JOB_ENDPOINT, job.kind);
	return built(w, &job);
}

static void test_errands(void **state)
{
	struct world *w = *state;
	int64_t at_ms;

	world_place(w, "", "");
	assert_string_equal("GET /profile", due(w, &at_ms));
	assert_int_equal(WORLD_NOW_MS, at_ms);
	world_remember(w, MEMO_USER, "12");
	world_remember(w, MEMO_TENANT, "1");
	assert_string_equal("GET /accounts/1/inboxes", due(w, &at_ms));
	world_remember(w, MEMO_INBOX, "12");
	assert_string_equal("GET /accounts/1/inboxes/12",
	    due(w, &at_ms)); /* from an older version */
	world_remember(w, MEMO_IDENTIFIER, "");
	assert_string_equal("nothing", due(w, &at_ms));
	world_place(w, "1", "12");
	assert_string_equal("nothing", due(w, &at_ms));
	world_place(w, "1", "13");
	assert_string_equal("GET /accounts/1/inboxes/13", due(w, &at_ms));
	world_remember(w, MEMO_ASK_AGAIN, "1781784999000");
	assert_string_equal("GET /accounts/1/inboxes/13", due(w, &at_ms));
	assert_int_equal(1781784999000, at_ms);
}

#define INBOX_OF(id, type) \
	"{\"id\":" id ",\"name\":\"Shop\",\"channel_type\":\"" type \
	"\",\"inbox_identifier\":\"p1\",\"lock_to_single_conversation\":true}"

static void test_answers_to_errands(void **state)
{
	static const struct {
		const char *name, *account, *inbox;
		enum step step;
		struct http_resp resp;
		const char *expected;
	} rows[] = {
		{ "the only account", "", "", STEP_SIGN_IN,
		    { .status = 200, .body = "{\"id\":12,\"accounts\":[{\"id\":1}]}" },
		    "next_step user=12 tenant=1" },
		{ "one of two", "2", "", STEP_SIGN_IN,
		    { .status = 200, .body = "{\"id\":12,\"accounts\":[{\"id\":1},{\"id\":2}]}" },
		    "next_step user=12" },
		{ "which of two?", "", "", STEP_SIGN_IN,
		    { .status = 200, .body = "{\"id\":12,\"accounts\":[{\"id\":1},{\"id\":2}]}" },
		    "rejected not_found (the token opens 2 accounts: say account_id which)" },
		{ "none", "", "", STEP_SIGN_IN,
		    { .status = 200, .body = "{\"id\":12,\"accounts\":[]}" },
		    "rejected not_found (the token opens 0 accounts: say account_id which)" },
		{ "not in it", "3", "", STEP_SIGN_IN,
		    { .status = 200, .body = "{\"id\":12,\"accounts\":[{\"id\":1}]}" },
		    "rejected not_found (the token does not open account 3)" },
		{ "not Chatwoot", "", "", STEP_SIGN_IN, { .status = 200, .body = "<html>" },
		    "retry bad_answer (no id in the answer)" },
		{ "refused", "1", "12", STEP_SIGN_IN,
		    { .status = 401, .body = ERROR("Invalid Access Token") },
		    "pause credentials (Invalid Access Token)" },
		{ "down", "", "12", STEP_SIGN_IN, { .status = 502 }, "retry server_error (502)" },
		{ "down, and all is configured", "1", "12", STEP_SIGN_IN, { .status = 502 },
		    "next_step server_error ask_again=1781784312345 (502)" },
		{ "nobody there, and all is configured", "1", "12", STEP_LOOK_UP,
		    { .transport = TRANSPORT_CONNECT },
		    "next_step connect ask_again=1781784312345" },

		{ "the inbox", "1", "12", STEP_LOOK_UP,
		    { .status = 200, .body = INBOX_OF("12", "Channel::Api") },
		    "next_step inbox=12 title=Shop identifier=p1 lock=true" },
		{ "no such inbox", "1", "12", STEP_LOOK_UP,
		    { .status = 404, .body = ERROR("Resource could not be found") },
		    "rejected not_found (Resource could not be found)" },
		{ "the only API inbox", "1", "", STEP_LOOK_UP,
		    { .status = 200,
			.body = "{\"payload\":[" INBOX_OF("4",
			    "Channel::WebWidget") "," INBOX_OF("12", "Channel::Api") "]}" },
		    "next_step inbox=12 title=Shop identifier=p1 lock=true" },
		{ "two of them", "1", "", STEP_LOOK_UP,
		    { .status = 200,
			.body = "{\"payload\":[" INBOX_OF("11", "Channel::Api") "," INBOX_OF("12",
			    "Channel::Api") "]}" },
		    "rejected not_found (the account has 2 API inboxes: say inbox_id which)" },
	};
	struct world *w = *state;
	const char *found;
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		const struct job job = { .kind = JOB_ENDPOINT, .step = rows[i].step, .attempt = 1 };

		world_place(w, rows[i].account, rows[i].inbox);
		w->via.nmemo = 0;
		if (rows[i].step == STEP_LOOK_UP)
			world_remember(w, MEMO_TENANT, "1");
		found = interpreted(w, &job, &rows[i].resp);
		if (strcmp(rows[i].expected, found) != 0)
			fail_msg("%s: %s", rows[i].name, found);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_address, setup, teardown),
		cmocka_unit_test_setup_teardown(test_plan, setup, teardown),
		cmocka_unit_test_setup_teardown(test_doubt_is_planned, setup, teardown),
		cmocka_unit_test_setup_teardown(test_texts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_text_is_split, setup, teardown),
		cmocka_unit_test_setup_teardown(test_requests_as_agents_side, setup, teardown),
		cmocka_unit_test_setup_teardown(test_words_of_others_at_the_agents_side, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_requests_as_customers_side, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reach, setup, teardown),
		cmocka_unit_test_setup_teardown(test_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_explained, setup, teardown),
		cmocka_unit_test_setup_teardown(test_only_creates_are_not_repeatable, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_reports_and_notes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_states, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deletion, setup, teardown),
		cmocka_unit_test_setup_teardown(test_typing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_answers_to_reports_and_notes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_answers_to_send, setup, teardown),
		cmocka_unit_test_setup_teardown(test_answers_about_contacts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_answers_about_conversations, setup, teardown),
		cmocka_unit_test_setup_teardown(test_conversations_at_the_customers_side, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_look_up, setup, teardown),
		cmocka_unit_test_setup_teardown(test_any_answer_is_an_effect, setup, teardown),
		cmocka_unit_test_setup_teardown(test_errands, setup, teardown),
		cmocka_unit_test_setup_teardown(test_answers_to_errands, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
