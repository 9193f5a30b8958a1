"""One relay between all platforms at once: three sandboxes in one process, and bridges so that each platform is each
side that it can be. A Way is one direction of one bridge, with a conversation under way: see kinds.py.

    shop, front, hotel, mail  →  desk      Smartify, Smart Sender, Syniverse, Chatwoot; agents at a Chatwoot
    site, annex, kiosk        →  team      Chatwoot, Smartify, Smart Sender; agents at a Smartify
"""

import base64
import hashlib
import itertools
import json
import shutil
import tempfile
from urllib.parse import urlsplit

from world import FOLDERS, PROJECT, SECRETS, Relay, Sandbox, check_log, eventually, free_port, request, unique

HOTEL = {"password": "sandbox-syniverse-password", "token": "sandbox-scg-token-0", "key": "blackbox-hotel-hook-key-1",
         "secret": "blackbox-hotel-secret-1"}
KEYS = {"mail": "blackbox-mail-hook-key-1", "site": "blackbox-site-hook-key-1", "team": "blackbox-team-hook-key-1",
        "annex": "blackbox-annex-hook-key-1", "kiosk": "blackbox-kiosk-hook-key-1"}
MARISOL, PRIYA = "marisol@northwind.example", "priya@northwind.example"


class Hub:
    def __init__(self, process=None, start=True, sweep="10s", lines="note", desk=None):
        self.sweep, self.desk_options = sweep, desk or {}
        self.folder = tempfile.mkdtemp(prefix="tieline-", dir=FOLDERS)
        self.port, self.admin, self.numbers = free_port(), free_port(), itertools.count(1)
        self.main, self.other, self.third = Sandbox.many(3, "--shuffle", "0", "--syniverse", "--no-limits")
        self.main.call_back(self.port)
        for sandbox, platform, role, name in ((self.other, "chatwoot", "customers", "site"),
                                              (self.other, "smartify", None, "team"),
                                              (self.third, "chatwoot", "customers", "mail"),
                                              (self.third, "smartify", None, "annex")):
            sandbox("PUT", "/hooks", dict({"platform": platform, "url": self.hook(name)}, **({"role": role} if role else {})))
        self.far_port = int(self.main.ready["syniverse"].rpartition(":")[2])
        self.far("PUT", "/settings", {"hook": "http://127.0.0.1:%d/hooks/hotel/%s" % (self.port, HOTEL["key"]),
                                      "hook_password": HOTEL["secret"]})
        self.relay = Relay(self.folder, self.port, self.config(process or {}, lines))
        if start:
            self.start()

    def start(self):
        self.relay.start()
        eventually(lambda: any(s["alive"] for s in self.far("GET", "/record")["sessions"]), "a session lives")

    def hook(self, name):
        return "http://127.0.0.1:%d/hooks/%s/%s" % (self.port, name, KEYS[name])

    def config(self, process, lines):
        main, other, third = self.main.ready, self.other.ready, self.third.ready
        common = {"rate": 0, "reconcile": "never"}

        # Each on a host of its own name: two servers are not one.
        def smartify(ready, key, host):
            return dict(common, platform="smartify", base_url=ready["smartify_api"].replace("127.0.0.1", host),
                        project_id=PROJECT, email="relay@example.com", password=SECRETS["password"],
                        webhook_secret=SECRETS["shop_secret"], hook_key=key, insecure=True)

        def chatwoot(ready, key, host):
            return dict(common, platform="chatwoot", base_url=ready["chatwoot"].replace("127.0.0.1", host),
                        api_token=SECRETS["api_token"], account_id=1, inbox_id=12,
                        webhook_secret=SECRETS["desk_secret"], hook_key=key, settle="40ms", insecure=True)

        def smartsender(ready, key, host):
            return {"platform": "smartsender", "base_url": ready["smartsender"].replace("127.0.0.1", host),
                    "api_token": SECRETS["smartsender_token"], "webhook_secret": SECRETS["front_secret"], "hook_key": key,
                    "receive": "poll 2s", "sweep": self.sweep, "rate": "180/min", "reconcile": "never", "insecure": True}

        endpoints = {
            "shop": smartify(main, SECRETS["shop_key"], "127.0.0.1"), "team": smartify(other, KEYS["team"], "localhost"),
            "desk": dict(chatwoot(main, SECRETS["desk_key"], "127.0.0.1"), **self.desk_options),
            "site": chatwoot(other, KEYS["site"], "localhost"),
            "mail": chatwoot(third, KEYS["mail"], "mail.localhost"),
            "front": smartsender(main, SECRETS["front_key"], "127.0.0.1"),
            "kiosk": smartsender(other, KEYS["kiosk"], "localhost"),
            "annex": smartify(third, KEYS["annex"], "annex.localhost"),
            "hotel": dict(common, platform="syniverse", user="boss@acme-hotel", password=HOTEL["password"],
                          act_for="agent7@acme-hotel", chat_base_url=main["syniverse"], scg_base_url=main["syniverse"],
                          scg_from="sender_id:Sn1dInvented000000000y", scg_token=HOTEL["token"],
                          webhook_secret=HOTEL["secret"], hook_key=HOTEL["key"])}
        bridges = {name: {"customers": name, "agents": "desk"} for name in ("shop", "front", "hotel", "mail")}
        bridges.update((name, {"customers": name, "agents": "team"}) for name in ("site", "annex", "kiosk"))
        for bridge in bridges.values():
            bridge["system_lines"] = lines
        for name in ("shop", "mail", "site"):
            agents = {"shop": {PRIYA: MARISOL}, "site": {MARISOL: PRIYA}}.get(name, "same")
            bridges[name].update(private_notes="mirror", assignment="both", labels="both", attributes="both", map={
                "agents": agents, "labels": "same", "attributes": {"plan": "plan"}})
        bridges["front"].update(assignment="to_customers", map={
            "agents": {"taras@northwind.example": "marisol@northwind.example"}})
        whole = {"listen": "127.0.0.1:%d" % self.port, "public_url": "http://127.0.0.1:%d" % self.port,
                 "store": "sqlite:%s/tieline.db" % self.folder, "limits": {"fuse": "1000/min"},
                 "admin": {"listen": "127.0.0.1:%d" % self.admin, "socket": "%s/tieline.sock" % self.folder},
                 "media": {"allow_private": ["127.0.0.0/8"]}, "endpoints": endpoints, "bridges": bridges}
        whole.update(process)
        return json.dumps(whole, indent=1)

    def far(self, method, path, body=None):
        """The Syniverse of the first sandbox."""
        answer = request(self.far_port, method, "/sandbox" + path, None if body is None else json.dumps(body),
                         {"Content-Type": "application/json"}, 60)
        assert answer.status == 200, answer.body[:500]
        return answer.json

    # -- customers who write at their own platform, and the desk ------------------------------------------------

    def say(self, spec):
        return self.main("POST", "/say", spec)

    def says(self, spec, place=None):
        """A new customer writes (or the one of place): (platform, person, conversation)."""
        platform, person = spec["platform"], place[1] if place else unique("guest")
        if platform == "syniverse":
            person = place[1] if place else "+1556%07d" % next(self.numbers)
            self.far("POST", "/say", {"from": person, "text": spec["text"], "media_urls": spec.get("media_urls")})
            return platform, person, person
        ids = self.say(dict({"text": ""}, **spec, **{"as": "customer", "person": person}))
        return platform, person, ids["conversation"]

    @staticmethod
    def front(way, text):
        """A customer of the Smart Sender beside the way's target writes; the way leads there now. The message's id."""
        ids = way.far("POST", "/say", {"platform": "smartsender", "as": "customer", "person": unique("guest"), "text": text})
        way.target = way.where(way.far, way.platform, text)
        return ids["message"]

    def syniverse_tells(self, place, text, state):
        """What became of what the relay has sent there."""
        message = next(m for m in self.far("GET", "/record")["messages"]
                       if m["to_address"] == place[2] and text in (m["body"] or ""))
        self.far("POST", "/event", {"topic": "SCG-Message", "attempt": "1", "event-id": unique("ev"), "event": {
            "evt-tp": "message_state_change", "fld-val-list": {
                "message_id": message["id"], "message_request_id": message["message_request_id"],
                "external_message_request_id": message["external_message_request_id"], "previous_state": "DELIVERED",
                "new_state": state, "to_address": place[2]}}})

    def status_at_desk(self, conversation, message):
        [c] = self.main("GET", "/state?conversation=%s" % conversation)["chatwoot"]["conversations"]
        return next(m for m in c["messages"] if m["id"] == message)["status"]

    def serve(self, raw, type):
        """An address that anybody may read: a file of the sandbox."""
        file = {"name": "a." + type.rpartition("/")[2], "type": type, "data": base64.b64encode(raw).decode()}
        row = self.other("POST", "/say", {"platform": "smartify", "as": "customer", "person": unique("keeper"), "text": "",
                                          "file": file})
        state = self.other("GET", "/state")["smartify"]["requests"]
        return next(r for r in state if r["request_id"] == row["conversation"])["messages"][0]["metadata"]["src"]

    def desk(self, place):
        """What the relay wrote about that customer."""
        name = place[1]
        if place[0] == "smartsender":
            [chat] = self.main("GET", "/state?conversation=%s" % place[2])["smartsender"]["chats"]
            name = "smartsender:9:%d" % chat["contact"]["originalId"]
        contacts = [c["id"] for c in self.main("GET", "/state?conversation=none")["chatwoot"]["contacts"]
                    if name in json.dumps([c["name"], c["identifier"], c["phone_number"]])]
        threads = self.main("GET", "/threads?limit=100000&messages=1&fresh=1")["chatwoot"]
        return [m for t in threads if t["contact"] in contacts for m in look(self.main, "chatwoot", t["id"])]

    wait = staticmethod(eventually)

    def desk_of(self, text):
        """What the relay wrote into the desk's conversation that holds that text."""
        for c in self.main("GET", "/state")["chatwoot"]["conversations"]:
            if any(m["content"] == text for m in c["messages"]):
                return look(self.main, "chatwoot", c["id"])
        return []

    def at_desk(self, place, text):
        found = eventually(lambda: [m for m in self.desk(place) if text in m.text], "%s at the desk" % text, pause=0.1)
        assert len(found) == 1, found
        return found[0]

    def wait_at(self, place, text):
        """Until the customer has it."""
        def there():
            if place[0] == "syniverse":
                return [r for r in self.far("GET", "/record")["requests"] if r["to"] == [place[2]] and text in (r["body"] or "")]
            return [m for m in look(self.main, place[0], place[2]) if text in m.text]
        eventually(there, "%s at %s" % (text, place[0]), pause=0.1)

    def file_at_desk(self, place, raw):
        found = eventually(lambda: [m for m in self.desk(place) if any(
            f.get("sha256") == hashlib.sha256(raw).hexdigest() for f in m.files)], "a file at the desk", pause=0.1)
        assert len(found) == 1, found
        return found[0]

    def end(self):
        code = None
        try:
            code = self.relay.stop()
        finally:
            if self.relay.process.poll() is None:
                self.relay.kill()
            self.main.stop()
        log = self.relay.log()
        shutil.rmtree(self.folder, ignore_errors=True)
        assert code == 0, "the relay ended with %s:\n%s" % (code, log[-3000:])
        check_log(log)


