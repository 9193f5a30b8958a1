/* See api.h. Every resource is a line in the table; where it is, what it may, who answers. */
#include "admin/web/api.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "admin/web/alarms.h"
#include "admin/web/backup_web.h"
#include "admin/web/check_web.h"
#include "admin/web/control_web.h"
#include "admin/web/history_web.h"
#include "admin/web/links_web.h"
#include "admin/web/migration_web.h"
#include "admin/web/openapi_web.h"
#include "admin/web/pairs_web.h"
#include "admin/web/person_web.h"
#include "admin/web/places_web.h"
#include "admin/web/reconcile_web.h"
#include "admin/web/repair_web.h"
#include "admin/web/series_web.h"
#include "admin/web/setup_web.h"
#include "admin/web/web.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/json_in.h"
#include "base/json_out.h"
#include "base/log.h"
#include "base/mistakes.h"
#include "base/utf8.h"
#include "net/http_in.h"

#define BUSY_SECS 5
#define LIST_USUAL 50
#define LIST_MOST 500

static const struct api_route routes[] = {
	{ "GET", "/openapi.json", openapi_web_show },
	{ "GET", "/status", web_status },
	{ "POST", "/reload", control_web_reload },
	{ "POST", "/backup", backup_web_start },
	{ "GET", "/endpoints", places_web_endpoints },
	{ "GET", "/endpoints/{}", places_web_endpoint },
	{ "POST", "/endpoints/{}/pause", control_web_pause_endpoint },
	{ "POST", "/endpoints/{}/resume", control_web_resume_endpoint },
	{ "POST", "/endpoints/{}/drain", control_web_drain_endpoint },
	{ "POST", "/endpoints/{}/check", check_web_start },
	{ "GET", "/bridges", places_web_bridges },
	{ "GET", "/bridges/{}", places_web_bridge },
	{ "POST", "/bridges/{}/pause", control_web_pause_bridge },
	{ "POST", "/bridges/{}/resume", control_web_resume_bridge },
	{ "POST", "/bridges/{}/drain", control_web_drain_bridge },
	{ "GET", "/setup", setup_web_show },
	{ "POST", "/endpoints/{}/keep", setup_web_keep },
	{ "GET", "/lanes", places_web_lanes },
	{ "GET", "/links", links_web_list },
	{ "GET", "/links/{}", links_web_show },
	{ "GET", "/parked", repair_web_list },
	{ "POST", "/parked/retry", repair_web_retry_all },
	{ "POST", "/parked/drop", repair_web_drop_all },
	{ "GET", "/parked/{}", repair_web_show },
	{ "PATCH", "/parked/{}", repair_web_edit },
	{ "DELETE", "/parked/{}", repair_web_drop },
	{ "POST", "/parked/{}/retry", repair_web_retry },
	{ "GET", "/messages/{}/trace", repair_web_trace },
	{ "GET", "/persons/{}", person_web_export },
	{ "DELETE", "/persons/{}", person_web_erase },
	{ "GET", "/alarms", alarms_web_list },
	{ "GET", "/series", series_web_show },
	{ "GET", "/reconciliations", reconcile_web_list },
	{ "POST", "/reconciliations", reconcile_web_start },
	{ "GET", "/history", history_web_list },
	{ "GET", "/history/{}", history_web_show },
	{ "GET", "/migrations", migration_web_list },
	{ "POST", "/migrations", migration_web_start },
	{ "GET", "/migrations/{}", migration_web_show },
	{ "POST", "/migrations/{}/stop", migration_web_stop },
	{ "GET", "/migrations/{}/made", migration_web_made },
	{ "POST", "/links", pairs_web_take },
};

const struct api_route *api_route_at(size_t i)
{
	return i < sizeof(routes) / sizeof(routes[0]) ? &routes[i] : NULL;
}

/* ---- answers ---- */

static const struct {
	int status;
	const char *word, *title;
} problems[] = {
	[API_UNAUTHORIZED] = { 401, "unauthorized", "say first who you are" },
	[API_FORBIDDEN] = { 403, "forbidden", "this is not for whoever asks" },
	[API_NOT_FOUND] = { 404, "not_found", "there is nothing at this address" },
	[API_METHOD] = { 405, "method", "this cannot be done here" },
	[API_CONFLICT] = { 409, "conflict", "it is not as the request takes it to be" },
	[API_CHANGED] = { 412, "changed", "it was changed meanwhile" },
	[API_INVALID] = { 422, "invalid", "the request is not understood" },
	[API_CONFIGURATION] = { 422, "configuration", "the configuration has mistakes" },
	[API_RATE] = { 429, "rate", "too often" },
	[API_BUSY] = { 503, "busy", "too much is under way" },
	[API_STORE] = { 503, "store", "the store cannot do it now" },
};

