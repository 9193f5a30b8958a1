/* See history_read.h. */
#include "core/history_read.h"

#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/json_in.h"
#include "core/facts.h"
#include "core/text.h"

#define SHOWN_MAX 40 /* of what was found */

struct reading {
	struct arena *a;
	struct err *err;
	bool is_wrong;
};

static const char *const type_words[] = { "null", "false", "true", "a number", "a text", "a list",
	"an object" };

/* Of several faults the first is told. */
static void wrong(struct reading *r, const char *place, const char *member, const char *found,
    const char *allowed)
{
	if (!r->is_wrong)
		err_set(r->err, "%s%s: found %s; allowed: %s", place, member, found, allowed);
	r->is_wrong = true;
}

static const char *found_in(struct reading *r, const struct json *j)
{
	if (j == NULL)
		return "nothing";
	return j->type == JSON_STRING
	    ? arena_printf(r->a, "\"%s\"", text_excerpt(r->a, j->text, SHOWN_MAX))
	    : type_words[j->type];
}

/* null is as good as none. */
static const struct json *member(const struct json *j, const char *key)
{
	const struct json *m = json_member(j, key);

	return m != NULL && m->type == JSON_NULL ? NULL : m;
}

static const char *read_text(struct reading *r, const struct json *j, const char *place,
    const char *key)
{
	const struct json *m = member(j, key);

	if (m == NULL || m->type == JSON_STRING)
		return m != NULL ? m->text : NULL;
	wrong(r, place, key, type_words[m->type], "a text");
	return NULL;
}

static const char *read_id(struct reading *r, const struct json *j, const char *place,
    const char *key)
{
	const char *text = read_text(r, j, place, key);

	if (text != NULL && *text != '\0')
		return text;
	wrong(r, place, key, text != NULL ? "an empty text" : "nothing",
	    "what its platform calls it");
	return "";
}

static int64_t read_time(struct reading *r, const struct json *j, const char *key, bool is_needed)
{
	const struct json *m = member(j, key);
	int64_t ms = 0;

	if (m == NULL && !is_needed)
		return 0;
	if (m == NULL || m->type != JSON_STRING || time_parse(m->text, &ms) != 0)
		wrong(r, "", key, found_in(r, m), "a time like 2026-11-20T20:29:16.267Z");
	return ms;
}

static bool read_bool(struct reading *r, const struct json *j, const char *key)
{
	const struct json *m = member(j, key);

	if (m != NULL && m->type != JSON_TRUE && m->type != JSON_FALSE)
		wrong(r, "", key, found_in(r, m), "true, false");
	return m != NULL && m->type == JSON_TRUE;
}

/* Its elements; NULL: none. */
static const struct json *read_list(struct reading *r, const struct json *j, const char *key,
    size_t *count)
{
	const struct json *m = member(j, key);

	*count = 0;
	if (m == NULL)
		return NULL;
	if (m->type != JSON_ARRAY) {
		wrong(r, "", key, type_words[m->type], "a list");
		return NULL;
	}
	*count = m->count;
	return m->child;
}

struct wording {
	const char *word;
	int value;
};

/* The last of choices has no word; its value is that of a member that is not there, -1: it must be. */
static int read_choice(struct reading *r, const struct json *m, const char *place, const char *key,
    const struct wording *choices)
{
	const struct wording *c;
	const char *allowed = "";

	for (c = choices; c->word != NULL; c++) {
		if (m != NULL && m->type == JSON_STRING && strcmp(m->text, c->word) == 0)
			return c->value;
		allowed = arena_printf(r->a, "%s%s%s", allowed, c == choices ? "" : ", ", c->word);
	}
	if (m != NULL || c->value < 0)
		wrong(r, place, key, found_in(r, m), allowed);
	return c->value < 0 ? 0 : c->value;
}

/* ---- conversations ---- */

static void read_tags(struct reading *r, const struct json *j, struct event *e)
{
	const struct json *t = read_list(r, j, "tags", &e->ntags);
	const char **tags = arena_zalloc(r->a, (e->ntags + 1) * sizeof(*tags));
	size_t i;

	for (i = 0; t != NULL; t = t->next, i++) {
		if (t->type != JSON_STRING)
			wrong(r, "", arena_printf(r->a, "tags[%zu]", i), type_words[t->type],
			    "a text");
		tags[i] = t->type == JSON_STRING ? t->text : "";
	}
	e->tags = tags;
}

static void read_person(struct reading *r, const struct json *j, struct person *p)
{
	const struct json *m = member(j, "person");

	if (m == NULL || m->type != JSON_OBJECT) {
		wrong(r, "", "person", found_in(r, m), "an object");
		return;
	}
	p->identity = read_id(r, m, "person.", "identity");
	p->id = read_text(r, m, "person.", "id");
	p->address = read_text(r, m, "person.", "address");
	p->name = read_text(r, m, "person.", "name");
	p->email = read_text(r, m, "person.", "email");
	p->phone = read_text(r, m, "person.", "phone");
	p->avatar = read_text(r, m, "person.", "avatar");
}

