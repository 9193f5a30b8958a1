/* What people do about what is parked: each promise of store/repair.h, for every driver. */
#include "fixture.h"
#include "store/repair.h"
#include "store/retain.h"

static struct op_settle park(struct fixture *f, const struct row_trip *trip, enum reason reason,
    const char *why, bool hold)
{
	struct op_settle op = {
		.op = { .kind = STORE_SETTLE },
		.arena = f->arena,
		.delivery = trip->delivery.id,
		.event = trip->delivery.id >> 4,
		.state = DELIVERY_PARKED,
		.step = STEP_SEND,
		.reason = reason,
		.why = why,
		.hold_lane = hold,
		.owner = 7,
		.now_ms = f->now_ms,
	};

	run(f, &op.op);
	return op;
}

static struct op_parked list(struct fixture *f, struct parked_filter filter, int limit,
    struct parked_id after)
{
	struct op_parked op = { .op = { .kind = STORE_PARKED },
		.arena = f->arena,
		.filter = filter,
		.limit = limit,
		.after = after };

	run(f, &op.op);
	return op;
}

static struct mended mend(struct fixture *f, enum mend what, struct parked_id id, const char *text)
{
	struct mended *item = ARENA_NEW(f->arena, struct mended);
	struct op_mend op = { .op = { .kind = STORE_MEND },
		.arena = f->arena,
		.mend = what,
		.items = item,
		.nitems = 1,
		.text = text,
		.who = "somebody",
		.now_ms = f->now_ms,
		.expires_ms = f->now_ms + 77 };

	item->id = id;
	run(f, &op.op);
	return *item;
}

static struct op_trace trace(struct fixture *f, int64_t delivery)
{
	struct op_trace op = { .op = { .kind = STORE_TRACE },
		.arena = f->arena,
		.delivery_id = delivery };

	run(f, &op.op);
	return op;
}

static void keep_raw(struct fixture *f, const char *body)
{
	struct op_raw op = { .op = { .kind = STORE_RAW },
		.endpoint = f->customers,
		.at_ms = f->now_ms,
		.reason = UNPARSABLE_TRUNCATED,
		.offset = 5,
		.headers = "A: b\n",
		.body = body,
		.body_len = strlen(body) };

	run(f, &op.op);
}

#define NO_FILTER ((struct parked_filter){ 0 })
#define NOTHING ((struct parked_id){ 0 })

static void lists(void **state)
{
	struct fixture *f = *state;
	struct row_trip one = deliver(f, "c1", "1"), two = deliver(f, "c1", "2");
	struct parked_way up = { f->bridge, SIDE_AGENTS };
	struct op_parked l;

	claim(f, one.lane.id);
	park(f, &one, REASON_INVALID, "no such emoji", false);
	f->now_ms += 1000;
	claim(f, one.lane.id);
	park(f, &two, REASON_EXPIRED, NULL, false);
	deliver(f, "c1", "3"); /* is not parked */
	keep_raw(f, "{\"a\":");
	fixture_reopen(f);

	l = list(f, NO_FILTER, 10, NOTHING);
	assert_int_equal(l.nrows, 3);
	assert_int_equal(l.total, 3);
	assert_false(l.is_more);
	assert_int_equal(l.rows[0].id.id, two.delivery.id);
	assert_int_equal(l.rows[0].since_ms, f->now_ms);
	assert_int_equal(l.rows[1].reason, REASON_INVALID);
	assert_string_equal(l.rows[1].why, "no such emoji");
	assert_string_equal(l.rows[1].event->text, "text of 1");
	assert_int_equal(l.rows[1].to, SIDE_AGENTS);
	assert_true(l.rows[2].id.is_raw);
	assert_int_equal(l.rows[2].unparsable, UNPARSABLE_TRUNCATED);
	assert_int_equal(l.rows[2].endpoint, f->customers);

	/* Page by page. */
	l = list(f, NO_FILTER, 1, NOTHING);
	assert_true(l.nrows == 1 && l.is_more && l.total == 3);
	l = list(f, NO_FILTER, 1, l.rows[0].id);
	assert_true(l.nrows == 1 && l.is_more);
	assert_int_equal(l.rows[0].id.id, one.delivery.id);
	l = list(f, NO_FILTER, 1, l.rows[0].id);
	assert_true(l.nrows == 1 && !l.is_more && l.rows[0].id.is_raw);
	l = list(f, NO_FILTER, 1, l.rows[0].id);
	assert_true(l.nrows == 0 && !l.is_more);

	/* By what is asked. */
	l = list(f, (struct parked_filter){ .reason = REASON_EXPIRED }, 10, NOTHING);
	assert_true(l.nrows == 1 && l.rows[0].id.id == two.delivery.id);
	l = list(f, (struct parked_filter){ .reason = REASON_UNPARSABLE }, 10, NOTHING);
	assert_true(l.nrows == 1 && l.rows[0].id.is_raw);
	l = list(f, (struct parked_filter){ .bridge = f->bridge }, 10, NOTHING);
	assert_int_equal(l.total, 2);
	l = list(f, (struct parked_filter){ .bridge = f->bridge + 1 }, 10, NOTHING);
	assert_int_equal(l.total, 0);
	l = list(f, (struct parked_filter){ .endpoint = f->agents, .ways = &up, .nways = 1 }, 10,
	    NOTHING);
	assert_int_equal(l.total, 2);
	l = list(f, (struct parked_filter){ .endpoint = f->customers }, 10, NOTHING);
	assert_true(l.total == 1 && l.rows[0].id.is_raw);
}

