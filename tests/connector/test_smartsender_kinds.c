/* Each kind of message at Smart Sender: what is read of it, and as what a file is sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "connector/connector.h"
#include "connector/smartsender/smartsender.h"
#include "core/file.h"

#define API "https://api.smartsender.com/v1"
#define NOW_MS 1795207000123 /* 2026-11-20T20:36:40.123Z */
#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define ADDRESS "https://relay.example.com/media/x1/a.png"

extern const struct connector smartsender_connector;

static struct smartsender_conf conf = { .api_token = "project-token", .text_max = 4096 };
static const struct endpoint_conf endpoint = { .name = "front",
	.conf = &conf,
	.base_url = API,
	.host = "api.smartsender.com" };
static const struct via via = { .endpoint = &endpoint, .conf = &conf, .now_ms = NOW_MS };
static const struct known one = { .conversation = "71234", .address = "55002" };

static int setup(void **state)
{
	*state = arena_new();
	return 0;
}

static int teardown(void **state)
{
	arena_free(*state);
	return 0;
}

static struct outcome told(struct arena *a, const struct job *job, int status, const char *body,
    const char *limit)
{
	const struct http_resp resp = { .transport = TRANSPORT_OK,
		.sent = true,
		.status = status,
		.body = body,
		.body_len = strlen(body),
		.wanted = limit,
		.retry_after_msecs = -1 };
	struct outcome out;

	smartsender_connector.interpret(&via, a, job, &resp, &out);
	return out;
}

/* --- read -------------------------------------------------------------------------------------- */

/* "kind url|kind url", "location lat,lon title", "contact name phone" */
static const char *files_of(struct arena *a, const struct event *e)
{
	const char *out = "";
	const struct attachment *f;

	for (f = e->attachments; f < e->attachments + e->nattachments; f++) {
		if (f != e->attachments)
			out = arena_printf(a, "%s|", out);
		out = arena_printf(a, "%s%s", out, attachment_kind_word((int)f->kind));
		if (f->url != NULL)
			out = arena_printf(a, "%s %s", out, f->url);
		if (f->kind == ATTACHMENT_LOCATION)
			out = arena_printf(a, "%s %s,%s", out, f->latitude, f->longitude);
		if (f->title != NULL)
			out = arena_printf(a, "%s %s", out, f->title);
		if (f->kind == ATTACHMENT_CONTACT)
			out = arena_printf(a, "%s %s %s", out,
			    f->contact_name != NULL ? f->contact_name : "-",
			    f->phone != NULL ? f->phone : "-");
	}
	return out;
}

#define OF(type, parameters) \
	"{\"type\":\"" type "\",\"resource\":{\"parameters\":" parameters ",\"buttons\":[]}}"
#define URL(name) "{\"url\":\"https:\\/\\/s.example\\/" name "\"}"

