/* The story of one file:
 *
 *   media_take or media_ask ─▶ job: its rows ─▶ queue ─▶ fetch ─▶ judged ─▶ on disk, its row settled
 *                                                 ▲                 │ again, or from the message's
 *                                                 └─────────────────┘ address of now
 *
 * A job is one event with all its files, one after the other; when none is left, who waits is told, and
 * the job is gone: what it knew is in the store. At most one file of a conversation is fetched at a time,
 * so that nobody holds all the places with slow addresses.
 *
 * Addresses are named by people whom nobody trusts. What may be connected to, how much may come, how slowly:
 * net/http_out.c. Whatever happens ends in a row: the file, or the reason why there is none. */
#include "flow/media.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "flow/endpoint.h"
#include "flow/pager.h"

#define RUNNING_MAX 16
#define SLOWEST 100000 /* bytes a second, for the deadline of a fetch */
#define LEAST_MSECS 60000
#define REFRESH_MSECS 60000 /* the platform itself may be down */
#define REFRESH_PAGES 5
#define SWEEP_EVERY_MSECS (60 * 1000)
#define SWEEP_ROWS 200
/* A message whose deliveries are just being written has none yet. */
#define SWEEP_YOUNG_MSECS (60 * 1000)
#define PART_PREFIX ".part-"

struct item {
	struct media_row row;
	const struct attachment *from;
	const char *url;
	int tries;
	bool is_refreshed;
};

struct fetching {
	struct map_node node;
	struct media *media;
	struct arena *arena;
	int64_t event;
	struct letter *letter;
	struct item *items;
	size_t nitems, at;
	TAILQ_HEAD(, media_wait) waits;
	TAILQ_ENTRY(fetching) queue;
	bool is_queued, is_running;
	struct http_req req;
	struct http_into into;
	struct http_call *call;
	struct config *config; /* a reference, while a call runs */
	struct loop_timer *timer;
	struct page page;
	const char *cursor;
	int pages;
	const char *why; /* of the last failure */
	struct op_media_open open;
	struct op_media_set set;
};

struct media_wait {
	TAILQ_ENTRY(media_wait) next;
	struct fetching *job;
	struct arena *arena;
	void (*done)(void *arg, const struct file *files, size_t count);
	void *arg;
};

struct media {
	struct flow *flow;
	char *folder;
	struct map jobs; /* by event */
	TAILQ_HEAD(, fetching) queue;
	size_t running;
	uint64_t parts; /* temporary files, counted */
	int64_t bytes;
	struct loop_timer *timer;
	struct op_media_retain retain;
	bool is_sweeping;
	struct op_media_load *load; /* between load and start */
	struct arena *loaded;
};

static void job_next(struct fetching *j);
static void media_pump(struct media *m);

static int64_t media_now(const struct media *m)
{
	return loop_now_ms(m->flow->loop);
}

static const struct media_conf *conf_of(const struct media *m)
{
	return &m->flow->config->media;
}

bool event_has_files(const struct event *e)
{
	size_t i;

	for (i = 0; i < e->nattachments; i++)
		if (attachment_is_file(&e->attachments[i]))
			return true;
	return false;
}

int64_t media_bytes(const struct media *m)
{
	return m->bytes;
}

struct flow *media_flow(const struct media *m)
{
	return m->flow;
}

const char *media_path(const struct media *m, struct arena *a, const char *sha)
{
	return arena_printf(a, "%s/%s", m->folder, sha);
}

/* ---- telling ---- */

static const char *name_of(struct arena *a, const struct item *i)
{
	if (i->row.name != NULL)
		return arena_strdup(a, i->row.name);
	return file_name(a, i->from->name, i->from->url, i->from->type, i->from->kind);
}

static struct file file_of(const struct fetching *j, struct arena *a, const struct item *i)
{
	const struct media *m = j->media;
	const struct media_row *r = &i->row;
	int64_t until_ms = media_now(m) + conf_of(m)->url_life_msecs;
	struct file f = { .name = name_of(a, i), .kind = i->from->kind };

	if (r->state != MEDIA_STORED) {
		f.why = arena_strdup(a, r->why != NULL ? r->why : "");
		return f;
	}
	f.type = arena_strdup(a, r->type);
	f.kind = file_kind(f.type);
	f.size = r->size;
	f.path = media_path(m, a, r->sha);
	f.address = media_address(a, &m->flow->keys, m->flow->config->public_url, r->id,
	    until_ms / 1000, f.name);
	return f;
}

