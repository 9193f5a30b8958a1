/* An account with one inbox, of the kind "API" as agents' side. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/json_in.h"
#include "base/json_out.h"
#include "base/secret.h"
#include "fake_loop.h"
#include "fake_wire.h"
#include "far.h"

#define SECRET "hook-secret"
#define PAGE 20
#define CONVERSATIONS_PAGE 25

/* ---- callbacks ---- */

static const char *status_of(bool is_closed, const char *waits)
{
	return *waits != '\0' ? waits : is_closed ? "resolved" : "open";
}

static void put_contact(struct json_out *o, const struct far_contact *c)
{
	json_member_id(o, "id", c->id);
	json_member_text(o, "identifier", c->identifier);
	json_member_text(o, "name", c->name);
	json_member_text(o, "email", c->email);
	json_member_text(o, "phone_number", c->phone);
}

static void put_sender(struct json_out *o, const struct far_conversation *c)
{
	const struct far_contact *contact = far_contact_of(c->far, c->person);

	json_key(o, "sender");
	json_begin_object(o);
	json_member_id(o, "id", contact != NULL ? contact->id : "4000");
	json_member_text(o, "name", contact != NULL ? contact->name : c->name);
	if (contact != NULL) {
		json_member_text(o, "email", contact->email);
		json_member_text(o, "identifier", contact->identifier);
	}
	json_end_object(o);
}

static void put_raw(struct json_out *o, const char *key, const char *json)
{
	json_key(o, key);
	json_put_raw(o, json, strlen(json));
}

/* assignee and team: null in callbacks, absent in answers. */
static void put_facts(struct json_out *o, const struct far_conversation *c, bool is_answer)
{
	put_raw(o, "labels", c->labels != NULL ? c->labels : "[]");
	put_raw(o, "custom_attributes", c->attributes != NULL ? c->attributes : "{}");
	json_member_text_or_null(o, "priority",
	    c->priority != NULL && *c->priority != '\0' ? c->priority : NULL);
	json_key(o, "meta");
	json_begin_object(o);
	if (is_answer)
		json_member_text(o, "channel", "Channel::Api");
	put_sender(o, c);
	if (c->agent != NULL && *c->agent != '\0') {
		json_key(o, "assignee");
		json_begin_object(o);
		json_member_id(o, "id", c->agent);
		json_end_object(o);
		json_member_text(o, "assignee_type", "User");
	} else if (!is_answer) {
		put_raw(o, "assignee", "null");
	}
	if (c->team != NULL && *c->team != '\0') {
		json_key(o, "team");
		json_begin_object(o);
		json_member_id(o, "id", c->team);
		json_end_object(o);
	} else if (!is_answer) {
		put_raw(o, "team", "null");
	}
	json_end_object(o);
}

static void put_conversation(struct json_out *o, const struct callback *b)
{
	const struct far_conversation *c = b->conversation;

	json_member_id(o, "id", c->id);
	json_member_int(o, "inbox_id", 12);
	json_member_text(o, "channel", "Channel::Api");
	json_member_text(o, "status", status_of(b->is_closed, b->waits));
	json_member_int(o, "created_at", c->began_ms / 1000);
	json_key(o, "additional_attributes");
	json_begin_object(o);
	json_member_text(o, "tieline", c->mark);
	json_end_object(o);
	json_key(o, "contact_inbox");
	json_begin_object(o);
	json_member_text(o, "source_id", c->person);
	json_end_object(o);
	/* The last one, with its status. */
	if (b->message != NULL && b->message->status[0] != '\0'
	    && b->message == TAILQ_LAST(&c->messages, far_messages)) {
		json_key(o, "messages");
		json_begin_array(o);
		json_begin_object(o);
		json_member_id(o, "id", b->message->id);
		json_member_text(o, "status", b->message->status);
		json_end_object(o);
		json_end_array(o);
	}
	put_facts(o, c, false);
}

