/* See history_pages.h.
 *
 *   names ─▶ file by file: what is it, of which conversations ─▶ index, sorted ─▶ questions
 *
 * What a document is its connector says, and it reads it as it reads an answer of the platform. A conversation may
 * stand in several files, told at several times: what counts is what it said last. Its messages are those of all
 * files that have some; who asks puts them in order, and takes each once. */
#include "flow/history/history_pages.h"

#include <dirent.h>
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
#include "base/map.h"
#include "base/mem.h"
#include "flow/endpoint.h"

#define ENDING ".json"
#define MESSAGES "messages-" /* a file's name, behind which the conversation's stands */
#define CHUNK 65536
#define CONVERSATIONS_AT_ONCE 32
#define FILES_AT_ONCE 4 /* that one answer is made of */

struct file_known {
	const char *name;
	off_t size;
	struct timespec changed;
	bool tells_both; /* conversations and their messages */
};

/* A file tells a conversation. */
struct telling {
	uint64_t hash; /* of its id */
	int64_t version, begun_ms;
	uint32_t file;
};

/* A file has messages of a conversation. */
struct holding {
	uint64_t hash;
	uint32_t file;
};

struct history_pages {
	const struct endpoint *endpoint;
	struct arena *arena; /* of names */
	const char *path;    /* of the folder */
	int folder;
	bool is_folder;
	struct timespec changed; /* the folder, */
	uint64_t names;          /* and what stood in it: the sum of their hashes */
	struct file_known *files;
	size_t nfiles, size, at; /* at: checked so far */

	struct telling
	    *tellings; /* sorted by hash, one for each conversation, once it is checked */
	size_t ntellings, tellings_size;
	struct holding *holdings; /* sorted by hash, then file */
	size_t nholdings, holdings_size;
	uint32_t *order; /* of tellings: the oldest conversation first */
};

bool history_pages_is_name(const char *path)
{
	size_t len = strlen(path), end = strlen(ENDING);

	return len > end && strcmp(path + len - end, ENDING) == 0;
}

/* ---- names ---- */

static void add_name(struct history_pages *h, const char *name)
{
	if (h->nfiles == h->size) {
		h->size = h->size > 0 ? h->size * 2 : 64;
		h->files = xrealloc(h->files, h->size * sizeof(*h->files));
	}
	h->files[h->nfiles++] = (struct file_known){ .name = arena_strdup(h->arena, name) };
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct file_known *)a)->name, ((const struct file_known *)b)->name);
}

