/* Syniverse: callbacks become events (each line of syniverse/callbacks.jsonl is a body and what it must
 * become), messages become requests, answers become outcomes, sessions come and go in time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/json_in.h"
#include "base/json_out.h"
#include "base/mem.h"
#include "base/secret.h"
#include "connector/connector.h"
#include "connector/syniverse/syniverse.h"
#include "core/file.h"

#define NOW_MS 1795207000000
#define SESSION "64f0c2d1e4b0a1b2c3d4e5f6"
#define MARK "tl1:630dcd29:a18603:m1:94494511ff7b18c5351b:0:03b7872a"
#define MINUTE_MSECS (60 * 1000LL)
#define HOUR_MSECS (60 * MINUTE_MSECS)

extern const struct connector syniverse_connector;

/* --- a context --------------------------------------------------------------------------------- */

struct world {
	struct arena *arena;
	struct syniverse_conf conf;
	struct endpoint_conf endpoint;
	struct memo memo[MEMO_MAX];
	struct via via;
};

static int set_up(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct err err;
	const char *key;

	w->arena = arena_new();
	w->conf = (struct syniverse_conf){
		.user = "boss@acme-hotel",
		.password = "a:b",
		.chat_base_url = "https://chat.example.com",
		.scg_base_url = "https://api.example.com",
		.scg_from = "sender_id:Sn1d",
		.scg_token = "token-0",
		.reregister_idle = 6 * HOUR_MSECS,
		.text_max = 1500,
		.escape_templates = true,
	};
	w->endpoint = (struct endpoint_conf){ .id = 3,
		.name = "hotel",
		.connector = &syniverse_connector,
		.conf = &w->conf,
		.timeout_msecs = 20000,
		.webhook_secret = { .v = { "first", "second" }, .n = 2 } };
	assert_int_equal(syniverse_connector.configure(w->arena, &w->endpoint, &w->conf, &key,
			     &err),
	    0);
	w->via = (struct via){ .endpoint = &w->endpoint,
		.conf = &w->conf,
		.memo = w->memo,
		.now_ms = NOW_MS };
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	arena_free(w->arena);
	xfree(w);
	return 0;
}

/* As the flow does it. */
static void learn(struct world *w, const struct outcome *o)
{
	size_t i, k;

	for (i = 0; i < o->nmemo; i++) {
		for (k = 0; k < w->via.nmemo && strcmp(w->memo[k].key, o->memo[i].key) != 0; k++)
			;
		assert_true(k < MEMO_MAX);
		if (k == w->via.nmemo)
			w->via.nmemo++;
		w->memo[k] = o->memo[i];
	}
}

static struct http_resp answer(int status, const char *body)
{
	return (struct http_resp){ .transport = status == 0 ? TRANSPORT_CUT : TRANSPORT_OK,
		.sent = true,
		.status = status,
		.body = body,
		.body_len = strlen(body),
		.retry_after_msecs = -1 };
}

static struct outcome interpret(struct world *w, const struct job *job, int status,
    const char *body)
{
	struct http_resp resp = answer(status, body);
	struct outcome o;

	syniverse_connector.interpret(&w->via, w->arena, job, &resp, &o);
	return o;
}

/* The errand that is due now; it is answered so. */
static struct outcome run(struct world *w, enum step step, int status, const char *body)
{
	struct outcome o;
	struct job job;

	assert_true(syniverse_connector.next(&w->via, &job) <= w->via.now_ms);
	assert_int_equal(job.step, step);
	o = interpret(w, &job, status, body);
	learn(w, &o);
	return o;
}

static void open_session(struct world *w, const char *id, int64_t life_msecs)
{
	const char *body = arena_printf(w->arena,
	    "{\"id\":\"%s\",\"createdAt\":1700000000000,\"expiresAt\":%lld,"
	    "\"allowedTo\":{\"id\":\"me\"}}",
	    id, (long long)(1700000000000 + life_msecs));

	assert_int_equal(run(w, STEP_SIGN_IN, 200, body).effect.kind, EFFECT_NEXT_STEP);
}

/* --- callbacks --------------------------------------------------------------------------------- */

