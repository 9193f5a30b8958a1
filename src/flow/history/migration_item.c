/* See migration_inside.h. One conversation:
 *
 *   on disk that it is under way ─▶ its messages, page by page ─▶ in order ─▶ window: LOOK ─▶ what is not
 *   known is taken in ─▶ LOOK, until it is over … ─▶ its end (migration_end.c) ─▶ on disk with its sums ─▶ goes on
 *
 * Its messages are put in order outside memory (spool.h), and no more of them than a window is in it.
 *
 * What became of a message the store knows, and nobody else remembers it: so a life that ends anywhere costs
 * nothing but reading again. Of what is taken in no more than a few are not over at a time, so that neither
 * memory nor the journal grows with the history, and live messages of the person do not wait for all of it. */
#include "flow/history/migration_inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"
#include "flow/history/spool.h"
#include "flow/ingest.h"
#include "flow/mirror.h"
#include "flow/plan.h"
#include "flow/router.h"

#define WINDOW 16       /* looked at together */
#define AHEAD 8         /* taken in and not over */
#define LOOK_MSECS 1000 /* what is over is told; in case that it is not */
#define STORE_RETRY_MSECS 2000
#define ROOTS_MOST 1000

struct slot {
	struct arena *arena;
	struct event *event;
};

struct item_work {
	struct migration_item *item;
	struct arena *arena;
	const char *remote;
	int64_t begun_ms;
	struct loop_timer *timer;
	struct page page;
	char *cursor; /* of the page that is asked for */
	struct migration_standing *standing;
	struct spool *spool;       /* what is to be written, … */
	struct slot slots[WINDOW]; /* … and the first of it, in the order it was written */
	size_t count;
	bool is_last;       /* nothing is behind these */
	int64_t bytes;      /* of files */
	size_t ahead, told; /* under way when last looked at; of them, over since it was asked */
	bool has_words;     /* something of it was said, and not only by the platform itself */

	const char *keys[WINDOW];
	enum migration_found found[WINDOW];
	struct op_migration_look look;
	struct op_migration_item save;
	struct row_migration run_then; /* as it is written with save */
	struct migration_ending *ending;
	struct migration_comparison *comparison;
	struct migration_pair *pair;
	struct root *roots; /* of some of its messages, to know their copies */
	size_t nroots;
	struct migration_likeness *likeness;
};

static struct endpoint *source_of(const struct item_work *w)
{
	return w->item->run->source;
}

static struct flow *flow_of(const struct item_work *w)
{
	return w->item->run->flow;
}

static void later(struct item_work *w, int64_t msecs)
{
	loop_timer_set(w->timer, msecs);
}

/* ---- 5: over ---- */

static void save_end(struct item_work *w);

/* What has been read of it may be the half. why NULL: its file is another one. */
static void break_off(struct item_work *w, const char *why)
{
	struct migration_run *r = w->item->run;

	if (!r->is_dry)
		router_release(r->flow->router, r->source, w->remote);
	migration_item_broken(w->item,
	    why != NULL ? arena_strdup(r->arena, why) : migration_file_changed(r));
}

static void on_saved_end(struct store_op *op)
{
	struct item_work *w =
	    (struct item_work *)((char *)op - offsetof(struct item_work, save.op));

	if (flow_redo(flow_of(w), op))
		return;
	router_release(flow_of(w)->router, source_of(w), w->remote);
	migration_item_over(w->item);
}

/* What stands there is looked at, and each is written by itself. */
static int64_t count_facts(const struct item_work *w)
{
	const struct migration_run *r = w->item->run;
	const struct facts *told = migration_facts(r, w->arena, w->item->about);
	struct facts wanted = { 0 };
	int64_t n = 0;
	int f;

	if (!r->is_dry || told == NULL)
		return 0;
	mirror_expect(r->flow, migration_bridge(r), w->arena, told, &wanted);
	for (f = 0; f < FACT_COUNT; f++)
		n += fact_to_write(w->arena, (enum fact)f, wanted.v[f], NULL, NULL) != NULL;
	return n > 0 ? n + 1 : 0;
}

