/* What becomes of an event, and how a delivery of it is to be carried: which bridges take it, under
 * which words and mark it is written, and by which steps. Pure; router, courier and `explain` call the
 * same functions. */
#ifndef FLOW_PLAN_H
#define FLOW_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connector/connector.h"
#include "core/compose.h"
#include "core/route.h"
#include "store/store.h"

/* An event, offered to one of the bridges that its endpoint has. */
struct offer {
	const struct keys *keys;
	const struct event *event;
	const struct bridge_conf *bridge;
	enum side side; /* what the endpoint is in that bridge */
	const struct view *view;
	size_t at; /* the bridge's place in the view */
	int64_t now_ms;
	int hops;      /* limits.hops */
	bool is_known; /* its message came before */
};

void plan_decide(const struct offer *in, struct route *out);

/* What a delivery is, as the store has it. */
struct cargo {
	const struct keys *keys;
	const struct event *event;
	const struct bridge_conf *bridge;
	enum side to;
	struct via target, desk; /* the endpoint it is written at; the agents' side of the bridge */
	const struct endpoint_conf *from, *customers; /* where it was said; the customers' side */
	const struct row_link *link;
	const struct row_lane *lane;
	const struct person *person; /* the customer as C describes him */
	bool reopen, take_over;      /* decided when it was routed */
	const struct event *replied; /* as in struct row_trip */
	const char *replied_remote;
	enum state
	    set_state; /* what it makes of the conversation there, instead of saying something */
};

/* The message as it is written there, and what is known of the place. words must stay where it is. */
void plan_words(struct arena *a, const struct cargo *in, struct composed *words,
    struct known *known);
/* The steps it needs; cuts the message into parts. False: it cannot be carried, *refused says why. */
bool plan_steps(struct arena *a, const struct via *target, struct composed *words,
    const struct known *known, struct plan *out, struct effect *refused);

#endif
