"""The control port: faults, people who write, what is stored, and the verdict. JSON over HTTP; see README.md.

Also serves the page. Only tests and people talk to this port; the relay never learns of it.
"""

import asyncio
import os
import re
import time

from chatwoot import ACCOUNT, API_INBOX, MARISOL, PHONE_INBOX
from judge import Entry, chatwoot_threads, judge, smartify_threads
from smartsender import smartsender_threads
from web import Answer, Platform, Refuse, Rule, answer_json, from_json

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "page")
KINDS = {"html": "text/html; charset=utf-8", "js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8"}
LOAD_TEXT = re.compile(r"\[(\w+) c(\d+) ([qa])(\d+)\]")


def bad(text, status=400):
    raise Refuse(answer_json({"error": text}, status))


class Load:
    """Many conversations at once: customers ask, agents answer what reached them, each thread in order.

    Texts name job, conversation and number, so completeness, order and duplicates are counted as copies arrive."""

    def __init__(self, control, spec):
        self.control = control
        self.tag = spec.get("tag") or "load%d" % (len(control.loads) + 1)
        self.platform = spec.get("platform", "smartify")
        self.conversations = int(spec.get("conversations", 10))
        self.messages = int(spec.get("messages", 5))
        self.rate = float(spec.get("rate", 0))            # customers' messages a second over all threads; 0: no limit
        self.parallel = int(spec.get("parallel", self.conversations))
        self.answers = bool(spec.get("answers", True))
        self.wait = bool(spec.get("wait", True))          # a thread writes on when its callback has been answered
        self.inbox = spec.get("inbox", API_INBOX)
        self.padding = " " + spec["padding"] if spec.get("padding") else ""
        self.started = time.time()
        self.finished = None
        self.written = {"q": 0, "a": 0}
        self.seen = {"q": {}, "a": {}}
        self.arrived = {"q": 0, "a": 0}
        self.queues = {}
        self.next_at = time.monotonic()
        if not re.match(r"\w+\Z", self.tag):
            bad("tag: letters and digits only")

    def note(self, platform, conversation, text):
        """A message that the relay wrote, on either platform."""
        found = LOAD_TEXT.search(text or "")
        if not found or found.group(1) != self.tag:
            return
        thread, kind, number = int(found.group(2)), found.group(3), int(found.group(4))
        if (kind == "q") == (platform == self.platform):
            return
        self.seen[kind].setdefault(thread, []).append(number)
        self.arrived[kind] += 1
        if kind == "q" and self.answers:
            queue = self.queues.get(thread)
            if queue is None:
                queue = self.queues[thread] = asyncio.Queue()
                self.control.later(self.answer(thread, queue))
            queue.put_nowait((conversation, number))
        wanted = self.conversations * self.messages
        if self.arrived["q"] >= wanted and (not self.answers or self.arrived["a"] >= wanted):
            self.finished = self.finished or time.time()

    async def answer(self, thread, queue):
        done = set()
        while len(done) < self.messages:
            conversation, number = await queue.get()
            if number in done:
                continue
            done.add(number)
            text = "[%s c%d a%d]%s" % (self.tag, thread, len(done), self.padding)
            other = self.control.platforms["chatwoot" if self.platform == "smartify" else "smartify"]
            _, task = await other.say_team(conversation, text)
            self.written["a"] += 1
            if self.wait and task is not None:
                await asyncio.wait([task])

    async def customer(self, thread, turn):
        async with turn:
            conversation = None
            for number in range(1, self.messages + 1):
                if self.rate:
                    self.next_at = max(self.next_at + 1 / self.rate, time.monotonic() - 1)
                    pause = self.next_at - time.monotonic()
                    if pause > 0:
                        await asyncio.sleep(pause)
                text = "[%s c%d q%d]%s" % (self.tag, thread, number, self.padding)
                person = "%s-p%05d" % (self.tag, thread)
                if self.platform == "smartify":
                    ids, task = await self.control.smartify.say_customer(person, text, conversation,
                                                                         name="Customer %d" % thread)
                else:
                    if int(self.inbox) == PHONE_INBOX:
                        person = "+1555%07d" % thread
                    ids, task = await self.control.chatwoot.say_customer(person, text, conversation,
                                                                         name="Customer %d" % thread,
                                                                         inbox=self.inbox)
                conversation = ids["conversation"]
                self.written["q"] += 1
                if self.wait and task is not None:
                    await asyncio.wait([task])
                else:
                    await asyncio.sleep(0)

    async def run(self):
        turn = asyncio.Semaphore(self.parallel)
        await asyncio.gather(*(self.customer(n, turn) for n in range(self.conversations)))

    def show(self):
        verdict = {}
        for kind in ("q", "a") if self.answers else ("q",):
            rows = self.seen[kind]
            complete = sum(1 for r in rows.values() if len(set(r)) == self.messages)
            verdict[kind] = {
                "written": self.written[kind], "arrived": self.arrived[kind], "complete_threads": complete,
                "duplicates": sum(len(r) - len(set(r)) for r in rows.values()),
                "out_of_order_threads": sum(1 for r in rows.values() if r != sorted(r)),
                "missing": self.conversations * self.messages - sum(len(set(r)) for r in rows.values())}
        done = self.finished is not None
        return {"tag": self.tag, "platform": self.platform, "conversations": self.conversations,
                "messages": self.messages, "done": done,
                "ok": done and all(not v["duplicates"] and not v["out_of_order_threads"] and not v["missing"]
                                   for v in verdict.values()),
                "seconds": round((self.finished or time.time()) - self.started, 3),
                "customers": verdict["q"], "agents": verdict.get("a")}


