/* Rounds, figures, table. In each round every measurement runs once, with the references it is compared
 * to right beside it, so that a slow minute of the machine slows both. Only ratios are compared; of
 * what cannot be one (bytes, commits, latencies) the value itself. */
#include "bench.h"

#include <errno.h>
#include <libgen.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

enum { ROUNDS_MAX = 50, LANES = 1000, CAP = 256, IN_FLIGHT = 64 };

/* ---- figures ---- */

enum sense { AT_LEAST, AT_MOST, SHOWN };

#define FIGURES(X) \
	X(HTTP_1K, "bare evhttp, 1.5 KB", "/s", SHOWN, 0, 0) \
	X(HTTP_5K, "bare evhttp, 5 KB", "/s", SHOWN, 0, 0) \
	X(COMMIT, "bare SQLite, 600-byte rows, 64 per commit", "/s", SHOWN, 0, 0) \
	X(CURL, "bare libcurl, 64 in flight", "/s", SHOWN, 0, 0) \
	X(HTTP_5K_US, "bare evhttp, 5 KB, CPU", "us", SHOWN, 0, 0) \
	X(COMMIT_US, "bare SQLite, 64 per commit, CPU", "us", SHOWN, 0, 0) \
	X(CURL_US, "bare libcurl, 64 in flight, CPU", "us", SHOWN, 0, 0) \
	X(YAJL, "bare yajl, 5 KB", "us", SHOWN, 0, 0) \
	X(HMAC, "bare HMAC-SHA256, 5 KB", "us", SHOWN, 0, 0) \
	X(FSYNC, "write and sync of a page, median", "ms", SHOWN, 0, 0) \
	X(SUM, "sum of evhttp 5 KB, commit and libcurl", "/s", SHOWN, 0, 0) \
	X(ACCEPT_1K_RATE, "accepted, 1.5 KB", "/s", SHOWN, 0, 0) \
	X(ACCEPT_1K, "accept 1.5 KB, of bare evhttp", "%", AT_LEAST, 50, 55) \
	X(ACCEPT_5K_RATE, "accepted, 5 KB", "/s", SHOWN, 0, 0) \
	X(ACCEPT_5K, "accept 5 KB, of bare evhttp", "%", AT_LEAST, 42, 46) \
	X(ACCEPT_5K_CPU, "accept 5 KB by CPU, of bare evhttp", "%", SHOWN, 0, 0) \
	X(ACCEPT_SIGNED_RATE, "accepted, 5 KB signed", "/s", SHOWN, 0, 0) \
	X(ACCEPT_SIGNED, "accept 5 KB signed, of bare evhttp", "%", AT_LEAST, 35, 40) \
	X(ACCEPT_BOTH_RATE, "accepted, 5 KB, both cores", "/s", SHOWN, 0, 0) \
	X(ACCEPT_BOTH, "accept 5 KB, both cores, of bare evhttp", "%", AT_LEAST, 50, 58) \
	X(E2E_RATE, "end to end", "/s", SHOWN, 0, 0) \
	X(E2E, "end to end, of the sum", "%", AT_LEAST, 65, 75) \
	X(E2E_CPU, "end to end by CPU, of the sum", "%", SHOWN, 0, 0) \
	X(E2E_LOOP_US, "end to end, CPU of the loop per message", "us", SHOWN, 0, 0) \
	X(E2E_STORE_US, "end to end, CPU of the store per message", "us", SHOWN, 0, 0) \
	X(E2E_SYNCS, "end to end, syncs per message", "", SHOWN, 0, 0) \
	X(E2E_WRITTEN, "end to end, written per message", "B", SHOWN, 0, 0) \
	X(E2E_KEPT, "end to end, kept per message", "B", AT_MOST, 1000, 800) \
	X(E2E10_SYNCS, "end to end, syncs 10 ms slower: syncs per message", "", SHOWN, 0, 0) \
	X(E2E10_WRITTEN, "end to end, syncs 10 ms slower: written", "B", AT_MOST, 3000, 2500) \
	X(ACK_P50, "1,000/s: acknowledged, median", "ms", AT_MOST, 1, 1) \
	X(ACK_P99, "1,000/s: acknowledged, 99 %", "ms", AT_MOST, 5, 3) \
	X(BETWEEN, "1,000/s: delivered after acknowledged, median", "ms", AT_MOST, 0.5, 0.2) \
	X(SYNCS, "1,000/s: syncs per message", "", AT_MOST, 1.1, 1.0) \
	X(CPU, "1,000/s: CPU of both threads per message", "us", SHOWN, 0, 0) \
	X(ACK2_P50, "1,000/s, syncs 2 ms slower: median", "ms", AT_MOST, 5, 3.6) \
	X(ACK2_P99, "1,000/s, syncs 2 ms slower: 99 %", "ms", AT_MOST, 13, 13) \
	X(BETWEEN2, "1,000/s, syncs 2 ms slower: delivered after", "ms", AT_MOST, 0.5, 0.2) \
	X(ACK10_P50, "1,000/s, syncs 10 ms slower: median", "ms", AT_MOST, 21, 18) \
	X(ACK10_P99, "1,000/s, syncs 10 ms slower: 99 %", "ms", AT_MOST, 53, 53) \
	X(BETWEEN10, "1,000/s, syncs 10 ms slower: delivered after", "ms", AT_MOST, 0.5, 0.2) \
	X(IDLE_ADDED, "20/s: delivered, median over one sync", "ms", AT_MOST, 2, 1) \
	X(IDLE_P99, "20/s: delivered, 99 %", "ms", AT_MOST, 15, 15) \
	X(IDLE10_ADDED, "20/s, syncs 10 ms slower: over one sync", "ms", AT_MOST, 2, 1) \
	X(COMMIT_1, "bare SQLite, one row per commit", "/s", SHOWN, 0, 0) \
	X(CURL_1, "bare libcurl, one in flight", "/s", SHOWN, 0, 0) \
	X(BUSY_RATE, "one busy lane", "/s", SHOWN, 0, 0) \
	X(BUSY, "one busy lane, of lone commit and lone POST", "%", AT_LEAST, 70, 80) \
	X(LANES_8, "8 lanes", "/s", SHOWN, 0, 0) \
	X(LANES_64, "64 lanes", "/s", SHOWN, 0, 0) \
	X(LANES_1000, "1,000 lanes", "/s", SHOWN, 0, 0) \
	X(SATURATION, "64 lanes, of 1,000", "%", AT_LEAST, 85, 85) \
	X(IDLE_ANON, "idle, anonymous memory", "MB", AT_MOST, 3, 3) \
	X(IDLE_RSS, "idle, resident", "MB", AT_MOST, 14, 14) \
	X(START_0, "start, nothing queued", "ms", AT_MOST, 20, 15) \
	X(QUEUED_FEW, "100 k queued in 1 k lanes, over idle", "MB", AT_MOST, 5, 4) \
	X(START_FEW, "start with 100 k queued in 1 k lanes", "ms", AT_MOST, 60, 30) \
	X(LOADED_FEW, "the same after a start, over idle", "MB", SHOWN, 0, 0) \
	X(QUEUED_EACH, "100 k queued in a lane each, over idle", "MB", AT_MOST, 8, 8) \
	X(START_EACH, "start with 100 k queued in a lane each", "ms", AT_MOST, 60, 30) \
	X(LOADED_EACH, "the same after a start, over idle", "MB", SHOWN, 0, 0) \
	X(QUEUED_1M, "1 M queued in 10 k lanes, over idle", "MB", AT_MOST, 14, 12) \
	X(START_1M, "start with 1 M queued in 10 k lanes", "ms", AT_MOST, 400, 250) \
	X(GROWTH, "CPU per message at 1 M ids, of that at 10 k", "%", AT_MOST, 130, 115) \
	X(GROWTH_10M, "CPU per message at 10 M ids, of that at 10 k", "%", AT_MOST, 130, 115)

