"""Messages cross both ways, in both role assignments, under the right names, and nothing else does."""

import time

import pytest

from world import OTHER, eventually, unique


# -- text -----------------------------------------------------------------------------------------------------

def test_a_conversation_crosses(either):
    """Both ways, in one conversation on either side, in order."""
    person, said = unique("person"), [unique("line") for _ in range(6)]
    mine = either.ask(person, said[0])["conversation"]
    theirs = either.arrives(either.agents, said[0])
    for i, text in enumerate(said[1:], 1):
        if i % 2:
            either.answer(theirs, text)
            assert either.arrives(either.customers, text) == mine
        else:
            either.ask(person, text, conversation=mine)
            assert either.arrives(either.agents, text) == theirs
    assert len(either.texts(either.customers, mine)) == len(either.texts(either.agents, theirs)) == 6


def test_many_lines_keep_their_order(either):
    talk = either.talk()
    lines = [unique("row") for _ in range(12)]
    for line in lines:      # Smartify's callbacks have no order when messages overlap
        talk.ask(line, wait=True)
    either.arrives(either.agents, lines[-1])
    assert [t for t in either.texts(either.agents, talk.theirs) if t in lines] == lines


WORDS = {
    "emoji": "Grüße 🙂 👩‍👩‍👧‍👦 你好 \u202eabc",
    "markdown": "**bold** _it_ `code` [label](https://example.com/a?b=c&d)\n\n- one\n- two\n\n> quoted",
    "html": "<b>bold</b> & <script>alert(1)</script>",
    "quotes": "\"double\" 'single' \\ back\\slash /slash\t tab",
    "lines": "first\n\nsecond\nthird",
}


# A Chatwoot agent writes Markdown; where that is not shown as such, it comes without its marks.
UNMARKED = {"markdown": "bold it code label (https://example.com/a?b=c&d)\n\n- one\n- two\n\n> quoted"}


@pytest.mark.parametrize("kind", WORDS)
def test_text_arrives_as_it_was_written(either, kind):
    talk = either.talk()
    word = unique()
    up, said, down = unique() + " " + WORDS[kind], word + " " + WORDS[kind], word + " " + WORDS[kind]
    if either.customers == "smartify":
        down = word + " " + UNMARKED.get(kind, WORDS[kind])
    talk.up(up)
    talk.answer(said)
    conversation, message = eventually(lambda: either.copies(either.customers, word), word)[0]
    assert conversation == talk.mine
    assert message["text"] in (down, "Marisol Rooke: " + down, "Priya: " + down)
    assert either.texts(either.agents, talk.theirs)[1] == up


def pick(site, talk, *labels):
    """A bot at the agents' side asks with buttons; the customer reads numbers."""
    word = unique("pick")
    buttons = [{"type": "text", "value": label} for label in labels]
    site.say("smartify", "bot", word, conversation=talk.theirs,
             attributes={"attachment": {"type": "template", "buttons": buttons}})
    shown = eventually(lambda: site.copies("chatwoot", word), word)[0][1]["text"]
    assert shown.endswith(word + "".join("\n%d. %s" % row for row in enumerate(labels, 1)))


def heard(site, talk, said, expected):
    """What the customer said, as the last thing that the agents' side shows."""
    count = len(site.texts("smartify", talk.theirs))
    talk.ask(said)
    eventually(lambda: len(site.texts("smartify", talk.theirs)) > count, said)
    assert site.texts("smartify", talk.theirs)[-1] == expected


def test_a_number_answers_buttons(site):
    talk = site.talk()
    yes, no = unique("yes"), unique("no")
    heard(site, talk, "1", "1")                 # nobody has asked
    pick(site, talk, yes, no)
    heard(site, talk, "2", no)
    heard(site, talk, "2", "2")                 # it is answered
    pick(site, talk, yes, no)
    heard(site, talk, yes.upper() + " ", yes)
    pick(site, talk, yes, no)
    heard(site, talk, "3", "3")                 # there is no third
    heard(site, talk, "1", "1")                 # and the question is not the last message any more
    pick(site, talk, yes, no)
    word = unique("wait")
    talk.answer(word)
    eventually(lambda: site.copies("chatwoot", word), word)
    heard(site, talk, "1", "1")                 # an agent has spoken since


