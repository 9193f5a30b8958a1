/* What the configuration says that core, connectors and flow read: immutable once loaded. */
#ifndef CORE_CONF_H
#define CORE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/options.h"
#include "core/kinds.h"
#include "core/model.h"

#define BRIDGES_PER_ENDPOINT 15

/* What a platform can do; constant. */
struct caps {
	/* In a bridge. */
	bool customers_side, agents_side; /* what it can be */
	/* All that is posted there, history too, is sent to a real person at once. */
	bool messages_people;
	/* As agents' side every conversation of the endpoint is meant for us: what cannot be placed is
	 * parked, not passed over. */
	bool dedicated;
	/* Who reaches the same place there by two endpoints is told all of it twice. */
	bool one_source;

	/* What it tells. */
	bool unordered;  /* callbacks come in any order */
	bool searchable; /* our mark can be looked for */
	bool marks_echo; /* what we wrote comes back with our mark */
	bool key_proves; /* without a webhook_secret the address itself is the proof */
	/* Callbacks come by PUT too, of any type; a GET asks whether anybody is there. */
	bool loose_callbacks;
	bool pages; /* what is there can be read: conversations by change, their messages */
	bool lists_conversations; /* … and those of one person; else one person has one */
	/* It tells nothing by itself: it is asked, and a callback says only that now is a time to ask. */
	bool polls;
	/* As customers' side: an answer says that it was taken, and only later whether it has arrived. */
	bool tells_later;
	/* Whether history may be written there, and all of it read, has to be asked. */
	bool asks_history;

	/* What it bears. */
	bool rate_by_host; /* counts requests by our address, so for all endpoints there together */
	bool locks;        /* who asks while it has had enough is locked out for longer */
	int64_t max_idle_msecs; /* its keep-alive: a connection idle for longer is not used again */

	/* What can be written. */
	bool typing;          /* at either side it can be shown that somebody types */
	bool deletes_answers; /* as customers' side: what agents said can be taken back */
	bool routes;   /* a team that is given a conversation gives it to somebody, and tells him */
	bool forwards; /* who has a conversation can be changed by us, and not taken away */
	bool states;   /* a conversation can be closed there */
	bool reopens;  /* … and opened again by us */
	bool answers_reopen; /* as customers' side: what agents say opens a closed conversation */
	bool reports;        /* as agents' side: what became of an agent's message is shown on it */
	bool notes;          /* as agents' side: can be told something that no customer sees */
	bool keeps_notes;    /* as either side: so can whoever of the team works there */
	bool replies;        /* a message can say which one it replies to */
	bool quotes;         /* else its words may stand above: they cost nothing */
	bool widgets;        /* shows buttons and cards as what they are, ten in a row */
	unsigned shows;      /* formats it shows as what they are: 1 << FORMAT_MARKDOWN … */
	unsigned keeps;      /* … and those it is given where a bridge keeps markup */
	/* Of contacts and conversations, those facts that are written: 1 << FACT_NAME … */
	unsigned facts;
	const struct kind_caps *kinds; /* KIND_COUNT of them: what becomes of what there */
};

struct connector;

/* A person's word over an endpoint or a bridge; the store keeps it. */
enum control {
	CONTROL_RUN,
	CONTROL_PAUSED,  /* nothing is sent there */
	CONTROL_DRAINING /* what is queued is sent, nothing new is queued */
};

