/* JSON read into a tree that lives in an arena, over yajl. What yajl 2.1 gets wrong is put right
 * before it sees the text: UTF-8 is checked strictly, an escape of a lone surrogate becomes U+FFFD,
 * nesting is bounded. NUL escapes are removed, a byte order mark is skipped, of a key that stands
 * twice the last wins (what the platforms' own parsers do). Numbers keep their text, so that ids
 * beyond 2^53 stay whole. */
#ifndef BASE_JSON_IN_H
#define BASE_JSON_IN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

#define JSON_MAX_DEPTH 64

enum json_type {
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT
};

struct json {
	enum json_type type;
	unsigned count;     /* of children */
	size_t len;         /* of text */
	const char *text;   /* string, or number as written; NUL-terminated, no NUL inside */
	const char *key;    /* where it is a member of an object */
	struct json *child; /* first member or element, in the order they came */
	struct json *next;  /* brother */
};

/* The words are those of the closed list of reasons why a callback is unparsable. */
enum json_fault {
	JSON_OK,
	JSON_EMPTY, /* no bytes, or only blanks */
	JSON_NOT_JSON,
	JSON_NOT_UTF8,
	JSON_TRUNCATED,
	JSON_TOO_DEEP
};

struct json_error {
	enum json_fault fault;
	size_t offset;      /* of the first byte that is wrong; of truncated: the length */
	const char *detail; /* static words */
};

/* Returns the root, or NULL; *error is filled either way. text is only read and not kept: all that
 * the tree points to is in the arena. UTF-8 is judged first, over the whole body; of the other faults
 * the first one counts. A body that ends inside a character is JSON_TRUNCATED. */
struct json *json_read(struct arena *a, const char *text, size_t len, struct json_error *error);

/* Follows a path of members such as "payload.request.lead" or "messages.0.id" (a number is an
 * index). NULL where something is missing; a NULL start gives NULL, so that calls nest. */
const struct json *json_at(const struct json *j, const char *path);
/* One member of an object by its exact key (keys may hold dots). */
const struct json *json_member(const struct json *j, const char *key);

/* What stands at path, where it is of that type; else NULL, fallback or false. json_text gives
 * strings only; json_id gives the text of a string or of a number (ids come as both). */
const char *json_text(const struct json *j, const char *path);
const char *json_id(const struct json *j, const char *path);
bool json_true(const struct json *j, const char *path);
/* Of a number or a decimal string; a fraction is cut. fallback also where it has an exponent or does
 * not fit. */
int64_t json_int(const struct json *j, const char *path, int64_t fallback);
const struct json *json_array(const struct json *j, const char *path);
const struct json *json_object(const struct json *j, const char *path);

/* The version of the library behind it, as its number: 20100 is 2.1.0. */
int json_library(void);

#endif
