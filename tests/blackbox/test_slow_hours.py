"""A long day of mixed traffic with faults: all arrives once and in order, memory stays flat, files are closed.

For a minute in script/test, an hour with the preset nightly: TIELINE_LONG_SECONDS. The figures are printed.
"""

import os
import random
import threading
import time

import pytest

from world import SANITIZED, Talk, eventually, short, unique

SECONDS = int(os.environ.get("TIELINE_LONG_SECONDS", "60"))
PEOPLE = 12
SAID_IN_ONE = 30        # messages of one conversation
PAUSE = 0.4             # between two messages of one conversation
# What may be more in the last third than in the second, in MiB: pools fill up in the first minutes, as far as their
# bounds, and a comparison looks ten minutes back. And of each conversation that was begun meanwhile something is
# remembered, of so many (docs/architecture.md).
SLACK = 4 if SECONDS < 1800 else 2
REMEMBERED, REMEMBERED_MOST = 2048 / 2**20, 16384

BUSY = "%a, %d %b %Y %H:%M:%S GMT"


def faults(dice):
    """One that may befall any request, and passes."""
    return dice.choice([
        {"action": "drop_request"}, {"action": "drop_answer"}, {"action": "reset"}, {"action": "reset_after"},
        {"action": "truncate"}, {"action": "delay", "seconds": 1.5}, {"action": "html", "status": 502},
        {"action": "status", "status": 503}, {"action": "status_after_commit", "status": 500},
        {"action": "status", "status": 429}, {"action": "status", "status": 429, "headers": {"Retry-After": "2"}},
        {"action": "status", "status": 429,
         "headers": {"Retry-After": time.strftime(BUSY, time.gmtime(time.time() + 2))}},
    ])


class Speaker(threading.Thread):
    """One conversation: both sides write, in turns that are drawn."""

    def __init__(self, world, seed, until):
        super().__init__(daemon=True)
        self.world, self.dice, self.until = world, random.Random(seed), until
        self.said, self.begun, self.failure = 0, 1, None
        self.talk = world.talk()
        self.start()

    def begin(self):
        person, text = unique("person"), unique("hello")
        mine = self.world.ask(person, text)["conversation"]
        self.talk = Talk(self.world, person, mine, self.world.arrives("chatwoot", text, 300))     # through any doubt

    def run(self):
        try:
            while time.monotonic() < self.until:
                if self.said % SAID_IN_ONE == SAID_IN_ONE - 1:      # what is read of one does not grow for ever
                    self.begin()
                    self.begun += 1
                text = unique("m") + " " + "x" * self.dice.choice((10, 200, 3000))
                self.talk.ask(text) if self.dice.random() < 0.5 else self.talk.answer(text)
                self.said += 1
                time.sleep(PAUSE * (0.5 + self.dice.random()))
        except Exception as error:      # told where the test is
            self.failure = error


class Cost:
    def __init__(self, pid):
        self.pid, self.memory, self.files = pid, [], []

    def take(self):
        with open("/proc/%d/statm" % self.pid, encoding="ascii") as f:
            self.memory.append(int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20)
        self.files.append(len(os.listdir("/proc/%d/fd" % self.pid)))

    def part(self, values, begin, end):
        """The middle one of that part of the time."""
        some = sorted(values[int(len(values) * begin):max(int(len(values) * end), 1)])
        return some[len(some) // 2]


@pytest.mark.skipif(SANITIZED, reason="memory is measured")
def test_hours(make_world, capsys):
    quick = {"timeout": "5s", "reconcile": "1m"}
    world = make_world(shop=quick, desk=dict(quick, conversation_rate=0), sandbox=("--no-limits",), quiet=True,
                       process={"log": {"level": "warn"}, "retention": {"bodies": "1d"}})
    seed = int(os.environ.get("TIELINE_SEED", "1"))
    dice, until = random.Random(seed), time.monotonic() + SECONDS
    idle = Cost(world.relay.process.pid)
    world.talk()
    time.sleep(6)
    idle.take()
    cost = Cost(world.relay.process.pid)
    speakers = [Speaker(world, seed * 1000 + i, until) for i in range(PEOPLE)]
    world.mode(duplicate=0.05, echo="normal")
    befell = 0
    while time.monotonic() < until:
        world.fault(dice.choice(("smartify", "chatwoot")), dice.choice(("POST", "GET")), ".", count=1, **faults(dice))
        befell += 1
        time.sleep(1)
        cost.take()
    for speaker in speakers:
        speaker.join()
        assert speaker.failure is None, speaker.failure
    world.calm()
    judged = world.all_arrived(300)
    said = sum(s.said + s.begun for s in speakers) + 1
    assert judged["up"]["arrived"] + judged["down"]["arrived"] == said, short(judged)
    assert not world.parked()
    # Connections that nobody uses are closed again.
    last = Cost(world.relay.process.pid)

    def closed():
        last.take()
        return last.files[-1] <= idle.files[0] + 2

    eventually(closed, "files are closed", 60, 1)
    first, second, third = (cost.part(cost.memory, i / 3, (i + 1) / 3) for i in range(3))
    remembered = min(sum(s.begun for s in speakers) / 3, REMEMBERED_MOST) * REMEMBERED
    with capsys.disabled():
        print("\n%d s: %d messages, %d faults; memory %.1f, %.1f, %.1f MiB in its thirds, %.1f MiB at the end; files %d at most, "
              "%d before, %d after" % (SECONDS, said, befell, first, second, third, last.memory[-1], max(cost.files), idle.files[0],
                                       last.files[-1]))
    assert third < second + SLACK + remembered, "memory grows: %s" % cost.memory
