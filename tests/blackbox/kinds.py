"""A run for each row of docs/kinds.md: somebody does it at one platform, and the sandbox's record of the other says what
became of it. All of them play between the platforms of one sandbox, with one relay, at the same time (test_kinds.py).

A run is a generator: it does something, yields, and looks. Run alone this checks that each cell it reads (one JSON
object a line, as tieline-kinds prints them) has a run, and each run a cell.
"""

import json
import sys
import time

from hub import Way
from world import eventually, unique

COLUMNS = [("agents", "chatwoot"), ("agents", "smartify"), ("customers", "chatwoot"), ("customers", "smartify"),
           ("customers", "smartsender"), ("customers", "syniverse")]
PRIYA = "5e2c35c8f0dbc10017bb3a02"
RUNS = {}       # (to, platform, kind): the run
MORE = {}       # what comes from a platform where customers are: (platform, kind): the run

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


def run(kind, *only):
    """only: "agents", "customers/smartify" …; without any: everywhere."""
    def keep(make):
        for to, platform in COLUMNS:
            if not only or to in only or "%s/%s" % (to, platform) in only:
                RUNS[to, platform, kind] = make
        return make
    return keep


def comes(platform, kind):
    def keep(make):
        MORE[platform, kind] = make
        return make
    return keep


# -- words and files ---------------------------------------------------------------------------------------

@run("text")
def text(way):
    said = way.word("text")
    way.send(said + " Grüße 🙂")
    yield
    assert way.one(said).text.endswith(said + " Grüße 🙂")


SHOWN = {"smartify": {"image": "image", "audio": "file", "video": "file", "file": "file"},
         "smartsender": {"image": "picture", "audio": "voice", "video": "video", "file": "file"}}


def a_file(kind, name, type, head):
    @run(kind)
    def one_file(way):
        said, raw = way.word(kind), head + way.word().encode() * 9
        way.send(said, files=[way.file(name, type, raw)])
        yield
        seen = way.with_file(raw)
        if way.platform == "chatwoot":
            assert seen.files[0]["type"] == type and said in seen.text
        elif way.platform == "smartify":
            assert seen.raw["type"] == SHOWN["smartify"][kind] and said in seen.text
            assert seen.raw["metadata"]["type"] == type
        elif way.platform == "smartsender":
            assert seen.raw["content"]["type"] == SHOWN["smartsender"][kind] and way.one(said).files == []
        elif kind == "file":
            assert "%s: %s" % (name, seen.files[0]["url"]) in seen.text and said in seen.text
        else:
            assert seen.raw["media_urls"] == [seen.files[0]["url"]] and said in seen.text


a_file("image", "photo.png", "image/png", PNG)
a_file("audio", "voice.ogg", "audio/ogg", b"OggS")
a_file("video", "film.mp4", "video/mp4", b"\0\0\0\x18ftypisom")
a_file("file", "invoice.pdf", "application/pdf", b"%PDF-1.7 ")


@run("no_file")
def no_file(way):
    said = way.word("lost")
    way.send(said, files=[{"name": "x.png", "type": "image/png", "url": "http://10.0.0.1/x.png"}])
    yield
    assert way.one(said).text.endswith(said + "\n[file not available: x.png, its address is not a public one]")


def several(kind, words):
    @run(kind)
    def several_files(way):
        said = way.word(kind) if words else ""
        raws = [PNG + way.word().encode() for _ in range(3)]
        way.send(said, files=[way.file("%d.png" % n, "image/png", raw) for n, raw in enumerate(raws)])
        yield
        found = [way.with_file(raw) for raw in raws]
        together = way.platform in ("chatwoot", "syniverse")
        assert len({m.id for m in found}) == (1 if together else 3)
        assert [m.place for m in found] == sorted(m.place for m in found)
        if words:
            first = way.one(said)
            assert first.place == found[0].place if together else first.place < found[0].place


several("files", False)
several("files_text", True)


@run("sticker")
def sticker(way):
    said, raw = way.word("sticker"), PNG + way.word().encode()
    way.send(said, files=[way.file("sticker.png", "image/png", raw)], content_type="sticker")
    yield
    if way.platform == "syniverse":
        assert way.one(said).text.endswith(said + "\n[sticker]") and way.one(said).files == []
    else:
        seen = way.with_file(raw)
        assert seen.files[0].get("type", "image/png") == "image/png"


