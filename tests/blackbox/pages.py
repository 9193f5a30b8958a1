"""What somebody saves with curl of each platform's history: a file for each answer, as it came."""

import json
import os
from urllib.parse import quote

from world import PROJECT, SECRETS, request


class Saver:
    """Answers of one server into a folder."""

    def __init__(self, url, folder, headers):
        self.port, self.folder, self.headers = int(url.split("/")[2].rpartition(":")[2]), folder, headers
        os.makedirs(folder, exist_ok=True)

    def curl(self, path, name):
        answer = request(self.port, "GET", path, headers=self.headers)
        assert answer.status == 200, (path, answer.status, answer.body[:300])
        with open(os.path.join(self.folder, name + ".json"), "wb") as f:
            f.write(answer.body)
        return answer.json


def smartify(sandbox, folder):
    api = sandbox.ready["smartify_api"]
    path = "/" + "/".join(api.split("/")[3:]).strip("/")
    path = path if path != "/" else ""
    port = int(api.split("/")[2].rpartition(":")[2])
    signed = request(port, "POST", path + "/auth/signin", json.dumps(
        {"email": "relay@example.com", "password": SECRETS["password"]}), {"Content-Type": "application/json"}).json
    s = Saver(api, folder, {"Authorization": signed["token"]})
    page, ids = 0, []
    while True:
        got = s.curl("%s/%s/requests?status=all&preflight=true&timezone=UTC&limit=2&page=%d" % (path, PROJECT, page),
                     "requests-%d" % page)["requests"]
        if not got:
            break
        ids += [r["request_id"] for r in got]
        page += 1
    for i, id in enumerate(ids):    # each says whose it is: any name will do
        s.curl("%s/%s/requests/%s/messages" % (path, PROJECT, id), "m%d" % i)


def chatwoot(sandbox, folder):
    s = Saver(sandbox.ready["chatwoot"], folder, {"Api-Access-Token": SECRETS["api_token"]})
    base, ids = "/api/v1/accounts/1/conversations", []
    for page in range(1, 100):
        got = s.curl("%s?status=all&inbox_id=12&sort_by=created_at_asc&page=%d" % (base, page), "conversations-%d" % page)
        if not got["data"]["payload"]:
            break
        ids += [c["id"] for c in got["data"]["payload"]]
    for id in ids:
        before = ""
        for page in range(1, 100):  # the newest first, and one that overlaps with the next
            got = s.curl("%s/%d/messages%s" % (base, id, before), "messages-%d.%d" % (id, page))["payload"]
            if len(got) < 20:
                break
            before = "?before=%d" % got[5]["id"]


def smartsender(sandbox, folder):
    s = Saver(sandbox.ready["smartsender"], folder, {"Authorization": "Bearer " + SECRETS["smartsender_token"]})
    ids = []
    for state in ("open", "closed"):
        got = s.curl("/v1/chats?state=%s&selector[name]=none&limitation=20&page=1" % state, "chats-%s.1" % state)
        assert got["cursor"]["pages"] <= 1
        ids += [c["id"] for c in got["collection"]]
    for id in ids:
        page, pages = 1, 1
        while page <= pages:
            pages = s.curl("/v1/chats/%s/messages?limitation=2&page=%d" % (id, page), "messages-%s.%d" % (id, page))["cursor"]["pages"]
            page += 1


def syniverse(sandbox, folder, token):
    s = Saver(sandbox.ready["syniverse"], folder, {"Authorization": "Bearer " + token})
    offset = 0
    while True:
        got = s.curl("/scg-external-api/api/v1/messaging/messages?limit=3&offset=%d&direction=%s" % (offset, quote("MO")),
                     "all-%d" % offset)["list"]
        if not got:
            break
        offset += len(got)
