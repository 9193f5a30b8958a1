/* What becomes of each kind of message at a Smartify: see core/kinds.h. */
#include "connector/smartify/smartify.h"

#define NO_TYPING KIND_IMPOSSIBLE("what it has for that draws nothing")

#define BY_MAP(what) \
	{ \
		WAY_NATIVE, "by `map." what "`" \
	}

const struct kind_caps smartify_kinds[KIND_COUNT] = {
	[KIND_TEXT] = { KIND_NATIVE, KIND_NATIVE },
	[KIND_IMAGE] = { KIND_NATIVE, KIND_NATIVE },
	[KIND_AUDIO] = { KIND_NATIVE, KIND_NATIVE },
	[KIND_VIDEO] = { KIND_NATIVE, KIND_NATIVE },
	[KIND_FILE] = { KIND_NATIVE, KIND_NATIVE },
	[KIND_NO_FILE] = { KIND_NOT_THERE, KIND_NOT_THERE },
	[KIND_FILES] = { KIND_FALLBACK("a message each"), KIND_FALLBACK("a message each") },
	[KIND_FILES_TEXT] = { KIND_FALLBACK("the words, then a message each"),
	    KIND_FALLBACK("the words, then a message each") },
	[KIND_STICKER] = { KIND_FALLBACK("image"), KIND_FALLBACK("image") },
	[KIND_LOCATION] = { KIND_PLACE_IN_WORDS, KIND_PLACE_IN_WORDS },
	[KIND_CONTACT] = { KIND_CARD_IN_WORDS, KIND_CARD_IN_WORDS },
	[KIND_BUTTONS] = { KIND_NATIVE, KIND_NATIVE },
	[KIND_LIST] = { KIND_BUTTONS_IN_WORDS, KIND_BUTTONS_IN_WORDS },
	[KIND_CARDS] = { { WAY_NATIVE, "gallery" }, { WAY_NATIVE, "gallery" } },
	[KIND_FORM] = { KIND_FALLBACK("gallery: a card for each question, its choices as buttons"),
	    KIND_FALLBACK("gallery: a card for each question, its choices as buttons") },
	[KIND_ARTICLE] = { KIND_FALLBACK("gallery: a card with its address"),
	    KIND_FALLBACK("gallery: a card with its address") },
	[KIND_ANSWER] = { { WAY_NATIVE, "the choice's label; a bare number becomes it" }, { 0 } },
	[KIND_SURVEY] = { { 0 }, KIND_FALLBACK("text with its address") },
	[KIND_REPLY] = { KIND_QUOTED, KIND_QUOTED },
	[KIND_EDIT] = { KIND_FALLBACK("text: `Edited: new text`, below the old words"), { 0 } },
	[KIND_CUSTOMER_DELETES] = { KIND_FALLBACK("private note; the copy stays"), { 0 } },
	[KIND_AGENT_DELETES] = { { 0 },
	    KIND_IMPOSSIBLE("nothing can be taken back there: the agent is told so") },
	[KIND_CUSTOMER_TYPES] = { NO_TYPING, { 0 } },
	[KIND_AGENT_TYPES] = { { 0 }, NO_TYPING },
	[KIND_READ] = { KIND_IMPOSSIBLE("it has nothing to show it with"), { 0 } },
	[KIND_STATE] = { KIND_NATIVE, KIND_NATIVE },
	[KIND_ASSIGNMENT] = { BY_MAP("agents"), BY_MAP("agents") },
	[KIND_LABELS] = { BY_MAP("labels"), BY_MAP("labels") },
	[KIND_ATTRIBUTES] = { BY_MAP("attributes"), BY_MAP("attributes") },
	[KIND_NOTE] = { { WAY_NATIVE, "`private_notes: mirror`" },
	    { WAY_NATIVE, "`private_notes: mirror`" } },
	[KIND_SYSTEM_LINE] = { { WAY_NATIVE, "`system_lines: note`" }, { 0 } },
	[KIND_UNKNOWN] = { KIND_NO_WORDS, KIND_NO_WORDS },
};
