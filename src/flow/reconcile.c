/* See reconcile.h.
 *
 *   timer ─▶ begin ─▶ page of conversations that changed ─▶ each: its messages (reading.c), its state
 *              ▲           ▲ next page                          │ how far is kept on disk
 *              └───────────┴──────────────── end ◀──────────────┘
 *
 * What changed since the last sweep that came to its end, and ten minutes before it, since clocks
 * differ and a far side may be late itself. Conversations come in the order of their last change, so
 * that how far one has come is one number; after a restart it goes on there.
 *
 * Whether the last message is known says nothing about those before it, so each conversation is read,
 * once per sweep. What is so young that its callback may still be on its way is left to the next; but not
 * at start, when nobody has heard what was told before.
 *
 * Where a platform is polled this is how messages come at all, and sweeps are of three kinds. Quick ones,
 * every few seconds, ask for what is unread; wide ones for what changed lately, since somebody there may
 * have read it first; every so many of those for all. What has not changed since it was read is not read
 * again (told.h): twice the same words, as the second in which it was read may not have been over. */
#include "flow/reconcile.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"
#include "flow/endpoint.h"
#include "flow/ingest.h"
#include "flow/pager.h"
#include "flow/reading.h"
#include "flow/told.h"

#define OVERLAP_MSECS (10 * 60 * 1000)
/* A callback that was not taken is repeated within 8 s, or never. */
#define YOUNG_MSECS (10 * 1000)
#define CLOSED_MSECS (5 * 1000) /* the store takes nothing: looked at again after that */
#define FAILED_MSECS (60 * 1000)
/* Of one sweep. Where there are more, some of those that move while it goes on are read twice. */
#define SEEN_MOST 16384
#define CLOCK_AHEAD_MSECS (2 * 24 * 60 * 60 * 1000)

struct seen { /* a conversation that was read in this sweep */
	struct map_node node;
	char *remote;
};

struct sweep {
	struct endpoint *endpoint;
	struct loop_timer *timer;
	enum sweep_why next;         /* what the timer begins */
	int64_t next_ms;             /* when, by the clock that nobody sets; 0: not */
	int64_t done_ms, reached_ms; /* as on disk */
	bool is_broken_off;          /* reached_ms is another life's */

	struct sweep_report now;
	struct sweep_report last; /* the last one that is over */
	int64_t from_ms; /* conversations that changed since; now.since_ms is for messages */
	int64_t skip_ms; /* what changed before was seen in another life; 0: nothing was */
	bool is_whole;   /* all was asked for that the last one has not seen */
	bool has_younger;
	struct page page;
	struct arena *list_arena;
	const struct event **list; /* of a page, by change */
	size_t count, at;
	const char *cursor; /* of the next page */
	struct reading *reading;
	bool is_stating, is_dead; /* a state is on its way to disk */
	struct map seen;

	struct tolds told; /* where it is polled */
	int64_t wide_ms;   /* when the last wide sweep began */
	int64_t wides;     /* of them, since the start */
	bool is_complete;
	unsigned round;
};

const char *sweep_why_word(enum sweep_why why)
{
	static const char *const words[] = { "interval", "start", "refused", "silence", "younger",
		"asked", "poll", "woken" };

	return words[why];
}

static int64_t sweep_now(const struct sweep *s)
{
	return loop_now_ms(s->endpoint->flow->loop);
}

static bool is_wanted(const struct endpoint *e)
{
	return e->conf.caps->pages && e->nbridges > 0
	    && (e->conf.poll || e->conf.reconcile_msecs != MSECS_NEVER);
}

static bool is_quick(const struct sweep *s)
{
	return s->now.why == SWEEP_POLL;
}

/* ---- when ---- */

static void schedule(struct sweep *s, enum sweep_why why, int64_t msecs)
{
	int64_t at_ms = loop_mono_ms(s->endpoint->flow->loop) + msecs;

	if (s->next_ms != 0 && s->next_ms <= at_ms)
		return;
	s->next = why;
	s->next_ms = at_ms;
	if (!s->now.is_running)
		loop_timer_set(s->timer, msecs);
}

/* Where the far side takes fewer requests than it is configured for, so much less often is it asked. */
static int64_t poll_msecs(const struct sweep *s)
{
	const struct endpoint_conf *conf = &s->endpoint->conf;
	const struct bucket full = { 0 };
	int64_t usual = bucket_spread(&full, &conf->rate);
	int64_t now = bucket_spread(&s->endpoint->gate.supply->bucket, &conf->rate);

	return usual > 0 ? conf->poll_msecs * now / usual : conf->poll_msecs;
}

