/* Reads one conversation where it is, and takes in what we do not know of it: in the order in which it
 * was written, by the way that callbacks go. */
#ifndef FLOW_READING_H
#define FLOW_READING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flow/flow.h"
#include "flow/told.h"

struct reading;

struct reading_order {
	const char *conversation;
	const struct event
	    *about;       /* as a page of conversations told it; NULL: it is asked for first */
	int64_t since_ms; /* messages written before are left alone */
	int64_t until_ms; /* … and after: they may still be told */
	bool is_live;     /* a message waits for it */
	bool is_dry;      /* only counts */
	bool is_told;     /* this is how messages are told here: they are not late */
	int64_t begun_ms; /* when the bridges began */
	const struct past *past; /* is no news; NULL: nothing is known of it */
};

/* What came of it. */
struct reading_result {
	bool is_gone; /* the conversation cannot be read */
	size_t checked, missing, repaired;
	bool has_younger;  /* there were messages after until_ms */
	bool has_held;     /* … and some that may be our own, which nobody can tell yet */
	int64_t newest_ms; /* when the last one was written, by the clock there; 0: none was read */
	struct past past;  /* left alone, and older than the bridges */
};

/* order's texts must live until done, which runs once, never from within reading_start. */
struct reading *reading_start(struct endpoint *e, const struct reading_order *order,
    void (*done)(void *arg, const struct reading_result *result), void *arg);
void reading_free(
    struct reading *r); /* takes NULL; done will not run. After done it is free already */

#endif
