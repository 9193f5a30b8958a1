/* The messages of one conversation, put in order without being held in memory. Pages go in as they are read, in
 * whichever order those come; messages come out the oldest first, each once, also where a page has repeated what
 * another one told, and the first of each day says so. What does not fit into a few kilobytes waits in a file without a name, beside the store. Of each
 * page no more is kept in memory than where it lies, and its next message's name; of each reply eight bytes. */
#ifndef FLOW_HISTORY_SPOOL_H
#define FLOW_HISTORY_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct arena;
struct event;
struct spool;

/* store: whose path the file's begins with; reserve: so many bytes are left free there. */
struct spool *spool_new(const char *store, int64_t reserve);
void spool_free(struct spool *s); /* takes NULL */
/* A page's messages, each with at_ms and remote; they are only read. -1: err, nothing of them is there. */
int spool_add(struct spool *s, const struct event *const *events, size_t count, struct err *err);
/* The next one, in a; *out NULL: that was all. After it nothing may be added. -1: err. */
int spool_next(struct spool *s, struct arena *a, struct event **out, struct err *err);

/* Whether one that was added replies to it; asked after the last was added. */
bool spool_is_replied_to(struct spool *s, const char *remote);

#endif
