"""Trades: by recency, by id and by time, and that they agree with their candle."""

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
    spot,
    um,
    weight,
)
from tests.support.sandbox_requests import error, world
from toolkit.sandbox.market.trades import trades_between

TRADES, OLD_TRADES, AGG = "/api/v3/trades", "/api/v3/historicalTrades", "/api/v3/aggTrades"
UM_TRADES, UM_OLD_TRADES, UM_AGG = "/fapi/v1/trades", "/fapi/v1/historicalTrades", "/fapi/v1/aggTrades"
BTC = {"symbol": "BTCUSDT"}
KEY = world().partner.key
THIS = serve()


def ids(rows: list[Any], name: str = "id") -> list[int]:
    return [row[name] for row in rows]


def contiguous(found: list[int]) -> bool:
    return found == list(range(found[0], found[-1] + 1))


@pytest.mark.parametrize(
    ("path", "default", "most"),
    [
        (TRADES, 500, 1000),
        (OLD_TRADES, 500, 1000),
        (UM_TRADES, 500, 1000),
        (UM_OLD_TRADES, 100, 500),
    ],
)
def test_the_newest_trades(path: str, default: int, most: int) -> None:
    rows = answer(THIS, path, KEY, **BTC)
    assert len(rows) == default
    assert contiguous(ids(rows))
    assert all(row["time"] <= NOW_MS for row in rows)
    assert answer(THIS, path, KEY, **BTC, limit=most)[-default:] == rows
    assert code(THIS, path, KEY, **BTC, limit=most + 1) == -1130
    assert code(THIS, path, KEY, symbol="NOTHING") == -1121
    assert code(THIS, path, KEY) == -1102


@pytest.mark.parametrize(
    ("path", "symbol"), [(TRADES, "BTCUSDT"), (TRADES, "SOLETH"), (UM_TRADES, "SUIUSDT")]
)
def test_trades_are_those_of_the_market(path: str, symbol: str) -> None:
    market = spot(symbol) if path == TRADES else um(symbol)
    rows = answer(THIS, path, symbol=symbol, limit=200)
    made = trades_between(HISTORY, market, rows[0]["time"], NOW_MS)
    made = made[len(made) - 200 :]
    assert ids(rows) == made.id.tolist()
    assert [row["time"] for row in rows] == made.time.tolist()
    assert [Decimal(row["price"]) for row in rows] == [each * market.tick for each in made.price.tolist()]
    assert [Decimal(row["qty"]) for row in rows] == [each * market.step for each in made.quantity.tolist()]
    assert [row["isBuyerMaker"] for row in rows] == [not each for each in made.taker_buys.tolist()]
    assert all(Decimal(row["quoteQty"]) == Decimal(row["price"]) * Decimal(row["qty"]) for row in rows)


@pytest.mark.parametrize(("path", "limit"), [(OLD_TRADES, 1000), (UM_OLD_TRADES, 500)])
def test_pages_by_id_follow_each_other(path: str, limit: int) -> None:
    newest = answer(THIS, path, KEY, **BTC, limit=1)[0]["id"]
    first = newest - 2 * limit - 7
    found: list[Any] = []
    while page := answer(THIS, path, KEY, **BTC, limit=limit, fromId=first + len(found)):
        found += page
    assert ids(found) == list(range(first, newest + 1))
    assert found[-limit:] == answer(THIS, path, KEY, **BTC, limit=limit)


def test_an_id_begins_with_the_listing() -> None:
    rows = answer(THIS, OLD_TRADES, symbol="SUIUSDT", fromId=0, limit=3)
    assert ids(rows) == [0, 1, 2]
    assert rows[0]["time"] >= HISTORY.hours(spot("SUIUSDT")).listed_ms


def test_old_trades_of_futures_need_a_key_but_no_signature() -> None:
    assert error(get(THIS, UM_OLD_TRADES, BTC)) == (401, -2014)
    assert error(get(THIS, UM_OLD_TRADES, BTC, key="x" * 64)) == (401, -2015)
    assert get(THIS, UM_OLD_TRADES, BTC, key=world().keys["customer"].key).status == 200
    assert get(THIS, OLD_TRADES, BTC).status == 200


def test_futures_keep_trades_for_a_month() -> None:
    kept_since = NOW_MS - 30 * DAY
    rows = answer(THIS, UM_OLD_TRADES, KEY, **BTC, fromId=0, limit=2)
    before = trades_between(HISTORY, um("BTCUSDT"), kept_since - MINUTE, kept_since - 1)
    assert ids(rows) == [before.id[-1] + 1, before.id[-1] + 2]
    assert rows[0]["time"] >= kept_since > before.time[-1]


def test_weights() -> None:
    paths = (TRADES, OLD_TRADES, AGG, UM_TRADES, UM_AGG)
    assert [weight(THIS, path, **BTC) for path in paths] == [25, 25, 4, 5, 20]
    get(THIS, UM_OLD_TRADES, BTC, key=KEY)
    assert THIS.log[-1].weight == 200


# -- aggregate trades -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [AGG, UM_AGG])
def test_the_newest_aggregate_trades(path: str) -> None:
    rows = answer(THIS, path, **BTC)
    assert len(rows) == 500
    assert contiguous(ids(rows, "a"))
    assert rows[-1]["T"] <= NOW_MS
    assert answer(THIS, path, **BTC, limit=7) == rows[-7:]