static void put_choices(struct json_out *o, const char *choices)
{
	size_t len;

	json_key(o, "items");
	json_begin_array(o);
	for (; *choices != '\0'; choices += len + (choices[len] != '\0')) {
		char label[64];

		len = strcspn(choices, "|");
		snprintf(label, sizeof(label), "%.*s", (int)len, choices);
		json_begin_object(o);
		json_member_text(o, "title", label);
		json_end_object(o);
	}
	json_end_array(o);
}

static void put_message(struct json_out *o, const struct far_message *m)
{
	json_member_id(o, "id", m->id);
	json_member_text(o, "content", m->text);
	json_member_text(o, "message_type", m->by_customer ? "incoming" : "outgoing");
	json_member_int(o, "created_at", m->at_ms / 1000);
	json_member_bool(o, "private", m->is_private);
	json_member_text(o, "source_id", m->source_id);
	if (m->choices != NULL)
		json_member_text(o, "content_type", "input_select");
	json_key(o, "content_attributes");
	json_begin_object(o);
	if (m->choices != NULL)
		put_choices(o, m->choices);
	if (m->is_erased) { /* and nothing else is left there */
		json_member_bool(o, "deleted", true);
	} else {
		if (m->source_id == NULL)
			json_member_text(o, "tieline", m->mark);
		json_member_text(o, "external_error", m->error);
		if (m->reply_to[0] != '\0')
			json_member_id(o, "in_reply_to", m->reply_to);
	}
	json_end_object(o);
	json_key(o, "sender");
	json_begin_object(o);
	json_member_int(o, "id", m->by_customer ? 4000 : 7);
	json_member_text(o, "name", m->name);
	json_member_text(o, "type", m->by_customer ? "contact" : "user");
	if (!m->by_customer)
		json_member_text(o, "email", "bob@example.com");
	json_end_object(o);
}

static void put_typist(struct json_out *o, const struct callback *b)
{
	json_key(o, "user");
	json_begin_object(o);
	json_member_int(o, "id", b->by_customer ? 4000 : 7);
	if (!b->by_customer)
		json_member_text(o, "type", "user");
	json_end_object(o);
	json_member_bool(o, "is_private", false);
	json_key(o, "conversation");
	json_begin_object(o);
	put_conversation(o, b);
	json_end_object(o);
}

static const char *body(struct arena *a, const struct callback *b)
{
	struct json_out *o = json_out_new(a);
	char time[TIME_TEXT_SIZE];

	json_begin_object(o);
	if (b->contact != NULL) {
		put_contact(o, b->contact);
		put_raw(o, "changed_attributes",
		    arena_printf(a, "[{\"updated_at\":{\"current_value\":\"%s\"}}]",
			time_format(b->contact->changed_ms, time)));
	} else if (b->types) {
		put_typist(o, b);
	} else if (b->message != NULL) {
		put_message(o, b->message);
		json_key(o, "conversation");
		json_begin_object(o);
		put_conversation(o, b);
		json_end_object(o);
	} else {
		put_conversation(o, b);
		json_key(o, "updated_at");
		json_put_number(o,
		    arena_printf(a, "%lld.%03lld", (long long)(b->version / 1000),
			(long long)(b->version % 1000)));
	}
	json_key(o, "account");
	json_begin_object(o);
	json_key(o, "id");
	json_put_number(o, b->far->tenant);
	json_end_object(o);
	if (b->contact == NULL) {
		json_key(o, "inbox");
		json_begin_object(o);
		json_member_int(o, "id", 12);
		json_end_object(o);
	}
	json_member_text(o, "event",
	    b->contact != NULL ? "contact_updated"
		: b->types     ? b->is_off ? "conversation_typing_off" : "conversation_typing_on"
		: b->message == NULL ? "conversation_status_changed"
		: b->is_update       ? "message_updated"
				     : "message_created");
	json_end_object(o);
	return json_done(o, NULL);
}

