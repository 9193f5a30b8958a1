/* What moving history asks of the store: each promise of store/migration.h, for every driver. */
#include "fixture.h"
#include "store/migration.h"

static const char *const drivers[] = { "sqlite" };

static struct row_migration begin(struct fixture *f)
{
	struct op_migration op = { .op = { .kind = STORE_MIGRATION },
		.is_new = true,
		.row = { .bridge = f->bridge,
		    .state = MIGRATION_RUNNING,
		    .wish = "{\"bridge\":\"support\"}",
		    .begun_ms = f->now_ms } };

	run(f, &op.op);
	return op.row;
}

static struct event history(struct fixture *f, const char *conversation, const char *id)
{
	struct event e = message(f, f->customers, conversation, id);

	e.origin = ORIGIN_HISTORY;
	return e;
}

static enum migration_found look(struct fixture *f, const struct row_migration *m, const char *id)
{
	const char *keys[] = { arena_printf(f->arena, "m:%s", id) };
	enum migration_found found;
	struct op_migration_look op = { .op = { .kind = STORE_MIGRATION_LOOK },
		.endpoint = f->customers,
		.bridge = f->bridge,
		.first = m->first,
		.keys = keys,
		.nkeys = 1,
		.found = &found };

	run(f, &op.op);
	assert_false(op.op.is_changed);
	return found;
}

/* What is told of a message from before all bridges leaves nothing behind that would hide it from a run. */
static void only_asked_for(void **state)
{
	struct fixture *f = *state;
	const struct row_migration m = begin(f);
	struct event e = message(f, f->customers, "c1", "1"), again = e;
	struct op_append op = { .op = { .kind = STORE_APPEND },
		.arena = f->arena,
		.event = &e,
		.asks = &f->ask,
		.nasks = 1,
		.only_known = true,
		.now_ms = f->now_ms };

	run(f, &op.op);
	assert_true(op.is_left && !op.is_duplicate);
	assert_int_equal(e.id, 0);
	assert_false(op.op.is_changed);
	assert_int_equal(look(f, &m, "1"), FOUND_NOTHING);
	assert_false(append(f, &again).is_duplicate);
	run(f, &op.op);
	assert_true(op.is_duplicate && !op.is_left);
	assert_int_equal(op.known, again.id << 4);
}

/* A run and its conversations outlive the process; what is over counts in the same write. */
static void runs(void **state)
{
	struct fixture *f = *state;
	struct row_migration first = begin(f), second;
	struct op_migrations all = { .op = { .kind = STORE_MIGRATIONS }, .arena = f->arena };
	const char *names[] = { "c1", "c2", "c3" };
	struct op_migration_items items = { .op = { .kind = STORE_MIGRATION_ITEMS },
		.arena = f->arena,
		.migration = first.id };
	struct op_migration_item item = { .op = { .kind = STORE_MIGRATION_ITEM },
		.migration = first.id,
		.row = { .remote = "c1" } };

	run(f, &item.op);
	item.row.remote = "c2";
	item.row.is_over = true;
	item.row.totals = (struct migration_totals){ .read = 3, .written = 2 };
	item.row.totals.skipped[SKIP_PRESENT] = 1;
	first.totals = item.row.totals;
	first.totals.conversations = 1;
	first.cursor = "page 2";
	item.run = &first;
	run(f, &item.op);
	second = begin(f);
	assert_true(second.id > first.id);

	fixture_reopen(f);
	run(f, &all.op);
	assert_int_equal(all.nrows, 2);
	assert_int_equal(all.rows[0].id, second.id);
	assert_int_equal(all.rows[1].totals.conversations, 1);
	assert_int_equal(all.rows[1].totals.skipped[SKIP_PRESENT], 1);
	assert_true(migration_adds_up(&all.rows[1].totals));
	assert_string_equal(all.rows[1].cursor, "page 2");
	assert_string_equal(all.rows[1].wish, "{\"bridge\":\"support\"}");
	items.only_open = true;
	run(f, &items.op);
	assert_int_equal(items.nrows, 1);
	assert_string_equal(items.rows[0].remote, "c1");
	items.remotes = names;
	items.nremotes = 3;
	run(f, &items.op);
	assert_false(items.rows[0].is_over);
	assert_true(items.rows[1].is_over);
	assert_int_equal(items.rows[1].totals.written, 2);
	assert_null(items.rows[2].remote);
}

