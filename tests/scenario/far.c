/* See far.h. */
#include "far.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "fake_loop.h"
#include "fake_wire.h"
#include "flow/endpoint.h"
#include "flow/flow.h"

static unsigned long messages_made;

char *far_copy(const char *s)
{
	return s != NULL ? strdup(s) : NULL;
}

struct far_answer far_says(int status, const char *body)
{
	return (struct far_answer){ status, far_copy(body) };
}

void far_start(struct far *f, const char *endpoint, const char *tenant,
    const struct far_platform *platform)
{
	memset(f, 0, sizeof(*f));
	snprintf(f->name, sizeof(f->name), "%s", endpoint);
	snprintf(f->tenant, sizeof(f->tenant), "%s", tenant);
	f->platform = platform;
	TAILQ_INIT(&f->conversations);
	TAILQ_INIT(&f->contacts);
	TAILQ_INIT(&f->callbacks);
}

static void message_free(struct far_message *m)
{
	free(m->text);
	free(m->source_id);
	free(m->mark);
	free(m->name);
	free(m->choices);
	free(m->error);
	free(m);
}

static void conversation_free(struct far_conversation *c)
{
	struct far_message *m;

	while ((m = TAILQ_FIRST(&c->messages)) != NULL) {
		TAILQ_REMOVE(&c->messages, m, list);
		message_free(m);
	}
	free(c->person);
	free(c->name);
	free(c->mark);
	free(c->email);
	free(c->labels);
	free(c->attributes);
	free(c->priority);
	free(c->agent);
	free(c->team);
	free(c);
}

void far_forget_contacts(struct far *f)
{
	struct far_contact *contact;

	while ((contact = TAILQ_FIRST(&f->contacts)) != NULL) {
		TAILQ_REMOVE(&f->contacts, contact, list);
		free(contact->identifier);
		free(contact->source_id);
		free(contact->name);
		free(contact->email);
		free(contact->phone);
		free(contact->unverified);
		free(contact);
	}
}

void far_end(struct far *f)
{
	struct far_conversation *c;
	struct callback *b;

	while ((b = TAILQ_FIRST(&f->callbacks)) != NULL)
		far_forget(b);
	while ((c = TAILQ_FIRST(&f->conversations)) != NULL) {
		TAILQ_REMOVE(&f->conversations, c, list);
		conversation_free(c);
	}
	far_forget_contacts(f);
}

/* ---- what is there ---- */

struct far_conversation *far_conversation_new(struct far *f, const char *person)
{
	struct far_conversation *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	c->far = f;
	c->person = far_copy(person);
	c->version = c->began_ms = c->changed_ms = fake_now_ms;
	TAILQ_INIT(&c->messages);
	TAILQ_INSERT_TAIL(&f->conversations, c, list);
	f->platform->name_conversation(f, c);
	return c;
}

struct far_message *far_message_new(struct far *f, struct far_conversation *c, const char *text)
{
	struct far_message *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	m->text = far_copy(text != NULL ? text : "");
	m->at_ms = fake_now_ms;
	m->order = ++messages_made;
	c->changed_ms = fake_now_ms;
	TAILQ_INSERT_TAIL(&c->messages, m, list);
	f->platform->name_message(f, m);
	return m;
}

struct far_contact *far_contact_new(struct far *f)
{
	struct far_contact *contact = calloc(1, sizeof(*contact));

	assert_non_null(contact);
	snprintf(contact->id, sizeof(contact->id), "%llu", (unsigned long long)++f->last_id);
	TAILQ_INSERT_TAIL(&f->contacts, contact, list);
	return contact;
}

struct far_conversation *far_find(struct far *f, const char *id)
{
	struct far_conversation *c;

	TAILQ_FOREACH(c, &f->conversations, list)
		if (!c->is_deleted && strcmp(c->id, id) == 0)
			return c;
	return NULL;
}

struct far_conversation *far_nth(struct far *f, int n)
{
	struct far_conversation *c;

	TAILQ_FOREACH(c, &f->conversations, list)
		if (!c->is_deleted && n-- == 0)
			return c;
	return NULL;
}

/* In one order for all: by change, then as they began. */
static bool is_above(const struct far_conversation *c, const struct far_conversation *other)
{
	const struct far_conversation *n;

	if (c->changed_ms != other->changed_ms)
		return c->changed_ms > other->changed_ms;
	for (n = TAILQ_NEXT(other, list); n != NULL; n = TAILQ_NEXT(n, list))
		if (n == c)
			return true;
	return false;
}

