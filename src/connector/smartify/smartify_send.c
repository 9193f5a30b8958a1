/* Message → steps and requests.
 *
 * A file is a message of its own here, and before it uploaded where the server takes it: the pair
 * upload send stands in the place of send. What it does not take goes as an address of ours. One file with
 * words that go with it is one message; several come behind the words.
 *
 * As agents' side (customers' words):   [sign_in] [reopen] send…
 *   The person posts with a token of his own, into a conversation whose id we derive; the first
 *   message makes it. What agents and bots said at the other side is posted by the relay account under
 *   their name; before a customer's first word, and for history, that account has to open the conversation:
 *   [sign_in create_contact] create_conversation send…
 * As customers' side (agents' words):   [reopen] [take_over] send…
 *   The relay account posts, under the agent's name.
 * As either, a conversation that is closed or opened at the other side: set_status, or reopen.
 *
 * One send per part of a text that is too long. Bodies hold raw UTF-8, since the server counts what is
 * on the wire; attributes is always an object (as anything else the server stores the message twice)
 * and never asks for the platform's own markup (which would drop our mark). */
#include "connector/smartify/smartify.h"

#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/json_in.h"
#include "base/json_out.h"
#include "base/secret.h"
#include "core/file.h"
#include "core/texts.h"

/* The server takes 512,000 bytes; ours stay under 500,000 with 4,096 for all that is not the text. */
#define TEXT_WIRE_MAX (500000 - 4096)
#define WIDGETS_WIRE_MAX 100000 /* of this; above they are written out */
#define FIRST_TEXT_MAX 500
#define TOKEN_SECS 3600

/* A late commit after a lost answer is rare and quick; the second look is for a slow server. */
#define DOUBT_MSECS 5000
#define DOUBT_AGAIN_MSECS 15000

#define UPLOAD_BYTES_PER_MSEC 100

bool smartify_is_writing(enum step step)
{
	return step == STEP_SEND || step == STEP_NOTE;
}

bool smartify_as_person(const struct message *message)
{
	return message != NULL && message->to == SIDE_AGENTS && message->role == ROLE_CUSTOMER;
}

/* --- plan -------------------------------------------------------------------------------------- */

static struct step_plan *add(struct plan *plan, enum step step)
{
	struct step_plan *s = &plan->steps[plan->count++];

	*s = (struct step_plan){ .step = step, .when = WHEN_ALWAYS };
	return s;
}

/* A step that must not be done twice. */
static struct step_plan *add_once(struct plan *plan, enum step step, const char *gives)
{
	struct step_plan *s = add(plan, step);

	s->doubt_wait_msecs = DOUBT_MSECS;
	s->doubt_look = STEP_LOOK_UP;
	s->doubt_again_msecs = DOUBT_AGAIN_MSECS;
	s->gives = gives;
	return s;
}

static void plan_as_agents(const struct message *message, const struct known *known,
    struct plan *plan)
{
	bool as_person = smartify_as_person(message);
	bool opens = message->may_open;

	if (!known->signed_in && (as_person || opens))
		add(plan, STEP_SIGN_IN);
	/* By the account history is opened without a message, a bot or routing, whoever spoke first. */
	if (opens && (!as_person || message->is_history)) {
		if (!known->signed_in)
			add(plan, STEP_CREATE_CONTACT);
		add_once(plan, STEP_CREATE_CONVERSATION, NULL);
	}
	/* What is written into a closed conversation stays unseen. */
	if (!opens && !message->is_history && (message->reopen || (known->closed && as_person)))
		add(plan, STEP_REOPEN);
}

static void plan_as_customers(const struct message *message, const struct known *known,
    struct plan *plan)
{
	if (message->is_note)
		return; /* the customer hears nothing of it, so nothing is opened for him */
	if (message->reopen || (known->closed && !message->is_automatic))
		add(plan, STEP_REOPEN);
	if (message->take_over && !known->taken_over) {
		add_once(plan, STEP_TAKE_OVER, NULL);
		plan->steps[plan->count - 1].doubt_again_msecs = 0;
	}
}

