/* The resource `history` of /api/v1: what an endpoint's platform tells of the past, page by page, for
 * `tieline export`. Nothing of it is kept. */
#ifndef ADMIN_WEB_HISTORY_WEB_H
#define ADMIN_WEB_HISTORY_WEB_H

#include <stdbool.h>

struct api_call;

/* Those who have asked, and are not answered yet. */
struct history_web;

struct history_web *history_web_new(void);
/* They hear that the relay stops. Before the flow is gone. False: there is nobody. */
bool history_web_stop(struct history_web *h);
void history_web_free(struct history_web *h); /* takes NULL; stops */

/* GET /history?endpoint=NAME&since=T&cursor=C: conversations that changed since, next. */
void history_web_list(struct api_call *c);
/* GET /history/ID?endpoint=NAME&since=T: all messages of one, the oldest first. */
void history_web_show(struct api_call *c);

#endif
