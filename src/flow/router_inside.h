/* What the three files of the router share: router.c decides and writes, router_held.c has the conversations and
 * what is held in each, router_short.c what is remembered of them and the short way. */
#ifndef FLOW_ROUTER_INSIDE_H
#define FLOW_ROUTER_INSIDE_H

#include <sys/queue.h>

#include "base/map.h"
#include "core/route.h"
#include "flow/router.h"

#define ROUTE_MOST 64 /* events in one write */

struct held {
	STAILQ_ENTRY(held) next;
	struct letter *letter;
	struct view view;
	bool is_stale;        /* the store is asked for the view once more, before it is routed */
	struct arena *viewed; /* where that lies; NULL: the first one, with the letter */
	int64_t arrived_ms;
};
STAILQ_HEAD(held_list, held);

struct conversation {
	struct map_node node;
	struct router *router;
	struct endpoint *endpoint;
	char *remote;
	struct held_list held; /* in the order they will be routed */
	/* Events that went on their way to disk to be held, and those of them that are back, in the
	 * order they went. */
	uint32_t expected, came;
	uint32_t awaited; /* is_closing: so many must be back before it goes on */
	bool is_closing;
	bool is_writing;
	bool is_blocked; /* its first waits for a conversation to be opened */
	bool is_looking; /* the store is asked what is known by now, last */
	int64_t looked_ms;
	struct reading *reading; /* its first waits for what was said before it, until */
	int64_t reading_until_ms;
	bool was_read; /* that is there, or cannot be had */
	struct loop_timer *timer;
	/* Its history is being moved over this bridge (0: it is not): what is told live waits for the end. */
	int moving;
	struct held_list later;
	/* What is remembered when nothing of it is under way any more. */
	bool is_known;
	int64_t thread, person;
	enum state state;
	struct row_link *links; /* one per bridge of the endpoint, without texts */
	TAILQ_ENTRY(conversation) lru;
};

struct router {
	struct flow *flow;
	struct map conversations;
	size_t held, blocked;
	TAILQ_HEAD(lru_list, conversation) lru; /* known ones, the oldest first */
	size_t known;
};

/* ---- router.c ---- */

/* Routes what is due of it, as far as nothing has to be waited for; may free it. */
void conversation_try(struct conversation *c);
void conversation_decide(const struct conversation *c, const struct event *event,
    const struct view *view, size_t bridge, struct route *out);
void router_count_drop(struct endpoint *e, const struct event *event, const struct route *r,
    const struct bridge_conf *b);

/* ---- router_held.c ---- */

struct conversation *conversation_find(struct router *r, struct endpoint *e, const char *remote);
struct conversation *conversation_get(struct router *r, struct endpoint *e, const char *remote);
void conversation_free(struct conversation *c);
void conversation_block(struct conversation *c, bool blocked);
/* Nothing of it is under way. */
bool conversation_is_quiet(const struct conversation *c);
void conversation_forget(struct conversation *c);
/* Nothing is remembered of it any more; NULL is taken. */
void conversation_drop(struct conversation *c);
/* How many from the front may be routed now; where none, *wait_msecs is when to look again (-1: when
 * something happens). */
size_t conversation_count_due(struct conversation *c, int64_t *wait_msecs);
/* The letter is held, or put aside where history is moved; nothing is routed by it. */
struct conversation *conversation_take(struct router *r, struct endpoint *e, struct letter *letter,
    const struct view *view, bool is_stale);
void held_free(struct router *r, struct held *h);

/* ---- router_short.c ---- */

/* After a write: the links it found or made are how the next message of the conversation travels. */
void conversation_remember(struct conversation *c, const struct view *view,
    const struct route_event *done);
/* The oldest are dropped while they are too many. */
void router_trim(struct router *r);

#endif
