"""What both fakes share: one HTTP request in, one answer out, and the faults between.

Each fake is an object derived from Platform. It fills in a table of routes; a handler gets a Request and returns an
Answer (it may be a coroutine). Routing is a look-up by method and number of path segments instead of aiohttp's
own router, because a load run sends a quarter of a million requests through here and that router tries its
regular expressions one after the other.

Faults are decided here, before and after the handler, so that "stored but the answer was lost" is exactly that:
the handler has run, the client never hears of it.
"""

import asyncio
import codecs
import json
import re
import socket
import struct
import time
from collections import Counter, deque
from urllib.parse import parse_qsl, unquote

from aiohttp import web

MAX_BODY = 64 * 1024 * 1024


def _surrogate_as_escape(error):
    """An unpaired surrogate has no UTF-8 form; like JavaScript's encoder, write it as an escape."""
    bad = error.object[error.start:error.end]
    return "".join("\\u%04x" % ord(c) for c in bad), error.end


codecs.register_error("jsonescape", _surrogate_as_escape)
_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)


def to_json(value):
    """JSON as text: raw UTF-8, no blanks, the way both platforms write it."""
    return _encoder.encode(value)


def to_bytes(text):
    return text.encode("utf-8", "jsonescape")


def _no_constant(name):
    raise ValueError(name)


def from_json(text):
    """Strict JSON: Python alone would also take NaN and Infinity."""
    return json.loads(text, parse_constant=_no_constant)


_second, _second_text = 0, ""


def iso(at=None):
    """2026-03-05T09:23:10.178Z. The part down to the second is kept, since many stamps share it."""
    global _second, _second_text
    if at is None:
        at = time.time()
    whole = int(at)
    if whole != _second:
        _second, _second_text = whole, time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(whole))
    return "%s%03dZ" % (_second_text, int((at - whole) * 1000))


class Answer:
    __slots__ = ("status", "body", "type", "headers", "chunked")

    def __init__(self, status, body=b"", type="application/json; charset=utf-8", headers=None, chunked=False):
        self.status = status
        self.body = body
        self.type = type
        self.headers = headers
        self.chunked = chunked


def answer_json(value, status=200):
    return Answer(status, to_bytes(to_json(value)))


class Refuse(Exception):
    """Raised anywhere in a handler: answer this instead."""

    def __init__(self, answer):
        super().__init__(answer.status)
        self.answer = answer


class Hang(Exception):
    """Raised in a handler that would have crashed silently on the real server: the client waits for ever."""


class Request:
    __slots__ = ("method", "path", "segments", "query_text", "headers", "body", "transport", "remote", "args",
                 "json", "actor", "project", "route", "_query")

    def __init__(self, raw, body):
        self.method = raw.method
        self.path = raw.raw_path
        path, _, self.query_text = self.path.partition("?")
        self.segments = [unquote(s) if "%" in s else s for s in path.split("/") if s]
        self.headers = raw.headers
        self.body = body
        self.transport = raw.transport
        self.remote = raw.remote
        self.args = ()
        self.json = None
        self.actor = None
        self.project = None
        self.route = ""
        self._query = None

    @property
    def query(self):
        if self._query is None:
            self._query = dict(parse_qsl(self.query_text, keep_blank_values=True)) if self.query_text else {}
        return self._query


class Routes:
    """Templates like "/:p/requests/:id/messages". A literal segment wins over a ":name" at the same place."""

    def __init__(self):
        self.table = {}

    def add(self, method, template, handler, **extra):
        parts = [p for p in template.split("/") if p]
        names = [(i, p) for i, p in enumerate(parts) if not p.startswith(":")]
        holes = [i for i, p in enumerate(parts) if p.startswith(":")]
        entry = (names, holes, handler, method + " " + template, extra)
        rows = self.table.setdefault((method, len(parts)), [])
        rows.append(entry)
        rows.sort(key=lambda row: -len(row[0]))

    def find(self, method, segments):
        for names, holes, handler, title, extra in self.table.get((method, len(segments)), ()):
            for i, name in names:
                if segments[i] != name:
                    break
            else:
                return handler, [segments[i] for i in holes], title, extra
        return None


class Rule:
    """One fault. It fires on the matches nth, nth+1 … nth+count-1; count 0 means for ever."""

    ACTIONS = ("drop_request", "drop_answer", "reset_after", "reset", "delay", "status", "status_after_commit",
               "truncate", "html", "late_commit", "hang", "hang_after")

    def __init__(self, spec):
        self.platform = spec.get("platform")
        self.method = spec.get("method")
        self.path = re.compile(spec.get("path", ""))
        self.nth = int(spec.get("nth", 1))
        self.count = int(spec.get("count", 1))
        self.action = spec["action"]
        if self.action not in self.ACTIONS:
            raise ValueError("unknown action %r, known: %s" % (self.action, " ".join(self.ACTIONS)))
        self.status = int(spec.get("status", 500))
        self.body = spec.get("body")
        self.headers = spec.get("headers") or {}
        self.seconds = float(spec.get("seconds", 5))
        self.hits = 0
        self.fired = 0
        self.spec = spec

    def show(self):
        return dict(self.spec, hits=self.hits, fired=self.fired)


class Faults:
    def __init__(self):
        self.rules = []

    def match(self, platform, method, path):
        """Every rule counts every request that fits it; the first one due fires."""
        due = None
        for rule in self.rules:
            if rule.platform not in (None, platform) or rule.method not in (None, method):
                continue
            if not rule.path.search(path):
                continue
            rule.hits += 1
            if due is None and rule.hits >= rule.nth and (rule.count == 0 or rule.hits < rule.nth + rule.count):
                due = rule
        if due:
            due.fired += 1
        return due


