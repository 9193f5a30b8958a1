"""Callbacks that never came: what they would have told is found by reading, passed on once and in order, and counted."""

import json
import os
import shutil
import subprocess

import pytest

from world import BIN, eventually, request, unique

ON = {"reconcile": "1m"}


def tieline(world, *args, code=0):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("TIELINE_")}
    ran = subprocess.run([BIN, *args, "-c", world.relay.config], env=clean, timeout=120, capture_output=True, text=True)
    assert ran.returncode == code, (args, ran.returncode, ran.stdout, ran.stderr)
    return ran


def reconcile(world, *args, code=0):
    """The sweeps of both ends, by name."""
    found = json.loads(tieline(world, "reconcile", "--json", *args, code=code).stdout)
    return {item["endpoint"]: item for item in found["items"]}


def repaired(world):
    lines = request(world.admin, "GET", "/metrics").body.decode().splitlines()
    return sum(int(line.split()[-1]) for line in lines if line.startswith("tieline_repaired_total{"))


@pytest.mark.parametrize("customers", ["smartify", "chatwoot"])
def test_lost_callbacks(make_world, customers):
    """Some of a conversation's, on both sides; what is missing is counted first, then found, in order."""
    world = make_world(customers)
    talk = world.talk()
    talk.fence()
    world.mode(drop=1.0)
    up, down = [unique("lost") for _ in range(3)], [unique("lost") for _ in range(2)]
    for text in up:
        talk.ask(text, wait=True)
    for text in down:
        talk.answer(text, wait=True)
    world.mode(drop=0)
    missing = reconcile(world, "--dry-run", code=1)
    ends = {"smartify": "shop", "chatwoot": "desk"}
    assert missing[ends[world.customers]]["missing"] == 3 and missing[ends[world.agents]]["missing"] == 2
    assert not world.copies(world.agents, up[0]) and repaired(world) == 0
    done = reconcile(world)
    assert done[ends[world.customers]]["repaired"] == 3 and done[ends[world.agents]]["repaired"] == 2
    assert world.arrives(world.agents, up[-1]) == talk.theirs
    assert world.arrives(world.customers, down[-1]) == talk.mine
    shown = [t.split(": ")[-1] for t in world.texts(world.agents, talk.theirs)]
    assert [t for t in shown if t in up] == up
    assert repaired(world) == 5
    # Once more there is nothing to do, and what was found is told.
    again = reconcile(world)
    assert {item["repaired"] for item in again.values()} == {0} and repaired(world) == 5
    status = json.loads(tieline(world, "status", "--json").stdout)
    assert status["bridges"][0]["repaired_24h"] == 5
    assert "callbacks_lost" in {p["kind"] for p in status["problems"]}
    assert "at=repaired" in world.relay.log()
    talk.fence()


@pytest.mark.parametrize("customers", ["smartify", "chatwoot"])
def test_a_first_message_and_a_closing(make_world, customers):
    """Nobody told of the person, of the conversation, nor that it was resolved."""
    world = make_world(customers, bridge={"reopen": "always"})
    known = world.talk()
    known.fence()
    world.mode(drop=1.0)
    person, first, second = unique("person"), unique("first"), unique("second")
    mine = world.ask(person, first, wait=True)["conversation"]
    world.ask(person, second, conversation=mine, wait=True)
    world.act(world.agents, {"smartify": "close", "chatwoot": "resolve"}[world.agents], known.theirs)
    world.mode(drop=0)
    reconcile(world)
    theirs = world.arrives(world.agents, first)
    assert theirs != known.theirs and world.arrives(world.agents, second) == theirs
    # That it was resolved is known now: the next message opens it.
    assert known.up() == known.theirs
    thread = world.thread(world.agents, known.theirs)["status"]
    assert thread == "open" if world.agents == "chatwoot" else thread < 1000
    world.all_arrived()


@pytest.mark.parametrize("customers", ["smartify", "chatwoot"])
def test_by_itself_after_a_restart(make_world, customers):
    """What was said while it was away, and no callback is repeated for."""
    world = make_world(customers, shop=ON, desk=ON)
    talk = world.talk()
    talk.fence()
    assert world.relay.stop() == 0
    texts = [unique("away") for _ in range(4)]
    for text in texts:
        talk.ask(text)
    answer = unique("away")
    talk.answer(answer)
    eventually(lambda: world.pending() == 0, "nobody calls back any more")
    world.relay.start()
    assert world.arrives(world.agents, texts[-1]) == talk.theirs
    assert world.arrives(world.customers, answer) == talk.mine
    shown = [t.split(": ")[-1] for t in world.texts(world.agents, talk.theirs)]
    assert [t for t in shown if t in texts] == texts
    talk.fence()
    world.all_arrived()


