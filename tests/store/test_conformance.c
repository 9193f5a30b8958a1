/* What every driver must do, one case per promise. */
#include <stdio.h>

#include "fixture.h"
#include "store/retain.h"

/* ---- append ---- */

static void append_once(void **state)
{
	struct fixture *f = *state;
	struct event e = message(f, f->customers, "c1", "5e2c6b958c9612001716bede");
	struct event again = e, number = message(f, f->customers, "c1", "77");
	struct event zeros = message(f, f->customers, "c1", "077");
	struct event at_desk = message(f, f->agents, "9", "77");
	struct op_append op = append(f, &e);

	assert_false(op.is_duplicate);
	assert_int_equal(op.known, 0);
	assert_true(e.id > 0 && op.view.thread > 0 && op.view.person > 0);
	assert_int_equal(op.view.bridges[0].link.id, 0);
	assert_int_equal(op.view.bridges[0].latest.id, 0);
	assert_int_equal(op.view.bridges[0].lane, 0);
	assert_true(op.op.is_changed);

	op = append(f, &again);
	assert_true(op.is_duplicate);
	assert_int_equal(op.known, e.id << 4);
	assert_int_equal(op.known_state, DELIVERY_QUEUED);
	assert_int_equal(again.id, 0);
	assert_false(op.op.is_changed);

	/* The number and the text are different ids; another endpoint has its own. */
	assert_false(append(f, &number).is_duplicate);
	assert_false(append(f, &zeros).is_duplicate);
	assert_false(append(f, &at_desk).is_duplicate);
	fixture_reopen(f);
	assert_true(append(f, &number).is_duplicate);
	assert_true(append(f, &zeros).is_duplicate);
	number.key = "s:77:open:1";
	assert_false(append(f, &number).is_duplicate);
	number.key = NULL;
	assert_false(append(f, &number).is_duplicate);
	assert_false(append(f, &number).is_duplicate);
}

static void append_known_state(void **state)
{
	struct fixture *f = *state;
	struct row_trip trip = deliver(f, "c1", "1");
	struct event e = message(f, f->customers, "c1", "1"),
		     copy = message(f, f->agents, "9", "500");
	struct event alone = message(f, f->customers, "c1", "2");
	struct route_event nothing = { 0, NULL, 0 };
	struct op_route op = { .op = { .kind = STORE_ROUTE },
		.arena = f->arena,
		.events = &nothing,
		.nevents = 1 };
	struct op_append again;

	claim(f, trip.lane.id);
	assert_int_equal(append(f, &e).known_state, DELIVERY_SENDING);
	settle(f, &trip, DELIVERY_DELIVERED, "500");
	assert_int_equal(append(f, &e).known_state, DELIVERY_DELIVERED);
	again = append(f, &copy);
	assert_true(again.is_duplicate);
	assert_int_equal(again.known, trip.delivery.id);
	assert_int_equal(again.known_state, DELIVERY_DELIVERED);

	append(f, &alone);
	nothing.event = alone.id;
	run(f, &op.op);
	assert_int_equal(append(f, &alone).known_state, DELIVERY_DISCARDED);
}

/* A row of the person is written when something is new, and never by the agents' side. */
static void append_person(void **state)
{
	struct fixture *f = *state;
	struct event e = message(f, f->customers, "c1", "1");
	struct event at_desk = message(f, f->agents, "9", "50");
	struct op_append first, op;
	struct row_trip trip;
	struct route_row row;

	e.person.address = "a1";
	e.person.phone = "+15550100";
	first = append(f, &e);
	row = row_up(f, &first.view);
	trip = route(f, e.id, &row);
	assert_string_equal(trip.person.identity, "acme:c1");
	assert_string_equal(trip.person.id, "lead-c1");
	assert_string_equal(trip.person.name, "Ann");
	assert_null(trip.person.email);

	e = message(f, f->customers, "c1", "2");
	e.person.name = NULL;
	e.person.email = "ann@example.com";
	op = append(f, &e);
	assert_int_equal(op.view.person, first.view.person);
	trip = claim(f, trip.lane.id).trip;
	assert_string_equal(trip.person.name, "Ann");
	assert_string_equal(trip.person.id, "lead-c1");
	assert_string_equal(trip.person.address, "a1");
	assert_string_equal(trip.person.phone, "+15550100");
	assert_string_equal(trip.person.email, "ann@example.com");

	at_desk.person.identity = "acme:nobody";
	assert_int_equal(append(f, &at_desk).view.person, 0);
	at_desk = message(f, f->agents, "9", "51");
	at_desk.person.identity = "acme:c1";
	assert_int_equal(append(f, &at_desk).view.person, first.view.person);
}

static void append_conversation(void **state)
{
	struct fixture *f = *state;
	struct event e = message(f, f->customers, "c1", "1");
	struct op_append op = append(f, &e);
	struct route_row row = row_up(f, &op.view);
	int64_t thread = op.view.thread;

	assert_null(route(f, e.id, &row).link.customers_ref);
	e = message(f, f->customers, "c1", "2");
	e.conversation_ref = "uuid-1";
	op = append(f, &e);
	assert_int_equal(op.view.thread, thread);
	assert_string_equal(op.view.bridges[0].link.customers_ref, "uuid-1");
	e = message(f, f->customers, "c1", "3");
	e.conversation_ref = "uuid-2"; /* the first stays */
	assert_string_equal(append(f, &e).view.bridges[0].link.customers_ref, "uuid-1");
	e = message(f, f->customers, "c1", "4");
	e.conversation = NULL;
	assert_int_equal(append(f, &e).view.thread, 0);
}

