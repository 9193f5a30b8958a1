/* What is owed to an endpoint beside the lanes, of one kind (errand.h, mirror.h): kept on disk, where it is what
 * counts, and done through the endpoint's gate, a few at a time, behind live messages. Memory holds only which
 * chores are due, and reads each when its turn comes, so the newest is said. One chore's way:
 *
 *   chore_add ─▶ READY ─▶ READING ─ from disk ─▶ LOADED ─(gate)─▶ SENDING ─▶ WRITING ─ on disk: it is done
 *                  ▲                                                 │
 *                  └──────── WAITING ◀───────────────────────────────┘ not yet: ever more slowly
 */
#ifndef FLOW_CHORES_H
#define FLOW_CHORES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/map.h"
#include "flow/request.h"

struct chores;
struct chore_turn;

enum chore_stage {
	CHORE_READY,
	CHORE_WAITING,
	CHORE_READING, /* or something else is asked of the disk before the next request */
	CHORE_LOADED,
	CHORE_SENDING,
	CHORE_WRITING
};

/* The first member of what its kind knows of one. */
struct chore {
	struct map_node node;
	TAILQ_ENTRY(chore) next; /* in the list of its stage */
	enum chore_stage stage;
	int attempt;
	int64_t due_ms;          /* WAITING */
	struct chore_turn *turn; /* NULL: READY, WAITING */
};
TAILQ_HEAD(chore_list, chore);

/* One whose turn it is. The first member of its kind's, whose size is turn_size. */
struct chore_turn {
	struct chore *chore;
	struct chores *chores;
	struct arena *arena; /* its own, and this is in it */
	const char *cursor;
	int steps; /* requests of it in a row, for a bound */
	struct request request;
};

struct chore_kind {
	size_t turn_size;   /* bytes; zeroed */
	bool is_one_by_one; /* else as many as half of what the endpoint takes at once */
	/* Asks the store for what is owed. Ends, later, in chore_load or one of those below it. */
	void (*read)(struct chore_turn *t);
	struct job (*job)(const struct chore_turn *t);
	/* The same after the answer. */
	void (*take)(struct chore_turn *t, const struct outcome *o);
};

struct chores {
	struct endpoint *endpoint;
	const struct chore_kind *kind;
	struct map map; /* all of them, by the hash that chore_add was given */
	struct chore_list ready, waiting, loaded, busy; /* busy: READING, SENDING, WRITING */
	size_t turns;                                   /* READING, LOADED, SENDING */
	int passed;               /* live messages that went ahead of LOADED ones */
	struct loop_timer *timer; /* one of waiting may go, or the gate opens */
};

void chores_init(struct chores *g, struct endpoint *e, const struct chore_kind *kind);
void chores_fini(struct chores *g); /* what is under way is found again by the next life */
/* Sends what may go now; called whenever something about the gate has changed. */
void chores_pump(struct chores *g);
/* A live message goes ahead of them. True: they have let enough of those pass, and go first now. */
bool chores_yield(struct chores *g);

/* Takes it over (xfree), READY. */
void chore_add(struct chores *g, struct chore *c, uint64_t hash);
/* There is news of one that waits: its turn comes now. */
void chore_hurry(struct chores *g, struct chore *c);
/* Not before due_ms; its turn, if any, is over. */
void chore_wait(struct chores *g, struct chore *c, int64_t due_ms);

/* The next request of it may go as soon as the gate has a place. */
void chore_load(struct chore_turn *t);
/* The disk is asked for something before that. */
void chore_ask(struct chore_turn *t);
/* Its end is on its way to disk. */
void chore_write(struct chore_turn *t);
/* The turn is over. Again, after the time that was asked for (below 0: none was) or ever more slowly; … */
void chore_later(struct chore_turn *t, int64_t asked_msecs);
/* … again from the beginning, where it has become another one meanwhile, else freed. */
void chore_over(struct chore_turn *t, bool is_due);
/* For so long that nobody waits for it any more. What waits for a gate to open does so for as long as that takes. */
bool chore_is_stale(const struct chore_turn *t);

#endif