class Seen:
    """A message that the relay wrote."""

    def __init__(self, conversation, place, id, text, raw, private=False, files=()):
        self.conversation, self.place, self.id, self.raw, self.private = conversation, place, id, raw, private
        self.text, self.files = text or "", list(files)

    def __repr__(self):
        return "%s %r %s" % (self.id, self.text, self.files)


def look(sandbox, platform, conversation):
    """What the relay wrote there, oldest first."""
    only = "conversation=%s" % conversation
    threads = sandbox("GET", "/threads?limit=100000&messages=100000&fresh=1&" + only)[platform]
    files = {m["id"]: m["files"] for t in threads if t["id"] == conversation for m in t["messages"]}
    state = sandbox("GET", "/state?" + only)[platform]
    out = []
    if platform == "chatwoot":
        for c in state["conversations"]:
            out += [Seen(conversation, i, m["id"], m["content"], m, m["private"], files.get(m["id"], ()))
                    for i, m in enumerate(c["messages"]) if c["id"] == conversation and m["origin"] == "api"]
    elif platform == "smartify":
        for r in state["requests"]:
            out += [Seen(conversation, i, m["_id"], m["text"], m, (m["attributes"] or {}).get("subtype") in ("private", "info"),
                         files.get(m["_id"], ()))
                    for i, m in enumerate(r["messages"]) if r["request_id"] == conversation and m["_by_relay"]]
    else:
        for c in state["chats"]:
            for i, m in enumerate(c["messages"]):
                if c["id"] != conversation or not m["by_api"]:
                    continue
                p = m["content"]["resource"]["parameters"]
                out.append(Seen(conversation, i, m["id"], p.get("content") or p.get("title") or p.get("name"), m,
                                files=[{"url": p["url"]}] if "url" in p else ()))
    return out