static void put_event(struct json_out *o, const struct event *e)
{
	size_t i;

	json_begin_object(o);
	json_member_text(o, "kind", event_kind_word((int)e->kind));
	if (e->drop != DROP_NONE) {
		json_member_text(o, "drop", drop_word((int)e->drop));
		json_member_text(o, "detail", e->detail);
		json_end_object(o);
		return;
	}
	json_member_text(o, "key", e->key);
	json_member_text(o, "conversation", e->conversation);
	json_member_text(o, "identity", e->person.identity);
	json_member_text(o, "address", e->person.address);
	json_member_text(o, "phone", e->person.phone);
	json_member_text(o, "name", e->person.name);
	json_member_text(o, "text", e->text);
	if (e->at_ms != 0)
		json_member_int(o, "at", e->at_ms);
	for (i = 0; i < e->nattachments; i++) {
		json_member_text(o, "file", e->attachments[i].url);
		json_member_text(o, "is", attachment_kind_word((int)e->attachments[i].kind));
	}
	if (e->state != STATE_NONE)
		json_member_text(o, "state", state_word((int)e->state));
	if (e->kind == EVENT_RECEIPT) {
		json_member_text(o, "of", e->remote);
		json_member_text(o, "reason", reason_word((int)e->reason));
		json_member_text(o, "why", e->detail);
	}
	if (e->flags != 0)
		json_member_int(o, "flags", e->flags);
	json_end_object(o);
}

static const char *parse(struct world *w, const char *body)
{
	struct http_in hook = { .method = "POST",
		.body = body,
		.body_len = strlen(body),
		.received_ms = NOW_MS };
	struct json_out *o = json_out_new(w->arena);
	struct event_list list = { 0 };
	struct parse_error error;
	size_t i;

	if (syniverse_connector.parse(&w->via, w->arena, &hook, &list, &error) != 0)
		return arena_printf(w->arena, "[\"%s\",\"%s\"]", unparsable_word((int)error.reason),
		    error.detail);
	json_begin_array(o);
	for (i = 0; i < list.count; i++)
		put_event(o, &list.items[i]);
	json_end_array(o);
	return json_done(o, NULL);
}

static const char *as_text(struct arena *a, const struct json *j)
{
	struct json_out *o = json_out_new(a);

	json_put(o, j);
	return json_done(o, NULL);
}

static void callbacks(void **state)
{
	struct world *w = *state;
	const char *path = TEST_SOURCE_DIR "/syniverse/callbacks.jsonl", *got, *expected;
	FILE *f = fopen(path, "r");
	char line[8192];
	struct json_error error;
	const struct json *j;
	int lines = 0;

	if (f == NULL)
		fail_msg("open %s", path);
	open_session(w, SESSION, 56 * HOUR_MSECS);
	while (fgets(line, sizeof(line), f) != NULL) {
		j = json_read(w->arena, line, strlen(line), &error);
		if (j == NULL)
			fail_msg("%s: %.80s", error.detail, line);
		w->conf.source = json_true(j, "ess") ? SOURCE_ESS : SOURCE_CHAT;
		w->conf.thread_per_chat = json_true(j, "thread_per_chat");
		got = parse(w, as_text(w->arena, json_at(j, "body")));
		expected = as_text(w->arena, json_at(j, "events"));
		if (strcmp(got, expected) != 0)
			fail_msg("%s\n     got %s\nexpected %s", json_text(j, "name"), got,
			    expected);
		lines++;
	}
	fclose(f);
	assert_true(lines > 20);
}

static void what_is_no_json(void **state)
{
	struct world *w = *state;

	assert_non_null(strstr(parse(w, "{\"type\":"), "\"truncated\""));
	assert_non_null(strstr(parse(w, ""), "\"empty\""));
	assert_non_null(strstr(parse(w, "<html>"), "\"not_json\""));
}

static enum verify verify(struct world *w, const char *header)
{
	struct http_header h = { "authorization", header, false };
	struct http_in hook = { .headers = &h, .nheaders = header != NULL };

	return syniverse_connector.verify(&w->via, &hook);
}

static const char *basic(struct world *w, const char *both)
{
	return arena_printf(w->arena, "Basic %s", base64_encode(w->arena, both, strlen(both)));
}

