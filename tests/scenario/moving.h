/* A far side that takes its time to answer, and history that is moved to it: for what is measured in simulated
 * time. */
#ifndef TESTS_SCENARIO_MOVING_H
#define TESTS_SCENARIO_MOVING_H

#include "flow/history/migration.h"
#include "stage.h"

#define MOVING_MINUTES 64

struct moving {
	struct stage stage;
	int64_t takes_msecs; /* until an answer */
	const char *held;    /* what says that has none while this is set */
	int64_t begun_ms;
	/* Requests that were sent to each far side, per minute since it began; messages among them. */
	int sent[FARS_MAX][MOVING_MINUTES];
	/* Of each request when it leaves; may be NULL. */
	void (*on_sent)(struct moving *m, const struct sent *sent);
	/* Once a step of time. */
	void (*on_step)(struct moving *m);
	void *arg;
};

/* So many more conversations, each of another person, of so many messages each, said before anybody listened: half of them by agents. */
void moving_past(struct moving *m, const char *endpoint, int conversations, int messages);
void moving_begin(struct moving *m); /* over the only bridge */
struct migration_report moving_report(struct moving *m);
/* Time passes until the run is over, at most so long; what is posted at far sides is not. False: it is not. */
bool moving_run(struct moving *m, int64_t msecs);
/* … or just so long. */
void moving_pass(struct moving *m, int64_t msecs);

#endif
