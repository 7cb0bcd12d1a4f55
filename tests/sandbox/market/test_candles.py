"""Candles of the simulated market: all intervals agree, wherever they are read."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sandbox.market.consistency import (
    HISTORY,
    NOW,
    START,
    assert_equal,
    exactly,
    first_minute,
    folded,
    market,
    minutes_of_markets,
    row_of,
)
from toolkit.endpoints.market.candle_columns import SPOT_INTERVALS
from toolkit.sandbox.market import intervals
from toolkit.sandbox.market.calendar import DAY_MS, HOUR_MS
from toolkit.sandbox.market.candles import Candles, candles
from toolkit.sandbox.market.history import MarketHistory
from toolkit.sandbox.market.minutes import Minutes
from toolkit.sandbox.market.paths import BLOCK, MINUTE_MS
from toolkit.sandbox.market.symbols import Market
from toolkit.sandbox.market.trades import latest_trades, trade_count, trades_between

LONGER = [interval for interval in SPOT_INTERVALS if interval not in {"1s", "1m"}]
BITCOIN = market("spot", "BTCUSDT")


def between(each: Market, interval: str, start: int, end: int, now: int = NOW) -> Candles:
    return candles(HISTORY, each, interval, start_ms=start, end_ms=end, limit=10**6, now_ms=now)


@given(minutes_of_markets(longest=1), st.sampled_from(LONGER[:12]))
@settings(max_examples=40)
def test_a_candle_is_the_sum_of_its_minutes(drawn: tuple[Market, int, int], interval: str) -> None:
    each, minute, _ = drawn
    number = intervals.number_of(interval, minute * MINUTE_MS)
    begin, end = intervals.begin_of(interval, number), intervals.begin_of(interval, number + 1)
    made = between(each, interval, begin, begin)
    minutes = between(each, "1m", begin, end - 1)
    if not len(minutes):  # it lies in maintenance
        assert not len(made)
        return
    assert row_of(made, 0) == folded(minutes)
    assert (made.open_time[0], made.close_time[0]) == (begin, end - 1)


@pytest.mark.parametrize("interval", ["3d", "1w", "1M"])
def test_long_candles_are_the_sum_of_days(interval: str) -> None:
    each = market("um", "NEARUSDT")
    made = candles(HISTORY, each, interval, limit=1000, now_ms=NOW)
    days = candles(HISTORY, each, "1d", limit=1000, now_ms=NOW)
    assert sum(exactly(made.volume)) == sum(exactly(days.volume))
    for row in range(len(made)):
        inside = (days.open_time >= made.open_time[row]) & (days.open_time <= made.close_time[row])
        assert row_of(made, row) == folded(days[inside])
    dates = [datetime.fromtimestamp(time / 1000, UTC) for time in made.open_time]
    if interval == "1w":
        assert {date.weekday() for date in dates} == {0}
    if interval == "1M":
        assert {date.day for date in dates} == {1}
        assert len(dates) == 13


@given(minutes_of_markets(longest=4), st.integers(0, 59_999))
@settings(max_examples=30)
def test_seconds_are_the_trades(drawn: tuple[Market, int, int], offset: int) -> None:
    each, first, count = drawn
    begin, end = first * MINUTE_MS + offset, (first + count) * MINUTE_MS - 1
    made = between(each, "1s", begin, end)
    trades = trades_between(HISTORY, each, begin, end)
    opens = set(exactly(made.open_time))
    assert {time // 1000 * 1000 for time in exactly(trades.time)} - opens <= {begin // 1000 * 1000}
    earlier = latest_trades(HISTORY, each, 1, int(made.open_time[0]) - 1) if len(made) else trades
    price = int(earlier.price[0]) if len(earlier) else None
    for row in range(0, len(made), 7 if len(made) > 30 else 1):
        time = int(made.open_time[row])
        here = (trades.time >= time) & (trades.time < time + 1000)
        before = trades.price[trades.time < time]
        price = int(before[-1]) if len(before) else price
        prices, quantities = exactly(trades.price[here]), exactly(trades.quantity[here])
        assert made.trades[row] == len(prices)
        assert made.volume[row] == sum(quantities)
        assert made.quote[row] == sum(a * b for a, b in zip(prices, quantities, strict=True))
        assert made.taker_volume[row] == trades.quantity[here][trades.taker_buys[here]].sum()
        shown = [int(getattr(made, name)[row]) for name in ("open", "high", "low", "close")]
        if prices:
            assert shown == [prices[0], max(prices), min(prices), prices[-1]]
            assert made.first_trade[row] == trades.id[here][0]
        elif price is not None:
            assert shown == [price] * 4


@given(minutes_of_markets(longest=1), st.integers(0, MINUTE_MS - 1), st.sampled_from(["1m", *LONGER[:9]]))
@settings(max_examples=40)
def test_the_running_candle_counts_the_trades_so_far(
    drawn: tuple[Market, int, int], offset: int, interval: str
) -> None:
    each, minute, _ = drawn
    now = minute * MINUTE_MS + offset
    made = candles(HISTORY, each, interval, limit=3, now_ms=now, newest=True)
    assert (made.open_time <= now).all()
    if not len(made) or made.close_time[-1] <= now:
        return
    begin = int(made.open_time[-1])
    trades = trades_between(HISTORY, each, begin, now)
    assert made.trades[-1] == len(trades)
    assert made.volume[-1] == trades.quantity.sum()
    assert made.quote[-1] == sum(
        a * b for a, b in zip(exactly(trades.price), exactly(trades.quantity), strict=True)
    )
    assert made.close[-1] == latest_trades(HISTORY, each, 1, now).price[0]
    if len(trades):
        assert (made.open[-1], made.high[-1]) == (trades.price[0], trades.price.max())
    # What is over does not change any more.
    later = candles(HISTORY, each, interval, start_ms=int(made.open_time[0]), limit=3, now_ms=NOW)
    assert_equal(made[:-1], later[: len(made) - 1])


@given(st.data(), minutes_of_markets(longest=3000))
@settings(max_examples=15)
def test_any_part_equals_the_whole(data: st.DataObject, drawn: tuple[Market, int, int]) -> None:
    each, first, count = drawn
    whole = HISTORY.minutes(each, first, count)
    begin = data.draw(st.integers(0, count - 1))
    part = MarketHistory(7, START, [each]).minutes(each, first + begin, min(5, count - begin))
    for name in Minutes.__slots__:
        assert (getattr(whole, name)[begin : begin + len(part)] == getattr(part, name)).all()


def test_a_dense_span_equals_its_pages() -> None:
    """Spans of many blocks are made in another way than short ones."""
    each = market("spot", "BNBETH")
    first = START // MINUTE_MS + 445 * 1440
    whole = HISTORY.minutes(each, first, 9 * BLOCK)
    pages = [HISTORY.minutes(each, first + begin, 1000) for begin in range(0, 9000, 1000)]
    for name in Minutes.__slots__:
        assert (getattr(whole, name)[:9000] == np.concatenate([getattr(page, name) for page in pages])).all()
    live = whole[whole.trades > 0]
    assert (live.first_trade + live.trades)[:-1].tolist() == live.first_trade[1:].tolist()
    assert (live.first_order + live.orders)[:-1].tolist() == live.first_order[1:].tolist()


@given(
    minutes_of_markets(longest=1),
    st.sampled_from(["1s", "1m", "5m", "1h"]),
    st.integers(1, 30),
    st.booleans(),
)
@settings(max_examples=40)
def test_pages_have_their_limit(
    drawn: tuple[Market, int, int], interval: str, limit: int, newest: bool
) -> None:
    each, minute, _ = drawn
    edge = minute * MINUTE_MS
    span = {"end_ms": edge} if newest else {"start_ms": edge}
    made = candles(HISTORY, each, interval, limit=limit, now_ms=NOW, newest=newest, **span)
    assert len(made) <= limit
    assert (np.diff(made.open_time) > 0).all()
    # A shorter page is one at an end of the history, also where it meets the maintenance.
    if len(made) < limit:
        listed, end = HISTORY.hours(each).listed_ms, HISTORY.hours(each).end_of_trading(NOW)
        width = intervals.WIDTHS[interval]
        assert (edge - listed if newest else end - edge) <= (limit + 1) * width + 4 * HOUR_MS
    if len(made):
        assert (made.open_time[-1] <= edge) if newest else (made.open_time[0] >= edge)


def test_a_page_goes_on_beyond_maintenance() -> None:
    stopped, resumed = HISTORY.hours(BITCOIN).maintenance
    made = candles(HISTORY, BITCOIN, "1m", start_ms=stopped - 3 * MINUTE_MS, limit=6, now_ms=NOW)
    assert exactly(made.open_time) == [
        *(stopped + row * MINUTE_MS for row in (-3, -2, -1)),
        *(resumed + row * MINUTE_MS for row in (0, 1, 2)),
    ]
    newest = candles(HISTORY, BITCOIN, "1m", end_ms=resumed + 2 * MINUTE_MS, limit=6, now_ms=NOW, newest=True)
    assert_equal(made, newest)
    assert not len(between(BITCOIN, "1h", stopped, resumed - 1))
    assert not len(trades_between(HISTORY, BITCOIN, stopped, resumed - 1))
    during = candles(HISTORY, BITCOIN, "1m", limit=1, now_ms=stopped + HOUR_MS, newest=True)
    assert during.open_time[0] == stopped - MINUTE_MS


def test_a_symbol_begins_and_another_ends() -> None:
    young, gone = market("spot", "SUIUSDT"), market("um", "ATOMUSDT")
    listed = HISTORY.hours(young).listed_ms
    assert candles(HISTORY, young, "1m", start_ms=START, limit=1, now_ms=NOW).open_time[0] == listed
    assert not len(between(young, "1m", START, listed - 1))
    assert not len(candles(HISTORY, young, "1m", limit=5, now_ms=listed - 1))
    end = HISTORY.hours(gone).delisted_ms
    assert end is not None
    last = candles(HISTORY, gone, "1m", limit=1, now_ms=NOW, newest=True)
    assert last.open_time[0] == end - MINUTE_MS
    assert not len(between(gone, "1m", end, NOW))
    assert HISTORY.hours(gone).is_listed(end - 1)
    assert not HISTORY.hours(gone).is_listed(end)
    assert not HISTORY.hours(young).is_listed(listed - 1)


def test_the_first_candle_comes_with_the_first_trade() -> None:
    young = market("spot", "SUIUSDT")
    listed = HISTORY.hours(young).listed_ms
    first = next(now for now in range(listed, listed + MINUTE_MS) if trade_count(HISTORY, young, now))
    assert first > listed
    for interval in ("1s", "1m", "1h", "1d"):
        assert not len(candles(HISTORY, young, interval, limit=5, now_ms=first - 1))
        assert candles(HISTORY, young, interval, limit=5, now_ms=first).trades[0] >= 1
    assert first_minute(young) == first // MINUTE_MS


def test_thin_symbols_have_candles_without_trades() -> None:
    each = market("spot", "BNBETH")
    made = candles(HISTORY, each, "1m", limit=1000, start_ms=START + DAY_MS, now_ms=NOW)
    quiet = np.flatnonzero(made.trades[1:] == 0) + 1
    assert 50 < quiet.size < 70
    for name in ("open", "high", "low", "close"):
        assert (getattr(made, name)[quiet] == made.close[quiet - 1]).all()
    for name in ("volume", "quote", "taker_volume", "taker_quote"):
        assert not getattr(made, name)[quiet].any()


def test_a_candle_opens_with_its_first_trade_even_after_a_quiet_minute() -> None:
    each = market("spot", "BNBETH")
    minutes = candles(HISTORY, each, "1m", limit=1000, start_ms=START + DAY_MS, now_ms=NOW)
    made = candles(HISTORY, each, "3m", limit=300, start_ms=START + DAY_MS, now_ms=NOW)
    begins = set(exactly(minutes.open_time[minutes.trades == 0])) & set(exactly(made.open_time))
    assert len(begins) > 10
    for row in np.flatnonzero(np.isin(made.open_time, list(begins))):
        trades = trades_between(HISTORY, each, int(made.open_time[row]), int(made.close_time[row]))
        shown = (made.open[row], made.high[row], made.low[row], made.first_trade[row])
        assert shown == (trades.price[0], trades.price.max(), trades.price.min(), trades.id[0])


def test_another_seed_gives_another_market() -> None:
    first = START // MINUTE_MS
    same, other = MarketHistory(7, START), MarketHistory(8, START)
    ours = HISTORY.minutes(BITCOIN, first, 100)
    for name in Minutes.__slots__:
        assert (getattr(same.minutes(BITCOIN, first, 100), name) == getattr(ours, name)).all()
    theirs = other.minutes(BITCOIN, first, 100)
    for name in ("open", "close", "volume", "quote", "trades"):
        assert (getattr(theirs, name) != getattr(ours, name)).mean() > 0.5
    twin = market("um", "BTCUSDT")
    assert (HISTORY.minutes(twin, first, 100).volume != ours.volume).mean() > 0.9
