/* The disk fails, and works again; one operation fails among others. Nothing is half done, and what
 * was told to have worked is there. */
#include "fixture.h"

#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "flow/backup.h"
#include "vfs_faulty.h"

static const struct {
	const char *name;
	atomic_int *fault;
	enum store_fault is;
} faults[] = {
	{ "full", &disk.full, STORE_FAULT_DISK_FULL },
	{ "fsync fails", &disk.sync_fails, STORE_FAULT_IO },
	{ "read-only", &disk.read_only, STORE_FAULT_READ_ONLY },
	{ "broken", &disk.broken, STORE_FAULT_IO },
};

static struct op_append append_of(struct fixture *f, struct event *e)
{
	return (struct op_append){ .op = { .kind = STORE_APPEND },
		.arena = f->arena,
		.event = e,
		.asks = &f->ask,
		.nasks = 1,
		.want_view = true,
		.now_ms = f->now_ms };
}

static void disk_fails(void **state)
{
	struct fixture *f = *state;
	struct row_trip trip = deliver(f, "c1", "1");
	struct op_settle settled = { .op = { .kind = STORE_SETTLE },
		.arena = f->arena,
		.delivery = trip.delivery.id,
		.state = DELIVERY_DELIVERED,
		.remote_id = "900" };
	struct event e[4];
	struct op_append op;
	struct store_health h;
	char id[16];
	size_t i;

	claim(f, trip.lane.id);
	for (i = 0; i < 4; i++) {
		snprintf(id, sizeof(id), "f%zu", i);
		e[i] = message(f, f->customers, id, id);
		op = append_of(f, &e[i]);
		*faults[i].fault = 1;
		store_run(f->store, &op.op);
		assert_int_equal(op.op.result, -1);
		assert_string_not_equal(op.op.err.text, "");
		if (op.op.fault != faults[i].is)
			fail_msg("%s: %d, %s", faults[i].name, (int)op.op.fault, op.op.err.text);
		store_run(f->store, &settled.op);
		assert_int_equal(settled.op.result, -1);
		store_health(f->store, &h);
		assert_int_equal(h.last_fault, faults[i].is);
		*faults[i].fault = 0;

		/* The same again, without opening anew: nothing was left behind. */
		run(f, &op.op);
		assert_false(op.is_duplicate);
		store_health(f->store, &h);
		assert_int_equal(h.last_fault, STORE_FAULT_NONE);
	}
	run(f, &settled.op);
	fixture_reopen(f);
	for (i = 0; i < 4; i++)
		assert_true(append(f, &e[i]).is_duplicate);
	assert_int_equal(load(f).nunrouted, 4);
	assert_int_equal(load(f).nlanes, 0);
}

/* Reads go on where the disk cannot be written. */
static void reads_go_on(void **state)
{
	struct fixture *f = *state;
	struct op_echo echo = { .op = { .kind = STORE_ECHO },
		.endpoint = f->agents,
		.remote = "1" };
	struct op_status status = { .op = { .kind = STORE_STATUS }, .arena = f->arena };

	deliver(f, "c1", "1");
	disk.full = disk.sync_fails = disk.read_only = 1;
	run(f, &echo.op);
	run(f, &status.op);
	assert_int_equal(load(f).nlanes, 1);
	disk.full = disk.sync_fails = disk.read_only = 0;
}

static void no_change_no_sync(void **state)
{
	struct fixture *f = *state;
	struct event e = message(f, f->customers, "c1", "1");
	struct op_state op = { .op = { .kind = STORE_STATE },
		.endpoint = f->customers,
		.conversation = "c1",
		.state = STATE_OPEN,
		.version = 5 };
	long syncs, writes;

	append(f, &e);
	run(f, &op.op);
	syncs = disk.syncs;
	writes = disk.writes;
	run(f, &op.op);
	assert_true(append(f, &e).is_duplicate);
	assert_int_equal(disk.syncs, syncs);
	assert_int_equal(disk.writes, writes);
	e = message(f, f->customers, "c1", "2");
	append(f, &e);
	assert_int_equal(disk.syncs, syncs + 1);
}

