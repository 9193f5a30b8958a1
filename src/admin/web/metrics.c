/* See metrics.h. One function per family, in the order of the manual's table. Counters of which an alert
 * would miss the first are there from the start, with 0; of the larger lists only what has happened. */
#include "admin/web/metrics.h"
#include "admin/web/alarms.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <unistd.h>

#include "admin/web/pulse.h"
#include "admin/web/web.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"
#include "flow/endpoint.h"
#include "flow/history/migration.h"
#include "flow/lanes.h"
#include "flow/media/media.h"

#define LABELS_SIZE 160

/* ---- the text ---- */

struct page {
	struct buf *out;
	enum metrics_form form;
	const char *name; /* of the family that is open */
};

static void family(struct page *p, const char *name, const char *type, const char *help)
{
	int len = (int)strlen(name);

	p->name = name;
	if (p->form == METRICS_OPEN && strcmp(type, "counter") == 0)
		len -= (int)strlen("_total"); /* there it belongs to the sample alone */
	buf_addf(p->out, "# HELP %.*s %s\n# TYPE %.*s %s\n", len, name, help, len, name, type);
}

/* labels: "a=\"b\",c=\"d\"", or "". Names and closed words need no escaping. */
static void sample_int(struct page *p, const char *labels, int64_t n)
{
	bool has = labels[0] != '\0';

	buf_addf(p->out, "%s%s%s%s %" PRId64 "\n", p->name, has ? "{" : "", labels, has ? "}" : "",
	    n);
}

static void sample_real(struct page *p, const char *labels, double n)
{
	bool has = labels[0] != '\0';

	buf_addf(p->out, "%s%s%s%s %.9g\n", p->name, has ? "{" : "", labels, has ? "}" : "", n);
}

static const char *labels1(char out[LABELS_SIZE], const char *k1, const char *v1)
{
	snprintf(out, LABELS_SIZE, "%s=\"%s\"", k1, v1);
	return out;
}

static const char *labels2(char out[LABELS_SIZE], const char *k1, const char *v1, const char *k2,
    const char *v2)
{
	snprintf(out, LABELS_SIZE, "%s=\"%s\",%s=\"%s\"", k1, v1, k2, v2);
	return out;
}

static const char *labels3(char out[LABELS_SIZE], const char *k1, const char *v1, const char *k2,
    const char *v2, const char *k3, const char *v3)
{
	snprintf(out, LABELS_SIZE, "%s=\"%s\",%s=\"%s\",%s=\"%s\"", k1, v1, k2, v2, k3, v3);
	return out;
}

/* OpenMetrics wants 1.0 where the older text has 1. */
static void add_bound(struct page *p, double bound)
{
	char text[32];

	snprintf(text, sizeof(text), "%.9g", bound);
	buf_adds(p->out, text);
	if (p->form == METRICS_OPEN && strchr(text, '.') == NULL)
		buf_adds(p->out, ".0");
}

static void histogram(struct page *p, const char *labels, const struct histogram *h)
{
	const double *bounds = h->bounds != NULL ? h->bounds : seconds_bounds;
	const char *comma = labels[0] != '\0' ? "," : "";
	const char *open = labels[0] != '\0' ? "{" : "", *close = labels[0] != '\0' ? "}" : "";
	uint64_t below = 0;
	size_t i;

	for (i = 0; bounds[i] != 0; i++) {
		below += h->counts[i];
		buf_addf(p->out, "%s_bucket{%s%sle=\"", p->name, labels, comma);
		add_bound(p, bounds[i]);
		buf_addf(p->out, "\"} %" PRIu64 "\n", below);
	}
	buf_addf(p->out, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", p->name, labels, comma,
	    h->total);
	buf_addf(p->out, "%s_sum%s%s%s %.9g\n", p->name, open, labels, close, h->sum);
	buf_addf(p->out, "%s_count%s%s%s %" PRIu64 "\n", p->name, open, labels, close, h->total);
}

static const struct endpoint *end_of(const struct flow *f)
{
	return f->endpoints + f->nendpoints;
}

static const char *const direction[] = {
	[SIDE_CUSTOMERS] = "to_customers",
	[SIDE_AGENTS] = "to_agents",
};

