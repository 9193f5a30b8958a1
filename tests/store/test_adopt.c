/* Two conversations that were there become a pair: each promise of store/adopt.h, for every driver. */
#include "fixture.h"
#include "store/adopt.h"

static const char *const drivers[] = { "sqlite" };

static struct op_adopt pair(struct fixture *f, const char *customers, const char *agents)
{
	struct event *about = ARENA_NEW(f->arena, struct event);

	*about = message(f, f->customers, customers, "1");
	return (struct op_adopt){ .op = { .kind = STORE_ADOPT },
		.arena = f->arena,
		.bridge = f->bridge,
		.how = LINK_BY_FILE,
		.about = about,
		.customers = { f->customers, customers, .state = STATE_OPEN, .version = 5,
		    .first = "90" },
		.agents = { f->agents, agents, .state = STATE_RESOLVED, .version = 7,
		    .first = "41" },
		.now_ms = f->now_ms };
}

/* What is written is a pair, for whoever asks, after a restart too; said again it is one already. */
static void a_pair(void **state)
{
	struct fixture *f = *state;
	struct op_adopt op = pair(f, "c1", "a1");
	struct event e = message(f, f->customers, "c1", "91");
	struct op_append up;

	op.is_dry = true;
	run(f, &op.op);
	assert_int_equal(op.result, ADOPT_DONE);
	assert_false(op.op.is_changed);
	op.is_dry = false;
	run(f, &op.op);
	assert_int_equal(op.result, ADOPT_DONE);
	assert_int_equal(op.row.how, LINK_BY_FILE);
	assert_string_equal(op.row.first_customers, "90");
	assert_string_equal(op.row.first_agents, "41");
	run(f, &op.op);
	assert_int_equal(op.result, ADOPT_WAS);
	assert_false(op.op.is_changed);

	fixture_reopen(f);
	up = append(f, &e);
	assert_int_equal(up.view.bridges[0].link.how, LINK_BY_FILE);
	assert_string_equal(up.view.bridges[0].link.agents_remote, "a1");
	assert_int_equal(up.view.bridges[0].link.agents_state, STATE_RESOLVED);
	assert_int_equal(up.view.bridges[0].link.customers_state, STATE_OPEN);
}

static void contradictions(void **state)
{
	struct fixture *f = *state;
	struct op_adopt first = pair(f, "c1", "a1"), op;
	struct row_trip trip = deliver(f, "c9", "77");

	run(f, &first.op);
	op = pair(f, "c1", "a2");
	run(f, &op.op);
	assert_int_equal(op.result, ADOPT_CUSTOMERS_TAKEN);
	assert_string_equal(op.other, "a1");
	op = pair(f, "c2", "a1");
	run(f, &op.op);
	assert_int_equal(op.result, ADOPT_AGENTS_TAKEN);
	assert_string_equal(op.other, "c1");
	assert_false(op.op.is_changed);
	/* A conversation is just being opened for it. */
	assert_int_equal(trip.link.agents, 0);
	op = pair(f, "c9", "a9");
	run(f, &op.op);
	assert_int_equal(op.result, ADOPT_BUSY);
	/* By a mark one of the agents' may have had several. */
	op = pair(f, "c2", "a1");
	op.how = LINK_BY_MARK;
	run(f, &op.op);
	assert_int_equal(op.result, ADOPT_DONE);
}

/* The row of a message on its way. */
static void a_trip(void **state)
{
	struct fixture *f = *state;
	struct row_trip trip = deliver(f, "c1", "77");
	struct op_adopt op = pair(f, "c1", "a1");

	op.link = trip.link.id;
	op.generation = 3;
	op.how = LINK_BY_MARK;
	op.agents.first = NULL;
	run(f, &op.op);
	assert_int_equal(op.result, ADOPT_DONE);
	assert_int_equal(op.row.id, trip.link.id);
	assert_int_equal(op.row.generation, 3);
	assert_string_equal(op.row.agents_remote, "a1");
	assert_string_equal(op.row.first_customers, "77");
	assert_null(op.row.first_agents);
	/* Only the next generation is due. */
	trip = deliver(f, "c2", "78");
	op = pair(f, "c2", NULL);
	op.link = trip.link.id;
	op.generation = 2;
	op.how = LINK_BY_CREATED;
	run(f, &op.op);
	assert_int_equal(op.row.generation, 2);
	assert_int_equal(op.row.agents, 0);
}

/* What an agent has said there before, and nobody knew to whom. */
static void what_waited(void **state)
{
	struct fixture *f = *state;
	struct event e = message(f, f->agents, "a1", "41"),
		     other = message(f, f->agents, "a2", "42");
	struct op_append said = append(f, &e), beside = append(f, &other);
	struct route_row row = { .bridge = f->bridge,
		.to = SIDE_CUSTOMERS,
		.target = f->customers,
		.state = DELIVERY_PARKED,
		.reason = REASON_UNREACHABLE };
	struct op_adopt op = pair(f, "c1", "a1");
	const char *remotes[] = { "a1", "a2", "a3" };
	bool is_paired[3] = { 0 };
	struct op_paired paired = { .op = { .kind = STORE_PAIRED },
		.endpoint = f->agents,
		.remotes = remotes,
		.count = 3,
		.is_paired = is_paired };
	struct row_trip trip = route(f, said.event->id, &row);

	route(f, beside.event->id, &row);
	run(f, &op.op);
	assert_int_equal(op.nparked, 1);
	assert_int_equal(op.parked[0], trip.delivery.id);
	run(f, &paired.op);
	assert_true(is_paired[0]);
	assert_false(is_paired[1]);
	assert_false(is_paired[2]);
}

static int setup(void **state)
{
	static struct fixture f;

	fixture_start(&f, drivers[0]);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	fixture_end(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_pair, setup, teardown),
		cmocka_unit_test_setup_teardown(contradictions, setup, teardown),
		cmocka_unit_test_setup_teardown(a_trip, setup, teardown),
		cmocka_unit_test_setup_teardown(what_waited, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
