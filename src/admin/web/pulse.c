/* See pulse.h. */
#include "admin/web/pulse.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "flow/endpoint.h"

#define BEAT_MSECS 100
#define BEATS_PER_LOOK 10 /* at the store's health */
#define SLOW_MSECS 1000
#define LOOK_EVERY_MSECS 15000
#define LOOK_PATIENCE_MSECS 2000
#define SAMPLES 5 /* of LOOK_EVERY_MSECS: a minute lies between first and last */

struct waiter {
	struct waiter *next;
	void (*fn)(void *arg);
	void *arg;
};

struct sample {
	int64_t at_ms; /* monotonic; 0: not taken yet */
	uint64_t hooks;
};

struct pulse {
	struct flow *flow;
	struct loop_timer *beat, *look, *patience;
	int64_t due_us; /* of the next beat */
	uint64_t beats;
	struct histogram late;

	struct op_status op, seen;
	struct arena *op_arena, *seen_arena; /* seen_arena NULL: never looked */
	bool is_looking;
	struct waiter *waiters;

	struct op_probe probe;
	bool is_probing;
	bool is_disk_low, is_slow; /* as was said last */

	struct sample samples[SAMPLES];
	size_t nsamples; /* taken in all */
};

/* ---- callbacks ---- */

static uint64_t count_hooks(const struct flow *f)
{
	uint64_t sum = 0;
	size_t i, k;

	for (i = 0; i < f->nendpoints; i++) {
		for (k = 0; k < HOOK_RESULT_COUNT; k++)
			sum += f->endpoints[i].stats.hooks[k];
		for (k = 0; k < REFUSE_COUNT; k++)
			sum += f->endpoints[i].stats.refused[k];
	}
	return sum;
}

static void take_sample(struct pulse *p)
{
	p->samples[p->nsamples++ % SAMPLES] =
	    (struct sample){ clock_mono_ms(), count_hooks(p->flow) };
}

double pulse_hooks_per_sec(const struct pulse *p)
{
	const struct sample *oldest;
	int64_t msecs;

	if (p->nsamples == 0)
		return 0;
	oldest = &p->samples[p->nsamples < SAMPLES ? 0 : p->nsamples % SAMPLES];
	msecs = clock_mono_ms() - oldest->at_ms;
	return msecs > 0 ? (double)(count_hooks(p->flow) - oldest->hooks) * 1000.0 / (double)msecs
			 : 0;
}

/* ---- the disk ---- */

static void call_waiters(struct pulse *p)
{
	struct waiter *w = p->waiters, *next;

	p->waiters = NULL;
	loop_timer_stop(p->patience);
	for (; w != NULL; w = next) {
		next = w->next;
		w->fn(w->arg);
		xfree(w);
	}
}

static void on_patience(void *arg)
{
	call_waiters(arg);
}

static void on_looked(struct store_op *op)
{
	struct pulse *p = (struct pulse *)((char *)op - offsetof(struct pulse, op.op));

	p->is_looking = false;
	if (op->result == 0) {
		arena_free(p->seen_arena);
		p->seen_arena = p->op_arena;
		p->seen = p->op;
	} else {
		arena_free(p->op_arena);
	}
	p->op_arena = NULL;
	call_waiters(p);
}

static void look(struct pulse *p)
{
	if (p->is_looking)
		return;
	p->op_arena = arena_new();
	p->op = (struct op_status){
		.op = { .kind = STORE_STATUS, .done = on_looked },
		.arena = p->op_arena,
		.now_ms = loop_now_ms(p->flow->loop),
	};
	if (store_submit(p->flow->store, &p->op.op) == 0) {
		p->is_looking = true;
	} else {
		arena_free(p->op_arena);
		p->op_arena = NULL;
	}
}

static void on_probed(struct store_op *op)
{
	struct pulse *p = (struct pulse *)((char *)op - offsetof(struct pulse, probe.op));

	p->is_probing = false;
}

