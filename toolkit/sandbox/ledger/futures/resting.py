"""Limit orders far from the market, which are cancelled after some hours without a fill."""

from __future__ import annotations

import numpy as np

from toolkit.sandbox.hashing import Int64Array, hash_key, uniform
from toolkit.sandbox.ledger.futures.contracts import Contracts
from toolkit.sandbox.ledger.futures.plan import PART_MS
from toolkit.sandbox.ledger.futures.prices import FillPrices
from toolkit.sandbox.ledger.futures.trading import PlacedOrders, order_ids, usual_size
from toolkit.sandbox.market.calendar import DAY_MS, HOUR_MS, TradingHours
from toolkit.sandbox.market.history import MarketHistory

LONGEST_MS = 60 * HOUR_MS
"""The longest time that such an order is open."""

_BUSY_WEIGHT = 5.0
_BUSY_CHANCE, _CHANCE = 0.22, 0.07  # for each market and day
_NEAREST, _FARTHEST = 0.03, 0.11
_DISTANCE_KEPT = 0.012  # from the market, at every hour
_FOREVER = 2**62


class RestingOrders:
    """Makes the orders of an account that are never filled, in parts.

    Args:
        history: The market.
        owner: Whose they are.
        contracts: The futures.
        opened_ms: None is placed before.
        traded: Only so many of the futures are traded.
    """

    def __init__(
        self, history: MarketHistory, owner: str, contracts: Contracts, opened_ms: int, traded: int
    ) -> None:
        markets = contracts.markets
        self._keys = {
            label: hash_key(history.seed, "resting orders of", owner, label)
            for label in ("happens", "begin", "life", "side", "distance", "size")
        }
        self._id_key = hash_key(history.seed, "resting order ids", owner)
        self._prices = FillPrices(history, markets)
        self._chance = np.array(
            [_BUSY_CHANCE if each.weight >= _BUSY_WEIGHT else _CHANCE for each in markets]
        )
        self._chance[traded:] = 0
        self._tick, self._step = contracts.ticks, contracts.steps
        hours = [history.hours(each) for each in markets]
        self._from = np.array([max(each.listed_ms, opened_ms) for each in hours])
        self._until = np.array([each.delisted_ms or _FOREVER for each in hours])
        self._hours: TradingHours = hours[0]

    def make(self, part: int) -> PlacedOrders:
        """The orders that are placed within a part, oldest first."""
        market, day = (
            each.ravel()
            for each in np.meshgrid(
                np.arange(len(self._chance)),
                np.arange(part * PART_MS // DAY_MS, (part + 1) * PART_MS // DAY_MS),
                indexing="ij",
            )
        )
        draws = {label: uniform(key, market, day) for label, key in self._keys.items()}
        placed = day * DAY_MS + (draws["begin"] * DAY_MS).astype(np.int64)
        done = placed + (LONGEST_MS * (0.02 + 0.98 * draws["life"])).astype(np.int64)
        closed, reopened = self._hours.maintenance
        chosen = (
            (draws["happens"] < self._chance[market])
            & (placed >= self._from[market])
            & (done < self._until[market])
            & ((done < closed) | (placed >= reopened))
        )
        market, placed, done = market[chosen], placed[chosen], done[chosen]
        draws = {label: numbers[chosen] for label, numbers in draws.items()}
        ticks = self._prices.at(market, placed)
        buyer = draws["side"] < 0.5
        away = _NEAREST + (_FARTHEST - _NEAREST) * draws["distance"]
        limit = np.rint(ticks * np.where(buyer, 1 - away, 1 + away)).astype(np.int64)
        size = usual_size(draws["size"], limit * self._tick[market], self._step[market])
        false = np.zeros(len(market), dtype=np.int64)
        orders = PlacedOrders(
            time=placed,
            done=done,
            first_fill=done,
            market=market,
            id=order_ids(self._id_key, market, placed),
            buyer=buyer.astype(np.int64),
            limit=false + 1,
            reduce_only=false,
            price=limit * self._tick[market],
            quantity=size * self._step[market],
            filled=false,
        )
        return orders[self._kept_away(orders, limit)] if len(orders) else orders

    def _kept_away(self, orders: PlacedOrders, limit: Int64Array) -> Int64Array:
        """The orders whose limits, in ticks, the market stays away from, by time."""
        market, placed, done = orders.market, orders.time, orders.done
        hours = (done - placed) // HOUR_MS + 2
        row = np.repeat(np.arange(len(market)), hours)
        first = np.repeat(np.cumsum(hours) - hours, hours)
        times = np.minimum(placed[row] + (np.arange(len(row)) - first) * HOUR_MS, done[row])
        distance = self._prices.at(market[row], times) / limit[row] - 1
        near = np.where(orders.buyer[row] == 1, distance, -distance) < _DISTANCE_KEPT
        reached = np.zeros(len(market), dtype=np.bool_)
        reached[row[near]] = True
        kept = np.flatnonzero(~reached)
        return kept[np.argsort(placed[kept], kind="stable")]
