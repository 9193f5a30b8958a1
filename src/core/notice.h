/* What the agents read about a message that could not be delivered. Pure. */
#ifndef CORE_NOTICE_H
#define CORE_NOTICE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/model.h"

struct arena;
struct option_map;

#define NOTICE_MAX 200 /* code points */
/* How each begins that is about an agent's own message, in English. */
#define NOTICE_NOT_DELIVERED "Not delivered: "

struct notice {
	enum side to; /* where the message was to be written */
	enum reason reason;
	const char *
	    why; /* the far side's words; left out where they may name somebody, or hold a secret */
	int64_t delivery, at_ms;
	bool was_accepted;              /* it was taken there, and not delivered all the same */
	const char *phone;              /* the customer's, shown shortened; NULL: not known */
	const struct option_map *texts; /* the bridge's; NULL: English */
};

/* One line, at most NOTICE_MAX; never an address, a token, or the message's words. */
const char *notice_text(struct arena *a, const struct notice *n);
/* The same, as the error that stands on the agent's message. */
const char *notice_error(struct arena *a, const struct notice *n);
/* The message was deleted where it was said, and is still where it was written. Static, or of texts. */
const char *notice_of_deletion(const struct option_map *texts, enum side to, enum role author,
    bool is_note);
/* Whether that error of a message was written by us. */
bool notice_is_ours(const char *error);
/* What people read of a delivery that may have arrived, and was not found there: who does not get it, or gets it
 * twice, is theirs to find out. reason: why there was no answer; phone may be NULL. */
const char *notice_uncertain(struct arena *a, int64_t delivery, enum reason reason,
    const char *phone, const char *platform);
/* "+1555…0123"; NULL where it is too short for that, or not there. */
const char *notice_phone(struct arena *a, const char *phone);
/* Whether the far side's words may be shown as they are. */
bool notice_may_quote(const char *why);

#endif
