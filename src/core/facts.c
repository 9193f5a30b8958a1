/* See facts.h. */
#include "core/facts.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/json_in.h"
#include "base/json_out.h"
#include "base/options.h"
#include "base/utf8.h"
#include "core/text.h"

#define NAME_POINTS 255
#define LIST_MAX 100 /* labels, attributes: what is beyond is not carried */

const char *fact_word(enum fact f)
{
	static const char *const words[] = {
#define X(name, word) word,
		FACTS(X)
#undef X
	};

	return words[f];
}

/* ---- what is news ---- */

static bool is_empty(enum fact f, const char *v)
{
	if (v == NULL || *v == '\0')
		return true;
	/* What a platform gives to every conversation is nobody's wish. */
	if (f == FACT_PRIORITY)
		return strcmp(v, "medium") == 0;
	return strcmp(v, "[]") == 0 || strcmp(v, "{}") == 0;
}

bool fact_is_same(enum fact f, const char *x, const char *y)
{
	if (is_empty(f, x) && is_empty(f, y))
		return true;
	return x != NULL && y != NULL && strcmp(x, y) == 0;
}

enum hearing fact_hear(struct fact_record *r, enum fact f, const char *value)
{
	bool is_news = r->seen.v[f] == NULL || strcmp(r->seen.v[f], value) != 0;

	if (r->was.v[f] != NULL) {
		if (r->ours.v[f] != NULL && strcmp(value, r->ours.v[f]) == 0) {
			r->was.v[f] = NULL;
			r->seen.v[f] = value;
			return HEARD_ECHO;
		}
		if (strcmp(value, r->was.v[f]) == 0)
			return HEARD_NOTHING;
		r->was.v[f] = NULL;
	}
	if (!is_news)
		return HEARD_NOTHING;
	r->seen.v[f] = value;
	return r->ours.v[f] != NULL && strcmp(value, r->ours.v[f]) == 0 ? HEARD_ECHO : HEARD_CHANGE;
}

/* ---- lists ---- */

static const struct json *parsed(struct arena *a, const char *text)
{
	struct json_error error;

	return text != NULL ? json_read(a, text, strlen(text), &error) : NULL;
}

static bool list_has(const struct json *list, const char *label)
{
	const struct json *j;

	for (j = list != NULL ? list->child : NULL; j != NULL; j = j->next)
		if (j->type == JSON_STRING && strcasecmp(j->text, label) == 0)
			return true;
	return false;
}

