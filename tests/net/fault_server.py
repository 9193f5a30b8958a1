#!/usr/bin/python3
"""A far side that misbehaves on request, and counts what reached it.

POST /<behaviour>/<id> behaves so; GET /arrivals/<id> says "heads wholes": how many requests with that
id came as far as the end of their headers, and how many with their whole body. GET /connections says
how many connections there have been. Prints its ports, plain and TLS, on one line, then serves until its
stdin ends.

usage: fault_server.py CERT KEY UNIX_SOCKET
"""
import os
import socket
import ssl
import struct
import sys
import threading
import time
from urllib.parse import unquote

lock = threading.Lock()
heads, wholes = {}, {}
connections = 0


class Peer:
    def __init__(self, sock):
        self.sock = sock
        self.left = b""

    def read_head(self):
        while b"\r\n\r\n" not in self.left:
            more = self.sock.recv(65536)
            if not more:
                return None
            self.left += more
        head, self.left = self.left.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        method, path, version = lines[0].split(" ")
        headers = {}
        for line in lines[1:]:
            name, value = line.split(":", 1)
            headers[name.lower()] = value.strip()
        return method, path, headers

    def read_body(self, headers):
        length = int(headers.get("content-length", 0))
        while len(self.left) < length:
            more = self.sock.recv(65536)
            if not more:
                return None
            self.left += more
        body, self.left = self.left[:length], self.left[length:]
        return body

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))

    def answer(self, status, body=b"", headers=""):
        if isinstance(body, str):
            body = body.encode()
        self.send(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body)

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


class Over(Exception):
    """The connection ends here."""


def behave(peer, what, key, method, headers, body):
    if what == "ok":
        peer.answer("200 OK", "hello", "Content-Type: text/plain\r\n")
    elif what == "echo":
        peer.answer("200 OK", body, f"Content-Type: {headers.get('content-type', 'none')}\r\n")
    elif what == "method":
        peer.answer("200 OK", f"{method} {headers.get('content-length', '-')} "
                    f"{headers.get('content-type', '-')} {headers.get('expect', '-')} "
                    f"{headers.get('accept-encoding', '-')} {headers.get('user-agent', '-')} "
                    f"{headers.get('x-one', '-')}")
    elif what == "head":
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    elif what == "created":
        peer.answer("201 Created", '{"id":1}', "Content-Type: application/json\r\n")
    elif what == "empty":
        peer.send("HTTP/1.1 204 No Content\r\n\r\n")
    elif what == "error":
        peer.answer("500 Internal Server Error", "sorry")
    elif what == "fin":
        raise Over
    elif what == "rst":
        peer.reset()
        raise Over
    elif what == "half_line":
        peer.send("HTTP/1.1 2")
        raise Over
    elif what == "half_head":
        peer.send("HTTP/1.1 201 Created\r\nContent-Le")
        raise Over
    elif what == "half_body":
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")
        raise Over
    elif what == "half_body_rst":
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")
        time.sleep(0.05)
        peer.reset()
        raise Over
    elif what == "chunked":
        peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n")
    elif what == "half_chunked":
        peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nwo")
        raise Over
    elif what == "bad_chunk":
        peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n")
        raise Over
    elif what == "until_close":
        peer.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nhello")
        raise Over
    elif what == "http10":
        peer.send("HTTP/1.0 200 OK\r\n\r\nhello")
        raise Over
    elif what == "http09":
        peer.send("hello\r\n")
        raise Over
    elif what == "continue":
        peer.send("HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.05)
        peer.answer("200 OK", "hello")
    elif what == "only_continue":
        peer.send("HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.05)
        raise Over
    elif what == "redirect":
        peer.answer("302 Found", "", "Location: /ok/redirected\r\n")
    elif what == "redirect307":
        peer.answer("307 Temporary Redirect", "", "Location: /ok/redirected\r\n")
    elif what == "to":                  # /to/<where>: there, with blanks for slashes
        peer.answer("302 Found", "", f"Location: {unquote(key)}\r\n")
    elif what == "round":
        peer.answer("302 Found", "", "Location: /round/again\r\n")
    elif what == "file":                # /file/<bytes>
        peer.answer("200 OK", bytes(i % 251 for i in range(int(key))), "Content-Type: image/png\r\n")
    elif what == "endless":
        peer.send("HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n")
        while True:
            peer.send(b"x" * 65536)
    elif what == "huge":                # says ten gigabytes
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n")
        peer.send(b"x" * 100000)
        time.sleep(2)
        raise Over
    elif what == "longer":              # more than it says
        peer.answer("200 OK", "hello")
        peer.send("and more")
        raise Over
    elif what == "missing":
        peer.answer("404 Not Found", "a page that says so")
    elif what == "unauthorized":
        peer.answer("401 Unauthorized", "", 'WWW-Authenticate: Basic realm="x"\r\n')
    elif what == "expectation":
        peer.answer("417 Expectation Failed")
    elif what == "busy":
        peer.answer("429 Too Many Requests", "", "Retry-After: 7\r\n")
    elif what == "busy_until":
        until = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 60))
        peer.answer("503 Service Unavailable", "", f"retry-after: {until}\r\n")
    elif what == "silent":
        time.sleep(2)
        raise Over
    elif what == "slow_head":
        peer.send("HTTP/1.1 200 OK\r\nX-Slow: ")
        for _ in range(40):
            peer.send("x")
            time.sleep(0.05)
        raise Over
    elif what == "slow_body":
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(40):
            peer.send("x")
            time.sleep(0.05)
        raise Over
    elif what == "slow_ok":
        time.sleep(0.15)
        peer.answer("200 OK", "hello")
    elif what == "large":
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n")
        peer.send(b"x" * 2000000)
    elif what == "large_chunked":
        peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(200):
            peer.send(b"2710\r\n" + b"x" * 10000 + b"\r\n")
        peer.send("0\r\n\r\n")
    elif what == "large_until_close":
        peer.send("HTTP/1.1 200 OK\r\n\r\n")
        peer.send(b"x" * 2000000)
        raise Over
    elif what == "largest":
        peer.answer("200 OK", b"x" * 1000000)
    elif what == "large_head":
        peer.send("HTTP/1.1 200 OK\r\n")
        for i in range(10000):
            peer.send(f"X-{i}: " + "y" * 1000 + "\r\n")
        peer.send("\r\n")
    elif what == "gzip":
        peer.answer("200 OK", b"\x1f\x8bnot for us to open", "Content-Encoding: gzip\r\n")
    elif what == "say_close":
        peer.answer("200 OK", "hello", "Connection: close\r\n")
        raise Over
    elif what == "then_fin":            # an honest answer, then tired of waiting
        peer.answer("200 OK", "hello")
        raise Over
    elif what == "then_fin_late":
        peer.answer("200 OK", "hello")
        time.sleep(0.1)
        raise Over
    elif what == "then_rst_on_next":    # closes while the next request is on its way
        peer.answer("200 OK", "hello")
        peer.sock.setblocking(True)
        peer.sock.recv(1)
        peer.reset()
        raise Over
    elif what == "then_fin_on_head":    # reads the head of the next request, not its body
        peer.answer("200 OK", "hello")
        head = peer.read_head()
        if head is not None:
            count(heads, head[1].split("/")[2])
        raise Over
    else:
        peer.answer("404 Not Found")


