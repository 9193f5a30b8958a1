/* What the files that move history share: migration.c has all runs, migration_run.c one of them (which conversations, in
 * which order), migration_item.c one conversation, migration_end.c how it ends, migration_verify.c and migration_like.c what is compared, migration_report.c what is told, migration_file.c
 * reads a file in the place of a platform, migration_pair.c finds with what a conversation is a pair, migration_state.c
 * whether it is open. */
#ifndef FLOW_HISTORY_MIGRATION_INSIDE_H
#define FLOW_HISTORY_MIGRATION_INSIDE_H

#include <sys/queue.h>

#include "flow/endpoint.h"
#include "flow/history/migration.h"
#include "flow/pager.h"
#include "store/migration.h"

struct history_file;
struct migration_item;
struct spool;

/* Of conversations: the last one, or one of which some are not over. */
struct migration_page {
	TAILQ_ENTRY(migration_page) next;
	char *cursor; /* NULL: of the first */
	size_t left;  /* of what it told is under way */
};

struct migration_run {
	TAILQ_ENTRY(migration_run) next;
	struct flow *flow;
	struct migrations *all;
	struct arena *arena; /* of the wish, and of row's texts */
	struct migration_wish wish;
	struct row_migration row;  /* as it is, or is about to be, on disk */
	bool is_dry;               /* a plan: its number is below 0, and nothing of it is on disk */
	struct endpoint *source;   /* NULL: it is not there any more */
	struct history_file *file; /* read in its place; NULL: none, or it is not open */
	const char *broken;        /* why it ends when those under way are over */
	size_t at_bridge;          /* its bridge's place among the source's */

	struct migration_verdict *verdict;  /* it compares; else NULL */
	struct migration_estimate estimate; /* is_dry */
	struct page page;
	struct arena *list_arena; /* of the page of conversations that came last, … */
	const struct event **list;
	bool *is_over; /* … those that are done */
	size_t count, at;
	const char *cursor; /* of the page behind it; NULL: there is none */
	TAILQ_HEAD(migration_page_list, migration_page)
	pages; /* the oldest first; never more than conversations may be under way, and one */
	struct op_migration_items known;
	struct op_migration save;
	bool is_saving, saves_again, is_asking;
	bool is_welcome;      /* the other end takes history */
	bool has_looked_back; /* for what an earlier life has begun, and no page has told since */
	int64_t begun;        /* conversations, for the limit */
	struct map met;       /* is_dry: those that were gone through, … */
	struct arena *met_arena; /* … until it ends */
	TAILQ_HEAD(, migration_item) items;
	size_t nitems;
	bool is_dead;
	void (*told)(void *arg, int64_t id);
	void *told_arg;
};

struct migrations {
	struct flow *flow;
	TAILQ_HEAD(, migration_run)
	runs;          /* the newest first: all on disk, and the plans of this life */
	int64_t plans; /* of this life */
	TAILQ_HEAD(pairing_list, pairing) pairings;
};

/* ---- migration_item.c ---- */

struct migration_item {
	TAILQ_ENTRY(migration_item) next;
	struct migration_run *run;
	struct migration_page *told_by; /* NULL: begun by name */
	const struct event *about;
	struct migration_totals totals;
	bool is_ending; /* its messages are over */
	struct item_work *work;
};

/* Begins; migration_item_over is called when it is on disk that it is over, and not from within. */
void migration_item_start(struct migration_run *r, const struct event *about,
    struct migration_page *told_by);
/* The same for one that no page of conversations has told yet. */
void migration_item_start_by_name(struct migration_run *r, const char *conversation);
/* Nobody said it but the platform itself. */
bool migration_is_line(const struct event *e);
/* One of its messages, or its end, is over. */
void migration_item_told(struct migration_item *item);
const char *migration_item_remote(const struct migration_item *item);
void migration_item_free(struct migration_item *item); /* what it has under way is forgotten */

/* ---- pairing.c ---- */

void pairings_free(struct migrations *m); /* those under way are told that it is over */

/* ---- migration_pair.c ---- */

struct migration_pair;

/* Of one conversation; said are roots of what is to be moved; they and about must live as long. done runs later. */
struct migration_pair *migration_pair_find(struct migration_run *r, const char *conversation,
    const struct event *about, const struct root *said, size_t count, void (*done)(void *arg),
    void *arg);
