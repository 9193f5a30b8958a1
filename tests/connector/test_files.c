/* Messages with files: the steps they take at each platform, the requests, and what answers to them mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "connector/connector.h"
#include "connector/smartify/smartify.h"
#include "core/file.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define PROJECT "5e2c35c8f0dbc10017bb3aac"
#define CHATWOOT_BASE "https://chat.example.com"
#define SMARTIFY_BASE "https://panel.smartifyai.in/api"
#define OURS "https://r.example/media/7/9/s/a.png"

static const char *const types[] = { "jpg", "png", "pdf" };
static struct smartify_conf smartify_conf;
static struct endpoint_conf endpoint;
static struct keys keys;
static struct memo memo[] = { { MEMO_TOKEN, "JWT account-token", false },
	{ MEMO_USER, "5e2c35c8f0dbc10017bb3a01", true }, { "tenant", "1", true },
	{ "inbox", "12", true } };

static const struct person person = { .identity = "tel:+15555550123",
	.id = "p",
	.address = "p",
	.name = "Ada" };

static const struct file picture = { ATTACHMENT_IMAGE, "a.png", "image/png", 100000, "/m/aa", NULL,
	OURS };
static const struct file sound = { ATTACHMENT_AUDIO, "v.ogg", "audio/ogg", 10, "/m/bb", NULL,
	"https://r.example/media/8/9/s/v.ogg" };

static struct via via_of(const struct connector *c)
{
	smartify_conf = (struct smartify_conf){ .project_id = PROJECT,
		.channel = "tieline",
		.upload_max = 1024000,
		.upload_types = { types, COUNT(types) } };
	endpoint = (struct endpoint_conf){ .name = "x",
		.connector = c,
		.base_url = c == connector_find("smartify") ? SMARTIFY_BASE : CHATWOOT_BASE,
		.host = "h",
		.tenant = "1",
		.timeout_msecs = 20000,
		.webhook_secret = { .v = { "signing-secret" }, .n = 1 } };
	/* Chatwoot's options are not looked into here: its account and inbox are remembered. */
	static char nothing[4096];

	endpoint.conf =
	    c == connector_find("smartify") ? (const void *)&smartify_conf : (const void *)nothing;
	assert_true(c->conf_size <= sizeof(nothing));
	return (struct via){ .endpoint = &endpoint,
		.conf = endpoint.conf,
		.keys = &keys,
		.memo = memo,
		.nmemo = COUNT(memo),
		.now_ms = 1795207000000 };
}

static struct message message_with(enum side to, enum role role, const char *text,
    const struct file *files, size_t count)
{
	return (struct message){ .to = to,
		.role = role,
		.text = text,
		.parts = 1,
		.files = files,
		.nfiles = count,
		.name = role == ROLE_AGENT ? "Mari" : NULL,
		.mark = "tl1:m",
		.conversation_mark = "tl1:c",
		.person = &person,
		.conversation = "57",
		.conversation_root = "0123456789abcdef0123",
		.generation = 1,
		.bridge = "support" };
}

/* "when step part, …", and " serves" where an address of ours will be used. */
static const char *planned(struct arena *a, const struct via *via, struct message *m,
    const struct known *known)
{
	const struct connector *c = via->endpoint->connector;
	struct effect refused = { 0 };
	const char *text = "";
	struct plan plan;
	size_t i;

	if (c->plan(via, a, m, known, &plan, &refused) != 0)
		return arena_printf(a, "%s: %s", reason_word((int)refused.reason), refused.why);
	for (i = 0; i < plan.count; i++)
		text = arena_printf(a, "%s%s%s%s %d", text, i > 0 ? ", " : "",
		    plan.steps[i].when == WHEN_ALWAYS
			? ""
			: arena_printf(a, "%s ", when_word((int)plan.steps[i].when)),
		    step_word((int)plan.steps[i].step), plan.steps[i].part);
	return plan.serves ? arena_printf(a, "%s, serves", text) : text;
}

static void turn_to(struct message *m, int part)
{
	m->part = part;
	m->text = m->texts[part];
	m->span = m->spans[part];
}

