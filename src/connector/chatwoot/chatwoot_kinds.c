/* What becomes of each kind of message at a Chatwoot: see core/kinds.h. */
#include "connector/chatwoot/chatwoot.h"

#define BY_MAP(what) \
	{ \
		WAY_NATIVE, "by `map." what "`" \
	}

const struct kind_caps chatwoot_kinds[KIND_COUNT] = {
	[KIND_TEXT] = { KIND_NATIVE, KIND_NATIVE },
	[KIND_IMAGE] = { KIND_NATIVE, KIND_NATIVE },
	[KIND_AUDIO] = { KIND_NATIVE, KIND_NATIVE },
	[KIND_VIDEO] = { KIND_NATIVE, KIND_NATIVE },
	[KIND_FILE] = { KIND_NATIVE, KIND_NATIVE },
	[KIND_NO_FILE] = { KIND_NOT_THERE, KIND_NOT_THERE },
	[KIND_FILES] = { { WAY_NATIVE, "15 in one message" }, { WAY_NATIVE, "15 in one message" } },
	[KIND_FILES_TEXT] = { { WAY_NATIVE, "one message" }, { WAY_NATIVE, "one message" } },
	[KIND_STICKER] = { KIND_FALLBACK("image"), KIND_FALLBACK("image") },
	[KIND_LOCATION] = { KIND_PLACE_IN_WORDS, KIND_PLACE_IN_WORDS },
	[KIND_CONTACT] = { KIND_CARD_IN_WORDS, KIND_CARD_IN_WORDS },
	[KIND_BUTTONS] = { KIND_BUTTONS_IN_WORDS, KIND_BUTTONS_IN_WORDS },
	[KIND_LIST] = { KIND_BUTTONS_IN_WORDS, KIND_BUTTONS_IN_WORDS },
	[KIND_CARDS] = { KIND_CARDS_IN_WORDS, KIND_CARDS_IN_WORDS },
	[KIND_FORM] = { KIND_FORM_IN_WORDS, KIND_FORM_IN_WORDS },
	[KIND_ARTICLE] = { KIND_ARTICLE_IN_WORDS, KIND_ARTICLE_IN_WORDS },
	[KIND_ANSWER] = { { WAY_NATIVE, "the choice's label; a bare number becomes it" }, { 0 } },
	[KIND_SURVEY] = { { 0 }, KIND_FALLBACK("text with its address") },
	[KIND_REPLY] = { { WAY_NATIVE, "in the same conversation; else the words above" },
	    { WAY_NATIVE, "in the same conversation; else the words above" } },
	[KIND_EDIT] = { KIND_FALLBACK("text: `Edited: new text`, as a reply"), { 0 } },
	[KIND_CUSTOMER_DELETES] = { KIND_FALLBACK("private note under the copy, which stays"),
	    { 0 } },
	[KIND_AGENT_DELETES] = { { 0 }, KIND_NATIVE },
	[KIND_CUSTOMER_TYPES] = { KIND_NATIVE, { 0 } },
	[KIND_AGENT_TYPES] = { { 0 }, KIND_NATIVE },
	[KIND_READ] = { KIND_NATIVE, { 0 } },
	[KIND_STATE] = { KIND_NATIVE, KIND_NATIVE },
	[KIND_ASSIGNMENT] = { BY_MAP("agents"), BY_MAP("agents") },
	[KIND_LABELS] = { BY_MAP("labels"), BY_MAP("labels") },
	[KIND_ATTRIBUTES] = { BY_MAP("attributes"), BY_MAP("attributes") },
	[KIND_NOTE] = { { WAY_NATIVE, "`private_notes: mirror`" },
	    { WAY_NATIVE, "`private_notes: mirror`" } },
	[KIND_SYSTEM_LINE] = { KIND_FALLBACK("private note (`system_lines: note`)"), { 0 } },
	[KIND_UNKNOWN] = { KIND_NO_WORDS, KIND_NO_WORDS },
};
