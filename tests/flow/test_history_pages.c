/* A folder of saved pages: which conversations and messages are in it, in which order, and that it may not change
 * while it is read. The pages are a Smartify's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/loop.h"
#include "config/config.h"
#include "connector/smartify/smartify.h"
#include "flow/endpoint.h"
#include "flow/history/history_file.h"
#include "flow/history/history_pages.h"

#define PROJECT "5e2c35c8f0dbc10017bb3aac"

struct folder {
	char path[64];
	struct arena *a;
	struct history_pages *pages;
};

static struct config config = { .limits = { .answer = 100000 } };
static struct flow flow = { .config = &config };
static struct smartify_conf conf = { .project_id = PROJECT, .channel = "tieline" };
static struct endpoint shop = {
	.flow = &flow,
	.conf = { .name = "shop", .host = "panel.smartifyai.in", .tenant = PROJECT, .conf = &conf }
};

static int setup(void **state)
{
	struct folder *f = calloc(1, sizeof(*f));

	strcpy(f->path, "/tmp/tieline-pages-XXXXXX");
	assert_non_null(mkdtemp(f->path));
	f->a = arena_new();
	flow.loop = loop_new();
	shop.connector = connector_find("smartify");
	config.limits.answer = 100000;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct folder *f = *state;
	const char *command = arena_printf(f->a, "rm -r %s", f->path);

	history_pages_free(f->pages);
	loop_free(flow.loop);
	assert_int_equal(system(command), 0);
	arena_free(f->a);
	free(f);
	return 0;
}

static void save(struct folder *f, const char *name, const char *text)
{
	FILE *out = fopen(arena_printf(f->a, "%s/%s", f->path, name), "w");

	assert_non_null(out);
	fputs(text, out);
	assert_int_equal(fclose(out), 0);
}

/* begun, changed: minutes of an hour. */
static const char *request(struct folder *f, const char *id, int begun, int changed, int status)
{
	return arena_printf(f->a,
	    "{\"request_id\":\"%s\",\"id_project\":\"" PROJECT "\",\"status\":%d,"
	    "\"createdAt\":\"2026-11-20T20:%02d:00.000Z\",\"updatedAt\":\"2026-11-20T20:%02d:00.000Z\","
	    "\"lead\":{\"lead_id\":\"lead-of-%s\",\"fullname\":\"John\"}}",
	    id, status, begun, changed, id);
}

static const char *message(struct folder *f, const char *id, const char *of, int at)
{
	return arena_printf(f->a,
	    "{\"_id\":\"%s\",\"sender\":\"lead-of-%s\",\"recipient\":\"%s\",\"id_project\":\"" PROJECT
	    "\",\"text\":\"text of %s\",\"createdAt\":\"2026-11-20T20:%02d:00.000Z\"}",
	    id, of, of, id, at);
}

/* NULL: all of it is understood. */
static const char *check(struct folder *f)
{
	struct err err;
	int got;

	history_pages_free(f->pages);
	f->pages = history_pages_new(&shop, f->path, true);
	while ((got = history_pages_check(f->pages, &err)) > 0)
		;
	return got == 0 ? NULL : arena_strdup(f->a, err.text);
}

static int ask(struct folder *f, enum step step, const char *conversation, const char *cursor,
    struct outcome *o)
{
	struct page p = { .job = { .step = step, .cursor = cursor },
		.known = { .conversation = conversation } };

	p.job.known = &p.known;
	*o = (struct outcome){ 0 };
	return history_pages_answer(f->pages, &p, f->a, o);
}

/* Ids, with blanks between them, page by page. */
static const char *all_of(struct folder *f, enum step step, const char *conversation)
{
	const char *cursor = NULL, *text = "";
	struct outcome o;
	size_t i;

	do {
		assert_int_equal(ask(f, step, conversation, cursor, &o), 0);
		for (i = 0; i < o.events.count; i++)
			text = arena_printf(f->a, "%s%s ", text,
			    step == STEP_LIST_MESSAGES ? o.events.items[i].remote
						       : o.events.items[i].conversation);
		cursor = o.cursor;
	} while (cursor != NULL);
	return text;
}

static void test_any_order(void **state)
{
	struct folder *f = *state;
	struct outcome o;

	save(f, "z.json",
	    arena_printf(f->a, "{\"requests\":[%s,%s]}", request(f, "c3", 30, 35, 1000),
		request(f, "c1", 10, 50, 1000)));
	save(f, "b.json",
	    arena_printf(f->a, "{\"requests\":[%s,%s]}", request(f, "c1", 10, 12, 100),
		request(f, "c2", 20, 21, 100)));
	save(f, "a.json",
	    arena_printf(f->a, "[%s,%s]", message(f, "m2", "c1", 12), message(f, "m3", "c1", 13)));
	save(f, "c.json",
	    arena_printf(f->a, "[%s,%s,%s]", message(f, "m1", "c1", 11), message(f, "m2", "c1", 12),
		message(f, "m9", "c2", 22)));
	save(f, "empty.json", "[]");
	save(f, "notes.txt", "no page");
	save(f, ".hidden.json", "no page either");
	assert_null(check(f));
	assert_string_equal(all_of(f, STEP_LIST_CONVERSATIONS, NULL), "c1 c2 c3 ");
	/* Who asks puts them in order, and takes each once. */
	assert_string_equal(all_of(f, STEP_LIST_MESSAGES, "c1"), "m2 m3 m1 m2 ");
	assert_string_equal(all_of(f, STEP_LIST_MESSAGES, "c2"), "m9 ");
	assert_string_equal(all_of(f, STEP_LIST_MESSAGES, "c3"), "");
	/* As the later page tells it. */
	assert_int_equal(ask(f, STEP_LIST_CONVERSATIONS, "c1", NULL, &o), 0);
	assert_int_equal(o.events.count, 1);
	assert_int_equal(o.events.items[0].state, STATE_RESOLVED);
	assert_string_equal(o.events.items[0].person.name, "John");
	assert_true(history_pages_has(f->pages, "c3"));
	assert_false(history_pages_has(f->pages, "c4"));
	assert_int_equal(ask(f, STEP_LIST_CONVERSATIONS, "c4", NULL, &o), 0);
	assert_int_equal(o.events.count, 0);
}