static void append_refused(void **state)
{
	static const char *const keys[] = { "", "m", "m:", "mx1" };
	struct fixture *f = *state;
	struct event e = message(f, f->customers, "c1", "1");
	struct op_append op = { .op = { .kind = STORE_APPEND }, .arena = f->arena, .event = &e };
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		e.key = keys[i];
		store_run(f->store, &op.op);
		assert_int_equal(op.op.result, -1);
		assert_int_equal(op.op.fault, STORE_FAULT_OTHER);
		assert_string_not_equal(op.op.err.text, "");
	}
	e.key = "m:1";
	run(f, &op.op);
	assert_int_equal(op.op.fault, STORE_FAULT_NONE);
}

/* One transaction: stored, routed and claimed; the second finds its lane taken. */
static void append_claimed(void **state)
{
	struct fixture *f = *state;
	struct row_trip first = deliver(f, "c1", "1");
	struct event e = message(f, f->customers, "c1", "2");
	struct route_row row = { .bridge = f->bridge,
		.to = SIDE_AGENTS,
		.target = f->agents,
		.person = first.lane.person,
		.link = first.link.id,
		.claim = true };
	struct op_append op = { .op = { .kind = STORE_APPEND },
		.arena = f->arena,
		.event = &e,
		.asks = &f->ask,
		.nasks = 1,
		.rows = &row,
		.nrows = 1,
		.owner = 3,
		.now_ms = f->now_ms };
	struct op_load loaded;

	settle(f, &first, DELIVERY_DELIVERED, "500");
	run(f, &op.op);
	assert_int_equal(row.out.delivery.id, e.id << 4 | 1);
	assert_int_equal(row.out.delivery.state, DELIVERY_SENDING);
	assert_int_equal(row.out.delivery.attempt, 1);
	assert_int_equal(row.out.delivery.claimed_ms, f->now_ms);
	assert_int_equal(row.out.lane.id, first.lane.id);
	assert_int_equal(row.out.link.id, first.link.id);
	assert_string_equal(row.out.person.name, "Ann");
	assert_null(row.out.event);

	/* The same callback again, before or after: nothing is added. */
	run(f, &op.op);
	assert_true(op.is_duplicate);
	fixture_reopen(f);
	loaded = load(f);
	assert_int_equal(loaded.nunrouted, 0);
	assert_int_equal(loaded.nflying, 1);
	assert_int_equal(loaded.flying[0].delivery.id, row.out.delivery.id);
	assert_string_equal(loaded.flying[0].event->text, "text of 2");
}

/* ---- order, claim, settle ---- */

static void order_in_a_lane(void **state)
{
	struct fixture *f = *state;
	struct event e1 = message(f, f->customers, "c1", "1"),
		     e2 = message(f, f->customers, "c1", "2");
	struct op_append a1 = append(f, &e1), a2 = append(f, &e2);
	struct route_row r1 = row_up(f, &a1.view), r2 = row_up(f, &a2.view);
	struct route_event events[] = { { e2.id, &r2, 1 }, { e1.id, &r1, 1 } };
	struct op_route op = { .op = { .kind = STORE_ROUTE },
		.arena = f->arena,
		.events = events,
		.nevents = 2,
		.now_ms = f->now_ms };
	struct op_claim c;
	int64_t pos;

	/* What counts is the order of routing, not of arrival. */
	run(f, &op.op);
	assert_true(r2.out.delivery.pos < r1.out.delivery.pos);
	assert_int_equal(r1.out.link.id, r2.out.link.id);
	assert_int_equal(r1.out.lane.id, r2.out.lane.id);
	pos = r1.out.delivery.pos;
	fixture_reopen(f);
	c = claim(f, r1.out.lane.id);
	assert_int_equal(c.trip.delivery.id, r2.out.delivery.id);
	assert_true(deliver(f, "c2", "3").delivery.pos > pos);

	c.trip.link.id = 0; /* known by the delivery as well */
	c.trip.lane.id = 0;
	assert_int_equal(settle(f, &c.trip, DELIVERY_DELIVERED, "50").next.trip.delivery.id,
	    r1.out.delivery.id);
	/* Routed already: left alone. */
	run(f, &op.op);
	assert_int_equal(r1.out.delivery.id, 0);
	assert_int_equal(r2.out.delivery.id, 0);
	assert_false(op.op.is_changed);
}

static void claim_and_settle(void **state)
{
	struct fixture *f = *state;
	struct row_trip trip = deliver(f, "c1", "1");
	struct op_claim c = claim(f, trip.lane.id);
	struct op_settle s;

	assert_false(c.is_empty || c.is_early);
	assert_int_equal(c.trip.delivery.id, trip.delivery.id);
	assert_int_equal(c.trip.delivery.state, DELIVERY_SENDING);
	assert_int_equal(c.trip.delivery.attempt, 1);
	assert_int_equal(c.trip.delivery.claimed_ms, f->now_ms);
	assert_int_equal(c.trip.delivery.expires_ms, f->now_ms + 1000000);
	assert_string_equal(c.trip.event->text, "text of 1");
	assert_int_equal(c.trip.event->id, trip.delivery.id >> 4);
	assert_string_equal(c.trip.link.customers_remote, "c1");
	assert_string_equal(c.trip.link.first_customers, "1");

	/* It is on its way: nobody else takes it. */
	c = claim(f, trip.lane.id);
	assert_true(c.is_early);
	assert_true(c.head_due_ms == INT64_MAX);

	s = settle(f, &trip, DELIVERY_WAITING, NULL);
	assert_int_equal(s.next.trip.delivery.id, 0);
	c = claim(f, trip.lane.id);
	assert_true(c.is_early);
	assert_int_equal(c.head_due_ms, f->now_ms + 5000);
	f->now_ms += 5000;
	c = claim(f, trip.lane.id);
	assert_int_equal(c.trip.delivery.attempt, 2);

	s = settle(f, &trip, DELIVERY_DELIVERED, "901");
	assert_true(s.next.is_empty);
	assert_true(claim(f, trip.lane.id).is_empty);
	assert_string_equal(deliver(f, "c1", "2").link.first_agents,
	    "901"); /* of the first delivered */
	assert_true(load(f).nlanes == 1);
}

