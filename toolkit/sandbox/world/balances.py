"""The balances of accounts: wallets by asset, and the figures that reports add to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from typing import Literal

Wallet = Literal["spot", "um", "cm"]
WALLETS: tuple[Wallet, ...] = ("spot", "um", "cm")
FUTURES_WALLETS: frozenset[Wallet] = frozenset({"um", "cm"})

Worth = Mapping[str, Decimal]
"""Dollars for one unit of each asset, at one moment."""

UNIT = Decimal("0.00000001")

# Shares of a wallet's value by asset. The first asset covers the margin of open positions.
_SHARES: Mapping[Wallet, Mapping[str, str]] = {
    "spot": {"USDT": "0.5", "BTC": "0.3", "ETH": "0.12", "BNB": "0.08"},
    "um": {"USDT": "0.85", "USDC": "0.15"},
    "cm": {"BTC": "0.6", "ETH": "0.4"},
}
_MASTER_DOLLARS = Decimal(20_000_000)


def spread(wallet: Wallet, value_usd: Decimal, worth: Worth) -> dict[str, Decimal]:
    """Split a value in dollars over the assets of a wallet, in whole units of 1e-8."""
    return {
        asset: (value_usd * Decimal(share) / worth[asset]).quantize(UNIT, ROUND_DOWN)
        for asset, share in _SHARES[wallet].items()
    }


def _none() -> dict[Wallet, dict[str, Decimal]]:
    return {wallet: {} for wallet in WALLETS}


@dataclass(slots=True, kw_only=True)
class Balances:
    """Balances of one account: wallets by asset, margin in BTC, profit and margin of positions in dollars."""

    wallets: dict[Wallet, dict[str, Decimal]] = field(default_factory=_none)
    margin_assets: Decimal = Decimal(0)
    margin_debt: Decimal = Decimal(0)
    um_profit: Decimal = Decimal(0)
    um_position_margin: Decimal = Decimal(0)
    um_order_margin: Decimal = Decimal(0)
    cm_profit: Decimal = Decimal(0)

    def value_usd(self, wallet: Wallet, worth: Worth) -> Decimal:
        """Value of a wallet in dollars."""
        held = self.wallets[wallet].items()
        return sum((amount * worth[asset] for asset, amount in held), Decimal(0))

    def free(self, wallet: Wallet, asset: str, worth: Worth) -> Decimal:
        """Amount of an asset that may leave a wallet: all but the margin of open positions and orders."""
        held = self.wallets[wallet].get(asset, Decimal(0))
        if wallet == "spot" or asset != next(iter(_SHARES[wallet])):
            return held
        needed = max(-self.cm_profit, Decimal(0))
        if wallet == "um":
            needed = self.um_position_margin + self.um_order_margin + max(-self.um_profit, Decimal(0))
        return max(held - needed / worth[asset], Decimal(0))

    def add(self, wallet: Wallet, asset: str, amount: Decimal) -> None:
        """Add an amount to a wallet, or subtract it if negative."""
        held = self.wallets[wallet]
        held[asset] = held.get(asset, Decimal(0)) + amount

    @property
    def empty(self) -> bool:
        """Whether all wallets are empty."""
        held = [amount for wallet in self.wallets.values() for amount in wallet.values()]
        return not any((*held, self.margin_assets, self.margin_debt))


def master_balances(worth: Worth) -> Balances:
    """The ample balances of the master account."""
    plenty = {asset: (_MASTER_DOLLARS / price).quantize(UNIT) for asset, price in worth.items()}
    return Balances(wallets={wallet: dict(plenty) for wallet in WALLETS})
