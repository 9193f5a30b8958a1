/* See mirror.h. The run that reads, looks, and writes; mirror_want.c says what is wanted. What is due goes this way:
 *
 *   mirror_owed ─▶ ready ─ read from disk ─▶ what is wanted there ─(gate)─▶ what stands there ─▶ on disk
 *                    ▲                              │ nothing                                      │
 *                    │                              ▼                                              ▼
 *                    └───── waiting ◀─ not yet ─── done ◀─────────────────── one request per fact ─┘
 *
 * What is about to be written is on disk before it leaves, so its echo is known. Doing any of it twice does no
 * harm: after a doubt it is looked at anew. */
#include "flow/mirror_inside.h"

#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/policy.h"
#include "flow/endpoint.h"

#define STEPS_MAX 20

static int64_t now_ms(const struct mirrors *g)
{
	return loop_now_ms(g->endpoint->flow->loop);
}

static void set_busy(struct mirror_run *r, bool busy)
{
	if (r->is_busy != busy)
		r->mirrors->endpoint->flow->errands += busy ? 1 : (size_t)-1;
	r->is_busy = busy;
}

static void run_free(struct mirror_run *r)
{
	struct mirrors *g = r->mirrors;

	set_busy(r, false);
	if (r->call != NULL) {
		http_out_cancel(r->call);
		gate_leave(&g->endpoint->gate);
	}
	config_unref(r->config);
	g->run = NULL;
	arena_free(r->arena); /* and with it the run */
}

/* ---- waiting ---- */

static void set_timer(struct mirrors *g)
{
	int64_t first_ms = INT64_MAX, shut_msecs = gate_shut_for(&g->endpoint->gate);
	const struct owed *o;

	TAILQ_FOREACH(o, &g->waiting, next)
		if (o->due_ms < first_ms)
			first_ms = o->due_ms;
	if (!TAILQ_EMPTY(&g->ready) && shut_msecs > 0 && now_ms(g) + shut_msecs < first_ms)
		first_ms = now_ms(g) + shut_msecs;
	if (first_ms != INT64_MAX)
		loop_timer_set(g->timer, first_ms > now_ms(g) ? first_ms - now_ms(g) : 0);
}

static void owed_ready(struct mirrors *g, struct owed *o)
{
	if (o->is_waiting)
		TAILQ_REMOVE(&g->waiting, o, next);
	o->is_waiting = false;
	TAILQ_INSERT_TAIL(&g->ready, o, next);
}

static void run_wait(struct mirror_run *r, int64_t due_ms)
{
	struct mirrors *g = r->mirrors;
	struct owed *o = r->owed;

	run_free(r);
	o->due_ms = due_ms;
	o->is_waiting = true;
	TAILQ_INSERT_TAIL(&g->waiting, o, next);
	set_timer(g);
	gate_wake(g->endpoint);
}

static void later(struct mirror_run *r, int64_t asked_msecs)
{
	int64_t now = now_ms(r->mirrors);

	run_wait(r, policy_retry_at(++r->owed->attempt, asked_msecs, now, random_dice()));
}

static void on_timer(void *arg)
{
	struct mirrors *g = arg;
	struct owed *o, *next;

	for (o = TAILQ_FIRST(&g->waiting); o != NULL; o = next) {
		next = TAILQ_NEXT(o, next);
		if (o->due_ms <= now_ms(g))
			owed_ready(g, o);
	}
	set_timer(g);
	gate_wake(g->endpoint);
}

/* ---- the end of one ---- */

static void on_done(struct store_op *op)
{
	struct mirror_run *r =
	    (struct mirror_run *)((char *)op - offsetof(struct mirror_run, done.op));
	struct mirrors *g = r->mirrors;
	struct owed *o = r->owed;
	bool is_due;

	if (flow_redo(g->endpoint->flow, op))
		return;
	is_due = r->done.is_due;
	run_free(r);
	o->attempt = 0;
	if (is_due)
		owed_ready(g, o);
	else
		xfree(o);
	gate_wake(g->endpoint);
}

static void write_done(struct mirror_run *r)
{
	set_busy(r, true);
	r->done.op = (struct store_op){ .kind = STORE_MIRROR_DONE, .done = on_done };
	r->done.key = r->owed->key;
	r->done.seq = r->read.seq;
	flow_submit_lazily(r->mirrors->endpoint->flow, &r->done.op);
}

