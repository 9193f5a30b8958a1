/* What ends a loop that no mark shows, such as two bots that answer each other: so many messages of bots or
 * agents to one person without a word from him, or always the same. Pure; cleared memory is a whole one. */
#ifndef CORE_FUSE_H
#define CORE_FUSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/options.h"

#define FUSE_SAME_MOST 10 /* equal texts in a row */

struct fuse {
	int64_t since_ms; /* of the period that is counted */
	uint64_t text;    /* hash of the last text */
	int32_t count, same;
	bool is_blown;
};

/* Whether such a message would be too many now; text_hash 0: it has no text. A rate of 0 is no fuse. */
bool fuse_holds(const struct fuse *f, const struct rate *rate, uint64_t text_hash, int64_t now_ms);
/* It was not, and goes. */
void fuse_count(struct fuse *f, const struct rate *rate, uint64_t text_hash, int64_t now_ms);
/* It does not after all: it was seen before. */
void fuse_take_back(struct fuse *f);
/* It was. True: it is the first one. */
bool fuse_blow(struct fuse *f);
/* Nothing would be lost by forgetting it. */
bool fuse_is_idle(const struct fuse *f, const struct rate *rate, int64_t now_ms);

#endif
