/* See saved.h. */
#include "connector/saved.h"

#include "base/arena.h"
#include "base/json_in.h"
#include "core/text.h"

#define SHOWN_MAX 40 /* of what was found */

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

const struct json *saved_read(struct arena *a, const char *text, size_t len,
    struct parse_error *error)
{
	struct json_error fault;
	const struct json *root = json_read(a, text, len, &fault);

	*error = (struct parse_error){ 0 };
	if (root == NULL)
		*error = (struct parse_error){ unparsable_of(fault.fault), fault.offset,
			arena_printf(a, "%s; allowed: a JSON document", fault.detail) };
	return root;
}

static const char *found_in(struct arena *a, const struct json *j)
{
	static const char *const types[] = { "null", "false", "true", NULL, NULL, "a list",
		"an object" };

	if (j == NULL)
		return "nothing";
	if (j->type == JSON_STRING)
		return arena_printf(a, "\"%s\"", text_excerpt(a, j->text, SHOWN_MAX));
	if (j->type == JSON_NUMBER)
		return text_excerpt(a, j->text, SHOWN_MAX);
	return types[j->type];
}

int saved_wrong(struct arena *a, struct parse_error *error, const char *member,
    const struct json *found, const char *allowed)
{
	*error = (struct parse_error){ .reason = UNPARSABLE_BAD_FIELD,
		.detail = arena_printf(a, "%s%sfound %s; allowed: %s", member,
		    *member != '\0' ? ": " : "", found_in(a, found), allowed) };
	return -1;
}

static bool is_met(const struct json *item, const struct saved_need *n)
{
	const char *id = json_id(item, n->path);

	switch (n->type) {
	case SAVED_ID: return id != NULL && *id != '\0';
	case SAVED_TEXT: return json_text(item, n->path) != NULL;
	case SAVED_NUMBER: return json_int(item, n->path, INT64_MIN) != INT64_MIN;
	}
	return false;
}

int saved_check(struct arena *a, const struct json *list, const char *name,
    const struct saved_need *needs, struct parse_error *error)
{
	const struct json *item;
	const struct saved_need *n;
	size_t i = 0;

	for (item = list->child; item != NULL; item = item->next, i++) {
		if (item->type != JSON_OBJECT)
			return saved_wrong(a, error, arena_printf(a, "%s[%zu]", name, i), item,
			    "an object");
		for (n = needs; n->path != NULL; n++)
			if (!is_met(item, n))
				return saved_wrong(a, error,
				    arena_printf(a, "%s[%zu].%s", name, i, n->path),
				    json_at(item, n->path), n->allowed);
	}
	return 0;
}
