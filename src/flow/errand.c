/* See errand.h. One errand's way:
 *
 *   errand_owed ─▶ ready ─ read from disk ─▶ loaded ─(gate)─▶ on the wire ─▶ done, on disk
 *                    ▲                                            │
 *                    └──────────── waiting ◀──────────────────────┘ not yet: ever more slowly
 *
 * A state may be said twice without harm. A note may not: where one may have arrived (no answer, or an
 * earlier life may have sent it) it is looked for by its mark first, after a late commit must be over. */
#include "flow/errand.h"

#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/notice.h"
#include "core/policy.h"
#include "flow/endpoint.h"

/* Live messages of which each lets one errand go ahead, where there is never room for both. */
#define LIVE_TURNS 8
/* What was delivered so long ago needs no mark any more. */
#define STALE_MSECS (10 * 60 * 1000)
/* By then a request that got no answer is carried out or never will be, on any platform. */
#define LATE_COMMIT_MSECS (20 * 1000)
#define STEPS_MAX 20 /* detours and pages of one errand in a row */

enum stage { READY, WAITING, READING, LOADED, SENDING, WRITING };

/* What is owed, until it is known to be done. */
struct owed {
	struct map_node node;
	TAILQ_ENTRY(owed) next; /* in the list of its place */
	int64_t event;
	enum step step;
	enum stage stage;
	bool looks; /* it may be there: look first */
	int attempt;
	enum reason before; /* why the attempt before failed */
	int64_t due_ms;
	struct run *run; /* NULL: READY, WAITING */
};
TAILQ_HEAD(owed_list, owed);

/* One whose turn it is. */
struct run {
	struct owed *owed;
	struct errands *errands;
	struct arena *arena; /* its own, and this is in it */
	struct op_errand read;
	struct op_errand_done done;
	struct message message;
	struct known known;
	char mark[MARK_TEXT_SIZE];
	enum step step; /* of the next request: the errand's own, the look for it, or a detour */
	const char *cursor;
	int steps;
	struct http_req req;
	struct http_call *call;
	struct config *config; /* a reference, while it is on the wire */
};

struct errands {
	struct endpoint *endpoint;
	struct map owed;
	struct owed_list ready, waiting, loaded, busy; /* busy: READING, SENDING, WRITING */
	size_t turns;                                  /* READING, LOADED, SENDING */
	int passed;               /* live messages that went ahead of LOADED ones */
	struct loop_timer *timer; /* one of waiting may go, or the gate opens */
};

static int64_t errands_now(const struct errands *g)
{
	return loop_now_ms(g->endpoint->flow->loop);
}

/* ---- what is owed ---- */

static struct owed_list *list_of(struct errands *g, enum stage stage)
{
	switch (stage) {
	case READY: return &g->ready;
	case WAITING: return &g->waiting;
	case LOADED: return &g->loaded;
	case READING:
	case SENDING:
	case WRITING: break;
	}
	return &g->busy;
}

static bool takes_turn(enum stage stage)
{
	return stage == READING || stage == LOADED || stage == SENDING;
}

static void owed_move(struct errands *g, struct owed *o, enum stage to)
{
	TAILQ_REMOVE(list_of(g, o->stage), o, next);
	TAILQ_INSERT_TAIL(list_of(g, to), o, next);
	g->turns += (size_t)takes_turn(to) - (size_t)takes_turn(o->stage);
	g->endpoint->flow->errands += (size_t)(to == SENDING || to == WRITING)
	    - (size_t)(o->stage == SENDING || o->stage == WRITING);
	o->stage = to;
}

static void run_free(struct run *r)
{
	struct errands *g;

	if (r == NULL)
		return;
	g = r->errands;
	if (r->call != NULL) {
		http_out_cancel(r->call);
		gate_leave(&g->endpoint->gate);
	}
	config_unref(r->config);
	r->owed->run = NULL;
	arena_free(r->arena); /* and with it the run */
}

static void owed_free(struct errands *g, struct owed *o)
{
	owed_move(g, o, READY);
	run_free(o->run);
	TAILQ_REMOVE(&g->ready, o, next);
	map_remove(&g->owed, &o->node);
	xfree(o);
}

static struct owed *owed_find(const struct errands *g, int64_t event, enum step step)
{
	struct map_node *n = map_find(&g->owed, hash_int((uint64_t)event, step));
	struct owed *o;

	for (; n != NULL; n = map_find_next(n)) {
		o = (struct owed *)n;
		if (o->event == event && o->step == step)
			return o;
	}
	return NULL;
}

