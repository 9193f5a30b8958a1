"""Customers at Syniverse, agents at Chatwoot. The sandbox's record says what reached phones, and how often. What has to
wait as the provider asks is in test_slow_syniverse.py."""

import base64
import json
import os
import subprocess
import time

import pytest

from hotel import HOTEL, Hotel, make_hotel, phone, registrations     # noqa: F401
from world import BIN, eventually, request, unique


@pytest.fixture(scope="module")
def shared_hotel():
    world = Hotel()
    yield world
    world.end()


@pytest.fixture
def hotel(shared_hotel):
    yield shared_hotel
    shared_hotel.sandbox("DELETE", "/faults")


# -- text -----------------------------------------------------------------------------------------------------

def test_a_conversation_crosses_both_ways(hotel):
    who = phone()
    place = hotel.up(who)
    sent = hotel.down(place)
    assert sent["to"] == [who] and sent["external_id"].startswith("tl1:")
    assert hotel.up(who) == place
    assert hotel.down(place)["external_id"] != sent["external_id"]


def test_the_contact_has_name_and_number(hotel):
    who = phone()
    place = hotel.up(who)
    contacts = hotel.sandbox("GET", "/state")["chatwoot"]["contacts"]
    mine = [c for c in contacts if c.get("phone_number") == who]
    assert len(mine) == 1 and mine[0]["name"] == "Jo Doe" and mine[0]["identifier"] == "tel:" + who
    assert place


def test_the_same_callback_twice_is_one_message(hotel):
    who, text = phone(), unique("twice")
    hotel.ask(who, text, times=3)
    hotel.ask(who, text + " batch", times=2, batch=True)
    place = hotel.up(who)
    assert [c for c, _ in hotel.at_desk(text)] == [place, place]


def test_what_the_server_would_carry_out_is_made_harmless(hotel):
    place = hotel.up(phone())
    word = unique("active")
    hotel.answer(place, word + " ${x} and #set($a=1) but # and $5")
    sent = eventually(lambda: hotel.on_phones(word), word)
    body = sent[0]["body"].replace("\u200b", "|")
    assert len(sent) == 1 and body.endswith(word + " $|{x} and #|set($a=1) but # and $5")


def test_a_long_text_goes_in_parts(hotel):
    place, word = hotel.up(phone()), unique("long")
    hotel.answer(place, " ".join([word] * 400))

    def words():
        return sum(p["body"].count(word) for p in hotel.on_phones(word))
    eventually(lambda: words() >= 400, "all parts")
    parts = hotel.on_phones(word)
    assert words() == 400 and len(parts) >= 3
    assert all(len(p["body"]) <= 1500 for p in parts)
    assert len({p["external_id"] for p in parts}) == len(parts)


def test_what_agents_write_there_is_not_shown(hotel):
    """Among it would be what we sent ourselves, and nothing tells it apart."""
    who, text = phone(), unique("there")
    place = hotel.up(who)
    session = hotel.alive()[0]
    hotel.far_call("POST", "/event", {
        "sessionId": session, "type": "MESSAGE_SENT", "contact": {"address": who},
        "message": {"id": unique("id"), "direction": "MT", "text": text}})
    assert hotel.up(who) == place
    assert hotel.at_desk(text) == []


# -- who calls ------------------------------------------------------------------------------------------------

def test_an_unknown_session_is_answered_and_counted(hotel):
    who, text = phone(), unique("stranger")
    told = hotel.ask(who, text, sessions=["64f0c2d1ffffffffffffffff"])
    assert told["statuses"] == [200]
    hotel.up(who)
    assert hotel.at_desk(text) == []
    metrics = request(hotel.admin, "GET", "/metrics").body.decode()
    assert 'tieline_drops_total{endpoint="hotel",reason="other_session"} ' in metrics
    line = next(x for x in metrics.splitlines() if 'endpoint="hotel",reason="other_session"' in x)
    assert float(line.split()[-1]) >= 1


def test_proof_and_methods(hotel):
    path = "/hooks/hotel/" + HOTEL["key"]
    body = json.dumps({"sessionId": hotel.alive()[0], "type": "chatStarted"})
    assert request(hotel.port, "GET", path).status == 200
    assert request(hotel.port, "POST", path, body).status == 401
    wrong = {"Authorization": "Basic dGllbGluZTp3cm9uZw=="}
    assert request(hotel.port, "POST", path, body, wrong).status == 401
    assert request(hotel.port, "DELETE", path, body).status == 405
    hotel.set(hook_method="PUT")
    try:
        hotel.up(phone())
    finally:
        hotel.set(hook_method="POST")


