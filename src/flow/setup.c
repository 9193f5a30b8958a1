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

struct exchange {
	struct setup *setup;
	const struct connector_setup *connector;
	struct loop *loop;
	struct setup_step step;
	int64_t apart_msecs; /* ours less theirs */
	bool has_apart;
};

static void on_response(void *arg, const struct http_resp *resp)
{
	struct exchange *x = arg;
	int64_t now_ms = loop_now_ms(x->loop), theirs_ms;

	/* It tells whole seconds. */
	if (resp->wanted != NULL && time_parse_http(resp->wanted, &theirs_ms) == 0) {
		x->apart_msecs = now_ms - resp->took_msecs / 2 - theirs_ms;
		x->has_apart = true;
	}
	x->setup->via.now_ms = now_ms;
	setup_learn(x->setup, x->step.name, "done");
	x->connector->judge(x->setup, &x->step, resp);
	loop_stop(x->loop);
}

static void tell(struct setup *s, const struct setup_order *order)
{
	size_t i;

	for (i = 0; i < s->nlines; i++)
		order->line(order->arg, &s->lines[i]);
	s->nlines = 0;
}

static void tell_clock(struct exchange *x, const struct setup_order *order)
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

void setup_run(struct setup *s, struct loop *loop, struct http_out *wire,
    const struct setup_order *order)
{
	struct exchange x = { .setup = s,
		.connector = connector_setup_find(s->via.endpoint->connector->name),
		.loop = loop };
	int steps;

	for (steps = 0; steps < STEPS_MAX && x.connector != NULL; steps++) {
		s->via.now_ms = loop_now_ms(loop);
		if (!x.connector->next(s, &x.step))
			break;
		if (x.step.what != NULL && !order->may(order->arg, s, x.step.what)) {
			setup_learn(s, x.step.name, "no");
			continue;
		}
		x.step.req.wants = "Date";
		http_out_start(wire, &x.step.req, on_response, &x);
		loop_run(loop);
		tell(s, order);
	}
	tell(s, order);
	tell_clock(&x, order);
}
