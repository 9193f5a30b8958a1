"""Contacts, and who and what a conversation belongs to: the fakes against what is known of the real servers."""


def contact_of(sandbox, source):
    return sandbox.chatwoot("POST", "/contact_inboxes/filter", {"inbox_id": 12, "source_id": source})


def open_chatwoot(sandbox, source, **more):
    made = sandbox.chatwoot("POST", "/contacts", dict({"name": source, "identifier": "id:" + source, "inbox_id": 12,
                                                       "source_id": source}, **more)).json["payload"]["contact"]
    return made["id"], sandbox.chatwoot("POST", "/conversations", {
        "contact_id": made["id"], "inbox_id": 12, "source_id": source,
        "message": {"content": "hello", "message_type": "incoming"}}).json


def test_merge(sandbox):
    """The second contact is gone, its addresses and conversations are the first one's."""
    first, _ = open_chatwoot(sandbox, "tl1-a")
    second, conversation = open_chatwoot(sandbox, "tl1-b", email="b@example.com")
    answer = sandbox.chatwoot("POST", "/actions/contact_merge", {"base_contact_id": first, "mergee_contact_id": second})
    assert answer.status == 200 and answer.json["id"] == first and answer.json["email"] == "b@example.com"
    assert sandbox.chatwoot("GET", "/contacts/%d" % second).status == 404
    assert contact_of(sandbox, "tl1-b").json["id"] == first
    shown = sandbox.chatwoot("GET", "/conversations/%d" % conversation["id"]).json
    assert shown["meta"]["sender"]["id"] == first
    assert sandbox.chatwoot("POST", "/conversations", {"contact_id": second, "inbox_id": 12,
                                                       "source_id": "tl1-b"}).status == 404
    assert sandbox.chatwoot("PATCH", "/contacts/%d" % second, {"name": "x"}).status == 404


def test_what_replaces_and_what_merges(sandbox):
    """Labels and attributes of a conversation are replaced as a whole, a contact's attributes merged."""
    contact, conversation = open_chatwoot(sandbox, "tl1-a")
    at = "/conversations/%d" % conversation["id"]
    sandbox.chatwoot("POST", at + "/labels", {"labels": ["a", "b"]})
    assert sandbox.chatwoot("POST", at + "/labels", {"labels": ["b"]}).json == {"payload": ["b"]}
    sandbox.chatwoot("POST", at + "/custom_attributes", {"custom_attributes": {"x": 1}})
    sandbox.chatwoot("POST", at + "/custom_attributes", {"custom_attributes": {"y": 2}})
    sandbox.chatwoot("PATCH", at, {"priority": "high"})
    assert sandbox.chatwoot("POST", at + "/assignments", {"assignee_id": 12}).json["name"] == "Marisol Rooke"
    assert sandbox.chatwoot("POST", at + "/assignments", {"team_id": 4}).json["name"] == "sales"
    shown = sandbox.chatwoot("GET", at).json
    assert shown["labels"] == ["b"] and shown["custom_attributes"] == {"y": 2} and shown["priority"] == "high"
    assert shown["meta"]["assignee"]["id"] == 12 and shown["meta"]["team"]["id"] == 4
    sandbox.chatwoot("POST", at + "/assignments", {"assignee_id": 0})
    sandbox.chatwoot("POST", at + "/assignments", {"team_id": 0})
    shown = sandbox.chatwoot("GET", at).json
    assert "assignee" not in shown["meta"] and "team" not in shown["meta"]
    sandbox.chatwoot("PATCH", "/contacts/%d" % contact, {"custom_attributes": {"x": 1}})
    answer = sandbox.chatwoot("PATCH", "/contacts/%d" % contact, {"custom_attributes": {"y": 2}})
    assert answer.json["payload"]["custom_attributes"] == {"x": 1, "y": 2}


def test_who_works_there(sandbox):
    agents = sandbox.chatwoot("GET", "/agents").json
    assert {(a["id"], a["email"]) for a in agents} == {(3, "relay@example.com"), (12, "marisol@northwind.example")}
    assert [t["name"] for t in sandbox.chatwoot("GET", "/teams").json] == ["sales", "support"]


def test_another_lead(sandbox):
    """A conversation is given to another contact; a contact is changed only in what is named."""
    said = sandbox.say(platform="smartify", role="customer", person="wab-1", text="hello")
    sandbox.say(platform="smartify", role="customer", person="wab-2", text="hello", name="Leila")
    at = "/requests/" + said["conversation"]
    leads = {lead["lead_id"]: lead for lead in sandbox.smartify("GET", "/leads").json["leads"]}
    answer = sandbox.smartify("PATCH", at, {"lead": leads["wab-2"]["_id"]})
    assert answer.status == 200 and answer.json["lead"]["lead_id"] == "wab-2"
    sandbox.smartify("PUT", "/leads/" + leads["wab-2"]["_id"], {"phone": "+447700900123"})
    lead = sandbox.smartify("GET", at).json["lead"]
    assert (lead["fullname"], lead["phone"]) == ("Leila", "+447700900123")
    answer = sandbox.smartify("PUT", at + "/departments", {"departmentid": "5e2c35c8f0dbc10017bb3d02", "nobot": True})
    assert answer.json["department"]["name"] == "Bot Department"
    assert sandbox.smartify("PUT", at + "/departments", {"departmentid": "x"}).status == 500
    answer = sandbox.smartify("PATCH", at, {"tags": [{"tag": "vip", "color": "#ff0000"}], "priority": "high"})
    assert [t["tag"] for t in answer.json["tags"]] == ["vip"] and answer.json["priority"] == "high"
