"""Waits: shown once with their end and reason, bounded, and open to interrupts."""

from __future__ import annotations

import io
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.clocks import FakeClock
from tests.support.sandbox_env import IMPATIENT, SandboxEnv
from tests.support.writes import WriteEnv, do, memory_folder, small_world
from toolkit import errors
from toolkit.client import Link
from toolkit.endpoints import API, FAPI
from toolkit.ratelimit.budget import MAX_SERVER_BACKOFF_S, MAX_WAIT_S
from toolkit.timing.cancel import CancelToken, Wait, moment
from toolkit.timing.clock import SystemClock

PATH = "/sapi/v1/broker/info"
DAY = 86_400


@pytest.fixture
def env() -> Iterator[SandboxEnv]:
    made = SandboxEnv(world=small_world(), link={"workers": 1})
    yield made
    made.close()


def ask_to_wait(env: SandboxEnv, path: str, seconds: float, times: int = 1, **fault: Any) -> None:
    """Make the next responses of a path errors that ask to wait."""
    env.exchange.faults.add("error", path=path, times=times, **{"status": 503, "code": -1001, **fault})
    value = f"{seconds:.0f}"
    env.exchange.faults.add("extra-header", path=path, times=times, name="Retry-After", value=value)


# -- as long as asked, within bounds -------------------------------------------------------------------------


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_5xx_with_retry_after_is_retried_after_that_time(env: SandboxEnv, status: int) -> None:
    env.link.exchange.partner()
    began = env.clock.monotonic()
    ask_to_wait(env, PATH, 3, times=5, status=status)
    assert len(env.link.exchange.partner()) == 1
    assert 15 <= env.clock.monotonic() - began < 20
    assert env.sent(PATH)[1:] == [status] * 5 + [200]


def test_retries_after_5xx_wait_a_minute_in_total_at_most(env: SandboxEnv) -> None:
    ask_to_wait(env, PATH, 25, times=5)
    with pytest.raises(errors.ServerError, match="The exchange asked to wait 25 s") as caught:
        env.link.exchange.partner()
    assert caught.value.attempts == 3
    assert caught.value.retry_after == 25


def test_a_longer_retry_after_raises_at_once_and_pauses_no_other_endpoint(env: SandboxEnv) -> None:
    """One endpoint that is out of order for an hour does not pause the others."""
    env.link.exchange.partner()
    began = env.clock.monotonic()
    ask_to_wait(env, PATH, MAX_SERVER_BACKOFF_S + 3540)
    with pytest.raises(errors.ServerError, match="The exchange asked to wait 3,600 s"):
        env.link.exchange.partner()
    assert len(env.link.exchange.sub_accounts()) > 0
    assert env.clock.monotonic() - began < 1


def test_a_server_error_code_with_another_status_waits_too(env: SandboxEnv) -> None:
    env.link.exchange.partner()
    began = env.clock.monotonic()
    ask_to_wait(env, PATH, 3, status=400)
    assert len(env.link.exchange.partner()) == 1
    assert 3 <= env.clock.monotonic() - began < 5


def test_a_write_is_not_sent_again_and_the_next_request_waits() -> None:
    endpoint_name = "exchange.create_sub_account"
    with memory_folder() as folder:
        write_env = WriteEnv(folder)
        try:
            write_env.env.link.exchange.partner()
            write_env.fail(endpoint_name, "error", status=503, code=-1000)
            write_env.fail(endpoint_name, "extra-header", name="Retry-After", value="7")
            began = write_env.clock.monotonic()
            assert do(write_env, endpoint_name, tag="one").status == "unknown"
            assert write_env.sent(endpoint_name) == 1
            assert write_env.clock.monotonic() == began
            assert len(write_env.env.link.exchange.sub_accounts()) > 0
            assert 7 <= write_env.clock.monotonic() - began < 8
        finally:
            write_env.close()


RATE_CODES = {
    "429": {"status": 429, "code": -1003},
    "400": {"status": 400, "code": -1003},
    "200": {"status": 200, "code": -1003},
    "another code": {"status": 400, "code": -12014},
}


@pytest.mark.parametrize("fault", RATE_CODES.values(), ids=RATE_CODES)
def test_a_rate_limit_code_with_any_status_waits_as_long_as_asked(
    env: SandboxEnv, fault: dict[str, int]
) -> None:
    env.link.exchange.partner()
    began = env.clock.monotonic()
    ask_to_wait(env, PATH, 20, **fault)
    assert len(env.link.exchange.partner()) == 1
    assert 20 <= env.clock.monotonic() - began < 22


@pytest.mark.parametrize("fault", RATE_CODES.values(), ids=RATE_CODES)
def test_no_call_waits_for_days(env: SandboxEnv, fault: dict[str, int]) -> None:
    env.link.exchange.partner()
    began = env.clock.monotonic()
    ask_to_wait(env, PATH, 2 * DAY, **fault)
    with pytest.raises(errors.RateLimitError, match=r"asked to wait 172,800 s") as caught:
        env.link.exchange.partner()
    assert caught.value.retry_after == 2 * DAY
    assert env.clock.monotonic() - began < 1
    assert env.sent(PATH).count(200) == 1 + (fault["status"] == 200)


