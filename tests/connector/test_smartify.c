/* Callbacks of Smartify become events. Each line of smartify/expected.jsonl names a captured body and
 * says the event it must become, written from the platform's contract; smartify/made.jsonl does the same
 * for bodies that nobody has captured. A member that is not there must be nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/json_in.h"
#include "base/json_out.h"
#include "base/mem.h"
#include "connector/connector.h"
#include "connector/smartify/smartify.h"

#define FOLDER TEST_SOURCE_DIR "/smartify/"
#define PROJECT "6b00af8332caee6929abd12a"
#define RECEIVED_MS 1795207000000

extern const struct connector smartify_connector;

/* --- a context --------------------------------------------------------------------------------- */

static struct smartify_conf conf;
static struct endpoint_conf endpoint;
static struct keys keys;

static struct via via_of(const char *project)
{
	conf = (struct smartify_conf){ .project_id = project, .channel = "tieline" };
	endpoint = (struct endpoint_conf){
		.id = 3,
		.name = "shop",
		.connector = &smartify_connector,
		.conf = &conf,
		.base_url = "https://panel.smartifyai.in/api",
		.host = "panel.smartifyai.in",
		.tenant = project,
		.webhook_secret = { .v = { "c8b950b7-a0ff-42f9-af19-680cc86df9a2",
					"61bea45c-af98-400d-b515-4781d3262bb6",
					"relay-own-secret-0123456789" },
		    .n = 3 },
	};
	return (struct via){ .endpoint = &endpoint, .conf = &conf, .keys = &keys };
}

static const char *read_file(struct arena *a, const char *name, const char *ending, size_t *len)
{
	const char *path = arena_printf(a, "%s%s%s", FOLDER, name, ending);
	FILE *f = fopen(path, "rb");
	char *text;
	long size;

	if (f == NULL)
		fail_msg("open %s", path);
	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	size = ftell(f);
	rewind(f);
	text = arena_alloc(a, (size_t)size + 1);
	assert_int_equal(fread(text, 1, (size_t)size, f), size);
	text[size] = '\0';
	fclose(f);
	*len = (size_t)size;
	return text;
}

static struct http_in hook_of(const char *body, size_t len)
{
	return (struct http_in){ .method = "POST",
		.path = "/hooks/shop/fixture-hook-key-1",
		.body = body,
		.body_len = len,
		.received_ms = RECEIVED_MS };
}

/* The lines of a .headers file behind the first; what they point to is the file's text. */
static size_t read_headers(char *text, struct http_header *headers, size_t max)
{
	char *line, *colon, *rest = strchr(text, '\n') + 1;
	size_t n = 0;

	while ((line = strsep(&rest, "\n")) != NULL && *line != '\0' && n < max) {
		colon = strchr(line, ':');
		*colon = '\0';
		headers[n++] = (struct http_header){ .name = line, .value = colon + 2 };
	}
	return n;
}

/* --- an event as text -------------------------------------------------------------------------- */

static void put_time(struct json_out *o, const char *key, int64_t ms)
{
	char text[TIME_TEXT_SIZE];

	json_member_text(o, key, time_format(ms, text));
}

static void put_person(struct json_out *o, const struct person *p)
{
	if (p->id == NULL)
		return;
	json_key(o, "person");
	json_begin_object(o);
	json_member_text(o, "identity", p->identity);
	json_member_text(o, "id", p->id);
	json_member_text(o, "address", p->address);
	json_member_text(o, "name", p->name);
	json_member_text(o, "email", p->email);
	json_member_text(o, "phone", p->phone);
	json_end_object(o);
}

static void put_author(struct json_out *o, const struct author *author)
{
	json_key(o, "author");
	json_begin_object(o);
	json_member_text(o, "role", role_word((int)author->role));
	json_member_text(o, "id", author->id);
	json_member_text(o, "name", author->name);
	json_end_object(o);
}

static void put_attachments(struct json_out *o, const struct event *e)
{
	const struct attachment *f;
	size_t i;

	if (e->nattachments == 0)
		return;
	json_key(o, "attachments");
	json_begin_array(o);
	for (i = 0; i < e->nattachments; i++) {
		f = &e->attachments[i];
		json_begin_object(o);
		json_member_text(o, "kind", attachment_kind_word((int)f->kind));
		json_member_text(o, "url", f->url);
		json_member_text(o, "type", f->type);
		json_member_text(o, "name", f->name);
		json_member_int(o, "size", f->size);
		json_end_object(o);
	}
	json_end_array(o);
}

