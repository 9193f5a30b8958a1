"""Callbacks written by a test: a real one of the sandbox as the pattern, signed as the platform would."""

import copy
import hashlib
import hmac
import json
import queue
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from world import ENDPOINT, SECRETS, request

KEY = {"smartify": SECRETS["shop_key"], "chatwoot": SECRETS["desk_key"]}


class Tap:
    """Stands where the relay stands, and keeps what comes."""

    def __init__(self):
        got = self.got = queue.Queue()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                got.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = "http://127.0.0.1:%d/" % self.server.server_port

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def record(world, say):
    """The callback of what say() says, by platform; the relay does not hear it."""
    tap = Tap()
    found = {}
    for platform in ENDPOINT:
        world.sandbox("PUT", "/hooks", {"platform": platform, "url": tap.url})
    try:
        for platform, speak in say.items():
            speak()
            while platform not in found:
                body = tap.got.get(timeout=20)
                event = body.get("event") or body["hook"]["event"]
                if event in ("message_created", "message.create"):
                    found[platform] = body
    finally:
        world.sandbox.call_back(world.port)
        tap.close()
    return found


def body_of(value):
    """A body as bytes; text may hold escapes that no encoder would write."""
    if isinstance(value, bytes):
        return value
    return json.dumps(value).encode()


def headers_of(platform, body, at=None, secret=None):
    """What proves it genuine. secret None: the right one; "": none at all."""
    headers = {"Content-Type": "application/json"}
    if secret == "":
        return headers
    if platform == "smartify":
        headers["x-hook-secret"] = secret or SECRETS["shop_secret"]
        return headers
    at = int(time.time() if at is None else at)
    mac = hmac.new((secret or SECRETS["desk_secret"]).encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
    return dict(headers, **{"X-Chatwoot-Timestamp": str(at), "X-Chatwoot-Signature": "sha256=" + mac})


def post(world, platform, value, headers=None, path=None, method="POST", **proof):
    """One callback; the relay's answer."""
    body = body_of(value)
    sent = headers_of(platform, body, **proof)
    sent.update(headers or {})
    sent = {k: v for k, v in sent.items() if v is not None}
    path = path or "/hooks/%s/%s" % (ENDPOINT[platform], KEY[platform])
    return request(world.port, method, path, body, sent)


class Pattern:
    """A real callback with places to write on. Each use is another message."""

    def __init__(self, platform, body):
        self.platform, self.body = platform, body
        self.next = 0

    def make(self, text, **fields):
        """Fields are of the message: of the payload at Smartify, of the body itself at Chatwoot."""
        body = copy.deepcopy(self.body)
        self.next += 1
        message = body["payload"] if self.platform == "smartify" else body
        if self.platform == "smartify":
            message["_id"] = "5e2c%08x%012x" % (int(time.time()), self.next)
            message["text"] = text
        else:
            message["id"] = message["id"] + 100000 + self.next
            message["content"] = text
        message.update(fields)
        return body

    def message(self, body):
        return body["payload"] if self.platform == "smartify" else body
