/* libyaml's events are taken one by one; a stack of one pointer, `open`, is the list or map that is
 * being filled, and leads to its parents. A key waits in `key` for its value. The first event libyaml
 * cannot make ends the reading: of a file that is cut short nothing can be said about what is missing. */
#include "base/yaml_in.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/utf8.h"

struct reader {
	struct arena *arena;
	struct mistakes *mistakes;
	struct yaml_node *root, *open;
	struct yaml_node *last; /* child of open */
	const char *key;        /* of open, waiting for its value */
	struct place key_at;
	int depth, documents;
	int too_deep; /* levels that are skipped */
	bool done, failed;
};

static struct place place_of(yaml_mark_t mark)
{
	return (struct place){ (int)mark.line + 1, (int)mark.column + 1 };
}

struct yaml_node *yaml_get(const struct yaml_node *node, const char *key)
{
	struct yaml_node *child;

	if (node == NULL || node->kind != NODE_MAP)
		return NULL;
	for (child = node->first; child != NULL; child = child->next)
		if (strcmp(child->key, key) == 0)
			return child;
	return NULL;
}

const char *yaml_path(struct arena *a, const struct yaml_node *node)
{
	const char *before;

	if (node->parent == NULL)
		return "";
	before = yaml_path(a, node->parent);
	if (node->key == NULL)
		return arena_printf(a, "%s[%zu]", before, node->index);
	return before[0] == '\0' ? node->key : arena_printf(a, "%s.%s", before, node->key);
}

const char *yaml_kind_words(const struct yaml_node *node)
{
	switch (node->kind) {
	case NODE_LIST: return "a list";
	case NODE_MAP: return "a map";
	case NODE_TEXT: break;
	}
	return "a text";
}

/* --- one node --------------------------------------------------------------------------------- */

static void node_mistake(struct reader *r, struct yaml_node *node, const char *wrong,
    const char *allowed)
{
	mistake_add(r->mistakes,
	    &(struct mistake){ .at = node->at,
		.key = node->parent != NULL ? yaml_path(r->arena, node) : NULL,
		.allowed = allowed },
	    "%s", wrong);
	node->bad =
	    node->kind == NODE_TEXT; /* what a list or a map holds is looked at all the same */
}

static struct yaml_node *add_node(struct reader *r, enum node_kind kind, yaml_mark_t mark)
{
	struct yaml_node *node = ARENA_NEW(r->arena, struct yaml_node);

	node->kind = kind;
	node->at = node->key_at = place_of(mark);
	node->parent = r->open;
	if (r->open == NULL) {
		r->root = node;
		return node;
	}
	if (r->open->kind == NODE_MAP) {
		node->key = r->key;
		node->key_at = r->key_at;
		r->key = NULL;
	}
	node->index = r->open->count++;
	if (r->open->first == NULL)
		r->open->first = node;
	else
		r->last->next = node;
	r->last = node;
	return node;
}

static void check_decoration(struct reader *r, struct yaml_node *node, const yaml_char_t *anchor,
    const yaml_char_t *tag)
{
	if (anchor != NULL)
		node_mistake(r, node, "found an anchor (&)",
		    "the value itself, quoted where it begins with &");
	if (tag != NULL)
		node_mistake(r, node, "found a tag (!)",
		    "the value itself, quoted where it begins with !");
}

static void open_node(struct reader *r, enum node_kind kind, const yaml_event_t *e,
    const yaml_char_t *anchor, const yaml_char_t *tag)
{
	struct yaml_node *node;

	if (r->too_deep > 0 || r->depth == YAML_MAX_DEPTH) {
		if (r->too_deep++ == 0)
			node_mistake(r, add_node(r, NODE_TEXT, e->start_mark), "nested too deeply",
			    "16 levels");
		return;
	}
	node = add_node(r, kind, e->start_mark);
	check_decoration(r, node, anchor, tag);
	r->open = node;
	r->last = NULL;
	r->depth++;
}

