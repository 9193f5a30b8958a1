"""The fake Chatwoot against what is known of the real server."""

import hashlib
import hmac
import time

import pytest

from hooks import chatwoot_signature

SECRET = "sandbox-chatwoot-secret-24"


def make(sandbox, source="tl1-a", identifier="tel:+15550001111", **more):
    body = {"name": "Teodor Vance", "identifier": identifier, "inbox_id": 12, "source_id": source}
    body.update(more)
    return sandbox.chatwoot("POST", "/contacts", body)


def open_conversation(sandbox, source="tl1-a", message="Hello again", **more):
    contact = make(sandbox, source, "id:" + source).json["payload"]["contact"]["id"]
    body = {"contact_id": contact, "inbox_id": 12, "source_id": source}
    if message:
        body["message"] = {"content": message, "message_type": "incoming", "source_id": "mark:1"}
    body.update(more)
    return sandbox.chatwoot("POST", "/conversations", body).json


def test_signature_vector():
    body = bytes.fromhex("7b22636f6e74656e74223a22d09fd180d0b8d0b2d0b5d18220f09f918b205c75303033636f6b5c7530303365222c"
                         "226576656e74223a226d6573736167655f63726561746564222c226964223a393130377d")
    assert len(body) == 82
    assert chatwoot_signature("k7PzQmX2vW9sR4tYbN6cD8fH", "1781700000", body) == \
        "sha256=0792ab2eced012dc4322c2b96edbace71b8196babbaea1c92e8ff6a55df1c1bb"
    assert chatwoot_signature("k7PzQmX2vW9sR4tYbN6cD8fH", "1781700000", b"{}") == \
        "sha256=327eda76b2f65515dbb95918da5ab142b7a8f3f28c4554e4e9e888dcf8e52a33"


def test_who_may(sandbox):
    bare = sandbox.bare_chatwoot
    url = "/api/v1/accounts/1/conversations"

    def ask(token, path=url, name="Api-Access-Token", method="GET"):
        answer = bare(method, path, headers={name: token} if token else {})
        return answer.status, answer.json
    assert ask(None) == (401, {"errors": ["You need to sign in or sign up before continuing."]})
    assert ask("nonsense") == (401, {"error": "Invalid Access Token"})
    assert ask("sandbox-bot-token") == (401, {"error": "Access to this endpoint is not authorized for bots"})
    assert ask("sandbox-stranger-token") == (401, {"error": "You are not authorized to access this account"})
    assert ask("sandbox-chatwoot-token", name="api_access_token")[0] == 200
    assert ask("sandbox-chatwoot-token", "/api/v1/accounts/7/conversations") == (
        404, {"error": "Resource could not be found"})
    assert ask("sandbox-agent-token", "/api/v1/accounts/1/webhooks") == (
        401, {"error": "You are not authorized to do this action"})
    sandbox.control("PUT", "/control/settings", {"platform": "chatwoot", "underscores_dropped": True})
    assert ask("sandbox-chatwoot-token", name="api_access_token")[0] == 401
    status, profile = ask("sandbox-chatwoot-token", "/api/v1/profile")
    assert profile["id"] == 3 and profile["accounts"][0]["role"] == "administrator"
    assert bare("GET", "/health").json == {"status": "woot"}
    assert bare("GET", "/api").json["version"] == "4.15.1"


