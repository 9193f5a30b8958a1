/* What becomes of each kind of message at a Syniverse, whose agents' side nobody can be: see core/kinds.h. */
#include "connector/syniverse/syniverse.h"

#define CUSTOMERS(...) \
	{ \
		.to_customers = __VA_ARGS__ \
	}
#define MEDIA \
	{ \
		WAY_NATIVE, "`media_urls`; where the sender takes none, text: `name: address`" \
	}

const struct kind_caps syniverse_kinds[KIND_COUNT] = {
	[KIND_TEXT] = CUSTOMERS(KIND_NATIVE),
	[KIND_IMAGE] = CUSTOMERS(MEDIA),
	[KIND_AUDIO] = CUSTOMERS(MEDIA),
	[KIND_VIDEO] = CUSTOMERS(MEDIA),
	[KIND_FILE] = CUSTOMERS(KIND_FALLBACK("text: `name: address`")),
	[KIND_NO_FILE] = CUSTOMERS(KIND_NOT_THERE),
	[KIND_FILES] = CUSTOMERS({ WAY_NATIVE, "one message" }),
	[KIND_FILES_TEXT] =
	    CUSTOMERS({ WAY_NATIVE, "one message, or with the last part of the words" }),
	[KIND_STICKER] = CUSTOMERS(KIND_FALLBACK("text: `[sticker]`")),
	[KIND_LOCATION] = CUSTOMERS(KIND_PLACE_IN_WORDS),
	[KIND_CONTACT] = CUSTOMERS(KIND_CARD_IN_WORDS),
	[KIND_BUTTONS] = CUSTOMERS(KIND_BUTTONS_IN_WORDS),
	[KIND_LIST] = CUSTOMERS(KIND_BUTTONS_IN_WORDS),
	[KIND_CARDS] = CUSTOMERS(KIND_CARDS_IN_WORDS),
	[KIND_FORM] = CUSTOMERS(KIND_FORM_IN_WORDS),
	[KIND_ARTICLE] = CUSTOMERS(KIND_ARTICLE_IN_WORDS),
	[KIND_SURVEY] = CUSTOMERS(KIND_FALLBACK("text with its address")),
	[KIND_REPLY] = CUSTOMERS(KIND_FALLBACK("the words alone: each part costs money")),
	[KIND_AGENT_DELETES] =
	    CUSTOMERS(KIND_IMPOSSIBLE("nothing can be taken back there: the agent is told so")),
	[KIND_AGENT_TYPES] = CUSTOMERS(KIND_IMPOSSIBLE("it has nothing for that")),
	[KIND_STATE] = CUSTOMERS(KIND_IMPOSSIBLE("it has nothing that could be closed")),
	[KIND_ASSIGNMENT] = CUSTOMERS(KIND_IMPOSSIBLE("it has nothing for that")),
	[KIND_LABELS] = CUSTOMERS(KIND_IMPOSSIBLE("it has nothing for that")),
	[KIND_ATTRIBUTES] = CUSTOMERS(KIND_IMPOSSIBLE("it has nothing for that")),
	[KIND_NOTE] = CUSTOMERS(KIND_IMPOSSIBLE("all that is posted reaches the customer")),
	[KIND_UNKNOWN] = CUSTOMERS(KIND_NO_WORDS),
};
