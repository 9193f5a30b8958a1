/* See repair_web.h. A handler fills an operation, hands it to the store and answers from its done; all it
 * needs lies in the memory of the call, which lives until it is answered. */
#include "admin/web/repair_web.h"

#include <inttypes.h>
#include <string.h>

#include "admin/repair_doc.h"
#include "admin/web/api.h"
#include "admin/web/web.h"
#include "base/arena.h"
#include "base/json_in.h"
#include "base/json_out.h"
#include "flow/repair.h"

#define BULK_MOST 100000
#define TEXT_MOST 200000 /* bytes; no platform takes as much */

/* One request, and whichever operation it needs. */
struct asked {
	struct api_call *api;
	struct op_parked parked;
	struct op_trace trace;
	struct op_raw_read raw;
	struct repair repair;
	enum mend mend;
	int64_t expect;
};

static struct config *config_of(const struct api_call *c)
{
	return c->web->flow->config;
}

static struct asked *asked_new(struct api_call *c)
{
	struct asked *q = ARENA_NEW(c->arena, struct asked);

	q->api = c;
	return q;
}

static void submit(struct asked *q, struct store_op *op)
{
	if (flow_offer(q->api->web->flow, op) != 0)
		api_problem(q->api, API_BUSY, "the store's mailbox is full", "try again");
}

/* True: the operation failed, and that is answered. */
static bool has_failed(struct asked *q, const struct store_op *op)
{
	if (op->result != 0)
		api_problem(q->api, API_STORE, op->err.text, "see tieline status");
	return op->result != 0;
}

static void not_there(struct asked *q)
{
	api_problem(q->api, API_NOT_FOUND, "nothing of that id is parked",
	    "tieline parked lists what is");
}

static bool read_id(struct api_call *c, struct parked_id *id)
{
	if (parked_id_read(c->name, id))
		return true;
	api_problem(c, API_NOT_FOUND, "an id is like d1440, of a kept callback like h77", NULL);
	return false;
}

/* ---- list ---- */

static void on_listed(struct store_op *op)
{
	struct asked *q = (struct asked *)((char *)op - offsetof(struct asked, parked.op));
	const char *body;
	size_t len;

	if (has_failed(q, op))
		return;
	body = parked_list_doc(q->api->arena, config_of(q->api), &q->parked, &len);
	api_reply(q->api, 200, body, len);
}

void repair_web_list(struct api_call *c)
{
	struct asked *q = asked_new(c);
	struct api_page page;
	const char *wrong = api_page_read(c, &page);

	if (wrong == NULL)
		wrong = parked_filter_read(c->arena, config_of(c), api_query(c, "endpoint"),
		    api_query(c, "bridge"), api_query(c, "reason"), &q->parked.filter);
	if (wrong == NULL && page.cursor != NULL && !parked_id_read(page.cursor, &q->parked.after))
		wrong = "cursor: it is none that was given";
	if (wrong != NULL) {
		api_problem(c, API_INVALID, wrong, NULL);
		return;
	}
	q->parked.limit = page.limit;
	q->parked.filter.since_ms = page.since_ms;
	q->parked.filter.until_ms = page.until_ms;
	q->parked.op = (struct store_op){ .kind = STORE_PARKED, .done = on_listed };
	q->parked.arena = c->arena;
	submit(q, &q->parked.op);
}

/* ---- one ---- */

static void ask_trace(struct asked *q, int64_t delivery, void (*done)(struct store_op *op))
{
	q->trace.op = (struct store_op){ .kind = STORE_TRACE, .done = done };
	q->trace.arena = q->api->arena;
	if (delivery != 0)
		q->trace.delivery_id = delivery;
	submit(q, &q->trace.op);
}

static void on_shown(struct store_op *op)
{
	struct asked *q = (struct asked *)((char *)op - offsetof(struct asked, trace.op));
	const char *body;
	size_t len;

	if (has_failed(q, op))
		return;
	body = parked_one_doc(q->api->arena, config_of(q->api), &q->trace, &len);
	if (body != NULL)
		api_reply(q->api, 200, body, len);
	else
		not_there(q);
}

static void on_raw_shown(struct store_op *op)
{
	struct asked *q = (struct asked *)((char *)op - offsetof(struct asked, raw.op));
	const char *body;
	size_t len;

	if (has_failed(q, op))
		return;
	if (!q->raw.is_known) {
		not_there(q);
		return;
	}
	body = parked_raw_doc(q->api->arena, config_of(q->api), &q->raw, &len);
	api_reply(q->api, 200, body, len);
}

