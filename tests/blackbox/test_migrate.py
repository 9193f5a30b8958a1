"""What was said before the bridge began is moved to the other end: complete, once, in order, and the sums add up."""

import json
import os
import subprocess
import time

from hotel import make_hotel, phone     # noqa: F401
from world import BIN, SECRETS, eventually, request, unique


def tieline(world, *args, code=0):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("TIELINE_")}
    ran = subprocess.run([BIN, *args, "-c", world.relay.config], env=clean, timeout=300, capture_output=True, text=True)
    assert ran.returncode == code, (args, ran.returncode, ran.stdout, ran.stderr, world.relay.log()[-4000:])
    return ran


def migrate(world, *args, code=0, ends=("shop", "desk")):
    return json.loads(tieline(world, "migrate", "--from", ends[0], "--to", ends[1], "--json", *args, code=code).stdout)


def past(world, people, turns, **more):
    """Conversations from before anybody listened: {id: texts}."""
    world.mode(drop=1.0)
    out = {}
    for i in range(people):
        person = unique("person")
        mine = world.ask(person, unique("first"), wait=True, **more)["conversation"]
        for j in range(turns):
            role = "customer" if j % 3 else "agent"
            world.say(world.customers, role, unique("turn"), conversation=mine, person=person, wait=True)
        out[mine] = world.texts(world.customers, mine)
    world.mode(drop=0)
    return out


def bare(text):
    """Without the time and the name in front."""
    return text.split("UTC] ")[-1]


def moved(world):
    """What stands at the desk, by its first text."""
    return {bare(t["messages"][0]["text"]): [bare(m["text"]) for m in t["messages"] if m["who"] != "system"]
            for t in world.threads(world.agents) if t["messages"]}


def test_all_of_it(make_world):
    """Open and closed conversations; then once more, when there is nothing left to do; then what came since."""
    world = make_world("smartify", start=False)
    said = past(world, 5, 7)
    closed = list(said)[0]
    world.act("smartify", "close", closed)
    world.relay.start()
    plan = migrate(world, "--dry-run")
    assert plan["state"] == "planned" and plan["conversations"] == 5 and plan["written"] == 40 and plan["adds_up"]
    assert plan["plan"]["conversations"] == 5 and plan["plan"]["longest"] == 8 and plan["plan"]["requests"] == 65
    assert "read = written + skipped + failed" in tieline(world, "migrate", "--from", "shop", "--to", "desk", "--dry-run").stdout
    assert not world.threads("chatwoot")
    undo = os.path.join(world.folder, "undo")
    done = migrate(world, "--undo-list", undo)
    assert done["state"] == "finished" and done["written"] == 40 and done["failed"] == 0 and done["adds_up"]
    assert done["read"] == done["written"] + sum(done["skipped"].values())
    there = moved(world)
    assert there == {texts[0]: texts for texts in said.values()}
    with open(undo, encoding="utf-8") as f:
        made = sorted(f.read().split("\n")[:-1])
    assert made == sorted("desk:%s desk:%s" % (t["id"], m["id"]) for t in world.threads("chatwoot") for m in t["messages"]
                          if m["by_relay"])
    for thread in world.threads("chatwoot"):
        first = bare(thread["messages"][0]["text"])
        assert thread["status"] == ("resolved" if first == said[closed][0] else "open"), thread
        row = world.chatwoot_conversation(thread["id"])
        # Only said there, and when: nobody was woken.
        marks = [m["source_id"] for m in row["messages"] if m["message_type"] in (0, 1)]
        assert all(mark.split(":")[3][0] == "h" for mark in marks), marks
        assert all(m["content_attributes"]["external_created_at"] for m in row["messages"] if m["message_type"] in (0, 1))
    told = migrate(world, "--verify")
    assert told["state"] == "verified" and told["verify"]["compared"] == 40, told
    again = migrate(world)
    assert again["id"] != done["id"] and again["written"] == 0 and again["skipped"]["present"] == 40 and again["adds_up"]
    assert moved(world) == there
    # Live goes on in the same conversation, and what nobody told is an increment.
    mine = list(said)[1]
    text = unique("live")
    world.say("smartify", "customer", text, conversation=mine, person=mine.split("-", 4)[-1])
    theirs = world.arrives("chatwoot", text)
    assert bare(world.texts("chatwoot", theirs)[0]) == said[mine][0]
    more = past(world, 1, 2)
    last = migrate(world)
    assert last["written"] == 3 and last["skipped"]["present"] == 41 and last["adds_up"]
    assert moved(world)[next(iter(more.values()))[0]] == next(iter(more.values()))


PRIYA = "5e2c35c8f0dbc10017bb3a02"