PLACE = {"file_type": "location", "coordinates_lat": 52.5, "coordinates_long": 13.25, "data_url": "https://m.example/x"}
PLACE_TEXT = "Location: %s\n52.5,13.25\nhttps://maps.google.com/?q=52.5,13.25"


@run("location")
def location(way):
    title = way.word("shop")
    way.send("", attachments=[dict(PLACE, fallback_title=title)])
    yield
    if way.platform == "smartsender":
        seen = way.one(title)
        assert seen.raw["content"] == {"type": "location", "resource": {"parameters": {
            "title": title, "latitude": 52.5, "longitude": 13.25}}}
    else:
        assert way.one(title).text.endswith(PLACE_TEXT % title)


@run("contact")
def contact(way):
    name = way.word("Ada")
    way.send("", attachments=[{"file_type": "contact", "fallback_title": "+4915550100021",
                               "meta": {"firstName": name, "lastName": "Byron"}}])
    yield
    if way.platform == "smartsender":
        assert way.one(name).raw["content"] == {"type": "contact", "resource": {"parameters": {
            "name": name + " Byron", "phoneNumber": "+4915550100021"}}}
    else:
        assert way.one(name).text.endswith("Contact: %s Byron, +4915550100021" % name)


# -- what can be pressed, filled in, read --------------------------------------------------------------------

def ask(way, said, kind, items):
    way.send(said, role="bot", content_type=kind, content_attributes={"items": items})


def attachment(seen):
    return seen.raw["attributes"].get("attachment")


@run("buttons")
def buttons(way):
    said = way.word("pick")
    ask(way, said, "input_select", [{"title": "Yes", "value": "y"}, {"title": "No", "value": "n"}])
    yield
    seen = way.one(said)
    if way.platform == "smartify":
        assert attachment(seen) == {"type": "template", "buttons": [{"type": "text", "value": "Yes"},
                                                                    {"type": "text", "value": "No"}]}
    else:
        assert seen.text.endswith(said + "\n1. Yes\n2. No")


@run("list")
def long_list(way):
    said = way.word("list")
    ask(way, said, "input_select", [{"title": "Room %d" % n, "value": str(n)} for n in range(1, 13)])
    yield
    assert way.one(said).text.endswith(said + "".join("\n%d. Room %d" % (n, n) for n in range(1, 13)))


@run("cards")
def cards(way):
    said = way.word("cards")
    ask(way, said, "cards", [{"title": "Red", "description": "Warm", "media_url": "https://x.example/1.png", "actions": [
        {"text": "More", "type": "link", "uri": "https://x.example/"}, {"text": "Take", "type": "postback",
                                                                        "payload": "red"}]}])
    yield
    seen = way.one(said)
    if way.platform == "smartify":
        [card] = attachment(seen)["gallery"]
        assert (card["title"], card["description"], card["preview"]) == ("Red", "Warm", {"src": "https://x.example/1.png"})
        assert [b["value"] for b in card["buttons"]] == ["More", "Take"]
    else:
        assert seen.text.endswith(said + "\n\nRed\nWarm\nhttps://x.example/1.png\nMore: https://x.example/\n1. Take")


@run("form")
def form(way):
    said = way.word("form")
    ask(way, said, "form", [{"type": "text", "name": "room", "label": "Which room?"},
                            {"type": "select", "name": "day", "label": "When?", "options": [
                                {"label": "Today", "value": "0"}, {"label": "Tomorrow", "value": "1"}]}])
    yield
    seen = way.one(said)
    if way.platform == "smartify":
        first, second = attachment(seen)["gallery"]
        assert (first["title"], second["title"]) == ("Which room?", "When?")
        assert [b["value"] for b in second["buttons"]] == ["Today", "Tomorrow"]
    else:
        assert seen.text.endswith(said + "\n\nWhich room?\n\nWhen?\n1. Today\n2. Tomorrow")


