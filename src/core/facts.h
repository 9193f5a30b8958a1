/* Facts: what is told of a person (his name …) and of a conversation (who has it, its labels …) besides
 * words and whether it is open. Each side has its own record of them; a change that people make at one
 * side is carried to the other, and what comes back of it is told from what people do there. Pure. */
#ifndef CORE_FACTS_H
#define CORE_FACTS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/standing.h"

struct arena;
struct json;
struct option_map;

/* Of a person, then of a conversation. The words are keys in the store and never change. */
#define FACTS(X) \
	X(NAME, "name") \
	X(EMAIL, "email") \
	X(PHONE, "phone") \
	X(AVATAR, "avatar") /* an address */ \
	X(TEAM, "team")   /* the platform's id of the team or department that has it; "": none */ \
	X(AGENT, "agent") /* the same of a person; behind the team, whose choice may be another */ \
	X(LABELS, "labels") /* a JSON array of texts, sorted, each once */ \
	X(PRIORITY, "priority") \
	X(ATTRIBUTES, "attributes") /* a JSON object of texts, numbers and booleans, by key */

enum fact {
#define X(name, word) FACT_##name,
	FACTS(X)
#undef X
	    FACT_COUNT
};
#define FACTS_ALL ((1u << FACT_COUNT) - 1)
#define FACT_OF_PERSON FACT_AVATAR /* the last one of those */

const char *fact_word(enum fact f);

/* NULL: not said. */
struct facts {
	const char *v[FACT_COUNT];
};

/* One side's. seen: as its platform told it last. ours: what both sides were made to agree on last, in the
 * words of this one: what we wrote there (or left as it was), or what people there wrote and we carried. was: what stood there
 * when we last wrote and the platform has not told of that yet. Of labels and attributes `ours` holds only
 * those that are carried. */
struct fact_record {
	struct facts seen, ours, was;
};

/* Takes in what the platform says now; NOTHING, ECHO or CHANGE. Between our writing and the first word of it
 * the platform may still tell what stood there before: that is no news. */
enum hearing fact_hear(struct fact_record *r, enum fact f, const char *value);

/* What is to be written where `current` stands, so that the other side's wish is done; NULL: nothing. Of a person
 * and of attributes, what people have changed since we wrote stays as they want it; who has a conversation and
 * how urgent it is, the last word says; labels that are not ours stay. What stood there before anything was
 * carried stays too. */
const char *fact_to_write(struct arena *a, enum fact f, const char *wanted, const char *ours,
    const char *current);
bool fact_is_same(enum fact f, const char *x, const char *y);

/* As JSON objects, for the store. NULL: there is none; *out is cleared then. */
const char *facts_text(struct arena *a, const struct facts *f);
void facts_read(struct arena *a, const char *text, struct facts *out);

/* ---- forms in which they are compared ---- */

/* One line, at most 255 characters; NULL where nothing is left. */
const char *fact_name(struct arena *a, const char *text);
/* In lower case; NULL: it is none. */
const char *fact_email(struct arena *a, const char *text);
/* A plus, no leading zero, at most 15 digits (E.164). What people put between the digits is left out. NULL:
 * it is not such a number. */
const char *fact_phone(struct arena *a, const char *text);
/* The form where it has one, else the text as it is: what is no address and no number is somebody's mistake,
 * and is told as such when it should be written. NULL stays NULL. */
const char *fact_form(struct arena *a, enum fact f, const char *text);
/* It can be written. */
bool fact_is_valid(struct arena *a, enum fact f, const char *text);
const char *fact_labels(struct arena *a, const char *const *labels, size_t count);
/* Of an object its texts, numbers and booleans, but for the one of that key (NULL: all). */
const char *fact_attributes(struct arena *a, const struct json *object, const char *without);

/* ---- maps ---- */

/* What the left one is called at the right, or the other way round; keys and values are compared without
 * regard to case. NULL: it is not mapped. */
const char *map_to(const struct option_map *m, const char *from, bool to_right);
/* The same of what stands there by that name; and what all others are called at the right. */
const char *map_exactly(const struct option_map *m, const char *from, bool to_right);
const char *map_others(const struct option_map *m, bool to_right);
/* Of what is told as wanted, what stood there when it was asked for: in place of `ours` while it is not known
 * whether that was done. */
const char *fact_before(struct arena *a, enum fact f, const char *was, const char *wanted);
/* Those of a list that are mapped, as they are called there. */
const char *map_labels(struct arena *a, const struct option_map *m, const char *labels,
    bool to_right);
/* Those that are mapped, as they are called here. */
const char *map_labels_here(struct arena *a, const struct option_map *m, const char *labels,
    bool is_left);
const char *map_attributes(struct arena *a, const struct option_map *m, const char *attributes,
    bool to_right);
const char *map_attributes_here(struct arena *a, const struct option_map *m, const char *attributes,
    bool is_left);

#endif
