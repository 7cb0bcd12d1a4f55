"""Index, mark and premium, funding, open interest, ratios and basis of the simulated market."""

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
    exactly,
    folded,
    market,
    minutes_of_markets,
    row_of,
    times,
)
from toolkit.endpoints.market.futures.shared import PERIOD
from toolkit.sandbox.market.calendar import DAY_MS, HOUR_MS, delivery_ms
from toolkit.sandbox.market.candles import candles
from toolkit.sandbox.market.funding import CAP, INTEREST, funding_rates, next_funding_ms
from toolkit.sandbox.market.history import MarketHistory
from toolkit.sandbox.market.paths import MINUTE_MS
from toolkit.sandbox.market.positions import (
    RATIO_UNIT,
    basis,
    long_short_ratios,
    open_interest,
    period_times,
    taker_volumes,
)
from toolkit.sandbox.market.symbols import UM, Market, future_of
from toolkit.sandbox.market.values import UNIT, ValueKind, value_candles, values_at

KINDS: list[ValueKind] = ["index", "mark", "premium"]
BITCOIN = market("um", "BTCUSDT")


def of_futures(drawn: tuple[Market, int, int]) -> bool:
    return drawn[0].kind == "um"


@given(minutes_of_markets(longest=4).filter(of_futures), st.sampled_from(KINDS), st.integers(0, 59_999))
@settings(max_examples=30)
def test_candles_of_values_agree_with_moments(
    drawn: tuple[Market, int, int], kind: ValueKind, offset: int
) -> None:
    each, first, count = drawn
    begin = first * MINUTE_MS
    made = value_candles(
        HISTORY, each, kind, "1m", start_ms=begin, end_ms=begin + count * MINUTE_MS - 1, limit=9, now_ms=NOW
    )
    assert exactly(getattr(values_at(HISTORY, each, made.open_time), kind)) == exactly(made.open)
    moments = getattr(values_at(HISTORY, each, made.open_time + offset), kind)
    assert (moments <= made.high).all()
    assert (moments >= made.low).all()
    assert not made.volume.any()
    # The candle that runs ends now.
    now = begin + offset
    running = value_candles(HISTORY, each, kind, "1m", limit=1, now_ms=now, newest=True)
    if len(made) and made.open_time[0] == begin:
        assert running.close[0] == getattr(values_at(HISTORY, each, times(now)), kind)[0]
        assert running.low[0] >= made.low[0]


@pytest.mark.parametrize("kind", KINDS)
def test_long_candles_of_values_are_the_sum_of_minutes(kind: ValueKind) -> None:
    begin = NOW - NOW % DAY_MS - DAY_MS
    hours = value_candles(HISTORY, BITCOIN, kind, "4h", start_ms=begin, limit=6, now_ms=NOW)
    for row in (0, 5):
        minutes = value_candles(
            HISTORY, BITCOIN, kind, "1m", start_ms=int(hours.open_time[row]), limit=240, now_ms=NOW
        )
        assert row_of(hours, row) == folded(minutes)


