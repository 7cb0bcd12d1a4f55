"""What assets are worth in dollars at any time."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from toolkit.sandbox.hashing import FloatArray, Int64Array, hash_key, random_bits, uniform
from toolkit.sandbox.market.calendar import DAY_MS
from toolkit.sandbox.market.paths import BLOCK, MINUTE_MS, Paths, fat_normal
from toolkit.sandbox.market.symbols import ASSETS, FIAT, PRICES_USD, RENAMED, STABLE

BLOCKS = 4096
"""Length of the tables: eight years."""

_BLOCKS_BEFORE = 64
_BLOCKS_A_YEAR = 365.25 * 1440 / BLOCK
_BLOCKS_A_MONTH = round(_BLOCKS_A_YEAR / 12)
_STABLE_DEVIATION = 1.5e-4
# Of the price of a currency from its level, which it strays from for weeks.
_FIAT_DEVIATION, _FIAT_PERSISTENCE = 0.02, 0.98
# Standard deviation of a year's change, as a logarithm.
_VOLATILITY = {"BTC": 0.45, "ETH": 0.6, "BNB": 0.5, "TRX": 0.45, "PEPE": 1.0}
_OTHER_VOLATILITY = 0.75
# Weight of the whole market in the changes of a coin.
_COMMON = 0.82
# Part of the distance to the long-run level that is lost in each block: prices stay within bounds.
_REVERSION = 1 / 500
_DAYS_UNTIL_TODAY = 731

# Values at the ends of blocks; deviations and jumps within them.
_Tables = tuple[FloatArray, FloatArray, FloatArray]


def first_block(start_ms: int) -> int:
    """The first block of the tables, well before the beginning of history."""
    return start_ms // (BLOCK * MINUTE_MS) - _BLOCKS_BEFORE


def clustered(key: int, blocks: Int64Array, persistence: float = 0.85) -> FloatArray:
    """Numbers with mean 0 and variance 1 that stay similar for some days, or longer with more persistence."""
    window = round(np.log(0.005) / np.log(persistence))
    weights = persistence ** np.arange(window)
    weights /= np.sqrt((weights**2).sum())
    noise = fat_normal(random_bits(key, np.arange(blocks[0] - window + 1, blocks[-1] + 1)))
    return np.convolve(noise, weights, mode="valid")


class Prices:
    """Dollar prices of the assets.

    Args:
        seed: The same seed gives the same prices.
        start_ms: Beginning of history. Two years later, prices are as in `PRICES_USD`.
    """

    def __init__(self, seed: int, start_ms: int) -> None:
        first = first_block(start_ms)
        today = (start_ms + _DAYS_UNTIL_TODAY * DAY_MS) // (BLOCK * MINUTE_MS) - first
        nodes, deviations, jumps = _tables(seed, first, today)
        apart = {*STABLE, *FIAT}
        self._common = np.array([0.0 if asset in apart else _COMMON for asset in ASSETS])
        self.paths = Paths(
            keys=[hash_key(seed, "price", RENAMED.get(asset, asset)) for asset in ASSETS],
            nodes=nodes,
            deviations=deviations,
            jumps=jumps,
            first_block=first,
            common_key=hash_key(seed, "price of the whole market"),
            common=self._common,
        )

    def usd(self, asset: str, times: Int64Array) -> FloatArray:
        """Dollars for one unit of an asset, at times in ms."""
        return self.usd_of(np.full(times.shape, ASSETS.index(asset)), times)

    def usd_of(self, assets: Int64Array, times: Int64Array) -> FloatArray:
        """Dollars for one unit of each asset, given by its index in `ASSETS`, each at its own time in ms."""
        return np.exp(self.paths.at(assets, times))

    def log_ratio(self, base: str, quote: str, first: int, count: int) -> FloatArray:
        """Logarithm of the price of one asset in another at every minute of some blocks."""
        both = self.paths.blocks(np.array([ASSETS.index(base), ASSETS.index(quote)]), first, count)
        values: FloatArray = both[0] - both[1]
        return values

    def deviation_of_a_minute(self, base: str, quote: str, first: int, count: int) -> FloatArray:
        """Standard deviation of one minute's change of that logarithm, roughly, for each of some blocks."""
        one, other = ASSETS.index(base), ASSETS.index(quote)
        ours, theirs = (self.paths.deviation_of_a_minute(each, first, count) for each in (one, other))
        together = self._common[one] * self._common[other]
        deviations: FloatArray = np.sqrt(ours**2 + theirs**2 - 2 * together * ours * theirs)
        return deviations


