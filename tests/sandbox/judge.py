"""The oracle: compares what people wrote on one side with what arrived on the other.

It believes texts and nothing else: no mark, no id that the relay chose, no request of the relay's is looked at. So a
test gives every message a text of its own. A copy may differ from its original by U+200B (put in to keep braces and
backslashes from acting), by a "Name: " in front, or by lost markup.

Which side is the customers' is told by the caller: what customers write there must arrive on the other side, what
agents and bots write there may; on the agents' side, what agents and bots write must arrive.
"""

import re
from collections import Counter

from chatwoot import TYPE_NAMES
from shown import of_chatwoot, of_smartify
from smartsender import smartsender_threads

MOST = 50      # so many of each kind of complaint are listed; all are counted


class Entry:
    __slots__ = ("thread", "index", "id", "text", "who", "private", "copy", "order", "state", "announced",
                 "swallowed", "files", "more")

    def __init__(self, thread, index, id, text, who, private, copy, order, state, announced, swallowed=False,
                 files=(), more=None):
        self.thread, self.index, self.id, self.text, self.who = thread, index, id, text, who
        self.private, self.copy, self.order, self.state = private, copy, order, state
        self.announced, self.swallowed, self.files, self.more = announced, swallowed, files, more or {}

    def show(self):
        return {"thread": self.thread, "id": self.id, "who": self.who, "text": (self.text or "")[:200]}


def smartify_who(conversation, doc):
    sender, lead = doc["sender"], conversation.doc.get("lead")
    if sender == "system":
        return "system"
    attributes = doc.get("attributes")
    if isinstance(attributes, dict) and attributes.get("subtype") in ("info", "info/support"):
        return "system"
    if lead and sender == lead["lead_id"]:
        return "customer"
    if sender.startswith("bot_") or sender in conversation.doc["participantsBots"]:
        return "bot"
    if re.match(r"[0-9a-f]{24}\Z", sender):
        return "agent"
    return "customer"


def smartify_threads(smartify):
    for request_id, conversation in smartify.requests.items():
        entries = []
        for index, message in enumerate(conversation.messages):
            doc = message.doc
            attributes = doc.get("attributes")
            private = isinstance(attributes, dict) and attributes.get("subtype") == "private"
            entries.append(Entry(request_id, index, doc["_id"], doc.get("text"), smartify_who(conversation, doc),
                                 private, message.by_relay and message.origin == "api",
                                 (message.born, doc["_id"]), doc["status"], message.announced,
                                 files=smartify.files.shown(doc), more=of_smartify(doc)))
        yield request_id, entries


def chatwoot_threads(chatwoot):
    for (_, id), row in chatwoot.conversations.items():
        entries = []
        for index, m in enumerate(row["messages"]):
            kind = TYPE_NAMES[m["message_type"]]
            who = {"incoming": "customer", "activity": "system", "template": "system"}.get(kind) or (
                "bot" if m["sender_type"] == "AgentBot" else "agent")
            entries.append(Entry(id, index, m["id"], m["content"], who, m["private"], m["origin"] == "api", m["id"],
                                 m["status"], chatwoot.announced.get(m["id"]), m["swallowed"],
                                 chatwoot.files.shown(m), of_chatwoot(m)))
        yield id, entries


def plain(text):
    return (text or "").replace("\u200b", "").rstrip()


def loose(text):
    return re.sub(r"[\W_]+", "", text)


