/* See adoption.h.
 *
 *   the person's conversations at the agents' side ─▶ which of them are in a pair? ─▶ marks?
 *     └ no mark, and ids there are of our own choosing ─▶ this one's messages ─▶ are theirs copies of them?
 *         └ no ─▶ exactly one open? ─▶ how many has he at the customers' side? ─▶ its newest message
 *   what is found is written, and told
 *
 * Only the first question is asked about everybody new. */
#include "flow/adoption.h"

#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "core/standing.h"
#include "flow/endpoint.h"
#include "flow/pager.h"
#include "flow/repair.h"
#include "flow/router.h"

#define CANDIDATES_MOST 100
#define LOOKED_INTO_MOST 8 /* for copies, the newest first */
#define PAGES_MOST 50      /* of this conversation's messages */
/* So long a message waits for the side that it came from: that may be away, and what it was asked for is only whether
 * to take what is there. */
#define SOURCE_PATIENCE_MSECS (60 * 1000)

struct known_root {
	struct map_node node;
	struct root root;
};

struct adoption {
	struct adoption_order order;
	struct flow *flow;
	struct config *config; /* a reference: what order.bridge may be of */
	struct arena *arena;
	void (*done)(void *arg, const struct adoption_result *result);
	void *arg;

	struct message who; /* as the questions want it */
	char root_text[ROOT_TEXT_SIZE];
	struct adopt_in in;
	struct adopt_out out;
	struct adopt_candidate *candidates;
	const struct event **about; /* … as they were told */
	struct page page;
	struct loop_timer *timer; /* of a question to the customers' side */
	struct arena **pages;
	size_t npages;
	struct op_paired paired;
	bool is_paired[CANDIDATES_MOST];
	struct map roots; /* of this conversation's messages */
	bool is_named;    /* conversations there bear ids of our own choosing */
	size_t at, looked;
	struct op_adopt write;
	bool is_submitted;
};

static bool flow_owns(const struct adoption *d)
{
	return d->is_submitted;
}

/* ---- asking ---- */

static void keep_page(struct adoption *d, struct arena *a)
{
	d->pages = xrealloc(d->pages, (d->npages + 1) * sizeof(*d->pages));
	d->pages[d->npages++] = a;
}

static void ask(struct adoption *d, struct endpoint *e, enum step step, const char *cursor,
    void (*done)(void *arg, struct arena *a, const struct outcome *o))
{
	d->page.job = (struct job){ .step = step, .cursor = cursor, .message = &d->who };
	d->page.is_live = d->order.is_live;
	d->page.is_history = !d->order.is_live;
	d->page.done = done;
	d->page.arg = d;
	page_ask(e, &d->page);
}

/* For an answer, or one that does not come. */
static void await_source(struct adoption *d)
{
	if (d->order.is_live)
		loop_timer_set(d->timer, SOURCE_PATIENCE_MSECS);
}

/* It has come. */
static void take_page(struct adoption *d, struct arena *a)
{
	loop_timer_stop(d->timer);
	keep_page(d, a);
}

static void on_late(void *arg)
{
	struct adoption *d = arg;
	const struct outcome none = { .effect = { .kind = EFFECT_REJECTED } };

	page_cancel(&d->page);
	d->page.done(d, arena_new(), &none);
}

static void ask_messages(struct adoption *d, struct endpoint *e, const char *conversation,
    const char *cursor, void (*done)(void *arg, struct arena *a, const struct outcome *o))
{
	d->page.known = (struct known){ .conversation = conversation };
	ask(d, e, STEP_LIST_MESSAGES, cursor, done);
	d->page.job.message = NULL;
}

static bool is_had(const struct outcome *o)
{
	return o->effect.kind == EFFECT_NEXT_STEP || o->effect.kind == EFFECT_DELIVERED;
}

/* ---- 6: the end ---- */

