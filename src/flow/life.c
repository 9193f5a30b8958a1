/* Life of the flow: built over an open store, filled with what an earlier life left, drained, freed. */
#include "flow/flow.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "flow/backup.h"
#include "flow/choices.h"
#include "flow/control.h"
#include "flow/courier.h"
#include "flow/endpoint.h"
#include "flow/errand.h"
#include "flow/history/migration.h"
#include "flow/lanes.h"
#include "flow/media/media.h"
#include "flow/mirror.h"
#include "flow/pace.h"
#include "flow/person.h"
#include "flow/reconcile.h"
#include "flow/repair.h"
#include "flow/retention.h"
#include "flow/router.h"
#include "flow/standings.h"
#include "flow/typing.h"

/* How long a settlement that nobody waits for may wait for company. A crash meanwhile leaves a message
 * that has arrived in doubt: it is looked for, and found. Tests of crashes vary it. */
#ifndef LAZY_MSECS
#define LAZY_MSECS 5
#endif

/* ---- names and ids ---- */

static int ask_for_ids(struct flow *f, struct err *err)
{
	struct arena *a = arena_new();
	struct endpoint_conf *e;
	struct bridge_conf *b;
	size_t i;
	int ret = -1;

	for (i = 0; i < f->config->nendpoints; i++) {
		e = &f->config->endpoints[i];
		if (store_endpoint_id(f->store, e->name, e->connector->name,
			arena_printf(a, "%s %s %s", e->host, e->tenant != NULL ? e->tenant : "-",
			    e->place != NULL ? e->place : "-"),
			&e->id, err)
		    != 0)
			goto out;
	}
	for (i = 0; i < f->config->nbridges; i++) {
		b = &f->config->bridges[i];
		if (store_bridge_id(f->store, b->name, loop_now_ms(f->loop), &b->id, &b->since_ms,
			err)
		    != 0)
			goto out;
	}
	ret = 0;
out:
	arena_free(a);
	return ret;
}

/* The instance key names this relay in its marks: drawn once, kept with the store. */
static int find_keys(struct flow *f, struct err *err)
{
	unsigned char key[INSTANCE_KEY_SIZE];
	char drawn[2 * INSTANCE_KEY_SIZE + 1];
	const char *text = f->config->instance_key;
	struct arena *a = arena_new();
	int ret = 0;

	if (text == NULL) {
		random_bytes(key, sizeof(key));
		hex_encode(key, sizeof(key), drawn);
		text = store_keep(f->store, a, "instance_key", drawn, err);
	}
	if (text == NULL)
		ret = -1;
	else if (strlen(text) != 2 * INSTANCE_KEY_SIZE || hex_decode(text, key, sizeof(key)) != 0)
		ret = err_set(err, "instance_key in the store is not 64 hex digits");
	else
		keys_init(&f->keys, key);
	arena_free(a);
	return ret;
}

/* A hook address nobody configured is drawn once as well. */
static int find_hook_key(struct flow *f, struct endpoint *e, struct err *err)
{
	char drawn[33];
	const char *name, *kept;
	struct arena *a;

	if (e->conf.hook_key.n > 0)
		return 0;
	a = arena_new();
	name = arena_printf(a, "hook_key.%s", e->conf.name);
	random_text(drawn, sizeof(drawn) - 1);
	kept = store_keep(f->store, a, name, drawn, err);
	if (kept != NULL) {
		e->drawn_hook_key = xstrdup(kept);
		e->conf.hook_key.v[0] = e->drawn_hook_key;
		e->conf.hook_key.n = 1;
	}
	arena_free(a);
	return kept != NULL ? 0 : -1;
}

/* ---- life ---- */

static void on_retry(void *arg)
{
	flow_retry(arg);
}

static void on_hurry(void *arg)
{
	flow_hurry(arg);
}

struct flow *flow_new(struct loop *loop, struct store *store, struct http_out *wire,
    struct config *config, struct err *err)
{
	struct flow *f = xcalloc(1, sizeof(*f));
	size_t i;