static void put_widgets(struct json_out *o, const struct event *e)
{
	static const char *const kinds[] = { "answer", "address", "card" };
	const struct widget *w;

	if (e->nwidgets == 0)
		return;
	json_key(o, "widgets");
	json_begin_array(o);
	for (w = e->widgets; w < e->widgets + e->nwidgets; w++) {
		json_begin_object(o);
		json_member_text(o, "kind", kinds[w->kind]);
		json_member_text(o, "label", w->label);
		json_member_text(o, "text", w->text);
		json_member_text(o, "url", w->url);
		json_member_text(o, "image", w->image);
		json_end_object(o);
	}
	json_end_array(o);
}

static void put_flags(struct json_out *o, unsigned flags)
{
	static const char *const words[] = { "draft", "hidden", "system", "command", "preflight",
		"deleted", "empty", "automatic" };
	size_t i;

	if (flags == 0)
		return;
	json_key(o, "flags");
	json_begin_array(o);
	for (i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (flags & (1u << i))
			json_put_text(o, words[i]);
	json_end_array(o);
}

static void put_tags(struct json_out *o, const struct event *e)
{
	size_t i;

	if (e->ntags == 0)
		return;
	json_key(o, "tags");
	json_begin_array(o);
	for (i = 0; i < e->ntags; i++)
		json_put_text(o, e->tags[i]);
	json_end_array(o);
}

static const char *event_text(struct arena *a, const struct event *e)
{
	struct json_out *o = json_out_new(a);

	json_begin_object(o);
	json_member_text(o, "kind", event_kind_word((int)e->kind));
	json_member_text(o, "key", e->key);
	json_member_text(o, "remote", e->remote);
	json_member_text(o, "conversation", e->conversation);
	json_member_text(o, "ref", e->conversation_ref);
	put_person(o, &e->person);
	put_author(o, &e->author);
	if (e->is_private)
		json_member_bool(o, "private", true);
	put_time(o, "at", e->at_ms);
	json_member_text(o, "text", e->text);
	if (e->format != FORMAT_PLAIN)
		json_member_text(o, "format", format_word((int)e->format));
	put_attachments(o, e);
	put_widgets(o, e);
	if (e->state != STATE_NONE)
		json_member_text(o, "state", state_word((int)e->state));
	if (e->version != 0)
		json_member_int(o, "version", e->version);
	put_flags(o, e->flags);
	if (e->drop != DROP_NONE)
		json_member_text(o, "drop", drop_word((int)e->drop));
	json_member_text(o, "detail", e->detail);
	json_member_text(o, "mark", e->mark);
	json_member_text(o, "conversation_mark", e->conversation_mark);
	json_member_text(o, "channel", e->channel);
	json_member_text(o, "department", e->department);
	json_member_text(o, "department_name", e->department_name);
	put_tags(o, e);
	json_end_object(o);
	return json_done(o, NULL);
}

/* The same of a line of expectations: its members but for the first skip ones. */
static const char *expected_text(struct arena *a, const struct json *line, int skip)
{
	struct json_out *o = json_out_new(a);
	const struct json *j;

	json_begin_object(o);
	for (j = line->child; j != NULL; j = j->next)
		if (skip-- <= 0) {
			json_key(o, j->key);
			json_put(o, j);
		}
	json_end_object(o);
	return json_done(o, NULL);
}

static const char *parse_text(struct arena *a, const struct via *via, const struct http_in *hook)
{
	struct event_list list = { 0 };
	struct parse_error error;

	if (smartify_connector.parse(via, a, hook, &list, &error) != 0) {
		assert_int_equal(list.count, 0);
		return arena_printf(a, "unparsable %s at %zu: %s",
		    unparsable_word((int)error.reason), error.offset, error.detail);
	}
	assert_int_equal(list.count, 1);
	assert_int_equal(list.items[0].endpoint, 3);
	assert_int_equal(list.items[0].here_ms, RECEIVED_MS);
	return event_text(a, &list.items[0]);
}

static void check(const char *name, const char *got, const char *expected)
{
	if (strcmp(got, expected) != 0)
		fail_msg("%s\n     got %s\nexpected %s", name, got, expected);
}

/* --- fixtures ---------------------------------------------------------------------------------- */

static void each_line(const char *file, void (*run)(struct arena *a, const struct json *line))
{
	struct arena *whole = arena_new(), *a = arena_new();
	size_t len, n;
	const char *p = read_file(whole, file, ".jsonl", &len);
	struct json_error error;
	const struct json *line;

	for (; *p != '\0'; p += n + 1) {
		n = strcspn(p, "\n");
		line = json_read(a, p, n, &error);
		if (line == NULL)
			fail_msg("%s: %.80s", error.detail, p);
		run(a, line);
		arena_reset(a);
	}
	arena_free(a);
	arena_free(whole);
}

static void run_captured(struct arena *a, const struct json *line)
{
	const char *name = json_text(line, "fixture");
	struct via via = via_of(json_text(line, "project"));
	struct http_header headers[16];
	size_t len;
	struct http_in hook;

	hook = hook_of(read_file(a, name, ".json", &len), 0);
	hook.body_len = len;
	hook.headers = headers;
	hook.nheaders = read_headers((char *)read_file(a, name, ".headers", &len), headers, 16);
	assert_int_equal(smartify_connector.verify(&via, &hook), VERIFY_OK);
	check(name, parse_text(a, &via, &hook), expected_text(a, line, 2));
}

static void captured_callbacks(void **state)
{
	(void)state;
	each_line("expected", run_captured);
}

/* A callback of another project is nobody's here, whatever it tells. */
static void run_as_other_project(struct arena *a, const struct json *line)
{
	struct via via = via_of("5e2c35c8f0dbc10017bb3aac");
	struct event_list list = { 0 };
	struct parse_error error;
	struct http_in hook;
	size_t len;

	hook = hook_of(read_file(a, json_text(line, "fixture"), ".json", &len), 0);
	hook.body_len = len;
	assert_int_equal(smartify_connector.parse(&via, a, &hook, &list, &error), 0);
	assert_int_equal(list.items[0].drop, DROP_OTHER_ACCOUNT);
	assert_string_equal(list.items[0].detail, "other_project");
}

static void another_project(void **state)
{
	(void)state;
	each_line("expected", run_as_other_project);
}

/* A made line: what it is about, the event's name, its payload, and what it becomes. */
static void run_made(struct arena *a, const struct json *line)
{
	struct via via = via_of(PROJECT);
	struct json_out *o = json_out_new(a);
	const struct json *expected = json_member(line, "expect");
	struct http_in hook;
	size_t len;

	json_begin_object(o);
	json_member_int(o, "timestamp", RECEIVED_MS - 250);
	json_key(o, "payload");
	json_put(o, json_member(line, "payload"));
	json_key(o, "hook");
	json_begin_object(o);
	json_member_text(o, "event", json_text(line, "event"));
	json_end_object(o);
	json_end_object(o);
	hook = hook_of(json_done(o, &len), 0);
	hook.body_len = len;
	check(json_text(line, "what"), parse_text(a, &via, &hook),
	    expected->type == JSON_STRING ? expected->text : expected_text(a, expected, 0));
}

static void made_callbacks(void **state)
{
	(void)state;
	each_line("made", run_made);
}

/* --- bodies that say nothing ------------------------------------------------------------------- */

static void unparsable_bodies(void **state)
{
	static const struct {
		const char *body, *expected;
	} rows[] = {
		{ "", "unparsable empty" },
		{ " \n", "unparsable empty" },
		{ "<html>", "unparsable not_json at 0" },
		{ "{\"payload\":", "unparsable truncated at 11" },
		{ "{\"a\":\"\xff\"}", "unparsable not_utf8 at 6" },
		{ "[]", "unparsable not_object" },
		{ "null", "unparsable not_object" },
		{ "\"text\"", "unparsable not_object" },
		{ "7", "unparsable not_object" },
		{ "{}", "unparsable no_event" },
		{ "{\"payload\":{},\"hook\":null}", "unparsable no_event" },
		{ "{\"payload\":{},\"hook\":{\"event\":7}}", "unparsable no_event" },
		{ "{\"payload\":{},\"hook\":{\"event\":\" \"}}", "unparsable no_event" },
		{ "{\"payload\":{},\"hook\":{\"target\":\"https://x\",\"_id\":\"1\"}}",
		    "unparsable no_event" },
		{ "{\"hook\":{\"event\":\"message.create\"}}",
		    "unparsable bad_field at 0: payload is no object" },
		{ "{\"payload\":[],\"hook\":{\"event\":\"message.create\"}}",
		    "unparsable bad_field at 0: payload is no object" },
		{ "{\"payload\":\"x\",\"hook\":{\"event\":\"request.update\"}}",
		    "unparsable bad_field at 0: payload is no object" },
	};
	struct arena *a = arena_new();
	struct via via = via_of(PROJECT);
	struct http_in hook;
	const char *got;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		hook = hook_of(rows[i].body, strlen(rows[i].body));
		got = parse_text(a, &via, &hook);
		if (strncmp(got, rows[i].expected, strlen(rows[i].expected)) != 0)
			check(rows[i].body, got, rows[i].expected);
	}
	arena_free(a);
}

