/* See compose.h. */
#include "core/compose.h"

#include <string.h>

#include "base/arena.h"
#include "core/file.h"
#include "core/text.h"

/* The same words on every copy have the same root: that of our own mark, where there is one. A
 * foreign relay's root is not believed, since message numbers can be guessed. */
static struct root root_of(const struct compose_in *in)
{
	if (in->mark != NULL && in->mark->ours)
		return in->mark->root;
	return ids_root(in->from.platform, in->from.host, in->from.tenant, in->event->remote);
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

/* Places and cards are told in words, and so is what is beyond all measure. */
static const char *with_cards(struct arena *a, const struct event *e, const char *text)
{
	const struct attachment *f;
	size_t files = 0;

	for (f = e->attachments; f < e->attachments + e->nattachments; f++) {
		if (f->kind == ATTACHMENT_LOCATION)
			text = add_lines(a, text, location_text(a, f));
		else if (f->kind == ATTACHMENT_CONTACT)
			text = add_lines(a, text, card_text(a, f));
		else
			files++;
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
		if (f->path != NULL && m->nfiles < FILES_PER_MESSAGE)
			kept[m->nfiles++] = *f;
		else
			m->text = add_lines(a, m->text,
			    file_not_available(a, f->name,
				f->path != NULL ? "more files than one message may have" : f->why));
	}
}

static const char *shown_name(const struct compose_in *in)
{
	const struct bridge_conf *b = in->bridge;
	const struct author *author = &in->event->author;

	if (author->role == ROLE_CUSTOMER)
		return NULL;
	if (b->agent_names)
		return author->name;
	return b->title != NULL ? b->title : in->title;
}

void compose(struct arena *a, const struct compose_in *in, struct composed *out)
{
	const struct event *e = in->event;
	struct message *m = &out->message;
	const char *said = e->text != NULL ? e->text : "";
	const char *text = text_clean(a, said, strlen(said));
	struct root conversation;

	*out = (struct composed){ .keys = in->keys, .bridge_tag = in->bridge->tag };
	out->root = root_of(in);
	out->hop = in->mark != NULL ? in->mark->hop + 1 : 1;
	if (in->mark != NULL && in->mark->ours)
		text = text_unneutralise(a, text);
	m->to = in->to;
	m->role = e->author.role;
	m->text = with_cards(a, e, text);
	m->parts = 1;
	m->name = shown_name(in);
	m->person = in->person;
	m->conversation = e->conversation;
	m->at_ms = e->at_ms;
	m->reopen = in->reopen;
	m->take_over = in->take_over;
	m->may_open = in->may_open;
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
