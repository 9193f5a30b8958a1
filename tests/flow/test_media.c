/* What the answer to a fetch means, and the addresses that we hand out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "flow/media/media.h"
#include "flow/media/media_patience.h"

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

/* It is the nth answer of its kind. */
static struct media_verdict judge(struct arena *a, const struct http_resp *resp, int n)
{
	struct media_tries tries = { { n - 1, n - 1, n - 1 } };

	return media_judge(a, resp, &tries, MAX);
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
		const struct media_verdict v = judge(a, &resp, rows[i].tries);

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
	v = judge(a, &forbidden, 1);
	assert_int_equal(v.next, MEDIA_GIVE_UP);
	assert_string_equal(v.why, "its address is not a public one");
	v = judge(a, &large, 1);
	assert_int_equal(v.next, MEDIA_GIVE_UP);
	assert_string_equal(v.why, "larger than 40 MiB");
	assert_int_equal(judge(a, &unknown, 2).next, MEDIA_AGAIN);
	assert_int_equal(judge(a, &unknown, 3).next, MEDIA_GIVE_UP);
	assert_int_equal(judge(a, &cut, 2).next, MEDIA_AGAIN);
	assert_int_equal(judge(a, &cut, 3).next, MEDIA_GIVE_UP);
	assert_int_equal(judge(a, &closed, 6).next, MEDIA_AGAIN);
	assert_int_equal(judge(a, &closed, 7).next, MEDIA_GIVE_UP);
	assert_int_equal(judge(a, &tls, 3).next, MEDIA_GIVE_UP);
	assert_int_equal(judge(a, &slow, 3).next, MEDIA_GIVE_UP);
	assert_int_equal(judge(a, &down, 6).next, MEDIA_AGAIN);
	assert_int_equal(judge(a, &down, 7).next, MEDIA_GIVE_UP);
	v = judge(a, &disk, 7);
	assert_int_equal(v.next, MEDIA_GIVE_UP);
	assert_string_equal(v.why, "the relay has no room for it");
	busy.retry_after_msecs = 20000;
	assert_int_equal(judge(a, &busy, 1).wait_msecs, 20000);
	busy.retry_after_msecs = 3600000;
	assert_int_equal(judge(a, &busy, 1).wait_msecs, 30000);
	arena_free(a);
}

/* A server that was down, and breaks off or has lost it when it is back, has its tries as ever; and what was asked
 * for too often may be to be had later, unless it is gone. */
static void test_one_after_the_other(void **state)
{
	const struct http_resp down = broken(TRANSPORT_CONNECT), cut = broken(TRANSPORT_CUT),
			       gone = status(404), busy = status(502);
	struct media_tries tries = { { 0 } };
	struct arena *a = arena_new();
	struct media_verdict v;
	int i;

	(void)state;
	for (i = 0; i < 6; i++)
		assert_int_equal(media_judge(a, i % 2 == 0 ? &down : &busy, &tries, MAX).next,
		    MEDIA_AGAIN);
	for (i = 0; i < 2; i++) {
		v = media_judge(a, &cut, &tries, MAX);
		assert_int_equal(v.next, MEDIA_AGAIN);
		assert_int_equal(v.wait_msecs, 1000 << i);
	}
	for (i = 0; i < 4; i++)
		assert_int_equal(media_judge(a, &gone, &tries, MAX).next, MEDIA_AGAIN);
	v = media_judge(a, &gone, &tries, MAX);
	assert_int_equal(v.next, MEDIA_REFRESH);
	assert_false(v.may_pass);
	v = media_judge(a, &down, &tries, MAX);
	assert_int_equal(v.next, MEDIA_GIVE_UP);
	assert_true(v.may_pass);
	v = media_judge(a, &cut, &tries, MAX);
	assert_int_equal(v.next, MEDIA_GIVE_UP);
	assert_true(v.may_pass);
	arena_free(a);
}

#define DAY (24 * 3600 * 1000)

/* Who is in no hurry waits for a server that serves nobody, and each server is waited for once. */
static void test_patience(void **state)
{
	struct media_hosts hosts;
	struct media_past past = { .failed_ms = 1000 }, other = { .failed_ms = 5000 };
	int64_t now_ms = 1000, wait;

	(void)state;
	media_hosts_init(&hosts);
	media_host_served(&hosts, "a.example", 1);
	media_host_failed(&hosts, "a.example", now_ms);
	assert_int_equal(media_patience(&hosts, "a.example", &past, DAY, now_ms), 30000);
	while ((wait = media_patience(&hosts, "a.example", &past, DAY, now_ms)) > 0) {
		assert_in_range(wait, 30000, 120000);
		now_ms += wait;
		past.waits++;
		media_host_failed(&hosts, "a.example", now_ms);
	}
	assert_in_range(now_ms, DAY, DAY + 121000);
	assert_in_range(past.waits, 720, 722);
	assert_int_equal(media_patience(&hosts, "a.example", &other, DAY, now_ms), -1);
	/* One that has never served may be gone for good. */
	media_host_failed(&hosts, "b.example", now_ms);
	assert_int_equal(media_patience(&hosts, "b.example", &other, DAY, now_ms), 30000);
	assert_int_equal(media_patience(&hosts, "b.example", &other, DAY, now_ms + DAY / 24 - 1),
	    30000);
	assert_int_equal(media_patience(&hosts, "b.example", &other, DAY, now_ms + DAY / 24), -1);
	/* It serves again: what it does not serve then is asked for a few times more. */
	media_host_served(&hosts, "a.example", now_ms);
	past.waits = 9;
	assert_int_equal(media_patience(&hosts, "a.example", &past, DAY, now_ms), 120000);
	past.waits = 10;
	assert_int_equal(media_patience(&hosts, "a.example", &past, DAY, now_ms), -1);
	/* It is down once more, which is another time for those that fail since. */
	other.failed_ms = now_ms + 1;
	media_host_failed(&hosts, "a.example", now_ms + 1);
	assert_int_equal(media_patience(&hosts, "a.example", &other, DAY, now_ms + 2), 30000);
	media_hosts_fini(&hosts);
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
		cmocka_unit_test(test_one_after_the_other),
		cmocka_unit_test(test_patience),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
