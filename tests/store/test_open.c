/* What can be wrong with a store before it is one. Each is told apart, in words that name the file. */
#include "fixture.h"
#include "store/schema.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct store *open_as(const char *url, bool create, bool read_only, enum store_open *why,
    struct err *err)
{
	struct store_options options = { .url = url, .create = create, .read_only = read_only };

	err->text[0] = '\0';
	return store_open(&options, why, err);
}

static void expect(const char *url, bool create, bool read_only, enum store_open is,
    const char *words)
{
	struct store *s;
	enum store_open why;
	struct err err;

	s = open_as(url, create, read_only, &why, &err);
	if (s != NULL)
		fail_msg("%s was opened", url);
	if (why != is || strstr(err.text, words) == NULL)
		fail_msg("%s: %d, %s", url, (int)why, err.text);
}

static void sql(const char *path, const char *statements)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, statements, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void overwrite(const char *path, off_t at, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	char junk[8192];

	memset(junk, 0xa5, sizeof(junk));
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, junk, len, at), len);
	close(fd);
}

static void opens(void **state)
{
	struct fixture *f = *state;
	struct store_health h;
	enum store_open why;
	struct stat st;
	struct err err;
	char lock[128];

	store_health(f->store, &h);
	assert_int_equal(h.schema, schema_sqlite_count);
	snprintf(lock, sizeof(lock), "%s.lock", f->path);
	assert_int_equal(stat(lock, &st), 0);
	assert_true(st.st_size > 0);
	store_close(f->store);
	f->store = open_as(f->url, false, false, &why, &err);
	assert_non_null(f->store);
	assert_int_equal(why, STORE_OPEN_OK);
	store_close(NULL);
}

static void wrong_urls(void **state)
{
	(void)state;
	expect("", true, false, STORE_OPEN_MISSING, "sqlite:PATH");
	expect("sqlite", true, false, STORE_OPEN_MISSING, "sqlite:PATH");
	expect("sqlite:", true, false, STORE_OPEN_MISSING, "sqlite:PATH");
	expect("sqlitex:/tmp/x", true, false, STORE_OPEN_MISSING, "sqlite:PATH");
}

static void missing(void **state)
{
	struct fixture *f = *state;
	char url[160];

	snprintf(url, sizeof(url), "sqlite:%s/other.db", f->dir);
	expect(url, false, false, STORE_OPEN_MISSING, "other.db: No such file");
	expect(url, true, true, STORE_OPEN_MISSING, "other.db: No such file");
	snprintf(url, sizeof(url), "sqlite:%s/nowhere/relay.db", f->dir);
	expect(url, true, false, STORE_OPEN_MISSING, "relay.db: its folder does not exist");
}