def test_contacts(sandbox):
    made = make(sandbox, phone_number="+4915550100021", email="T@Example.com").json["payload"]
    assert made["contact_inbox"]["source_id"] == "tl1-a" and made["contact"]["email"] == "t@example.com"
    taken = make(sandbox, "tl1-b", email="t@example.com", phone_number="0123")
    assert (taken.status, taken.json) == (422, {
        "message": "Phone number should be in e164 format, Email has already been taken, "
                   "Identifier has already been taken", "attributes": ["phone_number", "email", "identifier"]})
    assert make(sandbox, "tl1-a", "other").status == 500
    found = sandbox.chatwoot("POST", "/contact_inboxes/filter", {"inbox_id": 12, "source_id": "tl1-a"})
    assert found.json["id"] == made["contact"]["id"] and found.json["contact_inboxes"][0]["source_id"] == "tl1-a"
    nobody = sandbox.chatwoot("POST", "/contact_inboxes/filter", {"inbox_id": 12, "source_id": "tl1-b"})
    assert (nobody.status, nobody.body) == (404, b"")
    query = {"payload": [{"attribute_key": "identifier", "filter_operator": "equal_to",
                          "values": ["tel:+15550001111"], "query_operator": None}]}
    assert sandbox.chatwoot("POST", "/contacts/filter", query).json["meta"]["count"] == 1
    query["payload"][0].update(attribute_key="phone_number", values=["4915550100021"])
    assert sandbox.chatwoot("POST", "/contacts/filter", query).json["meta"]["count"] == 1
    searched = sandbox.chatwoot("GET", "/contacts/search?q=%2B491555&page=1").json
    assert searched["meta"] == {"count": 1, "current_page": "1", "has_more": False}
    id = made["contact"]["id"]
    url = "/contacts/%d/contact_inboxes" % id
    for _ in (1, 2):
        assert sandbox.chatwoot("POST", url, {"inbox_id": 12, "source_id": "tl1-z"}).status == 200
    assert len(sandbox.chatwoot("GET", "/contacts/%d" % id).json["payload"]["contact_inboxes"]) == 2
    sandbox.chatwoot("PATCH", "/contacts/%d" % id, {"custom_attributes": {"a": 1}})
    patched = sandbox.chatwoot("PATCH", "/contacts/%d" % id, {"custom_attributes": {"b": 2}}).json["payload"]
    assert patched["custom_attributes"] == {"a": 1, "b": 2}


def test_conversation_with_message(sandbox):
    row = open_conversation(sandbox, additional_attributes={"tieline": "c-mark"})
    assert row["status"] == "open" and row["messages"][0]["source_id"] == "mark:1"
    assert row["messages"][0]["conversation"]["contact_inbox"]["source_id"] == "tl1-a"
    assert row["additional_attributes"] == {"tieline": "c-mark"} and "contact_inbox" not in row
    body, headers, raw = sandbox.receiver.next(lambda b: b["event"] == "message_created")
    assert body["message_type"] == "incoming" and body["conversation"]["id"] == row["id"]
    assert body["conversation"]["additional_attributes"]["tieline"] == "c-mark" and "status" not in body
    stamp = headers["X-Chatwoot-Timestamp"]
    right = hmac.new(SECRET.encode(), stamp.encode() + b"." + raw, hashlib.sha256).hexdigest()
    assert headers["X-Chatwoot-Signature"] == "sha256=" + right
    listed = sandbox.chatwoot("GET", "/conversations?inbox_id=12&source_id=tl1-a&status=all&sort_by=created_at_desc")
    assert [c["id"] for c in listed.json["data"]["payload"]] == [row["id"]]
    second = sandbox.chatwoot("POST", "/conversations", {"contact_id": row["meta"]["sender"]["id"], "inbox_id": 12,
                                                         "source_id": "tl1-a"}).json
    assert second["id"] == row["id"] + 1 and second["messages"] == []
    other = make(sandbox, "tl1-other", "other").json["payload"]["contact"]["id"]
    foreign = sandbox.chatwoot("POST", "/conversations", {"contact_id": other, "inbox_id": 12, "source_id": "tl1-a"})
    assert (foreign.status, foreign.json) == (422, {"error": "source_id should be unique"})


def test_conversation_limits(sandbox):
    contact = make(sandbox).json["payload"]["contact"]["id"]
    body = {"contact_id": contact, "inbox_id": 12, "source_id": "tl1-a"}
    assert sandbox.chatwoot("POST", "/conversations", dict(body, status="odd")).status == 500
    big = sandbox.chatwoot("POST", "/conversations", dict(body, additional_attributes={"at": 1781784000123}))
    assert big.status == 422 and big.json["attributes"] == ["additional_attributes"]
    sandbox.act(platform="chatwoot", action="inbox", values={"lock_to_single_conversation": True})
    first = sandbox.chatwoot("POST", "/conversations", body).json["id"]
    sandbox.chatwoot("POST", "/conversations/%d/toggle_status" % first, {"status": "resolved"})
    again = sandbox.chatwoot("POST", "/conversations", body).json
    assert (again["id"], again["status"]) == (first, "resolved")


