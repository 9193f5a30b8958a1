/* The one model that every platform is turned into, and written from. Pure data: strings are
 * borrowed from the arena of whoever made them, NULL means "not said". A field is here only when two
 * platforms have it or the flow itself needs it. */
#ifndef CORE_MODEL_H
#define CORE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/words.h"

enum side { SIDE_CUSTOMERS, SIDE_AGENTS };
enum origin { ORIGIN_LIVE, ORIGIN_HISTORY, ORIGIN_REPAIR, ORIGIN_OWN };

/* The customer of a conversation. */
struct person {
	const char *
	    identity; /* as customers' side: neutral, the same wherever he appears (ids_identity) */
	const char *hint;    /* as agents' side: the identity text that the contact there carries */
	const char *id;      /* what the platform calls the person */
	const char *address; /* what reaches the person there */
	const char *name, *email, *phone;
	const char *avatar; /* an address; not known of a person who is read from the store */
	bool is_vouched;    /* the phone is his: he writes from it. Neither is this */
};

struct author {
	enum role role;
	const char *id, *name;
	const char *email; /* of an agent, where it is told */
};

struct attachment {
	enum attachment_kind kind;
	const char *url, *type, *name;
	int64_t size;                             /* bytes; -1: not said */
	const char *latitude, *longitude, *title; /* of a location, digits as written */
	const char *contact_name, *phone;         /* of a contact card */
};

struct widget {
	enum widget_kind kind;
	const char *label; /* a card's title */
	const char *text;  /* of a card */
	const char *url, *image;
};

/* What parsing found, for the rules of core/route.c. */
enum event_flag {
	EVENT_IS_DRAFT = 1 << 0,     /* belongs to a test conversation */
	EVENT_IS_HIDDEN = 1 << 1,    /* marked as not for display */
	EVENT_IS_SYSTEM = 1 << 2,    /* the platform's own line, or an activity */
	EVENT_IS_COMMAND = 1 << 3,   /* the whole text drives the platform */
	EVENT_IS_PREFLIGHT = 1 << 4, /* the conversation has not begun yet */
	EVENT_IS_DELETED = 1 << 5,   /* this is what is left of a deleted message */
	EVENT_IS_EMPTY = 1 << 6,     /* nothing to show */
	EVENT_IS_AUTOMATIC = 1 << 7, /* greeting, out of office, survey */
	EVENT_IS_STICKER = 1 << 8,   /* its picture is one */
	EVENT_WANTS_READ =
	    1 << 9, /* a conversation: to be marked as read there once it is all on disk */
	EVENT_IS_CUT = 1 << 10,     /* text is not all of it: the rest can be read there */
	EVENT_BEGINS_DAY = 1 << 16, /* of history: the first that is written of its day */
};

struct facts; /* core/facts.h */

/* What a platform told us. Immutable once parsed. */
struct event {
	int64_t id;   /* ours; 0 until stored */
	int endpoint; /* ours */
	enum event_kind kind;
	enum origin origin;
	const char *key;    /* dedupe key: a letter, ':', the rest; unique per endpoint */
	const char *remote; /* the platform's id of the message; NULL where it is about none */
	const char *conversation;     /* the platform's id of the conversation */
	const char *conversation_ref; /* its second id, where it has two */
	int64_t conversation_at_ms;   /* when it began; 0: not said */
	struct person person;
	struct author author;
	bool is_private;        /* a note between agents */
	int64_t at_ms, here_ms; /* at the platform; when it reached us */
	const char *text;
	enum format format;
	const struct attachment *attachments;
	size_t nattachments;
	const struct widget *widgets;
	size_t nwidgets;
	const char *reply_to; /* message id at the platform */
	const char *choice;
	enum state
	    state; /* of a message: FAILED the platform shows it so, SENT (UPDATE) it does not; NONE not said */
	int64_t version;        /* of the state: later is larger; 0 unknown */
	const char *changes;    /* what changed, compact JSON object; NULL: not said */
	unsigned flags;         /* enum event_flag */
	enum drop drop;         /* parsing alone decided: other account, other inbox, unknown … */
	const char *detail;     /* why, free text, never the message's words */
	enum reason reason;     /* RECEIPT of a failure */
	const char *mark;       /* what stands where our mark would be, unchecked */
	const char *mark_place; /* the platform's name of that place, static */
	const char *conversation_mark;
	const char *channel, *department, *department_name; /* for a bridge's `only` */
	const char *const *tags;
	size_t ntags;
	struct author
	    assignee;      /* of a conversation: what its page says of who has it besides his id */
	const char *extra; /* opaque: only the connector that wrote it reads it */
	/* What it tells besides of the person and of the conversation; taken in at once, and not kept with
	 * the event. NULL: nothing. The versions: of what it tells of the person, of the conversation. */
	const struct facts *facts;
	int64_t person_version, facts_version;
};

