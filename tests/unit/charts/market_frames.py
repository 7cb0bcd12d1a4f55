"""Frames of a market as its endpoints return them, made by hand."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd

from toolkit.amounts import exact

MINUTE = 60_000
AMOUNTS = ("open", "high", "low", "close", "volume")


def when(milliseconds: object) -> pd.DatetimeIndex:
    return pd.to_datetime(milliseconds, unit="ms", utc=True).as_unit("ms")  # type: ignore[call-overload, no-any-return]


def candles(
    rows: int,
    *,
    start: str = "2026-03-01",
    step: int = MINUTE,
    symbol: str = "BTCUSDT",
    running: bool = False,
) -> pd.DataFrame:
    """Candles with prices of two decimal places, the same for the same number of rows."""
    random = np.random.default_rng(7)
    opens = int(pd.Timestamp(start, tz="UTC").timestamp() * 1000) + step * np.arange(rows)
    close = (67_000 * np.exp(np.cumsum(random.normal(0, 0.001, rows)))).round(2)
    open_ = np.concatenate([[67_000.0], close[:-1]])[:rows]
    frame = pd.DataFrame(
        {
            "open_time": when(opens),
            "open": open_,
            "high": np.maximum(open_, close) + random.integers(0, 5000, rows) / 100,
            "low": np.minimum(open_, close) - random.integers(0, 5000, rows) / 100,
            "close": close,
            "volume": random.integers(1, 10**6, rows) / 1024,  # sums are exact
            "close_time": when(opens + step - 1),
            "trades": pd.array(random.integers(1, 500, rows), dtype="Int64"),
            "closed": pd.array([True] * (rows - 1) + [not running] if rows else [], dtype="boolean"),
        }
    )
    frame.attrs = {"endpoint": "market.spot.klines", "parameters": {"symbol": symbol, "interval": "1m"}}
    return frame


def in_decimals(frame: pd.DataFrame, columns: tuple[str, ...] = AMOUNTS) -> pd.DataFrame:
    """The frame as `numbers="exact"` returns it."""
    decimals = {
        name: exact(pd.Series([Decimal(str(value)) for value in frame[name]], dtype=object))
        for name in columns
    }
    attrs, frame = frame.attrs, frame.assign(**decimals)
    frame.attrs = attrs
    return frame


def book(bids: list[tuple[float, float]], asks: list[tuple[float, float]]) -> pd.DataFrame:
    """An order book: price and quantity of each level, the best first."""
    rows = [
        {"side": side, "level": level, "price": price, "quantity": quantity}
        for side, levels in (("bid", bids), ("ask", asks))
        for level, (price, quantity) in enumerate(levels, 1)
    ]
    frame = pd.DataFrame(rows, columns=["side", "level", "price", "quantity"]).astype({"quantity": float})
    frame["total"] = frame.groupby("side")["quantity"].cumsum()
    frame["last_update_id"] = "1027024"
    frame.attrs = {"parameters": {"symbol": "BTCUSDT"}, "server_time": "2026-03-01T12:30:05.120+00:00"}
    return frame


def rates(
    values: list[float], *, hours: int = 8, start: str = "2026-03-01", symbol: str = "BTCUSDT"
) -> pd.DataFrame:
    """Funding rates, a few milliseconds off the hour, with mark prices."""
    times = int(pd.Timestamp(start, tz="UTC").timestamp() * 1000) + hours * 3_600_000 * np.arange(len(values))
    frame = pd.DataFrame(
        {
            "symbol": symbol,
            "funding_time": when(times + np.arange(len(values)) % 7),
            "funding_rate": values,
            "mark_price": 67_000.0 + np.arange(len(values)),
        }
    )
    frame.attrs = {"parameters": {"symbol": symbol}}
    return frame
