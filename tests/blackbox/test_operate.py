"""What the operator sees and does: status, health, metrics, signals, systemd, help."""

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

from world import BIN, PATIENCE, World, eventually, free_port, request, unique

TIMES = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")


def run(*args, env=None, timeout=30):
    """The program, with nothing of our environment that it would listen to."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("TIELINE_")}
    clean.update(env or {})
    return subprocess.run([BIN, *args], env=clean, timeout=timeout, capture_output=True, text=True)


def tieline(world, *args, **more):
    return run(*args, "-c", world.relay.config, **more)


def document(world):
    done = tieline(world, "status", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def problem(world, kind):
    for p in document(world)["problems"]:
        if p["kind"] == kind:
            return p
    return None


@contextlib.contextmanager
def a_world(**options):
    world = World(**options)
    try:
        yield world
    finally:
        world.end()


# -- metrics -------------------------------------------------------------------------------------------------

SECONDS = [.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300]
BATCH = [1, 2, 4, 8, 16, 32, 64, 128, 256]

# name: type, labels
FAMILIES = {
    "tieline_build_info": ("gauge", {"version"}),
    "tieline_hooks_total": ("counter", {"endpoint", "result"}),
    "tieline_hook_seconds": ("histogram", {"endpoint"}),
    "tieline_events_total": ("counter", {"endpoint", "kind"}),
    "tieline_drops_total": ("counter", {"endpoint", "reason"}),
    "tieline_relayed_total": ("counter", {"bridge", "direction", "origin"}),
    "tieline_relay_seconds": ("histogram", {"bridge", "direction"}),
    "tieline_requests_total": ("counter", {"endpoint", "step", "effect"}),
    "tieline_request_seconds": ("histogram", {"endpoint"}),
    "tieline_retries_total": ("counter", {"endpoint", "reason"}),
    "tieline_repaired_total": ("counter", {"endpoint"}),
    "tieline_unsure_total": ("counter", {"endpoint", "outcome"}),
    "tieline_parked": ("gauge", {"endpoint", "reason"}),
    "tieline_parked_total": ("counter", {"endpoint", "reason"}),
    "tieline_waiting": ("gauge", {"bridge", "direction"}),
    "tieline_oldest_seconds": ("gauge", {"bridge", "direction"}),
    "tieline_lanes": ("gauge", {"endpoint", "state"}),
    "tieline_gate_width": ("gauge", {"endpoint"}),
    "tieline_gate_open": ("gauge", {"endpoint"}),
    "tieline_endpoint_up": ("gauge", {"endpoint"}),
    "tieline_last_hook_timestamp_seconds": ("gauge", {"endpoint"}),
    "tieline_loop_late_seconds": ("histogram", set()),
    "tieline_store_commit_seconds": ("histogram", set()),
    "tieline_store_batch_operations": ("histogram", set()),
    "tieline_store_mailbox": ("gauge", set()),
    "tieline_store_bytes": ("gauge", set()),
    "tieline_disk_free_bytes": ("gauge", set()),
    "tieline_media_bytes": ("gauge", set()),
    "tieline_migration_messages": ("gauge", {"state"}),
    "tieline_session_expires_timestamp_seconds": ("gauge", {"endpoint"}),
    "tieline_alarm": ("gauge", {"kind"}),
    "tieline_store_errors_total": ("counter", {"reason"}),
    "process_cpu_seconds_total": ("counter", set()),
    "process_resident_memory_bytes": ("gauge", set()),
    "process_virtual_memory_bytes": ("gauge", set()),
    "process_open_fds": ("gauge", set()),
    "process_max_fds": ("gauge", set()),
    "process_start_time_seconds": ("gauge", set()),
}
CLOSED = {
    "direction": {"to_agents", "to_customers"},
    "origin": {"live", "history", "repair"},
    "outcome": {"found", "resent", "parked"},
    "endpoint": {"shop", "desk"},
    "bridge": {"support"},
    "state": {"idle", "ready", "busy", "waiting", "read", "written", "skipped", "failed"},
    "result": {"stored", "duplicate", "dropped", "unparsable", "not_found", "method", "timeout", "too_large",
               "media_type", "header_too_large", "no_signature", "bad_signature", "old_timestamp", "bad_secret",
               "rate", "busy", "store", "disk_full", "draining"},
}

SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{([^}]*)\})? ([^ ]+)\Z')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|\Z)')


def read_labels(text):
    labels, at = {}, 0
    while at < len(text):
        found = LABEL.match(text, at)
        assert found, "labels: %s" % text
        assert found[1] not in labels, "twice: %s" % text
        labels[found[1]] = found[2]
        at = found.end()
    assert not text.endswith(","), text
    return labels


class Metrics:
    """A page of metrics, read as strictly as its format allows."""

    def __init__(self, text, is_open=False):
        assert text.endswith("\n")
        lines = text[:-1].split("\n")
        if is_open:
            assert lines.pop() == "# EOF"
        self.types, self.samples = {}, {}
        family = None
        for line in lines:
            assert line == line.strip() and line, "blank: %r" % line
            if line.startswith("#"):
                mark, kind, name, rest = line.split(" ", 3)
                if kind == "HELP":
                    assert name not in self.types, "%s in two places" % name
                    family = name
                else:
                    assert kind == "TYPE" and name == family, line
                    assert rest in ("counter", "gauge", "histogram", "unknown")
                    self.types[name] = rest
                continue
            self.sample(line, family, is_open)

    def sample(self, line, family, is_open):
        found = SAMPLE.match(line)
        assert found, "no sample: %r" % line
        name, value = found[1], float(found[3])
        labels = read_labels(found[2] or "")
        kind = self.types[family]
        if kind == "histogram":
            assert name in (family + "_bucket", family + "_sum", family + "_count"), line
        elif kind == "counter":
            assert name.endswith("_total") and name == (family + "_total" if is_open else family), line
            assert value >= 0
        else:
            assert name == family, line
        if is_open and "le" in labels:
            assert "." in labels["le"] or labels["le"] == "+Inf", line
        key = (name, tuple(sorted(labels.items())))
        assert key not in self.samples, "twice: %s" % line
        self.samples[key] = value

    def __call__(self, name, **labels):
        return self.samples[(name, tuple(sorted(labels.items())))]

    def sum(self, name, **labels):
        return sum(v for (n, l), v in self.samples.items() if n == name and set(labels.items()) <= set(l))


def metrics(world, accept=None, port=None, **headers):
    if accept:
        headers["Accept"] = accept
    answer = request(port or world.admin, "GET", "/metrics", headers=headers)
    assert answer.status == 200, answer.body
    is_open = "openmetrics" in answer.headers["Content-Type"]
    return Metrics(answer.body.decode(), is_open), answer.headers["Content-Type"]


def check_families(m, is_open):
    def base(name):
        return name[:-len("_total")] if is_open and name.endswith("_total") else name

    expected = {base(name): kind for name, (kind, _) in FAMILIES.items()}
    if is_open:         # a counter's family has no _total, and this one's would have the gauge's name
        expected.update(tieline_parked="gauge", tieline_parked_total="unknown")
    assert m.types == expected
    for (name, labels), value in m.samples.items():
        family = re.sub(r"_(bucket|sum|count)\Z", "", name) if name not in FAMILIES else name
        kind, expected = FAMILIES[family]
        assert {k for k, _ in labels} == expected | ({"le"} if name.endswith("_bucket") else set()), name
        for key, word in labels:
            if key in CLOSED and name != "tieline_lanes":
                assert word in CLOSED[key], (name, key, word)


def check_histograms(m):
    for name, (kind, _) in FAMILIES.items():
        if kind != "histogram":
            continue
        series = {}
        for (sample, labels), value in m.samples.items():
            if sample == name + "_bucket":
                rest = tuple(l for l in labels if l[0] != "le")
                series.setdefault(rest, []).append((float(dict(labels)["le"]), value))
        assert series, name
        for rest, buckets in series.items():
            bounds = BATCH if name.endswith("batch_operations") else SECONDS
            assert [b for b, _ in buckets] == bounds + [float("inf")], name
            counts = [c for _, c in buckets]
            assert counts == sorted(counts)
            assert counts[-1] == m.samples[(name + "_count", rest)]


def test_metrics_in_both_forms(shop):
    shop.talk().fence()
    for accept, content_type in (
            (None, "text/plain; version=0.0.4; charset=utf-8"),
            ("text/plain", "text/plain; version=0.0.4; charset=utf-8"),
            ("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2",
             "application/openmetrics-text; version=1.0.0; charset=utf-8")):
        m, given = metrics(shop, accept)
        assert given == content_type
        check_families(m, "openmetrics" in given)
        check_histograms(m)


def test_metrics_count_what_happened(shop):
    eventually(lambda: shop.pending() == 0, "all callbacks are in")
    before = metrics(shop)[0]
    talk = shop.talk()
    for _ in range(3):
        talk.up()
        talk.down()
    eventually(lambda: shop.pending() == 0, "all callbacks are in")
    eventually(lambda: metrics(shop)[0].sum("tieline_relayed_total") - before.sum("tieline_relayed_total") == 7,
               "seven crossed")
    after = metrics(shop)[0]

    def grown(name, **labels):
        return after.sum(name, **labels) - before.sum(name, **labels)

    assert grown("tieline_relayed_total", direction="to_agents", origin="live") == 4
    assert grown("tieline_relayed_total", direction="to_customers", origin="live") == 3
    assert grown("tieline_relay_seconds_count", direction="to_agents") == 4
    # Every callback is counted once, whatever became of it.
    for name in ("shop", "desk"):
        assert grown("tieline_hooks_total", endpoint=name) == grown("tieline_hook_seconds_count", endpoint=name)
        assert grown("tieline_events_total", endpoint=name) >= grown("tieline_hooks_total", endpoint=name,
                                                                   result="stored")
        assert grown("tieline_requests_total", endpoint=name) == grown("tieline_request_seconds_count", endpoint=name)
    assert grown("tieline_hooks_total", endpoint="shop", result="stored") >= 4
    assert grown("tieline_hooks_total", endpoint="desk", result="stored") >= 3
    assert grown("tieline_drops_total", endpoint="desk", reason="echo") == 4
    assert grown("tieline_requests_total", endpoint="desk", step="send") == 3
    assert grown("tieline_requests_total", endpoint="desk", step="create_conversation") == 1
    assert grown("tieline_store_commit_seconds_count") > 0
    assert after("process_resident_memory_bytes") > 1 << 20
    assert abs(after("process_start_time_seconds") - time.time()) < 3600
    assert after("tieline_endpoint_up", endpoint="desk") == 1
    assert abs(after("tieline_last_hook_timestamp_seconds", endpoint="desk") - time.time()) < 60


def test_refused_callbacks_are_counted_by_reason():
    with a_world() as world:
        refuse_and_count(world)


def refuse_and_count(shop):
    before = metrics(shop)[0]
    path = "/hooks/shop/blackbox-shop-hook-key-1"
    kind = {"Content-Type": "application/json"}
    assert request(shop.port, "POST", path, "{}", kind).status == 401
    assert request(shop.port, "POST", path, "{}", dict(kind, **{"X-Hook-Secret": "nonsense"})).status == 401
    assert request(shop.port, "POST", path, "x", {"Content-Type": "text/plain"}).status == 415
    assert request(shop.port, "PUT", path, "{}", kind).status == 405
    assert request(shop.port, "POST", "/hooks/shop/not-the-key-at-all", "{}", kind).status == 404
    after = metrics(shop)[0]
    reasons = {r: after("tieline_hooks_total", endpoint="shop", result=r)
               - before("tieline_hooks_total", endpoint="shop", result=r) for r in CLOSED["result"]}
    assert {r: n for r, n in reasons.items() if n and r in (
        "no_signature", "bad_secret", "bad_signature", "media_type", "method", "not_found")} in (
            {"no_signature": 1, "bad_secret": 1, "media_type": 1, "method": 1, "not_found": 1},
            {"bad_secret": 2, "media_type": 1, "method": 1, "not_found": 1})


def test_a_doubt_is_counted_as_found_or_as_sent_again():
    with a_world() as world:
        talk = world.talk()
        world.mode("chatwoot", echo="never")
        world.fault("chatwoot", "POST", "/messages$", "drop_answer")
        talk.up()
        eventually(lambda: metrics(world)[0]("tieline_unsure_total", endpoint="desk", outcome="found") == 1,
                   "it was found", 90)
        talk.up()
        m = metrics(world)[0]
        assert m("tieline_unsure_total", endpoint="desk", outcome="resent") == 0
        assert m("tieline_requests_total", endpoint="desk", step="send", effect="unsure") == 1


# -- who may see them ----------------------------------------------------------------------------------------

TOKENS = {"token": "full-rights-token-0001", "read_token": "read-only-token-0001"}


def bearer(token):
    return {"Authorization": "Bearer " + token}


def status_of(port, path, headers=None, method="GET"):
    return request(port, method, path, headers=headers).status


def test_elsewhere_metrics_need_a_token():
    admin = free_port()
    with a_world(process={"admin": dict(TOKENS, listen="0.0.0.0:%d" % admin, socket=None)}, start=False) as world:
        set_socket(world)
        world.relay.start()
        assert status_of(admin, "/metrics") == 401
        assert status_of(admin, "/metrics", bearer("wrong")) == 401
        assert status_of(admin, "/metrics", {"Authorization": "Basic " + TOKENS["token"]}) == 401
        for token in TOKENS.values():
            assert status_of(admin, "/metrics", bearer(token)) == 200
        answer = request(admin, "GET", "/metrics")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json["type"] == "urn:tieline:problem:unauthorized" and answer.json["status"] == 401


def set_socket(world):
    """The socket's place is known only when the folder is there."""
    with open(world.relay.config, encoding="utf-8") as f:
        config = json.load(f)
    config["admin"]["socket"] = world.relay.socket
    with open(world.relay.config, "w", encoding="utf-8") as f:
        json.dump(config, f)


