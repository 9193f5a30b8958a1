"""What is wrong is raised, told and cleared: in the log, the status, the metrics, over the interface, and to a webhook."""

import base64
import hashlib
import hmac
import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from test_clock_steps import Clock
from test_migrate import tieline
from world import SANITIZED, eventually, request, unique

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()


class Receiver:
    """A webhook by Standard Webhooks, which refuses as often as it is told to."""

    def __init__(self, refuses):
        receiver = self
        self.refuses, self.seen, self.taken = refuses, [], []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.take(self.headers, body)
                ok = receiver.refuses <= 0
                receiver.refuses -= 1
                if ok:
                    receiver.taken.append((self.headers["webhook-id"], json.loads(body)))
                self.send_response(204 if ok else 503)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, headers, body):
        signed = b"%s.%s.%s" % (headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body)
        wanted = "v1," + base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == wanted
        assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
        self.seen.append(headers["webhook-id"])

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def metric(world):
    text = request(world.admin, "GET", "/metrics").body.decode()
    return int(re.search(r'tieline_alarm\{kind="endpoint_down"\} (\d)', text).group(1))


def test_alarm(make_world):
    receiver = Receiver(2)
    world = make_world(process={"alarms": {
        "webhook": "http://127.0.0.1:%d/alarms" % receiver.server.server_port, "secret": SECRET, "raise_after": "1s"}})
    talk = world.talk()
    assert metric(world) == 0
    assert world.relay.api("/api/v1/alarms?limit=10") == {"items": [], "next": None}
    for method in ("GET", "POST"):
        world.fault("chatwoot", method, ".", "status", status=503, count=0)
    talk.ask(unique())

    def raised():
        return [a for a in world.relay.api("/api/v1/alarms")["items"] if a["kind"] == "endpoint_down"]

    alarm = eventually(raised, "it is raised")[0]
    assert alarm["endpoint"] == "desk" and alarm["cleared"] is None
    problem = [p for p in world.relay.api("/api/v1/status")["problems"] if p["kind"] == "endpoint_down"][0]
    assert problem["alarm"] == alarm["id"]
    assert metric(world) == 1
    # Refused twice, told until it is taken, once; each try bears the same id.
    eventually(lambda: receiver.taken, "the webhook takes it")
    assert len(set(receiver.seen)) == 1 and len(receiver.seen) == 3
    told = receiver.taken[0][1]
    assert told["type"] == "alarm.raised" and told["data"]["id"] == alarm["id"]
    assert told["data"]["endpoint"] == "desk" and told["data"]["next"]
    # It outlives the relay: what was raised stays raised, under its id, and nobody is told twice.
    assert world.relay.stop() == 0
    world.relay.start()
    assert raised()[0]["id"] == alarm["id"]
    world.calm()
    eventually(lambda: raised()[0]["cleared"], "it is cleared")
    eventually(lambda: len(receiver.taken) == 2, "and told")
    assert receiver.taken[1][1]["type"] == "alarm.cleared"
    assert receiver.taken[1][1]["data"]["id"] == alarm["id"]
    assert metric(world) == 0
    log = world.relay.log()
    assert len(re.findall(r"at=alarm alarm=endpoint_down endpoint=desk took_ms", log)) == 1
    assert len(re.findall(r"at=alarm_over alarm=endpoint_down endpoint=desk", log)) == 1
    assert SECRET not in log
    receiver.stop()


def kinds(world, kind):
    return [a for a in world.relay.api("/api/v1/alarms")["items"] if a["kind"] == kind]


@pytest.mark.skipif(SANITIZED, reason="a shim cannot be loaded before a sanitizer")
def test_what_was_lost_and_what_failed(make_world):
    """A message that no callback announced, and a move of history that came to nothing: raised by the fact, over when
    a day has passed without another, or the move was gone on with."""
    world = make_world(start=False, process={"alarms": {"raise_after": "1s"}})
    clock = Clock(world.folder)
    world.relay.process = world.relay.spawn(**clock.env())
    eventually(world.relay.is_ready, "the relay is ready")
    talk = world.talk()
    talk.fence()
    assert world.relay.api("/api/v1/alarms")["items"] == []
    world.mode(drop=1.0)
    talk.ask(unique(), wait=True)
    world.mode(drop=0)
    tieline(world, "reconcile")
    lost = eventually(lambda: kinds(world, "callbacks_lost"), "it is raised")[0]
    assert lost["endpoint"] == "shop" and lost["cleared"] is None and "1 message of" in lost["text"]
    world.act("chatwoot", "inbox", values={"greeting_enabled": True})
    tieline(world, "migrate", "--from", "shop", "--to", "desk", code=1)
    failed = eventually(lambda: kinds(world, "migration"), "it is raised")[0]
    assert failed["bridge"] == "support" and failed["cleared"] is None and "has on: its greeting" in failed["text"]
    world.act("chatwoot", "inbox", values={"greeting_enabled": False})
    tieline(world, "migrate", "--resume", "m1")
    eventually(lambda: kinds(world, "migration")[0]["cleared"], "it is cleared")
    assert not kinds(world, "callbacks_lost")[0]["cleared"]
    clock.is_off(25 * 3600)
    eventually(lambda: kinds(world, "callbacks_lost")[0]["cleared"], "it is cleared")
    clock.is_off(0)
