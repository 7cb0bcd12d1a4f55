"""History of transfers between wallets, and of deposits."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from toolkit.sandbox.hashing import BoolArray, Int64Array, weighted_choice
from toolkit.sandbox.market.prices import Prices
from toolkit.sandbox.market.symbols import ASSETS
from toolkit.sandbox.world.balances import Wallet
from toolkit.sandbox.world.owners import Owners
from toolkit.sandbox.world.stream import HOUR, Block
from toolkit.sandbox.world.tables import Row, Table, is_false
from toolkit.sandbox.world.units import UNITS, amounts

TRAVEL_RULE_SINCE = 1_740_528_000_000  # 2025-02-26
MASTER = -1
STATES = ("INIT", "PROCESS", "SUCCESS", "FAILURE")
_STATE_WEIGHTS = (0.01, 0.02, 0.94, 0.03)
_SUCCESS, _FAILURE = STATES.index("SUCCESS"), STATES.index("FAILURE")
_ACCOUNT_TYPES = {"spot": "SPOT", "um": "USDT_FUTURE", "cm": "COIN_FUTURE", "margin": "MARGIN"}
# Mostly from spot to futures, or back.
_ROUTES = (("spot", "um"), ("um", "spot"), ("spot", "cm"), ("spot", "margin"), ("margin", "spot"))
MASTER_WALLETS = ("spot", "um", "cm", "margin")
_ROUTE_INDICES = np.array([[MASTER_WALLETS.index(wallet) for wallet in route] for route in _ROUTES])
_ROUTE_WEIGHTS = (0.45, 0.3, 0.1, 0.1, 0.05)
_COINS = ("USDT", "BTC", "ETH", "BNB", "SOL", "FDUSD", "XRP")
_COIN_INDICES = np.array([ASSETS.index(coin) for coin in _COINS])
_COIN_WEIGHTS = (50.0, 14.0, 12.0, 6.0, 6.0, 8.0, 4.0)
_NETWORKS = {"USDT": ("TRX", "ETH", "BSC"), "BTC": ("BTC",), "ETH": ("ETH", "ARBITRUM"), "BNB": ("BSC",)}
_CLIENT_ID = re.compile(r"sbx([0-9a-f]+)x([0-9a-f]+)\Z")
IDS_PER_HOUR = 1_000_000  # transfer ids in an hour
LAST_HOUR = 10**9  # the latest hour whose milliseconds fit into 64 bits
_DEPOSIT_STATES = (0, 6, 1)
_CONFIRMATIONS = {"BTC": 2, "ETH": 12, "TRX": 20, "BSC": 15, "ARBITRUM": 12}


def hour_of_client_id(text: str) -> int | None:
    """The hour of the transfer with this client id, if it is one of history's: those contain it."""
    found = _CLIENT_ID.match(text)
    hour = int(found[1], 16) if found else None
    return hour if hour is not None and hour < LAST_HOUR else None


@dataclass(frozen=True, slots=True)
class MovedByMaster:
    """Transfers that moved something into or out of a wallet of the master account, as columns.

    Attributes:
        time: When, in milliseconds.
        id: Id of the transfer.
        wallet: Index in `MASTER_WALLETS`.
        asset: Index of the asset.
        units: The amount in units of 1e-8, negative if the master sent it.
    """

    time: Int64Array
    id: Int64Array
    wallet: Int64Array
    asset: Int64Array
    units: Int64Array