/* The interval: of what is polled two, of which the nearer one counts. */
static void schedule_next(struct sweep *s)
{
	const struct endpoint_conf *conf = &s->endpoint->conf;
	int64_t left = s->wide_ms + conf->sweep_msecs - sweep_now(s);

	if (!conf->poll) {
		schedule(s, SWEEP_EVERY, conf->reconcile_msecs);
		return;
	}
	schedule(s, SWEEP_EVERY, left > 0 ? left : 0);
	schedule(s, SWEEP_POLL, poll_msecs(s));
}

/* What was asked for while one ran is due now, or at its time. */
static void go_on(struct sweep *s)
{
	int64_t left = s->next_ms - loop_mono_ms(s->endpoint->flow->loop);

	if (s->next_ms != 0)
		loop_timer_set(s->timer, left > 0 ? left : 0);
}

/* ---- how far, on disk ---- */

struct saving {
	struct op_sweep_set op;
	struct flow *flow;
};

static void saving_free(struct store_op *op)
{
	xfree(op);
}

static void on_saved(struct store_op *op)
{
	if (!flow_redo(((struct saving *)op)->flow, op))
		xfree(op);
}

static void save(struct sweep *s)
{
	struct saving *save = xcalloc(1, sizeof(*save));

	save->flow = s->endpoint->flow;
	save->op = (struct op_sweep_set){
		.op = { .kind = STORE_SWEEP_SET, .done = on_saved, .lost = saving_free },
		.endpoint = s->endpoint->conf.id,
		.done_ms = s->done_ms,
		.reached_ms = s->reached_ms,
	};
	flow_submit_lazily(s->endpoint->flow, &save->op.op);
}

/* ---- the end ---- */

static void forget_list(struct sweep *s)
{
	arena_free(s->list_arena);
	s->list_arena = NULL;
	xfree(s->list);
	s->list = NULL;
	s->count = s->at = 0;
}

static void forget_seen(struct sweep *s)
{
	struct map_node *n, *next;

	for (n = map_walk(&s->seen, NULL); n != NULL; n = next) {
		next = map_walk(&s->seen, n);
		map_remove(&s->seen, n);
		xfree(((struct seen *)n)->remote);
		xfree(n);
	}
}

static void say(const struct sweep *s)
{
	const struct sweep_report *r = &s->last;
	bool is_poll = s->endpoint->conf.poll && r->why != SWEEP_ASKED && r->why != SWEEP_START;

	LOG(r->is_failed  ? LOG_WARN
		: is_poll ? LOG_DEBUG
			  : LOG_INFO,
	    "reconcile", F_STR("endpoint", s->endpoint->conf.name),
	    F_STR("reason", sweep_why_word(r->why)), F_INT("count", (int64_t)r->conversations),
	    F_INT("took_ms", r->ended_ms - r->begun_ms),
	    F_STR("err", r->is_failed ? "its conversations cannot be listed" : NULL));
	if (r->repaired > 0 && !s->endpoint->conf.poll)
		LOG(LOG_WARN, "repaired", F_STR("endpoint", s->endpoint->conf.name),
		    F_INT("count", (int64_t)r->repaired),
		    F_STR("err", "messages that no callback announced"));
}

static void end(struct sweep *s, bool failed)
{
	const struct endpoint *e = s->endpoint;
	bool is_urgent =
	    s->now.why == SWEEP_START || s->now.why == SWEEP_REFUSED || s->now.why == SWEEP_SILENCE;

	forget_list(s);
	forget_seen(s);
	s->now.is_running = false;
	s->now.is_failed = failed;
	s->now.ended_ms = sweep_now(s);
	if (failed || !is_quick(s)) {
		s->last = s->now;
		say(s);
	}
	if (!failed && s->is_complete)
		tolds_forget(&s->told, s->round);
	if (!failed && !s->now.is_dry && s->is_whole) {
		s->done_ms = s->now.begun_ms;
		s->reached_ms = 0;
		s->is_broken_off = false;
		save(s);
	}
	if (is_wanted(e) && failed)
		schedule(s, s->now.why, FAILED_MSECS);
	else if (is_wanted(e) && is_urgent && s->has_younger)
		schedule(s, SWEEP_YOUNGER, 2 * YOUNG_MSECS);
	if (is_wanted(e) && !(failed && e->conf.poll))
		schedule_next(s);
	go_on(s);
}