/* Who only waits claims nothing, and gives no memory for it. */
static void settle_without_memory(void **state)
{
	struct fixture *f = *state;
	struct row_trip trip = deliver(f, "c1", "1");
	struct op_settle s = { .op = { .kind = STORE_SETTLE },
		.delivery = trip.delivery.id,
		.event = trip.delivery.id >> 4,
		.state = DELIVERY_WAITING,
		.due_ms = f->now_ms + 5000 };

	s.learned.known.contact = "1601";
	s.learned.known.address = "tl1-ann";
	run(f, &s.op);
	run(f, &s.op); /* what is known already is compared */
	assert_int_equal(s.op.result, 0);
	f->now_ms += 5000;
	trip = claim(f, trip.lane.id).trip;
	assert_string_equal(trip.lane.contact, "1601");
	assert_string_equal(trip.lane.address, "tl1-ann");
}

static void settle_claims_next(void **state)
{
	struct fixture *f = *state;
	struct row_trip trip = deliver(f, "c1", "1"), second = deliver(f, "c1", "2");
	struct op_settle s;

	deliver(f, "c2", "3");
	claim(f, trip.lane.id);
	s = settle(f, &trip, DELIVERY_DELIVERED, "50");
	assert_int_equal(s.next.trip.delivery.id, second.delivery.id);
	assert_int_equal(s.next.trip.delivery.state, DELIVERY_SENDING);
	assert_string_equal(s.next.trip.event->text, "text of 2");
	assert_string_equal(s.next.trip.link.first_agents, "50");
}

static void crash_between(void **state)
{
	struct fixture *f = *state;
	struct row_trip trip = deliver(f, "c1", "1");
	struct op_step step = { .op = { .kind = STORE_STEP },
		.delivery = trip.delivery.id,
		.step = STEP_CREATE_CONVERSATION,
		.carry = "{\"n\":1}" };
	struct op_load loaded;

	deliver(f, "c1", "2");
	deliver(f, "c2", "3");
	claim(f, trip.lane.id);
	step.learned = (struct learned){ .known = { .contact = "31", .address = "tl1-x" },
		.link = trip.link.id,
		.lane = trip.lane.id,
		.to = SIDE_AGENTS,
		.endpoint = f->agents };
	run(f, &step.op);
	fixture_reopen(f);

	loaded = load(f);
	assert_int_equal(loaded.nlanes, 2);
	assert_int_equal(loaded.lanes[0].lane, trip.lane.id);
	assert_int_equal(loaded.lanes[0].endpoint, f->agents);
	assert_int_equal(loaded.lanes[0].person, trip.lane.person);
	assert_int_equal(loaded.lanes[0].count, 2);
	assert_int_equal(loaded.lanes[0].head_state, DELIVERY_SENDING);
	assert_int_equal(loaded.lanes[1].head_state, DELIVERY_QUEUED);
	assert_int_equal(loaded.nflying, 1);
	assert_int_equal(loaded.flying[0].delivery.id, trip.delivery.id);
	assert_int_equal(loaded.flying[0].delivery.claimed_ms, f->now_ms);
	assert_int_equal(loaded.flying[0].delivery.step, STEP_CREATE_CONVERSATION);
	assert_string_equal(loaded.flying[0].delivery.carry, "{\"n\":1}");
	assert_string_equal(loaded.flying[0].lane.contact, "31");
	assert_string_equal(loaded.flying[0].lane.address, "tl1-x");
	assert_string_equal(loaded.flying[0].event->text, "text of 1");

	settle(f, &trip, DELIVERY_UNSURE, NULL);
	fixture_reopen(f);
	loaded = load(f);
	assert_int_equal(loaded.nflying, 1);
	assert_int_equal(loaded.lanes[0].head_state, DELIVERY_UNSURE);
	assert_int_equal(loaded.lanes[0].head_due_ms, f->now_ms + 5000);
	assert_int_equal(loaded.flying[0].delivery.attempt, 1);
}

/* The disk failed for the write that claimed, took the next one of that lane, and then the first: what
 * travels stands behind what waits. */
static void claimed_behind_the_head(void **state)
{
	struct fixture *f = *state;
	struct event e1 = message(f, f->customers, "c1", "1"),
		     e2 = message(f, f->customers, "c1", "2");
	struct op_append a1 = append(f, &e1), a2 = append(f, &e2);
	struct route_row r1 = row_up(f, &a1.view), r2 = row_up(f, &a2.view);
	struct row_trip waiting, travelling;
	struct op_load loaded;

	r2.claim = true;
	waiting = route(f, e1.id, &r1);
	travelling = route(f, e2.id, &r2);
	assert_true(waiting.delivery.pos < travelling.delivery.pos);
	fixture_reopen(f);
	loaded = load(f);
	assert_int_equal(loaded.nlanes, 1);
	assert_int_equal(loaded.lanes[0].count, 2);
	assert_int_equal(loaded.lanes[0].head_state, DELIVERY_SENDING);
	assert_int_equal(loaded.nflying, 1);
	assert_int_equal(loaded.flying[0].delivery.id, travelling.delivery.id);
}

