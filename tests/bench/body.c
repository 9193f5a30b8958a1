/* Bodies are read once, with holes of fixed width where ids belong:
 *
 *   {message} 24 hex digits, rising   {number} ten digits, rising
 *   {lane} 12 hex digits              {conversation} ten digits   {tag} what the sink looks for */
#include "bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

static const struct {
	const char *name;
	size_t width;
} kinds[HOLE_COUNT] = {
	[HOLE_MESSAGE] = { "{message}", 24 },
	[HOLE_NUMBER] = { "{number}", 10 },
	[HOLE_LANE] = { "{lane}", 12 },
	[HOLE_CONVERSATION] = { "{conversation}", 10 },
	[HOLE_TAG] = { "{tag}", TAG_LEN },
};

static void read_file(const char *name, struct buf *to)
{
	char path[512], part[4096];
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "%s/tests/bench/%s", TIELINE_SOURCE_DIR, name);
	f = fopen(path, "re");
	if (f == NULL)
		fatal("%s: %s", path, strerror(errno));
	while ((len = fread(part, 1, sizeof(part), f)) > 0)
		buf_add(to, part, len);
	fclose(f);
	while (to->len > 0 && to->data[to->len - 1] == '\n')
		to->len--;
}

static bool take_hole(struct body *b, const char *at, size_t *skip)
{
	int k;

	for (k = 0; k < HOLE_COUNT; k++) {
		*skip = strlen(kinds[k].name);
		if (strncmp(at, kinds[k].name, *skip) != 0)
			continue;
		if (b->nholes == sizeof(b->holes) / sizeof(b->holes[0]))
			fatal("a body with too many holes");
		b->holes[b->nholes].hole = (enum hole)k;
		b->holes[b->nholes++].at = b->len;
		memset(b->text + b->len, '0', kinds[k].width);
		b->len += kinds[k].width;
		return true;
	}
	return false;
}

struct body *body_read(const char *name)
{
	struct body *b = xcalloc(1, sizeof(*b));
	struct buf raw;
	size_t i, skip;

	buf_init(&raw);
	read_file(name, &raw);
	buf_addc(&raw, '\0');
	b->text = xcalloc(1, raw.len + 32 * TAG_LEN);
	for (i = 0; i + 1 < raw.len; i += skip) {
		if (raw.data[i] == '{' && take_hole(b, raw.data + i, &skip))
			continue;
		skip = 1;
		b->text[b->len++] = raw.data[i];
	}
	buf_fini(&raw);
	return b;
}

void body_free(struct body *b)
{
	if (b == NULL)
		return;
	xfree(b->text);
	xfree(b);
}

static void put_digits(char *to, size_t width, uint64_t value, unsigned base)
{
	while (width-- > 0) {
		to[width] = "0123456789abcdef"[value % base];
		value /= base;
	}
}

void body_fill(const struct body *b, char *to, uint32_t n, uint32_t lane, uint32_t seq)
{
	char tag[TAG_LEN + 1];
	size_t i;

	memcpy(to, b->text, b->len);
	for (i = 0; i < b->nholes; i++) {
		char *at = to + b->holes[i].at;

		switch (b->holes[i].hole) {
		case HOLE_MESSAGE:
			put_digits(at, 24, n, 16);
			memcpy(at, "6b00ad9c", 8);
			break;
		case HOLE_NUMBER: put_digits(at, 10, 1000000000u + (uint64_t)n, 10); break;
		case HOLE_LANE: put_digits(at, 12, lane, 16); break;
		case HOLE_CONVERSATION: put_digits(at, 10, 1000000000u + (uint64_t)lane, 10); break;
		case HOLE_TAG:
			snprintf(tag, sizeof(tag), TAG_FORMAT, n, lane, seq);
			memcpy(at, tag, TAG_LEN);
			break;
		case HOLE_COUNT: break;
		}
	}
}

bool tag_find(const char *text, size_t len, uint32_t *n, uint32_t *lane, uint32_t *seq)
{
	const char *at = text, *end = text + len;
	char tag[TAG_LEN + 1];

	while ((at = memmem(at, (size_t)(end - at), "tag", 3)) != NULL && end - at >= TAG_LEN) {
		memcpy(tag, at, TAG_LEN);
		tag[TAG_LEN] = '\0';
		if (tag[13] == 'x' && tag[21] == 'x' && tag[32] == 'z') {
			*n = (uint32_t)strtoul(tag + 3, NULL, 10);
			*lane = (uint32_t)strtoul(tag + 14, NULL, 10);
			*seq = (uint32_t)strtoul(tag + 22, NULL, 10);
			return true;
		}
		at++;
	}
	return false;
}
