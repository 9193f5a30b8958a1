"""Files, across: their bytes are what the other platform has in the end, or a line that says why not. The sandbox's
record is the judge."""

import base64
import hashlib
import os
import socket
import threading
import time

import pytest

from world import eventually, request, unique

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
PDF = b"%PDF-1.7 words"
LOOPBACK = {"media": {"allow_private": ["127.0.0.0/8"]}}
MARKDOWN = {"bridge": {"agent_names": "none", "title": "Desk"}}


def png(word=None):
    """A picture of its own."""
    return PNG + (word or unique("png")).encode()


def spec(name, type, raw):
    return {"name": name, "type": type, "data": base64.b64encode(raw).decode()}


def sha(raw):
    return hashlib.sha256(raw).hexdigest()


def settings(world, platform, **files):
    world.sandbox("PUT", "/settings", {"platform": platform, "files": files})


def copies(world, side):
    """What the relay wrote there, oldest first."""
    return [m for t in world.threads(side) for m in t["messages"] if m["by_relay"]]


def with_file(world, side, raw):
    """The relay's message there that bears these bytes."""
    return eventually(lambda: [m for m in copies(world, side) if any(f.get("sha256") == sha(raw) for f in m["files"])],
                      "a file at %s" % side)


def with_text(world, side, part, seconds=None):
    return eventually(lambda: [m for m in copies(world, side) if part in (m["text"] or "")], part, seconds)


def send(world, side, raw, name, type, text="", **more):
    """Somebody sends one file: a customer where person is given, else an agent."""
    file = spec(name, type, raw) if isinstance(raw, bytes) else dict({"name": name, "type": type}, url=raw)
    files = {"file": file} if side == "smartify" else {"files": [file]}
    return world.say(side, "customer" if "person" in more else "agent", text, **files, **more)


def files_in(world):
    folder = os.path.join(world.folder, "media")
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


def rows(world):
    return world.query("SELECT state, why FROM media ORDER BY id")


@pytest.fixture(params=["smartify", "chatwoot"])
def pair(request, make_world):
    """Both assignments of roles, with a conversation under way."""
    world = make_world(customers=request.param, process=LOOPBACK)
    return world, world.talk()


KINDS = [("photo one.png", "image/png", lambda: png()), ("voice.ogg", "audio/ogg", lambda: b"OggS" + os.urandom(50)),
         ("film.mp4", "video/mp4", lambda: b"\0\0\0\x18ftypisom" + os.urandom(5000)),
         ("invoice.pdf", "application/pdf", lambda: PDF + os.urandom(20))]


@pytest.mark.parametrize("text", ["", "with words"])
def test_every_kind_both_ways(pair, text):
    world, talk = pair
    for side, other, more in ((world.customers, world.agents, {"person": talk.person, "conversation": talk.mine}),
                              (world.agents, world.customers, {"conversation": talk.theirs})):
        for name, type, make in KINDS:
            raw = make()
            said = unique(text) if text else ""
            send(world, side, raw, name, type, said, **more)
            if other == "smartify" and name in ("voice.ogg", "film.mp4"):
                # Not among the types it takes: an address of ours, where the bytes are.
                found = eventually(lambda: [f for m in copies(world, other) for f in m["files"]
                                            if "/media/" in f.get("url", "") and f["url"].endswith(name)
                                            and fetch(world, f["url"]).body == raw], name)
                assert len(found) == 1
                continue
            found = with_file(world, other, raw)
            assert len(found) == 1
            assert [(f["type"], f["size"]) for f in found[0]["files"]] == [(type, len(raw))]
            assert found[0]["files"][0]["name"].replace("%20", " ") == name
            if text:
                assert said in found[0]["text"]
    judged = world.judge()
    for way in ("up", "down"):
        assert judged[way]["files"]["duplicates"] == 0
        assert judged[way]["files"]["arrived"] + judged[way]["files"]["elsewhere"] == judged[way]["files"]["written"]


def fetch(world, url, **more):
    return request(world.port, more.pop("method", "GET"), url[url.index("/media/"):], headers=more)


