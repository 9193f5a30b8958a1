/* Whether a far side is worth asking: several failures in a row, and only one request goes at a time, ever
 * more rarely, until one is answered. Pure; cleared memory is one that nothing happened to. */
#ifndef CORE_BREAKER_H
#define CORE_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#define BREAKER_FAILURES 5
#define BREAKER_MOST_MSECS (60 * 1000)

struct breaker {
	int failures;     /* in a row */
	int64_t probe_ms; /* closed: when the next request may go; 0: all may */
	int64_t closed_ms, failed_ms;
};

/* A request begun then found nobody, or an answer that says as much as none. True: it has just closed. What
 * was under way when it closed says nothing new. */
bool breaker_failed(struct breaker *b, int64_t begun_ms, int64_t now_ms, uint32_t dice);
/* Any answer that means something. True: it was closed and is open. */
bool breaker_worked(struct breaker *b);
bool breaker_is_closed(const struct breaker *b);
/* Ms until one may go; 0: now, and where the clock was set back. Where it is closed, one at a time: the caller sees to that. */
int64_t breaker_wait(const struct breaker *b, int64_t now_ms);

#endif
