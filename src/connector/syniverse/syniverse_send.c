/* Message → steps and requests: one send per part. Nothing there makes a repeated request harmless, so a
 * send that may have arrived is looked for by its external_id (our mark), twice. The search is not promised,
 * so not to find it proves nothing.
 *
 * Pictures, sounds and films go as media_urls with the last part; other files, and all where the sender cannot
 * do that, as addresses in the text. */
#include "connector/syniverse/syniverse.h"

#include <string.h>

#include "base/arena.h"
#include "base/json_out.h"
#include "core/file.h"
#include "core/text.h"
#include "core/texts.h"

#define DOUBT_MSECS 10000
#define DOUBT_AGAIN_MSECS 20000 /* after the first look: half a minute in all */
#define LOOK_ITEMS "100"

/* --- plan -------------------------------------------------------------------------------------- */

static int refuse(struct effect *refused, enum reason reason, const char *why)
{
	*refused = (struct effect){ .kind = EFFECT_REJECTED, .reason = reason, .why = why };
	return -1;
}

static bool is_media(const struct file *f)
{
	return f->address != NULL
	    && (f->kind == ATTACHMENT_IMAGE || f->kind == ATTACHMENT_AUDIO
		|| f->kind == ATTACHMENT_VIDEO);
}

static const char *file_line(struct arena *a, const struct message *m, const struct file *f)
{
	return f->address != NULL ? arena_printf(a, "%s: %s", f->name, f->address)
				  : fixed_no_file(a, m->fixed, f->name,
				      "it goes as an address, and public_url is not set");
}

static const char *add_line(struct arena *a, const char *text, const char *line)
{
	return *text == '\0' ? line : arena_printf(a, "%s\n%s", text, line);
}

static unsigned rules_of(const struct syniverse_conf *c)
{
	return c->escape_templates ? TEXT_DOLLAR | TEXT_DIRECTIVES : 0;
}

/* There is no field for who writes: the name stands before the words. */
static void fill_parts(struct arena *a, const struct syniverse_conf *c, struct message *m)
{
	const char *name = m->role != ROLE_CUSTOMER ? text_name(a, m->name) : NULL;
	struct file_span *spans;
	size_t i;

	if (m->is_sticker && m->nfiles > 0) {
		m->text = add_line(a, m->text, fixed_text(m->fixed, FIXED_STICKER));
		m->nfiles = 0;
	}
	for (i = 0; i < m->nfiles; i++)
		if (!is_media(&m->files[i]))
			m->text = add_line(a, m->text, file_line(a, m, &m->files[i]));
	if (name != NULL && *m->text != '\0')
		m->text = arena_printf(a, "%s: %s", name, m->text);
	m->parts =
	    (int)text_split(a, m->text, rules_of(c), TEXT_POINTS, (size_t)c->text_max, &m->texts);
	m->part = 0;
	m->text = m->texts[0];
	if (m->nfiles == 0)
		return;
	spans = arena_zalloc(a, (size_t)m->parts * sizeof(*spans));
	spans[m->parts - 1] = (struct file_span){ 0, m->nfiles };
	m->spans = spans;
	m->span = spans[0];
}

int syniverse_plan(const struct via *via, struct arena *a, struct message *message,
    const struct known *known, struct plan *out, struct effect *refused)
{
	struct job job = { .known = known };
	int part;

	*out = (struct plan){ 0 };
	if (message->to != SIDE_CUSTOMERS)
		return refuse(refused, REASON_UNSUPPORTED,
		    "nothing can be posted there as a customer");
	if (message->text == NULL || (*message->text == '\0' && message->nfiles == 0))
		return refuse(refused, REASON_INVALID, "nothing to write");
	if (syniverse_to(&job) == NULL)
		return refuse(refused, REASON_UNREACHABLE, "no address of that customer is known");
	if (known->opted_out)
		return refuse(refused, REASON_OPTED_OUT, NULL);
	if (message->texts == NULL)
		fill_parts(a, via->conf, message);
	if (message->parts > PLAN_MAX)
		return refuse(refused, REASON_TOO_LARGE, "more parts than one message may have");
	for (part = 0; part < message->parts; part++)
		out->steps[out->count++] = (struct step_plan){
			.step = STEP_SEND,
			.when = WHEN_ALWAYS,
			.part = part,
			.doubt_wait_msecs = DOUBT_MSECS,
			.doubt_look = STEP_LOOK_UP,
			.doubt_again_msecs = DOUBT_AGAIN_MSECS,
			.gives = "message",
		};
	out->serves = message->nfiles > 0;
	return 0;
}

/* --- requests ---------------------------------------------------------------------------------- */

const char *syniverse_to(const struct job *job)
{
	return job->known->address != NULL ? job->known->address : job->known->conversation;
}

bool syniverse_has_media(const struct message *message)
{
	size_t i;

	for (i = message->span.first; i < message->span.first + message->span.count; i++)
		if (is_media(&message->files[i]))
			return true;
	return false;
}

