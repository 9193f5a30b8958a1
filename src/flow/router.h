/* Journaled events become deliveries in lanes. Events of one conversation are routed in order, one
 * write at a time; what must wait (to be put in order, or for a conversation that is just being
 * opened) is held, and on disk "held" is the same as "not routed yet". */
#ifndef FLOW_ROUTER_H
#define FLOW_ROUTER_H

#include "flow/flow.h"

struct conversation;

struct router *router_new(
    struct flow *f);                /* the courier is there already, and watched from now on */
void router_free(struct router *r); /* takes NULL */

/* Takes a stored event with what the store knew of its conversation; the letter is referenced, strings
 * of view must live as long as it. */
void router_take(struct router *r, struct endpoint *e, struct letter *letter,
    const struct view *view);
/* The same for what an earlier life left: nothing is routed before all of it is there, since what is due
 * may have to let something with a smaller id go first. */
void router_take_back(struct router *r, struct endpoint *e, struct letter *letter,
    const struct view *view);
void router_start(struct router *r);
/* The short way: where memory already knows the links of the conversation, and nothing of it waits, the
 * event is routed before it is stored, and one write does both. Fills rows of op; false: the long way,
 * and nothing was done. The caller submits op at once, and calls router_short_done from its done. */
struct shortcut {
	struct lane *lanes[BRIDGES_PER_ENDPOINT]; /* of each row; NULL: parked */
};
bool router_try_short(struct router *r, struct endpoint *e, struct letter *letter,
    struct op_append *op, struct shortcut *s);
void router_short_done(struct router *r, struct endpoint *e, struct letter *letter,
    struct op_append *op, struct shortcut *s);
/* The long way begins: the event will come by router_take, or not at all (it was known, or could not be
 * stored). Until router_came, none that is later in its conversation takes the short way past it, and a
 * window that closes waits for it. NULL: no need to be told. */
struct conversation *router_expect(struct router *r, struct endpoint *e, const struct event *event);
void router_came(struct conversation *c); /* takes NULL */
/* What memory knows of a conversation's links may not hold any more: it is read anew. */
void router_forget(struct router *r, int64_t link, int64_t thread); /* 0: none */

/* A conversation there is in a pair now: what is held of it may travel. */
void router_linked(struct router *r, struct endpoint *e, const char *conversation,
    const struct row_link *link);

/* What is said in that conversation waits from now on, for who moves its history over the bridge, which
 * alone is routed; and what waits goes on. */
void router_suspend(struct router *r, struct endpoint *e, const char *conversation, int bridge);
void router_release(struct router *r, struct endpoint *e, const char *conversation);
bool router_is_suspended(struct router *r, struct endpoint *e, const char *conversation,
    int bridge);
/* Somebody has waited there for so long that what is moved there goes like live messages. */
bool router_is_urgent(struct router *r, struct endpoint *e, const char *conversation);

size_t router_held(const struct router *r); /* events stored and not routed yet */

#endif
