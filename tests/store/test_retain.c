/* What is kept for a while, and what goes after it: each promise of store/retain.h, for every driver, on a clock of
 * the test's. */
#include "fixture.h"
#include "store/errand.h"
#include "store/migration.h"
#include "store/repair.h"
#include "store/retain.h"

#define DAY INT64_C(86400000)

/* All of it, step by step; how many steps it took. */
static int retain(struct fixture *f, struct op_retain *op)
{
	int steps = 0;

	op->op = (struct store_op){ .kind = STORE_RETAIN };
	op->arena = f->arena;
	op->now_ms = f->now_ms;
	op->from = (struct retain_place){ RETAIN_BODIES, 0 };
	if (op->limit == 0)
		op->limit = 100;
	do {
		run(f, &op->op);
		assert_true(op->seen <= (int64_t)op->limit * 10);
		op->from = op->to;
		assert_true(++steps < 1000);
	} while (op->is_more);
	assert_int_equal(op->to.stage, RETAIN_DONE);
	return steps;
}

/* So many days later, and a round on each of them, which notes how far events have come. */
static void days(struct fixture *f, int n)
{
	struct op_retain nothing = { 0 };

	while (n-- > 0) {
		f->now_ms += DAY;
		retain(f, &nothing);
	}
}

static struct op_trace trace(struct fixture *f, int64_t event)
{
	struct op_trace op = { .op = { .kind = STORE_TRACE },
		.arena = f->arena,
		.event_id = event };

	run(f, &op.op);
	return op;
}

static bool has_words(struct fixture *f, const struct row_trip *trip)
{
	return trace(f, trip->delivery.id >> 4).event != NULL;
}

static bool is_known(struct fixture *f, int endpoint, const char *id)
{
	const char *key = arena_printf(f->arena, "m:%s", id);
	bool known = false;
	struct op_known op = { .op = { .kind = STORE_KNOWN },
		.endpoint = endpoint,
		.keys = &key,
		.nkeys = 1,
		.is_known = &known };

	run(f, &op.op);
	return known;
}

static struct row_trip delivered(struct fixture *f, const char *conversation, const char *id)
{
	struct row_trip trip = deliver(f, conversation, id);

	claim(f, trip.lane.id);
	settle(f, &trip, DELIVERY_DELIVERED, arena_printf(f->arena, "9%s", id));
	return trip;
}

/* The newest of each table stay in any case. */
static void newest(struct fixture *f)
{
	delivered(f, "newest", arena_printf(f->arena, "77%d", (int)(f->now_ms % 100000)));
}

/* Words stay as long as the bridge says that they went over; of what went over none, as the endpoint says. */
static void by_bridge(void **state)
{
	struct fixture *f = *state;
	struct row_trip quick = delivered(f, "c1", "1"), slow;
	struct event ignored = message(f, f->customers, "c2", "2"), e;
	struct retain_part endpoint = { f->customers, { .bodies_before_ms = f->now_ms + 2 * DAY } };
	struct retain_part bridge = { f->bridge, { .bodies_before_ms = f->now_ms + DAY } };
	struct op_retain op = { .bridges = &bridge,
		.nbridges = 1,
		.endpoints = &endpoint,
		.nendpoints = 1 };
	struct op_append seen;
	struct route_event none;
	struct op_route route_none = { .op = { .kind = STORE_ROUTE },
		.arena = f->arena,
		.events = &none,
		.nevents = 1 };

	append(f, &ignored);
	none = (struct route_event){ .event = ignored.id };
	run(f, &route_none.op);
	f->now_ms += DAY; /* the bridge's time has come for the first, and not for the second */
	slow = delivered(f, "c1", "3");
	newest(f);

	retain(f, &op);
	assert_false(has_words(f, &quick));
	assert_true(has_words(f, &slow));
	assert_null(trace(f, ignored.id).event); /* it is as old as the first */

	op.bridges = &(struct retain_part){ f->bridge, { 0 } };
	endpoint.ages.bodies_before_ms = f->now_ms + DAY;
	op.rest.bodies_before_ms = f->now_ms + DAY;
	retain(f, &op);
	assert_true(has_words(f, &slow)); /* for ever, over that bridge */

	e = message(f, f->customers, "c1", "1");
	seen = append(f, &e);
	assert_true(seen.is_duplicate);
}

