/* What is asked of Smartify to learn what is there, and what its answers become. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "connector/connector.h"
#include "connector/smartify/smartify.h"

#define PROJECT "5e2c35c8f0dbc10017bb3aac"
#define IN_PROJECT "https://panel.smartifyai.in/api/" PROJECT
#define NOW_MS 1795207000123 /* 2026-11-20T20:36:40.123Z */

extern const struct connector smartify_connector;

static struct smartify_conf conf = { .project_id = PROJECT, .channel = "tieline" };
static const struct endpoint_conf endpoint = { .name = "shop",
	.conf = &conf,
	.base_url = "https://panel.smartifyai.in/api",
	.host = "panel.smartifyai.in",
	.tenant = PROJECT,
	.timeout_msecs = 20000 };
static const struct memo memo[] = { { MEMO_TOKEN, "JWT account-token", false },
	{ MEMO_USER, "5e2c35c8f0dbc10017bb3a01", true } };
static const struct via via = { .endpoint = &endpoint,
	.conf = &conf,
	.memo = memo,
	.nmemo = 2,
	.now_ms = NOW_MS };

static const struct known nothing;
static const struct known one = { .conversation = "support-group-" PROJECT "-1" };

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

static const char *asked(struct arena *a, const struct job *job)
{
	struct http_req req = { 0 };

	smartify_connector.build(&via, a, job, &req);
	assert_string_equal(req.method, "GET");
	assert_true(req.repeatable);
	assert_int_equal(req.nheaders, 1);
	assert_string_equal(req.headers[0].value, "JWT account-token");
	return req.url;
}

#define LIST(since, page) \
	IN_PROJECT "/requests?status=all&preflight=true&filterRangeField=updatedAt" \
		   "&start_date_time=" since "&timezone=UTC&sort=updatedAt&direction=1&limit=100" \
		   "&page=" page "&no_count=true"

static void requests(void **state)
{
	struct job job = { .kind = JOB_PAGE,
		.step = STEP_LIST_CONVERSATIONS,
		.known = &nothing,
		.since_ms = NOW_MS };

	assert_string_equal(asked(*state, &job), LIST("2026%2F11%2F20%2020%3A36%3A40", "0"));
	job.cursor = "1795207061000 2";
	assert_string_equal(asked(*state, &job), LIST("2026%2F11%2F20%2020%3A37%3A41", "2"));
	job.cursor = NULL;
	job.known = &one;
	assert_string_equal(asked(*state, &job),
	    IN_PROJECT "/requests/support-group-" PROJECT "-1");
	job.step = STEP_LIST_MESSAGES;
	assert_string_equal(asked(*state, &job),
	    IN_PROJECT "/requests/support-group-" PROJECT "-1/messages");
}

static struct outcome answered(struct arena *a, const struct job *job, int status, const char *body)
{
	const struct http_resp resp = { .transport = TRANSPORT_OK,
		.sent = true,
		.status = status,
		.body = body,
		.body_len = strlen(body),
		.retry_after_msecs = -1 };
	struct outcome out = { 0 };

	smartify_connector.interpret(&via, a, job, &resp, &out);
	return out;
}

#define LEAD "{\"lead_id\":\"wab-1\",\"fullname\":\"Ann\",\"email\":\"ann@example.org\"}"
#define REQUEST(more) \
	"{\"_id\":\"5e2c6b958c9612001716aaaa\",\"request_id\":\"support-group-" PROJECT "-1\"," \
	"\"id_project\":\"" PROJECT \
	"\",\"status\":1000,\"createdAt\":\"2026-11-20T20:00:00.000Z\"," \
	"\"updatedAt\":\"2026-11-20T20:30:00.250Z\",\"channel\":{\"name\":\"whatsapp\"}," \
	"\"attributes\":{\"last_message\":{\"text\":\"secret\"},\"tieline\":\"tl1:x\"}," \
	"\"participantsBots\":[\"5e2c35c8f0dbc10017bb3b07\"]" more "}"

