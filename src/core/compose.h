/* Event → the message that is written at the other side: whose words, under which name, with which
 * mark. Pure; the relay and `explain` call the same function. */
#ifndef CORE_COMPOSE_H
#define CORE_COMPOSE_H

#include "core/conf.h"
#include "core/ids.h"
#include "core/model.h"

struct arena;

/* An endpoint as ids see it. */
struct tenancy {
	const char *platform, *host, *tenant;
};

struct compose_in {
	const struct keys *keys;
	const struct event *event;
	const struct mark *mark; /* what the event's mark says; NULL: none */
	const struct bridge_conf *bridge;
	enum side to;
	struct tenancy from;                /* where the event was said */
	struct tenancy customers;           /* the customers' side of the bridge */
	const char *customers_conversation; /* for the conversation's mark and ids */
	int64_t generation;
	const struct person *person; /* the customer as C describes him */
	const char *title;           /* the desk's name; used where the bridge gives none */
	const struct event *replied; /* as in struct row_trip */
	const char *replied_remote;
	bool reopen, take_over, may_open;
	enum state set_state; /* as in struct message */
};

struct composed {
	struct message message; /* texts are set by the connector's plan */
	struct root root;
	int hop;
	char kind; /* of its marks */
	const struct keys *keys;
	const char *bridge_tag;
	char mark[MARK_TEXT_SIZE], conversation_mark[MARK_TEXT_SIZE];
	char conversation_root[ROOT_TEXT_SIZE];
};

/* Strings are in a or borrowed from the event. out must stay where it is: message points into it. */
void compose(struct arena *a, const struct compose_in *in, struct composed *out);
/* The files of the message, each at hand or with the reason why it is not. Between compose and the plan. */
void compose_files(struct arena *a, struct composed *c, const struct file *files, size_t count);
/* Turns to one part: text, files, part number and its mark. */
void compose_part(struct composed *c, int part);

#endif
