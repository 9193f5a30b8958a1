/* See mirror.h. What is due goes this way:
 *
 *   mirror_owed ─▶ ready ─ read from disk ─▶ what is wanted there ─(gate)─▶ what stands there ─▶ on disk
 *                    ▲                              │ nothing                                      │
 *                    │                              ▼                                              ▼
 *                    └───── waiting ◀─ not yet ─── done ◀─────────────────── one request per fact ─┘
 *
 * What is about to be written is on disk before it leaves, so its echo is known. Doing any of it twice does no
 * harm: after a doubt it is looked at anew. */
#include "flow/mirror.h"

#include <string.h>

#include "base/arena.h"
#include "base/json_in.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/once.h"
#include "core/policy.h"
#include "flow/endpoint.h"

#define STEPS_MAX 20

struct owed {
	TAILQ_ENTRY(owed) next;
	struct mirror_key key;
	int attempt;
	int64_t due_ms;
	bool is_waiting;
};
TAILQ_HEAD(owed_list, owed);

/* The one whose turn it is. */
struct run {
	struct owed *owed;
	struct mirrors *mirrors;
	struct arena *arena; /* its own, and this is in it */
	struct op_mirror read;
	struct op_mirror_ask ask;
	struct op_mirror_done done;
	const struct bridge_conf *bridge;
	struct facts wanted, current, write;
	struct message message;
	struct known known;
	enum job_kind kind; /* FACTS, then DELIVER */
	enum fact fact;     /* DELIVER: which one */
	const char *cursor;
	int steps;
	bool is_loaded; /* before the gate */
	bool is_busy;   /* on the wire, or on its way to disk */
	struct http_req req;
	struct http_call *call;
	struct config *config; /* a reference, while it is on the wire */
};

struct mirrors {
	struct endpoint *endpoint;
	struct owed_list ready, waiting;
	struct run *run;
	struct loop_timer *timer;
	struct once told; /* what was told of those who are not mapped */
};

static int64_t now_ms(const struct mirrors *g)
{
	return loop_now_ms(g->endpoint->flow->loop);
}

static void set_busy(struct run *r, bool busy)
{
	if (r->is_busy != busy)
		r->mirrors->endpoint->flow->errands += busy ? 1 : (size_t)-1;
	r->is_busy = busy;
}

static void run_free(struct run *r)
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

static void run_wait(struct run *r, int64_t due_ms)
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

static void later(struct run *r, int64_t asked_msecs)
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
	struct run *r = (struct run *)((char *)op - offsetof(struct run, done.op));
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

static void write_done(struct run *r)
{
	set_busy(r, true);
	r->done.op = (struct store_op){ .kind = STORE_MIRROR_DONE, .done = on_done };
	r->done.key = r->owed->key;
	r->done.seq = r->read.seq;
	flow_submit_lazily(r->mirrors->endpoint->flow, &r->done.op);
}

static void tell_dropped(const struct run *r, enum fact f, const char *reason, const char *why)
{
	LOG(LOG_WARN, "dropped", F_STR("endpoint", r->mirrors->endpoint->conf.name),
	    F_STR("bridge", r->bridge != NULL ? r->bridge->name : NULL),
	    F_ID("link", 'k', r->owed->key.link),
	    F_STR("field", f < FACT_COUNT ? fact_word(f) : NULL), F_STR("reason", reason),
	    F_STR("err", log_wants(LOG_DEBUG) ? why : NULL));
}

/* ---- who works there ---- */

static const struct json *crowd_of(struct arena *a, const struct endpoint *e, const char *key)
{
	const struct via via = endpoint_via(e);
	const char *text = memo_get(&via, key);
	struct json_error error;

	return text != NULL ? json_read(a, text, strlen(text), &error) : NULL;
}

static bool is_called(const struct json *j, const char *member, const char *text)
{
	const char *is = json_text(j, member);

	return is != NULL && strcasecmp(is, text) == 0;
}

static const struct json *one_of(const struct json *crowd, const char *text)
{
	const struct json *j;

	for (j = crowd != NULL ? crowd->child : NULL; j != NULL; j = j->next)
		if (is_called(j, "id", text) || is_called(j, "email", text)
		    || is_called(j, "name", text))
			return j;
	return NULL;
}