/* What is owed to the agents for certain keeps its words; what is being moved does too. */
static void still_needed(void **state)
{
	struct fixture *f = *state;
	struct op_migration run_of = { .op = { .kind = STORE_MIGRATION },
		.is_new = true,
		.row = { .bridge = f->bridge,
		    .state = MIGRATION_RUNNING,
		    .wish = "{}",
		    .begun_ms = f->now_ms } };
	struct op_retain op = { .rest = { .bodies_before_ms = f->now_ms + DAY } };
	struct event old = message(f, f->customers, "c1", "1");
	struct route_row row;
	struct row_trip moved, parked;
	struct op_append there;

	run(f, &run_of.op);
	old.origin = ORIGIN_HISTORY;
	there = append(f, &old);
	row = row_up(f, &there.view);
	moved = route(f, old.id, &row);
	claim(f, moved.lane.id);
	settle(f, &moved, DELIVERY_DELIVERED, "900");
	parked = deliver(f, "c3", "3");
	claim(f, parked.lane.id);
	settle(f, &parked, DELIVERY_PARKED, NULL);
	newest(f);

	retain(f, &op);
	assert_true(has_words(f, &moved) && has_words(f, &parked));

	run_of.is_new = false;
	run_of.row.state = MIGRATION_FINISHED;
	run(f, &run_of.op);
	retain(f, &op);
	assert_false(has_words(f, &moved));
	assert_true(has_words(f, &parked));
}

/* Who is who goes when nothing has gone over a link for so long, with the ids of its messages. */
static void links(void **state)
{
	struct fixture *f = *state;
	struct row_trip old, used, stuck;
	struct op_retain op = { 0 };
	struct event e;
	struct op_append seen;

	days(f, 1);
	old = delivered(f, "c1", "1");
	used = delivered(f, "c2", "2");
	stuck = deliver(f, "c3", "3");
	claim(f, stuck.lane.id);
	settle(f, &stuck, DELIVERY_PARKED, NULL);
	days(f, 40);
	delivered(f, "c2", "4");
	newest(f);
	days(f, 1);

	op.rest.links_before_ms = f->now_ms - 30 * DAY;
	retain(f, &op);
	assert_true(op.nlinks == 0 || op.links != NULL);
	assert_true(is_known(f, f->customers, "1")); /* its words are there, so its ids are */
	op.rest.bodies_before_ms = op.rest.links_before_ms;
	retain(f, &op);
	retain(f, &op);
	assert_false(is_known(f, f->customers, "1"));
	assert_false(is_known(f, f->agents, "91"));
	assert_int_equal(trace(f, old.delivery.id >> 4).id, 0); /* nor its deliveries */
	assert_false(is_known(f, f->customers, "2"));
	assert_true(is_known(f, f->customers, "3")); /* parked */
	assert_true(is_known(f, f->customers, "4") && is_known(f, f->agents, "94"));

	e = message(f, f->customers, "c1", "5");
	seen = append(f, &e);
	assert_int_equal(seen.view.bridges[0].link.id, 0);
	assert_true(seen.view.person != old.lane.person);
	e = message(f, f->customers, "c2", "6");
	seen = append(f, &e);
	assert_int_equal(seen.view.bridges[0].link.id, used.link.id);
	e = message(f, f->customers, "c3", "7");
	seen = append(f, &e);
	assert_int_equal(seen.view.bridges[0].link.id, stuck.link.id);
}

/* Somebody whose only link has not been used for long, who has just written in another conversation; the view. */
static struct op_append back_again(struct fixture *f, const char *talk, const char *id,
    const struct row_trip *old)
{
	struct event *e = ARENA_NEW(f->arena, struct event);
	struct op_append op;

	*e = message(f, f->customers, arena_printf(f->arena, "%s-new", talk), id);
	e->person.identity = arena_printf(f->arena, "acme:%s", talk);
	op = append(f, e);
	assert_int_equal(op.view.person, old->lane.person);
	return op;
}