static void count_estimate(struct item_work *w)
{
	struct migration_estimate *e = &w->item->run->estimate;
	int64_t written = w->item->totals.written;

	e->conversations += written > 0;
	e->facts += written > 0 ? count_facts(w) : 0;
	e->longest = written > e->longest ? written : e->longest;
	e->bytes += written > 0 && !w->item->run->wish.no_media ? w->bytes : 0;
}

static void save_end(struct item_work *w)
{
	struct migration_run *r = w->item->run;

	count_estimate(w);
	w->item->totals.conversations = 1;
	migration_add(&r->row.totals, &w->item->totals);
	w->run_then = r->row; /* the store reads it while others are counted up */
	w->save = (struct op_migration_item){
		.op = { .kind = STORE_MIGRATION_ITEM, .done = on_saved_end },
		.migration = r->row.id,
		.row = { w->remote, true, w->item->totals },
		.run = &w->run_then,
	};
	w->item->totals = (struct migration_totals){ 0 }; /* they are the run's from now on */
	if (r->is_dry) {
		migration_item_over(w->item); /* a plan */
		return;
	}
	flow_submit(flow_of(w), &w->save.op);
}

/* ---- looking ---- */

static void on_looked(struct store_op *op);

static void look(struct item_work *w, size_t nkeys)
{
	const struct migration_run *r = w->item->run;

	w->told = 0;
	w->look = (struct op_migration_look){
		.op = { .kind = STORE_MIGRATION_LOOK, .done = on_looked },
		.endpoint = r->source->conf.id,
		.bridge = r->row.bridge,
		.first = r->row.first,
		.keys = w->keys,
		.nkeys = nkeys,
		.found = w->found,
	};
	if (flow_offer(flow_of(w), &w->look.op) != 0)
		later(w, STORE_RETRY_MSECS);
}

/* ---- 4: the end ---- */

static void on_ended(void *arg)
{
	struct item_work *w = arg;

	w->ending = NULL;
	save_end(w);
}

static void end(struct item_work *w)
{
	w->ending = migration_end(w->item, on_ended, w);
}

/* ---- 3: taking in ---- */

static void drop_slots(struct item_work *w, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		arena_free(w->slots[i].arena);
	w->count -= count;
	memmove(w->slots, w->slots + count, w->count * sizeof(*w->slots));
}

static int64_t bytes_of(const struct event *e)
{
	int64_t bytes = 0;
	size_t n;

	for (n = 0; n < e->nattachments; n++)
		bytes += e->attachments[n].size > 0 ? e->attachments[n].size : 0;
	return bytes;
}

bool migration_is_line(const struct event *e)
{
	return (e->flags & EVENT_IS_SYSTEM) != 0;
}

/* That a conversation was begun or assigned tells nothing before somebody says something, and opens none. */
static bool is_first_line(struct item_work *w, const struct event *e)
{
	w->has_words |= !migration_is_line(e);
	if (w->has_words)
		return false;
	w->item->totals.read++;
	w->item->totals.skipped[DROP_SYSTEM]++;
	return true;
}

/* What is read of it next. False: that cannot be had any more, and w is gone. */
static bool fill(struct item_work *w)
{
	struct slot *s;
	struct err err;

	while (w->count < WINDOW && !w->is_last) {
		s = &w->slots[w->count++];
		s->arena = arena_new();
		if (spool_next(w->spool, s->arena, &s->event, &err) != 0) {
			break_off(w, err.text);
			return false;
		}
		w->is_last = s->event == NULL;
		if (w->is_last || is_first_line(w, s->event))
			arena_free(w->slots[--w->count].arena);
		else
			w->bytes += bytes_of(s->event);
	}
	return true;
}

