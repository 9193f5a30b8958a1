/* Conversations that are tied, as people look for them: by what either platform calls them, by whom they are with. */
#include "fixture.h"

#include <stdio.h>

#include "store/links.h"

static struct fixture f;

static struct op_links look(struct links_asked asked, int64_t before, int limit)
{
	struct op_links op = { .op = { .kind = STORE_LINKS },
		.arena = f.arena,
		.asked = asked,
		.before = before,
		.limit = limit };

	run(&f, &op.op);
	return op;
}

/* A customers' conversation, tied to one that we choose the name of. */
static int64_t tie(const char *customers, const char *agents, const char *email, const char *phone)
{
	struct event e = message(&f, f.customers, customers, customers);
	struct op_append op;
	struct route_row row;

	e.person.email = email;
	e.person.phone = phone;
	op = append(&f, &e);
	row = row_up(&f, &op.view);
	row.agents_remote = agents;
	return route(&f, e.id, &row).link.id;
}

static void looked_for(void **state)
{
	const int64_t ada = tie("c1", "57", "Ada@Example.com", "+15550100001");
	const int64_t bob = tie("c2", "58", NULL, "+15550100002"),
		      eve = tie("57", "c1", NULL, NULL);
	const int both[] = { f.customers, f.agents };
	const struct {
		struct links_asked asked;
		int64_t found[2]; /* the newest first; 0: none */
	} rows[] = {
		{ { .id = ada }, { ada } },
		{ { .id = 999 }, { 0 } },
		{ { .remote = "c2", .endpoints = both, .nendpoints = 2 }, { bob } },
		{ { .remote = "58", .endpoints = both, .nendpoints = 2 }, { bob } },
		/* The same name means another one at the other end. */
		{ { .remote = "57", .endpoints = both, .nendpoints = 2 }, { eve, ada } },
		{ { .remote = "57", .endpoints = both, .nendpoints = 1 }, { eve } },
		{ { .remote = "57", .endpoints = both + 1, .nendpoints = 1 }, { ada } },
		/* Who it is there. */
		{ { .remote = "lead-c1", .endpoints = both, .nendpoints = 2 }, { ada } },
		{ { .remote = "nobody", .endpoints = both, .nendpoints = 2 }, { 0 } },
		{ { .who = "ada@example.COM" }, { ada } },
		{ { .who = "+15550100002" }, { bob } },
		{ { .who = "+1555010000" }, { 0 } },
		{ { .who = "ada@example.com", .remote = "c2", .endpoints = both, .nendpoints = 2 },
		    { bob, ada } },
	};
	struct op_links got;
	size_t i, k, n;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		got = look(rows[i].asked, 0, 50);
		n = (rows[i].found[0] != 0) + (rows[i].found[1] != 0);
		if (got.nrows != n || got.is_more)
			fail_msg("row %zu gives %zu", i, got.nrows);
		for (k = 0; k < n; k++)
			assert_int_equal(got.rows[k].id, rows[i].found[k]);
	}
	got = look((struct links_asked){ .id = bob }, 0, 1);
	assert_string_equal(got.rows[0].customers_remote, "c2");
	assert_string_equal(got.rows[0].agents_remote, "58");
}

static void page_by_page(void **state)
{
	char name[16];
	int64_t ids[7], before = 0;
	struct op_links got;
	size_t i, seen = 0;

	(void)state;
	for (i = 0; i < 7; i++) {
		snprintf(name, sizeof(name), "c%zu", i);
		ids[i] = tie(name, name, "all@example.com", NULL);
	}
	do {
		got = look((struct links_asked){ .who = seen < 4 ? "all@example.com" : NULL },
		    before, 2);
		for (i = 0; i < got.nrows; i++)
			assert_int_equal(got.rows[i].id, ids[6 - seen++]);
		before = got.rows[got.nrows - 1].id;
		assert_int_equal(got.is_more, seen < 7);
	} while (got.is_more);
	assert_int_equal(seen, 7);
}

static int start(void **state)
{
	(void)state;
	fixture_start(&f, "sqlite");
	return 0;
}

static int end(void **state)
{
	(void)state;
	fixture_end(&f);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(looked_for, start, end),
		cmocka_unit_test_setup_teardown(page_by_page, start, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