/* Whose lanes they are is read in one pass: near ones, far ones, and one that is held and empty. */
static void lanes_are_named(void **state)
{
	struct fixture *f = *state;
	struct row_trip trips[40];
	struct op_settle op;
	struct op_load loaded;
	char name[8];
	int i;

	for (i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		trips[i] = deliver(f, name, name);
		if (i < 3 || (i > 5 && i < 38))
			settle(f, &trips[i], DELIVERY_DELIVERED, name);
	}
	op = (struct op_settle){ .op = { .kind = STORE_SETTLE },
		.arena = f->arena,
		.delivery = trips[4].delivery.id,
		.state = DELIVERY_PARKED,
		.reason = REASON_INVALID,
		.hold_lane = true,
		.now_ms = f->now_ms };
	run(f, &op.op);
	fixture_reopen(f);
	loaded = load(f);
	assert_int_equal(loaded.nlanes, 5);
	for (i = 0; i < 5; i++) {
		const int of[] = { 3, 5, 38, 39, 4 };

		assert_int_equal(loaded.lanes[i].lane, trips[of[i]].lane.id);
		assert_int_equal(loaded.lanes[i].person, trips[of[i]].lane.person);
		assert_int_equal(loaded.lanes[i].endpoint, f->agents);
		assert_int_equal(loaded.lanes[i].is_held, of[i] == 4);
		assert_int_equal(loaded.lanes[i].count, of[i] != 4);
	}
}

static void unrouted_survives(void **state)
{
	struct fixture *f = *state;
	struct row_trip trip = deliver(f, "c1", "1");
	struct event e = message(f, f->customers, "c1", "2");
	struct op_load loaded;

	append(f, &e);
	fixture_reopen(f);
	loaded = load(f);
	assert_int_equal(loaded.nunrouted, 1);
	assert_int_equal(loaded.unrouted[0].event->id, e.id);
	assert_string_equal(loaded.unrouted[0].event->key, "m:2");
	assert_int_equal(loaded.unrouted[0].view.person, trip.lane.person);
	assert_int_equal(loaded.unrouted[0].view.bridges[0].link.id, trip.link.id);
	assert_int_equal(loaded.unrouted[0].view.bridges[0].lane, trip.lane.id);
}

/* ---- links ---- */

static void learn_conversation(struct fixture *f, const struct row_trip *trip, enum side to,
    const char *conversation)
{
	struct op_step step = { .op = { .kind = STORE_STEP },
		.delivery = trip->delivery.id,
		.step = STEP_SEND,
		.part_remote = NULL };

	step.learned =
	    (struct learned){ .known = { .conversation = conversation, .signed_in = true },
		    .to = to,
		    .endpoint = trip->lane.endpoint };
	run(f, &step.op);
}

static void first_message(void **state)
{
	struct fixture *f = *state;
	struct event e1 = message(f, f->customers, "c1", "1"),
		     e2 = message(f, f->customers, "c1", "2");
	struct op_append a1 = append(f, &e1), a2 = append(f, &e2);
	struct route_row row = row_up(f, &a1.view);
	struct row_trip t1, t2;
	struct op_claim c;

	row.address = "tl1-abc";
	t1 = route(f, e1.id, &row);
	row = row_up(f, &a2.view); /* seen before the first was routed: no link in it */
	row.address = "tl1-other";
	t2 = route(f, e2.id, &row);
	assert_int_equal(t1.link.id, t2.link.id);
	assert_int_equal(t1.lane.id, t2.lane.id);
	assert_string_equal(t2.lane.address, "tl1-abc"); /* the first stays */
	assert_int_equal(t1.link.generation, 1);
	assert_int_equal(t1.link.agents, 0);
	assert_null(t1.link.agents_remote);

	claim(f, t1.lane.id);
	learn_conversation(f, &t1, SIDE_AGENTS, "57");
	c = settle(f, &t1, DELIVERY_DELIVERED, "50").next;
	assert_string_equal(c.trip.link.agents_remote, "57");
	assert_true(c.trip.lane.signed_in);

	/* The answer finds its way: by the conversation, and before that by the address. */
	e1 = message(f, f->agents, "57", "60");
	a1 = append(f, &e1);
	assert_int_equal(a1.view.bridges[0].link.id, t1.link.id);
	assert_string_equal(a1.view.bridges[0].link.customers_remote, "c1");
	assert_int_equal(a1.view.person, t1.lane.person);
	e1 = message(f, f->agents, "58", "61");
	assert_int_equal(append(f, &e1).view.person, 0);
	e1 = message(f, f->agents, "58", "62");
	e1.person.address = "tl1-abc";
	a1 = append(f, &e1);
	assert_int_equal(a1.view.person, t1.lane.person);
	assert_int_equal(a1.view.bridges[0].link.id, 0);
	assert_int_equal(a1.view.bridges[0].latest.id, t1.link.id);
}

static void chosen_conversation(void **state)
{
	struct fixture *f = *state;
	struct event e = message(f, f->customers, "c1", "1");
	struct op_append op = append(f, &e);
	struct route_row row = row_up(f, &op.view);
	struct row_trip trip;

	row.agents_remote = "group-1";
	trip = route(f, e.id, &row);
	assert_string_equal(trip.link.agents_remote, "group-1");
	e = message(f, f->agents, "group-1", "60");
	assert_int_equal(append(f, &e).view.bridges[0].link.id, trip.link.id);
}

static void generations(void **state)
{
	struct fixture *f = *state;
	struct row_trip t1 = deliver(f, "c1", "1"), t2, t3;
	struct event e = message(f, f->customers, "c1", "2");
	struct op_append op = append(f, &e);
	struct route_row row = row_up(f, &op.view);

	learn_conversation(f, &t1, SIDE_AGENTS, "57");
	row.link = 0;
	row.generation = 2;
	t2 = route(f, e.id, &row);
	assert_int_not_equal(t2.link.id, t1.link.id);
	assert_int_equal(t2.link.generation, 2);
	assert_int_equal(t2.link.agents, 0);
	/* The newest counts. */
	e = message(f, f->customers, "c1", "3");
	assert_int_equal(append(f, &e).view.bridges[0].link.id, t2.link.id);
	/* Another conversation of the same person: not linked, but the person's newest is known. */
	e = message(f, f->customers, "c9", "4");
	e.person.identity = "acme:c1";
	op = append(f, &e);
	assert_int_equal(op.view.bridges[0].link.id, 0);
	assert_int_equal(op.view.bridges[0].latest.id, t2.link.id);
	row = row_up(f, &op.view);
	t3 = route(f, e.id, &row);
	assert_int_equal(t3.link.generation, 1);
	assert_int_equal(t3.lane.id, t1.lane.id);
}

