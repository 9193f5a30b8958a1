/* See endpoint.h. An errand is one request of the endpoint's own; they run one after the other, and
 * while one is due the gate is shut. An errand that fails is tried again ever more slowly; refused
 * credentials are tried again too, since the operator may mend them at the far side. */
#include "flow/endpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/json_in.h"
#include "base/json_out.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/policy.h"
#include "flow/errand.h"
#include "flow/kept.h"
#include "flow/mirror.h"
#include "flow/pager.h"
#include "flow/reconcile.h"
#include "flow/standings.h"
#include "store/alarm.h"

#define REFUSED_RETRY_MSECS (60 * 1000)
#define MEMO_OPENS_AT "opens_at" /* ms: we are locked out until then */

struct errand {
	struct endpoint *endpoint;
	struct arena *arena;
	struct http_req req;
	struct http_call *call;
	struct config *config; /* a reference, while its request is under way */
	struct job job;
	struct loop_timer *timer; /* to try again, or to look what is due */
	int attempt;
};

const char *endpoint_state_word(enum endpoint_state state)
{
	static const char *const words[] = { "ok", "slow", "locked", "down", "credentials", "wrong",
		"not_enabled", "paused", "draining", "down" };

	return words[state];
}

enum endpoint_state endpoint_shown(const struct endpoint *e)
{
	switch (e->control) {
	case CONTROL_RUN: break;
	case CONTROL_PAUSED: return ENDPOINT_PAUSED;
	case CONTROL_DRAINING: return ENDPOINT_DRAINING;
	}
	return e->state;
}

struct via endpoint_via(const struct endpoint *e)
{
	return (struct via){
		.endpoint = &e->conf,
		.conf = e->conf.conf,
		.keys = &e->flow->keys,
		.memo = e->memo,
		.nmemo = e->nmemo,
		.now_ms = loop_now_ms(e->flow->loop),
		.heard_ms = e->stats.last_hook_ms > 0 ? e->stats.last_hook_ms : e->began_ms,
	};
}

/* Callbacks that nothing can prove genuine are refused, so all may be well but for them. */
static bool is_deaf(const struct endpoint *e)
{
	return !e->conf.poll && e->conf.webhook_secret.n == 0 && !e->conf.caps->key_proves;
}

static void set_state(struct endpoint *e, enum endpoint_state state, const char *note)
{
	if (state == ENDPOINT_OK && is_deaf(e)) {
		state = ENDPOINT_WRONG;
		note = "no webhook_secret, so its callbacks are refused";
	}
	snprintf(e->note, sizeof(e->note), "%s", note != NULL ? note : "");
	if (e->state == state)
		return;
	e->state = state;
	e->state_since_ms = loop_now_ms(e->flow->loop);
	LOG(state == ENDPOINT_OK ? LOG_INFO : LOG_WARN, "endpoint_state",
	    F_STR("endpoint", e->conf.name), F_STR("reason", endpoint_state_word(state)),
	    F_STR("err", note));
}

/* ---- what it remembers ---- */

static void memo_set(struct endpoint *e, const struct memo *m)
{
	size_t i;

	for (i = 0; i < e->nmemo && strcmp(e->memo[i].key, m->key) != 0; i++)
		;
	if (i == MEMO_MAX)
		return;
	if (i == e->nmemo)
		e->memo[e->nmemo++] = (struct memo){ .key = xstrdup(m->key) };
	xfree((char *)e->memo[i].value);
	e->memo[i].value = xstrdup(m->value);
	e->memo[i].lasting = m->lasting;
}

static void learn_tenant(struct endpoint *e)
{
	struct via via = endpoint_via(e);

	if (e->given->tenant != NULL)
		return;
	e->conf.tenant = memo_get(&via, "tenant");
	if (e->conf.tenant == NULL)
		e->conf.tenant = memo_get(&via, "account");
}

struct memo_save {
	struct op_endpoint op;
	struct flow *flow;
	struct arena *arena;
};

static void memo_save_free(struct store_op *op)
{
	struct memo_save *s = (struct memo_save *)op;

	arena_free(s->arena);
	xfree(s);
}

static void on_memo_saved(struct store_op *op)
{
	if (!flow_redo(((struct memo_save *)op)->flow, op))
		memo_save_free(op);
}

