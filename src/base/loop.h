/* The event loop: timers, signals, wake-ups from the other thread, and the time of this turn. The
 * home of libevent, beside net. */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct loop;
struct loop_timer;
struct loop_signal;
struct loop_wake;

struct loop *loop_new(void);
void loop_free(struct loop *l);               /* after everything that lives on it; takes NULL */
struct event_base *loop_base(struct loop *l); /* for net only */
void loop_run(struct loop *l);                /* until loop_stop */
void loop_stop(struct loop *l);               /* after this turn */
/* One turn, waiting at most wait_msecs for something to happen; for tests. */
void loop_turn(struct loop *l, int64_t wait_msecs);

/* Wall clock, ms since the epoch, read once per turn. */
int64_t loop_now_ms(struct loop *l);

/* The same turn by a clock that never steps: only differences mean anything. */
int64_t loop_mono_ms(struct loop *l);

/* fn runs on the loop, once per loop_timer_set. */
struct loop_timer *loop_timer_new(struct loop *l, void (*fn)(void *arg), void *arg);
void loop_timer_free(struct loop_timer *t); /* takes NULL */
void loop_timer_set(struct loop_timer *t,
    int64_t msecs); /* from now; replaces what was set. 0: next turn */
void loop_timer_stop(struct loop_timer *t);
bool loop_timer_pending(const struct loop_timer *t);

/* fn runs at the end of this turn, once, before the loop waits again; however often it was asked. */
struct loop_later;
struct loop_later *loop_later_new(struct loop *l, void (*fn)(void *arg), void *arg);
/* The same, but not before nothing else is ready; under load that may take long. */
struct loop_later *loop_idle_new(struct loop *l, void (*fn)(void *arg), void *arg);
void loop_later_free(struct loop_later *w);
void loop_later(struct loop_later *w);

struct loop_signal *loop_signal_new(struct loop *l, int signo, void (*fn)(int signo, void *arg),
    void *arg);
void loop_signal_free(struct loop_signal *s);

/* loop_wake_up may be called from any thread; fn runs on the loop soon after, once for many calls. */
struct loop_wake *loop_wake_new(struct loop *l, void (*fn)(void *arg), void *arg);
void loop_wake_free(struct loop_wake *w);
void loop_wake_up(struct loop_wake *w);

/* The version of the library behind it. */
const char *loop_library(void);

#endif
