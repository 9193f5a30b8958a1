/* What an answer means.
 *
 * A create that got no clear answer may have happened: a proxy's 502, a time-out, a cut connection, a
 * 500, a 200 that cannot be read. All of these are UNSURE, and the plan says how to look. A request
 * that may be repeated (chatwoot_is_repeatable) is simply tried again.
 *
 * Here are the words that all answers are judged in, what the endpoint asks for itself, and whose turn it is;
 * chatwoot_accepted.c reads what a contact, a conversation or a message came to, chatwoot_refused.c the rest. */
#include "connector/chatwoot/chatwoot_answer_inside.h"

#include <inttypes.h>
#include <string.h>

#include "base/arena.h"
#include "core/text.h"

enum {
	WHY_POINTS = 200,
	ASK_AGAIN_MSECS = 5 * 60 * 1000,
};

void chatwoot_conclude(struct chatwoot_answer *r, enum effect_kind kind, enum reason reason,
    const char *why)
{
	r->out->effect = (struct effect){
		.kind = kind,
		.reason = reason,
		.wait_msecs = -1,
		.why = why != NULL ? text_excerpt(r->a, why, WHY_POINTS) : NULL,
	};
}

void chatwoot_next_step(struct chatwoot_answer *r)
{
	chatwoot_conclude(r, EFFECT_NEXT_STEP, REASON_NONE, NULL);
}

/* It may have happened, unless the request is one that may be repeated. */
void chatwoot_doubt(struct chatwoot_answer *r, enum reason reason, const char *why)
{
	chatwoot_conclude(r, chatwoot_is_repeatable(r->job) ? EFFECT_RETRY : EFFECT_UNSURE, reason,
	    why);
}

void chatwoot_delivered(struct chatwoot_answer *r, const char *id)
{
	chatwoot_conclude(r, EFFECT_DELIVERED, REASON_NONE, NULL);
	r->out->effect.remote_id = id;
	r->out->learned.message = id;
	r->out->found = r->job->kind == JOB_LOOK;
}

const char *chatwoot_id_at(const struct json *j, const char *path)
{
	const char *id = json_id(j, path);

	return chatwoot_is_id(id) ? id : NULL;
}

/* The far side's words: `error`, the first of `errors`, or `message`. NULL: none. */
const char *chatwoot_words(const struct chatwoot_answer *r)
{
	const char *text = json_text(r->body, "error");

	if (text == NULL)
		text = json_text(r->body, "errors.0");
	return text != NULL ? text : json_text(r->body, "message");
}

bool chatwoot_says(const struct chatwoot_answer *r, const char *part)
{
	const char *text = chatwoot_words(r);

	return text != NULL && strstr(text, part) != NULL;
}

enum side chatwoot_side(const struct chatwoot_answer *r)
{
	return r->job->message != NULL ? r->job->message->to : SIDE_AGENTS;
}

void chatwoot_bad_answer(struct chatwoot_answer *r)
{
	chatwoot_doubt(r, REASON_BAD_ANSWER, "no id in the answer");
}

/* --- the endpoint's own ------------------------------------------------------------------------ */

static void learn(struct chatwoot_answer *r, const char *key, const char *value)
{
	if (value != NULL)
		r->out->memo[r->out->nmemo++] = (struct memo){ key, value, .lasting = true };
}

static void misconfigured(struct chatwoot_answer *r, const char *why)
{
	r->out->nmemo = 0;
	chatwoot_conclude(r, EFFECT_REJECTED, REASON_NOT_FOUND, why);
}

static void learn_role(struct chatwoot_answer *r, const struct json *account)
{
	if (json_text(account, "role") != NULL)
		learn(r, MEMO_ROLE, json_text(account, "role"));
}

static void take_profile(struct chatwoot_answer *r)
{
	const struct json *accounts = json_array(r->body, "accounts"), *j;
	const char *ours = chatwoot_account(r->via), *id;
	bool is_member = false;

	if (chatwoot_id_at(r->body, "id") == NULL || accounts == NULL) {
		chatwoot_bad_answer(r);
		return;
	}
	chatwoot_next_step(r);
	learn(r, MEMO_USER, chatwoot_id_at(r->body, "id"));
	if (ours == NULL && accounts->count == 1 && chatwoot_id_at(accounts->child, "id") != NULL) {
		learn(r, MEMO_TENANT, chatwoot_id_at(accounts->child, "id"));
		learn_role(r, accounts->child);
		return;
	}
	for (j = accounts->child; j != NULL && ours != NULL; j = j->next) {
		id = chatwoot_id_at(j, "id");
		if (id == NULL || strcmp(id, ours) != 0)
			continue;
		is_member = true;
		learn_role(r, j);
	}
	if (ours == NULL)
		misconfigured(r,
		    arena_printf(r->a, "the token opens %u accounts: say account_id which",
			accounts->count));
	else if (!is_member)
		misconfigured(r, arena_printf(r->a, "the token does not open account %s", ours));
}

static void learn_inbox(struct chatwoot_answer *r, const struct json *inbox)
{
	chatwoot_next_step(r);
	learn(r, MEMO_INBOX, chatwoot_id_at(inbox, "id"));
	learn(r, MEMO_TITLE, json_text(inbox, "name") != NULL ? json_text(inbox, "name") : "");
	learn(r, MEMO_IDENTIFIER,
	    json_text(inbox, "inbox_identifier") != NULL ? json_text(inbox, "inbox_identifier")
							 : "");
	learn(r, MEMO_LOCK, json_true(inbox, "lock_to_single_conversation") ? "true" : "false");
}

