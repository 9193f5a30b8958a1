/* See utf8.h. What is wrong is replaced as Unicode recommends (chapter 3, "maximal subpart"): one
 * U+FFFD for the longest run of bytes that could have begun a character. */
#include "base/utf8.h"

#include <string.h>

#include "base/arena.h"

#define HIGH_BITS 0x8080808080808080u

/* Length that a first byte announces, and what the second byte may be: all that RFC 3629 forbids
 * shows in these two bytes. */
static int lead(unsigned char c, unsigned char *low, unsigned char *high)
{
	*low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
	*high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
	if (c < 0x80)
		return 1;
	if (c < 0xc2)
		return 0;
	if (c < 0xe0)
		return 2;
	if (c < 0xf0)
		return 3;
	return c < 0xf5 ? 4 : 0;
}

int utf8_decode(const char *s, size_t len, uint32_t *code)
{
	static const unsigned char mask[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	unsigned char c = (unsigned char)s[0], low, high;
	int i, size = lead(c, &low, &high);

	*code = c & mask[size];
	for (i = 1; i < size; i++) {
		c = (size_t)i < len ? (unsigned char)s[i] : 0;
		if (c < low || c > high)
			break;
		*code = *code << 6 | (c & 0x3f);
		low = 0x80;
		high = 0xbf;
	}
	if (i == size || size == 1)
		return size;
	*code = 0xfffd;
	return -i;
}

size_t utf8_encode(uint32_t code, char out[4])
{
	if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		code = 0xfffd;
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 0x3f));
		out[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 0x3f));
	out[2] = (char)(0x80 | (code >> 6 & 0x3f));
	out[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

/* Most text is mostly ASCII: eight bytes at a time. */
static size_t ascii_len(const char *s, size_t len)
{
	size_t i = 0;
	uint64_t eight;

	for (; len - i >= sizeof(eight); i += sizeof(eight)) {
		memcpy(&eight, s + i, sizeof(eight));
		if ((eight & HIGH_BITS) != 0)
			break;
	}
	while (i < len && (unsigned char)s[i] < 0x80)
		i++;
	return i;
}

size_t utf8_valid_len(const char *s, size_t len)
{
	size_t i = 0;
	uint32_t code;
	int size;

	for (;;) {
		i += ascii_len(s + i, len - i);
		if (i == len)
			return len;
		size = utf8_decode(s + i, len - i, &code);
		if (size < 0)
			return i;
		i += (size_t)size;
	}
}

bool utf8_valid(const char *s, size_t len)
{
	return utf8_valid_len(s, len) == len;
}

bool utf8_incomplete(const char *s, size_t len)
{
	unsigned char low, high;
	uint32_t code;

	return len > 0 && len <= 3 && lead((unsigned char)s[0], &low, &high) > (int)len
	    && utf8_decode(s, len, &code) == -(int)len;
}

/* Bytes of the character at s, right or wrong. */
static size_t step(const char *s, size_t len)
{
	uint32_t code;
	int size = utf8_decode(s, len, &code);

	return (size_t)(size < 0 ? -size : size);
}

size_t utf8_points(const char *s, size_t len)
{
	size_t i, points = 0;

	for (i = 0; i < len; i += step(s + i, len - i))
		points++;
	return points;
}

size_t utf8_cut_bytes(const char *s, size_t len, size_t max)
{
	size_t i, back, size;

	if (len <= max)
		return len;
	/* Only the last three bytes within max can have begun a character that ends behind it. */
	for (back = 1; back <= 3 && back <= max; back++) {
		i = max - back;
		if (((unsigned char)s[i] & 0xc0) == 0x80)
			continue;
		size = step(s + i, len - i);
		return i + size > max ? i : max;
	}
	return max;
}

size_t utf8_cut_points(const char *s, size_t len, size_t max)
{
	size_t i;

	for (i = 0; i < len && max > 0; max--)
		i += step(s + i, len - i);
	return i;
}

char *utf8_repair(struct arena *a, const char *s, size_t len, size_t *out_len)
{
	size_t i, good;
	char *out, *o;

	/* One wrong byte may become three. */
	out = o = arena_alloc(a, (utf8_valid(s, len) ? len : 3 * len) + 1);
	for (i = 0; i < len; i += step(s + i, len - i)) {
		good = utf8_valid_len(s + i, len - i);
		memcpy(o, s + i, good);
		o += good;
		i += good;
		if (i == len)
			break;
		memcpy(o, UTF8_REPLACEMENT, 3);
		o += 3;
	}
	*o = '\0';
	if (out_len != NULL)
		*out_len = (size_t)(o - out);
	return out;
}