class TransferGenerator:
    """Base of transfer generators: two sides, of which one may be the master account."""

    # Ids of one generator are unique, and those of another begin elsewhere.
    first_id = 0
    # Fractions of transfers from the master account, and to it.
    sent_by_master, received_by_master = 0.5, 0.35

    def __init__(self, ids: Sequence[str], joined: Sequence[int], master: str, prices: Prices) -> None:
        self._prices = prices
        self._ids = list(ids)
        self._indices = {each: index for index, each in enumerate(ids)}
        self._joined = np.array(joined, dtype=np.int64)
        self._owners = Owners(joined)
        self._indices[master] = MASTER

    def sides(self, block: Block) -> tuple[Int64Array, Int64Array]:
        """Source and target of each transfer."""
        one = self._owners.of(block)
        there = np.maximum(np.searchsorted(self._joined, block.time, side="right"), 1)
        other = (one + 1 + (block.by_row("other") * 17).astype(np.int64)) % there
        way = block.by_row("way")
        # No account sends to itself: if there is no other account, the master is the other side.
        is_alone = other == one
        by_or_to_master = self.sent_by_master + self.received_by_master
        sent = way < np.where(is_alone, self.sent_by_master / by_or_to_master, self.sent_by_master)
        received = is_alone | (way < by_or_to_master)
        source = np.where(sent, MASTER, one)
        target = np.where(sent, one, np.where(received, MASTER, other))
        return source, target

    def moved_by_master(self, block: Block) -> MovedByMaster:
        """What moved the balances of the master account: those that succeeded, with it on either side."""
        source, target = self.sides(block)
        rows = np.flatnonzero(((source == MASTER) | (target == MASTER)) & self.succeeded(block))
        block, sends = block.take(rows), source[rows] == MASTER
        sent_from, sent_to = self.wallets(block)
        asset, units = _amount_units(block, self._prices)
        return MovedByMaster(
            block.time,
            self.first_id + _txn(block),
            np.where(sends, sent_from, sent_to),
            asset,
            np.where(sends, -units, units),
        )

    def succeeded(self, block: Block) -> BoolArray:
        """Whether each transfer succeeded."""
        raise NotImplementedError

    def wallets(self, block: Block) -> tuple[Int64Array, Int64Array]:
        """Source and target of each transfer, as indices in `MASTER_WALLETS`."""
        raise NotImplementedError

    def _client_mask(self, block: Block, text: str) -> BoolArray:
        found = _CLIENT_ID.match(text)
        if found is None:
            return np.zeros(len(block), dtype=np.bool_)
        hour, index = (min(int(part, 16), LAST_HOUR) for part in found.groups())
        passes: BoolArray = (block.hour == hour) & (block.index == index) & _has_client_id(block)
        return passes

    def _name(self, index: int) -> str:
        return "" if index == MASTER else self._ids[index]


class Transfers(TransferGenerator):
    """Transfers between spot wallets, or between any wallets.

    Args:
        ids: The sub-accounts, in the order they were created.
        joined: Creation time of each.
        master: Id of the master account.
        prices: What the assets are worth.
        wallets: Whether rows name the wallets; they then omit the master's id, as documented.
    """

    def __init__(
        self,
        ids: Sequence[str],
        joined: Sequence[int],
        master: str,
        prices: Prices,
        *,
        wallets: bool = False,
    ) -> None:
        super().__init__(ids, joined, master, prices)
        self._wallets = wallets

    def succeeded(self, block: Block) -> BoolArray:
        """Whether each transfer succeeded."""
        succeeded: BoolArray = _states(block) == _SUCCESS
        return succeeded

    def wallets(self, block: Block) -> tuple[Int64Array, Int64Array]:
        """Source and target of each transfer, as indices in `MASTER_WALLETS`."""
        if not self._wallets:
            spot = np.zeros(len(block), dtype=np.int64)
            return spot, spot
        routes = _routes(block)
        return _ROUTE_INDICES[routes, 0], _ROUTE_INDICES[routes, 1]

    def accepts_all(self, filters: Mapping[str, str]) -> bool:
        """Whether every row matches these filters."""
        return False

    def mask(self, block: Block, filters: Mapping[str, str]) -> BoolArray:
        """The rows with these two sides, this client id, and a status that is to be shown."""
        passes: BoolArray = np.ones(len(block), dtype=np.bool_)
        for side, name in zip(self.sides(block), ("fromId", "toId"), strict=True):
            if name in filters:
                passes &= side == self._indices.get(filters[name], MASTER - 1)
        if "clientTranId" in filters:
            passes &= self._client_mask(block, filters["clientTranId"])
        if is_false(filters.get("showAllStatus", "false")):
            passes &= _states(block) != _FAILURE
        return passes

    def rows(self, block: Block) -> list[Row]:
        """The rows, as sent."""
        source, target = self.sides(block)
        empty = block.by_row("empty") < 0.5
        columns = zip(
            source.tolist(),
            target.tolist(),
            *_amounts(block, self._prices),
            block.time.tolist(),
            _txn(block).tolist(),
            _client_ids(block),
            _states(block).tolist(),
            empty.tolist(),
            [_ROUTES[index] for index in _routes(block).tolist()],
            strict=True,
        )
        return [self._row(row) for row in columns]

    def _row(self, cells: tuple[int, int, str, str, int, int, str, int, bool, tuple[str, str]]) -> Row:
        source, target, asset, qty, time, txn, client, state, empty, route = cells
        row: Row = {}
        for name, side in (("fromId", source), ("toId", target)):
            # The master's side, as documented: missing here, missing or empty there.
            if side != MASTER or (empty and not self._wallets):
                row[name] = self._name(side)
        row |= {"asset": asset, "qty": qty, "time": time}
        names: Row = {"txnId": str(txn), "clientTranId": client}
        if not self._wallets:
            return row | names | {"status": STATES[state]}
        wallets: Row = {
            "fromAccountType": _ACCOUNT_TYPES[route[0]],
            "toAccountType": _ACCOUNT_TYPES[route[1]],
        }
        return row | {"status": STATES[state]} | names | wallets


