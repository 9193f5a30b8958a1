/* See stats.h. */
#include "flow/stats.h"

#include <string.h>

#define HOUR_MS (60 * 60 * 1000)
/* One endpoint may have two secrets, of which one is right: good callbacks between bad ones do not end
 * it at once. */
#define MISFITS_LAST_MSECS (10 * 60 * 1000)

/* Forgets the hours that are more than a day before now. */
static void turn_to(struct day *d, int64_t hour)
{
	int64_t forgotten = hour - d->hour;

	if (forgotten <= 0)
		return;
	if (forgotten >= DAY_HOURS)
		memset(d->counts, 0, sizeof(d->counts));
	else
		while (d->hour < hour)
			d->counts[++d->hour % DAY_HOURS] = 0;
	d->hour = hour;
}

void day_add(struct day *d, int64_t now_ms)
{
	turn_to(d, now_ms / HOUR_MS);
	d->counts[d->hour % DAY_HOURS]++;
}

uint64_t day_sum(const struct day *d, int64_t now_ms)
{
	struct day now = *d;
	uint64_t sum = 0;
	int i;

	turn_to(&now, now_ms / HOUR_MS);
	for (i = 0; i < DAY_HOURS; i++)
		sum += now.counts[i];
	return sum;
}

bool misfits_last(const struct misfits *m, int64_t now_ms)
{
	return m->count > 0 && (!m->is_over || now_ms - m->last_ms < MISFITS_LAST_MSECS);
}
