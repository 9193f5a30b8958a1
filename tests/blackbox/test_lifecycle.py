"""Resolved and opened again, at both sides: what became of the conversations, and what was asked for, is on the
sandbox's record."""

import json
import os
import subprocess

import pytest

from world import BIN, OTHER, eventually, unique

CLOSE = {"smartify": "close", "chatwoot": "resolve"}
ASKED = {"smartify": "/(close|reopen)$", "chatwoot": "/toggle_status$"}


def tieline(world, *args):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("TIELINE_")}
    ran = subprocess.run([BIN, *args, "-c", world.relay.config], env=clean, timeout=60, capture_output=True, text=True)
    assert ran.returncode == 0, (args, ran.stdout, ran.stderr)
    return ran.stdout


def is_open(world, side, conversation):
    status = world.thread(side, conversation)["status"]
    return status < 1000 if side == "smartify" else status == "open"


def at(world, talk, side):
    return talk.mine if side == world.customers else talk.theirs


def asked(world, talk, side):
    """How often the relay has asked for another state there."""
    id = str(at(world, talk, side))
    return len([r for r in world.requests(ASKED[side], platform=side) if "/%s/" % id in r["path"]])


def both_are(world, talk, open):
    for side in (world.customers, world.agents):
        eventually(lambda: is_open(world, side, at(world, talk, side)) is open,
                   "%s is %s" % (side, "open" if open else "closed"))


def turn(world, talk, side, open):
    world.act(side, "reopen" if open else CLOSE[side], at(world, talk, side))


def is_quiet(world):
    """Nothing waits anywhere, and no callback is under way."""
    def done():
        assert world.query("SELECT count(*) FROM delivery WHERE state < 10") == [(0,)]
        assert world.query("SELECT count(*) FROM event WHERE routed = 0") == [(0,)]
        return world.pending() == 0
    eventually(done, "all is quiet")


@pytest.mark.parametrize("side", ["smartify", "chatwoot"])
def test_one_side_follows_the_other(either, side):
    talk = either.talk()
    talk.fence()
    for open in (False, True, False, True):
        turn(either, talk, side, open)
        both_are(either, talk, open)
        is_quiet(either)
    both_are(either, talk, True)
    assert asked(either, talk, OTHER[side]) == 4 and asked(either, talk, side) == 0
    talk.fence()


def test_waiting_is_nobody_elses(either):
    talk = either.talk()
    talk.fence()
    for state in ("snoozed", "open", "pending", "open"):
        either.act("chatwoot", state, at(either, talk, "chatwoot"))
        eventually(lambda: either.pending() == 0, "it was told")
    is_quiet(either)
    assert is_open(either, "smartify", at(either, talk, "smartify"))
    assert asked(either, talk, "smartify") == asked(either, talk, "chatwoot") == 0


def test_behind_the_last_words(shop):
    """The other side is not to be had while the last words are said and the conversation is closed."""
    talk, last = shop.talk(), unique("bye")
    talk.fence()
    shop.fault("smartify", "POST", "/messages$", "drop_answer", count=1)
    talk.answer(last)
    turn(shop, talk, "chatwoot", False)
    shop.arrives("smartify", last)
    both_are(shop, talk, False)
    is_quiet(shop)
    lines = [m["text"] for m in shop.thread("smartify", talk.mine)["messages"]]
    assert lines.index(last) < lines.index("Chat closed") and lines.count("Chat closed") == 1


def test_both_at_once(either):
    talk = either.talk()
    talk.fence()
    for open in (False, True, False):
        for side in (either.customers, either.agents):
            turn(either, talk, side, open)
        both_are(either, talk, open)
        is_quiet(either)
        both_are(either, talk, open)


def test_his_word_counts(either):
    """He writes while the desk resolves."""
    talk, word = either.talk(), unique("wait")
    talk.fence()
    turn(either, talk, either.agents, False)
    talk.ask(word)
    assert either.arrives(either.agents, word) == talk.theirs
    is_quiet(either)
    assert is_open(either, either.agents, talk.theirs)
    talk.fence()
    both_are(either, talk, True)


@pytest.mark.parametrize("action", ["drop_request", "drop_answer"])
def test_killed_meanwhile(make_world, action):
    world = make_world()
    talk = world.talk()
    talk.fence()
    world.fault("smartify", "PUT", "/close$", action, count=1)
    turn(world, talk, "chatwoot", False)
    eventually(lambda: asked(world, talk, "smartify") == 1, "it was asked for")
    world.relay.kill()
    world.relay.start()
    both_are(world, talk, False)
    is_quiet(world)
    lines = [m["text"] for m in world.thread("smartify", talk.mine)["messages"]]
    assert lines.count("Chat closed") == 1
    assert talk.up() == talk.theirs


def test_told_while_it_was_away(make_world):
    """Resolved while the relay is down: the comparison finds it."""
    world = make_world("chatwoot", desk={"reconcile": "1m"})
    talk = world.talk()
    talk.fence()
    world.relay.kill()
    turn(world, talk, "chatwoot", False)
    eventually(lambda: world.pending() == 0, "nobody took the callback")
    world.relay.start()
    both_are(world, talk, False)