/* ---- callbacks ---- */

static void write_hooks(struct page *p, const struct flow *f)
{
	static const char *const results[] = { [HOOK_STORED] = "stored",
		[HOOK_DUPLICATE] = "duplicate",
		[HOOK_DROPPED] = "dropped",
		[HOOK_UNPARSABLE] = "unparsable" };
	const struct endpoint *e;
	char l[LABELS_SIZE];
	int i;

	family(p, "tieline_hooks_total", "counter", "Callbacks, by what became of them.");
	for (e = f->endpoints; e < end_of(f); e++) {
		for (i = 0; i < HOOK_RESULT_COUNT; i++)
			sample_int(p, labels2(l, "endpoint", e->conf.name, "result", results[i]),
			    (int64_t)e->stats.hooks[i]);
		for (i = REFUSE_NONE + 1; i < REFUSE_COUNT; i++)
			sample_int(p,
			    labels2(l, "endpoint", e->conf.name, "result", refusal_word(i)),
			    (int64_t)e->stats.refused[i]);
	}
	family(p, "tieline_hook_seconds", "histogram", "Callbacks, from request to answer.");
	for (e = f->endpoints; e < end_of(f); e++)
		histogram(p, labels1(l, "endpoint", e->conf.name), &e->stats.hook_seconds);
}

static void write_events(struct page *p, const struct flow *f)
{
	const struct endpoint *e;
	char l[LABELS_SIZE];
	int i;

	family(p, "tieline_events_total", "counter", "Events read from callbacks.");
	for (e = f->endpoints; e < end_of(f); e++)
		for (i = 0; i <= EVENT_SESSION; i++)
			if (e->stats.events[i] > 0)
				sample_int(p,
				    labels2(l, "endpoint", e->conf.name, "kind",
					event_kind_word(i)),
				    (int64_t)e->stats.events[i]);
	family(p, "tieline_repaired_total", "counter",
	    "Messages that no callback announced, found by reading.");
	for (e = f->endpoints; e < end_of(f); e++)
		sample_int(p, labels1(l, "endpoint", e->conf.name), (int64_t)e->stats.repaired);
	family(p, "tieline_drops_total", "counter", "Events not passed on, by reason.");
	for (e = f->endpoints; e < end_of(f); e++)
		for (i = DROP_NONE + 1; i < DROP_COUNT; i++)
			if (e->stats.drops[i] > 0)
				sample_int(p,
				    labels2(l, "endpoint", e->conf.name, "reason", drop_word(i)),
				    (int64_t)e->stats.drops[i]);
}

/* ---- what crossed ---- */

static void write_relayed(struct page *p, const struct flow *f)
{
	static const char *const origins[] = { [ORIGIN_LIVE] = "live",
		[ORIGIN_HISTORY] = "history",
		[ORIGIN_REPAIR] = "repair" };
	const struct bridge_stats *stats;
	char l[LABELS_SIZE];
	size_t i;
	int to, origin;

	family(p, "tieline_relayed_total", "counter", "Messages settled on the other side.");
	for (i = 0; i < f->config->nbridges; i++)
		for (to = 0; to < 2; to++)
			for (origin = ORIGIN_LIVE; origin <= ORIGIN_REPAIR; origin++) {
				stats = &f->stats.bridges[i];
				sample_int(p,
				    labels3(l, "bridge", f->config->bridges[i].name, "direction",
					direction[to], "origin", origins[origin]),
				    (int64_t)stats->relayed[to][origin]);
			}
	family(p, "tieline_relay_seconds", "histogram",
	    "From accepted to settled, live messages only.");
	for (i = 0; i < f->config->nbridges; i++)
		for (to = 0; to < 2; to++)
			histogram(p,
			    labels2(l, "bridge", f->config->bridges[i].name, "direction",
				direction[to]),
			    &f->stats.bridges[i].relay_seconds[to]);
}

/* ---- our requests ---- */

