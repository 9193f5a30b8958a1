/* What the endpoint does for itself:
 *
 *   token     the messaging API refused its token: a new one is asked for, where the two consumer secrets
 *             are there; where they are not, or the new one is refused as well, that stops the endpoint
 *   session   with inbound: chat_api callbacks come only while a session lives. There is no call that
 *             renews one: another is registered some time before its end, and the old one ended a minute
 *             later. What is still good after a restart is kept, so that crashes pile up none
 *
 * A session that cannot be renewed yet holds nothing up while it lives. The life of a session is a number
 * of milliseconds, counted from the moment it was told: the clocks need not agree. */
#include "connector/syniverse/syniverse.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json_in.h"
#include "base/json_out.h"
#include "base/secret.h"
#include "connector/answer.h"

#define ERRAND_TOKEN "token"
#define ERRAND_SESSION "session"
#define ERRAND_OLD "old"
#define ERRAND_LEAVE "leave"

#define SECOND_MSECS 1000LL
#define MINUTE_MSECS (60 * SECOND_MSECS)
#define LIFE_UNKNOWN_MSECS (60 * MINUTE_MSECS)
#define MARGIN_LEAST_MSECS (5 * MINUTE_MSECS)
#define OVERLAP_MSECS MINUTE_MSECS
#define APART_MSECS (10 * SECOND_MSECS) /* between two registrations: a short life makes no storm */
#define REFUSED_MOST_MSECS (15 * MINUTE_MSECS)
#define TOKEN_APART_MSECS MINUTE_MSECS
#define LEAVE_TIMEOUT_MSECS (5 * SECOND_MSECS)

static int64_t memo_ms(const struct via *via, const char *key)
{
	const char *text = memo_get(via, key);

	return text != NULL ? strtoll(text, NULL, 10) : 0;
}

static void learn(struct outcome *out, const char *key, const char *value, bool lasting)
{
	out->memo[out->nmemo++] = (struct memo){ key, value, lasting };
}

static const char *ms_text(struct arena *a, int64_t ms)
{
	return arena_printf(a, "%" PRId64, ms);
}

/* --- sessions ---------------------------------------------------------------------------------- */

static const char *user_of(const struct via *via, struct arena *a)
{
	const struct syniverse_conf *c = via->conf;

	return ids_sha16(a, IDS_PARTS(c->chat_base_url, c->user, c->act_for));
}

static bool read_session(struct arena *a, const char *text, struct syniverse_session *out)
{
	struct json_error error;
	const struct json *j = text != NULL ? json_read(a, text, strlen(text), &error) : NULL;

	*out = (struct syniverse_session){
		.id = json_text(j, "id"),
		.began_ms = json_int(j, "began", 0),
		.life_msecs = json_int(j, "life", 0),
		.user = json_text(j, "user"),
		.acts_for = json_text(j, "acts_for"),
	};
	return out->id != NULL && out->user != NULL;
}

static const char *write_session(struct arena *a, const struct syniverse_session *s)
{
	struct json_out *o = json_out_new(a);

	json_begin_object(o);
	json_member_text(o, "id", s->id);
	json_member_int(o, "began", s->began_ms);
	json_member_int(o, "life", s->life_msecs);
	json_member_text(o, "user", s->user);
	json_member_text(o, "acts_for", s->acts_for);
	json_end_object(o);
	return json_done(o, NULL);
}

bool syniverse_session(const struct via *via, struct arena *a, struct syniverse_session *out)
{
	return read_session(a, memo_get(via, MEMO_SESSION), out)
	    && strcmp(out->user, user_of(via, a)) == 0;
}

bool syniverse_session_fits(const struct via *via, struct arena *a, const char *id,
    bool *is_current)
{
	struct syniverse_session s;

	*is_current = syniverse_session(via, a, &s) && strcmp(s.id, id) == 0;
	if (*is_current)
		return true;
	return read_session(a, memo_get(via, MEMO_OLD_SESSION), &s) && strcmp(s.id, id) == 0;
}

static bool is_alive(const struct via *via, const struct syniverse_session *s)
{
	return via->now_ms < s->began_ms + s->life_msecs;
}

int64_t syniverse_session_ends_ms(const struct via *via)
{
	const struct syniverse_conf *c = via->conf;
	struct arena *a = arena_new();
	struct syniverse_session s;
	int64_t ends_ms = c->source == SOURCE_CHAT ? 0 : INT64_MAX;

	if (c->source == SOURCE_CHAT && syniverse_session(via, a, &s))
		ends_ms = s.began_ms + s.life_msecs;
	arena_free(a);
	return ends_ms;
}

