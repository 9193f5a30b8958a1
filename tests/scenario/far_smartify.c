/* A project, with the relay's account in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/json_in.h"
#include "base/json_out.h"
#include "fake_loop.h"
#include "fake_wire.h"
#include "far.h"

#define RELAY "00000000000000000000aaaa"
#define AGENT "00000000000000000000bbbb"
#define SECOND "00000000000000000000b00b"
#define DEPARTMENT "0000000000000000000de001"

/* ---- callbacks ---- */

static const char *time_text(struct arena *a, int64_t ms)
{
	char text[TIME_TEXT_SIZE];

	return arena_strdup(a, time_format(ms, text));
}

static void put_participants(struct json_out *o, const struct far_conversation *c)
{
	json_key(o, "participants");
	json_begin_array(o);
	if (c->agent == NULL || *c->agent != '\0')
		json_put_text(o, c->agent != NULL ? c->agent : AGENT);
	if (c->has_relay)
		json_put_text(o, RELAY);
	json_end_array(o);
	json_key(o, "participatingAgents");
	json_begin_array(o);
	json_begin_object(o);
	json_member_text(o, "_id", AGENT);
	json_member_text(o, "email", "bob@example.com");
	json_end_object(o);
	json_end_array(o);
}

static void put_tags(struct json_out *o, struct arena *a, const struct far_conversation *c)
{
	const struct json *list, *j;
	struct json_error error;

	json_key(o, "tags");
	json_begin_array(o);
	list = c->labels != NULL ? json_read(a, c->labels, strlen(c->labels), &error) : NULL;
	for (j = list != NULL ? list->child : NULL; j != NULL; j = j->next) {
		json_begin_object(o);
		json_member_text(o, "_id", "00000000000000000000cafe");
		json_member_text(o, "tag", j->text);
		json_member_text(o, "color", "#ff0000");
		json_end_object(o);
	}
	json_end_array(o);
}

/* The first message's are the conversation's, until somebody changes them. */
static const char *attributes_of(struct arena *a, const struct far_conversation *c)
{
	if (c->attributes != NULL)
		return c->attributes;
	return c->mark != NULL ? arena_printf(a, "{\"tieline\":\"%s\"}", c->mark) : "{}";
}

static void put_request(struct json_out *o, struct arena *a, const struct far_conversation *c,
    bool is_closed, const char *waits)
{
	json_member_text(o, "_id", c->ref);
	json_member_text(o, "request_id", c->id);
	json_member_int(o, "status", *waits != '\0' ? 150 : is_closed ? 1000 : 200);
	json_member_bool(o, "preflight", false);
	put_participants(o, c);
	json_key(o, "lead");
	json_begin_object(o);
	json_member_text(o, "_id", arena_printf(a, "e%s", c->ref + 1));
	json_member_text(o, "lead_id", c->person);
	json_member_text(o, "fullname", c->name);
	json_member_text(o, "email", c->email);
	json_end_object(o);
	put_tags(o, a, c);
	json_member_text(o, "priority", c->priority != NULL ? c->priority : "medium");
	json_member_text(o, "department", c->team != NULL ? c->team : DEPARTMENT);
	json_key(o, "attributes");
	json_put_raw(o, attributes_of(a, c), strlen(attributes_of(a, c)));
	json_key(o, "channel");
	json_begin_object(o);
	json_member_text(o, "name", "chat21");
	json_end_object(o);
	json_member_text(o, "id_project", c->far->tenant);
	json_member_text(o, "createdAt", time_text(a, c->began_ms));
}

static void put_message(struct json_out *o, struct arena *a, const struct far_conversation *c,
    const struct far_message *m)
{
	json_member_text(o, "_id", m->id);
	json_member_text(o, "sender",
	    m->is_line           ? "system"
		: m->by_customer ? c->person
		: m->by_relay    ? RELAY
				 : AGENT);
	json_member_text(o, "senderFullname", m->name);
	json_member_text(o, "recipient", c->id);
	json_member_text(o, "type", "text");
	json_member_text(o, "text", m->text);
	json_member_text(o, "id_project", c->far->tenant);
	json_member_text(o, "channel_type", "group");
	json_member_text(o, "createdAt", time_text(a, m->at_ms));
	json_key(o, "attributes");
	json_begin_object(o);
	if (m->is_private || m->is_line)
		json_member_text(o, "subtype", m->is_line ? "info/support" : "private");
	json_member_text(o, "tieline", m->mark);
	json_end_object(o);
	json_key(o, "request");
	json_begin_object(o);
	put_request(o, a, c, c->is_closed, c->waits);
	json_end_object(o);
}

