/* See openapi_web.h. Two tables: what each route is for, and what answers are made of. A shape is written as
 * "name:type …": s text, i integer, n number, b boolean, t a time, o an object of any kind, Way another shape, [Way a
 * list of them; behind it "?" where it may be null, "~" where it may be absent. */
#include "admin/web/openapi_web.h"

#include <string.h>

#include "admin/web/api.h"
#include "base/arena.h"
#include "base/json_out.h"

/* ---- shapes ---- */

static const struct {
	const char *name, *members;
} shapes[] = {
	{ "Problem", "type:s title:s status:i detail:s~ next:s~ errors:[Mistake~" },
	{ "Mistake", "key:s found:s~ allowed:s~ line:i~" },
	{ "Status",
	    "ok:b relay:o store:o endpoints:[Endpoint bridges:[Bridge parked:o problems:[Wrong" },
	{ "Wrong", "kind:s endpoint:s? bridge:s? since:t? alarm:s? text:s next:s" },
	{ "Endpoint",
	    "name:s platform:s state:s? note:s? since:t? sent_24h:i errors_24h:i? waiting:i parked:i "
	    "width:i? width_most:i open:b? last_callback:t?" },
	{ "Bridge",
	    "name:s customers:s agents:s state:s? to_agents:Way to_customers:Way parked:i "
	    "repaired_24h:i" },
	{ "Way", "delivered_24h:i median_ms:i? waiting:i oldest_ms:i?" },
	{ "Check", "check:s endpoint:s result:s found:s~ next:s~" },
	{ "Lane", "id:s endpoint:s state:s deliveries:i" },
	{ "Link",
	    "id:s bridge:s? customers:s? agents:s? customers_state:s~ agents_state:s~ generation:i "
	    "taken_over:b gone:b linked:s" },
	{ "Pair", "customers:s agents:s" },
	{ "Paired", "items:[PairResult" },
	{ "PairResult", "result:s reason:s~" },
	{ "Parked",
	    "id:s since:t~ endpoint:s~ bridge:s~ direction:s~ reason:s~ detail:s~ kind:s~ state:s~ "
	    "text:s~ event:s~ attempts:[Attempt~ edited:o~ etag:s~" },
	{ "Attempt", "at:t attempt:i step:s~ state:s reason:s~ detail:s~ who:s~" },
	{ "Mended", "done:i refused:i" },
	{ "Trace",
	    "event:s kind:s~ origin:s~ at:t~ stored:t~ source:s~ conversation:s~ author:o~ text:s~ "
	    "routed:b~ deliveries:[Delivery~" },
	{ "Delivery",
	    "id:s bridge:s~ endpoint:s~ direction:s~ state:s reason:s~ detail:s~ remote:s~ "
	    "conversation:s~ link:s~ linked:s~ attempt:i~ step:s~ sent:t~ due:t~ ended:t~ expires:t~ "
	    "attempts:[Attempt~ edited:o~" },
	{ "Alarm",
	    "id:s kind:s endpoint:s? bridge:s? since:t? raised:t? reminded:t? cleared:t? owed:b text:s "
	    "next:s" },
	{ "Series", "metric:s minutes:i until:t series:[Line" },
	{ "Line", "labels:o values:o" },
	{ "Comparison",
	    "endpoint:s running:b dry_run:b reason:s~ since:t~ begun:t~ ended:t~ conversations:i "
	    "checked:i missing:i repaired:i unreadable:i error:s~" },
	{ "Migration",
	    "id:s bridge:s from:s to:s file:s~ dry_run:b state:s running:b begun:t~ ended:t~ "
	    "under_way:i conversations:i read:i written:i failed:i files:i skipped:o adds_up:b "
	    "verify:o~ plan:o~ reason:s~" },
	{ "Made", "conversation:s~ message:s" },
	{ "Done", "status:s" },
	{ "Backup", "file:s bytes:i took_ms:i" },
	{ "Any", "" },
};

/* ---- routes ---- */

#define PAGED "limit cursor"
#define TIMED "since until limit cursor"

struct note {
	const char *method, *path, *summary;
	const char *query;  /* names; NULL: none */
	const char *body;   /* a shape, written out; NULL: none */
	int status;         /* when it is done */
	const char *answer; /* name of a shape, with [ a list of them; NULL: no body */
};

