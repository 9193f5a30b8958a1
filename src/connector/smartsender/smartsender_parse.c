/* What is read there becomes events: a message of a chat, the chat itself, and the call that says there is
 * something to read.
 *
 * Only sender.type "contact" is a customer's; what else stands there is not published, and all of it is our
 * side. Every field but the id may be missing or null. */
#include "connector/smartsender/smartsender.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json_in.h"
#include "base/json_out.h"
#include "base/zone.h"
#include "core/text.h"

#define DIGITS "0123456789"
#define CLOCKS_APART_MSECS ((int64_t)120 * 1000)
#define EDITED_MAX 40
#define LAST_SECOND 253402300800 /* of the year 9999 */
#define MEDIA_MAX 100            /* of one message; what is above is rubbish */

/* --- small things ------------------------------------------------------------------------------ */

const struct json *smartsender_list(const struct json *j, const char *path)
{
	const struct json *list = json_at(j, path);

	return list != NULL && (list->type == JSON_ARRAY || list->type == JSON_OBJECT) ? list
										       : NULL;
}

/* "2024-03-05 17:44:58", in the zone that is configured; or with a zone of its own. */
int64_t smartsender_latest(const struct via *via)
{
	return via->now_ms + CLOCKS_APART_MSECS;
}

int64_t smartsender_time(const struct via *via, const struct json *j, const char *path,
    int64_t not_after_ms)
{
	const struct smartsender_conf *conf = via->conf;
	const char *text = json_text(j, path);
	char zulu[32];
	int64_t ms;

	if (text == NULL)
		return 0;
	if (time_parse(text, &ms) == 0)
		return ms;
	if (strlen(text) < 19)
		return 0;
	snprintf(zulu, sizeof(zulu), "%.10sT%.8sZ", text, text + 11);
	if (time_parse(zulu, &ms) != 0)
		return 0;
	return conf->zone != NULL ? zone_utc(conf->zone, ms, not_after_ms) : ms;
}

static bool is_digits(const char *text)
{
	size_t len = text != NULL ? strlen(text) : 0;

	return len >= 1 && len <= 20 && strspn(text, DIGITS) == len;
}

enum unparsable smartsender_unparsable(int fault)
{
	switch ((enum json_fault)fault) {
	case JSON_EMPTY: return UNPARSABLE_EMPTY;
	case JSON_NOT_JSON: return UNPARSABLE_NOT_JSON;
	case JSON_NOT_UTF8: return UNPARSABLE_NOT_UTF8;
	case JSON_TRUNCATED: return UNPARSABLE_TRUNCATED;
	case JSON_TOO_DEEP: return UNPARSABLE_TOO_DEEP;
	case JSON_OK: break;
	}
	return UNPARSABLE_NOT_JSON;
}

/* --- what a message says ----------------------------------------------------------------------- */

#define REPLACED_MAX \
	100000 /* bytes: a value may hold the next placeholder, and that one the next */

static const char *replace_all(struct arena *a, const char *text, const char *key,
    const char *value)
{
	size_t len = strlen(key);
	const char *at;
	struct buf b;

	if (len == 0 || strstr(text, key) == NULL)
		return text;
	buf_init(&b);
	while ((at = strstr(text, key)) != NULL && b.len < REPLACED_MAX) {
		buf_add(&b, text, (size_t)(at - text));
		buf_add(&b, value, strlen(value));
		text = at + len;
	}
	buf_add(&b, text, strlen(text));
	text = arena_strndup(a, b.data, b.len);
	buf_fini(&b);
	return text;
}

/* Each key is a placeholder in the text; its value stands there instead, a text or a number. */
static const char *pending_text(struct arena *a, const struct json *p)
{
	const char *text = json_text(p, "content");
	const struct json *list = json_object(p, "replacement"), *r;
	int i = 0;

	for (r = list != NULL ? list->child : NULL; text != NULL && r != NULL && i < MEDIA_MAX;
	     r = r->next, i++)
		if (r->type == JSON_STRING || r->type == JSON_NUMBER)
			text = replace_all(a, text, r->key, r->text);
	return text;
}

static const char *invoice_text(struct arena *a, const struct json *p)
{
	const char *title = json_text(p, "receipt.title");
	const char *words = json_text(p, "receipt.description");

	return arena_printf(a, "Invoice: %s%s%s", title != NULL ? title : "",
	    title != NULL && words != NULL ? "\n" : "", words != NULL ? words : "");
}

