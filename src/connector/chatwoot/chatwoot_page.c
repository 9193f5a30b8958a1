/* Pages of what is there become events.
 *
 * Answers have the same things in another shape than callbacks: each message is written down as the
 * callback that would have told it, and read as one. So there is one reader, and whatever it learns of
 * newer servers holds for pages too.
 *
 * What a page of messages does not say: which contact inbox the conversation has. Newer servers tell it
 * with each message, and a page of conversations with the last one of each. */
#include "connector/chatwoot/chatwoot.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json_out.h"

enum {
	PAGE_NEWEST = 20,
	PAGE_FULL = 100, /* with after= */
	PAGE_OF_CONTACT = 20,
	PAGE_OF_INBOX = 25
};

struct page {
	const struct via *via;
	struct arena *a;
	struct arena *scratch;    /* for what one takes to be read */
	const char *conversation; /* as asked for; NULL: the messages say it */
	const struct json *about; /* the block that a callback would have had; NULL: not known */
	const struct json *meta;
	int64_t since_ms;
	size_t *unreadable; /* counts what cannot be read; NULL: then nothing is */
	struct parse_error *error;
};

static int unparsable(struct page *p, enum unparsable reason, const char *detail)
{
	*p->error = (struct parse_error){ .reason = reason, .detail = detail };
	return -1;
}

static void put_member(struct json_out *o, const char *key, const struct json *value)
{
	if (value == NULL)
		return;
	json_key(o, key);
	json_put(o, value);
}

/* The block that a callback would have had. */
static void put_conversation(struct page *p, struct json_out *o, const struct json *m)
{
	const char *id = json_id(m, "conversation_id");

	json_key(o, "conversation");
	if (p->about != NULL) {
		json_put(o, p->about);
		return;
	}
	json_begin_object(o);
	json_member_id(o, "id", id != NULL ? id : p->conversation);
	put_member(o, "inbox_id", json_at(m, "inbox_id"));
	put_member(o, "contact_inbox", json_at(m, "conversation.contact_inbox"));
	put_member(o, "additional_attributes", json_at(p->meta, "additional_attributes"));
	put_member(o, "labels", json_at(p->meta, "labels"));
	json_key(o, "meta");
	json_begin_object(o);
	put_member(o, "sender", json_at(p->meta, "contact"));
	json_end_object(o);
	json_end_object(o);
}

static void put_account(struct page *p, struct json_out *o)
{
	const char *account = chatwoot_account(p->via);

	if (account == NULL)
		return;
	json_key(o, "account");
	json_begin_object(o);
	json_member_id(o, "id", account);
	json_end_object(o);
}

static struct http_in end_callback(struct page *p, struct json_out *o)
{
	struct http_in hook = { .method = "POST", .path = "", .received_ms = p->via->now_ms };

	put_account(p, o);
	json_end_object(o);
	hook.body = json_done(o, &hook.body_len);
	return hook;
}

/* 1: read, 0: it is left out, -1. */
static int read_callback(struct page *p, const struct http_in *hook, struct event_list *out)
{
	struct event_list read = { 0 };
	bool is_read = chatwoot_parse(p->via, p->scratch, hook, &read, p->error) == 0;
	size_t i;

	for (i = 0; is_read && i < read.count; i++)
		event_keep(p->a, &read.items[i], event_list_add(out, p->a));
	if (!is_read)
		p->error->detail = arena_strdup(p->a, p->error->detail);
	arena_reset(p->scratch);
	if (!is_read && p->unreadable == NULL)
		return -1;
	if (!is_read)
		++*p->unreadable;
	return is_read;
}

static struct http_in message_callback(struct page *p, const struct json *m)
{
	struct json_out *o = json_out_new(p->scratch);
	const struct json *c;

	json_begin_object(o);
	json_member_text(o, "event", "message_created");
	for (c = m->child; c != NULL; c = c->next)
		if (strcmp(c->key, "event") != 0 && strcmp(c->key, "conversation") != 0
		    && strcmp(c->key, "account") != 0)
			put_member(o, c->key, c);
	put_conversation(p, o, m);
	return end_callback(p, o);
}

/* Times of messages are whole seconds. */
static bool is_older(const struct page *p, const struct json *m)
{
	int64_t seconds = json_int(m, "created_at", 0);

	return seconds > 0 && seconds < p->since_ms / 1000;
}

