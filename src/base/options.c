/* From top to bottom: values with a unit, read and printed; what is allowed, in words; one text as one
 * option's value; a node of the file as an option; a section of the file by its tables. The manual that
 * is printed from the same tables stands in options_help.c. */
#include "base/options.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/mistakes.h"
#include "base/nearest.h"
#include "base/url.h"
#include "base/yaml_in.h"

#define GIVEN_SECRETS 2 /* in the file; the store may add others */

/* --- values with a unit ----------------------------------------------------------------------- */

struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit size_units[] = { { "GiB", INT64_C(1) << 30 }, { "MiB", INT64_C(1) << 20 },
	{ "KiB", INT64_C(1) << 10 }, { "GB", 1000000000 }, { "MB", 1000000 }, { "KB", 1000 },
	{ 0 } };
static const struct unit msecs_units[] = { { "d", 86400000 }, { "h", 3600000 }, { "m", 60000 },
	{ "s", 1000 }, { "ms", 1 }, { 0 } };
static const struct unit rate_units[] = { { "/min", 60000 }, { "/s", 1000 }, { 0 } };

/* Digits, at most 18, so that it fits. Returns what follows them, NULL where there are none. */
static const char *read_digits(const char *text, int64_t *n)
{
	size_t len = strspn(text, "0123456789");

	if (len == 0 || len > 18)
		return NULL;
	*n = strtoll(text, NULL, 10);
	return text + len;
}

/* A number and one of the units; a bare number is only 0. */
static int unit_parse(const char *text, const struct unit *units, int64_t *n, int64_t *factor)
{
	const char *rest = read_digits(text, n);

	*factor = 1;
	if (rest == NULL)
		return -1;
	if (rest[0] == '\0')
		return *n == 0 ? 0 : -1;
	for (; units->name != NULL; units++) {
		if (strcmp(rest, units->name) != 0)
			continue;
		*factor = units->factor;
		return 0;
	}
	return -1;
}

static int amount_parse(const char *text, const struct unit *units, int64_t *out)
{
	int64_t n, factor;

	if (unit_parse(text, units, &n, &factor) != 0 || n > INT64_MAX / 2 / factor)
		return -1;
	*out = n * factor;
	return 0;
}

int size_parse(const char *text, int64_t *bytes)
{
	return amount_parse(text, size_units, bytes);
}

int msecs_parse(const char *text, int64_t *msecs)
{
	return amount_parse(text, msecs_units, msecs);
}

int rate_parse(const char *text, struct rate *rate)
{
	int64_t count, period;

	if (unit_parse(text, rate_units, &count, &period) != 0 || (count == 0 && text[1] != '\0'))
		return -1;
	*rate = (struct rate){ count, count == 0 ? 0 : period };
	return 0;
}

static const char *amount_text(struct arena *a, int64_t n, const struct unit *units)
{
	if (n == 0)
		return "0";
	for (; units->name != NULL; units++)
		if (n % units->factor == 0)
			return arena_printf(a, "%" PRId64 "%s", n / units->factor, units->name);
	return arena_printf(a, "%" PRId64 " bytes", n);
}

const char *size_text(struct arena *a, int64_t bytes)
{
	return amount_text(a, bytes, size_units);
}

const char *msecs_text(struct arena *a, int64_t msecs)
{
	return msecs == MSECS_NEVER ? "never" : amount_text(a, msecs, msecs_units);
}

const char *rate_text(struct arena *a, struct rate rate)
{
	if (rate.count == 0)
		return "0";
	return arena_printf(a, "%" PRId64 "/%s", rate.count,
	    rate.period_msecs == 1000 ? "s" : "min");
}

/* --- what is allowed -------------------------------------------------------------------------- */

static const char *const direction_words[] = { "both", "to_agents", "to_customers", "none", NULL };
static const char *const bool_words[] = { "true", "false", NULL };