const char *smartsender_text(struct arena *a, const struct json *content)
{
	const char *type = json_text(content, "type");
	const struct json *p = json_object(content, "resource.parameters");

	if (type == NULL)
		return NULL;
	if (strcmp(type, "text") == 0 || strcmp(type, "input") == 0 || strcmp(type, "action") == 0)
		return json_text(p, "content");
	if (strcmp(type, "pendingText") == 0)
		return pending_text(a, p);
	if (strcmp(type, "link") == 0)
		return json_text(p, "url");
	if (strcmp(type, "telegramInvoice") == 0)
		return invoice_text(a, p);
	return NULL;
}

/* --- files ------------------------------------------------------------------------------------- */

static const struct {
	const char *type;
	enum attachment_kind kind;
} media[] = {
	{ "picture", ATTACHMENT_IMAGE },
	{ "telegramCaptionedPicture", ATTACHMENT_IMAGE },
	{ "animation", ATTACHMENT_IMAGE },
	{ "video", ATTACHMENT_VIDEO },
	{ "telegramVideoNote", ATTACHMENT_VIDEO },
	{ "audio", ATTACHMENT_AUDIO },
	{ "voice", ATTACHMENT_AUDIO },
	{ "file", ATTACHMENT_FILE },
};

bool smartsender_media(const char *type, enum attachment_kind *kind)
{
	size_t i;

	for (i = 0; type != NULL && i < sizeof(media) / sizeof(*media); i++)
		if (strcmp(media[i].type, type) == 0) {
			*kind = media[i].kind;
			return true;
		}
	return false;
}

/* Addresses may hold blanks and letters of any script, as somebody has called the file. */
static const char *clean_url(struct arena *a, const char *url)
{
	const char *p;
	char *out, *o;

	if (url == NULL || *url == '\0')
		return NULL;
	o = out = arena_alloc(a, 3 * strlen(url) + 1);
	for (p = url; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f)
			o += snprintf(o, 4, "%%%02X", (unsigned char)*p);
		else
			*o++ = *p;
	*o = '\0';
	return out;
}

struct attachments {
	struct attachment *items;
	size_t count, size;
};

static struct attachment *add(struct attachments *list, enum attachment_kind kind)
{
	struct attachment *f;

	if (list->count == list->size)
		return NULL;
	f = &list->items[list->count++];
	*f = (struct attachment){ .kind = kind, .size = -1 };
	return f;
}

static void add_file(struct arena *a, struct attachments *list, const struct json *content)
{
	const char *url = clean_url(a, json_text(content, "resource.parameters.url"));
	enum attachment_kind kind = ATTACHMENT_FILE;
	struct attachment *f;

	smartsender_media(json_text(content, "type"), &kind);
	f = url != NULL ? add(list, kind) : NULL;
	if (f != NULL)
		f->url = url;
}

static void add_group(struct arena *a, struct attachments *list, const struct json *p)
{
	const struct json *group = smartsender_list(p, "media"), *m;

	for (m = group != NULL ? group->child : NULL; m != NULL; m = m->next)
		add_file(a, list, m);
}

static void add_location(struct attachments *list, const struct json *p)
{
	const char *latitude = json_id(p, "latitude"), *longitude = json_id(p, "longitude");
	struct attachment *f =
	    latitude != NULL && longitude != NULL ? add(list, ATTACHMENT_LOCATION) : NULL;

	if (f == NULL)
		return;
	f->latitude = latitude;
	f->longitude = longitude;
	f->title = json_text(p, "title");
}

static void add_contact(struct attachments *list, const struct json *p)
{
	struct attachment *f = add(list, ATTACHMENT_CONTACT);

	if (f == NULL)
		return;
	f->contact_name = json_text(p, "name");
	f->phone = json_id(p, "phoneNumber");
}

/* --- a message --------------------------------------------------------------------------------- */

static enum role role_of(const char *type)
{
	if (type != NULL && strcmp(type, "contact") == 0)
		return ROLE_CUSTOMER;
	if (type != NULL
	    && (strcasestr(type, "operator") != NULL || strcasestr(type, "user") != NULL))
		return ROLE_AGENT;
	return ROLE_BOT;
}

