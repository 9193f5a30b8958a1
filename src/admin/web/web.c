/* See web.h. */
#include "admin/web/web.h"

#include <string.h>
#include <strings.h>

#include "admin/health.h"
#include "admin/status.h"
#include "admin/web/api.h"
#include "admin/web/metrics.h"
#include "admin/web/page.h"
#include "admin/web/pulse.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/json_out.h"
#include "base/secret.h"
#include "flow/media/media.h"
#include "net/http_in.h"

#define JSON_TYPE "application/json"

static bool only_reads(struct http_in_call *call)
{
	const char *method = http_in_call_request(call)->method;

	if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
		return true;
	http_refuse(call, 405, "method", 0, "GET, HEAD");
	return false;
}

static void answer_ok(struct http_in_call *call)
{
	static const char ok[] = "{\"status\":\"ok\"}";

	http_reply(call, 200, NULL, 0, JSON_TYPE, ok, sizeof(ok) - 1);
}

static void answer_not(struct http_in_call *call, const char *reason)
{
	static const struct http_header later = { "Retry-After", "5", false };
	struct json_out *o = json_out_new(http_in_call_arena(call));
	const char *body;
	size_t len;

	json_begin_object(o);
	json_member_text(o, "status", "unavailable");
	json_member_text(o, "reason", reason);
	json_end_object(o);
	body = json_done(o, &len);
	http_reply(call, 503, &later, 1, JSON_TYPE, body, len);
}

static void answer_health(struct http_in_call *call, const char *reason)
{
	if (!only_reads(call))
		return;
	if (reason != NULL)
		answer_not(call, reason);
	else
		answer_ok(call);
}

static bool is_path(struct http_in_call *call, const char *path)
{
	return strcmp(http_in_call_request(call)->path, path) == 0;
}

/* ---- metrics ---- */

static const char *header_of(struct http_in_call *call, const char *name)
{
	const struct http_in *in = http_in_call_request(call);

	return http_header(in->headers, in->nheaders, name);
}

static bool is_one_of(const struct secrets *s, const char *token)
{
	bool fits = false;
	size_t i;

	for (i = 0; i < s->n; i++)
		fits |= secret_equal(s->v[i], token);
	return fits;
}

/* What whoever asks may do, by a token or, where none is given, by the page's cookie. */
static enum api_rights rights_of(const struct web *w, struct http_in_call *call, const char **who)
{
	const struct admin_conf *admin = &w->flow->config->admin;
	const char *given = header_of(call, "authorization");
	bool may_all, may_read, may_change;

	*who = "token";
	if (given == NULL && page_knows(w, call, &may_change)) {
		*who = "page";
		return may_change ? API_ALL : API_READ;
	}
	if (given == NULL || strncasecmp(given, "Bearer ", 7) != 0)
		return API_NONE;
	given += 7 + strspn(given + 7, " ");
	may_all = is_one_of(&admin->token, given);
	may_read = is_one_of(&admin->read_token, given);
	return may_all ? API_ALL : may_read ? API_READ : API_NONE;
}

static void answer_metrics(const struct web *w, struct http_in_call *call)
{
	enum metrics_form form = metrics_form(header_of(call, "accept"));
	struct buf out;

	if (!only_reads(call))
		return;
	buf_init(&out);
	metrics_write(&out, w, form);
	http_reply(call, 200, NULL, 0, metrics_type(form), out.data, out.len);
	buf_fini(&out);
}

static void guard_metrics(const struct web *w, struct http_in_call *call, bool is_open)
{
	const char *who;

	if (is_open || rights_of(w, call, &who) != API_NONE)
		answer_metrics(w, call);
	else
		api_refuse(call, API_UNAUTHORIZED, NULL,
		    "send Authorization: Bearer with admin.token or admin.read_token");
}

/* ---- status ---- */

static void on_looked(void *arg)
{
	struct api_call *c = arg;
	struct status s;
	const char *body;
	size_t len;

	status_gather(c->arena, c->web, &s);
	body = status_json(c->arena, &s, &len);
	api_reply(c, 200, body, len);
}

void web_status(struct api_call *c)
{
	pulse_look(c->web->pulse, on_looked, c);
}

/* ---- listeners ---- */

/* Where the two listeners are one, it can be reached from outside, and without a token or a password there is
 * nothing to see. */
static bool is_shared(const struct web *w)
{
	const struct admin_conf *admin = &w->flow->config->admin;

	return admin->how == ADMIN_LISTEN_SAME
	    && (admin->token.n + admin->read_token.n > 0 || admin->password != NULL);
}

static bool is_page_here(const struct web *w)
{
	const struct admin_conf *admin = &w->flow->config->admin;

	return admin->how == ADMIN_LISTEN_SAME && admin->password != NULL;
}

static void take_api(const struct web *w, struct http_in_call *call)
{
	const char *who;
	enum api_rights rights = rights_of(w, call, &who);

	api_take(w, call, rights, who);
}

static bool is_api(struct http_in_call *call)
{
	return strncmp(http_in_call_request(call)->path, "/api/", 5) == 0;
}

void web_on_public(struct http_in_call *call, void *arg)
{
	struct web *w = arg;

	if (strncmp(http_in_call_request(call)->path, "/hooks/", 7) == 0)
		ingest_take(w->ingest, call);
	else if (strncmp(http_in_call_request(call)->path, "/media/", 7) == 0)
		media_answer(w->flow->media, call);
	else if (is_path(call, "/healthz"))
		answer_health(call, health_alive(w));
	else if (is_path(call, "/readyz"))
		answer_health(call, health_ready(w));
	else if (is_path(call, "/metrics") && is_shared(w))
		guard_metrics(w, call, false);
	else if (is_api(call) && is_shared(w))
		take_api(w, call);
	else if (page_is(call) && is_page_here(w))
		page_take(w, call);
	else
		http_refuse(call, 404, "not_found", 0, NULL);
}

void web_on_admin(struct http_in_call *call, void *arg)
{
	const struct web *w = arg;

	if (is_path(call, "/metrics"))
		guard_metrics(w, call, w->is_open);
	else if (is_api(call))
		take_api(w, call);
	else if (page_is(call))
		page_take(w, call);
	else
		api_refuse(call, API_NOT_FOUND, NULL,
		    "/admin, /metrics and /api/v1 are what this listener has");
}

void web_on_socket(struct http_in_call *call, void *arg)
{
	struct web *w = arg;

	if (is_api(call))
		api_take(w, call, API_ALL,
		    arena_printf(http_in_call_arena(call), "socket %s",
			http_in_call_request(call)->peer));
	else if (is_path(call, "/healthz"))
		answer_health(call, health_alive(w));
	else if (is_path(call, "/readyz"))
		answer_health(call, health_ready(w));
	else
		api_refuse(call, API_NOT_FOUND, NULL,
		    "/api/v1, /healthz and /readyz are what the socket has");
}
