"""A sandbox and a relay between its two platforms: what every test of this folder plays in.

The relay is the real program (TIELINE_BIN), with a configuration written for the test, in a folder of its own. It can
be killed and started again; when the world ends, it must have ended well and kept its secrets.
"""

import http.client
import itertools
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SANDBOX = os.path.join(HERE, "..", "sandbox")
BIN = os.path.abspath(os.environ.get("TIELINE_BIN", os.path.join(HERE, "..", "..", "build", "dev", "tieline")))
SANITIZED = os.environ.get("TIELINE_SANITIZE", "none") not in ("", "none")

# Where stores are: in memory where that can be. A process that is killed loses nothing there either, and a
# machine whose disk is slow or shared takes minutes less.
FOLDERS = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None

# How long something that must happen may take: nothing is slower on a good machine, but others are not as good.
PATIENCE = 60 if SANITIZED else 30

PROJECT = "5e2c35c8f0dbc10017bb3aac"
SECRETS = {
    "password": "sandbox-relay-password",
    "api_token": "sandbox-chatwoot-token",
    "shop_secret": "sandbox-smartify-secret",
    "desk_secret": "sandbox-chatwoot-secret-24",
    "shop_key": "blackbox-shop-hook-key-1",
    "desk_key": "blackbox-desk-hook-key-1",
    "smartsender_token": "sandbox-smartsender-token-0123456789abcdefghijklmnopqrstuvwxyz",
    "front_secret": "sandbox-smartsender-secret",
    "front_key": "blackbox-front-hook-key-1",
}
OTHER = {"smartify": "chatwoot", "chatwoot": "smartify", "smartsender": "chatwoot"}
ENDPOINT = {"smartify": "shop", "chatwoot": "desk", "smartsender": "front"}

# States of a delivery in the store.
QUEUED, PARKED = 1, 11

REPORTS = ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "runtime error:", "at=internal")

_numbers = itertools.count(1)


def unique(word="m"):
    """A text that occurs nowhere else, nor in another one: the judge goes by texts."""
    return "%s-%d-%05d" % (word, os.getpid() % 1000, next(_numbers))


# Not out of those that the system gives to connections: a relay that is down for a moment must get its port again.
_ports = itertools.cycle(range(10000, 32000))
for _ in range(os.getpid() * 97 % 22000):
    next(_ports)


def free_port():
    for port in _ports:
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


def eventually(test, what, seconds=None, pause=0.015):
    """What test gives as soon as it is true. test may fail by assertion as well; the last one is told."""
    end = time.monotonic() + (seconds or PATIENCE)
    failure = None
    while True:
        try:
            value = test()
            if value:
                return value
            failure = None
        except AssertionError as error:
            failure = error
        if time.monotonic() > end:
            raise AssertionError("not in time: %s" % what) from failure
        time.sleep(pause)


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)


def request(port, method, path, body=None, headers=None, timeout=30, host="127.0.0.1"):
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request(method, path, body, headers or {})
        return Answer(connection.getresponse())
    finally:
        connection.close()