static int key_compare(const void *a, const void *b)
{
	const struct yaml_node *x = *(struct yaml_node *const *)a,
			       *y = *(struct yaml_node *const *)b;
	int order = strcmp(x->key, y->key);

	return order != 0 ? order : x->index < y->index ? -1 : 1;
}

/* A file may hold a map of a hundred thousand keys: sorted, not each against each. */
static void check_duplicates(struct reader *r, struct yaml_node *map)
{
	struct yaml_node **sorted, *child;
	size_t i, n = 0;

	if (map->count < 2)
		return;
	sorted = xreallocarray(NULL, map->count, sizeof(struct yaml_node *));
	for (child = map->first; child != NULL; child = child->next)
		sorted[n++] = child;
	qsort(sorted, n, sizeof(struct yaml_node *), key_compare);
	for (i = 1; i < n; i++) {
		if (strcmp(sorted[i - 1]->key, sorted[i]->key) != 0)
			continue;
		mistake_add(r->mistakes,
		    &(struct mistake){ .at = sorted[i]->key_at,
			.key = yaml_path(r->arena, sorted[i]),
			.allowed = "every key once" },
		    "given twice, before in line %d", sorted[i - 1]->key_at.line);
		sorted[i]->bad = true;
	}
	xfree(sorted);
}

static void close_node(struct reader *r)
{
	if (r->too_deep > 0) {
		r->too_deep--;
		return;
	}
	if (r->open->kind == NODE_MAP)
		check_duplicates(r, r->open);
	r->last = r->open;
	r->open = r->open->parent;
	r->depth--;
}

static bool key_is_due(const struct reader *r)
{
	return r->open != NULL && r->open->kind == NODE_MAP && r->key == NULL;
}

/* A key that is no plain text: told, and its value is filed under a name nobody has. */
static void refuse_key(struct reader *r, yaml_mark_t mark, const char *wrong)
{
	mistake_add(r->mistakes,
	    &(struct mistake){ .at = place_of(mark),
		.key = r->open->parent != NULL ? yaml_path(r->arena, r->open) : NULL,
		.allowed = "a plain text as key" },
	    "%s", wrong);
	r->failed = true;
}

/* --- events ----------------------------------------------------------------------------------- */

static void on_scalar(struct reader *r, const yaml_event_t *e)
{
	const char *value = (const char *)e->data.scalar.value;
	size_t len = e->data.scalar.length;
	struct yaml_node *node;
	bool special;

	if (r->too_deep > 0)
		return;
	special = e->data.scalar.anchor != NULL || e->data.scalar.tag != NULL;
	if (key_is_due(r)) {
		if (special || memchr(value, '\0', len) != NULL) {
			refuse_key(r, e->start_mark, "found an anchor, a tag or a NUL in a key");
			return;
		}
		r->key = arena_strndup(r->arena, value, len);
		r->key_at = place_of(e->start_mark);
		return;
	}
	node = add_node(r, NODE_TEXT, e->start_mark);
	node->text = arena_strndup(r->arena, value, len);
	node->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	check_decoration(r, node, e->data.scalar.anchor, e->data.scalar.tag);
	if (memchr(value, '\0', len) != NULL)
		node_mistake(r, node, "holds a NUL", "text");
}

static void on_document(struct reader *r, const yaml_event_t *e)
{
	const yaml_version_directive_t *version = e->data.document_start.version_directive;

	if (r->documents++ > 0) {
		mistake_add(r->mistakes,
		    &(struct mistake){ .at = place_of(e->start_mark), .allowed = "one document" },
		    "found a second document");
		r->done = true;
	} else if (version != NULL && (version->major != 1 || version->minor != 1)) {
		mistake_add(r->mistakes,
		    &(struct mistake){ .at = place_of(e->start_mark), .allowed = "YAML 1.1" },
		    "found YAML %d.%d", version->major, version->minor);
	}
}

