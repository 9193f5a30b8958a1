"""Every kind of message, to each platform and from it: docs/kinds.md, played. All runs begin before the first ends; each
is a test of its own. The sandbox's record is the judge."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from hub import Hub, Way
from kinds import COLUMNS, MORE, RUNS


class Begun:
    """A run of which the first half is over."""

    def __init__(self, make, way):
        self.steps, self.failure = make(way), None
        try:
            next(self.steps)
        except AssertionError as error:
            self.failure = error

    def finish(self):
        if self.failure:
            raise self.failure
        with pytest.raises(StopIteration):
            next(self.steps)


@pytest.fixture(scope="module")
def begun(request):
    wanted = [item.callspec.params["key"] for item in request.session.items if item.module is request.module]
    hub = Hub()
    try:
        ways = {column: Way(hub, *column) for column in COLUMNS}
        with ThreadPoolExecutor(8) as pool:     # most of a run's first half is waiting
            runs = pool.map(lambda key: Begun(RUNS[key], ways[key[:2]]) if key in RUNS else Begun(MORE[key], hub), wanted)
            begun = dict(zip(wanted, runs))
        yield begun
    finally:
        hub.end()


@pytest.mark.parametrize("key", list(RUNS) + list(MORE), ids="/".join)
def test_kind(begun, key):
    begun[key].finish()
