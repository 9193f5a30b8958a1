/* See fake_loop.h. Timers that are due at the same time run in the order they were set. */
#include "fake_loop.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "base/loop.h"
#include "base/mem.h"

int64_t fake_now_ms, fake_step_ms;

struct loop_timer {
	TAILQ_ENTRY(loop_timer) list;
	struct loop *loop;
	int64_t due_ms;
	bool is_set;
	void (*fn)(void *arg);
	void *arg;
};

struct loop_later {
	TAILQ_ENTRY(loop_later) list;
	struct loop *loop;
	bool is_asked;
	void (*fn)(void *arg);
	void *arg;
};

struct loop {
	TAILQ_HEAD(, loop_timer) timers; /* set ones, the first due first */
	TAILQ_HEAD(, loop_later) laters;
};

struct loop *loop_new(void)
{
	struct loop *l = xcalloc(1, sizeof(*l));

	TAILQ_INIT(&l->timers);
	TAILQ_INIT(&l->laters);
	return l;
}

void loop_free(struct loop *l)
{
	xfree(l);
}

int64_t loop_mono_ms(struct loop *l)
{
	(void)l;
	return fake_now_ms;
}

int64_t loop_now_ms(struct loop *l)
{
	(void)l;
	return fake_now_ms + fake_step_ms;
}

/* ---- timers ---- */

struct loop_timer *loop_timer_new(struct loop *l, void (*fn)(void *arg), void *arg)
{
	struct loop_timer *t = xcalloc(1, sizeof(*t));

	t->loop = l;
	t->fn = fn;
	t->arg = arg;
	return t;
}

void loop_timer_stop(struct loop_timer *t)
{
	if (t->is_set)
		TAILQ_REMOVE(&t->loop->timers, t, list);
	t->is_set = false;
}

void loop_timer_free(struct loop_timer *t)
{
	if (t == NULL)
		return;
	loop_timer_stop(t);
	xfree(t);
}

void loop_timer_set(struct loop_timer *t, int64_t msecs)
{
	struct loop_timer *at;

	loop_timer_stop(t);
	t->due_ms = fake_now_ms + (msecs > 0 ? msecs : 0);
	t->is_set = true;
	TAILQ_FOREACH(at, &t->loop->timers, list)
		if (at->due_ms > t->due_ms)
			break;
	if (at != NULL)
		TAILQ_INSERT_BEFORE(at, t, list);
	else
		TAILQ_INSERT_TAIL(&t->loop->timers, t, list);
}

bool loop_timer_pending(const struct loop_timer *t)
{
	return t->is_set;
}

int64_t fake_loop_next_ms(const struct loop *l)
{
	const struct loop_timer *t = TAILQ_FIRST(&l->timers);

	return t != NULL ? t->due_ms : INT64_MAX;
}

bool fake_loop_fire(struct loop *l)
{
	struct loop_timer *t = TAILQ_FIRST(&l->timers);

	if (t == NULL || t->due_ms > fake_now_ms)
		return false;
	loop_timer_stop(t);
	t->fn(t->arg);
	return true;
}

/* ---- the end of the turn ---- */

struct loop_later *loop_later_new(struct loop *l, void (*fn)(void *arg), void *arg)
{
	struct loop_later *w = xcalloc(1, sizeof(*w));

	w->loop = l;
	w->fn = fn;
	w->arg = arg;
	return w;
}

struct loop_later *loop_idle_new(struct loop *l, void (*fn)(void *arg), void *arg)
{
	return loop_later_new(l, fn, arg);
}

void loop_later_free(struct loop_later *w)
{
	if (w == NULL)
		return;
	if (w->is_asked)
		TAILQ_REMOVE(&w->loop->laters, w, list);
	xfree(w);
}

void loop_later(struct loop_later *w)
{
	if (w->is_asked)
		return;
	w->is_asked = true;
	TAILQ_INSERT_TAIL(&w->loop->laters, w, list);
}

bool fake_loop_laters(struct loop *l)
{
	struct loop_later *w = TAILQ_FIRST(&l->laters);

	if (w == NULL)
		return false;
	TAILQ_REMOVE(&l->laters, w, list);
	w->is_asked = false;
	w->fn(w->arg);
	return true;
}

/* ---- what the flow does not use by itself: the store's thread and the program's signals ---- */

struct event_base *loop_base(struct loop *l)
{
	(void)l;
	abort();
}

void loop_run(struct loop *l)
{
	(void)l;
	abort();
}

void loop_stop(struct loop *l)
{
	(void)l;
	abort();
}

void loop_turn(struct loop *l, int64_t wait_msecs)
{
	(void)l, (void)wait_msecs;
	abort();
}

struct loop_signal *loop_signal_new(struct loop *l, int signo, void (*fn)(int signo, void *arg),
    void *arg)
{
	(void)l, (void)signo, (void)fn, (void)arg;
	abort();
}

void loop_signal_free(struct loop_signal *s)
{
	(void)s;
}

struct loop_wake *loop_wake_new(struct loop *l, void (*fn)(void *arg), void *arg)
{
	(void)l, (void)fn, (void)arg;
	abort();
}

void loop_wake_free(struct loop_wake *w)
{
	(void)w;
}

void loop_wake_up(struct loop_wake *w)
{
	(void)w;
	abort();
}
