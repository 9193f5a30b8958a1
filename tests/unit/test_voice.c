/* Whose name a message bears, what it says it replies to, and what is made of a change: the bridge's options
 * agent_names, title, quotes, edits, texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "core/compose.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static struct keys keys;

struct said {
	struct event event;
	struct bridge_conf bridge;
	struct caps target;
	const struct event *replied;
	const char *replied_remote;
	const char *desk; /* its name */
};

static void make(struct arena *a, const struct said *s, struct composed *out)
{
	struct endpoint_conf *end = arena_alloc(a, sizeof(*end));
	struct bridge_conf *bridge = arena_alloc(a, sizeof(*bridge));
	struct compose_in in = { .keys = &keys,
		.event = &s->event,
		.bridge = bridge,
		.to = SIDE_CUSTOMERS,
		.from = { "chatwoot", "chat.example.com", "1" },
		.customers = { "x", "h", "t" },
		.generation = 1,
		.title = s->desk,
		.replied = s->replied,
		.replied_remote = s->replied_remote };

	*end = (struct endpoint_conf){ .caps = &s->target };
	*bridge = s->bridge;
	bridge->name = "support";
	strcpy(bridge->tag, "a18603");
	bridge->customers = bridge->agents = end;
	compose(a, &in, out);
}

static void names(void **state)
{
	static const struct {
		enum role role;
		bool shows, is_private;
		const char *title, *name;
	} rows[] = {
		{ ROLE_AGENT, true, false, "Help desk", "Bob" },
		{ ROLE_BOT, true, false, NULL, "Bob" },
		{ ROLE_AGENT, false, false, "Help desk", "Help desk" },
		{ ROLE_BOT, false, false, NULL, "Inbox 12" },
		{ ROLE_CUSTOMER, true, false, "Help desk", NULL },
		{ ROLE_CUSTOMER, false, false, "Help desk", NULL },
		/* Among themselves agents go by their names. */
		{ ROLE_AGENT, false, true, "Help desk", "Bob" },
		{ ROLE_SYSTEM, true, false, "Help desk", NULL },
	};
	struct arena *a = arena_new();
	struct composed out;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		const struct said s = { .event = { .kind = EVENT_MESSAGE,
					    .remote = "7",
					    .text = "hello",
					    .author = { rows[i].role, "1", "Bob" },
					    .is_private = rows[i].is_private },
			.bridge = { .agent_names = rows[i].shows, .title = rows[i].title },
			.desk = "Inbox 12" };

		make(a, &s, &out);
		if (rows[i].name == NULL)
			assert_null(out.message.name);
		else
			assert_string_equal(out.message.name, rows[i].name);
		assert_int_equal(out.message.is_note,
		    rows[i].is_private || rows[i].role == ROLE_SYSTEM);
	}
	arena_free(a);
}

#define LONG \
	"a very long sentence that nobody would read to its end, and that goes on and on and on"

static const struct event words = { .kind = EVENT_MESSAGE, .text = "where\nis it?" };
static const struct event marked = { .kind = EVENT_MESSAGE,
	.text = "**where** is it?",
	.format = FORMAT_MARKDOWN };
static const struct event tags = { .kind = EVENT_MESSAGE, .text = "1 < 2 & 3" };
static const struct event lengthy = { .kind = EVENT_MESSAGE, .text = LONG };
static const struct event a_file = { .kind = EVENT_MESSAGE,
	.attachments = &(const struct attachment){ .kind = ATTACHMENT_FILE, .name = "a.pdf" },
	.nattachments = 1 };
static const struct event note = { .kind = EVENT_MESSAGE, .text = "rude", .is_private = true };

#define SHOWS .quotes = true, .shows = 1 << FORMAT_MARKDOWN

