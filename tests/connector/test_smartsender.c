/* What is asked of Smart Sender, what its pages, calls and answers become, and what is sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/zone.h"
#include "connector/connector.h"
#include "connector/smartsender/smartsender.h"
#include "core/file.h"

#define API "https://api.smartsender.com/v1"
#define NOW_MS 1795207000123 /* 2026-11-20T20:36:40.123Z */

extern const struct connector smartsender_connector;

static struct smartsender_conf conf = { .api_token = "project-token",
	.user_id_path = "userId",
	.timezone = "UTC",
	.text_max = 4096 };
static const struct endpoint_conf endpoint = { .name = "front",
	.conf = &conf,
	.base_url = API,
	.host = "api.smartsender.com",
	.timeout_msecs = 20000 };
static const struct memo memo[] = { { MEMO_TENANT, "9", true } };
static const struct via via = { .endpoint = &endpoint,
	.conf = &conf,
	.memo = memo,
	.nmemo = 1,
	.now_ms = NOW_MS };
static const struct known nothing;
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

static const char *fixture(struct arena *a, const char *name)
{
	char *text = arena_alloc(a, 65536);
	FILE *f = fopen(arena_printf(a, TEST_SOURCE_DIR "/smartsender/%s.json", name), "r");
	size_t len;

	assert_non_null(f);
	len = fread(text, 1, 65535, f);
	text[len] = '\0';
	fclose(f);
	return text;
}

static struct http_resp answer(int status, const char *body)
{
	return (struct http_resp){ .transport = TRANSPORT_OK,
		.sent = true,
		.status = status,
		.body = body,
		.body_len = strlen(body),
		.retry_after_msecs = -1 };
}

static struct outcome told(struct arena *a, const struct via *v, const struct job *job, int status,
    const char *body)
{
	const struct http_resp resp = answer(status, body);
	struct outcome out = { .effect = { .kind = EFFECT_UNSURE } };

	smartsender_connector.interpret(v, a, job, &resp, &out);
	return out;
}

/* --- pages ------------------------------------------------------------------------------------- */

static const char *asked(struct arena *a, const struct job *job)
{
	struct http_req req = { 0 };

	smartsender_connector.build(&via, a, job, &req);
	assert_string_equal(req.method, "GET");
	assert_null(req.body);
	assert_true(req.repeatable);
	assert_string_equal(req.headers[0].value, "Bearer project-token");
	assert_true(req.headers[0].secret);
	assert_int_equal(strncmp(req.url, API, strlen(API)), 0);
	return req.url + strlen(API);
}

static void pages_that_are_asked_for(void **state)
{
	struct job job = { .kind = JOB_PAGE,
		.step = STEP_LIST_CONVERSATIONS,
		.known = &nothing,
		.is_quick = true };

	assert_string_equal(asked(*state, &job),
	    "/chats?state=open&selector%5Bname%5D=unread&limitation=20&page=1");
	job.is_quick = false;
	job.cursor = "4";
	assert_string_equal(asked(*state, &job),
	    "/chats?state=open&selector%5Bname%5D=none&limitation=20&page=4");
	job.cursor = NULL;
	job.known = &one;
	assert_string_equal(asked(*state, &job), "/chats/71234");
	job.step = STEP_LIST_MESSAGES;
	assert_string_equal(asked(*state, &job), "/chats/71234/messages?limitation=20&page=1");
	job = (struct job){ .kind = JOB_ENDPOINT, .step = STEP_SIGN_IN, .known = &nothing };
	assert_string_equal(asked(*state, &job), "/me");
}

