/* Digests, tokens and comparison in constant time. The home of OpenSSL. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

#define SHA256_SIZE 32

void sha256(const void *data, size_t len, unsigned char out[SHA256_SIZE]);
void hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
    unsigned char out[SHA256_SIZE]);
/* Over two pieces as if they stood together, so that a large body need not be copied. */
void hmac_sha256_joined(const void *key, size_t key_len, const void *head, size_t head_len,
    const void *tail, size_t tail_len, unsigned char out[SHA256_SIZE]);
/* Of something that comes piece by piece. */
struct sha256_sum;
struct sha256_sum *sha256_begin(void);
void sha256_add(struct sha256_sum *s, const void *data, size_t len);
void sha256_end(struct sha256_sum *s,
    unsigned char out[SHA256_SIZE]); /* s is gone; out may be NULL */
/* Lower-case hex of len bytes, NUL-terminated: out holds 2 * len + 1. */
void hex_encode(const unsigned char *in, size_t len, char *out);
/* Reads 2 * len hex digits of either case. -1 where they are not. */
int hex_decode(const char *in, unsigned char *out, size_t len);

/* Equal, taking the same time wherever they differ. NULL equals nothing. Lengths may show. */
bool secret_equal(const char *a, const char *b);
bool secret_equal_bytes(const void *a, const void *b, size_t len);

void random_bytes(void *out, size_t len); /* aborts where the system has none */
/* A random text of len characters of [A-Za-z0-9_-], NUL-terminated; out holds len + 1. */
void random_text(char *out, size_t len);

char *base64_encode(struct arena *a, const void *data, size_t len);
/* NULL: it is none. *len is how much came out. */
unsigned char *base64_decode(struct arena *a, const char *text, size_t *len);
/* base64url without padding (RFC 7515 2). */
char *base64url_encode(struct arena *a, const void *data, size_t len);

/* A JWT over claims (a JSON text), HS256 (RFC 7515). */
char *jwt_hs256(struct arena *a, const char *claims, const char *secret);

/* The version of the library behind it. */
const char *secret_library(void);

#endif