static void proof(void **state)
{
	struct world *w = *state;

	assert_int_equal(verify(w, basic(w, "tieline:first")), VERIFY_OK);
	assert_int_equal(verify(w, basic(w, "tieline:second")), VERIFY_OK);
	assert_int_equal(verify(w, basic(w, "tieline:third")), VERIFY_BAD_SECRET);
	assert_int_equal(verify(w, basic(w, "other:first")), VERIFY_BAD_SECRET);
	assert_int_equal(verify(w, "Bearer first"), VERIFY_NO_SIGNATURE);
	assert_int_equal(verify(w, NULL), VERIFY_NO_SIGNATURE);
	w->endpoint.webhook_secret.n = 0;
	assert_int_equal(verify(w, NULL), VERIFY_OK); /* the address is the secret */
	w->conf.source = SOURCE_ESS;
	assert_int_equal(verify(w, NULL), VERIFY_UNCHECKED);
}

/* --- sessions ---------------------------------------------------------------------------------- */

static void a_session_is_asked_for(void **state)
{
	struct world *w = *state;
	struct http_req req = { 0 };
	struct job job;

	assert_int_equal(syniverse_connector.next(&w->via, &job), NOW_MS);
	syniverse_connector.build(&w->via, w->arena, &job, &req);
	assert_string_equal(req.url,
	    "https://chat.example.com/scg-web-chat-api/api/v2/integration/");
	assert_string_equal(req.body, "{\"user\":\"boss@acme-hotel\"}");
	assert_string_equal(req.headers[0].value, basic(w, "boss@acme-hotel:a:b"));
	assert_true(req.headers[0].secret);
}

static void renewed_in_time(void **state)
{
	struct world *w = *state;
	int64_t life = 56 * HOUR_MSECS, due;
	struct http_req req = { 0 };
	struct job job;
	bool is_current;

	open_session(w, "first", life);
	w->via.heard_ms = NOW_MS + life; /* all the time */
	due = syniverse_connector.next(&w->via, &job);
	assert_true(due > NOW_MS + life * 89 / 100 && due < NOW_MS + life * 91 / 100);
	w->via.now_ms = due;
	open_session(w, "second", life);
	assert_true(syniverse_session_fits(&w->via, w->arena, "first", &is_current));
	assert_false(is_current);
	assert_true(syniverse_session_fits(&w->via, w->arena, "second", &is_current));
	assert_true(is_current);
	assert_int_equal(syniverse_connector.next(&w->via, &job), due + MINUTE_MSECS);
	w->via.now_ms = due + MINUTE_MSECS;
	syniverse_connector.build(&w->via, w->arena, &job, &req);
	assert_string_equal(req.method, "DELETE");
	assert_string_equal(req.url,
	    "https://chat.example.com/scg-web-chat-api/api/v2/integration/first");
	run(w, STEP_SET_STATUS, 404, "");
	assert_false(syniverse_session_fits(&w->via, w->arena, "first", &is_current));
}

static void a_session_that_cannot_be_renewed_is_kept(void **state)
{
	struct world *w = *state;
	struct outcome o;
	struct job job;

	open_session(w, "first", HOUR_MSECS);
	w->via.now_ms = NOW_MS + HOUR_MSECS - MINUTE_MSECS;
	w->via.heard_ms = w->via.now_ms;
	o = run(w, STEP_SIGN_IN, 502, "<html>");
	assert_int_equal(o.effect.kind, EFFECT_NEXT_STEP);
	assert_int_equal(o.effect.reason, REASON_SERVER_ERROR);
	assert_true(syniverse_connector.next(&w->via, &job) > w->via.now_ms);
	w->via.now_ms = NOW_MS + HOUR_MSECS;
	assert_int_equal(run(w, STEP_SIGN_IN, 502, "").effect.kind, EFFECT_RETRY);
}

static void silence_asks_for_another(void **state)
{
	struct world *w = *state;
	struct job job;

	open_session(w, "first", 56 * HOUR_MSECS);
	assert_int_equal(syniverse_connector.next(&w->via, &job), NOW_MS + 6 * HOUR_MSECS);
	w->via.heard_ms = NOW_MS + HOUR_MSECS;
	assert_int_equal(syniverse_connector.next(&w->via, &job), NOW_MS + 7 * HOUR_MSECS);
	w->conf.reregister_idle = 0;
	assert_true(syniverse_connector.next(&w->via, &job) > NOW_MS + 40 * HOUR_MSECS);
}

static void another_user_has_another_session(void **state)
{
	struct world *w = *state;
	struct job job;

	open_session(w, "first", 56 * HOUR_MSECS);
	w->via.now_ms += HOUR_MSECS;
	assert_true(syniverse_connector.next(&w->via, &job) > w->via.now_ms);
	w->conf.act_for = "agent7@acme-hotel";
	assert_true(syniverse_connector.next(&w->via, &job) <= w->via.now_ms);
}

