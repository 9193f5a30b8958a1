/* Messages become requests at Smartify, and answers become outcomes: the steps of each role, and what
 * every status of the error catalogue means for each of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/json_in.h"
#include "connector/connector.h"
#include "connector/smartify/smartify.h"
#include "core/text.h"

#define PROJECT "5e2c35c8f0dbc10017bb3aac"
#define BASE "https://panel.smartifyai.in/api"
#define IN_PROJECT BASE "/" PROJECT
#define USER "5e2c35c8f0dbc10017bb3a01"
#define SUBSCRIPTION "5e2c35c8f0dbc10017bb3e01"
#define PERSON "tl1-fe88109033420b586ccea880f20cf5dc"
#define CONVERSATION "support-group-" PROJECT "-e3fdabca3999c2946c8173e7d035d714"
#define MARK "tl1:630dcd29:a18603:m1:94494511ff7b18c5351b:0:03b7872a"
#define NOW_MS 1795207000000

extern const struct connector smartify_connector;

/* --- a context --------------------------------------------------------------------------------- */

static struct smartify_conf conf;
static struct endpoint_conf endpoint;
static struct keys keys;
static struct memo memo[MEMO_MAX];

/* Everything is known: signed in, looked up. */
static struct via via_ready(void)
{
	unsigned char key[INSTANCE_KEY_SIZE];
	size_t i;

	for (i = 0; i < sizeof(key); i++)
		key[i] = (unsigned char)i;
	keys_init(&keys, key);
	conf = (struct smartify_conf){ .project_id = PROJECT,
		.email = "relay@example.com",
		.password = "a-password",
		.channel = "tieline" };
	endpoint = (struct endpoint_conf){
		.name = "shop",
		.connector = &smartify_connector,
		.conf = &conf,
		.base_url = BASE,
		.host = "panel.smartifyai.in",
		.tenant = PROJECT,
		.timeout_msecs = 20000,
		.webhook_secret = { .v = { "signing-secret", "older-secret" }, .n = 2 },
		.hook_key = { .v = { "fixture-hook-key-1", "fixture-hook-key-0" }, .n = 2 },
	};
	memo[0] = (struct memo){ MEMO_TOKEN, "JWT account-token", false };
	memo[1] = (struct memo){ MEMO_USER, USER, true };
	memo[2] = (struct memo){ MEMO_SUBSCRIPTION, SUBSCRIPTION, true };
	memo[3] = (struct memo){ MEMO_TITLE, "Shop", true };
	return (struct via){ .endpoint = &endpoint,
		.conf = &conf,
		.keys = &keys,
		.memo = memo,
		.nmemo = 4,
		.now_ms = NOW_MS };
}

static const struct person person = {
	.identity = "tel:+15555550123",
	.id = "+15555550123",
	.address = "+15555550123",
	.name = "Ola Nor Mann",
	.email = "ola@example.org",
};

static struct message message_to(enum side to, enum role role)
{
	return (struct message){
		.to = to,
		.role = role,
		.text = "hello",
		.name = role == ROLE_CUSTOMER ? NULL : "Leila Haddad",
		.mark = MARK,
		.conversation_mark = "tl1:c",
		.person = &person,
		.conversation = "57",
		.generation = 1,
		.bridge = "support",
	};
}

/* The root of conversation 57 of account 1 at chat.example.com. */
static char root57[ROOT_TEXT_SIZE];

static struct message first_message(enum role role)
{
	struct message m = message_to(SIDE_AGENTS, role);
	struct root root = ids_root_of_conversation("chatwoot", "chat.example.com", "1", "57");

	m.conversation_root = root_format(&root, root57);
	m.may_open = true;
	return m;
}

/* --- ids --------------------------------------------------------------------------------------- */

static void derived_ids(void **state)
{
	struct arena *a = arena_new();
	struct via via = via_ready();
	struct message m = first_message(ROLE_CUSTOMER);

	(void)state;
	assert_string_equal(smartify_connector.address(&via, a, person.identity), PERSON);
	assert_string_equal(smartify_connector.conversation(&via, a, &m), CONVERSATION);
	m.generation = 2;
	assert_string_not_equal(smartify_connector.conversation(&via, a, &m), CONVERSATION);
	assert_string_equal(smartify_connector.title(&via), "Shop");
	arena_free(a);
}

/* --- steps and requests ------------------------------------------------------------------------ */

/* "step METHOD url who body", who: the account, the person, or nobody. */
static const char *request_text(struct arena *a, const struct via *via, const struct job *job)
{
	struct http_req req = { 0 };
	const char *who = "nobody", *url;

	smartify_connector.build(via, a, job, &req);
	if (req.nheaders > 0) {
		assert_int_equal(req.nheaders, 1);
		assert_string_equal(req.headers[0].name, "Authorization");
		assert_true(req.headers[0].secret);
		who = strcmp(req.headers[0].value, "JWT account-token") == 0 ? "account" : "person";
	}
	assert_int_equal(req.timeout_msecs, 20000);
	assert_true((req.body == NULL) == (req.content_type == NULL));
	assert_true(req.body == NULL || strlen(req.body) == req.body_len);
	url = strncmp(req.url, IN_PROJECT, strlen(IN_PROJECT)) == 0 ? req.url + strlen(IN_PROJECT)
								    : req.url;
	return arena_printf(a, "%s %s %s %s %s\n", step_word((int)job->step), req.method, url, who,
	    req.body != NULL ? req.body : "-");
}

static const char *plan_text(struct arena *a, const struct via *via, struct message *m,
    const struct known *known)
{
	struct plan plan;
	struct effect refused = { 0 };
	struct job job = { .kind = JOB_DELIVER, .attempt = 1, .message = m, .known = known };
	const char *text = "";
	size_t i;

	if (smartify_connector.plan(via, a, m, known, &plan, &refused) != 0)
		return arena_printf(a, "%s %s", effect_word((int)refused.kind),
		    reason_word((int)refused.reason));
	for (i = 0; i < plan.count; i++) {
		m->part = plan.steps[i].part;
		if (m->texts != NULL)
			m->text = m->texts[m->part];
		job.step = plan.steps[i].step;
		text = arena_printf(a, "%s%s", text, request_text(a, via, &job));
	}
	return text;
}

static void expect_plan(struct message m, struct known known, const char *expected)
{
	struct arena *a = arena_new();
	struct via via = via_ready();
	const char *got = plan_text(a, &via, &m, &known);

	if (strcmp(got, expected) != 0)
		fail_msg("got\n%s\nexpected\n%s", got, expected);
	arena_free(a);
}

#define SIGN_IN "sign_in POST " BASE "/auth/signinWithCustomToken person {}\n"
#define REOPEN(id) "reopen PUT /requests/" id "/reopen account {}\n"
#define ATTRIBUTES "\"attributes\":{\"tieline\":\"" MARK "\"}"

