/* Timers, signals and wake-ups over libevent.
 *
 * loop_later is what lets a part collect what comes up in one turn and do it at once: an event activated by
 * hand goes to the tail of the turn's queue, so everything that is ready in this turn runs before it.
 * loop_idle_new has a lower priority: it runs when nothing else is ready, and under load that can starve. */
#include "base/loop.h"

#include <event2/event.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

/* libevent gives events the middle one; what runs when nothing else is ready has the last. */
#define PRIORITIES 3

struct loop {
	struct event_base *base;
};

struct loop_timer {
	struct event *event;
	void (*fn)(void *arg);
	void *arg;
};

struct loop_later {
	struct event *event;
	void (*fn)(void *arg);
	void *arg;
};

struct loop_signal {
	struct event *event;
	void (*fn)(int signo, void *arg);
	void *arg;
};

struct loop_wake {
	struct event *event;
	int fd;
	void (*fn)(void *arg);
	void *arg;
};

/* libevent caches the time of each turn; so do we, in the clock that is written to disk. */
int64_t loop_now_ms(struct loop *l)
{
	struct timeval t;

	if (event_base_gettimeofday_cached(l->base, &t) != 0)
		return clock_wall_ms();
	return (int64_t)t.tv_sec * 1000 + t.tv_usec / 1000;
}

int64_t loop_mono_ms(struct loop *l)
{
	(void)l;
	return clock_mono_ms();
}

struct loop *loop_new(void)
{
	struct loop *l = xcalloc(1, sizeof(*l));

	l->base = event_base_new();
	if (l->base == NULL || event_base_priority_init(l->base, PRIORITIES) != 0)
		abort();
	return l;
}

void loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	event_base_free(l->base);
	xfree(l);
}

struct event_base *loop_base(struct loop *l)
{
	return l->base;
}

void loop_run(struct loop *l)
{
	event_base_loop(l->base, EVLOOP_NO_EXIT_ON_EMPTY);
}

void loop_stop(struct loop *l)
{
	event_base_loopbreak(l->base);
}

static void on_turn_over(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
}

void loop_turn(struct loop *l, int64_t wait_msecs)
{
	struct timeval t = { wait_msecs / 1000, wait_msecs % 1000 * 1000 };
	struct event *limit = evtimer_new(l->base, on_turn_over, NULL);

	evtimer_add(limit, &t);
	event_base_loop(l->base, EVLOOP_ONCE);
	event_free(limit);
}

static struct event *made(struct event *e)
{
	if (e == NULL)
		abort();
	return e;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct loop_timer *t = arg;

	(void)fd, (void)what;
	t->fn(t->arg);
}

struct loop_timer *loop_timer_new(struct loop *l, void (*fn)(void *arg), void *arg)
{
	struct loop_timer *t = xcalloc(1, sizeof(*t));

	t->fn = fn;
	t->arg = arg;
	t->event = made(evtimer_new(l->base, on_timer, t));
	return t;
}

void loop_timer_free(struct loop_timer *t)
{
	if (t == NULL)
		return;
	event_free(t->event);
	xfree(t);
}

void loop_timer_set(struct loop_timer *t, int64_t msecs)
{
	struct timeval tv = { 0 };

	if (msecs > 0)
		tv = (struct timeval){ msecs / 1000, msecs % 1000 * 1000 };
	evtimer_add(t->event, &tv);
}

void loop_timer_stop(struct loop_timer *t)
{
	evtimer_del(t->event);
}

bool loop_timer_pending(const struct loop_timer *t)
{
	return evtimer_pending(t->event, NULL) != 0;
}

static void on_later(evutil_socket_t fd, short what, void *arg)
{
	struct loop_later *w = arg;

	(void)fd, (void)what;
	w->fn(w->arg);
}

struct loop_later *loop_later_new(struct loop *l, void (*fn)(void *arg), void *arg)
{
	struct loop_later *w = xcalloc(1, sizeof(*w));

	w->fn = fn;
	w->arg = arg;
	w->event = made(event_new(l->base, -1, 0, on_later, w));
	return w;
}

struct loop_later *loop_idle_new(struct loop *l, void (*fn)(void *arg), void *arg)
{
	struct loop_later *w = loop_later_new(l, fn, arg);

	event_priority_set(w->event, PRIORITIES - 1);
	return w;
}

void loop_later_free(struct loop_later *w)
{
	if (w == NULL)
		return;
	event_free(w->event);
	xfree(w);
}

void loop_later(struct loop_later *w)
{
	event_active(w->event, EV_TIMEOUT, 0);
}

static void on_signal(evutil_socket_t signo, short what, void *arg)
{
	struct loop_signal *s = arg;

	(void)what;
	s->fn((int)signo, s->arg);
}

struct loop_signal *loop_signal_new(struct loop *l, int signo, void (*fn)(int signo, void *arg),
    void *arg)
{
	struct loop_signal *s = xcalloc(1, sizeof(*s));

	s->fn = fn;
	s->arg = arg;
	s->event = made(evsignal_new(l->base, signo, on_signal, s));
	evsignal_add(s->event, NULL);
	return s;
}

void loop_signal_free(struct loop_signal *s)
{
	if (s == NULL)
		return;
	event_free(s->event);
	xfree(s);
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct loop_wake *w = arg;
	eventfd_t count;

	(void)what;
	eventfd_read(fd, &count);
	w->fn(w->arg);
}

struct loop_wake *loop_wake_new(struct loop *l, void (*fn)(void *arg), void *arg)
{
	struct loop_wake *w = xcalloc(1, sizeof(*w));

	w->fn = fn;
	w->arg = arg;
	w->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (w->fd < 0)
		abort();
	w->event = made(event_new(l->base, w->fd, EV_READ | EV_PERSIST, on_wake, w));
	event_add(w->event, NULL);
	return w;
}

void loop_wake_free(struct loop_wake *w)
{
	if (w == NULL)
		return;
	event_free(w->event);
	close(w->fd);
	xfree(w);
}

void loop_wake_up(struct loop_wake *w)
{
	eventfd_write(w->fd, 1); /* fails only when it is full, and then a wake-up is under way */
}

const char *loop_library(void)
{
	return event_get_version();
}
