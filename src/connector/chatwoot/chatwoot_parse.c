/* A callback becomes one event.
 *
 * Bodies are flat: the event's name stands in `event` beside the fields of what it is about. Message
 * and typing events carry the conversation as a member, conversation events are one themselves; what
 * is read from that block is the same for all. Its `messages` hold the last public message of the
 * conversation, not always the one the event is about, and so tell nothing.
 *
 * Only ids can be missed: a message without one is kept raw. All else may be absent, null or of
 * another type, as older and newer servers have it. */
#include "connector/chatwoot/chatwoot.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/json_out.h"
#include "core/notice.h"
#include "core/text.h"

#define STATUS_WORDS_MAX 200 /* of an error */

enum family {
	FAMILY_MESSAGE,
	FAMILY_CONVERSATION,
	FAMILY_TYPING,
	FAMILY_CONTACT,
	FAMILY_NOT_CARRIED
};

struct shape {
	const char *name;
	enum family family;
	enum event_kind kind;
	enum state state; /* of typing */
};

/* A name that ends in a dot stands for all that begin with it. */
static const struct shape shapes[] = {
	{ "message_created", FAMILY_MESSAGE, EVENT_MESSAGE, STATE_NONE },
	{ "message_updated", FAMILY_MESSAGE, EVENT_UPDATE, STATE_NONE },
	{ "conversation_created", FAMILY_CONVERSATION, EVENT_CONVERSATION, STATE_NONE },
	{ "conversation_updated", FAMILY_CONVERSATION, EVENT_CONVERSATION, STATE_NONE },
	{ "conversation_status_changed", FAMILY_CONVERSATION, EVENT_CONVERSATION, STATE_NONE },
	{ "conversation_typing_on", FAMILY_TYPING, EVENT_TYPING, STATE_ON },
	{ "conversation_typing_off", FAMILY_TYPING, EVENT_TYPING, STATE_OFF },
	{ "contact_created", FAMILY_CONTACT, EVENT_CONTACT, STATE_NONE },
	{ "contact_updated", FAMILY_CONTACT, EVENT_CONTACT, STATE_NONE },
	{ "webwidget_triggered", FAMILY_NOT_CARRIED, EVENT_CONVERSATION, STATE_NONE },
	{ "conversation_opened", FAMILY_NOT_CARRIED, EVENT_CONVERSATION, STATE_NONE },
	{ "conversation_resolved", FAMILY_NOT_CARRIED, EVENT_CONVERSATION, STATE_NONE },
	{ "inbox_created", FAMILY_NOT_CARRIED, EVENT_CONVERSATION, STATE_NONE },
	{ "inbox_updated", FAMILY_NOT_CARRIED, EVENT_CONVERSATION, STATE_NONE },
	{ "automation_event.", FAMILY_NOT_CARRIED, EVENT_CONVERSATION, STATE_NONE },
	{ "macro.executed", FAMILY_NOT_CARRIED, EVENT_CONVERSATION, STATE_NONE },
};

/* One callback being read. */
struct reading {
	const struct via *via;
	struct arena *a;
	const struct json *root;
	const struct json *conversation; /* the block, wherever it stands; NULL: none */
	struct event e;
	struct facts facts;
	struct parse_error *error;
};

static int unparsable(struct reading *r, enum unparsable reason, const char *detail)
{
	*r->error = (struct parse_error){ .reason = reason, .detail = detail };
	return -1;
}

static const struct shape *shape_find(const char *name)
{
	size_t i, len;

	for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		len = strlen(shapes[i].name);
		if (shapes[i].name[len - 1] == '.' ? strncmp(name, shapes[i].name, len) == 0
						   : strcmp(name, shapes[i].name) == 0)
			return &shapes[i];
	}
	return NULL;
}

/* --- single values ----------------------------------------------------------------------------- */

/* Without blanks at its ends; NULL where nothing is left. */
static const char *trimmed(struct arena *a, const char *text)
{
	size_t len;

	if (text == NULL)
		return NULL;
	while (isspace((unsigned char)*text))
		text++;
	len = strlen(text);
	while (len > 0 && isspace((unsigned char)text[len - 1]))
		len--;
	return len == 0 ? NULL : arena_strndup(a, text, len);
}

static const char *text_at(struct reading *r, const struct json *j, const char *path)
{
	return trimmed(r->a, json_text(j, path));
}

