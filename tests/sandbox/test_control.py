"""Faults, people, the oracle, and a whole relay (a careless one) between the fakes."""

import http.client
import json
import os
import subprocess
import sys
import time

import pytest

from conftest import HERE, Client, Sandbox

LOST = (http.client.RemoteDisconnected, ConnectionResetError, http.client.IncompleteRead)


def fault(sandbox, **spec):
    spec.setdefault("platform", "chatwoot")
    spec.setdefault("method", "POST")
    spec.setdefault("path", "/messages")
    answer = sandbox.control("POST", "/control/faults", [spec])
    assert answer.status == 200, answer.body


@pytest.fixture
def thread(sandbox):
    said = sandbox.say(platform="chatwoot", **{"as": "customer"}, person="p", text="Hello")
    url = "/conversations/%d/messages" % said["conversation"]

    def count():
        return len([m for m in sandbox.chatwoot("GET", url).json["payload"] if m["content"] == "x"])
    return sandbox, url, count


@pytest.mark.parametrize("action,stored", [("drop_request", 0), ("reset", 0), ("drop_answer", 1), ("reset_after", 1),
                                           ("truncate", 1)])
def test_lost(thread, action, stored):
    sandbox, url, count = thread
    fault(sandbox, action=action)
    with pytest.raises(LOST):
        sandbox.chatwoot("POST", url, {"content": "x"})
    assert count() == stored
    assert sandbox.chatwoot("POST", url, {"content": "x"}).status == 200     # only the first one
    assert sandbox.control("GET", "/control/faults").json[0]["fired"] == 1


def test_answers(thread):
    sandbox, url, count = thread
    fault(sandbox, action="status", status=429, body="Retry later\n", nth=2, headers={"X-Odd": "1"})
    fault(sandbox, action="status_after_commit", status=502, nth=3)
    fault(sandbox, action="html", status=503, nth=4)
    fault(sandbox, action="delay", seconds=0.2, nth=5)
    answers = [sandbox.chatwoot("POST", url, {"content": "x"}) for _ in range(4)]
    assert [a.status for a in answers] == [200, 429, 502, 503]
    assert answers[1].body == b"Retry later\n" and answers[1].headers["X-Odd"] == "1"
    assert answers[3].headers["Content-Type"].startswith("text/html")
    assert count() == 2
    began = time.monotonic()
    assert sandbox.chatwoot("POST", url, {"content": "x"}).status == 200 and time.monotonic() - began >= 0.2


def test_late(thread):
    sandbox, url, count = thread
    fault(sandbox, action="late_commit", seconds=0.2)
    with pytest.raises(LOST):
        sandbox.chatwoot("POST", url, {"content": "x"})
    assert count() == 0
    time.sleep(0.3)
    assert count() == 1
    fault(sandbox, action="hang", nth=1, count=0)
    sandbox.chatwoot.hangs("POST", url, {"content": "x"})
    sandbox.chatwoot.hangs("POST", url, {"content": "x"})
    assert len(sandbox.control("DELETE", "/control/faults").json) == 2 and count() == 1


def test_requests_are_counted(thread):
    sandbox, url, count = thread
    count()
    seen = sandbox.control("GET", "/control/requests?path=messages").json
    assert seen["counts"]["chatwoot GET /api/v1/accounts/:a/conversations/:id/messages"] == 1
    assert seen["newest"][-1]["status"] == 200


def test_mistakes_are_answered(sandbox):
    assert sandbox.control("POST", "/control/faults", [{"action": "odd"}]).status == 400
    assert sandbox.control("POST", "/control/say", {"platform": "odd", "text": "x"}).status == 400
    assert sandbox.control("GET", "/control/odd").status == 404
    assert sandbox.control("POST", "/control/hooks/mode", {"platform": "smartify", "echo": "odd"}).status == 400


def test_page_is_served(sandbox):
    for name, kind in (("/", "text/html"), ("/page.js", "text/javascript"), ("/page.css", "text/css")):
        answer = sandbox.control("GET", name)
        assert answer.status == 200 and answer.headers["Content-Type"].startswith(kind)


def test_hold(sandbox):
    sandbox.control("POST", "/control/hooks/mode", {"platform": "smartify", "hold": True})
    sandbox.say(platform="smartify", **{"as": "customer"}, person="wab-1", text="x")
    assert sandbox.receiver.all(0.1) == []
    sandbox.control("POST", "/control/hooks/mode", {"platform": "smartify", "hold": False})
    assert sandbox.receiver.all(0.1)


def test_judge_sees(sandbox):
    """Copies made by hand: one right, one twice, one out of order, one missing, one nobody wrote."""
    texts = ["one", "two", "three", "four"]
    said = [sandbox.say(platform="smartify", **{"as": "customer"}, person="wab-1", text=t) for t in texts]
    assert len({s["conversation"] for s in said}) == 1
    contact = sandbox.chatwoot("POST", "/contacts", {"name": "x", "inbox_id": 12, "source_id": "s"}).json
    row = sandbox.chatwoot("POST", "/conversations", {"contact_id": contact["payload"]["contact"]["id"],
                                                      "inbox_id": 12, "source_id": "s"}).json["id"]
    for text in ("one", "three", "t\u200bwo", "one", "never written"):
        sandbox.chatwoot("POST", "/conversations/%d/messages" % row, {"content": text, "message_type": "incoming"})
    sandbox.say(platform="chatwoot", **{"as": "agent"}, conversation=row, text="an answer")
    sandbox.smartify("POST", "/requests/%s/messages" % said[0]["conversation"], {"text": "Marisol: an answer"})
    verdict = sandbox.control("GET", "/control/judge?threads=1").json
    up = verdict["up"]
    assert (up["written"], up["arrived"], up["missing"], up["duplicates"], up["out_of_order"], up["unexpected"]) == (
        4, 3, 1, 1, 1, 1)
    assert up["lists"]["missing"][0]["text"] == "four" and up["lists"]["out_of_order"][0]["text"] == "three"
    assert verdict["down"]["arrived"] == 1 and not verdict["down"]["unexpected"] and not verdict["ok"]
    assert up["threads"] == [{"from": said[0]["conversation"], "to": [row]}]


def test_a_relay_between(tmp_path):
    sandbox = Sandbox()
    try:
        sandbox.reset()
        ready = tmp_path / "ready.json"
        ready.write_text(json.dumps(sandbox.ready))
        relay = subprocess.Popen([sys.executable, os.path.join(HERE, "toy_relay.py"), str(ready), "0"],
                                 stdout=subprocess.PIPE, text=True)
        try:
            port = json.loads(relay.stdout.readline())["port"]
            for platform in ("smartify", "chatwoot"):
                sandbox.control("PUT", "/control/hooks", {"platform": platform,
                                                          "url": "http://127.0.0.1:%d/%s" % (port, platform)})
            client = Client(sandbox.ready["control"])
            load = client("POST", "/control/load", {"conversations": 20, "messages": 5, "timeout": 90}, timeout=120)
            assert load.json["ok"], load.body
            verdict = client("GET", "/control/judge").json
            assert verdict["ok"] and verdict["up"]["arrived"] == verdict["down"]["arrived"] == 100
        finally:
            relay.kill()
            relay.wait()
    finally:
        sandbox.stop()