/* An external bot is sent what customers write, with itself as hook. */
static void body_for_a_bot(void **state)
{
	static const char body[] = "{\"timestamp\":1795206999000,\"payload\":{\"_id\":\"1\","
				   "\"sender\":\"wab-1\",\"recipient\":\"support-group-1\"},"
				   "\"hook\":{\"_id\":\"b1\",\"name\":\"Bot\",\"secret\":\"s\"}}";
	struct http_header agent = { .name = "User-Agent", .value = "tiledesk-bot" };
	struct arena *a = arena_new();
	struct via via = via_of(PROJECT);
	struct http_in hook = hook_of(body, sizeof(body) - 1);
	const char *expected = "{\"kind\":\"contact\",\"author\":{\"role\":\"system\"},"
			       "\"at\":\"2026-11-20T20:36:39.000Z\",\"drop\":\"unsupported\","
			       "\"detail\":\"event for an external bot\"}";

	(void)state;
	check("by its hook", parse_text(a, &via, &hook), expected);
	hook.headers = &agent;
	hook.nheaders = 1;
	check("by its name", parse_text(a, &via, &hook), expected);
	arena_free(a);
}

/* Each member of a real body in turn becomes null, a number, a list … and nothing breaks. */
static size_t nodes_of(struct json *j, struct json **nodes, size_t max)
{
	size_t n = 0;

	for (; j != NULL && n < max; j = j->next) {
		nodes[n++] = j;
		n += nodes_of(j->child, nodes + n, max - n);
	}
	return n;
}

