/* See pairing.h. One pair:
 *
 *   the bridge ─▶ what the store knows ─▶ the customers' one there ─▶ the agents' one ─▶ what stands last in each
 *   ─▶ written, and told
 */
#include "flow/history/pairing.h"

#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/pairs.h"
#include "flow/adoption.h"
#include "flow/endpoint.h"
#include "flow/history/migration_inside.h"

struct pairing {
	TAILQ_ENTRY(pairing) next;
	struct flow *flow;
	struct config *config; /* a reference: it does not change for one of them */
	enum pairing_mode mode;
	struct pairing_item *items;
	size_t count, at;
	struct arena *arena; /* the caller's */
	void (*done)(void *arg, bool is_over);
	void *arg;

	/* Of the one whose turn it is. */
	struct arena *turn;
	const struct bridge_conf *bridge;
	struct endpoint *source, *target;
	const char *customers, *agents; /* ids there */
	const struct event *customers_about, *agents_about;
	const char *customers_last, *agents_last;
	struct page page;
	struct op_adopt op;
	bool is_asking; /* the store has op */
	bool is_listed;
	struct loop_later *later;
};

const char *pairing_result_word(enum pairing_result result)
{
	static const char *const words[] = { "linked", "already", "refused" };

	return words[result];
}

/* ---- one after the other ---- */

static void pairing_free(struct pairing *p)
{
	if (p->is_listed)
		TAILQ_REMOVE(&p->flow->migrations->pairings, p, next);
	page_cancel(&p->page);
	config_unref(p->config);
	loop_later_free(p->later);
	arena_free(p->turn);
	xfree(p);
}

static void turn_over(struct pairing *p, enum pairing_result result, const char *why)
{
	struct pairing_item *item = &p->items[p->at++];

	item->result = result;
	item->why = arena_strdup(p->arena, why);
	loop_later(p->later);
}

static void refuse(struct pairing *p, const char *why)
{
	turn_over(p, PAIRING_REFUSED, why);
}

/* ---- 4: written ---- */

static void on_written(struct store_op *op);

static void on_lost(struct store_op *op)
{
	struct pairing *p = (struct pairing *)((char *)op - offsetof(struct pairing, op.op));

	p->is_asking = false;
	if (p->done == NULL)
		pairing_free(p);
}

static void write_down(struct pairing *p, bool is_dry)
{
	const struct event *c = p->customers_about, *a = p->agents_about;

	p->op = (struct op_adopt){
		.op = { .kind = STORE_ADOPT, .done = on_written, .lost = on_lost },
		.arena = p->turn,
		.bridge = p->bridge->id,
		.how = LINK_BY_FILE,
		.about = c,
		.customers = { .endpoint = p->source->conf.id,
		    .remote = p->customers,
		    .first = p->customers_last },
		.agents = { .endpoint = p->target->conf.id,
		    .remote = p->agents,
		    .first = p->agents_last },
		.is_dry = is_dry,
		.now_ms = loop_now_ms(p->flow->loop),
	};
	if (c != NULL) {
		p->op.customers.ref = c->conversation_ref;
		p->op.customers.state = c->state;
		p->op.customers.version = c->version;
	}
	if (a != NULL) {
		p->op.agents.ref = a->conversation_ref;
		p->op.agents.state = a->state;
		p->op.agents.version = a->version;
	}
	p->is_asking = true;
	flow_submit(p->flow, &p->op.op);
}

static void linked(struct pairing *p)
{
	if (!p->op.is_dry) {
		adoption_tell(p->bridge, p->flow, &p->op);
		LOG(LOG_INFO, "adopted", F_STR("bridge", p->bridge->name),
		    F_STR("reason", link_how_word(LINK_BY_FILE)), F_ID("link", 'k', p->op.row.id));
	}
	turn_over(p, PAIRING_LINKED, NULL);
}

static void ask_customers(struct pairing *p);

