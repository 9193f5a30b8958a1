/* What the two files of cleaning up share. */
#ifndef STORE_SQLITE_RETAIN_INSIDE_H
#define STORE_SQLITE_RETAIN_INSIDE_H

#include "store/retain.h"

#define DAY_MS INT64_C(86400000)

/* One step: what is left of what it may do. */
struct retain_work {
	struct op_retain *op;
	int64_t after;         /* of this stage */
	int to_see, to_delete; /* rows */
	int64_t moving; /* history above this event is just being moved; INT64_MAX: none is */
};

/* Whether another row may be looked at. */
static inline bool retain_goes_on(const struct retain_work *w)
{
	return w->to_see > 0 && w->to_delete > 0;
}

const struct retain_ages *retain_of_bridge(const struct op_retain *op, int bridge);
const struct retain_ages *retain_of_endpoint(const struct op_retain *op, int endpoint);

#endif
