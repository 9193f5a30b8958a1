"""Customers at Smart Sender: deaths in mid-flight, doubt that stays, and more than fits on a page."""

import pytest

from test_smartsender import asked, chat, sent
from world import eventually, unique


@pytest.fixture
def front(make_world):
    return make_world("smartsender")


def test_many_chats_and_many_messages(front):
    """More than a page of either, while others go on writing."""
    talks = [(unique("person"), [unique("row") for _ in range(3)]) for _ in range(25)]
    for turn in range(3):
        for person, texts in talks:
            front.ask(person, texts[turn])
    long = [unique("long") for _ in range(45)]
    for text in long:
        front.ask(talks[0][0], text)
    front.all_arrived(120)
    verdict = front.judge()
    assert verdict["up"]["written"] == 25 * 3 + 45
    assert all(int(r["path"].rpartition("limitation=")[2].partition("&")[0]) == 20
               for r in asked(front, "limitation"))


def test_killed_in_mid_flight(front):
    """The answer is on its way when the relay dies: once on the phone, once at the desk."""
    talk = front.talk()
    talk.fence()
    texts = [unique("kill") for _ in range(4)]
    for i, text in enumerate(texts):
        front.fault("smartsender", "POST", "/send", "delay", seconds=1)
        talk.answer(text)
        talk.ask(unique("meanwhile"))
        eventually(lambda: len([m for m in chat(front, talk.mine)["messages"] if m["by_api"]]) > i + 1
                   or len(sent(front)) > i + 1, "it is on the wire")
        front.relay.kill()
        front.relay.start()
        assert front.arrives("smartsender", text, 120) == talk.mine
    talk.fence()
    front.all_arrived(120)


def test_doubt_that_stays_is_told(front):
    """It never arrived, as far as anybody can see; who knows? Nothing is sent twice, and a person decides."""
    talk = front.talk()
    text = unique("gone")
    front.fault("smartsender", "POST", "/send", "drop_request")
    talk.answer(text)
    after = unique("after")
    talk.answer(after)
    assert front.arrives("smartsender", after, 150) == talk.mine
    assert not front.copies("smartsender", text)
    assert len(front.parked()) == 1 and len(sent(front)) == 2