static void wait_end(struct media_wait *w)
{
	struct file *files = arena_zalloc(w->arena, w->job->nitems * sizeof(*files));
	size_t i, count = w->job->nitems;

	for (i = 0; i < count; i++)
		files[i] = file_of(w->job, w->arena, &w->job->items[i]);
	TAILQ_REMOVE(&w->job->waits, w, next);
	w->done(w->arg, files, count);
	xfree(w);
}

static void job_free(struct fetching *j)
{
	struct media *m = j->media;
	struct media_wait *w;

	while ((w = TAILQ_FIRST(&j->waits)) != NULL) {
		TAILQ_REMOVE(&j->waits, w, next);
		w->job = NULL; /* its asker forgets it */
	}
	if (j->is_queued)
		TAILQ_REMOVE(&m->queue, j, queue);
	if (j->call != NULL)
		http_out_cancel(j->call);
	page_cancel(&j->page);
	loop_timer_free(j->timer);
	map_remove(&m->jobs, &j->node);
	letter_unref(j->letter);
	config_unref(j->config);
	arena_free(j->arena);
}

static void job_finish(struct fetching *j)
{
	struct media_wait *w;

	while ((w = TAILQ_FIRST(&j->waits)) != NULL)
		wait_end(w);
	job_free(j);
}

void media_forget(struct media_wait *w)
{
	if (w == NULL)
		return;
	if (w->job != NULL)
		TAILQ_REMOVE(&w->job->waits, w, next);
	xfree(w);
}

/* ---- settling one ---- */

static void log_settled(const struct fetching *j, const struct media_row *r)
{
	const struct endpoint *e = endpoint_find(j->media->flow, j->letter->event->endpoint);
	const char *name = e != NULL ? e->conf.name : NULL;

	if (r->state == MEDIA_STORED)
		LOG(LOG_INFO, "media_stored", F_STR("endpoint", name), F_ID("event", 'e', j->event),
		    F_INT("bytes", r->size));
	else
		LOG(LOG_WARN, "media_failed", F_STR("endpoint", name), F_ID("event", 'e', j->event),
		    F_STR("err", r->why));
}

/* As if the disk had said it. */
static const struct http_resp full = { .is_disk = true, .retry_after_msecs = -1 };

static void job_again(struct fetching *j, int64_t msecs);
static void job_fail(struct fetching *j, const char *why);

static void on_set(struct store_op *op)
{
	struct fetching *j = (struct fetching *)((char *)op - offsetof(struct fetching, set.op));
	struct item *i = &j->items[j->at];
	struct media_verdict v;

	if (flow_redo(j->media->flow, op))
		return;
	if (j->set.is_lost) {
		v = media_judge(j->arena, &full, i->tries, 0);
		if (v.next == MEDIA_AGAIN)
			job_again(j, v.wait_msecs);
		else
			job_fail(j, v.why);
		return;
	}
	i->row = j->set.row;
	if (j->set.is_new)
		j->media->bytes += i->row.size;
	log_settled(j, &i->row);
	job_next(j);
}

static void job_set(struct fetching *j, const struct media_row *row)
{
	j->set = (struct op_media_set){
		.op = { .kind = STORE_MEDIA_SET, .done = on_set },
		.row = *row,
		.folder = j->media->folder,
		.path = j->into.path,
	};
	flow_submit(j->media->flow, &j->set.op);
}

static void job_fail(struct fetching *j, const char *why)
{
	struct media_row row = j->items[j->at].row;

	row.state = MEDIA_FAILED;
	row.why = why;
	row.sha = NULL;
	row.size = 0;
	job_set(j, &row);
}

/* ---- fetching ---- */

static void job_queue(struct fetching *j);

static void on_wait_over(void *arg)
{
	struct fetching *j = arg;

	if (j->page.pager != NULL) {
		page_cancel(&j->page);
		job_fail(j, j->why);
		return;
	}
	job_queue(j);
}

static void set_timer(struct fetching *j, int64_t msecs)
{
	if (j->timer == NULL)
		j->timer = loop_timer_new(j->media->flow->loop, on_wait_over, j);
	loop_timer_set(j->timer, msecs);
}

static void job_again(struct fetching *j, int64_t msecs)
{
	set_timer(j, msecs);
}