/* ---- one conversation after the other ---- */

static void next_conversation(struct sweep *s);
static void ask_page(struct sweep *s, const char *cursor);

static bool was_seen(struct sweep *s, const struct event *c)
{
	uint64_t hash = hash_text(c->conversation, 0);
	struct map_node *n = map_find(&s->seen, hash);
	struct seen *seen;

	for (; n != NULL; n = map_find_next(n))
		if (strcmp(((struct seen *)n)->remote, c->conversation) == 0)
			return true;
	if (s->seen.count >= SEEN_MOST)
		forget_seen(s);
	seen = xcalloc(1, sizeof(*seen));
	seen->remote = xstrdup(c->conversation);
	map_add(&s->seen, &seen->node, hash);
	return false;
}

/* ---- what is known of those that are polled ---- */

/* What was told of it so was read. */
static bool is_unchanged(struct sweep *s, const struct event *c)
{
	struct told *t = tolds_find(&s->told, c->conversation);

	if (t == NULL || c->extra == NULL || s->now.why == SWEEP_ASKED)
		return false;
	tolds_get(&s->told, c->conversation)->round = s->round;
	return t->words != NULL && strcmp(t->words, c->extra) == 0 && (t->is_sure || is_quick(s));
}

static void remember(struct sweep *s, const struct event *c, const struct reading_result *result)
{
	struct told *t;

	if (!s->endpoint->conf.poll || c->extra == NULL || s->now.is_dry)
		return;
	t = tolds_get(&s->told, c->conversation);
	t->round = s->round;
	t->is_sure = t->words != NULL && strcmp(t->words, c->extra) == 0;
	if (result->newest_ms > t->newest_ms)
		t->newest_ms = result->newest_ms;
	told_keep_past(t, &result->past);
	xfree(t->words);
	t->words = result->has_held || result->is_gone ? NULL : xstrdup(c->extra);
	if (result->is_gone)
		s->is_whole = false; /* what it says may be older than the next one looks back */
}

/* Counted by the clock there, wherever one has been before; but what was said long before the bridge began is no
 * news, though nothing was said since. */
static int64_t since(const struct sweep *s, const struct event *c)
{
	const struct told *t =
	    s->now.why != SWEEP_ASKED ? tolds_find(&s->told, c->conversation) : NULL;
	int64_t newest_ms = t != NULL ? t->newest_ms : 0, earliest_ms;

	if (newest_ms == 0)
		return s->now.since_ms;
	earliest_ms = sweep_earliest(s->endpoint);
	return (newest_ms > earliest_ms ? newest_ms : earliest_ms) - OVERLAP_MSECS;
}

static int64_t begun(const struct endpoint *e)
{
	int64_t since_ms = 0;
	size_t i;

	for (i = 0; i < e->nbridges; i++)
		if (e->bridges[i]->since_ms > since_ms)
			since_ms = e->bridges[i]->since_ms;
	return since_ms;
}

/* ---- and on ---- */

static void on_stated(void *arg, const struct fed *fed)
{
	struct sweep *s = arg;
	const struct event *c;

	(void)fed; /* where it failed the next sweep sees it again */
	s->is_stating = false;
	if (s->is_dead) {
		xfree(s);
		return;
	}
	c = s->list[s->at++];
	if (!s->now.is_dry && !s->endpoint->conf.poll && c->version > s->reached_ms) {
		s->reached_ms = c->version;
		save(s);
	}
	next_conversation(s);
}

/* Behind what was said in it. */
static void feed_state(struct sweep *s)
{
	struct arena *a = arena_new();
	struct event_list list = { 0 };
	struct event *state;

	if (!s->now.is_dry) {
		state = event_list_add(&list, a);
		*state = *s->list[s->at];
		state->extra = NULL; /* which is for its messages */
		*state = *event_copy(a, state);
	}
	s->is_stating = true;
	ingest_feed(s->endpoint->flow->ingest, s->endpoint, a, &list, on_stated, s);
}

static void on_marked(void *arg, struct arena *a, const struct outcome *o)
{
	(void)o; /* what could not be marked is seen as unread again, and read for nothing */
	arena_free(a);
	feed_state(arg);
}

