"""What nobody should send, sent to the running relay: the right answer, nothing lost of what is genuine, and it still
relays afterwards."""

import json
import time

import pytest

from callbacks import Pattern, body_of, headers_of, post, record
from world import ENDPOINT, PARKED, SECRETS, eventually, request, unique

PLATFORMS = ("smartify", "chatwoot")


class Stage:
    """A conversation, and a callback of it from each platform: a customer's at Smartify, an agent's at Chatwoot."""

    def __init__(self, world):
        self.world = world
        self.talk = world.talk()
        talk = self.talk
        self.patterns = {p: Pattern(p, b) for p, b in record(world, {
            "smartify": lambda: talk.ask(unique("unheard")),
            "chatwoot": lambda: talk.answer(unique("unheard"))}).items()}

    def arrives(self, platform, text):
        return self.world.arrives("chatwoot" if platform == "smartify" else "smartify", text)


@pytest.fixture(scope="module")
def stage(shop_world):
    return Stage(shop_world)


@pytest.fixture(autouse=True)
def still_relays(stage):
    """After each test, whatever was sent."""
    yield
    stage.talk.fence()


@pytest.fixture(params=PLATFORMS)
def pattern(request, stage):
    return stage.patterns[request.param]


def raw_rows(world):
    return world.query("SELECT body FROM raw ORDER BY id")


def refused(answer, status, word):
    assert (answer.status, answer.json) == (status, {"error": word})
    assert answer.headers["Content-Type"].startswith("application/json")
    assert "Server" not in answer.headers


def taken(answer):
    assert (answer.status, answer.json) == (200, {"status": "ok"})


# -- refused --------------------------------------------------------------------------------------------------

def test_wrong_proof(stage, pattern):
    body = pattern.make(unique())
    refused(post(stage.world, pattern.platform, body, secret="not-the-secret"), 401, "unauthorized")
    refused(post(stage.world, pattern.platform, body, secret=""), 401, "unauthorized")
    if pattern.platform == "chatwoot":
        refused(post(stage.world, "chatwoot", body, at=time.time() - 400), 401, "unauthorized")
        refused(post(stage.world, "chatwoot", body, at=time.time() + 400), 401, "unauthorized")
        refused(post(stage.world, "chatwoot", body, headers={"X-Chatwoot-Timestamp": None}), 401, "unauthorized")
        refused(post(stage.world, "chatwoot", body, headers={"X-Chatwoot-Timestamp": "now"}), 401, "unauthorized")
        data = body_of(body)
        changed = data.replace(b'"content"', b'"Content"')
        refused(request(stage.world.port, "POST", "/hooks/desk/" + SECRETS["desk_key"], changed,
                        headers_of("chatwoot", data)), 401, "unauthorized")


def test_wrong_address(stage, pattern):
    body, key = pattern.make(unique()), SECRETS[ENDPOINT[pattern.platform] + "_key"]
    name = ENDPOINT[pattern.platform]
    other = "desk" if name == "shop" else "shop"
    for path in ("/hooks/%s/wrong-key-wrong-key" % name, "/hooks/%s/%s" % (other, key), "/hooks/nobody/%s" % key,
                 "/hooks/%s" % name, "/hooks/%s/" % name, "/hooks/%s/%s/" % (name, key), "/hooks/", "/hooks",
                 "/hooks/%s/%s/more" % (name, key), "/hooks/%s/%s%%00" % (name, key), "//hooks/%s/%s" % (name, key),
                 "/hooks/%s/%s" % (name.upper(), key), "/hooks/../hooks/%s/%s" % (name, key)):
        refused(post(stage.world, pattern.platform, body, path=path), 404, "not_found")


def test_wrong_method_and_type(stage, pattern):
    body = pattern.make(unique())
    for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS"):
        answer = post(stage.world, pattern.platform, body, method=method)
        refused(answer, 405, "method")
        assert answer.headers["Allow"] == "POST"
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", "json", "", None):
        refused(post(stage.world, pattern.platform, body, headers={"Content-Type": kind}), 415, "media_type")
    for kind in ("APPLICATION/JSON", "application/json;charset=UTF-8", "application/vnd.x+json"):
        text = unique()
        taken(post(stage.world, pattern.platform, pattern.make(text), headers={"Content-Type": kind}))
        stage.arrives(pattern.platform, text)


def test_too_large(stage, pattern):
    """Smartify's callbacks may have 4 MiB, Chatwoot's 8."""
    limit = (4 if pattern.platform == "smartify" else 8) << 20
    body = pattern.make(unique(), padding="x" * limit)
    refused(post(stage.world, pattern.platform, body), 413, "too_large")


