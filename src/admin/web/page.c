/* See page.h. */
#include "admin/web/page.h"

#include <string.h>
#include <strings.h>

#include "admin/web/api.h"
#include "admin/web/page_files.h"
#include "admin/web/sessions.h"
#include "admin/web/web.h"
#include "base/address.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/json_in.h"
#include "base/json_out.h"
#include "base/log.h"
#include "base/secret.h"
#include "net/http_in.h"

#define COOKIE "tieline_session"
#define PATH "/admin"

static const char *header_of(struct http_in_call *call, const char *name)
{
	const struct http_in *in = http_in_call_request(call);

	return http_header(in->headers, in->nheaders, name);
}

/* ---- proxies ---- */

static bool is_trusted(const struct web *w, const char *address)
{
	const struct option_list *proxies = &w->flow->config->trusted_proxies;
	struct address a;
	size_t i;

	if (!address_parse(address, &a))
		return false;
	for (i = 0; i < proxies->count; i++)
		if (cidr_holds(proxies->items[i], &a))
			return true;
	return false;
}

/* Each proxy adds whom it was asked by, so the list is read from its end: the first that is no proxy of ours is
 * who asks. What stands before it could be written by anybody. */
const char *page_peer(const struct web *w, struct http_in_call *call)
{
	const struct http_in *in = http_in_call_request(call);
	struct arena *a = http_in_call_arena(call);
	const char *peer = in->peer, *list, *comma;
	struct address ignored;
	size_t i, len;

	for (i = in->nheaders; i-- > 0 && is_trusted(w, peer);) {
		if (strcasecmp(in->headers[i].name, "x-forwarded-for") != 0)
			continue;
		list = in->headers[i].value;
		for (len = strlen(list); len > 0 && is_trusted(w, peer);) {
			comma = memrchr(list, ',', len);
			comma = comma != NULL ? comma + 1 : list;
			comma += strspn(comma, " \t");
			peer = arena_strndup(a, comma, (size_t)(list + len - comma));
			len = (size_t)(comma - list);
			while (len > 0 && strchr(", \t", list[len - 1]) != NULL)
				len--;
			if (!address_parse(peer, &ignored))
				return in->peer;
		}
	}
	return peer;
}

/* Somebody in front of us speaks TLS, so the cookie must not go anywhere else. */
static bool is_under_tls(const struct web *w, struct http_in_call *call)
{
	const char *proto = header_of(call, "x-forwarded-proto");

	return proto != NULL && strcasecmp(proto, "https") == 0
	    && is_trusted(w, http_in_call_request(call)->peer);
}

/* ---- who is signed in ---- */

static const char *password_of(const struct web *w)
{
	return w->flow->config->admin.password;
}

/* The cookie's value; NULL: there is none. */
static const char *token_of(struct http_in_call *call)
{
	const struct http_in *in = http_in_call_request(call);
	size_t i, len, name = strlen(COOKIE "=");
	const char *at;

	for (i = 0; i < in->nheaders; i++) {
		if (strcasecmp(in->headers[i].name, "cookie") != 0)
			continue;
		for (at = in->headers[i].value; *at != '\0'; at += len + (at[len] == ';')) {
			at += strspn(at, " ");
			len = strcspn(at, ";");
			if (len > name && strncmp(at, COOKIE "=", name) == 0)
				return arena_strndup(http_in_call_arena(call), at + name,
				    len - name);
		}
	}
	return NULL;
}

static const struct session *session_of(const struct web *w, struct http_in_call *call)
{
	return password_of(w) != NULL
	    ? sessions_find(w->sessions, password_of(w), token_of(call), clock_mono_ms())
	    : NULL;
}

bool page_knows(const struct web *w, struct http_in_call *call, bool *may_change)
{
	const struct session *s = session_of(w, call);

	*may_change = s != NULL && secret_equal(s->csrf, header_of(call, "x-csrf-token"));
	return s != NULL;
}

static void answer_csrf(struct http_in_call *call, const struct session *s,
    const struct http_header *extra, size_t nextra)
{
	struct json_out *o = json_out_new(http_in_call_arena(call));
	const char *body;
	size_t len;

	json_begin_object(o);
	json_member_text(o, "csrf", s->csrf);
	json_end_object(o);
	body = json_done(o, &len);
	http_reply(call, 200, extra, nextra, "application/json", body, len);
}

static void answer_session(const struct web *w, struct http_in_call *call)
{
	static const struct http_header fresh = { "Cache-Control", "no-store", false };
	const struct session *s = session_of(w, call);

	if (s != NULL)
		answer_csrf(call, s, &fresh, 1);
	else
		api_refuse(call, API_UNAUTHORIZED, "nobody is signed in", "POST " PATH "/login");
}

/* ---- in and out ---- */

static const char *cookie_with(const struct web *w, struct http_in_call *call, const char *value,
    int64_t secs)
{
	return arena_printf(http_in_call_arena(call),
	    COOKIE "=%s; Path=/; Max-Age=%lld; HttpOnly; SameSite=Strict%s", value, (long long)secs,
	    is_under_tls(w, call) ? "; Secure" : "");
}

