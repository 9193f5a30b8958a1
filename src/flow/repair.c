/* See repair.h. */
#include "flow/repair.h"

#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"
#include "flow/endpoint.h"
#include "flow/ingest.h"
#include "flow/lanes.h"
#include "flow/router.h"
#include "flow/survey.h"

#define TAKE_BACK_MOST 100000
#define TOGETHER 200 /* callbacks must not wait long for the store */

/* ---- routed once more ---- */

struct reroute {
	struct op_view op;
	struct endpoint *endpoint;
	struct letter *letter;
};

static void reroute_free(struct store_op *op)
{
	struct reroute *r = (struct reroute *)op;

	letter_unref(r->letter);
	xfree(r);
}

static void on_viewed(struct store_op *op)
{
	struct reroute *r = (struct reroute *)op;
	struct flow *f = r->endpoint->flow;

	if (flow_redo(f, op))
		return;
	router_take(f->router, r->endpoint, r->letter, &r->op.view);
	reroute_free(op);
}

static void reroute(struct flow *f, const struct mended *m)
{
	struct endpoint *e = endpoint_find(f, m->endpoint);
	struct reroute *r;
	struct arena *a;

	if (e == NULL)
		return; /* it stays unrouted until its endpoint is configured again */
	r = xcalloc(1, sizeof(*r));
	a = arena_new();
	r->endpoint = e;
	r->letter = letter_new(a, event_copy(a, m->event));
	r->letter->event->id = m->event->id;
	r->op = (struct op_view){
		.op = { .kind = STORE_VIEW, .done = on_viewed, .lost = reroute_free },
		.arena = a,
		.event = r->letter->event,
		.asks = e->asks,
		.nasks = e->nbridges,
		.root = survey_root(a, e, r->letter->event),
	};
	flow_submit(f, &r->op.op);
}

/* ---- lanes go on ---- */

static void wake_lane(struct flow *f, const struct mended *m, bool one_more)
{
	struct endpoint *e = endpoint_find(f, m->endpoint);
	struct lane *l;

	if (e == NULL || m->lane == 0)
		return;
	l = lane_get(e, m->person);
	l->id = m->lane;
	l->count += one_more;
	if (m->was_held)
		lane_release(l);
	else if (one_more && l->state == LANE_IDLE)
		lane_move(l, LANE_READY, 0);
	lane_tidy(l);
	gate_wake(e);
}

static void tell(const struct op_mend *op, const struct parked_id *id)
{
	char letter = id->is_raw ? 'h' : 'd';

	switch (op->mend) {
	case MEND_RETRY:
		LOG(LOG_INFO, "unparked", F_ID("delivery", letter, id->id), F_STR("who", op->who));
		break;
	case MEND_DROP:
		LOG(LOG_INFO, "discarded", F_ID("delivery", letter, id->id), F_STR("who", op->who));
		break;
	case MEND_EDIT:
		LOG(LOG_INFO, "edited", F_ID("delivery", letter, id->id), F_STR("who", op->who));
		break;
	}
}

void repair_mended(struct flow *f, const struct op_mend *op)
{
	const struct mended *m;

	for (m = op->items; m < op->items + op->nitems; m++) {
		if (m->result != MEND_DONE && m->result != MEND_REROUTE)
			continue;
		tell(op, &m->id);
		if (m->result == MEND_REROUTE)
			reroute(f, m);
		else if (op->mend != MEND_EDIT && !m->id.is_raw)
			wake_lane(f, m, op->mend == MEND_RETRY);
	}
}

/* ---- some of them ---- */

static void repair_go(struct repair *r);

static bool repair_may_go_on(struct repair *r, const struct store_op *op)
{
	if (op->result == 0)
		return true;
	r->is_failed = true;
	r->err = op->err;
	r->done(r);
	return false;
}

static void repair_submit(struct repair *r, struct store_op *op)
{
	if (flow_offer(r->flow, op) == 0)
		return;
	op->result = err_set(&op->err, "the store's mailbox is full");
	op->done(op);
}

static void on_mended(struct store_op *op)
{
	struct repair *r = (struct repair *)((char *)op - offsetof(struct repair, mending.op));
	size_t i;

	if (!repair_may_go_on(r, op))
		return;
	for (i = 0; i < r->mending.nitems; i++)
		r->results[r->at++] = r->mending.items[i].result;
	repair_mended(r->flow, &r->mending);
	repair_go(r);
}

/* The next n of them, in one commit. */
static void repair_mend(struct repair *r, enum mend mend, size_t n)
{
	int64_t now_ms = loop_now_ms(r->flow->loop);
	size_t i;

	r->mending = (struct op_mend){
		.op = { .kind = STORE_MEND, .done = on_mended },
		.arena = r->arena,
		.mend = mend,
		.items = arena_zalloc(r->arena, n * sizeof(*r->mending.items)),
		.nitems = n,
		.text = r->text,
		.who = r->who,
		.now_ms = now_ms,
		.expires_ms = now_ms + r->flow->config->limits.try_for_msecs,
	};
	for (i = 0; i < n; i++)
		r->mending.items[i].id = r->ids[r->at + i];
	repair_submit(r, &r->mending.op);
}

