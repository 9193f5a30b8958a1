"""What takes its time with Syniverse: sessions that end, and looking for what may have arrived."""

import subprocess

from hotel import make_hotel, phone, registrations     # noqa: F401
from world import BIN, eventually, unique


def test_a_session_is_renewed_and_the_old_one_accepted(make_hotel):
    """A short life, by a clock that is far ahead: renewed half way through it while people write both ways, and nobody
    notices."""
    hotel = make_hotel(settings={"life": 24, "clock_skew": 5400})
    who = phone()
    place, first = hotel.up(who), hotel.alive()
    ups, downs = [], []

    def is_renewed():
        ups.append(unique("load %d" % len(ups)))
        hotel.ask(who, ups[-1])
        downs.append(unique("load %d" % len(downs)))
        hotel.answer(place, downs[-1])
        return len(registrations(hotel)) > 1

    eventually(is_renewed, "another session", 90, pause=0.3)
    eventually(lambda: hotel.at_desk(ups[-1]) and hotel.on_phones(downs[-1]), "the last of them")
    threads = hotel.sandbox("GET", "/threads?limit=100000&messages=100000&fresh=1")["chatwoot"]
    mine = [m["text"] for t in threads if t["id"] == place for m in t["messages"] if m["text"] in ups]
    assert mine == ups
    assert [r["body"].partition(": ")[2] for r in hotel.record()["requests"]][-len(downs):] == downs
    second = [s["id"] for s in hotel.record()["sessions"] if s["id"] not in first]
    assert len(second) == 1
    text = unique("by the old one")
    assert hotel.ask(who, text, sessions=first)["statuses"] == [200]
    assert eventually(lambda: hotel.at_desk(text), text)[0][0] == place
    assert hotel.up(who, sessions=second) == place
    times = [a["at"] for a in registrations(hotel)]
    assert all(b - a >= 9 for a, b in zip(times, times[1:]))


def test_registering_may_give_the_same_session(make_hotel):
    hotel = make_hotel(settings={"life": 24, "idempotent": True})
    first = hotel.alive()
    eventually(lambda: len(registrations(hotel)) > 1, "it was asked for again", 90)
    assert hotel.up(phone()) and hotel.alive() == first
    assert [a for a in hotel.record()["asked"] if a["method"] == "DELETE"] == []


def test_found_among_the_messages_where_the_search_is_ignored(make_hotel):
    hotel = make_hotel(settings={"searches": False})
    place, text = hotel.up(phone()), unique("lost")
    hotel.fault("POST", "/message_requests$", "drop_answer")
    hotel.answer(place, text)
    eventually(lambda: "at=found" in hotel.relay.log(), "it is found", 60)
    assert len(hotel.on_phones(text)) == 1 and hotel.parked() == []


def test_what_is_not_found_is_parked_and_never_sent_twice(make_hotel):
    hotel = make_hotel(settings={"lists": False, "tells_states": False})
    place, text = hotel.up(phone()), unique("lost")
    hotel.fault("POST", "/message_requests$", "drop_answer")
    hotel.answer(place, text)
    eventually(hotel.parked, "it is parked", 120)
    parked = hotel.parked_list()
    assert [p["reason"] for p in parked] == ["uncertain"]
    hotel.down(place)
    assert len(hotel.on_phones(text)) == 1
    # Somebody looked there, and it had not arrived: once more, and no more.
    subprocess.run([BIN, "-c", hotel.relay.config, "parked", "retry", parked[0]["id"]], check=True, timeout=60,
                   stdout=subprocess.DEVNULL)
    eventually(lambda: len(hotel.on_phones(text)) == 2, "it is sent again", 90)
    hotel.down(place)
    assert len(hotel.on_phones(text)) == 2 and hotel.parked() == []


def test_a_crash_in_the_middle_of_a_send_sends_nothing_twice(make_hotel):
    hotel = make_hotel(settings={"lists": False, "tells_states": False})
    place, text = hotel.up(phone()), unique("crash")
    hotel.fault("POST", "/message_requests$", "hang_after")
    hotel.answer(place, text)
    eventually(lambda: hotel.on_phones(text), "it is there")
    hotel.relay.kill()
    hotel.relay.start()
    eventually(hotel.parked, "it is parked", 120)
    assert [p["reason"] for p in hotel.parked_list()] == ["uncertain"]
    assert len(hotel.on_phones(text)) == 1