static struct owed *owed_get(struct errands *g, int64_t event, enum step step)
{
	struct owed *o = owed_find(g, event, step);

	if (o != NULL)
		return o;
	o = xcalloc(1, sizeof(*o));
	o->event = event;
	o->step = step;
	map_add(&g->owed, &o->node, hash_int((uint64_t)event, step));
	TAILQ_INSERT_TAIL(&g->ready, o, next);
	return o;
}

static void set_timer(struct errands *g)
{
	int64_t first_ms = INT64_MAX, now_ms = errands_now(g);
	int64_t shut_msecs = gate_shut_for(&g->endpoint->gate);
	const struct owed *o;

	TAILQ_FOREACH(o, &g->waiting, next)
		if (o->due_ms < first_ms)
			first_ms = o->due_ms;
	/* Nobody else may be waiting for the gate to open. */
	if (!TAILQ_EMPTY(&g->ready) && shut_msecs > 0 && now_ms + shut_msecs < first_ms)
		first_ms = now_ms + shut_msecs;
	if (first_ms != INT64_MAX)
		loop_timer_set(g->timer, first_ms > now_ms ? first_ms - now_ms : 0);
}

static void owed_wait(struct errands *g, struct owed *o, int64_t due_ms)
{
	run_free(o->run);
	o->due_ms = due_ms;
	owed_move(g, o, WAITING);
	set_timer(g);
}

static void later(struct errands *g, struct owed *o, int64_t asked_msecs)
{
	o->attempt++;
	owed_wait(g, o, policy_retry_at(o->attempt, asked_msecs, errands_now(g), random_dice()));
}

static void on_timer(void *arg)
{
	struct errands *g = arg;
	struct owed *o, *next;

	for (o = TAILQ_FIRST(&g->waiting); o != NULL; o = next) {
		next = TAILQ_NEXT(o, next);
		if (o->due_ms <= errands_now(g))
			owed_move(g, o, READY);
	}
	set_timer(g);
	gate_wake(g->endpoint);
}

/* ---- the end of one ---- */

static void on_done(struct store_op *op)
{
	struct run *r = (struct run *)((char *)op - offsetof(struct run, done.op));
	struct errands *g = r->errands;
	struct owed *o = r->owed;

	if (flow_redo(g->endpoint->flow, op))
		return;
	if (!r->done.is_due) {
		owed_free(g, o);
	} else { /* it has become another one meanwhile */
		o->attempt = 0;
		run_free(r);
		owed_move(g, o, READY);
	}
	gate_wake(g->endpoint);
}

/* A crash before that is on disk says it once more, or finds it. */
static void write_done(struct run *r)
{
	const struct bridge_conf *b = flow_bridge(r->errands->endpoint->flow, r->read.bridge);

	owed_move(r->errands, r->owed, WRITING);
	r->done = (struct op_errand_done){
		.op = { .kind = STORE_ERRAND_DONE, .done = on_done },
		.event = r->owed->event,
		.step = r->owed->step,
		.state = r->read.state,
		.healed = r->read.healed,
		.stays = b != NULL && b->customers->caps->tells_later,
	};
	flow_submit_lazily(r->errands->endpoint->flow, &r->done.op);
}

static void give_up(struct run *r, const char *reason, const char *why)
{
	LOG(LOG_INFO, "dropped", F_STR("endpoint", r->errands->endpoint->conf.name),
	    F_ID("event", 'e', r->owed->event), F_STR("step", step_word((int)r->owed->step)),
	    F_STR("reason", reason), F_STR("err", log_wants(LOG_DEBUG) ? why : NULL));
	write_done(r);
}

/* ---- requests ---- */

static struct job job_of(const struct run *r)
{
	bool looks = r->owed->looks;

	return (struct job){
		.kind = looks ? JOB_LOOK : JOB_DELIVER,
		.step = looks ? STEP_LOOK_UP : r->step,
		.in_doubt = looks ? r->owed->step : STEP_NONE,
		.attempt = r->owed->attempt + 1,
		.before = r->owed->before,
		.is_late = true, /* notes go beside the trips */
		.state = r->read.state,
		.message = &r->message,
		.known = &r->known,
		.cursor = r->cursor,
	};
}

static void take(struct run *r, const struct outcome *o);

