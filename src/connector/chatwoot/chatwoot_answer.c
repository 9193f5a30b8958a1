/* What an answer means.
 *
 * A create that got no clear answer may have happened: a proxy's 502, a time-out, a cut connection, a
 * 500, a 200 that cannot be read. All of these are UNSURE, and the plan says how to look. A request
 * that may be repeated (chatwoot_is_repeatable) is simply tried again.
 *
 * The server says 401 where others say 403, so only the words tell whether the token itself is
 * refused; 422 where something inside a create failed, so only known words are taken for a refusal;
 * 429 without Retry-After, over windows that begin with the minute. */
#include "connector/chatwoot/chatwoot.h"

#include <inttypes.h>
#include <string.h>

#include "base/arena.h"
#include "core/text.h"

enum {
	WHY_POINTS = 200,
	WINDOW_MSECS = 60 * 1000, /* of every throttle */
	CREATE_500_MSECS = 2000,  /* a create that failed at once leaves nothing that comes late */
	GONE_AGAIN_MSECS = 5000,
	ASK_AGAIN_MSECS = 5 * 60 * 1000,
	CLOCKS_APART_MSECS = 10 * 60 * 1000,
	DOUBTS_MAX = 3,
	PAGE_NEWEST = 20,
	PAGE_AFTER = 100,
};

/* One answer being read. */
struct reading {
	const struct via *via;
	struct arena *a;
	const struct job *job;
	const struct http_resp *resp;
	const struct json *body; /* NULL: it is not JSON */
	struct outcome *out;
};

static void conclude(struct reading *r, enum effect_kind kind, enum reason reason, const char *why)
{
	r->out->effect = (struct effect){
		.kind = kind,
		.reason = reason,
		.wait_msecs = -1,
		.why = why != NULL ? text_excerpt(r->a, why, WHY_POINTS) : NULL,
	};
}

static void next_step(struct reading *r)
{
	conclude(r, EFFECT_NEXT_STEP, REASON_NONE, NULL);
}

/* It may have happened, unless the request is one that may be repeated. */
static void doubt(struct reading *r, enum reason reason, const char *why)
{
	conclude(r, chatwoot_is_repeatable(r->job) ? EFFECT_RETRY : EFFECT_UNSURE, reason, why);
}

static void delivered(struct reading *r, const char *id)
{
	conclude(r, EFFECT_DELIVERED, REASON_NONE, NULL);
	r->out->effect.remote_id = id;
	r->out->learned.message = id;
	r->out->found = r->job->kind == JOB_LOOK;
}

static const char *id_at(const struct json *j, const char *path)
{
	const char *id = json_id(j, path);

	return chatwoot_is_id(id) ? id : NULL;
}

/* The far side's words: `error`, the first of `errors`, or `message`. NULL: none. */
static const char *words(const struct reading *r)
{
	const char *text = json_text(r->body, "error");

	if (text == NULL)
		text = json_text(r->body, "errors.0");
	return text != NULL ? text : json_text(r->body, "message");
}

static bool says(const struct reading *r, const char *part)
{
	const char *text = words(r);

	return text != NULL && strstr(text, part) != NULL;
}

static enum side side(const struct reading *r)
{
	return r->job->message != NULL ? r->job->message->to : SIDE_AGENTS;
}

/* --- refusals ---------------------------------------------------------------------------------- */

static bool is_about_token(const struct reading *r)
{
	return says(r, "Invalid Access Token") || says(r, "not authorized to access this account")
	    || says(r, "Account is suspended") || says(r, "sign in");
}

static void unauthorized(struct reading *r)
{
	if (is_about_token(r))
		conclude(r, EFFECT_PAUSE, REASON_CREDENTIALS, words(r));
	else if (words(r) != NULL)
		conclude(r, EFFECT_REJECTED, REASON_INVALID, words(r));
	else /* a proxy asks for something of its own */
		conclude(r, EFFECT_RETRY, REASON_BAD_ANSWER, "401 without a reason");
}

static bool is_blank(const char *text)
{
	return text[strspn(text, " \t\r\n")] == '\0';
}

