/* See status.h. First what is, as numbers and words; then the document. What is wrong, and what to do, is
 * status_problems.c. */
#include "admin/status.h"

#include <string.h>
#include <unistd.h>

#include "admin/json_time.h"
#include "admin/status_problems.h"
#include "admin/web/alarms.h"
#include "admin/web/pulse.h"
#include "admin/web/web.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/json_in.h"
#include "base/json_out.h"
#include "base/log.h"
#include "flow/control.h"
#include "flow/endpoint.h"

#define SLOW_MSECS 1000

/* ---- what is on disk, by the configuration's names ---- */

static const struct status_bridge *counts_of(const struct op_status *counts, int bridge)
{
	size_t i;

	for (i = 0; counts != NULL && i < counts->nbridges; i++)
		if (counts->bridges[i].bridge == bridge)
			return &counts->bridges[i];
	return NULL;
}

static size_t index_of(const struct config *c, const struct endpoint_conf *e)
{
	return (size_t)(e - c->endpoints);
}

static void gather_bridge(struct status *s, const struct config *c, size_t i,
    const struct op_status *counts)
{
	const struct bridge_conf *b = &c->bridges[i];
	const struct status_bridge *on_disk = counts_of(counts, b->id);
	const size_t ends[] = { [SIDE_CUSTOMERS] = index_of(c, b->customers),
		[SIDE_AGENTS] = index_of(c, b->agents) };
	struct status_bridge_row *row = &s->bridges[i];
	int to;

	row->name = b->name;
	row->customers = b->customers->name;
	row->agents = b->agents->name;
	for (to = 0; to < 2; to++) {
		row->ways[to].median_ms = -1;
		if (on_disk == NULL)
			continue;
		row->ways[to].delivered_24h = on_disk->delivered_24h[to];
		row->ways[to].waiting = on_disk->waiting[to];
		if (on_disk->waiting[to] > 0 && s->now_ms > on_disk->oldest_ms[to])
			row->ways[to].oldest_ms = s->now_ms - on_disk->oldest_ms[to];
		s->endpoints[ends[to]].sent_24h += on_disk->delivered_24h[to];
		s->endpoints[ends[to]].waiting += on_disk->waiting[to];
	}
	row->parked = on_disk != NULL ? on_disk->parked : 0;
}

static struct status_endpoint *endpoint_row(const struct status *s, const struct config *c, int id)
{
	size_t i;

	for (i = 0; i < c->nendpoints; i++)
		if (c->endpoints[i].id == id)
			return &s->endpoints[i];
	return NULL;
}

static void gather_parked(struct status *s, const struct config *c, const struct op_status *counts)
{
	const struct status_parked *p;
	const struct bridge_conf *b;
	struct status_endpoint *row;
	size_t i, k;

	for (i = 0; counts != NULL && i < counts->nparked; i++) {
		p = &counts->parked[i];
		if ((unsigned)p->reason < REASON_COUNT)
			s->parked[p->reason] += p->count;
		for (k = 0; k < c->nbridges; k++) {
			b = &c->bridges[k];
			if (b->id != p->bridge)
				continue;
			row = &s->endpoints[index_of(c,
			    p->to == SIDE_AGENTS ? b->agents : b->customers)];
			row->parked += p->count;
		}
	}
	for (i = 0; counts != NULL && i < counts->nraws; i++) {
		s->parked[REASON_UNPARSABLE] += counts->raws[i].count;
		row = endpoint_row(s, c, counts->raws[i].endpoint);
		if (row != NULL)
			row->parked += counts->raws[i].count;
	}
}

static void gather_names(struct arena *a, const struct config *c, const struct op_status *counts,
    struct status *s)
{
	size_t i;

	s->nendpoints = c->nendpoints;
	s->endpoints = arena_zalloc(a, (c->nendpoints + 1) * sizeof(*s->endpoints));
	for (i = 0; i < c->nendpoints; i++) {
		s->endpoints[i].name = c->endpoints[i].name;
		s->endpoints[i].platform = c->endpoints[i].connector->name;
		s->endpoints[i].host = c->endpoints[i].host;
		s->endpoints[i].width_most = (int)c->endpoints[i].concurrency;
	}
	s->nbridges = c->nbridges;
	s->bridges = arena_zalloc(a, (c->nbridges + 1) * sizeof(*s->bridges));
	for (i = 0; i < c->nbridges; i++)
		gather_bridge(s, c, i, counts);
	gather_parked(s, c, counts);
}

