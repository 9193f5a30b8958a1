/* Answer → outcome.
 *
 * What a status means is the same for every step but for one question: may it have been done although
 * the answer says nothing good? Only where it must not be done twice that is doubt (UNSURE, then the
 * look-up); elsewhere it is done again (RETRY).
 *
 * A look-up never says RETRY or PAUSE: until it has read an answer, the step stays in doubt.
 *
 * Who was refused: the relay account's own token is forgotten and signed in anew; a person's is his own
 * affair, and pauses nobody else. */
#include "connector/smartify/smartify.h"

#include <string.h>

#include "base/arena.h"
#include "base/json_in.h"
#include "connector/answer.h"
#include "core/text.h"

#define WHY_MAX 200
#define GONE_AGAIN_MSECS 5000 /* a conversation is gone when it is so twice */
#define CLOSE_ATTEMPTS 5
#define DELETED "the conversation was deleted"
#define SILENT_TIMES 3  /* no answer at all: some bodies hang the server for ever */
#define REFUSED_TIMES 5 /* no new conversation: the month's are used up */

struct answer {
	const struct via *via;
	struct arena *arena;
	const struct job *job;
	const struct http_resp *resp;
	const struct json *json; /* NULL: not JSON */
	bool as_person;          /* asked with the person's token */
	struct outcome *out;
};

/* --- words ------------------------------------------------------------------------------------- */

static const char *words_of(const struct json *j)
{
	static const char *const keys[] = { "msg", "message", "error", "err", "errors.0",
		"errors.0.msg" };
	const char *text;
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		text = json_text(j, keys[i]);
		if (text != NULL && *text != '\0')
			return text;
	}
	return NULL;
}

/* Tokens begin alike, whoever made them. */
static const char *without_tokens(struct arena *a, const char *text)
{
	const char *at = strstr(text, "eyJ");

	return at == NULL ? text : arena_printf(a, "%.*s[secret]", (int)(at - text), text);
}

const char *smartify_words(struct arena *a, const struct http_resp *resp)
{
	struct json_error error;
	const struct json *j = json_read(a, resp->body, resp->body_len, &error);
	const char *text;

	if (j != NULL)
		text = words_of(j);
	else if (strchr(resp->body, '<') != NULL)
		text = "a page of HTML";
	else
		text =
		    text_clean(a, resp->body, resp->body_len < WHY_MAX ? resp->body_len : WHY_MAX);
	if (text == NULL || *text == '\0')
		return resp->status == 0 ? resp->detail : NULL;
	return text_excerpt(a, without_tokens(a, text), WHY_MAX);
}

static bool says(const struct answer *ans, const char *words)
{
	const char *text = ans->json != NULL ? words_of(ans->json) : NULL;

	return text != NULL && strcasestr(text, words) != NULL;
}

static void conclude(const struct answer *ans, enum effect_kind kind, enum reason reason)
{
	ans->out->effect = (struct effect){ .kind = kind,
		.reason = reason,
		.wait_msecs = ans->resp->retry_after_msecs,
		.why = smartify_words(ans->arena, ans->resp) };
}

static void go(const struct answer *ans, enum step step)
{
	ans->out->effect = (struct effect){ .kind = EFFECT_NEXT_STEP, .wait_msecs = -1 };
	ans->out->go = step;
}

/* --- refusals ---------------------------------------------------------------------------------- */

static void forget_token(const struct answer *ans)
{
	ans->out->memo[ans->out->nmemo++] = (struct memo){ MEMO_TOKEN, NULL, false };
}

/* A message that is refused: the sign-in was lost, and is done again before it. */
static void refuse_person(const struct answer *ans)
{
	if (ans->job->step == STEP_SIGN_IN) {
		conclude(ans, EFFECT_RETRY, REASON_CREDENTIALS);
		return;
	}
	ans->out->forget_sign_in = true;
	go(ans, STEP_SIGN_IN);
	ans->out->effect.reason = REASON_CREDENTIALS;
	ans->out->effect.why = smartify_words(ans->arena, ans->resp);
}