static void take_inboxes(struct chatwoot_answer *r)
{
	const struct json *list = json_array(r->body, "payload"), *j, *only = NULL;
	const char *type;
	unsigned count = 0;

	for (j = list != NULL ? list->child : NULL; j != NULL; j = j->next) {
		type = json_text(j, "channel_type");
		if (type == NULL || strcmp(type, "Channel::Api") != 0
		    || chatwoot_id_at(j, "id") == NULL)
			continue;
		only = j;
		count++;
	}
	if (list == NULL)
		chatwoot_bad_answer(r);
	else if (count == 1)
		learn_inbox(r, only);
	else
		misconfigured(r,
		    arena_printf(r->a, "the account has %u API inboxes: say inbox_id which",
			count));
}

static void take_errand(struct chatwoot_answer *r)
{
	if (r->job->cursor != NULL)
		chatwoot_take_list(r->via, r->a, r->job, r->body, r->out);
	else if (r->job->step == STEP_SIGN_IN)
		take_profile(r);
	else if (chatwoot_inbox(r->via) == NULL)
		take_inboxes(r);
	else if (chatwoot_id_at(r->body, "id") != NULL)
		learn_inbox(r, r->body);
	else
		chatwoot_bad_answer(r);
}

/* What the configuration says is enough to work with: an errand that fails for now is made later, and
 * nothing waits for it. */
static void put_off(struct chatwoot_answer *r)
{
	if (r->job->kind != JOB_ENDPOINT || r->out->effect.kind != EFFECT_RETRY
	    || chatwoot_account(r->via) == NULL || chatwoot_inbox(r->via) == NULL)
		return;
	r->out->effect.kind = EFFECT_NEXT_STEP;
	r->out->memo[r->out->nmemo++] = (struct memo){ MEMO_ASK_AGAIN,
		arena_printf(r->a, "%" PRId64, r->via->now_ms + ASK_AGAIN_MSECS),
		.lasting = false };
}

/* --- whole ------------------------------------------------------------------------------------- */

/* Only in an API inbox is a customer's message one that we may write, and an agent's one that reaches nobody. */
static void judge_inbox(struct chatwoot_answer *r)
{
	static const struct {
		const char *key, *words;
	} stirs[] = { { "greeting_enabled", "its greeting" },
		{ "csat_survey_enabled", "its survey" },
		{ "enable_auto_assignment", "automatic assignment" } };
	const char *type = json_text(r->body, "channel_type"), *what = NULL;
	const char *role = memo_get(r->via, MEMO_ROLE);
	size_t i;

	if (type == NULL) {
		chatwoot_bad_answer(r);
		return;
	}
	chatwoot_next_step(r);
	for (i = 0; i < sizeof(stirs) / sizeof(stirs[0]); i++)
		if (json_true(r->body, stirs[i].key))
			what = what == NULL ? stirs[i].words
					    : arena_printf(r->a, "%s, %s", what, stirs[i].words);
	if (role != NULL && strcmp(role, "administrator") != 0)
		chatwoot_conclude(r, EFFECT_REJECTED, REASON_INVALID,
		    arena_printf(r->a,
			"the token's role in account %s is %s: history takes an administrator's, "
			"another sees a part of it, and would be assigned what it writes",
			chatwoot_account(r->via), role));
	else if (r->job->is_whole)
		; /* of what is read nothing is set off */
	else if (strcmp(type, "Channel::Api") != 0)
		chatwoot_conclude(r, EFFECT_REJECTED, REASON_INVALID,
		    arena_printf(r->a,
			"inbox %s is a %s: history is written into API inboxes only, elsewhere it "
			"would reach people",
			chatwoot_inbox(r->via), type));
	else if (what != NULL)
		r->out->effect.why =
		    arena_printf(r->a, "inbox %s has on: %s", chatwoot_inbox(r->via), what);
}

static void take_page(struct chatwoot_answer *r)
{
	if (r->job->step == STEP_LOOK_UP) {
		judge_inbox(r);
		return;
	}
	if (chatwoot_take_page(r->via, r->a, r->job, r->body, r->out))
		chatwoot_next_step(r);
	else
		chatwoot_conclude(r, EFFECT_RETRY, REASON_BAD_ANSWER, "no list");
}

void chatwoot_interpret(const struct via *via, struct arena *a, const struct job *job,
    const struct http_resp *resp, struct outcome *out)
{
	struct chatwoot_answer r = { via, a, job, resp, NULL, out };
	struct json_error error;

	*out = (struct outcome){ .effect = { .wait_msecs = -1 } };
	if (resp->body_len > 0)
		r.body = json_read(a, resp->body, resp->body_len, &error);
	if (resp->status == 0 || resp->transport != TRANSPORT_OK)
		chatwoot_unanswered(&r);
	else if (job->kind == JOB_ENDPOINT && job->cursor != NULL && resp->status != 401
	    && resp->status != 429)
		take_errand(&r);
	else if ((resp->status < 200 || resp->status > 299) && chatwoot_facts_refused(&r))
		; /* said what */
	else if (resp->status < 200 || resp->status > 299)
		chatwoot_refused(&r);
	else if (job->kind == JOB_ENDPOINT)
		take_errand(&r);
	else if (job->kind == JOB_PAGE)
		take_page(&r);
	else
		chatwoot_accepted(&r);
	put_off(&r);
}
