"""Customers at Smart Sender, which tells nothing by itself: its chats are read again and again, and what is sent there
reaches a person's phone. The sandbox's record is the judge."""

import json
import time

import pytest

from world import SECRETS, eventually, request, unique


@pytest.fixture
def front(make_world):
    return make_world("smartsender")


@pytest.fixture
def polled(make_world):
    """No funnel calls."""
    return make_world("smartsender", wakes=False)


def record(world):
    return world.state("smartsender")


def chat(world, id):
    return next(c for c in record(world)["chats"] if c["id"] == id)


def settings(world, **values):
    world.sandbox("PUT", "/settings", dict(values, platform="smartsender"))


def asked(world, path="", **query):
    return world.requests(path, platform="smartsender", **query)


def sent(world):
    return asked(world, "/send", method="POST")


# -- both ways ------------------------------------------------------------------------------------------------

def test_a_conversation_crosses(front):
    """Both ways, in one conversation on either side, in order, and nothing that was sent comes back."""
    talk = front.talk(name="Mira Kovalenko")
    for _ in range(3):
        assert talk.up() == talk.theirs
        assert talk.down() == talk.mine
    front.all_arrived()
    assert len(front.texts("smartsender", talk.mine)) == len(front.texts("chatwoot", talk.theirs)) == 7
    contact = front.chatwoot_conversation(talk.theirs)["meta"]["sender"]
    assert contact["name"] == "Mira Kovalenko"
    assert contact["identifier"] == "smartsender:9:%d" % chat(front, talk.mine)["contact"]["originalId"]


WORDS = {
    "emoji": "Grüße 🙂 👩‍👩‍👧‍👦 你好 \u202eabc",
    "slashes": "https://example.com/a?b=c&d \\ back \"quoted\"",
    "html": "<b>bold</b> & <script>alert(1)</script>",
    "lines": "first\n\nsecond\nthird",
}


@pytest.mark.parametrize("raw", [False, True])
def test_text_arrives_as_it_was_written(front, raw):
    """Whether escaped as PHP does it (surrogate pairs) or not; lists with gaps are lists."""
    settings(front, raw_utf8=raw, gaps=raw, unread_from_gates=raw)
    talk = front.talk()
    for words in WORDS.values():
        word = unique()
        talk.up(word + " " + words)
        assert front.texts("chatwoot", talk.theirs)[-1] == word + " " + words
    for words in WORDS.values():
        word = unique()
        talk.answer(word + " " + words)
        copy = eventually(lambda: front.copies("smartsender", word), word)[0][1]
        assert copy["text"].split(": ", 1)[1].endswith(words.split("\n")[-1])
    if raw:     # half a pair has no form of its own
        return
    word = unique()
    talk.ask(word + " lone[\ud83d] nul[\u0000]")
    assert eventually(lambda: front.copies("chatwoot", word), word)[0][1]["text"] == word + " lone[\ufffd] nul[]"


def test_a_long_answer_goes_in_parts(front):
    """Each no longer than the limit, with a watermark that rises."""
    talk = front.talk()
    words = " ".join(unique("part") for _ in range(750))
    front.answer(talk.theirs, words)
    eventually(lambda: len([m for m in chat(front, talk.mine)["messages"] if m["by_api"]]) == 3, "three parts")
    parts = [m for m in chat(front, talk.mine)["messages"] if m["by_api"]]
    shown = [m["content"]["resource"]["parameters"]["content"] for m in parts]
    assert all(len(text) <= 4096 for text in shown)
    assert " ".join(shown).endswith(words)
    marks = [m["watermark"] for m in parts]
    assert marks == sorted(marks) and len(set(marks)) == 3
    assert abs(marks[0] - time.time()) < 600


def test_names_and_the_right_person(front):
    """Two people at once; the id of the one service is never taken for the other's."""
    one, other = front.talk(), front.talk()
    assert one.down() == one.mine and other.down() == other.mine
    paths = {r["path"] for r in sent(front)}
    assert paths == {"/v1/contacts/%d/send" % chat(front, t.mine)["contact"]["originalId"] for t in (one, other)}
    assert all(r["status"] == 200 for r in sent(front))
    text = [m for m in chat(front, one.mine)["messages"] if m["by_api"]][-1]["content"]["resource"]["parameters"]
    assert text["content"].startswith("Marisol Rooke: ")