static size_t headers(struct arena *a, const char *text, struct http_header out[4])
{
	const char *timestamp = arena_printf(a, "%lld", (long long)(fake_now_ms / 1000));
	const char *head = arena_printf(a, "%s.", timestamp);
	unsigned char mac[SHA256_SIZE];
	char hex[2 * SHA256_SIZE + 1];

	hmac_sha256_joined(SECRET, strlen(SECRET), head, strlen(head), text, strlen(text), mac);
	hex_encode(mac, sizeof(mac), hex);
	out[0] = (struct http_header){ "Content-Type", "application/json", false };
	out[1] = (struct http_header){ "X-Chatwoot-Timestamp", timestamp, false };
	out[2] = (struct http_header){ "X-Chatwoot-Signature", arena_printf(a, "sha256=%s", hex),
		false };
	return 3;
}

/* ---- names ---- */

static void name_conversation(struct far *f, struct far_conversation *c)
{
	snprintf(c->id, sizeof(c->id), "%llu", (unsigned long long)++f->last_id);
}

static void name_message(struct far *f, struct far_message *m)
{
	snprintf(m->id, sizeof(m->id), "%llu", (unsigned long long)++f->last_id);
}

/* ---- requests ---- */

struct serving {
	struct far *f;
	struct arena *a;
	const struct sent *s;
	const char *path; /* behind the account */
	const struct json *body;
	struct json_out *o;
};

static bool is(const struct serving *v, const char *method, const char *begin)
{
	return strcmp(v->s->method, method) == 0 && strncmp(v->path, begin, strlen(begin)) == 0;
}

static struct far_answer done(const struct serving *v)
{
	return far_says(200, json_done(v->o, NULL));
}

static struct far_contact *contact_by(struct far *f, const char *source, const char *identifier)
{
	struct far_contact *c;

	TAILQ_FOREACH(c, &f->contacts, list)
		if ((source != NULL && c->source_id != NULL && strcmp(c->source_id, source) == 0)
		    || (identifier != NULL && c->identifier != NULL
			&& strcmp(c->identifier, identifier) == 0))
			return c;
	return NULL;
}

static void put_contact_object(struct json_out *o, const struct far_contact *c)
{
	json_begin_object(o);
	put_contact(o, c);
	json_end_object(o);
}

static struct far_answer find_contact(struct serving *v)
{
	struct far_contact *c = far_contact_of(v->f, json_text(v->body, "source_id"));

	if (c == NULL)
		return far_says(404, "");
	put_contact_object(v->o, c);
	return done(v);
}

#define EMAIL_TAKEN "{\"message\":\"Email has already been taken\",\"attributes\":[\"email\"]}"

static bool email_taken(const struct serving *v, const struct far_contact *by)
{
	const char *email = json_text(v->body, "email");
	const struct far_contact *c;

	TAILQ_FOREACH(c, &v->f->contacts, list)
		if (email != NULL && c != by && c->email != NULL && c->merged_into == NULL
		    && strcmp(c->email, email) == 0)
			return true;
	return false;
}

static void put_text(const struct serving *v, const char *key, char **field)
{
	const char *text = json_text(v->body, key);

	if (text == NULL)
		return;
	free(*field);
	*field = far_copy(text);
}

static struct far_answer change_contact(struct serving *v)
{
	const char *id = v->path + strlen("/contacts/");
	struct far_contact *c;

	TAILQ_FOREACH(c, &v->f->contacts, list)
		if (strcmp(c->id, id) == 0 && c->merged_into == NULL)
			break;
	if (c == NULL)
		return far_says(404, "{\"error\":\"Resource could not be found\"}");
	if (email_taken(v, c))
		return far_says(422, EMAIL_TAKEN);
	put_text(v, "name", &c->name);
	put_text(v, "email", &c->email);
	put_text(v, "phone_number", &c->phone);
	put_text(v, "custom_attributes.unverified_email", &c->unverified);
	c->changed_ms = fake_now_ms > c->changed_ms ? fake_now_ms : c->changed_ms + 1;
	far_announce(v->f, TAILQ_FIRST(&v->f->conversations), NULL)->contact = c;
	json_begin_object(v->o);
	json_key(v->o, "payload");
	put_contact_object(v->o, c);
	json_end_object(v->o);
	return done(v);
}

