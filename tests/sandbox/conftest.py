"""A sandbox started once for all tests of this folder, a receiver for its callbacks, and small clients."""

import http.client
import json
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)


class Client:
    """One request on a connection of its own: faults tear connections, and nothing here is fast."""

    def __init__(self, base, headers=None):
        self.base, self.headers = base, headers or {}

    def __call__(self, method, path, body=None, headers=None, timeout=30, raw=None):
        parts = urlsplit(self.base + path)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
        send = dict(self.headers)
        data = raw
        if body is not None:
            data = json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")
            send["Content-Type"] = "application/json"
        elif raw is not None:
            send["Content-Type"] = "application/json"
        send.update(headers or {})
        try:
            connection.request(method, parts.path + ("?" + parts.query if parts.query else ""), data,
                               {k: v for k, v in send.items() if v is not None})
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def hangs(self, method, path, body=None):
        with pytest.raises(socket.timeout):
            self(method, path, body, timeout=0.25)


class Receiver:
    """Takes callbacks and keeps them: (path, headers, raw body)."""

    def __init__(self):
        self.got = queue.Queue()
        self.statuses = []          # answers to give, one after the other; then 200
        self.pause = 0
        self.busy = lambda: False
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.put((self.path, self.headers, body))
                if outer.pause:
                    time.sleep(outer.pause)
                status = outer.statuses.pop(0) if outer.statuses else 200
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, *args):      # a torn connection is part of the play
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:%d" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def clear(self):
        self.statuses = []
        while not self.got.empty():
            self.got.get()

    def next(self, test=lambda body: True, timeout=20):
        """The next callback that passes the test → (body as JSON, headers, raw)."""
        end = time.monotonic() + timeout
        while True:
            path, headers, raw = self.got.get(timeout=max(end - time.monotonic(), 0.01))
            body = json.loads(raw)
            if test(body):
                return body, headers, raw

    def all(self, seconds=20):
        """Everything that came until the sandbox has no callback left to send."""
        end = time.monotonic() + seconds
        time.sleep(0.01)
        while self.busy() and time.monotonic() < end:
            time.sleep(0.01)
        out = []
        while not self.got.empty():
            out.append(json.loads(self.got.get()[2]))
        return out


class Sandbox:
    def __init__(self, *options):
        self.receiver = Receiver()
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "sandbox.py"), "--smartify-port", "0", "--chatwoot-port", "0",
             "--control-port", "0", "--smartsender-port", "0", "--shuffle", "0", "--smartify-hook", self.receiver.url + "/s",
             "--chatwoot-hook", self.receiver.url + "/c", "--smartsender-hook", self.receiver.url + "/f", *options], stdout=subprocess.PIPE, text=True)
        self.ready = json.loads(self.process.stdout.readline())
        self.control = Client(self.ready["control"])
        self.bare = Client(self.ready["smartify_api"])
        self.bare_chatwoot = Client(self.ready["chatwoot"])
        self.chatwoot = Client(self.ready["chatwoot"] + "/api/v1/accounts/1",
                               {"Api-Access-Token": self.ready["chatwoot_token"]})
        self.smartsender = Client(self.ready["smartsender"], {"Authorization": "Bearer " + self.ready["smartsender_token"]})
        self.smartify = None

    def reset(self):
        end = time.monotonic() + 2      # callbacks of the test before may still be coming in; held ones never do
        while self.busy() and time.monotonic() < end:
            time.sleep(0.01)
        self.control("POST", "/control/reset")
        self.receiver.busy = self.busy
        time.sleep(0.01)
        self.receiver.clear()
        self.receiver.pause = 0
        if self.smartify is None:
            token = self.bare("POST", "/auth/signin", {"email": "relay@example.com",
                                                       "password": "sandbox-relay-password"}).json["token"]
            self.smartify = Client(self.ready["smartify_api"] + "/" + self.ready["smartify_project"],
                                   {"Authorization": token})

    def busy(self):
        hooks = self.control("GET", "/control/hooks").json
        return hooks["smartify"]["pending"] + hooks["chatwoot"]["pending"] > 0

    def say(self, **spec):
        answer = self.control("POST", "/control/say", spec)
        assert answer.status == 200, answer.body
        return answer.json

    def act(self, **spec):
        answer = self.control("POST", "/control/act", spec)
        assert answer.status == 200, answer.body
        return answer.json

    def stop(self):
        self.process.terminate()
        self.process.wait(5)


@pytest.fixture(scope="session")
def started():
    sandbox = Sandbox()
    yield sandbox
    sandbox.stop()


@pytest.fixture
def sandbox(started):
    started.reset()
    return started