def test_paths_types_and_directions_are_configuration(make_hotel):
    hotel = make_hotel(hotel={"paths": {"session": ["meta.s"], "text": ["parts[0].words"], "address": ["who"],
                                        "type": ["meta.kind"], "direction": "meta.way", "message": "meta.id"},
                              "types": {"message": ["Guest Line"]}, "directions": {"incoming": ["from-guest"]}})
    who, text = phone(), unique("shape")
    status = hotel.far_call("POST", "/event", [{
        "meta": {"s": hotel.alive()[0], "kind": "guest_line", "way": "FROM_GUEST", "id": 77}, "who": who,
        "parts": [{"words": text}]}])["status"]
    assert status == 200
    assert len(eventually(lambda: hotel.at_desk(text), text)) == 1


def explain(endpoint, body, *options):
    """With the sample; its lines."""
    env = dict(os.environ, **{name: "sample-" + name.lower() for name in (
        "SYNIVERSE_PASSWORD", "HOTEL_SECRET", "HOTEL_HOOK_KEY", "SCG_TOKEN", "SCG_CONSUMER_KEY", "SCG_CONSUMER_SECRET",
        "CHATWOOT_TOKEN", "CHATWOOT_WEBHOOK_SECRET", "DESK_HOOK_KEY")})
    sample = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "config", "syniverse.yaml")
    ran = subprocess.run([BIN, "-c", sample, "explain", "--endpoint", endpoint, *options], env=env, input=json.dumps(body),
                         capture_output=True, text=True, timeout=60)
    assert "sample-" not in ran.stdout
    return [json.loads(line) for line in ran.stdout.splitlines()]


def test_explain_tells_both_ways():
    lines = explain("hotel", {
        "sessionId": "64f0c2d1e4b0a1b2c3d4e5f6", "type": "MESSAGE_RECEIVED", "timestamp": 1700000100000,
        "contact": {"name": "Jo Doe", "address": "+1 (555) 555-0123"},
        "message": {"id": "65001133e4b0aabbccdd0001", "direction": "MO", "text": "STOP"}})
    events = [x for x in lines if x["type"] == "event"]
    assert [(e["kind"], e["conversation"], e.get("state")) for e in events] == [
        ("message", "+15555550123", None), ("conversation", "+15555550123", "opted_out")]
    assert events[0]["key"] == "m:65001133e4b0aabbccdd0001" and events[0]["person"]["phone"] == "+15555550123"
    assert [x["step"] for x in lines if x["type"] == "request"][-1] == "send"

    lines = explain("desk", {
        "event": "message_created", "id": 901, "content": "**yes** ${x}", "message_type": "outgoing", "private": False,
        "created_at": "2026-11-20T20:29:16.267Z", "account": {"id": 1}, "inbox": {"id": 12},
        "sender": {"id": 12, "name": "Marisol", "type": "user"},
        "conversation": {"id": 57, "inbox_id": 12, "status": "open", "contact_inbox": {"source_id": "tl1-x"},
                         "meta": {"sender": {"id": 5, "name": "Jo"}}}}, "--link", "57=+15555550123")
    sent = [x for x in lines if x["type"] == "request"]
    assert [(x["step"], x["method"]) for x in sent] == [("send", "POST")]
    assert sent[0]["url"] == "https://api.syniverse.com/scg-external-api/api/v1/messaging/message_requests"
    assert sent[0]["headers"]["Authorization"] == "[secret]"
    assert sent[0]["body"]["to"] == ["+15555550123"] and sent[0]["body"]["body"] == "Marisol: yes $\u200b{x}"


