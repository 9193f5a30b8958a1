/* What agents are owed about messages: each promise of store/errand.h, for every driver. */
#include "fixture.h"
#include "store/errand.h"
#include "store/retain.h"

/* An agent's message on its way to the customer. */
static struct row_trip answer(struct fixture *f, const char *id)
{
	struct row_trip up = deliver(f, "c1", arena_printf(f->arena, "1%s", id));
	struct event e = message(f, f->agents, "9", id);
	struct op_append op = append(f, &e);
	struct route_row row = {
		.bridge = f->bridge,
		.to = SIDE_CUSTOMERS,
		.target = f->customers,
		.person = up.lane.person,
		.customers = up.link.customers,
		.agents = op.view.thread,
		.generation = 1,
		.expires_ms = f->now_ms + 1000000,
	};
	struct row_trip trip = route(f, e.id, &row);

	claim(f, trip.lane.id);
	return trip;
}

static struct owe end(struct fixture *f, const struct row_trip *trip, enum delivery_state state,
    enum reason reason, struct owe owe)
{
	struct op_settle op = {
		.op = { .kind = STORE_SETTLE },
		.arena = f->arena,
		.delivery = trip->delivery.id,
		.event = trip->delivery.id >> 4,
		.state = state,
		.step = STEP_SEND,
		.reason = reason,
		.why = reason != REASON_NONE ? "its words" : NULL,
		.owe = owe,
		.owner = 7,
		.now_ms = f->now_ms,
	};

	run(f, &op.op);
	return op.owe;
}

static struct op_errand read_one(struct fixture *f, int64_t event, enum step step)
{
	struct op_errand op = { .op = { .kind = STORE_ERRAND },
		.arena = f->arena,
		.event = event,
		.step = step };

	run(f, &op.op);
	assert_false(op.op.is_changed);
	return op;
}

static bool finish(struct fixture *f, const struct op_errand *e)
{
	struct op_errand_done op = { .op = { .kind = STORE_ERRAND_DONE },
		.event = e->event,
		.step = e->step,
		.state = e->state,
		.healed = e->healed };

	run(f, &op.op);
	return op.is_due;
}

static size_t count_due(struct fixture *f)
{
	struct op_errands op = { .op = { .kind = STORE_ERRANDS }, .arena = f->arena };
	size_t i;

	run(f, &op.op);
	for (i = 0; i < op.ndue; i++)
		assert_int_equal(op.due[i].endpoint, f->agents);
	return op.ndue;
}

static struct op_heard hear(struct fixture *f, int64_t event, enum state state)
{
	struct op_heard op = { .op = { .kind = STORE_HEARD },
		.event = event,
		.state = state,
		.desk = f->agents,
		.mend = { .arena = f->arena,
		    .mend = MEND_RETRY,
		    .who = "an agent",
		    .now_ms = f->now_ms,
		    .expires_ms = f->now_ms + 77 } };

	run(f, &op.op);
	return op;
}

static enum delivery_state state_of(struct fixture *f, const struct row_trip *trip)
{
	struct op_trace op = { .op = { .kind = STORE_TRACE },
		.arena = f->arena,
		.delivery_id = trip->delivery.id };

	run(f, &op.op);
	assert_int_equal(op.ndeliveries, 1);
	return op.deliveries[0].trip.delivery.state;
}

#define ALL(f) ((struct owe){ .desk = (f)->agents, .is_own = true, .report = true, .note = true })
#define NO_REPORT(f) ((struct owe){ .desk = (f)->agents, .is_own = true })

/* Written with the outcome, said once, and gone. */
static void delivered(void **state)
{
	struct fixture *f = *state;
	struct row_trip trip = answer(f, "500");
	int64_t event = trip.delivery.id >> 4;
	struct owe owe = end(f, &trip, DELIVERY_DELIVERED, REASON_NONE, ALL(f));
	struct op_errand e;

	assert_true(owe.has_report && !owe.has_note);
	fixture_reopen(f);
	assert_int_equal(count_due(f), 1);
	e = read_one(f, event, STEP_REPORT);
	assert_true(e.is_due && !e.is_firm);
	assert_int_equal(e.state, STATE_DELIVERED);
	assert_int_equal(e.delivery, trip.delivery.id);
	assert_int_equal(e.bridge, f->bridge);
	assert_int_equal(e.to, SIDE_CUSTOMERS);
	assert_string_equal(e.conversation, "9");
	assert_string_equal(e.about->remote, "500");
	assert_true(e.made_ms == f->now_ms);
	assert_false(finish(f, &e));
	assert_false(finish(f, &e));
	assert_false(read_one(f, event, STEP_REPORT).is_due);
	assert_int_equal(count_due(f), 0);
}

