"""Callbacks as they are: our own writing comes back early, late, twice or never, things are announced twice, in the
wrong order, at the same moment. Nothing is repeated, nothing overtakes."""

import pytest

from world import eventually, unique

ROUNDS = 4


def exchange(talk):
    """Some messages each way, each a text of its own."""
    lines = []
    for _ in range(ROUNDS):
        lines += [unique("q"), unique("a")]
        talk.up(lines[-2])
        talk.down(lines[-1])
    return lines


def settle(world):
    eventually(lambda: world.pending() == 0, "no callback is under way")


@pytest.mark.parametrize("echo", ["first", "late", "twice", "never"])
def test_an_echo_is_no_message(make_world, echo):
    """Before the answer to the request, long after, twice, or not at all."""
    for customers in ("smartify", "chatwoot"):
        world = make_world(customers)
        world.mode(echo=echo, late_seconds=0.3)
        talk = world.talk()
        lines = exchange(talk)
        settle(world)
        talk.fence()
        assert len(world.texts(world.customers, talk.mine)) == len(world.texts(world.agents, talk.theirs)) == 3 + len(lines)
        world.all_arrived()


@pytest.mark.parametrize("customers", ["smartify", "chatwoot"])
def test_an_echo_after_a_restart(make_world, customers):
    """The life that wrote it is over when it comes back."""
    world = make_world(customers)
    talk = world.talk()
    world.mode(echo="late", late_seconds=0.8)
    texts = [unique("q"), unique("a")]
    talk.up(texts[0])
    talk.down(texts[1])
    assert world.pending() > 0
    world.relay.kill()
    world.relay.start()
    settle(world)
    talk.fence()
    world.all_arrived()


@pytest.mark.parametrize("same", [False, True])
def test_callbacks_come_twice(make_world, same):
    """With delivery ids of their own, or the same."""
    for customers in ("smartify", "chatwoot"):
        world = make_world(customers)
        world.mode(duplicate=1.0, same_delivery=same)
        talk = world.talk()
        exchange(talk)
        settle(world)
        talk.fence()
        world.all_arrived()


def test_smartify_repeats_what_was_refused(make_world):
    """It was down for a moment; the repeat is taken once. The last comes after 12 s at the earliest: on a busy machine a
    start may take some."""
    world = make_world()
    world.sandbox("PUT", "/settings", {"platform": "smartify", "retry_scale": 2.0})
    talk = world.talk()
    world.relay.kill()
    lines = [unique("while-down") for _ in range(3)]
    for line in lines:
        talk.ask(line)
    world.relay.start()
    settle(world)
    for line in lines:
        world.arrives("chatwoot", line)
    talk.fence()


@pytest.mark.parametrize("customers", ["smartify", "chatwoot"])
def test_shuffled_callbacks_go_by_id(make_world, customers):
    """Within settle Chatwoot's messages are put in order, on whichever side they were written."""
    world = make_world(customers, desk={"settle": "900ms"})
    talk = world.talk()
    world.mode("chatwoot", shuffle=0.25)
    say = talk.answer if customers == "smartify" else talk.ask
    lines = [unique("row") for _ in range(15)]
    for line in lines:
        say(line)
    there, conversation = world.customers, talk.mine
    if customers == "chatwoot":
        there, conversation = world.agents, talk.theirs
    world.arrives(there, lines[-1])
    for line in lines:
        world.arrives(there, line)
    shown = [t.split(": ")[-1] for t in world.texts(there, conversation)]
    assert [t for t in shown if t in lines] == lines


@pytest.mark.parametrize("customers", ["smartify", "chatwoot"])
def test_an_update_overtakes_its_message(make_world, customers):
    """message_updated may come first; it is the same message, and is taken once."""
    world = make_world(customers, desk={"settle": "300ms"})
    talk = world.talk()
    world.mode("chatwoot", shuffle=0.2, late_body=True, duplicate=0.5)
    say = talk.answer if customers == "smartify" else talk.ask
    there = world.customers if customers == "smartify" else world.agents
    for status in ("delivered", "read"):
        line = unique("changing")
        id = say(line)["message"]
        world.act("chatwoot", "mark", message=id, status=status)
        world.arrives(there, line)
    settle(world)
    talk.fence()
    world.all_arrived()


@pytest.mark.parametrize("customers", ["smartify", "chatwoot"])
def test_two_first_messages_at_once(make_world, customers):
    """One person, one contact, one conversation at the desk, in order."""
    world = make_world(customers)
    people = [unique("person") for _ in range(8)]
    first = [[unique("one"), unique("two"), unique("three")] for _ in people]
    spec = []
    for person, lines in zip(people, first):
        spec += [{"platform": customers, "as": "customer", "person": person, "name": person, "text": t} for t in lines]
    ids = world.sandbox("POST", "/say", spec)
    for i, (person, lines) in enumerate(zip(people, first)):
        there = {world.arrives(world.agents, line) for line in lines}
        assert len({x["conversation"] for x in ids[3 * i:3 * i + 3]}) == 1
        assert len(there) == 1, "%s has several conversations" % person
        shown = world.texts(world.agents, there.pop())
        assert sorted(shown) == sorted(lines)
        if customers == "chatwoot":     # its callbacks are put in order by id; Smartify's have no order when they overlap
            assert shown == lines
    if customers == "smartify":
        contacts = world.state("chatwoot")["contacts"]
        assert len(contacts) == len(people)
        assert len(world.state("chatwoot")["conversations"]) == len(people)
    else:
        assert len(world.state("smartify")["requests"]) == len(people)
        assert len(world.state("smartify")["leads"]) == len(people)


@pytest.mark.parametrize("customers", ["smartify", "chatwoot"])
def test_two_conversations_of_one_person(make_world, customers):
    """Both are open, so each has one of its own at the desk; answers go where they belong."""
    world = make_world(customers)
    person = unique("person")
    one = world.talk(person)
    two = world.talk(person, new=True)
    assert one.mine != two.mine and one.theirs != two.theirs
    for talk in (one, two, one, two):
        talk.fence()
    world.all_arrived()
    if customers == "smartify":
        assert len(world.state("chatwoot")["contacts"]) == 1
