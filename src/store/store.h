/* Durable state: the journal of events, deliveries in their lanes, links, ids. Operations run on a
 * thread of their own, many per commit; the store decides nothing, it knows operations and SQL.
 *
 * An operation is a struct that begins with struct store_op, owned by its submitter and lent to the
 * store from submit until done runs. done runs on the loop, exactly once, never inside submit. On
 * result 0 what the operation says was committed and synced; on -1 nothing of it was. Running an
 * operation twice is harmless: apply sets every out field, and what was there already is a result. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/histogram.h"
#include "core/conf.h"
#include "core/model.h"
#include "core/view.h"

struct arena;
struct loop;
struct store;
struct store_driver;

enum store_kind {
	STORE_APPEND,
	STORE_ROUTE,
	STORE_CLAIM,
	STORE_STEP,
	STORE_SETTLE,
	STORE_ECHO,
	STORE_STATE,
	STORE_ENDPOINT,
	STORE_RAW,
	STORE_LOAD,
	STORE_STATUS,
	STORE_VIEW,
	STORE_PROBE,
	STORE_RETAIN, /* these: retain.h */
	STORE_CALLBACK,
	STORE_CALLBACK_OF,
	STORE_BACKUP, /* this: backup.h */
	STORE_PERSON, /* these: person.h */
	STORE_PERSON_SAID,
	STORE_PERSON_ERASE,
	STORE_KNOWN,
	STORE_SWEEP_GET,
	STORE_SWEEP_SET,
	STORE_CONTROL,
	STORE_CONTROLLED,
	STORE_MEDIA_OPEN, /* these: media.h */
	STORE_MEDIA_SET,
	STORE_MEDIA_KEEP,
	STORE_MEDIA_GET,
	STORE_MEDIA_LOAD,
	STORE_MEDIA_RETAIN,
	STORE_PARKED, /* from here on: repair.h */
	STORE_MEND,
	STORE_TRACE,
	STORE_RAW_READ,
	STORE_ERRAND, /* from here on: errand.h */
	STORE_ERRAND_DONE,
	STORE_ERRANDS,
	STORE_HEARD,
	STORE_HEAR, /* from here on: facts.h */
	STORE_MIRROR,
	STORE_MIRROR_ASK,
	STORE_MIRROR_DONE,
	STORE_MIRRORS,
	STORE_QUESTION, /* these: question.h */
	STORE_QUESTIONS,
	STORE_RECEIPT,
	STORE_LINKS, /* links.h */
	STORE_SHIFT,
	STORE_MIGRATION, /* these: migration.h */
	STORE_MIGRATIONS,
	STORE_MIGRATION_ITEM,
	STORE_MIGRATION_ITEMS,
	STORE_MIGRATION_LOOK,
	STORE_MIGRATION_LINKS,
	STORE_MIGRATION_FACTS,
	STORE_MIGRATION_MADE,
	STORE_MIGRATION_END,
	STORE_ADOPT, /* these: adopt.h */
	STORE_PAIRED,
	STORE_ALARM, /* these: alarm.h */
	STORE_ALARMS,
	STORE_HOUR,
	STORE_HOURS,
};

/* Why an operation failed. Disk faults are transient for callers: try again later. */
enum store_fault {
	STORE_FAULT_NONE,
	STORE_FAULT_DISK_FULL,
	STORE_FAULT_READ_ONLY,
	STORE_FAULT_IO,
	STORE_FAULT_CORRUPT,
	STORE_FAULT_OTHER,
	STORE_FAULT_COUNT
};
/* "disk_full", "read_only", "io", "corrupt", "other"; "" for none. */
const char *store_fault_word(enum store_fault fault);

struct store_op {
	enum store_kind kind;
	int result; /* 0, or -1 with err */
	enum store_fault fault;
	struct err err;
	void (*done)(struct store_op *op);
	/* The submitter's own, instead of done: the program ends and op was not handed over.
	 * NULL: there is nothing to free. */
	void (*lost)(struct store_op *op);
	struct store_op *next; /* the store's while it has the operation */
	bool is_changed;       /* set by apply: something was written */
	bool is_told;          /* the submitter's: that it failed is in the log */
};

#define OWNER_NONE 0

/* ---- rows as the flow sees them; strings live in the arena given with the operation ---- */

