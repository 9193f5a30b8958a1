#!/usr/bin/python3
"""Starts the fakes: a Smartify, a Chatwoot, a Smart Sender, and the port that controls them.

Prints one JSON line when all of them listen, and runs until it is told to stop (SIGINT, SIGTERM) or the process that
started it closes its standard input, when --stop-with-stdin is given.
"""

import argparse
import asyncio
import json
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import chatwoot as cw       # noqa: E402
import smartify as sm       # noqa: E402
import smartsender as ss    # noqa: E402
import syniverse as sy      # noqa: E402
from control import Control     # noqa: E402
from web import Faults, Log     # noqa: E402


def arguments(argv):
    p = argparse.ArgumentParser(prog="sandbox.py", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--host", default="127.0.0.1")
    p.add_argument("--smartify-port", type=int, default=8471, help="0 picks a free one")
    p.add_argument("--chatwoot-port", type=int, default=8472)
    p.add_argument("--control-port", type=int, default=8473)
    p.add_argument("--smartsender-port", type=int, default=0)
    p.add_argument("--smartsender-hook", metavar="URL", help="where the block of Smart Sender's funnels calls")
    p.add_argument("--syniverse", action="store_true", help="a Syniverse too, on a free port (see syniverse.py)")
    p.add_argument("--smartify-hook", metavar="URL", help="where Smartify's callbacks go")
    p.add_argument("--smartify-secret", default="sandbox-smartify-secret")
    p.add_argument("--chatwoot-hook", metavar="URL", help="where Chatwoot's callbacks go")
    p.add_argument("--chatwoot-secret", default="sandbox-chatwoot-secret-24")
    p.add_argument("--chatwoot-role", choices=("agents", "customers"), default="agents",
                   help="agents: callbacks from the inbox; customers: from an account webhook")
    p.add_argument("--state-seed", type=int, default=1)
    p.add_argument("--shuffle", type=float, default=0.3, metavar="SECONDS",
                   help="each Chatwoot callback waits a random time up to this")
    p.add_argument("--workers", type=int, default=10, help="callbacks Chatwoot sends at a time")
    p.add_argument("--one-connection", action="store_true",
                   help="a new connection for each Chatwoot callback, as the real one does (slower)")
    p.add_argument("--throttle", action="store_true", help="switch the platforms' request limits on")
    p.add_argument("--no-limits", action="store_true", help="no limit of 200 messages a minute and conversation")
    p.add_argument("--nginx", action="store_true", help="Chatwoot drops header names with underscores")
    p.add_argument("--worlds", type=int, default=1, metavar="N",
                   help="so many pairs of platforms, each with ports and a JSON line of its own; the ports above are "
                        "the first one's")
    p.add_argument("--stop-with-stdin", action="store_true")
    p.add_argument("--log", metavar="FILE", help="one line per request")
    return p.parse_args(argv)


async def start(args, ports):
    """One set of platforms with its control port, and what to say of them."""
    options = dict(vars(args))
    faults, log = Faults(), Log()
    if args.log:
        log.file = open(args.log, "a", buffering=1)
    smartify, chatwoot = sm.Smartify(options, faults, log), cw.Chatwoot(options, faults, log)
    ready = {"ready": True}
    smartsender = ss.Smartsender(options, faults, log)
    control = Control(smartify, chatwoot, smartsender, faults, log, ready, options)
    platforms = (smartify, chatwoot, control, smartsender)
    base = []
    for platform, port in zip(platforms, ports):
        base.append("http://%s:%d" % (args.host, await platform.start(args.host, port)))
    ready.update({
        "smartify": base[0], "chatwoot": base[1], "control": base[2],
        "smartify_api": base[0] + "/api", "smartify_project": sm.PROJECT, "smartify_email": "relay@example.com",
        "smartify_password": sm.PASSWORD, "smartify_user": sm.RELAY, "smartify_agent": sm.PRIYA,
        "smartify_bot": sm.BOT, "smartify_department": sm.DEPARTMENT, "smartify_bot_department": sm.BOT_DEPARTMENT,
        "smartify_secret": args.smartify_secret,
        "smartify_subscriptions": {"message.create": sm.ON_MESSAGE, "request.update": sm.ON_UPDATE},
        "chatwoot_account": cw.ACCOUNT, "chatwoot_inbox": cw.API_INBOX, "chatwoot_phone_inbox": cw.PHONE_INBOX,
        "chatwoot_token": cw.RELAY_TOKEN, "chatwoot_agent_token": cw.AGENT_TOKEN, "chatwoot_bot_token": cw.BOT_TOKEN,
        "chatwoot_user": cw.RELAY_USER, "chatwoot_agent": cw.MARISOL, "chatwoot_secret": args.chatwoot_secret,
        "chatwoot_role": args.chatwoot_role, "smartsender": base[3] + "/v1",
        "smartsender_token": ss.TOKEN, "smartsender_secret": ss.SECRET, "pid": os.getpid()})
    if args.syniverse:
        syniverse = sy.Syniverse(faults, log)
        ready["syniverse"] = "http://%s:%d" % (args.host, await syniverse.start(args.host, 0))
        control.more.append(syniverse)
        platforms += (syniverse,)
    return platforms, ready


async def serve(args):
    worlds = [await start(args, (args.smartify_port, args.chatwoot_port, args.control_port,
                                 args.smartsender_port))]
    for _ in range(args.worlds - 1):
        worlds.append(await start(args, (0, 0, 0, 0)))
    for _, ready in worlds:
        print(json.dumps(ready), flush=True)

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sig in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sig, stop.set)
    if args.stop_with_stdin:
        loop.add_reader(sys.stdin, lambda: stop.set() if not sys.stdin.buffer.read1(1024) else None)
    await stop.wait()
    for platforms, _ in worlds:
        for platform in platforms:
            if hasattr(platform, "sender"):
                await platform.sender.stop()
    for platforms, _ in worlds:
        for platform in platforms:
            await platform.stop()


def main(argv=None):
    args = arguments(argv)
    try:
        asyncio.run(serve(args))
    except OSError as error:
        print("sandbox: %s" % error, file=sys.stderr)
        return 69
    return 0


if __name__ == "__main__":
    sys.exit(main())
