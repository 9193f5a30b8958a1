"""A fake Chatwoot: accounts with an API inbox and a WhatsApp-like one, as far as a relay of text messages meets them.

Rows are plain dictionaries. Each thing is written in up to three forms, as the real server does: for REST answers,
in the "webhook shape" (top level of callbacks) and in the "push shape" (nested in callbacks).

What is imitated because clients trip over it: see README.md beside this file.
"""

import asyncio
import random
import re
import time
import uuid
from urllib.parse import parse_qs

from hooks import Mode, Sender, chatwoot_signature
from files import ChatwootFiles, read_spec
from web import Answer, Platform, Refuse, answer_json, from_json, iso, to_bytes, to_json

ACCOUNT = 1
API_INBOX = 12
PHONE_INBOX = 13
RELAY_USER = 3
MARISOL = 12
BOT = 6
RELAY_TOKEN = "sandbox-chatwoot-token"
AGENT_TOKEN = "sandbox-agent-token"
BOT_TOKEN = "sandbox-bot-token"
ALIEN_TOKEN = "sandbox-stranger-token"

TYPES = {"incoming": 0, "outgoing": 1, "activity": 2, "template": 3}
TYPE_NAMES = {number: name for name, number in TYPES.items()}
CONTENT_TYPES = {"text", "input_text", "input_textarea", "input_email", "input_select", "cards", "form", "article",
                 "incoming_email", "input_csat", "integrations", "sticker", "voice_call"}
ITEM_KEYS = {"input_select": {"title", "value"}, "cards": {"title", "description", "media_url", "actions"},
             "form": {"type", "placeholder", "label", "name", "options", "default", "required", "pattern", "title",
                      "pattern_error"}, "article": {"title", "description", "link"}}
STATUSES = ("open", "resolved", "pending", "snoozed")
SUBSCRIBABLE = {"conversation_status_changed", "conversation_updated", "conversation_created", "contact_created",
                "contact_updated", "message_created", "message_updated", "webwidget_triggered", "inbox_created",
                "inbox_updated", "conversation_typing_on", "conversation_typing_off"}

EMPTY = Answer(200, b"", "text/html")
NOT_FOUND = answer_json({"error": "Resource could not be found"}, 404)
BROKEN = answer_json({"status": 500, "error": "Internal Server Error"}, 500)
BAD_REQUEST = Answer(400, b"<!DOCTYPE html><html><head><title>The server cannot process the request (400)</title>"
                          b"</head><body></body></html>", "text/html; charset=utf-8")
NO_ROUTE = Answer(404, b"<!DOCTYPE html><html><head><title>The page you were looking for doesn't exist (404)</title>"
                       b"</head><body></body></html>", "text/html; charset=utf-8")
