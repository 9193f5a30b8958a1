"""What was said before the relay was there is history: that it changes now does not make it a new message."""

import time

import pytest

from test_migrate import migrate
from world import World, eventually, unique


@pytest.fixture
def late_world(request):
    """The platforms are older than the relay."""
    made = []

    def make(customers):
        made.append(World(customers, start=False))
        return made[-1]

    yield make
    for world in made:
        world.end()


def test_an_old_message_is_read(late_world):
    """Before the conversation is linked, and after."""
    world = late_world("chatwoot")
    old = [unique("old") for _ in range(2)]
    person = unique("person")
    mine = world.ask(person, old[0])["conversation"]
    sent = world.say("chatwoot", "agent", old[1], conversation=mine)["message"]
    eventually(lambda: world.pending() == 0, "nobody was there to hear it")
    time.sleep(1.1)     # times of messages are whole seconds
    world.relay.start()
    world.act("chatwoot", "mark", message=sent, status="delivered")
    eventually(lambda: world.pending() == 0, "the first update was heard")
    line = unique("new")
    world.ask(person, line, conversation=mine)
    theirs = world.arrives("smartify", line)
    world.act("chatwoot", "mark", message=sent, status="read")
    eventually(lambda: world.pending() == 0, "the second update was heard")
    line = unique("new")
    world.ask(person, line, conversation=mine)
    assert world.arrives("smartify", line) == theirs
    assert not any(world.copies("smartify", text) for text in old)
    assert world.query("SELECT count(*) FROM event")[0][0] >= 2
    # It is for a migration to move, still.
    assert migrate(world, ends=("desk", "shop"))["written"] == 2
    assert all(len(world.copies("smartify", text)) == 1 for text in old)


def test_an_update_that_comes_first_is_a_message(late_world):
    """The callback that announced it was lost; it was said after the relay was there."""
    world = late_world("chatwoot")
    world.relay.start()
    world.mode("chatwoot", drop=1.0)
    line = unique("lost")
    id = world.ask(unique("person"), line)["message"]
    eventually(lambda: world.pending() == 0, "it is lost")
    world.mode("chatwoot", drop=0)
    world.act("chatwoot", "mark", message=id, status="read")
    world.arrives("smartify", line)


def test_an_old_chat_is_polled(late_world):
    """It was read when the relay began, and nothing in it was news; so it is when somebody writes in it."""
    world = late_world("smartsender")
    person, old = unique("person"), unique("old")
    mine = world.ask(person, old, ago=3600)["conversation"]
    world.act("smartsender", "rename", mine, name="Somebody else")
    world.relay.start()
    eventually(lambda: world.requests("/chats/%d/messages" % mine), "it is read")
    line = unique("new")
    world.ask(person, line, conversation=mine)
    world.arrives("chatwoot", line)
    assert not world.copies("chatwoot", old)