def test_reopen(sandbox):
    row = open_conversation(sandbox)
    url = "/conversations/%d" % row["id"]
    sandbox.act(platform="chatwoot", action="resolve", conversation=row["id"])
    events = [b["event"] for b in sandbox.receiver.all()]
    assert events.count("conversation_status_changed") == 1
    sandbox.chatwoot("POST", url + "/messages", {"content": "Back", "message_type": "incoming"})
    assert sandbox.chatwoot("GET", url).json["status"] == "open"
    got = sandbox.receiver.all()
    assert [b["conversation"]["status"] for b in got if b["event"] == "message_created"] == ["open"]
    changed = [b for b in got if b["event"] == "conversation_status_changed"]
    assert changed[0]["status"] == "open" and changed[0]["changed_attributes"] is None
    sandbox.act(platform="chatwoot", action="resolve", conversation=row["id"])
    sandbox.chatwoot("POST", url + "/messages", {"content": "Outgoing"})
    assert sandbox.chatwoot("GET", url).json["status"] == "resolved"
    sandbox.act(platform="chatwoot", action="block", contact=row["meta"]["sender"]["id"])
    sandbox.chatwoot("POST", url + "/messages", {"content": "Blocked", "message_type": "incoming"})
    assert sandbox.chatwoot("GET", url).json["status"] == "resolved"


def test_status(sandbox):
    url = "/conversations/%d/toggle_status" % open_conversation(sandbox)["id"]
    flipped = sandbox.chatwoot("POST", url, {}).json["payload"]
    assert flipped["current_status"] == "resolved" and flipped["success"] is True
    assert sandbox.chatwoot("POST", url, {"status": "odd"}).status == 500
    agent = {"Api-Access-Token": "sandbox-agent-token"}
    sandbox.chatwoot("POST", url, {"status": "open"}, headers=agent)
    row = sandbox.chatwoot("GET", url.rpartition("/")[0]).json
    assert row["meta"]["assignee"]["id"] == 12


def test_paging(sandbox):
    sandbox.control("PUT", "/control/settings", {"platform": "chatwoot", "message_limit": 0})
    row = open_conversation(sandbox, message=None)
    url = "/conversations/%d/messages" % row["id"]
    say = [{"platform": "chatwoot", "as": "agent", "conversation": row["id"], "text": "n%d" % n} for n in range(130)]
    ids = [x["message"] for x in sandbox.control("POST", "/control/say", say).json]

    def got(query):
        return [m["id"] for m in sandbox.chatwoot("GET", url + query).json["payload"]]
    assert got("") == ids[-20:]
    assert got("?before=%d" % ids[50]) == ids[30:50]
    assert got("?after=0") == ids[:100]
    assert got("?after=%d" % ids[99]) == ids[100:]
    assert got("?after=%d&before=%d" % (ids[3], ids[128])) == ids[3:128]
    sandbox.say(platform="chatwoot", **{"as": "agent"}, conversation=row["id"], text="note", private=True)
    assert got("?filter_internal_messages=true") == ids[-20:]


