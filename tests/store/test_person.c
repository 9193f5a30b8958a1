/* What is known of a person, and that it goes: each promise of store/person.h, for every driver. */
#include "base/clock.h"
#include "fixture.h"
#include "store/media.h"
#include "store/migration.h"
#include "store/person.h"
#include "store/retain.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sqlite3.h>

static const char *const drivers[] = { "sqlite" };

static struct op_person find(struct fixture *f, enum who_kind kind, const char *text)
{
	struct op_person op = { .op = { .kind = STORE_PERSON },
		.arena = f->arena,
		.who = { kind, text, f->customers } };

	run(f, &op.op);
	return op;
}

static size_t said(struct fixture *f, const int64_t *persons, size_t n)
{
	struct op_person_said op = { .op = { .kind = STORE_PERSON_SAID },
		.arena = f->arena,
		.persons = persons,
		.npersons = n };
	size_t count = 0, i;

	do {
		run(f, &op.op);
		for (i = 0; i < op.nmessages; i++)
			assert_non_null(op.messages[i].event);
		count += op.nmessages;
		op.after = op.last;
	} while (op.last != 0);
	return count;
}

/* To the end, or until something is in the way. */
static struct op_person_erase erase(struct fixture *f, int64_t person, bool is_dry, bool is_alone)
{
	struct op_person_erase op = { 0 };
	struct person_counts all = { 0 };
	int steps = 0;

	do {
		op.op = (struct store_op){ .kind = STORE_PERSON_ERASE };
		op.arena = f->arena;
		op.persons = &person;
		op.npersons = 1;
		op.folder = f->dir;
		op.is_dry = is_dry;
		op.is_alone = is_alone;
		op.now_ms = f->now_ms;
		run(f, &op.op);
		all.messages += op.counts.messages;
		all.given_up += op.counts.given_up;
		all.callbacks += op.counts.callbacks;
		all.files += op.counts.files;
		op.from = op.to;
		assert_true(++steps < 1000);
	} while (op.to.stage != ERASE_DONE && !op.is_busy);
	op.counts = all;
	return op;
}

static bool file_holds(const char *path, const char *word)
{
	size_t len = strlen(word), n, i;
	FILE *in = fopen(path, "rb");
	char *bytes;
	bool is = false;

	if (in == NULL)
		return false;
	fseek(in, 0, SEEK_END);
	n = (size_t)ftell(in);
	rewind(in);
	bytes = malloc(n + 1);
	assert_non_null(bytes);
	n = fread(bytes, 1, n, in);
	fclose(in);
	for (i = 0; i + len <= n && !is; i++)
		is = memcmp(bytes + i, word, len) == 0;
	free(bytes);
	return is;
}

static bool on_disk(struct fixture *f, const char *word)
{
	return file_holds(f->path, word)
	    || file_holds(arena_printf(f->arena, "%s-wal", f->path), word);
}

static void keep_callback(struct fixture *f, const char *body, const char *conversation)
{
	const struct callback_news news = { "1", conversation };
	struct op_callback op = { .op = { .kind = STORE_CALLBACK },
		.endpoint = f->agents,
		.at_ms = f->now_ms,
		.headers = "",
		.body = body,
		.body_len = strlen(body),
		.news = &news,
		.nnews = 1 };

	run(f, &op.op);
}

/* Somebody with all that can be known of a person. */
static struct row_trip ann(struct fixture *f, const char *id)
{
	struct event e = message(f, f->customers, "talk-with-ann", id);
	struct op_append op;
	struct route_row row;
	struct row_trip trip;

	e.person.email = "Ann@Example.com";
	e.person.phone = "+1 (555) 010-0199";
	e.text = arena_printf(f->arena, "ann-said-%s", id);
	op = append(f, &e);
	row = row_up(f, &op.view);
	row.address = "tl1-address-of-ann";
	trip = route(f, e.id, &row);
	return trip;
}

