"""Prices that are fetched once, from the sandbox, and kept."""

from __future__ import annotations

import stat
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.candle_market import DAY, HOUR, rows
from tests.support.sandbox_env import SandboxEnv
from toolkit.analytics import value
from toolkit.storage import paths


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(paths, "_state_folder", lambda: tmp_path)
    return tmp_path


def asked(env: SandboxEnv) -> int:
    return sum("/api/" in each.path for each in env.exchange.log)


def kept(state: Path) -> list[Path]:
    return sorted(state.glob("prices-*/1h/*/*.json"))


def test_a_second_valuation_sends_no_request(shared_env: SandboxEnv, state: Path) -> None:
    day = shared_env.now // DAY * DAY - 5 * DAY
    frame = rows((day + HOUR, "BTC", "1"), (day + 3 * HOUR + 5, "ETH", "2"))
    # A Link remembers the days that it has read, so each of these is a new one.
    with shared_env.new_link() as link:
        first = value(frame, link=link)
    assert first["value"].notna().all()
    sent = asked(shared_env)
    with shared_env.new_link() as link:
        pd.testing.assert_frame_equal(value(frame, link=link), first)
    assert asked(shared_env) == sent
    files = kept(state)
    assert len(files) == 4, "two markets, the day and the one before it"
    assert all("prices-sandbox-" in str(file) for file in files)
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    for file, content in zip(files, ("", "{", "[]", '{"format":1,"closes":[[1,"x"]]}'), strict=True):
        file.write_text(content)
    with shared_env.new_link() as link:
        pd.testing.assert_frame_equal(value(frame, link=link), first)
    assert asked(shared_env) > sent, "damaged files are fetched again"


def test_the_day_that_is_not_over_is_not_kept(shared_env: SandboxEnv, state: Path) -> None:
    days = (shared_env.now, shared_env.now - 2 * DAY)
    with shared_env.new_link() as link:
        value(rows(*((time, "BTC", "1") for time in days)), link=link)
    today = pd.Timestamp(shared_env.now, unit="ms").strftime("%Y-%m-%d")
    assert kept(state)
    assert today not in {file.stem for file in kept(state)}


@pytest.fixture(scope="module")
def closes(shared_env: SandboxEnv) -> dict[int, Decimal]:
    """The closing prices of BTCUSDT by the time of the close, read from the candles themselves."""
    day = shared_env.now // DAY * DAY - 8 * DAY
    frame = shared_env.link.market.spot.klines(
        "BTCUSDT", "1h", start=day, end=day + 3 * DAY - 1, numbers="exact"
    )
    pairs = zip(frame["close_time"].tolist(), frame["close"].tolist(), strict=True)
    return {int(time.timestamp() * 1000): Decimal(str(close)) for time, close in pairs}


MOMENTS = st.integers(min_value=0, max_value=DAY - 1)
AMOUNTS = st.decimals(min_value=-(10**9), max_value=10**9, places=18)


@given(given_rows=st.lists(st.tuples(MOMENTS, AMOUNTS, st.sampled_from(["BTC", "USDT"])), max_size=8))
def test_each_value_is_the_product_rounded_once(
    shared_env: SandboxEnv, closes: dict[int, Decimal], given_rows: list[tuple[int, Decimal, str]]
) -> None:
    start = min(closes) + DAY
    frame = rows(*((start + moment, asset, f"{amount:f}") for moment, amount, asset in given_rows))
    for currency in ("USDT", "BTC"):
        found = value(frame, currency, link=shared_env.link)
        for (moment, amount, asset), worth in zip(given_rows, found["value"].astype(object), strict=True):
            price = closes[max(close for close in closes if close <= start + moment)]
            with localcontext() as context:
                context.prec = 120
                last = Decimal("1e-18")
                if asset == currency:
                    price = Decimal(1)
                elif currency == "BTC":
                    price = (1 / price).quantize(last, ROUND_HALF_EVEN)
                assert Decimal(str(worth)) == (amount * price).quantize(last, ROUND_HALF_EVEN)
