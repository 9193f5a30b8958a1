/* What the agents read about a message that could not be delivered. English; pure. */
#ifndef CORE_NOTICE_H
#define CORE_NOTICE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/model.h"

struct arena;

#define NOTICE_MAX 200 /* code points */
/* How each begins that is about an agent's own message: by it the relay knows its words again where
 * a platform tells of them. */
#define NOTICE_NOT_DELIVERED "Not delivered: "

struct notice {
	enum side to; /* where the message was to be written */
	enum reason reason;
	const char *
	    why; /* the far side's words; left out where they may name somebody, or hold a secret */
	int64_t delivery, at_ms;
	bool was_accepted; /* it was taken there, and not delivered all the same */
	const char *phone; /* the customer's, shown shortened; NULL: not known */
};

/* One line, at most NOTICE_MAX; never an address, a token, or the message's words. */
const char *notice_text(struct arena *a, const struct notice *n);
/* The message was deleted where it was said, and is still where it was written. Static. */
const char *notice_of_deletion(enum side to, enum role author);
/* "+1555…0123"; NULL where it is too short for that, or not there. */
const char *notice_phone(struct arena *a, const char *phone);
/* Whether the far side's words may be shown as they are. */
bool notice_may_quote(const char *why);

#endif