static void messages(void **state)
{
	const struct http_resp resp = answer(200, fixture(*state, "messages"));
	struct event_list list = { 0 };
	struct parse_error error;
	const struct event *e;
	const char *cursor;

	assert_int_equal(smartsender_connector.parse_page(&via, *state, "71234", &resp, &list,
			     &cursor, &error),
	    0);
	assert_int_equal(list.count, 6);
	assert_string_equal(cursor, "2");
	e = list.items;
	assert_string_equal(e[0].key, "m:4455667");
	assert_string_equal(e[0].text, "Hello \xf0\x9f\x99\x82 ab \xef\xbf\xbd");
	assert_int_equal(e[0].author.role, ROLE_CUSTOMER);
	assert_int_equal(e[0].at_ms, 1709660698000);
	assert_string_equal(e[0].channel, "telegram");
	assert_true(e[1].is_private);
	assert_int_equal(e[1].author.role, ROLE_AGENT);
	assert_string_equal(e[1].author.name, "Oksana Melnyk");
	assert_string_equal(e[2].remote, "9007199254740993");
	assert_string_equal(e[2].text, "Hi Mira, Mira: 7");
	assert_int_equal(e[2].author.role, ROLE_BOT);
	assert_string_equal(e[3].text, "Look");
	assert_int_equal(e[3].nattachments, 1);
	assert_int_equal(e[3].attachments[0].kind, ATTACHMENT_IMAGE);
	assert_string_equal(e[3].attachments[0].url,
	    "https://messenger.smartsender.com/storage/my%20pic%20%D1%8F.png");
	assert_string_equal(e[4].text, "[unsupported message: hologram]");
	assert_true(e[5].flags & EVENT_IS_DELETED);
}

static void chats(void **state)
{
	struct job job = { .kind = JOB_PAGE,
		.step = STEP_LIST_CONVERSATIONS,
		.known = &nothing,
		.is_quick = true };
	struct outcome out = told(*state, &via, &job, 200, fixture(*state, "chats"));
	const struct event *e = out.events.items;
	struct smartsender_chat chat = { 0 };

	assert_int_equal(out.effect.kind, EFFECT_NEXT_STEP);
	assert_int_equal(out.events.count, 2);
	assert_int_equal(out.unreadable, 1);
	assert_string_equal(out.cursor, "2");
	assert_string_equal(e[0].conversation, "71234");
	assert_string_equal(e[0].person.id, "55002"); /* never 88001 */
	assert_string_equal(e[0].person.identity, "smartsender:9:55002");
	assert_int_equal(e[0].version, 1709660699000);
	assert_int_equal(e[1].version, 1709660699000);
	assert_non_null(strstr(e[0].extra, "\"unread\":2"));
	smartsender_chat_of(*state, &e[0], &chat);
	assert_string_equal(chat.person, "55002");
	assert_string_equal(chat.name, "Mira Kovalenko");
	/* One that is asked for by its id may be open or not. */
	job.known = &one;
	out = told(*state, &via, &job, 200,
	    "{\"id\":71234,\"contact\":{\"id\":1,\"originalId\":55002},\"updatedAt\":null}");
	assert_int_equal(out.events.count, 1);
	assert_int_equal(out.events.items[0].state, STATE_NONE);
	job.known = &nothing;
	/* Nothing on it has changed since: the walk is over, but for a complete one. */
	job.is_quick = false;
	job.since_ms = 1709660699000 + 2000;
	assert_string_equal(told(*state, &via, &job, 200, fixture(*state, "chats")).cursor,
	    "closed 1");
	job.cursor = "closed 1";
	out = told(*state, &via, &job, 200, fixture(*state, "chats"));
	assert_null(out.cursor);
	assert_int_equal(out.events.items[0].state, STATE_RESOLVED);
	assert_string_equal(asked(*state, &job),
	    "/chats?state=closed&selector%5Bname%5D=none&limitation=20&page=1");
	job.cursor = NULL;
	job.since_ms = 0;
	assert_string_equal(told(*state, &via, &job, 200, fixture(*state, "chats")).cursor, "2");
	/* Where all of them are wanted, those that were closed long ago, too. */
	job.cursor = "99";
	assert_string_equal(told(*state, &via, &job, 200, fixture(*state, "chats")).cursor,
	    "closed 1");
}

