"""A far side that is away, or refuses who we are: everything waits in order, and arrives when it is well again."""

import pytest

from callbacks import post
from world import PATIENCE, SECRETS, eventually, request, unique

LONG = 90


def lines_up(world, talks, rounds, say):
    """Each conversation says so much, in turn."""
    lines = {id(t): [unique("row") for _ in range(rounds)] for t in talks}
    for n in range(rounds):
        for talk in talks:
            say(talk)(lines[id(talk)][n], wait=True)
    return lines


def waits(world):
    return world.query("SELECT count(*) FROM delivery WHERE state < 10")[0][0]


def metric(world, name):
    """Of /metrics, where it is there: the sum over all labels."""
    answer = request(world.admin, "GET", "/metrics")
    if answer.status != 200:
        pytest.skip("no /metrics yet")
    rows = [line for line in answer.body.decode().splitlines() if line.startswith("tieline_" + name)]
    return sum(float(line.rpartition(" ")[2]) for line in rows)


@pytest.mark.parametrize("direction", ["up", "down"])
@pytest.mark.parametrize("customers", ["smartify", "chatwoot"])
def test_a_far_side_is_down(make_world, customers, direction):
    """For a while, with a restart in the middle; new people write, too. Ready all the time."""
    world = make_world(customers, sandbox=("--no-limits",))
    talks = [world.talk() for _ in range(4)]
    down = world.agents if direction == "up" else world.customers
    world.fault(down, None, "", "drop_request", count=0)
    speak = (lambda t: t.ask) if direction == "up" else (lambda t: t.answer)
    lines = lines_up(world, talks, 5, speak)
    new = {}
    if direction == "up":
        new = {unique("person"): unique("new") for _ in range(3)}
        for person, text in new.items():
            world.ask(person, text, wait=True)
    eventually(lambda: waits(world) == 20 + len(new), "all of it waits")
    assert request(world.port, "GET", "/readyz").status == 200
    world.relay.kill()
    world.relay.start()
    more = lines_up(world, talks, 2, speak)
    eventually(lambda: waits(world) == 28 + len(new), "and what came after the restart")
    assert request(world.port, "GET", "/readyz").status == 200
    world.calm()
    for talk in talks:
        wanted = lines[id(talk)] + more[id(talk)]
        world.arrives(down, wanted[-1], LONG)
        shown = [t.split(": ")[-1] for t in world.texts(down, talk.theirs if direction == "up" else talk.mine)]
        assert [t for t in shown if t in wanted] == wanted
    for text in new.values():
        world.arrives(down, text, LONG)
    world.all_arrived(LONG)
    assert not world.parked()


def test_gateway_errors_for_a_while(make_world):
    """From both sides; nothing is doubled and nothing overtakes."""
    world = make_world(sandbox=("--no-limits",))
    talk = world.talk()
    for side in ("smartify", "chatwoot"):
        world.fault(side, "POST", "/messages$", "status", status=503, count=2, headers={"Retry-After": "1"})
    up, down = [unique("up") for _ in range(4)], [unique("down") for _ in range(4)]
    for a, b in zip(up, down):
        talk.ask(a, wait=True)
        talk.answer(b, wait=True)
    world.arrives("chatwoot", up[-1], LONG)
    world.arrives("smartify", down[-1], LONG)
    talk.fence()
    world.all_arrived()


def test_a_revoked_token_is_renewed_once(make_world):
    """Smartify refuses the account's token: one sign-in for all who wait, and nobody is blamed."""
    world = make_world(sandbox=("--no-limits",))
    talks = [world.talk() for _ in range(6)]
    for talk in talks:
        talk.down()
    before = len(world.requests("/auth/signin$"))
    world.fault("smartify", "POST", "/messages$", "status", status=401, count=1, body="Unauthorized",
                headers={"Content-Type": "text/plain"})
    lines = [unique("after") for _ in talks]
    for talk, line in zip(talks, lines):
        talk.answer(line)
    for talk, line in zip(talks, lines):
        assert world.arrives("smartify", line) == talk.mine
    assert len(world.requests("/auth/signin$")) == before + 1
    assert not world.parked()


def test_a_person_signs_in_again(make_world):
    """Smartify as the desk forgot him."""
    world = make_world("chatwoot", sandbox=("--no-limits",))
    talk = world.talk()
    world.fault("smartify", "POST", "/messages$", "status", status=403,
                body={"success": False, "msg": "you dont belong to the project."})
    before = len(world.requests("/signinWithCustomToken$"))
    assert talk.up() == talk.theirs
    assert len(world.requests("/signinWithCustomToken$")) == before + 1
    talk.fence()


def test_chatwoots_token_is_refused(make_world):
    """The endpoint says so, its messages wait, nothing is parked; when it is taken again they go."""
    world = make_world(sandbox=("--no-limits",))
    talk = world.talk()
    world.fault("chatwoot", None, "/api/v1/", "status", status=401, count=0, body={"errors": ["Invalid Access Token"]})
    lines = [unique("waiting") for _ in range(3)]
    for line in lines:
        talk.ask(line, wait=True)
    eventually(lambda: "reason=credentials" in world.relay.log(), "it is told")
    assert "at=endpoint_state endpoint=desk reason=credentials" in world.relay.log()
    answers = [unique("answer") for _ in range(2)]
    for answer in answers:
        talk.answer(answer)
        world.arrives("smartify", answer)       # the other way goes on
    eventually(lambda: waits(world) == 3, "the customer's three wait, and nothing else")
    assert not world.parked()
    asked = len(world.requests("/api/v1/", platform="chatwoot"))
    assert asked < 20, "it does not hammer"
    world.calm()
    for line in lines:
        world.arrives("chatwoot", line, 60 + PATIENCE)      # it looks once a minute
    assert [t for t in world.texts("chatwoot", talk.theirs) if t in lines] == lines
    talk.fence()


def test_too_many_messages_in_a_minute(make_world):
    """Chatwoot takes so many in one conversation; the rest waits until it does again. Nobody else waits with them."""
    world = make_world()
    world.sandbox("PUT", "/settings", {"platform": "chatwoot", "message_limit": 6})
    busy = world.talk()
    lines = [unique("row") for _ in range(9)]
    for line in lines:
        busy.ask(line, wait=True)
    other = world.talk()
    assert other.up() == other.theirs
    world.arrives("chatwoot", lines[-1], 70 + LONG)
    assert [t for t in world.texts("chatwoot", busy.theirs) if t in lines] == lines
    world.all_arrived()
    assert not world.parked()


def test_callbacks_that_are_refused_are_counted(make_world):
    """So that an operator sees that a secret is wrong."""
    world = make_world()
    for _ in range(3):
        assert post(world, "chatwoot", {"event": "message_created"}, secret="wrong").status == 401
    assert metric(world, "hooks_total{endpoint=\"desk\",result=\"bad_signature\"") == 3
    assert SECRETS["desk_secret"] not in request(world.admin, "GET", "/metrics").body.decode()


def test_a_conversation_deleted_at_the_desk(make_world):
    """What was on its way is shown to a person; what comes next begins another."""
    world = make_world()
    talk = world.talk()
    world.act("chatwoot", "delete", talk.theirs)
    talk.ask(unique("lost"))
    eventually(world.parked, "parked")
    talk.theirs = talk.up()
    talk.fence()
