/* A document that somebody has saved: a page of messages, of one address or of all. Conversations are made of what
 * customers wrote, as everywhere here. */
#include "connector/syniverse/syniverse.h"

#include <string.h>

#include "base/arena.h"
#include "base/json_in.h"
#include "connector/saved.h"

static const struct saved_need of_message[] = {
	{ "id", SAVED_ID, "the message's id" },
	{ "direction", SAVED_TEXT, "MO, MT" },
	{ "created_date", SAVED_ID, "a time like 2024-05-24T23:24:37.464Z" },
	{ NULL, SAVED_ID, NULL },
};

static int check(struct arena *a, const struct json *list, const char *name,
    struct parse_error *error)
{
	const struct json *j;
	const char *direction, *address;
	size_t i = 0;

	if (saved_check(a, list, name, of_message, error) != 0)
		return -1;
	for (j = list->child; j != NULL; j = j->next, i++) {
		direction = json_text(j, "direction");
		if (strcmp(direction, "MO") != 0 && strcmp(direction, "MT") != 0)
			return saved_wrong(a, error, arena_printf(a, "%s[%zu].direction", name, i),
			    json_at(j, "direction"), of_message[1].allowed);
		if (syniverse_time(json_at(j, "created_date"), INT64_MIN) == INT64_MIN)
			return saved_wrong(a, error,
			    arena_printf(a, "%s[%zu].created_date", name, i),
			    json_at(j, "created_date"), of_message[2].allowed);
		address = strcmp(direction, "MO") == 0 ? "from_address" : "to_address";
		if (syniverse_address(a, json_id(j, address)) == NULL)
			return saved_wrong(a, error,
			    arena_printf(a, "%s[%zu].%s", name, i, address), json_at(j, address),
			    "the customer's address");
	}
	return 0;
}

int syniverse_recognise(const struct via *via, struct arena *a, const char *name, const char *text,
    size_t len, struct saved_page *out, struct parse_error *error)
{
	const struct json *root = saved_read(a, text, len, error), *list;

	(void)via;
	(void)name;
	*out = (struct saved_page){ 0 };
	if (root == NULL)
		return -1;
	list = root->type == JSON_ARRAY ? root : json_array(root, "list");
	if (list == NULL)
		return saved_wrong(a, error, "", root, "what GET messaging/messages answers");
	out->tells_conversations = out->tells_messages = list->count > 0;
	return check(a, list, list == root ? "" : "list", error);
}
