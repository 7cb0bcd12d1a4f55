"""What an account did, as records: amounts and prices are whole numbers of 1e-8."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.sandbox.hashing import BoolArray, Int64Array
from toolkit.sandbox.ledger.columns import Columns

ORDER_TYPES = ("LIMIT", "MARKET", "LIMIT_MAKER")
ORDER_STATUSES = ("NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED", "EXPIRED")
NETWORKS = ("BTC", "ETH", "BSC", "TRX", "SOL", "ARBITRUM", "XRP", "ADA", "DOGE", "LTC", "AVAXC", "DOT",
            "SUI", "NEAR", "ATOM")  # fmt: skip
DIVIDENDS = ("Flexible", "Launchpool", "BNB Vault", "HODLer Airdrops Distribution")


@dataclass(frozen=True, slots=True)
class SpotFills(Columns):
    """Fills of spot orders; their ids ascend with time.

    Attributes:
        id: Id of the trade.
        order: Id of the order.
        market: Index in `market.symbols.SPOT`.
        price: Price, a whole number of ticks of the market.
        quantity: Amount of the base asset, a whole number of steps.
        quote: Amount of the quote asset: exactly price times quantity.
        commission: The fee.
        commission_asset: Index in `ASSETS`: the asset received, or BNB.
        kickback: Share of the fee that is paid back at once, in the quote asset.
        is_buyer: Whether the account bought.
        is_maker: Whether the account's order was in the book before.
    """

    id: Int64Array
    order: Int64Array
    market: Int64Array
    price: Int64Array
    quantity: Int64Array
    quote: Int64Array
    commission: Int64Array
    commission_asset: Int64Array
    kickback: Int64Array
    is_buyer: BoolArray
    is_maker: BoolArray


@dataclass(frozen=True, slots=True)
class SpotOrders(Columns):
    """Spot orders, ascending by creation (`time`) and by id, as they are at some moment.

    Attributes:
        id: Id of the order.
        market: Index in `market.symbols.SPOT`.
        type: Index in `ORDER_TYPES`.
        is_buy: Whether it buys.
        price: The limit, 0 of a market order.
        quantity: Amount of the base asset ordered.
        executed: Amount filled: the sum of its fills.
        quote: Amount of the quote asset of its fills.
        status: Index in `ORDER_STATUSES`.
        updated: When it last changed, in milliseconds.
        locked: Amount that it locks, of the quote asset if it buys, else of the base asset.
    """

    id: Int64Array
    market: Int64Array
    type: Int64Array
    is_buy: BoolArray
    price: Int64Array
    quantity: Int64Array
    executed: Int64Array
    quote: Int64Array
    status: Int64Array
    updated: Int64Array
    locked: Int64Array


@dataclass(frozen=True, slots=True)
class AccountDeposits(Columns):
    """Deposits into the spot wallet, ascending by `time`, when they were first seen.

    Attributes:
        id: Id of the deposit.
        completed: When it is credited.
        asset: Index in `ASSETS`.
        amount: The amount.
        network: Index in `NETWORKS`.
        is_internal: Whether it came from another account of the exchange.
        bits: Random bits, for addresses and transaction ids.
    """

    id: Int64Array
    completed: Int64Array
    asset: Int64Array
    amount: Int64Array
    network: Int64Array
    is_internal: BoolArray
    bits: Int64Array


@dataclass(frozen=True, slots=True)
class AccountWithdrawals(Columns):
    """Withdrawals from the spot wallet, ascending by `time`, when they were applied for.

    Amount and fee leave the wallet then, and return when one is canceled.

    Attributes:
        id: Id of the withdrawal.
        completed: When it is completed, or was canceled.
        asset: Index in `ASSETS`.
        amount: Amount that arrives.
        fee: Fee of the network, in the same asset.
        network: Index in `NETWORKS`.
        is_canceled: Whether it was canceled.
        bits: Random bits, for addresses and transaction ids.
    """

    id: Int64Array
    completed: Int64Array
    asset: Int64Array
    amount: Int64Array
    fee: Int64Array
    network: Int64Array
    is_canceled: BoolArray
    bits: Int64Array


@dataclass(frozen=True, slots=True)
class WalletTransfers(Columns):
    """Transfers between two wallets of the account.

    Attributes:
        id: Id of the transfer.
        source: Index in `WALLETS`.
        target: Index in `WALLETS`.
        asset: Index in `ASSETS`.
        amount: The amount.
    """

    id: Int64Array
    source: Int64Array
    target: Int64Array
    asset: Int64Array
    amount: Int64Array


@dataclass(frozen=True, slots=True)
class Dividends(Columns):
    """Interest and gifts, paid into the spot wallet.

    Attributes:
        id: Id of the payment.
        asset: Index in `ASSETS`.
        amount: The amount.
        kind: Index in `DIVIDENDS`.
    """

    id: Int64Array
    asset: Int64Array
    amount: Int64Array
    kind: Int64Array
