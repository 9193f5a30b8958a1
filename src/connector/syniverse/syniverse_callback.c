/* Callbacks of the Chat API → events. Their form is not public, so where each thing stands, what types are
 * called and what directions are called is configuration; nothing is certain to be there. What is certain:
 * a session's id is in each. One of a session that we do not know (an earlier life's, or anybody's) is
 * dropped and counted. */
#include "connector/syniverse/syniverse.h"

#include <string.h>

#include "base/arena.h"
#include "base/json_in.h"
#include "core/file.h"

static const struct json *field(const struct syniverse_reading *r, const struct json *item,
    enum syniverse_field f)
{
	const char *const *path;
	const struct json *j;

	for (path = r->conf->path[f]; path != NULL && *path != NULL; path++) {
		j = json_at(item, *path);
		if (j != NULL && j->type != JSON_NULL)
			return j;
	}
	return NULL;
}

/* As text, numbers too; NULL where it is neither, or blank. */
static const char *text_of(const struct syniverse_reading *r, const struct json *item,
    enum syniverse_field f)
{
	const struct json *j = field(r, item, f);

	if (j == NULL || (j->type != JSON_STRING && j->type != JSON_NUMBER))
		return NULL;
	return j->text[strspn(j->text, " \t\r\n")] != '\0' ? j->text : NULL;
}

static bool is_one_of(const char *const *words, const char *word)
{
	for (; words != NULL && *words != NULL; words++)
		if (strcmp(*words, word) == 0)
			return true;
	return false;
}

/* TYPE_COUNT: none that we know. */
static enum syniverse_type type_of(const struct syniverse_reading *r, const char *type)
{
	const char *word = syniverse_word(r->arena, type);
	int i;

	for (i = 0; i < TYPE_COUNT; i++)
		if (is_one_of(r->conf->type[i], word))
			break;
	return (enum syniverse_type)i;
}

/* --- what was said ----------------------------------------------------------------------------- */

static const char *file_text(const struct json *j, const char *a, const char *b)
{
	const char *text = json_text(j, a);

	return text != NULL || b == NULL ? text : json_text(j, b);
}

static void read_attachments(const struct syniverse_reading *r, const struct json *item,
    struct syniverse_said *said)
{
	const struct json *list = field(r, item, FIELD_ATTACHMENTS), *j;
	struct attachment *files;
	const char *url, *type;
	size_t n = 0;

	if (list == NULL || list->type != JSON_ARRAY)
		return;
	files = arena_zalloc(r->arena, (list->count + 1) * sizeof(*files));
	for (j = list->child; j != NULL; j = j->next) {
		url = j->type == JSON_STRING ? j->text : json_text(j, "url");
		if (url == NULL || *url == '\0')
			continue;
		type = file_text(j, "contentType", "type");
		if (type == NULL || strchr(type, '/') == NULL)
			type = file_type_by_name(r->arena, url);
		files[n++] =
		    (struct attachment){ .kind = type != NULL ? file_kind(type) : ATTACHMENT_FILE,
			    .url = url,
			    .type = type,
			    .name = file_text(j, "name", NULL),
			    .size = json_int(j, "size", -1) };
	}
	said->attachments = files;
	said->nattachments = n;
}

/* Where nothing is said of the direction, the author tells: without one it is the customer's. Where the
 * contact has no id to compare with, it is the customer's too unless we are the author: rather shown than
 * lost. */
static bool is_incoming(const struct syniverse_reading *r, const struct json *item)
{
	const char *said = text_of(r, item, FIELD_DIRECTION);
	const char *author = text_of(r, item, FIELD_AUTHOR);
	const char *contact = text_of(r, item, FIELD_CONTACT);
	const char *word = said != NULL ? syniverse_word(r->arena, said) : "";
	struct syniverse_session session;

	if (is_one_of(r->conf->direction[DIRECTION_INCOMING], word))
		return true;
	if (is_one_of(r->conf->direction[DIRECTION_OUTGOING], word))
		return false;
	if (author == NULL || syniverse_equal(author, contact))
		return true;
	if (syniverse_session(r->via, r->arena, &session)
	    && syniverse_equal(author, session.acts_for))
		return false;
	return contact == NULL;
}