static void look_on(struct item_work *w)
{
	size_t i;

	if (!fill(w))
		return;
	if (w->count == 0 && !w->item->run->is_dry && w->item->about != NULL && w->has_words) {
		end(w);
		return;
	}
	if (w->count == 0) {
		save_end(w);
		return;
	}
	for (i = 0; i < w->count; i++)
		w->keys[i] = ingest_key(source_of(w), w->slots[i].arena, w->slots[i].event);
	look(w, w->count);
}

static void count_files(struct migration_totals *t, const struct event *e)
{
	size_t i;

	for (i = 0; i < e->nattachments; i++)
		t->files += e->attachments[i].kind != ATTACHMENT_LOCATION
		    && e->attachments[i].kind != ATTACHMENT_CONTACT;
}

/* It is over. */
static void count(struct migration_totals *t, const struct event *e, enum migration_found found)
{
	t->read++;
	switch (found) {
	case FOUND_WRITTEN:
		t->written++;
		count_files(t, e);
		break;
	case FOUND_FAILED: t->failed++; break;
	case FOUND_COPY: t->skipped[DROP_ECHO]++; break;
	case FOUND_DROPPED:
		t->skipped[DROP_LOOP]++;
		break; /* its other reasons were looked at before */
	default: t->skipped[SKIP_PRESENT]++;
	}
}

/* So few of those that were taken in are not over that it is worth to look: more can be taken in, or all is over. */
static bool is_ripe(const struct item_work *w)
{
	size_t ahead = w->ahead > w->told ? w->ahead - w->told : 0;

	return ahead == 0 || (ahead <= AHEAD / 2 && (!w->is_last || w->count > w->ahead));
}

static void await(struct item_work *w)
{
	later(w, w->told > 0 && is_ripe(w) ? 0 : LOOK_MSECS);
}

static void on_fed(void *arg, const struct fed *fed)
{
	struct item_work *w = arg;

	if (fed->is_failed)
		later(w, STORE_RETRY_MSECS);
	else
		await(w);
}

void migration_item_told(struct migration_item *item)
{
	struct item_work *w = item->work;

	w->told++;
	if (w->ending != NULL)
		migration_ending_told(w->ending);
	else if (loop_timer_pending(w->timer) && is_ripe(w))
		later(w, 0);
}

/* What the files are called stands in their place. */
static void leave_files(struct arena *a, struct event *e)
{
	const char *text = e->text != NULL ? e->text : "";
	size_t i;

	for (i = 0; i < e->nattachments; i++) {
		if (e->attachments[i].kind == ATTACHMENT_LOCATION
		    || e->attachments[i].kind == ATTACHMENT_CONTACT)
			return; /* these are words */
		text = arena_printf(a, "%s%s[file: %s]", text, *text != '\0' ? "\n" : "",
		    e->attachments[i].name != NULL ? e->attachments[i].name : "?");
	}
	e->text = text;
	e->nattachments = 0;
}

static void feed(struct item_work *w, const size_t *places, size_t count)
{
	struct flow *f = flow_of(w);
	struct arena *a = arena_new();
	struct event_list list = { 0 };
	struct event *e;
	size_t i;

	for (i = 0; i < count; i++) {
		e = event_list_add(&list, a);
		*e = *event_copy(a, w->slots[places[i]].event);
		if (w->item->run->wish.no_media)
			leave_files(a, e);
	}
	ingest_feed(f->ingest, source_of(w), a, &list, on_fed, w);
}

/* A plan: what is not known would be written. */
static void plan_on(struct item_work *w)
{
	size_t i;

	for (i = 0; i < w->count; i++)
		count(&w->item->totals, w->slots[i].event,
		    w->found[i] == FOUND_NOTHING ? FOUND_WRITTEN : w->found[i]);
	drop_slots(w, w->count);
	look_on(w);
}

