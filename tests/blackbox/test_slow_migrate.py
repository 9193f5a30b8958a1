"""A past of every kind of content, moved over each pair of platforms while everything that can go wrong does: kills,
429s, 502s, outages, lost answers; people write meanwhile, and conversations are deleted.

Small by default, and all pairs at once; PEOPLE, TURNS and KILLS in the environment make it as large as one likes, and
then one after the other. SEED repeats a choice. Each pair ends with a line of what it took.
"""

import json
import os
import random
import re
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import past
from hotel import Hotel, phone
from test_import import lose_store
from world import BIN, PATIENCE, SANITIZED, World, eventually, unique

PEOPLE, TURNS, KILLS = (int(os.environ.get(k, v)) for k, v in (("PEOPLE", 16), ("TURNS", 12), ("KILLS", 1)))
SEED = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 1 << 30)
TOTAL = PEOPLE * TURNS
FEW = PEOPLE // 2 if TOTAL < 2000 else PEOPLE // 10     # at Smart Sender, of which half of 180 requests a minute is read
AT_ONCE = int(os.environ.get("AT_ONCE", 5 if TOTAL < 2000 else 1))
LONG = 4 * PATIENCE + 40 * KILLS + TOTAL / 5
AGO = 3600      # what is polled looks ten minutes back, so a past is older
GROWTH = 8 << 20       # of the relay's peak, from a tenth of the past to all of it


class Talk:
    """One conversation there: what was said in it before, and what is said while it is moved."""

    def __init__(self, person, id, said):
        self.person, self.id, self.said = person, id, said
        self.later = []         # words, in order
        self.is_closed = self.is_deleted = False

    def words(self):
        return [s.word for s in self.said if s.is_carried and s.has_word] + self.later


