"""Candles: which ones a request gets, how they are written, and that they add up."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from tests.support.market_requests import (
    DAY,
    HISTORY,
    HOUR,
    MINUTE,
    NOW_MS,
    START_MS,
    answer,
    code,
    serve,
    spot,
    um,
    weight,
)
from toolkit.endpoints.market.candle_columns import FUTURES_INTERVALS, SPOT_INTERVALS
from toolkit.sandbox.market.candles import candles

SPOT = "/api/v3/klines"
UM = "/fapi/v1/klines"
BTC = {"symbol": "BTCUSDT"}
CANDLE = {**BTC, "interval": "1m"}
# Half a minute after ten.
NOW = NOW_MS // HOUR * HOUR + 30_000
OPEN = NOW // MINUTE * MINUTE

THIS = serve(NOW)


def opens(**params: object) -> list[int]:
    return [row[0] for row in answer(THIS, SPOT, **{**CANDLE, **params})]


def times(first: int, last: int, step: int = MINUTE) -> list[int]:
    return list(range(first, last + 1, step))


def test_without_a_span_the_newest_come() -> None:
    assert opens(limit=3) == times(OPEN - 2 * MINUTE, OPEN)
    assert len(opens()) == 500
    assert opens()[-1] == OPEN


def test_from_a_start_on_the_oldest_come() -> None:
    start = OPEN - DAY
    assert opens(startTime=start, limit=3) == times(start, start + 2 * MINUTE)
    assert opens(startTime=start + 1, limit=3) == times(start + MINUTE, start + 3 * MINUTE)
    assert opens(startTime=start, endTime=OPEN, limit=2) == times(start, start + MINUTE)


def test_until_an_end_the_newest_come() -> None:
    end = OPEN - DAY
    assert opens(endTime=end, limit=3) == times(end - 2 * MINUTE, end)
    assert opens(endTime=end - 1, limit=3) == times(end - 3 * MINUTE, end - MINUTE)


def test_both_ends_are_included() -> None:
    start, end = OPEN - 5 * MINUTE, OPEN - 2 * MINUTE
    assert opens(startTime=start, endTime=end) == times(start, end)
    assert opens(startTime=start + 1, endTime=end - 1) == times(start + MINUTE, end - MINUTE)
    assert opens(startTime=start, endTime=start) == [start]
    assert opens(startTime=start + 1, endTime=start + 2) == []


def test_the_future_has_no_candles() -> None:
    assert opens(startTime=NOW + 1) == []
    assert opens(startTime=OPEN - MINUTE, endTime=NOW + DAY) == [OPEN - MINUTE, OPEN]
    assert opens(startTime=OPEN + MINUTE) == []


def test_history_begins_with_the_listing() -> None:
    assert opens(startTime=0, limit=2) == [START_MS, START_MS + MINUTE]
    assert opens(endTime=START_MS + MINUTE) == [START_MS, START_MS + MINUTE]
    assert opens(endTime=START_MS - 1) == []


@pytest.mark.parametrize(
    ("params", "refusal"),
    [
        ({"symbol": "NOTHING"}, -1121),
        ({"symbol": "btcusdt"}, -1102),
        ({"symbol": ""}, -1102),
        ({"interval": "2m"}, -1120),
        ({"interval": "1d "}, -1102),
        ({"limit": 0}, -1130),
        ({"limit": 1001}, -1130),
        ({"startTime": "x"}, -1100),
        ({"startTime": OPEN, "endTime": OPEN - 1}, -1023),
        ({"fromId": 1}, -1104),
    ],
)
def test_bad_requests(params: dict[str, object], refusal: int) -> None:
    assert code(THIS, SPOT, **{**CANDLE, **params}) == refusal


def test_required_parameters() -> None:
    assert code(THIS, SPOT, **BTC) == -1102
    assert code(THIS, SPOT, interval="1m") == -1102


def test_futures_have_other_limits() -> None:
    assert len(answer(THIS, UM, **CANDLE, limit=1500)) == 1500
    assert code(THIS, UM, **CANDLE, limit=1501) == -1130
    assert code(THIS, UM, **{**CANDLE, "interval": "1s"}) == -1120
    assert code(THIS, UM, symbol="PEPEUSDT", interval="1m") == -1121, "it is on spot only"


def test_weights() -> None:
    assert weight(THIS, SPOT, **CANDLE, limit=1000) == 2
    limits = {1: 1, 99: 1, 100: 2, 499: 2, 500: 5, 1000: 5, 1001: 10, 1500: 10}
    assert {limit: weight(THIS, UM, **CANDLE, limit=limit) for limit in limits} == limits
    assert weight(THIS, UM, **CANDLE) == 5


@pytest.mark.parametrize(
    ("path", "interval"),
    [*((SPOT, each) for each in SPOT_INTERVALS), *((UM, each) for each in FUTURES_INTERVALS)],
)
def test_every_interval(path: str, interval: str) -> None:
    rows = answer(THIS, path, **BTC, interval=interval, limit=4)
    assert len(rows) == 4
    for row, later in pairwise(rows):
        assert row[6] + 1 == later[0]
    assert rows[-1][0] <= NOW <= rows[-1][6], "the last one runs"
    first = datetime.fromtimestamp(rows[0][0] / 1000, UTC)
    if interval == "1M":
        assert (first.day, first.hour) == (1, 0)
        assert [datetime.fromtimestamp(row[0] / 1000, UTC).month for row in rows] == [8, 9, 10, 11]
    elif interval == "1w":
        assert (first.weekday(), first.hour) == (0, 0)
    else:
        unit = {"s": 1000, "m": MINUTE, "h": HOUR, "d": DAY}[interval[-1]]
        assert {row[6] + 1 - row[0] for row in rows} == {int(interval[:-1]) * unit}
        assert rows[0][0] % (int(interval[:-1]) * unit) == 0


@pytest.mark.parametrize("symbol", ["BTCUSDT", "PEPEUSDT", "SOLBTC", "BNBBTC"])
def test_spot_numbers_have_eight_places_and_are_those_of_the_market(symbol: str) -> None:
    market = spot(symbol)
    made = candles(HISTORY, market, "5m", limit=50, now_ms=NOW, newest=True)
    rows = answer(THIS, SPOT, symbol=symbol, interval="5m", limit=50)
    tick, step = Decimal(market.tick), Decimal(market.step)
    units = (tick, tick, tick, tick, step, None, tick * step, None, step, tick * step)
    columns = (
        *(made.open, made.high, made.low, made.close, made.volume, made.close_time, made.quote),
        *(made.trades, made.taker_volume, made.taker_quote),
    )
    for position, (unit, values) in enumerate(zip(units, columns, strict=True), start=1):
        found = [row[position] for row in rows]
        if unit is None:
            assert found == values.tolist()
            continue
        assert [Decimal(text) for text in found] == [value * unit for value in values.tolist()]
        places = max(8, -unit.as_tuple().exponent)  # type: ignore[operator]
        assert all(len(text.partition(".")[2]) == places for text in found)
    assert {row[11] for row in rows} == {"0"}


def test_futures_numbers_have_the_places_of_the_symbol() -> None:
    market = um("BTCUSDT")
    row = answer(THIS, UM, **CANDLE, limit=1)[0]
    places = [len(row[position].partition(".")[2]) for position in (1, 5, 7)]
    decimals = market.price_decimals, market.quantity_decimals
    assert places == [*decimals, sum(decimals)]


def added_up(minutes: list[Any]) -> list[Any]:
    """One candle of several."""
    highs, lows = (list(map(Decimal, (row[position] for row in minutes))) for position in (2, 3))
    sums = [sum(Decimal(row[position]) for row in minutes) for position in (5, 7, 8, 9, 10)]
    return [Decimal(minutes[0][1]), max(highs), min(lows), Decimal(minutes[-1][4]), *sums]


def values(row: list[Any]) -> list[Any]:
    return [Decimal(row[position]) for position in (1, 2, 3, 4, 5, 7, 8, 9, 10)]


@pytest.mark.parametrize(("path", "symbol"), [(SPOT, "ETHUSDT"), (SPOT, "SOLETH"), (UM, "SUIUSDT")])
@pytest.mark.parametrize("interval", ["1h", "1d"])
def test_a_longer_candle_is_the_sum_of_its_minutes(path: str, symbol: str, interval: str) -> None:
    """One that is over, and on most symbols the one that runs."""
    for number in (1, 0):
        end = {
            "symbol": symbol,
            "interval": interval,
            "endTime": NOW - number * DAY - 200 * DAY * (symbol == "SOLETH"),
        }
        row = answer(THIS, path, **end, limit=1)[0]
        begin, minutes = row[0], []
        while begin <= row[6]:
            page = answer(
                THIS, path, symbol=symbol, interval="1m", startTime=begin, endTime=row[6], limit=1000
            )
            if not page:
                break
            minutes += [minute for minute in page if minute[8]]
            begin = page[-1][6] + 1
        assert values(row) == added_up(minutes)


def test_a_symbol_is_unknown_before_it_is_listed() -> None:
    hours = HISTORY.hours(spot("SUIUSDT"))
    for now, there in ((hours.listed_ms - 1, False), (hours.listed_ms + MINUTE, True)):
        this = serve(now)
        params = {"symbol": "SUIUSDT", "interval": "1d"}
        if there:
            assert len(answer(this, SPOT, **params)) == 1
        else:
            assert code(this, SPOT, **params) == -1121


def test_a_delisted_symbol_keeps_its_candles() -> None:
    ended = HISTORY.hours(spot("SOLETH")).delisted_ms
    assert ended is not None
    rows = answer(THIS, SPOT, symbol="SOLETH", interval="1m", limit=2)
    assert [row[0] for row in rows] == [ended - 2 * MINUTE, ended - MINUTE]
    assert answer(THIS, SPOT, symbol="SOLETH", interval="1m", startTime=ended) == []


def test_maintenance_leaves_a_gap() -> None:
    stopped, resumed = HISTORY.hours(spot("BTCUSDT")).maintenance
    around = opens(startTime=stopped - MINUTE, limit=3)
    assert around == [stopped - MINUTE, resumed, resumed + MINUTE]
    assert opens(startTime=stopped, endTime=resumed - 1) == []
    assert opens(endTime=resumed, limit=3) == [stopped - 2 * MINUTE, stopped - MINUTE, resumed]


def test_pages_make_up_the_whole_span() -> None:
    start, end = OPEN - 3 * DAY, OPEN - DAY
    whole = answer(THIS, SPOT, **{**CANDLE, "interval": "15m"}, startTime=start, endTime=end, limit=1000)
    paged: list[Any] = []
    while start <= end:
        page = answer(THIS, SPOT, **{**CANDLE, "interval": "15m"}, startTime=start, endTime=end, limit=17)
        if not page:
            break
        paged += page
        start = page[-1][6] + 1
    assert paged == whole
    assert len(whole) == 193


def test_continuous_candles_are_those_of_the_perpetual_contract() -> None:
    params = {"pair": "ETHUSDT", "interval": "1h", "limit": 5}
    path = "/fapi/v1/continuousKlines"
    perpetual = answer(THIS, path, **params, contractType="PERPETUAL")
    assert perpetual == answer(THIS, UM, symbol="ETHUSDT", interval="1h", limit=5)
    assert answer(THIS, path, **params, contractType="TRADIFI_PERPETUAL") == [], "it has no such contract"
    assert code(THIS, path, **params, contractType="perpetual") == -1102
    assert code(THIS, path, **{**params, "pair": "NOTHING"}, contractType="PERPETUAL") == -1121
