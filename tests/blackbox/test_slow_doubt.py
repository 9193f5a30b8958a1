"""Every way an answer can be lost, at every step that creates something: each message arrives once, in order.

One world per role assignment, and both are played in at the same time; every fault has a conversation of its own, so
that the waits of all overlap: a doubt is looked at only after the time the far side may still need to write."""

from concurrent.futures import ThreadPoolExecutor

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


@pytest.fixture(scope="module")
def worlds():
    made = [World(customers, sandbox=("--no-limits",), shop={"timeout": TIMEOUT, "concurrency": 64},
                  desk={"timeout": TIMEOUT, "concurrency": 64}) for customers in ("smartify", "chatwoot")]
    yield made
    for world in made:
        world.end()


@pytest.fixture(autouse=True)
def calm(worlds):
    yield
    for world in worlds:
        world.calm()


def at_once(play, *rows):
    """play(*row) of each row, all at the same time; what the first of them says that fails."""
    with ThreadPoolExecutor(len(rows)) as pool:
        for done in [pool.submit(play, *row) for row in rows]:
            done.result()


def set_faults(world, platform, method, path, faults=None, nth=1):
    """Every other request that fits meets a fault, one after the other: more in a row, and the platform counts as down,
    where one request a minute tells whether it still is."""
    world.sandbox("POST", "/faults", [dict(f, platform=platform, method=method, path=path, nth=nth + 2 * n)
                                      for n, f in enumerate(faults or FAULTS)])


def fired(world):
    return [(title(f), f["fired"]) for f in world.sandbox("GET", "/faults")]


def words(message):
    return (message["text"] or "").split(": ")[-1]


def in_order_and_once(world, side, lines):
    """lines: of each conversation there."""
    for thread in world.threads(side):
        if thread["id"] in lines:
            shown = [words(m) for m in thread["messages"] if m["who"] != "system"]
            wanted = lines.pop(thread["id"])
            assert [t for t in shown if t in wanted] == wanted
    assert not lines


def places(world, side):
    """In which conversations the relay wrote what, once for each copy."""
    out = {}
    for thread in world.threads(side):
        for message in thread["messages"]:
            if message["by_relay"]:
                out.setdefault(words(message), []).append(thread["id"])
    return out


def all_there(world, side, texts):
    def done():
        there = places(world, side)
        missing = [t for t in texts if t not in there]
        assert not missing, missing
        return True
    eventually(done, "everything at %s" % side, LONG, 0.5)


def each(people, does):
    """All of them at the same time, and none is waited for by another."""
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(does, people))


STEPS_UP = {
    "smartify": [("chatwoot", "POST", "/contacts$"), ("chatwoot", "POST", "/conversations$"),
                 ("chatwoot", "POST", "/contact_inboxes/filter$")],
    "chatwoot": [("smartify", "POST", "/signinWithCustomToken$"), ("smartify", "POST", "/messages$")],
}


def test_first_messages(worlds):
    """Making the contact, the conversation, the message: whatever is lost, there is one of each. All steps fail at the
    same time; whom it meets is chance, and some it meets several times."""
    at_once(first_messages, *[(world,) for world in worlds])


