/* Alarms at work: what is wrong (status_problems.h) is looked at every few seconds, core/alarm.h says what of it is
 * news, and the log, the store and the webhook are told. */
#ifndef ADMIN_WEB_ALARMS_H
#define ADMIN_WEB_ALARMS_H

#include "base/err.h"
#include "core/alarm.h"

struct alarm_watch;
struct api_call;
struct arena;
struct web;

struct alarm_watch *alarm_watch_new(const struct web *w);
int alarm_watch_load(struct alarm_watch *w, struct err *err); /* before store_start */
void alarm_watch_start(struct alarm_watch *w);                /* after it */
void alarm_watch_free(struct alarm_watch *w); /* before the wire and the loop; takes NULL */
const struct alarms *alarm_watch_all(const struct alarm_watch *w);

/* What the webhook is told of one, and its signature by Standard Webhooks: the base64 behind "v1,". secret is
 * as configured. */
const char *alarm_body(struct arena *a, const struct alarm *alarm, enum alarm_news news);
const char *alarm_sign(struct arena *a, const char *secret, const char *id, int64_t timestamp,
    const char *body);

void alarms_web_list(struct api_call *c); /* GET /api/v1/alarms */

#endif
