/* Event and what is known of its conversation → for each bridge a delivery, or a reason why not.
 * Pure; the relay and `explain` call the same function. */
#ifndef CORE_ROUTE_H
#define CORE_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/conf.h"
#include "core/ids.h"
#include "core/model.h"
#include "core/view.h"

struct arena;

struct route_in {
	const struct event *event;
	const struct mark *mark; /* what event->mark says, NULL: no mark */
	const struct bridge_conf *bridge;
	enum side side; /* what the event's endpoint is in that bridge */
	const struct view *view;
	const struct view_bridge *known;
	int64_t now_ms;
	int hops;      /* limits.hops */
	bool is_known; /* its message came before; the store answers that by itself, and then
					 * nothing is routed */
};

enum link_choice {
	LINK_NONE, /* parked before it has one */
	LINK_USE,  /* the one there is */
	LINK_JOIN, /* a new row: this conversation and one that is there at the other side */
	LINK_NEW   /* a new row, and a new conversation at the other side */
};

struct route {
	enum drop drop;      /* DROP_NONE: it travels */
	bool whole_endpoint; /* the reason holds for every bridge of the endpoint */
	const char *detail;  /* static, or the event's */
	enum reason park; /* it is parked with this reason instead of dropped; REASON_NONE: not */

	enum side to;
	enum link_choice choice;
	int64_t link; /* USE */
	int64_t person;
	int64_t customers, agents; /* threads of a new row; 0: not known yet */
	int64_t generation;
	bool reopen;    /* the far conversation is closed and is to be used again */
	bool take_over; /* its bot is to leave with this message */
	enum state
	    set_state;    /* no message: what the far conversation is to become, OPEN or RESOLVED */
	bool is_deletion; /* no message: what was written for one is to go */
	bool is_edit;     /* it says anew what an earlier one has said */
};

/* The first rule that holds decides; the order is that of the manual's table of drops. */
void route_event(const struct route_in *in, struct route *out);

/* What tells of a message as it is now may tell that it was deleted: the key of that; NULL: it does not. */
const char *route_deletion_key(struct arena *a, const struct event *event);

/* Whether parsing alone decides, so that the event never touches the disk: it says something that is
 * never carried, and bears no mark. */
bool route_is_settled_by_parsing(const struct event *event,
    const struct bridge_conf *const *bridges, size_t count, struct route *out);

/* An echo of this bridge's own: our mark, our bridge, and not posted by a customer of C. */
bool route_is_echo(const struct event *event, const struct mark *mark,
    const struct bridge_conf *bridge, enum side side);

#endif
