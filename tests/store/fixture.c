/* See fixture.h. */
#include "fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

static void open_store(struct fixture *f)
{
	struct store_options options = { .url = f->url, .create = true };
	enum store_open why;
	struct err err = { "" };
	int64_t since;

	f->store = store_open(&options, &why, &err);
	if (f->store == NULL)
		fail_msg("open: %s", err.text);
	if (store_endpoint_id(f->store, "shop", "acme", "acme.example.com", &f->customers, &err)
		!= 0
	    || store_endpoint_id(f->store, "desk", "bolt", "bolt.example.com", &f->agents, &err)
		!= 0
	    || store_bridge_id(f->store, "support", 1000, &f->bridge, &since, &err) != 0)
		fail_msg("names: %s", err.text);
	f->ask = (struct ask){ f->bridge, SIDE_CUSTOMERS, f->agents };
	f->back = (struct ask){ f->bridge, SIDE_AGENTS, f->customers };
}

void fixture_start(struct fixture *f, const char *driver)
{
	memset(f, 0, sizeof(*f));
	f->driver = driver;
	snprintf(f->dir, sizeof(f->dir), "/tmp/store_test_XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/relay.db", f->dir);
	snprintf(f->url, sizeof(f->url), "%s:%s", driver, f->path);
	f->arena = arena_new();
	f->now_ms = 1700000000000;
	open_store(f);
}

void fixture_end(struct fixture *f)
{
	struct dirent *entry;
	char path[512];
	DIR *dir;

	store_close(f->store);
	arena_free(f->arena);
	dir = opendir(f->dir);
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", f->dir, entry->d_name);
		if (entry->d_name[0] != '.')
			unlink(path);
	}
	closedir(dir);
	rmdir(f->dir);
}

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

int fixture_run(const struct promise *promises, size_t count)
{
	static const char *const drivers[] = { "sqlite" };
	struct CMUnitTest *tests = xcalloc(count, sizeof(*tests));
	int failed = 0;
	size_t d, i;

	for (d = 0; d < sizeof(drivers) / sizeof(drivers[0]); d++) {
		for (i = 0; i < count; i++)
			tests[i] = (struct CMUnitTest){ promises[i].name, promises[i].fn, setup,
				teardown, (void *)(uintptr_t)drivers[d] };
		failed += _cmocka_run_group_tests(drivers[d], tests, count, NULL, NULL);
	}
	xfree(tests);
	return failed;
}

void fixture_reopen(struct fixture *f)
{
	store_close(f->store);
	open_store(f);
}

void run(struct fixture *f, struct store_op *op)
{
	store_run(f->store, op);
	if (op->result != 0)
		fail_msg("operation %d: %s", (int)op->kind, op->err.text);
	assert_int_equal(op->fault, STORE_FAULT_NONE);
}

struct event message(struct fixture *f, int endpoint, const char *conversation, const char *id)
{
	struct event e = {
		.endpoint = endpoint,
		.kind = EVENT_MESSAGE,
		.key = arena_printf(f->arena, "m:%s", id),
		.remote = arena_strdup(f->arena, id),
		.conversation = arena_strdup(f->arena, conversation),
		.at_ms = f->now_ms,
		.here_ms = f->now_ms,
		.text = arena_printf(f->arena, "text of %s", id),
	};

	if (endpoint == f->customers)
		e.person = (struct person){
			.identity = arena_printf(f->arena, "acme:%s", conversation),
			.id = arena_printf(f->arena, "lead-%s", conversation),
			.name = "Ann",
		};
	return e;
}

struct op_append append(struct fixture *f, struct event *e)
{
	struct op_append op = {
		.op = { .kind = STORE_APPEND },
		.arena = f->arena,
		.event = e,
		.asks = e->endpoint == f->customers ? &f->ask : &f->back,
		.nasks = 1,
		.want_view = true,
		.now_ms = f->now_ms,
	};

	run(f, &op.op);
	return op;
}

struct route_row row_up(struct fixture *f, const struct view *view)
{
	return (struct route_row){
		.bridge = f->bridge,
		.to = SIDE_AGENTS,
		.target = f->agents,
		.person = view->person,
		.link = view->bridges[0].link.id,
		.customers = view->thread,
		.generation = 1,
		.expires_ms = f->now_ms + 1000000,
	};
}

struct row_trip route(struct fixture *f, int64_t event, struct route_row *row)
{
	struct route_event e = { event, row, 1 };
	struct op_route op = {
		.op = { .kind = STORE_ROUTE },
		.arena = f->arena,
		.events = &e,
		.nevents = 1,
		.owner = 7,
		.now_ms = f->now_ms,
	};

	run(f, &op.op);
	return row->out;
}

struct row_trip deliver(struct fixture *f, const char *conversation, const char *id)
{
	struct event e = message(f, f->customers, conversation, id);
	struct op_append op = append(f, &e);
	struct route_row row = row_up(f, &op.view);

	assert_false(op.is_duplicate);
	return route(f, e.id, &row);
}

struct op_claim claim(struct fixture *f, int64_t lane)
{
	struct op_claim op = {
		.op = { .kind = STORE_CLAIM },
		.arena = f->arena,
		.lane = lane,
		.owner = 7,
		.now_ms = f->now_ms,
	};

	run(f, &op.op);
	return op;
}

struct op_settle settle(struct fixture *f, const struct row_trip *trip, enum delivery_state state,
    const char *remote_id)
{
	struct op_settle op = {
		.op = { .kind = STORE_SETTLE },
		.arena = f->arena,
		.delivery = trip->delivery.id,
		.event = trip->delivery.id >> 4,
		.learned = { .endpoint = trip->lane.endpoint,
		    .lane = trip->lane.id,
		    .link = trip->link.id },
		.state = state,
		.remote_id = remote_id,
		.due_ms = f->now_ms + 5000,
		.claim_next = true,
		.owner = 7,
		.now_ms = f->now_ms,
	};

	run(f, &op.op);
	return op;
}

struct op_load load(struct fixture *f)
{
	const struct ask **asks = arena_zalloc(f->arena, 3 * sizeof(*asks));
	size_t *nasks = arena_zalloc(f->arena, 3 * sizeof(*nasks));
	struct op_load op = {
		.op = { .kind = STORE_LOAD },
		.arena = f->arena,
		.asks = asks,
		.nasks = nasks,
		.nendpoints = 3,
	};

	asks[f->customers] = &f->ask;
	asks[f->agents] = &f->back;
	nasks[f->customers] = nasks[f->agents] = 1;
	run(f, &op.op);
	return op;
}