static void gather_store(struct status *s, const struct config *c, const struct store_health *h)
{
	s->store.path = c->store;
	s->store.bytes = h->bytes;
	s->store.disk_free = h->disk_free;
	s->store.disk_reserve = c->limits.disk_reserve;
	s->store.schema = h->schema;
	s->store.mailbox = h->waiting;
	s->store.state = "ok";
	if (h->stuck_msecs > SLOW_MSECS)
		s->store.state = "slow";
	if (h->last_fault != STORE_FAULT_NONE)
		s->store.state = "error";
	if (h->last_fault == STORE_FAULT_DISK_FULL
	    || (h->disk_free >= 0 && h->disk_free < s->store.disk_reserve))
		s->store.state = "disk_low";
}

/* ---- what runs ---- */

static void gather_endpoint(struct arena *a, struct status_endpoint *row, const struct endpoint *e,
    int64_t now_ms)
{
	row->state = endpoint_state_word(endpoint_shown(e));
	row->note = e->note[0] != '\0' ? e->note : NULL;
	if (e->control != CONTROL_RUN)
		row->note = arena_printf(a, "until tieline resume %s", row->name);
	row->since_ms = e->state_since_ms;
	row->last_callback_ms = e->stats.last_hook_ms;
	row->errors_24h = (int64_t)day_sum(&e->stats.errors, now_ms);
	row->width = e->gate.width.now;
	row->is_open = gate_is_open(&e->gate) && gate_shut_for(&e->gate) == 0;
}

/* Nothing leaves for it, or nothing is known to arrive. */
static bool is_unusable(const struct endpoint *e)
{
	switch (endpoint_shown(e)) {
	case ENDPOINT_OK:
	case ENDPOINT_SLOW:
	case ENDPOINT_WRONG: /* its callbacks may be all that is wrong: the gate tells */
	case ENDPOINT_DRAINING: return e->gate.is_shut;
	case ENDPOINT_LOCKED:
	case ENDPOINT_DOWN:
	case ENDPOINT_CREDENTIALS:
	case ENDPOINT_NOT_ENABLED:
	case ENDPOINT_PAUSED:
	case ENDPOINT_STARTING: return true;
	}
	return false;
}

static const char *bridge_state(struct flow *f, const struct bridge_conf *b,
    const struct status_bridge_row *row)
{
	int64_t most = f->config->alarms.backlog_age_msecs;

	if (b->control != CONTROL_RUN)
		return control_word(b->control);
	if (is_unusable(endpoint_find(f, b->customers->id))
	    || is_unusable(endpoint_find(f, b->agents->id)))
		return "blocked";
	if (row->ways[SIDE_AGENTS].oldest_ms > most || row->ways[SIDE_CUSTOMERS].oldest_ms > most)
		return "behind";
	return "ok";
}

static int64_t repaired_at(const struct flow *f, const struct endpoint_conf *given, int64_t now_ms)
{
	size_t i;

	for (i = 0; i < f->nendpoints; i++)
		if (f->endpoints[i].given == given)
			return (int64_t)day_sum(&f->endpoints[i].stats.repaired_24h, now_ms);
	return 0;
}

static void gather_medians(struct status_bridge_row *row, const struct bridge_stats *stats)
{
	int to;

	for (to = 0; to < 2; to++)
		if (stats->relay_seconds[to].total > 0)
			row->ways[to].median_ms =
			    (int64_t)(histogram_quantile(&stats->relay_seconds[to], 0.5) * 1000
				+ 0.5);
}