def test_what_is_not_for_customers_or_agents(front):
    """Notes of the staff, system lines, funnels and operators (as long as nobody wants them) stay where they are."""
    talk = front.talk()
    front.say("smartsender", "agent", "note-secret", conversation=talk.mine, private=True)
    front.say("smartsender", "system", "assigned-secret", conversation=talk.mine)
    front.say("smartsender", "bot", "funnel-secret", conversation=talk.mine)
    front.say("smartsender", "agent", "operator-secret", conversation=talk.mine)
    talk.fence()
    assert not any("secret" in (t or "") for t in front.texts("chatwoot", talk.theirs))
    front.all_arrived()


def test_operators_are_shown_where_wanted(make_world):
    """By name; funnels too. What we have sent ourselves is not among them, nor notes."""
    world = make_world("smartsender", bridge={"mirror_agents": "relay"}, front={"sweep": "10s"})
    talk = world.talk()
    talk.down()
    operator, funnel = unique("operator"), unique("funnel")
    world.say("smartsender", "agent", operator, conversation=talk.mine)
    world.say("smartsender", "bot", funnel, conversation=talk.mine)
    world.say("smartsender", "agent", "note-secret", conversation=talk.mine, private=True)
    assert world.arrives("chatwoot", operator) == world.arrives("chatwoot", funnel) == talk.theirs
    shown = world.texts("chatwoot", talk.theirs)
    assert "Oksana Melnyk: " + operator in shown and "Welcome funnel: " + funnel in shown
    for _ in range(4):
        talk.down()
    talk.fence()
    world.all_arrived()
    assert len(world.texts("chatwoot", talk.theirs)) == 10      # two from customers, six agents' own, two mirrored


# -- reading --------------------------------------------------------------------------------------------------

def test_what_an_operator_has_read_is_found(make_world):
    """It is not unread any more; the sweep of open chats finds it."""
    world = make_world("smartsender", front={"sweep": "10s", "receive": "poll 1h"})
    talk = world.talk()
    text = unique("read")
    settings(world, wakes=False)
    talk.ask(text)
    world.act("smartsender", "read", talk.mine)
    assert world.arrives("chatwoot", text) == talk.theirs
    assert not asked(world, "/read")


def test_what_an_operator_has_closed_is_found(make_world):
    """Read and closed before we came by; and the next message opens it again."""
    world = make_world("smartsender", front={"sweep": "10s", "receive": "poll 1h"}, bridge={"reopen": "always"})
    talk = world.talk()
    text = unique("closed")
    settings(world, wakes=False)
    talk.ask(text)
    world.act("smartsender", "read", talk.mine)
    world.act("smartsender", "close", talk.mine)
    assert world.arrives("chatwoot", text) == talk.theirs
    settings(world, wakes=True)
    assert talk.up() == talk.theirs and talk.down() == talk.mine


def test_idle_costs_little(polled):
    """A chat that nobody marks as read is not read over and over."""
    talk = polled.talk()
    talk.fence()
    eventually(lambda: len(asked(polled, "unread")) > 4, "some polls")
    before = len(asked(polled, "/messages"))
    polls = len(asked(polled, "unread"))
    eventually(lambda: len(asked(polled, "unread")) >= polls + 4, "more polls")
    assert len(asked(polled, "/messages")) <= before + 1


def test_a_wake_up_is_a_hint(make_world):
    """It makes us look; it brings no text, and without the secret nothing."""
    world = make_world("smartsender", wakes=False, front={"receive": "poll 1h", "sweep": "1h"})
    eventually(lambda: asked(world, "state=closed"), "the first look is over")
    person, text = unique("person"), unique("first")
    mine = world.ask(person, text)["conversation"]
    assert world.act("smartsender", "wake", mine, secret="wrong")["status"] == 401
    assert world.act("smartsender", "wake", mine, secret="")["status"] == 401
    time.sleep(0.5)
    assert not world.copies("chatwoot", text)
    count = len(asked(world))
    assert world.act("smartsender", "wake", mine, body={"userId": "{{ userId }}"})["status"] == 200
    time.sleep(0.5)
    assert len(asked(world)) == count
    assert world.act("smartsender", "wake", mine)["status"] == 200
    assert world.arrives("chatwoot", text)
    second = unique("second")
    world.ask(person, second)
    assert world.act("smartsender", "wake", mine, body={"userId": chat(world, mine)["contact"]["originalId"],
                                                        "text": "forged"})["status"] == 200
    world.arrives("chatwoot", second)
    assert not world.copies("chatwoot", "forged")


