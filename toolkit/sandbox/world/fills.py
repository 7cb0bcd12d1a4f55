"""Fills of spot orders: at prices that their market traded at, in whole steps, with the fee of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from toolkit.sandbox.hashing import BoolArray, FloatArray, Int64Array
from toolkit.sandbox.market.prices import Prices
from toolkit.sandbox.market.symbols import ASSETS, SPOT
from toolkit.sandbox.world.customers import Attendance, Customer
from toolkit.sandbox.world.owners import Owners
from toolkit.sandbox.world.stream import DAY, HOUR, Block
from toolkit.sandbox.world.trading import Converter, MarketChoice
from toolkit.sandbox.world.units import DECIMALS, UNITS

FEE = 0.001
BNB_DISCOUNT = 0.25
"""Fees that are paid in BNB are lower by this share."""

RATE_UNITS = 100_000
"""Rates of commission are whole numbers of a thousandth of a percent."""
CUSTOMER_RATE = round(FEE * RATE_UNITS)

FIRST_ORDER_MS = 400_000 * HOUR
ORDER_IDS_PER_MS = 4
"""The id of an order is its time in quarters of a millisecond: filled orders have the first of them."""

_BNB_HUNDREDTHS = round(100 * (1 - BNB_DISCOUNT))
_IN_BNB, _IN_QUOTE = 0.35, 0.5  # fractions of orders: fees paid in BNB; sales
_MAKERS = 0.4
_BNB = ASSETS.index("BNB")


def fill_sizes(block: Block) -> FloatArray:
    """Size of each fill in dollars: many small, few large; the fills of one order are similar."""
    size: FloatArray = 12.0 * np.exp(5.2 * block.by_order("size")) * (0.35 + 0.65 * block.by_row("fill"))
    return size


def order_ids(times: Int64Array, part: int = 0) -> Int64Array:
    """Ids of orders, which ascend with time."""
    return (times - FIRST_ORDER_MS) * ORDER_IDS_PER_MS + part


def row_numbers(block: Block, within: Int64Array, first: int) -> Int64Array:
    """Unique ids that ascend with time and follow from the position alone."""
    return (block.hour - 400_000) * 100_000 + within + first


@dataclass(frozen=True, slots=True)
class Fills:
    """Fills, as columns. Amounts and prices are whole numbers of 1e-8.

    Attributes:
        who: Index of the customer.
        market: Index of the market.
        is_buyer: Whether the customer bought.
        is_maker: Whether the customer's order was in the book before.
        price: Price: the close of the minute.
        quantity: Amount of the base asset.
        quote_amount: Amount of the quote asset, exactly price times quantity.
        asset: Index of the asset that the fee was paid in.
        quote: Index of the quote asset of the market.
        commission: The fee.
        convert_price: Price of the fee's asset in the quote asset, at the close of the minute of the fill.
    """

    who: Int64Array
    market: Int64Array
    is_buyer: BoolArray
    is_maker: BoolArray
    price: Int64Array
    quantity: Int64Array
    quote_amount: Int64Array
    asset: Int64Array
    quote: Int64Array
    commission: Int64Array
    convert_price: Int64Array

    def shares(self, hundredths: Int64Array | int) -> Int64Array:
        """A share of each fee, in the quote asset, rounded down."""
        # A customer's fee is at most a few dollars, so the product stays below 2**63.
        shares: Int64Array = self.commission * self.convert_price * hundredths // (100 * UNITS)
        return shares


class Grid:
    """Assets, ticks and steps of the spot markets, by index.

    Attributes:
        bases, quotes: Index of the base asset and of the quote asset.
        tick_units: Units of 1e-8 in one tick of the price.
        step_units: Units in one step of the quantity.
        coarse: Steps of which every quantity is a multiple, so that price times quantity is a whole number of
            units.
    """

    def __init__(self) -> None:
        self.bases = np.array([ASSETS.index(each.base) for each in SPOT])
        self.quotes = np.array([ASSETS.index(each.quote) for each in SPOT])
        self.price_decimals = np.array([each.price_decimals for each in SPOT])
        self.quantity_decimals = np.array([each.quantity_decimals for each in SPOT])
        self.tick_units = 10 ** (DECIMALS - self.price_decimals)
        self.step_units = 10 ** (DECIMALS - self.quantity_decimals)
        beyond = self.price_decimals + self.quantity_decimals - DECIMALS
        self.coarse = 10 ** np.maximum(beyond, 0)
        self._finer = 10 ** np.maximum(-beyond, 0)
        self._least = np.array([int(each.min_notional * UNITS) for each in SPOT])

    def steps(self, market: Int64Array, ticks: Int64Array, quote: FloatArray) -> Int64Array:
        """Steps worth about this many units of the quote, but not less than an order has to be worth."""
        coarse, tick = self.coarse[market], ticks * self.tick_units[market]
        lots_a_coin = 10.0 ** self.quantity_decimals[market] / coarse
        lots = np.floor(quote / tick * lots_a_coin).astype(np.int64)
        least = np.floor(self._least[market] / tick * lots_a_coin).astype(np.int64) + 1
        steps: Int64Array = np.maximum(lots, least) * coarse
        return steps

    def quote_units(self, market: Int64Array, ticks: Int64Array, steps: Int64Array) -> Int64Array:
        """Price times quantity in units, which is exact for whole multiples of the coarse steps."""
        units: Int64Array = ticks * steps * self._finer[market] // self.coarse[market]
        return units


GRID = Grid()


class SpotTrades:
    """Trades on the spot market, and their fees.

    A fill has the price at which its market closed the minute, so it lies on the candles. Fills are not the
    market's own trades: to find the number of one of those takes all minutes of its block.

    A fee is a share of the asset received, or, with a discount, of the quote amount in BNB; both are rounded
    down.

    Args:
        customers: Who trades.
        markets: The markets, which are the first ones of `SPOT`, in the same order.
        prices: What the assets are worth.
        maker_rate: The fee of makers, in units of a thousandth of a percent.
        taker_rate: The fee of takers.
        scale: Size of the fills.
    """

    def __init__(
        self,
        customers: Sequence[Customer],
        markets: MarketChoice,
        prices: Prices,
        *,
        maker_rate: int = CUSTOMER_RATE,
        taker_rate: int = CUSTOMER_RATE,
        scale: float = 1.0,
    ) -> None:
        self.customers = customers
        self.markets = markets
        self.maker_rate, self.taker_rate = maker_rate, taker_rate
        self._scale = scale
        self._attendance = Attendance(customers)
        self._owners = Owners(self._attendance.joined, self._attendance.trades)
        self._converter = Converter(prices)

    def owners(self, block: Block) -> Int64Array:
        """Index of the customer who made each trade."""
        return self._owners.of(block)

    def ages(self, fills: Fills, block: Block) -> Int64Array:
        """Days since the customer joined."""
        ages: Int64Array = block.time // DAY - self._attendance.joined[fills.who] // DAY
        return ages

    def fills(self, block: Block) -> Fills:
        """The rows as fills."""
        market = self.markets.of(block)
        base, quote = self.markets.bases[market], self.markets.quotes[market]
        is_buyer, is_maker = block.by_order("side") >= _IN_QUOTE, block.by_order("maker") < _MAKERS
        received = np.where(is_buyer, base, quote)
        asset = np.where(block.by_order("bnb") < _IN_BNB, _BNB, received)
        price, convert_price, quote_worth = self._converter.at_close(base, quote, asset, block.time)
        ticks = price // GRID.tick_units[market]
        steps = GRID.steps(market, ticks, fill_sizes(block) * self._scale / quote_worth * UNITS)
        quantity, quote_amount = steps * GRID.step_units[market], GRID.quote_units(market, ticks, steps)
        rate = np.where(is_maker, self.maker_rate, self.taker_rate)
        in_bnb = asset == _BNB
        # No product exceeds 2**63: the fee is in the quote asset before it is converted, and amounts, of
        # which there are large ones of cheap coins, are taken apart.
        worth = quote_amount * rate * _BNB_HUNDREDTHS // (100 * RATE_UNITS)
        whole, rest = np.divmod(np.where(is_buyer, quantity, quote_amount), RATE_UNITS)
        commission = np.where(
            in_bnb,
            worth * UNITS // np.where(in_bnb, convert_price, 1),
            whole * rate + rest * rate // RATE_UNITS,
        )
        return Fills(
            self.owners(block), market, is_buyer, is_maker, price, quantity, quote_amount,
            asset, quote, commission, convert_price,
        )  # fmt: skip