def test_first_message_with_a_file(make_world):
    for customers in ("smartify", "chatwoot"):
        world = make_world(customers=customers, process=LOOPBACK)
        raw, text = png(), unique("first")
        send(world, customers, raw, "a.png", "image/png", text, person=unique("person"))
        found = with_file(world, world.agents, raw)
        assert len(found) == 1 and text in found[0]["text"]
        assert len(world.threads(world.agents)) == 1
        raw = png()
        send(world, customers, raw, "b.png", "image/png", person=unique("person"))
        assert len(with_file(world, world.agents, raw)) == 1
        assert len(world.threads(world.agents)) == 2


def test_several_files_and_text(make_world):
    world = make_world(process=LOOPBACK)
    talk = world.talk()
    raws = [png(), PDF + b"2", png()]
    text = unique("three")
    world.answer(talk.theirs, text, files=[spec("1.png", "image/png", raws[0]), spec("2.pdf", "application/pdf", raws[1]),
                                           spec("3.png", "image/png", raws[2])])
    with_file(world, "smartify", raws[2])
    mine = [m for m in world.thread("smartify", talk.mine)["messages"] if m["by_relay"]]
    assert [m["text"] for m in mine][0] == text
    assert [f["sha256"] for m in mine for f in m["files"]] == [sha(r) for r in raws]

    world = make_world(customers="chatwoot", process=LOOPBACK)
    talk = world.talk()
    text = unique("many")
    raws = [png() for _ in range(17)]
    world.say("chatwoot", "customer", text, person=talk.person, conversation=talk.mine,
              files=[spec("%d.png" % i, "image/png", r) for i, r in enumerate(raws)])
    with_file(world, "smartify", raws[-1])
    mine = [m for m in world.thread("smartify", talk.theirs)["messages"] if m["by_relay"]][1:]
    assert mine[0]["text"] == text
    assert [f["sha256"] for m in mine for f in m["files"]] == [sha(r) for r in raws]


def test_more_files_than_anybody_sends(make_world):
    world = make_world(customers="chatwoot", process=LOOPBACK)
    talk = world.talk()
    text = unique("flood")
    world.say("chatwoot", "customer", text, person=talk.person, conversation=talk.mine,
              files=[spec("%d.png" % i, "image/png", PNG) for i in range(300)])
    found = with_text(world, "smartify", text)
    assert found[0]["text"] == text + "\n[file not available: 280 more, one message has no more than 20]"
    eventually(lambda: len([m for m in copies(world, "smartify") if m["files"]]) == 20, "twenty of them")


def test_order_is_kept(make_world):
    """What is said behind a file that comes late arrives behind it."""
    world = make_world(process=LOOPBACK)
    talk = world.talk()
    settings(world, "chatwoot", late=1)
    raw, behind = png(), unique("behind")
    send(world, "chatwoot", raw, "a.png", "image/png", conversation=talk.theirs)
    world.answer(talk.theirs, behind)
    world.arrives("smartify", behind)
    mine = [m for m in world.thread("smartify", talk.mine)["messages"] if m["by_relay"]]
    assert [bool(m["files"]) for m in mine] == [True, False]
    assert mine[0]["files"][0]["sha256"] == sha(raw)


def test_expired_address_is_read_anew(pair):
    world, talk = pair
    world.sandbox("POST", "/faults", [{"platform": world.customers, "method": "GET",
                                       "path": "files|rails", "action": "status", "status": 403, "count": 1}])
    raw = png()
    world.mode(hold=True)
    said = send(world, world.customers, raw, "a.png", "image/png", person=talk.person, conversation=talk.mine)
    world.act(world.customers, "move", message=said["message"])
    world.mode(hold=False)
    assert len(with_file(world, world.agents, raw)) == 1
    assert "media_stored" in world.relay.log()


def test_killed_while_fetching_and_sending(pair):
    world, talk = pair
    other = world.agents
    raw = png()
    method, path = ("POST", "messages$") if other == "chatwoot" else ("POST", "files/chat$|messages$")
    world.fault(other, method, path, "drop_answer")
    send(world, world.customers, raw, "a.png", "image/png", person=talk.person, conversation=talk.mine)
    eventually(lambda: [r for r in world.requests(path, platform=other) if r["fault"]], "the fault")
    world.relay.kill()
    world.relay.start()
    with_file(world, other, raw)
    talk.fence()
    assert len(with_file(world, other, raw)) == 1
    assert world.judge()["up"]["files"]["duplicates"] == 0


