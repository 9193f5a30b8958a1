"""A thousand customers at once, twenty messages each way: complete, in order, nothing twice. What it cost is printed."""

import os
import time

import pytest

from world import SANITIZED

CONVERSATIONS = int(os.environ.get("TIELINE_LOAD", "1000"))
MESSAGES = 20
SECONDS = 800       # a machine that is busy; both cases within the test's own limit


def cost(pid):
    """CPU seconds so far, and the most memory it ever had, in MiB."""
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rpartition(")")[2].split()
    with open("/proc/%d/status" % pid) as f:
        peak = next(line for line in f if line.startswith("VmHWM")).split()[1]
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), int(peak) / 1024


@pytest.mark.skipif(SANITIZED, reason="a load for the program as shipped")
@pytest.mark.parametrize("customers", ["smartify", "chatwoot"])
def test_a_thousand_conversations(make_world, customers, capsys):
    wide = {"concurrency": 64, "timeout": "60s"}
    world = make_world(customers, shop=wide, desk=wide, process={"log": {"level": "warn"}}, sandbox=("--no-limits",),
                       quiet=True)
    began = time.monotonic()
    load = world.sandbox("POST", "/load", {"platform": customers, "conversations": CONVERSATIONS,
                                           "messages": MESSAGES, "timeout": SECONDS}, timeout=SECONDS + 30)
    took = time.monotonic() - began
    cpu, peak = cost(world.relay.process.pid)
    relayed = 2 * CONVERSATIONS * MESSAGES
    with capsys.disabled():
        print("\ncustomers at %s: %d messages in %.1f s, %.0f/s; relay: %.1f s of CPU, %.0f us each, %.0f MiB at most"
              % (customers, relayed, took, relayed / took, cpu, cpu * 1e6 / relayed, peak))
    assert load["ok"], {k: v for k, v in load.items() if not isinstance(v, (list, dict))}
    judged = world.all_arrived(60)
    assert judged["up"]["arrived"] == judged["down"]["arrived"] == CONVERSATIONS * MESSAGES
    assert len(world.threads(world.agents)) == CONVERSATIONS
    assert not world.parked()