static void finish(struct adoption *d)
{
	const struct adoption_result result = {
		.is_found = d->out.one != NULL,
		.how = d->out.how,
		.conversation = d->out.one != NULL ? d->out.one->conversation : NULL,
		.state = d->out.one != NULL ? d->out.one->state : STATE_NONE,
		.link = d->write.row.id != 0 ? &d->write.row : NULL,
	};

	LOG(result.is_found ? LOG_INFO : LOG_DEBUG, "adopted",
	    F_STR("bridge", d->order.bridge->name), F_STR("reason", link_how_word((int)d->out.how)),
	    F_ID("link", 'k', d->write.row.id), F_STR("err", d->out.why));
	d->done(d->arg, &result);
	adoption_free(d);
}

static void on_written(struct store_op *op)
{
	struct adoption *d = (struct adoption *)((char *)op - offsetof(struct adoption, write.op));

	if (flow_redo(d->flow, op))
		return;
	d->is_submitted = false;
	if (d->done == NULL) { /* nobody waits for it any more */
		adoption_free(d);
		return;
	}
	if (d->write.result == ADOPT_DONE && !d->order.is_dry)
		adoption_tell(d->order.bridge, d->flow, &d->write);
	if (d->write.result != ADOPT_DONE) {
		d->out.one = NULL;
		d->out.how = LINK_BY_CREATED;
		d->out.why = "one of the two is in a pair already";
	}
	finish(d);
}

static void on_write_lost(struct store_op *op)
{
	struct adoption *d = (struct adoption *)((char *)op - offsetof(struct adoption, write.op));

	d->is_submitted = false;
	if (d->done == NULL)
		adoption_free(d);
}

static const struct event *event_of(const struct adoption *d, const struct adopt_candidate *c)
{
	return d->about[c - d->candidates];
}

/* first: the newest message that stands in it; what is older stays there. */
static void write_down(struct adoption *d, const char *first)
{
	const struct adopt_candidate *c = d->out.one;
	const struct event *e = c != NULL ? event_of(d, c) : NULL, *about = d->order.about;

	if (c == NULL && (d->order.link == 0 || d->out.generation == d->in.generation)) {
		finish(d);
		return;
	}
	d->write = (struct op_adopt){
		.op = { .kind = STORE_ADOPT, .done = on_written, .lost = on_write_lost },
		.arena = d->arena,
		.bridge = d->order.bridge->id,
		.link = d->order.link,
		.generation = d->out.generation,
		.how = d->out.how,
		.about = about,
		.customers = { .endpoint = d->order.source->conf.id,
		    .remote = d->order.conversation,
		    .ref = about != NULL ? about->conversation_ref : NULL },
		.agents = { .endpoint = d->order.target->conf.id, .first = first },
		.is_dry = d->order.is_dry,
		.now_ms = loop_now_ms(d->flow->loop),
	};
	if (c != NULL) {
		d->write.agents.remote = c->conversation;
		d->write.agents.ref = e->conversation_ref;
		d->write.agents.state = c->state;
		d->write.agents.version = e->version;
	}
	d->is_submitted = true;
	flow_submit(d->flow, &d->write.op);
}

/* ---- 5: what stands last in it ---- */

static void on_newest(void *arg, struct arena *a, const struct outcome *o)
{
	struct adoption *d = arg;
	const char *first = NULL;
	size_t i;

	keep_page(d, a);
	if (!is_had(o)) { /* all that stands there would pass for new */
		d->out.one = NULL;
		d->out.how = LINK_BY_CREATED;
		d->out.why = "what stands in the person's only one cannot be read";
	}
	for (i = 0; is_had(o) && i < o->events.count; i++)
		if (o->events.items[i].remote != NULL)
			first = o->events.items[i].remote;
	write_down(d, first);
}

/* ---- 4: how many he has at the customers' side ---- */

static void count(struct adoption *d, int open)
{
	adopt_count(open, &d->out);
	if (d->out.one != NULL)
		ask_messages(d, d->order.target, d->out.one->conversation, NULL, on_newest);
	else
		write_down(d, NULL);
}

