/* See explain.h: a callback, judged and read as the relay does it. */
#include <string.h>

#include "admin/explain/explain.h"
#include "flow/hook.h"

/* The path is judged only where it is told, the key only where one is configured: the others lie in the
 * store. */
static bool is_ours(struct explain *x, const char *path)
{
	const char *name, *key;

	if (path == NULL)
		return true;
	return hook_path(x->a, path, &name, &key) && strcmp(name, x->endpoint->name) == 0
	    && (x->endpoint->hook_key.n == 0 || hook_key_fits(x->endpoint, key));
}

/* What the file does not tell is taken for right. */
static struct http_in request_of(struct explain *x, const struct explain_input *in)
{
	const struct explain_headers *h = &in->headers;
	struct http_header *headers = arena_zalloc(x->a, (h->count + 1) * sizeof(*headers));
	struct http_in http = {
		.method = h->method != NULL ? h->method : "POST",
		.path = h->path,
		.headers = headers,
		.nheaders = h->count,
		.body = in->body,
		.body_len = in->body_len,
		.received_ms = x->now_ms,
	};

	if (h->count > 0)
		memcpy(headers, h->items, h->count * sizeof(*headers));
	if (http_header(headers, h->count, "content-type") == NULL)
		headers[http.nheaders++] =
		    (struct http_header){ "Content-Type", "application/json", false };
	return http;
}

static struct hook_verdict judge(struct explain *x, const struct explain_input *in,
    const struct via *via, const struct http_in *http)
{
	struct hook_verdict v = { .verify = VERIFY_UNCHECKED };

	if ((int64_t)in->headers.size > x->config->limits.header) {
		v.refusal = REFUSE_HEADER_TOO_LARGE;
		v.detail = "the headers are larger than limits.header";
		return v;
	}
	if (!is_ours(x, http->path)) {
		v.refusal = REFUSE_NOT_FOUND;
		v.detail = "not this endpoint's hook address, or another hook key";
		return v;
	}
	v = hook_judge_form(x->endpoint, http);
	if (v.refusal != REFUSE_NONE)
		return v;
	if (in->headers.is_given)
		return hook_judge_proof(via, x->connector, http);
	v.verify = VERIFY_UNCHECKED;
	return v;
}

static void refuse(struct explain *x, const struct hook_verdict *v)
{
	struct json_out *o = explain_line(x, "refusal");

	x->count.refusals++;
	json_member_int(o, "status", refusal_status(v->refusal));
	json_member_text(o, "reason", refusal_word((int)v->refusal));
	json_member_text_or_null(o, "detail", v->detail);
	explain_line_end(o);
}

/* Only faults of the JSON itself, and a body that is no object at all, are at a place. */
static bool has_offset(enum unparsable reason)
{
	return reason != UNPARSABLE_NO_EVENT && reason != UNPARSABLE_BAD_FIELD;
}

void explain_unparsable(struct explain *x, const char *auth, const struct parse_error *error)
{
	struct json_out *o = explain_line(x, "unparsable");

	x->count.unparsable++;
	json_member_text(o, "auth", auth);
	json_member_int(o, "status", 200); /* it is kept, and answered as if it were read */
	json_member_text(o, "reason", unparsable_word((int)error->reason));
	json_key(o, "offset");
	if (has_offset(error->reason))
		json_put_int(o, (int64_t)error->offset);
	else
		json_put_null(o);
	json_member_text_or_null(o, "detail", error->detail);
	explain_line_end(o);
}

void explain_hook(struct explain *x, const struct explain_input *in)
{
	const struct via via = explain_via(x, x->endpoint);
	const struct http_in http = request_of(x, in);
	const struct hook_verdict v = judge(x, in, &via, &http);
	const char *auth = v.verify == VERIFY_OK ? "ok" : "unchecked";
	struct event_list events = { 0 };
	struct parse_error error = { 0 };
	size_t i;

	if (v.refusal != REFUSE_NONE) {
		refuse(x, &v);
		return;
	}
	if (x->connector->parse(&via, x->a, &http, &events, &error) != 0) {
		explain_unparsable(x, auth, &error);
		return;
	}
	if (events.count == 0)
		*event_list_add(&events, x->a) = (struct event){
			.drop = DROP_UNSUPPORTED,
			.detail = "there is nothing in it",
		};
	for (i = 0; i < events.count; i++) {
		events.items[i].endpoint = x->endpoint->id;
		events.items[i].here_ms = x->now_ms;
		explain_event(x, auth, &events.items[i]);
	}
}
