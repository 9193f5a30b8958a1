/* Pages of what is there become events.
 *
 * Each message or conversation is written down as the callback that would have told it, and read as
 * one. Of messages there is only one page: the server answers with all of them. What that page does not
 * say is whose conversation it is. Where a page of conversations told it, that stands in `extra` of its
 * event; else the first who speaks as a customer is the person, and where nobody has, nobody is named.
 *
 * Conversations are read by the time of their last change, upwards: one that changes meanwhile moves to
 * the end. So the next page begins at the last time seen and not at the next number, which would step
 * over as many as have moved. */
#include "connector/smartify/smartify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/json_in.h"
#include "base/json_out.h"

#define NOBODY "?" /* never an id there */
#define CONVERSATIONS_MAX 100

struct page {
	const struct via *via;
	struct arena *arena;
	struct arena *scratch;      /* for what one takes to be read */
	const char *conversation;   /* as asked for; NULL: the messages say it */
	const struct json *request; /* the conversation, where it is known */
	const char *lead_id, *name;
	int64_t since_ms;
	size_t *unreadable; /* counts what cannot be read; NULL: then nothing is */
	struct parse_error *error;
};

static int unparsable(struct page *p, enum unparsable reason, const char *detail)
{
	p->error->reason = reason;
	p->error->detail = detail;
	return -1;
}

/* --- one as a callback ------------------------------------------------------------------------- */

static struct http_in callback_with(const struct page *p, struct json_out *o, const char *event)
{
	struct http_in hook = { .method = "POST", .path = "", .received_ms = p->via->now_ms };

	json_key(o, "hook");
	json_begin_object(o);
	json_member_text(o, "event", event);
	json_end_object(o);
	json_end_object(o);
	hook.body = json_done(o, &hook.body_len);
	return hook;
}

/* 1: read, 0: it is left out, -1. */
static int read_callback(struct page *p, const struct http_in *hook, struct event_list *out)
{
	struct event_list read = { 0 };
	bool is_read = smartify_parse(p->via, p->scratch, hook, &read, p->error) == 0;
	size_t i;

	for (i = 0; is_read && i < read.count; i++)
		event_keep(p->arena, &read.items[i], event_list_add(out, p->arena));
	if (!is_read)
		p->error->detail = arena_strdup(p->arena, p->error->detail);
	arena_reset(p->scratch);
	if (!is_read && p->unreadable == NULL)
		return -1;
	if (!is_read)
		++*p->unreadable;
	return is_read;
}

/* --- messages ---------------------------------------------------------------------------------- */

static bool is_customer(const char *sender)
{
	return sender != NULL && *sender != '\0' && strcmp(sender, "system") != 0
	    && strncmp(sender, "bot_", 4) != 0 && !smartify_is_id(sender);
}

static void find_person(struct page *p, const struct json *list)
{
	const struct json *m;

	p->lead_id = NOBODY;
	for (m = list->child; m != NULL; m = m->next)
		if (is_customer(json_id(m, "sender"))) {
			p->lead_id = json_id(m, "sender");
			p->name = json_text(m, "senderFullname");
			return;
		}
}

static void put_request(const struct page *p, struct json_out *o, const char *conversation)
{
	json_key(o, "request");
	if (p->request != NULL) {
		json_put(o, p->request);
		return;
	}
	json_begin_object(o);
	json_member_text(o, "request_id", conversation);
	json_key(o, "lead");
	json_begin_object(o);
	json_member_text(o, "lead_id", p->lead_id);
	json_member_text(o, "fullname", p->name);
	json_end_object(o);
	json_end_object(o);
}

static void put_payload(const struct page *p, struct json_out *o, const struct json *m)
{
	const char *conversation = json_id(m, "recipient");
	const struct json *c;

	json_key(o, "payload");
	json_begin_object(o);
	for (c = m->child; c != NULL; c = c->next)
		if (strcmp(c->key, "request") != 0) {
			json_key(o, c->key);
			json_put(o, c);
		}
	if (conversation == NULL) {
		conversation = p->conversation;
		json_member_text(o, "recipient", conversation);
	}
	put_request(p, o, conversation);
	json_end_object(o);
}

static struct http_in message_callback(const struct page *p, const struct json *m)
{
	struct json_out *o = json_out_new(p->scratch);

	json_begin_object(o);
	put_payload(p, o, m);
	return callback_with(p, o, "message.create");
}

