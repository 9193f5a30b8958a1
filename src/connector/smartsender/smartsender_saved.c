/* A document that somebody has saved: a page of chats, one chat, or a page of messages. Messages do not say whose
 * they are, and chats not whether they are closed: who asked for them knew, and the name of the file has to say. */
#include "connector/smartsender/smartsender.h"

#include <string.h>

#include "base/arena.h"
#include "base/json_in.h"
#include "connector/saved.h"

static const char what[] = "what GET chats, chats/ID or chats/ID/messages answers";

static const struct saved_need of_chat[] = {
	{ "id", SAVED_NUMBER, "the chat's id" },
	{ "contact.originalId", SAVED_NUMBER, "the contact's id" },
	{ NULL, SAVED_ID, NULL },
};

static const struct saved_need of_message[] = {
	{ "id", SAVED_ID, "the message's id" },
	{ "createdAt", SAVED_TEXT, "a time like 2024-03-05 17:44:58" },
	{ NULL, SAVED_ID, NULL },
};

static int check_times(const struct via *via, struct arena *a, const struct json *list,
    struct parse_error *error)
{
	const struct json *j;
	size_t i = 0;

	for (j = list->child; j != NULL; j = j->next, i++)
		if (smartsender_time(via, j, "createdAt", smartsender_latest(via)) == 0)
			return saved_wrong(a, error,
			    arena_printf(a, "collection[%zu].createdAt", i),
			    json_at(j, "createdAt"), of_message[1].allowed);
	return 0;
}

static bool has_messages(const struct json *list)
{
	return list->child != NULL
	    && (json_at(list->child, "content") != NULL || json_at(list->child, "sender") != NULL);
}

static int take_one(struct arena *a, const struct json *root, struct saved_page *out,
    struct parse_error *error)
{
	struct json copy = *root;
	const struct json one = { .type = JSON_ARRAY, .count = 1, .child = &copy };

	copy.next = NULL;
	out->tells_conversations = true;
	out->conversation = json_id(root, "id");
	return saved_check(a, &one, "", of_chat, error);
}

int smartsender_recognise(const struct via *via, struct arena *a, const char *name,
    const char *text, size_t len, struct saved_page *out, struct parse_error *error)
{
	const struct json *root = saved_read(a, text, len, error), *list;

	*out = (struct saved_page){ 0 };
	if (root == NULL)
		return -1;
	list = root->type == JSON_OBJECT && json_member(root, "error") == NULL
	    ? smartsender_list(root, "collection")
	    : NULL;
	if (list == NULL && json_object(root, "contact") != NULL)
		return take_one(a, root, out, error);
	if (list == NULL)
		return saved_wrong(a, error, "", root, what);
	if (has_messages(list)) {
		out->tells_messages = out->is_nameless = true;
		return saved_check(a, list, "collection", of_message, error) == 0
		    ? check_times(via, a, list, error)
		    : -1;
	}
	out->tells_conversations = list->count > 0;
	out->cursor = name != NULL && strstr(name, "closed") != NULL ? "closed 1" : NULL;
	return saved_check(a, list, "collection", of_chat, error);
}