def test_killed_before_it_was_fetched(make_world):
    world = make_world(process=LOOPBACK)
    talk = world.talk()
    raw = png()
    world.fault("smartify", "GET", "files", "hang", count=1)
    send(world, "smartify", raw, "a.png", "image/png", person=talk.person, conversation=talk.mine)
    eventually(lambda: [r for r in world.requests("files", platform="smartify") if r["fault"]], "the fetch hangs")
    world.relay.kill()
    world.relay.start()
    assert len(with_file(world, "chatwoot", raw)) == 1
    assert [n for n in files_in(world) if n.startswith(".")] == []


def test_uploaded_once_though_the_message_is_refused(make_world):
    """A file that is there is not sent again when the message behind it has to be."""
    world = make_world(process=LOOPBACK)
    talk = world.talk()
    raw = png()
    world.fault("smartify", "POST", "requests/.*/messages$", "status", status=503, count=1)
    send(world, "chatwoot", raw, "a.png", "image/png", conversation=talk.theirs)
    with_file(world, "smartify", raw)
    assert len([r for r in world.requests("files/chat", platform="smartify")]) == 1


def test_too_large_for_the_far_side(make_world):
    world = make_world(process=LOOPBACK)
    talk = world.talk()
    raw = b"%PDF-" + os.urandom(1100000)
    send(world, "chatwoot", raw, "large.pdf", "application/pdf", conversation=talk.theirs)
    found = eventually(lambda: [f for m in copies(world, "smartify") for f in m["files"] if "url" in f], "an address")
    assert fetch(world, found[0]["url"]).body == raw
    assert world.requests("files/chat", platform="smartify") == []

    # The server takes less than we think.
    settings(world, "smartify", upload_limit=10)
    raw = png()
    send(world, "chatwoot", raw, "small.png", "image/png", conversation=talk.theirs)
    found = eventually(lambda: [f for m in copies(world, "smartify") for f in m["files"]
                                if f.get("url", "").endswith("small.png")], "an address")
    assert fetch(world, found[0]["url"]).body == raw

    # And so does a proxy.
    settings(world, "chatwoot", body_limit=5000)
    raw, text = png() + os.urandom(6000), unique("big")
    send(world, "smartify", raw, "big.png", "image/png", text, person=talk.person, conversation=talk.mine)
    found = with_text(world, "chatwoot", "/media/")
    assert found[0]["text"].startswith("%s\nbig.png: http://" % text)
    assert fetch(world, found[0]["text"].rsplit(" ", 1)[1]).body == raw


def test_our_addresses(make_world):
    world = make_world(process=LOOPBACK)
    talk = world.talk()
    raw = b"<html><script>alert(1)</script>" + unique("x").encode()
    send(world, "chatwoot", raw, "pa\u202ege.html", "text/html", conversation=talk.theirs)
    url = eventually(lambda: [f["url"] for m in copies(world, "smartify") for f in m["files"] if "url" in f], "it")[0]
    got = fetch(world, url)
    assert (got.status, got.body, got.headers["Content-Type"]) == (200, raw, "application/octet-stream")
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.headers["Content-Security-Policy"] == "sandbox"
    assert got.headers["Content-Disposition"] == "attachment; filename*=UTF-8''page.html"
    assert "private" in got.headers["Cache-Control"]
    got = fetch(world, url, method="HEAD")
    assert (got.status, got.body, got.headers["Content-Length"]) == (200, b"", str(len(raw)))
    for wanted, status, body in (("bytes=0-4", 206, raw[:5]), ("bytes=5-", 206, raw[5:]), ("bytes=-3", 206, raw[-3:]),
                                 ("bytes=99999-", 416, b""), ("bytes=2-99999", 206, raw[2:]), ("lines=1-2", 200, raw),
                                 ("bytes=1-2,4-5", 200, raw), ("bytes=9-1", 200, raw), ("bytes=-", 200, raw)):
        got = fetch(world, url, Range=wanted)
        assert (got.status, got.body) == (status, body), wanted
    assert fetch(world, url, Range="bytes=0-4").headers["Content-Range"] == "bytes 0-4/%d" % len(raw)
    assert fetch(world, url, method="POST").status == 405

    head, id, expiry, signature, name = url[url.index("/media/"):].rsplit("/", 4)
    for path in ("/media", "/media/", "/media/1", "/media/%s/%s/%s/x" % (id, expiry, "0" * 32),
                 "/media/%d/%s/%s/x" % (int(id) + 1, expiry, signature),
                 "/media/%s/%d/%s/x" % (id, int(expiry) + 1, signature), "/media/x/y/z/w",
                 "/media/-1/%s/%s/x" % (expiry, signature), "/media/../tieline.db",
                 "/media/%s/%s/%s" % ("9" * 30, expiry, signature)):
        assert request(world.port, "GET", path).status == 404, path
    # The name is for people.
    assert request(world.port, "GET", "/media/%s/%s/%s/other" % (id, expiry, signature)).body == raw


