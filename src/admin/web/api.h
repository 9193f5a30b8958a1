/* The interface for programs: /api/v1 on the socket and on the admin listener. One table of routes; errors
 * are application/problem+json (RFC 9457). */
#ifndef ADMIN_WEB_API_H
#define ADMIN_WEB_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct http_in_call;
struct json;
struct mistakes;
struct web;

/* One request. Lives, with its arena, until it is answered, at once or later. */
struct api_call {
	const struct web *web;
	struct http_in_call *call;
	struct arena *arena;
	const char *who;  /* "socket uid 1000", "token", "page" */
	const char *name; /* what stood for {name} in the route; NULL: it has none */
};

enum api_rights { API_NONE, API_READ, API_ALL };

/* Takes a call whose path begins with /api/ and answers it. */
void api_take(const struct web *w, struct http_in_call *call, enum api_rights rights,
    const char *who);

/* The i-th route, its path below /api/v1 with {} for a name; NULL: there are not so many. */
struct api_route {
	const char *method, *path;
	void (*handle)(struct api_call *c);
};
const struct api_route *api_route_at(size_t i);

/* ---- for handlers ---- */

/* A parameter behind the question mark, decoded; NULL: not given. */
const char *api_query(const struct api_call *c, const char *name);
/* What every list may be asked for: how many, after which, from when to when. */
struct api_page {
	int limit;
	const char *cursor;         /* NULL: from the beginning */
	int64_t since_ms, until_ms; /* 0: not said */
};
/* NULL, or what is wrong with it. */
const char *api_page_read(const struct api_call *c, struct api_page *out);
/* Whether it came over the socket; where not, that is answered. */
bool api_is_socket(struct api_call *c, const char *why);
/* The body. NULL: it is no JSON object, and that is answered. */
const struct json *api_body(struct api_call *c);
const char *api_header(const struct api_call *c, const char *name);

void api_reply(struct api_call *c, int status, const char *body, size_t len);
/* The words of the manual. detail says what is wrong here, next what to do; NULL: nothing. */
enum api_problem {
	API_UNAUTHORIZED,
	API_FORBIDDEN,
	API_NOT_FOUND,
	API_METHOD,
	API_CONFLICT,
	API_CHANGED,
	API_INVALID,
	API_CONFIGURATION,
	API_RATE,
	API_BUSY,
	API_STORE
};
void api_problem(struct api_call *c, enum api_problem problem, const char *detail,
    const char *next);
/* The configuration has these: told as errors, too. */
void api_mistakes(struct api_call *c, const struct mistakes *m, const char *detail,
    const char *next);
/* For calls that have no route: the same without an api_call. */
void api_refuse(struct http_in_call *call, enum api_problem problem, const char *detail,
    const char *next);
void api_refuse_method(struct http_in_call *call, const char *allow);
/* API_RATE: not before so many seconds are over. */
void api_refuse_for(struct http_in_call *call, int64_t secs, const char *detail, const char *next);

#endif