static void refusals_of_a_session(void **state)
{
	static const struct {
		int status;
		enum effect_kind kind;
		enum reason reason;
		const char *word;
	} rows[] = {
		{ 401, EFFECT_PAUSE, REASON_CREDENTIALS, "Bad credentials" },
		{ 409, EFFECT_PAUSE, REASON_NOT_ENABLED, "acme-hotel" },
		{ 403, EFFECT_REJECTED, REASON_INVALID, "global manager" },
		{ 500, EFFECT_RETRY, REASON_SERVER_ERROR, "Bad credentials" },
		{ 200, EFFECT_RETRY, REASON_BAD_ANSWER, "Bad credentials" },
		{ 0, EFFECT_RETRY, REASON_CUT, "Bad credentials" },
	};
	struct world *w = *state;
	struct outcome o;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		o = run(w, STEP_SIGN_IN, rows[i].status,
		    "{\"status\":401,\"error\":\"Unauthorized\",\"message\":\"Bad credentials\"}");
		assert_int_equal(o.effect.kind, rows[i].kind);
		assert_int_equal(o.effect.reason, rows[i].reason);
		assert_non_null(strstr(o.effect.why, rows[i].word));
	}
}

/* --- sending ----------------------------------------------------------------------------------- */

static struct message message_of(const char *text)
{
	return (struct message){ .to = SIDE_CUSTOMERS,
		.role = ROLE_AGENT,
		.text = text,
		.parts = 1,
		.name = "Marisol",
		.mark = MARK };
}

static const struct known known = { .address = "+15555550123", .conversation = "+15555550123" };

static struct http_req build(struct world *w, struct message *m, const char *cursor)
{
	struct job job = { .kind = JOB_DELIVER,
		.step = STEP_SEND,
		.message = m,
		.known = &known,
		.cursor = cursor };
	struct http_req req = { 0 };

	syniverse_connector.build(&w->via, w->arena, &job, &req);
	return req;
}

static void a_text_goes_out(void **state)
{
	struct world *w = *state;
	struct message m = message_of("yes ${x}");
	struct effect refused;
	struct plan plan;
	struct http_req req;

	w->conf.consent = CONSENT_OPT_IN;
	assert_int_equal(syniverse_connector.plan(&w->via, w->arena, &m, &known, &plan, &refused),
	    0);
	assert_int_equal(plan.count, 1);
	req = build(w, &m, NULL);
	assert_string_equal(req.url,
	    "https://api.example.com/scg-external-api/api/v1/messaging/message_requests");
	assert_string_equal(req.headers[0].value, "Bearer token-0");
	assert_string_equal(req.body,
	    "{\"from\":\"sender_id:Sn1d\",\"to\":[\"+15555550123\"],"
	    "\"body\":\"Marisol: yes $\u200b{x}\",\"external_id\":\"" MARK
	    "\",\"consent_requirement\":\"OPT_IN\"}");
}

static void a_sticker_is_told_in_words(void **state)
{
	static const struct file file = { .kind = ATTACHMENT_IMAGE,
		.name = "a.png",
		.type = "image/png",
		.address = "https://relay.example.com/media/1/a.png" };
	struct world *w = *state;
	struct message m = message_of("look");
	struct effect refused;
	struct plan plan;

	m.files = &file;
	m.nfiles = 1;
	m.is_sticker = true;
	assert_int_equal(syniverse_connector.plan(&w->via, w->arena, &m, &known, &plan, &refused),
	    0);
	assert_false(plan.serves);
	assert_non_null(
	    strstr(build(w, &m, NULL).body, "\"body\":\"Marisol: look\\n[sticker]\",\"external"));
}

static void who_opted_out_gets_nothing(void **state)
{
	struct world *w = *state;
	struct known out = known;
	struct message m = message_of("hello");
	struct effect refused;
	struct plan plan;

	out.opted_out = true;
	assert_int_equal(syniverse_connector.plan(&w->via, w->arena, &m, &out, &plan, &refused),
	    -1);
	assert_int_equal(refused.reason, REASON_OPTED_OUT);
}

