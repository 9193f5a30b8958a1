/* Every closed list of words that users, logs, metrics and `explain` share, each in one place: the
 * enum, its words and the manual come from the same line. Within 1.x words may be added, never
 * renamed. X(NAME, "word") or X(NAME, "word", extra). */
#ifndef CORE_WORDS_H
#define CORE_WORDS_H

#define EVENT_KINDS(X) \
	X(MESSAGE, "message") \
	X(UPDATE, "update") /* a message as it is now */ \
	X(EDIT, "edit") \
	X(DELETE, "delete") \
	X(REACTION, "reaction") \
	X(TYPING, "typing") \
	X(RECEIPT, "receipt") \
	X(CONVERSATION, "conversation") /* as it is now */ \
	X(CONTACT, "contact") \
	X(MERGED, "merged") \
	X(WAKE, "wake") \
	X(SESSION, "session")

#define ROLES(X) \
	X(CUSTOMER, "customer") \
	X(AGENT, "agent") \
	X(BOT, "bot") \
	X(SYSTEM, "system")

/* State of an event: typing on off; receipt sent delivered read failed; conversation open pending
 * snoozed resolved opted_out (nothing may be sent there until the customer writes); session ended. */
#define STATES(X) \
	X(NONE, "") \
	X(ON, "on") \
	X(OFF, "off") \
	X(SENT, "sent") \
	X(DELIVERED, "delivered") \
	X(READ, "read") \
	X(FAILED, "failed") \
	X(OPEN, "open") \
	X(PENDING, "pending") \
	X(SNOOZED, "snoozed") \
	X(RESOLVED, "resolved") \
	X(ENDED, "ended") \
	X(OPTED_OUT, "opted_out")

/* How two conversations came to be a pair. Stored as numbers: add at the end. */
#define LINK_HOWS(X) \
	X(CREATED, "created") /* by the relay, or by an agent who wrote to somebody known */ \
	X(MARK, "mark")       /* both were there: a mark of a relay's says so */ \
	X(FILE, "file")       /* … a person says so */ \
	X(PERSON, "person")   /* … each is the only open one of the same person */

#define FORMATS(X) \
	X(PLAIN, "plain") \
	X(MARKDOWN, "markdown") \
	X(HTML, "html")

#define ATTACHMENT_KINDS(X) \
	X(IMAGE, "image") \
	X(AUDIO, "audio") \
	X(VIDEO, "video") \
	X(FILE, "file") \
	X(LOCATION, "location") \
	X(CONTACT, "contact")

/* Of an interactive message. A button belongs to the card before it; without one to the text. */
#define WIDGET_KINDS(X) \
	X(ANSWER, "answer")   /* a button: its label is the answer */ \
	X(ADDRESS, "address") /* a button: it leads to url */ \
	X(CARD, "card")

#define DROPS(X) \
	X(NONE, "") \
	X(ECHO, "echo") \
	X(DUPLICATE, "duplicate") \
	X(PRIVATE, "private") \
	X(SYSTEM, "system") \
	X(HIDDEN, "hidden") \
	X(INTERNAL, "internal") \
	X(BOT, "bot") \
	X(AUTOMATIC, "automatic") \
	X(EMPTY, "empty") \
	X(NO_CHANGE, "no_change") \
	X(STALE, "stale") \
	X(UNLINKED, "unlinked") \
	X(WRONG_SIDE, "wrong_side") \
	X(OTHER_ACCOUNT, "other_account") \
	X(OTHER_INBOX, "other_inbox") \
	X(OTHER_SESSION, "other_session") \
	X(FILTERED, "filtered") \
	X(DISABLED, "disabled") \
	X(LOOP, "loop") \
	X(PREFLIGHT, "preflight") \
	X(UNSUPPORTED, "unsupported") \
	X(UNKNOWN, "unknown")