struct far_conversation *far_changed(struct far *f, int64_t since_ms,
    const struct far_conversation *above)
{
	struct far_conversation *c, *least = NULL;

	TAILQ_FOREACH(c, &f->conversations, list)
		if (!c->is_deleted && c->changed_ms >= since_ms
		    && (above == NULL || is_above(c, above))
		    && (least == NULL || is_above(least, c)))
			least = c;
	return least;
}

bool far_is_text(const struct far_message *m, const char *text)
{
	const char *time_ends = strstr(m->text, " UTC] "); /* of what was moved */
	const char *words = time_ends != NULL ? time_ends + strlen(" UTC] ") : m->text;
	const char *name_ends = strstr(words, ": ");

	return strcmp(words, text) == 0 || (name_ends != NULL && strcmp(name_ends + 2, text) == 0);
}

int far_count(const struct far *f, const char *text)
{
	const struct far_conversation *c;
	const struct far_message *m;
	int n = 0;

	TAILQ_FOREACH(c, &f->conversations, list)
		TAILQ_FOREACH(m, &c->messages, list)
			n += far_is_text(m, text);
	return n;
}

/* ---- what happens there ---- */

struct callback *far_announce(struct far *f, struct far_conversation *c, struct far_message *m)
{
	struct callback *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->far = f;
	b->conversation = c;
	b->message = m;
	b->is_closed = c->is_closed;
	memcpy(b->waits, c->waits, sizeof(b->waits));
	b->version = c->version;
	b->at_ms = fake_now_ms;
	TAILQ_INSERT_TAIL(&f->callbacks, b, list);
	return b;
}

void far_forget(struct callback *c)
{
	TAILQ_REMOVE(&c->far->callbacks, c, list);
	free(c);
}

struct far_conversation *far_begin(struct far *f, const char *person)
{
	struct far_conversation *c = far_conversation_new(f, person);

	c->name = far_copy(person);
	if (f->platform == &far_chatwoot && far_contact_of(f, person) == NULL) {
		struct far_contact *contact = far_contact_new(f);

		contact->source_id = far_copy(person);
		contact->name = far_copy(person);
	}
	return c;
}

struct far_message *far_say(struct far *f, struct far_conversation *c, bool by_customer,
    const char *name, const char *text)
{
	struct far_message *m = far_message_new(f, c, text);

	m->by_customer = by_customer;
	m->name = far_copy(name);
	far_announce(f, c, m);
	return m;
}

void far_close(struct far *f, struct far_conversation *c, bool closed)
{
	if (c->is_closed == closed && c->waits[0] == '\0')
		return;
	c->is_closed = closed;
	c->waits[0] = '\0';
	c->version = fake_now_ms > c->version ? fake_now_ms : c->version + 1;
	c->changed_ms = c->version;
	far_announce(f, c, NULL);
}

void far_wait(struct far *f, struct far_conversation *c, const char *how)
{
	snprintf(c->waits, sizeof(c->waits), "%s", how);
	c->is_closed = false;
	c->version = fake_now_ms > c->version ? fake_now_ms : c->version + 1;
	c->changed_ms = c->version;
	far_announce(f, c, NULL);
}

static struct far_conversation *conversation_of(struct far *f, const struct far_message *m)
{
	struct far_conversation *c;
	const struct far_message *n;

	TAILQ_FOREACH(c, &f->conversations, list)
		TAILQ_FOREACH(n, &c->messages, list)
			if (n == m)
				return c;
	fail_msg("a message without a conversation");
	return NULL;
}

void far_type(struct far *f, struct far_conversation *c, bool by_customer, bool off)
{
	struct callback *b = far_announce(f, c, NULL);

	b->types = true;
	b->by_customer = by_customer;
	b->is_off = off;
}

/* Who stands behind an address, after all mergers. */
struct far_contact *far_contact_of(struct far *f, const char *source)
{
	struct far_contact *c;

	TAILQ_FOREACH(c, &f->contacts, list)
		if (c->source_id != NULL && strcmp(c->source_id, source) == 0) {
			while (c->merged_into != NULL)
				c = c->merged_into;
			return c;
		}
	return NULL;
}