static void write_requests(struct page *p, const struct flow *f)
{
	const struct endpoint *e;
	char l[LABELS_SIZE];
	int step, effect;

	family(p, "tieline_requests_total", "counter",
	    "Our requests, by step and by what the answer meant.");
	for (e = f->endpoints; e < end_of(f); e++)
		for (step = 0; step < STEP_COUNT; step++)
			for (effect = 0; effect < EFFECT_COUNT; effect++)
				if (e->stats.requests[step][effect] > 0)
					sample_int(p,
					    labels3(l, "endpoint", e->conf.name, "step",
						step_word(step), "effect", effect_word(effect)),
					    (int64_t)e->stats.requests[step][effect]);
	family(p, "tieline_request_seconds", "histogram", "How long answers to our requests took.");
	for (e = f->endpoints; e < end_of(f); e++)
		histogram(p, labels1(l, "endpoint", e->conf.name), &e->stats.request_seconds);
}

static void write_doubts(struct page *p, const struct flow *f)
{
	const struct endpoint *e;
	char l[LABELS_SIZE];
	int i;

	family(p, "tieline_retries_total", "counter", "Deliveries put off, to be tried again.");
	for (e = f->endpoints; e < end_of(f); e++)
		for (i = REASON_NONE + 1; i < REASON_COUNT; i++)
			sample_int(p,
			    labels2(l, "endpoint", e->conf.name, "reason", reason_word(i)),
			    (int64_t)e->stats.retries[i]);
	family(p, "tieline_unsure_total", "counter",
	    "Deliveries that may have arrived, by how that ended.");
	for (e = f->endpoints; e < end_of(f); e++) {
		sample_int(p, labels2(l, "endpoint", e->conf.name, "outcome", "found"),
		    (int64_t)e->stats.found);
		sample_int(p, labels2(l, "endpoint", e->conf.name, "outcome", "resent"),
		    (int64_t)e->stats.resent);
		sample_int(p, labels2(l, "endpoint", e->conf.name, "outcome", "parked"),
		    (int64_t)e->stats.parked[REASON_UNCERTAIN]);
	}
}

/* ---- what waits ---- */

static int64_t count_parked(const struct flow *f, const struct op_status *counts,
    const struct endpoint *e, int reason)
{
	const struct bridge_conf *b;
	int64_t sum = 0;
	size_t i, k;

	for (i = 0; i < counts->nparked; i++) {
		if ((int)counts->parked[i].reason != reason)
			continue;
		for (k = 0; k < f->config->nbridges; k++) {
			b = &f->config->bridges[k];
			if (b->id == counts->parked[i].bridge
			    && (counts->parked[i].to == SIDE_AGENTS ? b->agents : b->customers)
				== e->given)
				sum += counts->parked[i].count;
		}
	}
	for (i = 0; reason == REASON_UNPARSABLE && i < counts->nraws; i++)
		if (counts->raws[i].endpoint == e->conf.id)
			sum += counts->raws[i].count;
	return sum;
}

static void write_parked(struct page *p, const struct flow *f, const struct op_status *counts)
{
	const struct endpoint *e;
	char l[LABELS_SIZE];
	int64_t n;
	int i;

	family(p, "tieline_parked", "gauge", "Waiting for a person, by reason.");
	for (e = f->endpoints; e < end_of(f); e++)
		for (i = REASON_NONE + 1; counts != NULL && i < REASON_COUNT; i++)
			if ((n = count_parked(f, counts, e, i)) > 0)
				sample_int(p,
				    labels2(l, "endpoint", e->conf.name, "reason", reason_word(i)),
				    n);
	/* To OpenMetrics a counter's family has no _total, and then it has the gauge's name. */
	family(p, "tieline_parked_total", p->form == METRICS_OPEN ? "unknown" : "counter",
	    "Deliveries that were parked, by reason.");
	for (e = f->endpoints; e < end_of(f); e++)
		for (i = REASON_NONE + 1; i < REASON_COUNT; i++)
			sample_int(p,
			    labels2(l, "endpoint", e->conf.name, "reason", reason_word(i)),
			    (int64_t)e->stats.parked[i]);
}

static const struct status_bridge *waiting_of(const struct op_status *counts, int bridge)
{
	static const struct status_bridge nothing;
	size_t i;

	for (i = 0; i < counts->nbridges; i++)
		if (counts->bridges[i].bridge == bridge)
			return &counts->bridges[i];
	return &nothing;
}

