/* Which of the things that are wrong the operator is told of, and when: what holds for long enough is raised, told
 * again while it lasts, and cleared when it was over for as long. Pure: the clock is an argument, and what is
 * wrong is found elsewhere. */
#ifndef CORE_ALARM_H
#define CORE_ALARM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/words.h"

/* Something is wrong now. Texts are borrowed. */
struct alarm_fact {
	enum alarm_kind kind;
	const char *endpoint, *bridge; /* NULL where it is about none */
	int64_t since_ms;              /* 0: not known */
	const char *text, *next;
};

struct alarm_rules {
	int64_t raise_after_msecs;
	int64_t remind_msecs; /* INT64_MAX: never */
	bool is_posted;       /* somebody is told of each, so that it is owed */
};

struct alarm_now {
	int64_t mono_ms; /* what lasts is measured by this one, */
	int64_t wall_ms; /* … and told by that */
};

enum alarm_news { ALARM_RAISED = 1, ALARM_REMINDED = 2, ALARM_CLEARED = 4 };

/* Raised, or about to be (id 0). Times are wall clock, 0: not yet. Texts are its own. */
struct alarm {
	int64_t id;
	enum alarm_kind kind;
	char *endpoint, *bridge;
	int64_t since_ms, raised_ms, reminded_ms, cleared_ms;
	unsigned owed; /* enum alarm_news that were not taken yet */
	char *text, *next;
	/* of the machine */
	int64_t changed_mono_ms; /* when it began to hold, or to be over */
	int64_t told_mono_ms;
	bool holds;
};

#define ALARMS_KEPT 500 /* cleared ones, too: the newest */

struct alarms {
	struct alarm **items; /* by age */
	size_t count, size;
	int64_t last_id;
};

void alarms_init(struct alarms *s);
void alarms_fini(struct alarms *s);
/* One of an earlier life, in the order of ids; copied. */
void alarms_restore(struct alarms *s, const struct alarm *row, struct alarm_now now);
/* Looks at all that is wrong now; tell is called for each change, with the alarm as it is then. */
void alarms_step(struct alarms *s, const struct alarm_rules *r, const struct alarm_fact *facts,
    size_t count, struct alarm_now now,
    void (*tell)(void *arg, struct alarm *alarm, enum alarm_news news), void *arg);
bool alarm_is_raised(const struct alarm *a);

#endif
