/* Callback → events. A body is {timestamp, payload, hook: {event, …}, token}; one body is one event.
 *
 * What a message is (internal, hidden, a command, empty …) is found here and said in flags; what
 * becomes of it is decided in core, in one order for all platforms. Nothing here trusts a type: any
 * field may be missing, null, a number where a text belongs, or the other way round. A body that lacks
 * what everything hangs on (an id, a conversation, who speaks) is unparsable and kept as it came. */
#include "connector/smartify/smartify.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/json_in.h"
#include "core/rich.h"

#define COMMANDS_MAX 10 /* pieces of a bot's answer; more is a bot gone wild */

struct reading {
	const struct via *via;
	const struct smartify_conf *conf;
	struct arena *arena;
	const struct http_in *hook;
	const char *name; /* of the event */
	const struct json *root, *payload;
	struct parse_error *error;
	struct event *event;
};

/* --- small readers ----------------------------------------------------------------------------- */

static int bad_field(const struct reading *r, const char *detail)
{
	r->error->reason = UNPARSABLE_BAD_FIELD;
	r->error->detail = detail;
	return -1;
}

/* Without blanks around it; NULL where nothing is left. */
static const char *trimmed(struct arena *a, const char *text)
{
	size_t len;

	if (text == NULL)
		return NULL;
	while (isspace((unsigned char)*text))
		text++;
	for (len = strlen(text); len > 0 && isspace((unsigned char)text[len - 1]); len--)
		;
	return len > 0 ? arena_strndup(a, text, len) : NULL;
}

static bool is_blank(const char *text)
{
	return text == NULL || text[strspn(text, " \t\r\n")] == '\0';
}

/* An id as text, however it is written; NULL where there is none. */
static const char *id_at(const struct json *j, const char *path)
{
	const char *id = json_id(j, path);

	return is_blank(id) ? NULL : id;
}