struct row_lane {
	int64_t id;
	int endpoint; /* target */
	int64_t person;
	const char *contact; /* the person's id at the target */
	const char *address;
	bool signed_in;
};

struct row_delivery {
	int64_t id; /* event << 4 | target, targets from 1 */
	int64_t lane, pos;
	int bridge;
	enum delivery_state state;
	int attempt;        /* claims so far */
	int64_t claimed_ms; /* of the last claim: counts as sent then after a crash */
	int64_t due_ms, expires_ms;
	enum step step; /* NONE: at the beginning */
	int part;
	bool reopen, take_over;
	bool edited; /* its event, where a row has one, bears a person's words */
	enum side to;
	bool opens;     /* what it says opens a conversation that is closed there */
	bool is_status; /* it says nothing, but makes the conversation there open or closed, */
	enum state set_state; /* this now; NONE: it is, or there is none */
	bool is_deletion;     /* it says nothing, but takes back what an earlier one has written; */
	bool was_written;     /* … which is there, */
	const char *written;  /* … as this; NULL: in parts, or nobody knows */
	bool is_edit; /* it says anew what an earlier one has said; there is nothing to say where
			 * was_written is not set */
	bool is_taken_back; /* its message was deleted meanwhile: not to be sent any more */
	bool has_asked;     /* its claim has written down what is about to become of that */
	const char *carry;
	enum reason reason;
	const char *remote_id;
};

/* Everything a trip starts from. */
struct row_trip {
	struct row_delivery delivery;
	struct row_lane lane;
	struct row_link link;
	const struct event
	    *event;           /* decoded from the journal; NULL in ROUTE and APPEND, whose caller
					 * has it in memory */
	struct person person; /* the customer as last described by C: identity, id, address … */
	const struct event *replied; /* the message that this one replies to, or says anew; NULL */
	const char *replied_remote;  /* its id where it is written to; NULL: not there, or in
				      * another conversation */
};

/* What the agents are owed by the end of a delivery: see errand.h. All zero: nothing. What was owed before and
 * is not true any more is put right with it. */
struct owe {
	int desk;     /* the agents' endpoint */
	bool is_own;  /* it shows the state of their message: what it shows is kept true, */
	bool report;  /* and this one is said, whether or not one was said before; */
	bool is_firm; /* however late, since the platform shows another one */
	bool note;    /* it came to nothing; of a FOLDED one: it could not be taken back */
	/* out: due now */
	bool has_report, has_note;
};

/* One delivery to be made. */
struct route_row {
	int bridge;
	enum side to;
	int target; /* endpoint */
	int64_t person;
	int64_t lane;        /* of this person there, where it is known; else 0 */
	const char *address; /* of the person at the target, stored with a new lane; or NULL */
	/* The link it travels in: an existing one (link != 0); else the row (bridge, customers,
	 * generation) is found or made, with what is given. */
	int64_t link, customers, agents, generation;
	const char *agents_remote; /* an id we choose ourselves: the thread is made now; or NULL */
	bool reopen, take_over;
	bool opens;           /* as in row_delivery */
	bool is_word;         /* a customer's: who is spoken to is wanted open */
	enum state set_state; /* it is no message: the conversation there is to be as wanted */
	bool is_deletion;     /* it is no message: what was written of that one is to go */
	bool is_edit;         /* it says anew what an earlier one has said */
	int from;             /* endpoint, and at it */
	const char *reply_to; /* … what it replies to; NULL: nothing */
	bool
	    mirrors; /* what is told of the conversation is carried there, so once the link is made */
	bool claim;                /* born claimed: the caller knows its lane to be idle */
	enum delivery_state state; /* QUEUED; or PARKED with reason, then lane and link may be 0 */
	enum reason reason;
	const char *carry; /* parked: words for people */
	int64_t expires_ms;
	struct owe owe;      /* of one that is PARKED */
	struct row_trip out; /* filled; event NULL */
	bool owes_mirror;    /* out: that is due now (facts.h) */
};

/* Stores an event (dedupe by key), finds or makes its conversation and person, and answers with the
 * view. With rows it is routed in the same transaction (nothing else is then read). */