class Trap:
    """A server that somebody else's address leads to."""

    def __init__(self, answer):
        self.answer, self.heard = answer, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            self.heard += 1
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        try:
            peer.settimeout(20)
            while b"\r\n\r\n" not in peer.recv(65536):
                pass
            self.answer(peer)
        except OSError:
            pass
        finally:
            peer.close()

    def url(self, name="a.png"):
        return "http://127.0.0.1:%d/%s" % (self.port, name)


def say_nothing(peer):
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")


def test_private_addresses(make_world):
    """Nothing is allowed: whatever leads to this machine or its neighbours is not even connected to."""
    world = make_world()
    talk = world.talk()
    trap = Trap(say_nothing)
    before = unique("before")
    for url in ("http://127.0.0.1:%d/x.png" % trap.port, "http://localhost:%d/x.png" % trap.port,
                "http://[::1]:%d/x.png" % trap.port, "http://[::ffff:127.0.0.1]:%d/x.png" % trap.port,
                "http://2130706433:%d/x.png" % trap.port, "http://0:%d/x.png" % trap.port,
                "http://127.0.0.1:%d/admin" % world.admin, "http://169.254.169.254/latest/meta-data/",
                "http://[fd00:ec2::254]/latest/", "http://10.0.0.1/x.png", "http://192.168.1.1/x.png"):
        text = unique("private")
        send(world, "smartify", url, "x.png", "image/png", text, person=talk.person, conversation=talk.mine)
        found = with_text(world, "chatwoot", text)
        assert found[0]["text"] == text + "\n[file not available: x.png, its address is not a public one]"
    world.ask(talk.person, before, conversation=talk.mine)
    world.arrives("chatwoot", before)
    assert trap.heard == 0
    assert files_in(world) == []
    assert all(state == 2 for state, _ in rows(world))


def test_redirect_to_a_private_address(make_world):
    """What is allowed is one network; a redirect out of it is not followed."""
    world = make_world(process=LOOPBACK)
    talk = world.talk()

    def away(peer):
        peer.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest/\r\nContent-Length: 0\r\n\r\n")
    trap = Trap(away)
    for side, other, more in (("smartify", "chatwoot", {"person": talk.person, "conversation": talk.mine}),
                              ("chatwoot", "smartify", {"conversation": talk.theirs})):
        text = unique("redirected")
        send(world, side, trap.url(), "a.png", "image/png", text, **more)
        assert with_text(world, other, text)[0]["text"].endswith(
            "[file not available: a.png, its address is not a public one]")
    assert trap.heard == 2


def endless(peer):
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n" + PNG)
    while True:
        peer.sendall(b"x" * 65536)


def ten_gigabytes(peer):
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n" + PNG)
    time.sleep(5)


def shorter(peer):
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + PNG)


def a_page(peer):
    body = b"<!DOCTYPE html><html>sign in"
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def nothing(peer):
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 0\r\n\r\n")


def teapot(peer):
    peer.sendall(b"HTTP/1.1 418 No\r\nContent-Length: 0\r\n\r\n")


def not_there(peer):
    peer.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")


def garbage(peer):
    peer.sendall(os.urandom(5000))


def denied(peer):
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-evil\r\nContent-Length: 5\r\n\r\nhello")


