"""The fake Smart Sender against what its vendor has published, and what public clients rely on."""

import http.client
import re
import time

import pytest

TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\Z")
CHAT = {"id", "name", "image", "contact", "gates", "unreadMessages", "createdAt", "updatedAt"}
GATE = {"id", "subscribed", "unreadMessages", "channel"}
CHANNEL = {"id", "active", "occupied", "type", "name", "referrer", "link", "app", "createdAt", "updatedAt"}
MESSAGE = {"id", "content", "internal", "state", "sender", "gate", "editedAt", "seenAt", "createdAt", "deliveredAt"}


@pytest.fixture
def api(sandbox):
    return sandbox.smartsender


def hear(sandbox, text="Hello", person="mira", **more):
    return sandbox.say(platform="smartsender", person=person, text=text, name="Mira Kovalenko", **more)


def settings(sandbox, **values):
    assert sandbox.control("PUT", "/control/settings", dict(values, platform="smartsender")).status == 200


def refusal(answer, code, status=None):
    assert answer.status == (code if status is None else status), answer.body
    assert answer.json["error"]["code"] == code
    return answer.json["error"]


# -- who, and how often ---------------------------------------------------------------------------------------

def test_the_token(sandbox, api):
    assert api("GET", "/me").json["name"] == "Northwind"
    for value in (None, "Bearer wrong", "wrong"):
        error = refusal(api("GET", "/me", headers={"Authorization": value}), 401)
        assert error == {"code": 401, "message": "Unauthenticated"}


def test_the_limit_and_its_locks(sandbox, api):
    """180 a minute; then locked out, each time for longer. X-Rate-Limit says what is left."""
    assert int(api("GET", "/me").headers["X-Rate-Limit"]) in range(1, 180)
    settings(sandbox, limit_per_minute=3, lock_seconds=0.4)
    while api("GET", "/me").status == 200:
        pass
    locked = api("GET", "/me")
    assert refusal(locked, 429) and locked.headers["Retry-After"] == "1"
    time.sleep(0.5)
    assert [api("GET", "/me").headers["X-Rate-Limit"] for _ in range(3)] == ["2", "1", "0"]
    settings(sandbox, tell_lock=False)
    second = api("GET", "/me")
    assert refusal(second, 429) and second.headers["Retry-After"] is None
    time.sleep(0.5)
    refusal(api("GET", "/me"), 429)         # the second one is twice as long
    time.sleep(0.5)
    assert api("GET", "/me").status == 200
    assert sandbox.control("GET", "/control/state").json["smartsender"]["lockouts"] == 2


def test_errors_in_good_answers(sandbox, api):
    settings(sandbox, errors_in_200=True)
    refusal(api("GET", "/chats?page=0"), 422, status=200)
    refusal(api("GET", "/nothing"), 404, status=200)


# -- chats ----------------------------------------------------------------------------------------------------

def test_a_chat(sandbox, api):
    """As the page of the model has it, and two ids of one contact."""
    ids = hear(sandbox)
    page = api("GET", "/chats").json
    assert page["cursor"] == {"page": 1, "pages": 1}
    chat, = page["collection"]
    assert set(chat) == CHAT and set(chat["gates"][0]) == GATE and set(chat["gates"][0]["channel"]) == CHANNEL
    assert chat["name"] == "Mira Kovalenko" and chat["unreadMessages"] == 1
    assert chat["contact"]["originalId"] == ids["contact"] != chat["contact"]["id"]
    assert TIME.match(chat["createdAt"]) and TIME.match(chat["updatedAt"])
    assert api("GET", "/chats/%d" % chat["id"]).json == chat
    assert api("GET", "/contacts/%d/chat" % ids["contact"]).json == chat
    refusal(api("GET", "/contacts/%d/chat" % chat["contact"]["id"]), 404)   # that one is not for paths
    refusal(api("GET", "/chats/999999"), 404)


def test_what_of_chats_is_listed(sandbox, api):
    first, second = hear(sandbox, person="one")["conversation"], hear(sandbox, person="two")["conversation"]

    def listed(query):
        return [c["id"] for c in api("GET", "/chats?" + query).json["collection"]]
    assert set(listed("state=open")) == {first, second}
    assert api("PUT", "/chats/%d/read" % first, {}).json == {"state": True}
    assert listed("state=open&selector%5Bname%5D=unread") == [second]
    assert api("PUT", "/chats/%d/close" % second, {}).json == {"state": True}
    assert listed("state=open") == [first] and listed("state=closed") == [second]
    hear(sandbox, person="two")         # a closed one is opened by its contact
    assert set(listed("state=open")) == {first, second}
    refusal(api("GET", "/chats?state=none"), 422)
    refusal(api("GET", "/chats?selector%5Bname%5D=private"), 422)


