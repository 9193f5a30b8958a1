/* A conversation at the customers' side is about to get one at the agents' side: is there one already? Pure. The
 * flow asks the platforms what is there; here is what follows, in this order, the first that holds:
 *
 *   mark    a relay's mark on it names this conversation, or its messages are copies of this one's
 *   person  it is the only one of the person that is not closed, and so is this one at the customers' side
 *   else    a new one
 *
 * Never by what is said in them, and never by names. */
#ifndef CORE_ADOPT_H
#define CORE_ADOPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/conf.h"
#include "core/ids.h"

/* One conversation of the person at the agents' side. */
struct adopt_candidate {
	const char *conversation;
	enum state state;
	int64_t changed_ms; /* last; 0: not said */
	const char *mark;   /* what stands where a conversation's mark would be; NULL: nothing */
	bool is_derived;    /* its id is the one that we would choose ourselves */
	bool has_roots;     /* messages in it are copies of this one's */
	bool is_taken;      /* the store knows it as somebody's: it is in a pair */
};

struct adopt_in {
	const struct keys *keys;
	const struct bridge_conf *bridge;
	struct root conversation; /* the root of the customers' one */
	int64_t generation;       /* of what would be opened */
	int64_t now_ms;
	const struct adopt_candidate *candidates; /* the newest first */
	size_t count;
	bool is_whole;   /* these are all that there are */
	bool is_history; /* nobody speaks now: what is closed is not over */
};

struct adopt_out {
	const struct adopt_candidate *one; /* NULL: none */
	enum link_how how;
	int64_t generation;
	const char *why; /* of none: for people; static */
};

/* What marks alone decide. True: they do, be it that one is found, or (one NULL) that the one they name is over by
 * the bridge's `reopen`, and a further generation is due. */
bool adopt_by_mark(const struct adopt_in *in, struct adopt_out *out);
/* What is left for a person's only one; then how many he has open at the customers' side has to be asked. */
void adopt_by_person(const struct adopt_in *in, struct adopt_out *out);
/* … and this many are: -1 nobody can tell. */
void adopt_count(int open_at_customers, struct adopt_out *out);

#endif
