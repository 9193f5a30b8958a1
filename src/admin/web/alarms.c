/* See alarms.h.
 *
 *   every 2 s: what is wrong ─▶ alarms_step ─▶ the log, a row, and (with a webhook) owed
 *   owed, the oldest first ─▶ post ─2xx─▶ not owed any more
 *                              └─ else ─▶ again, ever more slowly, for a day
 *
 * Memory comes first: an alarm about the disk must get out although nothing can be written. What is owed stands
 * in the row, so that a restart goes on with it. */
#include "admin/web/alarms.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "admin/json_time.h"
#include "admin/status.h"
#include "admin/web/api.h"
#include "admin/web/pulse.h"
#include "admin/web/web.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/json_out.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "core/policy.h"
#include "net/http_out.h"
#include "store/alarm.h"

#define STEP_MSECS 2000
#define POST_TIMEOUT_MSECS 15000
#define POST_LIFE_MSECS (24 * 60 * 60 * 1000)

struct alarm_watch {
	const struct web *web;
	struct loop_timer *timer, *retry;
	struct alarms set;
	/* the post under way */
	struct http_call *call;
	struct http_req req;
	struct arena *arena;
	int64_t posting;
	enum alarm_news news;
	int attempt;
};

/* ---- rows ---- */

struct keeping {
	struct op_alarm op;
	struct flow *flow;
	struct arena *arena;
};

static void keeping_free(struct store_op *op)
{
	arena_free(((struct keeping *)op)->arena); /* and with it the operation */
}

static void on_kept(struct store_op *op)
{
	if (!flow_redo(((struct keeping *)op)->flow, op))
		keeping_free(op);
}

static void keep(struct alarm_watch *w, const struct alarm *alarm)
{
	struct arena *a = arena_new();
	struct keeping *k = ARENA_NEW(a, struct keeping);

	k->flow = w->web->flow;
	k->arena = a;
	k->op.op = (struct store_op){ .kind = STORE_ALARM, .done = on_kept, .lost = keeping_free };
	k->op.row = *alarm;
	k->op.row.endpoint = arena_strdup(a, alarm->endpoint);
	k->op.row.bridge = arena_strdup(a, alarm->bridge);
	k->op.row.text = arena_strdup(a, alarm->text);
	k->op.row.next = arena_strdup(a, alarm->next);
	flow_submit(w->web->flow, &k->op.op);
}

/* ---- the webhook ---- */

static const char *news_word(enum alarm_news news)
{
	switch (news) {
	case ALARM_RAISED: return "raised";
	case ALARM_REMINDED: return "reminder";
	case ALARM_CLEARED: return "cleared";
	}
	return "?";
}

static int64_t news_ms(const struct alarm *a, enum alarm_news news)
{
	switch (news) {
	case ALARM_RAISED: return a->raised_ms;
	case ALARM_REMINDED: return a->reminded_ms;
	case ALARM_CLEARED: return a->cleared_ms;
	}
	return 0;
}

static void put_alarm(struct json_out *o, struct arena *a, const struct alarm *alarm)
{
	json_member_text(o, "id", arena_printf(a, "a%" PRId64, alarm->id));
	json_member_text(o, "kind", alarm_kind_word((int)alarm->kind));
	json_member_text_or_null(o, "endpoint", alarm->endpoint);
	json_member_text_or_null(o, "bridge", alarm->bridge);
	json_member_time_or_null(o, "since", alarm->since_ms);
}

const char *alarm_body(struct arena *a, const struct alarm *alarm, enum alarm_news news)
{
	struct json_out *o = json_out_new(a);

	json_begin_object(o);
	json_member_text(o, "type", arena_printf(a, "alarm.%s", news_word(news)));
	json_member_time_or_null(o, "timestamp", news_ms(alarm, news));
	json_key(o, "data");
	json_begin_object(o);
	put_alarm(o, a, alarm);
	json_member_text(o, "text", alarm->text);
	json_member_text(o, "next", alarm->next);
	json_end_object(o);
	json_end_object(o);
	return json_done(o, NULL);
}

const char *alarm_sign(struct arena *a, const char *secret, const char *id, int64_t timestamp,
    const char *body)
{
	const char *head = arena_printf(a, "%s.%" PRId64 ".", id, timestamp);
	unsigned char mac[SHA256_SIZE], *key;
	size_t len = 0;

	key = base64_decode(a, secret + strlen("whsec_"), &len);
	if (key == NULL)
		return NULL;
	hmac_sha256_joined(key, len, head, strlen(head), body, strlen(body), mac);
	return base64_encode(a, mac, sizeof(mac));
}

static struct alarm *find(struct alarm_watch *w, int64_t id)
{
	size_t i;

	for (i = 0; i < w->set.count; i++)
		if (w->set.items[i]->id == id)
			return w->set.items[i];
	return NULL;
}

static void settle(struct alarm_watch *w, struct alarm *a, enum alarm_news news)
{
	a->owed &= ~(unsigned)news;
	keep(w, a);
}

