/* Any bytes as a callback of Smartify: an event whose every text can be read, or a reason. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "connector/connector.h"
#include "connector/smartify/smartify.h"
#include "look.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

extern const struct connector smartify_connector;

static void look_at(const struct event *e)
{
	if (e->kind == EVENT_MESSAGE && e->drop == DROP_NONE && e->person.identity == NULL)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct smartify_conf conf = { .project_id = "6b00af8332caee6929abd12a",
		.channel = "tieline" };
	static const struct endpoint_conf endpoint = { .name = "shop",
		.host = "panel.smartifyai.in",
		.conf = &conf };
	struct via via = { .endpoint = &endpoint, .conf = &conf };
	struct arena *a = arena_new();
	struct http_in hook = { .method = "POST", .received_ms = 1795207000000, .body_len = len };
	struct event_list list = { 0 };
	struct parse_error error;
	size_t i;

	hook.body = arena_memdup(a, data, len);
	if (smartify_connector.parse(&via, a, &hook, &list, &error) != 0)
		look_at_error(&list, &error, len);
	look_at_events(&list);
	for (i = 0; i < list.count; i++)
		look_at(&list.items[i]);
	arena_free(a);
	return 0;
}