/* An absent conversation is believed when it is absent twice. */
static void conversation_not_found(struct reading *r)
{
	bool again = r->job->before == REASON_NOT_FOUND;

	conclude(r, again ? EFFECT_REJECTED : EFFECT_RETRY, REASON_NOT_FOUND, words(r));
	r->out->gone = again;
	if (!again)
		r->out->effect.wait_msecs = GONE_AGAIN_MSECS;
}

/* Where there is no conversation, what is looked for is not in it; writing there tells the rest. */
static void go_and_see(struct reading *r)
{
	next_step(r);
	if (r->job->kind != JOB_LOOK)
		r->out->go = STEP_SEND;
}

static void contact_not_found(struct reading *r)
{
	next_step(r);
	if (side(r) == SIDE_CUSTOMERS)
		conclude(r, EFFECT_REJECTED, REASON_UNREACHABLE,
		    "the contact is not there any more");
}

/* It was there a moment ago: agents have merged it into another one, whom the address finds. */
static void contact_is_gone(struct reading *r)
{
	next_step(r);
	r->out->go = STEP_FIND_CONTACT;
	r->out->effect.reason = REASON_NOT_FOUND;
	r->out->effect.why = words(r);
}

static void not_found(struct reading *r)
{
	enum step step = r->job->step;

	if (step == STEP_FIND_CONTACT && is_blank(r->resp->body))
		contact_not_found(r);
	else if (words(r) == NULL) /* not the server's own */
		conclude(r, EFFECT_RETRY, REASON_BAD_ANSWER, "404 without a reason");
	else if (r->job->kind == JOB_ENDPOINT || r->job->kind == JOB_PAGE)
		conclude(r, EFFECT_REJECTED, REASON_NOT_FOUND, words(r));
	else if (step == STEP_CREATE_CONVERSATION && r->job->kind == JOB_DELIVER)
		contact_is_gone(r);
	else if (step == STEP_DELETE) /* it is not there any more */
		conclude(r, EFFECT_DELIVERED, REASON_NONE, NULL);
	else if (step == STEP_SEND || step == STEP_SET_STATUS)
		conversation_not_found(r);
	else if (r->job->kind == JOB_LOOK || step == STEP_LIST_MESSAGES)
		go_and_see(r);
	else
		conclude(r, EFFECT_REJECTED, REASON_NOT_FOUND, words(r));
}

/* --- 422 --------------------------------------------------------------------------------------- */

static bool names(const struct reading *r, const char *attribute)
{
	const struct json *list = json_array(r->body, "attributes"), *item;

	for (item = list != NULL ? list->child : NULL; item != NULL; item = item->next)
		if (item->type == JSON_STRING && strcmp(item->text, attribute) == 0)
			return true;
	return false;
}

/* A new contact is refused for fields that another one has, or that are no such thing. The identifier
 * is the person: whoever has it is him. The others are left out, one try after the other. */
/* Another contact has it, and may be taken for him. One that was not found then is left alone. */
static bool may_be_another(const struct reading *r)
{
	const struct message *m = r->job->message;

	if (m == NULL || r->job->before == REASON_NOT_FOUND || !says(r, "already been taken"))
		return false;
	return (m->match_phone && names(r, "phone_number"))
	    || (m->match_email && names(r, "email"));
}

