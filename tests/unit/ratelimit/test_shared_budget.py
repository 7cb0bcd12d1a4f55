"""Counting, use by other programs, limits fetched from the exchange, and budgets of several processes."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

import toolkit
from tests.support.clocks import FakeClock
from tests.support.sandbox_env import SandboxEnv
from toolkit import errors
from toolkit.endpoints import API, FAPI, Host
from toolkit.ratelimit.budget import Budget
from toolkit.ratelimit.counting import (
    HEADROOM_FRACTION,
    CompletedRequest,
    Counter,
    ProcessCount,
    WindowBounds,
)
from toolkit.ratelimit.limits import LIMITS_REREAD_S, LIMITS_RETRY_S, LIMITS_VALID_S
from toolkit.ratelimit.records import ReportedLimit
from toolkit.ratelimit.store import RateLimitStore
from toolkit.timing.clock import HostClock

HOSTS: tuple[Host, ...] = ("api", "fapi", "papi")
INFO = "/fapi/v1/exchangeInfo"
OVERVIEW = "/fapi/v1/apiReferral/overview"


def shared(clock: FakeClock, path: Path) -> Budget:
    """Return a budget on a shared file, as another process has it."""
    return Budget(clock, {host: HostClock(clock) for host in HOSTS}, RateLimitStore(path, clock))


def sent(weight: int, at: float, ended: float, window: int = 7) -> CompletedRequest:
    return CompletedRequest(weight, window, at, ended, 0.5)


# -- one counter -------------------------------------------------------------------------------------------


def test_a_lost_request_counts_until_a_later_one_is_counted() -> None:
    counter = Counter(7, reported=10)
    counter.reserve(1, 5, now=1.0)
    counter.record_response(1, sent(5, 1.0, 4.0), None, None)
    assert counter.used == 15
    counter.reserve(1, 1, now=3.0)
    counter.record_response(1, sent(1, 3.0, 5.0), 11, 7)
    assert counter.used == 16, "sent before the loss, so its count may not include the lost one"
    counter.reserve(1, 1, now=4.5)
    counter.record_response(1, sent(1, 4.5, 6.0), 17, 7)
    assert counter.used == 17, "sent after the loss, so its count includes the lost one if it arrived"


def test_unconfirmed_weight_counts_against_the_limit() -> None:
    counter = Counter(7, reported=10, external=0, unconfirmed=5)
    assert counter.obstacle(6, 20, 1.0, 0.5) == "used up"
    assert counter.obstacle(5, 20, 1.0, 0.5) is None


def test_counts_out_of_order_do_not_lower_the_count() -> None:
    counter = Counter(7)
    for n in range(2):
        counter.reserve(1, 5, now=float(n))
    counter.record_response(1, sent(5, 1.0, 2.0), 10, 7)
    counter.record_response(1, sent(5, 0.0, 3.0), 5, 7)
    assert counter.reported == 10


def test_requests_of_a_dead_process_are_dropped_with_the_window() -> None:
    for at, unconfirmed in ((51.0, 0), (59.5, 8)):
        counter = Counter(
            7, processes={1: ProcessCount(in_flight=3, sent_at=at), 2: ProcessCount(in_flight=8, sent_at=at)}
        )
        counter.roll_over(WindowBounds(8, 60.0, 20), is_alive=lambda process: process == 1)
        assert counter.processes == {1: ProcessCount(carried_over=3, sent_at=at)}
        assert counter.unconfirmed == unconfirmed, "only its last requests may be charged to the next window"


def test_a_request_sent_long_ago_counts_as_charged() -> None:
    """Short windows may end twice while a request is in flight; it must not block others for ever."""
    for began, carried_over in ((9.0, 20), (11.0, 0)):
        counter = Counter(7, reported=5, processes={1: ProcessCount(used=5, in_flight=20, sent_at=0.0)})
        counter.roll_over(WindowBounds(9, began, 20), is_alive=lambda _: True)
        assert counter.in_flight == carried_over
        assert (counter.obstacle(20, 20, 1.0, 0.5) is None) == (not carried_over)


def test_external_use_is_left_free_in_the_next_window() -> None:
    counter = Counter(7, processes={1: ProcessCount(in_flight=1)})
    counter.record_response(1, sent(1, 0.0, 1.0), 301, 7)
    assert counter.external == 300
    counter.roll_over(WindowBounds(8, 0.0, 600), is_alive=lambda _: True)
    counter.reserve(1, 1, now=1.0)
    left = 600 - 300 - math.ceil(HEADROOM_FRACTION * 600)
    assert counter.obstacle(left - 1, 600, 1.0, 0.5) is None
    assert counter.obstacle(left, 600, 1.0, 0.5) == "in flight"
    counter.record_response(1, sent(1, 1.0, 2.0, 8), 1, 8)
    assert counter.obstacle(left, 600, 1.0, 0.5) == "external"


def test_expected_external_use_grows_with_demand_and_decays() -> None:
    counter = Counter(7, reported=600, external=100)
    counter.roll_over(WindowBounds(8, 0.0, 600), is_alive=lambda _: True)
    assert counter.expected == 150
    counter.reported_at = 0.9
    counter.roll_over(WindowBounds(9, 0.0, 600), is_alive=lambda _: True)
    assert counter.expected == 75
    counter.reported_at = 0.1
    counter.roll_over(WindowBounds(10, 0.0, 600), is_alive=lambda _: True)
    assert counter.expected == 65, "no report late in that window, so the use may have come after it"
    counter.roll_over(WindowBounds(13, 0.0, 600), is_alive=lambda _: True)
    assert counter.expected == 65 * 7 // 8 // 4, "windows without requests halve it"


def test_a_few_external_requests_reserve_only_a_little() -> None:
    """A browser tab that fetches the time must not cost three per cent of the limit."""
    counter = Counter(7, reported=2, external=2, reported_at=0.99)
    assert counter.obstacle(600 - 2 - 2 - 1, 600, 1.0, 0.99) is None
    assert counter.obstacle(600 - 2 - 2 - 8, 600, 1.0, 0.0) is None


def test_new_external_use_is_expected_to_continue_at_its_rate() -> None:
    counter = Counter(7, reported=50, external=50, reported_at=0.25)
    assert counter.obstacle(600 - 50 - 150 - 18, 600, 1.0, 0.3) is None
    assert counter.obstacle(600 - 50 - 150 - 17, 600, 1.0, 0.3) == "external"


def test_a_past_burst_is_not_expected_to_continue() -> None:
    counter = Counter(7)
    for at, count in ((0.01, 100), (0.06, 101), (0.2, 102)):
        counter.reserve(1, 1, now=at)
        counter.record_response(1, CompletedRequest(1, 7, at, at, at), count, 7)
    assert counter.external == 99
    assert counter.obstacle(460, 600, 1.0, 0.95) is None


def test_next_to_external_use_the_limit_is_released_gradually() -> None:
    """Using all of it at once would hide what other programs want to use."""
    counter = Counter(8, reported=100, expected=100)
    free = [600 - 100 - 18 - reserved for reserved in (360, 180, 100)]
    for elapsed, weight in zip((0.0, 0.5, 0.9), free, strict=True):
        assert counter.obstacle(weight, 600, 1.0, elapsed) is None
        assert counter.obstacle(weight + 1, 600, 1.0, elapsed) == "external"
    without_others = Counter(8, reported=100)
    assert without_others.obstacle(500, 600, 1.0, 0.0) is None


# -- limit_fraction ----------------------------------------------------------------------------------------


def test_a_link_with_a_limit_fraction_leaves_the_rest(env: SandboxEnv) -> None:
    half = env.new_link(limit_fraction=0.5)
    for _ in range(30):
        half.futures.overview()
    first, *_ = [window for window in env.exchange.windows if window.rate_limit == "fapi"]
    assert 1000 <= first.used <= 1200
    assert set(env.sent()) == {200}


def test_a_link_with_a_larger_fraction_continues(env: SandboxEnv) -> None:
    half = env.new_link(limit_fraction=0.5)
    for _ in range(11):
        half.futures.overview()
    before = env.clock.monotonic()
    for _ in range(12):
        env.link.futures.overview()
    assert env.clock.monotonic() - before < 1
    half.futures.overview()
    assert env.clock.monotonic() - before > 1, "use by the other Link counts too"


@pytest.mark.parametrize("limit_fraction", [0, -0.5, 1.5, True, "half", None, float("nan")])
def test_an_invalid_limit_fraction_is_refused(env: SandboxEnv, limit_fraction: object) -> None:
    with pytest.raises(errors.UsageError, match="limit_fraction"):
        env.new_link(limit_fraction=limit_fraction)


# -- limits fetched from the exchange ----------------------------------------------------------------------


def test_the_limit_is_fetched_before_the_first_request() -> None:
    env = SandboxEnv(exchange={"limit_scale": 0.25})
    try:
        assert env.link.budget.limit(FAPI) == 2400
        for _ in range(8):
            env.link.futures.overview()
        assert env.link.budget.limit(FAPI) == 600
        assert env.sent(INFO) == [200]
        assert set(env.sent()) == {200}
    finally:
        env.close()


def test_the_length_of_the_window_is_fetched_too() -> None:
    env = SandboxEnv(exchange={"limit_scale": 0.25, "window_seconds": 7})
    try:
        env.link.futures.overview()
        before = env.clock.monotonic()
        for _ in range(18):
            env.link.futures.overview()
        assert 14 <= env.clock.monotonic() - before < 30
        assert set(env.sent()) == {200}
        use = next(
            use
            for use in env.link.budget.snapshot().rate_limits
            if use.rate_limit == FAPI and use.seconds == 7
        )
        assert use.limit == 600
    finally:
        env.close()


def test_the_limit_is_fetched_once_a_day_and_after_a_429(env: SandboxEnv) -> None:
    env.link.futures.overview()
    env.link.futures.volumes()
    assert len(env.sent(INFO)) == 1
    env.clock.advance(LIMITS_VALID_S + 1)
    env.link.futures.overview()
    assert len(env.sent(INFO)) == 2
    env.exchange.faults.add("rate-limit", path=OVERVIEW, seconds=1)
    env.link.futures.overview()
    assert len(env.sent(INFO)) == 3, "after a 429 the limit may have changed"


def test_without_a_response_the_documented_limit_applies(env: SandboxEnv) -> None:
    env.exchange.faults.add("server-error", path=INFO, times=None)
    env.link.futures.overview()
    env.link.futures.overview()
    assert env.sent(INFO) == [503]
    assert env.link.budget.limit(FAPI) == 2400
    env.clock.advance(LIMITS_RETRY_S + 1)
    env.exchange.faults.clear()
    env.link.futures.overview()
    assert env.sent(INFO) == [503, 200]


def test_a_read_of_sapi_fetches_no_limits(env: SandboxEnv) -> None:
    env.link.exchange.partner()
    assert env.sent("/api/v3/exchangeInfo") == []
    env.link.get("/api/v3/time")
    assert env.sent("/api/v3/exchangeInfo") == [200]
    assert env.link._connection.budget.has_current_limits(API)


def test_a_limit_set_by_the_user_takes_precedence() -> None:
    env = SandboxEnv(link={"limits": {"fapi": 300}})
    try:
        env.link.futures.overview()
        assert env.link.budget.limit(FAPI) == 300
    finally:
        env.close()


def test_of_several_limits_the_one_in_the_headers_applies() -> None:
    budget = shared(FakeClock(), Path("/dev/null/none"))
    budget.update_limits(
        FAPI,
        [
            ReportedLimit("weight", 10, 1000),
            ReportedLimit("weight", 60, 2000),
            ReportedLimit("orders", 60, 1),
        ],
    )
    assert budget._limits.in_force(FAPI) == ReportedLimit("weight", 60, 2000)
    budget.update_limits(FAPI, [ReportedLimit("weight", 300, 5000), ReportedLimit("weight", 10, 1000)])
    assert budget._limits.in_force(FAPI) == ReportedLimit("weight", 300, 5000)


def test_order_counts_come_with_their_limit(env: SandboxEnv) -> None:
    env.exchange.faults.add("extra-header", path=OVERVIEW, name="X-MBX-ORDER-COUNT-1M", value=7)
    env.link.futures.overview()
    (count,) = env.link.budget.snapshot().other_counts
    assert (count.host, count.kind, count.seconds, count.used, count.limit) == ("fapi", "orders", 60, 7, 1200)
    usage = env.link.usage()
    assert usage.loc[usage["counts"] == "orders", "total"].tolist() == [7]
    env.clock.advance(61)
    assert env.link.budget.snapshot().other_counts == ()


# -- several processes -------------------------------------------------------------------------------------


def test_two_processes_see_each_others_reservations(tmp_path: Path) -> None:
    clock = FakeClock()
    one, other = (shared(clock, tmp_path / "x.sqlite") for _ in range(2))
    one.record_response(one.admit(FAPI, OVERVIEW, 300, "x"), 200)
    one.admit(FAPI, OVERVIEW, 2000, "x")
    other.admit(FAPI, OVERVIEW, 100, "y")
    assert not clock.slept
    for each in (one, other):
        (use,) = each.snapshot().rate_limits
        assert (use.used, use.in_flight) == (300, 2100)
    other.admit(FAPI, OVERVIEW, 1, "y")
    assert clock.slept, "it waited for the next window"


def test_a_restarted_kernel_knows_the_ban(tmp_path: Path) -> None:
    clock = FakeClock()
    one = shared(clock, tmp_path / "x.sqlite")
    one.record_response(one.admit(FAPI, OVERVIEW, 1, "x"), 418, {"Retry-After": "300"})
    restarted = shared(clock, tmp_path / "x.sqlite")
    clock.advance(100)
    with pytest.raises(errors.BannedError) as caught:
        restarted.admit(API, "/api/v3/time", 1, "clock")
    assert caught.value.until.timestamp() == pytest.approx(clock.time() + 200)
    clock.advance(201)
    restarted.admit(API, "/api/v3/time", 1, "clock")


def test_a_pause_applies_to_every_process_and_to_that_host_only(tmp_path: Path) -> None:
    clock = FakeClock()
    one, other = (shared(clock, tmp_path / "x.sqlite") for _ in range(2))
    one.record_response(one.admit(FAPI, OVERVIEW, 1, "x"), 429, {"Retry-After": "17"})
    other.admit(API, "/api/v3/time", 1, "clock")
    assert not clock.slept
    other.admit(FAPI, OVERVIEW, 1, "x")
    assert sum(clock.slept) == pytest.approx(17)


def test_limits_and_clocks_are_shared_by_all_processes(tmp_path: Path) -> None:
    clock = FakeClock()
    one, other = (shared(clock, tmp_path / "x.sqlite") for _ in range(2))
    host_clock = HostClock(clock)
    one.publish_clock("fapi", host_clock.measure(lambda: (clock.time() + 5, 0.0)))
    one.update_limits(FAPI, [ReportedLimit("weight", 60, 1000)])
    assert other.shared_clock("fapi") == one.shared_clock("fapi")
    third = shared(clock, tmp_path / "x.sqlite")
    assert third.limit(FAPI) == 1000
    assert third.has_current_limits(FAPI)
    assert other.has_current_limits(FAPI), "a running process reads the store before it fetches"
    assert other.limit(FAPI) == 1000
    one.update_limits(FAPI, [ReportedLimit("weight", 60, 500)])
    clock.advance(LIMITS_REREAD_S + 1)
    other.admit(FAPI, OVERVIEW, 1, "x")
    assert other.limit(FAPI) == 500


# -- pages of a known number -------------------------------------------------------------------------------


def test_pages_of_a_known_number_are_fetched_in_parallel_at_the_same_weight() -> None:
    link = toolkit.demo(seed=7, latency_ms=30)
    try:
        first = link.exchange.futures_balances("um")
        again = link.exchange.futures_balances("um")
        estimate_weight = link.estimate_weight("exchange.futures_balances", len(first))
        assert again.attrs["requests"] == first.attrs["requests"] == estimate_weight.requests
        assert link.sandbox is not None
        times = [each.time for each in link.sandbox.exchange.log if "futuresSummary" in each.path]
        half = len(times) // 2
        assert times[-1] - times[half] < (times[half - 1] - times[0]) / 2
    finally:
        link.close()


def test_a_warning_points_at_the_users_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TOOLKIT_RATE_LIMITS", str(tmp_path / "file" / "under"))
    with pytest.warns(errors.RateLimitWarning, match="counted by this process alone") as caught:
        toolkit.demo().close()
    assert [each.filename for each in caught] == [__file__]


def test_no_retry_after_makes_a_429_retry_at_once(env: SandboxEnv) -> None:
    env.exchange.faults.add("rate-limit", path=OVERVIEW, seconds=0, times=2)
    before = env.clock.monotonic()
    env.link.futures.overview()
    assert env.clock.monotonic() - before >= 2


def test_a_418_with_a_retry_after_of_zero_is_a_ban() -> None:
    budget = shared(FakeClock(), Path("/dev/null/none"))
    budget.record_response(budget.admit(FAPI, OVERVIEW, 1, "x"), 418, {"Retry-After": "0"})
    with pytest.raises(errors.BannedError):
        budget.admit(FAPI, OVERVIEW, 1, "x")


@pytest.mark.parametrize("name", ["X-MBX-ORDER-COUNT-0S", f"X-MBX-ORDER-COUNT-{'9' * 20}S"])
def test_an_invalid_count_header_loses_no_response(env: SandboxEnv, name: str) -> None:
    env.exchange.faults.add("extra-header", path=OVERVIEW, name=name, value=7)
    assert len(env.link.futures.overview()) == 1
    assert env.link.budget.snapshot().other_counts == ()


def test_a_ban_at_the_first_call_names_the_endpoint(env: SandboxEnv) -> None:
    env.link._connection.budget.ban(100.0)
    with pytest.raises(errors.BannedError, match=r"futures\.overview was refused"):
        env.link.futures.overview()


def test_script_names_need_not_be_utf8(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["/home/x/r\udce9sum\udce9.py"])
    budget = shared(FakeClock(), tmp_path / "x.sqlite")
    budget.admit(FAPI, OVERVIEW, 1, "x")
    assert budget.local_only_reason == ""
    assert budget.snapshot().rate_limits[0].processes[0].name == "r?sum?.py"
