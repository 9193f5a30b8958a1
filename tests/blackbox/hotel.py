"""A world whose customers are at Syniverse and whose agents are at Chatwoot: see world.py."""

import json
import os
import shutil
import sqlite3
import tempfile

import pytest

from world import FOLDERS, PROJECT, Relay, Sandbox, SECRETS, check_log, eventually, free_port, request, unique

HOTEL = {"password": "sandbox-syniverse-password", "scg_token": "sandbox-scg-token-0",
         "key": "blackbox-hotel-hook-key-1", "secret": "blackbox-hotel-secret-1"}
HIDDEN = list(HOTEL.values()) + ["sandbox-consumer-secret", "sandbox-scg-token-1"]
TAKEN = []


def phone():
    TAKEN.append(0)
    return "+1555%03d%04d" % (os.getpid() % 1000, len(TAKEN))


class Hotel:
    """hotel, bridge: options of the two; settings: of the sandbox's Syniverse; desk: where agents are, and
    desk_options its other options."""

    def __init__(self, hotel=None, bridge=None, settings=None, start=True, desk="chatwoot", process=None,
                 quiet=False, desk_options=None):
        self.desk, self.process, self.desk_options = desk, process or {}, desk_options or {}
        self.folder = tempfile.mkdtemp(prefix="tieline-", dir=FOLDERS)
        self.port, self.admin = free_port(), free_port()
        self.sandbox = Sandbox.lease("--shuffle", "0", "--syniverse", "--no-limits")
        self.sandbox.call_back(self.port)
        self.far = self.sandbox.ready["syniverse"]
        self.far_port = int(self.far.rpartition(":")[2])
        self.set(hook="http://127.0.0.1:%d/hooks/hotel/%s" % (self.port, HOTEL["key"]), hook_password=HOTEL["secret"],
                 **(settings or {}))
        self.relay = Relay(self.folder, self.port, self.config(hotel or {}, bridge or {}), quiet)
        if start:
            self.relay.start()
            if (hotel or {}).get("inbound") not in ("ess", "poll"):
                eventually(lambda: self.alive(), "a session lives")

    def config(self, hotel, bridge):
        endpoints = {
            "hotel": {"platform": "syniverse", "user": "boss@acme-hotel", "password": HOTEL["password"],
                      "act_for": "agent7@acme-hotel", "chat_base_url": self.far, "scg_base_url": self.far,
                      "scg_from": "sender_id:Sn1dInvented000000000y", "scg_token": HOTEL["scg_token"],
                      "webhook_secret": HOTEL["secret"], "hook_key": HOTEL["key"], "rate": 0, "reconcile": "never"},
            "desk": {"platform": "chatwoot", "base_url": self.sandbox.ready["chatwoot"],
                     "api_token": SECRETS["api_token"], "account_id": 1, "inbox_id": 12,
                     "webhook_secret": SECRETS["desk_secret"], "hook_key": SECRETS["desk_key"], "rate": 0,
                     "settle": "40ms", "reconcile": "never"}}
        if self.desk == "smartify":
            endpoints["desk"] = {"platform": "smartify", "base_url": self.sandbox.ready["smartify_api"],
                                 "project_id": PROJECT, "email": "relay@example.com", "password": SECRETS["password"],
                                 "webhook_secret": SECRETS["shop_secret"], "hook_key": SECRETS["shop_key"], "rate": 0,
                                 "reconcile": "never"}
        endpoints["desk"].update(self.desk_options)
        if self.desk == "smartify":
            # Its subscriptions call /hooks/shop/…
            endpoints["shop"] = endpoints.pop("desk")
        endpoints["hotel"].update(hotel)
        endpoints["hotel"] = {k: v for k, v in endpoints["hotel"].items() if v is not None}
        return json.dumps(dict({
            "listen": "127.0.0.1:%d" % self.port, "public_url": "http://127.0.0.1:%d" % self.port,
            "store": "sqlite:%s/tieline.db" % self.folder,
            "admin": {"listen": "127.0.0.1:%d" % self.admin, "socket": "%s/tieline.sock" % self.folder},
            "endpoints": endpoints, "bridges": {"support": dict({"customers": "hotel", "agents": "shop" if "shop" in endpoints else "desk"},
                                        **bridge)}}, **self.process),
            indent=1)

    def far_call(self, method, path, body=None):
        answer = request(self.far_port, method, "/sandbox" + path, None if body is None else json.dumps(body),
                         {"Content-Type": "application/json"}, 60)
        assert answer.status == 200, answer.body[:500]
        return answer.json

    def set(self, **settings):
        return self.far_call("PUT", "/settings", settings)

    def record(self):
        return self.far_call("GET", "/record")

    def alive(self):
        return [s["id"] for s in self.record()["sessions"] if s["alive"]]

    def fault(self, method, path, action, **more):
        self.sandbox("POST", "/faults", [dict(more, platform="syniverse", method=method, path=path, action=action)])

    def ask(self, who, text, **more):
        return self.far_call("POST", "/say", dict(more, **{"from": who, "text": text}))

    def at_desk(self, text):
        """Where the agents see it: (conversation, message), once for each copy."""
        threads = self.sandbox("GET", "/threads?limit=100000&messages=100000&fresh=1")[self.desk]
        return [(t["id"], m) for t in threads for m in t["messages"]
                if m["who"] != "system" and text in (m["text"] or "")]

    def up(self, who, text=None, **more):
        text = text or unique("up")
        self.ask(who, text, **more)
        found = eventually(lambda: self.at_desk(text), "%s at the desk" % text)
        assert len(found) == 1, found
        return found[0][0]

    def answer(self, conversation, text, **more):
        self.sandbox("POST", "/say", dict(more, **{"platform": self.desk, "as": "agent", "text": text,
                                                   "conversation": conversation}))

    def shown(self, text):
        """How the desk shows what an agent wrote: its state, and the private notes in that conversation."""
        place = self.at_desk(text)[0][0]
        talks = self.sandbox("GET", "/state")["chatwoot"]["conversations"]
        messages = next(c for c in talks if c["id"] == place)["messages"]
        mine = next(m for m in messages if text in (m["content"] or ""))
        notes = [m["content"] for m in messages if m["private"]]
        return mine["status"], mine["content_attributes"].get("external_error"), notes

    def on_phones(self, text):
        return [r for r in self.record()["requests"] if text in (r["body"] or "")]

    def down(self, conversation, text=None):
        text = text or unique("down")
        self.answer(conversation, text)
        found = eventually(lambda: self.on_phones(text), "%s on a phone" % text)
        assert len(found) == 1, found
        return found[0]

    def parked(self):
        db = sqlite3.connect("file:%s?mode=ro" % self.relay.store, uri=True, timeout=30)
        try:
            return [row[0] for row in db.execute("SELECT reason FROM delivery WHERE state = 11").fetchall()]
        finally:
            db.close()

    def parked_list(self):
        return self.relay.api("/api/v1/parked")["items"]

    def state(self):
        return next(e for e in self.relay.api("/api/v1/status")["endpoints"] if e["name"] == "hotel")

    def end(self):
        code = None
        try:
            if self.relay.process is not None:
                code = self.relay.stop()
        finally:
            if self.relay.process is not None and self.relay.process.poll() is None:
                self.relay.kill()
            self.sandbox.give_back()
        log = self.relay.log()
        shutil.rmtree(self.folder, ignore_errors=True)
        assert code in (0, None), "the relay ended with %s:\n%s" % (code, log[-3000:])
        check_log(log)
        for secret in HIDDEN:
            assert secret not in log, "the log shows a secret"


def registrations(hotel):
    return [a for a in hotel.record()["asked"] if a["method"] == "POST" and "/integration" in a["path"]]


@pytest.fixture
def make_hotel():
    made = []

    def make(**options):
        made.append(Hotel(**options))
        return made[-1]

    yield make
    for hotel in made:
        hotel.end()
