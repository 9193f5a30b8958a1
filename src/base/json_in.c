/* Reading goes over the body three times, each time once from front to back:
 *
 *   1. A copy is made in the arena.
 *   2. repair() checks its UTF-8 and replaces escapes of lone surrogates by \ufffd. Nothing moves, so
 *      what is at an offset in the copy was there in the body.
 *   3. yajl walks over the copy and calls the on_… functions, which build the tree.
 *
 * The tree points into the copy, and the NUL behind a text stands where its closing quote was. That is
 * allowed because yajl reads forward only: when it reports a string, it has passed the quote. A
 * number's end is still needed to know the comma or bracket there, so its NUL is set at the next
 * call. Only texts with escapes are copied once more, from yajl's own buffer.
 *
 * What yajl says about errors is worded for people and often points behind the mistake, so the place
 * is found here: it is the first token behind the last one that was reported as good. */
#include "base/json_in.h"

#include <stdalign.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>
#include <yajl/yajl_version.h>

#include "base/arena.h"
#include "base/utf8.h"

#define DIGITS "0123456789"

struct builder {
	struct arena *arena;
	yajl_handle yajl;
	char *copy; /* what yajl reads; changed in place */
	size_t len;
	struct json *root;
	struct json *open[JSON_MAX_DEPTH]; /* containers not closed yet, outermost first */
	struct json *last[JSON_MAX_DEPTH]; /* newest child of each */
	unsigned depth;
	const char *key;  /* seen, its value not yet */
	char *number_end; /* where a NUL is due */
	size_t good;      /* end of the last token that was reported */
	bool too_deep;
};

/* --- before yajl ------------------------------------------------------------------------------- */

static bool one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

static const char *skip_blanks(const char *p, const char *end)
{
	while (p < end && one_of(*p, " \t\r\n"))
		p++;
	return p;
}

/* Bytes from p on that are ASCII and no backslash, eight at a time. */
static size_t plain_len(const char *p, size_t len)
{
	const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
	uint64_t eight, differs;
	size_t i = 0;

	for (; len - i >= sizeof(eight); i += sizeof(eight)) {
		memcpy(&eight, p + i, sizeof(eight));
		differs = eight ^ ones * '\\'; /* a zero byte where a backslash is */
		if (((eight | (differs - ones)) & highs) != 0)
			break;
	}
	while (i < len && (unsigned char)p[i] < 0x80 && p[i] != '\\')
		i++;
	return i;
}

/* The number that \uXXXX at p gives; -1 where there is no such escape. */
static long escape(const char *p, const char *end)
{
	char digits[5];
	size_t i;

	if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
		return -1;
	memcpy(digits, p + 2, 4);
	digits[4] = '\0';
	for (i = 0; i < 4; i++)
		if (!one_of(digits[i], DIGITS "abcdefABCDEF"))
			return -1;
	return strtol(digits, NULL, 16);
}

/* p is at a backslash. Returns how far to go on. What stands behind is looked at only where it is
 * part of the escape; whether the escape is allowed is for yajl to say. */
static size_t repair_escape(char *p, const char *end)
{
	long code = escape(p, end);
	long next;

	if (code < 0)
		return end - p >= 2 && (p[1] == '\\' || p[1] == '"') ? 2 : 1;
	if ((code & 0xf800) != 0xd800)
		return 6;
	next = (code & 0xfc00) == 0xd800 ? escape(p + 6, end) : -1;
	if (next >= 0 && (next & 0xfc00) == 0xdc00)
		return 12;
	memcpy(p, "\\ufffd", 6);
	return 6;
}

/* Step 2. Returns the offset of the first byte that is not UTF-8, or len. */
static size_t repair(char *copy, size_t len)
{
	size_t i = 0;
	uint32_t code;
	int size;

	for (;;) {
		i += plain_len(copy + i, len - i);
		if (i == len)
			return len;
		if (copy[i] == '\\') {
			i += repair_escape(copy + i, copy + len);
			continue;
		}
		size = utf8_decode(copy + i, len - i, &code);
		if (size < 0)
			return i;
		i += (size_t)size;
	}
}

/* yajl takes vertical tab and form feed for blanks. They are allowed nowhere in JSON. */
static size_t before_false_blank(const char *copy, size_t len)
{
	const char *p = memchr(copy, '\v', len);

	if (p != NULL)
		len = (size_t)(p - copy);
	p = memchr(copy, '\f', len);
	return p != NULL ? (size_t)(p - copy) : len;
}

/* --- what yajl reports ------------------------------------------------------------------------- */