static bool is_older(const struct page *p, const struct json *m)
{
	const char *text = json_text(m, "createdAt");
	int64_t at_ms;

	return text != NULL && time_parse(text, &at_ms) == 0 && at_ms < p->since_ms;
}

static int read_message(struct page *p, const struct json *m, struct event_list *out)
{
	struct http_in hook;
	struct event *e;
	int got;

	if (m->type != JSON_OBJECT)
		return unparsable(p, UNPARSABLE_BAD_FIELD, "the list holds what is no message");
	if (is_older(p, m))
		return 0;
	hook = message_callback(p, m);
	got = read_callback(p, &hook, out);
	if (got <= 0)
		return got;
	e = &out->items[out->count - 1];
	e->origin = ORIGIN_HISTORY;
	if (p->request == NULL && strcmp(p->lead_id, NOBODY) == 0)
		e->person = (struct person){ 0 };
	return 0;
}

static int read_messages(struct page *p, const struct json *list, struct event_list *out)
{
	const struct json *m;

	find_person(p, list);
	for (m = list->child; m != NULL; m = m->next)
		if (read_message(p, m, out) != 0)
			return -1;
	return 0;
}

/* --- conversations ----------------------------------------------------------------------------- */

/* What reading a message asks of its conversation. */
static const char *const kept[] = { "_id", "request_id", "id_project", "status", "preflight",
	"draft", "lead", "requester", "department", "participants", "participantsBots",
	"participatingBots", "channel", "tags", "createdAt" };

static const char *extra_of(const struct page *p, const struct json *request)
{
	struct json_out *o = json_out_new(p->scratch);
	const struct json *value;
	const char *text;
	size_t i;

	json_begin_object(o);
	for (i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
		value = json_member(request, kept[i]);
		if (value == NULL)
			continue;
		json_key(o, kept[i]);
		json_put(o, value);
	}
	if (json_object(request, "lead") == NULL && json_object(request, "snapshot.lead") != NULL) {
		json_key(o, "snapshot");
		json_begin_object(o);
		json_key(o, "lead");
		json_put(o, json_object(request, "snapshot.lead"));
		json_end_object(o);
	}
	if (json_text(request, "attributes.tieline") != NULL) {
		json_key(o, "attributes");
		json_begin_object(o);
		json_member_text(o, "tieline", json_text(request, "attributes.tieline"));
		json_end_object(o);
	}
	json_end_object(o);
	text = arena_strdup(p->arena, json_done(o, NULL));
	arena_reset(p->scratch);
	return text;
}

static struct http_in conversation_callback(const struct page *p, const struct json *request)
{
	struct json_out *o = json_out_new(p->scratch);

	json_begin_object(o);
	json_key(o, "payload");
	json_put(o, request);
	return callback_with(p, o, "request.update");
}

static int read_conversation(struct page *p, const struct json *request, struct event_list *out)
{
	struct http_in hook = conversation_callback(p, request);
	int got = read_callback(p, &hook, out);

	if (got > 0)
		out->items[out->count - 1].extra = extra_of(p, request);
	return got < 0 ? -1 : 0;
}

/* "<ms> <page>": from when on, and how many pages of that were seen. */
static void read_cursor(const struct job *job, int64_t *from_ms, int64_t *page)
{
	char *end;

	*from_ms = job->since_ms;
	*page = 0;
	if (job->cursor == NULL)
		return;
	*from_ms = strtoll(job->cursor, &end, 10);
	*page = strtoll(end, NULL, 10);
}

/* NULL: this page was the last. */
static const char *next_conversations(struct page *p, const struct job *job,
    const struct json *list)
{
	const struct json *last = list->child;
	int64_t from_ms, page, at_ms;
	const char *text;

	if (list->count < CONVERSATIONS_MAX)
		return NULL;
	read_cursor(job, &from_ms, &page);
	while (last->next != NULL)
		last = last->next;
	text = json_text(last, "updatedAt");
	/* Whole seconds are asked for. Where all of a page changed in one, the next page is. */
	if (text != NULL && time_parse(text, &at_ms) == 0 && at_ms / 1000 > from_ms / 1000)
		return arena_printf(p->arena, "%" PRId64 " 0", at_ms);
	return arena_printf(p->arena, "%" PRId64 " %" PRId64, from_ms, page + 1);
}

