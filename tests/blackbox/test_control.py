"""A word to the running relay: pause, resume, drain, reload."""

import json
import os
import signal
import subprocess
import threading
import time

from world import BIN, eventually, unique


def cli(world, *words):
    return subprocess.run([BIN, *words, "-c", world.relay.config], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=60)


def change(world, edit):
    """As an editor that writes whole files."""
    with open(world.relay.config, encoding="utf-8") as f:
        config = json.load(f)
    edit(config)
    with open(world.relay.config + ".new", "w", encoding="utf-8") as f:
        json.dump(config, f)
    os.rename(world.relay.config + ".new", world.relay.config)


def test_pause_and_resume(make_world):
    world = make_world()
    talk = world.talk()
    assert cli(world, "pause", "desk").returncode == 0
    line = unique()
    talk.ask(line)
    eventually(lambda: world.query("SELECT 1 FROM delivery WHERE state < 10"), "it waits")
    status = json.loads(cli(world, "status", "--json").stdout)
    assert [e["state"] for e in status["endpoints"] if e["name"] == "desk"] == ["paused"]
    world.relay.stop()
    world.relay.start()
    assert not world.copies("chatwoot", line)
    assert cli(world, "resume", "desk").returncode == 0
    world.arrives("chatwoot", line)


def test_drain_a_bridge(make_world):
    world = make_world()
    talk = world.talk()
    assert cli(world, "drain", "support").returncode == 0
    line = unique()
    talk.ask(line)
    eventually(lambda: world.query("SELECT 1 FROM event WHERE routed = 0"), "it is kept, and not queued")
    assert not world.query("SELECT 1 FROM delivery WHERE state < 10")
    assert cli(world, "resume", "support").returncode == 0
    world.arrives("chatwoot", line)


def test_exit_codes(make_world):
    world = make_world()
    assert cli(world, "pause", "nobody").returncode == 66
    assert cli(world, "pause").returncode == 64
    assert cli(world, "reload").returncode == 0
    world.relay.stop()
    assert cli(world, "pause", "desk").returncode == 69
    assert cli(world, "reload").returncode == 69


def test_reload_with_mistakes_changes_nothing(make_world):
    world = make_world()
    talk = world.talk()
    change(world, lambda c: (c["endpoints"]["desk"].update(rate="often"), c.update(listen="127.0.0.1:1")))
    answer = cli(world, "reload")
    assert answer.returncode == 78
    assert "endpoints.desk.rate" in answer.stderr
    assert "at=reload_refused" in world.relay.log()
    change(world, lambda c: c["endpoints"]["desk"].pop("rate"))
    answer = cli(world, "reload")
    assert answer.returncode == 78
    assert "listen: needs a restart" in answer.stderr
    talk.up()


def test_a_secret_is_rotated(make_world):
    """file: is read anew; what proves callbacks genuine is the new one at once."""
    world = make_world()
    path = os.path.join(world.relay.folder, "secret")
    with open(path, "w", encoding="utf-8") as f:
        f.write("another-secret-than-the-sandbox-has\n")
    os.chmod(path, 0o600)
    with open(world.relay.config, encoding="utf-8") as f:
        right = json.load(f)["endpoints"]["shop"]["webhook_secret"]
    talk = world.talk()
    talk.up()
    change(world, lambda c: c["endpoints"]["shop"].update(webhook_secret="file:secret"))
    assert cli(world, "reload").returncode == 0
    talk.ask(unique())
    eventually(lambda: "reason=bad_s" in world.relay.log(), "it is refused")
    with open(path, "w", encoding="utf-8") as f:
        f.write(right + "\n")
    assert cli(world, "reload").returncode == 0
    world.talk().up()


def test_reload_under_load(make_world):
    """SIGHUP every 100 ms, with other options each time, while 200 conversations are at work: nothing is lost, nothing
    comes twice, and nobody is turned away. (Callbacks that overlap have no order: reload.scn looks at that.)"""
    world = make_world(sandbox=("--no-limits",))
    people = [unique("person") for _ in range(200)]
    over = threading.Event()
    failures, rounds = [], []

    def disturb():
        n = 0
        while not over.wait(0.1):
            n += 1
            change(world, lambda c: (c["endpoints"]["desk"].update(concurrency=2 + n % 7, timeout="%ds" % (20 + n % 5)),
                                     c["bridges"]["support"].update(failure_notice="note" if n % 2 else "none")))
            world.relay.process.send_signal(signal.SIGHUP)
            rounds.append(n)

    def watch():
        while not over.wait(0.01):
            try:
                if not world.relay.is_ready():
                    failures.append("not ready")
            except AssertionError as error:
                failures.append(str(error))

    threads = [threading.Thread(target=disturb), threading.Thread(target=watch)]
    for thread in threads:
        thread.start()
    try:
        for i in range(5):
            world.sandbox("POST", "/say", [{"platform": "smartify", "as": "customer", "person": p, "name": p,
                                            "text": unique("t")} for p in people])
        world.all_arrived(120)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    judgement = world.judge()["up"]
    assert (judgement["missing"], judgement["duplicates"]) == (0, 0), judgement
    assert not failures
    eventually(lambda: world.relay.log().count("at=reload ") >= len(rounds) // 2 > 2, "they were taken over")
    assert "at=reload_refused" not in world.relay.log()
