/* See history_file.h. The first reading makes an index: for each line of a conversation where it is, and the hash
 * of its id. An export may tell a conversation twice, where the list changed while it was read, and files may have
 * been put together: what it tells of one conversation is all of its spots, in the order of the file. */
#include "flow/history/history_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json_in.h"
#include "base/map.h"
#include "base/mem.h"
#include "core/history_read.h"
#include "flow/endpoint.h"
#include "flow/history/history_pages.h"

#define LINE_MAX_BYTES ((size_t)4 * 1024 * 1024)
#define CHUNK 65536
#define LINES_AT_ONCE 250                  /* other work goes on after so many … */
#define BYTES_AT_ONCE ((off_t)1024 * 1024) /* … or so much */
#define CONVERSATIONS_AT_ONCE 32

struct spot {
	uint64_t hash;
	off_t offset;
	uint32_t line;
};

struct history_file {
	const char *path, *endpoint;
	const struct endpoint *source;
	struct history_pages *pages; /* it is no file of lines */
	struct arena *arena;
	struct loop_timer *timer;
	int fd;
	struct stat was; /* as it was when its reading began */

	struct buf line;
	char chunk[CHUNK];
	size_t at, filled; /* in chunk */
	off_t offset;      /* of what comes next */
	uint32_t number;   /* of the line that was read last */

	struct spot *spots; /* in the order of the file */
	size_t count, size;
	uint32_t *order; /* of spots: by hash, then as in the file; NULL until it is checked */
	char *inside;    /* the conversation whose messages are read */
	struct err err;
	void (*done)(void *arg, const char *why);
	void *arg;
	TAILQ_HEAD(, page) asked;
};

/* ---- lines ---- */

static void go_to(struct history_file *f, off_t offset, uint32_t number)
{
	f->at = f->filled = 0;
	f->offset = offset;
	f->number = number;
}

/* 1: there is more in chunk; 0: the end; -1: err. */
static int fill(struct history_file *f)
{
	ssize_t n;

	if (f->at < f->filled)
		return 1;
	do
		n = pread(f->fd, f->chunk, sizeof(f->chunk), f->offset);
	while (n < 0 && errno == EINTR);
	f->at = 0;
	f->filled = n > 0 ? (size_t)n : 0;
	return n < 0 ? err_set(&f->err, "%s", strerror(errno)) : n > 0;
}

/* The next one is in line, without its end. 0: there is none; -1: err. */
static int next_line(struct history_file *f)
{
	const char *end = NULL;
	size_t n;
	int got = 0;

	buf_clear(&f->line);
	f->number++;
	while (end == NULL && (got = fill(f)) > 0) {
		end = memchr(f->chunk + f->at, '\n', f->filled - f->at);
		n = end != NULL ? (size_t)(end - f->chunk) - f->at : f->filled - f->at;
		buf_add(&f->line, f->chunk + f->at, n);
		n += end != NULL;
		f->at += n;
		f->offset += (off_t)n;
		if (f->line.len > LINE_MAX_BYTES)
			return err_set(&f->err, "it is longer than %zu bytes", LINE_MAX_BYTES);
	}
	if (end == NULL && got < 0)
		return -1;
	return end != NULL || f->line.len > 0;
}

static bool is_blank(const struct buf *line)
{
	return line->len == 0 || strspn(line->data, " \t\r") == line->len;
}

/* Which has something in it. */
static int next_entry(struct history_file *f, struct arena *a, struct history_line *out)
{
	int got;

	do
		got = next_line(f);
	while (got > 0 && is_blank(&f->line));
	return got > 0 && history_read(a, f->line.data, f->line.len, out, &f->err) != 0 ? -1 : got;
}

/* ---- checking ---- */

static int compare(const void *a, const void *b, void *arg)
{
	const struct spot *spots = arg;
	uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;

	if (spots[i].hash != spots[k].hash)
		return spots[i].hash < spots[k].hash ? -1 : 1;
	return i < k ? -1 : 1;
}

