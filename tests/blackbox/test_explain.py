"""tieline explain: what each callback, page and answer becomes, line by line.

The program is run as users run it. Expected lines are written from the platforms' contracts: explain/captures.jsonl
has one for every captured callback of tests/connector/smartify, explain/chatwoot.jsonl one for every callback of
tests/connector/chatwoot, read by an agents' side (desk) and by a customers' side (site).
"""

import hashlib
import hmac
import json
import os
import re
import subprocess

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
BIN = os.path.abspath(os.environ.get("TIELINE_BIN", os.path.join(HERE, "..", "..", "build", "dev", "tieline")))
TABLES = os.path.join(HERE, "..", "explain")
FIXTURES = os.path.join(HERE, "..", "connector")

KEY = bytes(range(32)).hex()            # the instance key of the vectors
PROJECT = "5e2c35c8f0dbc10017bb3aac"
SHOP_SECRET = "61bea45c-af98-400d-b515-4781d3262bb6"
DESK_SECRET = "k7PzQmX2vW9sR4tYbN6cD8fH"
HOOK_KEY = "0123456789abcdef"
SECRETS = ("password-of-the-relay", "token-of-the-relay", SHOP_SECRET, DESK_SECRET)
TALK = "support-group-%s-7e2f91ac" % PROJECT
# Our mark on the copy of message 5e2c6b958c9612001716bede, by the instance key above.
MARK = "tl1:630dcd29:a18603:m1:94494511ff7b18c5351b:0:03b7872a"

# The contract: which members a line may have, in this order.
MEMBERS = {
    "event": "type n endpoint auth kind id key conversation person author private at text format attachments reply_to"
             " choice state changes bridges",
    "drop": "type n endpoint auth reason kind id conversation author bridge detail",
    "refusal": "type n endpoint status reason detail",
    "unparsable": "type n endpoint auth status reason offset detail",
    "request": "type n bridge to step when method url headers body parts gives",
    "effect": "type n endpoint step effect reason remote_id wait_ms detail",
    "cursor": "type n endpoint next",
    "end": "type inputs events drops refusals unparsable requests exit",
}
ALWAYS = {
    "event": "type n endpoint auth kind bridges",
    "drop": "type n endpoint auth reason detail",
    "request": "type n bridge to step when method url headers",
}
COUNTED = {"event": "events", "drop": "drops", "refusal": "refusals", "unparsable": "unparsable", "request": "requests"}


# --- running it -------------------------------------------------------------------------------------------------------

SHOP = """
  {name}:
    platform: smartify
    project_id: {project}
    email: relay@example.com
    password: password-of-the-relay
    webhook_secret: {secret}
    hook_key: {key}
"""
DESK = """
  {name}:
    platform: chatwoot
    base_url: https://chat.example.com
    api_token: token-of-the-relay
    account_id: {account}
    inbox_id: {inbox}
    webhook_secret: {secret}
    hook_key: {key}
"""


def shop(name="shop", project=PROJECT, secret=SHOP_SECRET, key=HOOK_KEY):
    return SHOP.format(name=name, project=project, secret=secret, key=key)


def desk(name="desk", account=1, inbox=12, secret=DESK_SECRET, key=HOOK_KEY):
    return DESK.format(name=name, account=account, inbox=inbox, secret=secret, key=key)


def config(endpoints, bridges, more=""):
    return "public_url: https://relay.example.com\n%sendpoints:%s\nbridges:\n%s" % (
        more, "".join(endpoints), "".join("  %s\n" % b for b in bridges))


def one_bridge(options="", more="", **at_shop):
    """Customers at shop, agents at desk."""
    return config([shop(**at_shop), desk()], ["support: {customers: shop, agents: desk%s}" % options], more)


def exchanged(options="", **at_site):
    """Customers at site, a Chatwoot; agents at team, a Smartify."""
    return config([desk("site", **at_site), shop("team")], ["support: {customers: site, agents: team%s}" % options])


class Run:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err
        self.lines = [json.loads(line) for line in out.split("\n")[:-1]]
        self.end = self.lines[-1] if self.lines else None

    def of(self, kind):
        return [line for line in self.lines if line["type"] == kind]

    @property
    def first(self):
        return self.lines[0]

    @property
    def told(self):
        """A word per line: an event's kind, a drop's reason, a request's step and when."""
        words = {"event": "kind", "drop": "reason", "refusal": "reason", "unparsable": "reason", "effect": "effect"}
        return ["%s %s" % (line["step"], line["when"]) if line["type"] == "request"
                else line[words[line["type"]]] if line["type"] in words else line["type"]
                for line in self.lines if line["type"] != "end"]


def hold_to_contract(run, secrets):
    """What is true of every output."""
    assert run.out.endswith("\n") and run.lines[-1]["type"] == "end"
    counts = dict.fromkeys(COUNTED.values(), 0)
    for text, line in zip(run.out.split("\n"), run.lines):
        order = MEMBERS[line["type"]].split()
        assert list(line) == [m for m in order if m in line], text
        assert all(m in line for m in ALWAYS.get(line["type"], MEMBERS[line["type"]]).split()), text
        assert text == json.dumps(line, ensure_ascii=False, separators=(",", ":")), text
        if line["type"] in COUNTED:
            counts[COUNTED[line["type"]]] += 1
    assert {k: run.end[k] for k in counts} == counts
    assert run.end["exit"] == run.code
    assert {line["n"] for line in run.lines[:-1]} == set(range(1, run.end["inputs"] + 1))
    assert not [s for s in secrets if s in run.out or s in run.err]


@pytest.fixture
def explain(tmp_path):
    """explain(configuration, endpoint, bodies…, headers=…, args=…): bodies as bytes, text or what becomes JSON."""
    count = [0]

    def path_of(ending, data):
        count[0] += 1
        path = tmp_path / ("%d.%s" % (count[0], ending))
        if not isinstance(data, (bytes, str)):
            data = json.dumps(data)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return str(path)

    def run(configuration, endpoint, *bodies, headers=(), args=(), stdin=None, code=None,
            secrets=SECRETS):
        headers = [headers] if isinstance(headers, str) else headers
        line = [BIN, "-c", path_of("yaml", configuration), "explain", "--endpoint", endpoint, *args]
        for text in headers:
            line += ["--headers", path_of("headers", text)]
        done = subprocess.run(line + [path_of("body", b) for b in bodies], input=stdin, capture_output=True, timeout=60)
        got = Run(done.returncode, done.stdout.decode(), done.stderr.decode())
        if code is not None:
            assert got.code == code, got.out + got.err
        if got.lines:
            hold_to_contract(got, secrets)
        return got

    return run


