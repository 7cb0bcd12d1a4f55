"""Weights learnt from the counts in responses: never below what the exchange counts."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import toolkit
from tests.support.clocks import FakeClock
from tests.support.rate_limits import HOSTS
from tests.support.recording import RecordedRequest, RecordingServer, answer, recording_server
from toolkit.doctor.hosts import weight_check
from toolkit.endpoints import BASE_URLS, PAPI, SAPI_IP, SAPI_UID, Column, Endpoint, RateLimit
from toolkit.ratelimit.budget import Budget
from toolkit.ratelimit.learned_weights import OBSERVATIONS, VALID_S, DeclaredWeight
from toolkit.ratelimit.recorder import Reservation
from toolkit.ratelimit.store import RateLimitStore
from toolkit.timing.clock import ClockMeasurement, HostClock

PATH = "/papi/v1/income"
START = 1_767_225_600.0


class Exchange:
    """An exchange that counts `weight` for each request to a shared counter, and others' requests too."""

    def __init__(self, weight: int, rate_limit: RateLimit = PAPI, path: Path | None = None) -> None:
        self.weight = weight
        self.rate_limit = rate_limit
        self.clock = FakeClock(START)
        self._path = path
        self._used: dict[int, int] = {}
        self.budget = self.new_process()

    def new_process(self) -> Budget:
        host_clock = HostClock(self.clock)
        host_clock.use(ClockMeasurement(0.0, 0.0, self.clock.monotonic()))
        return Budget(self.clock, dict.fromkeys(HOSTS, host_clock), RateLimitStore(self._path, self.clock))

    def count(self, weight: int) -> int:
        """Count a request in the current minute; returns what was used of it."""
        minute = int(self.clock.time() // 60)
        self._used[minute] = self._used.get(minute, 0) + weight
        return self._used[minute]

    def admit(self, declared: int, budget: Budget | None = None, method: str = "GET") -> Reservation:
        return (budget or self.budget).admit(self.rate_limit, PATH, declared, "x", method)

    def respond(self, sent: Reservation, budget: Budget | None = None, status: int = 200) -> None:
        """Count a request that was sent, and respond at once."""
        used = self.count(self.weight)
        headers = {self.rate_limit.header: str(used), "Date": formatdate(self.clock.time(), usegmt=True)}
        (budget or self.budget).record_response(sent, status, headers)

    def call(self, declared: int, others: int = 0, **more: int) -> None:
        """Call once; other programs use so much before."""
        self.clock.advance(0.1)
        sent = self.admit(declared)
        self.count(others)
        self.respond(sent, **more)

    def charged(self, declared: int) -> int:
        """What the next request would be charged."""
        sent = self.admit(declared)
        self.budget.release(sent)
        return sent.weight


@pytest.mark.parametrize(("weight", "declared"), [(30, 5), (1, 30), (5, 5)])
def test_three_rises_are_charged_from_then_on(weight: int, declared: int) -> None:
    exchange = Exchange(weight)
    for _ in range(OBSERVATIONS):
        exchange.call(declared)
        assert exchange.charged(declared) == declared, "the first response shows no rise"
    exchange.call(declared)
    assert exchange.charged(declared) == weight
    exchange.call(declared)
    assert exchange.charged(declared) == weight, "also where it is charged itself"


def test_what_others_use_does_not_raise_a_weight() -> None:
    exchange = Exchange(5)
    for others in (0, 3, 9, 4, 20):
        exchange.call(5, others)
    assert exchange.charged(5) == 5


def test_a_lower_weight_is_charged_as_soon_as_others_pause() -> None:
    exchange = Exchange(1)
    for others in (0, 3, 0, 4):
        exchange.call(5, others)
    assert exchange.charged(5) == 5
    for _ in range(OBSERVATIONS):
        exchange.call(5)
    assert exchange.charged(5) == 1


def test_counts_that_take_turns_do_not_lower_a_weight() -> None:
    """The counts of two addresses that differ by less than one weight."""
    exchange = Exchange(3)
    for rise in (3, 8, 2, 8, 2, 8):
        exchange.weight = rise
        exchange.call(10)
    assert exchange.charged(10) == 10


def test_a_weight_that_the_exchange_raises_again_is_learnt_again() -> None:
    exchange = Exchange(1)
    for _ in range(4):
        exchange.call(30)
    exchange.weight = 30
    for _ in range(OBSERVATIONS):
        exchange.call(30)
    assert exchange.charged(30) == 30


def test_another_method_or_declaration_is_learnt_anew() -> None:
    exchange = Exchange(9)
    for _ in range(4):
        exchange.call(5)
    assert exchange.charged(5) == 9
    assert exchange.charged(6) == 6
    assert exchange.admit(5, method="POST").weight == 5


def test_it_is_forgotten_after_a_day() -> None:
    exchange = Exchange(9)
    for _ in range(4):
        exchange.call(5)
    exchange.clock.advance(VALID_S - 1)
    assert exchange.charged(5) == 9
    exchange.clock.advance(30)
    assert exchange.charged(5) == 5
    exchange.weight = 4
    exchange.call(5)
    exchange.call(5)
    assert exchange.charged(5) == 5, "one rise is not enough, and those of the day before do not count"


def test_requests_side_by_side_show_nothing() -> None:
    exchange = Exchange(1)
    for _ in range(8):
        sent = [exchange.admit(5) for _ in range(2)]
        for each in sent:
            exchange.respond(each)
    assert exchange.charged(5) == 5


def test_requests_of_other_processes_show_nothing(tmp_path: Path) -> None:
    exchange = Exchange(3, path=tmp_path / "limits.sqlite")
    other = exchange.new_process()
    for _ in range(8):
        exchange.call(5)
        exchange.respond(exchange.admit(5, other), other)
    assert exchange.charged(5) == 5
    for _ in range(4):
        exchange.call(5)
    assert exchange.charged(5) == 3


def test_a_request_in_flight_elsewhere_shows_nothing(tmp_path: Path) -> None:
    exchange = Exchange(3, path=tmp_path / "limits.sqlite")
    other = exchange.new_process()
    exchange.admit(5, other)
    for _ in range(8):
        exchange.call(5)
    assert exchange.charged(5) == 5


def test_a_lost_response_in_between_shows_nothing() -> None:
    exchange = Exchange(3)
    for _ in range(4):
        exchange.call(5)
        exchange.count(3)
        exchange.budget.record_response(exchange.admit(5), None)
    assert exchange.charged(5) == 5


def test_refused_requests_show_nothing() -> None:
    exchange = Exchange(3)
    for _ in range(6):
        exchange.call(5, status=400)
    assert exchange.charged(5) == 5


@pytest.mark.parametrize("seconds", [60, 58.2])
def test_the_turn_of_a_window_shows_nothing(seconds: float) -> None:
    """In the last seconds of a minute a request may be counted in the next one already."""
    exchange = Exchange(3)
    for _ in range(8):
        exchange.call(5)
        exchange.clock.advance(seconds - exchange.clock.time() % 60)
        if seconds != 60:
            exchange.call(5)
            exchange.clock.advance(10)
    assert exchange.charged(5) == 5


def test_counts_of_several_addresses_show_nothing() -> None:
    exchange = Exchange(3)
    for _ in range(4):
        exchange.call(5)
    assert exchange.charged(5) == 3
    exchange._used.clear()
    exchange.call(5)
    assert exchange.charged(5) == 5


def test_counts_of_accounts_show_nothing() -> None:
    """The next key may belong to another account, whose count is another one."""
    exchange = Exchange(3, SAPI_UID)
    for _ in range(8):
        exchange.call(5)
    assert exchange.charged(5) == 5


def test_an_endpoint_with_its_own_counter_is_learnt_too() -> None:
    exchange = Exchange(3, SAPI_IP)
    for _ in range(4):
        exchange.call(5)
    assert exchange.charged(5) == 3


STEP = st.one_of(
    st.tuples(st.just("call"), st.integers(0, 4)),
    st.tuples(st.just("refused"), st.integers(0, 4)),
    st.tuples(st.just("lost"), st.integers(0, 4)),
    st.tuples(st.just("side by side"), st.integers(0, 4)),
    st.tuples(st.just("wait"), st.integers(1, 70)),
)


@settings(max_examples=150, deadline=None)
@given(weight=st.integers(1, 9), declared=st.integers(1, 9), steps=st.lists(STEP, max_size=25))
def test_a_learnt_weight_is_never_below_the_real_one(
    weight: int, declared: int, steps: list[tuple[str, int]]
) -> None:
    exchange = Exchange(weight)
    for what, number in steps:
        if what == "wait":
            exchange.clock.advance(number)
        elif what == "lost":
            exchange.count(weight)
            exchange.budget.record_response(exchange.admit(declared), None)
        elif what == "side by side":
            first, second = exchange.admit(declared), exchange.admit(declared)
            exchange.count(number)
            exchange.respond(second)
            exchange.respond(first)
        else:
            exchange.call(declared, number, status=200 if what == "call" else 400)
        charged = exchange.budget.learned_weights.weight_of(DeclaredWeight("GET", PATH, declared))
        assert charged == declared or charged >= weight


def test_it_is_logged_once_and_a_line_of_the_doctor(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    exchange = Exchange(30)
    for _ in range(9):
        exchange.call(5)
    said = [record.message for record in caplog.records if "counts" in record.message]
    assert said == [
        f"GET {PATH}: the exchange counts a weight of 30, not 5: charged as it counts from now on"
    ]
    assert f"GET {PATH} 30 instead of 5" in weight_check(exchange.budget).found


class Scene:
    """A Link to a server that counts 7 for each request, and answers with a row."""

    def __init__(self, server: RecordingServer) -> None:
        self.exchange = Exchange(7)
        server.respond = self._respond
        hosts = dict.fromkeys(BASE_URLS, server.address)
        self.link = toolkit.Link(key="k" * 64, secret="s" * 64, hosts=hosts, clock=self.exchange.clock)

    def _respond(self, _: RecordedRequest) -> bytes:
        used = b"X-MBX-USED-WEIGHT-1M: %d" % self.exchange.count(7)
        date = b"Date: " + formatdate(self.exchange.clock.time(), usegmt=True).encode()
        return answer(200, b'{"symbol":"BTCUSDT"}', used, date)


@pytest.fixture
def scene() -> Iterator[Scene]:
    with recording_server() as server:
        made = Scene(server)
        yield made
        made.link.close()


def test_a_frame_says_what_was_charged(scene: Scene) -> None:
    endpoint = Endpoint(
        name="income",
        system="portfolio",
        path=PATH,
        rate_limit=PAPI,
        security="NONE",
        weight=2,
        columns=(Column(name="symbol", field="symbol", kind="text", doc="Symbol."),),
        summary="One row.",
        source="https://example.com",
    )
    scene.exchange.clock.advance(10)
    weights = [scene.link._fetcher.fetch(endpoint, {}).attrs["weight"] for _ in range(6)]
    assert weights == [2, 2, 2, 2, 7, 7]
    assert scene.link._fetcher.fetch(replace(endpoint, weight=7), {}).attrs["weight"] == 7
