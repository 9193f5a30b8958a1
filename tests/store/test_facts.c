/* What is told of persons and conversations: each promise of store/facts.h, for every driver. */
#include "fixture.h"
#include "store/facts.h"
#include "store/migration.h"

static struct op_hear hear(struct fixture *f, int endpoint, const struct person *person,
    const char *conversation, enum fact fact, const char *value)
{
	struct facts *facts = ARENA_NEW(f->arena, struct facts);
	struct op_hear op = { .op = { .kind = STORE_HEAR },
		.arena = f->arena,
		.endpoint = endpoint,
		.person = person,
		.conversation = conversation,
		.facts = facts,
		.asks = endpoint == f->customers ? &f->ask : &f->back,
		.nasks = 1,
		.tells_person = 1,
		.tells = 1,
		.keeps = true,
		.now_ms = f->now_ms };

	facts->v[fact] = value;
	run(f, &op.op);
	return op;
}

static struct op_mirror turn(struct fixture *f, const struct mirror_key *key)
{
	struct op_mirror op = { .op = { .kind = STORE_MIRROR }, .arena = f->arena, .key = *key };

	run(f, &op.op);
	assert_false(op.op.is_changed);
	return op;
}

static bool finish(struct fixture *f, const struct op_mirror *m)
{
	struct op_mirror_done op = { .op = { .kind = STORE_MIRROR_DONE },
		.key = m->key,
		.seq = m->seq };

	run(f, &op.op);
	return op.is_due;
}

static void ask(struct fixture *f, const struct mirror_key *key, enum fact fact, const char *ours,
    const char *was)
{
	struct op_mirror_ask op = { .op = { .kind = STORE_MIRROR_ASK }, .key = *key };

	op.ours.v[fact] = op.agreed.v[fact] = ours;
	op.was.v[fact] = was;
	run(f, &op.op);
}

static size_t count_due(struct fixture *f)
{
	struct op_mirrors op = { .op = { .kind = STORE_MIRRORS }, .arena = f->arena };

	run(f, &op.op);
	return op.ndue;
}

static struct person customer(struct fixture *f, const char *name)
{
	return (struct person){ .identity = arena_printf(f->arena, "test:%s", name),
		.id = name,
		.address = name };
}

/* A message of that person, told and routed: he and his conversation have a link. */
static struct row_trip said(struct fixture *f, const struct person *person,
    const char *conversation, const char *id)
{
	struct event e = message(f, f->customers, conversation, id);
	struct op_append op;
	struct route_row row;

	e.person = *person;
	op = append(f, &e);
	row = row_up(f, &op.view);
	return route(f, e.id, &row);
}

/* It is due with what made it so, until it is done; and again where it was told anew meanwhile. */
static void due(void **state)
{
	struct fixture *f = *state;
	const struct person ann = customer(f, "ann");
	struct row_trip trip;
	struct op_hear h;
	struct op_mirror m;

	h = hear(f, f->customers, &ann, "c1", FACT_NAME, "Ann");
	assert_int_equal(h.ndue, 0); /* nobody knows her there yet */
	trip = said(f, &ann, "c1", "100");
	h = hear(f, f->customers, &ann, "c1", FACT_NAME, "Ann");
	h = hear(f, f->customers, &ann, "c1", FACT_NAME, "Ann");
	assert_false(h.op.is_changed);
	h = hear(f, f->customers, &ann, "c1", FACT_NAME, "Ann Lee");
	assert_int_equal(h.ndue, 1);
	assert_int_equal(h.due[0].link, trip.link.id);
	assert_int_equal(h.due[0].step, STEP_FIND_CONTACT);
	assert_int_equal(h.due[0].endpoint, f->agents);
	fixture_reopen(f);
	assert_int_equal(count_due(f), 1);
	m = turn(f, &h.due[0]);
	assert_true(m.is_due);
	assert_int_equal(m.link.id, trip.link.id);
	assert_string_equal(m.person.identity, "test:ann");
	assert_string_equal(m.there.seen.v[FACT_NAME], "Ann Lee");
	assert_string_equal(m.here.ours.v[FACT_NAME], "Ann"); /* what the contact is made with */
	hear(f, f->customers, &ann, "c1", FACT_NAME, "Ann Roe");
	assert_true(finish(f, &m));
	m = turn(f, &h.due[0]);
	assert_false(finish(f, &m));
	assert_false(turn(f, &h.due[0]).is_due);
	assert_int_equal(count_due(f), 0);
}