@run("article")
def article(way):
    said = way.word("article")
    ask(way, said, "article", [{"title": "Parking", "description": "Behind the house", "link": "https://x.example/p"}])
    yield
    seen = way.one(said)
    if way.platform == "smartify":
        [card] = attachment(seen)["gallery"]
        assert card["title"] == "Parking" and card["buttons"][0]["link"] == "https://x.example/p"
    else:
        assert seen.text.endswith(said + "\n\nParking\nBehind the house\nhttps://x.example/p")


@run("answer", "agents")
def answer(way):
    own, said = way.own(), way.word("pick")
    own.ask_back(said, ["Yes, " + said, "No, " + said])
    own.at_source(said + "\n1. Yes, %s\n2. No, %s" % (said, said))
    own.send("2")
    yield
    assert own.one("No, " + said).text == "No, " + said


@run("survey", "customers")
def survey(way):
    said = way.word("How was it? https://chat.example/survey/responses/")
    way.send(said, role="template", content_type="input_csat")
    yield
    assert way.one(said).text.endswith(said)


@run("unknown")
def unknown(way):
    own = way.own()
    own.send("", role="bot" if way.to == "customers" else "customer", content_type="voice_call")
    yield
    own.one("[unsupported message: voice_call]")


# -- what is done to messages and conversations ---------------------------------------------------------------

@run("reply", "agents/chatwoot", "customers/chatwoot")
def reply(way):
    first, said = way.word("first"), way.word("reply")
    id = way.send(first)["message"]
    copy = way.one(first)
    way.send(said, content_attributes={"in_reply_to": id})
    yield
    assert str(way.one(said).raw["content_attributes"]["in_reply_to"]) == str(copy.id)


@run("reply", "agents/smartify", "customers/smartify", "customers/smartsender")
def reply_with_quote(way):
    first, said = way.word("first"), way.word("reply")
    id = way.send(first)["message"]
    way.send(said, content_attributes={"in_reply_to": id})
    yield
    seen = way.wait(lambda: [m for m in way.seen() if said in m.text], "the reply")
    assert len(seen) == 1 and seen[0].text.endswith("> %s\n%s" % (first, said))


@run("note", "agents", "customers/chatwoot", "customers/smartify")
def note(way):
    said = way.word("between us")
    way.send(said, role="agent", private=True)
    yield
    seen = way.one(said)
    assert seen.private and (way.platform != "smartify" or seen.raw["attributes"]["subtype"] == "private")


@run("system_line", "agents/chatwoot")
def system_line(way):
    hub, said, hello = way.hub, way.word("joined"), way.word("hello")
    place = hub.says({"platform": "smartify", "text": hello})
    way.wait(lambda: [m for m in hub.desk(place) if m.text == hello], "the conversation is there")
    hub.say({"platform": "smartify", "as": "system", "text": "Bob " + said, "conversation": place[2],
             "attributes": {"subtype": "info/support"}})
    yield
    assert hub.at_desk(place, "Bob " + said).private


@run("read", "agents/chatwoot")
def read(way):
    own, said = way.own(), way.word("answer")
    own.answer(said)
    own.at_source(said)
    own.customer_reads()
    yield
    own.wait(lambda: [m for m in own.all_there() if m["content"] == said and m["status"] == "read"], "shown as read")


@run("reply", "customers/syniverse")
def reply_without_quote(way):
    first, said = way.word("first"), way.word("reply")
    id = way.send(first)["message"]
    way.send(said, content_attributes={"in_reply_to": id})
    yield
    assert way.one(said).text.endswith(said) and first not in way.one(said).text


@run("edit", "agents")
def edit(way):
    """Only Smart Sender tells of it."""
    own, old, new = way.own(), way.word("old words"), way.word("new words")
    message = way.hub.front(own, old)
    copy = own.one(old)
    own.far("POST", "/act", {"platform": "smartsender", "action": "edit", "message": message, "text": new})
    yield
    seen = own.one("Edited: " + new)
    if way.platform == "chatwoot":
        assert str(seen.raw["content_attributes"]["in_reply_to"]) == str(copy.id)
    else:
        assert seen.text == "> %s\nEdited: %s" % (old, new)