@pytest.mark.parametrize(
    "message", ["", "Too much request weight used; current limit is 1200 request weight per"]
)
def test_a_request_that_fits_in_no_window_is_not_sent_again(message: str) -> None:
    env = SandboxEnv(link={"limits": {} if message else {"sapi-ip": 1200}}, exchange={"limit_scale": 0.1})
    if not message:
        env.exchange.faults.add("error", path="/sapi/v1/accountSnapshot", status=429, code=-1003)
    began = env.clock.monotonic()
    with pytest.raises(errors.RateLimitError, match="weighs 2,400, more than the rate limit of 1,200"):
        env.link.account.wallet.spot_snapshots()
    assert env.clock.monotonic() - began < 1
    assert env.sent("/sapi/v1/accountSnapshot") == [429]
    env.close()


CALLS: dict[str, Callable[[Link], object]] = {
    "a read": lambda link: link.spot.rebates(start="-1D"),
    "a read by several threads": lambda link: link.exchange.deposits(),
    "a path": lambda link: link.get(PATH),
    "a write": lambda link: link.operations().exchange.create_sub_account(tag="waits"),
}


@pytest.fixture
def warm(env: SandboxEnv) -> SandboxEnv:
    """An environment at the start of a minute, with its clock measured."""
    env.link.exchange.partner()
    return env


@pytest.mark.parametrize("call", [CALLS["a read"], CALLS["a path"]], ids=["a read", "a path"])
def test_during_a_pause_of_days_each_call_raises_with_its_end(
    warm: SandboxEnv, call: Callable[[Link], object]
) -> None:
    warm.link._connection.budget.back_off(API, "", 2 * DAY)
    seen = len(warm.exchange.log)
    began = warm.clock.monotonic()
    with pytest.raises(errors.RateLimitError, match=r"until 2026-01-03 00:00:0\d UTC") as caught:
        call(warm.link)
    assert "10 minutes" in str(caught.value)
    assert len(warm.exchange.log) == seen
    assert warm.clock.monotonic() == began
    # Also where the clock has to be measured first, which would wait.
    warm.clock.advance(DAY)
    with pytest.raises(errors.RateLimitError, match=r"until 2026-01-03 00:00:0\d UTC"):
        call(warm.link)
    warm.clock.advance(DAY - MAX_WAIT_S + 1)
    call(warm.link)
    assert warm.sent()[seen:].count(200) > 0


def test_during_a_pause_of_days_a_write_is_rejected_unsent(warm: SandboxEnv) -> None:
    warm.link._connection.budget.back_off(API, "", 2 * DAY)
    seen = len(warm.exchange.log)
    outcome: Any = CALLS["a write"](warm.link)
    assert outcome.status == "rejected"
    assert "until 2026-01-03 00:00:0" in str(outcome.error)
    assert len(warm.exchange.log) == seen


# -- shown ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_known", [True, False], ids=["clock known", "clock asked for first"])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_wait_is_shown_once_with_its_end_and_reason(
    env: SandboxEnv,
    call: Callable[[Link], object],
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    *,
    is_known: bool,
) -> None:
    caplog.set_level(logging.INFO, logger="toolkit")
    link = env.new_link(workers=4) if call is CALLS["a read by several threads"] else env.link
    if is_known:
        link.exchange.partner()
    link._connection.budget.back_off(API, "", 90)
    call(link)
    said = capsys.readouterr().err
    if link is env.link:  # a fetch by several threads shows the wait in its bar
        assert said.count("api asked to wait: goes on at 00:01:30 UTC") == 1
    logged = [each.getMessage() for each in caplog.records if "asked to wait" in each.getMessage()]
    assert len(logged) == 1
    assert logged[0].endswith("api asked to wait: goes on at 00:01:30 UTC")


def test_the_end_of_a_wait_has_a_date_where_it_is_not_today(
    warm: SandboxEnv, capsys: pytest.CaptureFixture[str]
) -> None:
    warm.clock.advance(DAY - 40)
    warm.link._connection.budget.back_off(API, "", 90)
    CALLS["a path"](warm.link)
    assert "api asked to wait: goes on at 2026-01-02 00:00:50 UTC" in capsys.readouterr().err
    assert moment(0.0, 86_399.0) == "00:00:00 UTC"
    assert moment(86_400.0, 86_399.0) == "1970-01-02 00:00:00 UTC"


def test_the_end_of_a_wait_is_by_the_exchanges_clock(capsys: pytest.CaptureFixture[str]) -> None:
    env = SandboxEnv(ahead=3600.0, link={"workers": 1})
    try:
        env.link.exchange.partner()
        env.link._connection.budget.back_off(API, "", 90)
        CALLS["a path"](env.link)
        assert "goes on at 01:01:30 UTC" in capsys.readouterr().err
    finally:
        env.close()