/* What is written down before it is written is known when it comes back, and what was so before is no news. */
static void echo(void **state)
{
	struct fixture *f = *state;
	const struct person ann = customer(f, "ann");
	const struct mirror_key key = { said(f, &ann, "c1", "100").link.id, SIDE_CUSTOMERS,
		STEP_FIND_CONVERSATION, f->customers };
	struct op_hear h = hear(f, f->customers, &ann, "c1", FACT_PRIORITY, "low");

	assert_int_equal(h.ndue, 1);
	ask(f, &key, FACT_PRIORITY, "high", "low");
	h = hear(f, f->customers, &ann, "c1", FACT_PRIORITY, "low");
	assert_true(h.ndue == 0 && !h.op.is_changed);
	h = hear(f, f->customers, &ann, "c1", FACT_PRIORITY, "high");
	assert_int_equal(h.ndue, 0);
	h = hear(f, f->customers, &ann, "c1", FACT_PRIORITY, "low");
	assert_int_equal(h.ndue, 1);
}

/* A link that is made takes along what was told of its conversation before. */
static void at_the_beginning(void **state)
{
	struct fixture *f = *state;
	const struct person ann = customer(f, "ann");
	struct event e = message(f, f->customers, "c1", "100");
	struct op_append op;
	struct route_row row;
	struct op_mirror m;

	e.person = ann;
	op = append(f, &e);
	assert_int_equal(hear(f, f->customers, &ann, "c1", FACT_LABELS, "[\"vip\"]").ndue, 0);
	row = row_up(f, &op.view);
	row.mirrors = true;
	route(f, e.id, &row);
	assert_true(row.owes_mirror);
	m = turn(f,
	    &(struct mirror_key){ row.out.link.id, SIDE_AGENTS, STEP_FIND_CONVERSATION,
		f->agents });
	assert_true(m.is_due);
	assert_string_equal(m.there.seen.v[FACT_LABELS], "[\"vip\"]");
	assert_null(m.here.seen.v[FACT_LABELS]);
}

/* Late versions of a conversation, and of a contact, tell nothing. */
static void versions(void **state)
{
	struct fixture *f = *state;
	const struct person ann = customer(f, "ann");
	struct op_hear h;

	said(f, &ann, "c1", "100");
	h = hear(f, f->customers, &ann, "c1", FACT_PRIORITY, "low");
	h.version = 200;
	((struct facts *)h.facts)->v[FACT_PRIORITY] = "high";
	run(f, &h.op);
	assert_int_equal(h.ndue, 1);
	h.version = 100;
	((struct facts *)h.facts)->v[FACT_PRIORITY] = "low";
	run(f, &h.op);
	assert_true(h.ndue == 0 && !h.op.is_changed);
}

static int64_t person_of(struct fixture *f, const char *conversation, const char *id)
{
	struct event e = message(f, f->customers, conversation, id);
	const struct person ann = customer(f, "ann");
	struct op_append op;

	e.person = ann;
	op = append(f, &e);
	return op.view.bridges[0].link.person;
}

/* The conversation is given to another person: nothing happens while something of the former one is under way;
 * then link, lane and record go over at once, and nothing of it where the store fails. */
static void given_away(void **state)
{
	struct fixture *f = *state;
	const struct person guest = customer(f, "guest"), ann = customer(f, "ann");
	struct row_trip trip = said(f, &guest, "c1", "100");
	int64_t lane = trip.lane.id;
	struct op_hear h;
	struct op_mirror m;

	hear(f, f->customers, &guest, "c1", FACT_NAME, "guest");
	h = hear(f, f->customers, &ann, "c1", FACT_NAME, "Ann");
	assert_true(h.is_waiting && h.moved == 0);
	assert_int_equal(person_of(f, "c1", "101"), trip.link.person);
	claim(f, lane);
	h = hear(f, f->customers, &ann, "c1", FACT_NAME, "Ann");
	assert_true(h.is_waiting); /* it may have arrived */
	settle(f, &trip, DELIVERY_DELIVERED, "9001");
	h = hear(f, f->customers, &ann, "c1", FACT_NAME, "Ann");
	assert_true(!h.is_waiting && h.moved != 0);
	assert_true(h.ndue > 0);
	assert_int_equal(h.due[0].step, STEP_FIND_CONTACT);
	fixture_reopen(f);
	m = turn(f, &h.due[0]);
	assert_true(m.is_due);
	assert_string_equal(m.person.identity, "test:ann");
	assert_int_equal(m.lane.id, lane);
	assert_string_equal(m.here.ours.v[FACT_NAME], "guest");
	assert_string_equal(m.there.seen.v[FACT_NAME], "Ann");
	assert_int_equal(person_of(f, "c1", "102"), m.link.person);
	h = hear(f, f->customers, &ann, "c1", FACT_NAME, "Ann");
	assert_true(h.moved == 0 && !h.op.is_changed);
}

