#!/usr/bin/python3
"""Write as a customer or an agent from a shell, or look at both sides.

  say.py smartify customer wab-447700900123 "Hello" [--name "Leila"] [--conversation ID]
  say.py smartify agent --conversation ID "We are looking"
  say.py chatwoot agent --conversation 57 "We are looking"
  say.py chatwoot customer +15550001111 "Hello" --inbox 13
  say.py act chatwoot resolve 57
  say.py threads | judge | requests | reset

The control port is taken from --control, from TIELINE_SANDBOX, else http://127.0.0.1:8473.
"""

import argparse
import json
import os
import sys
import urllib.error
import urllib.request


def call(base, method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(base + path, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        sys.exit("say: %s" % error.read().decode())
    except OSError as error:
        sys.exit("say: no sandbox at %s: %s" % (base, error))


def show_threads(out):
    for side in ("smartify", "chatwoot"):
        print("== " + side)
        for thread in out[side]:
            print("-- %s  %s  (%s)" % (thread["id"], thread["title"], thread["status"]))
            for m in thread["messages"]:
                who = m["who"] + (" note" if m["private"] else "") + (" (relay)" if m["by_relay"] else "")
                print("   %-18s %s%s" % (who, m["text"], "  NOT SENT" if m["swallowed"] else
                                         "  FAILED" if m["state"] == "failed" else ""))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("words", nargs="+")
    p.add_argument("--control", default=os.environ.get("TIELINE_SANDBOX", "http://127.0.0.1:8473"))
    p.add_argument("--name")
    p.add_argument("--conversation")
    p.add_argument("--inbox", type=int)
    p.add_argument("--contact", type=int)
    p.add_argument("--new", action="store_true", help="begin a new conversation")
    args = p.parse_intermixed_args()
    words = args.words
    if words[0] in ("threads", "judge", "requests", "state", "load", "faults", "hooks"):
        out = call(args.control, "GET", "/control/" + words[0])
        show_threads(out) if words[0] == "threads" else print(json.dumps(out, indent=1, ensure_ascii=False))
        return
    if words[0] == "reset":
        call(args.control, "POST", "/control/reset", {})
        return
    if words[0] == "act" and len(words) == 4:
        spec = {"platform": words[1], "action": words[2], "conversation": words[3]}
        print(json.dumps(call(args.control, "POST", "/control/act", spec)))
        return
    if len(words) < 3 or words[0] not in ("smartify", "chatwoot"):
        p.error("PLATFORM ROLE [PERSON] TEXT")
    spec = {"platform": words[0], "as": words[1], "text": words[-1]}
    if len(words) == 4:
        spec["person"] = words[2]
    for key in ("name", "conversation", "inbox", "contact", "new"):
        if getattr(args, key):
            spec[key] = getattr(args, key)
    print(json.dumps(call(args.control, "POST", "/control/say", spec)))


if __name__ == "__main__":
    main()