def check(tmp_path, **hotel):
    options = {"platform": "syniverse", "scg_from": "Sn1d", "scg_token": "${T}", "hook_key": "${T}",
               "webhook_secret": "${T}"}
    options.update(hotel)
    path = tmp_path / "t.yaml"
    path.write_text(json.dumps({
        "public_url": "https://relay.example.com",
        "endpoints": {"hotel": {k: v for k, v in options.items() if v is not None},
                      "desk": {"platform": "chatwoot", "base_url": "https://chat.example.com", "api_token": "${T}",
                               "webhook_secret": "${T}", "hook_key": "${T}"}},
        "bridges": {"b": {"customers": "hotel", "agents": "desk"}}}))
    ran = subprocess.run([BIN, "-c", str(path), "check"], env=dict(os.environ, T="test-secret-0123456789"),
                         capture_output=True, text=True, timeout=60)
    return ran.returncode, ran.stdout + ran.stderr


@pytest.mark.parametrize("hotel,says", [
    ({"inbound": "chat_api"}, "hotel.user: is missing"),
    ({"user": "boss@acme-hotel"}, "hotel.password: is missing"),
    ({"user": "boss", "password": "${T}"}, "name@company"),
    ({"scg_consumer_key": "${T}"}, "hotel.scg_consumer_secret: is missing"),
    ({"chat_base_url": "http://chat.example.com"}, "hotel.chat_base_url: http: is only for this host"),
    ({"scg_base_url": "http://api.example.com"}, "hotel.scg_base_url: http: is only for this host"),
    ({"inbound": "pool"}, "allowed: chat_api, ess, poll"),
    ({"paths": {"txet": ["a"]}}, "did you mean \"text\""),
    ({"paths": {"text": {"a": "b"}}}, "a map of lists of texts"),
])
def test_check_says_what_is_wrong(tmp_path, hotel, says):
    code, out = check(tmp_path, **hotel)
    assert code == 78 and says in out, out


def test_events_without_a_password_are_warned_of(tmp_path):
    code, out = check(tmp_path, webhook_secret=None)
    assert code == 0 and "hotel.webhook_secret: is not in the file: callbacks are refused" in out


def test_one_source_for_a_sender(tmp_path):
    check(tmp_path)
    path = tmp_path / "t.yaml"
    config = json.loads(path.read_text())
    config["endpoints"]["again"] = dict(config["endpoints"]["hotel"], user="boss@acme-hotel", password="${T}", inbound="chat_api")
    path.write_text(json.dumps(config))
    ran = subprocess.run([BIN, "-c", str(path), "check"], env=dict(os.environ, T="test-secret-0123456789"),
                         capture_output=True, text=True, timeout=60)
    assert ran.returncode == 78 and "again.inbound: is a second source of the messages that hotel tells" in ran.stderr


def test_check_takes_both_sources(tmp_path):
    for hotel in ({}, {"user": "boss@acme-hotel", "password": "${T}", "webhook_secret": None}):
        code, out = check(tmp_path, **hotel)
        assert code == 0 and "webhook_secret" not in out, out


def test_agents_cannot_work_there(tmp_path):
    code, out = check(tmp_path)
    assert code == 0
    path = tmp_path / "t.yaml"
    path.write_text(path.read_text().replace('"customers": "hotel", "agents": "desk"',
                                             '"customers": "desk", "agents": "hotel"'))
    ran = subprocess.run([BIN, "-c", str(path), "check"], env=dict(os.environ, T="test-secret-0123456789"),
                         capture_output=True, text=True, timeout=60)
    assert ran.returncode == 78 and "agents' side" in ran.stdout + ran.stderr


# -- sessions -------------------------------------------------------------------------------------------------

def test_a_session_is_kept_over_a_crash(make_hotel):
    hotel = make_hotel()
    who = phone()
    place, before = hotel.up(who), hotel.alive()
    hotel.relay.kill()
    hotel.relay.start()
    assert hotel.up(who) == place
    assert hotel.alive() == before and len(registrations(hotel)) == 1
    hotel.down(place)


def test_a_session_that_somebody_ended_is_opened_again(make_hotel):
    hotel = make_hotel()
    ended = hotel.far_call("POST", "/end_session", {"says": True})["ended"]
    assert len(ended) == 1
    eventually(hotel.alive, "another session lives")
    assert hotel.alive() != ended
    hotel.up(phone())


def test_a_stop_ends_the_session(make_hotel):
    hotel = make_hotel()
    who = phone()
    place, first = hotel.up(who), hotel.alive()
    assert hotel.relay.stop() == 0
    assert [s["ended"] for s in hotel.record()["sessions"]] == ["relay"]
    hotel.relay.start()
    eventually(hotel.alive, "another session lives")
    assert hotel.alive() != first and hotel.up(who) == place