static void contact_refused(struct reading *r)
{
	static const char *const optional[] = { "phone_number", "email" };
	const char *left_out = r->job->cursor != NULL ? r->job->cursor : "";
	size_t i;

	next_step(r);
	if (names(r, "identifier") && r->job->before == REASON_NOT_FOUND) {
		conclude(r, EFFECT_REJECTED, REASON_INVALID, words(r));
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
		conclude(r, EFFECT_REJECTED, REASON_INVALID, words(r));
}

static bool is_plain_refusal(const struct reading *r)
{
	return json_array(r->body, "attributes") != NULL || says(r, "only allowed in Api inboxes")
	    || says(r, "source_id should be unique") || says(r, "param is missing");
}

static void unprocessable(struct reading *r)
{
	if (says(r, "Too many messages")) {
		conclude(r, EFFECT_RETRY, REASON_BUSY, words(r));
		r->out->effect.wait_msecs = WINDOW_MSECS;
	} else if (says(r, "Content is too long")) {
		conclude(r, EFFECT_REJECTED, REASON_TOO_LARGE, words(r));
	} else if (r->job->step == STEP_CREATE_CONTACT
	    && json_array(r->body, "attributes") != NULL) {
		contact_refused(r);
	} else if (is_plain_refusal(r)
	    || (chatwoot_is_repeatable(r->job) && r->job->attempt >= DOUBTS_MAX)) {
		conclude(r, EFFECT_REJECTED, REASON_INVALID, words(r));
	} else { /* any fault inside a create says 422 too */
		doubt(r, REASON_SERVER_ERROR, words(r));
		r->out->doubts_max = DOUBTS_MAX;
		r->out->give_up = REASON_INVALID;
	}
}

/* --- other statuses ---------------------------------------------------------------------------- */

static void busy(struct reading *r)
{
	conclude(r, EFFECT_RETRY, REASON_BUSY, "429");
	r->out->effect.wait_msecs = r->resp->retry_after_msecs > 0
	    ? r->resp->retry_after_msecs
	    : WINDOW_MSECS - r->via->now_ms % WINDOW_MSECS;
}

static void server_error(struct reading *r)
{
	doubt(r, REASON_SERVER_ERROR,
	    words(r) != NULL ? words(r) : arena_printf(r->a, "%d", r->resp->status));
	if (r->job->step == STEP_CREATE_CONTACT && r->resp->status == 500)
		r->out->effect.wait_msecs = CREATE_500_MSECS;
}

/* With files it is the proxy that refuses: once more, with their addresses in their place. */
static void too_large(struct reading *r, const char *why)
{
	const struct message *m = r->job->message;

	conclude(r, EFFECT_REJECTED, REASON_TOO_LARGE, why);
	if (r->job->step != STEP_SEND || r->job->kind != JOB_DELIVER || r->job->cursor != NULL
	    || m == NULL || m->span.count == 0)
		return;
	next_step(r);
	r->out->cursor = "addresses";
	r->out->serves = true;
}

static void refused(struct reading *r)
{
	int status = r->resp->status;
	const char *why = words(r) != NULL ? words(r) : arena_printf(r->a, "%d", status);

	if (status == 401)
		unauthorized(r);
	else if (status == 402)
		conclude(r, EFFECT_REJECTED, REASON_QUOTA, why);
	else if (status == 404)
		not_found(r);
	else if (status == 408)
		doubt(r, REASON_TIMEOUT, why);
	else if (status == 413)
		too_large(r, why);
	else if (status == 422)
		unprocessable(r);
	else if (status == 429)
		busy(r);
	else if (status >= 500)
		server_error(r);
	else if (status >= 400)
		conclude(r, EFFECT_REJECTED, REASON_INVALID, why);
	else
		conclude(r, EFFECT_RETRY, REASON_BAD_ANSWER,
		    arena_printf(r->a, "%d, is base_url the final address?", status));
}

/* No whole answer: what counts is whether anything of the request may have arrived. */
static void unanswered(struct reading *r)
{
	static const enum reason reasons[] = {
		[TRANSPORT_OK] = REASON_CUT,
		[TRANSPORT_CONNECT] = REASON_CONNECT,
		[TRANSPORT_TLS] = REASON_TLS,
		[TRANSPORT_TIMEOUT] = REASON_TIMEOUT,
		[TRANSPORT_CUT] = REASON_CUT,
		[TRANSPORT_TOO_LARGE] = REASON_BAD_ANSWER,
	};

	if (r->resp->sent)
		doubt(r, reasons[r->resp->transport], r->resp->detail);
	else
		conclude(r, EFFECT_RETRY, reasons[r->resp->transport], r->resp->detail);
}

/* --- contacts ---------------------------------------------------------------------------------- */

static void bad_answer(struct reading *r)
{
	doubt(r, REASON_BAD_ANSWER, "no id in the answer");
}

static void take_contact(struct reading *r, const char *path)
{
	const char *id = id_at(r->body, path);

	if (id == NULL) {
		bad_answer(r);
		return;
	}
	next_step(r);
	r->out->found = true;
	r->out->learned.contact = id;
}

static bool may_match(const struct message *m)
{
	return m != NULL && (m->match_phone || m->match_email);
}

static void take_contacts(struct reading *r)
{
	const struct json *list = json_array(r->body, "payload");
	const char *him;

	if (list == NULL) {
		bad_answer(r);
		return;
	}
	him = chatwoot_choose_contact(r->a, r->job->message, list);
	if (him != NULL) {
		next_step(r);
		r->out->learned.contact = him;
		r->out->go = STEP_UPDATE_CONTACT;
	} else if (!may_match(r->job->message)) {
		conclude(r, EFFECT_REJECTED, REASON_INVALID,
		    "identifier is taken by a contact that is not found");
	} else if (r->job->before == REASON_NOT_FOUND) { /* made without what another one has */
		next_step(r);
		r->out->go = STEP_CREATE_CONTACT;
	} else {
		conclude(r, EFFECT_RETRY, REASON_NOT_FOUND,
		    "who has that identifier, phone or e-mail is not found");
	}
}

static void take_contact_inbox(struct reading *r)
{
	if (json_text(r->body, "source_id") == NULL) {
		bad_answer(r);
		return;
	}
	next_step(r);
	r->out->go = STEP_FIND_CONVERSATION;
}

/* --- messages ---------------------------------------------------------------------------------- */

/* Whether m is what this delivery writes. */
static bool is_ours(const struct reading *r, const struct json *m)
{
	const char *place, *mark = chatwoot_mark(m, &place);

	if (r->job->message == NULL)
		return true; /* nothing to compare with: the answer is taken at its word */
	return mark != NULL && r->job->message->mark != NULL
	    && strcmp(mark, r->job->message->mark) == 0;
}

/* One of ours that is older: one trip at a time goes to a person, so all before it was there before
 * this one left. Notes go beside the trips and tell nothing. */
static bool is_older_trip(const struct reading *r, const struct json *m)
{
	const char *place, *text = chatwoot_mark(m, &place);
	struct mark mark;

	return mark_read(r->via->keys, text, &mark) && mark.ours
	    && (mark.kind == 'm' || mark.kind == 'e' || mark.kind == 'h') && !is_ours(r, m);
}

/* Said before the original was, with room for clocks that differ. */
static bool is_too_old(const struct reading *r, const struct json *m)
{
	int64_t seconds = json_int(m, "created_at", 0), at_ms;

	at_ms = r->job->message != NULL ? r->job->message->at_ms : 0;
	return at_ms != 0 && seconds > 0 && seconds < INT64_MAX / 1000
	    && seconds * 1000 < at_ms - CLOCKS_APART_MSECS;
}

/* What one page says. */
struct page {
	const char *ours;         /* id of our message; NULL: not on it */
	const char *first, *last; /* ids at its ends; it is sorted upwards */
	bool is_end;              /* nothing of interest is older than it */
	size_t count;
};

static struct page read_page(const struct reading *r, const struct json *list)
{
	struct page p = { 0 };
	const struct json *m;
	const char *id;

	for (m = list->child; m != NULL; m = m->next) {
		id = id_at(m, "id");
		if (id == NULL)
			continue;
		p.count++;
		p.last = id;
		if (p.first == NULL)
			p.first = id;
		if (is_ours(r, m) && r->job->message != NULL)
			p.ours = id;
		p.is_end |= (!r->job->is_late && is_older_trip(r, m)) || is_too_old(r, m);
	}
	return p;
}

/* Of the conversation whose messages are being listed. */
static const char *listed_conversation(const struct reading *r)
{
	const char *cursor = r->job->cursor;

	if (cursor != NULL)
		return arena_strndup(r->a, cursor, strcspn(cursor, "/"));
	return r->job->known != NULL ? r->job->known->conversation : NULL;
}

static bool is_upwards(const struct reading *r)
{
	if (r->job->cursor != NULL)
		return strstr(r->job->cursor, "after=") != NULL;
	return r->job->step == STEP_LOOK_UP && r->job->known != NULL
	    && chatwoot_is_id(r->job->known->message);
}

/* Where to look on; NULL: all was seen. */
static const char *next_page(const struct reading *r, const struct page *p)
{
	const char *conversation = listed_conversation(r);

	if (conversation == NULL)
		return NULL;
	if (is_upwards(r))
		return p->count < PAGE_AFTER
		    ? NULL
		    : arena_printf(r->a, "%s/messages?after=%s", conversation, p->last);
	return p->count < PAGE_NEWEST || p->is_end
	    ? NULL
	    : arena_printf(r->a, "%s/messages?before=%s", conversation, p->first);
}

static void take_messages(struct reading *r)
{
	const struct json *list = json_array(r->body, "payload");
	struct page p;

	if (list == NULL) {
		conclude(r, EFFECT_RETRY, REASON_BAD_ANSWER, "no list of messages");
		return;
	}
	p = read_page(r, list);
	if (p.ours != NULL) {
		delivered(r, p.ours);
		r->out->learned.conversation = listed_conversation(r);
		return;
	}
	next_step(r);
	r->out->cursor = next_page(r, &p);
	if (r->out->cursor == NULL && r->job->kind != JOB_LOOK)
		r->out->go = STEP_SEND; /* a detour: the message is yet to be written */
}

static void take_sent(struct reading *r)
{
	const char *id = id_at(r->body, "id");

	if (id != NULL)
		delivered(r, id);
	else
		bad_answer(r);
}

static void take_status(struct reading *r)
{
	if (json_text(r->body, "payload.current_status") != NULL)
		conclude(r, EFFECT_DELIVERED, REASON_NONE, NULL);
	else
		bad_answer(r);
}

/* --- conversations ----------------------------------------------------------------------------- */

/* The mark on the conversation says that it was opened for this one of C. */
static bool is_our_conversation(const struct reading *r, const struct json *c)
{
	struct mark theirs, wanted;

	if (r->job->message == NULL
	    || !mark_read(r->via->keys, json_text(c, "additional_attributes.tieline"), &theirs)
	    || !mark_read(r->via->keys, r->job->message->conversation_mark, &wanted))
		return false;
	return theirs.ours && theirs.kind == 'c' && theirs.part == wanted.part
	    && strcmp(theirs.bridge, wanted.bridge) == 0 && root_equal(&theirs.root, &wanted.root);
}

/* Would a message go there though it does not bear our mark? With the inbox's lock on, the server
 * itself puts all into the newest; an agent's first message goes to what is open at C. In doubt
 * whether there is a lock, it is only looked into. */
static bool is_usable(const struct reading *r, const struct json *c)
{
	const char *lock = memo_get(r->via, MEMO_LOCK), *status = json_text(c, "status");

	if (r->job->kind == JOB_LOOK)
		return lock == NULL || strcmp(lock, "true") == 0;
	if (lock != NULL && strcmp(lock, "true") == 0)
		return true;
	return side(r) == SIDE_CUSTOMERS && status != NULL
	    && strcmp(status, state_word((int)STATE_RESOLVED)) != 0;
}

static const struct json *choose_conversation(const struct reading *r, const struct json *list)
{
	const struct json *c;

	for (c = list->child; c != NULL; c = c->next)
		if (id_at(c, "id") != NULL && is_our_conversation(r, c))
			return c;
	for (c = list->child; c != NULL; c = c->next) { /* newest first */
		if (id_at(c, "id") == NULL)
			continue;
		if (is_usable(r, c))
			return c;
		if (side(r) == SIDE_AGENTS)
			return NULL;
	}
	return NULL;
}

/* Whatever is found is looked into before anything is written: the create that a crash made us forget
 * has left its message there. So it is not `found` as far as the plan's own send goes. */
static void take_conversations(struct reading *r)
{
	const struct json *list = json_array(r->body, "data.payload"), *c;
	const char *id;

	if (list == NULL) {
		conclude(r, EFFECT_RETRY, REASON_BAD_ANSWER, "no list of conversations");
		return;
	}
	next_step(r);
	c = choose_conversation(r, list);
	if (c == NULL)
		return;
	id = id_at(c, "id");
	/* What is opened empty is found as that: its message may well not have left. */
	if (r->job->kind == JOB_LOOK
	    && !(is_our_conversation(r, c) && chatwoot_opens_empty(r->job->message))) {
		r->out->cursor = arena_printf(r->a, "%s/messages", id);
		return;
	}
	r->out->found = r->job->kind == JOB_LOOK;
	r->out->learned.conversation = id;
	r->out->go = STEP_LIST_MESSAGES;
}

/* The message went with it, in one transaction. What stands last in it need not be ours: a greeting
 * may have come behind. */
static void take_created(struct reading *r)
{
	const char *id = id_at(r->body, "id"), *message = id_at(r->body, "messages.0.id");

	if (id == NULL) {
		bad_answer(r);
		return;
	}
	if (r->job->message != NULL && chatwoot_opens_empty(r->job->message)) {
		next_step(r); /* it was opened empty */
		r->out->go = STEP_SEND;
	} else if (message != NULL && is_ours(r, json_at(r->body, "messages.0"))) {
		delivered(r, message);
	} else {
		next_step(r);
		r->out->go = STEP_LIST_MESSAGES;
	}
	r->out->learned.conversation = id;
}

/* --- the endpoint's own ------------------------------------------------------------------------ */

static void learn(struct reading *r, const char *key, const char *value)
{
	if (value != NULL)
		r->out->memo[r->out->nmemo++] = (struct memo){ key, value, .lasting = true };
}

static void misconfigured(struct reading *r, const char *why)
{
	r->out->nmemo = 0;
	conclude(r, EFFECT_REJECTED, REASON_NOT_FOUND, why);
}

static void take_profile(struct reading *r)
{
	const struct json *accounts = json_array(r->body, "accounts"), *j;
	const char *ours = chatwoot_account(r->via), *id;
	bool is_member = false;

	if (id_at(r->body, "id") == NULL || accounts == NULL) {
		bad_answer(r);
		return;
	}
	next_step(r);
	learn(r, MEMO_USER, id_at(r->body, "id"));
	if (ours == NULL && accounts->count == 1 && id_at(accounts->child, "id") != NULL) {
		learn(r, MEMO_TENANT, id_at(accounts->child, "id"));
		return;
	}
	for (j = accounts->child; j != NULL && ours != NULL; j = j->next) {
		id = id_at(j, "id");
		is_member |= id != NULL && strcmp(id, ours) == 0;
	}
	if (ours == NULL)
		misconfigured(r,
		    arena_printf(r->a, "the token opens %u accounts: say account_id which",
			accounts->count));
	else if (!is_member)
		misconfigured(r, arena_printf(r->a, "the token does not open account %s", ours));
}

static void learn_inbox(struct reading *r, const struct json *inbox)
{
	next_step(r);
	learn(r, MEMO_INBOX, id_at(inbox, "id"));
	learn(r, MEMO_TITLE, json_text(inbox, "name") != NULL ? json_text(inbox, "name") : "");
	learn(r, MEMO_IDENTIFIER,
	    json_text(inbox, "inbox_identifier") != NULL ? json_text(inbox, "inbox_identifier")
							 : "");
	learn(r, MEMO_LOCK, json_true(inbox, "lock_to_single_conversation") ? "true" : "false");
}

static void take_inboxes(struct reading *r)
{
	const struct json *list = json_array(r->body, "payload"), *j, *only = NULL;
	const char *type;
	unsigned count = 0;

	for (j = list != NULL ? list->child : NULL; j != NULL; j = j->next) {
		type = json_text(j, "channel_type");
		if (type == NULL || strcmp(type, "Channel::Api") != 0 || id_at(j, "id") == NULL)
			continue;
		only = j;
		count++;
	}
	if (list == NULL)
		bad_answer(r);
	else if (count == 1)
		learn_inbox(r, only);
	else
		misconfigured(r,
		    arena_printf(r->a, "the account has %u API inboxes: say inbox_id which",
			count));
}

static void take_errand(struct reading *r)
{
	if (r->job->cursor != NULL)
		chatwoot_take_list(r->via, r->a, r->job, r->body, r->out);
	else if (r->job->step == STEP_SIGN_IN)
		take_profile(r);
	else if (chatwoot_inbox(r->via) == NULL)
		take_inboxes(r);
	else if (id_at(r->body, "id") != NULL)
		learn_inbox(r, r->body);
	else
		bad_answer(r);
}

/* What the configuration says is enough to work with: an errand that fails for now is made later, and
 * nothing waits for it. */
static void put_off(struct reading *r)
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
static void judge_inbox(struct reading *r)
{
	static const struct {
		const char *key, *words;
	} stirs[] = { { "greeting_enabled", "its greeting" },
		{ "csat_survey_enabled", "its survey" },
		{ "enable_auto_assignment", "automatic assignment" } };
	const char *type = json_text(r->body, "channel_type"), *what = NULL;
	size_t i;

	if (type == NULL) {
		bad_answer(r);
		return;
	}
	next_step(r);
	for (i = 0; i < sizeof(stirs) / sizeof(stirs[0]); i++)
		if (json_true(r->body, stirs[i].key))
			what = what == NULL ? stirs[i].words
					    : arena_printf(r->a, "%s, %s", what, stirs[i].words);
	if (strcmp(type, "Channel::Api") != 0)
		conclude(r, EFFECT_REJECTED, REASON_INVALID,
		    arena_printf(r->a,
			"inbox %s is a %s: history is written into API inboxes only, elsewhere it "
			"would reach people",
			chatwoot_inbox(r->via), type));
	else if (what != NULL)
		r->out->effect.why =
		    arena_printf(r->a, "inbox %s has on: %s", chatwoot_inbox(r->via), what);
}

static void take_page(struct reading *r)
{
	if (r->job->step == STEP_LOOK_UP) {
		judge_inbox(r);
		return;
	}
	if (chatwoot_take_page(r->via, r->a, r->job, r->body, r->out))
		next_step(r);
	else
		conclude(r, EFFECT_RETRY, REASON_BAD_ANSWER, "no list");
}

static void take_facts(struct reading *r)
{
	if (r->job->kind != JOB_FACTS)
		conclude(r, EFFECT_DELIVERED, REASON_NONE, NULL);
	else if (chatwoot_take_facts(r->a, r->job, r->body, r->out))
		next_step(r);
	else
		bad_answer(r);
}

/* Of what is written of a contact or a conversation. A contact that is not there was merged since it was looked
 * up: who it is now, the next try finds. */
static bool facts_refused(struct reading *r)
{
	const char *without = NULL;

	if (r->job->message == NULL || r->job->message->facts == NULL)
		return false;
	if (r->resp->status == 422 && r->job->step == STEP_UPDATE_CONTACT)
		without = chatwoot_without_refused(r->a, r->job, r->body);
	if (without != NULL) {
		next_step(r);
		r->out->cursor = without;
		return true;
	}
	if (r->resp->status != 404 || words(r) == NULL || r->job->attempt >= DOUBTS_MAX)
		return false;
	conclude(r, EFFECT_RETRY, REASON_NOT_FOUND, words(r));
	return true;
}

static void accepted(struct reading *r)
{
	if (r->job->kind == JOB_FACTS || chatwoot_is_of_facts(r->job)) {
		take_facts(r);
		return;
	}
	switch (r->job->step) {
	case STEP_FIND_CONTACT: take_contact(r, "id"); break;
	case STEP_CREATE_CONTACT: take_contact(r, "payload.contact.id"); break;
	case STEP_LIST_CONTACTS: take_contacts(r); break;
	case STEP_UPDATE_CONTACT: take_contact_inbox(r); break;
	case STEP_FIND_CONVERSATION:
		if (r->job->cursor != NULL)
			take_messages(r);
		else
			take_conversations(r);
		break;
	case STEP_CREATE_CONVERSATION: take_created(r); break;
	case STEP_SET_STATUS: take_status(r); break;
	case STEP_TYPING:
	case STEP_DELETE: conclude(r, EFFECT_DELIVERED, REASON_NONE, NULL); break;
	case STEP_SEND:
	case STEP_NOTE:
	case STEP_REPORT: take_sent(r); break;
	default: take_messages(r);
	}
}

void chatwoot_interpret(const struct via *via, struct arena *a, const struct job *job,
    const struct http_resp *resp, struct outcome *out)
{
	struct reading r = { via, a, job, resp, NULL, out };
	struct json_error error;

	*out = (struct outcome){ .effect = { .wait_msecs = -1 } };
	if (resp->body_len > 0)
		r.body = json_read(a, resp->body, resp->body_len, &error);
	if (resp->status == 0 || resp->transport != TRANSPORT_OK)
		unanswered(&r);
	else if (job->kind == JOB_ENDPOINT && job->cursor != NULL && resp->status != 401
	    && resp->status != 429)
		take_errand(&r);
	else if ((resp->status < 200 || resp->status > 299) && facts_refused(&r))
		; /* said what */
	else if (resp->status < 200 || resp->status > 299)
		refused(&r);
	else if (job->kind == JOB_ENDPOINT)
		take_errand(&r);
	else if (job->kind == JOB_PAGE)
		take_page(&r);
	else
		accepted(&r);
	put_off(&r);
}