static const char *given_password(struct http_in_call *call)
{
	const struct http_in *in = http_in_call_request(call);
	struct json_error error;

	return json_text(json_read(http_in_call_arena(call), in->body, in->body_len, &error),
	    "password");
}

static void sign_in(const struct web *w, struct http_in_call *call)
{
	struct http_header extra[] = { { "Cache-Control", "no-store", false },
		{ "Set-Cookie", NULL, true } };
	const struct session *s = NULL;
	int64_t wait_msecs;

	switch (sessions_sign_in(w->sessions, password_of(w), given_password(call),
	    page_peer(w, call), clock_mono_ms(), &s, &wait_msecs)) {
	case SIGN_IN_DONE:
		LOG(LOG_INFO, "admin", F_STR("who", "page"), F_STR("reason", "signed in"));
		extra[1].value = cookie_with(w, call, s->token, SESSION_MSECS / 1000);
		answer_csrf(call, s, extra, 2);
		break;
	case SIGN_IN_WRONG:
		LOG(LOG_WARN, "admin", F_STR("who", "page"), F_STR("reason", "wrong password"));
		api_refuse(call, API_UNAUTHORIZED, "this is not the password",
		    "it is admin.password of the configuration");
		break;
	case SIGN_IN_TOO_OFTEN:
		api_refuse_for(call, (wait_msecs + 999) / 1000,
		    "five wrong passwords a minute came from this address", "wait, then try again");
		break;
	}
}

static void sign_out(const struct web *w, struct http_in_call *call)
{
	struct http_header cookie = { "Set-Cookie", cookie_with(w, call, "", 0), false };
	bool may_change;

	if (page_knows(w, call, &may_change) && !may_change) {
		api_refuse(call, API_FORBIDDEN, "X-CSRF-Token is missing or wrong", NULL);
		return;
	}
	if (token_of(call) != NULL)
		sessions_sign_out(w->sessions, token_of(call));
	http_reply(call, 204, &cookie, 1, NULL, NULL, 0);
}

/* ---- files ---- */

/* Nothing from elsewhere, nothing inline, nobody around it. */
#define POLICY \
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " \
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

static void answer_file(struct http_in_call *call, const struct page_file *f)
{
	const struct http_header extra[] = {
		{ "ETag", f->etag, false },
		{ "Cache-Control", "no-cache", false },
		{ "Content-Security-Policy", POLICY, false },
		{ "X-Content-Type-Options", "nosniff", false },
		{ "X-Frame-Options", "DENY", false },
		{ "Referrer-Policy", "no-referrer", false },
		{ "Cross-Origin-Opener-Policy", "same-origin", false },
		{ "Cross-Origin-Resource-Policy", "same-origin", false },
	};
	const char *has = header_of(call, "if-none-match");
	size_t nextra = sizeof(extra) / sizeof(extra[0]);

	if (has != NULL && strcmp(has, f->etag) == 0)
		http_reply(call, 304, extra, nextra, NULL, NULL, 0);
	else
		http_reply(call, 200, extra, nextra, f->type, f->data, f->len);
}

static const struct page_file *file_of(const char *path)
{
	const char *name = path + strlen(PATH);
	size_t i;

	name += *name == '/';
	if (*name == '\0')
		name = "index.html";
	for (i = 0; i < page_files_count; i++)
		if (strcmp(page_files[i].name, name) == 0)
			return &page_files[i];
	return NULL;
}

/* ---- addresses ---- */

bool page_is(struct http_in_call *call)
{
	const char *path = http_in_call_request(call)->path;
	size_t len = strlen(PATH);

	return strncmp(path, PATH, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

static const struct {
	const char *path, *method;
	void (*take)(const struct web *w, struct http_in_call *call);
} doors[] = {
	{ PATH "/session", "GET", answer_session },
	{ PATH "/login", "POST", sign_in },
	{ PATH "/logout", "POST", sign_out },
};

void page_take(const struct web *w, struct http_in_call *call)
{
	const struct http_in *in = http_in_call_request(call);
	const char *method = strcmp(in->method, "HEAD") == 0 ? "GET" : in->method;
	const struct page_file *f = file_of(in->path);
	size_t i;

	if (password_of(w) == NULL) {
		api_refuse(call, API_NOT_FOUND, "the status page is off",
		    "set admin.password (12 characters or more), then tieline reload");
		return;
	}
	for (i = 0; i < sizeof(doors) / sizeof(doors[0]); i++) {
		if (strcmp(doors[i].path, in->path) != 0)
			continue;
		if (strcmp(doors[i].method, method) == 0)
			doors[i].take(w, call);
		else
			api_refuse_method(call, doors[i].method);
		return;
	}
	if (f == NULL)
		api_refuse(call, API_NOT_FOUND, NULL, "the page is at " PATH);
	else if (strcmp(method, "GET") != 0)
		api_refuse_method(call, "GET, HEAD");
	else
		answer_file(call, f);
}
