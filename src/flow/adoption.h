/* A conversation of the customers' side gets one at the agents' side: is there one already? The platforms are
 * asked, core/adopt.h decides, and what is found is written down as a pair. */
#ifndef FLOW_ADOPTION_H
#define FLOW_ADOPTION_H

#include "core/adopt.h"
#include "flow/flow.h"
#include "store/adopt.h"

struct adoption;

struct adoption_order {
	const struct bridge_conf *bridge;
	struct endpoint *source, *target;
	const char *conversation;    /* at the customers' side */
	const struct person *person; /* whose it is */
	const char *contact;         /* his at the agents' side; NULL: not known */
	int64_t generation;          /* of what would be opened */
	int64_t link;                /* the row that it is for; 0: it is made, for about */
	const struct event *about;   /* without link: the conversation, as its side tells it */
	const struct root *said; /* without link: of its messages, where they were read already */
	size_t nsaid;
	bool is_live;    /* a message waits for it */
	bool is_offline; /* nothing is to be asked of the customers' side */
	bool is_dry;     /* nothing is written */
};

struct adoption_result {
	bool is_found;
	enum link_how how;
	const char *conversation; /* at the agents' side */
	enum state state;
	const struct row_link *link; /* the row as it is now; NULL: nothing was written */
};

/* order's texts must live until done, which runs once, never from within adoption_start. */
struct adoption *adoption_start(const struct adoption_order *order,
    void (*done)(void *arg, const struct adoption_result *result), void *arg);
void adoption_free(
    struct adoption *d); /* takes NULL; done will not run. After done it is free already */

/* It is on disk that these two are a pair: what is remembered of them is read anew, and what agents said there and
 * could go nowhere goes on. */
void adoption_tell(const struct bridge_conf *b, struct flow *f, const struct op_adopt *op);

#endif