def test_what_no_text_may_hold_is_replaced(either):
    """U+0000 goes; half of a surrogate pair becomes U+FFFD; the rest stands."""
    talk = either.talk()
    for say, side, there in ((talk.ask, either.agents, talk.theirs), (talk.answer, either.customers, talk.mine)):
        word = unique()
        say(word + " nul[\u0000] high[\ud83d] low[\udc00] end")
        message = eventually(lambda: either.copies(side, word), word)[0][1]
        assert message["text"].endswith(word + " nul[] high[\ufffd] low[\ufffd] end"), there


@pytest.mark.parametrize("text", ["{{ contact.name }}", "{% raw %}", "`{{conversation.id}}`"])
def test_liquid_is_not_carried_out(either, text):
    """Chatwoot carries it out in what is outgoing; a zero-width space keeps it from that, and from nothing else."""
    talk = either.talk()
    word = unique()
    if either.customers == "chatwoot":
        talk.answer(word + text)
        shown = eventually(lambda: either.copies("chatwoot", word), word)[0][1]["text"]
        assert shown.replace("\u200b", "").endswith(word + text) and "\u200b" in shown
    else:
        talk.up(word + text)
        assert either.copies("chatwoot", word)[0][1]["text"] == word + text     # incoming is never carried out


def test_liquid_in_a_mirrored_answer_is_not_carried_out(shop):
    talk = shop.talk()
    word = unique()
    shop.say("smartify", "agent", word + "{{contact.name}}", conversation=talk.mine)
    shown = eventually(lambda: shop.copies("chatwoot", word), word)[0][1]["text"]
    assert shown.replace("\u200b", "") == "Priya: " + word + "{{contact.name}}" and "\u200b" in shown


def test_labels_are_not_filled_in(either):
    """Smartify replaces ${…}."""
    talk = either.talk()
    say = talk.answer if either.customers == "smartify" else talk.ask
    word = unique()
    say(word + " ${CHAT_CLOSED} $5 {x}")
    shown = eventually(lambda: either.copies("smartify", word), word)[0][1]["text"]
    assert shown == word + " $\u200b{CHAT_CLOSED} $5 {x}"


def test_a_customers_command_closes_nothing(site):
    """A text that is a command to Smartify arrives, and does nothing there."""
    talk = site.talk()
    for command in ("\\close", "\\agent"):
        talk.ask(command)
    talk.ask("bye \\close")
    talk.fence()
    texts = site.texts("smartify", talk.theirs)
    assert [t.replace("\u200b", "") for t in texts[1:4]] == ["\\close", "\\agent", "bye \\close"]
    assert site.smartify_request(talk.theirs)["status"] < 1000


def test_an_agents_command_does_not_reach_the_customer(site):
    talk = site.talk()
    word = unique()
    talk.answer("\\close")
    eventually(lambda: site.smartify_request(talk.theirs)["status"] == 1000, "closed by its own command")
    site.act("smartify", "reopen", talk.theirs)
    talk.answer(word + " so long \\close")
    shown = eventually(lambda: site.copies("chatwoot", word), word)[0][1]["text"]
    assert shown == "Priya: " + word + " so long"
    assert not any("close" in (m["text"] or "") for m in site.thread("chatwoot", talk.mine)["messages"])


def test_a_chatwoot_agents_command_closes_nothing(shop):
    talk = shop.talk()
    talk.answer("\\close")
    talk.fence()
    assert "\\close\u200b" in shop.texts("smartify", talk.mine)
    assert shop.smartify_request(talk.mine)["status"] < 1000