@run("assignment", "agents", "customers/chatwoot", "customers/smartify")
def assignment(way):
    own = way.own()
    own.sandbox("POST", "/act", {"platform": "chatwoot", "action": "assign", "conversation": own.source})
    yield
    if way.platform == "chatwoot":
        own.wait(lambda: (own.conversation()["meta"].get("assignee") or {}).get("email") == "marisol@northwind.example",
                 "she has it")
    else:
        own.wait(lambda: PRIYA in own.conversation()["participants"], "she has it")


@run("labels", "agents", "customers/chatwoot", "customers/smartify")
def labels(way):
    own, label = way.own(), way.word("label")
    own.desk_call("/labels", {"labels": [label]})
    yield
    if way.platform == "chatwoot":
        own.wait(lambda: own.conversation()["labels"] == [label], "it bears it")
    else:
        own.wait(lambda: [t["tag"] for t in own.conversation()["tags"]] == [label], "it bears it")


@run("attributes", "agents", "customers/chatwoot", "customers/smartify")
def attributes(way):
    own, value = way.own(), way.word("value")
    own.desk_call("/custom_attributes", {"custom_attributes": {"plan": value}})
    yield
    where = "custom_attributes" if way.platform == "chatwoot" else "attributes"
    own.wait(lambda: (own.conversation()[where] or {}).get("plan") == value, "it has it")


@run("customer_deletes", "agents")
def customer_deletes(way):
    own, said = way.own(), way.word("regretted")
    id = own.send(said)["message"]
    copy = own.one(said)
    own.erase(id)
    yield
    note = own.one("The customer deleted this message.")
    assert note.private and own.one(said).text == copy.text
    if way.platform == "chatwoot":
        assert note.raw["content_attributes"]["in_reply_to"] == copy.id


@run("agent_deletes", "customers/chatwoot", "customers/smartify", "customers/syniverse")
def agent_deletes(way):
    own, said = way.own(), way.word("regretted")
    id = own.send(said)["message"]
    own.one(said)
    own.erase(id)
    yield
    if way.platform == "chatwoot":
        own.wait(lambda: [m for m in own.seen() if m.text == "This message was deleted"], "it is deleted")
        return
    own.wait(lambda: [m for m in own.at_desk() if m["private"] and "the customer still sees it" in m["content"]],
             "the agent is told")
    assert own.one(said)


def types_until_seen(own, types, asked, what):
    """A hint goes only where nothing else waits to go, and no two in five seconds: who goes on typing is seen."""
    typed = [0.0]

    def seen():
        if time.monotonic() - typed[0] > 6:
            types()
            typed[0] = time.monotonic()
        return len(own.typing_requests()) > len(asked)
    own.wait(seen, what)


@run("customer_types", "agents")
def customer_types(way):
    own = way.own()
    asked = own.typing_requests()
    if way.platform == "chatwoot":
        types_until_seen(own, own.customer_types, asked, "the agents see it")
    else:
        own.customer_types()
    yield
    own.nothing_but_a_word()
    if way.platform != "chatwoot":
        assert own.typing_requests() == asked == []


@run("agent_types", "customers")
def agent_types(way):
    own = way.own()
    asked = own.typing_requests()
    if way.platform == "chatwoot":
        types_until_seen(own, own.agent_types, asked, "the customer sees it")
    else:
        own.agent_types()
    yield
    own.nothing_but_a_word()
    if way.platform != "chatwoot":
        assert own.typing_requests() == asked == []


@run("state", "agents", "customers/chatwoot", "customers/smartify")
def state(way):
    own = way.own()
    own.resolve()
    own.wait(own.is_closed, "closed there")
    own.resolve(False)
    yield
    own.wait(lambda: not own.is_closed(), "open there")


@run("state", "customers/smartsender")
def state_once(way):
    own = way.own()
    own.resolve()
    own.wait(own.is_closed, "closed there")
    yield
    own.resolve(False)
    own.nothing_but_a_word()


@run("system_line", "agents/smartify")
def line_at_a_smartify(way):
    own, said, hello = way.own(), way.word("somebody joined"), way.word("hello")
    third = way.hub.third
    ids = third("POST", "/say", {"platform": "smartify", "as": "customer", "person": way.word("guest"), "text": hello})
    own.target = way.where(own.far, "smartify", hello)
    third("POST", "/say", {"platform": "smartify", "as": "system", "conversation": ids["conversation"], "text": said})
    yield
    assert own.one(said).raw["attributes"]["subtype"] == "info"