/* Who works there sees that it has been taken care of; what may be ours has not. */
static bool wants_mark(const struct sweep *s, const struct reading_result *result)
{
	return (s->list[s->at]->flags & EVENT_WANTS_READ) != 0 && !s->now.is_dry
	    && !result->has_held && !result->is_gone;
}

static void ask_mark(struct sweep *s)
{
	s->page.job = (struct job){ .step = STEP_MARK_READ };
	s->page.known.conversation = s->list[s->at]->conversation;
	s->page.done = on_marked;
	s->page.arg = s;
	page_ask(s->endpoint, &s->page);
}

static void on_messages(void *arg, const struct reading_result *result)
{
	struct sweep *s = arg;
	s->reading = NULL;
	s->now.conversations++;
	s->now.checked += result->checked;
	s->now.missing += result->missing;
	s->now.repaired += result->repaired;
	s->has_younger |= result->has_younger;
	remember(s, s->list[s->at], result);
	if (!s->endpoint->conf.poll)
		endpoint_repaired(s->endpoint, result->repaired,
		    s->now.why != SWEEP_START && s->now.why != SWEEP_REFUSED);
	if (wants_mark(s, result))
		ask_mark(s);
	else
		feed_state(s);
}

/* At start nobody can have told us what was written before; who asks wants all of it. */
static int64_t until(const struct sweep *s)
{
	if (s->now.why == SWEEP_ASKED || s->endpoint->conf.poll)
		return INT64_MAX;
	return s->now.why == SWEEP_START ? s->now.begun_ms : sweep_now(s) - YOUNG_MSECS;
}

static void read_conversation(struct sweep *s, const struct event *c)
{
	const struct told *told =
	    s->now.why != SWEEP_ASKED ? tolds_find(&s->told, c->conversation) : NULL;
	const struct reading_order order = {
		.conversation = c->conversation,
		.about = c,
		.since_ms = since(s, c),
		.until_ms = until(s),
		.is_dry = s->now.is_dry,
		/* What an earlier life may have sent already is looked for before it is sent. */
		.is_told = s->endpoint->conf.poll && s->now.why != SWEEP_START
		    && s->now.why != SWEEP_ASKED,
		.begun_ms = begun(s->endpoint),
		.past = told != NULL ? told->past : NULL,
	};

	s->reading = reading_start(s->endpoint, &order, on_messages, s);
}

static void next_conversation(struct sweep *s)
{
	while (s->at < s->count
	    && (was_seen(s, s->list[s->at])
		|| (s->endpoint->conf.poll && is_unchanged(s, s->list[s->at]))))
		s->at++;
	if (s->at < s->count)
		read_conversation(s, s->list[s->at]);
	else if (s->cursor != NULL)
		ask_page(s, s->cursor);
	else
		end(s, false);
}

/* ---- pages of conversations ---- */

static int compare(const void *a, const void *b)
{
	const struct event *const *x = a, *const *y = b;

	return (*x)->version < (*y)->version ? -1 : (*x)->version > (*y)->version;
}

/* Those of other places, and those that no bridge takes, are not looked into. */
static bool is_ours(const struct sweep *s, const struct event *c)
{
	return c->kind == EVENT_CONVERSATION && c->drop == DROP_NONE && c->conversation != NULL
	    && c->version >= s->skip_ms && (c->flags & EVENT_IS_DRAFT) == 0;
}

static void on_receipts(void *arg, const struct fed *fed)
{
	(void)arg, (void)fed; /* where it failed the next sweep sees them again */
}

/* What became of messages of ours stands among the conversations, where nobody calls to tell it. */
static void feed_receipts(struct sweep *s, const struct outcome *o)
{
	struct event_list list = { 0 };
	struct arena *a;
	size_t i;

	if (s->now.is_dry)
		return;
	a = arena_new();
	for (i = 0; i < o->events.count; i++)
		if (o->events.items[i].kind == EVENT_RECEIPT)
			*event_list_add(&list, a) = *event_copy(a, &o->events.items[i]);
	ingest_feed(s->endpoint->flow->ingest, s->endpoint, a, &list, on_receipts, NULL);
}

