/* A line of what `tieline export` writes, read back. Members it does not know are passed over; what it knows
 * must be what the format says. */
#ifndef CORE_HISTORY_READ_H
#define CORE_HISTORY_READ_H

#include "base/err.h"
#include "core/model.h"

struct arena;

struct history_line {
	bool is_conversation;            /* else a message */
	const char *endpoint, *platform; /* of a conversation; NULL: not said */
	struct event event;
};

/* -1: err says which member is wrong, what was found and what is allowed. All of out is in a. */
int history_read(struct arena *a, const char *text, size_t len, struct history_line *out,
    struct err *err);

#endif
