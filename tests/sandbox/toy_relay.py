"""The simplest thing that could relay: no disk, no doubt, no restart. It exists to test the sandbox itself.

  toy_relay.py READY.json PORT      (the sandbox's ready line; callbacks are expected at /smartify and /chatwoot)

Customers are on Smartify's side. It keeps its links in memory and knows its own copies by a mark.
"""

import asyncio
import json
import sys

import aiohttp
from aiohttp import web


class Relay:
    def __init__(self, ready):
        self.ready = ready
        self.links = {}        # request_id → display id
        self.back = {}
        self.lanes = {}        # key → queue of coroutines, one at a time
        self.token = None
        self.client = None

    async def start(self):
        self.client = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64))
        body = {"email": self.ready["smartify_email"], "password": self.ready["smartify_password"]}
        async with self.client.post(self.ready["smartify_api"] + "/auth/signin", json=body) as answer:
            self.token = (await answer.json())["token"]

    def run(self, key, work):
        lane = self.lanes.get(key)
        if lane is None:
            lane = self.lanes[key] = asyncio.Queue()
            asyncio.get_running_loop().create_task(self.drain(lane))
        lane.put_nowait(work)

    async def drain(self, lane):
        while True:
            work = await lane.get()
            try:
                await work
            except Exception as error:
                print("toy relay: %r" % error, file=sys.stderr)

    async def cw(self, path, body):
        url = "%s/api/v1/accounts/%d%s" % (self.ready["chatwoot"], self.ready["chatwoot_account"], path)
        async with self.client.post(url, json=body, headers={"Api-Access-Token": self.ready["chatwoot_token"]}) as a:
            return a.status, await a.json(content_type=None)

    async def up(self, payload):
        request_id, text = payload["recipient"], payload["text"]
        mark = "toy:" + payload["_id"]
        if request_id not in self.links:
            inbox, source = self.ready["chatwoot_inbox"], "toy-" + payload["request"]["lead"]["lead_id"]
            _, made = await self.cw("/contacts", {"name": payload["senderFullname"], "inbox_id": inbox,
                                                  "source_id": source, "identifier": source})
            _, row = await self.cw("/conversations", {
                "contact_id": made["payload"]["contact"]["id"], "inbox_id": inbox, "source_id": source,
                "message": {"content": text, "message_type": "incoming", "source_id": mark}})
            self.links[request_id] = row["id"]
            self.back[row["id"]] = request_id
            return
        await self.cw("/conversations/%d/messages" % self.links[request_id],
                      {"content": text, "message_type": "incoming", "source_id": mark})

    async def down(self, body):
        request_id = self.back[body["conversation"]["id"]]
        url = "%s/%s/requests/%s/messages" % (self.ready["smartify_api"], self.ready["smartify_project"], request_id)
        message = {"text": body["content"], "sender": self.ready["smartify_user"],
                   "senderFullname": body["sender"]["name"], "attributes": {"toy": body["id"]}}
        async with self.client.post(url, json=message, headers={"Authorization": self.token}) as answer:
            await answer.read()

    async def on_smartify(self, request):
        body = json.loads(await request.read())
        payload = body["payload"]
        if body["hook"]["event"] == "message.create" and payload.get("request") and payload.get("text") \
                and payload["sender"] == payload["request"]["lead"]["lead_id"]:
            self.run(payload["recipient"], self.up(payload))
        return web.Response()

    async def on_chatwoot(self, request):
        body = json.loads(await request.read())
        if body["event"] == "message_created" and body["message_type"] == "outgoing" and not body["private"]:
            self.run(body["conversation"]["id"], self.down(body))
        return web.Response()


async def serve(ready, port):
    relay = Relay(ready)
    await relay.start()
    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.router.add_post("/smartify", relay.on_smartify)
    app.router.add_post("/chatwoot", relay.on_chatwoot)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print(json.dumps({"ready": True, "port": runner.addresses[0][1]}), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        asyncio.run(serve(json.load(file), int(sys.argv[2])))
