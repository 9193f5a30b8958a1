/* What is known of a person, for whoever has a right to see it, or to have it erased. Both go through all messages,
 * in steps, since nothing lists those of one person. */
#ifndef STORE_PERSON_H
#define STORE_PERSON_H

#include "store/repair.h"
#include "store/store.h"

enum who_kind {
	WHO_EMAIL,
	WHO_PHONE, /* +digits */
	WHO_ID     /* as an endpoint calls them */
};
struct who {
	enum who_kind kind;
	const char *text;
	int endpoint; /* ID */
};

struct person_row { /* as their customers' side describes them */
	int64_t id;
	int endpoint;
	struct person person;
};
struct person_contact { /* as another endpoint calls them */
	int64_t lane, person;
	int endpoint;
	const char *contact, *address;
};
struct person_talk { /* a conversation with them, at either side */
	int64_t thread;
	int endpoint;
	const char *remote, *ref;
	enum state state;
};
struct person_fact { /* JSON objects; conversation 0: of the person */
	int64_t conversation;
	int place;
	const char *seen, *ours, *was;
};

/* Who that is, perhaps several: one human on two platforms. */
struct op_person {
	struct store_op op;
	struct arena *arena;
	struct who who;
	/* out */
	struct person_row *persons;
	size_t npersons;
	struct person_contact *contacts;
	size_t ncontacts;
	struct person_talk *talks;
	size_t ntalks;
	struct person_fact *facts;
	size_t nfacts;
	int64_t *links;
	size_t nlinks;
};

/* Their messages, a step of all there are, with what became of each. */
struct op_person_said {
	struct store_op op;
	struct arena *arena;
	const int64_t *persons;
	size_t npersons;
	int64_t after;
	/* out */
	int64_t last; /* where to go on; 0: all were seen */
	struct op_trace *messages;
	size_t nmessages;
};

struct person_counts {
	int64_t messages, given_up, files, callbacks;
	int64_t first, last; /* events; 0: none */
};
enum erase_stage {
	ERASE_MESSAGES,
	ERASE_DELIVERIES,
	ERASE_RAW,
	ERASE_CALLBACKS,
	ERASE_REST,
	ERASE_WIPE,
	ERASE_DONE
};
struct erase_place {
	enum erase_stage stage;
	int64_t after, messages, deliveries; /* the last that were looked at */
};
/* Erases what persons said, what was said to them and what is known of them; ids of messages stay, which say
 * nothing to anybody, so that none is taken for new. What waits for them is given up. A dry one only counts. */
struct op_person_erase {
	struct store_op op;
	struct arena *arena;
	const int64_t *persons;
	size_t npersons;
	const char *text;   /* by which they were asked for */
	const char *folder; /* of files */
	bool is_dry;
	bool is_alone; /* no relay runs: nothing is under way */
	int64_t now_ms;
	struct erase_place from;
	/* out */
	struct erase_place to; /* ERASE_DONE: all is done */
	bool is_busy;  /* something to or from them is under way: from the beginning, later */
	bool is_wiped; /* DONE: nor does the WAL hold any of it */
	struct person_counts counts; /* of this step */
	int64_t bytes;               /* of files */
};

#endif
