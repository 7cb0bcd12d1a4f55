"""What only futures have: funding, mark, index and premium prices, open interest, ratios, basis."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.support.market_requests import (
    DAY,
    HISTORY,
    HOUR,
    MINUTE,
    NOW_MS,
    answer,
    code,
    get,
    serve,
    um,
    weight,
)
from tests.support.sandbox_requests import error
from toolkit.endpoints.market.candle_columns import FUTURES_INTERVALS

BTC = {"symbol": "BTCUSDT"}
RATES, INFO, PREMIUM = "/fapi/v1/fundingRate", "/fapi/v1/fundingInfo", "/fapi/v1/premiumIndex"
HELD, HELD_SERIES = "/fapi/v1/openInterest", "/futures/data/openInterestHist"
RATIOS = [
    "/futures/data/globalLongShortAccountRatio",
    "/futures/data/topLongShortAccountRatio",
    "/futures/data/topLongShortPositionRatio",
]
TAKERS, BASIS = "/futures/data/takerlongshortRatio", "/futures/data/basis"
PAIR = {"pair": "BTCUSDT", "contractType": "PERPETUAL"}
SERIES: list[tuple[str, dict[str, str]]] = [
    *((path, BTC) for path in (HELD_SERIES, *RATIOS, TAKERS)),
    (BASIS, PAIR),  # the only one whose `limit` is required
]
PRICES: list[tuple[str, dict[str, str]]] = [
    ("/fapi/v1/markPriceKlines", BTC),
    ("/fapi/v1/indexPriceKlines", {"pair": "BTCUSDT"}),
    ("/fapi/v1/premiumIndexKlines", BTC),
]
PERIODS = {"5m": 5 * MINUTE, "15m": 15 * MINUTE, "30m": 30 * MINUTE, "1h": HOUR, "2h": 2 * HOUR}
PERIODS |= {f"{hours}h": hours * HOUR for hours in (4, 6, 12)} | {"1d": DAY}
THIS = serve()


# -- funding ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("symbol", "hours"), [("BTCUSDT", 8), ("SUIUSDT", 4)])
def test_funding_is_paid_at_its_hours(symbol: str, hours: int) -> None:
    width = hours * HOUR
    rows = answer(THIS, RATES, symbol=symbol, startTime=NOW_MS - 5 * DAY, limit=1000)
    times = [row["fundingTime"] for row in rows]
    assert times == list(range(-(-(NOW_MS - 5 * DAY) // width) * width, NOW_MS + 1, width))
    assert {row["symbol"] for row in rows} == {symbol}
    assert {row["rateType"] for row in rows} == {"Regular"}
    named = {row["symbol"]: row["fundingIntervalHours"] for row in answer(THIS, INFO)}
    assert named.get(symbol, 8) == hours
    assert answer(THIS, PREMIUM, symbol=symbol)["nextFundingTime"] == times[-1] + width
    assert answer(THIS, PREMIUM, symbol=symbol)["lastFundingRate"] == rows[-1]["fundingRate"]


def test_which_payments_a_request_gets() -> None:
    rows = answer(THIS, RATES, **BTC, startTime=NOW_MS - 100 * DAY, endTime=NOW_MS, limit=1000)
    assert len(rows) == 300
    times = [row["fundingTime"] for row in rows]
    span = {"startTime": times[5], "endTime": times[8]}
    assert answer(THIS, RATES, **BTC, **span) == rows[5:9], "both ends are included"
    assert answer(THIS, RATES, **BTC, **span, limit=2) == rows[5:7], "from the start"
    assert answer(THIS, RATES, **BTC, startTime=times[5] + 1, endTime=times[8] - 1) == rows[6:8]
    assert answer(THIS, RATES, **BTC, startTime=times[5]) == rows[5:105]
    assert answer(THIS, RATES, **BTC, endTime=times[8], limit=2) == rows[7:9], "until the end"
    assert answer(THIS, RATES, **BTC) == rows[-200:], "the most recent 200"
    assert answer(THIS, RATES, **BTC, limit=3) == rows[-3:]
    assert answer(THIS, RATES, **BTC, startTime=NOW_MS + 1) == []
    assert code(THIS, RATES, **BTC, startTime=2, endTime=1) == -1023
    assert code(THIS, RATES, **BTC, limit=1001) == -1130
    assert code(THIS, RATES, symbol="NOTHING") == -1121


def test_the_payments_of_all_symbols_are_in_order() -> None:
    start = NOW_MS - 2 * DAY
    rows = answer(THIS, RATES, startTime=start, limit=1000)
    assert [row["fundingTime"] for row in rows] == sorted(row["fundingTime"] for row in rows)
    for symbol in ("BTCUSDT", "SUIUSDT"):
        assert [row for row in rows if row["symbol"] == symbol] == answer(
            THIS, RATES, symbol=symbol, startTime=start
        )
    assert answer(THIS, RATES, startTime=start, limit=7) == rows[:7]
    assert answer(THIS, RATES, limit=7) == rows[-7:]


def test_funding_is_limited_by_requests_of_five_minutes() -> None:
    this = serve(limit_scale=0.01)
    statuses = [get(this, path, BTC if path == RATES else {}).status for path in [RATES, INFO] * 3]
    assert statuses == [200] * 5 + [429]
    assert "X-MBX-USED-WEIGHT-1M" not in get(this, RATES, BTC).headers
    window = this.windows[0]
    assert (window.rate_limit, window.used, window.seconds) == ("fapi-funding", 5, 300)
    assert get(this, PREMIUM, BTC).status == 200, "other paths have their own counter"


# -- prices -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "params"), PRICES)
@pytest.mark.parametrize("interval", FUTURES_INTERVALS)
def test_prices_have_candles(path: str, params: dict[str, str], interval: str) -> None:
    rows = answer(THIS, path, **params, interval=interval, limit=3)
    trades = answer(THIS, "/fapi/v1/klines", **BTC, interval=interval, limit=3)
    assert [(row[0], row[6]) for row in rows] == [(row[0], row[6]) for row in trades]
    for row in rows:
        open_, high, low, close = map(Decimal, row[1:5])
        assert low <= min(open_, close) <= max(open_, close) <= high
        assert [row[position] for position in (5, 7, 9, 10, 11)] == ["0"] * 5
        assert all(len(text.partition(".")[2]) == 8 for text in row[1:5])


@pytest.mark.parametrize(("path", "params"), PRICES)
def test_candles_of_prices_are_found_by_time(path: str, params: dict[str, str]) -> None:
    rows = answer(THIS, path, **params, interval="1h", limit=30)
    span = {"startTime": rows[3][0], "endTime": rows[9][0]}
    assert answer(THIS, path, **params, interval="1h", **span) == rows[3:10]
    assert answer(THIS, path, **params, interval="1h", **span, limit=2) == rows[3:5]
    assert answer(THIS, path, **params, interval="1h", endTime=rows[9][0], limit=2) == rows[8:10]
    assert answer(THIS, path, **params, interval="1h", startTime=NOW_MS + 1) == []
    assert code(THIS, path, **params, interval="1s") == -1120
    assert code(THIS, path, **dict.fromkeys(params, "NOTHING"), interval="1h") == -1121
    assert weight(THIS, path, **params, interval="1h", limit=99) == 1
    assert weight(THIS, path, **params, interval="1h", limit=1500) == 10


def test_premiums_may_be_negative() -> None:
    rows = answer(THIS, "/fapi/v1/premiumIndexKlines", **BTC, interval="1d", limit=300)
    lows = [Decimal(row[3]) for row in rows]
    assert min(lows) < 0 < max(lows)


def test_the_premium_index_is_the_end_of_the_candles() -> None:
    found = answer(THIS, PREMIUM, **BTC)
    for (path, params), name in zip(PRICES, ("markPrice", "indexPrice"), strict=False):
        assert answer(THIS, path, **params, interval="1m", limit=1)[0][4] == found[name]
    assert found["time"] == NOW_MS
    rows = answer(THIS, PREMIUM)
    assert found in rows
    assert "ATOMUSDT" not in {row["symbol"] for row in rows}
    ended = answer(THIS, PREMIUM, symbol="ATOMUSDT")
    assert (ended["lastFundingRate"], ended["interestRate"], ended["nextFundingTime"]) == ("", "", 0)
    assert [weight(THIS, PREMIUM, **BTC), weight(THIS, PREMIUM)] == [1, 10]
    assert code(THIS, PREMIUM, symbol="NOTHING") == -1121


@pytest.mark.parametrize("contract", ["CURRENT_QUARTER", "NEXT_QUARTER"])
def test_contracts_with_a_delivery(contract: str) -> None:
    path = "/fapi/v1/continuousKlines"
    rows = answer(THIS, path, pair="BTCUSDT", contractType=contract, interval="1h", limit=5)
    perpetual = answer(THIS, "/fapi/v1/klines", **BTC, interval="1h", limit=5)
    assert [row[0] for row in rows] == [row[0] for row in perpetual]
    assert rows != perpetual
    assert answer(THIS, path, pair="SUIUSDT", contractType=contract, interval="1h") == []
    assert answer(THIS, BASIS, pair="SUIUSDT", contractType=contract, period="1h", limit=30) == []


# -- series -----------------------------------------------------------------------------------------------


def times(rows: list[Any]) -> list[int]:
    return [row["timestamp"] for row in rows]


@pytest.mark.parametrize(("path", "params"), SERIES)
@pytest.mark.parametrize(("period", "width"), PERIODS.items())
def test_a_series_has_a_row_for_each_period(
    path: str, params: dict[str, str], period: str, width: int
) -> None:
    rows = answer(THIS, path, **params, period=period, limit=30)
    last = NOW_MS // width * width
    assert times(rows) == list(range(last - 29 * width, last + 1, width))


@pytest.mark.parametrize(("path", "params"), SERIES)
def test_rows_of_a_series_are_found_by_time(path: str, params: dict[str, str]) -> None:
    rows = answer(THIS, path, **params, period="5m", limit=500)
    assert len(rows) == 500
    span = {"startTime": rows[3]["timestamp"], "endTime": rows[9]["timestamp"]}
    assert answer(THIS, path, **params, period="5m", **span, limit=30) == rows[3:10]
    assert answer(THIS, path, **params, period="5m", **span, limit=2) == rows[3:5]
    assert answer(THIS, path, **params, period="5m", endTime=span["endTime"], limit=2) == rows[8:10]
    assert answer(THIS, path, **params, period="5m", startTime=span["startTime"], limit=30) == rows[3:33]
    kept_since = NOW_MS - 30 * DAY
    assert times(answer(THIS, path, **params, period="1h", startTime=1, limit=1)) == [
        -(-kept_since // HOUR) * HOUR
    ]
    assert answer(THIS, path, **params, period="1h", startTime=1, endTime=kept_since - 1, limit=5) == []
    assert answer(THIS, path, **params, period="5m", startTime=NOW_MS + 1, limit=5) == []
    right: dict[str, object] = {**params, "period": "5m", "limit": 30}
    for wrong, refusal in (({"period": "3m"}, -1130), ({"limit": 501}, -1130), ({"period": ""}, -1102)):
        assert error(get(THIS, path, right | wrong)) == (400, refusal)
    assert code(THIS, path, **{**right, next(iter(params)): "NOTHING"}) == -1121


@pytest.mark.parametrize(("path", "params"), SERIES)
def test_series_are_limited_by_requests_of_five_minutes(path: str, params: dict[str, str]) -> None:
    this = serve(limit_scale=0.002)
    statuses = [get(this, path, {**params, "period": "5m", "limit": "30"}).status for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert this.windows[0].rate_limit == "futures-data"


def test_open_interest_agrees_with_its_history() -> None:
    hour = NOW_MS // HOUR * HOUR
    now = answer(serve(hour), HELD, **BTC)
    assert now == {"symbol": "BTCUSDT", "openInterest": now["openInterest"], "time": hour}
    row = answer(THIS, HELD_SERIES, **BTC, period="1h", startTime=hour, endTime=hour)[0]
    assert Decimal(row["sumOpenInterest"]) == Decimal(now["openInterest"])
    mark = Decimal(answer(serve(hour), PREMIUM, **BTC)["markPrice"])
    assert abs(Decimal(row["sumOpenInterestValue"]) - mark * Decimal(now["openInterest"])) < 1
    assert code(THIS, HELD) == -1102
    assert Decimal(answer(THIS, HELD, symbol="ATOMUSDT")["openInterest"]) == 0, "it was delisted"


@pytest.mark.parametrize("path", RATIOS)
def test_ratios_are_those_of_their_shares(path: str) -> None:
    for row in answer(THIS, path, **BTC, period="1d"):
        long, short = Decimal(row["longAccount"]), Decimal(row["shortAccount"])
        assert long + short == 1
        assert abs(Decimal(row["longShortRatio"]) - long / short) < Decimal("0.0001")
        assert row["symbol"] == "BTCUSDT"


@pytest.mark.parametrize("symbol", ["BTCUSDT", "DOGEUSDT"])
def test_takers_are_those_of_candles(symbol: str) -> None:
    rows = answer(THIS, TAKERS, symbol=symbol, period="1h", limit=5)
    candles = answer(THIS, "/fapi/v1/klines", symbol=symbol, interval="1h", limit=5)
    for row, candle in zip(rows, candles, strict=True):
        assert Decimal(row["buyVol"]) == Decimal(candle[9])
        assert Decimal(row["buyVol"]) + Decimal(row["sellVol"]) == Decimal(candle[5])
        ratio = Decimal(row["buyVol"]) / Decimal(row["sellVol"])
        assert abs(Decimal(row["buySellRatio"]) - ratio) < Decimal("0.0001")


@pytest.mark.parametrize("contract", ["PERPETUAL", "CURRENT_QUARTER"])
def test_the_basis_is_a_difference(contract: str) -> None:
    for row in answer(THIS, BASIS, pair="ETHUSDT", contractType=contract, period="4h", limit=30):
        assert (row["pair"], row["contractType"]) == ("ETHUSDT", contract)
        index, future = Decimal(row["indexPrice"]), Decimal(row["futuresPrice"])
        assert Decimal(row["basis"]) == future - index
        assert abs(Decimal(row["basisRate"]) - (future - index) / index) < Decimal("0.0001")
        assert (row["annualizedBasisRate"] == "") == (contract == "PERPETUAL")


def test_maintenance_leaves_gaps_in_series() -> None:
    stopped, resumed = HISTORY.hours(um("BTCUSDT")).maintenance
    this = serve(resumed + DAY)
    for path, params in SERIES:
        found = times(answer(this, path, **params, period="1h", startTime=stopped - HOUR, limit=3))
        assert found == [stopped - HOUR, resumed, resumed + HOUR]