def test_long_texts_come_in_parts(make_world):
    """Smartify takes 512,000 bytes, Chatwoot 150,000 characters."""
    world = make_world()
    talk = world.talk()
    emoji = unique() + "🙂" * 145000
    talk.answer(emoji)
    eventually(lambda: len(world.texts("smartify", talk.mine)) == 3, "both parts")
    assert "".join(world.texts("smartify", talk.mine)[1:]) == emoji
    down = talk.down()
    rows = unique() + "\n" + "\n".join("row %d of many" % n for n in range(14000))
    talk.ask(rows)
    eventually(lambda: len(world.texts("chatwoot", talk.theirs)) == 5, "both parts")
    parts = world.texts("chatwoot", talk.theirs)[3:]
    assert "\n".join(parts) == rows and max(map(len, parts)) <= 150000
    assert down == talk.mine and talk.up() == talk.theirs


# -- who speaks -----------------------------------------------------------------------------------------------

def newest_copy(world, side, word):
    """The newest message that holds it, with all its fields."""
    lists = ([r["messages"] for r in world.state("smartify")["requests"]] if side == "smartify"
             else [c["messages"] for c in world.state("chatwoot")["conversations"]])
    key = "text" if side == "smartify" else "content"
    return next(m for messages in lists for m in messages if word in (m.get(key) or "") and ours(m))


def ours(message):
    return message.get("_by_relay") or message.get("origin") == "api"


def test_agents_have_their_names(either):
    talk = either.talk()
    word = unique()
    talk.down(word)
    copy = newest_copy(either, either.customers, word)
    if either.customers == "smartify":
        assert (copy["senderFullname"], copy["text"]) == ("Marisol Rooke", word)
    else:
        assert copy["content"] == "Priya: " + word


@pytest.mark.parametrize("customers", ["smartify", "chatwoot"])
def test_agents_have_the_desks_name(make_world, customers):
    """agent_names: none, with a title."""
    world = make_world(customers, bridge={"agent_names": "none", "title": "Northwind help"})
    talk = world.talk()
    word = unique()
    talk.down(word)
    copy = newest_copy(world, customers, word)
    if customers == "smartify":
        assert (copy["senderFullname"], copy["text"]) == ("Northwind help", word)
    else:
        assert copy["content"] == "Northwind help: " + word


def test_the_desks_name_is_its_inbox(make_world):
    """agent_names: none, without a title."""
    world = make_world(bridge={"agent_names": "none"})
    talk = world.talk()
    word = unique()
    talk.down(word)
    assert newest_copy(world, "smartify", word)["senderFullname"] == "Tieline"


def test_agents_and_bots_of_the_customers_side_are_mirrored(either):
    """As what the desk itself says, so that it looks like an answer there."""
    talk = either.talk()
    for role, name in (("agent", None), ("bot", None)):
        word = unique(role)
        either.say(either.customers, role, word, conversation=talk.mine)
        assert either.arrives(either.agents, word) == talk.theirs
        copy = newest_copy(either, either.agents, word)
        if either.agents == "chatwoot":
            assert copy["message_type"] in (1, "outgoing") and copy["content_attributes"]["external_echo"] is True
            assert copy["content"].endswith(": " + word)
        else:
            assert copy["sender"] == either.sandbox.ready["smartify_user"] and copy["text"] == word
            assert copy["senderFullname"] and "relay" not in copy["senderFullname"].lower()
    talk.fence()
    assert len(either.texts(either.customers, talk.mine)) == len(either.texts(either.agents, talk.theirs)) == 5


def test_mirroring_can_be_switched_off(make_world):
    world = make_world(bridge={"mirror_agents": "drop"})
    talk = world.talk()
    word = unique()
    world.say("smartify", "agent", word, conversation=talk.mine)
    talk.fence()
    assert not world.copies("chatwoot", word)