static struct route_row row_down(struct fixture *f, int64_t person, int64_t customers,
    int64_t agents)
{
	return (struct route_row){ .bridge = f->bridge,
		.to = SIDE_CUSTOMERS,
		.target = f->customers,
		.person = person,
		.customers = customers,
		.agents = agents,
		.generation = 1 };
}

static void agent_started(void **state)
{
	struct fixture *f = *state;
	struct row_trip up = deliver(f, "c1", "1"), down;
	struct event e = message(f, f->agents, "70", "600"),
		     e2 = message(f, f->agents, "70", "601");
	struct op_append op = append(f, &e);
	struct route_row row = row_down(f, up.lane.person, up.link.customers, op.view.thread);

	learn_conversation(f, &up, SIDE_AGENTS, "57");
	/* Generation 1 is 57's: 70 becomes 2. */
	down = route(f, e.id, &row);
	assert_int_equal(down.link.generation, 2);
	assert_int_equal(down.link.agents, op.view.thread);
	assert_string_equal(down.link.first_agents, "600");
	assert_null(down.link.first_customers);
	assert_int_equal(down.lane.endpoint, f->customers);
	op = append(f, &e2);
	row = row_down(f, up.lane.person, up.link.customers, op.view.thread);
	assert_int_equal(route(f, e2.id, &row).link.id, down.link.id);

	claim(f, down.lane.id);
	settle(f, &down, DELIVERY_DELIVERED, "c-message");
	e = message(f, f->customers, "c1", "2");
	op = append(f, &e);
	assert_int_equal(op.view.bridges[0].link.id, down.link.id);
	assert_string_equal(op.view.bridges[0].link.first_customers, "c-message");
}

/* The agent was quicker than the answer to our create: the link of that generation is filled. */
static void agent_started_fills(void **state)
{
	struct fixture *f = *state;
	struct row_trip up = deliver(f, "c1", "1");
	struct event e = message(f, f->agents, "57", "600");
	struct op_append op = append(f, &e);
	struct route_row row = row_down(f, up.lane.person, up.link.customers, op.view.thread);

	assert_int_equal(route(f, e.id, &row).link.id, up.link.id);
	learn_conversation(f, &up, SIDE_AGENTS, "57");
	e = message(f, f->agents, "57", "601");
	assert_int_equal(append(f, &e).view.bridges[0].link.id, up.link.id);
}

/* No conversation of the customer is known: it is opened, and then may have a link already. */
static void agent_started_opens(void **state)
{
	struct fixture *f = *state;
	struct row_trip up = deliver(f, "c1", "1"), down;
	struct event e = message(f, f->agents, "70", "600");
	struct op_append op = append(f, &e);
	struct route_row row = row_down(f, up.lane.person, 0, op.view.thread);

	down = route(f, e.id, &row);
	assert_int_equal(down.link.customers, 0);
	assert_int_equal(down.link.agents, op.view.thread);
	learn_conversation(f, &down, SIDE_CUSTOMERS, "c1");
	e = message(f, f->agents, "70", "601");
	op = append(f, &e);
	assert_string_equal(op.view.bridges[0].link.customers_remote, "c1");
	assert_int_equal(op.view.bridges[0].link.generation, 2);
}

static void link_learns(void **state)
{
	struct fixture *f = *state;
	struct row_trip trip = deliver(f, "c1", "1");
	struct op_step step = { .op = { .kind = STORE_STEP },
		.delivery = trip.delivery.id,
		.part_remote = "p-1" };
	struct event e;
	struct op_settle s = { .op = { .kind = STORE_SETTLE },
		.arena = f->arena,
		.delivery = trip.delivery.id,
		.state = DELIVERY_PARKED,
		.link_gone = true,
		.reason = REASON_NOT_FOUND,
		.why = "gone" };

	step.learned = (struct learned){ .known = { .taken_over = true, .signed_in = true },
		.endpoint = f->agents };
	run(f, &step.op);
	e = message(f, f->customers, "c1", "2");
	assert_true(append(f, &e).view.bridges[0].link.taken_over);
	/* A part is ours too. */
	e = message(f, f->agents, "57", "p-1");
	assert_int_equal(append(f, &e).known, trip.delivery.id);

	s.learned.forget_sign_in = true;
	run(f, &s.op);
	e = message(f, f->customers, "c1", "3");
	assert_true(append(f, &e).view.bridges[0].link.gone);
	trip = deliver(f, "c1", "4");
	assert_false(trip.lane.signed_in);
}

/* ---- beside the way ---- */

static void echo(void **state)
{
	struct fixture *f = *state;
	struct row_trip trip = deliver(f, "c1", "1");
	struct op_echo op = { .op = { .kind = STORE_ECHO },
		.endpoint = f->agents,
		.remote = "901" };

	run(f, &op.op);
	assert_false(op.is_known);
	claim(f, trip.lane.id);
	settle(f, &trip, DELIVERY_DELIVERED, "901");
	run(f, &op.op);
	assert_true(op.is_known);
	assert_false(op.op.is_changed);
	op.endpoint = f->customers;
	run(f, &op.op);
	assert_false(op.is_known);
}