/* Closing twice would tell everybody twice: in doubt it is looked at first. */
static void plan_state(const struct message *message, struct plan *plan)
{
	if (message->set_state == STATE_RESOLVED)
		add_once(plan, STEP_SET_STATUS, NULL)->doubt_again_msecs = 0;
	else
		add(plan, STEP_REOPEN);
}

static int refuse(struct effect *refused, enum reason reason, const char *why)
{
	*refused = (struct effect){ .kind = EFFECT_REJECTED, .reason = reason, .why = why };
	return -1;
}

/* --- files ------------------------------------------------------------------------------------- */

const struct file *smartify_file(const struct message *message)
{
	return message != NULL && message->span.count > 0 ? &message->files[message->span.first]
							  : NULL;
}

static bool is_uploaded(const struct known *known, int part)
{
	return known->upload != NULL && known->upload_part == part;
}

/* The server looks at the extension, and at whether it fits the type. */
bool smartify_may_upload(const struct via *via, struct arena *a, const struct file *f)
{
	const struct smartify_conf *conf = via->conf;
	const char *extension = file_extension(a, f->name), *type = file_type_by_name(a, f->name);
	size_t i;

	if (f->size > conf->upload_max || type == NULL || strcmp(type, f->type) != 0)
		return false;
	for (i = 0; i < conf->upload_types.count; i++)
		if (strcasecmp(conf->upload_types.items[i], extension) == 0)
			return true;
	return false;
}

/* Cuts the text into parts. */
static size_t cut_text(struct arena *a, struct message *m, const char *const **texts)
{
	size_t widgets = 0;

	if (m->nwidgets > 0)
		smartify_widgets(a, m->widgets, m->nwidgets, &widgets);
	if (widgets > WIDGETS_WIRE_MAX || (m->nwidgets > 0 && m->nfiles > 0)) {
		m->text = widgets_text(a, m->text, m->widgets, m->nwidgets);
		m->nwidgets = widgets = 0;
	}
	if (*m->text == '\0' && m->nfiles > 0)
		return 0;
	return text_split(a, m->text, SMARTIFY_TEXT_RULES, TEXT_WIRE_BYTES, TEXT_WIRE_MAX - widgets,
	    texts);
}

/* Words, and files behind them; one file with words that fit goes with them. The last part of words has the
 * buttons. */
static void fill_parts(struct arena *a, struct message *m)
{
	const char *const *texts = NULL, **all;
	size_t ntexts = cut_text(a, m, &texts), i;
	bool is_caption = m->nfiles == 1 && ntexts == 1;
	struct file_span *spans;

	if (is_caption)
		ntexts = 0;
	all = arena_zalloc(a, (ntexts + m->nfiles) * sizeof(*all));
	spans = arena_zalloc(a, (ntexts + m->nfiles) * sizeof(*spans));
	for (i = 0; i < ntexts; i++)
		all[i] = texts[i];
	for (i = 0; i < m->nfiles; i++) {
		all[ntexts + i] = is_caption ? texts[0] : "";
		spans[ntexts + i] = (struct file_span){ i, 1 };
	}
	m->texts = all;
	m->spans = m->nfiles > 0 ? spans : NULL;
	m->parts = (int)(ntexts + m->nfiles);
	m->part = 0;
	m->text = all[0];
	m->span = spans[0];
}

/* False: there are more steps than a plan has. */
static bool plan_part(const struct via *via, struct arena *a, const struct message *m,
    const struct known *known, int part, struct plan *out)
{
	const struct file *f = NULL;
	bool uploads;

	if (m->spans != NULL && m->spans[part].count > 0)
		f = &m->files[m->spans[part].first];
	uploads = f != NULL && smartify_may_upload(via, a, f);
	if (out->count + 1 + uploads > PLAN_MAX)
		return false;
	if (uploads && !is_uploaded(known, part)) {
		add(out, STEP_UPLOAD)->part = part;
		out->steps[out->count - 1].gives = "upload";
	}
	if (f != NULL && !uploads)
		out->serves = true;
	add_once(out, STEP_SEND, "message")->part = part;
	return true;
}