static void end_number(struct builder *b)
{
	if (b->number_end != NULL)
		*b->number_end = '\0';
	b->number_end = NULL;
}

/* Every on_… begins with this. */
static void passed(struct builder *b)
{
	end_number(b);
	b->good = yajl_get_bytes_consumed(b->yajl);
}

static struct json *add(struct builder *b, enum json_type type, const char *text, size_t len)
{
	struct json *j = arena_alloc(b->arena, sizeof(*j));
	struct json *parent;

	*j = (struct json){ .type = type, .text = text, .len = len, .key = b->key };
	b->key = NULL;
	if (b->depth == 0) {
		b->root = j;
		return j;
	}
	parent = b->open[b->depth - 1];
	if (parent->child == NULL)
		parent->child = j;
	else
		b->last[b->depth - 1]->next = j;
	b->last[b->depth - 1] = j;
	parent->count++;
	return j;
}

static bool in_copy(const struct builder *b, const char *s)
{
	return s >= b->copy && s < b->copy + b->len;
}

/* A text that yajl decoded. Its NULs are left out. */
static const char *keep_decoded(struct builder *b, const char *s, size_t *len)
{
	char *kept = arena_memdup(b->arena, s, *len);
	char *from, *to = memchr(kept, '\0', *len);

	if (to == NULL)
		return kept;
	for (from = to; from < kept + *len; from++)
		if (*from != '\0')
			*to++ = *from;
	*to = '\0';
	*len = (size_t)(to - kept);
	return kept;
}

static const char *keep_text(struct builder *b, const unsigned char *text, size_t *len)
{
	const char *s = (const char *)text;

	if (!in_copy(b, s))
		return keep_decoded(b, s, len);
	b->copy[s - b->copy + (ptrdiff_t)*len] = '\0'; /* the closing quote */
	return s;
}

static int on_null(void *ctx)
{
	passed(ctx);
	add(ctx, JSON_NULL, NULL, 0);
	return 1;
}

static int on_boolean(void *ctx, int value)
{
	passed(ctx);
	add(ctx, value ? JSON_TRUE : JSON_FALSE, NULL, 0);
	return 1;
}

static int on_number(void *ctx, const char *text, size_t len)
{
	struct builder *b = ctx;

	passed(b);
	if (in_copy(b, text))
		b->number_end = b->copy + (text - b->copy) + len;
	else
		text = arena_memdup(b->arena, text, len); /* the body ends with it */
	add(b, JSON_NUMBER, text, len);
	return 1;
}

static int on_string(void *ctx, const unsigned char *text, size_t len)
{
	const char *s;

	passed(ctx);
	s = keep_text(ctx, text, &len);
	add(ctx, JSON_STRING, s, len);
	return 1;
}

static int on_key(void *ctx, const unsigned char *text, size_t len)
{
	struct builder *b = ctx;

	passed(b);
	b->key = keep_text(b, text, &len);
	return 1;
}

static int on_start(struct builder *b, enum json_type type)
{
	struct json *j;

	if (b->depth == JSON_MAX_DEPTH) {
		b->too_deep = true;
		return 0; /* yajl stops */
	}
	passed(b);
	j = add(b, type, NULL, 0);
	b->open[b->depth++] = j;
	return 1;
}

static int on_start_object(void *ctx)
{
	return on_start(ctx, JSON_OBJECT);
}

static int on_start_array(void *ctx)
{
	return on_start(ctx, JSON_ARRAY);
}

static int on_end(void *ctx)
{
	struct builder *b = ctx;

	passed(b);
	b->depth--;
	return 1;
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_boolean,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_map_key = on_key,
	.yajl_start_map = on_start_object,
	.yajl_end_map = on_end,
	.yajl_start_array = on_start_array,
	.yajl_end_array = on_end,
};

/* --- where it went wrong ----------------------------------------------------------------------- */

static struct json *fail(struct json_error *error, enum json_fault fault, size_t offset,
    const char *detail)
{
	*error = (struct json_error){ .fault = fault, .offset = offset, .detail = detail };
	return NULL;
}

/* Start of the first token that was not reported. Behind the last good one only blanks, and a comma or
 * colon where one was due, may have been passed. *misplaced: whatever it is, it may not begin here. */
static const char *next_token(const struct builder *b, const char *text, bool *misplaced)
{
	const char *end = text + b->len;
	const char *p = skip_blanks(text + b->good, end);
	const struct json *in = b->depth > 0 ? b->open[b->depth - 1] : NULL;
	bool due = in != NULL && (b->key != NULL || in->child != NULL);

	*misplaced = false;
	if (due && p < end && *p != (b->key != NULL ? ':' : ',')) {
		*misplaced = true;
		return p;
	}
	if (due && p < end)
		p = skip_blanks(p + 1, end);
	if (in != NULL && in->type == JSON_OBJECT && b->key == NULL)
		*misplaced = p < end && *p != '"';
	return p;
}

