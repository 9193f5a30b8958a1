/* A message becomes requests.
 *
 * As agents' side, a person who is new there:
 *
 *   find_contact ─ not there ─▶ create_contact ─┐
 *        └─ there ─▶ find_conversation ─ not there ─▶ create_conversation, the message in it
 *                          └─ there ─▶ list_messages ─ not in it ─▶ send
 *
 * Nothing here can be created twice by the same request, so each create comes behind the look-up that
 * would find it: after a doubt it is enough to wait for a late commit and to look again. Some steps
 * are not in the plan, and only an answer leads to them: list_messages, where a conversation is there
 * and may hold the message already; list_contacts and update_contact, where the person has a contact
 * that lacks our contact inbox.
 *
 * As customers' side nobody is created: the contact is the server's own.
 *
 * A message with files is one multipart request with all of them; where a proxy does not let it through,
 * the step is done once more with their addresses instead. A conversation is then opened empty, and the
 * message sent into it.
 *
 * Our mark stands in source_id at the agents' side only. Every real channel takes an outgoing message
 * that has one for its own echo and does not send it. */
#include "connector/chatwoot/chatwoot.h"

#include <inttypes.h>
#include <string.h>

#include "base/arena.h"
#include "base/json_out.h"
#include "base/utf8.h"
#include "core/file.h"
#include "core/notice.h"
#include "core/text.h"
#include "core/texts.h"

enum {
	LATE_COMMIT_MSECS = 16 * 1000, /* the server gives a request up after 15 s */
	UPLOAD_BYTES_PER_MSEC = 100,
	PARTS_MAX = 27,
};

/* --- plan -------------------------------------------------------------------------------------- */

/* Customers' words come from the contact. All else is outgoing, and there Liquid is carried out. */
static bool is_incoming(const struct message *m)
{
	return m->to == SIDE_AGENTS && m->role == ROLE_CUSTOMER;
}

/* Seen by the team alone. */
static bool is_private(const struct message *m)
{
	return m->is_note || m->role == ROLE_SYSTEM;
}

/* A name before it on its line would take its meaning from what begins there: a list, a quote, code. */
static bool begins_block(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	if (digits > 0)
		return (text[digits] == '.' || text[digits] == ')') && text[digits + 1] == ' ';
	return *text == '>' || *text == '#' || strncmp(text, "```", 3) == 0
	    || (*text != '\0' && strchr("-+*", *text) != NULL && text[1] == ' ');
}

static const char *named(struct arena *a, const struct message *m, const char *name,
    const char *text)
{
	if (*text == '\0')
		return arena_printf(a, "%s:", name);
	return arena_printf(a, "%s:%s%s", name,
	    m->format == FORMAT_MARKDOWN && begins_block(text) ? "\n\n" : " ", text);
}

/* The files go with the last part of the text, as many as one message may have; the others behind it. */
static void fill_spans(struct arena *a, struct message *m, size_t texts)
{
	size_t first = 0, parts = texts, i;
	struct file_span *spans;
	const char **all;

	if (m->nfiles == 0)
		return;
	if (m->nfiles > CHATWOOT_FILES)
		parts += (m->nfiles - 1) / CHATWOOT_FILES;
	spans = arena_zalloc(a, parts * sizeof(*spans));
	all = arena_alloc(a, parts * sizeof(*all));
	for (i = 0; i < parts; i++) {
		all[i] = i < texts ? m->texts[i] : "";
		if (i + 1 < texts)
			continue;
		spans[i].first = first;
		spans[i].count =
		    m->nfiles - first < CHATWOOT_FILES ? m->nfiles - first : CHATWOOT_FILES;
		first += spans[i].count;
	}
	m->texts = all;
	m->spans = spans;
	m->span = spans[0];
	m->parts = (int)parts;
}

