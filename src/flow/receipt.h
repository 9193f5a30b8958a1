/* What became of a message that the customers' platform had accepted: written down together with what the
 * agents are to be told of it. Such a word may be quicker than the answer to our own request, by which the
 * message is known; so one that nobody knows yet is asked about again, for a moment. */
#ifndef FLOW_RECEIPT_H
#define FLOW_RECEIPT_H

#include <sys/queue.h>

#include "flow/flow.h"

struct receipt;
TAILQ_HEAD(receipt_list, receipt);

/* done runs once, never from within: op says whether it is on disk. list holds it until then. */
void receipt_take(struct receipt_list *list, struct endpoint *e, struct letter *letter,
    void (*done)(void *arg, const struct store_op *op), void *arg);
void receipts_drop(struct receipt_list *list); /* done will not run for what waits */

#endif
