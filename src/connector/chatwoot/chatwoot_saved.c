/* A document that somebody has saved: a page of conversations (what GET conversations answers, or
 * POST conversations/filter, which leaves out data), one conversation, or a page of messages. Each message says of
 * which conversation it is, of newer servers. */
#include "connector/chatwoot/chatwoot.h"

#include "base/arena.h"
#include "base/json_in.h"
#include "connector/saved.h"

static const char what[] =
    "what GET conversations, conversations/ID or conversations/ID/messages answers";

static const struct saved_need of_conversation[] = {
	{ "id", SAVED_ID, "the conversation's id" },
	{ "inbox_id", SAVED_ID, "the inbox's id" },
	{ "meta.sender.id", SAVED_ID, "the contact's id" },
	{ "created_at", SAVED_NUMBER, "seconds since 1970" },
	{ NULL, SAVED_ID, NULL },
};

static const struct saved_need of_message[] = {
	{ "id", SAVED_ID, "the message's id" },
	{ "message_type", SAVED_ID, "0, 1, 2, 3" },
	{ "created_at", SAVED_NUMBER, "seconds since 1970" },
	{ NULL, SAVED_ID, NULL },
};

static bool has_messages(const struct json *list)
{
	return list->child != NULL && json_at(list->child, "message_type") != NULL;
}

static int take_messages(struct arena *a, const struct json *list, struct saved_page *out,
    struct parse_error *error)
{
	const struct json *j;

	for (j = list->child; j != NULL; j = j->next)
		out->is_nameless |= json_id(j, "conversation_id") == NULL;
	out->tells_messages = true;
	return saved_check(a, list, "payload", of_message, error);
}

static int take_one(struct arena *a, const struct json *root, struct saved_page *out,
    struct parse_error *error)
{
	struct json copy = *root;
	const struct json one = { .type = JSON_ARRAY, .count = 1, .child = &copy };

	copy.next = NULL;
	out->tells_conversations = true;
	out->conversation = json_id(root, "id");
	return saved_check(a, &one, "", of_conversation, error);
}

int chatwoot_recognise(const struct via *via, struct arena *a, const char *name, const char *text,
    size_t len, struct saved_page *out, struct parse_error *error)
{
	const struct json *root = saved_read(a, text, len, error), *list;

	(void)via;
	(void)name;
	*out = (struct saved_page){ 0 };
	if (root == NULL)
		return -1;
	if (json_id(root, "id") != NULL && json_object(root, "meta") != NULL)
		return take_one(a, root, out, error);
	list = chatwoot_conversations(root);
	if (list == NULL)
		return saved_wrong(a, error, "", root, what);
	if (has_messages(list))
		return take_messages(a, list, out, error);
	out->tells_conversations = list->count > 0;
	return saved_check(a, list,
	    json_array(root, "data.payload") != NULL ? "data.payload" : "payload", of_conversation,
	    error);
}
