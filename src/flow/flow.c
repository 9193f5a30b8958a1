/* What all parts of the flow call: letters, names, and operations that must not be lost. */
#include "flow/flow.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "core/event_codec.h"
#include "flow/courier.h"

#define STUCK_RETRY_MSECS 500

#define CLOCK_STEP_MSECS (60 * 1000) /* less is a clock that is being put right */

struct shift {
	struct op_shift op;
	struct flow *flow;
};

static void shift_free(struct store_op *op)
{
	xfree(op);
}

static void on_shifted(struct store_op *op)
{
	if (!flow_redo(((struct shift *)op)->flow, op))
		xfree(op);
}

void flow_check_clock(struct flow *f)
{
	int64_t gap_ms = loop_now_ms(f->loop) - loop_mono_ms(f->loop);
	int64_t by_ms = gap_ms - f->clock_gap_ms;
	struct shift *s;

	f->clock_gap_ms = gap_ms;
	if (by_ms > -CLOCK_STEP_MSECS && by_ms < CLOCK_STEP_MSECS)
		return;
	courier_shift(f->courier, by_ms);
	s = xcalloc(1, sizeof(*s));
	s->flow = f;
	s->op = (struct op_shift){
		.op = { .kind = STORE_SHIFT, .done = on_shifted, .lost = shift_free },
		.by_ms = by_ms,
	};
	flow_submit(f, &s->op.op);
}

uint32_t random_dice(void)
{
	uint32_t dice;

	random_bytes(&dice, sizeof(dice));
	return dice;
}

/* ---- letters ---- */

struct letter *letter_new(struct arena *arena, struct event *event)
{
	struct letter *l = xmalloc(sizeof(*l));

	*l = (struct letter){ arena, event, 1 };
	return l;
}

struct letter *letter_ref(struct letter *l)
{
	l->refs++;
	return l;
}

void letter_unref(struct letter *l)
{
	if (l == NULL || --l->refs > 0)
		return;
	arena_free(l->arena);
	xfree(l);
}

struct event *event_copy(struct arena *a, const struct event *event)
{
	struct event *copy = ARENA_NEW(a, struct event);
	struct buf b;

	buf_init(&b);
	event_encode(event, &b);
	if (event_decode(arena_memdup(a, b.data, b.len), b.len, a, copy, NULL) != 0)
		LOG(LOG_ERROR, "internal", F_STR("file", __FILE__), F_INT("line", __LINE__));
	buf_fini(&b);
	return copy;
}

/* ---- operations that must not be lost ---- */

static void stick(struct flow *f, struct store_op *op)
{
	op->next = NULL;
	*f->stuck_end = op;
	f->stuck_end = &op->next;
	if (!loop_timer_pending(f->retry))
		loop_timer_set(f->retry, STUCK_RETRY_MSECS);
}

int flow_offer(struct flow *f, struct store_op *op)
{
	if (f->lazy != NULL) /* asked for before the store asks for the end of the turn */
		loop_later(f->lazy_later);
	return store_submit(f->store, op);
}

void flow_submit(struct flow *f, struct store_op *op)
{
	if (f->stuck != NULL || flow_offer(f, op) != 0)
		stick(f, op); /* behind what already waits, so that order holds */
}

void flow_submit_lazily(struct flow *f, struct store_op *op)
{
	if (f->lazy_msecs == 0 || f->draining) {
		flow_submit(f, op);
		return;
	}
	if (f->lazy == NULL)
		loop_timer_set(f->lazy_timer, f->lazy_msecs);
	op->next = NULL;
	*f->lazy_end = op;
	f->lazy_end = &op->next;
}

void flow_hurry(struct flow *f)
{
	struct store_op *op = f->lazy, *next;

	f->lazy = NULL;
	f->lazy_end = &f->lazy;
	loop_timer_stop(f->lazy_timer);
	for (; op != NULL; op = next) {
		next = op->next;
		flow_submit(f, op);
	}
}

bool flow_redo(struct flow *f, struct store_op *op)
{
	if (op->result == 0) {
		op->is_told = false;
		return false;
	}
	if (!op->is_told) /* it may fail twice a second, for days */
		LOG(LOG_ERROR, "store_error", F_STR("err", op->err.text));
	op->is_told = true;
	stick(f, op);
	return true;
}

void flow_retry(struct flow *f)
{
	struct store_op *op = f->stuck, *next;

	f->stuck = NULL;
	f->stuck_end = &f->stuck;
	for (; op != NULL; op = next) {
		next = op->next;
		flow_submit(f, op);
	}
}

const struct bridge_conf *flow_bridge(struct flow *f, int id)
{
	size_t i;

	for (i = 0; i < f->config->nbridges; i++)
		if (f->config->bridges[i].id == id)
			return &f->config->bridges[i];
	return NULL;
}
