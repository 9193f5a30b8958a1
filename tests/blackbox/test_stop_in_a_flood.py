"""The relay is stopped while much is on its way to disk, at once or after what is under way: nothing of it is in the way of
the end. A sanitizer tells what a person would not see."""

import signal
import time

import pytest

from world import check_log, eventually, unique


@pytest.mark.parametrize("pause", [0.02, 0.1, 0.3])
@pytest.mark.parametrize("signals", [1, 2])
def test_stop_in_a_flood(make_world, pause, signals):
    world = make_world(sandbox=("--no-limits",))
    people = [unique("person") for _ in range(30)]
    world.sandbox("POST", "/say", [{"platform": "smartify", "as": "customer", "person": p, "name": p, "text": unique("t")}
                                   for p in people for _ in range(4)])
    time.sleep(pause)
    for _ in range(signals):
        world.relay.process.send_signal(signal.SIGTERM)
        time.sleep(0.005)
    # The second ends it at once, with 75, or as signals do where it was ending already.
    assert world.relay.process.wait(90) in ((0,) if signals == 1 else (0, 75, -signal.SIGTERM))
    check_log(world.relay.log())
    world.relay.start()
    eventually(lambda: world.judge()["up"]["missing"] == 0 and world.pending() == 0, "what was left arrives", 90)
    assert world.judge()["up"]["duplicates"] == 0   # callbacks that overlap have no order
