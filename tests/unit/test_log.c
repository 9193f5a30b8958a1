/* What a line looks like. Under journald's eye, so that no time stands in it; one test shows it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"

static char last[1000];

static void keep(const char *line, size_t len)
{
	assert_true(len < sizeof(last));
	memcpy(last, line, len);
	last[len] = '\0';
}

static void set(enum log_level level, enum log_format format, const char *journal)
{
	if (journal != NULL)
		setenv("JOURNAL_STREAM", journal, 1);
	else
		unsetenv("JOURNAL_STREAM");
	log_setup(level, format);
	log_redirect(keep);
	last[0] = '\0';
}

static void write_one(void)
{
	const char *missing = NULL;

	LOG(LOG_INFO, "settled", F_ID("event", 'e', 812), F_ID("delivery", 'd', 0),
	    F_INT("attempt", 2), F_STR("effect", "delivered"), F_STR("left_out", missing),
	    F_STR("why", "a \"b\"\n=\x01"), F_STR("empty", ""));
}

static void test_logfmt(void **state)
{
	(void)state;
	set(LOG_INFO, LOG_LOGFMT, "8:1");
	write_one();
	assert_string_equal(last,
	    "level=info at=settled event=e812 attempt=2 effect=delivered "
	    "why=\"a \\\"b\\\"\\n=\\x01\" empty=\"\"\n");
	LOG(LOG_ERROR, "alone");
	assert_string_equal(last, "level=error at=alone\n");
}

static void test_json(void **state)
{
	(void)state;
	set(LOG_INFO, LOG_JSON, "8:1");
	write_one();
	assert_string_equal(last,
	    "{\"level\":\"info\",\"at\":\"settled\",\"event\":\"e812\","
	    "\"attempt\":2,\"effect\":\"delivered\","
	    "\"why\":\"a \\\"b\\\"\\n=\\u0001\",\"empty\":\"\"}\n");
}

static void test_levels(void **state)
{
	(void)state;
	set(LOG_WARN, LOG_LOGFMT, "8:1");
	assert_true(log_wants(LOG_ERROR));
	assert_true(log_wants(LOG_WARN));
	assert_false(log_wants(LOG_INFO));
	assert_false(log_wants(LOG_DEBUG));
	write_one();
	assert_string_equal(last, "");
	LOG(LOG_WARN, "seen");
	assert_string_equal(last, "level=warn at=seen\n");
}

static void test_time(void **state)
{
	(void)state;
	set(LOG_INFO, LOG_LOGFMT, NULL);
	LOG(LOG_INFO, "x");
	assert_memory_equal(last, "time=2", 6);
	assert_non_null(strstr(last, "Z level=info at=x\n"));
	log_redirect(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_logfmt),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