/* A conversation is told with its state, its person and all that its messages need. */
static void conversations(void **state)
{
	struct job job = { .kind = JOB_PAGE, .step = STEP_LIST_CONVERSATIONS, .known = &nothing };
	struct outcome out = answered(*state, &job, 200,
	    "{\"perPage\":100,\"count\":0,\"requests\":[" REQUEST(",\"lead\":" LEAD) "," REQUEST(
		",\"lead\":\"5e2c\",\"snapshot\":{\"lead\":" LEAD
		",\"other\":1}") ","
				 "{\"_id\":\"x\"},7]}");
	const struct event *e = out.events.items;

	assert_int_equal(out.effect.kind, EFFECT_NEXT_STEP);
	assert_null(out.cursor);
	assert_int_equal(out.events.count, 2);
	assert_int_equal(out.unreadable, 2);
	assert_int_equal(e->kind, EVENT_CONVERSATION);
	assert_string_equal(e->conversation, one.conversation);
	assert_int_equal(e->state, STATE_RESOLVED);
	assert_true(e->version == 1795206600250);
	assert_true(e->conversation_at_ms == 1795204800000);
	assert_string_equal(e->person.address, "wab-1");
	assert_string_equal(e->conversation_mark, "tl1:x");
	assert_non_null(strstr(e->extra, "\"participantsBots\""));
	assert_null(strstr(e->extra, "secret"));
	assert_string_equal(e[1].person.name, "Ann");
	assert_non_null(strstr(e[1].extra, "\"snapshot\":{\"lead\":{\"lead_id\""));

	job.known = &one;
	out = answered(*state, &job, 200, REQUEST(",\"lead\":" LEAD));
	assert_int_equal(out.effect.kind, EFFECT_NEXT_STEP);
	assert_int_equal(out.events.count, 1);
}

static const char *full_page(struct arena *a, const char *updated)
{
	const char *text = "{\"requests\":[";
	int i;

	for (i = 0; i < 100; i++)
		text =
		    arena_printf(a, "%s%s{\"updatedAt\":\"%s\"}", text, i > 0 ? "," : "", updated);
	return arena_printf(a, "%s]}", text);
}

/* The next page begins with the last change seen; where a whole page changed in one second, it is the
 * next of that second. */
static void next_page(void **state)
{
	struct job job = { .kind = JOB_PAGE,
		.step = STEP_LIST_CONVERSATIONS,
		.known = &nothing,
		.since_ms = NOW_MS };

	assert_string_equal(answered(*state, &job, 200,
				full_page(*state, "2026-11-20T20:36:41.500Z"))
				.cursor,
	    "1795207001500 0");
	assert_string_equal(answered(*state, &job, 200,
				full_page(*state, "2026-11-20T20:36:40.900Z"))
				.cursor,
	    "1795207000123 1");
	job.cursor = "1795207000123 1";
	assert_string_equal(answered(*state, &job, 200,
				full_page(*state, "2026-11-20T20:36:40.990Z"))
				.cursor,
	    "1795207000123 2");
}

/* What is made of one to read it does not stay: that is ten times what is told. */
static size_t kept_of(const struct job *job, const char *begin, const char *told, const char *end)
{
	struct arena *text = arena_new(), *a = arena_new();
	const char *list = begin;
	size_t times, i;

	for (i = 0; i < 100; i++)
		list = arena_printf(text, "%s%s%s", list, i > 0 ? "," : "", told);
	list = arena_printf(text, "%s%s", list, end);
	assert_int_equal(answered(a, job, 200, list).events.count, 100);
	times = arena_used(a) / strlen(list);
	print_message("100 of a page: %zu times their JSON\n", times);
	arena_free(text);
	arena_free(a);
	return times;
}

#define MESSAGE(id, sender, at, more) \
	"{\"_id\":\"" id "\",\"sender\":\"" sender "\",\"senderFullname\":\"X\",\"recipient\":" \
	"\"support-group-" PROJECT \
	"-1\",\"text\":\"hi\",\"type\":\"text\",\"id_project\":\"" PROJECT \
	"\",\"channel_type\":\"group\",\"createdAt\":\"2026-11-20T20:" at ".000Z\"" more "}"
#define PAGE \
	"[" MESSAGE("5e2c6b958c96120017160001", "wab-1", "10:00", \
	    "") "," MESSAGE("5e2c6b958c96120017160002", "wab-1", "20:00", \
	    "") "," MESSAGE("5e2c6b958c96120017160003", "5e2c35c8f0dbc10017bb3b07", "21:00", \
	    "") "," \
		"{\"text\":\"no id\"}," MESSAGE("5e2c6b958c96120017160004", \
		    "5e2c35c8f0dbc10017bb3c07", "22:00", "") "]"

/* What is known of the conversation tells who speaks; what is older is not even read. */
static void messages(void **state)
{
	struct job list = { .kind = JOB_PAGE, .step = STEP_LIST_CONVERSATIONS, .known = &one };
	struct outcome about = answered(*state, &list, 200, REQUEST(",\"lead\":" LEAD));
	struct job job = { .kind = JOB_PAGE,
		.step = STEP_LIST_MESSAGES,
		.known = &one,
		.about = &about.events.items[0],
		.since_ms = 1795205700000 }; /* 20:15 */
	struct outcome out = answered(*state, &job, 200, PAGE);
	const struct event *e = out.events.items;

	assert_int_equal(out.effect.kind, EFFECT_NEXT_STEP);
	assert_null(out.cursor);
	assert_int_equal(out.events.count, 3);
	assert_int_equal(out.unreadable, 1);
	assert_string_equal(e[0].key, "m:5e2c6b958c96120017160002");
	assert_int_equal(e[0].author.role, ROLE_CUSTOMER);
	assert_string_equal(e[0].channel, "whatsapp");
	assert_string_equal(e[0].person.email, "ann@example.org");
	assert_string_equal(e[0].conversation_ref, "5e2c6b958c9612001716aaaa");
	assert_int_equal(e[1].author.role, ROLE_BOT);
	assert_int_equal(e[2].author.role, ROLE_AGENT);
}

