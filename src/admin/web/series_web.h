/* Fills the lines of series.h while the relay runs, and tells them. */
#ifndef ADMIN_WEB_SERIES_WEB_H
#define ADMIN_WEB_SERIES_WEB_H

struct api_call;
struct series_watch;
struct web;

struct series_watch *series_watch_new(const struct web *w);
void series_watch_start(struct series_watch *s); /* after store_start */
void series_watch_free(struct series_watch *s);  /* before the loop; takes NULL */

/* GET /api/v1/series?metric&minutes: values oldest first, null where not known, the last one of the minute that runs
 * now. Without a metric: which there are. */
void series_web_show(struct api_call *c);

#endif