static void save_memo(struct endpoint *e)
{
	struct memo_save *s = xcalloc(1, sizeof(*s));
	struct json_out *o;
	size_t i;

	s->flow = e->flow;
	s->arena = arena_new();
	o = json_out_new(s->arena);
	json_begin_object(o);
	for (i = 0; i < e->nmemo; i++)
		if (e->memo[i].lasting)
			json_member_text(o, e->memo[i].key, e->memo[i].value);
	json_end_object(o);
	s->op.op.kind = STORE_ENDPOINT;
	s->op.op.done = on_memo_saved;
	s->op.op.lost = memo_save_free;
	s->op.endpoint = e->conf.id;
	s->op.memo = json_done(o, NULL);
	flow_submit(e->flow, &s->op.op);
}

static void load_memo(struct endpoint *e)
{
	struct arena *a = arena_new();
	const char *text = store_endpoint_memo(e->flow->store, a, e->conf.id);
	struct json_error error;
	const struct json *j, *m;

	j = text != NULL ? json_read(a, text, strlen(text), &error) : NULL;
	for (m = j != NULL ? j->child : NULL; m != NULL; m = m->next)
		if (m->type == JSON_STRING)
			memo_set(e, &(struct memo){ m->key, m->text, true });
	arena_free(a);
	learn_tenant(e);
	kept_apply(&e->conf, e->given, e->memo, e->nmemo);
}

/* What people look for in the log. */
static void say_learned(const struct endpoint *e, const struct memo *m)
{
	const struct via via = endpoint_via(e);
	const char *before = memo_get(&via, m->key);

	if (strcmp(m->key, MEMO_SESSION) == 0 && m->value != NULL)
		LOG(LOG_INFO, "session_up", F_STR("endpoint", e->conf.name));
	else if (strcmp(m->key, MEMO_SESSION) == 0 && before != NULL)
		LOG(LOG_INFO, "session_down", F_STR("endpoint", e->conf.name));
	else if (strcmp(m->key, MEMO_TOKEN_RENEWED) == 0 && m->value != NULL)
		LOG(LOG_INFO, "token_renewed", F_STR("endpoint", e->conf.name));
}

void endpoint_learn(struct endpoint *e, const struct memo *memo, size_t count)
{
	bool lasting = false;
	size_t i;

	for (i = 0; i < count; i++) {
		say_learned(e, &memo[i]);
		lasting |= memo[i].lasting;
		memo_set(e, &memo[i]);
	}
	if (count > 0)
		learn_tenant(e);
	kept_apply(&e->conf, e->given, e->memo, e->nmemo);
	if (lasting)
		save_memo(e);
}

/* ---- locked out ---- */

static bool is_locked(const struct endpoint *e)
{
	return e->state == ENDPOINT_LOCKED && gate_shut_for(&e->gate) > 0;
}

static void show_lock(struct endpoint *e, int64_t until_ms)
{
	const time_t secs = (time_t)(until_ms / 1000);
	char note[40];
	struct tm tm;

	gmtime_r(&secs, &tm);
	strftime(note, sizeof(note), "until %H:%M:%S UTC", &tm);
	set_state(e, ENDPOINT_LOCKED, note);
}

void endpoint_locked(struct endpoint *e, int64_t until_ms)
{
	char text[24];

	if (!e->conf.caps->locks)
		return;
	snprintf(text, sizeof(text), "%" PRId64, until_ms);
	endpoint_learn(e, &(struct memo){ MEMO_OPENS_AT, text, true }, 1);
	show_lock(e, until_ms);
}

/* What a former life was told. */
static void load_lock(struct endpoint *e)
{
	const struct via via = endpoint_via(e);
	const char *text = memo_get(&via, MEMO_OPENS_AT);
	int64_t until_ms = text != NULL ? strtoll(text, NULL, 10) : 0;

	if (until_ms <= via.now_ms)
		return;
	e->gate.supply->bucket.opens_ms = loop_mono_ms(e->flow->loop) + until_ms - via.now_ms;
	show_lock(e, until_ms);
}

/* ---- errands ---- */

static void errand_finish(struct errand *r)
{
	config_unref(r->config);
	r->config = NULL;
	arena_reset(r->arena);
	r->call = NULL;
}

static void errand_again(struct errand *r, int64_t at_ms)
{
	int64_t now_ms = loop_now_ms(r->endpoint->flow->loop);

	loop_timer_set(r->timer, at_ms > now_ms ? at_ms - now_ms : 0);
}

