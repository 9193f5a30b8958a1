/* The manual of a table: for a terminal, as Markdown, as JSON. */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json_out.h"
#include "base/options.h"
#include "base/utf8.h"

#define WIDTH 80
#define INDENT 6

static const char *type_words(const struct option *o)
{
	switch (o->type) {
	case OPT_TEXT: return "text";
	case OPT_SECRET: return "secret";
	case OPT_SECRETS: return "secret, rotates";
	case OPT_URL: return "URL";
	case OPT_BOOL: return "bool";
	case OPT_FLAG:
	case OPT_WORD: return "word";
	case OPT_INT: return "integer";
	case OPT_SIZE: return "size";
	case OPT_MSECS: return "duration";
	case OPT_RATE: return "rate";
	case OPT_DIRECTION: return "directional";
	case OPT_LIST: return "text or list";
	case OPT_MAP: return "map";
	case OPT_CUSTOM: return "text";
	}
	return "text";
}

/* NULL: there is none. */
static const char *default_words(const struct option *o, option_default *default_of, void *arg)
{
	const char *given = default_of != NULL ? default_of(arg, o->name) : NULL;

	if (given != NULL)
		return given;
	return o->fallback_words != NULL ? o->fallback_words : o->fallback;
}

static bool is_required(const struct option *o, const char *fallback)
{
	return o->required || (fallback != NULL && strcmp(fallback, OPTION_REQUIRED) == 0);
}

/* Words, broken between blanks at WIDTH; every line but the first begins with the indent. */
static void wrap(struct buf *out, const char *text)
{
	size_t column = INDENT, len, width;

	buf_addf(out, "%*s", INDENT, "");
	while (*text != '\0') {
		len = strcspn(text, " ");
		width = utf8_points(text, len);
		if (column > INDENT && column + 1 + width > WIDTH) {
			buf_addf(out, "\n%*s", INDENT, "");
			column = INDENT;
		} else if (column > INDENT) {
			buf_addc(out, ' ');
			column++;
		}
		buf_add(out, text, len);
		column += width;
		text += len + strspn(text + len, " ");
	}
	buf_addc(out, '\n');
}

void options_text(struct buf *out, const struct option *table, option_default *default_of,
    void *arg)
{
	struct arena *a = arena_new();
	const struct option *o;
	const char *fallback;

	for (o = table; o->name != NULL; o++) {
		if (o->hidden)
			continue;
		fallback = default_words(o, default_of, arg);
		buf_addf(out, "  %s (%s%s%s%s)\n", o->name, type_words(o),
		    is_required(o, fallback) ? ", required" : "", o->restart ? ", restart" : "",
		    o->later ? ", not acted on yet" : "");
		wrap(out, o->help);
		wrap(out, arena_printf(a, "allowed: %s", option_allowed(a, o)));
		if (fallback != NULL && !is_required(o, fallback))
			wrap(out, arena_printf(a, "default: %s", fallback));
	}
	arena_free(a);
}

/* In a table a bar would end the cell, and what stands between < and > would not be shown. */
static void add_cell(struct buf *out, const char *text)
{
	buf_addc(out, ' ');
	for (; *text != '\0'; text++) {
		if (*text == '|')
			buf_addc(out, '\\');
		if (*text == '<')
			buf_adds(out, "&lt;");
		else
			buf_addc(out, *text);
	}
	buf_adds(out, " |");
}

/* What can be written as it stands is set as code. */
static const char *default_cell(struct arena *a, const struct option *o, const char *fallback)
{
	if (is_required(o, fallback))
		return OPTION_REQUIRED;
	if (fallback == NULL)
		return "none";
	return fallback == o->fallback ? arena_printf(a, "`%s`", fallback) : fallback;
}

void options_markdown(struct buf *out, const struct option *table, option_default *default_of,
    void *arg)
{
	struct arena *a = arena_new();
	const struct option *o;
	const char *fallback;

	buf_adds(out, "| key | values | default | meaning |\n|---|---|---|---|\n");
	for (o = table; o->name != NULL; o++) {
		if (o->hidden)
			continue;
		fallback = default_words(o, default_of, arg);
		buf_addc(out, '|');
		add_cell(out, arena_printf(a, "`%s`", o->name));
		add_cell(out, option_allowed(a, o));
		add_cell(out, default_cell(a, o, fallback));
		add_cell(out,
		    arena_printf(a, "%s%s%s", o->help, o->restart ? " Restart." : "",
			o->later ? " Not acted on yet." : ""));
		buf_addc(out, '\n');
	}
	arena_free(a);
}

void options_json(struct json_out *out, const char *section, const struct option *table,
    option_default *default_of, void *arg)
{
	struct arena *a = arena_new();
	const struct option *o;
	const char *fallback;

	for (o = table; o->name != NULL; o++) {
		if (o->hidden)
			continue;
		fallback = default_words(o, default_of, arg);
		json_begin_object(out);
		json_member_text(out, "section", section);
		json_member_text(out, "key", o->name);
		json_member_text(out, "type", type_words(o));
		json_member_text(out, "allowed", option_allowed(a, o));
		json_member_bool(out, "required", is_required(o, fallback));
		json_member_text_or_null(out, "default",
		    is_required(o, fallback) ? NULL : fallback);
		json_member_bool(out, "secret", option_is_secret(o));
		json_member_bool(out, "restart", o->restart);
		json_member_bool(out, "acted_on", !o->later);
		json_member_text(out, "help", o->help);
		json_end_object(out);
	}
	arena_free(a);
}
