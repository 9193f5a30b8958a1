/* Ten thousand operations in random order against a model of a few arrays: dedupe, order in lanes,
 * states, what survives closing, and that an operation that failed did nothing. The seed is printed
 * when it fails; STORE_SEED repeats it. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "store/retain.h"
#include "vfs_faulty.h"

#define OPERATIONS 10000
#define PEOPLE 12
#define MESSAGES_MAX OPERATIONS

struct model_message {
	int person;
	int64_t event;
	bool is_routed;
	int64_t delivery, pos;
	enum delivery_state state;
	int attempt;
	int64_t due_ms;
	bool is_mapped;
};

struct model_lane {
	int64_t id;
	int64_t link;
	enum state state; /* of the conversation */
	int64_t version;
};

static struct {
	struct fixture *f;
	uint64_t dice;
	struct model_message messages[MESSAGES_MAX];
	int nmessages;
	struct model_lane lanes[PEOPLE];
	int64_t last_event, last_pos;
} m;

static int roll(int sides)
{
	m.dice ^= m.dice << 13;
	m.dice ^= m.dice >> 7;
	m.dice ^= m.dice << 17;
	return (int)(m.dice % (uint64_t)sides);
}

static const char *name_of(const char *prefix, int n)
{
	return arena_printf(m.f->arena, "%s%d", prefix, n);
}

/* Runs it, now and then after a try on a disk that fails. */
static void run_rough(struct store_op *op)
{
	if (roll(12) == 0) {
		disk.full = 1;
		store_run(m.f->store, op);
		disk.full = 0;
		if (op->result == 0)
			assert_false(op->is_changed);
	}
	run(m.f, op);
}

static struct model_message *head_of(int person)
{
	struct model_message *x, *head = NULL;

	for (x = m.messages; x < m.messages + m.nmessages; x++)
		if (x->person == person && x->is_routed && x->state < DELIVERY_DELIVERED
		    && (head == NULL || x->pos < head->pos))
			head = x;
	return head;
}

static void do_append(void)
{
	bool is_old = m.nmessages > 0 && roll(4) == 0;
	int n = is_old ? roll(m.nmessages) : m.nmessages;
	struct model_message *x = &m.messages[n];
	int person = is_old ? x->person : roll(PEOPLE);
	struct event e = message(m.f, m.f->customers, name_of("c", person), name_of("", n + 1));
	struct op_append op = { .op = { .kind = STORE_APPEND },
		.arena = m.f->arena,
		.event = &e,
		.asks = &m.f->ask,
		.nasks = 1,
		.want_view = true,
		.now_ms = m.f->now_ms };

	run_rough(&op.op);
	assert_int_equal(op.is_duplicate, is_old);
	if (is_old) {
		assert_int_equal(op.known, x->event << 4);
		assert_int_equal(op.known_state, x->is_routed ? x->state : DELIVERY_QUEUED);
		return;
	}
	assert_true(e.id > m.last_event);
	m.last_event = e.id;
	assert_int_equal(op.view.bridges[0].lane, m.lanes[person].id);
	assert_int_equal(op.view.bridges[0].link.id, m.lanes[person].link);
	assert_int_equal(op.view.state, m.lanes[person].state);
	*x = (struct model_message){ .person = person, .event = e.id };
	m.nmessages++;
}

static void do_route(void)
{
	struct model_message *x = &m.messages[roll(m.nmessages + 1)];
	struct op_view seen = { .op = { .kind = STORE_VIEW },
		.arena = m.f->arena,
		.asks = &m.f->ask,
		.nasks = 1 };
	struct event e;
	struct route_row row;
	struct route_event routed;
	struct op_route op = { .op = { .kind = STORE_ROUTE },
		.arena = m.f->arena,
		.events = &routed,
		.nevents = 1,
		.now_ms = m.f->now_ms };

	if (x->event == 0)
		return;
	e = message(m.f, m.f->customers, name_of("c", x->person), "");
	seen.event = &e;
	run(m.f, &seen.op);
	row = row_up(m.f, &seen.view);
	routed = (struct route_event){ x->event, &row, 1 };
	run_rough(&op.op);
	assert_int_equal(row.out.delivery.id == 0, x->is_routed);
	if (x->is_routed)
		return;
	assert_true(row.out.delivery.pos > m.last_pos);
	x->is_routed = true;
	x->delivery = row.out.delivery.id;
	x->pos = m.last_pos = row.out.delivery.pos;
	x->state = DELIVERY_QUEUED;
	if (m.lanes[x->person].id == 0)
		m.lanes[x->person].id = row.out.lane.id;
	if (m.lanes[x->person].link == 0)
		m.lanes[x->person].link = row.out.link.id;
	assert_int_equal(row.out.lane.id, m.lanes[x->person].id);
	assert_int_equal(row.out.link.id, m.lanes[x->person].link);
}

static void claimed(struct model_message *head, const struct op_claim *op)
{
	if (head == NULL) {
		assert_true(op->is_empty);
		return;
	}
	assert_false(op->is_empty);
	if (head->state == DELIVERY_SENDING
	    || (head->state != DELIVERY_QUEUED && head->due_ms > m.f->now_ms)) {
		assert_true(op->is_early);
		return;
	}
	assert_false(op->is_early);
	head->state = DELIVERY_SENDING;
	head->attempt++;
	assert_int_equal(op->trip.delivery.id, head->delivery);
	assert_int_equal(op->trip.delivery.attempt, head->attempt);
	assert_int_equal(op->trip.event->id, head->event);
}