/* Put back it goes to the end of its lane, and is looked for first, since it may have left before. */
static void retries(void **state)
{
	struct fixture *f = *state;
	struct row_trip one = deliver(f, "c1", "1"), two = deliver(f, "c1", "2");
	struct mended m;
	struct op_claim c;

	claim(f, one.lane.id);
	park(f, &one, REASON_UNCERTAIN, NULL, false);
	assert_int_equal(mend(f, MEND_RETRY, (struct parked_id){ false, 999 }, NULL).result,
	    MEND_UNKNOWN);
	assert_int_equal(mend(f, MEND_RETRY, (struct parked_id){ false, two.delivery.id }, NULL)
			     .result,
	    MEND_NOT_PARKED);
	m = mend(f, MEND_RETRY, (struct parked_id){ false, one.delivery.id }, NULL);
	assert_int_equal(m.result, MEND_DONE);
	assert_int_equal(m.lane, one.lane.id);
	assert_int_equal(m.endpoint, f->agents);
	assert_int_equal(m.person, one.lane.person);
	assert_false(m.was_held);
	assert_int_equal(mend(f, MEND_RETRY, (struct parked_id){ false, one.delivery.id }, NULL)
			     .result,
	    MEND_NOT_PARKED);
	c = claim(f, one.lane.id);
	assert_int_equal(c.trip.delivery.id, two.delivery.id);
	assert_false(c.is_doubted);
	settle(f, &two, DELIVERY_DELIVERED, "900");
	/* settle has claimed it */
	assert_int_equal(load(f).nflying, 1);
	fixture_reopen(f);
	assert_int_equal(load(f).flying[0].delivery.id, one.delivery.id);
	assert_int_equal(load(f).flying[0].delivery.expires_ms, f->now_ms + 77);
}

static void retries_in_doubt(void **state)
{
	struct fixture *f = *state;
	struct row_trip one = deliver(f, "c1", "1");
	struct op_claim c;

	claim(f, one.lane.id);
	park(f, &one, REASON_TIMEOUT, NULL, false);
	mend(f, MEND_RETRY, (struct parked_id){ false, one.delivery.id }, NULL);
	c = claim(f, one.lane.id);
	assert_int_equal(c.trip.delivery.id, one.delivery.id);
	assert_true(c.is_doubted);
	assert_int_equal(c.trip.delivery.attempt, 2);
	assert_int_equal(c.trip.delivery.step, STEP_SEND);
	settle(f, &one, DELIVERY_DELIVERED, "900");
	assert_int_equal(list(f, NO_FILTER, 10, NOTHING).total, 0);
}

/* It never had a lane: its event is routed once more. */
static void reroutes(void **state)
{
	struct fixture *f = *state;
	struct event e = message(f, f->agents, "70", "600");
	struct route_row row = { .bridge = f->bridge,
		.to = SIDE_CUSTOMERS,
		.state = DELIVERY_PARKED,
		.reason = REASON_UNREACHABLE,
		.carry = "nobody known" };
	struct mended m;
	int64_t id;

	append(f, &e);
	id = route(f, e.id, &row).delivery.id;
	assert_string_equal(list(f, NO_FILTER, 10, NOTHING).rows[0].why, "nobody known");
	assert_int_equal(load(f).nunrouted, 0);
	m = mend(f, MEND_RETRY, (struct parked_id){ false, id }, NULL);
	assert_int_equal(m.result, MEND_REROUTE);
	assert_int_equal(m.endpoint, f->agents);
	assert_string_equal(m.event->text, "text of 600");
	assert_int_equal(load(f).nunrouted, 1);
	assert_int_equal(list(f, NO_FILTER, 10, NOTHING).total, 0);
	assert_int_equal(route(f, e.id, &row).delivery.id, id);
}

