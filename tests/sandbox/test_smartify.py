"""The fake Smartify against what the real server was seen to do."""

import base64
import hashlib
import hmac
import json
import threading
import time

import pytest

from smartify import sign_jwt

PROJECT = "5e2c35c8f0dbc10017bb3aac"
RELAY = "5e2c35c8f0dbc10017bb3a01"
PRIYA = "5e2c35c8f0dbc10017bb3a02"
SUBSCRIPTION = "5e2c35c8f0dbc10017bb3e01"
SECRET = "sandbox-smartify-secret"


def person(id, secret=SECRET, **more):
    claims = {"_id": id, "sub": "userexternal", "aud": "https://tiledesk.com/subscriptions/" + SUBSCRIPTION}
    claims.update(more)
    return {"Authorization": "JWT " + sign_jwt(claims, secret)}


def subscription_token():
    return {"Authorization": "JWT " + sign_jwt(
        {"_id": SUBSCRIPTION, "sub": "subscription", "aud": "https://tiledesk.com/subscriptions/" + SUBSCRIPTION},
        SECRET)}


def request_id(tail):
    return "support-group-%s-%s" % (PROJECT, tail)


def path(tail, what="messages"):
    return "/requests/%s/%s" % (request_id(tail), what)


def test_unauthorized_forms(sandbox):
    bare = sandbox.bare
    url = "/%s/requests" % PROJECT
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "JWT a.b.c"}):
        answer = bare("GET", url, headers=headers)
        assert (answer.status, answer.body) == (401, b"Unauthorized")
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="Users"'
        assert answer.headers["Transfer-Encoding"] == "chunked" and "Content-Length" not in answer.headers
    answer = bare("GET", url, headers={"Authorization": "alone"})
    assert (answer.status, answer.body) == (400, b"Bad Request")
    token = sandbox.smartify.headers["Authorization"]
    answer = bare("GET", url, headers={"Authorization": token.replace("JWT ", "JWT  ")})
    assert (answer.status, answer.json) == (403, {"success": False, "msg": "Unauthorized."})
    answer = bare("GET", url, headers={"Authorization": "Basic " + base64.b64encode(
        b"relay@example.com:sandbox-relay-password").decode()})
    assert answer.status == 200


def test_sign_in(sandbox):
    answer = sandbox.bare("POST", "/auth/signin", {"email": "RELAY@example.com", "password": "sandbox-relay-password"})
    assert answer.status == 200 and answer.json["token"].startswith("JWT ")
    assert answer.json["user"]["_id"] == RELAY and "role" not in answer.json["user"]
    claims = json.loads(base64.urlsafe_b64decode(answer.json["token"].split(".")[1] + "=="))
    assert claims["sub"] == "user" and "exp" not in claims
    wrong = sandbox.bare("POST", "/auth/signin", {"email": "relay@example.com", "password": "no"})
    assert (wrong.status, wrong.json) == (401, {"success": False, "msg": "Authentication failed. Wrong password."})
    nobody = sandbox.bare("POST", "/auth/signin", {"email": "x@example.com", "password": "no"})
    assert nobody.json["msg"] == "Authentication failed. User not found."
    bad = sandbox.bare("POST", "/auth/signin", {"email": "x", "password": "no"})
    assert (bad.status, bad.json) == (422, {"errors": [{"msg": "Invalid value", "param": "email", "location": "body",
                                                        "value": "x"}]})


def test_projects(sandbox):
    assert sandbox.bare("GET", "/abc/requests").json == {"error": "Invalid project id: abc"}
    other = "5e2c35c8f0dbc10017bb3aad"
    answer = sandbox.bare("GET", "/%s/requests" % other)
    assert (answer.status, answer.json) == (400, {"error": "Project not found with id: " + other})
    answer = sandbox.smartify("GET", "/nothing/here")
    assert answer.status == 404 and b"Cannot GET /api/" in answer.body


