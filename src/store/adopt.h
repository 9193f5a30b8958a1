/* Two conversations that were there before become a pair. */
#ifndef STORE_ADOPT_H
#define STORE_ADOPT_H

#include "store/store.h"

/* One end of it, as its platform tells it. */
struct adopt_end {
	int endpoint;
	const char *remote, *ref;
	enum state state;
	int64_t version; /* of the state */
	const char
	    *first; /* the newest message there is: what is older stays where it is; NULL: none */
};

enum adopt_result {
	ADOPT_DONE,
	ADOPT_WAS,             /* it is a pair already */
	ADOPT_CUSTOMERS_TAKEN, /* the customers' one goes with another, */
	ADOPT_AGENTS_TAKEN,    /* … or the agents' one does: other is which */
	ADOPT_BUSY             /* one is just being opened for the customers' one */
};

/* With link: the row of a message that is on its way, whose agents' conversation is not there yet. Without: it is
 * made, with the conversations and the person. Only generation, and no conversation, where agents.remote is NULL. */
struct op_adopt {
	struct store_op op;
	struct arena *arena;
	int bridge;
	int64_t link, generation; /* 0: none; the next */
	enum link_how how;
	const struct event
	    *about; /* without link: of the customers' conversation; person, conversation */
	struct adopt_end customers, agents;
	bool is_dry; /* nothing is written */
	int64_t now_ms;
	/* out */
	enum adopt_result result;
	const char *other; /* TAKEN: by that one, at the other end */
	struct row_link row;
	int64_t *parked; /* deliveries of what agents said there, which wait for a pair */
	size_t nparked;
};

/* Which of these conversations are in a pair of any bridge. */
struct op_paired {
	struct store_op op;
	int endpoint;
	const char *const *remotes;
	size_t count;
	bool *is_paired; /* out: one for each */
};

#endif
