/* Addresses of ours: where a platform takes no file itself, it gets one of these. Whoever has it may read
 * the file until it expires; nobody can make one who does not have the instance key. The name at its end is
 * for people only. What a browser would run is handed out as something to be saved. */
#include "flow/media/media.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/secret.h"
#include "net/http_in.h"

#define DIGITS "0123456789"

static const char *signature_of(struct arena *a, const struct keys *keys, const char *id,
    const char *expiry)
{
	return ids_hmac32(a, keys, IDS_PARTS("media", id, expiry));
}

const char *media_address(struct arena *a, const struct keys *keys, const char *public_url,
    int64_t id, int64_t expiry, const char *name)
{
	const char *id_text = arena_printf(a, "%" PRId64, id);
	const char *expiry_text = arena_printf(a, "%" PRId64, expiry);

	if (public_url == NULL)
		return NULL;
	return arena_printf(a, "%s/media/%s/%s/%s/%s", public_url, id_text, expiry_text,
	    signature_of(a, keys, id_text, expiry_text), http_encode(a, name));
}

/* ---- answering ---- */

struct serving {
	struct op_media_get op;
	struct media *media;
	struct http_in_call *call;
};

static void not_found(struct http_in_call *call)
{
	http_refuse(call, 404, "not_found", 0, NULL);
}

/* "bytes=a-b", "bytes=a-", "bytes=-n". False: none, or one that is not understood: the whole. */
static bool read_range(const char *range, int64_t size, int64_t *from, int64_t *to)
{
	const char *p;
	char *end;

	if (range == NULL || strncmp(range, "bytes=", 6) != 0)
		return false;
	p = range + 6;
	if (strspn(p, DIGITS "-") != strlen(p) || strchr(p, '-') != strrchr(p, '-') || strlen(p) < 2
	    || strlen(p) > 37)
		return false;
	*to = size - 1;
	if (*p == '-') {
		*from = size - strtoll(p + 1, NULL, 10);
		if (*from < 0)
			*from = 0;
		return true;
	}
	*from = strtoll(p, &end, 10);
	if (*end != '-')
		return false;
	if (end[1] == '\0')
		return true;
	*to = strtoll(end + 1, NULL, 10);
	if (*to < *from)
		return false;
	if (*to > size - 1)
		*to = size - 1;
	return true;
}

static bool may_be_shown(const char *type)
{
	static const char *const shown[] = { "image/jpeg", "image/png", "image/gif", "image/webp",
		"image/bmp", "application/pdf", "text/plain" };
	size_t i;

	for (i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		if (strcmp(type, shown[i]) == 0)
			return true;
	return strncmp(type, "audio/", 6) == 0 || strncmp(type, "video/", 6) == 0;
}

static void answer_file(struct http_in_call *call, const struct media_row *r, int fd)
{
	const struct http_in *in = http_in_call_request(call);
	struct arena *a = http_in_call_arena(call);
	bool shown = may_be_shown(r->type);
	struct http_header extra[6] = {
		{ "X-Content-Type-Options", "nosniff", false },
		{ "Content-Security-Policy", "sandbox", false },
		{ "Cache-Control", "private, max-age=3600", false },
		{ "Accept-Ranges", "bytes", false },
		{ "Content-Disposition",
		    arena_printf(a, "%s; filename*=UTF-8''%s", shown ? "inline" : "attachment",
			http_encode(a, r->name)),
		    false },
	};
	int64_t from = 0, to = r->size - 1, first = 0, last = 0;
	bool range =
	    read_range(http_header(in->headers, in->nheaders, "Range"), r->size, &first, &last);

	if (range) {
		from = first;
		to = last;
	}
	if (range && from >= r->size) {
		extra[5] = (struct http_header){ "Content-Range",
			arena_printf(a, "bytes */%" PRId64, r->size), false };
		close(fd);
		http_reply(call, 416, extra, 6, NULL, "", 0);
		return;
	}
	if (range)
		extra[5] = (struct http_header){ "Content-Range",
			arena_printf(a, "bytes %" PRId64 "-%" PRId64 "/%" PRId64, from, to,
			    r->size),
			false };
	http_reply_file(call, range ? 206 : 200, extra, range ? 6 : 5,
	    shown ? r->type : "application/octet-stream", fd, from, to - from + 1);
}

static void on_got(struct store_op *op)
{
	struct serving *s = (struct serving *)op;
	const struct media_row *r = &s->op.row;
	const char *path;
	int fd = -1;

	if (op->result == 0 && s->op.is_found && r->state == MEDIA_STORED) {
		path = media_path(s->media, s->op.arena, r->sha);
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	}
	if (op->result != 0)
		http_refuse(s->call, 503, "store", 5, NULL);
	else if (fd < 0)
		not_found(s->call);
	else
		answer_file(s->call, r, fd);
	xfree(s);
}

/* The server is gone by now. */
static void on_lost(struct store_op *op)
{
	xfree(op);
}

static void look_up(struct media *m, struct flow *f, struct http_in_call *call, int64_t id)
{
	struct serving *s = xcalloc(1, sizeof(*s));

	s->media = m;
	s->call = call;
	s->op = (struct op_media_get){
		.op = { .kind = STORE_MEDIA_GET, .done = on_got, .lost = on_lost },
		.arena = http_in_call_arena(call),
		.id = id,
	};
	if (flow_offer(f, &s->op.op) == 0)
		return;
	xfree(s);
	http_refuse(call, 503, "busy", 5, NULL);
}

/* The segment at *p, which goes behind it; NULL: there is none. */
static const char *segment(struct arena *a, const char **p)
{
	size_t len = strcspn(*p, "/");
	const char *out;

	if (len == 0 || len > 64)
		return NULL;
	out = arena_strndup(a, *p, len);
	*p += len + ((*p)[len] == '/');
	return out;
}

void media_answer(struct media *m, struct http_in_call *call)
{
	const struct http_in *in = http_in_call_request(call);
	struct arena *a = http_in_call_arena(call);
	struct flow *f = media_flow(m);
	const char *p = in->path + strlen("/media/");
	const char *id = segment(a, &p), *expiry = id != NULL ? segment(a, &p) : NULL;
	const char *signature = expiry != NULL ? segment(a, &p) : NULL;

	if (signature == NULL || strspn(id, DIGITS) != strlen(id) || strlen(id) > 18
	    || strspn(expiry, DIGITS) != strlen(expiry) || strlen(expiry) > 18
	    || !secret_equal(signature, signature_of(a, &f->keys, id, expiry)))
		not_found(call);
	else if (strcmp(in->method, "GET") != 0 && strcmp(in->method, "HEAD") != 0)
		http_refuse(call, 405, "method", 0, "GET, HEAD");
	else if (strtoll(expiry, NULL, 10) * 1000 < loop_now_ms(f->loop))
		http_refuse(call, 410, "expired", 0, NULL);
	else
		look_up(m, f, call, strtoll(id, NULL, 10));
}
