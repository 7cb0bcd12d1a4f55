"""Market data through the client: what arrives is what the simulated market made."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from tests.support.market_requests import DAY, HOUR, MINUTE, spot, um
from tests.support.sandbox_env import SandboxEnv
from toolkit.endpoints.market.candle_columns import SPOT_INTERVALS
from toolkit.sandbox import World
from toolkit.sandbox.market import intervals
from toolkit.sandbox.market.books import book
from toolkit.sandbox.market.candles import candles
from toolkit.sandbox.market.funding import funding_rates
from toolkit.sandbox.market.history import MarketHistory
from toolkit.sandbox.market.trades import aggregates_between, latest_trades

PRICES = ("open", "high", "low", "close")


NOW = 1_770_632_237.812  # 2026-02-09, within every interval


@pytest.fixture(scope="module")
def market_env() -> Iterator[SandboxEnv]:
    """A Link that never has to wait, so that its clock stands still."""
    ample = {"api": 6_000_000, "fapi": 2_400_000, "fapi-funding": 500_000}
    made = SandboxEnv(
        world=World(seed=7, now=NOW, sub_accounts=24, customers=30),
        exchange={"limit_scale": 1000},
        link={"limits": ample},
    )
    made.clock.sleep(NOW - made.clock.time())
    yield made
    made.close()


@pytest.fixture(scope="module")
def history(market_env: SandboxEnv) -> MarketHistory:
    """The market behind the sandbox."""
    return MarketHistory(market_env.sandbox.world.seed, market_env.sandbox.world.start_ms)


def ms(times: Any) -> list[int]:
    return [int(time.timestamp() * 1000) for time in times]


def amounts(values: Any, unit: Decimal) -> list[Decimal]:
    return [value * unit for value in values.tolist()]


def at(ms: int) -> pd.Timestamp:
    return pd.Timestamp(ms, unit="ms", tz="UTC")


@pytest.mark.parametrize(
    ("system", "interval"),
    [*(("spot", each) for each in SPOT_INTERVALS), *(("futures", each) for each in ("1m", "1h", "1w"))],
)
def test_candles_of_every_interval(
    market_env: SandboxEnv, history: MarketHistory, system: str, interval: str
) -> None:
    """Thirty of them and the one that runs."""
    market = spot("ETHUSDT") if system == "spot" else um("ETHUSDT")
    now = market_env.now
    start = intervals.begin_of(interval, intervals.number_of(interval, now) - 30)
    made = candles(history, market, interval, start_ms=start, limit=100, now_ms=now)
    method = getattr(market_env.link.market, system).klines
    frame = method("ETHUSDT", interval, start=at(max(start, history.start_ms)), end=at(now), numbers="exact")
    assert ms(frame["open_time"]) == made.open_time.tolist()
    assert ms(frame["close_time"]) == made.close_time.tolist()
    for name in PRICES:
        assert list(frame[name]) == amounts(getattr(made, name), market.tick)
    assert list(frame["volume"]) == amounts(made.volume, market.step)
    assert list(frame["quote_volume"]) == amounts(made.quote, market.tick * market.step)
    assert list(frame["taker_base_volume"]) == amounts(made.taker_volume, market.step)
    assert list(frame["taker_quote_volume"]) == amounts(made.taker_quote, market.tick * market.step)
    assert list(frame["trades"]) == made.trades.tolist()
    assert list(frame["closed"]) == [True] * (len(frame) - 1) + [False]
    assert (frame.attrs["example"], frame.attrs["complete"]) == (False, True)


def test_candles_of_many_pages_have_the_gap_of_maintenance(
    market_env: SandboxEnv, history: MarketHistory
) -> None:
    stopped, resumed = history.hours(spot("BTCUSDT")).maintenance
    span = stopped - 2 * DAY, resumed + 2 * DAY - 1
    frame = market_env.link.market.spot.klines("BTCUSDT", "1m", start=at(span[0]), end=at(span[1]))
    made = candles(
        history, spot("BTCUSDT"), "1m", start_ms=span[0], end_ms=span[1], limit=10_000, now_ms=span[1]
    )
    assert ms(frame["open_time"]) == made.open_time.tolist()
    assert len(frame) == 4 * 1440
    assert frame.attrs["requests"] > 5
    assert frame.attrs["complete"] is True
    assert len(frame.attrs["gaps"]) == 1


@pytest.mark.parametrize("system", ["spot", "futures"])
def test_aggregate_trades_of_many_pages(market_env: SandboxEnv, history: MarketHistory, system: str) -> None:
    market = spot("BTCUSDT") if system == "spot" else um("BTCUSDT")
    end = market_env.now - HOUR
    start = end - 20 * MINUTE
    made = aggregates_between(history, market, start, end)
    frame = getattr(market_env.link.market, system).agg_trades(
        "BTCUSDT", start=at(start), end=at(end), numbers="exact"
    )
    assert len(made) > 2000
    assert list(frame["agg_trade_id"]) == [str(each) for each in made.id.tolist()]
    assert ms(frame["time"]) == made.time.tolist()
    assert list(frame["price"]) == amounts(made.price, market.tick)
    assert list(frame["quantity"]) == amounts(made.quantity, market.step)
    assert list(frame["buyer_is_maker"]) == [not each for each in made.taker_buys.tolist()]
    assert frame.attrs["complete"] is True


@pytest.mark.parametrize("system", ["spot", "futures"])
def test_the_newest_trades(market_env: SandboxEnv, history: MarketHistory, system: str) -> None:
    market = spot("SOLUSDT") if system == "spot" else um("SOLUSDT")
    frame = getattr(market_env.link.market, system).trades("SOLUSDT", numbers="exact")
    made = latest_trades(history, market, len(frame), market_env.now)
    assert list(frame["trade_id"]) == [str(each) for each in made.id.tolist()]
    assert list(frame["price"]) == amounts(made.price, market.tick)
    assert list(frame["quantity"]) == amounts(made.quantity, market.step)
    assert list(frame["quote_quantity"]) == [
        price * quantity for price, quantity in zip(frame["price"], frame["quantity"], strict=True)
    ]


@pytest.mark.parametrize("system", ["spot", "futures"])
def test_order_books(market_env: SandboxEnv, history: MarketHistory, system: str) -> None:
    market = spot("BNBUSDT") if system == "spot" else um("BNBUSDT")
    made = book(history, market, market_env.now, 100)
    assert made is not None
    link = getattr(market_env.link.market, system)
    frame = link.depth("BNBUSDT", limit=100, numbers="exact")
    for side, prices, quantities in (
        ("bid", made.bid_prices, made.bid_quantities),
        ("ask", made.ask_prices, made.ask_quantities),
    ):
        own = frame[frame["side"] == side]
        assert list(own["price"]) == amounts(prices, market.tick)
        assert list(own["quantity"]) == amounts(quantities, market.step)
        assert list(own["total"]) == amounts(quantities.cumsum(), market.step)
    best = link.ticker_book(symbol="BNBUSDT", numbers="exact").iloc[0]
    assert best["bid_price"] == frame[frame["side"] == "bid"]["price"].iloc[0]
    assert best["ask_price"] == frame[frame["side"] == "ask"]["price"].iloc[0]


def test_funding_of_a_year(market_env: SandboxEnv, history: MarketHistory) -> None:
    market, now = um("SUIUSDT"), market_env.now
    start = max(now - 365 * DAY, history.start_ms)
    made = funding_rates(history, market, start_ms=start, limit=10_000, now_ms=now)
    frame = market_env.link.market.futures.funding_rates(
        symbol="SUIUSDT", start=at(start), end=at(now), numbers="exact"
    )
    assert ms(frame["funding_time"]) == made.time.tolist()
    assert list(frame["funding_rate"]) == amounts(made.rate, Decimal("1e-8"))
    assert list(frame["mark_price"]) == amounts(made.mark, Decimal("1e-8"))
    assert len(frame) > 1000