class FuturesTransfers(TransferGenerator):
    """Transfers between futures wallets. The documents spell the sides in two ways, and so do these rows.

    Args:
        ids: The sub-accounts, in the order they were created.
        joined: Creation time of each.
        master: Id of the master account.
        prices: What the assets are worth.
        wallet: The wallet of both sides.
    """

    first_id = 10**13
    # They are many, and each that the master has a part in is a row of its income.
    sent_by_master, received_by_master = 0.02, 0.02

    def __init__(
        self, ids: Sequence[str], joined: Sequence[int], master: str, prices: Prices, wallet: Wallet
    ) -> None:
        super().__init__(ids, joined, master, prices)
        self._wallet = MASTER_WALLETS.index(wallet)

    def succeeded(self, block: Block) -> BoolArray:
        """Whether each transfer succeeded: there are no others."""
        return np.ones(len(block), dtype=np.bool_)

    def wallets(self, block: Block) -> tuple[Int64Array, Int64Array]:
        """Source and target of each transfer, as indices in `MASTER_WALLETS`."""
        wallet = np.full(len(block), self._wallet)
        return wallet, wallet

    def accepts_all(self, filters: Mapping[str, str]) -> bool:
        """Whether every row matches these filters."""
        return False

    def mask(self, block: Block, filters: Mapping[str, str]) -> BoolArray:
        """The rows with this client id and the sub-account on either side."""
        source, target = self.sides(block)
        passes: BoolArray = np.ones(len(block), dtype=np.bool_)
        if "subAccountId" in filters:
            wanted = self._indices.get(filters["subAccountId"], MASTER - 1)
            passes &= (source == wanted) | (target == wanted)
        if "clientTranId" in filters:
            passes &= self._client_mask(block, filters["clientTranId"])
        return passes

    def rows(self, block: Block) -> list[Row]:
        """The rows, as sent."""
        source, target = self.sides(block)
        short = (block.by_row("spelling") < 0.5).tolist()
        columns = zip(
            source.tolist(),
            target.tolist(),
            *_amounts(block, self._prices),
            block.time.tolist(),
            (self.first_id + _txn(block)).tolist(),
            _client_ids(block),
            short,
            strict=True,
        )
        return [
            {
                "from" if brief else "fromId": self._name(one),
                "to" if brief else "toId": self._name(other),
                "asset": asset,
                "qty": qty,
                "tranId": str(txn),
                "clientTranId": client,
                "time": time,
            }
            for one, other, asset, qty, time, txn, client, brief in columns
        ]


