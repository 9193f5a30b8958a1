/* What the relay answers besides callbacks: health to anybody, metrics, the status page and the interface for
 * programs to the admin listener, that interface to the socket. */
#ifndef ADMIN_WEB_WEB_H
#define ADMIN_WEB_WEB_H

#include "flow/flow.h"
#include "flow/ingest.h"

struct alarm_watch;
struct api_call;
struct history_web;
struct checks;
struct http_in_call;
struct mistakes;
struct pulse;
struct series_watch;
struct sessions;

struct web {
	struct flow *flow;
	struct ingest *ingest;
	struct pulse *pulse;
	struct alarm_watch *alarms;
	struct series_watch *series;
	struct sessions *sessions;
	struct history_web *history;
	struct checks *checks;
	int64_t started_ms;
	/* Reads the configuration anew: -1, and the mistakes say why not. */
	int (*reload)(void *arg, struct mistakes *m);
	void *reload_arg;
	bool is_open; /* only this host reaches the admin listener: metrics need no token */
};

/* One handler per listener; arg is the struct web. */
/* /hooks /healthz /readyz; where `listen` is the admin listener too, its addresses, for who has a token or
 * signs in. */
void web_on_public(struct http_in_call *call, void *arg);
void web_on_admin(struct http_in_call *call, void *arg);  /* /metrics /admin /api */
void web_on_socket(struct http_in_call *call, void *arg); /* /api /healthz /readyz */
void web_status(struct api_call *c);                      /* GET /api/v1/status */

#endif
