/* What is told in words: places, cards, and files that are not to be had; and places and cards that are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "core/compose.h"
#include "core/file.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static struct keys keys;

static const char *composed_for(const struct caps *caps, struct arena *a, const char *text,
    const struct attachment *attachments, size_t count, struct composed *out)
{
	static struct endpoint_conf desk;
	static const struct bridge_conf bridge = { .name = "support",
		.tag = "a18603",
		.agents = &desk,
		.customers = &desk };
	const struct event event = { .kind = EVENT_MESSAGE,
		.remote = "m1",
		.conversation = "c1",
		.text = text,
		.attachments = attachments,
		.nattachments = count };
	const struct compose_in in = { .keys = &keys,
		.event = &event,
		.bridge = &bridge,
		.to = SIDE_AGENTS,
		.from = { "x", "h", "t" },
		.customers = { "x", "h", "t" },
		.customers_conversation = "c1",
		.generation = 1 };

	desk.caps = caps;
	compose(a, &in, out);
	return out->message.text;
}

static const char *composed(struct arena *a, const char *text, const struct attachment *attachments,
    size_t count, struct composed *out)
{
	static const struct caps caps;

	return composed_for(&caps, a, text, attachments, count, out);
}

static void test_places_and_cards(void **state)
{
	static const struct {
		struct attachment f;
		const char *text;
	} rows[] = {
		{ { .kind = ATTACHMENT_LOCATION,
		      .latitude = "52.5",
		      .longitude = "-13.25",
		      .title = "Our shop" },
		    "Location: Our shop\n52.5,-13.25\nhttps://maps.google.com/?q=52.5,-13.25" },
		{ { .kind = ATTACHMENT_LOCATION, .latitude = "0", .longitude = "0" },
		    "Location\n0,0\nhttps://maps.google.com/?q=0,0" },
		{ { .kind = ATTACHMENT_LOCATION,
		      .latitude = "0&x=<y>",
		      .longitude = "1",
		      .title = "a\nb" },
		    "Location: ab" },
		{ { .kind = ATTACHMENT_LOCATION, .latitude = "-" }, "Location" },
		{ { .kind = ATTACHMENT_CONTACT, .contact_name = "Ada", .phone = "+1555" },
		    "Contact: Ada, +1555" },
		{ { .kind = ATTACHMENT_CONTACT, .phone = "+1555" }, "Contact: +1555" },
		{ { .kind = ATTACHMENT_CONTACT,
		      .contact_name = "\xe2\x80\xae"
				      "Ada" },
		    "Contact: Ada" },
		{ { .kind = ATTACHMENT_CONTACT }, "Contact: ?" },
	};
	struct arena *a = arena_new();
	struct composed c;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		assert_string_equal(composed(a, NULL, &rows[i].f, 1, &c), rows[i].text);
		assert_string_equal(composed(a, "See:", &rows[i].f, 1, &c),
		    arena_printf(a, "See:\n%s", rows[i].text));
	}
	arena_free(a);
}

/* Where they can be shown they are, but for halves and what is no number. */
static void test_shown_places_and_cards(void **state)
{
	static const struct kind_caps kinds[KIND_COUNT] = {
		[KIND_LOCATION] = { .to_agents = { WAY_NATIVE, NULL } },
		[KIND_CONTACT] = { .to_agents = { WAY_NATIVE, NULL } },
	};
	static const struct caps caps = { .kinds = kinds };
	static const struct attachment whole[] = {
		{ .kind = ATTACHMENT_LOCATION, .latitude = "-0.5", .longitude = "13" },
		{ .kind = ATTACHMENT_CONTACT, .phone = "+1555" },
	};
	static const struct attachment halves[] = {
		{ .kind = ATTACHMENT_LOCATION, .latitude = "1.2.3", .longitude = "1" },
		{ .kind = ATTACHMENT_LOCATION, .latitude = "007", .longitude = "1" },
		{ .kind = ATTACHMENT_LOCATION, .latitude = "1.", .longitude = "1" },
		{ .kind = ATTACHMENT_LOCATION, .latitude = ".5", .longitude = "1" },
		{ .kind = ATTACHMENT_LOCATION, .latitude = "1" },
		{ .kind = ATTACHMENT_CONTACT, .contact_name = "Ada" },
	};
	struct arena *a = arena_new();
	struct composed c;
	size_t i;

	(void)state;
	assert_string_equal(composed_for(&caps, a, "See", whole, COUNT(whole), &c), "See");
	assert_int_equal(c.message.ncards, 2);
	assert_string_equal(c.message.cards[0].latitude, "-0.5");
	assert_string_equal(c.message.cards[1].phone, "+1555");
	for (i = 0; i < COUNT(halves); i++) {
		assert_string_not_equal(composed_for(&caps, a, NULL, &halves[i], 1, &c), "");
		assert_int_equal(c.message.ncards, 0);
	}
	arena_free(a);
}

static void test_files(void **state)
{
	static const struct attachment two[] = { { .kind = ATTACHMENT_FILE },
		{ .kind = ATTACHMENT_IMAGE } };
	static const struct file files[] = {
		{ .name = "a.pdf", .why = "it is empty" },
		{ .name = "b.png", .type = "image/png", .path = "/m/b", .size = 3 },
	};
	struct arena *a = arena_new();
	struct composed c;

	(void)state;
	composed(a, "words", two, 2, &c);
	compose_files(a, &c, files, 2);
	assert_string_equal(c.message.text, "words\n[file not available: a.pdf, it is empty]");
	assert_int_equal(c.message.nfiles, 1);
	assert_string_equal(c.message.files[0].name, "b.png");
	composed(a, NULL, two, 2, &c);
	compose_files(a, &c, files + 1, 1);
	assert_string_equal(c.message.text, "");
	assert_int_equal(c.message.nfiles, 1);
	arena_free(a);
}

static void test_too_many(void **state)
{
	struct attachment many[FILES_PER_MESSAGE + 3] = { 0 };
	struct arena *a = arena_new();
	struct composed c;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(many); i++)
		many[i].kind = ATTACHMENT_IMAGE;
	assert_string_equal(composed(a, NULL, many, FILES_PER_MESSAGE, &c), "");
	assert_string_equal(composed(a, NULL, many, COUNT(many), &c),
	    "[file not available: 3 more, one message has no more than 20]");
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places_and_cards),
		cmocka_unit_test(test_shown_places_and_cards),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