static void errand_failed(struct errand *r, const struct effect *effect)
{
	struct endpoint *e = r->endpoint;
	int64_t now_ms = loop_now_ms(e->flow->loop);

	r->attempt++;
	switch (effect->kind) {
	case EFFECT_PAUSE:
		set_state(e,
		    effect->reason == REASON_NOT_ENABLED ? ENDPOINT_NOT_ENABLED
							 : ENDPOINT_CREDENTIALS,
		    effect->why);
		errand_again(r,
		    now_ms
			+ (effect->wait_msecs > REFUSED_RETRY_MSECS ? effect->wait_msecs
								    : REFUSED_RETRY_MSECS));
		return;
	case EFFECT_REJECTED:
		set_state(e, ENDPOINT_WRONG, effect->why);
		errand_again(r, now_ms + REFUSED_RETRY_MSECS);
		return;
	default:
		if (!is_locked(e))
			set_state(e, ENDPOINT_DOWN, effect->why);
		errand_again(r,
		    policy_retry_at(r->attempt, effect->wait_msecs, now_ms, random_dice()));
	}
}

static void errand_on_response(void *arg, const struct http_resp *resp)
{
	struct errand *r = arg;
	struct endpoint *e = r->endpoint;
	struct via via = endpoint_via(e);
	struct outcome o = { .effect = { .kind = EFFECT_RETRY, .wait_msecs = -1 } };
	bool is_put_off;

	r->call = NULL;
	e->connector->interpret(&via, r->arena, &r->job, resp, &o);
	/* What is put off, since all goes on without it, has a reason; and that is what people should see. */
	is_put_off = o.effect.kind == EFFECT_NEXT_STEP && o.effect.reason != REASON_NONE;
	endpoint_count(e, r->job.step, is_put_off ? EFFECT_RETRY : o.effect.kind, resp->took_msecs);
	endpoint_learn(e, o.memo, o.nmemo);
	gate_heard(&e->gate, &o.effect, resp);
	if (o.effect.kind == EFFECT_NEXT_STEP || o.effect.kind == EFFECT_DELIVERED) {
		r->attempt = 0;
		endpoint_heard(e, is_put_off ? EFFECT_RETRY : o.effect.kind, o.effect.reason);
		errand_finish(r);
		endpoint_kick(e);
	} else {
		errand_failed(r, &o.effect);
		errand_finish(r);
	}
}

static void errand_start(struct errand *r, const struct via *via)
{
	static const struct known nothing;

	r->job.kind = JOB_ENDPOINT;
	r->job.attempt = r->attempt + 1;
	r->job.known = &nothing;
	r->req = (struct http_req){ 0 };
	r->config = config_ref(r->endpoint->flow->config);
	r->endpoint->connector->build(via, r->arena, &r->job, &r->req);
	r->call = http_out_start(r->endpoint->flow->wire, &r->req, errand_on_response, r);
}

static void errand_on_timer(void *arg)
{
	struct errand *r = arg;

	endpoint_kick(r->endpoint);
}

void endpoint_kick(struct endpoint *e)
{
	struct errand *r = e->errand;
	struct via via = endpoint_via(e);
	int64_t due;

	if (e->is_leaving || r->call != NULL || (r->attempt > 0 && loop_timer_pending(r->timer)))
		return; /* under way, or waiting to be tried again */
	r->job = (struct job){ 0 };
	due = e->connector->next != NULL ? e->connector->next(&via, &r->job) : INT64_MAX;
	e->gate.is_shut = due <= via.now_ms;
	if (is_locked(e)) {
		errand_again(r, via.now_ms + gate_shut_for(&e->gate));
		return;
	}
	if (due <= via.now_ms) {
		errand_start(r, &via);
		return;
	}
	if (due != INT64_MAX)
		errand_again(r, due);
	if (e->state != ENDPOINT_SLOW && e->state != ENDPOINT_DOWN)
		set_state(e, ENDPOINT_OK, NULL);
	gate_wake(e);
}

static void on_left(void *arg, const struct http_resp *resp)
{
	struct errand *r = arg;
	struct endpoint *e = r->endpoint;
	struct via via = endpoint_via(e);
	struct outcome o = { .effect = { .kind = EFFECT_RETRY, .wait_msecs = -1 } };

	e->connector->interpret(&via, r->arena, &r->job, resp, &o);
	endpoint_count(e, r->job.step, o.effect.kind, resp->took_msecs);
	errand_finish(r);
	e->flow->errands--;
}

/* Forgotten first: after a crash from here on it is better to ask for a new one than to trust in one that
 * is gone. */