static void on_customers(void *arg, struct arena *a, const struct outcome *o)
{
	struct adoption *d = arg;
	const struct event *e;
	bool has_this = false;
	int open = 0;
	size_t i;

	take_page(d, a);
	for (i = 0; is_had(o) && i < o->events.count; i++) {
		e = &o->events.items[i];
		if (e->drop != DROP_NONE || e->conversation == NULL || state_is_closed(e->state)
		    || (e->flags & EVENT_IS_DRAFT) != 0)
			continue;
		open++;
		has_this |= strcmp(e->conversation, d->order.conversation) == 0;
	}
	if (!is_had(o) || (!o->found && open <= 1)) /* or one answer does not tell of all */
		open = -1;
	else if (open == 1 && !has_this)
		open = 0;
	count(d, open);
}

static void by_person(struct adoption *d)
{
	adopt_by_person(&d->in, &d->out);
	if (d->out.one == NULL) {
		write_down(d, NULL);
	} else if (d->order.is_offline) {
		count(d, -1);
	} else if (!d->order.source->conf.caps->lists_conversations) {
		count(d, 1);
	} else if (d->order.person->address == NULL) {
		count(d, -1);
	} else {
		d->who.to = SIDE_CUSTOMERS;
		d->page.known = (struct known){ .address = d->order.person->address };
		ask(d, d->order.source, STEP_FIND_CONVERSATION, NULL, on_customers);
		await_source(d);
	}
}

/* ---- 3: copies of what was said in this one ---- */

static bool has_root(const struct adoption *d, const struct root *root)
{
	const struct map_node *n = map_find(&d->roots, hash_bytes(root->b, sizeof(root->b), 0));

	for (; n != NULL; n = map_find_next(n))
		if (root_equal(&((const struct known_root *)n)->root, root))
			return true;
	return false;
}

static void add_root(struct adoption *d, const struct root *root)
{
	struct known_root *r = arena_zalloc(d->arena, sizeof(*r));

	r->root = *root;
	map_add(&d->roots, &r->node, hash_bytes(root->b, sizeof(root->b), 0));
}

static void add_message(struct adoption *d, const struct event *e)
{
	const struct endpoint_conf *from = &d->order.source->conf;
	struct root root;

	if (e->kind != EVENT_MESSAGE || e->remote == NULL)
		return;
	root = ids_root(from->connector->name, from->host, from->tenant, e->remote);
	add_root(d, &root);
}

static void look_into_next(struct adoption *d);

static void on_copies(void *arg, struct arena *a, const struct outcome *o)
{
	struct adoption *d = arg;
	struct adopt_candidate *c = &d->candidates[d->at];
	struct mark mark;
	size_t i;

	keep_page(d, a);
	for (i = 0; is_had(o) && i < o->events.count; i++)
		if (mark_read(&d->flow->keys, o->events.items[i].mark, &mark)
		    && (mark.kind == 'm' || mark.kind == 'h'))
			c->has_roots |= has_root(d, &mark.root);
	d->at++;
	look_into_next(d);
}

static void look_into_next(struct adoption *d)
{
	while (d->at < d->in.count && d->candidates[d->at].is_taken)
		d->at++;
	if (d->at < d->in.count && d->looked++ < LOOKED_INTO_MOST) {
		ask_messages(d, d->order.target, d->candidates[d->at].conversation, NULL,
		    on_copies);
		return;
	}
	if (adopt_by_mark(&d->in, &d->out))
		write_down(d, NULL);
	else
		by_person(d);
}

static void on_ours(void *arg, struct arena *a, const struct outcome *o)
{
	struct adoption *d = arg;
	size_t i;

	take_page(d, a);
	for (i = 0; is_had(o) && i < o->events.count; i++)
		add_message(d, &o->events.items[i]);
	if (is_had(o) && o->cursor != NULL && d->npages < PAGES_MOST) {
		ask_messages(d, d->order.source, d->order.conversation, o->cursor, on_ours);
		await_source(d);
		return;
	}
	look_into_next(d);
}

static void ask_ours(struct adoption *d)
{
	ask_messages(d, d->order.source, d->order.conversation, NULL, on_ours);
	await_source(d);
}

static void look_with_said(struct adoption *d)
{
	size_t i;

	for (i = 0; i < d->order.nsaid; i++)
		add_root(d, &d->order.said[i]);
	look_into_next(d);
}

