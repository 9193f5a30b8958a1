"""Starting and stopping: configurations and stores that will not do, two on one store, signals. Exit codes are those
of the manual; each says what is wrong in words."""

import json
import os
import signal
import socket
import sqlite3
import subprocess

import pytest

from world import BIN, PATIENCE, SECRETS, eventually, request, unique


class Bench:
    """A configuration and a folder, and no far side."""

    def __init__(self, folder):
        self.folder = folder
        self.path = os.path.join(folder, "tieline.yaml")
        self.store = os.path.join(folder, "tieline.db")
        self.values = {
            "listen": "127.0.0.1:0", "public_url": "http://127.0.0.1:1", "store": "sqlite:" + self.store,
            "admin": {"listen": "none", "socket": os.path.join(folder, "tieline.sock")},
            "endpoints": {
                "shop": {"platform": "smartify", "base_url": "http://127.0.0.1:1/api",
                         "project_id": "5e2c35c8f0dbc10017bb3aac", "email": "relay@example.com",
                         "password": SECRETS["password"], "webhook_secret": SECRETS["shop_secret"]},
                "desk": {"platform": "chatwoot", "base_url": "http://127.0.0.1:1", "api_token": SECRETS["api_token"],
                         "account_id": 1, "inbox_id": 12, "webhook_secret": SECRETS["desk_secret"]}},
            "bridges": {"support": {"customers": "shop", "agents": "desk"}}}

    def spawn(self, text=None):
        with open(self.path, "w", encoding="utf-8") as f:
            f.write(json.dumps(self.values, indent=1) if text is None else text)
        return subprocess.Popen([BIN, "serve", "-c", self.path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def ends(self, code, *words, text=None):
        """It ends by itself, with that code and these words, and tells no secret."""
        process = self.spawn(text)
        try:
            out, err = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
        assert process.returncode in (code if isinstance(code, tuple) else (code,)) and out == "", err
        for word in words:
            assert word in err, err
        assert not any(secret in err for secret in SECRETS.values()), err
        return err

    def runs(self):
        """It starts; its log until it is stopped again."""
        process = self.spawn()
        lines = []
        for line in process.stderr:
            lines.append(line)
            if "at=ready" in line:
                break
        process.send_signal(signal.SIGTERM)
        lines += process.communicate(timeout=PATIENCE)[1]
        assert process.returncode == 0, "".join(lines)
        return "".join(lines)


@pytest.fixture
def bench(tmp_path):
    return Bench(str(tmp_path))


# -- stores ---------------------------------------------------------------------------------------------------

def test_a_new_store_is_made_and_used_again(bench):
    bench.runs()
    assert os.path.getsize(bench.store) > 0
    bench.runs()


def test_the_stores_folder_is_missing(bench):
    bench.values["store"] = "sqlite:%s/no/such/tieline.db" % bench.folder
    bench.ends(66, "no/such", "does not exist")


def test_the_stores_folder_cannot_be_written(bench):
    """/sys is one where nobody may, not even root."""
    bench.values["store"] = "sqlite:/sys/tieline.db"
    bench.ends(73, "/sys/tieline.db")


def test_a_folder_stands_in_the_stores_place(bench):
    os.mkdir(bench.store)
    bench.ends((73, 74), bench.store)


def test_the_store_is_of_a_newer_version(bench):
    bench.runs()
    db = sqlite3.connect(bench.store)
    version = db.execute("PRAGMA user_version").fetchone()[0]
    db.execute("PRAGMA user_version = %d" % (version + 1))
    db.commit()
    db.close()
    bench.ends(76, bench.store, "newer")


def test_the_store_is_no_database(bench):
    with open(bench.store, "wb") as f:
        f.write(b"This is a diary, and no database at all.\n" * 200)
    bench.ends(65, bench.store, "not a database")
    with open(bench.store, "rb") as f:
        assert f.read(4) == b"This"     # and it is left alone


def test_the_store_is_damaged(bench):
    """Its first page is whole, so it opens; what lies behind is not."""
    bench.runs()
    db = sqlite3.connect(bench.store)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    with open(bench.store, "r+b") as f:
        size = f.seek(0, 2)
        f.seek(4096)
        f.write(os.urandom(size - 4096))
    bench.ends(65, bench.store, "damaged")


def test_the_store_is_cut_short(bench):
    bench.runs()
    with open(bench.store, "r+b") as f:
        f.truncate(5000)
    bench.ends(65, bench.store)


def test_another_program_holds_the_store(bench):
    """It is waited for a little, and then said."""
    bench.runs()
    db = sqlite3.connect(bench.store)
    db.execute("PRAGMA locking_mode = EXCLUSIVE")
    db.execute("BEGIN EXCLUSIVE")
    try:
        bench.ends(75, bench.store)
    finally:
        db.close()
    bench.runs()


def test_a_second_one_on_the_same_store(bench):
    """Never two: the second names the first."""
    first = bench.spawn()
    try:
        for line in first.stderr:
            if "at=ready" in line:
                break
        bench.ends(75, "process %d" % first.pid)
        assert first.poll() is None
    finally:
        first.terminate()
        assert first.wait(PATIENCE) == 0
        first.stdout.close()
        first.stderr.close()
    bench.runs()


# -- configurations -------------------------------------------------------------------------------------------

def test_no_configuration(bench):
    process = subprocess.run([BIN, "serve", "-c", bench.folder + "/none.yaml"], capture_output=True, text=True,
                             timeout=PATIENCE)
    assert process.returncode == 66 and "none.yaml" in process.stderr


BROKEN = {
    "empty": ("", ()),
    "not yaml": ("{{{", ("1:",)),
    "a list": ("- 1\n- 2\n", ()),
    "unknown option": ("listn: 127.0.0.1:1\n", ("listn", "did you mean", "listen")),
    "not utf-8 text": ("listen: \u0000\n", ()),
    "no bridges": ("endpoints: {}\n", ()),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_configuration(bench, kind):
    text, words = BROKEN[kind]
    err = bench.ends(78, "tieline.yaml", *words, text=text)
    assert "at=ready" not in err


def test_all_mistakes_at_once(bench):
    shop, desk = bench.values["endpoints"]["shop"], bench.values["endpoints"]["desk"]
    shop["project_id"] = "short"
    shop["rate"] = "often"
    desk["api_token"] = "${TIELINE_TEST_NOT_SET}"
    desk["settle"] = "1h"
    desk["base_url"] = "ftp://chat.example.com"
    bench.values["bridges"]["support"].update(agents="dsk", reopen="sometimes")
    bench.values["bridges"]["second"] = {"customers": "shop", "agents": "shop"}
    bench.values["limits"] = {"body": "1KiB"}
    err = bench.ends(78, "endpoints.shop.project_id", "endpoints.shop.rate", "endpoints.desk.api_token",
                     "TIELINE_TEST_NOT_SET", "endpoints.desk.settle", "endpoints.desk.base_url", "bridges.support.agents",
                     "bridges.support.reopen", "bridges.second", "limits.body", "nothing was started")
    lines = [int(x.split("tieline.yaml:")[1].split(":")[0]) for x in err.splitlines() if "tieline.yaml:" in x]
    assert lines == sorted(lines) and len(lines) >= 9
    assert not os.path.exists(bench.store)


def test_a_port_that_is_taken(bench):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        bench.values["listen"] = "127.0.0.1:%d" % s.getsockname()[1]
        bench.ends(69, bench.values["listen"])


# -- signals --------------------------------------------------------------------------------------------------

def test_a_far_side_has_no_say_in_readiness(make_world):
    """Both are away; callbacks can be taken all the same."""
    world = make_world(shop={"base_url": "http://127.0.0.1:1/api"}, desk={"base_url": "http://127.0.0.1:1"})
    world.ask(unique("person"), unique(), wait=True)
    eventually(lambda: world.query("SELECT 1 FROM delivery"), "the message waits")
    assert request(world.port, "GET", "/readyz").status == request(world.port, "GET", "/healthz").status == 200


def test_stopping_while_busy(make_world):
    """What is under way ends, what is not waits on disk, and nobody is let in meanwhile."""
    world = make_world()
    world.fault("chatwoot", "POST", "/messages$|/conversations$", "delay", seconds=1.0, count=0)
    talk = world.talk()
    lines = [unique("busy") for _ in range(4)]
    for line in lines:
        talk.ask(line, wait=True)
    eventually(lambda: len(world.query("SELECT 1 FROM event")) >= 5, "stored")
    world.relay.process.terminate()
    eventually(lambda: "at=stop" in world.relay.log(), "it is stopping", pause=0.005)
    refused = False
    try:
        answer = request(world.port, "GET", "/readyz")
        refused = (answer.status, answer.json.get("reason")) == (503, "draining")
    except OSError:
        refused = True      # nobody listens any more
    assert world.relay.process.wait(PATIENCE) == 0
    assert refused
    world.calm()
    world.relay.start()
    for line in lines:
        world.arrives("chatwoot", line)
    talk.fence()
    world.all_arrived()


def test_a_second_signal_ends_it_at_once(make_world):
    world = make_world(shop={"timeout": "60s"}, desk={"timeout": "60s"})
    talk = world.talk()
    text = unique("stuck")
    world.fault("chatwoot", "POST", "/messages$", "hang")
    talk.ask(text, wait=True)
    eventually(lambda: world.requests("/messages$", method="POST")[-1:] and
               world.requests("/messages$", method="POST")[-1]["fault"] == "hang", "it hangs")
    world.relay.process.terminate()
    eventually(lambda: "at=stop" in world.relay.log(), "it is stopping")
    world.relay.process.terminate()
    assert world.relay.process.wait(PATIENCE) == 75
    world.relay.process = None
