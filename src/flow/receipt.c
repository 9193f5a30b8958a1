/* See receipt.h. */
#include "flow/receipt.h"

#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"
#include "flow/courier.h"
#include "flow/endpoint.h"
#include "flow/errand.h"
#include "store/errand.h"

#define AGAIN_MSECS 400
#define TIMES 5

struct receipt {
	struct op_receipt op; /* first: it is handed over as that */
	TAILQ_ENTRY(receipt) next;
	struct receipt_list *list; /* NULL: nobody waits any more */
	struct endpoint *endpoint;
	struct letter *letter;
	struct receipt_want wants[BRIDGES_PER_ENDPOINT];
	struct loop_timer *timer;
	int times;
	void (*done)(void *arg, const struct store_op *op);
	void *arg;
};

static void receipt_free(struct receipt *r)
{
	if (r->list != NULL)
		TAILQ_REMOVE(r->list, r, next);
	loop_timer_free(r->timer);
	letter_unref(r->letter);
	xfree(r);
}

static void on_told(struct store_op *op)
{
	struct receipt *r = (struct receipt *)op;
	const struct event *event = r->letter->event;

	if (r->list == NULL) {
		receipt_free(r);
		return;
	}
	if (op->result == 0 && !r->op.is_known && ++r->times < TIMES) {
		loop_timer_set(r->timer, AGAIN_MSECS);
		return;
	}
	if (op->result == 0)
		errand_owed(r->endpoint->flow, r->op.about, &r->op.owe);
	if (op->result == 0 && !r->op.is_known)
		r->endpoint->stats.drops[DROP_UNLINKED]++;
	else if (op->result == 0)
		LOG(event->state == STATE_FAILED ? LOG_WARN : LOG_DEBUG, "settled",
		    F_STR("endpoint", r->endpoint->conf.name), F_ID("event", 'e', r->op.about),
		    F_STR("remote", event->remote), F_STR("status", state_word(event->state)));
	r->done(r->arg, op);
	receipt_free(r);
}

static void submit(struct receipt *r)
{
	if (flow_offer(r->endpoint->flow, &r->op.op) == 0)
		return;
	r->op.op.result = err_set(&r->op.op.err, "the store's mailbox is full");
	on_told(&r->op.op);
}

static void on_timer(void *arg)
{
	submit(arg);
}

/* Our mark in it: then a trip that has heard nothing yet learns from it that it has arrived there. */
static void tell_trip(struct endpoint *e, const struct event *event)
{
	struct mark mark;
	size_t i;

	if (!mark_read(&e->flow->keys, event->mark, &mark) || !mark.ours || mark.kind == 'n')
		return;
	for (i = 0; i < e->nbridges; i++)
		if (e->asks[i].side == SIDE_CUSTOMERS
		    && strcmp(mark.bridge, e->bridges[i]->tag) == 0)
			courier_echo(e->flow->courier, e->bridges[i]->id, &mark, event);
}

void receipt_take(struct receipt_list *list, struct endpoint *e, struct letter *letter,
    void (*done)(void *arg, const struct store_op *op), void *arg)
{
	struct receipt *r = xcalloc(1, sizeof(*r));
	const struct event *event = letter->event;

	tell_trip(e, event);
	r->list = list;
	r->endpoint = e;
	r->letter = letter_ref(letter);
	r->done = done;
	r->arg = arg;
	r->timer = loop_timer_new(e->flow->loop, on_timer, r);
	r->op = (struct op_receipt){
		.op = { .kind = STORE_RECEIPT, .done = on_told },
		.arena = letter->arena,
		.endpoint = e->conf.id,
		.remote = event->remote,
		.state = event->state,
		.reason = event->reason,
		.why = event->detail,
		.now_ms = event->here_ms,
		.wants = r->wants,
		.nwants = errand_receipt_wants(e, r->wants),
	};
	TAILQ_INSERT_TAIL(list, r, next);
	loop_timer_set(r->timer, 0);
}

void receipts_drop(struct receipt_list *list)
{
	struct receipt *r, *next;

	for (r = TAILQ_FIRST(list); r != NULL; r = next) {
		next = TAILQ_NEXT(r, next);
		TAILQ_REMOVE(list, r, next);
		r->list = NULL;
		if (loop_timer_pending(r->timer))
			receipt_free(r); /* else the store has it, and gives it back */
	}
}
