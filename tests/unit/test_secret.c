/* Digests against the published vectors, encodings, comparison. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/secret.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void test_digests(void **state)
{
	unsigned char out[SHA256_SIZE];
	char hex[2 * SHA256_SIZE + 1];

	(void)state;
	sha256("abc", 3, out); /* FIPS 180-4 */
	hex_encode(out, sizeof(out), hex);
	assert_string_equal(hex,
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	sha256("", 0, out);
	hex_encode(out, sizeof(out), hex);
	assert_string_equal(hex,
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, out); /* RFC 4231, 2 */
	hex_encode(out, sizeof(out), hex);
	assert_string_equal(hex,
	    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

static void test_hex(void **state)
{
	unsigned char out[3];
	char text[7];

	(void)state;
	assert_int_equal(hex_decode("00fFaB", out, 3), 0);
	assert_memory_equal(out, "\x00\xff\xab", 3);
	hex_encode(out, 3, text);
	assert_string_equal(text, "00ffab");
	assert_int_equal(hex_decode("00f", out, 2), -1);
	assert_int_equal(hex_decode("0g", out, 1), -1);
	assert_int_equal(hex_decode("", out, 1), -1);
}

static void test_equal(void **state)
{
	static const struct {
		const char *a, *b;
		bool equal;
	} rows[] = {
		{ "abc", "abc", true },
		{ "", "", true },
		{ "abc", "abd", false },
		{ "abc", "ab", false },
		{ "", "a", false },
		{ "abc", NULL, false },
		{ NULL, "abc", false },
		{ NULL, NULL, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		assert_int_equal(secret_equal(rows[i].a, rows[i].b), rows[i].equal);
	assert_true(secret_equal_bytes("a\0b", "a\0b", 3));
	assert_false(secret_equal_bytes("a\0b", "a\0c", 3));
}

static void test_base64(void **state)
{
	static const struct {
		const char *data;
		size_t len;
		const char *text, *url;
	} rows[] = {
		/* RFC 4648, 10; then the letters that differ */
		{ "", 0, "", "" },
		{ "f", 1, "Zg==", "Zg" },
		{ "fo", 2, "Zm8=", "Zm8" },
		{ "foo", 3, "Zm9v", "Zm9v" },
		{ "\xfb\xff\xbf", 3, "+/+/", "-_-_" },
		{ "\xff\0", 2, "/wA=", "_wA" },
	};
	struct arena *a = arena_new();
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		assert_string_equal(base64_encode(a, rows[i].data, rows[i].len), rows[i].text);
		assert_string_equal(base64url_encode(a, rows[i].data, rows[i].len), rows[i].url);
	}
	arena_free(a);
}

static void test_jwt(void **state)
{
	struct arena *a = arena_new();

	(void)state;
	assert_string_equal(jwt_hs256(a,
				"{\"sub\":\"1234567890\",\"name\":\"John Doe\",\"iat\":1516239022}",
				"your-256-bit-secret"),
	    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
	    ".eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ"
	    ".SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c");
	arena_free(a);
}

static void test_random(void **state)
{
	char one[33], two[33];

	(void)state;
	random_text(one, 32);
	random_text(two, 32);
	assert_int_equal(strlen(one), 32);
	assert_int_equal(strspn(one,
			     "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"),
	    32);
	assert_string_not_equal(one, two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digests),
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_jwt),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
