"""Trades of the simulated market: they add up to their minutes, and their ids are contiguous."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sandbox.market.consistency import (
    HISTORY,
    NOW,
    exactly,
    first_minute,
    last_minute,
    market,
    minutes_of_markets,
)
from toolkit.sandbox.market.history import MarketHistory
from toolkit.sandbox.market.paths import MINUTE_MS
from toolkit.sandbox.market.symbols import Market
from toolkit.sandbox.market.trades import (
    AggregateTrades,
    MarketTrades,
    aggregate_count,
    aggregate_trades,
    aggregates_between,
    latest_trades,
    trade_count,
    trades,
    trades_between,
)


@given(minutes_of_markets(longest=3))
@settings(max_examples=40)
def test_trades_add_up_to_their_minute(drawn: tuple[Market, int, int]) -> None:
    each, first, count = drawn
    minutes = HISTORY.minutes(each, first, count)
    made = trades_between(HISTORY, each, first * MINUTE_MS, (first + count) * MINUTE_MS - 1)
    assert len(made) == minutes.trades.sum()
    assert (made.quantity > 0).all()
    assert (np.diff(made.time) >= 0).all()
    for row in range(count):
        here = made.time // MINUTE_MS == first + row
        prices, quantities = exactly(made.price[here]), exactly(made.quantity[here])
        amounts = [price * quantity for price, quantity in zip(prices, quantities, strict=True)]
        buys = made.taker_buys[here]
        assert len(prices) == minutes.trades[row]
        assert sum(quantities) == minutes.volume[row]
        assert sum(amounts) == minutes.quote[row]
        assert sum(np.array(quantities)[buys]) == minutes.taker_volume[row]
        assert sum(np.array(amounts)[buys]) == minutes.taker_quote[row]
        if prices:
            assert made.id[here][0] == minutes.first_trade[row]
            assert (prices[0], prices[-1]) == (minutes.open[row], minutes.close[row])
            assert (max(prices), min(prices)) == (minutes.high[row], minutes.low[row])


@given(minutes_of_markets(longest=2))
@settings(max_examples=25)
def test_aggregate_trades_are_all_trades(drawn: tuple[Market, int, int]) -> None:
    each, first, count = drawn
    span = first * MINUTE_MS, (first + count) * MINUTE_MS - 1
    alone, together = trades_between(HISTORY, each, *span), aggregates_between(HISTORY, each, *span)
    assert len(together) == HISTORY.minutes(each, first, count).orders.sum()
    covered = [
        number
        for begin, end in zip(together.first_trade, together.last_trade, strict=True)
        for number in range(begin, end + 1)
    ]
    assert covered == exactly(alone.id)
    which = np.repeat(np.arange(len(together)), together.last_trade - together.first_trade + 1)
    for name in ("time", "price", "taker_buys"):
        assert (getattr(together, name)[which] == getattr(alone, name)).all()
    quantities = np.zeros(len(together), np.int64)
    np.add.at(quantities, which, alone.quantity)
    assert exactly(quantities) == exactly(together.quantity)
    assert exactly(np.diff(together.id)) == [1] * (len(together) - 1 if len(together) else 0)


@given(st.data(), minutes_of_markets(longest=1))
@settings(max_examples=40)
def test_ids_are_contiguous_wherever_they_are_read(
    data: st.DataObject, drawn: tuple[Market, int, int]
) -> None:
    each, minute, _ = drawn
    for count_of, read in ((trade_count, trades), (aggregate_count, aggregate_trades)):
        count = count_of(HISTORY, each, minute * MINUTE_MS)
        before, after = data.draw(st.integers(0, min(count, 200))), data.draw(st.integers(1, 200))
        made = read(HISTORY, each, count - before, count + after - 1)
        assert exactly(made.id) == list(range(count - before, count - before + len(made)))
        # Those before the time are before the id, those after it are not.
        assert (made.time[:before] <= minute * MINUTE_MS).all()
        assert (made.time[before:] > minute * MINUTE_MS).all()


@given(minutes_of_markets(longest=1), st.integers(0, MINUTE_MS - 1))
@settings(max_examples=40)
def test_counts_are_those_of_the_times(drawn: tuple[Market, int, int], offset: int) -> None:
    each, minute, _ = drawn
    whole = trades_between(HISTORY, each, minute * MINUTE_MS, (minute + 1) * MINUTE_MS - 1)
    moment = minute * MINUTE_MS + offset
    before = trade_count(HISTORY, each, minute * MINUTE_MS - 1)
    assert trade_count(HISTORY, each, moment) == before + (whole.time <= moment).sum()
    if len(whole):
        exact = int(whole.time[len(whole) // 2])
        assert trade_count(HISTORY, each, exact) == before + (whole.time <= exact).sum()
        assert trade_count(HISTORY, each, exact - 1) == before + (whole.time < exact).sum()


@pytest.mark.parametrize(("kind", "symbol"), [("spot", "BNBETH"), ("um", "SUIUSDT")])
def test_a_long_page_equals_single_trades(kind: str, symbol: str) -> None:
    each = market(kind, symbol)
    start = trade_count(HISTORY, each, NOW - 40 * 86_400_000)
    page = trades(HISTORY, each, start, start + 999)
    fresh = MarketHistory(7, HISTORY.start_ms, [each])
    for row in (0, 1, 500, 998, 999):
        one = trades(fresh, each, start + row, start + row)
        for name in MarketTrades.__slots__:
            assert getattr(one, name)[0] == getattr(page, name)[row]
    together = aggregate_trades(HISTORY, each, 5000, 5999)
    for row in (0, 777, 999):
        single = aggregate_trades(fresh, each, 5000 + row, 5000 + row)
        for name in AggregateTrades.__slots__:
            assert getattr(single, name)[0] == getattr(together, name)[row]


def test_trades_begin_at_listing_with_0_and_end_with_the_symbol() -> None:
    young, gone = market("spot", "SUIUSDT"), market("spot", "SOLETH")
    assert trades(HISTORY, young, 0, 0).time[0] // MINUTE_MS == first_minute(young)
    assert trade_count(HISTORY, young, HISTORY.hours(young).listed_ms - 1) == 0
    last = latest_trades(HISTORY, gone, 1, NOW)
    assert last.time[0] // MINUTE_MS in {last_minute(gone) - 1, last_minute(gone)}
    assert len(trades(HISTORY, gone, int(last.id[0]) + 1, int(last.id[0]) + 10)) == 0
    assert len(trades(HISTORY, gone, -5, -1)) == len(aggregate_trades(HISTORY, gone, -5, -1)) == 0


@given(minutes_of_markets(longest=1), st.integers(0, MINUTE_MS - 1), st.integers(1, 20))
@settings(max_examples=20)
def test_the_latest_trades_are_not_of_the_future(
    drawn: tuple[Market, int, int], offset: int, limit: int
) -> None:
    each, minute, _ = drawn
    now = minute * MINUTE_MS + offset
    made = latest_trades(HISTORY, each, limit, now)
    assert (made.time <= now).all()
    assert len(made) == min(limit, trade_count(HISTORY, each, now))


def test_prices_walk_from_trade_to_trade() -> None:
    """Nine of ten trades are near the one before: much nearer than the minute's high is to its low."""
    each = market("spot", "BTCUSDT")
    made = trades_between(HISTORY, each, NOW - 60 * MINUTE_MS, NOW - 1)
    minutes = HISTORY.minutes(each, NOW // MINUTE_MS - 60, 60)
    usual = np.percentile(np.abs(np.diff(made.price)), 90)
    assert 0 < usual < 0.08 * (minutes.high - minutes.low).mean()