	f->loop = loop;
	f->store = store;
	f->wire = wire;
	f->config = config_ref(config);
	f->owner = (int)getpid();
	f->stuck_end = &f->stuck;
	f->retry = loop_timer_new(loop, on_retry, f);
	f->lazy_end = &f->lazy;
	f->lazy_timer = loop_timer_new(loop, on_hurry, f);
	f->lazy_later = loop_later_new(loop, on_hurry, f);
	f->lazy_msecs = LAZY_MSECS;
	f->clock_gap_ms = loop_now_ms(loop) - loop_mono_ms(loop);
	f->put_back = store_put_back(store);
	f->stats.bridges = xcalloc(config->nbridges, sizeof(*f->stats.bridges));
	map_init(&f->lanes);
	SLIST_INIT(&f->supplies);
	f->paces = paces_new(f);
	f->endpoints = xcalloc(config->nendpoints, sizeof(*f->endpoints));
	if (find_keys(f, err) != 0 || ask_for_ids(f, err) != 0)
		goto fail;
	for (i = 0; i < config->nendpoints; i++) {
		endpoint_init(&f->endpoints[i], f, &config->endpoints[i]);
		f->nendpoints++;
		if (find_hook_key(f, &f->endpoints[i], err) != 0)
			goto fail;
	}
	if (control_load(f, err) != 0)
		goto fail;
	f->media = media_new(f);
	f->courier = courier_new(f);
	f->choices = choices_new(f);
	f->router = router_new(f);
	f->typings = typings_new(f);
	f->hearings = hearings_new();
	f->migrations = migrations_new(f);
	f->retention = retention_new(f);
	return f;
fail:
	flow_free(f);
	return NULL;
}

static void load_lanes(struct flow *f, const struct op_load *load)
{
	struct endpoint *target;
	struct lane *l;
	size_t i;

	for (i = 0; i < load->nlanes; i++) {
		target = endpoint_find(f, load->lanes[i].endpoint);
		if (target == NULL)
			continue; /* its endpoint is not configured any more: it waits on disk */
		l = lane_get(target, load->lanes[i].person);
		l->id = load->lanes[i].lane;
		l->count = (int32_t)load->lanes[i].count;
		if (load->lanes[i].is_held) {
			lane_move(l, LANE_PARKED, 0);
			continue;
		}
		switch (load->lanes[i].head_state) {
		case DELIVERY_SENDING:
		case DELIVERY_UNSURE:
			lane_move(l, LANE_BUSY, 0); /* load_flying starts its trip */
			break;
		case DELIVERY_WAITING:
			lane_move(l, LANE_WAITING, load->lanes[i].head_due_ms);
			break;
		default: lane_move(l, LANE_READY, 0);
		}
	}
}

static void load_flying(struct flow *f, const struct op_load *load)
{
	const struct row_trip *row;
	struct endpoint *target;
	struct letter *letter;
	size_t i;

	for (i = 0; i < load->nflying; i++) {
		row = &load->flying[i];
		target = endpoint_find(f, row->lane.endpoint);
		if (target == NULL)
			continue;
		letter = letter_new(NULL, (struct event *)row->event);
		courier_resume(f->courier, lane_get(target, row->lane.person), row, letter);
		letter_unref(letter);
	}
}

static void load_unrouted(struct flow *f, const struct op_load *load)
{
	struct endpoint *e;
	struct letter *letter;
	size_t i;

	for (i = 0; i < load->nunrouted; i++) {
		e = endpoint_find(f, load->unrouted[i].event->endpoint);
		if (e == NULL)
			continue;
		letter = letter_new(NULL, load->unrouted[i].event);
		router_take_back(f->router, e, letter, &load->unrouted[i].view);
		letter_unref(letter);
	}
	router_start(f->router);
}

static void load_asked(struct flow *f, const struct op_load *load)
{
	struct endpoint *e;
	size_t i;

	for (i = 0; i < load->nasked; i++) {
		e = endpoint_find(f, load->asked[i].endpoint);
		if (e != NULL)
			standings_await(e->standings, load->asked[i].conversation,
			    load->asked[i].answered_ms);
	}
}

static struct op_load *load_op(struct flow *f)
{
	struct op_load *load;
	const struct ask **asks;
	size_t *nasks, i, n = 0;

