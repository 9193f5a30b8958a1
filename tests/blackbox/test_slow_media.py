"""Files that would come for ever, a byte at a time, and a server that is down for a while."""

import time

from test_media import LOOPBACK, PNG, Trap, png, send, with_file, with_text
from world import unique


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
