"""Transfers made through the exchange, in addition to those of the world's history."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from toolkit.sandbox.world.balances import Wallet
from toolkit.sandbox.world.history import IDS_PER_HOUR, hour_of_client_id
from toolkit.sandbox.world.stream import HOUR
from toolkit.sandbox.world.tables import Row, Table

ACCOUNT_TYPES: Mapping[Wallet, str] = {"spot": "SPOT", "um": "USDT_FUTURE", "cm": "COIN_FUTURE"}

# Within an hour, the ids of history's transfers are below this.
_FIRST_ADDED = IDS_PER_HOUR // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """One transfer. A side is "" if it is the master account.

    Attributes:
        time: Milliseconds since 1970.
        source: Sub-account it came from.
        target: Sub-account it went to.
        source_wallet: Wallet it came from.
        target_wallet: Wallet it went to.
        asset: The asset.
        amount: The amount, as text.
        id: Its id.
        client_id: The client's own id, "" if none was sent.
    """

    time: int
    source: str
    target: str
    source_wallet: Wallet
    target_wallet: Wallet
    asset: str
    amount: str
    id: int
    client_id: str


class TransferTable:
    """A `Table` of history's transfers of one kind, and of those added.

    Args:
        history: The transfers of history.
        row: Returns the row of an added transfer.
        passes: Whether an added transfer matches the filters.
    """

    def __init__(
        self,
        history: Table,
        row: Callable[[Transfer], Row],
        passes: Callable[[Transfer, Mapping[str, str]], bool],
    ) -> None:
        self._history = history
        self._row = row
        self._passes = passes
        self._transfers: list[Transfer] = []
        self._client_ids: set[str] = set()

    def add(self, transfer: Transfer) -> None:
        """Add a transfer and reserve its client id."""
        insort(self._transfers, transfer, key=lambda each: each.time)
        self.reserve(transfer.client_id)

    @property
    def added(self) -> tuple[Transfer, ...]:
        """The transfers that were added, in ascending order of time."""
        return tuple(self._transfers)

    def reserve(self, client_id: str) -> None:
        """Reserve a client id."""
        self._client_ids.add(client_id)

    def has_client_id(self, client_id: str, filters: Mapping[str, str], now_ms: int) -> bool:
        """Whether a transfer has this client id. Those of history contain their hour."""
        if client_id in self._client_ids:
            return True
        hour = hour_of_client_id(client_id)
        if hour is None or hour * HOUR > now_ms:
            return False
        end = min(hour * HOUR + HOUR - 1, now_ms)
        return self._history.count(hour * HOUR, end, {**filters, "clientTranId": client_id}) > 0

    def count(self, start: int | None, end: int | None, filters: Mapping[str, str]) -> int:
        """Number of rows between two times (ms), both included."""
        return self._history.count(start, end, filters) + len(self._matching(start, end, filters))

    def slice(
        self, start: int | None, end: int | None, filters: Mapping[str, str], offset: int, limit: int
    ) -> list[Row]:
        """Up to `limit` of these rows from `offset` on, counted from the oldest."""
        transfers = self._matching(start, end, filters)
        # At most `len(transfers)` of the rows before `offset` were added, so history is read from `first` on.
        first = max(offset - len(transfers), 0)
        history = self._history.slice(start, end, filters, first, offset - first + limit)
        rows = [*history, *map(self._row, transfers)]
        rows.sort(key=_time_of)
        return rows[offset - first : offset - first + limit]

    def _matching(self, start: int | None, end: int | None, filters: Mapping[str, str]) -> list[Transfer]:
        return [
            transfer
            for transfer in self._transfers
            if (start is None or start <= transfer.time)
            and (end is None or transfer.time <= end)
            and self._passes(transfer, filters)
        ]


class TransferIds:
    """Generates transfer ids: they ascend with time and differ from those of history."""

    def __init__(self) -> None:
        self._made = 0

    def next(self, now_ms: int) -> int:
        """A new id."""
        self._made += 1
        return now_ms // HOUR * IDS_PER_HOUR + _FIRST_ADDED + self._made % _FIRST_ADDED


def spot_table(history: Table, master: str) -> TransferTable:
    """Transfers between spot wallets."""
    return TransferTable(history, _spot_row, lambda transfer, filters: _sides_pass(transfer, filters, master))


def universal_table(history: Table, master: str) -> TransferTable:
    """Transfers between any wallets."""
    return TransferTable(
        history, _universal_row, lambda transfer, filters: _sides_pass(transfer, filters, master)
    )


def futures_table(history: Table) -> TransferTable:
    """Transfers between futures wallets."""
    return TransferTable(history, _futures_row, _account_passes)


def _time_of(row: Row) -> int:
    time = row["time"]
    assert isinstance(time, int)  # noqa: S101 - for the type checker
    return time


def _client_passes(transfer: Transfer, filters: Mapping[str, str]) -> bool:
    return filters.get("clientTranId", transfer.client_id) == transfer.client_id


def _sides_pass(transfer: Transfer, filters: Mapping[str, str], master: str) -> bool:
    sides = (("fromId", transfer.source), ("toId", transfer.target))
    return _client_passes(transfer, filters) and all(
        filters.get(name, side or master) == (side or master) for name, side in sides
    )


def _account_passes(transfer: Transfer, filters: Mapping[str, str]) -> bool:
    market: Wallet = "um" if filters["futuresType"] == "1" else "cm"
    return (
        _client_passes(transfer, filters)
        and transfer.source_wallet == market
        and filters["subAccountId"] in (transfer.source, transfer.target)
    )


def _spot_row(transfer: Transfer) -> Row:
    return {
        "fromId": transfer.source,
        "toId": transfer.target,
        "asset": transfer.asset,
        "qty": transfer.amount,
        "time": transfer.time,
        "txnId": str(transfer.id),
        "clientTranId": transfer.client_id,
        "status": "SUCCESS",
    }


def _universal_row(transfer: Transfer) -> Row:
    # The master's side is omitted, as documented.
    sides: Row = {
        name: side for name, side in (("fromId", transfer.source), ("toId", transfer.target)) if side
    }
    return sides | {
        "asset": transfer.asset,
        "qty": transfer.amount,
        "time": transfer.time,
        "status": "SUCCESS",
        "txnId": str(transfer.id),
        "clientTranId": transfer.client_id,
        "fromAccountType": ACCOUNT_TYPES[transfer.source_wallet],
        "toAccountType": ACCOUNT_TYPES[transfer.target_wallet],
    }


def _futures_row(transfer: Transfer) -> Row:
    # The documents spell the sides in two ways, and so do these rows.
    brief = transfer.id % 2 == 0
    return {
        "from" if brief else "fromId": transfer.source,
        "to" if brief else "toId": transfer.target,
        "asset": transfer.asset,
        "qty": transfer.amount,
        "tranId": str(transfer.id),
        "clientTranId": transfer.client_id,
        "time": transfer.time,
    }
