/* Rows of files and the folder beside the store: they say the same, whatever happens in between. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/media.h"

#define SHA_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SHA_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static struct fixture fixture;
static char folder[100];

static int setup(void **state)
{
	fixture_start(&fixture, "sqlite");
	snprintf(folder, sizeof(folder), "%s/media", fixture.dir);
	mkdir(folder, 0750);
	*state = &fixture;
	return 0;
}

static const char *in_folder(const char *name)
{
	static char path[4][200];
	static int next;
	char *p = path[next++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", folder, name);
	return p;
}

static int teardown(void **state)
{
	unlink(in_folder(SHA_A));
	unlink(in_folder(SHA_B));
	unlink(in_folder("part"));
	rmdir(folder);
	fixture_end(*state);
	return 0;
}

static bool is_there(const char *name)
{
	return access(in_folder(name), F_OK) == 0;
}

static struct op_media_open open_rows(struct fixture *f, int64_t event)
{
	static const int wanted[] = { 0, 2 };
	struct op_media_open op = { .op = { .kind = STORE_MEDIA_OPEN },
		.arena = f->arena,
		.event = event,
		.wanted = wanted,
		.nwanted = 2,
		.now_ms = f->now_ms };

	run(f, &op.op);
	return op;
}

static struct op_media_set store_file(struct fixture *f, const struct media_row *row,
    const char *sha)
{
	struct op_media_set op = { .op = { .kind = STORE_MEDIA_SET },
		.row = *row,
		.folder = folder,
		.path = in_folder("part") };
	FILE *file = fopen(op.path, "w");

	fputs("bytes", file);
	fclose(file);
	op.row.state = MEDIA_STORED;
	op.row.sha = sha;
	op.row.size = 5;
	op.row.type = "image/png";
	op.row.name = "a.png";
	run(f, &op.op);
	return op;
}

static struct op_media_load loaded(struct fixture *f)
{
	struct op_media_load op = { .op = { .kind = STORE_MEDIA_LOAD }, .arena = f->arena };

	run(f, &op.op);
	return op;
}

static struct op_media_retain retained(struct fixture *f, int64_t now_ms)
{
	struct op_media_retain op = { .op = { .kind = STORE_MEDIA_RETAIN },
		.folder = folder,
		.before_ms = now_ms,
		.now_ms = now_ms,
		.limit = 100 };

	run(f, &op.op);
	assert_int_equal(op.last, 0);
	return op;
}

static void test_rows(void **state)
{
	struct fixture *f = *state;
	struct row_trip trip = deliver(f, "c1", "m1");
	int64_t event = trip.delivery.id >> 4;
	struct op_media_open op = open_rows(f, event);
	struct op_media_get get = { .op = { .kind = STORE_MEDIA_GET }, .arena = f->arena };
	struct op_media_set set;
	struct op_media_load load;

	assert_int_equal(op.rows[0].state, MEDIA_WANTED);
	assert_int_equal(op.rows[1].n, 2);
	assert_true(op.rows[0].id != op.rows[1].id);
	load = loaded(f);
	assert_int_equal(load.nevents, 1);
	assert_int_equal(load.events[0]->id, event);

	set = store_file(f, &op.rows[0], SHA_A);
	assert_false(set.is_lost);
	assert_true(set.is_new);
	assert_true(is_there(SHA_A));
	assert_false(is_there("part"));
	set = (struct op_media_set){ .op = { .kind = STORE_MEDIA_SET }, .row = op.rows[1] };
	set.row.state = MEDIA_FAILED;
	set.row.why = "it is empty";
	run(f, &set.op);
	fixture_reopen(f);
	op = open_rows(f, event);
	assert_int_equal(op.rows[0].state, MEDIA_STORED);
	assert_string_equal(op.rows[0].sha, SHA_A);
	assert_string_equal(op.rows[0].name, "a.png");
	assert_int_equal(op.rows[1].state, MEDIA_FAILED);
	assert_string_equal(op.rows[1].why, "it is empty");
	load = loaded(f);
	assert_int_equal(load.nevents, 0);
	assert_int_equal(load.bytes, 5);
	get.id = op.rows[0].id;
	run(f, &get.op);
	assert_true(get.is_found);
	assert_int_equal(get.row.size, 5);
	get.id = 9999;
	run(f, &get.op);
	assert_false(get.is_found);
}

/* Done twice, as after a batch that failed: the same. A file that is not there: nothing is written. */
static void test_set_again(void **state)
{
	struct fixture *f = *state;
	struct row_trip trip = deliver(f, "c1", "m1");
	struct op_media_open op = open_rows(f, trip.delivery.id >> 4);
	struct op_media_set set = store_file(f, &op.rows[0], SHA_A);

	run(f, &set.op);
	assert_false(set.is_lost);
	assert_false(set.is_new);
	set.row = op.rows[1];
	set.row.state = MEDIA_STORED;
	set.row.sha = SHA_B;
	run(f, &set.op);
	assert_true(set.is_lost);
	assert_int_equal(open_rows(f, trip.delivery.id >> 4).rows[1].state, MEDIA_WANTED);
}

static void test_shared_and_removed(void **state)
{
	struct fixture *f = *state;
	struct row_trip one = deliver(f, "c1", "m1"), two = deliver(f, "c2", "m2");
	struct op_media_open a = open_rows(f, one.delivery.id >> 4),
			     b = open_rows(f, two.delivery.id >> 4);
	struct op_media_keep keep = { .op = { .kind = STORE_MEDIA_KEEP },
		.event = two.delivery.id >> 4,
		.until_ms = f->now_ms + 1000 };
	struct op_media_retain gone;

	assert_true(store_file(f, &a.rows[0], SHA_A).is_new);
	assert_false(store_file(f, &b.rows[0], SHA_A).is_new);
	assert_true(store_file(f, &b.rows[1], SHA_B).is_new);
	run(f, &keep.op);
	assert_int_equal(loaded(f).bytes, 10);
	/* Their deliveries are not over. */
	gone = retained(f, f->now_ms + 5000);
	assert_int_equal(gone.bytes, 0);
	settle(f, &one, DELIVERY_DELIVERED, "r1");
	gone = retained(f, f->now_ms + 10);
	assert_int_equal(gone.bytes, 0); /* the other still has it */
	assert_true(is_there(SHA_A));
	settle(f, &two, DELIVERY_DELIVERED, "r2");
	gone = retained(f, f->now_ms + 10);
	assert_int_equal(gone.bytes, 0); /* served for a while */
	gone = retained(f, f->now_ms + 5000);
	assert_int_equal(gone.bytes, 10);
	assert_false(is_there(SHA_A));
	assert_false(is_there(SHA_B));
	assert_int_equal(loaded(f).bytes, 0);
	/* An id is not given twice: it stands in addresses. */
	a = open_rows(f, one.delivery.id >> 4);
	assert_true(a.rows[0].id > b.rows[1].id);
}

static void test_parked_stays(void **state)
{
	struct fixture *f = *state;
	struct row_trip trip = deliver(f, "c1", "m1");
	struct op_media_open op = open_rows(f, trip.delivery.id >> 4);

	store_file(f, &op.rows[0], SHA_A);
	settle(f, &trip, DELIVERY_PARKED, NULL);
	assert_int_equal(retained(f, f->now_ms + 5000).bytes, 0);
	assert_true(is_there(SHA_A));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_rows, setup, teardown),
		cmocka_unit_test_setup_teardown(test_set_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_shared_and_removed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_parked_stays, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
