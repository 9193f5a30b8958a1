/* See bucket.h. At most a tenth of a period's worth may be taken at once, so bursts stay short and no
 * window of the far side, however it is aligned, sees much more than the rate. After a refusal the rate is
 * half of what it was, and comes back by a tenth of itself a minute. */
#include "core/bucket.h"

#include "core/policy.h"

#define BURST_MOST 100
#define CUT_MOST 990 /* a hundredth of the configured rate is left */
#define CUT_WARNED 500
#define GROW_MSECS (60 * 1000)
#define SHUT_MSECS 1000

static int64_t burst(const struct rate *rate)
{
	int64_t tenth = rate->count / 10;

	return ((tenth < BURST_MOST ? tenth : BURST_MOST) + 1) * 1000;
}

static void grow(struct bucket *b, int64_t now_ms)
{
	int64_t share = 1000 - b->cut, minutes = (now_ms - b->grown_ms) / GROW_MSECS;

	if (b->cut == 0 || minutes == 0)
		return;
	b->grown_ms = now_ms;
	for (; minutes > 0 && share < 1000; minutes--)
		share += share / 10 + 1;
	b->cut = share < 1000 ? (int32_t)(1000 - share) : 0;
}

static void fill(struct bucket *b, const struct rate *rate, int64_t now_ms)
{
	int64_t most = burst(rate), gained;

	gained = (now_ms - b->filled_ms) * rate->count * (1000 - b->cut) / rate->period_msecs;
	if (b->filled_ms == 0 || now_ms < b->filled_ms || gained > most)
		gained = most;
	if (gained == 0)
		return; /* of so short a time nothing is forgotten */
	b->milli += gained;
	if (b->milli > most)
		b->milli = most;
	b->filled_ms = now_ms;
}

int64_t bucket_shut_for(const struct bucket *b, int64_t now_ms)
{
	int64_t left = b->opens_ms - now_ms;

	return left <= 0 || left > RETRY_AFTER_MOST_MSECS ? 0 : left;
}

/* A token, where so many thousandths are there. */
static int64_t take_above(struct bucket *b, const struct rate *rate, int64_t least, int64_t now_ms)
{
	int64_t shut = bucket_shut_for(b, now_ms), milli_per_period;

	if (shut > 0)
		return shut;
	if (rate->count == 0)
		return 0;
	grow(b, now_ms);
	fill(b, rate, now_ms);
	if (b->milli >= least) {
		b->milli -= 1000;
		return 0;
	}
	milli_per_period = rate->count * (1000 - b->cut);
	return (least - b->milli) * rate->period_msecs / milli_per_period + 1;
}

int64_t bucket_take(struct bucket *b, const struct rate *rate, int64_t now_ms)
{
	return take_above(b, rate, 1000, now_ms);
}

/* It is never quite full then: what is late by less than a token's time loses none. */
int64_t bucket_take_spare(struct bucket *b, const struct rate *rate, int64_t now_ms)
{
	int64_t least = burst(rate) - 1000;

	return take_above(b, rate, least > 1000 ? least : 1000, now_ms);
}

void bucket_charge(struct bucket *b, const struct rate *rate, int64_t milli, int64_t now_ms)
{
	if (rate->count == 0)
		return;
	fill(b, rate, now_ms);
	b->milli -= milli;
}

void bucket_refused(struct bucket *b, int64_t asked_msecs, int64_t now_ms)
{
	int64_t opens_ms;

	if (asked_msecs <= 0)
		asked_msecs = SHUT_MSECS;
	if (asked_msecs > RETRY_AFTER_MOST_MSECS)
		asked_msecs = RETRY_AFTER_MOST_MSECS;
	opens_ms = now_ms + asked_msecs;
	if (bucket_shut_for(b, now_ms) == 0) {
		grow(b, now_ms);
		b->cut += (1000 - b->cut) / 2;
		if (b->cut > CUT_MOST)
			b->cut = CUT_MOST;
	} else if (opens_ms <= b->opens_ms) {
		return;
	}
	b->opens_ms = b->filled_ms = b->grown_ms = opens_ms;
	b->milli = 1000; /* one goes first, to see */
}

void bucket_warned(struct bucket *b, int64_t now_ms)
{
	if (b->cut > CUT_WARNED || bucket_shut_for(b, now_ms) > 0)
		return;
	b->cut = CUT_WARNED;
	b->grown_ms = now_ms;
}

int64_t bucket_spread(const struct bucket *b, const struct rate *rate)
{
	return rate->count == 0 ? 0 : rate->period_msecs * 1000 / (rate->count * (1000 - b->cut));
}

bool bucket_is_full(const struct bucket *b, const struct rate *rate, int64_t now_ms)
{
	struct bucket then = *b;

	if (bucket_shut_for(b, now_ms) > 0)
		return false;
	grow(&then, now_ms);
	fill(&then, rate, now_ms);
	return then.cut == 0 && then.milli >= burst(rate);
}
