"""The status page and the interface that it and programs use, asked over TCP: who may do what, sessions, what the
document of the interface promises. One relay; test_slow_page_admin.py looks at the page with a browser."""

import contextlib
import http.client
import json
import re
import subprocess
import threading
import time

import pytest

from test_parked import api, refused
from world import BIN, SECRETS, World, eventually, request, unique

PASSWORD, TOKEN, READ = "a-password-of-the-page", "a-long-token-for-everything", "a-long-token-for-reading"
SECRETS_HERE = (PASSWORD, TOKEN, READ, *SECRETS.values())


def configure(world, **admin):
    """Other options of the page's side, before a start or a reload."""
    world.options["process"]["admin"] = dict({"listen": "127.0.0.1:%d" % world.admin, "socket": world.relay.socket,
                                              "token": TOKEN, "read_token": READ}, **admin)
    with open(world.relay.config, "w", encoding="utf-8") as f:
        f.write(world.config())


@pytest.fixture(scope="module")
def world():
    world = World(sandbox=("--no-limits",), start=False, process={"trusted_proxies": ["127.0.0.1/32"], "admin": {}})
    configure(world, password=PASSWORD)
    world.relay.start()
    yield world
    log = world.relay.log()
    world.end()
    for secret in SECRETS_HERE:
        assert secret not in log


def ask(world, method, path, body=None, port=None, **headers):
    text = None if body is None else json.dumps(body)
    return request(port or world.admin, method, path, text, {k.replace("_", "-"): v for k, v in headers.items()})


def sign_in(world, password=PASSWORD, **headers):
    return ask(world, "POST", "/admin/login", {"password": password}, **headers)


class Session:
    def __init__(self, world, **headers):
        self.world = world
        answer = sign_in(world, **headers)
        assert answer.status == 200
        self.set_cookie, self.csrf = answer.headers["Set-Cookie"], answer.json["csrf"]
        self.cookie = self.set_cookie.partition(";")[0]

    def ask(self, method, path, body=None, **more):
        headers = {"Cookie": "other=1; " + self.cookie, "X_CSRF_Token": self.csrf}
        headers.update(more)
        return ask(self.world, method, path, body, **{k: v for k, v in headers.items() if v is not None})


@pytest.fixture
def session(world):
    return Session(world)


def problem(answer, status, word):
    assert answer.status == status and answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json["type"] == "urn:tieline:problem:" + word and answer.json["status"] == status
    return answer.json


def tieline(world, *args):
    return subprocess.run([BIN, *args, "-c", world.relay.config], timeout=60, capture_output=True, text=True)


# -- the page itself --------------------------------------------------------------------------------------------

def test_files(world):
    page = ask(world, "GET", "/admin")
    assert page.status == 200 and page.headers["Content-Type"] == "text/html; charset=utf-8"
    text = page.body.decode()
    names = re.findall(r'(?:href|src)="(/admin/[^"]+)"', text)
    assert {n.rpartition(".")[2] for n in names} == {"css", "js", "svg"}
    for name, kind in [("/admin/", "text/html"), *((n, None) for n in names)]:
        answer = ask(world, "GET", name)
        policy = answer.headers["Content-Security-Policy"]
        assert answer.status == 200 and (kind is None or answer.headers["Content-Type"].startswith(kind))
        assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff" and answer.headers["Referrer-Policy"] == "no-referrer"
        assert ask(world, "GET", name, If_None_Match=answer.headers["ETag"]).status == 304
        head = ask(world, "HEAD", name)
        assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", str(len(answer.body)))
        # Nothing from elsewhere.
        assert not [a for a in re.findall(rb"https?://[^\s\"')]+", answer.body) if b"www.w3.org/" not in a]
    assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son[a-z]+=", text)
    problem(ask(world, "GET", "/admin/nothing.js"), 404, "not_found")
    problem(ask(world, "GET", "/admin/../api"), 404, "not_found")
    assert problem(ask(world, "POST", "/admin"), 405, "method") and ask(world, "POST", "/admin").headers["Allow"] == "GET, HEAD"
    assert ask(world, "GET", "/admin/login").headers["Allow"] == "POST"
    # Not at the public listener, nor at the socket.
    assert ask(world, "GET", "/admin", port=world.port).status == 404


