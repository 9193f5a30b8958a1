/* See typing.h. One conversation in one bridge:
 *
 *   typings_take ─▶ asked of the store: where to? ─▶ sent, if nothing else is to go there ─▶ off after 10 s
 *
 * What it takes is bounded: one look into the store and one request in five seconds for a conversation, and
 * only so many conversations at once. A message that waits for the same person is more than a hint that one
 * comes, and so is a busy gate: then nothing is said. */
#include "flow/typing.h"

#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "flow/endpoint.h"
#include "flow/lanes.h"
#include "flow/plan.h"

#define FRESH_MSECS 5000 /* older news are none, and no two in less */
#define OFF_MSECS 10000
#define MOST 1024

struct typist {
	struct map_node node;
	struct typings *typings;
	struct endpoint *from, *target;
	size_t bridge; /* of from's */
	char *conversation;
	int64_t last_ms; /* something was sent, or asked for in vain */
	bool is_on;      /* shown there, by us */
	/* where to */
	enum side to;
	char *remote, *address;
	struct loop_timer *timer; /* it is over */
	/* under way */
	struct op_view view;
	struct letter *letter; /* NULL: the store was not asked */
	struct arena *arena;   /* while the store is asked, or the request is under way */
	struct message message;
	struct known known;
	struct request request;
	bool is_forgotten;
};

struct typings {
	struct flow *flow;
	struct map map;
	size_t count;
};

static int64_t now(const struct typings *t)
{
	return loop_now_ms(t->flow->loop);
}

static uint64_t hash_of(const struct endpoint *e, size_t bridge, const char *conversation)
{
	return hash_text(conversation, (uint64_t)e->conf.id << 8 | bridge);
}

static void end_request(struct typist *s)
{
	arena_free(s->arena);
	s->arena = NULL;
}

static void end_ask(struct typist *s)
{
	letter_unref(s->letter);
	s->letter = NULL;
	if (s->request.call != NULL) /* what was asked for is under way, and has the memory */
		return;
	arena_free(s->arena);
	s->arena = NULL;
}

/* As soon as nobody else has it. */
static void forget(struct typist *s)
{
	if (!s->is_forgotten) {
		s->is_forgotten = true;
		map_remove(&s->typings->map, &s->node);
		s->typings->count--;
	}
	if (s->letter != NULL || s->request.call != NULL)
		return;
	loop_timer_free(s->timer);
	xfree(s->conversation);
	xfree(s->remote);
	xfree(s->address);
	xfree(s);
}

static struct typist *find(struct typings *t, struct endpoint *e, size_t bridge,
    const char *conversation)
{
	struct map_node *n = map_find(&t->map, hash_of(e, bridge, conversation));
	struct typist *s;

	for (; n != NULL; n = map_find_next(n)) {
		s = (struct typist *)n;
		if (s->from == e && s->bridge == bridge
		    && strcmp(s->conversation, conversation) == 0)
			return s;
	}
	return NULL;
}

static void on_timer(void *arg);
static void on_answer(void *arg, const struct outcome *o);

static struct typist *get(struct typings *t, struct endpoint *e, size_t bridge,
    struct endpoint *target, const char *conversation)
{
	struct typist *s = find(t, e, bridge, conversation);

	if (s != NULL || t->count >= MOST)
		return s;
	s = xcalloc(1, sizeof(*s));
	s->typings = t;
	s->from = e;
	s->target = target;
	s->bridge = bridge;
	s->conversation = xstrdup(conversation);
	s->timer = loop_timer_new(t->flow->loop, on_timer, s);
	s->request.done = on_answer;
	s->request.arg = s;
	map_add(&t->map, &s->node, hash_of(e, bridge, conversation));
	t->count++;
	return s;
}

/* ---- requests ---- */

/* A hint that did not arrive is no loss. */
static void on_answer(void *arg, const struct outcome *o)
{
	struct typist *s = arg;

	(void)o;
	end_request(s);
	if (s->is_forgotten || !s->is_on)
		forget(s);
}

/* Nothing waits there, and there is room. */
static bool is_free(const struct typist *s)
{
	const struct gate *g = &s->target->gate;

	return !s->typings->flow->draining && !g->is_paused && !g->is_shut && gate_is_open(g)
	    && g->queued == 0 && !gate_is_wanted(g);
}

static bool send_it(struct typist *s, bool on)
{
	struct job job = { .kind = JOB_DELIVER, .step = STEP_TYPING, .attempt = 1 };

	if (s->request.call != NULL || !is_free(s) || !gate_enter(&s->target->gate, TURN_LIVE))
		return false;
	s->last_ms = now(s->typings);
	if (s->arena == NULL)
		s->arena = arena_new();
	s->message = (struct message){ .to = s->to, .role = ROLE_SYSTEM };
	s->known = (struct known){ .conversation = s->remote, .address = s->address };
	job.state = on ? STATE_ON : STATE_OFF;
	job.message = &s->message;
	job.known = &s->known;
	s->is_on = request_send(&s->request, s->target, s->arena, &job) && on;
	if (s->request.call == NULL)
		end_request(s);
	return s->request.call != NULL;
}

static void on_timer(void *arg)
{
	struct typist *s = arg;

	if (s->letter != NULL) /* the store takes its time */
		loop_timer_set(s->timer, OFF_MSECS);
	else if (!s->is_on || !send_it(s, false))
		forget(s);
}

