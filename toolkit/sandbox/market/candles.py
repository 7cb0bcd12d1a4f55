"""Candles of any interval: made of minutes, and where one still runs, of its trades."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np

from toolkit.sandbox.hashing import BoolArray, Int64Array
from toolkit.sandbox.market import intervals
from toolkit.sandbox.market.calendar import DAY_MS, HOUR_MS, TradingHours
from toolkit.sandbox.market.history import MarketHistory
from toolkit.sandbox.market.minutes import Minutes
from toolkit.sandbox.market.paths import MINUTE_MS
from toolkit.sandbox.market.symbols import Market
from toolkit.sandbox.market.trades import aggregates_between, trade_count, trades_between

# Longer candles are made of hours or days, which are kept in parts: 15 blocks of hours, three such of days.
_HOURS_MS = 256 * HOUR_MS
_DAYS_MS = 3 * _HOURS_MS


@dataclass(frozen=True, slots=True)
class Candles:
    """Candles, oldest first: times in ms, prices in ticks, quantities in steps.

    Amounts of the quote are in ticks times steps.

    Attributes:
        close_time: The last millisecond of the interval, whether it is over or not.
        trades: Number of trades. Without any, the four prices are that of the last trade.
        first_trade: Id of the first trade, or of the next one if there is none.
    """

    open_time: Int64Array
    close_time: Int64Array
    open: Int64Array
    high: Int64Array
    low: Int64Array
    close: Int64Array
    volume: Int64Array
    quote: Int64Array
    taker_volume: Int64Array
    taker_quote: Int64Array
    trades: Int64Array
    first_trade: Int64Array

    def __len__(self) -> int:
        return len(self.open_time)

    def __getitem__(self, rows: slice | BoolArray | Int64Array) -> Self:
        return type(self)(*(getattr(self, name)[rows] for name in self.__slots__))


_SUMS = ("volume", "quote", "taker_volume", "taker_quote", "trades")
_NAMES = Candles.__slots__


def joined(*parts: Candles) -> Candles:
    """Candles one after another."""
    return Candles(*(np.concatenate([getattr(part, name) for part in parts]) for name in _NAMES))


class CandleSource(Protocol):
    """What candles are made of."""

    history: MarketHistory
    hours: TradingHours
    key: Hashable

    def minutes(self, first_minute: int, count: int) -> Minutes:
        """Minutes numbered since 1970, whether they are over or not."""

    def seconds(self, begin_ms: int, end_ms: int, now_ms: int) -> Candles:
        """A candle for each second that begins in a span, up to now."""

    def running(self, minute_ms: int, now_ms: int) -> Candles:
        """The candle of the minute that runs, if it has one."""


def candles(
    history: MarketHistory,
    market: Market,
    interval: str,
    *,
    start_ms: int | None = None,
    end_ms: int | None = None,
    limit: int,
    now_ms: int,
    newest: bool = False,
) -> Candles:
    """The candles of a symbol's trades that open within a span, both ends included.

    Args:
        history: Where they come from.
        market: The symbol.
        interval: As the exchange writes it, from "1s" to "1M".
        start_ms: Beginning of the span; None is the beginning of trading.
        end_ms: End of the span; None is now.
        limit: Largest number of candles.
        now_ms: Nothing later is told. A candle that runs counts the trades up to here.
        newest: If there are more than `limit`, give the last of them, otherwise the first.
    """
    source = TradeSource(history, market)
    return candles_of(source, interval, start_ms, end_ms, limit=limit, now_ms=now_ms, newest=newest)


def candles_of(
    source: CandleSource,
    interval: str,
    start_ms: int | None,
    end_ms: int | None,
    *,
    limit: int,
    now_ms: int,
    newest: bool,
) -> Candles:
    """The candles of a source; arguments as in `candles`."""
    hours = source.hours
    last_ms = hours.end_of_trading(now_ms) - 1
    if end_ms is not None:
        last_ms = min(last_ms, end_ms)
    first_ms = hours.listed_ms if start_ms is None else max(start_ms, hours.listed_ms)
    first, last = intervals.number_of(interval, first_ms), intervals.number_of(interval, last_ms)
    if start_ms is not None and intervals.begin_of(interval, first) < start_ms:
        first += 1
    # Intervals within maintenance have no candle, and do not count.
    limit_with_gap = limit + _intervals_in_maintenance(hours, interval)
    if newest:
        first = max(first, last - limit_with_gap + 1)
    else:
        last = min(last, first + limit_with_gap - 1)
    if first > last or limit < 1:
        return no_candles()
    made = _between(source, interval, first, last, now_ms)
    return made[-limit:] if newest else made[:limit]


class TradeSource:
    """Candles of a symbol's trades."""

    def __init__(self, history: MarketHistory, market: Market) -> None:
        self.history = history
        self.market = market
        self.hours = history.hours(market)
        self.key: Hashable = market

    def minutes(self, first_minute: int, count: int) -> Minutes:
        """Minutes numbered since 1970, whether they are over or not."""
        return self.history.minutes(self.market, first_minute, count)

    def running(self, minute_ms: int, now_ms: int) -> Candles:
        """The candle of the minute that runs, of the trades up to now."""
        minute = self.minutes(minute_ms // MINUTE_MS, 1)
        opens = np.array([minute_ms])
        if not minute.traded[0] or not minute.trades[0]:
            return _as_candles(minute, opens)[minute.traded]
        made = trades_between(self.history, self.market, minute_ms, now_ms)
        if not len(made):
            price = self._price_before(minute_ms // MINUTE_MS)
            return (
                no_candles() if price is None else _without_trades(opens, price, int(minute.first_trade[0]))
            )
        quote = made.price * made.quantity
        zero = np.zeros(1, np.int64)
        return Candles(
            open_time=opens,
            close_time=opens + (MINUTE_MS - 1),
            open=made.price[:1],
            high=zero + made.price.max(),
            low=zero + made.price.min(),
            close=made.price[-1:],
            volume=zero + made.quantity.sum(),
            quote=zero + quote.sum(),
            taker_volume=zero + made.quantity[made.taker_buys].sum(),
            taker_quote=zero + quote[made.taker_buys].sum(),
            trades=zero + len(made),
            first_trade=made.id[:1],
        )

    def seconds(self, begin_ms: int, end_ms: int, now_ms: int) -> Candles:
        """A candle for each second of trading that begins in a span, of the trades up to now."""
        opens = np.arange(begin_ms, end_ms, 1000)
        first_minute = begin_ms // MINUTE_MS
        minutes = self.minutes(first_minute, (end_ms - 1) // MINUTE_MS - first_minute + 1)
        which = opens // MINUTE_MS - first_minute
        opens, which = opens[minutes.traded[which]], which[minutes.traded[which]]
        if not opens.size:
            return no_candles()
        until = min(int(opens[-1]) + 999, now_ms)
        made = aggregates_between(self.history, self.market, first_minute * MINUTE_MS, until)
        firsts = np.searchsorted(made.time, opens)
        # In a gap between the seconds there are no trades, so each second ends where the next one begins.
        lasts = np.append(firsts[1:], len(made))
        live = lasts > firsts
        earlier = self._price_before(first_minute)
        if earlier is None:
            known = np.maximum.accumulate(live)
            opens, firsts, lasts, live = opens[known], firsts[known], lasts[known], live[known]
        # The price before the first trade is found at the index -1.
        before = np.append(made.price, earlier or 0)[firsts - 1]
        prices = {name: before.copy() for name in ("open", "high", "low", "close")}
        begins = firsts[live]
        prices["open"][live] = made.price[begins]
        prices["close"][live] = made.price[lasts[live] - 1]
        if begins.size:
            prices["high"][live] = np.maximum.reduceat(made.price, begins)
            prices["low"][live] = np.minimum.reduceat(made.price, begins)
        first_trades = np.append(made.first_trade, trade_count(self.history, self.market, until))
        quote = made.price * made.quantity
        sums = {
            "volume": made.quantity,
            "quote": quote,
            "taker_volume": made.quantity * made.taker_buys,
            "taker_quote": quote * made.taker_buys,
            "trades": made.last_trade - made.first_trade + 1,
        }
        for name, amounts in sums.items():
            totals = np.concatenate([[0], np.cumsum(amounts)])
            sums[name] = totals[lasts] - totals[firsts]
        return Candles(opens, opens + 999, **prices, **sums, first_trade=first_trades[firsts])

    def _price_before(self, minute: int) -> int | None:
        """The price of the last trade before a minute, None if there is none."""
        resumed = self.hours.maintenance[1] // MINUTE_MS
        before = self.minutes(
            (self.hours.maintenance[0] // MINUTE_MS if minute == resumed else minute) - 1, 1
        )
        return int(before.close[0]) if before.traded[0] else None


def _without_trades(opens: Int64Array, price: int, next_trade: int) -> Candles:
    """The candle of a minute at the price of the last trade."""
    zero = np.zeros(1, np.int64)
    prices = dict.fromkeys(("open", "high", "low", "close"), zero + price)
    sums = dict.fromkeys(_SUMS, zero)
    return Candles(opens, opens + (MINUTE_MS - 1), **prices, **sums, first_trade=zero + next_trade)


def no_candles() -> Candles:
    """No candles at all."""
    return Candles(*(np.empty(0, np.int64) for _ in _NAMES))


def _intervals_in_maintenance(hours: TradingHours, interval: str) -> int:
    begin, end = hours.maintenance
    return intervals.number_of(interval, end) - intervals.number_of(interval, begin)


def _between(source: CandleSource, interval: str, first: int, last: int, now_ms: int) -> Candles:
    """The candles with these numbers, both included."""
    begin, end = intervals.begin_of(interval, first), intervals.begin_of(interval, last + 1)
    if interval == "1s":
        return source.seconds(begin, min(end, now_ms + 1), now_ms)
    # The minute that runs is made of its trades.
    running = now_ms // MINUTE_MS * MINUTE_MS
    if end <= running:
        parts = [_complete(source, interval, begin, end)]
    else:
        parts = []
        if begin < running:
            parts.append(_complete(source, interval, begin, running))
        parts.append(source.running(running, now_ms))
    made = joined(*parts)
    return made if interval == "1m" else merged(made, interval)


def _complete(source: CandleSource, interval: str, begin: int, end: int) -> Candles:
    """Candles of an interval within a span of complete minutes; they may be parts of longer ones."""
    if interval == "1m":
        return _of_minutes(source, begin, end)
    if intervals.WIDTHS.get(interval, end) < HOUR_MS:
        return merged(_of_minutes(source, begin, end), interval)
    parts = []
    if intervals.WIDTHS.get(interval, end) >= DAY_MS and begin < (whole := end - end % DAY_MS):
        parts.append(_days(source, begin, whole))
        begin = whole
    if begin < (whole := end - end % HOUR_MS):
        parts.append(_hours(source, begin, whole))
        begin = whole
    if begin < end:
        parts.append(merged(_of_minutes(source, begin, end), "1h"))
    return joined(*parts)


def _of_minutes(source: CandleSource, begin: int, end: int) -> Candles:
    minutes = source.minutes(begin // MINUTE_MS, (end - begin) // MINUTE_MS)
    opens = np.arange(begin, end, MINUTE_MS)
    if not minutes.traded.all():
        minutes, opens = minutes[minutes.traded], opens[minutes.traded]
    return _as_candles(minutes, opens)


def _as_candles(minutes: Minutes, opens: Int64Array) -> Candles:
    return Candles(opens, opens + (MINUTE_MS - 1), *(getattr(minutes, name) for name in _NAMES[2:]))


def _hours(source: CandleSource, begin: int, end: int) -> Candles:
    """Whole hours, from parts that are kept."""

    def part(number: int) -> Candles:
        found: Candles | None = source.history.parts_cache.find((source.key, "hours", number))
        if found is None:
            found = merged(_of_minutes(source, number * _HOURS_MS, (number + 1) * _HOURS_MS), "1h")
            source.history.parts_cache.keep((source.key, "hours", number), found)
        return found

    return _of_parts(part, _HOURS_MS, begin, end)


def _days(source: CandleSource, begin: int, end: int) -> Candles:
    """Whole days, from parts that are kept."""

    def part(number: int) -> Candles:
        found = source.history.days_cache.find((source.key, number))
        if found is None:
            found = merged(_hours(source, number * _DAYS_MS, (number + 1) * _DAYS_MS), "1d")
            source.history.days_cache.keep((source.key, number), found)
        return found

    return _of_parts(part, _DAYS_MS, begin, end)


def _of_parts(part: Callable[[int], Candles], length: int, begin: int, end: int) -> Candles:
    """The candles of a span, from parts of the same length."""
    parts = joined(*map(part, range(begin // length, (end - 1) // length + 1)))
    return parts[slice(*np.searchsorted(parts.open_time, [begin, end]))]


def merged(parts: Candles, interval: str) -> Candles:
    """Candles of a longer interval, from those of a shorter one.

    One without trades adds nothing, unless the longer candle has none at all.
    """
    numbers = intervals.numbers_of(interval, parts.open_time)
    live = parts.trades > 0
    # Only the running candle can be without trades: no two minutes in a row are quiet.
    empty = parts[-1:] if len(parts) and not live[numbers == numbers[-1]].any() else None
    parts, numbers = parts[live], numbers[live]
    made = _merged_live(parts, numbers, interval)
    if empty is None:
        return made
    number = intervals.numbers_of(interval, empty.open_time)
    times = intervals.begins_of(interval, number), intervals.begins_of(interval, number + 1) - 1
    return joined(made, Candles(*times, *(getattr(empty, name) for name in _NAMES[2:])))


def _merged_live(parts: Candles, numbers: Int64Array, interval: str) -> Candles:
    if not len(parts):
        return parts
    firsts = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 1))
    lasts = np.append(firsts[1:], len(numbers)) - 1
    numbers = numbers[firsts]
    columns = {name: np.add.reduceat(getattr(parts, name), firsts) for name in _SUMS}
    return Candles(
        open_time=intervals.begins_of(interval, numbers),
        close_time=intervals.begins_of(interval, numbers + 1) - 1,
        open=parts.open[firsts],
        high=np.maximum.reduceat(parts.high, firsts),
        low=np.minimum.reduceat(parts.low, firsts),
        close=parts.close[lasts],
        first_trade=parts.first_trade[firsts],
        **columns,
    )
