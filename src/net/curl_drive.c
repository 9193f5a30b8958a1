/* See curl_drive.h. curl tells libevent (on_socket_wanted, on_timer_wanted): only arm events there. libevent
 * tells curl (on_socket, on_timer): drive it, then reap. */
#include "net/curl_drive.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

/* Of one file descriptor, its index in the table. Between two requests on a connection curl wants
 * nothing; what is armed stays so, which saves two system calls per request. That is possible only
 * where we are told before the descriptor is closed (on_close_socket). */
struct watch {
	struct event *event;
	short wanted, armed; /* EV_READ, EV_WRITE; 0: nothing */
	bool is_opened;      /* by on_open_socket */
};

struct curl_drive {
	struct loop *loop;
	CURLM *multi;
	struct loop_timer *timer; /* curl's */
	struct watch *watches;
	size_t nwatches;
	void (*reap)(void *arg);
	void *arg;
};

static void watch_disarm(struct watch *w)
{
	if (w->armed != 0)
		event_del(w->event);
	w->armed = 0;
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct curl_drive *d = arg;
	int mask = 0, running;

	if (d->watches[fd].wanted == 0) { /* an idle one was closed: curl sees it when it looks */
		watch_disarm(&d->watches[fd]);
		return;
	}
	if ((what & EV_READ) != 0)
		mask |= CURL_CSELECT_IN;
	if ((what & EV_WRITE) != 0)
		mask |= CURL_CSELECT_OUT;
	curl_multi_socket_action(d->multi, fd, mask, &running);
	d->reap(d->arg);
}

static void on_timer(void *arg)
{
	struct curl_drive *d = arg;
	int running;

	curl_multi_socket_action(d->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	d->reap(d->arg);
}

static struct watch *watch_of(struct curl_drive *d, size_t fd)
{
	size_t count = d->nwatches;

	if (fd >= count) {
		while (fd >= count)
			count = count == 0 ? 64 : count * 2;
		d->watches = xreallocarray(d->watches, count, sizeof(*d->watches));
		memset(d->watches + d->nwatches, 0, (count - d->nwatches) * sizeof(*d->watches));
		d->nwatches = count;
	}
	return &d->watches[fd];
}

static int on_socket_wanted(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused)
{
	struct curl_drive *d = arg;
	struct watch *w = watch_of(d, (size_t)fd);
	short wanted = 0;

	(void)easy, (void)unused;
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		wanted |= EV_READ;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		wanted |= EV_WRITE;
	w->wanted = wanted;
	if (w->armed == wanted || (wanted == 0 && w->is_opened))
		return 0;
	if (w->event == NULL)
		w->event = event_new(loop_base(d->loop), fd, EV_READ | EV_PERSIST, on_socket, d);
	if (w->event == NULL)
		abort();
	watch_disarm(w);
	w->armed = wanted;
	if (wanted != 0) {
		event_assign(w->event, loop_base(d->loop), fd, wanted | EV_PERSIST, on_socket, d);
		event_add(w->event, NULL);
	}
	return 0;
}

static int on_close_socket(void *arg, curl_socket_t fd)
{
	struct watch *w = watch_of(arg, (size_t)fd);

	watch_disarm(w);
	w->is_opened = false;
	return close(fd);
}

static int on_timer_wanted(CURLM *multi, long msecs, void *arg)
{
	struct curl_drive *d = arg;

	(void)multi;
	if (msecs < 0)
		loop_timer_stop(d->timer);
	else
		loop_timer_set(d->timer, msecs);
	return 0;
}

/* ---- what others call ---- */

curl_socket_t curl_drive_open(struct curl_drive *d, const struct curl_sockaddr *at)
{
	int fd = socket(at->family, at->socktype | SOCK_CLOEXEC, at->protocol);

	if (fd < 0)
		return CURL_SOCKET_BAD;
	watch_of(d, (size_t)fd)->is_opened = true;
	return fd;
}

void curl_drive_closes(struct curl_drive *d, CURL *easy)
{
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close_socket);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, d);
}

CURLM *curl_drive_multi(struct curl_drive *d)
{
	return d->multi;
}

struct curl_drive *curl_drive_new(struct loop *l, void (*reap)(void *arg), void *arg)
{
	struct curl_drive *d = xcalloc(1, sizeof(*d));

	d->loop = l;
	d->reap = reap;
	d->arg = arg;
	d->timer = loop_timer_new(l, on_timer, d);
	d->multi = curl_multi_init();
	if (d->multi == NULL)
		abort();
	curl_multi_setopt(d->multi, CURLMOPT_SOCKETFUNCTION, on_socket_wanted);
	curl_multi_setopt(d->multi, CURLMOPT_SOCKETDATA, d);
	curl_multi_setopt(d->multi, CURLMOPT_TIMERFUNCTION, on_timer_wanted);
	curl_multi_setopt(d->multi, CURLMOPT_TIMERDATA, d);
	return d;
}

void curl_drive_free(struct curl_drive *d)
{
	size_t i;

	curl_multi_cleanup(d->multi); /* closes what is open */
	for (i = 0; i < d->nwatches; i++)
		if (d->watches[i].event != NULL)
			event_free(d->watches[i].event);
	xfree(d->watches);
	loop_timer_free(d->timer);
	xfree(d);
}
