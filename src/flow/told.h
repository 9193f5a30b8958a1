/* What a platform that is polled has told of its conversations, when each was read last: what has not changed
 * since is not read again. In memory: after a restart each that changed lately is read once more, and all that it
 * says is known. Of TOLD_MOST conversations at most, those that were met last; any other is read for nothing. */
#ifndef FLOW_TOLD_H
#define FLOW_TOLD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/map.h"

#define TOLD_MOST 16384
#define PAST_MOST 64

/* Messages that stood in a conversation when it was first read, and are older than the bridge: digests of their names. */
struct past {
	uint64_t seen[PAST_MOST];
	size_t count; /* more are not kept: those may be told as news */
};

struct told {
	struct map_node node;
	TAILQ_ENTRY(told) lru;
	char *remote;
	char *words;       /* event.extra, the list's; NULL: it is to be read again */
	int64_t newest_ms; /* its last message, by the clock there */
	bool was_read;
	struct past *past; /* NULL: nothing */
	bool is_sure;      /* read again since, with the same words */
	unsigned round;    /* the last complete sweep that has met it */
};

struct tolds {
	struct map map;
	TAILQ_HEAD(, told) lru; /* the one that was met longest ago first */
};

void tolds_init(struct tolds *t);
void tolds_fini(struct tolds *t);
struct told *tolds_find(const struct tolds *t,
    const char *remote); /* NULL: nothing is known of it */
/* The same, or a new one; it is the last to be forgotten from here on. */
struct told *tolds_get(struct tolds *t, const char *remote);
/* What the first reading has found. By their times they cannot be told from what is said after the clock there was put
 * back; by their names they can. */
void told_keep_past(struct told *t, const struct past *past);
/* Those that this complete sweep did not meet are not there any more. */
void tolds_forget(struct tolds *t, unsigned round);

#endif