/* *sum tells whether it is the same names. keep: they are added. */
static int list_names(struct history_pages *h, bool keep, uint64_t *sum)
{
	int fd = openat(h->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *d;

	*sum = 0;
	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	while ((d = readdir(dir)) != NULL) {
		if (d->d_name[0] == '.' || !history_pages_is_name(d->d_name))
			continue;
		*sum += hash_text(d->d_name, 0);
		if (keep)
			add_name(h, d->d_name);
	}
	closedir(dir);
	return 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static int open_folder(struct history_pages *h, struct err *err)
{
	const char *base = base_name(h->path);
	const char *folder = h->is_folder ? h->path
	    : base == h->path             ? "."
			      : arena_strndup(h->arena, h->path, (size_t)(base - h->path));
	struct stat st;

	h->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (h->folder < 0 || fstat(h->folder, &st) != 0)
		return err_set(err, "%s: %s", folder, strerror(errno));
	h->changed = st.st_mtim;
	if (!h->is_folder) {
		add_name(h, base);
		return 0;
	}
	if (list_names(h, true, &h->names) != 0)
		return err_set(err, "%s: %s", folder, strerror(errno));
	if (h->nfiles == 0)
		return err_set(err,
		    "%s: there is no page in it; allowed: files called *" ENDING
		    ", each one page as the platform answered it",
		    folder);
	qsort(h->files, h->nfiles, sizeof(*h->files), compare_names);
	return 0;
}

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* That something else was written there changes nothing. */
static bool has_changed(struct history_pages *h)
{
	uint64_t sum;
	struct stat st;

	if (!h->is_folder)
		return false;
	if (fstat(h->folder, &st) != 0)
		return true;
	if (is_same_time(&st.st_mtim, &h->changed))
		return false;
	if (list_names(h, false, &sum) != 0 || sum != h->names)
		return true;
	h->changed = st.st_mtim;
	return false;
}

/* ---- files ---- */

static int read_all(int fd, const struct stat *st, char *to)
{
	off_t at = 0;
	ssize_t n;

	while (at < st->st_size) {
		n = pread(fd, to + at, (size_t)(st->st_size - at), at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		at += n;
	}
	return 0;
}

/* is_first: as it is now it will have to stay. In a. */
static char *read_file(struct history_pages *h, uint32_t i, bool is_first, struct arena *a,
    size_t *len, struct err *err)
{
	struct file_known *f = &h->files[i];
	int64_t most = h->endpoint->flow->config->limits.answer;
	int fd = openat(h->folder, f->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	char *text = NULL;

	if (fd < 0 || fstat(fd, &st) != 0)
		err_set(err, "%s", strerror(errno));
	else if (!S_ISREG(st.st_mode))
		err_set(err, "it is no regular file");
	else if (st.st_size > most)
		err_set(err,
		    "it has %" PRId64 " bytes; allowed: %" PRId64
		    " (limits.answer), a page in a file",
		    (int64_t)st.st_size, most);
	else if (!is_first && (st.st_size != f->size || !is_same_time(&st.st_mtim, &f->changed)))
		err_set(err, "it has changed");
	else if (read_all(fd, &st, text = arena_alloc(a, (size_t)st.st_size + 1)) != 0) {
		err_set(err, "it cannot be read");
		text = NULL;
	} else {
		f->size = st.st_size;
		f->changed = st.st_mtim;
		*len = (size_t)st.st_size;
		text[*len] = '\0';
	}
	if (fd >= 0)
		close(fd);
	return text;
}

/* "messages-71234.2.json": 71234, page 2. NULL: it names none. */
static const char *conversation_of_name(struct arena *a, const char *name)
{
	size_t len;

	if (strncmp(name, MESSAGES, strlen(MESSAGES)) != 0)
		return NULL;
	name += strlen(MESSAGES);
	len = strcspn(name, ".");
	return len > 0 ? arena_strndup(a, name, len) : NULL;
}

struct document {
	struct saved_page is;
	const char *conversation; /* whose messages these are, where they do not say it */
	struct http_resp resp;
};

static int fail(struct err *err, const struct parse_error *why)
{
	if (why->offset > 0)
		return err_set(err, "byte %zu: %s", why->offset + 1, why->detail);
	return err_set(err, "%s", why->detail != NULL ? why->detail : "it is not understood");
}

static int open_document(struct history_pages *h, uint32_t i, bool is_first, struct arena *a,
    struct document *out, struct err *err)
{
	const struct via via = endpoint_via(h->endpoint);
	const char *name = h->files[i].name;
	struct parse_error why = { 0 };
	size_t len = 0;
	const char *text = read_file(h, i, is_first, a, &len, err);

	if (text == NULL)
		return -1;
	if (h->endpoint->connector->recognise(&via, a, name, text, len, &out->is, &why) != 0)
		return fail(err, &why);
	out->resp = (struct http_resp){ .transport = TRANSPORT_OK,
		.sent = true,
		.status = 200,
		.content_type = "application/json",
		.body = text,
		.body_len = len,
		.retry_after_msecs = -1 };
	out->conversation = conversation_of_name(a, name);
	if (out->is.is_nameless && out->conversation == NULL)
		return err_set(err,
		    "its messages do not say of which conversation they are; allowed: a file called "
		    "messages-ID.json or messages-ID.PAGE.json");
	return 0;
}

/* As the platform's answer to that question. */
static int read_as(struct history_pages *h, const struct document *d, enum step step,
    const char *conversation, const struct page *p, struct arena *a, struct outcome *o,
    struct err *err)
{
	const struct via via = endpoint_via(h->endpoint);
	const struct known known = { .conversation = conversation };
	const struct job job = {
		.kind = JOB_PAGE,
		.step = step,
		.attempt = 1,
		.known = &known,
		.cursor = step == STEP_LIST_CONVERSATIONS ? d->is.cursor : NULL,
		.since_ms = p != NULL ? p->job.since_ms : 0,
		.about = p != NULL ? p->job.about : NULL,
	};

	*o = (struct outcome){ .effect = { .kind = EFFECT_UNSURE } };
	h->endpoint->connector->interpret(&via, a, &job, &d->resp, o);
	if (o->effect.kind != EFFECT_NEXT_STEP)
		return err_set(err, "it cannot be read as what %s answers",
		    h->endpoint->connector->name);
	if (o->unreadable > 0)
		return err_set(err, "%zu of what it holds cannot be read", o->unreadable);
	return 0;
}

/* ---- checking ---- */

static void add_telling(struct history_pages *h, uint32_t file, const struct event *c)
{
	if (h->ntellings == h->tellings_size) {
		h->tellings_size = h->tellings_size > 0 ? h->tellings_size * 2 : 256;
		h->tellings = xrealloc(h->tellings, h->tellings_size * sizeof(*h->tellings));
	}
	h->tellings[h->ntellings++] = (struct telling){ hash_text(c->conversation, 0), c->version,
		c->conversation_at_ms, file };
}

/* One behind the other it is told but once. */
static void add_holding(struct history_pages *h, uint32_t file, const char *conversation)
{
	const struct holding new = { hash_text(conversation, 0), file };
	const struct holding *last = h->nholdings > 0 ? &h->holdings[h->nholdings - 1] : NULL;

	if (last != NULL && last->hash == new.hash && last->file == file)
		return;
	if (h->nholdings == h->holdings_size) {
		h->holdings_size = h->holdings_size > 0 ? h->holdings_size * 2 : 256;
		h->holdings = xrealloc(h->holdings, h->holdings_size * sizeof(*h->holdings));
	}
	h->holdings[h->nholdings++] = new;
}

static int check_conversations(struct history_pages *h, uint32_t file, const struct document *d,
    struct arena *a, struct err *err)
{
	struct outcome o;
	size_t i;

	if (read_as(h, d, STEP_LIST_CONVERSATIONS, d->is.conversation, NULL, a, &o, err) != 0)
		return -1;
	for (i = 0; i < o.events.count; i++) {
		const struct event *c = &o.events.items[i];

		if (c->kind != EVENT_CONVERSATION || c->conversation == NULL)
			continue;
		if (c->drop == DROP_OTHER_ACCOUNT)
			return err_set(err, "%s is of another account (%s); allowed: that of %s",
			    c->conversation, c->detail != NULL ? c->detail : "it says so",
			    h->endpoint->conf.name);
		add_telling(h, file, c);
	}
	return 0;
}

static int check_messages(struct history_pages *h, uint32_t file, const struct document *d,
    struct arena *a, struct err *err)
{
	struct outcome o;
	size_t i;

	if (read_as(h, d, STEP_LIST_MESSAGES, d->conversation, NULL, a, &o, err) != 0)
		return -1;
	for (i = 0; i < o.events.count; i++)
		if (o.events.items[i].conversation != NULL)
			add_holding(h, file, o.events.items[i].conversation);
	return 0;
}

static int compare_tellings(const void *a, const void *b)
{
	const struct telling *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	if (x->version != y->version)
		return x->version < y->version ? -1 : 1;
	return x->file < y->file ? -1 : x->file > y->file;
}

static int compare_holdings(const void *a, const void *b)
{
	const struct holding *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->file < y->file ? -1 : x->file > y->file;
}

static int compare_order(const void *a, const void *b, void *arg)
{
	const struct telling *tellings = arg;
	uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;

	if (tellings[i].begun_ms != tellings[k].begun_ms)
		return tellings[i].begun_ms < tellings[k].begun_ms ? -1 : 1;
	return i < k ? -1 : i > k;
}

static void sort(struct history_pages *h)
{
	size_t i, n = 0;

	if (h->ntellings > 1)
		qsort(h->tellings, h->ntellings, sizeof(*h->tellings), compare_tellings);
	for (i = 0; i < h->ntellings; i++) /* of each the last */
		if (i + 1 == h->ntellings || h->tellings[i].hash != h->tellings[i + 1].hash)
			h->tellings[n++] = h->tellings[i];
	h->ntellings = n;
	if (h->nholdings > 1)
		qsort(h->holdings, h->nholdings, sizeof(*h->holdings), compare_holdings);
	for (i = 0, n = 0; i < h->nholdings; i++)
		if (n == 0 || compare_holdings(&h->holdings[n - 1], &h->holdings[i]) != 0)
			h->holdings[n++] = h->holdings[i];
	h->nholdings = n;
	h->order = xcalloc(h->ntellings + 1, sizeof(*h->order));
	for (i = 0; i < h->ntellings; i++)
		h->order[i] = (uint32_t)i;
	qsort_r(h->order, h->ntellings, sizeof(*h->order), compare_order, h->tellings);
}

static const struct telling *find(const struct history_pages *h, uint64_t hash)
{
	size_t from = 0, to = h->order != NULL ? h->ntellings : 0, end = to, middle;

	while (from < to) {
		middle = from + (to - from) / 2;
		if (h->tellings[middle].hash < hash)
			from = middle + 1;
		else
			to = middle;
	}
	return from < end && h->tellings[from].hash == hash ? &h->tellings[from] : NULL;
}

/* The first; *count: so many are of that conversation. */
static const struct holding *find_holdings(const struct history_pages *h, uint64_t hash,
    size_t *count)
{
	size_t from = 0, to = h->nholdings, middle;

	while (from < to) {
		middle = from + (to - from) / 2;
		if (h->holdings[middle].hash < hash)
			from = middle + 1;
		else
			to = middle;
	}
	for (to = from; to < h->nholdings && h->holdings[to].hash == hash; to++)
		;
	*count = to - from;
	return h->holdings + from;
}

/* Says in which file it is. */
static int in_file(const struct history_pages *h, uint32_t i, struct err *err)
{
	return h->is_folder ? err_wrap(err, "%s/%s", h->path, h->files[i].name)
			    : err_wrap(err, "%s", h->path);
}

static int stray_found(struct history_pages *h, const struct holding *stray, struct err *err)
{
	struct arena *a = arena_new();
	const char *name = NULL;
	struct document d;
	struct outcome o;
	size_t i;

	if (open_document(h, stray->file, false, a, &d, err) == 0
	    && read_as(h, &d, STEP_LIST_MESSAGES, d.conversation, NULL, a, &o, err) == 0) {
		for (i = 0; i < o.events.count && name == NULL; i++)
			if (o.events.items[i].conversation != NULL
			    && hash_text(o.events.items[i].conversation, 0) == stray->hash)
				name = o.events.items[i].conversation;
		err_set(err,
		    "conversation: found \"%.80s\", which no page tells; allowed: messages of a "
		    "conversation that stands in a page of conversations",
		    name != NULL ? name : "?");
	}
	arena_free(a);
	return in_file(h, stray->file, err);
}

/* Nobody is known whose messages those would be. Where a page tells conversations by their messages, what it does
 * not tell so is none. */
static int check_strays(struct history_pages *h, struct err *err)
{
	size_t i;

	for (i = 0; i < h->nholdings; i++)
		if (!h->files[h->holdings[i].file].tells_both
		    && find(h, h->holdings[i].hash) == NULL)
			return stray_found(h, &h->holdings[i], err);
	return 0;
}

static int check_file(struct history_pages *h, uint32_t i, struct err *err)
{
	struct arena *a = arena_new();
	struct document d;
	int ret = open_document(h, i, true, a, &d, err);

	if (ret == 0 && d.is.tells_conversations)
		ret = check_conversations(h, i, &d, a, err);
	if (ret == 0 && d.is.tells_messages)
		ret = check_messages(h, i, &d, a, err);
	h->files[i].tells_both = ret == 0 && d.is.tells_conversations && d.is.tells_messages;
	arena_free(a);
	return ret == 0 ? 0 : in_file(h, i, err);
}

int history_pages_check(struct history_pages *h, struct err *err)
{
	if (h->folder < 0 && open_folder(h, err) != 0)
		return -1;
	if (h->at < h->nfiles)
		return check_file(h, (uint32_t)h->at++, err) == 0 ? 1 : -1;
	sort(h);
	if (h->ntellings == 0)
		return err_set(err, "%s: there is no conversation in it", h->path);
	return check_strays(h, err);
}

/* ---- answers ---- */

bool history_pages_has(const struct history_pages *h, const char *conversation)
{
	return find(h, hash_text(conversation, 0)) != NULL;
}

/* Files that are read for one answer. */
struct opened {
	uint32_t file;
	struct outcome o;
};

/* NULL: it cannot be had, or (*is_full) not with this answer. */
static struct opened *open_one(struct history_pages *h, struct opened *all, size_t *n,
    uint32_t file, struct arena *a, bool *is_full)
{
	struct document d;
	struct err err;
	size_t i;

	*is_full = false;
	for (i = 0; i < *n; i++)
		if (all[i].file == file)
			return &all[i];
	if (*n == FILES_AT_ONCE) {
		*is_full = true;
		return NULL;
	}
	all[i].file = file;
	if (open_document(h, file, false, a, &d, &err) != 0
	    || read_as(h, &d, STEP_LIST_CONVERSATIONS, d.is.conversation, NULL, a, &all[i].o, &err)
		!= 0)
		return NULL;
	++*n;
	return &all[i];
}

/* As it says last. */
static const struct event *event_of(const struct opened *f, const struct telling *t)
{
	const struct event *found = NULL;
	size_t i;

	for (i = 0; i < f->o.events.count; i++) {
		const struct event *c = &f->o.events.items[i];

		if (c->kind == EVENT_CONVERSATION && c->conversation != NULL
		    && hash_text(c->conversation, 0) == t->hash
		    && (found == NULL || c->version >= found->version))
			found = c;
	}
	return found;
}

static int list_conversations(struct history_pages *h, const struct page *p, struct arena *a,
    struct outcome *o)
{
	size_t at = p->job.cursor != NULL ? strtoul(p->job.cursor, NULL, 10) : 0, n = 0;
	struct opened all[FILES_AT_ONCE], *f;
	const struct event *c;
	bool is_full = false;

	for (; at < h->ntellings && o->events.count < CONVERSATIONS_AT_ONCE; at++) {
		const struct telling *t = &h->tellings[h->order[at]];

		f = open_one(h, all, &n, t->file, a, &is_full);
		if (is_full)
			break;
		c = f != NULL ? event_of(f, t) : NULL;
		if (c == NULL)
			return -1;
		*event_list_add(&o->events, a) = *c;
	}
	o->cursor = at < h->ntellings ? arena_printf(a, "%zu", at) : NULL;
	return 0;
}

static int tell_about(struct history_pages *h, const struct page *p, struct arena *a,
    struct outcome *o)
{
	const struct telling *t = find(h, hash_text(p->known.conversation, 0));
	struct opened all[FILES_AT_ONCE], *f;
	const struct event *c;
	bool is_full;
	size_t n = 0;

	if (t == NULL)
		return 0;
	f = open_one(h, all, &n, t->file, a, &is_full);
	c = f != NULL ? event_of(f, t) : NULL;
	if (c == NULL)
		return -1;
	*event_list_add(&o->events, a) = *c;
	return 0;
}

static bool is_of(const struct event *e, const char *conversation)
{
	return e->conversation != NULL && strcmp(e->conversation, conversation) == 0;
}

/* The cursor: which of its files. */
static int list_messages(struct history_pages *h, const struct page *p, struct arena *a,
    struct outcome *o)
{
	const char *conversation = p->known.conversation;
	size_t at = p->job.cursor != NULL ? strtoul(p->job.cursor, NULL, 10) : 0, n, i;
	const struct holding *holdings = find_holdings(h, hash_text(conversation, 0), &n);
	struct arena *whole; /* the file, of which others' messages are not kept */
	struct document d;
	struct outcome all;
	struct err err;
	int ret = -1;

	if (at >= n)
		return 0;
	whole = arena_new();
	if (open_document(h, holdings[at].file, false, whole, &d, &err) == 0)
		ret = read_as(h, &d, STEP_LIST_MESSAGES,
		    d.is.is_nameless ? d.conversation : conversation, p, whole, &all, &err);
	for (i = 0; ret == 0 && i < all.events.count; i++)
		if (is_of(&all.events.items[i], conversation))
			*event_list_add(&o->events, a) = *event_copy(a, &all.events.items[i]);
	arena_free(whole);
	if (at + 1 < n)
		o->cursor = arena_printf(a, "%zu", at + 1);
	return ret;
}

int history_pages_answer(struct history_pages *h, const struct page *p, struct arena *a,
    struct outcome *o)
{
	if (has_changed(h))
		return -1;
	if (p->job.step == STEP_LIST_MESSAGES)
		return list_messages(h, p, a, o);
	return p->known.conversation != NULL ? tell_about(h, p, a, o)
					     : list_conversations(h, p, a, o);
}

/* ---- life ---- */

struct history_pages *history_pages_new(const struct endpoint *e, const char *path, bool is_folder)
{
	struct history_pages *h = xcalloc(1, sizeof(*h));

	h->endpoint = e;
	h->arena = arena_new();
	h->path = arena_strdup(h->arena, path);
	h->is_folder = is_folder;
	h->folder = -1;
	return h;
}

void history_pages_free(struct history_pages *h)
{
	if (h == NULL)
		return;
	if (h->folder >= 0)
		close(h->folder);
	xfree(h->files);
	xfree(h->tellings);
	xfree(h->holdings);
	xfree(h->order);
	arena_free(h->arena);
	xfree(h);
}