static void nothing_owed(void **state)
{
	struct fixture *f = *state;
	struct row_trip trip = answer(f, "500"), other = answer(f, "501");
	struct owe owe = end(f, &trip, DELIVERY_PARKED, REASON_INVALID, (struct owe){ 0 });

	assert_false(owe.has_report || owe.has_note);
	owe = end(f, &other, DELIVERY_DELIVERED, REASON_NONE, NO_REPORT(f));
	assert_false(owe.has_report || owe.has_note);
	owe = end(f, &trip, DELIVERY_WAITING, REASON_BUSY, ALL(f));
	assert_false(owe.has_report || owe.has_note);
	assert_int_equal(count_due(f), 0);
}

/* Failed is said once, noted once, and taken back, whatever the bridge wants to hear else. */
static void failed(void **state)
{
	struct fixture *f = *state;
	struct row_trip trip = answer(f, "500");
	int64_t event = trip.delivery.id >> 4;
	struct owe owe = end(f, &trip, DELIVERY_PARKED, REASON_INVALID, ALL(f));
	struct op_errand e, note;

	assert_true(owe.has_report && owe.has_note);
	assert_int_equal(count_due(f), 2);
	e = read_one(f, event, STEP_REPORT);
	note = read_one(f, event, STEP_NOTE);
	assert_true(e.is_firm && note.is_firm && note.is_due);
	assert_int_equal(e.state, STATE_FAILED);
	assert_int_equal(e.reason, REASON_INVALID);
	assert_string_equal(e.why, "its words");
	finish(f, &e);
	finish(f, &note);
	assert_int_equal(count_due(f), 0);

	owe = end(f, &trip, DELIVERY_PARKED, REASON_EXPIRED, ALL(f));
	assert_false(owe.has_report || owe.has_note);
	owe = end(f, &trip, DELIVERY_DELIVERED, REASON_NONE, NO_REPORT(f));
	assert_true(owe.has_report && !owe.has_note);
	e = read_one(f, event, STEP_REPORT);
	assert_true(e.is_due && e.is_firm);
	assert_int_equal(e.state, STATE_DELIVERED);
	assert_null(e.why);
}

/* Only the newest is ever said, also where it changes while the older one is being said. */
static void newest(void **state)
{
	struct fixture *f = *state;
	struct row_trip trip = answer(f, "500");
	int64_t event = trip.delivery.id >> 4;
	struct op_errand e;

	end(f, &trip, DELIVERY_PARKED, REASON_INVALID, ALL(f));
	e = read_one(f, event, STEP_REPORT);
	end(f, &trip, DELIVERY_DELIVERED, REASON_NONE, ALL(f));
	assert_false(read_one(f, event, STEP_NOTE).is_due); /* nobody needs to know */
	assert_true(finish(f, &e));
	e = read_one(f, event, STEP_REPORT);
	assert_int_equal(e.state, STATE_DELIVERED);
	assert_false(finish(f, &e));
	assert_int_equal(count_due(f), 0);
}

/* A gap in what the agents see: a note in the conversation it belongs to, as soon as there is one. */
static void gap(void **state)
{
	struct fixture *f = *state;
	struct row_trip trip = deliver(f, "c1", "1");
	int64_t event = trip.delivery.id >> 4;
	struct owe owe = ALL(f);
	struct op_errand e;
	struct row_trip next;

	owe.is_own = owe.report = false;
	claim(f, trip.lane.id);
	owe = end(f, &trip, DELIVERY_PARKED, REASON_TOO_LARGE, owe);
	assert_true(owe.has_note && !owe.has_report);
	e = read_one(f, event, STEP_NOTE);
	assert_true(e.is_due);
	assert_null(e.conversation);
	assert_int_equal(e.to, SIDE_AGENTS);
	next = answer(f, "500"); /* in the same link, from the desk's conversation 9 */
	assert_int_equal(next.link.id, trip.link.id);
	e = read_one(f, event, STEP_NOTE);
	assert_string_equal(e.conversation, "9");
}

static void born_parked(void **state)
{
	struct fixture *f = *state;
	struct event e = message(f, f->agents, "9", "500");
	struct op_append op = append(f, &e);
	struct route_row row = { .bridge = f->bridge,
		.to = SIDE_CUSTOMERS,
		.target = f->customers,
		.state = DELIVERY_PARKED,
		.reason = REASON_UNREACHABLE,
		.carry = "nobody",
		.owe = ALL(f) };

	assert_false(op.is_duplicate);
	route(f, e.id, &row);
	assert_true(row.owe.has_report && row.owe.has_note);
	assert_string_equal(read_one(f, e.id, STEP_REPORT).why, "nobody");
}