def test_signing_in_and_out(world):
    problem(ask(world, "GET", "/admin/session"), 401, "unauthorized")
    problem(ask(world, "GET", "/api/v1/status"), 401, "unauthorized")
    for body in ({"password": "not-the-password"}, {"password": ["x"]}, {}, ["x"]):
        problem(ask(world, "POST", "/admin/login", body, X_Forwarded_For="203.0.113.1"), 401, "unauthorized")
    s = Session(world)
    assert re.fullmatch(r"tieline_session=[\w-]{43}; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict", s.set_cookie)
    assert Session(world, X_Forwarded_Proto="https").set_cookie.endswith("SameSite=Strict; Secure")
    assert s.ask("GET", "/admin/session").json == {"csrf": s.csrf}
    status = s.ask("GET", "/api/v1/status")
    assert status.status == 200 and status.headers["Cache-Control"] == "no-store"
    assert status.json["relay"]["page"] == "http://127.0.0.1:%d/admin" % world.admin
    assert "tieline_build_info" in s.ask("GET", "/metrics").body.decode()
    problem(s.ask("POST", "/admin/logout", X_CSRF_Token=None), 403, "forbidden")
    assert s.ask("GET", "/admin/session").status == 200
    out = s.ask("POST", "/admin/logout")
    assert out.status == 204 and "Max-Age=0" in out.headers["Set-Cookie"]
    problem(s.ask("GET", "/admin/session"), 401, "unauthorized")
    problem(s.ask("GET", "/api/v1/status"), 401, "unauthorized")
    assert 'at=admin who=page reason="signed in"' in world.relay.log()
    assert 'at=admin who=page reason="wrong password"' in world.relay.log()


@pytest.mark.parametrize("headers, status, word", [
    ({}, 202, None),
    ({"X_CSRF_Token": None}, 403, "forbidden"),
    ({"X_CSRF_Token": "x" * 43}, 403, "forbidden"),
    ({"Cookie": None}, 401, "unauthorized"),
    ({"Cookie": "tieline_session=" + "x" * 43}, 401, "unauthorized"),
    ({"Cookie": "tieline_session="}, 401, "unauthorized"),
    # A token that is given is what counts.
    ({"Authorization": "Bearer wrong"}, 401, "unauthorized"),
    ({"Authorization": "Bearer " + READ}, 403, "forbidden"),
    ({"Authorization": "Bearer " + TOKEN, "Cookie": None, "X_CSRF_Token": None}, 202, None),
])
def test_who_may_change(world, session, headers, status, word):
    answer = session.ask("POST", "/api/v1/reconciliations", {"dry_run": True}, **headers)
    assert answer.status == status
    if word:
        problem(answer, status, word)


def test_too_many_wrong_passwords(world):
    far = {"X_Forwarded_For": "198.51.100.7, 203.0.113.9"}   # the last one is who asked the proxy
    for _ in range(5):
        problem(sign_in(world, "wrong", **far), 401, "unauthorized")
    answer = sign_in(world, **far)
    assert "five wrong passwords" in problem(answer, 429, "rate")["detail"]
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    # Whatever they say of themselves, it is the same one.
    problem(sign_in(world, X_Forwarded_For="198.51.100.8, 203.0.113.9"), 429, "rate")
    assert sign_in(world, X_Forwarded_For="203.0.113.9, 198.51.100.7").status == 200
    assert sign_in(world).status == 200


# -- what there is ----------------------------------------------------------------------------------------------

TYPES = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict, "null": type(None)}


def check(document, schema, value, where):
    """A value against a schema of the document, as far as its schemas go."""
    if "$ref" in schema:
        return check(document, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], value, where)
    types = schema.get("type", list(TYPES))
    types = [types] if isinstance(types, str) else types
    assert isinstance(value, tuple(TYPES[t] if isinstance(TYPES[t], type) else float for t in types)), (where, types, value)
    assert not isinstance(value, bool) or "boolean" in types, (where, value)
    if schema.get("format") == "date-time" and value is not None:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", value), (where, value)
    for name in schema.get("required", []):
        assert name in value, (where, name, value)
    for name, part in schema.get("properties", {}).items():
        if name in value:
            check(document, part, value[name], where + "." + name)
    for i, item in enumerate(value if "items" in schema else []):
        check(document, schema["items"], item, "%s[%d]" % (where, i))


