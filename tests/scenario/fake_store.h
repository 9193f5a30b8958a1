/* Stands in for the store's mailbox and its thread. Operations are done by the real store, inline, and
 * when the test says so: written (commit), and told (done), are two hand-overs. */
#ifndef TESTS_SCENARIO_FAKE_STORE_H
#define TESTS_SCENARIO_FAKE_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "store/store.h"

size_t mailbox_todo(void);     /* submitted, not written yet */
size_t mailbox_finished(void); /* written, and nobody was told yet */
/* Writes the oldest; false: there is none. */
bool mailbox_commit(struct store *s);
/* Tells of the oldest that is written. */
bool mailbox_tell(void);
/* The program has died. */
void mailbox_kill(void);

/* From now on operations of that kind fail with this fault, so many of them (-1: until mended). */
void mailbox_fail(int kind, enum store_fault fault, int times);
#define ANY_KIND (-1)
void mailbox_mend(void);
/* Full: nothing is taken that may not use the reserved places. */
extern bool mailbox_is_full;

#endif