def test_before_the_start_is_not_relayed(make_world):
    world = make_world("smartsender", start=False)
    person, old = unique("person"), unique("old")
    mine = world.ask(person, old)["conversation"]
    time.sleep(1.2)
    world.relay.start()
    new = unique("new")
    world.ask(person, new, conversation=mine)
    world.arrives("chatwoot", new)
    assert not world.copies("chatwoot", old)


# -- what becomes of a message --------------------------------------------------------------------------------

def test_changed_and_deleted_by_the_customer(front):
    """An edit follows as a reply to what it changes, a deletion is told to the agents; neither twice."""
    talk = front.talk()
    text, other = unique("before"), unique("after")
    id = talk.ask(text)["message"]
    front.arrives("chatwoot", text)
    front.act("smartsender", "edit", message=id, text=other)
    look(front, talk)
    assert front.arrives("chatwoot", "Edited: " + other) == talk.theirs
    front.act("smartsender", "delete", message=id)
    look(front, talk)
    notes = eventually(lambda: [m for m in front.thread("chatwoot", talk.theirs)["messages"] if m["private"]], "told")
    assert [m["text"] for m in notes] == ["The customer deleted this message."]
    talk.fence()
    assert len(front.copies("chatwoot", other)) == 1 and len(front.copies("chatwoot", text)) == 1


def test_delivered_and_read(front):
    """By the contact: shown at the agent's message."""
    talk = front.talk()
    text = unique("seen")
    id = talk.answer(text)["message"]
    front.arrives("smartsender", text)

    def status():
        messages = front.chatwoot_conversation(talk.theirs)["messages"]
        return next(m["status"] for m in messages if m["id"] == id)
    look(front, talk)
    eventually(lambda: status() == "delivered", "it is shown as delivered")
    front.act("smartsender", "seen", message=front.copies("smartsender", text)[0][1]["id"])
    look(front, talk)
    eventually(lambda: status() == "read", "it is shown as read")


# -- what becomes of a chat -----------------------------------------------------------------------------------

def look(world, talk):
    """What a sweep finds is found now: its last page is that of closed chats, and the next sweep begins behind it."""
    for _ in range(2):
        before = len(asked(world, "state=closed"))
        assert world.act("smartsender", "wake", talk.mine)["status"] == 200
        eventually(lambda: len(asked(world, "state=closed")) > before, "it has looked")


def test_resolved_at_the_desk_closes_the_chat(make_world):
    """Once, and its echo says nothing new; opened again there it stays closed, until the customer writes."""
    world = make_world("smartsender", bridge={"reopen": "always"})
    talk = world.talk()
    world.act("chatwoot", "resolve", talk.theirs)
    eventually(lambda: chat(world, talk.mine)["state"] == "closed", "it is closed")
    look(world, talk)
    world.act("chatwoot", "reopen", talk.theirs)
    assert talk.down() == talk.mine
    assert chat(world, talk.mine)["state"] == "closed"
    assert len(asked(world, "/close")) == 1 and not world.parked()
    assert talk.up() == talk.theirs
    assert chat(world, talk.mine)["state"] == "open"
    look(world, talk)
    world.act("smartsender", "close", talk.mine)
    look(world, talk)
    eventually(lambda: world.chatwoot_conversation(talk.theirs)["status"] == "resolved", "it is resolved")
    assert len(asked(world, "/close")) == 1
    world.all_arrived()


