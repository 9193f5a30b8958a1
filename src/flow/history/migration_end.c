/* See migration_inside.h. How the history of one conversation ends, behind its last message:
 *
 *   is it linked? ─▶ what its platform tells of it besides words (facts) is heard, as if a callback told it ─▶ until
 *   that is carried ─▶ a last event says whether it is open or closed ─▶ until that is carried
 *
 * So who has it, labels and the rest go by the code and the records of live ones (mirror.h): what is known is not
 * carried again, in this run or a later one, and what is due is on disk. Until then mirror.c keeps them back. The
 * state goes last: while the conversation waits nobody is told that it was given to him. The last event goes behind
 * the messages, in their lane, and once, whichever life asks for it. */
#include "flow/history/migration_inside.h"

#include <stddef.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "flow/mirror.h"
#include "flow/router.h"

#define LOOK_MSECS 150
#define LOOK_MOST_MSECS 2000
#define STORE_RETRY_MSECS 2000

struct migration_ending {
	struct migration_item *item;
	struct arena *arena; /* its own, and this is in it */
	struct loop_timer *timer;
	bool is_heard, is_awake; /* the facts were; who carries them knows that it is time */
	bool is_last;            /* what is left is the last event */
	int64_t wait_msecs;
	struct arena *answer; /* of facts */
	struct op_migration_facts facts;
	struct op_hear hear;
	const char *key; /* of the last event */
	enum migration_found found;
	struct op_migration_look look;
	struct op_migration_end feed;
	struct letter *letter; /* of hear, then of feed */
	void (*done)(void *arg);
	void *arg;
};

static struct flow *flow_of(const struct migration_ending *e)
{
	return e->item->run->flow;
}

static void later(struct migration_ending *e, int64_t msecs)
{
	loop_timer_set(e->timer, msecs);
}

static void finish(struct migration_ending *e)
{
	void (*done)(void *arg) = e->done;
	void *arg = e->arg;

	migration_ending_free(e);
	done(arg);
}

static void drop_letter(struct migration_ending *e)
{
	letter_unref(e->letter);
	e->letter = NULL;
}

/* ---- the last event ---- */

static void on_fed(struct store_op *op)
{
	struct migration_ending *e =
	    (struct migration_ending *)((char *)op - offsetof(struct migration_ending, feed.op));

	if (flow_redo(flow_of(e), op))
		return;
	if (e->letter->event->id != 0)
		router_take(flow_of(e)->router, e->item->run->source, e->letter, &e->feed.view);
	drop_letter(e);
	later(e, LOOK_MSECS);
}

static void feed(struct migration_ending *e)
{
	const struct migration_run *r = e->item->run;
	struct arena *a = arena_new();
	struct event bare = *e->item->about;

	bare.extra = NULL; /* which is for its messages */
	bare.origin = ORIGIN_HISTORY;
	bare.kind = EVENT_CONVERSATION;
	bare.key = e->key;
	bare.remote = NULL;
	bare.here_ms = loop_now_ms(r->flow->loop);
	bare.endpoint = r->source->conf.id;
	e->letter = letter_new(a, event_copy(a, &bare));
	e->feed = (struct op_migration_end){
		.op = { .kind = STORE_MIGRATION_END, .done = on_fed },
		.arena = a,
		.event = e->letter->event,
		.asks = r->source->asks,
		.nasks = r->source->nbridges,
		.bridge = r->row.bridge,
	};
	flow_submit(r->flow, &e->feed.op);
}

static void on_looked(struct store_op *op)
{
	struct migration_ending *e =
	    (struct migration_ending *)((char *)op - offsetof(struct migration_ending, look.op));

	if (op->result != 0) {
		later(e, STORE_RETRY_MSECS);
		return;
	}
	switch (e->found) {
	case FOUND_NOTHING: feed(e); break;
	case FOUND_UNDER_WAY: later(e, LOOK_MSECS); break;
	default: finish(e);
	}
}

static void look(struct migration_ending *e)
{
	const struct migration_run *r = e->item->run;

	e->look = (struct op_migration_look){
		.op = { .kind = STORE_MIGRATION_LOOK, .done = on_looked },
		.endpoint = r->source->conf.id,
		.bridge = r->row.bridge,
		.first = r->row.first,
		.keys = &e->key,
		.nkeys = 1,
		.found = &e->found,
	};
	if (flow_offer(r->flow, &e->look.op) != 0)
		later(e, STORE_RETRY_MSECS);
}

/* One that waits goes on waiting there, and where this run has written nothing it opens and closes nothing. */
static void take_last(struct migration_ending *e)
{
	enum state state = e->item->about->state;

	e->is_last = true;
	if (e->item->totals.written > 0 && (state == STATE_OPEN || state == STATE_RESOLVED))
		look(e);
	else
		finish(e);
}

/* ---- what is told besides ---- */

static void look_at_facts(struct migration_ending *e);

/* What was due before waited for this. */
static void wake(struct migration_ending *e)
{
	const struct mirror_key key = { e->facts.link.id, SIDE_AGENTS, STEP_FIND_CONVERSATION,
		migration_bridge(e->item->run)->agents->id };

	if (!e->is_awake)
		mirror_owed(flow_of(e), &key);
	e->is_awake = true;
}

