/* See spool.h. A page in order is a run; runs lie one behind the other, and are merged by a heap whose top is the run
 * with the oldest next message. Pages that follow each other in time, as nearly all do, are thus read one by one.
 *
 *   record = length (of all behind it), time, length of the name, name, event (core/event_codec.h) */
#include "flow/history/spool.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/mem.h"
#include "core/event_codec.h"
#include "core/migration.h"
#include "core/model.h"

#define KEPT_BYTES (64 * 1024)

struct head {
	uint64_t len;
	int64_t at_ms;
	uint64_t name_len;
};

struct run {
	uint64_t at, end; /* of its next record, and behind its last */
	int64_t at_ms;    /* of the next message, … */
	char *remote;     /* … and its name */
};

struct spool {
	char *store;
	int64_t reserve;
	int fd; /* -1: there is no file yet */
	uint64_t flushed;
	struct buf tail; /* what lies behind that */
	struct run *runs;
	size_t count, size;
	bool is_heap;
	uint64_t *replied; /* hashes of what is replied to; in order where is_sorted */
	size_t nreplied, replied_size;
	bool is_sorted;
	char *last;      /* name of the message that came out last, … */
	int64_t last_ms; /* … and when it was written */
};

struct spool *spool_new(const char *store, int64_t reserve)
{
	struct spool *s = xcalloc(1, sizeof(*s));

	s->store = xstrdup(store);
	s->reserve = reserve;
	s->fd = -1;
	buf_init(&s->tail);
	return s;
}

void spool_free(struct spool *s)
{
	size_t i;

	if (s == NULL)
		return;
	if (s->fd >= 0)
		close(s->fd);
	for (i = 0; i < s->count; i++)
		xfree(s->runs[i].remote);
	xfree(s->runs);
	xfree(s->replied);
	xfree(s->last);
	xfree(s->store);
	buf_fini(&s->tail);
	xfree(s);
}

/* ---- bytes ---- */

static int make_file(struct spool *s, struct err *err)
{
	struct arena *a = arena_new();
	char *path = arena_printf(a, "%s-history.XXXXXX", s->store);

	s->fd = mkstemp(path);
	if (s->fd < 0)
		err_set(err, "%s: %s", path, strerror(errno));
	else
		unlink(path);
	arena_free(a);
	return s->fd < 0 ? -1 : 0;
}

/* What is kept free is the store's, and live messages'. */
static bool is_tight(const struct spool *s)
{
	struct statvfs fs;

	return fstatvfs(s->fd, &fs) == 0 && (int64_t)(fs.f_bavail * fs.f_frsize) < s->reserve;
}

