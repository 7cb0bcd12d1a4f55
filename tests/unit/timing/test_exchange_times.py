"""The exchange's absolute times are read by the exchange's clock, whatever this machine's shows."""

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


def banned_in_words(env: SandboxEnv, path: str) -> datetime:
    """The next request to a path is answered with a ban whose end is only in its words."""
    end = env.now + int(BAN * 1000)
    said = f"Way too much request weight used; IP banned until {end}. Please use the websocket."
    env.exchange.faults.add("error", path=path, status=418, code=-1003, message=said)
    return datetime.fromtimestamp(end / 1000, UTC)


def dated(env: SandboxEnv, path: str, status: int, seconds: float) -> datetime:
    """The next request to a path is refused, and asked to wait until a date."""
    end = int(env.exchange_clock.time() + seconds)
    env.exchange.faults.add("error", path=path, status=status, code=-1003, message="Too many requests.")
    date = formatdate(end, usegmt=True)
    env.exchange.faults.add("extra-header", path=path, name="Retry-After", value=date)
    return datetime.fromtimestamp(end, UTC)


def assert_banned_until(env: SandboxEnv, end: datetime) -> None:
    """Whoever asks is told the same end, nothing is sent before it, and something is after it."""
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


def test_a_ban_whose_end_is_in_words_ends_when_it_ends(env: SandboxEnv) -> None:
    end = banned_in_words(env, PATH)
    with pytest.raises(errors.BannedError) as caught:
        env.link.exchange.partner()
    assert abs((caught.value.until - end).total_seconds()) <= 2
    assert_banned_until(env, end)


def test_nor_is_it_forgotten_where_a_question_of_our_own_met_it(env: SandboxEnv) -> None:
    """The first request of all asks for the clock, so that nothing is measured yet."""
    end = banned_in_words(env, TIME)
    with pytest.raises(errors.BannedError):
        env.link.exchange.partner()
    assert_banned_until(env, end)


def test_a_ban_until_a_date_ends_at_that_date(env: SandboxEnv) -> None:
    end = dated(env, PATH, 418, BAN)
    with pytest.raises(errors.BannedError) as caught:
        env.link.exchange.partner()
    assert abs((caught.value.until - end).total_seconds()) <= 2
    assert_banned_until(env, end)


@pytest.mark.parametrize("date", ["", "Thu, 01 Jan 1970 00:00:00 GMT"], ids=["none", "a wrong one"])
def test_without_a_good_date_of_its_own_an_answer_is_read_by_the_measured_clock(
    env: SandboxEnv, date: str
) -> None:
    env.link.exchange.partner()
    end = banned_in_words(env, PATH)
    env.exchange.faults.add("extra-header", path=PATH, name="Date", value=date)
    with pytest.raises(errors.BannedError) as caught:
        env.link.exchange.partner()
    assert abs((caught.value.until - end).total_seconds()) <= 2
    assert_banned_until(env, end)


def test_a_pause_until_a_date_is_as_long_as_meant(env: SandboxEnv) -> None:
    env.link.exchange.partner()
    before = env.clock.monotonic()
    dated(env, PATH, 429, 120.0)
    assert len(env.link.exchange.partner()) == 1
    assert 118 <= env.clock.monotonic() - before <= 122


NOW = 1_767_225_600.0
DATED = formatdate(NOW + 600, usegmt=True)


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [("300", 300), (DATED, 600), (None, 1800), ("soon", 1800), ("0", 1800)],
    ids=["seconds", "date", "words", "nonsense", "nothing to wait for"],
)
def test_seconds_beat_dates_and_dates_beat_words(retry_after: str | None, seconds: float) -> None:
    headers = {"Date": formatdate(NOW, usegmt=True)}
    if retry_after is not None:
        headers["Retry-After"] = retry_after
    body = b'{"code":-1003,"msg":"IP banned until %d."}' % int((NOW + 1800) * 1000)
    error = error_of("endpoint", PATH, RawResponse(418, headers, body), NOW)
    assert isinstance(error, errors.BannedError)
    assert error.until.timestamp() == NOW + seconds + 1, "whoever waits for it does not come too early"
    assert error.retry_after in (None, seconds)


@pytest.mark.parametrize("off", [HOUR, -HOUR], ids=["fast", "slow"])
@pytest.mark.parametrize("is_put_right", [True, False], ids=["put right", "as wrong as before"])
def test_a_ban_is_not_cut_short_by_a_clock_that_was_wrong_before_the_machine_was_started_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, off: float, is_put_right: bool
) -> None:
    clock = FakeClock()
    clock.wall_ahead = off
    before = RateLimitStore(tmp_path / "ledger.sqlite", clock)
    before.back_off(ALL_HOSTS, BAN, now=clock.monotonic())  # the exchange's time is the right one
    before.close()
    monkeypatch.setattr(backoffs, "boot_id", lambda: "another")
    if is_put_right:
        clock.wall_ahead = 0.0
    clock.advance(600)
    again = RateLimitStore(tmp_path / "ledger.sqlite", clock)
    (backoff,) = again.backoffs()
    assert BAN - 600 <= backoff.seconds_left <= BAN
    again.close()


class Read(str):
    """A text that counts how often it is read."""

    __slots__ = ("times",)

    def strip(self, characters: str | None = None) -> str:
        self.times = getattr(self, "times", 0) + 1
        return super().strip(characters)


def test_a_span_is_read_once_and_laid_by_the_clock_of_the_exchange(env: SandboxEnv) -> None:
    start = Read("-1D")
    asked = env.link.spot.rebates(start=start).attrs["parameters"]
    assert start.times == 1
    ends = datetime.fromisoformat(asked["end"])
    assert abs(ends.timestamp() * 1000 - env.now) < 60_000, "whatever this machine's clock shows"
    assert ends - datetime.fromisoformat(asked["start"]) == timedelta(days=1)
