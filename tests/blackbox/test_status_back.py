"""What agents see of their own messages: delivered or failed, as the sandbox itself has it on record."""

import json
import os
import signal
import subprocess

import pytest

from world import BIN, eventually, unique

NO = json.dumps({"success": False, "msg": "text is not allowed"})
TOO_LONG = json.dumps({"error": "Validation failed: Content is too long (maximum is 150000 characters)"})


def message(world, id):
    """The desk's own record of a message."""
    for conversation in world.state("chatwoot")["conversations"]:
        for m in conversation["messages"]:
            if m["id"] == id:
                return m
    raise AssertionError("no message %s" % id)


def shows(world, id, status):
    """Waits until the desk shows it so; the error beside it, None: there is none."""
    eventually(lambda: message(world, id)["status"] == status, "message %s is shown as %s" % (id, status))
    return message(world, id)["content_attributes"].get("external_error")


def reports(world, id):
    """How often the relay has set its state."""
    return len([r for r in world.requests("/messages/%s$" % id, platform="chatwoot") if r["method"] == "PATCH"])


def notes(world, side):
    return [m["text"] for t in world.threads(side) for m in t["messages"] if m["private"] and m["by_relay"]]


def refuse(world, count=1):
    world.fault("smartify", "POST", "/messages$", "status", status=422, body=NO, count=count,
                headers={"Content-Type": "application/json"})


def answer(world, talk, text=None):
    """An agent writes; the message's id at the desk."""
    return talk.answer(text or unique("answer"))["message"]


def tieline(world, *args):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("TIELINE_")}
    ran = subprocess.run([BIN, *args, "-c", world.relay.config], env=clean, timeout=60, capture_output=True, text=True)
    assert ran.returncode == 0, (args, ran.stdout, ran.stderr)
    return ran.stdout


def test_delivered(shop):
    talk, text = shop.talk(), unique("answer")
    before = len(notes(shop, "chatwoot"))
    id = answer(shop, talk, text)
    assert shop.arrives("smartify", text) == talk.mine
    assert shows(shop, id, "delivered") is None
    talk.fence()
    assert reports(shop, id) == 1 and len(notes(shop, "chatwoot")) == before
    # The customer's own message is not the agents': nothing is said of it.
    theirs = [m for m in shop.thread("chatwoot", talk.theirs)["messages"] if m["who"] == "customer"]
    assert theirs and all(reports(shop, m["id"]) == 0 for m in theirs)


def test_failed_and_put_back(shop):
    talk, text = shop.talk(), unique("answer")
    talk.fence()
    refuse(shop)
    id = answer(shop, talk, text)
    error = shows(shop, id, "failed")
    assert error.startswith("Not delivered: the other platform refused it") and "text is not allowed" in error
    assert len(error) <= 200 and talk.person not in error
    note = eventually(lambda: [m for m in shop.chatwoot_conversation(talk.theirs)["messages"]
                               if m["private"]], "a note in the conversation")
    assert len(note) == 1 and note[0]["content"] == error
    assert note[0]["content_attributes"]["in_reply_to"] == id
    shop.calm()
    talk.fence()        # the lane goes on, and the note goes nowhere
    assert not shop.copies("smartify", "Not delivered")
    item = json.loads(tieline(shop, "parked", "--json").splitlines()[0])
    tieline(shop, "parked", "retry", item["id"])
    assert shop.arrives("smartify", text) == talk.mine
    assert shows(shop, id, "delivered") is None
    assert reports(shop, id) == 2


def test_retry_at_the_dashboard(shop):
    talk, text = shop.talk(), unique("answer")
    talk.fence()
    refuse(shop)
    id = answer(shop, talk, text)
    assert shows(shop, id, "failed").startswith("Not delivered")
    shop.calm()
    shop.act("chatwoot", "retry", message=id)
    assert shop.arrives("smartify", text) == talk.mine
    assert shows(shop, id, "delivered") is None
    # Of what has arrived it makes nothing twice.
    shop.act("chatwoot", "retry", message=id)
    talk.fence()
    assert len(shop.copies("smartify", text)) == 1


def test_own_timeout_is_corrected(make_world):
    """The relay was frozen for longer than the desk waits: shown as failed, and delivered all the same."""
    world = make_world()
    talk, text = world.talk(), unique("answer")
    talk.fence()
    world.sandbox("PUT", "/settings", {"platform": "chatwoot", "callback_timeout": 0.5})
    os.kill(world.relay.process.pid, signal.SIGSTOP)
    try:
        id = answer(world, talk, text)
        assert "ReadTimeout" in shows(world, id, "failed")
    finally:
        os.kill(world.relay.process.pid, signal.SIGCONT)
    world.sandbox("PUT", "/settings", {"platform": "chatwoot", "callback_timeout": 5})
    assert world.arrives("smartify", text) == talk.mine
    assert shows(world, id, "delivered") is None
    # It was delivered and shown so before the desk overruled it.
    world.act("chatwoot", "mark", message=id, status="failed", error="Net::ReadTimeout with #<TCPSocket:(closed)>")
    assert shows(world, id, "delivered") is None
    # So with a customer's message, whose echo it gave up.
    theirs = [m for m in world.thread("chatwoot", talk.theirs)["messages"] if m["who"] == "customer"][-1]["id"]
    world.act("chatwoot", "mark", message=theirs, status="failed", error="503 Service Unavailable")
    assert shows(world, theirs, "sent") is None
    talk.fence()
    assert len(world.copies("smartify", text)) == 1
    world.all_arrived()
    assert world.judge()["failed_marks"] == 0


