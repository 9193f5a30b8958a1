/* One delivery, from the decision that there is to be one until it is on disk. */
#ifndef FLOW_ROW_H
#define FLOW_ROW_H

#include <stddef.h>

#include "core/route.h"
#include "flow/flow.h"
#include "store/store.h"

/* The row of event's delivery over the bridge at that place of from. The lane in which it is, one longer and
 * perhaps busy from here on; NULL: it is parked. */
struct lane *row_make(struct endpoint *from, size_t bridge, const struct event *event,
    const struct route *r, struct route_row *row);
/* It is on disk: goes on its way, or its lane waits for its turn. */
void row_start(struct flow *f, struct letter *letter, struct route_row *row, struct lane *lane);
/* The event was stored before, or not at all. */
void row_take_back(const struct letter *letter, struct route_row *row, struct lane *lane);

#endif
