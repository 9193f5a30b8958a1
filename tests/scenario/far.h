/* The far sides: the two platforms as far as the flow can see them. They do at once what is asked of
 * them; whether the answer arrives is the test's affair. What happens there waits as a callback until
 * the test posts it. */
#ifndef TESTS_SCENARIO_FAR_H
#define TESTS_SCENARIO_FAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "rig.h"

struct sent;
struct json;
struct arena;

struct far_message {
	TAILQ_ENTRY(far_message) list;
	char id[32];
	char *text, *source_id, *mark; /* mark: wherever it stood */
	bool by_customer;              /* as the platform shows it */
	bool by_relay;
	bool is_private, is_erased;
	char reply_to[32];       /* id there; "": to none */
	char *choices;           /* "A|B": what may be answered; NULL */
	bool is_line;            /* nobody said it: the platform itself */
	char *name;              /* of who wrote it, as shown */
	char status[12], *error; /* what the platform shows of it; "": nothing was said */
	int reports;             /* how often somebody set that by a request */
	int64_t at_ms;
	unsigned long order; /* over all far sides */
};

struct far_conversation {
	TAILQ_ENTRY(far_conversation) list;
	struct far *far;
	char id[96], ref[32];
	char *person; /* lead, or source id of the contact inbox */
	char *name;
	char *mark;                    /* kind c */
	char *email;                   /* of the person, where no contact says it */
	char *labels, *attributes;     /* JSON */
	char *priority, *agent, *team; /* NULL: none was ever set; "": none now */
	bool is_closed, is_deleted, has_relay;
	char waits[12];  /* "snoozed", "pending"; "": it does not */
	int calls;       /* so often somebody was told that he has it now, by our doing */
	int64_t version; /* ms, of its state */
	int64_t began_ms, changed_ms;
	TAILQ_HEAD(far_messages, far_message) messages;
};

struct far_contact {
	TAILQ_ENTRY(far_contact) list;
	char id[32];
	char *identifier, *source_id, *name, *email, *phone;
	char *unverified; /* an e-mail that another one has */
	int64_t changed_ms;
	struct far_contact *merged_into; /* it is not there any more */
};

struct far;

/* Something of a far side that is not posted to us yet. */
struct callback {
	TAILQ_ENTRY(callback) list;
	struct far *far;
	struct far_conversation *conversation;
	struct far_message *message; /* NULL: of the conversation's state */
	bool is_update;              /* the message was known */
	bool types, by_customer;     /* no state: somebody begins to type, or (is_off) ends */
	bool is_off;
	struct far_contact *contact; /* of that alone, and of no conversation */
	bool is_closed;              /* of the state */
	char waits[12];              /* as in the conversation */
	int64_t version, at_ms;
	struct posted *posted; /* the last time it was */
	int posting;           /* the poster's number of that */
};
TAILQ_HEAD(callback_list, callback);

struct far_platform;

struct far {
	char name[32];   /* of the endpoint */
	char tenant[32]; /* project or account */
	const struct far_platform *platform;
	uint64_t last_id;
	int tokens; /* so often somebody signed in; only the last one is good */
	TAILQ_HEAD(far_conversations, far_conversation) conversations;
	TAILQ_HEAD(, far_contact) contacts; /* or people who have signed in */
	struct callback_list callbacks;     /* in the order things happened */
	int requests;                       /* that were carried out */
};

struct far_answer {
	int status;
	char *body; /* the caller's */
};

struct far_platform {
	const char *name;
	/* *action is what the request asked for, in a word or two, for messages to people. */
	struct far_answer (*serve)(struct far *f, const struct sent *s);
	/* The body of a callback, and its headers. */
	const char *(*body)(struct arena *a, const struct callback *c);
	size_t (*headers)(struct arena *a, const char *body, struct http_header headers[4]);
	void (*name_conversation)(struct far *f, struct far_conversation *c);
	void (*name_message)(struct far *f, struct far_message *m);
};

extern const struct far_platform far_chatwoot, far_smartify;

void far_start(struct far *f, const char *endpoint, const char *tenant,
    const struct far_platform *platform);
void far_end(struct far *f);

/* Conversations by when they changed last, upwards: the first that did at since_ms or later and is above
 * the one given (NULL: all). NULL: none. */
struct far_conversation *far_changed(struct far *f, int64_t since_ms,
    const struct far_conversation *above);

/* A customer's conversation at the customers' side. */
struct far_conversation *far_begin(struct far *f, const char *person);
/* By who: the person himself, or (as an agent) anybody. A callback waits then. */
struct far_message *far_say(struct far *f, struct far_conversation *c, bool by_customer,
    const char *name, const char *text);
void far_close(struct far *f, struct far_conversation *c, bool closed);
/* Somebody puts it aside: "snoozed" or "pending". */
void far_wait(struct far *f, struct far_conversation *c, const char *how);

/* The platform itself shows it as failed (error NULL: its status becomes that), and says so. */
void far_show(struct far *f, struct far_message *m, const char *status, const char *error);
/* Somebody types there, or stops. */
void far_type(struct far *f, struct far_conversation *c, bool by_customer, bool off);
/* People there change what the contact of that person is called, or his e-mail (field "name", "email"); what
 * a conversation has (field "labels", "attributes", "priority", "agent", "team"). Says so. */
void far_change_contact(struct far *f, const char *person, const char *field, const char *value);
void far_change(struct far *f, struct far_conversation *c, const char *field, const char *value);
const char *far_fact(struct far *f, struct far_conversation *c, const char *field); /* "": none */
/* The contact of the one person becomes part of that of the other, without a word. */
void far_merge(struct far *f, const char *person, const char *into);
struct far_contact *far_contact_of(struct far *f, const char *source);
char **far_field(struct far_conversation *c, const char *field);
/* Somebody deletes it: a sentence stands in its place. Says so. */
void far_erase(struct far *f, struct far_message *m);
/* An agent wants it tried again. */
void far_press_retry(struct far *f, struct far_message *m);
/* The last that says that; NULL. */
struct far_message *far_last(struct far *f, const char *text);

void far_forget_contacts(struct far *f); /* and who has signed in */

/* Does what the request says. */
struct far_answer far_serve(struct far *f, struct sent *s);
/* As one that reads there would be told of it now: the body of a callback. */
const char *far_tell(struct far *f, struct far_message *m, struct arena *a);
/* Posts it to the relay; it stays in the list. */
struct posted *far_post(struct rig *r, struct callback *c);
void far_forget(struct callback *c);

/* n from 0, not deleted ones; NULL. */
struct far_conversation *far_nth(struct far *f, int n);
/* Of the last message that the relay wrote. */
struct callback *far_last_echo(struct far *f);
/* Whether that is what it says, the name of who said it left aside. */
bool far_is_text(const struct far_message *m, const char *text);
/* How often a text stands anywhere there, whoever wrote it. */
int far_count(const struct far *f, const char *text);

/* ---- for the platforms ---- */

struct far_conversation *far_conversation_new(struct far *f, const char *person);
struct far_message *far_message_new(struct far *f, struct far_conversation *c, const char *text);
struct far_contact *far_contact_new(struct far *f);
struct far_conversation *far_find(struct far *f, const char *id);
struct callback *far_announce(struct far *f, struct far_conversation *c, struct far_message *m);
char *far_copy(const char *s); /* NULL stays NULL */
struct far_answer far_says(int status, const char *body);

#endif
