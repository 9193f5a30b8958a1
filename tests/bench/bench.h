/* The benchmark's parts. What is measured, and against what, stands in docs/performance.md.
 *
 *   main.c      the rounds, the figures, the table
 *   traffic.c   generator and sink in one epoll loop: one clock, every message matched by its id
 *   body.c      callbacks with the ids left open
 *   relay.c     the relay as a child process: its configuration, its life, what /proc says of it
 *   bare.c      the bare references, each a child process pinned like the relay */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PROJECT "6b00aceedc758d57be7c0028"
#define SHOP_KEY "bench-shop-hook-key"
#define SHOP_SECRET "bench-shop-secret"
#define DESK_KEY "bench-desk-hook-key"
#define DESK_SECRET "bench-desk-secret-of-24-chars"

#define RELAY_CORE 0
#define BENCH_CORE 1

void fatal(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
int64_t now_us(void);
/* The calling process, and threads it makes later, on that core; -1: on both. */
void pin(int core);

/* ---- body.c ---- */

enum hole { HOLE_MESSAGE, HOLE_NUMBER, HOLE_LANE, HOLE_CONVERSATION, HOLE_TAG, HOLE_COUNT };

struct body {
	char *text;
	size_t len;
	struct {
		enum hole hole;
		size_t at;
	} holes[32];
	size_t nholes;
};

/* What is written into the text of a message and found again at the sink. */
#define TAG_FORMAT "tag%010ux%07ux%010uz"
#define TAG_LEN 33

struct body *body_read(const char *name); /* of tests/bench */
void body_free(struct body *b);
/* Writes b, of message n, the seq-th of lane, to `to`. */
void body_fill(const struct body *b, char *to, uint32_t n, uint32_t lane, uint32_t seq);
/* False: there is no tag. */
bool tag_find(const char *text, size_t len, uint32_t *n, uint32_t *lane, uint32_t *seq);

/* ---- traffic.c ---- */

enum target { TO_SHOP, TO_DESK };

struct plan {
	unsigned port; /* of who takes the callbacks */
	const struct body *body;
	enum target target;
	unsigned lanes, first_lane, connections;
	double rate;       /* 0: a closed loop */
	unsigned cap;      /* closed: at most so many undelivered; 0: no such limit */
	double secs;       /* either so long */
	uint32_t count;    /* or so many */
	bool is_delivered; /* whether all must arrive at the sink */
};

struct spread {
	double p50, p99, p999; /* ms */
};

struct result {
	double secs;
	uint32_t sent, acked, delivered;     /* within secs */
	struct spread ack, arrival, between; /* from when it was due; arrival after ack */
};

struct faults {
	uint64_t refused, missing, doubled, wrong, disordered, unexpected;
};

struct traffic;

struct traffic *traffic_new(void);
void traffic_free(struct traffic *t);
unsigned traffic_sink_port(const struct traffic *t);
/* A shut sink refuses the token, so that nothing is sent to it but now and then a question. */
void traffic_shut_sink(struct traffic *t, bool shut);
/* A new store: lanes begin anew. */
void traffic_forget(struct traffic *t);
void traffic_run(struct traffic *t, const struct plan *p, struct result *out);
/* Serves the sink alone for so long; returns how many requests of the bare client came per second. */
double traffic_serve(struct traffic *t, double secs);
const struct faults *traffic_faults(const struct traffic *t);

/* ---- relay.c ---- */

struct relay {
	pid_t pid;
	unsigned port;
	char dir[256];
	volatile uint64_t *syncs; /* counted by the shim; NULL: without it */
	double start_msecs;       /* from fork to the first 200 of /readyz */
};

struct relay_plan {
	const char *binary, *dir;
	unsigned sink_port;
	bool keep; /* the store of the relay before */
	bool both_cores;
	bool is_counted;  /* with the shim */
	int slower_msecs; /* each sync, with the shim */
};

void relay_start(struct relay *r, const struct relay_plan *p);
void relay_stop(struct relay *r); /* TERM, and waits */
void relay_kill(struct relay *r); /* KILL, and waits */

struct usage {
	double loop_secs, store_secs; /* CPU */
	uint64_t written;             /* bytes towards the disk */
	uint64_t calls;               /* system calls that read or write */
	uint64_t file;                /* bytes of the store, with its log */
	uint64_t syncs;
	double anon_mb, file_mb;      /* resident */
	uint64_t commits, operations; /* of the store; 0 where it does not tell */
};
void relay_usage(const struct relay *r, struct usage *u);

/* ---- bare.c ---- */

pid_t bare_http_start(unsigned *port);
pid_t bare_client_start(unsigned sink_port, int in_flight);
void bare_stop(pid_t pid);
/* Rows a second, `batch` per commit. */
double bare_commit(const char *dir, int batch, double secs);
/* So many ids of each side into the relay's store. */
void bare_fill_ids(const char *dir, uint32_t count);
double bare_yajl_us(const struct body *b, double secs);
double bare_hmac_us(size_t len, double secs);
double bare_fsync_ms(const char *dir, int count);

#endif