int smartify_plan(const struct via *via, struct arena *a, struct message *message,
    const struct known *known, struct plan *out, struct effect *refused)
{
	int part;

	*out = (struct plan){ 0 };
	if (message->set_state != STATE_NONE && known->conversation != NULL) {
		plan_state(message, out);
		return 0;
	}
	if (message->text == NULL || (*message->text == '\0' && message->nfiles == 0))
		return refuse(refused, REASON_INVALID, "nothing to write");
	if (message->to == SIDE_CUSTOMERS && message->is_note && message->may_open)
		return refuse(refused, REASON_UNREACHABLE, "a note opens no conversation");
	if (known->conversation == NULL && message->to == SIDE_CUSTOMERS)
		return refuse(refused, REASON_UNREACHABLE,
		    "no conversation of that customer is known");
	if (known->conversation == NULL && !message->may_open)
		return refuse(refused, REASON_UNREACHABLE, "no conversation to write to");
	if (message->texts == NULL)
		fill_parts(a, message);
	if (message->to == SIDE_AGENTS)
		plan_as_agents(message, known, out);
	else
		plan_as_customers(message, known, out);
	for (part = 0; part < message->parts; part++)
		if (!plan_part(via, a, message, known, part, out))
			return refuse(refused, REASON_TOO_LARGE,
			    "more parts than one message may have");
	return 0;
}

/* --- who asks ---------------------------------------------------------------------------------- */

void smartify_add_auth(struct http_req *req, const char *token)
{
	req->headers[req->nheaders++] = (struct http_header){
		.name = "Authorization",
		.value = token != NULL ? token : "JWT",
		.secret = true,
	};
}

static const char *address_of(const struct via *via, struct arena *a, const struct job *job)
{
	const struct person *person = job->message->person;

	if (job->known->address != NULL)
		return job->known->address;
	return smartify_address(via, a,
	    person != NULL && person->identity != NULL ? person->identity : "");
}

/* Names go by the two claims the server joins with a blank. */
static void put_names(struct json_out *o, struct arena *a, const char *name)
{
	const char *blank = name != NULL ? strchr(name, ' ') : NULL;

	if (blank == NULL) {
		json_member_text(o, "firstname", name);
		return;
	}
	json_member_text(o, "firstname", arena_strndup(a, name, (size_t)(blank - name)));
	json_member_text(o, "lastname", blank + 1);
}

/* The person himself. The e-mail is always the one last seen: a token with another one makes the
 * server overwrite name and e-mail of the contact. Never a role in it: that would make an account. */
static const char *person_token(const struct via *via, struct arena *a, const struct job *job)
{
	const struct person *person = job->message->person;
	const struct secrets *secrets = &via->endpoint->webhook_secret;
	const char *subscription = smartify_subscription(via);
	int64_t now_secs = via->now_ms / 1000;
	struct json_out *o = json_out_new(a);

	json_begin_object(o);
	json_member_text(o, "_id", address_of(via, a, job));
	json_member_text(o, "sub", "userexternal");
	if (subscription != NULL)
		json_member_text(o, "aud",
		    arena_printf(a, "https://tiledesk.com/subscriptions/%s", subscription));
	if (person != NULL) {
		put_names(o, a, person->name);
		json_member_text(o, "email", person->email);
	}
	json_member_int(o, "iat", now_secs);
	json_member_int(o, "exp", now_secs + TOKEN_SECS);
	json_end_object(o);
	return arena_printf(a, "JWT %s",
	    jwt_hs256(a, json_done(o, NULL), secrets->n > 0 ? secrets->v[0] : ""));
}

/* --- where ------------------------------------------------------------------------------------- */

static const char *conversation_of(const struct via *via, struct arena *a, const struct job *job)
{
	return job->known->conversation != NULL ? job->known->conversation
						: smartify_conversation(via, a, job->message);
}

static struct http_req request(const struct via *via, struct arena *a, const char *method,
    const char *path)
{
	const struct smartify_conf *conf = via->conf;

	return (struct http_req){
		.method = method,
		.url = arena_printf(a, "%s/%s%s", via->endpoint->base_url, conf->project_id, path),
		.timeout_msecs = via->endpoint->timeout_msecs,
	};
}

/* tail is what follows the id of the conversation. */
static struct http_req request_in(const struct via *via, struct arena *a, const char *method,
    const struct job *job, const char *tail)
{
	const char *id = conversation_of(via, a, job);

	if (!via->explain || *id != '{')
		id = http_encode(a, id);
	return request(via, a, method, arena_printf(a, "/requests/%s%s", id, tail));
}

