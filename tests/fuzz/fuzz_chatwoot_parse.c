/* Whatever a caller posts as a Chatwoot callback is an event or a reason why not. Corpus: the
 * fixtures of tests/connector/chatwoot. */
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "connector/connector.h"
#include "look.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(const struct event_list *list)
{
	const struct event *e;

	look_at_events(list);
	if (list->count != 1)
		abort();
	e = &list->items[0];
	if (e->drop == DROP_NONE && (e->kind == EVENT_MESSAGE || e->kind == EVENT_UPDATE)
	    && (e->remote == NULL || e->conversation == NULL || e->key == NULL))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct keys keys;
	const struct connector *chatwoot = connector_find("chatwoot");
	struct arena *a = arena_new();
	void *conf = arena_zalloc(a, chatwoot->conf_size);
	struct endpoint_conf endpoint = { .conf = conf, .host = "chat.example.com" };
	struct via via = { .endpoint = &endpoint, .conf = conf, .keys = &keys };
	struct http_in hook = { .method = "POST", .path = "/", .body_len = len };
	struct event_list list = { 0 };
	struct parse_error error = { UNPARSABLE_NONE, 0, NULL };

	hook.body = arena_memdup(a, data, len);
	if (chatwoot->parse(&via, a, &hook, &list, &error) == 0)
		check(&list);
	else
		look_at_error(&list, &error, len);
	arena_free(a);
	return 0;
}