static void drops(void **state)
{
	struct fixture *f = *state;
	struct row_trip one = deliver(f, "c1", "1");

	claim(f, one.lane.id);
	park(f, &one, REASON_INVALID, NULL, false);
	keep_raw(f, "x");
	assert_int_equal(mend(f, MEND_DROP, (struct parked_id){ false, one.delivery.id }, NULL)
			     .result,
	    MEND_DONE);
	assert_int_equal(mend(f, MEND_DROP, (struct parked_id){ true, 1 }, NULL).result, MEND_DONE);
	assert_int_equal(mend(f, MEND_DROP, (struct parked_id){ true, 1 }, NULL).result,
	    MEND_UNKNOWN);
	fixture_reopen(f);
	assert_int_equal(list(f, NO_FILTER, 10, NOTHING).total, 0);
	assert_int_equal(trace(f, one.delivery.id).deliveries[0].trip.delivery.state,
	    DELIVERY_DISCARDED);
	assert_int_equal(load(f).nlanes, 0);
}

static void edits(void **state)
{
	struct fixture *f = *state;
	struct row_trip one = deliver(f, "c1", "1"), two = deliver(f, "c1", "2");
	struct op_trace t;
	struct op_claim c;

	claim(f, one.lane.id);
	park(f, &one, REASON_EXPIRED, NULL, false);
	assert_int_equal(mend(f, MEND_EDIT, (struct parked_id){ false, one.delivery.id }, "new")
			     .result,
	    MEND_NOT_REFUSED);
	claim(f, two.lane.id);
	park(f, &two, REASON_INVALID, NULL, false);
	assert_int_equal(mend(f, MEND_EDIT, (struct parked_id){ false, two.delivery.id }, "new")
			     .result,
	    MEND_DONE);
	assert_int_equal(mend(f, MEND_EDIT, (struct parked_id){ false, two.delivery.id }, "newer")
			     .result,
	    MEND_DONE);
	mend(f, MEND_RETRY, (struct parked_id){ false, two.delivery.id }, NULL);
	c = claim(f, two.lane.id);
	assert_string_equal(c.trip.event->text, "newer");
	fixture_reopen(f);
	assert_string_equal(load(f).flying[0].event->text, "newer");
	t = trace(f, two.delivery.id);
	assert_string_equal(t.event->text, "text of 2");
	assert_string_equal(t.deliveries[0].edited, "newer");
	assert_string_equal(t.deliveries[0].edited_by, "somebody");
}

/* A lane that is held waits for a person, also where nothing else stands in it, also after a restart. */
static void held_lanes(void **state)
{
	struct fixture *f = *state;
	struct row_trip one = deliver(f, "c1", "1"), other = deliver(f, "c2", "1x"), two;
	struct mended m;
	struct op_load l;

	claim(f, one.lane.id);
	claim(f, other.lane.id);
	park(f, &one, REASON_INVALID, NULL, true);
	park(f, &other, REASON_INVALID, NULL, true);
	two = deliver(f, "c1", "2");
	fixture_reopen(f);
	l = load(f);
	assert_int_equal(l.nlanes, 2);
	assert_true(l.lanes[0].is_held && l.lanes[0].lane == one.lane.id && l.lanes[0].count == 1);
	assert_true(
	    l.lanes[1].is_held && l.lanes[1].lane == other.lane.id && l.lanes[1].count == 0);
	assert_int_equal(l.lanes[1].person, other.lane.person);

	m = mend(f, MEND_DROP, (struct parked_id){ false, other.delivery.id }, NULL);
	assert_true(m.was_held);
	assert_int_equal(load(f).nlanes, 1);
	/* Put back it keeps its place. */
	m = mend(f, MEND_RETRY, (struct parked_id){ false, one.delivery.id }, NULL);
	assert_true(m.was_held);
	assert_false(load(f).lanes[0].is_held);
	assert_int_equal(claim(f, one.lane.id).trip.delivery.id, one.delivery.id);
	assert_int_equal(settle(f, &one, DELIVERY_DELIVERED, "900").next.trip.delivery.id,
	    two.delivery.id);
}

