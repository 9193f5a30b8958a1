"""What is wrong is raised, told and cleared: in the log, the status, the metrics, over the interface, and to a webhook."""

import base64
import hashlib
import hmac
import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

from world import eventually, request, unique

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
