/* What is asked of Chatwoot to learn what is there, and what its answers become. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "chatwoot_world.h"

static const struct known nothing;
static const struct known one = { .conversation = "57" };

static int setup(void **state)
{
	static struct world world;

	world_init(&world);
	world_place(&world, "2", "21");
	*state = &world;
	return 0;
}

static int teardown(void **state)
{
	world_fini(*state);
	return 0;
}

/* Behind the account. */
static const char *asked(struct world *w, const struct job *job)
{
	struct http_req req = { 0 };
	const char *path;

	chatwoot_connector.build(&w->via, w->a, job, &req);
	assert_string_equal(req.method, "GET");
	assert_true(req.repeatable);
	path = strstr(req.url, "/api/v1/accounts/2/");
	assert_non_null(path);
	return path + strlen("/api/v1/accounts/2");
}

static void requests(void **state)
{
	struct world *w = *state;
	struct job job = { .kind = JOB_PAGE,
		.step = STEP_LIST_CONVERSATIONS,
		.known = &nothing,
		.since_ms = w->via.now_ms - 90 * 1000 };

	assert_string_equal(asked(w, &job),
	    "/conversations?inbox_id=21&status=all&updated_within=91");
	job.since_ms = w->via.now_ms + 5000; /* a clock was set back */
	assert_string_equal(asked(w, &job),
	    "/conversations?inbox_id=21&status=all&updated_within=1");
	job.known = &one;
	assert_string_equal(asked(w, &job), "/conversations/57");
	job.step = STEP_LIST_MESSAGES;
	assert_string_equal(asked(w, &job), "/conversations/57/messages");
	job.cursor = "40871";
	assert_string_equal(asked(w, &job), "/conversations/57/messages?before=40871");
}

static struct outcome answered(struct world *w, const struct job *job, int status, const char *body)
{
	const struct http_resp resp = { .transport = TRANSPORT_OK,
		.sent = true,
		.status = status,
		.body = body,
		.body_len = strlen(body),
		.retry_after_msecs = -1 };
	struct outcome out = { 0 };

	chatwoot_connector.interpret(&w->via, w->a, job, &resp, &out);
	return out;
}

#define CONVERSATION \
	"{\"meta\":{\"sender\":{\"id\":1604,\"name\":\"Teodor Vance\"},\"channel\":\"Channel::Api\"}," \
	"\"id\":57,\"messages\":[{\"id\":40871,\"content\":\"last\",\"conversation\":" \
	"{\"contact_inbox\":{\"source_id\":\"tl1-abc\"}}}],\"account_id\":2," \
	"\"additional_attributes\":{\"tieline\":\"tl1:c\"},\"inbox_id\":21,\"labels\":[\"vip\"]," \
	"\"status\":\"resolved\",\"created_at\":1781782200,\"updated_at\":1781784000.221341}"

static void conversations(void **state)
{
	struct world *w = *state;
	struct job job = { .kind = JOB_PAGE, .step = STEP_LIST_CONVERSATIONS, .known = &nothing };
	struct outcome out = answered(w, &job, 200,
	    "{\"data\":{\"meta\":{},\"payload\":[" CONVERSATION
	    ",{\"id\":58,\"status\":\"open\",\"updated_at\":1781784001},{\"id\":null}]}}");
	const struct event *e = out.events.items;

	assert_int_equal(out.effect.kind, EFFECT_NEXT_STEP);
	assert_null(out.cursor);
	assert_int_equal(out.events.count, 2);
	assert_int_equal(out.unreadable, 1);
	assert_int_equal(e->kind, EVENT_CONVERSATION);
	assert_string_equal(e->conversation, "57");
	assert_int_equal(e->state, STATE_RESOLVED);
	assert_true(e->version == 1781784000221);
	assert_true(e->conversation_at_ms == 1781782200000);
	assert_string_equal(e->person.address, "tl1-abc");
	assert_string_equal(e->conversation_mark, "tl1:c");
	assert_string_equal(e->channel, "Channel::Api");
	assert_null(strstr(e->extra, "last"));

	job.known = &one;
	out = answered(w, &job, 200, CONVERSATION);
	assert_int_equal(out.effect.kind, EFFECT_NEXT_STEP);
	assert_int_equal(out.events.count, 1);
}

#define MESSAGE(id, at, type) \
	"{\"id\":" #id \
	",\"content\":\"hi\",\"inbox_id\":21,\"conversation_id\":57,\"message_type\":" #type \
	",\"created_at\":" #at ",\"private\":false,\"sender\":{\"id\":12,\"name\":\"Mari\"," \
	"\"type\":\"user\"}}"

