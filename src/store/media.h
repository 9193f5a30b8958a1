/* What the store knows of files, and does with them. The files themselves lie in a folder beside it, each
 * under the hex of its SHA-256. They are synced, given their name and removed on the store's thread, in the
 * order of the operations: so a row never says more than the folder holds, but for what somebody else has
 * removed there. */
#ifndef STORE_MEDIA_H
#define STORE_MEDIA_H

#include "store/store.h"

enum media_state { MEDIA_WANTED, MEDIA_STORED, MEDIA_FAILED };

struct media_row {
	int64_t id;
	int64_t event;
	int n; /* which of the event's attachments */
	enum media_state state;
	const char *sha; /* 64 hex digits */
	int64_t size;
	const char *type, *name;
	const char *why; /* FAILED: in words for people */
};

/* The rows of an event's attachments, made where there are none. */
struct op_media_open {
	struct store_op op;
	struct arena *arena;
	int64_t event;
	const int *wanted; /* their numbers */
	size_t nwanted;
	int64_t now_ms;
	/* out */
	struct media_row *rows; /* one for each of wanted */
};

/* One is settled. STORED: the file at `path` becomes folder/sha. */
struct op_media_set {
	struct store_op op;
	struct media_row row; /* id, state and what goes with it */
	const char *folder, *path;
	/* out */
	bool is_lost; /* the disk did not take it: nothing was written, and the file is gone */
	bool is_new;  /* nobody else had it: the folder holds size bytes more */
};

/* The files of an event are served until then. */
struct op_media_keep {
	struct store_op op;
	int64_t event, until_ms;
};

struct op_media_get {
	struct store_op op;
	struct arena *arena;
	int64_t id;
	/* out */
	bool is_found;
	struct media_row row;
};

/* Which events still have files to be fetched, and how much there is. For the start. */
struct op_media_load {
	struct store_op op;
	struct arena *arena;
	/* out */
	const struct event **events; /* whose rows are WANTED; at most 10,000 */
	size_t nevents;
	int64_t bytes;
};

/* Removes what nobody needs any more: of events whose deliveries are over, that are not served. At most
 * limit rows at a time, in the order of their ids, behind `after`. */
struct op_media_retain {
	struct store_op op;
	const char *folder;
	int64_t after, before_ms; /* rows made later stay */
	int64_t now_ms;
	int limit;
	/* out */
	int64_t last;  /* where to go on; 0: all were seen */
	int64_t bytes; /* freed */
};

#endif