def test_the_document_is_true(world, session):
    """Each route is there and answers as it says; no other method is; what is asked wrongly is told."""
    talk, text = world.talk(), unique("refused")
    item = refused(world, talk, text)
    document = ask(world, "GET", "/api/v1/openapi.json", Authorization="Bearer " + READ).json
    seen = 0
    names = {"/endpoints/{name}": "desk", "/bridges/{name}": "support", "/parked/{id}": item["id"],
             "/messages/{id}/trace": item["event"], "/links/{id}": "k1"}
    for path, operations in document["paths"].items():
        real = "/api/v1" + path.replace("{name}", names.get(path, "nothing")).replace("{id}", names.get(path, "m999")).replace(
            "{who}", "nobody@example.com")
        if path in ("/parked/retry", "/parked/drop"):   # to other methods these could be ids, too
            continue
        for method in {"GET", "POST", "PATCH", "DELETE", "PUT"} - {m.upper() for m in operations}:
            answer = session.ask(method, real)
            problem(answer, 405, "method")
            assert set(answer.headers["Allow"].split(", ")) <= {m.upper() for m in operations}
        get = operations.get("get")
        if get is None or path in ("/setup", "/history", "/history/{id}"):   # the first holds secrets
            continue
        query = "?metric=waiting" if path == "/series" else ""
        answer = session.ask("GET", real + query)
        if path.startswith(("/migrations/", "/persons/")):
            problem(answer, 404, "not_found")
            continue
        assert answer.status == 200, (path, answer.body)
        check(document, get["responses"]["200"]["content"]["application/json"]["schema"], answer.json, path)
        seen += 1
        for p in get["parameters"]:
            if p["in"] == "query" and p["name"] not in ("q", "after"):
                problem(session.ask("GET", "%s%s%s=0x" % (real, query + "&" if query and p["name"] != "metric" else "?", p["name"])),
                        422, "invalid")
    assert seen >= 15
    problem(session.ask("GET", "/api/v1/setup"), 403, "forbidden")
    problem(session.ask("GET", "/api/v1/nothing"), 404, "not_found")
    assert session.ask("DELETE", "/api/v1/parked/" + item["id"]).status == 204


def test_endpoints_and_bridges(world, session):
    names = [e["name"] for e in session.ask("GET", "/api/v1/endpoints").json["items"]]
    assert names == ["shop", "desk"]
    for kind, name in (("endpoints", "desk"), ("bridges", "support")):
        path = "/api/v1/%s/%s" % (kind, name)
        assert session.ask("GET", path).json["state"] == "ok"
        for word, state in (("drain", "draining"), ("pause", "paused"), ("resume", "ok")):
            answer = session.ask("POST", path + "/" + word)
            assert (answer.status, answer.json["name"], answer.json["state"]) == (200, name, state)
            assert answer.json.keys() == session.ask("GET", path).json.keys()
        problem(session.ask("GET", "/api/v1/%s/nothing" % kind), 404, "not_found")
        problem(session.ask("POST", "/api/v1/%s/nothing/pause" % kind), 404, "not_found")
    lines = session.ask("POST", "/api/v1/endpoints/desk/check").json["items"]
    assert lines and all(line["endpoint"] == "desk" and line["result"] in ("ok", "warn", "fail") for line in lines)
    said = [json.loads(line) for line in tieline(world, "check", "--online", "--json", "desk").stdout.splitlines()]
    assert {(line["check"], line["result"]) for line in lines} <= {(line["check"], line["result"]) for line in said}
    problem(session.ask("POST", "/api/v1/endpoints/nothing/check"), 404, "not_found")
    assert 'who=page reason="POST /endpoints/{}/pause"' in world.relay.log()