void endpoint_leave(struct endpoint *e)
{
	struct errand *r = e->errand;
	const struct via via = endpoint_via(e);
	struct memo forget;

	if (r->call != NULL || e->connector->leave == NULL
	    || !e->connector->leave(&via, &r->job, &forget))
		return;
	e->is_leaving = true;
	e->flow->errands++;
	loop_timer_stop(r->timer);
	r->req = (struct http_req){ 0 };
	r->config = config_ref(e->flow->config);
	e->connector->build(&via, r->arena, &r->job, &r->req);
	endpoint_learn(e, &forget, 1);
	r->call = http_out_start(e->flow->wire, &r->req, on_left, r);
}

void endpoint_session_ended(struct endpoint *e)
{
	endpoint_learn(e, &(struct memo){ MEMO_SESSION, NULL, true }, 1);
	endpoint_kick(e);
}

void endpoint_refused(struct endpoint *e, const char *why)
{
	e->gate.is_shut = true;
	set_state(e, ENDPOINT_CREDENTIALS, why);
	e->errand->attempt = 1;
	if (e->errand->call == NULL)
		errand_again(e->errand, loop_now_ms(e->flow->loop) + REFUSED_RETRY_MSECS);
}

void endpoint_heard(struct endpoint *e, enum effect_kind effect, enum reason reason)
{
	if (effect == EFFECT_DELIVERED || effect == EFFECT_NEXT_STEP)
		set_state(e, ENDPOINT_OK, NULL);
	else if (reason == REASON_BUSY && !is_locked(e))
		set_state(e, ENDPOINT_SLOW, "asked us to slow down");
	else if (reason == REASON_CONNECT || reason == REASON_TLS || reason == REASON_TIMEOUT
	    || reason == REASON_CUT || reason == REASON_SERVER_ERROR)
		set_state(e, ENDPOINT_DOWN, reason_word((int)reason));
}

/* ---- counting ---- */

void endpoint_count(struct endpoint *e, enum step step, enum effect_kind effect, int64_t took_msecs)
{
	e->stats.requests[step][effect]++;
	histogram_add(&e->stats.request_seconds, (double)took_msecs / 1000.0);
	if (effect != EFFECT_DELIVERED && effect != EFFECT_NEXT_STEP)
		day_add(&e->stats.errors, loop_now_ms(e->flow->loop));
}

void endpoint_repaired(struct endpoint *e, size_t count, bool is_wonder)
{
	int64_t now_ms = loop_now_ms(e->flow->loop);

	e->stats.repaired += count;
	for (; count > 0; count--) {
		day_add(&e->stats.repaired_24h, now_ms);
		if (is_wonder)
			day_add(&e->stats.lost, now_ms);
	}
}

/* ---- the hours in which it was heard ---- */

struct hour {
	struct op_hour op;
	struct flow *flow;
};

static void hour_free(struct store_op *op)
{
	xfree(op);
}

static void hour_on_kept(struct store_op *op)
{
	if (!flow_redo(((struct hour *)op)->flow, op))
		xfree(op);
}

void endpoint_called(struct endpoint *e, int64_t now_ms)
{
	int64_t hour = week_hour(now_ms);
	struct hour *h;

	e->stats.last_hook_ms = now_ms;
	if (!week_note(&e->stats.week, hour))
		return;
	h = xcalloc(1, sizeof(*h));
	h->flow = e->flow;
	h->op = (struct op_hour){
		.op = { .kind = STORE_HOUR, .done = hour_on_kept, .lost = hour_free },
		.endpoint = e->conf.id,
		.hour = hour,
		.keep_from = hour - WEEK_KEPT,
	};
	flow_submit_lazily(e->flow, &h->op.op);
}

int endpoints_load(struct flow *f, struct err *err)
{
	struct op_hours op = { .op = { .kind = STORE_HOURS }, .arena = arena_new() };
	struct endpoint *e;
	size_t i;

	store_run(f->store, &op.op);
	for (i = 0; op.op.result == 0 && i < op.nrows; i++)
		if ((e = endpoint_find(f, op.rows[i].endpoint)) != NULL)
			week_note(&e->stats.week, op.rows[i].hour);
	arena_free(op.arena);
	return op.op.result == 0
	    ? 0
	    : err_set(err, "reading back when callbacks came: %s", op.op.err.text);
}

void endpoint_answered(struct endpoint *e, enum step step, const struct outcome *o,
    const struct http_resp *resp)
{
	endpoint_count(e, step, o->effect.kind, resp->took_msecs);
	endpoint_heard(e, o->effect.kind, o->effect.reason);
	gate_heard(&e->gate, &o->effect, resp);
	gate_leave(&e->gate);
	endpoint_learn(e, o->memo, o->nmemo);
	if (o->nmemo > 0)
		endpoint_kick(e);
	if (o->effect.kind == EFFECT_PAUSE)
		endpoint_refused(e, o->effect.why);
}

