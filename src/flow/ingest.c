/* One callback:
 *
 *   ingest_take ─ judge ─ parse ─▶ hook_handle, per event ─▶ hook_done: answered when all are
 *
 *   message, update, edit ─ echo of ours ─▶ the trip that waits for it, else the store
 *                     └ else ─APPEND─▶ on_appended ─▶ router
 *   conversation      ─STATE─▶ on_stated
 *   typing            passed on at once, or not (typing.h)
 *   what each of them tells of the person and of the conversation besides ─HEAR─▶ on_facts_heard ─▶ mirror.h
 *   the rest          counted
 *
 * What parsing alone can drop never touches the disk. What is genuine and cannot be read is kept raw and
 * answered 200: a platform that sees errors stops sending. */
#include "flow/ingest.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/event_codec.h"
#include "core/route.h"
#include "flow/choices.h"
#include "flow/courier.h"
#include "flow/endpoint.h"
#include "flow/errand.h"
#include "flow/hook.h"
#include "flow/mirror.h"
#include "flow/receipt.h"
#include "flow/reconcile.h"
#include "flow/repair.h"
#include "flow/router.h"
#include "flow/standings.h"
#include "flow/survey.h"
#include "flow/typing.h"
#include "flow/whole.h"
#include "net/http_in.h"

#define RETRY_AFTER_SECS 5

/* How long an answer about the disk is good for: asking takes three system calls. */
#define DISK_LOOK_MSECS 200

struct ingest {
	struct flow *flow;
	size_t pending;
	bool has_room; /* when last looked */
	int64_t looked_ms;
	struct wholes wholes; /* whose rest is being read */
	struct receipt_list receipts;
};

struct hook { /* in the memory of its call, which ends with the answer */
	struct ingest *ingest;
	struct http_in_call *call; /* NULL: it is fed, and told by fed */
	void (*fed)(void *arg, const struct fed *fed);
	void *arg;
	struct endpoint *endpoint;
	int64_t received_ms;
	int64_t answered_ms; /* a conversation that was read behind a request; 0: none was */
	int waiting;         /* events on their way to disk, and one while they are handed out */
	size_t stored;
	enum hook_result result; /* the best of its events' */
	bool is_failed;
	enum store_fault fault;
	struct err err;
	int64_t begun_us;
};

/* One event on its way to disk. */
struct entry { /* in the memory of its letter */
	union {
		struct store_op op;
		struct op_append append;
		struct op_state state;
		struct op_echo echo;
		struct op_raw raw;
		struct op_heard heard;
		struct op_receipt receipt;
	};
	struct hook *hook;
	struct letter *letter;
	struct shortcut *shortcut;      /* APPEND: routed already; in the letter's memory */
	struct conversation *expecting; /* APPEND: to be routed when it is stored */
	const char *edit_key; /* APPEND: an edit, as the message it is of; NULL: no edit */
};

enum refusal ingest_closed(const struct ingest *g)
{
	struct store_health h;

	if (g->flow->draining)
		return REFUSE_DRAINING;
	store_health(g->flow->store, &h);
	if (h.last_fault == STORE_FAULT_DISK_FULL)
		return REFUSE_DISK_FULL;
	if (h.disk_free >= 0 && h.disk_free < g->flow->config->limits.disk_reserve)
		return REFUSE_DISK_FULL;
	return REFUSE_NONE;
}

/* The same for a callback, of which there may be thousands a second. */
static enum refusal closed_now(struct ingest *g)
{
	int64_t now_ms = loop_now_ms(g->flow->loop);
	enum refusal closed;

	if (g->has_room && !g->flow->draining && now_ms >= g->looked_ms
	    && now_ms - g->looked_ms < DISK_LOOK_MSECS)
		return REFUSE_NONE;
	closed = ingest_closed(g);
	g->has_room = closed == REFUSE_NONE;
	g->looked_ms = now_ms;
	return closed;
}

/* ---- answers ---- */

static const char *allowed(const struct endpoint *e)
{
	return e != NULL && e->conf.caps->loose_callbacks ? "GET, HEAD, POST, PUT" : "POST";
}

