/* See model.h. */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "core/event_codec.h"
#include "core/facts.h"
#include "core/model.h"

/* The old items stay behind in the arena: they are few, and it dies with the job. */
struct event *event_list_add(struct event_list *list, struct arena *a)
{
	struct event *grown;

	if (list->count == list->size) {
		list->size = list->size == 0 ? 4 : list->size * 2;
		grown = arena_zalloc(a, list->size * sizeof(*grown));
		if (list->count > 0)
			memcpy(grown, list->items, list->count * sizeof(*grown));
		list->items = grown;
	}
	memset(&list->items[list->count], 0, sizeof(list->items[0]));
	return &list->items[list->count++];
}

static const struct facts *keep_facts(struct arena *a, const struct facts *from)
{
	struct facts *to;
	int f;

	if (from == NULL)
		return NULL;
	to = ARENA_NEW(a, struct facts);
	for (f = 0; f < FACT_COUNT; f++)
		to->v[f] = arena_strdup(a, from->v[f]);
	return to;
}

void event_keep(struct arena *a, const struct event *from, struct event *to)
{
	struct err err; /* what was just written can be read */
	struct buf b;

	buf_init(&b);
	event_encode(from, &b);
	event_decode(b.data, b.len, a, to, &err);
	buf_fini(&b);
	to->id = from->id;
	to->reason = from->reason;
	to->mark_place = from->mark_place;
	to->person.hint = arena_strdup(a, from->person.hint);
	to->assignee = (struct author){ from->assignee.role, arena_strdup(a, from->assignee.id),
		arena_strdup(a, from->assignee.name), arena_strdup(a, from->assignee.email) };
	to->facts = keep_facts(a, from->facts);
	to->person_version = from->person_version;
	to->facts_version = from->facts_version;
}

bool event_is_note(const struct event *event)
{
	return event->is_private || (event->flags & EVENT_IS_SYSTEM) != 0
	    || ((event->kind == EVENT_MESSAGE || event->kind == EVENT_UPDATE)
		&& event->author.role == ROLE_SYSTEM);
}

void event_as_history(struct arena *a, struct event *event)
{
	bool is_edit = event->kind == EVENT_EDIT;

	if (is_edit)
		event->key = arena_printf(a, "m:%s", event->remote);
	if (is_edit || (event->kind == EVENT_UPDATE && (event->flags & EVENT_IS_DELETED) != 0))
		event->kind = EVENT_MESSAGE;
}
