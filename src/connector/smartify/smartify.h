/* Private to this folder: Smartify, a rebranded Tiledesk.
 *
 *   smartify.c         the table, options, verify, the ids we choose
 *   smartify_errand.c  what the endpoint does for itself: signs in, looks itself up
 *   smartify_parse.c   callback → events
 *   smartify_page.c    page of what is there → events
 *   smartify_cards.c   buttons and galleries, both ways
 *   smartify_send.c    message → steps and requests
 *   smartify_answer.c  answer → outcome
 *   smartify_facts.c   contacts, and who and what a conversation belongs to, both ways
 *
 * Its words: a project is the tenant, a request is a conversation (request_id stands in paths, _id is
 * its second id), a lead is a contact, lead_id is what a person is called. */
#ifndef CONNECTOR_SMARTIFY_SMARTIFY_H
#define CONNECTOR_SMARTIFY_SMARTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connector/connector.h"
#include "core/kinds.h"
#include "core/text.h"
#include "core/widgets.h"

struct arena;
struct json;

#define SMARTIFY_PLATFORM "smartify"
#define SMARTIFY_TEXT_RULES (TEXT_DOLLAR | TEXT_BACKSLASH_COMMAND)

struct smartify_conf {
	const char *project_id;
	const char *email, *password;
	const char *department; /* id or name; NULL: the project's default */
	const char *channel;
	const char *subscription_id; /* NULL: looked up */
	int64_t upload_max;
	struct option_list upload_types;
};

/* Kept by the endpoint. Those of smartify_errand.c; the token is never lasting. */
#define MEMO_TOKEN "token"               /* of the relay account, with its "JWT " */
#define MEMO_USER "user"                 /* the relay account's own id */
#define MEMO_SUBSCRIPTION "subscription" /* whose secret signs for persons */
#define MEMO_DEPARTMENT "department"     /* id of the one that is configured by name */
#define MEMO_TITLE "title"

/* NULL: not known (yet). */
const char *smartify_user(const struct via *via);
const char *smartify_subscription(const struct via *via);
const char *smartify_department(const struct via *via);

/* 24 hex digits: a database id. */
bool smartify_is_id(const char *text);
/* What follows the last "JWT " of a token, with "JWT " before it. */
const char *smartify_token(struct arena *a, const char *token);

const char *smartify_address(const struct via *via, struct arena *a, const char *identity);
const char *smartify_conversation(const struct via *via, struct arena *a,
    const struct message *message);

int64_t smartify_next(const struct via *via, struct job *job);
void smartify_errand_build(const struct via *via, struct arena *a, const struct job *job,
    struct http_req *out);
void smartify_errand_interpret(const struct via *via, struct arena *a, const struct job *job,
    const struct http_resp *resp, struct outcome *out);

int smartify_parse(const struct via *via, struct arena *a, const struct http_in *hook,
    struct event_list *out, struct parse_error *error);

/* Those of one message object. */
void smartify_read_widgets(struct arena *a, const struct json *message, struct widget_list *out);
/* What attributes.attachment says of them: an object as JSON. */
const char *smartify_widgets(struct arena *a, const struct widget *list, size_t n, size_t *len);

int smartify_parse_page(const struct via *via, struct arena *a, const char *conversation,
    const struct http_resp *resp, struct event_list *out, const char **cursor,
    struct parse_error *error);
/* A document that somebody has saved. */
int smartify_recognise(const struct via *via, struct arena *a, const char *name, const char *text,
    size_t len, struct saved_page *out, struct parse_error *error);

/* Behind the project: the conversations that changed. */
const char *smartify_conversations_path(struct arena *a, const struct job *job);
/* All conversations of a contact. */
const char *smartify_of_person_path(struct arena *a, const char *lead_id);
/* The answer to a PAGE; false: it is none. */
bool smartify_take_page(const struct via *via, struct arena *a, const struct job *job,
    const struct json *answer, struct outcome *out);

extern const struct kind_caps smartify_kinds[KIND_COUNT]; /* smartify_kinds.c */

int smartify_plan(const struct via *via, struct arena *a, struct message *message,
    const struct known *known, struct plan *out, struct effect *refused);
void smartify_build(const struct via *via, struct arena *a, const struct job *job,
    struct http_req *out);
/* The words of this message are posted with the person's own token. */
bool smartify_as_person(const struct message *message);
/* A step that writes a message, which bears our mark then. */
bool smartify_is_writing(enum step step);
void smartify_add_auth(struct http_req *req, const char *token);
/* The file of this part; NULL: it has none. */
const struct file *smartify_file(const struct message *message);
/* The server would take it. */
bool smartify_may_upload(const struct via *via, struct arena *a, const struct file *f);
#define SMARTIFY_NO_UPLOAD "-" /* in place of an upload: it is not taken */

/* What is told of a contact and of a conversation, and written of them. */
void smartify_read_lead_facts(struct arena *a, const struct json *lead, struct facts *out);
void smartify_read_request_facts(const struct via *via, struct arena *a, const struct json *request,
    struct facts *out);
/* The person who has it; all NULL: nobody, or it is not said. */
void smartify_read_assignee(const struct via *via, struct arena *a, const struct json *request,
    struct author *out);
bool smartify_is_of_facts(const struct job *job);
const char *smartify_facts_path(struct arena *a, const struct job *job, const char **method);
const char *smartify_facts_body(const struct via *via, struct arena *a, const struct job *job,
    size_t *len);
/* False: the answer is none. */
bool smartify_take_facts(const struct via *via, struct arena *a, const struct job *job,
    const struct json *request, struct outcome *out);
/* Who works there, as MEMO_TEAM and MEMO_TEAMS have it. */
const char *smartify_find_team(const struct via *via, struct arena *a, const struct json *answer);
const char *smartify_find_teams(const struct via *via, struct arena *a, const struct json *answer);
/* By id, e-mail or name; NULL: nobody of the project. */
const char *smartify_team_user(const struct via *via, struct arena *a, const char *who);

void smartify_interpret(const struct via *via, struct arena *a, const struct job *job,
    const struct http_resp *resp, struct outcome *out);
/* What the far side says is wrong: one line of at most 200 bytes without tokens; NULL: nothing. */
const char *smartify_words(struct arena *a, const struct http_resp *resp);

#endif
