/* Copies of a store in use: each promise of store/backup.h, for every driver. */
#include "fixture.h"
#include "store/backup.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *beside(struct fixture *f, const char *name)
{
	return arena_printf(f->arena, "%s/%s", f->dir, name);
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

static struct op_backup step(struct fixture *f, const char *file)
{
	struct op_backup op = { .op = { .kind = STORE_BACKUP }, .file = file };

	run(f, &op.op);
	return op;
}

static struct op_backup backup(struct fixture *f, const char *file)
{
	struct op_backup op;

	do
		op = step(f, file);
	while (!op.is_done && !op.has_failed);
	return op;
}

static void fill(struct fixture *f, int from, int count)
{
	char *text = arena_alloc(f->arena, 3001);
	struct event e;
	int i;

	memset(text, 'x', 3000);
	text[3000] = '\0';
	for (i = from; i < from + count; i++) {
		e = message(f, f->customers, "c1", arena_printf(f->arena, "%d", i));
		e.text = text;
		append(f, &e);
	}
}

static bool knows(struct fixture *f, int id)
{
	const char *key = arena_printf(f->arena, "m:%d", id);
	bool known = false;
	struct op_known op = { .op = { .kind = STORE_KNOWN },
		.endpoint = f->customers,
		.keys = &key,
		.nkeys = 1,
		.is_known = &known };

	run(f, &op.op);
	return known;
}

static void copy_file(const char *from, const char *to)
{
	char bytes[65536];
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ssize_t n;

	assert_true(in >= 0 && out >= 0);
	while ((n = read(in, bytes, sizeof(bytes))) > 0)
		assert_int_equal(write(out, bytes, (size_t)n), n);
	assert_int_equal(n, 0);
	close(in);
	close(out);
}

/* It is as the store was at the first step, whatever is written between the others. */
static void in_use(void **state)
{
	struct fixture *f = *state;
	const char *file = beside(f, "copy.db");
	struct op_backup op;
	struct stat st;
	int steps = 0;

	fill(f, 1, 1000);
	do {
		op = step(f, file);
		assert_false(op.has_failed);
		if (!op.is_done) {
			assert_false(is_there(file));
			fill(f, 2000 + 10 * steps, 10);
		}
		steps++;
	} while (!op.is_done);
	assert_true(steps > 4);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, op.bytes);
	assert_false(is_there(beside(f, "copy.db.part")));
	assert_true(knows(f, 2000));

	store_close(f->store);
	assert_int_equal(rename(file, f->path), 0);
	f->store = NULL;
	fixture_reopen(f);
	assert_true(knows(f, 1) && knows(f, 1000));
	assert_false(knows(f, 2000));
	assert_true(store_put_back(f->store) > 0);
	fill(f, 1001, 1);
	assert_true(knows(f, 1001));
}

/* What was cut off left a WAL, which is not the copy's, though it lies beside it now. */
static void after_a_kill(void **state)
{
	struct fixture *f = *state;
	const char *file = beside(f, "copy.db"), *db = beside(f, "killed.db"),
		   *wal = beside(f, "killed.wal"), *lock = beside(f, "killed.lock");
	char left[32] = "";
	int fd;

	fill(f, 1, 50);
	assert_true(backup(f, file).is_done);
	fill(f, 51, 50);
	copy_file(f->path, db);
	copy_file(arena_printf(f->arena, "%s-wal", f->path), wal);
	copy_file(arena_printf(f->arena, "%s.lock", f->path), lock);
	store_close(f->store);
	copy_file(db, f->path);
	copy_file(wal, arena_printf(f->arena, "%s-wal", f->path));
	copy_file(lock, arena_printf(f->arena, "%s.lock", f->path));
	fd = open(lock, O_RDONLY);
	assert_true(read(fd, left, sizeof(left) - 1) > 0 && strncmp(left, "left", 4) != 0);
	close(fd);

	f->store = NULL;
	fixture_reopen(f);
	assert_true(knows(f, 100)); /* as it was: the WAL is its own */
	store_close(f->store);
	copy_file(wal, arena_printf(f->arena, "%s-wal", f->path));
	copy_file(lock, arena_printf(f->arena, "%s.lock", f->path));
	copy_file(file, f->path);
	f->store = NULL;
	fixture_reopen(f);
	assert_true(knows(f, 50));
	assert_false(knows(f, 51));
	assert_true(store_put_back(f->store) > 0);
}

static void refused(void **state)
{
	struct fixture *f = *state;
	const char *file = beside(f, "copy.db");
	struct op_backup op;

	assert_true(backup(f, file).is_done);
	op = backup(f, file);
	assert_true(op.has_failed && op.is_there && strstr(op.why.text, file) != NULL);
	assert_true(is_there(file) && !is_there(beside(f, "copy.db.part")));
	op = backup(f, beside(f, "nowhere/copy.db"));
	assert_true(op.has_failed && !op.is_there && op.how == STORE_OPEN_MISSING);
	copy_file(file, beside(f, "other.db.part"));
	op = backup(f, beside(f, "other.db"));
	assert_true(op.has_failed && op.is_there);
	assert_true(is_there(beside(f, "other.db.part"))); /* not ours */
}

static void stopped(void **state)
{
	struct fixture *f = *state;
	struct op_backup op = { .op = { .kind = STORE_BACKUP }, .step = BACKUP_STOP };

	fill(f, 1, 1000);
	assert_false(step(f, beside(f, "one.db")).is_done);
	assert_true(is_there(beside(f, "one.db.part")));
	run(f, &op.op);
	assert_false(is_there(beside(f, "one.db.part")));
	assert_false(step(f, beside(f, "two.db")).is_done);
	fixture_reopen(f);
	assert_false(is_there(beside(f, "two.db.part")));
}

/* ---- for each driver ---- */

static const struct promise promises[] = {
	PROMISE(in_use),
	PROMISE(after_a_kill),
	PROMISE(refused),
	PROMISE(stopped),
};

int main(void)
{
	return fixture_run(promises, sizeof(promises) / sizeof(promises[0]));
}