/* -1 where no time stands there. */
static int64_t time_at(const struct json *j, const char *path)
{
	const char *text = json_text(j, path);
	int64_t ms;

	return text != NULL && time_parse(text, &ms) == 0 ? ms : -1;
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* --- who --------------------------------------------------------------------------------------- */

static void set_person(const struct reading *r, const char *lead_id, const struct json *lead)
{
	struct person *p = &r->event->person;
	const struct smartify_conf *conf = r->conf;

	p->identity = ids_identity(r->arena, SMARTIFY_PLATFORM, conf->project_id,
	    r->via->endpoint->host, conf->project_id, lead_id);
	p->id = lead_id;
	p->address = lead_id;
	p->name = trimmed(r->arena, json_id(lead, "fullname"));
	p->email = trimmed(r->arena, json_text(lead, "email"));
	p->phone = trimmed(r->arena, json_id(lead, "phone"));
}

static struct facts *facts_of(const struct reading *r)
{
	if (r->event->facts == NULL)
		r->event->facts = ARENA_NEW(r->arena, struct facts);
	return (struct facts *)r->event->facts;
}

/* The contact of a conversation. Where references are plain ids, the snapshot of its beginning still
 * has the object. -1: there is none. */
static int set_person_of(const struct reading *r, const struct json *request)
{
	static const char *const places[] = { "lead", "snapshot.lead" };
	static const char *const ids[] = { "requester.uuid_user", "snapshot.requester.uuid_user" };
	const char *lead_id;
	size_t i;

	for (i = 0; i < sizeof(places) / sizeof(*places); i++) {
		lead_id = id_at(json_object(request, places[i]), "lead_id");
		if (lead_id != NULL) {
			set_person(r, lead_id, json_object(request, places[i]));
			if (i == 0) /* what a snapshot says was so at the beginning */
				smartify_read_lead_facts(r->arena, json_object(request, places[i]),
				    facts_of(r));
			return 0;
		}
	}
	for (i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		lead_id = id_at(request, ids[i]);
		if (lead_id != NULL) {
			set_person(r, lead_id, NULL);
			return 0;
		}
	}
	return -1;
}

/* Bot ids are written with and without "bot_". */
static bool is_same_bot(const char *id, const char *sender)
{
	if (id == NULL)
		return false;
	if (begins(id, "bot_"))
		id += strlen("bot_");
	return strcmp(id, sender) == 0;
}

static bool is_bot(const struct json *request, const char *sender)
{
	const struct json *list, *j;

	if (begins(sender, "bot_"))
		return true;
	list = json_array(request, "participantsBots");
	for (j = list != NULL ? list->child : NULL; j != NULL; j = j->next)
		if (j->type == JSON_STRING && is_same_bot(j->text, sender))
			return true;
	list = json_array(request, "participants");
	for (j = list != NULL ? list->child : NULL; j != NULL; j = j->next)
		if (j->type == JSON_STRING && begins(j->text, "bot_")
		    && is_same_bot(j->text, sender))
			return true;
	list = json_array(request, "participatingBots");
	for (j = list != NULL ? list->child : NULL; j != NULL; j = j->next)
		if (is_same_bot(json_id(j, "_id"), sender))
			return true;
	return is_same_bot(json_id(request, "department.bot._id"), sender);
}

/* The customer is asked first: nothing keeps a lead_id from looking like one of the team. */
static enum role role_of(const char *sender, const char *lead_id, const struct json *request)
{
	if (lead_id != NULL && strcmp(sender, lead_id) == 0)
		return ROLE_CUSTOMER;
	if (strcmp(sender, "system") == 0)
		return ROLE_SYSTEM;
	if (is_bot(request, sender))
		return ROLE_BOT;
	return smartify_is_id(sender) ? ROLE_AGENT : ROLE_CUSTOMER;
}

/* Our own account is nobody's customer, though a conversation that we posted into after it was deleted
 * names it as that. */
static bool is_relay(const struct reading *r, const char *sender)
{
	const char *user = smartify_user(r->via);

	return user != NULL && strcmp(user, sender) == 0;
}

/* --- what was said ----------------------------------------------------------------------------- */

struct said {
	const char *text;
	enum format format;
	struct attachment *attachments;
	size_t nattachments;
	struct widget_list widgets;
};

static bool is_kind(const char *type, const char *kind)
{
	return type != NULL && strncasecmp(type, kind, strlen(kind)) == 0;
}

static enum attachment_kind attachment_kind(const char *type, const char *media)
{
	if (is_kind(media, "audio/"))
		return ATTACHMENT_AUDIO;
	if (is_kind(media, "video/") || is_kind(type, "video"))
		return ATTACHMENT_VIDEO;
	if (is_kind(type, "image") || is_kind(media, "image/"))
		return ATTACHMENT_IMAGE;
	return ATTACHMENT_FILE;
}

/* Of a file the text is "[name](address)" and, from the next line on, what was said with it. */
static const char *without_link(const char *text)
{
	size_t len;

	if (text == NULL || *text != '[')
		return text;
	len = strcspn(text, "\r\n");
	if (text[len - 1] != ')' || memmem(text, len, "](", 2) == NULL)
		return text;
	text += len;
	return text + strspn(text, "\r\n");
}

/* One message object: text, type, metadata. said->attachments has room for one more. */
static void read_said(const struct json *j, struct said *said)
{
	const char *type = json_text(j, "type"), *src = json_text(j, "metadata.src");
	const char *media = json_text(j, "metadata.type"), *name = json_text(j, "metadata.name");

	said->text = json_text(j, "text");
	said->format = is_kind(type, "html") ? FORMAT_HTML : FORMAT_PLAIN;
	if (is_blank(src))
		return;
	if (media != NULL && strchr(media, '/') == NULL)
		media = NULL;
	said->attachments[said->nattachments++] = (struct attachment){
		.kind = attachment_kind(type, media),
		.url = src,
		.type = media,
		.name = is_blank(name) ? NULL : name,
		.size = json_int(j, "metadata.size", -1),
	};
	if (is_kind(type, "file"))
		said->text = without_link(said->text);
}

/* Pieces may be of different formats; together they are plain. */
static const char *as_plain(struct arena *a, const struct said *said)
{
	const struct rich *r;

	if (said->format != FORMAT_HTML || is_blank(said->text))
		return said->text;
	r = rich_read_html(a, said->text);
	return r != NULL && rich_has_words(r) ? rich_plain(r) : said->text;
}

/* A bot's answer in pieces; the text beside them repeats them, or is empty. */
static void read_commands(const struct reading *r, const struct json *commands, struct said *said)
{
	const struct json *j;
	const char *kind, *piece, *text = NULL;
	int pieces = 0;

	for (j = commands->child; j != NULL && pieces < COMMANDS_MAX; j = j->next) {
		kind = json_text(j, "type");
		if (kind == NULL || strcmp(kind, "message") != 0
		    || json_object(j, "message") == NULL)
			continue;
		pieces++;
		read_said(json_object(j, "message"), said);
		smartify_read_widgets(r->arena, json_object(j, "message"), &said->widgets);
		piece = as_plain(r->arena, said);
		if (!is_blank(piece))
			text =
			    text == NULL ? piece : arena_printf(r->arena, "%s\n\n%s", text, piece);
	}
	said->text = text;
	said->format = FORMAT_PLAIN;
}

/* Something is there that has no words: its kind stands for it. */
static const char *unsupported_text(const struct reading *r)
{
	const char *kind = json_text(r->payload, "attributes.attachment.type");

	if (r->event->nwidgets > 0 || json_object(r->payload, "attributes.attachment") == NULL)
		return NULL;
	return arena_printf(r->arena, "[unsupported message: %s]",
	    text_excerpt(r->arena, is_blank(kind) ? "template" : kind, 40));
}

static void set_said(const struct reading *r)
{
	struct event *e = r->event;
	const struct json *commands = json_array(r->payload, "attributes.commands");
	struct said said = { 0 };

	said.attachments = arena_zalloc(r->arena, COMMANDS_MAX * sizeof(*said.attachments));
	/* What a customer puts there is his own idea: what he shows his agents is the text. */
	if (commands != NULL && e->author.role != ROLE_CUSTOMER)
		read_commands(r, commands, &said);
	else
		read_said(r->payload, &said);
	if (commands == NULL && e->author.role != ROLE_CUSTOMER)
		smartify_read_widgets(r->arena, r->payload, &said.widgets);
	e->format = is_blank(said.text) ? FORMAT_PLAIN : said.format;
	e->attachments = said.attachments;
	e->nattachments = said.nattachments;
	e->widgets = said.widgets.items;
	e->nwidgets = said.widgets.count;
	e->text = is_blank(said.text) ? unsupported_text(r) : said.text;
	if (e->text != NULL && text_is_command(trimmed(r->arena, e->text)))
		e->flags |= EVENT_IS_COMMAND;
	if (e->text != NULL && (e->author.role == ROLE_AGENT || e->author.role == ROLE_BOT))
		e->text = text_cut_command(r->arena, e->text);
	if (is_blank(e->text)) {
		e->flags |=
		    e->text == NULL && e->nattachments + e->nwidgets == 0 ? EVENT_IS_EMPTY : 0;
		e->text = NULL;
	}
}

/* --- the conversation -------------------------------------------------------------------------- */

static void set_tags(const struct reading *r, const struct json *request)
{
	const struct json *list = json_array(request, "tags"), *j;
	const char **tags, *tag;
	size_t n = 0;

	if (list == NULL || list->count == 0)
		return;
	tags = arena_alloc(r->arena, list->count * sizeof(*tags));
	for (j = list->child; j != NULL; j = j->next) {
		tag = j->type == JSON_STRING ? j->text : json_text(j, "tag");
		if (!is_blank(tag))
			tags[n++] = tag;
	}
	r->event->tags = tags;
	r->event->ntags = n;
}

/* What both a message and a conversation's own event say of it. */
static void set_conversation(const struct reading *r, const struct json *request)
{
	struct event *e = r->event;

	int64_t began_ms = time_at(request, "createdAt");

	e->conversation_ref = id_at(request, "_id");
	e->conversation_at_ms = began_ms > 0 ? began_ms : 0;
	e->conversation_mark = json_text(request, "attributes.tieline");
	e->channel = json_text(request, "channel.name");
	e->department = id_at(request, "department._id");
	e->department_name = json_text(request, "department.name");
	if (e->department == NULL)
		e->department = id_at(request, "department");
	if (e->department_name == NULL)
		e->department_name = json_text(request, "snapshot.department.name");
	set_tags(r, request);
	if (r->via->endpoint->wants_facts) {
		smartify_read_request_facts(r->via, r->arena, request, facts_of(r));
		smartify_read_assignee(r->via, r->arena, request, &e->assignee);
	}
	began_ms = time_at(request, "updatedAt");
	e->facts_version = began_ms > 0 ? began_ms : 0;
	e->person.is_vouched = e->channel != NULL
	    && (strcmp(e->channel, "whatsapp") == 0 || strcmp(e->channel, "sms") == 0);
	if (json_true(request, "draft"))
		e->flags |= EVENT_IS_DRAFT;
}

static void drop(const struct reading *r, enum drop reason, const char *detail)
{
	r->event->drop = reason;
	r->event->detail = detail;
}

/* True: the event is another project's, whatever it is. */
static bool is_other_project(const struct reading *r)
{
	const char *project = json_text(r->payload, "id_project");

	if (project != NULL && strcasecmp(project, r->conf->project_id) == 0)
		return false;
	drop(r, DROP_OTHER_ACCOUNT, "other_project");
	return true;
}

/* --- events ------------------------------------------------------------------------------------ */

/* Direct messages and those of internal groups have no customer. */
static bool is_internal(const struct reading *r, const struct json *request)
{
	const char *kind = json_text(r->payload, "channel_type");
	const char *request_id = json_id(request, "request_id");

	if (request == NULL || kind == NULL || strcmp(kind, "group") != 0)
		return true;
	return !begins(r->event->conversation, "support-group")
	    && (request_id == NULL || strcmp(request_id, r->event->conversation) != 0);
}

static void set_subtype(const struct reading *r)
{
	struct event *e = r->event;
	const char *subtype = json_text(r->payload, "attributes.subtype");

	if (subtype == NULL)
		return;
	if (strcmp(subtype, "private") == 0) {
		e->is_private = true;
	} else if (strcmp(subtype, "info") == 0 || strcmp(subtype, "info/support") == 0) {
		e->flags |= EVENT_IS_HIDDEN;
		e->detail = arena_printf(r->arena, "attributes.subtype: %s", subtype);
	}
}

/* The accounts of those who take part stand beside the conversation. */
static const char *email_of(const struct json *request, const char *user)
{
	const struct json *list = json_array(request, "participatingAgents"), *j;
	const char *id;

	for (j = list != NULL ? list->child : NULL; j != NULL; j = j->next) {
		id = json_id(j, "_id");
		if (id != NULL && strcmp(id, user) == 0)
			return json_text(j, "email");
	}
	return NULL;
}

/* A line for the chat's own windows, that tells nobody anything. */
static bool is_housekeeping(const struct json *message)
{
	static const char *const keys[] = { "LEAD_UPDATED", "GROUP_CREATED", "DATA_UPDATED_GROUP",
		"ATTRIBUTES_UPDATED_GROUP", "LIVE_PAGE" };
	const char *key = json_text(message, "attributes.messagelabel.key");
	size_t i;

	for (i = 0; key != NULL && i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(keys[i], key) == 0)
			return true;
	return false;
}

static int64_t message_time(const struct reading *r)
{
	int64_t at_ms = time_at(r->payload, "createdAt");

	return at_ms >= 0 ? at_ms : json_int(r->root, "timestamp", r->hook->received_ms);
}

static int read_message(const struct reading *r)
{
	const struct json *p = r->payload, *request = json_object(p, "request");
	struct event *e = r->event;
	bool has_person;

	e->kind = EVENT_MESSAGE;
	e->remote = id_at(p, "_id");
	e->conversation = id_at(p, "recipient");
	e->author.id = id_at(p, "sender");
	if (e->remote == NULL)
		return bad_field(r, "payload._id is missing");
	if (e->conversation == NULL)
		return bad_field(r, "payload.recipient is missing");
	if (e->author.id == NULL)
		return bad_field(r, "payload.sender is missing");
	e->key = arena_printf(r->arena, "m:%s", e->remote);
	e->at_ms = message_time(r);
	e->author.name = trimmed(r->arena, json_text(p, "senderFullname"));
	has_person = set_person_of(r, request) == 0;
	e->author.role = is_relay(r, e->author.id)
	    ? ROLE_AGENT
	    : role_of(e->author.id, e->person.address, request);
	if (e->author.role == ROLE_AGENT)
		e->author.email = email_of(request, e->author.id);
	e->mark = json_text(p, "attributes.tieline");
	e->mark_place = "attributes.tieline";
	if (is_other_project(r))
		return 0;
	if (is_internal(r, request)) {
		drop(r, DROP_INTERNAL, "not_conversation");
		return 0;
	}
	if (!has_person)
		return bad_field(r, "payload.request.lead is missing");

	set_conversation(r, request);
	set_subtype(r);
	if (e->author.role == ROLE_SYSTEM)
		e->flags |= is_housekeeping(r->payload) ? EVENT_IS_HIDDEN : EVENT_IS_SYSTEM;
	if (json_true(request, "preflight"))
		e->flags |= EVENT_IS_PREFLIGHT;
	set_said(r);
	return 0;
}

/* The server's numbers as the neutral states; NONE for one that we do not know. */
static enum state state_of(const struct json *request)
{
	if (json_true(request, "preflight"))
		return STATE_PENDING;
	switch (json_int(request, "status", 0)) {
	case 50:
	case 150: return STATE_PENDING;
	case 100:
	case 200:
	case 300: return STATE_OPEN;
	case 1000: return STATE_RESOLVED;
	}
	return STATE_NONE;
}

static int read_conversation(const struct reading *r)
{
	const struct json *p = r->payload;
	struct event *e = r->event;

	e->kind = EVENT_CONVERSATION;
	e->author.role = ROLE_SYSTEM; /* who did it is not said */
	e->conversation = id_at(p, "request_id");
	e->version = time_at(p, "updatedAt");
	if (e->conversation == NULL)
		return bad_field(r, "payload.request_id is missing");
	if (e->version < 0)
		return bad_field(r, "payload.updatedAt is no time");
	e->at_ms = e->version;
	e->key = arena_printf(r->arena, "s:%s:%s", e->conversation, json_text(p, "updatedAt"));
	e->state = state_of(p);
	set_conversation(r, p);
	if (set_person_of(r, p) != 0)
		return bad_field(r, "payload.lead is missing");
	(void)is_other_project(r);
	return 0;
}

static int read_contact(const struct reading *r)
{
	const struct json *p = r->payload;
	const char *id = id_at(p, "_id"), *lead_id = id_at(p, "lead_id");
	struct event *e = r->event;

	e->kind = EVENT_CONTACT;
	e->author.role = ROLE_SYSTEM;
	e->at_ms = time_at(p, "updatedAt");
	if (id == NULL)
		return bad_field(r, "payload._id is missing");
	if (lead_id == NULL)
		return bad_field(r, "payload.lead_id is missing");
	if (e->at_ms < 0)
		return bad_field(r, "payload.updatedAt is no time");
	e->key = arena_printf(r->arena, "l:%s:%s", id, json_text(p, "updatedAt"));
	set_person(r, lead_id, p);
	smartify_read_lead_facts(r->arena, p, facts_of(r));
	e->person_version = e->at_ms;
	(void)is_other_project(r);
	return 0;
}

static int read_typing(const struct reading *r)
{
	const struct json *p = r->payload;
	struct event *e = r->event;
	const char *id = id_at(p, "_id"), *customer = id_at(p, "project_user.uuid_user");

	e->kind = EVENT_TYPING;
	e->state = STATE_ON;
	e->conversation = id_at(p, "attributes.recipient_id");
	e->author.id = id_at(p, "attributes.writer_id");
	if (e->conversation == NULL)
		return bad_field(r, "payload.attributes.recipient_id is missing");
	if (e->author.id == NULL)
		return bad_field(r, "payload.attributes.writer_id is missing");
	e->at_ms = message_time(r);
	e->key = arena_printf(r->arena, "t:%s", id != NULL ? id : e->conversation);
	e->author.role = role_of(e->author.id, customer, NULL);
	if (e->author.role == ROLE_CUSTOMER)
		set_person(r, e->author.id, NULL);
	(void)is_other_project(r);
	return 0;
}

/* Known, and nothing we carry. What there is to say of it stands in the line that tells so. */
static int read_unsupported(const struct reading *r)
{
	const struct json *p = r->payload;
	struct event *e = r->event;

	e->kind = begins(r->name, "request.") ? EVENT_CONVERSATION : EVENT_CONTACT;
	e->author.role = ROLE_SYSTEM;
	e->conversation = id_at(p, "request_id");
	e->at_ms = message_time(r);
	if (json_text(p, "id_project") == NULL || !is_other_project(r))
		drop(r, DROP_UNSUPPORTED, text_excerpt(r->arena, r->name, 60));
	return 0;
}

static int read_unknown(const struct reading *r)
{
	read_unsupported(r);
	if (r->event->drop == DROP_UNSUPPORTED)
		r->event->drop = DROP_UNKNOWN;
	return 0;
}

/* --- which event it is ------------------------------------------------------------------------- */

/* By exact name, or by its beginning where a dot ends it; the first that fits. */
static const struct reader {
	const char *name;
	int (*read)(const struct reading *r);
} readers[] = {
	{ "message.create", read_message },
	{ "message.create.from.requester", read_unsupported },
	{ "message.create.", read_message }, /* the same, for one channel */
	{ "request.create", read_conversation },
	{ "request.update", read_conversation },
	{ "lead.create", read_contact },
	{ "event.emit.typing.start", read_typing },
	{ "request.close", read_unsupported },
	{ "request.delete", read_unsupported },
	{ "request.assigned", read_unsupported },
	{ "request.reopen", read_unsupported },
	{ "request.participants.", read_unsupported },
	{ "message.update", read_unsupported },
	{ "message.sending", read_unsupported },
	{ "message.received", read_unsupported },
	{ "lead.update", read_unsupported },
	{ "project_user.", read_unsupported },
	{ "event.emit", read_unsupported },
	{ "event.emit.", read_unsupported },
	{ "user.signup", read_unsupported },
	{ "department.", read_unsupported },
	{ "group.", read_unsupported },
	{ "faq.", read_unsupported },
	{ "faqbot.", read_unsupported },
	{ "project.", read_unsupported },
	{ "operator.select", read_unsupported },
};

static bool fits(const char *reader, const char *name)
{
	return reader[strlen(reader) - 1] == '.' ? begins(name, reader) : strcmp(name, reader) == 0;
}

static int (*reader_of(const char *name))(const struct reading *r)
{
	size_t i;

	for (i = 0; i < sizeof(readers) / sizeof(*readers); i++)
		if (fits(readers[i].name, name))
			return readers[i].read;
	return read_unknown;
}

/* What an external bot is sent: hook is the bot, and says no event. */
static bool is_for_bot(const struct reading *r)
{
	const struct json *hook = json_object(r->root, "hook");
	const char *agent = http_header(r->hook->headers, r->hook->nheaders, "user-agent");

	if (hook == NULL || json_member(hook, "event") != NULL || r->payload == NULL)
		return false;
	return (agent != NULL && begins(agent, "tiledesk-bot"))
	    || (json_member(hook, "secret") != NULL && json_member(hook, "target") == NULL);
}

static enum unparsable unparsable_of(enum json_fault fault)
{
	switch (fault) {
	case JSON_EMPTY: return UNPARSABLE_EMPTY;
	case JSON_NOT_JSON: return UNPARSABLE_NOT_JSON;
	case JSON_NOT_UTF8: return UNPARSABLE_NOT_UTF8;
	case JSON_TRUNCATED: return UNPARSABLE_TRUNCATED;
	case JSON_TOO_DEEP: return UNPARSABLE_TOO_DEEP;
	case JSON_OK: break;
	}
	return UNPARSABLE_NOT_JSON;
}

static int unparsable(struct parse_error *error, enum unparsable reason, const char *detail)
{
	error->reason = reason;
	error->detail = detail;
	return -1;
}

int smartify_parse(const struct via *via, struct arena *a, const struct http_in *hook,
    struct event_list *out, struct parse_error *error)
{
	struct reading r = { .via = via,
		.conf = via->conf,
		.arena = a,
		.hook = hook,
		.error = error };
	struct json_error fault;

	*error = (struct parse_error){ 0 };
	r.root = json_read(a, hook->body, hook->body_len, &fault);
	if (r.root == NULL) {
		error->offset = fault.offset;
		return unparsable(error, unparsable_of(fault.fault), fault.detail);
	}
	if (r.root->type != JSON_OBJECT)
		return unparsable(error, UNPARSABLE_NOT_OBJECT, "the body is no object");
	r.payload = json_object(r.root, "payload");
	r.name = json_text(r.root, "hook.event");
	if (is_for_bot(&r))
		r.name = "event for an external bot";
	if (is_blank(r.name))
		return unparsable(error, UNPARSABLE_NO_EVENT, "hook.event names no event");
	if (r.payload == NULL)
		return bad_field(&r, "payload is no object");

	r.event = event_list_add(out, a);
	r.event->endpoint = via->endpoint->id;
	r.event->here_ms = hook->received_ms;
	if (is_for_bot(&r) ? read_unsupported(&r) == 0 : reader_of(r.name)(&r) == 0)
		return 0;
	out->count--; /* half of an event is none */
	return -1;
}
