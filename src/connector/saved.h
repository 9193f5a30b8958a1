/* What connectors share where they look at a document that somebody has saved: reading it, and saying of a member
 * what is wrong with it. */
#ifndef CONNECTOR_SAVED_H
#define CONNECTOR_SAVED_H

#include "connector/connector.h"

struct json;

/* Member by member, what all that stand in a list must have. The last one's path is NULL. */
struct saved_need {
	const char *path; /* of members, from the one in the list */
	enum { SAVED_ID, SAVED_TEXT, SAVED_NUMBER } type;
	const char *allowed;
};

/* NULL: it is no JSON, and error says where. */
const struct json *saved_read(struct arena *a, const char *text, size_t len,
    struct parse_error *error);
/* -1, with "member: found …; allowed: …". */
int saved_wrong(struct arena *a, struct parse_error *error, const char *member,
    const struct json *found, const char *allowed);
/* name: of the list, for words: "payload"; "" where the document is the list. -1: error says what is wrong. */
int saved_check(struct arena *a, const struct json *list, const char *name,
    const struct saved_need *needs, struct parse_error *error);

#endif