static double age_seconds(int64_t since_ms, int64_t now_ms)
{
	return since_ms > 0 && now_ms > since_ms ? (double)(now_ms - since_ms) / 1000.0 : 0;
}

static void write_waiting(struct page *p, const struct flow *f, const struct op_status *counts)
{
	const struct bridge_conf *b = f->config->bridges, *end = b + f->config->nbridges;
	int64_t now_ms = loop_now_ms(f->loop);
	char l[LABELS_SIZE];
	int to;

	if (counts == NULL)
		return;
	family(p, "tieline_waiting", "gauge", "Deliveries on their way.");
	for (b = f->config->bridges; b < end; b++)
		for (to = 0; to < 2; to++)
			sample_int(p, labels2(l, "bridge", b->name, "direction", direction[to]),
			    waiting_of(counts, b->id)->waiting[to]);
	family(p, "tieline_oldest_seconds", "gauge", "How long the oldest of them has been.");
	for (b = f->config->bridges; b < end; b++)
		for (to = 0; to < 2; to++)
			sample_real(p, labels2(l, "bridge", b->name, "direction", direction[to]),
			    waiting_of(counts, b->id)->waiting[to] > 0
				? age_seconds(waiting_of(counts, b->id)->oldest_ms[to], now_ms)
				: 0);
}

static void write_lanes(struct page *p, const struct flow *f)
{
	int64_t *counts = xcalloc(f->nendpoints * LANE_STATE_COUNT + 1, sizeof(*counts));
	const struct map_node *n;
	const struct lane *lane;
	char l[LABELS_SIZE];
	size_t i;
	int state;

	for (n = map_walk(&f->lanes, NULL); n != NULL; n = map_walk(&f->lanes, n)) {
		lane = (const struct lane *)n;
		counts[(size_t)(lane->target - f->endpoints) * LANE_STATE_COUNT + lane->state]++;
	}
	family(p, "tieline_lanes", "gauge",
	    "Ordered queues, one per person, that have anything to do.");
	for (i = 0; i < f->nendpoints; i++)
		for (state = 0; state < LANE_STATE_COUNT; state++)
			sample_int(p,
			    labels2(l, "endpoint", f->endpoints[i].conf.name, "state",
				lane_state_word((enum lane_state)state)),
			    counts[i * LANE_STATE_COUNT + (size_t)state]);
	xfree(counts);
}

/* ---- endpoints ---- */

static void write_endpoints(struct page *p, const struct flow *f)
{
	const struct endpoint *e;
	enum endpoint_state shown;
	char l[LABELS_SIZE];

	family(p, "tieline_gate_width", "gauge", "Requests allowed at once.");
	for (e = f->endpoints; e < end_of(f); e++)
		sample_int(p, labels1(l, "endpoint", e->conf.name), e->gate.width.now);
	family(p, "tieline_gate_open", "gauge", "1 while messages may leave.");
	for (e = f->endpoints; e < end_of(f); e++)
		sample_int(p, labels1(l, "endpoint", e->conf.name),
		    gate_is_open(&e->gate) && gate_shut_for(&e->gate) == 0);
	family(p, "tieline_endpoint_up", "gauge", "1 while its state is ok or slow.");
	for (e = f->endpoints; e < end_of(f); e++) {
		shown = endpoint_shown(e);
		sample_int(p, labels1(l, "endpoint", e->conf.name),
		    shown == ENDPOINT_OK || shown == ENDPOINT_SLOW);
	}
	family(p, "tieline_session_expires_timestamp_seconds", "gauge",
	    "When the session ends by which an endpoint is told anything.");
	for (e = f->endpoints; e < end_of(f); e++) {
		const struct via via = endpoint_via(e);
		int64_t ends_ms =
		    e->connector->session_ends_ms != NULL ? e->connector->session_ends_ms(&via) : 0;

		if (ends_ms > 0 && ends_ms != INT64_MAX)
			sample_int(p, labels1(l, "endpoint", e->conf.name), ends_ms / 1000);
	}
	family(p, "tieline_last_hook_timestamp_seconds", "gauge",
	    "When the last genuine callback came.");
	for (e = f->endpoints; e < end_of(f); e++)
		if (e->stats.last_hook_ms > 0)
			sample_int(p, labels1(l, "endpoint", e->conf.name),
			    e->stats.last_hook_ms / 1000);
}

