/* `/metrics`: every number that is counted, as Prometheus reads it. Labels come from closed lists and
 * from names of the configuration, never from what somebody sent. */
#ifndef ADMIN_WEB_METRICS_H
#define ADMIN_WEB_METRICS_H

struct buf;
struct web;

enum metrics_form { METRICS_TEXT, METRICS_OPEN }; /* Prometheus text 0.0.4; OpenMetrics 1.0 */

/* What an Accept header asks for; NULL: nothing was said. */
enum metrics_form metrics_form(const char *accept);
const char *metrics_type(enum metrics_form form); /* the content type */
void metrics_write(struct buf *out, const struct web *w, enum metrics_form form);

#endif