def first_messages(world):
    for n, step in enumerate(STEPS_UP[world.customers]):
        set_faults(world, *step, faults=[f for f in FAULTS if n == 0 or f != UNTIL_THE_NEXT_MINUTE])
    people = [unique("person") for _ in range(2 * len(FAULTS))]
    lines = {p: [unique("first"), unique("second")] for p in people}
    mine = {p: world.ask(p, lines[p][0], name=p)["conversation"] for p in people}
    for person in people:
        world.ask(person, lines[person][1], conversation=mine[person])
    all_there(world, world.agents, [t for two in lines.values() for t in two])
    assert [f for f in fired(world) if not f[1]] == []
    found = places(world, world.agents)
    copies = {p: [found[line] for line in lines[p]] for p in people}
    there = {p: copies[p][0][0] for p in people}
    assert [(p, c) for p, c in copies.items() if c != [[there[p]], [there[p]]]] == []
    if world.customers == "chatwoot":       # Smartify announces messages that overlap in any order
        in_order_and_once(world, world.agents, {there[p]: lines[p] for p in people})
    assert len(world.threads(world.agents)) == len(people)
    if world.agents == "chatwoot":
        assert sorted(c["name"] for c in world.state("chatwoot")["contacts"]) == sorted(people)
    down = {p: unique("back") for p in people}
    for person, text in down.items():
        world.answer(there[person], text)
    all_there(world, world.customers, list(down.values()))
    found = places(world, world.customers)
    assert {p: found[text] for p, text in down.items()} == {p: [mine[p]] for p in people}


def converse(world, count, **more):
    """That many conversations, which the agents have heard of."""
    people = [unique("person") for _ in range(count)]
    first = {p: unique("hello") for p in people}
    mine = {p: world.ask(p, first[p], name=p, **more)["conversation"] for p in people}
    all_there(world, world.agents, list(first.values()))
    found = places(world, world.agents)
    return people, mine, {p: found[first[p]][0] for p in people}


def later_messages(world, direction, people, mine, theirs):
    to = world.agents if direction == "up" else world.customers
    set_faults(world, to, "POST", "/messages$")
    lines = {p: [unique("one"), unique("two"), unique("three")] for p in people}
    for n in range(3):
        if direction == "up":
            each(people, lambda p: world.ask(p, lines[p][n], conversation=mine[p], wait=True))
        else:
            each(people, lambda p: world.answer(theirs[p], lines[p][n], wait=True))
    all_there(world, to, [t for all in lines.values() for t in all])
    there = theirs if direction == "up" else mine
    in_order_and_once(world, to, {there[p]: lines[p] for p in people})


def test_later_messages(worlds):
    """Three lines per conversation and direction; the first meets the fault, the others must not overtake it."""
    talks = [converse(world, len(FAULTS)) for world in worlds]
    at_once(later_messages, *[(world, direction, *talk) for world, talk in zip(worlds, talks) for direction in ("up", "down")])
    for world in worlds:
        assert [f for f in fired(world) if not f[1]] == []
        judged = world.judge()
        assert not judged["up"]["duplicates"] and not judged["down"]["duplicates"], judged


def step_before_an_answer(world, method, path, people, mine, theirs):
    set_faults(world, "smartify", method, path)
    lines = {p: [unique("one"), unique("two")] for p in people}
    for n in range(2):
        each(people, lambda p: world.answer(theirs[p], lines[p][n], wait=True))
    all_there(world, "smartify", [t for two in lines.values() for t in two])
    in_order_and_once(world, "smartify", {mine[p]: lines[p] for p in people})
    status = {r["request_id"]: r["status"] for r in world.state("smartify")["requests"]}
    assert [p for p in people if status[mine[p]] >= 1000] == []


def test_steps_before_an_answer(worlds):
    """Reopening and taking over, where the customers' side is Smartify: done at least once, and the answer once."""
    world = worlds[0]
    bots = world.sandbox.ready["smartify_bot_department"]
    closed = converse(world, 2 * len(FAULTS), department=bots)
    fresh = converse(world, 2 * len(FAULTS), department=bots)
    for mine in closed[1].values():
        world.act("smartify", "close", mine)
    eventually(lambda: world.pending() == 0, "the relay has been told")
    at_once(step_before_an_answer, (world, "PUT", "/reopen$", *closed), (world, "POST", "/participants$", *fresh))
    assert [f for f in fired(world) if not f[1]] == []


def test_nothing_is_parked_and_nothing_twice(worlds):
    """The verdict over all that these worlds have seen."""
    for world in worlds:
        world.all_arrived(LONG)
        assert world.parked() == []
