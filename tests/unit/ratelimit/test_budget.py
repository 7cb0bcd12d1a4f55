"""Rate limits within one process: the limit is used in full, without a 429."""

from __future__ import annotations

import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

import toolkit
from tests.support.clocks import FakeClock
from tests.support.sandbox_env import SandboxEnv
from toolkit import errors
from toolkit.endpoints import FAPI, RATE_LIMITS, SAPI_IP, SAPI_UID, Host
from toolkit.ratelimit.budget import Budget
from toolkit.ratelimit.headers import Count, read_counts
from toolkit.timing.clock import SYSTEM_CLOCK, ClockMeasurement, HostClock
from toolkit.timing.http_dates import read_retry_after

HOSTS: tuple[Host, ...] = ("api", "fapi", "papi")


def new_budget(clock: FakeClock) -> Budget:
    return Budget(clock, {host: HostClock(clock) for host in HOSTS})


# -- fetches that need several windows ---------------------------------------------------------------------


@pytest.mark.parametrize("ahead", [0.0, 17.3, -42.0])
def test_three_windows_are_used_in_full_without_a_429(ahead: float) -> None:
    """24 requests of weight 100 fit into a minute of /fapi; 80 are sent."""
    env = SandboxEnv(ahead=ahead)
    try:
        for _ in range(80):
            env.link.futures.overview()
        assert set(env.sent()) == {200}
        minutes = [w for w in env.exchange.windows if w.rate_limit == "fapi"]
        assert len(minutes) >= 4
        assert all(w.refused == 0 for w in minutes)
        for minute in minutes[:-1]:
            assert minute.used >= 0.95 * minute.limit
    finally:
        env.close()


def test_a_long_fetch_waits_for_the_next_window() -> None:
    """A single call whose windows and pages need more than three minutes of the limit."""
    env = SandboxEnv(exchange={"limit_scale": 0.01}, link={"limits": {"sapi-ip": 120}})
    try:
        frame = env.link.exchange.futures_rebates("um", start="-700D")
        assert frame.attrs["requests"] > 3 * 120
        assert frame["time"].is_monotonic_increasing
        assert set(env.sent()) == {200}
        minutes = [w for w in env.exchange.windows if w.rate_limit == "sapi-ip"]
        assert len(minutes) >= 4
        for minute in minutes[:-1]:
            assert minute.refused == 0
            assert minute.used >= 0.95 * minute.limit
    finally:
        env.close()


def test_threads_can_share_a_link() -> None:
    link = toolkit.demo(seed=7, limit_scale=100)
    try:
        assert link.sandbox is not None
        end = datetime.now(UTC)  # the sandbox's time goes on while the threads fetch
        with ThreadPoolExecutor(8) as executor:
            frames = list(
                executor.map(lambda _: link.spot.rebates(start=end - timedelta(days=2), end=end), range(24))
            )
        assert {len(frame) for frame in frames} == {len(frames[0])}
        assert all(frame["time"].is_monotonic_increasing for frame in frames)
        assert {entry.status for entry in link.sandbox.exchange.log} == {200}
        counted = sum(
            w.used for w in link.sandbox.exchange.windows if w.counter.endswith("rebate/recentRecord")
        )
        assert counted == sum(frame.attrs["weight"] for frame in frames)
        assert all(use.in_flight == 0 for use in link.budget.snapshot().rate_limits)
    finally:
        link.close()


def test_links_of_one_process_share_the_limits() -> None:
    env = SandboxEnv()
    try:
        links = [env.link, env.new_link(), env.new_link()]
        assert all(link._connection.budget is env.link._connection.budget for link in links)
        for n in range(60):
            links[n % 3].futures.overview()
        assert set(env.sent()) == {200}
    finally:
        env.close()


def test_a_ban_outlives_the_link_that_was_banned() -> None:
    hosts = dict.fromkeys(HOSTS, "https://one.invalid")
    clock = FakeClock()
    first = toolkit.Link(key="k" * 64, secret="s" * 64, hosts=hosts, clock=clock)
    budget = first._connection.budget
    budget.record_response(budget.admit(FAPI, "/fapi/v1/x", 1, "x"), 418, {"Retry-After": "300"})
    del first, budget
    gc.collect()
    with pytest.raises(errors.BannedError):
        toolkit.Link(key="k" * 64, secret="s" * 64, hosts=hosts, clock=clock).spot.customers()


def test_links_to_different_exchanges_share_nothing(env: SandboxEnv) -> None:
    other = SandboxEnv()
    try:
        assert other.link._connection.budget is not env.link._connection.budget
    finally:
        other.close()