static void on_written(struct store_op *op)
{
	struct pairing *p = (struct pairing *)((char *)op - offsetof(struct pairing, op.op));

	if (flow_redo(p->flow, op))
		return;
	p->is_asking = false;
	if (p->done == NULL) {
		pairing_free(p);
		return;
	}
	switch (p->op.result) {
	case ADOPT_DONE:
		if (p->customers_about == NULL && p->mode != PAIRING_CHECK)
			ask_customers(p);
		else
			linked(p);
		break;
	case ADOPT_WAS: turn_over(p, PAIRING_ALREADY, NULL); break;
	case ADOPT_CUSTOMERS_TAKEN:
		refuse(p,
		    arena_printf(p->turn, "%s:%s goes with %s:%s already", p->source->conf.name,
			p->customers, p->target->conf.name, p->op.other));
		break;
	case ADOPT_AGENTS_TAKEN:
		refuse(p,
		    arena_printf(p->turn, "%s:%s goes with %s:%s already", p->target->conf.name,
			p->agents, p->source->conf.name, p->op.other));
		break;
	case ADOPT_BUSY:
		refuse(p,
		    arena_printf(p->turn,
			"a message of %s:%s is on its way to a conversation of its own",
			p->source->conf.name, p->customers));
		break;
	}
}

/* ---- 3: what stands last in them ---- */

static void ask(struct pairing *p, struct endpoint *e, enum step step, const char *conversation,
    const struct event *about, void (*done)(void *arg, struct arena *a, const struct outcome *o))
{
	p->page.job = (struct job){ .step = step, .about = about };
	p->page.known = (struct known){ .conversation = conversation };
	p->page.is_history = true;
	p->page.done = done;
	p->page.arg = p;
	page_ask(e, &p->page);
}

/* *last NULL: nothing. False: it cannot be read, so all of it would pass for new; which is told. */
static bool take_last(struct pairing *p, const struct endpoint *e, const char *id, struct arena *a,
    const struct outcome *o, const char **last)
{
	bool is_had = o->effect.kind != EFFECT_REJECTED;
	size_t i;

	*last = NULL;
	for (i = 0; is_had && i < o->events.count; i++)
		if (o->events.items[i].remote != NULL)
			*last = o->events.items[i].remote;
	*last = arena_strdup(p->turn, *last);
	if (!is_had)
		refuse(p,
		    arena_printf(p->turn, "what stands in %s:%s cannot be read", e->conf.name, id));
	arena_free(a);
	return is_had;
}

static void on_agents_last(void *arg, struct arena *a, const struct outcome *o)
{
	struct pairing *p = arg;

	if (take_last(p, p->target, p->agents, a, o, &p->agents_last))
		write_down(p, false);
}

static void on_customers_last(void *arg, struct arena *a, const struct outcome *o)
{
	struct pairing *p = arg;

	if (take_last(p, p->source, p->customers, a, o, &p->customers_last))
		ask(p, p->target, STEP_LIST_MESSAGES, p->agents, p->agents_about, on_agents_last);
}

/* ---- 2: are they there? ---- */

/* NULL: it is not, or is none of that endpoint's, which is told. */
static const struct event *take_about(struct pairing *p, struct endpoint *e, const char *id,
    struct arena *a, const struct outcome *o)
{
	const struct event *first = o->events.count > 0 ? &o->events.items[0] : NULL;
	const char *why = NULL;
	struct event *copy;

	if (o->effect.kind == EFFECT_REJECTED || first == NULL || first->conversation == NULL)
		why = "is not there";
	else if (first->drop != DROP_NONE)
		why = "is no conversation of that endpoint's";
	if (why != NULL) {
		refuse(p, arena_printf(p->turn, "%s:%s %s", e->conf.name, id, why));
		arena_free(a);
		return NULL;
	}
	copy = event_copy(p->turn, first);
	copy->endpoint = e->conf.id;
	copy->extra = arena_strdup(p->turn, first->extra);
	arena_free(a);
	return copy;
}

static void on_agents(void *arg, struct arena *a, const struct outcome *o)
{
	struct pairing *p = arg;

	p->agents_about = take_about(p, p->target, p->agents, a, o);
	if (p->agents_about == NULL)
		return;
	if (p->mode == PAIRING_PLAN)
		linked(p);
	else
		ask(p, p->source, STEP_LIST_MESSAGES, p->customers, p->customers_about,
		    on_customers_last);
}

static void on_customers(void *arg, struct arena *a, const struct outcome *o)
{
	struct pairing *p = arg;
	const struct event *e = take_about(p, p->source, p->customers, a, o);

	if (e == NULL)
		return;
	if (e->person.identity == NULL) {
		refuse(p,
		    arena_printf(p->turn, "%s does not say whose %s:%s is", p->source->conf.name,
			p->source->conf.name, p->customers));
		return;
	}
	p->customers_about = e;
	ask(p, p->target, STEP_LIST_CONVERSATIONS, p->agents, NULL, on_agents);
}