/* ---- loop and store ---- */

static void write_store(struct page *p, const struct web *w)
{
	struct store_numbers numbers;
	struct store_health health;
	char l[LABELS_SIZE];
	int i;

	store_numbers(w->flow->store, &numbers);
	store_health(w->flow->store, &health);
	family(p, "tieline_loop_late_seconds", "histogram",
	    "How late a timer of the event loop ran.");
	histogram(p, "", pulse_loop_late(w->pulse));
	family(p, "tieline_store_commit_seconds", "histogram", "How long commits took.");
	histogram(p, "", &numbers.commit_seconds);
	family(p, "tieline_store_batch_operations", "histogram",
	    "How many operations shared a commit.");
	histogram(p, "", &numbers.batch_operations);
	family(p, "tieline_store_mailbox", "gauge", "Operations waiting for the store.");
	sample_int(p, "", health.waiting);
	family(p, "tieline_store_bytes", "gauge", "Size of the store on disk.");
	sample_int(p, "", health.bytes);
	family(p, "tieline_media_bytes", "gauge", "Of attachments, beside the store.");
	sample_int(p, "", media_bytes(w->flow->media));
	if (health.disk_free >= 0) {
		family(p, "tieline_disk_free_bytes", "gauge", "Free on the store's file system.");
		sample_int(p, "", health.disk_free);
	}
	family(p, "tieline_store_errors_total", "counter", "Operations that failed, by reason.");
	for (i = STORE_FAULT_NONE + 1; i < STORE_FAULT_COUNT; i++)
		sample_int(p, labels1(l, "reason", store_fault_word((enum store_fault)i)),
		    numbers.failed[i]);
}

static void write_alarms(struct page *p, const struct web *w)
{
	const struct alarms *s = alarm_watch_all(w->alarms);
	bool raised[ALARM_KIND_COUNT] = { false };
	char l[LABELS_SIZE];
	size_t i;
	int kind;

	for (i = 0; i < s->count; i++)
		if (alarm_is_raised(s->items[i]))
			raised[s->items[i]->kind] = true;
	family(p, "tieline_alarm", "gauge", "1 while an alarm of that kind is raised.");
	for (kind = 0; kind < ALARM_KIND_COUNT; kind++)
		sample_int(p, labels1(l, "kind", alarm_kind_word(kind)), raised[kind]);
}

/* ---- the process ---- */

static size_t read_small(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd >= 0 ? read(fd, out, size - 1) : 0;

	if (fd >= 0)
		close(fd);
	out[len > 0 ? len : 0] = '\0';
	return len > 0 ? (size_t)len : 0;
}

/* Fields of /proc/self/stat from the third on, which stand behind the name in brackets. */
static void read_stat(double *fields, size_t count)
{
	char text[1024];
	char *at;
	size_t i;

	memset(fields, 0, count * sizeof(*fields));
	read_small("/proc/self/stat", text, sizeof(text));
	at = strrchr(text, ')');
	for (i = 0; at != NULL && i < count; i++) {
		at = strchr(at + 1, ' ');
		if (at != NULL && i > 0) /* the third is a letter */
			fields[i] = strtod(at + 1, NULL);
	}
}

static double boot_seconds(void)
{
	char text[16384];
	const char *at;

	read_small("/proc/stat", text, sizeof(text));
	at = strstr(text, "\nbtime ");
	return at != NULL ? strtod(at + 7, NULL) : 0;
}

static int64_t count_open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	int64_t count = 0;

	if (d == NULL)
		return 0;
	while (readdir(d) != NULL)
		count++;
	closedir(d);
	return count - 3; /* ".", "..", and the one that was just open */
}

enum {
	STAT_UTIME = 11,
	STAT_STIME = 12,
	STAT_START = 19,
	STAT_VSIZE = 20,
	STAT_RSS = 21,
	STAT_COUNT
};