static void kinds_that_are_read(void **state)
{
	static const struct {
		const char *content, *text, *files;
	} rows[] = {
		{ OF("text", "{\"content\":\"Hello\"}"), "Hello", "" },
		{ OF("input", "{\"content\":\"Yes\"}"), "Yes", "" },
		{ OF("pendingText",
		      "{\"content\":\"Hi {n}, {n}!\",\"replacement\":{\"{n}\":\"Mira\"}}"),
		    "Hi Mira, Mira!", "" },
		{ OF("pendingText",
		      "{\"content\":\"{a} {b}\",\"replacement\":{\"{a}\":7,\"{b}\":[]}}"),
		    "7 {b}", "" },
		{ OF("link", URL("page")), "https://s.example/page", "" },
		{ OF("picture", URL("a.png")), NULL, "image https://s.example/a.png" },
		{ OF("picture", "{\"url\":\"https://s.example/a.png\",\"caption\":\"Look\"}"),
		    "Look", "image https://s.example/a.png" },
		{ OF("telegramCaptionedPicture",
		      "{\"url\":\"https://s.example/a.png\",\"caption\":\"Look\"}"),
		    "Look", "image https://s.example/a.png" },
		{ OF("animation", URL("a.gif")), NULL, "image https://s.example/a.gif" },
		{ OF("video", URL("a.mp4")), NULL, "video https://s.example/a.mp4" },
		{ OF("telegramVideoNote", URL("a.mp4")), NULL, "video https://s.example/a.mp4" },
		{ OF("audio", URL("a.mp3")), NULL, "audio https://s.example/a.mp3" },
		{ OF("voice", URL("a.ogg")), NULL, "audio https://s.example/a.ogg" },
		{ OF("file", URL("my file.pdf")), NULL, "file https://s.example/my%20file.pdf" },
		{ OF("mediaGroup",
		      "{\"media\":[" OF("picture", URL("1.png")) "," OF("video",
			  URL("2.mp4")) "]}"),
		    NULL, "image https://s.example/1.png|video https://s.example/2.mp4" },
		{ OF("mediaGroup",
		      "{\"media\":{\"0\":" OF("picture", URL("1.png")) ",\"3\":" OF("picture",
			  "{\"url\":null}") "}}"),
		    NULL, "image https://s.example/1.png" },
		{ OF("location", "{\"latitude\":\"50.45\",\"longitude\":30.5234}"), NULL,
		    "location 50.45,30.5234" },
		{ OF("location", "{\"latitude\":50.45,\"longitude\":30.52,\"title\":\"Office\"}"),
		    NULL, "location 50.45,30.52 Office" },
		{ OF("contact", "{\"name\":\"Ada\",\"phoneNumber\":\"+1555\"}"), NULL,
		    "contact Ada +1555" },
		{ OF("contact", "{\"name\":null,\"phoneNumber\":1555}"), NULL, "contact - 1555" },
		{ OF("telegramInvoice",
		      "{\"receipt\":{\"title\":\"Tea\",\"description\":\"Two boxes\"}}"),
		    "Invoice: Tea\nTwo boxes", "" },
		/* Of kinds nobody has told us of, and of none. */
		{ OF("hologram", "{\"url\":\"x\"}"), "[unsupported message: hologram]", "" },
		{ "{\"type\":\"picture\"}", "[unsupported message: picture]", "" },
		{ "{\"type\":\"picture\",\"resource\":{\"parameters\":null}}",
		    "[unsupported message: picture]", "" },
		{ "{\"type\":null}", "[unsupported message: unknown]", "" },
		{ "null", "[unsupported message: unknown]", "" },
		/* A pair of escapes is one character, half of one is none, and none cuts the text off. */
		{ OF("text", "{\"content\":\"\\ud83d\\ude42 \\ud83d a\\u0000b\\r\\nc\"}"),
		    "\xf0\x9f\x99\x82 \xef\xbf\xbd ab\nc", "" },
	};
	const struct job job = { .kind = JOB_PAGE, .step = STEP_LIST_MESSAGES, .known = &one };
	struct outcome out;
	const struct event *e;
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		out = told(*state, &job, 200,
		    arena_printf(*state,
			"{\"collection\":[{\"id\":%zu,\"content\":%s,\"sender\":{\"type\":\"contact\"},"
			"\"createdAt\":\"2026-11-20 20:36:40\"}]}",
			i + 1, rows[i].content),
		    NULL);
		assert_int_equal(out.events.count, 1);
		e = &out.events.items[0];
		assert_int_equal(e->author.role, ROLE_CUSTOMER);
		assert_string_equal(e->text != NULL ? e->text : "-",
		    rows[i].text != NULL ? rows[i].text : "-");
		assert_string_equal(files_of(*state, e), rows[i].files);
		assert_false(e->flags & EVENT_IS_EMPTY);
	}
}

/* --- sent -------------------------------------------------------------------------------------- */

static struct message with_file(const struct file *f)
{
	static const struct file_span span = { 0, 1 };

	return (struct message){ .to = SIDE_CUSTOMERS,
		.role = ROLE_AGENT,
		.text = "",
		.files = f,
		.nfiles = 1,
		.parts = 1,
		.span = span,
		.at_ms = NOW_MS - 1000 };
}

