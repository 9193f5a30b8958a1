/* What an endpoint needs at its platform, looked at and, by setup, made: requests one after the other, each
 * chosen by what the answers before have told. As arithmetic as the rest of a connector: all that is known,
 * learned and found stands in struct setup. */
#ifndef CONNECTOR_SETUP_H
#define CONNECTOR_SETUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connector/connector.h"

/* What setup has made or read there is kept in the store: */
#define KEPT_PREFIX "setup."
#define KEPT_SECRET "setup.secret"         /* proves callbacks genuine, */
#define KEPT_OLD_SECRET "setup.secret_old" /* … the one before it is still taken */
#define KEPT_INBOX "setup.inbox"
#define KEPT_SUBSCRIPTION "setup.subscription"

#define SETUP_TESTED "test_note" /* the step that should make the platform call us */

enum check_result { CHECK_OK, CHECK_WARN, CHECK_FAIL };

struct check_line {
	const char *check; /* what was looked at, one word */
	enum check_result result;
	const char *found;
	const char *next; /* what to do; NULL: nothing */
};

#define SETUP_FACTS 64
#define SETUP_LINES 32
#define SETUP_KEEPS 8

struct setup_fact {
	const char *key, *value;
};

struct setup {
	struct arena *arena;
	struct via via;            /* memo: what is kept */
	const char *hook_url;      /* what the platform is to call; NULL: it cannot */
	bool customers, agents;    /* its sides in the bridges */
	bool may_change;           /* setup; else it is only looked at */
	bool is_dry;               /* … and that is only tried: nothing will be kept */
	bool rotates;              /* a new secret, whether or not there is one */
	bool tests;                /* at the end a note is written there that no customer sees, */
	const char *test_text;     /* … this, by the step SETUP_TESTED */
	bool is_secret_in_file;    /* … which wins over what is kept */
	bool wants_one_per_person; /* a bridge starts new conversations: reopen is not `always` */
	const char *drawn;         /* a secret, where one has to be made up */
	struct setup_fact facts[SETUP_FACTS]; /* learned */
	size_t nfacts;
	struct check_line lines[SETUP_LINES]; /* found; taken by who runs it */
	size_t nlines;
	struct memo keeps[SETUP_KEEPS]; /* to be kept */
	size_t nkeeps;
};

struct setup_step {
	const char *name;
	const char *what; /* it changes something there: this, in words; NULL: it only looks */
	struct http_req req;
};

struct connector_setup {
	const char *name; /* of the platform */
	/* The next step, given what is known: false when there is none. Of a change that nobody wants
	 * "no" is the fact of its name. */
	bool (*next)(struct setup *s, struct setup_step *out);
	void (*judge)(struct setup *s, const struct setup_step *step, const struct http_resp *resp);
};

const struct connector_setup *connector_setup_find(const char *name); /* NULL: none */

/* --- for the connectors ------------------------------------------------------------------------ */

const char *setup_fact(const struct setup *s, const char *key); /* NULL: not known */
void setup_learn(struct setup *s, const char *key, const char *value);
void setup_keep(struct setup *s, const char *key, const char *value);
void setup_line(struct setup *s, const char *check, enum check_result result, const char *found,
    const char *next);
/* That step was made, or refused by a person. */
bool setup_did(const struct setup *s, const char *step);
bool setup_knows_secret(const struct setup *s,
    const char *secret); /* callbacks signed with it are taken */
/* That secret is the present one: kept, and the one before it too. */
void setup_take_secret(struct setup *s, const char *secret);
/* No usable answer, which is told. True: that is so. */
bool setup_failed(struct setup *s, const char *check, const struct http_resp *resp);

#endif
