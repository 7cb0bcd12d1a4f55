"""Books, tickers and averages of the simulated market agree with its trades."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sandbox.market.consistency import HISTORY, NOW, exactly, market, minutes_of_markets
from toolkit.sandbox.market.books import book
from toolkit.sandbox.market.calendar import DAY_MS, HOUR_MS
from toolkit.sandbox.market.candles import candles
from toolkit.sandbox.market.paths import MINUTE_MS
from toolkit.sandbox.market.symbols import Market
from toolkit.sandbox.market.tickers import average_price, statistics
from toolkit.sandbox.market.trades import latest_trades, trades_between

OFFSETS = st.integers(0, MINUTE_MS - 1)


@given(minutes_of_markets(longest=1), OFFSETS, st.sampled_from([1, 5, 100, 1000]))
@settings(max_examples=40)
def test_a_book_is_around_the_last_trade(drawn: tuple[Market, int, int], offset: int, levels: int) -> None:
    each, minute, _ = drawn
    now = minute * MINUTE_MS + offset
    made = book(HISTORY, each, now, levels)
    last = latest_trades(HISTORY, each, 1, now)
    if not len(last):
        assert made is None
        return
    assert made is not None
    bids, asks = made.bid_prices, made.ask_prices
    assert last.price[0] == (asks[0] if last.taker_buys[0] else bids[0])
    assert 0 < bids[0] < asks[0]
    assert (np.diff(bids) < 0).all()
    assert (np.diff(asks) > 0).all()
    assert asks.size == levels
    assert bids.size == levels or bids[-1] == 1
    assert bids[-1] > 0
    quantities = np.concatenate([made.bid_quantities, made.ask_quantities])
    assert quantities.size == bids.size + asks.size
    assert (quantities > 0).all()
    # A shallow book is the top of a deep one.
    best = book(HISTORY, each, now, 1)
    assert best is not None
    assert (best.bid_prices[0], best.ask_prices[0]) == (bids[0], asks[0])
    assert (best.bid_quantities[0], best.ask_quantities[0]) == (
        made.bid_quantities[0],
        made.ask_quantities[0],
    )
    assert best.update_id == made.update_id


def test_books_are_as_deep_as_their_symbols_are_busy() -> None:
    """However fine its ticks are: 0.3 % of the price holds up to a fifth of what is traded in a day."""
    for each in HISTORY.markets:
        made = book(HISTORY, each, NOW)
        if made is None:
            continue
        near = (made.ask_prices - made.ask_prices[0]) <= made.ask_prices[0] * 0.003
        offered = (made.ask_prices * made.ask_quantities)[near].sum()
        traded = HISTORY.minutes(each, NOW // MINUTE_MS - 1440, 1440).quote.sum()
        assert 0.001 < offered / traded < 0.2, (each.symbol, each.kind, offered / traded)


def test_a_book_changes_from_moment_to_moment_but_not_all_of_it() -> None:
    each = market("spot", "ETHUSDT")
    first, later = (book(HISTORY, each, NOW + after, 500) for after in (0, 1000))
    assert first is not None
    assert later is not None
    assert later.update_id > first.update_id
    shared, ours, theirs = np.intersect1d(first.bid_prices, later.bid_prices, return_indices=True)
    assert shared.size > 300
    same = (first.bid_quantities[ours] == later.bid_quantities[theirs]).mean()
    assert 0.3 < same < 0.99


def test_a_book_has_its_largest_size_and_rests_in_maintenance() -> None:
    for each in (market("spot", "BTCUSDT"), market("spot", "ETHUSDT")):
        made = book(HISTORY, each, NOW)
        assert made is not None
        assert made.bid_prices.size == made.ask_prices.size == 5000
        stopped, resumed = HISTORY.hours(each).maintenance
        early, late = (book(HISTORY, each, now, 50) for now in (stopped + 1, resumed - 1))
        assert early is not None
        assert late is not None
        assert exactly(early.ask_quantities) == exactly(late.ask_quantities)
        assert early.update_id == late.update_id
    gone, young = market("spot", "SOLETH"), market("spot", "SUIUSDT")
    assert book(HISTORY, gone, NOW) is None
    assert book(HISTORY, young, HISTORY.hours(young).listed_ms - 1) is None


@given(minutes_of_markets(longest=1), OFFSETS, st.integers(1, 400_000))
@settings(max_examples=30)
def test_statistics_are_of_all_trades_of_the_span(
    drawn: tuple[Market, int, int], offset: int, length: int
) -> None:
    each, minute, _ = drawn
    now = minute * MINUTE_MS + offset
    start = now - length + 1
    made = statistics(HISTORY, each, start, now)
    last = latest_trades(HISTORY, each, 1, now)
    if made is None:
        assert not len(last)
        return
    trades = trades_between(HISTORY, each, start, now)
    before = latest_trades(HISTORY, each, 1, start - 1)
    prices, quantities = exactly(trades.price), exactly(trades.quantity)
    assert (made.open_time, made.close_time, made.trades) == (start, now, len(prices))
    assert made.volume == sum(quantities)
    assert made.quote == sum(price * quantity for price, quantity in zip(prices, quantities, strict=True))
    assert (made.last, made.last_quantity) == (last.price[0], last.quantity[0])
    if prices:
        assert (made.open, made.high, made.low) == (prices[0], max(prices), min(prices))
        assert (made.first_id, made.last_id) == (trades.id[0], trades.id[-1])
        assert made.previous_close == (before.price[0] if len(before) else prices[0])
    else:
        assert made.open == made.high == made.low == made.last
        assert (made.first_id, made.last_id) == (-1, -1)


def test_statistics_of_a_day_are_its_candles() -> None:
    each = market("um", "BTCUSDT")
    end = NOW - NOW % HOUR_MS
    made = statistics(HISTORY, each, end - DAY_MS, end - 1)
    hours = candles(HISTORY, each, "1h", start_ms=end - DAY_MS, end_ms=end - 1, limit=24, now_ms=NOW)
    assert made is not None
    assert len(hours) == 24
    assert (made.volume, made.quote) == (sum(exactly(hours.volume)), sum(exactly(hours.quote)))
    assert (made.high, made.low) == (hours.high.max(), hours.low.min())
    assert (made.open, made.last, made.first_id) == (hours.open[0], hours.close[-1], hours.first_trade[0])


def test_statistics_since_ever() -> None:
    each = market("spot", "SUIUSDT")
    now = HISTORY.hours(each).listed_ms + HOUR_MS
    made = statistics(HISTORY, each, 0, now)
    trades = trades_between(HISTORY, each, 0, now)
    assert made is not None
    assert (made.trades, made.first_id, made.volume) == (len(trades), 0, trades.quantity.sum())
    assert made.previous_close == made.open == trades.price[0]


def test_the_average_is_of_five_minutes() -> None:
    each = market("spot", "XRPUSDT")
    made = average_price(HISTORY, each, NOW)
    trades = trades_between(HISTORY, each, NOW - 5 * MINUTE_MS + 1, NOW)
    assert made is not None
    assert made.quote == (trades.price * trades.quantity).sum()
    assert made.volume == trades.quantity.sum()
    assert made.close_time == trades.time[-1]
    # A trade is out of it after five minutes.
    oldest = int(trades.time[0])
    inside, outside = (average_price(HISTORY, each, oldest + 5 * MINUTE_MS - before) for before in (1, 0))
    assert inside is not None
    assert outside is not None
    later = trades_between(HISTORY, each, oldest + 1, oldest + 5 * MINUTE_MS)
    assert outside.volume == later.quantity.sum()
    assert inside.volume > outside.volume - later.quantity[later.time == oldest + 5 * MINUTE_MS].sum()
    stopped = HISTORY.hours(each).maintenance[0]
    resting = average_price(HISTORY, each, stopped + HOUR_MS)
    last = latest_trades(HISTORY, each, 1, stopped)
    assert resting is not None
    assert resting.quote == last.price[0] * resting.volume
    young = market("spot", "SUIUSDT")
    assert average_price(HISTORY, young, HISTORY.hours(young).listed_ms - 1) is None
    assert statistics(HISTORY, young, 0, HISTORY.hours(young).listed_ms - 1) is None
