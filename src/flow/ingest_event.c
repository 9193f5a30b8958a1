/* See ingest_inside.h. One event of a callback: judged, on its way to disk, and what the store says to it.
 *
 *   message, update, edit ─ echo of ours ─▶ the trip that waits for it, else the store
 *                     └ else ─APPEND─▶ on_appended ─▶ router
 *   conversation      ─STATE─▶ on_stated
 *   typing            passed on at once, or not (typing.h)
 *   what each of them tells of the person and of the conversation besides ─HEAR─▶ on_facts_heard ─▶ mirror.h
 *   the rest          counted */
#include "flow/ingest_inside.h"

#include "base/arena.h"
#include "base/log.h"
#include "core/event_codec.h"
#include "core/route.h"
#include "flow/choices.h"
#include "flow/courier.h"
#include "flow/endpoint.h"
#include "flow/errand.h"
#include "flow/mirror.h"
#include "flow/receipt.h"
#include "flow/reconcile.h"
#include "flow/repair.h"
#include "flow/router.h"
#include "flow/standings.h"
#include "flow/survey.h"
#include "flow/typing.h"
#include "flow/whole.h"

/* ---- what comes back from the store ---- */

struct entry *entry_new(struct hook *h, struct letter *letter)
{
	struct entry *n = ARENA_NEW(letter->arena, struct entry);

	n->hook = h;
	n->letter = letter;
	h->waiting++;
	return n;
}

void entry_free(struct entry *n)
{
	struct hook *h = n->hook;

	if (n->op.result != 0) {
		h->is_failed = true;
		h->fault = n->op.fault;
		h->err = n->op.err;
	}
	router_came(n->expecting);
	letter_unref(n->letter);
	hook_done(h);
}

void entry_submit(struct entry *n)
{
	if (flow_offer(n->hook->ingest->flow, &n->op) == 0)
		return;
	n->op.result = err_set(&n->op.err, "the store's mailbox is full");
	n->op.done(&n->op);
}

static void on_heard(struct store_op *op)
{
	struct entry *n = (struct entry *)op;
	struct flow *f = n->hook->ingest->flow;
	const struct owe owe = { .desk = n->heard.desk, .has_report = n->heard.has_report };

	if (op->result == 0 && n->heard.is_mended)
		repair_mended(f, &n->heard.mend);
	if (op->result == 0)
		errand_owed(f, n->heard.about, &owe);
	entry_free(n);
}

/* A message of an agent that we know is shown as failed there, or is not any more. */
static bool must_hear(const struct entry *n)
{
	const struct event *event = n->letter->event;

	return event->kind == EVENT_UPDATE
	    && (event->state == STATE_FAILED || event->state == STATE_SENT)
	    && (n->append.known & 15) == 0 && errand_listens(n->hook->endpoint);
}

static void hear(struct entry *n, int64_t event, const char *remote)
{
	struct flow *f = n->hook->ingest->flow;
	int64_t now_ms = loop_now_ms(f->loop);

	n->heard = (struct op_heard){
		.op = { .kind = STORE_HEARD, .done = on_heard },
		.event = event,
		.remote = remote,
		.state = n->letter->event->state,
		.desk = n->hook->endpoint->conf.id,
		.mend = { .arena = n->letter->arena,
		    .mend = MEND_RETRY,
		    .who = "an agent's Retry",
		    .now_ms = now_ms,
		    .expires_ms = now_ms + f->config->limits.try_for_msecs },
	};
	entry_submit(n);
}

static void append(struct hook *h, struct letter *letter, const char *edit_key);

/* A message that was said here, and is known, is changed. One that is not known is told of for the first time, as
 * it is now; if its own news comes after all, that is a duplicate. */
static bool take_edit(struct entry *n)
{
	struct event *event = n->letter->event;

	if (n->edit_key == NULL || (n->append.known & 15) != 0)
		return false;
	event->kind = EVENT_EDIT;
	event->key = n->edit_key;
	event->attachments = NULL; /* they were carried with the message */
	event->nattachments = 0;
	append(n->hook, n->letter, NULL);
	return true;
}

