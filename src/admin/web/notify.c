/* See notify.h. */
#include "admin/web/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "admin/health.h"
#include "admin/status.h"
#include "admin/web/web.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define STATUS_EVERY_MSECS 15000

struct notify {
	struct web *web;
	int fd; /* -1: nobody wants to know */
	struct sockaddr_un to;
	socklen_t to_len;
	struct loop_timer *timer;
	int64_t every_msecs;
	bool has_watchdog;
};

/* A path, or, behind a '@', a name without one. */
static bool read_address(struct notify *n, const char *text)
{
	size_t len = strlen(text);

	if ((text[0] != '/' && text[0] != '@') || len >= sizeof(n->to.sun_path))
		return false;
	n->to.sun_family = AF_UNIX;
	memcpy(n->to.sun_path, text, len);
	if (text[0] == '@')
		n->to.sun_path[0] = '\0';
	n->to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	return true;
}

/* Half of the time that systemd allows, as it asks for. */
static void read_watchdog(struct notify *n)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	long long msecs = usec != NULL ? strtoll(usec, NULL, 10) / 1000 : 0;

	n->every_msecs = STATUS_EVERY_MSECS;
	if (msecs <= 0 || (pid != NULL && strtoll(pid, NULL, 10) != (long long)getpid()))
		return;
	n->has_watchdog = true;
	if (msecs / 2 < n->every_msecs)
		n->every_msecs = msecs / 2 > 0 ? msecs / 2 : 1;
}

/* Nobody listens, or cannot keep up: the next one will do. */
static void tell(const struct notify *n, const char *text)
{
	if (n->fd < 0)
		return;
	if (sendto(n->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT,
		(const struct sockaddr *)&n->to, n->to_len)
		< 0
	    && errno != EAGAIN)
		LOG(LOG_DEBUG, "internal", F_STR("file", __FILE__), F_INT("line", __LINE__),
		    F_STR("err", strerror(errno)));
}

static void tell_status(const struct notify *n, const char *more)
{
	struct arena *a = arena_new();

	tell(n, arena_printf(a, "%sSTATUS=%s", more, status_first_line(a, n->web)));
	arena_free(a);
}

static void on_timer(void *arg)
{
	struct notify *n = arg;

	tell_status(n, n->has_watchdog && health_alive(n->web) == NULL ? "WATCHDOG=1\n" : "");
	loop_timer_set(n->timer, n->every_msecs);
}

void notify_ready(struct notify *n)
{
	if (n->fd < 0)
		return;
	tell_status(n, "READY=1\n");
	loop_timer_set(n->timer, n->every_msecs);
}

void notify_reloading(struct notify *n)
{
	char text[64];

	if (n->fd < 0)
		return;
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld\n",
	    (long long)clock_mono_us());
	tell_status(n, text);
}

void notify_stopping(struct notify *n)
{
	if (n->fd >= 0)
		tell_status(n, "STOPPING=1\n");
}

struct notify *notify_new(struct web *w)
{
	const char *address = getenv("NOTIFY_SOCKET");
	struct notify *n = xcalloc(1, sizeof(*n));

	n->web = w;
	n->fd = -1;
	n->timer = loop_timer_new(w->flow->loop, on_timer, n);
	if (address != NULL && read_address(n, address))
		n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	read_watchdog(n);
	return n;
}

void notify_free(struct notify *n)
{
	if (n == NULL)
		return;
	loop_timer_free(n->timer);
	if (n->fd >= 0)
		close(n->fd);
	xfree(n);
}