def test_who_has_it_is_given_the_chat(make_world):
    """By `map`; once."""
    world = make_world("smartsender", bridge={
        "assignment": "to_customers", "map": {"agents": {"taras@northwind.example": "marisol@northwind.example"}}})
    talk = world.talk()
    world.act("chatwoot", "assign", talk.theirs)
    forwards = eventually(lambda: chat(world, talk.mine)["forwards"], "it is forwarded")
    assert [f["operator"] for f in forwards] == [8] and forwards[0]["text"]
    talk.fence()
    assert len(chat(world, talk.mine)["forwards"]) == 1 and not world.parked()


def test_what_was_taken_is_marked_as_read(make_world):
    """Where that is wanted; elsewhere the mark is the operators' (test_what_an_operator_has_read_is_found)."""
    world = make_world("smartsender", front={"mark_read": True})
    talk = world.talk()
    talk.fence()
    eventually(lambda: chat(world, talk.mine)["unreadMessages"] == 0, "it is read")
    world.all_arrived()


# -- faults ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("action", ["drop_answer", "reset_after", "truncate"])
def test_a_lost_answer(front, action):
    """It was sent, and nobody said so: found by what it says, not sent again. Not even where the agent says the same
    twice."""
    talk = front.talk()
    text = unique("ok")
    talk.down(text)
    front.fault("smartsender", "POST", "/send", action)
    talk.answer(text)
    eventually(lambda: len(front.copies("smartsender", text)) == 2, "the second")
    after = unique("after")
    talk.answer(after)
    assert front.arrives("smartsender", after, 120) == talk.mine
    assert len(front.copies("smartsender", text)) == 2
    assert len(sent(front)) == 3 and not front.parked()
    front.all_arrived()
    assert "at=found" in front.relay.log()


@pytest.mark.parametrize("in_200", [False, True])
def test_locked_out(polled, in_200):
    """Nothing at all is asked until the lock is over, not even by a relay that was started anew."""
    talk = polled.talk()
    talk.fence()
    settings(polled, limit_per_minute=8, lock_seconds=6, errors_in_200=in_200, tell_lock=True)
    eventually(lambda: record(polled)["lockouts"] == 1, "it is locked out")
    text = unique("locked")
    talk.answer(text, wait=True)
    settings(polled, limit_per_minute=180)
    polled.relay.kill()
    polled.relay.start()
    assert polled.arrives("smartsender", text, 60) == talk.mine
    assert record(polled)["asked_while_locked"] == 0, record(polled)["asked_while_locked"]
    talk.fence()
    polled.all_arrived()


def test_refused(front):
    """A message that is refused is told to the agent; the next one goes."""
    talk = front.talk()
    front.act("smartsender", "block", talk.mine)
    text = unique("blocked")
    talk.answer(text)
    eventually(lambda: front.parked(), "it is parked")
    front.act("smartsender", "block", talk.mine, on=False)
    assert talk.down() == talk.mine
    assert not front.copies("smartsender", text)
    notes = [m for m in front.thread("chatwoot", talk.theirs)["messages"] if m["private"]]
    assert notes and "not subscribed" in notes[-1]["text"] + str(front.parked())


@pytest.mark.parametrize("action", ["status", "html", "reset", "truncate"])
def test_pages_that_fail(front, action):
    """Reading goes on when it can."""
    talk = front.talk()
    front.fault("smartsender", "GET", "/chats", action, count=3, status=500)
    assert talk.up() == talk.theirs
    front.all_arrived()


def test_a_wrong_token_is_said(make_world):
    world = make_world("smartsender", front={"api_token": "wrong-token-of-nobody"}, start=False)
    world.relay.process = world.relay.spawn()

    def state():
        try:
            status = world.relay.api("/api/v1/status")
        except OSError:
            return None
        return [e["state"] for e in status["endpoints"] if e["name"] == "front"]
    eventually(lambda: state() == ["credentials"], "its token is refused")
    assert SECRETS["smartsender_token"] not in world.relay.log()
    assert json.dumps(world.relay.api("/api/v1/status")).count("wrong-token-of-nobody") == 0


def test_the_hook_takes_no_get(front):
    key = SECRETS["front_key"]
    assert request(front.port, "GET", "/hooks/front/" + key).status == 405
