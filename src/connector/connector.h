/* The contract between Tieline and a platform. A connector is arithmetic: request in, events out;
 * message in, request out; answer in, outcome out. It opens no socket, reads no clock, keeps no
 * global and no state of its own; all it returns is allocated in the arena it was given, or static.
 *
 * One delivery is carried across in steps. plan lists what it still needs; for each step build makes
 * the request and interpret says what the answer means. The same pair serves what the endpoint itself
 * wants (next: sign in, look itself up) and pages of what is there: of conversations that changed, of
 * the messages of one. */
#ifndef CONNECTOR_CONNECTOR_H
#define CONNECTOR_CONNECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/http.h"
#include "base/options.h"
#include "core/conf.h"
#include "core/facts.h"
#include "core/ids.h"
#include "core/model.h"

struct arena;

/* What an endpoint has learned about itself and keeps: a token, its own user id, the inbox's name.
 * Lasting ones survive a restart in the store (so never a secret), the others live in memory. */
struct memo {
	const char *key, *value; /* value NULL: forget it */
	bool lasting;
};

#define MEMO_MAX 16

/* Of a platform that calls back only while a session lives: that session. An event of the kind SESSION
 * says that the platform ended it; it is forgotten then, and the connector is asked what is next. */
#define MEMO_SESSION "session"
/* The token to use in place of the configured one, which had run out; lasting. */
#define MEMO_TOKEN_RENEWED "token_renewed"

/* Of an endpoint that wants_team: who works there, a JSON array of {"id", "email", "name"}, and its teams or
 * departments, of {"id", "name"}. Asked for once a day, never lasting. */
#define MEMO_TEAM "team"
#define MEMO_TEAMS "teams"
#define TEAM_LIFE_MSECS (24 * 60 * 60 * 1000)

/* All a connector may know besides its arguments. */
struct via {
	const struct endpoint_conf *endpoint;
	const void *conf; /* endpoint->conf, the connector's own options */
	const struct keys *keys;
	const struct memo *memo;
	size_t nmemo;
	int64_t now_ms;
	int64_t heard_ms; /* when the last callback came; before the first: since when we listen */
	bool explain;     /* no store: what is learned stands as "{contact}" and so on */
};

const char *memo_get(const struct via *via, const char *key); /* NULL: not known */

/* PAGE: LIST_CONVERSATIONS, LIST_MESSAGES, FIND_CONVERSATION, to learn what is there; or MARK_READ, of known->conversation
 * behind its messages, where a page of conversations said that it is wanted (EVENT_WANTS_READ).
 *
 *   conversations  those that changed at since_ms or later, or the one that known->conversation names;
 *                  each becomes an event of the kind CONVERSATION, whose version is when it changed last
 *                  (and, of a platform that is asked for everything, what became of messages of ours:
 *                  events of the kind RECEIPT)
 *   messages       of known->conversation, written at since_ms or later (older ones may be among them);
 *                  the newest page comes first, each in the order in which they were written
 *
 *   FIND_CONVERSATION  where caps.lists_conversations: all of one person, the newest first, each an event of the
 *                  kind CONVERSATION. message says who it is, and message->to as what he is there: known->address
 *                  is his at the customers' side; at the agents' side known->contact or what message->person says
 *                  finds him. outcome.found: these are all
 *
 * is_whole: all there are, none left out; in which order the pages come is the platform's affair, and so is whether
 * it has another way for that, so that no answer is longer than a page.
 *
 *   LOOK_UP        where caps.asks_history: may history be written here (is_whole: may all there is be read)?
 *                  NEXT_STEP: yes, and effect.why says what it would set off (NULL: nothing); REJECTED: no, and
 *                  effect.why says why not
 *
 * NEXT_STEP: outcome.events is what the page holds, outcome.cursor where the next one begins. */
enum job_kind {
	JOB_DELIVER,
	JOB_LOOK,
	JOB_ENDPOINT,
	JOB_PAGE,
	JOB_FACTS /* what stands there now: of the person (FIND_CONTACT), of the conversation that
		   * known->conversation names (FIND_CONVERSATION). NEXT_STEP: outcome.facts; not
		   * found: there is none. What it learns goes to the writing behind it */
};