static void put_body(struct http_req *req, struct json_out *o)
{
	json_end_object(o);
	req->content_type = "application/json";
	req->body = json_done(o, &req->body_len);
}

/* --- bodies ------------------------------------------------------------------------------------ */

static struct json_out *begin_body(struct arena *a)
{
	struct json_out *o = json_out_new(a);

	json_begin_object(o);
	return o;
}

static void put_nested(struct json_out *o, const char *key, const char *inner, const char *text)
{
	json_key(o, key);
	json_begin_object(o);
	json_member_text(o, inner, text);
	json_end_object(o);
}

static void build_sign_in(const struct via *via, struct arena *a, const struct job *job,
    struct http_req *out)
{
	*out = (struct http_req){
		.method = "POST",
		.url = arena_printf(a, "%s/auth/signinWithCustomToken", via->endpoint->base_url),
		.timeout_msecs = via->endpoint->timeout_msecs,
		.repeatable = true,
	};
	put_body(out, begin_body(a));
	smartify_add_auth(out, person_token(via, a, job));
}

/* Without it the account that opens the conversation would give the contact its own name. */
static void build_create_contact(const struct via *via, struct arena *a, const struct job *job,
    struct http_req *out)
{
	const struct person *person = job->message->person;
	struct json_out *o = begin_body(a);

	*out = request(via, a, "POST", "/leads");
	json_member_text(o, "lead_id", address_of(via, a, job));
	if (person != NULL) {
		json_member_text(o, "fullname", person->name);
		json_member_text(o, "email", person->email);
	}
	put_body(out, o);
}

static void put_where_to(const struct via *via, struct json_out *o, bool opens)
{
	const struct smartify_conf *conf = via->conf;

	put_nested(o, "channel", "name", conf->channel);
	if (opens)
		json_member_text(o, "departmentid", smartify_department(via));
}

static const char *first_words(const struct message *m)
{
	const struct file *f = smartify_file(m);

	if (m->is_note)
		return "Private note"; /* these stand where the customer reads, too */
	return *m->text == '\0' && f != NULL ? f->name : m->text;
}

static void build_create_conversation(const struct via *via, struct arena *a, const struct job *job,
    struct http_req *out)
{
	const struct message *m = job->message;
	struct json_out *o = begin_body(a);

	*out = request(via, a, "POST", "/requests");
	json_member_text(o, "request_id", conversation_of(via, a, job));
	json_member_text(o, "sender", address_of(via, a, job));
	json_member_text(o, "first_text",
	    text_neutralise(a, text_excerpt(a, first_words(m), FIRST_TEXT_MAX),
		SMARTIFY_TEXT_RULES));
	put_nested(o, "attributes", "tieline", m->conversation_mark);
	if (m->is_history) { /* who is in it already needs nobody routed to it */
		json_key(o, "participants");
		json_begin_array(o);
		json_put_text(o, smartify_user(via));
		json_end_array(o);
	}
	put_where_to(via, o, true);
	put_body(out, o);
}

/* The part's own bytes, in the words of whoever writes. */
static void build_upload(const struct via *via, struct arena *a, const struct job *job,
    struct http_req *out)
{
	const struct file *f = smartify_file(job->message);
	struct http_part *part = ARENA_NEW(a, struct http_part);

	*out = request(via, a, "POST", "/files/chat");
	*part = (struct http_part){ .name = "file",
		.path = f->path,
		.filename = f->name,
		.type = f->type };
	out->parts = part;
	out->nparts = 1;
	if (out->timeout_msecs > 0)
		out->timeout_msecs += f->size / UPLOAD_BYTES_PER_MSEC;
	if (smartify_as_person(job->message))
		smartify_add_auth(out, person_token(via, a, job));
}

