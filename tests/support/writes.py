"""Calls of write endpoints on a small sandbox, and their effects in its world."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.support.clocks import FakeClock
from tests.support.sandbox_env import SandboxEnv
from toolkit.api.writes.operations import Operations
from toolkit.endpoints import WRITES, WRITES_BY_NAME, Write
from toolkit.sandbox import World
from toolkit.sandbox.effects import Effect
from toolkit.sandbox.world.balances import Wallet
from toolkit.writes import Outcome, journal_store

NOW = FakeClock().time()
WRITE_NAMES = [write.qualified_name for write in WRITES]
MANUAL = [write.qualified_name for write in WRITES if not write.reconciliation.read]
RECONCILABLE = [write.qualified_name for write in WRITES if write.reconciliation.read]
# Anyone may have left the trace of these, so no read proves that they were executed.
TRACELESS = [
    write.qualified_name
    for write in WRITES
    if write.reconciliation.kind in ("new_account", "new_key", "changed")
]
REPEATABLE = [write.qualified_name for write in WRITES if write.repeatable]
# An error that does not rule out that the write was executed.
UNCLEAR = {
    "status": 503,
    "code": -1000,
    "message": "Unknown error, please check your request or try again later.",
}


def small_world() -> World:
    """A world to change, at the time at which the clock of a `SandboxEnv` starts."""
    return World(seed=7, now=NOW, sub_accounts=10, customers=10)


PRISTINE = small_world()
"""The same world, unchanged."""


@contextmanager
def memory_folder() -> Iterator[Path]:
    """A folder for a journal, in memory where possible: other tests check that it is on disk."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="journal-", dir=memory if memory.is_dir() else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def another_process() -> Iterator[None]:
    """Forget what this process remembers about journals, as in another process."""
    ours, journal_store._memory = journal_store._memory, journal_store.Memory()
    try:
        yield
    finally:
        journal_store._memory = ours


class WriteEnv:
    """A `SandboxEnv` with a small world of its own, and operations with a journal of their own.

    Args:
        folder: Folder of the journal.
        env: Further arguments of the `SandboxEnv`.
    """

    def __init__(self, folder: Path, **env: Any) -> None:
        self.folder = folder
        self.env = SandboxEnv(world=small_world(), **env)
        self.exchange = self.env.exchange
        self.world = self.env.sandbox.world
        self.faults = self.exchange.faults
        self.clock = self.env.clock
        self._operations: dict[tuple[str, str], Operations] = {}

    def operations(
        self, reader: str = "partner", writer: str | None = None, *, same_account: bool = False
    ) -> Operations:
        """Operations that read with one API key and write with another, by their names in the world."""
        names = reader, writer or reader
        if names not in self._operations:
            read, write = (self.world.keys[name] for name in names)
            link = self.env.link if reader == "partner" else self.env.new_link(read.key, read.secret)
            other = {} if names[0] == names[1] else {"key": write.key, "secret": write.secret}
            self._operations[names] = link.operations(journal=self.folder, same_account=same_account, **other)
        return self._operations[names]

    @property
    def ops(self) -> Operations:
        """Operations with the partner's key."""
        return self.operations()

    def fail(self, endpoint_name: str, kind: str, **options: Any) -> None:
        """Make the next call of an endpoint fail."""
        write = WRITES_BY_NAME[endpoint_name]
        self.faults.add(kind, path=write.path, method=write.method, **options)

    def sent(self, endpoint_name: str) -> int:
        """How many requests of an endpoint arrived."""
        write = WRITES_BY_NAME[endpoint_name]
        return sum((each.method, each.path) == (write.method, write.path) for each in self.exchange.log)

    def effects(self, endpoint_name: str) -> list[Effect]:
        """The effects of an endpoint."""
        return self.exchange.effects_of(endpoint_name)

    def close(self) -> None:
        self.env.close()


def operations_of(write_env: WriteEnv, endpoint_name: str) -> Operations:
    """Operations with the API key that may call an endpoint."""
    return write_env.operations(write_env.world.example_write(endpoint_name).key.name)


def example(world: World, endpoint_name: str) -> dict[str, Any]:
    """Arguments with which an endpoint succeeds."""
    return arguments_of(WRITES_BY_NAME[endpoint_name], world.example_write(endpoint_name).parameters)


def arguments_of(write: Write, sent: Mapping[str, str]) -> dict[str, Any]:
    """Python arguments for parameters of a request, with `confirm` where it is needed."""
    given: dict[str, Any] = {}
    for param in write.params:
        text = sent.get(param.field)
        if text is None or param.fixed is not None:
            continue
        if param.choices:
            given[param.name] = next(word for word, value in param.choices.items() if str(value) == text)
        elif param.kind == "flag":
            given[param.name] = text == "true"
        elif param.kind == "integer":
            given[param.name] = int(text)
        else:
            given[param.name] = text
    return given | ({"confirm": given[write.confirm]} if write.confirm in given else {})