def test_a_customers_profile_comes_with_the_first_message(either):
    person, email = unique("person"), unique("leila") + "@example.com"
    text = unique()
    more = {"phone": "+447700900%03d" % (int(person.rsplit("-", 1)[1]) % 1000)} if either.customers == "chatwoot" else {}
    either.ask(person, text, name="Leila Haddad", email=email, **more)
    theirs = either.arrives(either.agents, text)
    if either.agents == "chatwoot":
        conversation = either.chatwoot_conversation(theirs)
        contact = next(c for c in either.state("chatwoot")["contacts"] if c["email"] == email)
        assert contact["name"] == "Leila Haddad" and contact["identifier"].startswith("smartify:")
        assert conversation["source_id"].startswith("tl1-")
    else:
        lead = either.smartify_request(theirs)["lead"]
        assert (lead["fullname"], lead["email"]) == ("Leila Haddad", email)
        assert lead["lead_id"].startswith("tl1-")


def test_a_taken_email_does_not_take_the_contact(shop):
    """Anyone can type a stranger's e-mail into a chat form: the field stays empty, the agents still see it."""
    email = unique("taken") + "@example.com"
    first, second = unique(), unique()
    shop.ask(unique("person"), first, name="First", email=email)
    shop.arrives("chatwoot", first)
    shop.ask(unique("person"), second, name="Second", email=email)
    there = shop.arrives("chatwoot", second)
    assert there != shop.arrives("chatwoot", first)
    contact = next(c for c in shop.state("chatwoot")["contacts"] if c["name"] == "Second")
    assert contact["email"] is None and contact["custom_attributes"]["unverified_email"] == email


def test_a_name_is_carried_as_a_name(either):
    """What stands in a name is not carried out either, and does not become another line."""
    text = unique()
    either.ask(unique("person"), text, name=" Leila {{x}}\n<b>\u202e ")
    assert either.arrives(either.agents, text)


# -- what must not cross --------------------------------------------------------------------------------------

def test_private_notes_never_cross(either):
    talk = either.talk()
    note, mirrored = unique("note"), unique("note")
    if either.agents == "chatwoot":
        talk.answer(note, private=True)
        either.say("smartify", "agent", mirrored, conversation=talk.mine, subtype="private")
    else:
        talk.answer(note, subtype="private")
        either.say("chatwoot", "agent", mirrored, conversation=talk.mine, private=True)
    talk.fence()
    for side in (either.customers, either.agents):
        assert not either.copies(side, note) and not either.copies(side, mirrored)


def test_system_lines_never_cross(either):
    talk = either.talk()
    line = unique("system")
    smartify = talk.mine if either.customers == "smartify" else talk.theirs
    chatwoot = talk.theirs if either.customers == "smartify" else talk.mine
    either.say("smartify", "system", line, conversation=smartify)
    either.say("smartify", "agent", line + "-info", conversation=smartify, subtype="info")
    either.act("chatwoot", "assign", chatwoot)
    either.act("chatwoot", "pending", chatwoot)
    either.act("chatwoot", "reopen", chatwoot)
    talk.fence()
    assert not either.copies("chatwoot", line)
    assert len([m for m in either.thread("smartify", smartify)["messages"] if m["by_relay"]]) == (
        1 if either.customers == "smartify" else 2)


def test_a_customer_at_the_desk_is_not_passed_on(either):
    """What somebody writes there as a customer belongs to no customer here."""
    text = unique()
    either.say(either.agents, "customer", text, person=unique("stranger"))
    either.talk().fence()
    assert not either.copies(either.customers, text)


# -- closed, and open again -----------------------------------------------------------------------------------

CLOSE = {"smartify": "close", "chatwoot": "resolve"}


def close(world, side, conversation):
    world.act(side, CLOSE[side], conversation)
    eventually(lambda: world.pending() == 0, "the relay has been told")


def is_open(world, side, conversation):
    status = world.thread(side, conversation)["status"]
    return status < 1000 if side == "smartify" else status == "open"


def test_a_resolved_conversation_is_reopened(either):
    """reopen: new_after 7d, as it is when nothing is said."""
    talk = either.talk()
    close(either, either.agents, talk.theirs)
    assert not is_open(either, either.agents, talk.theirs)
    assert talk.up() == talk.theirs
    assert is_open(either, either.agents, talk.theirs)
    talk.fence()


