"""Each host's clock as measured from here."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.clocks import FakeClock
from tests.rig import Rig
from toolkit.wire.clock import HostClock


def test_half_the_round_trip_is_taken_off() -> None:
    clock = FakeClock()
    host = HostClock(clock)

    def ask() -> tuple[float, float]:
        clock.advance(0.2)  # there
        told = clock.time() + 100
        clock.advance(0.2)  # and back
        return told, 0.0

    host.measure(ask)
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
    host.measure(lambda: (clock.time(), 0.0))
    before = host.time()
    clock.wall_ahead = -3600.0
    assert host.time() == before
    assert not host.is_fresh()


def test_a_measurement_grows_old() -> None:
    clock = FakeClock()
    host = HostClock(clock, fresh_for=60)
    host.measure(lambda: (clock.time(), 0.0))
    clock.advance(59)
    assert host.is_fresh()
    clock.advance(2)
    assert not host.is_fresh()


@pytest.mark.parametrize("ahead", [0.0, 86_400.0, -86_400.0, 0.9])
def test_every_host_is_asked_once_and_requests_carry_its_time(ahead: float) -> None:
    rig = Rig(ahead=ahead)
    try:
        for _ in range(2):
            rig.link.exchange.partner()
            rig.link.futures.overview()
            rig.link.portfolio.customer_id("A")
        assert set(rig.sent()) == {200}
        assert len(rig.sent("/api/v3/time")) == len(rig.sent("/fapi/v1/time")) == 1
        assert len(rig.sent("/papi/v1/ping")) == 1
        for host in ("api", "fapi"):
            assert rig.link.clock_offset(host) == pytest.approx(ahead, abs=0.01)
        # Only a Date is to be had from /papi, cut to whole seconds: never ahead of the host.
        offset = rig.link.clock_offset("papi")
        assert offset is not None
        assert ahead - 1.01 <= offset <= ahead + 0.01
    finally:
        rig.close()


def test_a_host_that_does_not_tell_the_time_is_talked_to_all_the_same(rig: Rig) -> None:
    rig.exchange.faults.add("reset", path="/api/v3/time", times=None)
    assert len(rig.link.exchange.partner()) == 1
    assert rig.link.clock_offset("api") is None


@pytest.mark.parametrize("ahead", [3 * 86_400.0, -3 * 86_400.0])
def test_now_is_the_exchanges_now(ahead: float) -> None:
    """Also for the first fetch, whose arguments are checked before the exchange is asked."""
    rig = Rig(ahead=ahead)
    try:
        frame = rig.link.spot.rebates(start="-1D")
        assert pd.Timestamp(frame.attrs["parameters"]["end"]).timestamp() == pytest.approx(
            rig.now / 1000, abs=1
        )
        assert len(frame) > 0
    finally:
        rig.close()


@pytest.mark.parametrize(("ahead", "start"), [(3600.0, -1800.0), (-3600.0, -7 * 86_400.0 + 60)])
def test_a_good_argument_is_not_refused_because_this_machines_clock_is_off(
    ahead: float, start: float
) -> None:
    """Half an hour ago by the exchange may lie in this machine's future, and what is kept in its past."""
    rig = Rig(ahead=ahead)
    try:
        moment = pd.Timestamp(rig.now + start * 1000, unit="ms", tz="UTC")
        assert len(rig.link.spot.kickbacks(start=moment)) >= 0
    finally:
        rig.close()