def test_a_stop_may_leave_the_session_to_the_next(make_hotel):
    hotel = make_hotel(hotel={"deregister_on_exit": "false"})
    who = phone()
    place, first = hotel.up(who), hotel.alive()
    assert hotel.relay.stop() == 0
    hotel.relay.start()
    assert hotel.up(who) == place
    assert hotel.alive() == first and len(registrations(hotel)) == 1


def test_bad_credentials_are_said_and_not_hammered(make_hotel):
    hotel = make_hotel(hotel={"password": "wrong-password-1"}, start=False)
    hotel.relay.start()
    eventually(lambda: hotel.state()["state"] == "credentials", "the endpoint says so")
    assert "Bad credentials" in json.dumps(hotel.state()) and len(registrations(hotel)) == 1


def test_a_feature_that_is_off_is_said(make_hotel):
    hotel = make_hotel(settings={"enabled": False}, start=False)
    hotel.relay.start()
    eventually(lambda: hotel.state()["state"] == "not_enabled", "the endpoint says so")
    assert "Integration is not enabled" in json.dumps(hotel.state()) and len(registrations(hotel)) == 1


def test_no_session_is_an_alarm(make_hotel):
    """One that is over, and no other is to be had: the platform answers, so nothing else would say so."""
    hotel = make_hotel(process={"alarms": {"raise_after": "1s"}})

    def told(kind):
        return [a for a in hotel.relay.api("/api/v1/alarms")["items"] if a["kind"] == kind]

    assert not told("session")
    hotel.fault("POST", "/integration/$", "status", status=500, count=0)
    hotel.far_call("POST", "/end_session", {"says": True})
    alarm = eventually(lambda: told("session"), "it is raised")[0]
    assert alarm["endpoint"] == "hotel" and alarm["cleared"] is None and "no session since" in alarm["text"]
    assert not told("endpoint_down")
    hotel.sandbox("DELETE", "/faults")
    eventually(lambda: told("session")[0]["cleared"], "it is cleared", 120)
    assert hotel.alive()


# -- the token ------------------------------------------------------------------------------------------------

CONSUMER = {"scg_consumer_key": "sandbox-consumer-key", "scg_consumer_secret": "sandbox-consumer-secret"}


def test_an_expired_token_is_renewed_once(make_hotel):
    hotel = make_hotel(hotel=CONSUMER)
    place = hotel.up(phone())
    metrics = request(hotel.admin, "GET", "/metrics").body.decode()
    ends = [x for x in metrics.splitlines() if x.startswith('tieline_session_expires_timestamp_seconds{endpoint="hotel"}')]
    assert 201000 < float(ends[0].split()[-1]) - time.time() < 202000
    hotel.set(expired=True)
    hotel.down(place)
    assert hotel.record()["renewals"] == 1
    hotel.relay.kill()
    hotel.relay.start()
    hotel.down(place)
    assert hotel.record()["renewals"] == 1
    log = hotel.relay.log()
    assert "at=session_up endpoint=hotel" in log and log.count("at=token_renewed endpoint=hotel") == 1


def test_without_consumer_secrets_an_expired_token_stops_the_endpoint(make_hotel):
    hotel = make_hotel()
    place, text = hotel.up(phone()), unique("later")
    hotel.set(expired=True)
    hotel.answer(place, text)
    eventually(lambda: hotel.state()["state"] == "credentials", "the endpoint says so")
    assert hotel.on_phones(text) == [] and hotel.parked() == []


# -- doubt ----------------------------------------------------------------------------------------------------

def test_a_lost_answer_is_looked_for(make_hotel):
    hotel = make_hotel()
    place, text = hotel.up(phone()), unique("lost")
    hotel.fault("POST", "/message_requests$", "drop_answer")
    hotel.answer(place, text)
    eventually(lambda: "at=found" in hotel.relay.log(), "it is found", 60)
    assert len(hotel.on_phones(text)) == 1 and hotel.parked() == []
    hotel.down(place)


# -- consent --------------------------------------------------------------------------------------------------