@run("assignment", "customers/smartsender")
def assignment_is_forwarded(way):
    own = way.own()
    own.sandbox("POST", "/act", {"platform": "chatwoot", "action": "assign", "conversation": own.source})

    def forwards():
        chats = own.far("GET", "/state?conversation=%s" % own.target)["smartsender"]["chats"]
        return [f["operator"] for c in chats if c["id"] == own.target for f in c["forwards"]]
    own.wait(forwards, "an operator has it")
    yield
    own.nothing_but_a_word()
    assert forwards() == [8]


@run("state", "customers/syniverse")
def state_of_nothing(way):
    own = way.own()
    own.resolve()
    yield
    own.resolve(False)
    own.nothing_but_a_word()


def stays(kind, do):
    @run(kind, *STAYS[kind])
    def nothing_there(way):
        own = way.own()
        do(own)
        yield
        own.nothing_but_a_word()


STAYS = {"read": ["agents/smartify"], "note": ["customers/smartsender", "customers/syniverse"],
         "assignment": ["customers/syniverse"],
         "labels": ["customers/smartsender", "customers/syniverse"],
         "attributes": ["customers/smartsender", "customers/syniverse"]}
stays("read", lambda own: own.customer_reads())
stays("note", lambda own: own.send("secret", private=True))
stays("assignment", lambda own: own.sandbox("POST", "/act", {"platform": "chatwoot", "action": "assign",
                                                             "conversation": own.source}))
stays("labels", lambda own: own.desk_call("/labels", {"labels": ["secret"]}))
stays("attributes", lambda own: own.desk_call("/custom_attributes", {"custom_attributes": {"secret": 1}}))


# -- what comes from where customers are, beside a Chatwoot -----------------------------------------------------

def at_smartsender(kind, content, expected):
    """content: as that platform tells it; expected: the desk's message, from its first word on."""
    @comes("smartsender", kind)
    def told(hub):
        word = unique("from")
        place = hub.says({"platform": "smartsender", "content": json.loads(json.dumps(content).replace("WORD", word))})
        yield
        assert hub.at_desk(place, word if "WORD" in expected else expected).text == expected.replace("WORD", word)


def parameters(type, **more):
    return {"type": type, "resource": {"parameters": more}}


at_smartsender("location", parameters("location", latitude="52.5", longitude=13.25, title="WORD"), PLACE_TEXT % "WORD")
at_smartsender("contact", parameters("contact", name="WORD", phoneNumber="+4915550100021"),
               "Contact: WORD, +4915550100021")
at_smartsender("link", parameters("link", url="https://x.example/WORD"), "https://x.example/WORD")
at_smartsender("invoice", parameters("telegramInvoice", receipt={"title": "Room", "description": "WORD"}),
               "Invoice: Room\nWORD")
at_smartsender("placeholders", parameters("pendingText", content="Hi {x}", replacement={"{x}": "WORD"}), "Hi WORD")
at_smartsender("sticker", parameters("sticker", url="https://x.example/WORD"), "[unsupported message: sticker]")
at_smartsender("nothing", {"type": "dice", "resource": None}, "[unsupported message: dice]")


def number_of(platform):
    @comes(platform, "number")
    def told(hub):
        """A bot of the desk asks, and the customer answers with a number."""
        word = unique("pick")
        place = hub.says({"platform": platform, "text": "hello " + word})
        desk = hub.at_desk(place, word).conversation
        hub.say({"platform": "chatwoot", "as": "bot", "conversation": desk, "text": word, "content_type": "input_select",
                 "content_attributes": {"items": [{"title": "Yes " + word, "value": "y"}, {"title": "No " + word, "value": "n"}]}})
        hub.wait_at(place, word + "\n1. Yes")
        yield
        hub.says({"platform": platform, "text": "2."}, place)
        assert hub.at_desk(place, "No " + word).text == "No " + word


number_of("smartsender")
number_of("syniverse")


