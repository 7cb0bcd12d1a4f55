"""Changes of the futures wallet: each has a cause."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from toolkit.sandbox.hashing import Int64Array, hash_key, uniform
from toolkit.sandbox.ledger.futures.columns import INCOME_TYPES, IncomeRows, UmTransfers
from toolkit.sandbox.ledger.futures.trading import LAUNCH_MS, MOST_FILLS
from toolkit.sandbox.market.symbols import ASSETS
from toolkit.sandbox.world.rates import KICKBACK
from toolkit.sandbox.world.stream import DAY, HOUR
from toolkit.sandbox.world.units import UNITS

if TYPE_CHECKING:
    from toolkit.sandbox.ledger.futures.account import FuturesTrading

Bookings = Callable[[int, int], Int64Array]
"""The rebates that a partner is booked in each hour of some days (since 1970), in USDT."""

_USDT = ASSETS.index("USDT")
_BOOKED_WITHIN_MS = 300_000
_BONUS_CHANCE, _REFERRAL_CHANCE = 0.03, 0.5  # for each day
_PER_TIME = 1024  # ids of one millisecond


class IncomeOf:
    """Makes the income of an account.

    Args:
        account: The account.
        transfers: Its transfers.
        further: Kinds of income that do not follow from the trading alone.
        bookings: The rebates that a partner is booked, if they are among these.
    """

    def __init__(
        self,
        account: FuturesTrading,
        transfers: Callable[[int, int], UmTransfers],
        further: frozenset[str],
        bookings: Bookings | None,
    ) -> None:
        self._account = account
        self._transfers = transfers
        self._key = hash_key("income of", account.owner, account.seed)
        self._settled_in = account.contracts.settled_in
        self._makers: dict[str, Callable[[int, int], IncomeRows]] = {
            "TRANSFER": self._moved,
            "REALIZED_PNL": self._realized,
            "FUNDING_FEE": self._funding,
            "COMMISSION": self._commission,
            "INSURANCE_CLEAR": self._clearance,
        }
        others: dict[str, Callable[[int, int], IncomeRows]] = {
            "WELCOME_BONUS": self._bonus,
            "REFERRAL_KICKBACK": self._kickback,
            "COMMISSION_REBATE": self._referral,
        }
        if bookings is not None:
            others["API_REBATE"] = partial(self._booked, bookings)
        self._makers |= {kind: others[kind] for kind in sorted(further)}

    def rows(self, start_ms: int, end_ms: int, kinds: frozenset[str] | None) -> IncomeRows:
        """The rows of a span (ms), both ends included, of all kinds or of some."""
        made = [
            maker(start_ms, end_ms)
            for kind, maker in self._makers.items()
            if (kinds is None or kind in kinds) and start_ms <= end_ms
        ]
        rows = IncomeRows.joined(IncomeRows.empty(), *made)
        rows = rows[(start_ms <= rows.time) & (rows.time <= end_ms) & (rows.income != 0)]
        return rows[np.lexsort((rows.tran_id, rows.kind, rows.time))]

    def _moved(self, start_ms: int, end_ms: int) -> IncomeRows:
        moved = self._transfers(start_ms, end_ms)
        return _rows("TRANSFER", moved.time, moved.amount, asset=moved.asset, tran_id=moved.id)

    def _realized(self, start_ms: int, end_ms: int) -> IncomeRows:
        fills = self._account.fills(start_ms, end_ms)
        return _rows(
            "REALIZED_PNL",
            fills.time,
            fills.realized,
            market=fills.market,
            asset=self._settled_in[fills.market],
            trade_id=fills.id,
        )

    def _commission(self, start_ms: int, end_ms: int) -> IncomeRows:
        fills = self._account.fills(start_ms, end_ms)
        return _rows(
            "COMMISSION",
            fills.time,
            -fills.commission,
            market=fills.market,
            asset=fills.commission_asset,
            trade_id=fills.id,
        )

    def _clearance(self, start_ms: int, end_ms: int) -> IncomeRows:
        fills = self._account.fills(start_ms, end_ms)
        return _rows(
            "INSURANCE_CLEAR",
            fills.time,
            -fills.clearance,
            market=fills.market,
            asset=self._settled_in[fills.market],
        )

    def _funding(self, start_ms: int, end_ms: int) -> IncomeRows:
        paid = self._account.funding(start_ms, end_ms)
        return _rows(
            "FUNDING_FEE",
            paid.time,
            paid.amount,
            market=paid.market,
            asset=self._settled_in[paid.market],
        )

    def _booked(self, bookings: Bookings, start_ms: int, end_ms: int) -> IncomeRows:
        first, last = start_ms // DAY, end_ms // DAY
        hours = np.arange(first * 24, (last + 1) * 24, dtype=np.int64)
        times = hours * HOUR + self._within("booked", hours, _BOOKED_WITHIN_MS)
        return _rows("API_REBATE", times, bookings(first, last))

    def _kickback(self, start_ms: int, end_ms: int) -> IncomeRows:
        """The account's own share of the commissions of the day before."""
        first, last = start_ms // DAY, end_ms // DAY
        days = np.arange(first, last + 1, dtype=np.int64)
        fills = self._account.fills((first - 1) * DAY, last * DAY - 1)
        sums = np.zeros((len(days), len(ASSETS)), dtype=np.int64)
        np.add.at(sums, (fills.time // DAY - first + 1, fills.commission_asset), fills.commission)
        day, asset = np.nonzero(sums)
        times = (days * DAY + self._within("kickback", days, 6 * HOUR))[day]
        return _rows("REFERRAL_KICKBACK", times, sums[day, asset] * KICKBACK // 100, asset=asset)

    def _referral(self, start_ms: int, end_ms: int) -> IncomeRows:
        return self._now_and_then("COMMISSION_REBATE", start_ms, end_ms, _REFERRAL_CHANCE, 0.05)

    def _bonus(self, start_ms: int, end_ms: int) -> IncomeRows:
        return self._now_and_then("WELCOME_BONUS", start_ms, end_ms, _BONUS_CHANCE, 3.0)

    def _now_and_then(self, kind: str, start_ms: int, end_ms: int, chance: float, least: float) -> IncomeRows:
        """Once on some days, from others: `least` to sixteen times that, in USDT."""
        days = np.arange(start_ms // DAY, end_ms // DAY + 1, dtype=np.int64)
        days = days[uniform(hash_key(self._key, kind, "happens"), days) < chance]
        dollars = least * 16 ** uniform(hash_key(self._key, kind, "amount"), days)
        cents = np.rint(dollars * 100).astype(np.int64)
        return _rows(kind, days * DAY + self._within(kind, days, DAY), cents * (UNITS // 100))

    def _within(self, label: str, numbers: Int64Array, span_ms: int) -> Int64Array:
        offsets: Int64Array = (uniform(hash_key(self._key, label, "time"), numbers) * span_ms).astype(
            np.int64
        )
        return offsets


def _rows(
    kind: str,
    time: Int64Array,
    income: Int64Array,
    *,
    market: Int64Array | None = None,
    asset: Int64Array | None = None,
    trade_id: Int64Array | None = None,
    tran_id: Int64Array | None = None,
) -> IncomeRows:
    whole = np.zeros(len(time), dtype=np.int64)
    market = whole - 1 if market is None else market
    if tran_id is None:
        # The profit and the commission of a fill have the same id: it is unique within a type alone.
        same = whole if trade_id is None else trade_id % (MOST_FILLS + 1)
        tran_id = (time - LAUNCH_MS) * _PER_TIME + (market + 1) * (MOST_FILLS + 1) + same
    return IncomeRows(
        time=time,
        kind=whole + INCOME_TYPES.index(kind),
        market=market,
        asset=whole + _USDT if asset is None else asset,
        income=income,
        tran_id=tran_id,
        trade_id=whole if trade_id is None else trade_id,
    )
