/* Memory of one job. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

static void test_pieces(void **state)
{
	static const size_t sizes[] = { 1, 0, 7, 16, 17, 4000, 8191, 8192, 8193, 100000, 3, 1 << 20,
		5 };
	struct arena *a = arena_new();
	unsigned char *pieces[sizeof(sizes) / sizeof(sizes[0])];
	size_t i, k, round;

	(void)state;
	for (round = 0; round < 3; round++) {
		for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			pieces[i] = arena_alloc(a, sizes[i]);
			assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
			memset(pieces[i], (int)i + 1, sizes[i]);
		}
		for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
			for (k = 0; k < sizes[i]; k++)
				if (pieces[i][k] != i + 1)
					fail_msg("piece %zu was overwritten", i);
		assert_true(arena_used(a) >= 1 << 20);
		arena_reset(a);
		assert_int_equal(arena_used(a), 0);
	}
	arena_free(a);
	arena_free(NULL);
}

static void test_cleared(void **state)
{
	struct arena *a = arena_new();
	unsigned char *p = arena_alloc(a, 64);
	size_t i;

	(void)state;
	memset(p, 0xff, 64);
	arena_reset(a);
	p = arena_zalloc(a, 64);
	for (i = 0; i < 64; i++)
		assert_int_equal(p[i], 0);
	arena_free(a);
}

static void test_texts(void **state)
{
	struct arena *a = arena_new();
	char *long_text;

	(void)state;
	assert_string_equal(arena_strdup(a, "abc"), "abc");
	assert_null(arena_strdup(a, NULL));
	assert_string_equal(arena_strndup(a, "abc", 2), "ab");
	assert_string_equal(arena_strndup(a, "abc", 9), "abc");
	assert_null(arena_strndup(a, NULL, 2));
	assert_memory_equal(arena_memdup(a, "a\0b", 3), "a\0b\0", 4);
	assert_string_equal(arena_memdup(a, NULL, 0), "");
	assert_string_equal(arena_printf(a, "%s-%d", "x", 7), "x-7");
	assert_string_equal(arena_printf(a, "%s", ""), "");
	long_text = arena_printf(a, "%020000d", 1);
	assert_int_equal(strlen(long_text), 20000);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_cleared),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
