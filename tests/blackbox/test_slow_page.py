"""One conversation with every kind in it, looked at in the sandbox's page by a real browser. What is in the page is
asked of the page; the picture is for people (page.png beside the program)."""

import os
import struct
import zlib

import pytest

import browser
from test_media import LOOPBACK, spec
from world import BIN, eventually, unique

PICTURE = os.path.join(os.path.dirname(BIN), "page.png")


def picture(red, green, blue, side=120):
    """A picture that a browser shows."""
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    row = b"\0" + b"".join(bytes((red, green, blue + x * 90 // side)) for x in range(side))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(row * side)) + chunk(b"IEND", b""))


def sound():
    """A second of nothing, as WAV."""
    data = bytes(8000)
    return b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " + struct.pack(
        "<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8) + b"data" + struct.pack("<I", len(data)) + data


def converse(world):
    """What the customer says first, what the desk does then, and a word at the end."""
    talk = world.talk(name="Leila Haddad")

    def up(text, **more):
        world.ask(talk.person, text, conversation=talk.mine, **more)

    def down(text, role="agent", **more):
        return world.say("chatwoot", role, text, conversation=talk.theirs, **more)["message"]

    up("Where is my order? Grüße 🙂 👩‍👩‍👧 https://shop.example/o/4711")
    up("This is what came:", file=spec("parcel.png", "image/png", picture(200, 90, 40)))
    up("a word with it", file=spec("voice.wav", "audio/wav", sound()))
    up("", file=spec("invoice.pdf", "application/pdf", b"%PDF-1.7 invoice"))
    up("lost", file={"name": "lost.png", "type": "image/png", "url": "http://[::1]:9/lost.png"})
    world.arrives("chatwoot", "lost.png")
    first = down("**It left** today, see [the parcel](https://post.example/p/1).\n- box\n- bag")
    down("Two pictures", files=[spec("one.png", "image/png", picture(40, 120, 60)),
                                spec("two.png", "image/png", picture(60, 60, 160))])
    down("", files=[spec("sticker.png", "image/png", picture(220, 200, 60))], content_type="sticker")
    down("Our shop", attachments=[{"file_type": "location", "coordinates_lat": 52.5, "coordinates_long": 13.25,
                                   "fallback_title": "Our shop", "data_url": "https://m.example/x"}])
    down("Our driver", attachments=[{"file_type": "contact", "fallback_title": "+4915550100021",
                                     "meta": {"firstName": "Ada", "lastName": "Byron"}}])
    down("When shall we come?", "bot", content_type="input_select", content_attributes={"items": [
        {"title": "Today", "value": "0"}, {"title": "Tomorrow", "value": "1"}]})
    down("What else?", "bot", content_type="cards", content_attributes={"items": [
        {"title": "Red", "description": "Warm", "media_url": "", "actions": [
            {"text": "More", "type": "link", "uri": "https://shop.example/red"}]},
        {"title": "Blue", "description": "Cool", "media_url": "", "actions": [
            {"text": "Take it", "type": "postback", "payload": "b"}]}]})
    down("Read this", "bot", content_type="article", content_attributes={"items": [
        {"title": "Returns", "description": "Within 30 days", "link": "https://shop.example/returns"}]})
    down("Tell us", "bot", content_type="form", content_attributes={"items": [
        {"type": "select", "name": "size", "label": "Which size?", "options": [{"label": "S", "value": "s"},
                                                                              {"label": "M", "value": "m"}]}]})
    down("between us", private=True)
    down("Better: it left yesterday", content_attributes={"in_reply_to": first})
    down("", "bot", content_type="voice_call")
    regretted = down("I should not have said that")
    world.arrives("smartify", "I should not have said that")
    world.act("chatwoot", "erase", message=regretted)
    down("How was it? https://desk.example/survey/responses/1", "template", content_type="input_csat")
    world.arrives("smartify", "survey/responses")
    up("1")
    last = unique("Thank you")
    up(last)
    world.arrives("chatwoot", last)
    eventually(lambda: "the customer still sees it" in str(world.texts("chatwoot", talk.theirs)), "the agent is told")
    return talk


ROWS = """(() => Object.fromEntries([...document.querySelectorAll("section")].map(s => [s.dataset.platform,
 [...s.querySelectorAll(".message")].map(m => ({
  is: [...m.classList], text: (m.querySelector(".text") || {}).textContent || "",
  buttons: [...m.querySelectorAll(".choice")].map(b => b.textContent),
  links: [...m.querySelectorAll("a")].map(a => a.href),
  cards: [...m.querySelectorAll(".card .title")].map(c => c.textContent),
  things: [...m.querySelectorAll(".thing")].map(t => t.textContent),
  pictures: [...m.querySelectorAll("img.file")].map(i => i.complete && i.naturalWidth > 0),
  sounds: [...m.querySelectorAll("audio")].map(a => a.error === null && a.readyState > 0),
  quote: (m.querySelector(".quote") || {}).textContent || ""}))])))()"""
LOADED = """[...document.querySelectorAll("img.file")].every(i => i.complete) &&
 [...document.querySelectorAll("audio")].every(a => a.readyState > 0 || a.error) &&
 document.querySelectorAll("img.file").length >= %d"""
INSIDE = """[...document.querySelectorAll(".message")].every(m => { const r = m.getBoundingClientRect(),
 b = m.parentElement.getBoundingClientRect(); return r.left >= b.left - 1 && r.right <= b.right + 1 && r.height > 0; })"""


def one(rows, text):
    found = [r for r in rows if text in r["text"] and not r["text"].startswith("> ")]
    assert len(found) == 1, (text, found)
    return found[0]


@pytest.mark.skipif(browser.CHROMIUM is None, reason="there is no chromium: script/bootstrap --tests")
def test_every_kind_in_one_conversation(make_world):
    world = make_world(process=dict(LOOPBACK), bridge={"private_notes": "mirror"})
    talk = converse(world)

    async def play(page):
        await page.until(LOADED % 8, "the pictures")
        rows, inside, wide = await page.ask(ROWS), await page.ask(INSIDE), await page.ask(
            "document.documentElement.scrollWidth <= innerWidth")
        await page.picture(PICTURE)
        return rows, inside, wide, page.complaints

    url = "%s/?smartify=%s&chatwoot=%s" % (world.sandbox.ready["control"], talk.mine, talk.theirs)
    rows, inside, wide, complaints = browser.visit(url, play)
    assert inside and wide and [c for c in complaints if "lost.png" not in c] == []
    shop, desk = rows["smartify"], rows["chatwoot"]
    assert len(desk) == len(world.thread("chatwoot", talk.theirs)["messages"])
    assert len(shop) == len(world.thread("smartify", talk.mine)["messages"])

    # At the desk, what the customer sent.
    assert one(desk, "Where is my order?")["is"] == ["message", "customer", "relay"]
    assert one(desk, "This is what came:")["pictures"] == [True]
    assert one(desk, "a word with it")["sounds"] == [True]
    assert any("invoice.pdf" in link for r in desk for link in r["links"])
    assert one(desk, "lost")["text"].endswith("[file not available: lost.png, its address is not a public one]")
    assert one(desk, "the customer still sees it")["is"][1:] == ["agent", "relay", "private"]
    assert one(desk, "Better: it left yesterday")["quote"].startswith("**It left** today")
    assert [r["text"] for r in desk if r["is"][1:] == ["customer", "relay"]][-2:][0] == "1"

    # At the shop, what the desk sent.
    assert one(shop, "It left today")["is"] == ["message", "agent", "relay"]
    assert one(shop, "It left today")["text"] == (
        "It left today, see the parcel (https://post.example/p/1).\n- box\n- bag")
    pictures = [r for r in shop if r["pictures"] and "relay" in r["is"]]
    assert [r["pictures"] for r in pictures] == [[True]] * 3
    assert "52.5,13.25" in one(shop, "Location: Our shop")["text"]
    assert one(shop, "Contact: Ada Byron, +4915550100021")
    assert one(shop, "When shall we come?")["buttons"] == ["Today", "Tomorrow"]
    assert one(shop, "What else?")["cards"] == ["Red", "Blue"]
    assert one(shop, "What else?")["links"] == ["https://shop.example/red"]
    assert one(shop, "Read this")["cards"] == ["Returns"]
    assert (one(shop, "Tell us")["cards"], one(shop, "Tell us")["buttons"]) == (["Which size?"], ["S", "M"])
    assert any(r["text"].startswith("> It left today") and r["text"].endswith("\nBetter: it left yesterday") for r in shop)
    assert "private" in one(shop, "between us")["is"]
    assert one(shop, "[unsupported message: voice_call]")
    assert one(shop, "I should not have said that")["is"] == ["message", "agent", "relay"]
    assert one(shop, "survey/responses")
    with open(PICTURE, "rb") as f:
        assert len(f.read()) > 50000