/* With the HTTP status. */
#define REFUSALS(X) \
	X(NONE, "", 200) \
	X(NOT_FOUND, "not_found", 404) \
	X(METHOD, "method", 405) \
	X(TIMEOUT, "timeout", 408) \
	X(TOO_LARGE, "too_large", 413) \
	X(MEDIA_TYPE, "media_type", 415) \
	X(HEADER_TOO_LARGE, "header_too_large", 431) \
	X(NO_SIGNATURE, "no_signature", 401) \
	X(BAD_SIGNATURE, "bad_signature", 401) \
	X(OLD_TIMESTAMP, "old_timestamp", 401) \
	X(BAD_SECRET, "bad_secret", 401) \
	X(RATE, "rate", 429) \
	X(BUSY, "busy", 503) \
	X(STORE, "store", 503) \
	X(DISK_FULL, "disk_full", 503) \
	X(DRAINING, "draining", 503)

#define UNPARSABLES(X) \
	X(NONE, "") \
	X(EMPTY, "empty") \
	X(NOT_JSON, "not_json") \
	X(NOT_UTF8, "not_utf8") \
	X(TRUNCATED, "truncated") \
	X(TOO_DEEP, "too_deep") \
	X(NOT_OBJECT, "not_object") \
	X(NO_EVENT, "no_event") \
	X(BAD_FIELD, "bad_field")

#define STEPS(X) \
	X(NONE, "") \
	X(SIGN_IN, "sign_in") \
	X(FIND_CONTACT, "find_contact") \
	X(CREATE_CONTACT, "create_contact") \
	X(UPDATE_CONTACT, "update_contact") \
	X(FIND_CONVERSATION, "find_conversation") \
	X(CREATE_CONVERSATION, "create_conversation") \
	X(REOPEN, "reopen") \
	X(FETCH_MEDIA, "fetch_media") \
	X(UPLOAD, "upload") \
	X(SEND, "send") \
	X(EDIT, "edit") \
	X(DELETE, "delete") \
	X(TYPING, "typing") \
	X(MARK_READ, "mark_read") \
	X(SET_STATUS, "set_status") \
	X(ASSIGN, "assign") \
	X(TAKE_OVER, "take_over") \
	X(SET_LABELS, "set_labels") \
	X(SET_ATTRIBUTES, "set_attributes") \
	X(SET_PRIORITY, "set_priority") \
	X(REPORT, "report") \
	X(NOTE, "note") \
	X(LOOK_UP, "look_up") \
	X(LIST_CONTACTS, "list_contacts") \
	X(LIST_CONVERSATIONS, "list_conversations") \
	X(LIST_MESSAGES, "list_messages")

#define EFFECTS(X) \
	X(DELIVERED, "delivered") \
	X(NEXT_STEP, "next_step") \
	X(RETRY, "retry") \
	X(UNSURE, "unsure") \
	X(REJECTED, "rejected") \
	X(PAUSE, "pause")

/* Why: of an effect, and of what is parked. */
#define REASONS(X) \
	X(NONE, "") \
	X(CONNECT, "connect") \
	X(TLS, "tls") \
	X(TIMEOUT, "timeout") \
	X(CUT, "cut") \
	X(BUSY, "busy") \
	X(SERVER_ERROR, "server_error") \
	X(BAD_ANSWER, "bad_answer") \
	X(CREDENTIALS, "credentials") \
	X(NOT_ENABLED, "not_enabled") \
	X(SESSION, "session") \
	X(INVALID, "invalid") \
	X(TOO_LARGE, "too_large") \
	X(NOT_FOUND, "not_found") \
	X(OPTED_OUT, "opted_out") \
	X(UNREACHABLE, "unreachable") \
	X(QUOTA, "quota") \
	X(MEDIA, "media") \
	X(UNSUPPORTED, "unsupported") \
	X(UNCERTAIN, "uncertain") \
	X(EXPIRED, "expired") \
	X(OVERFLOW, "overflow") \
	X(LOOP, "loop") \
	X(ENDPOINT_REMOVED, "endpoint_removed") \
	X(UNPARSABLE, "unparsable")

#define WHENS(X) \
	X(ALWAYS, "always") \
	X(NOT_FOUND, "not_found") /* only if the look-up before found nothing */ \
	X(FOUND, "found")         /* only if it found something */