/* One request to be made. */
struct job {
	enum job_kind kind; /* LOOK: the step before is in doubt, did it land? */
	enum step step;
	enum step in_doubt; /* LOOK: which one */
	int attempt;        /* of the delivery, from 1 */
	enum reason before; /* why the attempt before this one failed; NONE: it did not */
	bool is_late;       /* LOOK: what others of ours are newer than it tells nothing */
	enum state state;   /* REPORT: what the message named by known->message is to show */
	const struct message *message; /* NULL for ENDPOINT, and for PAGE but FIND_CONVERSATION */
	const struct known *known;
	const char *cursor; /* what the answer before gave; NULL at the first request of a step */
	int64_t since_ms;   /* PAGE */
	bool is_quick;      /* PAGE of conversations, often: those with something unread will do */
	bool is_whole;      /* PAGE: for its own sake, with since_ms 0 */
	enum fact fact;     /* DELIVER of message->facts: which one; of a person, all of them
				 * (UPDATE_CONTACT) */
	const struct event *about; /* PAGE of messages: the conversation, as a page of conversations
					 * told it (its extra); NULL: nothing is known of it */
};

/* One step of a plan. */
struct step_plan {
	enum step step;
	enum when when; /* FOUND and NOT_FOUND speak of the last look-up before it in the list */
	int part;       /* which part of the message it sends */
	/* What to do when it is in doubt: wait so long, counted from sending, then make this look-up;
	 * STEP_NONE: doing the step again is harmless. */
	int64_t doubt_wait_msecs;
	enum step doubt_look;
	int64_t doubt_again_msecs; /* not found: look once more after so long; 0: do not */
	const char *gives;         /* blank-separated: contact conversation message; for explain */
};

#define PLAN_MAX 48

struct plan {
	struct step_plan steps[PLAN_MAX];
	size_t count;
	bool
	    serves; /* some file goes as the address where we serve it: it has to be there for a while */
};

struct outcome {
	struct effect effect;
	bool found;           /* of a look-up: it is there; of a PAGE: this is all */
	struct known learned; /* what is set here is kept; the rest stays as it was */
	bool forget_sign_in;  /* the person is not signed in after all */
	bool gone;            /* the conversation does not exist any more: the link ends */
	bool serves;          /* as in plan: from now on */
	enum step go;         /* NEXT_STEP: to this step instead of the next of the plan, or to an
					 * earlier one, three times (effect says why); one that is
					 * not in the plan is a detour, and says itself where to go on */
	int doubts_max; /* UNSURE: so many times in a row in doubt for this reason and each time
					 * not found, it is rejected instead of done again; 0: never */
	enum reason give_up; /* … with this reason */
	const char *cursor;  /* NEXT_STEP: the same step once more, with this as job->cursor: a
					 * look-up's next page, a create without what was refused. Goes
					 * before `go` */
	struct memo memo[4];
	size_t nmemo;
	struct facts facts;       /* of FACTS */
	struct event_list events; /* of a page */
	size_t unreadable;        /* … and how many on it are none */
};

enum verify {
	VERIFY_OK,
	VERIFY_UNCHECKED, /* there is nothing to check it with */
	VERIFY_NO_SIGNATURE,
	VERIFY_BAD_SIGNATURE,
	VERIFY_OLD_TIMESTAMP,
	VERIFY_BAD_SECRET
};

struct parse_error {
	enum unparsable reason;
	size_t offset;      /* of the byte, where one can be named */
	const char *detail; /* words for the operator, in the arena or static */
};

/* Of a callback that bears the secret itself, NULL where it bears none. Every accepted one is compared, so that
 * the time tells nothing about which one it was. */
enum verify verify_shared(const struct secrets *accepted, const char *given);

/* What a document is that somebody has saved of the platform's answers. */
struct saved_page {
	bool tells_conversations, tells_messages; /* neither: a page that was empty */
	const char
	    *conversation;  /* the only one that it tells, where the platform was asked for it;
				   * NULL: a list */
	bool is_nameless;   /* its messages do not say of which conversation they are */
	const char *cursor; /* with which the platform would have been asked for it */
};