def test_who_opted_out_is_not_written_to_until_they_write(make_hotel):
    hotel = make_hotel()
    who, text = phone(), unique("unwanted")
    place = hotel.up(who)
    hotel.ask(who, "Stop")
    eventually(lambda: [c for c, m in hotel.at_desk("Stop") if c == place], "the word is at the desk")
    hotel.answer(place, text)
    eventually(lambda: [p["reason"] for p in hotel.parked_list()] == ["opted_out"], "it is parked")
    note = "Not delivered: %s…%s has opted out. We send nothing to this number until they write again." % (who[:5], who[-4:])
    eventually(lambda: hotel.at_desk(note), "the agent is told")
    assert hotel.on_phones(text) == []
    assert hotel.up(who, "START " + unique("again")) == place
    hotel.down(place)
    assert hotel.on_phones(text) == []


@pytest.mark.parametrize("when", ["now", "later"])
def test_consent_that_the_provider_keeps(make_hotel, when):
    """The word came by another way; the provider refuses at once, or by an event behind its acceptance."""
    hotel = make_hotel(settings={"consent": when})
    who, first, text = phone(), unique("first"), unique("second")
    place = hotel.up(who)
    hotel.ask(who, "STOP", sessions=["64f0c2d1ffffffffffffffff"])
    hotel.answer(place, first)
    if when == "later":
        eventually(lambda: [t for t in hotel.record()["told"] if "1005" in json.dumps(t["body"]) and t["status"] == 200],
                   "the event is taken")
        hotel.answer(place, text)
    eventually(lambda: [p["reason"] for p in hotel.parked_list()] == ["opted_out"], "it is parked")
    assert hotel.on_phones(text) == [] and len(hotel.on_phones(first)) == (when == "later")


# -- events of the messaging API --------------------------------------------------------------------------------

def test_events_of_the_messaging_api(make_hotel):
    hotel = make_hotel(hotel={"inbound": "ess", "user": None, "password": None, "act_for": None},
                       settings={"source": "ess"})
    who = phone()
    place = hotel.up(who)
    hotel.set(event_id="event_id", attempt="number")
    assert hotel.up(who, times=2) == place
    text = unique("cut") + " and much more than twenty characters"
    hotel.ask(who, text, truncated=True)
    found = eventually(lambda: hotel.at_desk(text[:20]), "what was cut")
    assert [m["text"] for _, m in found] == [text]
    hotel.fault("GET", "/messages/", "status", status=500, count=0)
    text = unique("cut again") + " and much more than twenty characters"
    hotel.ask(who, text, truncated=True)
    found = eventually(lambda: hotel.at_desk(text[:20]), "the beginning")
    assert "the rest of this message was not told" in found[0][1]["text"]
    hotel.sandbox("DELETE", "/faults")
    hotel.down(place)
    assert registrations(hotel) == []


def test_files_of_events_are_fetched_by_their_number(make_hotel):
    """With our token, which nobody else gets; and where the event hides the number, the message is read first."""
    hotel = make_hotel(hotel={"inbound": "ess", "user": None, "password": None, "act_for": None}, settings={"source": "ess"},
                       process={"media": {"allow_private": ["127.0.0.0/8"]}})
    for hides in (False, True):
        text = unique("with a file")
        hotel.ask(phone(), text, attachments=[unique("at")], hides_files=hides)
        place = eventually(lambda: hotel.at_desk(text), text)[0][0]
        threads = hotel.sandbox("GET", "/threads?limit=100000&messages=100000&fresh=1")["chatwoot"]
        mine = [m for t in threads if t["id"] == place for m in t["messages"]]
        assert [m["text"] for m in mine] == [text] and len(mine[0]["files"]) == 1, mine


# -- what becomes of it -----------------------------------------------------------------------------------------

def test_what_becomes_of_a_message_is_shown(make_hotel):
    """Accepted is not delivered: the provider says later what became of it, in any order, and that is what agents see."""
    hotel = make_hotel()
    place = hotel.up(phone())
    for fate, shown in ((["DELIVERED"], "delivered"), (["DELIVERED", "READ"], "read"), (["READ", "DELIVERED"], "read")):
        hotel.set(fate=fate)
        text = unique("fate")
        hotel.down(place, text)
        eventually(lambda: hotel.shown(text)[0] == shown, "%s is shown" % shown)
    hotel.set(fate=["DELIVERED", ["FAILED", 1009, "Handset is gone"]])
    text = unique("fate")
    hotel.down(place, text)
    eventually(lambda: hotel.shown(text)[0] == "failed", "the failure is shown")
    state, error, notes = eventually(lambda: hotel.shown(text)[2] and hotel.shown(text), "and said")
    said = "Not delivered: the other platform took it and could not deliver it (\"Handset is gone (1009)\")."
    assert (error, notes) == (said, [said]) and hotel.parked() == []