def test_use_by_another_program_counts_against_the_limit() -> None:
    """Its use shows in the headers of our responses."""
    env = SandboxEnv()
    try:
        stranger = env.new_link(clock=SYSTEM_CLOCK, recv_window=60_000)
        assert stranger._connection.budget is not env.link._connection.budget
        env.link.futures.overview()
        for _ in range(60):
            env.exchange.handle(_public("/fapi/v1/exchangeInfo"))
        used = env.exchange.windows[-1].used
        env.link.futures.overview()
        use = next(use for use in env.link.budget.snapshot().rate_limits if use.rate_limit == FAPI)
        assert use.used == used + 100
    finally:
        env.close()


def _public(path: str) -> object:
    from toolkit.sandbox.messages import SandboxRequest

    return SandboxRequest(method="GET", path=path, query=b"", body=b"", headers={}, ip="127.0.0.1")


# -- the rules ------------------------------------------------------------------------------------------


def test_a_request_that_does_not_fit_waits_for_the_next_window() -> None:
    clock = FakeClock(1_767_225_600.0 + 12.0)
    budget = new_budget(clock)
    budget.record_response(budget.admit(FAPI, "/fapi/v1/x", 2400, "x"), 200)
    assert clock.slept == []
    budget.admit(FAPI, "/fapi/v1/x", 1, "x")
    assert clock.time() == pytest.approx(1_767_225_660.0, abs=0.1)


def test_sapi_has_a_counter_for_each_endpoint_and_fapi_one_for_all() -> None:
    clock = FakeClock()
    budget = new_budget(clock)
    for path in ("/sapi/v1/a", "/sapi/v1/b"):
        budget.record_response(budget.admit(SAPI_IP, path, 12_000, "x"), 200)
        budget.record_response(budget.admit(SAPI_UID, path, 180_000, "x"), 200)
    assert clock.slept == []
    for path in ("/fapi/v1/a", "/fapi/v1/b"):
        budget.record_response(budget.admit(FAPI, path, 2400, "x"), 200)
    assert len(clock.slept) == 1


def test_the_reported_count_takes_precedence() -> None:
    clock = FakeClock()
    budget = new_budget(clock)
    budget.record_response(budget.admit(FAPI, "/fapi/v1/x", 1, "x"), 200, {"X-MBX-USED-WEIGHT-1M": "2400"})
    budget.admit(FAPI, "/fapi/v1/x", 1, "x")
    assert len(clock.slept) == 1


def test_a_count_of_the_last_window_does_not_fill_the_current_one() -> None:
    clock = FakeClock(1_767_225_600.0 + 59.9)
    host_clock = HostClock(clock)
    host_clock.use(ClockMeasurement(0.0, 0.0, clock.monotonic()))
    budget = Budget(clock, dict.fromkeys(HOSTS, host_clock))
    late = budget.admit(FAPI, "/fapi/v1/x", 1, "x")
    clock.advance(0.5)
    headers = {"X-MBX-USED-WEIGHT-1M": "2400", "Date": "Thu, 01 Jan 2026 00:00:59 GMT"}
    budget.record_response(late, 200, headers)
    budget.admit(FAPI, "/fapi/v1/x", 100, "x")
    assert clock.slept == []


def test_requests_in_flight_count() -> None:
    clock = FakeClock()
    budget = new_budget(clock)
    reservations = [budget.admit(FAPI, "/fapi/v1/x", 1000, "x") for _ in range(2)]
    released: list[float] = []

    def release_one() -> None:
        if budget.snapshot().waiting_for and not released:
            released.append(clock.time())
            budget.release(reservations[0])

    budget.watch(release_one)
    budget.admit(FAPI, "/fapi/v1/x", 1000, "x")
    assert released, "the third of 1000 does not fit into 2400 with two in flight"
    assert clock.slept == [], "it is sent once it fits, before the next window"
    assert budget.snapshot().rate_limits[0].in_flight == 2000


def test_a_request_heavier_than_the_limit_is_sent_alone() -> None:
    clock = FakeClock()
    budget = new_budget(clock)
    budget.record_response(budget.admit(FAPI, "/fapi/v1/x", 5000, "x"), 200)
    assert clock.slept == []


def test_a_429_without_retry_after_waits_for_the_next_window() -> None:
    clock = FakeClock(1_767_225_600.0 + 20.0)
    budget = new_budget(clock)
    budget.record_response(budget.admit(FAPI, "/fapi/v1/x", 1, "x"), 429)
    budget.admit(FAPI, "/fapi/v1/x", 1, "x")
    assert clock.time() == pytest.approx(1_767_225_660.0, abs=0.1)


def test_a_ban_ends_at_its_time() -> None:
    clock = FakeClock()
    budget = new_budget(clock)
    budget.record_response(budget.admit(FAPI, "/fapi/v1/x", 1, "x"), 418, {"Retry-After": "300"})
    assert budget.banned_until is not None
    with pytest.raises(errors.BannedError):
        budget.admit(SAPI_IP, "/sapi/v1/x", 1, "x")
    clock.advance(301)
    assert budget.banned_until is None
    budget.admit(SAPI_IP, "/sapi/v1/x", 1, "x")


