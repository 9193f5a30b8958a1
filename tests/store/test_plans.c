/* No statement goes through a big table from end to end: SQLite has no statistics here, and chooses by what the
 * statement says alone, so that what it does in an empty store it does in a big one, too. */
#include <stdio.h>

#include <sqlite3.h>

#include "fixture.h"
#include "store/sqlite_stmt.h"

/* Those that see few rows of it, though their plan does not say so; and what only a person asks for. */
static const char *const few[] = {
	"IDMAP_FIRST",                                      /* the first alone */
	"ALIAS_OF_PERSON",                                  /* merged contacts of one endpoint */
	"WHO_EMAIL", "WHO_PHONE", "WHO_ID", "LINKS_BY_WHO", /* a person asks */
	"RAW_TRIM",                                         /* those of one endpoint are bounded */
};

static const struct {
	const char *name, *sql;
} statements[] = {
#define X(name, sql) { #name, sql },
	QUERIES(X)
#undef X
};

/* Small ones, and those that only have what waits. */
static bool is_small(const char *plan)
{
	static const char *const tables[] = { "CONSTANT", "(subquery", "b", "bridge", "endpoint",
		"m", "migration", "mirror", "tally", "raw", "alarm", "heard", "question" };
	static const char *const indexes[] = { "event_unrouted", "delivery_pending",
		"delivery_parked", "thread_asked", "lane_held", "errand_due", "media_wanted" };
	const char *table = plan + strlen("SCAN ");
	size_t len = strcspn(table, " -"), i;

	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		if (strlen(tables[i]) == len && strncmp(tables[i], table, len) == 0)
			return true;
	for (i = 0; i < sizeof(indexes) / sizeof(indexes[0]); i++)
		if (strstr(plan, indexes[i]) != NULL)
			return true;
	return false;
}

/* Of an index whose first column has few values, that alone. */
static bool is_wide(const char *plan)
{
	return strncmp(plan, "SCAN ", 5) == 0 ? !is_small(plan)
					      : strstr(plan, "(bridge=?)") != NULL
		|| strstr(plan, "PRIMARY KEY (endpoint=?)") != NULL;
}

static bool has_few(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(few) / sizeof(few[0]); i++)
		if (strcmp(few[i], name) == 0)
			return true;
	return false;
}

static int count_wide(struct sqlite3 *db, const char *name, const char *sql)
{
	char explain[4096];
	struct sqlite3_stmt *q = NULL;
	const char *plan;
	int n = 0;

	snprintf(explain, sizeof(explain), "EXPLAIN QUERY PLAN %s", sql);
	assert_int_equal(sqlite3_prepare_v2(db, explain, -1, &q, NULL), SQLITE_OK);
	while (sqlite3_step(q) == SQLITE_ROW) {
		plan = (const char *)sqlite3_column_text(q, 3);
		if (!is_wide(plan))
			continue;
		print_error("%s: %s\n", name, plan);
		n++;
	}
	sqlite3_finalize(q);
	return n;
}

static void plans(void **state)
{
	struct fixture *f = *state;
	struct sqlite3 *db = NULL;
	size_t i;
	int wide = 0;

	assert_int_equal(sqlite3_open_v2(f->path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	for (i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
		if (!has_few(statements[i].name))
			wide += count_wide(db, statements[i].name, statements[i].sql);
	sqlite3_close(db);
	assert_int_equal(wide, 0);
}

static const struct promise promises[] = {
	PROMISE(plans),
};

int main(void)
{
	return fixture_run(promises, sizeof(promises) / sizeof(promises[0]));
}
