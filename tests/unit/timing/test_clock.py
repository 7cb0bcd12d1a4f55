"""Measuring the clock of each host."""

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
from toolkit.timing.clock import ClockMeasurement, HostClock


def test_half_the_round_trip_is_subtracted() -> None:
    clock = FakeClock()
    host = HostClock(clock)

    def ask() -> tuple[float, float]:
        clock.advance(0.2)  # to the host
        told = clock.time() + 100
        clock.advance(0.2)  # and back
        return told, 0.0

    host.use(host.measure(ask))
    assert host.time() == pytest.approx(clock.time() + 100)
    assert host.offset == pytest.approx(100)
    assert host.reading()[1] == pytest.approx(0.2)


def test_this_machines_clock_is_used_until_the_first_measurement() -> None:
    clock = FakeClock()
    host = HostClock(clock)
    assert host.time() == clock.time()
    assert host.offset is None
    assert not host.is_fresh()


def test_a_step_of_the_wall_clock_only_causes_a_new_measurement() -> None:
    clock = FakeClock()
    host = HostClock(clock)
    host.use(host.measure(lambda: (clock.time(), 0.0)))
    before = host.time()
    clock.wall_ahead = -3600.0
    assert host.time() == before
    assert not host.is_fresh()


def test_a_measurement_expires() -> None:
    clock = FakeClock()
    host = HostClock(clock, max_age_s=60)
    host.use(host.measure(lambda: (clock.time(), 0.0)))
    clock.advance(59)
    assert host.is_fresh()
    clock.advance(2)
    assert not host.is_fresh()


@pytest.mark.parametrize("ahead", [0.0, 86_400.0, -86_400.0, 0.9])
def test_each_host_is_measured_once_and_requests_carry_its_time(ahead: float) -> None:
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
        # /papi has only the Date header, in whole seconds: at most half a second off.
        assert env.link.clock_offset("papi") == pytest.approx(ahead, abs=0.51)
    finally:
        env.close()


def test_a_host_without_a_time_endpoint_can_be_used(env: SandboxEnv) -> None:
    env.exchange.faults.add("reset", path="/api/v3/time", times=None)
    assert len(env.link.exchange.partner()) == 1
    assert env.link.clock_offset("api") is None


@pytest.mark.parametrize("ahead", [3 * 86_400.0, -3 * 86_400.0])
def test_relative_times_are_by_the_exchanges_clock(ahead: float) -> None:
    """Also in the first fetch, whose arguments are checked before any request."""
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
def test_a_wrong_local_clock_does_not_refuse_a_valid_argument(ahead: float, start: float) -> None:
    """By a wrong local clock, a valid time may be in the future, or older than the exchange keeps data."""
    env = SandboxEnv(ahead=ahead)
    try:
        moment = pd.Timestamp(env.now + start * 1000, unit="ms", tz="UTC")
        assert len(env.link.spot.kickbacks(start=moment)) >= 0
    finally:
        env.close()


# -- slow connections
# ----------------------------------------------------------------------------------------------


class SlowServer(RecordingServer):
    """A proxy for a sandbox whose first connections or time responses are slow."""

    def __init__(self, env: SandboxEnv, *, first: float = 0.0, time: float = 0.0) -> None:
        self.clock, self.first, self.time = env.clock, first, time
        super().__init__(env.sandbox.address)

    def _serve(self, sock: socket.socket, number: int) -> None:
        if number == 1:
            self.clock.advance(self.first)  # the client is connecting and has sent nothing yet
        super()._serve(sock, number)

    def _answer(self, raw: bytes) -> bytes:
        if b"/time" in raw.partition(b"\r\n")[0]:
            self.clock.advance(self.time)  # all of it before the request arrives
        return super()._answer(raw)


@contextlib.contextmanager
def slow_link(env: SandboxEnv, *, first: float = 0.0, time: float = 0.0) -> Iterator[tuple[Link, SlowServer]]:
    """A Link to a sandbox through such a proxy."""
    sock = SlowServer(env, first=first, time=time)
    link = env.new_link(hosts=dict.fromkeys(BASE_URLS, sock.address))
    try:
        yield link, sock
    finally:
        link.close()
        sock.close()


@pytest.fixture
def small_env() -> Iterator[SandboxEnv]:
    made = SandboxEnv(world=small_world())
    yield made
    made.close()


@pytest.mark.parametrize("seconds", [5.0, 3.0, 0.9])
def test_a_slow_first_connection_does_not_put_timestamps_ahead(small_env: SandboxEnv, seconds: float) -> None:
    """The time to connect is not part of later round trips."""
    with slow_link(small_env, first=seconds) as (link, _):
        outcome = link.operations().exchange.create_sub_account(tag="first")
        assert outcome.status == "confirmed", outcome.error
        assert link.clock_offset() == pytest.approx(0.0, abs=0.5)


def test_a_slow_measurement_is_repeated(small_env: SandboxEnv) -> None:
    with slow_link(small_env, first=0.5) as (link, _):
        link.exchange.partner()
        assert len(small_env.sent("/api/v3/time")) == 1
    other = SandboxEnv()
    try:
        with slow_link(other, first=1.5) as (link, sock):
            link.exchange.partner()
            assert len(other.sent("/api/v3/time")) == 2
            assert len({sent.connection for sent in sock.sent if "/time" in sent.line}) == 1
    finally:
        other.close()


def test_a_timestamp_is_set_back_by_the_error_of_the_measurement(
    small_env: SandboxEnv,
) -> None:
    with slow_link(small_env, time=3.0) as (link, _):
        outcome = link.operations().exchange.create_sub_account(tag="slow")
        assert outcome.status == "confirmed", outcome.error


def test_a_bad_measurement_of_another_process_is_not_used(small_env: SandboxEnv) -> None:
    now = small_env.clock.monotonic()
    ahead = small_env.exchange_clock.time() - now + 2.5
    small_env.link._connection.budget.publish_clock("api", ClockMeasurement(ahead, 2.5, now))
    outcome = small_env.link.operations().exchange.create_sub_account(tag="shared")
    assert outcome.status == "confirmed", outcome.error
    assert small_env.link.clock_offset() == pytest.approx(0.0, abs=0.01)
    shared = small_env.link._connection.budget.shared_clock("api")
    assert shared is not None
    assert shared.error < 0.1, "and the next process has it better"


@given(there=st.floats(0, 4), next_done=st.floats(0, 4))
def test_a_timestamp_is_valid_on_any_connection(there: float, next_done: float) -> None:
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
