"""Files that would come for ever, a byte at a time; a server that is down for a while; a folder that is full."""

import os
import time

from test_media import LOOPBACK, PNG, Trap, files_in, png, send, sha, with_file, with_text
from test_operate import tieline
from world import eventually, unique


def drip(peer):
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n" + PNG)
    while True:
        peer.sendall(b"x")
        time.sleep(0.2)


def test_a_byte_at_a_time(make_world):
    world = make_world(process=LOOPBACK)
    talk = world.talk()
    trap, text = Trap(drip), unique("drip")
    send(world, "smartify", trap.url(), "a.png", "image/png", text, person=talk.person, conversation=talk.mine)
    # Others are not held up by it.
    other = world.talk()
    raw = png()
    send(world, "smartify", raw, "b.png", "image/png", person=other.person, conversation=other.mine)
    with_file(world, "chatwoot", raw)
    found = with_text(world, "chatwoot", text, 240)
    assert found[0]["text"] == text + "\n[file not available: a.png, it took too long]"


def test_down_for_a_while(make_world):
    world = make_world(process=LOOPBACK)
    talk = world.talk()
    world.fault("smartify", "GET", "files", "status", status=503, count=4)
    raw = png()
    send(world, "smartify", raw, "a.png", "image/png", person=talk.person, conversation=talk.mine)
    with_file(world, "chatwoot", raw)


def test_full(make_world):
    """Where there is no room, a line says so, and so does status."""
    world = make_world(process={"media": {"allow_private": ["127.0.0.0/8"], "quota": "1MiB"}})
    talk = world.talk()
    first = b"%PDF-" + os.urandom(700000)
    world.fault("chatwoot", "POST", "messages$", "status", status=422, count=0,
                body={"error": "only allowed in Api inboxes"})
    send(world, "smartify", first, "first.pdf", "application/pdf", person=talk.person, conversation=talk.mine)
    eventually(lambda: world.query("SELECT 1 FROM delivery WHERE state = 11"), "it is parked, and its file stays")
    world.calm()
    assert files_in(world) == [sha(first)]
    text = unique("second")
    send(world, "smartify", b"%PDF-" + os.urandom(700000), "second.pdf", "application/pdf", text, person=talk.person,
         conversation=talk.mine)
    found = with_text(world, "chatwoot", text, 150)
    assert found[0]["text"] == text + "\n[file not available: second.pdf, the relay has no room for it]"
    assert "files: there was no room for 1 of the last 24 h" in tieline(world, "status").stdout