/* One life: what did not simply succeed, what people did, and the end. */
static void traces(void **state)
{
	struct fixture *f = *state;
	struct row_trip one = deliver(f, "c1", "1");
	int endpoints[] = { f->customers, f->agents };
	struct event at_desk = message(f, f->agents, "9", "1");
	struct op_trace t, by;
	int i;

	claim(f, one.lane.id);
	settle(f, &one, DELIVERY_WAITING, NULL);
	f->now_ms += 10000;
	claim(f, one.lane.id);
	park(f, &one, REASON_INVALID, "no", false);
	mend(f, MEND_RETRY, (struct parked_id){ false, one.delivery.id }, NULL);
	claim(f, one.lane.id);
	settle(f, &one, DELIVERY_DELIVERED, "900");

	t = trace(f, one.delivery.id);
	assert_int_equal(t.id, one.delivery.id >> 4);
	assert_true(t.is_routed);
	assert_int_equal(t.ndeliveries, 1);
	assert_int_equal(t.deliveries[0].trip.delivery.state, DELIVERY_DELIVERED);
	assert_string_equal(t.deliveries[0].trip.delivery.remote_id, "900");
	assert_int_equal(t.deliveries[0].ended_ms, f->now_ms);
	assert_int_equal(t.deliveries[0].to, SIDE_AGENTS);
	assert_int_equal(t.deliveries[0].nattempts, 3);
	assert_int_equal(t.deliveries[0].attempts[0].state, DELIVERY_WAITING);
	assert_int_equal(t.deliveries[0].attempts[0].attempt, 1);
	assert_null(t.deliveries[0].attempts[0].who);
	assert_int_equal(t.deliveries[0].attempts[1].reason, REASON_INVALID);
	assert_int_equal(t.deliveries[0].attempts[1].attempt, 2);
	assert_string_equal(t.deliveries[0].attempts[2].who, "somebody");

	/* By the platform's id of the original, and of the copy. */
	by = (struct op_trace){ .op = { .kind = STORE_TRACE },
		.arena = f->arena,
		.remote = "900",
		.endpoints = endpoints,
		.nendpoints = 2 };
	run(f, &by.op);
	assert_true(by.nfound == 1 && by.found[0] == f->agents && by.id == t.id);
	by.remote = "1";
	run(f, &by.op);
	assert_true(by.nfound == 1 && by.found[0] == f->customers && by.id == t.id);
	append(f, &at_desk);
	run(f, &by.op);
	assert_true(by.nfound == 2 && by.id == 0);
	by.remote = "nobody's";
	run(f, &by.op);
	assert_true(by.nfound == 0 && by.id == 0);

	/* No more than so many are kept. */
	for (i = 0; i < 60; i++)
		settle(f, &one, DELIVERY_WAITING, NULL);
	t = trace(f, one.delivery.id);
	assert_int_equal(t.deliveries[0].nattempts, 50);
}

static void reads_raw(void **state)
{
	struct fixture *f = *state;
	struct op_raw_read op = { .op = { .kind = STORE_RAW_READ }, .arena = f->arena, .id = 1 };

	run(f, &op.op);
	assert_false(op.is_known);
	keep_raw(f, "{\"a\":");
	run(f, &op.op);
	assert_true(op.is_known);
	assert_int_equal(op.raw.body_len, 5);
	assert_memory_equal(op.raw.body, "{\"a\":", 5);
	assert_string_equal(op.raw.headers, "A: b\n");
	assert_int_equal(op.raw.endpoint, f->customers);
}

/* With the words goes what was tried with them. */
static void retention_of_attempts(void **state)
{
	struct fixture *f = *state;
	struct row_trip one = deliver(f, "c1", "1");
	struct op_retain op = { .op = { .kind = STORE_RETAIN }, .limit = 100 };

	claim(f, one.lane.id);
	settle(f, &one, DELIVERY_WAITING, NULL);
	f->now_ms += 10000;
	claim(f, one.lane.id);
	settle(f, &one, DELIVERY_DELIVERED, "900");
	f->now_ms += 10000;
	deliver(f, "c1", "2");
	op.rest.bodies_before_ms = f->now_ms;
	assert_int_equal(trace(f, one.delivery.id).deliveries[0].nattempts, 1);
	run(f, &op.op);
	assert_null(trace(f, one.delivery.id).event);
	assert_int_equal(trace(f, one.delivery.id).deliveries[0].nattempts, 0);
}

static const struct promise promises[] = {
	PROMISE(lists),
	PROMISE(retries),
	PROMISE(retries_in_doubt),
	PROMISE(reroutes),
	PROMISE(drops),
	PROMISE(edits),
	PROMISE(held_lanes),
	PROMISE(traces),
	PROMISE(reads_raw),
	PROMISE(retention_of_attempts),
};

int main(void)
{
	return fixture_run(promises, sizeof(promises) / sizeof(promises[0]));
}