static void as_agents_side(void **state)
{
	struct message first = first_message(ROLE_CUSTOMER);
	struct message later = message_to(SIDE_AGENTS, ROLE_CUSTOMER);
	struct known known = { .address = PERSON, .conversation = CONVERSATION };

	(void)state;
	expect_plan(first, known,
	    SIGN_IN "send POST /requests/" CONVERSATION
		    "/messages person {\"text\":\"hello\"," ATTRIBUTES
		    ",\"channel\":{\"name\":\"tieline\"}}\n");
	/* Not chosen beforehand, as in explain: the same ids. */
	expect_plan(first, (struct known){ 0 },
	    SIGN_IN "send POST /requests/" CONVERSATION
		    "/messages person {\"text\":\"hello\"," ATTRIBUTES
		    ",\"channel\":{\"name\":\"tieline\"}}\n");
	known.signed_in = true;
	expect_plan(later, known,
	    "send POST /requests/" CONVERSATION "/messages person {\"text\":\"hello\"," ATTRIBUTES
	    ",\"channel\":{\"name\":\"tieline\"}}\n");
	later.reopen = true;
	expect_plan(later, known,
	    REOPEN(CONVERSATION) "send POST /requests/" CONVERSATION
				 "/messages person {\"text\":\"hello\"," ATTRIBUTES
				 ",\"channel\":{\"name\":\"tieline\"}}\n");
	later.reopen = false;
	known.closed = true;
	known.signed_in = false;
	expect_plan(later, known,
	    SIGN_IN REOPEN(CONVERSATION) "send POST /requests/" CONVERSATION
					 "/messages person {\"text\":\"hello\"," ATTRIBUTES
					 ",\"channel\":{\"name\":\"tieline\"}}\n");
}

/* What agents and bots of the other side said is posted by the account, under their name. */
static void as_agents_side_mirrored(void **state)
{
	struct message later = message_to(SIDE_AGENTS, ROLE_BOT);
	struct known known = { .address = PERSON, .conversation = CONVERSATION, .closed = true };

	(void)state;
	expect_plan(later, known,
	    "send POST /requests/" CONVERSATION
	    "/messages account {\"text\":\"hello\",\"sender\":\"" USER
	    "\",\"senderFullname\":\"Leila Haddad\"," ATTRIBUTES
	    ",\"channel\":{\"name\":\"tieline\"}}\n");
	expect_plan(first_message(ROLE_AGENT), known,
	    SIGN_IN "create_contact POST /leads account {\"lead_id\":\"" PERSON
		    "\",\"fullname\":\"Ola Nor Mann\",\"email\":\"ola@example.org\"}\n"
		    "create_conversation POST /requests account {\"request_id\":\"" CONVERSATION
		    "\",\"sender\":\"" PERSON "\",\"first_text\":\"hello\",\"attributes\":"
		    "{\"tieline\":\"tl1:c\"},\"channel\":{\"name\":\"tieline\"}}\n"
		    "send POST /requests/" CONVERSATION
		    "/messages account {\"text\":\"hello\",\"sender\":\"" USER
		    "\",\"senderFullname\":\"Leila Haddad\"," ATTRIBUTES
		    ",\"channel\":{\"name\":\"tieline\"}}\n");
}

static void as_customers_side(void **state)
{
	struct message m = message_to(SIDE_CUSTOMERS, ROLE_AGENT);
	struct known known = { .address = "wab-1", .conversation = "my own/id" };
	const char *send =
	    "send POST /requests/my%20own%2Fid/messages account {\"text\":\"hello\","
	    "\"sender\":\"" USER "\",\"senderFullname\":\"Leila Haddad\"," ATTRIBUTES "}\n";

	(void)state;
	expect_plan(m, known, send);
	known.closed = true;
	m.take_over = true;
	expect_plan(m, known,
	    REOPEN("my%20own%2Fid") "take_over POST /requests/my%20own%2Fid/participants account "
				    "{\"member\":\"" USER "\"}\n"
				    "send POST /requests/my%20own%2Fid/messages account "
				    "{\"text\":\"hello\",\"sender\":\"" USER
				    "\",\"senderFullname\":\"Leila Haddad\"," ATTRIBUTES "}\n");
	known.closed = false;
	known.taken_over = true;
	expect_plan(m, known, send);
	m.name = NULL;
	expect_plan(m, known,
	    "send POST /requests/my%20own%2Fid/messages account {\"text\":\"hello\","
	    "\"sender\":\"" USER "\"," ATTRIBUTES "}\n");
}

/* What is closed or opened at the other side; nobody's survey opens anything. */
static void states(void **state)
{
	struct message m = { .to = SIDE_CUSTOMERS,
		.role = ROLE_SYSTEM,
		.set_state = STATE_RESOLVED };
	struct message survey = message_to(SIDE_CUSTOMERS, ROLE_BOT);
	struct known known = { .conversation = "x", .closed = true };

	(void)state;
	expect_plan(m, known, "set_status PUT /requests/x/close account {}\n");
	m.set_state = STATE_OPEN;
	expect_plan(m, known, REOPEN("x"));
	m.to = SIDE_AGENTS;
	expect_plan(m, known, REOPEN("x"));
	survey.is_automatic = true;
	survey.name = NULL;
	expect_plan(survey, known,
	    "send POST /requests/x/messages account {\"text\":\"hello\",\"sender\":\"" USER
	    "\"," ATTRIBUTES "}\n");
}

static void what_cannot_be_carried(void **state)
{
	struct message m = message_to(SIDE_CUSTOMERS, ROLE_AGENT);

	(void)state;
	expect_plan(m, (struct known){ 0 }, "rejected unreachable");
	expect_plan(message_to(SIDE_AGENTS, ROLE_CUSTOMER), (struct known){ 0 },
	    "rejected unreachable");
	m.text = "";
	expect_plan(m, (struct known){ .conversation = "x" }, "rejected invalid");
	m.text = NULL;
	expect_plan(m, (struct known){ .conversation = "x" }, "rejected invalid");
}

static void department(void **state)
{
	struct arena *a = arena_new();
	struct via via = via_ready();
	struct message m = first_message(ROLE_CUSTOMER);
	struct known known = { .signed_in = true };

	(void)state;
	conf.department = "5e2c35c8f0dbc10017bb3d01";
	assert_non_null(strstr(plan_text(a, &via, &m, &known),
	    "\"departmentid\":\"5e2c35c8f0dbc10017bb3d01\""));
	conf.department = "Sales";
	assert_null(strstr(plan_text(a, &via, &m, &known), "departmentid"));
	memo[4] = (struct memo){ MEMO_DEPARTMENT, "5e2c35c8f0dbc10017bb3d02", true };
	via.nmemo = 5;
	assert_non_null(strstr(plan_text(a, &via, &m, &known),
	    "\"departmentid\":\"5e2c35c8f0dbc10017bb3d02\""));
	m.may_open = false;
	known.conversation = CONVERSATION;
	assert_null(strstr(plan_text(a, &via, &m, &known), "departmentid"));
	arena_free(a);
}