/* The page does not say whose it is; the list did. What is older is not even read. */
static void messages(void **state)
{
	struct world *w = *state;
	struct job list = { .kind = JOB_PAGE, .step = STEP_LIST_CONVERSATIONS, .known = &one };
	struct outcome about = answered(w, &list, 200, CONVERSATION);
	struct job job = { .kind = JOB_PAGE,
		.step = STEP_LIST_MESSAGES,
		.known = &one,
		.about = &about.events.items[0],
		.since_ms = 1781783000500 };
	struct outcome out = answered(w, &job, 200,
	    "{\"meta\":{},\"payload\":[" MESSAGE(5, 1781782999, 0) "," MESSAGE(6, 1781783000,
		0) ","
		   "{\"id\":\"x\"}," MESSAGE(8, 1781783001, 1) "]}");
	const struct event *e = out.events.items;

	assert_int_equal(out.effect.kind, EFFECT_NEXT_STEP);
	assert_null(out.cursor);
	assert_int_equal(out.events.count, 2);
	assert_int_equal(out.unreadable, 1);
	assert_string_equal(e[0].key, "m:6");
	assert_int_equal(e[0].kind, EVENT_MESSAGE);
	assert_int_equal(e[0].author.role, ROLE_CUSTOMER);
	assert_string_equal(e[0].person.address, "tl1-abc");
	assert_non_null(e[0].person.identity);
	assert_int_equal(e[1].author.role, ROLE_AGENT);
	assert_string_equal(e[1].author.name, "Mari");
}

static const char *page_of(struct world *w, int count)
{
	const char *text = "{\"payload\":[";
	int i;

	for (i = 0; i < count; i++)
		text = arena_printf(w->a,
		    "%s%s{\"id\":%d,\"conversation_id\":57,\"inbox_id\":21,\"message_type\":0,"
		    "\"content\":\"hi\",\"created_at\":%d}",
		    text, i > 0 ? "," : "", 100 + i, 1781783000 + i);
	return arena_printf(w->a, "%s]}", text);
}

/* Newest first: on to older ones until one is too old, or there are none. */
static void next_page(void **state)
{
	struct world *w = *state;
	struct job job = { .kind = JOB_PAGE,
		.step = STEP_LIST_MESSAGES,
		.known = &one,
		.since_ms = 1781783000999 };

	assert_string_equal(answered(w, &job, 200, page_of(w, 20)).cursor, "100");
	assert_null(answered(w, &job, 200, page_of(w, 19)).cursor);
	job.since_ms = 1781783001000;
	assert_null(answered(w, &job, 200, page_of(w, 20)).cursor);
}

/* All there is, upwards, so that no answer is longer than a page. What is deleted meanwhile moves the others: then all
 * is gone through once more. */
static void all_of_it(void **state)
{
	static const struct {
		const char *cursor, *meta;
		bool is_empty;
		const char *next;
	} rows[] = {
		{ NULL, "{\"all_count\":60}", false, "2 60" },
		{ "2 60", "{\"all_count\":61}", false, "3 60" },
		{ "4 60", "{\"all_count\":61}", true, NULL },
		{ "4 60", "{\"all_count\":59}", true, "1 59" },
		{ "4 59", "{\"all_count\":59}", true, NULL },
		{ "4 0", "{}", true, NULL },
	};
	struct world *w = *state;
	struct job job = { .kind = JOB_PAGE, .known = &one, .is_whole = true };
	const char *next;
	size_t i;

	job.step = STEP_LIST_MESSAGES;
	assert_string_equal(asked(w, &job), "/conversations/57/messages?after=0");
	assert_string_equal(answered(w, &job, 200, page_of(w, 100)).cursor, "199");
	job.cursor = "199";
	assert_string_equal(asked(w, &job), "/conversations/57/messages?after=199");
	assert_null(answered(w, &job, 200, page_of(w, 99)).cursor);
	job = (struct job){ .kind = JOB_PAGE,
		.step = STEP_LIST_CONVERSATIONS,
		.known = &nothing,
		.is_whole = true };
	assert_string_equal(asked(w, &job),
	    "/conversations?inbox_id=21&status=all&sort_by=created_at_asc&page=1");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		job.cursor = rows[i].cursor;
		next = answered(w, &job, 200,
		    arena_printf(w->a, "{\"data\":{\"meta\":%s,\"payload\":[%s]}}", rows[i].meta,
			rows[i].is_empty ? "" : CONVERSATION))
			   .cursor;
		if (rows[i].next == NULL)
			assert_null(next);
		else
			assert_string_equal(next, rows[i].next);
	}
	job.cursor = "3 60";
	assert_string_equal(asked(w, &job),
	    "/conversations?inbox_id=21&status=all&sort_by=created_at_asc&page=3");
}

