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
	void *arg;
};

/* Runs the loop until all is done. s is filled but for facts, lines and keeps; false: the platform did not
 * say all that there is to know. */
void setup_run(struct setup *s, struct loop *loop, struct http_out *wire,
    const struct setup_order *order);

#endif