static void messages_of_a_chat(void **state)
{
	const struct event about = { .extra = "{\"person\":\"55002\",\"name\":\"Mira\",\"at\":5}" };
	struct job job = { .kind = JOB_PAGE,
		.step = STEP_LIST_MESSAGES,
		.known = &one,
		.about = &about,
		.since_ms = 1709660000000 };
	struct outcome out = told(*state, &via, &job, 200, fixture(*state, "messages"));

	assert_string_equal(out.events.items[0].person.identity, "smartsender:9:55002");
	assert_string_equal(out.events.items[0].person.address, "55002");
	assert_string_equal(out.events.items[0].author.id, "55002");
	assert_string_equal(out.cursor, "2 1709660698000");
	job.cursor = out.cursor;
	assert_string_equal(asked(*state, &job), "/chats/71234/messages?limitation=20&page=2");
	job.cursor = NULL;
	job.since_ms = 1709660700000; /* the oldest of the page is older */
	assert_null(told(*state, &via, &job, 200, fixture(*state, "messages")).cursor);
	/* One that cannot be read is left in the end. */
	job.attempt = 1;
	assert_int_equal(told(*state, &via, &job, 200, "<html>").effect.kind, EFFECT_RETRY);
	job.attempt = 5;
	assert_int_equal(told(*state, &via, &job, 200, "<html>").effect.kind, EFFECT_REJECTED);
	assert_int_equal(told(*state, &via, &job, 500, "").effect.kind, EFFECT_REJECTED);
	job.step = STEP_LIST_CONVERSATIONS;
	job.known = &nothing;
	assert_int_equal(told(*state, &via, &job, 500, "").effect.kind, EFFECT_RETRY);
}

static void zones(void **state)
{
	const struct http_resp resp = answer(200, fixture(*state, "messages"));
	struct smartsender_conf east = conf;
	struct via there = via;
	struct event_list list = { 0 };
	struct parse_error error;
	const char *cursor;

	east.zone = zone_load(*state, "+02:00", NULL);
	there.conf = &east;
	assert_int_equal(smartsender_connector.parse_page(&there, *state, "71234", &resp, &list,
			     &cursor, &error),
	    0);
	assert_int_equal(list.items[0].at_ms, 1709660698000 - 2 * 3600 * 1000);
}

#define WRITTEN(id, at) "{\"id\":" id ",\"createdAt\":\"2024-10-27 " at "\"}"

static int64_t utc(const char *text)
{
	int64_t ms;

	assert_int_equal(time_parse(text, &ms), 0);
	return ms;
}

/* The clock is put back at four: three o'clock comes twice, and who writes later is later. */
static void an_hour_that_comes_twice(void **state)
{
	static const struct {
		const char *now, *page, *cursor;
		const char *at[3]; /* oldest first */
	} rows[] = {
		/* The second time, behind the first. */
		{ "2024-10-27T01:30:00Z",
		    WRITTEN("3", "03:29:00") "," WRITTEN("2", "03:05:00") "," WRITTEN("1",
			"03:50:00"),
		    NULL,
		    { "2024-10-27T00:50:00Z", "2024-10-27T01:05:00Z", "2024-10-27T01:29:00Z" } },
		/* It is still the first time. */
		{ "2024-10-27T00:30:00Z",
		    WRITTEN("3", "03:29:00") "," WRITTEN("2", "03:05:00") "," WRITTEN("1",
			"02:59:00"),
		    NULL,
		    { "2024-10-26T23:59:00Z", "2024-10-27T00:05:00Z", "2024-10-27T00:29:00Z" } },
		/* Long ago: the page before knows when. */
		{ "2025-01-01T00:00:00Z",
		    WRITTEN("3", "03:29:00") "," WRITTEN("2", "03:05:00") "," WRITTEN("1",
			"02:10:00"),
		    "2 1729990500000", /* 00:55Z */
		    { "2024-10-26T23:10:00Z", "2024-10-27T00:05:00Z", "2024-10-27T00:29:00Z" } },
	};
	struct smartsender_conf east = conf;
	struct job job = { .kind = JOB_PAGE, .step = STEP_LIST_MESSAGES, .known = &one };
	struct via there = via;
	struct outcome out;
	size_t i, n;

	east.zone = zone_load(*state, "Europe/Kyiv", NULL);
	there.conf = &east;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		there.now_ms = utc(rows[i].now);
		job.cursor = rows[i].cursor;
		out = told(*state, &there, &job, 200,
		    arena_printf(*state, "{\"collection\":[%s]}", rows[i].page));
		assert_int_equal(out.events.count, 3);
		for (n = 0; n < 3; n++)
			assert_int_equal(out.events.items[n].at_ms, utc(rows[i].at[n]));
	}
}

