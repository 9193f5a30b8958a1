/* Refusals, and answers that did not come: what to do about each.
 *
 * The server says 401 where others say 403, so only the words tell whether the token itself is
 * refused; 422 where something inside a create failed, so only known words are taken for a refusal;
 * 429 without Retry-After, over windows that begin with the minute. */
#include "connector/chatwoot/chatwoot_answer_inside.h"

#include <string.h>

#include "base/arena.h"
#include "connector/answer.h"

enum {
	WINDOW_MSECS = 60 * 1000, /* of every throttle */
	CREATE_500_MSECS = 2000,  /* a create that failed at once leaves nothing that comes late */
	GONE_AGAIN_MSECS = 5000,
	DOUBTS_MAX = 3,
};

static bool is_about_token(const struct chatwoot_answer *r)
{
	return chatwoot_says(r, "Invalid Access Token")
	    || chatwoot_says(r, "not authorized to access this account")
	    || chatwoot_says(r, "Account is suspended") || chatwoot_says(r, "sign in");
}

static void unauthorized(struct chatwoot_answer *r)
{
	if (is_about_token(r))
		chatwoot_conclude(r, EFFECT_PAUSE, REASON_CREDENTIALS, chatwoot_words(r));
	else if (chatwoot_words(r) != NULL)
		chatwoot_conclude(r, EFFECT_REJECTED, REASON_INVALID, chatwoot_words(r));
	else /* a proxy asks for something of its own */
		chatwoot_conclude(r, EFFECT_RETRY, REASON_BAD_ANSWER, "401 without a reason");
}

static bool is_blank(const char *text)
{
	return text[strspn(text, " \t\r\n")] == '\0';
}

/* An absent conversation is believed when it is absent twice. */
static void conversation_not_found(struct chatwoot_answer *r)
{
	bool again = r->job->before == REASON_NOT_FOUND;

	chatwoot_conclude(r, again ? EFFECT_REJECTED : EFFECT_RETRY, REASON_NOT_FOUND,
	    chatwoot_words(r));
	r->out->gone = again;
	if (!again)
		r->out->effect.wait_msecs = GONE_AGAIN_MSECS;
}

/* Where there is no conversation, what is looked for is not in it; writing there tells the rest. */
static void go_and_see(struct chatwoot_answer *r)
{
	chatwoot_next_step(r);
	if (r->job->kind != JOB_LOOK)
		r->out->go = STEP_SEND;
}

static void contact_not_found(struct chatwoot_answer *r)
{
	chatwoot_next_step(r);
	if (chatwoot_side(r) == SIDE_CUSTOMERS)
		chatwoot_conclude(r, EFFECT_REJECTED, REASON_UNREACHABLE,
		    "the contact is not there any more");
}

/* It was there a moment ago: agents have merged it into another one, whom the address finds. */
static void contact_is_gone(struct chatwoot_answer *r)
{
	chatwoot_next_step(r);
	r->out->go = STEP_FIND_CONTACT;
	r->out->effect.reason = REASON_NOT_FOUND;
	r->out->effect.why = chatwoot_words(r);
}

static void not_found(struct chatwoot_answer *r)
{
	enum step step = r->job->step;

	if (step == STEP_FIND_CONTACT && is_blank(r->resp->body))
		contact_not_found(r);
	else if (chatwoot_words(r) == NULL) /* not the server's own */
		chatwoot_conclude(r, EFFECT_RETRY, REASON_BAD_ANSWER, "404 without a reason");
	else if (r->job->kind == JOB_ENDPOINT || r->job->kind == JOB_PAGE)
		chatwoot_conclude(r, EFFECT_REJECTED, REASON_NOT_FOUND, chatwoot_words(r));
	else if (step == STEP_CREATE_CONVERSATION && r->job->kind == JOB_DELIVER)
		contact_is_gone(r);
	else if (step == STEP_DELETE) /* it is not there any more */
		chatwoot_conclude(r, EFFECT_DELIVERED, REASON_NONE, NULL);
	else if (step == STEP_SEND || step == STEP_SET_STATUS)
		conversation_not_found(r);
	else if (r->job->kind == JOB_LOOK || step == STEP_LIST_MESSAGES)
		go_and_see(r);
	else
		chatwoot_conclude(r, EFFECT_REJECTED, REASON_NOT_FOUND, chatwoot_words(r));
}

/* --- 422 --------------------------------------------------------------------------------------- */

static bool names(const struct chatwoot_answer *r, const char *attribute)
{
	const struct json *list = json_array(r->body, "attributes"), *item;

	for (item = list != NULL ? list->child : NULL; item != NULL; item = item->next)
		if (item->type == JSON_STRING && strcmp(item->text, attribute) == 0)
			return true;
	return false;
}

/* Another contact has it, and may be taken for him. One that was not found then is left alone. */
static bool may_be_another(const struct chatwoot_answer *r)
{
	const struct message *m = r->job->message;

	if (m == NULL || r->job->before == REASON_NOT_FOUND
	    || !chatwoot_says(r, "already been taken"))
		return false;
	return (m->match_phone && names(r, "phone_number"))
	    || (m->match_email && names(r, "email"));
}

/* A new contact is refused for fields that another one has, or that are no such thing. The identifier
 * is the person: whoever has it is him. The others are left out, one try after the other. */