/* Nobody may be sending anything, so nothing else would find out that the disk works again. */
static void probe(struct pulse *p, const struct store_health *h)
{
	if (h->last_fault == STORE_FAULT_NONE || p->is_probing)
		return;
	p->probe = (struct op_probe){
		.op = { .kind = STORE_PROBE, .done = on_probed },
		.now_ms = loop_now_ms(p->flow->loop),
	};
	p->is_probing = store_submit(p->flow->store, &p->probe.op) == 0;
}

static void tell_disk(struct pulse *p, const struct store_health *h)
{
	bool is_low = h->disk_free >= 0 && h->disk_free < p->flow->config->limits.disk_reserve;

	if (is_low == p->is_disk_low)
		return;
	p->is_disk_low = is_low;
	if (is_low)
		LOG(LOG_ERROR, "disk_low", F_INT("bytes", h->disk_free));
	else
		LOG(LOG_INFO, "store_ok", F_INT("bytes", h->disk_free));
}

static void tell_slow(struct pulse *p, const struct store_health *h)
{
	bool is_slow = h->stuck_msecs > SLOW_MSECS;

	if (is_slow == p->is_slow)
		return;
	p->is_slow = is_slow;
	if (is_slow)
		LOG(LOG_WARN, "store_slow", F_INT("took_ms", h->stuck_msecs));
	else
		LOG(LOG_INFO, "store_ok");
}

static void watch_store(struct pulse *p)
{
	struct store_health h;

	store_health(p->flow->store, &h);
	tell_disk(p, &h);
	tell_slow(p, &h);
	probe(p, &h);
}

static void on_look(void *arg)
{
	struct pulse *p = arg;

	take_sample(p);
	look(p);
	loop_timer_set(p->look, LOOK_EVERY_MSECS);
}

void pulse_look(struct pulse *p, void (*fn)(void *arg), void *arg)
{
	struct waiter *w = xmalloc(sizeof(*w));

	*w = (struct waiter){ p->waiters, fn, arg };
	p->waiters = w;
	look(p);
	if (!loop_timer_pending(p->patience))
		loop_timer_set(p->patience, p->is_looking ? LOOK_PATIENCE_MSECS : 0);
}

const struct op_status *pulse_counts(const struct pulse *p)
{
	return p->seen_arena != NULL ? &p->seen : NULL;
}

const struct histogram *pulse_loop_late(const struct pulse *p)
{
	return &p->late;
}

/* ---- the loop ---- */

static void on_beat(void *arg)
{
	struct pulse *p = arg;
	int64_t now_us = clock_mono_us(), late_us = now_us - p->due_us;

	histogram_add(&p->late, late_us > 0 ? (double)late_us / 1e6 : 0);
	p->due_us = now_us + BEAT_MSECS * INT64_C(1000);
	flow_check_clock(p->flow);
	if (++p->beats % BEATS_PER_LOOK == 0)
		watch_store(p);
	loop_timer_set(p->beat, BEAT_MSECS);
}

/* ---- life ---- */

struct pulse *pulse_new(struct flow *f)
{
	struct pulse *p = xcalloc(1, sizeof(*p));

	p->flow = f;
	p->beat = loop_timer_new(f->loop, on_beat, p);
	p->look = loop_timer_new(f->loop, on_look, p);
	p->patience = loop_timer_new(f->loop, on_patience, p);
	p->late.bounds = seconds_bounds;
	return p;
}

void pulse_start(struct pulse *p)
{
	p->due_us = clock_mono_us() + BEAT_MSECS * 1000;
	loop_timer_set(p->beat, BEAT_MSECS);
	on_look(p);
}

void pulse_free(struct pulse *p)
{
	if (p == NULL)
		return;
	call_waiters(p);
	loop_timer_free(p->beat);
	loop_timer_free(p->look);
	loop_timer_free(p->patience);
	arena_free(p->seen_arena);
	xfree(p);
}
