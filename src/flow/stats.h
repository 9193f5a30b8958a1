/* Counters of the flow, read by metrics and status. Plain numbers on the loop thread. */
#ifndef FLOW_STATS_H
#define FLOW_STATS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/histogram.h"
#include "core/model.h"
#include "core/week.h"
#include "core/words.h"

/* In the order of precedence: what a callback with several events counts as. */
enum hook_result { HOOK_STORED, HOOK_DUPLICATE, HOOK_DROPPED, HOOK_UNPARSABLE, HOOK_RESULT_COUNT };

/* How often something happened in the last 24 hours, by the hour. All zero: never. */
#define DAY_HOURS 24
struct day {
	int64_t hour; /* the newest counted */
	uint32_t counts[DAY_HOURS];
};

void day_add(struct day *d, int64_t now_ms);
uint64_t day_sum(const struct day *d, int64_t now_ms);

/* Callbacks in a row that came without proof: with a wrong secret, or a wrong clock. */
struct misfits {
	uint64_t count;
	int64_t since_ms, last_ms;
	enum refusal reason; /* of the last */
	bool is_over;        /* one with proof came since */
};

/* Whether they still matter: none with proof came since, or the last is not long ago. */
bool misfits_last(const struct misfits *m, int64_t now_ms);

/* Of one endpoint. */
struct endpoint_stats {
	uint64_t hooks[HOOK_RESULT_COUNT], refused[REFUSE_COUNT];
	uint64_t events[EVENT_SESSION + 1], drops[DROP_COUNT];
	uint64_t requests[STEP_COUNT][EFFECT_COUNT];
	uint64_t retries[REASON_COUNT], parked[REASON_COUNT];
	uint64_t found, resent, uncertain, forged, late;
	uint64_t repaired; /* messages that no callback announced */
	struct histogram hook_seconds, request_seconds;
	struct day errors; /* requests that did not do what they should */
	struct day repaired_24h;
	struct day lost; /* of them, those that should have been told: we have listened */
	struct misfits misfits;
	int64_t last_hook_ms;
	struct week week; /* the hours in which callbacks came */
};

/* Of one bridge, by the side it goes to. */
struct bridge_stats {
	uint64_t relayed[2][ORIGIN_OWN + 1];
	struct histogram relay_seconds[2];
};

struct stats {
	struct bridge_stats *bridges; /* in the order of the configuration */
};

#endif