static struct json *fail_not_json(const struct builder *b, const char *text,
    struct json_error *error)
{
	bool misplaced;
	const char *token = next_token(b, text, &misplaced);
	size_t start = (size_t)(token - text), offset = yajl_get_bytes_consumed(b->yajl);
	unsigned char *said = yajl_get_error(b->yajl, 0, NULL, 0);
	bool lexical = strncmp((const char *)said, "lexical", 7) == 0;

	yajl_free_error(b->yajl, said);
	if (misplaced)
		return fail(error, JSON_NOT_JSON, start, "unexpected character");
	/* Within strings, numbers and words yajl points at the wrong byte itself. */
	if (lexical && *token == '"')
		return fail(error, JSON_NOT_JSON, offset,
		    (unsigned char)text[offset] < 0x20 ? "control character inside a string"
						       : "bad escape inside a string");
	if (lexical && one_of(*token, "-" DIGITS))
		return fail(error, JSON_NOT_JSON, offset, "bad number");
	if (lexical && one_of(*token, "tfn"))
		return fail(error, JSON_NOT_JSON, offset, "unknown word");
	return fail(error, JSON_NOT_JSON, start, "unexpected character");
}

static struct json *fail_truncated(const struct builder *b, const char *text,
    struct json_error *error)
{
	bool misplaced;
	const char *token = next_token(b, text, &misplaced);
	char c = token < text + b->len ? *token : '\0';
	const char *detail = "body ends before a value";

	if (misplaced)
		return fail(error, JSON_NOT_JSON, (size_t)(token - text), "unexpected character");
	if (c == '"')
		detail = "body ends inside a string";
	else if (one_of(c, "-" DIGITS))
		detail = "body ends inside a number";
	else if (one_of(c, "tfn"))
		detail = "body ends inside a word";
	else if (b->depth > 0)
		detail = b->open[b->depth - 1]->type == JSON_OBJECT ? "body ends inside an object"
								    : "body ends inside an array";
	return fail(error, JSON_TRUNCATED, b->len, detail);
}

/* --- all of it --------------------------------------------------------------------------------- */

/* What yajl asks for, half a dozen small pieces, goes with the tree. The size stands before each. */
#define HEAD_SIZE alignof(max_align_t)

static void *on_malloc(void *arena, size_t size)
{
	char *p = arena_alloc(arena, HEAD_SIZE + size);

	memcpy(p, &size, sizeof(size));
	return p + HEAD_SIZE;
}

static void *on_realloc(void *arena, void *old, size_t size)
{
	void *p = on_malloc(arena, size);
	size_t before;

	if (old == NULL)
		return p;
	memcpy(&before, (char *)old - HEAD_SIZE, sizeof(before));
	return memcpy(p, old, before < size ? before : size);
}

static void on_release(void *arena, void *p)
{
	(void)arena, (void)p;
}

/* Step 3. text is the body as it was: in the copy quotes are missing by now. whole is its length
 * where b->len leaves out an end that is known to be wrong. */
static struct json *parse(struct builder *b, const char *text, size_t whole,
    struct json_error *error)
{
	yajl_status status = yajl_parse(b->yajl, (const unsigned char *)b->copy, b->len);
	const char *rest;

	if (b->too_deep)
		return fail(error, JSON_TOO_DEEP, yajl_get_bytes_consumed(b->yajl) - 1,
		    "more than 64 levels");
	if (status != yajl_status_ok)
		return fail_not_json(b, text, error);
	if (b->root == NULL && b->len == whole && yajl_complete_parse(b->yajl) == yajl_status_ok)
		return b->root; /* a number: only the end of the body ended it */
	if (b->root != NULL && b->depth == 0) {
		rest = skip_blanks(text + b->good, text + whole);
		if (rest == text + whole)
			return b->root;
		return fail(error, JSON_NOT_JSON, (size_t)(rest - text),
		    "something follows the value");
	}
	if (b->len < whole && (text[b->len] == '\v' || text[b->len] == '\f'))
		return fail(error, JSON_NOT_JSON, b->len, "unexpected character");
	if (b->len < whole)
		return fail(error, JSON_TRUNCATED, whole, "body ends inside a character");
	return fail_truncated(b, text, error);
}