	f->loaded = arena_new();
	load = ARENA_NEW(f->loaded, struct op_load);
	for (i = 0; i < f->nendpoints; i++)
		if ((size_t)f->endpoints[i].conf.id >= n)
			n = (size_t)f->endpoints[i].conf.id + 1;
	asks = arena_zalloc(f->loaded, n * sizeof(*asks));
	nasks = arena_zalloc(f->loaded, n * sizeof(*nasks));
	for (i = 0; i < f->nendpoints; i++) {
		asks[f->endpoints[i].conf.id] = f->endpoints[i].asks;
		nasks[f->endpoints[i].conf.id] = f->endpoints[i].nbridges;
	}
	load->op.kind = STORE_LOAD;
	load->arena = f->loaded;
	load->asks = asks;
	load->nasks = nasks;
	load->nendpoints = n;
	return load;
}

int flow_load(struct flow *f, struct err *err)
{
	struct op_load *load;
	size_t i;

	if (endpoints_load(f, err) != 0 || repair_take_back(f, err) != 0
	    || media_load(f->media, err) != 0)
		return -1;
	load = load_op(f);
	store_run(f->store, &load->op);
	if (load->op.result != 0)
		return err_set(err, "reading back what was under way: %s", load->op.err.text);
	for (i = 0; i < f->nendpoints; i++)
		if (sweep_load(f->endpoints[i].sweep, err) != 0)
			return -1;
	if (migrations_load(f->migrations, err) != 0)
		return -1;
	f->load = load;
	return choices_load(f->choices, err) != 0 || errands_load(f, err) != 0
		|| mirrors_load(f, err) != 0
	    ? -1
	    : 0;
}

void flow_start(struct flow *f)
{
	size_t i;

	media_start(f->media);
	if (f->load != NULL) {
		load_lanes(f, f->load);
		load_flying(f, f->load);
		load_unrouted(f, f->load);
		load_asked(f, f->load);
		if (f->load->nflying == 0 && f->load->nunrouted == 0) {
			arena_free(f->loaded); /* lanes copy what they need; events do not */
			f->loaded = NULL;
		}
		f->load = NULL;
	}
	for (i = 0; i < f->nendpoints; i++)
		endpoint_kick(&f->endpoints[i]);
	for (i = 0; i < f->nendpoints; i++)
		sweep_start(f->endpoints[i].sweep);
	migrations_start(f->migrations);
	retention_start(f->retention);
}

void flow_drain(struct flow *f)
{
	size_t i;

	f->draining = true;
	for (i = 0; i < f->nendpoints; i++)
		endpoint_leave(&f->endpoints[i]);
	flow_hurry(f);
}

bool flow_is_idle(const struct flow *f)
{
	size_t i, waiting = 0;

	/* What stands before a shut gate will not leave in this life. */
	for (i = 0; i < f->nendpoints; i++)
		if (!gate_is_open(&f->endpoints[i].gate)
		    || gate_shut_for(&f->endpoints[i].gate) > 0)
			waiting += f->endpoints[i].gate.queued;
	return courier_active(f->courier) <= waiting && f->errands == 0 && f->stuck == NULL;
}

/* What was to be handed over later is found again as what it was before. */
static void lose(struct store_op *op)
{
	struct store_op *next;

	for (; op != NULL; op = next) {
		next = op->next;
		if (op->lost != NULL)
			op->lost(op);
	}
}

void flow_free(struct flow *f)
{
	size_t i;

	if (f == NULL)
		return;
	backup_end(f);
	persons_end(f);
	lose(f->stuck);
	lose(f->lazy);
	migrations_free(f->migrations);
	retention_free(f->retention);
	typings_free(f->typings);
	hearings_free(f->hearings);
	courier_free(f->courier);
	media_free(f->media);
	choices_free(f->choices);
	router_free(f->router);
	lanes_free(f);
	paces_free(f->paces);
	for (i = 0; i < f->nendpoints; i++)
		endpoint_fini(&f->endpoints[i]);
	xfree(f->endpoints);
	xfree(f->stats.bridges);
	loop_timer_free(f->retry);
	loop_timer_free(f->lazy_timer);
	loop_later_free(f->lazy_later);
	arena_free(f->loaded);
	config_unref(f->config);
	xfree(f);
}