static void do_claim(void)
{
	int person = roll(PEOPLE);
	struct op_claim op = { .op = { .kind = STORE_CLAIM },
		.arena = m.f->arena,
		.lane = m.lanes[person].id,
		.now_ms = m.f->now_ms };

	if (op.lane == 0)
		return;
	run_rough(&op.op);
	claimed(head_of(person), &op);
}

static void do_settle(void)
{
	static const enum delivery_state ends[] = { DELIVERY_DELIVERED, DELIVERY_DELIVERED,
		DELIVERY_DELIVERED, DELIVERY_PARKED, DELIVERY_WAITING, DELIVERY_UNSURE };
	int person = roll(PEOPLE);
	struct model_message *x = head_of(person);
	struct op_settle op = { .op = { .kind = STORE_SETTLE }, .arena = m.f->arena };

	if (x == NULL || x->state != DELIVERY_SENDING)
		return;
	op.delivery = x->delivery;
	op.state = ends[roll(6)];
	op.due_ms = m.f->now_ms + roll(3000);
	op.claim_next = roll(2) == 0;
	op.now_ms = m.f->now_ms;
	op.learned.endpoint = m.f->agents;
	if (op.state == DELIVERY_DELIVERED)
		op.remote_id = name_of("r", (int)x->event);
	run_rough(&op.op);
	x->state = op.state;
	x->due_ms = op.due_ms;
	x->is_mapped = op.remote_id != NULL;
	if (op.claim_next && op.state >= DELIVERY_DELIVERED)
		claimed(head_of(person), &op.next);
}

static void do_echo(void)
{
	struct model_message *x = &m.messages[roll(m.nmessages + 1)];
	struct op_echo op = { .op = { .kind = STORE_ECHO },
		.endpoint = m.f->agents,
		.remote = name_of("r", (int)x->event) };

	run_rough(&op.op);
	assert_int_equal(op.is_known, x->is_mapped);
}

static void do_state(void)
{
	int person = roll(PEOPLE);
	struct model_lane *l = &m.lanes[person];
	struct op_state op = { .op = { .kind = STORE_STATE },
		.endpoint = m.f->customers,
		.conversation = name_of("c", person),
		.version = roll(1000),
		.state = roll(2) == 0 ? STATE_OPEN : STATE_RESOLVED,
		.now_ms = m.f->now_ms };

	run_rough(&op.op);
	if (!op.is_known)
		return;
	assert_int_equal(op.is_changed,
	    op.state != l->state && (op.version == 0 || op.version > l->version));
	if (op.is_changed) {
		l->state = op.state;
		l->version = op.version != 0 ? op.version : l->version;
	}
}

static void do_load(void)
{
	struct model_message *x, *head;
	struct op_load op;
	size_t unrouted = 0, flying = 0, i;
	int64_t count;
	int person;

	if (roll(4) != 0)
		return;
	fixture_reopen(m.f);
	op = load(m.f);
	for (x = m.messages; x < m.messages + m.nmessages; x++)
		unrouted += !x->is_routed;
	assert_int_equal(op.nunrouted, unrouted);
	for (person = 0; person < PEOPLE; person++) {
		head = head_of(person);
		for (i = 0; i < op.nlanes && op.lanes[i].lane != m.lanes[person].id; i++)
			;
		assert_int_equal(i < op.nlanes, head != NULL);
		if (head == NULL)
			continue;
		count = 0;
		for (x = m.messages; x < m.messages + m.nmessages; x++)
			count +=
			    x->person == person && x->is_routed && x->state < DELIVERY_DELIVERED;
		assert_int_equal(op.lanes[i].count, count);
		assert_int_equal(op.lanes[i].head_state, head->state);
		flying += head->state == DELIVERY_SENDING || head->state == DELIVERY_UNSURE;
	}
	assert_int_equal(op.nflying, flying);
}

static void do_retain(void)
{
	struct op_retain op = { .op = { .kind = STORE_RETAIN },
		.rest.bodies_before_ms = m.f->now_ms - 5000,
		.limit = 20 };

	run_rough(&op.op);
}

static void random_operations(void **state)
{
	static const struct {
		void (*run)(void);
		int weight;
	} kinds[] = { { do_append, 25 }, { do_route, 30 }, { do_claim, 20 }, { do_settle, 25 },
		{ do_echo, 5 }, { do_state, 5 }, { do_load, 2 }, { do_retain, 1 } };
	int i, k, at;

	m.f = *state;
	for (i = 0; i < OPERATIONS; i++) {
		at = roll(113);
		for (k = 0; at >= kinds[k].weight; k++)
			at -= kinds[k].weight;
		kinds[k].run();
		m.f->now_ms += roll(100);
		if (i % 100 == 0)
			arena_reset(m.f->arena);
	}
}

static int setup(void **state)
{
	static struct fixture fixture;

	vfs_faulty_install();
	disk.is_quick = 1;
	fixture_start(&fixture, "sqlite");
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	fixture_end(*state);
	return 0;
}

static void no_log(const char *line, size_t len)
{
	(void)line, (void)len;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(random_operations, setup, teardown),
	};
	const char *seed = getenv("STORE_SEED");

	m.dice = seed != NULL ? strtoull(seed, NULL, 10) : 20261121;
	fprintf(stderr, "STORE_SEED=%llu\n", (unsigned long long)m.dice);
	log_redirect(no_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
