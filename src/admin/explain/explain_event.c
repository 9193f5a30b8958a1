/* See explain.h: an event and what becomes of it. One event line names the bridges that take it, one
 * drop line each bridge that does not; where all refuse it for what the event is, one line without a
 * bridge says so. */
#include <string.h>

#include "admin/explain/explain.h"
#include "admin/json_time.h"
#include "flow/plan.h"

/* Rows that a store would have. */
enum { THIS_THREAD = 1, OTHER_THREAD = 2, THE_PERSON = 1, FIRST_LINK = 1 };

/* ---- members that several lines have ---- */

static bool is_message(const struct event *e)
{
	return e->kind == EVENT_MESSAGE || e->kind == EVENT_UPDATE;
}

/* Of what nothing is read, the platform's name says more than a kind of ours; unless it is about a
 * conversation. */
static bool has_kind(const struct event *e)
{
	if (e->drop == DROP_UNKNOWN)
		return false;
	if (e->drop == DROP_UNSUPPORTED || e->kind == EVENT_CONVERSATION)
		return e->conversation != NULL;
	return true;
}

static bool has_author(const struct event *e)
{
	return has_kind(e) && (is_message(e) || e->kind == EVENT_TYPING);
}

static void put_author(struct json_out *o, const struct author *author)
{
	json_key(o, "author");
	json_begin_object(o);
	json_member_text(o, "role", role_word((int)author->role));
	json_member_text_or_null(o, "id", author->id);
	json_member_text_or_null(o, "name", author->name);
	json_end_object(o);
}

static void put_person(struct json_out *o, const struct person *p)
{
	json_key(o, "person");
	if (p->id == NULL && p->address == NULL && p->name == NULL && p->email == NULL
	    && p->phone == NULL) {
		json_put_null(o);
		return;
	}
	json_begin_object(o);
	json_member_text_or_null(o, "id", p->id);
	json_member_text_or_null(o, "address", p->address);
	json_member_text_or_null(o, "name", p->name);
	json_member_text_or_null(o, "email", p->email);
	json_member_text_or_null(o, "phone", p->phone);
	json_end_object(o);
}

/* ---- files ---- */

/* Digits as the platform wrote them, where they are a number. */
static void put_degrees(struct json_out *o, const char *key, const char *digits)
{
	size_t len = digits != NULL ? strlen(digits) : 0, sign = len > 0 && *digits == '-';

	json_key(o, key);
	if (len > sign && strspn(digits + sign, "0123456789") > 0
	    && strspn(digits + sign, "0123456789.") == len - sign && digits[len - 1] != '.'
	    && strchr(digits, '.') == strrchr(digits, '.'))
		json_put_number(o, digits);
	else
		json_put_text(o, digits);
}

static void put_attachment(struct json_out *o, const struct attachment *f)
{
	bool is_card = f->kind == ATTACHMENT_CONTACT;

	json_begin_object(o);
	json_member_text(o, "kind", attachment_kind_word((int)f->kind));
	json_member_text_or_null(o, "url", f->url);
	json_member_text_or_null(o, "type", f->type);
	json_member_text_or_null(o, "name", is_card ? f->contact_name : f->name);
	json_key(o, "size");
	if (f->size >= 0)
		json_put_int(o, f->size);
	else
		json_put_null(o);
	if (f->kind == ATTACHMENT_LOCATION) {
		put_degrees(o, "latitude", f->latitude);
		put_degrees(o, "longitude", f->longitude);
		json_member_text_or_null(o, "title", f->title);
	}
	if (is_card)
		json_member_text_or_null(o, "phone", f->phone);
	json_end_object(o);
}

static void put_attachments(struct json_out *o, const struct event *e)
{
	size_t i;

	json_key(o, "attachments");
	json_begin_array(o);
	for (i = 0; i < e->nattachments; i++)
		put_attachment(o, &e->attachments[i]);
	json_end_array(o);
}

/* ---- lines ---- */

static void put_message(struct json_out *o, const struct event *e)
{
	json_member_text_or_null(o, "text", e->text);
	json_member_text(o, "format", format_word((int)e->format));
	put_attachments(o, e);
	json_member_text_or_null(o, "reply_to", e->reply_to);
	json_member_text(o, "choice", e->choice);
}