@pytest.mark.parametrize("customers", ["smartify", "chatwoot"])
def test_reopen_never_begins_another(make_world, customers):
    world = make_world(customers, bridge={"reopen": "never"})
    talk = world.talk()
    assert talk.up() == talk.theirs
    close(world, world.agents, talk.theirs)
    second = talk.up()
    assert second != talk.theirs and not is_open(world, world.agents, talk.theirs)
    talk.theirs = second
    talk.fence()


@pytest.mark.parametrize("customers", ["smartify", "chatwoot"])
def test_reopen_always(make_world, customers):
    world = make_world(customers, bridge={"reopen": "always"})
    talk = world.talk()
    close(world, world.agents, talk.theirs)
    assert talk.up() == talk.theirs and is_open(world, world.agents, talk.theirs)


def test_reopen_new_after_a_while(make_world):
    world = make_world(bridge={"reopen": "new_after 1s"})
    talk = world.talk()
    close(world, "chatwoot", talk.theirs)
    time.sleep(1.5)
    second = talk.up()
    assert second != talk.theirs
    talk.theirs = second
    talk.fence()


def test_an_answer_reopens_what_the_customer_sees_as_closed(shop):
    """A message alone would leave it closed at Smartify."""
    talk = shop.talk()
    close(shop, "smartify", talk.mine)
    assert talk.down() == talk.mine
    assert is_open(shop, "smartify", talk.mine)


def test_an_answer_into_a_resolved_conversation(site):
    talk = site.talk()
    close(site, "chatwoot", talk.mine)
    assert talk.down() == talk.mine


def test_a_conversation_deleted_at_the_customers_side(make_world):
    """Smartify would make a new one, with us as its customer. It is closed again, and nobody is told a lie."""
    world = make_world()
    talk = world.talk()
    assert talk.down() == talk.mine
    world.act("smartify", "delete", talk.mine)
    text = unique("lost")
    talk.answer(text)
    eventually(world.parked, "parked")
    assert world.smartify_request(talk.mine)["status"] == 1000
    again = world.talk(talk.person)
    again.fence()


# -- who begins -----------------------------------------------------------------------------------------------

def contact_of(world, conversation):
    """Chatwoot's id of the person there."""
    return world.chatwoot_conversation(conversation)["meta"]["sender"]["id"]


def test_an_agent_writes_to_somebody_known(shop):
    """A second conversation at the desk reaches the customer where he is."""
    talk = shop.talk()
    text = unique()
    begun = shop.say("chatwoot", "agent", text, contact=contact_of(shop, talk.theirs))["conversation"]
    assert begun != talk.theirs
    assert shop.arrives("smartify", text) == talk.mine
    assert talk.up() in (begun, talk.theirs)


def test_an_agent_writes_to_somebody_unknown(make_world):
    """Nothing can be posted to him; a person is told, and everybody else goes on."""
    world = make_world()
    talk = world.talk()
    stranger, text = unique("stranger"), unique()
    at_desk = world.say("chatwoot", "customer", unique(), person=stranger)["conversation"]
    world.say("chatwoot", "agent", text, contact=contact_of(world, at_desk))
    eventually(world.parked, "parked")
    assert "at=stored" in world.relay.log()
    talk.fence()
    assert not world.copies("smartify", text) and len(world.parked()) == 1


# -- bots -----------------------------------------------------------------------------------------------------

def bots_in(world, conversation):
    return world.smartify_request(conversation)["participantsBots"]


@pytest.mark.parametrize("take_over", ["first_answer", "start", "never"])
def test_the_desk_takes_over_from_a_bot(make_world, take_over):
    world = make_world(bridge={"take_over": take_over})
    talk = world.talk(department=world.sandbox.ready["smartify_bot_department"])
    assert bots_in(world, talk.mine)
    talk.down()
    assert bool(bots_in(world, talk.mine)) == (take_over == "never")
    asked = len(world.requests("/participants"))
    talk.down()
    assert len(world.requests("/participants")) == asked == (0 if take_over == "never" else 1)
