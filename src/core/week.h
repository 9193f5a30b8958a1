/* In which hours of the last eight days something was heard: is it a wonder that nothing is now? Pure; cleared
 * memory has heard nothing. */
#ifndef CORE_WEEK_H
#define CORE_WEEK_H

#include <stdbool.h>
#include <stdint.h>

#define WEEK_HOURS (7 * 24)
#define WEEK_KEPT (8 * 24)

struct week {
	int64_t newest; /* hour since the epoch; 0: none */
	bool had[WEEK_KEPT];
};

int64_t week_hour(int64_t now_ms);
/* True: the first one in its hour. */
bool week_note(struct week *w, int64_t hour);
bool week_had(const struct week *w, int64_t hour);
/* Nothing was heard since last_ms, for silence_msecs at least, though a week ago there was something in one of the
 * whole hours that have passed since. */
bool week_wonders(const struct week *w, int64_t last_ms, int64_t now_ms, int64_t silence_msecs);

#endif