def test_elsewhere_without_a_token_is_a_mistake():
    with a_world(process={"admin": {"listen": "0.0.0.0:%d" % free_port()}}, start=False) as world:
        done = tieline(world, "check")
        assert done.returncode == 78 and "admin.token" in done.stderr


def test_admin_on_the_public_listener():
    with a_world(process={"admin": dict(TOKENS, listen="same", socket=None)}, start=False) as world:
        set_socket(world)
        world.relay.start()
        assert status_of(world.port, "/metrics") == 401
        assert metrics(world, port=world.port, **bearer(TOKENS["read_token"]))[0]("tieline_build_info",
                                                                                 version=version()) == 1
        assert status_of(world.port, "/healthz") == 200


def test_admin_on_the_public_listener_without_a_token_is_not_there():
    with a_world(process={"admin": {"listen": "same", "socket": None}}, start=False) as world:
        set_socket(world)
        world.relay.start()
        assert status_of(world.port, "/metrics") == 404


def test_no_admin_listener():
    with a_world(process={"admin": {"listen": "none", "socket": None}}, start=False) as world:
        set_socket(world)
        world.relay.start()
        with pytest.raises(OSError):
            request(8481 if free(8481) else world.admin, "GET", "/metrics")
        assert status_of(world.port, "/metrics") == 404
        assert document(world)["ok"]


