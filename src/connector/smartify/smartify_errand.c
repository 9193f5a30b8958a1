/* What the endpoint does for itself, before any message leaves:
 *
 *   1. sign in as the relay account, whenever there is no token (none at start, or a 401 lost it)
 *   2. look up, each once: the subscription whose secret signs for our persons, the department that is
 *      configured by name, the project's name; where a bridge maps agents or teams, once a day who they are
 *
 * Without a token nothing can be sent, so sign-in is tried until it succeeds. A look-up that fails
 * holds nothing up: as customers' side nobody needs its answer, and as agents' side the person's
 * sign-in fails by itself and is tried again. It is made once more some minutes later. */
#include "connector/smartify/smartify.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/json_in.h"
#include "base/json_out.h"
#include "connector/answer.h"
#include "connector/setup.h"

#define ASK_AGAIN_MSECS (5 * 60 * 1000)

/* --- what is known ----------------------------------------------------------------------------- */

const char *smartify_user(const struct via *via)
{
	const char *user = memo_get(via, MEMO_USER);

	return user == NULL && via->explain ? "{user}" : user;
}

const char *smartify_subscription(const struct via *via)
{
	const struct smartify_conf *conf = via->conf;

	if (conf->subscription_id != NULL)
		return conf->subscription_id;
	return memo_get(via, KEPT_SUBSCRIPTION) != NULL ? memo_get(via, KEPT_SUBSCRIPTION)
							: memo_get(via, MEMO_SUBSCRIPTION);
}

static bool is_department_id(const char *department)
{
	return smartify_is_id(department) || strcmp(department, "default") == 0;
}

const char *smartify_department(const struct via *via)
{
	const struct smartify_conf *conf = via->conf;
	const char *id;

	if (conf->department == NULL || is_department_id(conf->department))
		return conf->department;
	id = memo_get(via, MEMO_DEPARTMENT);
	return id == NULL && via->explain ? "{department}" : id;
}

const char *smartify_token(struct arena *a, const char *token)
{
	const char *at;

	while ((at = strstr(token, "JWT ")) != NULL)
		token = at + strlen("JWT ");
	return arena_printf(a, "JWT %s", token);
}

/* --- look-ups ---------------------------------------------------------------------------------- */

/* Ours: of message.create, and pointing at our hook address. */
static bool is_our_subscription(const struct via *via, const struct json *j)
{
	const struct secrets *keys = &via->endpoint->hook_key;
	const char *event = json_text(j, "event"), *target = json_text(j, "target");
	const char *name = via->endpoint->name, *at;
	size_t i;

	if (event == NULL || target == NULL || strcmp(event, "message.create") != 0)
		return false;
	at = strstr(target, "/hooks/");
	if (at == NULL)
		return false;
	at += strlen("/hooks/");
	if (strncmp(at, name, strlen(name)) != 0 || at[strlen(name)] != '/')
		return false;
	at += strlen(name) + 1;
	for (i = 0; i < keys->n; i++)
		if (strcmp(at, keys->v[i]) == 0)
			return true;
	return false;
}

static const char *find_subscription(const struct via *via, struct arena *a,
    const struct json *answer)
{
	const struct json *j = answer->type == JSON_ARRAY ? answer->child : NULL;

	(void)a;
	for (; j != NULL; j = j->next)
		if (is_our_subscription(via, j))
			return json_text(j, "_id");
	return NULL;
}

static const char *find_department(const struct via *via, struct arena *a,
    const struct json *answer)
{
	const struct smartify_conf *conf = via->conf;
	const struct json *j = answer->type == JSON_ARRAY ? answer->child : NULL;
	const char *name;

	(void)a;
	for (; j != NULL; j = j->next) {
		name = json_text(j, "name");
		if (name != NULL && strcasecmp(name, conf->department) == 0)
			return json_text(j, "_id");
	}
	return NULL;
}