struct op_append {
	struct store_op op;
	struct arena *arena;
	struct event *event; /* id is set when stored */
	const struct ask *asks;
	size_t nasks;
	bool want_view;
	bool only_known; /* it is stored nowhere: only whether its key is known is asked */
	const unsigned char
	    *root;              /* 10 bytes: kept as being at this endpoint, and looked for at the
					 * targets (root_at_target); NULL: no */
	struct route_row *rows; /* routed = 1 and these deliveries; NULL: routed stays 0 */
	size_t nrows;
	int64_t thread, person; /* with rows: whose they were a moment ago; 0: to be found */
	int owner;
	int64_t now_ms;
	/* out */
	bool is_duplicate;
	bool is_left;  /* only_known, and it is not */
	int64_t known; /* duplicate: idmap.ref of the key (event << 4 | n, n 0: an original,
					 * n 1–15 a copy of ours) */
	enum delivery_state known_state; /* of that copy, or of the original's first delivery;
					 * QUEUED while it is not routed, DISCARDED where it had none */
	struct view view;
};

/* The view once more, of an event that is stored: what is known has changed while it was held. */
struct op_view {
	struct store_op op;
	struct arena *arena;
	const struct event *event;
	const struct ask *asks;
	size_t nasks;
	const unsigned char *root; /* as in op_append */
	/* out */
	struct view view;
};

/* Marks events routed, in the order given, and makes their deliveries. Places in lanes (pos) are
 * drawn in that order. An event that is routed already is left alone (out.delivery.id 0). */
struct route_event {
	int64_t event;
	struct route_row *rows;
	size_t nrows;
};
struct op_route {
	struct store_op op;
	struct arena *arena;
	struct route_event *events;
	size_t nevents;
	int owner;
	int64_t now_ms;
};

/* Claims the head of a lane: attempt + 1, owner, claimed_ms, state SENDING. */
struct op_claim {
	struct store_op op;
	struct arena *arena;
	int64_t lane;
	bool is_due; /* its head has waited long enough, whatever now_ms says */
	int owner;
	int64_t now_ms;
	/* out */
	bool is_empty;   /* nothing waits in the lane */
	bool is_early;   /* its head is not due before head_due_ms; not claimed. INT64_MAX:
					 * it is SENDING already */
	bool is_doubted; /* it was UNSURE: to be looked for first */
	int64_t head_due_ms;
	struct row_trip trip;
};

/* What one step of a trip has learned, before the next is sent. */
struct learned {
	struct known known;  /* NULL / false fields leave what is there; */
	bool forget_sign_in; /* but for this one */
	int64_t link, lane;
	enum side to; /* which side of the link known.conversation is */
	int endpoint; /* the target */
};
struct op_step {
	struct store_op op;
	int64_t delivery;
	struct learned learned;
	enum step step; /* the one that comes next */
	int part;
	const char *carry;
	const char
	    *part_remote; /* a part was created: its id there, mapped to the event; or NULL */
};

/* The end of an attempt, and where the lane has more the claim of its next head. */
struct op_settle {
	struct store_op op;
	struct arena *arena; /* of next; may be NULL unless the state is final */
	int64_t delivery, event;
	struct learned learned;
	enum delivery_state state; /* DELIVERED, WAITING, UNSURE, PARKED … */
	int64_t due_ms;            /* WAITING, UNSURE */
	enum step step;            /* WAITING, UNSURE: where it goes on */
	int part;
	enum reason reason;
	const char *why; /* for people; or NULL */
	const char
	    *remote_id; /* DELIVERED: mapped to event << 4 | target in the same transaction */
	const unsigned char *root; /* 10 bytes: kept as being at the target; or NULL */
	bool link_gone;
	bool was_asked; /* as row_delivery.has_asked; DELIVERED: that is done, PARKED: it is not */
	bool hold_lane; /* PARKED: what stands behind it waits for a person */
	/* The bridge of the delivery, and that learned names its lane, link and side, so that its row need
	 * not be read first; 0: it is. Then also: */
	int bridge;
	bool is_message;
	bool has_first;  /* the first message of its link on that side is known */
	bool claim_next; /* only after a final state */
	struct owe owe;  /* the same */
	int owner;
	int64_t now_ms;
	/* out */
	bool is_awaited; /* was_asked, DELIVERED: the platform has still to tell that it is so */
	struct op_claim next; /* is_empty, is_early, trip as in op_claim; set where claim_next */
};