class Show:
    """Over one pair. file: from an export of the source, the store being lost."""

    def __init__(self, name, source, target, is_file=False):
        self.name, self.source, self.target, self.is_file = name, source, target, is_file
        self.dice = random.Random("%d %s" % (SEED, name))
        self.talks, self.lives, self.silent = [], 0, 0
        self.people = FEW if source == "smartsender" else PEOPLE
        self.memory = {}        # when: bytes
        self.world = self.make()
        self.ends = ({"smartify": "shop", "chatwoot": "desk", "smartsender": "front", "syniverse": "hotel"}[source],
                     {"smartify": "shop", "chatwoot": "desk"}[target])
        self.far = self.world.sandbox.ready["syniverse"]

    def make(self):
        process = {"media": {"allow_private": ["127.0.0.0/8"]}}
        desk = {"rate": 0, "conversation_rate": 0}
        options = ("--no-limits", "--syniverse")
        if self.source == "syniverse":
            hotel = Hotel(hotel={"inbound": "poll", "receive": "poll 2s"}, desk_options=desk, settings={"source": "nobody"}, start=False,
                          process=process, quiet=True)
            return hotel
        bridge = {"mirror_agents": "relay"} if self.source == "smartsender" else None
        world = World(self.source, desk=desk, bridge=bridge, process=process, sandbox=options,
                      start=False, quiet=True, wakes=False)
        world.sandbox("PUT", "/settings", {"platform": "smartify", "retry_scale": 0.3})
        return world

    # -- the past ------------------------------------------------------------------------------------------------

    def words(self, count):
        return [unique("w") for _ in range(count)]

    def spec(self, said, talk):
        out = dict(said.spec, person=talk.person)
        for key in ("content", "media_urls"):
            if callable(out.get(key)):
                out[key] = out[key](self.far)
        if "files_" in out:
            out["files"] = out.pop("files_")
        if out.get("content_attributes") == {"in_reply_to": "FIRST"}:
            out["content_attributes"] = {"in_reply_to": talk.first}
        return out

    def tell(self, specs):
        """At the source, in order; the ids."""
        if self.source == "syniverse":
            return self.world.far_call("POST", "/say", [dict(s, **{"from": s["person"]}) for s in specs])
        out = [dict(s, platform=self.source) for s in specs]
        return self.world.sandbox("POST", "/say", out, timeout=300)

    def made_up(self, index):
        """The first word of each is a customer's, and one conversation has each kind of content."""
        person = phone() if self.source == "syniverse" else unique("person")
        count = len(past.MAKERS[self.source]) if index == 0 else TURNS - 1
        make = past.each_kind if index == 0 else past.turns
        return Talk(person, person, [past.plain("customer")(self.words(1)[0], self.dice)]
                    + make(self.source, self.dice, self.words(count)))

    def tell_all(self, talk, index):
        """One conversation, and what becomes of it."""
        ago = {"ago": AGO} if self.source == "smartsender" else {}
        [first] = self.tell([dict(self.spec(talk.said[0], talk), **ago)])
        talk.id, talk.first = first["conversation"], first["message"]
        ids = self.tell([dict(self.spec(s, talk), conversation=talk.id, **ago) for s in talk.said[1:]])
        for said, id in zip(talk.said[1:], ids):
            if said.then:
                self.world.act(self.source, said.then["action"], talk.id, message=id["message"],
                               **{k: v for k, v in said.then.items() if k != "action"})
        if index % 3 == 0:
            self.world.act(self.source, "close", talk.id)
            talk.is_closed = True

    def fill(self):
        hooks = self.world.sandbox
        hooks("POST", "/hooks/mode", {"drop": 1.0})
        self.talks = [self.made_up(index) for index in range(self.people)]
        if self.source == "syniverse":      # one list for all: they write in turns
            for turn in range(max(TURNS, len(past.MAKERS[self.source]) + 1)):
                self.tell([dict(self.spec(t.said[turn], t), ago=AGO) for t in self.talks if turn < len(t.said)])
        else:
            for index, talk in enumerate(self.talks):
                self.tell_all(talk, index)
        hooks("POST", "/hooks/mode", {"drop": 0})

    def total(self):
        return sum(1 for t in self.talks for s in t.said if s.is_carried)

    # -- commands ------------------------------------------------------------------------------------------------

    def command(self, *args):
        which = ["--file", self.path, "--to", self.ends[1]] if self.is_file else ["--from", self.ends[0], "--to", self.ends[1]]
        return [BIN, "migrate", *which, "-c", self.world.relay.config, *args]

    def migrate(self, *args, code=0):
        ran = subprocess.run(self.command("--json", *args), capture_output=True, text=True, timeout=LONG)
        assert ran.returncode == code, (self.name, args, ran.stdout, ran.stderr, self.world.relay.log()[-3000:])
        return json.loads(ran.stdout)

    def export(self):
        self.path = os.path.join(self.world.folder, "past.jsonl")
        with open(self.path, "w", encoding="utf-8") as f:
            subprocess.run([BIN, "export", "--endpoint", self.ends[0], "-c", self.world.relay.config], stdout=f, check=True,
                           timeout=LONG)
        lose_store(self.world)

    # -- what goes wrong -----------------------------------------------------------------------------------------

    def faults(self):
        """At both ends, at random places."""
        total, out = self.total(), []
        writes = {"chatwoot": "/messages$", "smartify": "/requests/[^/]*/messages$"}[self.target]

        def add(platform, method, path, among, action, count=1, **more):
            out.append(dict(more, platform=platform, method=method, path=path, action=action, count=count,
                            nth=self.dice.randint(1, max(1, int(among)))))
        if self.target != "chatwoot" or KILLS > 1:
            # Once, since for a Chatwoot that does not say how long this means the next minute.
            add(self.target, "POST", writes, total * 0.6, "status", 2, status=429)
        for _ in range(KILLS):
            add(self.target, "POST", writes, total * 0.6, "status", 3, status=429, headers={"Retry-After": "1"})
            add(self.target, "POST", writes, total * 0.6, "html", 2, status=502)
            add(self.target, "POST", writes, total * 0.3, "drop_answer")
            add(self.target, "POST", writes, total * 0.3, "status_after_commit", status=500)
        reads = self.people * 0.6
        for _ in range(max(1, min(KILLS, int(reads / 30)))):    # an end that fails all the time is asked ever more rarely
            add(self.source, "GET", "", reads, "status", 2, status=429, headers={"Retry-After": "1"})
            add(self.source, "GET", "", reads, "html", 3, status=502)
            add(self.source, "GET", "", reads, "truncate")
            add(self.source, "GET", "", reads, "reset")
        self.world.sandbox("POST", "/faults", [f for f in out if not self.is_file or f["platform"] == self.target])

    def outage(self, platform, seconds):
        rule = {"platform": platform, "path": "", "action": self.dice.choice(["html", "reset"]), "status": 503, "count": 0}
        before = self.world.sandbox("GET", "/faults")
        self.world.sandbox("POST", "/faults", [rule])
        time.sleep(seconds)
        self.world.sandbox("DELETE", "/faults")
        left = [dict({k: v for k, v in f.items() if k not in ("hits", "fired")}, nth=max(1, f["nth"] - f["hits"]))
                for f in before if f["fired"] == 0]
        self.world.sandbox("POST", "/faults", left)

    # -- what people do meanwhile ----------------------------------------------------------------------------------

    def free(self, is_busy):
        """One that nothing else is done to, or (is_busy) that is spoken in already, too."""
        found = [t for t in self.talks[1:] if not t.is_closed and not t.is_deleted and (is_busy or not t.later)
                 and not getattr(t, "is_silent", False)]
        return self.dice.choice(found)

    def live(self):
        talk, word = self.free(True), unique("live")
        self.tell([{"as": "customer", "text": word, "person": talk.person, "conversation": talk.id, "wait": True}])
        talk.later.append(word)
        self.lives += 1

    def untold(self):
        """Where callbacks are lost: only the next run knows it."""
        talk, word = self.free(False), unique("silent")
        self.world.sandbox("POST", "/hooks/mode", {"platform": self.source, "drop": 1.0})
        self.tell([{"as": "agent", "text": word, "person": talk.person, "conversation": talk.id}])
        self.world.sandbox("POST", "/hooks/mode", {"platform": self.source, "drop": 0})
        talk.later.append(word)
        talk.is_silent = True
        self.silent += 1

    def delete(self):
        talk = self.free(False)
        self.world.act(self.source, "delete", talk.id)
        talk.is_deleted = True

    def meanwhile(self):
        self.live()
        self.live()
        if self.source in ("smartify", "chatwoot") and not self.is_file:
            self.untold()
            self.delete()

    # -- looking -------------------------------------------------------------------------------------------------

    def asked(self):
        """Messages that the target was asked to store."""
        counts = self.world.sandbox("GET", "/requests?limit=0")["counts"]
        return sum(n for route, n in counts.items() if route.startswith(self.target + " POST ") and route.endswith("/messages"))

    def peak(self, when=None):
        """Of the life that is."""
        with open("/proc/%d/status" % self.world.relay.process.pid, encoding="ascii") as f:
            value = int(re.search(r"VmHWM:\s+(\d+) kB", f.read()).group(1)) << 10
        if when:
            self.memory[when] = max(value, self.memory.get(when, 0))
        return value

    def ended(self):
        runs = [m for m in self.world.relay.api("/api/v1/migrations")["items"] if m["id"].startswith("m")]
        return runs[0] if runs and not runs[0]["running"] else None

    def threads(self):
        """What the relay wrote at the target: [state, [[text, files]]] of each conversation."""
        return self.world.sandbox("GET", "/written?platform=%s" % self.target, timeout=300)

    # -- the run -------------------------------------------------------------------------------------------------

    def run(self):
        relay, total = self.world.relay, self.total()
        begun = time.monotonic()
        # Kills leave the last third alone: there the life is long enough to tell whether memory is flat.
        moments = sorted(self.dice.uniform(0.1, 0.65) * total for _ in range(KILLS))
        self.faults()
        with subprocess.Popen(self.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as command:
            eventually(lambda: self.asked() >= total / 10 or self.ended(), "a tenth", LONG, 0.05)
            self.peak("tenth")
            for i, moment in enumerate(moments):
                eventually(lambda: self.asked() >= moment or self.ended(), "%d of it" % moment, LONG, 0.05)
                self.meanwhile()
                outage = threading.Thread(target=self.outage, args=(
                    self.target if i % 2 == 0 or self.is_file else self.source, self.dice.uniform(0.3, 2)))
                outage.start()
                time.sleep(self.dice.uniform(0, 0.4))
                self.peak("killed")
                relay.kill()
                relay.start()
                outage.join()
            self.meanwhile()
            command.wait(LONG)
        first = eventually(self.ended, "it is over", LONG, 0.5)
        self.seconds = time.monotonic() - begun
        self.peak("end")
        assert first["state"] == "finished" and first["failed"] == 0 and first["adds_up"], (self.name, first)
        return first

    def judge(self):
        """By words alone: each once, in order, nothing else, with its files, in a conversation of the right state."""
        threads = {}
        for state, messages in self.threads():
            texts = ["\n".join(line for line in (text or "").split("\n") if not line.startswith("> ")) for text, _ in messages]
            words = [w for text in texts for w in dict.fromkeys(re.findall(r"(?:w|live|silent)-\d+-\d+", text))]
            if not messages:
                continue        # not the relay's
            assert words and words[0] not in threads, (self.name, words[:3])
            threads[words[0]] = (state, words, messages)
        wrong, found = [], list(threads.values())
        for talk in self.talks:
            wanted = talk.words()
            state, words, messages = threads.pop(wanted[0], (None, [], []))
            if talk.is_deleted:
                if words != wanted[:len(words)]:
                    wrong.append((talk.id, "deleted", wanted, words))
                continue
            files = sum(s.files for s in talk.said)
            there = sum(count for _, count in messages)
            open, closed = {"chatwoot": ("open", "resolved"), "smartify": (200, 1000)}[self.target]
            if words != wanted or files != there or state != (closed if talk.is_closed else open):
                wrong.append((talk.id, state, files, there, [w for w in wanted if w not in words],
                              [w for w in words if w not in wanted], wanted, words))
        for one in wrong[:3]:
            print(self.name, one)
        if wrong:
            print({line for _, _, messages in found for text, _ in messages for line in (text or "").split("\n") if "[file not" in line})
        assert not wrong and not threads, (self.name, len(wrong), list(threads)[:3])

    def all_arrived(self):
        there = {w for _, messages in self.threads() for text, _ in messages for w in re.findall(r"live-\d+-\d+", text or "")}
        return all(w in there for t in self.talks for w in t.later if w.startswith("live"))

    def whole(self):
        """Everything; the line to print."""
        self.fill()
        time.sleep(2.5)     # a conversation that is younger has no past worth looking for
        self.world.relay.start()
        if self.is_file:
            self.export()
        total = self.total()
        plan = self.migrate("--dry-run")
        assert plan["written"] == total and plan["adds_up"] and plan["conversations"] == self.people, (self.name, total, plan)
        first = self.run()
        eventually(self.all_arrived, "what was said live", LONG, 1 + TOTAL / 20000)
        second = self.migrate()
        assert second["failed"] == 0 and second["adds_up"] and second["written"] <= self.silent, (self.name, second)
        self.judge()
        told = self.migrate("--verify")
        assert told["state"] == "verified", (self.name, told)
        third = self.migrate()
        assert third["written"] == 0 and third["failed"] == 0 and third["adds_up"], (self.name, third)
        self.judge()
        assert not self.world.parked()
        self.peak("after")
        if not SANITIZED:
            assert max(self.memory["end"], self.memory["after"]) <= self.memory["tenth"] + GROWTH, (self.name, self.memory)
        assert first["written"] + self.lives > 0
        return "%s: %d conversations, %d messages, %d live, %d kills; %.0f s, %.1f messages/s; memory %s MB; SEED=%d" % (
            self.name, self.people, total, self.lives, KILLS, self.seconds, total / self.seconds,
            ", ".join("%s %.1f" % (when, value / (1 << 20)) for when, value in self.memory.items()), SEED)


PAIRS = {"smartify-chatwoot": ("smartify", "chatwoot"), "chatwoot-smartify": ("chatwoot", "smartify"),
         "smartsender-chatwoot": ("smartsender", "chatwoot"), "syniverse-chatwoot": ("syniverse", "chatwoot"),
         "file-chatwoot": ("smartify", "chatwoot", True)}


def show(name):
    made = Show(name, *PAIRS[name])
    try:
        line = made.whole()
    except BaseException as error:
        print("%s SEED=%d\n%s" % (name, SEED, made.world.relay.log()[-4000:]))
        made.world.relay.kill()
        raise error
    finally:
        made.world.end() if made.world.relay.process.poll() is None else None
    return line


@pytest.fixture(scope="module")
def shows(request):
    """Those that are asked for, side by side: they mostly wait."""
    names = [i.callspec.params["pair"] for i in request.session.items if i.fspath == request.node.fspath]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {name: pool.submit(show, name) for name in names}


@pytest.mark.parametrize("pair", PAIRS)
def test_while_all_goes_wrong(shows, capsys, pair):
    line = shows[pair].result()
    with capsys.disabled():
        print("\n" + line, flush=True)