static void on_response(void *arg, const struct http_resp *resp)
{
	struct run *r = arg;
	struct errands *g = r->errands;
	struct endpoint *e = g->endpoint;
	const struct via via = endpoint_via(e);
	const struct job job = job_of(r);
	struct outcome o = { .effect = { .kind = EFFECT_RETRY, .wait_msecs = -1 } };

	r->call = NULL;
	e->connector->interpret(&via, r->arena, &job, resp, &o);
	endpoint_answered(e, job.step, &o, resp);
	config_unref(r->config);
	r->config = NULL;
	take(r, &o);
	gate_wake(e);
}

static void send_it(struct run *r)
{
	struct errands *g = r->errands;
	struct endpoint *e = g->endpoint;
	const struct via via = endpoint_via(e);
	const struct job job = job_of(r);

	owed_move(g, r->owed, SENDING);
	r->config = config_ref(e->flow->config);
	r->req = (struct http_req){ 0 };
	e->connector->build(&via, r->arena, &job, &r->req);
	r->call = http_out_start(e->flow->wire, &r->req, on_response, r);
}

/* There is more to ask: the next page, the note itself behind a look in vain, a detour the answer wants. */
static void go_on(struct run *r, const struct outcome *o)
{
	if (r->steps++ == STEPS_MAX) {
		later(r->errands, r->owed, -1);
		return;
	}
	r->cursor = o->cursor;
	if (o->cursor == NULL && o->go != STEP_NONE)
		r->step = o->go;
	if (o->cursor == NULL)
		r->owed->looks = false;
	owed_move(r->errands, r->owed, LOADED);
}

static void in_doubt(struct run *r, const struct outcome *o)
{
	int64_t now_ms = errands_now(r->errands), due_ms;

	r->owed->attempt++;
	due_ms = policy_retry_at(r->owed->attempt, o->effect.wait_msecs, now_ms, random_dice());
	if (!r->owed->looks && r->owed->step == STEP_NOTE) {
		r->owed->looks = true;
		if (due_ms < now_ms + LATE_COMMIT_MSECS)
			due_ms = now_ms + LATE_COMMIT_MSECS;
	}
	owed_wait(r->errands, r->owed, due_ms);
}

static void take(struct run *r, const struct outcome *o)
{
	r->owed->before = o->effect.reason;
	switch (o->effect.kind) {
	case EFFECT_DELIVERED:
		LOG(LOG_DEBUG, "settled", F_STR("endpoint", r->errands->endpoint->conf.name),
		    F_ID("event", 'e', r->owed->event),
		    F_STR("step", step_word((int)r->owed->step)));
		write_done(r);
		return;
	case EFFECT_NEXT_STEP: go_on(r, o); return;
	case EFFECT_REJECTED: give_up(r, reason_word((int)o->effect.reason), o->effect.why); return;
	case EFFECT_UNSURE: in_doubt(r, o); return;
	case EFFECT_RETRY:
	case EFFECT_PAUSE:
	case EFFECT_COUNT: break;
	}
	later(r->errands, r->owed, o->effect.wait_msecs);
}

/* ---- its turn ---- */

/* Notes bear the root of what they are about, and are known as ours by their kind. */
static void write_message(struct run *r, const struct bridge_conf *bridge)
{
	struct flow *f = r->errands->endpoint->flow;
	const struct event *about = r->read.about;
	const struct endpoint *from = endpoint_find(f, about->endpoint);
	bool is_deletion = about->kind == EVENT_DELETE;
	const struct notice notice = {
		.to = r->read.to,
		.reason = r->read.reason,
		.why = r->read.why,
		.delivery = r->read.delivery,
		.at_ms = about->at_ms,
		.was_accepted = r->read.was_accepted,
		.phone = r->read.phone,
		.texts = &bridge->texts,
	};
	struct root root =
	    ids_root(from->connector->name, from->conf.host, from->conf.tenant, about->remote);

	r->known = (struct known){
		.conversation = r->read.conversation,
		.conversation_ref = r->read.conversation_ref,
		.message = r->read.remote,
	};
	r->message = (struct message){
		.to = SIDE_AGENTS,
		.role = ROLE_SYSTEM,
		.mark = mark_build(&f->keys, bridge->tag, 'n', 1, &root, is_deletion, r->mark),
		.at_ms = r->read.made_ms,
		.parts = 1,
	};
	if (is_deletion)
		r->message.text = notice_of_deletion(&bridge->texts, r->read.to, about->author.role,
		    event_is_note(about));
	else if (r->owed->step == STEP_NOTE)
		r->message.text = notice_text(r->arena, &notice);
	else if (r->read.state == STATE_FAILED)
		r->message.text = notice_error(r->arena, &notice);
	r->step = r->owed->step;
}

