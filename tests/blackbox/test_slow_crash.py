"""The process dies at each place where it touches the disk or the wire, exactly there; the sandbox says what came of it.

A point is a place and a number: *before the 7th sync of the log*, *after the 3rd request has left*. A shim (shim/crash.c)
counts, and ends the relay with SIGKILL when the point is reached; for half of the points as a power cut, which takes
back what was not synced. The next life goes on with the same store, now and then to die as well, until one may live.
All points of a conversation that were seen in an undisturbed run are taken. Every one has platforms, a store and a
conversation of its own, so that their waits overlap: what may have arrived is looked for after 16 s.

Then all is asked of the sandbox: each message once, in the order announced, one conversation, nothing else. Where sweeps
are on, what the dead relay was not told is found by them, and nothing may be missing; where they are off, nothing that
was answered 200.

TIELINE_CRASH_POINTS   so many deaths (500); TIELINE_SEED repeats a choice"""

import concurrent.futures
import json
import os
import random
import signal
import struct
import time
from collections import Counter, namedtuple

import pytest

from world import BIN, SANITIZED, Sandbox, World, unique

POINTS = int(os.environ.get("TIELINE_CRASH_POINTS", "500"))
SEED = int(os.environ.get("TIELINE_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 30)
AT_ONCE = 96
LONG = 300
SHIM = os.path.join(os.path.dirname(BIN), "crash.so")

PLACES = ("write", "torn", "sync", "synced", "page", "request", "sent", "answer", "reply", "replied")

Point = namedtuple("Point", "place nth power")
# deaths: one after the other, each of its own life; echo, retry_scale: how callbacks behave; sweeps: reconciliation
Plan = namedtuple("Plan", "customers deaths echo retry_scale sweeps", defaults=((), "normal", 0.03, True))


class Case:
    """One conversation, and the lives of the relay that carries it."""

    def __init__(self, part, plan, counts=None):
        self.plan, self.counts = plan, counts
        self.ahead = list(plan.deaths)
        self.died, self.lives = [], 0
        part("POST", "/reset")
        part("PUT", "/settings", {"platform": "smartify", "retry_scale": plan.retry_scale})
        both = {"reconcile": "15m" if plan.sweeps else "never"}
        self.world = World(plan.customers, shop=both, desk=both, sandbox=part, start=False)
        self.world.mode(echo=plan.echo, late_seconds=1.0)
        self.side = {"up": plan.customers, "down": self.world.agents}

    # -- lives ---------------------------------------------------------------------------------------------

    def begin(self):
        env = {}
        if self.ahead or self.counts:
            env["LD_PRELOAD"] = SHIM
        if self.counts:
            env["CRASH_COUNTS"] = self.counts
        if self.ahead:
            point = self.ahead[0]
            env.update(CRASH_AT=point.place, CRASH_NTH=str(point.nth), CRASH_POWER=str(int(point.power)))
        self.lives += 1
        self.world.relay.process = self.world.relay.spawn(**env)

    def look(self):
        """Whether it lives and takes callbacks; what died goes on in the next life."""
        code = self.world.relay.process.poll()
        if code is None:
            return self.world.relay.log().count("at=ready") >= 1 and self.is_ready()
        assert code == -signal.SIGKILL and self.ahead, "ended with %s:\n%s" % (code, self.world.relay.log()[-3000:])
        self.died.append(self.ahead.pop(0))
        self.begin()
        return False

    def is_ready(self):
        try:
            return self.world.relay.api("/api/v1/status")["relay"]["running"]
        except (OSError, ValueError):
            return False

    def wait(self, test, what):
        end, pause = time.monotonic() + LONG, 0.03
        while not (self.look() and test()):
            assert time.monotonic() < end, "not in time: %s\n%s" % (what, json.dumps(self.judge())[:3000])
            time.sleep(pause)
            pause = min(pause * 1.3, 0.6)

    # -- what is said --------------------------------------------------------------------------------------

    def judge(self):
        return self.world.sandbox("GET", "/judge?announced=%s&customers=%s" % (
            "1" if self.plan.sweeps else "only", self.plan.customers))

    def arrived(self, direction):
        self.wait(lambda: self.judge()[direction]["missing"] == 0, direction + " arrived")

    def ask(self, count, **more):
        for _ in range(count):
            said = self.world.ask("person", unique("up"), wait=True, **more)
            more["conversation"] = self.mine = said["conversation"]
        self.arrived("up")

    def answer(self, count):
        there = [t["id"] for t in self.world.threads(self.world.agents)]
        assert len(there) == 1, there
        for _ in range(count):
            self.world.answer(there[0], unique("down"), wait=True)
        self.arrived("down")

    def close(self, side):
        conversation = self.mine if side == self.plan.customers else self.world.threads(side)[0]["id"]
        self.world.act(side, "close", conversation)
        self.wait(lambda: self.world.pending() == 0, "told that it is closed")

    def is_quiet(self):
        """Nothing is on its way, and what was not told has been read."""
        if self.world.pending() or self.judge()["up"]["missing"] or self.judge()["down"]["missing"]:
            return False
        try:
            status = self.world.relay.api("/api/v1/status")
            sweeps = self.world.relay.api("/api/v1/reconciliations")["items"]
        except (OSError, ValueError):       # it has just died
            return False
        return (all(s.get("ended") and not s["running"] for s in sweeps if self.plan.sweeps)
                and not any(b[d]["waiting"] for b in status["bridges"] for d in ("to_agents", "to_customers")))

    def stop(self):
        """In good order; where it dies in the middle of that, the next life is stopped instead."""
        while True:
            self.wait(lambda: True, "ready")
            self.world.relay.process.terminate()
            if self.world.relay.process.wait(LONG) == 0:
                return
            self.look()

    def play(self):
        world = self.world
        first = {}
        if self.plan.customers == "smartify":       # whose bot has to be relieved by the first answer
            first["department"] = world.sandbox.ready["smartify_bot_department"]
        self.begin()
        self.wait(lambda: True, "the first life")
        self.ask(4, **first)        # one travels, the others queue
        while not world.threads(world.agents):      # all were lost
            self.ask(1, conversation=self.mine)
        self.answer(4)
        self.close(world.agents)
        self.ask(1, conversation=self.mine)
        self.close(world.customers)
        self.answer(1)
        self.wait(self.is_quiet, "quiet")
        if any(p.place == "page" for p in self.ahead) or self.counts:
            self.stop()
        self.verdict()
        if world.relay.process.poll() is None:
            world.relay.kill()
        self.ahead, counts, self.counts = [], self.counts, None
        self.begin()
        self.wait(lambda: True, "the last life")
        self.ask(1, conversation=self.mine)
        self.answer(1)
        self.wait(self.is_quiet, "quiet at last")
        self.counts = counts
        return self.verdict()

    def verdict(self):
        judged = self.judge()
        assert judged["ok"], json.dumps(judged)
        assert not judged["up"]["split"] and not judged["down"]["split"], judged
        assert len(self.world.threads(self.world.agents)) == len(self.world.threads(self.plan.customers)) == 1
        assert not self.world.parked()
        return judged["up"]["arrived"] + judged["down"]["arrived"]


Result = namedtuple("Result", "plan died lives messages wrong")


def run(part, plan, counts=None):
    case = Case(part, plan, counts)
    messages, wrong = 0, None
    try:
        messages = case.play()
    except AssertionError as error:
        wrong = "%s\n%s\n%s" % (plan, error, case.world.relay.log()[-6000:])
    try:
        case.world.end()
    except AssertionError as error:
        wrong = wrong or str(error)
    return Result(plan, case.died, case.lives, messages, wrong)


@pytest.fixture(scope="module")
def parts():
    """By where the customers are."""
    made = {customers: Sandbox.many((AT_ONCE + 1) // 2, "--shuffle", "0", "--no-limits", "--chatwoot-role",
                                    "customers" if customers == "chatwoot" else "agents")
            for customers in ("smartify", "chatwoot")}
    yield made
    for some in made.values():
        some[0].stop()


def seen(parts, customers, folder):
    """How often each place is reached when nobody dies."""
    counts = os.path.join(folder, customers)
    with open(counts, "wb") as f:
        f.write(bytes(8 * len(PLACES)))
    result = run(parts[customers][0], Plan(customers), counts)
    assert result.wrong is None and result.lives == 2, result.wrong
    with open(counts, "rb") as f:
        return dict(zip(PLACES, struct.unpack("=%dQ" % len(PLACES), f.read())))


def points(counts, dice):
    """One of each; of the many writes of one transaction, a tenth. What is torn is taken back whole by a power cut."""
    for place, most in counts.items():
        all = range(1, most + 1)
        for nth in dice.sample(all, most // 10) if place in ("write", "torn") else all:
            yield Point(place, nth, place != "torn" and dice.random() < 0.5)


def choose(counts, dice):
    """So many deaths as were asked for, and an eighth more, since the second ones are not all reached: every point, then
    again and again with a second death in the life after."""
    wanted, plans, deaths, is_again = POINTS + POINTS // 8, [], 0, False
    while deaths < wanted:
        more = [Plan(customers, (point,)) for customers, some in counts.items() for point in points(some, dice)]
        dice.shuffle(more)
        for plan in more:
            if is_again or dice.random() < 0.1:
                place = dice.choice([p for p in PLACES if counts[plan.customers][p]])
                second = Point(place, dice.randrange(1, 1 + min(9, counts[plan.customers][place])),
                               place != "torn" and dice.random() < 0.5)
                plan = plan._replace(deaths=plan.deaths + (second,))
            plans.append(plan._replace(echo=dice.choice(("normal", "normal", "first", "late", "never")),
                                       retry_scale=dice.choice((0.03, 0.3)), sweeps=dice.random() < 0.5))
        deaths, is_again = sum(len(plan.deaths) for plan in plans), True
    while deaths - len(plans[-1].deaths) >= wanted:
        deaths -= len(plans.pop().deaths)
    return plans


@pytest.mark.skipif(SANITIZED, reason="a shim cannot be loaded before a sanitizer")
def test_a_death_at_every_place(parts, tmp_path, capsys):
    dice = random.Random(SEED)
    counts = {customers: seen(parts, customers, str(tmp_path)) for customers in parts}
    plans = choose(counts, dice)
    free = {customers: list(some) for customers, some in parts.items()}
    began = time.monotonic()

    def one(plan):
        part = free[plan.customers].pop()
        try:
            return run(part, plan)
        finally:
            free[plan.customers].append(part)

    results = []
    pools = {customers: concurrent.futures.ThreadPoolExecutor(len(some)) for customers, some in free.items()}
    waiting = [pools[plan.customers].submit(one, plan) for plan in plans]
    for done in concurrent.futures.as_completed(waiting):
        results.append(done.result())
    died = Counter(p.place + (" (power)" if p.power else "") for r in results for p in r.died)
    with capsys.disabled():
        print("\nTIELINE_SEED=%d: %d deaths in %d conversations, %d starts, %d messages judged, %.0f s"
              % (SEED, sum(died.values()), len(results), sum(r.lives for r in results),
                 sum(r.messages for r in results), time.monotonic() - began))
        print("reached without a death: %s" % counts)
        print("deaths at: %s" % ", ".join("%s %d" % item for item in sorted(died.items())))
    wrong = [r.wrong for r in results if r.wrong]
    assert not wrong, "%d of %d: %s" % (len(wrong), len(results), "\n\n".join(wrong[:4]))
    # A point that another order of threads did not reach is no failure; many would be.
    assert sum(died.values()) >= 0.85 * sum(len(p.deaths) for p in plans)
    if POINTS >= 400:
        assert {p.place for r in results for p in r.died} == set(PLACES)