def count(where, key):
    with lock:
        where[key] = where.get(key, 0) + 1


def serve(sock):
    peer = Peer(sock)
    try:
        while True:
            head = peer.read_head()
            if head is None:
                return
            method, path, headers = head
            _, what, key = (path.split("?")[0].split("/") + ["", ""])[:3]
            if what == "arrivals":
                with lock:
                    peer.answer("200 OK", f"{heads.get(key, 0)} {wholes.get(key, 0)}")
                continue
            if what == "connections":
                with lock:
                    peer.answer("200 OK", f"{connections}")
                continue
            count(heads, key)
            if what == "early":         # an answer without having read the body
                peer.answer("413 Content Too Large", "", "Connection: close\r\n")
                time.sleep(0.05)
                raise Over
            body = peer.read_body(headers)
            if body is None:
                return
            count(wholes, key)
            behave(peer, what, key, method, headers, body)
    except (Over, OSError, ValueError):
        pass
    finally:
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        sock.close()


def accept(listener, tls):
    global connections
    while True:
        sock, _ = listener.accept()
        with lock:
            connections += 1
        threading.Thread(target=begin, args=(sock, tls), daemon=True).start()


def begin(sock, tls):
    if sock.family != socket.AF_UNIX:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if tls is not None:
        try:
            sock = tls.wrap_socket(sock, server_side=True)
        except OSError:
            sock.close()
            return
    serve(sock)


def main():
    cert, key, path = sys.argv[1:4]
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)
    plain = socket.create_server(("127.0.0.1", 0), backlog=512)
    secure = socket.create_server(("127.0.0.1", 0), backlog=512)
    local = socket.socket(socket.AF_UNIX)
    local.bind(path)
    local.listen(16)
    for listener, context in (plain, None), (secure, tls), (local, None):
        threading.Thread(target=accept, args=(listener, context), daemon=True).start()
    print(plain.getsockname()[1], secure.getsockname()[1], flush=True)
    sys.stdin.read()
    os._exit(0)


main()