static int read_messages(struct page *p, const struct json *list, struct event_list *out)
{
	const struct json *m;
	struct http_in hook;
	int got;

	for (m = list->child; m != NULL; m = m->next) {
		if (m->type != JSON_OBJECT)
			return unparsable(p, UNPARSABLE_BAD_FIELD,
			    "payload holds what is no message");
		if (is_older(p, m))
			continue;
		hook = message_callback(p, m);
		got = read_callback(p, &hook, out);
		if (got < 0)
			return -1;
		if (got > 0)
			out->items[out->count - 1].origin = ORIGIN_HISTORY;
	}
	return 0;
}

/* --- conversations ----------------------------------------------------------------------------- */

/* The block that a callback would have had: members as they are, but for where the contact inbox and
 * the channel stand. */
static void put_block(struct page *p, struct json_out *o, const struct json *c)
{
	static const char *const kept[] = { "id", "inbox_id", "additional_attributes", "labels",
		"meta", "status", "created_at", "updated_at", "last_activity_at", "priority",
		"custom_attributes" };
	size_t i;

	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		put_member(o, kept[i], json_at(c, kept[i]));
	put_member(o, "channel", json_at(c, "meta.channel"));
	put_member(o, "contact_inbox", json_at(c, "messages.0.conversation.contact_inbox"));
	put_account(p, o);
}

static const char *block_of(struct page *p, const struct json *c)
{
	struct json_out *o = json_out_new(p->scratch);
	const char *text;

	json_begin_object(o);
	put_block(p, o, c);
	json_end_object(o);
	text = arena_strdup(p->a, json_done(o, NULL));
	arena_reset(p->scratch);
	return text;
}

static int read_conversation(struct page *p, const struct json *c, struct event_list *out)
{
	struct json_out *o = json_out_new(p->scratch);
	struct http_in hook = { .method = "POST", .path = "", .received_ms = p->via->now_ms };
	int got;

	if (c->type != JSON_OBJECT)
		return unparsable(p, UNPARSABLE_BAD_FIELD, "payload holds what is no conversation");
	json_begin_object(o);
	json_member_text(o, "event", "conversation_updated");
	put_block(p, o, c);
	json_end_object(o);
	hook.body = json_done(o, &hook.body_len);
	got = read_callback(p, &hook, out);
	if (got > 0)
		out->items[out->count - 1].extra = block_of(p, c);
	return got < 0 ? -1 : 0;
}

static int read_conversations(struct page *p, const struct json *list, struct event_list *out)
{
	const struct json *c;

	for (c = list->child; c != NULL; c = c->next)
		if (read_conversation(p, c, out) != 0)
			return -1;
	return 0;
}

/* --- whole ------------------------------------------------------------------------------------- */

static enum unparsable unparsable_of(enum json_fault fault)
{
	switch (fault) {
	case JSON_EMPTY: return UNPARSABLE_EMPTY;
	case JSON_NOT_UTF8: return UNPARSABLE_NOT_UTF8;
	case JSON_TRUNCATED: return UNPARSABLE_TRUNCATED;
	case JSON_TOO_DEEP: return UNPARSABLE_TOO_DEEP;
	case JSON_NOT_JSON:
	case JSON_OK: break;
	}
	return UNPARSABLE_NOT_JSON;
}

int chatwoot_parse_page(const struct via *via, struct arena *a, const char *conversation,
    const struct http_resp *resp, struct event_list *out, const char **cursor,
    struct parse_error *error)
{
	struct page p = { .via = via, .a = a, .conversation = conversation, .error = error };
	const struct json *root, *list;
	struct json_error fault;
	int ret;

	*cursor = NULL;
	root = json_read(a, resp->body, resp->body_len, &fault);
	if (root == NULL) {
		*error =
		    (struct parse_error){ unparsable_of(fault.fault), fault.offset, fault.detail };
		return -1;
	}
	if (root->type != JSON_OBJECT)
		return unparsable(&p, UNPARSABLE_NOT_OBJECT, "the page is no object");
	list = json_array(root, "payload");
	if (list == NULL)
		return unparsable(&p, UNPARSABLE_BAD_FIELD, "payload is no list");
	p.meta = json_object(root, "meta");
	p.scratch = arena_new();
	ret = read_messages(&p, list, out);
	arena_free(p.scratch);
	if (ret != 0)
		return -1;
	if (list->count >= PAGE_FULL)
		*cursor = out->items[out->count - 1].remote;
	return 0;
}

