/* What a message costs the disk from its arrival to its end, 64 of them per commit: figures that do not
 * depend on how fast this machine is today. The first is a target of docs/performance.md. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"
#include "store/driver.h"
#include "vfs_faulty.h"

#define LANES 1000
#define TOGETHER 64
#define ROUNDS 200
#define MESSAGES ((long)TOGETHER * ROUNDS)

struct costs {
	struct fixture f;
	struct store_db *db;
	struct view views[LANES];
	int64_t lanes[LANES];
	struct row_trip trips[TOGETHER]; /* of the commit before: they are settled with the next */
	struct arena *arenas[2];         /* of this commit, of the one before */
	long next;
};

static void apply(struct costs *c, struct store_op *op)
{
	struct store_failure failure = { .fault = STORE_FAULT_NONE };

	if (store_sqlite.apply(c->db, op, &failure) != 0)
		fail_msg("operation %d: %s", (int)op->kind, failure.err.text);
}

static void begin(struct costs *c)
{
	struct store_failure failure = { .fault = STORE_FAULT_NONE };

	assert_int_equal(store_sqlite.begin(c->db, true, &failure), 0);
}

static void commit(struct costs *c)
{
	struct store_failure failure = { .fault = STORE_FAULT_NONE };

	assert_int_equal(store_sqlite.commit(c->db, &failure), 0);
}

/* As large as a captured callback's event is, ids as the platforms give them. */
static void arrive(struct costs *c, long n, struct row_trip *trip)
{
	struct fixture *f = &c->f;
	long lane = n % LANES;
	char conversation[32], id[32];
	struct route_row row;
	struct op_append op;
	struct event e;

	snprintf(conversation, sizeof(conversation), "66f0aa%018lx", lane);
	snprintf(id, sizeof(id), "66f1bb%018lx", n);
	f->arena = c->arenas[0];
	f->now_ms++;
	e = message(f, f->customers, conversation, id);
	e.text = arena_printf(f->arena, "message %ld: %0300d", n, 0);
	op = (struct op_append){
		.op = { .kind = STORE_APPEND },
		.arena = f->arena,
		.event = &e,
		.asks = &f->ask,
		.nasks = 1,
		.want_view = n < LANES,
		.owner = 7,
		.now_ms = f->now_ms,
	};
	if (n >= LANES) {
		op.view = c->views[lane];
		row = row_up(f, &op.view);
		row.claim = true;
		row.lane = c->lanes[lane];
		op.rows = &row;
		op.nrows = 1;
		op.thread = op.view.thread;
		op.person = op.view.person;
	}
	apply(c, &op.op);
	assert_false(op.is_duplicate);
	if (n >= LANES) {
		*trip = row.out;
		return;
	}
	c->views[lane] = op.view;
	row = row_up(f, &op.view);
	row.claim = true;
	apply(c,
	    &(struct op_route){ .op = { .kind = STORE_ROUTE },
		.arena = f->arena,
		.events = &(struct route_event){ e.id, &row, 1 },
		.nevents = 1,
		.owner = 7,
		.now_ms = f->now_ms }
		 .op);
	c->views[lane].bridges[0].link = row.out.link;
	c->lanes[lane] = row.out.lane.id;
	*trip = row.out;
}

static void end(struct costs *c, const struct row_trip *trip)
{
	struct fixture *f = &c->f;
	char remote[32];
	struct op_settle op = {
		.op = { .kind = STORE_SETTLE },
		.arena = c->arenas[0],
		.delivery = trip->delivery.id,
		.event = trip->delivery.id >> 4,
		.learned = { .link = trip->link.id,
		    .lane = trip->lane.id,
		    .to = SIDE_AGENTS,
		    .endpoint = f->agents },
		.state = DELIVERY_DELIVERED,
		.remote_id = remote,
		.bridge = trip->delivery.bridge,
		.is_message = true,
		.has_first = trip->link.first_agents != NULL,
		.now_ms = f->now_ms,
	};

	snprintf(remote, sizeof(remote), "%lld", (long long)trip->delivery.id >> 4);
	if (trip->link.agents == 0) {
		op.learned.known.contact = remote;
		op.learned.known.conversation = remote;
	}
	apply(c, &op.op);
}

static void one_commit(struct costs *c)
{
	struct arena *before = c->arenas[1];
	int i;

	c->arenas[1] = c->arenas[0];
	c->arenas[0] = arena_new();
	begin(c);
	for (i = 0; i < TOGETHER; i++) {
		if (c->next >= TOGETHER)
			end(c, &c->trips[i]);
		arrive(c, c->next + i, &c->trips[i]);
	}
	c->next += TOGETHER;
	commit(c);
	if (before != NULL)
		arena_free(before);
}

static long size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (long)st.st_size : 0;
}

static void reopen(struct costs *c)
{
	struct store_options options = { .create = true };
	enum store_open why;
	struct err err;

	c->db = store_sqlite.open(&options, c->f.path, &why, &err);
	assert_non_null(c->db);
}

static void a_message_costs(void **state)
{
	struct costs c = { 0 };
	long bytes, writes, kept;
	struct arena *own;
	int i;

	(void)state;
	atomic_store(&disk.is_quick, 1);
	fixture_start(&c.f, "sqlite");
	own = c.f.arena;
	store_close(c.f.store);
	reopen(&c);
	while (c.next < 4 * LANES)
		one_commit(&c);
	bytes = atomic_load(&disk.bytes);
	writes = atomic_load(&disk.writes);
	kept = size_of(c.f.path);
	for (i = 0; i < ROUNDS; i++)
		one_commit(&c);
	bytes = atomic_load(&disk.bytes) - bytes;
	writes = atomic_load(&disk.writes) - writes;
	kept = size_of(c.f.path) - kept;
	print_message("written %ld, in %ld.%02ld pieces, kept %ld bytes for each\n",
	    bytes / MESSAGES, writes / MESSAGES, writes * 100 / MESSAGES % 100, kept / MESSAGES);
	assert_true(bytes / MESSAGES <= 3000);
	assert_true(kept / MESSAGES <= 1000);
	store_sqlite.close(c.db);
	arena_free(c.arenas[0]);
	arena_free(c.arenas[1]);
	c.f.arena = own;
	c.f.store = NULL;
	fixture_end(&c.f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_costs),
	};

	vfs_faulty_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