static const struct note notes[] = {
	{ "GET", "/openapi.json", "This document", NULL, NULL, 200, "Any" },
	{ "GET", "/status", "How all of it is: what `tieline status --json` prints", NULL, NULL,
	    200, "Status" },
	{ "POST", "/reload", "Reads the configuration anew, all or nothing", NULL, NULL, 200,
	    "Done" },
	{ "POST", "/backup", "A copy of the store, on the server; over the socket alone", NULL,
	    "file:s", 200, "Backup" },
	{ "GET", "/endpoints", "All endpoints", NULL, NULL, 200, "[Endpoint" },
	{ "GET", "/endpoints/{}", "One endpoint", NULL, NULL, 200, "Endpoint" },
	{ "POST", "/endpoints/{}/pause", "Nothing is sent to it", NULL, NULL, 200, "Endpoint" },
	{ "POST", "/endpoints/{}/resume", "It goes on", NULL, NULL, 200, "Endpoint" },
	{ "POST", "/endpoints/{}/drain", "What is queued is sent, nothing new is queued", NULL,
	    NULL, 200, "Endpoint" },
	{ "POST", "/endpoints/{}/check", "Asks the platform, as `tieline check --online` does",
	    NULL, NULL, 200, "[Check" },
	{ "POST", "/endpoints/{}/keep", "What setup keeps; over the socket alone", NULL, "", 200,
	    "Done" },
	{ "GET", "/bridges", "All bridges", NULL, NULL, 200, "[Bridge" },
	{ "GET", "/bridges/{}", "One bridge", NULL, NULL, 200, "Bridge" },
	{ "POST", "/bridges/{}/pause", "Nothing is sent over it", NULL, NULL, 200, "Bridge" },
	{ "POST", "/bridges/{}/resume", "It goes on", NULL, NULL, 200, "Bridge" },
	{ "POST", "/bridges/{}/drain", "What is queued is sent, nothing new is queued", NULL, NULL,
	    200, "Bridge" },
	{ "GET", "/setup", "What setup reads; over the socket alone", NULL, NULL, 200, "Any" },
	{ "GET", "/lanes", "Persons with anything to do, by their number", "endpoint state " PAGED,
	    NULL, 200, "[Lane" },
	{ "GET", "/links", "Conversations that are tied; q: an id there, an e-mail, a phone",
	    "q " PAGED, NULL, 200, "[Link" },
	{ "POST", "/links", "Pairs that a person names; mode: check, plan, link", NULL,
	    "mode:s pairs:[Pair", 200, "Paired" },
	{ "GET", "/links/{}", "One of them", NULL, NULL, 200, "Link" },
	{ "GET", "/parked", "What waits for a person", "endpoint bridge reason " TIMED, NULL, 200,
	    "[Parked" },
	{ "POST", "/parked/retry", "Puts all back that fit the filter, if they are so many", NULL,
	    "filter:o~ expect:i", 200, "Mended" },
	{ "POST", "/parked/drop", "Gives up all that fit the filter, if they are so many", NULL,
	    "filter:o~ expect:i", 200, "Mended" },
	{ "GET", "/parked/{}", "One of them, with what was tried, and its etag", NULL, NULL, 200,
	    "Parked" },
	{ "PATCH", "/parked/{}", "Other words for one that was refused; If-Match: its etag", NULL,
	    "text:s", 204, NULL },
	{ "DELETE", "/parked/{}", "Gives it up", NULL, NULL, 204, NULL },
	{ "POST", "/parked/{}/retry", "Puts it back", NULL, NULL, 202, "Done" },
	{ "GET", "/messages/{}/trace", "One message's life, by e812, d1440, desk:40871", NULL, NULL,
	    200, "Trace" },
	{ "GET", "/persons/{}", "All that is known of a person: an e-mail, a phone, desk:604", NULL,
	    NULL, 200, "Any" },
	{ "DELETE", "/persons/{}", "Erases a person, or (dry_run) counts; the receipt", "dry_run",
	    NULL, 200, "Any" },
	{ "GET", "/alarms", "What was and is wrong", TIMED, NULL, 200, "[Alarm" },
	{ "GET", "/series",
	    "One metric of the last 24 h by the minute; without one, which there are",
	    "metric minutes", NULL, 200, "Series" },
	{ "GET", "/reconciliations", "The last comparison of each endpoint", NULL, NULL, 200,
	    "[Comparison" },
	{ "POST", "/reconciliations", "Compares now", NULL, "bridges:o~ since:t~ dry_run:b~", 202,
	    "[Comparison" },
	{ "GET", "/history", "Conversations at an endpoint, a page of them",
	    "endpoint since cursor", NULL, 200, "Any" },
	{ "GET", "/history/{}", "What was said in one of them", "endpoint cursor", NULL, 200,
	    "Any" },
	{ "GET", "/migrations", "All runs, the newest first", TIMED, NULL, 200, "[Migration" },
	{ "POST", "/migrations", "Begins one, or lets one go on", NULL,
	    "from:s~ to:s~ file:s~ since:t~ until:t~ state:s~ only:s~ limit:i~ force:b~ no_media:b~ "
	    "dry_run:b~ verify:b~ resume:s~",
	    202, "Migration" },
	{ "GET", "/migrations/{}", "One of them", NULL, NULL, 200, "Migration" },
	{ "POST", "/migrations/{}/stop", "Leaves it, so that it can go on", NULL, NULL, 202,
	    "Migration" },
	{ "GET", "/migrations/{}/made", "What it has written, as it is called there", "after", NULL,
	    200, "[Made" },
};