/* A person whose signature is refused: the subscription that signs may be another one by now. */
static void forget_subscription(const struct answer *ans)
{
	if (ans->job->step == STEP_SIGN_IN)
		ans->out->memo[ans->out->nmemo++] = (struct memo){ MEMO_SUBSCRIPTION, NULL, true };
}

static void refuse_token(const struct answer *ans)
{
	if (ans->as_person) {
		forget_subscription(ans);
		refuse_person(ans);
		return;
	}
	forget_token(ans);
	conclude(ans, EFFECT_RETRY, REASON_CREDENTIALS);
	ans->out->effect.wait_msecs = 0;
}

/* The token itself is good, so a new one would be refused alike: the endpoint waits. */
static void pause_endpoint(const struct answer *ans)
{
	conclude(ans, EFFECT_PAUSE, REASON_CREDENTIALS);
}

static void interpret_401(const struct answer *ans)
{
	if (says(ans, "ip filter"))
		pause_endpoint(ans);
	else if (says(ans, "BanUser"))
		conclude(ans, EFFECT_REJECTED, REASON_UNREACHABLE);
	else
		refuse_token(ans);
}

static void interpret_403(const struct answer *ans)
{
	if (says(ans, "belong")) {
		if (ans->as_person)
			refuse_person(ans);
		else
			pause_endpoint(ans);
	} else if (ans->json != NULL && says(ans, "unauthorized.") && !says(ans, "project_user")) {
		refuse_token(ans); /* the header itself */
	} else {
		conclude(ans, EFFECT_REJECTED, REASON_INVALID);
	}
}

/* The conversation is not there any more, or the address is wrong altogether (then it is no JSON). As a
 * person we may go on: his message makes the conversation anew. */
static void interpret_404(const struct answer *ans)
{
	bool by_id = ans->json != NULL && says(ans, "not found");

	if (by_id && ans->job->before != REASON_NOT_FOUND) {
		conclude(ans, EFFECT_RETRY, REASON_NOT_FOUND);
		ans->out->effect.wait_msecs = GONE_AGAIN_MSECS;
	} else if (by_id && smartify_as_person(ans->job->message)
	    && ans->job->step == STEP_REOPEN) {
		go(ans, STEP_NONE);
	} else {
		ans->out->gone = by_id;
		conclude(ans, EFFECT_REJECTED, REASON_NOT_FOUND);
	}
}

/* Anything but a good answer. once: what was asked for must not be done twice. */
static void interpret_failure(const struct answer *ans, bool once)
{
	int status = ans->resp->status;
	enum effect_kind doubt = once ? EFFECT_UNSURE : EFFECT_RETRY;

	if (status == 0 && !ans->resp->sent)
		conclude(ans, EFFECT_RETRY, answer_transport_reason(ans->resp->transport));
	else if (status < 300)
		conclude(ans, doubt, answer_transport_reason(ans->resp->transport));
	else if (status == 429 || status == 503)
		conclude(ans, EFFECT_RETRY, REASON_BUSY);
	else if (status == 408)
		conclude(ans, EFFECT_RETRY, REASON_TIMEOUT);
	else if (status >= 500)
		conclude(ans, doubt, REASON_SERVER_ERROR);
	else if (ans->resp->transport
	    != TRANSPORT_OK) /* refused, and the words that say why are lost */
		conclude(ans, EFFECT_RETRY, answer_transport_reason(ans->resp->transport));
	else if (status == 401 || (status == 400 && ans->json == NULL))
		interpret_401(ans);
	else if (status == 403)
		interpret_403(ans);
	else if (status == 404)
		interpret_404(ans);
	else if (status == 413)
		conclude(ans, EFFECT_REJECTED, REASON_TOO_LARGE);
	else
		conclude(ans, EFFECT_REJECTED, REASON_INVALID);
}