class Way:
    """Messages go from source to target. to: whom, "agents" or "customers"; platform: the target's."""

    def __init__(self, hub, to, platform):
        self.hub, self.to, self.platform = hub, to, platform
        self.open()

    # Where people write (always a Chatwoot), and where it is read.
    def open(self):
        hub, hello = self.hub, unique("hello")
        self.person = "+1555%07d" % (hash(hello) % 10**7) if self.platform == "syniverse" else unique("person")
        if self.to == "agents":
            self.sandbox = hub.third if self.platform == "chatwoot" else hub.other
            self.far = hub.main if self.platform == "chatwoot" else hub.other
            self.source = self.sandbox("POST", "/say", {"platform": "chatwoot", "as": "customer", "text": hello,
                                                        "person": self.person})["conversation"]
            self.target = self.where(self.far, self.platform, hello)
            return
        self.sandbox = hub.main
        self.far = {"chatwoot": hub.third}.get(self.platform, hub.main)
        if self.platform == "syniverse":
            hub.far("POST", "/say", {"from": self.person, "text": hello})
            self.target = self.person
        else:
            self.target = self.far("POST", "/say", {"platform": self.platform, "as": "customer", "text": hello,
                                                    "person": self.person})["conversation"]
        self.source = self.where(hub.main, "chatwoot", hello)

    @staticmethod
    def where(sandbox, platform, text):
        def found():
            threads = sandbox("GET", "/threads?limit=100000&messages=100000&fresh=1")[platform]
            return [t["id"] for t in threads for m in t["messages"] if m["by_relay"] and text in (m["text"] or "")]
        return eventually(found, "%s at %s" % (text, platform))[0]

    def own(self):
        """The same with a conversation of its own."""
        return Way(self.hub, self.to, self.platform)

    wait = staticmethod(eventually)

    @staticmethod
    def word(text="w"):
        return unique(text)

    @staticmethod
    def file(name, type, raw):
        return {"name": name, "type": type, "data": base64.b64encode(raw).decode()}

    def send(self, text, role=None, **more):
        return self.sandbox("POST", "/say", dict(more, **{
            "platform": "chatwoot", "as": role or ("agent" if self.to == "customers" else "customer"), "text": text,
            "conversation": self.source, "person": self.person}))

    # -- what arrived ----------------------------------------------------------------------------------------

    def seen(self):
        if self.platform != "syniverse":
            return look(self.far, self.platform, self.target)
        rows = [r for r in self.hub.far("GET", "/record")["requests"] if r["to"] == [self.target]]
        return [Seen(self.target, i, r["id"], r["body"], r, files=[{"url": u} for u in r["media_urls"]]
                     + [{"url": w} for w in (r["body"] or "").split() if "/media/" in w]) for i, r in enumerate(rows)]

    def one(self, text):
        found = eventually(lambda: [m for m in self.seen() if text in m.text], "%s at %s" % (text, self.platform))
        assert len(found) == 1, found
        return found[0]

    def has(self, file, raw):
        if "sha256" in file:
            return file["sha256"] == hashlib.sha256(raw).hexdigest()
        url = urlsplit(file.get("url", ""))
        where = url.path + ("?" + url.query if url.query else "")
        return url.port is not None and request(url.port, "GET", where).body == raw

    def with_file(self, raw):
        found = eventually(lambda: [m for m in self.seen() if any(self.has(f, raw) for f in m.files)],
                           "a file at %s" % self.platform, pause=0.1)
        assert len(found) == 1, found
        return found[0]

    def nothing_but_a_word(self):
        """All that was done before it has been dealt with, and shows nowhere."""
        before, word = {m.id for m in self.seen()}, unique("word")
        self.send(word)
        self.one(word)
        assert [m for m in self.seen() if m.id not in before and word not in m.text or "secret" in m.text] == []

    def at_desk(self):
        """All that stands at the source, where that is the agents' side."""
        return self.sandbox("GET", "/state?conversation=%s" % self.source)["chatwoot"]["conversations"][0]["messages"]

    def at_source(self, text):
        eventually(lambda: [m for m in self.at_desk() if text in (m["content"] or "")], "%s at the source" % text)

    def ask_back(self, text, labels):
        """A bot of the agents' side asks in the target's conversation."""
        spec = {"platform": self.platform, "as": "bot", "conversation": self.target, "text": text}
        if self.platform == "chatwoot":
            spec.update(content_type="input_select", content_attributes={"items": [
                {"title": label, "value": label} for label in labels]})
        else:
            spec["attributes"] = {"attachment": {"type": "template", "buttons": [
                {"type": "text", "value": label} for label in labels]}}
        self.far("POST", "/say", spec)

    def answer(self, text):
        """An agent, in the target's conversation."""
        self.far("POST", "/say", {"platform": self.platform, "as": "agent", "conversation": self.target, "text": text})

    def all_there(self):
        """All that stands at the target, a Chatwoot."""
        state = self.far("GET", "/state")["chatwoot"]["conversations"]
        return next(c for c in state if c["id"] == self.target)["messages"]

    # -- what people do --------------------------------------------------------------------------------------

    def api(self, sandbox, path, body, token=None):
        port = int(sandbox.ready["chatwoot"].rpartition(":")[2])
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Api-Access-Token"] = token
        answer = request(port, "POST", path, json.dumps(body), headers)
        assert answer.status == 200, (path, answer.status, answer.body[:300])

    def desk_call(self, path, body):
        """As an agent, at the source."""
        self.api(self.sandbox, "/api/v1/accounts/1/conversations/%s%s" % (self.source, path), body,
                 self.sandbox.ready["chatwoot_agent_token"])

    def as_customer(self, path, body):
        state = self.sandbox("GET", "/state?conversation=%s" % self.source)["chatwoot"]
        inbox = next(i for i in state["inboxes"] if i["id"] == 12)
        source = next(c for c in state["conversations"] if c["id"] == self.source)["source_id"]
        self.api(self.sandbox, "/public/api/v1/inboxes/%s/contacts/%s/conversations/%s%s" % (
            inbox["inbox_identifier"], source, self.source, path), body)

    def customer_types(self):
        self.as_customer("/toggle_typing", {"typing_status": "on"})

    def customer_reads(self):
        self.as_customer("/update_last_seen", {})

    def agent_types(self):
        self.desk_call("/toggle_typing_status", {"typing_status": "on", "is_private": False})

    def typing_requests(self):
        """Of the relay, about the target's conversation."""
        if self.platform == "syniverse":
            return [r for r in self.hub.far("GET", "/record")["asked"] if "typing" in r["path"]]
        rows = self.far("GET", "/requests?limit=5000&path=typing&platform=" + self.platform)["newest"]
        return [r for r in rows if "/%s/" % self.target in r["path"]]

    def conversation(self):
        """The target's."""
        state = self.far("GET", "/state?conversation=%s" % self.target)[self.platform]
        return state["conversations" if self.platform == "chatwoot" else "requests"][0]

    def erase(self, message):
        self.sandbox("POST", "/act", {"platform": "chatwoot", "action": "erase", "message": message})

    def resolve(self, closed=True):
        self.sandbox("POST", "/act", {"platform": "chatwoot", "action": "resolve" if closed else "reopen",
                                      "conversation": self.source})

    def is_closed(self):
        [thread] = self.far("GET", "/threads?fresh=1&messages=1&conversation=%s" % self.target)[self.platform]
        return thread["status"] in (1000, "resolved", "closed")
