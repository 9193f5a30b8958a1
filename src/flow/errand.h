/* What the agents are owed about messages (store/errand.h): the chores (chores.h) of a desk. Nothing is said twice
 * for a crash. */
#ifndef FLOW_ERRAND_H
#define FLOW_ERRAND_H

#include <stdbool.h>
#include <stddef.h>

#include "flow/flow.h"
#include "store/errand.h"

void errands_init(struct endpoint *e);
/* Before store_start: what an earlier life has left. */
int errands_load(struct flow *f, struct err *err);

/* What an ending of that kind makes of a delivery of event over the bridge. */
struct owe errand_owe(const struct bridge_conf *b, const struct event *event, enum side to,
    enum delivery_state state, enum reason reason);
/* The same of an edit, whose message shows how that fared. */
struct owe errand_owe_edit(const struct bridge_conf *b, enum side to, enum delivery_state state);
/* The same of a deletion that could not be carried: the agents are told. */
struct owe errand_owe_deletion(const struct bridge_conf *b);
/* What the bridges of a customers' endpoint want to hear of what became of a message; out has room for
 * BRIDGES_PER_ENDPOINT. */
size_t errand_receipt_wants(const struct endpoint *e, struct receipt_want *out);
/* It is on disk: sees to it that what is due is done. event is whom it is about. */
void errand_owed(struct flow *f, int64_t event, const struct owe *owe);
/* Whether what the endpoint's own platform shows of an agent's message matters here. */
bool errand_listens(const struct endpoint *e);

#endif