class Log:
    """The newest requests in full, and counts of all of them."""

    def __init__(self):
        self.newest = deque(maxlen=5000)
        self.counts = Counter()
        self.file = None

    def note(self, platform, request, status, fault=None):
        route = "%s %s" % (platform, request.route or request.method + " (no route)")
        self.counts[route] += 1
        self.newest.append((time.time(), platform, request.method, request.path, status, fault))
        if self.file:
            self.file.write("%s %s %s %s %s%s\n" % (iso(), platform, request.method, request.path, status,
                                                    " fault=" + fault if fault else ""))

    def clear(self):
        self.newest.clear()
        self.counts.clear()


HTML_ERROR = ("<html>\r\n<head><title>%d %s</title></head>\r\n<body>\r\n<center><h1>%d %s</h1></center>\r\n"
              "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n")


class Platform:
    name = ""
    keep_alive_seconds = 75
    may_fail = True      # faults apply; not to the control port
    fixed_headers = {}
    base = None

    def __init__(self, faults, log):
        self.routes = Routes()
        self.faults = faults
        self.log = log
        self.runner = None
        self.tasks = set()

    # -- to be filled in by the fakes ----------------------------------------------------------------------

    async def respond(self, request):
        raise NotImplementedError

    # -- serving -------------------------------------------------------------------------------------------

    async def start(self, host, port):
        loop = asyncio.get_running_loop()

        def make(message, payload, protocol, writer, task):
            return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=MAX_BODY)

        server = web.Server(self._serve, request_factory=make, access_log=None,
                            keepalive_timeout=self.keep_alive_seconds)
        self.runner = web.ServerRunner(server)
        await self.runner.setup()
        await web.TCPSite(self.runner, host, port, backlog=1024, shutdown_timeout=0.2).start()
        if host not in ("0.0.0.0", "::"):
            self.set_base("%s:%d" % (host, self.runner.addresses[0][1]))
        return self.runner.addresses[0][1]

    def set_base(self, host):
        """How it is reached, for addresses that it tells: as the first who asks calls it, where it listens everywhere."""
        self.base = "http://%s%s" % (host, getattr(self, "prefix", ""))

    async def stop(self):
        for task in list(self.tasks):
            task.cancel()
        if self.runner:
            await self.runner.cleanup()

    def later(self, coroutine):
        """Run beside the request that caused it. The set keeps the task from being collected half way."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    async def _serve(self, raw):
        request = Request(raw, await raw.read())
        if self.base is None:
            self.set_base(raw.host)
        rule = None
        if self.faults.rules and self.may_fail:
            rule = self.faults.match(self.name, request.method, request.path)
        if rule:
            return await self._faulty(rule, request)
        answer = await self._answer(request)
        self.log.note(self.name, request, answer.status if answer else 0)
        if answer is None:
            return await self._never(request)
        return self._response(answer)

    async def _answer(self, request):
        try:
            return await self.respond(request)
        except Refuse as refusal:
            return refusal.answer
        except Hang:
            return None

    def _response(self, answer):
        headers = dict(self.fixed_headers)
        headers["Content-Type"] = answer.type
        if answer.headers:
            headers.update(answer.headers)
        response = web.Response(status=answer.status, body=answer.body, headers=headers)
        if answer.chunked:
            response.enable_chunked_encoding()
        return response

    async def _never(self, request):
        """Wait until the client has had enough."""
        while not request.transport.is_closing():
            await asyncio.sleep(0.2)
        return web.Response()

    def _cut(self, request, reset=False):
        """Close without an answer: orderly, or with a reset (a close with unsent data thrown away)."""
        transport = request.transport
        if reset:
            sock = transport.get_extra_info("socket")
            if sock is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort() if reset else transport.close()
        return web.Response()

    async def _faulty(self, rule, request):
        action = rule.action
        if action in ("drop_request", "reset", "status", "html", "hang", "late_commit"):
            answer = None
        else:
            if action == "delay":
                await asyncio.sleep(rule.seconds)
            answer = await self._answer(request)
        self.log.note(self.name, request, answer.status if answer else 0, action)
        if action in ("drop_request", "drop_answer"):
            return self._cut(request)
        if action in ("reset", "reset_after"):
            return self._cut(request, reset=True)
        if action in ("status", "status_after_commit"):
            body = rule.body if rule.body is not None else ""
            body = to_bytes(body if isinstance(body, str) else to_json(body))
            headers = dict(rule.headers)
            kind = headers.pop("Content-Type", None) or ("application/json; charset=utf-8" if body[:1] in b"{["
                                                         and body else "text/plain")
            return self._response(Answer(rule.status, body, kind, headers))
        if action == "html":
            text = rule.body or HTML_ERROR % (rule.status, "Error", rule.status, "Error")
            return self._response(Answer(rule.status, to_bytes(text), "text/html", rule.headers))
        if action == "late_commit":
            # The server gave up on the client, not on the work: the write appears after everybody has looked.
            async def commit():
                await asyncio.sleep(rule.seconds)
                await self._answer(request)
            self.later(commit())
            return self._cut(request)
        if action in ("hang", "hang_after") or answer is None:
            return await self._never(request)
        if action == "truncate":
            head = "HTTP/1.1 %d OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n" % (
                answer.status, answer.type, max(len(answer.body), 2))
            request.transport.write(head.encode() + answer.body[:len(answer.body) // 2])
            return self._cut(request)
        return self._response(answer)