/* What waits for a gate to open does so for as long as that takes. */
static bool is_tried_enough(const struct run *r)
{
	return (int64_t)r->owed->attempt * (RETRY_MOST_MSECS / 2)
	    > r->errands->endpoint->flow->config->limits.try_for_msecs;
}

static void on_read(struct store_op *op)
{
	struct run *r = (struct run *)((char *)op - offsetof(struct run, read.op));
	struct errands *g = r->errands;
	struct flow *f = g->endpoint->flow;
	const struct op_errand *read = &r->read;
	const struct bridge_conf *bridge;
	int64_t age = errands_now(g) - read->made_ms;

	if (flow_redo(f, op))
		return;
	if (!read->is_due) { /* it was taken back */
		owed_free(g, r->owed);
		gate_wake(g->endpoint);
		return;
	}
	bridge = flow_bridge(f, read->bridge);
	if (bridge == NULL || endpoint_find(f, read->about->endpoint) == NULL) {
		give_up(r, reason_word(REASON_ENDPOINT_REMOVED), NULL);
	} else if (bridge->control == CONTROL_PAUSED) {
		owed_wait(g, r->owed, errands_now(g) + RETRY_MOST_MSECS);
	} else if (!read->is_firm && age > STALE_MSECS) {
		give_up(r, drop_word(DROP_STALE), NULL);
	} else if (is_tried_enough(r)) {
		give_up(r, reason_word(REASON_EXPIRED), NULL);
	} else if (read->conversation == NULL) { /* the next message opens it */
		later(g, r->owed, -1);
	} else {
		write_message(r, bridge);
		owed_move(g, r->owed, LOADED);
		gate_wake(g->endpoint);
	}
}

static void read_it(struct errands *g, struct owed *o)
{
	struct arena *a = arena_new();
	struct run *r = ARENA_NEW(a, struct run);

	r->owed = o;
	r->errands = g;
	r->arena = a;
	o->run = r;
	owed_move(g, o, READING);
	r->read = (struct op_errand){
		.op = { .kind = STORE_ERRAND, .done = on_read },
		.arena = a,
		.event = o->event,
		.step = o->step,
	};
	flow_submit(g->endpoint->flow, &r->read.op);
}

static size_t most_turns(const struct errands *g)
{
	int most = g->endpoint->gate.width.now / 2;

	return most > 1 ? (size_t)most : 1;
}

void errands_pump(struct errands *g)
{
	struct gate *gate = &g->endpoint->gate;
	struct owed *o;

	if (g->endpoint->flow->draining || gate->is_paused || gate->is_shut)
		return;
	while ((o = TAILQ_FIRST(&g->loaded)) != NULL && gate_enter(gate, TURN_LIVE)) {
		g->passed = 0;
		send_it(o->run);
	}
	if (gate_shut_for(gate) > 0) {
		set_timer(g);
		return;
	}
	while (g->turns < most_turns(g) && (o = TAILQ_FIRST(&g->ready)) != NULL)
		read_it(g, o);
}

bool errands_yield(struct errands *g)
{
	if (TAILQ_EMPTY(&g->loaded))
		return false;
	return ++g->passed >= LIVE_TURNS;
}

/* ---- what others call ---- */

/* A note goes to the agents of a loop that was just stopped only as the state of each message: it is one of
 * very many. */
struct owe errand_owe(const struct bridge_conf *b, const struct event *event, enum side to,
    enum delivery_state state, enum reason reason)
{
	const struct caps *desk = b->agents->caps;
	bool is_parked = state == DELIVERY_PARKED;
	bool marks = b->receipts != RECEIPTS_NONE || b->failure_notice;
	struct owe owe = { 0 };

	if ((!is_parked && state != DELIVERY_DELIVERED) || event->origin == ORIGIN_HISTORY)
		return owe; /* of history its run tells */
	owe.is_own = desk->reports && to == SIDE_CUSTOMERS && marks && !event_is_note(event);
	owe.is_firm = event->state == STATE_FAILED;
	owe.report = owe.is_own
	    && (is_parked || owe.is_firm
		|| (b->receipts == RECEIPTS_ALL && !b->customers->caps->tells_later));
	if (to == SIDE_AGENTS && event_is_note(event))
		return owe; /* nobody at the desk waits for it */
	owe.note = desk->notes && is_parked && b->failure_notice && reason != REASON_LOOP;
	if (owe.is_own || (desk->notes && b->failure_notice))
		owe.desk = b->agents->id;
	return owe;
}