static void sort(struct history_file *f)
{
	uint32_t i;

	f->order = xcalloc(f->count + 1, sizeof(*f->order));
	for (i = 0; i < f->count; i++)
		f->order[i] = i;
	qsort_r(f->order, f->count, sizeof(*f->order), compare, f->spots);
}

static int check_conversation(struct history_file *f, off_t offset, const struct history_line *l)
{
	if (l->endpoint != NULL && strcmp(l->endpoint, f->endpoint) != 0)
		return err_set(&f->err, "endpoint: found \"%.80s\"; allowed: %s", l->endpoint,
		    f->endpoint);
	if (f->count == f->size) {
		f->size = f->size > 0 ? f->size * 2 : 256;
		f->spots = xrealloc(f->spots, f->size * sizeof(*f->spots));
	}
	f->spots[f->count++] =
	    (struct spot){ hash_text(l->event.conversation, 0), offset, f->number };
	xfree(f->inside);
	f->inside = xstrdup(l->event.conversation);
	return 0;
}

static int check_line(struct history_file *f, struct arena *a)
{
	struct history_line l;
	off_t offset = f->offset;
	int got = next_line(f);

	if (got <= 0 || is_blank(&f->line))
		return got;
	if (history_read(a, f->line.data, f->line.len, &l, &f->err) != 0)
		return -1;
	if (l.is_conversation)
		return check_conversation(f, offset, &l) == 0 ? 1 : -1;
	if (f->inside == NULL)
		return err_set(&f->err,
		    "conversation: found one without a line of its own; allowed: messages behind "
		    "the line of their conversation");
	if (strcmp(f->inside, l.event.conversation) != 0)
		return err_set(&f->err,
		    "conversation: found \"%.80s\"; allowed: \"%.80s\", whose "
		    "messages these are",
		    l.event.conversation, f->inside);
	return 1;
}

/* One page by itself. Lines may be called the same: the first says which it is. */
static bool is_page(struct history_file *f)
{
	struct arena *a = arena_new();
	struct json_error error;
	const struct json *first = NULL;
	bool is_line;

	if (history_pages_is_name(f->path) && next_line(f) > 0)
		first = json_read(a, f->line.data, f->line.len, &error);
	is_line = first != NULL && json_text(first, "type") != NULL
	    && json_object(first, "person") != NULL;
	go_to(f, 0, 0);
	arena_free(a);
	return history_pages_is_name(f->path) && !is_line;
}

static const char *open_it(struct history_file *f)
{
	f->fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (f->fd < 0 || fstat(f->fd, &f->was) != 0)
		return arena_printf(f->arena, "%s: %s", f->path, strerror(errno));
	if (S_ISDIR(f->was.st_mode) || (S_ISREG(f->was.st_mode) && is_page(f))) {
		f->pages = history_pages_new(f->source, f->path, S_ISDIR(f->was.st_mode));
		return NULL;
	}
	return S_ISREG(f->was.st_mode)
	    ? NULL
	    : arena_printf(f->arena, "%s: it is neither a regular file nor a folder", f->path);
}

static bool has_changed(const struct history_file *f)
{
	struct stat now;

	return fstat(f->fd, &now) != 0 || now.st_size != f->was.st_size
	    || now.st_mtim.tv_sec != f->was.st_mtim.tv_sec
	    || now.st_mtim.tv_nsec != f->was.st_mtim.tv_nsec;
}

static void checked(struct history_file *f, const char *why)
{
	void (*done)(void *arg, const char *why) = f->done;

	f->done = NULL;
	if (why == NULL && f->pages == NULL)
		sort(f);
	done(f->arg, why);
}

static void check_page(struct history_file *f)
{
	int got = history_pages_check(f->pages, &f->err);

	if (got > 0)
		loop_timer_set(f->timer, 0);
	else
		checked(f, got < 0 ? arena_strdup(f->arena, f->err.text) : NULL);
}

