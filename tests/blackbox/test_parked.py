"""What is stuck, and what a person does about it: parked, trace, by the command line and the interface for programs."""

import http.client
import json
import os
import socket
import subprocess

import pytest

from world import BIN, eventually, request, unique

TOO_LONG = json.dumps({"message": "Content is too long (maximum is 150000 characters)"})


def tieline(world, *args, stdin="", env=None):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("TIELINE_") and k != "EDITOR"}
    clean.update(env or {})
    return subprocess.run([BIN, *args, "-c", world.relay.config], env=clean, timeout=60, input=stdin,
                          capture_output=True, text=True)


def done(world, *args, code=0, **more):
    ran = tieline(world, *args, **more)
    assert ran.returncode == code, (args, ran.returncode, ran.stdout, ran.stderr)
    return ran


def parked(world, *filters):
    return [json.loads(line) for line in done(world, "parked", "--json", *filters).stdout.splitlines()]


def api(world, method, path, body=None, headers=None):
    """Over the socket."""
    connection = http.client.HTTPConnection("relay", timeout=30)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(world.relay.socket)
    connection.request(method, "/api/v1" + path, None if body is None else json.dumps(body), headers or {})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, json.loads(text) if text else None


def refuse(world, platform="chatwoot", status=422, body=TOO_LONG, count=1):
    world.fault(platform, "POST", "/messages$", "status", status=status, body=body, count=count,
                headers={"Content-Type": "application/json"})


def refused(world, talk, text):
    """The customer's message, refused at Chatwoot for its words."""
    refuse(world)
    talk.ask(text)
    found = eventually(lambda: [p for p in parked(world) if p.get("text") == text], "%s is parked" % text)
    world.calm()
    return found[0]


# -- one ------------------------------------------------------------------------------------------------------

def test_listed_and_shown(shop):
    talk, text = shop.talk(), unique("refused")
    item = refused(shop, talk, text)
    assert item["endpoint"] == "desk" and item["bridge"] == "support" and item["direction"] == "to_agents"
    assert item["reason"] == "too_large" and "too long" in item["detail"]
    table = done(shop, "parked").stdout.splitlines()
    assert table[0].split() == ["ID", "SINCE", "WHERE", "REASON", "TEXT"]
    assert any(item["id"] in line and text in line for line in table) and max(map(len, table)) <= 80
    shown = done(shop, "parked", "show", item["id"]).stdout
    assert text in shown and "tieline parked edit %s" % item["id"] in shown
    one = json.loads(done(shop, "parked", "show", item["id"], "--json").stdout)
    assert one["text"] == text and one["attempts"][-1]["reason"] == "too_large"
    done(shop, "parked", "drop", item["id"])


def test_retried(either):
    """What was refused once is sent again, behind what was written since."""
    talk, text, later = either.talk(), unique("refused"), unique("later")
    side = either.agents
    if side == "chatwoot":
        refuse(either)
    else:
        refuse(either, "smartify", 422, json.dumps({"success": False, "msg": "no"}))
    talk.ask(text)
    item = eventually(lambda: [p for p in parked(either) if p.get("text") == text], "it is parked")[0]
    either.calm()
    talk.up(later)
    assert "put back" in done(either, "parked", "retry", item["id"]).stdout
    assert either.arrives(side, text) == talk.theirs
    shown = [t.split(": ")[-1] for t in either.texts(side, talk.theirs)]
    assert shown[-2:] == [later, text]
    eventually(lambda: json.loads(done(either, "trace", item["id"], "--json").stdout)["deliveries"][0]["state"]
               == "delivered", "it is settled")
    life = json.loads(done(either, "trace", item["id"], "--json").stdout)["deliveries"][0]
    assert [a["state"] for a in life["attempts"]][:2] == ["parked", "unsure"]
    assert life["attempts"][1]["who"].startswith("socket uid")
    assert life["remote"].startswith({"chatwoot": "desk:", "smartify": "shop:"}[side])
    talk.fence()


