/* The running relay, asked over its Unix socket. */
#ifndef ADMIN_CLI_CLIENT_H
#define ADMIN_CLI_CLIENT_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct arena;
struct cli;
struct config;

struct client_answer {
	int status;
	const char *body; /* NUL-terminated, in the arena */
	size_t len;
};

enum client_result {
	CLIENT_OK,        /* there is an answer, of whatever status */
	CLIENT_NOBODY,    /* no relay there */
	CLIENT_FORBIDDEN, /* there is a socket, and it is not for this user */
	CLIENT_SILENT,    /* somebody took the request and did not answer in time */
};

/* Where it may be: --socket, else $TIELINE_SOCKET, else the configuration's, else the two places where it
 * is without being told. A configuration that cannot be read whole does not matter here. */
#define CLIENT_PLACES 4
struct client {
	const char *places[CLIENT_PLACES];
	size_t nplaces;
	const char *store;     /* path; NULL: nothing says which */
	struct config *config; /* NULL: it cannot be read whole */
	/* SIGINT and SIGTERM end the wait for an answer (CLIENT_SILENT), and set it. NULL: they end the command */
	volatile sig_atomic_t *stopped;
};

void client_init(struct client *c, struct arena *a, const struct cli *cli);
void client_fini(struct client *c);
struct client_request {
	const char *method, *path;
	const char *body;  /* JSON; NULL: none */
	const char *match; /* If-Match; NULL: none */
	int64_t timeout_msecs;
};
/* Of the first place where somebody is. err says what is wrong, in words. */
enum client_result client_ask(const struct client *c, struct arena *a,
    const struct client_request *req, struct client_answer *out, struct err *err);
enum client_result client_get(const struct client *c, struct arena *a, const char *path,
    int64_t timeout_msecs, struct client_answer *out, struct err *err);

#endif
