"""The status page in a real browser: signing in, an alarm, a parked message that is edited and sent, and how it looks on
a telephone and in the dark. The pictures are for people (admin*.png beside the program)."""

import os

import pytest

import browser
from test_parked import refused
from world import BIN, eventually, unique

PASSWORD = "a-password-of-the-page"
ADMIN = {"password": PASSWORD}
FOLDER = os.path.dirname(BIN)
PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
WIDE = "document.documentElement.scrollWidth <= %d"


def picture(name):
    return os.path.join(FOLDER, name)


def show(page, **metrics):
    return page.call("Emulation.setDeviceMetricsOverride", **metrics)


def light(page, scheme):
    return page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])


async def key(page, name, code, **more):
    for kind in ("keyDown", "keyUp"):
        await page.call("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=code, **more)


async def write(page, text):
    """Types it where the focus is."""
    await page.call("Input.insertText", text=text)


async def sign_in(page):
    await page.until("document.activeElement && document.activeElement.id === 'password'", "the question for the password")
    await write(page, "not-the-password")
    await key(page, "Enter", 13, text="\r")
    await page.until("document.getElementById('login-said').textContent.includes('not the password')", "a wrong one is told")
    await page.picture(picture("admin-login.png"))
    await write(page, PASSWORD)
    await key(page, "Enter", 13, text="\r")
    await page.until("!document.getElementById('inside').hidden && document.querySelectorAll('.problem').length > 0", "what is wrong")


async def press(page, selector, text):
    await page.until("[...document.querySelectorAll(%r)].some(b => b.textContent === %r && b.offsetParent !== null)"
                     % (selector, text), "the button " + text)
    await page.ask("[...document.querySelectorAll(%r)].find(b => b.textContent === %r && b.offsetParent !== null).click()"
                   % (selector, text))


@pytest.mark.skipif(browser.CHROMIUM is None, reason="there is no chromium: script/bootstrap --tests")
def test_a_night(make_world):
    world = make_world(process={"alarms": {"raise_after": "0"}}, sandbox=("--no-limits",))
    world.options["process"]["admin"] = {"listen": "127.0.0.1:%d" % world.admin, "socket": world.relay.socket, "password": PASSWORD}
    assert world.relay.stop() == 0
    with open(world.relay.config, "w", encoding="utf-8") as f:
        f.write(world.config())
    world.relay.start()
    talk = world.talk(name="Leila Haddad")
    for _ in range(4):
        talk.up()
        talk.down()
    text, better = unique("Where is my order"), unique("Where is it")
    item = refused(world, talk, text)
    others = [refused(world, talk, unique("Number 4711 is late"))["id"] for _ in range(3)]

    async def play(page):
        await show(page, width=1280, height=1000, deviceScaleFactor=1, mobile=False)
        await light(page, "light")
        await sign_in(page)
        alarm = await page.ask("document.querySelector('#wrong').textContent")
        await page.until("document.querySelectorAll('#charts figure').length === 6", "the charts")
        await page.until("document.querySelectorAll('#parked-list tbody tr').length === 4", "what is parked")
        await page.call("Page.captureScreenshot", format="png")
        await page.picture(picture("admin.png"))
        await page.ask("document.activeElement.blur()")
        await key(page, "/", 191, text="/")
        await page.until("document.activeElement.id === 'sought' && document.activeElement.value === ''", "the box at the top")
        await write(page, item["event"])
        await key(page, "Enter", 13, text="\r")
        await page.until("document.querySelector('#sheet').open", "the message is followed")
        followed = await page.ask("document.querySelector('#sheet').textContent")
        await key(page, "Escape", 27)
        await page.until("!document.querySelector('#sheet').open", "and left")
        await page.ask("document.activeElement.blur()")
        await press(page, "#parked-list button", item["id"])
        await page.until("document.querySelector('#sheet').open", "the message opens")
        opened = await page.ask("document.querySelector('#sheet').textContent")
        await page.picture(picture("admin-parked.png"))
        await press(page, "#sheet button", "Edit")
        await page.until("document.activeElement.id === 'words'", "the words can be changed")
        await page.ask("document.activeElement.select()")
        await write(page, better)
        await press(page, "#sheet button", "Send with these words")
        await page.until("!document.querySelector('#sheet').open && document.querySelectorAll('#parked-list tbody tr').length === 3",
                         "it is gone")
        await press(page, "#parked-all button", "Drop all 3")
        await page.until("document.querySelector('#ask').open && document.activeElement.id === 'ask-no'", "a question")
        await press(page, "#ask button", "Drop them")
        await page.until("document.querySelector('#verdict').textContent === 'all is well'", "all is well again")
        wide = await page.ask(WIDE % 1280)
        await light(page, "dark")
        await page.picture(picture("admin-dark.png"))
        await show(page, **PHONE)
        narrow = await page.ask(WIDE % PHONE["width"])
        await page.picture(picture("admin-phone.png"))
        leaks = await page.ask("document.documentElement.outerHTML")
        return alarm, followed, opened, wide, narrow, leaks, page.complaints

    alarm, followed, opened, wide, narrow, leaks, complaints = browser.visit("http://127.0.0.1:%d/admin" % world.admin, play)
    assert "parked" in alarm and "Next: " in alarm
    assert text in followed and "d" + item["id"][1:] in followed
    assert text in opened and "too long" in opened and "What was tried" in opened
    assert wide and narrow
    assert [c for c in complaints if "/admin/login" not in c and "/admin/session" not in c] == []
    assert PASSWORD not in leaks and "Leila" not in leaks
    assert world.arrives("chatwoot", better) == talk.theirs
    assert not world.copies("chatwoot", text)
    assert world.parked() == [] and len(others) == 3
    eventually(lambda: "who=page" in world.relay.log(), "the log says who")
