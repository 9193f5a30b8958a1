/* What is parked and what was tried, as the documents that the socket serves, `--json` prints and the
 * tables for people are made of.
 *
 *   item    id since endpoint bridge direction reason detail text event; of a kept callback
 *           id since endpoint reason detail. text is whole in one item, its first 40 characters in a list
 *   list    {"items":[…],"next":cursor or null,"total":all that fit the filter}
 *   one     an item, then attempts, edited {text at by}, and etag: for If-Match
 *   trace   event kind origin at stored source conversation author text files routed deliveries; of each
 *           delivery id bridge endpoint direction state reason detail remote conversation attempt step
 *           sent due ended expires attempts edited; of each attempt at attempt step state reason detail who
 *
 * Members that say nothing are absent. A platform's id is written endpoint:id. */
#ifndef ADMIN_REPAIR_DOC_H
#define ADMIN_REPAIR_DOC_H

#include <stdbool.h>
#include <stddef.h>

#include "store/repair.h"

struct arena;
struct buf;
struct config;
struct json;

/* "d1440" or "h77"; false: it is neither. */
bool parked_id_read(const char *text, struct parked_id *id);
const char *parked_id_text(struct arena *a, struct parked_id id);

/* A filter from words, each of which may be NULL. NULL: filled; else what is wrong with them. */
const char *parked_filter_read(struct arena *a, const struct config *c, const char *endpoint,
    const char *bridge, const char *reason, struct parked_filter *out);

const char *parked_list_doc(struct arena *a, const struct config *c, const struct op_parked *op,
    size_t *len);
/* Of a trace by delivery_id. NULL: it is not parked. */
const char *parked_one_doc(struct arena *a, const struct config *c, const struct op_trace *op,
    size_t *len);
const char *parked_raw_doc(struct arena *a, const struct config *c, const struct op_raw_read *op,
    size_t *len);
/* Of one that can be shown: changes whenever an edit would change something else. */
const char *parked_etag(struct arena *a, const struct op_trace *op);

/* What op asks for, from "e812", "d1440", "desk:40871" or a platform's id. False: it is none of these. */
bool trace_ask(struct arena *a, const struct config *c, const char *text, struct op_trace *op);
struct json_out;
/* The same as one object of a larger document. */
void trace_put(struct arena *a, struct json_out *o, const struct config *c,
    const struct op_trace *op);
const char *trace_doc(struct arena *a, const struct config *c, const struct op_trace *op,
    size_t *len);

/* For people. */
void parked_print_list(struct arena *a, struct buf *out, const struct json *items, size_t columns);
void parked_print_one(struct arena *a, struct buf *out, const struct json *item);
void trace_print(struct arena *a, struct buf *out, const struct json *trace);

#endif