def table(name):
    with open(os.path.join(TABLES, name), encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def fixture(platform, name):
    with open(os.path.join(FIXTURES, platform, name), "rb") as f:
        return f.read()


# --- bodies -----------------------------------------------------------------------------------------------------------

LEAD = {"lead_id": "wab-447700900123", "fullname": "Leila Haddad", "email": None, "phone": None}
REQUEST = {"_id": "65f0a1b2c3d4e5f607182925", "request_id": TALK, "lead": LEAD, "participants": [], "status": 200,
           "channel": {"name": "whatsapp"}, "department": {"_id": "64f1c0ffee5a9b0012d3e0b8", "name": "Sales"}}
AGENT = "65a1f0c2d3e4b5a697887766"


def said(payload=None, request=None, event="message.create", **more):
    """A message.create of a customer."""
    message = {"_id": "5e2c6b958c9612001716bede", "sender": "wab-447700900123", "senderFullname": "Leila Haddad",
               "recipient": TALK, "channel_type": "group", "type": "text", "text": "Hi, where is it?",
               "id_project": PROJECT, "createdAt": "2026-03-05T09:23:10.178Z",
               "request": dict(REQUEST, **(request or {}))}
    message.update(payload or {})
    return dict({"timestamp": 1772702590215, "payload": message, "hook": {"event": event}}, **more)


def by_agent(payload=None, request=None):
    return said(dict({"sender": AGENT, "senderFullname": "Priya"}, **(payload or {})), request)


CONTACT = {"id": 1604, "name": "Teodor Vance", "email": None, "phone_number": "+4915550100021", "identifier": None}
MARISOL = {"id": 12, "name": "Marisol Rooke", "type": "user"}


def posted(message=None, conversation=None, event="message_created"):
    """A message_created of an agent, in conversation 57."""
    body = {"event": event, "id": 40890, "content": "It has left", "message_type": "outgoing", "private": False,
            "created_at": "2026-06-18T12:00:00.204Z", "content_attributes": {}, "source_id": None, "sender": MARISOL,
            "account": {"id": 1}, "inbox": {"id": 12},
            "conversation": dict({"id": 57, "inbox_id": 12, "channel": "Channel::Api", "meta": {"sender": CONTACT},
                                  "contact_inbox": {"source_id": "tl1-fbe7941bd3b540fb0adcae67c46e6a06"}},
                                 **(conversation or {}))}
    body.update(message or {})
    return body


def by_customer(message=None):
    return posted(dict({"message_type": "incoming", "sender": CONTACT}, **(message or {})))


def signed(body, secret=DESK_SECRET, timestamp=1781784000, **more):
    """Headers of a signed callback, and the arguments that set the clock beside it."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    mac = hmac.new(secret.encode(), b"%d." % timestamp + raw, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Chatwoot-Timestamp": timestamp,
               "X-Chatwoot-Signature": "sha256=" + mac}
    headers.update(more)
    return "".join("%s: %s\n" % item for item in headers.items() if item[1] is not None)


LINKED = ["--link", "57=" + TALK]
LINKED_SHOP = ["--link", TALK + "=57"]
NOW = ["--now", "2026-06-18T12:00:01Z"]


# --- every callback we know -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("row", table("captures.jsonl"), ids=lambda row: row["fixture"])
def test_captured(explain, row):
    headers = fixture("smartify", row["fixture"] + ".headers").decode()
    secret = re.search(r"x-hook-secret: (\S+)", headers).group(1)
    configuration = one_bridge(project=row["project"], secret=secret, key="fixture-hook-key-1")
    run = explain(configuration, "shop", fixture("smartify", row["fixture"] + ".json"), headers=headers, code=0)
    expected = dict(row["line"])
    if "times" in row:
        expected["text"] *= row["times"]
    assert run.first == expected
    carries = expected["type"] == "event" and expected["kind"] == "message"
    steps = ["find_contact", "create_contact", "find_conversation", "create_conversation", "send"]
    more = len(expected["text"] or "") // 150000 if carries else 0      # parts of a text that is too long for one
    assert [r["step"] for r in run.of("request")] == (steps + ["send"] * more if carries else [])


@pytest.mark.parametrize("row", table("chatwoot.jsonl"), ids=lambda row: "%s at %s" % (row["fixture"], row["endpoint"]))
def test_desk_callback(explain, row):
    body = fixture("chatwoot", row["fixture"] + ".json")
    headers = fixture("chatwoot", row["fixture"] + ".headers").decode()
    sent = int(re.search(r"Timestamp: (\d+)", headers).group(1))
    args = ["--now", "2026-06-18T%02d:%02d:%02dZ" % (sent % 86400 // 3600, sent % 3600 // 60, sent % 60)]
    if row["endpoint"] == "desk":
        configuration = config([shop(), desk(account=2, inbox=21)], ["support: {customers: shop, agents: desk}"])
        args += LINKED
    else:
        configuration = exchanged(account=2, inbox=21)
        headers = headers.replace("/hooks/desk/", "/hooks/site/")
    run = explain(configuration, row["endpoint"], body, headers=headers, args=args, code=0)
    assert run.first == row["line"]
    assert not run.of("request") or run.first["kind"] in ("message", "update", "conversation")


def test_all_captured_in_one_run(explain):
    """None of them hides another, and every one is answered."""
    rows = [r for r in table("captures.jsonl") if r["project"].endswith("d12a")]
    bodies = [fixture("smartify", row["fixture"] + ".json") for row in rows]
    run = explain(one_bridge(project=rows[0]["project"]), "shop", *bodies, code=0)
    told = {line["n"]: line for line in run.lines[:-1] if line["type"] in ("event", "drop")}
    for n, row in enumerate(rows, 1):
        expected = dict(row["line"], n=n, auth="unchecked")
        if "times" in row:
            expected["text"] *= row["times"]
        assert told[n] == expected


def seen_by_an_agents_side(line):
    """The drop reason that takes the place of what a customers' side makes of it; None: the line stays."""
    if line["type"] == "drop":
        return None
    if line["kind"] == "contact":
        return "disabled"               # profile: to_agents
    if line["kind"] == "conversation":
        return None                     # status: both
    # Whoever customers are there, we are: what they say was said elsewhere. Of the others nothing is linked.
    return "wrong_side" if line["author"]["role"] == "customer" else "unlinked"


@pytest.mark.parametrize("project", ["6b00aceedc758d57be7c0028", "6b00af8332caee6929abd12a"])
def test_captured_at_the_agents_side(explain, project):
    rows = [r for r in table("captures.jsonl") if r["project"] == project]
    bodies = [fixture("smartify", row["fixture"] + ".json") for row in rows]
    run = explain(exchanged().replace(PROJECT, project), "team", *bodies, code=0)
    told = {line["n"]: line for line in run.lines[:-1]}
    for n, row in enumerate(rows, 1):
        reason = seen_by_an_agents_side(row["line"])
        if reason is None:
            assert told[n] == dict(row["line"], n=n, endpoint="team", auth="unchecked"), row["fixture"]
        else:
            assert (told[n]["type"], told[n].get("reason")) == ("drop", reason), row["fixture"]
            assert told[n]["bridge"] == "support"


# --- refused ----------------------------------------------------------------------------------------------------------

def shop_headers(path="/hooks/shop/" + HOOK_KEY, method="POST", **more):
    headers = {"Content-Type": "application/json", "x-hook-secret": SHOP_SECRET}
    headers.update({name.replace("_", "-"): value for name, value in more.items()})
    lines = ["%s: %s" % item for item in headers.items() if item[1] is not None]
    return "\n".join((["%s %s HTTP/1.1" % (method, path)] if path else []) + lines) + "\n"


@pytest.mark.parametrize("name, headers, status, reason", [
    ("nothing wrong", shop_headers(), None, None),
    ("with a query", shop_headers("/hooks/shop/%s?x=1" % HOOK_KEY), None, None),
    ("no first line", shop_headers(None), None, None),
    ("names in other letters", shop_headers().replace("x-hook-secret", "X-Hook-SECRET"), None, None),
    ("lines end as on the wire", shop_headers().replace("\n", "\r\n"), None, None),
    ("another hook key", shop_headers("/hooks/shop/0123456789abcdeX"), 404, "not_found"),
    ("another endpoint", shop_headers("/hooks/desk/" + HOOK_KEY), 404, "not_found"),
    ("another address", shop_headers("/h/request.create"), 404, "not_found"),
    ("another key and method", shop_headers("/hooks/shop/0123456789abcdeX", "GET"), 404, "not_found"),
    ("GET", shop_headers(method="GET"), 405, "method"),
    ("PUT", shop_headers(method="PUT"), 405, "method"),
    ("a form", shop_headers(Content_Type="application/x-www-form-urlencoded"), 415, "media_type"),
    ("another charset", shop_headers(Content_Type="application/json; charset=latin1"), 415, "media_type"),
    ("UTF-8 said", shop_headers(Content_Type="Application/JSON; charset=UTF-8"), None, None),
    ("a kind of JSON", shop_headers(Content_Type="application/cloudevents+json"), None, None),
    ("another secret", shop_headers(x_hook_secret="not-the-secret"), 401, "bad_secret"),
    ("no secret", shop_headers(x_hook_secret=None), 401, "no_signature"),
    ("large headers", shop_headers(X_Large="x" * 20000), 431, "header_too_large"),
], ids=lambda value: value if isinstance(value, str) and len(value) < 40 else "")
def test_refusal(explain, name, headers, status, reason):
    run = explain(one_bridge(), "shop", said(), headers=headers, code=0 if reason is None else 1)
    if reason is None:
        assert run.first["auth"] == "ok", name
        return
    assert run.lines[:-1] == [{"type": "refusal", "n": 1, "endpoint": "shop", "status": status, "reason": reason,
                               "detail": run.first["detail"]}]
    assert run.first["detail"]


@pytest.mark.parametrize("name, headers, reason", [
    ("right", signed(posted()), None),
    ("of another body", signed(posted({"id": 1})), "bad_signature"),
    ("with another secret", signed(posted(), "another-secret-of-24-chars"), "bad_signature"),
    ("none", signed(posted(), **{"X-Chatwoot-Signature": None}), "no_signature"),
    ("without a time", signed(posted(), **{"X-Chatwoot-Timestamp": None}), "no_signature"),
    ("ten minutes old", signed(posted(), timestamp=1781784000 - 600), "old_timestamp"),
    ("from the future", signed(posted(), timestamp=1781784000 + 600), "old_timestamp"),
    ("old and wrong", signed(posted({"id": 1}), timestamp=1781784000 - 600), "bad_signature"),
], ids=lambda value: value if isinstance(value, str) and len(value) < 40 else "")
def test_signature(explain, name, headers, reason):
    run = explain(one_bridge(), "desk", posted(), headers=headers, args=NOW + LINKED, code=0 if reason is None else 1)
    if reason is None:
        assert run.first["auth"] == "ok"
        return
    assert (run.first["type"], run.first["status"], run.first["reason"]) == ("refusal", 401, reason)
    if reason == "bad_signature":
        assert run.first["detail"] == "signed with another secret, or the body was changed on the way"


def test_authenticity_is_not_judged_without_headers_or_secrets(explain):
    assert explain(one_bridge(), "shop", said(), code=0).first["auth"] == "unchecked"
    bare = one_bridge().replace("    webhook_secret: %s\n" % SHOP_SECRET, "")
    assert explain(bare, "shop", said(), headers=shop_headers(x_hook_secret="whatever"), code=0).first["auth"] \
        == "unchecked"
    no_key = one_bridge().replace("    hook_key: %s\n" % HOOK_KEY, "")
    assert explain(no_key, "shop", said(), headers=shop_headers("/hooks/shop/of-the-store-1234"), code=0).first["auth"] \
        == "ok"


def test_too_large(explain):
    small = one_bridge().replace("    email:", "    body: 64KiB\n    email:")
    run = explain(small, "shop", said({"text": "x" * 70000}), code=1)
    assert (run.first["status"], run.first["reason"]) == (413, "too_large")


# --- unparsable -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("endpoint", ["shop", "desk"])
@pytest.mark.parametrize("body, reason, offset", [
    (b"", "empty", 0),
    (b" \r\n\t ", "empty", 0),
    (b"Hello", "not_json", 0),
    (b"<html></html>", "not_json", 0),
    (b'{"event":}', "not_json", 9),
    (b'{"event":"x"} x', "not_json", 14),
    (b'{"event":"a\xff"}', "not_utf8", 11),
    (b'{"event":"message_cre', "truncated", 21),
    (b'{"event":["x"', "truncated", 13),
    (b'{"a":' * 65 + b"1" + b"}" * 65, "too_deep", 320),
    (b"[]", "not_object", 0),
    (b"null", "not_object", 0),
    (b'"event"', "not_object", 0),
    (b"{}", "no_event", None),
    (b'{"event":7,"hook":{"event":7}}', "no_event", None),
    (b'{"event":"","hook":{"event":""},"payload":{}}', "no_event", None),
    (b'{"event":"message_created","hook":{"event":"message.create"},"payload":{}}', "bad_field", None),
], ids=lambda value: value.decode(errors="replace")[:24] if isinstance(value, bytes) else str(value))
def test_unparsable(explain, endpoint, body, reason, offset):
    run = explain(one_bridge(), endpoint, body, code=65)
    assert run.lines[:-1] == [{"type": "unparsable", "n": 1, "endpoint": endpoint, "auth": "unchecked", "status": 200,
                               "reason": reason, "offset": offset, "detail": run.first["detail"]}]
    assert run.first["detail"]


def test_truncated_says_where_it_ends(explain):
    whole = json.dumps(said()).encode()
    at = whole.index(b"where is it") + 5
    run = explain(one_bridge(), "shop", whole[:at], headers=shop_headers(), code=65)
    assert run.first == {"type": "unparsable", "n": 1, "endpoint": "shop", "auth": "ok", "status": 200,
                         "reason": "truncated", "offset": at, "detail": "body ends inside a string"}


def test_what_is_neither_text_nor_harm(explain):
    """Lone surrogates, NULs, a byte order mark, keys that stand twice: read as the platforms' own parsers do."""
    body = json.dumps(said()).replace('"Hi, where is it?"', '"a\\ud83d b\\u0000c","text":"last \\ud83d\\u0041"')
    run = explain(one_bridge(), "shop", b"\xef\xbb\xbf" + body.encode(), code=0)
    assert run.first["text"] == "last \ufffdA"


def test_one_bad_input_stops_nothing(explain):
    run = explain(one_bridge(), "shop", b"", said(), b"{", code=65)
    assert [line["n"] for line in run.lines[:-1] if line["type"] != "request"] == [1, 2, 3]
    assert run.end == {"type": "end", "inputs": 3, "events": 1, "drops": 0, "refusals": 0, "unparsable": 2,
                       "requests": 5, "exit": 65}


# --- dropped, and in which order --------------------------------------------------------------------------------------

DRAFT = {"draft": True}
PREFLIGHT = {"preflight": True}


@pytest.mark.parametrize("name, body, reason, detail, bridge", [
    ("another project", said({"id_project": "5e2c35c8f0dbc10017bb3aad"}, DRAFT), "other_account", "other_project", False),
    ("a direct message", said({"channel_type": "direct", "request": None}), "internal", "not_conversation", False),
    ("a test conversation", said({"attributes": {"subtype": "private"}}, DRAFT), "hidden", "draft", False),
    ("a note", by_agent({"attributes": {"subtype": "private"}, "text": "\\close"}), "private", "private_notes: drop", True),
    ("an info", by_agent({"attributes": {"subtype": "info"}, "sender": "system"}), "hidden", "attributes.subtype: info",
     False),
    ("the platform speaks", said({"sender": "system", "text": "\\close"}), "system", "system_lines: drop", True),
    ("a command", by_agent({"text": "\\close"}, PREFLIGHT), "system", "command", False),
    ("not begun yet", said({"text": " "}, PREFLIGHT), "preflight", "preflight", False),
    ("nothing in it", said({"text": " \n "}), "empty", "neither text nor file", False),
    ("an event never heard of", said(event="message.exploded"), "unknown", "message.exploded", False),
    ("an event we have no use for", said(event="lead.update"), "unsupported", "lead.update", False),
], ids=lambda value: value if isinstance(value, str) else "")
def test_drop_at_the_shop(explain, name, body, reason, detail, bridge):
    run = explain(one_bridge(), "shop", body, code=0)
    assert run.told == [reason]
    assert run.first["detail"] == detail
    assert run.first.get("bridge") == ("support" if bridge else None)
    assert "text" not in run.first


@pytest.mark.parametrize("name, body, reason, detail, bridge", [
    ("another account", posted({"account": {"id": 9}}), "other_account", "account 9", False),
    ("another inbox", posted({"inbox": {"id": 13}}, {"inbox_id": 13}), "other_inbox", "inbox 13", False),
    ("a note", posted({"private": True}), "private", "private_notes: drop", True),
    ("an activity", posted({"message_type": "activity"}), "system", "system_lines: drop", True),
    ("deleted before we saw it", posted({"content_attributes": {"deleted": True}}), "no_change", "deleted_unsent", False),
    ("nothing in it", posted({"content": None}), "empty", "neither text nor file", False),
    ("the customer, posted by somebody else", by_customer(), "wrong_side", "a customer's message at the agents' side",
     True),
    ("a conversation nobody knows", posted(conversation={"id": 99}), "unlinked",
     "99 is not linked; parked: unreachable", True),
    ("an event never heard of", posted(event="message_exploded"), "unknown", "message_exploded", False),
], ids=lambda value: value if isinstance(value, str) else "")
def test_drop_at_the_desk(explain, name, body, reason, detail, bridge):
    run = explain(one_bridge(), "desk", body, args=LINKED, code=0)
    assert run.told == [reason]
    assert run.first["detail"] == detail
    assert run.first.get("bridge") == ("support" if bridge else None)


def test_drop_lines_of_the_manual(explain):
    """Word for word as the manual shows them."""
    run = explain(one_bridge(), "desk", posted({"private": True}), headers=signed(posted({"private": True})), args=NOW,
                  code=0)
    assert run.first == {
        "type": "drop", "n": 1, "endpoint": "desk", "auth": "ok", "reason": "private", "kind": "message", "id": "40890",
        "conversation": "57", "author": {"role": "agent", "id": "12", "name": "Marisol Rooke"}, "bridge": "support",
        "detail": "private_notes: drop"}


@pytest.mark.parametrize("options, body, reason, detail", [
    (", mirror_agents: drop", by_agent(), "disabled", "mirror_agents: drop"),
    (", mirror_agents: drop", said({"sender": "bot_5e2c"}), "disabled", "mirror_agents: drop"),
    (", bots: drop", said({"sender": "bot_5e2c"}), "bot", "bots: drop"),
    (", bots: drop", by_agent(), None, None),
    (", only: {channel: [telegram]}", said(), "filtered", "not_selected"),
    (", only: {channel: [whatsapp]}", said(), None, None),
    (", only: {department: [support]}", said(), "filtered", "not_selected"),
    (", only: {department: [sales]}", said(), None, None),
    (", only: {tag: [vip]}", said(request={"tags": [{"tag": "vip"}]}), None, None),
    (", only: {tag: [vip]}", said(), "filtered", "not_selected"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_options_of_the_bridge(explain, options, body, reason, detail):
    run = explain(one_bridge(options), "shop", body, code=0)
    assert run.told[0] == (reason or "message")
    assert run.first.get("detail") == detail
    assert run.first.get("bridge") == ("support" if reason else None)


def requests(run):
    return [line for line in run.lines if line["type"] == "request"]


def test_notes_are_mirrored_as_notes(explain):
    run = explain(one_bridge(", private_notes: mirror"), "desk", posted({"private": True}), args=LINKED, code=0)
    assert run.first["private"] is True
    assert requests(run)[-1]["body"]["attributes"]["subtype"] == "private"
    run = explain(one_bridge(", private_notes: mirror"), "shop", by_agent({"attributes": {"subtype": "private"}}),
                  args=LINKED_SHOP, code=0)
    assert requests(run)[-1]["body"]["private"] is True
    # Whoever the customer says he is, he writes no notes.
    run = explain(one_bridge(", private_notes: mirror"), "shop", said({"attributes": {"subtype": "private"}}), code=0)
    assert (run.told[0], run.first["detail"]) == ("private", "a customer writes no notes")


def test_lines_are_for_the_agents_alone(explain):
    run = explain(one_bridge(", system_lines: note"), "desk", posted({"message_type": "activity"}), args=LINKED, code=0)
    assert (run.told[0], run.first["detail"]) == ("system", "system_lines: note, for the agents alone")
    joined = said({"sender": "system", "text": "Bob joined", "attributes": {"subtype": "info/support"}})
    assert explain(one_bridge(), "shop", joined, code=0).told[0] == "hidden"
    assert explain(one_bridge(", system_lines: note"), "shop", joined, code=0).told[0] == "system"
    run = explain(one_bridge(", system_lines: note"), "shop", joined, args=LINKED_SHOP, code=0)
    assert requests(run)[-1]["body"]["private"] is True


def test_greetings(explain):
    greeting = posted({"message_type": "template", "sender": None})
    assert explain(one_bridge(", automatic: drop"), "desk", greeting, args=LINKED, code=0).told == ["automatic"]
    # Nobody waits for a greeting that goes nowhere: it is not parked.
    run = explain(one_bridge(", automatic: drop"), "desk", greeting, code=0)
    assert (run.told, run.first["detail"]) == (["unlinked"], "57")
    run = explain(one_bridge(), "desk", greeting, args=LINKED, code=0)
    assert run.first["author"] == {"role": "bot", "id": None, "name": None}
    assert run.told[0] == "message"


def test_states_follow_the_options(explain):
    closed = dict(REQUEST, id_project=PROJECT, status=1000, updatedAt="2026-03-05T10:00:00.000Z")
    body = {"payload": closed, "hook": {"event": "request.update"}}
    run = explain(one_bridge(), "shop", body, code=0)
    assert (run.told, run.first["state"], run.first["bridges"]) == (["conversation"], "resolved", ["support"])
    for options, detail in ((", status: none", "status: none"), (", status: to_customers", "status: to_customers")):
        run = explain(one_bridge(options), "shop", body, code=0)
        assert (run.told, run.first["detail"], run.first["bridge"]) == (["disabled"], detail, "support")
    typing = {"event": "conversation_typing_on", "user": MARISOL, "is_private": True, "conversation": {"id": 57}}
    run = explain(one_bridge(), "desk", typing, code=0)
    assert (run.told, "bridge" in run.first) == (["private"], False)


def test_states_become_requests_where_the_conversation_is_linked(explain):
    closed = dict(REQUEST, id_project=PROJECT, status=1000, updatedAt="2026-03-05T10:00:00.000Z")
    body = {"payload": closed, "hook": {"event": "request.update"}}
    run = explain(one_bridge(), "shop", body, args=LINKED_SHOP, code=0)
    assert run.told == ["conversation", "set_status always"]
    assert requests(run)[0]["body"] == {"status": "resolved"}
    assert requests(run)[0]["url"].endswith("/conversations/57/toggle_status")
    desk = {"event": "conversation_status_changed", "id": 57, "inbox_id": 12, "status": "resolved", "channel": "Channel::Api",
            "updated_at": 1781784000.25, "account": {"id": 1}, "meta": {"sender": CONTACT},
            "contact_inbox": {"source_id": "tl1-fbe7941bd3b540fb0adcae67c46e6a06"}}
    run = explain(one_bridge(), "desk", desk, args=LINKED, code=0)
    assert [(r["step"], r["method"], r["url"].rpartition("/")[2]) for r in requests(run)] == [("set_status", "PUT", "close")]
    run = explain(one_bridge(), "desk", dict(desk, status="open"), args=LINKED, code=0)
    assert [(r["step"], r["method"], r["url"].rpartition("/")[2]) for r in requests(run)] == [("reopen", "PUT", "reopen")]
    for status in ("snoozed", "pending"):
        run = explain(one_bridge(), "desk", dict(desk, status=status), args=LINKED, code=0)
        assert (run.told[0], requests(run), run.first["state"]) == ("conversation", [], status)
    assert requests(explain(one_bridge(), "desk", desk, code=0)) == []
    assert explain(one_bridge(", status: to_agents"), "desk", desk, args=LINKED, code=0).told[0] == "disabled"


# --- once -------------------------------------------------------------------------------------------------------------

def test_earlier_inputs_count_as_seen(explain):
    other = said({"_id": "5e2c6b958c9612001716bedf"})
    run = explain(one_bridge(), "shop", said(), said(), other, code=0)
    assert [line["n"] for line in run.of("event")] == [1, 3]
    assert run.of("drop") == [{
        "type": "drop", "n": 2, "endpoint": "shop", "auth": "unchecked", "reason": "duplicate", "kind": "message",
        "id": "5e2c6b958c9612001716bede", "conversation": TALK,
        "author": {"role": "customer", "id": "wab-447700900123", "name": "Leila Haddad"},
        "detail": "m:5e2c6b958c9612001716bede"}]
    # Seen is not sent: the second message still has to open a conversation.
    assert [r["step"] for r in run.of("request") if r["n"] == 3] == [r["step"] for r in run.of("request") if r["n"] == 1]


def test_what_is_dropped_at_once_is_not_remembered(explain):
    note = posted({"private": True})
    assert explain(one_bridge(), "desk", note, note, args=LINKED, code=0).told == ["private", "private"]
    lost = posted(conversation={"id": 99})
    assert explain(one_bridge(), "desk", lost, lost, args=LINKED, code=0).told == ["unlinked", "duplicate"]


def test_an_update_of_what_we_know_is_no_change(explain):
    created, updated = posted(), posted(event="message_updated")
    run = explain(one_bridge(), "desk", created, updated, args=LINKED, code=0)
    assert (run.told[0], run.told[-1], run.lines[-2]["detail"]) == ("message", "no_change", "status_only")
    # Whichever comes first is the message.
    run = explain(one_bridge(), "desk", updated, created, args=LINKED, code=0)
    assert (run.told[0], run.told[-1]) == ("update", "duplicate")
    run = explain(one_bridge(), "desk", updated, args=LINKED + ["--known", "40890"], code=0)
    assert run.told == ["no_change"]
    run = explain(one_bridge(), "shop", said(), args=["--known", "5e2c6b958c9612001716bede"], code=0)
    assert run.told == ["duplicate"]
    assert explain(one_bridge(), "shop", said(), args=["--known", "another"], code=0).told[0] == "message"


# --- marks ------------------------------------------------------------------------------------------------------------

def mark(inst="630dcd29", bridge="support", kind="m", hop=1, root="94494511ff7b18c5351b", part=0, mac=None):
    """As the manual defines it."""
    tag = hashlib.sha256(bridge.encode()).hexdigest()[:6]
    before = "tl1:%s:%s:%s%d:%s:%d" % (inst, tag, kind, hop, root, part)
    right = hmac.new(bytes(range(32)), b"mark\n" + before.encode(), hashlib.sha256).hexdigest()[:8]
    return "%s:%s" % (before, mac or right)


OURS = ["--instance-key", KEY]


def test_the_mark_is_the_manuals():
    assert mark() == MARK


@pytest.mark.parametrize("name, text, told", [
    ("our own", MARK, "echo"),
    ("forged: ours by name only", MARK[:-1] + "b", "wrong_side"),
    ("ours, of another bridge", mark(bridge="other"), "wrong_side"),
    ("another relay's", mark(inst="aaaaaaaa", mac="00000000"), "wrong_side"),
    ("not a mark", "tl1:hello", "wrong_side"),
    ("a notice of ours", mark(kind="n"), "echo"),
    ("another's notice", mark(inst="aaaaaaaa", kind="n", mac="00000000"), "system"),
    ("the last hop", mark(inst="aaaaaaaa", hop=4, mac="00000000"), "loop"),
    ("one hop before", mark(inst="aaaaaaaa", hop=3, mac="00000000"), "wrong_side"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_marks_at_the_desk(explain, name, text, told):
    run = explain(one_bridge(), "desk", by_customer({"source_id": text}), args=LINKED + OURS, code=0)
    assert run.told == [told]
    if told == "echo":
        assert (run.first["bridge"], run.first["detail"]) == ("support", "source_id " + text)


def test_our_own_note_settles_before_it_is_a_note(explain):
    note = posted({"private": True, "source_id": mark(kind="n")})
    assert explain(one_bridge(), "desk", note, args=LINKED + OURS, code=0).told == ["echo"]


def test_marks_need_the_instance_key(explain):
    run = explain(one_bridge(), "desk", by_customer({"source_id": MARK}), args=LINKED, code=0)
    assert run.told == ["wrong_side"]


def test_a_customer_cannot_forge_an_echo(explain):
    """At the shop customers may post any attributes: theirs never swallow a message, nor lend it a root."""
    by_us = by_agent({"attributes": {"tieline": MARK}})
    run = explain(one_bridge(), "shop", by_us, args=OURS, code=0)
    assert run.told == ["echo"]
    assert run.first["detail"] == "attributes.tieline " + MARK
    copied = said({"_id": "5e2c6b958c9612001716beff", "attributes": {"tieline": MARK}})
    run = explain(one_bridge(), "shop", copied, args=OURS, code=0)
    assert run.told[0] == "message"
    plain = explain(one_bridge(), "shop", said({"_id": "5e2c6b958c9612001716beff"}), args=OURS, code=0)
    assert [r["body"] for r in run.of("request") if "body" in r] == [r["body"] for r in plain.of("request") if "body" in r]
    notice = said({"attributes": {"tieline": mark(kind="n")}})
    assert explain(one_bridge(), "shop", notice, args=OURS, code=0).told[0] == "message"
    for at in ("request.attributes", "metadata"):
        elsewhere = by_agent({"metadata": {"tieline": MARK}}, {"attributes": {"tieline": MARK}})
        assert explain(one_bridge(), "shop", elsewhere, args=OURS, code=0).told[0] == "message", at


# --- requests ---------------------------------------------------------------------------------------------------------

def test_first_message_of_a_customer(explain):
    run = explain(one_bridge(), "shop", said({"text": "Grüße 🙂"}), args=OURS, code=0)
    assert run.told == ["message", "find_contact always", "create_contact not_found", "find_conversation found",
                        "create_conversation not_found", "send found"]
    create, conversation = run.of("request")[1], run.of("request")[3]
    assert create == {
        "type": "request", "n": 1, "bridge": "support", "to": "desk", "step": "create_contact", "when": "not_found",
        "method": "POST", "url": "https://chat.example.com/api/v1/accounts/1/contacts",
        "headers": {"Api-Access-Token": "[secret]", "Content-Type": "application/json"},
        "body": {"name": "Leila Haddad", "identifier": "smartify:%s:wab-447700900123" % PROJECT, "inbox_id": 12,
                 "source_id": "tl1-fbe7941bd3b540fb0adcae67c46e6a06"},
        "gives": ["contact"]}
    assert conversation["gives"] == ["conversation", "message"]
    body = conversation["body"]
    assert body["contact_id"] == "{contact}" and body["source_id"] == "tl1-fbe7941bd3b540fb0adcae67c46e6a06"
    assert body["message"] == {"content": "Grüße 🙂", "message_type": "incoming", "source_id": MARK}
    assert re.fullmatch(r"tl1:630dcd29:a18603:c1:[0-9a-f]{20}:1:[0-9a-f]{8}", body["additional_attributes"]["tieline"])
    assert run.of("request")[4]["url"] == "https://chat.example.com/api/v1/accounts/1/conversations/{conversation}/messages"


def test_later_message_of_a_customer(explain):
    run = explain(one_bridge(), "shop", said(), args=OURS + ["--link", TALK + "=57"], code=0)
    assert run.of("request") == [{
        "type": "request", "n": 1, "bridge": "support", "to": "desk", "step": "send", "when": "always", "method": "POST",
        "url": "https://chat.example.com/api/v1/accounts/1/conversations/57/messages",
        "headers": {"Api-Access-Token": "[secret]", "Content-Type": "application/json"},
        "body": {"content": "Hi, where is it?", "message_type": "incoming", "source_id": MARK}, "gives": ["message"]}]


def test_answer_of_an_agent(explain):
    run = explain(one_bridge(), "desk", posted({"content": "Done \\close"}), args=OURS + LINKED, code=0)
    take_over, send = run.of("request")
    assert (take_over["step"], take_over["body"]) == ("take_over", {"member": "{user}"})
    root = hashlib.sha256(b"chatwoot\nchat.example.com\n1\n40890").hexdigest()[:20]
    assert send == {
        "type": "request", "n": 1, "bridge": "support", "to": "shop", "step": "send", "when": "always", "method": "POST",
        "url": "https://panel.smartifyai.in/api/%s/requests/%s/messages" % (PROJECT, TALK),
        "headers": {"Authorization": "[secret]", "Content-Type": "application/json"},
        # Invisible, and the text is no command any more.
        "body": {"text": "Done \\close\u200b", "sender": "{user}", "senderFullname": "Marisol Rooke",
                 "attributes": {"tieline": mark(root=root)}},
        "gives": ["message"]}


# What an agent writes in Markdown at the desk, what a bot writes in HTML at the shop, and how the other side gets it.
@pytest.mark.parametrize("options, text, expected", [
    ("", "**Hi**, [the page](https://example.com/a):\n- one\n- _two_\\\nmore", "Hi, the page (https://example.com/a):\n"
     "- one\n- two\n  more"),
    (", markup: keep", "**Hi** [x](y)", "**Hi** [x](y)"),
    ("", "$[{](https://e.example)x}", "$\u200b{ (https://e.example)x}"),
    ("", "a \\${b} \\\\\\_td", "a $\u200b{b} \\\u200b_td"),
    ("", "*\\\\close*", "\\close\u200b"),
    ("", "**unbalanced _marks `and [ends](", "**unbalanced _marks `and [ends]("),
    ("", "[click](javascript:alert(1))", "click"),
])
def test_markdown_of_an_agent(explain, options, text, expected):
    run = explain(one_bridge(options), "desk", posted({"content": text}), args=OURS + LINKED, code=0)
    assert run.first["format"] == "markdown"
    body = run.of("request")[-1]["body"]
    assert body["text"] == expected and "type" not in body


HTML = "<p>Hi <b>there</b>,<br>see <a href='https://e.example/?a=1&amp;b=2'>this</a></p><ul><li>one<li>two</ul>"


@pytest.mark.parametrize("text, expected", [
    (HTML, "Hi **there**,\nsee [this](https://e.example/?a=1&b=2)\n\n- one\n- two"),
    ("<ul><li>one</ul>", "Priya:\n\n- one"),
    ("{<b></b>{contact.name}} {<!-- -->% x", "Priya: {\u200b{contact.name}} {\u200b% x"),
    ("<script>only()</script>", "Priya: <script>only()</script>"),
])
def test_html_of_an_agent(explain, text, expected):
    run = explain(exchanged(), "team", by_agent({"type": "html", "text": text}), args=OURS + ["--link", TALK + "=57"],
                  code=0)
    assert run.first["format"] == "html"
    assert run.of("request")[-1]["body"]["content"] == (expected if "Priya:" in expected else "Priya: " + expected)


HOSTILE = {
    "deep quotes": "> " * 10000 + "word", "deep lists": "- " * 10000 + "word", "deep emphasis": "*a " * 10000 + "word",
    "brackets": "[" * 50000 + "word", "long": "word " * 30000, "emoji": "*\U0001f600*" * 40000 + "word",
    "references": "[x]: https://x.example/%s\n\n" % ("u" * 1500) + "[x] " * 3000 + "word", "nul": "\0" * 1000 + "word",
    "surrogates": "\ud83d" * 1000 + "word", "unbalanced": "**_~~`[<word" * 5000,
}
HOSTILE_HTML = {
    "deep": "<b>" * 10000 + "word", "deep and closed": "<div>" * 10000 + "word" + "</div>" * 10000,
    "tables": "<table><tr><td>" * 10000 + "word", "lists": "<ul><li>" * 10000 + "word", "cut": "<a href='" * 10000 + "word",
    "entities": "&#xD83D;&hellip;&#99999999999;" * 5000 + "word", "emoji": "<i>\U0001f600</i>" * 40000 + "word",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_markdown(explain, kind):
    run = explain(one_bridge(), "desk", posted({"content": HOSTILE[kind]}), args=OURS + LINKED, code=0)
    assert all(len(json.dumps(r["body"], ensure_ascii=False).encode()) <= 500000 for r in run.of("request"))
    assert any("word" in r["body"].get("text", "") for r in run.of("request"))


@pytest.mark.parametrize("kind", HOSTILE_HTML)
def test_hostile_html(explain, kind):
    run = explain(exchanged(), "team", by_agent({"type": "html", "text": HOSTILE_HTML[kind]}),
                  args=OURS + ["--link", TALK + "=57"], code=0)
    assert "word" in run.of("request")[-1]["body"]["content"]


def two_shops(options=""):
    return config([shop(), shop("team", project="6b00af8332caee6929abd12a", key="fedcba9876543210")],
                  ["support: {customers: shop, agents: team%s}" % options])


@pytest.mark.parametrize("options, expected, kind", [
    ("", "Hi there,\nsee this (https://e.example/?a=1&b=2)\n\n- one\n- two", None),
    (", markup: keep", '<p>Hi <strong>there</strong>,<br>see <a href="https://e.example/?a=1&amp;b=2">this</a></p>'
     "<ul><li><p>one</p></li><li><p>two</p></li></ul>", "html"),
])
def test_html_between_shops(explain, options, expected, kind):
    run = explain(two_shops(options), "shop", said({"type": "html", "text": HTML}), args=OURS, code=0)
    body = run.of("request")[-1]["body"]
    assert (body["text"], body.get("type")) == (expected, kind)


BUTTONS = {"attachment": {"type": "template", "buttons": [
    {"type": "text", "value": "Yes, ${please}"}, {"type": "url", "value": "Site", "link": "https://x.example"},
    {"type": "action", "value": "No", "action": "#no"}, {"type": "url", "value": "Bad", "link": "javascript:x"}]}}
GALLERY = {"attachment": {"type": "gallery", "gallery": [
    {"preview": {"src": "https://x.example/1.png"}, "title": "Red", "description": "Warm", "buttons": [
        {"type": "text", "value": "Take red"}]},
    {"title": "Blue", "buttons": [{"type": "text", "value": "Take blue"}]}]}}


@pytest.mark.parametrize("attributes, expected", [
    (BUTTONS, "Priya: Pick\n1. Yes, ${please}\nSite: https://x.example\n2. No\nBad"),
    (GALLERY, "Priya: Pick\n\nRed\nWarm\nhttps://x.example/1.png\n1. Take red\n\nBlue\n2. Take blue"),
])
def test_buttons_where_nobody_sees_them(explain, attributes, expected):
    run = explain(exchanged(), "team", by_agent({"text": "Pick", "attributes": attributes}),
                  args=OURS + ["--link", TALK + "=57"], code=0)
    assert run.of("request")[-1]["body"]["content"] == expected


def choice(kind, items):
    return posted({"content": "Pick", "content_type": kind, "content_attributes": {"items": items}})


@pytest.mark.parametrize("kind, items, text, attachment", [
    ("input_select", [{"title": "Yes, ${x}", "value": "y"}, {"title": "No", "value": "n"}], "Pick",
     {"type": "template", "buttons": [{"type": "text", "value": "Yes, $\u200b{x}"}, {"type": "text", "value": "No"}]}),
    ("cards", [{"title": "Red", "description": "Warm", "media_url": "https://x.example/1.png", "actions": [
        {"text": "More", "type": "link", "uri": "https://x.example"}, {"text": "Take", "type": "postback"}]}], "Pick",
     {"type": "gallery", "gallery": [{"preview": {"src": "https://x.example/1.png"}, "title": "Red",
                                      "description": "Warm", "buttons": [
         {"type": "url", "value": "More", "link": "https://x.example", "target": "blank"},
         {"type": "text", "value": "Take"}]}]}),
    ("article", [{"title": "Help", "link": "https://x.example/help"}], "Pick",
     {"type": "gallery", "gallery": [{"preview": {"src": ""}, "title": "Help", "buttons": [
         {"type": "url", "value": "https://x.example/help", "link": "https://x.example/help", "target": "blank"}]}]}),
    ("input_select", [{"title": "n%d" % n} for n in range(1, 12)], "Pick\n" + "\n".join(
        "%d. n%d" % (n, n) for n in range(1, 12)), None),
])
def test_choices_of_a_bot_at_the_desk(explain, kind, items, text, attachment):
    run = explain(one_bridge(), "desk", choice(kind, items), args=OURS + LINKED, code=0)
    body = run.of("request")[-1]["body"]
    assert (body["text"], body["attributes"].get("attachment")) == (text, attachment)
    assert body["attributes"]["tieline"].startswith("tl1:")


def test_first_message_with_the_roles_exchanged(explain):
    run = explain(exchanged(), "site", by_customer(), args=OURS, code=0)
    assert run.told == ["message", "sign_in always", "send always"]
    assert run.first["person"] == {"id": "1604", "address": "tl1-fbe7941bd3b540fb0adcae67c46e6a06", "name": "Teodor Vance",
                                   "email": None, "phone": "+4915550100021"}
    sign_in, send = run.of("request")
    assert sign_in["headers"] == {"Authorization": "[secret]", "Content-Type": "application/json"}
    # The request id of the manual's vector: it is derived, so that a repeated create meets the first.
    talk = "support-group-%s-e3fdabca3999c2946c8173e7d035d714" % PROJECT
    assert send["url"] == "https://panel.smartifyai.in/api/%s/requests/%s/messages" % (PROJECT, talk)
    assert send["body"]["channel"] == {"name": "tieline"} and "sender" not in send["body"]


def test_answer_with_the_roles_exchanged(explain):
    run = explain(exchanged(), "team", by_agent(), args=OURS + ["--link", TALK + "=57"], code=0)
    [send] = run.of("request")
    root = hashlib.sha256(("smartify\npanel.smartifyai.in\n%s\n5e2c6b958c9612001716bede" % PROJECT).encode()).hexdigest()
    # Never source_id: a real channel would take it for its own echo.
    assert send["body"] == {"content": "Priya: Hi, where is it?", "message_type": "outgoing",
                            "content_attributes": {"tieline": mark(root=root[:20])}}
    run = explain(exchanged(), "team", said(), args=["--link", TALK + "=57"], code=0)
    assert run.told == ["wrong_side"]


def test_what_only_the_store_knows(explain):
    bare = one_bridge().replace("    account_id: 1\n", "").replace("    inbox_id: 12\n", "")
    run = explain(bare, "shop", said(), code=0)
    create = run.of("request")[1]
    assert create["url"] == "https://chat.example.com/api/v1/accounts/{account}/contacts"
    assert create["body"]["inbox_id"] == "{inbox}"


def test_the_same_input_gives_the_same_bytes(explain):
    one, two = (explain(one_bridge(), "shop", said(), args=NOW).out for _ in range(2))
    assert one == two


def test_secrets_are_hidden_in_bodies_too(explain):
    said_it = said({"text": "is it token-of-the-relay?"})
    run = explain(one_bridge(), "shop", said_it, args=["--link", TALK + "=57"], secrets=())
    assert run.of("request")[0]["body"]["content"] == "is it [secret]?"


# --- several bridges --------------------------------------------------------------------------------------------------

TWO = config([shop(), desk(), desk("vip", inbox=14)],
             ["support: {customers: shop, agents: desk, only: {channel: [whatsapp]}}",
              "gold: {customers: shop, agents: vip, only: {tag: [vip]}}"])


def test_bridges_decide_one_by_one(explain):
    run = explain(TWO, "shop", said(), code=0)
    assert run.first["bridges"] == ["support"]
    assert run.lines[-2] == {
        "type": "drop", "n": 1, "endpoint": "shop", "auth": "unchecked", "reason": "filtered", "kind": "message",
        "id": "5e2c6b958c9612001716bede", "conversation": TALK,
        "author": {"role": "customer", "id": "wab-447700900123", "name": "Leila Haddad"}, "bridge": "gold",
        "detail": "not_selected"}
    assert {r["to"] for r in run.of("request")} == {"desk"}
    both = explain(TWO, "shop", said(request={"tags": [{"tag": "vip"}]}), code=0)
    assert both.first["bridges"] == ["support", "gold"]
    assert [r["to"] for r in both.of("request")] == ["desk"] * 5 + ["vip"] * 5
    assert both.of("drop") == []


def test_all_refuse(explain):
    run = explain(TWO, "shop", said(request={"channel": {"name": "telegram"}}), code=0)
    assert [(d["reason"], d["bridge"]) for d in run.of("drop")] == [("filtered", "support"), ("filtered", "gold")]
    assert run.of("event") == []
    # For what it is: one line, and no bridge is named.
    run = explain(TWO, "shop", said({"text": ""}), code=0)
    assert run.told == ["empty"] and "bridge" not in run.first


def test_an_echo_is_one_bridges_own(explain):
    """For the other bridge it is a message like any other."""
    run = explain(TWO, "shop", by_agent({"attributes": {"tieline": MARK}}, {"tags": [{"tag": "vip"}]}), args=OURS, code=0)
    assert run.first["bridges"] == ["gold"]
    assert [(d["reason"], d["bridge"]) for d in run.of("drop")] == [("echo", "support")]
    copy = run.of("request")[3]["body"]["message"]["source_id"]
    # The root of the message stays, and there is one hop more.
    assert copy == mark(bridge="gold", hop=2)


def test_links_of_several_bridges(explain):
    run = explain(TWO, "shop", said(), args=["--link", "support:%s=57" % TALK], code=0)
    assert [r["step"] for r in run.of("request")] == ["send"]
    assert explain(TWO, "shop", said(), args=["--link", TALK + "=57"], code=64).out == ""
    assert explain(TWO, "shop", said(), args=["--link", "silver:%s=57" % TALK], code=64).out == ""
    assert explain(one_bridge(), "shop", said(), args=["--link", "support:%s=57" % TALK], code=0).told == [
        "message", "send always"]


# --- pages ------------------------------------------------------------------------------------------------------------

def listed(id, message=None):
    """A message as answers have it."""
    body = {"id": id, "content": "It has left", "message_type": 1, "private": False, "created_at": 1781784600,
            "inbox_id": 12, "conversation_id": 57, "content_attributes": {}, "source_id": None, "sender": MARISOL}
    body.update(message or {})
    return body


def page(*messages):
    return {"meta": {"labels": [], "additional_attributes": {}, "contact": dict(CONTACT, type="contact")},
            "payload": list(messages)}


PAGE = ["--as", "page"]


def test_page_of_the_desk(explain):
    run = explain(one_bridge(), "desk", page(
        listed(40880, {"message_type": 0, "sender": dict(CONTACT, type="contact"), "source_id": MARK}),
        listed(40881),
        listed(40882, {"message_type": 2, "sender": None}),
        listed(40883, {"private": True}),
        listed(40884, {"message_type": 3, "sender": None})), args=PAGE + LINKED + OURS, code=0)
    assert run.told == ["echo", "message", "take_over always", "send always", "system", "private", "message",
                        "send always", "cursor"]
    assert run.lines[1] == {
        "type": "event", "n": 1, "endpoint": "desk", "auth": "unchecked", "kind": "message", "id": "40881",
        "key": "m:40881", "conversation": "57",
        "person": {"id": "1604", "address": None, "name": "Teodor Vance", "email": None, "phone": "+4915550100021"},
        "author": {"role": "agent", "id": "12", "name": "Marisol Rooke"}, "private": False,
        "at": "2026-06-18T12:10:00.000Z", "text": "It has left", "format": "markdown", "attachments": [],
        "reply_to": None, "bridges": ["support"]}
    assert run.of("cursor") == [{"type": "cursor", "n": 1, "endpoint": "desk", "next": None}]


def test_page_goes_on(explain):
    run = explain(one_bridge(), "desk", page(*[listed(40800 + n) for n in range(100)]), args=PAGE + LINKED, code=0)
    assert run.of("cursor")[0]["next"] == "40899"
    assert run.end["events"] == 100


def test_page_that_does_not_say_where_it_is_from(explain):
    silent = listed(40881)
    del silent["conversation_id"]
    assert explain(one_bridge(), "desk", page(silent), args=PAGE + LINKED, code=65).told == ["bad_field"]
    run = explain(one_bridge(), "desk", page(silent), args=PAGE + LINKED + ["--conversation", "57"], code=0)
    assert run.first["conversation"] == "57"


def test_page_of_the_shop(explain):
    messages = [said()["payload"], by_agent({"_id": "5e2c6b958c9612001716bee0"})["payload"],
                said({"_id": "5e2c6b958c9612001716bee1", "sender": "system"})["payload"]]
    for m in messages:
        del m["request"]
    run = explain(one_bridge(), "shop", messages, args=PAGE + ["--link", TALK + "=57"], code=0)
    assert run.told == ["message", "send always", "message", "send always", "system", "cursor"]
    assert run.first["person"] == {"id": "wab-447700900123", "address": "wab-447700900123", "name": "Leila Haddad",
                                   "email": None, "phone": None}
    assert [e["author"]["role"] for e in run.of("event")] == ["customer", "agent"]
    assert run.of("cursor")[0]["next"] is None
    # What a callback told already is not told twice by a page.
    again = explain(one_bridge(), "shop", messages, messages, args=PAGE, code=0)
    assert [d["reason"] for d in again.of("drop") if d["n"] == 2] == ["duplicate", "duplicate", "system"]


FRONT = """
  front:
    platform: smartsender
    api_token: token-of-the-project
    webhook_secret: %s
    hook_key: %s
""" % (SHOP_SECRET, HOOK_KEY)


def polled():
    """Customers at front, a Smart Sender; agents at desk."""
    return config([FRONT, desk()], ["support: {customers: front, agents: desk}"])


def in_chat(id, kind="contact", text="Hello", **more):
    return dict({"id": id, "content": {"type": "text", "resource": {"parameters": {"content": text}}}, "internal": False,
                 "sender": {"type": kind, "fullName": "Mira Kovalenko"}, "createdAt": "2026-03-05 17:44:58"}, **more)


def test_page_of_a_chat(explain):
    """Newest first there; which chat it is of, and whose, it does not say."""
    body = {"cursor": {"page": 1, "pages": 3},
            "collection": [in_chat(4, "funnel"), in_chat(3, "operator", internal=True), in_chat(2, text=""), in_chat(1)]}
    run = explain(polled(), "front", body, args=PAGE + ["--conversation", "71234", "--link", "71234=57"], code=0)
    assert run.told == ["message", "send always", "empty", "private", "disabled", "cursor"]
    assert run.first["conversation"] == "71234" and run.first["id"] == "1"
    assert run.first["at"] == "2026-03-05T17:44:58.000Z"
    assert run.of("cursor")[0]["next"] == "2"
    assert explain(polled(), "front", body, args=PAGE, code=65).told == ["bad_field"]


def test_answer_into_a_chat(explain):
    run = explain(polled(), "desk", posted(), args=NOW + ["--link", "57=71234"], code=0)
    sent = run.of("request")[0]
    assert sent["url"] == "https://api.smartsender.com/v1/contacts/{person}/send"
    assert sent["body"]["type"] == "text" and sent["body"]["content"].startswith("Marisol Rooke: ")
    assert sent["headers"]["Authorization"] == "[secret]"


@pytest.mark.parametrize("endpoint, body, reason", [
    ("desk", b"", "empty"), ("desk", b"[]", "not_object"), ("desk", b"{}", "bad_field"),
    ("desk", b'{"payload":[7]}', "bad_field"), ("desk", b'{"payload":[', "truncated"),
    ("shop", b"{}", "bad_field"), ("shop", b"[7]", "bad_field"), ("shop", b"x", "not_json"),
    ("front", b"{}", "bad_field"), ("front", b'{"collection":[7]}', "bad_field"), ("front", b"", "empty"),
])
def test_unparsable_page(explain, endpoint, body, reason):
    assert explain(polled() if endpoint == "front" else one_bridge(), endpoint, body, args=PAGE, code=65).told == [reason]


def test_empty_page(explain):
    assert explain(one_bridge(), "desk", page(), args=PAGE, code=0).told == ["cursor"]
    assert explain(one_bridge(), "shop", [], args=PAGE, code=0).told == ["cursor"]


def test_page_that_was_not_given(explain):
    run = explain(one_bridge(), "desk", b"Retry later\n", headers="HTTP/1.1 429 Too Many Requests\n",
                  args=PAGE + ["--now", "2026-06-18T12:00:15Z"], code=0)
    assert run.first == {"type": "effect", "n": 1, "endpoint": "desk", "step": "list_messages", "effect": "retry",
                         "reason": "busy", "remote_id": None, "wait_ms": 45000, "detail": "429"}


# --- answers ----------------------------------------------------------------------------------------------------------

ANSWER = ["--as", "answer"]


@pytest.mark.parametrize("name, endpoint, args, headers, body, expected", [
    ("posted", "desk", [], "HTTP/1.1 200 OK\n", {"id": 40880}, ("send", "delivered", None, "40880", None, None)),
    ("too many", "desk", [], "HTTP/1.1 422 Unprocessable\n", {"error": "Validation failed: Too many messages"},
     ("send", "retry", "busy", None, 60000, "Validation failed: Too many messages")),
    ("status as an option", "desk", ["--status", "413"], "", {}, ("send", "rejected", "too_large", None, None, "413")),
    ("when to come back", "desk", [], "HTTP/1.1 429 Too Many Requests\nRetry-After: 7\n", b"Retry later\n",
     ("send", "retry", "busy", None, 7000, "429")),
    ("bad token", "desk", ["--status", "401"], "", {"error": "Invalid Access Token"},
     ("send", "pause", "credentials", None, None, "Invalid Access Token")),
    ("proxy", "desk", ["--status", "502"], "", b"<html>", ("send", "unsure", "server_error", None, None, "502")),
    ("contact is there", "desk", ["--step", "find_contact"], "", {"id": 1604},
     ("find_contact", "next_step", None, None, None, None)),
    ("contact made", "desk", ["--step", "create_contact"], "", {"payload": {"contact": {"id": 1604}}},
     ("create_contact", "next_step", None, None, None, None)),
    ("conversation made", "desk", ["--step", "create_conversation"], "", {"id": 57, "messages": [{"id": 40880}]},
     ("create_conversation", "delivered", None, "40880", None, None)),
    ("posted", "shop", [], "", {"_id": "5e2c6b958c9612001716bede", "recipient": TALK},
     ("send", "delivered", None, "5e2c6b958c9612001716bede", None, None)),
    ("hung up", "shop", ["--status", "500"], "", {"err": "error"}, ("send", "unsure", "server_error", None, None, "error")),
    ("gateway", "shop", [], "HTTP/1.1 503 Service Unavailable\nRetry-After: 2\n", b"",
     ("send", "retry", "busy", None, 2000, None)),
    ("signed in", "shop", ["--step", "sign_in"], "", {"success": True, "token": "JWT x.y.z", "user": {"_id": AGENT}},
     ("sign_in", "next_step", None, None, None, None)),
    ("wrong password", "shop", ["--step", "sign_in", "--status", "401"], "",
     {"success": False, "msg": "Authentication failed. Wrong password."},
     ("sign_in", "pause", "credentials", None, None, "Authentication failed. Wrong password.")),
], ids=lambda value: value if isinstance(value, str) and len(value) < 30 else "")
def test_answer(explain, name, endpoint, args, headers, body, expected):
    run = explain(one_bridge(), endpoint, body, headers=[headers] if headers else [], args=ANSWER + args, code=0)
    step, effect, reason, remote, wait, detail = expected
    assert run.lines[:-1] == [{"type": "effect", "n": 1, "endpoint": endpoint, "step": step, "effect": effect,
                               "reason": reason, "remote_id": remote, "wait_ms": wait, "detail": detail}]


# --- the command line -------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("args, code", [
    (["--as", "dream"], 64),
    (["--step", "sned"], 64),
    (["--now", "yesterday"], 64),
    (["--instance-key", "00"], 64),
    (["--status", "abc"], 64),
    (["--link", "57"], 64),
    (["--endpiont", "shop"], 64),
    (["--as", "page", "--step", "list_contacts"], 64),
    (["--endpoint", "shap"], 66),
    (["/nowhere/body.json"], 66),
    (["--headers", "/nowhere/headers.txt"], 66),
    (["-c", "/nowhere/t.yaml"], 66),
])
def test_exit_codes(explain, args, code):
    run = explain(one_bridge(), "shop", said(), args=args, code=code)
    assert run.out == "" and run.err != ""


def test_wrong_configuration(explain):
    assert explain(one_bridge().replace("platform: chatwoot", "platform: chatwot"), "shop", said(), code=78).out == ""


def test_near_words(explain):
    assert '"--endpoint"' in explain(one_bridge(), "shop", said(), args=["--endpiont", "x"], code=64).err
    assert '"send"' in explain(one_bridge(), "shop", said(), args=["--step", "sned"], code=64).err
    assert '"shop"' in explain(one_bridge(), "shap", said(), code=66).err


def test_headers_for_each_body(explain):
    two = [shop_headers(), shop_headers(x_hook_secret="wrong")]
    run = explain(one_bridge(), "shop", said(), said(), headers=two, code=1)
    assert (run.first["auth"], run.told[-1]) == ("ok", "bad_secret")
    assert explain(one_bridge(), "shop", said(), said(), said(), headers=two, code=64).out == ""
    assert explain(one_bridge(), "shop", said(), headers="nonsense\n", code=65).out == ""


def test_stdin(explain):
    body = json.dumps(said()).encode()
    assert explain(one_bridge(), "shop", stdin=body, code=0).told[0] == "message"
    assert explain(one_bridge(), "shop", args=["-"], stdin=body, code=0).told[0] == "message"


def test_an_endpoint_without_a_bridge(explain):
    lone = config([shop(), desk(), desk("spare", inbox=99)], ["support: {customers: shop, agents: desk}"])
    run = explain(lone, "spare", posted({"inbox": {"id": 99}}, {"inbox_id": 99}), code=0)
    assert (run.told, run.first["detail"]) == (["filtered"], "no bridge has this endpoint")
