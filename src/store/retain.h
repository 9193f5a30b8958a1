/* What is kept for a while, and what goes after it: words of settled messages, who is who and which message is
 * which, callbacks that nobody could read, callbacks as they came. */
#ifndef STORE_RETAIN_H
#define STORE_RETAIN_H

#include "store/store.h"

/* What is older may go; 0: it is kept. */
struct retain_ages {
	int64_t bodies_before_ms, links_before_ms, raw_before_ms, callbacks_before_ms;
};
/* Of one bridge; of what came to one endpoint and belongs to no bridge. */
struct retain_part {
	int id;
	struct retain_ages ages;
};

/* What is gone through, one after the other. Ids are looked at with the deliveries they belong to, so those go
 * last. */
enum retain_stage {
	RETAIN_BODIES,
	RETAIN_RAW,
	RETAIN_CALLBACKS,
	RETAIN_LINKS,
	RETAIN_IDS,
	RETAIN_DELIVERIES,
	RETAIN_DONE
};
/* after: the row that was looked at last; of ids the store itself remembers it. */
struct retain_place {
	enum retain_stage stage;
	int64_t after;
};

/* Looks at a bounded number of rows, in order, behind `from`, and deletes at most limit of them. Nothing goes that
 * still waits, is parked, is owed to somebody or is under migration. */
struct op_retain {
	struct store_op op;
	struct arena *arena;     /* for links; NULL: those, and what they lead to, are left alone */
	struct retain_ages rest; /* of what belongs to no part that is named */
	const struct retain_part *bridges, *endpoints;
	size_t nbridges, nendpoints;
	int64_t now_ms;
	struct retain_place from;
	int limit;
	/* out */
	bool is_more;
	struct retain_place to; /* where to go on; RETAIN_DONE: all was seen */
	int64_t seen;           /* rows */
	int64_t *links;         /* gone */
	size_t nlinks;
};

/* A callback as it came, and what it told of. headers as in op_raw. */
struct callback_news {
	const char *remote, *conversation; /* NULL: none */
};
struct op_callback {
	struct store_op op;
	int endpoint;
	int64_t at_ms;
	const char *headers, *body;
	size_t body_len;
	const struct callback_news *news;
	size_t nnews;
};

/* The callback that told of a message first. */
struct op_callback_of {
	struct store_op op;
	struct arena *arena;
	int endpoint;
	const char *remote;
	/* out */
	bool is_known;
	const char *headers, *body;
	size_t body_len;
};

#endif
