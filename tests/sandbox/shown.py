"""What a message holds besides its words, for the page: buttons and cards, places and contact cards, what it replies to.
Every platform's message becomes the same few members; absent where there are none."""


def place(latitude, longitude, title):
    return {"kind": "place", "title": title or "", "at": "%s,%s" % (latitude, longitude)}


def person(name, phone):
    return {"kind": "person", "title": name or "", "phone": phone or ""}


def buttons(rows, label, leads=None):
    return [dict({"label": row.get(label) or ""}, **({"href": row[leads]} if leads and row.get(leads) else {}))
            for row in rows or [] if isinstance(row, dict)]


def of_smartify(doc):
    attributes = doc.get("attributes") if isinstance(doc.get("attributes"), dict) else {}
    attachment = attributes.get("attachment") if isinstance(attributes.get("attachment"), dict) else {}
    out = {}
    if attachment.get("buttons"):
        out["buttons"] = buttons(attachment["buttons"], "value", "link")
    cards = [{"title": c.get("title"), "text": c.get("description"), "image": (c.get("preview") or {}).get("src"),
              "buttons": buttons(c.get("buttons"), "value", "link")} for c in attachment.get("gallery") or []]
    if cards:
        out["cards"] = cards
    return out


def chatwoot_card(kind, item):
    if kind == "form":
        return {"title": item.get("label"), "buttons": buttons(item.get("options"), "label")}
    return {"title": item.get("title"), "text": item.get("description"), "image": item.get("media_url"),
            "href": item.get("link"), "buttons": buttons(item.get("actions"), "text", "uri")}


def of_chatwoot(message):
    attributes, kind, out = message["content_attributes"], message["content_type"], {}
    items = attributes.get("items") or []
    if items and kind == "input_select":
        out["buttons"] = buttons(items, "title")
    elif items:
        out["cards"] = [chatwoot_card(kind, item) for item in items]
    elif kind not in ("text", "sticker", "input_csat"):
        out["kind"] = kind
    if attributes.get("in_reply_to"):
        out["reply_to"] = attributes["in_reply_to"]
    if attributes.get("deleted"):
        out["deleted"] = True
    if attributes.get("external_error"):
        out["error"] = attributes["external_error"]
    things = []
    for row in message["attachments"]:
        if row.get("file_type") == "location":
            things.append(place(row.get("coordinates_lat"), row.get("coordinates_long"), row.get("fallback_title")))
        elif row.get("file_type") == "contact":
            meta = row.get("meta") or {}
            things.append(person(" ".join(filter(None, (meta.get("firstName"), meta.get("lastName")))),
                                 row.get("fallback_title")))
    if things:
        out["things"] = things
    return out


def of_smartsender(content):
    p = (content.get("resource") or {}).get("parameters") or {}
    if content["type"] == "location":
        return {"things": [place(p.get("latitude"), p.get("longitude"), p.get("title"))]}
    if content["type"] == "contact":
        return {"things": [person(p.get("name"), p.get("phoneNumber"))]}
    if content["type"] == "transient":
        return {"deleted": True}
    return {}
