/* A platform that is read: what stood there before the bridge began is no news, however often it is read; and what is
 * said from then on is, though its clock may be behind ours. And what it does not say of a conversation by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fake_loop.h"
#include "fake_wire.h"
#include "flow/history/migration_inside.h"
#include "rig.h"

static const char config[] =
    "public_url: https://relay.example.com\n"
    "endpoints:\n"
    "  front: {platform: smartsender, api_token: secret, receive: poll 5s, sweep: 60s}\n"
    "  desk: {platform: chatwoot, base_url: \"https://chat.example.com\", api_token: secret, account_id: 1,\n"
    "    inbox_id: 12, webhook_secret: hook-secret, hook_key: hook-key-of-desk-1, rate: 0, reconcile: never}\n"
    "bridges:\n"
    "  support: {customers: front, agents: desk}\n";

/* The bridge begins at 20:20:00 of our clock. */
#define CHAT(updated) \
	"{\"collection\":[{\"id\":7,\"name\":\"Ann\",\"contact\":{\"originalId\":\"55\"}," \
	"\"createdAt\":\"2026-11-20 19:00:00\",\"updatedAt\":\"" updated \
	"\",\"unreadMessages\":0}],\"cursor\":{\"page\":1,\"pages\":1}}"
#define SAID(id, at, text) \
	"{\"id\":" id \
	",\"content\":{\"type\":\"text\",\"resource\":{\"parameters\":{\"content\":\"" text \
	"\"}}},\"sender\":{\"type\":\"contact\"},\"createdAt\":\"2026-11-20 " at "\"}"
#define OLD SAID("2", "20:15:00", "old") "," SAID("1", "20:12:00", "older")

#define NONE "{\"collection\":[],\"cursor\":{\"page\":1,\"pages\":1}}"

struct there {
	const char *chats, *closed, *messages;
};

static const char *answer_of(const struct there *t, const struct sent *s)
{
	if (strstr(s->url, "/chats/7/messages") != NULL)
		return t->messages;
	if (strstr(s->url, "/chats?state=open&selector%5Bname%5D=none") != NULL)
		return t->chats;
	if (strstr(s->url, "/chats?state=closed") != NULL)
		return t->closed;
	if (strstr(s->url, "/chats?") != NULL)
		return NONE;
	return "{}";
}

/* So long; of what is asked at the desk, how much had to do with anybody there. */
static int pass(struct rig *r, const struct there *t, int64_t msecs)
{
	int64_t until_ms = fake_now_ms + msecs;
	struct sent *s;
	int count = 0;

	do {
		rig_run(r);
		while ((s = wire_waiting()) != NULL) {
			const char *body = answer_of(t, s);

			count += strstr(s->url, "chat.example.com") != NULL
			    && strstr(s->url, "/contact_inboxes") != NULL;
			wire_answer(s,
			    &(struct http_resp){ .transport = TRANSPORT_OK,
				.sent = true,
				.status = 200,
				.content_type = "application/json",
				.body = body,
				.body_len = strlen(body),
				.retry_after_msecs = -1 });
			rig_run(r);
		}
	} while (rig_pass_to_next(r, until_ms));
	fake_now_ms = until_ms;
	return count;
}

static void what_stood_there_is_no_news(void **state)
{
	struct there t = { CHAT("2026-11-20 20:15:00"), NONE, "{\"collection\":[" OLD "]}" };
	struct rig r;

	(void)state;
	rig_start(&r, config);
	assert_int_equal(pass(&r, &t, 15 * 60 * 1000), 0);
	rig_end(&r);
}

static void what_is_said_is_news(void **state)
{
	struct there t = { CHAT("2026-11-20 20:15:00"), NONE, "{\"collection\":[" OLD "]}" };
	struct rig r;

	(void)state;
	rig_start(&r, config);
	assert_int_equal(pass(&r, &t, 150 * 1000), 0);
	t.chats = CHAT("2026-11-20 20:18:00");
	t.messages = "{\"collection\":[" SAID("3", "20:18:00", "new") "," OLD "]}";
	assert_in_range(pass(&r, &t, 150 * 1000), 1, 100);
	rig_end(&r);
}

/* ---- one by its name ---- */

static void on_state(void *arg, enum state state)
{
	*(enum state *)arg = state;
}

/* A chat does not say whether it is open: the list does in which it stands. */
static void its_list_says_whether_it_is_open(void **state)
{
	static const struct {
		const char *open, *closed;
		enum state state;
	} rows[] = {
		{ CHAT("2026-11-20 20:15:00"), NONE, STATE_OPEN },
		{ NONE, CHAT("2026-11-20 20:15:00"), STATE_RESOLVED },
		{ NONE, NONE, STATE_OPEN },
	};
	const struct event about = { .conversation = "7", .version = RIG_START_MS - 300000 };
	struct migration_standing *standing;
	enum state found;
	struct rig r;
	size_t i;

	(void)state;
	rig_start(&r, config);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct there t = { rows[i].open, rows[i].closed, "{}" };
		struct migration_run run = { .flow = r.flow, .source = rig_endpoint(&r, "front") };

		found = STATE_NONE;
		standing = migration_standing_find(&run, &about, on_state, &found);
		pass(&r, &t, 60 * 1000);
		assert_int_equal(found, rows[i].state);
		migration_standing_free(standing);
	}
	rig_end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_stood_there_is_no_news),
		cmocka_unit_test(what_is_said_is_news),
		cmocka_unit_test(its_list_says_whether_it_is_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