/* Reads what stands at the other side of it; done runs once more. False: that is known, or there is nothing. */
bool migration_pair_read(struct migration_pair *p);
/* What a relay has written at the customers' side: a copy. No customer's word is believed. */
bool migration_is_copy(const struct migration_run *r, const struct event *e, struct mark *mark);
/* A copy of that message stands there, or what it is a copy of. */
bool migration_pair_holds(const struct migration_pair *p, const struct event *e);
void migration_pair_free(struct migration_pair *p); /* takes NULL; done will not run */

/* ---- migration_end.c ---- */

struct migration_ending;

/* All messages of it that this run moves are over. done runs later, when the other conversation is what this one
 * is. */
struct migration_ending *migration_end(struct migration_item *item, void (*done)(void *arg),
    void *arg);
void migration_ending_free(struct migration_ending *e); /* takes NULL; done will not run */
void migration_ending_told(struct migration_ending *e); /* its last event is over */
/* What a conversation's page tells of it besides messages, as it is taken in; NULL: nothing. */
const struct facts *migration_facts(const struct migration_run *r, struct arena *a,
    const struct event *about);
/* False: an older file tells of somebody who has given the conversation to another contact since. */
bool migration_is_his(const struct migration_run *r, const struct person *now,
    const struct event *about);

/* ---- migration_like.c ---- */

struct migration_likeness;

/* Of one conversation whose messages are compared: what goes with it. done runs later, with the run's verdict counted
 * up. */
struct migration_likeness *migration_liken(struct migration_item *item, void (*done)(void *arg),
    void *arg);
void migration_likeness_free(struct migration_likeness *l); /* takes NULL; done will not run */

/* ---- migration_state.c ---- */

struct migration_standing;

/* Of one that was asked for by its name, and did not say whether it is open; about must live as long. done runs
 * later, with a state, and frees it. */
struct migration_standing *migration_standing_find(struct migration_run *r,
    const struct event *about, void (*done)(void *arg, enum state state), void *arg);
void migration_standing_free(struct migration_standing *s); /* takes NULL; done will not run */

/* ---- migration_verify.c ---- */

struct migration_comparison;

/* Of one conversation: said is what a bridge carries of it. done runs later, with the run's verdict counted up;
 * has_words: somebody said something; why: what was said cannot be had, NULL: it could. */
struct migration_comparison *migration_compare(struct migration_run *r, const char *conversation,
    struct spool *said, void (*done)(void *arg, bool has_words, const char *why), void *arg);
void migration_comparison_free(struct migration_comparison *c); /* takes NULL; done will not run */

/* ---- migration_file.c ---- */

/* Of a run with a file. It is asking until done runs, with r; why NULL: all of the file is understood. */
void migration_file_check(struct migration_run *r, void (*done)(void *arg, const char *why));
void migration_file_close(struct migration_run *r);
/* It is read from a file, and that conversation is not in it. */
bool migration_file_lacks(const struct migration_run *r, const char *conversation);
/* … or whether it is in it is not known yet. */
bool migration_file_is_unread(const struct migration_run *r);
const char *migration_file_changed(const struct migration_run *r);
/* Of the source, be it a platform or a file. */
void migration_ask(struct migration_run *r, struct page *p);
void migration_cancel(struct migration_run *r, struct page *p);

/* ---- migration_run.c ---- */

struct migration_run *migration_run_new(struct migrations *m, const struct row_migration *row);
void migration_run_free(struct migration_run *r);
/* What it is about is still there, and can be read and written. */
bool migration_run_attach(struct migration_run *r, struct err *err);
const struct bridge_conf *migration_bridge(const struct migration_run *r);
/* Sets out, or goes on where an earlier life was. */
void migration_run_go(struct migration_run *r);
/* The next conversations, or the end. */
void migration_run_on(struct migration_run *r);
/* As it is now; a write that is under way is followed by another. */
void migration_run_save(struct migration_run *r);
/* One that is under way; NULL: it is not. */
struct migration_item *migration_run_item(const struct migration_run *r, const char *conversation);

/* Its totals are in the run's by then. The item is freed. */
void migration_item_over(struct migration_item *item);
/* It could not be read to its end: nothing is written down, and the run fails. The item is freed. */
void migration_item_broken(struct migration_item *item, const char *why);

#endif