/* NULL where the option has none. */
static const char *const *words_of(const struct option *o)
{
	if (o->type == OPT_BOOL)
		return bool_words;
	return o->type == OPT_DIRECTION ? direction_words : o->words;
}

static const char *joined(struct arena *a, const char *before, const char *const *words)
{
	const char *all = before;

	for (; words != NULL && *words != NULL; words++)
		all = all == NULL ? *words : arena_printf(a, "%s, %s", all, *words);
	return all;
}

/* "a size from 64KiB to 64MiB, like 8MiB". */
static const char *range_words(struct arena *a, const struct option *o, const char *what,
    const char *example, const char *(*show)(struct arena *a, int64_t n))
{
	bool bounded = o->max != 0 && o->max != INT64_MAX;

	if (o->min != 0 && bounded)
		return arena_printf(a, "%s from %s to %s", what, show(a, o->min), show(a, o->max));
	if (o->min != 0)
		return arena_printf(a, "%s of at least %s", what, show(a, o->min));
	if (bounded)
		return arena_printf(a, "%s up to %s", what, show(a, o->max));
	return arena_printf(a, "%s like %s", what, example);
}

static const char *int_text(struct arena *a, int64_t n)
{
	return arena_printf(a, "%" PRId64, n);
}

bool option_is_secret(const struct option *o)
{
	return o->type == OPT_SECRET || o->type == OPT_SECRETS;
}

const char *option_allowed(struct arena *a, const struct option *o)
{
	if (o->allowed != NULL)
		return o->allowed;
	switch (o->type) {
	case OPT_TEXT: return "a text";
	case OPT_SECRET: return "a secret as ${NAME} or file:PATH";
	case OPT_SECRETS: return "a secret as ${NAME} or file:PATH, or a list of two";
	case OPT_URL: return "an address like https://host.example.com/path";
	case OPT_BOOL: return joined(a, NULL, bool_words);
	case OPT_INT: return range_words(a, o, "a whole number", "12", int_text);
	case OPT_SIZE: return range_words(a, o, "a size", "64KiB, 8MiB, 2GiB", size_text);
	case OPT_MSECS:
		return joined(a,
		    range_words(a, o, "a duration", "500ms, 30s, 15m, 6h, 7d", msecs_text),
		    o->words);
	case OPT_RATE: return "a rate like 120/min or 20/s, 0 for no limit";
	case OPT_FLAG:
	case OPT_WORD: return joined(a, NULL, o->words);
	case OPT_DIRECTION: return joined(a, NULL, direction_words);
	case OPT_LIST: return "a text or a list of texts";
	case OPT_MAP:
		if (o->of_lists)
			return "a map of lists of texts";
		return o->or_same ? "same, or a map of texts" : "a map of texts";
	case OPT_CUSTOM: break;
	}
	return "see tieline options";
}

/* --- one text --------------------------------------------------------------------------------- */

static int word_index(const char *const *words, const char *text)
{
	int i;

	for (i = 0; words != NULL && words[i] != NULL; i++)
		if (strcmp(words[i], text) == 0)
			return i;
	return -1;
}