void endpoint_count_proof(struct endpoint *e, enum refusal reason)
{
	struct misfits *m = &e->stats.misfits;
	int64_t now_ms = loop_now_ms(e->flow->loop);

	if (reason == REFUSE_NONE) {
		if (m->count > 0 && !m->is_over)
			sweep_refused(e->sweep); /* what was refused is not told again */
		m->is_over = true;
		return;
	}
	if (!misfits_last(m, now_ms))
		*m = (struct misfits){ .since_ms = now_ms };
	m->count++;
	m->last_ms = now_ms;
	m->reason = reason;
	m->is_over = false;
}

/* ---- life ---- */

struct endpoint *endpoint_find(struct flow *f, int id)
{
	size_t i;

	for (i = 0; i < f->nendpoints; i++)
		if (f->endpoints[i].conf.id == id)
			return &f->endpoints[i];
	return NULL;
}

static void find_bridges(struct endpoint *e, const struct endpoint_conf *conf)
{
	struct flow *f = e->flow;
	const struct bridge_conf *b;
	size_t i;

	for (i = 0; i < f->config->nbridges && e->nbridges < BRIDGES_PER_ENDPOINT; i++) {
		b = &f->config->bridges[i];
		if (b->customers != conf && b->agents != conf)
			continue;
		e->asks[e->nbridges] = (struct ask){
			.bridge = b->id,
			.side = b->customers == conf ? SIDE_CUSTOMERS : SIDE_AGENTS,
			.other = b->customers == conf ? b->agents->id : b->customers->id,
		};
		e->bridges[e->nbridges++] = b;
	}
}

void endpoint_init(struct endpoint *e, struct flow *f, struct endpoint_conf *conf)
{
	*e = (struct endpoint){ .flow = f,
		.given = conf,
		.conf = *conf,
		.connector = conf->connector };
	e->state = ENDPOINT_STARTING;
	e->began_ms = e->state_since_ms = loop_now_ms(f->loop);
	snprintf(e->note, sizeof(e->note), "starting: nothing was heard from it yet");
	find_bridges(e, conf);
	gate_init(&e->gate, e);
	e->errand = xcalloc(1, sizeof(*e->errand));
	e->errand->endpoint = e;
	e->errand->arena = arena_new();
	e->errand->timer = loop_timer_new(f->loop, errand_on_timer, e->errand);
	errands_init(e);
	mirrors_init(e);
	once_init(&e->unmapped);
	e->pager = pager_new(e);
	e->sweep = sweep_new(e);
	e->standings = standings_new(e);
	load_memo(e);
	load_lock(e);
}

void endpoint_reload(struct endpoint *e)
{
	struct flow *f = e->flow;
	const struct endpoint_conf *conf = config_endpoint(f->config, e->given->name);
	size_t i;

	e->given = conf;
	e->conf = *conf;
	if (conf->hook_key.n == 0) {
		e->conf.hook_key.v[0] = e->drawn_hook_key;
		e->conf.hook_key.n = 1;
	}
	learn_tenant(e);
	kept_apply(&e->conf, e->given, e->memo, e->nmemo);
	/* In their old order, which views and links that are remembered have. */
	for (i = 0; i < e->nbridges; i++)
		e->bridges[i] = flow_bridge(f, e->asks[i].bridge);
	gate_reload(&e->gate);
	sweep_reload(e->sweep);
}

void endpoint_try_now(struct endpoint *e)
{
	if (e->errand->call == NULL) {
		e->errand->attempt = 0;
		loop_timer_stop(e->errand->timer);
	}
	endpoint_kick(e);
	gate_wake(e);
}

void endpoint_fini(struct endpoint *e)
{
	size_t i;

	if (e->errand != NULL) {
		if (e->errand->call != NULL)
			http_out_cancel(e->errand->call);
		loop_timer_free(e->errand->timer);
		config_unref(e->errand->config);
		arena_free(e->errand->arena);
		xfree(e->errand);
	}
	for (i = 0; i < e->nmemo; i++) {
		xfree((char *)e->memo[i].key);
		xfree((char *)e->memo[i].value);
	}
	xfree(e->drawn_hook_key);
	standings_free(e->standings);
	sweep_free(e->sweep);
	chores_fini(&e->errands);
	chores_fini(&e->mirrors);
	once_fini(&e->unmapped);
	pager_free(e->pager);
	gate_fini(&e->gate);
}
