/* What is known of a conversation when one of its events is routed: the store fills it, core/route.c
 * reads it. Strings live in the arena of the operation that asked. */
#ifndef CORE_VIEW_H
#define CORE_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "core/conf.h"
#include "core/model.h"

/* One conversation at the customers' side tied to one at the agents' side, within a bridge. */
struct row_link {
	int64_t id; /* 0: there is none */
	int bridge;
	int64_t person, generation;
	int64_t customers, agents; /* thread ids; 0: not yet */
	const char *customers_remote, *customers_ref, *agents_remote, *agents_ref;
	enum state customers_state, agents_state; /* as they are, or as we have asked them to be;
						   * NONE: nothing heard, taken for open */
	enum state customers_heard, agents_heard; /* as their platform told it last */
	enum state customers_asked, agents_asked; /* … and what of ours it did not tell yet, */
	bool customers_obeyed, agents_obeyed;     /* … though that was answered */
	enum state
	    wanted; /* OPEN or RESOLVED: what people made of it last, at whichever side; NONE:
			    * they did not yet, or it is nothing that the bridge carries */
	int64_t customers_closed_ms, agents_closed_ms; /* when we saw it closed; 0: not */
	const char *first_customers, *first_agents; /* message ids where it began; NULL unknown */
	bool taken_over, gone;
	enum link_how how;
	int64_t
	    used_day; /* when something last went over it, in days since the epoch; 0: not known */
};

struct ask { /* one bridge that has the event's endpoint */
	int bridge;
	enum side side; /* what the endpoint is in it */
	int other;      /* the endpoint at the other end */
};

struct view_bridge {
	struct row_link link;   /* of this conversation: newest generation; id 0: not linked */
	struct row_link latest; /* not linked: the person's newest link in this bridge, if any */
	bool is_left;           /* link: one of its ends has gone on with another conversation (only
				 * of events about a conversation's state) */
	int64_t lane;           /* of (target, person), 0: none yet */
	int64_t opening;        /* agents' side, not linked: the link of what is on its way here for
				 * that person, and whose conversation nobody knows yet: it may be
				 * this one. 0: nothing is */
	bool root_at_target;    /* the target already holds the event's root (only where asked) */
};

struct view {
	int64_t thread;   /* the event's conversation at its endpoint; 0: none and not made */
	int64_t person;   /* 0: not known */
	enum state state; /* of the thread */
	int64_t state_version;
	struct view_bridge bridges[BRIDGES_PER_ENDPOINT]; /* in the order of asks */
};

#endif
