/* One callback:
 *
 *   ingest_take ─ judge ─ parse ─▶ hook_handle, per event ─▶ hook_done: answered when all are
 *
 * What parsing alone can drop never touches the disk. What is genuine and cannot be read is kept raw and
 * answered 200: a platform that sees errors stops sending. The events are ingest_event.c's. */
#include "flow/ingest_inside.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "flow/endpoint.h"
#include "flow/hook.h"
#include "flow/reconcile.h"
#include "flow/retention.h"
#include "net/http_in.h"

#define RETRY_AFTER_SECS 5

/* How long an answer about the disk is good for: asking takes three system calls. */
#define DISK_LOOK_MSECS 200

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

void hook_counts_as(struct hook *h, enum hook_result result)
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

void hook_done(struct hook *h)
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

static void on_raw(struct store_op *op)
{
	entry_free((struct entry *)op);
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

/* ---- what is kept as it came ---- */

static void on_kept(struct store_op *op)
{
	entry_free((struct entry *)op);
}

/* With what it told of, so that who asks for a message finds its callback. */
static void keep_callback(struct hook *h, const struct http_in *in, const struct event_list *events)
{
	struct arena *a = arena_new();
	struct callback_news *news = arena_zalloc(a, (events->count + 1) * sizeof(*news));
	struct entry *n = entry_new(h, letter_new(a, NULL));
	size_t i;

	for (i = 0; i < events->count; i++)
		news[i] = (struct callback_news){ arena_strdup(a, events->items[i].remote),
			arena_strdup(a, events->items[i].conversation) };
	n->callback = (struct op_callback){
		.op = { .kind = STORE_CALLBACK, .done = on_kept },
		.endpoint = h->endpoint->conf.id,
		.at_ms = in->received_ms,
		.headers = header_lines(a, in),
		.body = in->body,
		.body_len = in->body_len,
		.news = news,
		.nnews = events->count,
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
	if (e->connector->parse(via, a, in, &events, &error) != 0) {
		keep_raw(h, a, in, &error);
		hook_done(h);
		return;
	}
	if (retention_callbacks(e) > 0)
		keep_callback(h, in, &events);
	hook_hand_out(h, a, &events);
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
	hook_hand_out(h, a, events);
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