static void fill_texts(struct arena *a, struct message *m)
{
	const char *text = m->text != NULL ? m->text : "", *name = text_name(a, m->name);
	size_t texts;

	if (m->texts != NULL)
		return;
	if (name != NULL && !is_incoming(m) && m->role != ROLE_SYSTEM)
		text = named(a, m, name, text);
	texts = text_split(a, text, is_incoming(m) ? 0 : TEXT_BRACES, TEXT_POINTS,
	    CHATWOOT_TEXT_POINTS, &m->texts);
	m->parts = (int)texts;
	fill_spans(a, m, texts);
	m->text = m->texts[m->part < m->parts ? m->part : 0];
}

static void add_step(struct plan *p, struct step_plan step)
{
	p->steps[p->count++] = step;
}

static void plan_send(struct plan *p, enum when when, int part)
{
	add_step(p,
	    (struct step_plan){ STEP_SEND, when, part, .doubt_wait_msecs = LATE_COMMIT_MSECS,
		.doubt_look = STEP_LOOK_UP, .gives = "message" });
}

/* Of the part at hand. The server takes them only with a message of their own. */
static bool has_files(const struct message *m)
{
	return m->span.count > 0;
}

/* The server's create takes words of the customer's only; and history is sent into a conversation that
 * waits, opened without a word, so that nothing stirs. */
bool chatwoot_opens_empty(const struct message *m)
{
	return has_files(m) || m->is_note || m->is_history;
}

/* The contact is looked for even where we made it once: it may have been merged since, and only the
 * address stays. */
static void plan_opening(struct plan *p, const struct message *m)
{
	add_step(p, (struct step_plan){ STEP_FIND_CONTACT, WHEN_ALWAYS, 0, .gives = "contact" });
	if (m->to == SIDE_AGENTS)
		add_step(p,
		    (struct step_plan){ STEP_CREATE_CONTACT, WHEN_NOT_FOUND, 0,
			.doubt_wait_msecs = LATE_COMMIT_MSECS, .doubt_look = STEP_FIND_CONTACT,
			.gives = "contact" });
	add_step(p,
	    (struct step_plan){ STEP_FIND_CONVERSATION, WHEN_FOUND, 0, .gives = "conversation" });
	add_step(p,
	    (struct step_plan){ STEP_CREATE_CONVERSATION, WHEN_NOT_FOUND, 0,
		.doubt_wait_msecs = LATE_COMMIT_MSECS, .doubt_look = STEP_FIND_CONVERSATION,
		.gives = chatwoot_opens_empty(m) ? "conversation" : "conversation message" });
	plan_send(p, chatwoot_opens_empty(m) ? WHEN_ALWAYS : WHEN_FOUND, 0);
}

static int refuse(struct effect *refused, enum reason reason, const char *why)
{
	*refused = (struct effect){ EFFECT_REJECTED, reason, .wait_msecs = -1, .why = why };
	return -1;
}

static bool can_open(const struct message *m, const struct known *known)
{
	if (m->person == NULL)
		return false;
	if (m->to == SIDE_CUSTOMERS)
		return m->may_open && m->person->address != NULL;
	return known->address != NULL || m->person->identity != NULL;
}

int chatwoot_plan(const struct via *via, struct arena *a, struct message *message,
    const struct known *known, struct plan *out, struct effect *refused)
{
	bool opening = known->conversation == NULL;
	int part;

	(void)via;
	out->count = 0;
	out->serves = false;
	if (message->set_state != STATE_NONE) {
		add_step(out, (struct step_plan){ STEP_SET_STATUS, WHEN_ALWAYS, 0 });
		return 0;
	}
	if (message->is_deletion) {
		add_step(out, (struct step_plan){ STEP_DELETE, WHEN_ALWAYS, 0 });
		return 0;
	}
	if (message->to == SIDE_CUSTOMERS && message->role == ROLE_SYSTEM)
		return refuse(refused, REASON_UNSUPPORTED, "a note is not for customers");
	if (message->to == SIDE_CUSTOMERS && message->is_note && opening)
		return refuse(refused, REASON_UNREACHABLE, "a note opens no conversation");
	if (opening && !can_open(message, known))
		return refuse(refused, REASON_UNREACHABLE, "no conversation with this person");
	fill_texts(a, message);
	if (message->parts > PARTS_MAX)
		return refuse(refused, REASON_TOO_LARGE, "too long a text");
	if (opening)
		plan_opening(out, message);
	else
		plan_send(out, WHEN_ALWAYS, 0);
	for (part = 1; part < message->parts; part++)
		plan_send(out, WHEN_ALWAYS, part);
	return 0;
}

