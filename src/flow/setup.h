/* Runs what a connector has to say about an endpoint (connector/setup.h): its requests, one after the other. */
#ifndef FLOW_SETUP_H
#define FLOW_SETUP_H

#include <stdbool.h>
#include <stddef.h>

#include "connector/setup.h"

struct http_out;
struct loop;

struct setup_order {
	/* A change is about to be made there: may it? */
	bool (*may)(void *arg, const struct setup *s, const char *what);
	void (*line)(void *arg, const struct check_line *line);
	void (*done)(void *arg); /* of setup_begin: within it, or later, on the loop */
	void *arg;
};

/* s is filled but for facts, lines and keeps, and lives, with its arena, until done; so does *out, which may be NULL. */
struct setup_task;
void setup_begin(struct setup *s, struct loop *loop, struct http_out *wire,
    const struct setup_order *order, struct setup_task **out);
void setup_cancel(struct setup_task *t); /* done will not run. Not within line or done */

/* The same, running the loop until all is done. */
void setup_run(struct setup *s, struct loop *loop, struct http_out *wire,
    const struct setup_order *order);

#endif