/* The desk overrules us, at most three times. */
static void overruled(void **state)
{
	struct fixture *f = *state;
	struct row_trip trip = answer(f, "500");
	int64_t event = trip.delivery.id >> 4;
	struct op_errand e;
	int i;

	assert_false(hear(f, event, STATE_FAILED).has_report); /* it is under way */
	end(f, &trip, DELIVERY_DELIVERED, REASON_NONE, NO_REPORT(f));
	e = read_one(f, event, STEP_REPORT);
	assert_true(e.is_due && e.is_firm);
	assert_true(hear(f, event, STATE_FAILED).has_report);
	assert_true(finish(f, &e)); /* it was overruled while it was said */
	for (i = 0; i < 2; i++) {
		e = read_one(f, event, STEP_REPORT);
		assert_true(e.is_due);
		assert_int_equal(e.state, STATE_DELIVERED);
		assert_false(finish(f, &e));
		assert_false(read_one(f, event, STEP_REPORT).is_due);
		assert_true(hear(f, event, STATE_FAILED).has_report);
	}
	e = read_one(f, event, STEP_REPORT);
	finish(f, &e);
	assert_false(hear(f, event, STATE_FAILED).has_report);
	assert_int_equal(count_due(f), 0);
	assert_false(hear(f, event, STATE_SENT).is_mended);
	assert_false(hear(f, 4711, STATE_FAILED).has_report);
}

/* A customer's message that the desk shows as failed is there, and so it is to be shown. */
static void copies(void **state)
{
	struct fixture *f = *state;
	struct row_trip trip = deliver(f, "c1", "1");
	struct op_heard op = { .op = { .kind = STORE_HEARD },
		.remote = "901",
		.state = STATE_FAILED,
		.desk = f->agents,
		.mend = { .arena = f->arena, .now_ms = f->now_ms } };
	struct op_errand e;
	int i;

	run(f, &op.op);
	assert_false(op.has_report);
	claim(f, trip.lane.id);
	settle(f, &trip, DELIVERY_DELIVERED, "901");
	for (i = 0; i < 3; i++) {
		run(f, &op.op);
		assert_true(op.has_report);
		assert_int_equal(op.about, trip.delivery.id >> 4);
		e = read_one(f, op.about, STEP_REPORT);
		assert_true(e.is_due && e.is_firm);
		assert_int_equal(e.state, STATE_SENT);
		assert_string_equal(e.remote, "901");
		assert_false(finish(f, &e));
	}
	run(f, &op.op);
	assert_false(op.has_report);
	op.state = STATE_SENT;
	run(f, &op.op);
	assert_false(op.has_report || op.is_mended);
	assert_int_equal(count_due(f), 0);
}

/* What was parked, and said to have failed, is put back by whoever takes that away at the desk. */
static void asked_again(void **state)
{
	struct fixture *f = *state;
	struct row_trip trip = answer(f, "500");
	int64_t event = trip.delivery.id >> 4;
	struct op_errand e;
	struct op_heard h;

	end(f, &trip, DELIVERY_PARKED, REASON_INVALID, ALL(f));
	assert_false(hear(f, event, STATE_SENT).is_mended); /* nobody was told yet */
	assert_int_equal(state_of(f, &trip), DELIVERY_PARKED);
	assert_false(hear(f, event, STATE_FAILED).has_report); /* and it is true */
	e = read_one(f, event, STEP_REPORT);
	assert_int_equal(e.state, STATE_FAILED);
	finish(f, &e);
	h = hear(f, event, STATE_SENT);
	assert_true(h.is_mended);
	assert_int_equal(h.item.result, MEND_DONE);
	assert_int_equal(h.item.lane, trip.lane.id);
	assert_int_equal(state_of(f, &trip), DELIVERY_UNSURE);
	assert_false(hear(f, event, STATE_SENT).is_mended); /* two updates come of one wish */
	assert_true(end(f, &trip, DELIVERY_PARKED, REASON_INVALID, ALL(f)).has_report);
	assert_int_equal(count_due(f), 2);
}

/* With the words goes what was to be said of them. */
static void retained(void **state)
{
	struct fixture *f = *state;
	struct row_trip trip = answer(f, "500");
	struct op_retain op = { .op = { .kind = STORE_RETAIN },
		.rest.bodies_before_ms = f->now_ms + 1000000,
		.limit = 100 };

	end(f, &trip, DELIVERY_DELIVERED, REASON_NONE, ALL(f));
	answer(f, "501"); /* the newest event stays */
	run(f, &op.op);
	assert_int_equal(count_due(f), 0);
}

/* ---- for each driver ---- */

static const struct promise promises[] = {
	PROMISE(delivered),
	PROMISE(nothing_owed),
	PROMISE(failed),
	PROMISE(newest),
	PROMISE(gap),
	PROMISE(born_parked),
	PROMISE(overruled),
	PROMISE(copies),
	PROMISE(asked_again),
	PROMISE(retained),
};

int main(void)
{
	return fixture_run(promises, sizeof(promises) / sizeof(promises[0]));
}