/* Without a store, what it would know stands in braces. */
static void explained(void **state)
{
	struct arena *a = arena_new();
	struct via via = via_ready();
	struct message m = message_to(SIDE_CUSTOMERS, ROLE_AGENT);
	struct known known = { .conversation = "{conversation}" };
	const char *text;

	(void)state;
	via.nmemo = 0;
	via.explain = true;
	m.take_over = true;
	text = plan_text(a, &via, &m, &known);
	assert_non_null(strstr(text, "/requests/{conversation}/participants"));
	assert_non_null(strstr(text, "{\"member\":\"{user}\"}"));
	assert_non_null(strstr(text, "\"sender\":\"{user}\""));
	arena_free(a);
}

/* Made apart from this program, over the claims in their order. */
static void token_of_a_person(void **state)
{
	struct arena *a = arena_new();
	struct via via = via_ready();
	struct message m = message_to(SIDE_AGENTS, ROLE_CUSTOMER);
	struct known known = { .address = PERSON, .conversation = CONVERSATION };
	struct job job = { .kind = JOB_DELIVER,
		.step = STEP_SIGN_IN,
		.message = &m,
		.known = &known };
	struct http_req req = { 0 };

	(void)state;
	smartify_connector.build(&via, a, &job, &req);
	assert_string_equal(req.headers[0].value,
	    "JWT eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJfaWQiOiJ0bDEtZmU4ODEwOTAzMzQyMGI1ODZjY2VhODgwZjIwY2Y1ZGMiLCJzdWIiOiJ1c2VyZXh0ZXJuYWwiLCJhdWQiOiJodHRwczovL3RpbGVkZXNrLmNvbS9zdWJzY3JpcHRpb25zLzVlMmMzNWM4ZjBkYmMxMDAxN2JiM2UwMSIsImZpcnN0bmFtZSI6Ik9sYSIsImxhc3RuYW1lIjoiTm9yIE1hbm4iLCJlbWFpbCI6Im9sYUBleGFtcGxlLm9yZyIsImlhdCI6MTc5NTIwNzAwMCwiZXhwIjoxNzk1MjEwNjAwfQ.QZnO-wOcohxWIyymO9f_-xVNPtWeP9v7oNb6-VLbFUg");
	arena_free(a);
}

static void long_text_goes_in_parts(void **state)
{
	struct arena *a = arena_new();
	struct via via = via_ready();
	struct message m = first_message(ROLE_CUSTOMER);
	struct known known = { 0 };
	struct plan plan;
	struct effect refused;
	struct job job = { .kind = JOB_DELIVER, .step = STEP_SEND, .message = &m, .known = &known };
	struct http_req req;
	char *text = arena_alloc(a, 1200001);
	size_t i;

	(void)state;
	memset(text, '"', 1200000); /* each takes two bytes on the wire */
	text[1200000] = '\0';
	m.text = text;
	assert_int_equal(smartify_connector.plan(&via, a, &m, &known, &plan, &refused), 0);
	assert_int_equal(plan.count, 1 + 5);
	assert_int_equal(m.parts, 5);
	for (i = 1; i < plan.count; i++) {
		assert_int_equal(plan.steps[i].part, (int)i - 1);
		assert_int_equal(plan.steps[i].doubt_wait_msecs, 5000);
		assert_int_equal(plan.steps[i].doubt_look, STEP_LOOK_UP);
		assert_int_equal(plan.steps[i].doubt_again_msecs, 15000);
		m.part = (int)i - 1;
		m.text = m.texts[m.part];
		req = (struct http_req){ 0 };
		smartify_connector.build(&via, a, &job, &req);
		assert_true(req.body_len <= 500000);
		assert_false(req.repeatable);
	}
	arena_free(a);
}

static void what_would_be_executed(void **state)
{
	static const struct {
		const char *text, *sent;
	} rows[] = {
		{ "price ${amount} y", "price $\xe2\x80\x8b{amount} y" },
		{ "ok thanks \\close", "ok thanks \\close\xe2\x80\x8b" },
		{ "see C:\\temp\\close", "see C:\\temp\\close" },
		{ "{{ name }}", "{{ name }}" },
	};
	struct arena *a = arena_new();
	struct via via = via_ready();
	struct known known = { .conversation = "x" };
	struct plan plan;
	struct effect refused;
	struct message m;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		m = message_to(SIDE_CUSTOMERS, ROLE_AGENT);
		m.text = rows[i].text;
		assert_int_equal(smartify_connector.plan(&via, a, &m, &known, &plan, &refused), 0);
		assert_string_equal(m.text, rows[i].sent);
	}
	arena_free(a);
}

static void look_ups(void **state)
{
	static const struct {
		enum step in_doubt;
		const char *cursor, *expected;
	} rows[] = {
		{ STEP_SEND, NULL, "look_up GET /requests/support-group-x/messages account -\n" },
		{ STEP_SEND, "m7", "look_up GET /requests/support-group-x account -\n" },
		{ STEP_TAKE_OVER, NULL, "look_up GET /requests/support-group-x account -\n" },
		{ STEP_CREATE_CONVERSATION, NULL,
		    "look_up GET /requests/support-group-x account -\n" },
	};
	struct arena *a = arena_new();
	struct via via = via_ready();
	struct message m = message_to(SIDE_CUSTOMERS, ROLE_AGENT);
	struct known known = { .conversation = "support-group-x" };
	struct job job = { .kind = JOB_LOOK,
		.step = STEP_LOOK_UP,
		.attempt = 1,
		.message = &m,
		.known = &known };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		job.in_doubt = rows[i].in_doubt;
		job.cursor = rows[i].cursor;
		assert_string_equal(request_text(a, &via, &job), rows[i].expected);
	}
	arena_free(a);
}

/* What only agents see: as a person, and by whom the customer knows nothing. */
static void notes(void **state)
{
	struct arena *a = arena_new();
	struct via via = via_ready();
	struct message m = { .to = SIDE_AGENTS,
		.role = ROLE_SYSTEM,
		.text = "Not delivered: ${no}",
		.parts = 1,
		.mark = MARK };
	struct known known = { .conversation = "support-group-x" };
	struct job job = { .kind = JOB_DELIVER,
		.step = STEP_NOTE,
		.attempt = 1,
		.message = &m,
		.known = &known };

	(void)state;
	assert_string_equal(request_text(a, &via, &job),
	    "note POST /requests/support-group-x/messages account {\"text\":\"Not delivered: "
	    "$\u200b{no}\",\"sender\":\"" USER "\",\"attributes\":{\"subtype\":\"private\","
	    "\"tieline\":\"" MARK "\"},\"channel\":{\"name\":\"tieline\"}}\n");
	job.kind = JOB_LOOK;
	job.step = STEP_LOOK_UP;
	job.in_doubt = STEP_NOTE;
	assert_string_equal(request_text(a, &via, &job),
	    "look_up GET /requests/support-group-x/messages account -\n");
	arena_free(a);
}

