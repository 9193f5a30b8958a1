/* See errand.h, and chores.h for the way of one.
 *
 * A state may be said twice without harm. A note may not: where one may have arrived (no answer, or an
 * earlier life may have sent it) it is looked for by its mark first, after a late commit must be over. */
#include "flow/errand.h"

#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/notice.h"
#include "core/policy.h"
#include "flow/chores.h"
#include "flow/endpoint.h"

/* What was delivered so long ago needs no mark any more. */
#define STALE_MSECS (10 * 60 * 1000)
/* By then a request that got no answer is carried out or never will be, on any platform. */
#define LATE_COMMIT_MSECS (20 * 1000)
#define STEPS_MAX 20 /* detours and pages of one errand in a row */

/* What is owed, until it is known to be done. */
struct owed {
	struct chore chore;
	int64_t event;
	enum step step;
	bool looks;         /* it may be there: look first */
	enum reason before; /* why the attempt before failed */
};

struct errand_turn {
	struct chore_turn turn;
	struct op_errand read;
	struct op_errand_done done;
	struct message message;
	struct known known;
	char mark[MARK_TEXT_SIZE];
	enum step step; /* of the next request: the errand's own, the look for it, or a detour */
};

static struct owed *owed_of(const struct errand_turn *t)
{
	return (struct owed *)t->turn.chore;
}

static struct endpoint *endpoint_of(const struct errand_turn *t)
{
	return t->turn.chores->endpoint;
}

static int64_t now_ms(const struct errand_turn *t)
{
	return loop_now_ms(endpoint_of(t)->flow->loop);
}

/* ---- the end of one ---- */

static void on_done(struct store_op *op)
{
	struct errand_turn *t =
	    (struct errand_turn *)((char *)op - offsetof(struct errand_turn, done.op));

	if (!flow_redo(endpoint_of(t)->flow, op))
		chore_over(&t->turn, t->done.is_due);
}

/* A crash before that is on disk says it once more, or finds it. */
static void write_done(struct errand_turn *t)
{
	struct flow *f = endpoint_of(t)->flow;
	const struct bridge_conf *b = flow_bridge(f, t->read.bridge);

	chore_write(&t->turn);
	t->done = (struct op_errand_done){
		.op = { .kind = STORE_ERRAND_DONE, .done = on_done },
		.event = owed_of(t)->event,
		.step = owed_of(t)->step,
		.state = t->read.state,
		.healed = t->read.healed,
		.stays = b != NULL && b->customers->caps->tells_later,
	};
	flow_submit_lazily(f, &t->done.op);
}

static void give_up(struct errand_turn *t, const char *reason, const char *why)
{
	LOG(LOG_INFO, "dropped", F_STR("endpoint", endpoint_of(t)->conf.name),
	    F_ID("event", 'e', owed_of(t)->event), F_STR("step", step_word((int)owed_of(t)->step)),
	    F_STR("reason", reason), F_STR("err", log_wants(LOG_DEBUG) ? why : NULL));
	write_done(t);
}

/* ---- requests ---- */

static struct job errand_job(const struct chore_turn *turn)
{
	const struct errand_turn *t = (const struct errand_turn *)turn;
	const struct owed *o = owed_of(t);

	return (struct job){
		.kind = o->looks ? JOB_LOOK : JOB_DELIVER,
		.step = o->looks ? STEP_LOOK_UP : t->step,
		.in_doubt = o->looks ? o->step : STEP_NONE,
		.attempt = o->chore.attempt + 1,
		.before = o->before,
		.is_late = true, /* notes go beside the trips */
		.state = t->read.state,
		.message = &t->message,
		.known = &t->known,
		.cursor = turn->cursor,
	};
}

/* There is more to ask: the next page, the note itself behind a look in vain, a detour the answer wants. */
static void go_on(struct errand_turn *t, const struct outcome *o)
{
	if (t->turn.steps++ == STEPS_MAX) {
		chore_later(&t->turn, -1);
		return;
	}
	t->turn.cursor = o->cursor;
	if (o->cursor == NULL && o->go != STEP_NONE)
		t->step = o->go;
	if (o->cursor == NULL)
		owed_of(t)->looks = false;
	chore_load(&t->turn);
}

static void in_doubt(struct errand_turn *t, const struct outcome *o)
{
	struct owed *owed = owed_of(t);
	int64_t late_ms = now_ms(t) + LATE_COMMIT_MSECS;

	if (owed->looks || owed->step != STEP_NOTE) {
		chore_later(&t->turn, o->effect.wait_msecs);
		return;
	}
	owed->looks = true;
	owed->chore.attempt++;
	chore_wait(t->turn.chores, &owed->chore, late_ms);
}

static void errand_take(struct chore_turn *turn, const struct outcome *o)
{
	struct errand_turn *t = (struct errand_turn *)turn;

	owed_of(t)->before = o->effect.reason;
	switch (o->effect.kind) {
	case EFFECT_DELIVERED:
		LOG(LOG_DEBUG, "settled", F_STR("endpoint", endpoint_of(t)->conf.name),
		    F_ID("event", 'e', owed_of(t)->event),
		    F_STR("step", step_word((int)owed_of(t)->step)));
		write_done(t);
		return;
	case EFFECT_NEXT_STEP: go_on(t, o); return;
	case EFFECT_REJECTED: give_up(t, reason_word((int)o->effect.reason), o->effect.why); return;
	case EFFECT_UNSURE: in_doubt(t, o); return;
	case EFFECT_RETRY:
	case EFFECT_PAUSE:
	case EFFECT_COUNT: break;
	}
	chore_later(turn, o->effect.wait_msecs);
}

