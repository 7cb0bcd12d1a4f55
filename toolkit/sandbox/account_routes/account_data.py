"""What the rules for accounts share: the world, whose account is asked for, and pages of rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Literal, TypeVar

import numpy as np

from toolkit.sandbox.checked_request import CheckedRequest
from toolkit.sandbox.hashing import Int64Array
from toolkit.sandbox.ledger import Ledger
from toolkit.sandbox.market.symbols import ASSETS, Market
from toolkit.sandbox.messages import RefusalError
from toolkit.sandbox.spans import TimeRange
from toolkit.sandbox.world import World
from toolkit.sandbox.world.positions import Worth
from toolkit.sandbox.world.units import UNITS, amount

Item = TypeVar("Item")
Kept = Literal["oldest", "newest"]


class AccountData:
    """What a rule answers from.

    Args:
        world: The accounts.
    """

    def __init__(self, world: World) -> None:
        self.world = world

    def ledger(self, request: CheckedRequest) -> Ledger:
        """The books of the account that owns the key."""
        return self.world.ledger(request.signer.owner)

    def last_moved(self, request: CheckedRequest, wallet: str) -> dict[str, int]:
        """When each asset of a wallet last changed, by asset: those that did in the last two months."""
        return self.ledger(request).last_moved(wallet, request.now_ms)


Rule = Callable[[AccountData, CheckedRequest], object]
Rules = Mapping[str, Rule]


def market_index(markets: Sequence[Market], symbol: str) -> int:
    """The index of the symbol that was sent."""
    for index, market in enumerate(markets):
        if market.symbol == symbol:
            return index
    raise RefusalError(-1121, "Invalid symbol.")


def asset_index(request: CheckedRequest, name: str) -> int | None:
    """The index of the asset in a parameter, -1 of an unknown one, None if it was not sent."""
    if name not in request.values:
        return None
    return ASSETS.index(request.values[name]) if request.values[name] in ASSETS else -1


def page_size(request: CheckedRequest) -> int:
    """The largest number of rows of a response."""
    paging = request.endpoint.paging
    size = int(request.values.get(paging.size, paging.default or 2**31))
    return size if request.max_rows is None else min(size, request.max_rows)


def page_of(items: Sequence[Item], request: CheckedRequest) -> Sequence[Item]:
    """The items of the page that is asked for by its number."""
    paging = request.endpoint.paging
    size = int(request.values.get(paging.size, paging.default or 0))
    start = (int(request.values.get(paging.page_field, 1)) - 1) * size
    return items[start : start + page_size(request)]


def rows_between(
    times: Int64Array, span: TimeRange, size: int, *, kept: Kept = "newest", skipped: int = 0
) -> slice:
    """The rows of a response: those of a span, or so many of its oldest or newest ones.

    Args:
        times: Times of all rows, ascending.
        span: The span, both ends included.
        size: Largest number of rows.
        kept: Which ones, if there are more.
        skipped: Number of rows before the oldest, or after the newest ones, that are left out.
    """
    first = 0 if span.start is None else int(np.searchsorted(times, span.start, side="left"))
    end = max(int(np.searchsorted(times, span.end, side="right")), first)
    if kept == "oldest":
        first = min(first + skipped, end)
        return slice(first, min(end, first + size))
    end = max(end - skipped, first)
    return slice(max(first, end - size), end)


def signed_amount(units: int) -> str:
    """A number of units, which may be below zero, as the exchange writes amounts."""
    return f"-{amount(-units)}" if units < 0 else amount(units)


def value_of(held: Mapping[str, int], unit: str, worth: Worth) -> str:
    """What balances are worth in another asset, as the exchange writes it.

    Args:
        held: The balances in units, by asset.
        unit: The asset that the value is in.
        worth: Dollars for one unit of each asset.
    """
    dollars = sum((units * worth[asset] / UNITS for asset, units in held.items()), Decimal(0))
    return f"{dollars / worth[unit]:.8f}"