static void put_state(struct json_out *o, const struct event *e)
{
	if (e->kind != EVENT_CONTACT)
		json_member_text_or_null(o, "state",
		    e->state != STATE_NONE ? state_word((int)e->state) : NULL);
	if (e->changes != NULL) {
		json_key(o, "changes");
		json_put_raw(o, e->changes, strlen(e->changes));
	}
}

static void write_event(struct explain *x, const char *auth, const struct event *e,
    const struct route *routes)
{
	struct json_out *o = explain_line(x, "event");
	size_t i;

	x->count.events++;
	json_member_text(o, "auth", auth);
	json_member_text(o, "kind", event_kind_word((int)e->kind));
	json_member_text(o, "id", e->remote);
	json_member_text(o, "key", e->key);
	json_member_text(o, "conversation", e->conversation);
	put_person(o, &e->person);
	if (has_author(e))
		put_author(o, &e->author);
	if (is_message(e))
		json_member_bool(o, "private", e->is_private);
	json_member_time_or_null(o, "at", e->at_ms);
	if (is_message(e))
		put_message(o, e);
	else
		put_state(o, e);
	json_key(o, "bridges");
	json_begin_array(o);
	for (i = 0; i < x->nbridges; i++)
		if (routes[i].drop == DROP_NONE)
			json_put_text(o, x->bridges[i]->name);
	json_end_array(o);
	explain_line_end(o);
}

/* Words for the person who reads it. */
static const char *detail_of(struct explain *x, const struct event *e, const struct route *r)
{
	if (r->drop == DROP_ECHO && e->mark_place != NULL)
		return arena_printf(x->a, "%s %s", e->mark_place, e->mark);
	if (r->park != REASON_NONE)
		return arena_printf(x->a, "%s is not linked; parked: %s", e->conversation,
		    reason_word((int)r->park));
	return r->detail;
}

/* bridge NULL: it is dropped for all of them. */
static void write_drop(struct explain *x, const char *auth, const struct event *e,
    const struct route *r, const struct bridge_conf *bridge)
{
	struct json_out *o = explain_line(x, "drop");

	x->count.drops++;
	json_member_text(o, "auth", auth);
	json_member_text(o, "reason", drop_word((int)r->drop));
	if (has_kind(e))
		json_member_text(o, "kind", event_kind_word((int)e->kind));
	json_member_text(o, "id", e->remote);
	json_member_text(o, "conversation", e->conversation);
	if (has_author(e))
		put_author(o, &e->author);
	if (bridge != NULL)
		json_member_text(o, "bridge", bridge->name);
	json_member_text_or_null(o, "detail", detail_of(x, e, r));
	explain_line_end(o);
}

/* ---- deciding ---- */

static const struct explain_link *find_link(const struct explain *x, size_t bridge,
    const char *conversation)
{
	size_t i;

	for (i = 0; conversation != NULL && i < x->nlinks; i++)
		if (x->links[i].bridge == x->bridges[bridge]
		    && strcmp(x->links[i].ours, conversation) == 0)
			return &x->links[i];
	return NULL;
}

/* The row that a store would have for the link. */
static struct row_link row_of(const struct explain *x, size_t bridge,
    const struct explain_link *link)
{
	struct row_link row = { .id = FIRST_LINK + (int64_t)bridge,
		.bridge = x->bridges[bridge]->id,
		.person = THE_PERSON,
		.generation = 1 };

	if (x->sides[bridge] == SIDE_CUSTOMERS) {
		row.customers = THIS_THREAD;
		row.customers_remote = link->ours;
		row.agents = OTHER_THREAD;
		row.agents_remote = link->theirs;
	} else {
		row.agents = THIS_THREAD;
		row.agents_remote = link->ours;
		row.customers = OTHER_THREAD;
		row.customers_remote = link->theirs;
	}
	return row;
}

static void look(const struct explain *x, const struct event *e, struct view *view)
{
	const struct explain_link some = { .ours = e->conversation, .theirs = "{conversation}" };
	const struct explain_link *link;
	size_t i;

	*view = (struct view){ .thread = THIS_THREAD, .person = THE_PERSON };
	for (i = 0; i < x->nbridges; i++) {
		link = find_link(x, i, e->conversation);
		if (link == NULL && !is_message(e))
			link = &some; /* of others the relay says nothing */
		if (link != NULL)
			view->bridges[i].link = row_of(x, i, link);
	}
}

static bool is_known(const struct explain *x, const struct event *e)
{
	return explain_texts_have(&x->seen, e->key)
	    || (is_message(e) && explain_texts_have(&x->known, e->remote));
}

