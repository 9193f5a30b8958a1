/* Any bytes as a callback of Syniverse, for either source: events whose every text can be read, or a
 * reason. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "connector/connector.h"
#include "connector/syniverse/syniverse.h"
#include "look.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

extern const struct connector syniverse_connector;

static void look_at(const struct event *e)
{
	if (e->kind == EVENT_MESSAGE && e->drop == DROP_NONE
	    && (e->person.identity == NULL || e->remote == NULL || e->conversation == NULL))
		abort();
	if (e->kind == EVENT_CONVERSATION && (e->conversation == NULL || e->state == STATE_NONE))
		abort();
}

static void parse(const uint8_t *data, size_t len, bool is_ess)
{
	struct arena *a = arena_new();
	struct syniverse_conf conf = { .user = "boss@acme-hotel",
		.password = "secret",
		.inbound = is_ess ? "ess" : "chat_api",
		.chat_base_url = "https://chat.syniverse.com",
		.scg_from = "Sn1d",
		.scg_token = "token" };
	struct endpoint_conf endpoint = { .name = "hotel",
		.host = "api.syniverse.com",
		.conf = &conf,
		.webhook_secret = { .v = { "secret" }, .n = 1 } };
	struct via via = { .endpoint = &endpoint, .conf = &conf, .explain = true };
	struct http_in hook = { .method = "POST", .received_ms = 1795207000000, .body_len = len };
	struct event_list list = { 0 };
	struct parse_error error;
	const char *key;
	struct err err;
	size_t i;

	if (syniverse_connector.configure(a, &endpoint, &conf, &key, &err) != 0)
		abort();
	hook.body = arena_memdup(a, data, len);
	if (syniverse_connector.parse(&via, a, &hook, &list, &error) != 0)
		look_at_error(&list, &error, len);
	look_at_events(&list);
	for (i = 0; i < list.count; i++)
		look_at(&list.items[i]);
	arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	parse(data, len, false);
	parse(data, len, true);
	return 0;
}