/* ---- requests ---- */

static enum step step_of(const struct mirror_run *r)
{
	if (r->kind == JOB_FACTS)
		return r->owed->key.step;
	switch (r->fact) {
	case FACT_NAME:
	case FACT_EMAIL:
	case FACT_PHONE:
	case FACT_AVATAR: return STEP_UPDATE_CONTACT;
	case FACT_AGENT:
	case FACT_TEAM: return STEP_ASSIGN;
	case FACT_LABELS: return STEP_SET_LABELS;
	case FACT_PRIORITY: return STEP_SET_PRIORITY;
	case FACT_ATTRIBUTES: return STEP_SET_ATTRIBUTES;
	case FACT_COUNT: break;
	}
	return STEP_NONE;
}

static struct job job_of(const struct mirror_run *r)
{
	return (struct job){
		.kind = r->kind,
		.step = step_of(r),
		.fact = r->fact,
		.attempt = r->owed->attempt + 1,
		.message = &r->message,
		.known = &r->known,
		.cursor = r->cursor,
	};
}

static void load(struct mirror_run *r)
{
	set_busy(r, false);
	r->is_loaded = true;
	gate_wake(r->mirrors->endpoint);
}

/* The next one that is to be written; of a person all go at once. */
static void write_next(struct mirror_run *r, int from)
{
	int f = from;

	while (f <= mirror_last_fact(r) && r->write.v[f] == NULL)
		f++;
	if (f > mirror_last_fact(r)) {
		write_done(r);
		return;
	}
	r->kind = JOB_DELIVER;
	r->fact = (enum fact)f;
	r->cursor = NULL;
	r->message.facts = &r->write;
	load(r);
}

/* Where what people do there is not carried back, its echo is not listened for either. */
static void land(struct mirror_run *r)
{
	enum side back = r->owed->key.side == SIDE_AGENTS ? SIDE_CUSTOMERS : SIDE_AGENTS;
	bool of_person = r->owed->key.step == STEP_FIND_CONTACT;
	int f, last = of_person ? FACT_OF_PERSON : (int)r->fact;

	for (f = of_person ? 0 : (int)r->fact; f <= last; f++)
		if (r->write.v[f] != NULL && !mirror_carries_fact(r->bridge, (enum fact)f, back))
			r->done.landed.v[f] = r->write.v[f];
}

static void write_rest(struct mirror_run *r)
{
	write_next(r, r->owed->key.step == STEP_FIND_CONTACT ? FACT_COUNT : (int)r->fact + 1);
}

static void on_asked(struct store_op *op)
{
	struct mirror_run *r =
	    (struct mirror_run *)((char *)op - offsetof(struct mirror_run, ask.op));

	if (!flow_redo(r->mirrors->endpoint->flow, op))
		write_next(r, mirror_first_fact(r));
}

static void take_facts(struct mirror_run *r, const struct outcome *o)
{
	bool any = false;
	int f;

	if (!o->found) { /* it is not there (any more): whoever makes it will say it all */
		write_done(r);
		return;
	}
	r->current = o->facts;
	if (o->learned.contact != NULL)
		r->known.contact = o->learned.contact;
	if (o->learned.upload != NULL)
		r->known.upload = o->learned.upload;
	for (f = mirror_first_fact(r); f <= mirror_last_fact(r); f++) {
		mirror_decide(r, (enum fact)f);
		any |= r->ask.ours.v[f] != NULL;
	}
	if (!any) {
		write_done(r);
		return;
	}
	r->ask.op = (struct store_op){ .kind = STORE_MIRROR_ASK, .done = on_asked };
	r->ask.key = r->owed->key;
	set_busy(r, true);
	flow_submit(r->mirrors->endpoint->flow, &r->ask.op);
}