struct owe errand_owe_edit(const struct bridge_conf *b, enum side to, enum delivery_state state)
{
	struct owe owe = { 0 };

	owe.note = b->agents->caps->notes && state == DELIVERY_PARKED && b->failure_notice
	    && to == SIDE_CUSTOMERS;
	owe.desk = owe.note ? b->agents->id : 0;
	return owe;
}

struct owe errand_owe_deletion(const struct bridge_conf *b)
{
	struct owe owe = { 0 };

	owe.note = b->agents->caps->notes;
	owe.desk = owe.note ? b->agents->id : 0;
	return owe;
}

size_t errand_receipt_wants(const struct endpoint *e, struct receipt_want *out)
{
	const struct bridge_conf *b;
	size_t i, n = 0;

	for (i = 0; i < e->nbridges; i++) {
		b = e->bridges[i];
		if (e->asks[i].side != SIDE_CUSTOMERS)
			continue;
		out[n] = (struct receipt_want){
			.bridge = b->id,
			.desk = b->agents->id,
			.all = b->agents->caps->reports && b->receipts == RECEIPTS_ALL,
			.failures = b->agents->caps->reports
			    && (b->receipts != RECEIPTS_NONE || b->failure_notice),
			.note = b->agents->caps->notes && b->failure_notice,
		};
		if (out[n].all || out[n].failures || out[n].note)
			n++;
	}
	return n;
}

void errand_owed(struct flow *f, int64_t event, const struct owe *owe)
{
	const bool has[] = { owe->has_report, owe->has_note };
	const enum step steps[] = { STEP_REPORT, STEP_NOTE };
	struct endpoint *e = owe->desk != 0 ? endpoint_find(f, owe->desk) : NULL;
	struct owed *o;
	size_t i;

	if (e == NULL || (!has[0] && !has[1]))
		return;
	for (i = 0; i < 2; i++) {
		if (!has[i])
			continue;
		o = owed_get(e->errands, event, steps[i]);
		if (o->stage == WAITING && !o->looks) { /* there is news to say */
			o->attempt = 0;
			owed_move(e->errands, o, READY);
		}
	}
	gate_wake(e);
}

bool errand_listens(const struct endpoint *e)
{
	const struct bridge_conf *b;
	size_t i;

	for (i = 0; i < e->nbridges; i++) {
		b = e->bridges[i];
		if (e->asks[i].side == SIDE_AGENTS && e->conf.caps->reports
		    && (b->receipts != RECEIPTS_NONE || b->failure_notice))
			return true;
	}
	return false;
}

/* ---- life ---- */

int errands_load(struct flow *f, struct err *err)
{
	struct arena *a = arena_new();
	struct op_errands load = { .op = { .kind = STORE_ERRANDS }, .arena = a };
	struct endpoint *e;
	struct owed *o;
	size_t i;
	int ret = 0;

	store_run(f->store, &load.op);
	if (load.op.result != 0)
		ret = err_set(err, "reading back what agents are owed: %s", load.op.err.text);
	for (i = 0; ret == 0 && i < load.ndue; i++) {
		e = endpoint_find(f, load.due[i].endpoint);
		if (e == NULL)
			continue; /* it waits on disk for its endpoint */
		o = owed_get(e->errands, load.due[i].event, load.due[i].step);
		if (o->step != STEP_NOTE)
			continue;
		o->looks = true; /* that life may have sent it a moment ago */
		owed_wait(e->errands, o, errands_now(e->errands) + LATE_COMMIT_MSECS);
	}
	arena_free(a);
	return ret;
}

struct errands *errands_new(struct endpoint *e)
{
	struct errands *g = xcalloc(1, sizeof(*g));

	g->endpoint = e;
	map_init(&g->owed);
	TAILQ_INIT(&g->ready);
	TAILQ_INIT(&g->waiting);
	TAILQ_INIT(&g->loaded);
	TAILQ_INIT(&g->busy);
	g->timer = loop_timer_new(e->flow->loop, on_timer, g);
	return g;
}

void errands_free(struct errands *g)
{
	struct map_node *n, *next;

	if (g == NULL)
		return;
	for (n = map_walk(&g->owed, NULL); n != NULL; n = next) {
		next = map_walk(&g->owed, n);
		owed_free(g, (struct owed *)n);
	}
	map_fini(&g->owed);
	loop_timer_free(g->timer);
	xfree(g);
}
