/* Message → steps and requests.
 *
 *   send…
 *
 * One send for each piece of the text, and one for each file, place and contact card behind it, since none of
 * them takes words. The
 * server orders by `watermark`, so it rises from part to part. There is no mark of ours in what is sent, and
 * no key: after a lost answer the newest messages of the chat are looked through for one of ours that says
 * the same. Two looks in a minute; then nobody can tell. */
#include "connector/smartsender/smartsender.h"

#include <string.h>

#include "base/arena.h"
#include "base/json_in.h"
#include "base/json_out.h"
#include "core/file.h"
#include "core/text.h"
#include "core/texts.h"
#include "core/widgets.h"

#define DOUBT_MSECS 5000
#define DOUBT_AGAIN_MSECS 55000

/* --- plan -------------------------------------------------------------------------------------- */

static int refuse(struct effect *refused, enum reason reason, const char *why)
{
	*refused = (struct effect){ .kind = EFFECT_REJECTED, .reason = reason, .why = why };
	return -1;
}

static void fill_parts(const struct smartsender_conf *conf, struct arena *a, struct message *m)
{
	const char *const *texts = NULL, **all;
	struct file_span *spans;
	const char *name = m->role != ROLE_SYSTEM ? text_name(a, m->name) : NULL;
	size_t ntexts = 0, n, i;

	if (m->nwidgets > 0) {
		m->text = widgets_text(a, m->text, m->widgets, m->nwidgets);
		m->nwidgets = 0;
	}
	/* The account writes: who it was is said in the words. */
	if (name != NULL && *m->text != '\0')
		m->text = arena_printf(a, "%s: %s", name, m->text);
	if (*m->text != '\0')
		ntexts = text_split(a, m->text, 0, TEXT_POINTS, (size_t)conf->text_max, &texts);
	n = ntexts + m->nfiles + m->ncards;
	all = arena_zalloc(a, n * sizeof(*all));
	spans = arena_zalloc(a, n * sizeof(*spans));
	for (i = 0; i < ntexts; i++)
		all[i] = texts[i];
	for (i = 0; i < m->nfiles; i++) {
		all[ntexts + i] = "";
		spans[ntexts + i] = (struct file_span){ i, 1 };
	}
	for (i = 0; i < m->ncards; i++)
		all[ntexts + m->nfiles + i] = "";
	m->texts = all;
	m->spans = m->nfiles > 0 ? spans : NULL;
	m->parts = (int)n;
	m->part = 0;
	m->text = all[0];
	m->span = spans[0];
}

/* Closing it twice does no more than closing it once. */
static int plan_state(const struct message *message, const struct known *known, struct plan *out,
    struct effect *refused)
{
	if (message->set_state != STATE_RESOLVED)
		return refuse(refused, REASON_UNSUPPORTED, "a chat is opened by its contact");
	if (known->conversation == NULL)
		return refuse(refused, REASON_UNREACHABLE, "no chat of that person is known");
	out->steps[out->count++] =
	    (struct step_plan){ .step = STEP_SET_STATUS, .when = WHEN_ALWAYS };
	return 0;
}