static void heard(struct migration_ending *e)
{
	drop_letter(e);
	e->is_heard = true;
	look_at_facts(e);
}

static void on_heard(struct store_op *op)
{
	struct migration_ending *e =
	    (struct migration_ending *)((char *)op - offsetof(struct migration_ending, hear.op));

	if (flow_redo(flow_of(e), op))
		return;
	mirror_heard(e->item->run->source, e->letter, &e->hear);
	heard(e);
}

/* Of a file's people nobody may be there to be asked: they go by what the map knows of them. NULL: by their id. */
static const char *called(const struct option_map *m, const char *id, const char *email,
    const char *name)
{
	const char *const names[] = { id, email, name };
	size_t i;

	if (m->same)
		return email;
	for (i = 0; i < 3; i++)
		if (names[i] != NULL && map_exactly(m, names[i], true) != NULL)
			return names[i];
	return NULL;
}

const struct facts *migration_facts(const struct migration_run *r, struct arena *a,
    const struct event *about)
{
	const struct map_conf *m = &migration_bridge(r)->map;
	const struct author *who = &about->assignee;
	const char *agent, *team;
	struct facts *f;

	if (r->file == NULL || about->facts == NULL)
		return about->facts;
	f = arena_memdup(a, about->facts, sizeof(*f));
	agent = called(&m->agents, who->id, who->email, who->name);
	team = called(&m->teams, about->department, about->department_name, NULL);
	if (agent != NULL && f->v[FACT_AGENT] != NULL)
		f->v[FACT_AGENT] = agent;
	if (team != NULL && f->v[FACT_TEAM] != NULL)
		f->v[FACT_TEAM] = team;
	return f;
}

static void hear(struct migration_ending *e)
{
	struct migration_run *r = e->item->run;
	struct arena *a = arena_new();
	struct event *event = arena_memdup(a, e->item->about, sizeof(*event));

	event->endpoint = r->source->conf.id;
	event->here_ms = loop_now_ms(r->flow->loop);
	event->facts = migration_facts(r, a, event);
	e->letter = letter_new(a, event);
	e->hear = (struct op_hear){ .op = { .done = on_heard }, .arena = a };
	if (mirror_hear(r->source, e->letter, &e->hear))
		flow_submit(r->flow, &e->hear.op);
	else
		heard(e);
}

bool migration_is_his(const struct migration_run *r, const struct person *now,
    const struct event *about)
{
	const char *told = about->person.identity;

	return r->file == NULL || now->identity == NULL || told == NULL
	    || strcmp(now->identity, told) == 0;
}

/* The desk may be away for hours. */
static void wait_longer(struct migration_ending *e)
{
	wake(e);
	later(e, e->wait_msecs);
	e->wait_msecs = 2 * e->wait_msecs < LOOK_MOST_MSECS ? 2 * e->wait_msecs : LOOK_MOST_MSECS;
}

static void on_facts(struct store_op *op)
{
	struct migration_ending *e =
	    (struct migration_ending *)((char *)op - offsetof(struct migration_ending, facts.op));
	const struct op_migration_facts *f = &e->facts;

	if (op->result != 0)
		later(e, STORE_RETRY_MSECS);
	else if (!f->is_linked || f->link.gone || f->link.agents_remote == NULL
	    || !migration_is_his(e->item->run, &f->person, e->item->about))
		take_last(e); /* nothing of it is there */
	else if (!e->is_heard)
		hear(e);
	else if (f->is_due)
		wait_longer(e);
	else
		take_last(e);
}

static void look_at_facts(struct migration_ending *e)
{
	const struct migration_run *r = e->item->run;

	arena_reset(e->answer);
	e->facts = (struct op_migration_facts){
		.op = { .kind = STORE_MIGRATION_FACTS, .done = on_facts },
		.arena = e->answer,
		.bridge = r->row.bridge,
		.endpoint = r->source->conf.id,
		.conversation = migration_item_remote(e->item),
	};
	if (flow_offer(r->flow, &e->facts.op) != 0)
		later(e, STORE_RETRY_MSECS);
}

static void on_timer(void *arg)
{
	struct migration_ending *e = arg;

	if (e->is_last)
		look(e);
	else
		look_at_facts(e);
}

/* ---- from outside ---- */

struct migration_ending *migration_end(struct migration_item *item, void (*done)(void *arg),
    void *arg)
{
	struct arena *a = arena_new();
	struct migration_ending *e = ARENA_NEW(a, struct migration_ending);

	item->is_ending = true;
	e->item = item;
	e->arena = a;
	e->answer = arena_new();
	e->wait_msecs = LOOK_MSECS;
	e->key =
	    arena_printf(a, "h:%lld:%s", (long long)item->run->row.id, migration_item_remote(item));
	e->timer = loop_timer_new(item->run->flow->loop, on_timer, e);
	e->done = done;
	e->arg = arg;
	later(e, 0);
	return e;
}

void migration_ending_told(struct migration_ending *e)
{
	if (e->is_last && loop_timer_pending(e->timer))
		later(e, 0);
}

void migration_ending_free(struct migration_ending *e)
{
	if (e == NULL)
		return;
	loop_timer_free(e->timer);
	letter_unref(e->letter);
	arena_free(e->answer);
	arena_free(e->arena);
}
