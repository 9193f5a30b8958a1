"""A fake Smartify: the part of the server that a relay of text messages meets.

State is plain dictionaries shaped like the documents the real server stores, so that writing one out is the answer.
A conversation ("request") is kept with its references filled in; the two forms in which the real server writes it
differ by a few computed keys only (computed()).

What is imitated because clients trip over it: see README.md beside this file.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import random
import re
import time
import uuid
import zlib
from urllib.parse import parse_qsl

from hooks import Mode, Sender
from files import SmartifyFiles, read_spec
from web import (Answer, Hang, Platform, Refuse, answer_json, from_json, iso, to_bytes, to_json)

PROJECT = "5e2c35c8f0dbc10017bb3aac"
RELAY = "5e2c35c8f0dbc10017bb3a01"
PRIYA = "5e2c35c8f0dbc10017bb3a02"
ROOT = "5e2c35c8f0dbc10017bb3a03"
BOT = "5e2c35c8f0dbc10017bb3b01"
DEPARTMENT = "5e2c35c8f0dbc10017bb3d01"
BOT_DEPARTMENT = "5e2c35c8f0dbc10017bb3d02"
ON_MESSAGE = "5e2c35c8f0dbc10017bb3e01"
ON_UPDATE = "5e2c35c8f0dbc10017bb3e02"
ON_TYPING = "5e2c35c8f0dbc10017bb3e03"
PASSWORD = "sandbox-relay-password"
BEGAN = "2026-01-02T08:00:00.000Z"

BODY_LIMIT = 512000
ROLES = ["guest", "user", "teammate", "agent", "supervisor", "admin", "owner"]
RANK = {role: n for n, role in enumerate(ROLES)}
HEX24 = re.compile(r"[0-9a-fA-F]{24}\Z")
INFO = ("info", "info/support", "private")

UNAUTHORIZED = Answer(401, b"Unauthorized", "text/plain; charset=utf-8",
                      {"WWW-Authenticate": 'Basic realm="Users"'}, chunked=True)


def refuse(status, value):
    raise Refuse(answer_json(value, status))


def msg(status, text, **more):
    refuse(status, dict({"success": False, "msg": text}, **more))


def is_object_id(text):
    """The database library says yes to 24 hex digits, and to any string of exactly 12 bytes."""
    return isinstance(text, str) and (bool(HEX24.match(text)) or len(text.encode("utf-8", "replace")) == 12)


def _b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


JWT_HEAD = _b64(b'{"alg":"HS256","typ":"JWT"}')


def sign_jwt(claims, secret):
    unsigned = JWT_HEAD + b"." + _b64(to_bytes(to_json(claims)))
    mac = hmac.new(secret.encode(), unsigned, hashlib.sha256).digest()
    return (unsigned + b"." + _b64(mac)).decode()


class Actor:
    """Who a token speaks for."""
    __slots__ = ("kind", "id", "claims", "account")

    def __init__(self, kind, id, claims, account=None):
        self.kind = kind          # user, guest (also external customers), bot, subscription
        self.id = id
        self.claims = claims
        self.account = account

    @property
    def fullname(self):
        if self.kind == "subscription":
            return "Guest"
        if self.kind == "bot":
            return self.claims.get("name", "Bot")
        source = self.account or self.claims
        return "%s %s" % (source.get("firstname") or "", source.get("lastname") or "")


class Conversation:
    __slots__ = ("doc", "messages", "last", "closed_by_human")

    def __init__(self, doc):
        self.doc = doc
        self.messages = []
        self.last = None


class Message:
    """A stored message. Its status grows with age when it was posted as 0: sending, delivered, received."""
    __slots__ = ("doc", "born", "by_relay", "origin", "announced")

    def __init__(self, doc, by_relay, origin):
        self.doc = doc
        self.born = time.time()
        self.by_relay = by_relay
        self.origin = origin      # "control" (a person in the sandbox), "api", "system"
        self.announced = None     # when the first callback that was taken was begun, and answered

    def now(self):
        doc = self.doc
        if doc["status"] in (0, 150):
            age = time.time() - self.born
            status = 200 if age > 0.08 else 150 if age > 0.03 else 0
            if status != doc["status"]:
                doc["status"] = status
                doc["updatedAt"] = iso(self.born + (0.08 if status == 200 else 0.03))
        return doc


class Smartify(Platform):
    name = "smartify"
    keep_alive_seconds = 5
    fixed_headers = {"X-Powered-By": "Express", "Access-Control-Allow-Origin": "*",
                     "Set-Cookie": "connect.sid=s%3Asandbox; Path=/; HttpOnly", "Keep-Alive": "timeout=5",
                     "Connection": "keep-alive", "Server": "nginx"}

    def __init__(self, options, faults, log):
        super().__init__(faults, log)
        self.options = options
        self.prefix = options.get("smartify_prefix", "/api")
        self.mode = Mode()
        self.sender = Sender(workers=128)
        self.files = SmartifyFiles(self)
        self.add_routes()
        self.reset()

    def reset(self):
        """Everything back to the seed. Ids go on counting up: an id is never given twice."""
        options = self.options
        self.files.reset()
        if not hasattr(self, "counter"):
            seed = options.get("state_seed", 1)
            self.random = random.Random(seed)
            self.machine = "%010x" % self.random.getrandbits(40)
            self.counter = self.random.getrandbits(16) + 0x100000
            self.server_secret = self.uuid()
            self.default_secret = self.uuid()   # one for all subscriptions this process makes
        self.limit_per_minute = 200 if options.get("throttle") else 0
        self.minute = (0, 0)
        self.first_seconds = 0.015              # how long the first message of a conversation is in the making
        self.listener = getattr(self, "listener", None)
        self.retry_scale = 1.0                  # tests in a hurry shorten the waits between repeated callbacks
        self.quota = 0                          # new conversations allowed; 0: any number
        self.tokens = {}
        self.creating = set()
        self.accounts = {}
        self.projects = {}
        self.members = {}                       # (project, id_user or uuid_user) → membership
        self.leads = {}                         # _id → contact
        self.leads_by_key = {}                  # (project, lead_id) → the newest such contact
        self.requests = {}                      # request_id → Conversation, whole installation
        self.messages = {}                      # _id → Message
        self.subscriptions = {}
        self.by_event = {}
        self.bots = {}
        self.departments = {}
        self.tickets = {}
        self.deleted = []                       # request ids deleted: a message there makes a ghost
        self.ghosts = []
        self.serial = 0
        self.seed(options)

    def uuid(self):
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def oid(self):
        self.counter += 1
        return "%08x%s%06x" % (int(time.time()), self.machine, self.counter & 0xffffff)

    # -- seed ----------------------------------------------------------------------------------------------

    def seed(self, options):
        for id, email, first, last, role, password in (
                (RELAY, "relay@example.com", "Relay", "Tieline", "admin", PASSWORD),
                (PRIYA, "priya@northwind.example", "Priya", "Nair", "agent", "sandbox-priya-password"),
                (ROOT, "admin@northwind.example", "Administrator", " ", "owner", "sandbox-admin-password")):
            self.accounts[id] = {"status": 100, "_id": id, "email": email, "firstname": first, "lastname": last,
                                 "emailverified": True, "createdAt": BEGAN, "updatedAt": BEGAN, "__v": 0,
                                 "_password": password, "_super": id == ROOT}
            self.add_member(PROJECT, role, id_user=id)
        self.projects[PROJECT] = {
            "_id": PROJECT, "name": "Northwind", "status": 100, "createdBy": ROOT, "settings": {},
            "profile": {"name": "Custom", "type": "payment", "trialDays": 14, "agents": 10},
            "isActiveSubscription": True, "trialExpired": False, "channels": [], "operatingHours": None,
            "createdAt": BEGAN, "updatedAt": BEGAN, "__v": 0,
            "_jwt_secret": None, "_labels": {"WELCOME": "Welcome to Northwind."}}
        self.bots[BOT] = {"_id": BOT, "name": "Helper", "id_project": PROJECT, "createdBy": ROOT, "type": "internal",
                          "language": "en", "createdAt": BEGAN, "updatedAt": BEGAN, "__v": 0,
                          "_secret": self.uuid()}
        for id, name, default, bot in ((DEPARTMENT, "Default Department", True, None),
                                       (BOT_DEPARTMENT, "Bot Department", False, BOT)):
            doc = {"routing": "assigned", "default": default, "status": 1, "_id": id, "name": name,
                   "id_project": PROJECT, "createdBy": ROOT, "groups": [], "tags": [], "createdAt": BEGAN,
                   "updatedAt": BEGAN, "__v": 0}
            if bot:
                doc["id_bot"] = bot
            self.departments[id] = doc
        self.seed_subscriptions(options)

    def seed_subscriptions(self, options):
        target = options.get("smartify_hook")
        if target:
            secret = options.get("smartify_secret") or "sandbox-smartify-secret"
            self.add_subscription(PROJECT, "message.create", target, RELAY, secret, ON_MESSAGE)
            self.add_subscription(PROJECT, "request.update", target, RELAY, secret, ON_UPDATE)
            self.add_subscription(PROJECT, "event.emit.typing.start", target, RELAY, secret, ON_TYPING)

    def add_member(self, project, role, id_user=None, uuid_user=None, created_by=None):
        at = iso()
        doc = {"user_available": True, "number_assigned_requests": 0, "last_login_at": at, "permissions": [],
               "status": "active", "trashed": False, "_id": self.oid(), "id_project": project}
        if id_user:
            doc["id_user"] = id_user
        else:
            doc["uuid_user"] = uuid_user
        doc.update({"role": role, "roleType": 1 if id_user else 2, "createdBy": created_by or id_user or uuid_user,
                    "tags": [], "createdAt": at, "updatedAt": at, "__v": 0})
        self.members[project, id_user or uuid_user] = doc
        return doc

    def add_subscription(self, project, event, target, created_by, secret=None, id=None):
        at = iso()
        doc = {"secret": secret or self.default_secret, "global": False, "_id": id or self.oid(), "target": target,
               "event": event, "id_project": project, "createdBy": created_by, "createdAt": at, "updatedAt": at,
               "__v": 0}
        self.subscriptions[doc["_id"]] = doc
        self.index_subscriptions()
        return doc

    def index_subscriptions(self):
        self.by_event = {}
        self.tokens.clear()       # secrets may have changed
        for doc in self.subscriptions.values():
            self.by_event.setdefault((doc.get("id_project"), doc.get("event")), []).append(doc)

    # -- every request -------------------------------------------------------------------------------------

    def _response(self, answer):
        headers = {"ETag": 'W/"%x-%08x"' % (len(answer.body), zlib.crc32(answer.body))}
        if answer.headers:
            headers.update(answer.headers)
        return super()._response(Answer(answer.status, answer.body, answer.type, headers, answer.chunked))

    async def respond(self, request):
        segments = request.segments
        if self.prefix:
            if not segments or segments[0] != self.prefix.strip("/"):
                return self.no_route(request)
            del segments[0]
        if request.method == "OPTIONS":
            return Answer(204)
        if self.limit_per_minute:
            minute = int(time.time()) // 60
            count = self.minute[1] + 1 if self.minute[0] == minute else 1
            self.minute = (minute, count)
            if count > self.limit_per_minute:
                return answer_json({"message": "Rate limit exceeded"}, 429)
        request.json = self.read_body(request)
        found = self.routes.find(request.method, segments)
        if found is None:
            if segments and segments[0] not in ("auth", "projects", "public", "requests_util", "files", "images",
                                                "webhook", "users"):
                self.find_project(request, segments[0])
                self.authenticate(request)
            elif segments and segments[0] in ("files", "images"):
                self.find_project(request, segments[0])
            return self.no_route(request)
        handler, request.args, request.route, extra = found
        needs = extra.get("role")
        if extra.get("project", True):
            self.find_project(request, request.args[0])
        if needs:
            request.actor = self.authenticate(request)
            if extra.get("project", True):
                self.check_role(request, needs, extra.get("machines", True))
        result = handler(request)
        if asyncio.iscoroutine(result):
            result = await result
        return result

    def no_route(self, request):
        path = request.path.partition("?")[0].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return Answer(404, to_bytes(
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Error</title>\n</head>\n'
            "<body>\n<pre>Cannot %s %s</pre>\n</body>\n</html>\n" % (request.method, path)),
            "text/html; charset=utf-8")

    def read_body(self, request):
        """Only the two known types are read; with any other the route runs with an empty body."""
        if request.method in ("GET", "HEAD"):
            return {}
        kind, _, parameters = request.headers.get("Content-Type", "").partition(";")
        kind = kind.strip().lower()
        if kind not in ("application/json", "application/x-www-form-urlencoded"):
            return {}
        if len(request.body) > BODY_LIMIT:
            refuse(413, {"err": "Request entity too large", "limit": BODY_LIMIT})
        charset = re.search(r'charset="?([\w-]+)', parameters)
        if charset and charset.group(1).lower() not in ("utf-8", "utf8"):
            refuse(500, {"err": "error"})
        text = request.body.decode("utf-8", "replace").removeprefix("\ufeff")
        if kind != "application/json":
            return self.read_form(text)
        if not text:
            return {}
        try:
            value = from_json(text)
        except (ValueError, RecursionError):
            refuse(500, {"err": "error"})
        if not isinstance(value, (dict, list)):
            refuse(500, {"err": "error"})
        return value

    @staticmethod
    def read_form(text):
        out = {}
        for key, value in parse_qsl(text, keep_blank_values=True):
            place, names = out, re.findall(r"[^\[\]]+", key) or [key]
            for name in names[:-1]:
                place = place.setdefault(name, {})
            place[names[-1]] = value
        return out

    def find_project(self, request, id):
        if not is_object_id(id):
            refuse(400, {"error": "Invalid project id: " + id})
        project = self.projects.get(id)
        if project is None or project["status"] != 100:
            refuse(400, {"error": "Project not found with id: " + id})
        request.project = id

    # -- authentication ------------------------------------------------------------------------------------

    def authenticate(self, request):
        header = request.headers.get("Authorization")
        if header is None:
            if "token" in request.query:       # taken from the query by one check, refused by the next
                self.actor_of_token(request.query["token"])
                msg(403, "Unauthorized.")
            raise Refuse(UNAUTHORIZED)
        words = header.split(" ")
        if len(words) < 2:
            raise Refuse(Answer(400, b"Bad Request", "text/plain; charset=utf-8"))
        scheme = words[0].lower()
        if scheme == "basic":
            return self.actor_of_basic(words[1])
        if scheme != "jwt":
            raise Refuse(UNAUTHORIZED)
        actor = self.actor_of_token(words[-1])
        if len(words) != 2:
            msg(403, "Unauthorized.")
        return actor

    def actor_of_basic(self, text):
        try:
            email, _, password = base64.b64decode(text).decode().partition(":")
        except (ValueError, binascii.Error):
            raise Refuse(UNAUTHORIZED)
        for account in self.accounts.values():
            if account["email"] == email.lower() and account["_password"] == password:
                return Actor("user", account["_id"], account, account)
        raise Refuse(UNAUTHORIZED)

    def actor_of_token(self, token):
        known = self.tokens.get(token)
        if known is None:
            known = self.read_token(token)
            if len(self.tokens) > 100000:
                self.tokens.clear()
            self.tokens[token] = known
        actor, expires = known
        if expires and expires < time.time():
            raise Refuse(UNAUTHORIZED)
        return actor

    def read_token(self, token):
        try:
            head, claims, mac = token.split(".")
            claims_text, given = _unb64(claims), _unb64(mac)
            if from_json(_unb64(head).decode()).get("alg") != "HS256":
                raise ValueError
            data = from_json(claims_text.decode())
        except (ValueError, binascii.Error, AttributeError):
            raise Refuse(UNAUTHORIZED)
        secret = self.secret_for(data.get("aud"))
        right = hmac.new((secret or "").encode(), (head + "." + claims).encode(), hashlib.sha256).digest()
        if not secret or not hmac.compare_digest(right, given):
            raise Refuse(UNAUTHORIZED)
        if not data.get("_id"):
            raise Refuse(UNAUTHORIZED)
        expires = data.get("exp") if isinstance(data.get("exp"), (int, float)) else None
        kind, id = data.get("sub"), data["_id"]
        if kind in ("guest", "userexternal"):
            return Actor("guest", id, data), expires
        if kind == "bot":
            if id not in self.bots:
                raise Refuse(UNAUTHORIZED)
            return Actor("bot", id, self.bots[id]), expires
        if kind == "subscription":
            if id not in self.subscriptions:
                raise Refuse(UNAUTHORIZED)
            return Actor("subscription", id, data), expires
        account = self.accounts.get(id)
        if account is None:
            raise Refuse(UNAUTHORIZED)
        return Actor("user", id, account, account), expires

    def secret_for(self, audience):
        if audience is None:
            return self.server_secret
        if not isinstance(audience, str) or not re.match(r"[a-z][a-z0-9+.-]*://[^/]", audience, re.I):
            refuse(500, {"err": "error"})
        path = audience.split("/")[3:]
        if len(path) >= 2:
            if path[0] == "bots" and path[1] in self.bots:
                return self.bots[path[1]]["_secret"]
            if path[0] == "projects" and path[1] in self.projects:
                return self.projects[path[1]]["_jwt_secret"]
            if path[0] == "subscriptions":
                found = self.subscriptions.get(path[1])
                return found and found["secret"]
        return self.server_secret

    def check_role(self, request, least, machines):
        actor = request.actor
        if actor.kind in ("bot", "subscription"):
            if machines:
                return
            msg(403, "you dont belong to the project.")
        member = self.members.get((request.project, actor.id))
        if member is None or member["trashed"]:
            msg(403, "you dont belong to the project.")
        if member["status"] == "disabled":
            raise Refuse(UNAUTHORIZED)
        if RANK.get(member["role"], 0) < RANK[least]:
            msg(403, "you dont have the required role.")

    def is_chief(self, request):
        actor = request.actor
        if actor.kind == "subscription":
            return True
        member = self.members.get((request.project, actor.id))
        return bool(member) and RANK.get(member["role"], 0) >= RANK["admin"]

    def sign_in(self, request):
        body = request.json
        for field in ("email", "password"):
            value = body.get(field) if isinstance(body, dict) else None
            if not value or (field == "email" and "@" not in str(value)):
                error = {"msg": "Invalid value", "param": field, "location": "body"}
                if value is not None:
                    error["value"] = value
                refuse(422, {"errors": [error]})
        email = body["email"].lower()
        account = next((a for a in self.accounts.values() if a["email"] == email), None)
        if account is None:
            msg(401, "Authentication failed. User not found.")
        if account["_password"] != body["password"]:
            msg(401, "Authentication failed. Wrong password.")
        user = {k: account[k] for k in ("_id", "email", "firstname", "lastname", "emailverified")}
        claims = dict(user, iat=int(time.time()), aud="https://tiledesk.com", iss="https://tiledesk.com", sub="user",
                      jti=self.uuid())
        if account["_super"]:
            user["role"] = "admin"
        return answer_json({"success": True, "token": "JWT " + sign_jwt(claims, self.server_secret), "user": user})

    def sign_in_anonymously(self, request):
        body = request.json if isinstance(request.json, dict) else {}
        project = body.get("id_project")
        if not project:
            refuse(422, {"errors": [{"msg": "Invalid value", "param": "id_project", "location": "body"}]})
        if not is_object_id(project):
            msg(500, "Error saving object.", err={})
        id = self.uuid()
        user = {"_id": id, "firstname": body.get("firstname") or "guest#%04x" % self.random.getrandbits(16)}
        for field in ("lastname", "email", "attributes"):
            if body.get(field):
                user[field] = body[field]
        user["id"] = id
        user["fullName"] = "%s %s" % (user["firstname"], user.get("lastname") or "")
        self.add_member(project, "guest", uuid_user=id)
        claims = dict(user, iat=int(time.time()), aud="https://tiledesk.com", iss="https://tiledesk.com", sub="guest",
                      jti=self.uuid())
        return answer_json({"success": True, "token": "JWT " + sign_jwt(claims, self.server_secret), "user": user})

    def sign_in_custom(self, request):
        actor = self.authenticate(request)
        claims = actor.claims
        audience = claims.get("aud")
        if audience is None:
            raise Refuse(UNAUTHORIZED)
        if claims.get("role") in ("admin", "agent", "owner"):
            raise Hang       # it would try to make a team account; creating it fails without an answer
        path = audience.split("/")[3:]
        project = path[1] if len(path) > 1 and path[0] == "projects" else None
        if len(path) > 1 and path[0] == "subscriptions":
            project = self.subscriptions[path[1]]["id_project"]
        if project is None:
            raise Refuse(UNAUTHORIZED)
        member = self.members.get((project, actor.id))
        if member is None:
            self.add_member(project, "user", uuid_user=actor.id)
        elif member["status"] == "disabled":
            raise Refuse(UNAUTHORIZED)
        token = request.headers["Authorization"].split(" ")[-1]
        return answer_json({"success": True, "token": "JWT " + token, "user": claims})

    def generate_keys(self, request):
        secret = self.uuid()
        self.projects[request.project]["_jwt_secret"] = secret
        self.tokens.clear()
        return answer_json({"publicKey": "sandbox-public-key", "privateKey": "sandbox-private-key",
                            "jwtSecret": secret})

    # -- callbacks -----------------------------------------------------------------------------------------

    def emit(self, project, event, payload, echo=False, message=None):
        """payload: JSON text, as it is now; message: the one it announces. Returns a task when there is somebody to tell, else None."""
        subscribers = self.by_event.get((project, event))
        if not subscribers:
            return None
        mode, task = self.mode, None
        body = to_bytes(payload)
        stamp = int(time.time() * 1000)
        for doc in subscribers:
            times = 1
            delay = mode.delay + (self.random.random() * mode.shuffle if mode.shuffle else 0)
            if echo:
                if mode.echo == "never":
                    times = 0
                elif mode.echo == "twice":
                    times = 2
                elif mode.echo == "late":
                    delay += mode.late_seconds
            if mode.drop and self.random.random() < mode.drop:
                times = 0
            if mode.duplicate and self.random.random() < mode.duplicate:
                times += 1
            for _ in range(times):
                task = self.sender.spawn(self.deliver(doc, subscribers, stamp, body, delay, message))
        return task

    def hook_token(self, doc):
        claims = {k: v for k, v in doc.items() if k not in ("secret", "global")}
        claims.update({"iat": int(time.time()), "aud": "https://tiledesk.com/subscriptions/" + doc["_id"],
                       "iss": "https://tiledesk.com", "sub": "subscription"})
        return sign_jwt(claims, doc["secret"])

    def hook_tail(self, doc):
        """Signed once a second, not for each callback: the token holds nothing but the second."""
        now = int(time.time())
        kept = doc.get("_tail")
        if kept is None or kept[0] != (now, doc["secret"], doc["target"]):
            shown = {k: v for k, v in doc.items() if k not in ("secret", "global", "_tail")}
            clean = {k: v for k, v in doc.items() if k != "_tail"}
            text = ',"hook":%s,"token":"%s"}' % (to_json(shown), self.hook_token(clean))
            kept = ((now, doc["secret"], doc["target"]), to_bytes(text))
            doc["_tail"] = kept
        return kept[1]

    async def deliver(self, doc, subscribers, stamp, payload, delay, message):
        if delay:
            await asyncio.sleep(delay)
        headers = ("Content-Type: application/json\r\nx-hook-secret: %s\r\nUser-Agent: tiledesk-webhooks\r\n"
                   "Origin: http://127.0.0.1:3000\r\naccept: application/json\r\nConnection: keep-alive\r\n"
                   % doc["secret"])
        for attempt in (1, 2, 3):
            # All deliveries of one event share one object, so a repeat may carry another subscriber's hook.
            shown = doc if attempt == 1 else subscribers[-1]
            body = b'{"timestamp":%d,"payload":%s%s' % (stamp, payload, self.hook_tail(shown))
            began = time.monotonic()
            try:
                status = await self.sender.post(doc["target"], headers, body)
                if 200 <= status < 300 and message is not None:
                    message.announced = message.announced or (began, time.monotonic())
                if 200 <= status < 500 and status != 429:
                    return status
            except OSError:
                pass
            if attempt < 3:
                self.sender.stats["repeated"] += 1
                pause = self.random.uniform(2, 3) if attempt == 1 else self.random.uniform(4, 5)
                await asyncio.sleep(pause * self.retry_scale)
        self.sender.stats["given up"] += 1
        return None

    def emit_message(self, conversation, message, echo):
        """message.create and its two channel-specific forms, with the raw conversation."""
        doc = message.doc
        project = doc["id_project"]
        names = ["message.create"]
        if conversation:
            names.append("message.create.request.channel." + conversation.doc["channel"]["name"])
        names.append("message.create.channel." + doc["channel"]["name"])
        names = [n for n in names if (project, n) in self.by_event]
        if not names:
            return None
        shown = doc
        attributes = doc.get("attributes")
        # The chat layer adds four keys to the attributes; whether the callback already has them is a race.
        if doc["status"] == 0 and isinstance(attributes, dict) and (
                attributes.get("subtype") in INFO or self.random.random() < 0.3):
            attributes = dict(attributes, tiledesk_message_id=doc["_id"], projectId=project,
                              channel=doc["channel"]["name"])
            if conversation:
                attributes["request_channel"] = conversation.doc["channel"]["name"]
            shown = dict(doc, attributes=attributes)
        if conversation:
            text = '%s,"request":%s}' % (to_json(shown)[:-1], to_json(self.raw(conversation)))
        else:
            text = to_json(shown)
        task = None
        for name in names:
            task = self.emit(project, name, text, echo, message) or task
        return task

    def emit_request(self, conversation, event, references=True, extra=None):
        project = conversation.doc["id_project"]
        if (project, event) not in self.by_event:
            return None
        doc = self.computed(conversation)
        if not references:      # after some changes the references are plain ids
            for key in ("lead", "department", "requester"):
                if isinstance(doc.get(key), dict):
                    doc[key] = doc[key]["_id"]
        if extra:
            doc.update(extra)
        return self.emit(project, event, to_json(doc))

    def types(self, conversation, writer):
        """Somebody begins to type; that he stops is not told."""
        doc, at = conversation.doc, iso()
        project = doc["id_project"]
        member = self.members.get((project, writer))
        return self.emit(project, "event.emit.typing.start", to_json({
            "status": "stardard", "_id": self.oid(), "name": "typing.start",
            "attributes": {"recipient_id": doc["request_id"], "writer_id": writer, "data": {"text": "..."}},
            "id_project": project, "project_user": member, "createdBy": writer, "createdAt": at, "updatedAt": at,
            "__v": 0}))

    # -- conversations, written out ------------------------------------------------------------------------

    def raw(self, conversation):
        """As in message callbacks: the stored document, with the bot in the department."""
        doc = conversation.doc
        department = doc.get("department")
        if department and department.get("id_bot"):
            bot = {k: v for k, v in self.bots[department["id_bot"]].items() if k[0] != "_" or k in ("_id", "__v")}
            return dict(doc, department=dict(department, bot=bot))
        return doc

    def computed(self, conversation, populate=True):
        """As in REST answers and request callbacks: with the computed extras."""
        doc = dict(conversation.doc)
        lead, requester, department = doc.get("lead"), doc.get("requester"), doc.get("department")
        if not populate:
            for key in ("lead", "requester", "department"):
                if isinstance(doc.get(key), dict):
                    doc[key] = doc[key]["_id"]
            doc.pop("participatingAgents", None)
            doc.pop("participatingBots", None)
        else:
            if requester:
                shown = dict(requester, isAuthenticated=requester["role"] != "guest", id=requester["_id"])
                if requester.get("id_user"):
                    shown["id_user"] = self.account(requester["id_user"])
                doc["requester"] = shown
            if department:
                doc["department"] = dict(department, hasBot=bool(department.get("id_bot")), id=department["_id"])
            snapshot = doc["snapshot"] = dict(doc["snapshot"])
            then = snapshot["requester"]
            snapshot["requester"] = dict(then, isAuthenticated=then["role"] != "guest", id=then["_id"])
            if department and "department" in snapshot:
                snapshot["department"] = doc["department"]
        doc["requester_id"] = lead["_id"] if lead else None
        doc["id"] = doc["_id"]
        return doc

    def account(self, id):
        account = self.accounts.get(id)
        if account is None:
            return None
        return {k: v for k, v in account.items() if k not in ("_password", "_super")}

    def set_participants(self, conversation, participants):
        doc = conversation.doc
        doc["participants"] = participants
        doc["participantsAgents"] = [p for p in participants if not p.startswith("bot_")]
        doc["participantsBots"] = [p[4:] for p in participants if p.startswith("bot_")]
        doc["hasBot"] = bool(doc["participantsBots"])
        doc["participatingAgents"] = [a for a in map(self.account, doc["participantsAgents"]) if a]
        doc["participatingBots"] = [
            {k: v for k, v in self.bots[b].items() if k != "_secret"} for b in doc["participantsBots"]
            if b in self.bots]

    def touch(self, conversation):
        self.serial += 1
        conversation.doc["updatedAt"] = iso()

    # -- storing -------------------------------------------------------------------------------------------

    def find_lead(self, project, lead_id):
        return self.leads_by_key.get((project, lead_id))

    def add_lead(self, project, lead_id, fullname, email=None, phone=None, attributes=None, created_by="system"):
        at = iso()
        doc = {"tags": [], "status": 100, "_id": self.oid(), "lead_id": lead_id, "fullname": fullname}
        if email:
            doc["email"] = email
        doc["phone"] = phone
        if attributes:
            doc["attributes"] = attributes
        doc.update({"id_project": project, "createdBy": created_by, "createdAt": at, "updatedAt": at, "__v": 0})
        self.leads[doc["_id"]] = doc
        self.leads_by_key[project, lead_id] = doc
        if (project, "lead.create") in self.by_event:
            self.emit(project, "lead.create", to_json(doc))
        return doc

    def lead_for(self, project, lead_id, actor, body):
        """The contact of a first message: found and perhaps overwritten, or made from the caller's token."""
        claims = actor.claims if actor.kind in ("guest", "user") else {}
        email = body.get("email") or claims.get("email")
        lead = self.find_lead(project, lead_id)
        if lead is None:
            phone = claims.get("phone")
            if not (isinstance(phone, str) and re.match(r"\+[1-9]\d{6,14}\Z", phone)):
                phone = None
            attributes = body.get("attributes") if isinstance(body.get("attributes"), dict) else None
            if isinstance(claims.get("attributes"), dict):
                attributes = dict(attributes or {}, **claims["attributes"])
            return self.add_lead(project, lead_id, actor.fullname, email, phone, attributes)
        if actor.kind == "guest" and claims.get("email") != lead.get("email"):
            # The token's e-mail differs: name and e-mail are overwritten with the token's, even with nothing.
            lead["fullname"] = actor.fullname
            lead.pop("email", None)
            if claims.get("email"):
                lead["email"] = claims["email"]
            lead["updatedAt"] = iso()
        return lead

    def route(self, body, project):
        """Department and participants of a new conversation."""
        given = body.get("participants")
        if given:
            return None, list(given)
        wanted = body.get("departmentid")
        if wanted in (None, "", "default"):
            department = next((d for d in self.departments.values()
                               if d["id_project"] == project and d["default"]), None)
        else:
            department = self.departments.get(wanted)
            if department is None or department["id_project"] != project:
                msg(500, "Error creating request", err={})
        if department is None:
            return None, []
        if department.get("id_bot"):
            return department, ["bot_" + department["id_bot"]]
        if department["routing"] == "pooled":
            return department, []
        agents = [m["id_user"] for m in self.members.values()
                  if m["id_project"] == project and m.get("id_user") and m["role"] == "agent"
                  and m["user_available"] and m["status"] == "active"]
        return department, [self.random.choice(agents)] if agents else []

    def add_request(self, project, request_id, lead, requester, created_by, body, first_text, channel):
        department, participants = self.route(body, project)
        if body.get("request_status") == 50 or body.get("preflight"):
            participants = []
        at = iso()
        number = self.tickets[project] = self.tickets.get(project, 0) + 1
        doc = {"status": 50 if body.get("request_status") == 50 else 200 if participants else 100,
               "preflight": bool(body.get("preflight")), "hasBot": False, "participants": [],
               "priority": body.get("priority") or "medium", "followers": body.get("followers") or [],
               "participantsAgents": [], "participantsBots": [], "_id": self.oid(), "request_id": request_id,
               "requester": requester, "lead": lead, "first_text": first_text}
        for key in ("subject", "sourcePage", "userAgent", "language", "location"):
            if body.get(key) is not None:
                doc[key] = body[key]
        if department:
            doc["department"] = department
        if participants:
            doc["assigned_at"] = at
        if isinstance(body.get("attributes"), dict):
            doc["attributes"] = dict(body["attributes"])
        snapshot = {"availableAgentsCount": 1, "requester": dict(requester), "lead": dict(lead)}
        if department:
            snapshot["department"] = department
        doc.update({"id_project": project, "createdBy": created_by, "channel": channel, "tags": [], "notes": [],
                    "createdAt": at, "snapshot": snapshot})
        contact = {k: lead[k] for k in ("email", "phone") if lead.get(k)}
        if contact:
            doc["contact"] = contact
        doc.update({"channelOutbound": {"name": "chat21"}, "smartAssignment": True, "updatedAt": at,
                    "ticket_id": number, "__v": 0})
        conversation = Conversation(doc)
        self.set_participants(conversation, participants)
        self.requests[request_id] = conversation
        if requester.get("id_user") and request_id in self.deleted:
            self.ghosts.append(doc["_id"])
        self.emit_request(conversation, "request.create")
        return conversation

    def add_message(self, project, conversation, recipient, sender, fullname, text, body, created_by, by_relay=False,
                    origin="api"):
        """Store one message and tell the subscribers. Returns (message, the callback's task or None)."""
        at = iso()
        status = body.get("status")
        doc = {"senderFullname": fullname, "type": body.get("type") or "text",
               "channel_type": "group" if conversation or recipient.startswith(("support-group", "group-"))
               else "direct",
               "status": 0 if status is None else status, "_id": self.oid(), "sender": sender, "recipient": recipient}
        if text is not None:
            doc["text"] = text
        doc["id_project"] = project
        doc["createdBy"] = created_by
        if body.get("attributes") is not None:
            doc["attributes"] = body["attributes"]
        if "metadata" in body:
            doc["metadata"] = body["metadata"]
        if body.get("language"):
            doc["language"] = body["language"]
        doc["channel"] = body.get("channel") or {"name": "chat21"}
        doc["createdAt"] = doc["updatedAt"] = at
        doc["__v"] = 0
        message = Message(doc, by_relay, origin)
        self.messages[doc["_id"]] = message
        self.serial += 1
        if conversation:
            conversation.messages.append(message)
            if len(conversation.messages) > 1:
                request = conversation.doc
                attributes = request.get("attributes")
                if attributes is None:
                    attributes = request["attributes"] = {}
                attributes["last_message"] = doc
                request["updatedAt"] = at
        task = self.emit_message(conversation, message, origin == "api")
        if conversation:
            self.after_message(conversation, message)
            if by_relay and self.listener:
                self.listener("smartify", recipient, text)
        return message, task

    def after_message(self, conversation, message):
        """What the server does once a message is stored."""
        doc, request = message.doc, conversation.doc
        sender = doc["sender"]
        attributes = doc.get("attributes")
        lead = request.get("lead")
        if "first_response_at" not in request and sender != "system" and lead and sender != lead["lead_id"] and (
                is_object_id(sender) or sender.startswith("bot_")):
            request["first_response_at"] = iso()
            request["waiting_time"] = int((time.time() - self.seconds(request["createdAt"])) * 1000)
            self.touch(conversation)
            self.emit_request(conversation, "request.update")
        if request.get("preflight") and lead and sender == lead["lead_id"] and len(conversation.messages) > 1:
            request["preflight"] = False
            department, participants = self.route({}, request["id_project"])
            self.set_participants(conversation, participants)
            request["status"] = 200 if participants else 100
            self.touch(conversation)
            self.emit_request(conversation, "request.update")
        text = doc.get("text")
        # Only a message that reaches the chat layer (posted as 0, or typed there) runs commands.
        if isinstance(text, str) and "\\" in text and doc["status"] in (0, 200):
            self.later(self.command(conversation, text[text.index("\\"):]))
        if attributes is not None and not isinstance(attributes, dict) and message.origin == "api":
            self.later(self.stored_again(conversation, message))

    async def stored_again(self, conversation, message):
        """The chat layer cannot carry the server's id in such attributes, so its echo looks like a new message."""
        await asyncio.sleep(0.04)
        doc = message.doc
        self.add_message(doc["id_project"], conversation, doc["recipient"], doc["sender"], doc["senderFullname"],
                         doc.get("text"), {"status": 200, "attributes": doc["attributes"], "type": doc["type"]},
                         doc["sender"], message.by_relay, "system")

    async def command(self, conversation, text):
        await asyncio.sleep(0.05)
        if text == "\\close":
            self.close(conversation, "system")
        elif text == "\\agent" and conversation.doc["hasBot"]:
            self.to_human(conversation)

    @staticmethod
    def seconds(text):
        import calendar
        return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) + int(text[20:23]) / 1000

    def system_message(self, conversation, text, attributes):
        doc = conversation.doc
        self.add_message(doc["id_project"], conversation, doc["request_id"], "system", "Bot", text,
                         {"attributes": attributes}, "system", origin="system")

    def tell_operators(self, conversation, members):
        self.system_message(conversation, "A new support request has been assigned to you: "
                            + conversation.doc["first_text"],
                            {"subtype": "info", "updateconversation": True, "updateconversationfor": members,
                             "forcenotification": True, "messagelabel": {"key": "TOUCHING_OPERATOR"}})

    def to_human(self, conversation):
        department, participants = self.route({}, conversation.doc["id_project"])
        self.set_participants(conversation, [p for p in participants if not p.startswith("bot_")])
        self.touch(conversation)
        self.emit_request(conversation, "request.update")
        self.tell_operators(conversation, conversation.doc["participants"])

    def close(self, conversation, by):
        """Runs all its steps again when already closed: the event and the system message come twice."""
        doc = conversation.doc
        doc["status"] = 1000
        doc["closed_at"] = iso()
        doc["closed_by"] = by
        doc["duration"] = int((time.time() - self.seconds(doc["createdAt"])) * 1000)
        lines = []
        for message in conversation.messages:
            m = message.now()
            if isinstance(m.get("attributes"), dict) and m["attributes"].get("subtype") in ("private", "info/support"):
                continue
            at = m["createdAt"]
            lines.append("%s/%s/%s, %s %s: %s" % (at[8:10], at[5:7], at[:4], at[11:19], m["senderFullname"],
                                                  m.get("text") or ""))
        doc["transcript"] = "\r\n".join(lines)
        self.touch(conversation)
        self.emit_request(conversation, "request.update")
        if (doc["id_project"], "request.close") in self.by_event:
            history = sorted((m.now() for m in conversation.messages), key=lambda m: m["updatedAt"])
            self.emit_request(conversation, "request.close", extra={"messages": history})
        self.system_message(conversation, "Chat closed", {
            "subtype": "info/support", "updateconversation": False, "messagelabel": {"key": "CHAT_CLOSED"}})

    def reopen(self, conversation):
        doc = conversation.doc
        if doc["status"] != 1000:
            return
        doc["status"] = 200 if doc["participants"] else 100
        self.touch(conversation)
        self.emit_request(conversation, "request.update", references=False)
        self.system_message(conversation, "Chat re-opened", {
            "subtype": "info/support", "updateconversation": False, "messagelabel": {"key": "CHAT_REOPENED"}})

    def delete(self, conversation):
        """Messages too; nobody is told."""
        for message in conversation.messages:
            self.messages.pop(message.doc["_id"], None)
        del self.requests[conversation.doc["request_id"]]
        self.serial += 1
        self.deleted.append(conversation.doc["request_id"])

    def substitute(self, project, text):
        labels = self.projects[project]["_labels"]
        return re.sub(r"\$\{(\w+)\}", lambda m: labels.get(m.group(1), m.group(0)), text)

    # -- posting -------------------------------------------------------------------------------------------

    def by_relay(self, actor):
        """The relay's own writing: its account, or a person or subscription token made from a secret it holds."""
        return actor.id == RELAY or actor.kind == "subscription" or (
            actor.kind == "guest" and "/subscriptions/" in str(actor.claims.get("aud")))

    async def post_message(self, request):
        project, request_id = request.args
        body, actor = request.json, request.actor
        if not isinstance(body, dict):
            body = {}
        text = body.get("text")
        if text is not None and not isinstance(text, str):
            raise Hang
        kind = body.get("type")
        metadata = body.get("metadata")
        if kind == "file" and isinstance(metadata, dict) and not isinstance(metadata.get("type"), str):
            raise Hang
        status = body.get("status")
        if status is not None and (isinstance(status, bool) or not isinstance(status, (int, float))):
            msg(500, "Error creating message", err={})
        channel = body.get("channel")
        if channel is not None and not (isinstance(channel, dict) and isinstance(channel.get("name"), str)):
            msg(500, "Error creating message", err={"errors": {"channel": {}}, "_message": "message validation failed"})
        attributes = body.get("attributes")
        if isinstance(attributes, dict):
            if attributes.get("templateProcessor") is True and text:
                text = self.template(text)
            if attributes.get("microlanguage") is True and text is not None:
                body = dict(body, attributes=self.microlanguage(text))
        if text and "${" in text:
            text = self.substitute(project, text)
        sender = body.get("sender") or actor.id
        relayed = self.by_relay(actor)
        conversation = self.requests.get(request_id)
        if conversation and conversation.doc["id_project"] != project:
            raise Hang
        if conversation is None:
            conversation, message, task = await self.first_message(request, project, request_id, body, text, sender,
                                                                   relayed)
        else:
            fullname = body.get("senderFullname") or actor.fullname
            message, task = self.add_message(project, conversation, request_id, sender, fullname, text, body, sender,
                                             relayed)
        echo = self.mode.echo
        if task is not None:
            if echo == "first":
                await asyncio.wait([task], timeout=10)
            elif echo == "normal" and self.random.random() < 0.5:
                await asyncio.sleep(0.003)      # the callback is often there before the answer
        return answer_json(dict(message.doc, request=self.computed(conversation)))

    async def first_message(self, request, project, request_id, body, text, sender, relayed):
        actor = request.actor
        if not text and body.get("type") in (None, "", "text"):
            refuse(422, {"errors": ["text field is required"]})
        if actor.kind == "subscription" and not body.get("sender"):
            self.add_lead(project, actor.id, "Guest")
            raise Hang
        if body.get("participants") is not None and not isinstance(body["participants"], list):
            raise Hang
        requester = self.members.get((project, sender))
        if requester is None or (is_object_id(sender) and not requester.get("id_user")):
            msg(403, "Unauthorized. Project_user not found with user id  : " + sender)
        if body.get("sender") and body["sender"] != actor.id:
            account = self.accounts.get(sender)
            lead = self.find_lead(project, sender)
            fullname = ("%s %s" % (account["firstname"], account["lastname"]) if account
                        else lead["fullname"] if lead else actor.fullname)
        else:
            fullname = body.get("senderFullname") or actor.fullname
        lead = self.lead_for(project, sender, actor, body)
        if request_id in self.creating:
            msg(500, "Error creating request", err={"code": 11000})
        if not text:
            msg(500, "Error creating request", err={})
        if self.quota and len(self.requests) >= self.quota:
            msg(500, "Error creating request", err={})
        self.creating.add(request_id)
        try:
            if self.first_seconds:
                await asyncio.sleep(self.first_seconds)
            channel = body.get("channel") or {"name": "chat21"}
            conversation = self.add_request(project, request_id, lead, requester, actor.id, body, text, channel)
        finally:
            self.creating.discard(request_id)
        message, task = self.add_message(project, conversation, request_id, sender, fullname, text, body, actor.id,
                                         relayed)
        if conversation.doc["participantsAgents"] and not body.get("participants"):
            self.tell_operators(conversation, conversation.doc["participantsAgents"])
        return conversation, message, task

    def template(self, text):
        """Handlebars, as much of it as decides between an answer and none."""
        if text.count("{{") != text.count("}}"):
            raise Hang
        return re.sub(r"\{\{[^}]*\}\}", "", text)

    @staticmethod
    def microlanguage(text):
        buttons = [{"type": "text", "value": line[2:].strip()} for line in text.split("\n") if line.startswith("* ")]
        return {"attachment": {"type": "template", "buttons": buttons}} if buttons else {}

    def post_many(self, request):
        project, request_id = request.args
        conversation = self.requests.get(request_id)
        if not isinstance(request.json, list):
            raise Hang
        if conversation is None:
            msg(404, "Request doesn't exist.", err=None)
        stored = []
        items = [i if isinstance(i, dict) else {} for i in request.json]
        for body in items:
            sender = body.get("sender") or request.actor.id
            message, _ = self.add_message(project, conversation, request_id, sender,
                                          body.get("senderFullname") or request.actor.fullname, body.get("text"),
                                          body, sender, self.by_relay(request.actor))
            message.doc["createdAt"] = stored[0]["createdAt"] if stored else message.doc["createdAt"]
            stored.append(message.doc)
        return answer_json(stored)

    def post_direct(self, request):
        body = request.json if isinstance(request.json, dict) else {}
        for field in ("recipient", "recipientFullname"):
            if not body.get(field):
                refuse(422, {"errors": [{"msg": "Invalid value", "param": field, "location": "body"}]})
        sender = body.get("sender") or request.actor.id
        message, _ = self.add_message(request.project, None, body["recipient"], sender,
                                      body.get("senderFullname") or request.actor.fullname, body.get("text"), body,
                                      sender, self.by_relay(request.actor))
        message.doc["recipientFullname"] = body["recipientFullname"]
        return answer_json(message.doc)

    # -- reading -------------------------------------------------------------------------------------------

    def get_messages(self, request):
        conversation = self.requests.get(request.args[1])
        if conversation is None:
            return answer_json([])
        return answer_json([m.now() for m in conversation.messages])

    def get_message(self, request):
        id = request.args[2]
        if not is_object_id(id):
            msg(500, "Error getting object.", err={})
        message = self.messages.get(id)
        if message is None:
            msg(404, "Object not found.")
        return answer_json(message.now())

    def get_public_messages(self, request):
        conversation = self.requests.get(request.args[0])
        return answer_json([m.now() for m in conversation.messages] if conversation else [])

    def get_project_messages(self, request):
        query = request.query
        limit = int(query.get("limit") or 10)
        limit = 10 if limit > 50 else limit
        skip = int(query.get("page") or 0) * limit
        mine = [m for m in self.messages.values() if m.doc["id_project"] == request.project]
        return answer_json([m.now() for m in mine[::-1][skip:skip + limit]])

    def conversation(self, request, missing=None):
        conversation = self.requests.get(request.args[1])
        if conversation is None or conversation.doc["id_project"] != request.project:
            if missing:
                raise Refuse(missing)
            msg(404, "Request not found")
        return conversation

    def shown(self, conversation):
        self.refresh_last(conversation)
        return answer_json(self.computed(conversation))

    @staticmethod
    def refresh_last(conversation):
        if len(conversation.messages) > 1:
            conversation.messages[-1].now()

    def get_request(self, request):
        conversation = self.requests.get(request.args[1])
        if conversation is None or conversation.doc["id_project"] != request.project:
            msg(404, "Object not found.")
        return self.shown(conversation)

    def lookup(self, request):
        conversation = self.requests.get(request.args[0])
        if conversation is None:
            msg(404, "Request not found")
        return answer_json({"id_project": conversation.doc["id_project"]})

    @staticmethod
    def read_date(text, timezone, end):
        """Dates are read in `timezone`, which defaults to Europe/Rome."""
        from datetime import datetime
        from zoneinfo import ZoneInfo
        for pattern in ("%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M",
                        "%d/%m/%Y"):
            try:
                at = datetime.strptime(text, pattern)
            except ValueError:
                continue
            if end and "H" not in pattern:
                at = at.replace(hour=23, minute=59, second=59)
            try:
                zone = ZoneInfo(timezone)
            except Exception:
                zone = ZoneInfo("UTC")
            stamp = at.replace(tzinfo=zone).timestamp()
            return iso(stamp + (0.999 if end else 0))
        return None

    def get_requests(self, request):
        query = request.query
        rows = [c for c in self.requests.values() if c.doc["id_project"] == request.project]
        actor = request.actor
        if not self.is_chief(request) and actor.kind == "user":
            rows = [c for c in rows if actor.id in c.doc["participants"]]
        return self.list_requests(rows, query)

    def get_own_requests(self, request):
        rows = [c for c in self.requests.values() if c.doc["id_project"] == request.project
                and c.doc.get("lead") and c.doc["lead"]["lead_id"] == request.actor.id]
        query = dict(request.query)
        query.setdefault("_own", "1")
        return self.list_requests(rows, query)

    def list_requests(self, rows, query):
        status = query.get("status")
        if status is None:
            if "_own" in query:
                rows = [c for c in rows if c.doc["status"] < 1000]
            else:
                rows = [c for c in rows if c.doc["status"] < 1000 and c.doc["status"] not in (50, 150)]
        elif status != "all":
            wanted = {int(s) for s in status.split(",") if re.match(r"-?\d+\Z", s)}
            if wanted:
                rows = [c for c in rows if c.doc["status"] in wanted]
        if query.get("preflight") != "true":
            rows = [c for c in rows if not c.doc.get("preflight")]
        if query.get("lead") and not is_object_id(query["lead"]):
            msg(500, "Error getting requests.", err={})
        tests = {
            "participant": lambda d, v: v in d["participants"],
            "dept_id": lambda d, v: (d.get("department") or {}).get("_id") == v,
            "lead": lambda d, v: (d.get("lead") or {}).get("_id") == v,
            "snap_lead_lead_id": lambda d, v: d["snapshot"]["lead"]["lead_id"] == v,
            "snap_lead_email": lambda d, v: d["snapshot"]["lead"].get("email") == v,
            "requester_email": lambda d, v: d["snapshot"]["lead"].get("email") == v,
            "ticket_id": lambda d, v: str(d["ticket_id"]) == v,
            "priority": lambda d, v: d["priority"] == v,
            "hasbot": lambda d, v: d["hasBot"] == (v == "true"),
            "tags": lambda d, v: any(t.get("tag") == v for t in d["tags"]),
            "channel": lambda d, v: (d["channel"]["name"] in ("email", "form")) == (v == "offline")
            if v in ("offline", "online") else d["channel"]["name"] == v,
        }
        for key, test in tests.items():
            if query.get(key):
                rows = [c for c in rows if test(c.doc, query[key])]
        field = query.get("filterRangeField") or "createdAt"
        zone = query.get("timezone") or "Europe/Rome"
        for names, end in ((("start_date", "start_date_time"), False), (("end_date", "end_date_time"), True)):
            for name in names:
                if query.get(name):
                    bound = self.read_date(query[name], zone, end)
                    if bound:
                        rows = [c for c in rows if (str(c.doc.get(field)) <= bound if end
                                                    else str(c.doc.get(field)) >= bound)]
        direction = 1 if query.get("direction") in ("1", "asc") else -1
        sort = query.get("sort") or "createdAt"
        rows.sort(key=lambda c: (str(c.doc.get(sort, "")), c.doc["_id"]), reverse=direction < 0)
        count = len(rows)
        try:
            limit = int(query.get("limit", 40))
        except ValueError:
            limit = 40
        if limit > 100 or limit < 0:
            limit = 40
        page = max(int(query["page"]), 0) if query.get("page", "").isdigit() else 0
        if limit:
            rows = rows[page * limit:(page + 1) * limit]
        for row in rows:
            self.refresh_last(row)
        populate = query.get("no_populate") != "true"
        return answer_json({"perPage": limit, "count": 0 if query.get("no_count") == "true" else count,
                            "requests": [self.computed(c, populate) for c in rows]})

    def count_requests(self, request):
        rows = [c.doc for c in self.requests.values() if c.doc["id_project"] == request.project]
        return answer_json({"unassigned": sum(d["status"] == 100 for d in rows),
                            "assigned": sum(d["status"] == 200 and not d["hasBot"] for d in rows),
                            "bot_assigned": sum(d["status"] == 200 and d["hasBot"] for d in rows)})

    # -- changing conversations ----------------------------------------------------------------------------

    def create_request(self, request):
        body, actor = request.json, request.actor
        if not isinstance(body, dict) or not body.get("first_text"):
            refuse(422, {"errors": [{"msg": "Invalid value", "param": "first_text", "location": "body"}]})
        request_id = body.get("request_id") or "support-group-%s-%032x" % (request.project,
                                                                           self.random.getrandbits(128))
        if actor.kind != "user" or actor.account["_super"] or request_id in self.requests:
            msg(500, "Error saving request.", err={})
        sender = body.get("sender") or actor.id
        if (request.project, sender) not in self.members:
            msg(403, "Unauthorized. Project_user not found with user id  : " + sender)
        requester = self.members[request.project, actor.id]     # the caller, whoever `sender` is
        lead = self.find_lead(request.project, sender) or self.add_lead(
            request.project, sender, actor.fullname, body.get("email"),
            attributes=body.get("attributes") if isinstance(body.get("attributes"), dict) else None)
        conversation = self.add_request(request.project, request_id, lead, requester, actor.id, body,
                                        body["first_text"], body.get("channel") or {"name": "chat21"})
        return answer_json(self.computed(conversation, populate=False))

    def patch_request(self, request):
        conversation = self.conversation(request)
        body = request.json if isinstance(request.json, dict) else {}
        doc = conversation.doc
        for key in ("status", "tags", "rating", "rating_message", "sourcePage", "language", "first_text", "subject",
                    "location", "priority", "smartAssignment", "workingStatus"):
            if key in body:
                doc[key] = body[key]
        if body.get("lead") in self.leads:      # another contact's from now on
            doc["lead"] = self.leads[body["lead"]]
        if "channelName" in body:
            doc["channel"] = {"name": body["channelName"]}
        self.touch(conversation)
        self.emit_request(conversation, "request.update")
        return self.shown(conversation)

    def patch_attributes(self, request):
        conversation = self.conversation(request)
        body = request.json if isinstance(request.json, dict) else {}
        attributes = conversation.doc.setdefault("attributes", {})
        attributes.update(body)
        self.touch(conversation)
        self.emit_request(conversation, "request.update")
        return self.shown(conversation)

    def close_request(self, request):
        chief = self.is_chief(request)
        unknown = {"success": False, "msg": "Error closing request", "err": {}}
        conversation = self.conversation(request, answer_json(unknown, 500) if chief else answer_json(
            {"success": False, "msg": "Request not found"}, 404))
        actor = request.actor
        if not chief and actor.kind == "user" and actor.id not in conversation.doc["participants"]:
            refuse(403, {"success": False, "error": "You must be among the participants to close a conversation."})
        self.close(conversation, actor.id)
        return self.shown(conversation)

    def reopen_request(self, request):
        conversation = self.conversation(request)
        self.reopen(conversation)
        return self.shown(conversation)

    def add_participant(self, request):
        conversation = self.conversation(request)
        member = (request.json if isinstance(request.json, dict) else {}).get("member")
        doc = conversation.doc
        if isinstance(member, str) and member not in doc["participants"]:
            known = member.startswith("bot_") and member[4:] in self.bots or member in self.accounts
            human = not member.startswith("bot_")
            kept = [p for p in doc["participants"] if not (human and p.startswith("bot_"))]
            self.set_participants(conversation, kept + [member])
            doc["status"] = 200 if doc["status"] < 200 else doc["status"]
            doc["__v"] += 1
            self.touch(conversation)
            self.emit_request(conversation, "request.update")
            if human and known:
                self.tell_operators(conversation, [member])
            if not known:
                msg(500, "Error adding participant", err={})     # and yet it is in
        return self.shown(conversation)

    def put_participants(self, request):
        if not isinstance(request.json, list):
            raise Hang
        conversation = self.conversation(request)
        if conversation.doc["channel"]["name"] in ("email", "form") and len(request.json) > 1:
            msg(500, "Error setting participants", err={})
        self.set_participants(conversation, [str(p) for p in request.json])
        conversation.doc["__v"] += 1
        self.touch(conversation)
        self.emit_request(conversation, "request.update")
        return self.shown(conversation)

    def remove_participant(self, request):
        conversation = self.conversation(request)
        member = request.args[2]
        if member not in conversation.doc["participants"]:
            msg(400, "Error removing participant", err={})
        self.set_participants(conversation, [p for p in conversation.doc["participants"] if p != member])
        if not conversation.doc["participants"] and conversation.doc["status"] == 200:
            conversation.doc["status"] = 100
        self.touch(conversation)
        self.emit_request(conversation, "request.update")
        return self.shown(conversation)

    def post_file(self, request):
        """Machines hang; an account or a person is answered."""
        if request.actor.kind in ("subscription", "bot"):
            raise Hang
        return self.files.upload(request)

    def secret_key(self):
        return "uploads/public/%s" % self.uuid()

    def hang(self, request):
        raise Hang

    def hand_to_human(self, request):
        conversation = self.conversation(request)
        self.to_human(conversation)
        return self.shown(conversation)

    def put_department(self, request):
        """Routed again: to the department's people, its bot only where that is not ruled out."""
        conversation = self.conversation(request)
        body = request.json if isinstance(request.json, dict) else {}
        department = self.departments.get(body.get("departmentid"))
        if department is None:
            msg(500, "Error routing request", err={})
        conversation.doc["department"] = department
        self.touch(conversation)
        self.emit_request(conversation, "request.update")
        return self.shown(conversation)

    def put_tags(self, request):
        conversation = self.conversation(request)
        tags = request.json if isinstance(request.json, list) else []
        conversation.doc["tags"] += [{"_id": self.oid(), "tag": t.get("tag"), "color": t.get("color")}
                                     for t in tags if isinstance(t, dict)]
        self.touch(conversation)
        self.emit_request(conversation, "request.update")
        return self.shown(conversation)

    def delete_tag(self, request):
        conversation = self.conversation(request)
        conversation.doc["tags"] = [t for t in conversation.doc["tags"] if t["_id"] != request.args[2]]
        self.touch(conversation)
        self.emit_request(conversation, "request.update")
        return self.shown(conversation)

    def add_note(self, request):
        if request.actor.kind != "user":
            raise Hang
        conversation = self.conversation(request)
        text = (request.json if isinstance(request.json, dict) else {}).get("text")
        if not text or not str(text).strip():
            refuse(400, {"success": False, "error": "Cannot create a note with empty text"})
        if not self.is_chief(request) and request.actor.id not in conversation.doc["participants"]:
            refuse(403, {"success": False, "error": "You are not participating in the conversation"})
        at = iso()
        conversation.doc["notes"].append({"_id": self.oid(), "text": text, "createdBy": request.actor.id,
                                          "createdAt": at, "updatedAt": at})
        self.touch(conversation)
        self.emit_request(conversation, "request.update")
        return self.shown(conversation)

    def delete_request(self, request):
        conversation = self.conversation(request)
        self.delete(conversation)
        return answer_json(self.computed(conversation))

    # -- contacts ------------------------------------------------------------------------------------------

    def create_lead(self, request):
        body = request.json if isinstance(request.json, dict) else {}
        return answer_json(self.add_lead(request.project, body.get("lead_id") or self.uuid(), body.get("fullname"),
                                         body.get("email"), None, body.get("attributes"), request.actor.id))

    def list_leads(self, request):
        query = request.query
        rows = [d for d in self.leads.values() if d.get("id_project") == request.project and d["status"] == 100]
        if query.get("email"):
            rows = [d for d in rows if d.get("email") == query["email"]]
        rows.sort(key=lambda d: (str(d.get(query.get("sort") or "createdAt", "")), d["_id"]),
                  reverse=query.get("direction") not in ("1", "asc"))
        limit = int(query.get("limit") or 40)
        page = int(query.get("page") or 0)
        return answer_json({"perPage": limit, "count": len(rows), "leads": rows[page * limit:(page + 1) * limit]})

    def find_lead_by_id(self, request):
        id = request.args[1]
        if not is_object_id(id):
            msg(500, "Error getting object.", err={})
        lead = self.leads.get(id)
        if lead is None:
            msg(404, "Object not found.")
        return lead

    def get_lead(self, request):
        return answer_json(self.find_lead_by_id(request))

    def put_lead(self, request):
        body = request.json if isinstance(request.json, dict) else {}
        id = request.args[1]
        if not is_object_id(id):
            msg(500, "Error updating object.", err={})
        lead = self.leads.get(id)
        if lead is None:       # made on the spot, without a project
            at = iso()
            lead = self.leads[id] = {"tags": [], "status": 100, "_id": id, "createdAt": at, "updatedAt": at, "__v": 0}
        for key in ("fullname", "email", "attributes", "status", "phone", "company", "note", "streetAddress", "city",
                    "region", "zipcode", "country", "tags"):
            if key in body:
                lead[key] = body[key]
        lead["updatedAt"] = iso()
        return answer_json(lead)

    def patch_lead_bag(self, request):
        lead = self.find_lead_by_id(request)
        bag = request.route.rsplit("/", 1)[1]
        lead[bag] = dict(lead.get(bag) or {}, **(request.json if isinstance(request.json, dict) else {}))
        lead["updatedAt"] = iso()
        return answer_json(lead)

    def delete_lead(self, request):
        lead = self.find_lead_by_id(request)
        lead["status"] = 1000
        return answer_json(lead)

    # -- team ----------------------------------------------------------------------------------------------

    def project_shown(self, id):
        return {k: v for k, v in self.projects[id].items() if k not in ("_jwt_secret", "_labels")}

    def list_projects(self, request):
        actor = request.actor
        rows = [dict(m, id_project=self.project_shown(m["id_project"])) for m in self.members.values()
                if m.get("id_user") == actor.id and m["id_project"] in self.projects]
        return answer_json(rows)

    def get_project(self, request):
        return answer_json(self.project_shown(request.args[0]))

    def member_shown(self, member):
        return dict(member, id_user=self.account(member["id_user"]), id=member["_id"], isAuthenticated=True,
                    presence={"status": "offline", "changedAt": BEGAN}, isBusy=False)

    def list_members(self, request):
        rows = [m for m in self.members.values() if m["id_project"] == request.project and m.get("id_user")]
        if request.query.get("role"):
            roles = request.query["role"].split(",")
            rows = [m for m in rows if m["role"] in roles]
        return answer_json([self.member_shown(m) for m in rows])

    def get_member(self, request):
        member = self.members.get((request.project, request.args[1]))
        if member is None:
            msg(404, "Object not found.")
        return answer_json([self.member_shown(member) if member.get("id_user") else member])

    def search_member(self, request):
        email = request.query.get("email", "").lower()
        for account in self.accounts.values():
            if account["email"] == email:
                return answer_json({"_id": account["_id"]})
        msg(404, "Object not found.")

    def list_departments(self, request):
        rows = [dict(d, hasBot=bool(d.get("id_bot")), id=d["_id"]) for d in self.departments.values()
                if d["id_project"] == request.project]
        return answer_json(rows)

    def get_department(self, request):
        found = self.departments.get(request.args[1])
        if found is None:
            msg(404, "Object not found.")
        return answer_json(found)

    def post_event(self, request):
        body = request.json if isinstance(request.json, dict) else {}
        at = iso()
        event = {"status": "stardard", "_id": self.oid(), "name": body.get("name"),
                 "attributes": body.get("attributes"), "id_project": request.project,
                 "project_user": self.members.get((request.project, request.actor.id)),
                 "createdBy": request.actor.id, "createdAt": at, "updatedAt": at, "__v": 0}
        event["id"] = event["_id"]
        text = to_json(event)
        self.emit(request.project, "event.emit", text)
        self.emit(request.project, "event.emit.%s" % event["name"], text)
        return answer_json(event)

    # -- subscriptions -------------------------------------------------------------------------------------

    @staticmethod
    def without_secret(doc):
        return {k: v for k, v in doc.items() if k not in ("secret", "_tail")}

    def create_subscription(self, request):
        body = request.json if isinstance(request.json, dict) else {}
        event, target = body.get("event"), body.get("target")
        if not event or not target:
            msg(500, "Error saving object.", err={})
        same = [d for d in self.subscriptions.values() if d["id_project"] == request.project and d["event"] == event]
        if any(d["target"] == target for d in same):
            doc = same[0]       # an existing one of that event, chosen without regard to the target
        else:
            doc = self.add_subscription(request.project, event, target, request.actor.id)
        answer = answer_json({k: v for k, v in doc.items() if k != "_tail"})
        answer.headers = {"x-hook-secret": doc["secret"]}
        return answer

    def list_subscriptions(self, request):
        return answer_json([self.without_secret(d) for d in self.subscriptions.values()
                            if d["id_project"] == request.project])

    def get_subscription(self, request):
        doc = self.subscriptions.get(request.args[1])
        if doc is None:
            msg(404, "Object not found.")
        return answer_json(self.without_secret(doc))

    def put_subscription(self, request):
        id = request.args[1]
        doc = self.subscriptions.get(id)
        if doc is None:       # a broken record: no project, no event
            doc = self.subscriptions[id] = {"secret": self.default_secret, "_id": id, "global": False, "target": "",
                                            "event": None, "id_project": None, "__v": 0}
        if isinstance(request.json, dict):
            doc.update({k: v for k, v in request.json.items() if k not in ("_id", "_tail")})
        doc.pop("_tail", None)
        doc["updatedAt"] = iso()
        self.index_subscriptions()
        return answer_json(self.without_secret(doc))

    def delete_subscription(self, request):
        doc = self.subscriptions.pop(request.args[1], None)
        self.index_subscriptions()
        return answer_json(self.without_secret(doc) if doc else None)

    # -- table of routes -----------------------------------------------------------------------------------

    def add_routes(self):
        add = self.routes.add

        def free(method, path, handler, **extra):
            add(method, path, handler, project=False, **extra)

        free("POST", "/auth/signin", self.sign_in)
        free("POST", "/auth/signinAnonymously", self.sign_in_anonymously)
        free("POST", "/auth/signinWithCustomToken", self.sign_in_custom)
        free("GET", "/projects", self.list_projects, role="guest")
        free("GET", "/public/requests/:id/messages", self.get_public_messages)
        free("GET", "/requests_util/lookup/id_project/:id", self.lookup)

        one = "/:p/requests/:id"
        add("POST", one + "/messages", self.post_message, role="guest")
        add("GET", one + "/messages", self.get_messages, role="guest")
        add("POST", one + "/messages/multi", self.post_many, role="guest")
        add("GET", one + "/messages/:mid", self.get_message, role="guest")
        add("GET", "/:p/messages", self.get_project_messages, role="owner", machines=False)
        add("POST", "/:p/messages", self.post_direct, role="agent")
        add("GET", "/:p/requests", self.get_requests, role="agent")
        add("GET", "/:p/requests/me", self.get_own_requests, role="guest")
        add("GET", "/:p/requests/count", self.count_requests, role="agent")
        add("POST", "/:p/requests", self.create_request, role="agent")
        add("GET", one, self.get_request, role="agent")
        add("PATCH", one, self.patch_request, role="agent")
        add("DELETE", one, self.delete_request, role="owner", machines=False)
        add("PATCH", one + "/attributes", self.patch_attributes, role="agent")
        add("PUT", one + "/close", self.close_request, role="agent")
        add("PUT", one + "/closeg", self.close_request, role="guest")
        add("PUT", one + "/reopen", self.reopen_request, role="agent")
        add("POST", one + "/participants", self.add_participant, role="agent")
        add("PUT", one + "/participants", self.put_participants, role="agent")
        add("DELETE", one + "/participants/:member", self.remove_participant, role="agent")
        add("PUT", one + "/assignee", self.hang, role="agent")
        add("PUT", one + "/agent", self.hand_to_human, role="agent")
        add("PUT", one + "/departments", self.put_department, role="agent")
        add("PUT", one + "/assign", self.put_department, role="agent")
        add("PUT", one + "/tag", self.put_tags, role="agent")
        add("DELETE", one + "/tag/:tag", self.delete_tag, role="agent")
        add("POST", one + "/notes", self.add_note, role="agent")

        add("POST", "/:p/leads", self.create_lead, role="agent")
        add("GET", "/:p/leads", self.list_leads, role="agent")
        add("GET", "/:p/leads/:id", self.get_lead, role="agent")
        add("PUT", "/:p/leads/:id", self.put_lead, role="agent")
        add("PATCH", "/:p/leads/:id/attributes", self.patch_lead_bag, role="agent")
        add("PATCH", "/:p/leads/:id/properties", self.patch_lead_bag, role="agent")
        add("DELETE", "/:p/leads/:id", self.delete_lead, role="agent")

        add("GET", "/:p/project_users", self.list_members, role="agent")
        add("GET", "/:p/project_users/users/search", self.search_member, role="agent")
        add("GET", "/:p/project_users/users/:id", self.get_member, role="agent")
        add("GET", "/:p/departments", self.list_departments)
        add("GET", "/:p/departments/allstatus", self.list_departments, role="agent")
        add("GET", "/:p/departments/:id", self.get_department)
        add("POST", "/:p/events", self.post_event, role="guest")
        add("POST", "/:p/keys/generate", self.generate_keys, role="agent")
        add("POST", "/:p/files/chat", self.post_file, role="guest")
        free("GET", "/files", self.files.serve)
        free("GET", "/files/download", self.files.serve)

        add("POST", "/:p/subscriptions", self.create_subscription, role="admin", machines=False)
        add("GET", "/:p/subscriptions", self.list_subscriptions, role="admin", machines=False)
        add("GET", "/:p/subscriptions/:id", self.get_subscription, role="admin", machines=False)
        add("PUT", "/:p/subscriptions/:id", self.put_subscription, role="admin", machines=False)
        add("DELETE", "/:p/subscriptions/:id", self.delete_subscription, role="admin", machines=False)

        def project(request):
            self.find_project(request, request.args[0])
            return self.get_project(request)
        free("GET", "/projects/:p", project, role="guest")

    # -- people in the sandbox -----------------------------------------------------------------------------

    async def say_customer(self, person, text, conversation=None, name=None, email=None, department=None,
                           channel="whatsapp", attributes=None, new=False, file=None, type=None):
        """A customer writes, through a channel of Smartify's own; his newest open conversation unless told."""
        if (PROJECT, person) not in self.members:
            self.add_member(PROJECT, "user", uuid_user=person)
        claims = {"_id": person, "firstname": name or person, "lastname": "", "sub": "userexternal",
                  "aud": "https://tiledesk.com/projects/" + PROJECT}
        lead = self.find_lead(PROJECT, person)
        if lead and email is None:
            email = lead.get("email")
        if email:
            claims["email"] = email
        actor = Actor("guest", person, claims)
        fullname = name or (lead and lead["fullname"]) or person
        if conversation is None and not new:
            mine = [c for c in self.requests.values() if c.doc.get("lead") and c.doc["lead"]["lead_id"] == person
                    and c.doc["status"] < 1000]
            conversation = mine[-1].doc["request_id"] if mine else None
        if conversation is None:
            self.serial += 1
            conversation = "support-group-%s-%08x-%s" % (PROJECT, self.random.getrandbits(32), person)
        body = {"channel": {"name": channel}, "senderFullname": fullname, "type": type}
        if attributes is not None:
            body["attributes"] = attributes
        text = self.with_file(body, text, file)
        found = self.requests.get(conversation)
        if found is None:
            if department:
                body["departmentid"] = department
            requester = self.members[PROJECT, person]
            if lead is None:
                lead = self.add_lead(PROJECT, person, fullname, email)
            found = self.add_request(PROJECT, conversation, lead, requester, actor.id, body, text, body["channel"])
            message, task = self.add_message(PROJECT, found, conversation, person, fullname, text, body, person,
                                             origin="control")
            if found.doc["participantsAgents"]:
                self.tell_operators(found, found.doc["participantsAgents"])
        else:
            message, task = self.add_message(PROJECT, found, conversation, person, fullname, text, body, person,
                                             origin="control")
        return {"conversation": conversation, "_id": found.doc["_id"], "message": message.doc["_id"],
                "person": person}, task

    def with_file(self, body, text, file):
        """The body of a message that bears it; what its text is then."""
        if file is None:
            return text
        kept = dict(file, type=file.get("type", "application/octet-stream"), name=file.get("name", "file")) \
            if "url" in file else self.files.add(read_spec(file))
        more, text = self.files.message(kept, text)
        body.update(more)
        body.update(file.get("body") or {})
        return text

    async def say_team(self, conversation, text, role="agent", agent=PRIYA, subtype=None, attributes=None,
                       file=None, type=None):
        """An agent types in the panel (or the bot answers, or the system says something)."""
        found = self.requests.get(conversation)
        if found is None:
            refuse(404, {"error": "no such conversation: %s" % conversation})
        body = {"status": 200, "metadata": ""}
        if role == "bot":
            sender, fullname, body = "bot_" + BOT, self.bots[BOT]["name"], {}
        elif role == "system":
            sender, fullname, body = "system", "Bot", {}
        else:
            sender, fullname = agent, self.accounts[agent]["firstname"]
            body["attributes"] = {"client": "Mozilla/5.0", "sourcePage": "https://panel.northwind.example/chat/",
                                  "lang": "en", "tempUID": self.uuid(), "request_channel": found.doc["channel"]["name"]}
        if subtype:
            body["attributes"] = dict(body.get("attributes") or {}, subtype=subtype)
        if attributes:
            body["attributes"] = dict(body.get("attributes") or {}, **attributes)
        body["type"] = type
        text = self.with_file(body, text, file)
        message, task = self.add_message(PROJECT, found, conversation, sender, fullname, text, body, sender,
                                         origin="control")
        return {"conversation": conversation, "_id": found.doc["_id"], "message": message.doc["_id"]}, task
