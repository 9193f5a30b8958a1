/* What setup has kept, and where: in a running relay, which is asked over its socket, else in its store. */
#ifndef ADMIN_CLI_KEPT_AT_H
#define ADMIN_CLI_KEPT_AT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "admin/cli/client.h"
#include "base/err.h"
#include "connector/connector.h"

struct json;
struct store;

struct kept_at {
	struct arena *arena;
	struct client client;
	struct config *config;
	const struct json *relay; /* what it answered; NULL: none runs */
	struct store *store;      /* NULL: one runs, or there is none yet */
	bool may_write;
};

/* An exit code. may_write: a store is made where there is none. */
int kept_open(struct kept_at *k, struct arena *a, struct cli *cli, struct config *config,
    bool may_write, struct err *err);
void kept_close(struct kept_at *k);
/* Of an endpoint: the memos that are kept, in the arena, and the last piece of its callbacks' address; NULL:
 * none is known. */
size_t kept_read(struct kept_at *k, const struct endpoint_conf *e, struct memo *out, size_t size,
    const char **hook_key, struct err *err);
/* When the running relay was called back last by that endpoint's platform, as it is now; 0: not yet, -1: no relay
 * runs. */
int64_t kept_heard_ms(struct kept_at *k, const struct endpoint_conf *e);
int kept_write(struct kept_at *k, const struct endpoint_conf *e, const struct memo *memo,
    size_t count, struct err *err);

#endif
