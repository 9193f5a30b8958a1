"""Every way an answer can be lost, at every step that creates something: each message arrives once, in order.

One world per role assignment; every fault has a conversation of its own, so that the waits of all overlap: a doubt is
looked at only after the time the far side may still need to write."""

import pytest

from world import World, eventually, unique

# Faults, and whether what was asked for is done all the same.
FAULTS = [
    {"action": "drop_request"},
    {"action": "reset"},
    {"action": "drop_answer"},
    {"action": "reset_after"},
    {"action": "truncate"},
    {"action": "status_after_commit", "status": 500},
    {"action": "status_after_commit", "status": 502, "body": "<html>bad gateway</html>",
     "headers": {"Content-Type": "text/html"}},
    {"action": "status_after_commit", "status": 504},
    {"action": "status", "status": 500, "body": {"error": "Internal Server Error"}},
    {"action": "status", "status": 503, "headers": {"Retry-After": "1"}},
    {"action": "status", "status": 429},
    {"action": "status", "status": 429, "headers": {"Retry-After": "1"}},
    {"action": "status", "status": 408},
    {"action": "html", "status": 200},
    {"action": "html", "status": 502},
    {"action": "status", "status": 200, "body": ""},
    {"action": "status", "status": 200, "body": "null"},
    {"action": "status", "status": 200, "body": "[" * 300 + "]" * 300},
    {"action": "status", "status": 200, "body": {"id": None, "_id": {}, "messages": 5}},
    {"action": "status_after_commit", "status": 200, "body": "{\"id\": "},
    {"action": "status_after_commit", "status": 200, "body": "{}", "headers": {"Content-Type": "text/plain"}},
    {"action": "status_after_commit", "status": 200, "body": "{\"x\": \"" + "x" * (20 << 20) + "\"}"},
    {"action": "late_commit", "seconds": 2},
    {"action": "late_commit", "seconds": 14},
    {"action": "hang"},
    {"action": "hang_after"},
    {"action": "delay", "seconds": 1},
    {"action": "delay", "seconds": 5},
]
UNTIL_THE_NEXT_MINUTE = {"action": "status", "status": 429}     # Chatwoot counts by the minute: nothing leaves in this one
TIMEOUT = "3s"
LONG = 300      # two waits of 16 s, a minute, a timeout, and a slow machine


def title(fault):
    return " ".join(str(fault[k]) for k in ("action", "status", "seconds") if k in fault)


@pytest.fixture(scope="module", params=["smartify", "chatwoot"])
def world(request):
    world = World(request.param, sandbox=("--no-limits",), shop={"timeout": TIMEOUT, "concurrency": 64},
                  desk={"timeout": TIMEOUT, "concurrency": 64})
    yield world
    world.end()


@pytest.fixture(autouse=True)
def calm(world):
    yield
    world.calm()


def set_faults(world, platform, method, path, faults=None, nth=1):
    """Every other request that fits meets a fault, one after the other: more in a row, and the platform counts as down,
    where one request a minute tells whether it still is."""
    world.sandbox("POST", "/faults", [dict(f, platform=platform, method=method, path=path, nth=nth + 2 * n)
                                      for n, f in enumerate(faults or FAULTS)])


def fired(world):
    return [(title(f), f["fired"]) for f in world.sandbox("GET", "/faults")]


def in_order_and_once(world, side, conversation, lines):
    shown = [t.split(": ")[-1] for t in world.texts(side, conversation)]
    assert [t for t in shown if t in lines] == lines


def all_there(world, side, texts):
    def done():
        there = {m["text"].split(": ")[-1] for t in world.threads(side) for m in t["messages"] if m["by_relay"]}
        missing = [t for t in texts if t not in there]
        assert not missing, missing
        return True
    eventually(done, "everything at %s" % side, LONG, 0.5)


STEPS_UP = {
    "smartify": [("chatwoot", "POST", "/contacts$"), ("chatwoot", "POST", "/conversations$"),
                 ("chatwoot", "POST", "/contact_inboxes/filter$")],
    "chatwoot": [("smartify", "POST", "/signinWithCustomToken$"), ("smartify", "POST", "/messages$")],
}