/* "METHOD url {name=body|name=<path type filename>…}" or with the body. */
static const char *request(struct arena *a, const struct via *via, const struct message *m,
    const struct known *known, enum step step, const char *cursor)
{
	const struct job job = { .kind = JOB_DELIVER,
		.step = step,
		.attempt = 1,
		.message = m,
		.known = known,
		.cursor = cursor };
	struct http_req req = { 0 };
	const struct http_part *p;
	const char *text;

	via->endpoint->connector->build(via, a, &job, &req);
	text = arena_printf(a, "%s %s ", req.method, req.url);
	if (req.body_len > 0)
		return arena_printf(a, "%s%s", text, req.body);
	for (p = req.parts; p < req.parts + req.nparts; p++)
		text = p->body != NULL ? arena_printf(a, "%s|%s=%s", text, p->name, p->body)
				       : arena_printf(a, "%s|%s=<%s %s %s>", text, p->name, p->path,
					   p->type, p->filename);
	if (req.timeout_msecs > 20000)
		text = arena_printf(a, "%s +%d s", text, (int)(req.timeout_msecs / 1000 - 20));
	return text;
}

/* "effect reason go cursor upload serves" */
static const char *meant(struct arena *a, const struct via *via, const struct message *m,
    const struct known *known, enum step step, const char *cursor, int status, const char *body)
{
	const struct job job = { .kind = JOB_DELIVER,
		.step = step,
		.attempt = 1,
		.message = m,
		.known = known,
		.cursor = cursor };
	const struct http_resp resp = { .transport = status != 0 ? TRANSPORT_OK : TRANSPORT_CUT,
		.sent = true,
		.status = status,
		.body = body,
		.body_len = strlen(body),
		.retry_after_msecs = -1 };
	struct outcome o;

	via->endpoint->connector->interpret(via, a, &job, &resp, &o);
	return arena_printf(a, "%s %s go=%s cursor=%s upload=%s%s", effect_word((int)o.effect.kind),
	    reason_word((int)o.effect.reason), step_word((int)o.go),
	    o.cursor != NULL ? o.cursor : "", o.learned.upload != NULL ? o.learned.upload : "",
	    o.serves ? " serves" : "");
}

/* ---- Chatwoot ---- */

#define IN57 CHATWOOT_BASE "/api/v1/accounts/1/conversations/57/messages "

static void test_chatwoot_plan(void **state)
{
	static const struct known linked = { .conversation = "57" }, nothing;
	const struct connector *c = connector_find("chatwoot");
	struct file many[17];
	struct arena *a = arena_new();
	struct via via = via_of(c);
	struct message m = message_with(SIDE_AGENTS, ROLE_CUSTOMER, "hi", &picture, 1);
	size_t i;

	(void)state;
	assert_string_equal(planned(a, &via, &m, &linked), "send 0");
	m = message_with(SIDE_AGENTS, ROLE_CUSTOMER, "", &picture, 1);
	m.may_open = true;
	assert_string_equal(planned(a, &via, &m, &nothing),
	    "find_contact 0, not_found create_contact 0, found find_conversation 0, "
	    "not_found create_conversation 0, send 0");
	for (i = 0; i < COUNT(many); i++)
		many[i] = picture;
	m = message_with(SIDE_AGENTS, ROLE_CUSTOMER, "hi", many, 17);
	assert_string_equal(planned(a, &via, &m, &linked), "send 0, send 1");
	assert_int_equal(m.spans[0].count, 15);
	assert_int_equal(m.spans[1].first, 15);
	assert_int_equal(m.spans[1].count, 2);
	arena_free(a);
}

