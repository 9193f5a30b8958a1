/* Brings a store to this program's schema: each file of schema/sqlite once, all that are missing in one
 * transaction, which also counts user_version up. application_id tells our files from other programs'
 * databases. */
#include <sqlite3.h>

#include "store/schema.h"
#include "store/sqlite_db.h"

#define APPLICATION_ID 0x746c6e31 /* "tln1" */

static int pragma(struct sqlite3 *handle, const char *sql, int *value)
{
	struct sqlite3_stmt *s;
	int rc = sqlite3_prepare_v2(handle, sql, -1, &s, NULL);

	if (rc == SQLITE_OK) {
		rc = sqlite3_step(s);
		*value = rc == SQLITE_ROW ? sqlite3_column_int(s, 0) : 0;
		sqlite3_finalize(s);
	}
	return rc == SQLITE_ROW ? 0 : -1;
}

static int exec(struct sqlite3 *handle, const char *sql)
{
	return sqlite3_exec(handle, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : -1;
}

static int apply_file(struct sqlite3 *handle, const struct schema_file *f)
{
	char done[128];

	sqlite3_snprintf(sizeof(done), done, "PRAGMA user_version = %d; PRAGMA application_id = %d",
	    f->version, APPLICATION_ID);
	return exec(handle, f->sql) == 0 && exec(handle, done) == 0 ? 0 : -1;
}

/* Where one fails the store stays as it was. */
static int apply_missing(struct sqlite3 *handle, const char *path, int from, struct err *err)
{
	const char *name = schema_sqlite[from].name;
	size_t i;

	if (exec(handle, "BEGIN IMMEDIATE") != 0)
		goto fail;
	for (i = (size_t)from; i < schema_sqlite_count; i++) {
		name = schema_sqlite[i].name;
		if (apply_file(handle, &schema_sqlite[i]) != 0)
			goto fail;
	}
	if (exec(handle, "COMMIT") != 0)
		goto fail;
	return 0;
fail:
	err_set(err, "%s: schema %s: %s", path, name, sqlite3_errmsg(handle));
	exec(handle, "ROLLBACK");
	return -1;
}

int sqlite_migrate(struct sqlite3 *handle, const char *path, bool read_only, int *version,
    enum store_open *why, struct err *err)
{
	int newest = (int)schema_sqlite_count, application = 0, tables = 0;

	*why = STORE_OPEN_DISK;
	if (pragma(handle, "PRAGMA user_version", version) != 0
	    || pragma(handle, "PRAGMA application_id", &application) != 0
	    || pragma(handle, "SELECT count(*) FROM sqlite_schema", &tables) != 0)
		return err_set(err, "%s: %s", path, sqlite3_errmsg(handle));
	if (application != APPLICATION_ID && (application != 0 || tables != 0)) {
		*why = STORE_OPEN_CORRUPT;
		return err_set(err, "%s: this is another program's database", path);
	}
	if (*version > newest) {
		*why = STORE_OPEN_NEWER;
		return err_set(err, "%s: schema %d is newer than this program's %d", path, *version,
		    newest);
	}
	if (read_only && *version < newest) {
		*why = STORE_OPEN_UNWRITABLE;
		return err_set(err,
		    "%s: schema %d must first be brought to %d, which needs writing", path,
		    *version, newest);
	}
	if (*version < newest && apply_missing(handle, path, *version, err) != 0)
		return -1;
	*version = newest;
	return 0;
}