static void files_go_as_addresses(void **state)
{
	const struct file files[] = {
		{ .kind = ATTACHMENT_IMAGE, .name = "a.png", .address = "https://r/a.png" },
		{ .kind = ATTACHMENT_FILE, .name = "b.pdf", .address = "https://r/b.pdf" },
	};
	struct world *w = *state;
	struct message m = message_of("look");
	struct effect refused;
	struct plan plan;
	struct job job = { .kind = JOB_DELIVER, .message = &m, .known = &known };
	struct outcome o;

	m.name = NULL;
	m.files = files;
	m.nfiles = 2;
	assert_int_equal(syniverse_connector.plan(&w->via, w->arena, &m, &known, &plan, &refused),
	    0);
	assert_true(plan.serves);
	assert_non_null(strstr(build(w, &m, NULL).body,
	    "\"body\":\"look\\nb.pdf: https://r/b.pdf\",\"media_urls\":[\"https://r/a.png\"],"));
	o = interpret(w, &job, 400, "{\"error_code\":\"SCG_ERROR_40016\"}");
	assert_int_equal(o.effect.kind, EFFECT_NEXT_STEP);
	assert_non_null(strstr(build(w, &m, o.cursor).body,
	    "\"body\":\"look\\nb.pdf: https://r/b.pdf\\na.png: https://r/a.png\",\"external_id\""));
}

static void answers_to_a_send(void **state)
{
	static const struct {
		int status;
		const char *body;
		enum effect_kind kind;
		enum reason reason;
	} rows[] = {
		{ 200, "{\"id\":\"rq1\"}", EFFECT_DELIVERED, REASON_NONE },
		{ 202, "{\"id\":\"rq1\"}", EFFECT_DELIVERED, REASON_NONE },
		{ 200, "{}", EFFECT_UNSURE, REASON_BAD_ANSWER },
		{ 0, "", EFFECT_UNSURE, REASON_CUT },
		{ 500, "<html>", EFFECT_UNSURE, REASON_SERVER_ERROR },
		{ 503, "", EFFECT_RETRY, REASON_BUSY },
		{ 429, "", EFFECT_RETRY, REASON_BUSY },
		{ 402, "{\"error_code\":\"SCG_ERROR_4002\"}", EFFECT_REJECTED, REASON_QUOTA },
		{ 403, "{\"error_code\":1005}", EFFECT_REJECTED, REASON_OPTED_OUT },
		{ 400, "{\"error_code\":\"SCG_ERROR_40024\"}", EFFECT_REJECTED,
		    REASON_UNREACHABLE },
		{ 400, "{\"error_code\":\"SCG_ERROR_40018\"}", EFFECT_REJECTED, REASON_INVALID },
		{ 400, "{\"error_code\":\"4005\"}", EFFECT_REJECTED, REASON_TOO_LARGE },
		{ 400, "{\"error_code\":\"1039\"}", EFFECT_RETRY, REASON_BUSY },
		{ 400, "{\"error_code\":1067}", EFFECT_RETRY, REASON_BUSY },
		{ 409, "{\"error_code\":1001}", EFFECT_RETRY, REASON_BUSY },
		{ 401, "{\"errorCode\":1}", EFFECT_PAUSE, REASON_CREDENTIALS },
		{ 404, "{\"error_code\":\"SCG_ERROR_4046\"}", EFFECT_PAUSE, REASON_CREDENTIALS },
		{ 404, "{}", EFFECT_REJECTED, REASON_INVALID },
	};
	struct world *w = *state;
	struct message m = message_of("hello");
	struct job job = { .kind = JOB_DELIVER, .step = STEP_SEND, .message = &m, .known = &known };
	struct outcome o;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		o = interpret(w, &job, rows[i].status, rows[i].body);
		if (o.effect.kind != rows[i].kind || o.effect.reason != rows[i].reason)
			fail_msg("%d %s: %s %s", rows[i].status, rows[i].body,
			    effect_word((int)o.effect.kind), reason_word((int)o.effect.reason));
	}
}