def call(ops: Any, endpoint_name: str, given: Mapping[str, Any], **options: Any) -> Any:
    """Call an endpoint of `ops` or `ops.preview`."""
    system, _, name = endpoint_name.partition(".")
    return getattr(getattr(ops, system), name)(**given, **options)


def do(write_env: WriteEnv, endpoint_name: str, **change: Any) -> Outcome:
    """Call an endpoint with arguments that succeed, some of them changed."""
    given = example(write_env.world, endpoint_name) | change
    outcome: Outcome = call(operations_of(write_env, endpoint_name), endpoint_name, given)
    return outcome


def another(endpoint_name: str, given: Mapping[str, Any]) -> dict[str, Any] | None:
    """Arguments of another call about the same thing, None where there is none."""
    other = dict(given)
    for name, value in given.items():
        if name in WRITES_BY_NAME[endpoint_name].subject or name == "confirm":
            continue
        if isinstance(value, bool):
            return other | {name: not value}
        if isinstance(value, int):
            return other | {name: value + 1}
        if name in ("maker", "taker"):
            return other | {name: "0.0005"}
        if name == "addresses":
            return other | {name: "192.0.2.8"}
        if name == "customer_id":
            return other | {name: "someone-else"}
    return other if not WRITES_BY_NAME[endpoint_name].repeatable else None


# -- effects in the world -------------------------------------------------------------------------------

Holds = Callable[[World, Mapping[str, str]], bool]


def _account(world: World, sent: Mapping[str, str]) -> Any:
    return world.account(sent["subAccountId"])


def _key(world: World, sent: Mapping[str, str]) -> Any:
    return _account(world, sent).key(sent["subAccountApiKey"])


def _leg(account: str, wallet: Wallet) -> Holds:
    """Whether a wallet has exactly that much more than in an unchanged world."""

    def holds(world: World, sent: Mapping[str, str]) -> bool:
        before, now = (each.account(sent[account]) for each in (PRISTINE, world))
        assert before is not None
        assert now is not None
        held = [each.balances.wallets[wallet].get(sent["asset"], Decimal(0)) for each in (before, now)]
        more = held[1] - held[0]
        assert more in (0, Decimal(sent["amount"]))
        return more != 0

    return holds


def _named(world: World, sent: Mapping[str, str]) -> bool:
    return any(each.id == sent["customerId"] and each.email == sent["email"] for each in world.customers)


def _named_oneself(world: World, sent: Mapping[str, str]) -> bool:
    return world.customer.id == sent["customerId"]


def _adjusted(world: World, sent: Mapping[str, str]) -> bool:
    account = _account(world, sent)
    put = account.um_adjustment if "symbol" in sent else account.cm_adjustment
    return bool(
        put.get(sent.get("symbol", sent.get("pair")))
        == (int(sent["makerAdjustment"]), int(sent["takerAdjustment"]))
    )


HOLDS: Mapping[str, Holds] = {
    "exchange.create_sub_account": lambda world, sent: any(a.tag == sent["tag"] for a in world.accounts),
    "exchange.delete_sub_account": lambda world, sent: _account(world, sent) is None,
    "exchange.enable_futures": lambda world, sent: bool(_account(world, sent).futures),
    "exchange.create_api_key": lambda world, sent: any(
        key.update_time >= world.now_ms for key in _account(world, sent).keys
    ),
    "exchange.delete_api_key": lambda world, sent: _key(world, sent) is None,
    "exchange.set_permissions": lambda world, sent: (
        _key(world, sent).can_trade == (sent["canTrade"] == "true")
    ),
    "exchange.set_universal_transfer": lambda world, sent: bool(_key(world, sent).universal_transfer),
    "exchange.set_ip_restriction": lambda world, sent: sent["ipAddress"] in _key(world, sent).ip_list,
    "exchange.remove_addresses": lambda world, sent: sent["ipAddress"] not in _key(world, sent).ip_list,
    "exchange.set_spot_bnb_burn": lambda world, sent: (
        _account(world, sent).spot_burn == (sent["spotBNBBurn"] == "true")
    ),
    "exchange.set_interest_bnb_burn": lambda world, sent: (
        _account(world, sent).interest_burn == (sent["interestBNBBurn"] == "true")
    ),
    "exchange.transfer": _leg("toId", "spot"),
    "exchange.transfer_futures": _leg("toId", "um"),
    "exchange.universal_transfer": _leg("toId", "um"),
    "exchange.transfer_within": _leg("subAccountId", "um"),
    "exchange.set_commission": lambda world, sent: _account(world, sent).maker == 0.0008,
    "exchange.set_um_commission": _adjusted,
    "exchange.set_cm_commission": _adjusted,
    "spot.set_customer_id": _named,
    "spot.set_own_customer_id": _named_oneself,
    "futures.set_customer_id": _named,
    "futures.set_own_customer_id": _named_oneself,
    "portfolio.set_own_customer_id": _named_oneself,
}