/* A message that was said here, and is known, is deleted. */
static bool take_deletion(struct entry *n)
{
	struct event *event = n->letter->event;
	const char *key = route_deletion_key(n->letter->arena, event);

	if (key == NULL || (n->append.known & 15) != 0)
		return false;
	event->kind = EVENT_DELETE;
	event->key = key;
	event->text = NULL; /* what the platform says in its place */
	append(n->hook, n->letter, NULL);
	return true;
}

static void on_appended(struct store_op *op)
{
	struct entry *n = (struct entry *)op;
	struct endpoint *e = n->hook->endpoint;
	struct router *router = e->flow->router;
	struct event *event = n->letter->event;

	if (n->shortcut != NULL)
		router_short_done(router, e, n->letter, &n->append, n->shortcut);
	if (op->result != 0) {
		entry_free(n);
		return;
	}
	if (n->append.is_left) {
		e->stats.drops[DROP_STALE]++;
		LOG(LOG_DEBUG, "dropped", F_STR("endpoint", e->conf.name),
		    F_STR("remote", event->remote), F_STR("reason", drop_word(DROP_STALE)));
	} else if (n->append.is_duplicate) {
		hook_counts_as(n->hook, HOOK_DUPLICATE);
		e->stats.drops[event->kind == EVENT_UPDATE ? DROP_NO_CHANGE : DROP_DUPLICATE]++;
		LOG(LOG_DEBUG, "duplicate", F_STR("endpoint", e->conf.name),
		    F_STR("remote", event->remote));
		if (!take_edit(n) && !take_deletion(n) && must_hear(n)) {
			router_came(n->expecting);
			n->expecting = NULL;
			hear(n, n->append.known >> 4, NULL);
			return;
		}
	} else {
		hook_counts_as(n->hook, HOOK_STORED);
		if ((event->flags & EVENT_IS_SYSTEM) == 0) /* nobody announces those */
			n->hook->stored++;
		LOG(LOG_INFO, "stored", F_STR("endpoint", e->conf.name),
		    F_ID("event", 'e', event->id), F_STR("remote", event->remote));
		if (n->shortcut == NULL)
			router_take(router, e, n->letter, &n->append.view);
	}
	entry_free(n);
}

/* A conversation that a trip has just opened may be closed there before we have even heard, or written
 * down, that it is open. */
static bool is_being_opened(const struct entry *n)
{
	const struct endpoint *e = n->hook->endpoint;

	return courier_is_opening(e->flow->courier, e, n->letter->event);
}

static void on_stated(struct store_op *op)
{
	struct entry *n = (struct entry *)op;
	struct router *router = n->hook->ingest->flow->router;

	if (op->result == 0 && !n->state.is_known && !n->state.make && is_being_opened(n)) {
		n->state.make = true;
		entry_submit(n);
		return;
	}
	if (op->result == 0 && n->state.is_known && !n->state.is_awaited)
		standings_told(n->hook->endpoint->standings, n->state.conversation);
	if (op->result == 0 && !n->state.is_changed) {
		n->hook->endpoint->stats.drops[DROP_NO_CHANGE]++;
	} else if (op->result == 0) {
		hook_counts_as(n->hook, HOOK_STORED);
		router_forget(router, 0, n->state.thread);
	}
	if (op->result == 0 && n->state.is_stored) {
		LOG(LOG_INFO, "stored", F_STR("endpoint", n->hook->endpoint->conf.name),
		    F_ID("event", 'e', n->letter->event->id));
		router_take(router, n->hook->endpoint, n->letter, &n->state.view);
	}
	entry_free(n);
}

static void on_echo(struct store_op *op)
{
	struct entry *n = (struct entry *)op;

	if (op->result == 0 && !n->echo.is_known)
		LOG(LOG_WARN, "dropped", F_STR("endpoint", n->hook->endpoint->conf.name),
		    F_STR("reason", "echo"), F_STR("remote", n->echo.remote),
		    F_STR("err", "our mark, and nothing on disk says that we sent it"));
	entry_free(n);
}

