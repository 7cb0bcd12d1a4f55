"""Each host's clock as measured from here."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.clocks import FakeClock
from tests.support.recording import RecordingServer
from tests.support.sandbox_env import SandboxEnv
from tests.support.writes import small_world
from toolkit.client import Link
from toolkit.endpoints import BASE_URLS
from toolkit.gateway.sender import timestamp
from toolkit.timing.clock import HostClock, Measured


def test_half_the_round_trip_is_taken_off() -> None:
    clock = FakeClock()
    host = HostClock(clock)

    def ask() -> tuple[float, float]:
        clock.advance(0.2)  # there
        told = clock.time() + 100
        clock.advance(0.2)  # and back
        return told, 0.0

    host.use(host.measure(ask))
    assert host.time() == pytest.approx(clock.time() + 100)
    assert host.offset == pytest.approx(100)
    assert host.reading()[1] == pytest.approx(0.2)


def test_it_is_this_machines_until_it_was_measured() -> None:
    clock = FakeClock()
    host = HostClock(clock)
    assert host.time() == clock.time()
    assert host.offset is None
    assert not host.is_fresh()


def test_a_step_of_the_wall_clock_changes_nothing_but_has_it_measured_again() -> None:
    clock = FakeClock()
    host = HostClock(clock)
    host.use(host.measure(lambda: (clock.time(), 0.0)))
    before = host.time()
    clock.wall_ahead = -3600.0
    assert host.time() == before
    assert not host.is_fresh()


def test_a_measurement_grows_old() -> None:
    clock = FakeClock()
    host = HostClock(clock, fresh_for=60)
    host.use(host.measure(lambda: (clock.time(), 0.0)))
    clock.advance(59)
    assert host.is_fresh()
    clock.advance(2)
    assert not host.is_fresh()


@pytest.mark.parametrize("ahead", [0.0, 86_400.0, -86_400.0, 0.9])
def test_every_host_is_asked_once_and_requests_carry_its_time(ahead: float) -> None:
    env = SandboxEnv(ahead=ahead)
    try:
        for _ in range(2):
            env.link.exchange.partner()
            env.link.futures.overview()
            env.link.portfolio.customer_id("A")
        assert set(env.sent()) == {200}
        assert len(env.sent("/api/v3/time")) == len(env.sent("/fapi/v1/time")) == 1
        assert len(env.sent("/papi/v1/ping")) == 1
        for host in ("api", "fapi"):
            assert env.link.clock_offset(host) == pytest.approx(ahead, abs=0.01)
        # Only a Date is to be had from /papi, cut to whole seconds: half a second off at most.
        assert env.link.clock_offset("papi") == pytest.approx(ahead, abs=0.51)
    finally:
        env.close()


def test_a_host_that_does_not_tell_the_time_is_talked_to_all_the_same(env: SandboxEnv) -> None:
    env.exchange.faults.add("reset", path="/api/v3/time", times=None)
    assert len(env.link.exchange.partner()) == 1
    assert env.link.clock_offset("api") is None


@pytest.mark.parametrize("ahead", [3 * 86_400.0, -3 * 86_400.0])
def test_now_is_the_exchanges_now(ahead: float) -> None:
    """Also for the first fetch, whose arguments are checked before the exchange is asked."""
    env = SandboxEnv(ahead=ahead)
    try:
        frame = env.link.spot.rebates(start="-1D")
        assert pd.Timestamp(frame.attrs["parameters"]["end"]).timestamp() == pytest.approx(
            env.now / 1000, abs=1
        )
        assert len(frame) > 0
    finally:
        env.close()


@pytest.mark.parametrize(("ahead", "start"), [(3600.0, -1800.0), (-3600.0, -7 * 86_400.0 + 60)])
def test_a_good_argument_is_not_refused_because_this_machines_clock_is_off(
    ahead: float, start: float
) -> None:
    """Half an hour ago by the exchange may lie in this machine's future, and what is kept in its past."""
    env = SandboxEnv(ahead=ahead)
    try:
        moment = pd.Timestamp(env.now + start * 1000, unit="ms", tz="UTC")
        assert len(env.link.spot.kickbacks(start=moment)) >= 0
    finally:
        env.close()