/* Told once for each who is not mapped. */
static void tell_unmapped(struct run *r, enum fact f, const char *id)
{
	struct mirrors *g = r->mirrors;
	uint64_t hash = hash_text(id, (uint64_t)r->bridge->id << 8 | (unsigned)f);

	if (!once_first(&g->told, hash))
		return;
	LOG(LOG_WARN, "unmapped", F_STR("bridge", r->bridge->name),
	    F_STR("endpoint", g->endpoint->conf.name), F_STR("field", fact_word(f)),
	    F_STR("remote", id));
}

/* Who there is meant by one of here: by id, e-mail or name; `same` by e-mail of people, by name of teams.
 * NULL: nobody. */
static const char *somebody(struct run *r, enum fact f, const struct option_map *m, const char *id)
{
	const char *members[] = { "id", "email", "name" }, *key = MEMO_TEAM, *text, *mapped = NULL;
	const struct endpoint *to = r->mirrors->endpoint;
	bool to_right = r->owed->key.side == SIDE_AGENTS;
	const struct endpoint *from =
	    endpoint_find(to->flow, to_right ? r->bridge->customers->id : r->bridge->agents->id);
	const struct json *who, *there;
	size_t i;

	if (f == FACT_TEAM) {
		key = MEMO_TEAMS;
		members[1] = "name";
	}
	who = one_of(crowd_of(r->arena, from, key), id);
	for (i = m->same ? 1 : 0; i < 3 && mapped == NULL; i++) {
		text = i == 0 ? id : json_text(who, members[i]);
		if (text != NULL)
			mapped = map_exactly(m, text, to_right);
		if (m->same)
			break;
	}
	if (mapped == NULL)
		mapped = map_others(m, to_right);
	there = mapped != NULL ? one_of(crowd_of(r->arena, to, key), mapped) : NULL;
	if (there == NULL)
		tell_unmapped(r, f, id);
	return json_text(there, "id");
}

/* ---- what is wanted ---- */

bool mirror_takes(const struct bridge_conf *b, enum side to)
{
	return (to == SIDE_AGENTS ? b->agents : b->customers)->caps->facts != 0;
}

bool mirror_carries(const struct bridge_conf *b, enum side to)
{
	if (!mirror_takes(b, to))
		return false;
	return to == SIDE_AGENTS ? b->assignment_to_agents || b->labels_to_agents
		|| b->attributes_to_agents || b->priority_to_agents
				 : b->assignment_to_customers || b->labels_to_customers
		|| b->attributes_to_customers || b->priority_to_customers;
}

static bool carries(const struct bridge_conf *b, enum fact f, enum side to)
{
	bool up = to == SIDE_AGENTS;

	switch (f) {
	case FACT_NAME:
	case FACT_EMAIL:
	case FACT_PHONE: return up ? b->profile_to_agents : b->profile_to_customers;
	case FACT_AVATAR: return up && b->profile_to_agents;
	case FACT_AGENT:
	case FACT_TEAM: return up ? b->assignment_to_agents : b->assignment_to_customers;
	case FACT_LABELS: return up ? b->labels_to_agents : b->labels_to_customers;
	case FACT_PRIORITY: return up ? b->priority_to_agents : b->priority_to_customers;
	case FACT_ATTRIBUTES: return up ? b->attributes_to_agents : b->attributes_to_customers;
	case FACT_COUNT: break;
	}
	return false;
}

static const char *want_priority(const struct option_map *m, const char *seen, bool up)
{
	return *seen == '\0' ? seen : map_to(m, seen, up);
}

static bool is_writable(const struct caps *to, enum fact f, const char *value)
{
	if ((to->facts >> f & 1) == 0)
		return false;
	return f != FACT_AGENT || *value != '\0' || !to->forwards;
}