/* A line feed in a token would become a header of its own. */
static bool is_one_line(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

static int read_one_line(struct arena *a, const struct option *o, const char *text,
    const char **field, struct err *err)
{
	if (!is_one_line(text))
		return err_set(err, "holds a line feed or another control character");
	if (o->valid != NULL && !o->valid(text))
		return -1;
	*field = arena_strdup(a, text);
	return 0;
}

static int read_url(struct arena *a, const struct option *o, const char *text, const char **field,
    struct err *err)
{
	struct url url;
	size_t len = strlen(text);

	if (url_parse(a, text, &url, err) != 0)
		return -1;
	if (o->valid != NULL && !o->valid(text))
		return -1;
	while (text[len - 1] == '/')
		len--;
	*field = arena_strndup(a, text, len);
	return 0;
}

static bool in_range(const struct option *o, int64_t n)
{
	return n >= o->min && (o->max == 0 || n <= o->max);
}

static int read_int(const struct option *o, const char *text, int64_t *field)
{
	const char *rest = read_digits(text, field);

	return rest != NULL && rest[0] == '\0' && in_range(o, *field) ? 0 : -1;
}

static int read_amount(const struct option *o, const char *text, int64_t *field)
{
	if (o->type == OPT_MSECS && word_index(o->words, text) >= 0) {
		*field = o->word_is_zero ? 0 : MSECS_NEVER;
		return 0;
	}
	if (amount_parse(text, o->type == OPT_SIZE ? size_units : msecs_units, field) != 0)
		return -1;
	return in_range(o, *field) ? 0 : -1;
}

static int read_word(const struct option *o, const char *text, void *field)
{
	const char *const *words = words_of(o);
	int i = word_index(words, text);
	bool *flags = field;

	if (i < 0)
		return -1;
	if (o->type == OPT_WORD)
		memcpy(field, &i, sizeof(i));
	else if (o->type == OPT_BOOL)
		flags[0] = i == 0;
	else if (o->type == OPT_FLAG)
		flags[0] = i == 1;
	else {
		flags[0] = i == 0 || i == 1;
		flags[1] = i == 0 || i == 2;
	}
	return 0;
}

static int read_single(struct arena *a, const struct option *o, const char *text,
    struct option_list *field, struct err *err)
{
	const char **items = arena_alloc(a, sizeof(*items));

	*field = (struct option_list){ items, 1 };
	return read_one_line(a, o, text, &items[0], err);
}

int option_read_text(struct arena *a, const struct option *o, const char *text, void *field,
    struct err *err)
{
	struct secrets *secrets = field;
	struct option_map *map = field;

	err->text[0] = '\0';
	switch (o->type) {
	case OPT_TEXT:
	case OPT_SECRET: return read_one_line(a, o, text, field, err);
	case OPT_SECRETS:
		*secrets = (struct secrets){ .n = 1 };
		return read_one_line(a, o, text, &secrets->v[0], err);
	case OPT_URL: return read_url(a, o, text, field, err);
	case OPT_BOOL:
	case OPT_FLAG:
	case OPT_WORD:
	case OPT_DIRECTION: return read_word(o, text, field);
	case OPT_INT: return read_int(o, text, field);
	case OPT_SIZE:
	case OPT_MSECS: return read_amount(o, text, field);
	case OPT_RATE: return rate_parse(text, field);
	case OPT_LIST: return read_single(a, o, text, field, err);
	case OPT_MAP:
		*map = (struct option_map){ .same = o->or_same && strcmp(text, "same") == 0 };
		return map->same ? 0 : -1;
	case OPT_CUSTOM: return o->read(a, text, field, err);
	}
	return -1;
}

/* --- did you mean ----------------------------------------------------------------------------- */

/* A number that lacks its unit takes the default's: "30" where the default is 20s. */
static const char *with_unit(struct arena *a, const struct option *o, const char *text)
{
	const char *unit = o->fallback, *candidate;
	struct err err;

	if (unit == NULL || text[0] == '\0' || strchr("0123456789", text[strlen(text) - 1]) == NULL)
		return NULL;
	while (strpbrk(unit, "0123456789") != NULL)
		unit = strpbrk(unit, "0123456789") + 1;
	if (unit == o->fallback || unit[0] == '\0')
		return NULL;
	candidate = arena_printf(a, "%s%s", text, unit);
	if (option_read_text(a, o, candidate, arena_zalloc(a, OPTION_CUSTOM_MAX), &err) != 0)
		return NULL;
	return candidate;
}

static const char *meant(struct arena *a, const struct option *o, const char *text)
{
	const char *const *words = words_of(o);
	struct nearest n;

	if (option_is_secret(o))
		return NULL;
	nearest_begin(&n, text);
	for (; words != NULL && *words != NULL; words++)
		nearest_try(&n, *words);
	return n.best != NULL ? n.best : with_unit(a, o, text);
}

/* --- one node of the file --------------------------------------------------------------------- */

struct reader {
	struct arena *arena;
	const struct option_part *parts;
	size_t nparts;
	const char *const *others;
	struct mistakes *mistakes;
};

static const char *found(struct arena *a, const struct option *o, const struct yaml_node *node)
{
	if (node->kind != NODE_TEXT)
		return arena_printf(a, "found %s", yaml_kind_words(node));
	if (node->text[0] == '\0')
		return "is empty";
	if (option_is_secret(o))
		return "found [secret]";
	if (node->from == FROM_FILE) /* who knows what is in there */
		return arena_printf(a, "found what file \"%s\" holds", node->file);
	return arena_printf(a, "found \"%s\"", mistake_quote(a, node->text));
}

static void refuse(struct reader *r, const struct option *o, const struct yaml_node *node,
    const char *wrong)
{
	struct arena *a = r->mistakes->arena;
	const char *nearest = NULL;

	if (node->kind == NODE_TEXT && node->from == FROM_WRITTEN)
		nearest = meant(a, o, node->text);
	mistake_add(r->mistakes,
	    &(struct mistake){ .at = node->at,
		.key = yaml_path(a, node),
		.allowed = option_allowed(a, o),
		.nearest = nearest },
	    "%s", wrong != NULL && wrong[0] != '\0' ? wrong : found(a, o, node));
}

static void warn(struct reader *r, const struct yaml_node *node, const char *allowed,
    const char *wrong)
{
	mistake_add(r->mistakes,
	    &(struct mistake){ .at = node->at,
		.warning = true,
		.key = yaml_path(r->mistakes->arena, node),
		.allowed = allowed },
	    "%s", wrong);
}

static void warn_about_secret(struct reader *r, const struct yaml_node *node)
{
	if (node->from == FROM_WRITTEN)
		warn(r, node, "${NAME} or file:PATH", "a secret is written out");
	else if (node->from == FROM_FILE && node->readable_by_all)
		warn(r, node, "a file of mode 0600 or 0640",
		    "the file of this secret can be read by everybody");
}

static void read_text(struct reader *r, const struct option *o, const struct yaml_node *node,
    void *field)
{
	struct err err = { "" };

	if (node->bad)
		return;
	if (node->kind != NODE_TEXT || node->text[0] == '\0')
		refuse(r, o, node, NULL);
	else if (option_read_text(r->arena, o, node->text, field, &err) != 0)
		refuse(r, o, node, err.text);
	else if (option_is_secret(o))
		warn_about_secret(r, node);
}

static void read_secrets(struct reader *r, const struct option *o, const struct yaml_node *node,
    struct secrets *field)
{
	struct option one = *o;
	const struct yaml_node *item;

	one.type = OPT_SECRET;
	if (node->count == 0 || node->count > GIVEN_SECRETS) {
		refuse(r, o, node,
		    arena_printf(r->mistakes->arena, "found a list of %zu", node->count));
		return;
	}
	for (item = node->first; item != NULL; item = item->next)
		read_text(r, &one, item, &field->v[field->n++]);
}

static void read_list(struct reader *r, const struct option *o, const struct yaml_node *node,
    struct option_list *field)
{
	const char **items = arena_zalloc(r->arena, (node->count + 1) * sizeof(*items));
	struct option one = *o;
	const struct yaml_node *item;
	size_t n = 0;

	one.type = OPT_TEXT;
	for (item = node->first; item != NULL; item = item->next)
		read_text(r, &one, item, &items[n++]);
	*field = (struct option_list){ items, n };
}

static bool map_key_known(struct reader *r, const struct option *o, const struct yaml_node *item)
{
	struct nearest near;
	const char *const *w;

	if (o->words == NULL || word_index(o->words, item->key) >= 0)
		return true;
	nearest_begin(&near, item->key);
	for (w = o->words; *w != NULL; w++)
		nearest_try(&near, *w);
	mistake_add(r->mistakes,
	    &(struct mistake){ .at = item->key_at,
		.key = yaml_path(r->mistakes->arena, item),
		.allowed = joined(r->mistakes->arena, NULL, o->words),
		.nearest = near.best },
	    "unknown key");
	return false;
}

/* NULL: it is neither a text nor, where that will do, a list of texts. */
static const char *map_value(struct arena *a, const struct option *o, const struct yaml_node *item)
{
	const struct yaml_node *one;
	const char *all = NULL;

	if (item->kind == NODE_TEXT)
		return arena_strdup(a, item->text);
	if (!o->of_lists || item->kind != NODE_LIST)
		return NULL;
	for (one = item->first; one != NULL; one = one->next) {
		if (one->kind != NODE_TEXT)
			return NULL;
		all = all == NULL ? arena_strdup(a, one->text)
				  : arena_printf(a, "%s, %s", all, one->text);
	}
	return all;
}

static void read_map(struct reader *r, const struct option *o, const struct yaml_node *node,
    struct option_map *field)
{
	const char **keys = arena_zalloc(r->arena, (node->count + 1) * sizeof(*keys));
	const char **values = arena_zalloc(r->arena, (node->count + 1) * sizeof(*values));
	struct yaml_node *item;
	size_t n = 0;

	for (item = node->first; item != NULL; item = item->next) {
		if (!map_key_known(r, o, item) || item->bad)
			continue;
		values[n] = map_value(r->arena, o, item);
		if (values[n] == NULL) {
			refuse(r, o, item, NULL);
			continue;
		}
		keys[n++] = arena_strdup(r->arena, item->key);
	}
	*field = (struct option_map){ .keys = keys, .values = values, .count = n };
}

static void read_option(struct reader *r, const struct option *o, const struct yaml_node *node,
    void *field)
{
	if (o->later)
		warn(r, node, NULL, "is accepted, but this version does not act on it yet");
	if (o->type == OPT_SECRETS && node->kind == NODE_LIST)
		read_secrets(r, o, node, field);
	else if (o->type == OPT_LIST && node->kind == NODE_LIST)
		read_list(r, o, node, field);
	else if (o->type == OPT_MAP && node->kind == NODE_MAP)
		read_map(r, o, node, field);
	else
		read_text(r, o, node, field);
}

/* --- a section -------------------------------------------------------------------------------- */

const struct option *option_find(const struct option *table, const char *name)
{
	const struct option *o;

	for (o = table; o != NULL && o->name != NULL; o++)
		if (strcmp(o->name, name) == 0)
			return o;
	return NULL;
}

static bool is_group(const struct reader *r, const char *name)
{
	const struct option *o;
	size_t i, len = strlen(name);

	for (i = 0; i < r->nparts; i++)
		for (o = r->parts[i].table; o != NULL && o->name != NULL; o++)
			if (strncmp(o->name, name, len) == 0 && o->name[len] == '.')
				return true;
	return false;
}

static void unknown_key(struct reader *r, const struct yaml_node *node, const char *group)
{
	size_t i, len = strlen(group);
	struct arena *a = r->mistakes->arena;
	const struct option *o;
	const char *const *w;
	struct nearest near;
	char name[64];

	nearest_begin(&near, node->key);
	for (i = 0; i < r->nparts; i++) {
		for (o = r->parts[i].table; o != NULL && o->name != NULL; o++) {
			if (strncmp(o->name, group, len) != 0)
				continue;
			snprintf(name, sizeof(name), "%.*s", (int)strcspn(o->name + len, "."),
			    o->name + len);
			if (nearest_try(&near, name))
				near.best = arena_strdup(a, name);
		}
	}
	for (w = r->others; len == 0 && w != NULL && *w != NULL; w++)
		nearest_try(&near, *w);
	mistake_add(r->mistakes,
	    &(struct mistake){ .at = node->key_at,
		.key = yaml_path(a, node),
		.allowed = "the keys in tieline options",
		.nearest = near.best },
	    "unknown option");
}

static void read_given(struct reader *r, const struct yaml_node *map, const char *group);

/* An empty text is what is left of a group when all in it is commented out. */
static void read_group(struct reader *r, const struct yaml_node *node, const char *name)
{
	if (node->kind == NODE_MAP)
		read_given(r, node, arena_printf(r->mistakes->arena, "%s.", name));
	else if (!node->bad && (node->kind != NODE_TEXT || node->text[0] != '\0' || node->quoted))
		mistake_add(r->mistakes,
		    &(struct mistake){ .at = node->at,
			.key = yaml_path(r->mistakes->arena, node),
			.allowed = "a map of options" },
		    "found %s", yaml_kind_words(node));
}

/* What the file says, in its order. group is "" or "limits.". */
static void read_given(struct reader *r, const struct yaml_node *map, const char *group)
{
	const struct yaml_node *node;
	const struct option *o = NULL;
	const char *name;
	size_t i;

	for (node = map->first; node != NULL; node = node->next) {
		if (node->bad && node->kind != NODE_TEXT)
			continue; /* given twice */
		if (group[0] == '\0' && word_index(r->others, node->key) >= 0)
			continue;
		name = arena_printf(r->mistakes->arena, "%s%s", group, node->key);
		for (i = 0, o = NULL; i < r->nparts && o == NULL; i++)
			o = option_find(r->parts[i].table, name);
		if (strchr(node->key, '.') != NULL)
			unknown_key(r, node, group);
		else if (o != NULL)
			read_option(r, o, node, (char *)r->parts[i - 1].conf + o->offset);
		else if (is_group(r, name))
			read_group(r, node, name);
		else
			unknown_key(r, node, group);
	}
}

static const struct yaml_node *given(const struct yaml_node *map, const char *name)
{
	char part[64];
	size_t len;

	for (; map != NULL; name += len + 1) {
		len = strcspn(name, ".");
		if (len >= sizeof(part))
			return NULL;
		memcpy(part, name, len);
		part[len] = '\0';
		map = yaml_get(map, part);
		if (name[len] == '\0')
			return map;
	}
	return NULL;
}

static int read_default(struct arena *a, const struct option *o, void *field)
{
	struct option_list *list = field;
	struct err err;
	const char **items, *at = o->fallback;
	size_t len;

	if (o->type != OPT_LIST)
		return option_read_text(a, o, o->fallback, field, &err);
	items = arena_zalloc(a, (strlen(at) + 1) * sizeof(*items));
	*list = (struct option_list){ items, 0 };
	while (*at != '\0') {
		len = strcspn(at, ",");
		items[list->count++] = arena_strndup(a, at, len);
		at += len + strspn(at + len, ", ");
	}
	return 0;
}

/* What it does not say. */
static void read_fallback(struct reader *r, const struct option *o, const struct yaml_node *map,
    void *field)
{
	struct arena *a = r->mistakes->arena;
	const char *path;

	if (o->required && map != NULL) {
		path = yaml_path(a, map);
		mistake_add(r->mistakes,
		    &(struct mistake){ .at = map->key_at,
			.key = path[0] == '\0' ? o->name : arena_printf(a, "%s.%s", path, o->name),
			.allowed = option_allowed(a, o) },
		    "is missing");
	} else if (o->fallback != NULL && read_default(r->arena, o, field) != 0) {
		abort(); /* a fault of the table; a test walks them all */
	}
}

void options_read(struct arena *a, const struct option_part *parts, size_t nparts,
    const struct yaml_node *map, const char *const *others, struct mistakes *m)
{
	struct reader r = { a, parts, nparts, others, m };
	const struct option *o;
	size_t i;

	if (map != NULL)
		read_given(&r, map, "");
	for (i = 0; i < nparts; i++)
		for (o = parts[i].table; o != NULL && o->name != NULL; o++)
			if (given(map, o->name) == NULL)
				read_fallback(&r, o, map, (char *)parts[i].conf + o->offset);
}
