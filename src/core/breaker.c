/* See breaker.h. Closed, the wait doubles as that of a message does, but to no more than a minute: when they
 * are back somebody should notice. */
#include "core/breaker.h"

#include "core/policy.h"

/* Jitter may draw next to nothing; a closed gate that asks ten times a second is none. */
static int64_t probe_at(int tries, int64_t now_ms, uint32_t dice)
{
	int64_t most = RETRY_FIRST_MSECS, half;

	for (; tries > 1 && most < BREAKER_MOST_MSECS; tries--)
		most *= 2;
	half = (most < BREAKER_MOST_MSECS ? most : BREAKER_MOST_MSECS) / 2;
	return now_ms + half + (int64_t)((uint64_t)dice * (uint64_t)half >> 32);
}

bool breaker_failed(struct breaker *b, int64_t begun_ms, int64_t now_ms, uint32_t dice)
{
	bool was_closed = b->probe_ms != 0;

	if (was_closed && begun_ms <= b->failed_ms && b->failed_ms <= now_ms)
		return false;
	b->failures++;
	if (b->failures < BREAKER_FAILURES)
		return false;
	b->probe_ms = probe_at(b->failures - BREAKER_FAILURES + 1, now_ms, dice);
	b->failed_ms = now_ms;
	if (was_closed)
		return false;
	b->closed_ms = now_ms;
	return true;
}

bool breaker_worked(struct breaker *b)
{
	bool was_closed = b->probe_ms != 0;

	*b = (struct breaker){ 0 };
	return was_closed;
}

bool breaker_is_closed(const struct breaker *b)
{
	return b->probe_ms != 0;
}

int64_t breaker_wait(const struct breaker *b, int64_t now_ms)
{
	int64_t left = b->probe_ms - now_ms;

	return b->probe_ms == 0 || left <= 0 || left > BREAKER_MOST_MSECS ? 0 : left;
}