static void conversation_state(void **state)
{
	static const struct {
		enum state state;
		int64_t version;
		bool is_changed;
		enum state then;
	} said[] = {
		{ STATE_OPEN, 10, true, STATE_OPEN },
		{ STATE_OPEN, 11, false, STATE_OPEN },
		{ STATE_RESOLVED, 12, true, STATE_RESOLVED },
		{ STATE_OPEN, 9, false, STATE_RESOLVED },  /* late */
		{ STATE_OPEN, 12, false, STATE_RESOLVED }, /* no newer */
		{ STATE_OPEN, 0, true, STATE_OPEN },       /* says nothing of its age */
		{ STATE_RESOLVED, 13, true, STATE_RESOLVED },
	};
	struct fixture *f = *state;
	struct row_trip trip = deliver(f, "c1", "1");
	struct op_state op = { .op = { .kind = STORE_STATE },
		.endpoint = f->customers,
		.conversation = "nobody's",
		.state = STATE_OPEN,
		.now_ms = f->now_ms };
	struct op_append seen;
	struct event e;
	size_t i;

	run(f, &op.op);
	assert_false(op.is_known || op.is_changed || op.op.is_changed);
	/* One that is just being opened: what was heard first is there when it is. */
	op.conversation = "7";
	op.endpoint = f->agents;
	op.state = STATE_RESOLVED;
	op.make = true;
	run(f, &op.op);
	assert_true(op.is_known && op.is_changed && op.thread != 0);
	e = message(f, f->agents, "7", "5");
	seen = append(f, &e);
	assert_int_equal(seen.view.thread, op.thread);
	assert_int_equal(seen.view.state, STATE_RESOLVED);
	op.make = false;
	op.endpoint = f->customers;
	op.conversation = "c1";
	for (i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		op.state = said[i].state;
		op.version = said[i].version;
		run(f, &op.op);
		assert_true(op.is_known);
		assert_int_equal(op.thread, trip.link.customers);
		assert_int_equal(op.is_changed, said[i].is_changed);
		assert_int_equal(op.op.is_changed, said[i].is_changed);
		e = message(f, f->customers, "c1", arena_printf(f->arena, "%zu", i + 10));
		seen = append(f, &e);
		assert_int_equal(seen.view.state, said[i].then);
		assert_int_equal(seen.view.bridges[0].link.customers_state, said[i].then);
		assert_int_equal(seen.view.bridges[0].link.customers_closed_ms,
		    said[i].then == STATE_RESOLVED ? f->now_ms : 0);
	}
}

static void parked(void **state)
{
	struct fixture *f = *state;
	struct row_trip trip = deliver(f, "c1", "1"), next = deliver(f, "c1", "2");
	struct event e = message(f, f->agents, "70", "600");
	struct op_append op = append(f, &e);
	struct route_row row = { .bridge = f->bridge,
		.to = SIDE_CUSTOMERS,
		.state = DELIVERY_PARKED,
		.reason = REASON_UNREACHABLE,
		.carry = "nobody known" };
	struct op_status status = { .op = { .kind = STORE_STATUS },
		.arena = f->arena,
		.now_ms = f->now_ms };

	(void)op;
	assert_int_equal(route(f, e.id, &row).delivery.state, DELIVERY_PARKED);
	assert_int_equal(row.out.lane.id, 0);
	claim(f, trip.lane.id);
	/* The lane goes on. */
	assert_int_equal(settle(f, &trip, DELIVERY_PARKED, NULL).next.trip.delivery.id,
	    next.delivery.id);
	settle(f, &next, DELIVERY_DELIVERED, "900");
	deliver(f, "c1", "3");
	fixture_reopen(f);
	run(f, &status.op);
	assert_int_equal(status.nbridges, 1);
	assert_int_equal(status.bridges[0].bridge, f->bridge);
	assert_int_equal(status.bridges[0].parked, 2);
	assert_int_equal(status.bridges[0].waiting[SIDE_AGENTS], 1);
	assert_int_equal(status.bridges[0].waiting[SIDE_CUSTOMERS], 0);
	assert_int_equal(status.bridges[0].oldest_ms[SIDE_AGENTS], f->now_ms);
	assert_int_equal(status.bridges[0].delivered_24h[SIDE_AGENTS], 1);
	assert_int_equal(status.nparked, 2);
	assert_int_equal(status.parked[0].reason, REASON_NONE);
	assert_int_equal(status.parked[1].reason, REASON_UNREACHABLE);
	assert_true(status.bytes > 0);
	assert_int_equal(load(f).nlanes, 1);

	status.now_ms += 26 * 3600000;
	run(f, &status.op);
	assert_int_equal(status.bridges[0].delivered_24h[SIDE_AGENTS], 0);
}

static void roots(void **state)
{
	static const unsigned char root[10] = { 1, 0, 2, 0, 3 }, other[10] = { 9 };
	struct fixture *f = *state;
	struct event e = message(f, f->customers, "c1", "1");
	struct op_append op = { .op = { .kind = STORE_APPEND },
		.arena = f->arena,
		.event = &e,
		.asks = &f->ask,
		.nasks = 1,
		.want_view = true,
		.root = root };
	struct op_view view = { .op = { .kind = STORE_VIEW },
		.arena = f->arena,
		.event = &e,
		.asks = &f->ask,
		.nasks = 1,
		.root = root };
	struct route_row row;
	struct row_trip trip;
	struct op_settle s;

	run(f, &op.op);
	assert_false(op.view.bridges[0].root_at_target);
	row = row_up(f, &op.view);
	trip = route(f, e.id, &row);
	s = (struct op_settle){ .op = { .kind = STORE_SETTLE },
		.arena = f->arena,
		.delivery = trip.delivery.id,
		.event = e.id,
		.state = DELIVERY_DELIVERED,
		.remote_id = "900",
		.root = root };
	run(f, &s.op);
	fixture_reopen(f);
	run(f, &view.op);
	assert_true(view.view.bridges[0].root_at_target);
	assert_int_equal(view.view.thread, op.view.thread);
	assert_int_equal(view.view.bridges[0].link.id, trip.link.id);
	view.root = other;
	run(f, &view.op);
	assert_false(view.view.bridges[0].root_at_target);
	view.root = NULL;
	run(f, &view.op);
	assert_false(view.view.bridges[0].root_at_target);
}

