"""Sends callbacks: the small HTTP client both fakes use, and what each of them does when one fails.

The client speaks just enough HTTP/1.1 to post a JSON body and read a status. It is written on bare asyncio
transports: a third of all requests of a load run leave through here.

Smartify tries three times (at once, after 2-3 s, after 4-5 s more) on connection errors, 1xx, 429 and 5xx.
Chatwoot tries once, waits 5 s, and tells its caller why it failed, so that the message can be marked.
"""

import asyncio
import hashlib
import hmac
import re
import time
from collections import Counter, deque
from urllib.parse import urlsplit

_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.I)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[^\r]*chunked", re.I)
_CLOSE = re.compile(rb"\r\nconnection:[^\r]*close", re.I)

IDLE_SECONDS = 3  # an idle connection older than this is not trusted with a delivery that is never repeated


class Wire(asyncio.Protocol):
    """One connection; at most one request under way."""

    def __init__(self):
        self.buffer = b""
        self.waiting = None
        self.reusable = True
        self.idle_since = 0.0
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport

    def post(self, data):
        self.buffer = b""
        self.waiting = asyncio.get_running_loop().create_future()
        self.transport.write(data)
        return self.waiting

    def data_received(self, data):
        self.buffer += data
        if self.waiting is None or self.waiting.done():
            self.reusable = False
            return
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self.buffer[:end]
        try:
            status = int(head[9:12])
        except ValueError:
            self.reusable = False
            self.waiting.set_exception(ConnectionError("not HTTP"))
            return
        length = _LENGTH.search(head)
        if length:
            if len(self.buffer) - end - 4 < int(length.group(1)):
                return
        elif _CHUNKED.search(head):
            if not self.buffer.endswith(b"0\r\n\r\n"):
                return
        elif status not in (204, 304):
            self.reusable = False  # ends with the connection; the status is all we want
        if _CLOSE.search(head):
            self.reusable = False
        self.waiting.set_result(status)

    def connection_lost(self, error):
        self.reusable = False
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_exception(error or ConnectionResetError("end of file reached"))


class Sender:
    """A pool of connections per address, and as many posts at a time as there are workers."""

    def __init__(self, workers, timeout=None, one_connection=False):
        self.workers = workers
        self.timeout = timeout
        self.one_connection = one_connection  # a new connection for every delivery, as Chatwoot does
        self.busy = 0
        self.queue = deque()
        self.idle = {}
        self.addresses = {}
        self.stats = Counter()
        self.pending = 0   # accepted and not yet settled, waits before repeats included
        self.tasks = set()
        self.open_gate = asyncio.Event()
        self.open_gate.set()

    def spawn(self, coroutine):
        self.pending += 1
        task = asyncio.get_running_loop().create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task):
        self.pending -= 1
        self.tasks.discard(task)
        if not task.cancelled() and task.exception():
            self.stats["internal error"] += 1
            import traceback
            traceback.print_exception(task.exception())

    def _address(self, url):
        known = self.addresses.get(url)
        if known is None:
            parts = urlsplit(url)
            tls = parts.scheme == "https"
            port = parts.port or (443 if tls else 80)
            path = (parts.path or "/") + ("?" + parts.query if parts.query else "")
            known = (parts.hostname, port, tls, path, parts.netloc.rpartition("@")[2])
            self.addresses[url] = known
        return known

    async def _connect(self, host, port, tls):
        idle = self.idle.get((host, port))
        while idle:
            wire = idle.pop()
            if wire.reusable and time.monotonic() - wire.idle_since < IDLE_SECONDS:
                return wire
            wire.transport.close()
        _, wire = await asyncio.get_running_loop().create_connection(Wire, host, port, ssl=tls or None)
        return wire

    async def _exchange(self, url, headers, body):
        host, port, tls, path, netloc = self._address(url)
        wire = await self._connect(host, port, tls)
        try:
            head = "POST %s HTTP/1.1\r\nHost: %s\r\n%sContent-Length: %d\r\n%s\r\n" % (
                path, netloc, headers, len(body), "Connection: close\r\n" if self.one_connection else "")
            status = await wire.post(head.encode("latin-1", "replace") + body)
        except BaseException:
            wire.transport.abort()
            raise
        if wire.reusable and not self.one_connection:
            wire.idle_since = time.monotonic()
            self.idle.setdefault((host, port), []).append(wire)
        else:
            wire.transport.close()
        return status

    async def post(self, url, headers, body):
        """One attempt → the status, or an exception saying why there was none.

        headers: a text, or a function giving it, called when the request really leaves (for time stamps)."""
        if not self.open_gate.is_set():
            await self.open_gate.wait()
        if self.busy >= self.workers:
            turn = asyncio.get_running_loop().create_future()
            self.queue.append(turn)
            await turn
        else:
            self.busy += 1
        try:
            text = headers if isinstance(headers, str) else headers()
            if self.timeout:
                async with asyncio.timeout(self.timeout):
                    status = await self._exchange(url, text, body)
            else:
                status = await self._exchange(url, text, body)
            self.stats["status %d" % status] += 1
            return status
        except asyncio.TimeoutError:
            self.stats["timeout"] += 1
            raise
        except OSError:
            self.stats["no connection"] += 1
            raise
        finally:
            while self.queue:
                turn = self.queue.popleft()
                if not turn.done():
                    turn.set_result(None)
                    break
            else:
                self.busy -= 1

    def hold(self, on):
        self.open_gate.clear() if on else self.open_gate.set()

    async def stop(self):
        for task in list(self.tasks):
            task.cancel()
        for wires in self.idle.values():
            for wire in wires:
                wire.transport.close()
        self.idle.clear()


def chatwoot_signature(secret, timestamp, body):
    """Keyed with the secret's characters as they stand; over timestamp, one full stop, the raw body."""
    key = secret.encode()
    return "sha256=" + hmac.new(key, b"%d." % int(timestamp) + body, hashlib.sha256).hexdigest()


class Mode:
    """How callbacks of one platform misbehave. Changed at run time by the control port."""

    ECHOES = ("normal", "first", "late", "twice", "never")

    def __init__(self, shuffle=0.0):
        self.echo = "normal"      # callbacks of messages posted over the API
        self.shuffle = shuffle    # each callback waits a random time up to this many seconds
        self.delay = 0.0          # and this fixed time on top
        self.duplicate = 0.0      # share of callbacks sent a second time
        self.drop = 0.0           # share of callbacks never sent
        self.hold = False         # nothing leaves until this is false again
        self.late_seconds = 2.0   # how late "late" is
        self.same_delivery = False  # Chatwoot: a duplicate carries the same delivery id (else one of its own)
        self.late_body = False    # Chatwoot: build the body when the post leaves, not when it happened

    def change(self, spec):
        for key, value in spec.items():
            if key == "platform":
                continue
            if not hasattr(self, key):
                raise ValueError("unknown setting %r" % key)
            if key == "echo" and value not in self.ECHOES:
                raise ValueError("echo is one of %s" % " ".join(self.ECHOES))
            kind = type(getattr(self, key))
            setattr(self, key, kind(value))

    def show(self):
        return dict(self.__dict__)