# -- slow lines ----------------------------------------------------------------------------------------------


class SlowServer(RecordingServer):
    """In front of a sandbox: making its first connections takes long, or so do the answers of some paths."""

    def __init__(self, env: SandboxEnv, *, first: float = 0.0, time: float = 0.0) -> None:
        self.clock, self.first, self.time = env.clock, first, time
        super().__init__(env.sandbox.address)

    def _serve(self, line: socket.socket, number: int) -> None:
        if number == 1:
            self.clock.advance(self.first)  # the client has begun to connect by now, and has sent nothing
        super()._serve(line, number)

    def _answer(self, raw: bytes) -> bytes:
        if b"/time" in raw.partition(b"\r\n")[0]:
            self.clock.advance(self.time)  # all of it is the way there
        return super()._answer(raw)


@contextlib.contextmanager
def slow(env: SandboxEnv, *, first: float = 0.0, time: float = 0.0) -> Iterator[tuple[Link, SlowServer]]:
    """A Link on a sandbox over such a line."""
    line = SlowServer(env, first=first, time=time)
    link = env.new_link(hosts=dict.fromkeys(BASE_URLS, line.address))
    try:
        yield link, line
    finally:
        link.close()
        line.close()


@pytest.fixture
def small() -> Iterator[SandboxEnv]:
    made = SandboxEnv(world=small_world())
    yield made
    made.close()


@pytest.mark.parametrize("seconds", [5.0, 3.0, 0.9])
def test_the_first_write_over_a_line_that_was_slow_to_come_up_is_not_ahead(
    small: SandboxEnv, seconds: float
) -> None:
    """What it took to connect is no part of the way of what is sent later."""
    with slow(small, first=seconds) as (link, _):
        outcome = link.operations().exchange.create_sub_account(tag="first")
        assert outcome.status == "confirmed", outcome.error
        assert link.clock_offset() == pytest.approx(0.0, abs=0.5)


def test_a_quick_line_is_asked_once_and_a_slow_one_twice(small: SandboxEnv) -> None:
    with slow(small, first=0.5) as (link, _):
        link.exchange.partner()
        assert len(small.sent("/api/v3/time")) == 1
    other = SandboxEnv()
    try:
        with slow(other, first=1.5) as (link, line):
            link.exchange.partner()
            assert len(other.sent("/api/v3/time")) == 2
            assert len({sent.connection for sent in line.sent if "/time" in sent.line}) == 1
    finally:
        other.close()


def test_where_every_answer_takes_long_a_timestamp_is_set_back_by_what_it_may_be_ahead(
    small: SandboxEnv,
) -> None:
    with slow(small, time=3.0) as (link, _):
        outcome = link.operations().exchange.create_sub_account(tag="slow")
        assert outcome.status == "confirmed", outcome.error


def test_nor_is_a_bad_measurement_of_another_process_gone_by(small: SandboxEnv) -> None:
    now = small.clock.monotonic()
    ahead = small.exchange_clock.time() - now + 2.5
    small.link._connection.budget.publish_clock("api", Measured(ahead, 2.5, now))
    outcome = small.link.operations().exchange.create_sub_account(tag="shared")
    assert outcome.status == "confirmed", outcome.error
    assert small.link.clock_offset() == pytest.approx(0.0, abs=0.01)
    shared = small.link._connection.budget.shared_clock("api")
    assert shared is not None
    assert shared.error < 0.1, "and the next process has it better"


@given(there=st.floats(0, 4), next_done=st.floats(0, 4))
def test_a_timestamp_is_neither_ahead_nor_too_old_however_slow_the_line(
    there: float, next_done: float
) -> None:
    clock = FakeClock()
    host = HostClock(clock)

    def ask() -> tuple[float, float]:
        clock.advance(there)
        told = clock.time()
        clock.advance(next_done)
        return told, 0.0

    host.use(host.measure(ask))
    ahead = timestamp(host, recv_window=5000) / 1000 - clock.time()
    assert -5.0 < ahead < 1.0