/* What became of them since they were read first: changed, deleted, delivered, seen. */
static void messages_that_change(void **state)
{
	static const struct {
		const char *more;
		size_t count;
		enum event_kind kind;
		const char *key;
		int64_t version;
		enum state state; /* of the receipt behind it */
	} rows[] = {
		{ "\"sender\":{\"type\":\"contact\"},\"editedAt\":null", 1, EVENT_MESSAGE, "m:7", 0,
		    STATE_NONE },
		{ "\"sender\":{\"type\":\"contact\"},\"editedAt\":\"2024-03-05 18:00:00\"", 1,
		    EVENT_EDIT, "e:7:2024-03-05 18:00:00", 1709661600000, STATE_NONE },
		{ "\"sender\":{\"type\":\"contact\"},\"content\":{\"type\":\"transient\",\"context\":"
		  "{\"timestamp\":1709661600}},\"editedAt\":\"2024-03-05 18:00:00\"",
		    1, EVENT_UPDATE, "m:7", 1709661600000, STATE_NONE },
		{ "\"sender\":{\"type\":\"contact\"},\"content\":{\"type\":\"transient\",\"context\":"
		  "{\"timestamp\":9223372036854775807}}",
		    1, EVENT_UPDATE, "m:7", 0, STATE_NONE },
		/* What is ours went to somebody's phone; what he wrote did not. */
		{ "\"sender\":{\"type\":\"operator\"},\"deliveredAt\":\"2024-03-05 18:00:00\"", 2,
		    EVENT_MESSAGE, "m:7", 0, STATE_DELIVERED },
		{ "\"sender\":{\"type\":\"operator\"},\"deliveredAt\":\"2024-03-05 18:00:00\",\"seenAt\":"
		  "\"2024-03-05 18:01:00\"",
		    2, EVENT_MESSAGE, "m:7", 0, STATE_READ },
		{ "\"sender\":{\"type\":\"contact\"},\"seenAt\":\"2024-03-05 18:00:00\"", 1,
		    EVENT_MESSAGE, "m:7", 0, STATE_NONE },
		{ "\"sender\":{\"type\":\"operator\"},\"internal\":true,\"seenAt\":"
		  "\"2024-03-05 18:00:00\"",
		    1, EVENT_MESSAGE, "m:7", 0, STATE_NONE },
	};
	const struct job job = { .kind = JOB_PAGE, .step = STEP_LIST_MESSAGES, .known = &one };
	struct outcome out;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		out = told(*state, &via, &job, 200,
		    arena_printf(*state,
			"{\"collection\":[{\"id\":7,\"createdAt\":\"2024-03-05 17:44:58\",%s}]}",
			rows[i].more));
		assert_int_equal(out.events.count, rows[i].count);
		assert_int_equal(out.events.items[0].kind, rows[i].kind);
		assert_string_equal(out.events.items[0].key, rows[i].key);
		assert_int_equal(out.events.items[0].version, rows[i].version);
		assert_int_equal(out.events.items[0].at_ms, 1709660698000);
		event_as_history(*state, &out.events.items[0]);
		assert_int_equal(out.events.items[0].kind, EVENT_MESSAGE);
		assert_string_equal(out.events.items[0].key, "m:7");
		if (rows[i].count < 2)
			continue;
		assert_int_equal(out.events.items[1].kind, EVENT_RECEIPT);
		assert_string_equal(out.events.items[1].remote, "7");
		assert_string_equal(out.events.items[1].conversation, "71234");
		assert_int_equal(out.events.items[1].state, rows[i].state);
	}
}

static void wake_ups(void **state)
{
	static const struct {
		const char *body;
		enum drop drop;
	} rows[] = { { "{\"userId\":\"55002\"}", DROP_NONE }, { "{\"userId\":55002}", DROP_NONE },
		{ "{\"userId\":\"{{ userId }}\"}", DROP_EMPTY }, { "{}", DROP_EMPTY },
		{ "{\"userId\":null}", DROP_EMPTY }, { "{\"userId\":-5}", DROP_EMPTY } };
	struct parse_error error;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct http_in hook = { .method = "POST",
			.body = rows[i].body,
			.body_len = strlen(rows[i].body) };
		struct event_list list = { 0 };

		assert_int_equal(smartsender_connector.parse(&via, *state, &hook, &list, &error),
		    0);
		assert_int_equal(list.count, 1);
		assert_int_equal(list.items[0].kind, EVENT_WAKE);
		assert_int_equal(list.items[0].drop, rows[i].drop);
		assert_null(list.items[0].text);
	}
}