#define DELIVERY_STATES(X) \
	X(QUEUED, "queued", 0) \
	X(SENDING, "sending", 1)      /* claimed: may have left */ \
	X(WAITING, "waiting", 2)      /* surely not delivered; until due */ \
	X(UNSURE, "unsure", 3)        /* may have been; looked for at due */ \
	X(DELIVERED, "delivered", 10) /* from here on it is over: not in the lane any more */ \
	X(PARKED, "parked", 11) \
	X(DISCARDED, "discarded", 12) \
	X(FOLDED, "folded", 13)

/* What the operator is told of; on disk by number, so new ones go to the end. */
#define ALARM_KINDS(X) \
	X(ENDPOINT_DOWN, "endpoint_down") \
	X(CREDENTIALS, "credentials") \
	X(NOT_ENABLED, "not_enabled") \
	X(WRONG_SETUP, "wrong_setup") \
	X(CALLBACKS_REFUSED, "callbacks_refused") \
	X(CALLBACKS_LOST, "callbacks_lost") \
	X(SILENCE, "silence") \
	X(BACKLOG, "backlog") \
	X(PARKED, "parked") \
	X(LOOP, "loop") \
	X(LOCKED, "locked") \
	X(SESSION, "session") \
	X(CLOCK, "clock") \
	X(STORE, "store") \
	X(DISK, "disk") \
	X(MEDIA_QUOTA, "media_quota") \
	X(MIGRATION, "migration")

enum event_kind {
#define X(name, ...) EVENT_##name,
	EVENT_KINDS(X)
#undef X
};
enum role {
#define X(name, ...) ROLE_##name,
	ROLES(X)
#undef X
};
enum state {
#define X(name, ...) STATE_##name,
	STATES(X)
#undef X
};
enum link_how {
#define X(name, ...) LINK_BY_##name,
	LINK_HOWS(X)
#undef X
};
enum format {
#define X(name, ...) FORMAT_##name,
	FORMATS(X)
#undef X
};
enum attachment_kind {
#define X(name, ...) ATTACHMENT_##name,
	ATTACHMENT_KINDS(X)
#undef X
};
enum widget_kind {
#define X(name, ...) WIDGET_##name,
	WIDGET_KINDS(X)
#undef X
};
enum drop {
#define X(name, ...) DROP_##name,
	DROPS(X)
#undef X
	    DROP_COUNT
};
enum refusal {
#define X(name, ...) REFUSE_##name,
	REFUSALS(X)
#undef X
	    REFUSE_COUNT
};
enum unparsable {
#define X(name, ...) UNPARSABLE_##name,
	UNPARSABLES(X)
#undef X
};
enum step {
#define X(name, ...) STEP_##name,
	STEPS(X)
#undef X
	    STEP_COUNT
};
enum effect_kind {
#define X(name, ...) EFFECT_##name,
	EFFECTS(X)
#undef X
	    EFFECT_COUNT
};
enum reason {
#define X(name, ...) REASON_##name,
	REASONS(X)
#undef X
	    REASON_COUNT
};
enum when {
#define X(name, ...) WHEN_##name,
	WHENS(X)
#undef X
};
enum alarm_kind {
#define X(name, ...) ALARM_##name,
	ALARM_KINDS(X)
#undef X
	    ALARM_KIND_COUNT
};
enum delivery_state {
#define X(name, word, number) DELIVERY_##name = (number),
	DELIVERY_STATES(X)
#undef X
};

/* The word of a value; "?" for a number that is none. */
const char *event_kind_word(int kind);
const char *role_word(int role);
const char *state_word(int state);
const char *link_how_word(int how);
const char *format_word(int format);
const char *attachment_kind_word(int kind);
const char *widget_kind_word(int kind);
const char *drop_word(int drop);
const char *refusal_word(int refusal);
int refusal_status(enum refusal refusal);
const char *unparsable_word(int unparsable);
const char *step_word(int step);
const char *effect_word(int effect);
const char *reason_word(int reason);
const char *when_word(int when);
const char *delivery_state_word(int state);
const char *alarm_kind_word(int kind);

/* The value of a word, -1 where it is none. */
int step_by_word(const char *word);
int reason_by_word(const char *word);

#endif