/* --- answers ----------------------------------------------------------------------------------- */

static const char *outcome_text(struct arena *a, const struct outcome *o)
{
	const struct effect *e = &o->effect;
	const char *text = effect_word((int)e->kind);
	size_t i;

	if (e->reason != REASON_NONE)
		text = arena_printf(a, "%s %s", text, reason_word((int)e->reason));
	if (e->kind == EFFECT_RETRY && e->wait_msecs >= 0)
		text = arena_printf(a, "%s %lld", text, (long long)e->wait_msecs);
	if (e->remote_id != NULL)
		text = arena_printf(a, "%s id=%s", text, e->remote_id);
	if (o->go != STEP_NONE)
		text = arena_printf(a, "%s go=%s", text, step_word((int)o->go));
	if (o->cursor != NULL)
		text = arena_printf(a, "%s cursor=%s", text, o->cursor);
	if (o->found)
		text = arena_printf(a, "%s found", text);
	if (o->gone)
		text = arena_printf(a, "%s gone", text);
	if (o->forget_sign_in)
		text = arena_printf(a, "%s forget", text);
	if (o->learned.signed_in)
		text = arena_printf(a, "%s signed_in", text);
	if (o->learned.taken_over)
		text = arena_printf(a, "%s taken_over", text);
	if (o->learned.conversation_ref != NULL)
		text = arena_printf(a, "%s ref=%s", text, o->learned.conversation_ref);
	if (o->doubts_max > 0)
		text = arena_printf(a, "%s max=%d:%s", text, o->doubts_max,
		    reason_word((int)o->give_up));
	for (i = 0; i < o->nmemo; i++)
		text = arena_printf(a, "%s %s%s%s", text, o->memo[i].value == NULL ? "-" : "+",
		    o->memo[i].key,
		    o->memo[i].value == NULL || o->memo[i].lasting ? "" : "(memory)");
	if (e->why != NULL)
		text = arena_printf(a, "%s \"%s\"", text, e->why);
	return text;
}

/* Body and status of an answer; status 0: none came. */
static struct http_resp resp_of(int status, const char *body)
{
	return (struct http_resp){ .sent = true,
		.status = status,
		.body = body,
		.body_len = strlen(body),
		.retry_after_msecs = -1 };
}

static void expect_outcome(const struct job *job, const struct http_resp *resp,
    const char *expected)
{
	struct arena *a = arena_new();
	struct via via = via_ready();
	struct outcome out;
	const char *got;

	smartify_connector.interpret(&via, a, job, resp, &out);
	got = outcome_text(a, &out);
	if (strcmp(got, expected) != 0)
		fail_msg("%s, %d %.100s\n     got %s\nexpected %s", step_word((int)job->step),
		    resp->status, resp->body, got, expected);
	arena_free(a);
}

/* What a status means, whoever asks: as the person who sends, as the account that sends, and for a
 * step that may be done twice. "=": as in the column before. */
static const struct {
	int status;
	const char *body, *person, *account, *harmless;
} catalogue[] = {
	{ 400, "{\"error\":\"Project not found with id: 5e2c\"}",
	    "rejected invalid \"Project not found with id: 5e2c\"", "=", "=" },
	{ 400, "Bad Request", "next_step credentials go=sign_in forget \"Bad Request\"",
	    "retry credentials 0 -token \"Bad Request\"", "=" },
	{ 401, "Unauthorized", "next_step credentials go=sign_in forget \"Unauthorized\"",
	    "retry credentials 0 -token \"Unauthorized\"", "=" },
	{ 401, "{\"err\":\"error project ip filter\"}",
	    "pause credentials \"error project ip filter\"", "=", "=" },
	{ 401, "{\"err\":\"error project deny ip filter\"}",
	    "pause credentials \"error project deny ip filter\"", "=", "=" },
	{ 401, "{\"err\":\"error projectBanUserFilter by id\"}",
	    "rejected unreachable \"error projectBanUserFilter by id\"", "=", "=" },
	{ 403, "{\"success\":false,\"msg\":\"Unauthorized.\"}",
	    "next_step credentials go=sign_in forget \"Unauthorized.\"",
	    "retry credentials 0 -token \"Unauthorized.\"", "=" },
	{ 403, "{\"success\":false,\"msg\":\"you dont belong to the project.\"}",
	    "next_step credentials go=sign_in forget \"you dont belong to the project.\"",
	    "pause credentials \"you dont belong to the project.\"", "=" },
	{ 403, "{\"success\":false,\"msg\":\"you dont have the required role.\"}",
	    "rejected invalid \"you dont have the required role.\"", "=", "=" },
	{ 403,
	    "{\"success\":false,\"msg\":\"Unauthorized. Project_user not found with user id  : x\"}",
	    "rejected invalid \"Unauthorized. Project_user not found with user id : x\"", "=",
	    "=" },
	{ 404, "<!DOCTYPE html><pre>Cannot POST /</pre>", "rejected not_found \"a page of HTML\"",
	    "=", "=" },
	{ 404, "{\"success\":false,\"msg\":\"Object not found.\"}",
	    "retry not_found 5000 \"Object not found.\"", "=", "=" },
	{ 408, "", "retry timeout", "=", "=" },
	{ 413, "{\"err\":\"Request entity too large\",\"limit\":512000}",
	    "rejected too_large \"Request entity too large\"", "=", "=" },
	{ 422, "{\"errors\":[{\"msg\":\"Invalid value\",\"param\":\"email\"}]}",
	    "rejected invalid \"Invalid value\"", "=", "=" },
	{ 422, "{\"errors\":[\"text field is required\"]}",
	    "rejected invalid \"text field is required\"", "=", "=" },
	{ 429, "{\"message\":\"Rate limit exceeded\"}", "retry busy \"Rate limit exceeded\"", "=",
	    "=" },
	{ 500, "{\"success\":false,\"msg\":\"Error creating message\",\"err\":{}}",
	    "unsure server_error \"Error creating message\"", "=",
	    "retry server_error \"Error creating message\"" },
	{ 500, "{\"err\":\"error\"}", "unsure server_error \"error\"", "=",
	    "retry server_error \"error\"" },
	{ 502, "<html>Bad gateway</html>", "unsure server_error \"a page of HTML\"", "=",
	    "retry server_error \"a page of HTML\"" },
	{ 503, "busy", "retry busy \"busy\"", "=", "=" },
	{ 504, "", "unsure server_error", "=", "retry server_error" },
	{ 301, "", "rejected invalid", "=", "=" },
	/* A good status is no answer while nothing says what was made. */
	{ 200, "", "unsure bad_answer", "=", "retry bad_answer" },
	{ 200, "<html>", "unsure bad_answer \"a page of HTML\"", "=",
	    "retry bad_answer \"a page of HTML\"" },
	{ 200, "{\"_id\":\"5e2c", "unsure bad_answer \"{\"_id\":\"5e2c\"", "=",
	    "retry bad_answer \"{\"_id\":\"5e2c\"" },
	{ 200, "[]", "unsure bad_answer", "=", "retry bad_answer" },
	{ 200, "{\"_id\":null}", "unsure bad_answer", "=", "retry bad_answer" },
};

