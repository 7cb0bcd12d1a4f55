"""Rebates and kickbacks: the earnings from each trade of a customer or a sub-account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from toolkit.sandbox.hashing import BoolArray, Int64Array, weighted_choice
from toolkit.sandbox.market.prices import Prices
from toolkit.sandbox.market.symbols import ASSETS
from toolkit.sandbox.world.customers import Customer
from toolkit.sandbox.world.fills import FEE, Fills, SpotTrades, fill_sizes, order_ids, row_numbers
from toolkit.sandbox.world.owners import Owners
from toolkit.sandbox.world.rates import KICKBACK, Rates
from toolkit.sandbox.world.stream import DAY, Block
from toolkit.sandbox.world.tables import Row, is_false
from toolkit.sandbox.world.trading import MarketChoice, minute_end
from toolkit.sandbox.world.units import UNITS, amount_columns, amounts

NEWER_FIELDS_SINCE = 1_764_028_800_000  # 2025-11-25: four more fields in spot rebates
PAYING_STATES = np.array([0, 1, 2])
ACCOUNT_SHARE = 40
"""The partner's share of the fees of its sub-accounts, in per cent."""
LONGEST_DELAY = 75 * 60_000
"""The longest time from a trade to the payment of its rebate, in milliseconds."""

FIRST_TRADE = 611_123
"""Ids of the customers' trades count from here."""

_CREDITS = ASSETS.index("BNFCR")
# Fees of trades of these are paid in them.
_PAYING_THEMSELVES = np.array([ASSETS.index(asset) for asset in ("MATIC", "POL", "DCR")])
_SHORTEST_DELAY = 20 * 60_000
_PAYMENTS_EVERY = 5000  # payments are made at whole multiples of five seconds