static void who(void **state)
{
	struct fixture *f = *state;
	struct row_trip trip = ann(f, "1");
	struct op_person found;
	int64_t id;

	deliver(f, "another", "2");
	found = find(f, WHO_EMAIL, "ann@example.COM");
	assert_int_equal(found.npersons, 1);
	id = found.persons[0].id;
	assert_int_equal(id, trip.lane.person);
	assert_int_equal(find(f, WHO_PHONE, "+15550100199").persons[0].id, id);
	assert_int_equal(find(f, WHO_ID, "lead-talk-with-ann").persons[0].id, id);
	assert_int_equal(find(f, WHO_ID, "nobody").npersons, 0);
	assert_int_equal(find(f, WHO_EMAIL, "bob@example.com").npersons, 0);
	assert_int_equal(find(f, WHO_PHONE, "+1555").npersons, 0);
	assert_int_equal(found.ntalks, 1);
	assert_int_equal(found.ncontacts, 1);
	assert_string_equal(found.contacts[0].address, "tl1-address-of-ann");
	assert_int_equal(said(f, &id, 1), 1);
}

static void under_way(void **state)
{
	struct fixture *f = *state;
	struct row_trip trip = ann(f, "1");
	int64_t id = trip.lane.person;
	struct op_person_erase op;

	claim(f, trip.lane.id);
	op = erase(f, id, false, false);
	assert_true(op.is_busy);
	assert_int_equal(find(f, WHO_EMAIL, "ann@example.com").npersons, 1);
	op = erase(f, id, true, false);
	assert_false(op.is_busy);       /* counting disturbs nothing */
	op = erase(f, id, false, true); /* nobody carries it */
	assert_false(op.is_busy);
	assert_int_equal(op.counts.given_up, 1);
	assert_int_equal(load(f).nflying, 0);
	assert_int_equal(find(f, WHO_EMAIL, "ann@example.com").npersons, 0);
}

/* No byte of it is in the file, nor in its WAL; the ids are known, and nobody else misses anything. */
static void gone(void **state)
{
	static const char *const words[] = { "ann-said-", "Ann@Example.com", "555) 010",
		"tl1-address-of-ann", "talk-with-ann", "desk-word" };
	struct fixture *f = *state;
	struct row_trip first = ann(f, "1"), last = { 0 };
	struct op_person_erase op, dry;
	struct op_append seen;
	struct event e;
	int64_t id = first.lane.person;
	size_t i;
	int n;

	claim(f, first.lane.id);
	settle(f, &first, DELIVERY_PARKED, NULL);
	for (n = 100; n < 400; n++) {
		deliver(f, arena_printf(f->arena, "other%d", n % 7),
		    arena_printf(f->arena, "%d", n));
		if (n % 5 == 0)
			last = ann(f, arena_printf(f->arena, "%d", 1000 + n));
	}
	keep_callback(f, "{\"text\":\"desk-word\"}", "talk-with-ann-not");
	keep_callback(f, "{\"email\":\"ANN@example.com\",\"text\":\"desk-word\"}", "5");
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		assert_true(on_disk(f, words[i]));
	dry = erase(f, id, true, false);
	assert_true(on_disk(f, words[0]));
	op = erase(f, id, false, false);
	assert_true(op.is_wiped && !op.is_busy);
	assert_int_equal(op.counts.messages, 61);
	assert_int_equal(op.counts.given_up, 61);
	assert_int_equal(op.counts.callbacks, 1);
	assert_memory_equal(&op.counts, &dry.counts, sizeof(op.counts));
	for (i = 0; i + 1 < sizeof(words) / sizeof(words[0]); i++)
		if (i != 4 && on_disk(f, words[i]))
			fail_msg("%s is there", words[i]);

	e = message(f, f->customers, "talk-with-ann", "1");
	seen = append(f, &e);
	assert_true(seen.is_duplicate && seen.known_state == DELIVERY_DISCARDED);
	e = message(f, f->customers, "talk-with-ann", "9");
	seen = append(f, &e);
	assert_true(e.id > last.delivery.id >> 4);
	assert_int_equal(seen.view.bridges[0].link.id, 0);
	assert_true(seen.view.person != id);
	fixture_reopen(f);
	assert_int_equal(load(f).nlanes, 7);
}

/* Where the newest message of all was theirs, its id is not given again. */
static void newest(void **state)
{
	struct fixture *f = *state;
	struct row_trip trip = ann(f, "1");
	struct event e;

	erase(f, trip.lane.person, false, false);
	fixture_reopen(f);
	e = message(f, f->customers, "c2", "2");
	append(f, &e);
	assert_true(e.id > trip.delivery.id >> 4);
}

