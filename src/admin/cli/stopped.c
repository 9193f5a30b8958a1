/* See stopped.h. */
#include "admin/cli/stopped.h"

#include "admin/cli/cli.h"
#include "base/arena.h"
#include "config/config.h"
#include "connector/connector.h"

/* Names to the store's ids; one that the store does not know yet has nothing in it. */
static void ask_for_ids(struct store *store, struct config *c)
{
	int64_t since_ms;
	struct err err;
	size_t i;

	for (i = 0; i < c->nendpoints; i++)
		if (store_endpoint_id(store, c->endpoints[i].name, c->endpoints[i].connector->name,
			NULL, &c->endpoints[i].id, &err)
		    != 0)
			c->endpoints[i].id = -1;
	for (i = 0; i < c->nbridges; i++)
		if (store_bridge_id(store, c->bridges[i].name, 0, &c->bridges[i].id, &since_ms,
			&err)
		    != 0)
			c->bridges[i].id = -1;
}

static int exit_of(enum store_open why)
{
	switch (why) {
	case STORE_OPEN_OK:
	case STORE_OPEN_MISSING: return EXIT_MISSING;
	case STORE_OPEN_UNWRITABLE: return EXIT_NOT_PERMITTED;
	case STORE_OPEN_NEWER: return EXIT_NEWER;
	case STORE_OPEN_LOCKED: return EXIT_AGAIN;
	case STORE_OPEN_CORRUPT: return EXIT_INPUT;
	case STORE_OPEN_DISK: return EXIT_DISK;
	}
	return EXIT_FAULT;
}

struct store *stopped_open(struct arena *a, struct config *config, bool read_only, int *code,
    struct err *err)
{
	const struct store_options options = {
		.url = arena_printf(a, "sqlite:%s", config->store),
		.read_only = read_only,
		.mailbox = 64,
	};
	enum store_open why = STORE_OPEN_OK;
	struct store *store = store_open(&options, &why, err);

	if (store != NULL)
		ask_for_ids(store, config);
	else
		*code = exit_of(why);
	return store;
}