class SpotRebates:
    """Rebates the partner earns from its customers' spot trades.

    A rebate is the partner's share of the fee, converted at the closing price of the minute of the trade, and
    rounded down to whole units of 1e-8.
    """

    def __init__(self, trades: SpotTrades, rates: Rates) -> None:
        self._trades = trades
        self._masks = [each.spot_mask for each in trades.customers]
        self._rates = rates

    def accepts_all(self, filters: Mapping[str, str]) -> bool:
        """Whether every row matches these filters."""
        return "customerId" not in filters

    def mask(self, block: Block, filters: Mapping[str, str]) -> BoolArray:
        """The rows of this customer."""
        customers = enumerate(self._trades.customers)
        wanted = [index for index, each in customers if each.id == filters["customerId"]]
        return np.isin(self._trades.owners(block), wanted)

    def income(self, fills: Fills, block: Block) -> Int64Array:
        """The partner's share of each fee, in units of the quote asset."""
        return fills.shares(self._rates.of(block.time // DAY, self._trades.ages(fills, block)))

    def payments(self, block: Block) -> tuple[Int64Array, Int64Array]:
        """Asset and amount of each rebate."""
        fills = self._trades.fills(block)
        return fills.quote, self.income(fills, block)

    def paid_at(self, block: Block) -> Int64Array:
        """When each rebate is paid: with the next batch but one, in 20 to 75 minutes."""
        delay = _SHORTEST_DELAY + (LONGEST_DELAY - _SHORTEST_DELAY) * block.by_order("paid")
        return (block.time + delay.astype(np.int64)) // _PAYMENTS_EVERY * _PAYMENTS_EVERY

    def rows(self, block: Block) -> list[Row]:
        """The rows, as sent."""
        older = int(np.searchsorted(block.time, NEWER_FIELDS_SINCE))
        if 0 < older < len(block):
            parts = np.arange(older), np.arange(older, len(block))
            return [row for part in parts for row in self.rows(block.take(part))]
        fills = self._trades.fills(block)
        customers, markets = self._trades.customers, self._trades.markets.all
        everyone = {who: (customers[who].id, self._masks[who]) for who in set(fills.who.tolist())}
        incomes, *fee_amounts = amount_columns(
            self.income(fills, block), *(() if older else (fills.commission, fills.convert_price))
        )
        columns = (
            [everyone[who] for who in fills.who.tolist()],
            incomes,
            [(markets[which].quote, markets[which].symbol) for which in fills.market.tolist()],
            block.time.tolist(),
            order_ids(block.time).tolist(),
            row_numbers(block, block.index, FIRST_TRADE).tolist(),
        )
        if older:
            return [
                {
                    "customerId": customer,
                    "email": mask,
                    "income": income,
                    "asset": asset,
                    "symbol": symbol,
                    "time": time,
                    "orderId": order,
                    "tradeId": trade,
                }
                for (customer, mask), income, (asset, symbol), time, order, trade in zip(
                    *columns, strict=True
                )
            ]
        more = (
            self.paid_at(block).tolist(),
            [ASSETS[index] for index in fills.asset.tolist()],
            *fee_amounts,
        )
        return [
            {
                "customerId": customer,
                "email": mask,
                "income": income,
                "asset": asset,
                "symbol": symbol,
                "time": time,
                "orderId": order,
                "tradeId": trade,
                "distributeTime": paid_at,
                "commissionAsset": fee_asset,
                "commission": commission,
                "convertPrice": price,
            }
            for (
                (customer, mask),
                income,
                (asset, symbol),
                time,
                order,
                trade,
                paid_at,
                fee_asset,
                commission,
                price,
            ) in zip(*columns, *more, strict=True)
        ]


class Kickbacks:
    """Kickbacks of one customer: the customer's own share of the same fees, paid as the trade happens."""

    def __init__(self, trades: SpotTrades, customer: Customer | None) -> None:
        self._trades = trades
        self._customer = customer

    def accepts_all(self, filters: Mapping[str, str]) -> bool:
        """Always False: the trades are those of all customers."""
        return False

    def mask(self, block: Block, filters: Mapping[str, str]) -> BoolArray:
        """The customer's trades."""
        wanted = [index for index, each in enumerate(self._trades.customers) if each is self._customer]
        return np.isin(self._trades.owners(block), wanted)

    def payments(self, block: Block) -> tuple[Int64Array, Int64Array]:
        """Asset and amount of each kickback."""
        fills = self._trades.fills(block)
        return fills.quote, fills.shares(KICKBACK)

    def paid_at(self, block: Block) -> Int64Array:
        """When each is paid."""
        return block.time

    def rows(self, block: Block) -> list[Row]:
        """The rows, as sent."""
        fills = self._trades.fills(block)
        markets = self._trades.markets.all
        columns = zip(
            fills.market.tolist(), amounts(fills.shares(KICKBACK)), block.time.tolist(), strict=True
        )
        return [
            {"income": income, "asset": markets[which].quote, "symbol": markets[which].symbol, "time": time}
            for which, income, time in columns
        ]


class AccountRebates:
    """Rebates that the partner earns from its sub-accounts' trades on one market.

    Args:
        ids: The sub-accounts, in the order they were created.
        joined: Creation time of each.
        markets: The symbols traded.
        prices: What the assets are worth.
        strangers: Fraction of rows that belong to accounts of others.
        credits: Fraction of rows that are paid in credits, which have no market.
    """

    def __init__(
        self,
        ids: Sequence[str],
        joined: Sequence[int],
        markets: MarketChoice,
        prices: Prices,
        *,
        strangers: float = 0.0,
        credits: float = 0.0,
    ) -> None:
        self._ids = ids
        self._owners = Owners(joined)
        self._markets = markets
        self._prices = prices
        self._strangers = strangers
        self._credits = credits

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
            passes &= (self._owners.of(block) == wanted) & ~self._is_stranger(block)
        return passes

    def rows(self, block: Block) -> list[Row]:
        """The rows, as sent."""
        which = self._markets.of(block)
        assets = self._assets(which, block)
        worth = self._prices.usd_of(assets, minute_end(block.time))
        income = np.floor(fill_sizes(block) * (FEE * ACCOUNT_SHARE / 100) / worth * UNITS).astype(np.int64)
        # A batch is briefly pending, and occasionally one fails.
        states = PAYING_STATES[weighted_choice(block.by_order("state"), (0.02, 0.97, 0.01))]
        columns = zip(
            self._owners.of(block).tolist(),
            self._is_stranger(block).tolist(),
            amounts(income),
            [ASSETS[index] for index in assets.tolist()],
            [self._markets.all[index].symbol for index in which.tolist()],
            row_numbers(block, block.index, 123_456).tolist(),
            block.time.tolist(),
            states.tolist(),
            strict=True,
        )
        return [
            {
                "subaccountId": str(int(self._ids[who]) + 7) if is_stranger else self._ids[who],
                "income": amount,
                "asset": asset,
                "symbol": symbol,
                "tradeId": trade,
                "time": time,
                "status": state,
            }
            for who, is_stranger, amount, asset, symbol, trade, time, state in columns
        ]

    def _assets(self, which: Int64Array, block: Block) -> Int64Array:
        """The asset of each rebate: the quote of its market, but for some."""
        bases, quotes = self._markets.bases[which], self._markets.quotes[which]
        assets = np.where(np.isin(bases, _PAYING_THEMSELVES), bases, quotes)
        return np.where(block.by_order("credits") < self._credits, _CREDITS, assets)

    def _is_stranger(self, block: Block) -> BoolArray:
        is_stranger: BoolArray = block.by_order("stranger") < self._strangers
        return is_stranger
