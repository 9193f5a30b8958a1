/* The whole flow at work, from a callback to the request that it becomes, over a real store on a real
 * file, with time, wire, callers and the store's thread in the test's hand. One rig at a time. */
#ifndef TESTS_SCENARIO_RIG_H
#define TESTS_SCENARIO_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/http.h"
#include "store/store.h"

struct flow;
struct endpoint;

/* A callback that was posted to us. */
struct posted {
	TAILQ_ENTRY(posted) list;
	int64_t at_ms, answered_ms;
	int status; /* 0: not answered yet; -1: the program died */
	char *body; /* of the answer; NULL: not answered */
};

struct rig {
	char dir[48], path[64], url[80];
	char *config_text;
	/* What a kill takes away. */
	struct loop *loop;
	struct store *store;
	struct http_out *wire;
	struct flow *flow;
	struct ingest *ingest;
	struct pulse *pulse;
	TAILQ_HEAD(, posted) posted;
	bool holds_store;           /* nothing is written by itself */
	void (*on_turn)(void *arg); /* once per round of rig_run; e.g. an answering far side */
	void *arg;
};

/* The disk is looked at and tried all the time, as it is in life: ten beats a second, most of what passing
 * hours costs. Before rig_start; each rig_end puts it back. */
extern bool rig_with_pulse;
extern uint64_t rig_dice;      /* what random numbers begin with */
extern int64_t rig_lazy_msecs; /* how long a settlement waits for company; 0: not at all */

#define RIG_START_MS 1795206000000

/* Fails the test where the configuration is wrong. */
void rig_start(struct rig *r, const char *config_text);
void rig_end(struct rig *r);
void rig_boot(struct rig *r);
/* kill: all memory is gone, the disk keeps what was written. stop: what was submitted is written, and
 * told; nothing is left in memory. */
void rig_kill(struct rig *r);
void rig_stop(struct rig *r);

/* The running flow gets another configuration; false: it is refused, and the old one stays. */
bool rig_reload(struct rig *r, const char *config_text);

/* headers may be NULL-named at the end. The answer is looked up later; it lives as long as the rig. */
struct posted *rig_post(struct rig *r, const char *path, const char *body,
    const struct http_header *headers, size_t nheaders);
/* Turns of the loop until nothing moves by itself: laters, due timers, the store unless held. */
void rig_run(struct rig *r);
/* Time passes, timer by timer. */
void rig_pass(struct rig *r, int64_t msecs);
/* To the next timer at the latest until_ms; false: there is none before. */
bool rig_pass_to_next(struct rig *r, int64_t until_ms);

/* A copy of the store as it is on disk; put back in its place while the relay is stopped. */
void rig_copy_store(struct rig *r);
void rig_lose_store(struct rig *r);
void rig_put_back(struct rig *r);

struct endpoint *rig_endpoint(struct rig *r, const char *name);
/* Counts what is on disk now; lives in the arena given. */
struct op_status rig_status(struct rig *r, struct arena *a);
bool rig_disk_fails(bool full); /* what it was before */

#endif