def free(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) != 0


def version():
    return run("--version").stdout.split()[1]


@pytest.mark.parametrize("path", ["/", "/metrics", "/admin", "/api/v1/status", "/hooks", "/hooks/", "/healthz/"])
def test_the_public_side_shows_nothing_else(shop, path):
    answer = request(shop.port, "GET", path)
    assert answer.status == 404 and answer.json == {"error": "not_found"}


@pytest.mark.parametrize("path", ["/", "/admin", "/healthz", "/hooks/shop/blackbox-shop-hook-key-1"])
def test_the_admin_side_has_metrics_and_the_interface_only(shop, path):
    answer = request(shop.admin, "GET", path)
    assert answer.status == 404 and answer.json["type"] == "urn:tieline:problem:not_found"


@pytest.mark.parametrize("path", ["/api/v1/status", "/api/v1/parked", "/api/v1/nothing"])
def test_the_interface_needs_a_token(shop, path):
    answer = request(shop.admin, "GET", path)
    assert answer.status == 401 and answer.json["type"] == "urn:tieline:problem:unauthorized"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_reading_is_all_that_can_be_done(shop, path):
    port = shop.admin if path == "/metrics" else shop.port
    assert status_of(port, path) == 200
    head = request(port, "HEAD", path)
    assert head.status == 200 and head.body == b"" and int(head.headers["Content-Length"]) > 0
    for method in ("POST", "PUT", "DELETE"):
        answer = request(port, method, path, "")
        assert answer.status == 405 and answer.headers["Allow"] == "GET, HEAD"


