"""The worlds that tests play in: see world.py."""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from world import Sandbox, World     # noqa: E402


def pytest_sessionfinish(session):
    Sandbox.stop_all()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """What the relays of a failed test said last."""
    report = (yield).get_result()
    if not report.failed:
        return
    worlds = [v for v in item.funcargs.values() if isinstance(v, World)] if hasattr(item, "funcargs") else []
    worlds += getattr(item.funcargs.get("make_world"), "made", [])
    worlds += [w for w in getattr(item, "funcargs", {}).get("worlds", ())]
    worlds += [v.world for v in item.funcargs.values() if isinstance(getattr(v, "world", None), World)]
    for world in worlds:
        report.sections.append(("log of the relay", world.relay.log()[-6000:]))


@pytest.fixture(scope="module")
def shop_world():
    """Customers at Smartify, agents at Chatwoot; shared by the tests of a file."""
    world = World(sandbox=("--no-limits",))
    yield world
    world.end()


@pytest.fixture(scope="module")
def site_world():
    """Customers at Chatwoot, agents at Smartify; shared by the tests of a file."""
    world = World("chatwoot", sandbox=("--no-limits",))
    yield world
    world.end()


@pytest.fixture
def shop(shop_world):
    yield shop_world
    shop_world.calm()


@pytest.fixture
def site(site_world):
    yield site_world
    site_world.calm()


@pytest.fixture(params=["smartify", "chatwoot"])
def either(request):
    """The shared world of each role assignment in turn."""
    world = request.getfixturevalue("shop_world" if request.param == "smartify" else "site_world")
    yield world
    world.calm()


@pytest.fixture
def make_world():
    """Makes worlds for one test: make_world(customers="chatwoot", bridge={…})."""
    made = []

    def make(*args, **options):
        made.append(World(*args, **options))
        return made[-1]

    make.made = made
    yield make
    failures = []
    for world in made:
        try:
            world.end()
        except AssertionError as error:
            failures.append(error)
    if failures:
        raise failures[0]