/* --- sending ----------------------------------------------------------------------------------- */

static struct message say(const char *text)
{
	return (struct message){ .to = SIDE_CUSTOMERS,
		.role = ROLE_AGENT,
		.text = text,
		.name = "Marisol Rooke",
		.at_ms = NOW_MS - 1000 };
}

static struct http_req built(struct arena *a, struct message *m, int part, struct plan *plan)
{
	struct job job = { .kind = JOB_DELIVER, .step = STEP_SEND, .message = m, .known = &one };
	struct effect refused;
	struct http_req req = { 0 };

	assert_int_equal(smartsender_connector.plan(&via, a, m, &one, plan, &refused), 0);
	m->part = part;
	m->text = m->texts[part];
	m->span = m->spans != NULL ? m->spans[part] : (struct file_span){ 0, 0 };
	smartsender_connector.build(&via, a, &job, &req);
	assert_string_equal(req.method, "POST");
	assert_string_equal(req.url, API "/contacts/55002/send");
	assert_false(req.repeatable);
	return req;
}

static void text_out(void **state)
{
	struct message m = say("Hello");
	struct plan plan;

	assert_string_equal(built(*state, &m, 0, &plan).body,
	    "{\"type\":\"text\",\"watermark\":1795207000,\"content\":\"Marisol Rooke: Hello\"}");
	assert_int_equal(plan.count, 1);
	assert_int_equal(plan.steps[0].doubt_look, STEP_LOOK_UP);
	assert_false(plan.serves);
	conf.send_extra = "{\"channel\":4}";
	m = say("Hello");
	assert_non_null(strstr(built(*state, &m, 0, &plan).body, "\"channel\":4"));
	conf.send_extra = NULL;
}

static void files_out(void **state)
{
	const struct file files[] = {
		{ .kind = ATTACHMENT_IMAGE,
		    .name = "a.png",
		    .type = "image/png",
		    .size = 5,
		    .address = "https://relay.example.com/media/1/a.png" },
		{ .kind = ATTACHMENT_FILE, .name = "b.pdf", .type = "application/pdf", .size = 5 }
	};
	struct message m = say("Look");
	struct plan plan;

	m.files = files;
	m.nfiles = 2;
	built(*state, &m, 0, &plan);
	assert_int_equal(plan.count, 3);
	assert_true(plan.serves);
	assert_string_equal(built(*state, &m, 1, &plan).body,
	    "{\"type\":\"picture\",\"watermark\":1795207001,"
	    "\"media\":\"https://relay.example.com/media/1/a.png\"}");
}

/* Places and contact cards behind the words, each found again by what it says. */
static void cards_out(void **state)
{
	const struct attachment cards[] = {
		{ .kind = ATTACHMENT_LOCATION, .latitude = "52.50", .longitude = "-13.25" },
		{ .kind = ATTACHMENT_CONTACT, .contact_name = "Ada", .phone = "+1555" },
	};
	struct message m = say("Here");
	struct job job = { .kind = JOB_LOOK,
		.step = STEP_LOOK_UP,
		.in_doubt = STEP_SEND,
		.message = &m,
		.known = &one };
	struct outcome out;
	struct plan plan;

	m.cards = cards;
	m.ncards = 2;
	assert_null(strstr(built(*state, &m, 0, &plan).body, "location"));
	assert_int_equal(plan.count, 3);
	assert_false(plan.serves);
	assert_string_equal(built(*state, &m, 2, &plan).body,
	    "{\"type\":\"contact\",\"watermark\":1795207002,"
	    "\"fullName\":\"Ada\",\"phoneNumber\":\"+1555\"}");
	assert_string_equal(built(*state, &m, 1, &plan).body,
	    "{\"type\":\"location\",\"watermark\":1795207001,"
	    "\"title\":\"Location\",\"latitude\":52.50,\"longitude\":-13.25}");
	out = told(*state, &via, &job, 200,
	    "{\"collection\":[{\"id\":7,\"content\":{\"type\":\"location\",\"resource\":{"
	    "\"parameters\":{\"latitude\":\"52.5\",\"longitude\":-13.25}}},"
	    "\"createdAt\":\"2026-11-20 20:36:40\"},{\"id\":6,\"content\":{\"type\":\"location\","
	    "\"resource\":{\"parameters\":{\"latitude\":52.5,\"longitude\":13.25}}},"
	    "\"createdAt\":\"2026-11-20 20:36:40\"}]}");
	assert_int_equal(out.events.count, 1);
	assert_string_equal(out.events.items[0].key, "m:7");
}