static const char *find_title(const struct via *via, struct arena *a, const struct json *answer)
{
	(void)via, (void)a;
	return json_text(answer, "name");
}

static bool needs_subscription(const struct via *via)
{
	return smartify_subscription(via) == NULL;
}

static bool needs_department(const struct via *via)
{
	const struct smartify_conf *conf = via->conf;

	return conf->department != NULL && smartify_department(via) == NULL;
}

static bool needs_title(const struct via *via)
{
	return memo_get(via, MEMO_TITLE) == NULL;
}

static bool needs_team(const struct via *via)
{
	return via->endpoint->wants_team;
}

static const struct lookup {
	const char *name;  /* job->cursor, to tell them apart */
	const char *path;  /* behind base_url; %s is the project */
	const char *memo;  /* where the answer is kept */
	const char *asked; /* memo: when it was asked in vain */
	bool (*needed)(const struct via *via);
	const char *(*find)(const struct via *via, struct arena *a, const struct json *answer);
	int64_t
	    life_msecs; /* how long the answer is good, and then never kept on disk; 0: for ever */
} lookups[] = {
	{ "subscriptions", "/%s/subscriptions", MEMO_SUBSCRIPTION, "asked_subscription",
	    needs_subscription, find_subscription, 0 },
	{ "departments", "/%s/departments", MEMO_DEPARTMENT, "asked_department", needs_department,
	    find_department, 0 },
	{ "project", "/projects/%s", MEMO_TITLE, "asked_title", needs_title, find_title, 0 },
	{ "team", "/%s/project_users", MEMO_TEAM, "asked_team", needs_team, smartify_find_team,
	    TEAM_LIFE_MSECS },
	{ "teams", "/%s/departments", MEMO_TEAMS, "asked_teams", needs_team, smartify_find_teams,
	    TEAM_LIFE_MSECS },
};

static const struct lookup *lookup_of(const struct job *job)
{
	size_t i;

	for (i = 1; job->cursor != NULL && i < sizeof(lookups) / sizeof(*lookups); i++)
		if (strcmp(lookups[i].name, job->cursor) == 0)
			return &lookups[i];
	return &lookups[0];
}

/* --- when -------------------------------------------------------------------------------------- */

static int64_t due_of(const struct via *via, const struct lookup *l)
{
	const char *asked = memo_get(via, l->asked);

	if (!l->needed(via))
		return INT64_MAX;
	if (asked == NULL)
		return via->now_ms;
	return strtoll(asked, NULL, 10)
	    + (l->life_msecs > 0 && memo_get(via, l->memo) != NULL ? l->life_msecs
								   : ASK_AGAIN_MSECS);
}

int64_t smartify_next(const struct via *via, struct job *job)
{
	int64_t first = INT64_MAX, due;
	size_t i;

	*job = (struct job){ .kind = JOB_ENDPOINT, .step = STEP_SIGN_IN, .attempt = 1 };
	if (memo_get(via, MEMO_TOKEN) == NULL)
		return via->now_ms;
	job->step = STEP_LOOK_UP;
	for (i = 0; i < sizeof(lookups) / sizeof(*lookups); i++) {
		due = due_of(via, &lookups[i]);
		if (due < first) {
			first = due;
			job->cursor = lookups[i].name;
		}
	}
	return first;
}

/* --- requests ---------------------------------------------------------------------------------- */

static void build_sign_in(const struct via *via, struct arena *a, struct http_req *out)
{
	const struct smartify_conf *conf = via->conf;
	struct json_out *o = json_out_new(a);

	json_begin_object(o);
	json_member_text(o, "email", conf->email);
	json_member_text(o, "password", conf->password);
	json_end_object(o);
	*out = (struct http_req){
		.method = "POST",
		.url = arena_printf(a, "%s/auth/signin", via->endpoint->base_url),
		.content_type = "application/json",
		.timeout_msecs = via->endpoint->timeout_msecs,
		.repeatable = true,
	};
	out->body = json_done(o, &out->body_len);
}

