/* What systemd is told through $NOTIFY_SOCKET (sd_notify(3)); without one, nothing. */
#ifndef ADMIN_WEB_NOTIFY_H
#define ADMIN_WEB_NOTIFY_H

struct notify;
struct web;

struct notify *notify_new(struct web *w);
void notify_free(struct notify *n); /* takes NULL */
/* Callbacks are accepted. From here on STATUS= follows the first line of `tieline status`, and
 * WATCHDOG=1 is sent in time, but only while /healthz would say ok. */
void notify_ready(struct notify *n);
/* A reload begins; notify_ready ends it. */
void notify_reloading(struct notify *n);
void notify_stopping(struct notify *n);

#endif
