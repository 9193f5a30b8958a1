/* What is known of a message that was changed, or replied to: each promise, for every driver. */
#include "fixture.h"

static struct row_trip edit(struct fixture *f, const struct row_trip *original, const char *id,
    const char *key, const char *text)
{
	struct event e = message(f, f->customers, "c1", id);
	struct route_row row;
	struct op_append op;

	e.kind = EVENT_EDIT;
	e.key = key;
	e.text = text;
	e.here_ms = ++f->now_ms;
	op = append(f, &e);
	assert_false(op.is_duplicate);
	row = row_up(f, &op.view);
	row.link = original->link.id;
	row.is_edit = true;
	return route(f, e.id, &row);
}

/* What did not leave leaves with the newest words, and none of the edits has anything to say. */
static void folded(void **state)
{
	struct fixture *f = *state;
	struct row_trip one = deliver(f, "c1", "1");
	struct op_claim c;

	edit(f, &one, "1", "e:1:a", "first");
	edit(f, &one, "1", "e:1:b", "second");
	c = claim(f, one.lane.id);
	assert_int_equal(c.trip.delivery.id, one.delivery.id);
	assert_string_equal(c.trip.event->text, "second");
	c = settle(f, &one, DELIVERY_DELIVERED, "500").next;
	assert_true(c.trip.delivery.is_edit);
	assert_false(c.trip.delivery.was_written);
	c = settle(f, &c.trip, DELIVERY_FOLDED, NULL).next;
	assert_true(c.trip.delivery.is_edit);
	assert_false(c.trip.delivery.was_written);
}

/* What may have left is as it was, and the edit follows it: as a reply to what was made of it. */
static void behind(void **state)
{
	struct fixture *f = *state;
	struct row_trip one = deliver(f, "c1", "1");
	struct op_claim c = claim(f, one.lane.id);
	struct op_load l;

	edit(f, &one, "1", "e:1:a", "new");
	c = settle(f, &c.trip, DELIVERY_DELIVERED, "500").next;
	assert_true(c.trip.delivery.is_edit && c.trip.delivery.was_written);
	assert_string_equal(c.trip.event->text, "new");
	assert_string_equal(c.trip.replied_remote, "500");
	assert_string_equal(c.trip.replied->remote, "1");
	/* Under way when everything ends, it is the same. */
	fixture_reopen(f);
	l = load(f);
	assert_int_equal(l.nflying, 1);
	assert_true(l.flying[0].delivery.was_written);
	assert_string_equal(l.flying[0].replied_remote, "500");
}

/* What is parked bears the new words when it is put back; there is nothing to say behind it. */
static void parked(void **state)
{
	struct fixture *f = *state;
	struct row_trip one = deliver(f, "c1", "1");
	struct op_claim c = claim(f, one.lane.id);

	settle(f, &c.trip, DELIVERY_PARKED, NULL);
	edit(f, &one, "1", "e:1:a", "new");
	c = claim(f, one.lane.id);
	assert_true(c.trip.delivery.is_edit);
	assert_false(c.trip.delivery.was_written);
}

/* Of what nobody here knows nothing is said. */
static void unknown(void **state)
{
	struct fixture *f = *state;
	struct row_trip one = deliver(f, "c1", "1");
	struct op_claim c = claim(f, one.lane.id);

	settle(f, &c.trip, DELIVERY_DELIVERED, "500");
	edit(f, &one, "77", "e:77:a", "new");
	c = claim(f, one.lane.id);
	assert_true(c.trip.delivery.is_edit);
	assert_false(c.trip.delivery.was_written);
	assert_null(c.trip.replied);
}

static struct op_claim reply(struct fixture *f, const struct row_trip *in, const char *id,
    const char *to)
{
	struct event e = message(f, f->customers, "c1", id);
	struct route_row row;
	struct op_append op;

	e.reply_to = to;
	op = append(f, &e);
	row = row_up(f, &op.view);
	row.link = in->link.id;
	route(f, e.id, &row);
	return claim(f, in->lane.id);
}

/* To one of the same side it is the copy, to a copy of ours the original; of others only the words. */
static void replies(void **state)
{
	struct fixture *f = *state;
	struct row_trip one = deliver(f, "c1", "1");
	struct op_claim c = claim(f, one.lane.id);
	struct event answer;
	struct route_row down;
	struct row_trip trip;

	settle(f, &c.trip, DELIVERY_DELIVERED, "500");
	c = reply(f, &one, "2", "1");
	assert_string_equal(c.trip.replied_remote, "500");
	assert_string_equal(c.trip.replied->remote, "1");
	settle(f, &c.trip, DELIVERY_DELIVERED, "501");

	answer = message(f, f->agents, "9", "502");
	append(f, &answer);
	down = (struct route_row){
		.bridge = f->bridge,
		.to = SIDE_CUSTOMERS,
		.target = f->customers,
		.person = one.lane.person,
		.link = one.link.id,
		.expires_ms = f->now_ms + 1000000,
	};
	trip = route(f, answer.id, &down);
	claim(f, trip.lane.id);
	settle(f, &trip, DELIVERY_DELIVERED, "3");
	c = reply(f, &one, "4", "3");
	assert_string_equal(c.trip.replied_remote, "502");
	settle(f, &c.trip, DELIVERY_DELIVERED, "503");

	c = reply(f, &one, "5", "nobody's");
	assert_null(c.trip.replied);
	assert_null(c.trip.replied_remote);
}

static const struct promise promises[] = {
	PROMISE(folded),
	PROMISE(behind),
	PROMISE(parked),
	PROMISE(unknown),
	PROMISE(replies),
};

int main(void)
{
	return fixture_run(promises, sizeof(promises) / sizeof(promises[0]));
}
