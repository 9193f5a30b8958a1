"""The clock is set while messages cross: back an hour, and forward a day, and right again. The platforms' clocks are not."""

import mmap
import os
import struct
import threading
import time

import pytest

from world import BIN, SANITIZED, eventually, short, unique

SHIM = os.path.join(os.path.dirname(BIN), "clock.so")
HOUR, DAY = 3600, 86400


class Clock:
    """What shim/clock.c does to the relay's."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "clock")
        with open(self.path, "wb") as f:
            f.write(bytes(8))
        with open(self.path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), 8)

    def env(self):
        return {"LD_PRELOAD": SHIM, "CLOCK_CONTROL": self.path}

    def is_off(self, seconds):
        self.map[:] = struct.pack("q", seconds)


class Chatter(threading.Thread):
    """A customer who goes on writing."""

    def __init__(self, talk):
        super().__init__(daemon=True)
        self.talk, self.said, self.is_over = talk, [], False
        self.start()

    def run(self):
        while not self.is_over:
            self.said.append(unique("chat"))
            self.talk.ask(self.said[-1])
            time.sleep(0.1)

    def end(self):
        self.is_over = True
        self.join()
        return self.said


@pytest.mark.skipif(SANITIZED, reason="a shim cannot be loaded before a sanitizer")
def test_the_clock_is_set(make_world):
    world = make_world(start=False, sandbox=("--no-limits",), desk={"reconcile": "15m", "conversation_rate": 0})
    clock = Clock(world.folder)
    world.relay.process = world.relay.spawn(**clock.env())
    eventually(world.relay.is_ready, "the relay is ready")
    talk, answers = world.talk(), []
    talk.fence()
    said = []

    def refused():
        return world.relay.log().count("reason=old_timestamp")

    def answer():
        answers.append(unique("answer"))
        talk.answer(answers[-1])
        return True

    for off in (-HOUR, DAY, 0):
        # One is refused for now while it is set: it was not tried for a day.
        world.fault("chatwoot", "POST", "/messages$", "status", status=429, count=1, headers={"Retry-After": "2"})
        chatter = Chatter(talk)
        eventually(lambda: len(chatter.said) > 5, "there is traffic")
        before = refused()
        clock.is_off(off)
        if off != 0:
            # Callbacks that bear their time are refused while ours is wrong.
            eventually(lambda: answer() and refused() > before, "a callback is refused", pause=0.5)
        said += chatter.end()
        eventually(lambda: said[-1] in "\n".join(world.texts("chatwoot", talk.theirs)), "what was said last has crossed")
    texts = world.texts("chatwoot", talk.theirs)
    assert [t for t in texts if t.startswith("chat")] == said
    # What was refused is fetched when a callback fits again.
    assert refused() > 1
    first = len(answers)
    eventually(lambda: answer() and any(world.copies("smartify", a) for a in answers[first:]), "a callback fits", pause=0.5)
    for line in answers:
        world.arrives("smartify", line, 60)
    # Once each. Customers' words came in order; what was refused came late.
    judged = world.judge()
    for way in ("up", "down"):
        assert not judged[way]["missing"] and not judged[way]["duplicates"], short(judged)
    assert not judged["up"]["out_of_order"]
    # Whatever Chatwoot thinks of refused callbacks, both ways all is there, and shown so.
    eventually(lambda: world.judge()["failed_marks"] == 0, "nothing is shown as failed", 60)
    assert not world.parked()
