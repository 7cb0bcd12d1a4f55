"""Absolute times of the exchange are compared with the exchange's clock, not this machine's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from pathlib import Path

import pytest

from tests.support.clocks import FakeClock
from tests.support.sandbox_env import SandboxEnv
from toolkit import errors
from toolkit.ratelimit import backoffs
from toolkit.ratelimit.records import ALL_HOSTS
from toolkit.ratelimit.store import RateLimitStore
from toolkit.transport.responses import RawResponse, error_of

PATH = "/sapi/v1/broker/info"
TIME = "/api/v3/time"
BAN = 1800.0  # seconds
HOUR = 3600.0


@pytest.fixture(params=[0.0, -HOUR, HOUR], ids=["right", "fast", "slow"])
def env(request: pytest.FixtureRequest) -> Iterator[SandboxEnv]:
    """A Link whose machine's clock is right, an hour fast, or an hour slow."""
    made = SandboxEnv(ahead=request.param)
    yield made
    made.close()


def ban_in_message(env: SandboxEnv, path: str) -> datetime:
    """The next request to a path gets a ban whose end is stated only in the message."""
    end = env.now + int(BAN * 1000)
    said = f"Way too much request weight used; IP banned until {end}. Please use the websocket."
    env.exchange.faults.add("error", path=path, status=418, code=-1003, message=said)
    return datetime.fromtimestamp(end / 1000, UTC)


def retry_after_date(env: SandboxEnv, path: str, status: int, seconds: float) -> datetime:
    """The next request to a path is refused, with a date in `Retry-After`."""
    end = int(env.exchange_clock.time() + seconds)
    env.exchange.faults.add("error", path=path, status=status, code=-1003, message="Too many requests.")
    date = formatdate(end, usegmt=True)
    env.exchange.faults.add("extra-header", path=path, name="Retry-After", value=date)
    return datetime.fromtimestamp(end, UTC)


def assert_banned_until(env: SandboxEnv, end: datetime) -> None:
    """Every Link reports the same end; nothing is sent before it, and requests are sent after it."""
    seen = len(env.exchange.log)
    with pytest.raises(errors.BannedError) as caught:
        env.link.exchange.partner()
    snapshot = env.link.budget.snapshot()
    assert snapshot.banned_until is not None
    assert env.link.budget.banned_until is not None
    for told in (
        caught.value.until,
        env.link.budget.banned_until,
        datetime.fromtimestamp(snapshot.banned_until, UTC),
    ):
        assert abs((told - end).total_seconds()) <= 2
    assert abs(snapshot.now - env.exchange_clock.time()) < 1.5
    env.clock.advance((end.timestamp() - env.exchange_clock.time()) - 1)
    with pytest.raises(errors.BannedError):
        env.link.exchange.partner()
    assert len(env.exchange.log) == seen, "nothing is sent into a ban"
    env.clock.advance(3)
    assert len(env.link.exchange.partner()) == 1


def test_a_ban_stated_in_the_message_ends_on_time(env: SandboxEnv) -> None:
    end = ban_in_message(env, PATH)
    with pytest.raises(errors.BannedError) as caught:
        env.link.exchange.partner()
    assert abs((caught.value.until - end).total_seconds()) <= 2
    assert_banned_until(env, end)


def test_a_ban_met_by_the_clock_measurement_is_kept(env: SandboxEnv) -> None:
    """The first request measures the clock, so nothing was measured before."""
    end = ban_in_message(env, TIME)
    with pytest.raises(errors.BannedError):
        env.link.exchange.partner()
    assert_banned_until(env, end)


def test_a_ban_until_a_date_ends_on_time(env: SandboxEnv) -> None:
    end = retry_after_date(env, PATH, 418, BAN)
    with pytest.raises(errors.BannedError) as caught:
        env.link.exchange.partner()
    assert abs((caught.value.until - end).total_seconds()) <= 2
    assert_banned_until(env, end)


@pytest.mark.parametrize("date", ["", "Thu, 01 Jan 1970 00:00:00 GMT"], ids=["none", "wrong"])
def test_without_a_valid_date_the_measured_clock_is_used(env: SandboxEnv, date: str) -> None:
    env.link.exchange.partner()
    end = ban_in_message(env, PATH)
    env.exchange.faults.add("extra-header", path=PATH, name="Date", value=date)
    with pytest.raises(errors.BannedError) as caught:
        env.link.exchange.partner()
    assert abs((caught.value.until - end).total_seconds()) <= 2
    assert_banned_until(env, end)


def test_a_wait_until_a_date_has_the_right_length(env: SandboxEnv) -> None:
    env.link.exchange.partner()
    before = env.clock.monotonic()
    retry_after_date(env, PATH, 429, 120.0)
    assert len(env.link.exchange.partner()) == 1
    assert 118 <= env.clock.monotonic() - before <= 122


NOW = 1_767_225_600.0
DATED = formatdate(NOW + 600, usegmt=True)


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [("300", 300), (DATED, 600), (None, 1800), ("soon", 1800), ("0", 1800)],
    ids=["seconds", "date", "message", "invalid", "nothing"],
)
def test_seconds_override_dates_and_dates_override_messages(retry_after: str | None, seconds: float) -> None:
    headers = {"Date": formatdate(NOW, usegmt=True)}
    if retry_after is not None:
        headers["Retry-After"] = retry_after
    body = b'{"code":-1003,"msg":"IP banned until %d."}' % int((NOW + 1800) * 1000)
    error = error_of("endpoint", PATH, RawResponse(418, headers, body), NOW)
    assert isinstance(error, errors.BannedError)
    assert error.until.timestamp() == NOW + seconds + 1, "whoever waits for it does not come too early"
    assert error.retry_after in (None, seconds)


@pytest.mark.parametrize("offset", [HOUR, -HOUR], ids=["fast", "slow"])
@pytest.mark.parametrize("is_corrected", [True, False], ids=["corrected", "still wrong"])
def test_a_clock_that_was_wrong_before_a_reboot_does_not_shorten_a_ban(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, offset: float, is_corrected: bool
) -> None:
    clock = FakeClock()
    clock.wall_ahead = offset
    before = RateLimitStore(tmp_path / "ledger.sqlite", clock)
    before.back_off(ALL_HOSTS, BAN, now=clock.monotonic())  # the exchange's time is right
    before.close()
    monkeypatch.setattr(backoffs, "boot_id", lambda: "another")
    if is_corrected:
        clock.wall_ahead = 0.0
    clock.advance(600)
    again = RateLimitStore(tmp_path / "ledger.sqlite", clock)
    (backoff,) = again.backoffs()
    assert BAN - 600 <= backoff.seconds_left <= BAN
    again.close()


class CountedText(str):
    """A text that counts how often it is parsed."""

    __slots__ = ("times",)

    def strip(self, characters: str | None = None) -> str:
        self.times = getattr(self, "times", 0) + 1
        return super().strip(characters)


def test_a_span_is_parsed_once_and_resolved_by_the_exchanges_clock(env: SandboxEnv) -> None:
    start = CountedText("-1D")
    asked = env.link.spot.rebates(start=start).attrs["parameters"]
    assert start.times == 1
    ends = datetime.fromisoformat(asked["end"])
    assert abs(ends.timestamp() * 1000 - env.now) < 60_000, "whatever this machine's clock shows"
    assert ends - datetime.fromisoformat(asked["start"]) == timedelta(days=1)