static const struct note *note_of(const struct api_route *r)
{
	size_t i;

	for (i = 0; i < sizeof(notes) / sizeof(notes[0]); i++)
		if (strcmp(notes[i].method, r->method) == 0 && strcmp(notes[i].path, r->path) == 0)
			return &notes[i];
	return NULL;
}

static const struct {
	const char *name, *type, *what;
} queries[] = {
	{ "after", "string", "the last message of the page before" },
	{ "bridge", "string", "name of a bridge" },
	{ "cursor", "string", "next of the page before" },
	{ "dry_run", "boolean", "nothing is done" },
	{ "endpoint", "string", "name of an endpoint" },
	{ "limit", "integer", "how many, 1 to 500; 50" },
	{ "metric", "string", "one of those that are listed without it" },
	{ "minutes", "integer", "how far back, 1 to 1440; 1440" },
	{ "q", "string", "what is looked for" },
	{ "reason", "string", "why it is parked" },
	{ "since", "string", "a time: not before it" },
	{ "state", "string", "idle, ready, busy, waiting, parked" },
	{ "until", "string", "a time: not after it" },
};

/* ---- writing shapes ---- */

static void put_ref(struct json_out *o, const char *kind, const char *name)
{
	char path[96] = "#/components/";

	strncat(path, kind, 20);
	strncat(path, "/", 2);
	strncat(path, name, 40);
	json_begin_object(o);
	json_member_text(o, "$ref", path);
	json_end_object(o);
}

/* A type that is no other shape. */
static void put_simple(struct json_out *o, char letter, bool may_be_null)
{
	static const char letters[] = "sinbto";
	static const char *const words[] = { "string", "integer", "number", "boolean", "string",
		NULL };
	const char *word = words[strchr(letters, letter) - letters];

	json_begin_object(o);
	if (word != NULL) {
		json_key(o, "type");
		if (may_be_null)
			json_begin_array(o);
		json_put_text(o, word);
		if (may_be_null) {
			json_put_text(o, "null");
			json_end_array(o);
		}
	}
	if (letter == 't')
		json_member_text(o, "format", "date-time");
	json_end_object(o);
}

static void put_type(struct json_out *o, const char *type, bool may_be_null)
{
	if (*type == '[') {
		json_begin_object(o);
		json_member_text(o, "type", "array");
		json_key(o, "items");
		put_ref(o, "schemas", type + 1);
		json_end_object(o);
	} else if (type[1] == '\0') {
		put_simple(o, *type, may_be_null);
	} else {
		put_ref(o, "schemas", type);
	}
}

struct member {
	const char *name, *type;
	bool may_be_null, may_lack;
};

/* The next member of a shape; false: there is none. */
static bool next_member(struct arena *a, const char **at, struct member *m)
{
	size_t len = strcspn(*at, " "), name = strcspn(*at, ":");
	char last = len > 0 ? (*at)[len - 1] : '\0';

	if (len == 0)
		return false;
	m->may_be_null = last == '?';
	m->may_lack = last == '~';
	m->name = arena_strndup(a, *at, name);
	m->type = arena_strndup(a, *at + name + 1,
	    len - name - 1 - (m->may_be_null || m->may_lack ? 1 : 0));
	*at += len;
	*at += strspn(*at, " ");
	return true;
}

