/* See compose.h. */
#include "core/compose.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "core/facts.h"
#include "core/file.h"
#include "core/migration.h"
#include "core/rich.h"
#include "core/text.h"
#include "core/texts.h"
#include "core/widgets.h"

/* As the platform wrote it: what its key ends in (e:<id>:<version>). */
static const char *edit_version(const struct event *e)
{
	size_t head = strlen("e:") + strlen(e->remote) + 1;

	return e->key != NULL && strlen(e->key) > head ? e->key + head : NULL;
}

/* The same words on every copy have the same root: that of our own mark, where there is one. A
 * foreign relay's root is not believed, since message numbers can be guessed. */
static struct root root_of(const struct compose_in *in)
{
	if (in->mark != NULL && in->mark->ours)
		return in->mark->root;
	if (in->event->kind == EVENT_EDIT)
		return ids_root_of_edit(in->from.platform, in->from.host, in->from.tenant,
		    in->event->remote, edit_version(in->event));
	return ids_root(in->from.platform, in->from.host, in->from.tenant,
	    in->event->remote != NULL && in->event->kind != EVENT_DELETE ? in->event->remote
									 : in->event->key);
}

static const char *add_lines(struct arena *a, const char *text, const char *lines)
{
	return *text == '\0' ? lines : arena_printf(a, "%s\n%s", text, lines);
}

static bool is_number(const char *digits)
{
	size_t sign = digits != NULL && *digits == '-', len = digits != NULL ? strlen(digits) : 0;

	return len > sign && len < 32 && strspn(digits + sign, "0123456789.") == len - sign;
}

static const char *location_text(struct arena *a, const struct option_map *texts,
    const struct attachment *f)
{
	const char *title = text_name(a, f->title);
	const char *head = title != NULL
	    ? fixed_fill(a, texts, FIXED_LOCATION, FIXED_VALUES({ "title", title }))
	    : fixed_text(texts, FIXED_LOCATION_UNTITLED);

	if (!is_number(f->latitude) || !is_number(f->longitude))
		return head;
	return arena_printf(a, "%s\n%s,%s\nhttps://maps.google.com/?q=%s,%s", head, f->latitude,
	    f->longitude, f->latitude, f->longitude);
}

static const char *card_text(struct arena *a, const struct option_map *texts,
    const struct attachment *f)
{
	const char *name = text_name(a, f->contact_name), *phone = text_name(a, f->phone);

	if (name != NULL && phone != NULL)
		return fixed_fill(a, texts, FIXED_CONTACT,
		    FIXED_VALUES({ "name", name }, { "phone", phone }));
	return fixed_fill(a, texts, FIXED_CONTACT_BARE,
	    FIXED_VALUES({ "name",
		name != NULL        ? name
		    : phone != NULL ? phone
				    : "?" }));
}

static const struct endpoint_conf *target_of(const struct compose_in *in)
{
	return in->to == SIDE_AGENTS ? in->bridge->agents : in->bridge->customers;
}

/* Of the side that is written to. */
static bool is_native(const struct compose_in *in, enum message_kind kind)
{
	const struct kind_caps *all = target_of(in)->caps->kinds,
			       *k = all != NULL ? &all[kind] : NULL;

	return k != NULL
	    && (in->to == SIDE_AGENTS ? k->to_agents.way : k->to_customers.way) == WAY_NATIVE;
}

/* As JSON has them: no zero in front, no dot alone. */
static bool is_whole_number(const char *digits)
{
	size_t whole, part;

	if (!is_number(digits))
		return false;
	digits += *digits == '-';
	whole = strcspn(digits, ".");
	part = strlen(digits + whole);
	return whole > 0 && (whole == 1 || *digits != '0')
	    && (part == 0 || (part > 1 && strchr(digits + whole + 1, '.') == NULL));
}

/* Half a place, or a card without a number, is better told in words. */
static bool goes_as_card(const struct compose_in *in, const struct attachment *f)
{
	if (f->kind == ATTACHMENT_LOCATION)
		return is_native(in, KIND_LOCATION) && is_whole_number(f->latitude)
		    && is_whole_number(f->longitude);
	return is_native(in, KIND_CONTACT) && f->phone != NULL && *f->phone != '\0';
}

