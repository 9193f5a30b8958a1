/* See explain.h: the requests of a delivery, as the relay would make them one after the other. What an
 * earlier answer would have taught stands as "{contact}" and the like. */
#include <string.h>

#include "admin/explain/explain.h"
#include "base/buf.h"
#include "base/json_in.h"
#include "core/file.h"
#include "flow/media/media.h"
#include "flow/plan.h"

/* A shorter one might stand in a text by chance. */
#define SECRET_MIN 8
#define HIDDEN "[secret]"

/* ---- secrets ---- */

static void add_secrets(struct arena *a, struct explain_texts *t, const struct secrets *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		explain_texts_add(a, t, s->v[i]);
}

/* All that the configuration calls a secret of that endpoint. */
static struct explain_texts secrets_of(struct arena *a, const struct endpoint_conf *e)
{
	struct explain_texts t = { 0 };
	const struct option *o;
	const char *field;

	add_secrets(a, &t, &e->webhook_secret);
	add_secrets(a, &t, &e->hook_key);
	for (o = e->connector->options; o->name != NULL; o++) {
		field = (const char *)e->conf + o->offset;
		if (o->type == OPT_SECRET)
			explain_texts_add(a, &t, *(const char *const *)field);
		else if (o->type == OPT_SECRETS)
			add_secrets(a, &t, (const struct secrets *)field);
	}
	return t;
}

static const char *hide_one(struct arena *a, const char *text, const char *secret)
{
	const char *at;
	struct buf b;

	if (secret == NULL || strlen(secret) < SECRET_MIN || strstr(text, secret) == NULL)
		return text;
	buf_init(&b);
	for (; (at = strstr(text, secret)) != NULL; text = at + strlen(secret)) {
		buf_add(&b, text, (size_t)(at - text));
		buf_adds(&b, HIDDEN);
	}
	buf_adds(&b, text);
	text = arena_strdup(a, b.data);
	buf_fini(&b);
	return text;
}

static const char *hide(struct arena *a, const char *text, const struct explain_texts *secrets)
{
	size_t i;

	for (i = 0; i < secrets->count; i++)
		text = hide_one(a, text, secrets->items[i]);
	return text;
}

/* ---- one request ---- */

static void put_headers(struct json_out *o, const struct http_req *req)
{
	size_t i;

	json_key(o, "headers");
	json_begin_object(o);
	for (i = 0; i < req->nheaders; i++)
		json_member_text(o, req->headers[i].name,
		    req->headers[i].secret ? HIDDEN : req->headers[i].value);
	json_member_text(o, "Content-Type",
	    req->nparts > 0 ? "multipart/form-data" : req->content_type);
	json_end_object(o);
}

static void put_json(struct arena *a, struct json_out *o, const struct json *j,
    const struct explain_texts *secrets)
{
	const struct json *c;

	if (j->type == JSON_STRING) {
		json_put_text(o, hide(a, j->text, secrets));
		return;
	}
	if (j->type != JSON_OBJECT && j->type != JSON_ARRAY) {
		json_put(o, j);
		return;
	}
	if (j->type == JSON_OBJECT)
		json_begin_object(o);
	else
		json_begin_array(o);
	for (c = j->child; c != NULL; c = c->next) {
		if (j->type == JSON_OBJECT)
			json_key(o, c->key);
		put_json(a, o, c, secrets);
	}
	if (j->type == JSON_OBJECT)
		json_end_object(o);
	else
		json_end_array(o);
}

static void put_body(struct arena *a, struct json_out *o, const struct http_req *req,
    const struct explain_texts *secrets)
{
	const struct json *j = NULL;
	struct json_error error;

	if (req->content_type == NULL)
		return;
	if (strstr(req->content_type, "json") != NULL)
		j = json_read(a, req->body, req->body_len, &error);
	json_key(o, "body");
	if (j != NULL)
		put_json(a, o, j, secrets);
	else
		json_put_text(o, hide(a, req->body, secrets));
}

/* A file's bytes stand as where they come from. */
static void put_parts(struct arena *a, struct json_out *o, const struct http_req *req,
    const struct explain_texts *secrets)
{
	const struct http_part *p;

	if (req->nparts == 0)
		return;
	json_key(o, "parts");
	json_begin_array(o);
	for (p = req->parts; p < req->parts + req->nparts; p++) {
		json_begin_object(o);
		json_member_text(o, "name", p->name);
		json_member_text(o, "filename", p->filename);
		json_member_text(o, "type", p->type);
		if (p->body != NULL)
			json_member_text(o, "body", hide(a, p->body, secrets));
		else
			json_member_text(o, "from", hide(a, p->path, secrets));
		json_end_object(o);
	}
	json_end_array(o);
}