def test_one_way(make_world):
    world = make_world(bridge={"status": "to_customers"})
    talk = world.talk()
    talk.fence()
    turn(world, talk, "smartify", False)
    eventually(lambda: world.pending() == 0, "it was told")
    is_quiet(world)
    assert is_open(world, "chatwoot", talk.theirs)
    turn(world, talk, "smartify", True)
    turn(world, talk, "chatwoot", False)
    both_are(world, talk, False)


def test_refused_is_parked(make_world):
    """Like a message: shown, and put back."""
    world = make_world()
    talk = world.talk()
    talk.fence()
    world.fault("smartify", "PUT", "/close$", "status", status=422, count=1, body='{"success":false,"msg":"no"}',
                headers={"Content-Type": "application/json"})
    turn(world, talk, "chatwoot", False)
    eventually(lambda: world.parked(), "it is parked")
    item = json.loads(tieline(world, "parked", "--json").splitlines()[0])
    assert (item["reason"], item["kind"], item["state"]) == ("invalid", "conversation", "resolved")
    assert "[conversation resolved]" in tieline(world, "parked", "show", item["id"])
    assert "[conversation resolved]" in tieline(world, "parked")
    assert "set_status" in tieline(world, "trace", item["id"])
    tieline(world, "parked", "retry", item["id"])
    both_are(world, talk, False)
    is_quiet(world)


# -- deleted --------------------------------------------------------------------------------------------------


def notes(world, side):
    return [m["text"] for t in world.threads(side) for m in t["messages"] if m["private"] and m["by_relay"]]


def test_deleted_by_the_agent(make_world):
    """The customer's platform cannot delete: the agent is told, the customer sees nothing of it."""
    world = make_world()
    talk, text = world.talk(), unique("regretted")
    talk.fence()
    id = talk.answer(text)["message"]
    world.arrives("smartify", text)
    before = world.texts("smartify", talk.mine)
    world.act("chatwoot", "erase", message=id)
    note = eventually(lambda: [m for m in world.chatwoot_conversation(talk.theirs)["messages"] if m["private"]],
                      "the agent is told")
    assert len(note) == 1 and "the customer still sees it" in note[0]["content"]
    assert note[0]["content_attributes"]["in_reply_to"] == id
    is_quiet(world)
    assert world.texts("smartify", talk.mine) == before and len(notes(world, "chatwoot")) == 1


def test_deleted_before_it_left(make_world):
    world = make_world()
    talk, text = world.talk(), unique("regretted")
    talk.fence()
    # So long that it is not on its way again before the deletion is known.
    world.fault("smartify", "POST", "/messages$", "status", status=503, headers={"Retry-After": "3"}, count=0)
    id = talk.answer(text)["message"]
    eventually(lambda: world.query("SELECT count(*) FROM delivery WHERE state = 2") == [(1,)], "it waits")
    world.act("chatwoot", "erase", message=id)
    eventually(lambda: world.query("SELECT count(*) FROM delivery WHERE flags & 128") == [(1,)], "it is taken back")
    world.calm()
    is_quiet(world)
    talk.fence()
    assert not world.copies("smartify", text) and not notes(world, "chatwoot")


def test_deleted_at_the_customers_side(make_world):
    world = make_world("chatwoot")
    talk, text = world.talk(), unique("regretted")
    talk.fence()
    id = talk.ask(text)["message"]
    world.arrives("smartify", text)
    world.act("chatwoot", "erase", message=id)
    eventually(lambda: notes(world, "smartify") == ["The customer deleted this message."], "the agents are told")
    is_quiet(world)
    talk.fence()
    assert len(notes(world, "smartify")) == 1


# -- typing ---------------------------------------------------------------------------------------------------


def typing_requests(world):
    return [r for r in world.requests("/toggle_typing$", platform="chatwoot") if r["path"].startswith("/public/")]


def test_the_customer_types(make_world):
    world = make_world()
    talk = world.talk()
    talk.fence()
    for _ in range(5):
        world.act("smartify", "types", talk.mine, by=talk.person)
    asked = eventually(lambda: typing_requests(world), "the agents see it")
    assert asked[0]["status"] == 200 and "/conversations/%d/" % talk.theirs in asked[0]["path"]
    eventually(lambda: world.pending() == 0, "all were told")
    assert len(typing_requests(world)) == 1
    # An agent's typing shows nowhere at Smartify, and the echo of ours is nobody's business.
    talk.fence()
    assert len(typing_requests(world)) == 1
    assert not [r for r in world.requests("typing", platform="smartify")]
    # Over by itself.
    eventually(lambda: len(typing_requests(world)) == 2, "it is over")


def test_typing_while_a_message_waits(make_world):
    world = make_world()
    talk, text = world.talk(), unique("later")
    talk.fence()
    world.fault("chatwoot", "POST", "/messages$", "status", status=429, count=1, headers={"Retry-After": "2"})
    talk.ask(text)
    eventually(lambda: world.query("SELECT count(*) FROM delivery WHERE state = 2") == [(1,)], "it waits")
    world.act("smartify", "types", talk.mine, by=talk.person)
    eventually(lambda: world.pending() == 0, "it was told")
    assert world.arrives("chatwoot", text) == talk.theirs
    assert not typing_requests(world)