static void decide(const struct explain *x, const struct event *e, const struct view *view,
    struct route *routes)
{
	struct offer offer = {
		.keys = &x->keys,
		.event = e,
		.view = view,
		.now_ms = x->now_ms,
		.hops = (int)x->config->limits.hops,
		.is_known = is_known(x, e),
	};
	size_t i;

	for (i = 0; i < x->nbridges; i++) {
		offer.bridge = x->bridges[i];
		offer.side = x->sides[i];
		offer.at = i;
		plan_decide(&offer, &routes[i]);
		/* A state that the other side has no word for is told as what it is. */
		if (e->kind == EVENT_CONVERSATION && routes[i].drop == DROP_NO_CHANGE)
			routes[i].drop = DROP_NONE;
	}
}

/* The relay keeps no event that parsing alone drops, and none that is nothing but an echo. */
static void remember(struct explain *x, const struct event *e, const struct route *routes)
{
	struct route settled;
	size_t i, echoes = 0;

	for (i = 0; i < x->nbridges; i++)
		echoes += routes[i].drop == DROP_ECHO;
	if (e->key != NULL && echoes < x->nbridges
	    && !route_is_settled_by_parsing(e, x->bridges, x->nbridges, &settled))
		explain_texts_add(x->arena, &x->seen, arena_strdup(x->arena, e->key));
}

/* NULL: at least one bridge takes it, or they refuse it for reasons of their own. */
static const struct route *common_reason(const struct explain *x, const struct route *routes)
{
	size_t i;

	for (i = 0; i < x->nbridges; i++)
		if (routes[i].drop != routes[0].drop || !routes[i].whole_endpoint)
			return NULL;
	return &routes[0];
}

/* What is no message is carried where the conversation is linked, as --link says: there the other side is taken
 * for what it was before. What an edit or a deletion is about has an id there that only the store knows. */
static bool has_requests(const struct explain *x, const struct event *e, size_t bridge,
    const struct route *r)
{
	const struct endpoint_conf *to =
	    r->to == SIDE_AGENTS ? x->bridges[bridge]->agents : x->bridges[bridge]->customers;

	if (is_message(e))
		return true;
	if (find_link(x, bridge, e->conversation) == NULL)
		return false;
	if (r->is_deletion)
		return r->to == SIDE_CUSTOMERS && to->caps->deletes_answers;
	return r->set_state != STATE_NONE || r->is_edit;
}

static void write_decisions(struct explain *x, const char *auth, const struct event *e,
    const struct view *view, const struct route *routes)
{
	bool taken = false;
	size_t i;

	for (i = 0; i < x->nbridges; i++)
		taken |= routes[i].drop == DROP_NONE;
	if (taken)
		write_event(x, auth, e, routes);
	for (i = 0; taken && i < x->nbridges; i++)
		if (routes[i].drop == DROP_NONE && has_requests(x, e, i, &routes[i]))
			explain_delivery(x, e, i, &view->bridges[i].link, &routes[i]);
	for (i = 0; i < x->nbridges; i++)
		if (routes[i].drop != DROP_NONE)
			write_drop(x, auth, e, &routes[i], x->bridges[i]);
}

/* Of a message that is known: as the relay takes it. */
static const struct event *as_deletion(struct explain *x, const struct event *e)
{
	const char *key = route_deletion_key(x->a, e);
	struct event *deletion;

	if (key == NULL || !is_known(x, e))
		return e;
	deletion = ARENA_NEW(x->a, struct event);
	*deletion = *e;
	deletion->kind = EVENT_DELETE;
	deletion->key = key;
	return deletion;
}

void explain_event(struct explain *x, const char *auth, const struct event *e)
{
	struct route routes[BRIDGES_PER_ENDPOINT], nobody;
	const struct route *common;
	struct view view;

	if (x->nbridges == 0) {
		route_is_settled_by_parsing(e, NULL, 0, &nobody);
		write_drop(x, auth, e, &nobody, NULL);
		return;
	}
	e = as_deletion(x, e);
	look(x, e, &view);
	decide(x, e, &view, routes);
	common = common_reason(x, routes);
	if (common != NULL && common->drop != DROP_NONE)
		write_drop(x, auth, e, common, NULL);
	else
		write_decisions(x, auth, e, &view, routes);
	remember(x, e, routes);
}