/* False: it is of a kind that nobody has told us of. */
static bool read_content(struct arena *a, const struct json *content, struct event *e)
{
	const char *type = json_text(content, "type");
	const struct json *p = json_object(content, "resource.parameters");
	struct attachments list = { .size = MEDIA_MAX };
	enum attachment_kind kind;
	bool is_known = true;

	list.items = arena_alloc(a, MEDIA_MAX * sizeof(*list.items));
	e->text = smartsender_text(a, content);
	if (e->text != NULL)
		return true;
	if (type == NULL || p == NULL)
		return false;
	if (smartsender_media(type, &kind)) {
		add_file(a, &list, content);
		e->text = json_text(p, "caption");
	} else if (strcmp(type, "mediaGroup") == 0) {
		add_group(a, &list, p);
	} else if (strcmp(type, "location") == 0) {
		add_location(&list, p);
	} else if (strcmp(type, "contact") == 0) {
		add_contact(&list, p);
	} else {
		is_known = strcmp(type, "text") == 0 || strcmp(type, "input") == 0;
	}
	e->attachments = list.items;
	e->nattachments = list.count;
	return is_known;
}

/* Since 1970; what is no time of ours is none. */
static int64_t seconds_of(const struct json *j, const char *path)
{
	int64_t secs = json_int(j, path, 0);

	return secs > 0 && secs < LAST_SECOND ? secs : 0;
}

static void read_what(struct arena *a, const struct json *m, struct event *e)
{
	const struct json *content = json_object(m, "content");
	const char *type = json_text(content, "type");

	if (type != NULL && strcmp(type, "transient") == 0) {
		e->kind = EVENT_UPDATE;
		e->flags |= EVENT_IS_DELETED;
		e->version = seconds_of(content, "context.timestamp") * 1000;
		return;
	}
	if (type != NULL && strcmp(type, "action") == 0)
		e->flags |= EVENT_IS_SYSTEM;
	if (!read_content(a, content, e))
		e->text = arena_printf(a, "[unsupported message: %s]",
		    type != NULL ? text_excerpt(a, type, 40) : "unknown");
	if (e->text != NULL)
		e->text = text_clean(a, e->text, strlen(e->text));
	if ((e->text == NULL || e->text[strspn(e->text, " \t\n")] == '\0') && e->nattachments == 0)
		e->flags |= EVENT_IS_EMPTY;
}

static void read_person(const struct via *via, struct arena *a, const char *id, const char *name,
    struct person *out)
{
	const char *tenant = smartsender_tenant(via);

	*out = (struct person){
		.identity =
		    ids_identity(a, SMARTSENDER_PLATFORM, tenant, via->endpoint->host, tenant, id),
		.id = id,
		.address = id,
		.name = name,
	};
}

void smartsender_read_message(const struct via *via, struct arena *a, const struct json *m,
    const struct smartsender_chat *chat, int64_t not_after_ms, struct event *out)
{
	*out = (struct event){ .kind = EVENT_MESSAGE, .format = FORMAT_PLAIN };
	out->remote = json_id(m, "id");
	out->key = arena_printf(a, "m:%s", out->remote);
	out->conversation = chat->id;
	out->conversation_at_ms = chat->at_ms;
	if (chat->person != NULL)
		read_person(via, a, chat->person, chat->name, &out->person);
	out->author.role = role_of(json_text(m, "sender.type"));
	out->author.name = text_name(a, json_text(m, "sender.fullName"));
	out->author.id = out->author.role == ROLE_CUSTOMER ? chat->person : json_id(m, "sender.id");
	out->is_private = json_true(m, "internal");
	out->at_ms = smartsender_time(via, m, "createdAt", not_after_ms);
	out->channel = json_text(m, "gate.channel.type");
	read_what(a, m, out);
}

/* It says what it says now. Where it is news, it is the message. */
static void become_edit(const struct via *via, struct arena *a, const struct json *m,
    struct event *e)
{
	const char *at = json_text(m, "editedAt");

	if (at == NULL || *at == '\0' || e->kind != EVENT_MESSAGE)
		return;
	e->kind = EVENT_EDIT;
	e->key = arena_printf(a, "e:%s:%s", e->remote, text_excerpt(a, at, EDITED_MAX));
	e->version = smartsender_time(via, m, "editedAt", smartsender_latest(via));
}

/* What became of a message on its way to the contact. */
static void add_receipt(const struct via *via, struct arena *a, const struct json *m,
    struct event_list *out)
{
	int64_t latest_ms = smartsender_latest(via);
	int64_t seen_ms = smartsender_time(via, m, "seenAt", latest_ms);
	int64_t at_ms = seen_ms != 0 ? seen_ms : smartsender_time(via, m, "deliveredAt", latest_ms);
	const struct event *about = &out->items[out->count - 1];
	const char *remote = about->remote, *chat = about->conversation;
	struct event *e;

