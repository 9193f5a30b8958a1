/* An event to bytes and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "core/event_codec.h"
#include "core/facts.h"

static const char *const tags[] = { "vip", "", "\xc3\xa9" };
static const struct attachment attachments[] = {
	{ .kind = ATTACHMENT_IMAGE,
	    .url = "https://x/1.png",
	    .type = "image/png",
	    .name = "1.png",
	    .size = 1 << 20 },
	{ .kind = ATTACHMENT_LOCATION,
	    .size = -1,
	    .latitude = "48.10",
	    .longitude = "-11.5",
	    .title = "here" },
	{ .kind = ATTACHMENT_CONTACT, .size = -1, .contact_name = "Bo", .phone = "+15550100" },
	{ .kind = ATTACHMENT_IMAGE },
};

static const struct widget widgets[] = {
	{ WIDGET_CARD, "Title", "Text", "https://x/", "https://x/2.png" },
	{ .kind = WIDGET_ANSWER, .label = "Yes" },
	{ .kind = WIDGET_ADDRESS, .label = "Site", .url = "https://x/3" },
};

/* Every field set, and differently. */
static const struct event full = {
	.endpoint = 3,
	.kind = EVENT_CONVERSATION,
	.origin = ORIGIN_REPAIR,
	.key = "m:1",
	.remote = "1",
	.conversation = "2",
	.conversation_ref = "3",
	.person = { "identity", "id", "address", "name", "email", "phone",
	    .avatar = "https://x/a.png", .is_vouched = true },
	.author = { ROLE_BOT, "bot-1", "Bot", "bot@x" },
	.is_private = true,
	.at_ms = INT64_MAX,
	.here_ms = INT64_MIN,
	.text = "multi\nline \xf0\x9f\x99\x82",
	.format = FORMAT_MARKDOWN,
	.attachments = attachments,
	.nattachments = 4,
	.reply_to = "0",
	.choice = "yes",
	.state = STATE_RESOLVED,
	.version = -1,
	.changes = "{}",
	.flags = EVENT_IS_DRAFT | EVENT_IS_AUTOMATIC,
	.drop = DROP_OTHER_INBOX,
	.detail = "detail",
	.mark = "tl1:",
	.conversation_mark = "tl1:c",
	.channel = "web",
	.department = "d1",
	.department_name = "Sales",
	.tags = tags,
	.ntags = 3,
	.widgets = widgets,
	.nwidgets = 3,
	.extra = "",
};

static void same_text(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		assert_true(a == b);
	else
		assert_string_equal(a, b);
}

#define SAME(field) assert_true(a->field == b->field)
#define SAME_TEXT(field) same_text(a->field, b->field)

static void same_lists(const struct event *x, const struct event *y)
{
	const struct attachment *a, *b;
	size_t i;

	assert_int_equal(x->ntags, y->ntags);
	for (i = 0; i < x->ntags; i++)
		same_text(x->tags[i], y->tags[i]);
	assert_int_equal(x->nwidgets, y->nwidgets);
	for (i = 0; i < x->nwidgets; i++) {
		assert_int_equal(x->widgets[i].kind, y->widgets[i].kind);
		same_text(x->widgets[i].label, y->widgets[i].label);
		same_text(x->widgets[i].text, y->widgets[i].text);
		same_text(x->widgets[i].url, y->widgets[i].url);
		same_text(x->widgets[i].image, y->widgets[i].image);
	}
	assert_int_equal(x->nattachments, y->nattachments);
	for (i = 0; i < x->nattachments; i++) {
		a = &x->attachments[i];
		b = &y->attachments[i];
		SAME(kind);
		SAME(size);
		SAME_TEXT(url);
		SAME_TEXT(type);
		SAME_TEXT(name);
		SAME_TEXT(latitude);
		SAME_TEXT(longitude);
		SAME_TEXT(title);
		SAME_TEXT(contact_name);
		SAME_TEXT(phone);
	}
}

static void same(const struct event *a, const struct event *b)
{
	SAME(endpoint);
	SAME(kind);
	SAME(origin);
	SAME_TEXT(key);
	SAME_TEXT(remote);
	SAME_TEXT(conversation);
	SAME_TEXT(conversation_ref);
	SAME_TEXT(author.email);
	SAME_TEXT(person.avatar);
	SAME(person.is_vouched);
	SAME_TEXT(person.identity);
	SAME_TEXT(person.id);
	SAME_TEXT(person.address);
	SAME_TEXT(person.name);
	SAME_TEXT(person.email);
	SAME_TEXT(person.phone);
	SAME(author.role);
	SAME_TEXT(author.id);
	SAME_TEXT(author.name);
	SAME(is_private);
	SAME(at_ms);
	SAME(here_ms);
	SAME_TEXT(text);
	SAME(format);
	SAME_TEXT(reply_to);
	SAME_TEXT(choice);
	SAME(state);
	SAME(version);
	SAME_TEXT(changes);
	SAME(flags);
	SAME(drop);
	SAME_TEXT(detail);
	SAME_TEXT(mark);
	SAME_TEXT(conversation_mark);
	SAME_TEXT(channel);
	SAME_TEXT(department);
	SAME_TEXT(department_name);
	SAME_TEXT(extra);
	same_lists(a, b);
}