HOSTILE = [(endless, "larger than 1 MiB"), (ten_gigabytes, "larger than 1 MiB"), (shorter, "it broke off"),
           (a_page, "a web page is in its place"), (nothing, "it is empty"), (teapot, "its server answered 418"),
           (not_there, "it is not there any more"), (garbage, "it broke off"),
           (denied, "files of that kind are not carried")]


@pytest.mark.parametrize("answer, why", HOSTILE, ids=[a.__name__ for a, _ in HOSTILE])
def test_hostile_servers(make_world, answer, why):
    world = make_world(process={"media": {"allow_private": ["127.0.0.0/8"], "max_size": "1MiB",
                                          "deny_types": ["application/x-evil"]}})
    talk = world.talk()
    trap, text, behind = Trap(answer), unique("hostile"), unique("behind")
    send(world, "smartify", trap.url(), "a.png", "image/png", text, person=talk.person, conversation=talk.mine)
    world.ask(talk.person, behind, conversation=talk.mine)
    found = with_text(world, "chatwoot", text, 90)
    assert found[0]["text"] == "%s\n[file not available: a.png, %s]" % (text, why)
    world.arrives("chatwoot", behind)
    assert files_in(world) == []


def test_what_is_no_address(make_world):
    world = make_world(process=LOOPBACK)
    talk = world.talk()
    for url in ("file:///etc/passwd", "gopher://127.0.0.1/x", "nonsense", "http://", "javascript:alert(1)",
                "http://nobody.invalid/x.png"):
        text = unique("none")
        send(world, "smartify", url, "x.png", "image/png", text, person=talk.person, conversation=talk.mine)
        assert with_text(world, "chatwoot", text)[0]["text"] == (
            text + "\n[file not available: x.png, its address leads nowhere]"), url


NAMES = [("../../etc/passwd.png", "passwd.png"), ("a\r\nX-Evil: 1.png", "aX-Evil_ 1.png"),
         ("\u202egnp.exe.png", "gnp.exe.png"), ("x" * 5000 + ".png", "x" * 96 + ".png"), ('"<b>;.png', "__b__.png"),
         ("\u0007\u0000.png", "png.png"), ("C:\\a\\b.png", "b.png"), ("\U0001f600" * 2000 + ".png", None)]


def test_hostile_names(make_world):
    world = make_world(process=LOOPBACK)
    talk = world.talk()
    for name, shown in NAMES:
        raw = png()
        send(world, "smartify", raw, name, "image/png", person=talk.person, conversation=talk.mine)
        got = with_file(world, "chatwoot", raw)[0]["files"][0]["name"]
        assert shown is None or got.replace("%22", '"') == shown, name
        assert len(got.encode()) <= 200 and got.endswith("png")
        if len(name) > 1000:
            continue    # it would be part of an address that no server takes
        raw = png()
        send(world, "chatwoot", raw, name, "image/png", conversation=talk.theirs)
        with_file(world, "smartify", raw)
    talk.fence()


def test_places_and_cards(make_world):
    world = make_world(customers="chatwoot", process=LOOPBACK)
    talk = world.talk()
    text = unique("where")
    world.say("chatwoot", "customer", text, person=talk.person, conversation=talk.mine, attachments=[
        {"file_type": "location", "coordinates_lat": 52.5, "coordinates_long": 13.25, "fallback_title": "Our shop",
         "data_url": "https://maps.example/x"},
        {"file_type": "contact", "fallback_title": "+4915550100021", "meta": {"firstName": "Ada", "lastName": "Byron"}}])
    assert with_text(world, "smartify", text)[0]["text"] == (
        text + "\nLocation: Our shop\n52.5,13.25\nhttps://maps.google.com/?q=52.5,13.25"
        "\nContact: Ada Byron, +4915550100021")


def test_shared_bytes_and_cleaning(make_world):
    """The same bytes twice are one file; what has arrived goes, and what is parked stays."""
    world = make_world(process=LOOPBACK)
    talk = world.talk()
    raw = png()
    for _ in range(2):
        send(world, "smartify", raw, "a.png", "image/png", person=talk.person, conversation=talk.mine)
    eventually(lambda: len(with_file(world, "chatwoot", raw)) == 2, "both")
    assert files_in(world) == [sha(raw)]
    metrics = request(world.admin, "GET", "/metrics").body.decode()
    assert "tieline_media_bytes %d" % len(raw) in metrics
