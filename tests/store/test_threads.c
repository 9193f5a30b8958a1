/* The mailbox and its thread, from a loop: every operation done once, in order, none lost at the end. */
#include "fixture.h"

#include <stdio.h>

#include "base/loop.h"
#include "base/mem.h"

#define MESSAGES 5000
#define AT_ONCE 300

/* One message after the other in its conversation: append, route, claim, settle. */
struct job {
	struct op_append append;
	struct op_route route;
	struct op_claim claim;
	struct op_settle settle;
	struct event event;
	struct route_row row;
	struct route_event routed;
	struct relay *relay;
	struct arena *arena;
	char id[16], remote[16], conversation[16];
};

struct relay {
	struct fixture *f;
	struct loop *loop;
	struct loop_later *more;
	int started, finished, busy;
	int64_t last_event;
};

static void submit(struct job *j, struct store_op *op)
{
	if (store_submit(j->relay->f->store, op) != 0)
		fail_msg("the mailbox is full");
}

static void on_settled(struct store_op *op)
{
	struct job *j = (struct job *)((char *)op - offsetof(struct job, settle));
	struct relay *r = j->relay;

	assert_int_equal(op->result, 0);
	arena_free(j->arena);
	xfree(j);
	r->busy--;
	r->finished++;
	if (r->finished == MESSAGES)
		loop_stop(r->loop);
	else
		loop_later(r->more);
}

static void on_claimed(struct store_op *op)
{
	struct job *j = (struct job *)((char *)op - offsetof(struct job, claim));

	assert_int_equal(op->result, 0);
	assert_int_equal(j->claim.trip.delivery.id, j->row.out.delivery.id);
	assert_string_equal(j->claim.trip.event->remote, j->id);
	j->settle = (struct op_settle){ .op = { .kind = STORE_SETTLE, .done = on_settled },
		.arena = j->arena,
		.delivery = j->row.out.delivery.id,
		.state = DELIVERY_DELIVERED,
		.remote_id = j->remote };
	submit(j, &j->settle.op);
}

static void on_routed(struct store_op *op)
{
	struct job *j = (struct job *)((char *)op - offsetof(struct job, route));

	assert_int_equal(op->result, 0);
	j->claim = (struct op_claim){ .op = { .kind = STORE_CLAIM, .done = on_claimed },
		.arena = j->arena,
		.lane = j->row.out.lane.id,
		.now_ms = 1 };
	submit(j, &j->claim.op);
}

static void on_appended(struct store_op *op)
{
	struct job *j = (struct job *)op;

	assert_int_equal(op->result, 0);
	assert_false(j->append.is_duplicate);
	assert_true(j->event.id > j->relay->last_event); /* done in the order of submit */
	j->relay->last_event = j->event.id;
	j->row = row_up(j->relay->f, &j->append.view);
	j->routed = (struct route_event){ j->event.id, &j->row, 1 };
	j->route = (struct op_route){ .op = { .kind = STORE_ROUTE, .done = on_routed },
		.arena = j->arena,
		.events = &j->routed,
		.nevents = 1 };
	submit(j, &j->route.op);
}

static void start_some(void *arg)
{
	struct relay *r = arg;
	struct job *j;

	for (; r->busy < AT_ONCE && r->started < MESSAGES; r->busy++, r->started++) {
		j = xcalloc(1, sizeof(*j));
		j->relay = r;
		j->arena = arena_new();
		snprintf(j->id, sizeof(j->id), "%d", r->started + 1);
		snprintf(j->remote, sizeof(j->remote), "r%d", r->started + 1);
		/* More conversations than messages at once: a lane holds one. */
		snprintf(j->conversation, sizeof(j->conversation), "c%d",
		    r->started % (2 * AT_ONCE));
		j->event = message(r->f, r->f->customers, j->conversation, j->id);
		j->append = (struct op_append){ .op = { .kind = STORE_APPEND, .done = on_appended },
			.arena = j->arena,
			.event = &j->event,
			.asks = &r->f->ask,
			.nasks = 1,
			.want_view = true,
			.now_ms = r->f->now_ms };
		submit(j, &j->append.op);
	}
}

static void many(void **state)
{
	struct fixture *f = *state;
	struct relay r = { .f = f, .loop = loop_new() };
	struct store_health h;
	struct err err;

	r.more = loop_later_new(r.loop, start_some, &r);
	assert_int_equal(store_start(f->store, r.loop, &err), 0);
	loop_later(r.more);
	loop_run(r.loop);
	store_health(f->store, &h);
	assert_int_equal(r.finished, MESSAGES);
	assert_int_equal(h.operations, 4 * MESSAGES);
	assert_int_equal(h.failed, 0);
	assert_int_equal(h.waiting, 0);
	assert_true(h.commits < 4 * MESSAGES / 10); /* they shared */
	store_close(f->store);
	f->store = NULL;
	loop_later_free(r.more);
	loop_free(r.loop);
	fixture_reopen(f);
	assert_int_equal(load(f).nlanes, 0);
}

/* ---- the mailbox ---- */

static int dones;

static void count_done(struct store_op *op)
{
	assert_int_equal(op->result, 0);
	dones++;
}

static void full_mailbox(void **state)
{
	struct fixture *f = *state;
	struct store_options options = { .url = f->url, .mailbox = 8 };
	struct op_echo echoes[20] = { 0 };
	struct op_endpoint memos[20] = { 0 };
	struct loop *loop = loop_new();
	enum store_open why;
	struct err err;
	int taken = 0, i;

	store_close(f->store);
	f->store = store_open(&options, &why, &err);
	assert_non_null(f->store);
	assert_int_equal(store_start(f->store, loop, &err), 0);
	dones = 0;
	for (i = 0; i < 20; i++) {
		memos[i].op = (struct store_op){ .kind = STORE_ENDPOINT, .done = count_done };
		memos[i].endpoint = f->agents;
		memos[i].memo = "{}";
		taken += store_submit(f->store, &memos[i].op) == 0;
	}
	assert_int_equal(taken, 6); /* a quarter is for what ends deliveries */
	for (i = 0; i < 20; i++) {
		echoes[i].op = (struct store_op){ .kind = STORE_ECHO, .done = count_done };
		echoes[i].endpoint = f->agents;
		echoes[i].remote = "1";
		taken += store_submit(f->store, &echoes[i].op) == 0;
	}
	assert_int_equal(taken, 8);
	assert_int_equal(dones, 0); /* never inside submit */
	while (dones < 8)
		loop_turn(loop, 1000);
	assert_int_equal(store_submit(f->store, &memos[0].op), 0);

	/* Closing finishes what was submitted. */
	store_close(f->store);
	f->store = NULL;
	assert_int_equal(dones, 9);
	loop_free(loop);
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
		cmocka_unit_test_setup_teardown(many, setup, teardown),
		cmocka_unit_test_setup_teardown(full_mailbox, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