enum figure {
#define X(name, what, unit, sense, must, stretch) name,
	FIGURES(X)
#undef X
	    FIGURE_COUNT
};

static const struct {
	const char *key, *what, *unit;
	enum sense sense;
	double must, stretch;
} figures[] = {
#define X(name, what, unit, sense, must, stretch) { #name, what, unit, sense, must, stretch },
	FIGURES(X)
#undef X
};

static struct {
	double values[ROUNDS_MAX];
	int count;
} seen[FIGURE_COUNT];

struct bench {
	struct traffic *traffic;
	struct body *k1, *k5, *k5_signed;
	char dir[256], binary[512];
	double secs;
	int rounds;
	bool json, large;
	double curl_us;           /* CPU per request when curl_rate ran last */
	double now[FIGURE_COUNT]; /* of this round */
};

static void record(struct bench *b, enum figure f, double value)
{
	b->now[f] = value;
	if (seen[f].count < ROUNDS_MAX)
		seen[f].values[seen[f].count++] = value;
}

/* ---- small things ---- */

void fatal(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "bench: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

int64_t now_us(void)
{
	return clock_mono_us();
}

void pin(int core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	if (core >= 0)
		CPU_SET(core, &set);
	else
		CPU_SET(RELAY_CORE, &set), CPU_SET(BENCH_CORE, &set);
	sched_setaffinity(0, sizeof(set), &set); /* where there is one core only, so be it */
}

/* ---- references ---- */

/* CPU of references that have ended. */
static double spent_secs(void)
{
	struct rusage u;

	getrusage(RUSAGE_CHILDREN, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec)
	    + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static double http_rate(struct bench *b, const struct body *body, double *cpu_us)
{
	struct plan p = { .body = body, .lanes = LANES, .secs = b->secs };
	double before = spent_secs();
	struct result r;
	pid_t pid = bare_http_start(&p.port);

	traffic_run(b->traffic, &p, &r);
	bare_stop(pid);
	traffic_forget(b->traffic);
	*cpu_us = (spent_secs() - before) * 1e6 / r.sent;
	return r.acked / r.secs;
}

static double curl_rate(struct bench *b, int in_flight, double secs)
{
	double before = spent_secs(), rate;
	pid_t pid = bare_client_start(traffic_sink_port(b->traffic), in_flight);

	rate = traffic_serve(b->traffic, secs);
	bare_stop(pid);
	b->curl_us = (spent_secs() - before) * 1e6 / (rate * secs);
	return rate;
}

static void measure_http(struct bench *b)
{
	double cpu_us;

	record(b, HTTP_1K, http_rate(b, b->k1, &cpu_us));
	record(b, HTTP_5K, http_rate(b, b->k5, &cpu_us));
	record(b, HTTP_5K_US, cpu_us);
}

static void measure_parts(struct bench *b)
{
	double before = spent_secs();

	record(b, COMMIT, bare_commit(b->dir, 64, b->secs));
	record(b, COMMIT_US, (spent_secs() - before) * 1e6 / (b->now[COMMIT] * b->secs));
	record(b, CURL, curl_rate(b, IN_FLIGHT, b->secs));
	record(b, CURL_US, b->curl_us);
	record(b, YAJL, bare_yajl_us(b->k5, 0.2));
	record(b, HMAC, bare_hmac_us(5000, 0.2));
	record(b, FSYNC, bare_fsync_ms(b->dir, 100));
	record(b, SUM, 1 / (1 / b->now[HTTP_5K] + 1 / b->now[COMMIT] + 1 / b->now[CURL]));
}

/* ---- the relay ---- */

static void begin(struct bench *b, struct relay *r, struct relay_plan *p)
{
	p->binary = b->binary;
	p->dir = b->dir;
	p->sink_port = traffic_sink_port(b->traffic);
	if (!p->keep)
		traffic_forget(b->traffic);
	relay_start(r, p);
	traffic_serve(b->traffic, 0.1); /* the questions it has of its own */
}

/* Each conversation twice: opened, and remembered. */
static void warm_up(struct bench *b, const struct relay *r, const struct plan *like)
{
	struct plan p = *like;
	struct result result;

	p.port = r->port;
	p.rate = 0;
	p.cap = p.is_delivered ? CAP : 0;
	p.count = 2 * p.lanes;
	traffic_run(b->traffic, &p, &result);
}

static double cpu_us(const struct usage *before, const struct usage *after, double count)
{
	return (after->loop_secs + after->store_secs - before->loop_secs - before->store_secs) * 1e6
	    / count;
}

/* The sink refuses the relay's token, so that deliveries are written and wait. */
static void measure_accept(struct bench *b, const struct body *body, enum target target,
    bool both_cores, enum figure rate, enum figure share, enum figure of)
{
	struct relay_plan rp = { .both_cores = both_cores };
	struct plan p = { .body = body, .target = target, .lanes = LANES, .secs = b->secs };
	struct usage before, after;
	struct result result;
	struct relay r;

	traffic_shut_sink(b->traffic, true);
	begin(b, &r, &rp);
	warm_up(b, &r, &p);
	p.port = r.port;
	relay_usage(&r, &before);
	traffic_run(b->traffic, &p, &result);
	relay_usage(&r, &after);
	relay_kill(&r);
	traffic_shut_sink(b->traffic, false);
	if (share == ACCEPT_5K)
		record(b, ACCEPT_5K_CPU,
		    100 * b->now[HTTP_5K_US] / cpu_us(&before, &after, result.sent));
	record(b, rate, result.acked / result.secs);
	record(b, share, 100 * b->now[rate] / b->now[of]);
}

static void measure_accepts(struct bench *b)
{
	measure_accept(b, b->k1, TO_SHOP, false, ACCEPT_1K_RATE, ACCEPT_1K, HTTP_1K);
	measure_accept(b, b->k5, TO_SHOP, false, ACCEPT_5K_RATE, ACCEPT_5K, HTTP_5K);
	measure_accept(b, b->k5_signed, TO_DESK, false, ACCEPT_SIGNED_RATE, ACCEPT_SIGNED, HTTP_5K);
	measure_accept(b, b->k5, TO_SHOP, true, ACCEPT_BOTH_RATE, ACCEPT_BOTH, HTTP_5K);
}

static void run_closed(struct bench *b, int slower_msecs, struct result *result,
    struct usage *before, struct usage *after)
{
	struct relay_plan rp = { .is_counted = true, .slower_msecs = slower_msecs };
	struct plan p = { .body = b->k5,
		.lanes = LANES,
		.cap = CAP,
		.connections = slower_msecs > 0 ? CAP : 0,
		.secs = b->secs,
		.is_delivered = true };
	struct relay r;

	begin(b, &r, &rp);
	warm_up(b, &r, &p);
	p.port = r.port;
	relay_usage(&r, before);
	traffic_run(b->traffic, &p, result);
	relay_usage(&r, after);
	relay_stop(&r);
}

/* What a message costs the disk depends on how many share a commit, and that on how long one takes: so it is
 * compared where a slower disk and more callers let 64 and more share one, as the target has it. */
static void measure_end_to_end(struct bench *b)
{
	struct usage before, after;
	struct result result;
	double n;

	run_closed(b, 0, &result, &before, &after);
	n = result.sent;
	record(b, E2E_RATE, result.delivered / result.secs);
	record(b, E2E, 100 * b->now[E2E_RATE] / b->now[SUM]);
	record(b, E2E_CPU,
	    100 * (b->now[HTTP_5K_US] + b->now[COMMIT_US] + b->now[CURL_US])
		/ cpu_us(&before, &after, n));
	record(b, E2E_LOOP_US, (after.loop_secs - before.loop_secs) * 1e6 / n);
	record(b, E2E_STORE_US, (after.store_secs - before.store_secs) * 1e6 / n);
	record(b, E2E_SYNCS, (double)(after.syncs - before.syncs) / n);
	record(b, E2E_WRITTEN, (double)(after.written - before.written) / n);
	record(b, E2E_KEPT, (double)(after.file - before.file) / n);
	run_closed(b, 10, &result, &before, &after);
	n = result.sent;
	record(b, E2E10_SYNCS, (double)(after.syncs - before.syncs) / n);
	record(b, E2E10_WRITTEN, (double)(after.written - before.written) / n);
}

/* An open loop: each message is due at its time, whatever became of the one before. */
static void run_open(struct bench *b, double rate, double secs, int slower_msecs,
    struct result *out, struct usage *used)
{
	struct relay_plan rp = { .is_counted = true, .slower_msecs = slower_msecs };
	struct plan p = { .body = b->k5,
		.lanes = LANES,
		.rate = rate,
		.secs = secs,
		.is_delivered = true };
	struct usage before;
	struct relay r;

	begin(b, &r, &rp);
	warm_up(b, &r, &p);
	p.port = r.port;
	relay_usage(&r, &before);
	traffic_run(b->traffic, &p, out);
	relay_usage(&r, used);
	relay_stop(&r);
	used->syncs -= before.syncs;
	used->loop_secs -= before.loop_secs;
	used->store_secs -= before.store_secs;
}

static void measure_latency(struct bench *b)
{
	static const struct {
		int slower_msecs;
		enum figure p50, p99, between;
	} disks[] = { { 0, ACK_P50, ACK_P99, BETWEEN }, { 2, ACK2_P50, ACK2_P99, BETWEEN2 },
		{ 10, ACK10_P50, ACK10_P99, BETWEEN10 } };
	struct result result;
	struct usage used;
	size_t i;

	for (i = 0; i < sizeof(disks) / sizeof(disks[0]); i++) {
		run_open(b, 1000, b->secs, disks[i].slower_msecs, &result, &used);
		record(b, disks[i].p50, result.ack.p50);
		record(b, disks[i].p99, result.ack.p99);
		record(b, disks[i].between, result.between.p50);
		if (i > 0)
			continue;
		record(b, SYNCS, (double)used.syncs / result.sent);
		record(b, CPU, (used.loop_secs + used.store_secs) * 1e6 / result.sent);
	}
}

static void measure_idle(struct bench *b)
{
	struct result result;
	struct usage used;

	run_open(b, 20, 2 * b->secs, 0, &result, &used);
	record(b, IDLE_ADDED, result.arrival.p50 - b->now[FSYNC]);
	record(b, IDLE_P99, result.arrival.p99);
	run_open(b, 20, 2 * b->secs, 10, &result, &used);
	record(b, IDLE10_ADDED, result.arrival.p50 - b->now[FSYNC] - 10);
}

static double lanes_rate(struct bench *b, unsigned lanes)
{
	struct relay_plan rp = { 0 };
	struct plan p = { .body = b->k5,
		.lanes = lanes,
		.cap = CAP,
		.secs = b->secs,
		.is_delivered = true };
	struct result result;
	struct relay r;

	begin(b, &r, &rp);
	warm_up(b, &r, &p);
	p.port = r.port;
	traffic_run(b->traffic, &p, &result);
	relay_stop(&r);
	return result.delivered / result.secs;
}

static void measure_lanes(struct bench *b)
{
	record(b, COMMIT_1, bare_commit(b->dir, 1, b->secs / 2));
	record(b, CURL_1, curl_rate(b, 1, b->secs / 2));
	record(b, BUSY_RATE, lanes_rate(b, 1));
	record(b, BUSY, 100 * b->now[BUSY_RATE] * (1 / b->now[COMMIT_1] + 1 / b->now[CURL_1]));
	record(b, LANES_8, lanes_rate(b, 8));
	record(b, LANES_64, lanes_rate(b, 64));
	record(b, LANES_1000, lanes_rate(b, 1000));
	record(b, SATURATION, 100 * b->now[LANES_64] / b->now[LANES_1000]);
}

/* Messages are taken and cannot leave; then the relay dies and another takes up what it left. */
static void pile_up(struct bench *b, uint32_t count, unsigned lanes, enum figure queued,
    enum figure start, enum figure loaded)
{
	struct relay_plan rp = { 0 };
	struct plan p = { .body = b->k1, .lanes = lanes, .count = count };
	struct usage idle, full;
	struct result result;
	struct relay r;

	traffic_shut_sink(b->traffic, true);
	begin(b, &r, &rp);
	relay_usage(&r, &idle);
	p.port = r.port;
	traffic_run(b->traffic, &p, &result);
	traffic_serve(b->traffic, 0.3);
	relay_usage(&r, &full);
	relay_kill(&r);
	record(b, queued, full.anon_mb - idle.anon_mb);
	rp.keep = true;
	begin(b, &r, &rp);
	record(b, start, r.start_msecs);
	relay_usage(&r, &full);
	relay_kill(&r);
	if (loaded != FIGURE_COUNT)
		record(b, loaded, full.anon_mb - idle.anon_mb);
	traffic_shut_sink(b->traffic, false);
}

static void measure_memory(struct bench *b)
{
	struct relay_plan rp = { 0 };
	struct usage idle;
	struct relay r;

	begin(b, &r, &rp);
	traffic_serve(b->traffic, 0.3);
	relay_usage(&r, &idle);
	relay_stop(&r);
	record(b, IDLE_ANON, idle.anon_mb);
	record(b, IDLE_RSS, idle.anon_mb + idle.file_mb);
	record(b, START_0, r.start_msecs);
	pile_up(b, 100000, 1000, QUEUED_FEW, START_FEW, LOADED_FEW);
	pile_up(b, 100000, 100000, QUEUED_EACH, START_EACH, LOADED_EACH);
	if (b->large && seen[QUEUED_1M].count == 0)
		pile_up(b, 1000000, 10000, QUEUED_1M, START_1M, FIGURE_COUNT);
}

/* CPU per message with so many ids known already, all smaller than those to come. They are filled in
 * behind the relay's back and synced, or the kernel would write them out while it is measured. */
static double cpu_with_ids(struct bench *b, uint32_t ids)
{
	struct relay_plan rp = { 0 };
	struct plan p = { .body = b->k5,
		.lanes = LANES,
		.cap = CAP,
		.secs = b->secs,
		.is_delivered = true };
	struct usage before, after;
	struct result result;
	struct relay r;

	begin(b, &r, &rp);
	relay_stop(&r);
	bare_fill_ids(b->dir, ids);
	rp.keep = true;
	begin(b, &r, &rp);
	traffic_forget(b->traffic);
	warm_up(b, &r, &p);
	p.port = r.port;
	relay_usage(&r, &before);
	traffic_run(b->traffic, &p, &result);
	relay_usage(&r, &after);
	relay_stop(&r);
	return (after.loop_secs + after.store_secs - before.loop_secs - before.store_secs)
	    / result.sent;
}

static void measure_growth(struct bench *b)
{
	double few = cpu_with_ids(b, 10000);

	record(b, GROWTH, 100 * cpu_with_ids(b, 1000000) / few);
	if (b->large && seen[GROWTH_10M].count == 0)
		record(b, GROWTH_10M, 100 * cpu_with_ids(b, 10000000) / few);
}

/* ---- the rounds ---- */

static const struct measurement {
	const char *name, *what;
	void (*run)(struct bench *b);
	bool needed; /* others are compared with it */
} measurements[] = {
	{ "http", "evhttp that only answers", measure_http, true },
	{ "parts", "SQLite, libcurl, yajl, HMAC, sync", measure_parts, true },
	{ "accept", "callbacks stored and answered, nothing delivered", measure_accepts, false },
	{ "e2e", "callbacks stored, answered and delivered", measure_end_to_end, false },
	{ "latency", "1,000 a second, on this disk and on slower ones", measure_latency, false },
	{ "idle", "20 a second", measure_idle, false },
	{ "lanes", "1, 8, 64 and 1,000 conversations", measure_lanes, false },
	{ "memory", "idle and with a backlog; starting with it", measure_memory, false },
	{ "growth", "many ids known already", measure_growth, false },
};

enum { MEASUREMENTS = sizeof(measurements) / sizeof(measurements[0]) };

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(const double *sorted, int n)
{
	return n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

static const char *verdict(enum figure f, double value)
{
	double sign = figures[f].sense == AT_LEAST ? 1 : -1;

	if (figures[f].sense == SHOWN)
		return "";
	if (sign * value >= sign * figures[f].stretch)
		return "reached, stretch too";
	return sign * value >= sign * figures[f].must ? "reached" : "falls short";
}

static void print_number(double value)
{
	printf(fabs(value) >= 100 ? "%.0f" : fabs(value) >= 1 ? "%.1f" : "%.3f", value);
}

static void print_padded(double value, int width)
{
	char text[32];

	snprintf(text, sizeof(text),
	    fabs(value) >= 100      ? "%.0f"
		: fabs(value) >= 10 ? "%.1f"
				    : "%.2f",
	    value);
	printf("%*s", width, text);
}

static void print_text(const struct bench *b)
{
	const struct faults *faults = traffic_faults(b->traffic);
	int f;

	printf("%-52s %10s  %-21s  %s\n", "figure", "median", "range", "target");
	for (f = 0; f < FIGURE_COUNT; f++) {
		double *v = seen[f].values;
		int n = seen[f].count;

		if (n == 0)
			continue;
		printf("%-49s %2s ", figures[f].what, figures[f].unit);
		print_padded(median(v, n), 10);
		print_padded(v[0], 10);
		printf(" –");
		print_padded(v[n - 1], 9);
		if (figures[f].sense != SHOWN)
			printf("  %s %g: %s",
			    figures[f].sense == AT_LEAST ? ">=" : "<=", figures[f].must,
			    verdict((enum figure)f, median(v, n)));
		printf("\n");
	}
	printf("messages refused %llu, missing %llu, doubled %llu, wrong %llu, out of order %llu,"
	       " unexpected requests %llu\n",
	    (unsigned long long)faults->refused, (unsigned long long)faults->missing,
	    (unsigned long long)faults->doubled, (unsigned long long)faults->wrong,
	    (unsigned long long)faults->disordered, (unsigned long long)faults->unexpected);
}

static void print_json(const struct bench *b)
{
	const struct faults *faults = traffic_faults(b->traffic);
	const char *comma = "";
	int f, i;

	printf("{\"rounds\":%d,\"secs\":%g,\"figures\":{", b->rounds, b->secs);
	for (f = 0; f < FIGURE_COUNT; f++) {
		double *v = seen[f].values;
		int n = seen[f].count;

		if (n == 0)
			continue;
		printf("%s\"%s\":{\"what\":\"%s\",\"unit\":\"%s\",\"median\":", comma,
		    figures[f].key, figures[f].what, figures[f].unit);
		print_number(median(v, n));
		printf(",\"values\":[");
		for (i = 0; i < n; i++) {
			printf(i > 0 ? "," : "");
			print_number(v[i]);
		}
		printf("]");
		if (figures[f].sense != SHOWN)
			printf(",\"%s\":%g,\"reached\":%s",
			    figures[f].sense == AT_LEAST ? "min" : "max", figures[f].must,
			    strcmp(verdict((enum figure)f, median(v, n)), "falls short") != 0
				? "true"
				: "false");
		printf("}");
		comma = ",";
	}
	printf("},\"faults\":{\"refused\":%llu,\"missing\":%llu,\"doubled\":%llu,\"wrong\":%llu,"
	       "\"disordered\":%llu,\"unexpected\":%llu}}\n",
	    (unsigned long long)faults->refused, (unsigned long long)faults->missing,
	    (unsigned long long)faults->doubled, (unsigned long long)faults->wrong,
	    (unsigned long long)faults->disordered, (unsigned long long)faults->unexpected);
}

static bool is_faulty(const struct faults *f)
{
	return f->refused + f->missing + f->doubled + f->wrong + f->disordered + f->unexpected > 0;
}

/* ---- the command ---- */

static void usage(FILE *to)
{
	size_t i;

	fprintf(to,
	    "usage: script/bench [--json] [--large] [--rounds N] [--secs S] [--dir DIR]"
	    " [--relay PROGRAM] [--only NAME]...\n\n"
	    "--only runs what is named, and the references:\n");
	for (i = 0; i < MEASUREMENTS; i++)
		fprintf(to, "  %-10s %s\n", measurements[i].name, measurements[i].what);
}

static void find_binary(struct bench *b)
{
	char self[480];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[len > 0 ? len : 0] = '\0';
	snprintf(b->binary, sizeof(b->binary), "%s/tieline", dirname(self));
	snprintf(b->dir, sizeof(b->dir), "%.200s/bench-data", dirname(b->binary));
	snprintf(b->binary, sizeof(b->binary), "%s/tieline", self);
}

static void select_one(bool selected[MEASUREMENTS], const char *name)
{
	size_t i;

	for (i = 0; i < MEASUREMENTS; i++)
		if (strcmp(measurements[i].name, name) == 0) {
			selected[i] = true;
			return;
		}
	usage(stderr);
	exit(64);
}

static void read_arguments(struct bench *b, int argc, char **argv, bool selected[MEASUREMENTS])
{
	bool all = true;
	size_t m;
	int i;

	for (i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";

		if (strcmp(argv[i], "--json") == 0) {
			b->json = true;
		} else if (strcmp(argv[i], "--large") == 0) {
			b->large = true;
		} else if (strcmp(argv[i], "--help") == 0) {
			usage(stdout);
			exit(0);
		} else if (strcmp(argv[i], "--rounds") == 0 && atoi(value) > 0) {
			b->rounds = atoi(argv[++i]);
		} else if (strcmp(argv[i], "--secs") == 0 && atof(value) > 0) {
			b->secs = atof(argv[++i]);
		} else if (strcmp(argv[i], "--dir") == 0 && *value != '\0') {
			snprintf(b->dir, sizeof(b->dir), "%s", argv[++i]);
		} else if (strcmp(argv[i], "--relay") == 0 && *value != '\0') {
			snprintf(b->binary, sizeof(b->binary), "%s", argv[++i]);
		} else if (strcmp(argv[i], "--only") == 0 && *value != '\0') {
			all = false;
			select_one(selected, argv[++i]);
		} else {
			usage(stderr);
			exit(64);
		}
	}
	for (m = 0; m < MEASUREMENTS; m++)
		selected[m] |= all || measurements[m].needed;
}

int main(int argc, char **argv)
{
	struct bench b = { .secs = 2, .rounds = 5 };
	bool selected[MEASUREMENTS] = { false };
	size_t m;
	int i, f;

	find_binary(&b);
	read_arguments(&b, argc, argv, selected);
	if (mkdir(b.dir, 0700) != 0 && errno != EEXIST)
		fatal("%s: %s", b.dir, strerror(errno));
	signal(SIGPIPE, SIG_IGN);
	pin(BENCH_CORE);
	b.traffic = traffic_new();
	b.k1 = body_read("message_1k.json");
	b.k5 = body_read("message_5k.json");
	b.k5_signed = body_read("signed_5k.json");
	for (i = 0; i < b.rounds; i++)
		for (m = 0; m < MEASUREMENTS; m++) {
			if (!selected[m])
				continue;
			fprintf(stderr, "round %d of %d: %s        \r", i + 1, b.rounds,
			    measurements[m].name);
			measurements[m].run(&b);
		}
	for (f = 0; f < FIGURE_COUNT; f++)
		qsort(seen[f].values, (size_t)seen[f].count, sizeof(double), by_value);
	fprintf(stderr, "%40s\r", "");
	(b.json ? print_json : print_text)(&b);
	return is_faulty(traffic_faults(b.traffic)) ? 1 : 0;
}
