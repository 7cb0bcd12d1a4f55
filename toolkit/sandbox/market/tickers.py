"""Statistics of the last day, or of any other span up to now, and the average price."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from toolkit.sandbox.market.history import MarketHistory
from toolkit.sandbox.market.minutes import Minutes
from toolkit.sandbox.market.paths import MINUTE_MS
from toolkit.sandbox.market.symbols import Market
from toolkit.sandbox.market.trades import latest_trades, trade_count, trades, trades_between

AVERAGE_MINUTES = 5


@dataclass(frozen=True, slots=True)
class Statistics:
    """The trades of a span, as Python integers: prices in ticks, quantities in steps.

    Attributes:
        quote: Ticks times steps; divided by `volume`, it is the average price weighted by quantity.
        first_id, last_id: Ids of the first and the last trade; without any, both are -1, as on the exchange.
        previous_close: Price of the last trade before the span; of the first one in it if there is none.
        last_quantity: Quantity of the last trade.
    """

    open_time: int
    close_time: int
    previous_close: int
    open: int
    high: int
    low: int
    last: int
    last_quantity: int
    volume: int
    quote: int
    trades: int
    first_id: int
    last_id: int


@dataclass(frozen=True, slots=True)
class AveragePrice:
    """Amount of the quote (ticks times steps) and volume (steps) of the last five minutes.

    Attributes:
        close_time: Time of the last trade.
    """

    quote: int
    volume: int
    close_time: int


def statistics(history: MarketHistory, market: Market, start_ms: int, now_ms: int) -> Statistics | None:
    """The trades of a span, both ends included; None if the symbol was never traded until now."""
    last = latest_trades(history, market, 1, now_ms)
    if not len(last):
        return None
    begin = max(start_ms, history.hours(market).listed_ms)
    first_minute, last_minute = -(-begin // MINUTE_MS), (now_ms + 1) // MINUTE_MS
    if first_minute < last_minute:
        whole = history.minutes(market, first_minute, last_minute - first_minute)
        whole = whole[whole.trades > 0]
        edges = (
            trades_between(history, market, begin, first_minute * MINUTE_MS - 1),
            trades_between(history, market, last_minute * MINUTE_MS, now_ms),
        )
    else:
        whole = Minutes.empty(0)
        edges = trades_between(history, market, begin, now_ms), last[:0]
    first_id = trade_count(history, market, start_ms - 1)
    last_id = int(last.id[0])
    count = last_id - first_id + 1
    before = latest_trades(history, market, 1, start_ms - 1)
    first = trades(history, market, first_id, first_id) if count else last
    highs, lows = ([column, *(edge.price for edge in edges)] for column in (whole.high, whole.low))
    return Statistics(
        open_time=start_ms,
        close_time=now_ms,
        previous_close=int((before if len(before) else first).price[0]),
        open=int(first.price[0]),
        high=int(np.concatenate(highs).max(initial=last.price[0])),
        low=int(np.concatenate(lows).min(initial=last.price[0])),
        last=int(last.price[0]),
        last_quantity=int(last.quantity[0]),
        volume=int(whole.volume.sum()) + sum(int(edge.quantity.sum()) for edge in edges),
        quote=int(whole.quote.sum()) + sum(int((edge.price * edge.quantity).sum()) for edge in edges),
        trades=count,
        first_id=first_id if count else -1,
        last_id=last_id if count else -1,
    )


def average_price(history: MarketHistory, market: Market, now_ms: int) -> AveragePrice | None:
    """The average of the last five minutes; without trades then, the last trade."""
    last = latest_trades(history, market, 1, now_ms)
    if not len(last):
        return None
    recent = trades_between(history, market, now_ms - AVERAGE_MINUTES * MINUTE_MS + 1, now_ms)
    counted = recent if len(recent) else last
    return AveragePrice(
        quote=int((counted.price * counted.quantity).sum()),
        volume=int(counted.quantity.sum()),
        close_time=int(last.time[0]),
    )
