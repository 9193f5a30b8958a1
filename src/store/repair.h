/* What people do about deliveries: look at what is parked and what was tried, put it back, change or
 * drop it. Operations like those of store.h, for rates of people and not of messages. */
#ifndef STORE_REPAIR_H
#define STORE_REPAIR_H

#include "store/store.h"

/* Which of what is parked; what is 0 or NONE does not matter. */
struct parked_way {
	int bridge;
	enum side to;
};
struct parked_filter {
	enum reason reason; /* UNPARSABLE: kept callbacks, and only those */
	int bridge;
	/* Where it was to be written, or came from where it is a kept callback. A delivery without a
	 * lane knows only bridge and side, so all those that lead to the endpoint are given too. */
	int endpoint;
	const struct parked_way *ways;
	size_t nways;
	int64_t since_ms,
	    until_ms; /* when it was parked, or came; what has no such time does not fit */
};

/* A delivery that is parked, or (is_raw) a callback that nobody could read. */
struct parked_id {
	bool is_raw;
	int64_t id;
};
struct parked_row {
	struct parked_id id;
	int bridge;   /* 0: raw */
	int endpoint; /* raw: where it came from; else 0 */
	enum side to;
	enum reason reason;
	enum unparsable unparsable; /* raw */
	int64_t since_ms;
	const char *why;
	const struct event *event; /* NULL: raw */
};

/* Newest first, deliveries before kept callbacks. */
struct op_parked {
	struct store_op op;
	struct arena *arena;
	struct parked_filter filter;
	struct parked_id after; /* the last one of the page before; id 0: there was none */
	int limit;
	/* out */
	struct parked_row *rows;
	size_t nrows;
	bool is_more;
	int64_t total; /* that fit the filter, on all pages */
};

enum mend { MEND_RETRY, MEND_DROP, MEND_EDIT };
enum mend_result {
	MEND_DONE,
	MEND_REROUTE,     /* RETRY of what has no lane yet: its event is unrouted again */
	MEND_UNKNOWN,     /* no such id */
	MEND_NOT_PARKED,  /* any more */
	MEND_NO_BODY,     /* its words are not kept any more */
	MEND_NOT_REFUSED, /* EDIT of what the platform did not refuse for its words */
	MEND_UNREADABLE   /* never by the store: a kept callback that still cannot be read */
};
struct mended {
	struct parked_id id; /* raw: MEND_DROP only */
	/* out */
	enum mend_result result;
	int endpoint; /* the target of its lane; REROUTE: where the event came from */
	int64_t lane, person;
	bool was_held;       /* the lane waited for it, and does no more */
	struct event *event; /* REROUTE */
};
/* RETRY: what may have left before is UNSURE and due, so that it is looked for first; else QUEUED. It
 * goes to the end of its lane, or keeps its place where the lane was held for it. */
struct op_mend {
	struct store_op op;
	struct arena *arena;
	enum mend mend;
	struct mended *items;
	size_t nitems;
	const char *text; /* EDIT */
	const char *who;
	int64_t now_ms, expires_ms;
};

struct trace_attempt {
	int64_t at_ms;
	int attempt;
	enum step step;
	enum delivery_state state;
	enum reason reason;
	const char *why;
	const char *who; /* NULL: the relay itself */
};
struct trace_delivery {
	struct row_trip trip; /* without event */
	enum side to;
	const char *why;
	int64_t ended_ms;
	struct trace_attempt *attempts; /* oldest first */
	size_t nattempts;
	const char *edited, *edited_by; /* NULL: it was not */
	int64_t edited_ms;
};
/* One message's life. Asked by event, by delivery, or by a platform's id at any of these endpoints. */
struct op_trace {
	struct store_op op;
	struct arena *arena;
	int64_t event_id, delivery_id; /* or */
	const char *remote;
	const int *endpoints;
	size_t nendpoints;
	/* out */
	size_t
	    nfound; /* of remote: at so many endpoints; found names them, and more than one gives no
			* life */
	int *found;
	int64_t id;          /* the event's; 0: nothing is known */
	struct event *event; /* NULL: its words are not kept any more */
	bool is_routed;
	struct trace_delivery *deliveries;
	size_t ndeliveries;
};

/* A kept callback. */
struct op_raw_read {
	struct store_op op;
	struct arena *arena;
	int64_t id;
	/* out */
	bool is_known;
	struct op_raw raw; /* its texts in the arena */
};

#endif
