/* What agents read: short, of one line, and without what is nobody's business. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "core/notice.h"
#include "core/text.h"

static void says(void **state)
{
	static const struct {
		struct notice notice;
		const char *text;
	} cases[] = {
		{ { SIDE_CUSTOMERS, REASON_INVALID, "text is not allowed", 1440, 0 },
		    "Not delivered: the other platform refused it (\"text is not allowed\"). The relay"
		    " keeps it as d1440." },
		{ { SIDE_CUSTOMERS, REASON_UNREACHABLE, NULL, 17, 0 },
		    "Not delivered: no way leads to this customer. The relay keeps it as d17." },
		{ { SIDE_CUSTOMERS, REASON_INVALID, "+1 555 555 0123 is no number", 17, 0 },
		    "Not delivered: the other platform refused it. The relay keeps it as d17." },
		{ { SIDE_CUSTOMERS, REASON_OPTED_OUT, "Syniverse 1005", 17, 0, false,
		      "+15555550123" },
		    "Not delivered: +1555…0123 has opted out (Syniverse 1005). We send nothing to this"
		    " number until they write again." },
		{ { SIDE_CUSTOMERS, REASON_OPTED_OUT, NULL, 17, 0, false, NULL },
		    "Not delivered: the customer has opted out. We send nothing to them until they"
		    " write again." },
		{ { SIDE_CUSTOMERS, REASON_UNREACHABLE, "Handset is gone (1009)", 17, 0, true,
		      NULL },
		    "Not delivered: the other platform took it and could not deliver it (\"Handset is"
		    " gone (1009)\")." },
		{ { SIDE_AGENTS, REASON_EXPIRED, "", 17, 1795206000000 },
		    "A message of 2026-11-20 20:20 UTC could not be shown here: it was tried in vain for too"
		    " long. The relay keeps it as d17." },
	};
	struct arena *a = arena_new();
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(notice_text(a, &cases[i].notice), cases[i].text);
	arena_free(a);
}

static void quotes(void **state)
{
	static const char *const good[] = { "Content is too long (maximum is 150000 characters)",
		"Validation failed", "422", "Identifier has already been taken" };
	static const char *const bad[] = { NULL, "", "ann@example.com is not subscribed",
		"see https://x.example", "+1 (555) 555-0123 has opted out", "15555550123", "<html>",
		"token abcdefghijklmnopqrstuvwxyz01 is over", "{\"error\":1}",
		"support-group-5e2c35c8f0dbc10017bb3aac" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(notice_may_quote(good[i]));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(notice_may_quote(bad[i]));
}

/* Whatever the reason, and however long the far side's words. */
static void is_short(void **state)
{
	char why[600];
	struct notice n = { .why = why, .delivery = INT64_MAX };
	struct arena *a = arena_new();
	const char *text;
	int reason, side;

	(void)state;
	memset(why, 0, sizeof(why));
	while (strlen(why) < 500)
		strcat(why, "many words\nof \xc3\xa4rger ");
	for (reason = REASON_NONE; reason < REASON_COUNT; reason++)
		for (side = SIDE_CUSTOMERS; side <= SIDE_AGENTS; side++) {
			n.reason = (enum reason)reason;
			n.to = (enum side)side;
			text = notice_text(a, &n);
			assert_true(text_len(text, TEXT_POINTS) <= NOTICE_MAX);
			assert_null(strchr(text, '\n'));
			assert_int_equal(text[strlen(text) - 1], '.');
		}
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says),
		cmocka_unit_test(quotes),
		cmocka_unit_test(is_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