/* ---- its turn ---- */

/* Notes bear the root of what they are about, and are known as ours by their kind. */
static void write_message(struct errand_turn *t, const struct bridge_conf *bridge)
{
	struct flow *f = endpoint_of(t)->flow;
	const struct event *about = t->read.about;
	const struct endpoint *from = endpoint_find(f, about->endpoint);
	bool is_deletion = about->kind == EVENT_DELETE;
	const struct notice notice = {
		.to = t->read.to,
		.reason = t->read.reason,
		.why = t->read.why,
		.delivery = t->read.delivery,
		.at_ms = about->at_ms,
		.was_accepted = t->read.was_accepted,
		.phone = t->read.phone,
		.texts = &bridge->texts,
	};
	struct root root =
	    ids_root(from->connector->name, from->conf.host, from->conf.tenant, about->remote);

	t->known = (struct known){
		.conversation = t->read.conversation,
		.conversation_ref = t->read.conversation_ref,
		.message = t->read.remote,
	};
	t->message = (struct message){
		.to = SIDE_AGENTS,
		.role = ROLE_SYSTEM,
		.mark = mark_build(&f->keys, bridge->tag, 'n', 1, &root, is_deletion, t->mark),
		.at_ms = t->read.made_ms,
		.parts = 1,
	};
	if (is_deletion)
		t->message.text = notice_of_deletion(&bridge->texts, t->read.to, about->author.role,
		    event_is_note(about));
	else if (owed_of(t)->step == STEP_NOTE)
		t->message.text = notice_text(t->turn.arena, &notice);
	else if (t->read.state == STATE_FAILED)
		t->message.text = notice_error(t->turn.arena, &notice);
	t->step = owed_of(t)->step;
}

static void on_read(struct store_op *op)
{
	struct errand_turn *t =
	    (struct errand_turn *)((char *)op - offsetof(struct errand_turn, read.op));
	struct flow *f = endpoint_of(t)->flow;
	const struct op_errand *read = &t->read;
	const struct bridge_conf *bridge;

	if (flow_redo(f, op))
		return;
	if (!read->is_due) { /* it was taken back */
		chore_over(&t->turn, false);
		return;
	}
	bridge = flow_bridge(f, read->bridge);
	if (bridge == NULL || endpoint_find(f, read->about->endpoint) == NULL) {
		give_up(t, reason_word(REASON_ENDPOINT_REMOVED), NULL);
	} else if (bridge->control == CONTROL_PAUSED) {
		chore_wait(t->turn.chores, t->turn.chore, now_ms(t) + RETRY_MOST_MSECS);
	} else if (!read->is_firm && now_ms(t) - read->made_ms > STALE_MSECS) {
		give_up(t, drop_word(DROP_STALE), NULL);
	} else if (chore_is_stale(&t->turn)) {
		give_up(t, reason_word(REASON_EXPIRED), NULL);
	} else if (read->conversation == NULL) { /* the next message opens it */
		chore_later(&t->turn, -1);
	} else {
		write_message(t, bridge);
		chore_load(&t->turn);
	}
}

static void errand_read(struct chore_turn *turn)
{
	struct errand_turn *t = (struct errand_turn *)turn;

	t->read = (struct op_errand){
		.op = { .kind = STORE_ERRAND, .done = on_read },
		.arena = turn->arena,
		.event = owed_of(t)->event,
		.step = owed_of(t)->step,
	};
	flow_submit(endpoint_of(t)->flow, &t->read.op);
}

static const struct chore_kind errand_kind = {
	.turn_size = sizeof(struct errand_turn),
	.read = errand_read,
	.job = errand_job,
	.take = errand_take,
};

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

static struct owed *owed_get(struct chores *g, int64_t event, enum step step)
{
	uint64_t hash = hash_int((uint64_t)event, step);
	struct map_node *n = map_find(&g->map, hash);
	struct owed *o;

	for (; n != NULL; n = map_find_next(n)) {
		o = (struct owed *)n;
		if (o->event == event && o->step == step)
			return o;
	}
	o = xcalloc(1, sizeof(*o));
	o->event = event;
	o->step = step;
	chore_add(g, &o->chore, hash);
	return o;
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
		o = owed_get(&e->errands, event, steps[i]);
		if (!o->looks)
			chore_hurry(&e->errands, &o->chore);
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

void errands_init(struct endpoint *e)
{
	chores_init(&e->errands, e, &errand_kind);
}

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
		o = owed_get(&e->errands, load.due[i].event, load.due[i].step);
		if (o->step != STEP_NOTE)
			continue;
		o->looks = true; /* that life may have sent it a moment ago */
		chore_wait(&e->errands, &o->chore, loop_now_ms(f->loop) + LATE_COMMIT_MSECS);
	}
	arena_free(a);
	return ret;
}