class Sandbox:
    """Both platforms, on ports of their own. One that was used is emptied and used again: to start takes longer than
    most tests."""

    idle = {}       # by options

    @classmethod
    def lease(cls, *options):
        found = cls.idle.get(options)
        if found:
            sandbox = found.pop()
            sandbox("POST", "/reset")
            return sandbox
        return cls(*options)

    @classmethod
    def many(cls, count, *options):
        """So many pairs of platforms in one process; stop() of the first stops it."""
        first = cls("--worlds", str(count), *options)
        return [first] + [Part(first, first.read_ready()) for _ in range(count - 1)]

    def give_back(self):
        if self.process.poll() is None:
            self.idle.setdefault(self.options, []).append(self)

    @classmethod
    def stop_all(cls):
        for sandboxes in cls.idle.values():
            for sandbox in sandboxes:
                sandbox.stop()
        cls.idle.clear()

    def __init__(self, *options):
        self.options = options
        self.process = subprocess.Popen(
            [sys.executable, "-B", "-c", "import sandbox; raise SystemExit(sandbox.main())",
             "--smartify-port", "0", "--chatwoot-port", "0", "--control-port", "0", "--smartsender-port", "0",
             "--smartify-hook", "http://127.0.0.1:1/", "--chatwoot-hook", "http://127.0.0.1:1/",
             "--stop-with-stdin", *options], cwd=SANDBOX, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ready = self.read_ready()
        self.port = int(self.ready["control"].rpartition(":")[2])

    def read_ready(self):
        """The next line. Behind them nothing is printed, but for failures of its own, which are few."""
        return json.loads(self.process.stdout.readline())

    def __call__(self, method, path, body=None, timeout=60):
        answer = request(self.port, method, "/control" + path, None if body is None else json.dumps(body),
                         {"Content-Type": "application/json"}, timeout)
        assert answer.status == 200, "%s: %s" % (path, answer.body[:500])
        return answer.json

    def call_back(self, port):
        """Callbacks go to the relay on that port."""
        for platform, key in (("smartify", "shop_key"), ("chatwoot", "desk_key"), ("smartsender", "front_key")):
            self("PUT", "/hooks", {"platform": platform, "url": "http://127.0.0.1:%d/hooks/%s/%s" % (
                port, ENDPOINT[platform], SECRETS[key])})

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Part(Sandbox):
    """One of many pairs of platforms in a process."""

    def __init__(self, first, ready):
        self.options, self.process, self.ready = first.options, first.process, ready
        self.port = int(ready["control"].rpartition(":")[2])


class Relay:
    """tieline serve; its log is kept over restarts."""

    def __init__(self, folder, port, text, quiet=False):
        self.folder, self.port = folder, port
        self.options = ["-q"] if quiet else ["-v"]
        self.config = os.path.join(folder, "tieline.yaml")
        self.socket = os.path.join(folder, "tieline.sock")
        self.store = os.path.join(folder, "tieline.db")
        self.logs = os.path.join(folder, "log")
        self.process = None
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(text)

    def spawn(self, **env):
        """env: variables beside those of the test."""
        with open(self.logs, "ab") as log:
            return subprocess.Popen([BIN, "serve", *self.options, "-c", self.config], stdin=subprocess.DEVNULL,
                                    stdout=subprocess.DEVNULL, stderr=log, env=dict(os.environ, **env))

    def start(self):
        self.process = self.spawn()
        eventually(self.is_ready, "the relay is ready")

    def is_ready(self):
        assert self.process.poll() is None, "the relay ended with %s:\n%s" % (self.process.returncode, self.log()[-3000:])
        try:
            return request(self.port, "GET", "/readyz").status == 200
        except OSError:
            return False

    def api(self, path):
        """What it tells over its socket, as to the commands."""
        connection = http.client.HTTPConnection("localhost", timeout=30)
        try:
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.settimeout(30)
            connection.sock.connect(self.socket)
            connection.request("GET", path)
            return Answer(connection.getresponse()).json
        finally:
            connection.close()

    def kill(self):
        """As a power cut would: no warning, nothing is finished."""
        self.process.kill()
        self.process.wait()

    def stop(self, seconds=90):
        """As an operator would. The exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(seconds)

    def log(self):
        if not os.path.exists(self.logs):
            return ""
        with open(self.logs, encoding="utf-8", errors="replace") as f:
            return f.read()


class Talk:
    """One conversation: mine is where the customer writes, theirs where the agents answer."""

    def __init__(self, world, person, mine, theirs):
        self.world, self.person, self.mine, self.theirs = world, person, mine, theirs

    def ask(self, text, **more):
        return self.world.ask(self.person, text, conversation=self.mine, **more)

    def answer(self, text, **more):
        return self.world.answer(self.theirs, text, **more)

    def up(self, text=None, **more):
        """The customer writes, and it arrives: where."""
        text = text or unique("up")
        self.ask(text, **more)
        return self.world.arrives(self.world.agents, text)

    def down(self, text=None, **more):
        """An agent writes, and it arrives: where."""
        text = text or unique("down")
        self.answer(text, **more)
        return self.world.arrives(self.world.customers, text)

    def fence(self):
        """Once these have arrived, all that was announced before them in this conversation has been dealt with."""
        assert self.up() == self.theirs
        assert self.down() == self.mine


class World:
    """customers: the platform where customers write; shop and desk: options of the two endpoints beside the usual
    ones; bridge, process: the same for the bridge and for the process; sandbox: options of its command line, or one
    that is there; quiet: the relay does not log every step; agents: the other one, where there is a choice; wakes: a
    funnel at Smart Sender calls for each message, else the next poll finds it."""

    def __init__(self, customers="smartify", shop=None, desk=None, bridge=None, process=None, sandbox=(), start=True,
                 quiet=False, front=None, agents=None, wakes=True):
        self.customers, self.agents = customers, agents or OTHER[customers]
        self.folder = tempfile.mkdtemp(prefix="tieline-", dir=FOLDERS)
        self.port, self.admin = free_port(), free_port()
        role = "customers" if customers == "chatwoot" else "agents"
        self.is_lent = isinstance(sandbox, Sandbox)
        self.sandbox = sandbox if self.is_lent else Sandbox.lease("--shuffle", "0", "--chatwoot-role", role, *sandbox)
        self.sandbox.call_back(self.port)
        if customers == "smartsender":
            self.sandbox("PUT", "/settings", {"platform": "smartsender", "wakes": wakes})
        self.options = {"shop": shop, "desk": desk, "front": front, "bridge": bridge, "process": process}
        self.relay = Relay(self.folder, self.port, self.config(), quiet)
        if start:
            self.relay.start()

    def config(self):
        """JSON is YAML, too."""
        ready, more = self.sandbox.ready, self.options
        endpoint = {
            "shop": {"platform": "smartify", "base_url": ready["smartify_api"], "project_id": PROJECT,
                     "email": "relay@example.com", "password": SECRETS["password"],
                     "webhook_secret": SECRETS["shop_secret"], "hook_key": SECRETS["shop_key"], "rate": 0, "reconcile": "never"},
            "desk": {"platform": "chatwoot", "base_url": ready["chatwoot"], "api_token": SECRETS["api_token"],
                     "account_id": 1, "inbox_id": 12, "webhook_secret": SECRETS["desk_secret"],
                     "hook_key": SECRETS["desk_key"], "rate": 0, "settle": "40ms",
                     "reconcile": "never"},
        }
        if self.customers == "smartsender":
            del endpoint["shop" if self.agents == "chatwoot" else "desk"]
            endpoint["front"] = {"platform": "smartsender", "base_url": ready["smartsender"],
                                 "api_token": SECRETS["smartsender_token"], "webhook_secret": SECRETS["front_secret"],
                                 "hook_key": SECRETS["front_key"], "receive": "poll 2s", "rate": "180/min"}
        bridge = {"customers": ENDPOINT[self.customers], "agents": ENDPOINT[self.agents]}
        for name, values in endpoint.items():
            values.update(more[name] or {})
        bridge.update(more["bridge"] or {})
        whole = {"listen": "127.0.0.1:%d" % self.port, "public_url": "http://127.0.0.1:%d" % self.port,
                 "store": "sqlite:%s/tieline.db" % self.folder,
                 "admin": {"listen": "127.0.0.1:%d" % self.admin, "socket": "%s/tieline.sock" % self.folder},
                 "endpoints": endpoint, "bridges": {"support": bridge}}
        whole.update(more["process"] or {})
        return json.dumps(whole, indent=1)

    # -- people --------------------------------------------------------------------------------------------

    def say(self, side, role, text, **more):
        """Somebody writes at that platform; the ids."""
        return self.sandbox("POST", "/say", dict(more, **{"platform": side, "as": role, "text": text}))

    def ask(self, person, text, **more):
        """A customer writes."""
        return self.say(self.customers, "customer", text, person=person, **more)

    def answer(self, conversation, text, **more):
        """An agent writes at the agents' side."""
        return self.say(self.agents, "agent", text, conversation=conversation, **more)

    def act(self, side, action, conversation=None, **more):
        spec = dict(more, platform=side, action=action)
        if conversation is not None:
            spec["conversation"] = conversation
        return self.sandbox("POST", "/act", spec)

    def mode(self, platform=None, **modes):
        if platform is not None:
            modes["platform"] = platform
        self.sandbox("POST", "/hooks/mode", modes)

    def fault(self, platform, method, path, action, **more):
        self.sandbox("POST", "/faults", [dict(more, platform=platform, method=method, path=path, action=action)])

    def calm(self):
        """Faults and modes of a test are over."""
        self.sandbox("DELETE", "/faults")
        self.mode(echo="normal", shuffle=0, delay=0, duplicate=0, drop=0, hold=False, late_seconds=2.0,
                  same_delivery=False)
        self.mode("chatwoot", late_body=False)

    # -- looking -------------------------------------------------------------------------------------------

    def threads(self, side):
        return self.sandbox("GET", "/threads?limit=100000&messages=100000&fresh=1")[side]

    def thread(self, side, conversation):
        for thread in self.threads(side):
            if thread["id"] == conversation:
                return thread
        return None

    def texts(self, side, conversation):
        """What everybody but the platform itself wrote there, in order."""
        return [m["text"] for m in self.thread(side, conversation)["messages"] if m["who"] != "system"]

    def copies(self, side, text):
        """What the relay wrote there and holds that text: (conversation, message)."""
        return [(t["id"], m) for t in self.threads(side) for m in t["messages"] if m["by_relay"] and text in (m["text"] or "")]

    def arrives(self, side, text, seconds=None):
        """Waits for it; the conversation it is in."""
        found = eventually(lambda: self.copies(side, text), "%s at %s" % (text, side), seconds)
        assert len(found) == 1, found
        return found[0][0]

    def talk(self, person=None, **more):
        """A customer's first message, across."""
        person, text = person or unique("person"), unique("hello")
        mine = self.ask(person, text, **more)["conversation"]
        return Talk(self, person, mine, self.arrives(self.agents, text))

    def state(self, side):
        return self.sandbox("GET", "/state")[side]

    def smartify_request(self, id):
        return next(r for r in self.state("smartify")["requests"] if r["request_id"] == id)

    def chatwoot_conversation(self, id):
        return next(c for c in self.state("chatwoot")["conversations"] if c["id"] == id)

    def requests(self, path="", **query):
        """What the relay asked, oldest first."""
        more = "".join("&%s=%s" % item for item in query.items())
        return self.sandbox("GET", "/requests?limit=5000&path=%s%s" % (path, more))["newest"]

    def judge(self):
        return self.sandbox("GET", "/judge?customers=%s&agents=%s" % (self.customers, self.agents))

    def pending(self):
        hooks = self.sandbox("GET", "/hooks")
        return hooks["smartify"]["pending"] + hooks["chatwoot"]["pending"]

    def all_arrived(self, seconds=None):
        """Waits until nothing is missing and no callback is under way; then nothing may be wrong."""
        def done():
            j = self.judge()
            assert j["up"]["missing"] == 0 and j["down"]["missing"] == 0, short(j)
            return self.pending() == 0
        eventually(done, "everything has arrived", seconds, 0.2)
        j = self.judge()
        assert j["ok"], short(j)
        return j

    def query(self, sql, *values):
        """What the store says, read beside the running relay."""
        db = sqlite3.connect("file:%s?mode=ro" % self.relay.store, uri=True, timeout=30)
        try:
            return db.execute(sql, values).fetchall()
        finally:
            db.close()

    def parked(self):
        return self.query("SELECT id, reason, why FROM delivery WHERE state = ?", PARKED)

    # -- the end -------------------------------------------------------------------------------------------

    def end(self):
        """Stops both. The relay must have ended well."""
        code = None
        try:
            if self.relay.process is not None:
                code = self.relay.stop()
        finally:
            if self.relay.process is not None and self.relay.process.poll() is None:
                self.relay.kill()
            if not self.is_lent:
                self.sandbox.give_back()
        log = self.relay.log()
        shutil.rmtree(self.folder, ignore_errors=True)
        assert code in (0, None), "the relay ended with %s:\n%s" % (code, log[-3000:])
        check_log(log)


def check_log(log):
    """No fault of our own, no sanitizer's report, no secret."""
    for line in log.splitlines():
        assert not any(word in line for word in REPORTS), log[log.index(line):][:4000]
    for name, secret in SECRETS.items():
        assert secret not in log, "the log shows %s" % name
    assert not re.search(r"eyJ[A-Za-z0-9_-]{10,}", log), "the log shows a token"


def short(judgement):
    """A verdict, fit to be read."""
    return json.dumps({k: v for k, v in judgement.items() if k != "customers"}, ensure_ascii=False)[:4000]
