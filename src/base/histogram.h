/* How often a number fell below each of some bounds: what metrics call a histogram. Plain numbers; whoever
 * shares one between threads locks it. */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BUCKETS 17

struct histogram {
	const double
	    *bounds; /* HISTOGRAM_BUCKETS - 1 at most, ending with 0; NULL: seconds_bounds */
	uint64_t counts[HISTOGRAM_BUCKETS]; /* each its own; the last is beyond all bounds */
	uint64_t total;
	double sum;
};

extern const double seconds_bounds[];
extern const double batch_bounds[];

void histogram_add(struct histogram *h, double value);
/* The value that a share (0 to 1) of all stayed below, as well as the bounds can tell; 0 of none. */
double histogram_quantile(const struct histogram *h, double share);

#endif