# -- status --------------------------------------------------------------------------------------------------

ENDPOINT = {"name", "platform", "state", "note", "since", "sent_24h", "errors_24h", "waiting", "parked", "width",
            "width_most", "open", "last_callback"}
WAY = {"delivered_24h", "median_ms", "waiting", "oldest_ms"}


def test_the_document(shop):
    talk = shop.talk()
    talk.down()
    eventually(lambda: sum(b["to_agents"]["delivered_24h"] for b in document(shop)["bridges"]) > 0, "it is counted")
    d = document(shop)
    assert list(d) == ["ok", "relay", "store", "endpoints", "bridges", "parked", "problems"]
    assert list(d["relay"]) == ["running", "version", "pid", "since", "uptime_ms", "draining", "config",
                                "callbacks_per_sec", "page"]
    assert d["relay"]["running"] is True and d["relay"]["draining"] is False
    assert d["relay"]["pid"] == shop.relay.process.pid
    assert TIMES.match(d["relay"]["since"]) and d["relay"]["uptime_ms"] > 0
    assert d["relay"]["config"] == shop.relay.config
    assert list(d["store"]) == ["state", "path", "schema", "bytes", "disk_free", "disk_reserve", "mailbox"]
    assert d["store"]["state"] == "ok" and d["store"]["path"] == shop.relay.store
    assert [e["name"] for e in d["endpoints"]] == ["shop", "desk"]
    for e in d["endpoints"]:
        assert set(e) == ENDPOINT
        assert e["state"] == "ok" and e["note"] is None and e["open"] is True and e["sent_24h"] > 0
        assert TIMES.match(e["last_callback"])
    bridge, = d["bridges"]
    assert set(bridge) == {"name", "customers", "agents", "state", "parked", "repaired_24h", "to_agents", "to_customers"}
    assert set(bridge["to_agents"]) == WAY and set(bridge["to_customers"]) == WAY
    assert bridge["state"] == "ok" and bridge["to_agents"]["waiting"] == 0
    assert d["parked"] == {"total": 0, "reasons": {}} and d["problems"] == [] and d["ok"] is True