static int read_message(struct syniverse_reading *r, const struct json *item)
{
	struct syniverse_said said = {
		.remote = text_of(r, item, FIELD_MESSAGE),
		.address = syniverse_address(r->arena, text_of(r, item, FIELD_ADDRESS)),
		.chat = text_of(r, item, FIELD_CHAT),
		.name = text_of(r, item, FIELD_NAME),
		.text = text_of(r, item, FIELD_TEXT),
		.at_ms = syniverse_time(field(r, item, FIELD_TIME), r->hook->received_ms),
	};

	if (r->conf->source != SOURCE_CHAT) {
		syniverse_add_dropped(r, DROP_DUPLICATE,
		    r->conf->source == SOURCE_POLL ? "inbound: poll reads it"
						   : "inbound: ess tells of it");
		return 0;
	}
	if (!is_incoming(r, item)) {
		/* Ours come back here, without a mark. */
		syniverse_add_dropped(r, DROP_DISABLED,
		    "what is written at the customers' platform itself is not carried from there");
		return 0;
	}
	if (said.address == NULL)
		return syniverse_bad_field(r, "the contact's address is missing (paths.address)");
	read_attachments(r, item, &said);
	syniverse_add_message(r, &said);
	return 0;
}

/* --- events ------------------------------------------------------------------------------------ */

static void read_ended(struct syniverse_reading *r, const char *session, bool is_current)
{
	struct event *e;

	if (!is_current) {
		syniverse_add_dropped(r, DROP_NO_CHANGE,
		    "the session before the current one ended");
		return;
	}
	e = event_list_add(r->out, r->arena);
	e->kind = EVENT_SESSION;
	e->state = STATE_ENDED;
	e->key = arena_printf(r->arena, "e:%s", session);
}

static bool has_words(const struct syniverse_reading *r, const struct json *item)
{
	const struct json *files = field(r, item, FIELD_ATTACHMENTS);

	return text_of(r, item, FIELD_TEXT) != NULL
	    || (files != NULL && files->type == JSON_ARRAY && files->count > 0);
}

/* explain has no session to compare with: there each is taken for the current one. */
static bool is_ours(struct syniverse_reading *r, const char *session, bool *is_current)
{
	*is_current = true;
	if (r->via->explain || r->conf->source != SOURCE_CHAT)
		return true;
	return session != NULL && syniverse_session_fits(r->via, r->arena, session, is_current);
}

int syniverse_read_callback(struct syniverse_reading *r, const struct json *item)
{
	const char *session = text_of(r, item, FIELD_SESSION), *type = text_of(r, item, FIELD_TYPE);
	enum syniverse_type what = TYPE_MESSAGE;
	bool is_current;

	if (type == NULL && session == NULL && !has_words(r, item)) {
		r->error->reason = UNPARSABLE_NO_EVENT;
		r->error->detail = "neither a session nor a type nor words are in it (paths)";
		return -1;
	}
	if (!is_ours(r, session, &is_current)) {
		syniverse_add_dropped(r, DROP_OTHER_SESSION,
		    session != NULL ? "a session that is not ours" : "it names no session");
		return 0;
	}
	if (type != NULL)
		what = type_of(r, type);
	else if (!has_words(r, item))
		what = TYPE_COUNT;
	switch (what) {
	case TYPE_MESSAGE: return read_message(r, item);
	case TYPE_ENDED: read_ended(r, session != NULL ? session : "", is_current); return 0;
	case TYPE_OPENED:
	case TYPE_CLOSED:
		syniverse_add_dropped(r, DROP_UNSUPPORTED, "chats begin and end unseen");
		return 0;
	case TYPE_DELIVERY:
		syniverse_add_dropped(r, DROP_UNSUPPORTED, "states of delivery are not carried");
		return 0;
	case TYPE_COUNT: break;
	}
	syniverse_add_dropped(r, DROP_UNKNOWN, type != NULL ? type : "no type");
	return 0;
}