static bool is_about(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void name_alarms(const struct alarms *all, struct status *s)
{
	struct status_problem *p;
	const struct alarm *a;
	size_t i;

	for (p = s->problems; p < s->problems + s->nproblems; p++)
		for (i = 0; i < all->count; i++) {
			a = all->items[i];
			if (alarm_is_raised(a) && a->kind == p->kind
			    && is_about(a->endpoint, p->endpoint) && is_about(a->bridge, p->bridge))
				p->alarm = a->id;
		}
}

static void gather_page(struct arena *a, const struct config *c, struct status *s)
{
	const char *at = c->admin.listen;

	s->relay.has_page = c->admin.how != ADMIN_LISTEN_NONE;
	if (!s->relay.has_page || c->admin.password == NULL)
		return;
	if (c->admin.how == ADMIN_LISTEN_SAME && c->public_url != NULL)
		s->relay.page = arena_printf(a, "%s/admin", c->public_url);
	else
		s->relay.page = arena_printf(a, "http://%s/admin",
		    c->admin.how == ADMIN_LISTEN_SAME ? c->listen.items[0] : at);
}

void status_gather(struct arena *a, const struct web *w, struct status *s)
{
	struct flow *f = w->flow;
	struct store_health health;
	size_t i;

	*s = (struct status){ .now_ms = loop_now_ms(f->loop) };
	s->relay.is_running = true;
	s->relay.is_draining = f->draining;
	s->relay.pid = (int64_t)getpid();
	s->relay.since_ms = w->started_ms;
	s->relay.config = f->config->path;
	s->relay.callbacks_per_sec = pulse_hooks_per_sec(w->pulse);
	gather_page(a, f->config, s);
	store_health(f->store, &health);
	gather_store(s, f->config, &health);
	gather_names(a, f->config, pulse_counts(w->pulse), s);
	for (i = 0; i < f->nendpoints; i++)
		gather_endpoint(a, &s->endpoints[i], endpoint_find(f, f->config->endpoints[i].id),
		    s->now_ms);
	for (i = 0; i < f->config->nbridges; i++) {
		gather_medians(&s->bridges[i], &f->stats.bridges[i]);
		s->bridges[i].repaired_24h =
		    repaired_at(f, f->config->bridges[i].customers, s->now_ms)
		    + repaired_at(f, f->config->bridges[i].agents, s->now_ms);
		s->bridges[i].state = bridge_state(f, &f->config->bridges[i], &s->bridges[i]);
	}
	status_find_problems(a, f, &health, s);
	name_alarms(alarm_watch_all(w->alarms), s);
}

void status_gather_stopped(struct arena *a, const struct config *c, const struct op_status *counts,
    const struct store_health *health, struct status *s)
{
	*s = (struct status){ .now_ms = clock_wall_ms() };
	s->relay.config = c->path;
	gather_store(s, c, health);
	gather_names(a, c, counts, s);
	status_find_problems_stopped(a, c, health, s);
}

/* ---- the document ---- */

static void member_int_or_null(struct json_out *o, const char *key, int64_t n, bool is_known)
{
	json_key(o, key);
	if (is_known)
		json_put_int(o, n);
	else
		json_put_null(o);
}

static void write_relay(struct json_out *o, struct arena *a, const struct status *s)
{
	bool runs = s->relay.is_running;

	json_key(o, "relay");
	json_begin_object(o);
	json_member_bool(o, "running", runs);
	json_member_text(o, "version", TIELINE_VERSION);
	member_int_or_null(o, "pid", s->relay.pid, runs);
	json_member_time_or_null(o, "since", s->relay.since_ms);
	member_int_or_null(o, "uptime_ms", s->now_ms - s->relay.since_ms, runs);
	json_member_bool(o, "draining", s->relay.is_draining);
	json_member_text_or_null(o, "config", s->relay.config);
	json_key(o, "callbacks_per_sec");
	if (runs)
		json_put_number(o, arena_printf(a, "%.2f", s->relay.callbacks_per_sec));
	else
		json_put_null(o);
	if (s->relay.has_page)
		json_member_text_or_null(o, "page", s->relay.page);
	json_end_object(o);
}

static void write_store(struct json_out *o, const struct status *s)
{
	json_key(o, "store");
	json_begin_object(o);
	json_member_text(o, "state", s->store.state);
	json_member_text(o, "path", s->store.path);
	json_member_int(o, "schema", s->store.schema);
	json_member_int(o, "bytes", s->store.bytes);
	member_int_or_null(o, "disk_free", s->store.disk_free, s->store.disk_free >= 0);
	json_member_int(o, "disk_reserve", s->store.disk_reserve);
	member_int_or_null(o, "mailbox", s->store.mailbox, s->relay.is_running);
	json_end_object(o);
}

void status_put_endpoint(struct json_out *o, const struct status *s,
    const struct status_endpoint *e)
{
	bool runs = s->relay.is_running;

	json_begin_object(o);
	json_member_text(o, "name", e->name);
	json_member_text(o, "platform", e->platform);
	json_member_text_or_null(o, "state", e->state);
	json_member_text_or_null(o, "note", e->note);
	json_member_time_or_null(o, "since", e->since_ms);
	json_member_int(o, "sent_24h", e->sent_24h);
	member_int_or_null(o, "errors_24h", e->errors_24h, runs);
	json_member_int(o, "waiting", e->waiting);
	json_member_int(o, "parked", e->parked);
	member_int_or_null(o, "width", e->width, runs);
	json_member_int(o, "width_most", e->width_most);
	json_key(o, "open");
	if (runs)
		json_put_bool(o, e->is_open);
	else
		json_put_null(o);
	json_member_time_or_null(o, "last_callback", e->last_callback_ms);
	json_end_object(o);
}

static void write_way(struct json_out *o, const char *key, const struct status_way *w)
{
	json_key(o, key);
	json_begin_object(o);
	json_member_int(o, "delivered_24h", w->delivered_24h);
	member_int_or_null(o, "median_ms", w->median_ms, w->median_ms >= 0);
	json_member_int(o, "waiting", w->waiting);
	member_int_or_null(o, "oldest_ms", w->oldest_ms, w->waiting > 0);
	json_end_object(o);
}

void status_put_bridge(struct json_out *o, const struct status_bridge_row *b)
{
	json_begin_object(o);
	json_member_text(o, "name", b->name);
	json_member_text(o, "customers", b->customers);
	json_member_text(o, "agents", b->agents);
	json_member_text_or_null(o, "state", b->state);
	write_way(o, "to_agents", &b->ways[SIDE_AGENTS]);
	write_way(o, "to_customers", &b->ways[SIDE_CUSTOMERS]);
	json_member_int(o, "parked", b->parked);
	json_member_int(o, "repaired_24h", b->repaired_24h);
	json_end_object(o);
}

static void write_parked(struct json_out *o, const struct status *s)
{
	int64_t total = 0;
	int i;

	for (i = 0; i < REASON_COUNT; i++)
		total += s->parked[i];
	json_key(o, "parked");
	json_begin_object(o);
	json_member_int(o, "total", total);
	json_key(o, "reasons");
	json_begin_object(o);
	for (i = 0; i < REASON_COUNT; i++)
		if (s->parked[i] > 0)
			json_member_int(o, i == REASON_NONE ? "unknown" : reason_word(i),
			    s->parked[i]);
	json_end_object(o);
	json_end_object(o);
}

static void write_problem(struct json_out *o, struct arena *a, const struct status_problem *p)
{
	json_begin_object(o);
	json_member_text(o, "kind", alarm_kind_word((int)p->kind));
	json_member_text_or_null(o, "endpoint", p->endpoint);
	json_member_text_or_null(o, "bridge", p->bridge);
	json_member_time_or_null(o, "since", p->since_ms);
	json_member_text_or_null(o, "alarm",
	    p->alarm != 0 ? arena_printf(a, "a%lld", (long long)p->alarm) : NULL);
	json_member_text(o, "text", p->text);
	json_member_text(o, "next", p->next);
	json_end_object(o);
}

const char *status_json(struct arena *a, const struct status *s, size_t *len)
{
	struct json_out *o = json_out_new(a);
	size_t i;

	json_begin_object(o);
	json_member_bool(o, "ok", s->relay.is_running && s->nproblems == 0);
	write_relay(o, a, s);
	write_store(o, s);
	json_key(o, "endpoints");
	json_begin_array(o);
	for (i = 0; i < s->nendpoints; i++)
		status_put_endpoint(o, s, &s->endpoints[i]);
	json_end_array(o);
	json_key(o, "bridges");
	json_begin_array(o);
	for (i = 0; i < s->nbridges; i++)
		status_put_bridge(o, &s->bridges[i]);
	json_end_array(o);
	write_parked(o, s);
	json_key(o, "problems");
	json_begin_array(o);
	for (i = 0; i < s->nproblems; i++)
		write_problem(o, a, &s->problems[i]);
	json_end_array(o);
	json_end_object(o);
	return json_done(o, len);
}

/* ---- one line, and the log ---- */

const char *status_first_line(struct arena *a, const struct web *w)
{
	struct json_error error;
	struct status s;
	const char *text;
	size_t len;

	status_gather(a, w, &s);
	text = status_json(a, &s, &len);
	return status_line(a, json_read(a, text, len, &error));
}

static void log_bridge(const struct status_bridge_row *b)
{
	const struct status_way *up = &b->ways[SIDE_AGENTS], *down = &b->ways[SIDE_CUSTOMERS];

	LOG(LOG_INFO, "admin", F_STR("who", "signal"), F_STR("bridge", b->name),
	    F_STR("status", b->state), F_INT("count", up->waiting + down->waiting),
	    F_INT("wait_ms", up->oldest_ms > down->oldest_ms ? up->oldest_ms : down->oldest_ms));
}

void status_log(const struct web *w)
{
	struct arena *a = arena_new();
	struct status s;
	size_t i;

	status_gather(a, w, &s);
	LOG(LOG_INFO, "admin", F_STR("who", "signal"),
	    F_STR("status", s.nproblems == 0 ? "ok" : "not ok"),
	    F_STR("reason", status_first_line(a, w)));
	for (i = 0; i < s.nendpoints; i++)
		LOG(LOG_INFO, "admin", F_STR("who", "signal"),
		    F_STR("endpoint", s.endpoints[i].name), F_STR("status", s.endpoints[i].state),
		    F_INT("count", s.endpoints[i].waiting), F_STR("reason", s.endpoints[i].note));
	for (i = 0; i < s.nbridges; i++)
		log_bridge(&s.bridges[i]);
	for (i = 0; i < s.nproblems; i++)
		LOG(LOG_WARN, "admin", F_STR("who", "signal"),
		    F_STR("alarm", alarm_kind_word((int)s.problems[i].kind)),
		    F_STR("endpoint", s.problems[i].endpoint),
		    F_STR("bridge", s.problems[i].bridge), F_STR("err", s.problems[i].text));
	arena_free(a);
}
