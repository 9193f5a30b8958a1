/* One request to an endpoint's platform, of those beside the lanes: its connector builds it, and the answer
 * is interpreted, and what it says of the endpoint taken in. */
#ifndef FLOW_REQUEST_H
#define FLOW_REQUEST_H

#include <stdbool.h>

#include "base/http.h"
#include "connector/connector.h"

struct arena;
struct config;
struct endpoint;
struct http_call;

struct request {
	/* Filled by request_send; what job points to must live until the answer. */
	struct endpoint *endpoint;
	struct arena *arena; /* borrowed: what is built, and the outcome, live in it */
	struct job job;
	struct http_req req;
	struct http_call *call; /* NULL: it is not under way */
	struct config *config;  /* a reference, while it is under way */
	/* The asker's. May free the request, and send the next one with it; the gate is woken behind it. */
	void (*done)(void *arg, const struct outcome *o);
	void *arg;
};

/* Its place on the wire was entered (gate_enter), and is left with the answer. False: the connector has no way
 * to say this (yet); the place is left, and done does not run. */
bool request_send(struct request *r, struct endpoint *e, struct arena *a, const struct job *job);
/* done will not run; for one that is not under way nothing happens. */
void request_cancel(struct request *r);

#endif
