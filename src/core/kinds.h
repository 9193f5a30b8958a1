/* What people send and do, one row each, and what becomes of it at a platform: the claims that a connector
 * makes in its caps, and that docs/kinds.md shows. Each claim has a run in tests/blackbox/kinds.py.
 * X(NAME, "word", "as the manual calls it"). */
#ifndef CORE_KINDS_H
#define CORE_KINDS_H

#define KINDS(X) \
	X(TEXT, "text", "text") \
	X(IMAGE, "image", "image") \
	X(AUDIO, "audio", "sound, voice") \
	X(VIDEO, "video", "film") \
	X(FILE, "file", "other file") \
	X(NO_FILE, "no_file", "file that is not to be had") \
	X(FILES, "files", "several files") \
	X(FILES_TEXT, "files_text", "several files with words") \
	X(STICKER, "sticker", "sticker") \
	X(LOCATION, "location", "place") \
	X(CONTACT, "contact", "contact card") \
	X(BUTTONS, "buttons", "buttons, choices (up to 10)") \
	X(LIST, "list", "longer list of choices") \
	X(CARDS, "cards", "cards, gallery") \
	X(FORM, "form", "form") \
	X(ARTICLE, "article", "article") \
	X(ANSWER, "answer", "answer to a choice") \
	X(SURVEY, "survey", "survey (CSAT)") \
	X(REPLY, "reply", "reply to a message") \
	X(EDIT, "edit", "edited message") \
	X(CUSTOMER_DELETES, "customer_deletes", "message deleted by the customer") \
	X(AGENT_DELETES, "agent_deletes", "message deleted by an agent") \
	X(CUSTOMER_TYPES, "customer_types", "the customer types") \
	X(AGENT_TYPES, "agent_types", "an agent types") \
	X(READ, "read", "read by the customer") \
	X(STATE, "state", "resolved, opened again") \
	X(ASSIGNMENT, "assignment", "assignment") \
	X(LABELS, "labels", "labels, tags") \
	X(ATTRIBUTES, "attributes", "attributes, priority") \
	X(NOTE, "note", "private note") \
	X(SYSTEM_LINE, "system_line", "the platform's own line") \
	X(UNKNOWN, "unknown", "kind nobody knows")

enum message_kind {
#define X(name, ...) KIND_##name,
	KINDS(X)
#undef X
	    KIND_COUNT
};

enum way {
	WAY_NONE,       /* nobody does that in this direction */
	WAY_NATIVE,     /* as what it is */
	WAY_FALLBACK,   /* as something else: words say what */
	WAY_LATER,      /* not in this version: words say what happens now */
	WAY_IMPOSSIBLE, /* words say why */
};

struct kind_way {
	enum way way;
	const char *words; /* for the manual; may be NULL where it is native */
};

/* As agents' side, and as customers' side, of whatever comes from the other one. */
struct kind_caps {
	struct kind_way to_agents, to_customers;
};

const char *kind_word(enum message_kind kind);
const char *kind_title(enum message_kind kind);
const char *way_word(enum way way);

/* What several platforms show alike. */
#define KIND_NATIVE \
	{ \
		WAY_NATIVE, NULL \
	}
#define KIND_FALLBACK(words) \
	{ \
		WAY_FALLBACK, words \
	}
#define KIND_BY_MAP \
	{ \
		WAY_NATIVE, "by `map`" \
	}
#define KIND_LATER(words) \
	{ \
		WAY_LATER, words \
	}
#define KIND_IMPOSSIBLE(words) \
	{ \
		WAY_IMPOSSIBLE, words \
	}
#define KIND_NOT_THERE KIND_FALLBACK("`[file not available: name, reason]`")
#define KIND_PLACE_IN_WORDS KIND_FALLBACK("text: `Location: title`, `lat,lon`, a map's address")
#define KIND_CARD_IN_WORDS KIND_FALLBACK("text: `Contact: name, phone`")
#define KIND_BUTTONS_IN_WORDS \
	KIND_FALLBACK("text: `1. label` for an answer, `label: address` for what leads somewhere")
#define KIND_CARDS_IN_WORDS KIND_FALLBACK("text: title, description, address and buttons of each")
#define KIND_FORM_IN_WORDS KIND_FALLBACK("text: each label with its choices, numbered")
#define KIND_ARTICLE_IN_WORDS KIND_FALLBACK("text: title, description, address")
#define KIND_QUOTED KIND_FALLBACK("text: `> ` and its first words above (`quotes`)")
#define KIND_NO_WORDS KIND_FALLBACK("`[unsupported message: kind]`")

#endif