def at_shop(world, method, path, body, token=""):
    """As the project's own team does it there."""
    api = world.sandbox.ready["smartify_api"]
    port, root = int(api.split(":")[2].split("/")[0]), "/" + api.split("/", 3)[3] if api.count("/") > 2 else ""
    answer = request(port, method, root + path, json.dumps(body), {"Content-Type": "application/json", "Authorization": token})
    assert answer.status == 200, (path, answer.status, answer.body[:500])
    return answer.json


def label_at_shop(world, id, tags, **more):
    project = id.split("-")[2]
    token = at_shop(world, "POST", "/auth/signin", {"email": "relay@example.com", "password": SECRETS["password"]})["token"]
    at_shop(world, "PATCH", "/%s/requests/%s" % (project, id), dict(more, tags=[{"tag": t, "color": "#f00"} for t in tags]), token)
    at_shop(world, "PATCH", "/%s/requests/%s/attributes" % (project, id), {"order": "A-" + id[-4:]}, token)


def test_what_goes_along(make_world):
    """Who has it, labels, priority and attributes, while the conversation waits, then its state; once; and from a file."""
    world = make_world("smartify", start=False, bridge={
        "private_notes": "mirror", "assignment": "both", "labels": "both", "priority": "to_agents", "attributes": "to_agents", "map": {
            "agents": {"priya@northwind.example": "marisol@northwind.example"}, "labels": {"vip": "important"},
            "priority": "same", "attributes": {"order": "order_id"}}})
    said = past(world, 3, 2)
    world.mode(drop=1.0)
    for id in said:
        world.act("smartify", "participants", id, participants=[PRIYA])
        label_at_shop(world, id, ["vip", "own"], priority="high")
    world.act("smartify", "close", list(said)[0])
    world.mode(drop=0)
    world.relay.start()
    plan = migrate(world, "--dry-run")
    assert plan["written"] == 9 and plan["plan"]["requests"] == 9 + 3 * 5 + 3 * 5, plan
    done = migrate(world)
    assert done["state"] == "finished" and done["written"] == 9 and done["adds_up"], done
    for thread in world.threads("chatwoot"):
        row = world.chatwoot_conversation(thread["id"])
        first = bare(thread["messages"][0]["text"])
        id = next(id for id, texts in said.items() if texts[0] == first)
        assert row["meta"]["assignee"]["email"] == "marisol@northwind.example" and row["labels"] == ["important"], row
        assert row["priority"] == "high" and row["custom_attributes"] == {"order_id": "A-" + id[-4:]}, row
        assert row["status"] == ("resolved" if id == list(said)[0] else "open"), row
        asked = [r["path"].rsplit("/", 1)[1] for r in world.requests("/conversations/%s/" % thread["id"]) if r["method"] == "POST"]
        # Behind the last message, and before it is opened: nobody is called to what waits.
        assert asked.index("assignments") == 3 and asked[:3] == ["messages"] * 3 and asked[-1] == "toggle_status", asked
        assert asked.count("assignments") == asked.count("labels") == asked.count("toggle_status") == 1, asked
    told = migrate(world, "--verify")
    assert told["state"] == "verified" and told["verify"]["unlike"] == 0, told
    # Once more nothing is written; what has changed since is.
    before = len(world.requests("/conversations/", platform="chatwoot"))
    assert migrate(world)["written"] == 0
    assert len(world.requests("/conversations/", platform="chatwoot")) == before
    world.mode(drop=1.0)
    label_at_shop(world, list(said)[1], ["own"], priority="high")
    world.mode(drop=0)
    world.fault("chatwoot", "POST", "/labels$", "status", status=422, body={"error": "no"}, times=1)
    assert migrate(world)["written"] == 0
    told = migrate(world, "--verify", code=1)
    assert told["state"] == "differs" and told["verify"]["unlike"] == 1 and told["verify"]["missing"] == 0, told
    lines = [json.loads(line) for line in tieline(world, "export", "--endpoint", "shop").stdout.splitlines()]
    line = next(x for x in lines if x["type"] == "conversation" and x["id"] == list(said)[2])
    assert line["assignee"] == {"id": PRIYA, "name": "Priya Nair", "email": "priya@northwind.example"}, line
    assert line["priority"] == "high" and line["attributes"] == {"order": "A-" + line["id"][-4:]} and "vip" in line["tags"], line
    # A file of people whom nobody can be asked for: they go by what it calls them.
    path = os.path.join(world.folder, "others.jsonl")
    with open(path, "w", encoding="utf-8") as f:
        for x in lines:
            x["id"] = x["id"][::-1]
            if x["type"] == "conversation":
                x["person"] = {"identity": "x:" + x["id"], "id": x["id"], "name": "Zoe"}
                x["assignee"] = {"id": "77", "email": "Priya@northwind.example"}
            else:
                x["conversation"] = x["conversation"][::-1]
            f.write(json.dumps(x) + "\n")
    there = {t["id"] for t in world.threads("chatwoot")}
    done = json.loads(tieline(world, "migrate", "--file", path, "--to", "desk", "--json").stdout)
    assert done["state"] == "finished" and done["written"] == 9, done
    rows = [world.chatwoot_conversation(t["id"]) for t in world.threads("chatwoot") if t["id"] not in there]
    assert [r["meta"]["assignee"]["email"] for r in rows] == ["marisol@northwind.example"] * 3, rows
    assert sorted(map(len, (r["labels"] for r in rows))) == [0, 1, 1] and {r["priority"] for r in rows} == {"high"}, rows