static struct far_answer create_contact(struct serving *v)
{
	struct far_contact *c;

	if (email_taken(v, NULL))
		return far_says(422, EMAIL_TAKEN);
	if (contact_by(v->f, NULL, json_text(v->body, "identifier")) != NULL)
		return far_says(422,
		    "{\"message\":\"Identifier has already been taken\",\"attributes\":[\"identifier\"]}");
	c = far_contact_new(v->f);
	c->identifier = far_copy(json_text(v->body, "identifier"));
	c->source_id = far_copy(json_text(v->body, "source_id"));
	c->name = far_copy(json_text(v->body, "name"));
	c->email = far_copy(json_text(v->body, "email"));
	c->phone = far_copy(json_text(v->body, "phone_number"));
	c->unverified = far_copy(json_text(v->body, "custom_attributes.unverified_email"));
	json_begin_object(v->o);
	json_key(v->o, "payload");
	json_begin_object(v->o);
	json_key(v->o, "contact");
	put_contact_object(v->o, c);
	json_end_object(v->o);
	json_end_object(v->o);
	return done(v);
}

static bool fits(const struct far_contact *c, const struct json *condition)
{
	const char *key = json_text(condition, "attribute_key");
	const char *value = json_text(condition, "values.0");
	const char *is = strcmp(key, "email") == 0 ? c->email
	    : strcmp(key, "phone_number") == 0     ? c->phone
						   : c->identifier;

	return is != NULL && value != NULL && strcmp(is, value) == 0;
}

static struct far_answer filter_contacts(struct serving *v)
{
	const struct json *j;
	struct far_contact *c;

	json_begin_object(v->o);
	json_key(v->o, "payload");
	json_begin_array(v->o);
	TAILQ_FOREACH(c, &v->f->contacts, list)
		for (j = json_array(v->body, "payload")->child; j != NULL; j = j->next)
			if (c->merged_into == NULL && fits(c, j)) {
				put_contact_object(v->o, c);
				break;
			}
	json_end_array(v->o);
	json_end_object(v->o);
	return done(v);
}

static struct far_answer add_contact_inbox(struct serving *v)
{
	struct far_contact *c, *more;

	TAILQ_FOREACH(c, &v->f->contacts, list)
		if (c->merged_into == NULL && atoi(c->id) == atoi(v->path + strlen("/contacts/"))) {
			more = far_contact_new(v->f); /* one more address, of the same contact */
			more->source_id = far_copy(json_text(v->body, "source_id"));
			more->merged_into = c;
			json_begin_object(v->o);
			json_member_text(v->o, "source_id", more->source_id);
			json_end_object(v->o);
			return done(v);
		}
	return far_says(404, "{\"error\":\"Resource could not be found\"}");
}

static void put_stored(struct json_out *o, const struct far_message *m)
{
	json_begin_object(o);
	put_message(o, m);
	json_end_object(o);
}

/* As an answer has it: the contact inbox stands with the last message only. */
static void put_rest(struct serving *v, const struct far_conversation *c)
{
	const struct far_message *last = TAILQ_LAST(&c->messages, far_messages);

	json_begin_object(v->o);
	json_member_id(v->o, "id", c->id);
	json_member_int(v->o, "inbox_id", 12);
	json_member_text(v->o, "status", status_of(c->is_closed, c->waits));
	json_member_int(v->o, "created_at", c->began_ms / 1000);
	json_key(v->o, "updated_at");
	json_put_number(v->o,
	    arena_printf(v->a, "%lld.%03lld", (long long)(c->changed_ms / 1000),
		(long long)(c->changed_ms % 1000)));
	json_key(v->o, "additional_attributes");
	json_begin_object(v->o);
	json_member_text(v->o, "tieline", c->mark);
	json_end_object(v->o);
	put_facts(v->o, c, true);
	json_key(v->o, "messages");
	json_begin_array(v->o);
	if (last != NULL) {
		json_begin_object(v->o);
		put_message(v->o, last);
		json_key(v->o, "conversation");
		json_begin_object(v->o);
		json_key(v->o, "contact_inbox");
		json_begin_object(v->o);
		json_member_text(v->o, "source_id", c->person);
		json_end_object(v->o);
		json_end_object(v->o);
		json_end_object(v->o);
	}
	json_end_array(v->o);
	json_end_object(v->o);
}