static void check_on(struct history_file *f)
{
	const char *why = f->fd < 0 ? open_it(f) : NULL;
	off_t begin = f->offset;
	struct arena *a;
	int i, got = 1;

	if (why != NULL) {
		checked(f, why);
		return;
	}
	if (f->pages != NULL) {
		check_page(f);
		return;
	}
	a = arena_new();
	for (i = 0; got > 0 && i < LINES_AT_ONCE && f->offset - begin < BYTES_AT_ONCE; i++) {
		arena_reset(a);
		got = check_line(f, a);
	}
	arena_free(a);
	if (got > 0)
		loop_timer_set(f->timer, 0);
	else if (got < 0)
		checked(f,
		    arena_printf(f->arena, "%s: line %" PRIu32 ": %s", f->path, f->number,
			f->err.text));
	else if (f->count == 0)
		checked(f, arena_printf(f->arena, "%s: there is no conversation in it", f->path));
	else
		checked(f, NULL);
}

void history_file_check(struct history_file *f, void (*done)(void *arg, const char *why), void *arg)
{
	f->done = done;
	f->arg = arg;
	loop_timer_set(f->timer, 0);
}

/* ---- spots ---- */

/* The first of order that is of that hash; *count: so many are. */
static size_t find(const struct history_file *f, uint64_t hash, size_t *count)
{
	size_t from = 0, to = f->order != NULL ? f->count : 0, last = to, middle;

	while (from < to) {
		middle = from + (to - from) / 2;
		if (f->spots[f->order[middle]].hash < hash)
			from = middle + 1;
		else
			to = middle;
	}
	for (to = from; to < last && f->spots[f->order[to]].hash == hash; to++)
		;
	*count = to - from;
	return from;
}

bool history_file_is_checked(const struct history_file *f)
{
	return f->done == NULL;
}

bool history_file_has(const struct history_file *f, const char *conversation)
{
	size_t count;

	if (f->pages != NULL)
		return history_file_is_checked(f) && history_pages_has(f->pages, conversation);
	(void)find(f, hash_text(conversation, 0), &count);
	return count > 0;
}

/* ---- answers ---- */

static int add_conversation(struct history_file *f, const struct spot *at, struct arena *a,
    struct outcome *o)
{
	struct history_line l;

	go_to(f, at->offset, at->line - 1);
	if (next_entry(f, a, &l) <= 0 || !l.is_conversation)
		return -1;
	*event_list_add(&o->events, a) = l.event;
	return 0;
}

/* One that stands there more than once is told at its first place, as its last one says. */
static int list_conversations(struct history_file *f, const struct page *p, struct arena *a,
    struct outcome *o)
{
	size_t at = p->job.cursor != NULL ? strtoul(p->job.cursor, NULL, 10) : 0, first, n;

	for (; at < f->count && o->events.count < CONVERSATIONS_AT_ONCE; at++) {
		first = find(f, f->spots[at].hash, &n);
		if (f->order[first] == at
		    && add_conversation(f, &f->spots[f->order[first + n - 1]], a, o) != 0)
			return -1;
	}
	o->cursor = at < f->count ? arena_printf(a, "%zu", at) : NULL;
	return 0;
}

static int tell_about(struct history_file *f, const struct page *p, struct arena *a,
    struct outcome *o)
{
	size_t n, first = find(f, hash_text(p->known.conversation, 0), &n);

	return n > 0 ? add_conversation(f, &f->spots[f->order[first + n - 1]], a, o) : 0;
}

/* As if a callback had told it. */
static void add_message(struct arena *a, struct outcome *o, const struct event *about,
    const struct event *message)
{
	struct event *e = event_list_add(&o->events, a);

	*e = *message;
	e->person = about->person;
	e->conversation_at_ms = about->conversation_at_ms;
	e->channel = about->channel;
	e->department = about->department;
	e->tags = about->tags;
	e->ntags = about->ntags;
}