/* Places and cards are told in words where they cannot be shown, and so is what is beyond all measure. */
static const char *with_cards(struct arena *a, const struct compose_in *in, const char *text,
    struct message *m)
{
	const struct option_map *texts = &in->bridge->texts;
	const struct event *e = in->event;
	struct attachment *cards = arena_alloc(a, (e->nattachments + 1) * sizeof(*cards));
	const struct attachment *f;
	size_t files = 0;

	m->cards = cards;
	for (f = e->attachments; f < e->attachments + e->nattachments; f++) {
		if (attachment_is_file(f))
			files++;
		else if (m->ncards < FILES_PER_MESSAGE && goes_as_card(in, f))
			cards[m->ncards++] = *f;
		else if (f->kind == ATTACHMENT_LOCATION)
			text = add_lines(a, text, location_text(a, texts, f));
		else
			text = add_lines(a, text, card_text(a, texts, f));
	}
	if (files > FILES_PER_MESSAGE)
		text = add_lines(a, text,
		    fixed_no_file(a, texts,
			fixed_fill(a, texts, FIXED_MORE_FILES,
			    FIXED_VALUES(
				{ "count", arena_printf(a, "%zu", files - FILES_PER_MESSAGE) })),
			"one message has no more than " FILES_PER_MESSAGE_TEXT));
	return text;
}

/* That there was a file is never hidden. */
void compose_files(struct arena *a, struct composed *c, const struct file *files, size_t count)
{
	struct message *m = &c->message;
	struct file *kept = arena_alloc(a, (count + 1) * sizeof(*kept));
	const struct file *f;

	m->files = kept;
	m->nfiles = 0;
	for (f = files; f < files + count; f++) {
		if (f->path != NULL)
			kept[m->nfiles++] = *f;
		else
			m->text =
			    add_lines(a, m->text, fixed_no_file(a, m->fixed, f->name, f->why));
	}
}

#define UNSUPPORTED "[unsupported message: "

/* The connectors' words for what they cannot read, in those of the bridge. */
static const char *said_by(struct arena *a, const struct compose_in *in)
{
	const struct event *e = in->event;
	const char *text = e->choice != NULL ? e->choice : e->text != NULL ? e->text : "";
	size_t len = strlen(text), head = strlen(UNSUPPORTED);

	if (!fixed_is_own(&in->bridge->texts, FIXED_UNSUPPORTED) || len < head + 1
	    || strncmp(text, UNSUPPORTED, head) != 0 || strchr(text, ']') != text + len - 1)
		return text;
	return fixed_fill(a, &in->bridge->texts, FIXED_UNSUPPORTED,
	    FIXED_VALUES({ "type", arena_strndup(a, text + head, len - head - 1) }));
}

/* The words as the far side is to be given them: cleaned again, since an entity may stand for anything. */
static const char *rendered(struct arena *a, const struct compose_in *in, const char *text,
    enum format *format)
{
	const struct bridge_conf *b = in->bridge;
	const struct caps *to = target_of(in)->caps;
	/* The lines for files and buttons are plain. */
	bool plain_below = in->event->nattachments + in->event->nwidgets > 0;
	bool keep = b->markup_keep && (in->event->format != FORMAT_HTML || !plain_below);
	const struct rich_target target = { to->shows, to->keeps, keep };

	text = rich_convert(a, text, in->event->choice != NULL ? FORMAT_PLAIN : in->event->format,
	    target, format);
	return text_clean(a, text, strlen(text));
}

#define QUOTE_POINTS 80
#define IN_A_ROW 10 /* buttons of a card, cards; what has more is written out */

/* Buttons and cards as what they are, where the far side shows them, else below the text. */
static const char *with_widgets(struct arena *a, const struct compose_in *in, const char *text,
    struct message *m)
{
	const struct event *e = in->event;

	if (e->nwidgets == 0)
		return text;
	if (!target_of(in)->caps->widgets || *text == '\0'
	    || !widgets_fit(e->widgets, e->nwidgets, IN_A_ROW, IN_A_ROW))
		return widgets_text(a, text, e->widgets, e->nwidgets);
	m->widgets = e->widgets;
	m->nwidgets = e->nwidgets;
	return text;
}