static void read_assignee(struct reading *r, const struct json *j, struct author *who)
{
	const struct json *m = member(j, "assignee");

	if (m == NULL)
		return;
	if (m->type != JSON_OBJECT) {
		wrong(r, "", "assignee", found_in(r, m), "an object");
		return;
	}
	who->role = ROLE_AGENT;
	who->id = read_id(r, m, "assignee.", "id");
	who->name = read_text(r, m, "assignee.", "name");
	who->email = read_text(r, m, "assignee.", "email");
}

/* What is told besides, as a callback would tell it. */
static const struct facts *read_facts(struct reading *r, const struct json *j,
    const struct event *e)
{
	const struct json *attributes = member(j, "attributes");
	struct facts *f = ARENA_NEW(r->a, struct facts);
	const struct person *p = &e->person;

	if (attributes != NULL && attributes->type != JSON_OBJECT)
		wrong(r, "", "attributes", found_in(r, attributes), "an object");
	else if (attributes != NULL)
		f->v[FACT_ATTRIBUTES] = fact_attributes(r->a, attributes, NULL);
	f->v[FACT_NAME] = fact_form(r->a, FACT_NAME, p->name);
	f->v[FACT_EMAIL] = fact_form(r->a, FACT_EMAIL, p->email);
	f->v[FACT_PHONE] = fact_form(r->a, FACT_PHONE, p->phone);
	f->v[FACT_AVATAR] = p->avatar;
	f->v[FACT_AGENT] = e->assignee.id;
	f->v[FACT_TEAM] = e->department;
	f->v[FACT_PRIORITY] = read_text(r, j, "", "priority");
	if (member(j, "tags") != NULL)
		f->v[FACT_LABELS] = fact_labels(r->a, e->tags, e->ntags);
	return f;
}

static void read_conversation(struct reading *r, const struct json *j, struct history_line *out)
{
	static const struct wording states[] = { { "open", STATE_OPEN },
		{ "pending", STATE_PENDING }, { "snoozed", STATE_SNOOZED },
		{ "resolved", STATE_RESOLVED }, { NULL, STATE_NONE } };
	struct event *e = &out->event;

	out->endpoint = read_text(r, j, "", "endpoint");
	out->platform = read_text(r, j, "", "platform");
	e->kind = EVENT_CONVERSATION;
	e->conversation = read_id(r, j, "", "id");
	e->state = (enum state)read_choice(r, member(j, "state"), "", "state", states);
	e->conversation_at_ms = read_time(r, j, "begun", false);
	e->version = read_time(r, j, "changed", false);
	e->channel = read_text(r, j, "", "channel");
	e->department = read_text(r, j, "", "department");
	e->department_name = read_text(r, j, "", "department_name");
	read_tags(r, j, e);
	read_person(r, j, &e->person);
	read_assignee(r, j, &e->assignee);
	e->facts = read_facts(r, j, e);
	e->facts_version = e->person_version = e->version;
}

/* ---- messages ---- */

static unsigned read_flags(struct reading *r, const struct json *j)
{
	static const struct wording words[] = { { "draft", EVENT_IS_DRAFT },
		{ "hidden", EVENT_IS_HIDDEN }, { "system", EVENT_IS_SYSTEM },
		{ "command", EVENT_IS_COMMAND }, { "preflight", EVENT_IS_PREFLIGHT },
		{ "deleted", EVENT_IS_DELETED }, { "automatic", EVENT_IS_AUTOMATIC },
		{ "sticker", EVENT_IS_STICKER }, { "empty", EVENT_IS_EMPTY }, { NULL, -1 } };
	size_t count;
	const struct json *f = read_list(r, j, "flags", &count);
	unsigned flags = 0;

	for (; f != NULL; f = f->next)
		flags |= (unsigned)read_choice(r, f, "", "flags", words);
	return flags;
}

static void read_file(struct reading *r, const struct json *j, size_t i, struct attachment *f)
{
	static const struct wording kinds[] = { { "image", ATTACHMENT_IMAGE },
		{ "audio", ATTACHMENT_AUDIO }, { "video", ATTACHMENT_VIDEO },
		{ "file", ATTACHMENT_FILE }, { "location", ATTACHMENT_LOCATION },
		{ "contact", ATTACHMENT_CONTACT }, { NULL, -1 } };
	const char *place = arena_printf(r->a, "files[%zu].", i);
	const struct json *size;

	if (j->type != JSON_OBJECT) {
		wrong(r, "", arena_printf(r->a, "files[%zu]", i), type_words[j->type], "an object");
		return;
	}
	size = member(j, "size");
	if (size != NULL && (size->type != JSON_NUMBER || json_int(j, "size", -1) < 0))
		wrong(r, place, "size", found_in(r, size), "a number of bytes");
	*f = (struct attachment){
		.kind =
		    (enum attachment_kind)read_choice(r, member(j, "kind"), place, "kind", kinds),
		.url = read_text(r, j, place, "url"),
		.type = read_text(r, j, place, "type"),
		.name = read_text(r, j, place, "name"),
		.size = json_int(j, "size", -1),
		.latitude = read_text(r, j, place, "latitude"),
		.longitude = read_text(r, j, place, "longitude"),
		.title = read_text(r, j, place, "title"),
		.contact_name = read_text(r, j, place, "contact_name"),
		.phone = read_text(r, j, place, "phone"),
	};
}