static void locked(void **state)
{
	struct fixture *f = *state;
	struct store *beside;
	enum store_open why;
	char words[64];
	struct err err;
	pid_t pid;
	int status;

	snprintf(words, sizeof(words), "in use by process %d", (int)getpid());
	expect(f->url, true, false, STORE_OPEN_LOCKED, words);
	pid = fork();
	if (pid == 0) {
		struct store *s = open_as(f->url, false, false, &why, &err);

		_exit(s == NULL && why == STORE_OPEN_LOCKED ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);

	/* Reading beside it is allowed. */
	deliver(f, "c1", "1");
	beside = open_as(f->url, false, true, &why, &err);
	assert_non_null(beside);
	store_close(beside);
}

/* The lock of a process that was killed is no lock. */
static void killed(void **state)
{
	struct fixture *f = *state;
	int status, ready[2];
	pid_t pid;
	char c;

	store_close(f->store);
	f->store = NULL;
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		fixture_reopen(f);
		deliver(f, "c1", "1");
		status = (int)write(ready[1], "x", 1);
		pause();
		_exit(status);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	expect(f->url, false, false, STORE_OPEN_LOCKED, "in use by process");
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	close(ready[0]);
	close(ready[1]);
	fixture_reopen(f);
	assert_int_equal(load(f).nlanes, 1);
}

static void newer_schema(void **state)
{
	struct fixture *f = *state;
	char words[64];

	store_close(f->store);
	f->store = NULL;
	sql(f->path, "PRAGMA user_version = 99");
	snprintf(words, sizeof(words), "schema 99 is newer than this program's %zu",
	    schema_sqlite_count);
	expect(f->url, false, false, STORE_OPEN_NEWER, words);
	sql(f->path, "PRAGMA user_version = 0");
	expect(f->url, false, true, STORE_OPEN_UNWRITABLE, "schema 0");
	snprintf(words, sizeof(words), "PRAGMA user_version = %zu", schema_sqlite_count);
	sql(f->path, words);
	fixture_reopen(f);
}

/* A file that fails in the middle of a migration is as it was before. */
static void failed_migration(void **state)
{
	struct fixture *f = *state;
	char url[160], path[128];

	snprintf(path, sizeof(path), "%s/half.db", f->dir);
	snprintf(url, sizeof(url), "sqlite:%s", path);
	/* Ours by its application_id, with no schema but one table too many. */
	sql(path, "PRAGMA application_id = 1953263153; CREATE TABLE lane(x)");
	expect(url, false, false, STORE_OPEN_DISK, "lane already exists");
	sql(path, "DROP TABLE lane");
	store_close(f->store);
	snprintf(f->url, sizeof(f->url), "%.100s", url);
	f->store = NULL;
	fixture_reopen(f);
	deliver(f, "c1", "1");
}

static void not_ours(void **state)
{
	struct fixture *f = *state;
	char path[128], url[160];

	snprintf(path, sizeof(path), "%s/junk.db", f->dir);
	snprintf(url, sizeof(url), "sqlite:%s", path);
	overwrite(path, 0, 5000);
	expect(url, true, false, STORE_OPEN_CORRUPT, "junk.db: this is not a database");
	unlink(path);
	sql(path, "CREATE TABLE songs(title)");
	expect(url, true, false, STORE_OPEN_CORRUPT, "another program's database");
}

static void damaged(void **state)
{
	struct fixture *f = *state;
	struct event e;
	int i;

	for (i = 0; i < 200; i++) {
		e = message(f, f->customers, "c1", arena_printf(f->arena, "%d", i));
		append(f, &e);
	}
	store_close(f->store);
	f->store = NULL;
	overwrite(f->path, 4096 * 8, 4096);
	overwrite(f->path, 4096 * 30, 8192);
	expect(f->url, false, false, STORE_OPEN_CORRUPT, "damaged");
}

/* As somebody who is not root: a folder, then a file, that may not be written. */
static void unwritable(void **state)
{
	struct fixture *f = *state;
	int status;
	pid_t pid;

	store_close(f->store);
	f->store = NULL;
	assert_int_equal(chmod(f->dir, 0555), 0);
	pid = fork();
	if (pid == 0) {
		char url[160];
		enum store_open why;
		struct err err;

		if (geteuid() == 0 && seteuid(65534) != 0)
			_exit(2);
		snprintf(url, sizeof(url), "sqlite:%s/new.db", f->dir);
		if (open_as(url, true, false, &why, &err) != NULL || why != STORE_OPEN_UNWRITABLE
		    || strstr(err.text, "new.db") == NULL)
			_exit(3);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(chmod(f->dir, 0700), 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int setup(void **state)
{
	static struct fixture fixture;

	fixture_start(&fixture, "sqlite");
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
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(opens, setup, teardown),
		cmocka_unit_test(wrong_urls),
		cmocka_unit_test_setup_teardown(missing, setup, teardown),
		cmocka_unit_test_setup_teardown(locked, setup, teardown),
		cmocka_unit_test_setup_teardown(killed, setup, teardown),
		cmocka_unit_test_setup_teardown(newer_schema, setup, teardown),
		cmocka_unit_test_setup_teardown(failed_migration, setup, teardown),
		cmocka_unit_test_setup_teardown(not_ours, setup, teardown),
		cmocka_unit_test_setup_teardown(damaged, setup, teardown),
		cmocka_unit_test_setup_teardown(unwritable, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