/* --- steps ------------------------------------------------------------------------------------- */

/* The next step of this part that a person makes himself. */
static enum step person_step(const struct answer *ans)
{
	const struct known *k = ans->job->known;

	if (smartify_file(ans->job->message) == NULL
	    || !smartify_may_upload(ans->via, ans->arena, smartify_file(ans->job->message)))
		return STEP_SEND;
	return k->upload != NULL && k->upload_part == ans->job->message->part ? STEP_SEND
									      : STEP_UPLOAD;
}

/* It is a step of the plan, or a detour from a message whose sign-in was lost: where to go on is said
 * in both cases, so that it is right in both. */
static void interpret_sign_in(const struct answer *ans)
{
	const struct message *m = ans->job->message;

	if (!answer_is_good(ans->resp)) {
		interpret_failure(ans, false);
		return;
	}
	ans->out->learned.signed_in = true;
	if (!smartify_as_person(m)
	    || m->is_history) /* of which each step behind it is in the plan */
		go(ans, STEP_NONE);
	else if (m->part == 0 && !m->may_open && (m->reopen || ans->job->known->closed))
		go(ans, STEP_REOPEN);
	else
		go(ans, person_step(ans));
}

/* What prepares the message and may be done twice. */
static void interpret_harmless(const struct answer *ans)
{
	const struct message *m = ans->job->message;

	if (answer_is_good(ans->resp) && m != NULL && m->set_state != STATE_NONE)
		conclude(ans, EFFECT_DELIVERED, REASON_NONE);
	else if (answer_is_good(ans->resp))
		go(ans, STEP_NONE);
	else
		interpret_failure(ans, false);
}

/* Doubt that comes back although nothing ever landed has a reason of its own. */
static void give_up_in_time(const struct answer *ans)
{
	struct outcome *out = ans->out;
	const struct message *m = ans->job->message;

	if (out->effect.kind != EFFECT_UNSURE)
		return;
	if (out->effect.reason == REASON_TIMEOUT) {
		out->doubts_max = SILENT_TIMES;
		out->give_up = REASON_TIMEOUT;
	} else if (ans->resp->status == 500 && m != NULL && m->to == SIDE_AGENTS && m->may_open) {
		out->doubts_max = REFUSED_TIMES;
		out->give_up = REASON_QUOTA;
	}
}

static void interpret_create_conversation(const struct answer *ans)
{
	const char *id = json_text(ans->json, "request_id");

	if (!answer_is_good(ans->resp) || id == NULL) {
		interpret_failure(ans, true);
		give_up_in_time(ans);
		return;
	}
	ans->out->learned.conversation = id;
	ans->out->learned.conversation_ref = json_id(ans->json, "_id");
	go(ans, STEP_NONE);
}

/* Where it is refused the answer goes out all the same: two who answer are better than none. */
static void interpret_take_over(const struct answer *ans)
{
	if (answer_is_good(ans->resp)) {
		ans->out->learned.taken_over = true;
		go(ans, STEP_NONE);
		return;
	}
	interpret_failure(ans, true);
	if (ans->out->effect.kind == EFFECT_REJECTED && !ans->out->gone)
		ans->out->effect.kind = EFFECT_NEXT_STEP;
}

/* What is posted into a deleted conversation makes a new one of the same request_id, with the account
 * that posts as its customer. Nobody reads there: it is closed, and the link ends. */
static bool is_ghost(const struct answer *ans, const struct json *request)
{
	const char *id = json_id(request, "_id"), *lead = json_id(request, "lead.lead_id");
	const char *user = smartify_user(ans->via);

	if (request == NULL || smartify_as_person(ans->job->message))
		return false;
	if (ans->job->known->conversation_ref != NULL)
		return id != NULL && strcmp(id, ans->job->known->conversation_ref) != 0;
	return lead != NULL && user != NULL && strcmp(lead, user) == 0;
}

