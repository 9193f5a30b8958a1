/* See trip_inside.h. Before a conversation is opened at the agents' side: is there one already (adoption.h)?
 *
 * Where somebody's conversation is looked for anyhow, as part of the plan, that is the moment: who was not there until
 * now has none, and is asked nothing. Where the plan has no such step, because the id is of our own choosing, it is
 * asked before the first request. A plan made anew then writes into what was found, and what it writes is looked for
 * before: it may have been carried there by an earlier life. */
#include "flow/trip_inside.h"

#include "base/arena.h"
#include "flow/adoption.h"
#include "flow/endpoint.h"

static bool plan_finds(const struct trip *t)
{
	size_t i;

	for (i = 0; i < t->plan.count; i++)
		if (t->plan.steps[i].step == STEP_FIND_CONVERSATION)
			return true;
	return false;
}

/* Of a further conversation for the same one at the customers' side, and of one that may be there by now, nothing is
 * asked. */
static bool is_due(const struct trip *t)
{
	const struct row_link *l = &t->row.link;

	return !t->was_adopted && trip_side(t) == SIDE_AGENTS && t->words.message.may_open
	    && !t->is_open && !t->is_looking && t->target->conf.caps->lists_conversations
	    && l->id != 0 && l->generation == 1 && l->customers_remote != NULL
	    && t->row.person.identity != NULL
	    && t->letter->event->origin != ORIGIN_HISTORY /* asked before it was taken in */
	    && (plan_finds(t) ? t->now.step == STEP_FIND_CONVERSATION : !t->is_doubted);
}

static void on_adopted(void *arg, const struct adoption_result *result)
{
	struct trip *t = arg;

	t->adoption = NULL;
	trip_set_active(t, true);
	lane_rest(t->lane, false);
	if (result->link == NULL && plan_finds(t)) {
		trip_store_step(t, false, NULL); /* the next life is not to ask in doubt */
		return;
	}
	if (result->link == NULL) {
		trip_go(t);
		return;
	}
	t->row.delivery.reopen |= result->is_found && result->state == STATE_RESOLVED;
	trip_relink(t, result->link);
	if (result->is_found) {
		t->looks_first = true;
		t->looked = -1;
	}
	if (!trip_plan(t))
		return;
	trip_turn_to(t, 0);
	trip_go(t);
}

bool trip_adopts(struct trip *t)
{
	const struct event *e = t->letter->event;
	struct person *person;

	if (!is_due(t))
		return false;
	person = ARENA_NEW(t->arena, struct person);
	*person = t->row.person;
	person->is_vouched = e->person.is_vouched; /* which no row says */
	t->was_adopted = true;
	trip_set_active(t, false);
	lane_rest(t->lane, true);
	t->adoption = adoption_start(
	    &(struct adoption_order){
		.bridge = t->bridge,
		.source = endpoint_find(t->courier->flow, t->bridge->customers->id),
		.target = t->target,
		.conversation = t->row.link.customers_remote,
		.person = person,
		.contact = t->known.contact,
		.generation = t->row.link.generation,
		.link = t->row.link.id,
		.is_live = true,
	    },
	    on_adopted, t);
	return true;
}
