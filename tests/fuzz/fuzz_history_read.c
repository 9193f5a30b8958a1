/* Any bytes as a line of an export: words that say what is wrong, or a conversation, or a message, whose every text
 * can be read. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "core/history_read.h"
#include "look.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void look_at_line(const struct history_line *l)
{
	const struct event *e = &l->event;
	struct event copy = *e;
	size_t i;

	must_be_text(l->endpoint);
	must_be_text(l->platform);
	must_be_text(e->department);
	must_be_text(e->reply_to);
	for (i = 0; i < e->ntags; i++)
		must_be_text(e->tags[i]);
	if (e->conversation == NULL || *e->conversation == '\0')
		abort();
	if (l->is_conversation != (e->kind == EVENT_CONVERSATION))
		abort();
	if (l->is_conversation && (e->person.identity == NULL || *e->person.identity == '\0'))
		abort();
	if (!l->is_conversation && (e->remote == NULL || *e->remote == '\0' || e->at_ms == 0))
		abort();
	if (l->is_conversation) /* its key is its callback's, which there was none */
		copy.key = "s:";
	look_at_events(&(struct event_list){ .items = &copy, .count = 1 });
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena *a = arena_new();
	struct history_line line;
	struct err err = { "" };

	if (history_read(a, arena_memdup(a, data, len), len, &line, &err) == 0)
		look_at_line(&line);
	else if (err.text[0] == '\0')
		abort();
	arena_free(a);
	return 0;
}