/* A file may be served for longer than the words that came with it are kept. */
static void files(void **state)
{
	struct fixture *f = *state;
	struct row_trip trip = ann(f, "1");
	const char *path = arena_printf(f->arena, "%s/loaded", f->dir),
		   *sha = "5df6e0e2761359d30a8275058e299fcc0381534545f55cf43e41983f5d4c9456";
	int wanted[] = { 0 };
	struct op_media_open media = { .op = { .kind = STORE_MEDIA_OPEN },
		.arena = f->arena,
		.event = trip.delivery.id >> 4,
		.wanted = wanted,
		.nwanted = 1,
		.now_ms = f->now_ms };
	struct op_media_set set = { .op = { .kind = STORE_MEDIA_SET },
		.folder = f->dir,
		.path = path };
	struct op_retain old = { .op = { .kind = STORE_RETAIN }, .limit = 100 };
	struct op_person_erase op;
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	assert_int_equal(write(fd, "a picture", 9), 9);
	close(fd);
	run(f, &media.op);
	set.row = media.rows[0];
	set.row.state = MEDIA_STORED;
	set.row.sha = sha;
	set.row.size = 9;
	set.row.name = "ann.png";
	run(f, &set.op);
	claim(f, trip.lane.id);
	settle(f, &trip, DELIVERY_DELIVERED, "900");
	deliver(f, "c2", "2");
	old.rest.bodies_before_ms = f->now_ms + 1;
	run(f, &old.op);
	path = arena_printf(f->arena, "%s/%s", f->dir, sha);
	assert_true(access(path, F_OK) == 0 && on_disk(f, "ann.png"));

	op = erase(f, trip.lane.person, true, false);
	assert_int_equal(op.counts.files, 1);
	op = erase(f, trip.lane.person, false, false);
	assert_int_equal(op.counts.files, 1);
	assert_false(access(path, F_OK) == 0 || on_disk(f, "ann.png"));

	/* One that comes to be here only now finds that nobody wants it. */
	path = arena_printf(f->arena, "%s/loaded", f->dir);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	close(fd);
	run(f, &set.op);
	assert_true(set.is_lost && access(path, F_OK) != 0);
}

/* Who reads the store just now, a backup for one, holds up no message: the WAL is emptied later. */
static void read_meanwhile(void **state)
{
	struct fixture *f = *state;
	struct row_trip trip = ann(f, "1");
	struct sqlite3 *reader = NULL;
	int64_t began_ms;

	assert_int_equal(sqlite3_open_v2(f->path, &reader, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM event", NULL, NULL,
			     NULL),
	    SQLITE_OK);
	deliver(f, "another", "2");
	began_ms = clock_mono_ms();
	assert_false(erase(f, trip.lane.person, false, true).is_wiped);
	assert_true(clock_mono_ms() - began_ms < 4000); /* writers wait 5 s for each other */
	sqlite3_close(reader);
	assert_true(erase(f, trip.lane.person, false, true).is_wiped);
}

static void migration_of(struct fixture *f, const char *wish)
{
	struct op_migration op = { .op = { .kind = STORE_MIGRATION },
		.is_new = true,
		.row = { .bridge = f->bridge,
		    .state = MIGRATION_STOPPED,
		    .wish = wish,
		    .begun_ms = f->now_ms } };

	run(f, &op.op);
}

/* A run that was for them alone does not become one for all when it is resumed. */
static void wishes(void **state)
{
	struct fixture *f = *state;
	struct row_trip trip = ann(f, "1");
	struct op_migrations all = { .op = { .kind = STORE_MIGRATIONS }, .arena = f->arena };
	const char *other =
	    "{\"bridge\":\"main\",\"file\":\"/tl1-address-of-ann\",\"only\":\"desk:57\"}";

	migration_of(f, "{\"bridge\":\"main\",\"only\":\"ann@example.com\"}");
	migration_of(f, other);
	erase(f, trip.lane.person, false, true);
	run(f, &all.op);
	assert_int_equal(all.nrows, 2);
	assert_string_equal(all.rows[0].wish, other);
	assert_string_equal(all.rows[1].wish, "{\"bridge\":\"main\",\"only\":\"erased:\"}");
}

/* ---- for each driver ---- */

#define CASE(name) \
	{ \
#name, name \
	}

static const struct {
	const char *name;
	CMUnitTestFunction fn;
} cases[] = {
	CASE(who),
	CASE(under_way),
	CASE(gone),
	CASE(newest),
	CASE(files),
	CASE(read_meanwhile),
	CASE(wishes),
};

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