/* ---- events ---- */

const char *ingest_key(const struct endpoint *e, struct arena *a, const struct event *event)
{
	struct mark mark;

	if (e->nbridges > 1 && mark_read(&e->flow->keys, event->mark, &mark) && mark.ours)
		return arena_printf(a, "k:%s", event->remote);
	return event->key;
}

/* An endpoint of several bridges keeps the roots of what is there, so that a ring of bridges ends at
 * its first full turn. And what one bridge wrote there is an ordinary message for the others: it gets a
 * key of its own, since under the plain one it is known as that bridge's copy. */
static void mind_other_bridges(const struct endpoint *e, struct letter *letter,
    struct op_append *op)
{
	op->root = survey_root(letter->arena, e, letter->event);
	letter->event->key = ingest_key(e, letter->arena, letter->event);
}

/* Of before all its bridges, and told anew since: no bridge carries it (route.c says the same of each). Stored it
 * would be known, and no migration would move it any more. */
static bool is_of_before(const struct endpoint *e, const struct event *event)
{
	size_t i;

	if ((event->kind != EVENT_UPDATE && event->origin != ORIGIN_REPAIR) || event->at_ms <= 0)
		return false;
	for (i = 0; i < e->nbridges; i++)
		if (event->at_ms + 1000 > e->bridges[i]->since_ms)
			return false;
	return e->nbridges > 0;
}

static void append(struct hook *h, struct letter *letter, const char *edit_key)
{
	struct entry *n = entry_new(h, letter_ref(letter));
	struct endpoint *e = h->endpoint;

	n->edit_key = edit_key;
	n->append = (struct op_append){
		.op = { .kind = STORE_APPEND, .done = on_appended },
		.arena = letter->arena,
		.event = letter->event,
		.asks = e->asks,
		.nasks = e->nbridges,
		.owner = e->flow->owner,
		.now_ms = letter->event->here_ms,
	};
	mind_other_bridges(e, letter, &n->append);
	if (is_of_before(e, letter->event)) {
		n->append.only_known = true;
		entry_submit(n);
		return;
	}
	n->shortcut = ARENA_NEW(letter->arena, struct shortcut);
	if (!router_try_short(e->flow->router, e, letter, &n->append, n->shortcut)) {
		n->shortcut = NULL;
		n->expecting = router_expect(e->flow->router, e, letter->event);
		n->append.want_view = true;
	}
	entry_submit(n);
}

/* Which of its bridges carry to their other end what becomes of this one's conversations. */
static uint32_t carriers_of_state(const struct endpoint *e)
{
	uint32_t carriers = 0;
	size_t i;

	for (i = 0; i < e->nbridges; i++)
		if (e->asks[i].side == SIDE_AGENTS ? e->bridges[i]->status_to_customers
						   : e->bridges[i]->status_to_agents)
			carriers |= 1u << i;
	return carriers;
}

static void take_state(struct hook *h, struct letter *letter)
{
	struct entry *n = entry_new(h, letter_ref(letter));
	struct endpoint *e = h->endpoint;

	n->state = (struct op_state){
		.op = { .kind = STORE_STATE, .done = on_stated },
		.endpoint = h->endpoint->conf.id,
		.conversation = letter->event->conversation,
		.state = letter->event->state,
		.version = letter->event->version,
		.answered_ms = h->answered_ms,
		.now_ms = letter->event->here_ms,
	};
	n->state.tells = carriers_of_state(e);
	if (n->state.tells != 0) {
		n->state.event = letter->event;
		n->state.asks = e->asks;
		n->state.nasks = e->nbridges;
		n->state.arena = letter->arena;
		n->expecting = router_expect(e->flow->router, e, letter->event);
	}
	entry_submit(n);
}

static void ask_echo(struct hook *h, struct letter *letter)
{
	struct entry *n = entry_new(h, letter_ref(letter));

	n->echo = (struct op_echo){
		.op = { .kind = STORE_ECHO, .done = on_echo },
		.endpoint = h->endpoint->conf.id,
		.remote = letter->event->remote,
	};
	entry_submit(n);
}