# -- asked, not told --------------------------------------------------------------------------------------------

@pytest.mark.parametrize("newest_first,total", [(True, True), (False, True)])
def test_where_nobody_tells_it_is_asked(make_hotel, newest_first, total):
    """However the list is ordered, and it is longer than a page."""
    hotel = make_hotel(hotel={"inbound": "poll", "receive": "poll 2s", "user": None, "password": None, "act_for": None},
                       settings={"source": "nobody", "tells_states": False, "newest_first": newest_first, "total": total}, start=False)
    for n in range(120):
        hotel.ask("+1666%07d" % n, "before the relay was there")
    hotel.relay.start()
    who = phone()
    place = hotel.up(who)
    hotel.down(place)
    texts = [unique("row %d" % n) for n in range(4)]
    for text in texts:
        hotel.ask(who, text)
    eventually(lambda: hotel.at_desk(texts[-1]), "the last")
    threads = hotel.sandbox("GET", "/threads?limit=100000&messages=100000&fresh=1")["chatwoot"]
    mine = next(t for t in threads if t["id"] == place)
    assert [m["text"] for m in mine["messages"] if m["text"] in texts] == texts
    assert hotel.at_desk("before the relay was there") == [] and registrations(hotel) == []
    for fate, shown in ((["DELIVERED"], "delivered"), ([["FAILED", 1009, "Handset is gone"]], "failed")):
        hotel.set(fate=fate)
        text = unique("fate")
        hotel.down(place, text)
        eventually(lambda: hotel.shown(text)[0] == shown, "%s is shown" % shown)
    hotel.relay.kill()
    hotel.relay.start()
    assert hotel.up(who) == place
    assert all(len(hotel.at_desk(t)) == 1 for t in texts)


# -- agents at Smartify -----------------------------------------------------------------------------------------

