/* Tag, length, value.
 *
 *   event = version (one byte), fields
 *   field = tag (one byte), length (varint), value (length bytes)
 *
 * A value is a text, a number (zigzag varint) or, for an attachment and a widget, fields again. A field that is
 * absent is zero or NULL. A tag that stands twice adds to its list, or replaces what came before.
 * Tags are never given a second meaning and never used again; enums are written as their numbers, so
 * words.h may add values at the end only (tests/unit/test_event_codec.c holds both). */
#include "core/event_codec.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"

/* More than any platform sends; what is above is rubbish. */
#define LIST_MAX 4096

enum field_type { FIELD_TEXT, FIELD_I64, FIELD_INT, FIELD_FLAGS, FIELD_BOOL };

struct field {
	unsigned char tag;
	enum field_type type;
	size_t offset;
	int max; /* INT: the largest value that is one; 0: any */
};

#define TEXT(tag, name) \
	{ \
		tag, FIELD_TEXT, offsetof(struct event, name), 0 \
	}
#define I64(tag, name) \
	{ \
		tag, FIELD_I64, offsetof(struct event, name), 0 \
	}
#define INT(tag, name, max) \
	{ \
		tag, FIELD_INT, offsetof(struct event, name), max \
	}

static const struct field event_fields[] = {
	INT(1, endpoint, 0),
	INT(2, kind, EVENT_SESSION),
	INT(3, origin, ORIGIN_OWN),
	TEXT(4, key),
	TEXT(5, remote),
	TEXT(6, conversation),
	TEXT(7, conversation_ref),
	TEXT(8, person.identity),
	TEXT(9, person.id),
	TEXT(10, person.address),
	TEXT(11, person.name),
	TEXT(12, person.email),
	TEXT(13, person.phone),
	INT(14, author.role, ROLE_SYSTEM),
	TEXT(15, author.id),
	TEXT(16, author.name),
	{ 17, FIELD_BOOL, offsetof(struct event, is_private), 0 },
	I64(18, at_ms),
	I64(19, here_ms),
	TEXT(20, text),
	INT(21, format, FORMAT_HTML),
	TEXT(23, reply_to),
	TEXT(24, choice),
	INT(25, state, STATE_OPTED_OUT),
	I64(26, version),
	TEXT(27, changes),
	{ 28, FIELD_FLAGS, offsetof(struct event, flags), 0 },
	INT(29, drop, DROP_COUNT - 1),
	TEXT(30, detail),
	TEXT(31, mark),
	TEXT(32, conversation_mark),
	TEXT(33, channel),
	TEXT(34, department),
	TEXT(35, department_name),
	TEXT(37, extra),
	I64(38, conversation_at_ms),
	TEXT(50, author.email),
	TEXT(51, person.avatar),
	{ 52, FIELD_BOOL, offsetof(struct event, person.is_vouched), 0 },
};
#define TAG_ATTACHMENT 22
#define TAG_TAG 36
#define TAG_WIDGET 45

#undef TEXT
#undef I64
#undef INT
#define TEXT(tag, name) \
	{ \
		tag, FIELD_TEXT, offsetof(struct attachment, name), 0 \
	}

static const struct field attachment_fields[] = {
	{ 1, FIELD_INT, offsetof(struct attachment, kind), ATTACHMENT_CONTACT },
	TEXT(2, url),
	TEXT(3, type),
	TEXT(4, name),
	{ 5, FIELD_I64, offsetof(struct attachment, size), 0 },
	TEXT(6, latitude),
	TEXT(7, longitude),
	TEXT(8, title),
	TEXT(9, contact_name),
	TEXT(10, phone),
};
#undef TEXT
#define TEXT(tag, name) \
	{ \
		tag, FIELD_TEXT, offsetof(struct widget, name), 0 \
	}

static const struct field widget_fields[] = {
	{ 1, FIELD_INT, offsetof(struct widget, kind), WIDGET_CARD },
	TEXT(2, label),
	TEXT(3, text),
	TEXT(4, url),
	TEXT(5, image),
};
#undef TEXT

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- writing ---- */

static size_t put_varint(unsigned char *out, uint64_t n)
{
	size_t len = 0;

	while (n >= 0x80) {
		out[len++] = (unsigned char)(n | 0x80);
		n >>= 7;
	}
	out[len++] = (unsigned char)n;
	return len;
}

