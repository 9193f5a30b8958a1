/* See text.h. All texts here but the input of text_clean and text_name are valid UTF-8; what is not
 * does no harm, it is only cut anywhere. */
#include "core/text.h"

#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/grapheme.h"
#include "base/utf8.h"

#define ZWSP UTF8_ZERO_WIDTH_SPACE
#define ZWSP_LEN (sizeof(ZWSP) - 1)
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool starts_with(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* --- cleaning ---------------------------------------------------------------------------------- */

/* Length without the blank lines at the end, and without the LF before them. */
static size_t without_blank_lines(const char *text, size_t len)
{
	size_t end = len;

	while (end > 0 && (text[end - 1] == ' ' || text[end - 1] == '\t' || text[end - 1] == '\n'))
		end--;
	if (end == 0)
		return 0;
	/* Blanks behind the last word stay: they are not a line. */
	while (end < len && text[end] != '\n')
		end++;
	return end;
}

char *text_clean(struct arena *a, const char *text, size_t len)
{
	char *out, *to;
	size_t i;

	if (text == NULL)
		return NULL;
	out = to = utf8_repair(a, text, len, &len);
	for (i = 0; i < len; i++)
		if (out[i] != '\0' && !(out[i] == '\r' && out[i + 1] == '\n'))
			*to++ = out[i];
	out[without_blank_lines(out, (size_t)(to - out))] = '\0';
	return out;
}

/* Unicode's spaces, and what looks like nothing. */
static bool is_blank(uint32_t code)
{
	return code == ' ' || code == 0xa0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200d)
	    || code == 0x202f || code == 0x205f || code == 0x2060 || code == 0x3000
	    || code == 0xfeff;
}

static bool is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x61c || code == 0x200e
	    || code == 0x200f || (code >= 0x2028 && code <= 0x202e)
	    || (code >= 0x2066 && code <= 0x2069);
}

/* Bytes of the longest beginning that is whole graphemes and at most max code points. */
static size_t cut_at_grapheme(const char *text, size_t len, size_t max)
{
	size_t i, size, points = 0;

	for (i = 0; i < len; i += size) {
		size = grapheme_len(text + i, len - i);
		points += utf8_points(text + i, size);
		if (points > max)
			break;
	}
	return i > 0 ? i : utf8_cut_points(text, len, max);
}

/* Copies without control characters and blanks at the beginning. Returns how much. */
static size_t copy_shown(char *to, const char *from, size_t len)
{
	char *start = to;
	uint32_t code;
	size_t i, size;

	for (i = 0; i < len; i += size) {
		size = (size_t)utf8_decode(from + i, len - i, &code);
		if (is_control(code) || (to == start && is_blank(code)))
			continue;
		memcpy(to, from + i, size);
		to += size;
	}
	return (size_t)(to - start);
}

/* How much of the beginning ends in no blank. */
static size_t without_last_blanks(const char *text, size_t len)
{
	size_t i, end = 0;
	uint32_t code;

	for (i = 0; i < len;) {
		i += (size_t)utf8_decode(text + i, len - i, &code);
		if (!is_blank(code))
			end = i;
	}
	return end;
}

const char *text_line(struct arena *a, const char *text)
{
	size_t len;
	char *out;

	text = utf8_repair(a, text, strlen(text), &len);
	out = arena_alloc(a, len + 1);
	len = without_last_blanks(out, copy_shown(out, text, len));
	out[len] = '\0';
	return len > 0 ? out : NULL;
}

const char *text_name(struct arena *a, const char *name)
{
	size_t len;
	char *out;

	if (name == NULL)
		return NULL;
	name = utf8_repair(a, name, strlen(name), &len);
	out = arena_alloc(a, len + 1);
	len = copy_shown(out, name, len);
	len = cut_at_grapheme(out, len, TEXT_NAME_MAX);
	len = without_last_blanks(out, len);
	out[len] = '\0';
	return len > 0 ? out : NULL;
}

/* --- active syntax ----------------------------------------------------------------------------- */