/* Of a note no word and no trace goes where notes do not go. */
static bool may_refer(const struct compose_in *in, const struct message *m)
{
	return in->replied != NULL && (m->is_note || !event_is_note(in->replied));
}

/* What a message said, on one line. */
static const char *gist(struct arena *a, const struct event *e)
{
	const char *text = e->choice != NULL ? e->choice : e->text;
	enum format format;

	if (text == NULL || *text == '\0')
		return e->nattachments > 0 ? e->attachments[0].name : NULL;
	text = rich_convert(a, text, e->choice != NULL ? FORMAT_PLAIN : e->format,
	    (struct rich_target){ 0, 0, false }, &format);
	return text_excerpt(a, text, QUOTE_POINTS);
}

static const char *escaped(struct arena *a, const char *text)
{
	const char *out;
	struct buf b;

	buf_init(&b);
	for (; *text != '\0'; text++)
		if (*text == '&')
			buf_adds(&b, "&amp;");
		else if (*text == '<')
			buf_adds(&b, "&lt;");
		else if (*text == '>')
			buf_adds(&b, "&gt;");
		else
			buf_addc(&b, *text);
	out = arena_strndup(a, b.data, b.len);
	buf_fini(&b);
	return out;
}

/* Refers to it natively, where it is there; else by its first words above the text. */
static const char *with_reply(struct arena *a, const struct compose_in *in, const char *text,
    struct message *m)
{
	const struct caps *to = target_of(in)->caps;
	const char *quote;

	if (!may_refer(in, m))
		return text;
	m->reply_to = to->replies ? in->replied_remote : NULL;
	if (m->reply_to != NULL || !in->bridge->quotes_inline || !to->quotes)
		return text;
	quote = gist(a, in->replied);
	if (quote == NULL || *quote == '\0')
		return text;
	if (m->format == FORMAT_HTML) /* a text between tags: all of it is read anew there */
		return arena_printf(a, "<blockquote>%s</blockquote>%s", escaped(a, quote), text);
	/* Where quotes are drawn, what follows at once would belong to it. */
	return arena_printf(a, to->shows != 0 ? "> %s\n\n%s" : "> %s\n%s", quote, text);
}

/* When history was said, where the far side can only show when it was written there. */
static const char *with_time(struct arena *a, const struct compose_in *in, const char *text)
{
	const struct event *e = in->event;
	bool has_lines = strchr(text, '\n') != NULL;

	if (e->origin != ORIGIN_HISTORY || e->kind != EVENT_MESSAGE || e->at_ms <= 0)
		return text;
	switch (in->bridge->timestamps) {
	case TIMESTAMPS_NONE: break;
	case TIMESTAMPS_DAY_LINE:
		if (e->flags & EVENT_BEGINS_DAY)
			return arena_printf(a, "[%s]%s%s", migration_day_text(a, e->at_ms),
			    *text != '\0' ? "\n" : "", text);
		break;
	case TIMESTAMPS_PREFIX:
		return arena_printf(a, "[%s]%s%s", migration_time_text(a, e->at_ms),
		    *text == '\0'   ? ""
			: has_lines ? "\n"
				    : " ",
		    text);
	}
	return text;
}

static const char *shown_name(const struct compose_in *in)
{
	const struct bridge_conf *b = in->bridge;
	const struct author *author = &in->event->author;

	if (author->role == ROLE_CUSTOMER || author->role == ROLE_SYSTEM)
		return NULL;
	/* Who answers may be the customer's affair; whose note it is, the team's. */
	if (b->agent_names || in->event->is_private)
		return author->name;
	return b->title != NULL ? b->title : in->title;
}

static char mark_kind(const struct event *e)
{
	if (e->kind == EVENT_EDIT)
		return 'e';
	return e->origin == ORIGIN_HISTORY ? 'h' : 'm';
}

