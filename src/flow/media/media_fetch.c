/* One file of a job on its way: asked for, judged, looked at, settled; asked for again after a while, or at
 * the address that its message has by now. See media.c.
 *
 * At most one file of a conversation is fetched at a time, so that nobody holds all the places with slow
 * addresses. */
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/secret.h"
#include "flow/endpoint.h"
#include "flow/media/media_inside.h"

#define RUNNING_MAX 16
#define SLOWEST 100000 /* bytes a second, for the deadline of a fetch */
#define LEAST_MSECS 60000
#define REFRESH_MSECS 60000 /* the platform itself may be down */
#define REFRESH_PAGES 5
#define PATIENT_MOST 1000 /* so many messages wait in memory that nobody has asked for yet */
#define DISK ""           /* among servers: our own */

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

static void job_failed_once(struct fetching *j, const struct media_verdict *v, const char *host);

static void on_set(struct store_op *op)
{
	struct fetching *j = (struct fetching *)((char *)op - offsetof(struct fetching, set.op));
	struct item *i = &j->items[j->at];
	struct media_verdict v;

	if (flow_redo(j->media->flow, op))
		return;
	if (j->set.is_lost) {
		v = media_judge(j->arena, &full, &i->tries, 0);
		job_failed_once(j, &v, DISK);
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

void job_fail(struct fetching *j, const char *why)
{
	struct media_row row = j->items[j->at].row;

	if (strcmp(why, MEDIA_NO_ROOM) == 0)
		day_add(&j->media->refused, media_now(j->media));
	row.state = MEDIA_FAILED;
	row.why = why;
	row.sha = NULL;
	row.size = 0;
	job_set(j, &row);
}

/* ---- fetching ---- */

static void refresh_failed(struct fetching *j);

static void on_wait_over(void *arg)
{
	struct fetching *j = arg;

	j->is_patient = false;
	if (j->page.pager != NULL)
		refresh_failed(j);
	else
		job_queue(j);
}

static void set_timer(struct fetching *j, int64_t msecs)
{
	if (j->timer == NULL)
		j->timer = loop_timer_new(j->media->flow->loop, on_wait_over, j);
	loop_timer_set(j->timer, msecs);
}

/* ---- who is in no hurry ---- */

static const char *host_of(const struct fetching *j)
{
	const char *begin = strstr(j->items[j->at].url, "://");

	begin = begin != NULL ? begin + 3 : "";
	return arena_printf(j->arena, "%.*s", (int)strcspn(begin, "/?#"), begin);
}

/* What was said before has time; and what nobody has asked for yet, since its own way is barred. */
static bool is_patient(const struct fetching *j)
{
	const struct media *m = j->media;
	const struct event *e = j->letter->event;
	const struct media_wait *w;

	if (media_now(m) - e->here_ms >= m->flow->config->limits.try_for_msecs)
		return false;
	TAILQ_FOREACH(w, &j->waits, next)
		if (w->asker.hurries(w->asker.arg))
			return false;
	return !TAILQ_EMPTY(&j->waits) || m->jobs.count <= PATIENT_MOST;
}

/* False: nobody waits any longer for it. */
static bool job_waits(struct fetching *j, const char *host, const char *why)
{
	struct media *m = j->media;
	struct item *i = &j->items[j->at];
	int64_t wait = media_patience(&m->hosts, host, &i->past,
	    m->flow->config->limits.try_for_msecs, media_now(m));

	if (wait < 0 || !is_patient(j))
		return false;
	if (i->past.waits++ == 0)
		LOG(LOG_WARN, "media_waits", F_ID("event", 'e', j->event), F_STR("err", why));
	j->is_patient = true;
	set_timer(j, wait);
	return true;
}

void job_hurry(struct fetching *j)
{
	loop_timer_stop(j->timer);
	j->is_patient = false;
	j->items[j->at].tries = (struct media_tries){ 0 };
	job_queue(j);
}

static void note_failure(struct fetching *j, const char *host)
{
	struct item *i = &j->items[j->at];

	media_host_failed(&j->media->hosts, host, media_now(j->media));
	if (i->past.failed_ms == 0)
		i->past.failed_ms = media_now(j->media);
}

static void job_failed_once(struct fetching *j, const struct media_verdict *v, const char *host)
{
	if (v->may_pass)
		note_failure(j, host);
	if (v->next == MEDIA_AGAIN)
		set_timer(j, v->wait_msecs);
	else if (!v->may_pass || !job_waits(j, host, v->why))
		job_fail(j, v->why);
}

/* ---- looking at it ---- */

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
	media_host_served(&j->media->hosts, host_of(j), media_now(j->media));
	media_host_served(&j->media->hosts, DISK, media_now(j->media));
	job_set(j, &row);
}

static void job_refresh(struct fetching *j);

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
	bool is_ours; /* the fault */

	if (is_cramped(j, resp))
		media_start_sweep(m);
	is_ours = resp->is_disk || is_cramped(j, resp);
	j->call = NULL;
	j->is_running = false;
	m->nrunning--;
	TAILQ_REMOVE(&m->running, j, list);
	v = media_judge(j->arena, is_cramped(j, resp) ? &full : resp, &i->tries,
	    j->config->media.max_size);
	if (e != NULL)
		e->stats.requests[STEP_FETCH_MEDIA][effects[v.next]]++;
	j->why = v.why;
	switch (v.next) {
	case MEDIA_TAKE: job_take(j, resp); break;
	case MEDIA_REFRESH: job_refresh(j); break;
	case MEDIA_AGAIN:
	case MEDIA_GIVE_UP: job_failed_once(j, &v, is_ours ? DISK : host_of(j)); break;
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
	int64_t left = media_conf_of(m)->quota - m->bytes;

	return left < 0 ? 0 : left;
}

static void sign(struct fetching *j)
{
	const struct endpoint *e = endpoint_find(j->media->flow, j->letter->event->endpoint);
	struct via via;

	if (e == NULL || e->connector->sign_fetch == NULL)
		return;
	via = endpoint_via(e);
	e->connector->sign_fetch(&via, j->arena, &j->req);
}

static void job_fetch(struct fetching *j)
{
	struct media *m = j->media;
	const struct media_conf *conf = media_conf_of(m);
	struct item *i = &j->items[j->at];
	int64_t max = conf->max_size < room(m) ? conf->max_size : room(m);
	struct media_verdict v;

	if (max == 0) {
		v = media_judge(j->arena, &full, &i->tries, 0);
		media_start_sweep(m);
		job_failed_once(j, &v, DISK);
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
	sign(j);
	j->is_running = true;
	m->nrunning++;
	TAILQ_INSERT_TAIL(&m->running, j, list);
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
	const struct fetching *other;

	TAILQ_FOREACH(other, &m->running, list)
		if (is_same_place(other, j))
			return true;
	return false;
}

void media_pump(struct media *m)
{
	struct fetching *j, *next;

	if (m->flow->draining)
		return;
	for (j = TAILQ_FIRST(&m->queue); j != NULL && m->nrunning < RUNNING_MAX; j = next) {
		next = TAILQ_NEXT(j, list);
		if (must_yield(m, j))
			continue;
		TAILQ_REMOVE(&m->queue, j, list);
		j->is_queued = false;
		job_fetch(j);
	}
}

void job_queue(struct fetching *j)
{
	TAILQ_INSERT_TAIL(&j->media->queue, j, list);
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
	if (e != NULL)
		media_host_served(&j->media->hosts, e->conf.name, media_now(j->media));
	if (url == NULL || strcmp(url, i->url) == 0) {
		job_fail(j, j->why);
		return;
	}
	i->url = url;
	i->tries = (struct media_tries){ 0 };
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

/* The platform itself is down: what it would say of the message nobody knows. */
static void refresh_failed(struct fetching *j)
{
	const struct endpoint *e = endpoint_find(j->media->flow, j->letter->event->endpoint);

	page_cancel(&j->page);
	j->items[j->at].is_refreshed = false;
	if (e != NULL)
		note_failure(j, e->conf.name);
	if (e == NULL || !job_waits(j, e->conf.name, j->why))
		job_fail(j, j->why);
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