static bool is_directive(const char *p)
{
	static const char *const words[] = { "set(", "parse(", "if(", "foreach(", "include(",
		"macro(" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (starts_with(p, words[i]))
			return true;
	return false;
}

/* first and what follows it, taken together, would be executed. */
static bool active(char first, const char *rest, unsigned rules)
{
	switch (first) {
	case '{': return (rules & TEXT_BRACES) != 0 && (*rest == '{' || *rest == '%');
	case '$': return (rules & TEXT_DOLLAR) != 0 && *rest == '{';
	case '\\': return (rules & TEXT_BACKSLASH_COMMAND) != 0 && starts_with(rest, "_td");
	case '#': return (rules & TEXT_DIRECTIVES) != 0 && is_directive(rest);
	default: return false;
	}
}

/* All from the first backslash to end is a command. */
static bool ends_in_command(const char *text, const char *end)
{
	const char *p = memchr(text, '\\', (size_t)(end - text));

	return p != NULL && end - p > 1 && strspn(p + 1, LETTERS) >= (size_t)(end - p - 1);
}

const char *text_neutralise(struct arena *a, const char *text, unsigned rules)
{
	const char *p;
	char *out, *to;
	size_t count = 1;

	for (p = text; *(p += strcspn(p, "{$\\#")) != '\0'; p++)
		count++;
	if (count == 1 || rules == 0)
		return text;
	out = to = arena_alloc(a, (size_t)(p - text) + count * ZWSP_LEN + 1);
	for (p = text; *p != '\0'; p++) {
		*to++ = *p;
		if (active(*p, p + 1, rules))
			to = mempcpy(to, ZWSP, ZWSP_LEN);
	}
	if ((rules & TEXT_BACKSLASH_COMMAND) != 0 && ends_in_command(text, p))
		to = mempcpy(to, ZWSP, ZWSP_LEN);
	*to = '\0';
	return out;
}

const char *text_unneutralise(struct arena *a, const char *text)
{
	const char *p = strstr(text, ZWSP), *from = text, *rest;
	char *out, *to;

	if (p == NULL)
		return text;
	out = to = arena_alloc(a, strlen(text) + 1);
	for (; p != NULL; p = strstr(rest, ZWSP)) {
		rest = p + ZWSP_LEN;
		to = mempcpy(to, from, (size_t)(p - from));
		from = p;
		if ((p > text && active(p[-1], rest, TEXT_ALL_RULES))
		    || (*rest == '\0' && ends_in_command(text, p)))
			from = rest;
	}
	memcpy(to, from, strlen(from) + 1);
	return out;
}

bool text_is_command(const char *text)
{
	if (starts_with(text, "\\_td"))
		return true;
	return *text == '\\' && ends_in_command(text, text + strlen(text));
}

const char *text_cut_command(struct arena *a, const char *text)
{
	const char *p = strchr(text, '\\');

	if (p == NULL || (strcmp(p, "\\close") != 0 && strcmp(p, "\\agent") != 0))
		return text;
	while (p > text && (p[-1] == ' ' || p[-1] == '\t' || p[-1] == '\n'))
		p--;
	return arena_strndup(a, text, (size_t)(p - text));
}

/* --- limits ------------------------------------------------------------------------------------ */

/* What JSON makes of one byte. */
static size_t wire_size(unsigned char c)
{
	switch (c) {
	case '"':
	case '\\':
	case '\b':
	case '\f':
	case '\n':
	case '\r':
	case '\t': return 2;
	default: return c < 0x20 ? 6 : 1;
	}
}

static size_t measure(const char *s, size_t len, enum text_unit unit)
{
	size_t i, wire = 0;

	switch (unit) {
	case TEXT_POINTS: return utf8_points(s, len);
	case TEXT_BYTES: return len;
	case TEXT_WIRE_BYTES: break;
	}
	for (i = 0; i < len; i++)
		wire += wire_size((unsigned char)s[i]);
	return wire;
}

size_t text_len(const char *text, enum text_unit unit)
{
	return measure(text, strlen(text), unit);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

struct cutter {
	enum text_unit unit;
	size_t limit;
	const char *end;
	const char *paragraph, *line, *blank; /* newest places to cut; NULL: none */
};

/* Where the blanks that begin at p end: at the last line's indent, if they hold a line end. */
static const char *skip_spaces(const struct cutter *c, const char *p)
{
	const char *next = p;
	bool line = false;

	for (; p < c->end && is_space(*p); p++) {
		if (*p == '\n')
			line = true;
		if (*p == '\n' || !line)
			next = p + 1;
	}
	return p == c->end ? p : next;
}

/* p is the first of some blanks with a word before them. */
static void note_place(struct cutter *c, const char *p)
{
	size_t lines = 0;

	c->blank = p;
	for (; p < c->end && is_space(*p); p++)
		lines += *p == '\n';
	if (lines > 0)
		c->line = c->blank;
	if (lines > 1)
		c->paragraph = c->blank;
}

/* The furthest p such that start to p is within the limit; notes the places on the way. */
static const char *walk(struct cutter *c, const char *start)
{
	const char *p = start;
	size_t size, used = 0;

	c->paragraph = c->line = c->blank = NULL;
	if (c->unit != TEXT_WIRE_BYTES && (size_t)(c->end - p) <= c->limit)
		return c->end; /* no unit is smaller than a byte */
	for (; p < c->end; p += size) {
		size = grapheme_len(p, (size_t)(c->end - p));
		if (is_space(*p) && p > start && !is_space(p[-1]))
			note_place(c, p);
		used += measure(p, size, c->unit);
		if (used > c->limit)
			break;
	}
	return p;
}

/* The first grapheme alone is too long: so many of its code points. */
static const char *cut_grapheme(const struct cutter *c, const char *start)
{
	size_t len = (size_t)(c->end - start), size, used = 0;
	const char *p = start;

	while (p < c->end) {
		size = utf8_cut_points(p, len - (size_t)(p - start), 1);
		used += measure(p, size, c->unit);
		if (used > c->limit)
			break;
		p += size;
	}
	return p;
}

static const char *choose(const struct cutter *c, const char *start, const char *furthest)
{
	const char *half = start + (furthest - start) / 2;

	if (c->paragraph != NULL && c->paragraph >= half)
		return c->paragraph;
	if (c->line != NULL && c->line >= half)
		return c->line;
	if (c->blank != NULL)
		return c->blank; /* the newest of all three */
	return furthest > start ? furthest : cut_grapheme(c, start);
}

size_t text_split(struct arena *a, const char *text, unsigned rules, enum text_unit unit,
    size_t limit, const char *const **parts)
{
	size_t count = 0, room = 4;
	const char **list = arena_alloc(a, room * sizeof(*list)), **old;
	struct cutter c = { .unit = unit, .limit = limit < 16 ? 16 : limit };
	const char *p, *cut;

	p = text_neutralise(a, text, rules);
	c.end = p + strlen(p);
	if (rules != 0)
		c.limit -= text_len(ZWSP, unit); /* which a part may get at its end */
	do {
		cut = walk(&c, p);
		if (cut < c.end)
			cut = choose(&c, p, cut);
		if (count == room) {
			old = list;
			list = arena_alloc(a, 2 * room * sizeof(*list));
			memcpy(list, old, room * sizeof(*list));
			room *= 2;
		}
		list[count++] = text_neutralise(a, arena_strndup(a, p, (size_t)(cut - p)), rules);
		p = skip_spaces(&c, cut);
	} while (p < c.end);
	*parts = list;
	return count;
}

const char *text_excerpt(struct arena *a, const char *text, size_t max)
{
	size_t len = strlen(text);
	char *out = arena_alloc(a, len + 1), *to = out;
	const char *p;

	for (p = text; *p != '\0'; p++) {
		if (!is_space(*p))
			*to++ = *p;
		else if (to > out && to[-1] != ' ')
			*to++ = ' ';
	}
	len = cut_at_grapheme(out, (size_t)(to - out), max);
	while (len > 0 && out[len - 1] == ' ')
		len--;
	out[len] = '\0';
	return out;
}
