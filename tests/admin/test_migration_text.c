/* What people read of a run of history: its ends, its sums, and the file it came from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "admin/cli/migration_text.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/json_in.h"

#define ENDS "\"id\":\"m3\",\"from\":\"shop\",\"to\":\"desk\",\"bridge\":\"support\""
#define SUMS \
	"\"conversations\":5,\"read\":43,\"written\":40,\"skipped\":{\"system\":2,\"present\":1}," \
	"\"failed\":0,\"files\":4,\"adds_up\":true"

static void is_told(const char *document, const char *expected)
{
	struct arena *a = arena_new();
	struct json_error error;
	const struct json *run = json_read(a, document, strlen(document), &error);
	struct buf out;

	assert_non_null(run);
	buf_init(&out);
	migration_text(a, run, &out);
	assert_string_equal(out.data, expected);
	buf_fini(&out);
	arena_free(a);
}

#define ROWS \
	"conversations           5\n" \
	"read                   43  messages\n" \
	"written                40\n" \
	"skipped                 3\n" \
	"  system                2\n" \
	"  present               1  there already\n" \
	"failed                  0\n" \
	"files                   4  in what is written\n" \
	"read = written + skipped + failed\n"

static void from_a_platform(void **state)
{
	(void)state;
	is_told("{" ENDS ",\"state\":\"finished\"," SUMS "}",
	    "m3  shop to desk over support: finished\n" ROWS);
}

static void from_a_file(void **state)
{
	(void)state;
	is_told("{" ENDS ",\"state\":\"finished\",\"file\":\"/srv/saved\"," SUMS "}",
	    "m3  shop to desk over support: finished\n"
	    "from the file  /srv/saved\n" ROWS);
	is_told("{" ENDS ",\"state\":\"failed\",\"reason\":\"/srv/a.jsonl: line 3: it is cut off\","
		"\"file\":\"/srv/a.jsonl\",\"adds_up\":true}",
	    "m3  shop to desk over support: failed, /srv/a.jsonl: line 3: it is cut off\n"
	    "from the file  /srv/a.jsonl\n"
	    "conversations           0\n"
	    "read                    0  messages\n"
	    "written                 0\n"
	    "skipped                 0\n"
	    "failed                  0\n"
	    "files                   0  in what is written\n"
	    "read = written + skipped + failed\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_a_platform),
		cmocka_unit_test(from_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