def test_links_and_lanes(world, session):
    talks = [world.talk(phone="+15550100077", email="Ada@Example.com"), world.talk(), world.talk()]
    ids = lambda query: [i["id"] for i in session.ask("GET", "/api/v1/links" + query).json["items"]]
    link = {t: ids("?q=%s:%s" % ("shop", t.mine)) for t in talks}
    for talk, found in link.items():
        assert len(found) == 1
        assert ids("?q=%s" % talk.mine) == ids("?q=desk:%s" % talk.theirs) == found
        one = session.ask("GET", "/api/v1/links/" + found[0]).json
        assert (one["bridge"], one["customers"], one["agents"]) == ("support", "shop:%s" % talk.mine, "desk:%s" % talk.theirs)
        assert not set(one) & {"person", "name", "email", "phone"}
    known = world.query("SELECT email, phone FROM person WHERE email IS NOT NULL OR phone IS NOT NULL")
    for email, phone in known:
        assert link[talks[0]][0] in ids("?q=" + (email or phone).replace("+", "%2B").upper())
    assert ids("?q=shop:%s" % talks[0].theirs) == [] == ids("?q=nobody%40example.com")
    all_ids = ids("")
    assert all_ids == sorted(all_ids, key=lambda i: -int(i[1:])) and {f[0] for f in link.values()} <= set(all_ids)
    page = session.ask("GET", "/api/v1/links?limit=1").json
    assert [i["id"] for i in page["items"]] == all_ids[:1] and ids("?limit=500&cursor=" + page["next"]) == all_ids[1:]
    problem(session.ask("GET", "/api/v1/links/k99999"), 404, "not_found")

    session.ask("POST", "/api/v1/endpoints/desk/pause")
    waiting = [unique("waits") for _ in talks]
    for talk, text in zip(talks, waiting):
        talk.ask(text)
    lanes = lambda query: session.ask("GET", "/api/v1/lanes" + query).json
    eventually(lambda: len([i for i in lanes("?endpoint=desk")["items"] if i["deliveries"] > 0]) == 3, "they wait")
    first = lanes("?endpoint=desk&state=ready&limit=2")
    rest = lanes("?endpoint=desk&state=ready&cursor=" + first["next"])
    assert [i["state"] for i in first["items"] + rest["items"]] == ["ready"] * 3 and rest["next"] is None
    assert lanes("?endpoint=desk&state=parked")["items"] == []
    session.ask("POST", "/api/v1/endpoints/desk/resume")
    for talk, text in zip(talks, waiting):
        assert world.arrives("chatwoot", text) == talk.theirs


def test_parked_of_a_time(world, session):
    talk = world.talk()
    before = refused(world, talk, unique("before"))
    time.sleep(0.01)
    between = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + ".%03dZ" % (time.time() % 1 * 1000)
    time.sleep(0.01)
    after = refused(world, talk, unique("after"))
    ids = lambda query: [i["id"] for i in session.ask("GET", "/api/v1/parked?" + query).json["items"]]
    assert ids("") == [after["id"], before["id"]]
    assert ids("since=" + between) == [after["id"]] and ids("until=" + between) == [before["id"]]
    assert session.ask("GET", "/api/v1/parked?since=" + between).json["total"] == 1
    problem(session.ask("POST", "/api/v1/parked/retry", {"filter": {}, "expect": 1}), 409, "conflict")
    path = "/api/v1/parked/" + before["id"]
    etag = session.ask("GET", path).json["etag"]
    problem(session.ask("PATCH", path, {"text": "other"}), 412, "changed")
    better = unique("better")
    assert session.ask("PATCH", path, {"text": better}, If_Match=etag).status == 204
    assert session.ask("POST", path + "/retry").status == 202
    assert world.arrives("chatwoot", better) == talk.theirs
    trace = session.ask("GET", "/api/v1/messages/%s/trace" % before["id"]).json
    assert trace["deliveries"][0]["edited"]["by"] == "page"
    assert session.ask("POST", "/api/v1/parked/drop", {"filter": {}, "expect": 1}).json == {"done": 1, "refused": 0}