static void test_chatwoot_requests(void **state)
{
	static const struct known linked = { .conversation = "57", .contact = "9" };
	const struct connector *c = connector_find("chatwoot");
	struct arena *a = arena_new();
	struct via via = via_of(c);
	const struct file two[] = { picture, sound };
	struct message m = message_with(SIDE_AGENTS, ROLE_CUSTOMER, "hi", two, 2);
	struct file nowhere = picture;

	(void)state;
	planned(a, &via, &m, &linked);
	assert_string_equal(request(a, &via, &m, &linked, STEP_SEND, NULL),
	    "POST " IN57 "|content=hi|message_type=incoming|source_id=tl1:m"
	    "|attachments[]=</m/aa image/png a.png>|attachments[]=</m/bb audio/ogg v.ogg> +1 s");
	assert_string_equal(request(a, &via, &m, &linked, STEP_SEND, "addresses"),
	    "POST " IN57 "{\"content\":\"hi\\na.png: " OURS
	    "\\nv.ogg: https://r.example/media/8/9/s/v.ogg\",\"message_type\":\"incoming\","
	    "\"source_id\":\"tl1:m\"}");
	assert_null(
	    strstr(request(a, &via, &m, &linked, STEP_CREATE_CONVERSATION, NULL), "\"message\""));

	/* To customers: no source_id, and the name before what there is. */
	m = message_with(SIDE_CUSTOMERS, ROLE_AGENT, "", &sound, 1);
	planned(a, &via, &m, &linked);
	assert_string_equal(request(a, &via, &m, &linked, STEP_SEND, NULL),
	    "POST " IN57 "|content=Mari:|message_type=outgoing"
	    "|content_attributes={\"tieline\":\"tl1:m\"}|attachments[]=</m/bb audio/ogg v.ogg>");
	/* What agents write at the customers' side comes back as the relay's own. */
	m = message_with(SIDE_AGENTS, ROLE_AGENT, "x", &sound, 1);
	planned(a, &via, &m, &linked);
	assert_string_equal(request(a, &via, &m, &linked, STEP_SEND, NULL),
	    "POST " IN57 "|content=Mari: x|message_type=outgoing|source_id=tl1:m"
	    "|content_attributes={\"external_echo\":true}|attachments[]=</m/bb audio/ogg v.ogg>");
	nowhere.address = NULL;
	m = message_with(SIDE_AGENTS, ROLE_CUSTOMER, "", &nowhere, 1);
	planned(a, &via, &m, &linked);
	assert_string_equal(request(a, &via, &m, &linked, STEP_SEND, "addresses"),
	    "POST " IN57
	    "{\"content\":\"[file not available: a.png, it is too large for Chatwoot]\","
	    "\"message_type\":\"incoming\",\"source_id\":\"tl1:m\"}");
	arena_free(a);
}

static void test_chatwoot_answers(void **state)
{
	static const struct known linked = { .conversation = "57" };
	const struct connector *c = connector_find("chatwoot");
	struct arena *a = arena_new();
	struct via via = via_of(c);
	struct message m = message_with(SIDE_AGENTS, ROLE_CUSTOMER, "hi", &picture, 1);

	(void)state;
	planned(a, &via, &m, &linked);
	assert_string_equal(meant(a, &via, &m, &linked, STEP_SEND, NULL, 413, "<html>"),
	    "next_step  go= cursor=addresses upload= serves");
	assert_string_equal(meant(a, &via, &m, &linked, STEP_SEND, "addresses", 413, "<html>"),
	    "rejected too_large go= cursor= upload=");
	assert_string_equal(meant(a, &via, &m, &linked, STEP_SEND, NULL, 0, ""),
	    "unsure cut go= cursor= upload=");
	assert_string_equal(meant(a, &via, &m, &linked, STEP_CREATE_CONVERSATION, NULL, 200,
				"{\"id\":57}"),
	    "next_step  go=send cursor= upload=");
	arena_free(a);
}

/* ---- Smartify ---- */

#define CONVERSATION "support-group-" PROJECT "-1"
#define IN_PROJECT SMARTIFY_BASE "/" PROJECT
#define SEND "POST " IN_PROJECT "/requests/" CONVERSATION "/messages "
#define UPLOADED SMARTIFY_BASE "/files?path=uploads%2Fa%20b.png"
#define UPLOADED_SAVE SMARTIFY_BASE "/files/download?path=uploads%2Fa%20b.png"

static const struct known there = { .conversation = CONVERSATION, .signed_in = true };