static void two_bridges(void **state)
{
	struct fixture *f = *state;
	struct ask asks[2] = { f->ask, { 0, SIDE_CUSTOMERS, f->agents } };
	struct event e = message(f, f->customers, "c1", "1");
	struct op_append op = { .op = { .kind = STORE_APPEND },
		.arena = f->arena,
		.event = &e,
		.asks = asks,
		.nasks = 2,
		.want_view = true };
	struct route_row rows[2];
	struct route_event routed = { 0, rows, 2 };
	struct op_route route_both = { .op = { .kind = STORE_ROUTE },
		.arena = f->arena,
		.events = &routed,
		.nevents = 1 };
	struct err err;
	int64_t since;

	assert_int_equal(store_bridge_id(f->store, "sales", 5, &asks[1].bridge, &since, &err), 0);
	assert_int_equal(since, 5);
	assert_int_equal(store_bridge_id(f->store, "sales", 6, &asks[1].bridge, &since, &err), 0);
	assert_int_equal(since, 5);
	run(f, &op.op);
	rows[0] = rows[1] = row_up(f, &op.view);
	rows[1].bridge = asks[1].bridge;
	routed.event = e.id;
	run(f, &route_both.op);
	assert_int_equal(rows[0].out.delivery.id, e.id << 4 | 1);
	assert_int_equal(rows[1].out.delivery.id, e.id << 4 | 2);
	assert_int_not_equal(rows[0].out.link.id, rows[1].out.link.id);
	assert_int_equal(rows[0].out.lane.id, rows[1].out.lane.id);

	e = message(f, f->customers, "c1", "2");
	run(f, &op.op);
	assert_int_equal(op.view.bridges[0].link.id, rows[0].out.link.id);
	assert_int_equal(op.view.bridges[1].link.id, rows[1].out.link.id);
}

static void kept_raw(void **state)
{
	struct fixture *f = *state;
	struct op_raw op = { .op = { .kind = STORE_RAW },
		.endpoint = f->customers,
		.at_ms = 5,
		.reason = UNPARSABLE_NOT_JSON,
		.offset = 3,
		.headers = "A: b",
		.body = "x\0y",
		.body_len = 3 };
	struct op_retain retain = { .op = { .kind = STORE_RETAIN },
		.rest.raw_before_ms = 6,
		.limit = 2 };
	struct op_status status = { .op = { .kind = STORE_STATUS }, .arena = f->arena };
	int64_t first;

	run(f, &op.op);
	first = op.id;
	run(f, &op.op);
	run(f, &op.op);
	assert_true(first > 0 && op.id > first);
	run(f, &retain.op);
	assert_true(retain.is_more);
	run(f, &retain.op);
	assert_false(retain.is_more);
	run(f, &status.op);
	assert_int_equal(status.raw, 0);
	run(f, &op.op);
	assert_int_equal(op.id, first + 3); /* never given twice */
}

static void retention(void **state)
{
	struct fixture *f = *state;
	struct row_trip done = deliver(f, "c1", "1"), stuck = deliver(f, "c1", "2"),
			waiting = deliver(f, "c1", "3");
	struct event unrouted = message(f, f->customers, "c1", "4"), e;
	struct op_retain op = { .op = { .kind = STORE_RETAIN },
		.rest.bodies_before_ms = f->now_ms + 1,
		.limit = 1 };
	struct op_append seen;
	struct op_load loaded;

	append(f, &unrouted);
	claim(f, done.lane.id);
	settle(f, &done, DELIVERY_DELIVERED, "900");
	settle(f, &stuck, DELIVERY_PARKED, NULL);
	run(f, &op.op);
	assert_true(op.is_more);
	run(f, &op.op);
	assert_false(op.is_more);
	assert_false(op.op.is_changed); /* the others are needed */
	loaded = load(f);
	assert_int_equal(loaded.nunrouted, 1);
	assert_int_equal(loaded.nflying, 1);
	assert_int_equal(loaded.flying[0].delivery.id, waiting.delivery.id);
	assert_string_equal(loaded.flying[0].event->text, "text of 3");

	/* What it was stays known. */
	e = message(f, f->customers, "c1", "1");
	seen = append(f, &e);
	assert_true(seen.is_duplicate);
	assert_int_equal(seen.known_state, DELIVERY_DELIVERED);
}

/* Ids are not given again, even when all bodies may go. */
static void retention_keeps_ids(void **state)
{
	struct fixture *f = *state;
	struct op_retain op = { .op = { .kind = STORE_RETAIN },
		.rest.bodies_before_ms = f->now_ms + 1,
		.limit = 2 };
	struct row_trip trip = { 0 };
	int64_t last;
	int i;

	for (i = 0; i < 6; i++) {
		trip = deliver(f, "c1", arena_printf(f->arena, "%d", i));
		claim(f, trip.lane.id);
		settle(f, &trip, DELIVERY_DELIVERED, NULL);
	}
	last = trip.delivery.id >> 4;
	for (i = 0; i < 2; i++) {
		run(f, &op.op);
		assert_true(op.is_more);
	}
	run(f, &op.op);
	assert_false(op.is_more);
	fixture_reopen(f);
	assert_true(deliver(f, "c1", "7").delivery.id >> 4 > last);
}