static void nowhere_to_send(void **state)
{
	struct message m = say("Hello");
	struct effect refused = { 0 };
	struct plan plan;

	assert_int_equal(smartsender_connector.plan(&via, *state, &m, &nothing, &plan, &refused),
	    -1);
	assert_int_equal(refused.reason, REASON_UNREACHABLE);
}

static void a_chat_is_closed(void **state)
{
	struct message m = { .to = SIDE_CUSTOMERS,
		.role = ROLE_SYSTEM,
		.set_state = STATE_RESOLVED };
	struct job job = { .kind = JOB_DELIVER,
		.step = STEP_SET_STATUS,
		.message = &m,
		.known = &one };
	struct effect refused = { 0 };
	struct http_req req = { 0 };
	struct plan plan;

	assert_int_equal(smartsender_connector.plan(&via, *state, &m, &one, &plan, &refused), 0);
	assert_int_equal(plan.count, 1);
	assert_int_equal(plan.steps[0].step, STEP_SET_STATUS);
	assert_int_equal(plan.steps[0].doubt_look, STEP_NONE);
	smartsender_connector.build(&via, *state, &job, &req);
	assert_string_equal(req.method, "PUT");
	assert_string_equal(req.url, API "/chats/71234/close");
	assert_string_equal(req.body, "{}");
	assert_true(req.repeatable);
	assert_int_equal(smartsender_connector.plan(&via, *state, &m, &nothing, &plan, &refused),
	    -1);
	assert_int_equal(refused.reason, REASON_UNREACHABLE);
	/* Nothing published opens one. */
	m.set_state = STATE_OPEN;
	assert_int_equal(smartsender_connector.plan(&via, *state, &m, &one, &plan, &refused), -1);
	assert_int_equal(refused.reason, REASON_UNSUPPORTED);
}

static void a_chat_is_marked_as_read(void **state)
{
	struct job job = { .kind = JOB_PAGE,
		.step = STEP_LIST_CONVERSATIONS,
		.known = &nothing,
		.is_quick = true };
	struct smartsender_conf marking = conf;
	struct via there = via;
	struct http_req req = { 0 };
	struct outcome out;

	marking.mark_read = true;
	there.conf = &marking;
	out = told(*state, &via, &job, 200, fixture(*state, "chats"));
	assert_false(out.events.items[0].flags & EVENT_WANTS_READ);
	out = told(*state, &there, &job, 200, fixture(*state, "chats"));
	assert_true(out.events.items[0].flags & EVENT_WANTS_READ);
	assert_false(out.events.items[1].flags & EVENT_WANTS_READ); /* nothing there is unread */
	job.step = STEP_MARK_READ;
	job.known = &one;
	smartsender_connector.build(&there, *state, &job, &req);
	assert_string_equal(req.method, "PUT");
	assert_string_equal(req.url, API "/chats/71234/read");
}

static void answers_to_a_command(void **state)
{
	static const struct {
		enum step step;
		int status;
		const char *body;
		enum effect_kind kind;
		enum reason reason;
	} rows[] = {
		{ STEP_SET_STATUS, 200, "{\"state\":true}", EFFECT_DELIVERED, REASON_NONE },
		{ STEP_SET_STATUS, 200, "{\"state\":false}", EFFECT_REJECTED, REASON_BAD_ANSWER },
		{ STEP_SET_STATUS, 200, "{\"state\":1}", EFFECT_REJECTED, REASON_BAD_ANSWER },
		{ STEP_SET_STATUS, 200, "{}", EFFECT_REJECTED, REASON_BAD_ANSWER },
		{ STEP_SET_STATUS, 200, "{\"error\":{\"code\":404}}", EFFECT_REJECTED,
		    REASON_NOT_FOUND },
		{ STEP_SET_STATUS, 500, "<html>", EFFECT_RETRY, REASON_SERVER_ERROR },
		{ STEP_SET_STATUS, 200, "<html>", EFFECT_RETRY, REASON_BAD_ANSWER },
		{ STEP_SET_STATUS, 429, "", EFFECT_RETRY, REASON_BUSY },
		{ STEP_SET_STATUS, 401, "", EFFECT_PAUSE, REASON_CREDENTIALS },
		{ STEP_MARK_READ, 200, "{\"state\":true}", EFFECT_NEXT_STEP, REASON_NONE },
		{ STEP_MARK_READ, 200, "{\"state\":false}", EFFECT_REJECTED, REASON_BAD_ANSWER },
		{ STEP_MARK_READ, 500, "<html>", EFFECT_REJECTED, REASON_SERVER_ERROR },
		{ STEP_MARK_READ, 429, "", EFFECT_RETRY, REASON_BUSY },
		{ STEP_MARK_READ, 401, "", EFFECT_PAUSE, REASON_CREDENTIALS },
	};
	struct job job = { .kind = JOB_DELIVER, .known = &one };
	struct outcome out;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		job.kind = rows[i].step == STEP_MARK_READ ? JOB_PAGE : JOB_DELIVER;
		job.step = rows[i].step;
		out = told(*state, &via, &job, rows[i].status, rows[i].body);
		assert_int_equal(out.effect.kind, rows[i].kind);
		assert_int_equal(out.effect.reason, rows[i].reason);
	}
}