static void put_typist(struct json_out *o, struct arena *a, const struct callback *b)
{
	json_member_text(o, "_id", "00000000000000000000eeee");
	json_member_text(o, "name", "typing.start");
	json_key(o, "attributes");
	json_begin_object(o);
	json_member_text(o, "recipient_id", b->conversation->id);
	json_member_text(o, "writer_id", b->by_customer ? b->conversation->person : AGENT);
	json_end_object(o);
	json_member_text(o, "id_project", b->far->tenant);
	json_member_text(o, "createdAt", time_text(a, b->at_ms));
}

static const char *body(struct arena *a, const struct callback *b)
{
	struct json_out *o = json_out_new(a);

	json_begin_object(o);
	json_member_int(o, "timestamp", fake_now_ms);
	json_key(o, "payload");
	json_begin_object(o);
	if (b->types) {
		put_typist(o, a, b);
	} else if (b->message != NULL) {
		put_message(o, a, b->conversation, b->message);
	} else {
		put_request(o, a, b->conversation, b->is_closed, b->waits);
		json_member_text(o, "updatedAt", time_text(a, b->version));
	}
	json_end_object(o);
	json_key(o, "hook");
	json_begin_object(o);
	json_member_text(o, "event",
	    b->types                 ? "event.emit.typing.start"
		: b->message != NULL ? "message.create"
				     : "request.update");
	json_end_object(o);
	json_end_object(o);
	return json_done(o, NULL);
}

static size_t headers(struct arena *a, const char *text, struct http_header out[4])
{
	(void)a, (void)text;
	out[0] = (struct http_header){ "Content-Type", "application/json", false };
	out[1] = (struct http_header){ "x-hook-secret", "hook-secret", false };
	return 2;
}

/* ---- names ---- */

static void name_conversation(struct far *f, struct far_conversation *c)
{
	unsigned long long n = ++f->last_id;

	snprintf(c->id, sizeof(c->id), "support-group-%s-%llu", f->tenant, n);
	snprintf(c->ref, sizeof(c->ref), "c%023llx", n);
}

static void name_message(struct far *f, struct far_message *m)
{
	snprintf(m->id, sizeof(m->id), "d%023llx", (unsigned long long)++f->last_id);
}

/* ---- requests ---- */

struct serving {
	struct far *f;
	struct arena *a;
	const struct sent *s;
	const struct json *body;
	struct json_out *o;
	const char *person; /* whose token it is; NULL: the relay account's */
};

static struct far_answer done(const struct serving *v)
{
	return far_says(200, json_done(v->o, NULL));
}

/* The claims of a token, which nobody checks here. */
static const char *person_of(struct arena *a, const char *auth)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const char *at = strchr(auth, '.');
	struct json_error error;
	unsigned bits = 0;
	int held = 0;
	char *text, *out;

	if (at == NULL)
		return NULL;
	text = out = arena_zalloc(a, strlen(at) + 1);
	for (at++; *at != '.' && *at != '\0'; at++) {
		bits = bits << 6 | (unsigned)(strchr(digits, *at) - digits);
		held += 6;
		if (held >= 8) {
			held -= 8;
			*out++ = (char)(bits >> held);
		}
	}
	return json_text(json_read(a, text, (size_t)(out - text), &error), "_id");
}

static bool belongs(struct far *f, const char *person)
{
	struct far_contact *c;

	TAILQ_FOREACH(c, &f->contacts, list)
		if (strcmp(c->source_id, person) == 0)
			return true;
	return false;
}

static struct far_answer sign_in_person(struct serving *v)
{
	if (v->person == NULL)
		return far_says(401, "Unauthorized");
	if (!belongs(v->f, v->person))
		far_contact_new(v->f)->source_id = far_copy(v->person);
	return far_says(200, "{\"success\":true}");
}

