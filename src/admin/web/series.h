/* What the last 24 hours were like, minute by minute: one ring per line of a chart, in memory of a fixed size, which
 * begins anew with the relay. Pure but for the handlers' file; time is a clock that is never set. */
#ifndef ADMIN_WEB_SERIES_H
#define ADMIN_WEB_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERIES_MINUTES (24 * 60)

/* line, metric (as in /metrics, without tieline_), label. Of a counter (_total) a minute holds how much was added, of
 * all else the highest that was seen. */
#define SERIES_LINES(X) \
	X(HOOKS, "hooks_total", NULL) \
	X(RELAYED_AGENTS, "relayed_total", "to_agents") \
	X(RELAYED_CUSTOMERS, "relayed_total", "to_customers") \
	X(REQUESTS, "requests_total", NULL) \
	X(RETRIES, "retries_total", NULL) \
	X(REPAIRED, "repaired_total", NULL) \
	X(PARKED, "parked", NULL) \
	X(WAITING_AGENTS, "waiting", "to_agents") \
	X(WAITING_CUSTOMERS, "waiting", "to_customers") \
	X(OLDEST_AGENTS, "oldest_seconds", "to_agents") \
	X(OLDEST_CUSTOMERS, "oldest_seconds", "to_customers") \
	X(STORE_MAILBOX, "store_mailbox", NULL) \
	X(STORE_BYTES, "store_bytes", NULL) \
	X(DISK_FREE, "disk_free_bytes", NULL)

enum series_line {
#define X(name, ...) SERIES_##name,
	SERIES_LINES(X)
#undef X
	    SERIES_LINE_COUNT
};
const char *series_metric(enum series_line line);
const char *series_label(enum series_line line); /* a direction; NULL: it has none */
bool series_is_counter(enum series_line line);

struct series;

struct series *series_new(void);
void series_free(struct series *s); /* takes NULL */
/* The numbers as they are now, counters since the start. Below 0: not known. */
void series_take(struct series *s, int64_t mono_ms, const double values[SERIES_LINE_COUNT]);
/* How it was i minutes before the one that runs now. False: not known. */
bool series_at(const struct series *s, enum series_line line, int64_t mono_ms, int i, double *out);

#endif
