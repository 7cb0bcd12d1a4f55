"""Rebates and kickbacks: the earnings from each trade of a customer or a sub-account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from toolkit.sandbox.hashing import BoolArray, FloatArray, Int64Array, weighted_choice
from toolkit.sandbox.market.symbols import PRICES_USD, Market
from toolkit.sandbox.world.people import Customer
from toolkit.sandbox.world.stream import Block
from toolkit.sandbox.world.tables import Row, is_false

NEWER_FIELDS_SINCE = 1_764_028_800_000  # 2025-11-25: four more fields in spot rebates
PAYING_STATES = np.array([0, 1, 2])
FEE = 0.001


def owner_indices(block: Block, joined: Int64Array) -> Int64Array:
    """The account of each order: one that had joined by then, early ones much more often."""
    there = np.maximum(np.searchsorted(joined, block.time, side="right"), 1)
    return np.floor(block.by_order("who") ** 2.2 * there).astype(np.int64)


def fill_sizes(block: Block) -> FloatArray:
    """Size of each fill in dollars: many small, few large; the fills of one order are similar."""
    size: FloatArray = 12.0 * np.exp(5.2 * block.by_order("size")) * (0.35 + 0.65 * block.by_row("fill"))
    return size


class SpotRebates:
    """Rebates the partner earns from its customers' spot trades."""

    def __init__(self, customers: Sequence[Customer], markets: Sequence[Market]) -> None:
        self._customers = customers
        self._joined = np.array([customer.joined for customer in customers], dtype=np.int64)
        self._markets = markets
        self._weights = [market.weight for market in markets]

    def accepts_all(self, filters: Mapping[str, str]) -> bool:
        """Whether every row matches these filters."""
        return "customerId" not in filters

    def mask(self, block: Block, filters: Mapping[str, str]) -> BoolArray:
        """The rows of this customer."""
        wanted = [index for index, each in enumerate(self._customers) if each.id == filters["customerId"]]
        return np.isin(owner_indices(block, self._joined), wanted)

    def rows(self, block: Block) -> list[Row]:
        """The rows, as sent."""
        which = weighted_choice(block.by_order("market"), self._weights)
        value = fill_sizes(block) * FEE
        who = owner_indices(block, self._joined)
        share = 0.2 + 0.2 * (who % 3)
        columns = zip(
            who.tolist(),
            which.tolist(),
            (value * share).tolist(),
            (block.by_order("bnb") < 0.35).tolist(),
            block.time.tolist(),
            _numbers(block, block.order, 10_491_232).tolist(),
            _numbers(block, block.index, 611_123).tolist(),
            self.paid_at(block).tolist(),
            strict=True,
        )
        return [self._row(row) for row in columns]

    def paid_at(self, block: Block) -> Int64Array:
        """When each rebate is paid: with the next batch but one, in 20 to 75 minutes."""
        paid_at: Int64Array = block.time + ((20 + 55 * block.by_order("paid")) * 60_000).astype(np.int64)
        return paid_at

    def _row(self, cells: tuple[int, int, float, bool, int, int, int, int]) -> Row:
        who, which, dollar, in_bnb, time, order, trade, paid_at = cells
        customer, market = self._customers[who], self._markets[which]
        fee_asset = "BNB" if in_bnb else market.quote
        # The partner's share of the fee, in the fee's asset, converted into the quote asset.
        commission = round(dollar / PRICES_USD[fee_asset], 8)
        price = round(PRICES_USD[fee_asset] / PRICES_USD[market.quote], 8)
        row: Row = {
            "customerId": customer.id,
            "email": customer.spot_mask,
            "income": f"{commission * price:.8f}",
            "asset": market.quote,
            "symbol": market.symbol,
            "time": time,
            "orderId": order,
            "tradeId": trade,
        }
        if time >= NEWER_FIELDS_SINCE:
            row["distributeTime"] = paid_at  # for the newest rows, this is still to come
            row["commissionAsset"] = fee_asset
            row["commission"] = f"{commission:.8f}"
            row["convertPrice"] = f"{price:.8f}"
        return row