static void a_token_is_renewed(void **state)
{
	struct world *w = *state;
	struct message m = message_of("hello");
	struct job job = { .kind = JOB_DELIVER, .step = STEP_SEND, .message = &m, .known = &known };
	struct http_req req = { 0 };
	struct outcome o;

	w->conf.source = SOURCE_ESS; /* no session in the way */
	w->conf.scg_consumer_key = "k&y";
	w->conf.scg_consumer_secret = "s";
	assert_int_equal(syniverse_connector.next(&w->via, &(struct job){ 0 }), INT64_MAX);
	o = interpret(w, &job, 404, "{\"error_code\":\"SCG_ERROR_4046\"}");
	assert_int_equal(o.effect.kind, EFFECT_RETRY);
	learn(w, &o);
	assert_int_equal(syniverse_connector.next(&w->via, &job), NOW_MS);
	syniverse_connector.build(&w->via, w->arena, &job, &req);
	assert_string_equal(req.url,
	    "https://api.example.com/saop-rest-data/v1/apptoken-refresh?consumerkey=k%26y"
	    "&consumersecret=s&oldtoken=token-0");
	run(w, STEP_SIGN_IN, 200, "{\"accessToken\":\"token-1\"}");
	assert_string_equal(syniverse_token(&w->via, w->arena), "token-1");
	/* Refused at once, it is not renewed for ever. */
	job =
	    (struct job){ .kind = JOB_DELIVER, .step = STEP_SEND, .message = &m, .known = &known };
	assert_int_equal(interpret(w, &job, 401, "{}").effect.kind, EFFECT_PAUSE);
	/* Somebody put another one into the file. */
	w->conf.scg_token = "token-9";
	assert_string_equal(syniverse_token(&w->via, w->arena), "token-9");
}

static void what_may_have_arrived_is_looked_for(void **state)
{
	struct world *w = *state;
	struct message m = message_of("hello");
	struct job job = { .kind = JOB_LOOK,
		.step = STEP_LOOK_UP,
		.in_doubt = STEP_SEND,
		.message = &m,
		.known = &known };
	struct http_req req = { 0 };
	struct outcome o;

	/* A server that pays no heed to the key. */
	o = interpret(w, &job, 200, "{\"list\":[{\"id\":\"x\",\"external_id\":\"other\"}]}");
	assert_int_equal(o.effect.kind, EFFECT_NEXT_STEP);
	assert_string_equal(o.cursor, "0");
	job.cursor = o.cursor;
	syniverse_connector.build(&w->via, w->arena, &job, &req);
	assert_non_null(strstr(req.url, "/messages?direction=MT&to_address=%2B15555550123&"));
	o = interpret(w, &job, 200, "{\"list\":[{\"id\":\"m0\"}],\"total\":2}");
	assert_string_equal(o.cursor, "1");
	job.cursor = o.cursor;
	o = interpret(w, &job, 200,
	    "{\"list\":[{\"id\":\"m1\",\"message_request_id\":\"rq1\","
	    "\"external_message_request_id\":\"" MARK "\"}],\"total\":2}");
	assert_int_equal(o.effect.kind, EFFECT_DELIVERED);
	assert_string_equal(o.effect.remote_id, "rq1");
	o = interpret(w, &job, 200, "{\"list\":[]}");
	assert_int_equal(o.effect.kind, EFFECT_NEXT_STEP);
	assert_null(o.cursor);
	assert_false(o.found);
	assert_int_equal(interpret(w, &job, 500, "").effect.kind, EFFECT_UNSURE);
}

static void segments(void **state)
{
	static const struct {
		const char *piece;
		int times, count;
		bool is_wide;
	} rows[] = {
		{ "a", 160, 1, false },
		{ "a", 161, 2, false },
		{ "a", 306, 2, false },
		{ "a", 307, 3, false },
		{ "€", 80, 1, false },
		{ "€", 81, 2, false },
		{ "é", 160, 1, false },
		{ "ж", 70, 1, true },
		{ "ж", 71, 2, true },
		{ "😀", 35, 1, true },
		{ "😀", 36, 2, true },
	};
	struct world *w = *state;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *text =
		    arena_zalloc(w->arena, strlen(rows[i].piece) * (size_t)rows[i].times + 1);
		bool is_wide;
		int n;

		for (n = 0; n < rows[i].times; n++)
			strcat(text, rows[i].piece);
		n = syniverse_segments(text, &is_wide);
		if (n != rows[i].count || is_wide != rows[i].is_wide)
			fail_msg("%s times %d: %d", rows[i].piece, rows[i].times, n);
	}
}

/* Messages 0 … count-1, one a second but for the first, of which so many came at once, served a page at a time in
 * that order or the other. */
