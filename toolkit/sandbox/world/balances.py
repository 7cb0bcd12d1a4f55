"""The balances of accounts: wallets by asset, and the figures that reports add to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from typing import Literal, Self

from toolkit.sandbox.market.symbols import RARE
from toolkit.sandbox.world.positions import UNIT, SubAccountPosition, Worth

Wallet = Literal["spot", "um", "cm"]
WALLETS: tuple[Wallet, ...] = ("spot", "um", "cm")
FUTURES_WALLETS: frozenset[Wallet] = frozenset({"um", "cm"})

Holding = Wallet | Literal["margin", "borrowed"]

# Shares of a wallet's value by asset. The first asset covers the margin of open positions.
_SHARES: Mapping[Holding, Mapping[str, str]] = {
    "spot": {"USDT": "0.5", "BTC": "0.3", "ETH": "0.12", "BNB": "0.08"},
    "um": {"USDT": "0.85", "USDC": "0.15"},
    "cm": {"BTC": "0.6", "ETH": "0.4"},
    "margin": {"BTC": "0.7", "USDT": "0.3"},
    "borrowed": {"USDT": "0.8", "BNB": "0.2"},
}
_MASTER_DOLLARS = Decimal(20_000_000)


def spread(
    wallet: Wallet | Literal["margin", "borrowed"], value_usd: Decimal, worth: Worth
) -> dict[str, Decimal]:
    """Split a value in dollars over the assets of a wallet, in whole units of 1e-8."""
    return {
        asset: (value_usd * Decimal(share) / worth[asset]).quantize(UNIT, ROUND_DOWN)
        for asset, share in _SHARES[wallet].items()
    }


def dollars(amounts: Mapping[str, Decimal], worth: Worth) -> Decimal:
    """Value of amounts by asset."""
    return sum((amount * worth[asset] for asset, amount in amounts.items()), Decimal(0))


def _none() -> dict[Wallet, dict[str, Decimal]]:
    return {wallet: {} for wallet in WALLETS}


@dataclass(slots=True, kw_only=True)
class Balances:
    """Balances of one account.

    Attributes:
        wallets: Amounts by asset, of each wallet.
        margin: What the margin account has, by asset.
        borrowed: What it owes, by asset.
        positions: Open positions, on USD-M and COIN-M.
        um_order_margin: Margin of open orders on USD-M, in USDT.
    """

    wallets: dict[Wallet, dict[str, Decimal]] = field(default_factory=_none)
    margin: dict[str, Decimal] = field(default_factory=dict)
    borrowed: dict[str, Decimal] = field(default_factory=dict)
    positions: list[SubAccountPosition] = field(default_factory=list)
    um_order_margin: Decimal = Decimal(0)

    def value_usd(self, wallet: Wallet, worth: Worth) -> Decimal:
        """Value of a wallet in dollars."""
        return dollars(self.wallets[wallet], worth)

    def positions_in(self, wallet: Wallet, asset: str | None = None) -> list[SubAccountPosition]:
        """The positions of a futures wallet, all or those with margin in an asset."""
        return [each for each in self.positions if each.market.kind == wallet and asset in (None, each.asset)]

    def profit(self, wallet: Wallet, asset: str, worth: Worth) -> Decimal:
        """Unrealized profit in an asset of a futures wallet."""
        return sum((each.profit(worth) for each in self.positions_in(wallet, asset)), Decimal(0))

    def position_margin(self, wallet: Wallet, asset: str, worth: Worth) -> Decimal:
        """Initial margin of the positions, in an asset of a futures wallet."""
        return sum((each.margin(worth) for each in self.positions_in(wallet, asset)), Decimal(0))

    def maintenance_margin(self, wallet: Wallet, asset: str, worth: Worth) -> Decimal:
        """Maintenance margin of the positions, in an asset of a futures wallet."""
        return sum((each.maintenance_margin(worth) for each in self.positions_in(wallet, asset)), Decimal(0))

    def order_margin(self, wallet: Wallet, asset: str) -> Decimal:
        """Margin of open orders, in an asset of a futures wallet."""
        return self.um_order_margin if (wallet, asset) == ("um", "USDT") else Decimal(0)

    def free(self, wallet: Wallet, asset: str, worth: Worth) -> Decimal:
        """Amount of an asset that may leave a wallet: all but the margin of open positions and orders."""
        held = self.wallets[wallet].get(asset, Decimal(0))
        if wallet == "spot":
            return held
        loss = max(-self.profit(wallet, asset, worth), Decimal(0))
        needed = self.position_margin(wallet, asset, worth) + self.order_margin(wallet, asset) + loss
        return max(held - needed, Decimal(0))

    def add(self, wallet: Wallet, asset: str, amount: Decimal) -> None:
        """Add an amount to a wallet, or subtract it if negative."""
        held = self.wallets[wallet]
        held[asset] = held.get(asset, Decimal(0)) + amount

    @property
    def empty(self) -> bool:
        """Whether all wallets are empty."""
        held = [amount for wallet in self.wallets.values() for amount in wallet.values()]
        return not any((*held, *self.margin.values(), *self.borrowed.values(), *self.positions))


@dataclass(frozen=True, slots=True)
class FuturesTotals:
    """The sums over the assets of a futures wallet, in one unit."""

    wallet: Decimal = Decimal(0)
    profit: Decimal = Decimal(0)
    position_margin: Decimal = Decimal(0)
    maintenance_margin: Decimal = Decimal(0)
    order_margin: Decimal = Decimal(0)

    def __add__(self, other: Self) -> Self:
        return type(self)(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))

    @classmethod
    def of(cls, held: Balances, wallet: Wallet, worth: Worth, unit: str = "") -> Self:
        """The sums in dollars, or in an asset."""
        per_unit = worth[unit] if unit else Decimal(1)
        sums = [Decimal(0)] * 4
        for asset in held.wallets[wallet]:
            amounts = (
                held.profit(wallet, asset, worth),
                held.position_margin(wallet, asset, worth),
                held.maintenance_margin(wallet, asset, worth),
                held.order_margin(wallet, asset),
            )
            sums = [total + amount * worth[asset] for total, amount in zip(sums, amounts, strict=True)]
        return cls(*(total / per_unit for total in (held.value_usd(wallet, worth), *sums)))


def master_balances(worth: Worth) -> Balances:
    """The ample balances of the master account, which has none of the rare assets."""
    plenty = {
        asset: (_MASTER_DOLLARS / price).quantize(UNIT) for asset, price in worth.items() if asset not in RARE
    }
    return Balances(wallets={wallet: dict(plenty) for wallet in WALLETS})
