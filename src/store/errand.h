/* What the agents are owed about messages: the state of their own message (STEP_REPORT), or a note that
 * one could not be delivered (STEP_NOTE). It is written together with the outcome it is about, so no crash
 * comes between them, and done beside the lanes. Of each message and step only the newest counts. */
#ifndef STORE_ERRAND_H
#define STORE_ERRAND_H

#include "store/repair.h"
#include "store/store.h"

/* What one is about, read when its turn comes: what was owed first may be old by then. */
struct op_errand {
	struct store_op op;
	struct arena *arena;
	int64_t event;
	enum step step;
	/* out */
	bool is_due;  /* else nothing of the rest is set */
	bool is_firm; /* to be said however late: a failure, a correction */
	int healed;
	int64_t delivery, made_ms;
	enum state state; /* REPORT: DELIVERED or FAILED */
	enum reason reason;
	const char *why;
	bool was_accepted; /* the platform had taken it, and it came to nothing there */
	const char *phone; /* the customer's; NULL: not known */
	const struct event *about;
	int bridge;
	enum side to;                                /* where the message was to be written */
	const char *conversation, *conversation_ref; /* at the desk; NULL: there is none yet */
	const char *remote;                          /* the message there; NULL: it has none */
};

/* It was said, or will not be; unless it has become another one since it was read. */
struct op_errand_done {
	struct store_op op;
	int64_t event;
	enum step step;
	enum state state; /* as it was read */
	int healed;
	bool stays;  /* it is remembered, since it may be told again */
	bool is_due; /* out: another one is due */
};

/* All that is due, by event. */
struct errand_due {
	int64_t event;
	enum step step;
	int endpoint;
};
struct op_errands {
	struct store_op op;
	struct arena *arena;
	/* out */
	struct errand_due *due;
	size_t ndue;
};

/* The desk shows a message of an agent as failed by its own doing (FAILED), or does not any more (SENT). What
 * was delivered is to be shown as delivered, three times at most; where we had said that it failed, and
 * somebody at the desk took that away, he wants it tried again: the mend is carried out. A customer's message
 * that it shows as failed is there, so it is to be shown as sent. */
struct op_heard {
	struct store_op op;
	int64_t event;      /* an agent's; 0: it is our copy of a customer's, */
	const char *remote; /* and this is what the desk calls it */
	enum state state;
	int desk;
	struct op_mend mend; /* all but items is filled by the caller */
	struct mended item;
	/* out */
	int64_t about;   /* whose report it is */
	bool has_report; /* one is due now */
	bool is_mended;
};

/* The customers' platform says what became of a message that it had accepted: DELIVERED, READ or FAILED. */
struct receipt_want { /* what a bridge's agents are to be told of it */
	int bridge, desk;
	bool all, failures, note;
};
struct op_receipt {
	struct store_op op;
	struct arena *arena;
	int endpoint;
	const char *remote; /* as that platform calls the message */
	enum state state;
	enum reason reason;
	const char *why;
	int64_t now_ms;
	const struct receipt_want *wants;
	size_t nwants;
	/* out */
	bool is_known;  /* that message, as far as this can be said of it */
	int64_t about;  /* the event it was made of */
	struct owe owe; /* desk, and what is due now */
};

#endif