int smartsender_plan(const struct via *via, struct arena *a, struct message *message,
    const struct known *known, struct plan *out, struct effect *refused)
{
	int part;

	*out = (struct plan){ 0 };
	if (message->set_state != STATE_NONE)
		return plan_state(message, known, out, refused);
	if (message->text == NULL
	    || (*message->text == '\0' && message->nfiles + message->ncards == 0))
		return refuse(refused, REASON_INVALID, "nothing to write");
	if (known->conversation == NULL)
		return refuse(refused, REASON_UNREACHABLE, "no chat of that person is known");
	if (message->texts == NULL)
		fill_parts(via->conf, a, message);
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

const struct file *smartsender_file(const struct message *m)
{
	return m != NULL && m->span.count > 0 ? &m->files[m->span.first] : NULL;
}

const struct attachment *smartsender_card(const struct message *m)
{
	size_t left =
	    m != NULL ? (size_t)(m->parts - m->part) : 0; /* this part and those behind it */

	return left > 0 && left <= m->ncards ? &m->cards[m->ncards - left] : NULL;
}

/* A file that nobody can fetch from us is named instead. */
static bool is_sendable(const struct file *f)
{
	return f != NULL && f->address != NULL;
}

static bool is_of(const struct file *f, const char *const *types)
{
	for (; f->type != NULL && *types != NULL; types++)
		if (strcasecmp(f->type, *types) == 0)
			return true;
	return false;
}

const char *smartsender_type(const struct message *m)
{
	static const char *const moving[] = { "image/gif", NULL };
	/* What messengers record; of another form it would go out as a document. */
	static const char *const spoken[] = { "audio/ogg", "audio/opus", NULL };

	const struct file *f = smartsender_file(m);
	const struct attachment *card = smartsender_card(m);

	if (card != NULL)
		return card->kind == ATTACHMENT_LOCATION ? "location" : "contact";
	if (!is_sendable(f))
		return "text";
	switch (f->kind) {
	case ATTACHMENT_IMAGE: return is_of(f, moving) ? "animation" : "picture";
	case ATTACHMENT_AUDIO: return is_of(f, spoken) ? "voice" : "audio";
	case ATTACHMENT_VIDEO: return "video";
	default: return "file";
	}
}

static struct http_req request(const struct via *via, struct arena *a, const char *method,
    const char *path)
{
	const struct smartsender_conf *conf = via->conf;
	struct http_req req = {
		.method = method,
		.url = arena_printf(a, "%s%s", via->endpoint->base_url, path),
		.timeout_msecs = via->endpoint->timeout_msecs,
	};

	req.headers[req.nheaders++] = (struct http_header){
		.name = "Authorization",
		.value = arena_printf(a, "Bearer %s", conf->api_token),
		.secret = true,
	};
	req.headers[req.nheaders++] =
	    (struct http_header){ .name = "Accept", .value = "application/json" };
	req.wants = "X-Rate-Limit";
	return req;
}

static void put_extra(const struct smartsender_conf *conf, struct arena *a, struct json_out *o)
{
	struct json_error error;
	const struct json *j, *m;

	if (conf->send_extra == NULL)
		return;
	j = json_read(a, conf->send_extra, strlen(conf->send_extra), &error);
	for (m = j != NULL ? j->child : NULL; m != NULL; m = m->next) {
		json_key(o, m->key);
		json_put(o, m);
	}
}

static const char *person_of(const struct via *via, const struct job *job)
{
	const struct person *person = job->message->person;

	if (job->known->address != NULL)
		return job->known->address;
	if (person != NULL && person->id != NULL)
		return person->id;
	return via->explain ? "{person}" : "";
}

/* Digits, a dot, a sign: compose let nothing else through. */
static void put_card(struct arena *a, struct json_out *o, const struct attachment *card)
{
	const char *name = text_name(a, card->contact_name), *title = text_name(a, card->title);

	if (card->kind == ATTACHMENT_LOCATION) {
		json_member_text(o, "title", title != NULL ? title : "Location");
		json_key(o, "latitude");
		json_put_raw(o, card->latitude, strlen(card->latitude));
		json_key(o, "longitude");
		json_put_raw(o, card->longitude, strlen(card->longitude));
		return;
	}
	json_member_text(o, "fullName", name != NULL ? name : card->phone);
	json_member_text(o, "phoneNumber", card->phone);
}

/* The file of this part was not taken. */
static bool is_refused(const struct job *job)
{
	return is_sendable(smartsender_file(job->message)) && job->cursor != NULL;
}

const char *smartsender_link(struct arena *a, const struct file *f)
{
	return arena_printf(a, "%s: %s", f->name, f->address);
}

static void build_send(const struct via *via, struct arena *a, const struct job *job,
    struct http_req *out)
{
	const struct message *m = job->message;
	const struct file *f = smartsender_file(m);
	const char *person = person_of(via, job);
	struct json_out *o = json_out_new(a);

	if (!via->explain || *person != '{')
		person = http_encode(a, person);
	*out = request(via, a, "POST", arena_printf(a, "/contacts/%s/send", person));
	json_begin_object(o);
	json_member_text(o, "type", is_refused(job) ? "text" : smartsender_type(m));
	json_member_int(o, "watermark", via->now_ms / 1000 + m->part);
	if (smartsender_card(m) != NULL)
		put_card(a, o, smartsender_card(m));
	else if (is_refused(job))
		json_member_text(o, "content", smartsender_link(a, f));
	else if (is_sendable(f))
		json_member_text(o, "media", f->address);
	else
		json_member_text(o, "content",
		    f != NULL ? fixed_no_file(a, m->fixed, f->name, "public_url is not set")
			      : m->text);
	put_extra(via->conf, a, o);
	json_end_object(o);
	out->content_type = "application/json";
	out->body = json_done(o, &out->body_len);
}

/* It answers only whether that was done. */
static void build_command(const struct via *via, struct arena *a, const struct job *job,
    const char *verb, struct http_req *out)
{
	const char *id = job->known->conversation;

	*out = request(via, a, "PUT",
	    arena_printf(a, "/chats/%s/%s",
		id == NULL || (via->explain && *id == '{') ? "{conversation}" : http_encode(a, id),
		verb));
	out->content_type = "application/json";
	out->body = "{}";
	out->body_len = 2;
	out->repeatable = true;
}

static const char *look_path(struct arena *a, const struct job *job)
{
	const char *id = job->known->conversation;

	return arena_printf(a, "/chats/%s/messages?limitation=%d&page=1",
	    id != NULL ? http_encode(a, id) : "", SMARTSENDER_PAGE);
}

/* Reads, or with a body writes, what is known of a contact or who has a chat. */
static void build_facts(const struct via *via, struct arena *a, const struct job *job,
    struct http_req *out)
{
	bool reads = job->kind == JOB_FACTS;

	*out = request(via, a,
	    reads                          ? "GET"
		: job->step == STEP_ASSIGN ? "POST"
					   : "PUT",
	    smartsender_facts_path(a, job));
	out->repeatable = true;
	if (reads)
		return;
	out->content_type = "application/json";
	out->body = smartsender_facts_body(a, job, &out->body_len);
}

bool smartsender_is_of_facts(const struct job *job)
{
	return job->kind == JOB_FACTS || (job->message != NULL && job->message->facts != NULL);
}

static const char *endpoint_path(const struct via *via, struct arena *a, const struct job *job)
{
	return job->step == STEP_LOOK_UP ? smartsender_team_path(via, a) : "/me";
}

void smartsender_build(const struct via *via, struct arena *a, const struct job *job,
    struct http_req *out)
{
	if (smartsender_is_of_facts(job)) {
		build_facts(via, a, job, out);
		return;
	}
	if (job->step == STEP_SET_STATUS || job->step == STEP_MARK_READ) {
		build_command(via, a, job, job->step == STEP_MARK_READ ? "read" : "close", out);
		return;
	}
	if (job->kind == JOB_DELIVER) {
		build_send(via, a, job, out);
		return;
	}
	*out = request(via, a, "GET",
	    job->kind == JOB_ENDPOINT   ? endpoint_path(via, a, job)
		: job->kind == JOB_LOOK ? look_path(a, job)
					: smartsender_page_path(a, job));
	out->repeatable = true;
}