/* A message of ours came back and no trip waits for it: is it mapped? Writes nothing when it is. */
struct op_echo {
	struct store_op op;
	int endpoint;
	const char *remote;
	bool is_known; /* out */
};

/* The state of a conversation as it is now. Written only when newer and different. Where it is news for the
 * other end of a link (core/standing.h), the event that tells it is appended, not routed, with the state as
 * it is by all that is known. */
struct op_state {
	struct store_op op;
	int endpoint;
	const char *conversation;
	bool make; /* one that nobody has heard of is made; else it is not known */
	enum state state;
	int64_t version, now_ms;
	int64_t
	    answered_ms; /* it was read after the request of ours that was answered then; 0: it was told */
	struct event *event; /* NULL: its news is nobody's business */
	const struct ask *asks;
	size_t nasks;
	uint32_t
	    tells; /* bit i: asks[i]'s other end follows what becomes of this one's conversations */
	struct arena *arena;
	/* out */
	bool is_known, is_changed;
	bool is_stored;  /* the event was */
	bool is_awaited; /* the platform has still to tell what a request of ours has made of it */
	int64_t thread;
	struct view view; /* is_stored */
};

/* The clock was set by so much: what is not over may be tried for as long as before. */
struct op_shift {
	struct store_op op;
	int64_t by_ms;
};

/* What an endpoint remembers over a restart: opaque text (JSON), replaced as a whole. */
struct op_endpoint {
	struct store_op op;
	int endpoint;
	const char *memo;
};

/* Keeps an authentic callback that nobody could read. headers as "Name: value" lines, secrets left
 * out by the caller. At most 10,000 per endpoint are kept, the newest. */
struct op_raw {
	struct store_op op;
	int endpoint;
	int64_t at_ms;
	enum unparsable reason;
	int64_t offset;
	const char *headers;
	const char *body;
	size_t body_len;
	int64_t id; /* out */
};

/* All that memory needs at start. */
struct load_lane {
	int64_t lane, person;
	int endpoint;
	int64_t count; /* deliveries not over */
	bool is_held;  /* waits for a person: see op_settle.hold_lane */
	enum delivery_state head_state;
	int64_t head_due_ms;
};
struct load_event {
	struct event *event;
	struct view view; /* for the asks of its endpoint; no roots are looked for */
};
struct load_asked { /* a request to open or close a conversation: answered, and not told of yet */
	int endpoint;
	const char *conversation;
	int64_t answered_ms;
};
struct op_load {
	struct store_op op;
	struct arena *arena;
	/* asks of endpoint id e: asks[e], nasks[e]; e < nendpoints */
	const struct ask *const *asks;
	const size_t *nasks;
	size_t nendpoints;
	/* out */
	struct load_lane *lanes; /* by lane id */
	size_t nlanes;
	struct row_trip
	    *flying; /* claimed and not settled, or UNSURE: heads that may have arrived */
	size_t nflying;
	struct load_event *unrouted; /* by event id */
	size_t nunrouted;
	struct load_asked *asked;
	size_t nasked;
};

struct status_bridge {
	int bridge;
	int64_t waiting[2], oldest_ms[2], parked, delivered_24h[2]; /* by side it goes to */
};
struct status_parked {
	int bridge;
	enum side to;
	enum reason reason;
	int64_t count;
};
struct status_raw { /* kept callbacks of an endpoint */
	int endpoint;
	int64_t count;
};
struct op_status {
	struct store_op op;
	struct arena *arena;
	int64_t now_ms;
	/* out */
	struct status_bridge *bridges;
	size_t nbridges;
	struct status_parked *parked; /* by reason */
	size_t nparked;
	struct status_raw *raws;
	size_t nraws;
	int64_t raw, bytes; /* kept callbacks in all; file size with its WAL */
};

/* Writes something that nobody reads: can the store be written again? */
struct op_probe {
	struct store_op op;
	int64_t now_ms;
};

/* Which of these keys (as in event.key) the endpoint has: an original's or a copy of ours; or, of messages of the
 * conversation that is named, stood in it before it became one of a pair (by a file, or as a person's only one). */