/* What stands there though nothing is known of it is present: an earlier life has written it. */
static void find_present(struct item_work *w)
{
	size_t i;

	for (i = 0; i < w->count; i++)
		if (w->found[i] == FOUND_NOTHING
		    && migration_pair_holds(w->pair, w->slots[i].event))
			w->found[i] = FOUND_PRESENT;
}

/* Before the first message that is not known is written to where others may have written it. */
static bool reads_pair(struct item_work *w)
{
	size_t i;

	for (i = 0; i < w->count && w->found[i] != FOUND_NOTHING; i++)
		;
	return i < w->count && migration_pair_read(w->pair);
}

static bool is_settled(enum migration_found found)
{
	return found != FOUND_NOTHING && found != FOUND_UNDER_WAY && found != FOUND_HELD;
}

/* What was told live meanwhile is no history, nor is what stands behind it. */
static void cut_off(struct item_work *w)
{
	size_t i = 0, n;

	while (i < w->count && w->found[i] != FOUND_HELD)
		i++;
	if (i == w->count)
		return;
	for (n = i; n < w->count; n++)
		arena_free(w->slots[n].arena);
	w->count = i;
	w->is_last = true;
}

static void take_window(struct item_work *w)
{
	size_t unknown[WINDOW], nunknown = 0, i, done = 0;

	cut_off(w);
	w->ahead = 0;
	for (i = 0; i < w->count; i++) {
		if (done == i && is_settled(w->found[i])) {
			count(&w->item->totals, w->slots[i].event, w->found[i]);
			done++;
		} else if (w->found[i] == FOUND_UNDER_WAY) {
			w->ahead++;
		} else if (w->found[i] == FOUND_NOTHING && w->ahead + nunknown < AHEAD) {
			unknown[nunknown++] = i;
		}
	}
	for (i = 0; i < nunknown; i++)
		unknown[i] -= done;
	drop_slots(w, done);
	if (nunknown > 0 && (w->ahead <= AHEAD / 2)) {
		w->ahead += nunknown;
		feed(w, unknown, nunknown);
	} else if (w->ahead == 0) {
		look_on(w);
	} else {
		await(w);
	}
}

static void take_found(struct item_work *w)
{
	find_present(w);
	if (w->item->run->is_dry)
		plan_on(w);
	else
		take_window(w);
}

static void on_looked(struct store_op *op)
{
	struct item_work *w =
	    (struct item_work *)((char *)op - offsetof(struct item_work, look.op));

	if (op->result != 0)
		later(w, STORE_RETRY_MSECS);
	else if (reads_pair(w))
		; /* on_pair */
	else
		take_found(w);
}

/* ---- 2: reading ---- */

/* Why it would not be written, whatever else is known. */
static enum drop judge(const struct item_work *w, const struct event *event)
{
	const struct migration_run *r = w->item->run;
	static const struct view nothing;
	struct route route;
	const struct offer offer = {
		.keys = &r->flow->keys,
		.event = event,
		.bridge = migration_bridge(r),
		.side = SIDE_CUSTOMERS,
		.view = &nothing,
		.at = r->at_bridge,
		.now_ms = loop_now_ms(r->flow->loop),
		.hops = (int)r->flow->config->limits.hops,
	};

	if (route_is_settled_by_parsing(event, r->source->bridges, r->source->nbridges, &route))
		return route.drop;
	plan_decide(&offer, &route);
	return route.drop;
}

static bool is_wanted(const struct item_work *w, const struct event *e)
{
	const struct migration_wish *wish = &w->item->run->wish;

	return e->kind == EVENT_MESSAGE && e->remote != NULL && e->key != NULL
	    && e->at_ms <= w->begun_ms && (wish->since_ms == 0 || e->at_ms >= wish->since_ms)
	    && (wish->until_ms == 0 || e->at_ms < wish->until_ms);
}

