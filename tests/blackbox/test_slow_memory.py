"""Ten large files at once: fetched and uploaded, and the relay's memory stays what it was. Its own metric tells."""

import hashlib
import re
import socket
import threading
import time

import pytest

import world as worlds
from test_media import PNG, send, settings
from world import SANITIZED, World, eventually, request, unique

FILES, SIZE = 10, 50 * 1024 * 1024
GROWTH = 16 * 1024 * 1024       # a third of one file
PIECE = bytes(range(256)) * 256


class Tap:
    """A server whose every address is a picture of its own, as large as that; it keeps them waiting until all are
    asked for."""

    def __init__(self):
        self.together = threading.Barrier(FILES)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    @staticmethod
    def pieces(name):
        yield PNG + name.encode()
        left = SIZE - len(PNG) - len(name.encode())
        while left > 0:
            yield PIECE[:left]
            left -= len(PIECE)

    def serve(self, peer):
        with peer:
            head = b""
            while b"\r\n\r\n" not in head:
                head += peer.recv(65536)
            name = re.match(rb"GET /([^ ]+)", head).group(1).decode()
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: %d\r\n\r\n" % SIZE)
            for i, piece in enumerate(self.pieces(name)):
                peer.sendall(piece)
                if i == 100:
                    try:
                        self.together.wait(20)      # ten are under way at once
                    except threading.BrokenBarrierError:
                        pass

    def sum(self, name):
        sha = hashlib.sha256()
        for piece in self.pieces(name):
            sha.update(piece)
        return sha.hexdigest()


def resident(world):
    text = request(world.admin, "GET", "/metrics").body.decode()
    return int(float(re.search(r"^process_resident_memory_bytes (\S+)", text, re.M).group(1)))


@pytest.mark.skipif(SANITIZED, reason="a sanitizer keeps memory of its own")
@pytest.mark.parametrize("customers", ["smartify", "chatwoot"])
def test_memory_is_flat(monkeypatch, customers):
    """Customers' files to the desk: uploaded to a Chatwoot; at a Smartify, which takes no such files, served by us."""
    monkeypatch.setattr(worlds, "FOLDERS", "/var/tmp")      # not in memory
    tap = Tap()
    world = World(customers, quiet=True, desk={"timeout": "2m"}, sandbox=("--no-limits",), process={
        "media": {"allow_private": ["127.0.0.0/8"], "max_size": "60MiB", "quota": "2GiB"}})
    try:
        settings(world, world.agents, forget=True)
        talks = [world.talk() for _ in range(FILES)]
        names = [unique("large") + ".png" for _ in talks]
        before, most, stop = resident(world), [0], threading.Event()

        def watch():
            while not stop.wait(0.02):
                most[0] = max(most[0], resident(world))
        watcher = threading.Thread(target=watch)
        watcher.start()
        for talk, name in zip(talks, names):
            send(world, customers, "http://127.0.0.1:%d/%s" % (tap.port, name), name, "image/png", person=talk.person,
                 conversation=talk.mine)

        def arrived():
            return [f for t in world.threads(world.agents) for m in t["messages"] if m["by_relay"] for f in m["files"]]
        found = eventually(lambda: arrived() if len(arrived()) == FILES else None, "ten files", 180, 0.5)
        if customers == "smartify":
            assert {f["sha256"] for f in found} == {tap.sum(name) for name in names}
        else:
            fetched = []
            readers = [threading.Thread(target=lambda u=f["url"]: fetched.append(hashlib.sha256(request(
                world.port, "GET", u[u.index("/media/"):], timeout=120).body).hexdigest())) for f in found]
            [r.start() for r in readers]
            [r.join() for r in readers]
            assert set(fetched) == {tap.sum(name) for name in names}
        time.sleep(0.1)
        stop.set()
        watcher.join()
        assert before > 0 and most[0] - before < GROWTH, "%d MiB more" % ((most[0] - before) >> 20)
    finally:
        tap.listener.close()
        world.end()