static struct far_answer list_changed(struct serving *v)
{
	const char *within = strstr(v->path, "updated_within=") + strlen("updated_within=");
	int64_t since_ms = fake_now_ms - strtoll(within, NULL, 10) * 1000;
	const struct far_conversation *c = NULL;

	json_begin_object(v->o);
	json_key(v->o, "data");
	json_begin_object(v->o);
	json_key(v->o, "payload");
	json_begin_array(v->o);
	while ((c = far_changed(v->f, since_ms, c)) != NULL)
		put_rest(v, c);
	json_end_array(v->o);
	json_end_object(v->o);
	json_end_object(v->o);
	return done(v);
}

/* All of them, as they were begun. */
static struct far_answer list_page(struct serving *v)
{
	int skip = (atoi(strstr(v->path, "&page=") + strlen("&page=")) - 1) * CONVERSATIONS_PAGE;
	const struct far_conversation *c;
	int n = 0;

	json_begin_object(v->o);
	json_key(v->o, "data");
	json_begin_object(v->o);
	json_key(v->o, "payload");
	json_begin_array(v->o);
	TAILQ_FOREACH(c, &v->f->conversations, list)
		if (!c->is_deleted && n++ >= skip && n <= skip + CONVERSATIONS_PAGE)
			put_rest(v, c);
	json_end_array(v->o);
	json_key(v->o, "meta");
	json_begin_object(v->o);
	json_member_int(v->o, "all_count", n);
	json_end_object(v->o);
	json_end_object(v->o);
	json_end_object(v->o);
	return done(v);
}

static struct far_answer list_conversations(struct serving *v)
{
	struct far_conversation *c;
	const char *source = strstr(v->path, "source_id=") + strlen("source_id=");
	size_t len = strcspn(source, "&");

	json_begin_object(v->o);
	json_key(v->o, "data");
	json_begin_object(v->o);
	json_key(v->o, "payload");
	json_begin_array(v->o);
	TAILQ_FOREACH_REVERSE(c, &v->f->conversations, far_conversations, list)
	if (!c->is_deleted && strlen(c->person) == len && strncmp(c->person, source, len) == 0) {
		json_begin_object(v->o);
		json_member_id(v->o, "id", c->id);
		json_member_text(v->o, "status", status_of(c->is_closed, c->waits));
		json_key(v->o, "additional_attributes");
		json_begin_object(v->o);
		json_member_text(v->o, "tieline", c->mark);
		json_end_object(v->o);
		json_end_object(v->o);
	}
	json_end_array(v->o);
	json_end_object(v->o);
	json_end_object(v->o);
	return done(v);
}

static struct far_message *write_message(struct serving *v, struct far_conversation *c,
    const struct json *j)
{
	const char *type = json_text(j, "message_type"), *mark = json_text(j, "source_id");
	struct far_message *m = far_message_new(v->f, c, json_text(j, "content"));

	m->by_relay = true;
	m->by_customer = type != NULL && strcmp(type, "incoming") == 0;
	m->source_id = far_copy(mark);
	m->mark = far_copy(mark != NULL ? mark : json_text(j, "content_attributes.tieline"));
	m->name = far_copy("Relay");
	m->is_private = json_true(j, "private");
	if (json_id(j, "content_attributes.in_reply_to") != NULL)
		snprintf(m->reply_to, sizeof(m->reply_to), "%s",
		    json_id(j, "content_attributes.in_reply_to"));
	if (m->by_customer && strcmp(c->waits, "pending") != 0)
		far_close(v->f, c, false);
	far_announce(v->f, c, m);
	return m;
}

