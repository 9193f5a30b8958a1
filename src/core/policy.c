/* See policy.h. The table of effects:
 *
 *   delivered            over
 *   retry                surely not there: wait, send again; past its lifetime parked as expired
 *   unsure               may be there: wait for a late commit, then look; where nothing can be looked
 *                        for, parked as uncertain unless the bridge wants it sent again
 *   rejected             parked with its reason
 *   pause                the endpoint's own credentials: the gate shuts, no message is blamed
 */
#include "core/policy.h"

int64_t policy_retry_at(int attempt, int64_t asked_msecs, int64_t now_ms, uint32_t dice)
{
	int64_t most = RETRY_FIRST_MSECS, wait;
	int i;

	for (i = 1; i < attempt && most < RETRY_MOST_MSECS; i++)
		most *= 2;
	if (most > RETRY_MOST_MSECS)
		most = RETRY_MOST_MSECS;
	wait = (int64_t)((uint64_t)dice * (uint64_t)most >> 32);
	if (asked_msecs > RETRY_AFTER_MOST_MSECS)
		asked_msecs = RETRY_AFTER_MOST_MSECS;
	return now_ms + (asked_msecs > 0 ? asked_msecs + wait / 10 : wait);
}

static struct verdict parked(enum reason reason)
{
	return (struct verdict){ .state = DELIVERY_PARKED, .reason = reason };
}

static struct verdict try_again(const struct attempt *a)
{
	int64_t due = a->is_gate_closed
	    ? a->now_ms
	    : policy_retry_at(a->attempt, a->effect.wait_msecs, a->now_ms, a->dice);

	if (a->expires_ms != 0 && due > a->expires_ms)
		return parked(REASON_EXPIRED);
	return (struct verdict){ DELIVERY_WAITING, a->effect.reason, due, false };
}

static struct verdict look_for_it(const struct attempt *a)
{
	int64_t wait = a->effect.wait_msecs > 0 ? a->effect.wait_msecs : a->doubt_wait_msecs;

	if (!a->can_look)
		return a->resend_uncertain ? try_again(a) : parked(REASON_UNCERTAIN);
	return (struct verdict){ DELIVERY_UNSURE, a->effect.reason, a->now_ms + wait, false };
}

struct verdict policy_judge(const struct attempt *a)
{
	switch (a->effect.kind) {
	case EFFECT_DELIVERED: return (struct verdict){ .state = DELIVERY_DELIVERED };
	case EFFECT_RETRY: return try_again(a);
	case EFFECT_UNSURE: return look_for_it(a);
	case EFFECT_REJECTED: return parked(a->effect.reason);
	case EFFECT_PAUSE:
		return (struct verdict){ DELIVERY_WAITING, a->effect.reason, a->now_ms, true };
	case EFFECT_NEXT_STEP:
	case EFFECT_COUNT: break;
	}
	return parked(REASON_BAD_ANSWER); /* a step of a trip is no end; the courier never asks */
}