def test_headers_too_large(stage, pattern):
    refused(post(stage.world, pattern.platform, pattern.make(unique()), headers={"X-Long": "x" * 17000}),
            431, "header_too_large")


# -- genuine, and not to be read ------------------------------------------------------------------------------

def deep(levels):
    return b"[" * levels + b"]" * levels


UNREADABLE = {
    "empty": (lambda body: b"", "empty"),
    "blank": (lambda body: b" \n ", "empty"),
    "truncated": (lambda body: body[:len(body) // 2], "truncated"),
    "not json": (lambda body: b"<html>not json</html>", "not_json"),
    "two values": (lambda body: body + body, "not_json"),
    "single quotes": (lambda body: body.replace(b'"', b"'"), "not_json"),
    "raw control character": (lambda body: body.replace(b'"text"', b'"te\0xt"').replace(b'"content"', b'"con\0tent"'),
                              "not_json"),
    "not utf-8": (lambda body: body.replace(b"Leila", b"L\xe9ila").replace(b"here", b"h\xffre"), "not_utf8"),
    "overlong utf-8": (lambda body: body.replace(b"here", b"h\xc0\x80re"), "not_utf8"),
    "raw surrogate": (lambda body: body.replace(b"here", b"h\xed\xa0\x80re"), "not_utf8"),
    "deep": (lambda body: body[:-1] + b',"deep":' + deep(512) + b"}", "too_deep"),
    "an array": (lambda body: b"[" + body + b"]", "not_object"),
    "a number": (lambda body: b"12", "not_object"),
    "null": (lambda body: b"null", "not_object"),
    "a text": (lambda body: b'"hello"', "not_object"),
    "no event": (lambda body: b"{}", "no_event"),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_what_cannot_be_read_is_kept(stage, pattern, kind):
    """A platform that sees errors stops sending, so it is answered as if all were well; an operator finds it."""
    change, reason = UNREADABLE[kind]
    text = unique() + "-here"
    body = change(body_of(pattern.make(text)))
    before, log = len(raw_rows(stage.world)), len(stage.world.relay.log())
    taken(post(stage.world, pattern.platform, body))
    rows = raw_rows(stage.world)
    assert len(rows) == before + 1 and rows[-1][0] == body
    line = next(x for x in stage.world.relay.log()[log:].splitlines() if "at=unparsable" in x)
    assert "reason=%s" % reason in line and "endpoint=%s" % ENDPOINT[pattern.platform] in line


@pytest.mark.parametrize("platform", PLATFORMS)
def test_any_field_may_be_missing_or_anything(stage, platform):
    """Of each member, everything JSON can be: taken, and never a crash. In a conversation of its own, since they name
    others that do not exist, and are believed."""
    pattern = Stage(stage.world).patterns[platform]
    strange = [None, 0, -1, 1e300, True, "", " ", "\u0000", "x" * 3000, [], {}, [None], {"a": None},
               9007199254740993, "9007199254740993", [[]], {"_id": {"$oid": 1}}]
    def places(value, path=()):
        for key, inner in value.items():
            yield path + (key,)
            if isinstance(inner, dict) and len(path) < 2:
                yield from places(inner, path + (key,))
    paths = list(places(pattern.body))
    for n, path in enumerate(paths):
        for value in ["gone", strange[n % len(strange)], strange[(n * 7 + 3) % len(strange)]]:
            body = pattern.make(unique("odd"))
            holder = body
            for key in path[:-1]:
                holder = holder[key]
            if value == "gone":
                del holder[path[-1]]
            else:
                holder[path[-1]] = value
            assert post(stage.world, platform, body).status == 200, (path, value)


# -- genuine, and odd -----------------------------------------------------------------------------------------

def test_seven_mebibytes_of_attributes(stage, pattern):
    """Nobody reads them; the message arrives all the same."""
    size = (3 if pattern.platform == "smartify" else 7) << 20
    text = unique()
    many = {"key%d" % n: "x" * 1000 for n in range(size // 1050)}
    name = "attributes" if pattern.platform == "smartify" else "content_attributes"
    taken(post(stage.world, pattern.platform, pattern.make(text, **{name: many})))
    stage.arrives(pattern.platform, text)


def test_large_ids(stage):
    """As numbers or texts, beyond what a double holds: two that differ are two, and one is one."""
    pattern = stage.patterns["chatwoot"]
    first, second = unique(), unique()
    for text, id in ((first, 9007199254750992), (second, 9007199254750993)):
        taken(post(stage.world, "chatwoot", pattern.make(text, id=id)))
        taken(post(stage.world, "chatwoot", pattern.make(text, id=str(id))))
    stage.arrives("chatwoot", first)
    stage.arrives("chatwoot", second)


def test_unknown_events(stage, pattern):
    text = unique()
    body = pattern.make(text)
    for name in ("message_exploded", "", "request.explode", "x" * 500):
        if pattern.platform == "smartify":
            body["hook"]["event"] = name
        else:
            body["event"] = name
        assert post(stage.world, pattern.platform, body).status == 200
    stage.talk.fence()
    assert not stage.world.copies("chatwoot", text) and not stage.world.copies("smartify", text)


def test_of_duplicate_keys_the_last_counts(stage, pattern):
    wrong, right = unique("wrong"), unique("right")
    key = b'"text": ' if pattern.platform == "smartify" else b'"content": '
    body = body_of(pattern.make(right))
    at = body.index(key + b'"' + right.encode())
    body = body[:at] + key + b'"' + wrong.encode() + b'", ' + body[at:]
    taken(post(stage.world, pattern.platform, body))
    stage.arrives(pattern.platform, right)
    assert not stage.world.copies("chatwoot", wrong) and not stage.world.copies("smartify", wrong)


def test_escapes(stage, pattern):
    """Lone surrogates become U+FFFD, U+0000 goes, a byte order mark in front is skipped."""
    word = unique()
    body = b"\xef\xbb\xbf" + body_of(pattern.make(word + "\ud800 \udc00\ud800 A\u0000B \ud83d\ude42"))
    taken(post(stage.world, pattern.platform, body))
    stage.arrives(pattern.platform, word)
    shown = stage.world.copies("chatwoot" if pattern.platform == "smartify" else "smartify", word)[0][1]["text"]
    assert shown.endswith(word + "\ufffd \ufffd\ufffd AB 🙂")


def test_another_project_or_account(stage, pattern):
    text = unique()
    fields = {"id_project": "5e2c35c8f0dbc10017bb3aad"} if pattern.platform == "smartify" else {
        "account": {"id": 77, "name": "Other"}}
    taken(post(stage.world, pattern.platform, pattern.make(text, **fields)))
    if pattern.platform == "chatwoot":
        body = pattern.make(text, inbox={"id": 13, "name": "Phone"})
        body["conversation"]["inbox_id"] = 13
        taken(post(stage.world, pattern.platform, body))
    stage.talk.fence()
    assert not stage.world.copies("chatwoot", text) and not stage.world.copies("smartify", text)


def test_the_same_callback_ten_times(stage, pattern):
    text = unique()
    body = body_of(pattern.make(text))
    for _ in range(10):
        taken(post(stage.world, pattern.platform, body))
    stage.arrives(pattern.platform, text)
    stage.talk.fence()
    assert len(stage.world.copies("chatwoot" if pattern.platform == "smartify" else "smartify", text)) == 1


# -- marks ----------------------------------------------------------------------------------------------------

def mark_of(world, conversation):
    """What we wrote under a message of ours at Smartify: its customer can read it."""
    return next(m["attributes"]["tieline"] for m in world.smartify_request(conversation)["messages"]
                if m["_by_relay"] and "tieline" in m["attributes"])


def forged(mark, place, value):
    fields = mark.split(":")
    fields[place] = value
    return ":".join(fields)


def test_a_customer_posts_a_mark(stage):
    """Ours of this conversation, of another, a broken one, a foreign one: his message arrives all the same, and so
    does everybody's after it."""
    world, talk = stage.world, stage.talk
    talk.down()
    other = world.talk()
    other.down()
    mark = mark_of(world, talk.mine)
    for value in (mark, mark_of(world, other.mine), forged(mark, 6, "00000000"), forged(mark, 1, "deadbeef"),
                  forged(mark, 3, "n1"), forged(mark, 3, "m4"), "tl1:", "tl1:" + "x" * 400, mark + " ", 5, None, [mark],
                  {"a": mark}):
        text = unique("marked")
        talk.ask(text, attributes={"tieline": value})
        assert world.arrives("chatwoot", text) == talk.theirs, value
    talk.fence()
    other.fence()


# -- what the platforms answer --------------------------------------------------------------------------------

def test_every_hook_address_is_the_only_one(stage):
    """/healthz, /readyz, and nothing else."""
    port = stage.world.port
    for path in ("/healthz", "/readyz"):
        assert (request(port, "GET", path).status, request(port, "GET", path).json) == (200, {"status": "ok"})
        head = request(port, "HEAD", path)
        assert (head.status, head.body) == (200, b"")
        answer = request(port, "POST", path, b"{}")
        refused(answer, 405, "method")
        assert "GET" in answer.headers["Allow"]
    for path in ("/", "/metrics", "/admin", "/api/v1/status", "/healthz/", "/healthz2", "/../etc/passwd", "/%00",
                 "/" + "x" * 4000, "*"):
        refused(request(port, "GET", path), 404, "not_found")
