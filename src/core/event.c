/* See model.h. */
#include <string.h>

#include "base/arena.h"
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