static struct json *read_value(struct arena *a, const char *text, size_t len,
    struct json_error *error)
{
	yajl_alloc_funcs memory = { on_malloc, on_realloc, on_release, a };
	struct builder b = { .arena = a };
	struct json *root;
	size_t good;

	if (skip_blanks(text, text + len) == text + len)
		return fail(error, JSON_EMPTY, 0, "no JSON in it");
	b.copy = arena_memdup(a, text, len);
	good = repair(b.copy, len);
	if (good < len && !utf8_incomplete(text + good, len - good))
		return fail(error, JSON_NOT_UTF8, good, "not UTF-8");
	b.len = before_false_blank(b.copy, good);
	b.yajl = yajl_alloc(&callbacks, &memory, &b);
	yajl_config(b.yajl, yajl_dont_validate_strings, 1);  /* done, and better */
	yajl_config(b.yajl, yajl_allow_trailing_garbage, 1); /* looked at here, for its offset */
	root = parse(&b, text, len, error);
	end_number(&b);
	yajl_free(b.yajl);
	return root;
}

struct json *json_read(struct arena *a, const char *text, size_t len, struct json_error *error)
{
	size_t mark = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	struct json *root;

	*error = (struct json_error){ .fault = JSON_OK, .detail = "" };
	if (len == 0)
		return fail(error, JSON_EMPTY, 0, "no JSON in it");
	root = read_value(a, text + mark, len - mark, error);
	if (root == NULL && error->fault != JSON_EMPTY)
		error->offset += mark;
	return root;
}

/* --- looking into the tree --------------------------------------------------------------------- */

static const struct json *member(const struct json *j, const char *key, size_t len)
{
	const struct json *found = NULL;

	for (j = j->child; j != NULL; j = j->next)
		if (*j->key == *key && strncmp(j->key, key, len) == 0 && j->key[len] == '\0')
			found = j; /* the last one wins */
	return found;
}

static const struct json *element(const struct json *j, const char *digits, size_t len)
{
	unsigned index = 0;
	size_t i;

	if (len == 0 || len > 9)
		return NULL;
	for (i = 0; i < len; i++) {
		if (digits[i] < '0' || digits[i] > '9')
			return NULL;
		index = index * 10 + (unsigned)(digits[i] - '0');
	}
	for (j = j->child; j != NULL && index > 0; index--)
		j = j->next;
	return j;
}

const struct json *json_at(const struct json *j, const char *path)
{
	size_t len;

	while (j != NULL && *path != '\0') {
		len = strcspn(path, ".");
		if (j->type == JSON_OBJECT)
			j = member(j, path, len);
		else
			j = j->type == JSON_ARRAY ? element(j, path, len) : NULL;
		path += len;
		if (*path == '.')
			path++;
	}
	return j;
}

const struct json *json_member(const struct json *j, const char *key)
{
	return j != NULL && j->type == JSON_OBJECT ? member(j, key, strlen(key)) : NULL;
}

static const struct json *at_of_type(const struct json *j, const char *path, enum json_type type)
{
	j = json_at(j, path);
	return j != NULL && j->type == type ? j : NULL;
}

const char *json_text(const struct json *j, const char *path)
{
	j = at_of_type(j, path, JSON_STRING);
	return j != NULL ? j->text : NULL;
}

const char *json_id(const struct json *j, const char *path)
{
	j = json_at(j, path);
	return j != NULL && (j->type == JSON_STRING || j->type == JSON_NUMBER) ? j->text : NULL;
}

bool json_true(const struct json *j, const char *path)
{
	return at_of_type(j, path, JSON_TRUE) != NULL;
}

int64_t json_int(const struct json *j, const char *path, int64_t fallback)
{
	const char *text = json_id(j, path), *p;
	bool negative;
	int64_t n = 0;

	if (text == NULL)
		return fallback;
	negative = *text == '-';
	p = text + negative;
	if (*p < '0' || *p > '9')
		return fallback;
	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(n, 10, &n)
		    || __builtin_sub_overflow(n, (int64_t)(*p - '0'), &n))
			return fallback;
	if (*p == '.')
		p += 1 + strspn(p + 1, DIGITS);
	if (*p != '\0' || (!negative && n == INT64_MIN))
		return fallback;
	return negative ? n : -n;
}

const struct json *json_array(const struct json *j, const char *path)
{
	return at_of_type(j, path, JSON_ARRAY);
}

const struct json *json_object(const struct json *j, const char *path)
{
	return at_of_type(j, path, JSON_OBJECT);
}

int json_library(void)
{
	return yajl_version();
}
