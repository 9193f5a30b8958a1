/* Open or closed: what is known of a conversation at one endpoint, and what of that is news. */
#ifndef CORE_STANDING_H
#define CORE_STANDING_H

#include <stdbool.h>
#include <stdint.h>

#include "core/view.h"
#include "core/words.h"

/* state, version: as its platform told it last. asked: what a request of ours makes of it, until it is heard
 * to be so; asked_ms is when that was answered, 0 while it is not: its name, and compared with no version. */
struct standing {
	enum state state;
	int64_t version; /* ms, by the platform's clock; 0: unknown */
	enum state asked;
	int64_t asked_ms;
};

enum hearing {
	HEARD_NOTHING, /* old, or known */
	HEARD_NOTE,    /* to be written down, and nobody's business */
	HEARD_ECHO,    /* what we asked for */
	HEARD_CHANGE   /* somebody there has opened or closed it */
};

/* Takes in what the platform says now, or said a while ago: callbacks come in any order. */
enum hearing standing_hear(struct standing *s, enum state state, int64_t version);

/* The same for what was read there after our request was answered. */
enum hearing standing_read(struct standing *s, enum state state, int64_t version);

bool state_is_closed(enum state state);
/* As it is, or is about to be. */
enum state standing_now(const struct standing *s);

/* What is still to be asked of that side of the link so that it stands as it is wanted; NONE: nothing. */
enum state standing_needs(const struct row_link *l, enum side side);

#endif