static const char *id_at(const struct json *j, const char *path)
{
	const char *id = json_id(j, path);

	return chatwoot_is_id(id) ? id : NULL;
}

/* Seconds with a fraction, as ms. The digits are read as they stand: a double would round them. */
static int64_t msecs_of_seconds(const char *digits)
{
	char *end;
	int64_t ms, unit = 100;

	if (digits == NULL || strspn(digits, "0123456789") > 12)
		return 0;
	ms = strtoll(digits, &end, 10) * 1000;
	if (*end == '.')
		for (end++; isdigit((unsigned char)*end) && unit > 0; end++, unit /= 10)
			ms += (*end - '0') * unit;
	return ms;
}

/* Times come as a text in one shape and as seconds in the other. */
static int64_t time_at(const struct json *j, const char *path)
{
	const char *text = json_text(j, path);
	int64_t ms;

	if (text != NULL)
		return time_parse(text, &ms) == 0 ? ms : 0;
	return msecs_of_seconds(json_id(j, path));
}

/* Would it do as an identity text of core's making? Then it is worth a look-up. */
static const char *identity_text(const char *text)
{
	size_t len = text == NULL ? 0 : strlen(text);

	if (len == 0 || len > 200
	    || strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789@+._:~-") != len)
		return NULL;
	return strchr(text, ':') != NULL ? text : NULL;
}

/* The block's changed attributes, a list of {column: {previous_value, current_value}}, as one object
 * {column: current_value}. */
static const char *changes_at(struct reading *r)
{
	const struct json *list = json_array(r->root, "changed_attributes"), *item, *column, *value;
	struct json_out *o;

	if (list == NULL || list->count == 0)
		return NULL;
	o = json_out_new(r->a);
	json_begin_object(o);
	for (item = list->child; item != NULL; item = item->next) {
		column = item->type == JSON_OBJECT ? item->child : NULL;
		value = column != NULL ? json_member(column, "current_value") : NULL;
		if (value != NULL) {
			json_key(o, column->key);
			json_put(o, value);
		}
	}
	json_end_object(o);
	return json_done(o, NULL);
}

/* When it changed, where the list of changes says so; 0: it does not. */
static int64_t change_time(const struct reading *r)
{
	const struct json *list = json_array(r->root, "changed_attributes"), *item;
	const char *text;
	int64_t ms;

	for (item = list != NULL ? list->child : NULL; item != NULL; item = item->next) {
		text = json_text(item, "updated_at.current_value");
		if (text != NULL && time_parse(text, &ms) == 0)
			return ms;
	}
	return 0;
}

/* --- people ------------------------------------------------------------------------------------ */

static void read_contact(struct reading *r, const struct json *contact)
{
	struct person *p = &r->e.person;

	p->name = text_at(r, contact, "name");
	p->email = text_at(r, contact, "email");
	p->phone = text_at(r, contact, "phone_number");
	p->avatar = text_at(r, contact, "thumbnail");
	p->hint = identity_text(text_at(r, contact, "identifier"));
	chatwoot_read_contact_facts(r->a, contact, &r->facts);
}

static const char *account_of(const struct reading *r)
{
	const char *account = id_at(r->root, "account.id");

	if (account == NULL)
		account = id_at(r->conversation, "account.id");
	return account;
}

static const char *inbox_of(const struct reading *r)
{
	const char *inbox = id_at(r->conversation, "inbox_id");

	if (inbox == NULL)
		inbox = id_at(r->root, "inbox.id");
	return inbox;
}

/* A person is a contact inbox: contacts are merged without a word, so the contact's id is only what he is
 * called just now. */
static void read_person(struct reading *r)
{
	const char *source = json_text(r->conversation, "contact_inbox.source_id");
	const char *account = account_of(r), *inbox = inbox_of(r);
	struct person *p = &r->e.person;

	read_contact(r, json_object(r->conversation, "meta.sender"));
	p->id = r->e.extra;
	p->address = source;
	if (account == NULL)
		account = chatwoot_account(r->via);
	if (source != NULL && account != NULL && inbox != NULL)
		p->identity = ids_identity(r->a, CHATWOOT, NULL, r->via->endpoint->host, account,
		    arena_printf(r->a, "%s\n%s", inbox, source));
}

/* Webhook shape: users and bots say what they are, contacts do not. */
static enum role role_of_sender(const struct json *sender)
{
	const char *type = json_text(sender, "type");

	if (type == NULL || strcmp(type, "contact") == 0)
		return ROLE_CUSTOMER;
	return strcmp(type, "user") == 0 ? ROLE_AGENT : ROLE_BOT;
}

/* --- a conversation ---------------------------------------------------------------------------- */

static enum state state_of_status(const char *status)
{
	static const enum state states[] = { STATE_OPEN, STATE_PENDING, STATE_SNOOZED,
		STATE_RESOLVED };
	size_t i;

	for (i = 0; status != NULL && i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(status, state_word((int)states[i])) == 0)
			return states[i];
	return STATE_NONE;
}

static void read_labels(struct reading *r)
{
	const struct json *labels = json_array(r->conversation, "labels"), *label;
	const char **tags;

	if (labels == NULL || labels->count == 0)
		return;
	tags = arena_alloc(r->a, labels->count * sizeof(*tags));
	for (label = labels->child; label != NULL; label = label->next)
		if (label->type == JSON_STRING)
			tags[r->e.ntags++] = label->text;
	r->e.tags = tags;
}

/* What every event that has a conversation tells of it. */
static int read_conversation(struct reading *r, const char *path_of_id)
{
	const struct json *c = r->conversation;
	struct event *e = &r->e;

	e->conversation = id_at(c, "id");
	if (e->conversation == NULL)
		return unparsable(r, UNPARSABLE_BAD_FIELD, path_of_id);
	e->conversation_at_ms = time_at(c, "created_at");
	e->conversation_mark = json_text(c, "additional_attributes.tieline");
	e->channel = json_text(c, "channel");
	e->department = json_id(c, "meta.team.id");
	e->department_name = text_at(r, c, "meta.team.name");
	e->extra = id_at(c, "meta.sender.id"); /* the contact, as of now */
	read_labels(r);
	read_person(r);
	if (r->via->endpoint->wants_facts) {
		chatwoot_read_conversation_facts(r->a, c, &r->facts);
		chatwoot_read_assignee(c, &e->assignee);
	}
	e->facts_version = msecs_of_seconds(json_id(c, "updated_at"));
	return 0;
}

static int read_conversation_event(struct reading *r)
{
	struct event *e = &r->e;
	const char *status = json_text(r->root, "status"),
		   *updated = json_id(r->root, "updated_at");

	r->conversation = r->root;
	if (read_conversation(r, "id") != 0)
		return -1;
	if (updated == NULL) /* before 4.0.2 */
		updated = json_id(r->root, "last_activity_at");
	e->state = state_of_status(status);
	e->version = msecs_of_seconds(updated);
	e->at_ms = e->version;
	e->changes = changes_at(r);
	e->key = arena_printf(r->a, "s:%s:%s:%s", e->conversation, status != NULL ? status : "",
	    updated != NULL ? updated : "");
	return 0;
}

static int read_typing(struct reading *r)
{
	const struct json *user = json_object(r->root, "user");
	struct event *e = &r->e;

	r->conversation = json_object(r->root, "conversation");
	if (read_conversation(r, "conversation.id") != 0)
		return -1;
	e->author.role = role_of_sender(user);
	e->author.id = id_at(user, "id");
	e->author.name = text_at(r, user, "name");
	e->is_private = json_true(r->root, "is_private");
	return 0;
}

static int read_contact_event(struct reading *r)
{
	struct event *e = &r->e;
	const char *id = id_at(r->root, "id");

	if (id == NULL)
		return unparsable(r, UNPARSABLE_BAD_FIELD, "id");
	read_contact(r, r->root);
	e->person.id = id;
	e->extra = id;
	e->changes = changes_at(r);
	e->person_version = change_time(r);
	/* Sent after every message of the customer: equal ones are told by what we carry. */
	e->key = arena_printf(r->a, "c:%s:%s", id,
	    ids_sha16(r->a,
		IDS_PARTS(e->person.name, e->person.email, e->person.phone,
		    text_at(r, r->root, "identifier"), text_at(r, r->root, "thumbnail"))));
	return 0;
}

/* --- files ------------------------------------------------------------------------------------- */

static enum attachment_kind kind_of_file(const char *type)
{
	static const struct {
		const char *type;
		enum attachment_kind kind;
	} kinds[] = {
		{ "image", ATTACHMENT_IMAGE },
		{ "audio", ATTACHMENT_AUDIO },
		{ "video", ATTACHMENT_VIDEO },
		{ "ig_reel", ATTACHMENT_VIDEO },
		{ "location", ATTACHMENT_LOCATION },
		{ "contact", ATTACHMENT_CONTACT },
	};
	size_t i;

	for (i = 0; type != NULL && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(type, kinds[i].type) == 0)
			return kinds[i].kind;
	return ATTACHMENT_FILE;
}

/* The last segment of the address: there is no other name. */
static const char *name_of_url(struct arena *a, const char *url)
{
	size_t len;
	const char *slash, *name;

	if (url == NULL)
		return NULL;
	len = strcspn(url, "?#");
	slash = memrchr(url, '/', len);
	if (slash == NULL || slash + 1 == url + len)
		return NULL;
	name = http_decode(a, slash + 1, (size_t)(url + len - slash - 1));
	return text_clean(a, name, strlen(name)); /* what was encoded may be any bytes */
}

static const char *joined_name(struct reading *r, const struct json *meta)
{
	const char *first = text_at(r, meta, "firstName"), *last = text_at(r, meta, "lastName");

	if (first != NULL && last != NULL)
		return arena_printf(r->a, "%s %s", first, last);
	return first != NULL ? first : last;
}

static void read_attachment(struct reading *r, const struct json *j, struct attachment *out)
{
	*out = (struct attachment){
		.kind = kind_of_file(json_text(j, "file_type")),
		.url = text_at(r, j, "data_url"),
		.type = json_text(j, "content_type"),
		.size = json_int(j, "file_size", -1),
	};
	switch (out->kind) {
	case ATTACHMENT_LOCATION:
		out->latitude = json_id(j, "coordinates_lat");
		out->longitude = json_id(j, "coordinates_long");
		out->title = text_at(r, j, "fallback_title");
		break;
	case ATTACHMENT_CONTACT:
		out->phone = text_at(r, j, "fallback_title");
		out->contact_name = joined_name(r, json_object(j, "meta"));
		break;
	case ATTACHMENT_IMAGE:
	case ATTACHMENT_AUDIO:
	case ATTACHMENT_VIDEO:
	case ATTACHMENT_FILE:
		out->name = text_at(r, j, "fallback_title");
		if (out->name == NULL)
			out->name = name_of_url(r->a, out->url);
		break;
	}
}

static void read_attachments(struct reading *r)
{
	const struct json *list = json_array(r->root, "attachments"), *item;
	struct attachment *files;

	if (list == NULL || list->count == 0)
		return;
	files = arena_alloc(r->a, list->count * sizeof(*files));
	for (item = list->child; item != NULL; item = item->next)
		if (item->type == JSON_OBJECT)
			read_attachment(r, item, &files[r->e.nattachments++]);
	r->e.attachments = files;
}

/* --- a message --------------------------------------------------------------------------------- */

enum { TYPE_INCOMING, TYPE_OUTGOING, TYPE_ACTIVITY, TYPE_TEMPLATE, TYPE_UNKNOWN };

/* A word in callbacks, a number in answers. */
static int message_type(const struct json *m)
{
	static const char *const words[] = { "incoming", "outgoing", "activity", "template" };
	const char *type = json_id(m, "message_type");
	int i;

	for (i = TYPE_INCOMING; type != NULL && i < TYPE_UNKNOWN; i++)
		if (strcmp(type, words[i]) == 0 || (type[0] == '0' + i && type[1] == '\0'))
			return i;
	return TYPE_UNKNOWN;
}

/* Who wrote what went to the customer. Nobody stands there for what the desk does by itself, for
 * messages typed in the customer's own channel, and for people whose account is gone. */
static void read_outgoing_author(struct reading *r, const struct json *sender)
{
	struct event *e = &r->e;

	if (sender == NULL && json_id(r->root, "content_attributes.automation_rule_id") != NULL) {
		e->author.role = ROLE_BOT;
		e->flags |= EVENT_IS_AUTOMATIC;
		return;
	}
	e->author.role = role_of_sender(sender) == ROLE_BOT ? ROLE_BOT : ROLE_AGENT;
	e->author.id = id_at(sender, "id");
	e->author.name = text_at(r, sender, "name");
	e->author.email = text_at(r, sender, "email");
}

static int read_author(struct reading *r)
{
	const struct json *sender = json_object(r->root, "sender");
	struct event *e = &r->e;

	switch (message_type(r->root)) {
	case TYPE_INCOMING:
		e->author.role = ROLE_CUSTOMER;
		e->author.id = sender != NULL ? id_at(sender, "id") : e->extra;
		e->author.name = sender != NULL ? text_at(r, sender, "name") : e->person.name;
		e->format = FORMAT_PLAIN; /* as it came from the customer's channel */
		return 0;
	case TYPE_OUTGOING: read_outgoing_author(r, sender); return 0;
	case TYPE_ACTIVITY:
		e->author.role = ROLE_SYSTEM;
		e->flags |= EVENT_IS_SYSTEM;
		return 0;
	case TYPE_TEMPLATE: /* greeting, out of office, survey */
		e->author.role = ROLE_BOT;
		e->flags |= EVENT_IS_AUTOMATIC;
		return 0;
	default: return unparsable(r, UNPARSABLE_BAD_FIELD, "message_type");
	}
}

/* Before 4.13 a hard line break came as a backslash and a line feed, before 4.14.2 line feeds stood
 * at the end. */
static const char *read_text(struct reading *r)
{
	const char *content = json_text(r->root, "content");
	char *text, *out;
	size_t len;

	if (content == NULL || strspn(content, " \t\r\n\v\f") == strlen(content))
		return NULL;
	text = out = arena_strdup(r->a, content);
	for (; *content != '\0'; content++)
		if (content[0] != '\\' || content[1] != '\n' || r->e.format != FORMAT_MARKDOWN)
			*out++ = *content;
	*out = '\0';
	for (len = (size_t)(out - text); len > 0 && text[len - 1] == '\n'; len--)
		text[len - 1] = '\0';
	return text;
}

static void read_content(struct reading *r)
{
	const char *type = text_at(r, r->root, "content_type");
	const struct json *items = json_array(r->root, "content_attributes.items");
	struct widget_list widgets = { 0 };
	struct event *e = &r->e;

	e->text = read_text(r);
	read_attachments(r);
	if (e->author.role != ROLE_CUSTOMER)
		chatwoot_read_widgets(r->a, r->root, &widgets);
	e->widgets = widgets.items;
	e->nwidgets = widgets.count;
	if (type != NULL && strcmp(type, "sticker") == 0)
		e->flags |= EVENT_IS_STICKER;
	if (e->text != NULL || e->nattachments > 0 || e->nwidgets > 0)
		return;
	if (type != NULL && strcmp(type, "text") == 0 && items == NULL)
		type = NULL;
	if ((items != NULL && items->count > 0) || type != NULL)
		e->text = arena_printf(r->a, "[unsupported message: %s]",
		    type != NULL ? text_excerpt(r->a, type, 40) : "form");
	else
		e->flags |= EVENT_IS_EMPTY;
}

/* The last message of the conversation is told with its status; it may be the one this is about. */
static bool is_read(const struct reading *r)
{
	const char *id = id_at(r->conversation, "messages.0.id");
	const char *status = json_text(r->conversation, "messages.0.status");

	return id != NULL && status != NULL && strcmp(id, r->e.remote) == 0
	    && strcmp(status, "read") == 0;
}

/* Callbacks of a message do not tell its status. An error in it is the server's word that it failed, or ours
 * come back; none, that it is not shown as failed (any more). */
static enum state read_status(struct reading *r)
{
	const char *error = json_text(r->root, "content_attributes.external_error");

	if ((r->e.flags & EVENT_IS_DELETED) != 0)
		return STATE_NONE;
	if (error == NULL || *error == '\0')
		return r->e.kind != EVENT_UPDATE ? STATE_NONE
		    : is_read(r)                 ? STATE_READ
						 : STATE_SENT;
	if (notice_is_ours(error))
		return STATE_NONE;
	r->e.detail = text_excerpt(r->a, error, STATUS_WORDS_MAX);
	return STATE_FAILED;
}

static int read_message(struct reading *r)
{
	struct event *e = &r->e;

	e->remote = id_at(r->root, "id");
	if (e->remote == NULL)
		return unparsable(r, UNPARSABLE_BAD_FIELD, "id");
	r->conversation = json_object(r->root, "conversation");
	if (read_conversation(r, "conversation.id") != 0)
		return -1;
	e->key = arena_printf(r->a, "m:%s", e->remote);
	e->at_ms = time_at(r->root, "created_at");
	e->is_private = json_true(r->root, "private");
	e->reply_to = id_at(r->root, "content_attributes.in_reply_to");
	e->mark = chatwoot_mark(r->root, &e->mark_place);
	if (e->mark == NULL)
		e->mark_place = NULL;
	if (json_true(r->root, "content_attributes.deleted"))
		e->flags |= EVENT_IS_DELETED;
	e->state = read_status(r);
	e->format = FORMAT_MARKDOWN;
	if (read_author(r) != 0)
		return -1;
	read_content(r);
	return 0;
}

/* --- whole ------------------------------------------------------------------------------------- */

static void drop(struct reading *r, enum drop reason, const char *what, const char *which)
{
	r->e.drop = reason;
	r->e.detail = arena_printf(r->a, "%s%.60s", what, which);
}

/* What is none of this endpoint's business. An id that is not known yet judges nothing. */
static void judge_place(struct reading *r)
{
	const char *account = account_of(r), *our_account = chatwoot_account(r->via);
	const char *inbox = inbox_of(r), *our_inbox = chatwoot_inbox(r->via);

	if (account != NULL && our_account != NULL && strcmp(account, our_account) != 0)
		drop(r, DROP_OTHER_ACCOUNT, "account ", account);
	else if (inbox != NULL && our_inbox != NULL && strcmp(inbox, our_inbox) != 0)
		drop(r, DROP_OTHER_INBOX, "inbox ", inbox);
}

static int read_family(struct reading *r, enum family family)
{
	switch (family) {
	case FAMILY_MESSAGE: return read_message(r);
	case FAMILY_CONVERSATION: return read_conversation_event(r);
	case FAMILY_TYPING: return read_typing(r);
	case FAMILY_CONTACT: return read_contact_event(r);
	case FAMILY_NOT_CARRIED: break;
	}
	r->conversation =
	    r->root; /* automation and macros post one; others have no inbox_id here */
	return 0;
}

static int read_event(struct reading *r)
{
	const char *name = json_text(r->root, "event");
	const struct shape *shape;

	if (name == NULL || *name == '\0')
		return unparsable(r, UNPARSABLE_NO_EVENT, "event");
	shape = shape_find(name);
	r->e.kind = shape != NULL ? shape->kind : EVENT_CONVERSATION;
	r->e.state = shape != NULL ? shape->state : STATE_NONE;
	if (read_family(r, shape != NULL ? shape->family : FAMILY_NOT_CARRIED) != 0)
		return -1;
	judge_place(r);
	if (r->e.drop != DROP_NONE)
		return 0;
	if (shape == NULL)
		drop(r, DROP_UNKNOWN, name, "");
	else if (shape->family == FAMILY_NOT_CARRIED)
		drop(r, DROP_UNSUPPORTED, name, "");
	return 0;
}

static enum unparsable unparsable_of(enum json_fault fault)
{
	switch (fault) {
	case JSON_EMPTY: return UNPARSABLE_EMPTY;
	case JSON_NOT_UTF8: return UNPARSABLE_NOT_UTF8;
	case JSON_TRUNCATED: return UNPARSABLE_TRUNCATED;
	case JSON_TOO_DEEP: return UNPARSABLE_TOO_DEEP;
	case JSON_NOT_JSON:
	case JSON_OK: break;
	}
	return UNPARSABLE_NOT_JSON;
}

int chatwoot_parse(const struct via *via, struct arena *a, const struct http_in *hook,
    struct event_list *out, struct parse_error *error)
{
	struct reading r = { .via = via, .a = a, .error = error };
	struct json_error fault;

	r.root = json_read(a, hook->body, hook->body_len, &fault);
	if (r.root == NULL) {
		*error =
		    (struct parse_error){ unparsable_of(fault.fault), fault.offset, fault.detail };
		return -1;
	}
	if (r.root->type != JSON_OBJECT)
		return unparsable(&r, UNPARSABLE_NOT_OBJECT, "the body is no object");
	r.e.endpoint = via->endpoint->id;
	r.e.origin = ORIGIN_LIVE;
	r.e.here_ms = hook->received_ms;
	if (read_event(&r) != 0)
		return -1;
	r.e.facts = arena_memdup(a, &r.facts, sizeof(r.facts));
	*event_list_add(out, a) = r.e;
	return 0;
}