static void leave_ghost(const struct answer *ans)
{
	ans->out->gone = true;
	ans->out->found = ans->job->kind == JOB_LOOK;
	go(ans, STEP_SET_STATUS);
	ans->out->effect.reason = REASON_NOT_FOUND;
	ans->out->effect.why = DELETED;
}

static void interpret_send(const struct answer *ans)
{
	const struct json *request = json_object(ans->json, "request");
	const char *id = json_id(ans->json, "_id");

	if (!answer_is_good(ans->resp) || id == NULL || *id == '\0') {
		interpret_failure(ans, true);
		give_up_in_time(ans);
		return;
	}
	if (is_ghost(ans, request)) {
		leave_ghost(ans);
		return;
	}
	ans->out->effect =
	    (struct effect){ .kind = EFFECT_DELIVERED, .wait_msecs = -1, .remote_id = id };
	ans->out->learned.message = id;
	ans->out->learned.conversation = json_text(ans->json, "recipient");
	ans->out->learned.conversation_ref = json_id(request, "_id");
}

/* The request as it is now. Any other 200 is somebody's who stands before the platform, and opened nothing. */
static void interpret_reopen(const struct answer *ans)
{
	if (answer_is_good(ans->resp) && json_text(ans->json, "request_id") == NULL)
		interpret_failure(ans, false);
	else
		interpret_harmless(ans);
}

/* What the server does not take goes as an address of ours. Its words for that differ, and so do its ways to
 * say that there is no such route; a person who is not signed in is another matter. */
static void interpret_upload(const struct answer *ans)
{
	const char *name = json_text(ans->json, "filename");
	int status = ans->resp->status;
	bool refused = status == 400 || status == 404 || status == 413 || status == 415
	    || status == 422
	    || (status == 403 && !says(ans, "belong") && !says(ans, "unauthorized."));

	if (answer_is_good(ans->resp) && name != NULL && *name != '\0') {
		go(ans, STEP_NONE);
		ans->out->learned.upload = name;
		return;
	}
	if (answer_is_good(ans->resp) || refused
	    || (status == 0 && ans->resp->sent && ans->job->attempt >= SILENT_TIMES)) {
		go(ans, STEP_SEND);
		ans->out->learned.upload = SMARTIFY_NO_UPLOAD;
		ans->out->serves = true;
		return;
	}
	interpret_failure(ans, false);
}

/* With a message only a ghost is closed. Whether that works or not, the message has nowhere to go. */
static void interpret_close(const struct answer *ans)
{
	const struct message *m = ans->job->message;

	if (m != NULL && m->set_state != STATE_NONE) {
		if (answer_is_good(ans->resp))
			conclude(ans, EFFECT_DELIVERED, REASON_NONE);
		else
			interpret_failure(ans, true);
		if (ans->resp->status == 500) { /* so it says that there is no such conversation */
			ans->out->doubts_max = REFUSED_TIMES;
			ans->out->give_up = REASON_NOT_FOUND;
		}
		return;
	}
	if (!answer_is_good(ans->resp))
		interpret_failure(ans, false);
	if (!answer_is_good(ans->resp) && ans->out->effect.kind == EFFECT_RETRY
	    && ans->job->attempt < CLOSE_ATTEMPTS)
		return;
	ans->out->gone = true;
	ans->out->effect = (struct effect){ .kind = EFFECT_REJECTED,
		.reason = REASON_NOT_FOUND,
		.wait_msecs = -1,
		.why = DELETED };
}

/* --- look-ups ---------------------------------------------------------------------------------- */

static bool holds(const struct json *list, const char *text)
{
	const struct json *j;

	for (j = list != NULL ? list->child : NULL; text != NULL && j != NULL; j = j->next)
		if (j->type == JSON_STRING && strcmp(j->text, text) == 0)
			return true;
	return false;
}