def test_killed_before_it_is_told(make_world):
    world = make_world()
    talk = world.talk()
    talk.fence()
    world.fault("chatwoot", "PATCH", "/messages/", "drop_request", count=0)
    arrived, failed = unique("arrived"), unique("failed")
    first = answer(world, talk, arrived)
    world.arrives("smartify", arrived)
    refuse(world)
    second = answer(world, talk, failed)
    eventually(world.parked, "it is parked")
    world.relay.kill()
    assert message(world, first)["status"] == message(world, second)["status"] == "sent"
    world.calm()
    world.relay.start()
    assert shows(world, first, "delivered") is None
    assert shows(world, second, "failed").startswith("Not delivered")
    # Before a note is sent again a late commit of the first must be over.
    eventually(lambda: len(notes(world, "chatwoot")) == 1, "one note", 90)
    talk.fence()
    assert len(notes(world, "chatwoot")) == 1


def test_refused_is_left_alone(shop):
    """The desk says there is no such message: it is asked once, and all goes on."""
    talk, text = shop.talk(), unique("answer")
    talk.fence()
    shop.fault("chatwoot", "PATCH", "/messages/", "status", status=404, count=0,
               body=json.dumps({"error": "Resource could not be found"}), headers={"Content-Type": "application/json"})
    id = answer(shop, talk, text)
    shop.arrives("smartify", text)
    eventually(lambda: reports(shop, id) == 1, "it was told")
    talk.fence()
    talk.fence()
    assert reports(shop, id) == 1
    eventually(lambda: not shop.query("SELECT * FROM errand WHERE due = 1"), "nothing is owed any more")


def test_gap_of_the_customer(shop):
    talk, text = shop.talk(), unique("refused")
    talk.fence()
    before = len(notes(shop, "chatwoot"))
    shop.fault("chatwoot", "POST", "/messages$", "status", status=422, body=TOO_LONG, count=1,
               headers={"Content-Type": "application/json"})
    talk.ask(text)
    eventually(lambda: len(notes(shop, "chatwoot")) == before + 1, "a note")
    assert "could not be shown here: it is too long" in notes(shop, "chatwoot")[-1]
    talk.fence()
    item = json.loads(tieline(shop, "parked", "--json").splitlines()[0])
    tieline(shop, "parked", "drop", item["id"])


def test_note_at_the_other_desk(site):
    """Smartify shows no state of a message: there the note is all, and only the team sees it."""
    talk, text = site.talk(), unique("refused")
    talk.fence()
    site.fault("chatwoot", "POST", "/messages$", "status", status=422, body=TOO_LONG, count=1,
               headers={"Content-Type": "application/json"})
    talk.answer(text)
    eventually(lambda: notes(site, "smartify"), "a note")
    site.calm()
    talk.fence()
    assert len(notes(site, "smartify")) == 1 and notes(site, "smartify")[0].startswith("Not delivered: ")
    assert not site.copies("chatwoot", "Not delivered")
    item = json.loads(tieline(site, "parked", "--json").splitlines()[0])
    tieline(site, "parked", "drop", item["id"])


@pytest.mark.parametrize("options, status, noted", [
    ({"receipts": "failures"}, "sent", 1), ({"receipts": "none", "failure_notice": "none"}, "sent", 0),
    ({"failure_notice": "none"}, "delivered", 0)])
def test_as_the_bridge_says(make_world, options, status, noted):
    world = make_world(bridge=options)
    talk, text = world.talk(), unique("answer")
    id = answer(world, talk, text)
    world.arrives("smartify", text)
    refuse(world)
    bad = answer(world, talk)
    eventually(world.parked, "it is parked")
    world.calm()
    talk.fence()
    last = answer(world, talk, unique("last"))
    if status == "delivered":
        shows(world, last, "delivered")
    else:
        eventually(lambda: not world.query("SELECT * FROM errand WHERE due = 1"), "nothing is owed any more")
    assert message(world, id)["status"] == status
    wants_marks = options.get("receipts") != "none"
    assert (shows(world, bad, "failed") if wants_marks else message(world, bad)["status"]) != "failed"
    assert message(world, bad)["status"] == ("failed" if wants_marks else "sent")
    assert len(notes(world, "chatwoot")) == noted
