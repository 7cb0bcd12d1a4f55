"""Prices of the simulated market look like prices, and are the same wherever they are read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sandbox.market.consistency import HISTORY, NOW, START, exactly, first_minute, market, times
from toolkit.sandbox.market.calendar import DAY_MS
from toolkit.sandbox.market.candles import candles
from toolkit.sandbox.market.paths import BLOCK, MINUTE_MS
from toolkit.sandbox.market.prices import Prices
from toolkit.sandbox.market.symbols import ASSETS, FIAT, PRICES_USD, RARE, RENAMED, SPOT, STABLE, UM

PRICES = HISTORY.prices
COINS = [asset for asset in ASSETS if asset not in {*STABLE, *FIAT, *RENAMED}]


@given(st.integers(0, len(ASSETS) - 1), st.integers(0, 700 * 1440))
@settings(max_examples=40)
def test_a_moment_equals_the_dense_path(asset: int, minute: int) -> None:
    minute += START // MINUTE_MS
    block = minute // BLOCK
    dense = PRICES.paths.blocks(np.array([asset, 0]), block, 1)[0, 0]
    at = PRICES.paths.at(np.array([asset, asset]), times(minute * MINUTE_MS, block * BLOCK * MINUTE_MS))
    assert at.tolist() == [dense[minute - block * BLOCK], dense[0]]


def test_jumps_are_at_the_same_minute_wherever_they_are_read() -> None:
    jumps = np.abs(
        np.diff(PRICES.paths.blocks(np.array([ASSETS.index("BTC")]), START // MINUTE_MS // BLOCK, 1000)[0])
    )
    block, offset = np.unravel_index(jumps.argmax(), jumps.shape)
    assert jumps[block, offset] > 0.03
    minute = (START // MINUTE_MS // BLOCK + int(block)) * BLOCK + int(offset)
    before, after = PRICES.usd("BTC", times(minute * MINUTE_MS, (minute + 1) * MINUTE_MS))
    assert abs(np.log(after / before)) == pytest.approx(jumps[block, offset])


def test_several_assets_at_several_times() -> None:
    assets = np.array([ASSETS.index(asset) for asset in ("BTC", "ETH", "USDT", "BTC")])
    moments = times(NOW, NOW - DAY_MS, NOW - 1, START)
    together = PRICES.usd_of(assets, moments)
    for row, asset in enumerate(assets):
        assert together[row] == PRICES.usd(ASSETS[asset], moments[row : row + 1])[0]
    # Beyond the tables are the nearest prices.
    ends = PRICES.usd("ETH", times(0, 1, 2**60))
    assert ends[0] == ends[1]
    assert np.isfinite(ends).all()
    with pytest.raises(ValueError, match="not within"):
        HISTORY.minutes(SPOT[0], 0, 10)


def test_prices_are_todays_after_two_years() -> None:
    for asset, price in PRICES_USD.items():
        made = PRICES.usd(asset, times(START + 731 * DAY_MS))[0]
        assert made == pytest.approx(price, rel=0.001 if asset in STABLE else 0.15)


@pytest.mark.parametrize("seed", [1, 7, 2026])
def test_prices_neither_explode_nor_stand_still(seed: int) -> None:
    prices = Prices(seed, START)
    days = START + np.arange(731) * DAY_MS
    returns = {}
    for asset in ASSETS:
        made = prices.usd(asset, days)
        changes = np.diff(np.log(made))
        yearly = changes.std() * 365**0.5
        if asset in STABLE:
            assert np.abs(made - 1).max() < 0.003
            assert yearly < 0.01
            continue
        if asset in FIAT:
            assert 0.05 < yearly < 0.15, asset
            assert made.max() / made.min() < 1.3
            continue
        if asset in RENAMED:
            assert (made == prices.usd(RENAMED[asset], days)).all()
            continue
        returns[asset] = changes
        assert 0.3 < yearly < 1.7, asset
        assert made.max() / made.min() < 100
        assert np.abs(changes).max() < 0.5
    kurtoses = [((each - each.mean()) ** 4).mean() / each.var() ** 2 for each in returns.values()]
    assert min(kurtoses) > 3.2
    assert np.mean(kurtoses) > 4.5
    # Coins move with the market, and calm days follow calm days.
    together = np.corrcoef(list(returns.values()))
    assert 0.55 < together[np.triu_indices(len(COINS), 1)].mean() < 0.8
    sizes = [np.abs(each) for each in returns.values()]
    assert np.mean([np.corrcoef(each[1:], each[:-1])[0, 1] for each in sizes]) > 0.1


def test_minutes_look_like_trading() -> None:
    made = HISTORY.minutes(SPOT[0], first_minute(SPOT[0]), 60 * 1440)
    changes = np.diff(np.log(made.close))
    assert ((changes - changes.mean()) ** 4).mean() / changes.var() ** 2 > 4
    assert abs(np.corrcoef(changes[1:], changes[:-1])[0, 1]) < 0.02
    # The next open is next to the last close, and a busy minute moves more.
    assert np.abs(made.open[1:] - made.close[:-1]).max() <= 1
    assert np.corrcoef(made.trades[1:], np.abs(changes))[0, 1] > 0.3
    assert (
        (made.high >= np.maximum(made.open, made.close)) & (made.low <= np.minimum(made.open, made.close))
    ).all()
    assert (made.high > np.maximum(made.open, made.close)).mean() > 0.5
    share = made.taker_volume.sum() / made.volume.sum()
    assert 0.45 < share < 0.55
    assert ((made.taker_volume > 0) & (made.taker_volume < made.volume)).all()


@pytest.mark.parametrize("symbol", ["BTCUSDT", "BNBBTC"])
def test_a_minute_reaches_beyond_its_ends_as_far_as_its_moves_suggest(symbol: str) -> None:
    """Also where two coins that move together are traded for each other."""
    each = market("spot", symbol)
    made = HISTORY.minutes(each, first_minute(each), 60 * 1440)
    moves = np.log(made.close / made.open)
    # The range of a Brownian motion is 1.6 of its deviation; the rest is the fat tails.
    assert 1.1 < np.log(made.high / made.low).mean() / moves.std() < 1.7


def test_symbols_of_one_coin_agree() -> None:
    made = {}
    for kind, symbol in (
        ("spot", "BTCUSDT"),
        ("spot", "BTCUSDC"),
        ("spot", "ETHUSDT"),
        ("spot", "ETHBTC"),
        ("um", "BTCUSDT"),
    ):
        each = market(kind, symbol)
        close = HISTORY.minutes(each, NOW // MINUTE_MS - 500, 500).close
        made[kind, symbol] = close * float(each.tick)
    dollars = made["spot", "BTCUSDT"]
    assert made["spot", "BTCUSDC"] == pytest.approx(dollars, rel=0.002)
    assert made["um", "BTCUSDT"] == pytest.approx(dollars, rel=0.005)
    assert made["spot", "ETHBTC"] * dollars == pytest.approx(made["spot", "ETHUSDT"], rel=0.001)
    now = times((NOW // MINUTE_MS) * MINUTE_MS)
    usd = PRICES.usd("BTC", now)[0] / PRICES.usd("USDT", now)[0]
    assert dollars[-1] == pytest.approx(usd, rel=1e-6)


@pytest.mark.parametrize(
    ("symbol", "into", "whole", "is_inverse"),
    [
        ("BTCUSDC", "USDCUSDT", "BTCUSDT", False),
        ("ETHFDUSD", "FDUSDUSDT", "ETHUSDT", False),
        ("BTCTUSD", "TUSDUSDT", "BTCUSDT", False),
        ("BTCEUR", "EURUSDT", "BTCUSDT", False),
        ("BTCTRY", "USDTTRY", "BTCUSDT", True),
    ],
)
def test_two_markets_in_a_row_agree_with_the_direct_one(
    symbol: str, into: str, whole: str, is_inverse: bool
) -> None:
    prices = {}
    for each in (market("spot", name) for name in (symbol, into, whole)):
        minutes = HISTORY.minutes(each, START // MINUTE_MS + 600 * 1440, 500)
        prices[each.symbol] = minutes.close[minutes.trades > 0] * float(each.tick)
    middle = {name: float(np.median(made)) for name, made in prices.items()}
    rate = 1 / middle[into] if is_inverse else middle[into]
    assert middle[symbol] * rate == pytest.approx(middle[whole], rel=0.003)
    if into.removesuffix("USDT") in STABLE:
        assert 0.999 < prices[into].min() < prices[into].max() < 1.001


def test_a_renamed_coin_goes_on_at_the_same_price() -> None:
    before, after = market("spot", "MATICUSDT"), market("spot", "POLUSDT")
    ended, begun = HISTORY.hours(before).delisted_ms, HISTORY.hours(after).listed_ms
    assert ended is not None
    assert begun - ended == 3 * DAY_MS
    dollars = PRICES.usd("MATIC", times(ended, begun)) / PRICES.usd("USDT", times(ended, begun))
    last = candles(HISTORY, before, "1h", limit=1, now_ms=NOW, newest=True)
    first = candles(HISTORY, after, "1h", limit=1, now_ms=NOW)
    assert last.close[0] * float(before.tick) == pytest.approx(dollars[0], rel=0.01)
    assert first.open[0] * float(after.tick) == pytest.approx(dollars[1], rel=0.01)


def test_which_assets_have_what_market() -> None:
    partners: dict[str, set[str]] = {asset: set() for asset in ASSETS}
    for each in SPOT:
        partners[each.base].add(each.quote)
        partners[each.quote].add(each.base)
    assert {asset for asset, others in partners.items() if not others} == {"BNFCR"}
    without = {asset for asset, others in partners.items() if "USDT" not in others}
    assert without == {"USDT", "JPY", "DCR", "BNFCR"}
    assert partners["JPY"] == partners["DCR"] == {"BTC"}
    assert not set(RARE) & {each.base for each in UM}


def test_no_sum_of_a_month_is_near_an_overflow() -> None:
    for each in (*SPOT, *UM):
        day = HISTORY.minutes(each, START // MINUTE_MS + max(400, each.listed_after + 1) * 1440, 1440)
        # A month has 31 days, of which none is 10 times as busy and as dear as this one.
        assert 0 < sum(exactly(day.quote)) < 2**63 // 310
    busiest = candles(HISTORY, market("spot", "BTCUSDT"), "1M", limit=30, now_ms=NOW)
    assert max(exactly(busiest.quote)) < 2**59