/* Either has a contact of his own there: only the conversation goes over. */
static void both_are_known(void **state)
{
	struct fixture *f = *state;
	const struct person guest = customer(f, "guest"), ann = customer(f, "ann");
	struct row_trip hers = said(f, &ann, "c1", "100"), his = said(f, &guest, "c2", "101");
	struct op_hear h;

	settle(f, &hers, DELIVERY_DELIVERED, "9001");
	settle(f, &his, DELIVERY_DELIVERED, "9002");
	h = hear(f, f->customers, &ann, "c2", FACT_NAME, "Ann");
	assert_int_not_equal(h.moved, 0);
	assert_int_equal(turn(f, &h.due[0]).lane.id, hers.lane.id);
	assert_int_equal(person_of(f, "c2", "102"), hers.link.person);
}

/* The contact behind an address is another one: that is the person's from now on, and the old one is not. */
static void merged(void **state)
{
	struct fixture *f = *state;
	const struct person ann = customer(f, "ann");
	const struct person at_desk = { .id = "200", .address = "tl1-ann" };
	const struct person alone = { .id = "200" }, old = { .id = "100" };
	struct row_trip trip = said(f, &ann, "c1", "100");
	struct op_step step = { .op = { .kind = STORE_STEP },
		.delivery = trip.delivery.id,
		.learned = { .known = { .contact = "100", .address = "tl1-ann" },
		    .link = trip.link.id,
		    .lane = trip.lane.id,
		    .to = SIDE_AGENTS,
		    .endpoint = f->agents },
		.step = STEP_SEND };
	struct op_hear h;

	run(f, &step.op);
	h = hear(f, f->agents, &old, NULL, FACT_NAME, "Ann");
	assert_true(h.op.is_changed);
	h = hear(f, f->agents, &at_desk, "9", FACT_NAME, "Ann");
	fixture_reopen(f);
	h = hear(f, f->agents, &alone, NULL, FACT_NAME, "Annie");
	assert_int_equal(h.ndue, 1); /* it is known whose it is */
	assert_int_equal(h.due[0].side, SIDE_CUSTOMERS);
	h = hear(f, f->agents, &old, NULL, FACT_NAME, "Zoe");
	assert_true(h.ndue == 0 && !h.op.is_changed);
}

/* What a history's end asks: is it linked, whose is it, and is something still due? */
static void of_history(void **state)
{
	struct fixture *f = *state;
	const struct person ann = customer(f, "ann");
	struct op_migration_facts op = { .op = { .kind = STORE_MIGRATION_FACTS },
		.arena = f->arena,
		.bridge = f->bridge,
		.endpoint = f->customers,
		.conversation = "c1" };
	struct row_trip trip;
	struct op_mirror m;
	struct op_hear h;

	run(f, &op.op);
	assert_false(op.is_linked);
	trip = said(f, &ann, "c1", "100");
	run(f, &op.op);
	assert_true(op.is_linked && !op.is_due);
	assert_int_equal(op.link.id, trip.link.id);
	assert_string_equal(op.person.identity, "test:ann");
	hear(f, f->customers, &ann, "c1", FACT_NAME,
	    "Ann Lee"); /* of the person: no matter of it */
	run(f, &op.op);
	assert_false(op.is_due);
	h = hear(f, f->customers, &ann, "c1", FACT_LABELS, "[\"vip\"]");
	fixture_reopen(f);
	run(f, &op.op);
	assert_true(op.is_due);
	assert_false(op.op.is_changed);
	m = turn(f, &h.due[0]);
	assert_false(finish(f, &m));
	run(f, &op.op);
	assert_true(op.is_linked && !op.is_due);
}

static const struct promise promises[] = {
	PROMISE(due),
	PROMISE(echo),
	PROMISE(at_the_beginning),
	PROMISE(versions),
	PROMISE(given_away),
	PROMISE(both_are_known),
	PROMISE(merged),
	PROMISE(of_history),
};

int main(void)
{
	return fixture_run(promises, sizeof(promises) / sizeof(promises[0]));
}