def test_messages(sandbox):
    row = open_conversation(sandbox, message=None)
    url = "/conversations/%d/messages" % row["id"]
    made = sandbox.chatwoot("POST", url, {"content": "Hi", "message_type": "incoming", "echo_id": "r-1",
                                          "source_id": "mark:2", "external_created_at": 1781784000}).json
    assert made["message_type"] == 0 and made["echo_id"] == "r-1" and made["sender"]["type"] == "contact"
    assert made["content_attributes"] == {"external_created_at": 1781784000}
    note = sandbox.chatwoot("POST", url, {"content": "psst", "private": True}).json
    assert note["private"] and note["sender"]["id"] == 3
    long = sandbox.chatwoot("POST", url, {"content": "x" * 150001})
    assert (long.status, long.json) == (422, {
        "error": "Validation failed: Content is too long (maximum is 150000 characters)"})
    assert sandbox.chatwoot("POST", url, {"content": "x", "message_type": "odd"}).status == 422
    assert sandbox.chatwoot("POST", "/conversations/9999/messages", {"content": "x"}).status == 404
    assert sandbox.chatwoot("POST", url, raw=b"{oops").status == 400
    reply = sandbox.chatwoot("POST", url, {"content": "re", "content_attributes": {
        "in_reply_to_external_id": "mark:2"}}).json
    assert reply["content_attributes"] == {"in_reply_to": made["id"], "in_reply_to_external_id": "mark:2"}


@pytest.mark.parametrize("text,shown", [
    ("Hello {{contact.name}}!", "Hello Teodor Vance!"), ("a {{ nothing.here }} b", "a  b"),
    ("{% if x %}y{% endif %}", "y"), ("`{{code}}` stays", "`{{code}}` stays"), ("{{ open", "{{ open"),
    ("{{ '{{' }} kept", "{{ kept"), ("{\u200b{ safe }}", "{\u200b{ safe }}")])
def test_liquid(sandbox, text, shown):
    url = "/conversations/%d/messages" % open_conversation(sandbox, message=None)["id"]
    assert sandbox.chatwoot("POST", url, {"content": text}).json["content"] == shown
    assert sandbox.chatwoot("POST", url, {"content": text, "message_type": "incoming"}).json["content"] == text


def test_too_many_messages(sandbox):
    row = open_conversation(sandbox, message=None)
    sandbox.control("PUT", "/control/settings", {"platform": "chatwoot", "message_limit": 3})
    url = "/conversations/%d/messages" % row["id"]
    statuses = [sandbox.chatwoot("POST", url, {"content": "x"}).status for _ in range(4)]
    assert statuses == [200, 200, 200, 422]
    assert sandbox.chatwoot("POST", url, {"content": "x"}).json == {"error": "Validation failed: Too many messages"}


def test_throttle(sandbox):
    now = time.time() % 60
    if now > 58:
        time.sleep(60.1 - now)
    sandbox.control("PUT", "/control/settings", {"platform": "chatwoot", "throttle": 2})
    answers = [sandbox.chatwoot("GET", "/inboxes") for _ in range(3)]
    assert [a.status for a in answers] == [200, 200, 429]
    assert answers[2].body == b"Retry later\n" and answers[2].headers["Content-Type"].startswith("text/plain")
    assert "Retry-After" not in answers[2].headers


def test_phone_inbox_swallows(sandbox):
    said = sandbox.say(platform="chatwoot", **{"as": "customer"}, person="+15550001111", text="Hi", inbox=13)
    url = "/conversations/%d/messages" % said["conversation"]
    refused = sandbox.chatwoot("POST", url, {"content": "x", "message_type": "incoming"})
    assert (refused.status, refused.json) == (422, {"error": "Incoming messages are only allowed in Api inboxes"})
    assert sandbox.chatwoot("POST", url, {"content": "never sent", "source_id": "mark"}).status == 200
    assert sandbox.chatwoot("POST", url, {"content": "sent", "content_attributes": {"tieline": "mark"}}).status == 200
    threads = sandbox.control("GET", "/control/threads").json["chatwoot"]
    assert [m["swallowed"] for m in threads[0]["messages"]] == [False, True, False]
    message = sandbox.chatwoot("GET", url).json["payload"][-1]["id"]
    patched = sandbox.chatwoot("PATCH", url + "/%d" % message, {"status": "delivered"})
    assert (patched.status, patched.json) == (403, {
        "error": "Message status update is only allowed for API inboxes"})