/* It may have been written by an earlier life whose store was lost; not in a customer's name at his own side, where
 * he may write any attributes. */
static bool is_ours(const struct answer *ans, const struct json *j, const char *mark)
{
	const char *text = json_text(j, "attributes.tieline"), *sender = json_id(j, "sender");

	if (text == NULL || json_id(j, "_id") == NULL)
		return false;
	if (strcmp(text, mark) == 0)
		return true;
	return (ans->job->message->to == SIDE_AGENTS || smartify_is_id(sender))
	    && mark_is_of_same(ans->via->keys, text, mark);
}

static const struct json *find_mark(const struct answer *ans)
{
	const struct message *m = ans->job->message;
	const struct json *j;

	for (j = ans->json->child; m != NULL && m->mark != NULL && j != NULL; j = j->next)
		if (is_ours(ans, j, m->mark))
			return j;
	return NULL;
}

static void found(const struct answer *ans, const char *remote_id)
{
	ans->out->found = true;
	ans->out->effect =
	    (struct effect){ .kind = EFFECT_DELIVERED, .wait_msecs = -1, .remote_id = remote_id };
	ans->out->learned.message = remote_id;
	ans->out->learned.conversation = ans->job->known->conversation;
}

/* Is the mark there? If so, and if the conversation could be a ghost, the second page tells. */
static void look_for_message(const struct answer *ans)
{
	const struct message *m = ans->job->message;
	const struct json *there = find_mark(ans);

	if (there == NULL) {
		go(ans, STEP_NONE); /* surely not there */
	} else if (smartify_as_person(m) || ans->job->known->conversation_ref == NULL) {
		found(ans, json_id(there, "_id"));
	} else {
		go(ans, STEP_NONE);
		ans->out->cursor = json_id(there, "_id");
	}
}

static void look_at_conversation(const struct answer *ans)
{
	enum step in_doubt = ans->job->in_doubt;

	if (smartify_is_writing(in_doubt) && is_ghost(ans, ans->json)) {
		leave_ghost(ans);
	} else if (smartify_is_writing(in_doubt)) {
		found(ans, ans->job->cursor);
	} else if (in_doubt == STEP_SET_STATUS) {
		go(ans, STEP_NONE);
		if (json_int(ans->json, "status", 0) == 1000)
			found(ans, NULL);
	} else if (in_doubt == STEP_TAKE_OVER) {
		go(ans, STEP_NONE);
		ans->out->found =
		    holds(json_array(ans->json, "participants"), smartify_user(ans->via));
		ans->out->learned.taken_over = ans->out->found;
	} else {
		go(ans, STEP_NONE);
		ans->out->found = true;
		ans->out->learned.conversation = json_text(ans->json, "request_id");
		ans->out->learned.conversation_ref = json_id(ans->json, "_id");
	}
}

static void interpret_look(const struct answer *ans)
{
	bool messages = smartify_is_writing(ans->job->in_doubt) && ans->job->cursor == NULL;
	bool good = answer_is_good(ans->resp) && ans->json != NULL
	    && ans->json->type == (messages ? JSON_ARRAY : JSON_OBJECT);

	if (good && messages) {
		look_for_message(ans);
	} else if (good && json_id(ans->json, "_id") != NULL) {
		look_at_conversation(ans);
	} else if (ans->resp->status == 404 && ans->json != NULL) {
		go(ans, STEP_NONE); /* surely not there */
	} else {
		if (ans->resp->status == 401)
			forget_token(ans);
		conclude(ans, EFFECT_UNSURE,
		    ans->resp->status >= 500 ? REASON_SERVER_ERROR
					     : answer_transport_reason(ans->resp->transport));
	}
}