/* For how many of the endpoint's bridges it is their own echo; a trip that waits for it is told. */
static size_t count_echoes(struct hook *h, const struct event *event, bool *told)
{
	struct endpoint *e = h->endpoint;
	struct mark mark;
	size_t i, echoes = 0;

	if (!mark_read(&e->flow->keys, event->mark, &mark)) {
		e->stats.forged += mark.forged;
		return 0;
	}
	for (i = 0; i < e->nbridges; i++) {
		if (!route_is_echo(event, &mark, e->bridges[i], e->asks[i].side))
			continue;
		echoes++;
		/* A notice is of no trip, though it bears the root of what one carries. */
		*told |= mark.kind == 'n'
		    || courier_echo(e->flow->courier, e->bridges[i]->id, &mark, event);
	}
	e->stats.drops[DROP_ECHO] += echoes;
	return echoes;
}

static void on_receipt(void *arg, const struct store_op *op);

/* What the customers' platform says of what we have written there: that it was read, or failed after all. */
static bool is_receipt(const struct endpoint *e, const struct event *event)
{
	struct mark mark;
	size_t i;

	if (event->kind != EVENT_UPDATE
	    || (event->state != STATE_READ && event->state != STATE_FAILED)
	    || !mark_read(&e->flow->keys, event->mark, &mark))
		return false;
	for (i = 0; i < e->nbridges; i++)
		if (e->asks[i].side == SIDE_CUSTOMERS
		    && route_is_echo(event, &mark, e->bridges[i], SIDE_CUSTOMERS))
			return true;
	return false;
}

static void take_receipt(struct hook *h, struct letter *letter)
{
	h->waiting++;
	receipt_take(&h->ingest->receipts, h->endpoint, letter, on_receipt, h);
}

static void take_message(struct hook *h, struct letter *letter)
{
	struct endpoint *e = h->endpoint;
	const char *edit_key = letter->event->kind == EVENT_EDIT ? letter->event->key : NULL;
	bool told = false;
	size_t echoes = count_echoes(h, letter->event, &told);

	if (edit_key != NULL) {
		letter->event->kind = EVENT_UPDATE;
		letter->event->key = arena_printf(letter->arena, "m:%s", letter->event->remote);
	}
	if (is_receipt(e, letter->event))
		take_receipt(h, letter);
	if (echoes == 0 && letter->event->origin != ORIGIN_HISTORY)
		choices_heard(e->flow->choices, e->conf.id, !e->conf.caps->marks_echo,
		    letter->arena, letter->event, letter->event->here_ms);
	if (echoes < e->nbridges)
		append(h, letter, edit_key); /* for another bridge it is an ordinary message */
	else if (!told && letter->event->kind != EVENT_UPDATE)
		ask_echo(h, letter);
	else if (letter->event->state == STATE_FAILED && errand_listens(e))
		hear(entry_new(h, letter_ref(letter)), 0, letter->event->remote);
}

/* What a callback tells besides, on its way to disk. Of a message nobody waits for that: the next callback tells
 * it again. */
struct telling {
	struct op_hear hear;
	struct arena *arena; /* its own, and this is in it: the letter's is the message's way's */
	struct endpoint *endpoint;
	struct letter *letter; /* a reference */
	struct hook *hook;     /* whose answer waits; NULL: none does */
};

static void telling_free(struct telling *t)
{
	letter_unref(t->letter);
	arena_free(t->arena); /* and with it the telling */
}

static void on_facts_heard(struct store_op *op)
{
	struct telling *t = (struct telling *)op;
	struct hook *h = t->hook;

	if (op->result == 0)
		mirror_heard(t->endpoint, t->letter, &t->hear);
	telling_free(t);
	if (h != NULL)
		hook_done(h);
}