static void refuse(struct http_in_call *call, struct endpoint *e, enum refusal refusal,
    const char *detail)
{
	int status = refusal_status(refusal);

	if (e != NULL) {
		if (status == 413 || (status == 503 && refusal != REFUSE_DRAINING))
			sweep_refused(e->sweep);
		e->stats.refused[refusal]++;
		LOG(LOG_WARN, "refused", F_STR("endpoint", e->conf.name),
		    F_STR("reason", refusal_word((int)refusal)), F_INT("status", status),
		    F_STR("err", detail));
	}
	http_refuse(call, status, status == 401 ? "unauthorized" : refusal_word((int)refusal),
	    status == 503 || status == 429 ? RETRY_AFTER_SECS : 0,
	    status == 405 ? allowed(e) : NULL);
}

static void hook_counts_as(struct hook *h, enum hook_result result)
{
	if (result < h->result)
		h->result = result;
}

static enum refusal fault_refusal(enum store_fault fault)
{
	switch (fault) {
	case STORE_FAULT_NONE: /* it did not even get as far: the mailbox is full */
		return REFUSE_BUSY;
	case STORE_FAULT_DISK_FULL: return REFUSE_DISK_FULL;
	default: return REFUSE_STORE;
	}
}

static void reply_ok(struct http_in_call *call)
{
	static const char ok[] = "{\"status\":\"ok\"}";

	http_reply(call, 200, NULL, 0, "application/json", ok, sizeof(ok) - 1);
}

static void hook_done(struct hook *h)
{
	struct endpoint_stats *stats = &h->endpoint->stats;

	if (--h->waiting > 0)
		return;
	h->ingest->pending--;
	if (h->call == NULL) {
		h->fed(h->arg, &(struct fed){ h->is_failed, h->stored });
		xfree(h);
		return;
	}
	histogram_add(&stats->hook_seconds, (double)(clock_mono_us() - h->begun_us) / 1e6);
	if (h->is_failed) {
		refuse(h->call, h->endpoint, fault_refusal(h->fault), h->err.text);
	} else {
		stats->hooks[h->result]++;
		reply_ok(h->call);
	}
}

/* ---- what comes back from the store ---- */

static struct entry *entry_new(struct hook *h, struct letter *letter)
{
	struct entry *n = ARENA_NEW(letter->arena, struct entry);

	n->hook = h;
	n->letter = letter;
	h->waiting++;
	return n;
}

static void entry_free(struct entry *n)
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

