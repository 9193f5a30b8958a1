/* See explain.h: answers to our own requests. A page of history goes through the same routing as a
 * callback; any other answer becomes an effect. */
#include <string.h>

#include "admin/explain/explain.h"

static int status_of(const struct explain *x, const struct explain_headers *h)
{
	if (x->status != 0)
		return x->status;
	return h->status != 0 ? h->status : 200;
}

static struct http_resp answer_of(const struct explain *x, const struct explain_input *in)
{
	const struct explain_headers *h = &in->headers;
	const char *after = http_header(h->items, h->count, "retry-after");

	return (struct http_resp){
		.transport = TRANSPORT_OK,
		.sent = true,
		.status = status_of(x, h),
		.content_type = http_header(h->items, h->count, "content-type"),
		.body = in->body,
		.body_len = in->body_len,
		.retry_after_msecs = after != NULL ? http_retry_after(after, x->now_ms) : -1,
	};
}

/* ---- an answer ---- */

/* Only what is not over can wait. */
static bool may_wait(enum effect_kind kind)
{
	return kind == EFFECT_RETRY || kind == EFFECT_UNSURE || kind == EFFECT_PAUSE;
}

void explain_effect(struct explain *x, const struct endpoint_conf *e, enum step step,
    const struct effect *effect)
{
	const struct endpoint_conf *asked = x->endpoint;
	struct json_out *o;

	x->endpoint = e;
	o = explain_line(x, "effect");
	x->endpoint = asked;
	json_member_text(o, "step", step_word((int)step));
	json_member_text(o, "effect", effect_word((int)effect->kind));
	json_member_text_or_null(o, "reason",
	    effect->reason != REASON_NONE ? reason_word((int)effect->reason) : NULL);
	json_member_text_or_null(o, "remote_id", effect->remote_id);
	json_key(o, "wait_ms");
	if (may_wait(effect->kind) && effect->wait_msecs >= 0)
		json_put_int(o, effect->wait_msecs);
	else
		json_put_null(o);
	json_member_text_or_null(o, "detail", effect->why);
	explain_line_end(o);
}

/* What is asked of an endpoint without a message is its own affair: signing in. A look-up is asked
 * when a message is in doubt. No message is given, so that an answer is taken at its word. */
static void interpret(struct explain *x, enum step step, const struct http_resp *resp)
{
	static const struct known nothing;
	const struct via via = explain_via(x, x->endpoint);
	const struct job job = {
		.kind = step == STEP_SIGN_IN ? JOB_ENDPOINT
		    : step == STEP_LOOK_UP   ? JOB_LOOK
					     : JOB_DELIVER,
		.step = step,
		.in_doubt = step == STEP_LOOK_UP ? STEP_SEND : STEP_NONE,
		.attempt = 1,
		.known = &nothing,
	};
	struct outcome out = { .effect = { .kind = EFFECT_UNSURE, .wait_msecs = -1 } };

	x->connector->interpret(&via, x->a, &job, resp, &out);
	explain_effect(x, x->endpoint, step, &out.effect);
}

void explain_answer(struct explain *x, const struct explain_input *in)
{
	const struct http_resp resp = answer_of(x, in);

	interpret(x, x->step != STEP_NONE ? x->step : STEP_SEND, &resp);
}

/* ---- a page ---- */

static void write_cursor(struct explain *x, const char *next)
{
	struct json_out *o = explain_line(x, "cursor");

	json_member_text_or_null(o, "next", next);
	explain_line_end(o);
}

struct page_read {
	struct event_list events;
	const char *next;
	struct parse_error error;
};

static bool read_messages(struct explain *x, const struct http_resp *resp, struct page_read *out)
{
	const struct via via = explain_via(x, x->endpoint);

	return x->connector->parse_page(&via, x->a, x->conversation, resp, &out->events, &out->next,
		   &out->error)
	    == 0;
}

static bool read_conversations(struct explain *x, const struct http_resp *resp,
    struct page_read *out)
{
	static const struct known nothing;
	const struct via via = explain_via(x, x->endpoint);
	const struct job job = { .kind = JOB_PAGE,
		.step = STEP_LIST_CONVERSATIONS,
		.attempt = 1,
		.known = &nothing };
	struct outcome o = { .effect = { .kind = EFFECT_UNSURE, .wait_msecs = -1 } };

	x->connector->interpret(&via, x->a, &job, resp, &o);
	out->events = o.events;
	out->next = o.cursor;
	out->error = (struct parse_error){ UNPARSABLE_BAD_FIELD, 0, "no list of conversations" };
	return o.effect.kind == EFFECT_NEXT_STEP;
}

void explain_page(struct explain *x, const struct explain_input *in)
{
	const struct http_resp resp = answer_of(x, in);
	enum step step = x->step != STEP_NONE ? x->step : STEP_LIST_MESSAGES;
	struct page_read page = { 0 };
	struct event *e;

	if (resp.status < 200 || resp.status > 299) {
		interpret(x, step, &resp);
		return;
	}
	if (!(step == STEP_LIST_MESSAGES ? read_messages : read_conversations)(x, &resp, &page)) {
		explain_unparsable(x, "unchecked", &page.error);
		return;
	}
	for (e = page.events.items; e < page.events.items + page.events.count; e++) {
		e->endpoint = x->endpoint->id;
		e->here_ms = x->now_ms;
		explain_event(x, "unchecked", e);
	}
	write_cursor(x, page.next);
}