/* An agent of the one side may be one of the other, too: by his e-mail, his id or his name, as the map says. */
static const char *agent_there(const struct compose_in *in)
{
	const struct author *author = &in->event->author;
	const struct option_map *m = &in->bridge->map.agents;
	const char *names[] = { author->email, author->id, author->name };
	const char *mapped = NULL;
	size_t i;

	if (in->to != SIDE_CUSTOMERS || author->role != ROLE_AGENT || !in->bridge->agent_names)
		return NULL;
	if (m->same)
		return author->email;
	for (i = 0; i < 3 && mapped == NULL; i++)
		mapped = names[i] != NULL ? map_exactly(m, names[i], false) : NULL;
	return mapped;
}

static void may_match(const struct compose_in *in, struct message *m)
{
	switch (in->bridge->match_contacts) {
	case MATCH_VERIFIED: m->match_phone = in->event->person.is_vouched; break;
	case MATCH_ANY: m->match_phone = m->match_email = true; break;
	case MATCH_NONE: break;
	}
}

/* What is said, as the far side is to be given it. */
static const char *words_of(struct arena *a, const struct compose_in *in, struct message *m)
{
	const struct option_map *texts = &in->bridge->texts;
	const char *said = said_by(a, in);
	const char *text = text_clean(a, said, strlen(said));

	if (in->mark != NULL && in->mark->ours)
		text = text_unneutralise(a, text);
	text = with_widgets(a, in, rendered(a, in, text, &m->format), m);
	if (m->is_edit)
		text = fixed_fill(a, texts, FIXED_EDITED, FIXED_VALUES({ "text", text }));
	text = with_reply(a, in, text, m);
	return with_time(a, in, with_cards(a, in, text, m));
}

void compose(struct arena *a, const struct compose_in *in, struct composed *out)
{
	const struct event *e = in->event;
	struct message *m = &out->message;
	struct root conversation;

	*out = (struct composed){ .keys = in->keys,
		.bridge_tag = in->bridge->tag,
		.kind = mark_kind(e) };
	out->root = root_of(in);
	out->hop = in->mark != NULL ? in->mark->hop + 1 : 1;
	m->to = in->to;
	m->is_deletion = e->kind == EVENT_DELETE;
	m->role = in->set_state != STATE_NONE || m->is_deletion ? ROLE_SYSTEM : e->author.role;
	m->is_edit = e->kind == EVENT_EDIT;
	m->is_note =
	    event_is_note(e) || (m->is_edit && in->replied != NULL && event_is_note(in->replied));
	m->fixed = &in->bridge->texts;
	m->text = words_of(a, in, m);
	m->is_history = e->origin == ORIGIN_HISTORY;
	m->is_sticker = (e->flags & EVENT_IS_STICKER) != 0;
	m->parts = 1;
	m->name = shown_name(in);
	m->agent = agent_there(in);
	m->avatar = in->to == SIDE_AGENTS ? e->person.avatar : NULL;
	may_match(in, m);
	m->person = in->person;
	m->conversation = e->conversation;
	m->at_ms = e->at_ms;
	m->reopen = in->reopen;
	m->take_over = in->take_over;
	m->may_open = in->may_open;
	m->is_automatic = (e->flags & EVENT_IS_AUTOMATIC) != 0;
	m->set_state = in->set_state;
	m->generation = in->generation;
	m->bridge = in->bridge->name;
	conversation = ids_root_of_conversation(in->customers.platform, in->customers.host,
	    in->customers.tenant,
	    in->customers_conversation != NULL ? in->customers_conversation : "");
	m->conversation_root = root_format(&conversation, out->conversation_root);
	if (in->may_open) /* nobody else says it, and a mark costs a microsecond or two */
		m->conversation_mark = mark_build(in->keys, in->bridge->tag, 'c', out->hop,
		    &conversation, (int)in->generation, out->conversation_mark);
	m->mark =
	    mark_build(in->keys, in->bridge->tag, out->kind, out->hop, &out->root, 0, out->mark);
}

void compose_part(struct composed *c, int part)
{
	struct message *m = &c->message;

	if (m->texts != NULL && part < m->parts)
		m->text = m->texts[part];
	if (m->spans != NULL && part < m->parts)
		m->span = m->spans[part];
	if (part == m->part)
		return;
	m->part = part;
	m->mark = mark_build(c->keys, c->bridge_tag, c->kind, c->hop, &c->root, part, c->mark);
}