static bool has_untaken(const struct adoption *d)
{
	size_t i;

	for (i = 0; i < d->in.count; i++)
		if (!d->candidates[i].is_taken)
			return true;
	return false;
}

/* ---- 2: what the store knows of them ---- */

static void decide(struct adoption *d)
{
	if (adopt_by_mark(&d->in, &d->out))
		write_down(d, NULL);
	else if (!d->is_named || !has_untaken(d))
		by_person(d);
	else if (d->order.said != NULL)
		look_with_said(d);
	else if (d->order.source->conf.caps->pages && !d->order.is_offline)
		ask_ours(d);
	else
		by_person(d);
}

static void on_paired(struct store_op *op)
{
	struct adoption *d = (struct adoption *)((char *)op - offsetof(struct adoption, paired.op));
	size_t i;

	if (flow_redo(d->flow, op))
		return;
	d->is_submitted = false;
	if (d->done == NULL) {
		adoption_free(d);
		return;
	}
	for (i = 0; i < d->in.count; i++)
		d->candidates[i].is_taken = d->is_paired[i];
	decide(d);
}

static void on_paired_lost(struct store_op *op)
{
	struct adoption *d = (struct adoption *)((char *)op - offsetof(struct adoption, paired.op));

	d->is_submitted = false;
	if (d->done == NULL)
		adoption_free(d);
}

static void ask_paired(struct adoption *d)
{
	const char **remotes = arena_zalloc(d->arena, (d->in.count + 1) * sizeof(*remotes));
	size_t i;

	for (i = 0; i < d->in.count; i++)
		remotes[i] = d->candidates[i].conversation;
	d->paired = (struct op_paired){
		.op = { .kind = STORE_PAIRED, .done = on_paired, .lost = on_paired_lost },
		.endpoint = d->order.target->conf.id,
		.remotes = remotes,
		.count = d->in.count,
		.is_paired = d->is_paired,
	};
	d->is_submitted = true;
	flow_submit(d->flow, &d->paired.op);
}

/* ---- 1: the person's conversations there ---- */

static void add_candidate(struct adoption *d, const struct event *e, const char *derived)
{
	struct adopt_candidate *c;

	if (e->kind != EVENT_CONVERSATION || e->drop != DROP_NONE || e->conversation == NULL
	    || (e->flags & EVENT_IS_DRAFT) != 0 || d->in.count == CANDIDATES_MOST)
		return;
	c = &d->candidates[d->in.count];
	d->about[d->in.count++] = e;
	*c = (struct adopt_candidate){
		.conversation = e->conversation,
		.state = e->state,
		.changed_ms = e->version,
		.mark = e->conversation_mark,
		.is_derived = derived != NULL && strcmp(derived, e->conversation) == 0,
	};
}

static void on_candidates(void *arg, struct arena *a, const struct outcome *o)
{
	struct adoption *d = arg;
	struct endpoint *target = d->order.target;
	const struct via via = endpoint_via(target);
	const char *derived = NULL;
	size_t i;

	keep_page(d, a);
	if (is_had(o) && o->cursor != NULL && d->npages < PAGES_MOST) {
		ask(d, target, STEP_FIND_CONVERSATION, o->cursor, on_candidates);
		return;
	}
	if (target->connector->conversation != NULL)
		derived = target->connector->conversation(&via, d->arena, &d->who);
	d->is_named = derived != NULL;
	for (i = 0; is_had(o) && i < o->events.count; i++)
		add_candidate(d, &o->events.items[i], derived);
	d->in.candidates = d->candidates;
	d->in.is_whole = is_had(o) && o->found && d->in.count < CANDIDATES_MOST;
	if (d->in.count > 0)
		ask_paired(d);
	else
		decide(d);
}

static void ask_candidates(struct adoption *d)
{
	struct endpoint *target = d->order.target;
	const struct via via = endpoint_via(target);

	d->page.known = (struct known){ .contact = d->order.contact };
	if (target->connector->address != NULL && d->order.person->identity != NULL)
		d->page.known.address =
		    target->connector->address(&via, d->arena, d->order.person->identity);
	ask(d, target, STEP_FIND_CONVERSATION, NULL, on_candidates);
}