static int by_text(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

const char *fact_labels(struct arena *a, const char *const *labels, size_t count)
{
	const char **sorted = arena_alloc(a, (count + 1) * sizeof(*sorted));
	struct json_out *o = json_out_new(a);
	size_t i, n = count < LIST_MAX ? count : LIST_MAX;

	for (i = 0; i < n; i++)
		sorted[i] = labels[i];
	qsort(sorted, n, sizeof(*sorted), by_text);
	json_begin_array(o);
	for (i = 0; i < n; i++)
		if (i == 0 || strcasecmp(sorted[i], sorted[i - 1]) != 0)
			json_put_text(o, sorted[i]);
	json_end_array(o);
	return json_done(o, NULL);
}

static int by_key(const void *x, const void *y)
{
	return strcmp((*(const struct json *const *)x)->key, (*(const struct json *const *)y)->key);
}

const char *fact_attributes(struct arena *a, const struct json *object, const char *without)
{
	const struct json *sorted[LIST_MAX], *j;
	struct json_out *o = json_out_new(a);
	size_t n = 0, i;

	for (j = object->child; j != NULL && n < LIST_MAX; j = j->next)
		if (j->type != JSON_OBJECT && j->type != JSON_ARRAY && j->type != JSON_NULL
		    && (without == NULL || strcmp(j->key, without) != 0))
			sorted[n++] = j;
	qsort(sorted, n, sizeof(*sorted), by_key);
	json_begin_object(o);
	for (i = 0; i < n; i++) {
		json_key(o, sorted[i]->key);
		json_put(o, sorted[i]);
	}
	json_end_object(o);
	return json_done(o, NULL);
}

/* What people there have put besides stays; what came and went at the other side since comes and goes. */
static const char *merge_labels(struct arena *a, const char *wanted, const char *ours,
    const char *current)
{
	const struct json *w = parsed(a, wanted), *o = parsed(a, ours), *c = parsed(a, current), *j;
	const char *list[2 * LIST_MAX], *out;
	size_t n = 0;

	for (j = c != NULL ? c->child : NULL; j != NULL && n < LIST_MAX; j = j->next)
		if (j->type == JSON_STRING && (!list_has(o, j->text) || list_has(w, j->text)))
			list[n++] = j->text;
	for (j = w != NULL ? w->child : NULL; j != NULL && n < 2 * LIST_MAX; j = j->next)
		if (j->type == JSON_STRING && !list_has(o, j->text) && !list_has(c, j->text))
			list[n++] = j->text;
	out = fact_labels(a, list, n);
	return fact_is_same(FACT_LABELS, out, current) ? NULL : out;
}

static bool is_same_value(const struct json *x, const struct json *y)
{
	if (x == NULL || y == NULL)
		return x == y;
	return x->type == y->type
	    && (x->text == NULL || y->text == NULL ? x->text == y->text
						   : strcmp(x->text, y->text) == 0);
}

/* Only those that are to change, null: to go. */
static const char *merge_attributes(struct arena *a, const char *wanted, const char *ours,
    const char *current)
{
	const struct json *w = parsed(a, wanted), *o = parsed(a, ours), *c = parsed(a, current), *j;
	const struct json *there, *was;
	struct json_out *out = json_out_new(a);
	size_t n = 0;

	json_begin_object(out);
	for (j = w != NULL ? w->child : NULL; j != NULL; j = j->next) {
		there = json_member(c, j->key);
		was = json_member(o, j->key);
		if (is_same_value(j, there) || is_same_value(j, was)
		    || (there != NULL && !is_same_value(there, was)))
			continue;
		json_key(out, j->key);
		json_put(out, j);
		n++;
	}
	for (j = o != NULL ? o->child : NULL; j != NULL; j = j->next) {
		if (json_member(w, j->key) != NULL || json_member(c, j->key) == NULL
		    || !is_same_value(j, json_member(c, j->key)))
			continue;
		json_key(out, j->key);
		json_put_null(out);
		n++;
	}
	json_end_object(out);
	return n > 0 ? json_done(out, NULL) : NULL;
}

const char *fact_to_write(struct arena *a, enum fact f, const char *wanted, const char *ours,
    const char *current)
{
	if (wanted == NULL)
		return NULL;
	if (f == FACT_LABELS)
		return merge_labels(a, wanted, ours, current);
	if (f == FACT_ATTRIBUTES)
		return merge_attributes(a, wanted, ours, current);
	if ((ours != NULL && strcmp(ours, wanted) == 0) || fact_is_same(f, wanted, current))
		return NULL;
	if (ours == NULL && is_empty(f, wanted))
		return NULL;
	if (f == FACT_AVATAR
	    && !is_empty(f, current)) /* under another address it may be the same */
		return NULL;
	if (!is_empty(f, current)
	    && (ours == NULL || (f <= FACT_OF_PERSON && strcmp(ours, current) != 0)))
		return NULL;
	return wanted;
}

/* Only what is wanted of it: what else stood there is none of ours to take away. */
const char *fact_before(struct arena *a, enum fact f, const char *was, const char *wanted)
{
	const struct json *w, *o, *j;
	struct json_out *out;

	if (f == FACT_LABELS)
		return NULL;
	if (f != FACT_ATTRIBUTES)
		return was;
	w = parsed(a, wanted);
	o = parsed(a, was);
	out = json_out_new(a);
	json_begin_object(out);
	for (j = o != NULL ? o->child : NULL; j != NULL; j = j->next)
		if (json_member(w, j->key) != NULL) {
			json_key(out, j->key);
			json_put(out, j);
		}
	json_end_object(out);
	return json_done(out, NULL);
}

/* ---- on disk ---- */

const char *facts_text(struct arena *a, const struct facts *f)
{
	struct json_out *o = json_out_new(a);
	bool any = false;
	int i;

	json_begin_object(o);
	for (i = 0; i < FACT_COUNT; i++) {
		json_member_text(o, fact_word((enum fact)i), f->v[i]);
		any |= f->v[i] != NULL;
	}
	json_end_object(o);
	return any ? json_done(o, NULL) : NULL;
}

void facts_read(struct arena *a, const char *text, struct facts *out)
{
	const struct json *j = parsed(a, text);
	int i;

	for (i = 0; i < FACT_COUNT; i++)
		out->v[i] = json_text(j, fact_word((enum fact)i));
}

/* ---- forms ---- */

const char *fact_name(struct arena *a, const char *text)
{
	const char *line = text != NULL ? text_line(a, text) : NULL;

	if (line == NULL || *line == '\0')
		return NULL;
	return arena_strndup(a, line, utf8_cut_points(line, strlen(line), NAME_POINTS));
}

const char *fact_email(struct arena *a, const char *text)
{
	const char *at = text != NULL ? strchr(text, '@') : NULL;
	char *out;

	if (at == NULL || at == text || strchr(at + 1, '@') != NULL || strspn(at + 1, ".") != 0
	    || strchr(at + 1, '.') == NULL || text[strlen(text) - 1] == '.'
	    || strpbrk(text, " \t\r\n<>,;:\"()[]\\") != NULL
	    || text_len(text, TEXT_POINTS) > NAME_POINTS)
		return NULL;
	out = arena_strdup(a, text);
	for (text = out; *out != '\0'; out++)
		*out = (char)tolower((unsigned char)*out);
	return text;
}

const char *fact_phone(struct arena *a, const char *phone)
{
	char digits[17];
	size_t len = 0;

	if (phone == NULL || *phone != '+')
		return NULL;
	digits[len++] = *phone++;
	for (; *phone != '\0'; phone++) {
		if (strchr(" -./()", *phone) != NULL)
			continue;
		if (!isdigit((unsigned char)*phone) || len == sizeof(digits) - 1)
			return NULL;
		digits[len++] = *phone;
	}
	digits[len] = '\0';
	return len < 2 || digits[1] == '0' ? NULL : arena_strdup(a, digits);
}

static const char *form_of(struct arena *a, enum fact f, const char *text)
{
	switch (f) {
	case FACT_NAME: return fact_name(a, text);
	case FACT_EMAIL: return fact_email(a, text);
	case FACT_PHONE: return fact_phone(a, text);
	default: return text;
	}
}

const char *fact_form(struct arena *a, enum fact f, const char *text)
{
	const char *form = text != NULL ? form_of(a, f, text) : NULL;

	return form != NULL || f == FACT_NAME ? form : text;
}

bool fact_is_valid(struct arena *a, enum fact f, const char *text)
{
	return form_of(a, f, text) != NULL;
}

/* ---- maps ---- */

const char *map_exactly(const struct option_map *m, const char *from, bool to_right)
{
	const char *const *here = to_right ? m->keys : m->values;
	const char *const *there = to_right ? m->values : m->keys;
	size_t i;

	if (m->same)
		return from;
	for (i = 0; i < m->count; i++)
		if (strcmp(m->keys[i], "*") != 0 && strcasecmp(here[i], from) == 0)
			return there[i];
	return NULL;
}

/* All others have one name at the right; which of them it was, nobody knows at the left. */
const char *map_others(const struct option_map *m, bool to_right)
{
	size_t i;

	for (i = 0; to_right && i < m->count; i++)
		if (strcmp(m->keys[i], "*") == 0)
			return m->values[i];
	return NULL;
}

const char *map_to(const struct option_map *m, const char *from, bool to_right)
{
	const char *mapped = map_exactly(m, from, to_right);

	return mapped != NULL ? mapped : map_others(m, to_right);
}

static const char *labels_by_map(struct arena *a, const struct option_map *m, const char *labels,
    bool is_left, bool translates)
{
	const struct json *list = parsed(a, labels), *j;
	const char *out[LIST_MAX], *mapped;
	size_t n = 0;

	if (list == NULL)
		return NULL;
	for (j = list->child; j != NULL && n < LIST_MAX; j = j->next) {
		mapped = j->type == JSON_STRING ? map_to(m, j->text, is_left) : NULL;
		if (mapped != NULL)
			out[n++] = translates ? mapped : j->text;
	}
	return fact_labels(a, out, n);
}

const char *map_labels(struct arena *a, const struct option_map *m, const char *labels,
    bool to_right)
{
	return labels_by_map(a, m, labels, to_right, true);
}

const char *map_labels_here(struct arena *a, const struct option_map *m, const char *labels,
    bool is_left)
{
	return labels_by_map(a, m, labels, is_left, false);
}

static const char *attributes_by_map(struct arena *a, const struct option_map *m,
    const char *attributes, bool is_left, bool translates)
{
	const struct json *object = parsed(a, attributes), *j;
	struct json_out *o;
	const char *mapped;

	if (object == NULL)
		return NULL;
	o = json_out_new(a);
	json_begin_object(o);
	for (j = object->child; j != NULL; j = j->next) {
		mapped = map_to(m, j->key, is_left);
		if (mapped == NULL || j->type == JSON_OBJECT || j->type == JSON_ARRAY
		    || j->type == JSON_NULL)
			continue;
		json_key(o, translates ? mapped : j->key);
		json_put(o, j);
	}
	json_end_object(o);
	return json_done(o, NULL);
}

const char *map_attributes(struct arena *a, const struct option_map *m, const char *attributes,
    bool to_right)
{
	return attributes_by_map(a, m, attributes, to_right, true);
}

const char *map_attributes_here(struct arena *a, const struct option_map *m, const char *attributes,
    bool is_left)
{
	return attributes_by_map(a, m, attributes, is_left, false);
}
