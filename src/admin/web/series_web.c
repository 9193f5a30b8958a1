/* See series_web.h. */
#include "admin/web/series_web.h"

#include <stdlib.h>
#include <string.h>

#include "admin/json_time.h"
#include "admin/web/api.h"
#include "admin/web/pulse.h"
#include "admin/web/series.h"
#include "admin/web/web.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/json_out.h"
#include "base/mem.h"
#include "flow/endpoint.h"

#define LOOK_EVERY_MSECS 5000

struct series_watch {
	const struct web *web;
	struct loop_timer *timer;
	struct series *series;
};

/* ---- looking ---- */

static void add_endpoint(const struct endpoint_stats *s, double *v)
{
	size_t i, k;

	for (i = 0; i < HOOK_RESULT_COUNT; i++)
		v[SERIES_HOOKS] += (double)s->hooks[i];
	for (i = 0; i < REFUSE_COUNT; i++)
		v[SERIES_HOOKS] += (double)s->refused[i];
	for (i = 0; i < STEP_COUNT; i++)
		for (k = 0; k < EFFECT_COUNT; k++)
			v[SERIES_REQUESTS] += (double)s->requests[i][k];
	for (i = 0; i < REASON_COUNT; i++)
		v[SERIES_RETRIES] += (double)s->retries[i];
	v[SERIES_REPAIRED] += (double)s->repaired;
}

static void add_relayed(const struct bridge_stats *s, double *v)
{
	int origin;

	for (origin = ORIGIN_LIVE; origin <= ORIGIN_REPAIR; origin++) {
		v[SERIES_RELAYED_AGENTS] += (double)s->relayed[SIDE_AGENTS][origin];
		v[SERIES_RELAYED_CUSTOMERS] += (double)s->relayed[SIDE_CUSTOMERS][origin];
	}
}

static void add_waiting(const struct op_status *counts, int64_t now_ms, double *v)
{
	static const enum series_line waiting[] = { [SIDE_CUSTOMERS] = SERIES_WAITING_CUSTOMERS,
		[SIDE_AGENTS] = SERIES_WAITING_AGENTS };
	static const enum series_line oldest[] = { [SIDE_CUSTOMERS] = SERIES_OLDEST_CUSTOMERS,
		[SIDE_AGENTS] = SERIES_OLDEST_AGENTS };
	const struct status_bridge *b;
	double age;
	size_t i;
	int to;

	for (i = 0; i < counts->nbridges; i++)
		for (to = 0; to < 2; to++) {
			b = &counts->bridges[i];
			v[waiting[to]] += (double)b->waiting[to];
			age = b->waiting[to] > 0 && b->oldest_ms[to] > 0
			    ? (double)(now_ms - b->oldest_ms[to]) / 1000.0
			    : 0;
			if (age > v[oldest[to]])
				v[oldest[to]] = age;
		}
	for (i = 0; i < counts->nparked; i++)
		v[SERIES_PARKED] += (double)counts->parked[i].count;
	for (i = 0; i < counts->nraws; i++)
		v[SERIES_PARKED] += (double)counts->raws[i].count;
}

static void look(struct series_watch *s)
{
	static const enum series_line of_disk[] = { SERIES_PARKED, SERIES_WAITING_AGENTS,
		SERIES_WAITING_CUSTOMERS, SERIES_OLDEST_AGENTS, SERIES_OLDEST_CUSTOMERS };
	const struct flow *f = s->web->flow;
	const struct op_status *counts = pulse_counts(s->web->pulse);
	double v[SERIES_LINE_COUNT] = { 0 };
	struct store_health health;
	size_t i;

	for (i = 0; i < f->nendpoints; i++)
		add_endpoint(&f->endpoints[i].stats, v);
	for (i = 0; i < f->config->nbridges; i++)
		add_relayed(&f->stats.bridges[i], v);
	if (counts != NULL)
		add_waiting(counts, loop_now_ms(f->loop), v);
	for (i = 0; counts == NULL && i < sizeof(of_disk) / sizeof(of_disk[0]); i++)
		v[of_disk[i]] = -1;
	store_health(f->store, &health);
	v[SERIES_STORE_MAILBOX] = (double)health.waiting;
	v[SERIES_STORE_BYTES] = (double)health.bytes;
	v[SERIES_DISK_FREE] = (double)health.disk_free;
	series_take(s->series, clock_mono_ms(), v);
}