static struct far_answer create_conversation(struct serving *v)
{
	const struct far_contact *c_of;
	struct far_conversation *c;

	c_of = far_contact_of(v->f, json_text(v->body, "source_id"));
	if (c_of == NULL || strcmp(c_of->id, json_id(v->body, "contact_id")) != 0)
		return far_says(404, "{\"error\":\"Resource could not be found\"}");
	c = far_conversation_new(v->f, json_text(v->body, "source_id"));
	c->mark = far_copy(json_text(v->body, "additional_attributes.tieline"));
	if (json_text(v->body, "status") != NULL)
		snprintf(c->waits, sizeof(c->waits), "%s", json_text(v->body, "status"));
	json_begin_object(v->o);
	json_member_id(v->o, "id", c->id);
	json_key(v->o, "messages");
	json_begin_array(v->o);
	if (json_object(v->body, "message") != NULL)
		put_stored(v->o, write_message(v, c, json_object(v->body, "message")));
	json_end_array(v->o);
	json_end_object(v->o);
	return done(v);
}

static bool is_after(const struct far_conversation *c, const struct far_conversation *than)
{
	return than == NULL || c->changed_ms < than->changed_ms
	    || (c->changed_ms == than->changed_ms
		&& strtoull(c->id, NULL, 10) < strtoull(than->id, NULL, 10));
}

/* Of a contact, whichever of his addresses they have: 20, what changed last first. */
static struct far_answer list_of_contact(struct serving *v)
{
	const char *id = v->path + strlen("/contacts/");
	const struct far_conversation *c, *last = NULL, *next;
	const struct far_contact *contact;
	int n;

	json_begin_object(v->o);
	json_key(v->o, "payload");
	json_begin_array(v->o);
	for (n = 0; n < PAGE; n++, last = next) {
		next = NULL;
		TAILQ_FOREACH(c, &v->f->conversations, list) {
			contact = far_contact_of(v->f, c->person);
			if (!c->is_deleted && contact != NULL && atoi(contact->id) == atoi(id)
			    && is_after(c, last) && (next == NULL || !is_after(c, next)))
				next = c;
		}
		if (next == NULL)
			break;
		put_rest(v, next);
	}
	json_end_array(v->o);
	json_end_object(v->o);
	return done(v);
}

/* 20 newest, or before an id, or 100 after one; sorted upwards. */
static struct far_answer list_messages(struct serving *v, struct far_conversation *c)
{
	const char *after = strstr(v->path, "after="), *before = strstr(v->path, "before=");
	unsigned long long low = after != NULL ? strtoull(after + 6, NULL, 10) : 0, id;
	unsigned long long high = before != NULL ? strtoull(before + 7, NULL, 10) : ~0ull;
	struct far_message *m;
	int matching = 0, most = after != NULL ? 100 : PAGE, n = 0;

	TAILQ_FOREACH(m, &c->messages, list)
		matching += strtoull(m->id, NULL, 10) > low && strtoull(m->id, NULL, 10) < high;
	json_begin_object(v->o);
	json_key(v->o, "payload");
	json_begin_array(v->o);
	TAILQ_FOREACH(m, &c->messages, list) {
		id = strtoull(m->id, NULL, 10);
		if (id <= low || id >= high)
			continue;
		n++;
		if (after != NULL ? n <= most : n > matching - most)
			put_stored(v->o, m);
	}
	json_end_array(v->o);
	json_end_object(v->o);
	return done(v);
}

/* Of one that is shown so already nothing changes, and nobody is told. */
static struct far_answer set_status(struct serving *v, struct far_conversation *c, const char *id)
{
	const char *status = json_text(v->body, "status"), *error;
	struct far_message *m;

