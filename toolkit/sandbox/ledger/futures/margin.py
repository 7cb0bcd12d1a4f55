"""Positions: what they are worth, and the margin that they need."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from toolkit.sandbox.hashing import Int64Array
from toolkit.sandbox.ledger.futures.columns import FuturesFills, FuturesOrders, Position
from toolkit.sandbox.ledger.futures.contracts import rounded
from toolkit.sandbox.market.history import MarketHistory
from toolkit.sandbox.market.symbols import UM
from toolkit.sandbox.market.values import values_at
from toolkit.sandbox.world.units import UNITS

_MAJOR = frozenset({"BTC", "ETH"})
_MAJOR_RATE, _RATE = 50, 100
_RATE_UNIT = 10_000


def maintenance_rate(market: int) -> int:
    """The maintenance margin of a market in hundredths of a percent of the position's value."""
    return _MAJOR_RATE if UM[market].base in _MAJOR else _RATE


def make_positions(
    history: MarketHistory,
    leverages: Int64Array,
    fills: FuturesFills,
    orders: FuturesOrders,
    *,
    at_ms: int,
    wallet: int | None,
) -> list[Position]:
    """The positions that fills have made until a time, and the markets with open orders.

    Args:
        history: The market.
        leverages: The leverage of each market.
        fills: All fills since the oldest open position was opened, at least.
        orders: The open orders.
        at_ms: The time.
        wallet: Balance of the wallet, for the liquidation prices.
    """
    made = []
    for market in range(len(UM)):
        ours, waiting = fills[fills.market == market], orders[orders.market == market]
        if len(waiting) or (len(ours) and ours.position[-1]):
            mark = int(values_at(history, UM[market], np.array([at_ms])).mark[0])
            made.append(_position(market, ours, waiting, mark, int(leverages[market])))
    if wallet is None:
        return made
    equity = wallet + sum(each.unrealized - each.maintenance_margin for each in made)
    return [replace(each, liquidation_price=_liquidation_price(each, equity)) for each in made]


def _position(market: int, fills: FuturesFills, orders: FuturesOrders, mark: int, leverage: int) -> Position:
    quantity, cost, fees, time = 0, 0, 0, 0
    if len(fills):
        quantity, cost, time = int(fills.position[-1]), int(fills.cost[-1]), int(fills.time[-1])
        fees = int(fills.fee[_opening(fills) :].sum())
    notional = rounded(quantity * mark, UNITS)
    values = [rounded(int(size - done) * int(price), UNITS) for size, done, price in zip(
        orders.quantity, orders.executed, orders.price, strict=True)]  # fmt: skip
    bids = sum(value for value, buyer in zip(values, orders.is_buyer, strict=True) if buyer)
    asks = sum(values) - bids
    return Position(
        market=market,
        quantity=quantity,
        entry_price=rounded(cost * UNITS, quantity) if quantity else 0,
        break_even_price=rounded((cost + fees) * UNITS, quantity) if quantity else 0,
        mark_price=mark,
        notional=notional,
        unrealized=notional - cost,
        liquidation_price=0,
        leverage=leverage,
        initial_margin=rounded(abs(notional), leverage),
        order_margin=rounded(max(bids, asks), leverage),
        maintenance_margin=rounded(abs(notional) * maintenance_rate(market), _RATE_UNIT),
        bid_notional=bids,
        ask_notional=asks,
        update_time=time if quantity else int(orders.time[-1]),
    )


def _opening(fills: FuturesFills) -> int:
    """The fill that opened the present position: the one after the last with none, or with the other side."""
    other = np.flatnonzero(np.sign(fills.position) != np.sign(fills.position[-1]))
    return int(other[-1]) + 1 if len(other) else 0


def _liquidation_price(position: Position, equity: int) -> int:
    """The mark price at which the maintenance margin is all that is left, if the others stay as they are."""
    if not position.quantity:
        return 0
    quantity, rate = position.quantity, maintenance_rate(position.market)
    own = position.unrealized - position.maintenance_margin
    left = position.notional - position.unrealized - (equity - own)  # its cost, less what covers it
    each = quantity * _RATE_UNIT - abs(quantity) * rate
    return max(rounded(left * UNITS * _RATE_UNIT, each), 0)