@lru_cache(maxsize=4)
def _tables(seed: int, first: int, today: int) -> _Tables:
    """The tables of all assets, which the world and its market share."""
    blocks = np.arange(first, first + BLOCKS)
    made: dict[str, _Tables] = {}
    for asset in ASSETS:
        if asset in RENAMED:
            made[asset] = made[RENAMED[asset]]
        elif asset in STABLE:
            made[asset] = _stable(seed, asset, blocks)
        elif asset in FIAT:
            made[asset] = _fiat(seed, asset, blocks)
        else:
            made[asset] = _coin(seed, asset, blocks, today)
    nodes, deviations, jumps = (np.array(each) for each in zip(*made.values(), strict=True))
    for table in (nodes, deviations, jumps):
        table.flags.writeable = False
    return nodes, deviations, jumps


def _stable(seed: int, asset: str, blocks: Int64Array) -> _Tables:
    key = hash_key(seed, "stable", asset)
    nodes = _STABLE_DEVIATION * fat_normal(random_bits(key, np.arange(blocks[0], blocks[-1] + 2)))
    return nodes, np.full(blocks.size, _STABLE_DEVIATION), np.zeros(blocks.size)


def _fiat(seed: int, asset: str, blocks: Int64Array) -> _Tables:
    ends = np.append(blocks, blocks[-1] + 1)
    strays = _FIAT_DEVIATION * clustered(hash_key(seed, "fiat", asset), ends, _FIAT_PERSISTENCE)
    deviations = np.full(blocks.size, _FIAT_DEVIATION / 5)
    return np.log(PRICES_USD[asset]) + strays, deviations, np.zeros(blocks.size)


def _coin(seed: int, asset: str, blocks: Int64Array, today: int) -> _Tables:
    def key(word: str, whose: str = asset) -> int:
        return hash_key(seed, "price", word, whose)

    cluster = 0.8 * clustered(key("cluster", ""), blocks) + 0.6 * clustered(key("cluster"), blocks)
    yearly = _VOLATILITY.get(asset, _OTHER_VOLATILITY)
    deviations = yearly / _BLOCKS_A_YEAR**0.5 * np.exp(0.4 * cluster - 0.16)
    moves = _COMMON * fat_normal(random_bits(key("move", ""), blocks))
    moves += (1 - _COMMON**2) ** 0.5 * fat_normal(random_bits(key("move"), blocks))
    trend = 0.05 * fat_normal(random_bits(key("trend"), blocks // _BLOCKS_A_MONTH)) / _BLOCKS_A_MONTH
    jumps = _jumps(key("jump", ""), blocks) + _jumps(key("jump"), blocks)
    changes = moves * deviations + trend + jumps
    # A walk that reverts slowly is a sum with growing weights.
    growth = (1 - _REVERSION) ** -np.arange(blocks.size + 1.0)
    nodes = np.concatenate([[0.0], np.cumsum(changes * growth[1:])]) / growth
    return nodes - nodes[today] + np.log(PRICES_USD[asset]), deviations, jumps


def _jumps(key: int, blocks: Int64Array) -> FloatArray:
    """A jump of some per cent about twice a year."""
    draw = uniform(key, blocks)
    happens = draw < 2 / _BLOCKS_A_YEAR
    size = 0.04 + 0.06 * uniform(key + 1, blocks)
    return np.where(happens, np.where(uniform(key + 2, blocks) < 0.6, -size, size), 0.0)
