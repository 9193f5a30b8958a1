/* The document of status.h, for people: a line, two tables, then what is wrong and what to do about it. */
#include <inttypes.h>
#include <string.h>

#include "admin/cli/cli.h"
#include "admin/cli/table.h"
#include "admin/status.h"
#include "admin/words_of.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/json_in.h"
#include "core/text.h"

/* ---- cells ---- */

static const char *number(struct arena *a, const struct json *j, const char *path)
{
	int64_t n = json_int(j, path, -1);

	return n < 0 ? "-" : arena_printf(a, "%" PRId64, n);
}

static const char *word(const struct json *j, const char *path)
{
	const char *text = json_text(j, path);

	return text != NULL ? text : "-";
}

static const char *endpoint_note(struct arena *a, const struct json *e)
{
	const char *note = json_text(e, "note");
	int64_t width = json_int(e, "width", -1), most = json_int(e, "width_most", -1);

	if (width >= 0 && width < most)
		return arena_printf(a, "%s%swidth %" PRId64 " of %" PRId64,
		    note != NULL ? note : "", note != NULL ? ", " : "", width, most);
	return note != NULL ? note : "";
}

static void add_endpoints(struct table *t, const struct json *document)
{
	static const char *const head[] = { "ENDPOINT", "PLATFORM", "STATE", "SENT/24H", "ERRORS",
		"NOTE" };
	const struct json *list = json_array(document, "endpoints"), *e;
	const char **row = table_row(t);

	t->ncolumns = 6;
	t->right[3] = t->right[4] = true;
	memcpy(row, head, sizeof(head));
	for (e = list != NULL ? list->child : NULL; e != NULL; e = e->next) {
		row = table_row(t);
		row[0] = word(e, "name");
		row[1] = word(e, "platform");
		row[2] = word(e, "state");
		row[3] = number(t->arena, e, "sent_24h");
		row[4] = number(t->arena, e, "errors_24h");
		row[5] = endpoint_note(t->arena, e);
	}
}

static const char *way(struct arena *a, const struct json *b, const char *name)
{
	const struct json *w = json_object(b, name);
	int64_t median_ms = json_int(w, "median_ms", -1);

	if (median_ms < 0)
		return number(a, w, "delivered_24h");
	return arena_printf(a, "%s (%s)", number(a, w, "delivered_24h"), span_words(a, median_ms));
}

static const char *oldest(struct arena *a, const struct json *b)
{
	int64_t up = json_int(b, "to_agents.oldest_ms", 0);
	int64_t down = json_int(b, "to_customers.oldest_ms", 0);

	return up > 0 || down > 0 ? span_words(a, up > down ? up : down) : "-";
}

static void add_bridges(struct table *t, const struct json *document)
{
	static const char *const head[] = { "BRIDGE", "STATE", "TO AGENTS", "TO CUSTOMERS",
		"WAITING", "OLDEST", "PARKED", "REPAIRED/24H" };
	const struct json *list = json_array(document, "bridges"), *b;
	const char **row = table_row(t);
	size_t i;

	t->ncolumns = 8;
	for (i = 4; i < 8; i++)
		t->right[i] = true;
	memcpy(row, head, sizeof(head));
	for (b = list != NULL ? list->child : NULL; b != NULL; b = b->next) {
		row = table_row(t);
		row[0] = word(b, "name");
		row[1] = word(b, "state");
		row[2] = way(t->arena, b, "to_agents");
		row[3] = way(t->arena, b, "to_customers");
		row[4] = arena_printf(t->arena, "%" PRId64,
		    json_int(b, "to_agents.waiting", 0) + json_int(b, "to_customers.waiting", 0));
		row[5] = oldest(t->arena, b);
		row[6] = number(t->arena, b, "parked");
		row[7] = number(t->arena, b, "repaired_24h");
	}
}

