/* A copy of the store beside it, or elsewhere, while messages go on their way: small steps with time between them. */
#ifndef FLOW_BACKUP_H
#define FLOW_BACKUP_H

#include "flow/flow.h"
#include "store/backup.h"

struct backup {
	struct flow *flow;
	const char *file; /* absolute; must live until done */
	void (*done)(struct backup *b);
	void *arg;
	/* out */
	struct op_backup op;
	int64_t began_ms, took_msecs;
	struct loop_timer *timer;
};

/* -1: one is under way already. */
int backup_start(struct backup *b);
/* The flow ends, and with it one that is under way. */
void backup_end(struct flow *f);

#endif
