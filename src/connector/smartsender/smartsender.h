/* Private to this folder: Smart Sender (smartsender.com), a messenger-marketing product.
 *
 *   smartsender.c         the table, options, verify, what the endpoint learns about itself
 *   smartsender_parse.c   chat, message → event; wake-up → event
 *   smartsender_page.c    page of what is there → events
 *   smartsender_send.c    message → steps and requests
 *   smartsender_answer.c  answer → outcome
 *   smartsender_facts.c   who the contact is, and who has his chat
 *
 * Its words: a chat is a conversation, and there is one for each contact. A contact has two ids: the one in
 * the messenger service, which we never use, and originalId, which stands in all paths of contacts. Mixed
 * up, a message reaches a stranger. */
#ifndef CONNECTOR_SMARTSENDER_SMARTSENDER_H
#define CONNECTOR_SMARTSENDER_SMARTSENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connector/connector.h"
#include "core/kinds.h"

struct arena;
struct json;
struct json_out;
struct zone;

#define SMARTSENDER_PLATFORM "smartsender"
#define SMARTSENDER_PAGE 20 /* most objects on a page */

struct smartsender_conf {
	const char *api_token;
	int64_t sweep_msecs, sweep_full;
	const char *timezone;
	bool mark_read;
	int64_t text_max;
	const char *user_id_path;
	const char *send_extra; /* an object as JSON; NULL: none */

	const struct zone *zone; /* of timezone; NULL: UTC */
};

/* Kept by the endpoint. */
#define MEMO_TENANT "tenant" /* the project's id */
#define MEMO_TITLE "title"
#define MEMO_USER "user"           /* "1": the token was looked at, and is good */
#define MEMO_LOCKOUTS "lockouts"   /* how many in a row, … */
#define MEMO_LOCKED_AT "locked_at" /* … and when the last one ends, ms */

#define MEMO_TEAM_ASKED "asked_team" /* when the last page of operators was read, … */
#define MEMO_TEAM_PAGE "team_page"   /* … which one is next, … */
#define MEMO_TEAM_READ "team_read"   /* … and those on the pages before it */

/* The project; where it has no id, or none is known yet, the endpoint's name. */
const char *smartsender_tenant(const struct via *via);

/* A list that PHP has written: an array, or an object with numbers for keys. NULL: neither. */
const struct json *smartsender_list(const struct json *j, const char *path);
/* Any of its ways to write a time; 0: none. Of an hour that comes twice the later one, unless that is after
 * not_after_ms. */
int64_t smartsender_time(const struct via *via, const struct json *j, const char *path,
    int64_t not_after_ms);
/* What is not to come yet, for clocks that differ a little. */
int64_t smartsender_latest(const struct via *via);
/* What a message says, as text; NULL: it says it in another way. */
const char *smartsender_text(struct arena *a, const struct json *content);

/* What is known of the chat that messages are of; any may be NULL. */
struct smartsender_chat {
	const char *id, *person, *name;
	int64_t at_ms;
};

/* not_after_ms: when the message behind it was written, if one is known. */
void smartsender_read_message(const struct via *via, struct arena *a, const struct json *m,
    const struct smartsender_chat *chat, int64_t not_after_ms, struct event *out);
/* The same of a page, and what became of it: changed, deleted, delivered, read. */
void smartsender_add_message(const struct via *via, struct arena *a, const struct json *m,
    const struct smartsender_chat *chat, int64_t not_after_ms, struct event_list *out);
/* As a page of chats tells it; extra is what makes it another one. state is by what was asked for: a chat does not
 * say that itself, so of one that was asked for by its id it is not known. False: it is none. */
bool smartsender_read_chat(const struct via *via, struct arena *a, const struct json *j,
    enum state state, struct event_list *out);
/* The chat that extra tells of. */
void smartsender_chat_of(struct arena *a, const struct event *about, struct smartsender_chat *out);

int smartsender_parse(const struct via *via, struct arena *a, const struct http_in *hook,
    struct event_list *out, struct parse_error *error);
enum unparsable smartsender_unparsable(int fault); /* enum json_fault */

int smartsender_parse_page(const struct via *via, struct arena *a, const char *conversation,
    const struct http_resp *resp, struct event_list *out, const char **cursor,
    struct parse_error *error);
/* A document that somebody has saved. */
int smartsender_recognise(const struct via *via, struct arena *a, const char *name,
    const char *text, size_t len, struct saved_page *out, struct parse_error *error);
/* Behind the base URL: what a PAGE asks for. */
const char *smartsender_page_path(struct arena *a, const struct job *job);
/* The answer to a PAGE; false: it is none. */
bool smartsender_take_page(const struct via *via, struct arena *a, const struct job *job,
    const struct json *answer, struct outcome *out);

extern const struct kind_caps smartsender_kinds[KIND_COUNT]; /* smartsender_kinds.c */

int smartsender_plan(const struct via *via, struct arena *a, struct message *message,
    const struct known *known, struct plan *out, struct effect *refused);
void smartsender_build(const struct via *via, struct arena *a, const struct job *job,
    struct http_req *out);
/* The type that this part is sent as. */
/* The place or contact card that the part at hand is; NULL: it is none. */
const struct attachment *smartsender_card(const struct message *m);
const char *smartsender_type(const struct message *message);
/* The file of this part; NULL: it has none. */
const struct file *smartsender_file(const struct message *message);
/* What is said instead of a file that is not taken. */
const char *smartsender_link(struct arena *a, const struct file *f);
/* Whether it is a kind of file, and which. */
bool smartsender_media(const char *type, enum attachment_kind *kind);

/* --- smartsender_facts.c --- */

/* The answer to FACTS; false: it is none. */
bool smartsender_take_facts(struct arena *a, const struct job *job, const struct json *answer,
    struct outcome *out);
bool smartsender_is_of_facts(const struct job *job); /* FACTS, or writes some */
const char *smartsender_facts_path(struct arena *a, const struct job *job);
const char *smartsender_facts_body(struct arena *a, const struct job *job, size_t *len);
/* When the operators are to be listed next, where a bridge maps them. */
int64_t smartsender_next_team(const struct via *via, struct job *job);
const char *smartsender_team_path(const struct via *via, struct arena *a);
void smartsender_take_team(const struct via *via, struct arena *a, const struct json *answer,
    struct outcome *out);

void smartsender_interpret(const struct via *via, struct arena *a, const struct job *job,
    const struct http_resp *resp, struct outcome *out);

#endif