static struct far_answer sign_in(struct serving *v)
{
	return far_says(200,
	    arena_printf(v->a,
		"{\"success\":true,\"token\":\"JWT relay%d\",\"user\":{\"_id\":\"%s\"}}",
		++v->f->tokens, RELAY));
}

/* Posting into what is not there makes it, for whoever posts. */
static struct far_conversation *conversation_for(struct serving *v, const char *id,
    const char *person)
{
	struct far_conversation *c = far_find(v->f, id);

	if (c != NULL)
		return c;
	c = far_conversation_new(v->f, person);
	snprintf(c->id, sizeof(c->id), "%s", id);
	return c;
}

static struct far_answer post_message(struct serving *v, const char *id)
{
	const char *subtype = json_text(v->body, "attributes.subtype");
	struct far_conversation *c;
	struct far_message *m;

	if (v->person != NULL && !belongs(v->f, v->person))
		return far_says(403,
		    "{\"success\":false,\"msg\":\"you dont belong to the project.\"}");
	c = conversation_for(v, id, v->person != NULL ? v->person : RELAY);
	m = far_message_new(v->f, c, json_text(v->body, "text"));
	m->by_relay = true;
	m->by_customer = v->person != NULL;
	m->is_private =
	    subtype != NULL && (strcmp(subtype, "private") == 0 || strcmp(subtype, "info") == 0);
	m->mark = far_copy(json_text(v->body, "attributes.tieline"));
	m->name = far_copy(json_text(v->body, "senderFullname"));
	if (TAILQ_FIRST(&c->messages) == m && c->mark == NULL)
		c->mark = far_copy(m->mark);
	far_announce(v->f, c, m);
	json_begin_object(v->o);
	put_message(v->o, v->a, c, m);
	json_end_object(v->o);
	return done(v);
}

static struct far_answer list_messages(struct serving *v, struct far_conversation *c)
{
	struct far_message *m;

	json_begin_array(v->o);
	TAILQ_FOREACH(m, &c->messages, list) {
		json_begin_object(v->o);
		put_message(v->o, v->a, c, m);
		json_end_object(v->o);
	}
	json_end_array(v->o);
	return done(v);
}

static struct far_answer show(struct serving *v, struct far_conversation *c)
{
	json_begin_object(v->o);
	put_request(v->o, v->a, c, c->is_closed, c->waits);
	json_member_text(v->o, "updatedAt", time_text(v->a, c->changed_ms));
	json_end_object(v->o);
	return done(v);
}

static struct far_answer list_conversations(struct serving *v)
{
	const char *day = strstr(v->s->url, "start_date_time=") + strlen("start_date_time=");
	const char *page = strstr(v->s->url, "&page=") + strlen("&page=");
	const struct far_conversation *c = NULL;
	int64_t since_ms;
	int skip = atoi(page) * 100, n = 0;

	/* 2026%2F11%2F27%2010%3A20%3A30 */
	assert_int_equal(0,
	    time_parse(arena_printf(v->a, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", day, day + 7, day + 12,
			   day + 17, day + 22, day + 27),
		&since_ms));
	json_begin_object(v->o);
	json_key(v->o, "requests");
	json_begin_array(v->o);
	while (n < skip + 100 && (c = far_changed(v->f, since_ms, c)) != NULL) {
		if (n++ < skip)
			continue;
		json_begin_object(v->o);
		put_request(v->o, v->a, c, c->is_closed, c->waits);
		json_member_text(v->o, "updatedAt", time_text(v->a, c->changed_ms));
		json_end_object(v->o);
	}
	json_end_array(v->o);
	json_end_object(v->o);
	return done(v);
}

/* Of one contact, the newest first. */
static struct far_answer list_of_lead(struct serving *v)
{
	const char *lead = strstr(v->s->url, "snap_lead_lead_id=") + strlen("snap_lead_lead_id=");
	size_t len = strcspn(lead, "&");
	struct far_conversation *c;