RETRY_LATER = Answer(429, b"Retry later\n", "text/plain")
CODE = re.compile(r"(```.*?```|`[^`]*`)", re.S)
LIQUID = re.compile(r"\{\{(.*?)\}\}|\{%.*?%\}", re.S)
ESCAPES = (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"), ("\u2028", "\\u2028"), ("\u2029", "\\u2029"))


def refuse(status, value):
    raise Refuse(answer_json(value, status))


def invalid(problems):
    """A model that does not validate: problems = [(attribute, sentence)]."""
    refuse(422, {"message": ", ".join(text for _, text in problems), "attributes": [name for name, _ in problems]})


def rails_json(value):
    """JSON as Rails writes it: these five characters only ever stand inside strings, so the text can be patched."""
    text = to_json(value)
    for plain, escaped in ESCAPES:
        if plain in text:
            text = text.replace(plain, escaped)
    return to_bytes(text)


def answer_rails(value, status=200):
    return Answer(status, rails_json(value))


class Chatwoot(Platform):
    name = "chatwoot"
    fixed_headers = {"Server": "nginx", "X-Frame-Options": "SAMEORIGIN", "Cache-Control": "max-age=0, private"}

    def __init__(self, options, faults, log):
        super().__init__(faults, log)
        self.options = options
        self.mode = Mode(shuffle=options.get("shuffle", 0.3))
        self.sender = Sender(workers=options.get("workers", 10), timeout=5,
                             one_connection=options.get("one_connection", False))
        self.files = ChatwootFiles(self)
        self.add_routes()
        self.reset()

    def reset(self):
        """Everything back to the seed. Message and conversation numbers go on counting."""
        options = self.options
        self.files.reset()
        if not hasattr(self, "random"):
            self.random = random.Random(options.get("state_seed", 1) * 7919)
            self.next = {"contact": 1600, "contact_inbox": 700, "conversation": 5000, "message": 40800,
                         "attachment": 300, "webhook": 4, "inbox": 20, "channel": 30}
            self.display = {}
        self.underscores_dropped = bool(options.get("nginx"))
        self.callback_timeout = 5
        self.message_limit = 0 if options.get("no_limits") else 200
        self.throttle = 3000 if options.get("throttle") else 0
        self.search_throttle = 100 if options.get("throttle") else 0
        self.windows = {}
        self.deferred = None
        self.accounts = {ACCOUNT: {"id": ACCOUNT, "name": "Northwind"}}
        self.users = {}
        self.tokens = {}
        self.inboxes = {}
        self.contacts = {}
        self.contact_inboxes = {}     # (inbox, source_id) → row
        self.conversations = {}       # (account, display id) → row
        self.messages = {}            # id → row
        self.announced = {}           # id → when the first callback that was taken was begun, and answered
        self.webhooks = {}
        self.serial = 0
        self.listener = getattr(self, "listener", None)
        self.__dict__["_index"] = None
        self.seed(options)

    @property
    def callback_timeout(self):
        """Seconds an installation waits for the answer to a callback (WEBHOOK_TIMEOUT)."""
        return self.sender.timeout

    @callback_timeout.setter
    def callback_timeout(self, seconds):
        self.sender.timeout = seconds

    def number(self, what):
        self.next[what] += 1
        return self.next[what]

    def uuid(self):
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def secret(self):
        return "".join(self.random.choices("abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=24))

    # -- seed ----------------------------------------------------------------------------------------------

    def seed(self, options):
        for id, name, email, role, token, accounts in (
                (RELAY_USER, "Tieline", "relay@example.com", "administrator", RELAY_TOKEN, [ACCOUNT]),
                (MARISOL, "Marisol Rooke", "marisol@northwind.example", "agent", AGENT_TOKEN, [ACCOUNT]),
                (99, "Stranger", "stranger@example.com", "administrator", ALIEN_TOKEN, [])):
            user = {"id": id, "name": name, "email": email, "role": role, "accounts": accounts, "type": "user",
                    "inboxes": None if role == "administrator" else {API_INBOX, PHONE_INBOX},
                    "available_name": name.split()[0], "token": token, "pubsub_token": self.secret()}
            self.users[id] = user
            self.tokens[token] = user
        self.tokens[BOT_TOKEN] = {"id": BOT, "name": "Helper", "type": "agent_bot", "accounts": [ACCOUNT],
                                  "role": "bot", "inboxes": None}
        self.teams = {id: {"id": id, "name": name, "description": "", "allow_auto_assign": False,
                           "account_id": ACCOUNT, "is_member": False} for id, name in ((4, "sales"), (5, "support"))}
        self.add_inbox("Tieline", "Channel::Api", API_INBOX)
        self.add_inbox("Phone", "Channel::Whatsapp", PHONE_INBOX)
        self.set_role(options.get("chatwoot_role", "agents"), options.get("chatwoot_hook"),
                      options.get("chatwoot_secret"), API_INBOX)

    def set_role(self, role, hook, secret, inbox):
        """agents: the inbox's own callback. customers: an account webhook, which has a secret of its own."""
        secret = secret or "sandbox-chatwoot-secret-24"
        self.role = role
        self.webhooks.clear()
        inbox = self.inboxes[int(inbox)]
        inbox["webhook_url"] = hook if role == "agents" else None
        inbox["secret"] = secret if role == "agents" else self.secret()
        if role == "customers" and hook:
            self.add_webhook(hook, ["message_created", "message_updated", "conversation_created",
                                    "conversation_status_changed", "conversation_updated", "contact_updated",
                                    "conversation_typing_on", "conversation_typing_off"], secret)

    def add_inbox(self, name, channel_type, id=None, webhook_url=None, secret=None, **more):
        inbox = {"id": id or self.number("inbox"), "account_id": ACCOUNT, "name": name, "channel_type": channel_type,
                 "channel_id": self.number("channel"), "lock_to_single_conversation": False,
                 "greeting_enabled": False, "greeting_message": None, "csat_survey_enabled": False,
                 "working_hours_enabled": False, "enable_auto_assignment": False, "webhook_url": webhook_url,
                 "secret": secret or self.secret(), "hmac_token": self.secret(), "hmac_mandatory": False,
                 "inbox_identifier": self.secret(), "additional_attributes": {}}
        inbox.update(more)
        self.inboxes[inbox["id"]] = inbox
        return inbox

    def add_webhook(self, url, subscriptions, secret=None, name=None):
        row = {"id": self.number("webhook"), "name": name, "url": url, "account_id": ACCOUNT,
               "subscriptions": subscriptions, "secret": secret or self.secret()}
        self.webhooks[row["id"]] = row
        return row

    # -- every request -------------------------------------------------------------------------------------

    async def respond(self, request):
        found = self.routes.find(request.method, request.segments)
        if found is None:
            return NO_ROUTE
        handler, request.args, request.route, extra = found
        if self.throttle and request.path != "/health":
            self.take("ip:%s" % request.remote, self.throttle, 60)
        if self.files.body_limit and len(request.body) > self.files.body_limit:
            return Answer(413, b"<html><body><center><h1>413 Request Entity Too Large</h1></center></body></html>",
                          "text/html")
        request.json = self.read_body(request)
        if not extra.get("free"):
            self.authenticate(request, extra.get("bots", False), extra.get("account", True))
            if extra.get("admin") and request.actor["role"] != "administrator":
                refuse(401, {"error": "You are not authorized to do this action"})
        result = handler(request)
        if asyncio.iscoroutine(result):
            result = await result
        return result

    def take(self, key, limit, period):
        """Fixed windows, aligned to the epoch."""
        window = int(time.time()) // period
        kept = self.windows.get(key)
        count = kept[1] + 1 if kept and kept[0] == window else 1
        self.windows[key] = (window, count)
        if count > limit:
            raise Refuse(RETRY_LATER)

    def read_body(self, request):
        if not request.body or request.method == "GET":
            return {}
        kind = request.headers.get("Content-Type", "")
        if "json" in kind:
            try:
                value = from_json(request.body.decode("utf-8"))
            except (ValueError, RecursionError):
                raise Refuse(BAD_REQUEST)
            return value if isinstance(value, dict) else {"_json": value}
        if "multipart/form-data" in kind:
            return self.read_multipart(kind, request.body)
        if "x-www-form-urlencoded" in kind:
            return {k: v[-1] for k, v in parse_qs(request.body.decode("utf-8", "replace"),
                                                  keep_blank_values=True).items()}
        return {}

    @staticmethod
    def read_multipart(kind, body):
        """Text fields as strings; files as (name, type, bytes) under attachments[]."""
        found = re.search(r'boundary="?([^";]+)', kind)
        if not found:
            raise Refuse(BAD_REQUEST)
        out = {}
        for part in body.split(b"--" + found.group(1).encode())[1:-1]:
            head, _, data = part.partition(b"\r\n\r\n")
            head = head.decode("utf-8", "replace")
            data = data[:-2] if data.endswith(b"\r\n") else data
            name = re.search(r'name="([^"]*)"', head)
            if not name:
                continue
            file = re.search(r'filename="([^"]*)"', head)
            if file:
                type = re.search(r"content-type:\s*([^\r\n]+)", head, re.I)
                out.setdefault("attachments", []).append(
                    (file.group(1), type.group(1).strip() if type else "application/octet-stream", data))
            else:
                out[name.group(1)] = data.decode("utf-8", "replace")
        for key in ("private",):
            if key in out:
                out[key] = out[key] == "true"
        if "content_attributes" in out:
            try:
                out["content_attributes"] = from_json(out["content_attributes"])
            except ValueError:
                out["content_attributes"] = {}
        return out

    def authenticate(self, request, bots, in_account):
        token = request.headers.get("Api-Access-Token")
        if token is None and not self.underscores_dropped:
            token = request.headers.get("api_access_token")
        if token is None:
            refuse(401, {"errors": ["You need to sign in or sign up before continuing."]})
        actor = self.tokens.get(token)
        if actor is None:
            refuse(401, {"error": "Invalid Access Token"})
        if actor["type"] == "agent_bot" and not bots:
            refuse(401, {"error": "Access to this endpoint is not authorized for bots"})
        request.actor = actor
        if in_account:
            account = self.accounts.get(self.integer(request.args[0]))
            if account is None:
                raise Refuse(NOT_FOUND)
            if account["id"] not in actor["accounts"]:
                refuse(401, {"error": "You are not authorized to access this account"})
            if account.get("suspended"):
                refuse(401, {"error": "Account is suspended"})

    @staticmethod
    def integer(value, default=None):
        try:
            return int(value)
        except (TypeError, ValueError):
            return default

    def inbox(self, id):
        row = self.inboxes.get(self.integer(id))
        if row is None:
            raise Refuse(NOT_FOUND)
        return row

    def contact(self, id):
        row = self.contacts.get(self.integer(id))
        if row is None:
            raise Refuse(NOT_FOUND)
        return row

    def conversation(self, request):
        row = self.conversations.get((self.integer(request.args[0]), self.integer(request.args[1])))
        if row is None:
            raise Refuse(NOT_FOUND)
        allowed = request.actor["inboxes"]
        if allowed is not None and row["inbox_id"] not in allowed:
            refuse(401, {"error": "You are not authorized to do this action"})
        return row

    # -- things, written out -------------------------------------------------------------------------------

    @staticmethod
    def slim_inbox(inbox):
        return {"id": inbox["id"], "avatar_url": "", "channel_id": inbox["channel_id"], "name": inbox["name"],
                "channel_type": inbox["channel_type"], "provider": None}

    def contact_rest(self, row, inboxes=True):
        out = {"additional_attributes": row["additional_attributes"], "availability_status": "offline",
               "email": row["email"], "id": row["id"], "name": row["name"], "phone_number": row["phone_number"],
               "blocked": row["blocked"], "identifier": row["identifier"], "thumbnail": "",
               "custom_attributes": row["custom_attributes"], "created_at": int(row["created_at"])}
        if row["last_activity_at"]:
            out["last_activity_at"] = int(row["last_activity_at"])
        if inboxes:
            out["contact_inboxes"] = [{"source_id": ci["source_id"],
                                       "inbox": self.slim_inbox(self.inboxes[ci["inbox_id"]])}
                                      for ci in row["contact_inboxes"]]
        return out

    @staticmethod
    def contact_push(row):
        return {"additional_attributes": row["additional_attributes"], "custom_attributes": row["custom_attributes"],
                "email": row["email"], "id": row["id"], "identifier": row["identifier"], "name": row["name"],
                "phone_number": row["phone_number"], "thumbnail": "", "blocked": row["blocked"], "type": "contact"}

    def contact_webhook(self, row):
        return {"account": self.accounts[row["account_id"]], "additional_attributes": row["additional_attributes"],
                "avatar": "", "custom_attributes": row["custom_attributes"], "email": row["email"], "id": row["id"],
                "identifier": row["identifier"], "name": row["name"], "phone_number": row["phone_number"],
                "thumbnail": "", "blocked": row["blocked"]}

    @staticmethod
    def user_push(user):
        if user["type"] == "agent_bot":
            return {"id": user["id"], "name": user["name"], "avatar_url": "", "type": "agent_bot"}
        return {"id": user["id"], "name": user["name"], "available_name": user["available_name"], "avatar_url": "",
                "type": "user", "availability_status": None, "thumbnail": ""}

    @staticmethod
    def user_webhook(user):
        if user["type"] == "agent_bot":
            return {"id": user["id"], "name": user["name"], "type": "agent_bot"}
        return {"id": user["id"], "name": user["name"], "email": user["email"], "type": "user"}

    @staticmethod
    def user_rest(user):
        return {"id": user["id"], "account_id": ACCOUNT, "availability_status": "online", "auto_offline": True,
                "confirmed": True, "email": user["email"], "provider": "email",
                "available_name": user["available_name"], "name": user["name"], "role": user["role"], "thumbnail": ""}

    def message_rest(self, row):
        out = {"id": row["id"], "content": row["content"], "inbox_id": row["inbox_id"],
               "conversation_id": row["conversation"]["display_id"], "message_type": row["message_type"],
               "content_type": row["content_type"], "status": row["status"],
               "content_attributes": row["content_attributes"], "created_at": int(row["created_at"]),
               "private": row["private"], "source_id": row["source_id"]}
        sender = row["sender"]
        if sender is not None:
            out["sender"] = self.contact_push(sender) if row["sender_type"] == "Contact" else self.user_push(sender)
        if row["attachments"]:
            out["attachments"] = row["attachments"]
        return out

    def message_push(self, row):
        conversation, sender = row["conversation"], row["sender"]
        assignee = conversation["assignee"]
        out = {"id": row["id"], "content": row["content"], "account_id": row["account_id"],
               "inbox_id": row["inbox_id"], "conversation_id": conversation["display_id"],
               "message_type": row["message_type"], "created_at": int(row["created_at"]),
               "updated_at": iso(row["updated_at"]), "private": row["private"], "status": row["status"],
               "source_id": row["source_id"], "content_type": row["content_type"],
               "content_attributes": row["content_attributes"], "sender_type": row["sender_type"],
               "sender_id": sender["id"] if sender else row["sender_id"], "external_source_ids": {},
               "additional_attributes": row["additional_attributes"], "processed_message_content": row["content"],
               "sentiment": {},
               "conversation": {"assignee_id": assignee["id"] if assignee else None,
                                "unread_count": min(conversation["unread"], 10),
                                "last_activity_at": int(conversation["last_activity_at"]),
                                "contact_inbox": {"source_id": conversation["contact_inbox"]["source_id"]}}}
        if row["attachments"]:
            out["attachments"] = row["attachments"]
        if sender is not None:
            out["sender"] = self.contact_push(sender) if row["sender_type"] == "Contact" else self.user_push(sender)
        return out

    def message_webhook(self, row, event):
        inbox = self.inboxes[row["inbox_id"]]
        sender, content = row["sender"], row["content"]
        if isinstance(content, str):
            content = content.replace("\\\n", "\n").rstrip("\n")
        out = {"account": self.accounts[row["account_id"]], "additional_attributes": row["additional_attributes"],
               "content_attributes": row["content_attributes"], "content_type": row["content_type"],
               "content": content, "conversation": self.conversation_block(row["conversation"]),
               "created_at": iso(row["created_at"]), "id": row["id"],
               "inbox": {"id": inbox["id"], "name": inbox["name"]}, "message_type": TYPE_NAMES[row["message_type"]],
               "private": row["private"], "sender": None, "source_id": row["source_id"]}
        if sender is not None:
            out["sender"] = (self.contact_webhook(sender) if row["sender_type"] == "Contact"
                             else self.user_webhook(sender))
        if row["attachments"]:
            out["attachments"] = row["attachments"]
        out["event"] = event
        return out

    def contact_inbox_block(self, row):
        return {"id": row["id"], "contact_id": row["contact_id"], "inbox_id": row["inbox_id"],
                "source_id": row["source_id"], "created_at": iso(row["created_at"]),
                "updated_at": iso(row["created_at"]), "hmac_verified": row["hmac_verified"],
                "pubsub_token": row["pubsub_token"]}

    def conversation_block(self, row):
        """The conversation in callbacks. `messages` holds the last public message, whatever the event is about."""
        assignee, last = row["assignee"], row["last_public"]
        return {"additional_attributes": row["additional_attributes"], "can_reply": True,
                "channel": self.inboxes[row["inbox_id"]]["channel_type"],
                "contact_inbox": self.contact_inbox_block(row["contact_inbox"]), "id": row["display_id"],
                "inbox_id": row["inbox_id"], "messages": [self.message_push(last)] if last else [],
                "labels": row["labels"],
                "meta": {"sender": self.contact_push(row["contact"]),
                         "assignee": self.user_push(assignee) if assignee else None,
                         "assignee_type": "User" if assignee else None,
                         "team": {"id": row["team"]["id"], "name": row["team"]["name"]} if row["team"] else None,
                         "hmac_verified": row["contact_inbox"]["hmac_verified"]},
                "status": row["status"], "custom_attributes": row["custom_attributes"],
                "snoozed_until": row["snoozed_until"], "unread_count": min(row["unread"], 10),
                "first_reply_created_at": iso(row["first_reply_at"]) if row["first_reply_at"] else None,
                "priority": row["priority"], "waiting_since": int(row["waiting_since"]),
                "agent_last_seen_at": int(row["agent_last_seen_at"]),
                "contact_last_seen_at": int(row["contact_last_seen_at"]),
                "last_activity_at": int(row["last_activity_at"]), "timestamp": int(row["last_activity_at"]),
                "created_at": int(row["created_at"]), "updated_at": round(row["updated_at"], 6),
                "account": self.accounts[row["account_id"]]}

    def conversation_rest(self, row):
        assignee = row["assignee"]
        messages = row["messages"]
        last_public = row["last_public"]
        meta = {"sender": self.contact_rest(row["contact"], inboxes=False),
                "channel": self.inboxes[row["inbox_id"]]["channel_type"]}
        if assignee:
            meta["assignee"] = self.user_rest(assignee)
            meta["assignee_type"] = "User"
        if row["team"]:
            meta["team"] = row["team"]
        meta["hmac_verified"] = row["contact_inbox"]["hmac_verified"]
        return {"meta": meta, "id": row["display_id"],
                "messages": [self.message_push(messages[-1])] if messages else [],
                "account_id": row["account_id"], "uuid": row["uuid"],
                "additional_attributes": row["additional_attributes"],
                "agent_last_seen_at": int(row["agent_last_seen_at"]),
                "assignee_last_seen_at": int(row["agent_last_seen_at"]), "can_reply": True,
                "contact_last_seen_at": int(row["contact_last_seen_at"]),
                "custom_attributes": row["custom_attributes"], "inbox_id": row["inbox_id"], "labels": row["labels"],
                "muted": row["contact"]["blocked"], "snoozed_until": row["snoozed_until"], "status": row["status"],
                "created_at": int(row["created_at"]), "updated_at": round(row["updated_at"], 6),
                "timestamp": int(row["last_activity_at"]), "first_reply_created_at": int(row["first_reply_at"]),
                "unread_count": min(row["unread"], 10),
                "last_non_activity_message": self.message_push(last_public) if last_public else None,
                "last_activity_at": int(row["last_activity_at"]), "priority": row["priority"],
                "waiting_since": int(row["waiting_since"]), "sla_policy_id": None}

    # -- callbacks -----------------------------------------------------------------------------------------

    def emit(self, event, inbox, make, message=None, echo=False):
        """make(): the body. Returns the delivery to the inbox's own address (or any other) as a task, or None."""
        if self.deferred is not None:
            self.deferred.append((event, inbox, make, message, echo))
            return None
        targets = []
        if inbox and inbox["channel_type"] == "Channel::Api" and inbox["webhook_url"] \
                and not event.startswith("contact_"):
            targets.append((inbox["webhook_url"], inbox["secret"], True))
        for row in self.webhooks.values():
            if event in row["subscriptions"]:
                targets.append((row["url"], row["secret"], False))
        if not targets:
            return None
        mode = self.mode
        body = make if mode.late_body else rails_json(make())
        task = None
        for url, secret, is_inbox in targets:
            times = 1
            if echo:
                times = {"never": 0, "twice": 2}.get(mode.echo, 1)
            if mode.drop and self.random.random() < mode.drop:
                times = 0
            if mode.duplicate and self.random.random() < mode.duplicate:
                times += 1
            id = self.uuid()
            for n in range(times):
                if n and not mode.same_delivery:
                    id = self.uuid()
                delay = mode.delay + (self.random.random() * mode.shuffle if mode.shuffle else 0)
                if echo and mode.echo == "late":
                    delay += mode.late_seconds
                delivery = self.deliver(event, url, secret, is_inbox, body, delay, message, id)
                task = self.sender.spawn(delivery)
        return task

    async def deliver(self, event, url, secret, is_inbox, body, delay, message, id):
        if delay:
            await asyncio.sleep(delay)
        if not isinstance(body, bytes):
            body = rails_json(body())
        common = ("Content-Type: application/json\r\nAccept: application/json\r\n"
                  "Accept-Encoding: gzip;q=1.0,deflate;q=0.6,identity;q=0.3\r\nUser-Agent: Ruby\r\n"
                  "X-Chatwoot-Delivery: %s\r\n" % id)

        def headers():      # signed when it leaves, so that the time stamp is the time of the attempt
            if not secret:
                return common
            stamp = str(int(time.time()))
            return "%sX-Chatwoot-Timestamp: %s\r\nX-Chatwoot-Signature: %s\r\n" % (
                common, stamp, chatwoot_signature(secret, stamp, body))

        began = time.monotonic()
        try:
            status = await self.sender.post(url, headers, body)
            if 200 <= status < 300:
                if event == "message_created" and message is not None:
                    self.announced.setdefault(message["id"], (began, time.monotonic()))
                return status
            problem = {500: "500 Internal Server Error", 404: "404 Not Found", 401: "401 Unauthorized",
                       503: "503 Service Unavailable", 429: "429 Too Many Requests",
                       413: "413 Payload Too Large"}.get(status, str(status))
        except asyncio.TimeoutError:
            problem = "Net::ReadTimeout with #<TCPSocket:(closed)>"
        except ConnectionRefusedError:
            problem = "Failed to open TCP connection (Connection refused - connect(2))"
        except ConnectionResetError as error:
            problem = "end of file reached" if error.errno is None else "Connection reset by peer"
        except OSError as error:
            problem = str(error)
        # One attempt, ever. Only the inbox's own address marks the message.
        if is_inbox and message is not None and event in ("message_created", "message_updated"):
            if message["status"] != "failed" or message["content_attributes"].get("external_error") != problem:
                message["status"] = "failed"
                message["content_attributes"] = dict(message["content_attributes"], external_error=problem)
                self.message_changed(message)
        return None

    def message_changed(self, message):
        self.serial += 1
        message["updated_at"] = time.time()
        if message["message_type"] != 2:
            self.emit("message_updated", self.inboxes[message["inbox_id"]],
                      lambda: self.message_webhook(message, "message_updated"), message)

    def emit_conversation(self, event, row, changed=False):
        def make():
            body = self.conversation_block(row)
            body["event"] = event
            if event != "conversation_created":
                body["changed_attributes"] = changed if changed else None
            return body
        self.emit(event, self.inboxes[row["inbox_id"]], make)

    def conversation_changed(self, row, changes):
        """changes: {column: (before, after)} → conversation_updated, and the status event when the status changed."""
        before, now = row["updated_at"], time.time()
        row["updated_at"] = now
        self.serial += 1
        if "status" in changes:
            self.emit_conversation("conversation_status_changed", row)
        listed = [{k: {"previous_value": a, "current_value": b}} for k, (a, b) in changes.items()]
        if now - row["created_at"] < 0.1 and self.random.random() < 0.5:
            # Right after the creation every column may be listed, and there `id` is the table's own.
            listed = [{k: {"previous_value": None, "current_value": row[k]}}
                      for k in ("id", "account_id", "inbox_id", "display_id", "uuid", "status")] + listed
        listed.append({"updated_at": {"previous_value": iso(before), "current_value": iso(now)}})
        self.emit_conversation("conversation_updated", row, listed)

    def contact_changed(self, row, changes):
        before, now = row["updated_at"], time.time()
        row["updated_at"] = now

        def make():
            body = self.contact_webhook(row)
            body["event"] = "contact_updated"
            body["changed_attributes"] = [{"updated_at": {"previous_value": iso(before), "current_value": iso(now)}}]
            body["changed_attributes"] += [{k: {"previous_value": a, "current_value": b}}
                                           for k, (a, b) in changes.items()]
            return body
        self.emit("contact_updated", None, make)

    # -- contacts ------------------------------------------------------------------------------------------

    def check_contact(self, values, row=None):
        problems = []
        email, phone = values.get("email"), values.get("phone_number")
        taken = {"email": "Email", "phone_number": "Phone number", "identifier": "Identifier"}
        if email and not re.match(r"[^@\s]+@[^@\s]+\.[^@\s]+\Z", email):
            problems.append(("email", "Email Invalid email"))
        if phone and not re.search(r"\+[1-9]\d{1,14}\Z", phone):
            problems.append(("phone_number", "Phone number should be in e164 format"))
        for key, label in (("name", "Name"), *taken.items()):
            if values.get(key) and len(values[key]) > 255:
                problems.append((key, "%s is too long (maximum is 255 characters)" % label))
        for key, label in taken.items():
            value = values.get(key)
            if value and any(c[key] == value and c is not row for c in self.contact_by(key, value)):
                problems.append((key, "%s has already been taken" % label))
        if problems:
            invalid(problems)

    def contact_by(self, key, value):
        index = self.contact_index.get(key, {})
        row = index.get(value)
        return [row] if row is not None else []

    @property
    def contact_index(self):
        """Rebuilt when the set of contacts changed; a load run makes thousands of them."""
        kept = self.__dict__.get("_index")
        if kept is None or kept[0] is not self.contacts:
            index = {"email": {}, "phone_number": {}, "identifier": {}}
            for row in self.contacts.values():
                self.index_contact(index, row)
            kept = self.__dict__["_index"] = (self.contacts, index)
        return kept[1]

    @staticmethod
    def index_contact(index, row):
        for key, rows in index.items():
            if row[key]:
                rows[row[key]] = row

    def forget_index(self):
        self.__dict__["_index"] = None

    @staticmethod
    def contact_values(body):
        values = {}
        for key in ("name", "email", "phone_number", "identifier", "blocked"):
            if key in body:
                value = body[key]
                if key == "email" and isinstance(value, str):
                    value = value.lower()
                if key != "name" and value == "":
                    value = None
                if key != "blocked" and value is not None:
                    value = str(value)
                values[key] = value
        return values

    def add_contact(self, values, additional=None, custom=None):
        now = time.time()
        row = {"id": self.number("contact"), "account_id": ACCOUNT, "name": values.get("name") or "",
               "email": values.get("email"), "phone_number": values.get("phone_number"),
               "identifier": values.get("identifier"), "blocked": bool(values.get("blocked")),
               "additional_attributes": dict(additional or {}), "custom_attributes": dict(custom or {}),
               "created_at": now, "updated_at": now, "last_activity_at": 0, "contact_inboxes": []}
        index = self.contact_index
        self.contacts[row["id"]] = row
        self.index_contact(index, row)

        def make():
            return dict(self.contact_webhook(row), event="contact_created")
        self.emit("contact_created", None, make)
        return row

    def add_contact_inbox(self, contact, inbox, source_id, hmac_verified=False):
        row = {"id": self.number("contact_inbox"), "contact_id": contact["id"], "contact": contact,
               "inbox_id": inbox["id"], "source_id": source_id, "created_at": time.time(),
               "hmac_verified": bool(hmac_verified), "pubsub_token": self.secret(), "conversations": []}
        self.contact_inboxes[inbox["id"], source_id] = row
        contact["contact_inboxes"].append(row)
        return row

    def create_contact(self, request):
        body = request.json
        values = self.contact_values(body)
        inbox = self.inbox(body["inbox_id"]) if body.get("inbox_id") is not None else None
        self.check_contact(values)
        source_id = None
        if inbox:
            source_id = body.get("source_id") or self.default_source(inbox, values)
            if (inbox["id"], source_id) in self.contact_inboxes:
                raise Refuse(BROKEN)        # one transaction: no contact remains
        contact = self.add_contact(values, body.get("additional_attributes"), body.get("custom_attributes"))
        made = {"inbox": None, "source_id": None}
        if inbox:
            self.add_contact_inbox(contact, inbox, source_id)
            raw = {"id": inbox["id"], "channel_id": inbox["channel_id"], "account_id": inbox["account_id"],
                   "name": inbox["name"], "channel_type": inbox["channel_type"]}
            made = {"inbox": raw, "source_id": source_id}
        return answer_rails({"payload": {"contact": self.contact_rest(contact), "contact_inbox": made}})

    def default_source(self, inbox, values):
        if inbox["channel_type"] == "Channel::Whatsapp":
            return (values.get("phone_number") or "").lstrip("+") or self.uuid()
        return self.uuid()

    def get_contact(self, request):
        row = self.contact(request.args[1])
        return answer_rails({"payload": self.contact_rest(
            row, request.query.get("include_contact_inboxes") != "false")})

    def update_contact(self, request):
        row, body = self.contact(request.args[1]), request.json
        values = self.contact_values(body)
        self.check_contact(values, row)
        changes = {k: (row[k], v) for k, v in values.items() if row[k] != v}
        row.update(values)
        for bag in ("custom_attributes", "additional_attributes"):
            if isinstance(body.get(bag), dict):
                merged = dict(row[bag], **body[bag])
                if merged != row[bag]:
                    changes[bag] = (row[bag], merged)
                row[bag] = merged
        if changes:
            self.forget_index()
            self.contact_changed(row, changes)
        return answer_rails({"payload": self.contact_rest(row)})

    def destroy_custom_attributes(self, request):
        row = self.contact(request.args[1])
        for key in request.json.get("custom_attributes") or []:
            row["custom_attributes"].pop(key, None)
        return answer_rails({"payload": self.contact_rest(row)})

    def delete_contact(self, request):
        row = self.contact(request.args[1])
        del self.contacts[row["id"]]
        self.forget_index()

        async def clean():      # the rest goes later, in a job; until then the source_id is taken
            await asyncio.sleep(1)
            for key, ci in list(self.contact_inboxes.items()):
                if ci["contact"] is row:
                    for conversation in list(ci["conversations"]):
                        self.remove_conversation(conversation)
                    self.contact_inboxes.pop(key, None)
        self.later(clean())
        return EMPTY

    def page_of(self, rows, request, size):
        given = request.query.get("page")
        page = self.integer(given, 1) or 1
        return rows[(page - 1) * size:page * size], 1 if given is None else given, page

    def search_contacts(self, request):
        if self.search_throttle:
            self.take("search", self.search_throttle, 60)
        q = request.query.get("q", "")
        low = q.lower()
        rows = []
        if q.strip():
            rows = [c for c in self.contacts.values() if low in (c["name"] or "").lower()
                    or low in (c["email"] or "").lower() or low in (c["phone_number"] or "").lower()
                    or q in (c["identifier"] or "")]
        shown, current, page = self.page_of(rows, request, 15)
        return answer_rails({"meta": {"count": len(shown), "current_page": current,
                                      "has_more": len(rows) > page * 15},
                             "payload": [self.contact_rest(c) for c in shown]})

    def list_contacts(self, request):
        rows = [c for c in self.contacts.values() if c["email"] or c["phone_number"] or c["identifier"]]
        shown, current, _ = self.page_of(rows, request, 15)
        return answer_rails({"meta": {"count": len(rows), "current_page": current},
                             "payload": [self.contact_rest(c) for c in shown]})

    def apply_filter(self, rows, payload, value_of):
        """The filter language: conditions joined left to right by the AND or OR of the one before."""
        if not isinstance(payload, list) or not payload:
            refuse(422, {"error": "Invalid query"})
        result = None
        joined = None
        for condition in payload:
            key, operator = condition.get("attribute_key"), condition.get("filter_operator")
            values = [str(v).lower() for v in (condition.get("values") or [])]
            test = {
                "equal_to": lambda v: str(v).lower() in values if v is not None else False,
                "not_equal_to": lambda v: v is None or str(v).lower() not in values,
                "contains": lambda v: any(x in str(v or "").lower() for x in values),
                "does_not_contain": lambda v: not any(x in str(v or "").lower() for x in values),
                "is_present": lambda v: v not in (None, ""),
                "is_not_present": lambda v: v in (None, ""),
                "is_greater_than": lambda v: v is not None and str(v) > values[0],
                "is_less_than": lambda v: v is not None and str(v) < values[0],
            }.get(operator)
            if test is None or (key == "identifier" and operator not in ("equal_to", "not_equal_to")):
                refuse(422, {"error": "Invalid operator. The allowed operators for %s are [equal_to,not_equal_to]."
                             % key})
            if key == "phone_number":
                values[:] = [v if v.startswith("+") else "+" + v for v in values]
            if value_of(None, key) is False:
                refuse(422, {"error": "Invalid attribute key - [%s]. The key should be one of the allowed ones or a"
                                      " custom attribute defined in the account." % key})
            chosen = {id(r) for r in rows if test(value_of(r, key))}
            if result is None:
                result = chosen
            else:
                result = result | chosen if joined == "OR" else result & chosen
            joined = (condition.get("query_operator") or "AND").upper()
        return [r for r in rows if id(r) in result]

    def filter_contacts(self, request):
        known = ("name", "email", "phone_number", "identifier", "blocked", "created_at", "last_activity_at",
                 "country_code", "city", "company_name", "labels")

        def value_of(row, key):
            if row is None:
                return None if key in known else False
            return row.get(key)
        payload = request.json.get("payload")
        # The common case, an exact identifier, without walking all contacts.
        if isinstance(payload, list) and len(payload) == 1 and isinstance(payload[0], dict) \
                and payload[0].get("attribute_key") == "identifier" \
                and payload[0].get("filter_operator") == "equal_to" \
                and all(str(v) == str(v).lower() for v in payload[0].get("values") or []):
            rows = [r for v in payload[0].get("values") or [] for r in self.contact_by("identifier", str(v))]
        else:
            rows = [c for c in self.contacts.values() if c["email"] or c["phone_number"] or c["identifier"]]
            rows = self.apply_filter(rows, payload, value_of)
        shown, current, _ = self.page_of(rows, request, 15)
        return answer_rails({"meta": {"count": len(rows), "current_page": current},
                             "payload": [self.contact_rest(c) for c in shown]})

    def filter_contact_inboxes(self, request):
        inbox = self.inbox(request.json.get("inbox_id"))
        row = self.contact_inboxes.get((inbox["id"], str(request.json.get("source_id"))))
        if row is None:
            return Answer(404, b"", "text/html")
        return answer_rails(self.contact_rest(row["contact"]))

    def create_contact_inbox(self, request):
        contact = self.contact(request.args[1])
        inbox = self.inbox(request.json.get("inbox_id"))
        source_id = request.json.get("source_id") or self.default_source(inbox, contact)
        row = self.contact_inboxes.get((inbox["id"], source_id))
        if row is not None and row["contact"] is not contact:
            raise Refuse(BROKEN)
        if row is None:
            row = self.add_contact_inbox(contact, inbox, source_id, request.json.get("hmac_verified"))
        return answer_rails({"source_id": source_id, "inbox": self.slim_inbox(inbox)})

    def contactable_inboxes(self, request):
        contact = self.contact(request.args[1])
        out = []
        for inbox in self.inboxes.values():
            mine = [ci for ci in contact["contact_inboxes"] if ci["inbox_id"] == inbox["id"]]
            if mine or inbox["channel_type"] == "Channel::Api":
                out.append({"source_id": mine[-1]["source_id"] if mine else self.uuid(),
                            "inbox": self.slim_inbox(inbox)})
        return answer_rails({"payload": out})

    def contact_conversations(self, request):
        contact = self.contact(request.args[1])
        rows = [c for ci in contact["contact_inboxes"] for c in ci["conversations"]]
        rows.sort(key=lambda c: -c["last_activity_at"])
        return answer_rails({"payload": [self.conversation_rest(c) for c in rows[:20]]})

    # -- conversations -------------------------------------------------------------------------------------

    def check_attributes(self, body):
        problems = []
        for bag, label in (("additional_attributes", "Additional attributes"),
                           ("custom_attributes", "Custom attributes")):
            values = body.get(bag)
            for key, value in (values.items() if isinstance(values, dict) else ()):
                if isinstance(value, str) and len(value) > 1500:
                    problems.append((bag, "%s %s length should be < 1500" % (label, key)))
                elif isinstance(value, int) and not isinstance(value, bool) and value > 9999999999:
                    problems.append((bag, "%s %s value should be < 9999999999" % (label, key)))
        if problems:
            invalid(problems)

    def add_conversation(self, ci, status="open", additional=None, custom=None, assignee=None):
        now = time.time()
        account, contact = ACCOUNT, ci["contact"]
        self.display[account] = self.display.get(account, 56) + 1
        row = {"id": self.number("conversation"), "display_id": self.display[account], "account_id": account,
               "inbox_id": ci["inbox_id"], "contact": contact, "contact_inbox": ci,
               "status": "resolved" if contact["blocked"] else status, "assignee": assignee, "team": None,
               "additional_attributes": dict(additional or {}), "custom_attributes": dict(custom or {}), "labels": [],
               "priority": None, "snoozed_until": None, "waiting_since": 0, "first_reply_at": 0,
               "agent_last_seen_at": 0, "contact_last_seen_at": 0, "last_activity_at": now, "created_at": now,
               "updated_at": now, "uuid": self.uuid(), "messages": [], "last_public": None, "unread": 0}
        self.conversations[account, row["display_id"]] = row
        ci["conversations"].append(row)
        return row

    async def create_conversation(self, request):
        body = request.json
        source_id = body.get("source_id")
        if body.get("contact_id") is not None and body.get("inbox_id") is not None:
            contact, inbox = self.contact(body["contact_id"]), self.inbox(body["inbox_id"])
            if request.actor["inboxes"] is not None and inbox["id"] not in request.actor["inboxes"]:
                refuse(401, {"error": "You are not authorized to do this action"})
            source_id = source_id or self.default_source(inbox, contact)
            ci = self.contact_inboxes.get((inbox["id"], source_id))
            if ci is not None and ci["contact"] is not contact:
                refuse(422, {"error": "source_id should be unique"})
        else:
            ci = next((c for c in self.contact_inboxes.values() if c["source_id"] == source_id), None)
            if ci is None:
                raise Refuse(NOT_FOUND)
            contact, inbox = ci["contact"], self.inboxes[ci["inbox_id"]]
        status = body.get("status") or "open"
        if status not in STATUSES:
            raise Refuse(BROKEN)
        self.check_attributes(body)
        message = body.get("message")
        if message is not None and not isinstance(message, dict):
            message = None
        if message and message.get("message_type", "outgoing") not in TYPES:
            raise Refuse(BROKEN)
        if message is not None:       # one transaction: what cannot become a message leaves no conversation either
            self.check_message(inbox, message)
        if ci is None:
            ci = self.add_contact_inbox(contact, inbox, source_id, body.get("hmac_verified"))
        row = None
        if inbox["lock_to_single_conversation"] and ci["conversations"]:
            row = ci["conversations"][-1]
        is_new = row is None
        if is_new:
            assignee = self.users.get(self.integer(body.get("assignee_id")))
            row = self.add_conversation(ci, status, body.get("additional_attributes"), body.get("custom_attributes"),
                                        assignee)
            if isinstance(body.get("snoozed_until"), str):
                row["snoozed_until"] = body["snoozed_until"]
        task = None
        if message is not None:
            _, task = self.add_message(row, message, request.actor, origin=self.origin(request),
                                       before_events=is_new and (
                                           lambda: self.emit_conversation("conversation_created", row)))
        elif is_new:
            self.emit_conversation("conversation_created", row)
        await self.order_of_answer(task)
        return answer_rails(self.conversation_rest(row))

    @staticmethod
    def origin(request):
        """What an agent's own token posts counts as typed by that agent; the rest is the relay's."""
        return "control" if request.actor["role"] == "agent" else "api"

    async def order_of_answer(self, task):
        if task is not None and self.mode.echo == "first":
            await asyncio.wait([task], timeout=10)

    def list_conversations(self, request):
        query = request.query
        inbox_id = self.integer(query.get("inbox_id"))
        source = query.get("source_id")
        if source is not None and inbox_id is not None:
            ci = self.contact_inboxes.get((inbox_id, source))
            rows = list(ci["conversations"]) if ci else []
        else:
            rows = [c for c in self.conversations.values() if c["account_id"] == int(request.args[0])]
            if source is not None:
                rows = [c for c in rows if c["contact_inbox"]["source_id"] == source]
        if inbox_id is not None:
            rows = [c for c in rows if c["inbox_id"] == inbox_id]
        if request.actor["inboxes"] is not None:
            rows = [c for c in rows if c["inbox_id"] in request.actor["inboxes"]]
        status = query.get("status", "open")
        if "q" in query:
            q = query["q"].lower()
            rows = [c for c in rows if any(q in (m["content"] or "").lower() for m in c["messages"])]
        elif status != "all":
            rows = [c for c in rows if c["status"] == status]
        meta = {"mine_count": sum(c["assignee"] is request.actor for c in rows),
                "assigned_count": sum(c["assignee"] is not None for c in rows),
                "unassigned_count": sum(c["assignee"] is None for c in rows), "all_count": len(rows)}
        kind = query.get("assignee_type")
        if kind == "me":
            rows = [c for c in rows if c["assignee"] is request.actor]
        elif kind == "unassigned":
            rows = [c for c in rows if c["assignee"] is None]
        elif kind == "assigned":
            rows = [c for c in rows if c["assignee"] is not None]
        order = query.get("sort_by") or "last_activity_at_desc"
        field, _, direction = order.rpartition("_")
        if field not in ("last_activity_at", "created_at", "waiting_since"):
            field, direction = "last_activity_at", "desc"
        rows.sort(key=lambda c: (c[field], c["display_id"]), reverse=direction == "desc")
        if query.get("updated_within"):
            since = time.time() - float(query["updated_within"])
            rows = [c for c in rows if c["updated_at"] > since]     # unpaged
        else:
            rows, _, _ = self.page_of(rows, request, 25)
        return answer_rails({"data": {"meta": meta, "payload": [self.conversation_rest(c) for c in rows]}})

    def filter_conversations(self, request):
        known = {"status": lambda c: c["status"], "inbox_id": lambda c: c["inbox_id"],
                 "contact_id": lambda c: c["contact"]["id"], "display_id": lambda c: c["display_id"],
                 "priority": lambda c: c["priority"], "created_at": lambda c: c["created_at"],
                 "assignee_id": lambda c: c["assignee"]["id"] if c["assignee"] else None,
                 "last_activity_at": lambda c: c["last_activity_at"], "labels": lambda c: c["labels"],
                 "team_id": lambda c: None}

        def value_of(row, key):
            if row is None:
                return None if key in known else False
            return known[key](row)
        rows = self.apply_filter(list(self.conversations.values()), request.json.get("payload"), value_of)
        shown, _, _ = self.page_of(rows, request, 25)
        return answer_rails({"meta": {"mine_count": 0, "unassigned_count": 0, "all_count": len(rows)},
                             "payload": [self.conversation_rest(c) for c in shown]})

    def conversation_counts(self, request):
        rows = [c for c in self.conversations.values() if c["status"] == "open"]
        return answer_rails({"meta": {"mine_count": 0, "assigned_count": sum(c["assignee"] is not None for c in rows),
                                      "unassigned_count": sum(c["assignee"] is None for c in rows),
                                      "all_count": len(rows)}})

    def get_conversation(self, request):
        return answer_rails(self.conversation_rest(self.conversation(request)))

    def patch_conversation(self, request):
        row = self.conversation(request)
        if "priority" in request.json and request.json["priority"] != row["priority"]:
            before, row["priority"] = row["priority"], request.json["priority"]
            self.conversation_changed(row, {"priority": (before, row["priority"])})
        return answer_rails(self.conversation_rest(row))

    def remove_conversation(self, row):
        self.serial += 1
        for message in row["messages"]:
            self.messages.pop(message["id"], None)
        self.conversations.pop((row["account_id"], row["display_id"]), None)
        if row in row["contact_inbox"]["conversations"]:
            row["contact_inbox"]["conversations"].remove(row)

    def delete_conversation(self, request):
        self.remove_conversation(self.conversation(request))
        return EMPTY

    def set_custom_attributes(self, request):
        row = self.conversation(request)
        if not isinstance(request.json.get("custom_attributes"), dict):
            raise Refuse(BROKEN)
        self.check_attributes({"custom_attributes": request.json["custom_attributes"]})
        before, row["custom_attributes"] = row["custom_attributes"], request.json["custom_attributes"]
        if before != row["custom_attributes"]:
            self.conversation_changed(row, {"custom_attributes": (before, row["custom_attributes"])})
        return answer_rails({"custom_attributes": row["custom_attributes"]})

    def set_labels(self, request):
        row = self.conversation(request)
        before, row["labels"] = row["labels"], [str(x) for x in request.json.get("labels") or []]
        for _ in (1, 2):        # label changes raise the event twice
            self.conversation_changed(row, {"label_list": (before, row["labels"])})
        return answer_rails({"payload": row["labels"]})

    def get_labels(self, request):
        return answer_rails({"payload": self.conversation(request)["labels"]})

    def assign(self, request):
        """The team counts only where no assignee is named; 0 and null are nobody."""
        row = self.conversation(request)
        if "assignee_id" not in request.json:
            team = self.teams.get(self.integer(request.json.get("team_id")))
            before, row["team"] = row["team"], team
            if before is not team:
                self.conversation_changed(row, {"team_id": (before and before["id"], team and team["id"])})
            return answer_rails(team)
        user = self.users.get(self.integer(request.json["assignee_id"]))
        before, row["assignee"] = row["assignee"], user
        if before is not user:
            self.conversation_changed(row, {"assignee_id": (before and before["id"], user and user["id"])})
        return answer_rails(self.user_rest(user) if user else None)

    def list_agents(self, request):
        return answer_rails([self.user_rest(u) for u in self.users.values() if ACCOUNT in u["accounts"]])

    def list_teams(self, request):
        return answer_rails(list(self.teams.values()))

    def merge_contacts(self, request):
        """The second goes up in the first: no callback says so, but every one of its messages is updated."""
        base = self.contact(request.json.get("base_contact_id"))
        gone = self.contact(request.json.get("mergee_contact_id"))
        if base is gone:
            return answer_rails(self.contact_rest(base))
        for key in ("email", "phone_number", "identifier"):
            base[key] = base[key] or gone[key]
        base["custom_attributes"] = dict(gone["custom_attributes"], **base["custom_attributes"])
        del self.contacts[gone["id"]]
        self.forget_index()
        moved = []
        for ci in gone["contact_inboxes"]:
            ci["contact"], ci["contact_id"] = base, base["id"]
            base["contact_inboxes"].append(ci)
            for conversation in ci["conversations"]:
                conversation["contact"] = base
                moved += conversation["messages"]
        for message in moved:
            if message["sender"] is gone:
                message["sender"] = base
            self.message_changed(message)
        return answer_rails(self.contact_rest(base))

    def toggle_typing(self, request):
        row = self.conversation(request)
        event = "conversation_typing_on" if request.json.get("typing_status") == "on" else "conversation_typing_off"
        user, private = request.actor, bool(request.json.get("is_private"))
        self.emit(event, self.inboxes[row["inbox_id"]], lambda: {
            "event": event, "user": self.user_webhook(user), "conversation": self.conversation_block(row),
            "is_private": private})
        return EMPTY

    def update_last_seen(self, request):
        row = self.conversation(request)
        row["agent_last_seen_at"] = time.time()
        row["unread"] = 0
        return answer_rails(self.conversation_rest(row))

    def set_status(self, row, status, actor=None, snoozed_until=None):
        before = row["status"]
        if before == status:
            return
        row["status"] = status
        row["snoozed_until"] = snoozed_until
        if actor:
            text = {"resolved": "Conversation was marked resolved by %s", "open": "Conversation was reopened by %s",
                    "pending": "Conversation was marked as pending by %s",
                    "snoozed": "Conversation was snoozed by %s"}[status] % actor["name"]
        else:
            text = {"open": "Conversation was reopened by %s" % (row["contact"]["name"] or "the contact")}.get(
                status, "Conversation is %s" % status)
        self.store_message(row, text, 2, None, None)
        self.conversation_changed(row, {"status": (before, status)})

    def toggle_status(self, request):
        row, actor = self.conversation(request), request.actor
        status = request.json.get("status")
        if status is None:
            status = "resolved" if row["status"] == "open" else "open"
        if status not in STATUSES:
            raise Refuse(BROKEN)
        until = self.integer(request.json.get("snoozed_until")) if status == "snoozed" else None
        self.set_status(row, status, actor, iso(until) if until else None)
        if status == "open" and actor["role"] == "agent" and row["assignee"] is None:
            row["assignee"] = actor       # an agent's token that opens a conversation becomes its assignee
            self.conversation_changed(row, {"assignee_id": (None, actor["id"])})
        return answer_rails({"meta": {}, "payload": {
            "success": None if actor["type"] == "agent_bot" and status == "open" else True,
            "conversation_id": row["display_id"], "current_status": row["status"], "snoozed_until": until}})

    # -- messages ------------------------------------------------------------------------------------------

    def liquid(self, text, row, actor):
        """{{…}} and {%…%} outside code are replaced or vanish. What does not parse is left alone."""
        if "{{" not in text and "{%" not in text:
            return text
        contact = row["contact"]
        names = (contact["name"] or "").split(" ")
        values = {"contact.name": contact["name"], "contact.first_name": names[0], "contact.last_name": names[-1],
                  "contact.email": contact["email"], "contact.phone_number": contact["phone_number"],
                  "agent.name": actor["name"] if actor else "", "conversation.display_id": row["display_id"],
                  "inbox.name": self.inboxes[row["inbox_id"]]["name"], "account.name": self.accounts[ACCOUNT]["name"]}

        def one(match):
            if match.group(1) is None:
                return ""
            inner = match.group(1).strip()
            if len(inner) > 1 and inner[0] in "'\"" and inner[-1] == inner[0]:
                return inner[1:-1]
            value = values.get(inner)
            return "" if value is None else str(value)

        parts = CODE.split(text)
        for i in range(0, len(parts), 2):
            # {{ '{{' }} would stop the simple pattern early, so string literals are taken first
            part = re.sub(r"\{\{\s*(['\"])(.*?)\1\s*\}\}", lambda m: "\0" + m.group(2).replace("{", "\1") + "\0",
                          parts[i])
            rest = LIQUID.sub("", part)
            if "{{" in rest or "{%" in rest:
                return text
            parts[i] = LIQUID.sub(one, part).replace("\0", "").replace("\1", "{")
        return "".join(parts)

    def check_message(self, inbox, body):
        kind = body.get("message_type") or "outgoing"
        if kind not in TYPES:
            refuse(422, {"error": "'%s' is not a valid message_type" % kind})
        if kind == "incoming" and inbox["channel_type"] != "Channel::Api":
            refuse(422, {"error": "Incoming messages are only allowed in Api inboxes"})
        content_type = body.get("content_type") or "text"
        if content_type not in CONTENT_TYPES:
            refuse(422, {"error": "'%s' is not a valid content_type" % content_type})
        content = body.get("content")
        if isinstance(content, str) and len(content) > 150000:
            refuse(422, {"error": "Validation failed: Content is too long (maximum is 150000 characters)"})
        source_id = body.get("source_id")
        if isinstance(source_id, str) and len(source_id) > 20000:
            refuse(422, {"error": "Validation failed: Source is too long (maximum is 20000 characters)"})
        if content_type in ITEM_KEYS:
            attributes = body.get("content_attributes")
            items = attributes.get("items") if isinstance(attributes, dict) else None
            if not isinstance(items, list) or not items:
                refuse(422, {"error": "Validation failed: Content attributes At least one item is required."})
            for item in items:
                if not isinstance(item, dict) or set(item) - ITEM_KEYS[content_type]:
                    refuse(422, {"error": "Validation failed: Content attributes contains invalid keys for items"})

    def store_message(self, row, content, message_type, sender, sender_type, source_id=None, private=False,
                      content_type="text", content_attributes=None, additional=None, attachments=None,
                      origin="system"):
        """One row in the table of messages, and nothing else."""
        now = time.time()
        id = self.number("message")
        message = {"id": id, "content": content, "account_id": row["account_id"], "inbox_id": row["inbox_id"],
                   "conversation": row, "message_type": message_type, "created_at": now, "updated_at": now,
                   "private": private, "status": "sent", "source_id": source_id, "content_type": content_type,
                   "content_attributes": content_attributes if content_attributes is not None else {},
                   "additional_attributes": additional or {}, "sender": sender, "sender_type": sender_type,
                   "sender_id": sender["id"] if sender else None, "attachments": attachments or [], "origin": origin,
                   "swallowed": False}
        self.messages[id] = message
        row["messages"].append(message)
        row["updated_at"] = now
        self.serial += 1
        if message_type != 2 and not private:
            row["last_public"] = message
        return message

    def add_message(self, row, body, actor, sender=None, origin="api", before_events=None, rows=()):
        """Store one message, run its side effects, tell everybody. Returns (message, callback's task or None)."""
        inbox = self.inboxes[row["inbox_id"]]
        messages = row["messages"]
        if self.message_limit and len(messages) >= self.message_limit \
                and messages[-self.message_limit]["created_at"] > time.time() - 60:
            refuse(422, {"error": "Validation failed: Too many messages"})
        kind = TYPES[body.get("message_type") or "outgoing"]
        content = body.get("content")
        if content is not None and not isinstance(content, str):
            content = to_json(content)
        if kind == 1:
            who = sender or actor
            who_type = "AgentBot" if who and who["type"] == "agent_bot" else "User"
            if body.get("sender_type") == "AgentBot" and self.integer(body.get("sender_id")) == BOT:
                who, who_type = self.tokens[BOT_TOKEN], "AgentBot"
            if content:
                content = self.liquid(content, row, who)
        else:
            who, who_type = (row["contact"], "Contact") if kind == 0 else (None, None)
        attributes = body.get("content_attributes")
        attributes = dict(attributes) if isinstance(attributes, dict) else {}
        if body.get("external_created_at") is not None:
            attributes["external_created_at"] = body["external_created_at"]
        if "in_reply_to" in attributes or "in_reply_to_external_id" in attributes:
            self.resolve_reply(row, attributes)
        additional = {}
        if isinstance(body.get("template_params"), dict):
            additional["template_params"] = body["template_params"]
        if body.get("campaign_id") is not None:
            additional["campaign_id"] = body["campaign_id"]
        source_id = body.get("source_id")
        message = self.store_message(
            row, content, kind, who, who_type, None if source_id is None else str(source_id),
            body.get("private") in (True, "true", 1), body.get("content_type") or "text", attributes, additional,
            origin=origin)
        for file in body.get("attachments") or []:
            if isinstance(file, (tuple, dict)):
                message["attachments"].append(self.attachment(message, file))
        for more in rows:       # a place, a card: kinds that are no files
            message["attachments"].append(dict(more, id=self.number("attachment"), message_id=message["id"],
                                               account_id=row["account_id"]))
        if kind == 1 and message["source_id"] and inbox["channel_type"] != "Channel::Api" and not message["private"]:
            message["swallowed"] = True       # taken for one that came from the channel: stored, not sent
        if before_events:
            before_events()
        # Bodies are built from what is stored a moment later: the callback of a message that reopens a conversation
        # already shows it open. So the effects happen first, and their callbacks wait until the message's is out.
        self.deferred = []
        self.side_effects(row, message)
        others, self.deferred = self.deferred, None
        task = None
        if kind != 2:
            task = self.emit("message_created", inbox, lambda: self.message_webhook(message, "message_created"),
                             message, origin == "api")
        for arguments in others:
            self.emit(*arguments)
        if kind == 0 and len(messages) == 1 and inbox["greeting_enabled"] and inbox["greeting_message"]:
            greeting = self.store_message(row, inbox["greeting_message"], TYPES["template"], None, None)
            self.emit("message_created", inbox, lambda: self.message_webhook(greeting, "message_created"), greeting)
        if origin == "api" and self.listener and not message["private"]:
            self.listener("chatwoot", row["display_id"], content)
        return message, task

    def attachment(self, message, file):
        if isinstance(file, tuple):
            file = {"name": file[0], "type": file[1], "data": file[2]}
        return self.files.row(self.number("attachment"), message, file)

    def secret_key(self):
        return self.secret()

    def resolve_reply(self, row, attributes):
        found = None
        if attributes.get("in_reply_to") is not None:
            found = self.messages.get(self.integer(attributes["in_reply_to"]))
        elif attributes.get("in_reply_to_external_id"):
            found = next((m for m in reversed(row["messages"])
                          if m["source_id"] == attributes["in_reply_to_external_id"]), None)
        if found is not None and found["conversation"] is not row:
            found = None
        attributes["in_reply_to"] = found["id"] if found else None
        attributes["in_reply_to_external_id"] = found["source_id"] if found else None

    def side_effects(self, row, message):
        now = time.time()
        row["last_activity_at"] = now
        changes = {}
        if message["message_type"] == 0:
            contact = row["contact"]
            row["unread"] += 1
            if not row["waiting_since"]:
                row["waiting_since"] = now
                changes["waiting_since"] = (None, iso(now))
            before, contact["last_activity_at"] = contact["last_activity_at"], now
            reopens = row["status"] in ("resolved", "snoozed") and not contact["blocked"]
            if reopens:
                self.set_status(row, "open")
            self.contact_changed(contact, {"last_activity_at": (iso(before) if before else None, iso(now))})
        elif message["message_type"] == 1 and not message["private"]:
            if row["waiting_since"]:
                changes["waiting_since"] = (iso(row["waiting_since"]), None)
                row["waiting_since"] = 0
            if not row["first_reply_at"]:
                row["first_reply_at"] = now
                changes["first_reply_created_at"] = (None, iso(now))
        if changes:
            self.conversation_changed(row, changes)

    async def create_message(self, request):
        row = self.conversation(request)
        body = request.json
        inbox = self.inboxes[row["inbox_id"]]
        self.check_message(inbox, body)
        message, task = self.add_message(row, body, request.actor, origin=self.origin(request))
        await self.order_of_answer(task)
        out = self.message_rest(message)
        if body.get("echo_id") is not None:
            out["echo_id"] = body["echo_id"]
        return answer_rails(out)

    def list_messages(self, request):
        row, query = self.conversation(request), request.query
        rows = row["messages"]
        if query.get("filter_internal_messages") == "true":
            rows = [m for m in rows if not m["private"] and m["message_type"] != 2]
        before, after = self.integer(query.get("before")), self.integer(query.get("after"))
        if before is not None and after is not None:
            rows = [m for m in rows if after <= m["id"] < before][:1000]
        elif after is not None:
            rows = [m for m in rows if m["id"] > after][:100]
        elif before is not None:
            rows = [m for m in rows if m["id"] < before][-20:]
        else:
            rows = rows[-20:]
        seen = iso(row["agent_last_seen_at"]) if row["agent_last_seen_at"] else None
        meta = {"labels": row["labels"], "additional_attributes": row["additional_attributes"],
                "contact": self.contact_push(row["contact"])}
        if row["assignee"]:
            meta["assignee"] = self.user_push(row["assignee"])
        meta.update({"agent_last_seen_at": seen, "assignee_last_seen_at": seen})
        return answer_rails({"meta": meta, "payload": [self.message_rest(m) for m in rows]})

    def message(self, request, missing=NOT_FOUND):
        row = self.conversation(request)
        message = self.messages.get(self.integer(request.args[2]))
        if message is None or message["conversation"] is not row:
            raise Refuse(missing)
        return message

    def patch_message(self, request):
        message = self.message(request)
        if self.inboxes[message["inbox_id"]]["channel_type"] != "Channel::Api":
            refuse(403, {"error": "Message status update is only allowed for API inboxes"})
        status, error = request.json.get("status"), request.json.get("external_error")
        known = status in ("sent", "delivered", "read", "failed")
        if known and not (message["status"] == "read" and status == "delivered"):
            attributes = dict(message["content_attributes"])
            if status == "failed":
                attributes["external_error"] = error
            elif "external_error" in attributes:
                attributes["external_error"] = None
            if status != message["status"] or attributes != message["content_attributes"]:
                message["status"], message["content_attributes"] = status, attributes
                self.message_changed(message)
        return answer_rails(self.message_rest(message))

    def erase_message(self, message):
        message["content"] = "This message was deleted"
        message["content_type"] = "text"
        message["content_attributes"] = {"deleted": True}
        message["attachments"] = []
        self.message_changed(message)

    def delete_message(self, request):
        message = self.message(request)
        self.erase_message(message)
        return answer_rails(self.message_rest(message))

    def press_retry(self, message):
        """Nothing is sent again; the only sign is one or two updates."""
        if "external_error" in message["content_attributes"] or message["status"] != "sent":
            message["status"] = "sent"
            message["content_attributes"] = dict(message["content_attributes"], external_error=None)
            self.message_changed(message)
        if message["content_attributes"]:
            message["content_attributes"] = {}
            self.message_changed(message)

    def retry_message(self, request):
        message = self.message(request, answer_json({"error": "Couldn't find Message"}, 422))
        self.press_retry(message)
        return answer_rails(self.message_rest(message))

    # -- inboxes, webhooks, profile ------------------------------------------------------------------------

    def inbox_rest(self, inbox, admin):
        out = {k: inbox[k] for k in ("id", "channel_id", "name", "channel_type", "lock_to_single_conversation",
                                     "greeting_enabled", "greeting_message", "csat_survey_enabled",
                                     "working_hours_enabled", "enable_auto_assignment")}
        out["avatar_url"] = ""
        out["provider"] = None
        if inbox["channel_type"] == "Channel::Api":
            for key in ("webhook_url", "inbox_identifier", "additional_attributes", "hmac_mandatory"):
                out[key] = inbox[key]
            if admin:
                out["hmac_token"], out["secret"] = inbox["hmac_token"], inbox["secret"]
        return out

    def list_inboxes(self, request):
        actor = request.actor
        rows = [i for i in self.inboxes.values() if actor["inboxes"] is None or i["id"] in actor["inboxes"]]
        return answer_rails({"payload": [self.inbox_rest(i, actor["role"] == "administrator") for i in rows]})

    def get_inbox(self, request):
        inbox, actor = self.inbox(request.args[1]), request.actor
        if actor["inboxes"] is not None and inbox["id"] not in actor["inboxes"]:
            refuse(401, {"error": "You are not authorized to do this action"})
        return answer_rails(self.inbox_rest(inbox, actor["role"] == "administrator"))

    def create_inbox(self, request):
        body = request.json
        channel = body.get("channel")
        if not isinstance(channel, dict):
            refuse(422, {"error": "param is missing or the value is empty: channel"})
        inbox = self.add_inbox(str(body.get("name") or ""), "Channel::Api", None, channel.get("webhook_url"),
                               lock_to_single_conversation=bool(body.get("lock_to_single_conversation")))
        return answer_rails(self.inbox_rest(inbox, True))

    def patch_inbox(self, request):
        inbox, body = self.inbox(request.args[1]), request.json
        channel = body.get("channel") if isinstance(body.get("channel"), dict) else {}
        for key in ("webhook_url", "hmac_mandatory", "additional_attributes"):
            if key in channel:
                inbox[key] = channel[key]
        for key in ("name", "lock_to_single_conversation", "greeting_enabled", "greeting_message",
                    "csat_survey_enabled"):
            if key in body:
                inbox[key] = body[key]
        return answer_rails(self.inbox_rest(inbox, True))

    def reset_inbox_secret(self, request):
        inbox = self.inbox(request.args[1])
        if inbox["channel_type"] != "Channel::Api":
            return Answer(404, b"", "text/html")
        inbox["secret"] = self.secret()
        return answer_rails(self.inbox_rest(inbox, True))

    def check_webhook(self, fields, row=None):
        url = fields.get("url")
        if url and any(w["url"] == url and w is not row for w in self.webhooks.values()):
            invalid([("url", "Url has already been taken")])
        subscriptions = fields.get("subscriptions")
        if subscriptions is not None and (not subscriptions or set(subscriptions) - SUBSCRIBABLE):
            invalid([("subscriptions", "Subscriptions Invalid events")])

    def create_webhook(self, request):
        fields = request.json.get("webhook", request.json)
        if not isinstance(fields, dict) or not fields:
            refuse(422, {"error": "param is missing or the value is empty: webhook"})
        if not fields.get("url"):
            invalid([("url", "Url can't be blank")])
        self.check_webhook(fields)
        row = self.add_webhook(fields["url"], fields.get("subscriptions") or sorted(
            SUBSCRIBABLE - {"inbox_created", "inbox_updated"}), name=fields.get("name"))
        return answer_rails({"payload": {"webhook": row}})

    def list_webhooks(self, request):
        return answer_rails({"payload": {"webhooks": list(self.webhooks.values())}})

    def patch_webhook(self, request):
        row = self.webhooks.get(self.integer(request.args[1]))
        if row is None:
            raise Refuse(NOT_FOUND)
        fields = request.json.get("webhook", request.json)
        self.check_webhook(fields, row)
        row.update({k: fields[k] for k in ("url", "name", "subscriptions") if k in fields})
        return answer_rails({"payload": {"webhook": row}})

    def delete_webhook(self, request):
        if self.webhooks.pop(self.integer(request.args[1]), None) is None:
            raise Refuse(NOT_FOUND)
        return EMPTY

    def profile(self, request):
        user = request.actor
        return answer_rails({
            "id": user["id"], "name": user["name"], "email": user["email"], "type": None, "role": user["role"],
            "available_name": user["available_name"], "pubsub_token": user["pubsub_token"],
            "access_token": user["token"], "account_id": ACCOUNT if user["accounts"] else None,
            "accounts": [{"id": a, "name": self.accounts[a]["name"], "status": "active", "role": user["role"],
                          "permissions": [user["role"]], "availability": "online"} for a in user["accounts"]]})

    def api_version(self, request):
        return answer_rails({"version": "4.15.1", "timestamp": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime()),
                             "queue_services": "ok", "data_services": "ok"})

    def health(self, request):
        return answer_rails({"status": "woot"})

    # -- public API, as the contact: typing and reading only -----------------------------------------------

    def public_conversation(self, request):
        inbox = next((i for i in self.inboxes.values() if i["inbox_identifier"] == request.args[0]), None)
        ci = inbox and self.contact_inboxes.get((inbox["id"], request.args[1]))
        row = ci and next((c for c in ci["conversations"] if c["display_id"] == self.integer(request.args[2])), None)
        if not row:
            raise Refuse(NO_ROUTE)
        return row

    def public_typing(self, request):
        row = self.public_conversation(request)
        event = "conversation_typing_on" if request.json.get("typing_status") == "on" else "conversation_typing_off"
        self.emit(event, self.inboxes[row["inbox_id"]], lambda: {
            "event": event, "user": self.contact_webhook(row["contact"]),
            "conversation": self.conversation_block(row), "is_private": False})
        return EMPTY

    def public_seen(self, request):
        row = self.public_conversation(request)
        row["contact_last_seen_at"] = time.time()
        for message in row["messages"]:
            if message["message_type"] == 1 and message["status"] in ("sent", "delivered"):
                message["status"] = "read"
                self.message_changed(message)
        return EMPTY

    # -- table of routes -----------------------------------------------------------------------------------

    def add_routes(self):
        add = self.routes.add
        add("GET", "/api", self.api_version, free=True)
        add("GET", "/health", self.health, free=True)
        add("GET", "/rails/active_storage/blobs/redirect/:key/:name", self.files.redirect, free=True)
        add("GET", "/rails/active_storage/disk/:token/:name", self.files.serve, free=True)
        add("GET", "/api/v1/profile", self.profile, account=False)
        a = "/api/v1/accounts/:a"
        add("POST", a + "/contacts", self.create_contact)
        add("GET", a + "/contacts", self.list_contacts)
        add("GET", a + "/contacts/search", self.search_contacts)
        add("POST", a + "/contacts/filter", self.filter_contacts)
        add("GET", a + "/contacts/:id", self.get_contact)
        add("PUT", a + "/contacts/:id", self.update_contact)
        add("PATCH", a + "/contacts/:id", self.update_contact)
        add("DELETE", a + "/contacts/:id", self.delete_contact, admin=True)
        add("POST", a + "/contacts/:id/destroy_custom_attributes", self.destroy_custom_attributes)
        add("POST", a + "/contacts/:id/contact_inboxes", self.create_contact_inbox)
        add("GET", a + "/contacts/:id/contactable_inboxes", self.contactable_inboxes)
        add("GET", a + "/contacts/:id/conversations", self.contact_conversations)
        add("POST", a + "/contact_inboxes/filter", self.filter_contact_inboxes)

        add("POST", a + "/actions/contact_merge", self.merge_contacts)
        add("GET", a + "/agents", self.list_agents)
        add("GET", a + "/teams", self.list_teams)

        add("POST", a + "/conversations", self.create_conversation, bots=True)
        add("GET", a + "/conversations", self.list_conversations)
        add("POST", a + "/conversations/filter", self.filter_conversations)
        add("GET", a + "/conversations/meta", self.conversation_counts)
        c = a + "/conversations/:id"
        add("GET", c, self.get_conversation, bots=True)
        add("PATCH", c, self.patch_conversation, bots=True)
        add("DELETE", c, self.delete_conversation, admin=True)
        add("POST", c + "/custom_attributes", self.set_custom_attributes, bots=True)
        add("POST", c + "/labels", self.set_labels, bots=True)
        add("GET", c + "/labels", self.get_labels, bots=True)
        add("POST", c + "/assignments", self.assign, bots=True)
        add("POST", c + "/toggle_typing_status", self.toggle_typing, bots=True)
        add("POST", c + "/update_last_seen", self.update_last_seen)
        add("POST", c + "/toggle_status", self.toggle_status, bots=True)
        add("POST", c + "/messages", self.create_message, bots=True)
        add("GET", c + "/messages", self.list_messages)
        add("PATCH", c + "/messages/:mid", self.patch_message)
        add("DELETE", c + "/messages/:mid", self.delete_message)
        add("POST", c + "/messages/:mid/retry", self.retry_message)

        add("GET", a + "/inboxes", self.list_inboxes)
        add("POST", a + "/inboxes", self.create_inbox, admin=True)
        add("GET", a + "/inboxes/:id", self.get_inbox)
        add("PATCH", a + "/inboxes/:id", self.patch_inbox, admin=True)
        add("POST", a + "/inboxes/:id/reset_secret", self.reset_inbox_secret, admin=True)
        add("GET", a + "/webhooks", self.list_webhooks, admin=True)
        add("POST", a + "/webhooks", self.create_webhook, admin=True)
        add("PATCH", a + "/webhooks/:id", self.patch_webhook, admin=True)
        add("DELETE", a + "/webhooks/:id", self.delete_webhook, admin=True)

        p = "/public/api/v1/inboxes/:ident/contacts/:source/conversations/:id"
        add("POST", p + "/toggle_typing", self.public_typing, free=True)
        add("POST", p + "/update_last_seen", self.public_seen, free=True)

    # -- people in the sandbox -----------------------------------------------------------------------------

    async def say_customer(self, person, text, conversation=None, name=None, inbox=API_INBOX, email=None, phone=None,
                           new=False, files=(), attachments=(), **kind):
        """A customer writes through the inbox's channel: his newest conversation, else a new one."""
        inbox = self.inboxes[int(inbox)]
        row = None
        if conversation is not None:
            row = self.conversations.get((ACCOUNT, int(conversation)))
            if row is None:
                refuse(404, {"error": "no such conversation: %s" % conversation})
            inbox = self.inboxes[row["inbox_id"]]
        else:
            source = person.lstrip("+") if inbox["channel_type"] == "Channel::Whatsapp" else person
            ci = self.contact_inboxes.get((inbox["id"], source))
            if ci is None:
                if phone is None and person.startswith("+"):
                    phone = person
                contact = self.add_contact({"name": name or person, "email": email, "phone_number": phone})
                ci = self.add_contact_inbox(contact, inbox, source)
            if ci["conversations"] and not new:
                row = ci["conversations"][-1]
        body = dict(kind, content=text, message_type="incoming", attachments=self.sent(files))
        if inbox["channel_type"] != "Channel::Api":
            body["source_id"] = "wamid.%s" % self.secret()
        before = None
        if row is None:
            row = self.add_conversation(ci)
            made = row
            before = lambda: self.emit_conversation("conversation_created", made)      # noqa: E731
        message, task = self.add_message(row, body, None, origin="control", before_events=before,
                                         rows=attachments)
        return {"conversation": row["display_id"], "message": message["id"], "contact": row["contact"]["id"],
                "inbox": inbox["id"], "source_id": row["contact_inbox"]["source_id"]}, task

    @staticmethod
    def sent(files):
        return [dict(f, type=f.get("type", "application/octet-stream"), name=f.get("name", "file")) if "url" in f
                else read_spec(f) for f in files]

    async def say_team(self, conversation, text, role="agent", agent=MARISOL, private=False, files=(), attachments=(),
                       **kind):
        """kind: content_type, content_attributes. role "template" is what the desk says by itself."""
        row = self.conversations.get((ACCOUNT, int(conversation)))
        if row is None:
            refuse(404, {"error": "no such conversation: %s" % conversation})
        who = self.tokens[BOT_TOKEN] if role == "bot" else self.users[int(agent)]
        if role == "agent":
            row["agent_last_seen_at"] = time.time()
            row["unread"] = 0
        body = dict(kind, content=text, private=private, attachments=self.sent(files))
        if role == "template":
            body["message_type"], who = "template", None
        message, task = self.add_message(row, body, who, origin="control", rows=attachments)
        return {"conversation": row["display_id"], "message": message["id"]}, task

    async def start_conversation(self, contact, text, inbox=API_INBOX, agent=MARISOL):
        """An agent opens a conversation from the dashboard: with the contact's source_id, or a fresh random one."""
        contact = self.contacts[int(contact)]
        inbox = self.inboxes[int(inbox)]
        mine = [ci for ci in contact["contact_inboxes"] if ci["inbox_id"] == inbox["id"]]
        ci = mine[-1] if mine else self.add_contact_inbox(contact, inbox, self.uuid())
        row = self.add_conversation(ci)
        message, task = self.add_message(row, {"content": text}, self.users[int(agent)], origin="control",
                                         before_events=lambda: self.emit_conversation("conversation_created", row))
        return {"conversation": row["display_id"], "message": message["id"],
                "source_id": ci["source_id"]}, task
