/* See migration_inside.h. One conversation:
 *
 *   on disk that it is under way ─▶ its messages, page by page ─▶ in order ─▶ window: LOOK ─▶ what is not
 *   known is taken in ─▶ LOOK, until it is over … ─▶ its end (migration_end.c) ─▶ on disk with its sums ─▶ goes on
 *
 * What became of a message the store knows, and nobody else remembers it: so a life that ends anywhere costs
 * nothing but reading again. Of what is taken in no more than a few are not over at a time, so that neither
 * memory nor the journal grows with the history, and live messages of the person do not wait for all of it. */
#include "flow/migration_inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"
#include "flow/ingest.h"
#include "flow/mirror.h"
#include "flow/plan.h"
#include "flow/router.h"

#define WINDOW 32 /* looked at together */
#define AHEAD 16  /* taken in and not over */
#define LOOK_MSECS 150
#define STORE_RETRY_MSECS 2000

struct leaf {
	struct leaf *next;
	struct arena *arena;
};

struct item_work {
	struct migration_item *item;
	struct arena *arena;
	const char *remote;
	int64_t begun_ms;
	struct loop_timer *timer;
	struct page page;
	struct leaf *leaves;
	struct event **events; /* what is to be written, in the order it was written */
	size_t count, size, at;

	const char *keys[WINDOW];
	enum migration_found found[WINDOW];
	struct op_migration_look look;
	struct op_migration_item save;
	struct migration_ending *ending;
	struct migration_comparison *comparison;
	struct migration_pair *pair;
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

static void on_saved_end(struct store_op *op)
{
	struct item_work *w =
	    (struct item_work *)((char *)op - offsetof(struct item_work, save.op));

	if (flow_redo(flow_of(w), op))
		return;
	router_release(flow_of(w)->router, source_of(w), w->remote);
	migration_item_over(w->item);
}

static int64_t bytes_of(const struct item_work *w)
{
	const struct event *e;
	int64_t bytes = 0;
	size_t i, n;

	for (i = 0; i < w->count; i++) {
		e = w->events[i];
		for (n = 0; n < e->nattachments; n++)
			bytes += e->attachments[n].size > 0 ? e->attachments[n].size : 0;
	}
	return bytes;
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
	e->bytes += written > 0 && !w->item->run->wish.no_media ? bytes_of(w) : 0;
}

static void save_end(struct item_work *w)
{
	struct migration_run *r = w->item->run;

	count_estimate(w);
	w->item->totals.conversations = 1;
	migration_add(&r->row.totals, &w->item->totals);
	w->save = (struct op_migration_item){
		.op = { .kind = STORE_MIGRATION_ITEM, .done = on_saved_end },
		.migration = r->row.id,
		.row = { w->remote, true, w->item->totals },
		.run = &r->row,
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

static size_t window(const struct item_work *w)
{
	return w->count - w->at < WINDOW ? w->count - w->at : WINDOW;
}

static void look_on(struct item_work *w)
{
	size_t i, n = window(w);

	if (n == 0 && !w->item->run->is_dry && w->item->about != NULL && w->at > 0) {
		end(w);
		return;
	}
	if (n == 0) {
		save_end(w);
		return;
	}
	for (i = 0; i < n; i++)
		w->keys[i] = ingest_key(source_of(w), w->arena, w->events[w->at + i]);
	look(w, n);
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

static void on_fed(void *arg, const struct fed *fed)
{
	struct item_work *w = arg;

	later(w, fed->is_failed ? STORE_RETRY_MSECS : LOOK_MSECS);
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
		*e = *event_copy(a, w->events[w->at + places[i]]);
		if (w->item->run->wish.no_media)
			leave_files(a, e);
	}
	ingest_feed(f->ingest, source_of(w), a, &list, on_fed, w);
}

/* A plan: what is not known would be written. */
static void plan_on(struct item_work *w)
{
	size_t i, n = window(w);

	for (i = 0; i < n; i++)
		count(&w->item->totals, w->events[w->at + i],
		    w->found[i] == FOUND_NOTHING ? FOUND_WRITTEN : w->found[i]);
	w->at += n;
	look_on(w);
}

/* What stands there though nothing is known of it is present: an earlier life has written it. */
static void find_present(struct item_work *w)
{
	size_t i, n = window(w);

	for (i = 0; i < n; i++)
		if (w->found[i] == FOUND_NOTHING
		    && migration_pair_holds(w->pair, w->events[w->at + i]))
			w->found[i] = FOUND_PRESENT;
}

/* Before the first message that is not known is written to where others may have written it. */
static bool reads_pair(struct item_work *w)
{
	size_t i, n = window(w);

	for (i = 0; i < n && w->found[i] != FOUND_NOTHING; i++)
		;
	return i < n && migration_pair_read(w->pair);
}

static bool is_settled(enum migration_found found)
{
	return found != FOUND_NOTHING && found != FOUND_UNDER_WAY && found != FOUND_HELD;
}

static void take_window(struct item_work *w)
{
	size_t n = window(w), unknown[WINDOW], nunknown = 0, ahead = 0, i, done = 0;

	for (i = 0; i < n && w->found[i] != FOUND_HELD; i++) {
		if (done == i && is_settled(w->found[i])) {
			count(&w->item->totals, w->events[w->at + i], w->found[i]);
			done++;
		} else if (w->found[i] == FOUND_UNDER_WAY) {
			ahead++;
		} else if (w->found[i] == FOUND_NOTHING && ahead < AHEAD) {
			unknown[nunknown++] = i;
			ahead++;
		}
	}
	if (i < n) /* told live meanwhile: from there on it is not history */
		w->count = w->at + i;
	if (nunknown > 0 && (ahead == nunknown || nunknown >= AHEAD / 2 || w->at + i == w->count)) {
		for (i = 0; i < nunknown; i++)
			unknown[i] -= done;
		w->at += done;
		feed(w, unknown, nunknown);
		return;
	}
	w->at += done;
	if (done > 0 && ahead == 0)
		look_on(w);
	else
		later(w, LOOK_MSECS);
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

static int compare(const void *a, const void *b)
{
	const struct event *const *x = a, *const *y = b;
	size_t lx = strlen((*x)->remote), ly = strlen((*y)->remote);

	if ((*x)->at_ms != (*y)->at_ms)
		return (*x)->at_ms < (*y)->at_ms ? -1 : 1;
	if (lx != ly)
		return lx < ly ? -1 : 1;
	return strcmp((*x)->remote, (*y)->remote);
}

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

static void add(struct item_work *w, struct event *e)
{
	enum drop drop;

	event_as_history(w->arena, e);
	if (!is_wanted(w, e))
		return;
	e->origin = ORIGIN_HISTORY;
	drop = judge(w, e);
	if (drop != DROP_NONE) {
		w->item->totals.read++;
		w->item->totals.skipped[drop]++;
		return;
	}
	if (w->count == w->size) {
		w->size = w->size > 0 ? w->size * 2 : 64;
		w->events = xrealloc(w->events, w->size * sizeof(struct event *));
	}
	w->events[w->count++] = e;
}

static void mark_days(struct item_work *w)
{
	size_t i;

	for (i = 0; i < w->count; i++)
		if (i == 0 || !migration_is_same_day(w->events[i - 1]->at_ms, w->events[i]->at_ms))
			w->events[i]->flags |= EVENT_BEGINS_DAY;
}

/* What has been read of it may be the half. */
static void break_off(struct item_work *w)
{
	struct migration_run *r = w->item->run;

	if (!r->is_dry)
		router_release(r->flow->router, r->source, w->remote);
	migration_item_broken(w->item, migration_file_changed(r));
}

static void on_likened(void *arg)
{
	struct item_work *w = arg;

	w->likeness = NULL;
	save_end(w);
}

static void on_compared(void *arg)
{
	struct item_work *w = arg;

	w->comparison = NULL;
	if (w->item->about != NULL && w->count > 0)
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
	w->page.job = (struct job){
		.step = STEP_LIST_MESSAGES,
		.cursor = cursor,
		.since_ms = w->item->run->wish.since_ms,
		.about = w->item->about,
	};
	w->page.done = on_messages;
	migration_ask(w->item->run, &w->page);
}

/* It comes more than once where a list has moved under its reader. */
static void drop_repeated(struct item_work *w)
{
	size_t i, n = 0;

	for (i = 0; i < w->count; i++)
		if (n == 0 || strcmp(w->events[n - 1]->remote, w->events[i]->remote) != 0)
			w->events[n++] = w->events[i];
	w->count = n;
}

static bool is_line(const struct event *e)
{
	return (e->flags & EVENT_IS_SYSTEM) != 0;
}

/* That a conversation was begun or assigned tells nothing before somebody says something, and opens none. */
static void drop_first_lines(struct item_work *w)
{
	size_t n = 0;

	while (n < w->count && is_line(w->events[n]))
		n++;
	w->item->totals.read += (int64_t)n;
	w->item->totals.skipped[DROP_SYSTEM] += (int64_t)n;
	w->count -= n;
	if (n > 0)
		memmove(w->events, w->events + n, w->count * sizeof(struct event *));
}

static void on_messages(void *arg, struct arena *a, const struct outcome *o)
{
	struct item_work *w = arg;
	struct leaf *l = arena_zalloc(w->arena, sizeof(*l));
	size_t i;

	l->arena = a;
	l->next = w->leaves;
	w->leaves = l;
	if (o->effect.kind == EFFECT_REJECTED && w->item->run->file != NULL) {
		break_off(w);
		return;
	}
	for (i = 0; o->effect.kind != EFFECT_REJECTED && i < o->events.count; i++)
		add(w, &o->events.items[i]);
	if (o->effect.kind != EFFECT_REJECTED && o->cursor != NULL) {
		ask_messages(w, o->cursor);
		return;
	}
	if (w->count > 1)
		qsort(w->events, w->count, sizeof(struct event *), compare);
	drop_repeated(w);
	drop_first_lines(w);
	mark_days(w);
	if (w->item->run->verdict != NULL)
		w->comparison =
		    migration_compare(w->item->run, w->remote, w->events, w->count, on_compared, w);
	else
		w->pair = migration_pair_find(w->item->run, w->remote, w->item->about, w->events,
		    w->count, on_pair, w);
}

/* ---- 1: it is under way ---- */

/* It stands in no page of conversations yet. */
static void on_about(void *arg, struct arena *a, const struct outcome *o)
{
	struct item_work *w = arg;
	struct leaf *l = arena_zalloc(w->arena, sizeof(*l));

	l->arena = a;
	l->next = w->leaves;
	w->leaves = l;
	if (o->effect.kind == EFFECT_REJECTED && w->item->run->file != NULL) {
		break_off(w);
		return;
	}
	if (o->effect.kind == EFFECT_REJECTED || o->events.count == 0) {
		save_end(w); /* it is gone */
		return;
	}
	w->item->about = &o->events.items[0];
	ask_messages(w, NULL);
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

static void start(struct migration_run *r, const struct event *about, const char *conversation)
{
	struct migration_item *item = xcalloc(1, sizeof(*item));
	struct arena *a = arena_new();
	struct item_work *w = ARENA_NEW(a, struct item_work);

	item->run = r;
	item->about = about;
	item->work = w;
	w->item = item;
	w->arena = a;
	w->remote = arena_strdup(a, conversation);
	w->begun_ms = loop_now_ms(r->flow->loop);
	w->timer = loop_timer_new(r->flow->loop, on_timer, w);
	w->page.arg = w;
	w->page.known.conversation = w->remote;
	TAILQ_INSERT_TAIL(&r->items, item, next);
	r->nitems++;
	if (r->is_dry) {
		ask_messages(w, NULL);
		return;
	}
	router_suspend(r->flow->router, r->source, w->remote, r->row.bridge);
	save_begin(w);
}

void migration_item_start(struct migration_run *r, const struct event *about)
{
	start(r, about, about->conversation);
}

void migration_item_start_by_name(struct migration_run *r, const char *conversation)
{
	start(r, NULL, conversation);
}

const char *migration_item_remote(const struct migration_item *item)
{
	return item->work->remote;
}

void migration_item_free(struct migration_item *item)
{
	struct item_work *w = item->work;
	struct leaf *l;

	TAILQ_REMOVE(&item->run->items, item, next);
	item->run->nitems--;
	migration_cancel(item->run, &w->page);
	loop_timer_free(w->timer);
	migration_ending_free(w->ending);
	migration_comparison_free(w->comparison);
	migration_pair_free(w->pair);
	migration_likeness_free(w->likeness);
	for (l = w->leaves; l != NULL; l = l->next)
		arena_free(l->arena);
	xfree(w->events);
	arena_free(w->arena);
	xfree(item);
}
