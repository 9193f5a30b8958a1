"""What may stand in a past, at each platform that customers write on: every kind of content, every author, odd values;
what a bridge carries of it, and what not. test_slow_migrate.py fills the sandbox with it.

A maker takes a word that occurs nowhere else, and dice; it gives what is said (fields of /control/say, or of Syniverse's),
and what becomes of it.
"""

import base64

PRIYA = "5e2c35c8f0dbc10017bb3a02"
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
ODD = ["\u202eright to left", "a\r\nb", "  blanks  ", "**bold** _it_ `code`", "{{contact.name}} {% if x %}", "${NAME}",
       "\U0001f600" * 50, "x" * 3000, "<b>html</b> & <script>alert(1)</script>", "\\ not a command",
       "> quote\n- list\n1. one", "\u0000nul", "0", "[label](https://example.com/a?b=c&d=e)", "\u200b\u2060\ufeff",
       "tl1:00000000:000000:m1:00000000000000000000:0:00000000", "| a | b |\n|---|---|", "#set($a=1) and #if",
       "\U0001f469\u200d\U0001f469\u200d\U0001f467 e\u0301\u0323 \u0e19\u0e49\u0e33", "]]>\"'&quot;%s%n${}", "\u2028\u2029"]


class Said:
    """text: where its word is looked for; "" where the kind has none. is_carried: over the bridge. then: what is done with
    it afterwards (of /control/act), its message's id put in."""

    def __init__(self, word, spec, is_carried=True, has_word=True, files=0, then=None):
        self.word, self.spec, self.is_carried, self.has_word = word, spec, is_carried, has_word
        self.files, self.then = files, then


def png(word):
    return {"name": "picture.png", "type": "image/png", "data": base64.b64encode(PNG + word.encode()).decode()}


def raw(word, name, type, head):
    return {"name": name, "type": type, "data": base64.b64encode(head + word.encode()).decode()}


LOST = {"name": "lost.png", "type": "image/png", "url": "http://10.0.0.1/lost.png"}


def plain(role, **more):
    return lambda word, dice: Said(word, dict(more, **{"as": role, "text": word}))


def odd(role, **more):
    return lambda word, dice: Said(word, dict(more, **{"as": role, "text": "%s %s" % (word, dice.choice(ODD))}))


def left(role, **more):
    """What a bridge does not carry."""
    return lambda word, dice: Said(word, dict(more, **{"as": role, "text": word}), is_carried=False)


# -- Smartify ----------------------------------------------------------------------------------------------------

BUTTONS = [{"type": "text", "value": "Yes"}, {"type": "url", "value": "Site", "link": "https://x.example/"}]


def shop(role, text="%s", files=0, has_word=True, **more):
    """%s in any of it becomes the word; callables are given it."""
    def make(word, dice):
        spec = {k: v(word) if callable(v) else v for k, v in more.items()}
        return Said(word, dict(spec, **{"as": role, "text": text.replace("%s", word)}), files=files, has_word=has_word)
    return make


SMARTIFY = [
    (20, plain("customer")), (8, odd("customer")), (16, plain("agent")), (6, odd("agent")), (6, plain("bot")),
    (3, odd("bot")),
    (1, shop("agent", "<p>%s <b>bold</b> &amp; <a href=\"https://x.example/\">there</a></p><ul><li>a<li>b</ul>", type="html")),
    (1, shop("customer", files=1, file=png)), (1, shop("agent", files=1, file=png)),
    (1, shop("customer", files=1, file=lambda w: raw(w, "paper.pdf", "application/pdf", b"%PDF-1.7 "))),
    (1, shop("customer", files=1, file=lambda w: raw(w, "voice.ogg", "audio/ogg", b"OggS"))),
    (1, shop("customer", file=LOST)),
    (1, shop("bot", attributes={"attachment": {"type": "template", "buttons": BUTTONS}})),
    (1, shop("bot", attributes={"attachment": {"type": "gallery", "gallery": [
        {"preview": {"src": "https://x.example/1.png"}, "title": "Red", "description": "Warm", "buttons": BUTTONS[:1]}]}})),
    (1, shop("bot", "", attributes=lambda w: {"commands": [
        {"type": "message", "message": {"type": "text", "text": "One " + w}}, {"type": "wait", "time": 500},
        {"type": "message", "message": {"type": "text", "text": "Two"}}]})),
    (1, shop("bot", "", has_word=False, attributes={"attachment": {"type": "wa_template", "template": {"name": "x"}}})),
    (1, shop("bot", "%s\\agent")),
    (1, shop("customer", attributes={"tieline": "tl1:0:0:m1:0:0:0", "subtype": 5, "deep": {"a": [None, 1e300, "\u0000"]}})),
    (2, left("agent", subtype="private")), (1, left("customer", attributes={"subtype": "info"})),
    (1, left("system", attributes={"subtype": "info/support"})), (1, lambda w, d: Said(w, {"as": "agent", "text": "\\start"}, False)),
]

# -- Chatwoot ----------------------------------------------------------------------------------------------------

PLACE = {"file_type": "location", "coordinates_lat": 52.5, "coordinates_long": 13.25, "data_url": "https://m.example/x"}
CARD = {"file_type": "contact", "fallback_title": "+4915550100021"}


def desk(role, text="%s", files=0, has_word=True, is_carried=True, then=None, **more):
    def make(word, dice):
        spec = {k: v(word) if callable(v) else v for k, v in more.items()}
        return Said(word, dict(spec, **{"as": role, "text": text.replace("%s", word)}), files=files, has_word=has_word,
                    is_carried=is_carried, then=then)
    return make