static const char *list(struct world *w, int count, int at_once, int offset, int page,
    bool newest_first, bool total)
{
	struct json_out *o = json_out_new(w->arena);
	int i, n;

	json_begin_object(o);
	json_key(o, "list");
	json_begin_array(o);
	for (i = offset; i < count && i < offset + page; i++) {
		n = newest_first ? count - 1 - i : i;
		json_begin_object(o);
		json_member_text(o, "id", arena_printf(w->arena, "m%d", n));
		json_member_text(o, "direction", "MO");
		json_member_text(o, "from_address", arena_printf(w->arena, "+1555555%04d", n));
		json_member_text(o, "body", "hello");
		json_member_int(o, "created_date", NOW_MS + (n < at_once ? 0 : n) * 1000);
		json_end_object(o);
	}
	json_end_array(o);
	if (total)
		json_member_int(o, "total", count);
	json_end_object(o);
	return json_done(o, NULL);
}

/* What is new is found in few requests, wherever it stands in the list. */
static void pages_in_either_order(void **state)
{
	static const struct {
		int count, fresh;
		bool newest_first, total;
		int requests, at_once;
	} rows[] = {
		{ 30, 3, true, true, 1 },
		{ 30, 3, false, true, 2 },
		{ 30, 15, true, true, 2 },
		{ 30, 15, false, true, 3 },
		{ 30, 3, false, false, 4 },
		{ 30, 30, true, true, 3 },
		{ 30, 30, false, true, 3 },
		{ 7, 7, false, true, 1 },
		{ 0, 0, true, true, 1 },
		/* A page of one moment says nothing about the order. */
		{ 30, 3, false, true, 3, 10 },
		{ 30, 3, false, true, 3, 25 },
		{ 60, 3, false, true, 3, 15 },
		{ 30, 3, false, false, 4, 10 },
		{ 30, 3, true, true, 1, 10 },
	};
	struct world *w = *state;
	struct known all = { 0 };
	size_t i, k;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct job job = { .kind = JOB_PAGE,
			.step = STEP_LIST_CONVERSATIONS,
			.known = &all,
			.since_ms = NOW_MS + (rows[i].count - rows[i].fresh) * 1000 };
		int requests = 0, found = 0;
		struct http_req req;
		struct outcome o;

		do {
			syniverse_connector.build(&w->via, w->arena, &job, &req);
			o = interpret(w, &job, 200,
			    list(w, rows[i].count, rows[i].at_once,
				atoi(strstr(req.url, "offset=") + 7), 10, rows[i].newest_first,
				rows[i].total));
			assert_int_equal(o.effect.kind, EFFECT_NEXT_STEP);
			for (k = 0; k < o.events.count; k++)
				found += o.events.items[k].version >= job.since_ms;
			job.cursor = o.cursor;
		} while (++requests < 20 && o.cursor != NULL);
		if (found < rows[i].fresh || requests != rows[i].requests)
			fail_msg("row %zu: %d requests, %d found", i, requests, found);
	}
}

/* Nobody else gets our token. */
static void files_are_asked_for_with_our_token(void **state)
{
	struct world *w = *state;
	struct http_req ours = {
		.url =
		    "https://api.example.com/scg-external-api/api/v1/messaging/attachments/a1/content"
	};
	struct http_req theirs = { .url = "https://api.example.com.evil.example/scg-external-api/"
					  "api/v1/messaging/attachments/a1/content" };

	syniverse_connector.sign_fetch(&w->via, w->arena, &ours);
	assert_int_equal(ours.nheaders, 1);
	assert_string_equal(ours.headers[0].value, "Bearer token-0");
	assert_true(ours.headers[0].secret);
	syniverse_connector.sign_fetch(&w->via, w->arena, &theirs);
	assert_int_equal(theirs.nheaders, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(segments, set_up, tear_down),
		cmocka_unit_test_setup_teardown(files_are_asked_for_with_our_token, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(pages_in_either_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(callbacks, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_json, set_up, tear_down),
		cmocka_unit_test_setup_teardown(proof, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_session_is_asked_for, set_up, tear_down),
		cmocka_unit_test_setup_teardown(renewed_in_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_session_that_cannot_be_renewed_is_kept, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(silence_asks_for_another, set_up, tear_down),
		cmocka_unit_test_setup_teardown(another_user_has_another_session, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(refusals_of_a_session, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_text_goes_out, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_sticker_is_told_in_words, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_opted_out_gets_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(files_go_as_addresses, set_up, tear_down),
		cmocka_unit_test_setup_teardown(answers_to_a_send, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_token_is_renewed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_may_have_arrived_is_looked_for, set_up,
		    tear_down),
	};

	return cmocka_run_group_tests_name("syniverse", tests, NULL, NULL);
}
