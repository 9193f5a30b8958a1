/* Stands in for base/loop.c: time passes only when the test says so. */
#ifndef TESTS_SCENARIO_FAKE_LOOP_H
#define TESTS_SCENARIO_FAKE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;

extern int64_t fake_now_ms; /* survives a restart, as time does */
/* Somebody has set the clock: what it shows is so much later than the time that passes for timers. */
extern int64_t fake_step_ms;

/* The end of a turn: what asked for it runs. False: nobody did. */
bool fake_loop_laters(struct loop *l);
/* When the next timer is due; INT64_MAX: none is set. */
int64_t fake_loop_next_ms(const struct loop *l);
/* Runs the timer that is due first, if it is due by now. */
bool fake_loop_fire(struct loop *l);

#endif
