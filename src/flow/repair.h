/* What people do about parked deliveries, carried out in the running relay: the store does it
 * (store/repair.h), then lanes go on. */
#ifndef FLOW_REPAIR_H
#define FLOW_REPAIR_H

#include "flow/flow.h"
#include "store/repair.h"

struct ingest;

/* Some deliveries and kept callbacks, one after the other. Filled by the caller but for what is behind
 * `out`; lives, with all it points to, until done, which runs on the loop, perhaps within repair_start. */
struct repair {
	struct flow *flow;
	struct ingest *ingest;
	enum mend mend;
	const struct parked_id *ids;
	size_t nids;
	const char *text; /* EDIT */
	const char *who;
	void (*done)(struct repair *r);
	void *arg;
	/* out */
	bool is_failed; /* the store could not; err. What was done before it is done. */
	struct err err;
	enum mend_result *results; /* of each id, in the arena */
	struct arena *arena;       /* given */
	/* its own */
	size_t at;
	struct op_mend mending;
	struct op_raw_read reading;
};
/* A kept callback that is put back goes through the present parser; where that cannot read it either it
 * stays. */
void repair_start(struct repair *r);

/* A mend that somebody else had the store do: lanes go on. */
void repair_mended(struct flow *f, const struct op_mend *op);

/* Before flow_load reads what is under way: what was parked because its endpoint was gone from the
 * configuration, and which is there again, is put back. */
int repair_take_back(struct flow *f, struct err *err);

#endif