static void put_shape(struct arena *a, struct json_out *o, const char *members)
{
	const char *at = members;
	struct member m;

	json_begin_object(o);
	json_member_text(o, "type", "object");
	json_key(o, "properties");
	json_begin_object(o);
	while (next_member(a, &at, &m)) {
		json_key(o, m.name);
		put_type(o, m.type, m.may_be_null);
	}
	json_end_object(o);
	json_key(o, "required");
	json_begin_array(o);
	for (at = members; next_member(a, &at, &m);)
		if (!m.may_lack)
			json_put_text(o, m.name);
	json_end_array(o);
	json_end_object(o);
}

static void put_list_of(struct json_out *o, const char *name)
{
	json_begin_object(o);
	json_member_text(o, "type", "object");
	json_key(o, "properties");
	json_begin_object(o);
	json_key(o, "items");
	json_begin_object(o);
	json_member_text(o, "type", "array");
	json_key(o, "items");
	put_ref(o, "schemas", name);
	json_end_object(o);
	json_key(o, "next");
	put_simple(o, 's', true);
	json_end_object(o);
	json_key(o, "required");
	json_begin_array(o);
	json_put_text(o, "items");
	json_put_text(o, "next");
	json_end_array(o);
	json_end_object(o);
}

/* ---- writing routes ---- */

static void put_parameter(struct json_out *o, const char *name, const char *in, const char *type,
    const char *what)
{
	json_begin_object(o);
	json_member_text(o, "name", name);
	json_member_text(o, "in", in);
	json_member_bool(o, "required", strcmp(in, "path") == 0);
	json_member_text(o, "description", what);
	json_key(o, "schema");
	json_begin_object(o);
	json_member_text(o, "type", type);
	json_end_object(o);
	json_end_object(o);
}

/* What stands for {} is a name, or an id. */
static const char *piece_name(const char *path)
{
	static const char *const names[][2] = { { "/endpoints/", "name" }, { "/bridges/", "name" },
		{ "/persons/", "who" } };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strncmp(path, names[i][0], strlen(names[i][0])) == 0)
			return names[i][1];
	return "id";
}

static void put_parameters(struct json_out *o, const struct note *n)
{
	const char *at = n->query != NULL ? n->query : "";
	size_t i, len;

	json_key(o, "parameters");
	json_begin_array(o);
	if (strchr(n->path, '{') != NULL)
		put_parameter(o, piece_name(n->path), "path", "string", "which");
	for (; *at != '\0'; at += len + strspn(at + len, " ")) {
		len = strcspn(at, " ");
		for (i = 0; i < sizeof(queries) / sizeof(queries[0]); i++)
			if (strlen(queries[i].name) == len
			    && strncmp(queries[i].name, at, len) == 0)
				put_parameter(o, queries[i].name, "query", queries[i].type,
				    queries[i].what);
	}
	if (strcmp(n->method, "PATCH") == 0)
		put_parameter(o, "If-Match", "header", "string", "its etag");
	json_end_array(o);
}

static void put_content(struct json_out *o, const char *type)
{
	json_key(o, "content");
	json_begin_object(o);
	json_key(o, type);
	json_begin_object(o);
	json_key(o, "schema");
}

static void end_content(struct json_out *o)
{
	json_end_object(o);
	json_end_object(o);
}

static void put_responses(struct arena *a, struct json_out *o, const struct note *n)
{
	json_key(o, "responses");
	json_begin_object(o);
	json_key(o, arena_printf(a, "%d", n->status));
	json_begin_object(o);
	json_member_text(o, "description",
	    n->status == 202       ? "begun"
		: n->status == 204 ? "done, nothing to say"
				   : "done");
	if (n->answer != NULL) {
		put_content(o, "application/json");
		if (*n->answer == '[')
			put_list_of(o, n->answer + 1);
		else
			put_ref(o, "schemas", n->answer);
		end_content(o);
	}
	json_end_object(o);
	json_key(o, "default");
	put_ref(o, "responses", "Problem");
	json_end_object(o);
}

static const char *operation_id(struct arena *a, const struct note *n)
{
	char *id = arena_printf(a, "%s%s", n->method, n->path), *from, *to;

	for (from = to = id; *from != '\0'; from++)
		if (strchr("{}", *from) == NULL)
			*to++ = *from == '/' || *from == '.' ? '_'
			    : *from >= 'A' && *from <= 'Z'   ? (char)(*from + 32)
							     : *from;
	*to = '\0';
	return id;
}

