/* Private to this folder: Syniverse, two services of one provider. Two-Way Chat (the Chat API) calls back
 * while a session lives; the messaging API below it (SCG) sends, and has callbacks of its own (ESS).
 *
 *   syniverse.c           the table, options, verify
 *   syniverse_session.c   what the endpoint does for itself: sessions, the token
 *   syniverse_parse.c     callback → events: which kind it is, and those of ESS
 *   syniverse_callback.c  those of the Chat API, whose form is not public: paths are configuration
 *   syniverse_page.c      what is there: messages in lists
 *   syniverse_send.c      message → steps and requests
 *   syniverse_answer.c    answer → outcome
 *
 * Customers' side only. A conversation is a contact's address (or, with thread_per_chat, a chat of the Chat
 * API). Sending costs money and a repeated request sends twice, so what is in doubt and cannot be found is
 * parked. */
#ifndef CONNECTOR_SYNIVERSE_SYNIVERSE_H
#define CONNECTOR_SYNIVERSE_SYNIVERSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connector/connector.h"
#include "core/kinds.h"

struct arena;
struct json;

#define SYNIVERSE_PLATFORM "syniverse"

/* What a callback of the Chat API says; each stands at the first of its paths where anything is. */
enum syniverse_field {
	FIELD_SESSION,
	FIELD_TYPE,
	FIELD_CHAT,
	FIELD_CONTACT,
	FIELD_ADDRESS,
	FIELD_NAME,
	FIELD_MESSAGE,
	FIELD_DIRECTION,
	FIELD_TEXT,
	FIELD_ATTACHMENTS,
	FIELD_AUTHOR,
	FIELD_AUTHOR_NAME,
	FIELD_TIME,
	FIELD_COUNT
};

enum syniverse_type {
	TYPE_MESSAGE,
	TYPE_OPENED,
	TYPE_CLOSED,
	TYPE_DELIVERY,
	TYPE_ENDED, /* the session */
	TYPE_COUNT
};

enum syniverse_direction { DIRECTION_INCOMING, DIRECTION_OUTGOING, DIRECTION_COUNT };

enum syniverse_source { SOURCE_CHAT, SOURCE_ESS, SOURCE_POLL }; /* in the order of their words */

enum syniverse_consent { CONSENT_NONE, CONSENT_OPT_IN, CONSENT_OPT_OUT };

struct syniverse_conf {
	const char *user, *password, *act_for;
	const char *inbound;
	const char *chat_base_url, *scg_base_url;
	const char *scg_from, *scg_token, *scg_consumer_key, *scg_consumer_secret;
	int64_t renew_margin, reregister_idle; /* ms; 0: computed, never */
	bool deregister_on_exit;
	struct option_map paths, types, directions;
	int64_t text_max;
	bool escape_templates, thread_per_chat;
	int consent;           /* enum syniverse_consent */
	int64_t dedupe_window; /* not acted on: there is one source */

	/* Made of them by configure. NULL-terminated; words as syniverse_word makes them. */
	enum syniverse_source source;
	const char *const *path[FIELD_COUNT];
	const char *const *type[TYPE_COUNT];
	const char *const *direction[DIRECTION_COUNT];
};

/* Without case, "_", "-", "." and blanks, as types are compared. */
const char *syniverse_word(struct arena *a, const char *text);
/* A phone number without blanks, dashes, dots and brackets; other addresses as they are, without blanks
 * around them. NULL: nothing is there. */
const char *syniverse_address(struct arena *a, const char *text);

/* --- what the endpoint remembers --------------------------------------------------------------- */

#define MEMO_OLD_SESSION "old_session"     /* one that was renewed, until it is ended */
#define MEMO_SESSION_RETRY "session_retry" /* ms: renewing failed, and is not tried before */
#define MEMO_SESSION_AT "session_at"       /* ms: when one was asked for last */
#define MEMO_TOKEN MEMO_TOKEN_RENEWED      /* renewed since the configured one, */
#define MEMO_TOKEN_OF "token_of"           /* which was this one (its hash) */
#define MEMO_TOKEN_STALE "token_stale"     /* it was refused */
#define MEMO_TOKEN_AT "token_at"           /* ms: when it was renewed last */

struct syniverse_session {
	const char *id;
	int64_t began_ms, life_msecs; /* by our clock */
	const char *user;             /* for whom (a hash) */
	const char *acts_for;         /* the platform's id of that user; NULL: not said */
};

/* False: there is none, or it is another user's. */
bool syniverse_session(const struct via *via, struct arena *a, struct syniverse_session *out);
/* Events of that session are ours: it is the current one, or was until a moment ago. */
bool syniverse_session_fits(const struct via *via, struct arena *a, const char *id,
    bool *is_current);

int64_t syniverse_session_ends_ms(const struct via *via);
int64_t syniverse_next(const struct via *via, struct job *job);
bool syniverse_leave(const struct via *via, struct job *job, struct memo *forget);
void syniverse_errand_build(const struct via *via, struct arena *a, const struct job *job,
    struct http_req *out);
