/* What the two files of taking in share: ingest.c takes callbacks and answers them, ingest_event.c has what becomes
 * of each event. */
#ifndef FLOW_INGEST_INSIDE_H
#define FLOW_INGEST_INSIDE_H

#include "flow/ingest.h"
#include "flow/receipt.h"
#include "flow/router.h"
#include "flow/whole.h"
#include "store/errand.h"
#include "store/retain.h"

struct ingest {
	struct flow *flow;
	size_t pending;
	bool has_room; /* when last looked */
	int64_t looked_ms;
	struct wholes wholes; /* whose rest is being read */
	struct receipt_list receipts;
};

struct hook { /* in the memory of its call, which ends with the answer */
	struct ingest *ingest;
	struct http_in_call *call; /* NULL: it is fed, and told by fed */
	void (*fed)(void *arg, const struct fed *fed);
	void *arg;
	struct endpoint *endpoint;
	int64_t received_ms;
	int64_t answered_ms; /* a conversation that was read behind a request; 0: none was */
	int waiting;         /* events on their way to disk, and one while they are handed out */
	size_t stored;
	enum hook_result result; /* the best of its events' */
	bool is_failed;
	enum store_fault fault;
	struct err err;
	int64_t begun_us;
};

/* One event on its way to disk. */
struct entry { /* in the memory of its letter */
	union {
		struct store_op op;
		struct op_append append;
		struct op_state state;
		struct op_echo echo;
		struct op_raw raw;
		struct op_callback callback;
		struct op_heard heard;
		struct op_receipt receipt;
	};
	struct hook *hook;
	struct letter *letter;
	struct shortcut *shortcut;      /* APPEND: routed already; in the letter's memory */
	struct conversation *expecting; /* APPEND: to be routed when it is stored */
	const char *edit_key; /* APPEND: an edit, as the message it is of; NULL: no edit */
};

/* ---- ingest.c ---- */

void hook_counts_as(struct hook *h, enum hook_result result);
/* One less is waited for; with the last it is answered, and gone. */
void hook_done(struct hook *h);

/* ---- ingest_event.c ---- */

/* Several events of one callback each get memory of their own, since they end at different times. */
void hook_hand_out(struct hook *h, struct arena *a, struct event_list *events);
struct entry *entry_new(struct hook *h, struct letter *letter);
/* To the store, whose answer comes to op.done, perhaps within this call. */
void entry_submit(struct entry *n);
/* It is over, and its hook is told how. */
void entry_free(struct entry *n);

#endif