def test_series(world, session):
    metrics = session.ask("GET", "/api/v1/series").json["items"]
    assert len(metrics) == len(set(metrics)) and {"hooks_total", "relayed_total", "waiting", "parked"} <= set(metrics)
    talk = world.talk()
    talk.up()

    def seen(metric, minutes):
        answer = session.ask("GET", "/api/v1/series?metric=%s&minutes=%d" % (metric, minutes)).json
        assert answer["metric"] == metric and answer["minutes"] == minutes
        assert all(len(s["values"]) == minutes for s in answer["series"])
        return {s["labels"].get("direction"): [v for v in s["values"] if v is not None] for s in answer["series"]}

    for metric in metrics:
        assert set(seen(metric, 3)) in ({None}, {"to_agents", "to_customers"})
    # Every 5 s it is looked at.
    eventually(lambda: sum(seen("relayed_total", 1440)["to_agents"]) >= 2, "what was relayed is counted")
    assert sum(seen("hooks_total", 1440)[None]) >= 2 and seen("store_bytes", 2)[None][-1] > 0
    for query in ("metric=nothing", "metric=waiting&minutes=0", "metric=waiting&minutes=1441", "metric=waiting&minutes=x"):
        problem(session.ask("GET", "/api/v1/series?" + query), 422, "invalid")


# -- another configuration --------------------------------------------------------------------------------------

def test_without_a_password_and_with_another(world):
    s = Session(world)
    configure(world)
    assert tieline(world, "reload").returncode == 0
    for path in ("/admin", "/admin/page.js", "/admin/session"):
        assert "admin.password" in problem(ask(world, "GET", path), 404, "not_found")["next"]
    problem(s.ask("GET", "/api/v1/status"), 401, "unauthorized")
    assert "page: off; set admin.password" in tieline(world, "status").stdout
    assert api(world, "GET", "/status")[1]["relay"]["page"] is None
    configure(world, password=PASSWORD + "-2")
    assert tieline(world, "reload").returncode == 0
    problem(s.ask("GET", "/api/v1/status"), 401, "unauthorized")
    problem(sign_in(world, X_Forwarded_For="203.0.113.77"), 401, "unauthorized")
    assert sign_in(world, PASSWORD + "-2").status == 200
    configure(world, password=PASSWORD)
    assert tieline(world, "reload").returncode == 0


def test_mistakes_one_by_one(world, session):
    """A configuration with mistakes: each with its key and line."""
    configure(world, password="short")
    mistakes = problem(session.ask("POST", "/api/v1/reload"), 422, "configuration")["errors"]
    assert [(m["key"], m["allowed"]) for m in mistakes] == [("admin.password", "a secret of at least 12 characters")]
    assert mistakes[0]["line"] > 1 and "short" not in json.dumps(mistakes)
    configure(world, password=PASSWORD)
    assert session.ask("POST", "/api/v1/reload").status == 200


def test_a_stop_in_the_middle_of_a_check(world, session):
    """Whoever waits for an answer of a platform is let go; and not too many may wait."""
    path = "/api/v1/endpoints/desk/check"
    begun = lambda: world.relay.log().count('reason="POST /endpoints/{}/check"')
    before = begun()

    def wait():
        with contextlib.suppress(http.client.RemoteDisconnected, ConnectionError):
            session.ask("POST", path)

    world.fault("chatwoot", "GET", ".*", "hang", count=0)
    waiting = [threading.Thread(target=wait) for _ in range(4)]
    for thread in waiting:
        thread.start()
    eventually(lambda: begun() == before + 4, "all wait")
    problem(session.ask("POST", path), 503, "busy")
    assert world.relay.stop() == 0
    for thread in waiting:
        thread.join(30)
        assert not thread.is_alive()
    world.calm()
    world.relay.start()


def test_at_the_public_listener(world):
    """admin.listen: same, behind a proxy that speaks TLS."""
    assert world.relay.stop() == 0
    configure(world, listen="same", password=PASSWORD)
    world.relay.start()
    answer = sign_in(world, port=world.port, X_Forwarded_Proto="https", X_Forwarded_For="203.0.113.5")
    assert answer.status == 200 and "; Secure" in answer.headers["Set-Cookie"]
    cookie = answer.headers["Set-Cookie"].partition(";")[0]
    assert ask(world, "GET", "/admin", port=world.port).status == 200
    assert ask(world, "GET", "/api/v1/status", port=world.port, Cookie=cookie).json["relay"]["page"].endswith("/admin")
    assert world.relay.stop() == 0
    configure(world, listen="same", token=None, read_token=None)
    world.options["process"]["admin"] = {"listen": "same", "socket": world.relay.socket}
    with open(world.relay.config, "w", encoding="utf-8") as f:
        f.write(world.config())
    world.relay.start()
    assert ask(world, "GET", "/admin", port=world.port).json == {"error": "not_found"}
