"""Conversations that are there already: a store is lost, and a person says which belong together."""

import glob
import json
import os
import subprocess
import time

from world import BIN, SECRETS, request, unique


def tieline(world, *args, code=0):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("TIELINE_")}
    ran = subprocess.run([BIN, *args, "-c", world.relay.config], env=clean, timeout=300, capture_output=True, text=True)
    assert ran.returncode == code, (args, ran.returncode, ran.stdout, ran.stderr, world.relay.log()[-4000:])
    return ran


def lose_store(world):
    assert world.relay.stop() == 0
    for name in glob.glob(world.relay.store + "*"):
        os.unlink(name)
    time.sleep(1.1)     # times of messages are whole seconds
    world.relay.start()


def desk_conversation(world, name):
    """One that agents have made, and that no relay knows."""
    port = int(world.sandbox.ready["chatwoot"].rpartition(":")[2])
    head = {"api_access_token": SECRETS["api_token"], "Content-Type": "application/json"}
    source = unique("source")
    contact = request(port, "POST", "/api/v1/accounts/1/contacts",
                      json.dumps({"name": name, "inbox_id": 12, "source_id": source}), head).json["payload"]["contact"]["id"]
    row = request(port, "POST", "/api/v1/accounts/1/conversations",
                  json.dumps({"contact_id": contact, "inbox_id": 12, "source_id": source}), head).json
    return row["id"]


def test_lost_store_and_pairs(make_world):
    world = make_world("smartify")
    talk = world.talk()
    answer = unique("answer")
    talk.down(answer)
    # Written at the desk while nobody listens, and from before the store that comes.
    world.mode(drop=1.0)
    unheard = unique("unheard")
    talk.answer(unheard, wait=True)
    world.mode(drop=0)
    lose_store(world)

    # The same two conversations; nothing again, and nothing from before.
    talk.fence()
    assert len(world.threads("chatwoot")) == 1 and not world.copies("smartify", unheard)
    assert len(world.copies("smartify", answer)) == 1
    event = world.query("SELECT max(d.id) FROM delivery d JOIN link l ON l.id = d.link")[0][0]
    assert json.loads(tieline(world, "trace", "d%d" % event, "--json").stdout)["deliveries"][0]["linked"] == "mark"
    # A run over all of it finds that everything is there.
    before = world.texts("chatwoot", talk.theirs), world.texts("smartify", talk.mine)
    done = json.loads(tieline(world, "migrate", "--from", "shop", "--to", "desk", "--json").stdout)
    assert done["written"] == 0 and done["adds_up"] and done["skipped"]["present"] == 3, done
    assert (world.texts("chatwoot", talk.theirs), world.texts("smartify", talk.mine)) == before
    told = json.loads(tieline(world, "migrate", "--from", "shop", "--to", "desk", "--verify", "--json").stdout)
    assert told["state"] == "verified", told

    # Pairs that a person names.
    world.mode(drop=1.0)
    person, old = unique("person"), unique("old")
    mine = world.ask(person, old, wait=True)["conversation"]
    theirs = desk_conversation(world, person)
    older = unique("older")
    world.answer(theirs, older, wait=True)
    world.mode(drop=0)
    path = os.path.join(world.folder, "pairs")
    good = "# who belongs to whom\n\nshop:%s\tdesk:%s  # %s\n" % (mine, theirs, person)

    def links(text, *args, code=0):
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return tieline(world, "migrate", "--links", path, *args, code=code)

    wrong = links(good + "shop:1 nowhere:2\nshop:x\n", code=65).stderr
    assert wrong == path + ":5: found one conversation; allowed: CUSTOMERS:CONVERSATION AGENTS:CONVERSATION, with the names " \
        "of two endpoints\n", wrong
    wrong = links(good + "shop:1 nowhere:2\ndesk:7 shop:8\nshop:%s desk:%s\n" % (talk.mine, theirs + 5), code=65).stderr
    assert path + ":4: found endpoint \"nowhere\"; allowed: shop, desk\n" in wrong
    assert path + ":5: found desk before shop; allowed: first the customers' side, which is shop\n" in wrong
    assert path + ":6: shop:%s goes with desk:%s already\n" % (talk.mine, talk.theirs) in wrong and "nothing was taken" in wrong
    assert "1 pairs: 1 to be linked, 0 linked already, 0 refused" in links(good, "--dry-run").stdout
    assert not world.query("SELECT 1 FROM thread WHERE remote = ?", mine)
    done = json.loads(links(good + "shop:gone-%s desk:%s\n" % (mine, theirs + 5), "--json", code=1).stdout)
    assert [item["result"] for item in done["items"]] == ["linked", "refused"] and "is not there" in done["items"][1]["reason"]
    assert "already" in links(good).stdout
    # They go on in each other, and what stood in them stays where it is.
    line = unique("new")
    world.ask(person, line, conversation=mine)
    assert world.arrives("chatwoot", line) == theirs
    line = unique("back")
    world.answer(theirs, line)
    assert world.arrives("smartify", line) == mine
    tieline(world, "reconcile")
    assert not world.copies("chatwoot", old) and not world.copies("smartify", older)
    assert not world.parked()
    # Its history is written behind what is there, when that is asked for.
    done = json.loads(tieline(world, "migrate", "--from", "shop", "--to", "desk", "--only", person, "--json").stdout)
    assert done["written"] == 1 and done["adds_up"], done
    assert old in world.texts("chatwoot", theirs)[-1]
