"""The process dies at any moment; the next life finishes what was taken. A seed says when (TIELINE_SEED repeats it)."""

import os
import random
import time

import pytest

from world import PATIENCE, eventually, unique

SEED = int(os.environ.get("TIELINE_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 30)
LIVES = 10
LONG = 120


@pytest.fixture(autouse=True)
def told_seed():
    print("TIELINE_SEED=%d" % SEED)


def say_much(world, dice, people, known):
    """Customers and agents write at once; who is new gets a conversation."""
    said = []
    for person in dice.sample(people, 6):
        said.append({"platform": world.customers, "as": "customer", "person": person, "name": person,
                     "text": unique("up")})
    for conversation in dice.sample(known, min(len(known), 5)):
        said.append({"platform": world.agents, "as": "agent", "conversation": conversation, "text": unique("down")})
    world.sandbox("POST", "/say", said)


@pytest.mark.parametrize("customers", ["smartify", "chatwoot"])
def test_kills_at_random_moments(make_world, customers):
    """Smartify repeats what it could not hand over; what Chatwoot could not is lost, and not counted. All that was
    answered 200 arrives once."""
    dice = random.Random(SEED)
    world = make_world(customers, sandbox=("--no-limits",), shop={"concurrency": 16}, desk={"concurrency": 16})
    world.sandbox("PUT", "/settings", {"platform": "smartify", "retry_scale": 0.3})
    people = [unique("person") for _ in range(12)]
    for life in range(LIVES):
        known = [t["id"] for t in world.threads(world.agents)]
        say_much(world, dice, people, known)
        time.sleep(dice.uniform(0, 0.25))
        world.relay.kill()
        world.relay.start()
    eventually(lambda: world.pending() == 0, "callbacks are over", LONG)
    stored = {side: remotes(world, side) for side in ("smartify", "chatwoot")}

    def done():
        judged = world.judge()
        missing = {"smartify": [], "chatwoot": []}
        for direction, side in (("up", world.customers), ("down", world.agents)):
            for entry in judged[direction]["lists"]["missing"]:
                if str(entry["id"]) in stored[side]:
                    missing[side].append(entry)
        assert missing == {"smartify": [], "chatwoot": []}
        return not in_flight(world)
    eventually(done, "all that was taken has arrived", LONG, 0.5)
    judged = world.judge()
    for direction in ("up", "down"):
        found = judged[direction]
        assert not (found["duplicates"] or found["unexpected"] or found["split"]), found
    assert not world.parked()
    # Smartify's repeats come in any order; what comes from Chatwoot has an order, and what it lost leaves no gap.
    assert not judged["up" if customers == "chatwoot" else "down"]["out_of_order"], judged
    talk = world.talk()
    talk.fence()


def remotes(world, side):
    """Ids of the messages that were taken there."""
    name = "shop" if side == "smartify" else "desk"
    return {str(row[0]) for row in world.query(
        "SELECT remote FROM idmap JOIN endpoint ON endpoint.id = idmap.endpoint "
        "WHERE name = ? AND kind = unicode('m') AND ref & 15 = 0", name)}


def in_flight(world):
    return world.query("SELECT count(*) FROM delivery WHERE state < 10")[0][0]


@pytest.mark.parametrize("customers", ["smartify", "chatwoot"])
def test_a_kill_at_each_step(make_world, customers):
    """Just when the far side has written and the answer is still under way: at every step that creates something."""
    world = make_world(customers, sandbox=("--no-limits",), shop={"concurrency": 16}, desk={"concurrency": 16})
    steps = (["/contact_inboxes/filter$", "/contacts$", "/conversations$", "/messages$"] if customers == "smartify"
             else ["/signinWithCustomToken$", "/messages$"])
    people = [unique("person") for _ in steps]
    first = [unique("first") for _ in steps]
    for path, person, text in zip(steps, people, first):
        world.fault(world.agents, "POST", path, "hang_after")
        if path == "/messages$" and customers == "smartify":
            world.ask(person, "before-" + person, wait=True)
            world.arrives(world.agents, "before-" + person)
        world.ask(person, text, wait=True)
        eventually(lambda: any(f["fired"] for f in world.sandbox("GET", "/faults")), "the step is under way")
        world.relay.kill()
        world.sandbox("DELETE", "/faults")
        world.relay.start()
    for text in first:
        world.arrives(world.agents, text, LONG)
    world.all_arrived(LONG)
    assert len(world.threads(world.agents)) == len(people)


@pytest.mark.parametrize("customers", ["smartify", "chatwoot"])
def test_stopped_again_and_again_while_busy(make_world, customers):
    """TERM in the middle of it all: exit 0 each time, and nothing is lost."""
    dice = random.Random(SEED)
    world = make_world(customers, sandbox=("--no-limits",))
    world.sandbox("PUT", "/settings", {"platform": "smartify", "retry_scale": 0.3})
    people = [unique("person") for _ in range(12)]
    for _ in range(LIVES):
        say_much(world, dice, people, [t["id"] for t in world.threads(world.agents)])
        time.sleep(dice.uniform(0, 0.3))
        assert world.relay.stop() == 0
        world.relay.start()
    eventually(lambda: world.pending() == 0, "callbacks are over", LONG)
    stored = {side: remotes(world, side) for side in ("smartify", "chatwoot")}

    def done():
        judged = world.judge()
        for direction, side in (("up", world.customers), ("down", world.agents)):
            assert not [e for e in judged[direction]["lists"]["missing"] if str(e["id"]) in stored[side]]
        return not in_flight(world)
    eventually(done, "all that was taken has arrived", PATIENCE, 0.3)
    judged = world.judge()
    assert not any(judged[d][k] for d in ("up", "down") for k in ("duplicates", "unexpected", "split"))