static void ask_customers(struct pairing *p)
{
	ask(p, p->source, STEP_LIST_CONVERSATIONS, p->customers, NULL, on_customers);
}

/* ---- 1: whose are they? ---- */

static bool is_endpoint(const struct config *config, const char *name)
{
	size_t i;

	for (i = 0; i < config->nendpoints; i++)
		if (strcmp(config->endpoints[i].name, name) == 0)
			return true;
	return false;
}

static const char *endpoint_names(struct pairing *p)
{
	const struct config *config = p->config;
	const char *names = "";
	size_t i;

	for (i = 0; i < config->nendpoints; i++)
		names = arena_printf(p->turn, "%s%s%s", names, i > 0 ? ", " : "",
		    config->endpoints[i].name);
	return names;
}

static const struct bridge_conf *bridge_of(const struct config *config, const char *customers,
    const char *agents)
{
	const struct bridge_conf *b;

	for (b = config->bridges; b < config->bridges + config->nbridges; b++)
		if (strcmp(b->customers->name, customers) == 0
		    && strcmp(b->agents->name, agents) == 0)
			return b;
	return NULL;
}

/* Why these two are no ends of a bridge. */
static const char *words_for_ends(struct pairing *p, const char *customers, const char *agents)
{
	const struct config *config = p->config;
	const char *unknown = !is_endpoint(config, customers) ? customers
	    : !is_endpoint(config, agents)                    ? agents
							      : NULL;

	if (unknown != NULL)
		return arena_printf(p->turn, "found endpoint \"%s\"; allowed: %s", unknown,
		    endpoint_names(p));
	if (bridge_of(config, agents, customers) != NULL)
		return arena_printf(p->turn,
		    "found %s before %s; allowed: first the customers' side, which is %s",
		    customers, agents, agents);
	return arena_printf(p->turn,
	    "found %s with %s; allowed: the customers' and the agents' side of one bridge",
	    customers, agents);
}

static void begin(struct pairing *p)
{
	const struct pairing_item *item = &p->items[p->at];
	const char *customers = pair_endpoint(p->turn, item->customers, &p->customers);
	const char *agents = pair_endpoint(p->turn, item->agents, &p->agents);

	p->customers_about = p->agents_about = NULL;
	p->customers_last = p->agents_last = NULL;
	if (customers == NULL || agents == NULL) {
		refuse(p, "allowed: the names of two endpoints, each with :CONVERSATION");
		return;
	}
	p->bridge = bridge_of(p->config, customers, agents);
	if (p->bridge == NULL) {
		refuse(p, words_for_ends(p, customers, agents));
		return;
	}
	p->source = endpoint_find(p->flow, p->bridge->customers->id);
	p->target = endpoint_find(p->flow, p->bridge->agents->id);
	if (!p->source->conf.caps->pages || !p->target->conf.caps->pages)
		refuse(p, "its platform does not tell which conversations it has");
	else
		write_down(p, true);
}

static void on_turn(void *arg)
{
	struct pairing *p = arg;

	arena_reset(p->turn);
	if (p->at < p->count) {
		begin(p);
		return;
	}
	p->done(p->arg, false);
	pairing_free(p);
}

void pairing_start(struct flow *f, enum pairing_mode mode, struct pairing_item *items, size_t count,
    struct arena *a, void (*done)(void *arg, bool is_over), void *arg)
{
	struct pairing *p = xcalloc(1, sizeof(*p));

	p->flow = f;
	p->config = config_ref(f->config);
	p->mode = mode;
	p->items = items;
	p->count = count;
	p->arena = a;
	p->done = done;
	p->arg = arg;
	p->turn = arena_new();
	p->later = loop_later_new(f->loop, on_turn, p);
	p->is_listed = true;
	TAILQ_INSERT_TAIL(&f->migrations->pairings, p, next);
	loop_later(p->later);
}

/* What the store has a part of is freed when it gives that back. */
void pairings_free(struct migrations *m)
{
	struct pairing *p, *next;

	for (p = TAILQ_FIRST(&m->pairings); p != NULL; p = next) {
		next = TAILQ_NEXT(p, next);
		TAILQ_REMOVE(&m->pairings, p, next);
		p->is_listed = false;
		p->done(p->arg, true);
		p->done = NULL;
		if (!p->is_asking)
			pairing_free(p);
	}
}