def test_pages_shift(sandbox, api):
    """Numbers, not cursors: what is new moves the rest on."""
    for i in range(23):
        last = hear(sandbox, "m%d" % i)
    path = "/chats/%d/messages?limitation=20&page=%%d" % last["conversation"]
    one, two = api("GET", path % 1).json, api("GET", path % 2).json
    assert one["cursor"] == {"page": 1, "pages": 2} and (len(one["collection"]), len(two["collection"])) == (20, 3)
    ids = [m["id"] for m in one["collection"] + two["collection"]]
    assert ids == sorted(ids, reverse=True) and ids[0] == last["message"]
    hear(sandbox, "new")
    assert api("GET", path % 2).json["collection"][0]["id"] == one["collection"][-1]["id"]
    assert api("GET", path % 3).json["collection"] == []
    for query in ("limitation=21", "limitation=0", "page=0", "page=x"):
        refusal(api("GET", "/chats?" + query), 422)


# -- messages -------------------------------------------------------------------------------------------------

def test_a_message(sandbox, api):
    ids = hear(sandbox)
    m, = api("GET", "/chats/%d/messages" % ids["conversation"]).json["collection"]
    assert set(m) == MESSAGE and m["id"] == ids["message"]
    assert m["content"] == {"type": "text", "resource": {"parameters": {"content": "Hello"}, "buttons": []}}
    assert m["sender"]["type"] == "contact" and m["sender"]["fullName"] == "Mira Kovalenko"
    assert m["internal"] is False and m["editedAt"] is None and TIME.match(m["createdAt"])
    assert api("GET", "/contacts/%d/messages" % ids["contact"]).json["collection"] == [m]


def test_written_as_php_does(sandbox, api):
    """Slashes and all that is not ASCII are escaped, an emoji as two; or not, where that is asked for."""
    ids = hear(sandbox, "a/b \U0001f642")
    path = "/chats/%d/messages" % ids["conversation"]
    assert b"a\\/b \\ud83d\\ude42" in api("GET", path).body
    settings(sandbox, raw_utf8=True, gaps=True)
    answer = api("GET", path)
    assert "a\\/b \U0001f642".encode() in answer.body
    assert list(answer.json["collection"]) == ["0"]         # a list with gaps is an object


def test_what_is_changed_later(sandbox, api):
    ids = hear(sandbox)
    path = "/chats/%d/messages?activities=1" % ids["conversation"]
    sandbox.act(platform="smartsender", action="edit", message=ids["message"], text="Hello!")
    m = api("GET", path).json["collection"][0]
    assert m["content"]["resource"]["parameters"]["content"] == "Hello!" and TIME.match(m["editedAt"])
    sandbox.act(platform="smartsender", action="delete", message=ids["message"])
    m = api("GET", path).json["collection"][0]
    assert m["content"]["type"] == "transient" and m["content"]["original"]["type"] == "text"
    assert abs(m["content"]["context"]["timestamp"] - time.time()) < 60


def test_who_writes_there(sandbox, api):
    """Notes bear no gate, system lines are told on demand."""
    chat = hear(sandbox)["conversation"]
    for role, more in (("agent", {}), ("agent", {"private": True}), ("bot", {}), ("system", {})):
        sandbox.say(**dict(more, platform="smartsender", conversation=chat, text="x", **{"as": role}))
    shown = api("GET", "/chats/%d/messages" % chat).json["collection"]
    assert [m["sender"]["type"] for m in shown] == ["funnel", "operator", "operator", "contact"]
    assert [m["internal"] for m in shown] == [False, True, False, False]
    assert shown[1]["gate"] is None and shown[2]["gate"] is not None
    assert len(api("GET", "/chats/%d/messages?activities=1" % chat).json["collection"]) == 5


SENT = {
    "text": {"content": "Hi"},
    "location": {"title": "Office", "latitude": 50.45, "longitude": 30.52},
    "contact": {"fullName": "Ada", "phoneNumber": "+1555"},
    **{t: {"media": "https://relay.example/a"} for t in ("file", "picture", "video", "audio", "voice", "animation")},
}