static struct http_req request(const struct via *via, struct arena *a, const char *method,
    const char *tail)
{
	struct http_req req = {
		.method = method,
		.url = arena_printf(a, "%s/scg-external-api/api/v1/messaging%s",
		    via->endpoint->base_url, tail),
		.timeout_msecs = via->endpoint->timeout_msecs,
	};

	req.headers[req.nheaders++] = (struct http_header){
		.name = "Authorization",
		.value = arena_printf(a, "Bearer %s", syniverse_token(via, a)),
		.secret = true,
	};
	return req;
}

void syniverse_sign_fetch(const struct via *via, struct arena *a, struct http_req *req)
{
	const char *files = arena_printf(a, "%s" SYNIVERSE_FILES, via->endpoint->base_url);

	if (strncmp(req->url, files, strlen(files)) != 0)
		return;
	req->headers[req->nheaders++] = (struct http_header){
		.name = "Authorization",
		.value = arena_printf(a, "Bearer %s", syniverse_token(via, a)),
		.secret = true,
	};
}

static const char *with_links(struct arena *a, const struct message *m)
{
	const char *text = m->text;
	size_t i;

	for (i = m->span.first; i < m->span.first + m->span.count; i++)
		if (is_media(&m->files[i]))
			text = add_line(a, text, file_line(a, m, &m->files[i]));
	return text;
}

static void put_media(struct json_out *o, const struct message *m)
{
	size_t i;

	json_key(o, "media_urls");
	json_begin_array(o);
	for (i = m->span.first; i < m->span.first + m->span.count; i++)
		if (is_media(&m->files[i]))
			json_put_text(o, m->files[i].address);
	json_end_array(o);
}

static void build_send(const struct via *via, struct arena *a, const struct job *job,
    struct http_req *out)
{
	static const char *const consent[] = { NULL, "OPT_IN", "OPT_OUT" };
	const struct syniverse_conf *c = via->conf;
	const struct message *m = job->message;
	bool has_media = syniverse_has_media(m);
	bool links = job->cursor != NULL && strcmp(job->cursor, CURSOR_LINKS) == 0;
	struct json_out *o = json_out_new(a);
	const char *text = links ? with_links(a, m) : m->text;

	*out = request(via, a, "POST", "/message_requests");
	json_begin_object(o);
	json_member_text(o, "from", c->scg_from);
	json_key(o, "to");
	json_begin_array(o);
	json_put_text(o, syniverse_to(job));
	json_end_array(o);
	if (*text != '\0')
		json_member_text(o, "body", text);
	if (has_media && !links)
		put_media(o, m);
	json_member_text(o, "external_id", m->mark);
	json_member_text(o, "consent_requirement", consent[c->consent]);
	json_end_object(o);
	out->content_type = "application/json";
	out->body = json_done(o, &out->body_len);
}

/* How many messages the networks make of it, and bill: 160 characters of their own alphabet in one, or 70 of
 * any; less where there are several, which bear numbers. */
int syniverse_segments(const char *text, bool *is_wide)
{
	static const char basic[] =
	    "@\n\r $_!\"#%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz";
	static const char *const wide_basic = "£¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà";
	static const char twice[] = "^{}\\[~]|";
	int narrow = 0, units = 0, len;
	const char *p;

	*is_wide = false;
	for (p = text; *p != '\0'; p += len) {
		char one[5] = { 0 };

		for (len = 1; len < 4 && ((unsigned char)p[len] & 0xc0) == 0x80; len++)
			;
		memcpy(one, p, (size_t)len);
		units += len == 4 ? 2 : 1;
		if (len == 1 && strchr(twice, *p) != NULL)
			narrow += 2;
		else if ((len == 1 && strchr(basic, *p) != NULL)
		    || (len > 1 && strstr(wide_basic, one) != NULL))
			narrow++;
		else if (strcmp(one, "€") == 0)
			narrow += 2;
		else
			*is_wide = true;
	}
	if (*is_wide)
		return units <= 70 ? 1 : (units + 66) / 67;
	return narrow <= 160 ? 1 : (narrow + 152) / 153;
}

/* First by our key, which the server may pay no heed to; then what was sent to that address, page by page. */
static void build_look(const struct via *via, struct arena *a, const struct job *job,
    struct http_req *out)
{
	const char *tail;

	if (job->cursor == NULL)
		tail = arena_printf(a, "/message_requests?external_id=%s&limit=" LOOK_ITEMS,
		    http_encode(a, job->message->mark));
	else
		tail = arena_printf(a,
		    "/messages?direction=MT&to_address=%s&limit=" LOOK_ITEMS "&offset=%s",
		    http_encode(a, syniverse_to(job)), job->cursor);
	*out = request(via, a, "GET", tail);
	out->repeatable = true;
}

static void build_page(const struct via *via, struct arena *a, const struct job *job,
    struct http_req *out)
{
	*out = request(via, a, "GET", syniverse_page_path(a, job));
	out->repeatable = true;
}

void syniverse_build(const struct via *via, struct arena *a, const struct job *job,
    struct http_req *out)
{
	if (job->kind == JOB_ENDPOINT)
		syniverse_errand_build(via, a, job, out);
	else if (job->kind == JOB_LOOK)
		build_look(via, a, job, out);
	else if (job->kind == JOB_PAGE)
		build_page(via, a, job, out);
	else
		build_send(via, a, job, out);
}