	json_begin_object(v->o);
	json_key(v->o, "requests");
	json_begin_array(v->o);
	TAILQ_FOREACH_REVERSE(c, &v->f->conversations, far_conversations, list)
	if (!c->is_deleted && strlen(c->person) == len && strncmp(c->person, lead, len) == 0) {
		json_begin_object(v->o);
		put_request(v->o, v->a, c, c->is_closed, c->waits);
		json_member_text(v->o, "updatedAt", time_text(v->a, c->changed_ms));
		json_end_object(v->o);
	}
	json_end_array(v->o);
	json_end_object(v->o);
	return done(v);
}

static struct far_answer create_conversation(struct serving *v)
{
	struct far_conversation *c = far_find(v->f, json_text(v->body, "request_id"));
	bool is_new = c == NULL;

	c = conversation_for(v, json_text(v->body, "request_id"), json_text(v->body, "sender"));
	if (is_new && json_array(v->body, "participants") != NULL) {
		c->agent = far_copy("");
		c->has_relay = true;
	}
	return show(v, c);
}

static const char *tags_of(const struct serving *v)
{
	const struct json *list = json_array(v->body, "tags"), *j;
	struct json_out *o = json_out_new(v->a);

	json_begin_array(o);
	for (j = list->child; j != NULL; j = j->next)
		json_put_text(o, json_text(j, "tag"));
	json_end_array(o);
	return json_done(o, NULL);
}

static const char *merged(const struct serving *v, const struct far_conversation *c)
{
	const struct json *now, *j;
	struct json_out *o = json_out_new(v->a);
	struct json_error error;

	now = c->attributes != NULL ? json_read(v->a, c->attributes, strlen(c->attributes), &error)
				    : NULL;
	json_begin_object(o);
	for (j = now != NULL ? now->child : NULL; j != NULL; j = j->next)
		if (json_member(v->body, j->key) == NULL) {
			json_key(o, j->key);
			json_put(o, j);
		}
	for (j = v->body->child; j != NULL; j = j->next) {
		json_key(o, j->key);
		json_put(o, j);
	}
	json_end_object(o);
	return json_done(o, NULL);
}

/* True: it was about that. */
static bool change_facts(struct serving *v, struct far_conversation *c, const char *tail)
{
	const struct json *j;
	const char *agent = "";

	if (strcmp(tail, "/attributes") == 0) {
		far_change(v->f, c, "attributes", merged(v, c));
	} else if (strcmp(tail, "/departments") == 0) {
		c->calls++;
		far_change(v->f, c, "team", json_text(v->body, "departmentid"));
	} else if (strcmp(tail, "/participants") == 0 && strcmp(v->s->method, "PUT") == 0) {
		assert_int_equal(v->body->type, JSON_ARRAY); /* else it never answers */
		c->has_relay = false;
		for (j = v->body->child; j != NULL; j = j->next)
			if (strcmp(j->text, RELAY) == 0)
				c->has_relay = true;
			else
				agent = j->text;
		far_change(v->f, c, "agent", agent);
	} else if (*tail == '\0' && json_array(v->body, "tags") != NULL) {
		far_change(v->f, c, "labels", tags_of(v));
	} else if (*tail == '\0' && json_text(v->body, "priority") != NULL) {
		far_change(v->f, c, "priority", json_text(v->body, "priority"));
	} else {
		return false;
	}
	return true;
}

/* PUT /leads/:id by the second id of one of its conversations. */
static struct far_answer change_lead(struct serving *v, const char *id)
{
	struct far_conversation *c, *of = NULL, *next;

	TAILQ_FOREACH(c, &v->f->conversations, list)
		if (strcmp(c->ref + 1, id + 1) == 0)
			of = c;
	if (of == NULL)
		return far_says(404, "{\"success\":false,\"msg\":\"Object not found.\"}");
	for (c = TAILQ_FIRST(&v->f->conversations); c != NULL; c = next) {
		next = TAILQ_NEXT(c, list);
		if (strcmp(c->person, of->person) != 0)
			continue;
		if (json_text(v->body, "fullname") != NULL)
			far_change(v->f, c, "name", json_text(v->body, "fullname"));
		if (json_text(v->body, "email") != NULL)
			far_change(v->f, c, "email", json_text(v->body, "email"));
	}
	return far_says(200, "{}");
}

