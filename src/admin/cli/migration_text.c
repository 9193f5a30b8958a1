/* See migration_text.h. */
#include "admin/cli/migration_text.h"

#include <inttypes.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json_in.h"

/* Of the members of an object, which are numbers. */
static int64_t sum_of(const struct json *object)
{
	const struct json *j;
	int64_t sum = 0;

	for (j = object != NULL ? object->child : NULL; j != NULL; j = j->next)
		sum += json_int(object, j->key, 0);
	return sum;
}

int64_t migration_done(const struct json *run)
{
	return json_int(run, "written", 0) + json_int(run, "failed", 0)
	    + sum_of(json_object(run, "skipped"));
}

const char *migration_progress(struct arena *a, const struct json *run, int64_t took_msecs,
    int64_t before)
{
	int64_t rate = took_msecs > 0 ? (migration_done(run) - before) * 60000 / took_msecs : 0;

	return arena_printf(a,
	    "%s %s: %" PRId64 " conversations, %" PRId64 " messages read, %" PRId64
	    " written, %" PRId64 " skipped, %" PRId64 " failed, %" PRId64 "/min",
	    json_text(run, "id"), json_text(run, "state"), json_int(run, "conversations", 0),
	    json_int(run, "read", 0), json_int(run, "written", 0),
	    sum_of(json_object(run, "skipped")), json_int(run, "failed", 0), rate);
}

static void line(struct buf *out, const char *what, int64_t number, const char *note)
{
	buf_addf(out, "%-14s %10" PRId64 "%s%s\n", what, number, note != NULL ? "  " : "",
	    note != NULL ? note : "");
}

static void skipped_lines(struct arena *a, const struct json *run, struct buf *out)
{
	const struct json *object = json_object(run, "skipped"), *j;

	line(out, "skipped", sum_of(object), NULL);
	for (j = object != NULL ? object->child : NULL; j != NULL; j = j->next)
		line(out, arena_printf(a, "  %s", j->key), json_int(object, j->key, 0),
		    strcmp(j->key, "present") == 0 ? "there already" : NULL);
}

static void verify_lines(const struct json *verify, struct buf *out)
{
	static const char *const rows[][2] = { { "compared", "messages that should be there" },
		{ "missing", NULL }, { "twice", NULL },
		{ "disordered", "behind one that was said later" },
		{ "different", "not the text that was to be written" },
		{ "fileless", "fewer files, and no word why" },
		{ "unlike", "conversations, without what was to go with them" } };
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		line(out, rows[i][0], json_int(verify, rows[i][0], 0), rows[i][1]);
}

static void plan_lines(struct arena *a, const struct json *plan, struct buf *out)
{
	int64_t seconds = json_int(plan, "seconds", 0);

	line(out, "to be opened", json_int(plan, "conversations", 0),
	    "conversations, where they are not there yet; they count where a plan counts them");
	line(out, "longest", json_int(plan, "longest", 0), "messages of one conversation");
	line(out, "bytes", json_int(plan, "bytes", 0), "of files, as far as it is told");
	line(out, "requests", json_int(plan, "requests", 0), "to the desk");
	line(out, "time", seconds,
	    arena_printf(a,
		"seconds at least (%" PRId64 "h %02" PRId64 "m), by the limits of both ends",
		seconds / 3600, seconds / 60 % 60));
}

void migration_text(struct arena *a, const struct json *run, struct buf *out)
{
	bool is_plan = json_true(run, "dry_run");
	const char *reason = json_text(run, "reason");
	const struct json *verify = json_object(run, "verify"), *plan = json_object(run, "plan");
	const char *file = json_text(run, "file");

	buf_addf(out, "%s  %s to %s over %s: %s%s%s\n", json_text(run, "id"),
	    json_text(run, "from"), json_text(run, "to"), json_text(run, "bridge"),
	    json_text(run, "state"), reason != NULL ? ", " : "", reason != NULL ? reason : "");
	if (file != NULL)
		buf_addf(out, "from the file  %s\n", file);
	line(out, "conversations", json_int(run, "conversations", 0), NULL);
	if (verify != NULL) {
		verify_lines(verify, out);
		return;
	}
	line(out, "read", json_int(run, "read", 0), "messages");
	line(out, is_plan ? "to be written" : "written", json_int(run, "written", 0), NULL);
	skipped_lines(a, run, out);
	line(out, "failed", json_int(run, "failed", 0),
	    json_int(run, "failed", 0) > 0 ? "parked: see tieline parked" : NULL);
	line(out, "files", json_int(run, "files", 0), "in what is written");
	if (plan != NULL)
		plan_lines(a, plan, out);
	buf_addf(out, "%s\n",
	    json_true(run, "adds_up") ? "read = written + skipped + failed"
				      : "read is not written + skipped + failed");
}