static void test_smartify_plan(void **state)
{
	static const struct known nothing,
	    uploaded = { .conversation = CONVERSATION,
		    .upload = "uploads/a b.png",
		    .upload_part = 1 };
	struct arena *a = arena_new();
	struct via via = via_of(connector_find("smartify"));
	const struct file three[] = { picture, sound, picture };
	struct file large = picture, odd = picture;
	struct message m;
	size_t i;

	(void)state;
	m = message_with(SIDE_CUSTOMERS, ROLE_AGENT, "", &picture, 1);
	assert_string_equal(planned(a, &via, &m, &there), "upload 0, send 0");
	m = message_with(SIDE_CUSTOMERS, ROLE_AGENT, "with words", &picture, 1);
	assert_string_equal(planned(a, &via, &m, &there), "upload 0, send 0");
	assert_string_equal(m.text, "with words");
	m = message_with(SIDE_CUSTOMERS, ROLE_AGENT, "words", three, 3);
	assert_string_equal(planned(a, &via, &m, &there),
	    "send 0, upload 1, send 1, send 2, upload 3, send 3, serves");
	/* What a former life has uploaded stays. */
	m = message_with(SIDE_CUSTOMERS, ROLE_AGENT, "words", three, 3);
	assert_string_equal(planned(a, &via, &m, &uploaded),
	    "send 0, send 1, send 2, upload 3, send 3, serves");
	large.size = 1024001;
	odd.type = "image/jpeg"; /* the name says something else, and the server looks */
	m = message_with(SIDE_CUSTOMERS, ROLE_AGENT, "", &large, 1);
	assert_string_equal(planned(a, &via, &m, &there), "send 0, serves");
	m = message_with(SIDE_CUSTOMERS, ROLE_AGENT, "", &odd, 1);
	assert_string_equal(planned(a, &via, &m, &there), "send 0, serves");
	m = message_with(SIDE_AGENTS, ROLE_CUSTOMER, "", &picture, 1);
	m.may_open = true;
	assert_string_equal(planned(a, &via, &m, &nothing), "sign_in 0, upload 0, send 0");
	m = message_with(SIDE_CUSTOMERS, ROLE_AGENT, "", NULL, 0);
	assert_string_equal(planned(a, &via, &m, &there), "invalid: nothing to write");
	{
		struct file all[FILES_PER_MESSAGE];

		for (i = 0; i < COUNT(all); i++)
			all[i] = picture;
		m = message_with(SIDE_CUSTOMERS, ROLE_AGENT, "words", all, COUNT(all));
		m.reopen = m.take_over = true;
		planned(a, &via, &m, &there);
		assert_int_equal(m.parts, FILES_PER_MESSAGE + 1);
	}
	arena_free(a);
}

static void test_smartify_requests(void **state)
{
	struct known uploaded = there;
	struct arena *a = arena_new();
	struct via via = via_of(connector_find("smartify"));
	struct message m = message_with(SIDE_CUSTOMERS, ROLE_AGENT, "look", &picture, 1);
	struct file nowhere = sound;

	(void)state;
	uploaded.upload = "uploads/a b.png";
	planned(a, &via, &m, &there);
	assert_string_equal(request(a, &via, &m, &there, STEP_UPLOAD, NULL),
	    "POST " IN_PROJECT "/files/chat |file=</m/aa image/png a.png> +1 s");
	assert_string_equal(request(a, &via, &m, &uploaded, STEP_SEND, NULL),
	    SEND "{\"type\":\"image\",\"text\":\"look\",\"metadata\":{\"src\":\"" UPLOADED
		 "\",\"downloadURL\":\"" UPLOADED_SAVE
		 "\",\"name\":\"a.png\",\"type\":\"image/png\",\"size\":100000},"
		 "\"sender\":\"5e2c35c8f0dbc10017bb3a01\",\"senderFullname\":\"Mari\","
		 "\"attributes\":{\"tieline\":\"tl1:m\"}}");
	/* Refused: at an address of ours. */
	uploaded.upload = SMARTIFY_NO_UPLOAD;
	assert_non_null(strstr(request(a, &via, &m, &uploaded, STEP_SEND, NULL),
	    "\"src\":\"" OURS "\",\"downloadURL\":\"" OURS "\""));
	/* Alone it has its name as text. */
	m = message_with(SIDE_CUSTOMERS, ROLE_AGENT, "", &sound, 1);
	planned(a, &via, &m, &there);
	assert_non_null(strstr(request(a, &via, &m, &there, STEP_SEND, NULL),
	    "{\"type\":\"file\",\"text\":\"[v.ogg](https://r.example/media/8/9/s/v.ogg)\","));
	m = message_with(SIDE_CUSTOMERS, ROLE_AGENT, "hear", &sound, 1);
	planned(a, &via, &m, &there);
	assert_non_null(strstr(request(a, &via, &m, &there, STEP_SEND, NULL),
	    "\"text\":\"[v.ogg](https://r.example/media/8/9/s/v.ogg)\\nhear\","));
	nowhere.address = NULL;
	m = message_with(SIDE_CUSTOMERS, ROLE_AGENT, "hear", &nowhere, 1);
	planned(a, &via, &m, &there);
	assert_non_null(strstr(request(a, &via, &m, &there, STEP_SEND, NULL),
	    SEND "{\"text\":\"hear\\n[file not available: v.ogg, it cannot be uploaded, and "
		 "public_url is not set]\",\"sender\""));
	arena_free(a);
}

