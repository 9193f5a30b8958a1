/* A 2xx to a step of a plan: the contact, conversation or message that it names, and where to go on. */
#include "connector/chatwoot/chatwoot_answer_inside.h"

#include <string.h>

#include "base/arena.h"

enum {
	CLOCKS_APART_MSECS = 10 * 60 * 1000,
	PAGE_NEWEST = 20,
	PAGE_AFTER = 100,
};

/* --- contacts ---------------------------------------------------------------------------------- */

static void take_contact(struct chatwoot_answer *r, const char *path)
{
	const char *id = chatwoot_id_at(r->body, path);

	if (id == NULL) {
		chatwoot_bad_answer(r);
		return;
	}
	chatwoot_next_step(r);
	r->out->found = true;
	r->out->learned.contact = id;
}

static bool may_match(const struct message *m)
{
	return m != NULL && (m->match_phone || m->match_email);
}

static void take_contacts(struct chatwoot_answer *r)
{
	const struct json *list = json_array(r->body, "payload");
	const char *him;

	if (list == NULL) {
		chatwoot_bad_answer(r);
		return;
	}
	him = chatwoot_choose_contact(r->a, r->job->message, list);
	if (him != NULL) {
		chatwoot_next_step(r);
		r->out->learned.contact = him;
		r->out->go = STEP_UPDATE_CONTACT;
	} else if (!may_match(r->job->message)) {
		chatwoot_conclude(r, EFFECT_REJECTED, REASON_INVALID,
		    "identifier is taken by a contact that is not found");
	} else if (r->job->before == REASON_NOT_FOUND) { /* made without what another one has */
		chatwoot_next_step(r);
		r->out->go = STEP_CREATE_CONTACT;
	} else {
		chatwoot_conclude(r, EFFECT_RETRY, REASON_NOT_FOUND,
		    "who has that identifier, phone or e-mail is not found");
	}
}

static void take_contact_inbox(struct chatwoot_answer *r)
{
	if (json_text(r->body, "source_id") == NULL) {
		chatwoot_bad_answer(r);
		return;
	}
	chatwoot_next_step(r);
	r->out->go = STEP_FIND_CONVERSATION;
}

/* --- messages ---------------------------------------------------------------------------------- */

/* Whether m is what this delivery writes, or has been written for an earlier life whose store was lost. What bears
 * another instance's mark at the customers' side counts only where no customer has written it. */
static bool is_ours(const struct chatwoot_answer *r, const struct json *m)
{
	const char *place, *mark = chatwoot_mark(m, &place), *ours;

	if (r->job->message == NULL)
		return true; /* nothing to compare with: the answer is taken at its word */
	ours = r->job->message->mark;
	if (mark == NULL || ours == NULL || strcmp(mark, ours) == 0)
		return mark != NULL && ours != NULL;
	return (chatwoot_side(r) == SIDE_AGENTS || json_int(m, "message_type", 0) != 0)
	    && mark_is_of_same(r->via->keys, mark, ours);
}

/* One of ours that is older: one trip at a time goes to a person, so all before it was there before
 * this one left. Notes go beside the trips and tell nothing. */
static bool is_older_trip(const struct chatwoot_answer *r, const struct json *m)
{
	const char *place, *text = chatwoot_mark(m, &place);
	struct mark mark;

	return mark_read(r->via->keys, text, &mark) && mark.ours
	    && (mark.kind == 'm' || mark.kind == 'e' || mark.kind == 'h') && !is_ours(r, m);
}

/* Said before the original was, with room for clocks that differ. */
static bool is_too_old(const struct chatwoot_answer *r, const struct json *m)
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

static struct page read_page(const struct chatwoot_answer *r, const struct json *list)
{
	struct page p = { 0 };
	const struct json *m;
	const char *id;

