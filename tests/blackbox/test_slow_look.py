"""A doubt is looked into, and the look fails as well: in every way an answer can be lost, each message arrives once."""

from test_slow_doubt import (FAULTS, LONG, all_there, at_once, calm, converse, in_order_and_once, set_faults,  # noqa: F401
                             worlds)
from world import eventually, unique


def test_looks_that_fail(worlds):
    """Both worlds, both directions, at the same time."""
    rows = [(world, direction, *converse(world, len(FAULTS))) for world in worlds for direction in ("up", "down")]
    at_once(looks_that_fail, *rows)


def looks_that_fail(world, direction, people, mine, theirs):
    """Answers are lost, and then the look whether it arrived fails as well, in every way there is."""
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
    there = theirs if direction == "up" else mine
    in_order_and_once(world, to, {there[p]: lines[p] for p in people})


def test_nothing_is_parked_and_nothing_twice(worlds):
    """The verdict over all that these worlds have seen."""
    for world in worlds:
        world.all_arrived(LONG)
        assert world.parked() == []