/* What a refusal says besides; all zero: nothing. */
struct refusal_more {
	const char *allow;
	int64_t retry_after_secs;
	const struct mistakes *mistakes;
};

static void put_mistakes(struct json_out *o, const struct mistakes *m)
{
	const struct mistake *one;

	json_key(o, "errors");
	json_begin_array(o);
	for (one = m->items; one < m->items + m->all; one++) {
		if (one->warning)
			continue;
		json_begin_object(o);
		json_member_text(o, "key", one->key != NULL ? one->key : "");
		json_member_text(o, "found", one->wrong);
		json_member_text(o, "allowed", one->allowed);
		if (one->at.line > 0)
			json_member_int(o, "line", one->at.line);
		json_end_object(o);
	}
	json_end_array(o);
}

static void refuse(struct http_in_call *call, enum api_problem problem, const char *detail,
    const char *next, struct refusal_more more)
{
	struct arena *a = http_in_call_arena(call);
	struct json_out *o = json_out_new(a);
	struct http_header extra[4] = { { "Cache-Control", "no-store", false } };
	size_t nextra = 1, len;
	const char *body;

	if (problem == API_UNAUTHORIZED)
		extra[nextra++] = (struct http_header){ "WWW-Authenticate", "Bearer", false };
	if (problems[problem].status == 503)
		more.retry_after_secs = BUSY_SECS;
	if (more.retry_after_secs > 0)
		extra[nextra++] = (struct http_header){ "Retry-After",
			arena_printf(a, "%" PRId64, more.retry_after_secs), false };
	if (more.allow != NULL)
		extra[nextra++] = (struct http_header){ "Allow", more.allow, false };
	json_begin_object(o);
	json_member_text(o, "type",
	    arena_printf(a, "urn:tieline:problem:%s", problems[problem].word));
	json_member_text(o, "title", problems[problem].title);
	json_member_int(o, "status", problems[problem].status);
	json_member_text(o, "detail", detail);
	json_member_text(o, "next", next);
	if (more.mistakes != NULL)
		put_mistakes(o, more.mistakes);
	json_end_object(o);
	body = json_done(o, &len);
	http_reply(call, problems[problem].status, extra, nextra, "application/problem+json", body,
	    len);
}

void api_refuse(struct http_in_call *call, enum api_problem problem, const char *detail,
    const char *next)
{
	refuse(call, problem, detail, next, (struct refusal_more){ 0 });
}

void api_refuse_method(struct http_in_call *call, const char *allow)
{
	refuse(call, API_METHOD, NULL, NULL, (struct refusal_more){ .allow = allow });
}

void api_refuse_for(struct http_in_call *call, int64_t secs, const char *detail, const char *next)
{
	refuse(call, API_RATE, detail, next, (struct refusal_more){ .retry_after_secs = secs });
}

void api_problem(struct api_call *c, enum api_problem problem, const char *detail, const char *next)
{
	api_refuse(c->call, problem, detail, next);
}

void api_mistakes(struct api_call *c, const struct mistakes *m, const char *detail,
    const char *next)
{
	refuse(c->call, API_CONFIGURATION, detail, next, (struct refusal_more){ .mistakes = m });
}

void api_reply(struct api_call *c, int status, const char *body, size_t len)
{
	static const struct http_header fresh = { "Cache-Control", "no-store", false };

	http_reply(c->call, status, &fresh, 1, body != NULL ? "application/json" : NULL, body, len);
}

/* ---- requests ---- */

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c == '\0' ? NULL : strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c);

	return at != NULL ? (int)(at - digits) : -1;
}

/* Percent signs, and (in a query) plus signs for blanks. NULL: what comes out is no text. */
static const char *decode(struct arena *a, const char *text, size_t len)
{
	char *out = arena_alloc(a, len + 1);
	size_t i, n = 0;
	int high, low;

	for (i = 0; i < len; i++) {
		if (text[i] == '%' && i + 2 < len && (high = hex_digit(text[i + 1])) >= 0
		    && (low = hex_digit(text[i + 2])) >= 0) {
			out[n++] = (char)(high * 16 + low);
			i += 2;
		} else {
			out[n++] = text[i] == '+' ? ' ' : text[i];
		}
	}
	out[n] = '\0';
	return strlen(out) == n && utf8_valid(out, n) ? out : NULL;
}