static void contact_refused(struct chatwoot_answer *r)
{
	static const char *const optional[] = { "phone_number", "email" };
	const char *left_out = r->job->cursor != NULL ? r->job->cursor : "";
	size_t i;

	chatwoot_next_step(r);
	if (names(r, "identifier") && r->job->before == REASON_NOT_FOUND) {
		chatwoot_conclude(r, EFFECT_REJECTED, REASON_INVALID, chatwoot_words(r));
		return;
	}
	if (names(r, "identifier") || may_be_another(r)) {
		r->out->go = STEP_LIST_CONTACTS;
		return;
	}
	for (i = 0; i < sizeof(optional) / sizeof(optional[0]); i++)
		if (names(r, optional[i]) && strstr(left_out, optional[i]) == NULL)
			r->out->cursor = left_out =
			    arena_printf(r->a, "%s %s", left_out, optional[i]);
	if (r->out->cursor == NULL)
		chatwoot_conclude(r, EFFECT_REJECTED, REASON_INVALID, chatwoot_words(r));
}

static bool is_plain_refusal(const struct chatwoot_answer *r)
{
	return json_array(r->body, "attributes") != NULL
	    || chatwoot_says(r, "only allowed in Api inboxes")
	    || chatwoot_says(r, "source_id should be unique")
	    || chatwoot_says(r, "param is missing");
}

static void unprocessable(struct chatwoot_answer *r)
{
	if (chatwoot_says(r, "Too many messages")) {
		chatwoot_conclude(r, EFFECT_RETRY, REASON_BUSY, chatwoot_words(r));
		r->out->effect.wait_msecs = WINDOW_MSECS;
	} else if (chatwoot_says(r, "Content is too long")) {
		chatwoot_conclude(r, EFFECT_REJECTED, REASON_TOO_LARGE, chatwoot_words(r));
	} else if (r->job->step == STEP_CREATE_CONTACT
	    && json_array(r->body, "attributes") != NULL) {
		contact_refused(r);
	} else if (is_plain_refusal(r)
	    || (chatwoot_is_repeatable(r->job) && r->job->attempt >= DOUBTS_MAX)) {
		chatwoot_conclude(r, EFFECT_REJECTED, REASON_INVALID, chatwoot_words(r));
	} else { /* any fault inside a create says 422 too */
		chatwoot_doubt(r, REASON_SERVER_ERROR, chatwoot_words(r));
		r->out->doubts_max = DOUBTS_MAX;
		r->out->give_up = REASON_INVALID;
	}
}

/* --- other statuses ---------------------------------------------------------------------------- */

static void busy(struct chatwoot_answer *r)
{
	chatwoot_conclude(r, EFFECT_RETRY, REASON_BUSY, "429");
	r->out->effect.wait_msecs = r->resp->retry_after_msecs > 0
	    ? r->resp->retry_after_msecs
	    : WINDOW_MSECS - r->via->now_ms % WINDOW_MSECS;
}

static void server_error(struct chatwoot_answer *r)
{
	chatwoot_doubt(r, REASON_SERVER_ERROR,
	    chatwoot_words(r) != NULL ? chatwoot_words(r)
				      : arena_printf(r->a, "%d", r->resp->status));
	if (r->job->step == STEP_CREATE_CONTACT && r->resp->status == 500)
		r->out->effect.wait_msecs = CREATE_500_MSECS;
}

/* With files it is the proxy that refuses: once more, with their addresses in their place. */
static void too_large(struct chatwoot_answer *r, const char *why)
{
	const struct message *m = r->job->message;

	chatwoot_conclude(r, EFFECT_REJECTED, REASON_TOO_LARGE, why);
	if (r->job->step != STEP_SEND || r->job->kind != JOB_DELIVER || r->job->cursor != NULL
	    || m == NULL || m->span.count == 0)
		return;
	chatwoot_next_step(r);
	r->out->cursor = "addresses";
	r->out->serves = true;
}

void chatwoot_refused(struct chatwoot_answer *r)
{
	int status = r->resp->status;
	const char *why =
	    chatwoot_words(r) != NULL ? chatwoot_words(r) : arena_printf(r->a, "%d", status);

	if (status == 401)
		unauthorized(r);
	else if (status == 402)
		chatwoot_conclude(r, EFFECT_REJECTED, REASON_QUOTA, why);
	else if (status == 404)
		not_found(r);
	else if (status == 408)
		chatwoot_doubt(r, REASON_TIMEOUT, why);
	else if (status == 413)
		too_large(r, why);
	else if (status == 422)
		unprocessable(r);
	else if (status == 429)
		busy(r);
	else if (status >= 500)
		server_error(r);
	else if (status >= 400)
		chatwoot_conclude(r, EFFECT_REJECTED, REASON_INVALID, why);
	else
		chatwoot_conclude(r, EFFECT_RETRY, REASON_BAD_ANSWER,
		    arena_printf(r->a, "%d, is base_url the final address?", status));
}

/* No whole answer: what counts is whether anything of the request may have arrived. */
void chatwoot_unanswered(struct chatwoot_answer *r)
{
	enum reason reason = answer_transport_reason(r->resp->transport);

	if (r->resp->sent)
		chatwoot_doubt(r, reason, r->resp->detail);
	else
		chatwoot_conclude(r, EFFECT_RETRY, reason, r->resp->detail);
}

/* Of what is written of a contact or a conversation. A contact that is not there was merged since it was looked
 * up: who it is now, the next try finds. */
bool chatwoot_facts_refused(struct chatwoot_answer *r)
{
	const char *without = NULL;

	if (r->job->message == NULL || r->job->message->facts == NULL)
		return false;
	if (r->resp->status == 422 && r->job->step == STEP_UPDATE_CONTACT)
		without = chatwoot_without_refused(r->a, r->job, r->body);
	if (without != NULL) {
		chatwoot_next_step(r);
		r->out->cursor = without;
		return true;
	}
	if (r->resp->status != 404 || chatwoot_words(r) == NULL || r->job->attempt >= DOUBTS_MAX)
		return false;
	chatwoot_conclude(r, EFFECT_RETRY, REASON_NOT_FOUND, chatwoot_words(r));
	return true;
}
