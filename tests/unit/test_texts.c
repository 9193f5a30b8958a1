/* The fixed texts, in English and in a bridge's own words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "core/texts.h"

static const char *const keys[] = { "edited", "file_not_available", "file_answered", "file_larger",
	"file_empty", "gone" };
static const char *const values[] = { "Neu: {text}{text}", "[{reason}: {name}]", "Antwort {status}",
	"zu gross", "leer", "{weg}" };
static const struct option_map own = { .keys = keys, .values = values, .count = 6 };
static const struct option_map none;

static void filled(void **state)
{
	struct arena *a = arena_new();

	(void)state;
	assert_string_equal(fixed_fill(a, NULL, FIXED_EDITED,
				FIXED_VALUES({ "text", "a {text} b" })),
	    "Edited: a {text} b");
	assert_string_equal(fixed_fill(a, &own, FIXED_EDITED, FIXED_VALUES({ "text", "x" })),
	    "Neu: xx");
	assert_string_equal(fixed_fill(a, &none, FIXED_CONTACT,
				FIXED_VALUES({ "name", "Ann" }, { "phone", NULL })),
	    "Contact: Ann, ");
	assert_string_equal(fixed_fill(a, &own, FIXED_GONE, FIXED_VALUES({ "text", "x" })),
	    "{weg}");
	assert_string_equal(fixed_no_file(a, &own, "a.pdf", "its server answered 404"),
	    "[Antwort 404: a.pdf]");
	assert_string_equal(fixed_no_file(a, &own, "a.pdf", "larger than 40 MiB"),
	    "[zu gross: a.pdf]");
	assert_string_equal(fixed_no_file(a, &own, "a.pdf", "it is empty"), "[leer: a.pdf]");
	assert_string_equal(fixed_no_file(a, &own, "a.pdf", "it is empty or so"),
	    "[it is empty or so: a.pdf]");
	assert_string_equal(fixed_no_file(a, &none, "a.pdf", "it is empty"),
	    "[file not available: a.pdf, it is empty]");
	arena_free(a);
}

/* A key is a word of its own, and what is found by its English text is found by no other's. */
static void all_differ(void **state)
{
	int i, j;

	(void)state;
	for (i = 0; i < FIXED_COUNT; i++) {
		assert_true(strlen(fixed_text(NULL, (enum fixed)i)) > 0);
		assert_int_equal(strspn(fixed_keys[i], "abcdefghijklmnopqrstuvwxyz_"),
		    strlen(fixed_keys[i]));
		for (j = 0; j < i; j++) {
			assert_string_not_equal(fixed_keys[i], fixed_keys[j]);
			assert_string_not_equal(fixed_text(NULL, (enum fixed)i),
			    fixed_text(NULL, (enum fixed)j));
		}
	}
	assert_null(fixed_keys[FIXED_COUNT]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(filled),
		cmocka_unit_test(all_differ) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
