/* What becomes of an event: the rules that only show with several bridges at one endpoint. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/route.h"

static const struct caps desk_caps = { .dedicated = true };
static const struct endpoint_conf desk = { .caps = &desk_caps };
static const struct bridge_conf bridge = { .agents = &desk, .agent_started = AGENT_STARTED_CREATE };

static struct route decide(const struct view *view, size_t at)
{
	const struct event event = { .kind = EVENT_MESSAGE,
		.remote = "7",
		.conversation = "3",
		.author = { .role = ROLE_AGENT },
		.text = "hello" };
	const struct route_in in = { .event = &event,
		.bridge = &bridge,
		.side = SIDE_AGENTS,
		.view = view,
		.known = &view->bridges[at],
		.hops = 4 };
	struct route out;

	route_event(&in, &out);
	return out;
}

/* The person is known in both, and heard last in the second. */
static void an_agent_begins_in_one_bridge(void **state)
{
	const struct view view = { .thread = 1,
		.person = 2,
		.bridges = {
		    { .latest = { .id = 10, .person = 2, .customers = 5, .generation = 1 } },
		    { .latest = { .id = 11, .person = 2, .customers = 6, .generation = 1 } } } };
	struct route first = decide(&view, 0), second = decide(&view, 1);

	(void)state;
	assert_int_equal(first.drop, DROP_UNLINKED);
	assert_int_equal(first.park, REASON_NONE);
	assert_int_equal(second.drop, DROP_NONE);
	assert_int_equal(second.choice, LINK_JOIN);
	assert_int_equal(second.customers, 6);
}

static void a_linked_conversation_is_no_other_bridges(void **state)
{
	const struct view view = { .thread = 1,
		.person = 2,
		.bridges = { { .link = { .id = 10, .person = 2, .customers = 5, .agents = 1 } },
		    { .latest = { .id = 11, .person = 2, .customers = 6, .generation = 1 } } } };
	struct route first = decide(&view, 0), second = decide(&view, 1);

	(void)state;
	assert_int_equal(first.drop, DROP_NONE);
	assert_int_equal(first.link, 10);
	assert_int_equal(second.drop, DROP_UNLINKED);
	assert_int_equal(second.park, REASON_NONE);
}

static void nobody_is_parked(void **state)
{
	const struct view view = { .thread = 1 };
	struct route out = decide(&view, 0);

	(void)state;
	assert_int_equal(out.drop, DROP_UNLINKED);
	assert_int_equal(out.park, REASON_UNREACHABLE);
}

/* A change of a message that nobody has heard of: it may be new, or older than the link. */
static void history_that_changes(void **state)
{
	static const struct {
		const char *remote;
		int64_t at_ms;
		enum event_kind kind;
		enum drop drop;
	} rows[] = {
		{ "100", 60000, EVENT_UPDATE, DROP_NONE },
		{ "99", 60000, EVENT_UPDATE, DROP_STALE },
		{ "9", 60000, EVENT_UPDATE, DROP_STALE },
		{ "98", 60000, EVENT_MESSAGE, DROP_NONE }, /* late, but said just now */
		{ "100", 49000, EVENT_UPDATE, DROP_STALE },
		{ "100", 49001, EVENT_UPDATE, DROP_NONE },
		{ "6b0116", 60000, EVENT_UPDATE, DROP_NONE },
	};
	const struct view view = { .thread = 1,
		.person = 2,
		.bridges = {
		    { .link = { .id = 10, .customers = 5, .agents = 1, .first_agents = "99" } } } };
	struct bridge_conf since = bridge;
	struct event event = { .conversation = "3", .author = { .role = ROLE_AGENT }, .text = "x" };
	const struct route_in in = { .event = &event,
		.bridge = &since,
		.side = SIDE_AGENTS,
		.view = &view,
		.known = &view.bridges[0],
		.hops = 4 };
	struct route out;
	size_t i;

	(void)state;
	since.since_ms = 50000;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		event.remote = rows[i].remote;
		event.at_ms = rows[i].at_ms;
		event.kind = rows[i].kind;
		route_event(&in, &out);
		if (out.drop != rows[i].drop)
			fail_msg("row %zu: %s", i, drop_word((int)out.drop));
	}
}