/* The oldest that is owed; what is owed for a day is no news any more. NULL: nothing is. */
static struct alarm *next_owed(struct alarm_watch *w, enum alarm_news *news)
{
	static const enum alarm_news all[] = { ALARM_RAISED, ALARM_REMINDED, ALARM_CLEARED };
	int64_t now_ms = loop_now_ms(w->web->flow->loop), at_ms, first_ms = INT64_MAX;
	struct alarm *a, *found = NULL;
	size_t i, k;

	for (i = 0; i < w->set.count; i++) {
		a = w->set.items[i];
		for (k = 0; a->owed != 0 && k < 3; k++) {
			if ((a->owed & (unsigned)all[k]) == 0)
				continue;
			at_ms = news_ms(a, all[k]);
			if (now_ms - at_ms > POST_LIFE_MSECS) {
				settle(w, a, all[k]);
			} else if (at_ms < first_ms) {
				first_ms = at_ms;
				*news = all[k];
				found = a;
			}
		}
	}
	return found;
}

static void pump(struct alarm_watch *w);

static void on_answer(void *arg, const struct http_resp *resp)
{
	struct alarm_watch *w = arg;
	struct alarm *a = find(w, w->posting);
	int64_t now_ms = loop_now_ms(w->web->flow->loop);
	bool is_taken =
	    resp->transport == TRANSPORT_OK && resp->status >= 200 && resp->status < 300;

	w->call = NULL;
	arena_free(w->arena);
	w->arena = NULL;
	if (is_taken) {
		w->attempt = 0;
		if (a != NULL)
			settle(w, a, w->news);
		pump(w);
		return;
	}
	w->attempt++;
	if (w->attempt == 1) /* once for each that does not get out */
		LOG(LOG_WARN, "alarm",
		    F_STR("alarm", a != NULL ? alarm_kind_word((int)a->kind) : NULL),
		    F_INT("status", resp->status), F_STR("effect", "retry"),
		    F_STR("err",
			resp->detail != NULL ? resp->detail
					     : "alarms.webhook did not take it; tried for 24 h"));
	loop_timer_set(w->retry,
	    policy_retry_at(w->attempt, resp->retry_after_msecs, now_ms, random_dice()) - now_ms
		+ RETRY_FIRST_MSECS);
}

static void post(struct alarm_watch *w, const struct alarm *alarm, enum alarm_news news)
{
	const struct alarms_conf *conf = &w->web->flow->config->alarms;
	struct arena *a = arena_new();
	const char *body = alarm_body(a, alarm, news), *id, *signature;
	int64_t timestamp = loop_now_ms(w->web->flow->loop) / 1000;

	id = arena_printf(a, "%s-a%" PRId64 "-%s-%" PRId64, w->web->flow->keys.inst, alarm->id,
	    news_word(news), news_ms(alarm, news));
	signature = alarm_sign(a, conf->secret, id, timestamp, body);
	w->arena = a;
	w->posting = alarm->id;
	w->news = news;
	w->req = (struct http_req){
		.method = "POST",
		.url = arena_strdup(a, conf->webhook),
		.headers = { { "webhook-id", id, false },
		    { "webhook-timestamp", arena_printf(a, "%" PRId64, timestamp), false },
		    { "webhook-signature", arena_printf(a, "v1,%s", signature), true } },
		.nheaders = 3,
		.content_type = "application/json",
		.body = body,
		.body_len = strlen(body),
		.timeout_msecs = POST_TIMEOUT_MSECS,
		.repeatable = true, /* webhook-id says that it is the same */
	};
	w->call = http_out_start(w->web->flow->wire, &w->req, on_answer, w);
}

static bool is_posted(const struct alarms_conf *conf)
{
	return conf->webhook != NULL && conf->secret != NULL;
}

static void pump(struct alarm_watch *w)
{
	enum alarm_news news = ALARM_RAISED;
	struct alarm *a;

	if (w->call != NULL || loop_timer_pending(w->retry)
	    || !is_posted(&w->web->flow->config->alarms))
		return;
	a = next_owed(w, &news);
	if (a != NULL)
		post(w, a, news);
}

static void on_retry(void *arg)
{
	pump(arg);
}

/* ---- what is wrong ---- */

static void tell(void *arg, struct alarm *a, enum alarm_news news)
{
	struct alarm_watch *w = arg;
	int64_t now_ms = loop_now_ms(w->web->flow->loop);

	if (news == ALARM_CLEARED)
		LOG(LOG_INFO, "alarm_over", F_STR("alarm", alarm_kind_word((int)a->kind)),
		    F_STR("endpoint", a->endpoint), F_STR("bridge", a->bridge),
		    F_INT("took_ms", now_ms - a->since_ms));
	else
		LOG(LOG_WARN, "alarm", F_STR("alarm", alarm_kind_word((int)a->kind)),
		    F_STR("endpoint", a->endpoint), F_STR("bridge", a->bridge),
		    F_INT("took_ms", now_ms - a->since_ms), F_STR("err", a->text));
	keep(w, a);
}