/* ---- kept callbacks ---- */

static size_t read_headers(struct arena *a, const char *lines, struct http_header *out, size_t most)
{
	char *line = arena_strdup(a, lines != NULL ? lines : ""), *end, *colon;
	size_t n = 0;

	for (; *(end = line + strcspn(line, "\n")) != '\0' && n < most; line = end + 1) {
		*end = '\0';
		colon = strchr(line, ':');
		if (colon == NULL)
			continue;
		*colon = '\0';
		out[n++] = (struct http_header){ line, colon + 1 + strspn(colon + 1, " "), false };
	}
	return n;
}

static void on_fed(void *arg, const struct fed *fed)
{
	struct repair *r = arg;

	if (fed->is_failed) {
		r->is_failed = true;
		err_set(&r->err, "the store could not take what the callback says");
		r->done(r);
		return;
	}
	repair_mend(r, MEND_DROP, 1); /* the journal has it now */
}

/* As it came, but for the proof, which was judged then. */
static bool replay(struct repair *r, struct endpoint *e, const struct op_raw *raw)
{
	struct arena *a = arena_new();
	struct http_header headers[64];
	struct event_list events = { 0 };
	struct parse_error error = { 0 };
	const struct via via = endpoint_via(e);
	const struct http_in in = {
		.method = "POST",
		.path = "",
		.headers = headers,
		.nheaders = read_headers(a, raw->headers, headers, 64),
		.body = arena_memdup(a, raw->body, raw->body_len),
		.body_len = raw->body_len,
		.received_ms = raw->at_ms,
	};

	if (e->connector->parse(&via, a, &in, &events, &error) != 0) {
		arena_free(a);
		return false;
	}
	ingest_feed(r->ingest, e, a, &events, on_fed, r);
	return true;
}

static void on_raw_read(struct store_op *op)
{
	struct repair *r = (struct repair *)((char *)op - offsetof(struct repair, reading.op));
	struct endpoint *e;

	if (!repair_may_go_on(r, op))
		return;
	e = r->reading.is_known ? endpoint_find(r->flow, r->reading.raw.endpoint) : NULL;
	if (e != NULL && replay(r, e, &r->reading.raw))
		return;
	r->results[r->at++] = r->reading.is_known ? MEND_UNREADABLE : MEND_UNKNOWN;
	repair_go(r);
}

static void repair_read(struct repair *r)
{
	r->reading = (struct op_raw_read){
		.op = { .kind = STORE_RAW_READ, .done = on_raw_read },
		.arena = r->arena,
		.id = r->ids[r->at].id,
	};
	repair_submit(r, &r->reading.op);
}

/* ---- one after the other ---- */

static void repair_go(struct repair *r)
{
	size_t n = 0;

	if (r->at == r->nids) {
		r->done(r);
	} else if (r->ids[r->at].is_raw && r->mend == MEND_RETRY) {
		repair_read(r);
	} else {
		while (n < TOGETHER && r->at + n < r->nids
		    && (r->mend != MEND_RETRY || !r->ids[r->at + n].is_raw))
			n++;
		repair_mend(r, r->mend, n);
	}
}

void repair_start(struct repair *r)
{
	r->results = arena_zalloc(r->arena, (r->nids + 1) * sizeof(*r->results));
	r->at = 0;
	r->is_failed = false;
	repair_go(r);
}

/* ---- at start ---- */

int repair_take_back(struct flow *f, struct err *err)
{
	struct arena *a = arena_new();
	struct op_parked parked = { .op = { .kind = STORE_PARKED },
		.arena = a,
		.filter = { .reason = REASON_ENDPOINT_REMOVED } };
	struct op_mend mend = { .op = { .kind = STORE_MEND },
		.arena = a,
		.mend = MEND_RETRY,
		.who = "the relay: its endpoint is back",
		.now_ms = loop_now_ms(f->loop),
		.expires_ms = loop_now_ms(f->loop) + f->config->limits.try_for_msecs };
	int ret = 0;
	size_t i;

	/* Mostly there are none: they are counted before there is room for so many. */
	store_run(f->store, &parked.op);
	if (parked.op.result == 0 && parked.total > 0) {
		parked.limit = parked.total < TAKE_BACK_MOST ? (int)parked.total : TAKE_BACK_MOST;
		store_run(f->store, &parked.op);
	}
	mend.items = arena_zalloc(a, (parked.nrows + 1) * sizeof(*mend.items));
	/* The last ones come first in the list, and each goes to the end of its lane. */
	for (i = parked.op.result == 0 ? parked.nrows : 0; i-- > 0;)
		if (flow_bridge(f, parked.rows[i].bridge) != NULL)
			mend.items[mend.nitems++].id = parked.rows[i].id;
	if (parked.op.result == 0 && mend.nitems > 0)
		store_run(f->store, &mend.op);
	if (parked.op.result != 0 || mend.op.result != 0)
		ret = err_set(err, "putting back what had no endpoint: %s",
		    parked.op.result != 0 ? parked.op.err.text : mend.op.err.text);
	arena_free(a);
	return ret;
}
