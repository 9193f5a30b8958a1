"""A larger past, moved while everything that can go wrong does.

By default small enough for every run; PEOPLE, TURNS and KILLS in the environment make it as large as one likes.
"""

import json
import os
import random
import subprocess
import time

from test_migrate import bare, migrate, moved, tieline
from world import BIN, PATIENCE, eventually, unique

PEOPLE, TURNS, KILLS = (int(os.environ.get(k, v)) for k, v in (("PEOPLE", 30), ("TURNS", 20), ("KILLS", 3)))
LONG = 60 + PATIENCE + PEOPLE * TURNS / 10
ODD = ["\u202eright to left", "a\r\nb", "  blanks  ", "**bold** _it_ `code`", "{{contact.name}} {% if x %}", "${NAME}", "\U0001f600" * 50,
       "x" * 3000, "<b>html</b> & <script>alert(1)</script>", "\\ not a command", "> quote\n- list\n1. one", "\u0000nul", "0",
       "[label](https://example.com/a?b=c&d=e)", "tl1:00000000:000000:m1:00000000000000000000:0:00000000", "| a | b |\n|---|---|"]
PIXEL = {"name": "pixel.png", "type": "image/png", "text": "not really one"}


def past(world, dice):
    """All at once, in order within each conversation: {id: how many are to be carried}."""
    world.mode(drop=1.0)
    out = {}
    for i in range(PEOPLE):
        person = unique("person")
        said = [{"platform": "smartify", "as": "customer", "person": person, "text": unique("first")}]
        mine = world.sandbox("POST", "/say", said)[0]["conversation"]
        said, carried = [], 1
        for _ in range(TURNS - 1):
            role = dice.choice(["customer", "customer", "agent", "bot"])
            one = {"platform": "smartify", "as": role, "person": person, "conversation": mine, "text": "%s %s" % (
                unique("turn"), dice.choice(ODD)) if dice.random() < 0.3 else unique("turn")}
            carried += 1
            if role == "agent" and dice.random() < 0.1:
                one["subtype"] = "private"
                carried -= 1
            elif dice.random() < 0.05 and "file" not in one:
                one["file"] = PIXEL
            said.append(one)
        world.sandbox("POST", "/say", said, timeout=300)
        out[mine] = carried
        if i % 3 == 0:
            world.act("smartify", "close", mine)
    world.mode(drop=0)
    return out


def written(world):
    return sum(1 for t in world.threads("chatwoot") for m in t["messages"] if m["by_relay"])


def test_while_all_goes_wrong(make_world):
    seed = int(os.environ.get("SEED", random.randrange(10000)))
    print("SEED=%d" % seed)
    dice = random.Random(seed)
    world = make_world("smartify", start=False, sandbox=("--no-limits",), quiet=True,
                       process={"media": {"allow_private": ["127.0.0.0/8"]}})
    carried = past(world, dice)
    total = sum(carried.values())
    time.sleep(2.5)     # a conversation that is younger has no past worth looking for
    world.relay.start()
    plan = migrate(world, "--dry-run")
    assert plan["written"] == total and plan["adds_up"], plan
    with subprocess.Popen([BIN, "migrate", "--from", "shop", "--to", "desk", "-c", world.relay.config],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as command:
        live = []
        for i in range(KILLS):
            least = total * (i + 1) * dice.uniform(0.5, 0.9) / (KILLS + 1)
            eventually(lambda: written(world) >= least, "some of it", LONG, 0.05)
            mine = dice.choice(list(carried))
            live.append((mine, unique("live")))
            world.say("smartify", "customer", live[-1][1], conversation=mine, person=mine.split("-", 4)[-1])
            if i == 0:
                world.fault("chatwoot", "POST", "/messages$", "status", status=429, count=3, headers={"Retry-After": "1"})
            if i == 1:
                world.fault("chatwoot", "POST", "/messages$", "status", status=502, count=5)
            world.relay.kill()
            world.relay.start()
        command.wait(LONG)
    ended = eventually(lambda: [m for m in world.relay.api("/api/v1/migrations")["items"] if not m["running"]], "it is over", LONG, 0.3)
    assert ended[0]["failed"] == 0 and ended[0]["adds_up"], ended[0]
    for _, text in live:
        world.arrives("chatwoot", text, LONG)
    # What was said live stands behind the history of its conversation.
    for mine, text in live:
        there = next(t for t in world.threads("chatwoot") if any(text in (m["text"] or "") for m in t["messages"]))
        texts = [m["text"] for m in there["messages"] if m["by_relay"]]
        # (It may have been read as a part of that, where its callback had died with the relay.)
        at = next(i for i, t in enumerate(texts) if text in t)
        assert all("UTC]" not in t for t in texts[at + 1:]), texts
    told = migrate(world, "--verify")
    assert told["state"] == "verified" and told["verify"]["compared"] == total + len(live), told
    last = migrate(world)
    assert last["written"] == 0 and last["adds_up"], last
    assert len(world.threads("chatwoot")) == PEOPLE
    states = {t["status"] for t in world.threads("chatwoot")}
    assert states <= {"open", "resolved"}, states
    assert not world.parked()