void smartify_errand_build(const struct via *via, struct arena *a, const struct job *job,
    struct http_req *out)
{
	const struct smartify_conf *conf = via->conf;
	const char *path, *at;

	if (job->step == STEP_SIGN_IN) {
		build_sign_in(via, a, out);
		return;
	}
	path = lookup_of(job)->path;
	at = strstr(path, "%s");
	*out = (struct http_req){
		.method = "GET",
		.url = arena_printf(a, "%s%.*s%s%s", via->endpoint->base_url, (int)(at - path),
		    path, conf->project_id, at + 2),
		.timeout_msecs = via->endpoint->timeout_msecs,
		.repeatable = true,
	};
	smartify_add_auth(out, memo_get(via, MEMO_TOKEN));
}

/* --- answers ----------------------------------------------------------------------------------- */

static void learn(struct outcome *out, const char *key, const char *value, bool lasting)
{
	out->memo[out->nmemo++] = (struct memo){ key, value, lasting };
}

static struct effect again(enum reason reason, const struct http_resp *resp, const char *why)
{
	return (struct effect){ .kind = EFFECT_RETRY,
		.reason = reason,
		.wait_msecs = resp->retry_after_msecs,
		.why = why };
}

static void interpret_sign_in(struct arena *a, const struct http_resp *resp,
    const struct json *answer, struct outcome *out)
{
	const char *token = json_text(answer, "token"), *user = json_id(answer, "user._id");
	const char *why = smartify_words(a, resp);

	if (resp->status == 200 && token != NULL && *token != '\0' && user != NULL) {
		learn(out, MEMO_TOKEN, smartify_token(a, token), false);
		learn(out, MEMO_USER, user, true);
		out->effect = (struct effect){ .kind = EFFECT_NEXT_STEP };
	} else if (resp->status == 401 || resp->status == 403 || resp->status == 422) {
		out->effect = (struct effect){ .kind = EFFECT_PAUSE,
			.reason = REASON_CREDENTIALS,
			.wait_msecs = -1,
			.why = why };
	} else if (resp->status == 429 || resp->status == 503) {
		out->effect = again(REASON_BUSY, resp, why);
	} else {
		out->effect =
		    again(resp->status >= 500 ? REASON_SERVER_ERROR : REASON_BAD_ANSWER, resp, why);
	}
}

/* A look-up that fails is noted and not repeated at once, whatever it says: see above. */
static void interpret_lookup(const struct via *via, struct arena *a, const struct lookup *l,
    const struct http_resp *resp, const struct json *answer, struct outcome *out)
{
	const char *found = resp->status == 200 && answer != NULL ? l->find(via, a, answer) : NULL;

	out->effect = (struct effect){ .kind = EFFECT_NEXT_STEP };
	if (found != NULL && *found != '\0') {
		out->found = true;
		learn(out, l->memo, found, l->life_msecs == 0);
		if (l->life_msecs > 0)
			learn(out, l->asked, arena_printf(a, "%" PRId64, via->now_ms), false);
		return;
	}
	out->effect.why = smartify_words(a, resp);
	learn(out, l->asked, arena_printf(a, "%" PRId64, via->now_ms), false);
	if (resp->status == 401)
		learn(out, MEMO_TOKEN, NULL, false);
}

void smartify_errand_interpret(const struct via *via, struct arena *a, const struct job *job,
    const struct http_resp *resp, struct outcome *out)
{
	struct json_error error;
	const struct json *answer = json_read(a, resp->body, resp->body_len, &error);

	if (resp->status == 0 && (job->step == STEP_SIGN_IN || !resp->sent))
		out->effect = again(answer_transport_reason(resp->transport), resp, resp->detail);
	else if (job->step == STEP_SIGN_IN)
		interpret_sign_in(a, resp, answer, out);
	else
		interpret_lookup(via, a, lookup_of(job), resp, answer, out);
}