PNG = ("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


def test_agents_at_smartify(make_hotel):
    """Both ways, in order, a crash in mid-session, an answer that is lost, a customer who opts out."""
    hotel = make_hotel(desk="smartify")
    who = phone()
    place = hotel.up(who)
    sent = hotel.down(place)
    assert sent["to"] == [who] and sent["external_id"].startswith("tl1:")
    texts = [unique("row %d" % n) for n in range(5)]
    for text in texts:
        hotel.ask(who, text)
    eventually(lambda: hotel.at_desk(texts[-1]), "the last")
    threads = hotel.sandbox("GET", "/threads?limit=100000&messages=100000&fresh=1")["smartify"]
    mine = next(t for t in threads if t["id"] == place)
    assert [m["text"] for m in mine["messages"] if m["text"] in texts] == texts
    answers = [unique("answer %d" % n) for n in range(5)]
    for text in answers:
        hotel.answer(place, text)
    eventually(lambda: hotel.on_phones(answers[-1]), "the last answer")
    bodies = [r["body"] for r in hotel.record()["requests"]]
    assert [b for b in bodies if any(b.endswith(a) for a in answers)] == [
        b for a in answers for b in bodies if b.endswith(a)]
    before = hotel.alive()
    hotel.relay.kill()
    hotel.relay.start()
    assert hotel.up(who) == place and hotel.alive() == before
    text = unique("lost")
    hotel.fault("POST", "/message_requests$", "drop_answer")
    hotel.answer(place, text)
    eventually(lambda: "at=found" in hotel.relay.log(), "it is found", 60)
    assert len(hotel.on_phones(text)) == 1 and hotel.parked() == []
    hotel.ask(who, "STOP")
    eventually(lambda: [c for c, m in hotel.at_desk("STOP") if c == place], "the word is at the desk")
    hotel.answer(place, unique("unwanted"))
    eventually(lambda: [p["reason"] for p in hotel.parked_list()] == ["opted_out"], "it is parked")
    eventually(lambda: hotel.at_desk("Not delivered: "), "the agent is told")


@pytest.mark.parametrize("desk", ["chatwoot", "smartify"])
def test_files_both_ways(make_hotel, desk):
    """A picture each way: fetched and shown at the desk; fetched by the provider from the relay. Another file, and a picture
    where the sender can send none, go as addresses."""
    hotel = make_hotel(desk=desk, process={"media": {"allow_private": ["127.0.0.0/8"]}})
    text = unique("look")
    hotel.ask(phone(), text, media_urls=[hotel.far + "/sandbox/files/pool.png"])
    place = eventually(lambda: hotel.at_desk(text), "the words")[0][0]

    def files_at_desk():
        threads = hotel.sandbox("GET", "/threads?limit=100000&messages=100000&fresh=1")[desk]
        return [f for t in threads if t["id"] == place for m in t["messages"] for f in m.get("files") or []]

    eventually(lambda: len(files_at_desk()) == 1, "the picture is at the desk")
    file = {"name": "map.png", "type": "image/png", "data": PNG}

    def answer(text, file):
        hotel.answer(place, text, **({"file": file} if desk == "smartify" else {"files": [file]}))
        return eventually(lambda: [r for r in hotel.record()["requests"] if file["name"] in (r["body"] or "") + "".join(r["media_urls"])],
                          "the file leaves")[-1]

    sent = answer(unique("here"), file)
    assert len(sent["media_urls"]) == 1 and sent["media_urls"][0].startswith("http://127.0.0.1:%d/media/" % hotel.port)
    eventually(lambda: [f["status"] for r in hotel.record()["requests"] for f in r["fetched"]] == [200], "it is fetched")
    hotel.set(mms=False)
    sent = answer(unique("there"), dict(file, name="plan.png"))
    assert sent["media_urls"] == [] and "plan.png: http://127.0.0.1:%d/media/" % hotel.port in sent["body"]


# -- setup ------------------------------------------------------------------------------------------------------

def tieline(hotel, *words, code=0):
    ran = subprocess.run([BIN, "-c", hotel.relay.config, "--json", "--yes", *words], capture_output=True, text=True, timeout=60)
    assert ran.returncode == code, (ran.returncode, ran.stdout, ran.stderr)
    for secret in (HOTEL["scg_token"], HOTEL["password"]):
        assert secret not in ran.stdout + ran.stderr
    return [json.loads(line) for line in ran.stdout.splitlines()]


def found(lines, name="hotel"):
    return [(x["check"], x["result"]) for x in lines if x["endpoint"] == name and x["check"] != "endpoint"]


def test_setup_draws_what_is_entered_by_hand(make_hotel):
    """Neither password nor hook key in the file: setup draws both, shows them, and what is entered so is taken."""
    hotel = make_hotel(hotel={"inbound": "ess", "user": None, "password": None, "act_for": None, "webhook_secret": None,
                              "hook_key": None}, settings={"source": "ess"}, start=False)
    assert ("signature", "fail") in found(tieline(hotel, "check", "--online", "hotel", code=1))
    assert ("callback", "warn") in found(tieline(hotel, "setup", "hotel"))
    shown = tieline(hotel, "setup", "--print", "hotel")[0]
    hotel.set(hook=shown["address"], hook_password=shown["secret"])
    hotel.relay.start()
    who = phone()
    place = hotel.up(who)
    hotel.down(place)
    assert ("clock", "ok") in found(tieline(hotel, "check", "--online", "hotel"))
    assert ("callback", "warn") in found(tieline(hotel, "setup", "--rotate", "hotel"))
    assert hotel.up(who) == place, "the old one is still taken"
    assert tieline(hotel, "setup", "--print", "hotel")[0]["secret"] != shown["secret"]


@pytest.mark.parametrize("hotel,settings,says", [
    ({}, {}, None),
    ({"password": "no-password"}, {}, ("account", "fail")),
    ({}, {"enabled": False}, ("account", "fail")),
    ({"scg_token": "no-token"}, {}, ("token", "fail")),
    (CONSUMER, {"expired": True}, ("token", "warn")),
    ({}, {"expired": True}, ("token", "fail")),
])
def test_check_tries_both_credentials(make_hotel, hotel, settings, says):
    """Without opening a session: that might end the relay's own."""
    hotel = make_hotel(hotel=hotel, settings=settings, start=False)
    lines = tieline(hotel, "check", "--online", "hotel", code=1 if says and says[1] == "fail" else 0)
    assert says is None or says in found(lines), lines
    assert registrations(hotel) == [] and all(x["next"] for x in lines if x["result"] == "fail")
