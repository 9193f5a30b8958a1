"""A fake Smart Sender: chats that are read page by page, one call that reaches a person's phone, and nothing that
calls back but the block of a funnel.

Written from the vendor's pages and public clients. What nobody has published is a setting, so that a client can be
tried with either answer; see README.md beside this file.
"""

import asyncio
import json
import re
import time

from hooks import Mode, Sender
from shown import of_smartsender
from web import Answer, Platform, Refuse, from_json

TOKEN = "sandbox-smartsender-token-0123456789abcdefghijklmnopqrstuvwxyz"
SECRET = "sandbox-smartsender-secret"
PROJECT = 9
SEND_TYPES = {"text": ("content",), "file": ("media",), "picture": ("media",), "video": ("media",), "audio": ("media",),
              "voice": ("media",), "animation": ("media",), "location": ("title", "latitude", "longitude"),
              "contact": ("fullName", "phoneNumber")}
WEB = re.compile(r"https?://[^\s]+\Z")
MOST = 20
OPERATORS = [{"id": 7, "info": {"email": "oksana@northwind.example", "fullName": "Oksana Melnyk"}},
             {"id": 8, "info": {"email": "taras@northwind.example", "fullName": "Taras Bondar"}}]


def channel_doc(id, type, name):
    return {"id": id, "active": True, "occupied": True, "type": type, "name": name, "referrer": 1, "link": None,
            "app": None, "createdAt": "2023-01-10 10:00:00", "updatedAt": "2024-02-01 09:30:00"}


CHANNELS = [channel_doc(4, "telegram", "demo_shop_bot"), channel_doc(5, "whatsapp", "447700900100")]


def content(type, parameters, buttons=None):
    resource = {"parameters": parameters}
    if buttons:
        resource["buttons"] = [{"parameters": {"text": b}} for b in buttons]
    return {"type": type, "resource": resource}


class Chat:
    __slots__ = ("id", "name", "contact", "original", "gates", "messages", "unread", "state", "created", "updated",
                 "person", "forwards", "values", "fired")

    def __init__(self, id, name, contact, original, gates, person):
        self.id, self.name, self.contact, self.original, self.gates = id, name, contact, original, gates
        self.person = person
        self.messages = []
        self.forwards, self.values, self.fired = [], {}, []     # what was done with it besides
        self.unread = 0
        self.state = "open"
        self.created = self.updated = time.time()


class Message:
    __slots__ = ("id", "chat", "content", "internal", "sender", "born", "edited", "seen", "watermark", "by_api", "who")

    def __init__(self, id, chat, content, internal, sender, who, by_api=False, watermark=None):
        self.id, self.chat, self.content, self.internal, self.sender = id, chat, content, internal, sender
        self.who, self.by_api, self.watermark = who, by_api, watermark
        self.born = time.time()
        self.edited = self.seen = None

    def text(self):
        p = self.content["resource"]["parameters"] if self.content.get("resource") else {}
        return p.get("content") or p.get("caption") or ""

    def url(self):
        p = self.content["resource"]["parameters"] if self.content.get("resource") else {}
        return p.get("url")


