/* The documents of repair_doc.h, for people. */
#include <string.h>

#include "admin/cli/table.h"
#include "admin/repair_doc.h"
#include "admin/words_of.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json_in.h"

static const char *word(const struct json *j, const char *path)
{
	const char *text = json_text(j, path);

	return text != NULL ? text : "-";
}

static const char *age(struct arena *a, const struct json *j, const char *path)
{
	const char *text = json_text(j, path);
	int64_t ms;

	if (text == NULL || time_parse(text, &ms) != 0)
		return "-";
	return arena_printf(a, "%s ago", span_words(a, clock_wall_ms() - ms));
}

/* In one line: what a terminal would act on is not printed. */
/* What is no message has none of its own. */
static const char *words_of_item(struct arena *a, const struct json *item)
{
	const char *text = json_text(item, "text"), *kind = json_text(item, "kind");
	const char *state = json_text(item, "state");

	if (text != NULL || kind == NULL)
		return text;
	return state != NULL ? arena_printf(a, "[%s %s]", kind, state)
			     : arena_printf(a, "[%s]", kind);
}

static const char *one_line(struct arena *a, const char *text)
{
	char *out = arena_strdup(a, text != NULL ? text : ""), *c;

	for (c = out; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
	return out;
}

/* What there is to do about each reason, %s being the id. */
static const char *next_step(struct arena *a, const char *reason, const char *id)
{
	static const struct {
		const char *reason, *next;
	} rows[] = {
		{ "uncertain",
		    "check in the portal, then tieline parked drop %s (it arrived) or tieline parked retry %s (it did not)" },
		{ "expired", "tieline parked retry %s when the platform is back" },
		{ "overflow", "see what holds the head of its lane, then tieline parked retry %s" },
		{ "loop", "see both ends, then tieline parked retry %s" },
		{ "endpoint_removed",
		    "put its endpoint back into the configuration, or tieline parked drop %s" },
		{ "unparsable", "tieline parked retry %s after an update, or drop it" },
		{ "invalid", "tieline parked edit %s, or retry or drop it" },
		{ "too_large", "tieline parked edit %s, or drop it" },
		{ "unsupported", "tieline parked edit %s, or drop it" },
		{ "credentials", "see tieline status, then tieline parked retry %s" },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].reason, reason) == 0)
			return arena_printf(a, rows[i].next, id, id);
	return arena_printf(a, "tieline parked retry %s, or drop it", id);
}

void parked_print_list(struct arena *a, struct buf *out, const struct json *items, size_t columns)
{
	static const char *const head[] = { "ID", "SINCE", "WHERE", "REASON", "TEXT" };
	struct table t = { .arena = a, .ncolumns = 5 };
	const char **row = table_row(&t);
	const struct json *item;
	size_t used = 0, i;

	memcpy(row, head, sizeof(head));
	for (item = items->child; item != NULL; item = item->next) {
		row = table_row(&t);
		row[0] = word(item, "id");
		row[1] = age(a, item, "since");
		row[2] = word(item, "endpoint");
		row[3] = word(item, "reason");
		row[4] = NULL;
	}
	table_measure(&t);
	for (i = 0; i < 4; i++)
		used += t.width[i] + 2;
	for (i = 1, item = items->child; item != NULL; item = item->next, i++)
		t.rows[i][4] = beginning_of(a, one_line(a, words_of_item(a, item)),
		    columns > used + 11 ? columns - used - 1 : 10);
	table_print(&t, out);
}

static void print_line(struct buf *out, const char *key, const char *value)
{
	if (value != NULL)
		buf_addf(out, "%-13s %s\n", key, value);
}

static void print_attempts(struct arena *a, struct buf *out, const struct json *owner,
    const char *indent)
{
	const struct json *list = json_array(owner, "attempts"), *t;
	const char *reason, *detail, *who;

	for (t = list != NULL ? list->child : NULL; t != NULL; t = t->next) {
		reason = json_text(t, "reason");
		detail = json_text(t, "detail");
		who = json_text(t, "who");
		buf_addf(out, "%s%s  attempt %lld  %s", indent, word(t, "at"),
		    (long long)json_int(t, "attempt", 0), word(t, "state"));
		if (json_text(t, "step") != NULL && who == NULL)
			buf_addf(out, " at %s", json_text(t, "step"));
		if (reason != NULL)
			buf_addf(out, ": %s", reason);
		if (detail != NULL)
			buf_addf(out, "%s%s", reason != NULL ? ", " : ": ", one_line(a, detail));
		if (who != NULL)
			buf_addf(out, " by %s", who);
		buf_addc(out, '\n');
	}
}