static const char *same(const char *expected, const char *before)
{
	return strcmp(expected, "=") == 0 ? before : expected;
}

static void error_catalogue(void **state)
{
	struct message by_person = message_to(SIDE_AGENTS, ROLE_CUSTOMER);
	struct message by_account = message_to(SIDE_CUSTOMERS, ROLE_AGENT);
	struct known known = { .conversation = "x", .signed_in = true };
	struct job job = { .kind = JOB_DELIVER, .attempt = 1, .known = &known };
	const char *expected;
	struct http_resp resp;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(catalogue) / sizeof(*catalogue); i++) {
		resp = resp_of(catalogue[i].status, catalogue[i].body);
		job.step = STEP_SEND;
		job.message = &by_person;
		expected = catalogue[i].person;
		expect_outcome(&job, &resp, expected);
		job.message = &by_account;
		expected = same(catalogue[i].account, expected);
		expect_outcome(&job, &resp, expected);
		job.step = STEP_REOPEN;
		expect_outcome(&job, &resp, same(catalogue[i].harmless, expected));
	}
}

static void nothing_heard(void **state)
{
	static const struct {
		enum transport transport;
		bool sent;
		int status;
		const char *send, *reopen;
	} rows[] = {
		{ TRANSPORT_CONNECT, false, 0, "retry connect", "retry connect" },
		{ TRANSPORT_TLS, false, 0, "retry tls", "retry tls" },
		{ TRANSPORT_TIMEOUT, false, 0, "retry timeout", "retry timeout" },
		{ TRANSPORT_TIMEOUT, true, 0, "unsure timeout max=3:timeout", "retry timeout" },
		{ TRANSPORT_CUT, true, 0, "unsure cut", "retry cut" },
		{ TRANSPORT_CUT, true, 200, "unsure cut", "retry cut" },
		{ TRANSPORT_CUT, true, 502, "unsure server_error", "retry server_error" },
		{ TRANSPORT_CUT, true, 403, "retry cut", "retry cut" },
		{ TRANSPORT_TOO_LARGE, true, 200, "unsure bad_answer", "retry bad_answer" },
	};
	struct message m = message_to(SIDE_CUSTOMERS, ROLE_AGENT);
	struct known known = { .conversation = "x" };
	struct job job = { .kind = JOB_DELIVER, .attempt = 1, .message = &m, .known = &known };
	struct http_resp resp;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		resp = resp_of(rows[i].status, "");
		resp.transport = rows[i].transport;
		resp.sent = rows[i].sent;
		job.step = STEP_SEND;
		expect_outcome(&job, &resp, rows[i].send);
		job.step = STEP_REOPEN;
		expect_outcome(&job, &resp, rows[i].reopen);
	}
	resp = resp_of(429, "");
	resp.retry_after_msecs = 7000;
	expect_outcome(&job, &resp, "retry busy 7000");
}

static void answers_to_states(void **state)
{
	static const struct {
		enum job_kind kind;
		enum step step;
		int status;
		const char *body, *expected;
	} rows[] = {
		{ JOB_DELIVER, STEP_SET_STATUS, 200, "{\"status\":1000}", "delivered" },
		{ JOB_DELIVER, STEP_REOPEN, 200, "{\"request_id\":\"r1\"}", "delivered" },
		{ JOB_DELIVER, STEP_SET_STATUS, 403,
		    "{\"error\":\"You must be among the participants to close a conversation.\"}",
		    "rejected invalid \"You must be among the participants to close a conversation.\"" },
		{ JOB_DELIVER, STEP_SET_STATUS, 500, "{}", "unsure server_error max=5:not_found" },
		{ JOB_DELIVER, STEP_SET_STATUS, 502, "", "unsure server_error" },
		{ JOB_DELIVER, STEP_SET_STATUS, 503, "", "retry busy" },
		{ JOB_DELIVER, STEP_REOPEN, 502, "", "retry server_error" },
		{ JOB_LOOK, STEP_LOOK_UP, 200, "{\"_id\":\"1\",\"status\":1000}",
		    "delivered found" },
		{ JOB_LOOK, STEP_LOOK_UP, 200, "{\"_id\":\"1\",\"status\":200}", "next_step" },
	};
	struct message m = { .to = SIDE_CUSTOMERS,
		.role = ROLE_SYSTEM,
		.set_state = STATE_RESOLVED };
	struct known known = { .conversation = "x" };
	struct job job = { .attempt = 1, .message = &m, .known = &known };
	struct http_resp resp;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		resp = resp_of(rows[i].status, rows[i].body);
		job.kind = rows[i].kind;
		job.step = rows[i].step;
		job.in_doubt = job.kind == JOB_LOOK ? STEP_SET_STATUS : STEP_NONE;
		expect_outcome(&job, &resp, rows[i].expected);
	}
}

#define REF "65f0a1b2c3d4e5f607182925"
#define OTHER "65f0a1b2c3d4e5f607189999"
#define ANSWER(ref, lead) \
	"{\"_id\":\"m7\",\"recipient\":\"x\",\"request\":{\"_id\":\"" ref \
	"\",\"lead\":{\"lead_id\":\"" lead "\"}}}"

