/* A document that somebody has saved: a page of requests, one request, or messages, which all say of which request
 * they are. */
#include "connector/smartify/smartify.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/json_in.h"
#include "connector/saved.h"

static const char what[] = "what GET requests, requests/ID or requests/ID/messages answers";
static const char a_time[] = "a time like 2026-11-20T20:29:16.267Z";

static const struct saved_need of_message[] = {
	{ "_id", SAVED_ID, "the message's id" },
	{ "sender", SAVED_ID, "who wrote it" },
	{ "createdAt", SAVED_TEXT, a_time },
	{ NULL, SAVED_ID, NULL },
};

static const struct saved_need of_request[] = {
	{ "request_id", SAVED_ID, "the conversation's id" },
	{ "updatedAt", SAVED_TEXT, a_time },
	{ NULL, SAVED_ID, NULL },
};

/* A list of one kind: that its times are times, and that a conversation's customer is told. */
static int check_more(struct arena *a, const struct json *list, const char *name, const char *time,
    bool needs_lead, struct parse_error *error)
{
	const struct json *j;
	size_t i = 0;
	int64_t ms;

	for (j = list->child; j != NULL; j = j->next, i++) {
		if (time_parse(json_text(j, time), &ms) != 0)
			return saved_wrong(a, error, arena_printf(a, "%s[%zu].%s", name, i, time),
			    json_at(j, time), a_time);
		if (needs_lead && json_id(j, "lead.lead_id") == NULL
		    && json_id(j, "snapshot.lead.lead_id") == NULL)
			return saved_wrong(a, error,
			    arena_printf(a, "%s[%zu].lead.lead_id", name, i),
			    json_at(j, "lead.lead_id"),
			    "the customer's id (without no_populate), here or in snapshot");
	}
	return 0;
}

static int check_requests(struct arena *a, const struct json *list, const char *name,
    struct parse_error *error)
{
	return saved_check(a, list, name, of_request, error) == 0
	    ? check_more(a, list, name, "updatedAt", true, error)
	    : -1;
}

static int take_messages(struct arena *a, const struct json *list, struct saved_page *out,
    struct parse_error *error)
{
	const struct json *j;

	if (saved_check(a, list, "", of_message, error) != 0
	    || check_more(a, list, "", "createdAt", false, error) != 0)
		return -1;
	for (j = list->child; j != NULL; j = j->next)
		out->is_nameless |= json_id(j, "recipient") == NULL;
	out->tells_messages = list->count > 0;
	return 0;
}

int smartify_recognise(const struct via *via, struct arena *a, const char *name, const char *text,
    size_t len, struct saved_page *out, struct parse_error *error)
{
	const struct json *root = saved_read(a, text, len, error);
	const struct json *list = json_array(root, "requests");
	struct json one = { .type = JSON_ARRAY, .count = 1 }, copy;

	(void)via;
	(void)name;
	*out = (struct saved_page){ 0 };
	if (root == NULL)
		return -1;
	if (root->type == JSON_ARRAY)
		return take_messages(a, root, out, error);
	if (list == NULL && json_id(root, "request_id") == NULL)
		return saved_wrong(a, error, "", root, what);
	out->tells_conversations = list == NULL || list->count > 0;
	if (list != NULL)
		return check_requests(a, list, "requests", error);
	out->conversation = json_id(root, "request_id");
	copy = *root;
	copy.next = NULL;
	one.child = &copy;
	return check_requests(a, &one, "", error);
}