static void read_files(struct reading *r, const struct json *j, struct event *e)
{
	const struct json *f = read_list(r, j, "files", &e->nattachments);
	struct attachment *files = arena_zalloc(r->a, (e->nattachments + 1) * sizeof(*files));
	size_t i;

	for (i = 0; f != NULL; f = f->next, i++)
		read_file(r, f, i, &files[i]);
	e->attachments = files;
}

static void read_widget(struct reading *r, const struct json *j, size_t i, struct widget *w)
{
	static const struct wording kinds[] = {
#define X(name, word) { word, WIDGET_##name },
		WIDGET_KINDS(X)
#undef X
		    { NULL, -1 }
	};
	const char *place = arena_printf(r->a, "widgets[%zu].", i);

	if (j->type != JSON_OBJECT) {
		wrong(r, "", arena_printf(r->a, "widgets[%zu]", i), type_words[j->type],
		    "an object");
		return;
	}
	*w = (struct widget){
		.kind = (enum widget_kind)read_choice(r, member(j, "kind"), place, "kind", kinds),
		.label = read_text(r, j, place, "label"),
		.text = read_text(r, j, place, "text"),
		.url = read_text(r, j, place, "url"),
		.image = read_text(r, j, place, "image"),
	};
}

static void read_widgets(struct reading *r, const struct json *j, struct event *e)
{
	const struct json *w = read_list(r, j, "widgets", &e->nwidgets);
	struct widget *widgets = arena_zalloc(r->a, (e->nwidgets + 1) * sizeof(*widgets));
	size_t i;

	for (i = 0; w != NULL; w = w->next, i++)
		read_widget(r, w, i, &widgets[i]);
	e->widgets = widgets;
}

static void read_message(struct reading *r, const struct json *j, struct event *e)
{
	static const struct wording roles[] = { { "customer", ROLE_CUSTOMER },
		{ "agent", ROLE_AGENT }, { "bot", ROLE_BOT }, { "system", ROLE_SYSTEM },
		{ NULL, -1 } };
	static const struct wording formats[] = { { "plain", FORMAT_PLAIN },
		{ "markdown", FORMAT_MARKDOWN }, { "html", FORMAT_HTML }, { NULL, FORMAT_PLAIN } };

	e->kind = EVENT_MESSAGE;
	e->conversation = read_id(r, j, "", "conversation");
	e->remote = read_id(r, j, "", "id");
	e->key = arena_printf(r->a, "m:%s", e->remote); /* as its callback's would be */
	e->at_ms = read_time(r, j, "at", true);
	e->author.role = (enum role)read_choice(r, member(j, "role"), "", "role", roles);
	e->author.id = read_text(r, j, "", "author");
	e->author.name = read_text(r, j, "", "name");
	e->is_private = read_bool(r, j, "private");
	e->flags = read_flags(r, j);
	e->format = (enum format)read_choice(r, member(j, "format"), "", "format", formats);
	e->text = read_text(r, j, "", "text");
	e->reply_to = read_text(r, j, "", "reply_to");
	e->choice = read_text(r, j, "", "choice");
	e->mark = read_text(r, j, "", "mark");
	e->mark_place = e->mark != NULL ? "mark" : NULL;
	read_files(r, j, e);
	read_widgets(r, j, e);
	if ((e->text == NULL || *e->text == '\0') && e->nattachments == 0 && e->nwidgets == 0)
		e->flags |= EVENT_IS_EMPTY;
}

int history_read(struct arena *a, const char *text, size_t len, struct history_line *out,
    struct err *err)
{
	static const struct wording types[] = { { "conversation", 1 }, { "message", 0 },
		{ NULL, -1 } };
	struct reading r = { .a = a, .err = err };
	struct json_error error;
	const struct json *j;

	*out = (struct history_line){ 0 };
	if (memchr(text, '\0', len) != NULL)
		return err_set(err, "there is a NUL byte in it; allowed: a JSON object");
	j = json_read(a, text, len, &error);
	if (j == NULL)
		return err_set(err, "byte %zu: %s; allowed: a JSON object", error.offset + 1,
		    error.fault == JSON_TRUNCATED ? "it is cut off" : error.detail);
	if (j->type != JSON_OBJECT)
		return err_set(err, "found %s; allowed: a JSON object", type_words[j->type]);
	out->is_conversation = read_choice(&r, member(j, "type"), "", "type", types) == 1;
	if (!r.is_wrong && out->is_conversation)
		read_conversation(&r, j, out);
	else if (!r.is_wrong)
		read_message(&r, j, &out->event);
	return r.is_wrong ? -1 : 0;
}