void repair_web_show(struct api_call *c)
{
	struct asked *q = asked_new(c);
	struct parked_id id;

	if (!read_id(c, &id))
		return;
	if (!id.is_raw) {
		ask_trace(q, id.id, on_shown);
		return;
	}
	q->raw = (struct op_raw_read){
		.op = { .kind = STORE_RAW_READ, .done = on_raw_shown },
		.arena = c->arena,
		.id = id.id,
	};
	submit(q, &q->raw.op);
}

/* ---- put back, dropped, edited ---- */

/* Of a single one. */
static void answer_result(struct asked *q, enum mend_result result)
{
	static const char *const lost = "its words are not kept any more (retention.bodies)";

	switch (result) {
	case MEND_DONE:
	case MEND_REROUTE:
		if (q->repair.mend == MEND_RETRY)
			api_reply(q->api, 202, "{\"status\":\"ok\"}", 15);
		else
			api_reply(q->api, 204, NULL, 0);
		break;
	case MEND_UNKNOWN: not_there(q); break;
	case MEND_NOT_PARKED:
		api_problem(q->api, API_CONFLICT, "it is not parked any more", NULL);
		break;
	case MEND_NO_BODY: api_problem(q->api, API_CONFLICT, lost, "drop it"); break;
	case MEND_NOT_REFUSED:
		api_problem(q->api, API_INVALID,
		    "only words that the platform refused can be changed", "retry or drop it");
		break;
	case MEND_UNREADABLE:
		api_problem(q->api, API_INVALID, "it still cannot be read",
		    "retry it after an update, or drop it");
		break;
	}
}

static void on_repaired(struct repair *r)
{
	struct asked *q = r->arg;

	if (r->is_failed)
		api_problem(q->api, API_STORE, r->err.text, "see tieline status");
	else
		answer_result(q, r->results[0]);
}

static void repair(struct asked *q, const struct parked_id *ids, size_t n,
    void (*done)(struct repair *r))
{
	q->repair.flow = q->api->web->flow;
	q->repair.ingest = q->api->web->ingest;
	q->repair.mend = q->mend;
	q->repair.ids = ids;
	q->repair.nids = n;
	q->repair.who = q->api->who;
	q->repair.done = done;
	q->repair.arg = q;
	q->repair.arena = q->api->arena;
	repair_start(&q->repair);
}

static void repair_one(struct api_call *c, enum mend mend)
{
	struct parked_id *id = ARENA_NEW(c->arena, struct parked_id);
	struct asked *q = asked_new(c);

	q->mend = mend;
	if (read_id(c, id))
		repair(q, id, 1, on_repaired);
}

void repair_web_drop(struct api_call *c)
{
	repair_one(c, MEND_DROP);
}

void repair_web_retry(struct api_call *c)
{
	repair_one(c, MEND_RETRY);
}

/* What is changed must be what was seen. */
static void on_to_edit(struct store_op *op)
{
	struct asked *q = (struct asked *)((char *)op - offsetof(struct asked, trace.op));
	const char *match = api_header(q->api, "if-match");
	struct parked_id *id = ARENA_NEW(q->api->arena, struct parked_id);

	if (has_failed(q, op))
		return;
	id->id = q->trace.delivery_id;
	if (q->trace.id != 0
	    && (match == NULL || strcmp(match, parked_etag(q->api->arena, &q->trace)) != 0)) {
		api_problem(q->api, API_CHANGED, NULL,
		    "read it again and send its etag as If-Match");
		return;
	}
	repair(q, id, 1, on_repaired);
}

void repair_web_edit(struct api_call *c)
{
	struct asked *q = asked_new(c);
	const struct json *body = api_body(c);
	struct parked_id id;

	if (body == NULL)
		return;
	q->mend = MEND_EDIT;
	q->repair.text = json_text(body, "text");
	if (q->repair.text == NULL || q->repair.text[0] == '\0'
	    || strlen(q->repair.text) > TEXT_MOST) {
		api_problem(c, API_INVALID, "text: allowed: 1 to 200000 bytes", NULL);
		return;
	}
	if (!read_id(c, &id))
		return;
	if (id.is_raw)
		api_problem(c, API_INVALID, "a kept callback cannot be changed", NULL);
	else
		ask_trace(q, id.id, on_to_edit);
}

/* ---- many ---- */