	if (at_ms == 0 || about->author.role == ROLE_CUSTOMER || about->is_private
	    || (about->flags & (EVENT_IS_DELETED | EVENT_IS_SYSTEM)) != 0)
		return;
	e = event_list_add(out, a);
	e->kind = EVENT_RECEIPT;
	e->state = seen_ms != 0 ? STATE_READ : STATE_DELIVERED;
	e->remote = remote;
	e->conversation = chat;
	e->key = arena_printf(a, "s:%s:%s", remote, state_word((int)e->state));
	e->version = e->at_ms = at_ms;
	e->author.role = ROLE_SYSTEM;
}

void smartsender_add_message(const struct via *via, struct arena *a, const struct json *m,
    const struct smartsender_chat *chat, int64_t not_after_ms, struct event_list *out)
{
	struct event *e = event_list_add(out, a);

	smartsender_read_message(via, a, m, chat, not_after_ms, e);
	become_edit(via, a, m, e);
	add_receipt(via, a, m, out);
}

/* --- a chat ------------------------------------------------------------------------------------ */

static int64_t unread_of(const struct json *j)
{
	const struct json *gates = smartsender_list(j, "gates"), *g;
	int64_t n = json_int(j, "unreadMessages", -1);

	if (n >= 0)
		return n;
	n = 0;
	for (g = gates != NULL ? gates->child : NULL; g != NULL; g = g->next)
		n += json_int(g, "unreadMessages", 0);
	return n;
}

static const char *extra_of(struct arena *a, const struct json *j, const char *person,
    const struct event *e)
{
	struct json_out *o = json_out_new(a);

	json_begin_object(o);
	json_member_text(o, "person", person);
	json_member_text(o, "name", text_name(a, json_text(j, "name")));
	json_member_int(o, "at", e->conversation_at_ms);
	json_member_text(o, "state", state_word((int)e->state));
	json_member_text(o, "updated", json_text(j, "updatedAt"));
	json_member_int(o, "unread", unread_of(j));
	json_end_object(o);
	return json_done(o, NULL);
}

bool smartsender_read_chat(const struct via *via, struct arena *a, const struct json *j,
    enum state state, struct event_list *out)
{
	const char *id = json_id(j, "id"), *person = json_id(j, "contact.originalId");
	const struct smartsender_conf *conf = via->conf;
	struct event *e;

	/* They stand in paths. */
	if (!is_digits(id) || !is_digits(person))
		return false;
	e = event_list_add(out, a);
	e->kind = EVENT_CONVERSATION;
	e->conversation = id;
	e->conversation_at_ms = smartsender_time(via, j, "createdAt", smartsender_latest(via));
	e->version = smartsender_time(via, j, "updatedAt", smartsender_latest(via));
	e->at_ms = e->version;
	e->key = arena_printf(a, "s:%s:%" PRId64, id, e->version);
	e->state = state;
	read_person(via, a, person, text_name(a, json_text(j, "name")), &e->person);
	e->extra = extra_of(a, j, person, e);
	if (conf->mark_read && unread_of(j) > 0)
		e->flags |= EVENT_WANTS_READ;
	return true;
}

void smartsender_chat_of(struct arena *a, const struct event *about, struct smartsender_chat *out)
{
	struct json_error error;
	const struct json *j = NULL;

	if (about != NULL && about->extra != NULL)
		j = json_read(a, about->extra, strlen(about->extra), &error);
	out->person = json_text(j, "person");
	out->name = json_text(j, "name");
	out->at_ms = json_int(j, "at", 0);
}

/* --- a wake-up --------------------------------------------------------------------------------- */

/* It names a contact, or (a variable that was not filled in) nobody. Nothing it says is believed but that
 * now is a time to look. */
int smartsender_parse(const struct via *via, struct arena *a, const struct http_in *hook,
    struct event_list *out, struct parse_error *error)
{
	const struct smartsender_conf *conf = via->conf;
	const struct json *j;
	struct json_error fault;
	const char *id;
	struct event *e;

	*error = (struct parse_error){ 0 };
	j = json_read(a, hook->body, hook->body_len, &fault);
	if (j == NULL || j->type != JSON_OBJECT) {
		*error = (struct parse_error){ .reason = j == NULL
			    ? smartsender_unparsable((int)fault.fault)
			    : UNPARSABLE_NOT_OBJECT,
			.offset = fault.offset,
			.detail = fault.detail };
		return -1;
	}
	id = json_id(j, conf->user_id_path);
	e = event_list_add(out, a);
	e->kind = EVENT_WAKE;
	if (!is_digits(id)) {
		e->drop = DROP_EMPTY;
		e->detail = "names no contact";
		return 0;
	}
	e->key = arena_printf(a, "w:%s", id);
	e->person.id = id;
	return 0;
}