static void remembers(void **state)
{
	struct fixture *f = *state;
	struct op_endpoint op = { .op = { .kind = STORE_ENDPOINT },
		.endpoint = f->agents,
		.memo = "{\"user\":\"5\"}" };
	struct err err = { "" };
	int id;

	assert_null(store_endpoint_memo(f->store, f->arena, f->agents));
	run(f, &op.op);
	assert_true(op.op.is_changed);
	run(f, &op.op);
	assert_false(op.op.is_changed);
	assert_string_equal(store_keep(f->store, f->arena, "instance_key", "first", &err), "first");
	fixture_reopen(f);
	assert_string_equal(store_endpoint_memo(f->store, f->arena, f->agents), op.memo);
	assert_string_equal(store_keep(f->store, f->arena, "instance_key", "second", &err),
	    "first");
	assert_null(store_keep(f->store, f->arena, "nothing", NULL, &err));

	/* Another account may take a name over as long as nothing depends on the old one. */
	assert_int_equal(store_endpoint_id(f->store, "desk", "bolt", "else.example.com", &id, &err),
	    0);
	assert_int_equal(store_endpoint_id(f->store, "desk", "bolt", "bolt.example.com", &id, &err),
	    0);
	assert_int_equal(id, f->agents);
	deliver(f, "c1", "1");
	assert_int_equal(store_endpoint_id(f->store, "shop", "acme", "acme.example.com", &id, &err),
	    0);
	assert_int_equal(store_endpoint_id(f->store, "shop", "acme", "else.example.com", &id, &err),
	    -1);
	assert_non_null(strstr(err.text, "shop"));
	/* What was not known, or is not said any more, may be what is known. */
	assert_int_equal(store_endpoint_id(f->store, "shop", "acme", "acme.example.com - 12", &id,
			     &err),
	    0);
	assert_int_equal(store_endpoint_id(f->store, "shop", "acme", "acme.example.com 3 -", &id,
			     &err),
	    0);
	assert_int_equal(id, f->customers);
	assert_int_equal(store_endpoint_id(f->store, "shop", "acme", "acme.example.com 3 13", &id,
			     &err),
	    -1);
	assert_int_equal(store_endpoint_id(f->store, "shop", "acme", "acme.example.com 4 12", &id,
			     &err),
	    -1);
	assert_int_equal(store_endpoint_id(f->store, "shop", "acme", "acme.example.com 3 12", &id,
			     &err),
	    0);
}

static void health(void **state)
{
	struct fixture *f = *state;
	struct store_health h;

	deliver(f, "c1", "1");
	store_health(f->store, &h);
	assert_int_equal(h.stuck_msecs, 0);
	assert_int_equal(h.waiting, 0);
	assert_int_equal(h.commits, 2);
	assert_int_equal(h.operations, 2);
	assert_int_equal(h.failed, 0);
	assert_int_equal(h.last_fault, STORE_FAULT_NONE);
	assert_true(h.bytes > 0 && h.disk_free > 0);
	assert_true(h.schema >= 1);
}

/* What an endpoint has by key: originals of any kind, copies of ours, and nothing of others. */
static void known_keys(void **state)
{
	struct fixture *f = *state;
	const char *const keys[] = { "m:1", "m:2", "m:5e2c", "k:1", "m:9001" };
	bool is_known[5];
	struct op_known op = { .op = { .kind = STORE_KNOWN },
		.endpoint = f->customers,
		.keys = keys,
		.nkeys = 5,
		.is_known = is_known };
	struct row_trip trip = deliver(f, "c1", "1");

	deliver(f, "c1", "5e2c");
	settle(f, &trip, DELIVERY_DELIVERED, "9001");
	run(f, &op.op);
	assert_false(op.op.is_changed);
	assert_memory_equal(is_known, ((bool[]){ true, false, true, false, false }),
	    sizeof(is_known));
	op.endpoint = f->agents;
	run(f, &op.op);
	assert_memory_equal(is_known, ((bool[]){ false, false, false, false, true }),
	    sizeof(is_known));
	op.nkeys = 0;
	run(f, &op.op);
}

static void sweeps(void **state)
{
	struct fixture *f = *state;
	struct op_sweep_get get = { .op = { .kind = STORE_SWEEP_GET }, .endpoint = f->customers };
	struct op_sweep_set set = { .op = { .kind = STORE_SWEEP_SET },
		.endpoint = f->customers,
		.reached_ms = 5 };

	get.done_ms = get.reached_ms = 7;
	run(f, &get.op);
	assert_int_equal(get.done_ms, 0);
	assert_int_equal(get.reached_ms, 0);
	run(f, &set.op);
	set.done_ms = 1795206000000;
	set.reached_ms = 0;
	run(f, &set.op);
	fixture_reopen(f);
	run(f, &get.op);
	assert_true(get.done_ms == 1795206000000);
	assert_int_equal(get.reached_ms, 0);
	get.endpoint = f->agents;
	run(f, &get.op);
	assert_int_equal(get.done_ms, 0);
}

/* ---- the suite, for each driver ---- */

static const struct promise promises[] = {
	PROMISE(append_once),
	PROMISE(append_known_state),
	PROMISE(append_person),
	PROMISE(append_conversation),
	PROMISE(append_refused),
	PROMISE(append_claimed),
	PROMISE(order_in_a_lane),
	PROMISE(claim_and_settle),
	PROMISE(settle_without_memory),
	PROMISE(settle_claims_next),
	PROMISE(crash_between),
	PROMISE(claimed_behind_the_head),
	PROMISE(lanes_are_named),
	PROMISE(unrouted_survives),
	PROMISE(first_message),
	PROMISE(chosen_conversation),
	PROMISE(generations),
	PROMISE(agent_started),
	PROMISE(agent_started_fills),
	PROMISE(agent_started_opens),
	PROMISE(link_learns),
	PROMISE(echo),
	PROMISE(conversation_state),
	PROMISE(parked),
	PROMISE(roots),
	PROMISE(two_bridges),
	PROMISE(kept_raw),
	PROMISE(retention),
	PROMISE(retention_keeps_ids),
	PROMISE(remembers),
	PROMISE(health),
	PROMISE(known_keys),
	PROMISE(sweeps),
};

int main(void)
{
	return fixture_run(promises, sizeof(promises) / sizeof(promises[0]));
}
