/* See control.h. An endpoint's pause stands in its gate. A bridge's stands in the store, which passes its
 * deliveries by when it looks for the head of a lane: others behind them go on. */
#include "flow/control.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "flow/endpoint.h"
#include "flow/lanes.h"
#include "flow/router.h"

struct controlling {
	struct op_control op;
	struct flow *flow;
	void (*done)(void *arg);
	void *arg;
};

const char *control_word(enum control control)
{
	static const char *const words[] = { "running", "paused", "draining" };

	return words[control];
}

void control_spread(struct flow *f)
{
	struct endpoint *e;
	size_t i, k;

	for (i = 0; i < f->nendpoints; i++) {
		e = &f->endpoints[i];
		e->gate.is_paused = e->control == CONTROL_PAUSED;
		e->is_held = false;
		e->paused = 0;
		for (k = 0; k < e->nbridges; k++) {
			e->is_held |= e->bridges[k]->control == CONTROL_DRAINING
			    || endpoint_find(f, e->asks[k].other)->control == CONTROL_DRAINING;
			if (e->bridges[k]->control == CONTROL_PAUSED)
				e->paused |= 1u << k;
		}
	}
}

/* ---- what a word sets in motion ---- */

/* Lanes that were asked for a head while their bridge was paused had none to give. */
static void wake_lanes(struct flow *f)
{
	struct map_node *n;
	struct lane *l;

	for (n = map_walk(&f->lanes, NULL); n != NULL; n = map_walk(&f->lanes, n)) {
		l = (struct lane *)n;
		if (l->state == LANE_IDLE && l->count > 0 && l->id != 0)
			lane_move(l, LANE_READY, 0);
	}
}

static void take_effect(struct flow *f)
{
	size_t i;

	control_spread(f);
	wake_lanes(f);
	router_start(f->router);
	for (i = 0; i < f->nendpoints; i++)
		gate_wake(&f->endpoints[i]);
}

static void on_kept(struct store_op *op)
{
	struct controlling *c = (struct controlling *)op;

	if (flow_redo(c->flow, op))
		return;
	if (c->done != NULL)
		c->done(c->arg);
	xfree(c);
}

static void on_lost(struct store_op *op)
{
	xfree(op);
}

static void keep(struct flow *f, const struct op_control *word, void (*done)(void *arg), void *arg)
{
	struct controlling *c = xcalloc(1, sizeof(*c));

	c->flow = f;
	c->done = done;
	c->arg = arg;
	c->op = *word;
	c->op.op = (struct store_op){ .kind = STORE_CONTROL, .done = on_kept, .lost = on_lost };
	flow_submit(f, &c->op.op);
	/* Behind it: what is claimed from here on is claimed in its light. */
	take_effect(f);
}

void control_endpoint(struct flow *f, struct endpoint *e, enum control to, void (*done)(void *arg),
    void *arg)
{
	const struct op_control word = { .id = e->conf.id, .control = to };

	if (e->control != to)
		e->state_since_ms = loop_now_ms(f->loop);
	e->control = to;
	LOG(LOG_INFO, "endpoint_state", F_STR("endpoint", e->conf.name),
	    F_STR("reason", endpoint_state_word(endpoint_shown(e))));
	keep(f, &word, done, arg);
}

void control_bridge(struct flow *f, struct bridge_conf *b, enum control to, void (*done)(void *arg),
    void *arg)
{
	const struct op_control word = { .is_bridge = true, .id = b->id, .control = to };

	b->control = to;
	LOG(LOG_INFO, "endpoint_state", F_STR("bridge", b->name),
	    F_STR("reason", to == CONTROL_RUN ? "ok" : control_word(to)));
	keep(f, &word, done, arg);
}

int control_named(struct flow *f, const char *name, enum control to, void (*done)(void *arg),
    void *arg)
{
	struct bridge_conf *b = config_bridge(f->config, name);
	size_t i;

	for (i = 0; i < f->nendpoints; i++)
		if (strcmp(f->endpoints[i].conf.name, name) == 0) {
			control_endpoint(f, &f->endpoints[i], to, done, arg);
			return 0;
		}
	if (b == NULL)
		return -1;
	control_bridge(f, b, to, done, arg);
	return 0;
}

/* ---- over a restart ---- */

static int ask(struct flow *f, bool is_bridge, int id, enum control *out, struct err *err)
{
	struct op_control op = { .op = { .kind = STORE_CONTROLLED },
		.is_bridge = is_bridge,
		.id = id };

	store_run(f->store, &op.op);
	*out = op.control;
	return op.op.result == 0 ? 0 : err_set(err, "reading what is paused: %s", op.op.err.text);
}

int control_load(struct flow *f, struct err *err)
{
	struct bridge_conf *b;
	size_t i;

	for (i = 0; i < f->nendpoints; i++)
		if (ask(f, false, f->endpoints[i].conf.id, &f->endpoints[i].control, err) != 0)
			return -1;
	for (i = 0; i < f->config->nbridges; i++) {
		b = &f->config->bridges[i];
		if (ask(f, true, b->id, &b->control, err) != 0)
			return -1;
	}
	control_spread(f);
	return 0;
}
