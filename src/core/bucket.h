/* A token bucket that learns: how many requests a far side takes in a time. Pure; cleared memory is a
 * full one. */
#ifndef CORE_BUCKET_H
#define CORE_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/options.h"

struct bucket {
	int64_t milli;     /* thousandths of a token */
	int64_t filled_ms; /* 0: never, it is full */
	int64_t opens_ms;  /* shut until then; 0: it is not */
	int64_t grown_ms;  /* when the share changed last */
	int32_t cut;       /* thousandths of the configured rate that were taken away */
};

/* Takes a token: 0. Else how many ms to wait before asking again, at least 1. A rate of 0 is no limit,
 * but shut it may be all the same. */
int64_t bucket_take(struct bucket *b, const struct rate *rate, int64_t now_ms);
/* The same for what can wait: it takes only what a burst of others would leave. */
int64_t bucket_take_spare(struct bucket *b, const struct rate *rate, int64_t now_ms);
/* Takes so many thousandths of a token more, at once; the next wait longer for it. */
void bucket_charge(struct bucket *b, const struct rate *rate, int64_t milli, int64_t now_ms);
/* The far side said: too many. Shut for as long as it asked (up to an hour; -1: it did not say, a second),
 * and from then on at half the rate. What it says while the bucket is shut was sent before, and only
 * lengthens that. */
void bucket_refused(struct bucket *b, int64_t asked_msecs, int64_t now_ms);
/* It says that few are left: half the rate, until that has not been said for a while. */
void bucket_warned(struct bucket *b, int64_t now_ms);
/* What lies between two requests that are spread evenly, in ms; 0: nothing has to. */
int64_t bucket_spread(const struct bucket *b, const struct rate *rate);
/* Ms until it opens; 0: it is open, and where the clock was set back. */
int64_t bucket_shut_for(const struct bucket *b, int64_t now_ms);
/* Nothing would be lost by forgetting it. */
bool bucket_is_full(const struct bucket *b, const struct rate *rate, int64_t now_ms);

#endif