static void each_step(void **state)
{
	static const struct {
		const char *what;
		enum step step;
		enum side to;
		enum role role;
		int attempt, status;
		const char *ref, *body, *expected;
	} rows[] = {
		{ "sent", STEP_SEND, SIDE_AGENTS, ROLE_CUSTOMER, 1, 200, NULL, ANSWER(REF, "p"),
		    "delivered id=m7 ref=" REF },
		{ "made anew by the person", STEP_SEND, SIDE_AGENTS, ROLE_CUSTOMER, 1, 200, REF,
		    ANSWER(OTHER, "p"), "delivered id=m7 ref=" OTHER },
		{ "sent by the account", STEP_SEND, SIDE_CUSTOMERS, ROLE_AGENT, 1, 200, REF,
		    ANSWER(REF, "p"), "delivered id=m7 ref=" REF },
		{ "an id as a number", STEP_SEND, SIDE_CUSTOMERS, ROLE_AGENT, 1, 200, REF,
		    "{\"_id\":7,\"request\":7}", "delivered id=7" },
		{ "a ghost", STEP_SEND, SIDE_CUSTOMERS, ROLE_AGENT, 1, 200, REF, ANSWER(OTHER, "p"),
		    "next_step not_found go=set_status gone \"the conversation was deleted\"" },
		{ "a ghost of an unknown one", STEP_SEND, SIDE_CUSTOMERS, ROLE_AGENT, 1, 200, NULL,
		    ANSWER(OTHER, USER),
		    "next_step not_found go=set_status gone \"the conversation was deleted\"" },
		{ "a ghost, mirrored up", STEP_SEND, SIDE_AGENTS, ROLE_BOT, 1, 200, REF,
		    ANSWER(OTHER, USER),
		    "next_step not_found go=set_status gone \"the conversation was deleted\"" },
		{ "the ghost is closed", STEP_SET_STATUS, SIDE_CUSTOMERS, ROLE_AGENT, 1, 200, REF,
		    "{}", "rejected not_found gone \"the conversation was deleted\"" },
		{ "the ghost is not there", STEP_SET_STATUS, SIDE_CUSTOMERS, ROLE_AGENT, 1, 403,
		    REF, "{}", "rejected not_found gone \"the conversation was deleted\"" },
		{ "the ghost cannot be closed now", STEP_SET_STATUS, SIDE_CUSTOMERS, ROLE_AGENT, 1,
		    502, REF, "", "retry server_error" },
		{ "nor later", STEP_SET_STATUS, SIDE_CUSTOMERS, ROLE_AGENT, 5, 502, REF, "",
		    "rejected not_found gone \"the conversation was deleted\"" },
		{ "signed in", STEP_SIGN_IN, SIDE_AGENTS, ROLE_CUSTOMER, 1, 200, NULL, "{}",
		    "next_step go=send signed_in" },
		{ "signed in for the account's sake", STEP_SIGN_IN, SIDE_AGENTS, ROLE_BOT, 1, 200,
		    NULL, "{}", "next_step signed_in" },
		{ "wrong signature", STEP_SIGN_IN, SIDE_AGENTS, ROLE_CUSTOMER, 1, 401, NULL,
		    "Unauthorized", "retry credentials -subscription \"Unauthorized\"" },
		{ "not ours to sign in", STEP_SIGN_IN, SIDE_AGENTS, ROLE_CUSTOMER, 1, 500, NULL,
		    "{\"err\":\"error\"}", "retry server_error \"error\"" },
		{ "refused, after other failures", STEP_SEND, SIDE_AGENTS, ROLE_CUSTOMER, 2, 403,
		    NULL, "{\"msg\":\"you dont belong to the project.\"}",
		    "next_step credentials go=sign_in forget \"you dont belong to the project.\"" },
		{ "reopened", STEP_REOPEN, SIDE_CUSTOMERS, ROLE_AGENT, 1, 200, REF,
		    "{\"request_id\":\"r1\",\"status\":200}", "next_step" },
		{ "a page of somebody else's", STEP_REOPEN, SIDE_CUSTOMERS, ROLE_AGENT, 1, 200, REF,
		    "<html>welcome</html>", "retry bad_answer \"a page of HTML\"" },
		{ "gone, twice", STEP_REOPEN, SIDE_CUSTOMERS, ROLE_AGENT, 2, 404, REF,
		    "{\"msg\":\"Request not found\"}",
		    "rejected not_found gone \"Request not found\"" },
		{ "gone, and made anew by the person", STEP_REOPEN, SIDE_AGENTS, ROLE_CUSTOMER, 2,
		    404, REF, "{\"msg\":\"Request not found\"}", "next_step" },
		{ "taken over", STEP_TAKE_OVER, SIDE_CUSTOMERS, ROLE_AGENT, 1, 200, REF, "{}",
		    "next_step taken_over" },
		{ "perhaps taken over", STEP_TAKE_OVER, SIDE_CUSTOMERS, ROLE_AGENT, 1, 500, REF,
		    "{}", "unsure server_error" },
		{ "may not take over", STEP_TAKE_OVER, SIDE_CUSTOMERS, ROLE_AGENT, 1, 403, REF,
		    "{\"msg\":\"you dont have the required role.\"}",
		    "next_step invalid \"you dont have the required role.\"" },
		{ "contact made", STEP_CREATE_CONTACT, SIDE_AGENTS, ROLE_BOT, 1, 200, NULL, "{}",
		    "next_step" },
		{ "conversation made", STEP_CREATE_CONVERSATION, SIDE_AGENTS, ROLE_BOT, 1, 200,
		    NULL, "{\"_id\":\"" REF "\",\"request_id\":\"x\"}", "next_step ref=" REF },
		{ "perhaps made", STEP_CREATE_CONVERSATION, SIDE_AGENTS, ROLE_BOT, 1, 200, NULL,
		    "{}", "unsure bad_answer" },
	};
	struct http_resp resp;
	struct message m;
	struct known known;
	struct job job;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		resp = resp_of(rows[i].status, rows[i].body);
		m = message_to(rows[i].to, rows[i].role);
		known = (struct known){ .conversation = "x", .conversation_ref = rows[i].ref };
		job = (struct job){ .kind = JOB_DELIVER,
			.step = rows[i].step,
			.attempt = rows[i].attempt,
			.before = rows[i].attempt == 2 ? REASON_NOT_FOUND : REASON_BUSY,
			.message = &m,
			.known = &known };
		expect_outcome(&job, &resp, rows[i].expected);
	}
}

/* A used-up quota answers as any other fault does; only its lasting tells. */
static void first_messages_give_up(void **state)
{
	struct message m = first_message(ROLE_CUSTOMER);
	struct known known = { .conversation = "x", .signed_in = true };
	struct job job = { .kind = JOB_DELIVER,
		.step = STEP_SEND,
		.attempt = 1,
		.message = &m,
		.known = &known };
	struct http_resp resp =
	    resp_of(500, "{\"success\":false,\"msg\":\"Error creating request\"}");

	(void)state;
	expect_outcome(&job, &resp, "unsure server_error max=5:quota \"Error creating request\"");
	m.role = ROLE_AGENT;
	job.step = STEP_CREATE_CONVERSATION;
	expect_outcome(&job, &resp, "unsure server_error max=5:quota \"Error creating request\"");
	m.may_open = false;
	job.step = STEP_SEND;
	expect_outcome(&job, &resp, "unsure server_error \"Error creating request\"");
}