def test_what_may_have_arrived_is_looked_for(make_world):
    """The refusal lied: it was carried out. Put back, it is found there, and not sent twice."""
    world = make_world()
    talk, text = world.talk(), unique("arrived")
    world.fault("chatwoot", "POST", "/messages$", "status_after_commit", status=422, body=TOO_LONG,
                headers={"Content-Type": "application/json"})
    world.mode(echo="never")
    talk.ask(text)
    item = eventually(lambda: parked(world), "it is parked")[0]
    world.calm()
    done(world, "parked", "retry", item["id"])
    eventually(lambda: not parked(world), "it is not parked any more")
    eventually(lambda: json.loads(done(world, "trace", item["id"], "--json").stdout)["deliveries"][0]["state"]
               == "delivered", "it is settled")
    assert len(world.copies("chatwoot", text)) == 1
    talk.fence()


def test_edited(shop, tmp_path):
    talk, text, better = shop.talk(), unique("bad"), unique("better")
    item = refused(shop, talk, text)
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\ngrep -q '%s' \"$2\" && printf '%%s\\n' '%s' > \"$2\"\n" % (text, better))
    editor.chmod(0o755)
    assert "put back" in done(shop, "parked", "edit", item["id"], env={"EDITOR": "%s --wait" % editor}).stdout
    assert shop.arrives("chatwoot", better) == talk.theirs
    assert not shop.copies("chatwoot", text)
    life = json.loads(done(shop, "trace", item["id"], "--json").stdout)
    assert life["text"] == text and life["deliveries"][0]["edited"]["text"] == better
    assert life["deliveries"][0]["edited"]["by"].startswith("socket uid")
    talk.fence()


def test_only_refused_words_are_edited(make_world):
    world = make_world()
    talk = world.talk()
    stranger, text = unique("stranger"), unique()
    at_desk = world.say("chatwoot", "customer", unique(), person=stranger)["conversation"]
    contact = world.chatwoot_conversation(at_desk)["meta"]["sender"]["id"]
    world.say("chatwoot", "agent", text, contact=contact)
    item = eventually(lambda: parked(world), "parked")[0]
    assert item["reason"] == "unreachable" and item["endpoint"] == "shop"
    ran = done(world, "parked", "edit", item["id"], "--text-file", "-", stdin="other words", code=1)
    assert "only words that the platform refused" in ran.stderr
    # Nobody is there to write to: routed once more it is parked once more.
    done(world, "parked", "retry", item["id"])
    again = eventually(lambda: parked(world), "parked again")[0]
    assert again["reason"] == "unreachable"
    done(world, "parked", "drop", item["id"])
    assert not parked(world)
    talk.fence()


# -- many -----------------------------------------------------------------------------------------------------

def test_all_of_a_kind(make_world):
    world = make_world(sandbox=("--no-limits",))
    talks = [world.talk() for _ in range(5)]
    refuse(world, count=0)
    texts = [unique("many") for _ in talks]
    for talk, text in zip(talks, texts):
        talk.ask(text)
    eventually(lambda: len(parked(world)) == 5, "all are parked")
    world.calm()
    assert len(parked(world, "--reason", "too_large", "--endpoint", "desk", "--bridge", "support")) == 5
    assert parked(world, "--reason", "expired") == [] == parked(world, "--endpoint", "shop")
    ran = done(world, "parked", "retry", "--all", "--reason", "too_large", code=64)
    assert "5 would be put back" in ran.stderr and "--yes" in ran.stderr
    assert len(parked(world)) == 5
    status, problem = api(world, "POST", "/parked/retry", {"filter": {"reason": "too_large"}, "expect": 4})
    assert status == 409 and problem["type"] == "urn:tieline:problem:conflict" and "5 fit" in problem["detail"]
    status, answer = api(world, "POST", "/parked/drop", {"filter": {"endpoint": "shop"}, "expect": 0})
    assert (status, answer) == (200, {"done": 0, "refused": 0})
    assert "5 put back" in done(world, "parked", "retry", "--all", "--reason", "too_large", "--yes").stdout
    for talk, text in zip(talks, texts):
        assert world.arrives("chatwoot", text) == talk.theirs
    assert parked(world) == []
    world.all_arrived()