/* --- pieces of requests ------------------------------------------------------------------------ */

/* One request being made. */
struct making {
	const struct via *via;
	struct arena *a;
	const struct job *job;
	const struct message *message;
	struct http_req *out;
	struct json_out *o; /* its body */
};

static const char *account(const struct making *k)
{
	const char *id = chatwoot_account(k->via);

	return id != NULL ? id : "{account}";
}

static const char *inbox(const struct making *k)
{
	const char *id = chatwoot_inbox(k->via);

	return id != NULL ? id : "{inbox}";
}

static const char *contact(const struct making *k)
{
	return k->job->known->contact != NULL ? k->job->known->contact : "{contact}";
}

static const char *conversation(const struct making *k)
{
	return k->job->known->conversation != NULL ? k->job->known->conversation : "{conversation}";
}

/* The contact inbox: ours as agents' side, at the customers' side what the server calls him. */
static const char *address(const struct making *k)
{
	const struct person *p = k->message->person;

	if (k->message->to == SIDE_CUSTOMERS && p != NULL && p->address != NULL)
		return p->address;
	if (k->job->known->address != NULL || p == NULL || p->identity == NULL)
		return k->job->known->address;
	return chatwoot_address(k->via, k->a, p->identity);
}

#define URL(k, format, ...) \
	((k)->out->url = arena_printf((k)->a, "%s/api/v1/accounts/%s" format, \
	     (k)->via->endpoint->base_url, account(k), ##__VA_ARGS__))

static void begin_body(struct making *k)
{
	k->out->method = "POST";
	k->out->content_type = "application/json";
	k->o = json_out_new(k->a);
	json_begin_object(k->o);
}

static void end_body(struct making *k)
{
	json_end_object(k->o);
	k->out->body = json_done(k->o, &k->out->body_len);
}

/* Never without source_id: the server would draw one, and make a contact inbox nobody finds again. It
 * refuses a blank one. */
static void put_contact_inbox(struct making *k)
{
	const char *source = address(k);

	json_member_id(k->o, "inbox_id", inbox(k));
	json_member_text(k->o, "source_id", source != NULL ? source : "");
}

/* --- contacts ---------------------------------------------------------------------------------- */

static void build_find_contact(struct making *k)
{
	URL(k, "/contact_inboxes/filter");
	begin_body(k);
	put_contact_inbox(k);
	end_body(k);
}

/* The step's cursor names the fields that an earlier answer refused. */
static bool is_refused(const struct making *k, const char *field)
{
	return k->job->cursor != NULL && strstr(k->job->cursor, field) != NULL;
}

static const char *cut_string(struct arena *a, const char *text)
{
	return arena_strndup(a, text, utf8_cut_points(text, strlen(text), CHATWOOT_STRING_POINTS));
}

/* What may not stand in its field, because another contact has it or it does not look like one, is
 * still shown to the agents. */
static void put_reach(struct making *k)
{
	const struct person *p = k->message->person;
	const char *phone = is_refused(k, "phone_number") ? NULL : fact_phone(k->a, p->phone);
	const char *email = is_refused(k, "email") ? NULL : fact_email(k->a, p->email);

	json_member_text(k->o, "phone_number", phone);
	json_member_text(k->o, "email", email);
	if ((p->phone == NULL || phone != NULL) && (p->email == NULL || email != NULL))
		return;
	json_key(k->o, "custom_attributes");
	json_begin_object(k->o);
	if (phone == NULL)
		json_member_text(k->o, "unverified_phone", p->phone);
	if (email == NULL)
		json_member_text(k->o, "unverified_email", p->email);
	json_end_object(k->o);
}

static void build_create_contact(struct making *k)
{
	static const struct person nobody;
	const struct person *p = k->message->person != NULL ? k->message->person : &nobody;
	const char *name = p->name != NULL ? p->name : p->email != NULL ? p->email : p->phone;

	URL(k, "/contacts");
	begin_body(k);
	if (name != NULL)
		json_member_text(k->o, "name", cut_string(k->a, name));
	json_member_text(k->o, "identifier", p->identity);
	put_contact_inbox(k);
	if (p != &nobody)
		put_reach(k);
	json_member_text(k->o, "avatar_url", k->message->avatar);
	end_body(k);
}

static void put_condition(struct making *k, const char *key, const char *value, bool is_last)
{
	json_begin_object(k->o);
	json_member_text(k->o, "attribute_key", key);
	json_member_text(k->o, "filter_operator", "equal_to");
	json_key(k->o, "values");
	json_begin_array(k->o);
	json_put_text(k->o, value);
	json_end_array(k->o);
	json_member_text_or_null(k->o, "query_operator", is_last ? NULL : "OR");
	json_end_object(k->o);
}

/* Whoever is him: by the identity that we gave, and where the bridge lets him be taken for another contact, by
 * the phone or the e-mail that one has. */
static void build_list_contacts(struct making *k)
{
	const struct message *m = k->message;
	const struct person *p = m->person;
	const char *phone = p != NULL && m->match_phone ? fact_phone(k->a, p->phone) : NULL;
	const char *email = p != NULL && m->match_email ? fact_email(k->a, p->email) : NULL;

	URL(k, "/contacts/filter");
	begin_body(k);
	json_key(k->o, "payload");
	json_begin_array(k->o);
	put_condition(k, "identifier", p != NULL ? p->identity : NULL,
	    phone == NULL && email == NULL);
	if (phone != NULL)
		put_condition(k, "phone_number", phone, email == NULL);
	if (email != NULL)
		put_condition(k, "email", email, true);
	json_end_array(k->o);
	end_body(k);
}

static void build_update_contact(struct making *k)
{
	URL(k, "/contacts/%s/contact_inboxes", contact(k));
	begin_body(k);
	put_contact_inbox(k);
	end_body(k);
}

/* --- conversations and messages ---------------------------------------------------------------- */

/* cursor: "<conversation>/messages" with or without a query, to go through the messages of one. */
static void build_find_conversation(struct making *k)
{
	const char *source = address(k);

	k->out->method = "GET";
	if (k->job->cursor != NULL)
		URL(k, "/conversations/%s", k->job->cursor);
	else
		URL(k, "/conversations?inbox_id=%s&source_id=%s&status=all&sort_by=created_at_desc",
		    inbox(k), http_encode(k->a, source != NULL ? source : ""));
}

/* NULL: none. What it replies to stands in the same conversation, or the server forgets it. */
static const char *content_attributes(struct arena *a, const struct message *m)
{
	bool is_reply = chatwoot_is_id(m->reply_to);
	bool is_marked = m->to == SIDE_CUSTOMERS;
	bool is_echo = m->to == SIDE_AGENTS && !is_incoming(m) && !is_private(m);
	struct json_out *o;

	if (!is_reply && !is_marked && !is_echo)
		return NULL;
	o = json_out_new(a);
	json_begin_object(o);
	if (is_echo)
		json_member_bool(o, "external_echo", true);
	if (is_marked)
		json_member_text(o, "tieline", m->mark);
	if (is_reply)
		json_member_id(o, "in_reply_to", m->reply_to);
	json_end_object(o);
	return json_done(o, NULL);
}

static void put_message(struct making *k)
{
	const struct message *m = k->message;
	const char *attributes;

	json_member_text(k->o, "content", m->text != NULL ? m->text : "");
	json_member_text(k->o, "message_type", is_incoming(m) ? "incoming" : "outgoing");
	if (is_private(m))
		json_member_bool(k->o, "private", true);
	if (m->to == SIDE_AGENTS)
		json_member_text(k->o, "source_id", m->mark);
	if (m->is_history && m->at_ms > 0)
		json_member_int(k->o, "external_created_at", m->at_ms / 1000);
	attributes = content_attributes(k->a, m);
	if (attributes == NULL)
		return;
	json_key(k->o, "content_attributes");
	json_put_raw(k->o, attributes, strlen(attributes));
}

static void build_create_conversation(struct making *k)
{
	URL(k, "/conversations");
	begin_body(k);
	put_contact_inbox(k);
	json_key(k->o, "additional_attributes");
	json_begin_object(k->o);
	json_member_text(k->o, "tieline", k->message->conversation_mark);
	json_end_object(k->o);
	json_member_id(k->o, "contact_id", contact(k));
	if (k->message->is_history)
		json_member_text(k->o, "status", state_word((int)STATE_PENDING));
	if (!chatwoot_opens_empty(k->message)) {
		json_key(k->o, "message");
		json_begin_object(k->o);
		put_message(k);
		json_end_object(k->o);
	}
	end_body(k);
}

/* --- files ------------------------------------------------------------------------------------- */

/* What the server's proxy did not let through goes as an address of ours, or is named. */
static const char *files_in_words(const struct making *k, const char *text)
{
	const struct message *m = k->message;
	const struct file *f = m->files + m->span.first;
	size_t i;

	for (i = 0; i < m->span.count; i++, f++)
		text = arena_printf(k->a, "%s%s%s", text, *text != '\0' ? "\n" : "",
		    f->address != NULL
			? arena_printf(k->a, "%s: %s", f->name, f->address)
			: fixed_no_file(k->a, m->fixed, f->name, "it is too large for Chatwoot"));
	return text;
}

static void add_part(struct http_part *parts, size_t *n, const char *name, const char *body)
{
	parts[(*n)++] = (struct http_part){ .name = name, .body = body };
}

/* All of a part in one request. What a part is, its Content-Type alone decides there. */
static void build_multipart(struct making *k)
{
	const struct message *m = k->message;
	const struct file *f = m->files + m->span.first;
	struct http_part *parts = arena_zalloc(k->a, (m->span.count + 9) * sizeof(*parts));
	const char *attributes;
	int64_t bytes = 0;
	size_t n = 0, i;

	if (m->text != NULL && *m->text != '\0')
		add_part(parts, &n, "content", m->text);
	add_part(parts, &n, "message_type", is_incoming(m) ? "incoming" : "outgoing");
	if (is_private(m))
		add_part(parts, &n, "private", "true");
	if (m->to == SIDE_AGENTS)
		add_part(parts, &n, "source_id", m->mark);
	if (m->is_history && m->at_ms > 0)
		add_part(parts, &n, "external_created_at",
		    arena_printf(k->a, "%" PRId64, m->at_ms / 1000));
	attributes = content_attributes(k->a, m);
	if (attributes != NULL)
		add_part(parts, &n, "content_attributes", attributes);
	for (i = 0; i < m->span.count; i++, f++) {
		parts[n++] = (struct http_part){ .name = "attachments[]",
			.path = f->path,
			.filename = f->name,
			.type = f->type };
		bytes += f->size;
	}
	k->out->method = "POST";
	k->out->parts = parts;
	k->out->nparts = n;
	if (k->out->timeout_msecs > 0)
		k->out->timeout_msecs += bytes / UPLOAD_BYTES_PER_MSEC;
}

static void build_send(struct making *k)
{
	struct message *words;

	URL(k, "/conversations/%s/messages", conversation(k));
	if (has_files(k->message) && k->job->cursor == NULL) {
		build_multipart(k);
		return;
	}
	words = ARENA_NEW(k->a, struct message);
	*words = *k->message;
	words->text = files_in_words(k, words->text != NULL ? words->text : "");
	k->message = words;
	begin_body(k);
	put_message(k);
	end_body(k);
}

/* With a state it sets that; without one it would turn it over. */
static void build_set_status(struct making *k)
{
	URL(k, "/conversations/%s/toggle_status", conversation(k));
	begin_body(k);
	json_member_text(k->o, "status", state_word((int)k->message->set_state));
	end_body(k);
}

/* The customer types as himself, which needs no token and the inbox's public address; agents as the relay's
 * user. No url: it cannot be said. */
static void build_typing(struct making *k)
{
	const char *identifier = memo_get(k->via, MEMO_IDENTIFIER);
	const char *source = k->job->known->address;
	bool as_customer = k->message->to == SIDE_AGENTS;

	if (as_customer && (identifier == NULL || *identifier == '\0' || source == NULL))
		return;
	begin_body(k);
	if (as_customer) {
		k->out->nheaders = 0;
		k->out->url = arena_printf(k->a,
		    "%s/public/api/v1/inboxes/%s/contacts/%s/conversations/%s/toggle_typing",
		    k->via->endpoint->base_url, http_encode(k->a, identifier),
		    http_encode(k->a, source), conversation(k));
	} else {
		URL(k, "/conversations/%s/toggle_typing_status", conversation(k));
	}
	json_member_text(k->o, "typing_status", state_word((int)k->job->state));
	if (!as_customer)
		json_member_bool(k->o, "is_private", false);
	end_body(k);
}

static void build_delete(struct making *k)
{
	const char *id = k->job->known->message;

	k->out->method = "DELETE";
	URL(k, "/conversations/%s/messages/%s", conversation(k), id != NULL ? id : "{message}");
}

/* What we say ourselves, seen by agents only; about a message of theirs it stands under it. */
static void build_note(struct making *k)
{
	const struct message *m = k->message;

	URL(k, "/conversations/%s/messages", conversation(k));
	begin_body(k);
	json_member_text(k->o, "content",
	    text_neutralise(k->a, m->text != NULL ? m->text : "", TEXT_BRACES));
	json_member_text(k->o, "message_type", "outgoing");
	json_member_bool(k->o, "private", true);
	json_member_text(k->o, "source_id", m->mark);
	if (chatwoot_is_id(k->job->known->message)) {
		json_key(k->o, "content_attributes");
		json_begin_object(k->o);
		json_member_id(k->o, "in_reply_to", k->job->known->message);
		json_end_object(k->o);
	}
	end_body(k);
}

/* With any other state than failed the server takes the error away. */
static void build_report(struct making *k)
{
	const char *id = k->job->known->message;
	bool failed = k->job->state == STATE_FAILED;

	URL(k, "/conversations/%s/messages/%s", conversation(k), id != NULL ? id : "{message}");
	begin_body(k);
	k->out->method = "PATCH";
	json_member_text(k->o, "status", state_word((int)k->job->state));
	if (failed)
		json_member_text(k->o, "external_error",
		    k->message->text != NULL ? k->message->text : NOTICE_NOT_DELIVERED);
	end_body(k);
}

/* Above the last message known before the attempt, where there is one, else the newest. */
static void build_list_messages(struct making *k)
{
	const char *after = k->job->known->message;

	k->out->method = "GET";
	if (k->job->cursor != NULL)
		URL(k, "/conversations/%s", k->job->cursor);
	else if (k->job->step == STEP_LOOK_UP && chatwoot_is_id(after))
		URL(k, "/conversations/%s/messages?after=%s", conversation(k), after);
	else
		URL(k, "/conversations/%s/messages", conversation(k));
}

/* --- the endpoint's own ------------------------------------------------------------------------ */

static void build_errand(struct making *k)
{
	const char *id = chatwoot_inbox(k->via);

	k->out->method = "GET";
	if (k->job->step == STEP_SIGN_IN)
		k->out->url = arena_printf(k->a, "%s/api/v1/profile", k->via->endpoint->base_url);
	else if (k->job->cursor != NULL)
		URL(k, "/%s", k->job->cursor);
	else if (id != NULL)
		URL(k, "/inboxes/%s", id);
	else
		URL(k, "/inboxes");
}

/* --- pages ------------------------------------------------------------------------------------- */

/* As agents' side he is who goes by our identifier, or may be taken for him; the cursor is his contact then. */
static void build_page_of_person(struct making *k)
{
	const char *him = k->job->cursor != NULL ? k->job->cursor : k->job->known->contact;

	if (k->message->to == SIDE_CUSTOMERS) {
		build_find_conversation(k);
	} else if (him == NULL) {
		build_list_contacts(k);
	} else {
		k->out->method = "GET";
		URL(k, "/contacts/%s/conversations", him);
	}
}

/* The server counts the seconds back by its own clock. All that changed come at once; all there are, as they were
 * begun, page by page. */
static void build_page(struct making *k)
{
	const struct job *job = k->job;
	int64_t seconds = (k->via->now_ms - job->since_ms) / 1000 + 1;
	const char *page = job->cursor != NULL ? job->cursor : "1";

	k->out->method = "GET";
	if (job->step == STEP_LOOK_UP)
		URL(k, "/inboxes/%s", inbox(k));
	else if (job->step == STEP_FIND_CONVERSATION)
		build_page_of_person(k);
	else if (job->step == STEP_LIST_MESSAGES && job->is_whole)
		URL(k, "/conversations/%s/messages?after=%s", conversation(k),
		    job->cursor != NULL ? job->cursor : "0");
	else if (job->step == STEP_LIST_MESSAGES && job->cursor != NULL)
		URL(k, "/conversations/%s/messages?before=%s", conversation(k), job->cursor);
	else if (job->step == STEP_LIST_MESSAGES)
		URL(k, "/conversations/%s/messages", conversation(k));
	else if (job->known->conversation != NULL)
		URL(k, "/conversations/%s", conversation(k));
	else if (job->is_whole)
		URL(k, "/conversations?inbox_id=%s&status=all&sort_by=created_at_asc&page=%.*s",
		    inbox(k), (int)strcspn(page, " "), page);
	else
		URL(k, "/conversations?inbox_id=%s&status=all&updated_within=%" PRId64, inbox(k),
		    seconds > 0 ? seconds : 1);
}

/* --- build ------------------------------------------------------------------------------------- */

bool chatwoot_is_repeatable(const struct job *job)
{
	switch (job->step) {
	case STEP_CREATE_CONTACT:
	case STEP_CREATE_CONVERSATION:
	case STEP_NOTE:
	case STEP_SEND: return false;
	default: return true;
	}
}

static void build_delivery(struct making *k)
{
	switch (k->job->step) {
	case STEP_FIND_CONTACT: build_find_contact(k); break;
	case STEP_CREATE_CONTACT: build_create_contact(k); break;
	case STEP_LIST_CONTACTS: build_list_contacts(k); break;
	case STEP_UPDATE_CONTACT: build_update_contact(k); break;
	case STEP_FIND_CONVERSATION: build_find_conversation(k); break;
	case STEP_CREATE_CONVERSATION: build_create_conversation(k); break;
	case STEP_SEND: build_send(k); break;
	case STEP_NOTE: build_note(k); break;
	case STEP_REPORT: build_report(k); break;
	case STEP_SET_STATUS: build_set_status(k); break;
	case STEP_DELETE: build_delete(k); break;
	case STEP_TYPING: build_typing(k); break;
	default: build_list_messages(k);
	}
}

void chatwoot_build(const struct via *via, struct arena *a, const struct job *job,
    struct http_req *out)
{
	static const struct message nothing;
	static const struct known unknown;
	const struct chatwoot_conf *conf = via->conf;
	struct job whole = *job;
	struct making k = { via, a, &whole, job->message != NULL ? job->message : &nothing, out,
		NULL };

	if (whole.known == NULL)
		whole.known = &unknown;
	*out = (struct http_req){
		.headers = { { "Api-Access-Token", conf->api_token, true } },
		.nheaders = 1,
		.timeout_msecs = via->endpoint->timeout_msecs,
		.repeatable = chatwoot_is_repeatable(job),
	};
	if (chatwoot_is_of_facts(job))
		chatwoot_build_facts(via, a, &whole, out);
	else if (job->kind == JOB_ENDPOINT)
		build_errand(&k);
	else if (job->kind == JOB_PAGE)
		build_page(&k);
	else
		build_delivery(&k);
}
