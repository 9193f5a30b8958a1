/* What the files of this connector share. Nobody else includes it. */
#ifndef CONNECTOR_CHATWOOT_CHATWOOT_H
#define CONNECTOR_CHATWOOT_CHATWOOT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json_in.h"
#include "connector/connector.h"
#include "core/kinds.h"
#include "core/widgets.h"

#define CHATWOOT "chatwoot"

/* The server's own limits. */
#define CHATWOOT_TEXT_POINTS 150000 /* of a message's content */
#define CHATWOOT_STRING_POINTS 255  /* of a name, an e-mail, an identifier */
#define CHATWOOT_FILES 15           /* with one message */

/* The options of an endpoint. */
struct chatwoot_conf {
	const char *api_token;
	int64_t account_id, inbox_id; /* 0: not said */
	int64_t settle_msecs;
	struct rate conversation_rate;
	bool contact_events;

	const char *account, *inbox; /* the two ids as text; NULL: not said */
};

/* What the endpoint learns about itself. */
#define MEMO_TENANT "tenant" /* the account */
#define MEMO_USER "user"     /* whom the token belongs to */
#define MEMO_ROLE "role"     /* its, in the account */
#define MEMO_INBOX "inbox"
#define MEMO_TITLE "title"           /* the inbox's name */
#define MEMO_IDENTIFIER "identifier" /* of an API inbox, in addresses for its contacts; "": none */
#define MEMO_LOCK "lock"           /* "true": the inbox keeps one conversation per contact inbox */
#define MEMO_ASK_AGAIN "ask_again" /* ms: not before; what is configured suffices until then */

/* Configured or learned; NULL: neither. */
const char *chatwoot_account(const struct via *via);
const char *chatwoot_inbox(const struct via *via);
/* The contact inbox source_id that we give to a person. */
const char *chatwoot_address(const struct via *via, struct arena *a, const char *identity);

/* Decimal digits of at most 64 bits. NULL is none. */
bool chatwoot_is_id(const char *text);
/* What stands where our mark would be; NULL: nothing that could be one. m: a message in whichever
 * shape. */
const char *chatwoot_mark(const struct json *m, const char **place);

int chatwoot_parse(const struct via *via, struct arena *a, const struct http_in *hook,
    struct event_list *out, struct parse_error *error);

/* What a message lets people choose from, fill in or read. */
void chatwoot_read_widgets(struct arena *a, const struct json *message, struct widget_list *out);

int chatwoot_parse_page(const struct via *via, struct arena *a, const char *conversation,
    const struct http_resp *resp, struct event_list *out, const char **cursor,
    struct parse_error *error);
/* The list of a page of conversations, whichever request has asked for it; NULL: there is none. */
const struct json *chatwoot_conversations(const struct json *answer);
/* A document that somebody has saved. */
int chatwoot_recognise(const struct via *via, struct arena *a, const char *name, const char *text,
    size_t len, struct saved_page *out, struct parse_error *error);

/* The answer to a PAGE; false: it is none. */
bool chatwoot_take_page(const struct via *via, struct arena *a, const struct job *job,
    const struct json *answer, struct outcome *out);

extern const struct kind_caps chatwoot_kinds[KIND_COUNT]; /* chatwoot_kinds.c */

int chatwoot_plan(const struct via *via, struct arena *a, struct message *message,
    const struct known *known, struct plan *out, struct effect *refused);
void chatwoot_build(const struct via *via, struct arena *a, const struct job *job,
    struct http_req *out);
/* Doing it twice does what doing it once does. */
bool chatwoot_is_repeatable(const struct job *job);
/* The conversation is made without its first message, which is then sent into it. */
bool chatwoot_opens_empty(const struct message *m);

/* chatwoot_facts.c: what is told of a contact and of a conversation, and written of them. */
void chatwoot_read_contact_facts(struct arena *a, const struct json *contact, struct facts *out);
void chatwoot_read_conversation_facts(struct arena *a, const struct json *c, struct facts *out);
/* The person who has it; all NULL: nobody, or it is not said. */
void chatwoot_read_assignee(const struct json *c, struct author *out);
bool chatwoot_is_of_facts(const struct job *job);
void chatwoot_build_facts(const struct via *via, struct arena *a, const struct job *job,
    struct http_req *out);
/* False: the answer is none. */
bool chatwoot_take_facts(struct arena *a, const struct job *job, const struct json *body,
    struct outcome *out);
/* The cursor of a next try, without the fields that this one was refused for; NULL: it was for none. */
const char *chatwoot_without_refused(struct arena *a, const struct job *job,
    const struct json *body);
/* Which of a list of contacts is the person of the message; NULL: none. */
const char *chatwoot_choose_contact(struct arena *a, const struct message *m,
    const struct json *list);
/* As the table's next: who works there, once a day, where that is wanted. */
int64_t chatwoot_next_list(const struct via *via, struct job *job);
void chatwoot_take_list(const struct via *via, struct arena *a, const struct job *job,
    const struct json *body, struct outcome *out);

void chatwoot_interpret(const struct via *via, struct arena *a, const struct job *job,
    const struct http_resp *resp, struct outcome *out);

extern const struct connector chatwoot_connector;

#endif