void syniverse_errand_interpret(const struct via *via, struct arena *a, const struct job *job,
    const struct http_resp *resp, struct outcome *out);

/* The bearer token to use now. */
const char *syniverse_token(const struct via *via, struct arena *a);
bool syniverse_may_renew_token(const struct via *via);

/* --- callbacks --------------------------------------------------------------------------------- */

struct syniverse_reading {
	const struct via *via;
	const struct syniverse_conf *conf;
	struct arena *arena;
	const struct http_in *hook;
	struct event_list *out;
	struct parse_error *error;
	size_t index; /* in the batch */
};

/* What a customer said, whichever service tells it. */
struct syniverse_said {
	const char *remote;  /* id of the message; NULL: it has none */
	const char *address; /* the customer's */
	const char *chat;    /* NULL: not said */
	const char *name, *text;
	int64_t at_ms;
	const struct attachment *attachments;
	size_t nattachments;
	bool is_cut; /* text is not all of it */
};

/* What became of a message that was sent. */
struct syniverse_became {
	const char *message, *request; /* ids */
	const char *mark, *address;
	const char *word;  /* its state as the platform calls it */
	const char *words; /* … and why; NULL: not said */
	int code;          /* 0: none */
	int64_t at_ms;
};

int syniverse_parse(const struct via *via, struct arena *a, const struct http_in *hook,
    struct event_list *out, struct parse_error *error);
/* One event of the Chat API. -1: it cannot be read, and error says why. */
int syniverse_read_callback(struct syniverse_reading *r, const struct json *item);

/* Adds a message of a customer, and that he may be written to, or wants no messages. */
void syniverse_add_message(struct syniverse_reading *r, const struct syniverse_said *said);
struct event *syniverse_add_said(struct syniverse_reading *r, const struct syniverse_said *said);
int syniverse_digits(const char *text); /* of a code; 0: none */
void syniverse_add_receipt(struct syniverse_reading *r, const struct syniverse_became *b);
/* numbers: the member that holds ids of files. */
void syniverse_read_files(struct syniverse_reading *r, const struct json *fields,
    const char *numbers, struct syniverse_said *said);
/* sender as a message names it; NULL: it names none, and is taken. */
bool syniverse_is_own_sender(const struct syniverse_conf *c, const char *sender);
bool syniverse_equal(const char *a, const char *b); /* both there */
enum unparsable syniverse_unparsable(int fault);    /* of json_read */
/* Nothing is sent there until he writes again, or may be again. */
void syniverse_add_consent(struct syniverse_reading *r, const char *conversation, enum state state,
    int64_t at_ms, const char *key);
struct event *syniverse_add_dropped(struct syniverse_reading *r, enum drop drop,
    const char *detail);
int syniverse_bad_field(struct syniverse_reading *r, const char *detail);
/* Either as a number of ms or seconds, or as ISO 8601; fallback where it is none. */
int64_t syniverse_time(const struct json *j, int64_t fallback);

/* Where files of messages are, behind base_url; "/content" follows the id. */
#define SYNIVERSE_FILES "/scg-external-api/api/v1/messaging/attachments/"

/* --- pages ------------------------------------------------------------------------------------- */

const char *syniverse_page_path(struct arena *a, const struct job *job);
/* Fills events and cursor. False: it is no page. */
bool syniverse_take_page(const struct via *via, struct arena *a, const struct job *job,
    const struct json *answer, struct outcome *out);
int syniverse_parse_page(const struct via *via, struct arena *a, const char *conversation,
    const struct http_resp *resp, struct event_list *out, const char **cursor,
    struct parse_error *error);
/* A document that somebody has saved. */
int syniverse_recognise(const struct via *via, struct arena *a, const char *name, const char *text,
    size_t len, struct saved_page *out, struct parse_error *error);

/* --- sending ----------------------------------------------------------------------------------- */

#define CURSOR_LINKS "links" /* SEND: files go as addresses in the text */

extern const struct kind_caps syniverse_kinds[KIND_COUNT]; /* syniverse_kinds.c */

int syniverse_plan(const struct via *via, struct arena *a, struct message *message,
    const struct known *known, struct plan *out, struct effect *refused);
void syniverse_sign_fetch(const struct via *via, struct arena *a, struct http_req *req);
void syniverse_build(const struct via *via, struct arena *a, const struct job *job,
    struct http_req *out);
void syniverse_interpret(const struct via *via, struct arena *a, const struct job *job,
    const struct http_resp *resp, struct outcome *out);
const char *syniverse_to(const struct job *job); /* the address it is sent to */
int syniverse_segments(const char *text, bool *is_wide);
bool syniverse_has_media(const struct message *message);

/* The digits of an error's code; 0: none is told. */
int syniverse_code(const struct json *answer);
/* What they say is wrong: one line; NULL: nothing. */
const char *syniverse_words(struct arena *a, const struct http_resp *resp,
    const struct json *answer);

#endif
