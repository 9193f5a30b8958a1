/* The state of all of it: gathered as plain data, written as the one document that the socket serves,
 * `status --json` prints and the tables for people are made of.
 *
 * The document, members in this order; times are RFC 3339, what ends in _ms is a duration, null where
 * nothing is known (of what runs only, when no relay does):
 *
 *   ok         all is well: no problem is listed
 *   relay      running version pid since uptime_ms draining config callbacks_per_sec, and page: where the status page
 *              is, null: it has no password yet, absent: nobody can reach one
 *   store      state (ok slow disk_low error) path schema bytes disk_free disk_reserve mailbox
 *   endpoints  name platform state note since sent_24h errors_24h waiting parked width width_most open
 *              last_callback; errors are counted from the start of the relay, 24 h at most
 *   bridges    name customers agents state parked repaired_24h, and for to_agents and to_customers
 *              delivered_24h median_ms waiting oldest_ms
 *   parked     total, reasons {word: count}; callbacks kept because nobody could read them are
 *              `unparsable`
 *   problems   kind endpoint bridge since alarm text next: what, where and why stand in text; kind is a word
 *              of the alarms
 *
 * States are the words of the manual. An endpoint that was not heard of since the relay started is `down`,
 * and its note says that it is starting. */
#ifndef ADMIN_STATUS_H
#define ADMIN_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/words.h"

struct arena;
struct buf;
struct config;
struct json;
struct json_out;
struct op_status;
struct store_health;
struct web;

struct status_endpoint {
	const char *name, *platform;
	const char *host;                   /* for the texts */
	const char *state;                  /* NULL: no relay runs */
	const char *note;                   /* NULL: none */
	int64_t since_ms, last_callback_ms; /* 0: not known, never */
	int64_t sent_24h, errors_24h, waiting, parked;
	int width, width_most;
	bool is_open;
};

struct status_way {
	int64_t delivered_24h, waiting;
	int64_t median_ms; /* -1: not known */
	int64_t oldest_ms; /* how long it waits; 0: nothing does */
};

struct status_bridge_row {
	const char *name, *customers, *agents;
	const char *state;         /* NULL: no relay runs */
	struct status_way ways[2]; /* by the side it goes to */
	int64_t parked, repaired_24h;
};

struct status_problem {
	enum alarm_kind kind;
	const char *endpoint, *bridge; /* NULL where it is about none */
	int64_t since_ms;              /* 0: not known */
	const char *text, *next;
	int64_t alarm; /* its id, where it is raised; 0: not (yet) */
};

struct status {
	int64_t now_ms;
	struct {
		bool is_running, is_draining;
		int64_t pid, since_ms;
		const char *config;
		double callbacks_per_sec;
		bool has_page;
		const char *page; /* NULL: it is off */
	} relay;
	struct {
		const char *state, *path;
		int64_t bytes, disk_free, disk_reserve;
		int schema, mailbox;
	} store;
	struct status_endpoint *endpoints;
	size_t nendpoints;
	struct status_bridge_row *bridges;
	size_t nbridges;
	int64_t parked[REASON_COUNT];
	struct status_problem *problems;
	size_t nproblems;
};

/* Of the relay that w belongs to. All in a. */
void status_gather(struct arena *a, const struct web *w, struct status *out);
/* Of one that does not run: what its store holds. */
void status_gather_stopped(struct arena *a, const struct config *c, const struct op_status *counts,
    const struct store_health *health, struct status *out);
const char *status_json(struct arena *a, const struct status *s, size_t *len);
/* One of the members of its lists. */
void status_put_endpoint(struct json_out *o, const struct status *s,
    const struct status_endpoint *e);
void status_put_bridge(struct json_out *o, const struct status_bridge_row *b);

/* For people, from the document: the first line, without a line feed; the tables, so many columns wide. */
const char *status_line(struct arena *a, const struct json *document);
void status_print(struct arena *a, struct buf *out, const struct json *document, size_t columns);
/* The first line about the relay that w belongs to. */
const char *status_first_line(struct arena *a, const struct web *w);
/* A line of the log for the relay, each endpoint and each bridge. */
void status_log(const struct web *w);

#endif