static void replies(void **state)
{
	static const struct {
		const char *what;
		struct caps target;
		bool inline_quotes;
		const struct event *replied;
		const char *remote;
		const char *reply_to, *text;
	} rows[] = {
		{ "native", { .replies = true, SHOWS }, true, &words, "41", "41", "on its way" },
		{ "native, quotes: drop", { .replies = true, SHOWS }, false, &words, "41", "41",
		    "on its way" },
		{ "native, not there", { .replies = true, SHOWS }, true, &words, NULL, NULL,
		    "> where is it?\n\non its way" },
		{ "no replies", { .quotes = true }, true, &words, "41", NULL,
		    "> where is it?\non its way" },
		{ "no replies, quotes: drop", { .quotes = true }, false, &words, "41", NULL,
		    "on its way" },
		{ "each part costs", { 0 }, true, &words, "41", NULL, "on its way" },
		{ "marks", { .quotes = true }, true, &marked, NULL, NULL,
		    "> where is it?\non its way" },
		{ "long", { .quotes = true }, true, &lengthy, NULL, NULL,
		    "> a very long sentence that nobody would read to its end, and that goes on and on"
		    "\non its way" },
		{ "a file", { .quotes = true }, true, &a_file, NULL, NULL, "> a.pdf\non its way" },
		{ "to nothing that is known", { .quotes = true }, true, NULL, NULL, NULL,
		    "on its way" },
		{ "to a note", { .quotes = true }, true, &note, "41", NULL, "on its way" },
		{ "to a note, natively", { .replies = true, SHOWS }, true, &note, "41", NULL,
		    "on its way" },
	};
	struct arena *a = arena_new();
	struct composed out;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		const struct said s = { .event = { .kind = EVENT_MESSAGE,
					    .remote = "7",
					    .text = "on its way",
					    .author = { ROLE_AGENT, "1", "Bob" } },
			.bridge = { .quotes_inline = rows[i].inline_quotes },
			.target = rows[i].target,
			.replied = rows[i].replied,
			.replied_remote = rows[i].remote };

		make(a, &s, &out);
		if (strcmp(out.message.text, rows[i].text) != 0)
			fail_msg("%s: \"%s\"", rows[i].what, out.message.text);
		if (rows[i].reply_to == NULL)
			assert_null(out.message.reply_to);
		else
			assert_string_equal(out.message.reply_to, rows[i].reply_to);
	}
	arena_free(a);
}

/* Kept as HTML, a quote is one. */
static void a_quote_in_html(void **state)
{
	struct arena *a = arena_new();
	const struct said s = { .event = { .kind = EVENT_MESSAGE,
				    .remote = "7",
				    .text = "<b>no</b>",
				    .format = FORMAT_HTML,
				    .author = { ROLE_AGENT, "1", "Bob" } },
		.bridge = { .quotes_inline = true, .markup_keep = true },
		.target = { .quotes = true, .keeps = 1 << FORMAT_HTML },
		.replied = &tags };
	struct composed out;

	(void)state;
	make(a, &s, &out);
	assert_int_equal(out.message.format, FORMAT_HTML);
	assert_non_null(strstr(out.message.text, "<blockquote>1 &lt; 2 &amp; 3</blockquote><"));
	arena_free(a);
}

static void edits(void **state)
{
	static const char *const edited_key[] = { "edited" },
				 *const edited_text[] = { "Neu: {text}" };
	struct arena *a = arena_new();
	struct said s = { .event = { .kind = EVENT_EDIT,
			      .key = "e:7:2026-11-20 20:20:00",
			      .remote = "7",
			      .text = "Hello",
			      .author = { ROLE_CUSTOMER, "1", "Ann" } },
		.target = { .replies = true },
		.replied = &words,
		.replied_remote = "41" };
	struct composed out;
	struct root root =
	    ids_root_of_edit("chatwoot", "chat.example.com", "1", "7", "2026-11-20 20:20:00");

	(void)state;
	make(a, &s, &out);
	assert_string_equal(out.message.text, "Edited: Hello");
	assert_string_equal(out.message.reply_to, "41");
	assert_true(root_equal(&out.root, &root));
	assert_non_null(strstr(out.message.mark, ":e1:"));
	compose_part(&out, 1);
	assert_non_null(strstr(out.message.mark, ":e1:"));
	assert_false(out.message.is_note);
	s.replied = &note; /* whatever the platform says of the edit itself */
	make(a, &s, &out);
	assert_true(out.message.is_note);
	s.bridge.texts =
	    (struct option_map){ .keys = edited_key, .values = edited_text, .count = 1 };
	make(a, &s, &out);
	assert_string_equal(out.message.text, "Neu: Hello");
	arena_free(a);
}

/* The connectors' words for what they cannot read. */
static void unsupported(void **state)
{
	static const char *const key[] = { "unsupported_message" }, *const text[] = { "({type}?)" };
	static const struct {
		const char *said, *told;
	} rows[] = {
		{ "[unsupported message: sticker]", "(sticker?)" },
		{ "[unsupported message: ", "[unsupported message: " },
		{ "[unsupported message: a] b]", "[unsupported message: a] b]" },
		{ "an [unsupported message: a]", "an [unsupported message: a]" },
	};
	struct arena *a = arena_new();
	struct composed out;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		const struct said s = {
			.event = { .kind = EVENT_MESSAGE, .remote = "7", .text = rows[i].said },
			.bridge = { .texts = { .keys = key, .values = text, .count = 1 } }
		};

		make(a, &s, &out);
		assert_string_equal(out.message.text, rows[i].told);
	}
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(replies),
		cmocka_unit_test(a_quote_in_html),
		cmocka_unit_test(edits),
		cmocka_unit_test(unsupported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