static void test_smartify_parts(void **state)
{
	struct known second = there;
	struct arena *a = arena_new();
	struct via via = via_of(connector_find("smartify"));
	const struct file two[] = { picture, picture };
	struct message m = message_with(SIDE_CUSTOMERS, ROLE_AGENT, "both", two, 2);

	(void)state;
	planned(a, &via, &m, &there);
	assert_string_equal(m.text, "both");
	assert_null(strstr(request(a, &via, &m, &there, STEP_SEND, NULL), "metadata"));
	second.upload = "uploads/one";
	second.upload_part = 1;
	turn_to(&m, 1);
	assert_non_null(strstr(request(a, &via, &m, &second, STEP_SEND, NULL),
	    "\"src\":\"" SMARTIFY_BASE "/files?path=uploads%2Fone\""));
	turn_to(&m, 2); /* that was another part's */
	assert_null(strstr(request(a, &via, &m, &second, STEP_SEND, NULL), "uploads%2Fone"));
	arena_free(a);
}

static void test_smartify_answers(void **state)
{
	static const struct {
		int status;
		const char *body, *meant;
	} rows[] = {
		{ 201, "{\"filename\":\"uploads/x\"}", "next_step  go= cursor= upload=uploads/x" },
		{ 201, "{}", "next_step  go=send cursor= upload=- serves" },
		{ 403, "{\"success\":false,\"error\":\"File extension .x is not allowed\"}",
		    "next_step  go=send cursor= upload=- serves" },
		{ 413, "{\"success\":false}", "next_step  go=send cursor= upload=- serves" },
		{ 404, "<html>", "next_step  go=send cursor= upload=- serves" },
		{ 400, "{\"error\":\"Invalid project id\"}",
		    "next_step  go=send cursor= upload=- serves" },
		{ 503, "", "retry busy go= cursor= upload=" },
		{ 500, "", "retry server_error go= cursor= upload=" },
		{ 0, "", "retry cut go= cursor= upload=" },
		{ 401, "Unauthorized", "retry credentials go= cursor= upload=" },
	};
	struct arena *a = arena_new();
	struct via via = via_of(connector_find("smartify"));
	struct message m = message_with(SIDE_CUSTOMERS, ROLE_AGENT, "", &picture, 1);
	struct known uploaded = there;
	size_t i;

	(void)state;
	planned(a, &via, &m, &there);
	for (i = 0; i < COUNT(rows); i++)
		assert_string_equal(meant(a, &via, &m, &there, STEP_UPLOAD, NULL, rows[i].status,
					rows[i].body),
		    rows[i].meant);
	/* A person who is not signed in any more signs in, and goes on where he was. */
	m = message_with(SIDE_AGENTS, ROLE_CUSTOMER, "", &picture, 1);
	planned(a, &via, &m, &there);
	assert_string_equal(meant(a, &via, &m, &there, STEP_UPLOAD, NULL, 403,
				"{\"success\":false,\"msg\":\"you dont belong to the project\"}"),
	    "next_step credentials go=sign_in cursor= upload=");
	assert_string_equal(meant(a, &via, &m, &there, STEP_SIGN_IN, NULL, 200, "{}"),
	    "next_step  go=upload cursor= upload=");
	uploaded.upload = "uploads/x";
	assert_string_equal(meant(a, &via, &m, &uploaded, STEP_SIGN_IN, NULL, 200, "{}"),
	    "next_step  go=send cursor= upload=");
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chatwoot_plan),
		cmocka_unit_test(test_chatwoot_requests),
		cmocka_unit_test(test_chatwoot_answers),
		cmocka_unit_test(test_smartify_plan),
		cmocka_unit_test(test_smartify_requests),
		cmocka_unit_test(test_smartify_parts),
		cmocka_unit_test(test_smartify_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