/* --- answers ----------------------------------------------------------------------------------- */

static void answers_to_a_send(void **state)
{
	static const struct {
		int status;
		const char *body;
		enum effect_kind kind;
		enum reason reason;
	} rows[] = {
		{ 200, "{\"id\":4455680}", EFFECT_DELIVERED, REASON_NONE },
		{ 200, "{\"state\":true}", EFFECT_UNSURE, REASON_BAD_ANSWER },
		{ 200, "{\"id\":", EFFECT_UNSURE, REASON_BAD_ANSWER },
		{ 200, "{\"error\":{\"code\":422,\"message\":\"Unprocessable entity\"}}",
		    EFFECT_REJECTED, REASON_INVALID },
		{ 200, "{\"error\":{\"code\":429}}", EFFECT_RETRY, REASON_BUSY },
		{ 200, "{\"error\":{\"code\":500}}", EFFECT_UNSURE, REASON_SERVER_ERROR },
		{ 200, "{\"error\":{\"message\":\"Unauthenticated\"}}", EFFECT_PAUSE,
		    REASON_CREDENTIALS },
		{ 200, "{\"error\":null,\"id\":5}", EFFECT_DELIVERED, REASON_NONE },
		{ 401, "{\"message\":\"Unauthenticated.\"}", EFFECT_PAUSE, REASON_CREDENTIALS },
		{ 404, "{}", EFFECT_REJECTED, REASON_NOT_FOUND },
		{ 429, "<html>", EFFECT_RETRY, REASON_BUSY },
		{ 500, "<html>", EFFECT_UNSURE, REASON_SERVER_ERROR },
		{ 503, "", EFFECT_RETRY, REASON_BUSY },
	};
	struct message m = say("Hello");
	const struct job job = { .kind = JOB_DELIVER,
		.step = STEP_SEND,
		.message = &m,
		.known = &one };
	struct outcome out;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		out = told(*state, &via, &job, rows[i].status, rows[i].body);
		assert_int_equal(out.effect.kind, rows[i].kind);
		assert_int_equal(out.effect.reason, rows[i].reason);
	}
	out = told(*state, &via, &job, 422, fixture(*state, "error"));
	assert_string_equal(out.effect.why, "The content field is required.");
	out = told(*state, &via, &job, 200, fixture(*state, "sent"));
	assert_string_equal(out.effect.remote_id, "4455680");
}

static int64_t lock(struct arena *a, const char *count, int64_t ended_ms, int64_t retry_after,
    const char **now)
{
	const struct memo m[] = { { MEMO_LOCKOUTS, count, true },
		{ MEMO_LOCKED_AT, arena_printf(a, "%lld", (long long)ended_ms), true } };
	const struct job job = { .kind = JOB_PAGE,
		.step = STEP_LIST_CONVERSATIONS,
		.known = &nothing };
	struct http_resp resp = answer(429, "");
	struct via locked = via;
	struct outcome out = { 0 };

	locked.memo = m;
	locked.nmemo = count != NULL ? 2 : 0;
	resp.retry_after_msecs = retry_after;
	smartsender_connector.interpret(&locked, a, &job, &resp, &out);
	assert_int_equal(out.effect.kind, EFFECT_RETRY);
	*now = out.nmemo > 0 ? out.memo[0].value : NULL;
	return out.effect.wait_msecs;
}

