/* See rich.h: the form itself, and which way a text goes. */
#include "core/rich.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "core/text.h"

/* Growth that is honest: entities, an address that many links share. */
#define TEXT_ROOM 65536
#define TEXT_TIMES 4
#define ADDRESS_MAX 2048

/* --- building ---------------------------------------------------------------------------------- */

struct rich *rich_new(struct arena *a, size_t source_len)
{
	struct rich *r = ARENA_NEW(a, struct rich);

	r->arena = a;
	r->max = TEXT_TIMES * source_len + TEXT_ROOM;
	return r;
}

/* Room for one more in a list of the arena. */
static void *grown(struct arena *a, void *list, size_t count, size_t *size, size_t each)
{
	void *larger;

	if (count < *size)
		return list;
	*size = *size == 0 ? 16 : 2 * *size;
	larger = arena_alloc(a, *size * each);
	if (count > 0)
		memcpy(larger, list, count * each);
	return larger;
}

static unsigned style_of(const struct rich *r)
{
	unsigned i, style = 0;

	for (i = 0; i < RICH_STYLES; i++)
		if (r->count[i] > 0)
			style |= 1u << i;
	return style;
}

void rich_begin(struct rich *r, enum rich_kind kind, int level)
{
	struct rich_block *b;

	r->blocks = grown(r->arena, r->blocks, r->nblocks, &r->blocks_size, sizeof(*r->blocks));
	b = &r->blocks[r->nblocks];
	*b = (struct rich_block){
		.kind = kind,
		.level = level,
		.close = !r->apart,
		.box = r->box,
		.first = r->nspans,
	};
	r->nblocks++;
	r->open = true;
	r->apart = false;
}

void rich_end(struct rich *r, bool apart)
{
	r->open = false;
	r->apart = r->apart || apart;
}

static void add_bytes(struct rich *r, const char *text, size_t len)
{
	char *larger;
	size_t size;

	if (r->len + len > r->size) {
		size = 2 * (r->len + len) + 64;
		larger = arena_alloc(r->arena, size);
		if (r->len > 0)
			memcpy(larger, r->text, r->len);
		r->text = larger;
		r->size = size;
	}
	memcpy(r->text + r->len, text, len);
	r->len += len;
}

void rich_add(struct rich *r, const char *text, size_t len)
{
	unsigned style = style_of(r);
	struct rich_block *b;
	struct rich_span *last;

	if (len == 0)
		return;
	if (r->len + len > r->max) {
		r->full = true;
		return;
	}
	if (!r->open)
		rich_begin(r, RICH_PARAGRAPH, 0);
	b = &r->blocks[r->nblocks - 1];
	last = b->count > 0 ? &r->spans[r->nspans - 1] : NULL;
	if (last == NULL || last->style != style || last->link != r->link) {
		r->spans = grown(r->arena, r->spans, r->nspans, &r->spans_size, sizeof(*r->spans));
		last = &r->spans[r->nspans++];
		*last = (struct rich_span){ .at = r->len, .style = style, .link = r->link };
		b->count++;
	}
	add_bytes(r, text, len);
	last->len += len;
}

void rich_enter(struct rich *r, char mark, unsigned number)
{
	struct rich_box *box;
	int depth = r->box != NULL ? r->box->depth + 1 : 1;

	r->open = false;
	if (depth > RICH_DEPTH_MAX || r->too_deep > 0) {
		r->too_deep++;
		return;
	}
	box = ARENA_NEW(r->arena, struct rich_box);
	*box = (struct rich_box){ r->box, depth, mark, number };
	r->box = box;
}

void rich_leave(struct rich *r, bool apart)
{
	rich_end(r, apart);
	if (r->too_deep > 0)
		r->too_deep--;
	else if (r->box != NULL)
		r->box = r->box->up;
}

void rich_style(struct rich *r, enum rich_style style, bool on)
{
	unsigned i;

	for (i = 0; i < RICH_STYLES; i++) {
		if (style != 1u << i)
			continue;
		if (on)
			r->count[i]++;
		else if (r->count[i] > 0)
			r->count[i]--;
	}
}

bool rich_has_words(const struct rich *r)
{
	size_t i;

	for (i = 0; i < r->len; i++)
		if (!isspace((unsigned char)r->text[i]))
			return true;
	return false;
}

/* --- addresses --------------------------------------------------------------------------------- */

/* Length of "scheme" where a colon ends it; 0: it has none. */
static size_t scheme_len(const char *address)
{
	size_t len = 0;

	if (!isalpha((unsigned char)*address))
		return 0;
	while (isalnum((unsigned char)address[len])
	    || (address[len] != '\0' && strchr("+-.", address[len]) != NULL))
		len++;
	return address[len] == ':' ? len : 0;
}

static bool may_be_followed(const char *address)
{
	static const char *const schemes[] = { "http", "https", "ftp", "mailto", "tel", "sms",
		"geo", "whatsapp", "tg", "viber" };
	size_t i, len = scheme_len(address);

	if (len == 0) /* relative; an anchor leads nowhere outside */
		return *address != '#' && *address != ':';
	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (strlen(schemes[i]) == len && strncasecmp(address, schemes[i], len) == 0)
			return true;
	return false;
}

/* Blanks inside would end it; browsers leave control characters out before they read the scheme. */
const char *rich_address(struct arena *a, const char *address)
{
	static const char hex[] = "0123456789ABCDEF";
	char *out, *to;
	const char *p;

	if (address == NULL)
		return NULL;
	while (*address == ' ')
		address++;
	out = to = arena_alloc(a, 3 * strlen(address) + 1);
	for (p = address; *p != '\0'; p++) {
		if (*p == ' ' || strchr("<>\"`\\", *p) != NULL) {
			*to++ = '%';
			*to++ = hex[(unsigned char)*p >> 4];
			*to++ = hex[*p & 15];
		} else if ((unsigned char)*p > ' ' && *p != 0x7f) {
			*to++ = *p;
		}
	}
	while (to - out >= 3 && memcmp(to - 3, "%20", 3) == 0)
		to -= 3;
	*to = '\0';
	return to == out || to - out > ADDRESS_MAX || !may_be_followed(out) ? NULL : out;
}

/* --- which way --------------------------------------------------------------------------------- */

#define TAKES(formats, format) (((formats)&1u << (format)) != 0)

const char *rich_convert(struct arena *a, const char *text, enum format format,
    struct rich_target target, enum format *out)
{
	struct rich *r;
	unsigned shows = target.shows | (target.keep ? target.keeps : 0);

	*out = format;
	if (format == FORMAT_PLAIN || (format == FORMAT_MARKDOWN && TAKES(shows, format)))
		return text;
	r = format == FORMAT_HTML ? rich_read_html(a, text) : rich_read_markdown(a, text);
	if (r == NULL || !rich_has_words(r)) {
		*out = FORMAT_PLAIN;
		return text;
	}
	if (format == FORMAT_HTML && TAKES(shows, FORMAT_HTML))
		return rich_html(r);
	if (TAKES(target.shows, FORMAT_MARKDOWN)) {
		*out = FORMAT_MARKDOWN;
		return rich_markdown(r);
	}
	*out = FORMAT_PLAIN;
	return rich_plain(r);
}