static struct far_answer serve_conversation(struct serving *v, const char *id, const char *tail)
{
	struct far_conversation *c = far_find(v->f, id);
	bool is_get = strcmp(v->s->method, "GET") == 0;

	if (strcmp(tail, "/messages") == 0 && !is_get)
		return post_message(v, id);
	if (c == NULL && strcmp(tail, "/close") == 0)
		return far_says(500, "{\"success\":false,\"msg\":\"Error closing request\"}");
	if (c == NULL)
		return far_says(404, "{\"success\":false,\"msg\":\"Object not found.\"}");
	if (is_get && *tail == '\0')
		return show(v, c);
	if (is_get)
		return list_messages(v, c);
	if (change_facts(v, c, tail))
		; /* so it is now */
	else if (strcmp(tail, "/participants") == 0)
		c->has_relay = true;
	else if (strcmp(tail, "/close") == 0 && c->is_closed)
		far_announce(v->f, c, NULL); /* told once more */
	else
		far_close(v->f, c, strcmp(tail, "/close") == 0);
	return show(v, c);
}

static struct far_answer serve_in_project(struct serving *v, const char *path)
{
	const char *id = path + strlen("/requests/");
	size_t len;

	if (strstr(path, "snap_lead_lead_id=") != NULL)
		return list_of_lead(v);
	if (strncmp(path, "/requests?", strlen("/requests?")) == 0)
		return list_conversations(v);
	if (strcmp(path, "/requests") == 0)
		return create_conversation(v);
	if (strncmp(path, "/requests/", strlen("/requests/")) == 0) {
		len = strcspn(id, "/");
		return serve_conversation(v, arena_strndup(v->a, id, len), id + len);
	}
	if (strcmp(path, "/project_users") == 0)
		return far_says(200,
		    "[{\"id_user\":{\"_id\":\"" AGENT "\",\"email\":\"bob@example.com\","
		    "\"firstname\":\"Bob\",\"lastname\":\"Nair\"}},"
		    "{\"id_user\":{\"_id\":\"" SECOND "\",\"email\":\"eve@shop.example\","
		    "\"firstname\":\"Eve\"}}]");
	if (strncmp(path, "/project_users/users/", strlen("/project_users/users/")) == 0)
		return far_says(200, "[{\"role\":\"admin\"}]");
	if (strcmp(path, "/departments") == 0)
		return far_says(200,
		    "[{\"_id\":\"" DEPARTMENT "\",\"name\":\"Default\"},"
		    "{\"_id\":\"0000000000000000000de002\",\"name\":\"Sales\"}]");
	if (strncmp(path, "/leads/", strlen("/leads/")) == 0)
		return change_lead(v, path + strlen("/leads/"));
	if (strcmp(path, "/leads") == 0)
		return far_says(200, "{\"_id\":\"00000000000000000000cccc\"}");
	return far_says(200, "[]");
}

static struct far_answer route(struct serving *v)
{
	const char *project = arena_printf(v->a, "/%s/", v->f->tenant);
	const char *path = strstr(v->s->url, project);

	if (strstr(v->s->url, "/auth/signinWithCustomToken") != NULL)
		return sign_in_person(v);
	if (strstr(v->s->url, "/auth/signin") != NULL)
		return sign_in(v);
	if (v->person == NULL
	    && strcmp(v->s->auth, arena_printf(v->a, "JWT relay%d", v->f->tokens)) != 0)
		return far_says(401, "Unauthorized");
	if (strstr(v->s->url, "/projects/") != NULL)
		return far_says(200, "{\"name\":\"Shop\"}");
	return serve_in_project(v, path + strlen(project) - 1);
}

static struct far_answer serve(struct far *f, const struct sent *s)
{
	struct serving v = { .f = f, .a = arena_new(), .s = s };
	struct far_answer answer;
	struct json_error error;

	v.body = json_read(v.a, s->body, strlen(s->body), &error);
	v.o = json_out_new(v.a);
	v.person = person_of(v.a, s->auth);
	answer = route(&v);
	arena_free(v.a);
	return answer;
}

const struct far_platform far_smartify = { "smartify", serve, body, headers, name_conversation,
	name_message };