/* Of all, upwards: behind the newest of this page. */
static const char *newer_messages(const struct json *list)
{
	const struct json *last = list->child;

	if (list->count < PAGE_FULL)
		return NULL;
	while (last->next != NULL)
		last = last->next;
	return json_id(last, "id");
}

/* The page before the oldest message of this one; NULL: all was seen that is wanted. */
static const char *older_messages(const struct page *p, const struct json *list)
{
	if (list->count < PAGE_NEWEST || is_older(p, list->child))
		return NULL;
	return json_id(list->child, "id");
}

static int take_messages(struct page *p, const struct job *job, const struct json *answer,
    struct outcome *out)
{
	const struct json *list = json_array(answer, "payload");
	struct json_error fault;

	if (list == NULL)
		return -1;
	p->conversation = job->known->conversation;
	p->meta = json_object(answer, "meta");
	if (job->about != NULL && job->about->extra != NULL)
		p->about = json_read(p->a, job->about->extra, strlen(job->about->extra), &fault);
	if (read_messages(p, list, &out->events) != 0)
		return -1;
	out->cursor = job->is_whole ? newer_messages(list) : older_messages(p, list);
	return 0;
}

/* "<page> <count when the walk began>". What is deleted meanwhile moves what is behind it to pages that were seen:
 * where there are fewer at the end, all of it is gone through once more. */
static const char *next_conversations(struct page *p, const struct job *job,
    const struct json *answer, const struct json *list)
{
	const char *blank = job->cursor != NULL ? strchr(job->cursor, ' ') : NULL;
	int64_t page = job->cursor != NULL ? strtoll(job->cursor, NULL, 10) : 1;
	int64_t now = json_int(answer, "data.meta.all_count", 0);
	int64_t before = blank != NULL ? strtoll(blank, NULL, 10) : now;

	if (list->count > 0)
		return arena_printf(p->a, "%" PRId64 " %" PRId64, page + 1, before);
	return now < before ? arena_printf(p->a, "1 %" PRId64, now) : NULL;
}

const struct json *chatwoot_conversations(const struct json *answer)
{
	const struct json *list = json_array(answer, "data.payload");

	return list != NULL ? list : json_array(answer, "payload");
}

static int take_conversations(struct page *p, const struct job *job, const struct json *answer,
    struct outcome *out)
{
	const struct json *list = chatwoot_conversations(answer);

	if (job->known->conversation != NULL)
		return json_id(answer, "id") != NULL ? read_conversation(p, answer, &out->events)
						     : -1;
	if (list == NULL || read_conversations(p, list, &out->events) != 0)
		return -1;
	if (job->is_whole)
		out->cursor = next_conversations(p, job, answer, list);
	return 0;
}

/* Who has no contact has no conversation. */
static int take_person(struct page *p, const struct job *job, const struct json *answer,
    struct outcome *out)
{
	bool is_customers = job->message->to == SIDE_CUSTOMERS;
	const struct json *list = json_array(answer, is_customers ? "data.payload" : "payload");
	unsigned full = is_customers ? PAGE_OF_INBOX : PAGE_OF_CONTACT;

	if (list == NULL)
		return -1;
	if (!is_customers && job->cursor == NULL && job->known->contact == NULL) {
		out->cursor = chatwoot_choose_contact(p->a, job->message, list);
		out->found = out->cursor == NULL;
		return 0;
	}
	out->found = list->count < full;
	return read_conversations(p, list, &out->events);
}

bool chatwoot_take_page(const struct via *via, struct arena *a, const struct job *job,
    const struct json *answer, struct outcome *out)
{
	/* Who reads conversations wants to know all of them, whatever callbacks are asked for. */
	struct endpoint_conf all = *via->endpoint;
	struct via curious = *via;
	struct parse_error error;
	struct page p = { .via = job->step == STEP_LIST_MESSAGES ? via : &curious,
		.a = a,
		.scratch = arena_new(),
		.since_ms = job->since_ms,
		.unreadable = &out->unreadable,
		.error = &error };
	int ret = -1;

	all.wants_facts = true;
	curious.endpoint = &all;
	if (answer != NULL && job->step == STEP_LIST_MESSAGES)
		ret = take_messages(&p, job, answer, out);
	else if (answer != NULL && job->step == STEP_FIND_CONVERSATION)
		ret = take_person(&p, job, answer, out);
	else if (answer != NULL)
		ret = take_conversations(&p, job, answer, out);
	arena_free(p.scratch);
	return ret == 0;
}