/* What became of a message, seen by a run that began at some point between. */
static void found(void **state)
{
	struct fixture *f = *state;
	struct row_trip live = deliver(f, "c1", "11"), moved;
	struct row_migration m = begin(f), later;
	struct event waits = message(f, f->customers, "c2", "21"), e = history(f, "c2", "22");
	struct op_append op;
	struct route_row row;

	assert_int_equal(look(f, &m, "11"), FOUND_PRESENT);
	assert_int_equal(look(f, &m, "12"), FOUND_NOTHING);
	append(f, &waits);
	assert_int_equal(look(f, &m, "21"), FOUND_HELD);
	op = append(f, &e);
	assert_int_equal(look(f, &m, "22"), FOUND_UNDER_WAY);
	row = row_up(f, &op.view);
	moved = route(f, e.id, &row);
	assert_int_equal(look(f, &m, "22"), FOUND_UNDER_WAY);
	claim(f, moved.lane.id);
	settle(f, &moved, DELIVERY_DELIVERED, "901");
	assert_int_equal(look(f, &m, "22"), FOUND_WRITTEN);
	later = begin(f); /* for which it was there before */
	assert_int_equal(look(f, &later, "22"), FOUND_PRESENT);
	e = history(f, "c2", "23");
	op = append(f, &e);
	row = row_up(f, &op.view);
	moved = route(f, e.id, &row);
	claim(f, moved.lane.id);
	settle(f, &moved, DELIVERY_PARKED, NULL);
	assert_int_equal(look(f, &later, "23"), FOUND_FAILED);
	(void)live;
}

/* What a run has made, and to which conversations, page by page. */
static void made(void **state)
{
	struct fixture *f = *state;
	struct row_trip live = deliver(f, "c1", "11"), trip;
	struct row_migration m = begin(f);
	static const char *const ids[] = { "31", "32" }, *const there[] = { "902", "903" };
	struct op_migration_made list = { .op = { .kind = STORE_MIGRATION_MADE },
		.arena = f->arena,
		.endpoint = f->agents,
		.first = m.first,
		.last = INT64_MAX,
		.limit = 1 };
	struct event e;
	struct op_append op;
	struct route_row row;
	size_t i;

	claim(f, live.lane.id);
	settle(f, &live, DELIVERY_DELIVERED, "901");
	for (i = 0; i < 2; i++) {
		e = history(f, "c3", ids[i]);
		op = append(f, &e);
		row = row_up(f, &op.view);
		trip = route(f, e.id, &row);
		claim(f, trip.lane.id);
		settle(f, &trip, DELIVERY_DELIVERED, there[i]);
	}
	for (i = 0; i < 2; i++) {
		run(f, &list.op);
		assert_int_equal(list.nrows, 1);
		assert_string_equal(list.rows[0].message, there[i]);
		list.after = there[i];
	}
	run(f, &list.op);
	assert_int_equal(list.nrows, 0);
}

/* The end is one event, however often it is asked for; the link is wanted as the conversation was. */
static void ends(void **state)
{
	struct fixture *f = *state;
	struct row_trip trip = deliver(f, "c1", "11");
	struct event e = { .endpoint = f->customers,
		.kind = EVENT_CONVERSATION,
		.origin = ORIGIN_HISTORY,
		.key = "h:1:c1",
		.conversation = "c1",
		.state = STATE_RESOLVED,
		.version = f->now_ms,
		.here_ms = f->now_ms };
	struct op_migration_end op = { .op = { .kind = STORE_MIGRATION_END },
		.arena = f->arena,
		.event = &e,
		.asks = &f->ask,
		.nasks = 1,
		.bridge = f->bridge };
	struct op_migration_facts facts = { .op = { .kind = STORE_MIGRATION_FACTS },
		.arena = f->arena,
		.bridge = f->bridge,
		.endpoint = f->customers,
		.conversation = "c1" };

	run(f, &op.op);
	assert_true(e.id > trip.delivery.id >> 4);
	assert_int_equal(op.view.bridges[0].link.id, trip.link.id);
	assert_int_equal(op.view.bridges[0].link.customers_heard, STATE_RESOLVED);
	assert_int_equal(load(f).nunrouted, 1);
	run(f, &op.op);
	assert_int_equal(e.id, 0);
	assert_int_equal(load(f).nunrouted, 1);
	run(f, &facts.op);
	assert_false(facts.is_ended); /* by no run that there is */
	begin(f);
	run(f, &facts.op);
	assert_true(facts.is_linked && facts.is_ended);
}

#define CASE(fn) \
	{ \
#fn, fn \
	}

static const struct {
	const char *name;
	void (*fn)(void **state);
} cases[] = { CASE(runs), CASE(found), CASE(made), CASE(ends), CASE(only_asked_for) };

static int setup(void **state)
{
	static struct fixture fixture;
	const char *driver = *state;

	fixture_start(&fixture, driver);
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	fixture_end(*state);
	return 0;
}

int main(void)
{
	struct CMUnitTest tests[sizeof(cases) / sizeof(cases[0])];
	int failed = 0;
	size_t d, i;

	for (d = 0; d < sizeof(drivers) / sizeof(drivers[0]); d++) {
		for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
			tests[i] = (struct CMUnitTest){ cases[i].name, cases[i].fn, setup, teardown,
				(void *)(uintptr_t)drivers[d] };
		failed += cmocka_run_group_tests_name(drivers[d], tests, NULL, NULL);
	}
	return failed;
}