def over_socket(path, method, url):
    class Connection(http.client.HTTPConnection):
        def connect(self):
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(10)
            self.sock.connect(path)

    connection = Connection("relay")
    try:
        connection.request(method, url)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Content-Type"), answer.read()
    finally:
        connection.close()


def test_the_socket_serves_what_status_prints(shop):
    status, kind, body = over_socket(shop.relay.socket, "GET", "/api/v1/status")
    assert status == 200 and kind == "application/json"
    assert list(json.loads(body)) == list(document(shop))
    assert over_socket(shop.relay.socket, "POST", "/api/v1/status")[0] == 405
    assert over_socket(shop.relay.socket, "GET", "/healthz")[0] == 200
    assert over_socket(shop.relay.socket, "GET", "/metrics")[0] == 404
    assert os.stat(shop.relay.socket).st_mode & 0o777 == 0o660


def test_status_for_people(shop):
    done = tieline(shop, "status", "--exit-code")
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and done.stderr == ""
    assert re.match(r"relay     running .*, version %s, store .* \(ok\), callbacks \d+\.\d/s\Z" % version(), lines[0])
    assert lines[1].split() == ["ENDPOINT", "PLATFORM", "STATE", "SENT/24H", "ERRORS", "NOTE"]
    assert lines[2].split()[:3] == ["shop", "smartify", "ok"]
    assert lines[3].split()[:3] == ["desk", "chatwoot", "ok"]
    assert lines[4].startswith("BRIDGE    STATE")
    assert lines[5].split()[:2] == ["support", "ok"]
    assert lines[6].startswith("page: off; set admin.password")
    assert len(lines) == 7 and all(len(line) <= 80 for line in lines)


def test_watch_needs_a_terminal(shop):
    assert tieline(shop, "status", "--watch").returncode == 64