def items(kind, *rows):
    return desk("bot", content_type=kind, content_attributes={"items": list(rows)})


CHATWOOT = [
    (20, plain("customer")), (8, odd("customer")), (16, plain("agent")), (6, odd("agent")), (6, plain("bot")),
    (2, desk("template")),
    (1, desk("customer", files=1, files_=lambda w: [png(w)])), (1, desk("agent", files=1, files_=lambda w: [png(w)])),
    (1, desk("customer", files=3, files_=lambda w: [png(w + n) for n in "abc"])),
    (1, desk("customer", files=1, files_=lambda w: [raw(w, "voice.ogg", "audio/ogg", b"OggS")])),
    (1, desk("agent", files=1, files_=lambda w: [raw(w, "paper.pdf", "application/pdf", b"%PDF-1.7 ")])),
    (1, desk("customer", files_=[LOST])),
    (1, desk("customer", files=1, files_=lambda w: [png(w)], content_type="sticker")),
    (1, desk("customer", "", attachments=lambda w: [dict(PLACE, fallback_title=w)])),
    (1, desk("customer", "", attachments=lambda w: [dict(CARD, meta={"firstName": w, "lastName": "Byron"})])),
    (1, items("input_select", {"title": "Yes", "value": "y"}, {"title": "No", "value": "n"})),
    (1, items("cards", {"title": "Red", "description": "Warm", "media_url": "https://x.example/1.png", "actions": [
        {"text": "More", "type": "link", "uri": "https://x.example/"}]})),
    (1, items("form", {"type": "text", "name": "room", "label": "Which room?"})),
    (1, items("article", {"title": "Parking", "description": "Behind", "link": "https://x.example/p"})),
    (1, desk("template", "How was it? https://chat.example/survey/%s", content_type="input_csat")),
    (1, desk("customer", "", has_word=False, content_type="voice_call")),
    (2, desk("customer", content_attributes={"in_reply_to": "FIRST"})),
    (1, desk("agent", content_attributes={"in_reply_to": 99999999, "in_reply_to_external_id": "wamid.nobody"})),
    (2, desk("agent", private=True, is_carried=False)),
    (1, desk("customer", is_carried=False, then={"action": "erase"})),
    (1, desk("agent", is_carried=False, then={"action": "erase"})),
]

# -- Smart Sender ------------------------------------------------------------------------------------------------


def parameters(type, **more):
    return {"type": type, "resource": {"parameters": more}}


def chat(role, content, files=0, has_word=True, **more):
    """content: gets the word and where pictures are."""
    def make(word, dice):
        return Said(word, dict(more, **{"as": role, "text": "", "content": lambda far: content(word, far)}), files=files,
                    has_word=has_word)
    return make


def picture(far, word):
    return "%s/sandbox/files/%s.png" % (far, word)


SMARTSENDER = [
    (20, plain("customer")), (8, odd("customer")), (16, plain("agent")), (6, odd("agent")), (6, plain("bot")),
    (1, chat("customer", lambda w, far: parameters("picture", url=picture(far, w), caption=w), files=1)),
    (1, chat("agent", lambda w, far: parameters("picture", url=picture(far, w), caption=w), files=1)),
    (1, chat("customer", lambda w, far: parameters("file", url=picture(far, w), caption=w), files=1)),
    (1, chat("customer", lambda w, far: parameters("picture", url="http://10.0.0.1/x.png", caption=w))),
    (1, chat("customer", lambda w, far: parameters("location", latitude="52.5", longitude=13.25, title=w))),
    (1, chat("customer", lambda w, far: parameters("contact", name=w, phoneNumber="+4915550100021"))),
    (1, chat("customer", lambda w, far: parameters("link", url="https://x.example/" + w))),
    (1, chat("bot", lambda w, far: parameters("telegramInvoice", receipt={"title": "Room", "description": w}))),
    (1, chat("bot", lambda w, far: parameters("pendingText", content="Hi {x}", replacement={"{x}": w}))),
    (1, chat("customer", lambda w, far: parameters("sticker", url="https://x.example/s"), has_word=False)),
    (1, chat("customer", lambda w, far: {"type": "dice", "resource": None}, has_word=False)),
    (1, lambda w, d: Said(w, {"as": "customer", "text": "before"}, then={"action": "edit", "text": w})),
    (1, lambda w, d: Said(w, {"as": "customer", "text": w}, False, then={"action": "delete"})),
    (2, left("agent", private=True)), (1, left("system")),
]

# -- Syniverse: who writes there is a customer, or it was sent by the same sender over another way -----------------


def phone_pictures(word, dice):
    return Said(word, {"as": "customer", "text": word, "media_urls": lambda far: [picture(far, word)]}, files=1)


SYNIVERSE = [(20, plain("customer")), (10, odd("customer")), (2, phone_pictures), (3, left("agent"))]

MAKERS = {"smartify": SMARTIFY, "chatwoot": CHATWOOT, "smartsender": SMARTSENDER, "syniverse": SYNIVERSE}


def turns(platform, dice, words):
    """So many messages as there are words; each kind once before any comes twice, where there are enough."""
    weights, makers = zip(*MAKERS[platform])
    return [make(word, dice) for word, make in zip(words, dice.choices(makers, weights, k=len(words)))]


def each_kind(platform, dice, words):
    return [make(word, dice) for word, (_, make) in zip(words, MAKERS[platform])]
