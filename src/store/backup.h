/* A copy of the store while it is in use: as it was when the copying began, whatever is written meanwhile. */
#ifndef STORE_BACKUP_H
#define STORE_BACKUP_H

#include "store/store.h"

enum backup_step {
	BACKUP_COPY, /* begins, where none is under way, or goes on */
	BACKUP_STOP  /* nothing stays of it */
};

/* One step, short enough for messages to be stored between two of them. The copy grows as FILE.part, mode 0600, and
 * gets its name when it is on disk. What goes wrong with it is no fault of the store. */
struct op_backup {
	struct store_op op;
	enum backup_step step;
	const char *file;
	/* out */
	bool is_done, has_failed;
	bool is_there;       /* has_failed: FILE exists, or FILE.part */
	int64_t bytes;       /* is_done: of the copy */
	struct err why;      /* has_failed */
	enum store_open how; /* has_failed: UNWRITABLE or MISSING (the place), DISK */
};

#endif
