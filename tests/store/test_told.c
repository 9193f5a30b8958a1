/* What the flow remembers it tells, so that the store need not read it: that must change nothing but the
 * work, and what has become wrong meanwhile must not be believed. */
#include "fixture.h"

static struct fixture f;

/* A message of a known conversation, routed at once, with what is known of it. */
static struct route_row told(struct event *e, const struct row_trip *first)
{
	struct route_row row = { .bridge = f.bridge,
		.to = SIDE_AGENTS,
		.target = f.agents,
		.person = first->lane.person,
		.lane = first->lane.id,
		.link = first->link.id,
		.claim = true };
	struct op_append op = { .op = { .kind = STORE_APPEND },
		.arena = f.arena,
		.event = e,
		.asks = &f.ask,
		.nasks = 1,
		.rows = &row,
		.nrows = 1,
		.thread = first->link.customers,
		.person = first->lane.person,
		.owner = 3,
		.now_ms = f.now_ms };

	run(&f, &op.op);
	assert_int_equal(op.view.thread, first->link.customers);
	return row;
}

static void the_person_is_brought_up_to_date(void **state)
{
	struct row_trip first = deliver(&f, "c1", "1");
	struct event e = message(&f, f.customers, "c1", "2");
	struct route_row row;

	(void)state;
	settle(&f, &first, DELIVERY_DELIVERED, "50");
	e.person.name = "Anna";
	e.person.id = NULL;
	row = told(&e, &first);
	assert_int_equal(row.out.lane.id, first.lane.id);
	assert_int_equal(row.out.link.id, first.link.id);
	assert_string_equal(row.out.person.name, "Anna");
	assert_string_equal(row.out.person.id, "lead-c1");
	assert_string_equal(row.out.person.identity, "acme:c1");
	fixture_reopen(&f);
	assert_string_equal(load(&f).flying[0].person.name, "Anna");
}

static void a_second_id_is_kept(void **state)
{
	struct row_trip first = deliver(&f, "c1", "1");
	struct event e = message(&f, f.customers, "c1", "2");

	(void)state;
	settle(&f, &first, DELIVERY_DELIVERED, "50");
	e.conversation_ref = "uuid-1";
	told(&e, &first);
	e = message(&f, f.customers, "c1", "3");
	e.conversation_ref = "uuid-2"; /* the first stays */
	assert_string_equal(told(&e, &first).out.link.customers_ref, "uuid-1");
}

/* The conversation is somebody else's now. */
static void another_person_is_seen(void **state)
{
	struct row_trip first = deliver(&f, "c1", "1"), other = deliver(&f, "c2", "2");
	struct event e = message(&f, f.customers, "c1", "3");
	struct event from_desk;

	(void)state;
	settle(&f, &first, DELIVERY_DELIVERED, "50");
	e.person = (struct person){ .identity = "acme:c2", .id = "lead-c2", .name = "Bob" };
	told(&e, &first);
	from_desk = message(&f, f.customers, "c1", "4");
	from_desk.person = (struct person){ 0 };
	assert_int_equal(append(&f, &from_desk).view.person, other.lane.person);
}

static void a_wrong_lane_is_not_taken(void **state)
{
	struct row_trip first = deliver(&f, "c1", "1"), other = deliver(&f, "c2", "2");
	struct event e = message(&f, f.customers, "c1", "3");
	struct row_trip wrong = first;

	(void)state;
	settle(&f, &first, DELIVERY_DELIVERED, "50");
	wrong.lane.id = other.lane.id;
	assert_int_equal(told(&e, &wrong).out.lane.id, first.lane.id);
	wrong.lane.id = 4711;
	e = message(&f, f.customers, "c1", "4");
	assert_int_equal(told(&e, &wrong).out.lane.id, first.lane.id);
}

static struct op_settle settlement(const struct row_trip *trip, const char *remote)
{
	return (struct op_settle){ .op = { .kind = STORE_SETTLE },
		.arena = f.arena,
		.delivery = trip->delivery.id,
		.event = trip->delivery.id >> 4,
		.learned = { .link = trip->link.id,
		    .lane = trip->lane.id,
		    .to = SIDE_AGENTS,
		    .endpoint = f.agents },
		.state = DELIVERY_DELIVERED,
		.remote_id = remote,
		.bridge = f.bridge,
		.is_message = true,
		.has_first = trip->link.first_agents != NULL,
		.now_ms = f.now_ms };
}

static void settled_as_told(void **state)
{
	struct row_trip trip = deliver(&f, "c1", "1");
	struct event e = message(&f, f.customers, "c1", "2");
	struct op_settle op = settlement(&trip, "50");
	struct op_echo echo = { .op = { .kind = STORE_ECHO },
		.endpoint = f.agents,
		.remote = "51" };
	struct op_status status = { .op = { .kind = STORE_STATUS },
		.arena = f.arena,
		.now_ms = f.now_ms };

	(void)state;
	run(&f, &op.op);
	trip = told(&e, &trip).out;
	assert_string_equal(trip.link.first_agents, "50");
	op = settlement(&trip, "51");
	run(&f, &op.op);
	run(&f, &echo.op);
	assert_true(echo.is_known);
	run(&f, &status.op);
	assert_int_equal(status.bridges[0].delivered_24h[SIDE_AGENTS], 2);
	e = message(&f, f.customers, "c1", "3");
	assert_string_equal(told(&e, &trip).out.link.first_agents, "50");
}

static void what_is_not_there_is_refused(void **state)
{
	struct row_trip trip = deliver(&f, "c1", "1");
	struct op_settle op;

	(void)state;
	trip.delivery.id += 16;
	op = settlement(&trip, "50");
	store_run(f.store, &op.op);
	assert_int_equal(op.op.result, -1);
	assert_non_null(strstr(op.op.err.text, "there is no delivery"));
}

static int setup(void **state)
{
	(void)state;
	fixture_start(&f, "sqlite");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fixture_end(&f);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_person_is_brought_up_to_date, setup, teardown),
		cmocka_unit_test_setup_teardown(a_second_id_is_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(another_person_is_seen, setup, teardown),
		cmocka_unit_test_setup_teardown(a_wrong_lane_is_not_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(settled_as_told, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_not_there_is_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
