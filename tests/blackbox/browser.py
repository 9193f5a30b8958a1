"""A Chromium without a window, driven over its own protocol."""

import asyncio
import base64
import itertools
import json
import os
import shutil
import subprocess
import tempfile
import time

import aiohttp

CHROMIUM = shutil.which("chromium")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update", "--remote-debugging-port=0",
         "--hide-scrollbars", "--window-size=1400,2900"]


class Page:
    """One page; everything it complains about is in complaints."""

    def __init__(self, socket):
        self.socket, self.numbers, self.waiting, self.complaints = socket, itertools.count(1), {}, []

    async def listen(self):
        async for message in self.socket:
            said = json.loads(message.data)
            if "id" in said:
                self.waiting.pop(said["id"]).set_result(said)
            elif said["method"] == "Runtime.exceptionThrown":
                self.complaints.append(said["params"]["exceptionDetails"]["exception"].get("description", "?"))
            elif said["method"] == "Log.entryAdded" and said["params"]["entry"]["level"] == "error":
                self.complaints.append(said["params"]["entry"]["text"] + " " + said["params"]["entry"].get("url", ""))

    async def call(self, method, **params):
        id = next(self.numbers)
        answer = self.waiting[id] = asyncio.get_running_loop().create_future()
        await self.socket.send_json({"id": id, "method": method, "params": params})
        said = await asyncio.wait_for(answer, 60)
        assert "error" not in said, (method, said["error"])
        return said["result"]

    async def ask(self, script):
        """What the script gives, as JSON."""
        result = await self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    async def until(self, script, what, seconds=60):
        end = time.monotonic() + seconds
        while not await self.ask(script):
            assert time.monotonic() < end, "not in time: %s" % what
            await asyncio.sleep(0.1)

    async def picture(self, path):
        shot = await self.call("Page.captureScreenshot", format="png")
        with open(path, "wb") as f:
            f.write(base64.b64decode(shot["data"]))


def visit(url, play):
    """Opens the address and lets play(page), a coroutine, look at it; what it gives."""
    folder = tempfile.mkdtemp(prefix="tieline-browser-")
    with open(os.path.join(folder, "log"), "wb") as log:
        process = subprocess.Popen([CHROMIUM, *FLAGS, "--user-data-dir=" + folder, "about:blank"],
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        return asyncio.run(look(process, folder, url, play))
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


async def look(process, folder, url, play):
    told, end = os.path.join(folder, "DevToolsActivePort"), time.monotonic() + 60
    while not os.path.exists(told) or not open(told, encoding="utf-8").read().strip():
        assert process.poll() is None and time.monotonic() < end, open(os.path.join(folder, "log"), errors="replace").read()
        await asyncio.sleep(0.1)
    port = open(told, encoding="utf-8").read().split()[0]
    async with aiohttp.ClientSession() as client:
        async with client.get("http://127.0.0.1:%s/json/list" % port) as answer:
            target = next(t for t in await answer.json() if t["type"] == "page")
        async with client.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
            page = Page(socket)
            listening = asyncio.ensure_future(page.listen())
            for part in ("Runtime", "Log", "Page"):
                await page.call(part + ".enable")
            await page.call("Page.navigate", url=url)
            try:
                return await play(page)
            finally:
                listening.cancel()