struct arena;

struct event_list {
	struct event *items;
	size_t count, size;
};

/* All of it, with what an event has beyond its form on disk; of `from` nothing is needed then. */
void event_keep(struct arena *a, const struct event *from, struct event *to);

/* Somebody of the team, or the platform by itself, tells the team. */
bool event_is_note(const struct event *event);

/* Adds a cleared event and returns it; it stays where it is until the next add. */
struct event *event_list_add(struct event_list *list, struct arena *a);
/* For who reads history: an edit is the message as it reads now, and what is left of a deleted one is a message
 * that was deleted. */
void event_as_history(struct arena *a, struct event *event);

/* What is known of the far side when a delivery travels; every field may be NULL or false. */
struct known {
	const char *contact; /* the person's id there */
	const char *address; /* contact inbox source id, lead id … chosen by us or told */
	const char *conversation;
	const char *conversation_ref;
	const char *message; /* last created message */
	const char *upload;  /* what the far side calls the file of part upload_part, */
	int upload_part;     /* which is there already; NULL: none is */
	bool signed_in;
	bool taken_over;
	bool closed;    /* the conversation is, as far as we know */
	bool opted_out; /* the customer wants no messages, until he writes again */
};

struct file; /* core/file.h */
struct option_map;

/* Some of a message's files, in order. */
struct file_span {
	size_t first, count;
};

/* One event as it is to be written at one endpoint: what build works from. */
struct message {
	enum side to;             /* which side of the bridge it is written at */
	enum role role;           /* whose words they are */
	const char *text;         /* as it is to appear: cleaned, neutralised, one part */
	enum format format;       /* of text: plain, or what the target's caps name */
	const char *const *texts; /* all parts in order; text is texts[part] */
	int part, parts;
	const struct file *files; /* those at hand; what is not is named in the text */
	size_t nfiles;
	const struct file_span *spans; /* which of them go with each part; NULL: there are none */
	struct file_span span;         /* spans[part] */
	const struct widget *widgets;  /* to be shown with the last part, as what they are */
	size_t nwidgets;
	const struct attachment
	    *cards; /* places and contact cards, whole, to be shown as what they are */
	size_t ncards;
	bool is_sticker; /* the file is one */
	/* Who of that side's people is meant by its author: an id, an e-mail or a name, by the bridge's
	 * map; NULL: nobody. */
	const char *agent;
	const char *avatar; /* of the customer, for a contact that must be made */
	/* Another contact that has the person's phone, or e-mail, may be taken for his. */
	bool match_phone, match_email;
	const char *name;               /* the author's name to show; NULL: none */
	const struct option_map *fixed; /* the bridge's own texts (core/texts.h) */
	const char *mark;               /* of this part (kind m …) */
	const char *conversation_mark;  /* kind c, for a conversation that must be opened */
	const struct person *person;    /* the customer, as C described him */
	const char *conversation;       /* where it was said, at the other side */
	int64_t at_ms;
	bool reopen;       /* decided when it was routed */
	bool take_over;    /* due with this message */
	bool may_open;     /* no conversation there yet: open one */
	bool is_automatic; /* nobody said it: a greeting, a survey */
	bool is_history;   /* it was said before, and is not told as news: nobody is woken */
	/* One of the next four: then it is no message of its own. */
	enum state set_state;      /* the conversation there is to be OPEN or RESOLVED */
	bool is_deletion;          /* the one that known.message names is taken back */
	const struct facts *facts; /* what is to be written of the person or the conversation */
	bool is_edit;              /* it says anew what an earlier one, reply_to, has said */
	/* The message there which it replies to; NULL: none, or it is quoted. */
	const char *reply_to;
	/* For agents' eyes: never written where a customer sees it. A line of the platform's own is one
	 * too, of ROLE_SYSTEM. */
	bool is_note;
	int64_t generation;            /* of the link */
	const char *bridge;            /* its name, for derived ids */
	const char *conversation_root; /* 20 hex of the C conversation, for derived ids */
};

/* What an answer meant. */
struct effect {
	enum effect_kind kind;
	enum reason reason;
	int64_t wait_msecs;    /* the far side asked for it; -1: it did not say */
	const char *remote_id; /* delivered: the id there */
	const char *why;       /* the far side's words, bounded, without secrets */
	bool is_scarce;        /* it says that it will take only few requests more for now */
};

#endif