static void on_page(void *arg, struct arena *a, const struct outcome *o)
{
	struct sweep *s = arg;
	size_t i;

	forget_list(s); /* and with it the cursor that was asked with */
	s->list_arena = a;
	if (o->effect.kind == EFFECT_REJECTED) {
		end(s, true);
		return;
	}
	s->cursor = o->cursor;
	s->now.unreadable += o->unreadable;
	feed_receipts(s, o);
	s->list = xcalloc(o->events.count + 1, sizeof(struct event *));
	for (i = 0; i < o->events.count; i++)
		if (is_ours(s, &o->events.items[i]))
			s->list[s->count++] = &o->events.items[i];
	if (s->count > 1)
		qsort(s->list, s->count, sizeof(struct event *), compare);
	next_conversation(s);
}

static void ask_page(struct sweep *s, const char *cursor)
{
	s->page.job = (struct job){
		.step = STEP_LIST_CONVERSATIONS,
		.cursor = cursor,
		.since_ms = s->from_ms,
		.is_quick = is_quick(s),
	};
	s->page.known = (struct known){ 0 };
	s->page.done = on_page;
	s->page.arg = s;
	page_ask(s->endpoint, &s->page);
}

/* ---- the beginning ---- */

/* What is not known any more would be taken for new. */
int64_t sweep_earliest(const struct endpoint *e)
{
	int64_t since_ms = INT64_MAX, kept_msecs = MSECS_NEVER, kept_ms;
	const struct retention *keep;
	size_t i;

	for (i = 0; i < e->nbridges; i++) {
		keep = &e->bridges[i]->retention;
		if (e->bridges[i]->since_ms < since_ms)
			since_ms = e->bridges[i]->since_ms;
		if (keep->bodies_msecs < kept_msecs)
			kept_msecs = keep->bodies_msecs;
		if (keep->links_msecs < kept_msecs)
			kept_msecs = keep->links_msecs;
	}
	if (kept_msecs == MSECS_NEVER)
		return since_ms;
	kept_ms = loop_now_ms(e->flow->loop) - kept_msecs;
	return kept_ms > since_ms ? kept_ms : since_ms;
}

static void begin_poll(struct sweep *s, enum sweep_why why)
{
	s->is_whole = s->is_whole && why != SWEEP_POLL;
	s->is_complete = false;
	if (why == SWEEP_POLL)
		return;
	s->wide_ms = s->now.begun_ms;
	if (why != SWEEP_EVERY || ++s->wides % s->endpoint->conf.sweep_full != 0)
		return;
	s->is_complete = true;
	s->round++;
	s->from_ms = 0;
}

/* What is shown as failed since callbacks were refused was left so while they were. */
static int64_t since_refused(const struct sweep *s, int64_t since_ms)
{
	const struct misfits *m = &s->endpoint->stats.misfits;

	if (!misfits_last(m, sweep_now(s)) || m->since_ms - OVERLAP_MSECS > since_ms)
		return since_ms;
	return m->since_ms - OVERLAP_MSECS;
}

static void begin(struct sweep *s, enum sweep_why why, int64_t since_ms, bool is_dry)
{
	int64_t earliest_ms = sweep_earliest(s->endpoint);
	int64_t now_ms = sweep_now(s), usual_ms;

	/* Our clock was ahead when the last one ended, and that says nothing of what it has seen. */
	if (s->done_ms > now_ms)
		s->done_ms = now_ms - CLOCK_AHEAD_MSECS;
	if (s->reached_ms > now_ms)
		s->reached_ms = 0;
	usual_ms = s->done_ms != 0 ? s->done_ms - OVERLAP_MSECS : 0;
	if (since_ms == 0)
		since_ms = why == SWEEP_REFUSED ? since_refused(s, usual_ms) : usual_ms;
	s->now = (struct sweep_report){
		.why = why,
		.is_dry = is_dry,
		.is_running = true,
		.begun_ms = sweep_now(s),
		.since_ms = since_ms > earliest_ms ? since_ms : earliest_ms,
	};
	s->is_whole = s->now.since_ms <= usual_ms || s->now.since_ms == earliest_ms;
	s->from_ms = s->now.since_ms;
	s->skip_ms = 0;
	if (s->is_broken_off && why != SWEEP_ASKED)
		s->skip_ms = s->reached_ms;
	if (s->skip_ms > s->from_ms)
		s->from_ms = s->skip_ms;
	/* What changed is counted by the far side's clock, and from when it looks. */
	if (s->from_ms != usual_ms)
		s->from_ms -= OVERLAP_MSECS;
	if (!is_dry) {
		s->reached_ms = s->skip_ms;
		s->is_broken_off = false;
	}
	s->has_younger = false;
	if (s->endpoint->conf.poll)
		begin_poll(s, why);
	ask_page(s, NULL);
}