static const char *want(struct run *r, enum fact f, const char *seen)
{
	const struct map_conf *m = &r->bridge->map;
	bool up = r->owed->key.side == SIDE_AGENTS;

	if (seen == NULL || !carries(r->bridge, f, r->owed->key.side)
	    || !is_writable(r->mirrors->endpoint->conf.caps, f, seen))
		return NULL;
	switch (f) {
	case FACT_LABELS: return map_labels(r->arena, &m->labels, seen, up);
	case FACT_ATTRIBUTES: return map_attributes(r->arena, &m->attributes, seen, up);
	case FACT_PRIORITY: return want_priority(&m->priority, seen, up);
	case FACT_AGENT:
		if (!m->agents.same && m->agents.count == 0)
			return NULL;
		return *seen == '\0' ? seen : somebody(r, f, &m->agents, seen);
	case FACT_TEAM:
		if (!m->teams.same && m->teams.count == 0)
			return NULL;
		return *seen == '\0' ? seen : somebody(r, f, &m->teams, seen);
	case FACT_NAME:
	case FACT_EMAIL:
	case FACT_PHONE:
	case FACT_AVATAR:
	case FACT_COUNT: break;
	}
	if (fact_is_valid(r->arena, f, seen))
		return seen;
	tell_dropped(r, f, reason_word(REASON_INVALID), NULL);
	return NULL;
}

/* What we wrote is agreed, and nothing of it is in doubt. */
static bool is_settled(const struct run *r, enum fact f)
{
	const struct fact_record *here = &r->read.here;

	return here->was.v[f] == NULL && here->ours.v[f] != NULL
	    && fact_is_same(f, here->ours.v[f], r->wanted.v[f]);
}

/* What was told there is overtaken: it is being written there just now, or people at the desk have changed their
 * minds at the same time, and theirs goes the other way. Else the two would be exchanged. */
static bool is_overtaken(const struct run *r, enum fact f)
{
	const struct fact_record *here = &r->read.here, *there = &r->read.there;

	if (there->was.v[f] != NULL && fact_is_same(f, there->was.v[f], there->seen.v[f]))
		return true;
	return r->owed->key.side == SIDE_AGENTS && f != FACT_LABELS && f != FACT_ATTRIBUTES
	    && carries(r->bridge, f, SIDE_CUSTOMERS) && here->was.v[f] == NULL
	    && here->seen.v[f] != NULL && here->ours.v[f] != NULL
	    && !fact_is_same(f, here->seen.v[f], here->ours.v[f]);
}

static int first_fact(const struct run *r)
{
	return r->owed->key.step == STEP_FIND_CONTACT ? 0 : FACT_OF_PERSON + 1;
}

static int last_fact(const struct run *r)
{
	return r->owed->key.step == STEP_FIND_CONTACT ? FACT_OF_PERSON : FACT_COUNT - 1;
}

/* False: it is all as it should be. */
static bool want_all(struct run *r)
{
	bool any = false;
	int f;

	for (f = first_fact(r); f <= last_fact(r); f++) {
		r->wanted.v[f] = want(r, (enum fact)f, r->read.there.seen.v[f]);
		if (r->wanted.v[f] != NULL
		    && (is_settled(r, (enum fact)f) || is_overtaken(r, (enum fact)f)))
			r->wanted.v[f] = NULL;
		any |= r->wanted.v[f] != NULL;
	}
	return any;
}

/* ---- what is to be written ---- */

/* Both have the same now: what stands for that at the side that tells. */
static const char *agreed(struct run *r, enum fact f)
{
	const char *seen = r->read.there.seen.v[f];
	bool is_left = r->owed->key.side == SIDE_AGENTS;

	if (f == FACT_LABELS)
		return map_labels_here(r->arena, &r->bridge->map.labels, seen, is_left);
	if (f == FACT_ATTRIBUTES)
		return map_attributes_here(r->arena, &r->bridge->map.attributes, seen, is_left);
	return seen;
}

/* Found there, though nobody told of it yet: people at the desk have just changed it. */
static bool is_theirs(const struct run *r, enum fact f, const char *ours)
{
	return r->owed->key.side == SIDE_AGENTS && f != FACT_LABELS && f != FACT_ATTRIBUTES
	    && carries(r->bridge, f, SIDE_CUSTOMERS) && ours != NULL && r->current.v[f] != NULL
	    && !fact_is_same(f, r->current.v[f], ours);
}