char **far_field(struct far_conversation *c, const char *field)
{
	if (strcmp(field, "labels") == 0)
		return &c->labels;
	if (strcmp(field, "attributes") == 0)
		return &c->attributes;
	if (strcmp(field, "priority") == 0)
		return &c->priority;
	if (strcmp(field, "agent") == 0)
		return &c->agent;
	if (strcmp(field, "team") == 0)
		return &c->team;
	return strcmp(field, "email") == 0 ? &c->email : &c->name;
}

const char *far_fact(struct far *f, struct far_conversation *c, const char *field)
{
	struct far_contact *contact = far_contact_of(f, c->person);
	const char *value = *far_field(c, field);

	if (contact != NULL && f->platform == &far_chatwoot && strcmp(field, "name") == 0)
		value = contact->name;
	if (contact != NULL && f->platform == &far_chatwoot && strcmp(field, "email") == 0)
		value = contact->email;
	return value != NULL ? value : "";
}

static void set(char **field, const char *value)
{
	free(*field);
	*field = far_copy(value);
}

void far_change(struct far *f, struct far_conversation *c, const char *field, const char *value)
{
	set(far_field(c, field), value);
	c->version = fake_now_ms > c->version ? fake_now_ms : c->version + 1;
	c->changed_ms = c->version;
	far_announce(f, c, NULL);
}

void far_change_contact(struct far *f, const char *person, const char *field, const char *value)
{
	struct far_contact *contact = far_contact_of(f, person);
	struct far_conversation *c;

	if (f->platform == &far_smartify) { /* what it is, each conversation tells */
		TAILQ_FOREACH(c, &f->conversations, list)
			if (strcmp(c->person, person) == 0)
				far_change(f, c, field, value);
		return;
	}
	if (contact == NULL) {
		contact = far_contact_new(f);
		contact->source_id = far_copy(person);
	}
	set(strcmp(field, "email") == 0 ? &contact->email : &contact->name, value);
	contact->changed_ms =
	    fake_now_ms > contact->changed_ms ? fake_now_ms : contact->changed_ms + 1;
	far_announce(f, TAILQ_FIRST(&f->conversations), NULL)->contact = contact;
}

void far_merge(struct far *f, const char *person, const char *into)
{
	struct far_contact *gone = far_contact_of(f, person);

	assert_non_null(gone);
	gone->merged_into = far_contact_of(f, into);
	assert_non_null(gone->merged_into);
}

void far_erase(struct far *f, struct far_message *m)
{
	free(m->text);
	m->text = far_copy("This message was deleted");
	m->is_erased = true;
	far_announce(f, conversation_of(f, m), m)->is_update = true;
}

void far_show(struct far *f, struct far_message *m, const char *status, const char *error)
{
	snprintf(m->status, sizeof(m->status), "%s", status);
	free(m->error);
	m->error = far_copy(error);
	far_announce(f, conversation_of(f, m), m)->is_update = true;
}

/* Two updates, as the platform sends. */
void far_press_retry(struct far *f, struct far_message *m)
{
	far_show(f, m, "sent", NULL);
	far_show(f, m, "sent", NULL);
}

const char *far_tell(struct far *f, struct far_message *m, struct arena *a)
{
	const struct callback c = { .far = f, .conversation = conversation_of(f, m), .message = m };

	return f->platform->body(a, &c);
}

struct far_message *far_last(struct far *f, const char *text)
{
	struct far_conversation *c;
	struct far_message *m, *last = NULL;

	TAILQ_FOREACH(c, &f->conversations, list)
		TAILQ_FOREACH(m, &c->messages, list)
			if (far_is_text(m, text))
				last = m;
	return last;
}

struct callback *far_last_echo(struct far *f)
{
	struct callback *b;

	TAILQ_FOREACH_REVERSE(b, &f->callbacks, callback_list, list)
	if (b->message != NULL && b->message->by_relay && !b->is_update)
		return b;
	return NULL;
}

struct far_answer far_serve(struct far *f, struct sent *s)
{
	f->requests++;
	return f->platform->serve(f, s);
}

struct posted *far_post(struct rig *r, struct callback *c)
{
	const struct endpoint *e = rig_endpoint(r, c->far->name);
	struct http_header headers[4];
	struct arena *a = arena_new();
	const char *body = c->far->platform->body(a, c);
	size_t nheaders = c->far->platform->headers(a, body, headers);

	c->posted =
	    rig_post(r, arena_printf(a, "/hooks/%s/%s", c->far->name, e->conf.hook_key.v[0]), body,
		headers, nheaders);
	arena_free(a);
	return c->posted;
}
