"""Counts that the exchange documents as wrong are not used, from whatever call they come."""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import formatdate

import pytest

from tests.support.clocks import FakeClock
from tests.support.recording import RecordedRequest, RecordingServer, answer, recording_server
from toolkit import Link
from toolkit.endpoints import BASE_URLS, ENDPOINTS
from toolkit.ratelimit.learned_weights import OBSERVATIONS

INACCURATE = [each for each in ENDPOINTS if each.inaccurate_header]
OPEN_INTEREST = "/fapi/v1/openInterest"


class Scene:
    """A Link on a server whose header is right for one path, and rises by 900 with each other request."""

    def __init__(self, server: RecordingServer) -> None:
        self.clock = FakeClock(1_767_225_610.0)
        self.used = 0
        server.respond = self._respond
        self.link = Link(hosts=dict.fromkeys(BASE_URLS, server.address), clock=self.clock)

    def _respond(self, request: RecordedRequest) -> bytes:
        right = request.target.startswith((OPEN_INTEREST, "/fapi/v1/exchangeInfo"))
        self.used += 1 if right else 900
        headers = (
            b"X-MBX-USED-WEIGHT-1M: %d" % self.used,
            b"Date: " + formatdate(self.clock.time(), usegmt=True).encode(),
        )
        return answer(200, b'{"symbol":"BTCUSDT","rateLimits":[]}', *headers)

    def get(self, path: str) -> int:
        """Read a path, and return what was charged."""
        self.clock.advance(0.1)
        frame = self.link.get(path, security="NONE", symbol="BTCUSDT", rows="rateLimits")
        weight: int = frame.attrs["weight"]
        return weight

    @property
    def known(self) -> int:
        """What is counted against the limit."""
        return next(
            use.used for use in self.link.budget.snapshot().rate_limits if use.rate_limit.name == "fapi"
        )


@pytest.fixture
def scene() -> Iterator[Scene]:
    with recording_server() as server:
        made = Scene(server)
        yield made
        made.link.close()


def test_it_is_declared_for_the_two_documented_paths() -> None:
    assert {each.path for each in INACCURATE} == {"/fapi/v2/ticker/price", "/fapi/v1/ticker/bookTicker"}


@pytest.mark.parametrize("path", [each.path for each in INACCURATE])
def test_a_wrong_count_is_neither_shown_nor_learnt_from(scene: Scene, path: str) -> None:
    scene.get(OPEN_INTEREST)
    before = scene.known
    charged = [scene.get(path) for _ in range(OBSERVATIONS + 2)]
    weight = next(each.weight_of({"symbol": "BTCUSDT"}) for each in INACCURATE if each.path == path)
    assert charged == [weight] * (OBSERVATIONS + 2)
    assert scene.known == before + sum(charged), "what was declared is counted"
    assert scene.clock.slept == []


def test_a_right_count_is_used(scene: Scene) -> None:
    scene.used = 1000
    scene.get(OPEN_INTEREST)
    assert scene.known == scene.used