static void files_that_are_sent(void **state)
{
	static const struct {
		enum attachment_kind kind;
		const char *type, *sent;
	} rows[] = {
		{ ATTACHMENT_IMAGE, "image/png", "picture" },
		{ ATTACHMENT_IMAGE, "image/gif", "animation" },
		{ ATTACHMENT_IMAGE, NULL, "picture" },
		{ ATTACHMENT_AUDIO, "audio/mpeg", "audio" },
		{ ATTACHMENT_AUDIO, "audio/ogg", "voice" },
		{ ATTACHMENT_AUDIO, "audio/opus", "voice" },
		{ ATTACHMENT_VIDEO, "video/mp4", "video" },
		{ ATTACHMENT_FILE, "application/pdf", "file" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		const struct file f = { .kind = rows[i].kind,
			.name = "a",
			.type = rows[i].type,
			.address = ADDRESS };
		const struct message m = with_file(&f);

		assert_string_equal(smartsender_type(&m), rows[i].sent);
	}
}

/* Named with its address instead, once; what is refused for another reason is refused. */
static void a_file_that_is_not_taken(void **state)
{
	static const struct {
		int status;
		const char *body;
		bool links;
		enum reason reason;
	} rows[] = {
		{ 422, "{\"error\":{\"code\":422,\"description\":{\"media\":[\"Too large.\"]}}}",
		    true, REASON_NONE },
		{ 200, "{\"error\":{\"code\":422,\"message\":\"Unprocessable entity\"}}", true,
		    REASON_NONE },
		{ 413, "<html>", true, REASON_NONE },
		{ 422, "{\"error\":{\"code\":422,\"message\":\"The contact is not subscribed.\"}}",
		    false, REASON_UNREACHABLE },
		{ 404, "{}", false, REASON_NOT_FOUND },
	};
	const struct file f = { .kind = ATTACHMENT_IMAGE, .name = "a.png", .address = ADDRESS };
	struct message m = with_file(&f);
	struct job job = { .kind = JOB_DELIVER, .step = STEP_SEND, .message = &m, .known = &one };
	struct http_req req = { 0 };
	struct outcome out;
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		job.cursor = NULL;
		out = told(*state, &job, rows[i].status, rows[i].body, NULL);
		assert_int_equal(out.effect.kind,
		    rows[i].links ? EFFECT_NEXT_STEP : EFFECT_REJECTED);
		assert_int_equal(out.effect.reason, rows[i].reason);
		assert_int_equal(out.cursor != NULL, rows[i].links);
		job.cursor = "link"; /* nor is that taken */
		out = told(*state, &job, rows[i].status, rows[i].body, NULL);
		assert_int_equal(out.effect.kind, EFFECT_REJECTED);
		assert_null(out.cursor);
	}
	smartsender_connector.build(&via, *state, &job, &req);
	assert_string_equal(req.body,
	    "{\"type\":\"text\",\"watermark\":1795207000,\"content\":\"a.png: " ADDRESS "\"}");
}

static void files_that_are_found_again(void **state)
{
	static const struct {
		const char *content;
		bool is_it;
	} rows[] = {
		{ OF("picture", "{\"url\":\"" ADDRESS "\"}"), true },
		{ OF("picture", "{\"url\":\"https://console.example/storage/a.png\"}"), true },
		{ OF("picture", "{\"url\":\"https://console.example/storage/b.png\"}"), false },
		/* Its form did not fit. */
		{ OF("file", "{\"url\":\"https://console.example/storage/a.png\"}"), true },
		{ OF("video", "{\"url\":\"https://console.example/storage/a.png\"}"), false },
		{ OF("text", "{\"content\":\"a.png: " ADDRESS "\"}"), true },
		{ OF("text", "{\"content\":\"a.png\"}"), false },
	};
	const struct file f = { .kind = ATTACHMENT_IMAGE, .name = "a.png", .address = ADDRESS };
	struct message m = with_file(&f);
	const struct job job = { .kind = JOB_LOOK,
		.step = STEP_LOOK_UP,
		.in_doubt = STEP_SEND,
		.message = &m,
		.known = &one };
	struct outcome out;
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		out = told(*state, &job, 200,
		    arena_printf(*state,
			"{\"collection\":[{\"id\":5,\"content\":%s,\"sender\":{\"type\":\"operator\"},"
			"\"createdAt\":\"2026-11-20 20:36:41\"}]}",
			rows[i].content),
		    NULL);
		assert_int_equal(out.events.count, rows[i].is_it);
	}
}

