"""What `tieline export` wrote is moved from the file: complete, once, over any stop, or refused as a whole."""

import json
import os
import shutil
import signal
import subprocess
import time

import pages
from hotel import phone
from hub import HOTEL, Hub
from test_migrate import bare, moved, past, tieline
from world import BIN, eventually, unique


def take(world, path, *args, code=0):
    return json.loads(tieline(world, "migrate", "--file", path, "--to", "desk", "--json", *args, code=code).stdout)


def exported(world, name="past.jsonl"):
    path = os.path.join(world.folder, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(tieline(world, "export", "--endpoint", "shop").stdout)
    return path


def lose_store(world):
    world.relay.stop()
    for name in os.listdir(world.folder):
        if name.startswith("tieline.db"):
            os.unlink(os.path.join(world.folder, name))
    world.relay.start()


def test_round_trip(make_world):
    """Exported, the store lost, taken in; then once more, with all of it told twice; and live goes on behind it."""
    world = make_world("smartify", start=False)
    said = past(world, 5, 7)
    closed = list(said)[0]
    world.act("smartify", "close", closed)
    world.relay.start()
    path = exported(world)
    lose_store(world)
    plan = take(world, path, "--dry-run")
    assert plan["state"] == "planned" and plan["conversations"] == 5 and plan["written"] == 40 and plan["adds_up"], plan
    assert not world.threads("chatwoot")
    done = take(world, path)
    assert done["state"] == "finished" and done["written"] == 40 and done["failed"] == 0 and done["adds_up"], done
    assert done["file"] == path and done["from"] == "shop"
    there = moved(world)
    assert there == {texts[0]: texts for texts in said.values()}
    for thread in world.threads("chatwoot"):
        assert thread["status"] == ("resolved" if bare(thread["messages"][0]["text"]) == said[closed][0] else "open")
    told = take(world, path, "--verify")
    assert told["state"] == "verified" and told["verify"]["compared"] == 40, told
    # Two exports put together, and blank lines; and what a platform tells is known by the same names.
    with open(path, encoding="utf-8") as f:
        text = f.read()
    twice = os.path.join(world.folder, "twice.jsonl")
    with open(twice, "w", encoding="utf-8") as f:
        f.write(text + "\n\n" + text)
    again = take(world, twice)
    assert again["written"] == 0 and again["skipped"]["present"] == 40 and again["conversations"] == 5 and again["adds_up"]
    direct = json.loads(tieline(world, "migrate", "--from", "shop", "--to", "desk", "--json").stdout)
    assert direct["written"] == 0 and direct["skipped"]["present"] == 40, direct
    assert moved(world) == there
    mine = list(said)[1]
    live = unique("live")
    world.say("smartify", "customer", live, conversation=mine, person=mine.split("-", 4)[-1])
    theirs = world.arrives("chatwoot", live)
    assert bare(world.texts("chatwoot", theirs)[0]) == said[mine][0]
    back = unique("back")
    world.say("chatwoot", "agent", back, conversation=theirs)
    assert world.arrives("smartify", back) == mine


def test_killed_while_importing(make_world):
    """It goes on by itself, and nothing is there twice, or missing, or out of order."""
    world = make_world("smartify", start=False)
    said = past(world, 6, 10)
    world.relay.start()
    path = exported(world)
    lose_store(world)
    with subprocess.Popen([BIN, "migrate", "--file", path, "--to", "desk", "-c", world.relay.config],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as command:
        eventually(lambda: sum(len(t["messages"]) for t in world.threads("chatwoot")) >= 20, "some of it")
        world.relay.kill()
        world.relay.start()
        command.wait(60)
    done = take(world, path)
    assert done["adds_up"] and done["failed"] == 0 and done["state"] == "finished", done
    assert moved(world) == {texts[0]: texts for texts in said.values()}


TALK = {"type": "conversation", "endpoint": "shop", "platform": "smartify", "id": "c1", "state": "open",
        "begun": "2026-03-05T09:24:00.000Z", "person": {"identity": "smartify:p:lead", "id": "lead", "address": "lead"}}
WORD = {"type": "message", "conversation": "c1", "id": "m1", "at": "2026-03-05T09:24:00.000Z", "role": "customer",
        "author": "lead", "private": False, "flags": [], "format": "plain", "text": "Where is my order?", "files": []}


def lines(*items):
    return b"".join(item if isinstance(item, bytes) else json.dumps(item).encode() + b"\n" for item in items)


WRONG = [
    # What is in the file, and what is said of it.
    (b"", ["there is no conversation in it"]),
    (lines(TALK, WORD)[:-20], ["line 2", "cut off"]),
    (lines(TALK, b"what?\n"), ["line 2", "byte 1", "a JSON object"]),
    (lines(TALK, [1]), ["line 2: found a list; allowed: a JSON object"]),
    (lines(TALK, b'{"type":"mess\0age"}\n'), ["line 2", "NUL"]),
    (lines(TALK, b'{"type":"message","text":"\xff"}\n'), ["line 2", "byte 27"]),
    (lines(TALK, dict(WORD, text="x" * (10 << 20)), WORD), ["line 2", "longer than 4194304 bytes"]),
    (lines(b"[" * 100000 + b"\n"), ["line 1"]),
    (lines(dict(TALK, type="talk")), ["line 1: type: found \"talk\"; allowed: conversation, message"]),
    (lines(dict(TALK, endpoint="front")), ["line 1: endpoint: found \"front\"; allowed: shop"]),
    (lines(dict(TALK, state="on")), ["line 1: state: found \"on\"; allowed: open, pending, snoozed, resolved"]),
    (lines(dict(TALK, person=None)), ["line 1: person: found nothing; allowed: an object"]),
    (lines(dict(TALK, person={"identity": 7})), ["line 1: person.identity: found a number; allowed: a text"]),
    (lines(dict(TALK, tags=["a", 1])), ["line 1: tags[1]: found a number"]),
    (lines(WORD), ["line 1: conversation: found one without a line of its own"]),
    (lines(TALK, dict(WORD, conversation="c2")), ["line 2: conversation: found \"c2\"; allowed: \"c1\""]),
    (lines(TALK, dict(WORD, id="")), ["line 2: id: found an empty text"]),
    (lines(TALK, WORD, b"\n", dict(WORD, at=5)), ["line 4: at: found a number; allowed: a time like"]),
    (lines(TALK, dict(WORD, role="king")), ["line 2: role: found \"king\"; allowed: customer, agent, bot, system"]),
    (lines(TALK, dict(WORD, private="no")), ["line 2: private: found \"no\"; allowed: true, false"]),
    (lines(TALK, dict(WORD, flags=["odd"])), ["line 2: flags: found \"odd\"; allowed: draft, hidden"]),
    (lines(TALK, dict(WORD, text={})), ["line 2: text: found an object; allowed: a text"]),
    (lines(TALK, dict(WORD, files=[{"kind": "image", "size": -1}])), ["line 2: files[0].size: found a number"]),
    (lines(TALK, dict(WORD, files=[{}])), ["line 2: files[0].kind: found nothing; allowed: image, audio"]),
]


def test_hostile_files(make_world):
    """Where a line is not understood it is named, with what is allowed there, and nothing is written."""
    world = make_world("smartify")
    path = os.path.join(world.folder, "wrong.jsonl")
    for content, words in WRONG:
        with open(path, "wb") as f:
            f.write(content)
        told = take(world, path, code=1)
        assert told["state"] == "failed" and told["written"] == told["conversations"] == 0, (content[:200], told)
        assert path in told["reason"] and all(w in told["reason"] for w in words), (words, told["reason"])
    assert take(world, path, "--dry-run", code=1)["state"] == "failed"
    assert "neither a regular file nor a folder" in take(world, "/dev/null", code=1)["reason"]
    assert "No such file" in tieline(world, "migrate", "--file", path + "x", "--to", "desk", code=66).stderr
    assert "no bridge has shop as agents" in tieline(world, "migrate", "--file", path, "--to", "shop", code=1).stderr
    assert "--to" in tieline(world, "migrate", "--file", path, code=64).stderr
    assert not world.threads("chatwoot")
    # Put right, the same command goes through. What a later version may add is passed over.
    with open(path, "wb") as f:
        f.write(lines(b"\xef\xbb\xbf", dict(TALK, mood="fine"), dict(WORD, stars=[1, {"of": 5}])).rstrip(b"\n"))
    done = take(world, path)
    assert done["state"] == "finished" and done["written"] == 1 and done["adds_up"], done
    assert moved(world) == {WORD["text"]: [WORD["text"]]}


def test_changed_under_way(make_world):
    """What is read must be what was checked: the run ends, and the same command goes on with the file as it is now."""
    world = make_world("smartify")
    path = os.path.join(world.folder, "long.jsonl")
    texts = ["word %02d" % i for i in range(41)]

    def talk(i):
        person = {"identity": "smartify:p:lead%d" % i, "id": "lead%d" % i, "address": "lead%d" % i}
        return lines(dict(TALK, id="c%d" % i, person=person), dict(WORD, conversation="c%d" % i, id="m%d" % i, text=texts[i]))

    with open(path, "wb") as f:
        f.write(b"".join(talk(i) for i in range(40)))
    with subprocess.Popen([BIN, "migrate", "--file", path, "--to", "desk", "--json", "-c", world.relay.config],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as command:
        eventually(lambda: world.threads("chatwoot"), "some of it")
        with open(path, "ab") as f:
            f.write(talk(40))
        told = json.loads(command.communicate(timeout=120)[0])
    assert told["state"] == "failed" and "has changed" in told["reason"] and 0 < told["written"] < 40, told
    done = take(world, path)
    assert done["id"] == told["id"] and done["state"] == "finished" and done["written"] == 41 and done["adds_up"], done
    assert moved(world) == {text: [text] for text in texts}


def at_hub(hub, *args, code=0):
    ran = subprocess.run([BIN, "migrate", "--json", *args, "-c", hub.relay.config], capture_output=True, text=True, timeout=300)
    assert ran.returncode == code, (args, ran.returncode, ran.stdout, ran.stderr, hub.relay.log()[-4000:])
    return json.loads(ran.stdout)


def said_before(hub):
    """At each platform, before anybody listens: {endpoint: texts of each conversation}."""
    said = {}
    for name, sandbox, platform in (("shop", hub.main, "smartify"), ("mail", hub.third, "chatwoot"), ("front", hub.main, "smartsender")):
        sandbox("POST", "/hooks/mode", {"drop": 1.0})
        for turns in (2, 5, 27 if platform == "chatwoot" else 1):
            person, texts = unique("person"), [unique(name)]
            id = sandbox("POST", "/say", {"platform": platform, "as": "customer", "person": person, "text": texts[0], "wait": True})["conversation"]
            for turn in range(turns):
                texts.append(unique(name))
                role = "agent" if turn % 2 and platform != "smartsender" else "customer"
                sandbox("POST", "/say", {"platform": platform, "as": role, "person": person, "conversation": id,
                                         "text": texts[-1], "wait": True})
            said.setdefault(name, {})[id] = texts
        closing = {"platform": platform, "action": "resolve" if platform == "chatwoot" else "close", "conversation": id}
        sandbox("POST", "/act", closing)
    for _ in range(3):
        person = phone()
        said.setdefault("hotel", {})[person] = [unique("hotel") for _ in range(4)]
        for text in said["hotel"][person]:
            hub.far("POST", "/say", {"from": person, "text": text})
    for platform, sandbox, specs in MORE:
        person, id = unique("person"), None
        for spec in specs:
            row = sandbox(hub)("POST", "/say", dict({"platform": platform, "as": "customer", "person": person, "text": "", "wait": True},
                                                    **({"conversation": id} if id else {}), **spec))
            id = row["conversation"]
        hub.more = id       # of the last one, Smart Sender
    time.sleep(1.1)     # times of some are whole seconds: what is of the second the bridge begins in is live
    return said


# What is more than a text, in a conversation of its own.
BUTTONS = [{"type": "text", "value": "Yes"}, {"type": "url", "value": "Site", "link": "https://x.example/"}]
PLACE = {"type": "location", "resource": {"parameters": {"latitude": "52.5", "longitude": 13.25, "title": "Here"}}}
MORE = [
    ("smartify", lambda hub: hub.main, [
        {"text": "Hello <b>there</b> ${x}"},
        {"as": "bot", "text": "Pick", "attributes": {"attachment": {"type": "template", "buttons": BUTTONS}}},
        {"as": "bot", "text": "Look", "attributes": {"attachment": {"type": "gallery", "gallery": [
            {"preview": {"src": "https://x.example/1.png"}, "title": "Red", "description": "Warm", "buttons": BUTTONS}]}}},
        {"as": "agent", "text": "a note", "subtype": "private"},
        {"text": "a file", "file": {"name": "a.txt", "type": "text/plain", "text": "words"}}]),
    ("chatwoot", lambda hub: hub.third, [
        {"text": "  two\n\nlines  "},
        {"as": "agent", "text": "**bold** and `code`"},
        {"as": "agent", "text": "Which?", "content_type": "input_select", "content_attributes": {"items": [
            {"title": "One", "value": "1"}, {"title": "Two", "value": "2"}]}},
        {"as": "agent", "text": "a note", "private": True},
        {"text": "places", "attachments": [{"file_type": "location", "coordinates_lat": 1.5, "coordinates_long": 2.5, "fallback_title": "Here"}]},
        {"text": "", "files": [{"name": "a.txt", "type": "text/plain", "text": "words"}]}]),
    ("smartsender", lambda hub: hub.main, [
        {"text": "hi"}, {"content": PLACE},
        {"content": {"type": "contact", "resource": {"parameters": {"name": "Jo", "phoneNumber": "+4915550100021"}}}},
        {"content": {"type": "telegramInvoice", "resource": {"parameters": {"receipt": {"title": "Room", "description": "9"}}}}}]),
]


def test_saved_pages():
    """Each platform's own answers, saved page by page, are its history: in order, each once, ended as it was there."""
    # A second sweep would take what was said just before for live.
    hub = Hub(start=False, sweep="1h", lines="drop", desk={"conversation_rate": 0})
    try:
        said = said_before(hub)
        folders = {name: os.path.join(hub.folder, name) for name in said}
        pages.smartify(hub.main, folders["shop"])
        pages.chatwoot(hub.third, folders["mail"])
        pages.smartsender(hub.main, folders["front"])
        pages.syniverse(hub.main, folders["hotel"], HOTEL["token"])
        hub.start()
        for name, talks in said.items():
            count = sum(len(texts) for texts in talks.values())
            args = ("--file", folders[name], "--to", "desk", "--from", name)
            plan = at_hub(hub, *args, "--dry-run")
            assert plan["state"] == "planned" and plan["written"] >= count and plan["conversations"] >= len(talks), (name, plan)
            done = at_hub(hub, *args)
            assert done["state"] == "finished" and done["written"] == plan["written"] and done["failed"] == 0 and done["adds_up"], (name, done)
            assert done["file"] == folders[name] and done["skipped"] == plan["skipped"]
            again = at_hub(hub, *args)
            assert again["written"] == 0 and again["skipped"]["present"] == done["written"], (name, again)
            threads = hub.main("GET", "/threads?limit=1000&messages=1000&fresh=1")["chatwoot"]
            there = [[bare(m["text"]) for m in t["messages"] if bare(m["text"] or "").startswith(name)] for t in threads]
            threads, there = zip(*((t, texts) for t, texts in zip(threads, there) if texts))
            assert sorted(there) == sorted(talks.values()), name
            if name != "hotel":
                closed = list(talks.values())[-1]
                assert [t["status"] == "resolved" for t in threads] == [words == closed for words in there], name
            # What stands there is what each of the three sources says (the Two-Way Chat of the hotel has no history).
            if name == "hotel":
                told = at_hub(hub, *args, "--verify")
                assert told["state"] == "verified" and told["verify"]["compared"] == count, told
                continue
            lines = os.path.join(hub.folder, name + ".jsonl")
            only = ("--only", str(hub.more)) if name == "front" else ()     # where reading takes its time
            with open(lines, "w", encoding="utf-8") as f:
                subprocess.run([BIN, "export", "--endpoint", name, "-c", hub.relay.config, *only], stdout=f, check=True, timeout=300)
            platform = ("--from", name, "--to", "desk")
            for source in (args, ("--file", lines, *platform), (*platform, *only)):
                told = at_hub(hub, *source, "--verify")
                wanted = len(MORE[-1][2]) if only and source != args else done["written"]
                assert told["state"] == "verified" and told["verify"]["compared"] == wanted, (source, told)
        # One of them by itself: all that there is of a conversation, in one answer.
        alone = os.path.join(folders["hotel"], "all-0.json")
        assert at_hub(hub, "--file", alone, "--to", "desk", "--from", "hotel")["skipped"]["present"] == 3
        no_such_pages(hub, folders)
    finally:
        hub.end()


def no_such_pages(hub, folders):
    """What is wrong in a folder is named, and nothing is written."""
    for name, file, content, words in WRONG_PAGES:
        folder = os.path.join(hub.folder, "wrong")
        shutil.copytree(folders[name], folder)
        with open(os.path.join(folder, file), "wb") as f:
            f.write(content if isinstance(content, bytes) else json.dumps(content).encode())
        told = at_hub(hub, "--file", folder, "--to", "desk", "--from", name, code=1)
        assert told["state"] == "failed" and told["written"] == told["conversations"] == 0, (name, file, told)
        assert told["reason"].startswith(folder + "/") and all(w in told["reason"] for w in words), (words, told["reason"])
        assert file in told["reason"] or "no page tells" in told["reason"], (file, told["reason"])
        shutil.rmtree(folder)
    os.mkdir(folder)
    told = at_hub(hub, "--file", folder, "--to", "desk", "--from", "shop", code=1)
    assert "there is no page in it; allowed: files called *.json" in told["reason"]


WRONG_PAGES = [
    # Of which platform, in which file, what; and what is said of it. More of them: tests/connector/test_saved.c.
    ("shop", "m0.json", b'[{"_id": "6b00"', ["byte 16", "allowed: a JSON document"]),
    ("shop", "requests-0.json", {"requests": []}, ["conversation: found \"support-group-", "which no page tells"]),
    ("mail", "more.json", {"payload": [{"id": 1}]}, ["payload[0].inbox_id: found nothing; allowed: the inbox's id"]),
    ("front", "messages.json", {"collection": [{"id": 1, "content": {}, "createdAt": "2024-03-05 17:44:58"}]},
     ["allowed: a file called messages-ID.json"]),
]


def test_stopped_exports(make_world):
    """A relay that stops says so to who reads history; a command that is stopped leaves whole lines behind."""
    world = make_world("smartify", start=False, shop={"timeout": "2s"})
    past(world, 3, 2)
    world.relay.start()
    whole = tieline(world, "export", "--endpoint", "shop").stdout.splitlines()
    for stop, code, word in ((lambda c: world.relay.stop(), 75, "the relay stops"), (lambda c: c.send_signal(signal.SIGINT), 130, "stopped after 1 ")):
        world.sandbox("DELETE", "/requests")
        world.fault("smartify", "GET", "/messages$", "hang", nth=2, count=1000)
        with subprocess.Popen([BIN, "export", "--endpoint", "shop", "-c", world.relay.config], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as command:
            eventually(lambda: len(world.requests("/messages$")) >= 2, "it waits for the second conversation")
            stop(command)
            out, err = command.communicate(timeout=60)
        assert command.returncode == code and word in err, (code, command.returncode, err)
        assert [json.loads(line)["type"] for line in out.splitlines()].count("conversation") == 1
        assert out.endswith("\n") and whole[:len(out.splitlines())] == out.splitlines()
        world.calm()
        if world.relay.process.poll() is not None:
            assert world.relay.process.returncode == 0
            world.relay.start()
    assert tieline(world, "export", "--endpoint", "shop").stdout.splitlines() == whole