struct endpoint_conf {
	int id; /* the store's; set when the store is open */
	const char *name;
	const struct connector *connector;
	const struct caps *caps; /* the connector's */
	const void *conf;        /* the connector's own options */
	bool insecure;
	const char *base_url; /* without trailing slash */
	const char *host;     /* of base_url, lower case, no port */
	const char *tenant;   /* the part of the platform it is: project, account; NULL: learned */
	const char *place;    /* the part of the tenant it is: inbox; NULL: the whole, or learned */
	bool wants_facts; /* a bridge carries what is told of its conversations (core/facts.h) */
	bool wants_team;  /* a bridge maps agents or teams: who works there has to be known */
	struct secrets webhook_secret, hook_key; /* of the file; n 0: the store's */
	bool poll; /* receive: asked every poll_msecs, not told by callbacks */
	int64_t poll_msecs;
	int64_t sweep_msecs; /* poll: how often more is asked for than what is unread, */
	int64_t sweep_full;  /* … and every how many times everything */
	int64_t body_max;
	int64_t timeout_msecs;
	int64_t concurrency;
	struct rate rate;
	struct rate conversation_rate; /* messages into one conversation, … */
	struct rate history_rate;      /* … of those that are moved there; at most the same */
	int64_t reconcile_msecs;       /* MSECS_NEVER */
};

enum reopen { REOPEN_ALWAYS, REOPEN_NEVER, REOPEN_NEW_AFTER };
enum agent_started { AGENT_STARTED_CREATE, AGENT_STARTED_PARK, AGENT_STARTED_DROP };
enum take_over { TAKE_OVER_FIRST_ANSWER, TAKE_OVER_START, TAKE_OVER_NEVER };
enum choice { CHOICE_RELAY, CHOICE_DROP };
enum match_contacts { MATCH_VERIFIED, MATCH_ANY, MATCH_NONE };
enum adopt { ADOPT_PERSON, ADOPT_MARKS };
enum receipts { RECEIPTS_ALL, RECEIPTS_FAILURES, RECEIPTS_NONE };
enum timestamps { TIMESTAMPS_PREFIX, TIMESTAMPS_DAY_LINE, TIMESTAMPS_NONE };

/* MSECS_NEVER: kept for ever; 0: not kept. */
struct retention {
	int64_t bodies_msecs, links_msecs, raw_msecs, callbacks_msecs;
};

/* Left: what it is called at the customers' side, right: at the agents'; "*" stands for all others. */
struct map_conf {
	struct option_map agents, teams, labels, attributes, priority;
};

/* Which conversations of the customers' side; an empty list: whichever. */
struct only {
	const char *const *channels, *const *departments, *const *tags;
	size_t nchannels, ndepartments, ntags;
};

struct bridge_conf {
	int id;               /* the store's */
	int64_t since_ms;     /* when the store first heard of it; 0: not known */
	enum control control; /* the store's */
	const char *name;
	char tag[7]; /* in marks (ids_bridge_tag) */
	const struct endpoint_conf *customers, *agents;
	struct only only;
	enum reopen reopen;
	int64_t new_after_msecs;
	enum agent_started agent_started;
	bool agent_names;  /* show */
	const char *title; /* NULL: the desk's name */
	enum choice mirror_agents, bots, automatic;
	enum take_over take_over;
	enum match_contacts match_contacts;
	bool system_lines;  /* as notes */
	bool private_notes; /* mirrored */
	bool resend_uncertain, stop_on_rejected, failure_notice;
	enum receipts receipts;
	bool profile_to_agents, profile_to_customers;
	bool typing_to_agents, typing_to_customers;
	bool status_to_agents, status_to_customers;
	bool markup_keep;

	enum adopt adopt;

	/* Read and checked, so that a file for a later 1.x is good now; not acted on yet. */
	enum choice edits, deletes;
	bool quotes_inline;
	bool assignment_to_agents, assignment_to_customers;
	bool labels_to_agents, labels_to_customers;
	bool attributes_to_agents, attributes_to_customers;
	bool priority_to_agents, priority_to_customers;
	struct map_conf map;
	struct option_map texts;
	enum timestamps timestamps;
	struct retention retention;
};

struct limits {
	int64_t body, bodies, header, connections, read_timeout_msecs, mailbox, answer;
	int64_t disk_reserve, lane, try_for_msecs, drain_msecs, hops;
	struct rate fuse;
};

#endif