static void step(struct alarm_watch *w)
{
	const struct alarms_conf *conf = &w->web->flow->config->alarms;
	const struct alarm_rules rules = { conf->raise_after_msecs, conf->remind_msecs,
		is_posted(conf) };
	const struct alarm_now now = { clock_mono_ms(), loop_now_ms(w->web->flow->loop) };
	struct arena *a = arena_new();
	struct alarm_fact *facts;
	struct status s;
	size_t i;

	status_gather(a, w->web, &s);
	facts = arena_zalloc(a, (s.nproblems + 1) * sizeof(*facts));
	for (i = 0; i < s.nproblems; i++)
		facts[i] = (struct alarm_fact){ s.problems[i].kind, s.problems[i].endpoint,
			s.problems[i].bridge, s.problems[i].since_ms, s.problems[i].text,
			s.problems[i].next };
	alarms_step(&w->set, &rules, facts, s.nproblems, now, tell, w);
	arena_free(a);
	pump(w);
}

static void on_timer(void *arg)
{
	struct alarm_watch *w = arg;

	/* A relay that stops finds nothing wrong, and one that has not looked at its store yet knows nothing. */
	if (!w->web->flow->draining && pulse_counts(w->web->pulse) != NULL)
		step(w);
	loop_timer_set(w->timer, STEP_MSECS);
}

/* ---- for programs ---- */

static void put_item(struct json_out *o, struct arena *a, const struct alarm *alarm)
{
	json_begin_object(o);
	put_alarm(o, a, alarm);
	json_member_time_or_null(o, "raised", alarm->raised_ms);
	json_member_time_or_null(o, "reminded", alarm->reminded_ms);
	json_member_time_or_null(o, "cleared", alarm->cleared_ms);
	json_member_bool(o, "owed", alarm->owed != 0);
	json_member_text(o, "text", alarm->text);
	json_member_text(o, "next", alarm->next);
	json_end_object(o);
}

/* NULL, or what is wrong with it. before: ids below; 0: all. */
static const char *read_query(const struct api_call *c, struct api_page *page, int64_t *before)
{
	const char *wrong = api_page_read(c, page);
	char *end;

	*before = 0;
	if (wrong != NULL || page->cursor == NULL)
		return wrong;
	*before = strtoll(page->cursor, &end, 10);
	return end == page->cursor || *end != '\0' || *before < 1
	    ? "cursor: it is none that was given"
	    : NULL;
}

static bool is_asked(const struct alarm *a, const struct api_page *page, int64_t before)
{
	return a->id != 0 && (before == 0 || a->id < before) && a->raised_ms >= page->since_ms
	    && (page->until_ms == 0 || a->raised_ms <= page->until_ms);
}

void alarms_web_list(struct api_call *c)
{
	const struct alarms *s = alarm_watch_all(c->web->alarms);
	struct json_out *o = json_out_new(c->arena);
	struct api_page page;
	int64_t last = 0, n = 0, before;
	const char *body, *wrong = read_query(c, &page, &before);
	size_t i, len;

	if (wrong != NULL) {
		api_problem(c, API_INVALID, wrong, NULL);
		return;
	}
	json_begin_object(o);
	json_key(o, "items");
	json_begin_array(o);
	for (i = s->count; i-- > 0 && n < page.limit;) {
		if (!is_asked(s->items[i], &page, before))
			continue;
		put_item(o, c->arena, s->items[i]);
		last = s->items[i]->id;
		n++;
	}
	json_end_array(o);
	json_member_text_or_null(o, "next",
	    n == page.limit && last > 1 ? arena_printf(c->arena, "%" PRId64, last) : NULL);
	json_end_object(o);
	body = json_done(o, &len);
	api_reply(c, 200, body, len);
}

/* ---- life ---- */

struct alarm_watch *alarm_watch_new(const struct web *web)
{
	struct alarm_watch *w = xcalloc(1, sizeof(*w));

	w->web = web;
	alarms_init(&w->set);
	w->timer = loop_timer_new(web->flow->loop, on_timer, w);
	w->retry = loop_timer_new(web->flow->loop, on_retry, w);
	return w;
}

int alarm_watch_load(struct alarm_watch *w, struct err *err)
{
	const struct alarm_now now = { clock_mono_ms(), loop_now_ms(w->web->flow->loop) };
	struct op_alarms op = { .op = { .kind = STORE_ALARMS }, .arena = arena_new() };
	size_t i;

	store_run(w->web->flow->store, &op.op);
	for (i = 0; op.op.result == 0 && i < op.nrows; i++)
		alarms_restore(&w->set, &op.rows[i], now);
	arena_free(op.arena);
	return op.op.result == 0 ? 0 : err_set(err, "reading back alarms: %s", op.op.err.text);
}

void alarm_watch_start(struct alarm_watch *w)
{
	loop_timer_set(w->timer, STEP_MSECS);
}

const struct alarms *alarm_watch_all(const struct alarm_watch *w)
{
	return &w->set;
}

void alarm_watch_free(struct alarm_watch *w)
{
	if (w == NULL)
		return;
	if (w->call != NULL)
		http_out_cancel(w->call);
	arena_free(w->arena);
	loop_timer_free(w->timer);
	loop_timer_free(w->retry);
	alarms_fini(&w->set);
	xfree(w);
}
