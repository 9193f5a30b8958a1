/* What becomes of each kind of message at a Smart Sender, whose agents' side nobody can be: see core/kinds.h. */
#include "connector/smartsender/smartsender.h"

#define CUSTOMERS(...) \
	{ \
		.to_customers = __VA_ARGS__ \
	}

const struct kind_caps smartsender_kinds[KIND_COUNT] = {
	[KIND_TEXT] = CUSTOMERS(KIND_NATIVE),
	[KIND_IMAGE] = CUSTOMERS({ WAY_NATIVE, "words go before it, as a message of their own" }),
	[KIND_AUDIO] = CUSTOMERS(KIND_NATIVE),
	[KIND_VIDEO] = CUSTOMERS(KIND_NATIVE),
	[KIND_FILE] = CUSTOMERS(KIND_NATIVE),
	[KIND_NO_FILE] = CUSTOMERS(KIND_NOT_THERE),
	[KIND_FILES] = CUSTOMERS(KIND_FALLBACK("a message each")),
	[KIND_FILES_TEXT] = CUSTOMERS(KIND_FALLBACK("the words, then a message each")),
	[KIND_STICKER] = CUSTOMERS(KIND_FALLBACK("picture")),
	[KIND_LOCATION] = CUSTOMERS(KIND_NATIVE),
	[KIND_CONTACT] = CUSTOMERS(KIND_NATIVE),
	[KIND_BUTTONS] = CUSTOMERS(KIND_BUTTONS_IN_WORDS),
	[KIND_LIST] = CUSTOMERS(KIND_BUTTONS_IN_WORDS),
	[KIND_CARDS] = CUSTOMERS(KIND_CARDS_IN_WORDS),
	[KIND_FORM] = CUSTOMERS(KIND_FORM_IN_WORDS),
	[KIND_ARTICLE] = CUSTOMERS(KIND_ARTICLE_IN_WORDS),
	[KIND_SURVEY] = CUSTOMERS(KIND_FALLBACK("text with its address")),
	[KIND_REPLY] = CUSTOMERS(KIND_QUOTED),
	[KIND_AGENT_DELETES] = CUSTOMERS(KIND_LATER("nothing is taken back: the agent is told so")),
	[KIND_AGENT_TYPES] = CUSTOMERS(KIND_IMPOSSIBLE("it has nothing for that")),
	[KIND_STATE] = CUSTOMERS({ WAY_NATIVE, "closing only" }),
	[KIND_ASSIGNMENT] = CUSTOMERS({ WAY_NATIVE, "given to an operator, never taken away" }),
	[KIND_LABELS] = CUSTOMERS(KIND_IMPOSSIBLE("they cannot be written there")),
	[KIND_ATTRIBUTES] = CUSTOMERS(KIND_IMPOSSIBLE("they cannot be written there")),
	[KIND_NOTE] = CUSTOMERS(KIND_IMPOSSIBLE("all that is posted reaches the customer")),
	[KIND_UNKNOWN] = CUSTOMERS(KIND_NO_WORDS),
};