static void put_field(struct buf *out, unsigned char tag, const void *value, size_t len)
{
	unsigned char head[11] = { tag };

	buf_add(out, head, 1 + put_varint(head + 1, len));
	buf_add(out, value, len);
}

static void put_number(struct buf *out, unsigned char tag, int64_t n)
{
	unsigned char value[10];

	if (n != 0)
		put_field(out, tag, value,
		    put_varint(value, ((uint64_t)n << 1) ^ (uint64_t)(n >> 63)));
}

static void put_fields(struct buf *out, const struct field *fields, size_t count, const void *from)
{
	const struct field *f;
	const char *at, *text;

	for (f = fields; f < fields + count; f++) {
		at = (const char *)from + f->offset;
		switch (f->type) {
		case FIELD_TEXT:
			memcpy(&text, at, sizeof(text));
			if (text != NULL)
				put_field(out, f->tag, text, strlen(text));
			break;
		case FIELD_I64: put_number(out, f->tag, *(const int64_t *)at); break;
		case FIELD_INT: put_number(out, f->tag, *(const int *)at); break;
		case FIELD_FLAGS: put_number(out, f->tag, *(const unsigned *)at); break;
		case FIELD_BOOL: put_number(out, f->tag, *(const bool *)at); break;
		}
	}
}

/* inner is room for it, kept from one to the next. */
static void put_inner(struct buf *out, struct buf *inner, unsigned char tag,
    const struct field *fields, size_t count, const void *from)
{
	buf_clear(inner);
	put_fields(inner, fields, count, from);
	put_field(out, tag, inner->data == NULL ? "" : inner->data, inner->len);
}

void event_encode(const struct event *event, struct buf *out)
{
	struct buf inner;
	size_t i;

	buf_addc(out, EVENT_CODEC_VERSION);
	put_fields(out, event_fields, COUNT(event_fields), event);
	for (i = 0; i < event->ntags; i++)
		put_field(out, TAG_TAG, event->tags[i], strlen(event->tags[i]));
	if (event->nattachments == 0 && event->nwidgets == 0)
		return;
	buf_init(&inner);
	for (i = 0; i < event->nattachments; i++)
		put_inner(out, &inner, TAG_ATTACHMENT, attachment_fields, COUNT(attachment_fields),
		    &event->attachments[i]);
	for (i = 0; i < event->nwidgets; i++)
		put_inner(out, &inner, TAG_WIDGET, widget_fields, COUNT(widget_fields),
		    &event->widgets[i]);
	buf_fini(&inner);
}

/* ---- reading ---- */

struct reader {
	const unsigned char *at, *end;
	struct arena *arena;
	struct err *err;
};

struct value {
	unsigned char tag;
	const unsigned char *bytes;
	size_t len;
};

static int get_varint(const unsigned char **at, const unsigned char *end, uint64_t *n)
{
	int shift;

	*n = 0;
	for (shift = 0; *at < end && shift < 64; shift += 7) {
		*n |= (uint64_t)(**at & 0x7f) << shift;
		if ((*(*at)++ & 0x80) == 0)
			return 0;
	}
	return -1;
}

/* 1: there is one more field, 0: it ends here, -1: it ends in the middle. */
static int next_field(struct reader *r, struct value *v)
{
	uint64_t len;

	if (r->at == r->end)
		return 0;
	v->tag = *r->at++;
	if (get_varint(&r->at, r->end, &len) != 0 || len > (uint64_t)(r->end - r->at))
		return err_set(r->err, "field %d of the event is cut short", v->tag);
	v->bytes = r->at;
	v->len = (size_t)len;
	r->at += v->len;
	return 1;
}

static int get_number(struct reader *r, const struct value *v, int64_t *n)
{
	const unsigned char *at = v->bytes;
	uint64_t zigzag;

	if (get_varint(&at, v->bytes + v->len, &zigzag) != 0 || at != v->bytes + v->len)
		return err_set(r->err, "field %d of the event is not a number", v->tag);
	*n = (int64_t)(zigzag >> 1) ^ -(int64_t)(zigzag & 1);
	return 0;
}

static int get_text(struct reader *r, const struct value *v, const char **text)
{
	if (memchr(v->bytes, '\0', v->len) != NULL)
		return err_set(r->err, "field %d of the event has a NUL in its text", v->tag);
	*text = arena_memdup(r->arena, v->bytes, v->len);
	return 0;
}

