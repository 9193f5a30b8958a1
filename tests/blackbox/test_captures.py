"""Every captured callback, as a running server sent it, fed to a running relay: what arrives at the desk is what
`tieline explain` says of it (tests/explain/captures.jsonl), once, and nothing else."""

import json
import os

from world import PROJECT, SECRETS, eventually, request

HERE = os.path.dirname(os.path.abspath(__file__))
EXPLAIN = os.path.join(HERE, "..", "explain", "captures.jsonl")
FIXTURES = os.path.join(HERE, "..", "connector", "smartify")

DELIVERED = 10
LONGEST = 150000     # code points of one message at Chatwoot


def captures():
    """Body, in the sandbox's project, and the line that explain gives for it."""
    with open(EXPLAIN, encoding="utf-8") as f:
        for row in map(json.loads, f):
            with open(os.path.join(FIXTURES, row["fixture"] + ".json"), "rb") as body:
                line = row["line"]
                if "times" in row:
                    line["text"] *= row["times"]
                yield row["fixture"], body.read().replace(row["project"].encode(), PROJECT.encode()), line


def post(world, body):
    return request(world.port, "POST", "/hooks/shop/" + SECRETS["shop_key"], body,
                   {"Content-Type": "application/json", "x-hook-secret": SECRETS["shop_secret"]})


# Buttons of an agent's message, as the desk shows them below its text.
BUTTONS = {"00225-message.create": "1. Yes\nSite: https://x.org\n2. Act"}


def shown(line, buttons=None):
    """The message as the desk shows it: agents and bots by name, files named, since their servers do not exist."""
    lines = [line["text"]] if line["text"] else []
    lines += [buttons] if buttons else []
    for file in line["attachments"]:
        lines.append("[file not available: %s, its address leads nowhere]" % file["name"])
    text = "\n".join(lines)
    if line["author"]["role"] != "customer" and line["author"]["name"]:
        text = "%s: %s" % (line["author"]["name"], text)
    # One of them is longer than a message may be there, and has no blank to cut it at.
    return [text[i:i + LONGEST] for i in range(0, len(text), LONGEST)]


def at_the_desk(world):
    """What the relay wrote there."""
    return sorted(m["text"].replace("\u200b", "") for t in world.threads("chatwoot") for m in t["messages"]
                  if m["by_relay"])


def test_all_of_them(make_world):
    world = make_world(sandbox=("--no-limits",))
    expected, messages = [], 0
    for name, body, line in captures():
        answer = post(world, body)
        assert (answer.status, answer.json) == (200, {"status": "ok"}), name
        if line["type"] == "event" and line["kind"] == "message":
            expected += shown(line, BUTTONS.get(name))
            messages += 1
    assert messages > 40
    eventually(lambda: len(at_the_desk(world)) == len(expected), "all of them are delivered")
    assert at_the_desk(world) == sorted(expected)
    eventually(lambda: world.query("SELECT count(*) FROM delivery WHERE state < ?", DELIVERED) == [(0,)], "all is settled")
    deliveries = world.query("SELECT count(*) FROM delivery")    # of states, too

    # Again, as after lost answers: all is known.
    for name, body, _ in captures():
        assert post(world, body).status == 200, name
    assert world.query("SELECT count(*) FROM delivery") == deliveries
    assert at_the_desk(world) == sorted(expected)