/* As he is needed: by a message that waits for its way, is parked before it has one, or is parked in his lane. */
static void links_needed(void **state)
{
	struct fixture *f = *state;
	struct row_trip old[3];
	struct op_append there[3];
	struct route_row row;
	struct op_retain op = { 0 };
	struct event e;
	size_t i;

	days(f, 1);
	for (i = 0; i < 3; i++)
		old[i] = delivered(f, arena_printf(f->arena, "c%zu", i),
		    arena_printf(f->arena, "%zu", i + 1));
	days(f, 40);
	for (i = 0; i < 3; i++)
		there[i] = back_again(f, arena_printf(f->arena, "c%zu", i),
		    arena_printf(f->arena, "2%zu", i), &old[i]);
	row = (struct route_row){ .bridge = f->bridge,
		.to = SIDE_AGENTS,
		.state = DELIVERY_PARKED,
		.reason = REASON_NOT_FOUND };
	route(f, there[1].event->id, &row);
	row.target = f->agents;
	row.person = there[2].view.person;
	route(f, there[2].event->id, &row);
	newest(f);
	days(f, 1);

	op.rest.links_before_ms = f->now_ms - 30 * DAY;
	retain(f, &op);
	for (i = 0; i < 3; i++) {
		e = message(f, f->customers, arena_printf(f->arena, "c%zu", i),
		    arena_printf(f->arena, "3%zu", i));
		assert_int_equal(append(f, &e).view.person, old[i].lane.person);
	}
}

/* Nothing of a table is given an id again whose row has gone. */
static void links_ids(void **state)
{
	struct fixture *f = *state;
	struct row_trip first = delivered(f, "c1", "1"), then;
	struct op_retain op = { 0 };

	days(f, 50);
	op.rest.links_before_ms = op.rest.bodies_before_ms = f->now_ms - DAY;
	retain(f, &op);
	retain(f, &op);
	fixture_reopen(f);
	then = delivered(f, "c2", "2");
	assert_true(then.link.id > first.link.id && then.lane.id > first.lane.id
	    && then.lane.person > first.lane.person);
}

/* Whatever the number, a step is small. */
static void bounded(void **state)
{
	struct fixture *f = *state;
	struct op_retain op = { .limit = 7 };
	int i;

	days(f, 1);
	for (i = 0; i < 60; i++)
		delivered(f, arena_printf(f->arena, "c%d", i),
		    arena_printf(f->arena, "%d", 100 + i));
	days(f, 50);
	newest(f);
	days(f, 1);
	op.rest.links_before_ms = op.rest.bodies_before_ms = f->now_ms - 10 * DAY;
	assert_true(retain(f, &op) > 10);
	retain(f, &op);
	assert_false(is_known(f, f->customers, "100"));
	assert_false(is_known(f, f->customers, "159"));
}

static void keep(struct fixture *f, int endpoint, const char *body, const char *remote)
{
	const struct callback_news news = { remote, "c1" };
	struct op_callback op = { .op = { .kind = STORE_CALLBACK },
		.endpoint = endpoint,
		.at_ms = f->now_ms,
		.headers = "A: b",
		.body = body,
		.body_len = strlen(body),
		.news = &news,
		.nnews = 1 };

	run(f, &op.op);
}

static struct op_callback_of callback_of(struct fixture *f, int endpoint, const char *remote)
{
	struct op_callback_of op = { .op = { .kind = STORE_CALLBACK_OF },
		.arena = f->arena,
		.endpoint = endpoint,
		.remote = remote };

	run(f, &op.op);
	return op;
}

static void callbacks(void **state)
{
	struct fixture *f = *state;
	struct retain_part endpoint = { f->agents, { .callbacks_before_ms = f->now_ms - DAY } };
	struct op_retain op = { .endpoints = &endpoint, .nendpoints = 1 };
	struct op_callback_of kept;

	keep(f, f->customers, "{\"first\":1}", "1");
	keep(f, f->customers, "{\"again\":1}", "1");
	keep(f, f->agents, "{\"desk\":1}", "1");
	kept = callback_of(f, f->customers, "1");
	assert_true(
	    kept.is_known && kept.body_len == 11 && memcmp(kept.body, "{\"first\":1}", 11) == 0);
	assert_string_equal(kept.headers, "A: b");
	assert_false(callback_of(f, f->customers, "2").is_known);

	op.rest.callbacks_before_ms = f->now_ms + DAY;
	retain(f, &op);
	assert_false(callback_of(f, f->customers, "1").is_known);
	assert_true(callback_of(f, f->agents, "1").is_known);
}

/* ---- for each driver ---- */

static const struct promise promises[] = {
	PROMISE(by_bridge),
	PROMISE(still_needed),
	PROMISE(links),
	PROMISE(links_needed),
	PROMISE(links_ids),
	PROMISE(bounded),
	PROMISE(callbacks),
};

int main(void)
{
	return fixture_run(promises, sizeof(promises) / sizeof(promises[0]));
}
