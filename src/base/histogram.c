/* See histogram.h. */
#include "base/histogram.h"

#include <stddef.h>

const double seconds_bounds[] = { .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30,
	60, 300, 0 };
const double batch_bounds[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 0 };

void histogram_add(struct histogram *h, double value)
{
	size_t i;

	if (h->bounds == NULL)
		h->bounds = seconds_bounds;
	for (i = 0; h->bounds[i] != 0 && value > h->bounds[i]; i++)
		;
	h->counts[i]++;
	h->total++;
	h->sum += value;
}

/* Within a bucket values are taken to lie evenly; beyond the last bound, at it. */
double histogram_quantile(const struct histogram *h, double share)
{
	double wanted = share * (double)h->total, seen = 0, low = 0;
	size_t i;

	if (h->total == 0)
		return 0;
	for (i = 0; h->bounds[i] != 0; i++) {
		if (seen + (double)h->counts[i] >= wanted && h->counts[i] > 0)
			return low + (h->bounds[i] - low) * (wanted - seen) / (double)h->counts[i];
		seen += (double)h->counts[i];
		low = h->bounds[i];
	}
	return low;
}
