/* The story of one file:
 *
 *   media_take or media_ask ─▶ job: its rows ─▶ queue ─▶ fetch ─▶ judged ─▶ on disk, its row settled
 *                                                 ▲                 │ again, or from the message's
 *                                                 └─────────────────┘ address of now
 *
 * A job is one event with all its files, one after the other (media_fetch.c); when none is left, who waits is
 * told, and the job is gone: what it knew is in the store.
 *
 * Addresses are named by people whom nobody trusts. What may be connected to, how much may come, how slowly:
 * net/http_out.c. Whatever happens ends in a row: the file, or the reason why there is none. */
#include "flow/media/media.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/mem.h"
#include "flow/media/media_inside.h"

#define SWEEP_EVERY_MSECS (60 * 1000)
#define SWEEP_ROWS 200
/* A message whose deliveries are just being written has none yet. */
#define SWEEP_YOUNG_MSECS (60 * 1000)

int64_t media_now(const struct media *m)
{
	return loop_now_ms(m->flow->loop);
}

const struct media_conf *media_conf_of(const struct media *m)
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

uint64_t media_refused_24h(const struct media *m)
{
	return day_sum(&m->refused, media_now(m));
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
	int64_t until_ms = media_now(m) + media_conf_of(m)->url_life_msecs;
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
	w->asker.done(w->asker.arg, files, count);
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
		TAILQ_REMOVE(&m->queue, j, list);
	if (j->is_running)
		TAILQ_REMOVE(&m->running, j, list);
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

/* ---- jobs ---- */

static bool is_there(const struct media *m, const struct media_row *r)
{
	char path[4096];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", m->folder, r->sha);
	return stat(path, &st) == 0 && st.st_size == r->size;
}

void job_next(struct fetching *j)
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
	j->items = arena_zalloc(a, FILES_PER_MESSAGE * sizeof(*j->items));
	for (i = 0; i < e->nattachments && j->nitems < FILES_PER_MESSAGE; i++)
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
    const struct media_asker *asker)
{
	struct media_wait *w = xcalloc(1, sizeof(*w));

	w->job = job_get(m, event, letter);
	w->arena = a;
	w->asker = *asker;
	TAILQ_INSERT_TAIL(&w->job->waits, w, next);
	if (w->job->is_patient && asker->hurries(asker->arg))
		job_hurry(w->job);
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
		.until_ms = media_now(m) + media_conf_of(m)->url_life_msecs + SWEEP_YOUNG_MSECS,
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

void media_start_sweep(struct media *m)
{
	if (!m->is_sweeping)
		submit_sweep(m, 0);
}

static void on_timer(void *arg)
{
	media_start_sweep(arg);
}

/* ---- life ---- */

const char *media_folder(struct arena *a, const char *store)
{
	const char *slash = strrchr(store, '/');

	return slash != NULL ? arena_printf(a, "%.*s/media", (int)(slash - store), store) : "media";
}

static char *folder_beside(const char *store)
{
	struct arena *a = arena_new();
	char *folder = xstrdup(media_folder(a, store));

	arena_free(a);
	return folder;
}

struct media *media_new(struct flow *f)
{
	struct media *m = xcalloc(1, sizeof(*m));

	m->flow = f;
	m->folder = folder_beside(f->config->store);
	map_init(&m->jobs);
	media_hosts_init(&m->hosts);
	TAILQ_INIT(&m->queue);
	TAILQ_INIT(&m->running);
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
	media_hosts_fini(&m->hosts);
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

void media_less(struct media *m, int64_t bytes)
{
	m->bytes -= bytes;
}
