"""The configuration changes between two lives of the relay, while messages are under way."""

import json

import pytest

from world import eventually, unique


def change(world, edit):
    with open(world.relay.config, encoding="utf-8") as f:
        config = json.load(f)
    edit(config)
    with open(world.relay.config, "w", encoding="utf-8") as f:
        json.dump(config, f)


def rename_bridge(config):
    config["bridges"] = {"renamed": config["bridges"]["support"]}


@pytest.mark.parametrize("fault", [{"action": "status", "status": 429, "headers": {"Retry-After": "1"}},
                                   {"action": "hang"}], ids=["waiting", "flying"])
def test_a_bridge_is_renamed(make_world, fault):
    """What the old bridge had waiting, or in doubt, is left to a person; the endpoints go on."""
    world = make_world()
    talk = world.talk()
    world.fault("chatwoot", "POST", "/messages$", count=0, **fault)
    lines = [unique("old") for _ in range(3)]
    for line in lines:
        talk.ask(line)
    eventually(lambda: len(world.query("SELECT 1 FROM delivery WHERE state < 10")) == 3, "three are waiting")
    world.relay.kill()
    change(world, rename_bridge)
    world.sandbox("DELETE", "/faults")
    world.relay.start()
    eventually(lambda: len(world.parked()) == 3, "the three are parked")
    assert {why.split(";")[0] for _, _, why in world.parked()} == {"its bridge is not configured any more"}
    line = unique("new")
    talk.ask(line)
    world.arrives("chatwoot", line)
    assert not any(world.copies("chatwoot", line) for line in lines)