static void round_trip(const struct event *e)
{
	struct arena *a = arena_new();
	struct err err = { "" };
	struct event back;
	struct buf bytes;

	buf_init(&bytes);
	event_encode(e, &bytes);
	if (event_decode(bytes.data, bytes.len, a, &back, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(back.id, 0);
	same(e, &back);
	buf_fini(&bytes);
	arena_free(a);
}

static void test_round_trip(void **state)
{
	static const struct event empty;
	struct event one = { .id = 5, .kind = EVENT_MESSAGE, .text = "hello" };
	static char text[100000];

	(void)state;
	round_trip(&empty);
	round_trip(&full);
	round_trip(&one);
	memset(text, 'x', sizeof(text) - 1);
	one.text = text;
	round_trip(&one);
}

/* What version 1 wrote can be read for ever: these bytes never change. */
/* What is not written to disk, too, and nothing of it where it was. */
static void test_keep(void **state)
{
	const struct facts facts = { .v = { [FACT_LABELS] = "[\"a\"]", [FACT_ATTRIBUTES] = "{}" } };
	struct event from = full, to = { 0 };
	struct arena *a = arena_new();

	(void)state;
	from.id = 7;
	from.reason = REASON_EXPIRED;
	from.mark_place = "place";
	from.person.hint = "hint";
	from.assignee = (struct author){ ROLE_AGENT, "9", "Ann", "ann@x" };
	from.facts = &facts;
	from.person_version = 1;
	from.facts_version = 2;
	event_keep(a, &from, &to);
	same(&from, &to);
	assert_int_equal(to.id, 7);
	assert_int_equal(to.reason, REASON_EXPIRED);
	assert_string_equal(to.mark_place, "place");
	assert_string_equal(to.person.hint, "hint");
	assert_int_equal(to.assignee.role, ROLE_AGENT);
	assert_string_equal(to.assignee.id, "9");
	assert_string_equal(to.assignee.name, "Ann");
	assert_string_equal(to.assignee.email, "ann@x");
	assert_string_equal(to.facts->v[FACT_LABELS], "[\"a\"]");
	assert_string_equal(to.facts->v[FACT_ATTRIBUTES], "{}");
	assert_null(to.facts->v[FACT_NAME]);
	assert_int_equal(to.person_version, 1);
	assert_int_equal(to.facts_version, 2);
	assert_true(to.facts != &facts && to.text != from.text && to.attachments != from.attachments
	    && to.assignee.id != from.assignee.id);
	arena_free(a);
}

static void test_version_1(void **state)
{
	static const char bytes[] = "\x01"
				    "\x01\x01\x06"                   /* endpoint 3 */
				    "\x04\x03m:1"                    /* key */
				    "\x12\x02\x80\x01"               /* at 64 */
				    "\x14\x05hello"                  /* text */
				    "\x24\x03vip"                    /* tag */
				    "\x16\x06\x02\x01u\x05\x01\x01"; /* attachment: url, size -1 */
	struct arena *a = arena_new();
	struct err err;
	struct event e;
	struct buf again;

	(void)state;
	assert_int_equal(event_decode(bytes, sizeof(bytes) - 1, a, &e, &err), 0);
	assert_int_equal(e.endpoint, 3);
	assert_string_equal(e.key, "m:1");
	assert_int_equal(e.at_ms, 64);
	assert_string_equal(e.text, "hello");
	assert_int_equal(e.ntags, 1);
	assert_string_equal(e.tags[0], "vip");
	assert_int_equal(e.nattachments, 1);
	assert_string_equal(e.attachments[0].url, "u");
	assert_int_equal(e.attachments[0].size, -1);
	buf_init(&again);
	event_encode(&e, &again);
	assert_int_equal(again.len, sizeof(bytes) - 1);
	assert_memory_equal(again.data, bytes, again.len);
	buf_fini(&again);
	arena_free(a);
}

/* The numbers stand in stores: words.h may only grow at the ends of its lists. */
static void test_numbers(void **state)
{
	(void)state;
	assert_int_equal(EVENT_MESSAGE, 0);
	assert_int_equal(EVENT_CONVERSATION, 7);
	assert_int_equal(EVENT_SESSION, 11);
	assert_int_equal(ORIGIN_OWN, 3);
	assert_int_equal(ROLE_SYSTEM, 3);
	assert_int_equal(FORMAT_HTML, 2);
	assert_int_equal(ATTACHMENT_CONTACT, 5);
	assert_int_equal(STATE_DELIVERED, 4);
	assert_int_equal(STATE_RESOLVED, 10);
	assert_int_equal(STATE_ENDED, 11);
	assert_int_equal(DROP_ECHO, 1);
	assert_int_equal(DROP_UNLINKED, 12);
	assert_int_equal(DROP_UNKNOWN, 22);
	assert_int_equal(STEP_SIGN_IN, 1);
	assert_int_equal(STEP_SEND, 10);
	assert_int_equal(STEP_LIST_MESSAGES, 26);
	assert_int_equal(REASON_CONNECT, 1);
	assert_int_equal(REASON_NOT_FOUND, 13);
	assert_int_equal(REASON_UNPARSABLE, 24);
	assert_int_equal(UNPARSABLE_BAD_FIELD, 8);
	assert_int_equal(EVENT_IS_AUTOMATIC, 128);
	assert_int_equal(DELIVERY_UNSURE, 3);
	assert_int_equal(DELIVERY_FOLDED, 13);
}

static const struct {
	const char *name;
	const char *bytes;
	size_t len;
	int ret;
} hostile[] = {
#define BYTES(s) s, sizeof(s) - 1
	{ "nothing", BYTES(""), -1 },
	{ "a version and no more", BYTES("\x01"), 0 },
	{ "version 0", BYTES("\x00"), -1 },
	{ "a later version", BYTES("\x02"), -1 },
	{ "an unknown tag", BYTES("\x01\xf0\x02xy"), 0 },
	{ "an unknown tag in an attachment", BYTES("\x01\x16\x03\x70\x01x"), 0 },
	{ "no length", BYTES("\x01\x04"), -1 },
	{ "too long a length", BYTES("\x01\x04\x05m:1"), -1 },
	{ "a length of 2^64 - 1", BYTES("\x01\x04\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), -1 },
	{ "an endless length", BYTES("\x01\x04\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
	    -1 },
	{ "a NUL in a text", BYTES("\x01\x04\x03m\0x"), -1 },
	{ "a number without bytes", BYTES("\x01\x01\x00"), -1 },
	{ "a number with one byte too many", BYTES("\x01\x01\x02\x06\x06"), -1 },
	{ "a kind there is not", BYTES("\x01\x02\x02\x80\x02"), -1 },
	{ "a negative kind", BYTES("\x01\x02\x01\x01"), -1 },
	{ "a private that is 2", BYTES("\x01\x11\x01\x04"), -1 },
	{ "an attachment cut short", BYTES("\x01\x16\x02\x02\x05"), -1 },
	{ "a key twice", BYTES("\x01\x04\x01x\x04\x03m:1"), 0 },
#undef BYTES
};

static void test_hostile(void **state)
{
	struct arena *a = arena_new();
	struct err err;
	struct event e;
	size_t i;
	int ret;

	(void)state;
	for (i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		err.text[0] = '\0';
		ret = event_decode(hostile[i].bytes, hostile[i].len, a, &e, &err);
		if (ret != hostile[i].ret)
			fail_msg("%s: %d %s", hostile[i].name, ret, err.text);
		if (ret != 0 && err.text[0] == '\0')
			fail_msg("%s: no words", hostile[i].name);
	}
	assert_string_equal(e.key, "m:1");
	arena_free(a);
}

/* Cut anywhere, and with any byte changed: an event or an error. */
static void test_damaged(void **state)
{
	struct arena *a = arena_new();
	struct buf bytes;
	struct event e;
	struct err err;
	size_t i;
	int b;

	(void)state;
	buf_init(&bytes);
	event_encode(&full, &bytes);
	for (i = 0; i < bytes.len; i++) {
		event_decode(arena_memdup(a, bytes.data, i), i, a, &e, &err);
		for (b = 0; b < 256; b++) {
			char was = bytes.data[i];

			bytes.data[i] = (char)b;
			if (event_decode(bytes.data, bytes.len, a, &e, &err) == 0)
				assert_true(e.kind <= EVENT_SESSION && e.drop < DROP_COUNT);
			bytes.data[i] = was;
		}
		arena_reset(a);
	}
	buf_fini(&bytes);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_keep),
		cmocka_unit_test(test_version_1),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