static int flush(struct spool *s, struct err *err)
{
	size_t done = 0;
	ssize_t n;

	if (s->fd < 0 && make_file(s, err) != 0)
		return -1;
	if (is_tight(s))
		return err_set(err, "keeping what was read: less than limits.disk_reserve is free");
	while (done < s->tail.len) {
		n = pwrite(s->fd, s->tail.data + done, s->tail.len - done,
		    (off_t)(s->flushed + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set(err, "keeping what was read: %s", strerror(errno));
		done += (size_t)n;
	}
	s->flushed += s->tail.len;
	buf_clear(&s->tail);
	return 0;
}

static int read_at(const struct spool *s, uint64_t at, void *out, size_t len, struct err *err)
{
	char *to = out;
	ssize_t n;

	if (at >= s->flushed) {
		memcpy(out, s->tail.data + (at - s->flushed), len);
		return 0;
	}
	while (len > 0) {
		n = pread(s->fd, to, len, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set(err, "reading what was kept: %s",
			    n < 0 ? strerror(errno) : "it ends too soon");
		to += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

/* ---- in ---- */

static int by_time(int64_t x_ms, const char *x, int64_t y_ms, const char *y)
{
	size_t lx = strlen(x), ly = strlen(y);

	if (x_ms != y_ms)
		return x_ms < y_ms ? -1 : 1;
	if (lx != ly)
		return lx < ly ? -1 : 1;
	return strcmp(x, y);
}

static int compare(const void *a, const void *b)
{
	const struct event *const *x = a, *const *y = b;

	return by_time((*x)->at_ms, (*x)->remote, (*y)->at_ms, (*y)->remote);
}

static void note_reply(struct spool *s, const char *to)
{
	if (to == NULL)
		return;
	if (s->nreplied == s->replied_size) {
		s->replied_size = s->replied_size > 0 ? s->replied_size * 2 : 16;
		s->replied = xrealloc(s->replied, s->replied_size * sizeof(*s->replied));
	}
	s->replied[s->nreplied++] = hash_text(to, 0);
	s->is_sorted = false;
}

static void put(struct spool *s, const struct event *e)
{
	const struct head blank = { .at_ms = e->at_ms, .name_len = strlen(e->remote) };
	size_t at = s->tail.len;
	struct head head = blank;

	buf_add(&s->tail, &blank, sizeof(blank));
	buf_add(&s->tail, e->remote, blank.name_len);
	event_encode(e, &s->tail);
	head.len = s->tail.len - at - sizeof(head);
	memcpy(s->tail.data + at, &head, sizeof(head));
	note_reply(s, e->reply_to);
}

static void add_run(struct spool *s, const struct event *first, uint64_t at)
{
	if (s->count == s->size) {
		s->size = s->size > 0 ? s->size * 2 : 16;
		s->runs = xrealloc(s->runs, s->size * sizeof(*s->runs));
	}
	s->runs[s->count++] = (struct run){
		.at = at,
		.end = s->flushed + s->tail.len,
		.at_ms = first->at_ms,
		.remote = xstrdup(first->remote),
	};
}

int spool_add(struct spool *s, const struct event *const *events, size_t count, struct err *err)
{
	uint64_t at = s->flushed + s->tail.len;
	const struct event **sorted;
	size_t i;

	if (count == 0)
		return 0;
	sorted = xcalloc(count, sizeof(*sorted));
	memcpy(sorted, events, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), compare);
	/* A record never lies half in the file. */
	for (i = 0; i < count; i++) {
		put(s, sorted[i]);
		if (s->tail.len >= KEPT_BYTES && flush(s, err) != 0)
			break;
	}
	if (i == count)
		add_run(s, sorted[0], at);
	xfree(sorted);
	return i == count ? 0 : -1;
}

/* ---- out ---- */

static bool is_before(const struct spool *s, size_t a, size_t b)
{
	const struct run *x = &s->runs[a], *y = &s->runs[b];

	return by_time(x->at_ms, x->remote, y->at_ms, y->remote) < 0;
}

static void sink(struct spool *s, size_t i)
{
	struct run swapped;
	size_t least, child;

	for (;; i = least) {
		least = i;
		for (child = 2 * i + 1; child <= 2 * i + 2 && child < s->count; child++)
			if (is_before(s, child, least))
				least = child;
		if (least == i)
			return;
		swapped = s->runs[i];
		s->runs[i] = s->runs[least];
		s->runs[least] = swapped;
	}
}

static void make_heap(struct spool *s)
{
	size_t i;

	for (i = s->count / 2; i > 0; i--)
		sink(s, i - 1);
	s->is_heap = true;
}

static void drop_first(struct spool *s)
{
	xfree(s->runs[0].remote);
	s->runs[0] = s->runs[--s->count];
}

/* The first run's record, in a, and what that run has next. */
static int take(struct spool *s, struct arena *a, struct event *out, struct err *err)
{
	struct run *r = &s->runs[0];
	struct head head;
	char *bytes;

	if (read_at(s, r->at, &head, sizeof(head), err) != 0)
		return -1;
	bytes = arena_alloc(a, head.len);
	if (read_at(s, r->at + sizeof(head), bytes, head.len, err) != 0)
		return -1;
	if (event_decode(bytes + head.name_len, head.len - head.name_len, a, out, err) != 0)
		return -1;
	r->at += sizeof(head) + head.len;
	if (r->at == r->end) {
		drop_first(s);
		return 0;
	}
	if (read_at(s, r->at, &head, sizeof(head), err) != 0)
		return -1;
	xfree(r->remote);
	r->remote = xcalloc(1, head.name_len + 1);
	r->at_ms = head.at_ms;
	return read_at(s, r->at + sizeof(head), r->remote, head.name_len, err);
}

int spool_next(struct spool *s, struct arena *a, struct event **out, struct err *err)
{
	struct event *e;
	bool is_repeated;

	if (!s->is_heap)
		make_heap(s);
	do {
		*out = NULL;
		if (s->count == 0)
			return 0;
		e = arena_zalloc(a, sizeof(*e));
		if (take(s, a, e, err) != 0)
			return -1;
		sink(s, 0);
		is_repeated = s->last != NULL && strcmp(s->last, e->remote) == 0;
	} while (is_repeated);
	if (s->last == NULL || !migration_is_same_day(s->last_ms, e->at_ms))
		e->flags |= EVENT_BEGINS_DAY;
	xfree(s->last);
	s->last = xstrdup(e->remote);
	s->last_ms = e->at_ms;
	*out = e;
	return 0;
}

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

bool spool_is_replied_to(struct spool *s, const char *remote)
{
	uint64_t hash = hash_text(remote, 0);

	if (s->nreplied == 0)
		return false;
	if (!s->is_sorted)
		qsort(s->replied, s->nreplied, sizeof(*s->replied), by_number);
	s->is_sorted = true;
	return bsearch(&hash, s->replied, s->nreplied, sizeof(hash), by_number) != NULL;
}