/* A place in a lane is never given twice, whatever became of the transaction that took it. */
static void places_after_faults(void **state)
{
	struct fixture *f = *state;
	int64_t pos = 0;
	int i;

	for (i = 0; i < 20; i++) {
		struct event e = message(f, f->customers, "c1", arena_printf(f->arena, "%d", i));
		struct op_append seen = append(f, &e);
		struct route_row row = row_up(f, &seen.view);
		struct route_event r = { e.id, &row, 1 };
		struct op_route op = { .op = { .kind = STORE_ROUTE },
			.arena = f->arena,
			.events = &r,
			.nevents = 1 };

		disk.sync_fails = 1;
		store_run(f->store, &op.op);
		assert_int_equal(op.op.result, -1);
		disk.sync_fails = 0;
		if (i % 4 == 0)
			fixture_reopen(f);
		run(f, &op.op);
		assert_true(row.out.delivery.pos > pos);
		pos = row.out.delivery.pos;
	}
}

static enum store_fault fault_now(struct fixture *f)
{
	struct store_health h;

	store_health(f->store, &h);
	return h.last_fault;
}

/* Damage is in a place: that others can be written does not mend it. */
static void damage_stays(void **state)
{
	struct fixture *f = *state;
	struct event e = message(f, f->customers, "c1", "1");
	struct op_append op = append_of(f, &e);
	struct op_probe probe = { .op = { .kind = STORE_PROBE }, .now_ms = f->now_ms };

	disk.damaged = 1;
	store_run(f->store, &op.op);
	disk.damaged = 0;
	assert_int_equal(op.op.fault, STORE_FAULT_CORRUPT);
	run(f, &probe.op);
	assert_true(probe.op.is_changed);
	assert_int_equal(fault_now(f), STORE_FAULT_CORRUPT);
	run(f, &op.op);
	assert_int_equal(fault_now(f), STORE_FAULT_NONE);
}

/* ---- in a batch ---- */

static int dones;
static struct loop *loop;

static void on_done(struct store_op *op)
{
	(void)op;
	if (--dones == 0)
		loop_stop(loop);
}

#define BATCH 40

static void submit_batch(struct fixture *f, struct op_append *ops, struct event *events)
{
	struct err err;
	int i;

	loop = loop_new();
	assert_int_equal(store_start(f->store, loop, &err), 0);
	dones = BATCH;
	for (i = 0; i < BATCH; i++) {
		events[i] = message(f, f->customers, "c1", arena_printf(f->arena, "%d", i));
		ops[i] = append_of(f, &events[i]);
		ops[i].arena = arena_new();
		ops[i].op.done = on_done;
	}
}

static void run_batch(struct fixture *f, struct op_append *ops)
{
	int i;

	for (i = 0; i < BATCH; i++)
		assert_int_equal(store_submit(f->store, &ops[i].op), 0);
	loop_run(loop);
	store_close(f->store);
	f->store = NULL;
	loop_free(loop);
	for (i = 0; i < BATCH; i++)
		arena_free(ops[i].arena);
}

static void one_poisoned(void **state)
{
	struct fixture *f = *state;
	struct op_append ops[BATCH];
	struct event events[BATCH];
	struct store_health before, after;
	int i;

	store_health(f->store, &before);
	submit_batch(f, ops, events);
	events[7].key = "no key";
	events[30].key = "m:";
	for (i = 0; i < BATCH; i++)
		assert_int_equal(store_submit(f->store, &ops[i].op), 0);
	loop_run(loop);
	store_health(f->store, &after);
	assert_int_equal(after.failed - before.failed, 2);
	assert_int_equal(after.last_fault, STORE_FAULT_NONE);
	for (i = 0; i < BATCH; i++) {
		assert_int_equal(ops[i].op.result, i == 7 || i == 30 ? -1 : 0);
		assert_false(ops[i].is_duplicate);
		if (ops[i].op.result != 0)
			assert_int_equal(ops[i].op.fault, STORE_FAULT_OTHER);
	}
	store_close(f->store);
	loop_free(loop);
	for (i = 0; i < BATCH; i++)
		arena_free(ops[i].arena);
	f->store = NULL;
	fixture_reopen(f);
	assert_int_equal(load(f).nunrouted, BATCH - 2);
}