	TAILQ_FOREACH(m, &c->messages, list)
		if (strcmp(m->id, id) == 0)
			break;
	if (m == NULL || status == NULL)
		return far_says(404, "{\"error\":\"Resource could not be found\"}");
	error = strcmp(status, "failed") == 0 ? json_text(v->body, "external_error") : NULL;
	m->reports++;
	if (strcmp(m->status, status) != 0
	    || strcmp(m->error != NULL ? m->error : "", error != NULL ? error : "") != 0)
		far_show(v->f, m, status, error);
	put_stored(v->o, m);
	return done(v);
}

/* To what it is already nothing changes, and nobody is told. */
static struct far_answer toggle_status(struct serving *v, struct far_conversation *c)
{
	const char *status = json_text(v->body, "status");
	bool closed = status != NULL ? strcmp(status, "resolved") == 0 : !c->is_closed;

	if (closed != c->is_closed || c->waits[0] != '\0')
		far_close(v->f, c, closed);
	json_begin_object(v->o);
	json_key(v->o, "payload");
	json_begin_object(v->o);
	json_member_bool(v->o, "success", true);
	json_member_text(v->o, "current_status", status_of(c->is_closed, c->waits));
	json_end_object(v->o);
	json_end_object(v->o);
	return done(v);
}

static struct far_answer erase(struct serving *v, struct far_conversation *c, const char *id)
{
	struct far_message *m;

	TAILQ_FOREACH(m, &c->messages, list)
		if (strcmp(m->id, id) == 0)
			break;
	if (m == NULL)
		return far_says(404, "{\"error\":\"Resource could not be found\"}");
	if (!m->is_erased)
		far_erase(v->f, m);
	put_stored(v->o, m);
	return done(v);
}

/* labels, custom_attributes, assignments, priority: each replaces the whole. */
static struct far_answer change_facts(struct serving *v, struct far_conversation *c,
    const char *what)
{
	static const char *const fields[][2] = { { "labels", "labels" },
		{ "custom_attributes", "attributes" }, { "priority", "priority" },
		{ "assignee_id", "agent" }, { "team_id", "team" } };
	const struct json *value;
	struct json_out *o;
	size_t i;

	(void)what;
	for (i = 0; i < 5; i++) {
		value = json_member(v->body, fields[i][0]);
		if (value == NULL)
			continue;
		c->calls += i == 3 && c->waits[0] == '\0' && strcmp(value->text, "0") != 0;
		o = json_out_new(v->a);
		json_put(o, value);
		far_change(v->f, c, fields[i][1],
		    value->type == JSON_NULL || (i > 2 && strcmp(value->text, "0") == 0) ? ""
			: i > 1 ? value->text
				: json_done(o, NULL));
	}
	return far_says(200, "{}");
}

static struct far_answer serve_conversation(struct serving *v)
{
	const char *id = v->path + strlen("/conversations/");
	struct far_conversation *c;

	c = far_find(v->f, arena_strndup(v->a, id, strcspn(id, "/?")));
	if (c == NULL)
		return far_says(404, "{\"error\":\"Resource could not be found\"}");
	if (strcmp(v->s->method, "GET") == 0 && strchr(id, '/') == NULL) {
		put_rest(v, c);
		return done(v);
	}
	if (strcmp(v->s->method, "GET") == 0)
		return list_messages(v, c);
	if (strstr(id, "/labels") != NULL || strstr(id, "/custom_attributes") != NULL
	    || strstr(id, "/assignments") != NULL
	    || (strcmp(v->s->method, "PATCH") == 0 && strchr(id, '/') == NULL))
		return change_facts(v, c, id);
	if (strcmp(v->s->method, "PATCH") == 0)
		return set_status(v, c, strrchr(id, '/') + 1);
	if (strcmp(v->s->method, "DELETE") == 0)
		return erase(v, c, strrchr(id, '/') + 1);
	if (strstr(id, "/toggle_typing_status") != NULL) {
		far_type(v->f, c, false, strstr(v->s->body, "\"off\"") != NULL);
		return far_says(200, "");
	}
	if (strstr(id, "/toggle_status") != NULL)
		return toggle_status(v, c);
	put_stored(v->o, write_message(v, c, v->body));
	return done(v);
}

