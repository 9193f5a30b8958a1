/* See mirror.h, and chores.h for the way of one. What stands there is asked for, mirror_want.c says what is
 * wanted, and what is to be written goes one request per fact. What is about to be written is on disk before it leaves, so
 * its echo is known. Doing any of it twice does no harm: after a doubt it is looked at anew. */
#include "flow/mirror_inside.h"

#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/policy.h"
#include "flow/history/migration.h"

#define STEPS_MAX 20
#define KEPT_BACK_MSECS 60000 /* the end of the history wakes it */

/* ---- the end of one ---- */

static void on_done(struct store_op *op)
{
	struct mirror_turn *t =
	    (struct mirror_turn *)((char *)op - offsetof(struct mirror_turn, done.op));

	if (!flow_redo(mirror_endpoint(t)->flow, op))
		chore_over(&t->turn, t->done.is_due);
}

static void write_done(struct mirror_turn *t)
{
	chore_write(&t->turn);
	t->done.op = (struct store_op){ .kind = STORE_MIRROR_DONE, .done = on_done };
	t->done.key = *mirror_key_of(t);
	t->done.seq = t->read.seq;
	flow_submit_lazily(mirror_endpoint(t)->flow, &t->done.op);
}

/* ---- requests ---- */

static enum step step_of(const struct mirror_turn *t)
{
	if (t->kind == JOB_FACTS)
		return mirror_key_of(t)->step;
	switch (t->fact) {
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

static struct job mirror_job(const struct chore_turn *turn)
{
	const struct mirror_turn *t = (const struct mirror_turn *)turn;

	return (struct job){
		.kind = t->kind,
		.step = step_of(t),
		.fact = t->fact,
		.attempt = turn->chore->attempt + 1,
		.message = &t->message,
		.known = &t->known,
		.cursor = turn->cursor,
	};
}

/* The next one that is to be written; of a person all go at once. */
static void write_next(struct mirror_turn *t, int from)
{
	int f = from;

	while (f <= mirror_last_fact(t) && t->write.v[f] == NULL)
		f++;
	if (f > mirror_last_fact(t)) {
		write_done(t);
		return;
	}
	t->kind = JOB_DELIVER;
	t->fact = (enum fact)f;
	t->turn.cursor = NULL;
	t->message.facts = &t->write;
	chore_load(&t->turn);
}

/* Where what people do there is not carried back, its echo is not listened for either. */
static void land(struct mirror_turn *t)
{
	enum side back = mirror_key_of(t)->side == SIDE_AGENTS ? SIDE_CUSTOMERS : SIDE_AGENTS;
	bool of_person = mirror_key_of(t)->step == STEP_FIND_CONTACT;
	int f, last = of_person ? FACT_OF_PERSON : (int)t->fact;

	for (f = of_person ? 0 : (int)t->fact; f <= last; f++)
		if (t->write.v[f] != NULL && !mirror_carries_fact(t->bridge, (enum fact)f, back))
			t->done.landed.v[f] = t->write.v[f];
}

static void write_rest(struct mirror_turn *t)
{
	write_next(t, mirror_key_of(t)->step == STEP_FIND_CONTACT ? FACT_COUNT : (int)t->fact + 1);
}

static void on_asked(struct store_op *op)
{
	struct mirror_turn *t =
	    (struct mirror_turn *)((char *)op - offsetof(struct mirror_turn, ask.op));

	if (!flow_redo(mirror_endpoint(t)->flow, op))
		write_next(t, mirror_first_fact(t));
}

static void take_facts(struct mirror_turn *t, const struct outcome *o)
{
	bool any = false;
	int f;

	if (!o->found) { /* it is not there (any more): whoever makes it will say it all */
		write_done(t);
		return;
	}
	t->current = o->facts;
	if (o->learned.contact != NULL)
		t->known.contact = o->learned.contact;
	if (o->learned.upload != NULL)
		t->known.upload = o->learned.upload;
	for (f = mirror_first_fact(t); f <= mirror_last_fact(t); f++) {
		mirror_decide(t, (enum fact)f);
		any |= t->ask.ours.v[f] != NULL;
	}
	if (!any) {
		write_done(t);
		return;
	}
	t->ask.op = (struct store_op){ .kind = STORE_MIRROR_ASK, .done = on_asked };
	t->ask.key = *mirror_key_of(t);
	chore_ask(&t->turn);
	flow_submit(mirror_endpoint(t)->flow, &t->ask.op);
}

static void mirror_take(struct chore_turn *turn, const struct outcome *o)
{
	struct mirror_turn *t = (struct mirror_turn *)turn;

	switch (o->effect.kind) {
	case EFFECT_NEXT_STEP:
		if (o->cursor != NULL && t->turn.steps++ < STEPS_MAX) {
			t->turn.cursor = o->cursor;
			chore_load(&t->turn);
		} else if (t->kind == JOB_FACTS) {
			take_facts(t, o);
		} else {
			chore_later(&t->turn, -1);
		}
		return;
	case EFFECT_DELIVERED:
		LOG(LOG_DEBUG, "settled", F_STR("endpoint", mirror_endpoint(t)->conf.name),
		    F_ID("link", 'k', mirror_key_of(t)->link),
		    F_STR("step", step_word(step_of(t))));
		land(t);
		write_rest(t);
		return;
	case EFFECT_REJECTED:
		mirror_tell_dropped(t, t->kind == JOB_FACTS ? FACT_COUNT : t->fact,
		    reason_word((int)o->effect.reason), o->effect.why);
		if (t->kind == JOB_FACTS)
			write_done(t);
		else
			write_rest(t);
		return;
	case EFFECT_UNSURE:
	case EFFECT_RETRY:
	case EFFECT_PAUSE:
	case EFFECT_COUNT: break;
	}
	chore_later(turn, o->effect.wait_msecs);
}

/* ---- its turn ---- */

static void set_place(struct mirror_turn *t)
{
	const struct op_mirror *read = &t->read;
	struct endpoint *e = mirror_endpoint(t);
	const struct via via = endpoint_via(e);
	bool up = mirror_key_of(t)->side == SIDE_AGENTS;

	t->known = (struct known){
		.contact = read->lane.contact,
		.address = read->lane.address,
		.conversation = up ? read->link.agents_remote : read->link.customers_remote,
		.conversation_ref = up ? read->link.agents_ref : read->link.customers_ref,
	};
	if (t->known.address == NULL && !up)
		t->known.address = read->person.address;
	if (t->known.address == NULL && up && e->connector->address != NULL
	    && read->person.identity != NULL)
		t->known.address =
		    e->connector->address(&via, t->turn.arena, read->person.identity);
	t->message = (struct message){
		.to = mirror_key_of(t)->side,
		.role = ROLE_SYSTEM,
		.person = &read->person,
	};
}

/* History is on its way there: who had the conversation is said at its end, and not called to each message. */
static bool is_kept_back(struct mirror_turn *t)
{
	const struct mirror_key *k = mirror_key_of(t);
	struct flow *f = mirror_endpoint(t)->flow;
	struct endpoint *customers = endpoint_find(f, t->bridge->customers->id);
	enum migration_phase phase = MIGRATION_PHASE_NONE;

	if (k->step == STEP_FIND_CONVERSATION && k->side == SIDE_AGENTS
	    && t->read.link.customers_remote != NULL)
		phase = migration_phase(f->migrations, customers, t->read.link.customers_remote,
		    t->bridge->id);
	t->is_history = phase == MIGRATION_PHASE_END;
	return phase == MIGRATION_PHASE_MESSAGES;
}

static void on_read(struct store_op *op)
{
	struct mirror_turn *t =
	    (struct mirror_turn *)((char *)op - offsetof(struct mirror_turn, read.op));
	struct flow *f = mirror_endpoint(t)->flow;

	if (flow_redo(f, op))
		return;
	t->bridge = t->read.is_due ? flow_bridge(f, t->read.link.bridge) : NULL;
	if (t->bridge == NULL || endpoint_find(f, t->bridge->agents->id) == NULL
	    || t->read.link.gone) {
		write_done(t);
		return;
	}
	set_place(t);
	if (t->bridge->control == CONTROL_PAUSED) {
		chore_wait(t->turn.chores, t->turn.chore, loop_now_ms(f->loop) + RETRY_MOST_MSECS);
	} else if (is_kept_back(t)) {
		chore_wait(t->turn.chores, t->turn.chore, loop_now_ms(f->loop) + KEPT_BACK_MSECS);
	} else if (chore_is_stale(&t->turn)) {
		mirror_tell_dropped(t, FACT_COUNT, reason_word(REASON_EXPIRED), NULL);
		write_done(t);
	} else if (t->known.conversation == NULL) { /* a message is about to open it */
		chore_later(&t->turn, -1);
	} else if (!mirror_want_all(t)) {
		write_done(t);
	} else {
		t->kind = JOB_FACTS;
		chore_load(&t->turn);
	}
}

static void mirror_read(struct chore_turn *turn)
{
	struct mirror_turn *t = (struct mirror_turn *)turn;

	t->read = (struct op_mirror){
		.op = { .kind = STORE_MIRROR, .done = on_read },
		.arena = turn->arena,
		.key = *mirror_key_of(t),
	};
	flow_submit(mirror_endpoint(t)->flow, &t->read.op);
}

/* Links of one person may be about the same contact, whose facts are read before they are written. */
static const struct chore_kind mirror_kind = {
	.turn_size = sizeof(struct mirror_turn),
	.is_one_by_one = true,
	.read = mirror_read,
	.job = mirror_job,
	.take = mirror_take,
};

/* ---- what others call ---- */

static uint64_t hash_of(const struct mirror_key *key)
{
	return hash_int((uint64_t)key->link, (uint64_t)key->step << 1 | (unsigned)key->side);
}

static bool is_same_key(const struct mirror_key *x, const struct mirror_key *y)
{
	return x->link == y->link && x->side == y->side && x->step == y->step;
}

/* Of one whose turn it is, the end finds that it is due again. */
static void add_owed(struct chores *g, const struct mirror_key *key)
{
	struct map_node *n = map_find(&g->map, hash_of(key));
	struct mirrored *m;

	while (n != NULL && !is_same_key(&((struct mirrored *)n)->key, key))
		n = map_find_next(n);
	if (n != NULL) {
		chore_hurry(g, (struct chore *)n);
		return;
	}
	m = xcalloc(1, sizeof(*m));
	m->key = *key;
	chore_add(g, &m->chore, hash_of(key));
}

void mirror_owed(struct flow *f, const struct mirror_key *key)
{
	struct endpoint *e = endpoint_find(f, key->endpoint);

	if (e == NULL)
		return;
	add_owed(&e->mirrors, key);
	gate_wake(e);
}

/* ---- life ---- */

void mirrors_init(struct endpoint *e)
{
	chores_init(&e->mirrors, e, &mirror_kind);
}

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
			add_owed(&e->mirrors, &load.due[i]);
	}
	arena_free(a);
	return ret;
}
