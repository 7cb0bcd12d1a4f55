"""Transfers that are made through the exchange, beside those of the world's history."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from toolkit.sandbox.world.balances import Wallet
from toolkit.sandbox.world.money import TXN, hour_of_client_id
from toolkit.sandbox.world.stream import HOUR
from toolkit.sandbox.world.tables import Row, Table

ACCOUNT_TYPES: Mapping[Wallet, str] = {"spot": "SPOT", "um": "USDT_FUTURE", "cm": "COIN_FUTURE"}

# Numbers of the world's own transfers stay below this within an hour.
_OURS = TXN // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One transfer. A side is "" where it is the master account.

    Attributes:
        time: Milliseconds.
        source: Sub-account it left.
        target: Sub-account it went to.
        source_wallet: Wallet it left.
        target_wallet: Wallet it went to.
        asset: What was moved.
        amount: How much, as it goes over the wire.
        txn: Its number.
        client: The client's own id of it, "" where none was sent.
    """

    time: int
    source: str
    target: str
    source_wallet: Wallet
    target_wallet: Wallet
    asset: str
    amount: str
    txn: int
    client: str


class MoveTable:
    """A `Table` of the world's transfers of one kind and of those that were added to them.

    Args:
        history: The world's transfers.
        row: An added one as it goes over the wire.
        passes: Whether an added one passes the filters.
    """

    def __init__(
        self,
        history: Table,
        row: Callable[[Move], Row],
        passes: Callable[[Move, Mapping[str, str]], bool],
    ) -> None:
        self._history = history
        self._row = row
        self._passes = passes
        self._moves: list[Move] = []
        self._client_ids: set[str] = set()

    def add(self, move: Move) -> None:
        """One more; its client id is taken then."""
        insort(self._moves, move, key=lambda each: each.time)
        self.reserve(move.client)

    def reserve(self, client_id: str) -> None:
        """No other transfer gets this client id."""
        self._client_ids.add(client_id)

    def knows(self, client_id: str, filters: Mapping[str, str], now_ms: int) -> bool:
        """Whether a transfer has this client id. The ids of history tell their hour."""
        if client_id in self._client_ids:
            return True
        hour = hour_of_client_id(client_id)
        if hour is None or hour * HOUR > now_ms:
            return False
        end = min(hour * HOUR + HOUR - 1, now_ms)
        return self._history.count(hour * HOUR, end, {**filters, "clientTranId": client_id}) > 0

    def count(self, start: int | None, end: int | None, filters: Mapping[str, str]) -> int:
        """How many rows there are between two times (ms), both included."""
        return self._history.count(start, end, filters) + len(self._chosen(start, end, filters))

    def slice(
        self, start: int | None, end: int | None, filters: Mapping[str, str], offset: int, limit: int
    ) -> list[Row]:
        """Some of these rows, counted from the oldest."""
        moves = self._chosen(start, end, filters)
        # At most this many of the rows before `offset` are added ones: history begins no earlier.
        first = max(offset - len(moves), 0)
        history = self._history.slice(start, end, filters, first, offset - first + limit)
        rows = [*history, *map(self._row, moves)]
        rows.sort(key=_time_of)
        return rows[offset - first : offset - first + limit]

    def _chosen(self, start: int | None, end: int | None, filters: Mapping[str, str]) -> list[Move]:
        return [
            move
            for move in self._moves
            if (start is None or start <= move.time)
            and (end is None or move.time <= end)
            and self._passes(move, filters)
        ]


class Numbers:
    """Numbers of transfers: they ascend with time, and none of the world's own has the same."""

    def __init__(self) -> None:
        self._made = 0

    def next(self, now_ms: int) -> int:
        """One that was not given before."""
        self._made += 1
        return now_ms // HOUR * TXN + _OURS + self._made % _OURS


def spot_table(history: Table, master: str) -> MoveTable:
    """Transfers between spot wallets."""
    return MoveTable(history, _spot_row, lambda move, filters: _sides_pass(move, filters, master))


def universal_table(history: Table, master: str) -> MoveTable:
    """Transfers between any wallets."""
    return MoveTable(history, _universal_row, lambda move, filters: _sides_pass(move, filters, master))


def futures_table(history: Table) -> MoveTable:
    """Transfers between futures wallets."""
    return MoveTable(history, _futures_row, _account_passes)


def _time_of(row: Row) -> int:
    time = row["time"]
    assert isinstance(time, int)  # noqa: S101 - for the type checker
    return time


def _client_passes(move: Move, filters: Mapping[str, str]) -> bool:
    return filters.get("clientTranId", move.client) == move.client


def _sides_pass(move: Move, filters: Mapping[str, str], master: str) -> bool:
    sides = (("fromId", move.source), ("toId", move.target))
    return _client_passes(move, filters) and all(
        filters.get(name, side or master) == (side or master) for name, side in sides
    )


def _account_passes(move: Move, filters: Mapping[str, str]) -> bool:
    market: Wallet = "um" if filters["futuresType"] == "1" else "cm"
    return (
        _client_passes(move, filters)
        and move.source_wallet == market
        and filters["subAccountId"] in (move.source, move.target)
    )


def _spot_row(move: Move) -> Row:
    return {
        "fromId": move.source,
        "toId": move.target,
        "asset": move.asset,
        "qty": move.amount,
        "time": move.time,
        "txnId": str(move.txn),
        "clientTranId": move.client,
        "status": "SUCCESS",
    }


def _universal_row(move: Move) -> Row:
    # The master's side is left out, as documented.
    sides: Row = {name: side for name, side in (("fromId", move.source), ("toId", move.target)) if side}
    return sides | {
        "asset": move.asset,
        "qty": move.amount,
        "time": move.time,
        "status": "SUCCESS",
        "txnId": str(move.txn),
        "clientTranId": move.client,
        "fromAccountType": ACCOUNT_TYPES[move.source_wallet],
        "toAccountType": ACCOUNT_TYPES[move.target_wallet],
    }


def _futures_row(move: Move) -> Row:
    # The documents spell the sides in two ways, and so do these rows.
    brief = move.txn % 2 == 0
    return {
        "from" if brief else "fromId": move.source,
        "to" if brief else "toId": move.target,
        "asset": move.asset,
        "qty": move.amount,
        "tranId": str(move.txn),
        "clientTranId": move.client,
        "time": move.time,
    }