/* Where the file may be read: what the server made of it, or an address of ours. NULL: nowhere. */
static const char *file_source(const struct via *via, struct arena *a, const struct job *job,
    const char *route)
{
	const struct file *f = smartify_file(job->message);
	const struct known *k = job->known;

	if (k->upload != NULL && k->upload_part == job->message->part
	    && strcmp(k->upload, SMARTIFY_NO_UPLOAD) != 0)
		return arena_printf(a, "%s/%s?path=%s", via->endpoint->base_url, route,
		    http_encode(a, k->upload));
	if (via->explain && k->upload == NULL && smartify_may_upload(via, a, f))
		return arena_printf(a, "%s/%s?path={upload}", via->endpoint->base_url, route);
	return f->address;
}

/* A file is never without words there: some of the server's ways to a conversation ask for them. */
static void put_file(const struct via *via, struct arena *a, const struct job *job,
    struct json_out *o)
{
	const struct file *f = smartify_file(job->message);
	const char *src = file_source(via, a, job, "files"), *caption = job->message->text;
	const char *line = text_neutralise(a, f->name, SMARTIFY_TEXT_RULES);

	if (src == NULL) {
		line = fixed_no_file(a, job->message->fixed, line,
		    "it cannot be uploaded, and public_url is not set");
		json_member_text(o, "text",
		    *caption == '\0' ? line : arena_printf(a, "%s\n%s", caption, line));
		return;
	}
	json_member_text(o, "type", f->kind == ATTACHMENT_IMAGE ? "image" : "file");
	if (f->kind != ATTACHMENT_IMAGE)
		line = arena_printf(a, "[%s](%s)", line, src);
	if (*caption == '\0')
		json_member_text(o, "text", line);
	else if (f->kind == ATTACHMENT_IMAGE)
		json_member_text(o, "text", caption);
	else
		json_member_text(o, "text", arena_printf(a, "%s\n%s", line, caption));
	json_key(o, "metadata");
	json_begin_object(o);
	json_member_text(o, "src", src);
	json_member_text(o, "downloadURL", file_source(via, a, job, "files/download"));
	json_member_text(o, "name", f->name);
	json_member_text(o, "type", f->type);
	json_member_int(o, "size", f->size);
	json_end_object(o);
}

static void put_attributes(struct arena *a, struct json_out *o, const struct message *m)
{
	char time[TIME_TEXT_SIZE];
	const char *widgets;
	size_t len;

	json_key(o, "attributes");
	json_begin_object(o);
	if (m->is_note)
		json_member_text(o, "subtype", m->role == ROLE_SYSTEM ? "info" : "private");
	json_member_text(o, "tieline", m->mark);
	if (m->is_history && m->at_ms > 0) {
		json_member_text(o, "original_time", time_format(m->at_ms, time));
		json_member_int(o, "clienttimestamp", m->at_ms);
	}
	if (m->nwidgets > 0 && m->part == m->parts - 1) {
		widgets = smartify_widgets(a, m->widgets, m->nwidgets, &len);
		json_key(o, "attachment");
		json_put_raw(o, widgets, len);
	}
	json_end_object(o);
}

/* Stored, and neither pushed to open pages nor read for commands. */
#define STATUS_STORED 100

/* The person needs no sender: he is who asks. Agents' answers keep the channel agents have. */
static void build_send(const struct via *via, struct arena *a, const struct job *job,
    struct http_req *out)
{
	const struct message *m = job->message;
	bool as_person = smartify_as_person(m);
	struct json_out *o = begin_body(a);
	const char *agent;

	*out = request_in(via, a, "POST", job, "/messages");
	if (smartify_file(m) != NULL)
		put_file(via, a, job, o);
	else
		json_member_text(o, "text", m->text);
	if (m->format == FORMAT_HTML && smartify_file(m) == NULL)
		json_member_text(o, "type", "html");
	if (!as_person) {
		agent = smartify_team_user(via, a, m->agent);
		json_member_text(o, "sender", agent != NULL ? agent : smartify_user(via));
		json_member_text(o, "senderFullname", m->name);
	}
	put_attributes(a, o, m);
	if (m->is_history)
		json_member_int(o, "status", STATUS_STORED);
	if (m->to == SIDE_AGENTS)
		put_where_to(via, o, as_person && m->may_open && m->part == 0);
	put_body(out, o);
	if (as_person)
		smartify_add_auth(out, person_token(via, a, job));
}