static void lock_outs_grow(void **state)
{
	const char *count;

	assert_int_equal(lock(*state, NULL, 0, -1, &count), 60500);
	assert_string_equal(count, "1");
	assert_int_equal(lock(*state, "1", NOW_MS - 1000, -1, &count), 120500);
	assert_string_equal(count, "2");
	assert_int_equal(lock(*state, "40", NOW_MS - 1000, -1, &count), 720500);
	assert_int_equal(lock(*state, "2", NOW_MS - 1000, 5000, &count), 5500);
	/* An hour without one, and it begins anew; what was under way counts for nothing. */
	assert_int_equal(lock(*state, "5", NOW_MS - 3600001, -1, &count), 60500);
	assert_string_equal(count, "1");
	assert_int_equal(lock(*state, "2", NOW_MS + 30000, -1, &count), 30000);
	assert_null(count);
}

#define SAID(id, sender, at, text) \
	"{\"id\":" id \
	",\"content\":{\"type\":\"text\",\"resource\":{\"parameters\":{\"content\":\"" text \
	"\"}}},\"sender\":{\"type\":\"" sender "\"},\"createdAt\":\"2026-11-20 " at "\"}"

static void look_for_a_copy(void **state)
{
	struct message m = say("Hello\n");
	const struct job job = { .kind = JOB_LOOK,
		.step = STEP_LOOK_UP,
		.in_doubt = STEP_SEND,
		.message = &m,
		.known = &one };
	struct outcome out = told(*state, &via, &job, 200,
	    "{\"collection\":[" SAID("5", "operator", "20:36:41", "Hello") "," SAID("4", "operator",
		"20:36:40", "Hello you") "," SAID("3", "contact", "20:36:40", "Hello") "," SAID("2",
		"api", "20:34:45",
		" Hello\\r\\n") "," SAID("1", "operator", "20:34:00", "Hello") "]}");

	assert_int_equal(out.effect.kind, EFFECT_NEXT_STEP);
	assert_false(out.found);
	assert_int_equal(out.events.count, 2);
	assert_string_equal(out.events.items[0].key, "m:5");
	assert_string_equal(out.events.items[1].key, "m:2");
	out = told(*state, &via, &job, 200, "{\"collection\":[]}");
	assert_int_equal(out.effect.kind, EFFECT_NEXT_STEP);
	assert_int_equal(out.events.count, 0);
	assert_int_equal(told(*state, &via, &job, 404, "{}").effect.kind, EFFECT_UNSURE);
	assert_int_equal(told(*state, &via, &job, 200, "x").effect.kind, EFFECT_UNSURE);
}

static void who_we_are(void **state)
{
	const struct job job = { .kind = JOB_ENDPOINT, .step = STEP_SIGN_IN, .known = &nothing };
	struct outcome out = told(*state, &via, &job, 200, "{\"id\":9,\"name\":\"Northwind\"}");

	assert_int_equal(out.effect.kind, EFFECT_NEXT_STEP);
	assert_int_equal(out.nmemo, 3);
	assert_string_equal(out.memo[1].value, "9");
	out = told(*state, &via, &job, 200, "{\"name\":\"Northwind\"}");
	assert_string_equal(out.memo[1].value, "front");
	out = told(*state, &via, &job, 401,
	    "{\"error\":{\"code\":401,\"message\":\"Unauthenticated\"}}");
	assert_int_equal(out.effect.kind, EFFECT_PAUSE);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pages_that_are_asked_for),
		TEST(messages),
		TEST(chats),
		TEST(messages_of_a_chat),
		TEST(zones),
		TEST(an_hour_that_comes_twice),
		TEST(messages_that_change),
		TEST(wake_ups),
		TEST(text_out),
		TEST(files_out),
		TEST(cards_out),
		TEST(nowhere_to_send),
		TEST(a_chat_is_closed),
		TEST(a_chat_is_marked_as_read),
		TEST(answers_to_a_command),
		TEST(answers_to_a_send),
		TEST(lock_outs_grow),
		TEST(look_for_a_copy),
		TEST(who_we_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