class Deposits:
    """Deposits into sub-accounts."""

    FIRST_ID = 1_000_000_000_000

    def __init__(self, ids: Sequence[str], joined: Sequence[int], prices: Prices) -> None:
        self._ids = list(ids)
        self._owners = Owners(joined)
        self._prices = prices

    def accepts_all(self, filters: Mapping[str, str]) -> bool:
        """Whether every row matches these filters."""
        return not filters.keys() & {"subAccountId", "coin", "status", "depositId"}

    def mask(self, block: Block, filters: Mapping[str, str]) -> BoolArray:
        """The rows of this sub-account, coin, status and id."""
        passes: BoolArray = np.ones(len(block), dtype=np.bool_)
        if "subAccountId" in filters:
            name = filters["subAccountId"]
            wanted = self._ids.index(name) if name in self._ids else -1
            passes &= self._owners.of(block) == wanted
        if "coin" in filters:
            coin = filters["coin"]
            passes &= _coins(block) == (_COINS.index(coin) if coin in _COINS else -1)
        if "status" in filters:
            passes &= self._states(block) == int(filters["status"])
        if "depositId" in filters:
            passes &= self._numbers(block) == int(filters["depositId"])
        return passes

    @classmethod
    def hour_of(cls, deposit_id: str) -> int:
        """The hour of a deposit, which its id contains."""
        return (int(deposit_id) - cls.FIRST_ID) // IDS_PER_HOUR

    def rows(self, block: Block) -> list[Row]:
        """The rows, as sent."""
        columns = zip(
            self._numbers(block).tolist(),
            self._owners.of(block).tolist(),
            *_amounts(block, self._prices),
            block.time.tolist(),
            block.bits("address").tolist(),
            block.bits("tx").tolist(),
            block.by_row("inside").tolist(),
            self._states(block).tolist(),
            strict=True,
        )
        return [self._row(row) for row in columns]

    def _row(self, cells: tuple[int, int, str, str, int, int, int, float, int]) -> Row:
        number, who, coin, amount, time, address, tx, inside, state = cells
        internal = inside < 0.15
        networks = _NETWORKS.get(coin, (coin,))
        network = networks[address % len(networks)]
        needed = _CONFIRMATIONS.get(network, 1)
        row: Row = {
            "depositId": number,
            "subAccountId": self._ids[who],
            "address": f"0x{address:016x}{tx:016x}{address >> 32:08x}",
            "addressTag": str(address % 10**9) if coin == "XRP" else "",
            "amount": amount,
            "coin": coin,
            "insertTime": time,
            "transferType": int(internal),
            "network": network,
            "status": state,
            "txId": f"Off-chain transfer {tx:016x}{address:016x}"
            if internal
            else f"0x{tx:016x}{address:016x}{address ^ tx:016x}{tx >> 1:016x}",
            "sourceAddress": f"0x{tx >> 8:014x}{address:016x}{tx & 0xFFFFFFFFFF:010x}",
            "confirmTimes": f"{needed if state else needed // 2}/{needed}",
            "selfReturnStatus": 0,
        }
        # One of the two documented responses has no source address.
        if inside > 0.92:
            del row["sourceAddress"]
        if time >= TRAVEL_RULE_SINCE:
            row["travelRuleStatus"] = int(state == 6)
        return row

    def _numbers(self, block: Block) -> Int64Array:
        return self.FIRST_ID + block.hour * IDS_PER_HOUR + block.index

    @staticmethod
    def _states(block: Block) -> Int64Array:
        return np.array(_DEPOSIT_STATES)[weighted_choice(block.by_row("state"), (0.02, 0.03, 0.95))]


def _coins(block: Block) -> Int64Array:
    return weighted_choice(block.by_row("coin"), _COIN_WEIGHTS)


def _amount_units(block: Block, prices: Prices) -> tuple[Int64Array, Int64Array]:
    """Asset (its index) and amount (in units of 1e-8) of each row."""
    assets = _COIN_INDICES[_coins(block)]
    worth = prices.usd_of(assets, block.time)
    return assets, np.floor(25.0 * np.exp(6.5 * block.by_row("amount")) / worth * UNITS).astype(np.int64)


def _amounts(block: Block, prices: Prices) -> tuple[list[str], list[str]]:
    assets, units = _amount_units(block, prices)
    return [ASSETS[index] for index in assets.tolist()], amounts(units)


def _states(block: Block) -> Int64Array:
    return weighted_choice(block.by_row("state"), _STATE_WEIGHTS)


def _txn(block: Block) -> Int64Array:
    return block.hour * IDS_PER_HOUR + block.index


def _has_client_id(block: Block) -> BoolArray:
    has: BoolArray = block.by_row("client") < 0.6
    return has


def _client_ids(block: Block) -> list[str]:
    columns = zip(_has_client_id(block).tolist(), block.hour.tolist(), block.index.tolist(), strict=True)
    return [f"sbx{hour:x}x{index:x}" if has else "" for has, hour, index in columns]


def _routes(block: Block) -> Int64Array:
    """The wallets of each transfer, as indices of `_ROUTES`."""
    return weighted_choice(block.by_row("wallets"), _ROUTE_WEIGHTS)


class OneDeposit:
    """Deposits by id: the id contains the hour, so no search is needed."""

    def __init__(self, deposits: Table) -> None:
        self._deposits = deposits

    def count(self, start: int | None, end: int | None, filters: Mapping[str, str]) -> int:
        """One or none."""
        return self._deposits.count(*self._hour(end, filters), filters)

    def slice(
        self, start: int | None, end: int | None, filters: Mapping[str, str], offset: int, limit: int
    ) -> list[Row]:
        """The deposit, if there is one."""
        return self._deposits.slice(*self._hour(end, filters), filters, offset, limit)

    @staticmethod
    def _hour(end: int | None, filters: Mapping[str, str]) -> tuple[int, int]:
        # Ids may have any number of digits.
        hour = min(max(Deposits.hour_of(filters["depositId"]), 0), LAST_HOUR)
        last = hour * HOUR + HOUR - 1
        return hour * HOUR, last if end is None else min(end, last)