static struct far_answer serve_in_account(struct serving *v)
{
	if (is(v, "GET", "/inboxes/12"))
		return far_says(200,
		    "{\"id\":12,\"name\":\"Desk\",\"inbox_identifier\":\"pub-12\",\"lock_to_single_conversation\":false,"
		    "\"channel_type\":\"Channel::Api\"}");
	if (is(v, "POST", "/contact_inboxes/filter"))
		return find_contact(v);
	if (is(v, "POST", "/contacts/filter"))
		return filter_contacts(v);
	if (is(v, "PATCH", "/contacts/"))
		return change_contact(v);
	if (is(v, "GET", "/contacts/"))
		return list_of_contact(v);
	if (is(v, "GET", "/agents"))
		return far_says(200,
		    "[{\"id\":7,\"name\":\"Bob\",\"email\":\"bob@example.com\"},"
		    "{\"id\":8,\"name\":\"Eve\",\"email\":\"eve@desk.example\"}]");
	if (is(v, "GET", "/teams"))
		return far_says(200,
		    "[{\"id\":4,\"name\":\"sales\"},{\"id\":5,\"name\":\"support\"}]");
	if (is(v, "POST", "/contacts/"))
		return add_contact_inbox(v);
	if (is(v, "POST", "/contacts"))
		return create_contact(v);
	if (is(v, "GET", "/conversations?") && strstr(v->path, "updated_within=") != NULL)
		return list_changed(v);
	if (is(v, "GET", "/conversations?") && strstr(v->path, "sort_by=created_at_asc") != NULL)
		return list_page(v);
	if (is(v, "GET", "/conversations?"))
		return list_conversations(v);
	if (is(v, "POST", "/conversations/") || is(v, "GET", "/conversations/")
	    || is(v, "PATCH", "/conversations/") || is(v, "DELETE", "/conversations/"))
		return serve_conversation(v);
	if (is(v, "POST", "/conversations"))
		return create_conversation(v);
	return far_says(404, "<html>");
}

/* …/contacts/<source>/conversations/<id>/toggle_typing, without a token */
static struct far_answer type_as_contact(struct serving *v)
{
	const char *source = strstr(v->s->url, "/contacts/") + strlen("/contacts/");
	const char *id = strstr(v->s->url, "/conversations/") + strlen("/conversations/");
	struct far_conversation *c = far_find(v->f, arena_strndup(v->a, id, strcspn(id, "/")));

	if (c == NULL || strncmp(source, c->person, strlen(c->person)) != 0)
		return far_says(404, "<html>");
	far_type(v->f, c, true, strstr(v->s->body, "\"off\"") != NULL);
	return far_says(200, "");
}

static struct far_answer serve(struct far *f, const struct sent *s)
{
	struct serving v = { .f = f, .a = arena_new(), .s = s };
	const char *account = arena_printf(v.a, "/api/v1/accounts/%s", f->tenant);
	struct far_answer answer;
	struct json_error error;

	v.path = strstr(s->url, account);
	v.body = json_read(v.a, s->body, strlen(s->body), &error);
	v.o = json_out_new(v.a);
	if (strstr(s->url, "/public/api/v1/inboxes/pub-12/contacts/") != NULL) {
		answer = type_as_contact(&v);
	} else if (v.path != NULL) {
		v.path += strlen(account);
		answer = serve_in_account(&v);
	} else {
		answer = far_says(200,
		    arena_printf(v.a, "{\"id\":3,\"accounts\":[{\"id\":%s}]}", f->tenant));
	}
	arena_free(v.a);
	return answer;
}

const struct far_platform far_chatwoot = { "chatwoot", serve, body, headers, name_conversation,
	name_message };
