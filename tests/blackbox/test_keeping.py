"""What is kept, for whom and how long: callbacks as they came, copies of the store, a person's right to see it all and
to have it erased. One relay for all of it."""

import json
import os
import shutil
import stat
import subprocess

import pytest

from world import BIN, World, eventually, unique


def tieline(world, *args, code=0):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("TIELINE_")}
    ran = subprocess.run([BIN, *args, "-c", world.relay.config], env=clean, timeout=120, stdin=subprocess.DEVNULL,
                         capture_output=True, text=True)
    assert ran.returncode == code, (args, ran.returncode, ran.stdout, ran.stderr)
    return ran


def on_disk(world, word):
    """In which files beside the store these bytes stand, letters in either case."""
    found = []
    for folder, _, names in os.walk(world.folder):
        for name in names:
            path = os.path.join(folder, name)
            if name == "log" or not stat.S_ISREG(os.stat(path).st_mode):
                continue
            with open(path, "rb") as f:
                if word.lower().encode() in f.read().lower():
                    found.append(name)
    return found


@pytest.fixture(scope="module")
def world():
    world = World(sandbox=("--no-limits",), process={"retention": {"callbacks": "1d"}})
    yield world
    world.end()


def test_a_callback_is_kept(world, tmp_path):
    text = unique("keep me")
    talk = world.talk()
    talk.up(text)
    source = [m["id"] for t in world.threads("smartify") for m in t["messages"] if m["text"] == text][0]
    folder = str(tmp_path / "kept")
    tieline(world, "trace", "--save", folder, "shop:%s" % source)
    with open(folder + "/BODY", encoding="utf-8") as f:
        assert text in f.read()
    with open(folder + "/HEADERS", encoding="utf-8") as f:
        assert "sandbox-smartify-secret" not in f.read()
    found = tieline(world, "explain", "--endpoint", "shop", folder + "/BODY").stdout
    assert text in found.splitlines()[0]
    event = json.loads(tieline(world, "trace", "--json", "shop:%s" % source).stdout)["event"]
    tieline(world, "trace", "--save", str(tmp_path / "again"), event)
    assert "not kept" in tieline(world, "trace", "--save", str(tmp_path / "no"), "shop:nothing", code=66).stderr


def person(world, talk):
    who = "shop:" + world.smartify_request(talk.mine)["lead"]["lead_id"]
    return who, json.loads(tieline(world, "person", "export", who).stdout)


def test_exported_and_erased(world, tmp_path):
    words = [unique("secretword") for _ in range(4)]
    other, talk = world.talk(), world.talk()
    talk.up(words[0])
    talk.down(words[1])
    talk.up(words[2])
    other.fence()
    who, known = person(world, talk)
    texts = [m.get("text") for m in known["messages"]]
    assert words[0] in texts and words[1] in texts and len(known["persons"]) == 1
    one = known["persons"][0]
    email = one.get("email")
    secret = [one["remote"], one["identity"]] + words[:3] + ([email] if email else [])
    file = str(tmp_path / "export.json")
    tieline(world, "person", "export", "-o", file, email or who)
    with open(file, encoding="utf-8") as f:
        assert json.load(f)["messages"] == known["messages"]
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    for word in secret:
        assert on_disk(world, word), word

    # What waits for them is given up.
    tieline(world, "pause", "desk")
    talk.ask(words[3])
    eventually(lambda: on_disk(world, words[3]), "it waits")
    dry = json.loads(tieline(world, "person", "erase", "--dry-run", "--json", who).stdout)
    assert dry["dry_run"] and dry["messages"]["count"] == len(known["messages"]) + 1 and dry["given_up"] == 1
    assert on_disk(world, words[0])
    assert "--yes" in tieline(world, "person", "erase", who, code=64).stderr
    receipt = json.loads(tieline(world, "person", "erase", "--yes", "--json", who).stdout)
    assert receipt["messages"] == dry["messages"] and receipt["given_up"] == 1 and receipt["wiped"]
    assert receipt["callbacks"] > 0
    for word in secret + [words[3]]:
        assert on_disk(world, word) == [], word
        assert word not in json.dumps(receipt)
    assert "nobody is known" in tieline(world, "person", "export", who, code=66).stderr
    assert any("at=erased" in line for line in world.relay.log().splitlines())
    tieline(world, "resume", "desk")

    # Nothing of before is taken for new, others go on, and who writes again is somebody new.
    before = len(world.copies("chatwoot", words[0]))
    tieline(world, "reconcile", code=0)
    other.fence()
    assert len(world.copies("chatwoot", words[0])) == before and world.copies("chatwoot", words[3]) == []
    again = unique("again")
    talk.ask(again)
    world.arrives("chatwoot", again)
    other.fence()


def test_backup_and_restore(world, tmp_path):
    talk = world.talk()
    first, second = unique("first"), unique("second")
    talk.up(first)
    file = str(tmp_path / "backup.db")
    tieline(world, "backup", file)
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    assert "exists" in tieline(world, "backup", file, code=73).stderr
    talk.up(second)
    talk.down()
    world.relay.kill()
    shutil.copyfile(file, world.relay.store)     # its WAL still lies there, and is another file's now
    world.relay.start()
    tieline(world, "reconcile")
    talk.fence()
    assert len(world.copies("chatwoot", first)) == 1 and len(world.copies("chatwoot", second)) == 1
    world.relay.stop()
    tieline(world, "backup", str(tmp_path / "stopped.db"))
    os.remove(world.relay.store)
    shutil.copyfile(str(tmp_path / "stopped.db"), world.relay.store)
    world.relay.start()
    talk.fence()


def test_erased_without_a_relay(world):
    word = unique("secretword")
    talk = world.talk()
    talk.up(word)
    who, known = person(world, talk)
    world.relay.stop()
    assert json.loads(tieline(world, "person", "export", who).stdout)["messages"] == known["messages"]
    receipt = tieline(world, "person", "erase", "--yes", who).stdout
    assert receipt.startswith("erased ") and known["persons"][0]["id"] in receipt
    assert on_disk(world, word) == [] and on_disk(world, known["persons"][0]["identity"]) == []
    world.relay.start()
    again = unique("again")
    talk.ask(again)
    world.arrives("chatwoot", again)