/* --- how many more ----------------------------------------------------------------------------- */

static void what_is_left(void **state)
{
	static const struct {
		const char *limit;
		bool is_scarce;
	} rows[] = { { NULL, false }, { "", false }, { "180", false }, { "11", false },
		{ "10", true }, { "0", true }, { "10; w=60", true }, { "-3", false },
		{ "none", false }, { "99999999999999999999999", false } };
	const struct job job = { .kind = JOB_PAGE,
		.step = STEP_LIST_CONVERSATIONS,
		.known = &(const struct known){ 0 } };
	struct http_req req = { 0 };
	size_t i;

	smartsender_connector.build(&via, *state, &job, &req);
	assert_string_equal(req.wants, "X-Rate-Limit");
	for (i = 0; i < COUNT(rows); i++)
		assert_int_equal(told(*state, &job, 200, "{\"collection\":[]}", rows[i].limit)
				     .effect.is_scarce,
		    rows[i].is_scarce);
}

/* --- who has it -------------------------------------------------------------------------------- */

static void a_chat_is_given_to_an_operator(void **state)
{
	const struct facts wanted = { .v = { [FACT_AGENT] = "7" } };
	const struct message m = { .to = SIDE_CUSTOMERS, .role = ROLE_SYSTEM, .facts = &wanted };
	struct job job = { .kind = JOB_FACTS, .step = STEP_FIND_CONVERSATION, .known = &one };
	struct http_req req = { 0 };
	struct outcome out;

	smartsender_connector.build(&via, *state, &job, &req);
	assert_string_equal(req.method, "GET");
	assert_string_equal(req.url, API "/chats/71234");
	out = told(*state, &job, 200, "{\"id\":71234}", NULL);
	assert_int_equal(out.effect.kind, EFFECT_NEXT_STEP);
	assert_true(out.found);
	assert_null(out.facts.v[FACT_AGENT]); /* it does not say so */
	out = told(*state, &job, 404, "{}", NULL);
	assert_int_equal(out.effect.kind, EFFECT_NEXT_STEP);
	assert_false(out.found);
	assert_int_equal(told(*state, &job, 500, "", NULL).effect.kind, EFFECT_RETRY);
	job = (struct job){ .kind = JOB_DELIVER,
		.step = STEP_ASSIGN,
		.fact = FACT_AGENT,
		.message = &m,
		.known = &one };
	smartsender_connector.build(&via, *state, &job, &req);
	assert_string_equal(req.method, "POST");
	assert_string_equal(req.url, API "/chats/71234/forward/7");
	assert_string_equal(req.body, "{\"text\":\"The desk has given this chat to you.\"}");
	assert_int_equal(told(*state, &job, 200, "{\"state\":true}", NULL).effect.kind,
	    EFFECT_DELIVERED);
	assert_int_equal(told(*state, &job, 200, "{\"state\":false}", NULL).effect.kind,
	    EFFECT_REJECTED);
	assert_true(smartsender_connector.caps->forwards);
	assert_true(smartsender_connector.caps->facts >> FACT_AGENT & 1);
	assert_false(smartsender_connector.caps->facts >> FACT_LABELS & 1);
}

static void who_the_contact_is(void **state)
{
	const struct facts wanted = { .v = { [FACT_NAME] = "Ada", [FACT_PHONE] = "+1555" } };
	const struct message m = { .to = SIDE_CUSTOMERS, .role = ROLE_SYSTEM, .facts = &wanted };
	struct job job = { .kind = JOB_FACTS, .step = STEP_FIND_CONTACT, .known = &one };
	struct http_req req = { 0 };
	struct outcome out;

	smartsender_connector.build(&via, *state, &job, &req);
	assert_string_equal(req.url, API "/contacts/55002");
	out = told(*state, &job, 200,
	    "{\"id\":55002,\"firstName\":\"Mira\",\"lastName\":\"Kovalenko\",\"fullName\":null,"
	    "\"email\":\"MIRA@example.com\",\"phone\":\"+380 50 1234567\"}",
	    NULL);
	assert_string_equal(out.facts.v[FACT_NAME], "Mira Kovalenko");
	assert_string_equal(out.facts.v[FACT_EMAIL], "mira@example.com");
	assert_string_equal(out.facts.v[FACT_PHONE], "+380501234567");
	assert_string_equal(out.learned.contact, "55002");
	job = (struct job){ .kind = JOB_DELIVER,
		.step = STEP_UPDATE_CONTACT,
		.message = &m,
		.known = &one };
	smartsender_connector.build(&via, *state, &job, &req);
	assert_string_equal(req.method, "PUT");
	assert_string_equal(req.url, API "/contacts/55002");
	assert_string_equal(req.body, "{\"values\":{\"fullName\":\"Ada\",\"phone\":\"+1555\"}}");
}