def test_the_mark_price_is_between_index_and_trades() -> None:
    for each in UM:
        moments = np.arange(NOW - 300 * DAY_MS, NOW, DAY_MS // 7)
        if each.delisted_after is not None:
            continue
        made = values_at(HISTORY, each, moments)
        assert np.abs(made.premium).max() < UNIT // 100
        assert (np.sign(made.mark - made.index) == np.sign(made.premium)).mean() > 0.99
        trade = candles(HISTORY, each, "1m", start_ms=NOW - NOW % MINUTE_MS - MINUTE_MS, limit=1, now_ms=NOW)
        price = float(trade.close[0]) * float(each.tick)
        assert price == pytest.approx(values_at(HISTORY, each, times(NOW)).mark[0] / UNIT, rel=0.01)
    assert (made.premium < 0).any()
    assert (made.premium > 0).any()


def test_funding_is_every_eight_hours_and_of_one_symbol_every_four() -> None:
    widths = {}
    for each in UM:
        made = funding_rates(HISTORY, each, limit=40, now_ms=NOW, newest=True)
        widths[each.symbol] = set(np.diff(made.time))
        assert not (made.time % (each.funding_hours * HOUR_MS)).any()
        assert made.time[-1] <= NOW
        first = funding_rates(HISTORY, each, limit=1, now_ms=NOW).time[0]
        assert 0 < first - HISTORY.hours(each).listed_ms <= each.funding_hours * HOUR_MS
        assert np.abs(made.rate).max() <= CAP
        assert exactly(made.mark[-3:]) == exactly(values_at(HISTORY, each, made.time[-3:]).mark)
    assert widths.pop("SUIUSDT") == {4 * HOUR_MS}
    assert set(map(tuple, widths.values())) == {(8 * HOUR_MS,)}
    whole = funding_rates(HISTORY, BITCOIN, limit=10_000, now_ms=NOW)
    assert len(set(exactly(whole.rate))) > 100
    assert (whole.rate < 0).any()
    gone = market("um", "ATOMUSDT")
    assert funding_rates(HISTORY, gone, limit=1, now_ms=NOW, newest=True).time[0] < NOW - 50 * DAY_MS


@pytest.mark.parametrize("symbol", ["BTCUSDT", "SUIUSDT"])
def test_the_rate_follows_the_premium_of_its_interval(symbol: str) -> None:
    each = market("um", symbol)
    made = funding_rates(HISTORY, each, limit=40, now_ms=NOW, newest=True)
    minutes = each.funding_hours * 60
    seen = set()
    for time, rate in zip(exactly(made.time), exactly(made.rate), strict=True):
        start = time - minutes * MINUTE_MS
        premium = value_candles(
            HISTORY, each, "premium", "1m", start_ms=start, limit=minutes, now_ms=NOW
        ).open
        average, interest = premium.sum() / minutes, INTEREST * each.funding_hours / 8
        expected = average + min(max(interest - average, -UNIT * 0.0005), UNIT * 0.0005)
        assert rate == pytest.approx(expected, abs=1)
        seen.add(rate == interest)
    assert True in seen


@given(st.integers(0, 600), st.integers(1, 30), st.booleans())
@settings(max_examples=20)
def test_pages_of_funding(day: int, limit: int, newest: bool) -> None:
    whole = funding_rates(HISTORY, BITCOIN, limit=10_000, now_ms=NOW)
    start = int(whole.time[0]) + day * DAY_MS
    span = {"end_ms": start} if newest else {"start_ms": start}
    page = funding_rates(HISTORY, BITCOIN, limit=limit, now_ms=NOW, newest=newest, **span)
    row = day * 3
    expected = whole[max(row + 1 - limit, 0) : row + 1] if newest else whole[row : row + limit]
    assert exactly(page.time) == exactly(expected.time)
    assert exactly(page.rate) == exactly(expected.rate)
    assert next_funding_ms(BITCOIN, start) == start + 8 * HOUR_MS
    assert next_funding_ms(BITCOIN, start - 1) == start


@pytest.mark.parametrize("period", PERIOD.choices)
def test_periods_end_now_and_leave_out_maintenance(period: str) -> None:
    made = period_times(HISTORY, BITCOIN, period, limit=30, now_ms=NOW, newest=True)
    assert made.size == 30
    assert NOW - made[-1] < made[-1] - made[-2]
    stopped, resumed = HISTORY.hours(BITCOIN).maintenance
    around = period_times(HISTORY, BITCOIN, period, start_ms=stopped - 2 * HOUR_MS, limit=60, now_ms=NOW)
    assert around.size == 60
    assert not ((around >= stopped) & (around < resumed)).any()


def test_statistics_of_positions() -> None:
    moments = period_times(HISTORY, BITCOIN, "1h", limit=500, now_ms=NOW, newest=True)
    held = open_interest(HISTORY, BITCOIN, moments)
    mark = values_at(HISTORY, BITCOIN, moments).mark
    assert exactly(held.value) == [
        int(contracts) * int(price) // 10**BITCOIN.quantity_decimals
        for contracts, price in zip(held.contracts, mark, strict=True)
    ]
    assert len(set(exactly(held.contracts))) > 490
    shown = []
    for holders in ("global accounts", "top accounts", "top positions"):
        made = long_short_ratios(HISTORY, BITCOIN, holders, moments)
        assert (made.long + made.short == RATIO_UNIT).all()
        assert made.ratio == pytest.approx(made.long / made.short * RATIO_UNIT, abs=1)
        assert made.long.min() > 2000
        assert made.long.max() < 9000
        shown.append(made.long)
    assert (shown[0] != shown[1]).mean() > 0.9
    # A part is equal to the same part of the whole.
    assert exactly(open_interest(HISTORY, BITCOIN, moments[100:103]).contracts) == exactly(
        held.contracts[100:103]
    )


@pytest.mark.parametrize("seed", [7, 8, 9])
def test_positions_change_slowly(seed: int) -> None:
    history = MarketHistory(seed, START)
    moments = period_times(history, BITCOIN, "1h", limit=20_000, now_ms=NOW)
    held = np.log(open_interest(history, BITCOIN, moments).contracts)
    assert held.std() > 0.1
    for hours, largest in ((1, 0.1), (24, 0.35), (96, 0.6)):
        assert np.abs(held[hours:] - held[:-hours]).max() < largest
    ratios = long_short_ratios(history, BITCOIN, "global accounts", moments).ratio
    assert np.abs(np.diff(np.log(ratios))).max() < 0.15


def test_open_interest_is_about_what_is_traded_in_a_day() -> None:
    for each in UM:
        if HISTORY.hours(each).is_listed(NOW):
            day = candles(HISTORY, each, "1d", limit=8, now_ms=NOW, newest=True)[:-1]
            held = open_interest(HISTORY, each, day.open_time).contracts.mean()
            assert 0.2 < held / day.volume.mean() < 5, each.symbol


def test_taker_volumes_are_those_of_the_candles() -> None:
    moments = period_times(HISTORY, BITCOIN, "15m", limit=50, now_ms=NOW, newest=True)
    made = taker_volumes(HISTORY, BITCOIN, "15m", moments, NOW)
    shown = candles(HISTORY, BITCOIN, "15m", limit=50, now_ms=NOW, newest=True)
    assert exactly(made.time) == exactly(shown.open_time)
    assert exactly(made.bought) == exactly(shown.taker_volume)
    assert exactly(made.bought + made.sold) == exactly(shown.volume)
    assert made.ratio == pytest.approx(made.bought / made.sold * RATIO_UNIT, abs=1)


def test_quarterly_futures_converge_to_their_index() -> None:
    current, after = (future_of("BTCUSDT", word) for word in ("CURRENT_QUARTER", "NEXT_QUARTER"))
    assert current is not None
    assert after is not None
    assert future_of("BTCUSDT", "PERPETUAL") == BITCOIN
    assert future_of("ADAUSDT", "CURRENT_QUARTER") is None
    delivery = int(delivery_ms(times(NOW), 0)[0])
    far, near = (basis(HISTORY, current, times(delivery - days * DAY_MS)).rate[0] for days in (80, 2))
    assert far > near + 50
    assert basis(HISTORY, after, times(NOW)).rate[0] > basis(HISTORY, current, times(NOW)).rate[0]
    made = basis(HISTORY, current, times(NOW))
    shown = candles(HISTORY, current, "1m", limit=1, now_ms=NOW, newest=True)
    assert exactly(made.futures - made.index) == exactly(made.basis)
    assert made.futures[0] / UNIT == pytest.approx(float(shown.close[0]) * float(current.tick), rel=0.005)
    # Annual rates are near the carry, however little time is left.
    for quarter, days in ((current, 80), (current, 20), (after, 100)):
        annualized = basis(HISTORY, quarter, times(delivery - days * DAY_MS)).annualized
        assert annualized is not None
        assert 0.02 < annualized[0] / RATIO_UNIT < 0.08
    assert basis(HISTORY, BITCOIN, times(NOW)).annualized is None
    with pytest.raises(ValueError, match="is no USD-M future"):
        basis(HISTORY, market("spot", "BTCUSDT"), times(NOW))


def test_delivery_is_on_the_last_friday_of_a_quarter() -> None:
    dates = ("2026-01-01", "2026-03-27T07", "2026-03-27T08", "2026-09-30", "2026-12-31")
    moments = np.array(dates, dtype="datetime64[ms]").astype(np.int64)
    shown = [f"{datetime.fromtimestamp(time / 1000, UTC):%Y-%m-%d %H}" for time in delivery_ms(moments, 0)]
    assert shown == ["2026-03-27 08", "2026-03-27 08", "2026-06-26 08", "2026-12-25 08", "2027-03-26 08"]
    assert delivery_ms(moments, 1)[0] == delivery_ms(moments, 0)[2]