static void take(struct mirror_run *r, const struct outcome *o)
{
	switch (o->effect.kind) {
	case EFFECT_NEXT_STEP:
		if (o->cursor != NULL && r->steps++ < STEPS_MAX) {
			r->cursor = o->cursor;
			load(r);
		} else if (r->kind == JOB_FACTS) {
			take_facts(r, o);
		} else {
			later(r, -1);
		}
		return;
	case EFFECT_DELIVERED:
		LOG(LOG_DEBUG, "settled", F_STR("endpoint", r->mirrors->endpoint->conf.name),
		    F_ID("link", 'k', r->owed->key.link), F_STR("step", step_word(step_of(r))));
		land(r);
		write_rest(r);
		return;
	case EFFECT_REJECTED:
		mirror_tell_dropped(r, r->kind == JOB_FACTS ? FACT_COUNT : r->fact,
		    reason_word((int)o->effect.reason), o->effect.why);
		if (r->kind == JOB_FACTS)
			write_done(r);
		else
			write_rest(r);
		return;
	case EFFECT_UNSURE:
	case EFFECT_RETRY:
	case EFFECT_PAUSE:
	case EFFECT_COUNT: break;
	}
	later(r, o->effect.wait_msecs);
}

static void on_response(void *arg, const struct http_resp *resp)
{
	struct mirror_run *r = arg;
	struct endpoint *e = r->mirrors->endpoint;
	const struct via via = endpoint_via(e);
	const struct job job = job_of(r);
	struct outcome o = { .effect = { .kind = EFFECT_RETRY, .wait_msecs = -1 } };

	r->call = NULL;
	e->connector->interpret(&via, r->arena, &job, resp, &o);
	endpoint_answered(e, job.step, &o, resp);
	config_unref(r->config);
	r->config = NULL;
	take(r, &o);
	gate_wake(e);
}

static void send_it(struct mirror_run *r)
{
	struct endpoint *e = r->mirrors->endpoint;
	const struct via via = endpoint_via(e);
	const struct job job = job_of(r);

	r->is_loaded = false;
	set_busy(r, true);
	r->config = config_ref(e->flow->config);
	r->req = (struct http_req){ 0 };
	e->connector->build(&via, r->arena, &job, &r->req);
	r->call = http_out_start(e->flow->wire, &r->req, on_response, r);
}

/* ---- its turn ---- */

static void set_place(struct mirror_run *r)
{
	const struct op_mirror *read = &r->read;
	struct endpoint *e = r->mirrors->endpoint;
	const struct via via = endpoint_via(e);
	bool up = r->owed->key.side == SIDE_AGENTS;

	r->known = (struct known){
		.contact = read->lane.contact,
		.address = read->lane.address,
		.conversation = up ? read->link.agents_remote : read->link.customers_remote,
		.conversation_ref = up ? read->link.agents_ref : read->link.customers_ref,
	};
	if (r->known.address == NULL && !up)
		r->known.address = read->person.address;
	if (r->known.address == NULL && up && e->connector->address != NULL
	    && read->person.identity != NULL)
		r->known.address = e->connector->address(&via, r->arena, read->person.identity);
	r->message = (struct message){
		.to = r->owed->key.side,
		.role = ROLE_SYSTEM,
		.person = &read->person,
	};
}

static bool is_tried_enough(const struct mirror_run *r)
{
	return (int64_t)r->owed->attempt * (RETRY_MOST_MSECS / 2)
	    > r->mirrors->endpoint->flow->config->limits.try_for_msecs;
}

static void on_read(struct store_op *op)
{
	struct mirror_run *r =
	    (struct mirror_run *)((char *)op - offsetof(struct mirror_run, read.op));
	struct mirrors *g = r->mirrors;
	struct endpoint *e = g->endpoint;
	struct flow *f = e->flow;

	if (flow_redo(f, op))
		return;
	r->bridge = r->read.is_due ? flow_bridge(f, r->read.link.bridge) : NULL;
	if (r->bridge == NULL || endpoint_find(f, r->bridge->agents->id) == NULL
	    || r->read.link.gone) {
		write_done(r);
		return;
	}
	set_place(r);
	if (r->bridge->control == CONTROL_PAUSED) {
		run_wait(r, now_ms(g) + RETRY_MOST_MSECS);
	} else if (is_tried_enough(r)) {
		mirror_tell_dropped(r, FACT_COUNT, reason_word(REASON_EXPIRED), NULL);
		write_done(r);
	} else if (r->known.conversation == NULL) { /* a message is about to open it */
		later(r, -1);
	} else if (!mirror_want_all(r)) {
		write_done(r);
	} else {
		r->kind = JOB_FACTS;
		load(r);
	}
}