/* "contact conversation" as a list. */
static void put_gives(struct json_out *o, const char *gives)
{
	size_t len;

	if (gives == NULL)
		return;
	json_key(o, "gives");
	json_begin_array(o);
	for (; *gives != '\0'; gives += len + strspn(gives + len, " ")) {
		len = strcspn(gives, " ");
		json_put_text_len(o, gives, len);
	}
	json_end_array(o);
}

static void write_request(struct explain *x, const struct bridge_conf *bridge,
    const struct endpoint_conf *to, const struct step_plan *step, const struct http_req *req)
{
	const struct explain_texts secrets = secrets_of(x->a, to);
	struct json_out *o = json_out_new(x->a);

	x->count.requests++;
	json_begin_object(o);
	json_member_text(o, "type", "request");
	json_member_int(o, "n", x->n);
	json_member_text(o, "bridge", bridge->name);
	json_member_text(o, "to", to->name);
	json_member_text(o, "step", step_word((int)step->step));
	json_member_text(o, "when", when_word((int)step->when));
	json_member_text(o, "method", req->method);
	json_member_text(o, "url", hide(x->a, req->url, &secrets));
	put_headers(o, req);
	put_body(x->a, o, req, &secrets);
	put_parts(x->a, o, req, &secrets);
	put_gives(o, step->gives);
	explain_line_end(o);
}

/* ---- one delivery ---- */

/* A link that is still to be made has its own side only. */
static struct row_link link_of(const struct event *e, const struct row_link *link,
    const struct route *r)
{
	if (r->choice == LINK_USE)
		return *link;
	return (
	    struct row_link){ .customers_remote = e->conversation, .generation = r->generation };
}

/* ---- files ---- */

/* Each as if it were fetched already, and were what is said of it. */
static struct file *files_of(struct explain *x, const struct event *e, size_t *count)
{
	struct file *files = arena_zalloc(x->a, (e->nattachments + 1) * sizeof(*files)), *f = files;
	const struct attachment *from;

	for (from = e->attachments; from < e->attachments + e->nattachments; from++) {
		if (!attachment_is_file(from) || f - files == FILES_PER_MESSAGE)
			continue;
		f->name = file_name(x->a, from->name, from->url, from->type, from->kind);
		f->type = from->type != NULL ? from->type : file_type_by_name(x->a, f->name);
		if (f->type == NULL)
			f->type = "application/octet-stream";
		f->kind = from->kind;
		f->size = from->size > 0 ? from->size : 0;
		f->path = from->url;
		f->why = "no address was given";
		if (x->config->public_url != NULL)
			f->address = arena_printf(x->a, "%s/media/{file}/{expiry}/{signature}/%s",
			    x->config->public_url, http_encode(x->a, f->name));
		f++;
	}
	*count = (size_t)(f - files);
	return files;
}

void explain_delivery(struct explain *x, const struct event *e, size_t bridge,
    const struct row_link *link, const struct route *r)
{
	static const struct person nobody;
	static const struct row_lane empty;
	const struct bridge_conf *b = x->bridges[bridge];
	const struct endpoint_conf *to = r->to == SIDE_AGENTS ? b->agents : b->customers;
	const struct row_link row = link_of(e, link, r);
	const struct via via = explain_via(x, to);
	const struct cargo cargo = {
		.keys = &x->keys,
		.event = e,
		.bridge = b,
		.to = r->to,
		.target = via,
		.desk = explain_via(x, b->agents),
		.from = x->endpoint,
		.customers = b->customers,
		.link = &row,
		.lane = &empty,
		/* Whom the link belongs to at the customers' side only a store knows. */
		.person = r->to == SIDE_AGENTS ? &e->person : &nobody,
		.reopen = r->reopen,
		.take_over = r->take_over,
		.set_state = r->set_state,
	};
	struct composed words;
	struct effect refused;
	struct known known;
	struct plan plan;
	struct file *files;
	size_t nfiles, i;

	plan_words(x->a, &cargo, &words, &known);
	files = files_of(x, e, &nfiles);
	compose_files(x->a, &words, files, nfiles);
	if (!plan_steps(x->a, &via, &words, &known, &plan, &refused)) {
		explain_effect(x, to, STEP_SEND, &refused);
		return;
	}
	for (i = 0; i < plan.count; i++) {
		const struct job job = { .kind = JOB_DELIVER,
			.step = plan.steps[i].step,
			.attempt = 1,
			.message = &words.message,
			.known = &known };
		struct http_req req = { 0 };

		compose_part(&words, plan.steps[i].part);
		to->connector->build(&via, x->a, &job, &req);
		write_request(x, b, to, &plan.steps[i], &req);
	}
}
