"""Customers at Smart Sender, agents at Smartify; and clocks that differ. What is the same at each desk: see
test_smartsender.py; each kind of message: kinds.py."""

import pytest

from test_smartsender import chat, record, settings
from world import eventually, unique


def content(type, **parameters):
    return {"type": type, "resource": {"parameters": parameters, "buttons": []}}


def test_a_desk_at_smartify(make_world):
    """Both ways and in order, with kinds that are no text, over a death of the relay and a lock-out; what is resolved
    there is closed here, and what is closed here is resolved there."""
    world = make_world("smartsender", agents="smartify", bridge={"reopen": "always"})
    talk = world.talk(name="Mira Kovalenko")
    for _ in range(2):
        assert talk.up() == talk.theirs and talk.down() == talk.mine
    world.ask(talk.person, "", content=content("location", latitude="50.45", longitude=30.5234, title="Office"))
    world.ask(talk.person, "", content=content("contact", name="Ada", phoneNumber="+1555"))
    world.ask(talk.person, "", content=content("input", content="Yes"))
    talk.fence()
    shown = [t for t in world.texts("smartify", talk.theirs) if t]
    place = next(i for i, t in enumerate(shown) if "Location: Office" in t)
    assert "Contact: Ada, +1555" in shown[place + 1] and shown[place + 2] == "Yes"
    up, down = unique("while-dead"), unique("while-dead")
    world.relay.kill()
    talk.ask(up)
    talk.answer(down)
    world.relay.start()
    assert world.arrives("smartify", up) == talk.theirs and world.arrives("smartsender", down) == talk.mine
    settings(world, limit_per_minute=1, lock_seconds=2)
    eventually(lambda: record(world)["lockouts"] >= 1, "it is locked out")
    text = unique("locked")
    talk.answer(text)
    settings(world, limit_per_minute=180)
    assert world.arrives("smartsender", text, 60) == talk.mine
    assert record(world)["asked_while_locked"] == 0
    world.act("smartify", "close", talk.theirs)
    eventually(lambda: chat(world, talk.mine)["state"] == "closed", "it is closed")
    assert talk.up() == talk.theirs
    talk.fence()
    verdict = world.judge()         # a place and a card have no words where they were said
    wrong = ("missing", "duplicates", "out_of_order", "split")
    assert not any(verdict[way][what] for way in ("up", "down") for what in wrong), verdict
    assert verdict["up"]["unexpected"] == 2 and verdict["down"]["unexpected"] == 0


@pytest.mark.parametrize("ahead", [90, -90])
def test_its_clock_is_wrong(make_world, ahead):
    """By less than it may be: nothing is lost or said twice, not even what is looked for after a lost answer."""
    world = make_world("smartsender", front={"timezone": "+02:00"}, start=False)
    settings(world, ahead=2 * 3600)
    world.relay.start()
    talk = world.talk()
    settings(world, ahead=2 * 3600 + ahead)
    assert talk.up() == talk.theirs and talk.down() == talk.mine
    text = unique("lost")
    world.fault("smartsender", "POST", "/send", "drop_answer")
    talk.answer(text)
    after = unique("after")
    talk.answer(after)
    assert world.arrives("smartsender", after, 120) == talk.mine
    talk.fence()
    world.all_arrived()
    assert len(world.copies("smartsender", text)) == 1 and not world.parked()