@pytest.mark.parametrize("type", SENT)
def test_sending(sandbox, api, type):
    """Each type with what it must have; what is read is called differently."""
    ids = hear(sandbox)
    path, body = "/contacts/%d/send" % ids["contact"], dict(SENT[type], type=type, watermark=1)
    sent = api("POST", path, body)
    assert sent.status == 200 and set(sent.json) == MESSAGE and sent.json["content"]["type"] == type
    assert sent.json["sender"]["type"] != "contact"
    shown = sent.json["content"]["resource"]["parameters"]
    names = {"media": "url", "fullName": "name"}
    assert shown == {names.get(k, k): v for k, v in SENT[type].items()}
    assert api("GET", "/chats/%d/messages" % ids["conversation"]).json["collection"][0]["id"] == sent.json["id"]
    for key in SENT[type]:
        error = refusal(api("POST", path, {k: v for k, v in body.items() if k != key}), 422)
        assert error["description"][key] == ["The %s field is required." % key]
    refusal(api("POST", path, dict(SENT[type], type=type)), 422)
    refusal(api("POST", path, dict(body, type="hologram")), 422)


def test_who_cannot_be_reached(sandbox, api):
    ids = hear(sandbox)
    sandbox.act(platform="smartsender", action="block", conversation=ids["conversation"])
    refusal(api("POST", "/contacts/%d/send" % ids["contact"], {"type": "text", "content": "Hi", "watermark": 1}), 422)
    assert api("GET", "/contacts/%d/gates" % ids["contact"]).json["collection"][0]["subscribed"] is False


def test_commands(sandbox, api):
    """Each answers that it was done, and only that."""
    ids = hear(sandbox)
    gate = api("GET", "/contacts/%d/gates" % ids["contact"]).json["collection"][0]["id"]
    sent = api("POST", "/contacts/%d/send" % ids["contact"], {"type": "text", "content": "Hi", "watermark": 1}).json["id"]
    done = [api("POST", "/chats/%d/forward/7" % ids["conversation"], {"text": "for you"}),
            api("PUT", "/contacts/%d" % ids["contact"], {"values": {"city": "Lviv"}}),
            api("POST", "/contacts/%d/fire" % ids["contact"], {"name": "start"}),
            api("PUT", "/gates/%d/messages" % gate, {"messageId": sent, "text": "Hi!"}),
            api("DELETE", "/gates/%d/messages" % gate, {"messageIds": [sent]})]
    assert [a.json for a in done] == [{"state": True}] * 5
    assert api("GET", "/contacts/%d/info" % ids["contact"]).json["variables"] == {"city": "Lviv"}
    assert sandbox.control("GET", "/control/state").json["smartsender"]["chats"][0]["forwards"] == [
        {"operator": 7, "text": "for you"}]
    assert {o["id"] for o in api("GET", "/operators").json["collection"]} == {7, 8}
    refusal(api("POST", "/chats/%d/forward/99" % ids["conversation"], {"text": "x"}), 404)
    refusal(api("PUT", "/gates/%d/messages" % gate, {"messageId": ids["message"], "text": "not ours"}), 422)


def test_a_chat_that_we_open(sandbox, api):
    """At WhatsApp alone; who is known there is not made twice."""
    body = {"identifier": "447700900123", "firstName": "Ada", "phone": "+447700900123"}
    refusal(api("POST", "/channels/4/gates", body), 422)
    gate = api("POST", "/channels/5/gates", body).json
    assert set(gate) == GATE and gate["channel"]["type"] == "whatsapp"
    assert api("POST", "/channels/5/gates", body).json["id"] == gate["id"]
    refusal(api("POST", "/channels/5/gates", {"identifier": "447700900123"}), 422)


def test_the_block_of_a_funnel(sandbox):
    """It says who, and with which secret; nothing of what was written."""
    ids = hear(sandbox, "secret words")
    for secret in ("sandbox-smartsender-secret", ""):
        sandbox.act(platform="smartsender", action="wake", conversation=ids["conversation"], secret=secret)
        body, headers, _ = sandbox.receiver.next()
        assert body == {"userId": str(ids["contact"])} and headers["User-Agent"] == "Smart Sender"
        assert headers.get("X-Relay-Secret", "") == secret


def test_faults(sandbox, api):
    """What happens on the way is the same as on the other fakes: accepted, and no answer."""
    ids = hear(sandbox)
    sandbox.control("POST", "/control/faults", [{"platform": "smartsender", "method": "POST", "path": "/send",
                                                  "action": "drop_answer"}])
    with pytest.raises(http.client.RemoteDisconnected):
        api("POST", "/contacts/%d/send" % ids["contact"], {"type": "text", "content": "Hi", "watermark": 1})
    assert len(api("GET", "/chats/%d/messages" % ids["conversation"]).json["collection"]) == 2