@comes("smartsender", "an edit, a deletion")
def smartsender_changes(hub):
    first, said = unique("first"), unique("second")
    ids = hub.say({"platform": "smartsender", "as": "customer", "person": unique("guest"), "text": first})
    copy = hub.wait(lambda: [m for m in hub.desk_of(first) if m.text == first], "it is at the desk")[0]
    hub.main("POST", "/act", {"platform": "smartsender", "action": "edit", "message": ids["message"], "text": said})
    edited = hub.wait(lambda: [m for m in hub.desk_of(first) if m.text == "Edited: " + said], "the edit is")[0]
    assert str(edited.raw["content_attributes"]["in_reply_to"]) == str(copy.id)
    hub.main("POST", "/act", {"platform": "smartsender", "action": "delete", "message": ids["message"]})
    yield
    note = hub.wait(lambda: [m for m in hub.desk_of(first) if m.private], "the agents are told")[0]
    assert note.text == "The customer deleted this message."
    assert str(note.raw["content_attributes"]["in_reply_to"]) == str(copy.id)
    assert [m.text for m in hub.desk_of(first)] == [first, "Edited: " + said, note.text]


@comes("smartsender", "media group with a caption of a voice")
def smartsender_files(hub):
    one, two, voice = PNG + unique().encode(), PNG + unique().encode(), b"OggS" + unique().encode()
    place = hub.says({"platform": "smartsender", "content": {"type": "mediaGroup", "resource": {"parameters": {"media": [
        parameters("picture", url=hub.serve(one, "image/png")), parameters("picture", url=hub.serve(two, "image/png"))]}}}})
    hub.says({"platform": "smartsender", "content": parameters("voice", url=hub.serve(voice, "audio/ogg"))}, place)
    yield
    assert hub.file_at_desk(place, one).id == hub.file_at_desk(place, two).id
    assert hub.file_at_desk(place, voice).files[0]["type"] == "audio/ogg"


def at_smartify(kind, role, said, attributes, expected):
    @comes("smartify", kind)
    def told(hub):
        word = unique("from")
        place = hub.says({"platform": "smartify", "text": "hello " + word})
        hub.say({"platform": "smartify", "as": role, "text": said.replace("WORD", word), "conversation": place[2],
                 "person": place[1], "attributes": json.loads(json.dumps(attributes).replace("WORD", word))})
        yield
        wanted = expected.replace("WORD", word)
        assert hub.at_desk(place, wanted).text.endswith(wanted)


BUTTONS = [{"type": "text", "value": "Yes"}, {"type": "url", "value": "Site", "link": "https://x.example/"},
           {"type": "action", "value": "No", "action": "#no"}]
at_smartify("buttons", "bot", "Pick WORD", {"attachment": {"type": "template", "buttons": BUTTONS}},
            "Pick WORD\n1. Yes\nSite: https://x.example/\n2. No")
at_smartify("gallery", "bot", "Look WORD", {"attachment": {"type": "gallery", "gallery": [
    {"preview": {"src": "https://x.example/1.png"}, "title": "Red", "description": "Warm", "buttons": BUTTONS[:1]}]}},
            "Look WORD\n\nRed\nWarm\nhttps://x.example/1.png\n1. Yes")
at_smartify("pieces", "bot", "", {"commands": [
    {"type": "message", "message": {"type": "text", "text": "One WORD"}}, {"type": "wait", "time": 500},
    {"type": "message", "message": {"type": "text", "text": "Two WORD"}}]}, "One WORD\n\nTwo WORD")
at_smartify("unknown", "bot", "", {"attachment": {"type": "wa_template", "template": {"name": "WORD"}}},
            "[unsupported message: wa_template]")


@comes("syniverse", "read")
def read_on_a_phone(hub):
    hello, said = unique("hello"), unique("answer")
    place = hub.says({"platform": "syniverse", "text": hello})
    desk = hub.at_desk(place, hello).conversation
    id = hub.say({"platform": "chatwoot", "as": "agent", "conversation": desk, "text": said})["message"]
    hub.wait_at(place, said)
    hub.syniverse_tells(place, said, "READ")
    yield
    eventually(lambda: hub.status_at_desk(desk, id) == "read", "it is shown as read")


@comes("syniverse", "pictures")
def syniverse_files(hub):
    raw = PNG + unique().encode()
    place = hub.says({"platform": "syniverse", "text": "look", "media_urls": [hub.serve(raw, "image/png")]})
    yield
    seen = hub.file_at_desk(place, raw)
    assert seen.text == "look" and seen.files[0]["type"] == "image/png"