/* What the file is called and what it is; -1: it is not carried, and *why says so. */
static int look_at_file(struct fetching *j, const struct http_resp *resp, struct media_row *row,
    const char **why)
{
	const struct item *i = &j->items[j->at];
	char head[FILE_HEAD_SIZE];
	int fd = open(j->into.path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd >= 0 ? read(fd, head, sizeof(head)) : -1;
	const char *name = i->from->name != NULL ? i->from->name : "";

	if (fd >= 0)
		close(fd);
	*why = "it is empty";
	if (len <= 0)
		return -1;
	row->type = file_type(j->arena, head, (size_t)len, resp->content_type, i->from->type, name);
	*why = "a web page is in its place";
	if (row->type == NULL)
		return -1;
	*why = "files of that kind are not carried";
	if (file_type_is(row->type, &j->config->media.deny_types))
		return -1;
	row->name = file_name(j->arena, i->from->name, i->url, row->type, i->from->kind);
	return 0;
}

static void job_take(struct fetching *j, const struct http_resp *resp)
{
	struct media_row row = j->items[j->at].row;
	char sha[2 * SHA256_SIZE + 1];
	const char *why;

	if (look_at_file(j, resp, &row, &why) != 0) {
		unlink(j->into.path);
		job_fail(j, why);
		return;
	}
	hex_encode(resp->file_sha256, SHA256_SIZE, sha);
	row.state = MEDIA_STORED;
	row.sha = arena_strdup(j->arena, sha);
	row.size = resp->file_len;
	job_set(j, &row);
}

static void job_refresh(struct fetching *j);
static void start_sweep(struct media *m);

/* Too large for what is left of the quota, and not in itself. */
static bool is_cramped(const struct fetching *j, const struct http_resp *resp)
{
	return resp->transport == TRANSPORT_TOO_LARGE && j->into.max < j->config->media.max_size;
}

static void on_response(void *arg, const struct http_resp *resp)
{
	static const enum effect_kind effects[] = { [MEDIA_TAKE] = EFFECT_NEXT_STEP,
		[MEDIA_AGAIN] = EFFECT_RETRY,
		[MEDIA_REFRESH] = EFFECT_RETRY,
		[MEDIA_GIVE_UP] = EFFECT_REJECTED };
	struct fetching *j = arg;
	struct media *m = j->media;
	struct item *i = &j->items[j->at];
	struct endpoint *e = endpoint_find(m->flow, j->letter->event->endpoint);
	struct media_verdict v;

	if (is_cramped(j, resp))
		start_sweep(m);
	j->call = NULL;
	j->is_running = false;
	m->running--;
	v = media_judge(j->arena, is_cramped(j, resp) ? &full : resp, ++i->tries,
	    j->config->media.max_size);
	if (e != NULL)
		e->stats.requests[STEP_FETCH_MEDIA][effects[v.next]]++;
	j->why = v.why;
	switch (v.next) {
	case MEDIA_TAKE: job_take(j, resp); break;
	case MEDIA_AGAIN: job_again(j, v.wait_msecs); break;
	case MEDIA_REFRESH: job_refresh(j); break;
	case MEDIA_GIVE_UP: job_fail(j, v.why); break;
	}
	config_unref(j->config);
	j->config = NULL;
	media_pump(m);
}

/* A platform's addresses are not always written as they should be. */
static const char *clean_url(struct arena *a, const char *url)
{
	static const char hex[] = "0123456789ABCDEF";
	char *out = arena_alloc(a, 3 * strlen(url) + 1), *to = out;
	const unsigned char *p;

	for (p = (const unsigned char *)url; *p != '\0'; p++) {
		if (*p > 0x20 && *p < 0x7f && strchr("\"<>\\^`{|}", *p) == NULL) {
			*to++ = (char)*p;
			continue;
		}
		*to++ = '%';
		*to++ = hex[*p >> 4];
		*to++ = hex[*p & 15];
	}
	*to = '\0';
	return out;
}

/* How much may come. 0: the folder is full. */
static int64_t room(const struct media *m)
{
	int64_t left = conf_of(m)->quota - m->bytes;

	return left < 0 ? 0 : left;
}

static void job_fetch(struct fetching *j)
{
	struct media *m = j->media;
	const struct media_conf *conf = conf_of(m);
	struct item *i = &j->items[j->at];
	int64_t max = conf->max_size < room(m) ? conf->max_size : room(m);
	struct media_verdict v;

	if (max == 0) {
		v = media_judge(j->arena, &full, ++i->tries, 0);
		start_sweep(m);
		if (v.next == MEDIA_AGAIN)
			job_again(j, v.wait_msecs);
		else
			job_fail(j, v.why);
		return;
	}
	mkdir(m->folder, 0750);
	j->config = config_ref(m->flow->config);
	j->into = (struct http_into){
		.path = arena_printf(j->arena, "%s/" PART_PREFIX "%" PRIu64, m->folder, m->parts++),
		.max = max,
		.allow = conf->allow_private.items,
		.nallow = conf->allow_private.count,
	};
	j->req = (struct http_req){
		.method = "GET",
		.url = clean_url(j->arena, i->url),
		.into = &j->into,
		.timeout_msecs = LEAST_MSECS + max / SLOWEST * 1000,
		.repeatable = true,
	};
	j->is_running = true;
	m->running++;
	j->call = http_out_start(m->flow->wire, &j->req, on_response, j);
}

static bool is_same_place(const struct fetching *a, const struct fetching *b)
{
	const struct event *x = a->letter->event, *y = b->letter->event;

	return x->endpoint == y->endpoint && x->conversation != NULL && y->conversation != NULL
	    && strcmp(x->conversation, y->conversation) == 0;
}

static bool must_yield(const struct media *m, const struct fetching *j)
{
	const struct map_node *n;
	const struct fetching *other;

	for (n = map_walk(&m->jobs, NULL); n != NULL; n = map_walk(&m->jobs, n)) {
		other = (const struct fetching *)n;
		if (other->is_running && is_same_place(other, j))
			return true;
	}
	return false;
}

static void media_pump(struct media *m)
{
	struct fetching *j, *next;

	if (m->flow->draining)
		return;
	for (j = TAILQ_FIRST(&m->queue); j != NULL && m->running < RUNNING_MAX; j = next) {
		next = TAILQ_NEXT(j, queue);
		if (must_yield(m, j))
			continue;
		TAILQ_REMOVE(&m->queue, j, queue);
		j->is_queued = false;
		job_fetch(j);
	}
}

static void job_queue(struct fetching *j)
{
	TAILQ_INSERT_TAIL(&j->media->queue, j, queue);
	j->is_queued = true;
	media_pump(j->media);
}

/* ---- the message read again ---- */

static void ask_page(struct fetching *j, struct endpoint *e);

/* Its address of now; NULL: this page does not hold it. */
static const char *url_on_page(const struct fetching *j, const struct outcome *o)
{
	const struct event *e = j->letter->event, *k;
	size_t n = (size_t)j->items[j->at].row.n, i;

	for (i = 0; i < o->events.count; i++) {
		k = &o->events.items[i];
		if (k->remote != NULL && e->remote != NULL && strcmp(k->remote, e->remote) == 0
		    && n < k->nattachments)
			return k->attachments[n].url;
	}
	return NULL;
}

static void on_page(void *arg, struct arena *a, const struct outcome *o)
{
	struct fetching *j = arg;
	struct item *i = &j->items[j->at];
	struct endpoint *e = endpoint_find(j->media->flow, j->letter->event->endpoint);
	const char *url = o->effect.kind == EFFECT_REJECTED ? NULL : url_on_page(j, o);

	j->cursor = url == NULL && o->cursor != NULL && o->effect.kind != EFFECT_REJECTED
	    ? arena_strdup(j->arena, o->cursor)
	    : NULL;
	if (url != NULL)
		url = arena_strdup(j->arena, url);
	arena_free(a);
	if (j->cursor != NULL && ++j->pages < REFRESH_PAGES && e != NULL) {
		ask_page(j, e);
		return;
	}
	loop_timer_stop(j->timer);
	if (url == NULL || strcmp(url, i->url) == 0) {
		job_fail(j, j->why);
		return;
	}
	i->url = url;
	i->tries = 0;
	job_queue(j);
}

static void ask_page(struct fetching *j, struct endpoint *e)
{
	j->page = (struct page){
		.job = { .step = STEP_LIST_MESSAGES,
		    .attempt = 1,
		    .cursor = j->cursor,
		    .since_ms = j->letter->event->at_ms },
		.known = { .conversation = j->letter->event->conversation },
		.is_live = true,
		.done = on_page,
		.arg = j,
	};
	page_ask(e, &j->page);
}

static void job_refresh(struct fetching *j)
{
	struct item *i = &j->items[j->at];
	struct endpoint *e = endpoint_find(j->media->flow, j->letter->event->endpoint);

	if (i->is_refreshed || e == NULL || !e->conf.caps->pages
	    || j->letter->event->conversation == NULL) {
		job_fail(j, j->why);
		return;
	}
	i->is_refreshed = true;
	j->cursor = NULL;
	j->pages = 0;
	set_timer(j, REFRESH_MSECS);
	ask_page(j, e);
}

/* ---- jobs ---- */

static bool is_there(const struct media *m, const struct media_row *r)
{
	char path[4096];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", m->folder, r->sha);
	return stat(path, &st) == 0 && st.st_size == r->size;
}

static void job_next(struct fetching *j)
{
	struct item *i;

	while (j->at < j->nitems && j->items[j->at].row.state != MEDIA_WANTED)
		j->at++;
	if (j->at == j->nitems) {
		job_finish(j);
		return;
	}
	i = &j->items[j->at];
	if (i->url == NULL || *i->url == '\0')
		job_fail(j, "no address was given");
	else if (strncasecmp(i->url, "http://", 7) != 0 && strncasecmp(i->url, "https://", 8) != 0)
		job_fail(j, MEDIA_NOWHERE);
	else
		job_queue(j);
}

static const char *keep(struct arena *a, const char *s)
{
	return s != NULL ? arena_strdup(a, s) : NULL;
}

static void on_open(struct store_op *op)
{
	struct fetching *j = (struct fetching *)((char *)op - offsetof(struct fetching, open.op));
	struct media_row *r;
	size_t i;

	if (flow_redo(j->media->flow, op))
		return;
	for (i = 0; i < j->nitems; i++) {
		r = &j->items[i].row;
		*r = j->open.rows[i];
		if (r->state == MEDIA_STORED && !is_there(j->media, r))
			r->state = MEDIA_WANTED; /* somebody has removed it */
	}
	job_next(j);
}

static void job_open(struct fetching *j)
{
	int *wanted = arena_alloc(j->arena, j->nitems * sizeof(*wanted));
	size_t i;

	for (i = 0; i < j->nitems; i++)
		wanted[i] = j->items[i].row.n;
	j->open = (struct op_media_open){
		.op = { .kind = STORE_MEDIA_OPEN, .done = on_open },
		.arena = j->arena,
		.event = j->event,
		.wanted = wanted,
		.nwanted = j->nitems,
		.now_ms = media_now(j->media),
	};
	flow_submit(j->media->flow, &j->open.op);
}

static uint64_t job_hash(int64_t event)
{
	return hash_bytes(&event, sizeof(event), 0);
}

static struct fetching *job_find(const struct media *m, int64_t event)
{
	struct map_node *n;

	for (n = map_find(&m->jobs, job_hash(event)); n != NULL; n = map_find_next(n))
		if (((struct fetching *)n)->event == event)
			return (struct fetching *)n;
	return NULL;
}

static struct fetching *job_get(struct media *m, int64_t event, struct letter *letter)
{
	struct fetching *j = job_find(m, event);
	const struct event *e = letter->event;
	struct arena *a;
	size_t i;

	if (j != NULL)
		return j;
	a = arena_new();
	j = ARENA_NEW(a, struct fetching);
	j->media = m;
	j->arena = a;
	j->event = event;
	j->letter = letter_ref(letter);
	TAILQ_INIT(&j->waits);
	j->items = arena_zalloc(a, e->nattachments * sizeof(*j->items));
	for (i = 0; i < e->nattachments; i++)
		if (attachment_is_file(&e->attachments[i])) {
			j->items[j->nitems].from = &e->attachments[i];
			j->items[j->nitems].url = keep(a, e->attachments[i].url);
			j->items[j->nitems++].row.n = (int)i;
		}
	map_add(&m->jobs, &j->node, job_hash(event));
	job_open(j);
	return j;
}

void media_take(struct media *m, struct letter *letter)
{
	if (event_has_files(letter->event))
		job_get(m, letter->event->id, letter);
}

struct media_wait *media_ask(struct media *m, int64_t event, struct letter *letter, struct arena *a,
    void (*done)(void *arg, const struct file *files, size_t count), void *arg)
{
	struct media_wait *w = xcalloc(1, sizeof(*w));

	w->job = job_get(m, event, letter);
	w->arena = a;
	w->done = done;
	w->arg = arg;
	TAILQ_INSERT_TAIL(&w->job->waits, w, next);
	return w;
}

/* ---- keeping and removing ---- */

struct keeping {
	struct op_media_keep op;
	struct flow *flow;
};

static void on_kept(struct store_op *op)
{
	if (!flow_redo(((struct keeping *)op)->flow, op))
		xfree(op);
}

static void keeping_free(struct store_op *op)
{
	xfree(op);
}

void media_serve_from_now(struct media *m, int64_t event)
{
	struct keeping *k = xcalloc(1, sizeof(*k));

	k->flow = m->flow;
	k->op = (struct op_media_keep){
		.op = { .kind = STORE_MEDIA_KEEP, .done = on_kept, .lost = keeping_free },
		.event = event,
		.until_ms = media_now(m) + conf_of(m)->url_life_msecs + SWEEP_YOUNG_MSECS,
	};
	flow_submit(m->flow, &k->op.op);
}

static void submit_sweep(struct media *m, int64_t after);

static void on_swept(struct store_op *op)
{
	struct media *m = (struct media *)((char *)op - offsetof(struct media, retain.op));

	m->is_sweeping = false;
	if (op->result == 0) {
		m->bytes -= m->retain.bytes;
		if (m->retain.last != 0 && !m->flow->draining) {
			submit_sweep(m, m->retain.last);
			return;
		}
	}
	loop_timer_set(m->timer, SWEEP_EVERY_MSECS);
}

static void submit_sweep(struct media *m, int64_t after)
{
	int64_t now_ms = media_now(m);

	m->retain = (struct op_media_retain){
		.op = { .kind = STORE_MEDIA_RETAIN, .done = on_swept },
		.folder = m->folder,
		.after = after,
		.before_ms = now_ms - SWEEP_YOUNG_MSECS,
		.now_ms = now_ms,
		.limit = SWEEP_ROWS,
	};
	if (flow_offer(m->flow, &m->retain.op) == 0)
		m->is_sweeping = true;
	else
		loop_timer_set(m->timer, SWEEP_EVERY_MSECS);
}

static void start_sweep(struct media *m)
{
	if (!m->is_sweeping)
		submit_sweep(m, 0);
}

static void on_timer(void *arg)
{
	start_sweep(arg);
}

/* ---- life ---- */

static char *folder_beside(const char *store)
{
	struct arena *a = arena_new();
	const char *slash = strrchr(store, '/');
	char *folder = xstrdup(
	    slash != NULL ? arena_printf(a, "%.*s/media", (int)(slash - store), store) : "media");

	arena_free(a);
	return folder;
}

struct media *media_new(struct flow *f)
{
	struct media *m = xcalloc(1, sizeof(*m));

	m->flow = f;
	m->folder = folder_beside(f->config->store);
	map_init(&m->jobs);
	TAILQ_INIT(&m->queue);
	m->timer = loop_timer_new(f->loop, on_timer, m);
	return m;
}

void media_free(struct media *m)
{
	struct map_node *n;

	if (m == NULL)
		return;
	while ((n = map_walk(&m->jobs, NULL)) != NULL)
		job_free((struct fetching *)n);
	map_fini(&m->jobs);
	loop_timer_free(m->timer);
	arena_free(m->loaded);
	xfree(m->folder);
	xfree(m);
}

/* What an earlier life was fetching is fetched anew. */
static void remove_parts(const struct media *m)
{
	DIR *d = opendir(m->folder);
	const struct dirent *e;

	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL)
		if (strncmp(e->d_name, PART_PREFIX, strlen(PART_PREFIX)) == 0)
			unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
}

int media_load(struct media *m, struct err *err)
{
	remove_parts(m);
	m->loaded = arena_new();
	m->load = ARENA_NEW(m->loaded, struct op_media_load);
	m->load->op.kind = STORE_MEDIA_LOAD;
	m->load->arena = m->loaded;
	store_run(m->flow->store, &m->load->op);
	if (m->load->op.result != 0)
		return err_set(err, "reading back files: %s", m->load->op.err.text);
	m->bytes = m->load->bytes;
	return 0;
}

void media_start(struct media *m)
{
	struct letter *letter;
	size_t i;

	loop_timer_set(m->timer, SWEEP_EVERY_MSECS);
	for (i = 0; m->load != NULL && i < m->load->nevents; i++) {
		letter = letter_new(NULL, (struct event *)m->load->events[i]);
		media_take(m, letter);
		letter_unref(letter);
	}
	m->load = NULL;
}