def test_a_refused_token():
    with a_world(desk={"api_token": "not-the-token-0123456789"}) as world:
        d = eventually(lambda: problem(world, "credentials") and document(world), "the token is refused")
        desk = d["endpoints"][1]
        assert desk["state"] == "credentials" and desk["open"] is False and desk["errors_24h"] >= 1
        assert d["bridges"][0]["state"] == "blocked" and d["ok"] is False
        p = problem(world, "credentials")
        assert p["endpoint"] == "desk" and TIMES.match(p["since"])
        assert re.match(r'desk: 127\.0\.0\.1 refused our api_token \(".+"\)\.\Z', p["text"])
        assert p["next"].startswith("copy a new token from the relay user's profile in Chatwoot")
        world.ask(unique("person"), unique("hello"))
        eventually(lambda: "1 message waits." in (problem(world, "credentials") or {"text": ""})["text"],
                   "it is told what waits")
        assert eventually(lambda: metrics(world)[0]("tieline_waiting", bridge="support", direction="to_agents") == 1,
                          "the metrics have it")
        m = metrics(world)[0]
        assert m("tieline_endpoint_up", endpoint="desk") == 0 and m("tieline_gate_open", endpoint="desk") == 0
        done = tieline(world, "status", "--exit-code")
        assert done.returncode == 1
        assert "refused our api_token" in " ".join(done.stdout.split())
        assert run("health", "--ready", "--socket", world.relay.socket).returncode == 0


def test_a_platform_that_is_down():
    port = free_port()
    with a_world(desk={"base_url": "http://127.0.0.1:%d" % port}) as world:
        p = eventually(lambda: problem(world, "endpoint_down"), "it is down")
        assert p["endpoint"] == "desk" and p["text"].startswith("desk: no")
        assert document(world)["endpoints"][1]["state"] == "down"
        assert status_of(world.port, "/readyz") == 200 and status_of(world.port, "/healthz") == 200


def test_another_secret():
    with a_world(desk={"webhook_secret": "another-secret-0123456789"}) as world:
        talk = world.talk()
        for _ in range(3):
            talk.answer(unique("lost"))
        p = eventually(lambda: problem(world, "callbacks_refused"), "refused callbacks are told")
        assert re.match(r"desk: \d+ callbacks? refused since \d\d:\d\d: signature does not fit webhook_secret\.", p["text"])
        assert "webhook_secret" in p["next"]
        assert document(world)["ok"] is False


def test_no_secret_at_all():
    with a_world(desk={"webhook_secret": None}, start=False) as world:
        with open(world.relay.config, encoding="utf-8") as f:
            config = json.load(f)
        del config["endpoints"]["desk"]["webhook_secret"]
        with open(world.relay.config, "w", encoding="utf-8") as f:
            json.dump(config, f)
        world.relay.start()
        p = eventually(lambda: problem(world, "wrong_setup"), "it is told")
        assert "no webhook_secret" in p["text"] and "webhook_secret" in p["next"]
        assert document(world)["endpoints"][1]["state"] == "wrong"
        # Sending goes on; what comes from there is refused.
        world.talk()
        path = "/hooks/desk/blackbox-desk-hook-key-1"
        assert request(world.port, "POST", path, "{}", {"Content-Type": "application/json"}).status == 401


def test_parked_messages_are_told():
    with a_world() as world:
        talk = world.talk()
        world.fault("chatwoot", "POST", "/messages$", "status", status=413, body={"error": "too much"})
        talk.ask(unique("refused"))
        d = eventually(lambda: problem(world, "parked") and document(world), "it is parked")
        assert d["parked"] == {"total": 1, "reasons": {"too_large": 1}}
        assert d["bridges"][0]["parked"] == 1 and d["endpoints"][1]["parked"] == 1 and d["endpoints"][0]["parked"] == 0
        assert "parked: 1 too_large" in tieline(world, "status").stdout
        eventually(lambda: metrics(world)[0].sum("tieline_parked", endpoint="desk", reason="too_large") == 1,
                   "the metrics have it")
        assert metrics(world)[0]("tieline_parked_total", endpoint="desk", reason="too_large") == 1