/* All of a batch fails, quickly; the next goes through. */
static void batch_on_full_disk(void **state)
{
	struct fixture *f = *state;
	struct op_append ops[BATCH];
	struct event events[BATCH];
	int i;

	submit_batch(f, ops, events);
	disk.full = 1;
	run_batch(f, ops);
	disk.full = 0;
	for (i = 0; i < BATCH; i++) {
		assert_int_equal(ops[i].op.result, -1);
		assert_int_equal(ops[i].op.fault, STORE_FAULT_DISK_FULL);
	}
	fixture_reopen(f);
	assert_int_equal(load(f).nunrouted, 0);
	submit_batch(f, ops, events);
	run_batch(f, ops);
	fixture_reopen(f);
	assert_int_equal(load(f).nunrouted, BATCH);
}

/* ---- a backup among them ---- */

static void on_backup(struct backup *b)
{
	(void)b;
	if (--dones == 0)
		loop_stop(loop);
}

/* One that fails with its neighbours leaves no half a copy, and no reader that keeps the WAL from being emptied. */
static void backup_among_faults(void **state)
{
	struct fixture *f = *state;
	struct op_append ops[BATCH];
	struct event events[BATCH];
	struct flow flow = { 0 };
	struct backup b = { .flow = &flow, .done = on_backup };
	char *text = arena_zalloc(f->arena, 100001), left[96];
	struct event e;
	int i;

	memset(text, 'x', 100000);
	for (i = 0; i < 20; i++) { /* more than one step copies */
		e = message(f, f->customers, "c2", arena_printf(f->arena, "%d", 1000 + i));
		e.text = text;
		append(f, &e);
	}
	b.file = arena_printf(f->arena, "%s/copy.db", f->dir);
	snprintf(left, sizeof(left), "%s.part", b.file);
	submit_batch(f, ops, events);
	flow.loop = loop;
	flow.store = f->store;
	dones = 6 + 1;
	disk.sync_fails = 1;
	for (i = 0; i < 6; i++)
		assert_int_equal(store_submit(f->store, &ops[i].op), 0);
	assert_int_equal(backup_start(&b), 0);
	loop_run(loop);
	disk.sync_fails = 0;
	assert_true(b.op.has_failed && b.op.why.text[0] != '\0');
	assert_int_equal(ops[5].op.fault, STORE_FAULT_IO);
	assert_int_equal(access(left, F_OK), -1);

	dones = 1;
	assert_int_equal(backup_start(&b), 0);
	loop_run(loop);
	assert_true(b.op.is_done);
	store_close(f->store);
	f->store = NULL;
	loop_free(loop);
	for (i = 0; i < BATCH; i++)
		arena_free(ops[i].arena);
}

static int setup(void **state)
{
	static struct fixture fixture;

	vfs_faulty_install();
	fixture_start(&fixture, "sqlite");
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	fixture_end(*state);
	return 0;
}

static void no_log(const char *line, size_t len)
{
	(void)line, (void)len;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(disk_fails, setup, teardown),
		cmocka_unit_test_setup_teardown(damage_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(reads_go_on, setup, teardown),
		cmocka_unit_test_setup_teardown(no_change_no_sync, setup, teardown),
		cmocka_unit_test_setup_teardown(places_after_faults, setup, teardown),
		cmocka_unit_test_setup_teardown(one_poisoned, setup, teardown),
		cmocka_unit_test_setup_teardown(batch_on_full_disk, setup, teardown),
		cmocka_unit_test_setup_teardown(backup_among_faults, setup, teardown),
	};

	log_redirect(no_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