/* More conversations and files than one answer takes. */
static void test_many(void **state)
{
	struct folder *f = *state;
	const char *expected = "", *page = "";
	int i;

	for (i = 0; i < 50; i++) {
		const char *id = arena_printf(f->a, "c%02d", i);

		page = arena_printf(f->a, "%s%s%s", page, i % 5 == 0 ? "" : ",",
		    request(f, id, i, i, 100));
		if (i % 5 == 4) {
			save(f, arena_printf(f->a, "%02d.json", 99 - i),
			    arena_printf(f->a, "{\"requests\":[%s]}", page));
			page = "";
		}
		expected = arena_printf(f->a, "%s%s ", expected, id);
	}
	assert_null(check(f));
	assert_string_equal(all_of(f, STEP_LIST_CONVERSATIONS, NULL), expected);
}

static void test_changes(void **state)
{
	struct folder *f = *state;
	struct outcome o;

	save(f, "r.json", arena_printf(f->a, "{\"requests\":[%s]}", request(f, "c1", 10, 12, 100)));
	save(f, "m.json", arena_printf(f->a, "[%s]", message(f, "m1", "c1", 11)));
	assert_null(check(f));
	save(f, "list.txt", "not of it");
	assert_string_equal(all_of(f, STEP_LIST_MESSAGES, "c1"), "m1 ");
	save(f, "m.json",
	    arena_printf(f->a, "[%s,%s]", message(f, "m1", "c1", 11), message(f, "m2", "c1", 11)));
	assert_int_equal(ask(f, STEP_LIST_MESSAGES, "c1", NULL, &o), -1);
	assert_null(check(f));
	assert_string_equal(all_of(f, STEP_LIST_MESSAGES, "c1"), "m1 m2 ");
	save(f, "more.json", "[]");
	assert_int_equal(ask(f, STEP_LIST_CONVERSATIONS, NULL, NULL, &o), -1);
	assert_null(check(f));
	assert_int_equal(unlink(arena_printf(f->a, "%s/r.json", f->path)), 0);
	assert_int_equal(ask(f, STEP_LIST_CONVERSATIONS, NULL, NULL, &o), -1);
}

static void test_what_is_wrong(void **state)
{
	struct folder *f = *state;
	const char *why;

	assert_non_null(strstr(check(f), "there is no page in it; allowed: files called *.json"));
	save(f, "r.json", "{\"requests\":[]}");
	assert_non_null(strstr(check(f), "there is no conversation in it"));
	save(f, "r.json", "{\"requests\":[{}]}");
	why = check(f);
	assert_non_null(strstr(why, "/r.json: requests[0].request_id: found nothing; allowed: "));
	assert_int_equal(strncmp(why, f->path, strlen(f->path)), 0);
	save(f, "r.json", "{\"requests\":");
	assert_non_null(strstr(check(f), "/r.json: byte 13: "));
	save(f, "r.json", arena_printf(f->a, "{\"requests\":[%s]}", request(f, "c1", 10, 12, 100)));
	save(f, "m.json", arena_printf(f->a, "[%s]", message(f, "m1", "c2", 11)));
	assert_non_null(
	    strstr(check(f), "/m.json: conversation: found \"c2\", which no page tells"));
	save(f, "m.json",
	    "[{\"_id\":\"m1\",\"sender\":\"x\",\"createdAt\":\"2026-11-20T20:29:16.267Z\"}]");
	assert_non_null(strstr(check(f), "/m.json: its messages do not say of which conversation"));
	assert_int_equal(rename(arena_printf(f->a, "%s/m.json", f->path),
			     arena_printf(f->a, "%s/messages-c1.2.json", f->path)),
	    0);
	assert_null(check(f));
	assert_string_equal(all_of(f, STEP_LIST_MESSAGES, "c1"), "m1 ");
	config.limits.answer = 20;
	assert_non_null(strstr(check(f), "allowed: 20 (limits.answer)"));
	config.limits.answer = 100000;
	conf.project_id = "5e2c35c8f0dbc10017bb3aad";
	assert_non_null(strstr(check(f), "c1 is of another account"));
	conf.project_id = PROJECT;
	assert_int_equal(mkdir(arena_printf(f->a, "%s/folder.json", f->path), 0700), 0);
	assert_non_null(strstr(check(f), "/folder.json: it is no regular file"));
}

static void on_checked(void *arg, const char *why)
{
	assert_null(why);
	loop_stop(arg);
}

/* As a run asks: whose history is in it is known when all of it was read, and not before. */
static void test_in_the_place_of_a_file(void **state)
{
	struct folder *f = *state;
	struct history_file *file;

	save(f, "a.json", arena_printf(f->a, "{\"requests\":[%s]}", request(f, "c1", 10, 12, 100)));
	file = history_file_new(&shop, f->path);
	history_file_check(file, on_checked, flow.loop);
	assert_false(history_file_is_checked(file));
	assert_false(history_file_has(file, "c1"));
	loop_run(flow.loop);
	assert_true(history_file_is_checked(file));
	assert_true(history_file_has(file, "c1"));
	assert_false(history_file_has(file, "c2"));
	history_file_free(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_any_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_changes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_wrong, setup, teardown),
		cmocka_unit_test_setup_teardown(test_in_the_place_of_a_file, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