def test_a_callback_that_is_late(make_world):
    """The sweep was quicker: the callback is a duplicate."""
    world = make_world()
    talk = world.talk()
    talk.fence()
    world.mode(hold=True)
    text, answer = unique("held"), unique("held")
    talk.ask(text)
    talk.answer(answer)
    reconcile(world)
    world.arrives("chatwoot", text)
    world.arrives("smartify", answer)
    world.mode(hold=False)
    world.all_arrived()
    assert len(world.copies("chatwoot", text)) == len(world.copies("smartify", answer)) == 1


@pytest.mark.parametrize("customers", ["smartify", "chatwoot"])
def test_a_third_of_all_callbacks(make_world, customers):
    """Of thirty conversations with six messages each way."""
    world = make_world(customers, sandbox=("--no-limits",))
    talks = [world.talk() for _ in range(30)]
    world.mode(drop=0.33)
    for n in range(6):
        for talk in talks:
            talk.ask(unique("up"))
            talk.answer(unique("down"))
    eventually(lambda: world.pending() == 0, "all that will be called back was")
    world.mode(drop=0)
    reconcile(world)
    def all_there():
        j = world.judge()
        return j["up"]["missing"] == 0 and j["down"]["missing"] == 0
    eventually(all_there, "everything has arrived")
    j = world.judge()
    assert j["up"]["duplicates"] == j["down"]["duplicates"] == 0 and j["up"]["split"] == 0, j
    assert j["up"]["unexpected"] == j["down"]["unexpected"] == 0
    assert repaired(world) > 30


@pytest.mark.parametrize("platform, fault", [
    ("chatwoot", {"action": "status", "status": 500}), ("smartify", {"action": "status", "status": 500}),
    ("chatwoot", {"action": "html", "status": 502}), ("smartify", {"action": "drop_request"}),
    ("chatwoot", {"action": "truncate"}), ("smartify", {"action": "truncate"}),
    ("chatwoot", {"action": "status", "status": 429, "headers": {"Retry-After": "1"}}),
    ("smartify", {"action": "status", "status": 401, "body": "Unauthorized"}),
])
def test_faults_of_reading(make_world, platform, fault):
    """The first page of each kind fails once."""
    world = make_world()
    talk = world.talk()
    talk.fence()
    world.mode(drop=1.0)
    text, answer = unique("lost"), unique("lost")
    talk.ask(text, wait=True)
    talk.answer(answer, wait=True)
    world.mode(drop=0)
    list_path = "/conversations$" if platform == "chatwoot" else "/requests$"
    world.fault(platform, "GET", list_path, **fault)
    world.fault(platform, "GET", "/messages$", **fault)
    reconcile(world)
    assert world.arrives("chatwoot", text) == talk.theirs
    assert world.arrives("smartify", answer) == talk.mine
    talk.fence()


@pytest.mark.parametrize("args, code, words", [
    (["--since", "yesterday"], 64, "allowed: a time like"),
    (["nowhere"], 66, 'there is none called "nowhere"'),
    (["--dry"], 64, "unknown option"),
])
def test_usage(shop, args, code, words):
    assert words in tieline(shop, "reconcile", *args, code=code).stderr


def test_without_a_relay(make_world):
    world = make_world()
    assert world.relay.stop() == 0
    assert "no relay" in tieline(world, "reconcile", code=69).stderr


@pytest.mark.parametrize("customers", ["smartify", "chatwoot"])
def test_an_older_store_is_put_back(make_world, customers):
    """What it does not remember is read again, and found at the other side before it is sent."""
    world = make_world(customers, shop=ON, desk=ON)
    talk = world.talk()
    talk.fence()
    world.relay.stop()
    copy = world.relay.store + ".old"
    shutil.copy(world.relay.store, copy)
    world.relay.start()
    for _ in range(3):
        talk.up()
        talk.down()
    other = world.talk()
    other.fence()
    world.relay.stop()
    for end in ("-wal", "-shm"):
        if os.path.exists(world.relay.store + end):
            os.unlink(world.relay.store + end)
    os.replace(copy, world.relay.store)
    world.relay.start()
    talk.fence()
    other.fence()
    eventually(lambda: repaired(world) >= 6, "what was forgotten is read")
    talk.fence()
    world.all_arrived()