/* The cursor: which of its spots, and where in it. */
static int list_messages(struct history_file *f, const struct page *p, struct arena *a,
    struct outcome *o)
{
	size_t n, first = find(f, hash_text(p->known.conversation, 0), &n), which = 0;
	intmax_t offset = 0;
	uint32_t number = 0;
	struct history_line about, l;
	int i, got = 1;

	if (p->job.cursor != NULL
	    && sscanf(p->job.cursor, "%zu:%jd:%" SCNu32, &which, &offset, &number) != 3)
		return -1;
	if (which >= n)
		return 0;
	go_to(f, f->spots[f->order[first + which]].offset,
	    f->spots[f->order[first + which]].line - 1);
	if (next_entry(f, a, &about) <= 0 || !about.is_conversation)
		return -1;
	if (number > 0)
		go_to(f, (off_t)offset, number);
	for (i = 0; i < LINES_AT_ONCE && (got = next_entry(f, a, &l)) > 0 && !l.is_conversation;
	     i++)
		add_message(a, o, &about.event, &l.event);
	if (got < 0)
		return -1;
	if (i == LINES_AT_ONCE)
		o->cursor =
		    arena_printf(a, "%zu:%jd:%" PRIu32, which, (intmax_t)f->offset, f->number);
	else if (which + 1 < n)
		o->cursor = arena_printf(a, "%zu:0:0", which + 1);
	return 0;
}

static int answer(struct history_file *f, const struct page *p, struct arena *a, struct outcome *o)
{
	if (f->pages != NULL)
		return history_pages_answer(f->pages, p, a, o);
	if (has_changed(f))
		return -1;
	if (p->job.step == STEP_LIST_MESSAGES)
		return list_messages(f, p, a, o);
	return p->known.conversation != NULL ? tell_about(f, p, a, o)
					     : list_conversations(f, p, a, o);
}

static void on_timer(void *arg)
{
	struct history_file *f = arg;
	struct page *p = TAILQ_FIRST(&f->asked);
	struct outcome o = { .effect = { .kind = EFFECT_NEXT_STEP } };
	struct arena *a;

	if (f->done != NULL) {
		check_on(f);
		return;
	}
	if (p == NULL)
		return;
	TAILQ_REMOVE(&f->asked, p, next);
	if (!TAILQ_EMPTY(&f->asked))
		loop_timer_set(f->timer, 0);
	a = arena_new();
	if (answer(f, p, a, &o) != 0)
		o.effect.kind = EFFECT_REJECTED;
	p->done(p->arg, a, &o);
}

void history_file_ask(struct history_file *f, struct page *p)
{
	p->pager = NULL;
	TAILQ_INSERT_TAIL(&f->asked, p, next);
	loop_timer_set(f->timer, 0);
}

void history_file_cancel(struct history_file *f, struct page *p)
{
	struct page *q;

	TAILQ_FOREACH(q, &f->asked, next)
		if (q == p)
			break;
	if (q != NULL)
		TAILQ_REMOVE(&f->asked, q, next);
}

/* ---- life ---- */

struct history_file *history_file_new(const struct endpoint *source, const char *path)
{
	struct history_file *f = xcalloc(1, sizeof(*f));

	f->arena = arena_new();
	f->path = arena_strdup(f->arena, path);
	f->source = source;
	f->endpoint = arena_strdup(f->arena, source->conf.name);
	f->timer = loop_timer_new(source->flow->loop, on_timer, f);
	f->fd = -1;
	buf_init(&f->line);
	TAILQ_INIT(&f->asked);
	return f;
}

void history_file_free(struct history_file *f)
{
	if (f == NULL)
		return;
	loop_timer_free(f->timer);
	if (f->fd >= 0)
		close(f->fd);
	buf_fini(&f->line);
	history_pages_free(f->pages);
	xfree(f->spots);
	xfree(f->order);
	xfree(f->inside);
	arena_free(f->arena);
	xfree(f);
}
