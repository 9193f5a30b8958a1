/* See plan.h. */
#include "flow/plan.h"

#include <string.h>

/* Under a bridge's name we never write as its customer at the customers' side. Where such a mark stands
 * there, the customer has copied it from somewhere: it is none. Another relay may well have a bridge of
 * that name, and write there. */
static bool believe(const struct keys *keys, const struct event *event,
    const struct bridge_conf *bridge, enum side side, struct mark *mark)
{
	return mark_read(keys, event->mark, mark)
	    && (side == SIDE_AGENTS || event->author.role != ROLE_CUSTOMER || !mark->ours
		|| strcmp(mark->bridge, bridge->tag) != 0);
}

void plan_decide(const struct offer *in, struct route *out)
{
	struct mark mark;
	const struct route_in route = {
		.event = in->event,
		.mark = believe(in->keys, in->event, in->bridge, in->side, &mark) ? &mark : NULL,
		.bridge = in->bridge,
		.side = in->side,
		.view = in->view,
		.known = &in->view->bridges[in->at],
		.now_ms = in->now_ms,
		.hops = in->hops,
		.is_known = in->is_known,
	};

	route_event(&route, out);
}

/* ---- one delivery ---- */

static void learn_from_rows(struct arena *a, const struct cargo *in, struct known *k)
{
	const struct row_link *l = in->link;
	const struct connector *c = in->target.endpoint->connector;
	bool up = in->to == SIDE_AGENTS;

	*k = (struct known){ 0 };
	k->contact = in->lane->contact;
	k->signed_in = in->lane->signed_in;
	k->address = in->lane->address;
	if (k->address == NULL && !up)
		k->address = in->person->address;
	if (k->address == NULL && up && c->address != NULL && in->person->identity != NULL)
		k->address = c->address(&in->target, a, in->person->identity);
	k->conversation = up ? l->agents_remote : l->customers_remote;
	k->conversation_ref = up ? l->agents_ref : l->customers_ref;
	k->closed = (up ? l->agents_state : l->customers_state) == STATE_RESOLVED;
	k->opted_out = !up && l->customers_state == STATE_OPTED_OUT;
	k->taken_over = l->taken_over;
}

static struct tenancy tenancy_of(const struct endpoint_conf *e)
{
	return (struct tenancy){ e->connector->name, e->host, e->tenant };
}

static void compose_from_rows(struct arena *a, const struct cargo *in, const struct known *known,
    struct composed *words)
{
	const struct connector *desk = in->desk.endpoint->connector;
	struct mark mark;
	struct compose_in c = {
		.keys = in->keys,
		.event = in->event,
		.bridge = in->bridge,
		.to = in->to,
		.from = tenancy_of(in->from),
		.customers = tenancy_of(in->customers),
		.customers_conversation = in->link->customers_remote,
		.generation = in->link->generation,
		.person = in->person,
		.title = desk->title != NULL ? desk->title(&in->desk) : NULL,
		.reopen = in->reopen,
		.take_over = in->take_over && !in->link->taken_over,
		.may_open = known->conversation == NULL,
		.set_state = in->set_state,
		.replied = in->replied,
		.replied_remote = in->replied_remote,
	};

	if (believe(in->keys, in->event, in->bridge,
		in->to == SIDE_AGENTS ? SIDE_CUSTOMERS : SIDE_AGENTS, &mark))
		c.mark = &mark;
	compose(a, &c, words);
}

void plan_words(struct arena *a, const struct cargo *in, struct composed *words,
    struct known *known)
{
	const struct connector *c = in->target.endpoint->connector;

	learn_from_rows(a, in, known);
	compose_from_rows(a, in, known, words);
	/* An id that we choose ourselves is known before the first call. */
	if (known->conversation == NULL && c->conversation != NULL)
		known->conversation = c->conversation(&in->target, a, &words->message);
}

static bool takes_note(const struct message *m, const struct caps *caps)
{
	return m->to == SIDE_AGENTS ? caps->notes : caps->keeps_notes && m->role != ROLE_SYSTEM;
}

bool plan_steps(struct arena *a, const struct via *target, struct composed *words,
    const struct known *known, struct plan *out, struct effect *refused)
{
	const struct message *m = &words->message;

	*refused = (struct effect){ .kind = EFFECT_REJECTED, .reason = REASON_UNSUPPORTED };
	out->count = 0;
	/* Whatever was decided when it was routed, and by which configuration: no customer reads a note. */
	if (m->is_note && !takes_note(m, target->endpoint->caps)) {
		refused->why = "a note is not for customers, and nobody else reads there";
		return false;
	}
	return target->endpoint->connector->plan(target, a, &words->message, known, out, refused)
	    == 0
	    && out->count > 0;
}