def test_a_wait_for_the_limits_of_a_host_is_shown(
    warm: SandboxEnv, capsys: pytest.CaptureFixture[str]
) -> None:
    warm.link._connection.sender.fetch_time("fapi")
    warm.link._connection.budget.back_off(FAPI, "", 90)
    warm.link.futures.overview()
    said = capsys.readouterr().err
    assert said.count("fapi asked to wait") == 1
    assert "futures.overview" in said


def test_a_wait_for_the_next_window_is_shown(env: SandboxEnv, capsys: pytest.CaptureFixture[str]) -> None:
    link = env.new_link(limits={"sapi-ip": 2, "sapi-uid": 2}, workers=1)
    for _ in range(2):
        link.get(PATH, limit_by_uid=True)
    assert capsys.readouterr().err == ""
    link.get(PATH, limit_by_uid=True)
    assert capsys.readouterr().err.count("is used up: goes on at 00:01:00 UTC") == 1


def test_a_short_wait_is_not_shown(warm: SandboxEnv, capsys: pytest.CaptureFixture[str]) -> None:
    warm.link._connection.budget.back_off(API, "", 0.5)
    CALLS["a path"](warm.link)
    assert capsys.readouterr().err == ""


def test_a_wait_that_may_end_early_is_logged_after_a_second(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="toolkit")
    clock = FakeClock()
    cancel = CancelToken("endpoint")
    began = clock.monotonic()
    wait = Wait("fapi is used up", began + 40, clock.time() + 40, soon=True)
    for _ in range(5):
        cancel.begin_wait(clock, wait, began)
        clock.advance(0.4)
    assert [each.getMessage() for each in caplog.records] == [
        "endpoint: fapi is used up: goes on at 00:00:40 UTC"
    ]


def test_a_wait_of_reconcile_is_shown(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="toolkit")
    endpoint_name = "exchange.create_sub_account"
    with memory_folder() as folder:
        write_env = WriteEnv(folder, link={"timeout": IMPATIENT})
        try:
            write_env.fail(endpoint_name, "timeout", after_effect=False)
            do(write_env, endpoint_name, tag="lost").reconcile()
        finally:
            write_env.close()
    assert "until 00:00:1" in capsys.readouterr().err
    assert len([each for each in caplog.records if "goes on at 00:00:1" in each.getMessage()]) == 1


@pytest.mark.parametrize("where", ["progress=False", "another thread"])
def test_without_bars_a_wait_is_logged(
    env: SandboxEnv, where: str, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="toolkit")
    link = env.new_link(progress=where != "progress=False", workers=1)
    link._connection.budget.back_off(API, "", 90)
    if where == "another thread":
        thread = threading.Thread(target=CALLS["a path"], args=(link,))
        thread.start()
        thread.join()
    else:
        CALLS["a path"](link)
    assert capsys.readouterr().err == ""
    assert [each.getMessage() for each in caplog.records if "asked to wait" in each.getMessage()] == [
        f"{PATH}: api asked to wait: goes on at 00:01:30 UTC"
    ]


# -- errors and interrupts -----------------------------------------------------------------------------------


class Broken(io.StringIO):
    """A stream that cannot be written to."""

    def write(self, _: str) -> int:
        raise BrokenPipeError


@pytest.mark.parametrize("stderr", [None, Broken()], ids=["none", "broken"])
@pytest.mark.parametrize("call", [CALLS["a path"], CALLS["a write"]], ids=["a path", "a write"])
def test_a_wait_that_cannot_be_shown_does_not_stop_the_call(
    warm: SandboxEnv, monkeypatch: pytest.MonkeyPatch, stderr: Any, call: Callable[[Link], object]
) -> None:
    warm.link._connection.budget.back_off(API, "", 90)
    monkeypatch.setattr(sys, "stderr", stderr)
    done: Any = call(warm.link)
    assert getattr(done, "status", "confirmed") == "confirmed"


@pytest.mark.parametrize("call", [CALLS["a path"], CALLS["a write"]], ids=["a path", "a write"])
def test_a_wait_can_be_interrupted(
    warm: SandboxEnv, call: Callable[[Link], object], capsys: pytest.CaptureFixture[str]
) -> None:
    warm.link._connection.budget.back_off(API, "", 90)
    seen = len(warm.exchange.log)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    warm.clock.wait = interrupt  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        call(warm.link)
    assert len(warm.exchange.log) == seen
    assert capsys.readouterr().err.endswith("\r"), "the line is cleared"
    assert warm.link.budget.snapshot().waiting_for == ""


def test_the_system_clock_waits_in_short_intervals() -> None:
    """On Windows an interrupt is noticed only between two waits."""
    asked: list[float] = []

    class Condition(threading.Condition):
        def wait(self, timeout: float | None = None) -> bool:
            asked.append(timeout or 0.0)
            return len(asked) == 3  # notified

    with (condition := Condition()):
        SystemClock().wait(condition, 3 * DAY)
    assert len(asked) == 3
    assert max(asked) <= 1