class Smartsender(Platform):
    name = "smartsender"
    keep_alive_seconds = 5

    def __init__(self, options, faults, log):
        super().__init__(faults, log)
        self.options = options
        self.prefix = "/v1"
        self.mode = Mode()
        self.sender = Sender(workers=8)
        self.messages = {}
        self.add_routes()
        self.reset()

    def reset(self):
        """Ids go on counting up: an id is never given twice."""
        if not hasattr(self, "next_id"):
            self.next_id = {"chat": 71001, "contact": 88001, "original": 55001, "gate": 90301, "message": 4455001}
        self.listener = getattr(self, "listener", None)
        self.serial = getattr(self, "serial", 0)
        self.chats = {}              # id → Chat
        self.by_original = {}
        self.by_person = {}
        self.messages = {}
        self.limit_per_minute = 180
        self.lock_seconds = 60.0     # of the first time; real
        self.tell_lock = True        # Retry-After is sent
        self.raw_utf8 = False        # else everything beyond ASCII is an escape, as PHP writes it
        self.gaps = False            # lists are objects with numbers for keys
        self.errors_in_200 = False
        self.unread_from_gates = False
        self.wakes = False           # a funnel's block calls for each message of a customer
        self.ahead = 0.0             # how far its clock is, or its zone
        self.calls = set()           # of those blocks, under way
        self.asked = []              # when, within the last minute
        self.locked_until = 0.0
        self.lockouts = 0
        self.asked_while_locked = 0

    def take_id(self, kind):
        self.next_id[kind] += 1
        return self.next_id[kind]

    # -- every request -------------------------------------------------------------------------------------

    def answer(self, value, status=200, headers=None):
        text = json.dumps(value, ensure_ascii=not self.raw_utf8, separators=(",", ":"))
        return Answer(status, text.replace("/", "\\/").encode("utf-8", "surrogatepass"), "application/json", headers)

    def refuse(self, code, message, headers=None, **description):
        error = {"code": code, "message": message}
        if description:
            error["description"] = {k: [v] for k, v in description.items()}
        raise Refuse(self.answer({"error": error}, 200 if self.errors_in_200 else code, headers))

    def count(self):
        """A limit that locks out, longer each time; who asks meanwhile makes it no better."""
        now = time.time()
        if now < self.locked_until:
            self.asked_while_locked += 1
            self.locked(now)
        self.asked = [t for t in self.asked if t > now - 60]
        if self.limit_per_minute and len(self.asked) >= self.limit_per_minute:
            self.lockouts += 1
            self.locked_until = now + min(self.lockouts, 12) * self.lock_seconds
            self.asked = []
            self.locked(now)
        self.asked.append(now)

    def locked(self, now):
        left = max(1, int(self.locked_until - now + 0.999))
        self.refuse(429, "Too Many Attempts.", {"Retry-After": str(left)} if self.tell_lock else None)

    async def respond(self, request):
        segments = request.segments
        if not segments or segments[0] != "v1":
            return Answer(404, b"<html>not found</html>", "text/html")
        del segments[0]
        if request.headers.get("Authorization") != "Bearer " + TOKEN:
            self.refuse(401, "Unauthenticated")
        self.count()
        if request.body:
            try:
                request.json = from_json(request.body.decode())
            except ValueError:
                self.refuse(400, "Malformed JSON")
            if not isinstance(request.json, dict):
                self.refuse(422, "Unprocessable entity")
        found = self.routes.find(request.method, segments)
        if found is None:
            self.refuse(404, "Not Found")
        handler, request.args, request.route, _ = found
        answer = self.answer(handler(request))
        left = self.limit_per_minute - len(self.asked)
        answer.headers = {"X-Rate-Limit": str(left)} if self.limit_per_minute else None
        return answer

    def add_routes(self):
        add = self.routes.add
        add("GET", "/me", lambda r: {"id": PROJECT, "name": "Northwind", "photo": None})
        add("GET", "/chats", self.list_chats)
        add("GET", "/chats/:id", lambda r: self.shown(self.chat(r)))
        add("PUT", "/chats/:id/read", self.read)
        add("PUT", "/chats/:id/close", self.close)
        add("POST", "/chats/:id/forward/:operator", self.forward)
        add("GET", "/chats/:id/messages", lambda r: self.list_messages(r, self.chat(r)))
        add("GET", "/contacts", lambda r: self.page(r, [self.contact(c) for c in self.by_original.values()]))
        add("GET", "/contacts/search", self.search)
        add("GET", "/contacts/:id", lambda r: self.contact(self.of_contact(r)))
        add("GET", "/contacts/:id/info", lambda r: dict(self.contact(self.of_contact(r)), variables=self.of_contact(r).values))
        add("GET", "/contacts/:id/chat", lambda r: self.shown(self.of_contact(r)))
        add("GET", "/contacts/:id/gates", lambda r: self.page(r, self.of_contact(r).gates))
        add("GET", "/contacts/:id/messages", lambda r: self.list_messages(r, self.of_contact(r)))
        add("POST", "/contacts/:id/send", self.send)
        add("PUT", "/contacts/:id", self.change_contact)
        add("POST", "/contacts/:id/fire", self.fire)
        add("PUT", "/gates/:id/messages", self.edit_message)
        add("DELETE", "/gates/:id/messages", self.delete_messages)
        add("GET", "/channels", lambda r: self.page(r, CHANNELS))
        add("GET", "/channels/:id", lambda r: self.channel(r))
        add("POST", "/channels/:id/gates", self.open_gate)
        add("GET", "/operators", lambda r: self.page(r, OPERATORS))

    def stamp(self, at):
        return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at + self.ahead))

    # -- looking things up ---------------------------------------------------------------------------------

    def number(self, text):
        if not text.isdigit():
            self.refuse(404, "Not Found")
        return int(text)

    def chat(self, request):
        return self.chats.get(self.number(request.args[0])) or self.refuse(404, "Not Found")

    def of_contact(self, request):
        """By the id in the CRM. The other one leads nowhere, or to somebody else."""
        return self.by_original.get(self.number(request.args[0])) or self.refuse(404, "Not Found")

    def page(self, request, rows):
        page, size = request.query.get("page", "1"), request.query.get("limitation", str(MOST))
        if not page.isdigit() or int(page) < 1:
            self.refuse(422, "Unprocessable entity", page="The page must be at least 1.")
        if not size.isdigit() or not 1 <= int(size) <= MOST:
            self.refuse(422, "Unprocessable entity", limitation="The limitation may not be greater than 20.")
        page, size = int(page), int(size)
        rows = list(rows)
        part = rows[(page - 1) * size:page * size]
        return {"cursor": {"page": page, "pages": (len(rows) + size - 1) // size}, "collection": self.listed(part)}

    def listed(self, rows):
        return {str(2 * i): row for i, row in enumerate(rows)} if self.gaps else rows

    def shown(self, chat):
        doc = {"id": chat.id, "name": chat.name, "image": None,
               "contact": {"id": chat.contact, "originalId": chat.original},
               "gates": self.listed([dict(g, unreadMessages=chat.unread) for g in chat.gates]),
               "unreadMessages": chat.unread, "createdAt": self.stamp(chat.created), "updatedAt": self.stamp(chat.updated)}
        if self.unread_from_gates:
            del doc["unreadMessages"]
        return doc

    def contact(self, chat):
        return {"id": chat.original, "firstName": chat.name, "lastName": None, "fullName": chat.name, "email": None,
                "phone": None, "photo": None, "createdAt": self.stamp(chat.created), "tags": [], "funnels": [], "notes": [],
                "variables": [{"name": k, "value": v} for k, v in chat.values.items()]}

    def message(self, m):
        at = self.stamp(m.born)
        return {"id": m.id, "content": m.content, "internal": m.internal, "state": {}, "sender": m.sender,
                "gate": None if m.internal else m.chat.gates[0], "editedAt": m.edited and self.stamp(m.edited),
                "seenAt": m.seen and self.stamp(m.seen), "createdAt": at, "deliveredAt": None if m.who == "customer" else at}

    def list_chats(self, request):
        query, chats = request.query, list(self.chats.values())
        state, name = query.get("state"), query.get("selector[name]", "none")
        if state not in (None, "open", "closed") or name not in ("none", "private", "unread"):
            self.refuse(422, "Unprocessable entity", state="The selected state is invalid.")
        if name == "private" and "selector[operatorId]" not in query:
            self.refuse(422, "Unprocessable entity", operatorId="The operator field is required.")
        chats = [c for c in chats if state in (None, c.state) and (name != "unread" or c.unread)
                 and query.get("term", "").lower() in c.name.lower()]
        chats.sort(key=lambda c: (-c.updated, c.id))
        return self.page(request, [self.shown(c) for c in chats])

    def list_messages(self, request, chat):
        """Newest first."""
        all = request.query.get("activities") in ("1", "true")
        rows = [m for m in reversed(chat.messages) if all or m.content["type"] != "action"]
        return self.page(request, [self.message(m) for m in rows])

    def search(self, request):
        term = request.query.get("term", "")
        if not term:
            self.refuse(422, "Unprocessable entity", term="The term field is required.")
        return self.page(request, [self.contact(c) for c in self.by_original.values() if term in c.name])

    # -- doing things --------------------------------------------------------------------------------------

    def read(self, request):
        self.chat(request).unread = 0
        return {"state": True}

    def close(self, request):
        chat = self.chat(request)
        chat.state, chat.updated = "closed", time.time()
        return {"state": True}

    def forward(self, request):
        chat, to = self.chat(request), self.number(request.args[1])
        if to not in [o["id"] for o in OPERATORS]:
            self.refuse(404, "Not Found")
        chat.forwards.append({"operator": to, "text": (request.json or {}).get("text")})
        chat.updated = time.time()
        return {"state": True}

    def change_contact(self, request):
        chat, values = self.of_contact(request), (request.json or {}).get("values")
        if not isinstance(values, dict):
            self.refuse(422, "Unprocessable entity", values="The values field is required.")
        chat.values.update(values)
        return {"state": True}

    def fire(self, request):
        chat = self.of_contact(request)
        name = (request.json or {}).get("name") or request.query.get("name")
        if not name:
            self.refuse(422, "Unprocessable entity", name="The name field is required.")
        chat.fired.append(name)
        return {"state": True}

    def of_gate(self, request):
        id = self.number(request.args[0])
        for chat in self.chats.values():
            for gate in chat.gates:
                if gate["id"] == id:
                    return chat
        return self.refuse(404, "Not Found")

    def written(self, chat, id):
        """A message of ours in that chat."""
        m = self.messages.get(id) if isinstance(id, int) else None
        if m is None or m.chat is not chat or m.who == "customer":
            self.refuse(422, "Unprocessable entity", messageId="The selected message is invalid.")
        return m

    def edit_message(self, request):
        chat, body = self.of_gate(request), request.json or {}
        m = self.written(chat, body.get("messageId"))
        if not body.get("text") or m.content["type"] != "text":
            self.refuse(422, "Unprocessable entity", text="The text field is required.")
        self.change(m, body["text"])
        return {"state": True}

    def delete_messages(self, request):
        chat, ids = self.of_gate(request), (request.json or {}).get("messageIds")
        if not isinstance(ids, list) or not ids:
            self.refuse(422, "Unprocessable entity", messageIds="The message ids field is required.")
        for m in [self.written(chat, id) for id in ids]:
            self.take_back(m)
        return {"state": True}

    def change(self, m, text):
        m.content["resource"]["parameters"]["content"], m.edited = text, time.time()
        m.chat.updated = time.time()

    def take_back(self, m):
        m.content = {"type": "transient", "original": m.content, "context": {"timestamp": int(time.time())}}
        m.chat.updated = time.time()

    def channel(self, request):
        id = self.number(request.args[0])
        return next((c for c in CHANNELS if c["id"] == id), None) or self.refuse(404, "Not Found")

    def open_gate(self, request):
        """A contact by his number at the messenger; only where that has numbers."""
        channel, body = self.channel(request), request.json or {}
        if channel["type"] != "whatsapp":
            self.refuse(422, "Unprocessable entity", channel="The channel does not support this.")
        for key in ("identifier", "firstName"):
            if not isinstance(body.get(key), str) or not body[key]:
                self.refuse(422, "Unprocessable entity", **{key: "The %s field is required." % key})
        chat = self.by_person.get(body["identifier"]) or self.make_chat(body["identifier"], body["firstName"], channel)
        return dict(chat.gates[0], unreadMessages=chat.unread)

    def send(self, request):
        chat, body = self.of_contact(request), request.json or {}
        type = body.get("type")
        if type not in SEND_TYPES:
            self.refuse(422, "Unprocessable entity", type="The selected type is invalid.")
        if not isinstance(body.get("watermark"), int) or isinstance(body.get("watermark"), bool):
            self.refuse(422, "Unprocessable entity", watermark="The watermark field is required.")
        for key in SEND_TYPES[type]:
            if body.get(key) in (None, ""):
                self.refuse(422, "Unprocessable entity", **{key: "The %s field is required." % key})
        if "media" in SEND_TYPES[type] and not WEB.match(str(body["media"])):
            self.refuse(422, "Unprocessable entity", media="The media must be a valid URL.")
        if type == "text" and len(body["content"]) > 4096:
            self.refuse(422, "Unprocessable entity", content="The content may not be greater than 4096 characters.")
        if not any(g["subscribed"] for g in chat.gates):
            self.refuse(422, "Unprocessable entity", contact="The contact is not subscribed.")
        parameters = {key: body[key] for key in SEND_TYPES[type]}
        if "media" in parameters:       # one is sent under another name than it is read
            parameters = {"url": parameters["media"]}
        elif type == "contact":
            parameters = {"name": body["fullName"], "phoneNumber": body["phoneNumber"]}
        m = self.add(chat, content(type, parameters), {"type": "operator", "fullName": "Northwind", "image": None},
                     "agent", by_api=True, watermark=body["watermark"])
        return self.message(m)

    def add(self, chat, what, sender, who, internal=False, **more):
        m = Message(self.take_id("message"), chat, what, internal, sender, who, **more)
        chat.messages.append(m)
        self.messages[m.id] = m
        chat.updated = time.time()
        if who == "customer":
            chat.unread += 1
            chat.state = "open"
        self.serial += 1
        return m

    @staticmethod
    def date_back(m, seconds):
        """The chat is as old as its first message, and no younger than its last."""
        if seconds:
            m.born -= seconds
            m.chat.updated = m.born
            m.chat.created = min(m.chat.created, m.born)

    # -- people --------------------------------------------------------------------------------------------

    def find_chat(self, id):
        return self.chats.get(int(id)) or self.refuse(404, "Not Found")

    def make_chat(self, person, name, channel):
        gate = {"id": self.take_id("gate"), "subscribed": True, "unreadMessages": 0, "channel": channel}
        chat = Chat(self.take_id("chat"), name, self.take_id("contact"), self.take_id("original"), [gate], person)
        self.chats[chat.id] = self.by_original[chat.original] = self.by_person[person] = chat
        return chat

    async def say_customer(self, person, text, conversation=None, name=None, channel="telegram", content=None,
                           buttons=None, ago=0):
        """content: a whole one of another type, instead of text. ago: seconds; it was said before."""
        chat = self.chats.get(int(conversation)) if conversation else self.by_person.get(person)
        if chat is None:
            chat = self.make_chat(person, name or person, dict(
                CHANNELS[0], type=channel, link="https://t.me/demo_shop_bot", app="tg://resolve?domain=demo_shop_bot"))
        what = content or {"type": "text", "resource": {"parameters": {"content": text}, "buttons": []}}
        m = self.add(chat, what, {"type": "contact", "fullName": chat.name, "image": None}, "customer")
        self.date_back(m, ago)
        if self.wakes:
            call = asyncio.ensure_future(self.wake({"conversation": chat.id}))
            self.calls.add(call)
            call.add_done_callback(self.calls.discard)
        return {"conversation": chat.id, "contact": chat.original, "message": m.id}, None

    async def say_team(self, conversation, text, role="agent", private=False, content=None, ago=0):
        chat = self.find_chat(conversation)
        kind, name = {"bot": ("funnel", "Welcome funnel"), "system": ("system", None)}.get(
            role, ("operator", "Oksana Melnyk"))
        type = "action" if role == "system" else "text"
        what = content or {"type": type, "resource": {"parameters": {"content": text}}}
        m = self.add(chat, what, {"type": kind, "fullName": name, "image": "storage/7.jpeg"}, role, internal=private)
        self.date_back(m, ago)
        return {"conversation": chat.id, "message": m.id}, None

    def act(self, spec):
        """What people do there besides writing."""
        action = spec["action"]
        if action in ("delete", "edit", "seen"):
            m = self.messages[int(spec["message"])]
            if action == "delete":
                self.take_back(m)
            elif action == "seen":
                m.seen = m.chat.updated = time.time()
            else:
                self.change(m, spec["text"])
            return {"message": m.id}
        chat = self.find_chat(spec["conversation"])
        if action in ("close", "reopen"):
            chat.state, chat.updated = "closed" if action == "close" else "open", time.time()
        elif action == "read":
            chat.unread = 0
        elif action == "rename":
            chat.name, chat.updated = spec["name"], time.time()
        elif action == "block":
            for gate in chat.gates:
                gate["subscribed"] = not spec.get("on", True)
        else:
            raise ValueError("action: delete edit seen close reopen read rename block wake")
        return {"conversation": chat.id, "state": chat.state}

    async def wake(self, spec):
        """The block of a funnel; what it was answered."""
        url = self.options.get("smartsender_hook")
        body = spec.get("body")
        if body is None:
            body = {"userId": str(self.find_chat(spec["conversation"]).original)}
        secret = spec.get("secret", SECRET)
        headers = "User-Agent: Smart Sender\r\nContent-type: Application/json\r\n"
        if secret:
            headers += "X-Relay-Secret: %s\r\n" % secret
        try:
            status = await self.sender.post(url, headers, json.dumps(body).encode())
        except (OSError, asyncio.TimeoutError) as error:
            return {"status": 0, "error": str(error)}
        return {"status": status}


def smartsender_threads(platform, entry):
    """As judge.py sees them; entry is its class."""
    for id, chat in platform.chats.items():
        entries = []
        for index, m in enumerate(chat.messages):
            who = "system" if m.content["type"] == "action" else m.who
            entries.append(entry(id, index, m.id, m.text(), who, m.internal, m.by_api, (m.watermark or 0, index),
                                 chat.state, None, more=of_smartsender(m.content)))
        yield id, entries