/* A long note is cut: the whole of it stands below. */
static void cut_last_column(struct table *t, size_t columns)
{
	size_t i, before = 0, row;

	for (i = 0; i + 1 < t->ncolumns; i++)
		before += t->width[i] + 2;
	if (before + t->width[i] <= columns)
		return;
	for (row = 1; row < t->nrows; row++)
		if (strlen(t->rows[row][i]) > columns - before)
			t->rows[row][i] = columns > before + 8
			    ? arena_printf(t->arena, "%s…",
				text_excerpt(t->arena, t->rows[row][i], columns - before - 1))
			    : "";
}

/* ---- sentences ---- */

static void print_wrapped(struct buf *out, const char *text, size_t columns)
{
	size_t at = 0, len;

	while (*text != '\0') {
		len = strcspn(text, " ");
		if (at > 0 && at + 1 + len > columns) {
			buf_adds(out, "\n ");
			at = 1;
		}
		if (at > 0) {
			buf_addc(out, ' ');
			at++;
		}
		buf_add(out, text, len);
		at += len;
		text += len;
		text += *text == ' ';
	}
	buf_addc(out, '\n');
}

/* "parked: 1 invalid, 1 expired: tieline parked" */
static void print_parked(struct buf *out, const struct json *document)
{
	const struct json *reasons = json_object(document, "parked.reasons"), *r;
	const char *between = "parked: ";

	for (r = reasons != NULL ? reasons->child : NULL; r != NULL; r = r->next) {
		buf_addf(out, "%s%s %s", between, r->text, r->key);
		between = ", ";
	}
	if (reasons != NULL && reasons->child != NULL)
		buf_adds(out, ": tieline parked\n");
}

static void print_problems(struct arena *a, struct buf *out, const struct json *document,
    size_t columns)
{
	const struct json *list = json_array(document, "problems"), *p;

	for (p = list != NULL ? list->child : NULL; p != NULL; p = p->next)
		if (strcmp(word(p, "kind"), "parked") != 0)
			print_wrapped(out,
			    arena_printf(a, "%s Next: %s", word(p, "text"), word(p, "next")),
			    columns);
}

static void print_page(struct buf *out, const struct json *document)
{
	const struct json *page = json_at(document, "relay.page");

	if (page != NULL && page->type == JSON_STRING)
		buf_addf(out, "page: %s\n", page->text);
	else if (page != NULL)
		buf_adds(out,
		    "page: off; set admin.password (12 characters or more), then tieline reload\n");
}

/* ---- all of it ---- */

const char *status_line(struct arena *a, const struct json *document)
{
	const char *store = arena_printf(a, "%s (%s)",
	    bytes_words(a, json_int(document, "store.bytes", -1)), word(document, "store.state"));
	const struct json *rate = json_at(document, "relay.callbacks_per_sec");

	if (!json_true(document, "relay.running"))
		return store;
	return arena_printf(a, "%s %s, version %s, store %s, callbacks %.*s/s",
	    json_true(document, "relay.draining") ? "draining after" : "running",
	    span_words(a, json_int(document, "relay.uptime_ms", 0)),
	    word(document, "relay.version"), store,
	    (int)(rate != NULL && rate->len > 0 ? rate->len - 1 : 0),
	    rate != NULL ? rate->text : "");
}

void status_print(struct arena *a, struct buf *out, const struct json *document, size_t columns)
{
	struct table endpoints = { .arena = a }, bridges = { .arena = a };
	bool runs = json_true(document, "relay.running");

	add_endpoints(&endpoints, document);
	add_bridges(&bridges, document);
	table_measure(&endpoints);
	table_measure(&bridges);
	cut_last_column(&endpoints, columns);
	if (bridges.width[0] < endpoints.width[0])
		bridges.width[0] = endpoints.width[0];
	endpoints.width[0] = bridges.width[0];
	if (!runs)
		buf_adds(out, "relay: not running\n");
	buf_addf(out, "%-*s  %s\n", (int)endpoints.width[0], runs ? "relay" : "store",
	    status_line(a, document));
	table_print(&endpoints, out);
	table_print(&bridges, out);
	print_parked(out, document);
	print_problems(a, out, document, columns);
	print_page(out, document);
}