/* What we say ourselves, seen by agents only. */
static void build_note(const struct via *via, struct arena *a, const struct job *job,
    struct http_req *out)
{
	const struct message *m = job->message;
	struct json_out *o = begin_body(a);

	*out = request_in(via, a, "POST", job, "/messages");
	json_member_text(o, "text",
	    text_neutralise(a, m->text != NULL ? m->text : "", SMARTIFY_TEXT_RULES));
	json_member_text(o, "sender", smartify_user(via));
	json_key(o, "attributes");
	json_begin_object(o);
	json_member_text(o, "subtype", "private");
	json_member_text(o, "tieline", m->mark);
	json_end_object(o);
	put_where_to(via, o, false);
	put_body(out, o);
}

static void build_take_over(const struct via *via, struct arena *a, const struct job *job,
    struct http_req *out)
{
	struct json_out *o = begin_body(a);

	*out = request_in(via, a, "POST", job, "/participants");
	json_member_text(o, "member", smartify_user(via));
	put_body(out, o);
}

static void build_put(const struct via *via, struct arena *a, const struct job *job,
    const char *tail, struct http_req *out)
{
	*out = request_in(via, a, "PUT", job, tail);
	put_body(out, begin_body(a));
}

/* A message is looked for among all messages; the second page, and what is no message, is the
 * conversation itself. */
static void build_look(const struct via *via, struct arena *a, const struct job *job,
    struct http_req *out)
{
	bool messages = smartify_is_writing(job->in_doubt) && job->cursor == NULL;

	*out = request_in(via, a, "GET", job, messages ? "/messages" : "");
	out->repeatable = true;
}

static void build_page(const struct via *via, struct arena *a, const struct job *job,
    struct http_req *out)
{
	const char *user = memo_get(via, MEMO_USER);

	if (job->step == STEP_LOOK_UP)
		*out = request(via, a, "GET",
		    arena_printf(a, "/project_users/users/%s",
			user != NULL ? http_encode(a, user) : "{user}"));
	else if (job->step == STEP_LIST_MESSAGES)
		*out = request_in(via, a, "GET", job, "/messages");
	else if (job->step == STEP_FIND_CONVERSATION)
		*out = request(via, a, "GET", smartify_of_person_path(a, address_of(via, a, job)));
	else if (job->known->conversation != NULL)
		*out = request_in(via, a, "GET", job, "");
	else
		*out = request(via, a, "GET", smartify_conversations_path(a, job));
	out->repeatable = true;
}

static void build_facts(const struct via *via, struct arena *a, const struct job *job,
    struct http_req *out)
{
	const char *method, *path = smartify_facts_path(a, job, &method);

	*out = request(via, a, method, path);
	out->repeatable = true;
	if (job->kind == JOB_FACTS)
		return;
	out->content_type = "application/json";
	out->body = smartify_facts_body(via, a, job, &out->body_len);
}

void smartify_build(const struct via *via, struct arena *a, const struct job *job,
    struct http_req *out)
{
	if (job->kind == JOB_ENDPOINT) {
		smartify_errand_build(via, a, job, out);
		return;
	}
	if (smartify_is_of_facts(job))
		build_facts(via, a, job, out);
	else if (job->kind == JOB_PAGE)
		build_page(via, a, job, out);
	else if (job->kind == JOB_LOOK)
		build_look(via, a, job, out);
	else if (job->step == STEP_SIGN_IN)
		build_sign_in(via, a, job, out);
	else if (job->step == STEP_CREATE_CONTACT)
		build_create_contact(via, a, job, out);
	else if (job->step == STEP_CREATE_CONVERSATION)
		build_create_conversation(via, a, job, out);
	else if (job->step == STEP_REOPEN)
		build_put(via, a, job, "/reopen", out);
	else if (job->step == STEP_TAKE_OVER)
		build_take_over(via, a, job, out);
	else if (job->step == STEP_NOTE)
		build_note(via, a, job, out);
	else if (job->step == STEP_SET_STATUS)
		build_put(via, a, job, "/close", out);
	else if (job->step == STEP_UPLOAD)
		build_upload(via, a, job, out);
	else
		build_send(via, a, job, out);
	if (out->nheaders == 0)
		smartify_add_auth(out, memo_get(via, MEMO_TOKEN));
}
