"""Every kind of message, to each platform and from it: docs/kinds.md, played. All runs begin before the first ends; each
is a test of its own. The sandbox's record is the judge."""

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
def begun():
    hub = Hub()
    try:
        ways = {column: Way(hub, *column) for column in COLUMNS}
        out = {key: Begun(make, ways[key[:2]]) for key, make in RUNS.items()}
        out.update((key, Begun(make, hub)) for key, make in MORE.items())
        yield out
    finally:
        hub.end()


@pytest.mark.parametrize("key", list(RUNS) + list(MORE), ids="/".join)
def test_kind(begun, key):
    begun[key].finish()
