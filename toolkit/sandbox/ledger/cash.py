"""What an account receives, sends and moves besides its trading, and what of it moves balances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import permutations

import numpy as np

from toolkit.sandbox.hashing import Int64Array, weighted_choice
from toolkit.sandbox.ledger.movements import Movements, wallet_index
from toolkit.sandbox.ledger.records import (
    NETWORKS,
    AccountDeposits,
    AccountWithdrawals,
    Dividends,
    WalletTransfers,
)
from toolkit.sandbox.market.prices import Prices
from toolkit.sandbox.market.symbols import ASSETS
from toolkit.sandbox.world.fills import row_numbers
from toolkit.sandbox.world.stream import HOUR, ActivityProfile, Block, Stream
from toolkit.sandbox.world.units import UNITS

NETWORK_FEES: Mapping[str, Mapping[str, Decimal]] = {
    "USDT": {"TRX": Decimal(1), "ETH": Decimal("3.5"), "BSC": Decimal("0.3")},
    "USDC": {"ETH": Decimal("3.5"), "BSC": Decimal("0.3"), "ARBITRUM": Decimal("0.2")},
    "FDUSD": {"ETH": Decimal(3), "BSC": Decimal("0.3")},
    "BTC": {"BTC": Decimal("0.00015")},
    "ETH": {"ETH": Decimal("0.0012"), "ARBITRUM": Decimal("0.0001")},
    "BNB": {"BSC": Decimal("0.0005")},
    "SOL": {"SOL": Decimal("0.001")},
    "XRP": {"XRP": Decimal("0.2")},
}
"""The networks of the assets that are deposited and withdrawn, and the fee of a withdrawal."""

_NAMES = {"spot": "MAIN", "funding": "FUNDING", "um": "UMFUTURE", "cm": "CMFUTURE", "margin": "MARGIN"}
TRANSFER_TYPES: Mapping[str, tuple[int, int]] = {
    f"{_NAMES[source]}_{_NAMES[target]}": (wallet_index(source), wallet_index(target))
    for source, target in permutations(_NAMES, 2)
    if {source, target} != {"um", "cm"}
}
"""The wallets of each type of transfer: MAIN_UMFUTURE is from spot to USD-M futures."""

_COINS = np.array([ASSETS.index(asset) for asset in NETWORK_FEES])
_COIN_WEIGHTS = (45.0, 8.0, 7.0, 14.0, 11.0, 6.0, 5.0, 4.0)
_FEES = np.zeros((len(ASSETS), len(NETWORKS)), dtype=np.int64)
for _asset, _fees in NETWORK_FEES.items():
    for _network, _fee in _fees.items():
        _FEES[ASSETS.index(_asset), NETWORKS.index(_network)] = int(_fee * UNITS)
# How often each pair of wallets has a transfer.
_ROUTES = {
    ("spot", "um"): 30.0,
    ("um", "spot"): 26.0,
    ("spot", "funding"): 12.0,
    ("funding", "spot"): 9.0,
    ("spot", "cm"): 5.0,
    ("cm", "spot"): 4.0,
    ("spot", "margin"): 4.0,
    ("margin", "spot"): 4.0,
    ("funding", "um"): 3.0,
    ("um", "funding"): 3.0,
}
_ROUTE_INDICES = np.array([[wallet_index(wallet) for wallet in route] for route in _ROUTES])
# What each wallet is used with, by the wallet of futures or margin that has a part in the transfer.
_MOVED = {"um": ("USDT", "USDC", "BNB"), "cm": ("BTC", "ETH", "BNB"), "": ("USDT", "BTC", "ETH")}
_MOVED_WEIGHTS = (0.8, 0.12, 0.08)
_PAID = np.array([ASSETS.index(asset) for asset in ("USDT", "BNB", "ETH", "BTC")])
_DIVIDEND_WEIGHTS = (0.8, 0.1, 0.06, 0.04)
_CANCELED = 0.05
_INTERNAL = 0.12
_ROUND = 0.6
_MINUTE = 60_000
_FIRST_IDS = {
    "deposits": 4_100_000,
    "withdrawals": 7_300_000,
    "transfers": 13_500_000,
    "dividends": 242_000_000,
}


@dataclass(frozen=True, slots=True)
class Habits:
    """How often an account does something on an average day, and how much of it.

    Attributes:
        fills: Spot fills; the customer's are those under the partner's rebates.
        unfilled: Orders that are never filled.
        deposits, withdrawals, transfers, dividends: Number of each.
        scale: Size of all amounts.
    """

    fills: float
    unfilled: float
    deposits: float
    withdrawals: float
    transfers: float
    dividends: float
    scale: float


@dataclass(frozen=True, slots=True)
class Cash:
    """Everything but the trading."""

    deposits: AccountDeposits
    withdrawals: AccountWithdrawals
    transfers: WalletTransfers
    dividends: Dividends

    def movements(self) -> list[Movements]:
        """What it all moves."""
        deposits, dividends, transfers = self.deposits, self.dividends, self.transfers
        gone = self.withdrawals
        returned = gone[gone.is_canceled]
        return [
            Movements.of(
                "deposit",
                deposits.completed,
                wallet="spot",
                asset=deposits.asset,
                units=deposits.amount,
                reference=deposits.id,
            ),
            *(
                Movements.of(cause, time, wallet="spot", asset=of.asset, units=units, reference=of.id)
                for of, time, sign in ((gone, gone.time, -1), (returned, returned.completed, 1))
                for cause, units in (("withdrawal", sign * of.amount), ("withdrawal fee", sign * of.fee))
            ),
            *(
                Movements.of(
                    "transfer",
                    transfers.time,
                    wallet=wallet,
                    asset=transfers.asset,
                    units=units,
                    reference=transfers.id,
                )
                for wallet, units in (
                    (transfers.source, -transfers.amount),
                    (transfers.target, transfers.amount),
                )
            ),
            Movements.of(
                "dividend",
                dividends.time,
                wallet="spot",
                asset=dividends.asset,
                units=dividends.amount,
                reference=dividends.id,
            ),
        ]


def make_cash(
    seed: int, owner: str, habits: Habits, prices: Prices, *, start_ms: int, span_ms: tuple[int, int]
) -> Cash:
    """An account's deposits, withdrawals, transfers and dividends.

    Args:
        seed: The same seed gives the same ones.
        owner: Whose they are.
        habits: How many there are.
        prices: What the assets are worth.
        start_ms: The beginning of history.
        span_ms: When the account was opened, and the end.
    """
    opened_ms, end_ms = span_ms

    def block(kind: str, per_day: float) -> Block:
        name = f"{kind} of the {owner}"
        stream = Stream(seed, name, ActivityProfile(seed, name, start_ms), per_day, start_ms)
        return stream.block(np.arange(-(-opened_ms // HOUR), end_ms // HOUR, dtype=np.int64))

    def amounts(
        rows: Block, assets: Int64Array, least: float, spread: float, *, round_numbers: bool = True
    ) -> Int64Array:
        dollars = habits.scale * least * np.exp(spread * rows.by_row("amount"))
        units: Int64Array = np.floor(dollars / prices.usd_of(assets, rows.time) * UNITS).astype(np.int64)
        if round_numbers:
            # Most of what people send has two digits before its zeros.
            step = 10 ** np.maximum(np.log10(np.maximum(units, 1)).astype(np.int64) - 1, 0)
            units -= np.where(rows.by_row("round") < _ROUND, units % step, 0)
        return np.maximum(units, 1)

    def numbers(rows: Block, kind: str) -> Int64Array:
        return row_numbers(rows, rows.index, _FIRST_IDS[kind])

    def random(rows: Block) -> Int64Array:
        return (rows.bits("random") >> np.uint64(1)).view(np.int64)

    rows = block("deposits", habits.deposits)
    assets, networks = _coins_and_networks(rows)
    deposits = AccountDeposits(
        time=rows.time,
        id=numbers(rows, "deposits"),
        completed=rows.time + (_MINUTE * (2 + 38 * rows.by_row("credited"))).astype(np.int64),
        asset=assets,
        amount=amounts(rows, assets, 150.0, 3.5),
        network=networks,
        is_internal=rows.by_row("inside") < _INTERNAL,
        bits=random(rows),
    )
    rows = block("withdrawals", habits.withdrawals)
    assets, networks = _coins_and_networks(rows)
    withdrawals = AccountWithdrawals(
        time=rows.time,
        id=numbers(rows, "withdrawals"),
        completed=rows.time + (_MINUTE * (3 + 57 * rows.by_row("sent"))).astype(np.int64),
        asset=assets,
        amount=amounts(rows, assets, 120.0, 3.5),
        fee=_FEES[assets, networks],
        network=networks,
        is_canceled=rows.by_row("canceled") < _CANCELED,
        bits=random(rows),
    )
    rows = block("transfers", habits.transfers)
    source, target = _ROUTE_INDICES[weighted_choice(rows.by_row("route"), tuple(_ROUTES.values()))].T
    assets = _moved_assets(rows, source, target)
    transfers = WalletTransfers(
        time=rows.time,
        id=numbers(rows, "transfers"),
        source=source,
        target=target,
        asset=assets,
        amount=amounts(rows, assets, 40.0, 4.0),
    )
    rows = block("dividends", habits.dividends)
    assets = _PAID[weighted_choice(rows.by_row("coin"), (0.5, 0.3, 0.12, 0.08))]
    dividends = Dividends(
        time=rows.time,
        id=numbers(rows, "dividends"),
        asset=assets,
        amount=amounts(rows, assets, 0.05, 3.0, round_numbers=False),
        kind=weighted_choice(rows.by_row("kind"), _DIVIDEND_WEIGHTS),
    )
    return Cash(deposits, withdrawals, transfers, dividends)


def _coins_and_networks(rows: Block) -> tuple[Int64Array, Int64Array]:
    assets = _COINS[weighted_choice(rows.by_row("coin"), _COIN_WEIGHTS)]
    choices = np.zeros(len(rows), dtype=np.int64)
    drawn = rows.by_row("network")
    for asset, fees in NETWORK_FEES.items():
        here = assets == ASSETS.index(asset)
        networks = np.array([NETWORKS.index(network) for network in fees])
        choices[here] = networks[(drawn[here] * len(networks)).astype(np.int64)]
    return assets, choices


def _moved_assets(rows: Block, source: Int64Array, target: Int64Array) -> Int64Array:
    drawn = weighted_choice(rows.by_row("coin"), _MOVED_WEIGHTS)
    assets = np.zeros(len(rows), dtype=np.int64)
    taken = np.zeros(len(rows), dtype=np.bool_)
    for wallet, coins in _MOVED.items():
        part = ~taken
        if wallet:
            part &= (source == wallet_index(wallet)) | (target == wallet_index(wallet))
        assets[part] = np.array([ASSETS.index(coin) for coin in coins])[drawn[part]]
        taken |= part
    return assets
