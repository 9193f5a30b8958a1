/* See look.h. */
#include "look.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

void must_be_text(const char *text)
{
	if (text != NULL && !utf8_valid(text, strlen(text)))
		abort();
}

static void look_at(const struct event *e)
{
	size_t i;

	must_be_text(e->key);
	must_be_text(e->remote);
	must_be_text(e->conversation);
	must_be_text(e->text);
	must_be_text(e->author.id);
	must_be_text(e->author.name);
	must_be_text(e->person.identity);
	must_be_text(e->person.name);
	must_be_text(e->detail);
	must_be_text(e->mark);
	must_be_text(e->extra);
	must_be_text(e->channel);
	for (i = 0; i < e->nattachments; i++) {
		must_be_text(e->attachments[i].url);
		must_be_text(e->attachments[i].name);
		must_be_text(e->attachments[i].contact_name);
	}
	for (i = 0; i < e->ntags; i++)
		must_be_text(e->tags[i]);
	if (e->drop == DROP_NONE && e->kind != EVENT_TYPING && e->key == NULL)
		abort();
	if (e->drop == DROP_NONE && e->author.role > ROLE_SYSTEM)
		abort();
}

void look_at_events(const struct event_list *list)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		look_at(&list->items[i]);
}

void look_at_error(const struct event_list *list, const struct parse_error *error, size_t len)
{
	if (list->count != 0 || error->reason == UNPARSABLE_NONE || error->offset > len)
		abort();
	must_be_text(error->detail);
}

/* What is read from a page is found again by its id. */
static void must_have_ids(const struct event_list *list)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		if (list->items[i].kind == EVENT_MESSAGE && list->items[i].remote == NULL)
			abort();
}

void look_at_answer(const struct connector *c, const struct via *via, struct arena *a,
    const struct job *job, const struct http_resp *resp)
{
	struct outcome out = { .effect = { .kind = EFFECT_UNSURE } };

	c->interpret(via, a, job, resp, &out);
	look_at_events(&out.events);
	must_have_ids(&out.events);
	must_be_text(out.effect.why);
	must_be_text(out.cursor);
	if (out.effect.kind >= EFFECT_COUNT)
		abort();
}
