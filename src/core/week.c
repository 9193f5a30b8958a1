/* See week.h. */
#include "core/week.h"

#define HOUR_MS (60 * 60 * 1000)

int64_t week_hour(int64_t now_ms)
{
	return now_ms / HOUR_MS;
}

bool week_note(struct week *w, int64_t hour)
{
	int64_t h;

	if (week_had(w, hour) || hour <= w->newest - WEEK_KEPT || hour <= 0)
		return false;
	if (hour > w->newest + WEEK_KEPT)
		w->newest = hour - WEEK_KEPT;
	for (h = w->newest + 1; h <= hour; h++)
		w->had[h % WEEK_KEPT] = false;
	if (hour > w->newest)
		w->newest = hour;
	w->had[hour % WEEK_KEPT] = true;
	return true;
}

bool week_had(const struct week *w, int64_t hour)
{
	return hour > 0 && hour <= w->newest && hour > w->newest - WEEK_KEPT
	    && w->had[hour % WEEK_KEPT];
}

bool week_wonders(const struct week *w, int64_t last_ms, int64_t now_ms, int64_t silence_msecs)
{
	int64_t hour = week_hour(last_ms + HOUR_MS - 1), end = week_hour(now_ms);

	if (now_ms - last_ms < silence_msecs)
		return false;
	if (hour < end - WEEK_HOURS)
		hour = end - WEEK_HOURS;
	for (; hour < end; hour++)
		if (week_had(w, hour - WEEK_HOURS))
			return true;
	return false;
}