/* ---- life ---- */

static void describe(struct adoption *d)
{
	const struct adoption_order *o = &d->order;
	const struct endpoint_conf *from = &o->source->conf;

	d->in = (struct adopt_in){
		.keys = &d->flow->keys,
		.bridge = o->bridge,
		.conversation = ids_root_of_conversation(from->connector->name, from->host,
		    from->tenant, o->conversation),
		.generation = o->generation,
		.now_ms = loop_now_ms(d->flow->loop),
		.is_history = !o->is_live,
	};
	d->who = (struct message){
		.to = SIDE_AGENTS,
		.role = ROLE_CUSTOMER,
		.person = o->person,
		.generation = o->generation,
		.bridge = o->bridge->name,
		.conversation_root = root_format(&d->in.conversation, d->root_text),
		.match_phone = o->bridge->match_contacts == MATCH_ANY
		    || (o->bridge->match_contacts == MATCH_VERIFIED && o->person->is_vouched),
		.match_email = o->bridge->match_contacts == MATCH_ANY,
	};
}

struct adoption *adoption_start(const struct adoption_order *order,
    void (*done)(void *arg, const struct adoption_result *result), void *arg)
{
	struct adoption *d = xcalloc(1, sizeof(*d));

	d->order = *order;
	d->flow = order->target->flow;
	d->config = config_ref(d->flow->config);
	d->arena = arena_new();
	d->done = done;
	d->arg = arg;
	d->candidates = arena_zalloc(d->arena, CANDIDATES_MOST * sizeof(*d->candidates));
	d->about = arena_zalloc(d->arena, CANDIDATES_MOST * sizeof(*d->about));
	map_init(&d->roots);
	d->timer = loop_timer_new(d->flow->loop, on_late, d);
	describe(d);
	ask_candidates(d);
	return d;
}

void adoption_free(struct adoption *d)
{
	size_t i;

	if (d == NULL)
		return;
	if (flow_owns(d)) { /* the store has a part of it; that frees it */
		d->done = NULL;
		return;
	}
	page_cancel(&d->page);
	loop_timer_free(d->timer);
	map_fini(&d->roots);
	for (i = 0; i < d->npages; i++)
		arena_free(d->pages[i]);
	xfree(d->pages);
	config_unref(d->config);
	arena_free(d->arena);
	xfree(d);
}

/* ---- what follows ---- */

struct release {
	struct repair repair;
	struct parked_id *ids;
};

static void on_released(struct repair *r)
{
	struct release *l = r->arg;

	arena_free(r->arena);
	xfree(l);
}

static void release_parked(struct flow *f, const struct op_adopt *op)
{
	struct release *l;
	struct arena *a;
	size_t i;

	if (op->nparked == 0)
		return;
	l = xcalloc(1, sizeof(*l));
	a = arena_new();
	l->ids = arena_zalloc(a, op->nparked * sizeof(*l->ids));
	for (i = 0; i < op->nparked; i++)
		l->ids[i].id = op->parked[i];
	l->repair = (struct repair){
		.flow = f,
		.ingest = f->ingest,
		.mend = MEND_RETRY,
		.ids = l->ids,
		.nids = op->nparked,
		.who = "the relay: its conversation is linked now",
		.done = on_released,
		.arg = l,
		.arena = a,
	};
	repair_start(&l->repair);
}

void adoption_tell(const struct bridge_conf *b, struct flow *f, const struct op_adopt *op)
{
	const struct row_link *l = &op->row;
	struct endpoint *source = endpoint_find(f, b->customers->id);
	struct endpoint *target = endpoint_find(f, b->agents->id);

	router_forget(f->router, l->id, 0);
	if (source != NULL && l->customers_remote != NULL)
		router_linked(f->router, source, l->customers_remote, l);
	if (target != NULL && l->agents_remote != NULL)
		router_linked(f->router, target, l->agents_remote, l);
	release_parked(f, op);
}