static void write_process(struct page *p)
{
	double stat[STAT_COUNT], ticks = (double)sysconf(_SC_CLK_TCK);
	struct rlimit files = { 0 };

	read_stat(stat, STAT_COUNT);
	getrlimit(RLIMIT_NOFILE, &files);
	family(p, "process_cpu_seconds_total", "counter", "Processor time used.");
	sample_real(p, "", (stat[STAT_UTIME] + stat[STAT_STIME]) / ticks);
	family(p, "process_resident_memory_bytes", "gauge", "Memory in use.");
	sample_int(p, "", (int64_t)stat[STAT_RSS] * sysconf(_SC_PAGESIZE));
	family(p, "process_virtual_memory_bytes", "gauge", "Address space in use.");
	sample_int(p, "", (int64_t)stat[STAT_VSIZE]);
	family(p, "process_open_fds", "gauge", "Open files and connections.");
	sample_int(p, "", count_open_files());
	family(p, "process_max_fds", "gauge", "How many may be open.");
	sample_int(p, "", files.rlim_cur == RLIM_INFINITY ? INT64_MAX : (int64_t)files.rlim_cur);
	family(p, "process_start_time_seconds", "gauge", "When the process started.");
	buf_addf(p->out, "%s %.2f\n", p->name, boot_seconds() + stat[STAT_START] / ticks);
}

/* ---- all of it ---- */

/* Of the newest run, which goes on or is over. */
static void write_migration(struct page *p, const struct flow *f)
{
	struct arena *a = arena_new();
	struct migration_report *list;
	size_t n = migration_reports(f->migrations, a, &list), i;
	struct migration_totals t = { 0 };
	char l[LABELS_SIZE];

	for (i = 0; i < n && list[i].is_dry; i++)
		;
	if (i < n)
		t = list[i].totals;
	family(p, "tieline_migration_messages", "gauge",
	    "Messages of the newest run that moves history.");
	sample_int(p, labels1(l, "state", "read"), t.read);
	sample_int(p, labels1(l, "state", "written"), t.written);
	sample_int(p, labels1(l, "state", "skipped"), migration_skipped(&t));
	sample_int(p, labels1(l, "state", "failed"), t.failed);
	arena_free(a);
}

void metrics_write(struct buf *out, const struct web *w, enum metrics_form form)
{
	struct page p = { .out = out, .form = form };
	const struct op_status *counts = pulse_counts(w->pulse);
	const struct flow *f = w->flow;
	char l[LABELS_SIZE];

	family(&p, "tieline_build_info", "gauge", "1; the version is the label.");
	sample_int(&p, labels1(l, "version", TIELINE_VERSION), 1);
	write_hooks(&p, f);
	write_events(&p, f);
	write_relayed(&p, f);
	write_requests(&p, f);
	write_doubts(&p, f);
	write_parked(&p, f, counts);
	write_waiting(&p, f, counts);
	write_lanes(&p, f);
	write_endpoints(&p, f);
	write_store(&p, w);
	write_alarms(&p, w);
	write_migration(&p, f);
	write_process(&p);
	if (form == METRICS_OPEN)
		buf_adds(out, "# EOF\n");
}

const char *metrics_type(enum metrics_form form)
{
	return form == METRICS_OPEN ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
				    : "text/plain; version=0.0.4; charset=utf-8";
}

/* How much an Accept header wants a type: its q, 0 where it does not name it. */
static double wanted(const char *accept, const char *type)
{
	size_t len = strlen(type);
	const char *at = accept, *end, *q;

	for (; *at != '\0'; at = *end == ',' ? end + 1 : end) {
		at += strspn(at, " \t");
		end = at + strcspn(at, ",");
		if (strncasecmp(at, type, len) != 0 || strchr(";, \t", at[len]) == NULL)
			continue;
		q = strcasestr(at, "q=");
		return q != NULL && q < end ? strtod(q + 2, NULL) : 1;
	}
	return 0;
}

enum metrics_form metrics_form(const char *accept)
{
	double open = accept != NULL ? wanted(accept, "application/openmetrics-text") : 0;

	return open > 0 && open >= wanted(accept, "text/plain") ? METRICS_OPEN : METRICS_TEXT;
}