class Control(Platform):
    name = "control"
    may_fail = False

    def __init__(self, smartify, chatwoot, smartsender, faults, log, ready, options):
        super().__init__(faults, log)
        self.more = []       # fakes that have a control of their own, and are emptied with the others
        self.smartify, self.chatwoot, self.smartsender = smartify, chatwoot, smartsender
        self.platforms = {"smartify": smartify, "chatwoot": chatwoot, "smartsender": smartsender}
        self.ready = ready
        self.options = options
        self.loads = []
        smartify.listener = chatwoot.listener = self.heard
        add = self.routes.add
        add("GET", "/control", lambda r: answer_json(self.ready))
        add("POST", "/control/faults", self.add_faults)
        add("GET", "/control/faults", lambda r: answer_json([f.show() for f in self.faults.rules]))
        add("DELETE", "/control/faults", self.clear_faults)
        add("POST", "/control/hooks/mode", self.set_mode)
        add("GET", "/control/hooks", self.get_hooks)
        add("PUT", "/control/hooks", self.put_hooks)
        add("PUT", "/control/settings", self.put_settings)
        add("POST", "/control/say", self.say)
        add("POST", "/control/act", self.act)
        add("POST", "/control/load", self.load)
        add("GET", "/control/load", self.get_load)
        add("GET", "/control/state", self.state)
        add("GET", "/control/threads", self.threads)
        add("GET", "/control/written", self.written)
        add("GET", "/control/judge", self.verdict)
        add("GET", "/control/requests", self.requests)
        add("DELETE", "/control/requests", self.clear_requests)
        add("POST", "/control/reset", self.reset)
        add("GET", "/", lambda r: self.file("index.html"))
        add("GET", "/:file", lambda r: self.file(r.args[0]))

    async def respond(self, request):
        found = self.routes.find(request.method, request.segments)
        if found is None:
            bad("no such thing: %s %s" % (request.method, request.path), 404)
        handler, request.args, request.route, _ = found
        request.json = {}
        if request.body:
            try:
                request.json = from_json(request.body.decode())
            except ValueError as error:
                bad("not JSON: %s" % error)
        try:
            result = handler(request)
            if asyncio.iscoroutine(result):
                result = await result
            return result
        except (KeyError, ValueError, TypeError) as error:
            bad("%s: %s" % (type(error).__name__, error))

    def heard(self, platform, conversation, text):
        for load in self.loads:
            if load.finished is None:
                load.note(platform, conversation, text)

    def platform(self, spec):
        platform = self.platforms.get(spec.get("platform"))
        if platform is None:
            bad("platform: smartify, chatwoot or smartsender")
        return platform

    @staticmethod
    def file(name):
        path = os.path.join(PAGE, os.path.basename(name))
        if not os.path.isfile(path):
            bad("no such file", 404)
        with open(path, "rb") as file:
            return Answer(200, file.read(), KINDS.get(name.rpartition(".")[2], "application/octet-stream"),
                          {"Cache-Control": "no-store"})

    # -- faults and callbacks ------------------------------------------------------------------------------

    def add_faults(self, request):
        specs = request.json if isinstance(request.json, list) else [request.json]
        rules = [Rule(s) for s in specs]
        self.faults.rules += rules
        return answer_json([r.show() for r in rules])

    def clear_faults(self, request):
        shown = [r.show() for r in self.faults.rules]
        self.faults.rules.clear()
        return answer_json(shown)

    def set_mode(self, request):
        spec = request.json
        for platform in [self.platform(spec)] if spec.get("platform") else self.platforms.values():
            platform.mode.change(spec)
            platform.sender.hold(platform.mode.hold)
        return self.get_hooks(request)

    def get_hooks(self, request):
        return answer_json({name: {"mode": p.mode.show(), "pending": p.sender.pending,
                                   "counts": dict(p.sender.stats)} for name, p in self.platforms.items()})

    def put_hooks(self, request):
        """Point callbacks elsewhere, at run time."""
        spec = request.json
        if spec.get("platform") == "smartify":
            for key in ("url", "secret"):       # a reset keeps them
                if key in spec and not spec.get("id"):
                    self.options["smartify_hook" if key == "url" else "smartify_secret"] = spec[key]
            for row in self.smartify.subscriptions.values():
                if spec.get("id") in (None, row["_id"]):
                    row["target"] = spec.get("url", row["target"])
                    row["secret"] = spec.get("secret", row["secret"])
                    row.pop("_tail", None)
            if not self.smartify.subscriptions:
                self.smartify.seed_subscriptions(self.smartify.options)
            self.smartify.index_subscriptions()
        elif spec.get("platform") == "chatwoot":
            if spec.get("role") or not (spec.get("webhook") or spec.get("inbox")):
                for key in ("role", "secret"):
                    if spec.get(key):
                        self.options["chatwoot_" + key] = spec[key]
                if "url" in spec:
                    self.options["chatwoot_hook"] = spec["url"]
                self.chatwoot.set_role(self.options["chatwoot_role"], self.options["chatwoot_hook"],
                                       self.options["chatwoot_secret"], spec.get("inbox", API_INBOX))
            elif spec.get("webhook"):
                row = self.chatwoot.webhooks[int(spec["webhook"])]
                row["url"], row["secret"] = spec.get("url", row["url"]), spec.get("secret", row["secret"])
            else:
                row = self.chatwoot.inboxes[int(spec.get("inbox", API_INBOX))]
                row["webhook_url"] = spec.get("url", row["webhook_url"])
                row["secret"] = spec.get("secret", row["secret"])
        elif spec.get("platform") == "smartsender":
            self.options["smartsender_hook"] = spec["url"]
        else:
            bad("platform: smartify, chatwoot or smartsender")
        return answer_json({"smartify": [{k: d[k] for k in ("_id", "event", "target")}
                                         for d in self.smartify.subscriptions.values()],
                            "chatwoot": {"inboxes": [{k: i[k] for k in ("id", "webhook_url")}
                                                     for i in self.chatwoot.inboxes.values()],
                                         "webhooks": [{k: w[k] for k in ("id", "url", "subscriptions")}
                                                      for w in self.chatwoot.webhooks.values()]}})

    FILES = {"smartify": {"late": int, "forget": bool, "upload_limit": int, "upload_types": set},
             "chatwoot": {"late": int, "forget": bool, "body_limit": int, "seconds": float}}
    SETTINGS = {"smartify": {"limit_per_minute": int, "first_seconds": float, "quota": int,
                             "retry_scale": float},
                "smartsender": {"limit_per_minute": int, "lock_seconds": float, "tell_lock": bool, "raw_utf8": bool,
                                "gaps": bool, "errors_in_200": bool, "unread_from_gates": bool, "wakes": bool,
                                "ahead": float},
                "chatwoot": {"message_limit": int, "throttle": int, "search_throttle": int,
                             "underscores_dropped": bool, "callback_timeout": float}}

    def put_settings(self, request):
        spec = dict(request.json)
        platform = self.platform(spec)
        known = self.SETTINGS[platform.name]
        for key, value in spec.items():
            if key == "workers":
                platform.sender.workers = int(value)
            elif key == "one_connection":
                platform.sender.one_connection = bool(value)
            elif key in known:
                setattr(platform, key, known[key](value))
            elif key == "files":
                for name, of_files in value.items():
                    setattr(platform.files, name, self.FILES[platform.name][name](of_files))
            elif key != "platform":
                bad("unknown setting %r; known: %s workers one_connection" % (key, " ".join(known)))
        return answer_json({key: getattr(platform, key) for key in known})

    # -- people --------------------------------------------------------------------------------------------

    async def say(self, request):
        spec = request.json
        if isinstance(spec, list):      # in order, one after the other
            out = []
            for one in spec:
                out.append(await self.say_one(one))
            return answer_json(out)
        return answer_json(await self.say_one(spec))

    async def say_one(self, spec):
        platform, role = self.platform(spec), spec.get("as", "customer")
        text = spec.get("text", "") if "file" in spec or "files" in spec or "attachments" in spec else spec["text"]
        conversation = spec.get("conversation")
        if platform is self.smartsender:
            if role == "customer":
                more = {k: spec[k] for k in ("name", "channel", "content", "buttons", "ago") if k in spec}
                ids, task = await platform.say_customer(spec["person"], text, conversation, **more)
            else:
                more = {k: spec[k] for k in ("private", "content", "ago") if k in spec}
                ids, task = await platform.say_team(conversation, text, role, **more)
        elif platform is self.smartify:
            if role == "customer":
                more = {k: spec[k] for k in ("name", "email", "department", "channel", "attributes", "new",
                                                 "file", "type") if k in spec}
                ids, task = await platform.say_customer(spec["person"], text, conversation, **more)
            else:
                more = {k: spec[k] for k in ("agent", "subtype", "attributes", "file", "type") if k in spec}
                ids, task = await platform.say_team(conversation, text, role, **more)
        elif role == "customer":
            more = {k: spec[k] for k in ("name", "inbox", "email", "phone", "new", "files", "attachments",
                                                 "content_type", "content_attributes") if k in spec}
            ids, task = await platform.say_customer(spec.get("person"), text, conversation, **more)
        elif conversation is None and spec.get("contact"):
            more = {k: spec[k] for k in ("inbox", "agent") if k in spec}
            ids, task = await platform.start_conversation(spec["contact"], text, **more)
        else:
            more = {k: spec[k] for k in ("agent", "private", "files", "attachments", "content_type",
                                                 "content_attributes") if k in spec}
            ids, task = await platform.say_team(conversation, text, role, **more)
        if spec.get("wait") and task is not None:
            await asyncio.wait([task], timeout=15)
        return ids

    def act(self, request):
        spec = request.json
        platform, action, id = self.platform(spec), spec["action"], spec.get("conversation")
        if platform is self.smartsender:
            return self.wake(spec) if action == "wake" else answer_json(platform.act(spec))
        if action == "move":       # the files of a message have other addresses from now on
            found = platform.messages.get(spec["message"] if platform is self.smartify else int(spec["message"]))
            if found is None:
                bad("no such message", 404)
            platform.files.move_of(found.doc if platform is self.smartify else found)
            return answer_json({})
        if platform is self.smartify:
            conversation = platform.requests.get(id)
            if conversation is None:
                bad("no such conversation", 404)
            by = spec.get("by", "5e2c35c8f0dbc10017bb3a02")
            if action in ("close", "resolve"):
                platform.close(conversation, by)
            elif action == "reopen":
                platform.reopen(conversation)
            elif action == "delete":
                platform.delete(conversation)
            elif action == "participants":
                platform.set_participants(conversation, list(spec["participants"]))
                platform.touch(conversation)
                platform.emit_request(conversation, "request.update")
            elif action == "to_human":
                platform.to_human(conversation)
            elif action == "types":
                platform.types(conversation, spec["by"])
            else:
                bad("action: close reopen delete participants to_human types")
            return answer_json({"conversation": id, "status": conversation.doc["status"]})
        if action in ("retry", "erase", "mark"):
            message = platform.messages.get(int(spec["message"]))
            if message is None:
                bad("no such message", 404)
            if action == "retry":
                platform.press_retry(message)
            elif action == "erase":
                platform.erase_message(message)
            else:
                message["status"] = spec["status"]
                message["content_attributes"] = dict(message["content_attributes"],
                                                     external_error=spec.get("error"))
                platform.message_changed(message)
            return answer_json({"message": message["id"], "status": message["status"]})
        if action == "block":
            contact = platform.contacts[int(spec["contact"])]
            contact["blocked"] = bool(spec.get("on", True))
            return answer_json({"contact": contact["id"], "blocked": contact["blocked"]})
        if action == "inbox":
            platform.inboxes[int(spec.get("inbox", API_INBOX))].update(spec["values"])
            return answer_json({})
        row = platform.conversations.get((ACCOUNT, int(id)))
        if row is None:
            bad("no such conversation", 404)
        agent = platform.users[MARISOL]
        if action in ("resolve", "close"):
            platform.set_status(row, "resolved", agent)
        elif action in ("reopen", "pending", "snoozed", "open"):
            platform.set_status(row, "open" if action == "reopen" else action, agent)
        elif action == "delete":
            platform.remove_conversation(row)
        elif action == "assign":
            before, row["assignee"] = row["assignee"], agent
            if before is not agent:
                platform.conversation_changed(row, {"assignee_id": (before and before["id"], agent["id"])})
        else:
            bad("action: resolve reopen pending snoozed delete assign retry erase mark block inbox")
        return answer_json({"conversation": row["display_id"], "status": row["status"]})

    async def wake(self, spec):
        return answer_json(await self.smartsender.wake(spec))

    async def load(self, request):
        load = Load(self, request.json)
        self.loads.append(load)
        self.later(load.run())
        return await self.wait_for(load, float(request.json.get("timeout", 0)))

    async def wait_for(self, load, seconds):
        end = time.monotonic() + seconds
        while load.finished is None and time.monotonic() < end:
            await asyncio.sleep(0.05)
        return answer_json(load.show())

    async def get_load(self, request):
        if not self.loads:
            bad("no load has been started", 404)
        tag = request.query.get("tag")
        load = next((x for x in self.loads if x.tag == tag), None) if tag else self.loads[-1]
        if load is None:
            bad("no such load", 404)
        return await self.wait_for(load, float(request.query.get("timeout", 0)))

    # -- looking -------------------------------------------------------------------------------------------

    def threads(self, request):
        """Both sides, short: for the page and for tests that read along."""
        limit = int(request.query.get("limit", 50))
        newest = int(request.query.get("messages", 100))
        one = request.query.get("conversation")
        since = (self.smartify.serial, self.chatwoot.serial, self.smartsender.serial)
        out = {"version": "%d.%d.%d" % since}
        if request.query.get("version") == out["version"] and not request.query.get("fresh"):
            return answer_json(out)
        for name, rows in (("smartify", smartify_threads(self.smartify)),
                           ("chatwoot", chatwoot_threads(self.chatwoot)),
                           ("smartsender", smartsender_threads(self.smartsender, Entry))):
            shown, contact = [], None
            if one:
                rows = [row for row in rows if str(row[0]) == one]
            for id, entries in list(rows)[-limit:]:
                if name == "smartify":
                    doc = self.smartify.requests[id].doc
                    title, status = doc["lead"]["fullname"] if doc.get("lead") else id, doc["status"]
                elif name == "smartsender":
                    title, status = self.smartsender.chats[id].name, self.smartsender.chats[id].state
                else:
                    row = self.chatwoot.conversations[ACCOUNT, id]
                    title, status, contact = row["contact"]["name"], row["status"], row["contact"]["id"]
                shown.append({"id": id, "title": title, "status": status, "contact": contact, "messages": [
                    {"id": e.id, "who": e.who, "text": e.text, "private": e.private, "by_relay": e.copy,
                     "state": e.state, "swallowed": e.swallowed, "files": e.files, "more": e.more} for e in entries[-newest:]]})
            out[name] = shown
        return answer_json(out)

    def written(self, request):
        """What the relay wrote, as briefly as can be: a past is long."""
        if request.query.get("platform") == "smartify":
            return answer_json([[c.doc["status"], [
                [m.doc.get("text"), int(isinstance(m.doc.get("metadata"), dict) and "src" in m.doc["metadata"])]
                for m in c.messages if m.by_relay and m.origin == "api"]] for c in self.smartify.requests.values()])
        return answer_json([[c["status"], [[m["content"], len(m["attachments"])] for m in c["messages"]
                                           if m["origin"] == "api"]] for c in self.chatwoot.conversations.values()])

    def state(self, request):
        s, c, t = self.smartify, self.chatwoot, self.smartsender
        hidden = ("conversation", "sender")
        one = request.query.get("conversation")

        def wanted(id):
            return one in (None, str(id))
        return answer_json({
            "smartify": {
                "requests": [dict(s.computed(r), messages=[dict(m.now(), _by_relay=m.by_relay, _origin=m.origin)
                                                           for m in r.messages]) for id, r in s.requests.items() if wanted(id)],
                "leads": list(s.leads.values()), "project_users": list(s.members.values()),
                "subscriptions": [{k: v for k, v in d.items() if k != "_tail"} for d in s.subscriptions.values()],
                "deleted": s.deleted, "ghosts": s.ghosts},
            "chatwoot": {
                "contacts": [c.contact_rest(r) for r in c.contacts.values()],
                "conversations": [dict(c.conversation_rest(r), source_id=r["contact_inbox"]["source_id"],
                                       messages=[{k: v for k, v in m.items() if k not in hidden}
                                                 for m in r["messages"]])
                                  for r in c.conversations.values() if wanted(r["display_id"])],
                "inboxes": [c.inbox_rest(i, True) for i in c.inboxes.values()],
                "webhooks": list(c.webhooks.values())},
            "smartsender": {
                "chats": [dict(t.shown(chat), state=chat.state, forwards=chat.forwards, messages=[
                    dict(t.message(m), watermark=m.watermark, by_api=m.by_api) for m in chat.messages])
                    for chat in t.chats.values() if wanted(chat.id)],
                "lockouts": t.lockouts, "asked_while_locked": t.asked_while_locked}})

    def verdict(self, request):
        default = "smartify" if self.chatwoot.role == "agents" else "chatwoot"
        return answer_json(judge(self.smartify, self.chatwoot, request.query.get("customers", default),
                                 request.query.get("threads") == "1", request.query.get("announced"), self.smartsender,
                                 request.query.get("agents")))

    def requests(self, request):
        limit = int(request.query.get("limit", 200))
        if not limit:
            return answer_json({"counts": {k: v for k, v in self.log.counts.items() if not k.startswith("control")},
                                "newest": []})
        pattern = re.compile(request.query.get("path", ""))
        rows = [{"at": at, "platform": p, "method": m, "path": path, "status": status, "fault": fault}
                for at, p, m, path, status, fault in self.log.newest
                if p != "control" and pattern.search(path)
                and request.query.get("method") in (None, m) and request.query.get("platform") in (None, p)]
        return answer_json({"counts": {k: v for k, v in self.log.counts.items() if not k.startswith("control")},
                            "newest": rows[-limit:]})

    def clear_requests(self, request):
        self.log.clear()
        return answer_json({})

    async def reset(self, request):
        self.faults.rules.clear()
        self.log.clear()
        self.loads.clear()
        for platform in self.platforms.values():
            platform.sender.hold(False)
            await platform.sender.stop()
            platform.mode.__init__(**({"shuffle": self.options.get("shuffle", 0.3)}
                                      if platform is self.chatwoot else {}))
            platform.sender.stats.clear()
            platform.reset()
        for platform in self.more:
            platform.reset()
        return answer_json({})