# -- too long, too deep, about nothing -------------------------------------------------------------------------------

WORDS = "The quick brown fox jumps over the lazy dog. "
LIMITS = {"chatwoot": lambda text: len(text) <= 150000, "smartify": lambda text: len(text.encode()) <= 500000,
          "smartsender": lambda text: len(text) <= 4096, "syniverse": lambda text: len(text) <= 1500}


def too_long(name, text, ways):
    """ways: how many parts each makes of it; 0: more than a message may have, so the agent is told."""
    for (to, platform), parts in ways.items():
        @comes("%s/%s" % (to, platform), name)
        def in_parts(hub, to=to, platform=platform, parts=parts):
            own, word = Way(hub, to, platform), unique("long")
            said, before = (word + " " + text)[:150000].rstrip(), {m.id for m in own.seen()}

            def arrived():
                return [m for m in own.seen() if m.id not in before]
            own.send(said)
            yield
            if parts == 0:
                own.wait(lambda: [m for m in own.at_desk() if m["private"] and "Not delivered" in m["content"]],
                         "the agent is told")
                assert arrived() == []
                return
            own.wait(lambda: len(arrived()) >= parts, "%d parts" % parts)
            own.send("behind " + word)
            own.wait(lambda: [m for m in own.seen() if "behind " + word in m.text], "what is behind")
            seen = [m for m in arrived() if "behind" not in m.text]
            assert len(seen) == parts, [len(m.text) for m in seen]
            assert all(LIMITS[platform](m.text) for m in seen)
            whole = "".join(m.text for m in sorted(seen, key=lambda m: m.place))
            name = "Marisol Rooke: " if to == "customers" and platform != "smartify" else ""
            assert whole.replace(" ", "") == (name + said).replace(" ", "")
            assert not any(m.text.startswith("\u200d") for m in seen)     # no character of several is cut


too_long("150,000 characters", WORDS * 3400, {
    ("agents", "chatwoot"): 1, ("agents", "smartify"): 1, ("customers", "smartify"): 1, ("customers", "syniverse"): 0})
too_long("40,000 emoji", "\U0001f600" * 39990, {
    ("agents", "chatwoot"): 1, ("customers", "chatwoot"): 1, ("agents", "smartify"): 1, ("customers", "smartsender"): 11,
    ("customers", "syniverse"): 28})     # the words before them stand alone
too_long("families of emoji", "\U0001f469\u200d\U0001f469\u200d\U0001f467 " * 1000, {
    ("customers", "smartsender"): 2, ("customers", "syniverse"): 5})


def about_nothing(to, platform):
    @comes("%s/%s" % (to, platform), "reply to what nobody knows")
    def replied(hub):
        own, said = Way(hub, to, platform), unique("reply")
        own.send(said, content_attributes={"in_reply_to": 99999999, "in_reply_to_external_id": "wamid.nobody"})
        yield
        assert own.one(said).text.endswith(said)


for column in COLUMNS:
    about_nothing(*column)


def deep(name, before, after=""):
    for platform in ("smartify", "smartsender"):
        @comes("customers/" + platform, name)
        def nested(hub, platform=platform):
            own, said, behind = Way(hub, "customers", platform), unique("deep"), unique("behind")
            own.send(before + said + after)
            own.send(behind)
            yield
            assert said in own.one(said).text
            own.one(behind)


deep("quotes 10,000 deep", "> " * 10000)
deep("emphasis 10,000 deep", "*" * 10000, "*" * 10000)
deep("links 10,000 deep", "[" * 10000, "](https://x.example/)" * 1000)


def main():
    cells = [json.loads(line) for line in sys.stdin]
    have = {(c["to"], c["platform"], c["kind"]): c["way"] for c in cells}
    bad = ["no run for %s: tests/blackbox/kinds.py" % "/".join(key) for key, way in have.items()
           if way != "later" and key not in RUNS]
    bad += ["a run for %s, which is not in the table, or not yet" % "/".join(key) for key in RUNS
            if have.get(key, "later") == "later"]
    if not have:
        bad.append("the table is empty")
    for line in bad:
        print(line)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