def test_the_disk_is_nearly_full():
    with a_world(process={"limits": {"disk_reserve": "100000GiB"}}, start=False) as world:
        world.relay.process = world.relay.spawn()
        eventually(lambda: not free(world.port), "it listens")
        answer = eventually(lambda: request(world.port, "GET", "/readyz"), "it answers")
        assert answer.status == 503 and answer.json["reason"] == "disk_full" and answer.headers["Retry-After"]
        assert status_of(world.port, "/healthz") == 200
        d = document(world)
        assert d["store"]["state"] == "disk_low" and not d["ok"]
        p = problem(world, "disk")
        assert "free on %s, reserve is" % world.folder in p["text"] and p["next"].startswith("free space there")
        eventually(lambda: "at=disk_low" in world.relay.log(), "the log has it")
        assert run("health", "--socket", world.relay.socket).returncode == 0
        done = run("health", "--ready", "--socket", world.relay.socket)
        assert done.returncode == 1 and "disk" in done.stdout


# -- without a relay -----------------------------------------------------------------------------------------

def test_status_without_a_relay():
    with a_world() as world:
        world.talk().down()
        eventually(lambda: document(world)["bridges"][0]["to_customers"]["delivered_24h"] == 1, "both crossed")
        assert world.relay.stop() == 0
        done = tieline(world, "status")
        lines = done.stdout.splitlines()
        assert done.returncode == 0 and lines[0] == "relay: not running"
        assert lines[1].startswith("store     ") and lines[3].split()[:4] == ["shop", "smartify", "-", "1"]
        d = document(world)
        assert d["relay"]["running"] is False and d["ok"] is False and d["relay"]["pid"] is None
        assert d["endpoints"][0]["state"] is None
        assert d["bridges"][0]["to_agents"]["delivered_24h"] == 1
        assert tieline(world, "status", "--exit-code").returncode == 1


def test_status_before_the_first_start():
    with a_world(start=False) as world:
        done = tieline(world, "status")
        assert done.returncode == 66 and done.stdout == "relay: not running\n" and "tieline.db" in done.stderr
        assert not os.path.exists(world.relay.store)


def test_status_without_a_configuration(tmp_path):
    done = run("status", "-c", str(tmp_path / "none.yaml"), "--socket", str(tmp_path / "s"))
    assert done.returncode == 78 and done.stdout == "relay: not running\n"


# -- health --------------------------------------------------------------------------------------------------

def test_health_finds_the_relay(shop, tmp_path):
    nothing = str(tmp_path / "none.yaml")
    assert run("health", "--socket", shop.relay.socket, "-c", nothing).returncode == 0
    assert run("health", "-c", nothing, env={"TIELINE_SOCKET": shop.relay.socket}).returncode == 0
    assert run("health", "-c", shop.relay.config).returncode == 0
    assert run("health", "--ready", "-c", shop.relay.config).stdout == "ok\n"
    assert json.loads(run("health", "--json", "-c", shop.relay.config).stdout) == {"ok": True, "reason": None}


def test_health_finds_it_beside_the_store(shop, tmp_path):
    store = tmp_path / "other.db"
    os.symlink(shop.relay.socket, str(store) + ".sock")
    nothing = str(tmp_path / "none.yaml")
    if os.path.exists("/run/tieline/tieline.sock"):
        pytest.skip("another relay runs here")
    assert run("health", "-c", nothing, env={"TIELINE_STORE": "sqlite:%s" % store}).returncode == 0


def test_health_reads_what_it_can_of_a_configuration(shop, tmp_path):
    """The shell of an operator lacks the variables that the file asks for."""
    config = tmp_path / "t.yaml"
    config.write_text("admin: {socket: %s}\nendpoints: {a: {api_token: '${NOT_SET_HERE}'}}\n" % shop.relay.socket)
    assert run("health", "-c", str(config)).returncode == 0


def test_health_without_a_relay(tmp_path):
    began = time.monotonic()
    done = run("health", "--socket", str(tmp_path / "s"))
    assert done.returncode == 1 and done.stdout.startswith("not healthy: there is no relay at ")
    assert time.monotonic() - began < 2


def test_health_of_one_that_does_not_answer(tmp_path):
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(path)
        s.listen(5)
        began = time.monotonic()
        done = run("health", "--socket", path)
        assert done.returncode == 1 and time.monotonic() - began < 2 * (PATIENCE / 30)


# -- signals -------------------------------------------------------------------------------------------------

def test_reload_kills_nobody(shop):
    shop.relay.process.send_signal(signal.SIGHUP)
    eventually(lambda: "at=reload " in shop.relay.log(), "it is told")
    shop.talk()