def test_a_ban_ends_the_wait_of_every_thread() -> None:
    """On the system clock: a thread that waits for the next window learns of the ban at once."""
    budget = Budget(SYSTEM_CLOCK, {host: HostClock(SYSTEM_CLOCK) for host in HOSTS})
    first = budget.admit(FAPI, "/fapi/v1/x", 2400, "x")
    waiting = threading.Event()
    budget.watch(lambda: waiting.set() if budget.snapshot().waiting_for else None)
    caught: list[BaseException] = []

    def wait() -> None:
        try:
            budget.admit(FAPI, "/fapi/v1/x", 100, "y")
        except errors.BannedError as error:
            caught.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    assert waiting.wait(60)
    budget.record_response(first, 418, {"Retry-After": "120"})
    thread.join(60)
    assert not thread.is_alive()
    assert len(caught) == 1
    assert budget.snapshot().waiting_for == ""


def test_watchers_are_called_after_each_response_until_they_are_removed() -> None:
    budget = new_budget(FakeClock())
    seen: list[int] = []
    unwatch = budget.watch(lambda: seen.append(len(budget.snapshot().calls)))
    budget.record_response(budget.admit(FAPI, "/fapi/v1/x", 1, "x"), 200)
    unwatch()
    unwatch()
    budget.record_response(budget.admit(FAPI, "/fapi/v1/x", 1, "x"), 200)
    assert seen == [1]


def test_a_failing_watcher_is_logged_once_and_affects_no_request(
    env: SandboxEnv, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[int] = []

    def fail() -> None:
        raise RuntimeError("a panel cannot draw")

    unwatch = env.link.budget.watch(fail)
    env.link.budget.watch(lambda: seen.append(1))
    for _ in range(3):
        assert len(env.link.exchange.partner()) == 1
    assert len(seen) >= 3, "later watchers are called all the same"
    failures = [each for each in caplog.records if "watcher of the budget failed" in each.message]
    assert len(failures) == 1
    assert failures[0].exc_info is not None
    assert str(failures[0].exc_info[1]) == "a panel cannot draw"
    unwatch()
    env.link.budget.watch(fail)
    env.link.exchange.partner()
    assert len([each for each in caplog.records if "watcher of the budget failed" in each.message]) == 2


def test_a_watcher_that_fails_during_a_wait_affects_neither_wait_nor_request() -> None:
    clock = FakeClock()
    budget = new_budget(clock)
    budget.record_response(budget.admit(FAPI, "/fapi/v1/x", 2400, "x"), 200)

    def fail() -> None:
        raise RuntimeError("a panel cannot draw")

    budget.watch(fail)
    budget.record_response(budget.admit(FAPI, "/fapi/v1/x", 100, "x"), 200)
    assert clock.slept
    assert budget.snapshot().rate_limits[0].used == 100


def test_calls_are_shown_without_parameters(env: SandboxEnv) -> None:
    env.link.spot.customers(email="someone@example.com")
    shown = repr(env.link.budget.snapshot())
    assert "someone" not in shown
    assert "signature" not in shown
    assert "/sapi/v1/apiReferral/customization" in shown


@pytest.mark.parametrize(
    ("limits", "said"), [({"nonsense": 5}, "nonsense"), ({"fapi": 0}, "fapi"), ({"fapi": 1.5}, "fapi")]
)
def test_invalid_limits_are_refused(env: SandboxEnv, limits: dict[str, int], said: str) -> None:
    with pytest.raises(errors.UsageError, match=said):
        env.new_link(limits=limits)


# -- headers --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("X-MBX-USED-WEIGHT-1M", Count("weight", 60, 7)),
        ("x-mbx-used-weight-10s", Count("weight", 10, 7)),
        ("X-MBX-USED-WEIGHT-5m", Count("weight", 300, 7)),
        ("X-Mbx-Used-Weight-3H", Count("weight", 10_800, 7)),
        ("X-MBX-USED-WEIGHT-1D", Count("weight", 86_400, 7)),
        ("X-MBX-ORDER-COUNT-10S", Count("orders", 10, 7)),
        ("X-MBX-ORDER-COUNT-1D", Count("orders", 86_400, 7)),
        ("X-SAPI-USED-IP-WEIGHT-1M", Count("sapi-ip", 60, 7)),
        ("x-sapi-used-uid-weight-1m", Count("sapi-uid", 60, 7)),
    ],
)
def test_every_documented_header_is_read(name: str, count: Count) -> None:
    assert read_counts({name: "7"}) == [count]


