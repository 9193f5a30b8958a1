/* See secret.h. */
#include "base/secret.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

#define SHA256_BLOCK 64

/* Looked up once: OpenSSL would do it anew for each digest, which takes longer than a short digest. */
static const EVP_MD *sha256_kind;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void find_sha256(void)
{
	sha256_kind = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (sha256_kind == NULL)
		abort(); /* SHA-256 is always there; without it nothing is safe */
}

static const EVP_MD *sha256_md(void)
{
	pthread_once(&once, find_sha256);
	return sha256_kind;
}

void sha256(const void *data, size_t len, unsigned char out[SHA256_SIZE])
{
	if (EVP_Digest(data, len, out, NULL, sha256_md(), NULL) != 1)
		abort();
}

/* It is the library's own context. */
struct sha256_sum *sha256_begin(void)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (ctx == NULL || EVP_DigestInit_ex2(ctx, sha256_md(), NULL) != 1)
		abort();
	return (struct sha256_sum *)ctx;
}

void sha256_add(struct sha256_sum *s, const void *data, size_t len)
{
	if (EVP_DigestUpdate((EVP_MD_CTX *)s, data, len) != 1)
		abort();
}

void sha256_end(struct sha256_sum *s, unsigned char out[SHA256_SIZE])
{
	unsigned char sum[SHA256_SIZE];

	if (EVP_DigestFinal_ex((EVP_MD_CTX *)s, sum, NULL) != 1)
		abort();
	if (out != NULL)
		memcpy(out, sum, sizeof(sum));
	EVP_MD_CTX_free((EVP_MD_CTX *)s);
}

void hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
    unsigned char out[SHA256_SIZE])
{
	hmac_sha256_joined(key, key_len, data, len, NULL, 0, out);
}

static void fill_pad(unsigned char pad[SHA256_BLOCK], const unsigned char *key, size_t len,
    unsigned char with)
{
	size_t i;

	memset(pad, with, SHA256_BLOCK);
	for (i = 0; i < len; i++)
		pad[i] ^= key[i];
}

/* RFC 2104, over the digest: OpenSSL's own HMAC sets up four times as much as it hashes. */
void hmac_sha256_joined(const void *key, size_t key_len, const void *head, size_t head_len,
    const void *tail, size_t tail_len, unsigned char out[SHA256_SIZE])
{
	unsigned char short_key[SHA256_SIZE], pad[SHA256_BLOCK], inner[SHA256_SIZE];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (key_len > SHA256_BLOCK) {
		sha256(key, key_len, short_key);
		key = short_key;
		key_len = SHA256_SIZE;
	}
	fill_pad(pad, key, key_len, 0x36);
	if (ctx == NULL || EVP_DigestInit_ex2(ctx, sha256_md(), NULL) != 1
	    || EVP_DigestUpdate(ctx, pad, sizeof(pad)) != 1
	    || EVP_DigestUpdate(ctx, head, head_len) != 1
	    || EVP_DigestUpdate(ctx, tail, tail_len) != 1
	    || EVP_DigestFinal_ex(ctx, inner, NULL) != 1)
		abort();
	fill_pad(pad, key, key_len, 0x5c);
	if (EVP_DigestInit_ex2(ctx, sha256_md(), NULL) != 1
	    || EVP_DigestUpdate(ctx, pad, sizeof(pad)) != 1
	    || EVP_DigestUpdate(ctx, inner, sizeof(inner)) != 1
	    || EVP_DigestFinal_ex(ctx, out, NULL) != 1)
		abort();
	EVP_MD_CTX_free(ctx);
	OPENSSL_cleanse(pad, sizeof(pad));
}

void hex_encode(const unsigned char *in, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < len; i++) {
		out[2 * i] = digits[in[i] >> 4];
		out[2 * i + 1] = digits[in[i] & 15];
	}
	out[2 * len] = '\0';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int hex_decode(const char *in, unsigned char *out, size_t len)
{
	size_t i;
	int high, low;

	for (i = 0; i < len; i++) {
		high = hex_digit(in[2 * i]);
		low = high < 0 ? -1 : hex_digit(in[2 * i + 1]);
		if (low < 0)
			return -1;
		out[i] = (unsigned char)(high << 4 | low);
	}
	return 0;
}

bool secret_equal_bytes(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

bool secret_equal(const char *a, const char *b)
{
	if (a == NULL || b == NULL || strlen(a) != strlen(b))
		return false;
	return secret_equal_bytes(a, b, strlen(a));
}

void random_bytes(void *out, size_t len)
{
	if (RAND_bytes(out, (int)len) != 1)
		abort();
}

void random_text(char *out, size_t len)
{
	static const char set[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
	unsigned char byte;
	size_t i;

	for (i = 0; i < len; i++) {
		random_bytes(&byte, 1);
		out[i] = set[byte & 63];
	}
	out[len] = '\0';
}

char *base64_encode(struct arena *a, const void *data, size_t len)
{
	char *out = arena_alloc(a, 4 * ((len + 2) / 3) + 1);

	EVP_EncodeBlock((unsigned char *)out, data, (int)len);
	return out;
}

unsigned char *base64_decode(struct arena *a, const char *text, size_t *len)
{
	size_t n = strlen(text), padding = n - strcspn(text, "=");
	unsigned char *out = arena_alloc(a, n / 4 * 3 + 1);
	int got = n % 4 == 0 && padding <= 2
	    ? EVP_DecodeBlock(out, (const unsigned char *)text, (int)n)
	    : -1;

	if (got < 0)
		return NULL;
	*len = (size_t)got - padding;
	return out;
}

char *base64url_encode(struct arena *a, const void *data, size_t len)
{
	char *out = base64_encode(a, data, len);
	char *p;

	for (p = out; *p != '\0' && *p != '='; p++) {
		if (*p == '+')
			*p = '-';
		else if (*p == '/')
			*p = '_';
	}
	*p = '\0';
	return out;
}

char *jwt_hs256(struct arena *a, const char *claims, const char *secret)
{
	static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
	unsigned char mac[SHA256_SIZE];
	char *signed_part;

	signed_part = arena_printf(a, "%s.%s", base64url_encode(a, header, strlen(header)),
	    base64url_encode(a, claims, strlen(claims)));
	hmac_sha256(secret, strlen(secret), signed_part, strlen(signed_part), mac);
	return arena_printf(a, "%s.%s", signed_part, base64url_encode(a, mac, sizeof(mac)));
}

const char *secret_library(void)
{
	return OpenSSL_version(OPENSSL_VERSION_STRING);
}