class AccountRebates:
    """Rebates that the partner earns from its sub-accounts' trades on one market.

    Args:
        ids: The sub-accounts, in the order they were created.
        joined: Creation time of each.
        markets: The symbols traded.
        strangers: Fraction of rows that belong to accounts of others.
    """

    def __init__(
        self, ids: Sequence[str], joined: Sequence[int], markets: Sequence[Market], *, strangers: float = 0.0
    ) -> None:
        self._ids = ids
        self._joined = np.array(joined, dtype=np.int64)
        self._markets = markets
        self._weights = [market.weight for market in markets]
        self._strangers = strangers

    def accepts_all(self, filters: Mapping[str, str]) -> bool:
        """Whether every row matches these filters."""
        return "subAccountId" not in filters and is_false(filters.get("filterResult", "false"))

    def mask(self, block: Block, filters: Mapping[str, str]) -> BoolArray:
        """The rows of this sub-account, or of all the partner's own."""
        passes: BoolArray = np.ones(len(block), dtype=np.bool_)
        if not is_false(filters.get("filterResult", "false")):
            passes &= ~self._is_stranger(block)
        if "subAccountId" in filters:
            wanted = self._ids.index(filters["subAccountId"]) if filters["subAccountId"] in self._ids else -1
            passes &= (owner_indices(block, self._joined) == wanted) & ~self._is_stranger(block)
        return passes

    def rows(self, block: Block) -> list[Row]:
        """The rows, as sent."""
        which = weighted_choice(block.by_order("market"), self._weights)
        prices = np.array([PRICES_USD[market.quote] for market in self._markets])[which]
        income = fill_sizes(block) * FEE * 0.4 / prices
        # A batch is briefly pending, and occasionally one fails.
        states = PAYING_STATES[weighted_choice(block.by_order("state"), (0.02, 0.97, 0.01))]
        columns = zip(
            owner_indices(block, self._joined).tolist(),
            self._is_stranger(block).tolist(),
            income.tolist(),
            which.tolist(),
            _numbers(block, block.index, 123_456).tolist(),
            block.time.tolist(),
            states.tolist(),
            strict=True,
        )
        return [
            {
                "subaccountId": str(int(self._ids[who]) + 7) if is_stranger else self._ids[who],
                "income": f"{amount:.8f}",
                "asset": self._markets[market].quote,
                "symbol": self._markets[market].symbol,
                "tradeId": trade,
                "time": time,
                "status": state,
            }
            for who, is_stranger, amount, market, trade, time, state in columns
        ]

    def _is_stranger(self, block: Block) -> BoolArray:
        is_stranger: BoolArray = block.by_order("stranger") < self._strangers
        return is_stranger


class Kickbacks:
    """Kickbacks of the customer who owns the key, paid as the trade happens."""

    def __init__(self, markets: Sequence[Market]) -> None:
        self._markets = markets
        self._weights = [market.weight for market in markets]

    def accepts_all(self, filters: Mapping[str, str]) -> bool:
        """Always True: there is nothing to filter by."""
        return True

    def mask(self, block: Block, filters: Mapping[str, str]) -> BoolArray:
        """All rows."""
        return np.ones(len(block), dtype=np.bool_)

    def rows(self, block: Block) -> list[Row]:
        """The rows, as sent."""
        which = weighted_choice(block.by_order("market"), self._weights).tolist()
        income = (fill_sizes(block) * FEE * 0.1).tolist()
        return [
            {
                "income": f"{amount / PRICES_USD[self._markets[market].quote]:.8f}",
                "asset": self._markets[market].quote,
                "symbol": self._markets[market].symbol,
                "time": time,
            }
            for market, amount, time in zip(which, income, block.time.tolist(), strict=True)
        ]

    def paid_at(self, block: Block) -> Int64Array:
        """When each is paid."""
        return block.time


def _numbers(block: Block, within: Int64Array, first: int) -> Int64Array:
    """Unique ids that ascend with time and follow from the position alone."""
    return (block.hour - 400_000) * 100_000 + within + first