/* Pieces of sentences for the operator, where only the platform's own words help. NULL: none. */
struct operator_words {
	const char *name;             /* of the platform, as it calls itself */
	const char *credential;       /* the option it signs in with: "api_token" */
	const char *renew;            /* how to get a new one: "copy … from …" */
	const char *refused_callback; /* a sentence: what a callback that we refuse means there */
};

struct connector {
	const char *name;
	struct operator_words words;
	const struct option *options; /* the connector's own; the common ones stand elsewhere */
	size_t conf_size;
	const struct caps *caps;
	int64_t default_body;         /* bytes: largest callback */
	const char *default_base_url; /* NULL: must be given */
	struct rate default_rate;
	int64_t default_poll_msecs; /* of those that caps.polls */

	/* After the options are read: checks what a table cannot, fills endpoint->tenant and place.
	 * -1 with err, key = the option it is about. */
	int (*configure)(struct arena *a, struct endpoint_conf *endpoint, void *conf,
	    const char **key, struct err *err);
	/* How long its messages are held to be put in order; 0: not at all. */
	int64_t (*settle)(const struct via *via);

	enum verify (*verify)(const struct via *via, const struct http_in *hook);
	/* Of an EDIT at_ms is when the message was written, its text what it says now, its key
	 * e:<id>:<version>. Of a DELETE the key is d:<id>.
	 * 0: events appended to out (none is allowed). -1: error filled; the body is kept raw. */
	int (*parse)(const struct via *via, struct arena *a, const struct http_in *hook,
	    struct event_list *out, struct parse_error *error);

	/* Optional. A page of a conversation's messages, as it was answered to us: events appended, oldest
	 * first; *cursor is where the next page begins, NULL after the last. conversation is which one it
	 * is, where the page does not say; may be NULL. -1: error filled. */
	int (*parse_page)(const struct via *via, struct arena *a, const char *conversation,
	    const struct http_resp *resp, struct event_list *out, const char **cursor,
	    struct parse_error *error);

	/* Optional. What is a document that somebody has saved under that name (of its file)? It is then read as an
	 * answer to JOB_PAGE. -1: none of the platform's pages, or something on it cannot be read; error's detail
	 * names the member, what was found and what is allowed. */
	int (*recognise)(const struct via *via, struct arena *a, const char *name, const char *text,
	    size_t len, struct saved_page *out, struct parse_error *error);

	/* What the delivery still needs, in order, given what is known. -1: it cannot be carried
	 * (effect says why: REJECTED, reason, words). Fills message->texts, spans and parts as the
	 * platform's limits ask. */
	int (*plan)(const struct via *via, struct arena *a, struct message *message,
	    const struct known *known, struct plan *out, struct effect *refused);
	void (*build)(const struct via *via, struct arena *a, const struct job *job,
	    struct http_req *out);
	void (*interpret)(const struct via *via, struct arena *a, const struct job *job,
	    const struct http_resp *resp, struct outcome *out);

	/* Optional. The request for a customer's file: where its address is the platform's own, and is read only
	 * by who is known there, adds what that takes. Never for another address. */
	void (*sign_fetch)(const struct via *via, struct arena *a, struct http_req *req);

	/* What the endpoint itself wants done, and when (ms, absolute): fills job. INT64_MAX: nothing.
	 * While something is due no message leaves. */
	int64_t (*next)(const struct via *via, struct job *job);
	/* Optional. When the session it has now ends; 0: it has none; INT64_MAX: it needs none. */
	int64_t (*session_ends_ms)(const struct via *via);
	/* Optional. What it wants done once before a stop; whatever comes of it, *forget is forgotten by
	 * then. False: nothing. */
	bool (*leave)(const struct via *via, struct job *job, struct memo *forget);
	/* The address our person has there, chosen by us before the first call; NULL: it is told. */
	const char *(*address)(const struct via *via, struct arena *a, const char *identity);
	/* The conversation id we choose ourselves; NULL: the platform gives one. */
	const char *(
	    *conversation)(const struct via *via, struct arena *a, const struct message *message);
	/* The name of the desk, for a bridge without a title. NULL: none known. */
	const char *(*title)(const struct via *via);
};

/* NULL where there is none of that name. */
const struct connector *connector_find(const char *name);
/* All of them, ending with NULL. */
const struct connector *const *connector_all(void);

#endif