def test_to_smartify(make_world):
    """Whoever spoke first: opened by the account without a bot, stored without being shown as news, closed at the end."""
    world = make_world("chatwoot", start=False)
    said = past(world, 4, 5)
    closed = list(said)[0]
    world.act("chatwoot", "resolve", closed)
    world.relay.start()
    done = migrate(world, ends=("desk", "shop"))
    assert done["state"] == "finished" and done["written"] == 24 and done["failed"] == 0 and done["adds_up"], done
    assert moved(world) == {texts[0]: texts for texts in said.values()}
    for row in world.state("smartify")["requests"]:
        wrote = [m for m in row["messages"] if m["_by_relay"]]
        is_closed = bare(wrote[0]["text"]) == said[closed][0]
        assert (row["status"] == 1000) == is_closed and not row["participantsBots"]
        assert {m["status"] for m in wrote} == {100}
        assert all(m["attributes"]["original_time"].endswith("Z") and m["attributes"]["clienttimestamp"] for m in wrote)
        assert wrote[0]["sender"] == row["lead"]["lead_id"]
    told = migrate(world, "--verify", ends=("desk", "shop"))
    assert told["state"] == "verified" and told["verify"]["compared"] == 24, told
    again = migrate(world, ends=("desk", "shop"))
    assert again["written"] == 0 and again["skipped"]["present"] == 24 and again["adds_up"]


def test_from_smart_sender(make_world):
    """What operators and the customers wrote there, from before anybody polled, as it reads now."""
    world = make_world("smartsender", start=False, bridge={"mirror_agents": "relay"})
    said = {}
    for _ in range(2):
        person = unique("person")
        mine = world.ask(person, unique("first"))["conversation"]
        for j in range(3):
            if j == 1:
                world.say("smartsender", "agent", unique("turn"), conversation=mine)
            else:
                last = world.ask(person, unique("turn"), conversation=mine)
        world.act("smartsender", "edit", message=last["message"], text=unique("changed"))
        said[mine] = world.texts("smartsender", mine)
    time.sleep(1.1)     # its times are whole seconds: what is of the second the bridge begins in is live
    world.relay.start()
    real = tieline(world, "migrate", "--from", "desk", "--to", "front", code=1).stderr
    assert "front is the customers' side of the bridge" in real and "would reach people" in real, real
    done = migrate(world, ends=("front", "desk"))
    assert done["state"] == "finished" and done["failed"] == 0 and done["adds_up"], done
    assert sorted(moved(world).values()) == sorted(said.values())
    lines = [json.loads(line) for line in tieline(world, "export", "--endpoint", "front").stdout.splitlines()]
    assert sorted(line["text"] for line in lines if line.get("text")) == sorted(t for texts in said.values() for t in texts)
    told = migrate(world, "--verify", ends=("front", "desk"))
    assert told["state"] == "verified", told