static void on_event(struct reader *r, const yaml_event_t *e)
{
	bool no_text = e->type == YAML_ALIAS_EVENT || e->type == YAML_SEQUENCE_START_EVENT
	    || e->type == YAML_MAPPING_START_EVENT;

	if (no_text && r->too_deep == 0 && key_is_due(r)) {
		refuse_key(r, e->start_mark, "found a list, a map or an alias as key");
		return;
	}
	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT: on_document(r, e); break;
	case YAML_SCALAR_EVENT: on_scalar(r, e); break;
	case YAML_ALIAS_EVENT:
		if (r->too_deep == 0)
			node_mistake(r, add_node(r, NODE_TEXT, e->start_mark), "found an alias (*)",
			    "the value itself, quoted where it begins with *");
		break;
	case YAML_SEQUENCE_START_EVENT:
		open_node(r, NODE_LIST, e, e->data.sequence_start.anchor,
		    e->data.sequence_start.tag);
		break;
	case YAML_MAPPING_START_EVENT:
		open_node(r, NODE_MAP, e, e->data.mapping_start.anchor, e->data.mapping_start.tag);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT: close_node(r); break;
	case YAML_STREAM_END_EVENT: r->done = true; break;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_DOCUMENT_END_EVENT: break;
	}
}

/* --- the file --------------------------------------------------------------------------------- */

/* What libyaml says names no word of the file, so that nothing secret can stand in it. */
static void syntax_mistake(struct reader *r, const yaml_parser_t *p)
{
	struct mistake like = { .at = place_of(p->problem_mark) };

	if (p->problem == NULL)
		mistake_add(r->mistakes, &like, "not YAML");
	else if (p->context != NULL)
		mistake_add(r->mistakes, &like, "not YAML: %s, %s", p->problem, p->context);
	else
		mistake_add(r->mistakes, &like, "not YAML: %s", p->problem);
	r->failed = true;
}

/* Size and encoding, before libyaml sees it. */
static int check_bytes(const char *text, size_t len, struct mistakes *m)
{
	struct place at = { 1, 1 };
	size_t good, i, line = 0;

	if (len > YAML_MAX_BYTES) {
		mistake_add(m, &(struct mistake){ .allowed = "at most 1MiB" },
		    "the file has %zu bytes", len);
		return -1;
	}
	good = utf8_valid_len(text, len);
	if (good == len)
		return 0;
	for (i = 0; i < good; i++) {
		if (text[i] == '\n') {
			at.line++;
			line = i + 1;
		}
	}
	at.column = (int)utf8_points(text + line, good - line) + 1;
	mistake_add(m, &(struct mistake){ .at = at, .allowed = "UTF-8" },
	    "found bytes that are no UTF-8");
	return -1;
}

static void read_events(struct reader *r, const char *text, size_t len)
{
	yaml_parser_t parser;
	yaml_event_t event;

	if (!yaml_parser_initialize(&parser))
		abort(); /* out of memory */
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	while (!r->done && !r->failed) {
		if (!yaml_parser_parse(&parser, &event)) {
			syntax_mistake(r, &parser);
			break;
		}
		on_event(r, &event);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
}

struct yaml_node *yaml_read(struct arena *a, const char *text, size_t len, struct mistakes *m)
{
	struct reader r = { .arena = a, .mistakes = m };
	struct yaml_node *root;

	if (check_bytes(text, len, m) != 0)
		return NULL;
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		len -= 3;
	}
	read_events(&r, text, len);
	if (r.failed)
		return NULL;
	root = r.root;
	if (root == NULL
	    || (root->kind == NODE_TEXT && root->text != NULL && root->text[0] == '\0'
		&& !root->quoted && !root->bad)) {
		root = ARENA_NEW(a, struct yaml_node);
		root->kind = NODE_MAP;
		root->at = root->key_at = (struct place){ 1, 1 };
	} else if (root->kind != NODE_MAP) {
		if (!root->bad)
			mistake_add(m,
			    &(struct mistake){ .at = root->at, .allowed = "a map of options" },
			    "found %s", yaml_kind_words(root));
		return NULL;
	}
	return root;
}

const char *yaml_library(void)
{
	return yaml_get_version_string();
}
