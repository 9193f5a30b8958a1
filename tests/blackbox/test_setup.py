"""tieline setup and check --online, against platforms that know nothing of the relay yet."""

import json
import os
import shutil
import subprocess
import tempfile

import pytest

from world import BIN, FOLDERS, PROJECT, Relay, Sandbox, SECRETS, eventually, free_port, request, unique


class Fresh:
    """The five lines: what an endpoint is, and nothing that setup finds or makes."""

    def __init__(self, customers="smartify"):
        self.customers = customers
        self.folder = tempfile.mkdtemp(prefix="tieline-", dir=FOLDERS)
        self.port, self.admin = free_port(), free_port()
        self.sandbox = Sandbox.lease("--shuffle", "0", "--chatwoot-role",
                                     "customers" if customers == "chatwoot" else "agents", "--syniverse", "--no-limits")
        ready = self.sandbox.ready
        self.endpoints = {
            "shop": {"platform": "smartify", "base_url": ready["smartify_api"], "project_id": PROJECT,
                     "email": "relay@example.com", "password": SECRETS["password"]},
            "desk": {"platform": "chatwoot", "base_url": ready["chatwoot"], "api_token": SECRETS["api_token"]}}
        if customers == "smartsender":
            self.endpoints["shop"] = {"platform": "smartsender", "base_url": ready["smartsender"],
                                      "api_token": SECRETS["smartsender_token"], "receive": "poll 2s"}
        if customers == "chatwoot":
            self.endpoints["desk"]["inbox_id"] = 12
        self.relay = Relay(self.folder, self.port, self.config())
        self.path = self.relay.config

    def config(self):
        ends = ("desk", "shop") if self.customers == "chatwoot" else ("shop", "desk")
        return json.dumps({
            "listen": "127.0.0.1:%d" % self.port, "public_url": "http://127.0.0.1:%d" % self.port,
            "store": "sqlite:%s/tieline.db" % self.folder,
            "admin": {"listen": "127.0.0.1:%d" % self.admin, "socket": "%s/tieline.sock" % self.folder},
            "endpoints": self.endpoints, "bridges": {"support": {"customers": ends[0], "agents": ends[1]}}})

    def run(self, *words, code=0):
        ran = subprocess.run([BIN, "-c", self.path, *words], capture_output=True, text=True, timeout=60)
        assert ran.returncode == code, (ran.returncode, ran.stdout, ran.stderr)
        for secret in (SECRETS["api_token"], SECRETS["password"]):
            assert secret not in ran.stdout + ran.stderr
        return ran.stdout

    def lines(self, *words, code=0):
        return [json.loads(line) for line in self.run("--json", *words, code=code).splitlines()]

    def found(self, *words, code=0):
        return {(x["endpoint"], x["check"], x["result"]) for x in self.lines(*words, code=code)}

    def say(self, side, role, text, **more):
        return self.sandbox("POST", "/say", dict(more, **{"platform": side, "as": role, "text": text}))

    def arrives(self, side, text):
        def look():
            threads = self.sandbox("GET", "/threads?limit=1000&messages=1000&fresh=1")[side]
            return [t["id"] for t in threads for m in t["messages"] if text in (m["text"] or "") and m["by_relay"]]
        return eventually(look, "%s at %s" % (text, side))[0]

    def crosses(self):
        agents = "smartify" if self.customers == "chatwoot" else "chatwoot"
        up, down = unique("up"), unique("down")
        self.say(self.customers, "customer", up, person=unique("person"))
        place = self.arrives(agents, up)
        self.say(agents, "agent", down, conversation=place)
        self.arrives(self.customers, down)

    def end(self):
        if self.relay.process is not None:
            self.relay.stop()
        self.sandbox.give_back()
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(params=["smartify", "chatwoot"])
def fresh(request):
    world = Fresh(request.param)
    yield world
    world.end()


def test_five_lines_are_enough(fresh):
    """Looked at: what is missing is said. Made: nothing more to say, and messages cross. Again: nothing to do."""
    before = fresh.found("check", "--online", code=1)
    assert ("desk", "token", "ok") in before and ("shop", "token", "ok") in before
    assert ("desk", "callback", "fail") in before or ("desk", "inbox", "fail") in before
    assert ("shop", "callback", "fail") in before and ("shop", "signature", "fail") in before
    would = fresh.run("setup", "--dry-run", code=1)
    assert "would subscribe to message.create" in would
    assert fresh.found("check", "--online", code=1) == before, "a dry run changes nothing"
    fresh.run("setup", code=64)
    made = fresh.run("--yes", "setup")
    assert "FAIL" not in made
    after = fresh.found("check", "--online")
    assert {r for _, _, r in after} <= {"ok", "warn"} and ("desk", "signature", "ok") in after
    assert ("desk", "clock", "ok") in after
    shown = {x["endpoint"]: x for x in fresh.lines("--yes", "setup", "--print")}
    assert shown["desk"]["from"] == "store" and shown["desk"]["secret"]
    assert shown["shop"]["address"].startswith("http://127.0.0.1:%d/hooks/shop/" % fresh.port)
    fresh.relay.start()
    fresh.crosses()
    again = fresh.found("--yes", "setup", "--test-message")
    assert {("desk", "test", "ok"), ("shop", "test", "ok")} <= again, again
    assert not [x for x in again if x[2] == "fail"]
    fresh.crosses()


def test_secrets_are_rotated_under_a_running_relay(fresh):
    fresh.run("--yes", "setup")
    fresh.relay.start()
    fresh.crosses()
    before = {x["endpoint"]: x["secret"] for x in fresh.lines("--yes", "setup", "--print")}
    fresh.run("--yes", "setup", "--rotate")
    after = {x["endpoint"]: x["secret"] for x in fresh.lines("--yes", "setup", "--print")}
    assert before["shop"] != after["shop"]
    assert (before["desk"] != after["desk"]) == (fresh.customers == "smartify")
    fresh.crosses()
    fresh.relay.kill()
    fresh.relay.start()
    fresh.crosses()
    metrics = request(fresh.admin, "GET", "/metrics").body.decode()
    refused = [x for x in metrics.splitlines() if x.startswith("tieline_hooks_total") and ("bad_s" in x or "no_s" in x)]
    assert all(float(x.split()[-1]) == 0 for x in refused), refused


def test_what_is_wrong_is_said(fresh):
    """In the words of the manual."""
    fresh.endpoints["desk"]["api_token"] = "no-token-at-all"
    fresh.endpoints["shop"]["password"] = "no-password"
    with open(fresh.path, "w") as f:
        f.write(fresh.config())
    out = fresh.run("check", "--online", code=1)
    assert 'FAIL  desk: 127.0.0.1 refused our api_token ("Invalid Access Token")' in out
    assert "next: copy a new token from the relay user's profile in Chatwoot" in out
    assert "FAIL  shop: 127.0.0.1 refused email and password" in out


def test_one_that_is_asked():
    """Nothing can be entered at Smart Sender from outside: a secret for its call is drawn, and shown."""
    fresh = Fresh("smartsender")
    try:
        assert ("shop", "token", "ok") in fresh.found("check", "--online", "shop")
        assert ("shop", "callback", "ok") in fresh.found("--yes", "setup")
        assert fresh.lines("--yes", "setup", "--print", "shop")[0]["secret"]
        fresh.relay.start()
        fresh.crosses()
        fresh.endpoints["shop"]["api_token"] = "no-token-at-all"
        with open(fresh.path, "w") as f:
            f.write(fresh.config())
        assert ("shop", "token", "fail") in fresh.found("check", "--online", "shop", code=1)
    finally:
        fresh.end()