def test_page_by_page(make_world):
    world = make_world(sandbox=("--no-limits",))
    talk = world.talk()
    refuse(world, count=0)
    for _ in range(5):
        talk.ask(unique("page"), wait=True)
    eventually(lambda: len(parked(world)) == 5, "all are parked")
    world.calm()
    seen, cursor = [], ""
    while cursor is not None:
        status, page = api(world, "GET", "/parked?limit=2" + ("&cursor=" + cursor if cursor else ""))
        assert status == 200 and page["total"] == 5 and len(page["items"]) <= 2
        seen += [i["id"] for i in page["items"]]
        cursor = page["next"]
    assert seen == [i["id"] for i in parked(world)] and len(set(seen)) == 5


# -- kept callbacks -------------------------------------------------------------------------------------------

def test_a_kept_callback(make_world, tmp_path):
    world = make_world()
    answer = request(world.port, "POST", "/hooks/shop/blackbox-shop-hook-key-1", '{"a":',
                     {"Content-Type": "application/json", "x-hook-secret": "sandbox-smartify-secret"})
    assert answer.status == 200
    item, = parked(world)
    assert item["id"] == "h1" and item["reason"] == "unparsable" and item["endpoint"] == "shop"
    assert "truncated" in done(world, "parked", "show", "h1").stdout
    ran = done(world, "parked", "retry", "h1", code=1)
    assert "still cannot be read" in ran.stderr and len(parked(world)) == 1
    folder = str(tmp_path / "kept")
    done(world, "trace", "h1", "--save", folder)
    with open(folder + "/BODY", encoding="utf-8") as f:
        assert f.read() == '{"a":'
    with open(folder + "/HEADERS", encoding="utf-8") as f:
        assert "sandbox-smartify-secret" not in f.read()
    done(world, "parked", "drop", "h1")
    assert parked(world) == []


# -- without a relay ------------------------------------------------------------------------------------------

def test_without_a_relay(make_world):
    world = make_world()
    talk, text, other = world.talk(), unique("refused"), unique("other")
    item, second = refused(world, talk, text), refused(world, talk, other)
    assert world.relay.stop() == 0
    assert {i["id"] for i in parked(world)} == {item["id"], second["id"]}
    assert text in done(world, "parked", "show", item["id"]).stdout
    assert text in done(world, "trace", item["event"]).stdout
    done(world, "parked", "drop", second["id"])
    done(world, "parked", "retry", item["id"])
    done(world, "parked", "retry", item["id"], code=1)
    world.relay.start()
    assert world.arrives("chatwoot", text, 60) == talk.theirs
    assert not world.copies("chatwoot", other)


# -- held lanes -----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("what", ["retry", "drop"])
def test_a_lane_that_waits_for_a_person(make_world, what):
    """on_rejected: stop, over a restart."""
    world = make_world(bridge={"on_rejected": "stop"})
    talk, other = world.talk(), world.talk()
    text, behind = unique("refused"), unique("behind")
    item = refused(world, talk, text)
    talk.ask(behind)
    assert other.up() == other.theirs
    world.relay.kill()
    world.relay.start()
    assert other.up() == other.theirs
    assert not world.copies("chatwoot", behind)
    done(world, "parked", what, item["id"])
    assert world.arrives("chatwoot", behind, 60) == talk.theirs
    shown = [t for t in world.texts("chatwoot", talk.theirs) if t in (text, behind)]
    assert shown == ([text, behind] if what == "retry" else [behind])
    talk.fence()