struct op_known {
	struct store_op op;
	int endpoint;
	const char *conversation; /* NULL: that is not asked */
	const char *const *keys;
	size_t nkeys;
	bool *is_known; /* out: one for each */
};

/* How far reconciliation of an endpoint has come: the last one that came to its end began at done_ms
 * (0: none did); the one that is under way has seen all that changed before reached_ms (0: nothing). */
struct op_sweep_get {
	struct store_op op;
	int endpoint;
	int64_t done_ms, reached_ms; /* out */
};
struct op_sweep_set {
	struct store_op op;
	int endpoint;
	int64_t done_ms, reached_ms;
};

/* CONTROL: a person's word over an endpoint or a bridge is kept. While a bridge is paused its deliveries
 * are not claimed: those behind them in their lanes pass them by. CONTROLLED: reads it. */
struct op_control {
	struct store_op op;
	bool is_bridge;
	int id;
	enum control control; /* CONTROLLED: out */
};

/* ---- the store ---- */

enum store_open {
	STORE_OPEN_OK,
	STORE_OPEN_MISSING,
	STORE_OPEN_UNWRITABLE,
	STORE_OPEN_NEWER,
	STORE_OPEN_LOCKED,
	STORE_OPEN_CORRUPT,
	STORE_OPEN_DISK
};

struct store_options {
	const char *url; /* sqlite:PATH */
	int mailbox;     /* operations waiting at most; some places are reserved (below) */
	bool create;     /* make it where there is none */
	bool read_only;
};

/* Opens, locks (one process per store: `PATH.lock`, flock, with our pid in it), migrates to the newest
 * schema. NULL with *why and err ("/var/lib/x.db: schema 9 is newer than this program's 1"). */
struct store *store_open(const struct store_options *options, enum store_open *why,
    struct err *err);
/* Starts the thread; done callbacks run on this loop. Before it, and without it, only store_run. */
int store_start(struct store *s, struct loop *loop, struct err *err);
/* Finishes what was submitted, runs the dones that are due, ends the thread, closes. Takes NULL. */
void store_close(struct store *s);

/* 0: taken; the operations of one turn of the loop are handed to the thread together. -1: the mailbox
 * is full, nothing was taken. STEP, SETTLE, ECHO and CLAIM may use places reserved for them: they are
 * what empties it. */
int store_submit(struct store *s, struct store_op *op);
/* Runs op here and now (start-up, command line, tests); must not be used once started. Its done is not
 * called. */
void store_run(struct store *s, struct store_op *op);

/* Names to the store's ids, made where new; before store_start. ident is what an endpoint *is*, in
 * words (host, tenant, place; "-" is one that is not known, and may be any): -1 with err where it changed
 * while it has links. */
int store_endpoint_id(struct store *s, const char *name, const char *platform, const char *ident,
    int *id, struct err *err);
int store_bridge_id(struct store *s, const char *name, int64_t now_ms, int *id, int64_t *since_ms,
    struct err *err);
/* What the endpoint remembered (JSON text), in the arena; NULL: nothing. */
const char *store_endpoint_memo(struct store *s, struct arena *a, int id);
/* A value kept once for the whole store (instance_key, hook keys …): the present one, or made_up
 * stored and returned. */
const char *store_keep(struct store *s, struct arena *a, const char *key, const char *made_up,
    struct err *err);

/* For health and metrics; any thread. */
struct store_health {
	int64_t
	    stuck_msecs; /* since the thread last finished a batch, while it has work; 0: none */
	int waiting;     /* operations in the mailbox */
	int64_t commits, operations, failed;
	/* Of the last batch that failed; NONE once something was written since. */
	enum store_fault last_fault;
	int64_t bytes, disk_free; /* of the file; of its file system */
	int schema;
};
void store_health(struct store *s, struct store_health *out);

/* What it has done since it was opened; any thread. */
struct store_numbers {
	struct histogram commit_seconds; /* of transactions that write */
	struct histogram batch_operations;
	int64_t failed[STORE_FAULT_COUNT]; /* operations */
};
void store_numbers(struct store *s, struct store_numbers *out);

/* An older copy of the store was put in its place: its newest event, so that all it held may have gone
 * further since. 0: it is what the last life has left. */
int64_t store_put_back(const struct store *s);

/* The version of the library behind it. */
const char *store_library(void);

#endif
