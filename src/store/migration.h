/* What moving history asks of the store: runs, their conversations, and what became of a message. */
#ifndef STORE_MIGRATION_H
#define STORE_MIGRATION_H

#include "core/facts.h"
#include "core/migration.h"
#include "store/store.h"

struct row_migration {
	int64_t id;
	int bridge;
	enum migration_state state;
	const char *wish, *cursor, *why;
	int64_t first; /* newest event when it began */
	int64_t begun_ms, ended_ms;
	struct migration_totals totals;
};

/* NEW: id and first are filled. SAVE: state, cursor, why, ended and totals are replaced. */
struct op_migration {
	struct store_op op;
	bool is_new;
	struct row_migration row;
};

/* All runs, the newest first. */
struct op_migrations {
	struct store_op op;
	struct arena *arena;
	struct row_migration *rows;
	size_t nrows;
};

/* Conversations of a run. */
struct row_migration_item {
	const char *remote;
	bool is_over;
	struct migration_totals totals;
};

/* With a row: it is written, and where it is over the run's totals (run) in the same transaction.
 * Without: items of the run, those that are not over if only_open. */
struct op_migration_item {
	struct store_op op;
	int64_t migration;
	struct row_migration_item row; /* remote NULL: none */
	const struct row_migration *run;
};
struct op_migration_items {
	struct store_op op;
	struct arena *arena;
	int64_t migration;
	bool only_open;
	const char *const *remotes; /* these only; NULL: all */
	size_t nremotes;
	/* out */
	struct row_migration_item
	    *rows; /* with remotes: one for each, remote NULL where there is none */
	size_t nrows;
};

/* What became of messages, by their keys. */
struct op_migration_look {
	struct store_op op;
	int endpoint, bridge;
	int64_t first; /* of the run */
	const char *const *keys;
	size_t nkeys;
	enum migration_found *found; /* out: one for each */
};

/* What a run has made at the other side, by id: a page of messages behind `after`, and their conversations. */
struct made {
	const char *conversation, *message;
};
struct op_migration_made {
	struct store_op op;
	struct arena *arena;
	int endpoint;        /* the target */
	int64_t first, last; /* events between which the run's are */
	const char *after;   /* a message; NULL: from the beginning */
	int limit;
	/* out */
	struct made *rows;
	size_t nrows;
};

/* The conversations at the agents' side that one of the customers' side was written to, the oldest first. */
struct op_migration_links {
	struct store_op op;
	struct arena *arena;
	int bridge, endpoint;
	const char *conversation;
	/* out */
	const char **remotes;
	size_t nremotes;
};

/* What is known of what goes with a conversation besides its messages (facts.h), over the newest link of it. */
struct op_migration_facts {
	struct store_op op;
	struct arena *arena;
	int bridge, endpoint; /* of the customers' side */
	const char *conversation;
	/* out */
	bool is_linked, is_due; /* something of it is still to be carried to the agents' side */
	bool is_ended;          /* a run has said what it becomes there */
	struct row_link link;
	struct person person;
	struct fact_record there; /* of the agents' conversation */
};

/* The last event of a conversation's history: what it becomes at the other side. The state of its own side
 * is written down where none is known. */
struct op_migration_end {
	struct store_op op;
	struct arena *arena;
	struct event *event; /* id is set when stored; key known: id 0 */
	const struct ask *asks;
	size_t nasks;
	int bridge;
	struct view view; /* out */
};

#endif
