/* See setup.h. */
#include "flow/setup.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/loop.h"
#include "net/http_out.h"

#define STEPS_MAX 40
#define APART_MOST_MSECS (300 * 1000LL) /* more, and signatures are too old, or not yet */
#define APART_WARN_MSECS (30 * 1000LL)

struct setup_task {
	struct setup *setup;
	const struct connector_setup *connector;
	struct loop *loop;
	struct http_out *wire;
	struct setup_order order;
	struct setup_step step;
	struct http_call *call; /* under way; NULL: none */
	int steps;
	int64_t apart_msecs; /* ours less theirs */
	bool has_apart;
};

static void tell(struct setup *s, const struct setup_order *order)
{
	size_t i;

	for (i = 0; i < s->nlines; i++)
		order->line(order->arg, &s->lines[i]);
	s->nlines = 0;
}

static void tell_clock(struct setup_task *x, const struct setup_order *order)
{
	struct setup *s = x->setup;
	int64_t apart = llabs(x->apart_msecs);
	const char *host = s->via.endpoint->host;

	if (!x->has_apart)
		return;
	if (apart <= APART_WARN_MSECS)
		setup_line(s, "clock", CHECK_OK,
		    arena_printf(s->arena, "clocks differ by %" PRId64 " s", apart / 1000), NULL);
	else
		setup_line(s, "clock", apart > APART_MOST_MSECS ? CHECK_FAIL : CHECK_WARN,
		    arena_printf(s->arena,
			"clocks differ by %" PRId64 " s (limit 300 s; ours is %s by their Date "
			"header)",
			apart / 1000, x->apart_msecs > 0 ? "ahead" : "behind"),
		    arena_printf(s->arena, "check NTP on this host first, then on %s", host));
	tell(s, order);
}

static void go_on(struct setup_task *x);

static void on_response(void *arg, const struct http_resp *resp)
{
	struct setup_task *x = arg;
	int64_t now_ms = loop_now_ms(x->loop), theirs_ms;

	x->call = NULL;
	/* It tells whole seconds. */
	if (resp->wanted != NULL && time_parse_http(resp->wanted, &theirs_ms) == 0) {
		x->apart_msecs = now_ms - resp->took_msecs / 2 - theirs_ms;
		x->has_apart = true;
	}
	x->setup->via.now_ms = now_ms;
	setup_learn(x->setup, x->step.name, "done");
	x->connector->judge(x->setup, &x->step, resp);
	tell(x->setup, &x->order);
	go_on(x);
}

/* The next request that is wanted, and may be made. */
static bool find_step(struct setup_task *x)
{
	struct setup *s = x->setup;

	while (x->connector != NULL && x->steps++ < STEPS_MAX) {
		s->via.now_ms = loop_now_ms(x->loop);
		if (!x->connector->next(s, &x->step))
			return false;
		if (x->step.what == NULL || x->order.may(x->order.arg, s, x->step.what))
			return true;
		setup_learn(s, x->step.name, "no");
	}
	return false;
}

static void go_on(struct setup_task *x)
{
	if (find_step(x)) {
		x->step.req.wants = "Date";
		x->call = http_out_start(x->wire, &x->step.req, on_response, x);
		return;
	}
	tell(x->setup, &x->order);
	tell_clock(x, &x->order);
	x->order.done(x->order.arg);
}

void setup_begin(struct setup *s, struct loop *loop, struct http_out *wire,
    const struct setup_order *order, struct setup_task **out)
{
	struct setup_task *x = ARENA_NEW(s->arena, struct setup_task);

	x->setup = s;
	x->connector = connector_setup_find(s->via.endpoint->connector->name);
	x->loop = loop;
	x->wire = wire;
	x->order = *order;
	if (out != NULL)
		*out = x;
	go_on(x);
}

void setup_cancel(struct setup_task *x)
{
	if (x->call != NULL)
		http_out_cancel(x->call);
}

/* ---- all of it at once ---- */

struct whole_run {
	const struct setup_order *order;
	struct loop *loop;
	bool is_waiting, is_over;
};

static bool pass_may(void *arg, const struct setup *s, const char *what)
{
	const struct whole_run *r = arg;

	return r->order->may(r->order->arg, s, what);
}

static void pass_line(void *arg, const struct check_line *line)
{
	const struct whole_run *r = arg;

	r->order->line(r->order->arg, line);
}

static void on_over(void *arg)
{
	struct whole_run *r = arg;

	r->is_over = true;
	if (r->is_waiting)
		loop_stop(r->loop);
}

void setup_run(struct setup *s, struct loop *loop, struct http_out *wire,
    const struct setup_order *order)
{
	struct whole_run r = { order, loop, false, false };
	const struct setup_order inner = { pass_may, pass_line, on_over, &r };

	setup_begin(s, loop, wire, &inner, NULL);
	r.is_waiting = !r.is_over;
	if (r.is_waiting)
		loop_run(loop);
}
