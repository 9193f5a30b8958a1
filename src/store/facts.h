/* Facts of persons and conversations (core/facts.h): what the platforms tell of them is compared with what
 * is known, and what is news for the other end of a link becomes due there. What is due is on disk with what
 * made it so, is done beside the lanes, and of each only the newest counts. */
#ifndef STORE_FACTS_H
#define STORE_FACTS_H

#include "core/facts.h"
#include "store/store.h"

/* To that side of the link: of its person (STEP_FIND_CONTACT), or of its conversation
 * (STEP_FIND_CONVERSATION). */
struct mirror_key {
	int64_t link;
	enum side side;
	enum step step;
	int endpoint; /* that side's */
};

/* What a platform tells. Also the place where it is noticed that a person goes by another contact now: links,
 * lanes and ids go over to the new one together, when nothing of the old one is under way. */
struct op_hear {
	struct store_op op;
	struct arena *arena;
	int endpoint;
	const struct person *person;
	const char *conversation; /* NULL: of the person alone */
	const struct facts *facts;
	int64_t person_version,
	    version; /* of what is told of the person; of the conversation; 0: unknown */
	const struct ask *asks;
	size_t nasks;
	uint32_t tells_person,
	    tells;  /* bit i: asks[i]'s other end follows the person; the conversation */
	bool keeps; /* else only which contact it is now is of interest */
	int64_t now_ms;
	/* out */
	struct mirror_key *due;
	size_t ndue;
	int64_t moved;   /* this conversation belongs to another person now */
	bool is_waiting; /* it will, when what is under way has ended: to be told again */
};

/* Its turn has come. */
struct op_mirror {
	struct store_op op;
	struct arena *arena;
	struct mirror_key key;
	/* out */
	bool is_due;
	int64_t seq, made_ms;
	struct row_link link;
	struct row_lane lane; /* of the person at the endpoint */
	struct person person;
	struct fact_record there, here; /* of the side that tells, and of the one that is written */
};

/* Before it is written: what comes back will not be news. NULL fields leave what is there. */
struct op_mirror_ask {
	struct store_op op;
	struct mirror_key key;
	struct facts ours, was; /* of the side that is written */
	struct facts agreed;    /* of the other one */
};

struct op_mirror_done {
	struct store_op op;
	struct mirror_key key;
	int64_t seq;
	struct facts landed; /* those (not NULL) were written, and nobody listens for their echo */
	bool is_due;         /* out: it has become due again */
};

struct op_mirrors {
	struct store_op op;
	struct arena *arena;
	/* out */
	struct mirror_key *due;
	size_t ndue;
};

#endif