@pytest.mark.parametrize(
    "headers",
    [{"X-MBX-USED-WEIGHT": "7"}, {"X-MBX-USED-WEIGHT-1M": "x"}, {"X-MBX-USED-WEIGHT-1W": "7"}, {"Date": "7"}],
)
def test_other_headers_are_ignored(headers: dict[str, str]) -> None:
    assert read_counts(headers) == []


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("5", 5.0),
        ("0.5", 0.5),
        ("Thu, 01 Jan 2026 00:00:30 GMT", 30.0),
        ("-3", 0.0),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert read_retry_after({"Retry-After": value}, 1_767_225_600.0) == seconds


def test_order_counts_are_in_the_snapshot() -> None:
    budget = new_budget(FakeClock())
    headers = {"X-MBX-ORDER-COUNT-10S": "3", "X-MBX-USED-WEIGHT-1M": "9"}
    budget.record_response(budget.admit(FAPI, "/fapi/v1/x", 1, "x"), 200, headers)
    (count,) = budget.snapshot().other_counts
    assert (count.host, count.kind, count.seconds, count.used) == ("fapi", "orders", 10, 3)


def test_the_documented_limits_are_the_default(env: SandboxEnv) -> None:
    assert {rate_limit.name: env.link.budget.limit(rate_limit) for rate_limit in RATE_LIMITS} == {
        "api": 6000,
        "sapi-ip": 12_000,
        "sapi-uid": 180_000,
        "fapi": 2400,
        "papi": 6000,
        "fapi-funding": 500,
        "futures-data": 1000,
    }


def test_a_late_response_does_not_fill_the_new_window_with_the_old_count() -> None:
    clock = FakeClock(1_767_225_600.0 + 59.5)
    budget = new_budget(clock)
    slow = budget.admit(FAPI, "/fapi/v1/x", 100, "x")
    clock.advance(1.0)
    budget.record_response(
        slow, 200, {"X-MBX-USED-WEIGHT-1M": "2400", "Date": "Thu, 01 Jan 2026 00:01:00 GMT"}
    )
    budget.admit(FAPI, "/fapi/v1/x", 100, "x")
    assert clock.slept == []
    assert budget.snapshot().rate_limits[0].used == 100


def test_an_interrupt_while_a_watcher_redraws_leaves_nothing_in_flight() -> None:
    clock = FakeClock()
    budget = new_budget(clock)
    budget.record_response(budget.admit(FAPI, "/fapi/v1/x", 2400, "x"), 200)
    seen: list[str] = []

    def interrupt() -> None:
        seen.append(budget.snapshot().waiting_for)
        if len(seen) == 2:  # the wait has ended
            raise KeyboardInterrupt

    budget.watch(interrupt)
    with pytest.raises(KeyboardInterrupt):
        budget.admit(FAPI, "/fapi/v1/x", 100, "x")
    assert seen[1] == ""
    assert budget.snapshot().rate_limits[0].in_flight == 0


@pytest.mark.parametrize("step", [3600.0, -3600.0])
def test_a_step_of_the_wall_clock_changes_no_pause_and_no_ban(step: float) -> None:
    clock = FakeClock()
    budget = new_budget(clock)
    budget.record_response(budget.admit(FAPI, "/fapi/v1/x", 1, "x"), 429, {"Retry-After": "5"})
    clock.wall_ahead = step
    budget.record_response(budget.admit(FAPI, "/fapi/v1/x", 1, "x"), 418, {"Retry-After": "600"})
    assert sum(clock.slept) == pytest.approx(5)
    clock.wall_ahead += step
    with pytest.raises(errors.BannedError) as caught:
        budget.admit(FAPI, "/fapi/v1/x", 1, "x")
    assert caught.value.until.timestamp() == pytest.approx(clock.time() + 600)
    clock.advance(601)
    budget.admit(FAPI, "/fapi/v1/x", 1, "x")


@pytest.mark.parametrize("value", ["inf", "nan", "1e400"])
def test_an_invalid_retry_after_is_ignored(value: str) -> None:
    assert read_retry_after({"Retry-After": value}, 0.0) is None
    assert read_counts({"X-MBX-USED-WEIGHT-1M": "\u00b2"}) == []


def test_two_spellings_of_one_host_share_a_budget() -> None:
    one = toolkit.Link(key="k" * 64, secret="s" * 64, hosts=dict.fromkeys(HOSTS, "https://two.invalid"))
    other = toolkit.Link(
        key="k" * 64, secret="s" * 64, hosts=dict.fromkeys(HOSTS, "https://TWO.invalid:443/")
    )
    assert one._connection.budget is other._connection.budget
    assert (
        toolkit.Link(key="k" * 64, secret="s" * 64, hosts=dict.fromkeys(HOSTS, "http://[::1]:80")).hosts[
            "api"
        ]
        == "http://[::1]"
    )