/* Two conversations that were there before they became a pair: what stood in them stays where it is. */
static void history_of_a_pair(void **state)
{
	static const struct {
		enum link_how how;
		enum side side;
		const char *first, *remote;
		enum origin origin;
		enum drop drop;
	} rows[] = {
		{ LINK_BY_PERSON, SIDE_AGENTS, "99", "98", ORIGIN_LIVE, DROP_STALE },
		{ LINK_BY_PERSON, SIDE_AGENTS, "99", "99", ORIGIN_REPAIR, DROP_STALE },
		{ LINK_BY_PERSON, SIDE_AGENTS, "99", "100", ORIGIN_REPAIR, DROP_NONE },
		{ LINK_BY_PERSON, SIDE_AGENTS, NULL, "98", ORIGIN_LIVE, DROP_NONE },
		{ LINK_BY_PERSON, SIDE_CUSTOMERS, "99", "98", ORIGIN_REPAIR, DROP_STALE },
		{ LINK_BY_PERSON, SIDE_CUSTOMERS, "99", "99", ORIGIN_LIVE,
		    DROP_NONE }, /* it made it */
		{ LINK_BY_FILE, SIDE_CUSTOMERS, "99", "99", ORIGIN_LIVE, DROP_STALE },
		{ LINK_BY_FILE, SIDE_CUSTOMERS, "99", "98", ORIGIN_HISTORY, DROP_NONE },
		{ LINK_BY_FILE, SIDE_CUSTOMERS, "5e2c6b958c9612001716bede",
		    "5e2c6b958c9612001716bedd", ORIGIN_LIVE, DROP_STALE },
		{ LINK_BY_FILE, SIDE_CUSTOMERS, "5e2c6b958c9612001716bede",
		    "5e2c6b958c9612001716bf00", ORIGIN_LIVE, DROP_NONE },
		{ LINK_BY_MARK, SIDE_AGENTS, "99", "98", ORIGIN_LIVE, DROP_NONE },
		{ LINK_BY_CREATED, SIDE_AGENTS, "99", "98", ORIGIN_LIVE, DROP_NONE },
	};
	struct view view = { .thread = 1, .person = 2 };
	struct event event = { .kind = EVENT_MESSAGE, .conversation = "3", .text = "x" };
	struct row_link *l = &view.bridges[0].link;
	struct route_in in = { .event = &event,
		.bridge = &bridge,
		.view = &view,
		.known = &view.bridges[0],
		.hops = 4 };
	struct route out;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		*l = (struct row_link){ .id = 10, .customers = 5, .agents = 1, .how = rows[i].how };
		l->first_agents = l->first_customers = rows[i].first;
		in.side = rows[i].side;
		event.author.role = in.side == SIDE_AGENTS ? ROLE_AGENT : ROLE_CUSTOMER;
		event.remote = rows[i].remote;
		event.origin = rows[i].origin;
		route_event(&in, &out);
		if (out.drop != rows[i].drop)
			fail_msg("row %zu: %s", i, drop_word((int)out.drop));
	}
}

/* Of a project that has others, too, only what a relay opened for this bridge is worth a person's time. */
static void what_bears_a_mark_waits(void **state)
{
	static const struct caps team_caps = { 0 };
	static const struct endpoint_conf team = { .caps = &team_caps };
	static const struct {
		const char *mark;
		enum reason park;
	} rows[] = {
		{ NULL, REASON_NONE },
		{ "hello", REASON_NONE },
		{ "tl1:630dcd29:a18603:m1:94494511ff7b18c5351b:0:03b7872a", REASON_UNREACHABLE },
		{ "tl1:630dcd29:a18604:m1:94494511ff7b18c5351b:0:03b7872a", REASON_NONE },
		{ "tl1:630dcd29:a18603", REASON_NONE },
	};
	const struct view view = { .thread = 1 };
	struct bridge_conf there = { .agents = &team, .tag = "a18603" };
	struct event event = { .kind = EVENT_MESSAGE,
		.remote = "7",
		.conversation = "3",
		.author = { .role = ROLE_AGENT },
		.text = "hello" };
	const struct route_in in = { .event = &event,
		.bridge = &there,
		.side = SIDE_AGENTS,
		.view = &view,
		.known = &view.bridges[0],
		.hops = 4 };
	struct route out;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		event.conversation_mark = rows[i].mark;
		route_event(&in, &out);
		assert_int_equal(out.drop, DROP_UNLINKED);
		assert_int_equal(out.park, rows[i].park);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(history_that_changes),
		cmocka_unit_test(history_of_a_pair),
		cmocka_unit_test(what_bears_a_mark_waits),
		cmocka_unit_test(an_agent_begins_in_one_bridge),
		cmocka_unit_test(a_linked_conversation_is_no_other_bridges),
		cmocka_unit_test(nobody_is_parked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
