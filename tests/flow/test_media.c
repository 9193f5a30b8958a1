/* What the answer to a fetch means, and the addresses that we hand out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "flow/media/media.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define MAX (40 << 20)

static struct http_resp status(int n)
{
	return (struct http_resp){ .transport = TRANSPORT_OK,
		.sent = true,
		.status = n,
		.retry_after_msecs = -1 };
}

static struct http_resp broken(enum transport transport)
{
	return (struct http_resp){ .transport = transport, .retry_after_msecs = -1 };
}

static void test_statuses(void **state)
{
	static const struct {
		int status, tries;
		enum media_next next;
		int64_t wait_msecs;
		const char *why;
	} rows[] = {
		{ 200, 1, MEDIA_TAKE, 0, NULL },
		{ 203, 9, MEDIA_TAKE, 0, NULL },
		{ 206, 1, MEDIA_GIVE_UP, 0, "its server answered 206" },
		{ 302, 1, MEDIA_GIVE_UP, 0, "its server answered 302" },
		{ 400, 1, MEDIA_GIVE_UP, 0, "its server answered 400" },
		{ 401, 1, MEDIA_REFRESH, 0, "it is not there any more" },
		{ 403, 1, MEDIA_REFRESH, 0, "it is not there any more" },
		{ 410, 1, MEDIA_REFRESH, 0, "it is not there any more" },
		{ 404, 1, MEDIA_AGAIN, 1000, "it is not there any more" },
		{ 404, 4, MEDIA_AGAIN, 8000, "it is not there any more" },
		{ 404, 5, MEDIA_REFRESH, 0, "it is not there any more" },
		{ 500, 1, MEDIA_AGAIN, 1000, "its server answered 500" },
		{ 503, 6, MEDIA_AGAIN, 30000, "its server answered 503" },
		{ 503, 7, MEDIA_GIVE_UP, 30000, "its server answered 503" },
		{ 429, 2, MEDIA_AGAIN, 2000, "its server answered 429" },
	};
	struct arena *a = arena_new();
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		const struct http_resp resp = status(rows[i].status);
		const struct media_verdict v = media_judge(a, &resp, rows[i].tries, MAX);

		if (v.next != rows[i].next || v.wait_msecs != rows[i].wait_msecs)
			fail_msg("%d, %d tries: %d after %d ms", rows[i].status, rows[i].tries,
			    (int)v.next, (int)v.wait_msecs);
		if (rows[i].why != NULL)
			assert_string_equal(v.why, rows[i].why);
	}
	arena_free(a);
}

static void test_no_answer(void **state)
{
	struct http_resp forbidden = broken(TRANSPORT_CONNECT), unknown = forbidden,
			 disk = broken(TRANSPORT_CUT), busy = status(503), closed = disk;
	const struct http_resp large = broken(TRANSPORT_TOO_LARGE), cut = broken(TRANSPORT_CUT),
			       tls = broken(TRANSPORT_TLS), slow = broken(TRANSPORT_TIMEOUT),
			       down = broken(TRANSPORT_CONNECT);
	struct arena *a = arena_new();
	struct media_verdict v;

	(void)state;
	closed.is_silent = true;
	forbidden.is_forbidden = unknown.is_unknown = disk.is_disk = true;
	v = media_judge(a, &forbidden, 1, MAX);
	assert_int_equal(v.next, MEDIA_GIVE_UP);
	assert_string_equal(v.why, "its address is not a public one");
	v = media_judge(a, &large, 1, MAX);
	assert_int_equal(v.next, MEDIA_GIVE_UP);
	assert_string_equal(v.why, "larger than 40 MiB");
	assert_int_equal(media_judge(a, &unknown, 2, MAX).next, MEDIA_AGAIN);
	assert_int_equal(media_judge(a, &unknown, 3, MAX).next, MEDIA_GIVE_UP);
	assert_int_equal(media_judge(a, &cut, 2, MAX).next, MEDIA_AGAIN);
	assert_int_equal(media_judge(a, &cut, 3, MAX).next, MEDIA_GIVE_UP);
	assert_int_equal(media_judge(a, &closed, 6, MAX).next, MEDIA_AGAIN);
	assert_int_equal(media_judge(a, &closed, 7, MAX).next, MEDIA_GIVE_UP);
	assert_int_equal(media_judge(a, &tls, 3, MAX).next, MEDIA_GIVE_UP);
	assert_int_equal(media_judge(a, &slow, 3, MAX).next, MEDIA_GIVE_UP);
	assert_int_equal(media_judge(a, &down, 6, MAX).next, MEDIA_AGAIN);
	assert_int_equal(media_judge(a, &down, 7, MAX).next, MEDIA_GIVE_UP);
	v = media_judge(a, &disk, 7, MAX);
	assert_int_equal(v.next, MEDIA_GIVE_UP);
	assert_string_equal(v.why, "the relay has no room for it");
	busy.retry_after_msecs = 20000;
	assert_int_equal(media_judge(a, &busy, 1, MAX).wait_msecs, 20000);
	busy.retry_after_msecs = 3600000;
	assert_int_equal(media_judge(a, &busy, 1, MAX).wait_msecs, 30000);
	arena_free(a);
}

static void test_sizes(void **state)
{
	struct arena *a = arena_new();

	(void)state;
	assert_string_equal(media_size_words(a, 1), "1 bytes");
	assert_string_equal(media_size_words(a, 1500), "1500 bytes");
	assert_string_equal(media_size_words(a, 1000 << 10), "1000 KiB");
	assert_string_equal(media_size_words(a, 2147483648), "2 GiB");
	arena_free(a);
}

static void test_addresses(void **state)
{
	unsigned char key[INSTANCE_KEY_SIZE] = { 1 };
	struct arena *a = arena_new();
	const char *one, *two;
	struct keys keys;

	(void)state;
	keys_init(&keys, key);
	assert_null(media_address(a, &keys, NULL, 7, 1795206000, "a.png"));
	one = media_address(a, &keys, "https://r.example", 7, 1795206000, "a b/\xc3\xa9.png");
	assert_memory_equal(one, "https://r.example/media/7/1795206000/", 37);
	assert_string_equal(one + 37 + 32, "/a%20b%2F%C3%A9.png");
	two = media_address(a, &keys, "https://r.example", 8, 1795206000, "a.png");
	assert_true(memcmp(one + 37, two + 37, 32) != 0);
	two = media_address(a, &keys, "https://r.example", 7, 1795206001, "a.png");
	assert_true(memcmp(one + 37, two + 37, 32) != 0);
	key[0] = 2;
	keys_init(&keys, key);
	two = media_address(a, &keys, "https://r.example", 7, 1795206000, "a.png");
	assert_true(memcmp(one + 37, two + 37, 32) != 0);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_statuses),
		cmocka_unit_test(test_no_answer),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