def test_first_messages(world):
    """Making the contact, the conversation, the message: whatever is lost, there is one of each. All steps fail at the
    same time; whom it meets is chance, and some it meets several times."""
    for n, step in enumerate(STEPS_UP[world.customers]):
        set_faults(world, *step, faults=[f for f in FAULTS if n == 0 or f != UNTIL_THE_NEXT_MINUTE])
    people = [unique("person") for _ in range(2 * len(FAULTS))]
    lines = {p: [unique("first"), unique("second")] for p in people}
    mine = {p: world.ask(p, lines[p][0], name=p)["conversation"] for p in people}
    for person in people:
        world.ask(person, lines[person][1], conversation=mine[person])
    all_there(world, world.agents, [t for two in lines.values() for t in two])
    assert [f for f in fired(world) if not f[1]] == []
    there = {}
    for person in people:
        copies = [world.copies(world.agents, line) for line in lines[person]]
        assert [len(c) for c in copies] == [1, 1], (person, copies)
        there[person] = copies[0][0][0]
        assert copies[1][0][0] == there[person]
        if world.customers == "chatwoot":       # Smartify announces messages that overlap in any order
            in_order_and_once(world, world.agents, there[person], lines[person])
    assert len(world.threads(world.agents)) == len(people)
    if world.agents == "chatwoot":
        assert sorted(c["name"] for c in world.state("chatwoot")["contacts"]) == sorted(people)
    down = {p: unique("back") for p in people}
    for person, text in down.items():
        world.answer(there[person], text)
    all_there(world, world.customers, list(down.values()))
    for person, text in down.items():
        assert world.copies(world.customers, text)[0][0] == mine[person]


def converse(world, count):
    """That many conversations, each with a word both ways."""
    people = [unique("person") for _ in range(count)]
    first = {p: unique("hello") for p in people}
    mine = {p: world.ask(p, first[p], name=p)["conversation"] for p in people}
    all_there(world, world.agents, list(first.values()))
    return people, mine, {p: world.copies(world.agents, first[p])[0][0] for p in people}


@pytest.mark.parametrize("direction", ["up", "down"])
def test_later_messages(world, direction):
    """Two lines per conversation; the first meets the fault, the second must not overtake it."""
    people, mine, theirs = converse(world, len(FAULTS))
    to = world.agents if direction == "up" else world.customers
    set_faults(world, to, "POST", "/messages$")
    lines = {p: [unique("one"), unique("two"), unique("three")] for p in people}
    for n in range(3):
        for person in people:
            if direction == "up":
                world.ask(person, lines[person][n], conversation=mine[person], wait=True)
            else:
                world.answer(theirs[person], lines[person][n], wait=True)
    all_there(world, to, [t for all in lines.values() for t in all])
    assert [f for f in fired(world) if not f[1]] == []
    for person in people:
        in_order_and_once(world, to, (theirs if direction == "up" else mine)[person], lines[person])
    judged = world.judge()
    assert not judged["up"]["duplicates"] and not judged["down"]["duplicates"], judged


def test_steps_before_an_answer(world):
    """Reopening and taking over, where the customers' side is Smartify: done at least once, and the answer once."""
    if world.customers != "smartify":
        pytest.skip("Chatwoot needs neither")
    bots = world.sandbox.ready["smartify_bot_department"]
    for method, path in (("PUT", "/reopen$"), ("POST", "/participants$")):
        people = [unique("person") for _ in range(2 * len(FAULTS))]
        first = {p: unique("hello") for p in people}
        mine = {p: world.ask(p, first[p], name=p, department=bots)["conversation"] for p in people}
        all_there(world, "chatwoot", list(first.values()))
        theirs = {p: world.copies("chatwoot", first[p])[0][0] for p in people}
        if method == "PUT":
            for person in people:
                world.act("smartify", "close", mine[person])
            eventually(lambda: world.pending() == 0, "the relay has been told")
        set_faults(world, "smartify", method, path)
        lines = {p: [unique("one"), unique("two")] for p in people}
        for n in range(2):
            for person in people:
                world.answer(theirs[person], lines[person][n], wait=True)
        all_there(world, "smartify", [t for two in lines.values() for t in two])
        assert [f for f in fired(world) if not f[1]] == []
        for person in people:
            in_order_and_once(world, "smartify", mine[person], lines[person])
            request = world.smartify_request(mine[person])
            assert request["status"] < 1000
        world.calm()


def test_nothing_is_parked_and_nothing_twice(world):
    """The verdict over all that this world has seen."""
    world.all_arrived(LONG)
    assert world.parked() == []