/* Page after page; what is there is not forgotten while the rest is read, or cannot be. */
static void who_works_there(void **state)
{
	struct endpoint_conf mapped = endpoint;
	struct memo memo[4] = { { MEMO_USER, "1", false } };
	struct via there = via;
	struct job job = { 0 };
	struct http_req req = { 0 };
	struct http_resp resp = { .transport = TRANSPORT_OK,
		.sent = true,
		.status = 200,
		.retry_after_msecs = -1,
		.body = "{\"cursor\":{\"page\":1,\"pages\":2},\"collection\":[{\"id\":7,\"info\":"
			"{\"email\":\"o@example.com\",\"fullName\":\"Oksana\"}}]}" };
	struct outcome out;

	resp.body_len = strlen(resp.body);
	there.memo = memo;
	there.nmemo = 1;
	assert_int_equal(smartsender_connector.next(&there, &job), INT64_MAX);
	mapped.wants_team = true;
	there.endpoint = &mapped;
	assert_int_equal(smartsender_connector.next(&there, &job), NOW_MS);
	assert_int_equal(job.step, STEP_LOOK_UP);
	job.kind = JOB_ENDPOINT;
	smartsender_connector.build(&there, *state, &job, &req);
	assert_string_equal(req.url, API "/operators?limitation=20&page=1");
	smartsender_connector.interpret(&there, *state, &job, &resp, &out);
	assert_int_equal(out.effect.kind, EFFECT_NEXT_STEP);
	assert_int_equal(out.nmemo, 2);
	memo[1] = out.memo[0];
	memo[2] = out.memo[1];
	there.nmemo = 3;
	smartsender_connector.build(&there, *state, &job, &req);
	assert_string_equal(req.url, API "/operators?limitation=20&page=2");
	resp.body = "{\"cursor\":{\"page\":2,\"pages\":2},\"collection\":{\"20\":{\"id\":8}}}";
	resp.body_len = strlen(resp.body);
	smartsender_connector.interpret(&there, *state, &job, &resp, &out);
	assert_string_equal(out.memo[0].key, MEMO_TEAM);
	assert_string_equal(out.memo[0].value,
	    "[{\"id\":\"7\",\"email\":\"o@example.com\",\"name\":\"Oksana\"},{\"id\":\"8\"}]");
	memo[1] = out.memo[3]; /* asked */
	there.nmemo = 2;
	assert_int_equal(smartsender_connector.next(&there, &job), NOW_MS + TEAM_LIFE_MSECS);
	there.nmemo = 1;
	resp.status = 500;
	resp.body = "";
	resp.body_len = 0;
	smartsender_connector.interpret(&there, *state, &job, &resp, &out);
	assert_int_equal(out.effect.kind, EFFECT_NEXT_STEP); /* nobody waits for it */
	assert_int_equal(out.nmemo, 3);
	memo[1] = out.memo[2];
	there.nmemo = 2;
	assert_int_equal(smartsender_connector.next(&there, &job), NOW_MS + 5 * 60 * 1000);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(kinds_that_are_read),
		TEST(files_that_are_sent),
		TEST(a_file_that_is_not_taken),
		TEST(files_that_are_found_again),
		TEST(what_is_left),
		TEST(a_chat_is_given_to_an_operator),
		TEST(who_the_contact_is),
		TEST(who_works_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
