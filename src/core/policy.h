/* What becomes of an attempt: how often and how long something is tried is decided here and nowhere
 * else. Pure: the caller brings the clock and the dice. */
#ifndef CORE_POLICY_H
#define CORE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/model.h"

#define RETRY_FIRST_MSECS 1000
#define RETRY_MOST_MSECS (5 * 60 * 1000)
#define RETRY_AFTER_MOST_MSECS (60 * 60 * 1000)

struct attempt {
	struct effect effect;
	int attempt;                /* from 1 */
	int64_t now_ms, expires_ms; /* expires: 0 never */
	int64_t doubt_wait_msecs;   /* of the step: how long to wait before looking */
	bool can_look;              /* the target can be searched for what is in doubt */
	bool resend_uncertain;      /* the bridge allows to send again what may have arrived */
	bool is_gate_closed; /* nothing goes there now: it waits for that, and not by itself */
	uint32_t dice;
};

struct verdict {
	enum delivery_state state;
	enum reason reason;
	int64_t due_ms; /* of WAITING and UNSURE */
	bool shut_gate; /* the endpoint itself is refused: nothing leaves until it is mended */
};

/* When to try again: full jitter over a wait that doubles with each attempt; what the far side asked
 * for is the least, up to an hour. */
int64_t policy_retry_at(int attempt, int64_t asked_msecs, int64_t now_ms, uint32_t dice);
struct verdict policy_judge(const struct attempt *a);

#endif