/* Spread a little, so that relays which were started together do not come together. */
static int64_t margin_of(const struct via *via, const struct syniverse_session *s)
{
	const struct syniverse_conf *c = via->conf;
	int64_t margin = c->renew_margin, spread = 0;
	const char *p;

	if (margin == 0)
		margin = s->life_msecs / 10 > MARGIN_LEAST_MSECS ? s->life_msecs / 10
								 : MARGIN_LEAST_MSECS;
	if (margin > s->life_msecs / 2)
		margin = s->life_msecs / 2;
	for (p = s->id; *p != '\0'; p++)
		spread = (spread * 31 + (unsigned char)*p) % 101;
	return margin + margin * (spread - 50) / 1000; /* a twentieth either way */
}

static int64_t later_of(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* When a session is to be asked for. */
static int64_t session_due(const struct via *via, struct arena *a)
{
	const struct syniverse_conf *c = via->conf;
	int64_t asked_ms = memo_ms(via, MEMO_SESSION_AT);
	int64_t earliest = asked_ms > 0 && asked_ms <= via->now_ms ? asked_ms + APART_MSECS : 0;
	struct syniverse_session s;
	int64_t due, silent;

	/* The clock was set back: what was written down says nothing. */
	if (!syniverse_session(via, a, &s) || s.began_ms > via->now_ms + MINUTE_MSECS)
		return later_of(earliest, via->now_ms);
	due = s.began_ms + s.life_msecs - margin_of(via, &s);
	silent = later_of(s.began_ms, via->heard_ms) + c->reregister_idle;
	if (c->reregister_idle > 0 && silent < due)
		due = silent;
	if (is_alive(via, &s))
		due = later_of(due, memo_ms(via, MEMO_SESSION_RETRY));
	return later_of(due, earliest);
}

static int64_t old_due(const struct via *via, struct arena *a)
{
	struct syniverse_session s;

	if (!read_session(a, memo_get(via, MEMO_OLD_SESSION), &s))
		return INT64_MAX;
	return s.began_ms + OVERLAP_MSECS; /* began: to be old */
}

static int64_t token_due(const struct via *via)
{
	if (memo_get(via, MEMO_TOKEN_STALE) == NULL || !syniverse_may_renew_token(via))
		return INT64_MAX;
	return via->now_ms;
}

int64_t syniverse_next(const struct via *via, struct job *job)
{
	const struct syniverse_conf *c = via->conf;
	struct arena *a = arena_new();
	int64_t due[3] = { token_due(via), INT64_MAX, INT64_MAX };
	static const char *const names[] = { ERRAND_TOKEN, ERRAND_SESSION, ERRAND_OLD };
	static const enum step steps[] = { STEP_SIGN_IN, STEP_SIGN_IN, STEP_SET_STATUS };
	size_t i, first = 0;

	if (c->source == SOURCE_CHAT) {
		due[1] = session_due(via, a);
		due[2] = old_due(via, a);
	}
	arena_free(a);
	for (i = 1; i < 3; i++)
		if (due[i] < due[first])
			first = i;
	*job = (struct job){
		.kind = JOB_ENDPOINT,
		.step = steps[first],
		.cursor = names[first],
		.attempt = 1,
	};
	return due[first];
}

bool syniverse_leave(const struct via *via, struct job *job, struct memo *forget)
{
	const struct syniverse_conf *c = via->conf;
	struct arena *a = arena_new();
	struct syniverse_session s;
	bool leaves =
	    c->source == SOURCE_CHAT && c->deregister_on_exit && syniverse_session(via, a, &s);

	arena_free(a);
	*job = (struct job){ .kind = JOB_ENDPOINT,
		.step = STEP_SET_STATUS,
		.cursor = ERRAND_LEAVE,
		.attempt = 1 };
	*forget = (struct memo){ MEMO_SESSION, NULL, true };
	return leaves;
}

/* --- the token --------------------------------------------------------------------------------- */

static const char *token_hash(const struct via *via, struct arena *a)
{
	const struct syniverse_conf *c = via->conf;

	return ids_sha32(a, IDS_PARTS("token", c->scg_token));
}

/* A renewed one is good only while the configured one is still what it was made from. */
const char *syniverse_token(const struct via *via, struct arena *a)
{
	const struct syniverse_conf *c = via->conf;
	const char *token = memo_get(via, MEMO_TOKEN), *of = memo_get(via, MEMO_TOKEN_OF);

	if (token != NULL && of != NULL && strcmp(of, token_hash(via, a)) == 0)
		return token;
	return c->scg_token;
}

/* One that is refused a moment after it was made would be so again. */
bool syniverse_may_renew_token(const struct via *via)
{
	const struct syniverse_conf *c = via->conf;
	int64_t made_ms = memo_ms(via, MEMO_TOKEN_AT);

	return c->scg_consumer_key != NULL && c->scg_consumer_secret != NULL
	    && (made_ms == 0 || made_ms > via->now_ms || via->now_ms - made_ms > TOKEN_APART_MSECS);
}

/* --- requests ---------------------------------------------------------------------------------- */

static void add_basic(const struct via *via, struct arena *a, struct http_req *req)
{
	const struct syniverse_conf *c = via->conf;
	const char *both = arena_printf(a, "%s:%s", c->user, c->password);

	req->headers[req->nheaders++] = (struct http_header){
		.name = "Authorization",
		.value = arena_printf(a, "Basic %s", base64_encode(a, both, strlen(both))),
		.secret = true,
	};
}

static void build_register(const struct via *via, struct arena *a, struct http_req *out)
{
	const struct syniverse_conf *c = via->conf;
	struct json_out *o = json_out_new(a);

	*out = (struct http_req){
		.method = "POST",
		.url = arena_printf(a, "%s/scg-web-chat-api/api/v2/integration/", c->chat_base_url),
		.content_type = "application/json",
		.timeout_msecs = via->endpoint->timeout_msecs,
	};
	json_begin_object(o);
	json_member_text(o, "user", c->act_for);
	json_end_object(o);
	out->body = json_done(o, &out->body_len);
	add_basic(via, a, out);
}

static void build_deregister(const struct via *via, struct arena *a, const char *memo,
    int64_t timeout_msecs, struct http_req *out)
{
	const struct syniverse_conf *c = via->conf;
	struct syniverse_session s;

	read_session(a, memo_get(via, memo), &s);
	*out = (struct http_req){
		.method = "DELETE",
		.url = arena_printf(a, "%s/scg-web-chat-api/api/v2/integration/%s",
		    c->chat_base_url, http_encode(a, s.id != NULL ? s.id : "")),
		.timeout_msecs = timeout_msecs,
		.repeatable = true,
	};
	out->headers[out->nheaders++] =
	    (struct http_header){ .name = "Content-Type", .value = "application/json" };
	add_basic(via, a, out);
}

/* Its secrets are in the address, which is shown nowhere. */
static void build_renew_token(const struct via *via, struct arena *a, struct http_req *out)
{
	const struct syniverse_conf *c = via->conf;

	*out = (struct http_req){
		.method = "GET",
		.url = arena_printf(a,
		    "%s/saop-rest-data/v1/apptoken-refresh?consumerkey=%s&consumersecret=%s&oldtoken=%s",
		    via->endpoint->base_url, http_encode(a, c->scg_consumer_key),
		    http_encode(a, c->scg_consumer_secret),
		    http_encode(a, syniverse_token(via, a))),
		.timeout_msecs = via->endpoint->timeout_msecs,
	};
}

void syniverse_errand_build(const struct via *via, struct arena *a, const struct job *job,
    struct http_req *out)
{
	if (strcmp(job->cursor, ERRAND_TOKEN) == 0)
		build_renew_token(via, a, out);
	else if (strcmp(job->cursor, ERRAND_SESSION) == 0)
		build_register(via, a, out);
	else if (strcmp(job->cursor, ERRAND_LEAVE) == 0)
		build_deregister(via, a, MEMO_SESSION, LEAVE_TIMEOUT_MSECS, out);
	else
		build_deregister(via, a, MEMO_OLD_SESSION, via->endpoint->timeout_msecs, out);
}

/* --- answers ----------------------------------------------------------------------------------- */

static void take_session(const struct via *via, struct arena *a, const struct json *answer,
    struct outcome *out)
{
	int64_t created = json_int(answer, "createdAt", 0), ends = json_int(answer, "expiresAt", 0);
	struct syniverse_session s, before;
	bool had = syniverse_session(via, a, &before);

	s = (struct syniverse_session){
		.id = json_id(answer, "id"),
		.began_ms = via->now_ms,
		.life_msecs = created > 0 && ends > created ? ends - created : LIFE_UNKNOWN_MSECS,
		.user = user_of(via, a),
		.acts_for = json_id(answer, "allowedTo.id"),
	};
	out->effect = (struct effect){ .kind = EFFECT_NEXT_STEP };
	learn(out, MEMO_SESSION, write_session(a, &s), true);
	learn(out, MEMO_SESSION_AT, ms_text(a, via->now_ms), false);
	learn(out, MEMO_SESSION_RETRY, NULL, false);
	if (had && strcmp(before.id, s.id) != 0) {
		before.began_ms = via->now_ms;
		learn(out, MEMO_OLD_SESSION, write_session(a, &before), true);
	}
}

/* first, doubled with each attempt. */
static int64_t doubled(int64_t first, int attempt, int64_t most)
{
	while (--attempt > 0 && first < most)
		first *= 2;
	return first < most ? first : most;
}

static void fail_session(const struct via *via, struct arena *a, const struct http_resp *resp,
    const char *why, struct outcome *out)
{
	struct syniverse_session s;
	enum reason reason = resp->status == 0 ? answer_transport_reason(resp->transport)
	    : resp->status == 429              ? REASON_BUSY
	    : resp->status >= 500              ? REASON_SERVER_ERROR
					       : REASON_BAD_ANSWER;
	bool lives = syniverse_session(via, a, &s) && is_alive(via, &s);

	out->effect = (struct effect){ .kind = lives ? EFFECT_NEXT_STEP : EFFECT_RETRY,
		.reason = reason,
		.wait_msecs = resp->retry_after_msecs,
		.why = why };
	if (lives)
		learn(out, MEMO_SESSION_RETRY,
		    ms_text(a, via->now_ms + later_of(MINUTE_MSECS, resp->retry_after_msecs)),
		    false);
}

/* What only the account's owner, or the provider, can mend. */
static void refuse_session(const struct via *via, struct arena *a, const struct job *job,
    const struct http_resp *resp, const char *why, struct outcome *out)
{
	const struct syniverse_conf *c = via->conf;
	const char *company = strrchr(c->user, '@') + 1;

	why = why != NULL ? why : "no reason given";
	out->effect = (struct effect){ .kind = EFFECT_PAUSE, .reason = REASON_CREDENTIALS };
	if (resp->status == 409) {
		out->effect.reason = REASON_NOT_ENABLED;
		out->effect.wait_msecs = REFUSED_MOST_MSECS;
		out->effect.why = arena_printf(a,
		    "Two-Way Chat answered 409 \"%s\" for %s: ask the provider to enable the Chat "
		    "API for the company; it is tried again every 15 min",
		    why, company);
	} else if (resp->status == 403) {
		out->effect.kind = EFFECT_REJECTED;
		out->effect.reason = REASON_INVALID;
		out->effect.why = arena_printf(a,
		    "Two-Way Chat answered 403 \"%s\": %s may not open a session for act_for; only a "
		    "global manager may do that for others",
		    why, c->user);
	} else {
		out->effect.wait_msecs = doubled(MINUTE_MSECS, job->attempt, REFUSED_MOST_MSECS);
		out->effect.why = arena_printf(a,
		    "Two-Way Chat answered 401 \"%s\": user or password is wrong, or the account "
		    "may not use the Chat API",
		    why);
	}
}

static void interpret_register(const struct via *via, struct arena *a, const struct job *job,
    const struct http_resp *resp, const struct json *answer, struct outcome *out)
{
	const char *why = syniverse_words(a, resp, answer);

	if (answer_is_good(resp) && json_id(answer, "id") != NULL)
		take_session(via, a, answer, out);
	else if (resp->status == 401 || resp->status == 403 || resp->status == 409)
		refuse_session(via, a, job, resp, why, out);
	else
		fail_session(via, a, resp, why, out);
}

static void interpret_token(const struct via *via, struct arena *a, const struct http_resp *resp,
    const struct json *answer, struct outcome *out)
{
	const char *token = json_text(answer, "accessToken"), *why;

	if (resp->status == 200 && token != NULL && *token != '\0') {
		learn(out, MEMO_TOKEN, token, true);
		learn(out, MEMO_TOKEN_OF, token_hash(via, a), true);
		learn(out, MEMO_TOKEN_STALE, NULL, false);
		learn(out, MEMO_TOKEN_AT, ms_text(a, via->now_ms), false);
		out->effect = (struct effect){ .kind = EFFECT_NEXT_STEP };
		return;
	}
	why = resp->status == 0 ? resp->detail : "the token was refused, and cannot be renewed";
	if (resp->status == 400 || resp->status == 401 || resp->status == 403)
		out->effect = (struct effect){ .kind = EFFECT_PAUSE,
			.reason = REASON_CREDENTIALS,
			.why = why };
	else
		out->effect = (struct effect){ .kind = EFFECT_RETRY,
			.reason = resp->status == 0 ? answer_transport_reason(resp->transport)
			    : resp->status >= 500   ? REASON_SERVER_ERROR
						    : REASON_BAD_ANSWER,
			.wait_msecs = resp->retry_after_msecs,
			.why = why };
}

void syniverse_errand_interpret(const struct via *via, struct arena *a, const struct job *job,
    const struct http_resp *resp, struct outcome *out)
{
	struct json_error error;
	const struct json *answer = json_read(a, resp->body, resp->body_len, &error);

	if (strcmp(job->cursor, ERRAND_TOKEN) == 0) {
		interpret_token(via, a, resp, answer, out);
	} else if (strcmp(job->cursor, ERRAND_SESSION) == 0) {
		interpret_register(via, a, job, resp, answer, out);
	} else {
		/* It ends by itself in any case. */
		if (strcmp(job->cursor, ERRAND_OLD) == 0)
			learn(out, MEMO_OLD_SESSION, NULL, true);
		out->effect = (struct effect){ .kind = EFFECT_NEXT_STEP };
	}
}
