/* Moving what was said before a bridge began: all conversations of its customers' side, each read whole and
 * taken in as history, by the very way that callbacks go; the other side has them when their deliveries are
 * over. A run is on disk, and goes on after a restart. While a conversation is under way, what is said in it
 * live waits for the end of its history. */
#ifndef FLOW_HISTORY_MIGRATION_H
#define FLOW_HISTORY_MIGRATION_H

#include "core/migration.h"
#include "flow/flow.h"

struct migrations;

/* Which conversations, and which of their messages. */
enum wanted_state { WANTED_ALL, WANTED_OPEN, WANTED_CLOSED };
struct migration_wish {
	const char *bridge;
	const char
	    *file; /* absolute; an export, or saved pages. NULL: the platform itself is read */
	int64_t since_ms, until_ms; /* of messages; 0: none */
	enum wanted_state state;
	const char
	    *only; /* who: a name the platform gives the person or conversation, e-mail, +phone */
	int64_t limit; /* conversations; 0: none */
	bool force;    /* whatever it would set off there; not part of what tells wishes apart */
	bool no_media;
};
/* As JSON: what tells one wish from another. NULL texts and zeros are left out. */
const char *migration_wish_text(struct arena *a, const struct migration_wish *w);
/* -1: text is none. */
int migration_wish_read(struct arena *a, const char *text, struct migration_wish *out);

struct migration_report {
	int64_t id; /* below 0: a plan, which is not on disk */
	bool is_dry;
	const struct migration_verdict *verdict; /* of a comparison; else NULL */
	struct migration_estimate estimate;      /* is_dry */
	const char *bridge, *from, *to, *file;
	enum migration_state state;
	const char *wish, *why;
	int64_t begun_ms, ended_ms;
	size_t under_way;    /* conversations */
	int64_t first, last; /* events between which those of the run are */
	int target;          /* endpoint */
	struct migration_totals totals;
};

struct migrations *migrations_new(struct flow *f);
void migrations_free(struct migrations *m); /* takes NULL */
/* Runs that an earlier life did not finish; before store_start, and what they hold back is held back. */
int migrations_load(struct migrations *m, struct err *err);
void migrations_start(struct migrations *m);

enum migration_begin {
	MIGRATION_BEGUN,    /* or it goes on; *id */
	MIGRATION_REFUSED,  /* err says why */
	MIGRATION_CONFLICT, /* another one of that bridge is under way */
};
/* A run that was stopped and has the same wish goes on, else a new one begins. begun tells its id, later or
 * within the call. */
enum migration_begin migration_begin(struct migrations *m, const struct migration_wish *w,
    void (*begun)(void *arg, int64_t id), void *arg, struct err *err);
/* What a run of that wish would do: read, and counted; or, is_verify, what there is at both ends is read and
 * compared. Its number; 0: refused, err says why. */
int64_t migration_plan(struct migrations *m, const struct migration_wish *w, bool is_verify,
    struct err *err);
/* False: there is none of that number that could go on. */
bool migration_resume(struct migrations *m, int64_t id, bool force, struct err *err);
/* No conversation is begun any more; those under way come to their end. False: it does not run. */
bool migration_stop(struct migrations *m, int64_t id);
/* Somebody speaks in a conversation whose history a run has not come to yet: it is its turn now, and (true) the
 * conversation is suspended. */
bool migration_takes(struct migrations *m, struct endpoint *e, const char *conversation,
    int bridge);
/* Is a history being moved over the bridge to that customers' conversation's other end? What else is told of it (facts) waits
 * until its messages are there, so that nobody is called to each of them. */
enum migration_phase { MIGRATION_PHASE_NONE, MIGRATION_PHASE_MESSAGES, MIGRATION_PHASE_END };
enum migration_phase migration_phase(struct migrations *m, struct endpoint *e,
    const char *conversation, int bridge);
/* Somebody waits for the end of its history: in the conversation for long, or for the run to stop. */
bool migration_hurries(struct migrations *m, const struct event *e);
/* What became of it is on disk; of any event. */
void migration_told(struct migrations *m, const struct event *e);
/* All runs, the newest first, in a. */
size_t migration_reports(struct migrations *m, struct arena *a, struct migration_report **out);

#endif
