/* The resource `history` of /api/v1: what an endpoint's platform tells of the past, page by page, for
 * `tieline export`. Nothing of it is kept. */
#ifndef ADMIN_HISTORY_WEB_H
#define ADMIN_HISTORY_WEB_H

struct api_call;

/* GET /history?endpoint=NAME&since=T&cursor=C: conversations that changed since, next. */
void history_web_list(struct api_call *c);
/* GET /history/ID?endpoint=NAME&since=T: all messages of one, the oldest first. */
void history_web_show(struct api_call *c);

#endif