static void put_operation(struct arena *a, struct json_out *o, const struct note *n)
{
	static const char *const verbs[][2] = { { "GET", "get" }, { "POST", "post" },
		{ "PATCH", "patch" }, { "DELETE", "delete" } };
	size_t i = 0;

	while (strcmp(verbs[i][0], n->method) != 0)
		i++;
	json_key(o, verbs[i][1]);
	json_begin_object(o);
	json_member_text(o, "operationId", operation_id(a, n));
	json_member_text(o, "summary", n->summary);
	put_parameters(o, n);
	if (n->body != NULL) {
		json_key(o, "requestBody");
		json_begin_object(o);
		json_member_bool(o, "required", true);
		put_content(o, "application/json");
		put_shape(a, o, n->body);
		end_content(o);
		json_end_object(o);
	}
	put_responses(a, o, n);
	json_end_object(o);
}

/* All operations of a path stand together, where its first one is. */
static bool is_first(size_t at)
{
	const struct api_route *r = api_route_at(at);
	size_t i;

	for (i = 0; i < at; i++)
		if (strcmp(api_route_at(i)->path, r->path) == 0)
			return false;
	return true;
}

static void put_path(struct arena *a, struct json_out *o, const char *path)
{
	size_t cut = strcspn(path, "{"), i;
	const struct api_route *r;
	const struct note *n;

	json_key(o,
	    path[cut] == '\0'
		? path
		: arena_printf(a, "%.*s{%s}%s", (int)cut, path, piece_name(path), path + cut + 2));
	json_begin_object(o);
	for (i = 0; (r = api_route_at(i)) != NULL; i++) {
		n = strcmp(r->path, path) == 0 ? note_of(r) : NULL;
		if (n != NULL)
			put_operation(a, o, n);
	}
	json_end_object(o);
}

/* ---- the document ---- */

static void put_info(struct json_out *o)
{
	json_key(o, "info");
	json_begin_object(o);
	json_member_text(o, "title", "Tieline");
	json_member_text(o, "version", TIELINE_VERSION);
	json_member_text(o, "description",
	    "What the commands and the status page ask. Within 1.x members, words and routes are added, "
	    "never renamed or removed: ignore what you do not know.");
	json_end_object(o);
}

static void put_scheme(struct json_out *o, const char *name, const char *type, const char *key,
    const char *value, const char *cookie)
{
	json_key(o, name);
	json_begin_object(o);
	json_member_text(o, "type", type);
	json_member_text(o, key, value);
	json_member_text(o, "name", cookie);
	json_end_object(o);
}

static void put_components(struct arena *a, struct json_out *o)
{
	size_t i;

	json_key(o, "components");
	json_begin_object(o);
	json_key(o, "securitySchemes");
	json_begin_object(o);
	put_scheme(o, "token", "http", "scheme", "bearer", NULL);
	put_scheme(o, "page", "apiKey", "in", "cookie", "tieline_session");
	json_end_object(o);
	json_key(o, "responses");
	json_begin_object(o);
	json_key(o, "Problem");
	json_begin_object(o);
	json_member_text(o, "description", "it is not done; RFC 9457");
	put_content(o, "application/problem+json");
	put_ref(o, "schemas", "Problem");
	end_content(o);
	json_end_object(o);
	json_end_object(o);
	json_key(o, "schemas");
	json_begin_object(o);
	for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		json_key(o, shapes[i].name);
		put_shape(a, o, shapes[i].members);
	}
	json_end_object(o);
	json_end_object(o);
}

static void put_security(struct json_out *o)
{
	static const char *const names[] = { "token", "page" };
	size_t i;

	json_key(o, "security");
	json_begin_array(o);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		json_begin_object(o);
		json_key(o, names[i]);
		json_begin_array(o);
		json_end_array(o);
		json_end_object(o);
	}
	json_end_array(o);
}

const char *openapi_document(struct arena *a, size_t *len)
{
	struct json_out *o = json_out_new(a);
	const struct api_route *r;
	size_t i;

	json_begin_object(o);
	json_member_text(o, "openapi", "3.1.0");
	put_info(o);
	json_key(o, "servers");
	json_begin_array(o);
	json_begin_object(o);
	json_member_text(o, "url", "/api/v1");
	json_end_object(o);
	json_end_array(o);
	put_security(o);
	json_key(o, "paths");
	json_begin_object(o);
	for (i = 0; (r = api_route_at(i)) != NULL; i++)
		if (is_first(i))
			put_path(a, o, r->path);
	json_end_object(o);
	put_components(a, o);
	json_end_object(o);
	return json_done(o, len);
}

void openapi_web_show(struct api_call *c)
{
	size_t len;
	const char *body = openapi_document(c->arena, &len);

	api_reply(c, 200, body, len);
}
