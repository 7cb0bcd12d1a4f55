"""Ways from one asset to another, over the markets that there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

MAX_LEGS = 3
MAX_ROUTES = 8
"""Ways that are tried for an asset before its rows have no price."""

# Assets with many markets, in the order in which a way over them is preferred.
_INTERMEDIATE = ("USDT", "BTC", "ETH", "BNB", "USDC", "FDUSD", "TUSD", "BUSD", "EUR", "TRY")

Renamed: TypeAlias = Mapping[str, tuple[str, Decimal]]
"""The new name of an asset, and how many units of it one unit of the old one became."""

RENAMED: Renamed = {
    "EOS": ("A", Decimal(1)),
    "FTM": ("S", Decimal(1)),
    "KLAY": ("KAIA", Decimal(1)),
    "MATIC": ("POL", Decimal(1)),
    "RNDR": ("RENDER", Decimal(1)),
}
"""Assets that the exchange exchanged for others. When does not matter: a market has a price or not."""

STABLE_COINS: Mapping[str, str] = {
    **dict.fromkeys(("USD", "USDC", "FDUSD", "TUSD", "BUSD", "USDP", "DAI", "USD1", "USDE", "RLUSD"), "USDT"),
    **dict.fromkeys(("EURI", "AEUR"), "EUR"),
}
"""What coins are worth one unit of, where they are at par."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One step of a way.

    Attributes:
        name: What it is called, such as "BTCUSDT", "1/EURUSDT" or "USD=USDT".
        to: The asset that it leads to.
        symbol: The market, "" where the rate is fixed.
        is_inverse: Whether the market's price is divided by.
        rate: The fixed rate, 1 for a market.
        is_par: Whether two assets are said to be worth the same.
    """

    name: str
    to: str
    symbol: str = ""
    is_inverse: bool = False
    rate: Decimal = Decimal(1)
    is_par: bool = False


Route: TypeAlias = tuple[Leg, ...]


class Graph:
    """All single steps between assets.

    Args:
        markets: The markets by symbol, each with its base and quote asset.
        renamed: Assets with another name.
        at_par: Pairs of assets that are worth the same.
    """

    def __init__(
        self, markets: Mapping[str, tuple[str, str]], renamed: Renamed, at_par: Sequence[tuple[str, str]]
    ) -> None:
        self._legs: dict[str, list[Leg]] = {}
        for one, other in at_par:
            self._add(one, Leg(f"{one}={other}", other, is_par=True))
            self._add(other, Leg(f"{other}={one}", one, is_par=True))
        for symbol, (base, quote) in markets.items():
            self._add(base, Leg(symbol, quote, symbol))
            self._add(quote, Leg(f"1/{symbol}", base, symbol, is_inverse=True))
        for old, (new, rate) in renamed.items():
            self._add(old, Leg(f"{old}={_times(rate)}{new}", new, rate=rate))
            self._add(new, Leg(f"{_times(rate)}{new}={old}", old, rate=rate, is_inverse=True))

    def _add(self, asset: str, leg: Leg) -> None:
        self._legs.setdefault(asset, []).append(leg)

    def assets(self) -> Iterable[str]:
        """All assets that a step leads from."""
        return self._legs.keys()

    def routes(self, asset: str, currency: str) -> list[Route]:
        """The ways from an asset to a currency, the best first: fixed rates, few markets, large ones."""
        return sorted(self._found(asset, currency), key=_cost)[:MAX_ROUTES]

    def _found(self, asset: str, currency: str, been: tuple[str, ...] = ()) -> Iterator[Route]:
        for leg in self._legs.get(asset, ()):
            if leg.to == currency:
                yield (leg,)
            elif len(been) + 1 < MAX_LEGS and leg.to not in (*been, asset):
                if leg.symbol and leg.to not in _INTERMEDIATE:
                    continue  # over the market of just any other asset
                for rest in self._found(leg.to, currency, (*been, asset)):
                    yield (leg, *rest)


def _cost(route: Route) -> tuple[int, int, int, int]:
    between = sum(_rank(leg.to) for leg in route[:-1])
    inverse = sum(leg.is_inverse for leg in route)
    return sum(bool(leg.symbol) for leg in route), len(route), between, inverse


def _rank(asset: str) -> int:
    return _INTERMEDIATE.index(asset) if asset in _INTERMEDIATE else len(_INTERMEDIATE)


def _times(rate: Decimal) -> str:
    return "" if rate == 1 else f"{rate:f}*"


def name_of(route: Route) -> str:
    """What a way is called, such as "SOLETH*ETHUSDT"."""
    return "*".join(leg.name for leg in route)
