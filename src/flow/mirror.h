/* What is told of persons and conversations at one side of a bridge, carried to the other: see core/facts.h
 * and store/facts.h. They are chores (chores.h) of the endpoint it is carried to, one after the other. */
#ifndef FLOW_MIRROR_H
#define FLOW_MIRROR_H

#include <stdbool.h>
#include <stddef.h>

#include "flow/flow.h"
#include "store/facts.h"

struct hearings;

void mirrors_init(struct endpoint *e);
int mirrors_load(struct flow *f, struct err *err); /* before store_start */
/* It is on disk that this is due. */
void mirror_owed(struct flow *f, const struct mirror_key *key);

/* Whether anything told of the other side's conversations goes there over the bridge. */
bool mirror_carries(const struct bridge_conf *b, enum side to);
/* Whether anything at all, of persons or conversations, can be written there. */
bool mirror_takes(const struct bridge_conf *b, enum side to);

/* What history that tells this of a conversation is to leave at the agents' side of the bridge; NULL members: nothing. */
void mirror_expect(struct flow *f, const struct bridge_conf *b, struct arena *a,
    const struct facts *told, struct facts *out);

/* What was heard lately, so that what is told once more costs nothing. */
struct hearings *hearings_new(void);
void hearings_free(struct hearings *h);   /* takes NULL */
void hearings_forget(struct hearings *h); /* all of it */
/* Fills op, but for its arena, from the event; false: nothing is to be done. letter must outlive op. */
bool mirror_hear(struct endpoint *e, const struct letter *letter, struct op_hear *op);
/* op is done, and went well. */
void mirror_heard(struct endpoint *e, const struct letter *letter, const struct op_hear *op);

#endif