/* What the store does not take cannot be repaired: later. */
static bool is_closed(const struct sweep *s)
{
	struct store_health h;

	store_health(s->endpoint->flow->store, &h);
	return h.last_fault != STORE_FAULT_NONE
	    || (h.disk_free >= 0 && h.disk_free < s->endpoint->flow->config->limits.disk_reserve);
}

static void on_timer(void *arg)
{
	struct sweep *s = arg;
	enum sweep_why why = s->next;

	s->next_ms = 0;
	if (s->now.is_running || s->endpoint->flow->draining)
		return;
	if (is_closed(s))
		schedule(s, why, CLOSED_MSECS);
	else
		begin(s, why, 0, false);
}

/* ---- what others call ---- */

void sweep_start(struct sweep *s)
{
	if (is_wanted(s->endpoint))
		schedule(s, SWEEP_START, 0);
}

void sweep_reload(struct sweep *s)
{
	const struct endpoint *e = s->endpoint;
	int64_t left = s->last.ended_ms + e->conf.reconcile_msecs - sweep_now(s);

	if (s->next_ms != 0 && (s->next == SWEEP_EVERY || s->next == SWEEP_POLL || !is_wanted(e))) {
		s->next_ms = 0;
		loop_timer_stop(s->timer);
	}
	if (is_wanted(e) && !s->now.is_running && e->conf.poll)
		schedule_next(s);
	else if (is_wanted(e) && !s->now.is_running)
		schedule(s, SWEEP_EVERY, left > 0 ? left : 0);
}

void sweep_refused(struct sweep *s)
{
	if (is_wanted(s->endpoint))
		schedule(s, SWEEP_REFUSED, YOUNG_MSECS);
}

void sweep_heard(struct sweep *s)
{
	const struct endpoint *e = s->endpoint;
	int64_t silence = e->flow->config->alarms.silence_msecs, last_ms = e->stats.last_hook_ms;

	if (s->endpoint->conf.poll || silence == MSECS_NEVER || last_ms == 0
	    || sweep_now(s) - last_ms < silence)
		return;
	LOG(LOG_INFO, "silence", F_STR("endpoint", e->conf.name),
	    F_INT("took_ms", sweep_now(s) - last_ms));
	if (is_wanted(e))
		schedule(s, SWEEP_SILENCE, 0);
}

void sweep_wake(struct sweep *s)
{
	if (is_wanted(s->endpoint) && s->endpoint->conf.poll)
		schedule(s, SWEEP_WOKEN, 0);
}

bool sweep_ask(struct sweep *s, int64_t since_ms, bool is_dry)
{
	if (s->now.is_running || !s->endpoint->conf.caps->pages || s->endpoint->nbridges == 0)
		return false;
	begin(s, SWEEP_ASKED, since_ms, is_dry);
	return true;
}

void sweep_report(const struct sweep *s, struct sweep_report *out)
{
	*out = s->now.is_running && !is_quick(s) ? s->now : s->last;
}

/* ---- life ---- */

struct sweep *sweep_new(struct endpoint *e)
{
	struct sweep *s = xcalloc(1, sizeof(*s));

	s->endpoint = e;
	s->timer = loop_timer_new(e->flow->loop, on_timer, s);
	map_init(&s->seen);
	tolds_init(&s->told);
	return s;
}

int sweep_load(struct sweep *s, struct err *err)
{
	struct op_sweep_get op = { .op = { .kind = STORE_SWEEP_GET },
		.endpoint = s->endpoint->conf.id };

	store_run(s->endpoint->flow->store, &op.op);
	if (op.op.result != 0)
		return err_set(err, "reading how far %s was compared: %s", s->endpoint->conf.name,
		    op.op.err.text);
	s->done_ms = op.done_ms;
	s->reached_ms = op.reached_ms;
	s->is_broken_off = op.reached_ms != 0;
	return 0;
}

void sweep_free(struct sweep *s)
{
	if (s == NULL)
		return;
	page_cancel(&s->page);
	reading_free(s->reading);
	loop_timer_free(s->timer);
	forget_list(s);
	forget_seen(s);
	map_fini(&s->seen);
	tolds_fini(&s->told);
	s->is_dead = true;
	if (!s->is_stating)
		xfree(s);
}
