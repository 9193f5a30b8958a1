/* An endpoint at Chatwoot for tests, and its values as text, so that a test is a table of what to
 * expect. */
#ifndef TESTS_CONNECTOR_CHATWOOT_WORLD_H
#define TESTS_CONNECTOR_CHATWOOT_WORLD_H

#include "base/arena.h"
#include "connector/chatwoot/chatwoot.h"

/* Secret of the contract page's vectors and of every fixture's headers. */
#define WORLD_SECRET "k7PzQmX2vW9sR4tYbN6cD8fH"
#define WORLD_NOW_MS 1781784012345

struct world {
	struct arena *a;
	struct keys keys;
	struct endpoint_conf endpoint;
	struct chatwoot_conf conf;
	struct memo memo[MEMO_MAX];
	struct via via;
};

/* Endpoint desk at https://chat.example.com, account 2, inbox 21, instance key 00 01 … 1f. */
void world_init(struct world *w);
void world_fini(struct world *w);
/* "": not configured. */
void world_place(struct world *w, const char *account, const char *inbox);
void world_remember(struct world *w, const char *key, const char *value);

/* tests/connector/chatwoot/NAME, whole. */
const char *world_file(struct world *w, const char *name, size_t *len);
/* A callback with a fixture's body and headers. */
struct http_in world_hook(struct world *w, const char *fixture);

const char *world_event_text(struct world *w, const struct event *e);
const char *world_request_text(struct world *w, const struct http_req *req);
/* "always find_contact, …" */
const char *world_plan_text(struct world *w, const struct plan *plan);
const char *world_outcome_text(struct world *w, const struct outcome *o);

#endif
