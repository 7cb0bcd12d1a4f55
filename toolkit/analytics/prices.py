"""Closing prices of spot markets, each fetched once and kept on disk by UTC day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal, Protocol, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from toolkit.amounts.integers import EXACT_TYPE
from toolkit.client import Link
from toolkit.client.price_files import now_of, price_files_of
from toolkit.errors import NotFoundError
from toolkit.storage.prices import Close

Times = npt.NDArray[np.int64]

Interval = Literal["1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d"]
"""Lengths of candles that prices are taken from. Each divides a day."""

INTERVALS: tuple[Interval, ...] = get_args(Interval)

DAY_MS = 86_400_000
MAX_AGE_MS = DAY_MS
"""A price that is older than this, at the time of the row, is none."""

_CANDLES_A_PAGE = 1000
_SETTLED_MS = 60_000
_MINUTES = {"m": 1, "h": 60, "d": 1440}


@dataclass(frozen=True, slots=True)
class Closes:
    """Closing prices of one market, oldest first.

    Attributes:
        times: When each candle closed, in milliseconds.
        prices: The prices, an Arrow array of exact amounts.
    """

    times: Times
    prices: Any

    @classmethod
    def of(cls, closes: Sequence[Close]) -> Closes:
        """The prices with these digits."""
        times = np.fromiter((time for time, _ in closes), np.int64, len(closes))
        return cls(times, pa.array([price for _, price in closes], pa.string()).cast(EXACT_TYPE))

    def to_list(self) -> list[Close]:
        """Each time, with all digits of its price."""
        texts = (f"{price:f}".rstrip("0").rstrip(".") for price in self.prices.to_pylist())
        return list(zip(self.times.tolist(), texts, strict=True))


_NONE = Closes(np.array([], np.int64), pa.array([], EXACT_TYPE))


class PriceSource(Protocol):
    """Where closing prices come from."""

    def markets(self) -> Mapping[str, tuple[str, str]]:
        """The markets by symbol, each with its base and quote asset."""

    def closes(self, symbol: str, times: Times) -> Closes:
        """The prices of a market that rows of these times may need."""


class CandlePrices:
    """Prices from the candles of a Link's spot market.

    Args:
        link: The Link.
        interval: Length of a candle.
    """

    def __init__(self, link: Link, interval: Interval) -> None:
        self._link, self._interval = link, interval
        self._files = price_files_of(link)
        self._days: dict[tuple[str, int], Closes] = {}
        self._months: set[tuple[str, str]] = set()  # whose files were read
        candles_a_day = 1440 // (int(interval[:-1]) * _MINUTES[interval[-1]])
        # Days between two that are needed are fetched as well where that takes no further request.
        self._days_a_page = max(_CANDLES_A_PAGE // candles_a_day, 1)

    def markets(self) -> Mapping[str, tuple[str, str]]:
        """The markets by symbol, each with its base and quote asset."""
        now = now_of(self._link)
        found = None if self._files is None else self._files.read_markets(now)
        if found is None:
            frame = self._link.market.spot.symbols()
            columns = (frame[name].tolist() for name in ("symbol", "base_asset", "quote_asset"))
            markets = list(zip(*columns, strict=True))
            if self._files is not None:
                self._files.keep_markets(now, markets)
            found = {symbol: (base, quote) for symbol, base, quote in markets}
        return found

    def closes(self, symbol: str, times: Times) -> Closes:
        """The prices of a market that rows of these times may need."""
        now = now_of(self._link)
        days = np.unique(np.concatenate([times // DAY_MS, (times - MAX_AGE_MS) // DAY_MS]))
        days = days[days <= now // DAY_MS]
        missing = [int(day) for day in days if not self._is_kept(symbol, int(day))]
        for first, last in self._runs(missing):
            self._fetch(symbol, first, last, now)
        found = [self._days[symbol, day] for day in days.tolist()]
        return Closes(
            np.concatenate([_NONE.times, *(each.times for each in found)]),
            pa.concat_arrays([_NONE.prices, *(each.prices for each in found)]),
        )

    def _is_kept(self, symbol: str, day: int) -> bool:
        month = _name(day)[:7]
        if self._files is not None and (symbol, month) not in self._months:
            self._months.add((symbol, month))
            for name, closes in self._files.read(symbol, self._interval, month).items():
                self._days[symbol, _number(name)] = Closes.of(closes)
        return (symbol, day) in self._days

    def _runs(self, days: Sequence[int]) -> Iterator[tuple[int, int]]:
        """The first and last days of fetches."""
        first = last = None
        for day in days:
            if first is None or last is None:
                first = day
            elif day - last > self._days_a_page:
                yield first, last
                first = day
            last = day
        if first is not None and last is not None:
            yield first, last

    def _fetch(self, symbol: str, first: int, last: int, now: int) -> None:
        end = min((last + 1) * DAY_MS - 1, now)
        try:
            frame = self._link.market.spot.klines(
                symbol, self._interval, start=first * DAY_MS, end=end, numbers="exact"
            )
        except NotFoundError:  # it is a market no more
            self._days |= {(symbol, day): _NONE for day in range(first, last + 1)}
            return
        # Without a date on the responses it is not known what is over: then nothing is.
        said = frame.attrs["as_of"]
        as_of = int(pd.Timestamp(said).timestamp() * 1000) if said else 0
        frame = frame[frame["closed"].fillna(False)]
        times = frame["close_time"].dt.tz_localize(None).to_numpy().astype("datetime64[ms]").astype(np.int64)
        prices = pa.array(frame["close"].array)
        bounds = np.searchsorted(times, np.arange(first, last + 2) * DAY_MS)
        over: dict[str, dict[str, list[Close]]] = {}
        for day, begin, end in zip(range(first, last + 1), bounds[:-1], bounds[1:], strict=True):
            closes = Closes(times[begin:end], prices[begin:end])
            self._days[symbol, day] = closes
            # In the first minute of the next day, its last candle may not be there yet.
            if (day + 1) * DAY_MS + _SETTLED_MS < as_of:
                name = _name(day)
                over.setdefault(name[:7], {})[name] = closes.to_list()
        for month, days in over.items():
            if self._files is not None:
                self._files.keep(symbol, self._interval, month, days)


def _name(day: int) -> str:
    return datetime.fromtimestamp(day * 86_400, UTC).strftime("%Y-%m-%d")


def _number(day: str) -> int:
    return (date.fromisoformat(day) - date(1970, 1, 1)).days