static void decide(struct run *r, enum fact f)
{
	const char *current = r->current.v[f], *wanted = r->wanted.v[f];
	const char *ours = r->read.here.ours.v[f], *was = r->read.here.was.v[f];

	if (wanted == NULL)
		return;
	if (was != NULL)
		ours = fact_before(r->arena, f, was, wanted);
	if (is_theirs(r, f, ours) && !fact_is_same(f, wanted, current))
		return;
	r->write.v[f] = fact_to_write(r->arena, f, wanted, ours, current);
	if (r->write.v[f] == NULL && f <= FACT_OF_PERSON && !fact_is_same(f, wanted, current))
		return; /* people there want it otherwise */
	r->ask.ours.v[f] = wanted;
	r->ask.agreed.v[f] = agreed(r, f);
	if (r->write.v[f] != NULL)
		r->ask.was.v[f] = current != NULL ? current : "";
}

/* ---- requests ---- */

static enum step step_of(const struct run *r)
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

static struct job job_of(const struct run *r)
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

static void load(struct run *r)
{
	set_busy(r, false);
	r->is_loaded = true;
	gate_wake(r->mirrors->endpoint);
}

/* The next one that is to be written; of a person all go at once. */
static void write_next(struct run *r, int from)
{
	int f = from;

	while (f <= last_fact(r) && r->write.v[f] == NULL)
		f++;
	if (f > last_fact(r)) {
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
static void land(struct run *r)
{
	enum side back = r->owed->key.side == SIDE_AGENTS ? SIDE_CUSTOMERS : SIDE_AGENTS;
	bool of_person = r->owed->key.step == STEP_FIND_CONTACT;
	int f, last = of_person ? FACT_OF_PERSON : (int)r->fact;

	for (f = of_person ? 0 : (int)r->fact; f <= last; f++)
		if (r->write.v[f] != NULL && !carries(r->bridge, (enum fact)f, back))
			r->done.landed.v[f] = r->write.v[f];
}

static void write_rest(struct run *r)
{
	write_next(r, r->owed->key.step == STEP_FIND_CONTACT ? FACT_COUNT : (int)r->fact + 1);
}

static void on_asked(struct store_op *op)
{
	struct run *r = (struct run *)((char *)op - offsetof(struct run, ask.op));

	if (!flow_redo(r->mirrors->endpoint->flow, op))
		write_next(r, first_fact(r));
}

static void take_facts(struct run *r, const struct outcome *o)
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
	for (f = first_fact(r); f <= last_fact(r); f++) {
		decide(r, (enum fact)f);
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

static void take(struct run *r, const struct outcome *o)
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
		tell_dropped(r, r->kind == JOB_FACTS ? FACT_COUNT : r->fact,
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
	struct run *r = arg;
	struct endpoint *e = r->mirrors->endpoint;
	const struct via via = endpoint_via(e);
	const struct job job = job_of(r);
	struct outcome o = { .effect = { .kind = EFFECT_RETRY, .wait_msecs = -1 } };

	r->call = NULL;
	e->connector->interpret(&via, r->arena, &job, resp, &o);
	endpoint_count(e, job.step, o.effect.kind, resp->took_msecs);
	endpoint_heard(e, o.effect.kind, o.effect.reason);
	gate_heard(&e->gate, &o.effect, resp);
	gate_leave(&e->gate);
	config_unref(r->config);
	r->config = NULL;
	endpoint_learn(e, o.memo, o.nmemo);
	if (o.nmemo > 0)
		endpoint_kick(e);
	if (o.effect.kind == EFFECT_PAUSE)
		endpoint_refused(e, o.effect.why);
	take(r, &o);
	gate_wake(e);
}

static void send_it(struct run *r)
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

static void set_place(struct run *r)
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

static bool is_tried_enough(const struct run *r)
{
	return (int64_t)r->owed->attempt * (RETRY_MOST_MSECS / 2)
	    > r->mirrors->endpoint->flow->config->limits.try_for_msecs;
}

static void on_read(struct store_op *op)
{
	struct run *r = (struct run *)((char *)op - offsetof(struct run, read.op));
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
		tell_dropped(r, FACT_COUNT, reason_word(REASON_EXPIRED), NULL);
		write_done(r);
	} else if (r->known.conversation == NULL) { /* a message is about to open it */
		later(r, -1);
	} else if (!want_all(r)) {
		write_done(r);
	} else {
		r->kind = JOB_FACTS;
		load(r);
	}
}

static void read_it(struct mirrors *g, struct owed *o)
{
	struct arena *a = arena_new();
	struct run *r = ARENA_NEW(a, struct run);

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
		if (g->run->is_loaded && gate_enter(gate))
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
