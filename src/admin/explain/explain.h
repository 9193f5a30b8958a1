/* What the files of `tieline explain` share. Nobody else includes it.
 *
 *   cli_explain.c       options, files, one input after the other, the last line
 *   explain_input.c     a file of headers, a body
 *   explain_hook.c      callback → refusal, unparsable, events
 *   explain_answer.c    page of history → events, cursor; answer → effect
 *   explain_event.c     event → event and drop lines, by the relay's own routing
 *   explain_request.c   delivery → request lines, by the connector's own plan and build
 *
 * Nothing here touches the network or a store. Memory begins empty; what an earlier input of the same
 * run told counts as seen, but nothing was sent: links come from --link alone. */
#ifndef ADMIN_EXPLAIN_EXPLAIN_H
#define ADMIN_EXPLAIN_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/json_out.h"
#include "config/config.h"
#include "connector/connector.h"
#include "core/route.h"

enum explain_as { EXPLAIN_HOOK, EXPLAIN_PAGE, EXPLAIN_ANSWER };

/* --link: a conversation of this endpoint and the one at the other end of a bridge. */
struct explain_link {
	const struct bridge_conf *bridge;
	const char *ours, *theirs;
};

/* One file of --headers. */
struct explain_headers {
	bool is_given;             /* false: there is no such file */
	const char *method, *path; /* of its first line; NULL: it says none */
	int status;                /* likewise; 0 */
	struct http_header *items;
	size_t count, size; /* size: bytes of all */
};

struct explain_input {
	struct explain_headers headers;
	const char *body;
	size_t body_len;
};

struct explain_texts {
	const char **items;
	size_t count, size;
};

struct explain {
	struct arena *arena; /* of the whole run */
	struct config *config;
	const struct endpoint_conf *endpoint;
	const struct connector *connector;
	struct keys keys;
	int64_t now_ms;
	enum explain_as as;
	enum step step;           /* of the answer; NONE: the usual one */
	const char *conversation; /* of the page; NULL: it says so itself */
	int status;               /* of the answer; 0: the headers say it, else 200 */
	const struct bridge_conf *bridges[BRIDGES_PER_ENDPOINT];
	enum side sides[BRIDGES_PER_ENDPOINT]; /* what the endpoint is in each */
	size_t nbridges;
	struct explain_link *links;
	size_t nlinks;
	struct explain_texts known; /* --known */
	struct explain_texts seen;  /* keys of earlier inputs' events */

	int64_t n;       /* number of the input, from 1 */
	struct arena *a; /* memory of that input */
	struct {
		int64_t events, drops, refusals, unparsable, requests;
	} count;
};

/* --- cli_explain.c: lines ---------------------------------------------------------------------- */

/* Begins a line with type, n and endpoint; its end prints it. */
struct json_out *explain_line(struct explain *x, const char *type);
void explain_line_end(struct json_out *o);
/* What connectors and plans are asked by, for an endpoint whose memory is empty. */
struct via explain_via(const struct explain *x, const struct endpoint_conf *e);
void explain_texts_add(struct arena *a, struct explain_texts *t, const char *text);
bool explain_texts_have(const struct explain_texts *t, const char *text);

/* --- explain_input.c --------------------------------------------------------------------------- */

/* The whole file into the arena; "-" is stdin. -1: err says why not. */
int explain_read(struct arena *a, const char *path, const char **data, size_t *len,
    struct err *err);
int explain_read_headers(struct arena *a, const char *path, struct explain_headers *out,
    struct err *err);

/* --- one input --------------------------------------------------------------------------------- */

void explain_hook(struct explain *x, const struct explain_input *in);
void explain_page(struct explain *x, const struct explain_input *in);
void explain_answer(struct explain *x, const struct explain_input *in);

/* auth: "ok", "unchecked". */
void explain_unparsable(struct explain *x, const char *auth, const struct parse_error *error);
void explain_event(struct explain *x, const char *auth, const struct event *e);
/* The delivery that r decided on, to the bridge's other end. */
void explain_delivery(struct explain *x, const struct event *e, size_t bridge,
    const struct row_link *link, const struct route *r);
void explain_effect(struct explain *x, const struct endpoint_conf *e, enum step step,
    const struct effect *effect);

#endif
