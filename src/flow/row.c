/* See row.h. */
#include "flow/row.h"

#include "base/log.h"
#include "flow/courier.h"
#include "flow/endpoint.h"
#include "flow/errand.h"
#include "flow/history/migration.h"
#include "flow/media/media.h"
#include "flow/mirror.h"
#include "flow/pace.h"
#include "flow/router.h"

static enum turn turn_of(struct endpoint *from, const struct event *event)
{
	switch (event->origin) {
	case ORIGIN_LIVE:
	case ORIGIN_OWN: return TURN_LIVE;
	case ORIGIN_HISTORY:
		if (router_is_urgent(from->flow->router, from, event->conversation))
			return TURN_LIVE;
		break;
	case ORIGIN_REPAIR: break;
	}
	return TURN_LATE;
}

/* It goes no further: a person decides. */
static struct lane *park_row(const struct bridge_conf *b, const struct event *event,
    struct route_row *row, enum reason reason, const char *words)
{
	row->state = DELIVERY_PARKED;
	row->reason = reason;
	row->carry = words;
	if (row->set_state == STATE_NONE && !row->is_deletion && !row->is_edit)
		row->owe = errand_owe(b, event, row->to, row->state, reason);
	return NULL;
}

/* Whose words they are, for the state of the conversation they are written to. What a desk says by itself (a
 * survey when it is resolved) opens nothing. */
static void note_words(const struct event *event, const struct endpoint *target,
    struct route_row *row)
{
	if (event_is_note(event))
		return;
	row->is_word = row->to == SIDE_AGENTS && event->author.role == ROLE_CUSTOMER;
	row->opens = row->is_word
	    || (row->to == SIDE_CUSTOMERS && target->conf.caps->answers_reopen
		&& (event->flags & EVENT_IS_AUTOMATIC) == 0);
}

/* As many as may travel to one person for now; REASON_NONE: it may, too. */
static enum reason pace_row(struct endpoint *from, struct endpoint *target, int64_t person,
    const struct event *event)
{
	struct flow *f = from->flow;

	if (event->author.role == ROLE_CUSTOMER) {
		pace_rearm(f, from, person);
		pace_rearm(f, target, person);
	} else if (pace_holds(f, target, person, event)) {
		return REASON_LOOP;
	}
	return REASON_NONE;
}

struct lane *row_make(struct endpoint *from, size_t bridge, const struct event *event,
    const struct route *r, struct route_row *row)
{
	struct flow *f = from->flow;
	struct endpoint *target = endpoint_find(f, from->asks[bridge].other);
	int64_t now_ms = loop_now_ms(f->loop);
	bool is_message = r->set_state == STATE_NONE && !r->is_deletion && !r->is_edit;
	enum reason held = REASON_NONE;
	struct lane *lane;

	*row = (struct route_row){
		.bridge = from->bridges[bridge]->id,
		.to = r->to,
		.target = target->conf.id,
		.person = r->person,
		.link = r->choice == LINK_USE ? r->link : 0,
		.customers = r->customers,
		.agents = r->agents,
		.generation = r->generation,
		.reopen = r->reopen,
		.take_over = r->take_over,
		.set_state = r->set_state,
		.is_deletion = r->is_deletion,
		.is_edit = r->is_edit,
		.from = from->conf.id,
		.reply_to = is_message ? event->reply_to : NULL,
		.mirrors = mirror_carries(from->bridges[bridge], r->to),
		.expires_ms = now_ms + f->config->limits.try_for_msecs,
		.state = DELIVERY_QUEUED,
	};
	if (r->park != REASON_NONE)
		return park_row(from->bridges[bridge], event, row, r->park, r->detail);
	if (is_message) {
		note_words(event, target, row);
		held = pace_row(from, target, r->person, event);
	}
	if (held != REASON_NONE)
		return park_row(from->bridges[bridge], event, row, held, NULL);
	lane = lane_get(target, r->person);
	row->lane = lane->id;
	if (lane->count >= f->config->limits.lane)
		return park_row(from->bridges[bridge], event, row, REASON_OVERFLOW, NULL);
	if (is_message && event->author.role != ROLE_CUSTOMER)
		pace_count(f, target, r->person, event);
	lane->count++;
	lane_arrival(lane, turn_of(from, event));
	row->claim = is_message && lane->state == LANE_IDLE && lane->count == 1
	    && gate_may_claim(&target->gate, lane->turn) && !f->draining
	    && (from->paused >> bridge & 1) == 0;
	if (row->claim)
		lane_move(lane, LANE_BUSY, 0);
	return lane;
}

/* The delivery is not there after all: its place in the lane is given back. */
static void row_give_back(struct route_row *row, struct lane *lane)
{
	if (lane == NULL)
		return;
	lane->count--;
	if (row->claim)
		lane_move(lane, lane->count > 0 && lane->id != 0 ? LANE_READY : LANE_IDLE, 0);
	lane_tidy(lane);
}

void row_start(struct flow *f, struct letter *letter, struct route_row *row, struct lane *lane)
{
	if (lane == NULL) {
		endpoint_find(f, row->target)->stats.parked[row->reason]++;
		LOG(LOG_WARN, "parked", F_ID("event", 'e', letter->event->id),
		    F_ID("delivery", 'd', row->out.delivery.id),
		    F_STR("reason", reason_word(row->reason)));
		errand_owed(f, letter->event->id, &row->owe);
		if (row->reason == REASON_LOOP)
			pace_blew(f, endpoint_find(f, row->target), row->person);
		migration_told(f->migrations, letter->event);
		return;
	}
	if (row->out.delivery.id == 0) { /* it was routed before */
		row_give_back(row, lane);
		return;
	}
	lane->id = row->out.lane.id;
	if (row->owes_mirror)
		mirror_owed(f,
		    &(struct mirror_key){ row->out.link.id, row->to, STEP_FIND_CONVERSATION,
			row->target });
	media_take(f->media,
	    letter); /* at once, however long the message waits: addresses expire */
	if (row->claim)
		courier_start(f->courier, lane, &row->out, letter);
	else if (lane->state == LANE_IDLE)
		lane_move(lane, LANE_READY, 0);
	gate_wake(lane->target);
}

void row_take_back(const struct letter *letter, struct route_row *row, struct lane *lane)
{
	if (lane != NULL)
		pace_take_back(lane->target->flow, lane->target, row->person, letter->event);
	row_give_back(row, lane);
}