/* Whether it is to be written. */
static bool takes(struct item_work *w, struct arena *a, struct event *e)
{
	enum drop drop;

	event_as_history(a, e);
	if (!is_wanted(w, e))
		return false;
	e->origin = ORIGIN_HISTORY;
	drop = judge(w, e);
	if (drop == DROP_NONE)
		return true;
	w->item->totals.read++;
	w->item->totals.skipped[drop]++;
	return false;
}

/* As many as make it sure to meet one. */
static void note_root(struct item_work *w, const struct event *e)
{
	const struct endpoint *from = source_of(w);

	if (w->nroots == ROOTS_MOST)
		return;
	if (w->roots == NULL)
		w->roots = arena_zalloc(w->arena, ROOTS_MOST * sizeof(*w->roots));
	w->roots[w->nroots++] =
	    ids_root(from->connector->name, from->conf.host, from->conf.tenant, e->remote);
}

/* -1: it cannot be kept. */
static int keep_page(struct item_work *w, struct arena *a, struct event_list *page, struct err *err)
{
	const struct event **kept = arena_zalloc(a, (page->count + 1) * sizeof(*kept));
	size_t i, count = 0;

	for (i = 0; i < page->count; i++)
		if (takes(w, a, &page->items[i])) {
			kept[count++] = &page->items[i];
			note_root(w, &page->items[i]);
		}
	return spool_add(w->spool, kept, count, err);
}

static void on_likened(void *arg)
{
	struct item_work *w = arg;

	w->likeness = NULL;
	save_end(w);
}

static void on_compared(void *arg, bool has_words, const char *why)
{
	struct item_work *w = arg;

	w->comparison = NULL;
	if (why != NULL)
		break_off(w, why);
	else if (w->item->about != NULL && has_words)
		w->likeness = migration_liken(w->item, on_likened, w);
	else
		save_end(w);
}

/* It is known, or what stands there is. */
static void on_pair(void *arg)
{
	look_on(arg);
}

static void on_messages(void *arg, struct arena *a, const struct outcome *o);

static void ask_messages(struct item_work *w, const char *cursor)
{
	xfree(w->cursor);
	w->cursor = xstrdup(cursor);
	w->page.job = (struct job){
		.step = STEP_LIST_MESSAGES,
		.cursor = w->cursor,
		.since_ms = w->item->run->wish.since_ms,
		.is_whole = w->item->run->wish.since_ms == 0,
		.about = w->item->about,
	};
	w->page.done = on_messages;
	migration_ask(w->item->run, &w->page);
}

static void all_is_read(struct item_work *w)
{
	if (w->item->run->verdict != NULL)
		w->comparison =
		    migration_compare(w->item->run, w->remote, w->spool, on_compared, w);
	else
		w->pair = migration_pair_find(w->item->run, w->remote, w->item->about, w->roots,
		    w->nroots, on_pair, w);
}

/* Of a page no more than that is kept; what cannot be read any more is not there any more. */
static void on_messages(void *arg, struct arena *a, const struct outcome *o)
{
	struct item_work *w = arg;
	bool is_gone = o->effect.kind == EFFECT_REJECTED;
	struct event_list page = o->events;
	struct err err;

	if (is_gone && w->item->run->file != NULL)
		break_off(w, NULL);
	else if (!is_gone && keep_page(w, a, &page, &err) != 0)
		break_off(w, err.text);
	else if (!is_gone && o->cursor != NULL)
		ask_messages(w, o->cursor);
	else
		all_is_read(w);
	arena_free(a);
}

/* ---- 1: it is under way ---- */

/* Without the page that told it, which may be large. */
static const struct event *keep_about(struct arena *a, const struct event *told)
{
	struct event *e = ARENA_NEW(a, struct event);

	event_keep(a, told, e);
	return e;
}

static void on_standing(void *arg, enum state state)
{
	struct item_work *w = arg;
	struct event *about = arena_memdup(w->arena, w->item->about, sizeof(*about));

	migration_standing_free(w->standing);
	w->standing = NULL;
	about->state = state;
	w->item->about = about;
	ask_messages(w, NULL);
}

