"""A Syniverse: Two-Way Chat's sessions with the events they bring, and the messaging API (SCG) with its own.

What the provider publishes is done as published: sessions with Basic and their error bodies, bearer tokens that
expire as 404 with SCG_ERROR_4046 and are renewed with two consumer secrets, message requests that never deduplicate,
lists with limit, offset and total, events in an envelope that spells some names in two ways. What it does not publish
(how the chat's events look) is our own invention, and can be sent in other shapes.

Tests steer it below /sandbox, on the same port; nothing else of the path is the provider's.
"""

import base64
import itertools
import time

import aiohttp

from web import Answer, Platform, Refuse, answer_json, from_json, iso, to_bytes, to_json

COMPANY = "acme-hotel"
USERS = {
    "boss@acme-hotel": ("sandbox-syniverse-password", "GLOBAL_MANAGER", "64aa00bbe4b0c1d2e3f40009", "The Boss"),
    "agent7@acme-hotel": ("sandbox-agent-password", "AGENT", "64aa00bbe4b0c1d2e3f40001", "Agent Seven"),
}
TOKEN = "sandbox-scg-token-0"
CONSUMER = ("sandbox-consumer-key", "sandbox-consumer-secret")
SENDER, OWN_ADDRESS = "Sn1dInvented000000000y", "+15555550999"
INTEGRATION = "/scg-web-chat-api/api/v2/integration"
SCG = "/scg-external-api/api/v1/messaging"
STOP = ("stop", "stopall", "unsubscribe", "cancel", "end", "quit")
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
LIST_MOST = 50      # the server caps limit

DEFAULTS = {
    "hook": None, "hook_user": "tieline", "hook_password": None, "hook_method": "POST",
    "life": 201600.193, "idempotent": False, "ends_old": False, "register_status": 200, "enabled": True,
    "clock_skew": 0, "no_expiry": False,
    "expired": False,           # the token
    "searches": True,           # external_id is a query key; else it is ignored
    "lists": True,              # messages are listed; else the list is empty, as when it is behind
    "mms": True, "consent": "later",    # an address that opted out is refused: now, or later by an event
    "source": "chat_api",       # who tells: chat_api, ess or nobody
    "fate": ["DELIVERED"],      # what becomes of what is sent: states in order, or [state, code, words]
    "newest_first": False,      # lists
    "tells_states": True,
    "total": True, "event_id": "event-id", "attempt": "text",
}


def fail(status, message, path):
    """Spring Boot's error body."""
    words = {401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 409: "Conflict", 400: "Bad Request"}
    raise Refuse(answer_json({"timestamp": int(time.time() * 1000), "status": status, "error": words[status],
                              "message": message, "path": path}, status))


def scg_fail(status, code, text):
    raise Refuse(answer_json({"error_code": code, "error_description": text}, status))