const char *smartify_conversations_path(struct arena *a, const struct job *job)
{
	char text[TIME_TEXT_SIZE], day[32];
	int64_t from_ms, page;

	read_cursor(job, &from_ms, &page);
	time_format(from_ms, text); /* 2026-11-27T10:20:30… */
	snprintf(day, sizeof(day), "%.4s/%.2s/%.2s %.8s", text, text + 5, text + 8, text + 11);
	return arena_printf(a,
	    "/requests?status=all&preflight=true&filterRangeField=updatedAt&start_date_time=%s"
	    "&timezone=UTC&sort=updatedAt&direction=1&limit=%d&page=%" PRId64 "&no_count=true",
	    http_encode(a, day), CONVERSATIONS_MAX, page);
}

const char *smartify_of_person_path(struct arena *a, const char *lead_id)
{
	return arena_printf(a,
	    "/requests?snap_lead_lead_id=%s&status=all&preflight=true&sort=createdAt&direction=-1"
	    "&limit=%d&no_count=true",
	    http_encode(a, lead_id), CONVERSATIONS_MAX);
}

/* --- whole ------------------------------------------------------------------------------------- */

static enum unparsable unparsable_of(enum json_fault fault)
{
	switch (fault) {
	case JSON_EMPTY: return UNPARSABLE_EMPTY;
	case JSON_NOT_JSON: return UNPARSABLE_NOT_JSON;
	case JSON_NOT_UTF8: return UNPARSABLE_NOT_UTF8;
	case JSON_TRUNCATED: return UNPARSABLE_TRUNCATED;
	case JSON_TOO_DEEP: return UNPARSABLE_TOO_DEEP;
	case JSON_OK: break;
	}
	return UNPARSABLE_NOT_JSON;
}

int smartify_parse_page(const struct via *via, struct arena *a, const char *conversation,
    const struct http_resp *resp, struct event_list *out, const char **cursor,
    struct parse_error *error)
{
	struct page p = { .via = via, .arena = a, .conversation = conversation, .error = error };
	const struct json *list;
	struct json_error fault;
	int ret;

	*error = (struct parse_error){ 0 };
	*cursor = NULL;
	list = json_read(a, resp->body, resp->body_len, &fault);
	if (list == NULL) {
		error->offset = fault.offset;
		return unparsable(&p, unparsable_of(fault.fault), fault.detail);
	}
	if (list->type != JSON_ARRAY)
		return unparsable(&p, UNPARSABLE_BAD_FIELD, "the page is no list");
	p.scratch = arena_new();
	ret = read_messages(&p, list, out);
	arena_free(p.scratch);
	return ret;
}

static int take_messages(struct page *p, const struct job *job, const struct json *answer,
    struct outcome *out)
{
	const struct json *list = answer->type == JSON_ARRAY ? answer : NULL;
	struct json_error fault;

	p->conversation = job->known->conversation;
	p->since_ms = job->since_ms;
	if (job->about != NULL && job->about->extra != NULL)
		p->request =
		    json_read(p->arena, job->about->extra, strlen(job->about->extra), &fault);
	return list != NULL ? read_messages(p, list, &out->events) : -1;
}

static int take_conversations(struct page *p, const struct job *job, const struct json *answer,
    struct outcome *out)
{
	const struct json *list = json_array(answer, "requests"), *j;

	if (job->known->conversation != NULL)
		return json_id(answer, "request_id") != NULL
		    ? read_conversation(p, answer, &out->events)
		    : -1;
	if (list == NULL)
		return -1;
	for (j = list->child; j != NULL; j = j->next)
		if (read_conversation(p, j, &out->events) != 0)
			return -1;
	if (job->step == STEP_FIND_CONVERSATION) {
		out->found = list->count < CONVERSATIONS_MAX;
		return 0;
	}
	out->cursor = next_conversations(p, job, list);
	return 0;
}

bool smartify_take_page(const struct via *via, struct arena *a, const struct job *job,
    const struct json *answer, struct outcome *out)
{
	/* Who reads conversations wants to know all of them, whatever callbacks are asked for. */
	struct endpoint_conf all = *via->endpoint;
	struct via curious = *via;
	struct parse_error error;
	struct page p = { .via = job->step == STEP_LIST_MESSAGES ? via : &curious,
		.arena = a,
		.scratch = arena_new(),
		.unreadable = &out->unreadable,
		.error = &error };
	int ret = -1;

	all.wants_facts = true;
	curious.endpoint = &all;
	if (answer != NULL)
		ret = job->step == STEP_LIST_MESSAGES ? take_messages(&p, job, answer, out)
						      : take_conversations(&p, job, answer, out);
	arena_free(p.scratch);
	return ret == 0;
}