@pytest.mark.parametrize("path", [AGG, UM_AGG])
def test_aggregate_trades_by_time(path: str) -> None:
    end = NOW_MS - 10 * MINUTE
    rows = answer(THIS, path, **BTC, endTime=end, limit=20)
    assert rows[-1]["T"] <= end
    first, last = rows[5]["T"], rows[9]["T"]
    within = [row for row in rows if first <= row["T"] <= last]
    assert answer(THIS, path, **BTC, startTime=first, endTime=last) == within, "both ends are included"
    assert answer(THIS, path, **BTC, startTime=first, endTime=last, limit=2) == within[:2]
    assert answer(THIS, path, **BTC, startTime=first, limit=3) == within[:3], "from the oldest on"
    assert answer(THIS, path, **BTC, startTime=first + 1, endTime=first + 1) in ([], within[1:2])
    assert answer(THIS, path, **BTC, startTime=NOW_MS + 1) == []


@pytest.mark.parametrize("path", [AGG, UM_AGG])
def test_aggregate_trades_by_id(path: str) -> None:
    rows = answer(THIS, path, **BTC, limit=30)
    first = rows[0]["a"]
    pages = [answer(THIS, path, **BTC, fromId=first + skipped, limit=10) for skipped in (0, 10, 20, 30)]
    assert pages == [rows[:10], rows[10:20], rows[20:], []]
    assert code(THIS, path, **BTC, fromId=first, startTime=NOW_MS - 1000) == -1128
    assert code(THIS, path, **BTC, fromId=first, endTime=NOW_MS) == -1128


def test_a_span_of_futures_is_shorter_than_an_hour() -> None:
    end = NOW_MS - HOUR
    for path, refused in ((UM_AGG, True), (AGG, False)):
        assert answer(THIS, path, **BTC, startTime=end - HOUR + 1, endTime=end, limit=1)
        if refused:
            assert code(THIS, path, **BTC, startTime=end - HOUR, endTime=end) == -1127
        else:
            assert answer(THIS, path, **BTC, startTime=end - DAY, endTime=end, limit=1)


def test_futures_keep_aggregate_trades_for_two_days() -> None:
    kept_since = NOW_MS - 2 * DAY
    oldest = answer(THIS, UM_AGG, **BTC, startTime=kept_since, limit=1)[0]
    assert kept_since <= oldest["T"] < kept_since + MINUTE
    assert answer(THIS, UM_AGG, **BTC, fromId=0, limit=1) == [oldest]
    assert answer(THIS, UM_AGG, **BTC, startTime=kept_since - HOUR, endTime=kept_since - 1) == []
    assert answer(THIS, AGG, **BTC, startTime=kept_since - HOUR, endTime=kept_since - 1, limit=1)
    assert answer(THIS, AGG, **BTC, fromId=0, limit=1)[0]["a"] == 0, "spot keeps all"


@pytest.mark.parametrize(
    ("path", "trades_path", "key"), [(AGG, OLD_TRADES, ""), (UM_AGG, UM_OLD_TRADES, KEY)]
)
def test_an_aggregate_trade_is_the_sum_of_its_trades(path: str, trades_path: str, key: str) -> None:
    rows = answer(THIS, path, **BTC, limit=60)
    trades = answer(THIS, trades_path, key, **BTC, fromId=rows[0]["f"], limit=300)
    assert any(row["l"] > row["f"] for row in rows)
    assert trades[-1]["id"] == rows[-1]["l"]
    for row in rows:
        own = [trade for trade in trades if row["f"] <= trade["id"] <= row["l"]]
        assert sum(Decimal(trade["qty"]) for trade in own) == Decimal(row["q"])
        assert {(trade["price"], trade["time"], trade["isBuyerMaker"]) for trade in own} == {
            (row["p"], row["T"], row["m"])
        }


@pytest.mark.parametrize(("path", "candle_path"), [(AGG, "/api/v3/klines"), (UM_AGG, "/fapi/v1/klines")])
@pytest.mark.parametrize("symbol", ["BTCUSDT", "LTCUSDT"])
def test_the_trades_of_a_minute_are_its_candle(path: str, candle_path: str, symbol: str) -> None:
    """The minute that runs and the five before it."""
    for candle in answer(THIS, candle_path, symbol=symbol, interval="1m", limit=6):
        span = {"startTime": candle[0], "endTime": candle[6]}
        rows = answer(THIS, path, symbol=symbol, **span, limit=1000)
        assert sum(row["l"] - row["f"] + 1 for row in rows) == candle[8]
        if not rows:
            continue
        prices = [Decimal(row["p"]) for row in rows]
        quantities = [Decimal(row["q"]) for row in rows]
        assert [prices[0], max(prices), min(prices), prices[-1]] == [Decimal(text) for text in candle[1:5]]
        assert sum(quantities) == Decimal(candle[5])
        assert sum(p * q for p, q in zip(prices, quantities, strict=True)) == Decimal(candle[7])
        taken = [(p, q) for p, q, row in zip(prices, quantities, rows, strict=True) if not row["m"]]
        assert [sum(q for _, q in taken), sum(p * q for p, q in taken)] == [Decimal(t) for t in candle[9:11]]
