/* Moving what was said before: states of a run, what becomes of each message, and sums that add up. */
#ifndef CORE_MIGRATION_H
#define CORE_MIGRATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/words.h"

struct arena;
struct json;
struct json_out;

/* Stored as numbers: add at the end. */
#define MIGRATION_STATES(X) \
	X(PLANNED, "planned") \
	X(RUNNING, "running") \
	X(STOPPED, "stopped") \
	X(FAILED, "failed") \
	X(FINISHED, "finished") \
	X(FINISHED_WITH_FAILURES, "finished_with_failures") \
	X(STOPPING, "stopping") \
	X(VERIFIED, "verified") \
	X(DIFFERS, "differs")

enum migration_state {
#define X(name, ...) MIGRATION_##name,
	MIGRATION_STATES(X)
#undef X
};
const char *migration_state_word(int state);
bool migration_is_active(
    enum migration_state state); /* it goes on by itself, over restarts as well */

/* What the store knows of a message. */
enum migration_found {
	FOUND_NOTHING, /* it is yet to be taken in */
	FOUND_PRESENT, /* it was taken in before this run, or told live */
	FOUND_COPY,    /* we wrote it there ourselves */
	FOUND_HELD,    /* told live while this conversation is being moved: it waits for the end */
	FOUND_UNDER_WAY,
	FOUND_WRITTEN,
	FOUND_FAILED, /* parked: a person decides */
	FOUND_DROPPED /* no bridge took it */
};

/* Why a message is not written: the words of drops, and that it is there already. */
#define SKIP_PRESENT DROP_COUNT
#define SKIP_COUNT (DROP_COUNT + 1)
const char *migration_skip_word(int skip);

/* read = written + failed + all of skipped. */
struct migration_totals {
	int64_t conversations, read, written, failed, files;
	int64_t skipped[SKIP_COUNT];
};
void migration_add(struct migration_totals *to, const struct migration_totals *more);
int64_t migration_skipped(const struct migration_totals *t);
bool migration_adds_up(const struct migration_totals *t);
/* {"echo":3,…}, zeros left out; and back. What a later version has counted and this one does not know is
 * counted as unknown. */
void migration_put_skipped(struct json_out *o, const struct migration_totals *t);
const char *migration_skipped_text(struct arena *a, const struct migration_totals *t);
void migration_read_skipped(struct migration_totals *t, const char *text);

/* What a comparison of both ends has found. */
struct migration_verdict {
	int64_t compared;   /* messages that should be there */
	int64_t missing;    /* … and are not */
	int64_t twice;      /* there more than once */
	int64_t disordered; /* behind one that was said later */
	int64_t different;  /* not the text that was to be written */
	int64_t unlike;     /* conversations without something of what was to go with them */
	int64_t fileless;   /* with fewer files, and no word why */
};
bool migration_is_verified(const struct migration_verdict *v);

/* What a run would take. */
struct migration_estimate {
	int64_t conversations; /* that would be opened or written to */
	int64_t longest;       /* messages of the one with the most */
	int64_t facts;         /* requests for what goes with them besides messages */
	int64_t bytes;         /* of files, as far as their platform says */
	int64_t requests;      /* to the other end */
	int64_t msecs;         /* under the limits of both ends; 0: nothing limits it */
};
/* A limit of so many in a time; count 0: none. */
struct migration_limit {
	int64_t count, period_msecs;
};
/* Fills requests and msecs: written messages, and for each conversation what opening and ending it needs.
 * reads: requests to the end that is read, which takes at most half of its rate. */
void migration_estimate(struct migration_estimate *e, int64_t written, int64_t reads,
    struct migration_limit target, struct migration_limit conversation,
    struct migration_limit source);

/* When it was said, for people: "2026-03-05 09:24 UTC". */
const char *migration_time_text(struct arena *a, int64_t at_ms);
/* "2026-03-05" */
const char *migration_day_text(struct arena *a, int64_t at_ms);
/* Whether both are of one day. */
bool migration_is_same_day(int64_t a_ms, int64_t b_ms);

#endif
