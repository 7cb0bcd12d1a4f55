"""Rebates and kickbacks: what each trade of a customer or a sub-account earned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from toolkit.sandbox.world.hashing import F64, I64, Mask, pick
from toolkit.sandbox.world.market import DOLLARS, Market
from toolkit.sandbox.world.people import Customer
from toolkit.sandbox.world.stream import Block
from toolkit.sandbox.world.tables import Row, is_false

NEWER_FIELDS_SINCE = 1_764_028_800_000  # 2025-11-25: four more fields in spot rebates
PAYING_STATES = np.array([0, 1, 2])
FEE = 0.001


def someone(block: Block, joined: I64) -> I64:
    """Who an order belongs to: somebody who had joined by then, the early ones much more often."""
    there = np.maximum(np.searchsorted(joined, block.time, side="right"), 1)
    return np.floor(block.by_order("who") ** 2.2 * there).astype(np.int64)


def dollars(block: Block) -> F64:
    """Size of each fill: many small ones, few large ones; the fills of an order are alike."""
    size: F64 = 12.0 * np.exp(5.2 * block.by_order("size")) * (0.35 + 0.65 * block.by_row("fill"))
    return size


class SpotRebates:
    """Rebates the partner earns from its customers' spot trades."""

    def __init__(self, customers: Sequence[Customer], markets: Sequence[Market]) -> None:
        self._customers = customers
        self._joined = np.array([customer.joined for customer in customers], dtype=np.int64)
        self._markets = markets
        self._weights = [market.weight for market in markets]

    def plain(self, filters: Mapping[str, str]) -> bool:
        """Whether every row passes these filters."""
        return "customerId" not in filters

    def mask(self, block: Block, filters: Mapping[str, str]) -> Mask:
        """Which rows are the customer's."""
        asked = [place for place, each in enumerate(self._customers) if each.id == filters["customerId"]]
        return np.isin(someone(block, self._joined), asked)

    def rows(self, block: Block) -> list[Row]:
        """The rows as they go over the wire."""
        which = pick(block.by_order("market"), self._weights)
        value = dollars(block) * FEE
        who = someone(block, self._joined)
        share = 0.2 + 0.2 * (who % 3)
        columns = zip(
            who.tolist(),
            which.tolist(),
            (value * share).tolist(),
            (block.by_order("bnb") < 0.35).tolist(),
            block.time.tolist(),
            _numbers(block, block.order, 10_491_232).tolist(),
            _numbers(block, block.place, 611_123).tolist(),
            (20 + 55 * block.by_order("paid")).tolist(),
            strict=True,
        )
        return [self._row(row) for row in columns]

    def _row(self, cells: tuple[int, int, float, bool, int, int, int, float]) -> Row:
        who, which, dollar, in_bnb, time, order, trade, minutes = cells
        customer, market = self._customers[who], self._markets[which]
        fee_asset = "BNB" if in_bnb else market.quote
        # The partner's part of the fee, in the asset of the fee, converted into the quote asset.
        commission = round(dollar / DOLLARS[fee_asset], 8)
        price = round(DOLLARS[fee_asset] / DOLLARS[market.quote], 8)
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
            # Paid with the next batch but one: for the newest rows that is still to come.
            row["distributeTime"] = time + int(minutes * 60_000)
            row["commissionAsset"] = fee_asset
            row["commission"] = f"{commission:.8f}"
            row["convertPrice"] = f"{price:.8f}"
        return row


class AccountRebates:
    """Rebates the partner earns from its sub-accounts' trades on one market.

    Args:
        ids: The sub-accounts, in the order they were created.
        joined: When each was.
        markets: What is traded.
        strangers: Share of rows that are not of the partner's own sub-accounts.
    """

    def __init__(
        self, ids: Sequence[str], joined: Sequence[int], markets: Sequence[Market], *, strangers: float = 0.0
    ) -> None:
        self._ids = ids
        self._joined = np.array(joined, dtype=np.int64)
        self._markets = markets
        self._weights = [market.weight for market in markets]
        self._strangers = strangers

    def plain(self, filters: Mapping[str, str]) -> bool:
        """Whether every row passes these filters."""
        return "subAccountId" not in filters and is_false(filters.get("filterResult", "false"))

    def mask(self, block: Block, filters: Mapping[str, str]) -> Mask:
        """Which rows are the sub-account's, or any of the partner's own."""
        passes: Mask = np.ones(len(block), dtype=np.bool_)
        if not is_false(filters.get("filterResult", "false")):
            passes &= ~self._strange(block)
        if "subAccountId" in filters:
            asked = self._ids.index(filters["subAccountId"]) if filters["subAccountId"] in self._ids else -1
            passes &= (someone(block, self._joined) == asked) & ~self._strange(block)
        return passes

    def rows(self, block: Block) -> list[Row]:
        """The rows as they go over the wire."""
        which = pick(block.by_order("market"), self._weights)
        prices = np.array([DOLLARS[market.quote] for market in self._markets])[which]
        income = dollars(block) * FEE * 0.4 / prices
        # A batch is pending for a moment, and now and then one fails.
        states = PAYING_STATES[pick(block.by_order("state"), (0.02, 0.97, 0.01))]
        columns = zip(
            someone(block, self._joined).tolist(),
            self._strange(block).tolist(),
            income.tolist(),
            which.tolist(),
            _numbers(block, block.place, 123_456).tolist(),
            block.time.tolist(),
            states.tolist(),
            strict=True,
        )
        return [
            {
                "subaccountId": str(int(self._ids[who]) + 7) if strange else self._ids[who],
                "income": f"{amount:.8f}",
                "asset": self._markets[market].quote,
                "symbol": self._markets[market].symbol,
                "tradeId": trade,
                "time": time,
                "status": state,
            }
            for who, strange, amount, market, trade, time, state in columns
        ]

    def _strange(self, block: Block) -> Mask:
        strange: Mask = block.by_order("stranger") < self._strangers
        return strange


class Kickbacks:
    """What the customer who owns the key gets back."""

    def __init__(self, markets: Sequence[Market]) -> None:
        self._markets = markets
        self._weights = [market.weight for market in markets]

    def plain(self, filters: Mapping[str, str]) -> bool:
        """There is nothing to filter by."""
        return True

    def mask(self, block: Block, filters: Mapping[str, str]) -> Mask:
        """All rows."""
        return np.ones(len(block), dtype=np.bool_)

    def rows(self, block: Block) -> list[Row]:
        """The rows as they go over the wire."""
        which = pick(block.by_order("market"), self._weights).tolist()
        income = (dollars(block) * FEE * 0.1).tolist()
        return [
            {
                "income": f"{amount / DOLLARS[self._markets[market].quote]:.8f}",
                "asset": self._markets[market].quote,
                "symbol": self._markets[market].symbol,
                "time": time,
            }
            for market, amount, time in zip(which, income, block.time.tolist(), strict=True)
        ]


def _numbers(block: Block, within: I64, first: int) -> I64:
    """Ids that ascend with time, follow from the position alone and are never given twice."""
    return (block.hour - 400_000) * 100_000 + within + first
