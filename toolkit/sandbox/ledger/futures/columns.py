"""What a futures account has, as columns: fills, orders, payments of funding and income.

Prices, quantities and amounts are whole numbers of 1e-8, times are in ms, markets are indices in `UM` and
assets in `ASSETS`.
"""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.sandbox.hashing import BoolArray, Int64Array
from toolkit.sandbox.ledger.columns import Columns

ORDER_STATUSES = ("NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED")
INCOME_TYPES = (
    "TRANSFER",
    "REALIZED_PNL",
    "FUNDING_FEE",
    "COMMISSION",
    "API_REBATE",
    "REFERRAL_KICKBACK",
    "COMMISSION_REBATE",
    "WELCOME_BONUS",
    "INSURANCE_CLEAR",
)


@dataclass(frozen=True, slots=True)
class FuturesFills(Columns):
    """Trades of an account, oldest first.

    Attributes:
        quote: Price times quantity.
        realized: Realized profit, which the wallet gets.
        fee: The commission in USDT, be it paid in BNB.
        commission: The commission, which the wallet pays, in units of its asset.
        position: Position after the fill, negative if short.
        cost: What that position cost, negative if short: its entry price is cost by position.
        clearance: What a liquidation costs besides; 0 for any other fill.
    """

    market: Int64Array
    id: Int64Array
    order: Int64Array
    price: Int64Array
    quantity: Int64Array
    quote: Int64Array
    realized: Int64Array
    fee: Int64Array
    commission: Int64Array
    commission_asset: Int64Array
    is_buyer: BoolArray
    is_maker: BoolArray
    position: Int64Array
    cost: Int64Array
    clearance: Int64Array


@dataclass(frozen=True, slots=True)
class FuturesOrders(Columns):
    """Orders of an account as they were at some time, in the order they were placed.

    Attributes:
        time: When it was placed.
        updated: When it was last filled or cancelled.
        is_limit: Whether it is a limit order, otherwise a market order.
        price: The limit; 0 for a market order.
        executed: Filled quantity.
        quote: Price times quantity of its fills.
        status: Index in `ORDER_STATUSES`.
    """

    updated: Int64Array
    market: Int64Array
    id: Int64Array
    is_buyer: BoolArray
    is_limit: BoolArray
    is_reduce_only: BoolArray
    price: Int64Array
    quantity: Int64Array
    executed: Int64Array
    quote: Int64Array
    status: Int64Array


@dataclass(frozen=True, slots=True)
class FundingPayments(Columns):
    """Payments of funding, oldest first.

    Attributes:
        position: Position at that time, negative if short.
        amount: What the wallet gets: minus position times mark price times rate.
    """

    market: Int64Array
    position: Int64Array
    mark: Int64Array
    rate: Int64Array
    amount: Int64Array


@dataclass(frozen=True, slots=True)
class UmTransfers(Columns):
    """Transfers into the wallet, and out of it: those have negative amounts. Ids are unique."""

    asset: Int64Array
    amount: Int64Array
    id: Int64Array


@dataclass(frozen=True, slots=True)
class IncomeRows(Columns):
    """Changes of the wallet, oldest first.

    Attributes:
        kind: Index in `INCOME_TYPES`.
        market: The market, -1 if none.
        asset: Index of the asset in `ASSETS`.
        income: Signed amount.
        tran_id: Id, unique within its kind.
        trade_id: Id of the fill, 0 if none.
    """

    kind: Int64Array
    market: Int64Array
    asset: Int64Array
    income: Int64Array
    tran_id: Int64Array
    trade_id: Int64Array


@dataclass(frozen=True, slots=True)
class Position:
    """An open position (one-way mode, cross margin) or open orders of a market, in USDT.

    Attributes:
        market: Index in `UM`.
        quantity: Negative if short; 0 if there are only open orders.
        entry_price: Average price of what is open.
        break_even_price: Price at which profit pays for the fees and funding since it was opened.
        mark_price: Mark price.
        notional: Quantity times mark price, negative if short.
        unrealized: Profit at the mark price.
        liquidation_price: Mark price at which the wallet cannot keep it, 0 if there is none.
        leverage: Leverage of the market.
        initial_margin: Margin of the position.
        order_margin: Margin of the open orders.
        maintenance_margin: What has to be left.
        bid_notional, ask_notional: Value of the open orders to buy, and to sell.
        update_time: Time of the last fill, or of the last order where there is no position.
    """

    market: int
    quantity: int
    entry_price: int
    break_even_price: int
    mark_price: int
    notional: int
    unrealized: int
    liquidation_price: int
    leverage: int
    initial_margin: int
    order_margin: int
    maintenance_margin: int
    bid_notional: int
    ask_notional: int
    update_time: int