def test_callbacks_escape(sandbox):
    row = open_conversation(sandbox, message=None)
    sandbox.receiver.all()
    sandbox.say(platform="chatwoot", **{"as": "agent"}, conversation=row["id"], text="<b> & \u2028 \U0001f4e6\n\n")
    got = {}
    for _ in range(2):      # in either order
        body, headers, raw = sandbox.receiver.next(lambda b: b["event"] in ("message_created", "conversation_updated"))
        got[body["event"]] = body, headers, raw
    body, headers, raw = got["message_created"]
    assert rb"\u003cb\u003e \u0026 \u2028 " in raw and "\U0001f4e6".encode() in raw
    assert body["content"] == "<b> & \u2028 \U0001f4e6"
    assert body["sender"] == {"id": 12, "name": "Marisol Rooke", "email": "marisol@northwind.example", "type": "user"}
    nested = body["conversation"]["messages"][0]
    assert nested["message_type"] == 1 and isinstance(nested["created_at"], int) and nested["status"] == "sent"
    assert body["created_at"].endswith("Z") and body["conversation"]["contact_inbox"]["source_id"] == "tl1-a"
    updated = got["conversation_updated"][0]
    assert any("first_reply_created_at" in c for c in updated["changed_attributes"])
    assert headers["User-Agent"] == "Ruby" and len(headers["X-Chatwoot-Delivery"]) == 36


def test_failed_mark_and_healing(sandbox):
    row = open_conversation(sandbox, message=None)
    sandbox.receiver.all()
    sandbox.receiver.statuses = [500]
    said = sandbox.say(platform="chatwoot", **{"as": "agent"}, conversation=row["id"], text="x", private=True)
    created, _, _ = sandbox.receiver.next(lambda b: b["event"] == "message_created")
    updated, _, _ = sandbox.receiver.next(lambda b: b["event"] == "message_updated")
    assert created["id"] == updated["id"] == said["message"]
    assert updated["content_attributes"] == {"external_error": "500 Internal Server Error"}
    url = "/conversations/%d/messages/%d" % (row["id"], said["message"])
    healed = sandbox.chatwoot("PATCH", url, {"status": "delivered"}).json
    assert healed["status"] == "delivered" and healed["content_attributes"] == {"external_error": None}
    sandbox.chatwoot("PATCH", url, {"status": "read"})
    assert sandbox.chatwoot("PATCH", url, {"status": "delivered"}).json["status"] == "read"
    failed = sandbox.chatwoot("PATCH", url, {"status": "failed", "external_error": "no"}).json
    assert failed["status"] == "failed" and failed["content_attributes"] == {"external_error": "no"}
    sandbox.receiver.all()
    sandbox.act(platform="chatwoot", action="retry", message=said["message"])
    updates = [b for b in sandbox.receiver.all() if b["event"] == "message_updated"]
    assert len(updates) == 2 and {} in [u["content_attributes"] for u in updates]     # they race
    deleted = sandbox.chatwoot("DELETE", url).json
    assert deleted["content"] == "This message was deleted" and deleted["content_attributes"] == {"deleted": True}


def test_own_timeout(sandbox):
    """What is answered too late is shown as failed, though it was taken; and says so, once per text."""
    row = open_conversation(sandbox, message=None)
    sandbox.receiver.all()
    sandbox.control("PUT", "/control/settings", {"platform": "chatwoot", "callback_timeout": 0.2})
    sandbox.receiver.pause = 1
    said = sandbox.say(platform="chatwoot", **{"as": "agent"}, conversation=row["id"], text="x")
    created, _, _ = sandbox.receiver.next(lambda b: b["event"] == "message_created", timeout=10)
    updated, _, _ = sandbox.receiver.next(lambda b: b["event"] == "message_updated", timeout=10)
    sandbox.receiver.pause = 0
    assert created["content_attributes"] == {} and updated["id"] == said["message"]
    error = "Net::ReadTimeout with #<TCPSocket:(closed)>"
    assert updated["content_attributes"] == {"external_error": error}
    shown = sandbox.chatwoot("GET", "/conversations/%d/messages" % row["id"]).json["payload"][-1]
    assert shown["status"] == "failed" and shown["content_attributes"]["external_error"] == error
    assert not [b for b in sandbox.receiver.all(10) if b["event"] == "message_updated" and b["id"] != said["message"]]
    sandbox.control("PUT", "/control/settings", {"platform": "chatwoot", "callback_timeout": 5})
    # An unknown status, and one message's id under another conversation.
    url = "/conversations/%d/messages/%d" % (row["id"], said["message"])
    assert sandbox.chatwoot("PATCH", url, {"status": "lost"}).json["status"] == "failed"
    other = open_conversation(sandbox, source="tl1-b", message=None)
    wrong = "/conversations/%d/messages/%d" % (other["id"], said["message"])
    assert sandbox.chatwoot("PATCH", wrong, {"status": "delivered"}).status == 404


