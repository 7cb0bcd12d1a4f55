"""What futures are worth, and in which asset they are settled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from toolkit.sandbox.hashing import Int64Array
from toolkit.sandbox.market.symbols import ASSETS, CM, UM, Market, future_of
from toolkit.sandbox.world.units import DECIMALS, UNITS

_FACE_OF_BITCOIN, _FACE = 100, 10


@dataclass(frozen=True, slots=True)
class Contracts:
    """The futures of one kind. All numbers are whole ones of 1e-8.

    Attributes:
        markets: The futures.
        references: The USD-M future of each, whose mark prices and funding rates are its own.
        faces: Dollars of one contract, 0 where quantities are in the base asset.
        settled_in: Index of the asset that profits and fees are in.
    """

    markets: tuple[Market, ...]
    references: tuple[Market, ...]
    faces: tuple[int, ...]
    settled_in: Int64Array

    @property
    def is_inverse(self) -> bool:
        """Whether contracts are of so many dollars each, settled in the base asset."""
        return self.faces[0] > 0

    @property
    def ticks(self) -> Int64Array:
        """The tick of each market."""
        return np.array([10 ** (DECIMALS - each.price_decimals) for each in self.markets])

    @property
    def steps(self) -> Int64Array:
        """The step of each market."""
        return np.array([10 ** (DECIMALS - each.quantity_decimals) for each in self.markets])

    def dollars(self, market: Int64Array, price: Int64Array) -> Int64Array:
        """Dollars of one unit of quantity at a price."""
        return np.array(self.faces)[market] * UNITS if self.is_inverse else price

    def value(self, market: int, price: int, quantity: int) -> int:
        """What a quantity is worth at a price, in the asset of settlement, rounded."""
        face = self.faces[market]
        return rounded(quantity * face * UNITS, price) if face else rounded(quantity * price, UNITS)

    def funding(self, market: int, mark: int, position: int, rate: int) -> int:
        """What a position gets at a rate of funding: minus its value times the rate, rounded."""
        face = self.faces[market]
        if face:
            return rounded(-position * face * rate, mark)
        return rounded(-position * mark * rate, UNITS * UNITS)


def rounded(value: int, divisor: int) -> int:
    """The nearest whole number; halves go up."""
    return (2 * value + divisor) // (2 * divisor)


def _reference(market: Market) -> Market:
    found = future_of(f"{market.base}USDT", "PERPETUAL")
    if found is None:
        raise ValueError(f"{market.symbol} has no USD-M future")
    return found


UM_CONTRACTS = Contracts(UM, UM, (0,) * len(UM), np.full(len(UM), ASSETS.index("USDT")))
CM_CONTRACTS = Contracts(
    CM,
    tuple(_reference(each) for each in CM),
    tuple(_FACE_OF_BITCOIN if each.base == "BTC" else _FACE for each in CM),
    np.array([ASSETS.index(each.base) for each in CM]),
)
