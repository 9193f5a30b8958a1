/* A store in a folder of its own, with two endpoints and a bridge, and the operations of the tests
 * in one line each. What fails, fails the test. */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "store/store.h"

struct fixture {
	const char *driver; /* "sqlite" */
	char dir[64], path[96], url[128];
	struct store *store;
	struct arena *arena;
	int customers, agents, bridge; /* ids */
	struct ask ask, back;          /* of an event at customers, and at agents */
	int64_t now_ms;
};

void fixture_start(struct fixture *f, const char *driver);
void fixture_end(struct fixture *f);
/* What every driver promises. Each is tried with a fixture of its own, *state. */
struct promise {
	const char *name;
	CMUnitTestFunction fn;
};

#define PROMISE(fn) \
	{ \
#fn, fn \
	}

/* For main. */
int fixture_run(const struct promise *promises, size_t count);

/* Closes, which is what a kill leaves behind too, and opens again. */
void fixture_reopen(struct fixture *f);

/* Runs op inline and expects it to succeed. */
void run(struct fixture *f, struct store_op *op);

/* A message of a customer, or of an agent where conversation is one of the agents' side. Fields of
 * *e that are set stay; key and remote come from id. */
struct event message(struct fixture *f, int endpoint, const char *conversation, const char *id);
/* Appends with a view. */
struct op_append append(struct fixture *f, struct event *e);
/* A row to the agents for what append answered: into its link, or a new one. */
struct route_row row_up(struct fixture *f, const struct view *view);
/* Routes one event to one target; the trip of the delivery it made. */
struct row_trip route(struct fixture *f, int64_t event, struct route_row *row);
/* A customer's message appended and routed. */
struct row_trip deliver(struct fixture *f, const char *conversation, const char *id);
struct op_claim claim(struct fixture *f, int64_t lane);
struct op_settle settle(struct fixture *f, const struct row_trip *trip, enum delivery_state state,
    const char *remote_id);
struct op_load load(struct fixture *f);

#endif