# -- what is not there ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("args, code, words", [
    (["parked", "show", "d99999"], 66, "nothing of that id is parked"),
    (["parked", "retry", "x"], 64, "allowed: an id like d1440"),
    (["parked", "retry"], 64, "or --all"),
    (["parked", "retry", "--all", "d1"], 64, "either ids or --all"),
    (["parked", "mend"], 64, "allowed: list, show, retry, drop, edit"),
    (["parked", "--reason", "sad"], 1, 'there is none called "sad"'),
    (["parked", "--endpoint", "nowhere"], 1, 'there is none called "nowhere"'),
    (["parked", "--limit", "3"], 64, "unknown option"),
    (["trace", "e999999"], 66, "nothing is known"),
    (["trace", "desk:424242"], 66, "nothing is known"),
    (["trace", "nowhere:1"], 66, "an id is like"),
    (["trace"], 64, "which?"),
])
def test_not_there(shop, args, code, words):
    ran = done(shop, *args, code=code)
    assert words in ran.stderr and ran.stdout == ""


def test_traced_by_every_id(shop):
    talk, text = shop.talk(), unique("traced")
    talk.up(text)
    copy = shop.copies("chatwoot", text)[0][1]["id"]
    found = eventually(lambda: tieline(shop, "trace", "desk:%s" % copy).returncode == 0
                       and json.loads(done(shop, "trace", "desk:%s" % copy, "--json").stdout), "it is settled")
    assert found["text"] == text and found["deliveries"][0]["state"] == "delivered"
    for id in (found["event"], found["deliveries"][0]["id"], found["source"], found["source"].partition(":")[2],
               str(copy)):
        assert json.loads(done(shop, "trace", id, "--json").stdout)["event"] == found["event"]
    assert "delivered" in done(shop, "trace", found["event"]).stdout


@pytest.mark.parametrize("method, path, body, status, word", [
    ("GET", "/nothing", None, 404, "not_found"),
    ("DELETE", "/status", None, 405, "method"),
    ("GET", "/parked?limit=0", None, 422, "invalid"),
    ("GET", "/parked?cursor=q", None, 422, "invalid"),
    ("GET", "/parked/zzz", None, 404, "not_found"),
    ("PATCH", "/parked/d1", {"text": ""}, 422, "invalid"),
    ("PATCH", "/parked/d1", ["text"], 422, "invalid"),
    ("POST", "/parked/retry", {}, 422, "invalid"),
    ("DELETE", "/parked/d99999", None, 404, "not_found"),
    ("GET", "/messages/%ff/trace", None, 404, "not_found"),
])
def test_problems(shop, method, path, body, status, word):
    got, problem = api(shop, method, path, body)
    assert got == status and problem["type"] == "urn:tieline:problem:" + word and problem["status"] == status


def test_an_edit_of_what_was_changed_meanwhile(shop):
    talk, text = shop.talk(), unique("bad")
    item = refused(shop, talk, text)
    path = "/parked/" + item["id"]
    etag = api(shop, "GET", path)[1]["etag"]
    assert api(shop, "PATCH", path, {"text": "one"})[0] == 412
    assert api(shop, "PATCH", path, {"text": "one"}, {"If-Match": etag})[0] == 204
    assert api(shop, "PATCH", path, {"text": "two"}, {"If-Match": etag})[0] == 412
    assert api(shop, "GET", path)[1]["edited"]["text"] == "one"
    assert api(shop, "DELETE", path)[0] == 204


def test_rights(make_world):
    """Over TCP a token is needed; one may only read."""
    world = make_world(process={"admin": {"listen": "127.0.0.1:%d" % 0, "token": "a-long-token-for-everything",
                                          "read_token": "a-long-token-for-reading"}}, start=False)
    world.relay = type(world.relay)(world.folder, world.port, world.config().replace("127.0.0.1:0",
                                    "127.0.0.1:%d" % world.admin))
    world.relay.socket = os.path.join(world.folder, "tieline.db.sock")
    world.relay.start()

    def ask(method, token):
        headers = {"Authorization": "Bearer " + token} if token else {}
        return request(world.admin, method, "/api/v1/parked" + ("/d1" if method == "DELETE" else ""), None, headers)

    assert [ask("GET", t).status for t in (None, "wrong", "a-long-token-for-reading",
                                           "a-long-token-for-everything")] == [401, 401, 200, 200]
    assert ask("DELETE", "a-long-token-for-reading").status == 403
    assert ask("DELETE", "a-long-token-for-everything").status == 404