def at_hotel(hotel, *args):
    ran = subprocess.run([BIN, "migrate", "--from", "hotel", "--to", "desk", "--json", *args, "-c", hotel.relay.config],
                         capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, (ran.stdout, ran.stderr)
    return json.loads(ran.stdout)


def test_from_syniverse(make_hotel):        # noqa: F811
    """As far as it can be read there."""
    hotel = make_hotel(hotel={"inbound": "poll"}, start=False)
    said = {}
    for _ in range(2):
        who = phone()
        said[who] = [unique("past") for _ in range(4)]
        for text in said[who]:
            hotel.ask(who, text)
    time.sleep(1.1)
    hotel.relay.start()
    done = at_hotel(hotel)
    assert done["state"] == "finished" and done["written"] == 8 and done["adds_up"], done
    rows = hotel.sandbox("GET", "/threads?limit=1000&messages=1000&fresh=1")["chatwoot"]
    assert sorted([bare(m["text"]) for m in t["messages"] if m["who"] != "system"] for t in rows) == sorted(said.values())
    assert at_hotel(hotel, "--verify")["state"] == "verified"


def test_export(make_world):
    """A line for each conversation and each message, from either platform."""
    world = make_world("smartify", start=False)
    said = past(world, 3, 2)
    world.relay.start()
    lines = [json.loads(line) for line in tieline(world, "export", "--endpoint", "shop").stdout.splitlines()]
    talks = [line for line in lines if line["type"] == "conversation"]
    assert sorted(t["id"] for t in talks) == sorted(said) and all(t["person"]["identity"] for t in talks)
    for id, texts in said.items():
        ours = [line for line in lines if line.get("conversation") == id and not line["flags"]]
        assert [line["text"] for line in ours] == texts
        assert [line["role"] for line in ours] == ["customer", "agent", "customer"]
    migrate(world)
    folder = os.path.join(world.folder, "out")
    only = world.threads("chatwoot")[0]
    tieline(world, "export", "--endpoint", "desk", "--only", "desk:%s" % only["id"], "-o", folder)
    with open(os.path.join(folder, "desk.jsonl"), encoding="utf-8") as f:
        lines = [json.loads(line) for line in f]
    assert [line["id"] for line in lines if line["type"] == "conversation"] == [str(only["id"])]
    assert [line["id"] for line in lines if line["type"] == "message" and not line["flags"]] == [
        str(m["id"]) for m in only["messages"] if m["who"] != "system"]
    tieline(world, "export", "--endpoint", "nobody", code=66)


def test_what_differs_is_told(make_world):
    """Somebody has deleted one message at the desk, and another was added at the customers' side since."""
    world = make_world("smartify", start=False)
    said = past(world, 1, 4)
    world.relay.start()
    migrate(world)
    thread = world.threads("chatwoot")[0]
    world.act("chatwoot", "erase", thread["id"], message=thread["messages"][2]["id"])
    more = past(world, 1, 0)
    assert len(said) == len(more) == 1
    told = migrate(world, "--verify", code=1)
    assert told["state"] == "differs" and told["verify"]["missing"] == 1 and told["verify"]["different"] == 1, told


def test_refusals(make_world):
    world = make_world("smartify")
    world.act("chatwoot", "inbox", values={"greeting_enabled": True})
    told = migrate(world, code=1)
    assert told["state"] == "failed" and "has on: its greeting" in told["reason"] and "--force" in told["reason"]
    world.act("chatwoot", "inbox", values={"channel_type": "Channel::Whatsapp"})
    told = migrate(world, "--force", code=1)
    assert told["state"] == "failed" and told["reason"] == ("desk cannot be written: inbox 12 is a Channel::Whatsapp: history is "
                                                            "written into API inboxes only, elsewhere it would reach people")
    world.act("chatwoot", "inbox", values={"channel_type": "Channel::Api"})
    assert migrate(world, "--force")["state"] == "finished"
    for ends, words in ((("shop", "shop"), "from and to are the same endpoint: there is nothing to move"),
                        (("desk", "shop"), "shop is the customers' side of the bridge support: history written there would reach "
                         "people. Move from shop to desk, or make a bridge with the ends changed over"),
                        (("shop", "nowhere"), 'to: there is no endpoint called "nowhere"'),
                        (("nowhere", "desk"), 'from: there is no endpoint called "nowhere"')):
        ran = tieline(world, "migrate", "--from", ends[0], "--to", ends[1], code=1)
        assert words in ran.stderr, ran.stderr
    assert "needed" in tieline(world, "migrate", "--from", "shop", code=64).stderr
    assert [m["id"] for m in json.loads(tieline(world, "migrations", "--json").stdout)["items"]] == ["m1"]
    tieline(world, "migrations", "stop", "m7", code=75)


def test_killed_on_the_way(make_world):
    """At any moment; it goes on by itself, and nothing is there twice, or missing, or out of order."""
    world = make_world("smartify", start=False)
    said = past(world, 8, 12)
    world.relay.start()
    command = subprocess.Popen([BIN, "migrate", "--from", "shop", "--to", "desk", "-c", world.relay.config],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for least in (5, 20, 45, 70):
        eventually(lambda: sum(len(t["messages"]) for t in world.threads("chatwoot")) >= least, "some of it")
        world.relay.kill()
        world.relay.start()
    command.wait(60)
    done = migrate(world)
    assert done["adds_up"] and done["failed"] == 0 and done["state"] == "finished"
    assert moved(world) == {texts[0]: texts for texts in said.values()}
    assert {t["status"] for t in world.threads("chatwoot")} == {"open"}, "\n".join(x for x in world.relay.log().splitlines() if "set_status" in x or "unsure" in x or "at=stored" in x and "remote" not in x)
