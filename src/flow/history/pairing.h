/* Pairs that a person names: these two conversations belong together. Each is looked at, at both ends, before it is
 * written down; what stands in both by then stays where it is (core/route.h, before_link). */
#ifndef FLOW_HISTORY_PAIRING_H
#define FLOW_HISTORY_PAIRING_H

#include <stddef.h>

#include "flow/flow.h"

enum pairing_mode {
	PAIRING_CHECK, /* only what we know: names, and other pairs */
	PAIRING_PLAN,  /* and both ends are asked; nothing is written */
	PAIRING_LINK
};

enum pairing_result { PAIRING_LINKED, PAIRING_ALREADY, PAIRING_REFUSED };
const char *pairing_result_word(enum pairing_result result);

struct pairing_item {
	const char *customers, *agents; /* "shop:…", "desk:…" */
	/* out; texts in the arena given. LINKED: it is, or (not LINK) it would be. */
	enum pairing_result result;
	const char *why;
};

/* One after the other. items and the arena live until done, which runs once, perhaps within; is_over: the relay stops,
 * and what was not reached is left. */
void pairing_start(struct flow *f, enum pairing_mode mode, struct pairing_item *items, size_t count,
    struct arena *a, void (*done)(void *arg, bool is_over), void *arg);

#endif