class Syniverse(Platform):
    name = "syniverse"

    def __init__(self, faults, log):
        super().__init__(faults, log)
        add = self.routes.add
        add("POST", INTEGRATION, self.register)
        add("DELETE", INTEGRATION + "/:id", self.deregister)
        add("GET", "/saop-rest-data/v1/apptoken-refresh", self.refresh)
        add("POST", SCG + "/message_requests", self.create)
        add("GET", SCG + "/message_requests", self.list_requests)
        add("GET", SCG + "/messages", self.list_messages)
        add("GET", SCG + "/messages/:id", self.get_message)
        add("GET", SCG + "/attachments/:id/content", self.get_attachment)
        add("GET", "/sandbox/files/:name", lambda r: Answer(200, PNG, "image/png"))
        add("PUT", "/sandbox/settings", self.set)
        add("POST", "/sandbox/say", self.say)
        add("POST", "/sandbox/event", self.event)
        add("POST", "/sandbox/end_session", self.end_session)
        add("GET", "/sandbox/record", lambda r: answer_json(self.record()))
        self.reset()

    def reset(self):
        self.settings = dict(DEFAULTS)
        self.sessions = {}      # id: the session, with "ended" when and by whom
        self.token, self.renewals = TOKEN, 0
        self.messages, self.requests = [], []
        self.of_address = {}    # (direction, address): those of the messages
        self.opted_out = set()
        self.told = []          # callbacks sent, with what was answered
        self.asked = []         # what the relay asked, but for its secrets
        self.numbers = itertools.count(1)

    def number(self, kind):
        return "%s%020x" % (kind, next(self.numbers))

    async def respond(self, request):
        found = self.routes.find(request.method, request.segments)
        if not found:
            return Answer(404, to_bytes(to_json({"error": "no such address"})))
        handler, request.args, request.route, _ = found
        if request.body:
            try:
                request.json = from_json(request.body.decode())
            except ValueError:
                return Answer(400)
        if not request.path.startswith("/sandbox/"):
            self.asked.append({"method": request.method, "path": request.path.partition("?")[0],
                               "query": {k: v for k, v in request.query.items() if not k.startswith("consumer")},
                               "body": request.json, "at": time.time()})
        result = handler(request)
        return await result if hasattr(result, "__await__") else result

    # -- Two-Way Chat --------------------------------------------------------------------------------------

    def basic(self, request):
        kind, _, value = request.headers.get("Authorization", "").partition(" ")
        try:
            user, _, password = base64.b64decode(value).decode().partition(":")
        except ValueError:
            user = password = ""
        if kind != "Basic" or user not in USERS or USERS[user][0] != password:
            fail(401, "Bad credentials", request.path)
        return user

    def alive(self, id):
        session = self.sessions.get(id)
        return bool(session) and session["ended"] is None and time.time() * 1000 < session["until"]

    def register(self, request):
        if not request.path.endswith("/integration/"):
            fail(404, "No message available", request.path)
        user = self.basic(request)
        if not self.settings["enabled"]:
            fail(409, "Integration is not enabled", request.path)
        wanted = (request.json or {}).get("user")
        if wanted not in USERS or (wanted != user and USERS[user][1] != "GLOBAL_MANAGER"):
            fail(403, "Access is denied", request.path)
        now = time.time() * 1000
        mine = [id for id, s in self.sessions.items() if s["user"] == wanted and self.alive(id)]
        id = mine[0] if mine and self.settings["idempotent"] else "64f0c2d1" + "%016x" % next(self.numbers)
        if self.settings["ends_old"]:
            for old in mine:
                if old != id:
                    self.sessions[old]["ended"] = "server"
        life = self.settings["life"] * 1000
        self.sessions[id] = {"user": wanted, "until": now + life, "ended": None, "at": now}
        skew = self.settings["clock_skew"] * 1000
        body = {"id": id, "createdAt": int(now + skew), "createdBy": user, "expiresAt": int(now + skew + life),
                "allowedTo": {"id": USERS[wanted][2], "role": USERS[wanted][1], "name": USERS[wanted][3]}}
        if self.settings["no_expiry"]:
            body["expiresAt"] = body["allowedTo"] = None
        return answer_json(body, self.settings["register_status"])

    def deregister(self, request):
        self.basic(request)
        if not self.settings["enabled"]:
            fail(409, "Integration is not enabled", request.path)
        if request.path.endswith("/") or not self.alive(request.args[0]):
            fail(404, "No message available", request.path)
        self.sessions[request.args[0]]["ended"] = "relay"
        return Answer(204)

    # -- the messaging API ---------------------------------------------------------------------------------

    def bearer(self, request):
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if self.settings["expired"]:
            scg_fail(404, "SCG_ERROR_4046", "Token expired")
        if kind != "Bearer" or token != self.token:
            scg_fail(401, "SCG_ERROR_4010", "Invalid access token")

    def refresh(self, request):
        q = request.query
        if (q.get("consumerkey"), q.get("consumersecret")) != CONSUMER or q.get("oldtoken") != self.token:
            return answer_json({"errorCode": 1, "moreInfo": "", "userMsg": "Invalid credentials"}, 401)
        self.renewals += 1
        self.token = "sandbox-scg-token-%d" % self.renewals
        self.settings["expired"] = False
        return answer_json({"accessToken": self.token})

    def create(self, request):
        self.bearer(request)
        body = request.json
        if not isinstance(body, dict) or request.path.endswith("/"):
            scg_fail(400, "SCG_ERROR_4001", "Invalid request")
        if body.get("from") not in (SENDER, "sender_id:" + SENDER):
            scg_fail(400, "SCG_ERROR_40018", "Sender is not valid")
        to = body.get("to")
        if not isinstance(to, list) or not to:
            scg_fail(400, "SCG_ERROR_4002", "to is missing")
        for address in to:
            if not (address.startswith("+") and address[1:].isdigit()) and not address.startswith(("fb:", "wa:", "we:")):
                scg_fail(400, "SCG_ERROR_40024", "Recipient is not valid")
        if len(body.get("external_id") or "") > 64:
            scg_fail(400, "SCG_ERROR_4001", "external_id is too long")
        if not body.get("body") and not body.get("media_urls"):
            scg_fail(400, "SCG_ERROR_40025", "Message is empty")
        if body.get("media_urls") and not self.settings["mms"]:
            scg_fail(400, "SCG_ERROR_40016", "Sender cannot send MMS")
        refused = [a for a in to if a in self.opted_out]
        if refused and self.settings["consent"] == "now":
            scg_fail(403, 1005, "No consent")
        # Nothing deduplicates: each accepted request is one more message on the phone.
        id = self.number("rq")
        self.requests.append({"id": id, "from": body["from"], "to": to, "body": body.get("body"),
                              "external_id": body.get("external_id"), "media_urls": body.get("media_urls") or [],
                              "consent_requirement": body.get("consent_requirement"), "created_date": iso(), "fetched": []})
        for address in to:
            self.deliver(id, address, body, address in refused)
        return answer_json({"id": id})

    def deliver(self, id, address, body, refused):
        message = {"id": self.number("mt"), "message_request_id": id, "direction": "MT", "from_address": OWN_ADDRESS,
                   "external_message_request_id": body.get("external_id"), "to_address": address,
                   "customer_sender_id": SENDER, "state": "SENT", "failure_code": None, "body": body.get("body"),
                   "media_urls": body.get("media_urls"), "type": "MMS" if body.get("media_urls") else "SMS",
                   "created_date": iso()}
        self.keep(message)
        fate = [["FAILED", 1005, "No consent"]] if refused else self.settings["fate"]
        self.later(self.become(message, fate))

    async def become(self, message, fate):
        request = next(r for r in self.requests if r["id"] == message["message_request_id"])
        for url in message["media_urls"] or []:
            async with aiohttp.ClientSession() as client:
                async with client.get(url) as answer:
                    request["fetched"].append({"status": answer.status, "type": answer.content_type,
                                               "bytes": len(await answer.read())})
        for state in fate:
            before = message["state"]
            state, code, words = state if isinstance(state, list) else (state, None, None)
            message.update(state=state, failure_code=code, failure_details=words)
            if self.settings["hook"] and self.settings["tells_states"]:
                await self.tell(self.state_event(message, before))

    def keep(self, message):
        address = message["from_address"] if message["direction"] == "MO" else message["to_address"]
        self.messages.append(message)
        self.of_address.setdefault((message["direction"], address), []).append(message)

    def page(self, request, rows):
        limit = min(int(request.query.get("limit", LIST_MOST)), LIST_MOST)
        offset = int(request.query.get("offset", 0))
        rows = rows[::-1] if self.settings["newest_first"] else rows
        answer = {"list": rows[offset:offset + limit], "limit": limit, "offset": offset}
        if self.settings["total"]:
            answer["total"] = len(rows)
        return answer_json(answer)

    def list_requests(self, request):
        self.bearer(request)
        wanted = request.query.get("external_id")
        rows = self.requests if self.settings["lists"] else []
        if self.settings["searches"] and wanted:
            rows = [r for r in rows if r["external_id"] == wanted]
        return self.page(request, [dict(r, external_id=None) for r in rows] if not self.settings["searches"] else rows)

    def list_messages(self, request):
        self.bearer(request)
        rows, direction = self.messages if self.settings["lists"] else [], request.query.get("direction")
        address = request.query.get("from_address" if direction == "MO" else "to_address")
        if rows and direction and address:
            rows = self.of_address.get((direction, address), [])
        for key in ("direction", "to_address", "from_address", "state"):
            if key in request.query:
                rows = [m for m in rows if m[key] == request.query[key]]
        return self.page(request, rows)

    def get_message(self, request):
        self.bearer(request)
        for message in self.messages:
            if message["id"] == request.args[0]:
                return answer_json(message)
        scg_fail(404, "SCG_ERROR_4004", "Not found")

    def get_attachment(self, request):
        self.bearer(request)
        if not any(request.args[0] in (m.get("attachments") or []) for m in self.messages):
            scg_fail(404, "SCG_ERROR_40030", "Not uploaded")
        return Answer(200, PNG, "image/png")

    # -- events --------------------------------------------------------------------------------------------

    def envelope(self, type, fields):
        s = self.settings
        return {"topic": "SCG-Message", "attempt": "1" if s["attempt"] == "text" else 1, s["event_id"]: self.number("ev"),
                "event": {"evt-tp": type, "timestamp": iso(), "fld-val-list": fields}}

    def state_event(self, message, before="SENT"):
        return self.envelope("message_state_change", {
            "message_id": message["id"], "message_request_id": message["message_request_id"],
            "external_message_request_id": message["external_message_request_id"], "previous_state": before,
            "new_state": message["state"], "reason_code": message["failure_code"],
            "reason_description": message.get("failure_details"),
            "from_address": OWN_ADDRESS, "to_address": message["to_address"], "fragments_count": 1, "mt_price": 0.0075})

    def mo_event(self, message, spec):
        truncated = bool(spec.get("truncated"))
        return self.envelope("mo_message_received", {
            "message_id": message["id"], "from_address": message["from_address"], "to_address": OWN_ADDRESS,
            "sender_id_id": SENDER, "sender_id_alias": "Front desk",
            "message_body": message["body"][:20] if truncated else message["body"], "message_body_truncated": truncated,
            "has_attachment": bool(message["media_urls"] or message["attachments"]), "media_urls": message["media_urls"],
            "attachment_ids": None if spec.get("hides_files") else ";".join(message["attachments"] or []) or None,
            "fragments_count": 1, "application_id": 4242,
            "company-id": 777001, "mo_price": 0.0095})

    def chat_event(self, message, session, direction="MO"):
        now = int(time.time() * 1000)
        address = message["from_address"] if direction == "MO" else message["to_address"]
        return {"sessionId": session, "type": "MESSAGE_RECEIVED" if direction == "MO" else "MESSAGE_SENT",
                "timestamp": now,
                "chat": {"id": "chat-" + address, "status": "OPEN", "property": "FRONT DESK"},
                "contact": {"id": "contact-" + address, "name": "Jo Doe", "address": address},
                "message": {"id": message["id"], "direction": direction, "text": message["body"], "createdAt": now,
                            "attachments": message.get("media_urls") or []}}

    async def tell(self, body):
        """One callback; the status that was answered, 0 for none."""
        s = self.settings
        headers = {"Content-Type": "application/json"}
        if s["hook_password"]:
            both = "%s:%s" % (s["hook_user"], s["hook_password"])
            headers["Authorization"] = "Basic " + base64.b64encode(both.encode()).decode()
        status = 0
        try:
            async with aiohttp.ClientSession() as client:
                async with client.request(s["hook_method"], s["hook"], data=to_bytes(to_json(body)),
                                          headers=headers) as answer:
                    status = answer.status
                    await answer.read()
        except aiohttp.ClientError:
            pass
        self.told.append({"body": body, "status": status})
        return status

    # -- what tests ask for --------------------------------------------------------------------------------

    def set(self, request):
        for key, value in request.json.items():
            if key not in self.settings:
                return answer_json({"error": "no setting " + key}, 400)
            self.settings[key] = value
        return answer_json(self.settings)

    async def say(self, request):
        """A customer writes. Over each living session it is told, unless sessions are named; or by an event. A list is
        done in order."""
        if isinstance(request.json, list):
            return answer_json([await self.say_one(spec) for spec in request.json])
        return answer_json(await self.say_one(request.json))

    async def say_one(self, spec):
        message = {"id": self.number("mo"), "message_request_id": None, "direction": "MO", "body": spec["text"],
                   "from_address": spec["from"], "to_address": OWN_ADDRESS, "state": "RECEIVED", "type": "SMS",
                   "external_message_request_id": None,
                   "created_date": iso(time.time() - spec.get("ago", 0)), "customer_sender_id": SENDER,
                   "media_urls": spec.get("media_urls"),
                   "attachments": spec.get("attachments")}
        if spec.get("as") == "agent":       # another program sent it, by the same sender
            message.update(id=self.number("mt"), direction="MT", from_address=OWN_ADDRESS, to_address=spec["from"],
                           state="DELIVERED")
            self.keep(message)
            return {"id": message["id"], "statuses": []}
        self.keep(message)
        if spec["text"].strip().lower() in STOP:
            self.opted_out.add(spec["from"])
        else:
            self.opted_out.discard(spec["from"])
        if self.settings["source"] == "nobody":
            return {"id": message["id"], "statuses": []}
        if self.settings["source"] == "ess":
            bodies = [self.mo_event(message, spec)]
        else:
            sessions = spec.get("sessions") or [id for id in self.sessions if self.alive(id)]
            bodies = [self.chat_event(message, id) for id in sessions]
        bodies *= spec.get("times", 1)
        if spec.get("batch"):
            bodies = [bodies]
        statuses = [await self.tell(body) for body in bodies]
        return {"id": message["id"], "statuses": statuses}

    async def event(self, request):
        """Any body, as it is."""
        return answer_json({"status": await self.tell(request.json)})

    async def end_session(self, request):
        """Somebody logs the user out; the session says so last."""
        ended = [id for id in self.sessions if self.alive(id)]
        for id in ended:
            self.sessions[id]["ended"] = "logged out"
            if request.json and request.json.get("says"):
                await self.tell({"sessionId": id, "type": "SESSION_EXPIRED"})
        return answer_json({"ended": ended})

    def record(self):
        return {"sessions": [dict(s, id=id, alive=self.alive(id)) for id, s in self.sessions.items()],
                "requests": self.requests, "messages": self.messages, "told": self.told, "asked": self.asked,
                "opted_out": sorted(self.opted_out), "renewals": self.renewals}
