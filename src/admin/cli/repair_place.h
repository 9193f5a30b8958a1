/* What is parked, and traces, wherever they are: asked of the running relay, or of its store where none
 * runs. Answers are the documents of repair_doc.h. */
#ifndef ADMIN_CLI_REPAIR_PLACE_H
#define ADMIN_CLI_REPAIR_PLACE_H

#include <stddef.h>

#include "admin/cli/client.h"
#include "store/repair.h"
#include "store/retain.h"

struct arena;
struct cli;

struct repair_place {
	const struct cli *cli;
	struct arena *arena;
	struct client client;
	struct store *store; /* NULL: there is a relay, or nobody has asked yet */
};

void repair_place_open(struct repair_place *p, struct arena *a, const struct cli *cli);
void repair_place_close(struct repair_place *p);

struct repair_filter {
	const char *endpoint, *bridge, *reason; /* NULL: whichever */
};

/* Each returns an exit code; where that is not EXIT_DONE, what is wrong was said on stderr. */
int repair_place_list(struct repair_place *p, const struct repair_filter *f, int limit,
    const char *cursor, const char **document);
int repair_place_show(struct repair_place *p, const char *id, const char **document);
int repair_place_trace(struct repair_place *p, const char *id, const char **document);
int repair_place_mend(struct repair_place *p, const char *id, enum mend mend, const char *text,
    const char *etag);
/* All that fit the filter, expect of them. */
int repair_place_mend_all(struct repair_place *p, const struct repair_filter *f, enum mend mend,
    int64_t expect);
/* Of a kept callback: body and headers. Always from the store, also beside a running relay. */
int repair_place_raw(struct repair_place *p, const char *id, struct op_raw_read *out);
/* The same of the callback that told of a message first, by endpoint:id. */
int repair_place_callback(struct repair_place *p, const char *source, struct op_callback_of *out);

#endif