static void every_member_of_any_type(void **state)
{
	static const char *const names[] = { "00003-message.create", "00022-request.update",
		"00001-lead.create", "00228-event.emit.typing.start", "00441-message.create" };
	static const char *const values[] = { "null", "7", "\"\"", "true", "[1]", "{\"a\":1}" };
	struct arena *a = arena_new(), *b = arena_new();
	struct json *nodes[2000], saved, *root;
	struct json_error error;
	struct http_in hook;
	struct via via;
	size_t f, i, v, n, len;
	const char *body;

	(void)state;
	for (f = 0; f < sizeof(names) / sizeof(*names); f++) {
		body = read_file(a, names[f], ".json", &len);
		root = json_read(a, body, len, &error);
		via = via_of(json_text(root, "payload.id_project"));
		n = nodes_of(root->child, nodes, 2000);
		for (i = 0; i < n; i++)
			for (v = 0; v < sizeof(values) / sizeof(*values); v++) {
				struct json_out *o = json_out_new(b);

				saved = *nodes[i];
				*nodes[i] = *json_read(b, values[v], strlen(values[v]), &error);
				nodes[i]->key = saved.key;
				nodes[i]->next = saved.next;
				json_put(o, root);
				*nodes[i] = saved;
				hook = hook_of(json_done(o, &len), 0);
				hook.body_len = len;
				assert_non_null(parse_text(b, &via, &hook));
				arena_reset(b);
			}
	}
	arena_free(b);
	arena_free(a);
}

/* --- who may call ------------------------------------------------------------------------------ */

static void verification(void **state)
{
	static const struct {
		const char *name, *value;
		enum verify expected;
	} rows[] = {
		{ "x-hook-secret", "61bea45c-af98-400d-b515-4781d3262bb6", VERIFY_OK },
		{ "X-Hook-Secret", "relay-own-secret-0123456789", VERIFY_OK },
		{ "x-hook-secret", "61bea45c-af98-400d-b515-4781d3262bb7", VERIFY_BAD_SECRET },
		{ "x-hook-secret", "", VERIFY_BAD_SECRET },
		{ "authorization", "61bea45c-af98-400d-b515-4781d3262bb6", VERIFY_NO_SIGNATURE },
	};
	struct via via = via_of(PROJECT);
	struct http_in hook = hook_of("{}", 2);
	struct http_header header;
	size_t i;

	(void)state;
	hook.headers = &header;
	hook.nheaders = 1;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		header = (struct http_header){ .name = rows[i].name, .value = rows[i].value };
		assert_int_equal(smartify_connector.verify(&via, &hook), rows[i].expected);
	}
	endpoint.webhook_secret.n = 0;
	assert_int_equal(smartify_connector.verify(&via, &hook), VERIFY_UNCHECKED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(captured_callbacks),
		cmocka_unit_test(another_project),
		cmocka_unit_test(made_callbacks),
		cmocka_unit_test(unparsable_bodies),
		cmocka_unit_test(body_for_a_bot),
		cmocka_unit_test(every_member_of_any_type),
		cmocka_unit_test(verification),
	};

	return cmocka_run_group_tests_name("smartify", tests, NULL, NULL);
}
