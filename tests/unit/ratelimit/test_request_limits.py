"""Rate limits that count requests, over windows of five minutes, without a header."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path

import pytest

import toolkit
from tests.support.clocks import FakeClock
from tests.support.rate_limits import HOSTS
from tests.support.recording import RecordedRequest, RecordingServer, answer, recording_server
from toolkit.endpoints import BASE_URLS, FAPI, RATE_LIMITS, Column, Endpoint
from toolkit.endpoints.rate_limits import FUNDING, FUTURES_DATA
from toolkit.gateway.calls import ReadRequest
from toolkit.panels.weight_panel import view
from toolkit.ratelimit.budget import Budget
from toolkit.ratelimit.store import RateLimitStore
from toolkit.timing.clock import ClockMeasurement, HostClock

FIVE_MINUTES = 300.0
PATHS = FUNDING.paths
ENDPOINT = Endpoint(
    name="funding",
    system="futures",
    path=PATHS[0],
    rate_limit=FUNDING,
    security="NONE",
    weight=0,
    columns=(Column(name="symbol", field="symbol", kind="text", doc="Symbol."),),
    summary="One row.",
    source="https://example.com",
)


def new_budget(clock: FakeClock, path: Path | None = None) -> Budget:
    host_clock = HostClock(clock)
    host_clock.use(ClockMeasurement(0.0, 0.0, clock.monotonic()))
    return Budget(clock, dict.fromkeys(HOSTS, host_clock), RateLimitStore(path, clock))


def send(budget: Budget, path: str = PATHS[0], status: int = 200, **headers: str) -> None:
    reservation = budget.admit(FUNDING, path, 1, "futures.funding")
    budget.record_response(reservation, status, headers)


def test_each_request_is_charged_as_one() -> None:
    for weight in (0, 7, lambda _: 3):
        request = ReadRequest.from_endpoint(replace(ENDPOINT, weight=weight), {})
        assert request.weight == 1


def test_requests_of_two_paths_share_five_minutes() -> None:
    clock = FakeClock()
    budget = new_budget(clock)
    clock.advance(130)
    for number in range(FUNDING.limit):
        send(budget, PATHS[number % 2])
    assert clock.slept == []
    send(budget)
    assert clock.slept == [pytest.approx(170, abs=0.1)]
    for _ in range(FUNDING.limit - 1):
        send(budget)
    assert len(clock.slept) == 1
    send(budget)
    assert clock.slept[1] == pytest.approx(FIVE_MINUTES, abs=0.1)


def test_the_other_limits_of_the_host_are_separate() -> None:
    clock = FakeClock()
    budget = new_budget(clock)
    for _ in range(FUNDING.limit):
        send(budget)
    budget.admit(FAPI, "/fapi/v1/ticker", 2400, "x")
    budget.admit(FUTURES_DATA, "/futures/data/basis", 1, "x")
    assert clock.slept == []
    assert {use.rate_limit.name: use.limit for use in budget.snapshot().rate_limits} == {
        "fapi-funding": 500,
        "fapi": 2400,
        "futures-data": 1000,
    }


def test_processes_share_the_count(tmp_path: Path) -> None:
    clock = FakeClock()
    one, other = (new_budget(clock, tmp_path / "limits.sqlite") for _ in range(2))
    for _ in range(FUNDING.limit // 2):
        send(one)
        send(other, PATHS[1])
    assert clock.slept == []
    send(other)
    assert sum(clock.slept) == pytest.approx(FIVE_MINUTES, abs=0.1)


def test_requests_in_flight_count() -> None:
    clock = FakeClock()
    budget = new_budget(clock)
    for _ in range(FUNDING.limit):
        budget.admit(FUNDING, PATHS[0], 1, "x")
    budget.admit(FUNDING, PATHS[0], 1, "x")
    assert sum(clock.slept) == pytest.approx(FIVE_MINUTES, abs=0.2)


def test_a_request_without_a_response_counts() -> None:
    clock = FakeClock()
    budget = new_budget(clock)
    for _ in range(FUNDING.limit):
        budget.record_response(budget.admit(FUNDING, PATHS[0], 1, "x"), None)
    assert clock.slept == []
    send(budget)
    assert sum(clock.slept) == pytest.approx(FIVE_MINUTES, abs=0.1)


def test_a_429_without_headers_waits_for_the_next_five_minutes() -> None:
    clock = FakeClock()
    budget = new_budget(clock)
    clock.advance(100)
    send(budget, status=429)
    send(budget)
    assert clock.slept == [pytest.approx(200, abs=0.1)]
    assert budget.has_current_limits(FUNDING), "the exchange reports no limit to ask for"


def test_the_weight_in_a_response_belongs_to_the_host() -> None:
    clock = FakeClock()
    budget = new_budget(clock)
    send(budget, **{"X-MBX-USED-WEIGHT-1M": "2399"})
    assert {use.rate_limit.name: use.used for use in budget.snapshot().rate_limits} == {
        "fapi-funding": 1,
        "fapi": 2399,
    }
    budget.admit(FAPI, "/fapi/v1/ticker", 2, "x")
    assert len(clock.slept) == 1


class Scene:
    """A Link to a server that answers with a row and a date, and reports no count."""

    def __init__(self, server: RecordingServer) -> None:
        self.clock = FakeClock()
        self.clock.advance(100)
        server.respond = self._respond
        hosts = dict.fromkeys(BASE_URLS, server.address)
        self.link = toolkit.Link(key="k" * 64, secret="s" * 64, hosts=hosts, clock=self.clock)

    def _respond(self, _: RecordedRequest) -> bytes:
        date = formatdate(self.clock.time(), usegmt=True).encode()
        return answer(200, b'{"symbol":"BTCUSDT"}', b"Date: " + date)


@pytest.fixture
def scene() -> Iterator[Scene]:
    with recording_server() as server:
        made = Scene(server)
        yield made
        made.link.close()


def test_usage_and_panel_say_that_requests_are_counted(scene: Scene) -> None:
    for path in PATHS:
        frame = scene.link._fetcher.fetch(replace(ENDPOINT, path=path), {})
        assert (frame.attrs["requests"], frame.attrs["weight"]) == (1, 1)
    (row,) = scene.link.usage().to_dict("records")
    assert (row["rate_limit"], row["counts"], row["seconds"]) == ("fapi-funding", "requests", 300)
    assert (row["used"], row["total"], row["limit"]) == (2, 2, 500)
    assert (row["resets_at"] - row["window"]).total_seconds() == FIVE_MINUTES
    (use,) = scene.link.budget.snapshot().rate_limits
    assert view.full_title(use) == "Futures funding · IP · 5 min"
    cards = view.cards(scene.link.budget.snapshot())
    assert "requests" in cards
    assert "weight" not in cards.partition("5 min")[2].partition("2 of 500")[0]
    (check,) = [check for check in scene.link.doctor().checks if check.name == "weight"]
    assert "fapi-funding" in check.found or "api" in check.found


def test_limits_of_requests_can_be_set(scene: Scene) -> None:
    hosts = dict(scene.link.hosts)
    link = toolkit.Link(
        key="k" * 64, secret="s" * 64, hosts=hosts, clock=scene.clock, limits={"futures-data": 3}
    )
    endpoint = replace(ENDPOINT, path="/futures/data/basis", rate_limit=FUTURES_DATA)
    for _ in range(4):
        link._fetcher.fetch(endpoint, {})
    assert scene.clock.slept == [pytest.approx(205, abs=0.1)]


def test_a_full_limit_is_not_called_a_fraction() -> None:
    clock = FakeClock()
    budget = new_budget(clock)
    for _ in range(FUNDING.limit):
        send(budget)
    reasons: list[str] = []
    budget.watch(lambda: reasons.append(budget.snapshot().waiting_for))
    send(budget)
    assert reasons[0] == "fapi-funding is used up"


def test_every_rate_limit_has_a_title_in_the_panel(scene: Scene) -> None:
    assert view._SYSTEMS.keys() == {rate_limit.name for rate_limit in RATE_LIMITS}