def test_usr1_writes_the_status_to_the_log(shop):
    shop.relay.process.send_signal(signal.SIGUSR1)
    log = eventually(lambda: "bridge=support status=ok" in shop.relay.log() and shop.relay.log(), "it is there")
    lines = [line for line in log.splitlines() if "at=admin who=signal" in line]
    assert any('reason="running ' in line for line in lines)
    assert any("endpoint=desk status=ok" in line for line in lines)


def test_the_second_signal_ends_it_at_once():
    with a_world(process={"limits": {"drain": "10m"}}) as world:
        talk = world.talk()
        world.fault("chatwoot", "POST", "/messages$", "hang")
        talk.ask(unique("hangs"))
        eventually(lambda: world.requests("/messages", method="POST"), "it is on its way")
        world.relay.process.terminate()
        eventually(lambda: "at=stop" in world.relay.log(), "it drains")
        assert request_unix_ready(world) == "draining"
        world.relay.process.send_signal(signal.SIGTERM)
        assert world.relay.process.wait(20) == 75
        world.sandbox("DELETE", "/faults")
        world.relay.start()
        world.relay.kill()
        world.relay.process = None


def request_unix_ready(world):
    status, _, body = over_socket(world.relay.socket, "GET", "/readyz")
    assert status == 503
    assert document(world)["relay"]["draining"] is True
    return json.loads(body)["reason"]


# -- systemd -------------------------------------------------------------------------------------------------

def test_systemd_is_told(tmp_path, monkeypatch):
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(path)
        s.settimeout(PATIENCE)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        monkeypatch.setenv("WATCHDOG_USEC", "400000")
        monkeypatch.delenv("WATCHDOG_PID", raising=False)
        with a_world() as world:
            first = s.recv(4096).decode()
            assert first.startswith("READY=1\nSTATUS=running ")
            began = time.monotonic()
            for _ in range(3):
                assert s.recv(4096).decode().startswith("WATCHDOG=1\nSTATUS=running ")
            assert time.monotonic() - began < 3 * 0.4 * (PATIENCE / 30)
            assert world.relay.stop() == 0
            last = []
            while not last or "STOPPING=1" not in last[-1]:
                last.append(s.recv(4096).decode())
            world.relay.process = None


# -- help ----------------------------------------------------------------------------------------------------

def commands():
    listed = run("--help").stdout.partition("commands:\n")[2].partition("\n\n")[0]
    return [line.split()[0] for line in listed.splitlines()]


def test_every_command_explains_itself():
    names = commands()
    assert {"serve", "check", "explain", "options", "status", "health"} <= set(names)
    for name in names:
        texts = [run("help", name), run(name, "--help"), run("--help", name), run(name, "-h")]
        assert {(t.returncode, t.stdout, t.stderr) for t in texts} == {(0, texts[0].stdout, "")}
        assert texts[0].stdout.startswith("usage: tieline [GLOBAL] %s" % name)
        assert all(len(line) <= 100 for line in texts[0].stdout.splitlines())


@pytest.mark.parametrize("args, meant", [
    (["statsu"], '"status"'), (["help", "helth"], '"health"'),
    (["status", "--exitcode"], "--exit-code"), (["status", "--jsn"], "--json"), (["health", "--redy"], "--ready"),
    (["serve", "--log-levle=debug"], "--log-level"), (["--verson"], "--version"), (["--sockte", "x", "status"], "--socket"),
])
def test_slips_are_told_with_what_was_meant(args, meant):
    done = run(*args)
    assert done.returncode == 64 and done.stdout == ""
    assert "did you mean %s?" % meant in done.stderr


@pytest.mark.parametrize("args", [["status", "now"], ["health", "--", "x"], ["serve", "--nonsense-of-all-kinds"], []])
def test_wrong_usage(args):
    done = run(*args)
    assert done.returncode == 64 and done.stdout == "" and done.stderr


def test_version():
    assert re.match(r"tieline \d+\.\d+\.\d+ \(schema \d+\)\n\Z", run("--version").stdout)
    told = json.loads(run("--version", "--json").stdout)
    assert set(told) == {"version", "schema", "libraries"}
    assert set(told["libraries"]) == {"libevent", "libcurl", "sqlite", "libyaml", "openssl", "yajl"}
    assert all(re.match(r"\d+\.\d+", v) for v in told["libraries"].values())