static void print_edit(struct arena *a, struct buf *out, const struct json *owner)
{
	const struct json *edited = json_object(owner, "edited");

	if (edited == NULL)
		return;
	print_line(out, "changed to", one_line(a, json_text(edited, "text")));
	print_line(out, "changed by",
	    arena_printf(a, "%s, %s",
		json_text(edited, "by") != NULL ? word(edited, "by") : "an edit where it was said",
		age(a, edited, "at")));
}

void parked_print_one(struct arena *a, struct buf *out, const struct json *item)
{
	const char *detail = json_text(item, "detail");

	print_line(out, "id", word(item, "id"));
	print_line(out, "where",
	    json_text(item, "bridge") == NULL
		? word(item, "endpoint")
		: arena_printf(a, "%s (%s, %s)", word(item, "endpoint"), word(item, "bridge"),
		    word(item, "direction")));
	print_line(out, "since",
	    arena_printf(a, "%s, %s", word(item, "since"), age(a, item, "since")));
	print_line(out, "reason",
	    detail == NULL ? word(item, "reason")
			   : arena_printf(a, "%s: %s", word(item, "reason"), one_line(a, detail)));
	print_line(out, "event", json_text(item, "event"));
	if (words_of_item(a, item) != NULL)
		print_line(out, "text", one_line(a, words_of_item(a, item)));
	print_edit(a, out, item);
	print_attempts(a, out, item, "  ");
	print_line(out, "next", next_step(a, word(item, "reason"), word(item, "id")));
}

static void print_delivery(struct arena *a, struct buf *out, const struct json *d)
{
	const char *reason = json_text(d, "reason"), *detail = json_text(d, "detail");

	buf_addf(out, "%s to %s (%s, %s): %s", word(d, "id"), word(d, "endpoint"),
	    word(d, "bridge"), word(d, "direction"), word(d, "state"));
	if (reason != NULL)
		buf_addf(out, ", %s", reason);
	if (detail != NULL)
		buf_addf(out, ": %s", one_line(a, detail));
	buf_addc(out, '\n');
	print_attempts(a, out, d, "  ");
	print_edit(a, out, d);
	print_line(out, "  attempts",
	    arena_printf(a, "%lld", (long long)json_int(d, "attempt", 0)));
	print_line(out, "  sent", json_text(d, "sent"));
	print_line(out, "  ended", json_text(d, "ended"));
	print_line(out, "  due", json_text(d, "due"));
	print_line(out, "  remote", json_text(d, "remote"));
	print_line(out, "  in", json_text(d, "conversation"));
	print_line(out, "  linked", json_text(d, "linked"));
	if (strcmp(word(d, "state"), "parked") == 0)
		print_line(out, "  next", next_step(a, word(d, "reason"), word(d, "id")));
}

void trace_print(struct arena *a, struct buf *out, const struct json *trace)
{
	const struct json *list = json_array(trace, "deliveries"), *d;

	print_line(out, "event", word(trace, "event"));
	if (json_text(trace, "kind") == NULL) {
		print_line(out, "text", "not kept any more (retention.bodies)");
	} else {
		print_line(out, "what",
		    arena_printf(a, "%s of %s %s (%s)", word(trace, "kind"),
			word(trace, "author.role"), one_line(a, json_text(trace, "author.name")),
			word(trace, "origin")));
		print_line(out, "source", json_text(trace, "source"));
		print_line(out, "conversation", json_text(trace, "conversation"));
		print_line(out, "written", json_text(trace, "at"));
		print_line(out, "stored", json_text(trace, "stored"));
		print_line(out, "text", one_line(a, json_text(trace, "text")));
		if (!json_true(trace, "routed"))
			print_line(out, "routed", "not yet: it is held");
	}
	if (list != NULL && list->child == NULL && json_true(trace, "routed"))
		print_line(out, "deliveries", "none: no bridge took it");
	for (d = list != NULL ? list->child : NULL; d != NULL; d = d->next)
		print_delivery(a, out, d);
}