static void on_all_repaired(struct repair *r)
{
	struct asked *q = r->arg;
	struct json_out *o = json_out_new(q->api->arena);
	int64_t done = 0, refused = 0;
	const char *body;
	size_t i, len;

	if (r->is_failed) {
		api_problem(q->api, API_STORE, r->err.text, "see tieline status");
		return;
	}
	for (i = 0; i < r->nids; i++)
		*(r->results[i] == MEND_DONE || r->results[i] == MEND_REROUTE ? &done : &refused) +=
		    1;
	json_begin_object(o);
	json_member_int(o, "done", done);
	json_member_int(o, "refused", refused);
	json_end_object(o);
	body = json_done(o, &len);
	api_reply(q->api, 200, body, len);
}

static void on_all_listed(struct store_op *op)
{
	struct asked *q = (struct asked *)((char *)op - offsetof(struct asked, parked.op));
	struct arena *a = q->api->arena;
	struct parked_id *ids;
	size_t i, n = q->parked.nrows;

	if (has_failed(q, op))
		return;
	if (q->parked.total != q->expect) {
		api_problem(q->api, API_CONFLICT,
		    arena_printf(a, "%" PRId64 " fit the filter now, not %" PRId64, q->parked.total,
			q->expect),
		    "look again and ask anew");
		return;
	}
	/* The oldest first: each goes to the end of its lane. */
	ids = arena_zalloc(a, (n + 1) * sizeof(*ids));
	for (i = 0; i < n; i++)
		ids[i] = q->parked.rows[n - 1 - i].id;
	repair(q, ids, n, on_all_repaired);
}

static void repair_all(struct api_call *c, enum mend mend)
{
	struct asked *q = asked_new(c);
	const struct json *body = api_body(c);
	const char *wrong;

	if (body == NULL)
		return;
	q->mend = mend;
	q->expect = json_int(body, "expect", -1);
	wrong = parked_filter_read(c->arena, config_of(c), json_text(body, "filter.endpoint"),
	    json_text(body, "filter.bridge"), json_text(body, "filter.reason"), &q->parked.filter);
	if (wrong == NULL && (q->expect < 0 || q->expect > BULK_MOST))
		wrong = "expect: how many there are, 0 to 100000";
	if (wrong != NULL) {
		api_problem(c, API_INVALID, wrong, NULL);
		return;
	}
	q->parked.op = (struct store_op){ .kind = STORE_PARKED, .done = on_all_listed };
	q->parked.arena = c->arena;
	q->parked.limit = (int)q->expect + 1;
	submit(q, &q->parked.op);
}

void repair_web_retry_all(struct api_call *c)
{
	repair_all(c, MEND_RETRY);
}

void repair_web_drop_all(struct api_call *c)
{
	repair_all(c, MEND_DROP);
}

/* ---- traces ---- */

/* Several endpoints know a message of that id. */
static void answer_ambiguous(struct asked *q)
{
	struct arena *a = q->api->arena;
	const struct config *c = config_of(q->api);
	const char *list = "";
	size_t i, j;

	for (i = 0; i < q->trace.nfound; i++)
		for (j = 0; j < c->nendpoints; j++)
			if (c->endpoints[j].id == q->trace.found[i])
				list = arena_printf(a, "%s%s%s:%s", list, *list != '\0' ? " " : "",
				    c->endpoints[j].name, q->trace.remote);
	api_problem(q->api, API_CONFLICT, list, "say which of these");
}

static void on_traced(struct store_op *op)
{
	struct asked *q = (struct asked *)((char *)op - offsetof(struct asked, trace.op));
	const char *body;
	size_t len;

	if (has_failed(q, op))
		return;
	if (q->trace.nfound > 1) {
		answer_ambiguous(q);
	} else if (q->trace.id == 0) {
		api_problem(q->api, API_NOT_FOUND, "nothing is known of a message of that id",
		    NULL);
	} else {
		body = trace_doc(q->api->arena, config_of(q->api), &q->trace, &len);
		api_reply(q->api, 200, body, len);
	}
}

void repair_web_trace(struct api_call *c)
{
	struct asked *q = asked_new(c);

	if (!trace_ask(c->arena, config_of(c), c->name, &q->trace)) {
		api_problem(c, API_NOT_FOUND,
		    "an id is like e812, d1440, desk:40871 or a platform's own", NULL);
		return;
	}
	ask_trace(q, 0, on_traced);
}