static void on_timer(void *arg)
{
	struct series_watch *s = arg;

	look(s);
	loop_timer_set(s->timer, LOOK_EVERY_MSECS);
}

/* ---- telling ---- */

static void list_metrics(struct api_call *c)
{
	struct json_out *o = json_out_new(c->arena);
	const char *body, *last = "";
	size_t len;
	int line;

	json_begin_object(o);
	json_key(o, "items");
	json_begin_array(o);
	for (line = 0; line < SERIES_LINE_COUNT; line++) {
		if (strcmp(series_metric((enum series_line)line), last) != 0)
			json_put_text(o, series_metric((enum series_line)line));
		last = series_metric((enum series_line)line);
	}
	json_end_array(o);
	json_key(o, "next");
	json_put_null(o);
	json_end_object(o);
	body = json_done(o, &len);
	api_reply(c, 200, body, len);
}

static void put_line(struct api_call *c, struct json_out *o, enum series_line line, int minutes)
{
	const struct series *s = c->web->series->series;
	int64_t now_ms = clock_mono_ms();
	double value;
	int i;

	json_begin_object(o);
	json_key(o, "labels");
	json_begin_object(o);
	json_member_text(o, "direction", series_label(line));
	json_end_object(o);
	json_key(o, "values");
	json_begin_array(o);
	for (i = minutes - 1; i >= 0; i--) {
		if (series_at(s, line, now_ms, i, &value))
			json_put_number(o, arena_printf(c->arena, "%.9g", value));
		else
			json_put_null(o);
	}
	json_end_array(o);
	json_end_object(o);
}

static void show(struct api_call *c, const char *metric, int minutes)
{
	struct json_out *o = json_out_new(c->arena);
	const char *body;
	size_t len;
	int line;

	json_begin_object(o);
	json_member_text(o, "metric", metric);
	json_member_int(o, "minutes", minutes);
	json_member_time(o, "until", loop_now_ms(c->web->flow->loop));
	json_key(o, "series");
	json_begin_array(o);
	for (line = 0; line < SERIES_LINE_COUNT; line++)
		if (strcmp(series_metric((enum series_line)line), metric) == 0)
			put_line(c, o, (enum series_line)line, minutes);
	json_end_array(o);
	json_end_object(o);
	body = json_done(o, &len);
	api_reply(c, 200, body, len);
}

void series_web_show(struct api_call *c)
{
	const char *metric = api_query(c, "metric"), *text = api_query(c, "minutes");
	char *end = NULL;
	long minutes = text != NULL ? strtol(text, &end, 10) : SERIES_MINUTES;
	int line = 0;

	if (metric == NULL) {
		list_metrics(c);
		return;
	}
	while (
	    line < SERIES_LINE_COUNT && strcmp(series_metric((enum series_line)line), metric) != 0)
		line++;
	if (line == SERIES_LINE_COUNT)
		api_problem(c, API_INVALID, "metric: there is no series of that name",
		    "GET /api/v1/series lists them");
	else if ((end != NULL && (end == text || *end != '\0')) || minutes < 1
	    || minutes > SERIES_MINUTES)
		api_problem(c, API_INVALID, "minutes: allowed: 1 to 1440", NULL);
	else
		show(c, metric, (int)minutes);
}

/* ---- life ---- */

struct series_watch *series_watch_new(const struct web *w)
{
	struct series_watch *s = xcalloc(1, sizeof(*s));

	s->web = w;
	s->timer = loop_timer_new(w->flow->loop, on_timer, s);
	s->series = series_new();
	return s;
}

void series_watch_start(struct series_watch *s)
{
	on_timer(s);
}

void series_watch_free(struct series_watch *s)
{
	if (s == NULL)
		return;
	loop_timer_free(s->timer);
	series_free(s->series);
	xfree(s);
}