/* It stands in no page of conversations yet. */
static void on_about(void *arg, struct arena *a, const struct outcome *o)
{
	struct item_work *w = arg;
	bool is_gone = o->effect.kind == EFFECT_REJECTED || o->events.count == 0;

	if (!is_gone)
		w->item->about = keep_about(w->arena, &o->events.items[0]);
	if (o->effect.kind == EFFECT_REJECTED && w->item->run->file != NULL)
		break_off(w, NULL);
	else if (is_gone)
		save_end(w);
	else if (w->item->about->state == STATE_NONE && w->item->run->file == NULL)
		w->standing = migration_standing_find(w->item->run, w->item->about, on_standing, w);
	else
		ask_messages(w, NULL);
	arena_free(a);
}

static void ask_about(struct item_work *w)
{
	w->page.job = (struct job){ .step = STEP_LIST_CONVERSATIONS };
	w->page.done = on_about;
	migration_ask(w->item->run, &w->page);
}

static void on_saved_begin(struct store_op *op)
{
	struct item_work *w =
	    (struct item_work *)((char *)op - offsetof(struct item_work, save.op));

	if (flow_redo(flow_of(w), op))
		return;
	if (w->item->about != NULL)
		ask_messages(w, NULL);
	else
		ask_about(w);
}

static void save_begin(struct item_work *w)
{
	const struct migration_run *r = w->item->run;

	w->save = (struct op_migration_item){
		.op = { .kind = STORE_MIGRATION_ITEM, .done = on_saved_begin },
		.migration = r->row.id,
		.row = { .remote = w->remote },
	};
	flow_submit(r->flow, &w->save.op);
}

static void on_timer(void *arg)
{
	struct item_work *w = arg;

	look_on(w);
}

static void start(struct migration_run *r, const struct event *about, const char *conversation,
    struct migration_page *told_by)
{
	struct migration_item *item = xcalloc(1, sizeof(*item));
	struct arena *a = arena_new();
	struct item_work *w = ARENA_NEW(a, struct item_work);

	item->run = r;
	item->about = about != NULL ? keep_about(a, about) : NULL;
	item->told_by = told_by;
	item->work = w;
	w->item = item;
	w->arena = a;
	w->remote = arena_strdup(a, conversation);
	w->begun_ms = loop_now_ms(r->flow->loop);
	w->timer = loop_timer_new(r->flow->loop, on_timer, w);
	w->page.arg = w;
	w->page.known.conversation = w->remote;
	w->spool = spool_new(r->flow->config->store, r->flow->config->limits.disk_reserve);
	TAILQ_INSERT_TAIL(&r->items, item, next);
	r->nitems++;
	if (r->is_dry) {
		ask_messages(w, NULL);
		return;
	}
	router_suspend(r->flow->router, r->source, w->remote, r->row.bridge);
	save_begin(w);
}

void migration_item_start(struct migration_run *r, const struct event *about,
    struct migration_page *told_by)
{
	told_by->left++;
	start(r, about, about->conversation, told_by);
}

void migration_item_start_by_name(struct migration_run *r, const char *conversation)
{
	start(r, NULL, conversation, NULL);
}

const char *migration_item_remote(const struct migration_item *item)
{
	return item->work->remote;
}

void migration_item_free(struct migration_item *item)
{
	struct item_work *w = item->work;

	TAILQ_REMOVE(&item->run->items, item, next);
	if (item->told_by != NULL)
		item->told_by->left--;
	item->run->nitems--;
	migration_cancel(item->run, &w->page);
	migration_standing_free(w->standing);
	loop_timer_free(w->timer);
	migration_ending_free(w->ending);
	migration_comparison_free(w->comparison);
	migration_pair_free(w->pair);
	migration_likeness_free(w->likeness);
	drop_slots(w, w->count);
	spool_free(w->spool);
	xfree(w->cursor);
	arena_free(w->arena);
	xfree(item);
}