def test_bodies(sandbox):
    post = sandbox.smartify
    bad = post("POST", path("b1"), raw=b"{oops")
    assert (bad.status, bad.json) == (500, {"err": "error"})
    for top in (b"null", b"3", b'"x"'):
        assert post("POST", path("b1"), raw=top).json == {"err": "error"}
    big = post("POST", path("b1"), {"text": "x" * 512000})
    assert (big.status, big.json) == (413, {"err": "Request entity too large", "limit": 512000})
    ok = post("POST", path("b1"), raw=b'{"text":"bad \xff end"}')
    assert ok.status == 200 and ok.json["text"] == "bad \ufffd end"
    plain = post("POST", path("b1"), raw=b'{"text":"lost"}', headers={"Content-Type": "text/plain"})
    assert plain.status == 200 and "text" not in plain.json
    half = post("POST", path("b1"), raw=b'{"text":"\\ud83d alone"}')
    assert b'"text":"\\ud83d alone"' in half.body
    exact = b'{"text":"' + b"x" * (512000 - 11) + b'"}'
    assert len(exact) == 512000 and post("POST", path("b1"), raw=exact).status == 200


def test_person_signs_in_once(sandbox):
    token = person("tl1-0001", firstname="Leila", lastname="Haddad")
    message = {"text": "Hi"}
    url = "/%s/requests/%s/messages" % (PROJECT, request_id("p1"))
    before = sandbox.bare("POST", url, message, token)
    assert (before.status, before.json) == (403, {"success": False, "msg": "you dont belong to the project."})
    signed = sandbox.bare("POST", "/auth/signinWithCustomToken", {}, token)
    assert signed.status == 200 and signed.json["token"] == token["Authorization"]
    answer = sandbox.bare("POST", url, message, token).json
    assert answer["sender"] == "tl1-0001" and answer["request"]["lead"]["lead_id"] == "tl1-0001"
    assert answer["request"]["lead"]["fullname"] == "Leila Haddad" and answer["request"]["status"] == 200
    assert sandbox.bare("POST", url, message, person("tl1-0001", exp=int(time.time()) - 5)).status == 401
    assert sandbox.bare("POST", url, message, person("tl1-0001", secret="wrong")).status == 401
    assert sandbox.bare("POST", url, message, person("tl1-0001", aud="plain words")).json == {"err": "error"}


def test_project_secret_signs_too(sandbox):
    secret = sandbox.smartify("POST", "/keys/generate", {}).json["jwtSecret"]
    token = person("ext-5", secret, aud="https://tiledesk.com/projects/" + PROJECT)
    assert sandbox.bare("POST", "/auth/signinWithCustomToken", {}, token).status == 200
    sandbox.smartify("POST", "/keys/generate", {})
    assert sandbox.bare("POST", "/auth/signinWithCustomToken", {}, token).status == 401


def test_first_message_rules(sandbox):
    post = sandbox.smartify
    empty = post("POST", path("f1"), {})
    assert (empty.status, empty.json) == (422, {"errors": ["text field is required"]})
    image = post("POST", path("f1"), {"type": "image", "metadata": {"src": "https://x/y.png"}})
    assert image.status == 500 and image.json["msg"] == "Error creating request"
    unknown = post("POST", path("f1"), {"text": "x", "sender": "nobody"})
    assert (unknown.status, unknown.json["msg"]) == (
        403, "Unauthorized. Project_user not found with user id  : nobody")
    twelve = post("POST", path("f1"), {"text": "x", "sender": "twelve-bytes"})
    assert twelve.status == 403
    assert post("POST", path("f1"), {"text": "x", "departmentid": "5e2c35c8f0dbc10017bb3dff"}).status == 500
    assert post("GET", path("f1")).json == []
    assert post("POST", path("f1"), {"text": "x", "channel": "word"}).status == 500