static void sign_in_goes_on_where_it_was(void **state)
{
	static const struct {
		int part;
		bool may_open, reopen;
		const char *expected;
	} rows[] = {
		{ 0, true, false, "next_step go=send signed_in" },
		{ 0, false, true, "next_step go=reopen signed_in" },
		{ 1, false, true, "next_step go=send signed_in" },
	};
	struct message m = message_to(SIDE_AGENTS, ROLE_CUSTOMER);
	struct known known = { .conversation = "x" };
	struct job job = { .kind = JOB_DELIVER,
		.step = STEP_SIGN_IN,
		.attempt = 1,
		.message = &m,
		.known = &known };
	struct http_resp resp = resp_of(200, "{\"success\":true}");
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		m.part = rows[i].part;
		m.may_open = rows[i].may_open;
		m.reopen = rows[i].reopen;
		expect_outcome(&job, &resp, rows[i].expected);
	}
}

static void looked_up(void **state)
{
	static const struct {
		const char *what;
		enum step in_doubt;
		enum side to;
		enum role role;
		int status;
		const char *ref, *cursor, *body, *expected;
	} rows[] = {
		{ "it is there", STEP_SEND, SIDE_AGENTS, ROLE_CUSTOMER, 200, REF, NULL,
		    "[{\"_id\":\"a\"},{\"_id\":\"m7\",\"attributes\":{\"tieline\":\"" MARK "\"}}]",
		    "delivered id=m7 found" },
		{ "it is not", STEP_SEND, SIDE_AGENTS, ROLE_CUSTOMER, 200, REF, NULL,
		    "[{\"_id\":\"a\",\"attributes\":[\"" MARK
		    "\"]},7,{\"_id\":\"b\",\"attributes\":"
		    "{\"tieline\":\"" MARK "x\"}}]",
		    "next_step" },
		{ "nothing is", STEP_SEND, SIDE_AGENTS, ROLE_CUSTOMER, 200, NULL, NULL, "[]",
		    "next_step" },
		{ "no conversation", STEP_SEND, SIDE_AGENTS, ROLE_CUSTOMER, 404, NULL, NULL,
		    "{\"msg\":\"Request not found\"}", "next_step" },
		{ "there, in which conversation?", STEP_SEND, SIDE_CUSTOMERS, ROLE_AGENT, 200, REF,
		    NULL, "[{\"_id\":\"m7\",\"attributes\":{\"tieline\":\"" MARK "\"}}]",
		    "next_step cursor=m7" },
		{ "in ours", STEP_SEND, SIDE_CUSTOMERS, ROLE_AGENT, 200, REF, "m7",
		    "{\"_id\":\"" REF "\"}", "delivered id=m7 found" },
		{ "in a ghost", STEP_SEND, SIDE_CUSTOMERS, ROLE_AGENT, 200, REF, "m7",
		    "{\"_id\":\"" OTHER "\"}",
		    "next_step not_found go=set_status found gone \"the conversation was deleted\"" },
		{ "taken over", STEP_TAKE_OVER, SIDE_CUSTOMERS, ROLE_AGENT, 200, REF, NULL,
		    "{\"_id\":\"" REF "\",\"participants\":[\"bot_1\",\"" USER "\"]}",
		    "next_step found taken_over" },
		{ "not taken over", STEP_TAKE_OVER, SIDE_CUSTOMERS, ROLE_AGENT, 200, REF, NULL,
		    "{\"_id\":\"" REF "\",\"participants\":[\"bot_1\",7]}", "next_step" },
		{ "opened", STEP_CREATE_CONVERSATION, SIDE_AGENTS, ROLE_BOT, 200, NULL, NULL,
		    "{\"_id\":\"" REF "\",\"request_id\":\"x\"}", "next_step found ref=" REF },
		{ "not opened", STEP_CREATE_CONVERSATION, SIDE_AGENTS, ROLE_BOT, 404, NULL, NULL,
		    "{\"msg\":\"Object not found.\"}", "next_step" },
		/* Who cannot read must not send again. */
		{ "HTML", STEP_SEND, SIDE_AGENTS, ROLE_CUSTOMER, 200, REF, NULL, "<html>",
		    "unsure bad_answer \"a page of HTML\"" },
		{ "cut short", STEP_SEND, SIDE_AGENTS, ROLE_CUSTOMER, 200, REF, NULL,
		    "[{\"_id\":", "unsure bad_answer \"[{\"_id\":\"" },
		{ "another shape", STEP_SEND, SIDE_AGENTS, ROLE_CUSTOMER, 200, REF, NULL, "{}",
		    "unsure bad_answer" },
		{ "no route", STEP_SEND, SIDE_AGENTS, ROLE_CUSTOMER, 404, REF, NULL, "<html>",
		    "unsure bad_answer \"a page of HTML\"" },
		{ "signed out", STEP_SEND, SIDE_AGENTS, ROLE_CUSTOMER, 401, REF, NULL,
		    "Unauthorized", "unsure bad_answer -token \"Unauthorized\"" },
		{ "down", STEP_SEND, SIDE_AGENTS, ROLE_CUSTOMER, 503, REF, NULL, "",
		    "unsure server_error" },
	};
	struct http_resp resp;
	struct message m;
	struct known known;
	struct job job;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		resp = resp_of(rows[i].status, rows[i].body);
		m = message_to(rows[i].to, rows[i].role);
		known = (struct known){ .conversation = "x", .conversation_ref = rows[i].ref };
		job = (struct job){ .kind = JOB_LOOK,
			.step = STEP_LOOK_UP,
			.in_doubt = rows[i].in_doubt,
			.attempt = 1,
			.message = &m,
			.known = &known,
			.cursor = rows[i].cursor };
		expect_outcome(&job, &resp, rows[i].expected);
	}
}

static void words_are_bounded_and_keep_secrets(void **state)
{
	struct arena *a = arena_new();
	struct http_resp resp;
	char body[5000], *p = body;
	const char *why;

	(void)state;
	resp = resp_of(401, "{\"msg\":\"bad token JWT eyJhbGciOi.x.y\"}");
	assert_string_equal(smartify_words(a, &resp), "bad token JWT [secret]");
	memset(body, 'a', sizeof(body));
	body[sizeof(body) - 1] = '\0';
	resp = resp_of(500, p);
	why = smartify_words(a, &resp);
	assert_true(strlen(why) <= 200);
	resp = resp_of(500, "{\"err\":{}}");
	assert_null(smartify_words(a, &resp));
	arena_free(a);
}

/* --- the endpoint itself ----------------------------------------------------------------------- */

