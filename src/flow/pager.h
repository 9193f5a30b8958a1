/* Reading what is there: one request for a page at a time and endpoint, through the gate that all
 * requests go through. What is read for its own sake yields to live messages, and takes at most half of
 * the endpoint's rate, or of what those of one host share; history yields to what is read to find messages. */
#ifndef FLOW_PAGER_H
#define FLOW_PAGER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "connector/connector.h"
#include "flow/flow.h"

struct pager;

struct pager *pager_new(struct endpoint *e);
void pager_free(struct pager *g); /* takes NULL; what was asked is not answered any more */
/* Sends what may go now; called whenever something about the gate has changed. */
void pager_pump(struct pager *g);

/* One question, its asker's. The first block is filled by the asker. */
struct page {
	struct job job; /* PAGE; job.known is set by page_ask */
	struct known known;
	bool is_live;    /* a message waits for it: it does not yield */
	bool is_history; /* it yields to all others */
	/* NEXT_STEP: o->events and o->cursor. REJECTED: it cannot be had. What passes is tried again
	 * until it has. a, in which the answer lives, is the asker's from here on. */
	void (*done)(void *arg, struct arena *a, const struct outcome *o);
	void *arg;

	struct pager *pager; /* while it is asked */
	TAILQ_ENTRY(page) next;
	struct arena *arena;
	int attempt;
	int64_t due_ms;
};

void page_ask(struct endpoint *e, struct page *p);
void page_cancel(struct page *p); /* done will not run; for one that is not asked nothing happens */

#endif