/* ---- where to ---- */

static bool is_lane_idle(struct typist *s, int64_t person)
{
	struct lane *l = lane_get(s->target, person);
	bool idle = l->state == LANE_IDLE && l->count == 0;

	lane_tidy(l);
	return idle;
}

static bool is_fresh(const struct typist *s, const struct event *event)
{
	int64_t at_ms =
	    event->at_ms > 0 && event->at_ms < event->here_ms ? event->at_ms : event->here_ms;

	return now(s->typings) - at_ms <= FRESH_MSECS;
}

static void keep(char **place, const char *text)
{
	xfree(*place);
	*place = xstrdup(text);
}

static void learn_place(struct typist *s, const struct event *event, const struct row_link *l)
{
	const struct via via = endpoint_via(s->target);
	const struct connector *c = s->target->connector;

	s->to = s->from->asks[s->bridge].side == SIDE_CUSTOMERS ? SIDE_AGENTS : SIDE_CUSTOMERS;
	keep(&s->remote, s->to == SIDE_AGENTS ? l->agents_remote : l->customers_remote);
	keep(&s->address,
	    s->to == SIDE_AGENTS && c->address != NULL && event->person.identity != NULL
		? c->address(&via, s->arena, event->person.identity)
		: NULL);
}

static void on_viewed(struct store_op *op)
{
	struct typist *s = (struct typist *)((char *)op - offsetof(struct typist, view.op));
	const struct event *event = s->letter->event;
	const struct row_link *l = &s->view.view.bridges[s->bridge].link;

	if (!s->is_forgotten && op->result == 0 && l->id != 0 && !l->gone) {
		learn_place(s, event, l);
		if (s->remote != NULL && is_fresh(s, event) && is_lane_idle(s, l->person))
			(void)send_it(s, true);
	}
	end_ask(s);
	if (s->is_forgotten)
		forget(s);
}

static void ask_where(struct typist *s, struct letter *letter)
{
	s->last_ms = now(s->typings);
	loop_timer_set(s->timer, OFF_MSECS);
	s->view = (struct op_view){
		.op = { .kind = STORE_VIEW, .done = on_viewed },
		.arena = s->arena = arena_new(),
		.event = letter->event,
		.asks = s->from->asks,
		.nasks = s->from->nbridges,
	};
	s->letter = letter_ref(letter);
	if (flow_offer(s->typings->flow, &s->view.op) != 0)
		end_ask(s);
}

/* ---- what others call ---- */

static bool is_carried(struct typings *t, struct endpoint *e, size_t bridge,
    const struct event *event)
{
	static const struct view nothing;
	const struct offer offer = {
		.keys = &t->flow->keys,
		.event = event,
		.bridge = e->bridges[bridge],
		.side = e->asks[bridge].side,
		.view = &nothing,
		.at = bridge,
		.now_ms = now(t),
		.hops = (int)t->flow->config->limits.hops,
	};
	struct route route;

	plan_decide(&offer, &route);
	if (route.drop == DROP_NONE
	    && !endpoint_find(t->flow, e->asks[bridge].other)->conf.caps->typing)
		route.drop = DROP_UNSUPPORTED;
	if (route.drop != DROP_NONE)
		e->stats.drops[route.drop]++;
	return route.drop == DROP_NONE && (e->paused >> bridge & 1) == 0;
}

static void take_on(struct typings *t, struct endpoint *e, size_t bridge, struct letter *letter)
{
	struct endpoint *target = endpoint_find(t->flow, e->asks[bridge].other);
	struct typist *s = get(t, e, bridge, target, letter->event->conversation);

	if (s == NULL || s->letter != NULL || s->request.call != NULL
	    || (s->last_ms != 0 && now(t) - s->last_ms < FRESH_MSECS))
		return;
	ask_where(s, letter);
}

static void take_off(struct typist *s)
{
	int64_t left;

	if (s == NULL || !s->is_on)
		return;
	left = s->last_ms + FRESH_MSECS - now(s->typings);
	loop_timer_set(s->timer, left > 0 ? left : 0);
}

void typings_take(struct typings *t, struct endpoint *e, struct letter *letter)
{
	const struct event *event = letter->event;
	size_t i;

	if (event->conversation == NULL || t->flow->draining || e->is_held)
		return;
	for (i = 0; i < e->nbridges; i++) {
		if (!is_carried(t, e, i, event))
			continue;
		if (event->state == STATE_OFF)
			take_off(find(t, e, i, event->conversation));
		else
			take_on(t, e, i, letter);
	}
}

struct typings *typings_new(struct flow *f)
{
	struct typings *t = xcalloc(1, sizeof(*t));

	t->flow = f;
	map_init(&t->map);
	return t;
}

void typings_free(struct typings *t)
{
	struct map_node *n, *next;
	struct typist *s;

	if (t == NULL)
		return;
	for (n = map_walk(&t->map, NULL); n != NULL; n = next) {
		next = map_walk(&t->map, n);
		s = (struct typist *)n;
		if (s->request.call != NULL) {
			request_cancel(&s->request);
			end_request(s);
		}
		if (s->letter != NULL) /* the store is done with it */
			end_ask(s);
		forget(s);
	}
	map_fini(&t->map);
	xfree(t);
}
