/* Headers, Retry-After, addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/http.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void test_header(void **state)
{
	static const struct http_header headers[] = {
		{ "Content-Type", "application/json", false },
		{ "X-Twice", "first", false },
		{ "x-twice", "second", false },
	};

	(void)state;
	assert_string_equal(http_header(headers, 3, "content-type"), "application/json");
	assert_string_equal(http_header(headers, 3, "X-TWICE"), "first");
	assert_null(http_header(headers, 3, "X-Other"));
	assert_null(http_header(headers, 1, "X-Twice"));
	assert_null(http_header(NULL, 0, "X-Twice"));
}

static void test_retry_after(void **state)
{
	static const struct {
		const char *value;
		int64_t msecs;
	} rows[] = {
		{ "0", 0 },
		{ "7", 7000 },
		{ "120", 120000 },
		{ "Sun, 06 Nov 1994 08:49:37 GMT", 2000 },
		{ "Sun, 06 Nov 1994 08:49:30 GMT", 0 },
		{ "-1", -1 },
		{ "1.5", -1 },
		{ "soon", -1 },
		{ "99999999999999999999", -1 },
		{ "", -1 },
		{ NULL, -1 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		assert_int_equal(http_retry_after(rows[i].value, 784111775000), rows[i].msecs);
}

static void test_encode(void **state)
{
	static const struct {
		const char *text, *encoded;
	} rows[] = {
		{ "aZ09-._~", "aZ09-._~" },
		{ "a b/c?d&e=f+g", "a%20b%2Fc%3Fd%26e%3Df%2Bg" },
		{ "\xc3\xa9%", "%C3%A9%25" },
		{ "", "" },
	};
	struct arena *a = arena_new();
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		assert_string_equal(http_encode(a, rows[i].text), rows[i].encoded);
	arena_free(a);
}

static void test_host(void **state)
{
	static const struct {
		const char *url, *host;
	} rows[] = {
		{ "https://chat.example.com", "chat.example.com" },
		{ "https://Chat.Example.COM:8443/a?b#c", "chat.example.com" },
		{ "http://user:pass@example.com/x@y", "example.com" },
		{ "http://[::1]:3000/", "::1" },
		{ "http://example.com?q=1", "example.com" },
		{ "example.com/x", NULL },
		{ "https://", NULL },
		{ "https:///x", NULL },
		{ "", NULL },
	};
	struct arena *a = arena_new();
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		const char *host = http_host(a, rows[i].url);

		if (rows[i].host == NULL)
			assert_null(host);
		else
			assert_string_equal(host, rows[i].host);
	}
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_retry_after),
		cmocka_unit_test(test_encode),
		cmocka_unit_test(test_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
