/* One YAML document as a small tree of texts, lists and maps, each with its place in the file. Every
 * scalar is a text: nobody here takes `no` for false. Anchors, aliases, tags and duplicate keys are
 * mistakes. */
#ifndef BASE_YAML_IN_H
#define BASE_YAML_IN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mistakes.h"

struct arena;

#define YAML_MAX_BYTES ((size_t)1 << 20)
#define YAML_MAX_DEPTH 16

enum node_kind { NODE_TEXT, NODE_LIST, NODE_MAP };
/* Where a text's words come from, once `${}` and `file:` are replaced. */
enum node_from { FROM_WRITTEN, FROM_ENVIRONMENT, FROM_FILE };

struct yaml_node {
	enum node_kind kind;
	struct place at;
	const char *key;     /* in a map */
	struct place key_at; /* of the key; of an item or the root: at */
	size_t index;        /* in a list */
	struct yaml_node *parent, *first, *next;
	size_t count; /* children */

	const char *text; /* NODE_TEXT */
	bool quoted;      /* an empty one is meant */
	bool bad;         /* a mistake was told: whoever reads it says no more */
	enum node_from from;
	const char *file;     /* FROM_FILE: its path */
	bool readable_by_all; /* that file */
};

/* The document's map; that of an empty document is empty. NULL: it cannot be read to its end, and m
 * says why. */
struct yaml_node *yaml_read(struct arena *a, const char *text, size_t len, struct mistakes *m);
/* The child of that key, NULL where there is none (or node is NULL or no map). */
struct yaml_node *yaml_get(const struct yaml_node *node, const char *key);
/* "endpoints.desk.rate", "listen[1]"; "" of the root. */
const char *yaml_path(struct arena *a, const struct yaml_node *node);
/* "a list", "a map", "a text". */
const char *yaml_kind_words(const struct yaml_node *node);

/* The version of the library behind it. */
const char *yaml_library(void);

#endif