static void entry_submit(struct entry *n)
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
	if (n->append.is_duplicate) {
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

static void on_raw(struct store_op *op)
{
	entry_free((struct entry *)op);
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

/* Several events of one callback each get memory of their own, since they end at different times. */
static void hand_out(struct hook *h, struct arena *a, struct event_list *events)
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

/* ---- what cannot be read ---- */

static bool is_secret_header(const char *name)
{
	static const char *const words[] = { "authorization", "secret", "token", "cookie",
		"signature" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasestr(name, words[i]) != NULL)
			return true;
	return false;
}

static const char *header_lines(struct arena *a, const struct http_in *in)
{
	struct buf b;
	const char *text;
	size_t i;

	buf_init(&b);
	for (i = 0; i < in->nheaders; i++)
		if (!is_secret_header(in->headers[i].name))
			buf_addf(&b, "%s: %s\n", in->headers[i].name, in->headers[i].value);
	text = b.data != NULL ? arena_strdup(a, b.data) : "";
	buf_fini(&b);
	return text;
}

static void keep_raw(struct hook *h, struct arena *a, const struct http_in *in,
    const struct parse_error *error)
{
	struct entry *n = entry_new(h, letter_new(a, NULL));
	struct endpoint *e = h->endpoint;

	h->result = HOOK_UNPARSABLE;
	LOG(LOG_WARN, "unparsable", F_STR("endpoint", e->conf.name),
	    F_STR("reason", unparsable_word((int)error->reason)),
	    F_INT("bytes", (int64_t)in->body_len), F_STR("err", error->detail));
	n->raw = (struct op_raw){
		.op = { .kind = STORE_RAW, .done = on_raw },
		.endpoint = e->conf.id,
		.at_ms = in->received_ms,
		.reason = error->reason,
		.offset = (int64_t)error->offset,
		.headers = header_lines(a, in),
		.body = in->body,
		.body_len = in->body_len,
	};
	entry_submit(n);
}

/* ---- the callback ---- */

static struct endpoint *find_endpoint(struct ingest *g, struct http_in_call *call)
{
	struct flow *f = g->flow;
	const char *name, *key;
	size_t i;

	if (!hook_path(http_in_call_arena(call), http_in_call_request(call)->path, &name, &key))
		return NULL;
	for (i = 0; i < f->nendpoints; i++) {
		if (strcmp(f->endpoints[i].conf.name, name) != 0)
			continue;
		if (hook_key_fits(&f->endpoints[i].conf, key))
			return &f->endpoints[i];
		f->endpoints[i].stats.refused[REFUSE_NOT_FOUND]++;
	}
	return NULL;
}

static void hook_parse(struct ingest *g, struct http_in_call *call, struct endpoint *e,
    const struct via *via)
{
	const struct http_in *in = http_in_call_request(call);
	struct hook *h = ARENA_NEW(http_in_call_arena(call), struct hook);
	struct arena *a = arena_new();
	struct event_list events = { 0 };
	struct parse_error error = { 0 };

	h->ingest = g;
	h->call = call;
	h->endpoint = e;
	h->received_ms = in->received_ms;
	h->waiting = 1;
	h->result = HOOK_DROPPED;
	h->begun_us = clock_mono_us();
	g->pending++;
	sweep_heard(e->sweep);
	endpoint_called(e, in->received_ms);
	if (e->connector->parse(via, a, in, &events, &error) != 0)
		keep_raw(h, a, in, &error);
	else
		hand_out(h, a, &events);
	hook_done(h);
}

/* Some look whether there is anybody before they send. */
static bool is_question(const struct endpoint *e, const struct http_in *in)
{
	return e->conf.caps->loose_callbacks
	    && (strcmp(in->method, "GET") == 0 || strcmp(in->method, "HEAD") == 0);
}

void ingest_take(struct ingest *g, struct http_in_call *call)
{
	const struct http_in *in = http_in_call_request(call);
	struct endpoint *e = find_endpoint(g, call);
	struct hook_verdict v;
	enum refusal closed;
	struct via via;

	if (e == NULL) {
		http_refuse(call, 404, "not_found", 0, NULL);
		return;
	}
	if (is_question(e, in)) {
		reply_ok(call);
		return;
	}
	via = endpoint_via(e);
	v = hook_judge_form(&e->conf, in);
	if (v.refusal == REFUSE_NONE) {
		v = hook_judge_proof(&via, e->connector, in);
		if (v.refusal == REFUSE_NONE && v.verify == VERIFY_UNCHECKED) {
			v.refusal = REFUSE_BAD_SECRET;
			v.detail =
			    "no webhook_secret is configured, so nothing can prove it genuine";
		}
		endpoint_count_proof(e, v.refusal);
	}
	closed = closed_now(g);
	if (v.refusal != REFUSE_NONE)
		refuse(call, e, v.refusal, v.detail);
	else if (closed != REFUSE_NONE)
		refuse(call, e, closed, NULL);
	else
		hook_parse(g, call, e, &via);
}

/* ---- what does not come by a callback ---- */

void ingest_feed(struct ingest *g, struct endpoint *e, struct arena *a, struct event_list *events,
    void (*fed)(void *arg, const struct fed *fed), void *arg)
{
	ingest_feed_read(g, e, a, events, 0, fed, arg);
}

void ingest_feed_read(struct ingest *g, struct endpoint *e, struct arena *a,
    struct event_list *events, int64_t answered_ms, void (*fed)(void *arg, const struct fed *fed),
    void *arg)
{
	struct hook *h = xcalloc(1, sizeof(*h));

	h->ingest = g;
	h->endpoint = e;
	h->fed = fed;
	h->arg = arg;
	h->received_ms = loop_now_ms(g->flow->loop);
	h->answered_ms = answered_ms;
	h->waiting = 1;
	h->result = HOOK_DROPPED;
	g->pending++;
	hand_out(h, a, events);
	hook_done(h);
}

struct ingest *ingest_new(struct flow *f)
{
	struct ingest *g = xcalloc(1, sizeof(*g));

	g->flow = f;
	f->ingest = g;
	TAILQ_INIT(&g->wholes);
	TAILQ_INIT(&g->receipts);
	return g;
}

void ingest_free(struct ingest *g)
{
	if (g != NULL)
		wholes_drop(&g->wholes);
	if (g != NULL)
		receipts_drop(&g->receipts);
	xfree(g);
}

size_t ingest_pending(const struct ingest *g)
{
	return g->pending;
}