def test_account_webhook(sandbox):
    sandbox.control("PUT", "/control/hooks", {"platform": "chatwoot", "role": "customers",
                                              "url": sandbox.receiver.url + "/a", "secret": "other"})
    sandbox.say(platform="chatwoot", **{"as": "customer"}, person="p-1", text="Hi")
    got = {b["event"] for b in sandbox.receiver.all()}
    assert got == {"conversation_created", "message_created", "conversation_updated", "contact_updated"}
    listed = sandbox.chatwoot("GET", "/webhooks").json["payload"]["webhooks"]
    assert listed[0]["secret"] == "other"
    twice = sandbox.chatwoot("POST", "/webhooks", {"url": listed[0]["url"], "subscriptions": ["message_created"]})
    assert twice.status == 422 and twice.json["attributes"] == ["url"]
    assert sandbox.chatwoot("POST", "/webhooks", {"url": "http://x", "subscriptions": ["odd"]}).status == 422
    sandbox.control("PUT", "/control/hooks", {"platform": "chatwoot", "role": "agents",
                                              "url": sandbox.receiver.url + "/c", "secret": SECRET})


def test_greeting(sandbox):
    sandbox.act(platform="chatwoot", action="inbox", values={"greeting_enabled": True, "greeting_message": "Welcome"})
    open_conversation(sandbox)
    template, _, _ = sandbox.receiver.next(lambda b: b.get("message_type") == "template")
    assert template["content"] == "Welcome" and template["sender"] is None and template["source_id"] is None


def test_duplicates(sandbox):
    row = open_conversation(sandbox, message=None)
    sandbox.receiver.all()
    for same in (False, True):
        sandbox.control("POST", "/control/hooks/mode", {"platform": "chatwoot", "duplicate": 1, "same_delivery": same})
        sandbox.say(platform="chatwoot", **{"as": "agent"}, conversation=row["id"], text="x", private=True)
        ids = {sandbox.receiver.next()[1]["X-Chatwoot-Delivery"] for _ in (1, 2)}
        assert len(ids) == (1 if same else 2)

def test_shuffle(sandbox):
    row = open_conversation(sandbox, message=None)
    sandbox.receiver.all()
    sandbox.control("POST", "/control/hooks/mode", {"platform": "chatwoot", "shuffle": 0.2})
    say = [{"platform": "chatwoot", "as": "agent", "conversation": row["id"], "text": "n%d" % n} for n in range(12)]
    ids = [x["message"] for x in sandbox.control("POST", "/control/say", say).json]
    got = [b["id"] for b in sandbox.receiver.all() if b["event"] == "message_created"]
    assert sorted(got) == ids and got != ids


def test_agent_starts(sandbox):
    contact = make(sandbox).json["payload"]["contact"]["id"]
    known = sandbox.say(platform="chatwoot", **{"as": "agent"}, contact=contact, text="Good morning")
    assert known["source_id"] == "tl1-a"
    alone = sandbox.chatwoot("POST", "/contacts", {"name": "Nobody yet"}).json["payload"]["contact"]["id"]
    fresh = sandbox.say(platform="chatwoot", **{"as": "agent"}, contact=alone, text="Good morning")
    assert len(fresh["source_id"]) == 36
