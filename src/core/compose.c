/* See compose.h. */
#include "core/compose.h"

#include <string.h>

#include "base/arena.h"
#include "core/facts.h"
#include "core/file.h"
#include "core/rich.h"
#include "core/text.h"
#include "core/widgets.h"

/* The same words on every copy have the same root: that of our own mark, where there is one. A
 * foreign relay's root is not believed, since message numbers can be guessed. */
static struct root root_of(const struct compose_in *in)
{
	if (in->mark != NULL && in->mark->ours)
		return in->mark->root;
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

static const char *location_text(struct arena *a, const struct attachment *f)
{
	const char *title = text_name(a, f->title);
	const char *head = title != NULL ? arena_printf(a, "Location: %s", title) : "Location";

	if (!is_number(f->latitude) || !is_number(f->longitude))
		return head;
	return arena_printf(a, "%s\n%s,%s\nhttps://maps.google.com/?q=%s,%s", head, f->latitude,
	    f->longitude, f->latitude, f->longitude);
}

static const char *card_text(struct arena *a, const struct attachment *f)
{
	const char *name = text_name(a, f->contact_name), *phone = text_name(a, f->phone);

	if (name != NULL && phone != NULL)
		return arena_printf(a, "Contact: %s, %s", name, phone);
	return arena_printf(a, "Contact: %s", name != NULL ? name : phone != NULL ? phone : "?");
}

static const struct endpoint_conf *target_of(const struct compose_in *in)
{
	return in->to == SIDE_AGENTS ? in->bridge->agents : in->bridge->customers;
}

/* Of the side that is written to. */
static bool is_native(const struct compose_in *in, enum kind kind)
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
			text = add_lines(a, text, location_text(a, f));
		else
			text = add_lines(a, text, card_text(a, f));
	}
	if (files > FILES_PER_MESSAGE)
		text = add_lines(a, text,
		    file_not_available(a, arena_printf(a, "%zu more", files - FILES_PER_MESSAGE),
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
			m->text = add_lines(a, m->text, file_not_available(a, f->name, f->why));
	}
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

void compose(struct arena *a, const struct compose_in *in, struct composed *out)
{
	const struct event *e = in->event;
	struct message *m = &out->message;
	const char *said = e->choice != NULL ? e->choice : e->text != NULL ? e->text : "";
	const char *text = text_clean(a, said, strlen(said));
	struct root conversation;

	*out = (struct composed){ .keys = in->keys, .bridge_tag = in->bridge->tag };
	out->root = root_of(in);
	out->hop = in->mark != NULL ? in->mark->hop + 1 : 1;
	if (in->mark != NULL && in->mark->ours)
		text = text_unneutralise(a, text);
	m->to = in->to;
	m->is_deletion = e->kind == EVENT_DELETE;
	m->role = in->set_state != STATE_NONE || m->is_deletion ? ROLE_SYSTEM : e->author.role;
	m->is_note = event_is_note(e);
	text = with_widgets(a, in, rendered(a, in, text, &m->format), m);
	m->text = with_cards(a, in, text, m);
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
	m->mark = mark_build(in->keys, in->bridge->tag, 'm', out->hop, &out->root, 0, out->mark);
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
	m->mark = mark_build(c->keys, c->bridge_tag, 'm', c->hop, &c->root, part, c->mark);
}