	for (m = list->child; m != NULL; m = m->next) {
		id = chatwoot_id_at(m, "id");
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
static const char *listed_conversation(const struct chatwoot_answer *r)
{
	const char *cursor = r->job->cursor;

	if (cursor != NULL)
		return arena_strndup(r->a, cursor, strcspn(cursor, "/"));
	return r->job->known != NULL ? r->job->known->conversation : NULL;
}

static bool is_upwards(const struct chatwoot_answer *r)
{
	if (r->job->cursor != NULL)
		return strstr(r->job->cursor, "after=") != NULL;
	return r->job->step == STEP_LOOK_UP && r->job->known != NULL
	    && chatwoot_is_id(r->job->known->message);
}

/* Where to look on; NULL: all was seen. */
static const char *next_page(const struct chatwoot_answer *r, const struct page *p)
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

static void take_messages(struct chatwoot_answer *r)
{
	const struct json *list = json_array(r->body, "payload");
	struct page p;

	if (list == NULL) {
		chatwoot_conclude(r, EFFECT_RETRY, REASON_BAD_ANSWER, "no list of messages");
		return;
	}
	p = read_page(r, list);
	if (p.ours != NULL) {
		chatwoot_delivered(r, p.ours);
		r->out->learned.conversation = listed_conversation(r);
		return;
	}
	chatwoot_next_step(r);
	r->out->cursor = next_page(r, &p);
	if (r->out->cursor == NULL && r->job->kind != JOB_LOOK)
		r->out->go = STEP_SEND; /* a detour: the message is yet to be written */
}

static void take_sent(struct chatwoot_answer *r)
{
	const char *id = chatwoot_id_at(r->body, "id");

	if (id != NULL)
		chatwoot_delivered(r, id);
	else
		chatwoot_bad_answer(r);
}

static void take_status(struct chatwoot_answer *r)
{
	if (json_text(r->body, "payload.current_status") != NULL)
		chatwoot_conclude(r, EFFECT_DELIVERED, REASON_NONE, NULL);
	else
		chatwoot_bad_answer(r);
}

/* --- conversations ----------------------------------------------------------------------------- */

/* The mark on the conversation says that it was opened for this one of C. */
static bool is_our_conversation(const struct chatwoot_answer *r, const struct json *c)
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
static bool is_usable(const struct chatwoot_answer *r, const struct json *c)
{
	const char *lock = memo_get(r->via, MEMO_LOCK), *status = json_text(c, "status");

	if (r->job->kind == JOB_LOOK)
		return lock == NULL || strcmp(lock, "true") == 0;
	if (lock != NULL && strcmp(lock, "true") == 0)
		return true;
	return chatwoot_side(r) == SIDE_CUSTOMERS && status != NULL
	    && strcmp(status, state_word((int)STATE_RESOLVED)) != 0;
}

static const struct json *choose_conversation(const struct chatwoot_answer *r,
    const struct json *list)
{
	const struct json *c;

	for (c = list->child; c != NULL; c = c->next)
		if (chatwoot_id_at(c, "id") != NULL && is_our_conversation(r, c))
			return c;
	for (c = list->child; c != NULL; c = c->next) { /* newest first */
		if (chatwoot_id_at(c, "id") == NULL)
			continue;
		if (is_usable(r, c))
			return c;
		if (chatwoot_side(r) == SIDE_AGENTS)
			return NULL;
	}
	return NULL;
}

/* Whatever is found is looked into before anything is written: the create that a crash made us forget
 * has left its message there. So it is not `found` as far as the plan's own send goes. */
static void take_conversations(struct chatwoot_answer *r)
{
	const struct json *list = json_array(r->body, "data.payload"), *c;
	const char *id;

	if (list == NULL) {
		chatwoot_conclude(r, EFFECT_RETRY, REASON_BAD_ANSWER, "no list of conversations");
		return;
	}
	chatwoot_next_step(r);
	c = choose_conversation(r, list);
	if (c == NULL)
		return;
	id = chatwoot_id_at(c, "id");
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
static void take_created(struct chatwoot_answer *r)
{
	const char *id = chatwoot_id_at(r->body, "id"),
		   *message = chatwoot_id_at(r->body, "messages.0.id");

	if (id == NULL) {
		chatwoot_bad_answer(r);
		return;
	}
	if (r->job->message != NULL && chatwoot_opens_empty(r->job->message)) {
		chatwoot_next_step(r); /* it was opened empty */
		r->out->go = STEP_SEND;
	} else if (message != NULL && is_ours(r, json_at(r->body, "messages.0"))) {
		chatwoot_delivered(r, message);
	} else {
		chatwoot_next_step(r);
		r->out->go = STEP_LIST_MESSAGES;
	}
	r->out->learned.conversation = id;
}

/* --- by step ----------------------------------------------------------------------------------- */

static void take_facts(struct chatwoot_answer *r)
{
	if (r->job->kind != JOB_FACTS)
		chatwoot_conclude(r, EFFECT_DELIVERED, REASON_NONE, NULL);
	else if (chatwoot_take_facts(r->a, r->job, r->body, r->out))
		chatwoot_next_step(r);
	else
		chatwoot_bad_answer(r);
}

void chatwoot_accepted(struct chatwoot_answer *r)
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
	case STEP_DELETE: chatwoot_conclude(r, EFFECT_DELIVERED, REASON_NONE, NULL); break;
	case STEP_SEND:
	case STEP_NOTE:
	case STEP_REPORT: take_sent(r); break;
	default: take_messages(r);
	}
}
