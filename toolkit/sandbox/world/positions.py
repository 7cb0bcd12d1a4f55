"""Open positions of sub-accounts, which follow from a quantity and the price at which they were opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from toolkit.sandbox.market.symbols import CM, UM, Market

Worth = Mapping[str, Decimal]
"""Dollars for one unit of each asset, at one moment."""

UNIT = Decimal("0.00000001")

_CM_CONTRACT_USD = {"BTC": 100}
_OTHER_CM_CONTRACT_USD = 10
_MAINTENANCE = 4  # the initial margin is so many times the maintenance margin

# What is traded throughout history.
_UM_HELD = tuple(each for each in UM if not each.listed_after and each.delisted_after is None)
_CHEAP = next(each for each in _UM_HELD if each.base == "DOGE")
_CM_HELD = next(each for each in CM if each.base == "BTC")


def in_units(amount: Decimal) -> Decimal:
    """The amount in whole units of 1e-8."""
    return amount.quantize(UNIT, ROUND_HALF_EVEN)


def contract_usd(market: Market) -> int:
    """Dollars of one COIN-M contract."""
    return _CM_CONTRACT_USD.get(market.base, _OTHER_CM_CONTRACT_USD)


@dataclass(frozen=True, slots=True)
class SubAccountPosition:
    """An open position.

    Attributes:
        market: Its symbol, on USD-M or COIN-M.
        quantity: Amount of the base asset, or number of COIN-M contracts; below zero if it is short.
        entry: The price at which it was opened.
        leverage: Its value is so many times its margin.
        opened_ms: When it was opened.
    """

    market: Market
    quantity: Decimal
    entry: Decimal
    leverage: int
    opened_ms: int

    @property
    def asset(self) -> str:
        """The asset of its margin and its profit."""
        return self.market.quote

    def mark(self, worth: Worth) -> Decimal:
        """Its mark price: what the base asset is worth in the quote asset, in dollars on COIN-M."""
        price = worth[self.market.base]
        return in_units(price if self.market.kind == "cm" else price / worth[self.market.quote])

    def notional(self, worth: Worth) -> Decimal:
        """Its value in its asset, below zero if it is short."""
        if self.market.kind == "cm":
            return in_units(self.quantity * contract_usd(self.market) / self.mark(worth))
        return in_units(self.quantity * self.mark(worth))

    def profit(self, worth: Worth) -> Decimal:
        """Its unrealized profit, in its asset."""
        if self.market.kind == "cm":
            value = self.quantity * contract_usd(self.market)
            return in_units(value / self.entry - value / self.mark(worth))
        return in_units(self.quantity * (self.mark(worth) - self.entry))

    def margin(self, worth: Worth) -> Decimal:
        """Its initial margin, in its asset."""
        return in_units(abs(self.notional(worth)) / self.leverage)

    def maintenance_margin(self, worth: Worth) -> Decimal:
        """Its maintenance margin, in its asset."""
        return in_units(self.margin(worth) / _MAINTENANCE)


def um_positions(
    value_usd: Decimal, draw: float, gain: Decimal, worth: Worth, opened_ms: int
) -> list[SubAccountPosition]:
    """Up to two positions in a wallet of this value.

    Args:
        value_usd: Dollars in the wallet.
        draw: A number from 0 to 1 that decides which ones.
        gain: Profit as a fraction of their value.
        worth: What the assets are worth when the profit is that.
        opened_ms: When they were opened.
    """
    notional = value_usd * Decimal(f"{0.1 + 0.3 * draw:.4f}")
    first, leverage = int(draw * 1000) % len(_UM_HELD), 2 + int(draw * 100) % 4
    chosen = (_UM_HELD[first], _UM_HELD[(first + 5) % len(_UM_HELD)])
    markets = {each if notional >= worth[each.base] * each.step else _CHEAP: None for each in chosen}
    made = []
    for index, market in enumerate(markets):
        sign = -1 if (int(draw * 10_000) + index) % 3 == 0 else 1
        quantity = sign * (notional / worth[market.base] // market.step) * market.step
        entry = (worth[market.base] / worth[market.quote] / (1 + sign * gain)).quantize(market.tick)
        if quantity:
            made.append(SubAccountPosition(market, quantity, entry, leverage, opened_ms))
    return made


def cm_positions(
    value_usd: Decimal, draw: float, gain: Decimal, worth: Worth, opened_ms: int
) -> list[SubAccountPosition]:
    """The position in a COIN-M wallet of this value, if it is worth a contract."""
    sign = -1 if int(draw * 1000) % 3 == 0 else 1
    quantity = sign * (value_usd * Decimal("0.4") // contract_usd(_CM_HELD))
    entry = (worth[_CM_HELD.base] / (1 + sign * gain)).quantize(_CM_HELD.tick)
    return [SubAccountPosition(_CM_HELD, quantity, entry, 2, opened_ms)] if quantity else []