class Direction:
    """Everything written by people on one side, and the copies of it on the other."""

    def __init__(self, originals, copies):
        self.originals = originals
        self.found = {}            # id(original) → copies, in the order of the target
        self.unexpected = []
        exact, rough = {}, {}
        for entry in originals:
            exact.setdefault(plain(entry.text), []).append(entry)
            rough.setdefault(loose(entry.text or ""), []).append(entry)
        waiting, links = [], {}
        for copy in copies:
            text = plain(copy.text)
            candidates = exact.get(text)
            if candidates is None and ": " in text:
                candidates = exact.get(text.split(": ", 1)[1])
            if candidates is None:
                candidates = rough.get(loose(text)) or rough.get(loose(text.split(": ", 1)[-1])) if text else None
            if not candidates:
                self.unexpected.append(copy)
            elif len(candidates) == 1:
                self.take(candidates[0], copy)
                links.setdefault(copy.thread, set()).add(candidates[0].thread)
            else:
                waiting.append((copy, candidates))
        for copy, candidates in waiting:      # the same text several times: prefer a thread already tied to this one
            tied = links.get(copy.thread, ())
            near = [c for c in candidates if c.thread in tied] or candidates
            free = [c for c in near if id(c) not in self.found] or near
            self.take(free[0], copy)
            links.setdefault(copy.thread, set()).add(free[0].thread)

    def take(self, original, copy):
        self.found.setdefault(id(original), []).append(copy)

    def overtaken(self):
        """By thread, those that arrived before one whose callback had been answered when theirs was begun."""
        out, threads = [], {}
        for entry in self.originals:
            copies = self.found.get(id(entry))
            if copies and entry.announced:
                threads.setdefault(entry.thread, []).append((entry, min(c.order for c in copies)))
        for rows in threads.values():
            for entry, order in rows:
                for before, earlier in rows:
                    if before.announced[1] < entry.announced[0] and order < earlier:
                        out.append(dict(entry.show(), overtook=before.show()))
        return out

    def report(self, announced):
        missing, twice, order, split, swallowed = [], [], [], [], []
        last, targets = {}, {}
        for entry in self.originals:
            copies = self.found.get(id(entry))
            if not copies:
                if announced != "only" or entry.announced:
                    missing.append(entry.show())
                continue
            first = min(copies, key=lambda c: c.order)
            if len(copies) > 1:
                twice.append(dict(entry.show(), copies=[{"thread": c.thread, "id": c.id} for c in copies]))
            if first.swallowed:
                swallowed.append(dict(entry.show(), copy=first.id))
            before = last.get(entry.thread)
            if before is not None and first.order < before[1].order:
                order.append(dict(entry.show(), overtook=before[0].show()))
            if before is None or first.order > before[1].order:
                last[entry.thread] = (entry, first)
            targets.setdefault(entry.thread, {}).setdefault(first.thread, 0)
            targets[entry.thread][first.thread] += 1
        if announced:
            order = self.overtaken()
        for thread, to in targets.items():
            if len(to) > 1:
                split.append({"thread": thread, "to": [{"thread": t, "messages": n} for t, n in to.items()]})
        return {"written": len(self.originals), "arrived": len(self.originals) - len(missing),
                "missing": len(missing), "duplicates": len(twice), "out_of_order": len(order),
                "split": len(split), "unexpected": len(self.unexpected), "swallowed": len(swallowed),
                "lists": {"missing": missing[:MOST], "duplicates": twice[:MOST], "out_of_order": order[:MOST],
                          "split": split[:MOST], "unexpected": [u.show() for u in self.unexpected[:MOST]],
                          "swallowed": swallowed[:MOST]},
                "links": targets}


def compare_files(originals, copies):
    """By their bytes, wherever they are: what people sent whose bytes the sandbox has, and what arrived. A copy that
    is only an address elsewhere is counted, not read."""
    sent = Counter(f["sha256"] for e in originals for f in e.files if "sha256" in f)
    arrived = Counter(f["sha256"] for e in copies for f in e.files if "sha256" in f)
    return {"written": sum(sent.values()), "arrived": sum((sent & arrived).values()),
            "elsewhere": sum(1 for e in copies for f in e.files if "sha256" not in f),
            "duplicates": sum((arrived - sent).values())}


def judge(smartify, chatwoot, customers="smartify", with_threads=False, announced=None, smartsender=None,
          agents=None):
    """customers: the platform on whose side the customers are; agents: the other one, where there is a choice; announced: order is that of callbacks that were taken,
    not that of writing, and what was never announced, since nobody was there, has no place in it. "only": nor need that
    have arrived."""
    sides = {"smartify": dict(smartify_threads(smartify)), "chatwoot": dict(chatwoot_threads(chatwoot))}
    if smartsender is not None:
        sides["smartsender"] = dict(smartsender_threads(smartsender, Entry))
    agents = agents or ("smartify" if customers == "chatwoot" else "chatwoot")

    def people(side, who, files=False):
        return [e for entries in sides[side].values() for e in entries
                if not e.copy and not e.private and e.who in who and bool(e.files) == files
                and (files or (e.text or "").strip())]

    def copies(side, files=False):
        return [e for entries in sides[side].values() for e in entries if e.copy and not e.private
                and e.who != "system" and bool(e.files) == files]

    def notices(side):
        return sum(1 for entries in sides[side].values() for e in entries if e.copy and e.private)

    up_must, up_may = people(customers, ("customer",)), people(customers, ("agent", "bot"))
    may_ids = {id(e) for e in up_may}
    up = Direction(sorted(up_must + up_may, key=lambda e: (str(e.thread), e.index)), copies(agents))
    up.originals = [e for e in up.originals if id(e) not in may_ids or id(e) in up.found]
    down = Direction(people(agents, ("agent", "bot")), copies(customers))
    report_up, report_down = up.report(announced), down.report(announced)
    everybody = ("customer", "agent", "bot")
    report_up["files"] = compare_files(people(customers, everybody, True), copies(agents, True))
    report_down["files"] = compare_files(people(agents, everybody, True), copies(customers, True))
    failed = [m["id"] for m in chatwoot.messages.values() if m["status"] == "failed"]
    out = {
        "customers": customers, "up": report_up, "down": report_down,
        "notices": {side: notices(side) for side in sides}, "failed_marks": len(failed), "failed": failed[:MOST],
        "ghosts": len(smartify.ghosts),
        "pending_callbacks": {"smartify": smartify.sender.pending, "chatwoot": chatwoot.sender.pending},
    }
    out["ok"] = not out["ghosts"] and all(
        not report[k] for report in (report_up, report_down)
        for k in ("missing", "duplicates", "out_of_order", "unexpected", "swallowed"))
    for name, report in (("up", report_up), ("down", report_down)):
        links = report.pop("links")
        if with_threads:
            report["threads"] = [{"from": a, "to": list(to)} for a, to in links.items()]
    return out