/* May history be written into the inbox, or all of it read: with which words not. */
static void welcomes(void **state)
{
	static const struct {
		const char *role, *inbox;
		bool is_read;
		enum effect_kind effect;
		const char *why;
	} rows[] = {
		{ "administrator", "\"channel_type\":\"Channel::Api\"", false, EFFECT_NEXT_STEP,
		    NULL },
		{ "administrator",
		    "\"channel_type\":\"Channel::Api\",\"greeting_enabled\":true,"
		    "\"csat_survey_enabled\":true,\"enable_auto_assignment\":true",
		    false, EFFECT_NEXT_STEP,
		    "inbox 21 has on: its greeting, its survey, automatic assignment" },
		{ "administrator", "\"channel_type\":\"Channel::Whatsapp\"", false, EFFECT_REJECTED,
		    "inbox 21 is a Channel::Whatsapp: history is written into API inboxes only, "
		    "elsewhere it would reach people" },
		{ "administrator", "\"channel_type\":\"Channel::Whatsapp\"", true, EFFECT_NEXT_STEP,
		    NULL },
		{ "agent", "\"channel_type\":\"Channel::Api\"", false, EFFECT_REJECTED,
		    "the token's role in account 2 is agent: history takes an administrator's, "
		    "another sees a part of it, and would be assigned what it writes" },
		{ "agent", "\"channel_type\":\"Channel::Api\"", true, EFFECT_REJECTED,
		    "the token's role in account 2 is agent: history takes an administrator's, "
		    "another sees a part of it, and would be assigned what it writes" },
	};
	struct world *w = *state;
	struct job job = { .kind = JOB_PAGE, .step = STEP_LOOK_UP, .known = &nothing };
	struct outcome out;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		world_remember(w, MEMO_ROLE, rows[i].role);
		job.is_whole = rows[i].is_read;
		assert_string_equal(asked(w, &job), "/inboxes/21");
		out = answered(w, &job, 200, arena_printf(w->a, "{\"id\":21,%s}", rows[i].inbox));
		assert_int_equal(out.effect.kind, rows[i].effect);
		if (rows[i].why == NULL)
			assert_null(out.effect.why);
		else
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
		{ 404, "{\"error\":\"Resource could not be found\"}", EFFECT_REJECTED,
		    REASON_NOT_FOUND },
		{ 404, "<html>", EFFECT_RETRY, REASON_BAD_ANSWER },
		{ 401, "{\"error\":\"Invalid Access Token\"}", EFFECT_PAUSE, REASON_CREDENTIALS },
		{ 429, "Retry later", EFFECT_RETRY, REASON_BUSY },
		{ 502, "<html>", EFFECT_RETRY, REASON_SERVER_ERROR },
		{ 200, "<html>", EFFECT_RETRY, REASON_BAD_ANSWER },
		{ 200, "{}", EFFECT_RETRY, REASON_BAD_ANSWER },
	};
	struct world *w = *state;
	struct job job = { .kind = JOB_PAGE, .step = STEP_LIST_MESSAGES, .known = &one };
	struct outcome out;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		out = answered(w, &job, rows[i].status, rows[i].body);
		if (out.effect.kind != rows[i].effect || out.effect.reason != rows[i].reason)
			fail_msg("row %zu: %s %s", i, effect_word((int)out.effect.kind),
			    reason_word((int)out.effect.reason));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(requests, setup, teardown),
		cmocka_unit_test_setup_teardown(conversations, setup, teardown),
		cmocka_unit_test_setup_teardown(messages, setup, teardown),
		cmocka_unit_test_setup_teardown(next_page, setup, teardown),
		cmocka_unit_test_setup_teardown(all_of_it, setup, teardown),
		cmocka_unit_test_setup_teardown(welcomes, setup, teardown),
		cmocka_unit_test_setup_teardown(refusals, setup, teardown),
	};

	return cmocka_run_group_tests_name("chatwoot_pages", tests, NULL, NULL);
}