static void errands(void **state)
{
	struct arena *a = arena_new();
	struct via via = via_ready();
	struct job job;

	(void)state;
	assert_true(smartify_connector.next(&via, &job) == INT64_MAX);
	via.nmemo = 0;
	assert_true(smartify_connector.next(&via, &job) == NOW_MS);
	assert_string_equal(request_text(a, &via, &job),
	    "sign_in POST " BASE "/auth/signin nobody "
	    "{\"email\":\"relay@example.com\",\"password\":\"a-password\"}\n");
	via.nmemo = 2;
	assert_true(smartify_connector.next(&via, &job) == NOW_MS);
	assert_string_equal(request_text(a, &via, &job), "look_up GET /subscriptions account -\n");
	conf.subscription_id = SUBSCRIPTION;
	conf.department = "Sales";
	assert_true(smartify_connector.next(&via, &job) == NOW_MS);
	assert_string_equal(request_text(a, &via, &job), "look_up GET /departments account -\n");
	conf.department = "default";
	assert_true(smartify_connector.next(&via, &job) == NOW_MS);
	assert_string_equal(request_text(a, &via, &job),
	    "look_up GET " BASE "/projects/" PROJECT " account -\n");
	/* Asked in vain: some minutes later. */
	memo[2] = (struct memo){ "asked_title", "1795206999000", false };
	via.nmemo = 3;
	assert_true(smartify_connector.next(&via, &job) == 1795206999000 + 5 * 60 * 1000);
	arena_free(a);
}

#define OURS "https://relay.example.com/hooks/shop/fixture-hook-key-0"

static void errand_answers(void **state)
{
	static const struct {
		enum step step;
		const char *cursor;
		int status;
		const char *body, *expected;
	} rows[] = {
		{ STEP_SIGN_IN, NULL, 200,
		    "{\"token\":\"JWT eyJ\",\"user\":{\"_id\":\"" USER "\"}}",
		    "next_step +token(memory) +user" },
		{ STEP_SIGN_IN, NULL, 200, "{\"token\":\"JWT eyJ\"}", "retry bad_answer" },
		{ STEP_SIGN_IN, NULL, 200, "<html>", "retry bad_answer \"a page of HTML\"" },
		{ STEP_SIGN_IN, NULL, 401,
		    "{\"success\":false,\"msg\":\"Authentication failed. Wrong password.\"}",
		    "pause credentials \"Authentication failed. Wrong password.\"" },
		{ STEP_SIGN_IN, NULL, 422, "{\"errors\":[{\"msg\":\"Invalid value\"}]}",
		    "pause credentials \"Invalid value\"" },
		{ STEP_SIGN_IN, NULL, 429, "", "retry busy" },
		{ STEP_SIGN_IN, NULL, 500, "{\"err\":\"error\"}", "retry server_error \"error\"" },
		{ STEP_SIGN_IN, NULL, 0, "", "retry bad_answer" },
		{ STEP_LOOK_UP, "subscriptions", 200,
		    "[7,{\"_id\":\"s1\",\"event\":\"request.update\",\"target\":\"" OURS "\"},"
		    "{\"_id\":\"s2\",\"event\":\"message.create\",\"target\":\"" OURS "9\"},"
		    "{\"_id\":\"s3\",\"event\":\"message.create\",\"target\":\"" OURS "\"}]",
		    "next_step found +subscription" },
		{ STEP_LOOK_UP, "subscriptions", 200,
		    "[{\"_id\":\"s2\",\"event\":\"message.create\",\"target\":\"https://x/hooks/shop\"}]",
		    "next_step +asked_subscription(memory)" },
		/* None of these shuts the endpoint: as customers' side it does not matter. */
		{ STEP_LOOK_UP, "subscriptions", 403,
		    "{\"success\":false,\"msg\":\"you dont have the required role.\"}",
		    "next_step +asked_subscription(memory) \"you dont have the required role.\"" },
		{ STEP_LOOK_UP, "subscriptions", 401, "Unauthorized",
		    "next_step +asked_subscription(memory) -token \"Unauthorized\"" },
		{ STEP_LOOK_UP, "subscriptions", 0, "", "next_step +asked_subscription(memory)" },
		{ STEP_LOOK_UP, "departments", 200,
		    "[{\"_id\":\"d1\",\"name\":\"Support\"},{\"_id\":\"d2\",\"name\":\"sales\"}]",
		    "next_step found +department" },
		{ STEP_LOOK_UP, "project", 200, "{\"_id\":\"x\",\"name\":\"Shop\"}",
		    "next_step found +title" },
		{ STEP_LOOK_UP, "project", 200, "[]", "next_step +asked_title(memory)" },
	};
	static const struct known nothing;
	struct arena *a = arena_new();
	struct via via = via_ready();
	struct http_resp resp;
	struct outcome out;
	struct job job;
	size_t i;

	(void)state;
	conf.department = "Sales";
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		resp = resp_of(rows[i].status, rows[i].body);
		job = (struct job){ .kind = JOB_ENDPOINT,
			.step = rows[i].step,
			.attempt = 1,
			.known = &nothing,
			.cursor = rows[i].cursor };
		smartify_connector.interpret(&via, a, &job, &resp, &out);
		if (strcmp(outcome_text(a, &out), rows[i].expected) != 0)
			fail_msg("row %zu\n     got %s\nexpected %s", i, outcome_text(a, &out),
			    rows[i].expected);
	}
	resp = resp_of(0, "");
	resp.sent = false;
	resp.transport = TRANSPORT_CONNECT;
	smartify_connector.interpret(&via, a, &job, &resp, &out);
	assert_string_equal(outcome_text(a, &out), "retry connect");
	assert_string_equal(smartify_token(a, "JWT eyJ"), "JWT eyJ");
	assert_string_equal(smartify_token(a, "JWT JWT eyJ"), "JWT eyJ");
	assert_string_equal(smartify_token(a, "eyJ"), "JWT eyJ");
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(derived_ids),
		cmocka_unit_test(as_agents_side),
		cmocka_unit_test(as_agents_side_mirrored),
		cmocka_unit_test(as_customers_side),
		cmocka_unit_test(what_cannot_be_carried),
		cmocka_unit_test(states),
		cmocka_unit_test(answers_to_states),
		cmocka_unit_test(department),
		cmocka_unit_test(explained),
		cmocka_unit_test(token_of_a_person),
		cmocka_unit_test(long_text_goes_in_parts),
		cmocka_unit_test(what_would_be_executed),
		cmocka_unit_test(look_ups),
		cmocka_unit_test(notes),
		cmocka_unit_test(error_catalogue),
		cmocka_unit_test(nothing_heard),
		cmocka_unit_test(each_step),
		cmocka_unit_test(first_messages_give_up),
		cmocka_unit_test(sign_in_goes_on_where_it_was),
		cmocka_unit_test(looked_up),
		cmocka_unit_test(words_are_bounded_and_keep_secrets),
		cmocka_unit_test(errands),
		cmocka_unit_test(errand_answers),
	};

	return cmocka_run_group_tests_name("smartify_send", tests, NULL, NULL);
}