def test_first_message_race(sandbox):
    sandbox.control("PUT", "/control/settings", {"platform": "smartify", "first_seconds": 1})
    statuses = []

    def one(n):
        statuses.append(sandbox.smartify("POST", path("race"), {"text": "n%d" % n}).status)
    threads = [threading.Thread(target=one, args=(n,)) for n in range(3)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert sorted(statuses) == [200, 500, 500]
    stored = [m for m in sandbox.smartify("GET", path("race")).json if m["sender"] != "system"]
    assert len(stored) == 1


@pytest.mark.parametrize("body", [{"text": 5}, {"text": {"a": 1}}, {"text": "x", "participants": "one"},
                                  {"type": "file", "text": "x", "metadata": {"src": "y"}},
                                  {"text": "{{broken", "attributes": {"templateProcessor": True}}])
def test_hangs(sandbox, body):
    sandbox.smartify.hangs("POST", path("h1"), body)


def test_more_hangs(sandbox):
    sandbox.smartify("POST", path("h2"), {"text": "x"})
    sandbox.smartify.hangs("PUT", path("h2", "assignee"), {})
    sandbox.smartify.hangs("PUT", path("h2", "participants"), {"a": 1})


def test_subscription_acts(sandbox):
    token = subscription_token()
    url = "/%s" % PROJECT
    assert sandbox.bare("GET", url + "/requests", headers=token).status == 200
    refused = sandbox.bare("GET", url + "/subscriptions", headers=token)
    assert (refused.status, refused.json["msg"]) == (403, "you dont belong to the project.")
    made = sandbox.bare("POST", url + "/requests", {"first_text": "x"}, token)
    assert made.status == 500


def test_create_request_as_member(sandbox):
    body = {"first_text": "x", "request_id": request_id("made")}
    made = sandbox.smartify("POST", "/requests", body)
    assert made.status == 200 and isinstance(made.json["lead"], str)
    assert sandbox.smartify("POST", "/requests", body).status == 500
    assert sandbox.smartify("GET", path("made")).json == []


def test_status_grows(sandbox):
    post = sandbox.smartify("POST", path("s1"), {"text": "x"}).json
    assert post["status"] == 0
    time.sleep(0.1)
    assert sandbox.smartify("GET", path("s1")).json[0]["status"] == 200


def test_closed_stays_closed(sandbox):
    got = sandbox.receiver
    post = sandbox.smartify
    post("POST", path("c1"), {"text": "x"})
    assert post("PUT", path("c1", "close"), {}).json["status"] == 1000
    assert post("POST", path("c1"), {"text": "more"}).json["request"]["status"] == 1000
    post("PUT", path("c1", "close"), {})
    bodies = got.all()
    closed = [b for b in bodies if b["payload"].get("text") == "Chat closed"]
    assert len(closed) == 2 and closed[0]["payload"]["attributes"]["messagelabel"]["key"] == "CHAT_CLOSED"
    assert post("PUT", path("c1", "reopen"), {}).json["status"] == 200
    update, _, _ = got.next(lambda b: b["hook"]["event"] == "request.update")
    assert isinstance(update["payload"]["lead"], str)
    assert post("PUT", path("nowhere", "close"), {}).status == 500


def test_patch_closes_quietly(sandbox):
    sandbox.smartify("POST", path("q1"), {"text": "x"})
    sandbox.receiver.all()
    sandbox.smartify("PATCH", "/requests/" + request_id("q1"), {"status": 1000})
    events = [b["hook"]["event"] for b in sandbox.receiver.all()]
    assert events == ["request.update"]


def test_backslash_close(sandbox):
    sandbox.smartify("POST", path("bs"), {"text": "x"})
    sandbox.smartify("POST", path("bs"), {"text": "ok thanks \\close"})
    time.sleep(0.15)
    assert sandbox.smartify("GET", "/requests/" + request_id("bs")).json["status"] == 1000
    sandbox.smartify("POST", path("bs2"), {"text": "not \\close\u200b"})
    time.sleep(0.1)
    assert sandbox.smartify("GET", "/requests/" + request_id("bs2")).json["status"] == 200


def test_ghost(sandbox):
    first = sandbox.say(platform="smartify", **{"as": "customer"}, person="wab-1", text="Hello")
    sandbox.act(platform="smartify", action="delete", conversation=first["conversation"])
    answer = sandbox.smartify("POST", "/requests/%s/messages" % first["conversation"], {"text": "too late"})
    assert answer.status == 200 and answer.json["request"]["_id"] != first["_id"]
    assert answer.json["request"]["lead"]["lead_id"] == RELAY
    assert sandbox.control("GET", "/control/judge").json["ghosts"] == 1


def test_typing(sandbox):
    first = sandbox.say(platform="smartify", **{"as": "customer"}, person="wab-1", text="Hello")
    sandbox.act(platform="smartify", action="types", conversation=first["conversation"], by="wab-1")
    body, _, _ = sandbox.receiver.next(lambda b: b["hook"]["event"] == "event.emit.typing.start")
    assert body["payload"]["name"] == "typing.start"
    assert body["payload"]["attributes"]["recipient_id"] == first["conversation"]
    assert body["payload"]["attributes"]["writer_id"] == "wab-1"


def test_list_limits(sandbox):
    for n in range(3):
        sandbox.say(platform="smartify", **{"as": "customer"}, person="wab-%d" % n, text="Hello")
    ask = sandbox.smartify
    assert ask("GET", "/requests?limit=101").json["perPage"] == 40
    page = ask("GET", "/requests?limit=2&page=1&sort=createdAt&direction=1").json
    assert page["count"] == 3 and [r["lead"]["lead_id"] for r in page["requests"]] == ["wab-2"]
    assert len(ask("GET", "/requests?snap_lead_lead_id=wab-1&status=all").json["requests"]) == 1
    assert ask("GET", "/requests?no_count=true").json["count"] == 0
    ask("PUT", "/requests/%s/close" % page["requests"][0]["request_id"], {})
    assert ask("GET", "/requests").json["count"] == 2
    assert ask("GET", "/requests?status=all").json["count"] == 3
    tomorrow = time.strftime("%Y/%m/%d", time.gmtime(time.time() + 2 * 86400))
    assert ask("GET", "/requests?start_date=%s&timezone=UTC" % tomorrow).json["count"] == 0
    raw = ask("GET", "/requests?no_populate=true").json["requests"][0]
    assert isinstance(raw["lead"], str) and raw["snapshot"]["lead"]["lead_id"]


def test_participants_remove_the_bot(sandbox):
    said = sandbox.say(platform="smartify", **{"as": "customer"}, person="wab-7", text="Hello",
                       department="5e2c35c8f0dbc10017bb3d02")
    url = "/requests/" + said["conversation"]
    doc = sandbox.smartify("GET", url).json
    assert doc["hasBot"] and doc["participants"] == ["bot_5e2c35c8f0dbc10017bb3b01"]
    doc = sandbox.smartify("POST", url + "/participants", {"member": RELAY}).json
    assert not doc["hasBot"] and doc["participants"] == [RELAY]
    odd = sandbox.smartify("POST", url + "/participants", {"member": "5e2c35c8f0dbc10017bbffff"})
    assert odd.status == 500
    assert len(sandbox.smartify("GET", url).json["participants"]) == 2


def test_callback(sandbox):
    sandbox.say(platform="smartify", **{"as": "customer"}, person="wab-447700900123", name="Leila Haddad",
                text="Hi <b> \U0001f44b")
    body, headers, raw = sandbox.receiver.next(lambda b: b["payload"].get("sender") == "wab-447700900123")
    assert list(body) == ["timestamp", "payload", "hook", "token"]
    assert headers["x-hook-secret"] == SECRET and headers["User-Agent"] == "tiledesk-webhooks"
    assert "Hi <b> \U0001f44b".encode() in raw and "secret" not in body["hook"]
    head, claims, mac = body["token"].split(".")
    right = hmac.new(SECRET.encode(), (head + "." + claims).encode(), hashlib.sha256).digest()
    assert base64.urlsafe_b64decode(mac + "=") == right
    claims = json.loads(base64.urlsafe_b64decode(claims + "=="))
    assert claims["aud"] == "https://tiledesk.com/subscriptions/" + body["hook"]["_id"]
    request = body["payload"]["request"]
    assert request["lead"]["fullname"] == "Leila Haddad" and "requester_id" not in request
    assert body["payload"]["recipient"] == request["request_id"] and body["payload"]["channel_type"] == "group"
    assert request["participants"] == [PRIYA]
    sandbox.say(platform="smartify", **{"as": "agent"}, conversation=request["request_id"], text="We look")
    update, _, _ = sandbox.receiver.next(lambda b: b["hook"]["event"] == "request.update")
    assert update["payload"]["requester_id"] and update["payload"]["first_response_at"]
    sandbox.say(platform="smartify", **{"as": "bot"}, conversation=request["request_id"], text="Beep")
    bot, _, _ = sandbox.receiver.next(lambda b: b["payload"].get("text") == "Beep")
    assert bot["payload"]["sender"] == "bot_5e2c35c8f0dbc10017bb3b01"


def test_callback_repeats(sandbox):
    sandbox.control("PUT", "/control/settings", {"platform": "smartify", "retry_scale": 0.01})
    said = sandbox.say(platform="smartify", **{"as": "customer"}, person="wab-2", text="One", wait=True)
    sandbox.receiver.all()
    for statuses, times in (([503, 500], 3), ([429], 2), ([400], 1), ([503, 503, 503], 3)):
        sandbox.receiver.statuses = list(statuses)
        sandbox.say(platform="smartify", **{"as": "customer"}, person="wab-2", text="Two", wait=True,
                    conversation=said["conversation"])
        assert len(sandbox.receiver.all()) == times


def test_subscription_quirks(sandbox):
    subs = sandbox.smartify
    listed = subs("GET", "/subscriptions").json
    assert {s["event"] for s in listed} == {"message.create", "request.update", "event.emit.typing.start"} and "secret" not in listed[0]
    one = subs("POST", "/subscriptions", {"event": "request.create", "target": "http://127.0.0.1:9/a"})
    two = subs("POST", "/subscriptions", {"event": "lead.create", "target": "http://127.0.0.1:9/a", "secret": "mine"})
    assert one.json["secret"] == two.json["secret"] == two.headers["x-hook-secret"]
    other = subs("POST", "/subscriptions", {"event": "request.create", "target": "http://127.0.0.1:9/b"}).json
    again = subs("POST", "/subscriptions", {"event": "request.create", "target": "http://127.0.0.1:9/b"}).json
    assert again["_id"] == one.json["_id"] and again["target"].endswith("/a") and other["target"].endswith("/b")
    subs("PUT", "/subscriptions/" + SUBSCRIPTION, {"secret": "changed"})
    sandbox.say(platform="smartify", **{"as": "customer"}, person="wab-3", text="x")
    assert sandbox.receiver.next()[1]["x-hook-secret"] == "changed"
    assert subs("DELETE", "/subscriptions/5e2c35c8f0dbc10017bb3fff").body == b"null"
    assert subs("POST", "/subscriptions", {"event": "x"}).status == 500


def test_contact_overwritten_by_other_email(sandbox):
    first = person("ext-9", firstname="Ola", lastname="Nor", email="ola@example.com")
    sandbox.bare("POST", "/auth/signinWithCustomToken", {}, first)
    url = "/%s/requests/%s/messages" % (PROJECT, request_id("o%d"))
    made = sandbox.bare("POST", url % 1, {"text": "a"}, first).json["request"]["lead"]
    assert (made["fullname"], made["email"]) == ("Ola Nor", "ola@example.com")
    lost = sandbox.bare("POST", url % 2, {"text": "b"}, person("ext-9")).json["request"]["lead"]
    assert lost["fullname"] == " " and "email" not in lost


def test_odd_attributes_are_stored_twice(sandbox):
    sandbox.smartify("POST", path("odd"), {"text": "first"})
    sandbox.smartify("POST", path("odd"), {"text": "again", "attributes": [1]})
    time.sleep(0.1)
    texts = [m["text"] for m in sandbox.smartify("GET", path("odd")).json if m["sender"] != "system"]
    assert texts == ["first", "again", "again"]


def test_echo_modes(sandbox):
    sandbox.smartify("POST", path("e1"), {"text": "first"})
    sandbox.receiver.all()
    for mode, times in (("twice", 2), ("never", 0), ("first", 1)):
        sandbox.control("POST", "/control/hooks/mode", {"platform": "smartify", "echo": mode})
        sandbox.smartify("POST", path("e1"), {"text": mode})
        if mode == "first":
            assert sandbox.receiver.got.qsize() >= 1       # there before the answer was
        assert len([b for b in sandbox.receiver.all() if b["hook"]["event"] == "message.create"]) == times