static void read_it(struct mirrors *g, struct owed *o)
{
	struct arena *a = arena_new();
	struct mirror_run *r = ARENA_NEW(a, struct mirror_run);

	TAILQ_REMOVE(&g->ready, o, next);
	r->owed = o;
	r->mirrors = g;
	r->arena = a;
	g->run = r;
	r->read = (struct op_mirror){
		.op = { .kind = STORE_MIRROR, .done = on_read },
		.arena = a,
		.key = o->key,
	};
	set_busy(r, true);
	flow_submit(g->endpoint->flow, &r->read.op);
}

void mirrors_pump(struct mirrors *g)
{
	struct gate *gate = &g->endpoint->gate;
	struct owed *o;

	if (g->endpoint->flow->draining || gate->is_paused || gate->is_shut)
		return;
	if (g->run != NULL) {
		if (g->run->is_loaded && gate_enter(gate, TURN_LIVE))
			send_it(g->run);
		return;
	}
	if (gate_shut_for(gate) > 0) {
		set_timer(g);
		return;
	}
	if ((o = TAILQ_FIRST(&g->ready)) != NULL)
		read_it(g, o);
}

/* ---- what others call ---- */

static bool is_same_key(const struct mirror_key *x, const struct mirror_key *y)
{
	return x->link == y->link && x->side == y->side && x->step == y->step;
}

static void add_owed(struct mirrors *g, const struct mirror_key *key)
{
	struct owed *o;

	TAILQ_FOREACH(o, &g->ready, next)
		if (is_same_key(&o->key, key))
			return;
	TAILQ_FOREACH(o, &g->waiting, next)
		if (is_same_key(&o->key, key))
			break;
	if (o == NULL && g->run != NULL && is_same_key(&g->run->owed->key, key))
		return; /* its end finds that it is due again */
	if (o == NULL) {
		o = xcalloc(1, sizeof(*o));
		o->key = *key;
	}
	o->attempt = 0;
	owed_ready(g, o);
}

void mirror_owed(struct flow *f, const struct mirror_key *key)
{
	struct endpoint *e = endpoint_find(f, key->endpoint);

	if (e == NULL)
		return;
	add_owed(e->mirrors, key);
	gate_wake(e);
}

/* ---- life ---- */

int mirrors_load(struct flow *f, struct err *err)
{
	struct arena *a = arena_new();
	struct op_mirrors load = { .op = { .kind = STORE_MIRRORS }, .arena = a };
	struct endpoint *e;
	size_t i;
	int ret = 0;

	store_run(f->store, &load.op);
	if (load.op.result != 0)
		ret = err_set(err, "reading back what is to be mirrored: %s", load.op.err.text);
	for (i = 0; ret == 0 && i < load.ndue; i++) {
		e = endpoint_find(f, load.due[i].endpoint);
		if (e != NULL) /* else it waits on disk for its endpoint */
			add_owed(e->mirrors, &load.due[i]);
	}
	arena_free(a);
	return ret;
}

struct mirrors *mirrors_new(struct endpoint *e)
{
	struct mirrors *g = xcalloc(1, sizeof(*g));

	g->endpoint = e;
	TAILQ_INIT(&g->ready);
	TAILQ_INIT(&g->waiting);
	once_init(&g->told);
	g->timer = loop_timer_new(e->flow->loop, on_timer, g);
	return g;
}

void mirrors_free(struct mirrors *g)
{
	struct owed *o;

	if (g == NULL)
		return;
	if (g->run != NULL) {
		o = g->run->owed;
		run_free(g->run);
		xfree(o);
	}
	while ((o = TAILQ_FIRST(&g->ready)) != NULL) {
		TAILQ_REMOVE(&g->ready, o, next);
		xfree(o);
	}
	while ((o = TAILQ_FIRST(&g->waiting)) != NULL) {
		TAILQ_REMOVE(&g->waiting, o, next);
		xfree(o);
	}
	once_fini(&g->told);
	loop_timer_free(g->timer);
	xfree(g);
}