/* May history be moved with this account: with which words not. */
static void kept(void **state)
{
	struct job job = { .kind = JOB_PAGE, .step = STEP_LIST_CONVERSATIONS, .known = &nothing };
	const char *one_message = MESSAGE("5e2c6b958c96120017160001", "wab-1", "10:00", "");

	(void)state;
	assert_in_range(kept_of(&job, "{\"requests\":[", REQUEST(",\"lead\":" LEAD), "]}"), 1, 12);
	job = (struct job){ .kind = JOB_PAGE, .step = STEP_LIST_MESSAGES, .known = &one };
	assert_in_range(kept_of(&job, "[", one_message, "]"), 1, 12);
}

static void welcomes(void **state)
{
	static const struct {
		int status;
		const char *body;
		enum effect_kind effect;
		const char *why;
	} rows[] = {
		{ 200, "[{\"role\":\"admin\"}]", EFFECT_NEXT_STEP, NULL },
		{ 200, "{\"role\":\"owner\"}", EFFECT_NEXT_STEP, NULL },
		{ 200, "[{\"role\":\"agent\"}]", EFFECT_REJECTED,
		    "the account's role in the project is agent: history takes an admin's, another "
		    "sees only its own conversations" },
		{ 404, "{\"success\":false,\"msg\":\"Object not found.\"}", EFFECT_REJECTED,
		    "the account is no member of the project: invite it as admin" },
		{ 502, "<html>", EFFECT_RETRY, NULL },
	};
	struct job job = { .kind = JOB_PAGE, .step = STEP_LOOK_UP, .known = &nothing };
	struct outcome out;
	size_t i;

	assert_string_equal(asked(*state, &job),
	    IN_PROJECT "/project_users/users/5e2c35c8f0dbc10017bb3a01");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		out = answered(*state, &job, rows[i].status, rows[i].body);
		assert_int_equal(out.effect.kind, rows[i].effect);
		if (rows[i].why != NULL)
			assert_string_equal(out.effect.why, rows[i].why);
	}
}

static void refusals(void **state)
{
	static const struct {
		int status;
		const char *body;
		enum effect_kind effect;
		enum reason reason;
	} rows[] = {
		{ 404, "{\"success\":false,\"msg\":\"Object not found.\"}", EFFECT_REJECTED,
		    REASON_NOT_FOUND },
		{ 404, "<html>", EFFECT_REJECTED, REASON_NOT_FOUND },
		{ 401, "Unauthorized", EFFECT_RETRY, REASON_CREDENTIALS },
		{ 403, "{\"msg\":\"you dont belong to the project.\"}", EFFECT_PAUSE,
		    REASON_CREDENTIALS },
		{ 429, "", EFFECT_RETRY, REASON_BUSY },
		{ 500, "<html>", EFFECT_RETRY, REASON_SERVER_ERROR },
		{ 200, "<html>", EFFECT_RETRY, REASON_BAD_ANSWER },
		{ 200, "{\"messages\":[]}", EFFECT_RETRY, REASON_BAD_ANSWER },
	};
	struct job job = { .kind = JOB_PAGE, .step = STEP_LIST_MESSAGES, .known = &one };
	struct outcome out;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		out = answered(*state, &job, rows[i].status, rows[i].body);
		if (out.effect.kind != rows[i].effect || out.effect.reason != rows[i].reason)
			fail_msg("row %zu: %s %s", i, effect_word((int)out.effect.kind),
			    reason_word((int)out.effect.reason));
	}
	out = answered(*state, &job, 401, "Unauthorized");
	assert_int_equal(out.nmemo, 1); /* a new token is fetched */
	out = answered(*state, &job, 200, "[]");
	assert_int_equal(out.effect.kind, EFFECT_NEXT_STEP);
	assert_int_equal(out.events.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(requests, setup, teardown),
		cmocka_unit_test_setup_teardown(conversations, setup, teardown),
		cmocka_unit_test_setup_teardown(next_page, setup, teardown),
		cmocka_unit_test(kept),
		cmocka_unit_test_setup_teardown(messages, setup, teardown),
		cmocka_unit_test_setup_teardown(welcomes, setup, teardown),
		cmocka_unit_test_setup_teardown(refusals, setup, teardown),
	};

	return cmocka_run_group_tests_name("smartify_pages", tests, NULL, NULL);
}