const char *api_query(const struct api_call *c, const char *name)
{
	const char *at = http_in_call_request(c->call)->query;
	size_t len = strlen(name), all;

	for (; at != NULL && *at != '\0'; at += all + (at[all] == '&')) {
		all = strcspn(at, "&");
		if (all > len && strncmp(at, name, len) == 0 && at[len] == '=')
			return decode(c->arena, at + len + 1, all - len - 1);
	}
	return NULL;
}

const char *api_page_read(const struct api_call *c, struct api_page *out)
{
	const char *limit = api_query(c, "limit");
	const char *since = api_query(c, "since"), *until = api_query(c, "until");
	char *end = NULL;
	long n = limit != NULL ? strtol(limit, &end, 10) : LIST_USUAL;

	*out = (struct api_page){ .limit = (int)n, .cursor = api_query(c, "cursor") };
	if ((end != NULL && (end == limit || *end != '\0')) || n < 1 || n > LIST_MOST)
		return "limit: allowed: 1 to 500";
	if (since != NULL && time_parse(since, &out->since_ms) != 0)
		return "since: allowed: a time like 2026-11-20T10:00:00Z";
	if (until != NULL && time_parse(until, &out->until_ms) != 0)
		return "until: allowed: a time like 2026-11-20T10:00:00Z";
	return NULL;
}

const char *api_header(const struct api_call *c, const char *name)
{
	const struct http_in *in = http_in_call_request(c->call);

	return http_header(in->headers, in->nheaders, name);
}

bool api_is_socket(struct api_call *c, const char *why)
{
	if (strncmp(c->who, "socket", 6) == 0)
		return true;
	api_problem(c, API_FORBIDDEN, why, "ask over the socket");
	return false;
}

const struct json *api_body(struct api_call *c)
{
	const struct http_in *in = http_in_call_request(c->call);
	struct json_error error;
	const struct json *body = json_read(c->arena, in->body, in->body_len, &error);

	if (body != NULL && body->type == JSON_OBJECT)
		return body;
	api_problem(c, API_INVALID, "the body is no JSON object", NULL);
	return NULL;
}

/* ---- the table ---- */

/* Whether path is that of the route; *name is what stands for {}. */
static bool fits(const char *route, const char *path, const char **name, size_t *len)
{
	size_t n = strcspn(route, "{");

	*name = NULL;
	if (strncmp(route, path, n) != 0)
		return false;
	if (route[n] == '\0')
		return path[n] == '\0';
	*name = path + n;
	*len = strcspn(*name, "/");
	return *len > 0 && strcmp(route + n + 2, *name + *len) == 0;
}

static void run(const struct api_route *r, struct api_call *c, enum api_rights rights)
{
	bool changes = strcmp(r->method, "GET") != 0;

	if (changes && rights != API_ALL) {
		if (strcmp(c->who, "page") == 0)
			api_problem(c, API_FORBIDDEN, "X-CSRF-Token is missing or wrong",
			    "GET /admin/session tells it");
		else
			api_problem(c, API_FORBIDDEN, "this token may only read",
			    "use admin.token, or the socket");
		return;
	}
	if (changes)
		LOG(LOG_INFO, "admin", F_STR("who", c->who),
		    F_STR("reason", arena_printf(c->arena, "%s %s", r->method, r->path)));
	r->handle(c);
}

void api_take(const struct web *w, struct http_in_call *call, enum api_rights rights,
    const char *who)
{
	const struct http_in *in = http_in_call_request(call);
	const char *path = strncmp(in->path, "/api/v1/", 8) == 0 ? in->path + 7 : "";
	const char *method = strcmp(in->method, "HEAD") == 0 ? "GET" : in->method, *name;
	struct arena *a = http_in_call_arena(call);
	const char *allowed = NULL;
	struct api_call *c;
	size_t i, len = 0;

	if (rights == API_NONE) {
		api_refuse(call, API_UNAUTHORIZED, NULL,
		    "send Authorization: Bearer with admin.token or admin.read_token");
		return;
	}
	for (i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (!fits(routes[i].path, path, &name, &len))
			continue;
		if (strcmp(routes[i].method, method) != 0) {
			allowed = allowed == NULL
			    ? routes[i].method
			    : arena_printf(a, "%s, %s", allowed, routes[i].method);
			continue;
		}
		c = ARENA_NEW(a, struct api_call);
		*c = (struct api_call){ w, call, a, arena_strdup(a, who), NULL };
		c->name = name != NULL ? decode(a, name, len) : NULL;
		if (name != NULL && c->name == NULL)
			break;
		run(&routes[i], c, rights);
		return;
	}
	if (allowed != NULL)
		api_refuse_method(call, allowed);
	else
		api_refuse(call, API_NOT_FOUND, NULL,
		    "GET /api/v1/openapi.json lists what there is");
}
