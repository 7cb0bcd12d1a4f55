"""Order books and tickers: their shapes, and that they agree with trades, candles and each other."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
from toolkit.sandbox.market.books import book
from toolkit.sandbox.market.symbols import SPOT, UM, Market

BTC = {"symbol": "BTCUSDT"}
DEPTH, UM_DEPTH = "/api/v3/depth", "/fapi/v1/depth"
PRICE, UM_PRICE = "/api/v3/ticker/price", "/fapi/v2/ticker/price"
BEST, UM_BEST = "/api/v3/ticker/bookTicker", "/fapi/v1/ticker/bookTicker"
DAILY, UM_DAILY = "/api/v3/ticker/24hr", "/fapi/v1/ticker/24hr"
ROLLING, TODAY = "/api/v3/ticker", "/api/v3/ticker/tradingDay"
PAIRS = '["BTCUSDT","ETHBTC"]'
THIS = serve()


# -- order books ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("symbol", ["BTCUSDT", "PEPEUSDT", "SOLBTC"])
def test_a_book_is_that_of_the_market(symbol: str) -> None:
    market = spot(symbol)
    made = book(HISTORY, market, NOW_MS, 50)
    assert made is not None
    found = answer(THIS, DEPTH, symbol=symbol, limit=50)
    assert found["lastUpdateId"] == made.update_id
    for side, prices, quantities in (
        ("bids", made.bid_prices, made.bid_quantities),
        ("asks", made.ask_prices, made.ask_quantities),
    ):
        assert [Decimal(price) for price, _ in found[side]] == [
            each * market.tick for each in prices.tolist()
        ]
        assert [Decimal(held) for _, held in found[side]] == [
            each * market.step for each in quantities.tolist()
        ]


@pytest.mark.parametrize("path", [DEPTH, UM_DEPTH])
def test_a_book_begins_with_the_best_prices(path: str) -> None:
    found = answer(THIS, path, **BTC, limit=100)
    bids, asks = ([Decimal(price) for price, _ in found[side]] for side in ("bids", "asks"))
    assert len(bids) == len(asks) == 100
    assert all(better > worse for better, worse in pairwise(bids))
    assert all(better < worse for better, worse in pairwise(asks))
    assert bids[0] < asks[0]
    if path == UM_DEPTH:
        assert found["T"] <= found["E"] == NOW_MS


def test_levels_of_spot() -> None:
    assert len(answer(THIS, DEPTH, **BTC)["bids"]) == 100
    assert len(answer(THIS, DEPTH, **BTC, limit=5000)["asks"]) == 5000
    assert len(answer(THIS, DEPTH, **BTC, limit=60_000)["asks"]) == 5000, "a larger limit is shortened"
    assert code(THIS, DEPTH, **BTC, limit=0) == -1130
    limits = {1: 5, 100: 5, 101: 25, 500: 25, 501: 50, 1000: 50, 1001: 250, 5000: 250, 60_000: 250}
    assert {limit: weight(THIS, DEPTH, **BTC, limit=limit) for limit in limits} == limits


def test_levels_of_futures() -> None:
    assert len(answer(THIS, UM_DEPTH, **BTC)["bids"]) == 500
    limits = {5: 2, 10: 2, 20: 2, 50: 2, 100: 5, 500: 10, 1000: 20}
    assert {limit: weight(THIS, UM_DEPTH, **BTC, limit=limit) for limit in limits} == limits
    assert {len(answer(THIS, UM_DEPTH, **BTC, limit=limit)["bids"]) for limit in limits} == {*limits}
    for limit in (1, 7, 5000):
        assert code(THIS, UM_DEPTH, **BTC, limit=limit) == -4021


@pytest.mark.parametrize("path", [DEPTH, UM_DEPTH])
def test_a_book_needs_a_known_symbol(path: str) -> None:
    assert code(THIS, path) == -1102
    assert code(THIS, path, symbol="NOTHING") == -1121


def test_a_delisted_symbol_has_an_empty_book() -> None:
    assert answer(THIS, DEPTH, symbol="SOLETH") == {"lastUpdateId": 0, "bids": [], "asks": []}
    offers = answer(THIS, BEST, symbol="SOLETH")
    assert {Decimal(text) for name, text in offers.items() if name != "symbol"} == {0}
    assert code(THIS, DEPTH, symbol="SOLETH", symbolStatus="TRADING") == -1220
    assert answer(THIS, DEPTH, symbol="SOLETH", symbolStatus="BREAK")["bids"] == []


# -- one moment -------------------------------------------------------------------------------------------

MOMENTS = [NOW_MS, NOW_MS - 37_123, NOW_MS - 5 * DAY // 3]


@pytest.mark.parametrize("now_ms", MOMENTS)
@pytest.mark.parametrize(
    ("host", "depth", "best", "price", "daily", "symbol"),
    [
        ("/api/v3", DEPTH, BEST, PRICE, DAILY, "BTCUSDT"),
        ("/api/v3", DEPTH, BEST, PRICE, DAILY, "SOLBTC"),
        ("/fapi/v1", UM_DEPTH, UM_BEST, UM_PRICE, UM_DAILY, "ETHUSDT"),
    ],
)
def test_all_answers_of_one_moment_agree(
    now_ms: int, host: str, depth: str, best: str, price: str, daily: str, symbol: str
) -> None:
    this = serve(now_ms)
    trade = answer(this, f"{host}/trades", symbol=symbol, limit=1)[0]
    candle = answer(this, f"{host}/klines", symbol=symbol, interval="1m", limit=1)[0]
    day = answer(this, daily, symbol=symbol)
    levels = answer(this, depth, symbol=symbol, limit=5)
    offers = answer(this, best, symbol=symbol)
    assert trade["price"] == candle[4] == day["lastPrice"] == answer(this, price, symbol=symbol)["price"]
    assert (trade["qty"], trade["id"]) == (day["lastQty"], day["lastId"])
    assert [offers["bidPrice"], offers["bidQty"]] == levels["bids"][0]
    assert [offers["askPrice"], offers["askQty"]] == levels["asks"][0]
    if host == "/api/v3":
        assert {name: day[name] for name in offers} == offers
    else:
        assert answer(this, price, symbol=symbol)["time"] == trade["time"]


@settings(max_examples=20)
@given(
    market=st.sampled_from([*SPOT, *UM]),
    since=st.integers(min_value=MINUTE, max_value=NOW_MS - START_MS),
    interval=st.sampled_from(["5m", "1h", "4h"]),
)
def test_any_moment_of_any_symbol_agrees(market: Market, since: int, interval: str) -> None:
    """The trades of the minute that runs, its candle, a longer candle, the book and the tickers."""
    hours = HISTORY.hours(market)
    now_ms = max(hours.listed_ms + MINUTE, min(START_MS + since, hours.delisted_ms or NOW_MS) - 1)
    this = serve(now_ms)
    host = "/api/v3" if market.kind == "spot" else "/fapi/v1"
    symbol = {"symbol": market.symbol}
    minute = now_ms // MINUTE * MINUTE
    trades = answer(this, f"{host}/aggTrades", **symbol, startTime=minute, limit=1000)
    candles = answer(this, f"{host}/klines", **symbol, interval="1m", startTime=minute)
    assert sum(row["l"] - row["f"] + 1 for row in trades) == sum(row[8] for row in candles)
    if trades:
        assert (trades[-1]["p"], trades[0]["p"]) == (candles[0][4], candles[0][1])
        assert sum(Decimal(row["q"]) for row in trades) == Decimal(candles[0][5])
    last = answer(this, f"{host}/trades", **symbol, limit=1)[0]
    day = answer(this, DAILY if host == "/api/v3" else UM_DAILY, **symbol)
    assert last["price"] == day["lastPrice"]
    assert answer(this, PRICE if host == "/api/v3" else UM_PRICE, **symbol)["price"] == last["price"]
    levels = answer(this, f"{host}/depth", **symbol, limit=5)
    offers = answer(this, BEST if host == "/api/v3" else UM_BEST, **symbol)
    best = [[offers["bidPrice"], offers["bidQty"]], [offers["askPrice"], offers["askQty"]]]
    assert best == [levels["bids"][0], levels["asks"][0]]
    assert Decimal(offers["bidPrice"]) <= Decimal(last["price"]) <= Decimal(offers["askPrice"])
    longer = answer(this, f"{host}/klines", **symbol, interval=interval, limit=1)[0]
    parts = answer(this, f"{host}/klines", **symbol, interval="1m", startTime=longer[0], limit=1000)
    assert sum(Decimal(row[5]) for row in parts) == Decimal(longer[5])
    assert sum(row[8] for row in parts) == longer[8]
    live = [row for row in parts if row[8]] or parts
    assert [live[0][1], live[-1][4]] == [longer[1], longer[4]]
    assert max(Decimal(row[2]) for row in live) == Decimal(longer[2])
    assert min(Decimal(row[3]) for row in live) == Decimal(longer[3])


@pytest.mark.parametrize(("path", "host"), [(DAILY, "/api/v3"), (UM_DAILY, "/fapi/v1")])
def test_a_day_adds_up(path: str, host: str) -> None:
    """The day begins within a minute, whose trades it has in part."""
    found = answer(THIS, path, symbol="ETHUSDT")
    start, end = found["openTime"], found["closeTime"]
    assert (start, end) == (NOW_MS - DAY, NOW_MS)
    candles = answer(THIS, f"{host}/klines", symbol="ETHUSDT", interval="1m", startTime=start, limit=1000)
    candles += answer(THIS, f"{host}/klines", symbol="ETHUSDT", interval="1m", limit=440)
    assert candles[-1][0] // MINUTE == NOW_MS // MINUTE
    assert len(candles) == 1440
    trades = answer(
        THIS, f"{host}/aggTrades", symbol="ETHUSDT", startTime=start, endTime=candles[0][0] - 1, limit=1000
    )
    assert found["count"] == sum(row["l"] - row["f"] + 1 for row in trades) + sum(row[8] for row in candles)
    assert found["lastId"] - found["firstId"] + 1 == found["count"]
    amounts = [Decimal(row["q"]) for row in trades] + [Decimal(row[5]) for row in candles]
    quotes = [Decimal(row["q"]) * Decimal(row["p"]) for row in trades] + [Decimal(row[7]) for row in candles]
    assert (Decimal(found["volume"]), Decimal(found["quoteVolume"])) == (sum(amounts), sum(quotes))
    prices = [Decimal(row["p"]) for row in trades]
    assert Decimal(found["openPrice"]) == (prices[0] if prices else Decimal(candles[0][1]))
    assert Decimal(found["highPrice"]) == max(prices + [Decimal(row[2]) for row in candles])
    assert Decimal(found["lowPrice"]) == min(prices + [Decimal(row[3]) for row in candles])
    change = Decimal(found["lastPrice"]) - Decimal(found["openPrice"])
    assert Decimal(found["priceChange"]) == change
    assert abs(Decimal(found["priceChangePercent"]) - 100 * change / Decimal(found["openPrice"])) < Decimal(
        "0.001"
    )
    average = sum(quotes) / sum(amounts)
    assert abs(Decimal(found["weightedAvgPrice"]) - average) < Decimal("0.00000002")


def test_the_day_before_ends_with_the_previous_close() -> None:
    found = answer(THIS, DAILY, **BTC)
    first = answer(THIS, "/api/v3/historicalTrades", **BTC, fromId=found["firstId"] - 1, limit=2)
    assert [row["price"] for row in first] == [found["prevClosePrice"], found["openPrice"]]
    assert first[0]["time"] < found["openTime"] <= first[1]["time"]


def test_a_trading_day_is_its_candle() -> None:
    found = answer(THIS, TODAY, **BTC)
    candle = answer(THIS, "/api/v3/klines", **BTC, interval="1d", limit=1)[0]
    names = (
        "openTime",
        "openPrice",
        "highPrice",
        "lowPrice",
        "lastPrice",
        "volume",
        "closeTime",
        "quoteVolume",
    )
    assert [found[name] for name in (*names, "count")] == candle[:9]


@pytest.mark.parametrize(
    ("size", "span"), [("1m", MINUTE), ("59m", 59 * MINUTE), ("23h", 23 * HOUR), ("1d", DAY), ("7d", 7 * DAY)]
)
def test_a_rolling_window_begins_at_a_minute(size: str, span: int) -> None:
    found = answer(THIS, ROLLING, **BTC, windowSize=size)
    start = (NOW_MS - span) // MINUTE * MINUTE
    assert (found["openTime"], found["closeTime"]) == (start, NOW_MS)
    first = answer(THIS, "/api/v3/historicalTrades", **BTC, fromId=found["firstId"] - 1, limit=2)
    assert first[0]["time"] < start <= first[1]["time"]
    if size == "1d":
        assert answer(THIS, ROLLING, **BTC) == found
    assert code(THIS, ROLLING, **BTC, windowSize="8d") == -1130


def test_the_average_price_is_that_of_five_minutes() -> None:
    found = answer(THIS, "/api/v3/avgPrice", **BTC)
    rows: list[Any] = []
    start = NOW_MS - 5 * MINUTE + 1
    while page := answer(THIS, "/api/v3/aggTrades", **BTC, startTime=start, endTime=NOW_MS, limit=1000):
        rows += page if not rows else [row for row in page if row["a"] > rows[-1]["a"]]
        if len(page) < 1000:
            break
        start = page[-1]["T"]
    volume = sum(Decimal(row["q"]) for row in rows)
    average = sum(Decimal(row["q"]) * Decimal(row["p"]) for row in rows) / volume
    assert (found["mins"], found["closeTime"]) == (5, rows[-1]["T"])
    assert abs(Decimal(found["price"]) - average) < Decimal("0.00000002")
    assert code(THIS, "/api/v3/avgPrice") == -1102


# -- which symbols ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [PRICE, BEST, DAILY])
def test_symbols_of_spot(path: str) -> None:
    one = answer(THIS, path, symbol="ETHBTC")
    assert one["symbol"] == "ETHBTC"
    assert [row["symbol"] for row in answer(THIS, path, symbols='["ETHBTC"]')] == ["ETHBTC"]
    assert answer(THIS, path, symbols=PAIRS)[1] == one
    everything = {row["symbol"] for row in answer(THIS, path)}
    trading = {row["symbol"] for row in answer(THIS, path, symbolStatus="TRADING")}
    ended = ["SOLETH", "TUSDUSDT", "BTCTUSD", "MATICUSDT"]
    assert everything - trading == set(ended)
    assert [row["symbol"] for row in answer(THIS, path, symbolStatus="BREAK")] == ended
    assert answer(THIS, path, symbolStatus="HALT") == []
    assert answer(THIS, path, symbols='["BTCUSDT","SOLETH"]', symbolStatus="BREAK")[0]["symbol"] == "SOLETH"


@pytest.mark.parametrize("path", [PRICE, BEST, DAILY, ROLLING, TODAY])
def test_refused_symbols_of_spot(path: str) -> None:
    assert code(THIS, path, symbol="NOTHING") == -1121
    assert code(THIS, path, symbols='["BTCUSDT","NOTHING"]') == -1121
    assert code(THIS, path, symbols='["BTCUSDT","BTCUSDT"]') == -1151
    assert code(THIS, path, symbols="BTCUSDT") == -1100
    assert code(THIS, path, symbol="BTCUSDT", symbols=PAIRS) == -1128
    assert code(THIS, path, symbol="SOLETH", symbolStatus="TRADING") == -1220
    assert code(THIS, path, symbol="SOLETH", symbolStatus="GONE") == -1122


@pytest.mark.parametrize("path", [ROLLING, TODAY])
def test_windows_need_symbols(path: str) -> None:
    assert code(THIS, path) == -1102
    assert len(answer(THIS, path, symbols=PAIRS)) == 2


@pytest.mark.parametrize("path", [DAILY, ROLLING, TODAY])
def test_a_mini_ticker_has_fewer_fields(path: str) -> None:
    full, mini = (answer(THIS, path, **BTC, type=kind) for kind in ("FULL", "MINI"))
    assert mini.items() <= full.items()
    assert {"lastPrice", "count"} <= mini.keys()
    assert {"priceChange", "weightedAvgPrice"} & mini.keys() == set()
    assert code(THIS, path, **BTC, type="SMALL") == -1139


@pytest.mark.parametrize("path", [UM_PRICE, UM_BEST, UM_DAILY])
def test_symbols_of_futures(path: str) -> None:
    one = answer(THIS, path, symbol="SUIUSDT")
    rows = answer(THIS, path)
    assert one in rows
    symbols = {row["symbol"] for row in rows}
    assert "BTCUSDT" in symbols
    assert um("ATOMUSDT").symbol not in symbols, "it is delisted"
    assert answer(THIS, path, symbol="ATOMUSDT")["symbol"] == "ATOMUSDT"
    assert code(THIS, path, symbol="NOTHING") == -1121


def test_weights() -> None:
    many = '["' + '","'.join(row["symbol"] for row in answer(THIS, PRICE)[:21]) + '"]'
    sent: list[dict[str, str]] = [BTC, {"symbols": PAIRS}, {"symbols": many}, {}]
    assert [weight(THIS, DAILY, **params) for params in sent] == [2, 2, 40, 80]
    for path in (PRICE, BEST):
        assert [weight(THIS, path, **params) for params in sent] == [2, 4, 4, 4]
    for path in (ROLLING, TODAY):
        assert [weight(THIS, path, **params) for params in sent[:3]] == [4, 8, 84]
    weights = [(weight(THIS, path, **BTC), weight(THIS, path)) for path in (UM_DAILY, UM_PRICE, UM_BEST)]
    assert weights == [(1, 40), (1, 2), (2, 5)]
