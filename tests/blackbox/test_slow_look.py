"""A doubt is looked into, and the look fails as well: in every way an answer can be lost, each message arrives once."""

import pytest

from test_slow_doubt import FAULTS, LONG, all_there, calm, converse, in_order_and_once, set_faults, world     # noqa: F401
from world import eventually, unique


@pytest.mark.parametrize("direction", ["up", "down"])
def test_looks_that_fail(world, direction):
    """Answers are lost, and then the look whether it arrived fails as well, in every way there is."""
    people, mine, theirs = converse(world, len(FAULTS))
    to = world.agents if direction == "up" else world.customers
    world.mode(to, echo="never")        # it would end the doubt at once
    set_faults(world, to, "POST", "/messages$", [{"action": "drop_answer"}] * len(FAULTS))
    set_faults(world, to, "GET", "/messages")
    lines = {p: [unique("one"), unique("two")] for p in people}
    for n in range(2):
        for person in people:
            if direction == "up":
                world.ask(person, lines[person][n], conversation=mine[person], wait=True)
            else:
                world.answer(theirs[person], lines[person][n], wait=True)
    all_there(world, to, [t for all in lines.values() for t in all])
    eventually(lambda: world.query("SELECT count(*) FROM delivery WHERE state < 10") == [(0,)], "all is settled", LONG)
    for person in people:
        in_order_and_once(world, to, (theirs if direction == "up" else mine)[person], lines[person])


def test_nothing_is_parked_and_nothing_twice(world):
    """The verdict over all that this world has seen."""
    world.all_arrived(LONG)
    assert world.parked() == []