static int get_field(struct reader *r, const struct field *f, const struct value *v, void *to)
{
	char *at = (char *)to + f->offset;
	int64_t n = 0;

	if (f->type == FIELD_TEXT) {
		const char *text;

		if (get_text(r, v, &text) != 0)
			return -1;
		memcpy(at, &text, sizeof(text));
		return 0;
	}
	if (get_number(r, v, &n) != 0)
		return -1;
	if (f->type == FIELD_I64) {
		*(int64_t *)at = n;
		return 0;
	}
	if (n < 0 || n > (f->type == FIELD_FLAGS ? (int64_t)UINT32_MAX : INT32_MAX)
	    || (f->max > 0 && n > f->max) || (f->type == FIELD_BOOL && n > 1))
		return err_set(r->err, "field %d of the event has the value %lld", f->tag,
		    (long long)n);
	switch (f->type) {
	case FIELD_INT: *(int *)at = (int)n; break;
	case FIELD_FLAGS: *(unsigned *)at = (unsigned)n; break;
	case FIELD_BOOL: *(bool *)at = n != 0; break;
	case FIELD_TEXT:
	case FIELD_I64: break; /* done above */
	}
	return 0;
}

static const struct field *field_of(const struct field *fields, size_t count, unsigned char tag)
{
	const struct field *f;

	for (f = fields; f < fields + count; f++)
		if (f->tag == tag)
			return f;
	return NULL;
}

static int get_inner(struct reader *outer, const struct value *v, const struct field *fields,
    size_t count, void *to)
{
	struct reader r = { v->bytes, v->bytes + v->len, outer->arena, outer->err };
	const struct field *f;
	struct value inner;
	int more;

	while ((more = next_field(&r, &inner)) == 1) {
		f = field_of(fields, count, inner.tag);
		if (f != NULL && get_field(&r, f, &inner, to) != 0)
			return -1;
	}
	return more;
}

/* How long its lists are, so that they need not grow. */
struct lists {
	size_t attachments, tags, widgets;
};

static int count_lists(struct reader r, struct lists *n)
{
	struct value v;
	int more;

	*n = (struct lists){ 0 };
	while ((more = next_field(&r, &v)) == 1) {
		n->attachments += v.tag == TAG_ATTACHMENT;
		n->tags += v.tag == TAG_TAG;
		n->widgets += v.tag == TAG_WIDGET;
	}
	if (more == 0 && (n->attachments > LIST_MAX || n->tags > LIST_MAX || n->widgets > LIST_MAX))
		return err_set(r.err, "the event has too long a list");
	return more;
}

int event_decode(const void *bytes, size_t len, struct arena *a, struct event *out, struct err *err)
{
	struct reader r = { bytes, bytes, a, err };
	struct attachment *attachments = NULL;
	struct widget *widgets = NULL;
	const char **tags = NULL;
	const struct field *f;
	struct lists n;
	struct value v;
	int ret = 0;

	memset(out, 0, sizeof(*out));
	if (len == 0)
		return err_set(err, "the event is empty");
	if (*r.at != EVENT_CODEC_VERSION)
		return err_set(err, "the event has version %d; this program reads %d", *r.at,
		    EVENT_CODEC_VERSION);
	r.end += len;
	r.at++;
	if (count_lists(r, &n) != 0)
		return -1;
	if (n.attachments > 0)
		out->attachments = attachments =
		    arena_zalloc(a, n.attachments * sizeof(*attachments));
	if (n.widgets > 0)
		out->widgets = widgets = arena_zalloc(a, n.widgets * sizeof(*widgets));
	if (n.tags > 0)
		out->tags = tags = arena_zalloc(a, n.tags * sizeof(*tags));
	while (ret == 0 && next_field(&r, &v) == 1) {
		if (v.tag == TAG_ATTACHMENT)
			ret = get_inner(&r, &v, attachment_fields, COUNT(attachment_fields),
			    &attachments[out->nattachments++]);
		else if (v.tag == TAG_WIDGET)
			ret = get_inner(&r, &v, widget_fields, COUNT(widget_fields),
			    &widgets[out->nwidgets++]);
		else if (v.tag == TAG_TAG)
			ret = get_text(&r, &v, &tags[out->ntags++]);
		else if ((f = field_of(event_fields, COUNT(event_fields), v.tag)) != NULL)
			ret = get_field(&r, f, &v, out);
	}
	return ret;
}
