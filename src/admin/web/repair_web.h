/* The resources `parked` and `messages` of /api/v1. Each answers its call, now or when the store has. */
#ifndef ADMIN_WEB_REPAIR_WEB_H
#define ADMIN_WEB_REPAIR_WEB_H

struct api_call;

void repair_web_list(struct api_call *c);      /* GET /parked?endpoint&bridge&reason&limit&cursor */
void repair_web_show(struct api_call *c);      /* GET /parked/{id} */
void repair_web_edit(struct api_call *c);      /* PATCH /parked/{id} {"text"}, If-Match */
void repair_web_drop(struct api_call *c);      /* DELETE /parked/{id} → 204 */
void repair_web_retry(struct api_call *c);     /* POST /parked/{id}/retry → 202 */
void repair_web_retry_all(struct api_call *c); /* POST /parked/retry {"filter":{},"expect":41} */
void repair_web_drop_all(struct api_call *c);
void repair_web_trace(struct api_call *c); /* GET /messages/{id}/trace */

#endif
