/* The status page: what is wrong, what waits and what is parked, for a person with a browser. It is a client of
 * /api/v1 and nothing more; here it is handed out, and who may use it signs in.
 *
 *   GET  /admin           the page; its style, script and picture stand below it
 *   GET  /admin/session   200 {"csrf"} for who is signed in, else 401
 *   POST /admin/login     {"password"}: 200 {"csrf"} with the cookie, else 401, 429
 *   POST /admin/logout    204
 *
 * Without admin.password there is none of it. */
#ifndef ADMIN_WEB_PAGE_H
#define ADMIN_WEB_PAGE_H

#include <stdbool.h>

struct http_in_call;
struct web;

/* /admin, and what lies below. */
bool page_is(struct http_in_call *call);
void page_take(const struct web *w, struct http_in_call *call);
/* Somebody is signed in by the call's cookie. *may_change: the call brings what a change has to bring, too: a form
 * of another site, which the browser would send the cookie with, could not. */
bool page_knows(const struct web *w, struct http_in_call *call, bool *may_change);
/* Who asks, as the log and the limit of wrong passwords take it: the peer, or who a trusted proxy says. In the
 * call's arena. */
const char *page_peer(const struct web *w, struct http_in_call *call);

#endif
