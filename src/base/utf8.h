/* UTF-8, strictly as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

#define UTF8_REPLACEMENT "\xef\xbf\xbd"      /* U+FFFD */
#define UTF8_ZERO_WIDTH_SPACE "\xe2\x80\x8b" /* U+200B */

/* The code point that s begins with. Returns its length in bytes, 1 to 4. Where s does not begin
 * with one: minus the number of bytes, 1 to 3, that one U+FFFD stands for, and *code is U+FFFD. len
 * must not be 0. */
int utf8_decode(const char *s, size_t len, uint32_t *code);
/* Writes code without a NUL and returns how many bytes; U+FFFD for what is not a character. */
size_t utf8_encode(uint32_t code, char out[4]);

/* Offset of the first byte of the first sequence that is wrong; len where all is right. */
size_t utf8_valid_len(const char *s, size_t len);
bool utf8_valid(const char *s, size_t len);
/* The bytes are the beginning of one character whose rest is missing. */
bool utf8_incomplete(const char *s, size_t len);

/* How many code points; of what is wrong, as many as U+FFFD would replace it. */
size_t utf8_points(const char *s, size_t len);
/* How many bytes the longest beginning has that ends between code points and is within max bytes, or
 * within max code points. */
size_t utf8_cut_bytes(const char *s, size_t len, size_t max);
size_t utf8_cut_points(const char *s, size_t len, size_t max);

/* A copy with U+FFFD for what is wrong, NUL-terminated; *out_len may be NULL. */
char *utf8_repair(struct arena *a, const char *s, size_t len, size_t *out_len);

#endif