/* Behind what makes the conversation and the person known. */
static void hear_facts(struct hook *h, struct letter *letter)
{
	enum event_kind kind = letter->event->kind;
	struct op_hear hear = { .op = { .done = on_facts_heard } };
	struct arena *a;
	struct telling *t;

	if (!mirror_hear(h->endpoint, letter, &hear)) {
		h->endpoint->stats.drops[DROP_NO_CHANGE] += kind == EVENT_CONTACT;
		return;
	}
	a = arena_new();
	t = ARENA_NEW(a, struct telling);
	*t = (struct telling){ hear, a, h->endpoint, letter_ref(letter), NULL };
	t->hear.arena = a;
	if (kind == EVENT_CONTACT || kind == EVENT_CONVERSATION)
		t->hook = h;
	if (flow_offer(h->ingest->flow, &t->hear.op) != 0)
		telling_free(t);
	else if (t->hook != NULL)
		h->waiting++;
}

static void on_receipt(void *arg, const struct store_op *op)
{
	struct hook *h = arg;

	if (op->result != 0) {
		h->is_failed = true;
		h->fault = op->fault;
		h->err = op->err;
	} else if (op->is_changed) {
		hook_counts_as(h, HOOK_STORED);
	}
	hook_done(h);
}

static void on_whole(void *arg, struct letter *letter)
{
	struct hook *h = arg;

	take_message(h, letter);
	hook_done(h);
}

static void read_whole(struct hook *h, struct letter *letter)
{
	h->waiting++;
	whole_read(&h->ingest->wholes, h->endpoint, letter, on_whole, h);
}

static void hook_handle(struct hook *h, struct letter *letter)
{
	struct endpoint *e = h->endpoint;
	struct event *event = letter->event;
	struct route route;

	event->endpoint = e->conf.id;
	event->here_ms = h->received_ms;
	e->stats.events[event->kind]++;
	if (route_is_settled_by_parsing(event, e->bridges, e->nbridges, &route)) {
		e->stats.drops[route.drop]++;
		return;
	}
	switch (event->kind) {
	case EVENT_MESSAGE:
	case EVENT_UPDATE:
	case EVENT_EDIT:
		if ((event->flags & EVENT_IS_CUT) != 0)
			read_whole(h, letter);
		else
			take_message(h, letter);
		break;
	case EVENT_RECEIPT: take_receipt(h, letter); break;
	case EVENT_CONVERSATION: take_state(h, letter); break;
	case EVENT_DELETE: /* of a message that is not known it is all that is left */
		event->kind = EVENT_UPDATE;
		event->key = arena_printf(letter->arena, "m:%s", event->remote);
		event->flags |= EVENT_IS_DELETED;
		take_message(h, letter);
		break;
	case EVENT_TYPING: typings_take(e->flow->typings, e, letter); break;
	case EVENT_SESSION: endpoint_session_ended(e); break;
	case EVENT_WAKE: sweep_wake(e->sweep); break;
	case EVENT_CONTACT: break;
	default: /* nothing of these is carried in this version */ e->stats.drops[DROP_NO_CHANGE]++;
	}
	hear_facts(h, letter);
}

void hook_hand_out(struct hook *h, struct arena *a, struct event_list *events)
{
	struct letter *letter;
	size_t i;

	if (events->count == 0) {
		arena_free(a);
		return;
	}
	for (i = 0; i + 1 < events->count; i++) {
		struct arena *own = arena_new();

		letter = letter_new(own, event_copy(own, &events->items[i]));
		hook_handle(h, letter);
		letter_unref(letter);
	}
	letter = letter_new(a, &events->items[i]);
	hook_handle(h, letter);
	letter_unref(letter);
}

/* ---- for who reads ---- */

bool ingest_wants(const struct endpoint *e, const struct event *event)
{
	struct route route;

	return !route_is_settled_by_parsing(event, e->bridges, e->nbridges, &route);
}

bool ingest_is_echo(const struct endpoint *e, const struct event *event)
{
	struct mark mark;
	size_t i;

	if (!mark_read(&e->flow->keys, event->mark, &mark))
		return false;
	for (i = 0; i < e->nbridges; i++)
		if (!route_is_echo(event, &mark, e->bridges[i], e->asks[i].side))
			return false;
	return e->nbridges > 0;
}
