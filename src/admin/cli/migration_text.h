/* A run of `tieline migrate`, as the relay's document tells it, for people. */
#ifndef ADMIN_CLI_MIGRATION_TEXT_H
#define ADMIN_CLI_MIGRATION_TEXT_H

#include <stdint.h>

struct arena;
struct buf;
struct json;

/* One line without its end, at most width cells: what is done, how fast, what went wrong. took_msecs: since
 * who asks began to watch; before: how many messages were through by then. */
const char *migration_progress(struct arena *a, const struct json *run, int64_t took_msecs,
    int64_t before);
/* All of it, when it is over. */
void migration_text(struct arena *a, const struct json *run, struct buf *out);
/* Written, failed and skipped. */
int64_t migration_done(const struct json *run);

#endif