/* Who is no more than an agent sees only what he takes part in. */
static void judge_role(const struct answer *ans)
{
	const struct json *j = ans->json;
	const struct json *member = j != NULL && j->type == JSON_ARRAY ? j->child : j;
	const char *role = json_text(member, "role"), *why = NULL;

	if (ans->resp->status == 404 || (answer_is_good(ans->resp) && role == NULL))
		why = "the account is no member of the project: invite it as admin";
	else if (!answer_is_good(ans->resp))
		interpret_failure(ans, false);
	else if (strcmp(role, "admin") != 0 && strcmp(role, "owner") != 0)
		why = arena_printf(ans->arena,
		    "the account's role in the project is %s: history takes an admin's, another sees "
		    "only its own conversations",
		    role);
	else
		ans->out->effect = (struct effect){ .kind = EFFECT_NEXT_STEP, .wait_msecs = -1 };
	if (why == NULL)
		return;
	conclude(ans, EFFECT_REJECTED, REASON_INVALID);
	ans->out->effect.why = why;
}

/* A page that is not there is of a conversation that is not. */
static void interpret_page(const struct answer *ans)
{
	if (ans->job->step == STEP_LOOK_UP)
		judge_role(ans);
	else if (ans->resp->status == 404 && ans->json != NULL)
		conclude(ans, EFFECT_REJECTED, REASON_NOT_FOUND);
	else if (!answer_is_good(ans->resp))
		interpret_failure(ans, false);
	else if (smartify_take_page(ans->via, ans->arena, ans->job, ans->json, ans->out))
		ans->out->effect = (struct effect){ .kind = EFFECT_NEXT_STEP, .wait_msecs = -1 };
	else
		conclude(ans, EFFECT_RETRY, REASON_BAD_ANSWER);
}

/* Of a contact or a conversation: what stands there, or that it was written. */
static void interpret_facts(const struct answer *ans)
{
	if (ans->job->kind != JOB_FACTS && answer_is_good(ans->resp)) {
		conclude(ans, EFFECT_DELIVERED, REASON_NONE);
	} else if (answer_is_good(ans->resp)
	    && smartify_take_facts(ans->via, ans->arena, ans->job, ans->json, ans->out)) {
		go(ans, STEP_NONE);
	} else if (ans->job->kind == JOB_FACTS && ans->resp->status == 404 && ans->json != NULL) {
		go(ans, STEP_NONE); /* surely not there */
	} else {
		interpret_failure(ans, false);
	}
}

void smartify_interpret(const struct via *via, struct arena *a, const struct job *job,
    const struct http_resp *resp, struct outcome *out)
{
	struct json_error error;
	struct answer ans = { .via = via, .arena = a, .job = job, .resp = resp, .out = out };

	*out = (struct outcome){ 0 };
	if (job->kind == JOB_ENDPOINT) {
		smartify_errand_interpret(via, a, job, resp, out);
		return;
	}
	ans.json = json_read(a, resp->body, resp->body_len, &error);
	ans.as_person = job->step == STEP_SIGN_IN
	    || ((job->step == STEP_SEND || job->step == STEP_UPLOAD)
		&& smartify_as_person(job->message));
	if (smartify_is_of_facts(job))
		interpret_facts(&ans);
	else if (job->kind == JOB_PAGE)
		interpret_page(&ans);
	else if (job->kind == JOB_LOOK)
		interpret_look(&ans);
	else if (smartify_is_writing(job->step))
		interpret_send(&ans);
	else if (job->step == STEP_SIGN_IN)
		interpret_sign_in(&ans);
	else if (job->step == STEP_CREATE_CONVERSATION)
		interpret_create_conversation(&ans);
	else if (job->step == STEP_TAKE_OVER)
		interpret_take_over(&ans);
	else if (job->step == STEP_SET_STATUS)
		interpret_close(&ans);
	else if (job->step == STEP_UPLOAD)
		interpret_upload(&ans);
	else if (job->step == STEP_REOPEN)
		interpret_reopen(&ans);
	else
		interpret_harmless(&ans);
}
