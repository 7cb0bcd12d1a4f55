"""Rebates and kickbacks: the earnings from each trade of a customer or a sub-account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from toolkit.sandbox.hashing import BoolArray, FloatArray, Int64Array, weighted_choice
from toolkit.sandbox.market.prices import Prices
from toolkit.sandbox.market.symbols import ASSETS
from toolkit.sandbox.world.customers import Attendance, Customer
from toolkit.sandbox.world.owners import Owners
from toolkit.sandbox.world.rates import KICKBACK, Rates
from toolkit.sandbox.world.stream import DAY, Block
from toolkit.sandbox.world.tables import Row, is_false
from toolkit.sandbox.world.trading import Converter, MarketChoice, minute_end
from toolkit.sandbox.world.units import UNITS, amount_columns, amounts

NEWER_FIELDS_SINCE = 1_764_028_800_000  # 2025-11-25: four more fields in spot rebates
PAYING_STATES = np.array([0, 1, 2])
FEE = 0.001
BNB_DISCOUNT = 0.25
"""Fees that are paid in BNB are lower by this share."""
ACCOUNT_SHARE = 40
"""The partner's share of the fees of its sub-accounts, in per cent."""

LONGEST_DELAY = 75 * 60_000
"""The longest time from a trade to the payment of its rebate, in milliseconds."""

_SHORTEST_DELAY = 20 * 60_000
_PAYMENTS_EVERY = 5000  # payments are made at whole multiples of five seconds
_IN_BNB, _IN_QUOTE = 0.35, 0.5  # fractions of orders: fees paid in BNB; sales among the others
_BNB = ASSETS.index("BNB")


def fill_sizes(block: Block) -> FloatArray:
    """Size of each fill in dollars: many small, few large; the fills of one order are similar."""
    size: FloatArray = 12.0 * np.exp(5.2 * block.by_order("size")) * (0.35 + 0.65 * block.by_row("fill"))
    return size


@dataclass(frozen=True, slots=True)
class Fees:
    """The fees of some trades, as columns. Amounts and prices are whole numbers of 1e-8.

    Attributes:
        who: Index of the customer.
        market: Index of the market.
        asset: Index of the asset that the fee was paid in.
        quote: Index of the quote asset of the market.
        commission: The fee.
        price: Price of the fee's asset in the quote asset, at the close of the minute of the trade.
    """

    who: Int64Array
    market: Int64Array
    asset: Int64Array
    quote: Int64Array
    commission: Int64Array
    price: Int64Array

    def shares(self, hundredths: Int64Array | int) -> Int64Array:
        """A share of each fee, in the quote asset, rounded down."""
        # A fee is at most a few dollars, so the product stays below 2**63.
        shares: Int64Array = self.commission * self.price * hundredths // (100 * UNITS)
        return shares


class SpotTrades:
    """The customers' trades on the spot market, and their fees.

    A fee is a tenth of a percent of the trade, in the asset received, or, with a discount, in BNB.
    """

    def __init__(self, customers: Sequence[Customer], markets: MarketChoice, prices: Prices) -> None:
        self.customers = customers
        self.markets = markets
        self._attendance = Attendance(customers)
        self._owners = Owners(self._attendance.joined, self._attendance.trades)
        self._converter = Converter(prices)

    def owners(self, block: Block) -> Int64Array:
        """Index of the customer who made each trade."""
        return self._owners.of(block)

    def ages(self, fees: Fees, block: Block) -> Int64Array:
        """Days since the customer joined."""
        ages: Int64Array = block.time // DAY - self._attendance.joined[fees.who] // DAY
        return ages

    def fees(self, block: Block) -> Fees:
        """The fee of each trade."""
        market = self.markets.of(block)
        quote = self.markets.quotes[market]
        received = np.where(block.by_order("side") < _IN_QUOTE, quote, self.markets.bases[market])
        asset = np.where(block.by_order("bnb") < _IN_BNB, _BNB, received)
        worth, price = self._converter.at_close(asset, quote, block.time)
        rate = np.where(asset == _BNB, FEE * (1 - BNB_DISCOUNT), FEE)
        commission = np.floor(fill_sizes(block) * rate / worth * UNITS).astype(np.int64)
        return Fees(self.owners(block), market, asset, quote, commission, price)


class SpotRebates:
    """Rebates the partner earns from its customers' spot trades.

    A rebate is the partner's share of the fee, converted at the closing price of the minute of the trade, and
    rounded down to whole units of 1e-8.
    """

    def __init__(self, trades: SpotTrades, rates: Rates) -> None:
        self._trades = trades
        self._rates = rates

    def accepts_all(self, filters: Mapping[str, str]) -> bool:
        """Whether every row matches these filters."""
        return "customerId" not in filters

    def mask(self, block: Block, filters: Mapping[str, str]) -> BoolArray:
        """The rows of this customer."""
        customers = enumerate(self._trades.customers)
        wanted = [index for index, each in customers if each.id == filters["customerId"]]
        return np.isin(self._trades.owners(block), wanted)

    def income(self, fees: Fees, block: Block) -> Int64Array:
        """The partner's share of each fee, in units of the quote asset."""
        return fees.shares(self._rates.of(block.time // DAY, self._trades.ages(fees, block)))

    def payments(self, block: Block) -> tuple[Int64Array, Int64Array]:
        """Asset and amount of each rebate."""
        fees = self._trades.fees(block)
        return fees.quote, self.income(fees, block)

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
        fees = self._trades.fees(block)
        customers, markets = self._trades.customers, self._trades.markets.all
        everyone = {who: (customers[who].id, customers[who].spot_mask) for who in set(fees.who.tolist())}
        incomes, *fee_amounts = amount_columns(
            self.income(fees, block), *(() if older else (fees.commission, fees.price))
        )
        columns = (
            [everyone[who] for who in fees.who.tolist()],
            incomes,
            [(markets[which].quote, markets[which].symbol) for which in fees.market.tolist()],
            block.time.tolist(),
            _numbers(block, block.order, 10_491_232).tolist(),
            _numbers(block, block.index, 611_123).tolist(),
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
            [ASSETS[index] for index in fees.asset.tolist()],
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
        fees = self._trades.fees(block)
        return fees.quote, fees.shares(KICKBACK)

    def paid_at(self, block: Block) -> Int64Array:
        """When each is paid."""
        return block.time

    def rows(self, block: Block) -> list[Row]:
        """The rows, as sent."""
        fees = self._trades.fees(block)
        markets = self._trades.markets.all
        columns = zip(fees.market.tolist(), amounts(fees.shares(KICKBACK)), block.time.tolist(), strict=True)
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
    """

    def __init__(
        self,
        ids: Sequence[str],
        joined: Sequence[int],
        markets: MarketChoice,
        prices: Prices,
        *,
        strangers: float = 0.0,
    ) -> None:
        self._ids = ids
        self._owners = Owners(joined)
        self._markets = markets
        self._prices = prices
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
            passes &= (self._owners.of(block) == wanted) & ~self._is_stranger(block)
        return passes

    def rows(self, block: Block) -> list[Row]:
        """The rows, as sent."""
        which = self._markets.of(block)
        worth = self._prices.usd_of(self._markets.quotes[which], minute_end(block.time))
        income = np.floor(fill_sizes(block) * (FEE * ACCOUNT_SHARE / 100) / worth * UNITS).astype(np.int64)
        # A batch is briefly pending, and occasionally one fails.
        states = PAYING_STATES[weighted_choice(block.by_order("state"), (0.02, 0.97, 0.01))]
        columns = zip(
            self._owners.of(block).tolist(),
            self._is_stranger(block).tolist(),
            amounts(income),
            [self._markets.all[index] for index in which.tolist()],
            _numbers(block, block.index, 123_456).tolist(),
            block.time.tolist(),
            states.tolist(),
            strict=True,
        )
        return [
            {
                "subaccountId": str(int(self._ids[who]) + 7) if is_stranger else self._ids[who],
                "income": amount,
                "asset": market.quote,
                "symbol": market.symbol,
                "tradeId": trade,
                "time": time,
                "status": state,
            }
            for who, is_stranger, amount, market, trade, time, state in columns
        ]

    def _is_stranger(self, block: Block) -> BoolArray:
        is_stranger: BoolArray = block.by_order("stranger") < self._strangers
        return is_stranger


def _numbers(block: Block, within: Int64Array, first: int) -> Int64Array:
    """Unique ids that ascend with time and follow from the position alone."""
    return (block.hour - 400_000) * 100_000 + within + first
